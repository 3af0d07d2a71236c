"""Retention and endings: who is still here, who completed, who left and when (definitions.md §2).

Everything comes from one Aalen–Johansen fit per group on exact whole days, people as clusters, so that at every day the
endings and *still in programme* add to 1. One minus Kaplan–Meier with completers censored is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, split_groups
from iop_outcomes.statistics import (
    CurvePoints,
    IncidenceCurves,
    Interval,
    aalen_johansen,
    kaplan_meier,
    restricted_mean,
    restricted_mean_lost,
)
from iop_outcomes.vocabulary import EARLY_ENDINGS, EndReason

_CAUSES = {reason: position for position, reason in enumerate(EndReason.codes(), start=1)}
_EARLY = tuple(_CAUSES[str(reason)] for reason in EARLY_ENDINGS)
_NOT_RETAINED = tuple(position for reason, position in _CAUSES.items() if reason != EndReason.COMPLETED)

#: Days shown unless others are asked for; the planned length is added.
DEFAULT_DAYS: tuple[int, ...] = (7, 14, 30, 60, 90)


def measure_retention(
    cohort: Cohort, *, at: Sequence[int] | None = None, by: str | None = None, tau: int | None = None
) -> Estimates:
    """How many people are still in the programme or have completed it, and how many left before completing?

    ``at`` are days since admission (default: 7, 14, 30, 60, 90 and the horizon). ``by`` groups by a column of the cohort.
    ``tau`` is the horizon of the restricted means in days (default: the cohort's commonest planned length). Rows:
    in_programme, retained and lost_early at each day; mean_days_in_programme and mean_days_lost up to tau; median_stay;
    re_presentation 180 days after completing.
    Intervals are log-log for shares and normal for means, with people as clusters.

    Raises :class:`UsageError` for a group the cohort does not have.
    """
    check_group(by, cohort.groups)
    frame = _stays(cohort, by)
    horizon = tau or _planned(frame)
    days = sorted({*DEFAULT_DAYS, horizon} if at is None else set(at))
    rows: list[Row] = []
    for group, part in split_groups(frame, by):
        if part.empty:
            continue
        fit = _fit(part)
        people = part["person_id"].nunique()
        for row in [*_shares_at(group, fit, part, days), *_means(group, fit, part, horizon)]:
            rows.append({**row, "denominator": len(part), "people": people})
    readmitted = _completers(cohort, by)
    for group, part in split_groups(readmitted, by):
        if len(part):
            rows.append(_readmitted(group, part))
    return Estimates.from_rows(rows, cohort.settings)


def measure_endings(
    cohort: Cohort,
    *,
    at: Sequence[int] | None = None,
    by: str | None = None,
    until: int | None = None,
    every: int = 7,
    combine: bool = False,
) -> Estimates:
    """By when had people left, and for which reason?

    ``until`` is the last day of the grid (default: the commonest planned length and two weeks), ``every`` its step;
    ``at`` names the days instead.
    With ``combine`` the reasons are put together as completed, left early (left before completing or ended by the
    programme) and other endings, which is what small programmes can publish. The categories and ``in_programme`` add
    to 1 on every day. ``at_risk`` rows count the people in view.
    """
    check_group(by, cohort.groups)
    frame = _stays(cohort, by)
    last = until or _planned(frame) + 14
    grid = np.arange(0, last + 1, every) if at is None else np.array(sorted(set(at)))
    parts: dict[str, tuple[int, ...]] = {reason: (position,) for reason, position in _CAUSES.items()}
    if combine:
        rest = tuple(place for place in _NOT_RETAINED if place not in _EARLY)
        parts = {"completed": (_CAUSES["completed"],), "lost_early": _EARLY, "other_endings": rest}
    rows: list[Row] = []
    for group, part in split_groups(frame, by):
        if part.empty:
            continue
        fit = _fit(part)
        shared = {"denominator": len(part), "people": part["person_id"].nunique()}
        unseen = _unseen(part, grid)
        for category, causes in parts.items():
            points = fit.at(grid, *causes)
            for place, row in enumerate(_point_rows(group, "ending", "cumulative_incidence", category, points)):
                rows.append({**row, **shared, "n_missing": unseen[place]})
        inside = fit.at(grid)
        for place, row in enumerate(_point_rows(group, "ending", "survival", "in_programme", inside)):
            stayed = len(part) - row["n"]
            rows.append({**row, **shared, "n": stayed, "n_missing": unseen[place]})
        risk = np.asarray(inside.at_risk)
        for place, day in enumerate(grid):
            count = float(risk[place])
            rows.append(group.row("at_risk", "count", category="at_risk", at=day, value=count, n=count, method="count"))
    return Estimates.from_rows(rows, cohort.settings)


def _stays(cohort: Cohort, by: str | None) -> pd.DataFrame:
    columns = ["person_id", "exit_day", "cause", "planned_days", *([by] if by else [])]
    return reductions.episode_rows(cohort.episodes, *columns)


def _planned(frame: pd.DataFrame) -> int:
    lengths = frame["planned_days"].dropna()
    return int(lengths.mode().iloc[0]) if len(lengths) else 56


def _fit(part: pd.DataFrame) -> IncidenceCurves:
    return aalen_johansen(
        part["exit_day"].to_numpy(),
        part["cause"].to_numpy(),
        cluster=part["person_id"].to_numpy(),
        causes=list(_CAUSES.values()),
    )


def _unseen(part: pd.DataFrame, days: Sequence[int] | np.ndarray) -> list[int]:
    """How many people were still in the programme when last seen, before each day."""
    last_seen = part.loc[part["cause"] == 0, "exit_day"].to_numpy()
    return [int((last_seen < day).sum()) for day in days]


def _point_rows(group: Group, definition: str, estimand: str, category: str, points: CurvePoints) -> Iterator[Row]:
    for place, day in enumerate(np.atleast_1d(points.day)):
        interval = Interval(
            np.atleast_1d(points.value)[place],
            np.atleast_1d(points.low)[place],
            np.atleast_1d(points.high)[place],
            points.conf_level,
            points.method,
        )
        columns = interval_columns(interval)
        if columns.get("status"):
            columns["note"] = "nobody was followed to this day"
        yield group.row(
            definition, estimand, category=category, at=day, n=np.atleast_1d(points.events)[place], **columns
        )


def _shares_at(group: Group, fit: IncidenceCurves, part: pd.DataFrame, days: list[int]) -> Iterator[Row]:
    unseen = _unseen(part, days)
    for place, row in enumerate(_point_rows(group, "in_programme", "survival", "in_programme", fit.at(days))):
        yield {**row, "n": len(part) - row["n"], "n_missing": unseen[place]}
    lost = fit.at(days, *_EARLY)
    for place, row in enumerate(_point_rows(group, "lost_early", "cumulative_incidence", "lost_early", lost)):
        yield {**row, "n_missing": unseen[place]}
    gone = fit.at(days, *_NOT_RETAINED)
    kept = CurvePoints(
        gone.day,
        1 - np.asarray(gone.value),
        gone.std_error,
        1 - np.asarray(gone.high),
        1 - np.asarray(gone.low),
        gone.at_risk,
        gone.events,
        gone.conf_level,
        gone.method,
    )
    for place, row in enumerate(_point_rows(group, "retained", "cumulative_incidence", "retained", kept)):
        yield {**row, "n": len(part) - row["n"], "n_missing": unseen[place]}


def _means(group: Group, fit: IncidenceCurves, part: pd.DataFrame, tau: int) -> Iterator[Row]:
    unseen = _unseen(part, [tau])[0]
    inside = interval_columns(restricted_mean(fit, tau))
    yield group.row("mean_days_in_programme", "restricted_mean", at=tau, n=len(part), n_missing=unseen, **inside)
    for reason, position in _CAUSES.items():
        lost = interval_columns(restricted_mean_lost(fit, tau, position))
        events = float(fit.curve(position).at(tau).events)
        yield group.row(
            "mean_days_lost", "restricted_mean_lost", category=reason, at=tau, n=events, n_missing=unseen, **lost
        )
    median = fit.still_in.quantile(0.5)
    columns = interval_columns(median)
    if columns.get("status"):
        columns["status"] = "not_reached"
    yield group.row("median_stay", "median", n=float((part["cause"] > 0).sum()), **columns)


def _completers(cohort: Cohort, by: str | None, window: int = 180, pathway: int = 14) -> pd.DataFrame:
    """Days from completing to the person's next pathway, or to the last day seen, up to the window.

    A pathway chains a person's episodes, of any level and programme, that begin within ``pathway`` days of the last exit.
    """
    columns = ["person_id", "person_day", "discharge_day", "observed_day", "end_reason", *([by] if by else [])]
    mine = reductions.episode_rows(cohort.episodes, *columns)
    mine = mine[mine["end_reason"] == str(EndReason.COMPLETED)].dropna(subset=["person_day", "discharge_day"]).copy()
    mine["left_on"] = (mine["person_day"] + mine["discharge_day"]).astype("int64")
    mine["from_day"] = mine["left_on"] + pathway + 1
    every = reductions.episode_rows(cohort.records.episodes, "person_id", "person_day", "discharge_day")
    every = every.dropna(subset=["person_day"]).sort_values(["person_id", "person_day"])
    end = (every["person_day"] + every["discharge_day"]).astype("float64").fillna(np.inf)
    latest = end.groupby(every["person_id"]).cummax().groupby(every["person_id"]).shift()
    every = every[latest.isna() | (every["person_day"] - latest > pathway)]
    every = every.assign(from_day=every["person_day"].astype("int64"), next_day=every["person_day"].astype("int64"))
    found = pd.merge_asof(
        mine.sort_values("from_day"),
        every.sort_values("from_day")[["person_id", "from_day", "next_day"]],
        on="from_day",
        by="person_id",
        direction="forward",
    )
    followed = (found["observed_day"] - found["discharge_day"]).clip(lower=0)
    gap = found["next_day"] - found["left_on"]
    found["event"] = (gap <= window).fillna(False) & (gap <= followed)
    found["time"] = np.where(found["event"], gap, np.minimum(followed, window)).astype("float64")
    found["followed"] = followed
    return found.sort_values("episode_id", ignore_index=True)


def _readmitted(group: Group, part: pd.DataFrame, window: int = 180) -> Row:
    curve = kaplan_meier(part["time"].to_numpy(), part["event"].to_numpy(), cluster=part["person_id"].to_numpy())
    point = curve.at(window)
    share = Interval(
        1 - float(point.value), 1 - float(point.high), 1 - float(point.low), point.conf_level, point.method
    )
    return group.row(
        "re_presentation",
        "cumulative_incidence",
        category="re_presentation",
        at=window,
        n=float(part["event"].sum()),
        denominator=len(part),
        people=part["person_id"].nunique(),
        n_missing=int((~part["event"] & (part["followed"] < window)).sum()),
        **interval_columns(share),
    )
