"""How long people stay and why they leave, on tables small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import (
    aalen_johansen,
    curve_difference,
    gray_test,
    independent_difference,
    kaplan_meier,
    log_rank,
    mean_time_difference,
    restricted_mean,
    restricted_mean_lost,
)

# Ten people: day of exit, and why (1 completed, 2 left early, 0 still in).
DAYS = [7, 7, 7, 14, 14, 14, 21, 21, 28, 28]
WHY = [1, 2, 2, 1, 1, 2, 2, 0, 1, 0]


def test_each_ending_and_who_is_still_in_add_to_one() -> None:
    curves = aalen_johansen(DAYS, WHY)
    assert curves.time.tolist() == [7, 14, 21, 28]
    assert curves.at_risk.tolist() == [10, 7, 4, 2]
    np.testing.assert_allclose(curves.incidence[:, 0], [0.1, 0.3, 0.3, 0.45])
    np.testing.assert_allclose(curves.incidence[:, 1], [0.2, 0.3, 0.4, 0.4])
    np.testing.assert_allclose(curves.still_in.survival, [0.7, 0.4, 0.3, 0.15])


def test_endings_may_carry_their_names_and_be_taken_together() -> None:
    names = np.array(["", "completed", "left_early"])[WHY]
    curves = aalen_johansen(DAYS, names, causes=["left_early", "completed", "died"])
    assert curves.at(14, "completed").value == pytest.approx(0.3)
    assert curves.at(14, "left_early", "completed").value == pytest.approx(0.6)
    assert curves.at(14, "died").value == 0
    together = aalen_johansen(DAYS, [1 if why else 0 for why in WHY])
    assert curves.at(14, "left_early", "completed").std_error == pytest.approx(together.at(14, 1).std_error)


def test_still_in_may_be_left_empty() -> None:
    assert aalen_johansen([7, 14], ["completed", None]).causes == ("completed",)
    mixed = aalen_johansen(
        [7, 14, 14], np.array([2, 0, 1], dtype=object), cluster=np.array(["b", "a", "a"], dtype=object)
    )
    assert mixed.causes == (1, 2)


def test_a_day_between_steps_keeps_the_last_value_and_a_day_nobody_saw_has_none() -> None:
    points = kaplan_meier(DAYS, np.array(WHY) > 0).at([0, 6, 7, 13, 28, 29])
    np.testing.assert_allclose(points.value, [1, 1, 0.7, 0.7, 0.15, np.nan])
    np.testing.assert_allclose(points.events, [0, 0, 3, 3, 8, 8])
    np.testing.assert_allclose(points.at_risk, [10, 10, 10, 7, 2, 0])


def test_once_everyone_left_later_days_are_known() -> None:
    assert kaplan_meier([3, 5], [1, 1]).at(90).value == 0


def test_people_who_leave_on_the_day_of_admission_count() -> None:
    assert kaplan_meier([0, 0, 10, 10], [1, 0, 1, 1]).at(0).value == 0.75
    assert kaplan_meier([0, 0, 10, 10], [1, 0, 1, 1], entry=[0, 0, 0, 5]).at(0).value == pytest.approx(2 / 3)


def test_the_median_stay_is_not_reached_when_more_than_half_are_still_in() -> None:
    assert np.isnan(kaplan_meier([5, 9, 9, 9], [1, 0, 0, 0]).quantile().value)
    assert kaplan_meier([5, 9, 12, 14], [1, 1, 1, 1]).quantile().value == 10.5


def test_whoever_was_already_in_is_at_risk_only_from_the_day_after_entry() -> None:
    curve = kaplan_meier([10, 20, 30], [1, 1, 1], entry=[0, 10, 0])
    assert curve.at_risk.tolist() == [2, 2, 1]
    np.testing.assert_allclose(curve.survival, [0.5, 0.25, 0])


def test_days_in_programme_and_days_lost_add_to_the_horizon() -> None:
    curves = aalen_johansen(DAYS, WHY)
    parts = [restricted_mean(curves, 28), restricted_mean_lost(curves, 28, 1), restricted_mean_lost(curves, 28, 2)]
    assert [round(part.value, 2) for part in parts] == [16.8, 4.9, 6.3]
    assert sum(part.value for part in parts) == pytest.approx(28)
    assert np.isnan(restricted_mean(curves, 29).value)


def test_the_mean_of_people_seen_to_the_end_is_their_plain_mean() -> None:
    mean = restricted_mean(kaplan_meier([2, 4, 9], [1, 1, 1]), 10)
    assert mean.value == pytest.approx(5)
    assert mean.std_error == pytest.approx(np.std([2, 4, 9]) / np.sqrt(3))


def test_difference_between_groups_adds_the_variances() -> None:
    first = restricted_mean(kaplan_meier([2, 4, 9], [1, 1, 1]), 10)
    second = restricted_mean(kaplan_meier([1, 2, 3], [1, 1, 1]), 10)
    gap = independent_difference(first, second)
    assert gap.value == pytest.approx(3)
    assert gap.std_error == pytest.approx(np.hypot(first.std_error, second.std_error))


def test_tallied_rows_give_what_single_rows_give() -> None:
    days, whys, counts = [7, 7, 14, 14, 21, 21, 28, 28], [1, 2, 1, 2, 2, 0, 1, 0], [1, 2, 2, 1, 1, 1, 1, 1]
    one, many = aalen_johansen(days, whys, counts=counts), aalen_johansen(DAYS, WHY)
    np.testing.assert_allclose(one.std_error, many.std_error)
    np.testing.assert_allclose(one.incidence, many.incidence)


def test_censoring_the_other_endings_overstates_each_of_them() -> None:
    """True shares 60 % and 40 %; one minus Kaplan–Meier makes them add to 1.32 by the last day but one."""
    rng = np.random.default_rng(5)
    days, why = rng.integers(1, 90, 4000), rng.choice([1, 2], 4000, p=[0.6, 0.4])
    right = aalen_johansen(days, why)
    naive = [1 - kaplan_meier(days, why == cause).at(80).value for cause in (1, 2)]
    assert right.at(80, 1).value == pytest.approx(0.6 * 80 / 89, abs=0.02)
    assert right.at(80, 1, 2).value + right.at(80).value == pytest.approx(1)
    assert naive[0] > right.at(80, 1).value + 0.1
    assert sum(naive) > 1.1


def test_equal_groups_do_not_differ() -> None:
    days, why, group = DAYS * 2, WHY * 2, ["a"] * 10 + ["b"] * 10
    assert log_rank(days, np.array(why) > 0, group).statistic == pytest.approx(0, abs=1e-20)
    assert gray_test(days, why, group).p_value == pytest.approx(1)
    assert log_rank(days, np.array(why) > 0, group, cluster=range(20)).df == 1


def test_nothing_to_test_is_said_so() -> None:
    assert np.isnan(log_rank([1, 2, 3], [0, 0, 0], [1, 1, 2]).p_value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"time": []}, "no rows"),
        ({"time": [-1, 2]}, "negative"),
        ({"time": [np.nan, 2]}, "missing"),
        ({"cause": [1]}, "one value per row"),
        ({"cause": [1.5, 0.0]}, "whole number"),
        ({"cause": [-1, 0]}, "positive"),
        ({"cause": [np.nan, 0.0]}, "missing"),
        ({"causes": [2]}, "not among"),
        ({"causes": [1, 1]}, "distinct"),
        ({"entry": [5, 0]}, "before time"),
        ({"entry": [-5, 0]}, "negative"),
        ({"weights": [0, 0]}, "not all zero"),
        ({"weights": [1, -1]}, "zero or more"),
        ({"weights": [1]}, "one number per row"),
        ({"weights": [1, 1], "counts": [1, 1]}, "combined"),
        ({"cluster": [1.0, np.nan]}, "missing"),
        ({"cluster": ["a", None]}, "missing"),
        ({"cluster": [1]}, "one value per row"),
        ({"cause": [0, 0]}, "Nobody left"),
        ({"conf_type": "wald"}, "conf_type"),
        ({"conf_level": 95}, "conf_level"),
    ],
)
def test_impossible_rows_are_refused(rows: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        aalen_johansen(**({"time": [5, 9], "cause": [1, 0]} | rows))  # type: ignore[arg-type]


def test_impossible_questions_are_refused() -> None:
    curves = aalen_johansen(DAYS, WHY)
    for ask, message in [
        (lambda: curves.curve(), "at least one"),
        (lambda: curves.curve(3), "not one of"),
        (lambda: curves.at(-1), "zero or more"),
        (lambda: curves.still_in.quantile(1), "between 0 and 1"),
        (lambda: restricted_mean(curves, 0), "above 0"),
        (lambda: restricted_mean(curves.curve(1), 20), "survival curve"),  # type: ignore[arg-type]
        (lambda: kaplan_meier([1], [2]), "True or False"),
        (lambda: log_rank([1], [2], [1]), "True or False"),
        (lambda: log_rank([1, 2], [1, 1], [1, 1]), "one group"),
        (lambda: gray_test([1, 2], [1, 1], [1, 2], cause_of_interest=2), "Nobody left for cause 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            ask()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("time", "event", "entry", "until"),
    [
        ([10, 20, 30], [1, 1, 1], [0, 5, 10], np.inf),  # all leave, one after the other
        ([10, 20, 30], [1, 1, 0], [0, 5, 10], 30),
        ([10, 30], [0, 1], [0, 10], np.inf),  # the second comes into view as the first goes out of it
        ([10, 30], [0, 1], [0, 11], 10),  # day 11 saw nobody
        ([10, 30], [0, 1], [0, 10.5], np.inf),  # in view from day 11 on
        ([10, 30], [1, 1], [0, 10], np.nextafter(10, 0)),  # the last in view leaves, and then others come
        ([10, 30], [1, 1], [1, 0.5], -1),  # nobody was in view from admission
    ],
)
def test_a_curve_speaks_up_to_the_day_on_which_nobody_is_left_in_view(time, event, entry, until) -> None:
    curve = kaplan_meier(time, event, entry=entry)
    assert curve.followed_to == until
    days = np.array([0, 10, 30])
    assert np.isnan(curve.at(days).value).tolist() == (days > until).tolist()
    assert np.isnan(restricted_mean(curve, 30).value) == (until < 30)
    assert aalen_johansen(time, event, entry=entry, causes=[1]).still_in.followed_to == until


def test_a_median_is_not_read_where_the_curve_is_silent() -> None:
    assert np.isnan(kaplan_meier([10, 30], [1, 1], entry=[0, 10]).quantile().value)
    assert kaplan_meier([10, 30, 40], [1, 1, 1], entry=[0, 9, 9]).quantile().value == 30


def test_a_difference_of_groups_without_shared_people_is_that_of_independent_groups() -> None:
    half = np.arange(10) % 2 == 0
    days, left = np.array(DAYS), np.array(WHY) > 0
    for names in (list("abcdefghij"), None):
        one, two = (
            kaplan_meier(days[k], left[k], cluster=None if names is None else np.array(names)[k]) for k in (half, ~half)
        )
        apart, alone = curve_difference(one, two, [7, 14]), independent_difference(one.at([7, 14]), two.at([7, 14]))
        np.testing.assert_allclose(apart.value, alone.value)
        np.testing.assert_allclose(apart.std_error, alone.std_error)
        means = mean_time_difference(one, two, 21)
        assert means.value == pytest.approx(restricted_mean(one, 21).value - restricted_mean(two, 21).value)


def test_the_same_people_twice_do_not_differ() -> None:
    curve = kaplan_meier(DAYS, np.array(WHY) > 0, cluster=np.arange(10))
    apart = curve_difference(curve, curve, [7, 14])
    assert apart.value.tolist() == apart.std_error.tolist() == [0, 0]


def test_where_one_side_has_nobody_there_is_a_difference_and_no_range() -> None:
    none, some = (kaplan_meier([5, 9, 9], event, cluster=[1, 2, 3]) for event in ([0, 0, 0], [1, 0, 0]))
    apart = curve_difference(none, some, 5)
    assert apart.value == pytest.approx(1 / 3)
    assert np.isnan(apart.low)
    assert np.isnan(apart.high)


def test_gray_with_people_as_clusters_keeps_the_statistic_and_changes_the_error() -> None:
    group = list("ababababab")
    plain = gray_test(DAYS, WHY, group)
    alone = gray_test(DAYS, WHY, group, cluster=np.arange(10))
    twos = gray_test(DAYS, WHY, group, cluster=np.arange(10) // 2)
    for test in (alone, twos):
        np.testing.assert_allclose(test.observed, plain.observed)
        np.testing.assert_allclose(test.expected, plain.expected)
        np.testing.assert_allclose(test.variance.sum(axis=0), 0, atol=1e-12)  # groups' gaps add to 0
    assert not np.allclose(alone.variance, twos.variance)
    with pytest.raises(ValueError, match="cluster takes rho 0 only"):
        gray_test(DAYS, WHY, group, cluster=np.arange(10), rho=1)
    with pytest.raises(ValueError, match="entry needs cluster"):
        gray_test(DAYS, WHY, group, entry=np.zeros(10))
