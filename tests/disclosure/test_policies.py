"""Policies as data: what each shows of every count, and which policies are refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_outcomes.publication.policy import POLICIES, Policy, choose_policy

MANY = np.arange(0, 2001)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rounding = draw(st.integers(1, 25))
    threshold = draw(st.integers(2 if rounding > 1 else 0, 60))
    return Policy("drawn", threshold, rounding, draw(st.booleans()), "", draw(st.booleans()) and rounding > 1)


# --- the policies there are ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "limit", "shown"),
    [
        ("cms", 10, {0: 0, 11: 11, 12: 12, 13: 13, 19: 19, 25: 25}),
        ("round5", 12, {0: 0, 13: 15, 17: 15, 18: 20, 22: 20, 23: 25}),
        ("opensafely", 7, {0: 0, 8: 10, 12: 10, 13: 15, 17: 15, 18: 20}),
        ("midpoint6", 6, {0: 0, 7: 9, 12: 9, 13: 15, 18: 15, 19: 21}),
        ("strict", 24, {0: 0, 25: 30, 34: 30, 35: 40, 44: 40, 45: 50}),
        ("internal", 0, {0: 0, 1: 1, 7: 7, 25: 25}),
    ],
)
def test_what_each_policy_withholds_and_shows(name: str, limit: int, shown: dict[int, int]) -> None:
    policy = POLICIES[name]
    assert policy.limit == limit
    assert [policy.is_small(limit), policy.is_small(limit + 1)] == [limit > 0, False]
    assert {count: policy.show(count) for count in shown} == shown


def test_midpoints_are_those_of_opensafely() -> None:
    """Up to the next multiple of six and three back; 1 to 6 would be shown as 3, which here is withheld."""
    expected = np.ceil(MANY / 6) * 6 - 3 * (MANY > 0)
    np.testing.assert_array_equal(POLICIES["midpoint6"].show(MANY), expected)
    assert all(POLICIES["midpoint6"].is_small(count) for count in range(1, 7))


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_policy_says_what_it_does_in_a_sentence_or_two(policy: Policy) -> None:
    sentences = [part for part in re.split(r"(?<=\.)\s", policy.description) if part]
    assert 1 <= len(sentences) <= 2
    assert policy.description.endswith(".")
    if policy.withholds:
        assert f"1 to {policy.limit} people" in policy.description
    if policy.rounding > 1 and not policy.midpoint:
        assert f"nearest {policy.rounding}" in policy.description


def test_every_policy_that_withholds_may_serve_the_public() -> None:
    assert [choose_policy("public", name).name for name in POLICIES if name != "internal"] == [
        "cms",
        "round5",
        "opensafely",
        "midpoint6",
        "strict",
    ]


# --- what holds for any policy ---------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=150)
@given(policies())
def test_bins_part_the_counts_and_a_shown_number_says_no_more_than_its_bin(policy: Policy) -> None:
    low, high = policy.bin(MANY)
    shown = policy.show(MANY)
    assert ((low <= MANY) & (high >= MANY) & (low <= shown) & (shown <= high)).all()
    assert (low[0], high[0], shown[0]) == (0, 0, 0)
    assert (low[1:] >= 1).all()
    same_bin = low[1:] == low[:-1]
    assert (low[1:][~same_bin] == high[:-1][~same_bin] + 1).all()  # no gap and no overlap
    assert ((high[1:] == high[:-1]) == same_bin).all()
    assert ((shown[1:] == shown[:-1]) == same_bin).all()
    assert (np.diff(shown) >= 0).all()
    np.testing.assert_array_equal(policy.show(shown), shown)
    np.testing.assert_array_equal(policy.bin(shown)[0], low)


@settings(deadline=None, max_examples=150)
@given(policies())
def test_what_is_withheld_is_every_bin_that_reaches_below_the_threshold(policy: Policy) -> None:
    low, high = policy.bin(MANY[:200])
    touches = (low <= policy.threshold - 1) & (high >= 1)
    hidden = np.array([policy.is_small(count) for count in MANY[:200]])
    np.testing.assert_array_equal(hidden[1:], touches[1:])
    assert hidden[0] == (not policy.zero_shown and policy.threshold > 1)
    released = [count for count in range(1, 200) if not policy.is_small(count)]
    assert all(policy.bin(policy.show(count))[0] >= policy.threshold for count in released)


@settings(deadline=None, max_examples=100)
@given(policies(), st.integers(0, 5000), st.integers(0, 5000))
def test_a_part_is_never_shown_larger_than_its_whole(policy: Policy, one: int, other: int) -> None:
    part, whole = sorted((one, other))
    assert policy.show(part) <= policy.show(whole)


def test_a_number_for_a_number_an_array_for_an_array_and_missing_stays_missing() -> None:
    policy = POLICIES["round5"]
    assert (policy.bin(15), policy.show(15)) == ((13.0, 17.0), 15.0)
    assert policy.show(np.array([[13], [18]])).tolist() == [[15.0], [20.0]]
    assert np.isnan([policy.show(np.nan), *policy.bin(np.nan)]).all()
    assert not policy.is_small(np.nan)


# --- refused ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("x", -1, 1, True, ""), "at least 0"),
        (("x", 11, 0, True, ""), "at least 1"),
        (("x", 0, 5, True, ""), "without a threshold"),
        (("x", 1, 5, True, ""), "without a threshold"),
        (("x", 11, 1, True, "", True), "midpoints need bins"),
        (("x", 11.0, 1, True, ""), "whole numbers"),
        (("x", 11, True, True, ""), "whole numbers"),
        (("x", 11, 1, 1, ""), "true or false"),
        (("x", 11, 5, True, "", "yes"), "true or false"),
        (("", 11, 1, True, ""), "name"),
        (("x", 11, 1, True, None), "in words"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Policy(*arguments)


def test_there_is_no_negative_count() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        POLICIES["round5"].bin([3, -1])


def test_a_programme_may_choose_every_policy_that_can_serve_the_public() -> None:
    from iop_outcomes.records.program import SECTIONS

    (setting,) = (one for one in SECTIONS["publication"] if one.key == "policy")
    assert set(setting.choices) == {name for name, policy in POLICIES.items() if policy.withholds}
