"""What is gained for what is paid: joint differences in cost and effect, net benefit, the break-even price."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .estimating_equations import person_codes, sum_by_person
from .fieller import FiellerSet, check_covariance, fieller_interval, quantile
from .intervals import Estimate, FloatOrArray, Floats, as_given
from .plane import QUADRANTS, name_quadrant
from .propensity import balance_weights

#: Yearly rate at which later costs and effects count less.
DISCOUNT_RATE = 0.03


@dataclass(frozen=True, eq=False)
class Increment:
    """Differences in mean cost and mean effect, treated less reference, and how they vary together.

    ``covariance`` (2 × 2) of the two differences, cost first. ``arms`` (2 × 2) the means, treated then reference in
    rows, cost then effect in columns; ``arms_covariance`` (4 × 4) of the same row by row. ``people`` is the number of
    different people. ``reason`` is empty, or says why there is no estimate; then every number is ``nan``.
    """

    cost: float
    effect: float
    covariance: Floats
    arms: Floats
    arms_covariance: Floats
    people: int
    reason: str


@dataclass(frozen=True, eq=False)
class BreakEven:
    """At which price of one unit of effect two strategies are worth the same, and on which side the first is preferred.

    ``price`` is the ICER where there is one (more for more, or less for less), else ``nan``. The first strategy is
    preferred from ``preferred_from`` to ``preferred_to``: from the price on, up to the price, always (0 to ∞) or never
    (``nan``). ``limits`` holds the prices at which the data do not tell; None without a covariance.
    """

    price: float
    quadrant: str
    words: str
    preferred_from: float
    preferred_to: float
    limits: FiellerSet | None


def weighted_increment(
    cost: ArrayLike,
    effect: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    estimand: str = "ATO",
    cluster: ArrayLike | None = None,
) -> Increment:
    """How far apart are two groups in cost and in effect, taken together, once weights have made the groups alike?

    Means and errors are those of ``weighted_effect``; here both outcomes share one set of weights, so that their
    covariance is known and any net benefit or ratio of them has its interval. Weights count as estimated.

    Args:
        cost: (n) cost of each row, none missing.
        effect: (n) effect of each row, more is better, none missing.
        treated: (n) 1 or True for the strategy, 0 or False for its reference.
        covariates: (n × k) numbers known before, no intercept. None gives the crude differences.
        estimand: "ATO", "ATE", "ATT" or "ATC"; see ``balance_weights``.
        cluster: (n) the person each row belongs to; each row its own when left out. A person may be in both groups.

    Raises:
        ValueError: as ``balance_weights``; if a cost or effect is missing.

    Source: Lunceford and Davidian (2004), doi:10.1002/sim.1903; Willan and Briggs (2006), Statistical Analysis of
    Cost-effectiveness Data, chapter 2.

    >>> group = np.repeat([1, 0], 8)
    >>> found = weighted_increment(np.tile([9, 7, 8, 8], 4) - 4 * (1 - group), np.tile([3, 2, 4, 3], 4) + group, group)
    >>> round(found.cost, 6), round(found.effect, 6), found.covariance.round(4).tolist()
    (4.0, 1.0, [[0.125, 0.0625], [0.0625, 0.125]])
    """
    made = balance_weights(treated, covariates, estimand, cluster=cluster)
    people = person_codes(cluster, made.treated.size)
    both = [np.asarray(column, float) for column in (cost, effect)]
    if any(column.shape != made.treated.shape or not np.isfinite(column).all() for column in both):
        raise ValueError("Give one known cost and one known effect a row: leave out or impute who is unknown.")
    values, count = np.column_stack(both), made.treated.size if people is None else int(people.max()) + 1
    if made.reason:
        blank = np.full((4, 4), np.nan)
        return Increment(np.nan, np.nan, blank[:2, :2], blank[:2, :2], blank, count, made.reason)
    means, pulls = [], []
    for arm in (made.treated, ~made.treated):
        mass = arm * made.weights / (arm @ made.weights)
        means.append(mass @ values)
        pulls.append(mass[:, None] * (values - means[-1]))
    pull = sum_by_person(made.carry(np.column_stack(pulls)), people)
    gap = pull[:, :2] - pull[:, 2:]
    difference = means[0] - means[1]
    return Increment(float(difference[0]), float(difference[1]), gap.T @ gap, np.array(means), pull.T @ pull, count, "")


def net_monetary_benefit(
    cost: float,
    effect: float,
    wtp: ArrayLike,
    *,
    covariance: ArrayLike,
    df: float = math.inf,
    conf_level: float = 0.95,
) -> Estimate:
    """What is the effect worth at each price of one unit, less its cost?

    wtp · effect - cost: incremental where cost and effect are differences. It crosses 0 at the break-even price, its
    limits where Fieller's limits of the ratio lie.

    Args:
        cost: a mean cost, or a difference of mean costs.
        effect: the mean effect, or difference, of the same people.
        wtp: willingness to pay for one unit of effect, a number or an array.
        covariance: (2 × 2) of the two estimates, cost first.
        df: degrees of freedom of the interval; normal when left out.
        conf_level: confidence level.

    Raises:
        ValueError: if a number is missing, wtp is negative, the matrix is not a covariance, df is not above 0, or the
            level is not strictly between 0 and 1.

    Source: Stinnett and Mullahy (1998), doi:10.1177/0272989X98018002S09.

    >>> worth = net_monetary_benefit(1000, 0.20, [0, 5000, 10_000], covariance=[[40000, 2], [2, 0.0025]])
    >>> worth.value.tolist(), worth.low.round().tolist()
    ([-1000.0, 0.0, 1000.0], [-1392.0, -563.0, 20.0])
    """
    (var_cost, cov), (_, var_effect) = check_covariance(covariance)
    price = check_wtp(wtp)
    if not (math.isfinite(cost) and math.isfinite(effect)):
        raise ValueError("Net benefit needs a known cost and effect.")
    value = price * effect - cost
    std_error = np.sqrt(np.maximum(price**2 * var_effect - 2 * price * cov + var_cost, 0))
    reach = quantile(conf_level, df) * std_error
    kind = "normal" if math.isinf(df) else "Student"
    return Estimate(
        as_given(value),
        as_given(std_error),
        as_given(value - reach),
        as_given(value + reach),
        conf_level,
        f"net monetary benefit, {kind}",
    )


def break_even_price(
    cost: float,
    effect: float,
    *,
    covariance: ArrayLike | None = None,
    df: float = math.inf,
    conf_level: float = 0.95,
) -> BreakEven:
    """What must one unit of effect be worth for the strategy to be preferred to its reference?

    The quadrant comes first. More for more: worth it *from* the price on. Less for less: *up to* it. With dominance
    there is no price, and so no ratio to rank. One strategy against nothing (its cost and effect themselves) breaks
    even at its average cost per unit.

    Args:
        cost: difference in mean cost.
        effect: difference in mean effect, more is better.
        covariance: (2 × 2) of the two differences, cost first; None for no limits.
        df: degrees of freedom of the limits; normal when left out.
        conf_level: confidence level.

    Raises:
        ValueError: as ``fieller_interval``, or if a difference is missing.

    Source: Black (1990), doi:10.1177/0272989X9001000308; limits, Fieller (1954).

    >>> found = break_even_price(637, 0.20)
    >>> round(found.price), found.words, round(found.preferred_from), found.preferred_to
    (3185, 'costs more, with more effect', 3185, inf)
    >>> break_even_price(111, -0.07).price
    nan
    """
    word = name_quadrant(cost, effect)
    price = cost / effect if word in ("more_for_more", "less_for_less") else math.nan
    first, last = {
        "dominant": (0.0, math.inf),
        "more_for_more": (price, math.inf),
        "less_for_less": (0.0, price),
    }.get(word, (math.nan, math.nan))
    limits = None if covariance is None else fieller_interval(cost, effect, covariance, df=df, conf_level=conf_level)
    return BreakEven(price, word, QUADRANTS[word], first, last, limits)


def present_value(amount: ArrayLike, years: ArrayLike, rate: ArrayLike = DISCOUNT_RATE) -> FloatOrArray:
    """How much does a later cost or effect count today?

    Nothing within the first 12 months is discounted; each further year begun counts (1 + rate) times less.

    Args:
        amount: costs or effects.
        years: time from the start to each, 0 or more; 1.0 still belongs to the first year.
        rate: yearly rate, 0 or more, 0.03 for 3 %.

    Raises:
        ValueError: if a time or rate is negative or missing.

    Source: Drummond et al. (2015), Methods for the Economic Evaluation of Health Care Programmes, chapter 4, costs at the
    start of each year.

    >>> present_value([100, 100, 100], [0.5, 1, 1.5]).round(2).tolist()
    [100.0, 100.0, 97.09]
    """
    time, yearly = np.asarray(years, float), np.asarray(rate, float)
    if not (np.all(time >= 0) and np.all(yearly >= 0)):
        raise ValueError("years and rate must be 0 or more, none missing; a rate of 3 % is 0.03.")
    return as_given(np.asarray(amount, float) / (1 + yearly) ** np.maximum(np.ceil(time) - 1, 0))


def check_wtp(wtp: ArrayLike) -> Floats:
    """Prices of one unit of effect as an array.

    Raises:
        ValueError: if one is negative, infinite or missing.

    >>> check_wtp([0, 50]).tolist()
    [0.0, 50.0]
    """
    price = np.asarray(wtp, float)
    if not (np.all(price >= 0) and np.isfinite(price).all()):
        raise ValueError("wtp, the price of one unit of effect, must be a number of 0 or more.")
    return price
