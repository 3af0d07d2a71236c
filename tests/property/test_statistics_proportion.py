"""What must hold for any counts: shares, differences and clustered shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_outcomes.statistics import clopper_pearson, clustered_proportion, newcombe_difference, ratio_of_sums, wilson

checked = settings(deadline=None, derandomize=True, max_examples=200)
#: Rounding in a closed form of numbers below 1.
ROUNDING = 1e-12


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


people = st.lists(
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40
)


def moments(rows: list[tuple[int, int]]) -> tuple[Any, ...]:
    x, n = np.array(rows, dtype=float).T
    return x.sum(), n.sum(), x @ x, x @ n, n @ n, len(rows)


@checked
@given(counts(), st.floats(0.5, 0.999))
def test_limits_are_shares_around_the_value(count: tuple[int, int], level: float) -> None:
    for share in (wilson(*count, level), clopper_pearson(*count, level)):
        assert 0 <= share.low <= share.value <= share.high <= 1


@checked
@given(counts())
def test_one_more_event_moves_both_limits_up(count: tuple[int, int]) -> None:
    x, n = count
    if x < n:
        for interval in (wilson, clopper_pearson):
            here, there = interval(x, n), interval(x + 1, n)
            assert here.low < there.low
            assert here.high < there.high


@checked
@given(counts())
def test_events_and_non_events_mirror_each_other(count: tuple[int, int]) -> None:
    x, n = count
    share, rest = wilson(x, n), wilson(n - x, n)
    assert abs(share.low - (1 - rest.high)) < ROUNDING


@checked
@given(counts(), counts())
def test_a_difference_turns_its_sign_with_its_groups(one: tuple[int, int], two: tuple[int, int]) -> None:
    gap, back = newcombe_difference(*one, *two), newcombe_difference(*two, *one)
    assert abs(gap.low + back.high) < ROUNDING
    assert -1 - ROUNDING <= gap.low <= gap.value <= gap.high <= 1 + ROUNDING


@checked
@given(people)
def test_a_clustered_share_is_never_surer_than_its_episodes(rows: list[tuple[int, int]]) -> None:
    x, n, *_ = moments(rows)
    clustered, plain = clustered_proportion(*moments(rows)), wilson(x, n)
    assert clustered.value == plain.value
    assert 0 <= clustered.low <= plain.low + ROUNDING
    assert plain.high - ROUNDING <= clustered.high <= 1


@checked
@given(people)
def test_a_ratio_of_itself_is_one_without_error(rows: list[tuple[int, int]]) -> None:
    n = np.array([float(n) for _, n in rows])
    same = ratio_of_sums(n.sum(), n.sum(), n @ n, n @ n, n @ n, len(rows))
    assert same.value == 1
    assert np.isnan(same.std_error) if len(rows) == 1 else same.std_error == 0


def test_the_clustered_interval_covers_and_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(2)
    covered = np.zeros(2)
    for _ in range(2000):
        n = rng.integers(1, 8, 50)
        x = rng.binomial(n, rng.beta(0.8, 1.2, 50))
        sums = (x.sum(), n.sum(), x @ x, x @ n, n @ n, 50)
        for k, share in enumerate((clustered_proportion(*sums), wilson(*sums[:2]))):
            covered[k] += share.low <= 0.4 <= share.high
    assert 0.935 <= covered[0] / 2000 <= 0.97
    assert covered[1] / 2000 < 0.85
