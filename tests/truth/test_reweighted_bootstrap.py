"""Limits from people drawn anew hold the truth as often as they say, and agree with those of stacked equations.

Weights taken as known, the usual shortcut, give an error that is too large for an outcome that goes with the covariates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import (
    answered_effect,
    balance_weights,
    percentile_interval,
    person_bootstrap,
    resampled_estimate,
    reweighted_bootstrap,
    weighted_effect,
    weighted_increment,
)

TRUE = 0.5


def study(rng: np.random.Generator, n: int, unknown: bool = False) -> tuple[Any, Any, Any]:
    """The severe go to one group and have the worse outcome; the effect is ``TRUE`` for everybody, so for any target."""
    x = np.column_stack([rng.normal(size=n), rng.random(n) < 0.4, rng.normal(size=n)]).astype(float)
    treated = (rng.random(n) < 1 / (1 + np.exp(-(x @ [0.8, -0.5, 0.3])))).astype(int)
    y = x @ [1.0, 0.5, -0.5] + TRUE * treated + rng.normal(size=n)
    silent = rng.random(n) < 1 / (1 + np.exp(1.2 - x[:, 0] + 0.5 * treated))
    return np.where(silent & unknown, np.nan, y), treated, x


@pytest.mark.parametrize("estimand", ["ATO", "ATE", "ATT", "ATC"])
@pytest.mark.parametrize("unknown", [False, True])
def test_the_error_is_that_of_the_stacked_equations(estimand: str, unknown: bool) -> None:
    """Within three Monte-Carlo errors and five in a hundred, by which the two differ at 1,500 people."""
    y, treated, x = study(np.random.default_rng(21), 1_500, unknown)
    stacked = answered_effect(y, treated, x, estimand=estimand).difference
    made = reweighted_bootstrap(y[:, None], treated, x, estimand=estimand, replicates=1_000, seed=3)
    found = resampled_estimate(stacked.value, made.difference[:, 0])
    assert not made.refused
    assert abs(found.std_error - stacked.std_error) < 3 * found.std_error_error + 0.05 * stacked.std_error
    for end in ("low", "high"):
        allowed = 3 * getattr(found, f"{end}_error") + 0.1 * stacked.std_error
        assert abs(getattr(found, end) - getattr(stacked, end)) < allowed


def test_people_with_several_rows_are_drawn_whole() -> None:
    """Each of 1,000 people has two rows, much alike: drawn as rows, they would count for almost twice as many."""
    rng = np.random.default_rng(22)
    person = np.arange(2_000) // 2
    y, treated, x = (part[person] for part in study(rng, 1_000))
    y = y + 0.2 * rng.normal(size=2_000)
    stacked = weighted_effect(y, treated, x, cluster=person).difference
    drawn = {
        name: resampled_estimate(stacked.value, made.difference[:, 0])
        for name, made in {
            "people": reweighted_bootstrap(y[:, None], treated, x, cluster=person, replicates=800, seed=4),
            "rows": reweighted_bootstrap(y[:, None], treated, x, replicates=800, seed=4),
        }.items()
    }
    close = 3 * drawn["people"].std_error_error + 0.05 * stacked.std_error
    assert abs(drawn["people"].std_error - stacked.std_error) < close
    assert drawn["rows"].std_error < 0.8 * stacked.std_error


def test_cost_and_effect_together_are_those_of_the_joint_equations() -> None:
    rng = np.random.default_rng(23)
    effect, treated, x = study(rng, 1_500)
    cost = 3_000 + 800 * x[:, 0] + 1_500 * treated - 400 * effect + rng.gamma(2, 500, 1_500)
    stacked = weighted_increment(cost, effect, treated, x)
    made = reweighted_bootstrap(np.column_stack([cost, effect]), treated, x, replicates=1_500, seed=5)
    found = np.cov(made.difference.T)
    np.testing.assert_allclose(made.estimate, stacked.arms, rtol=1e-9)
    np.testing.assert_allclose(np.diag(found), np.diag(stacked.covariance), rtol=0.15)
    assert found[0, 1] == pytest.approx(stacked.covariance[0, 1], rel=0.25)


def test_weights_taken_as_known_give_too_large_an_error() -> None:
    y, treated, x = study(np.random.default_rng(24), 1_500)
    stacked = weighted_effect(y, treated, x).difference.std_error
    fixed = balance_weights(treated, x).weights
    naive = person_bootstrap(y[:, None], range(1_500), treated, weights=fixed, replicates=1_000, seed=6)
    anew = reweighted_bootstrap(y[:, None], treated, x, replicates=1_000, seed=6)
    assert naive.difference(1, 0).std() > 1.2 * stacked
    assert anew.difference.std() == pytest.approx(stacked, rel=0.1)


@pytest.mark.slow
def test_limits_hold_the_truth_as_often_as_they_say() -> None:
    """400 studies of 300 people, 95 %: between 92 and 98 in a hundred."""
    rng, held = np.random.default_rng(25), 0
    for seed in range(400):
        y, treated, x = study(rng, 300, unknown=True)
        made = reweighted_bootstrap(y[:, None], treated, x, replicates=400, seed=seed)
        found = percentile_interval(0.0, made.difference[:, 0])
        held += found.low <= TRUE <= found.high
    assert 0.92 <= held / 400 <= 0.98
