"""Family sessions and what came after them: a landmark analysis (docs/definitions/landmark.md).

"Ever attended a family session" cannot be compared with "never": whoever stays longer has more days on which to attend
one, so that those who did have stayed longer with no effect at all (immortal time). Here everybody is looked at on one
day, the landmark; who is still there is grouped by what had happened by then, and followed from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, Row, interval_columns, split_groups
from iop_outcomes.statistics import CurvePoints, IncidenceCurves, aalen_johansen, clustered_proportion, curve_difference
from iop_outcomes.vocabulary import AttendanceStatus, EndReason, ServiceType

#: What may be compared from the landmark on.
OUTCOMES: tuple[str, ...] = ("retained", "completed")
_COMPLETED, _OTHERWISE = 1, 2


def measure_landmark(
    cohort: Cohort,
    *,
    service: str = "family",
    landmark: int = 30,
    least: int = 1,
    outcome: str = "retained",
    until: int = 60,
) -> Estimates:
    """Of the people still in the programme on one day, do those who had attended family sessions stay more often?

    ``landmark`` is the day since admission on which everybody is grouped by at least ``least`` attended sessions of a
    ``service`` type up to that day, a session without a date counting on the last day of its week. ``outcome`` is
    ``"retained"`` (in the programme or completed) or ``"completed"``, ``until`` days after the landmark (``at``). Rows:
    landmark_view (who had left before it, who was not in view on it, who is compared; of everyone admitted);
    landmark_retained or landmark_completed for everyone compared and both groups, by Aalen–Johansen with people as
    clusters; their difference, with the covariance of people who are in both. It describes; it does not say that the
    sessions brought it about, for whoever comes with family may differ in much else.

    Raises :class:`UsageError` for a service type or outcome it does not know, or a number below its least.

    Source: Anderson, Cain and Gelber 1983, doi:10.1200/JCO.1983.1.11.710.
    """
    if service not in ServiceType.codes():
        raise UsageError(f"service is one of {', '.join(ServiceType.codes())}")
    if outcome not in OUTCOMES:
        raise UsageError(f"outcome is one of {', '.join(OUTCOMES)}")
    if landmark < 1 or least < 1 or until < 1:
        raise UsageError("landmark, least and until are whole numbers of 1 or more")
    stays = reductions.episode_rows(cohort.episodes, "person_id", "exit_day", "cause", "end_reason", "entry_day")
    stays = stays.assign(view=_views(stays, landmark))
    stays["attended"] = stays["episode_id"].map(_attended_by(cohort, service, landmark)).fillna(0).astype("int64")
    rows = list(_view_rows(stays, landmark))
    compared = stays[stays["view"] == "compared"]
    if len(compared):
        with_them, without = f"at least {least}", "none" if least == 1 else f"fewer than {least}"
        label = f"{service}_sessions"
        groups = compared.assign(**{label: np.where(compared["attended"] >= least, with_them, without)})
        rows += _compared_rows(groups, label, (with_them, without), outcome, landmark, until)
    return Estimates.from_rows(rows, {**cohort.settings, "landmark": landmark})


def _views(stays: pd.DataFrame, landmark: int) -> np.ndarray:
    """Whether each stay is compared from the landmark on; an exit on the day itself is one before it."""
    gone = (stays["cause"] > 0) & (stays["exit_day"] <= landmark)
    unseen = (stays["exit_day"] < landmark) | (stays["entry_day"] > landmark)
    return np.select([gone, unseen], ["left_before", "not_in_view"], "compared")


def _attended_by(cohort: Cohort, service: str, day: int) -> pd.Series:
    """How many sessions of the type each episode had attended by a day."""
    came = (nw.col("status") == str(AttendanceStatus.ATTENDED)) & (nw.col("service_type") == service)
    placed = reductions.placed_sessions(cohort.episodes, cohort.attendance.filter(came))
    sessions = placed.filter(nw.col("session_day") <= day).select("episode_id", nw.lit(1).alias("one"))
    counted = reductions.collect(sessions.group_by("episode_id").agg(nw.col("one").sum()))
    return counted.set_index("episode_id")["one"].astype("float64")


def _view_rows(stays: pd.DataFrame, landmark: int) -> Iterator[Row]:
    """Nobody is dropped silently: who had left, who was not in view, who is compared."""
    sizes = stays.groupby("person_id").size()
    x = sizes.to_numpy(dtype="float64")
    for view in ("left_before", "not_in_view", "compared"):
        inside = stays["view"] == view
        y = inside.groupby(stays["person_id"]).sum().reindex(sizes.index).to_numpy(dtype="float64")
        share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(x))
        yield Group().row(
            "landmark_view",
            "proportion",
            category=view,
            at=landmark,
            n=int(inside.sum()),
            denominator=len(stays),
            people=len(x),
            **interval_columns(share),
        )


def _compared_rows(
    compared: pd.DataFrame, label: str, sides: tuple[str, str], outcome: str, landmark: int, until: int
) -> Iterator[Row]:
    """The share of everyone compared and of both groups, and by how much they differ."""
    definition = f"landmark_{outcome}"
    shared = {"category": f"from_day_{landmark}", "at": until}
    fits: dict[str | None, IncidenceCurves] = {}
    for group, part in split_groups(compared, label):
        fit = fits[group.group] = _fit(part, landmark)
        point = _share(fit, outcome, until)
        events = float(fit.at(until, _counted(outcome)).events)
        since = part.loc[part["cause"] == 0, "exit_day"] - landmark
        yield group.row(
            definition,
            "cumulative_incidence",
            n=len(part) - events if outcome == "retained" else events,
            denominator=len(part),
            people=part["person_id"].nunique(),
            n_missing=int((since < until).sum()),
            **shared,
            **interval_columns(point),
        )
    if not all(side in fits for side in sides):
        return
    first, second = (fits[side].curve(_counted(outcome)) for side in sides)
    if outcome == "retained":  # in the programme or completed is whatever is left of the other endings
        first, second = second, first
    apart = interval_columns(curve_difference(first, second, until))
    people = {"denominator": len(compared), "people": compared["person_id"].nunique()}
    group = Group(label, sides[0], {"reference": sides[1]})
    yield group.row(definition, "difference", **shared, **people, **apart)


def _fit(part: pd.DataFrame, landmark: int) -> IncidenceCurves:
    completed = (part["end_reason"] == str(EndReason.COMPLETED)).to_numpy()
    cause = np.where(part["cause"] == 0, 0, np.where(completed, _COMPLETED, _OTHERWISE))
    since = part["exit_day"].to_numpy(dtype="float64") - landmark
    people = part["person_id"].to_numpy()
    return aalen_johansen(since, cause, cluster=people, causes=[_COMPLETED, _OTHERWISE])


def _counted(outcome: str) -> int:
    """The ending whose incidence is read: completing, or for ``retained`` every other."""
    return _COMPLETED if outcome == "completed" else _OTHERWISE


def _share(fit: IncidenceCurves, outcome: str, until: int) -> CurvePoints:
    point = fit.at(until, _counted(outcome))
    if outcome == "completed":
        return point
    return replace(point, value=1 - point.value, low=1 - point.high, high=1 - point.low)
