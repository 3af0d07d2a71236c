"""Attendance week by week: a grid of weeks and groups, the number written in every cell.

Reads ``weekly_attendance@1`` (estimand ``ratio``; ``at`` is the week, starting at 1) for everyone and for groups.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, quantity_of, show_value
from iop_outcomes.vocabulary import Schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

TITLE = "In which weeks do people miss sessions?"
DEFINITION = "weekly_attendance@1"
#: How dark a cell must be for white to be read on it more easily than black.
_DARK = 0.755
_LABELS = {ALL: "Everyone", "": "Unknown", **Schedule.labels()}


def draw_weekly_attendance(rows: Rows) -> Figure:
    """Weeks across, groups down; darker means more attended."""
    with styled():
        grid, weeks, groups = _grid(rows)
        figure = new_figure(0.95 + 0.42 * max(2, len(groups)))
        axes = figure.subplots()
        if not weeks or np.isnan(grid).all():
            say_nothing_to_show(axes, rows)
            return figure
        low = min(0.5, math.floor(float(np.nanmin(grid)) * 10) / 10)
        for line in range(len(groups)):
            for column in range(len(weeks)):
                value = grid[line, column]
                depth = 0.0 if math.isnan(value) else (value - low) / max(1e-9, 1 - low)
                tone: str | tuple[float, float, float] = "white" if math.isnan(value) else _tone(depth)
                axes.add_patch(_cell(column, line, tone, math.isnan(value)))
                text = (
                    WITHHELD
                    if _is_withheld(rows, groups[line], weeks[column])
                    else ""
                    if math.isnan(value)
                    else f"{value * 100:.0f}"
                )
                tint = "white" if depth > _DARK else "black"
                axes.text(column, line, text, ha="center", va="center", fontsize=8.5, color=tint)
        axes.set_xlim(-0.5, len(weeks) - 0.5)
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xticks(range(len(weeks)), [f"{week:g}" for week in weeks])
        axes.set_yticks(range(len(groups)), [_LABELS.get(group, group) for group in groups])
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        note = f".  {WITHHELD} withheld to protect privacy" if withheld_note(rows, DEFINITION) else ""
        axes.set_xlabel(f"Week in programme.  Cells: percent of sessions attended{note}", color=SOFT, fontsize=8)
        return figure


def describe_weekly_attendance(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    parts = []
    grid, weeks, groups = _grid(rows)
    for line, group in enumerate(groups):
        shown = [(weeks[i], grid[line, i]) for i in range(len(weeks)) if not math.isnan(grid[line, i])]
        if shown:
            first, last = shown[0], shown[-1]
            parts.append(
                f"{_LABELS.get(group, group)}: {show_value(first[1], 'share')} in week {first[0]:g}, "
                f"{show_value(last[1], 'share')} in week {last[0]:g}"
            )
    return f"Grid of weekly attendance. {'; '.join(parts)}." if parts else f"{TITLE} Nothing can be shown."


def tabulate_weekly_attendance(rows: Rows) -> Table:
    """One line per week, one column per group."""
    _, weeks, groups = _grid(rows)
    place = {(row["group"] or "", row["at"]): row for row in _rows(rows)}
    lines: list[tuple[Cell, ...]] = []
    for week in weeks:
        cells: list[Cell] = []
        for group in groups:
            row = place.get((group, week))
            cells.append(quantity_of(row, "share") if row else "")
        lines.append((f"{week:g}", *cells))
    return Table(("Week", *(_LABELS.get(group, group) for group in groups)), tuple(lines))


def _rows(rows: Rows) -> list[dict]:
    return [
        {**row, "group": row["group"] if isinstance(row["group"], str) else ""}
        for row in rows.rows()
        if str(row["definition"]).startswith("weekly_attendance")
    ]


def _grid(rows: Rows) -> tuple[np.ndarray, list[float], list[str]]:
    found = _rows(rows)
    weeks = sorted({row["at"] for row in found})
    names = {row["group"] for row in found}
    known = [code for code in _LABELS if code in names]
    groups = [*known, *sorted(names - set(known))]
    grid = np.full((len(groups), len(weeks)), math.nan)
    for row in found:
        grid[groups.index(row["group"]), weeks.index(row["at"])] = row["value"]
    return grid, weeks, groups


def _is_withheld(rows: Rows, group: str, week: float) -> bool:
    return any(row["group"] == group and row["at"] == week and row["status"] == "withheld" for row in _rows(rows))


def _tone(depth: float) -> tuple[float, float, float]:
    """From nearly white to the accent, so that lightness alone carries the number."""
    light, dark = np.array([0.93, 0.95, 0.98]), np.array([0.09, 0.32, 0.60])
    mixed = light + (dark - light) * min(1.0, max(0.0, depth))
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _cell(column: int, line: int, tone: str | tuple[float, float, float], missing: bool) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (column - 0.48, line - 0.46),
        0.96,
        0.92,
        facecolor=tone,
        edgecolor="#c9d0d8" if missing else "white",
        linewidth=0.6,
    )
