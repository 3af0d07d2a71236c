"""Shares and their intervals, against published examples and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import clopper_pearson, clustered_proportion, newcombe_difference, ratio_of_sums, wilson


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(8, 20, 0.2188, 0.6134), (0, 15, 0, 0.2039), (45, 60, 0.6277, 0.8422), (15, 15, 0.7961, 1)],
)
def test_wilson(x: int, n: int, low: float, high: float) -> None:
    share = wilson(x, n)
    assert (share.value, round(share.low, 4), round(share.high, 4)) == (x / n, low, high)


def test_one_call_takes_a_column_and_nobody_has_no_share() -> None:
    share = wilson([8, 0, 0], [20, 15, 0])
    np.testing.assert_allclose(share.low, [0.2188, 0, np.nan], atol=5e-5)
    assert np.isnan(clopper_pearson(0, 0).high)
    assert np.isnan(newcombe_difference(1, 2, 0, 0).value)
    assert np.isnan(clustered_proportion(0, 0, 0, 0, 0, 0).value)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_newcombe(x1: int, n1: int, x2: int, n2: int, low: float, high: float) -> None:
    gap = newcombe_difference(x1, n1, x2, n2)
    assert gap.value == pytest.approx(x1 / n1 - x2 / n2)
    assert (round(gap.low, 4), round(gap.high, 4)) == (low, high)


def test_one_episode_each_is_exactly_wilson() -> None:
    for x in range(21):
        one, clustered = wilson(x, 20), clustered_proportion(x, 20, x, x, 20, 20)
        assert (one.value, one.low, one.high) == (clustered.value, clustered.low, clustered.high)


def test_the_same_people_twice_are_no_more_people() -> None:
    """Everyone's second episode ends as the first: 40 episodes tell what 20 people tell, a little less surely."""
    twice = clustered_proportion(2 * 8, 2 * 20, 4 * 8, 4 * 8, 4 * 20, 20)
    once = wilson(8, 20)
    assert twice.value == 0.4
    assert 1 < (twice.high - twice.low) / (once.high - once.low) < 1.05


def test_without_events_the_people_are_counted() -> None:
    assert clustered_proportion(0, 30, 0, 0, 60, 15).high == wilson(0, 15).high
    assert clustered_proportion(30, 30, 60, 60, 60, 15).low == wilson(15, 15).low


def test_a_design_effect_below_one_does_not_narrow() -> None:
    """Everyone has one event in two episodes: the variance between people is 0."""
    share = clustered_proportion(20, 40, 20, 40, 80, 20)
    assert (share.low, share.high) == (wilson(20, 40).low, wilson(20, 40).high)


def test_hours_attended_may_exceed_hours_required() -> None:
    hours = ratio_of_sums(30, 27, 350, 285, 261, 3)
    assert hours.value == pytest.approx(30 / 27)
    assert np.isnan(ratio_of_sums(9, 9, 81, 81, 81, 1).std_error)
    assert np.isnan(ratio_of_sums(0, 0, 0, 0, 0, 0).value)


def test_impossible_counts_are_refused() -> None:
    for call, message in [
        (lambda: wilson(3, 2), "more events"),
        (lambda: wilson(-1, 2), "zero or more"),
        (lambda: wilson(np.nan, 2), "missing"),
        (lambda: wilson(1, 2, 95), "conf_level"),
        (lambda: clustered_proportion(1, 2, -1, 1, 2, 2), "zero or more"),
        (lambda: clustered_proportion(1, 2, 1, 1, 2, 3), "clusters"),
        (lambda: ratio_of_sums(-1, 2, 1, 1, 1, 2), "zero or more"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()  # type: ignore[no-untyped-call]
