"""Weighted and doubly robust effects, weighted curves and balance against R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import (
    Effect,
    aalen_johansen,
    balance_weights,
    distribution_distances,
    doubly_robust_effect,
    mean_time_difference,
    standardised_differences,
    standardised_effect,
    variance_ratios,
    weighted_curves,
    weighted_effect,
)

HERE = Path(__file__).parent
#: Both fits are iterated to rounding; R's errors use central differences of step 1e-5, good to about 1e-8 of the error.
VALUE, ERROR = 1e-9, 1e-6
#: The weights are stored with six decimals.
BALANCE = 1e-5
#: 1,500 resamples leave 1.8 % of Monte Carlo error on a standard error, and linearisation among 180 people about as
#: much: three such errors together.
BOOT = 0.08


def read(name: str, **where: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if all(row[key] == text for key, text in where.items())]


INPUT = {name: np.array([float(row[name]) for row in read("input.csv")]) for name in read("input.csv")[0]}
COVARIATES = np.column_stack([INPUT[name] for name in ("severity", "worker", "history")])
KEYS = ("what", "estimand", "outcome", "clustered")


def estimate(what: str, estimand: str, outcome: str, cluster: Any) -> Effect:
    given: dict[str, Any] = {"estimand": estimand, "cluster": cluster}
    y, group = INPUT[outcome], INPUT["treated"]
    family = "binomial" if outcome == "reached" else "gaussian"
    if what == "weighted":
        return weighted_effect(y, group, COVARIATES, **given)
    if what == "doubly_robust":
        return doubly_robust_effect(y, group, COVARIATES, outcome_covariates=COVARIATES[:, :2], family=family, **given)
    unknown = np.arange(1, y.size + 1) % 7 == 0
    return standardised_effect(
        np.where(unknown, np.nan, y), group, COVARIATES, modifiers=COVARIATES[:, 1:2], family=family, **given
    )


@pytest.mark.parametrize("row", read("expected.csv"), ids=lambda row: "-".join(row[key] for key in KEYS))
def test_effects_equal_stacked_equations(row: dict[str, str]) -> None:
    cluster = INPUT["person"] if row["clustered"] == "TRUE" else None
    got = estimate(row["what"], row["estimand"], row["outcome"], cluster)
    assert got.people == (180 if cluster is not None else 279)
    for name in ("treated", "reference", "difference"):
        assert getattr(got, name).value == pytest.approx(float(row[name]), abs=1e2 * VALUE)
        assert getattr(got, name).std_error == pytest.approx(float(row[f"{name}_se"]), rel=ERROR)
    log_error = got.ratio.std_error / got.ratio.value
    assert log_error == pytest.approx(float(row["log_ratio_se"]), rel=ERROR)


def curves(estimand: str) -> Any:
    crude = estimand == "crude"
    return weighted_curves(
        INPUT["time"],
        INPUT["cause"],
        INPUT["treated"],
        None if crude else COVARIATES,
        estimand="ATE" if crude else estimand,
        cluster=INPUT["person"],
    )


@pytest.mark.parametrize("estimand", ["ATO", "ATE", "ATT", "ATC", "crude"])
def test_weighted_curves_equal_survfit_with_the_score_fitted_anew(estimand: str) -> None:
    made = curves(estimand)
    for row in read("expected_curves.csv", estimand=estimand):
        state, at = row["what"].split()
        causes = () if state == "still_in" else (int(state),)
        got = made.mean_time(75, *causes) if at == "area" else made.at(float(at), *causes)
        for name in ("treated", "reference", "difference"):
            assert getattr(got, name).value == pytest.approx(float(row[name]), abs=1e2 * VALUE), row["what"]
            assert getattr(got, name).std_error == pytest.approx(float(row[f"{name}_se"]), rel=ERROR), row["what"]


def test_crude_curves_are_those_of_each_group() -> None:
    """The unweighted difference is the one the curves themselves give, people in both groups included."""
    group = INPUT["treated"] == 1
    one, other = (
        aalen_johansen(INPUT["time"][arm], INPUT["cause"][arm], cluster=INPUT["person"][arm]) for arm in (group, ~group)
    )
    expected = mean_time_difference(one.curve(1), other.curve(1), 75)
    got = curves("crude").mean_time(75, 1).difference
    assert (got.value, got.std_error) == pytest.approx((expected.value, expected.std_error), abs=VALUE)


@pytest.mark.parametrize("row", read("expected_boot.csv"), ids=lambda row: f"{row['estimand']}-{row['what']}")
def test_a_bootstrap_over_people_gives_the_same_errors(row: dict[str, str]) -> None:
    if row["what"] == "outcome":
        got = estimate("weighted", row["estimand"], "outcome", INPUT["person"])
    else:
        got = curves(row["estimand"]).mean_time(75, 1)
    assert got.difference.std_error == pytest.approx(float(row["std_error"]), rel=BOOT)


@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_balance_equals_matchit(estimand: str, when: str) -> None:
    weights = None if when == "before" else INPUT[f"weight_{estimand}"]
    given = (COVARIATES, INPUT["treated"], weights)
    rows = read("expected_balance.csv", estimand=estimand, when=when)

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if row[name] in ("NA", "") else float(row[name]) for row in rows])

    got = standardised_differences(*given, estimand=estimand)
    np.testing.assert_allclose(got, column("difference"), rtol=0, atol=BALANCE)
    np.testing.assert_allclose(variance_ratios(*given), column("variance_ratio"), rtol=0, atol=BALANCE)
    np.testing.assert_allclose(distribution_distances(*given), column("distance"), rtol=0, atol=BALANCE)


def test_weights_are_refused_where_the_groups_share_nobody() -> None:
    made = balance_weights(INPUT["treated"], INPUT["treated"][:, None] + 0.0)
    assert made.reason == "some combination of covariates foretells the group wholly"
    assert np.isnan(made.weights).all()
