"""How many people would tell: the size at which an interval would usually leave a criterion outside.

Sizes are for two-sided intervals and a stated distance from the criterion, never for the distance that happened to be
found: a size worked out from a result only repeats how near the result lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .intervals import normal_quantile

#: From here on Student's and the normal size differ by a constant far below one person.
_MANY = 10_000.0


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many people: ``people`` in all ``groups`` together, whole; ``exact`` in one group before the design effect."""

    people: int
    groups: int
    exact: float
    power: float
    conf_level: float
    method: str


def people_for_share(
    threshold: float, share: float, *, power: float = 0.8, conf_level: float = 0.95, design_effect: float = 1.0
) -> SampleSize:
    """How many people would tell a share from a threshold?

    n = ((z₁₋α/₂ √(p₀q₀) + z₁₋β √(p₁q₁)) / (p₁ - p₀))², p₀ the threshold and p₁ the share: the size of the score test, whose
    interval is Wilson's.

    Args:
        threshold: what the share is held against, strictly between 0 and 1.
        share: what it would have to be for people to want to know, another share strictly between 0 and 1.
        power: chance that the interval leaves the threshold outside, if that is the share.
        conf_level: confidence level of the interval.
        design_effect: variance over that of a simple random sample, above 0 (people counted more than once: above 1).

    Raises:
        ValueError: for numbers out of their range, or a share equal to the threshold.

    Source: Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, section 2.5.

    >>> people_for_share(0.8, 0.85).people
    471
    """
    reach, chance = _quantiles(power, conf_level, design_effect)
    _refuse_shares(threshold, share)
    spread = reach * math.sqrt(threshold * (1 - threshold)) + chance * math.sqrt(share * (1 - share))
    exact = (spread / (share - threshold)) ** 2
    return SampleSize(_whole(exact, design_effect), 1, exact, power, conf_level, "score test of one share, normal")


def people_for_difference(
    first: float, second: float, *, power: float = 0.8, conf_level: float = 0.95, design_effect: float = 1.0
) -> SampleSize:
    """How many people, in two groups of one size, would tell two shares apart?

    n a group = ((z₁₋α/₂ √(2p̄q̄) + z₁₋β √(p₁q₁ + p₂q₂)) / (p₁ - p₂))², p̄ the mean of the two, times the design effect.

    Args:
        first: one share, strictly between 0 and 1.
        second: the other share.
        power: chance that the test tells them apart, if these are the shares.
        conf_level: confidence level of the interval.
        design_effect: variance over that of simple random samples.

    Raises:
        ValueError: for numbers out of their range, or two equal shares.

    Source: Fleiss, Levin and Paik (2003), section 4.2, as R's ``power.prop.test``; Donner and Klar (2000), Design and
    Analysis of Cluster Randomization Trials, for the design effect.

    >>> size = people_for_difference(0.5, 0.75)
    >>> round(size.exact, 2), size.people
    (57.67, 116)
    """
    reach, chance = _quantiles(power, conf_level, design_effect)
    _refuse_shares(first, second)
    middle = (first + second) / 2
    spread = reach * math.sqrt(2 * middle * (1 - middle))
    spread += chance * math.sqrt(first * (1 - first) + second * (1 - second))
    exact = (spread / (first - second)) ** 2
    people = 2 * _whole(exact, design_effect)
    return SampleSize(people, 2, exact, power, conf_level, "difference of two shares, groups of one size, normal")


def people_for_mean(
    std_dev: float, distance: float, *, power: float = 0.8, conf_level: float = 0.95, design_effect: float = 1.0
) -> SampleSize:
    """How many people would tell a mean from a criterion that lies this far away?

    The size at which Student's test of one mean has the power (noncentral t). For any other figure ``std_dev`` is its
    standard error times the root of the people it came from: what one person adds.

    Args:
        std_dev: standard deviation between people, above 0.
        distance: distance from the criterion in the same units, not 0.
        power: chance that the interval leaves the criterion outside, if the mean lies that far from it.
        conf_level: confidence level of the interval.
        design_effect: variance over that of a simple random sample.

    Raises:
        ValueError: for numbers out of their range.

    Source: Desu and Raghavarao (1990), Sample Size Methodology, as R's ``power.t.test(type = "one.sample")``.

    >>> size = people_for_mean(std_dev=10, distance=5)
    >>> round(size.exact, 2), size.people
    (33.37, 34)
    """
    reach, chance = _quantiles(power, conf_level, design_effect)
    if not (std_dev > 0 and math.isfinite(std_dev)):
        raise ValueError("std_dev is above 0.")
    if distance == 0 or not math.isfinite(distance):
        raise ValueError("distance is not 0: nothing tells a mean from itself.")
    steps = abs(distance) / std_dev
    exact = _student((reach + chance) / steps, reach, steps, power, conf_level)
    return SampleSize(_whole(exact, design_effect), 1, exact, power, conf_level, "Student's test of one mean")


def _student(root: float, reach: float, steps: float, power: float, conf_level: float) -> float:
    """The size of Student's test from the root of the normal one; 2 where even two people are more than enough."""
    from scipy.optimize import brentq
    from scipy.special import nctdtr, stdtrit

    normal = root**2
    if normal > _MANY:
        return normal + reach**2 / 2

    def short(n: float) -> float:
        return float(1 - nctdtr(n - 1, math.sqrt(n) * steps, stdtrit(n - 1, 0.5 + conf_level / 2))) - power

    return 2.0 if short(2.0) >= 0 else float(brentq(short, 2.0, normal + 100, xtol=1e-10))


def _quantiles(power: float, conf_level: float, design_effect: float) -> tuple[float, float]:
    """Normal quantiles of the level and of the power."""
    if not 0.5 <= power < 1:
        raise ValueError("power is a chance of at least 0.5 and below 1, for example 0.8.")
    if not (design_effect > 0 and math.isfinite(design_effect)):
        raise ValueError("design_effect is above 0.")
    return normal_quantile(conf_level), normal_quantile(2 * power - 1) if power > 0.5 else 0.0


def _refuse_shares(first: float, second: float) -> None:
    if not (0 < first < 1 and 0 < second < 1) or first == second:
        raise ValueError("Two different shares strictly between 0 and 1 are needed.")


def _whole(exact: float, design_effect: float) -> int:
    """Whole people; a size that is whole but for rounding is left as it is."""
    return math.ceil(exact * design_effect - 1e-9)
