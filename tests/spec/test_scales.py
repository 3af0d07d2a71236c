"""Scores, change and recovery of single people, as a clinician would work them out by hand.

See docs/definitions/change.md.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from iop_outcomes.instruments import INSTRUMENTS
from iop_outcomes.statistics import (
    SEGMENTS,
    classify_change,
    clustered_mean,
    expected_regression,
    is_case,
    recovered,
    reliable_change_points,
    score_items,
)

NAN = math.nan


@pytest.mark.parametrize(("items", "may_miss"), [(9, 1), (7, 1), (10, 2), (4, 0), (5, 1)])
def test_one_item_in_five_may_be_missing(items, may_miss):
    answers = np.ones((items + 1, items))
    for missing in range(items + 1):
        answers[missing, :missing] = np.nan
    known = ~np.isnan(score_items(answers))
    assert known.tolist() == [missing <= may_miss for missing in range(items + 1)]


def test_a_missing_item_is_taken_as_the_mean_of_the_others():
    """PHQ-9 with eight answers that add to 12: 12 / 8 · 9 = 13.5, not rounded."""
    assert score_items([[3, 3, 2, 2, 1, 1, 0, 0, NAN]]).tolist() == [13.5]
    assert score_items([[3, 3, 2, 2, 1, 1, 0, 0, 0]]).tolist() == [12.0]


def test_answers_that_an_item_does_not_allow_are_refused():
    for answers in ([[4.0]], [[-1.0]]):
        with pytest.raises(ValueError):
            score_items(answers, low=0, high=3)
    for shape in ([1, 2, 3], [[]]):
        with pytest.raises(ValueError):
            score_items(shape)


def test_a_change_of_exactly_the_points_asked_for_counts():
    before, after = [20, 20, 20, 20, 20, NAN, 20], [14, 15, 20, 25, 26, 10, NAN]
    found = classify_change(before, after, reliable=6, better="lower")
    assert found.tolist() == ["improved", "same", "same", "same", "worse", "unknown", "unknown"]
    turned = classify_change(before, after, reliable=6, better="higher")
    assert turned.tolist() == ["worse", "same", "same", "same", "improved", "unknown", "unknown"]
    assert set(found) == set(SEGMENTS)


def test_a_prorated_score_meets_a_threshold_in_spite_of_rounding():
    """Six of seven items that add to 17 make 19.83, and to 11 make 12.83: a fall of 7, in binary a hair less."""
    before, after = score_items([[3, 3, 3, 3, 3, 2, NAN], [2, 2, 2, 2, 2, 1, NAN]])
    assert before - after < 7
    assert classify_change(before, after, reliable=7, better="lower").item() == "improved"


def test_recovery_takes_a_reliable_improvement_and_no_longer_being_a_case():
    before = [15, 15, 15, 12, 15, 9]
    after = [9, 10, 8, 8, NAN, 2]  # recovered · still a case · recovered · moved by four only · unknown · was no case
    found = recovered(before, after, reliable=6, case_at=10, better="lower")
    np.testing.assert_array_equal(found, [1, 0, 1, 0, NAN, NAN])


def test_where_higher_is_better_a_case_lies_below_the_cut_off():
    assert is_case([46, 47, NAN], case_at=47, better="higher").tolist() == [True, False, False]
    assert recovered([40], [47], reliable=5, case_at=47, better="higher").tolist() == [1]


def test_words_and_numbers_that_make_no_sense_are_refused():
    with pytest.raises(ValueError):
        classify_change([1], [2], reliable=0, better="lower")
    with pytest.raises(ValueError):
        is_case([1], case_at=1, better="up")
    for wrong in ({"sd": 0, "reliability": 0.8}, {"sd": 5, "reliability": 1.1}):
        with pytest.raises(ValueError):
            reliable_change_points(**wrong)
    with pytest.raises(ValueError):
        expected_regression([1, 2], retest=1.2, better="lower")


def test_the_points_of_the_built_in_scales_are_those_of_the_criterion():
    """A standard deviation of 5.8 and a reliability of .89 ask for 5.3 points, so 6; 4.7 and .92 for 3.7, so 4."""
    for scale, spread, reliability in (("phq9", 5.8, 0.89), ("gad7", 4.7, 0.92)):
        assert math.ceil(reliable_change_points(spread, reliability)) == INSTRUMENTS[scale].reliable_change


def test_scores_far_from_the_mean_fall_back_and_the_others_do_not():
    """Mean 10: people with 18 and 14 fall by a quarter of 8 and of 4 when the test–retest correlation is .75: 1.5."""
    found = expected_regression([18, 14, 6, 2], retest=0.75, better="lower", case_at=10)
    assert (found.chosen, found.change, found.mean) == (2, -1.5, 10)
    assert expected_regression([18, 14, 6, 2], retest=0.75, better="lower").change == pytest.approx(0)
    assert expected_regression([18, 14, 6, 2], retest=1, better="lower", case_at=10, reliable=6).share_improved == 0
    risen = expected_regression([2, 6, 14, 18], retest=0.75, better="higher", case_at=10, reliable=6)
    fallen = expected_regression([18, 14, 6, 2], retest=0.75, better="lower", case_at=10, reliable=6)
    assert risen.change == 1.5
    assert risen.share_improved == pytest.approx(fallen.share_improved)


def test_nobody_chosen_or_no_spread_known_is_not_a_number():
    nobody = expected_regression([5, 6], retest=0.75, better="lower", case_at=10, reliable=6)
    assert nobody.chosen == 0
    assert math.isnan(nobody.change)
    assert math.isnan(expected_regression([15], retest=0.75, better="lower", case_at=10, reliable=6).share_improved)
    assert expected_regression([15, NAN], retest=0.5, better="lower", mean=11, sd=5, case_at=10).change == -2


def test_the_mean_of_people_who_come_twice_is_less_sure():
    changes = [-8, -6, -1, 0, -7, -7, 0, 1]
    once = clustered_mean(changes, list("abcdefgh"))
    twice = clustered_mean(changes, list("aabbccdd"))
    assert once.value == twice.value == -3.5
    assert twice.std_error > 1.2 * once.std_error
    alone = clustered_mean([3, 5], ["a", "a"])
    assert alone.value == 4
    assert math.isnan(alone.std_error)
    assert math.isnan(clustered_mean([], []).value)
    for values, people in (([1, NAN], ["a", "b"]), ([1, 2], ["a"])):
        with pytest.raises(ValueError):
            clustered_mean(values, people)
