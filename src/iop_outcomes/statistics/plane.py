"""Where does a difference in cost and in effect lie? The words that come before any ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import FloatOrArray, Floats

#: The places on the cost-effectiveness plane, and how each reads. A difference of exactly 0 in one of the two belongs
#: to dominance, so a ratio is left only where there is more for more, or less for less.
QUADRANTS = {
    "dominant": "costs no more, with no less effect",
    "more_for_more": "costs more, with more effect",
    "less_for_less": "costs less, with less effect",
    "dominated": "costs no less, with no more effect",
    "same": "costs the same, with the same effect",
}


@dataclass(frozen=True, eq=False)
class PlaneShares:
    """The share of draws in each of ``QUADRANTS``, adding to 1, with the Monte-Carlo error of each."""

    quadrants: tuple[str, ...]
    share: Floats
    std_error: Floats
    draws: int


def name_quadrant(cost: ArrayLike, effect: ArrayLike) -> FloatOrArray:
    """Which word describes these differences in cost and effect?

    Args:
        cost: cost of the strategy less that of the reference.
        effect: its effect less that of the reference, more is better.

    Returns:
        One of ``QUADRANTS``, or an array of them.

    Raises:
        ValueError: if a difference is missing.

    Source: Black (1990), doi:10.1177/0272989X9001000308, for the plane.

    >>> name_quadrant(637, 0.20), name_quadrant(111, -0.07), name_quadrant(-50, 0)
    ('more_for_more', 'dominated', 'dominant')
    """
    c, e = np.broadcast_arrays(np.asarray(cost, float), np.asarray(effect, float))
    if np.isnan(c).any() or np.isnan(e).any():
        raise ValueError("A difference in cost or effect is missing.")
    word = np.select(
        [(c == 0) & (e == 0), (c <= 0) & (e >= 0), (c >= 0) & (e <= 0), c > 0],
        ["same", "dominant", "dominated", "more_for_more"],
        "less_for_less",
    )
    return str(word) if word.ndim == 0 else word


def cost_effect_plane(cost_draws: ArrayLike, effect_draws: ArrayLike) -> PlaneShares:
    """How often does the strategy cost more or less, with more or less effect, than its reference?

    Args:
        cost_draws: (B) draws of the difference in cost, from a bootstrap or a probabilistic model.
        effect_draws: (B) the difference in effect in the same draws.

    Raises:
        ValueError: if the lengths differ, there are fewer than two draws, or one is missing.

    Source: Briggs and Fenn (1998), Confidence intervals or surfaces? Health Economics 7:723-740.

    >>> found = cost_effect_plane([100, 200, -50, 80], [0.1, 0.2, 0.1, -0.1])
    >>> dict(zip(found.quadrants, found.share.tolist()))
    {'dominant': 0.25, 'more_for_more': 0.5, 'less_for_less': 0.0, 'dominated': 0.25, 'same': 0.0}
    """
    c, e = np.asarray(cost_draws, float), np.asarray(effect_draws, float)
    if c.ndim != 1 or c.shape != e.shape or c.size < 2:
        raise ValueError("Give two or more draws, each with a difference in cost and one in effect.")
    word = name_quadrant(c, e)
    share = np.array([(word == quadrant).mean() for quadrant in QUADRANTS])
    return PlaneShares(tuple(QUADRANTS), share, np.sqrt(share * (1 - share) / c.size), c.size)
