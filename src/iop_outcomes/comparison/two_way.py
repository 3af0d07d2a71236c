"""Which level is worth more when two inputs move together: both prices of a client-week, or one of them and the effect?

Answers hold at one stated price of a unit of effect; all else stays as estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, log10

import numpy as np

from iop_outcomes.comparison.increments import Weighed, normal_columns
from iop_outcomes.comparison.person_costs import hold_most, weigh_dollars
from iop_outcomes.measures.rows import Row
from iop_outcomes.statistics import Increment, priced_means, two_way_sensitivity
from iop_outcomes.statistics.intervals import Floats, normal_quantile

#: What the price of a client-week is moved to, as a share of it.
FACTORS: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5)
#: What stands in a category between the names of two inputs, and for the difference in effect.
TOGETHER, EFFECT = " and ", "effect"
_METHOD = "two inputs moved, all else as estimated; what is moved counts as known"


def two_way_rows(weighed: Weighed, costs: Mapping[str, Floats], worth: float) -> Iterator[Row]:
    """Net benefit of both levels, and the difference, with two inputs moved at once.

    ``costs`` are the dollars (n × parts) of care at each level of care, by level; ``worth`` the price of one unit of
    effect. Categories end with the price, the two inputs, and the value of each: ``25000/2.1 and 3.5/0.5/1.25`` is half the
    price of a client-week at level 2.1 and a quarter more at 3.5, ``25000/2.1 and effect/0.5/-0.1`` half of it and a
    difference in effect of -0.1, the other level's effect as estimated. Of the effect, the ends of its likely range and the
    middle are taken, rounded as far as they stay apart.
    """
    protocol, found = weighed.question.protocol, weighed.found
    one, other = protocol.treated, protocol.control

    means = priced_means(weighed.made, list(costs.values()), weighed.effect)
    dollars = {
        level: [weigh_dollars(weighed.made, own, cost) for cost in costs.values()]
        for level, own in weighed.question.sides
    }

    @cache
    def priced(first: float, second: float) -> _Moved:
        factors = [{one: first, other: second}.get(level, 1.0) for level in costs]
        held = {
            level: hold_most(np.sum([factor * part for factor, part in zip(factors, parts, strict=True)], axis=0))
            for level, parts in dollars.items()
        }
        return _Moved(means.at(factors), held)

    def of_prices(first: float, second: float) -> tuple[_Moved, Floats, float]:
        moved = priced(first, second)
        pays = np.array([-1.0, worth])
        return moved, moved.found.arms[:, 1], float(pays @ moved.found.covariance @ pays)

    def of_effect(first: float, gap: float) -> tuple[_Moved, Floats, float]:
        moved = priced(first, 1.0)
        base = float(found.arms[1, 1])
        return moved, np.array([base + gap, base]), float(moved.found.covariance[0, 0])

    reach = normal_quantile(0.95) * float(np.sqrt(found.covariance[1, 1]))
    decimals = max(0, ceil(-log10(reach))) if reach else 6  # no more digits than it takes to tell the three apart
    gaps = tuple(dict.fromkeys(round(found.effect + step * reach, decimals) for step in (-1, 0, 1)))
    yield from _grid_rows(weighed, worth, (one, FACTORS), (other, FACTORS), of_prices)
    yield from _grid_rows(weighed, worth, (one, FACTORS), (EFFECT, gaps), of_effect)


@dataclass(frozen=True, eq=False)
class _Moved:
    """The increments at moved prices, and how much of each level's dollars the two people with most hold, at most."""

    found: Increment
    held: dict[str, float]


def _grid_rows(
    weighed: Weighed,
    worth: float,
    first: tuple[str, tuple[float, ...]],
    second: tuple[str, tuple[float, ...]],
    case: Callable[[float, float], tuple[_Moved, Floats, float]],
) -> Iterator[Row]:
    """One grid: each pair of values with both levels' net benefit and the difference.

    ``case`` gives what follows from moved dollars, both levels' effect, and the variance of the difference.
    """
    question = weighed.question

    def benefit(**inputs: float) -> float:
        moved, effects, _ = case(*inputs.values())
        treated, control = worth * effects - moved.found.arms[:, 0]
        return float(treated - control)

    names = f"{first[0]}{TOGETHER}{second[0]}"
    grid = two_way_sensitivity(benefit, {first[0]: 1.0, second[0]: 1.0}, first, second)
    for i, a in enumerate(first[1]):
        for j, b in enumerate(second[1]):
            moved, effects, variance = case(a, b)
            suffix = f"{worth:.15g}/{names}/{a:g}/{b:g}"
            for side, (level, own) in enumerate(question.sides):
                value = float(worth * effects[side] - moved.found.arms[side, 0])
                columns: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
                columns |= {"value": value, "method": "price times effect, less cost", "top_two": moved.held[level]}
                yield question.row("increment_two_way", "mean", level=level, suffix=suffix, **columns)
            columns = {**normal_columns(float(grid.answer[i, j]), variance, ""), "method": _METHOD}
            yield question.row("increment_two_way", "difference", suffix=suffix, **columns)
