"""Which strategy is best at which price, how surely, and what would it be worth to know?

The draws come from a bootstrap of people or from a probabilistic model; one row of costs and effects of *all* strategies
belongs together. Every share and loss has its Monte-Carlo error, which more draws make smaller; sampling error is what
the draws themselves hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .economics import check_wtp
from .frontier import efficiency_frontier
from .intervals import Estimate, Floats, normal_quantile

#: Net benefits this close, beside their size, are equal but for rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Acceptability:
    """For each willingness to pay (W) and strategy (S), what the draws say.

    ``probability`` (W × S) the share of draws in which a strategy has the highest net benefit (the CEAC), ties shared.
    ``expected_loss`` (W × S) the mean net benefit given up by choosing it. ``probability_error``, ``loss_error`` their
    Monte-Carlo errors. ``best`` (W) the strategy with the highest *mean* net benefit and ``frontier`` (W) its
    probability (the CEAF), which may be below another's. ``switches`` (K) the exact prices where ``best`` changes;
    ``choices`` (K + 1) the best strategy before the first, between them and after the last.
    """

    wtp: Floats
    net_benefit: Floats
    probability: Floats
    probability_error: Floats
    expected_loss: Floats
    loss_error: Floats
    best: NDArray[np.intp]
    frontier: Floats
    switches: Floats
    choices: NDArray[np.intp]
    draws: int


def acceptability(cost_draws: ArrayLike, effect_draws: ArrayLike, wtp: ArrayLike) -> Acceptability:
    """How surely is each strategy the best at each price of one unit of effect, and what is lost if it is not?

    Args:
        cost_draws: (B × S) cost of each strategy in each draw, S two or more.
        effect_draws: (B × S) effect in the same draws, more is better.
        wtp: (W) willingness to pay for one unit of effect.

    Raises:
        ValueError: if the shapes differ, there are fewer than two draws or strategies, a draw is missing, or wtp is
            negative.

    Source: Fenwick, Claxton and Sculpher (2001), doi:10.1002/hec.635; expected loss, Alarid-Escudero et al. (2019),
    Value in Health 22:611-618.

    >>> cost, effect = [[100, 250], [100, 150], [100, 200], [100, 200]], [[1, 2], [1, 1], [1, 3], [1, 2]]
    >>> found = acceptability(cost, effect, [0, 100, 200])
    >>> found.probability.tolist()
    [[1.0, 0.0], [0.625, 0.375], [0.25, 0.75]]
    >>> found.switches.tolist(), found.choices.tolist(), found.frontier.tolist()
    ([100.0], [0, 1], [1.0, 0.625, 0.75])
    """
    cost, effect = _check_draws(cost_draws, effect_draws)
    price = np.atleast_1d(check_wtp(wtp))
    draws, strategies = cost.shape
    switches, choices = _switches(cost.mean(axis=0), effect.mean(axis=0))
    mean, share, share_error, loss, loss_error = np.empty((5, price.size, strategies))
    for i, unit in enumerate(price):
        benefit = unit * effect - cost
        given_up = benefit.max(axis=1, keepdims=True) - benefit
        scale = np.abs(unit * effect).max(axis=1) + np.abs(cost).max(axis=1)
        first = given_up <= _ROUNDING * scale[:, None]
        won = first / first.sum(axis=1, keepdims=True)
        mean[i], share[i], loss[i] = benefit.mean(axis=0), won.mean(axis=0), given_up.mean(axis=0)
        share_error[i], loss_error[i] = won.std(axis=0) / np.sqrt(draws), given_up.std(axis=0) / np.sqrt(draws)
    best = choices[np.searchsorted(switches, price)]
    return Acceptability(
        wtp=price,
        net_benefit=mean,
        probability=share,
        probability_error=share_error,
        expected_loss=loss,
        loss_error=loss_error,
        best=best,
        frontier=share[np.arange(price.size), best],
        switches=switches,
        choices=choices,
        draws=draws,
    )


def expected_value_of_information(
    cost_draws: ArrayLike, effect_draws: ArrayLike, wtp: ArrayLike, conf_level: float = 0.95
) -> Estimate:
    """How much, for each person, would it be worth to know for certain which strategy is best?

    The mean over draws of the highest net benefit, less the highest mean net benefit: the expected loss of the strategy
    with the highest mean. It bounds what any further study can be worth.

    Args:
        cost_draws: (B × S) cost of each strategy in each draw.
        effect_draws: (B × S) effect in the same draws.
        wtp: (W) willingness to pay for one unit of effect.
        conf_level: confidence level of the interval, which holds the Monte-Carlo error only.

    Returns:
        Estimate of arrays (W), limits not below 0.

    Raises:
        ValueError: as ``acceptability``, or if the level is not strictly between 0 and 1.

    Source: Claxton (1999), The irrelevance of inference, Journal of Health Economics 18:341-364.

    >>> cost, effect = [[100, 250], [100, 150], [100, 200], [100, 200]], [[1, 2], [1, 1], [1, 3], [1, 2]]
    >>> expected_value_of_information(cost, effect, [0, 100, 200]).value.tolist()
    [0.0, 25.0, 12.5]
    """
    found, z = acceptability(cost_draws, effect_draws, wtp), normal_quantile(conf_level)
    rows = np.arange(found.wtp.size)
    value, error = found.expected_loss[rows, found.best], found.loss_error[rows, found.best]
    low, high = np.maximum(value - z * error, 0), value + z * error
    return Estimate(value, error, low, high, conf_level, "expected value of perfect information, Monte-Carlo error")


def _switches(cost: Floats, effect: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The prices at which the strategy of highest net benefit changes, and the strategies in turn.

    They are the ICERs along the frontier. Of strategies alike in cost and effect, or level with a mixture of others,
    the first or the dearest one is named.
    """
    made = efficiency_frontier(cost, effect, [str(i) for i in range(cost.size)])
    # Different points of the frontier differ in cost, so the first of each cost stands for all alike.
    order = made.order[np.unique(cost[made.order], return_index=True)[1]]
    steps = made.icer[order[1:]]
    rising = np.append(np.diff(steps) > _ROUNDING * steps[:-1], True)[: steps.size]
    return steps[rising], order[np.concatenate([[True], rising])]


def _check_draws(cost_draws: ArrayLike, effect_draws: ArrayLike) -> tuple[Floats, Floats]:
    cost, effect = np.asarray(cost_draws, float), np.asarray(effect_draws, float)
    if cost.ndim != 2 or cost.shape != effect.shape or min(cost.shape) < 2:
        raise ValueError("Give costs and effects as two tables of one shape: draws in rows, strategies in columns.")
    if not (np.isfinite(cost).all() and np.isfinite(effect).all()):
        raise ValueError("A draw is missing or infinite: leave such draws out and say how many.")
    return cost, effect
