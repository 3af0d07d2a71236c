"""A ratio of two means whose denominator may be zero: the confidence set that is not always an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats, normal_quantile

INTERVAL, OUTSIDE, WHOLE_LINE = "interval", "outside", "whole_line"


@dataclass(frozen=True)
class FiellerSet:
    """All ratios the data do not rule out, and what they look like.

    ``shape`` "interval": from ``low`` to ``high``. "outside": up to ``low`` and from ``high`` on, because the
    denominator may be 0 or of either sign. "whole_line": every ratio, limits -∞ and ∞. ``value`` is ``nan`` where the
    denominator is 0.
    """

    value: float
    low: float
    high: float
    shape: str
    conf_level: float
    method: str

    def __contains__(self, ratio: float) -> bool:
        """Whether this ratio is not ruled out."""
        within = self.low <= ratio <= self.high
        return ratio <= self.low or ratio >= self.high if self.shape == OUTSIDE else within


def fieller_interval(
    numerator: float,
    denominator: float,
    covariance: ArrayLike,
    *,
    df: float = math.inf,
    conf_level: float = 0.95,
) -> FiellerSet:
    """Which ratios of two estimates do the data not rule out?

    A ratio λ is ruled out where numerator - λ · denominator lies further from 0 than its standard error times the
    quantile: the net benefit at that price is then surely not 0. Three shapes come of it. No interval is forced on a
    ratio whose denominator may be 0.

    Args:
        numerator: an estimate, such as a mean cost or a difference of mean costs.
        denominator: the estimate below the line.
        covariance: (2 × 2) of the two *estimates* (not of people), numerator first.
        df: degrees of freedom of the quantile; normal when left out.
        conf_level: confidence level.

    Raises:
        ValueError: if a number is missing, the matrix is not a covariance, df is not above 0, or the level is not
            strictly between 0 and 1.

    Source: Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x; for cost-effectiveness, Willan and O'Brien
    (1996), Health Economics 5:297-305.

    >>> sure = fieller_interval(1000, 0.20, [[40000, 2], [2, 0.0025]])
    >>> round(sure.value), round(sure.low), round(sure.high), sure.shape
    (5000, 2836, 9818, 'interval')
    >>> fieller_interval(1000, 0.05, [[40000, 2], [2, 0.0025]]).shape
    'outside'
    >>> fieller_interval(100, 0.05, [[40000, 2], [2, 0.0025]]).shape
    'whole_line'
    """
    top, bottom = float(numerator), float(denominator)
    (var_top, cov), (_, var_bottom) = check_covariance(covariance).tolist()
    if not (math.isfinite(top) and math.isfinite(bottom)):
        raise ValueError("A ratio needs a known numerator and denominator.")
    reach = quantile(conf_level, df) ** 2
    # λ is kept where a λ² - 2 b λ + c <= 0. The discriminant is written out so that it does not cancel.
    a, b, c = bottom**2 - reach * var_bottom, top * bottom - reach * cov, top**2 - reach * var_top
    spread = top**2 * var_bottom - 2 * top * bottom * cov + bottom**2 * var_top
    inside = reach * (spread - reach * (var_top * var_bottom - cov**2))
    value = top / bottom if bottom else math.nan
    shape, low, high = WHOLE_LINE, -math.inf, math.inf
    if a > 0 or inside > 0:
        root = math.sqrt(max(inside, 0.0))
        far = b + math.copysign(root, b)
        ends = sorted(_over(x, y) for x, y in ((far, a), (c, far) if far else (b, a)))
        shape, (low, high) = INTERVAL if a >= 0 else OUTSIDE, ends
    kind = "normal" if math.isinf(df) else "Student"
    return FiellerSet(value, low, high, shape, conf_level, f"ratio, Fieller, {kind}")


def fieller_ratio_of_sums(
    sum_y: float,
    sum_x: float,
    sum_yy: float,
    sum_xy: float,
    sum_xx: float,
    clusters: int,
    conf_level: float = 0.95,
) -> FiellerSet:
    """How much y for each unit of x over everyone together, when x is so rare that its sum is itself unsure?

    The ratio and the sums are those of ``ratio_of_sums``; here either may be negative, and the limits are Fieller's on
    m - 1 degrees of freedom: for m people, the ratios λ that a one-sample t-test of y - λx does not reject.

    Args:
        sum_y: Σ y over people, y a person's own total.
        sum_x: Σ x over people.
        sum_yy: Σ y² over people.
        sum_xy: Σ x·y over people.
        sum_xx: Σ x² over people.
        clusters: number of people m, two or more.
        conf_level: confidence level.

    Raises:
        ValueError: if a sum is missing, or there are fewer than two people.

    Source: Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.

    Costs of 900, 1100, 1000 and 1400 for four people, of whom the second and third completed:

    >>> per_completer = fieller_ratio_of_sums(4400, 2, 4_980_000, 2100, 2, 4)
    >>> per_completer.value, per_completer.shape
    (2200.0, 'outside')
    """
    if not clusters > 1:
        raise ValueError("One person says nothing of how people differ: give two or more.")
    m = float(clusters)
    yy, xy, xx = sum_yy - sum_y**2 / m, sum_xy - sum_x * sum_y / m, sum_xx - sum_x**2 / m
    spread = np.array([[yy, xy], [xy, xx]]) / (m * (m - 1))
    return fieller_interval(sum_y / m, sum_x / m, spread, df=m - 1, conf_level=conf_level)


def check_covariance(covariance: ArrayLike) -> Floats:
    """The 2 × 2 covariance of two estimates as an array.

    Raises:
        ValueError: if it is not one.

    >>> check_covariance([[4, 1], [1, 9]]).tolist()
    [[4.0, 1.0], [1.0, 9.0]]
    """
    matrix = np.asarray(covariance, float)
    if matrix.shape != (2, 2) or not np.isfinite(matrix).all():
        raise ValueError("covariance must be a 2 × 2 table of numbers: the variances and, twice, the covariance.")
    (one, cov), (same, other) = matrix.tolist()
    product = one * other
    if min(one, other) < 0 or not math.isclose(cov, same, rel_tol=1e-9) or cov**2 > product * (1 + 1e-9):
        raise ValueError("This is no covariance matrix: variances below 0, or a covariance larger than they allow.")
    return matrix


def quantile(conf_level: float, df: float) -> float:
    """How many standard errors a two-sided interval reaches, normal for infinite degrees of freedom, else Student.

    Raises:
        ValueError: if df is not above 0, or the level is not strictly between 0 and 1.

    >>> round(quantile(0.95, 10), 6)
    2.228139
    """
    from scipy.special import stdtrit

    z = normal_quantile(conf_level)
    if not df > 0:
        raise ValueError("df must be above 0 degrees of freedom.")
    return z if math.isinf(df) else float(stdtrit(df, 0.5 + conf_level / 2))


def _over(x: float, y: float) -> float:
    """A quotient that is infinite, with the sign of x, where y is 0."""
    return x / y if y else math.copysign(math.inf, x)
