"""Rows drawn through the points of a line: signals, centre, limits, and a target with its assurance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iop_outcomes.measures.library import find_definition
from iop_outcomes.measures.rows import Row
from iop_outcomes.statistics import ControlChart, RunChart

Drawn = ControlChart | RunChart

#: Which way is better, where a line is one category of a definition that has no direction of its own.
_DIRECTIONS = {"no_show": "down"}
#: What a drawn row does not have: it counts nobody.
_BLANK = ("ci_low", "ci_high", "conf_level", "n", "denominator", "people", "n_missing")


def note_signals(inside: list[tuple[int, Row]], chart: Drawn, direction: str) -> None:
    """Say of every row that is part of a signal (beside its place on the chart) which way it points."""
    for place, row in inside:
        if chart.signal[place] and row.get("status", "ok") == "ok":
            higher = _is_higher(chart, place)
            better = {"up": higher, "down": not higher}.get(direction)
            word = "changed" if better is None else "better" if better else "worse"
            row["note"] = f"signal: {word}"


def _is_higher(chart: Drawn, place: int) -> bool:
    """Whether a signal points upwards: by its side of the centre, or by its slope where all it belongs to is a trend."""
    if chart.outside[place] or chart.shift[place] or chart.outer_third[place]:
        return bool(chart.values[place] > chart.centre)
    before = max(place - 1, 0) if place and chart.trend[place - 1] else place
    return bool(chart.values[before + 1] > chart.values[before])


def draw_lines(inside: list[tuple[int, Row]], chart: Drawn, note: str) -> Iterator[Row]:
    """Centre and limits of one stretch: one row each, or a row for each period where limits differ."""
    rows = [row for _, row in inside]
    yield draw_line(
        rows, "center_line", _centre_word(chart), _within(chart.centre, rows[0]), chart.method, note or None
    )
    if isinstance(chart, RunChart):
        for name, found, allowed in (("longest_run", chart.longest_run, f"at most {chart.run_limit}"),
                                     ("crossings", chart.crossings, f"at least {chart.crossings_limit}")):  # fmt: skip
            said = f"{allowed} of {chart.useful} points by chance"
            yield draw_line(rows, "diagnostic", name, float(found), chart.method, said, unit="number")
        return
    for name in ("lower", "upper"):
        limit = getattr(chart, name)
        if np.ndim(limit):
            for place, row in inside:
                if np.isfinite(limit[place]):
                    yield draw_line([row], "limit", name, float(limit[place]), chart.method)
        elif np.isfinite(limit):
            yield draw_line(rows, "center_line", name, _within(float(limit), rows[0]), chart.method)


def _centre_word(chart: Drawn) -> str:
    return "median" if isinstance(chart, RunChart) or chart.method.startswith("g-chart") else "centre"


def _within(value: float, row: Row) -> float:
    """A line kept where the figure can lie: a share between 0 and 1, everything else at 0 or above."""
    return min(max(value, 0.0), 1.0) if row["unit"] == "share" else max(value, 0.0)


def draw_line(
    rows: list[Row],
    estimand: str,
    category: str,
    value: float,
    method: str | None = None,
    note: str | None = None,
    unit: str | None = None,
) -> Row:
    """A row drawn through others: their definition and period, nobody's count."""
    shared = {**rows[0], **dict.fromkeys(_BLANK), "status": "ok", "period_end": rows[-1]["period_end"]}
    own = {"estimand": estimand, "category": category, "value": value, "method": method, "note": note}
    return {**shared, **own, **({"unit": unit} if unit else {})}


def draw_target(rows: list[Row], chart: Drawn, target: float, direction: str) -> Row:
    """The target as a line, with what the latest limits say of it."""
    lower = upper = float("nan")
    if isinstance(chart, ControlChart):
        known = np.flatnonzero(np.isfinite(chart.values))[-1]
        lower, upper = (float(limit[known] if np.ndim(limit) else limit) for limit in (chart.lower, chart.upper))
    found = assess_target(lower, upper, target, direction)
    return draw_line(rows, "center_line", "target", target, "target", f"assurance: {found}")


def find_direction(what: str, row: Row) -> str:
    """Which way is better for a line: ``up``, ``down`` or ``neutral``."""
    return _DIRECTIONS.get(what) or find_definition(row["definition"]).direction


def assess_target(lower: float, upper: float, target: float, direction: str) -> str:
    """Would ordinary months meet a target? ``meets`` when both limits lie on its good side, ``misses`` when both lie on
    the other, ``varies`` when it lies between them, ``unknown`` without limits.

    >>> assess_target(0.70, 0.90, 0.65, "up"), assess_target(0.70, 0.90, 0.8, "up"), assess_target(0.1, 0.2, 0.05, "down")
    ('meets', 'varies', 'misses')
    """
    if np.isnan(lower) or np.isnan(upper):
        return "unknown"
    worst, best = (lower, upper) if direction == "up" else (-upper, -lower)
    aim = target if direction == "up" else -target
    return "meets" if worst >= aim else "misses" if best < aim else "varies"
