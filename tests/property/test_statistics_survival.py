"""What must hold for any rows: curves, their parts and their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_outcomes.statistics import (
    aalen_johansen,
    gray_test,
    kaplan_meier,
    log_rank,
    restricted_mean,
    restricted_mean_lost,
)

#: Identities between sums taken in another order.
CLOSE = {"rtol": 1e-9, "atol": 1e-10}
checked = settings(deadline=None, derandomize=True, max_examples=100)


@st.composite
def episodes(draw: st.DrawFn) -> dict[str, Any]:
    """Up to 40 episodes on few days, with people, late entries and weights."""
    n = draw(st.integers(3, 40))

    def column(values: st.SearchStrategy[Any]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    time = column(st.integers(0, 15))
    entry = np.minimum(column(st.integers(0, 12)), np.maximum(time - 1, 0))
    return {
        "time": time,
        "cause": column(st.integers(0, 3)),
        "entry": entry,
        "weights": column(st.sampled_from([0.25, 1.0, 1.7, 3.0])),
        "cluster": column(st.integers(0, 12)),
        "group": column(st.integers(0, 2)),
    }


def fit(rows: dict[str, Any], *names: str) -> Any:
    return aalen_johansen(rows["time"], rows["cause"], causes=[1, 2, 3], **{name: rows[name] for name in names})


CHOICES = st.sampled_from([(), ("cluster",), ("entry",), ("weights", "cluster"), ("entry", "weights", "cluster")])


@checked
@given(episodes(), CHOICES)
def test_endings_and_still_in_add_to_one(rows: dict[str, Any], names: tuple[str, ...]) -> None:
    curves = fit(rows, *names)
    np.testing.assert_allclose(curves.incidence.sum(axis=1) + curves.still_in.survival, 1, **CLOSE)
    everyone = curves.curve(1, 2, 3)
    np.testing.assert_allclose(everyone.std_error, curves.still_in.std_error, **CLOSE)
    tau = float(rows["time"].max()) or 1.0
    lost = [restricted_mean_lost(curves, tau, cause).value for cause in (1, 2, 3)]
    np.testing.assert_allclose(
        sum(lost) + restricted_mean(curves, tau).value, tau if not np.isnan(lost[0]) else lost[0]
    )


@checked
@given(episodes(), CHOICES)
def test_one_cause_is_one_minus_kaplan_meier(rows: dict[str, Any], names: tuple[str, ...]) -> None:
    left = rows["cause"] > 0
    options = {name: rows[name] for name in names}
    curve = kaplan_meier(rows["time"], left, **options)
    one = aalen_johansen(rows["time"], left.astype(int), causes=[1], **options)
    np.testing.assert_allclose(one.incidence[:, 0], 1 - curve.survival, **CLOSE)
    if "cluster" in names:
        np.testing.assert_allclose(one.std_error[:, 0], curve.std_error, **CLOSE)


@checked
@given(episodes(), CHOICES, st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_people_do_not_matter(rows: dict[str, Any], names: Any, random: Any) -> None:
    order = list(range(rows["time"].size))
    random.shuffle(order)
    other = {name: column[order] for name, column in rows.items()}
    other["cluster"] = np.array([f"person {7 * c % 13}" for c in other["cluster"]])
    one, two = fit(rows, *names), fit(other, *names)
    np.testing.assert_allclose(one.incidence, two.incidence, **CLOSE)
    np.testing.assert_allclose(one.std_error, two.std_error, **CLOSE)


@checked
@given(episodes(), st.lists(st.integers(1, 4), min_size=40, max_size=40))
def test_whole_weights_and_counts_are_repeated_rows(rows: dict[str, Any], times: list[int]) -> None:
    counts = np.array(times)[: rows["time"].size]
    repeated = aalen_johansen(np.repeat(rows["time"], counts), np.repeat(rows["cause"], counts), causes=[1, 2, 3])
    weighted = aalen_johansen(rows["time"], rows["cause"], weights=counts, causes=[1, 2, 3])
    tallied = aalen_johansen(rows["time"], rows["cause"], counts=counts, causes=[1, 2, 3])
    np.testing.assert_allclose(weighted.incidence, repeated.incidence, **CLOSE)
    np.testing.assert_allclose(tallied.incidence, repeated.incidence, **CLOSE)
    np.testing.assert_allclose(tallied.std_error, repeated.std_error, **CLOSE)
    assert np.all(weighted.std_error >= repeated.std_error - 1e-9)


@checked
@given(episodes(), CHOICES, st.sampled_from(["log-log", "log", "plain"]))
def test_limits_are_shares_on_either_side(rows: dict[str, Any], names: tuple[str, ...], conf_type: str) -> None:
    options = {name: rows[name] for name in names}
    curves = aalen_johansen(rows["time"], rows["cause"], causes=[1, 2, 3], conf_type=conf_type, **options)
    known = np.isfinite(curves.low)
    low, value, high = (array[known] for array in (curves.low, curves.incidence, curves.high))
    assert np.all((low >= 0) & (low <= value + 1e-9) & (value <= high + 1e-9) & (high <= 1))


@settings(checked, max_examples=25)
@given(episodes(), CHOICES)
def test_errors_are_the_derivative_by_each_persons_weight(rows: dict[str, Any], names: tuple[str, ...]) -> None:
    """The jackknife in its own words: scale one person's weights a little, and see how the curve moves."""
    weights = rows["weights"] if "weights" in names else np.ones(rows["time"].size)
    person = rows["cluster"] if "cluster" in names else np.arange(rows["time"].size)
    options = {"entry": rows["entry"]} if "entry" in names else {}
    small, squares = 1e-5, 0.0
    for one in np.unique(person):
        moved = [
            aalen_johansen(
                rows["time"],
                rows["cause"],
                causes=[1, 2, 3],
                weights=weights * np.where(person == one, scale, 1),
                **options,
            ).incidence
            for scale in (1 + small, 1 - small)
        ]
        squares = squares + ((moved[0] - moved[1]) / (2 * small)) ** 2
    np.testing.assert_allclose(fit(rows, *names).std_error, np.sqrt(squares), rtol=1e-5, atol=1e-7)


def test_jackknife_and_greenwood_are_one_without_late_entry_and_close_with_it() -> None:
    rng = np.random.default_rng(3)
    time, left = rng.integers(2, 60, 800), rng.random(800) < 0.7
    late = np.where(rng.random(800) < 0.5, np.floor(time * rng.random(800)), 0)
    for options, equal in (({}, True), ({"entry": late}, False)):
        greenwood = kaplan_meier(time, left, **options)
        jackknife = kaplan_meier(time, left, cluster=np.arange(800), **options)
        early = greenwood.at_risk > 50
        ratio = jackknife.std_error[early] / greenwood.std_error[early]
        assert np.all(np.abs(ratio - 1) < (1e-12 if equal else 0.1))
        assert equal or np.any(np.abs(ratio - 1) > 1e-4)


def test_ignoring_that_people_return_gives_too_small_an_error() -> None:
    """Over many draws the clustered error equals the true spread of the curve at day 30; Greenwood's is smaller."""
    rng = np.random.default_rng(11)
    values, clustered, naive = [], [], []
    for _ in range(300):
        person = np.repeat(np.arange(60), 4)
        pace = rng.gamma(1.0, 1.0, 60)[person]
        time = np.minimum(np.floor(rng.exponential(40, 240) * pace), 90)
        options = {"time": time, "event": time < 90}
        curve, plain = kaplan_meier(**options, cluster=person), kaplan_meier(**options)
        values.append(curve.at(30).value)
        clustered.append(curve.at(30).std_error)
        naive.append(plain.at(30).std_error)
    spread = np.std(values)
    assert np.mean(clustered) == pytest.approx(spread, rel=0.1)
    assert np.mean(naive) < 0.85 * spread


@checked
@given(episodes())
def test_group_tests_do_not_depend_on_order_or_names(rows: dict[str, Any]) -> None:
    if np.unique(rows["group"]).size < 2 or not np.any(rows["cause"] == 1):
        return
    names = np.array(["z", "m", "a"])[rows["group"]]
    flip = slice(None, None, -1)
    for first, second in [
        (
            log_rank(rows["time"], rows["cause"] > 0, rows["group"], strata=rows["cluster"] % 2),
            log_rank(rows["time"][flip], rows["cause"][flip] > 0, names[flip], strata=rows["cluster"][flip] % 2),
        ),
        (
            gray_test(rows["time"], rows["cause"], rows["group"]),
            gray_test(rows["time"][flip], rows["cause"][flip], names[flip]),
        ),
    ]:
        np.testing.assert_allclose(np.sort(first.observed), np.sort(second.observed))
        assert sum(first.observed) == pytest.approx(sum(first.expected))
        if not np.isnan(first.statistic + second.statistic) and np.linalg.cond(first.variance[:-1, :-1]) < 1e6:
            assert first.statistic == pytest.approx(second.statistic, rel=1e-6, abs=1e-9)
