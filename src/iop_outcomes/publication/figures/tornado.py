"""What moves the difference in cost: a price at a time, and under other assumptions?

Reads ``increment_price_swing@1`` (categories end with ``LEVEL/low`` and ``LEVEL/high``), the differences in dollars of
``increment_scenario@1``, and ``increment_cost@1`` for the base case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.plane import name_sides, say_dollars, say_refusal
from iop_outcomes.publication.figures.style import (
    BLUE,
    INK,
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

TITLE = "What moves the difference in cost?"
#: Scenarios as a reader meets them.
SCENARIOS: dict[str, str] = {
    "provider_cost": "What it costs the provider",
    "payer_payment": "What the payer pays",
    "payer_charge": "What is charged",
    "client_cost": "What it costs the client",
    "society_cost": "What it costs society",
    "index_cpi_u": "Prices by the CPI-U",
    "index_cpi_medical": "Prices by the medical CPI",
    "index_pce_health": "Prices by the PCE health index",
    "first_stay_only": "Only the first stay",
    "not_reached_using": "Not reached: all using",
    "not_reached_sober": "Not reached: all abstinent",
    "not_reached_least": "Not reached: the least it could be",
    "not_reached_most": "Not reached: the most it could be",
}


@dataclass(frozen=True)
class _Bar:
    """One line of the figure: a price from low to high, or a scenario with its range."""

    label: str
    low: Quantity
    high: Quantity | None
    why: str

    @property
    def shown(self) -> bool:
        return self.low.shown and (self.high is None or self.high.shown)


def draw_tornado(rows: Rows) -> Figure:
    """Bars from the difference at a low to that at a high price; dots with ranges for other assumptions."""
    with styled():
        bars, base = _bars(rows), _base(rows)
        drawn = [bar for bar in bars if bar.shown]
        figure = new_figure(0.9 + 0.3 * len(bars) if drawn else 1.6)
        axes = figure.subplots()
        if base is None or not drawn:
            say_nothing_to_show(axes, rows)
            return figure
        edges = [base.value, 0.0, *(edge for bar in drawn for edge in _edges(bar))]
        room = 0.2 * (max(edges) - min(edges))
        axes.set_xlim(min(edges) - room, max(edges) + room)
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.axvline(0, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.axvline(base.value, color=INK, linewidth=1.0, zorder=4)
        for place, bar in enumerate(bars):
            _draw_bar(axes, bar, place)
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars], fontsize=8)
        axes.tick_params(left=False)
        axes.xaxis.set_major_formatter(lambda value, _: say_dollars(value))
        treated, control = name_sides(rows)
        words = (
            f"Difference in cost a person, {treated} less {control}.\nLine: as estimated ({say_dollars(base.value)})"
        )
        axes.set_xlabel(words, fontsize=8, color=SOFT)
        return figure


def describe_tornado(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    base, bars = _base(rows), [bar for bar in _bars(rows) if bar.shown]
    if base is None or not base.shown or not bars:
        refused = say_refusal(rows)
        if refused:
            return f"{TITLE} Not estimated. {refused}"
        hidden = "Numbers are withheld to protect privacy." if withheld_note(rows) else "Nothing to show yet."
        return f"{TITLE} {hidden}"
    said = [f"{bar.label}: {_say(bar)}" for bar in bars]
    return f"As estimated {say_dollars(base.value)} a person. {'; '.join(said)}."


def tabulate_tornado(rows: Rows) -> Table:
    """One line a price or assumption: the difference in cost it leads to."""
    lines: list[tuple[Cell, ...]] = [(bar.label, _say(bar) if bar.shown else _missing(bar)) for bar in _bars(rows)]
    return Table(("What is changed", "Difference in cost a person"), tuple(lines))


def _bars(rows: Rows) -> list[_Bar]:
    ends: dict[str, dict[str, Quantity]] = {}
    for row in rows.where(definition="increment_price_swing@1", estimand="difference").rows():
        _, level, end = str(row["category"]).rsplit("/", 2)
        ends.setdefault(level, {})[end] = quantity_of(row)
    bars = [
        _Bar(f"Client-week, {_say_level(level)}, ±25%", both["low"], both["high"], "") for level, both in ends.items()
    ]
    for row in rows.where(definition="increment_scenario@1", estimand="difference").rows():
        if str(row["unit"]).startswith("dollars"):
            name = str(row["category"]).rpartition("/")[2]
            why = row["note"] if isinstance(row["note"], str) else ""
            if not name.startswith("not_reached"):
                bars.append(_Bar(SCENARIOS.get(name, name.replace("_", " ")), quantity_of(row), None, why))
    return bars


def _base(rows: Rows) -> Quantity | None:
    found = [quantity_of(row) for row in rows.where(definition="increment_cost@1", estimand="difference").rows()]
    return found[0] if found and found[0].shown else None


def _edges(bar: _Bar) -> tuple[float, ...]:
    one = bar.low
    return (one.value, bar.high.value) if bar.high is not None else (one.value, one.low, one.high)


def _draw_bar(axes: Axes, bar: _Bar, place: int) -> None:
    if not bar.shown:
        axes.text(0.01, place, _missing(bar), transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=SOFT)
        return
    if bar.high is None:
        axes.plot([bar.low.low, bar.low.high], [place, place], color=SOFT, linewidth=1.6, zorder=2)
        axes.scatter([bar.low.value], [place], s=26, facecolor="white", edgecolor=INK, zorder=5)
        return
    for end, one, hatch in (("lower price", bar.low, ""), ("higher price", bar.high, "///")):
        other = bar.high if one is bar.low else bar.low
        middle = (bar.low.value + bar.high.value) / 2
        axes.barh(place, one.value - middle, left=middle, height=0.6, facecolor="white" if hatch else BLUE,
                  edgecolor=BLUE, hatch=hatch, linewidth=0.9, zorder=2)  # fmt: skip
        right = one.value > other.value
        axes.annotate(end, (one.value, place), xytext=(4 if right else -4, 0), textcoords="offset points",
                      ha="left" if right else "right", va="center", fontsize=7.5, color=SOFT)  # fmt: skip


def _say(bar: _Bar) -> str:
    if bar.high is not None:
        return f"{say_dollars(bar.low.value)} at the lower price, {say_dollars(bar.high.value)} at the higher"
    return f"{say_dollars(bar.low.value)} ({say_dollars(bar.low.low)} to {say_dollars(bar.low.high)})"


def _missing(bar: _Bar) -> str:
    if any(one is not None and one.withheld for one in (bar.low, bar.high)):
        return WITHHELD
    return "no such lines in the records" if bar.why else Status(bar.low.status).label


def _say_level(level: str) -> str:
    return LevelOfCare(level).label.lower() if level in LevelOfCare.codes() else level
