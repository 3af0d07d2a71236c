"""Two groups compared by weighting: what a director can check with a pencil."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import (
    balance_weights,
    distribution_distances,
    doubly_robust_effect,
    e_value,
    effective_sample_size,
    overlap_share,
    standardised_differences,
    standardised_effect,
    variance_ratios,
    weighted_curves,
    weighted_effect,
)

#: People by how unwell they were at the start and by group, and how many were well a year later. Within the mildly
#: unwell the treated do better by 0.20, within the severely unwell by 0.25; the crude difference is 0.40.
TABLE = """
    severe | treated | people | well
    0      | 1       | 30     | 24
    0      | 0       | 10     | 6
    1      | 1       | 12     | 6
    1      | 0       | 48     | 12
"""


def people() -> tuple[Any, Any, Any]:
    """One row for each person of the table: well, treated, severe (one column)."""
    rows = [[int(cell) for cell in line.split("|")] for line in TABLE.strip().splitlines()[1:]]
    severe, treated, count = (np.repeat([row[k] for row in rows], [row[2] for row in rows]) for k in (0, 1, 2))
    well = np.concatenate([np.arange(row[2]) < row[3] for row in rows]).astype(int)
    assert count.size == 100
    return well, treated, severe[:, None]


#: The strata's differences weighted by whom the answer is about.
BY_HAND = {
    "ATE": (40 * 0.20 + 60 * 0.25) / 100,
    "ATT": (30 * 0.20 + 12 * 0.25) / 42,
    "ATC": (10 * 0.20 + 48 * 0.25) / 58,
    "ATO": (40 * 0.75 * 0.25 * 0.20 + 60 * 0.2 * 0.8 * 0.25) / (40 * 0.75 * 0.25 + 60 * 0.2 * 0.8),
}


@pytest.mark.parametrize("estimand", BY_HAND)
def test_weighting_compares_like_with_like(estimand: str) -> None:
    well, treated, severe = people()
    crude = weighted_effect(well, treated, None)
    assert crude.difference.value == pytest.approx(30 / 42 - 18 / 58)
    fair = weighted_effect(well, treated, severe, estimand=estimand)
    assert fair.difference.value == pytest.approx(BY_HAND[estimand])
    assert fair.people == 100


@pytest.mark.parametrize("estimand", ["ATE", "ATT", "ATC"])
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_with_strata_all_methods_agree(estimand: str, family: str) -> None:
    well, treated, severe = people()
    robust = doubly_robust_effect(well, treated, severe, estimand=estimand, family=family)
    standard = standardised_effect(well, treated, severe, modifiers=severe, estimand=estimand, family=family)
    for got in (robust, standard):
        assert got.difference.value == pytest.approx(BY_HAND[estimand])


def test_weights_of_one_stratum() -> None:
    """Of 40 mildly unwell people 30 were treated: p is 0.75."""
    _, treated, severe = people()
    mild_treated, mild_other = 0, 30
    expected = {"ATO": (0.25, 0.75), "ATE": (1 / 0.75, 4.0), "ATT": (1.0, 3.0), "ATC": (1 / 3, 1.0)}
    for estimand, pair in expected.items():
        weights = balance_weights(treated, severe, estimand).weights
        assert (weights[mild_treated], weights[mild_other]) == pytest.approx(pair)


def test_the_error_of_a_crude_difference_is_the_textbook_one() -> None:
    well, treated, _ = people()
    p, q = 30 / 42, 18 / 58
    got = weighted_effect(well, treated, None)
    assert got.difference.std_error == pytest.approx(np.sqrt(p * (1 - p) / 42 + q * (1 - q) / 58))
    assert got.ratio.value == pytest.approx(p / q)


def test_a_share_keeps_its_limits_between_0_and_1() -> None:
    well = np.repeat([1, 0, 1, 0], [19, 1, 1, 19])
    got = weighted_effect(well, np.repeat([1, 0], 20), None)
    assert 0 < got.reference.low < 0.05 < got.reference.high < got.treated.low < 0.95 < got.treated.high < 1


def test_where_nothing_varies_there_is_no_interval() -> None:
    got = weighted_effect(np.repeat([1, 1, 0], [20, 10, 10]), np.repeat([1, 0], 20), None)
    assert (got.treated.value, got.treated.std_error) == (1.0, 0.0)
    assert got.difference.value == pytest.approx(0.5)
    assert np.isnan([got.treated.low, got.difference.low, got.difference.high, got.ratio.low]).all()


def test_curves_compare_like_with_like() -> None:
    """Everybody left; those well left on day 90 having completed (1), the others on day 10 (2)."""
    well, treated, severe = people()
    curves = weighted_curves(np.where(well, 90, 10), np.where(well, 1, 2), treated, severe, estimand="ATT")
    assert curves.at(90, 1).difference.value == pytest.approx(BY_HAND["ATT"])
    assert curves.at(89, 1).difference.value == 0
    assert curves.at([9, 10], 2).difference.value == pytest.approx([0, -BY_HAND["ATT"]])
    assert curves.mean_time(90).difference.value == pytest.approx(80 * BY_HAND["ATT"])
    assert curves.mean_time(90, 2).difference.value == pytest.approx(-80 * BY_HAND["ATT"])


def test_curves_say_nothing_of_days_nobody_was_watched() -> None:
    _, treated, severe = people()
    curves = weighted_curves(np.full(100, 30), np.tile([0, 1], 50), treated, severe)
    later = curves.at(31)
    assert np.isnan([later.difference.value, later.difference.std_error, later.treated.low]).all()
    assert np.isnan(curves.mean_time(60).difference.value)


def test_balance_before_and_after() -> None:
    """12 of 42 treated and 48 of 58 others were severely unwell; overlap weights give both 9.6 of 17.1."""
    _, treated, severe = people()
    p, q = 12 / 42, 48 / 58
    before = (p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert standardised_differences(severe, treated) == pytest.approx(before)
    assert standardised_differences(severe, treated, raw_binary=True) == pytest.approx(p - q)
    assert standardised_differences(severe, treated, estimand="ATT") == pytest.approx((p - q) / np.sqrt(p * (1 - p)))
    assert distribution_distances(severe, treated) == pytest.approx(q - p)
    assert np.isnan(variance_ratios(severe, treated)).all()
    weights = balance_weights(treated, severe).weights
    assert abs(standardised_differences(severe, treated, weights))[0] < 1e-9
    assert weights[treated == 1] @ severe[treated == 1, 0] == pytest.approx(9.6)
    assert weights[treated == 1].sum() == pytest.approx(17.1)


def test_effective_sample_size_counts_people() -> None:
    assert effective_sample_size([1, 1, 2]) == pytest.approx(16 / 6)
    assert effective_sample_size([1, 1, 2], cluster=["a", "a", "b"]) == pytest.approx(2)


def test_common_support_ends_where_a_group_ends() -> None:
    propensity = [0.2, 0.4, 0.7, 0.95, 0.05, 0.1, 0.2, 0.8]
    found = overlap_share(propensity, [1, 1, 1, 1, 0, 0, 0, 0])
    assert (found.low, found.high) == (0.2, 0.8)
    assert (found.outside, found.treated_outside, found.reference_outside) == (3 / 8, 1 / 4, 2 / 4)


@pytest.mark.parametrize(
    ("given", "named", "point", "limit"),
    [
        ((3.9, 1.8), {}, 7.263034, 3.0),
        ((0.56, np.nan, 0.69), {"measure": "HR", "rare": False}, 2.349531, 1.908004),
        ((0.56, 0.46, 0.69), {"measure": "HR", "rare": True}, 2.970223, 2.256197),
        ((4.0, 0.9, 17.0), {"measure": "OR", "rare": False}, 2 + np.sqrt(2), 1.0),
        ((1.0, 0.8, 1.25), {}, 1.0, 1.0),
    ],
)
def test_e_values(given: tuple[float, ...], named: dict[str, Any], point: float, limit: float) -> None:
    """The first is VanderWeele and Ding's own example: formula milk and deaths, risk ratio 3.9 (1.8 to 8.7)."""
    got = e_value(*given, **named)
    assert (got.point, got.limit) == pytest.approx((point, limit), abs=1e-6)


def test_an_e_value_without_a_limit_says_so() -> None:
    assert np.isnan(e_value(2.0).limit)


def test_a_risk_difference_has_an_e_value_through_its_ratio() -> None:
    well, treated, severe = people()
    ratio = weighted_effect(well, treated, severe, estimand="ATE").ratio
    assert ratio.value == pytest.approx((0.4 * 0.8 + 0.6 * 0.5) / (0.4 * 0.6 + 0.6 * 0.25))
    assert e_value(ratio.value, ratio.low, ratio.high).point > e_value(ratio.value, ratio.low, ratio.high).limit >= 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda y, a, x: weighted_effect(y, a * 0, x), "one group only"),
        (lambda y, a, x: weighted_effect(y, a + 1, x), "treated must be 1 or 0"),
        (lambda y, a, x: weighted_effect(np.where(y, np.nan, 0), a, x), "none missing"),
        (lambda y, a, x: weighted_effect(y, a, x, estimand="LATE"), "estimand must be one of"),
        (lambda y, a, x: weighted_effect(y, a, x[:50]), "one row for each"),
        (lambda y, a, x: weighted_effect(y, a, np.where(x, np.nan, 0)), "missing or not finite"),
        (lambda y, a, x: weighted_effect(y, a, x, cluster=[1, 2]), "one value per row"),
        (lambda y, a, x: doubly_robust_effect(y, a, x, estimand="ATO"), "For ATO use weighted_effect"),
        (lambda y, a, x: doubly_robust_effect(y + 1, a, x, family="binomial"), "outcome must be 0 or 1"),
        (lambda y, a, x: standardised_effect(y, a, x, family="poisson"), "family must be"),
        (lambda y, a, x: weighted_curves(y[:50], y[:50], a, x), "one value for each row"),
        (lambda y, a, x: weighted_curves(y, y, a, x).mean_time(0), "tau must be above 0"),
        (lambda y, a, x: standardised_differences(x, a, -1.0 * a), "zero or more"),
        (lambda y, a, x: variance_ratios(x, a, a), "no weight"),
        (lambda y, a, x: effective_sample_size(a * 0), "not all zero"),
        (lambda y, a, x: overlap_share(a + 0.5, a), "one probability a row"),
        (lambda y, a, x: e_value(2.0, measure="OR"), "rare=True or rare=False"),
        (lambda y, a, x: e_value(2.0, 2.5, 3.0), "must hold the ratio"),
        (lambda y, a, x: e_value(0.0), "above 0"),
        (lambda y, a, x: e_value(2.0, measure="SMD"), "measure must be one of"),
    ],
)
def test_impossible_arguments_are_refused_with_a_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call(*people())


@pytest.mark.parametrize(
    ("covariates", "rows", "reason"),
    [
        (lambda x, a: np.column_stack([x, x]), slice(None), "cannot be told apart"),
        (lambda x, a: a[:, None], slice(None), "foretells the group wholly"),
        (lambda x, a: x, slice(26, 36), "fewer than 10 people"),
    ],
)
def test_a_model_that_cannot_be_fitted_gives_a_reason_and_no_number(covariates: Any, rows: Any, reason: str) -> None:
    well, treated, severe = (column[rows] for column in people())
    given = (well, treated, covariates(severe, treated))
    made = [weighted_effect(*given), doubly_robust_effect(*given), weighted_curves(well, well, *given[1:]).at(1)]
    for got in made:
        assert reason in got.reason
        assert np.isnan([got.difference.value, got.treated.value, got.ratio.low]).all()
