"""Published comparisons of day or intensive outpatient care with 24-hour care: a forest of what was printed, no more.

Reads the rows of ``trial_difference`` (randomised; a value only where counts were read) and ``comparison_odds`` (not
randomised, adjusted). Where a publication gave no counts the row says in words what it found, and nothing is drawn.
Trials keep the order of the rows; nothing is sorted by its value, and nothing is pooled.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    GREY,
    INK,
    LINE,
    SOFT,
    WASH,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "What have published trials of intensive outpatient against 24-hour care found?"
#: What may and may not be read from it; said in the figure and in words.
READING = "Only people who could go to either were randomised: nothing here speaks of people who needed 24-hour care."
STATUS = "(V) read in the source, (V-2) in a secondary source, (V-calc) worked out from what was read."
_WRAP = 38


@dataclass(frozen=True)
class _Line:
    """One outcome of one study: what was compared, the number where there is one, and what was found in words."""

    study: str
    outcome: str
    other: str
    people: float
    quantity: Quantity
    words: str


def draw_trials(rows: Rows) -> Figure:
    """Above, differences of randomised trials in points; below, published odds ratios without randomisation."""
    with styled():
        trials, odds = _lines(rows, "trial_difference"), _lines(rows, "comparison_odds")
        parts = [(lines, place) for place, lines in enumerate((trials, odds)) if lines]
        if not parts:
            figure = new_figure(1.6)
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        heights = [0.75 + 0.34 * len(lines) for lines, _ in parts]
        figure = new_figure(sum(heights) + 0.5)
        axes = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)[:, 0]
        for panel, (lines, place) in zip(axes, parts, strict=True):
            _draw_panel(panel, lines, odds=place == 1)
        figure.supxlabel(f"{READING}\n{STATUS}", fontsize=7.5, color=SOFT, x=0.01, ha="left")
        return figure


def describe_trials(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    trials, odds = _lines(rows, "trial_difference"), _lines(rows, "comparison_odds")
    if not trials and not odds:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    words = []
    if trials:
        counted = [line for line in trials if line.quantity.shown]
        words.append(f"Randomised: {len(trials)} outcomes, {len(counted)} with counts.")
        words += [f"{line.study}, {line.outcome}, day less {line.other} care: {_say(line, False)}." for line in trials]
    if odds:
        words.append("Not randomised, adjusted; odds after outpatient drug-free care over the other's:")
        words += [f"{line.study}, {line.outcome}, {line.other}: {_say(line, True)}." for line in odds]
    return " ".join([*words, READING])


def tabulate_trials(rows: Rows) -> Table:
    """One line an outcome: study, outcome, people, what it was compared with, the number, and what was found."""
    lines: list[tuple[Cell, ...]] = []
    for name, odds in (("trial_difference", False), ("comparison_odds", True)):
        for line in _lines(rows, name):
            people = Quantity("count", line.people, status=line.quantity.status if line.quantity.withheld else "ok")
            number = _number(line, odds) if line.quantity.shown else (WITHHELD if line.quantity.withheld else "")
            lines.append((line.study, line.outcome, line.other, people, number, line.words))
    headings = ("Study", "Outcome", "Compared with", "People", "Points, or odds ratio", "What was found")
    return Table(headings, tuple(lines))


def _lines(rows: Rows, definition: str) -> list[_Line]:
    found = []
    for row in rows.rows():
        if str(row["definition"]).startswith(f"{definition}@"):
            words = row["note"] if isinstance(row["note"], str) else ""
            quantity = quantity_of(row, "number")
            found.append(
                _Line(str(row["group"]), str(row["category"]), str(row["reference"]), row["people"], quantity, words)
            )
    return found


def _draw_panel(axes: Axes, lines: list[_Line], *, odds: bool) -> None:
    none = 1.0 if odds else 0.0
    axes.axvline(none, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for place, line in enumerate(lines):
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color=WASH, zorder=0, linewidth=0)
        if line.quantity.shown:
            axes.plot([line.quantity.low, line.quantity.high], [place, place], color=GREY, linewidth=1.6, zorder=2)
            axes.scatter([line.quantity.value], [place], s=34, marker="s", color=INK, zorder=3)
        else:
            words = WITHHELD if line.quantity.withheld else "no counts read"
            axes.text(0.5, place, words, transform=axes.get_yaxis_transform(), ha="center", va="center", fontsize=7.5,
                      color=SOFT, style="italic", backgroundcolor=WASH if place % 2 else "white")  # fmt: skip
        axes.text(1.03, place, textwrap.fill(_beside(line, odds), _WRAP), transform=axes.get_yaxis_transform(),
                  va="center", fontsize=7.5, color=INK, linespacing=1.05)  # fmt: skip
    labels = [f"{line.study}{_size(line)}\n{line.outcome}, v {line.other}" for line in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=7.5, color=INK, linespacing=1.05)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    if odds:
        axes.set_xscale("log")
        axes.set_xlim(0.5, 2.0)
        axes.set_xticks([0.5, 1, 2], ["0.5", "1", "2"])
        axes.minorticks_off()
        axes.set_title("Not randomised, adjusted: outpatient drug-free care", fontsize=8.5, loc="left", color=INK)
        axes.set_xlabel("odds: less ← outpatient → more", fontsize=7.5)
    else:
        axes.set_xlim(-0.6, 0.3)
        axes.set_xticks([-0.5, -0.25, 0, 0.25], ["-50", "-25", "0", "+25"])
        axes.set_title("Randomised: day or intensive outpatient care", fontsize=8.5, loc="left", color=INK)
        axes.set_xlabel("points: less ← day care → more", fontsize=7.5)
    axes.grid(axis="x", color=LINE, linewidth=0.5, zorder=0)


def _size(line: _Line) -> str:
    return "" if line.people != line.people else f" (n = {line.people:,.0f})"


def _beside(line: _Line, odds: bool) -> str:
    """What stands to the right: the number where there is one, and what was found."""
    return f"{_number(line, odds)}: {line.words}" if line.quantity.shown else line.words


def _say(line: _Line, odds: bool) -> str:
    if line.quantity.withheld:
        return "withheld to protect privacy"
    return _beside(line, odds)


def _number(line: _Line, odds: bool) -> str:
    """``-36 points (-50 to -19)`` or ``1.04 (0.72 to 1.49)``."""
    value, low, high = line.quantity.value, line.quantity.low, line.quantity.high
    if odds:
        return f"{value:.2f} ({low:.2f} to {high:.2f})"
    return f"{100 * value:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"
