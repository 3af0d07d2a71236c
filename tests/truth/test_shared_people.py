"""Groups that share people: taken for independent, their difference has the wrong error; ours has the right one."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import (
    aalen_johansen,
    curve_difference,
    gray_test,
    independent_difference,
    log_rank,
    mean_time_difference,
)

DRAWS = 300


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """A hundred people with a stay by day and one in the evening, at their own pace and ending alike: no group differs."""
    rng = np.random.default_rng(21)
    found: dict[str, list[float]] = {}
    for _ in range(DRAWS):
        person = np.tile(np.arange(100), 2)
        group = np.repeat(["day", "evening"], 100)
        stay = np.floor(rng.exponential(40, 200) * rng.gamma(1.0, 1.0, 100)[person])
        cause = np.where(stay < 70, np.where(rng.random(100)[person] < 0.6, 1, 2), 0)
        time = np.minimum(stay, 70)
        day, evening = (
            aalen_johansen(time[group == name], cause[group == name], cluster=person[group == name], causes=[1, 2])
            for name in ("day", "evening")
        )
        apart = curve_difference(day.curve(1), evening.curve(1), 30)
        days = mean_time_difference(day.still_in, evening.still_in, 60)
        line = {
            "share": apart.value,
            "share_error": apart.std_error,
            "covered": float(apart.low <= 0 <= apart.high),
            "independent_error": independent_difference(day.at(30, 1), evening.at(30, 1)).std_error,
            "days": days.value,
            "days_error": days.std_error,
            "gray": gray_test(time, cause, group, cluster=person).p_value,
            "naive_gray": gray_test(time, cause, group).p_value,
            "log_rank": log_rank(time, cause > 0, group, cluster=person).p_value,
            "naive_log_rank": log_rank(time, cause > 0, group).p_value,
        }
        for name, value in line.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def test_the_joint_error_is_the_true_spread_and_the_independent_one_is_not(drawn: dict[str, np.ndarray]) -> None:
    spread = drawn["share"].std()
    assert drawn["share_error"].mean() == pytest.approx(spread, rel=0.1)
    assert drawn["independent_error"].mean() > 1.15 * spread
    assert drawn["days_error"].mean() == pytest.approx(drawn["days"].std(), rel=0.1)
    assert 0.92 <= drawn["covered"].mean() <= 0.98


@pytest.mark.parametrize("test", ["gray", "log_rank"])
def test_p_values_with_people_as_clusters_are_even(drawn: dict[str, np.ndarray], test: str) -> None:
    """One in ten lies below 0.1 where groups do not differ; taken for independent, far fewer do."""
    assert np.mean(drawn[test] < 0.1) == pytest.approx(0.1, abs=0.04)
    assert np.mean(drawn[f"naive_{test}"] < 0.1) < 0.06
