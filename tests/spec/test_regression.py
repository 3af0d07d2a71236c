"""Shares of groups made comparable: what a hand can check, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import (
    clustered_proportion,
    logistic_regression,
    ratio_of_sums,
    standardised_shares,
    stratified_difference,
)

# Each line is a kind of person: group, works, people, sessions attended of 10 by each. Attendance depends on working alone.
KINDS = [("day", 0, 30, 8), ("day", 1, 10, 5), ("evening", 0, 10, 8), ("evening", 1, 30, 5)]


def cohort() -> dict[str, np.ndarray]:
    people = [count for _, _, count, _ in KINDS]
    group, works, came = (np.repeat([kind[place] for kind in KINDS], people) for place in (0, 1, 3))
    return {"events": came, "group": group, "covariates": works[:, None], "trials": np.full(80, 10)}


def test_groups_that_differ_in_their_people_alone_do_not_differ_once_compared_fairly():
    """Plain: day (30·8 + 10·5) of 400 = 72.5 %, evening 57.5 %. Half of everybody works: 0.5·80 % + 0.5·50 % for both."""
    given = cohort()
    plain = standardised_shares(given["events"], given["group"], trials=given["trials"])
    assert plain.groups == ("day", "evening")
    assert plain.share.value == pytest.approx([0.725, 0.575])
    assert plain.difference.value[1] == pytest.approx(-0.15)
    fair = standardised_shares(**given)
    assert fair.share.value == pytest.approx([0.65, 0.65])
    assert fair.difference.value[1] == pytest.approx(0, abs=1e-12)
    assert np.isnan(fair.difference.value[0])
    assert fair.residual_df == 80 - 3
    turned = standardised_shares(**given, reference="evening")
    assert turned.difference.value[0] == pytest.approx(0, abs=1e-12)


def test_without_covariates_it_is_the_plain_share_with_the_error_of_a_ratio_of_sums():
    rng = np.random.default_rng(3)
    trials = rng.integers(1, 20, 60)
    events = rng.binomial(trials, 0.6)
    group = np.repeat(["a", "b"], 30)
    made = standardised_shares(events, group, trials=trials)
    for place, name in enumerate("ab"):
        y, n = events[group == name], trials[group == name]
        one = ratio_of_sums(y.sum(), n.sum(), y @ y, y @ n, n @ n, 30)
        assert made.share.value[place] == pytest.approx(one.value, abs=1e-12)
        # the same sums of squares, but one factor m/(m - 1) of all sixty people
        assert made.share.std_error[place] == pytest.approx(one.std_error * np.sqrt(60 / 59 * 29 / 30))
        wilson = clustered_proportion(y.sum(), n.sum(), y @ y, y @ n, n @ n, 30)
        assert made.share.low[place] == pytest.approx(wilson.low, abs=0.02)
    assert made.difference.std_error[1] == pytest.approx(np.hypot(*made.share.std_error))


def same(one, other):
    for name in ("share", "difference"):
        for part in ("value", "std_error", "low", "high"):
            np.testing.assert_allclose(
                getattr(getattr(one, name), part), getattr(getattr(other, name), part), rtol=1e-8, atol=1e-10
            )


def test_rows_of_a_person_may_be_split_and_rows_without_trials_say_nothing():
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(40), 2)
    group = rng.choice(["a", "b"], 80)
    number = rng.normal(size=(80, 1))
    trials = rng.integers(2, 9, 80)
    events = rng.binomial(trials, 0.5)
    whole = standardised_shares(events, group, number, trials=trials, cluster=person)
    singles = np.repeat(np.arange(80), trials)
    each = np.concatenate([np.arange(n) < x for x, n in zip(events, trials, strict=True)])
    same(whole, standardised_shares(each, group[singles], number[singles], cluster=person[singles]))
    twice = standardised_shares(events, group, number, trials=trials, cluster=person, weights=np.full(80, 2.5))
    same(whole, twice)
    more = standardised_shares(
        np.append(events, 0), np.append(group, "a"), np.append(number, [[9.0]], axis=0),
        trials=np.append(trials, 0), cluster=np.append(person, 99),
    )  # fmt: skip
    same(whole, more)
    order = rng.permutation(80)
    same(
        whole,
        standardised_shares(
            events[order], group[order], number[order] * 100 + 7, trials=trials[order], cluster=person[order] + 5
        ),
    )


def test_a_person_in_both_groups_is_compared_with_herself():
    """Everyone has the same share in both groups: the errors of the shares are large, that of the difference is nought."""
    share = np.repeat([2, 4, 6, 8], 5)
    events, person = np.tile(share, 2), np.tile(np.arange(20), 2)
    made = standardised_shares(events, np.repeat(["a", "b"], 20), trials=np.full(40, 10), cluster=person)
    assert made.share.std_error.min() > 0.04
    assert made.difference.std_error[1] == pytest.approx(0, abs=1e-12)


def refused(events, group, covariates=None, **more):
    made = standardised_shares(events, group, covariates, **more)
    numbers = [made.share.value, made.share.low, made.difference.value, made.difference.std_error]
    assert np.isnan(np.concatenate(numbers)).all()
    return made.reason


HALF = np.repeat(["a", "b"], 20)
MIXED = np.tile([0, 1], 20)


def test_refusals_give_a_reason_instead_of_numbers():
    always = np.where(HALF == "b", 1, MIXED)
    assert "foretells" in refused(always, HALF)  # everyone of b
    rising = np.arange(40.0)[:, None]
    assert "foretells" in refused((rising[:, 0] >= 20).astype(int), np.tile(["a", "b"], 20), rising)
    # quasi-separation: among those with the characteristic everyone; among the others both
    rare = np.zeros((40, 1))
    rare[[1, 3, 23]] = 1
    assert "foretells" in refused(MIXED, HALF, rare)
    assert "told apart" in refused(MIXED, HALF, (HALF == "b")[:, None])
    assert "told apart" in refused(MIXED, HALF, np.zeros((40, 1)))
    assert "fewer than 10" in refused(MIXED, HALF, cluster=np.arange(40) % 11)
    assert standardised_shares(MIXED, HALF, cluster=np.arange(40) // 3).reason == ""


def test_a_logistic_regression_is_refused_in_the_same_way():
    columns = np.column_stack([HALF == "a", HALF == "b"])
    made = logistic_regression(np.where(HALF == "b", 1, MIXED), columns)
    assert "foretells" in made.reason
    assert np.isnan(made.covariance).all()
    fit = logistic_regression(np.where((HALF == "b") & (np.arange(40) < 35), 1, MIXED), columns)
    assert fit.coefficients[0] == pytest.approx(0, abs=1e-9)
    assert fit.fitted[-1] == pytest.approx(0.9)
    assert fit.coefficients[1] == pytest.approx(np.log(9))


@pytest.mark.parametrize(
    "given",
    [
        {"events": [1, 2], "group": ["a", "b"]},
        {"events": [1, -1], "group": ["a", "b"]},
        {"events": [1, np.nan], "group": ["a", "b"]},
        {"events": [1, 0], "group": ["a", "a"]},
        {"events": [1, 0], "group": ["a", "b"], "reference": "c"},
        {"events": [1, 0], "group": ["a", "b"], "covariates": [[1.0], [np.nan]]},
        {"events": [1, 0], "group": ["a", "b"], "trials": [1]},
        {"events": [1, 0], "group": ["a", "b"], "conf_level": 95},
    ],
)
def test_impossible_input_is_an_error(given):
    with pytest.raises(ValueError):
        standardised_shares(**given)


def test_differences_within_strata_leave_out_who_has_one_kind_only():
    """Twelve people with 3 of 4 one way and 1 of 2 the other: 0.25 each. The others have one kind only."""
    made = stratified_difference([3] * 12 + [0] * 5, [4] * 12 + [9] * 5, [1] * 12 + [0] * 5, [2] * 12 + [0] * 5)
    assert made.value == pytest.approx(0.25)
    assert made.std_error == pytest.approx(0, abs=1e-12)
    few = stratified_difference([3] * 10, [4] * 10, [1] * 10, [2] * 10)
    assert np.isnan(few.value)


def test_confounding_between_people_does_not_touch_the_difference_within_them():
    """Ten people attend 90 % both ways and have mostly telehealth, ten attend 10 % both ways and have little of it."""
    tele, person = np.repeat([20, 10], 10), np.repeat([10, 20], 10)
    share = np.repeat([0.9, 0.1], 10)
    made = stratified_difference(share * tele, tele, share * person, person)
    assert made.value == pytest.approx(0, abs=1e-12)
    plain = (share * tele).sum() / tele.sum() - (share * person).sum() / person.sum()
    assert plain > 0.2
