"""Not everyone was reached: bounds, weights, imputation and tipping values on counts small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import (
    bounds,
    clustered_proportion,
    impute_binary,
    impute_numeric,
    pool_rubin,
    pool_shares,
    response_weighted_share,
    response_weights,
    tipping_point,
    tipping_share,
    wilson,
)

nan = np.nan
#: Rounding in a closed form of numbers below 1.
ROUNDING = 1e-12


def test_three_quarters_of_responders_mean_less_the_fewer_respond() -> None:
    """75 % of responders, at 30, 50 and 80 % response: 22.5-92.5, 37.5-87.5 and 60-80 % of everyone."""
    due = np.array([400, 400, 400])
    reached = np.array([120, 200, 320])
    band = bounds(0.75 * reached, reached, due)
    np.testing.assert_allclose(band.lower, [0.225, 0.375, 0.6], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(band.upper, [0.925, 0.875, 0.8], rtol=0, atol=ROUNDING)
    assert (band.low < band.lower).all()
    assert (band.high > band.upper).all()


def test_counting_the_unreached_as_not_achieving_can_turn_a_difference_round() -> None:
    """True shares 50 and 55 %, response 80 and 50 %: the lower bounds say 40 and 27.5 %, and the bands overlap."""
    band = bounds([40, 27.5], [80, 50], [100, 100])
    np.testing.assert_allclose(band.lower, [0.4, 0.275], rtol=0, atol=ROUNDING)
    assert band.upper[0] < band.upper[1]


@pytest.mark.parametrize(("x", "due"), [(0, 15), (8, 20), (45, 60), (15, 15)])
def test_with_everyone_reached_the_band_is_the_ordinary_interval(x: int, due: int) -> None:
    band, share = bounds(x, due, due), wilson(x, due)
    assert (band.lower, band.upper) == (x / due, x / due)
    assert (band.low, band.high) == pytest.approx((share.low, share.high), rel=0, abs=ROUNDING)


def test_with_everyone_reached_and_errors_of_people_it_is_the_clustered_interval() -> None:
    """Ten people, twenty episodes: four people achieved it both times, two once, four never."""
    achieved, episodes = np.array([2, 2, 2, 2, 1, 1, 0, 0, 0, 0]), np.full(10, 2)
    share = clustered_proportion(10, 20, achieved @ achieved, achieved @ episodes, episodes @ episodes, 10)
    error = np.sqrt(10 / 9 * np.sum((achieved - 0.5 * episodes) ** 2)) / 20
    band = bounds(10, 20, 20, lower_error=error, upper_error=error, clusters=10)
    assert (band.low, band.high) == pytest.approx((share.low, share.high), rel=0, abs=ROUNDING)


def test_a_wide_band_reaches_out_by_the_one_sided_quantile() -> None:
    """Far apart, only one bound at a time can leave the truth out: 1.64 errors at 95 %, as in a 90 % interval."""
    band = bounds(30, 40, 100)
    assert band.low == pytest.approx(wilson(30, 100, 0.9).low, rel=0, abs=ROUNDING)
    assert band.high == pytest.approx(wilson(90, 100, 0.9).high, rel=0, abs=ROUNDING)
    assert bounds(30, 39, 40).low > wilson(30, 40).low


def test_nobody_achieving_it_is_not_certainty() -> None:
    """None of 10, two not reached: between 0 and 2 of 10, and the limits reach beyond."""
    band = bounds(0, 8, 10)
    assert (band.lower, band.low, band.upper) == (0, 0, 0.2)
    assert 0.4 < band.high < 0.51
    nobody_reached = bounds(0, 0, 10)
    assert (nobody_reached.low, nobody_reached.high) == (0, 1)
    assert np.isnan([bounds(0, 0, 0).low, bounds(0, 0, 0).upper]).all()
    few = bounds(0, 20, 20, lower_error=0, upper_error=0, clusters=10)
    assert few.high == pytest.approx(wilson(0, 10).high, rel=0, abs=ROUNDING)


def test_each_person_reached_stands_for_their_cell() -> None:
    """Cell 1: 3 due, 2 reached, 1 of them achieved it. Cell 2: 2 due, 1 reached, who did. 3·½ + 2·1 of 5."""
    outcome, reached, cell = [1, 0, nan, 1, nan], [1, 1, 0, 1, 0], [1, 1, 1, 2, 2]
    assert response_weights(reached, cell).tolist() == [1.5, 1.5, 0, 2, 0]
    assert response_weighted_share(outcome, reached, cell).value == pytest.approx(0.7)


def test_with_everyone_reached_weights_change_nothing() -> None:
    outcome = np.repeat([1.0, 0.0], [8, 12])
    share, plain = response_weighted_share(outcome, np.ones(20), np.arange(20) % 3), wilson(8, 20)
    assert (share.value, share.low, share.high) == pytest.approx((0.4, plain.low, plain.high), rel=0, abs=ROUNDING)
    assert share.std_error == pytest.approx(np.sqrt(0.4 * 0.6 / 19))


def test_cells_that_look_pure_add_no_precision() -> None:
    """Three of 40 reached and all achieved it, two of 30 and none did: no surer than five people are."""
    reached = np.repeat([1, 0, 1, 0], [3, 37, 2, 28])
    outcome = np.where(reached == 1, np.repeat([1.0, 0.0], [40, 30]), nan)
    share = response_weighted_share(outcome, reached, np.repeat([1, 2], [40, 30]))
    assert share.value == pytest.approx(4 / 7)
    assert share.low == pytest.approx(wilson(5 * 4 / 7, 5).low, rel=0, abs=ROUNDING)
    alone = response_weighted_share([1, nan, 1, nan], [1, 0, 1, 0], [1, 1, 1, 1])
    assert (alone.value, alone.low) == (1, pytest.approx(wilson(2, 2).low))


def test_a_cell_nobody_speaks_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 of 3 cells have nobody reached"):
        response_weighted_share([1, nan, nan], [1, 0, 0], [1, 2, 3])


def test_rubin_by_hand() -> None:
    """0.4 and 0.6, each with variance 0.01: within 0.01, between 0.02, total 0.01 + 1.5 · 0.02 = 0.04."""
    pooled = pool_rubin([0.4, 0.6], [0.01, 0.01])
    assert (pooled.value, pooled.std_error) == pytest.approx((0.5, 0.2))
    assert (pooled.relative_increase, pooled.lambda_) == pytest.approx((3, 0.75))
    assert pooled.df == pytest.approx(1 / 0.75**2)
    assert pooled.fraction_missing == pytest.approx((3 + 2 / (pooled.df + 3)) / 4)


def test_no_variance_at_all_is_no_certainty() -> None:
    pooled = pool_rubin([0.0, 0.0], [0.0, 0.0], complete_df=9)
    assert np.isnan([pooled.low, pooled.high, pooled.lambda_]).all()
    share = pool_shares(np.zeros((2, 10)), np.repeat([1, 0], [6, 4]))
    assert (share.low, share.high) == pytest.approx((0, wilson(0, 6).high))


def test_pooled_shares_keep_within_bounds_and_count_people() -> None:
    completed = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]])
    reached = np.repeat([1, 0], [9, 1])
    variance = [0.1 * 0.9 / 9, 0.2 * 0.8 / 9]
    share, normal = pool_shares(completed, reached), pool_rubin([0.1, 0.2], variance, complete_df=9)
    assert (share.value, share.std_error, share.df) == pytest.approx((normal.value, normal.std_error, normal.df))
    assert normal.low < 0 < share.low
    doubled = pool_shares(np.repeat(completed, 2, axis=1), np.repeat(reached, 2), cluster=np.repeat(np.arange(10), 2))
    assert (doubled.std_error, doubled.df) == pytest.approx((share.std_error, share.df))


def test_imputing_says_what_people_alike_said() -> None:
    """Those who stayed mostly achieved it, those who left mostly did not; the unreached had mostly left."""
    stayed = np.repeat([1.0, 0.0, 1.0, 0.0], [40, 20, 10, 30])
    outcome = np.concatenate([np.repeat([1.0, 0.0], [36, 4]), np.repeat([1.0, 0.0], [4, 16]), np.full(40, nan)])
    completed = impute_binary(outcome, stayed, imputations=400, seed=1)
    np.testing.assert_array_equal(completed[:, :60], np.tile(outcome[:60], (400, 1)))
    assert np.isin(completed, (0, 1)).all()
    assert completed.mean() == pytest.approx((36 + 4 + 0.9 * 10 + 0.2 * 30) / 100, abs=0.01)
    assert completed.mean() < 40 / 60 - 0.1


def test_delta_moves_only_the_unreached() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=80)
    yes = np.where(rng.random(80) < 0.4, nan, x + rng.normal(size=80) > 0)
    at_random, lower = (impute_binary(yes, x, seed=5, delta=delta) for delta in (0.0, -1.0))
    assert (lower <= at_random).all()
    assert lower.mean() < at_random.mean()
    score = np.where(np.isnan(yes), nan, 10 + x)
    shifted = impute_numeric(score, x, seed=5, delta=-2.0) - impute_numeric(score, x, seed=5)
    np.testing.assert_allclose(shifted, np.where(np.isnan(score), -2.0, 0.0) * np.ones((20, 1)), atol=ROUNDING)


def test_the_same_seed_gives_the_same_data_sets() -> None:
    outcome, x = [1, 0, nan, 1, 0, nan, 0], [1, 2, 3, 1, 4, 5, 2]
    for impute in (impute_binary, impute_numeric):
        one, two, other = (impute(outcome, x, imputations=50, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, two)
        assert (one != other).any()


def test_a_predictor_that_tells_the_outcome_perfectly_does_not_break_the_draws() -> None:
    """Everyone above 0 achieved it and nobody below: unreached people far above mostly do, not always."""
    x = np.concatenate([np.linspace(-2, 2, 40), [3.0, -3.0, 0.0]])
    outcome = np.concatenate([x[:40] > 0, [nan] * 3])
    share = impute_binary(outcome, x, imputations=2000, seed=1)[:, 40:].mean(axis=0)
    assert 0.9 < share[0] <= 1
    assert 0 <= share[1] < 0.1
    assert 0.3 < share[2] < 0.7
    all_alike = impute_binary([1, 1, 1, 1, nan], np.zeros((5, 0)), imputations=2000, seed=1)[:, 4].mean()
    assert 0.7 < all_alike < 0.99


def test_columns_that_say_nothing_new_are_left_out() -> None:
    """A constant, and a second dummy that is one less the first."""
    rng = np.random.default_rng(4)
    one = rng.integers(0, 2, 60).astype(float)
    outcome = np.where(rng.random(60) < 0.3, nan, rng.random(60) < 0.3 + 0.4 * one)
    wide = np.column_stack([np.ones(60), one, 1 - one])
    for impute in (impute_binary, impute_numeric):
        np.testing.assert_array_equal(impute(outcome, wide, seed=2), impute(outcome, one, seed=2))


def test_a_donor_is_one_of_the_nearest() -> None:
    """Scores 10 apart along the predictor: the unreached person in the middle takes a neighbour's score."""
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5.4])
    score = np.append(10 * x[:10] + np.tile([0.1, -0.1], 5), nan)
    nearest = impute_numeric(score, x, imputations=200, seed=1, donors=1)[:, 10]
    assert set(nearest) == {score[4]}
    two = impute_numeric(score, x, imputations=200, seed=1, donors=2)[:, 10]
    assert set(two) == {score[4], score[5]}


def test_people_with_one_prediction_are_all_donors_alike() -> None:
    """Forty reached people known only by one yes or no: any of their group may give the score, not a few of them."""
    group = np.repeat([0.0, 1.0, 0.0], [20, 20, 1])
    score = np.append(np.concatenate([np.arange(20), 100 + np.arange(20)]), nan)
    given = impute_numeric(score, group, imputations=2000, seed=1)[:, 40]
    assert set(given) == set(range(20))


def test_how_many_of_the_unreached_it_would_take() -> None:
    """60 of 80 reached achieved it, 100 due: 60 % if no one else did, 80 % if all did."""
    np.testing.assert_allclose(
        tipping_share(60, 80, 100, [0.6, 0.65, 0.7, 0.8]), [0, 0.25, 0.5, 1], rtol=0, atol=ROUNDING
    )
    assert np.isnan(tipping_share(60, 80, 100, [0.59, 0.81])).all()
    assert np.isnan(tipping_share(60, 80, 80, 0.75))


def test_where_a_conclusion_turns() -> None:
    """The lower limit of a difference falls from 0.04 to -0.04 as the unreached are taken to do worse."""
    deltas, limits = [0, -0.5, -1, -1.5], [0.05, 0.04, -0.04, -0.1]
    assert tipping_point(deltas, limits) == pytest.approx(-0.75)
    assert tipping_point(deltas, limits, 0.045) == pytest.approx(-0.25)
    assert np.isnan(tipping_point(deltas, limits, 0.2))
    assert np.isnan(tipping_point([-1, 0, 1], [-0.1, nan, 0.1]))
    assert tipping_point([-2, -1, 0, 1, 2], [-1, 1, 1, 1, -3]) == 1.25
    assert tipping_point([-2, -1, 0, 1, 2], [-1, 1, 1, 1, -1]) == -1.5
    assert tipping_point([-2, -1, 1], [1, 0, 0]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds(3, 2, 4), "0 ≤ x ≤ reached"),
        (lambda: bounds(1, 5, 4), "reached ≤ due"),
        (lambda: bounds(nan, 2, 4), "none may be missing"),
        (lambda: bounds(1, 2, 4, conf_level=95), "conf_level"),
        (lambda: bounds(1, 2, 4, conf_level=0.5), "above 0.5"),
        (lambda: bounds(1, 2, 4, lower_error=0.1), "both errors"),
        (lambda: bounds(1, 2, 4, lower_error=0.1, upper_error=-0.1), "negative"),
        (lambda: response_weights([1, 1], [1]), "one length"),
        (lambda: response_weights([1, 2], [1, 1]), "True or False"),
        (lambda: response_weights([1, 1], [1, nan]), "whole number"),
        (lambda: response_weighted_share([1, 0], [1, 0], [1, 1]), "exactly where reached"),
        (lambda: response_weighted_share([nan, 0], [1, 1], [1, 1]), "exactly where reached"),
        (lambda: response_weighted_share([0.5, 0], [1, 1], [1, 1]), "0 or 1"),
        (lambda: response_weighted_share([1, 0], [1, 1], [1, 1], cluster=[1, nan]), "every row"),
        (lambda: pool_shares([[1, 0]], [1, 0]), "two or more completed"),
        (lambda: pool_shares([[1, 0.5], [1, 0]], [1, 0]), "0 or 1"),
        (lambda: pool_shares([[1, 0], [1, 0]], [0, 0]), "some reached"),
        (lambda: pool_shares([[1, 0], [1, 0]], [1, 0], cluster=[1, 1]), "two or more people"),
        (lambda: tipping_share(1, 2, 4, 60), "between 0 and 1"),
        (lambda: tipping_point([0, 0], [1, 2]), "only once"),
        (lambda: tipping_point([0, 1], [1]), "one length"),
        (lambda: tipping_point([0, nan], [1, 2]), "finite"),
        (lambda: impute_binary([1, 2, nan], [1, 2, 3], seed=1), "0 or 1 where reached"),
        (lambda: impute_binary([1, 0, nan], [1, 2], seed=1), "one row"),
        (lambda: impute_binary([1, 0, nan], [1, 2, nan], seed=1), "known for everyone"),
        (lambda: impute_binary([nan, nan], [1, 2], seed=1), "Nobody was reached"),
        (lambda: impute_binary([1, nan], [1, 2], seed=1, imputations=0), "1 or more"),
        (lambda: impute_binary([1, nan], [1, 2], seed=1, delta=nan), "finite"),
        (lambda: impute_numeric([1, np.inf, nan], [1, 2, 3], seed=1), "finite"),
        (lambda: impute_numeric([1, 2, nan], [1, 2, 3], seed=1), "fewer predictors"),
        (lambda: impute_numeric([1, 2, 4, nan], [1, 2, 3, 4], seed=1, donors=0), "donors"),
        (lambda: pool_rubin([1], [1]), "two or more"),
        (lambda: pool_rubin([1, 2], [1]), "one shape"),
        (lambda: pool_rubin([1, 2], [1, -1]), "not negative"),
        (lambda: pool_rubin([1, nan], [1, 1]), "finite"),
        (lambda: pool_rubin([1, 2], [1, 1], complete_df=0), "above 0"),
    ],
)
def test_impossible_input_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
