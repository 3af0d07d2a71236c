"""The lines that can be followed over time: one row for each month or quarter, or for each ending where they are rare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.measures.hours import cohort_weeks, counted_weeks
from iop_outcomes.measures.rows import Group, Row, interval_columns, moments_ratio, moments_share
from iop_outcomes.measures.sobriety import follow_milestone
from iop_outcomes.measures.wellbeing import read_improvement
from iop_outcomes.statistics import aalen_johansen, clustered_proportion
from iop_outcomes.vocabulary import AttendanceStatus, EndReason

Lazy = nw.LazyFrame[Any]
#: Day 0 of day numbers.
EPOCH = date(1970, 1, 1)
_COMPLETED = EndReason.codes().index("completed") + 1
_LOST = tuple(place for place in range(1, len(EndReason.codes()) + 1) if place != _COMPLETED)
#: Days since admission at which retention is read unless another is asked for.
_RETAINED_AT = 42
#: Days after the planned end by which completing is read.
_GRACE = 14
#: Days sober that are followed over time.
MILESTONE = 30


@dataclass(frozen=True)
class View:
    """A cohort seen by period: first day of each period (ISO) with its last, and the day the extract was made."""

    cohort: Cohort
    periods: dict[str, date]
    as_of: date
    at: int | None = None

    def place(self, frame: Lazy, day: nw.Expr) -> Lazy:
        """The rows of a frame whose day number falls in a period, with its first day as ``period``."""
        days = []
        for start, end in self.periods.items():
            begin = (date.fromisoformat(start) - EPOCH).days
            days += [{"day_number": number, "period": start} for number in range(begin, (end - EPOCH).days + 1)]
        calendar = self.cohort.records.lift(pd.DataFrame(days))
        return frame.with_columns(day.cast(nw.Int64).alias("day_number")).join(calendar, on="day_number", how="inner")

    def lines(self, frame: Lazy, day: nw.Expr, y: nw.Expr, x: nw.Expr) -> Iterator[tuple[str, pd.Series]]:
        """Moments of y and x by period, those with something to divide by."""
        table = reductions.moments(self.place(frame, day), ("period",), y, x).frame
        for _, line in table[table["sum_x"] > 0].iterrows():
            yield str(line["period"]), line

    def admitted(self) -> Lazy:
        """The stays admitted in a period."""
        return self.place(self.cohort.episodes, nw.col("admission_number"))

    def cohort_admitted(self) -> Cohort:
        """The cohort of those stays alone, with their ``period`` and what was recorded of them."""
        admitted = self.admitted()
        outcomes = self.cohort.outcomes.join(admitted.select("episode_id"), on="episode_id", how="semi")
        return replace(self.cohort, episodes=admitted, outcomes=outcomes, _kept={})

    def planned_day(self, grace: int = 0) -> int | None:
        """The day asked for, else the commonest planned length and some days of grace; none where no length is known."""
        if self.at is not None:
            return self.at
        lengths = reductions.episode_rows(self.cohort.episodes, "planned_days")["planned_days"].dropna()
        return None if lengths.empty else int(lengths.mode().iloc[0]) + grace

    def span(self, start: str, covered_to: date, admissions: bool = False) -> Row:
        """A period's days, and ``immature`` where the extract, or the cohort's admissions, do not cover it whole."""
        end = self.periods[start]
        edges = self.cohort.settings["admitted"] if admissions else ()
        first, last = (f"{edges[0]}-01-01"[:10], f"{edges[1]}-12-31"[:10]) if edges else ("", "9999")
        whole = end <= covered_to and first <= start and end.isoformat() <= last
        return {"period_start": start, "period_end": end.isoformat(), **({} if whole else {"status": "immature"})}


def _admissions(view: View) -> Iterator[Row]:
    found = reductions.counts(view.admitted(), "period").frame.set_index("period")
    for start, line in found.reindex(sorted(view.periods), fill_value=0).iterrows():
        span = view.span(str(start), view.as_of, admissions=True)
        if line["n"] or "status" not in span:  # a month without admissions is a real 0 where admissions were looked for
            columns = {"value": line["n"], "n": line["n"], "people": line["people"], "method": "count"}
            yield {**Group().row("admissions", "count", category="episodes", **columns), **span}


def _retained(view: View) -> Iterator[Row]:
    yield from _by_admission(view, "retained", _RETAINED_AT if view.at is None else view.at, _LOST)


def _completed(view: View) -> Iterator[Row]:
    day = view.planned_day(_GRACE)
    if day is not None:
        yield from _by_admission(view, "completed", day, (_COMPLETED,))


def _by_admission(view: View, what: str, at: int, causes: tuple[int, ...]) -> Iterator[Row]:
    """Who had ended their stay in one of these ways by a day (or, for retained, had not), by month of admission."""
    stays = reductions.episode_rows(view.admitted(), "person_id", "exit_day", "cause", "period")
    for row in _incidence(view, stays.rename(columns={"exit_day": "time"}), at, causes, [*_LOST, _COMPLETED]):
        if what == "retained":
            low, high, left = row["ci_low"], row["ci_high"], row["denominator"] - row["n"]
            row |= {"value": 1 - row["value"], "ci_low": 1 - high, "ci_high": 1 - low, "n": left}
        yield {**Group().row(what, "cumulative_incidence", category=what), **row}


def _milestone(view: View) -> Iterator[Row]:
    """Who had reached 30 days sober, unknown days bridged, by a day, by month of admission."""
    day = view.planned_day()
    stays = None if day is None else follow_milestone(view.cohort_admitted(), MILESTONE, day, "period")
    if day is None or stays is None:
        return
    for row in _incidence(view, stays, day, (1,), [1, 2]):
        yield {**Group().row("milestone_bridged", "cumulative_incidence", category=str(MILESTONE)), **row}


def _incidence(
    view: View, stays: pd.DataFrame, at: int, causes: tuple[int, ...], known: list[int]
) -> Iterator[dict[str, Any]]:
    """Of the stays admitted in each period, those that ``time`` and ``cause`` say had one of these ends by a day."""
    for start, part in stays.groupby("period"):
        fit = aalen_johansen(part["time"], part["cause"], cluster=part["person_id"].to_numpy(), causes=known)
        point = fit.at(at, *causes)
        value, low, high, n = (float(number) for number in (point.value, point.low, point.high, point.events))
        span = view.span(str(start), view.as_of - timedelta(days=at), admissions=True)
        if np.isnan(value):
            span = {**span, "status": "immature"}
        limits = {"ci_low": low, "ci_high": high, "conf_level": point.conf_level, "method": point.method}
        counts = {"n": n, "denominator": len(part), "people": part["person_id"].nunique()}
        yield {"at": at, "value": value, **limits, **counts, **span}


def _improved(view: View) -> Iterator[Row]:
    """Of those with a baseline on the first scale with a known reliable change, who improved by it, by month of admission."""
    found = read_improvement(view.cohort_admitted(), "period")
    if found is None:
        return
    scale, stays = found
    day = view.planned_day() or 0
    for start, part in stays.groupby("period"):
        people = part.groupby("person_id")["improved"].agg(["sum", "size"]).astype("float64")
        y, x = people["sum"].to_numpy(), people["size"].to_numpy()
        share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(people))
        counts = {"n": float(y.sum()), "denominator": len(part), "people": len(people)}
        row = Group().row("reliable_improvement", "proportion", category=f"{scale}/improved", **counts)
        span = view.span(str(start), view.as_of - timedelta(days=day), admissions=True)
        yield {**row, **interval_columns(share), **span}


def _weeks_met(view: View) -> Iterator[Row]:
    weeks = counted_weeks(view.cohort)
    for start, line in view.lines(weeks, nw.col("week_start"), nw.col("met"), nw.lit(1)):
        row = Group().row("requirement_met", "proportion", category="all", **moments_share(line))
        yield {**row, **view.span(start, view.as_of - timedelta(days=6))}


def _hours_enrolled(view: View) -> Iterator[Row]:
    weeks = cohort_weeks(view.cohort).filter(nw.col("days_enrolled") > 0)
    required = nw.col("required") * nw.col("days_enrolled") / 7
    for start, line in view.lines(weeks, nw.col("week_start"), nw.col("attended"), required):
        row = Group().row("hours_completion_enrolled", "ratio", category="all", **moments_ratio(line))
        yield {**row, **view.span(start, view.as_of - timedelta(days=6))}


def _no_show(view: View) -> Iterator[Row]:
    sessions = reductions.placed_sessions(view.cohort.episodes, view.cohort.attendance, "admission_number")
    unplaced = reductions.counts(sessions.filter(nw.col("session_day").is_null())).frame["n"].iloc[0]
    day = nw.col("admission_number") + nw.col("session_day")
    missed = nw.col("status") == str(AttendanceStatus.NO_SHOW)
    for start, line in view.lines(sessions, day, missed, nw.lit(1)):
        columns = {"category": "no_show", "n_missing": unplaced, **moments_share(line)}
        yield {**Group().row("session_status", "proportion", **columns), **view.span(start, view.as_of)}


def _ended(reason: str) -> Callable[[View], Iterator[Row]]:
    """Of the stays that ended in a period, the share that ended this way."""

    def list_rows(view: View) -> Iterator[Row]:
        ended = view.cohort.episodes.filter(nw.col("cause") > 0)
        for start, line in view.lines(ended, _exit_day(), nw.col("end_reason") == reason, nw.lit(1)):
            row = Group().row(f"{reason}_share", "proportion", category=reason, **moments_share(line))
            yield {**row, **view.span(start, view.as_of)}

    return list_rows


def list_gaps(view: View, reason: str, between: str) -> Iterator[Row]:
    """One row for each day on which a stay ended this way and the day of the one before it.

    ``between`` is ``days``, or ``endings``: the stays that ended otherwise after the first day up to the second. Several
    such endings on one day are one event of the chart; ``n`` says how many. The time since the last one, which is not
    over, is ``immature``.
    """
    ended = view.cohort.episodes.filter(nw.col("cause") > 0).with_columns(
        _exit_day().cast(nw.Int64).alias("day"), (nw.col("end_reason") == reason).cast(nw.Int64).alias("event")
    )
    edges = date.fromisoformat(min(view.periods)), min(max(view.periods.values()), view.as_of)
    first, last = ((day - EPOCH).days for day in edges)
    inside = ended.filter((nw.col("day") >= first) & (nw.col("day") <= last))
    table = reductions.counts(inside, "day", "event").frame
    events = table[table["event"] == 1].set_index("day")
    others = table[table["event"] == 0].set_index("day")["n"]
    days = [int(day) for day in events.index]
    counted = {name: dict(zip(days, events[name].to_numpy(dtype="float64"), strict=True)) for name in ("n", "people")}
    for before, day in zip(days, [*days[1:], None], strict=False):
        end = last if day is None else day
        value = end - before if between == "days" else others[(others.index > before) & (others.index <= end)].sum()
        row = Group().row(f"{reason}_{between}_between", "count", category=reason, value=float(value), method="count")
        row["period_start"], row["period_end"] = _iso(before), _iso(end)
        yield {**row, **({"status": "immature"} if day is None else {name: counted[name][day] for name in counted})}


def _iso(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _exit_day() -> nw.Expr:
    return nw.col("admission_number") + nw.col("exit_day")


#: Endings that may be so rare that a chart counts what lies between them.
RARE: tuple[str, ...] = ("terminated", "died")

#: What can be followed over time.
PERIOD_MEASURES: dict[str, Callable[[View], Iterator[Row]]] = {
    "admissions": _admissions,
    "retained": _retained,
    "completed": _completed,
    "milestone": _milestone,
    "improved": _improved,
    "requirement_met": _weeks_met,
    "hours_completion_enrolled": _hours_enrolled,
    "no_show": _no_show,
    **{reason: _ended(reason) for reason in RARE},
}
