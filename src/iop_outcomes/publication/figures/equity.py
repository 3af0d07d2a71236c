"""Do some groups of people fare differently from everyone else? A dot for each group, and what is left of its difference.

Reads the rows of one share, as ``measure_by_group`` gives them: ``proportion`` for everyone and by each column, and
``difference`` rows with reference ``everyone else`` and ``everyone else, partially pooled``. Groups keep the order of
the rows; nothing is sorted by its value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    SOFT,
    Rows,
    mark_percents,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show, show_interval, show_value
from iop_outcomes.publication.wording import say_code

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Do some groups of people fare differently from everyone else?"
RAW, POOLED = "everyone else", "everyone else, partially pooled"

#: Behind words that a line would strike through.
_PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}


@dataclass(frozen=True)
class _Line:
    """One group: its share, and its difference from everyone else as it is and partially pooled, where there are any."""

    column: str
    label: str
    share: Quantity
    raw: Quantity | None
    pooled: Quantity | None


def draw_equity(rows: Rows) -> Figure:
    """Left, each group's share with its range; right, its difference from everyone else, raw and partially pooled."""
    with styled():
        lines = _lines(rows)
        columns = list(dict.fromkeys(line.column for line in lines))
        height = 1.15 + 0.21 * (len(lines) + len(columns))
        figure = new_figure(height if any(line.share.shown for line in lines) else 1.6)
        if not any(line.share.shown for line in lines):
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        left, right = figure.subplots(1, 2, sharey=True)
        places, labels = _places(lines)
        for line, place in zip(lines, places, strict=True):
            _draw_share(left, line, place)
            _draw_difference(right, line, place)
        overall = _overall(rows)
        if overall is not None:
            left.axvline(overall, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            left.set_title(f"Share (dashed: everyone, {show_value(overall, 'share')})", fontsize=8.5, loc="left")
        if not any(gap is not None and gap.shown for line in lines for gap in (line.raw, line.pooled)):
            if all(line.raw is None for line in lines):
                right.text(
                    0.5,
                    0.5,
                    "too few people to compare",
                    transform=right.transAxes,
                    ha="center",
                    color=SOFT,
                    bbox=_PLATE,
                )
            right.set_xlim(-0.1, 0.1)
        right.axvline(0, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        right.set_title("Points from everyone else", fontsize=8.5, loc="left")
        left.set_yticks([place for place, _ in labels], [label for _, label in labels])
        for tick, (_, label) in zip(left.get_yticklabels(), labels, strict=True):
            tick.set_fontweight("bold" if label in {say_code(column) for column in columns} else "normal")
        left.set_ylim(max(place for place, _ in labels) + 0.7, -0.7)
        left.tick_params(left=False)
        right.tick_params(left=False)
        mark_percents(left.xaxis, lambda value: show_value(value, "share"), 5)
        mark_percents(right.xaxis, lambda value: f"{100 * value:+.0f}" if round(value, 6) else "0", 6)
        left.set_xlabel(
            f"{WITHHELD} withheld to protect privacy" if withheld_note(rows) else "", fontsize=8, color=SOFT
        )
        right.set_xlabel("○ as it is   ◆ partially pooled", fontsize=8, color=SOFT)
        return figure


def describe_equity(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    lines = [line for line in _lines(rows) if line.share.shown]
    if not lines:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    overall = _overall(rows)
    words = [
        "Dots with ranges, one a group"
        + (f"; everyone {show_value(overall, 'share')}." if overall is not None else ".")
    ]
    for column in dict.fromkeys(line.column for line in lines):
        parts = [f"{line.label} {show(line.share)}" for line in lines if line.column == column]
        words.append(f"{say_code(column)}: {'; '.join(parts)}.")
    apart = [line for line in lines if line.pooled is not None and (line.pooled.low > 0 or line.pooled.high < 0)]
    names = [f"{line.label} ({_points(line.pooled)} points)" for line in apart]
    if any(line.pooled is not None and line.pooled.shown for line in lines):
        words.append(f"After partial pooling, ranges that leave out no difference: {', '.join(names) or 'none'}.")
    return " ".join(words)


def tabulate_equity(rows: Rows) -> Table:
    """One line a group: units, share and range, and its difference from everyone else, raw and partially pooled."""
    lines: list[tuple[Cell, ...]] = []
    for line in _lines(rows):
        base = Quantity("count", line.share.denominator, status=line.share.status if line.share.withheld else "ok")
        name = f"{say_code(line.column)}: {line.label}"
        lines.append((name, base, line.share, show_interval(line.share), _points(line.raw), _points(line.pooled)))
    headings = ("Group", "Of", "Share", "Likely range", "Points from everyone else", "Partially pooled")
    return Table(headings, tuple(lines))


def _lines(rows: Rows) -> list[_Line]:
    shares = [row for row in rows.rows() if row["estimand"] == "proportion" and row["by"] != ALL]
    gaps: dict[tuple[str, str | None, str], Quantity] = {
        (row["by"], row["group"], row["reference"]): quantity_of(row)
        for row in rows.rows()
        if row["estimand"] == "difference" and isinstance(row["group"], str)
    }
    found = []
    for row in shares:
        by, group = str(row["by"]), row["group"] if isinstance(row["group"], str) else None
        raw, pooled = (gaps.get((by, group, reference)) for reference in (RAW, POOLED))
        label = "Not recorded" if group is None else say_code(group, by)
        found.append(_Line(by, label, quantity_of(row), raw, pooled))
    order = list(dict.fromkeys(line.column for line in found))
    return sorted(found, key=lambda line: order.index(line.column))


def _overall(rows: Rows) -> float | None:
    found = [row["value"] for row in rows.rows() if row["estimand"] == "proportion" and row["by"] == ALL]
    return float(found[0]) if len(found) == 1 and not math.isnan(found[0]) else None


def _places(lines: list[_Line]) -> tuple[list[float], list[tuple[float, str]]]:
    """Where each group stands, with a heading for each column above its groups."""
    places, labels, at, column = [], [], -1.0, None
    for line in lines:
        if line.column != column:
            at += 1.0 if column is None else 1.25
            labels.append((at, say_code(line.column)))
            column = line.column
        at += 1.0
        places.append(at)
        labels.append((at, line.label))
    return places, labels


def _draw_share(axes: Axes, line: _Line, place: float) -> None:
    if not line.share.shown:
        if line.share.withheld:
            axes.text(0.02, place, WITHHELD, transform=axes.get_yaxis_transform(), va="center", color=SOFT)
        return
    axes.plot([line.share.low, line.share.high], [place, place], color=GREY, linewidth=1.4, zorder=2)
    axes.scatter([line.share.value], [place], s=30, color=INK, zorder=3)


def _draw_difference(axes: Axes, line: _Line, place: float) -> None:
    if line.raw is not None and line.raw.shown:
        axes.plot([line.raw.low, line.raw.high], [place - 0.17] * 2, color=LINE, linewidth=1.4, zorder=2)
        axes.scatter([line.raw.value], [place - 0.17], s=20, facecolor="white", edgecolor=GREY, zorder=3)
    if line.pooled is not None and line.pooled.shown:
        axes.plot([line.pooled.low, line.pooled.high], [place + 0.17] * 2, color=BLUE, linewidth=1.8, zorder=2)
        axes.scatter([line.pooled.value], [place + 0.17], s=24, marker="D", color=BLUE, zorder=3)
    if line.raw is not None and line.raw.withheld:
        axes.text(0.02, place, WITHHELD, transform=axes.get_yaxis_transform(), va="center", color=SOFT)


def _points(gap: Quantity | None) -> str:
    """A difference in percentage points with its range: ``-4 (-12 to 4)``."""
    if gap is None:
        return ""
    if not gap.shown:
        return WITHHELD if gap.withheld else show(gap)
    return f"{_whole(gap.value)} ({_whole(gap.low)} to {_whole(gap.high)})"


def _whole(value: float) -> str:
    return f"{round(100 * value):d}"
