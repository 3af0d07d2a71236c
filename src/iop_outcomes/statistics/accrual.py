"""Totals that build up day by day, when some are not over yet: their mean and the ratio of two such means.

What somebody's total will be is unknown while it still grows; leaving those out keeps the short ones. Here every day
counts for itself: what built up on day d among those seen on day d stands for everyone, by the inverse of the chance of
being seen that long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from .intervals import Estimate, Floats, normal_quantile

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Accrual:
    """What builds up: row ``unit`` gains ``amount`` on each day from ``first`` to ``last``. A row may have several lines.

    Days count from 0. All four are arrays of one length; what lies after the last day asked for is cut off.
    """

    unit: ArrayLike
    first: ArrayLike
    last: ArrayLike
    amount: ArrayLike


@dataclass(frozen=True, eq=False)
class Followed:
    """Until when each row was seen (n): the last day ``seen``, and whether its total was ``final`` then.

    ``cluster`` is the person each row belongs to.
    """

    seen: ArrayLike
    final: ArrayLike
    cluster: ArrayLike


def accumulated_mean(accrual: Accrual, followed: Followed, *, days: int, conf_level: float = 0.95) -> Estimate:
    """How much builds up over the first days, on average over everyone, those not yet followed so long included?

    The mean is Σ over days of (1/n) Σ over rows of y(d)/K(d), K(d) being the Kaplan–Meier chance of not having been
    lost from view before day d (losses of a day come after the endings of that day). Where everything grows at one rate
    it is that rate times the restricted mean time. The error is the infinitesimal jackknife, summed within people,
    with the factor m/(m-1) for m people, and Student's quantile on m - 1 degrees of freedom; the interval is cut at 0.

    Args:
        accrual: what builds up, zero or more a day.
        followed: until when each row was seen. Nothing may build up after that day.
        days: length of the window; days 0 to ``days`` - 1 count.
        conf_level: confidence level.

    Returns:
        Estimate in units of the amounts; all ``nan`` when nobody was followed through the window, or without rows.

    Raises:
        ValueError: if days, amounts or lengths are impossible, or something builds up after a row was last seen.

    Source: Bang and Tsiatis (2000), Biometrika 87:329–343, doi:10.1093/biomet/87.2.329, the partitioned estimator with
    intervals of one day; Lin (2000), Biostatistics 1:35–47.

    Two stays are over after days 1 and 3; one is still growing on day 1. Ten dollars a day:

    >>> stays = Followed(seen=[1, 3, 1], final=[True, True, False], cluster=["a", "b", "c"])
    >>> mean = accumulated_mean(Accrual([0, 1, 2], [0, 0, 0], [1, 3, 1], [10, 10, 10]), stays, days=10)
    >>> round(mean.value, 6)
    33.333333
    """
    spread = _Spread.of(followed, days)
    value, influence = spread.mean(accrual)
    return _estimate(value, influence, spread.cluster, conf_level, "mean")


def accumulated_ratio(
    top: Accrual, bottom: Accrual, followed: Followed, *, days: int, conf_level: float = 0.95
) -> Estimate:
    """How much of one thing builds up for each unit of another, over everyone together?

    The ratio of two accumulated means (see :func:`accumulated_mean`) of the same rows, its error linearised.

    Args:
        top: what is asked for (dollars).
        bottom: for each of what (days, completions).
        followed: until when each row was seen.
        days: length of the window.
        conf_level: confidence level.

    Returns:
        Estimate in units of top per unit of bottom; ``nan`` where the bottom is 0 or nobody was followed so long.

    Raises:
        ValueError: as :func:`accumulated_mean`.

    Source: Bang and Tsiatis (2000) for the means; Cochran (1977), section 2.11, for the ratio.

    >>> stays = Followed(seen=[1, 3], final=[True, True], cluster=["a", "b"])
    >>> ratio = accumulated_ratio(
    ...     Accrual([0, 1], [0, 0], [1, 3], [10, 10]), Accrual([1], [3], [3], [1]), stays, days=10)
    >>> ratio.value
    60.0
    """
    spread = _Spread.of(followed, days)
    upper, upper_influence = spread.mean(top)
    lower, lower_influence = spread.mean(bottom)
    if not lower > 0:
        lower = np.nan
    ratio = upper / lower
    influence = (upper_influence - ratio * lower_influence) / lower
    return _estimate(ratio, influence, spread.cluster, conf_level, "ratio of means")


@dataclass(frozen=True, eq=False)
class _Spread:
    """The chance of being seen: what one unit built up on a day stands for, and how each row moves that."""

    last: Ints
    final: npt.NDArray[np.bool_]
    cluster: npt.NDArray[np.int64]
    weight: Floats  # 1 / K by day; nan from the day nobody was followed to
    staying: Floats  # at risk of being lost, less those lost, by day
    slope: Floats  # lost / (at risk · staying), by day

    @classmethod
    def of(cls, followed: Followed, days: int) -> _Spread:
        """From the last day seen of each row to the weights of the days."""
        seen, final = np.asarray(followed.seen), np.asarray(followed.final, dtype=bool)
        _, cluster = np.unique(np.asarray(followed.cluster), return_inverse=True)
        if days < 1:
            raise ValueError("days is the length of a window, 1 or more.")
        if seen.ndim != 1 or not seen.shape == final.shape == cluster.shape:
            raise ValueError("seen, final and cluster must be three lists of one length.")
        if seen.size and not (np.all(np.asarray(seen, float) >= 0) and np.all(seen == np.floor(seen))):
            raise ValueError("seen must be whole days, 0 or more, none missing.")
        last = np.minimum(seen.astype(np.int64), days - 1)
        final = final | (seen >= days - 1)
        seen_on = np.bincount(last, minlength=days)[::-1].cumsum()[::-1].astype(float)
        risk = seen_on - np.bincount(last[final], minlength=days)
        lost = np.bincount(last[~final], minlength=days).astype(float)
        staying = risk - lost
        share = np.divide(staying, risk, out=np.ones(days), where=risk > 0)
        chance = np.concatenate([[1.0], np.cumprod(share)[:-1]])
        weight = np.divide(1.0, chance, out=np.full(days, np.nan), where=chance > 0)
        slope = np.divide(lost, risk * staying, out=np.zeros(days), where=risk * staying > 0)
        return cls(last, final, cluster, weight, staying, slope)

    def mean(self, accrual: Accrual) -> tuple[float, Floats]:
        """The mean over rows and how much each row moves it (the influences of all rows add to 0)."""
        n, days = len(self.last), len(self.weight)
        unit = np.asarray(accrual.unit, dtype=np.int64)
        first, until = np.asarray(accrual.first, dtype=np.int64), np.asarray(accrual.last, dtype=np.int64)
        amount = np.asarray(accrual.amount, dtype=float)
        if not (unit.shape == first.shape == until.shape == amount.shape) or not np.all(amount >= 0):
            raise ValueError("unit, first, last and amount must be lists of one length, amounts zero or more.")
        keep = first < days
        unit, first, until, amount = unit[keep], first[keep], np.minimum(until[keep], days - 1), amount[keep]
        if np.any(first < 0) or np.any(first > until) or np.any(until > self.last[unit]):
            raise ValueError("Something builds up on no day, or on a day the row was not seen.")
        if n == 0 or np.isnan(self.weight).any():
            return np.nan, np.full(n, np.nan)
        until_day = np.concatenate([[0.0], np.cumsum(self.weight)])
        total = np.bincount(unit, amount * (until_day[until + 1] - until_day[first]), minlength=n)
        value = float(total.mean())
        step = np.bincount(first, amount, minlength=days + 1) - np.bincount(until + 1, amount, minlength=days + 1)
        built = np.cumsum(step)[:days] * self.weight
        later = np.concatenate([built[::-1].cumsum()[::-1][1:], [0.0]])  # what is still to come after each day
        stayed = np.concatenate([[0.0], np.cumsum(later * self.slope)])
        influence = total - value - stayed[self.last + 1]
        over, at = self.final, self.last
        influence[over] += (later * self.slope)[at[over]]
        influence[~over] += later[at[~over]] / self.staying[at[~over]]
        return value, influence / n


def _estimate(value: float, influence: Floats, cluster: Ints, conf_level: float, what: str) -> Estimate:
    """Value, clustered error and Student interval cut at 0."""
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    people = int(cluster.max(initial=-1)) + 1
    std_error = reach = np.nan
    if people > 1:
        sums = np.bincount(cluster, influence, minlength=people)
        std_error = float(np.sqrt(people / (people - 1) * np.sum(sums**2)))
        reach = float(stdtrit(people - 1, 0.5 + conf_level / 2)) * std_error
    method = f"{what}, by-day inverse probability of censoring (Bang–Tsiatis), people as clusters, Student"
    return Estimate(value, std_error, float(np.maximum(value - reach, 0)), value + reach, conf_level, method)
