"""What must hold for any costs and effects: frontiers, Fieller sets, decisions, joint differences."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iop_outcomes.statistics import (
    acceptability,
    break_even_price,
    cost_effect_plane,
    efficiency_frontier,
    expected_value_of_information,
    fieller_interval,
    net_monetary_benefit,
    person_bootstrap,
    weighted_effect,
    weighted_increment,
)

checked = settings(deadline=None, derandomize=True, max_examples=200)
#: Rounding in closed forms, relative to the size of the terms.
ROUNDING = 1e-9
Z = NormalDist().inv_cdf(0.975)

#: Whole numbers, so that ties and equal slopes come up and scaling is exact.
strategies = st.lists(st.tuples(st.integers(-50, 400), st.integers(-20, 60)), min_size=1, max_size=9)


@st.composite
def estimates(draw: st.DrawFn) -> tuple[float, float, np.ndarray]:
    """Two estimates and their covariance, with denominators from far from 0 to nothing."""
    top_error, bottom_error = draw(st.floats(1, 1000)), draw(st.floats(0.01, 10))
    top, bottom = draw(st.floats(-8, 8)) * top_error, draw(st.floats(-8, 8)) * bottom_error
    cov = draw(st.floats(-0.95, 0.95)) * top_error * bottom_error
    return top, bottom, np.array([[top_error**2, cov], [cov, bottom_error**2]])


def distance(top: float, bottom: float, spread: np.ndarray, price: Any) -> Any:
    """Net benefit at each price in standard errors."""
    price = np.asarray(price, float)
    variance = spread[0, 0] - 2 * price * spread[0, 1] + price**2 * spread[1, 1]
    return (price * bottom - top) / np.sqrt(variance)


@st.composite
def draws(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (draw(st.integers(2, 30)), draw(st.integers(2, 5)))
    whole = draw(st.booleans())
    cost, effect = random.normal(1000, 300, shape), random.normal(10, 4, shape)
    return (cost.round(-2), effect.round()) if whole else (cost, effect)


# --- the frontier -----------------------------------------------------------------------------------------------------


@checked
@given(strategies, st.randoms(use_true_random=False))
def test_the_order_of_strategies_does_not_matter(points: list[tuple[int, int]], random: Any) -> None:
    names = [f"s{i}" for i in range(len(points))]
    shuffled = list(range(len(points)))
    random.shuffle(shuffled)
    cost, effect = np.array(points, float).T
    one = efficiency_frontier(cost, effect, names)
    two = efficiency_frontier(cost[shuffled], effect[shuffled], [names[i] for i in shuffled])
    assert two.status == tuple(one.status[i] for i in shuffled)
    np.testing.assert_array_equal(two.icer, one.icer[shuffled])
    assert [set(step) for step in two.compared_with] == [set(one.compared_with[i]) for i in shuffled]


@checked
@given(strategies)
def test_the_frontier_is_who_is_best_at_some_price(points: list[tuple[int, int]]) -> None:
    """Brute force: at every price between two crossings of net-benefit lines, and at the crossings."""
    cost, effect = np.array(points, float).T
    found = efficiency_frontier(cost, effect, [f"s{i}" for i in range(len(points))])
    cross = {(a - c) / (b - d) for a, b in points for c, d in points if b != d and (a - c) / (b - d) > 0}
    ends = [0, *sorted(cross), max(cross, default=1) * 2 + 1]
    prices = sorted({*cross, *((low + high) / 2 for low, high in pairwise(ends)), ends[-1]})
    benefit = np.outer(prices, effect) - cost
    best = (benefit >= benefit.max(axis=1, keepdims=True) - ROUNDING * np.abs(benefit).max()).any(axis=0)
    assert [status == "on_frontier" for status in found.status] == best.tolist()


@checked
@given(strategies, st.sampled_from([0.25, 2.0, 1024.0]))
def test_ratios_rise_are_positive_and_scale_with_money(points: list[tuple[int, int]], factor: float) -> None:
    cost, effect = np.array(points, float).T
    names = [f"s{i}" for i in range(len(points))]
    found, scaled = efficiency_frontier(cost, effect, names), efficiency_frontier(factor * cost, effect, names)
    _, first = np.unique(cost[found.order], return_index=True)
    ratios = found.icer[found.order[first]][1:]
    assert (ratios > 0).all()
    assert (np.diff(ratios) >= -ROUNDING).all()
    assert scaled.status == found.status
    np.testing.assert_array_equal(scaled.icer, factor * found.icer)


# --- Fieller, net benefit -----------------------------------------------------------------------------------------------


@checked
@given(estimates())
def test_limits_are_the_prices_where_net_benefit_is_just_sure(given_: tuple[float, float, np.ndarray]) -> None:
    top, bottom, spread = given_
    assume(abs(abs(bottom) / math.sqrt(spread[1, 1]) - Z) > 1e-6)  # a limit runs to infinity there
    found = fieller_interval(top, bottom, spread)
    assert (found.shape == "interval") == (abs(bottom) > Z * math.sqrt(spread[1, 1]))
    size = math.sqrt(spread[0, 0] / spread[1, 1])
    prices = size * np.concatenate([-np.geomspace(1e-3, 1e6, 60), [0], np.geomspace(1e-3, 1e6, 60)])
    z = np.abs(distance(top, bottom, spread, prices))
    clear = np.abs(z - Z) > 1e-6
    assert [price in found for price in prices[clear]] == (z[clear] <= Z).tolist()
    if found.shape == "whole_line":
        assert (z <= Z + 1e-6).all()
    else:
        at_limits = np.abs(distance(top, bottom, spread, [found.low, found.high]))
        np.testing.assert_allclose(at_limits, Z, rtol=1e-6)
        assert found.low <= found.high


@checked
@given(estimates(), st.sampled_from([0.01, 100.0]))
def test_money_in_other_units_gives_the_same_answers(given_: tuple[float, float, np.ndarray], factor: float) -> None:
    top, bottom, spread = given_
    other = spread * np.array([[factor**2, factor], [factor, 1]])
    assume(abs(abs(bottom) / math.sqrt(spread[1, 1]) - Z) > 1e-6)
    one, two = fieller_interval(top, bottom, spread), fieller_interval(factor * top, bottom, other)
    assert one.shape == two.shape
    np.testing.assert_allclose(
        [two.low, two.high], [factor * one.low, factor * one.high], rtol=1e-6, atol=1e-9 * factor
    )
    worth, scaled = (
        net_monetary_benefit(a, bottom, price, covariance=matrix)
        for a, price, matrix in ((top, 300.0, spread), (factor * top, factor * 300.0, other))
    )
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(scaled, name), factor * getattr(worth, name), rtol=1e-7, atol=1e-6 * factor)


@checked
@given(st.integers(-9, 9), st.integers(-9, 9), st.floats(0, 50))
def test_the_preferred_side_of_the_break_even_price_has_the_benefit(cost: int, effect: int, price: float) -> None:
    found = break_even_price(cost, effect)
    assume(abs(price * effect - cost) > ROUNDING)
    assert (found.preferred_from < price < found.preferred_to) == (price * effect - cost > 0) or price == 0


# --- decisions -----------------------------------------------------------------------------------------------------------


@checked
@given(draws())
def test_what_draws_decide(given_: tuple[np.ndarray, np.ndarray]) -> None:
    cost, effect = given_
    prices = [0, 10, 60, 150, 1000]
    found, worth = acceptability(cost, effect, prices), expected_value_of_information(cost, effect, prices)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    assert (found.probability >= 0).all()
    assert (found.expected_loss >= 0).all()
    rows = np.arange(len(prices))
    np.testing.assert_allclose(found.net_benefit[rows, found.best], found.net_benefit.max(axis=1))
    np.testing.assert_allclose(found.expected_loss[rows, found.best], found.expected_loss.min(axis=1), atol=1e-9)
    direct = [(p * effect - cost).max(axis=1).mean() - (p * effect - cost).mean(axis=0).max() for p in prices]
    np.testing.assert_allclose(worth.value, direct, atol=1e-8)
    assert (worth.value >= 0).all()
    assert (worth.low >= 0).all()
    scaled = acceptability(8 * cost, effect, [8 * p for p in prices])
    np.testing.assert_allclose(scaled.probability, found.probability)
    np.testing.assert_allclose(scaled.switches, 8 * found.switches)


@checked
@given(draws())
def test_the_best_mean_changes_at_the_switches_and_nowhere_else(given_: tuple[np.ndarray, np.ndarray]) -> None:
    cost, effect = given_
    found = acceptability(cost, effect, 0)
    assert (np.diff(found.switches) > 0).all()
    ends = [0, *found.switches, (found.switches.max(initial=1) + 1) * 4]
    means = cost.mean(axis=0), effect.mean(axis=0)
    for low, high, best in zip(ends, ends[1:], found.choices, strict=False):
        for price in (low + (high - low) * np.array([0.01, 0.5, 0.99])).tolist():
            benefit = price * means[1] - means[0]
            assert benefit[best] >= benefit.max() - 1e-9 * np.abs(benefit).max()
    for price, before, after in zip(found.switches, found.choices, found.choices[1:], strict=False):
        gap = price * means[1] - means[0]
        assert abs(gap[before] - gap[after]) <= 1e-9 * np.abs(gap).max()


@checked
@given(draws())
def test_shares_of_the_plane_add_to_one(given_: tuple[np.ndarray, np.ndarray]) -> None:
    cost, effect = given_
    found = cost_effect_plane(cost[:, 1] - cost[:, 0], effect[:, 1] - effect[:, 0])
    assert math.isclose(found.share.sum(), 1)


# --- joint differences, people -------------------------------------------------------------------------------------------


@settings(checked, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from(["ATO", "ATE", "ATT", "ATC"]), st.sampled_from([0.0, 40.0, 900.0]))
def test_net_benefit_of_joint_differences_is_the_effect_on_net_benefit(seed: int, estimand: str, price: float) -> None:
    """Weighted, clustered, weights counted as estimated: the covariance is right if every combination is."""
    random = np.random.default_rng(seed)
    person = random.integers(0, 70, 90)
    covariates = random.normal(size=(90, 2))
    treated = random.random(90) < 1 / (1 + np.exp(-0.6 * covariates[:, 0]))
    cost = random.gamma(2, 400, 90) + 200 * covariates[:, 0]
    effect = random.poisson(10 + 2 * treated) + 0.004 * cost
    joint = weighted_increment(cost, effect, treated, covariates, estimand=estimand, cluster=person)
    worth = net_monetary_benefit(joint.cost, joint.effect, price, covariance=joint.covariance)
    direct = weighted_effect(price * effect - cost, treated, covariates, estimand=estimand, cluster=person)
    for name in ("value", "std_error", "low", "high"):
        np.testing.assert_allclose(getattr(worth, name), getattr(direct.difference, name), rtol=1e-8, atol=1e-8)
    assert joint.people == direct.people == np.unique(person).size


@settings(checked, max_examples=20)
@given(st.integers(0, 1000))
def test_rows_in_another_order_are_resampled_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    values, person, group = random.normal(size=(30, 2)), np.repeat(range(15), 2), random.permutation(30) % 2
    shuffled = random.permutation(30)
    one = person_bootstrap(values, person, group, replicates=40, seed=seed)
    two = person_bootstrap(values[shuffled], person[shuffled], group[shuffled], replicates=40, seed=seed)
    np.testing.assert_allclose(two.draws, one.draws, atol=1e-12)
    heavier = person_bootstrap(values, person, group, weights=np.full(30, 7.0), replicates=40, seed=seed)
    np.testing.assert_allclose(heavier.draws, one.draws, atol=1e-12)


def test_bootstrap_spread_is_the_linearised_one() -> None:
    """400 people, some in both groups: 10,000 replicates leave 0.7 % of Monte-Carlo error, 400 people a little more."""
    random = np.random.default_rng(8)
    person = np.concatenate([np.arange(400), random.integers(0, 400, 100)])
    group = random.integers(0, 2, 500)
    cost = random.gamma(2, 500, 500) * (1 + 0.5 * (person % 3))
    values = np.column_stack([cost, random.random(500) < 0.5])
    made = person_bootstrap(values, person, group, seed=4)
    joint = weighted_increment(values[:, 0], values[:, 1], group, cluster=person)
    gap = made.difference(1, 0)
    np.testing.assert_allclose(gap.std(axis=0), np.sqrt(np.diag(joint.covariance)), rtol=0.03)
    np.testing.assert_allclose(made.estimate[1] - made.estimate[0], [joint.cost, joint.effect])


def test_the_bootstrap_finds_the_fieller_limits() -> None:
    """The share of draws with a benefit passes 2.5 and 97.5 % where Fieller's limits are, to Monte-Carlo error."""
    random = np.random.default_rng(12)
    group = np.repeat([0, 1], 400)
    done = random.random(800) < np.where(group, 0.62, 0.40)
    cost = random.gamma(3, np.where(group, 900, 700)) + 300 * done
    joint = weighted_increment(cost, done, group)
    limits = fieller_interval(joint.cost, joint.effect, joint.covariance)
    gap = person_bootstrap(np.column_stack([cost, done]), range(800), group, seed=6).difference(1, 0)
    assert limits.shape == "interval"
    for price, share in ((limits.low, 0.025), (limits.high, 0.975)):
        assert abs((price * gap[:, 1] > gap[:, 0]).mean() - share) < 0.008


def test_fieller_keeps_its_level_where_the_naive_interval_misses() -> None:
    """4,000 studies of two arms of 60: skewed costs, 60 against 50 % completing; the true ratio is 12,400.

    The naive (delta-method) interval of a ratio misses one in five, always on the same side.
    """
    random, studies, n, treated_share, reference_share = np.random.default_rng(3), 4000, 60, 0.6, 0.5

    def arm(share: float, mean: float) -> tuple[np.ndarray, np.ndarray]:
        done = random.random((studies, n)) < share
        return random.gamma(2, mean / 2, (studies, n)) * (0.6 + 0.8 * done), done.astype(float)

    def covariance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return ((x - x.mean(1, keepdims=True)) * (y - y.mean(1, keepdims=True))).sum(1) / (n * (n - 1))

    truth = (3000 * (0.6 + 0.8 * treated_share) - 2000 * (0.6 + 0.8 * reference_share)) / 0.1
    (cost1, done1), (cost0, done0) = arm(treated_share, 3000), arm(reference_share, 2000)
    top, bottom = cost1.mean(1) - cost0.mean(1), done1.mean(1) - done0.mean(1)
    var_top, var_bottom = (
        covariance(cost1, cost1) + covariance(cost0, cost0),
        covariance(done1, done1) + covariance(done0, done0),
    )
    cov = covariance(cost1, done1) + covariance(cost0, done0)

    found = [
        fieller_interval(a, b, [[v, c], [c, w]], df=2 * n - 2)
        for a, b, v, w, c in zip(top, bottom, var_top, var_bottom, cov, strict=True)
    ]
    covered = np.mean([truth in one for one in found])
    assert abs(covered - 0.95) < 3 * math.sqrt(0.95 * 0.05 / studies)
    assert {one.shape for one in found} == {"interval", "outside", "whole_line"}

    known = bottom != 0
    ratio = top[known] / bottom[known]
    error = np.sqrt(var_top[known] - 2 * ratio * cov[known] + ratio**2 * var_bottom[known]) / np.abs(bottom[known])
    assert np.mean((ratio - Z * error <= truth) & (truth <= ratio + Z * error)) < 0.85
    assert not (ratio - Z * error > truth).any()
