"""Ratios of two totals over people: hours attended for each hour required, dollars for each week.

A ratio of totals may exceed 1 and is not a share; its error comes from how people differ, person by person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Estimate, as_given, normal_quantile


def ratio_of_sums(
    sum_y: ArrayLike,
    sum_x: ArrayLike,
    sum_yy: ArrayLike,
    sum_xy: ArrayLike,
    sum_xx: ArrayLike,
    clusters: ArrayLike,
    conf_level: float = 0.95,
) -> Estimate:
    """How much y was there for each unit of x, over everyone together?

    The ratio is Σy/Σx over people, where y and x are a person's own totals (all episodes, all weeks) of something
    that cannot be negative. Variance linearised with the person as cluster, m/(m-1) · Σ(y - r·x)² / (Σx)²; Student
    interval on m - 1 degrees of freedom, cut off at 0.

    Args:
        sum_y: Σ y over people.
        sum_x: Σ x over people. Where it is 0 the result is ``nan``.
        sum_yy: Σ y² over people.
        sum_xy: Σ x·y over people.
        sum_xx: Σ x² over people.
        clusters: number of people, m. With one person the value stands and its error is ``nan``.
        conf_level: confidence level.

    Returns:
        Estimate in units of y per unit of x; may exceed 1.

    Raises:
        ValueError: if a sum is negative or missing.

    Source: Cochran (1977), Sampling Techniques, sections 2.11 and 6.4.

    Three people attended 9, 18 and 0 hours of 9, 18 and 27 required:

    >>> hours = ratio_of_sums(27, 54, 405, 405, 1134, 3)
    >>> hours.value, round(hours.std_error, 4), hours.low
    (0.5, 0.3819, 0.0)
    """
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    parts = np.broadcast_arrays(*(np.asarray(a, float) for a in (sum_y, sum_x, sum_yy, sum_xy, sum_xx, clusters)))
    if not all(np.all(part >= 0) for part in parts):
        raise ValueError("Sums over people must be zero or more and none may be missing.")
    y, x, yy, xy, xx, m = parts
    x, spread = np.where(x > 0, x, np.nan), np.where(m > 1, m - 1, np.nan)
    value = y / x
    squares = np.maximum(yy - 2 * value * xy + value**2 * xx, 0)
    std_error = np.sqrt(m / spread * squares) / x
    reach = stdtrit(spread, 0.5 + conf_level / 2) * std_error
    return Estimate(
        as_given(value),
        as_given(std_error),
        as_given(np.maximum(value - reach, 0)),
        as_given(value + reach),
        conf_level,
        "ratio of sums, linearised, people as clusters, Student",
    )
