"""Groups compared where some outcomes are unknown, against stacked equations written down in R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import answer_weights, answered_effect, doubly_robust_effect, weighted_effect

HERE = Path(__file__).parent
#: Both fits are iterated to rounding; R's errors use central differences of step 1e-5, good to about 1e-8 of the error.
VALUE, ERROR = 1e-9, 1e-6


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


INPUT = {name: np.array([float(row[name] or "nan") for row in read("input.csv")]) for name in read("input.csv")[0]}
COVARIATES = np.column_stack([INPUT["severity"], INPUT["worker"]])


@pytest.mark.parametrize("row", read("expected.csv"), ids=lambda row: f"{row['what']}-{row['estimand']}")
def test_as_in_r(row: dict[str, str]) -> None:
    made = answered_effect(
        INPUT["outcome"],
        INPUT["treated"],
        COVARIATES,
        estimand=row["estimand"],
        family="binomial" if row["what"] == "doubly_robust" else None,
        cluster=INPUT["person"],
    )
    assert not made.reason
    for name in ("treated", "reference", "difference"):
        found = getattr(made, name)
        assert found.value == pytest.approx(float(row[name]), abs=VALUE)
        assert found.std_error == pytest.approx(float(row[f"{name}_se"]), rel=ERROR)


def test_with_every_outcome_known_it_is_the_plain_estimate() -> None:
    known = np.nan_to_num(INPUT["outcome"])
    plain = weighted_effect(known, INPUT["treated"], COVARIATES).difference
    robust = doubly_robust_effect(known, INPUT["treated"], COVARIATES, family="binomial").difference
    made = answered_effect(known, INPUT["treated"], COVARIATES).difference
    also = answered_effect(known, INPUT["treated"], COVARIATES, estimand="ATE", family="binomial").difference
    for one, other in ((made, plain), (also, robust)):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)


def test_where_few_did_not_answer_the_chance_goes_by_group_alone() -> None:
    """Three of the treated are unknown: their group's answers count alike, and the error is that of many resamples."""
    rng = np.random.default_rng(5)
    group, x = np.repeat([1, 0], 60), rng.standard_normal(120)
    y = (rng.random(120) < 0.5).astype(float)
    y[:3] = np.nan
    made = answer_weights(~np.isnan(y), group, x[:, None], "ATT")
    assert made.answered_by == "group"
    np.testing.assert_allclose(made.weights[:60], np.where(np.arange(60) < 3, 0, 60 / 57))
    found = answered_effect(y, group, x[:, None]).difference
    draws = [rng.integers(0, 120, 120) for _ in range(400)]
    again = [answered_effect(y[one], group[one], x[one, None]).difference.value for one in draws]
    assert found.std_error == pytest.approx(np.std(again), rel=0.15)  # four Monte Carlo errors of a standard error


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no ATO"):
        answered_effect(INPUT["outcome"], INPUT["treated"], COVARIATES, family="binomial")
    silent = np.where(INPUT["treated"] == 1, np.nan, INPUT["outcome"])
    assert answered_effect(silent, INPUT["treated"], COVARIATES).reason == "no outcome is known in one of the groups"
