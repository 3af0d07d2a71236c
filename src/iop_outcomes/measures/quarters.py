"""One figure over time: months or quarters, with the limits of an XmR chart and its signals (definitions.md §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.hours import cohort_weeks
from iop_outcomes.measures.library import find_definition
from iop_outcomes.measures.rows import Group, Row, moments_ratio, moments_share
from iop_outcomes.statistics import XmrChart, aalen_johansen, xmr_chart
from iop_outcomes.vocabulary import AttendanceStatus, EndReason

Lazy = nw.LazyFrame[Any]
_EPOCH = date(1970, 1, 1)
_COMPLETED = EndReason.codes().index("completed") + 1


def measure_by_period(
    cohort: Cohort,
    what: str,
    *,
    period: str = "month",
    since: str | None = None,
    until: str | None = None,
    at: int = 42,
) -> Estimates:
    """Has this figure really changed, or is it ordinary variation?

    ``what`` is one of ``admissions``, ``retained`` (at day ``at``, by month of admission), ``requirement_met``,
    ``hours_completion_enrolled`` (by month in which the week began), ``no_show`` (by month of the session).
    ``period`` is ``month`` or ``quarter``; ``since`` and ``until`` are the first and last day shown (default: the first
    admission and the as-of date). A cohort without an admission window shows whole caseloads from the start. Periods that the
    extract does not cover whole are ``immature`` and stand outside the limits. The rows of one line are followed by
    three ``center_line`` rows (centre, lower, upper: mean ± 2.66 × mean moving range), unless no two neighbours are
    known; a period with a signal says so in ``note``. Records without dates have no periods and the result is empty.

    Raises :class:`UsageError` for a word it does not know.
    """
    if what not in PERIOD_MEASURES:
        raise UsageError(f"what is one of {', '.join(PERIOD_MEASURES)}")
    if period not in ("month", "quarter"):
        raise UsageError("period is 'month' or 'quarter'")
    as_of = cohort.records.manifest.as_of
    first = reductions.collect(cohort.episodes.select(nw.col("admission_number").min().alias("first")))["first"].iloc[0]
    if as_of is None or pd.isna(first):
        return Estimates.from_rows([], cohort.settings)
    last = min(date.fromisoformat(until), as_of) if until else as_of
    start = max(_EPOCH + timedelta(days=int(first)), date.fromisoformat(since) if since else date.min)
    periods = list_periods(start, last, period)
    if not periods:
        return Estimates.from_rows([], cohort.settings)
    calendar = cohort.records.lift(_calendar(periods))
    lines = list(PERIOD_MEASURES[what](cohort, calendar, at, as_of, dict(periods)))
    return Estimates.from_rows(_with_limits(lines, periods), cohort.settings)


def list_periods(first: date, last: date, period: str) -> list[tuple[str, date]]:
    """First day (ISO) and last day of every whole month or quarter that begins between two days."""
    months = 1 if period == "month" else 3
    start = date(first.year, first.month if months == 1 else first.month - (first.month - 1) % 3, 1)
    periods = []
    while start <= last:
        after = start.month - 1 + months
        following = date(start.year + after // 12, after % 12 + 1, 1)
        periods.append((start.isoformat(), following - timedelta(days=1)))
        start = following
    return periods


def _calendar(periods: list[tuple[str, date]]) -> pd.DataFrame:
    rows = []
    for start, end in periods:
        begin = (date.fromisoformat(start) - _EPOCH).days
        rows += [{"day_number": number, "period": start} for number in range(begin, (end - _EPOCH).days + 1)]
    return pd.DataFrame(rows)


def _placed(frame: Lazy, calendar: Lazy, day: nw.Expr) -> Lazy:
    return frame.with_columns(day.cast(nw.Int64).alias("day_number")).join(calendar, on="day_number", how="inner")


def _admissions(cohort: Cohort, calendar: Lazy, at: int, as_of: date, periods: dict[str, date]) -> Iterator[Row]:
    admitted = _placed(cohort.episodes, calendar, nw.col("admission_number"))
    found = reductions.counts(admitted, "period").frame.set_index("period")
    for start, line in found.reindex(sorted(periods), fill_value=0).iterrows():
        span = _span(start, periods, as_of, cohort)
        if line["n"] or "status" not in span:  # a month without admissions is a real 0 where admissions were looked for
            columns = {"value": line["n"], "n": line["n"], "people": line["people"], "method": "count"}
            yield {**Group().row("admissions", "count", category="episodes", **columns), **span}


def _retained(cohort: Cohort, calendar: Lazy, at: int, as_of: date, periods: dict[str, date]) -> Iterator[Row]:
    admitted = _placed(cohort.episodes, calendar, nw.col("admission_number"))
    stays = reductions.episode_rows(admitted, "person_id", "exit_day", "cause", "period")
    lost = [place for place in range(1, len(EndReason.codes()) + 1) if place != _COMPLETED]
    for start, part in stays.groupby("period"):
        fit = aalen_johansen(
            part["exit_day"], part["cause"], cluster=part["person_id"].to_numpy(), causes=[*lost, _COMPLETED]
        )
        gone = fit.at(at, *lost)
        span = _span(start, periods, as_of - timedelta(days=at), cohort)
        shared = {
            "category": "retained",
            "at": at,
            "n": len(part) - float(gone.events),
            "denominator": len(part),
            "people": part["person_id"].nunique(),
        }
        if np.isnan(float(gone.value)):
            span = {**span, "status": "immature"}
        value = {
            "value": 1 - float(gone.value),
            "ci_low": 1 - float(gone.high),
            "ci_high": 1 - float(gone.low),
            "conf_level": gone.conf_level,
            "method": gone.method,
        }
        yield {**Group().row("retained", "cumulative_incidence", **shared, **value), **span}


def _weeks_met(cohort: Cohort, calendar: Lazy, at: int, as_of: date, periods: dict[str, date]) -> Iterator[Row]:
    weeks = cohort_weeks(cohort).filter((nw.col("complete") == 1) & (nw.col("open") == 1))
    met = nw.col("attended") + 1e-9 >= nw.col("required")
    for _, line in _lines(weeks, calendar, nw.col("week_start"), met, nw.lit(1)):
        row = Group().row("requirement_met", "proportion", category="all", **moments_share(line))
        yield {**row, **_span(line["period"], periods, as_of - timedelta(days=6))}


def _hours_enrolled(cohort: Cohort, calendar: Lazy, at: int, as_of: date, periods: dict[str, date]) -> Iterator[Row]:
    weeks = cohort_weeks(cohort).filter(nw.col("days_enrolled") > 0)
    required = nw.col("required") * nw.col("days_enrolled") / 7
    for _, line in _lines(weeks, calendar, nw.col("week_start"), nw.col("attended"), required):
        row = Group().row("hours_completion_enrolled", "ratio", category="all", **moments_ratio(line))
        yield {**row, **_span(line["period"], periods, as_of - timedelta(days=6))}


def _no_show(cohort: Cohort, calendar: Lazy, at: int, as_of: date, periods: dict[str, date]) -> Iterator[Row]:
    sessions = reductions.placed_sessions(cohort.episodes, cohort.attendance, "admission_number")
    unplaced = reductions.counts(sessions.filter(nw.col("session_day").is_null())).frame["n"].iloc[0]
    day = nw.col("admission_number") + nw.col("session_day")
    missed = nw.col("status") == str(AttendanceStatus.NO_SHOW)
    for _, line in _lines(sessions, calendar, day, missed, nw.lit(1)):
        columns = {"category": "no_show", "n_missing": unplaced, **moments_share(line)}
        row = Group().row("session_status", "proportion", **columns)
        yield {**row, **_span(line["period"], periods, as_of)}


def _lines(frame: Lazy, calendar: Lazy, day: nw.Expr, y: nw.Expr, x: nw.Expr) -> Iterator[tuple[Any, pd.Series]]:
    table = reductions.moments(_placed(frame, calendar, day), ("period",), y, x).frame
    yield from table[table["sum_x"] > 0].iterrows()


#: What can be followed over time.
PERIOD_MEASURES: dict[str, Callable[[Cohort, Lazy, int, date, dict[str, date]], Iterator[Row]]] = {
    "admissions": _admissions,
    "retained": _retained,
    "requirement_met": _weeks_met,
    "hours_completion_enrolled": _hours_enrolled,
    "no_show": _no_show,
}


def _span(start: Any, periods: dict[str, date], covered_to: date, admitted: Cohort | None = None) -> Row:
    """A period's days, and ``immature`` where the extract, or the cohort's admissions, do not cover it whole."""
    end = periods[str(start)]
    edges = admitted.settings["admitted"] if admitted else ()
    first, last = (f"{edges[0]}-01-01"[:10], f"{edges[1]}-12-31"[:10]) if edges else ("", "9999")
    whole = end <= covered_to and first <= str(start) and end.isoformat() <= last
    return {"period_start": str(start), "period_end": end.isoformat(), **({} if whole else {"status": "immature"})}


def _with_limits(lines: list[Row], periods: list[tuple[str, date]]) -> list[Row]:
    """The rows in order of time, signals noted, and the centre line and limits after them."""
    if not lines:
        return []
    lines = sorted(lines, key=lambda row: row["period_start"])
    mature = {row["period_start"]: float(row["value"]) for row in lines if row.get("status", "ok") == "ok"}
    within = [start for start, _ in periods if lines[0]["period_start"] <= start <= lines[-1]["period_start"]]
    values = np.array([mature.get(start, np.nan) for start in within])
    if not np.isfinite(values).any():
        return lines
    chart = xmr_chart(values)
    if np.isnan(chart.mean_range):
        return lines
    direction = find_definition(lines[0]["definition"]).direction
    if lines[0]["category"] == "no_show":
        direction = "down"
    for row in lines:
        place = within.index(row["period_start"])
        if chart.signal[place] and row.get("status", "ok") == "ok":
            higher = _is_higher(chart, place)
            better = {"up": higher, "down": not higher}.get(direction)
            word = "changed" if better is None else "better" if better else "worse"
            row["note"] = f"signal: {word}"
    share = lines[0]["unit"] in ("share",)
    for name, value in (("centre", chart.centre), ("lower", chart.lower), ("upper", chart.upper)):
        edge = min(max(value, 0.0), 1.0) if share else max(value, 0.0)
        columns = {"category": name, "value": edge, "n": int(np.isfinite(values).sum()), "method": chart.method}
        line = {**lines[0], "estimand": "center_line", "note": None, "status": "ok", **columns}
        for blank in ("ci_low", "ci_high", "conf_level", "denominator", "n_missing"):
            line[blank] = None
        line["people"] = min(row["people"] for row in lines)
        line["period_end"] = lines[-1]["period_end"]
        lines = [*lines, line]
    return lines


def _is_higher(chart: XmrChart, place: int) -> bool:
    """Whether a signal points upwards: by its side of the centre, or by its slope where all it belongs to is a trend."""
    if chart.outside[place] or chart.shift[place] or chart.outer_third[place]:
        return bool(chart.values[place] > chart.centre)
    before = max(place - 1, 0) if place and chart.trend[place - 1] else place
    return bool(chart.values[before + 1] > chart.values[before])
