"""Several groups made alike, against R's nnet::multinom and stacked equations written down in R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import answer_weights, followed_increment, joint_means, several_weights

HERE = Path(__file__).parent
#: Fits are iterated to rounding; R's covariance uses central differences of step 1e-5, good to about 1e-7 of it.
VALUE, COVARIANCE = 1e-8, 1e-6
#: multinom stops when its deviance settles to 15 digits, its chances to about half as many.
CHANCE = 1e-5


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


INPUT = {name: np.array([float(row[name] or "nan") for row in read("input.csv")]) for name in read("input.csv")[0]}
COVARIATES = np.column_stack([INPUT["severity"], INPUT["worker"]])
GROUP = INPUT["group"].astype(int)
KNOWN = ~np.isnan(INPUT["cost"])


@pytest.mark.parametrize("estimand", ["ATO", "ATE"])
def test_means_and_their_covariance_are_as_in_r(estimand: str) -> None:
    made = several_weights(KNOWN, GROUP, COVARIATES, estimand)
    groups = [place == GROUP for place in range(3)]
    found = joint_means([made], groups, INPUT["cost"][:, None], INPUT["effect"])
    rows = [row for row in read("expected.csv") if row["estimand"] == estimand]
    assert len(rows) == 21
    size = np.sqrt(np.diag(found.covariance))
    for row in rows:
        i, j = int(row["i"]) - 1, int(row["j"]) - 1
        assert found.means.ravel()[i] == pytest.approx(float(row["mean"]), rel=VALUE)
        assert found.covariance[i, j] == pytest.approx(float(row["covariance"]), abs=COVARIANCE * size[i] * size[j])


def test_chances_are_those_of_multinom() -> None:
    made = several_weights(KNOWN, GROUP, COVARIATES)
    design = np.column_stack([np.ones(len(GROUP)), COVARIATES])
    lines = [
        design @ np.array([float(row[name]) for name in ("X1", "X2", "X3")]) for row in read("expected_multinom.csv")
    ]
    odds = np.exp(np.column_stack([np.zeros(len(GROUP)), *lines]))
    np.testing.assert_allclose(made.propensity, odds / odds.sum(axis=1, keepdims=True), atol=CHANCE)


@pytest.mark.parametrize("estimand", ["ATO", "ATE"])
def test_two_groups_are_the_weights_of_two_groups(estimand: str) -> None:
    """Which have a golden of their own."""
    two = GROUP < 2
    known, own, columns = KNOWN[two], GROUP[two], COVARIATES[two]
    several = several_weights(known, own, columns, estimand)
    plain = answer_weights(known, own, columns, estimand)
    np.testing.assert_allclose(several.weights, plain.weights, rtol=1e-9)
    cost, effect = INPUT["cost"][two][:, None], INPUT["effect"][two]
    found = joint_means([several], [own == 1, own == 0], cost, effect)
    np.testing.assert_allclose(found.covariance, followed_increment([plain], cost, effect).arms_covariance, rtol=1e-7)
