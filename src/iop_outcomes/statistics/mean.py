"""The mean of something that may be negative, when some people are counted more than once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Estimate, normal_quantile


def clustered_mean(values: ArrayLike, cluster: ArrayLike, conf_level: float = 0.95) -> Estimate:
    """What is the mean, and how sure of it can one be when values of one person go together?

    The variance is linearised with the person as cluster, m/(m-1) · Σ(Σᵢ(y - ȳ))² / n², the outer sum over the m
    people and the inner one over each person's values; Student interval on m - 1 degrees of freedom. When nobody has
    more than one value it is the usual one-sample interval.

    Args:
        values: n numbers, negative ones allowed, none missing.
        cluster: whose each value is, n labels.
        conf_level: confidence level.

    Returns:
        Estimate in the units of the values. ``nan`` without values; with one person the mean stands and its error is
        ``nan``.

    Raises:
        ValueError: if a value is missing or the lengths differ.

    Source: Binder (1983), International Statistical Review 51:279–292; Cochran (1977), Sampling Techniques, chapter 9A.

    Three people changed by -4, by -2 and (twice) by -6 and 0 points:

    >>> change = clustered_mean([-4, -2, -6, 0], ["a", "b", "c", "c"])
    >>> change.value, round(change.std_error, 4), round(change.low, 2), round(change.high, 2)
    (-3.0, 0.433, -4.86, -1.14)
    """
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    y, who = np.asarray(values, dtype=float), np.asarray(cluster)
    if y.ndim != 1 or y.shape != who.shape:
        raise ValueError("values and cluster must be two lists of one length.")
    if np.isnan(y).any():
        raise ValueError("A mean is taken of known values only: leave the missing ones out and count them.")
    _, person = np.unique(who, return_inverse=True)
    n, m = len(y), int(person.max(initial=-1)) + 1
    value = float(y.mean()) if n else np.nan
    std_error = reach = np.nan
    if m > 1:
        std_error = float(np.sqrt(m / (m - 1) * np.sum(np.bincount(person, y - value) ** 2)) / n)
        reach = float(stdtrit(m - 1, 0.5 + conf_level / 2)) * std_error
    return Estimate(
        value, std_error, value - reach, value + reach, conf_level, "mean, linearised, people as clusters, Student"
    )
