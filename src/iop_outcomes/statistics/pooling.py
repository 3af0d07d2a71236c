"""Many groups, each too small to judge alone: what of their differences is left when they borrow from one another?

The extreme groups of many are extreme partly by chance. Partial pooling pulls each group's value towards the others',
the more so the less it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats, Interval, as_given, normal_quantile

METHODS: tuple[str, ...] = ("REML", "DL", "integrated")


@dataclass(frozen=True, eq=False)
class PartialPooling:
    """Pooled values (K) with limits; ``own`` (K) is the weight each group's own value keeps, ``tau2`` the variance between
    groups (its posterior mean when integrated), ``centre`` what values are pulled towards."""

    values: Floats
    low: Floats
    high: Floats
    own: Floats
    centre: float
    tau2: float
    conf_level: float
    method: str


def partial_pooling(
    values: ArrayLike,
    std_errors: ArrayLike,
    *,
    centre: float | None = None,
    method: str = "REML",
    conf_level: float = 0.95,
) -> PartialPooling:
    """What are groups' true values likely to be, when groups are drawn from one family?

    True values are normal around a centre with variance tau2, observed values normal around the true ones. ``REML`` and
    ``DL`` estimate tau2 and then take it as known: empirical Bayes, whose limits are too narrow when groups are few, and
    shrink to nothing where tau2 is estimated to be 0. ``integrated`` averages over every tau that the values leave
    possible, uniform before they were seen.

    Args:
        values: (K) one value a group.
        std_errors: (K) their standard errors, above 0.
        centre: what values are pulled towards; by default estimated, as their weighted mean.
        method: ``REML``, ``DL`` (DerSimonian–Laird) or ``integrated``.
        conf_level: confidence (or, when integrated, posterior) level.

    Raises:
        ValueError: for an unknown method, standard errors that are not above 0, fewer than two groups, or, when
            integrated, fewer than three.

    Source: Raudenbush and Bryk (1985), Journal of Educational Statistics 10:75–98 (empirical Bayes); DerSimonian and
    Laird (1986), Controlled Clinical Trials 7:177–188; Gelman (2006), Bayesian Analysis 1:515–534,
    doi:10.1214/06-BA117A (uniform prior on tau).

    >>> pooled = partial_pooling([-.2, .02, .05, .3], [.1, .05, .05, .15], method="DL")
    >>> round(pooled.centre, 3), pooled.values.round(3).tolist()
    (0.02, [-0.088, 0.02, 0.044, 0.104])
    """
    y, s = np.asarray(values, dtype=np.float64), np.asarray(std_errors, dtype=np.float64)
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}.")
    if y.ndim != 1 or y.shape != s.shape or y.size < (3 if method == "integrated" else 2):
        raise ValueError(
            "Pooling needs one value and one standard error for each of at least two groups (integrated: three)."
        )
    if not (np.isfinite(y).all() and np.all(s > 0)):
        raise ValueError("Values are finite and standard errors above 0.")
    if method == "integrated":
        return _integrated(y, s**2, centre, conf_level)
    tau2 = _dersimonian_laird(y, s**2, centre) if method == "DL" else _restricted(y, s**2, centre)
    mean, variance, own, middle = _given(np.array([tau2]), y, s**2, centre)
    reach = normal_quantile(conf_level) * np.sqrt(variance[0])
    words = f"partial pooling, normal-normal, {method}"
    return PartialPooling(mean[0], mean[0] - reach, mean[0] + reach, own[0], float(middle[0]), tau2, conf_level, words)


def recovered_difference(first: Interval, second: Interval) -> Interval:
    """By how much may the first value exceed the second, when each has an interval of its own?

    Square-and-add: each limit of the difference recovers the variance from the limits that lie towards it. With Wilson's
    intervals of two independent shares it is Newcombe's method 10.

    Args:
        first: a value with limits.
        second: another, independent of it, at the same level.

    Raises:
        ValueError: if the levels differ.

    Source: Zou and Donner (2008), Statistics in Medicine 27:1693–1702, doi:10.1002/sim.3095.

    >>> gap = recovered_difference(Interval(.8, .692, .877, .95, ""), Interval(.6, .49, .7, .95, ""))
    >>> round(gap.value, 2), round(gap.low, 3), round(gap.high, 3)
    (0.2, 0.053, 0.334)
    """
    if first.conf_level != second.conf_level:
        raise ValueError("Both intervals need the same level.")
    value = np.subtract(first.value, second.value)
    low = value - np.hypot(np.subtract(first.value, first.low), np.subtract(second.high, second.value))
    high = value + np.hypot(np.subtract(first.high, first.value), np.subtract(second.value, second.low))
    words = f"square-and-add of two intervals ({first.method})"
    return Interval(as_given(value), as_given(low), as_given(high), first.conf_level, words)


def _given(tau2: Floats, y: Floats, v: Floats, centre: float | None) -> tuple[Floats, Floats, Floats, Floats]:
    """For each tau2 (T): pooled means and variances (T, K), own weights (T, K) and the centre (T)."""
    w = 1 / (v + tau2[:, None])
    middle = w @ y / w.sum(axis=1) if centre is None else np.full(len(tau2), centre)
    uncertain = 1 / w.sum(axis=1) if centre is None else np.zeros(len(tau2))
    own = tau2[:, None] * w
    mean = own * y + (1 - own) * middle[:, None]
    return mean, own * v + (1 - own) ** 2 * uncertain[:, None], own, middle


def _dersimonian_laird(y: Floats, v: Floats, centre: float | None) -> float:
    w = 1 / v
    middle = w @ y / w.sum() if centre is None else centre
    q = float(w @ (y - middle) ** 2)
    if centre is None:
        return max(0.0, (q - (y.size - 1)) / (w.sum() - (w @ w) / w.sum()))
    return max(0.0, (q - y.size) / w.sum())


def _restricted(y: Floats, v: Floats, centre: float | None) -> float:
    """Root of the score of the restricted likelihood (of the likelihood where the centre is given)."""
    from scipy.optimize import brentq

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        if centre is not None:
            return float((w * w) @ (y - centre) ** 2 - w.sum())
        middle = w @ y / w.sum()
        return float((w * w) @ (y - middle) ** 2 - w.sum() + (w @ w) / w.sum())

    if score(0.0) <= 0:
        return 0.0
    high = float(v.max())
    while score(high) > 0:
        high *= 2
    return float(brentq(score, 0.0, high, xtol=1e-16, rtol=1e-14))


def _integrated(y: Floats, v: Floats, centre: float | None, conf_level: float) -> PartialPooling:
    """Average over tau by Gauss–Legendre on x = tau / (tau + scale), which takes in the whole half-line."""
    from scipy.special import ndtr

    x, weight = _nodes()
    tau = float(np.sqrt(np.median(v))) * x / (1 - x)
    mean, variance, own, middle = _given(tau**2, y, v, centre)
    w = 1 / (v + tau[:, None] ** 2)
    log = 0.5 * np.log(w).sum(axis=1) - 0.5 * (w * (y - middle[:, None]) ** 2).sum(axis=1)
    if centre is None:
        log -= 0.5 * np.log(w.sum(axis=1))
    p = weight * np.exp(log - log.max()) / (1 - x) ** 2
    p /= p.sum()
    spread = np.sqrt(variance)

    def quantile(level: float) -> Floats:
        low = (mean - 9 * spread).min(axis=0)
        high = (mean + 9 * spread).max(axis=0)
        for _ in range(45):
            half = (low + high) / 2
            under = p @ ndtr((half - mean) / spread) < level
            low, high = np.where(under, half, low), np.where(under, high, half)
        return (low + high) / 2

    normal_quantile(conf_level)
    tail = (1 - conf_level) / 2
    words = "partial pooling, normal-normal, averaged over the spread between groups"
    return PartialPooling(
        p @ mean, quantile(tail), quantile(1 - tail), p @ own, float(p @ middle), float(p @ tau**2), conf_level, words
    )


@cache
def _nodes() -> tuple[Floats, Floats]:
    """Places and weights of the rule on 0 to 1."""
    x, weight = np.polynomial.legendre.leggauss(256)
    return (x + 1) / 2, weight / 2
