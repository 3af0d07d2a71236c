"""Which of several strategies are worth considering at all, and what does one more unit of effect cost along the way?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats

ON_FRONTIER, DOMINATED, EXTENDED_DOMINATED = "on_frontier", "dominated", "extended_dominated"
#: Rounding, in units of the last digit, that two slopes may differ by and still be one.
_ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class Frontier:
    """Each strategy's status and, for those on the frontier, the step from the one before; in the order given.

    ``status`` "on_frontier", "dominated" or "extended_dominated". ``compared_with`` names the next cheaper strategy on
    the frontier (none for the cheapest), the cheapest strategy that dominates, or the two between which a mixture
    does. ``icer`` is ``incremental_cost / incremental_effect``; all three are ``nan`` where there is no step.
    """

    names: tuple[str, ...]
    cost: Floats
    effect: Floats
    status: tuple[str, ...]
    compared_with: tuple[tuple[str, ...], ...]
    incremental_cost: Floats
    incremental_effect: Floats
    icer: Floats

    @property
    def order(self) -> NDArray[np.intp]:
        """Positions of the strategies on the frontier, the cheapest first."""
        on = np.flatnonzero(np.array(self.status) == ON_FRONTIER)
        return on[np.argsort(self.cost[on], kind="stable")]


def efficiency_frontier(cost: ArrayLike, effect: ArrayLike, names: Sequence[str]) -> Frontier:
    """Which strategies could be the best choice, and at what price of one more unit of effect?

    Dominated: another costs no more and does no less. Extended-dominated: a mixture of two others does, which shows as
    an ICER above that of the next dearer strategy; pruned until ICERs rise all along. Only the rest have ICERs, each
    against the strategy before it on the frontier, so none is negative. Strategies with one cost and one effect share
    a fate.

    Args:
        cost: (S) mean cost of each strategy.
        effect: (S) mean effect of each, more is better.
        names: (S) different names.

    Raises:
        ValueError: if lengths differ, a number is missing or infinite, a name is used twice, or there is no strategy.

    Source: Karlsson and Johannesson (1996), doi:10.2165/00019053-199609020-00003.

    >>> made = efficiency_frontier([526, 1163, 1274], [0.40, 0.60, 0.53], ["CP1", "CP2", "day hospital"])
    >>> made.status
    ('on_frontier', 'on_frontier', 'dominated')
    >>> made.icer.round(6).tolist(), made.compared_with
    ([nan, 3185.0, nan], ((), ('CP1',), ('CP2',)))
    """
    c, e, names = np.array(cost, float), np.array(effect, float), tuple(names)
    if c.ndim != 1 or c.size == 0 or not c.size == e.size == len(names) or e.ndim != 1:
        raise ValueError("Give one cost, one effect and one name for each strategy.")
    if not (np.isfinite(c).all() and np.isfinite(e).all()):
        raise ValueError("A strategy's cost or effect is missing: leave the strategy out.")
    if len(set(names)) < len(names):
        raise ValueError("Two strategies have one name: give each its own.")

    # Points by cost, and the most effective first among those of one cost; 0.0 takes away the sign of -0.0.
    points, place = np.unique(np.column_stack([c, -e]) + 0.0, axis=0, return_inverse=True)
    place, x, y = place.ravel(), points[:, 0], -points[:, 1]
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(y)[:-1]])
    kept = np.flatnonzero(y > best_before)
    hull: list[int] = []
    for i in kept:
        while len(hull) > 1 and _falls(x, y, hull[-2], hull[-1], int(i)):
            hull.pop()
        hull.append(int(i))

    at = [tuple(name for name, here in zip(names, place, strict=True) if here == i) for i in range(x.size)]
    status, against = [DOMINATED] * x.size, [at[kept[np.searchsorted(y[kept], y[i])]] for i in range(x.size)]
    for i in kept:
        next_one = int(np.searchsorted(hull, i))
        status[i] = ON_FRONTIER if hull[next_one] == i else EXTENDED_DOMINATED
        before = at[hull[next_one - 1]] if next_one else ()
        against[i] = before if status[i] == ON_FRONTIER else before + at[hull[next_one]]
    steps = np.full((3, x.size), np.nan)
    steps[0, hull[1:]], steps[1, hull[1:]] = np.diff(x[hull]), np.diff(y[hull])
    steps[2] = steps[0] / steps[1]
    more_cost, more_effect, icer = steps[:, place]
    return Frontier(
        names,
        c,
        e,
        tuple(status[i] for i in place),
        tuple(against[i] for i in place),
        more_cost,
        more_effect,
        icer,
    )


def _falls(x: Floats, y: Floats, first: int, middle: int, last: int) -> bool:
    """Whether the ICER from first to middle lies above that from middle to last, by more than rounding."""
    dx, dy = np.diff(x[[first, middle, last]]), np.diff(y[[first, middle, last]])
    slack = np.abs(x[[first, middle, last]]).max() * dy.sum() + np.abs(y[[first, middle, last]]).max() * dx.sum()
    return bool(dx[0] * dy[1] - dx[1] * dy[0] > _ROUNDING * slack)
