"""Where does care that begins at one level lie beside the other, in cost and in effect, and how sure is that?

Reads the ``difference`` rows of ``increment_cost@1``, ``increment_effect@1``, ``crude_cost@1`` and ``crude_effect@1``, and the
correlation and quadrants among the ``diagnostic`` rows of ``increment_cost@1``. The rings are worked out from the two
intervals and the correlation: no person and no draw is a point.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    INK,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
)
from iop_outcomes.publication.formatting import NOTHING, WITHHELD, Quantity, quantity_of, say_note, show_value
from iop_outcomes.statistics.intervals import normal_quantile
from iop_outcomes.statistics.plane import QUADRANTS, name_quadrant
from iop_outcomes.vocabulary import LevelOfCare, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "What does it cost, and what does it achieve, to begin at one level and not the other?"
#: What each ring holds of the likely values.
RINGS: tuple[float, ...] = (0.95, 0.5)
_CORNERS = {  # quadrant: side of the plane (effect, cost)
    "more_for_more": (1, 1),
    "dominant": (1, -1),
    "less_for_less": (-1, -1),
    "dominated": (-1, 1),
}
_CORNER_WORDS = {
    "more_for_more": "costs more,\nmore effect",
    "dominant": "costs less,\nmore effect",
    "less_for_less": "costs less,\nless effect",
    "dominated": "costs more,\nless effect",
}


@dataclass(frozen=True)
class Place:
    """One difference in cost and one in effect, with their limits."""

    cost: Quantity
    effect: Quantity

    @property
    def shown(self) -> bool:
        """Whether both have a value."""
        return self.cost.shown and self.effect.shown

    @property
    def quadrant(self) -> str:
        """Which corner of the plane they lie in."""
        return str(name_quadrant(self.cost.value, self.effect.value))


def draw_plane(rows: Rows) -> Figure:
    """The two differences as one point with its rings, the crude one beside it, and the words in each corner."""
    with styled():
        found, crude = find_place(rows, "increment"), find_place(rows, "crude")
        refused = say_refusal(rows)
        drawn = [one for one in (found, crude) if one is not None and one.shown]
        said = textwrap.wrap(refused, 92)
        figure = new_figure(3.6 + 0.16 * len(said) if drawn else 1.6)
        axes = figure.subplots()
        if not drawn:
            say_nothing_to_show(axes, rows)
            return figure
        reach_x, reach_y = _reach(drawn)
        if found is not None and found.shown:
            _draw_rings(axes, found, _correlation(rows))
            axes.scatter([found.effect.value], [found.cost.value], s=38, marker="D", color=BLUE, zorder=4)
            _label(axes, found, "made alike", BLUE, found.cost.high)
        if crude is not None and crude.shown:
            faces: dict[str, Any] = {"facecolor": "white", "edgecolor": INK}
            axes.scatter([crude.effect.value], [crude.cost.value], s=34, zorder=4, **faces)
            _label(axes, crude, "as placed", INK, crude.cost.value)
        axes.axhline(0, color=SOFT, linewidth=0.9)
        axes.axvline(0, color=SOFT, linewidth=0.9)
        axes.set_xlim(-reach_x, reach_x)
        axes.set_ylim(-reach_y, reach_y)
        for quadrant, (side, up) in _CORNERS.items():
            axes.text(
                0.985 if side > 0 else 0.015,
                0.97 if up > 0 else 0.03,
                f"{_CORNER_WORDS[quadrant]}{_say_share(rows, quadrant)}",
                transform=axes.transAxes,
                ha="right" if side > 0 else "left",
                va="top" if up > 0 else "bottom",
                fontsize=8,
                color=SOFT,
            )
        axes.xaxis.set_major_formatter(lambda value, _: say_change(value, drawn[0].effect.kind))
        axes.yaxis.set_major_formatter(lambda value, _: say_dollars(value))
        treated, control = name_sides(rows)
        axes.set_ylabel(f"Difference in {_say_whose(drawn[0].cost.unit)}", fontsize=8)
        words = [f"Difference in effect, {treated} less {control}"]
        if found is not None and found.shown:
            words[0] += ". Rings hold 50% and 95% of what is likely"
        axes.set_xlabel("\n".join([*words, *said]), fontsize=8, color=SOFT)
        return figure


def describe_plane(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    found, crude = find_place(rows, "increment"), find_place(rows, "crude")
    refused = say_refusal(rows)
    if not any(one is not None and one.shown for one in (found, crude)):
        hidden = any(one is not None and (one.cost.withheld or one.effect.withheld) for one in (found, crude))
        return f"{TITLE} {'Numbers are withheld to protect privacy.' if hidden else 'Nothing to show yet.'}"
    treated, control = name_sides(rows)
    parts = [f"{treated.capitalize()} less {control}."]
    if found is not None and found.shown:
        parts.append(f"Made alike: {QUADRANTS[found.quadrant]}: {_say_place(found)}.")
    elif refused:
        parts.append(f"Not estimated. {refused}")
    if crude is not None and crude.shown:
        parts.append(f"As placed: {_say_place(crude)}.")
    return " ".join(parts)


def tabulate_plane(rows: Rows) -> Table:
    """The differences made alike and as placed, and how often the draws lie in each corner."""
    lines: list[tuple[Cell, ...]] = []
    for name, words in (("increment", "Made alike"), ("crude", "As placed (people differ)")):
        place = find_place(rows, name)
        if place is not None:
            lines.append((words, say_limits(place.cost), say_limits(place.effect)))
    for row in _quadrants(rows):
        words = QUADRANTS[str(row["category"]).rpartition("/")[2]]
        lines.append((f"Share of draws: {words}", _say_draws(quantity_of(row, "share")), ""))
    return Table(("", "Cost (likely range)", "Effect (likely range)"), tuple(lines))


def find_place(rows: Rows, name: str) -> Place | None:
    """The difference in cost and in effect of ``increment`` or ``crude`` rows; None where there are no such rows."""
    found = [rows.where(definition=f"{name}_{what}@1", estimand="difference") for what in ("cost", "effect")]
    if not all(len(part) for part in found):
        return None
    cost, effect = (quantity_of(next(iter(part.rows()))) for part in found)
    return Place(cost, effect)


def name_sides(rows: Rows) -> tuple[str, str]:
    """The two levels as a reader meets them: the one asked about, and the one it is held against."""
    row = next(iter(rows.where(estimand=["difference", "tipping_point"]).rows()))
    one, other = (
        LevelOfCare(str(row[side])).label.lower() if str(row[side]) in LevelOfCare.codes() else str(row[side])
        for side in ("group", "reference")
    )
    return one, other


def say_refusal(rows: Rows) -> str:
    """Why there are no increments; nothing where there are."""
    for row in rows.where(definition="increment_cost@1", estimand="difference").rows():
        if row["status"] == Status.NOT_ESTIMABLE and isinstance(row["note"], str):
            return say_note(row["note"])
    return ""


def say_dollars(value: float) -> str:
    """Dollars with the sign in front.

    >>> say_dollars(-2002.4), say_dollars(150)
    ('-$2,002', '$150')
    """
    return f"{'-' if round(value) < 0 else ''}{show_value(abs(value), 'money')}"


def say_change(value: float, kind: str) -> str:
    """A difference in effect: percentage points or days.

    >>> say_change(-0.1, "share"), say_change(3.25, "days")
    ('-10 points', '3.2 days')
    """
    return f"{100 * value:.0f} points" if kind == "share" else f"{value:.1f} days"


def say_limits(one: Quantity) -> str:
    """A difference in dollars, percentage points or days with its range.

    >>> say_limits(Quantity("money", -2002, -2204, -1800)), say_limits(Quantity("share", -0.1, -0.13, -0.07))
    ('-$2,002 (-$2,204 to -$1,800)', '-10 points (-13 to -7)')
    """
    if not one.shown:
        return WITHHELD if one.withheld else Status(one.status).label or NOTHING
    if one.kind == "money":
        return f"{say_dollars(one.value)} ({say_dollars(one.low)} to {say_dollars(one.high)})"
    scale, unit = (100.0, "points") if one.kind == "share" else (1.0, "days")
    value, low, high = (
        f"{round(scale * part) + 0:.0f}" if part == part else NOTHING for part in (one.value, one.low, one.high)
    )
    return f"{value} {unit} ({low} to {high})"


def _say_place(place: Place) -> str:
    return f"cost {say_limits(place.cost)}, effect {say_limits(place.effect)}"


def _say_whose(unit: str) -> str:
    dollars, _, whose = unit.partition(", ")
    return f"{whose}\n({dollars} a person)"


def _say_share(rows: Rows, quadrant: str) -> str:
    for row in _quadrants(rows):
        if str(row["category"]).endswith(f"/{quadrant}"):
            return f"\n{_say_draws(quantity_of(row, 'share'))} of draws"
    return ""


def _say_draws(one: Quantity) -> str:
    return WITHHELD if one.withheld else say_surely(one.value) if one.shown else NOTHING


def say_surely(share: float) -> str:
    """A share of draws; never 0 or 100 % of what is only likely.

    >>> say_surely(0.99999), say_surely(0.5), say_surely(0)
    ('over 99%', '50%', 'under 1%')
    """
    return "over 99%" if share > 0.99 else "under 1%" if share < 0.01 else show_value(share, "share")


def _quadrants(rows: Rows) -> Iterator[dict[str, Any]]:
    """The rows with the share of draws in each quadrant."""
    for row in rows.where(definition="increment_cost@1", estimand="diagnostic").rows():
        if "/" in str(row["category"]):
            yield row


def _correlation(rows: Rows) -> float:
    values = rows.where(definition="increment_cost@1", unit="correlation").frame["value"].dropna()
    return float(values.iloc[0]) if len(values) else 0.0


def _reach(drawn: list[Place]) -> tuple[float, float]:
    """How far the plane goes on either side of 0, so that 0 stays in the middle."""
    far = []
    for ends in ([one.effect for one in drawn], [one.cost for one in drawn]):
        values = [abs(edge) for one in ends for edge in (one.value, one.low, one.high) if not math.isnan(edge)]
        far.append(1.55 * max(values, default=1.0) or 1.0)
    return far[0], far[1]


def _draw_rings(axes: Axes, place: Place, correlation: float) -> None:
    """Rings of equal likelihood of a joint normal: from the half-widths of the two intervals."""
    level = place.cost.conf_level
    if any(math.isnan(edge) for edge in (place.cost.low, place.effect.low, level)):
        return
    z, turn = normal_quantile(level), np.linspace(0, 2 * np.pi, 181)
    wide, tall = ((one.high - one.low) / (2 * z) for one in (place.effect, place.cost))
    for ring, alpha in zip(RINGS, (0.16, 0.28), strict=True):
        size = math.sqrt(-2 * math.log(1 - ring))
        x = place.effect.value + size * wide * np.cos(turn)
        y = place.cost.value + size * tall * (
            correlation * np.cos(turn) + math.sqrt(max(0.0, 1 - correlation**2)) * np.sin(turn)
        )
        axes.fill(x, y, facecolor=BLUE, alpha=alpha, linewidth=0, zorder=2)
        axes.plot(x, y, color=BLUE, linewidth=0.9, zorder=3)


def _label(axes: Axes, place: Place, words: str, colour: str, above: float) -> None:
    said: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "color": colour, "ha": "center", "zorder": 5}
    axes.annotate(words, (place.effect.value, above), xytext=(0, 9), **said)
