"""What does a plain comparison of two levels of care say, and what is left once their people are made alike?

Reads the ``difference`` rows of ``level_crude@1``, ``level_effect@1`` and, where people were not reached, of
``level_missing_using@1``, ``level_missing_sober@1``, ``level_missing_least@1`` and ``level_missing_most@1``; of days in
care ``level_crude_days@1`` and ``level_effect_days@1``. A refused comparison is words in place of its line.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    INK,
    LINE,
    SOFT,
    Rows,
    mark_percents,
    new_figure,
    say_nothing_to_show,
    styled,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, say_note
from iop_outcomes.vocabulary import LevelOfCare, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Does it matter at which level care begins?"
#: Each line of the figure: definition, words, marker, face and edge.
LINES: tuple[tuple[str, str, str, str, str], ...] = (
    ("level_crude@1", "As placed (people differ)", "o", "white", INK),
    ("level_effect@1", "Made alike", "D", BLUE, BLUE),
    ("level_missing_using@1", "not reached counted as using", "s", LINE, SOFT),
    ("level_missing_sober@1", "not reached counted as abstinent", "s", LINE, SOFT),
    ("level_missing_least@1", "the least it could be", "|", SOFT, SOFT),
    ("level_missing_most@1", "the most it could be", "|", SOFT, SOFT),
)
_EFFECT = "level_effect@1"


@dataclass(frozen=True)
class _Line:
    """One reading of the difference between the levels."""

    definition: str
    label: str
    gap: Quantity
    note: str


def draw_effect(rows: Rows) -> Figure:
    """The difference as placed, made alike, and with people not reached counted in four ways."""
    with styled():
        lines = _lines(rows)
        refused = next((line.note for line in lines if _is_refused(line)), "")
        said = textwrap.wrap(refused, 92)
        drawn = [line for line in lines if line.gap.shown]
        figure = new_figure(1.25 + 0.27 * len(lines) + 0.17 * len(said) if drawn or said else 1.6)
        axes = figure.subplots()
        if not drawn:
            say_nothing_to_show(axes, rows)
            return figure
        marks = {definition: mark for definition, _, *mark in LINES}
        for place, line in enumerate(lines):
            _draw_line(axes, line, place, marks[line.definition])
        axes.axvline(0, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        reach = max(
            abs(edge) for line in drawn for edge in (line.gap.low, line.gap.high, line.gap.value) if edge == edge
        )
        axes.set_xlim(-1.12 * reach, 1.12 * reach)
        axes.set_ylim(len(lines) - 0.5, -1.1)
        axes.set_yticks(range(len(lines)), [line.label for line in lines])
        axes.tick_params(left=False)
        days = drawn[0].gap.kind == "days"
        mark_percents(axes.xaxis, lambda value: f"{value if days else 100 * value:+.0f}" if round(value, 6) else "0")
        treated, control = _sides(rows)
        axes.text(-0.02 * reach, -0.75, f"more in {control}  ◂", ha="right", fontsize=8, color=SOFT)
        axes.text(0.02 * reach, -0.75, f"▸  more in {treated}", ha="left", fontsize=8, color=SOFT)
        words = f"{'Days' if days else 'Percentage points'} of difference, {treated} less {control}"
        axes.set_xlabel("\n".join([words, *said]), fontsize=8, color=SOFT)
        return figure


def describe_effect(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    lines = _lines(rows)
    if not any(line.gap.shown for line in lines):
        hidden = any(line.gap.withheld for line in lines)
        return f"{TITLE} {'Numbers are withheld to protect privacy.' if hidden else 'Nothing to show yet.'}"
    treated, control = _sides(rows)
    parts = []
    for line in lines:
        name = line.label
        parts.append(
            f"{name}: not estimated. {line.note.rstrip('.')}" if _is_refused(line) else f"{name}: {say_gap(line.gap)}"
        )
    return f"Difference, {treated} less {control}. {'; '.join(parts)}."


def tabulate_effect(rows: Rows) -> Table:
    """One line a reading: the difference with its likely range."""
    lines: list[tuple[Cell, ...]] = [(line.label, say_gap(line.gap)) for line in _lines(rows)]
    return Table(("Reading", "Difference (likely range)"), tuple(lines))


def say_gap(gap: Quantity) -> str:
    """A difference in percentage points or days, with its range.

    >>> say_gap(Quantity("share", -0.125, -0.269, 0.02))
    '-12 points (-27 to 2)'
    """
    if not gap.shown:
        return WITHHELD if gap.withheld else Status(gap.status).label
    scale, unit = (1, "day") if gap.kind == "days" else (100, "point")
    unit += "" if abs(round(scale * gap.value)) == 1 else "s"
    value, low, high = (
        f"{round(scale * part) + 0:.0f}" if part == part else "" for part in (gap.value, gap.low, gap.high)
    )
    return f"{value} {unit} ({low} to {high})" if low else f"{value} {unit}"


def _lines(rows: Rows) -> list[_Line]:
    known = {str(row["definition"]).replace("_days@", "@"): row for row in rows.where(estimand="difference").rows()}
    lines = []
    for definition, words, *_ in LINES:
        if definition in known:
            row = known[definition]
            lines.append(
                _Line(
                    definition, words, quantity_of(row), say_note(row["note"]) if isinstance(row["note"], str) else ""
                )
            )
    return lines


def _is_refused(line: _Line) -> bool:
    return line.definition == _EFFECT and line.gap.status == Status.NOT_ESTIMABLE


def _draw_line(axes: Axes, line: _Line, place: int, mark: list[str]) -> None:
    if not line.gap.shown:
        words = WITHHELD if line.gap.withheld else "no adjusted estimate"
        axes.text(
            0.02, place, words, transform=axes.get_yaxis_transform(), ha="left", va="center", color=SOFT, fontsize=8
        )
        return
    shape, face, edge = mark
    if line.gap.low == line.gap.low:
        axes.plot([line.gap.low, line.gap.high], [place, place], color=edge, linewidth=1.6, zorder=2)
    if shape == "|":
        axes.scatter([line.gap.value], [place], s=80, marker=shape, color=edge, zorder=3)
    else:
        axes.scatter([line.gap.value], [place], s=34, marker=shape, facecolor=face, edgecolor=edge, zorder=3)


def _sides(rows: Rows) -> tuple[str, str]:
    """The two levels as a reader meets them."""
    row = next(iter(rows.where(estimand="difference").rows()))
    return tuple(  # type: ignore[return-value]
        LevelOfCare(str(row[side])).label.lower() if str(row[side]) in LevelOfCare.codes() else str(row[side])
        for side in ("group", "reference")
    )
