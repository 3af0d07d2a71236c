"""Retention and endings: who is still here, who completed, who left and when (docs/definitions/retention.md).

Everything comes from one Aalen–Johansen fit per group on exact whole days, people as clusters, so that at every day the
endings and *still in programme* add to 1. One minus Kaplan–Meier with completers censored is not offered. People already
in the programme when the records begin enter the curves on the day they came into view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.pathways import readmission_rows
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, split_groups
from iop_outcomes.measures.stays import (
    CAUSES,
    DEFAULT_DAYS,
    EARLY,
    NOT_RETAINED,
    count_unseen,
    fit_endings,
    planned_length,
    read_stays,
    say_unknown,
)
from iop_outcomes.statistics import (
    CurvePoints,
    IncidenceCurves,
    Interval,
    restricted_mean,
    restricted_mean_lost,
)


def measure_retention(
    cohort: Cohort, *, at: Sequence[int] | None = None, by: str | None = None, tau: int | None = None
) -> Estimates:
    """How many people are still in the programme or have completed it, and how many left before completing?

    ``at`` are days since admission (default: 7, 14, 30, 60, 90 and the horizon). ``by`` groups by a column of the cohort.
    ``tau`` is the horizon of the restricted means in days (default: the cohort's commonest planned length). Rows:
    in_programme, retained and lost_early at each day; mean_days_in_programme and mean_days_lost up to tau; median_stay;
    re_presentation 180 days after completing (``return_days`` of the settings).
    Intervals are log-log for shares and normal for means, with people as clusters.

    Raises :class:`UsageError` for a group the cohort does not have.
    """
    check_group(by, cohort.groups)
    frame = read_stays(cohort, *([by] if by else []))
    horizon = tau or planned_length(frame)
    days = sorted({*DEFAULT_DAYS, horizon} if at is None else set(at))
    rows: list[Row] = []
    for group, part in split_groups(frame, by):
        if part.empty:
            continue
        fit = fit_endings(part)
        rows += [*share_rows(group, fit, part, days), *_means(group, fit, part, horizon)]
    rows += readmission_rows(cohort, by)
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
    frame = read_stays(cohort, *([by] if by else []))
    last = until or planned_length(frame) + 14
    grid = np.arange(0, last + 1, every) if at is None else np.array(sorted(set(at)))
    parts: dict[str, tuple[int, ...]] = {reason: (position,) for reason, position in CAUSES.items()}
    if combine:
        rest = tuple(place for place in NOT_RETAINED if place not in EARLY)
        parts = {"completed": (CAUSES["completed"],), "lost_early": EARLY, "other_endings": rest}
    rows: list[Row] = []
    for group, part in split_groups(frame, by):
        if part.empty:
            continue
        fit = fit_endings(part)
        shown = _Shown(_of(group, part), count_unseen(part, grid), say_unknown(fit.still_in))
        for category, causes in parts.items():
            rows += shown.rows("ending", "cumulative_incidence", category, fit.at(grid, *causes))
        inside = fit.at(grid)
        for row in shown.rows("ending", "survival", "in_programme", inside):
            rows.append({**row, "n": len(part) - row["n"]})
        risk = np.asarray(inside.at_risk)
        for place, day in enumerate(grid):
            count = float(risk[place])
            rows.append(group.row("at_risk", "count", category="at_risk", at=day, value=count, n=count, method="count"))
    return Estimates.from_rows(rows, cohort.settings)


@dataclass(frozen=True)
class _Shown:
    """What the rows of a group's curves share on some days: the group, who is unseen by day, why a value is missing."""

    group: Group
    unseen: list[int]
    unknown: str

    def rows(self, definition: str, estimand: str, category: str, points: CurvePoints) -> Iterator[Row]:
        """A row for each day of a curve."""
        for place, day in enumerate(np.atleast_1d(points.day)):
            value, low, high, events = (
                np.atleast_1d(column)[place] for column in (points.value, points.low, points.high, points.events)
            )
            columns = interval_columns(Interval(value, low, high, points.conf_level, points.method))
            if columns.get("status"):
                columns["note"] = self.unknown
            yield self.group.row(
                definition, estimand, category=category, at=day, n=events, n_missing=self.unseen[place], **columns
            )


def _of(group: Group, part: pd.DataFrame) -> Group:
    """The group with its episodes and people, which all its rows share."""
    return replace(group, shared={"denominator": len(part), "people": part["person_id"].nunique()})


def share_rows(group: Group, fit: IncidenceCurves, part: pd.DataFrame, days: Sequence[int]) -> Iterator[Row]:
    """In programme, lost early and retained on each day, from the curves of a group's stays."""
    shown = _Shown(_of(group, part), count_unseen(part, days), say_unknown(fit.still_in))
    for row in shown.rows("in_programme", "survival", "in_programme", fit.at(days)):
        yield {**row, "n": len(part) - row["n"]}
    yield from shown.rows("lost_early", "cumulative_incidence", "lost_early", fit.at(days, *EARLY))
    gone = fit.at(days, *NOT_RETAINED)
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
    for row in shown.rows("retained", "cumulative_incidence", "retained", kept):
        yield {**row, "n": len(part) - row["n"]}


def _means(group: Group, fit: IncidenceCurves, part: pd.DataFrame, tau: int) -> Iterator[Row]:
    group = _of(group, part)
    unseen = count_unseen(part, [tau])[0]
    inside = interval_columns(restricted_mean(fit, tau))
    yield group.row("mean_days_in_programme", "restricted_mean", at=tau, n=len(part), n_missing=unseen, **inside)
    for reason, position in CAUSES.items():
        lost = interval_columns(restricted_mean_lost(fit, tau, position))
        events = float(fit.curve(position).at(tau).events)
        yield group.row(
            "mean_days_lost", "restricted_mean_lost", category=reason, at=tau, n=events, n_missing=unseen, **lost
        )
    median = fit.still_in.quantile(0.5)
    columns = interval_columns(median)
    if columns.get("status") and fit.still_in.followed_to >= fit.time[-1]:
        columns["status"] = "not_reached"
    yield group.row("median_stay", "median", n=float((part["cause"] > 0).sum()), **columns)
