"""Joint increments with follow-up cut short, against stacked equations written down in R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import followed_increment, followed_weights

HERE = Path(__file__).parent
#: All fits are iterated to rounding; R's covariance uses central differences of step 1e-5, good to about 1e-7 of it.
VALUE, COVARIANCE = 1e-9, 1e-6


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


INPUT = {name: np.array([float(row[name] or "nan") for row in read("input.csv")]) for name in read("input.csv")[0]}
COST = np.column_stack([INPUT[name] for name in ("first", "second", "third")])


@pytest.mark.parametrize("estimand", ["ATO", "ATE"])
def test_as_in_r(estimand: str) -> None:
    covariates = np.column_stack([INPUT["severity"], INPUT["worker"]])
    made = followed_weights(~np.isnan(COST), INPUT["treated"], covariates, estimand)
    found = followed_increment(made, COST, INPUT["effect"])
    rows = [row for row in read("expected.csv") if row["estimand"] == estimand]
    assert len(rows) == 10
    size = np.sqrt(np.diag(found.arms_covariance))
    for row in rows:
        i, j = int(row["i"]) - 1, int(row["j"]) - 1
        assert found.arms.ravel()[i] == pytest.approx(float(row["mean"]), rel=VALUE)
        wanted = float(row["covariance"])
        assert found.arms_covariance[i, j] == pytest.approx(wanted, abs=COVARIANCE * size[i] * size[j])
    means, gap = found.arms, np.array([[1, 0, -1, 0], [0, 1, 0, -1]])
    assert (found.cost, found.effect) == tuple(means[0] - means[1])
    np.testing.assert_allclose(found.covariance, gap @ found.arms_covariance @ gap.T, rtol=1e-9)
