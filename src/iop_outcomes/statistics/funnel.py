"""Does a site differ by more than its size explains? Funnel limits for shares, and what to do when sites vary more.

A small site varies more than a large one. Funnel limits say by how much, around one target, at every size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats, normal_quantile

#: Ways to draw limits; the last two need an :class:`Overdispersion`.
KINDS: tuple[str, ...] = ("exact", "normal", "multiplicative", "additive")


@dataclass(frozen=True, eq=False)
class FunnelLimits:
    """Limits around a target share at N sizes and L levels: ``lower`` and ``upper`` are (L, N) shares."""

    denominators: Floats
    target: float
    levels: tuple[float, ...]
    lower: Floats
    upper: Floats
    method: str


@dataclass(frozen=True, eq=False)
class Overdispersion:
    """How much more sites vary than chance.

    ``z`` (N) winsorised z-scores · ``phi`` their mean square, 1 when chance explains all · ``tau2`` variance of sites' own
    levels (additive) · ``statistic``, ``df``, ``p_value`` the test, on z-scores that were not winsorised.
    """

    target: float
    z: Floats
    phi: float
    tau2: float
    statistic: float
    df: int
    p_value: float


def funnel_limits(
    denominators: ArrayLike,
    target: float,
    *,
    levels: tuple[float, ...] = (0.95, 0.998),
    kind: str = "exact",
    dispersion: Overdispersion | None = None,
) -> FunnelLimits:
    """Within which limits would a site's share lie, were the target true of it?

    ``exact``: binomial quantiles, interpolated between whole counts so that the limits do not jump. The lower limit is
    worked out on events and the upper, in the same way, on non-events: the funnel of a share is the mirror image of the
    funnel of its complement, and neither tail beyond a limit ever has more than its nominal probability.
    ``normal``: target ± z·√(target(1 - target)/n). ``multiplicative``: the same times √phi, where phi exceeds 1.
    ``additive``: target ± z·√(target(1 - target)/n + tau2). All are cut off at 0 and 1.

    Args:
        denominators: (N) whole numbers of trials; the limits of 0 trials are ``nan``.
        target: the share all sites are held against, between 0 and 1.
        levels: coverage of each pair of limits.
        kind: one of ``exact``, ``normal``, ``multiplicative``, ``additive``.
        dispersion: what :func:`overdispersion` found; for the last two kinds.

    Raises:
        ValueError: for an unknown kind, a target outside 0 to 1, a denominator that is not a whole number, or a
            dispersion that is missing or not wanted.

    Source: Spiegelhalter (2005), Statistics in Medicine 24:1185–1202, appendix A.1.1, doi:10.1002/sim.1970.

    >>> limits = funnel_limits([20, 200], 0.7, levels=(0.95,))
    >>> limits.lower.round(3).tolist(), limits.upper.round(3).tolist()
    ([[0.463, 0.633]], [[0.919, 0.765]])
    """
    n = np.atleast_1d(np.asarray(denominators, dtype=np.float64))
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}.")
    if not 0 <= target <= 1:
        raise ValueError("The target is a share between 0 and 1.")
    if np.any(n < 0) or np.any(n != np.floor(n)):
        raise ValueError("Denominators are whole numbers of trials, zero or more.")
    if (dispersion is not None) != (kind in ("multiplicative", "additive")):
        raise ValueError("Give dispersion for multiplicative and additive limits, and for no others.")
    if kind == "exact":
        lower = np.stack([_exact_lower(n, target, (1 - level) / 2) for level in levels])
        upper = np.stack([1 - _exact_lower(n, 1 - target, (1 - level) / 2) for level in levels])
        return FunnelLimits(n, target, levels, lower, upper, "exact binomial limits, interpolated")
    variance = target * (1 - target) / np.where(n > 0, n, np.nan)
    method = "normal limits"
    if kind == "multiplicative" and dispersion is not None:
        variance, method = variance * max(dispersion.phi, 1.0), "normal limits, multiplicative over-dispersion"
    if kind == "additive" and dispersion is not None:
        variance, method = variance + dispersion.tau2, "normal limits, additive over-dispersion"
    reach = np.array([[normal_quantile(level)] for level in levels]) * np.sqrt(variance)
    return FunnelLimits(n, target, levels, np.maximum(target - reach, 0), np.minimum(target + reach, 1), method)


def overdispersion(
    events: ArrayLike,
    units: ArrayLike,
    target: float | None = None,
    *,
    winsorise: float = 0.1,
    design_effect: float = 1.0,
) -> Overdispersion:
    """Do sites vary more than chance, and by how much?

    Each site's z-score against the target; the lowest and the highest share ``winsorise`` of them are pulled in to their
    quantile, so that a few sites far out do not widen everybody's limits. phi is their mean square; tau2 is the moment
    estimate (DerSimonian and Laird) from it, 0 when phi shows no excess. Both are low on purpose: of normal scores,
    pulling in a tenth at each end takes away a third of the mean square (0.68 is left), so that limits widened by them
    still leave out about one site in ten.

    Args:
        events: (N) events of each site.
        units: (N) trials of each site, at least 1.
        target: the share sites are held against; by default the share of all sites together, which costs a degree
            of freedom in the test.
        winsorise: share of z-scores pulled in at each end, from 0 to under 0.5.
        design_effect: how many times the variance of a share exceeds the binomial (see :func:`design_effect`).

    Returns:
        Overdispersion; its numbers are ``nan`` when the target is 0 or 1.

    Raises:
        ValueError: for fewer than two sites, impossible counts, or a share to winsorise outside its range.

    Source: Spiegelhalter (2005), as above; Spiegelhalter and others (2012), Journal of the
    Royal Statistical Society A 175:1–47, doi:10.1111/j.1467-985X.2011.01010.x.

    >>> found = overdispersion([30, 50, 80, 20], [50, 100, 120, 60])
    >>> round(found.phi, 3), round(found.tau2, 4), round(found.p_value, 5)
    (3.129, 0.0099, 0.00022)
    """
    x, n = np.asarray(events, dtype=np.float64), np.asarray(units, dtype=np.float64)
    if x.ndim != 1 or x.shape != n.shape or x.size < 2:
        raise ValueError("Over-dispersion needs the events and units of at least two sites.")
    if not (np.all(x >= 0) and np.all(n >= 1) and np.all(x <= n)):
        raise ValueError("Each site has at least one unit, and events between 0 and its units.")
    if not 0 <= winsorise < 0.5:
        raise ValueError("winsorise is a share of the sites from 0 to under 0.5.")
    from scipy.special import chdtrc

    centre = float(x.sum() / n.sum()) if target is None else target
    df = x.size - (target is None)
    if centre in (0.0, 1.0):
        return Overdispersion(centre, np.full(x.size, np.nan), np.nan, np.nan, np.nan, df, np.nan)
    variance = centre * (1 - centre) * design_effect / n
    z = (x / n - centre) / np.sqrt(variance)
    statistic = float(z @ z)
    pulled = np.clip(z, *np.quantile(z, [winsorise, 1 - winsorise]))
    phi = float(np.mean(pulled**2))
    weights = 1 / variance
    excess = z.size * phi - (z.size - 1)
    tau2 = max(excess, 0.0) / (weights.sum() - (weights**2).sum() / weights.sum())
    return Overdispersion(centre, pulled, phi, float(tau2), statistic, df, float(chdtrc(df, statistic)))


def design_effect(
    sum_y: ArrayLike, sum_x: ArrayLike, sum_yy: ArrayLike, sum_xy: ArrayLike, sum_xx: ArrayLike, clusters: ArrayLike
) -> float:
    """How many times does the variance of a share exceed the binomial, because people give several units each?

    Person-clustered variance within each group over its binomial variance, both summed over groups and weighted by
    their units; 1 when every person gives one unit, and never under 1.

    Args:
        sum_y: (G) Σ events over the people of each group.
        sum_x: (G) Σ units over people.
        sum_yy: (G) Σ events² over people.
        sum_xy: (G) Σ events · units over people.
        sum_xx: (G) Σ units² over people.
        clusters: (G) people in each group; groups of one person say nothing and are left out.

    Source: Kish (1965), Survey Sampling, section 8.2, with the linearised variance of Cochran (1977), section 2.11.

    Two groups in which everybody gives two units that always end alike:

    >>> design_effect([20, 10], [40, 40], [40, 20], [40, 20], [80, 80], [20, 20]) > 1.9
    True
    >>> design_effect([20, 10], [40, 40], [20, 10], [20, 10], [40, 40], [40, 40])
    1.0
    """
    columns = (sum_y, sum_x, sum_yy, sum_xy, sum_xx, clusters)
    y, x, yy, xy, xx, m = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in columns)
    usable = (m > 1) & (x > 1)
    y, x, yy, xy, xx, m = (column[usable] for column in (y, x, yy, xy, xx, m))
    share = y / x
    clustered = float(np.sum(m / (m - 1) * np.maximum(yy - 2 * share * xy + share**2 * xx, 0)))
    binomial = float(np.sum(x * share * (1 - share) * x / (x - 1)))
    return max(1.0, round(clustered / binomial, 12)) if binomial > 0 else 1.0


def _exact_lower(n: Floats, target: float, tail: float) -> Floats:
    """Share below which the binomial probability is ``tail``, interpolated between whole counts."""
    from scipy.special import bdtrik, betaincc

    def chance(count: Floats) -> Floats:
        inside = np.clip(count, 0, np.maximum(n - 1, 0))
        return np.where(count < 0, 0.0, np.where(count >= n, 1.0, betaincc(inside + 1, n - inside, target)))

    count = np.clip(np.ceil(np.nan_to_num(bdtrik(tail, n, target))), 0, n)
    while (early := (count > 0) & (chance(count - 1) >= tail)).any():  # the quantile: the first count that reaches tail
        count -= early
    while (late := chance(count) < tail).any():
        count += late
    at, under = chance(count), chance(count - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = (count - (at - tail) / (at - under)) / n
    return np.where(n > 0, np.maximum(limit, 0), np.nan)
