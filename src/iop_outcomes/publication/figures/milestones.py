"""Sobriety milestones among everyone admitted: what is known, and how far it could be from what is true.

Reads ``milestone_bridged@1`` (the line) with ``milestone_confirmed@1`` and ``milestone_not_contradicted@1`` (the lower
and upper edge of what the missing days leave open); category is the milestone's length in days, ``at`` the day.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    series,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import quantity_of, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How many people reach a sobriety milestone?"
#: How far the last step is drawn beyond its day, as a share of the axis, so that it can be seen.
_OVERHANG = 0.04
CONFIRMED, BRIDGED, KINDEST = "milestone_confirmed@1", "milestone_bridged@1", "milestone_not_contradicted@1"


def draw_milestones(rows: Rows) -> Figure:
    """One small panel per milestone: the bridged curve, and hatched what the unknown days leave open."""
    rows = _only(rows)
    with styled():
        lengths = _lengths(rows)
        figure = new_figure(3.0 if len(lengths) <= 3 else 5.0)
        if not lengths:
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        columns = min(3, len(lengths))
        lines = math.ceil(len(lengths) / columns)
        panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        last = float(rows.frame["at"].max())
        for place, axes in enumerate(panels.flat):
            if place >= len(lengths):
                axes.set_axis_off()
                if place == len(lengths):
                    _key(axes)
                continue
            _panel(axes, rows, lengths[place], last)
            if place + columns >= len(lengths):
                axes.tick_params(labelbottom=True)
        figure.supxlabel("Days since admission", fontsize=9, color=SOFT)
        figure.supylabel("Of everyone admitted", fontsize=9, color=SOFT)
        note = withheld_note(rows)
        said = [_KEY_TEXT] if len(lengths) == lines * columns else []
        said += [f"Lines join the days that may be shown. {note}"] if note else []
        if said:
            figure.suptitle("\n".join(said), x=0.02, ha="left", fontsize=7.5, color=SOFT)
        return figure


def describe_milestones(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    parts = []
    rows = _only(rows)
    for length in _lengths(rows):
        line = series(rows, definition=BRIDGED, category=length)
        if line.shown:
            place = line.shown[-1]
            words = f"{length} days: {show_value(line.value[place], 'share')} by day {line.at[place]:g}"
            low = _last(rows, CONFIRMED, length, line.at[place])
            high = _last(rows, KINDEST, length, line.at[place])
            if not math.isnan(low) and not math.isnan(high):
                words += f" (between {show_value(low, 'share')} and {show_value(high, 'share')} whatever the unknown days were)"
            parts.append(words)
    if not parts:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    return f"Curves of everyone admitted reaching so many sober days in a row. {'; '.join(parts)}."


def tabulate_milestones(rows: Rows) -> Table:
    """One line per milestone and day: confirmed, bridged, not contradicted."""
    columns = ("Milestone", "Day", "Confirmed", "Bridged", "Not contradicted")
    rows = _only(rows)
    place = {(r["definition"], r["category"], r["at"]): r for r in rows.rows()}
    lines: list[tuple[Cell, ...]] = []
    for length in sorted({r["category"] for r in rows.rows() if isinstance(r["category"], str)}, key=float):
        for day in sorted({r["at"] for r in rows.rows() if r["category"] == length}):
            found = [place.get((name, length, day)) for name in (CONFIRMED, BRIDGED, KINDEST)]
            if any(row is not None and row["status"] != "withheld" for row in found):
                cells: list[Cell] = [quantity_of(row, "share") if row else "" for row in found]
                lines.append((f"{length} days", f"{day:g}", *cells))
    return Table(columns, tuple(lines))


_KEY_TEXT = "Line: short gaps bridged.  Hatched: what unknown days leave open, from confirmed to not contradicted."


def _only(rows: Rows) -> Rows:
    return rows.where(definition=[CONFIRMED, BRIDGED, KINDEST])


def _lengths(rows: Rows) -> list[str]:
    shown = rows.frame[rows.frame["definition"].isin([CONFIRMED, BRIDGED, KINDEST]) & rows.frame["value"].notna()]
    return sorted({str(text) for text in shown["category"]}, key=float)


def _last(rows: Rows, definition: str, length: str, day: float) -> float:
    line = series(rows, definition=definition, category=length, at=day)
    return line.value[0] if line.value else math.nan


def _panel(axes: Axes, rows: Rows, length: str, last: float) -> None:
    axes.set_title(f"{length} days sober", loc="left", fontsize=9, color=INK)
    low, high = (series(rows, definition=name, category=length) for name in (CONFIRMED, KINDEST))
    lower = {day: value for day, value in zip(low.at, low.value, strict=True) if not math.isnan(value)}
    upper = {day: value for day, value in zip(high.at, high.value, strict=True) if not math.isnan(value)}
    days = sorted(set(lower) & set(upper))
    if len(days) > 1:
        edges = [*days, days[-1] + _OVERHANG * last]
        axes.fill_between(
            edges, [lower[d] for d in [*days, days[-1]]], [upper[d] for d in [*days, days[-1]]],
            step="post", facecolor="#f6f7f9", edgecolor=GREY, hatch="////", linewidth=0.5,
        )  # fmt: skip
    line = series(rows, definition=BRIDGED, category=length)
    if line.shown:
        at, value = [line.at[i] for i in line.shown], [line.value[i] for i in line.shown]
        axes.plot(
            [*at, at[-1] + _OVERHANG * last], [*value, value[-1]], drawstyle="steps-post", color=BLUE, linewidth=2.0
        )
        above = value[-1] < 0.85
        axes.annotate(
            show_value(value[-1], "share"), (at[-1], value[-1]), (-2, 5 if above else -5), textcoords="offset points",
            ha="right", va="bottom" if above else "top", fontsize=9, fontweight="bold", color=BLUE,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_xlim(0, last * (1 + _OVERHANG))
    axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    axes.set_xticks(np.arange(0, last + 1, 28 if last > 50 else 14))
    axes.axhline(0.5, color=LINE, linewidth=0.6, zorder=0)


def _key(axes: Axes) -> None:
    """What line and hatching mean, in the empty panel."""
    axes.plot([0.05, 0.2], [0.72, 0.72], transform=axes.transAxes, color=BLUE, linewidth=2.0)
    axes.text(0.26, 0.72, "short gaps\nbridged", transform=axes.transAxes, va="center", fontsize=8)
    axes.fill_between(
        [0.05, 0.2],
        0.3,
        0.46,
        transform=axes.transAxes,
        facecolor="#f6f7f9",
        edgecolor=GREY,
        hatch="////",
        linewidth=0.5,
    )
    words = "what unknown days\nleave open: confirmed\nto not contradicted"
    axes.text(0.26, 0.38, words, transform=axes.transAxes, va="center", fontsize=8)
