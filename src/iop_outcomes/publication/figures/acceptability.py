"""How surely is each level worth its cost, at each price somebody may put on one unit of effect?

Reads the ``diagnostic`` rows of ``net_benefit@1`` (a line for each level, categories end with the price) and the
``tipping_point`` of ``break_even_price@1``, the exact price
at which the level best on average changes, with its Fieller limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.plane import say_dollars, say_refusal, say_surely
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    SOFT,
    WASH,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of
from iop_outcomes.vocabulary import LevelOfCare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How surely is each level worth its cost?"
_BENEFIT, _SWITCH = "net_benefit@1", "break_even_price@1"


@dataclass(frozen=True)
class _Line:
    """One level: prices, the share of draws in which it has the higher net benefit, and where it is best on average."""

    level: str
    price: list[float]
    share: list[Quantity]
    best: list[bool]

    @property
    def label(self) -> str:
        return LevelOfCare(self.level).label if self.level in LevelOfCare.codes() else self.level


def draw_acceptability(rows: Rows) -> Figure:
    """A line for each level over the price of one unit of effect; thick where it is the best on average."""
    with styled():
        lines = [line for line in _lines(rows) if any(one.shown for one in line.share)]
        figure = new_figure(3.1 if lines else 1.6)
        axes = figure.subplots()
        if not lines:
            say_nothing_to_show(axes, rows)
            return figure
        last = max(price for line in lines for price in line.price)
        switch = _switch(rows)
        if switch is not None and switch.shown:
            _draw_switch(axes, switch, last)
        for line, (colour, style) in zip(lines, ((BLUE, "-"), (GREY, (0, (5, 2)))), strict=False):
            values = [one.value for one in line.share]
            axes.plot(line.price, values, color=colour, linestyle=style, linewidth=1.2, zorder=3)
            thick = [value if best else float("nan") for value, best in zip(values, line.best, strict=True)]
            axes.plot(line.price, thick, color=colour, linestyle=style, linewidth=3.4, zorder=3)
            _label_end(axes, line, colour)
        axes.set_xlim(0, last)
        axes.set_ylim(-0.02, 1.02)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0%", "25%", "50%", "75%", "100%"])
        axes.xaxis.set_major_formatter(lambda value, _: say_dollars(value))
        axes.set_ylabel("Share of draws in which\nit is worth more", fontsize=8)
        unit = "" if switch is None else switch.unit.rpartition(", for each ")[2]
        mark = f"  {WITHHELD} withheld" if withheld_note(rows, "net_benefit") else ""
        words = f"Price of one {unit or 'unit of effect'}. Thick: worth more on average. No price is accepted{mark}"
        axes.set_xlabel(words, fontsize=8, color=SOFT)
        return figure


def describe_acceptability(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    lines = [line for line in _lines(rows) if any(one.shown for one in line.share)]
    if not lines:
        refused = say_refusal(rows)
        if refused:
            return f"{TITLE} Not estimated. {refused}"
        hidden = "Numbers are withheld to protect privacy." if withheld_note(rows) else "Nothing to show yet."
        return f"{TITLE} {hidden}"
    parts = []
    for line in lines:
        shown = [place for place, one in enumerate(line.share) if one.shown]
        ends = [f"{say_surely(line.share[at].value)} at {say_dollars(line.price[at])}" for at in (shown[0], shown[-1])]
        parts.append(f"{line.label}: worth more in {' and '.join(ends)}.")
    switch = _switch(rows)
    if switch is not None and switch.shown:
        limits = f" ({say_dollars(switch.low)} to {say_dollars(switch.high)})" if switch.low == switch.low else ""
        parts.append(f"The level worth more on average changes at {say_dollars(switch.value)}{limits}.")
    else:
        parts.append("The same level is worth more on average at every price.")
    return " ".join(parts)


def tabulate_acceptability(rows: Rows) -> Table:
    """One line a price: the share of draws in which each level is worth more, and which is on average."""
    lines = _lines(rows)
    prices = sorted({price for line in lines for price in line.price})
    table: list[tuple[Cell, ...]] = []
    for price in prices:
        cells: list[Cell] = [say_dollars(price)]
        best = ""
        for line in lines:
            place = line.price.index(price)
            one = line.share[place]
            cells.append(WITHHELD if one.withheld else say_surely(one.value) if one.shown else "")
            best = line.label if line.best[place] else best
        table.append((*cells, best))
    return Table(("Price of one unit", *(line.label for line in lines), "Worth more on average"), tuple(table))


def _lines(rows: Rows) -> list[_Line]:
    found: dict[str, list[tuple[float, Quantity, bool]]] = {}
    for row in rows.where(definition=_BENEFIT, estimand="diagnostic").rows():
        price = float(str(row["category"]).rpartition("/")[2])
        best = isinstance(row["note"], str) and row["note"].startswith("highest")
        found.setdefault(str(row["group"]), []).append((price, quantity_of(row, "share"), best))
    lines = []
    for level, points in found.items():
        points.sort(key=lambda point: point[0])
        lines.append(_Line(level, [one[0] for one in points], [one[1] for one in points], [one[2] for one in points]))
    return lines


def _switch(rows: Rows) -> Quantity | None:
    found = list(rows.where(definition=_SWITCH, estimand="tipping_point").rows())
    return quantity_of(found[0]) if found else None


def _draw_switch(axes: Axes, switch: Quantity, last: float) -> None:
    if switch.low == switch.low:
        axes.axvspan(max(0.0, switch.low), min(last, switch.high), color=WASH, zorder=0)
    if 0 <= switch.value <= last:
        axes.axvline(switch.value, color=INK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.text(switch.value, 0.02, f" {say_dollars(switch.value)}", fontsize=8, va="bottom", color=INK)


def _label_end(axes: Axes, line: _Line, colour: str) -> None:
    """The level's name above or below the start of its own line, where the two lie furthest apart."""
    first = line.share[0].value
    high = first > 0.5
    axes.annotate(
        line.label,
        (line.price[0], 0.94 if high else 0.06),
        xytext=(6, 0),
        textcoords="offset points",
        fontsize=8.5,
        va="top" if high else "bottom",
        color=colour,
    )
