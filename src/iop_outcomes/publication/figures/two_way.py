"""Which level is worth more when two inputs move together, at a stated price of one unit of effect?

Reads the differences of ``increment_two_way@1``, whose categories end with the price, the names of the two inputs, and the
value of each; and the units of ``break_even_price@1`` and ``increment_effect@1``, for what one unit of effect is called.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.plane import say_change, say_dollars, say_refusal
from iop_outcomes.publication.figures.style import (
    BLUE,
    INK,
    LINE,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of
from iop_outcomes.vocabulary import LevelOfCare, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Which level is worth more when two inputs move together?"
_EFFECT = "effect"
_UNSURE = "not sure"


@dataclass(frozen=True)
class _Grid:
    """One pair of inputs: the price of one unit of effect, both inputs' names and values, and the difference at each pair."""

    worth: float
    first: str
    second: str
    cells: dict[tuple[float, float], Quantity]
    sides: tuple[str, str]
    kind: str
    unit: str

    @property
    def values(self) -> tuple[list[float], list[float]]:
        """Values of the first input, and of the second, ascending."""
        return sorted({one for one, _ in self.cells}), sorted({other for _, other in self.cells})

    @property
    def base(self) -> tuple[float, float]:
        """The pair of values that is as estimated: prices as they are, the middle of the effect's range."""
        second = self.values[1]
        return 1.0, second[len(second) // 2] if self.second == _EFFECT else 1.0

    def name(self, level: str) -> str:
        """A level as a cell has room for: up to its first comma, or its code where two would read alike."""
        short = [LevelOfCare(one).label.partition(",")[0] if one in LevelOfCare.codes() else one for one in self.sides]
        return level if len(set(short)) < 2 else short[self.sides.index(level)]

    def say_value(self, name: str, value: float) -> str:
        """A value of an input: a share of a price, or a difference in effect."""
        if name == _EFFECT:
            return say_change(value, self.kind) if self.kind else f"{value:g}"
        return f"{value:.0%}"

    def say_input(self, name: str) -> str:
        """An input in words."""
        if name == _EFFECT:
            one, other = (self.name(side).lower() for side in self.sides)
            return f"Difference in effect, taken as known, {one} less {other}"
        return f"Price of a client-week, {self.name(name).lower()}"

    def say_winner(self, one: Quantity) -> tuple[str, str]:
        """Which level is worth more and by how much, and whether that is sure."""
        level = self.sides[0] if one.value >= 0 else self.sides[1]
        sure = "" if one.low > 0 or one.high < 0 else _UNSURE
        return f"{self.name(level)} by {say_dollars(abs(one.value))}", sure


def draw_two_way(rows: Rows) -> Figure:
    """A grid for each pair of inputs: dark where the first level is worth more, white where the other is, grey if unsure."""
    with styled():
        grids = [grid for grid in _grids(rows) if any(one.shown for one in grid.cells.values())]
        figure = new_figure(sum(1.0 + 0.46 * len(grid.values[0]) for grid in grids) if grids else 1.6)
        if not grids:
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        heights = [1.0 + 0.46 * len(grid.values[0]) for grid in grids]
        panels = figure.subplots(len(grids), 1, squeeze=False, height_ratios=heights)
        for axes, grid in zip(panels[:, 0], grids, strict=True):
            _draw_grid(axes, grid)
        first = grids[0]
        words = f"At {say_dollars(first.worth)} for each {first.unit}: net benefit a person. No price is accepted. "
        words += f"Blue (dark): {first.name(first.sides[0]).lower()} worth more; white: "
        words += f"{first.name(first.sides[1]).lower()}; grey: {_UNSURE}. Heavy edge: as estimated."
        if withheld_note(rows, "increment_two_way"):
            words += f" {WITHHELD} withheld."
        figure.supxlabel("\n".join(textwrap.wrap(words, 105)), fontsize=8, color=SOFT)
        return figure


def describe_two_way(rows: Rows) -> str:
    """The figure in words, from its own numbers: for each grid, where either level is worth more."""
    grids = [grid for grid in _grids(rows) if any(one.shown for one in grid.cells.values())]
    if not grids:
        refused = say_refusal(rows)
        if refused:
            return f"{TITLE} Not estimated. {refused}"
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    parts = [f"At {say_dollars(grids[0].worth)} for each {grids[0].unit}."]
    for grid in grids:
        said = [grid.say_winner(one) for one in grid.cells.values() if one.shown]
        won = [sum(words.startswith(grid.name(side)) and not unsure for words, unsure in said) for side in grid.sides]
        unsure = sum(bool(unsure) for _, unsure in said)
        named = f"{grid.say_input(grid.first)} and {_begin_small(grid.say_input(grid.second))}"
        one, other = (grid.name(side).lower() for side in grid.sides)
        pairs = f"of {len(said)}"
        counts = f"{one} is worth more in {won[0]} {pairs} pairs of values, {other} in {won[1]} {pairs}"
        base = grid.cells.get(grid.base)
        told = (
            f" As estimated: {', '.join(filter(None, grid.say_winner(base)))}."
            if base is not None and base.shown
            else ""
        )
        parts.append(f"{named}: {counts}; {unsure} {pairs} are {_UNSURE}.{told}")
    return " ".join(parts)


def tabulate_two_way(rows: Rows) -> Table:
    """One line a pair of values: which level is worth more, by how much, and the likely range of the difference."""
    lines: list[tuple[Cell, ...]] = []
    for grid in _grids(rows):
        for (a, b), one in grid.cells.items():
            line = (
                f"{grid.say_input(grid.first)}: {grid.say_value(grid.first, a)}",
                f"{grid.say_input(grid.second)}: {grid.say_value(grid.second, b)}",
            )
            lines.append((*line, *_say_cell(grid, one)))
    return Table(("One input", "Other input", "Worth more", "Difference (likely range)"), tuple(lines))


def _grids(rows: Rows) -> list[_Grid]:
    """The grids among the rows, in the order met."""
    grids: dict[str, _Grid] = {}
    for row in rows.where(definition="increment_two_way@1", estimand="difference").rows():
        key, one, other = str(row["category"]).rsplit("/", 2)
        if key not in grids:
            effect, worth, names = key.split("/")
            first, _, second = names.partition(" and ")
            sides = (str(row["group"]), str(row["reference"]))
            kind = _unit(rows.where(definition="increment_effect@1", category=effect))
            unit = _unit(rows.where(definition="break_even_price@1", category=effect)).rpartition(", for each ")[2]
            grids[key] = _Grid(float(worth), first, second, {}, sides, kind, unit or "unit of effect")
        grids[key].cells[float(one), float(other)] = quantity_of(row, "money")
    return list(grids.values())


def _unit(rows: Rows) -> str:
    return next((str(row["unit"]) for row in rows.rows()), "")


def _draw_grid(axes: Axes, grid: _Grid) -> None:
    from matplotlib.patches import Rectangle

    down, across = grid.values
    for (a, b), one in grid.cells.items():
        place = across.index(b), down.index(a)
        words, face, ink = WITHHELD, "white", SOFT
        if one.shown:
            said, unsure = grid.say_winner(one)
            level, _, amount = said.rpartition(" by ")
            words = "\n".join([*textwrap.wrap(level, 22), f"{amount}, {unsure}" if unsure else amount])
            face, ink = (LINE, INK) if unsure else (BLUE, "white") if one.value > 0 else ("white", INK)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=face, edgecolor=SOFT, linewidth=0.7, zorder=1))
        axes.text(place[0] + 0.5, place[1] + 0.5, words, ha="center", va="center", fontsize=7.5, color=ink, zorder=3)
    if grid.base in grid.cells:
        edge: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 2.4, "zorder": 4}
        axes.add_patch(Rectangle((across.index(grid.base[1]), down.index(grid.base[0])), 1, 1, **edge))
    axes.set_xlim(0, len(across))
    axes.set_ylim(0, len(down))
    axes.set_xticks([place + 0.5 for place in range(len(across))], [grid.say_value(grid.second, b) for b in across])
    axes.set_yticks([place + 0.5 for place in range(len(down))], [grid.say_value(grid.first, a) for a in down])
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(grid.say_input(grid.second), fontsize=8)
    axes.set_ylabel("\n".join(textwrap.wrap(grid.say_input(grid.first), 24)), fontsize=8)


def _say_cell(grid: _Grid, one: Quantity) -> tuple[str, str]:
    """The words of a cell, and the difference with its range."""
    if not one.shown:
        hidden = WITHHELD if one.withheld else Status(one.status).label
        return hidden, hidden
    words, unsure = grid.say_winner(one)
    limits = f"{say_dollars(one.value)} ({say_dollars(one.low)} to {say_dollars(one.high)})"
    return f"{words}, {unsure}" if unsure else words, limits


def _begin_small(text: str) -> str:
    return text[:1].lower() + text[1:]
