"""Cost and effect together: published tables, and numbers that can be checked by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from iop_outcomes.statistics import (
    Margin,
    acceptability,
    break_even_price,
    cost_effect_plane,
    draw_inputs,
    efficiency_frontier,
    expected_value_of_information,
    fieller_interval,
    fieller_ratio_of_sums,
    name_quadrant,
    net_monetary_benefit,
    one_way_sensitivity,
    percentile_interval,
    person_bootstrap,
    present_value,
    ratio_of_sums,
    two_way_sensitivity,
    weighted_increment,
)

SPREAD = [[40_000, 2], [2, 0.0025]]


# --- the frontier -----------------------------------------------------------------------------------------------------


def test_day_hospital_and_two_community_programmes() -> None:
    """Kaskutas, Witbrodt and French (2004): abstinent at both follow-ups 40, 60, 53 %; $526, $1,163, $1,274."""
    found = efficiency_frontier([526, 1163, 1274], [0.40, 0.60, 0.53], ["CP1", "CP2", "day hospital"])
    assert found.status == ("on_frontier", "on_frontier", "dominated")
    assert found.icer[1] == pytest.approx(3185)
    assert found.compared_with == ((), ("CP1",), ("CP2",))


def test_the_course_example_of_extended_dominance() -> None:
    """The ratios and statuses are those of the VA HERC course; costs and effects are constructed to give them.

    C at 15,000 lies above D's step from C (10,000), so it is pruned, and D is then compared with B.
    """
    names = ["usual care", "A", "B", "C", "D", "E"]
    found = efficiency_frontier([5000, 12_000, 10_000, 25_000, 35_000, 55_000], [1, 1.5, 2, 3, 4, 5], names)
    ratios = dict(zip(names, found.icer.tolist(), strict=True))
    assert {name: ratios[name] for name in "BDE"} == {"B": 5000, "D": 12_500, "E": 20_000}
    assert dict(zip(names, found.status, strict=True)) == {
        "usual care": "on_frontier",
        "A": "dominated",
        "B": "on_frontier",
        "C": "extended_dominated",
        "D": "on_frontier",
        "E": "on_frontier",
    }
    assert found.compared_with[names.index("C")] == ("B", "D")
    assert [names[i] for i in found.order] == ["usual care", "B", "D", "E"]


def test_five_rising_ratios() -> None:
    """The ratios of the screening example in Gray et al. (2011); costs and effects are constructed to give them."""
    cost = np.cumsum([0, 7000, 4000, 7000, 14_000, 17_000])
    found = efficiency_frontier(cost, np.cumsum([0, 4, 2, 3, 5, 5]), list("ABCDEF"))
    np.testing.assert_allclose(found.icer[1:], [1750, 2000, 7000 / 3, 2800, 3400])


def test_the_published_frontier_of_colorectal_screening() -> None:
    """Graves et al. (2005), table 7, doi:10.1186/1743-8462-2-10: total cost and life-years gained in Australia."""
    cost = [0, 140_117_791, 248_112_291, 304_301_903, 370_181_240, 422_777_702]
    found = efficiency_frontier(cost, [0, 3551, 6023, 6720, 7076, 7299], ["none", *(f"option {i}" for i in range(5))])
    assert found.icer[1:].round().tolist() == [39_459, 43_687, 80_616, 185_054, 235_859]


def test_a_dominated_strategy_has_no_ratio() -> None:
    """doi:10.1093/jncics/pkaa004, table 1: a general programme prints -14,308.9 for strategy 2. Here it has none."""
    cost, effect = [1695.865, 12_224.17, 12_118.17], [8.570992, 8.583273, 8.590681]
    found = efficiency_frontier(cost, effect, ["1", "2", "3"])
    assert found.status == ("on_frontier", "dominated", "on_frontier")
    assert np.isnan(found.icer[[0, 1]]).all()
    assert found.icer[2] == pytest.approx(529_365.8, rel=2e-4)  # the table rounds its effects to six decimals


def test_equal_strategies_share_a_fate_and_equal_ratios_stay() -> None:
    found = efficiency_frontier([1, 2, 2, 3, 3, 4], [1, 2, 2, 3, 2.5, 3], ["a", "b", "B", "c", "d", "e"])
    assert found.status == (*["on_frontier"] * 4, "dominated", "dominated")
    assert found.icer.tolist()[:4] == pytest.approx([math.nan, 1, 1, 1], nan_ok=True)
    assert found.compared_with[3] == ("b", "B")
    assert efficiency_frontier([7], [0.5], ["only"]).status == ("on_frontier",)


# --- the plane, the break-even price, net benefit ----------------------------------------------------------------------


def test_words_before_ratios() -> None:
    words = name_quadrant([5, -5, -5, 5, 0, 0, 5, -5, 0], [1, 1, -1, -1, 0, 1, 0, 0, -1])
    assert words.tolist() == [
        *("more_for_more", "dominant", "less_for_less", "dominated", "same"),
        *("dominant", "dominated", "dominant", "dominated"),
    ]


def test_shares_of_the_plane() -> None:
    found = cost_effect_plane([1, 1, 1, -1, -1, -1, -1, 0], [1, 1, -1, 1, 1, 1, -1, 0])
    assert found.share.tolist() == [3 / 8, 2 / 8, 1 / 8, 1 / 8, 1 / 8]
    assert found.std_error[0] == math.sqrt(3 / 8 * 5 / 8 / 8)


@pytest.mark.parametrize(
    ("cost", "effect", "price", "first", "last"),
    [
        (600, 3, 200, 200, math.inf),  # more for more: from $200 a unit on
        (-600, -3, 200, 0, 200),  # less for less: up to $200 a unit
        (-600, 3, math.nan, 0, math.inf),
        (600, -3, math.nan, math.nan, math.nan),
        (0, 0, math.nan, math.nan, math.nan),
    ],
)
def test_break_even_price(cost: float, effect: float, price: float, first: float, last: float) -> None:
    found = break_even_price(cost, effect)
    assert (found.price, found.preferred_from, found.preferred_to) == pytest.approx((price, first, last), nan_ok=True)
    assert found.limits is None


def test_net_benefit_is_worth_less_cost() -> None:
    """At $8,000 a unit: 8,000 · 0.2 - 1,000; variance 8,000² · 0.0025 - 2 · 8,000 · 2 + 40,000 = 168,000."""
    worth = net_monetary_benefit(1000, 0.2, 8000, covariance=SPREAD)
    assert worth.value == pytest.approx(600)
    assert worth.std_error == pytest.approx(math.sqrt(168_000))
    assert net_monetary_benefit(1000, 0.2, 8000, covariance=SPREAD, df=9).low < worth.low


def test_limits_of_the_price_are_where_net_benefit_is_sure() -> None:
    limits = break_even_price(1000, 0.2, covariance=SPREAD).limits
    assert limits is not None
    worth = net_monetary_benefit(1000, 0.2, [limits.low, limits.high], covariance=SPREAD)
    assert worth.high[0] == pytest.approx(0, abs=1e-9)
    assert worth.low[1] == pytest.approx(0, abs=1e-9)


def test_only_years_after_the_first_count_less() -> None:
    assert present_value(100, [0, 0.5, 1]).tolist() == [100, 100, 100]
    assert present_value(103, [1.01, 2]).tolist() == pytest.approx([100, 100])
    assert present_value(100, 3, [0, 0.03, 0.05]).tolist() == pytest.approx([100, 100 / 1.03**2, 100 / 1.05**2])


# --- Fieller -----------------------------------------------------------------------------------------------------------


def test_three_shapes() -> None:
    sure, unsure, blind = (fieller_interval(*pair, SPREAD) for pair in [(1000, 0.2), (1000, 0.05), (100, 0.05)])
    assert (sure.shape, unsure.shape, blind.shape) == ("interval", "outside", "whole_line")
    assert 5000 in sure
    assert 1000 not in sure
    assert -20_000 in unsure
    assert 10_000 in unsure
    assert 0 not in unsure
    assert 0 in blind
    assert (blind.low, blind.high) == (-math.inf, math.inf)


def test_a_denominator_of_nothing_and_one_without_error() -> None:
    none = fieller_interval(1000, 0, SPREAD)
    assert math.isnan(none.value)
    assert none.shape == "outside"
    assert none.low < 0 < none.high
    known = fieller_interval(10, 4, [[1, 0], [0, 0]])
    z = NormalDist().inv_cdf(0.975)
    assert (known.low, known.high) == pytest.approx(((10 - z) / 4, (10 + z) / 4))
    exact = fieller_interval(10, 4, [[0, 0], [0, 0]])
    assert (exact.low, exact.high) == (2.5, 2.5)


def test_cost_for_each_completer_agrees_with_linearisation_when_many_completed() -> None:
    """800 people, half of them completers: Fieller's and the linearised limits differ by half a per cent."""
    cost, done = np.tile([900.0, 1100, 1000, 1400], 200), np.tile([0.0, 1, 1, 0], 200)
    sums = (cost.sum(), done.sum(), cost @ cost, cost @ done, done @ done, 800)
    exact, linear = fieller_ratio_of_sums(*sums), ratio_of_sums(*sums)
    assert exact.value == linear.value == 2200
    assert (exact.low, exact.high) == pytest.approx((linear.low, linear.high), rel=0.006)
    assert exact.high > linear.high  # the set is skewed as the ratio is


# --- decisions -----------------------------------------------------------------------------------------------------------


def test_the_best_on_average_need_not_be_the_most_often_best() -> None:
    """Strategy 2 gains 10 in two draws of five and loses 1 in three: mean 3.4, best in 40 %."""
    cost, effect = np.zeros((5, 2)), np.column_stack([np.zeros(5), [10, 10, -1, -1, -1]])
    found = acceptability(cost, effect, [1])
    assert found.probability.tolist() == [[0.6, 0.4]]
    assert (found.best[0], found.frontier[0]) == (1, 0.4)
    assert found.expected_loss[0].tolist() == pytest.approx([4, 0.6])
    assert expected_value_of_information(cost, effect, [1]).value == pytest.approx([0.6])
    assert found.probability_error[0] == pytest.approx([math.sqrt(0.24 / 5)] * 2)
    assert found.loss_error[0, 1] == pytest.approx(math.sqrt(0.24 / 5))  # losses of 0, 0, 1, 1, 1


def test_ties_are_shared() -> None:
    found = acceptability(np.ones((3, 4)), np.ones((3, 4)), [0, 100])
    assert found.probability.tolist() == [[0.25] * 4] * 2
    assert (found.switches.size, found.choices.tolist()) == (0, [0])


def test_the_frontier_of_acceptability_switches_at_the_icers() -> None:
    means = np.array([[5000, 12_000, 10_000, 25_000, 35_000, 55_000], [1, 1.5, 2, 3, 4, 5]])
    noise = np.array([-1, 0, 1])[:, None]
    found = acceptability(means[0] + 100 * noise, means[1] + 0 * noise, [0, 5000, 5001, 12_499, 12_501, 30_000])
    assert found.switches.tolist() == pytest.approx([5000, 12_500, 20_000])
    assert found.choices.tolist() == [0, 2, 4, 5]
    assert found.best.tolist() == [0, 0, 2, 2, 4, 5]


def test_three_strategies_in_line_switch_once() -> None:
    """The middle one is never better than both others."""
    found = acceptability(np.tile([0.0, 10, 30], (2, 1)), np.tile([0.0, 1, 3], (2, 1)), [9, 11])
    assert (found.switches.tolist(), found.choices.tolist(), found.best.tolist()) == ([10], [0, 2], [0, 2])


@pytest.mark.parametrize("mean", [-300, 0, 450])
def test_value_of_information_equals_the_unit_normal_loss(mean: float) -> None:
    """Two strategies whose net benefit differs normally: σ φ(μ/σ) - |μ| Φ(-|μ|/σ). Quantiles stand for draws."""
    normal, sd, n = NormalDist(), 500, 20_000
    gain = np.array([normal.inv_cdf((i + 0.5) / n) for i in range(n)]) * sd + mean
    found = expected_value_of_information(np.column_stack([np.zeros(n), -gain]), np.zeros((n, 2)), [0])
    closed = sd * normal.pdf(mean / sd) - abs(mean) * normal.cdf(-abs(mean) / sd)
    assert found.value[0] == pytest.approx(closed, abs=0.05)
    assert acceptability(np.column_stack([np.zeros(n), -gain]), np.zeros((n, 2)), 0).probability[0, 1] == pytest.approx(
        normal.cdf(mean / sd), abs=1 / n
    )


# --- resampling, sensitivity -----------------------------------------------------------------------------------------------


def test_a_person_is_drawn_whole() -> None:
    """Everybody is in both groups with an effect of twice the cost: the groups move together, draw by draw."""
    cost = np.array([100.0, 300, 500, 900])
    values = np.column_stack([np.tile(cost, 2), 2 * np.tile(cost, 2)])
    made = person_bootstrap(values, np.tile(range(4), 2), np.repeat(["a", "b"], 4), replicates=300, seed=3)
    assert made.people == 4
    np.testing.assert_allclose(made.difference("a", "b"), 0, atol=1e-12)
    np.testing.assert_allclose(made.draws[..., 1], 2 * made.draws[..., 0])
    assert np.unique(made.draws[:, 0, 0].round(6)).size > 10


def test_resampling_three_people_gives_every_sample_its_probability() -> None:
    """Values 0, 1, 10: the mean of three draws is one of ten numbers, with multinomial probabilities."""
    made = person_bootstrap([[0], [1], [10]], [7, 8, 9], [1, 1, 1], replicates=27_000, seed=11)
    seen = np.unique((3 * made.draws[:, 0, 0]).round(6), return_counts=True)
    assert seen[0].tolist() == [0, 1, 2, 3, 10, 11, 12, 20, 21, 30]
    expected = 1000 * np.array([1, 3, 3, 1, 3, 6, 3, 3, 3, 1])
    assert (np.abs(seen[1] - expected) < 4.5 * np.sqrt(expected)).all()


def test_the_same_seed_gives_the_same_draws_and_empty_groups_are_counted() -> None:
    values, group = [[1.0], [2], [3], [4], [5], [6]], ["a", "a", "b", "b", "b", "b"]
    one, two = (person_bootstrap(values, range(6), group, replicates=400, seed=5) for _ in range(2))
    assert (one.draws == two.draws).all()
    assert one.left_out == 400 - len(one.draws)
    assert 15 < one.left_out < 60  # 400 · ((4/6)⁶ + (2/6)⁶) is 36
    weighted = person_bootstrap(values, range(6), group, weights=[1, 3, 1, 1, 1, 1], replicates=10, seed=5)
    assert weighted.estimate.ravel().tolist() == [1.75, 4.5]


def test_middle_draws() -> None:
    found = percentile_interval(3, [1, 2, 3, 4, math.inf], 0.5)
    assert (found.value, found.low, found.high) == (3, 2, 4)


def test_tornado_and_two_way() -> None:
    def cost_per_day(weekly: float, weeks: float, days: float) -> float:
        return weekly * weeks / days if days else math.nan

    base = {"weekly": 500, "weeks": 8, "days": 40}
    found = one_way_sensitivity(cost_per_day, base, {"days": (0, 80), "weekly": (450, 550), "weeks": (4, 12)})
    assert found.base == 100
    assert [(bar.name, bar.size) for bar in found.swings][:2] == [("weeks", 100), ("weekly", 20)]
    assert found.swings[2].name == "days"
    grid = two_way_sensitivity(cost_per_day, base, ("weekly", [400, 500]), ("days", [20, 40, 80]))
    assert grid.answer.tolist() == [[160, 80, 40], [200, 100, 50]]


def test_inputs_have_their_mean_error_and_correlation() -> None:
    known = {
        "cost": Margin("gamma", 462, 60),
        "share": Margin("beta", 0.3, 0.05),
        "weeks": Margin("lognormal", 7, 1),
        "days": Margin("normal", 20, 4),
        "fixed": Margin("gamma", 5, 0),
    }
    drawn = draw_inputs(known, correlation={("cost", "weeks"): 0.6, ("share", "days"): -1}, draws=40_000, seed=2)
    for name, margin in known.items():
        error = margin.std_error / math.sqrt(40_000)
        assert drawn[name].mean() == pytest.approx(margin.mean, abs=4 * error + 1e-12), name
        assert drawn[name].std() == pytest.approx(margin.std_error, rel=0.03), name
    ranks = {name: np.argsort(np.argsort(values)) for name, values in drawn.items()}
    spearman = np.corrcoef(ranks["cost"], ranks["weeks"])[0, 1]
    assert spearman == pytest.approx(6 / math.pi * math.asin(0.3), abs=0.015)
    assert (ranks["share"] == 39_999 - ranks["days"]).all()
    assert abs(np.corrcoef(drawn["cost"], drawn["share"])[0, 1]) < 0.02


# --- what is refused ---------------------------------------------------------------------------------------------------------

REFUSED = {
    "names": lambda: efficiency_frontier([1, 2], [1, 2], ["a", "a"]),
    "lengths": lambda: efficiency_frontier([1, 2], [1], ["a", "b"]),
    "nothing": lambda: efficiency_frontier([], [], []),
    "missing strategy": lambda: efficiency_frontier([1, math.nan], [1, 2], ["a", "b"]),
    "missing difference": lambda: name_quadrant(math.nan, 1),
    "one draw": lambda: cost_effect_plane([1], [1]),
    "no covariance": lambda: fieller_interval(1, 1, [[1, 2], [2, 1]]),
    "negative variance": lambda: fieller_interval(1, 1, [[-1, 0], [0, 1]]),
    "not a table": lambda: fieller_interval(1, 1, [1, 1]),
    "unknown ratio": lambda: fieller_interval(math.nan, 1, SPREAD),
    "df": lambda: fieller_interval(1, 1, SPREAD, df=0),
    "level": lambda: fieller_interval(1, 1, SPREAD, conf_level=95),
    "one person": lambda: fieller_ratio_of_sums(1, 1, 1, 1, 1, 1),
    "price": lambda: net_monetary_benefit(1, 1, -5, covariance=SPREAD),
    "unknown benefit": lambda: net_monetary_benefit(math.inf, 1, 5, covariance=SPREAD),
    "time": lambda: present_value(1, -1),
    "rate": lambda: present_value(1, 2, -0.03),
    "cost missing": lambda: weighted_increment([1, math.nan], [1, 1], [1, 0]),
    "one strategy": lambda: acceptability([[1], [2]], [[1], [2]], 0),
    "draw missing": lambda: acceptability([[1, 2], [1, math.nan]], [[1, 2], [1, 2]], 0),
    "no values": lambda: person_bootstrap([1, 2], [1, 2], [1, 1], seed=1),
    "weights": lambda: person_bootstrap([[1], [2]], [1, 2], [1, 1], weights=[1, -1], seed=1),
    "replicates": lambda: person_bootstrap([[1], [2]], [1, 2], [1, 1], replicates=1, seed=1),
    "one in a group": lambda: person_bootstrap([[1], [2], [3]], [1, 2, 3], [1, 1, 2], seed=1),
    "no such group": lambda: person_bootstrap([[1], [2]], [1, 2], [1, 1], replicates=5, seed=1).difference(1, 2),
    "draws": lambda: percentile_interval(1, []),
    "family": lambda: Margin("uniform", 1, 1),
    "negative error": lambda: Margin("normal", 1, -1),
    "gamma at 0": lambda: Margin("gamma", 0, 1),
    "beta too wide": lambda: Margin("beta", 0.5, 0.5),
    "no margin": lambda: draw_inputs({}, seed=1),
    "unknown pair": lambda: draw_inputs({"a": Margin("normal", 0, 1)}, correlation={("a", "b"): 0.1}, seed=1),
    "contradiction": lambda: draw_inputs(
        {name: Margin("normal", 0, 1) for name in "abc"},
        correlation={("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9},
        seed=1,
    ),
    "range of nothing": lambda: one_way_sensitivity(lambda a: a, {"a": 1}, {"b": (0, 1)}),
    "range upside down": lambda: one_way_sensitivity(lambda a: a, {"a": 1}, {"a": (2, 1)}),
    "one input twice": lambda: two_way_sensitivity(lambda a: a, {"a": 1}, ("a", [1]), ("a", [1])),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        call()


def test_groups_that_cannot_be_made_alike_have_a_reason() -> None:
    """The covariate foretells the group wholly."""
    found = weighted_increment(range(20), range(20), [1, 0] * 10, np.array([[1], [0]] * 10))
    assert found.reason
    assert math.isnan(found.cost)
    assert found.people == 20
