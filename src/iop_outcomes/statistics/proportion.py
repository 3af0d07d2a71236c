"""Shares and their intervals: events out of trials, one row per person or several.

Wilson for a headline share, Clopper–Pearson where a guarantee is asked for, Newcombe for the difference of two
independent shares, and Wilson on an effective sample size when people contribute more than one episode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats, Interval, as_given, normal_quantile


def wilson(x: ArrayLike, n: ArrayLike, conf_level: float = 0.95) -> Interval:
    """Which true shares are compatible with x events among n people?

    Args:
        x: events; a number or an array, 0 ≤ x ≤ n.
        n: trials; broadcast against ``x``. Where n is 0 the result is ``nan``.
        conf_level: confidence level.

    Returns:
        Interval of shares between 0 and 1.

    Raises:
        ValueError: if a count is negative or missing, or x exceeds n.

    Source: Wilson (1927); Brown, Cai and DasGupta (2001), equation 4.

    >>> share = wilson(8, 20)
    >>> round(share.value, 4), round(share.low, 4), round(share.high, 4)
    (0.4, 0.2188, 0.6134)
    """
    x, n = _counts(x, n)
    value = _divide(x, n)
    low, high = _wilson_limits(value, n, normal_quantile(conf_level))
    return Interval(as_given(value), as_given(low), as_given(high), conf_level, "Wilson")


def clopper_pearson(x: ArrayLike, n: ArrayLike, conf_level: float = 0.95) -> Interval:
    """Which true shares cannot be ruled out, with coverage guaranteed at least at the level?

    Args:
        x: events; a number or an array, 0 ≤ x ≤ n.
        n: trials; broadcast against ``x``. Where n is 0 the result is ``nan``.
        conf_level: confidence level.

    Returns:
        Interval of shares between 0 and 1; wider than Wilson's.

    Raises:
        ValueError: if a count is negative or missing, or x exceeds n.

    Source: Clopper and Pearson (1934), as quantiles of the beta distribution.

    >>> share = clopper_pearson(0, 15)
    >>> share.value, share.low, round(share.high, 4)
    (0.0, 0.0, 0.218)
    """
    from scipy.special import betaincinv

    x, n = _counts(x, n)
    normal_quantile(conf_level)
    tail = (1 - conf_level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(x == 0, 0.0, betaincinv(np.maximum(x, 0.5), n - x + 1, tail))
        high = np.where(x == n, 1.0, betaincinv(x + 1, np.maximum(n - x, 0.5), 1 - tail))
    low, high = np.where(n == 0, np.nan, low), np.where(n == 0, np.nan, high)
    return Interval(as_given(_divide(x, n)), as_given(low), as_given(high), conf_level, "Clopper–Pearson")


def newcombe_difference(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, conf_level: float = 0.95
) -> Interval:
    """By how much may the first group's share exceed the second's?

    Args:
        x1: events in the first group.
        n1: trials in the first group.
        x2: events in the second group (the reference).
        n2: trials in the second group. Where either n is 0 the result is ``nan``.
        conf_level: confidence level.

    Returns:
        Interval of the difference ``x1/n1 - x2/n2``, between -1 and 1. The groups must share no person.

    Raises:
        ValueError: if a count is negative or missing, or events exceed trials.

    Source: Newcombe (1998), Statistics in Medicine 17:873–890, method 10 (square-and-add of Wilson limits).

    >>> gap = newcombe_difference(56, 70, 48, 80)
    >>> round(gap.value, 4), round(gap.low, 4), round(gap.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    first, second = wilson(x1, n1, conf_level), wilson(x2, n2, conf_level)
    value = np.subtract(first.value, second.value)
    low = value - np.hypot(np.subtract(first.value, first.low), np.subtract(second.high, second.value))
    high = value + np.hypot(np.subtract(first.high, first.value), np.subtract(second.value, second.low))
    return Interval(as_given(value), as_given(low), as_given(high), conf_level, "Newcombe hybrid score")


def clustered_proportion(
    sum_x: ArrayLike,
    sum_n: ArrayLike,
    sum_xx: ArrayLike,
    sum_xn: ArrayLike,
    sum_nn: ArrayLike,
    clusters: ArrayLike,
    conf_level: float = 0.95,
) -> Interval:
    """Which true shares are compatible with these episodes, when some people have several?

    The share is the ratio of sums Σx/Σn over people, where a person has n episodes of which x are events. Its
    variance is linearised with the person as cluster, V = m/(m-1) · Σ(x - p·n)² / (Σn)². The interval is Wilson's on
    the effective number of episodes::

        n_eff = Σn / deff · (t(Σn - 1) / t(m - 1))²,   deff = V / [p(1-p) / (Σn - 1)],

    t(d) being the Student quantile on d degrees of freedom, which widens the interval when people are few.

    * When nobody has more than one episode, deff is 1 and the result is exactly ``wilson(sum_x, sum_n)``.
    * n_eff never exceeds Σn: a design effect below 1 among repeat clients is far more often chance than
      gain, so it is not used to narrow the interval (Dean and Pagano 2015).
    * With no event, all events, or one person, the design effect cannot be estimated: n_eff is the number
      of people, as though each person's episodes always ended alike.

    Args:
        sum_x: Σ x over people, the events.
        sum_n: Σ n over people, the episodes. Where it is 0 the result is ``nan``.
        sum_xx: Σ x² over people.
        sum_xn: Σ x·n over people.
        sum_nn: Σ n² over people.
        clusters: number of people with at least one episode.
        conf_level: confidence level.

    Returns:
        Interval of shares between 0 and 1.

    Raises:
        ValueError: if a sum is negative or missing, x exceeds n, or there are more people than episodes.

    Source: Cochran (1977), section 2.11, for V; Korn and Graubard (1998) for n_eff and its degrees of freedom; Dean
    and Pagano (2015) for Wilson's interval on it.

    Three people with (events, episodes) of (2, 2), (0, 1) and (1, 3):

    >>> share = clustered_proportion(3, 6, 5, 7, 14, 3)
    >>> share.value, share.method
    (0.5, 'Wilson on effective sample size, people as clusters')
    >>> alone = clustered_proportion(8, 20, 8, 8, 20, 20)
    >>> alone.low == wilson(8, 20).low
    True
    """
    x, n = _counts(sum_x, sum_n)
    xx, xn, nn, m = (np.asarray(a, float) for a in (sum_xx, sum_xn, sum_nn, clusters))
    x, n, xx, xn, nn, m = np.broadcast_arrays(x, n, xx, xn, nn, m)
    if not all(np.all(a >= 0) for a in (xx, xn, nn, m)):
        raise ValueError("Sums over people must be zero or more and none may be missing.")
    if np.any(m > n) or np.any((m == 0) & (n > 0)):
        raise ValueError("clusters must be at least 1 and at most sum_n: it counts people with an episode.")
    value = _divide(x, n)
    n_eff = _effective_size(value, n, np.maximum(xx - 2 * value * xn + value**2 * nn, 0), nn, m, conf_level)
    low, high = _wilson_limits(value, n_eff, normal_quantile(conf_level))
    method = "Wilson on effective sample size, people as clusters"
    return Interval(as_given(value), as_given(low), as_given(high), conf_level, method)


def _effective_size(p: Floats, n: Floats, squares: Floats, nn: Floats, m: Floats, conf_level: float) -> Floats:
    """Korn–Graubard effective sample size; ``squares`` is the sum over people of (x - p·n)²."""
    from scipy.special import stdtrit

    upper = 0.5 + conf_level / 2
    estimable = (p > 0) & (p < 1) & (m > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = m / (m - 1) * squares / n**2
        size = p * (1 - p) * n / (n - 1) / variance
        size = size * (stdtrit(np.where(n > 1, n - 1, 1), upper) / stdtrit(np.where(m > 1, m - 1, 1), upper)) ** 2
    size = np.where(estimable, np.fmin(size, n), m)
    return np.where(nn == n, n, size)


def _wilson_limits(p: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson's limits for a share p of n trials, n not necessarily whole; ``nan`` where n is 0."""
    n = np.where(n > 0, n, np.nan)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low = np.where(p == 0, 0.0, np.clip(middle - half, 0, 1))
    high = np.where(p == 1, 1.0, np.clip(middle + half, 0, 1))
    return low, high


def _counts(x: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    """Events and trials as floats of one shape, refused when impossible."""
    x, n = np.broadcast_arrays(np.asarray(x, float), np.asarray(n, float))
    if not (np.all(x >= 0) and np.all(n >= 0)):
        raise ValueError("Events and trials must be zero or more and none may be missing.")
    if np.any(x > n):
        raise ValueError("There cannot be more events than trials.")
    return x, n


def _divide(x: Floats, n: Floats) -> Floats:
    """x / n, ``nan`` where n is 0."""
    return np.divide(x, n, out=np.full(np.shape(n), np.nan), where=n > 0)
