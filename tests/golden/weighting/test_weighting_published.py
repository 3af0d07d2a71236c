"""Numbers known from two public studies, whose data come from the package causaldata and are not kept here.

NHEFS: Hernán and Robins (2020), What If, chapters 12 and 13: weight gained by 1982 among people who stopped smoking,
against those who did not. The book prints 3.4 (weighting) and 3.5 (standardisation); the digits here are those of the
same models by R's glm and lm, with stacked equations written down there. Lalonde: the National Supported Work
demonstration against the comparison group that R's MatchIt and cobalt ship; ``lalonde_rows.csv`` says in which rows of
``cps_mixtape`` these 429 people are.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import causaldata
import numpy as np
import pytest

from iop_outcomes.statistics import (
    Effect,
    balance_weights,
    doubly_robust_effect,
    effective_sample_size,
    standardised_differences,
    standardised_effect,
    variance_ratios,
    weighted_effect,
)

HERE = Path(__file__).parent
#: NHEFS numbers are known to six decimals, Lalonde's (dollars) to three, cobalt's to four.
NHEFS, DOLLARS, COBALT = 1e-6, 1e-3, 5.1e-5


def indicators(table: Any, name: str) -> np.ndarray:
    """One column for each kind but the first."""
    codes = table[name].astype(int).to_numpy()
    return (codes[:, None] == np.unique(codes)[1:]).astype(float)


class Nhefs:
    """The 1,629 people of the study as arrays; 63 have no weight in 1982."""

    table = causaldata.nhefs.load_pandas().data
    gained = table["wt82_71"].to_numpy(float)
    stopped = table["qsmk"].to_numpy(float)
    intensity = table[["smokeintensity"]].to_numpy(float)
    squared = table[["age", "smokeintensity", "smokeyrs", "wt71"]].to_numpy(float)
    kinds = indicators(table, "education"), indicators(table, "exercise"), indicators(table, "active")
    covariates = np.column_stack([table[["sex", "race"]].to_numpy(float), squared, squared**2, *kinds])
    complete = np.isfinite(gained)


def weigh_nhefs(estimand: str) -> Effect:
    rows = Nhefs.complete
    return weighted_effect(Nhefs.gained[rows], Nhefs.stopped[rows], Nhefs.covariates[rows], estimand=estimand)


@pytest.mark.parametrize(("estimand", "expected"), [("ATE", 3.440535), ("ATT", 3.336258), ("ATO", 3.461149)])
def test_weight_gained_after_stopping_to_smoke(estimand: str, expected: float) -> None:
    got = weigh_nhefs(estimand)
    assert got.people == 1566
    assert got.difference.value == pytest.approx(expected, abs=NHEFS)


def test_the_stacked_error_is_smaller_than_that_of_known_weights() -> None:
    """0.4871 against 0.5255, the robust error the book's program gives to the same estimate."""
    assert weigh_nhefs("ATE").difference.std_error == pytest.approx(0.487073, abs=NHEFS)


def test_doubly_robust_weight_gained() -> None:
    rows = Nhefs.complete
    got = doubly_robust_effect(Nhefs.gained[rows], Nhefs.stopped[rows], Nhefs.covariates[rows])
    assert got.difference.value == pytest.approx(3.373265, abs=NHEFS)


def test_standardised_weight_gained() -> None:
    """The book's model, with stopping by smoking intensity, averaged over all 1,629; over the 1,566 it is 3.517374."""
    given = {"modifiers": Nhefs.intensity}
    got = standardised_effect(Nhefs.gained, Nhefs.stopped, Nhefs.covariates, **given)
    assert got.difference.value == pytest.approx(3.518574, abs=NHEFS)
    rows = Nhefs.complete
    given = {"modifiers": Nhefs.intensity[rows]}
    got = standardised_effect(Nhefs.gained[rows], Nhefs.stopped[rows], Nhefs.covariates[rows], **given)
    assert got.difference.value == pytest.approx(3.517374, abs=NHEFS)


class Lalonde:
    """185 people of the demonstration and 429 of the comparison group; columns in cobalt's order."""

    with (HERE / "lalonde_rows.csv").open(encoding="utf-8") as lines:
        rows = tuple(int(row["row"]) for row in csv.DictReader(lines))
    trained = causaldata.nsw_mixtape.load_pandas().data.query("treat == 1")
    others = causaldata.cps_mixtape.load_pandas().data.iloc[list(rows)]
    names = ("age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75")
    treated = np.repeat([1, 0], [len(trained), len(others)])
    covariates = np.concatenate([trained[list(names)].to_numpy(float), others[list(names)].to_numpy(float)])
    earned = np.concatenate([trained["re78"].to_numpy(float), others["re78"].to_numpy(float)])


def test_the_rebuilt_lalonde_data_are_those_of_matchit() -> None:
    assert Lalonde.treated.tolist().count(1) == 185
    assert Lalonde.earned[Lalonde.treated == 0].mean() == pytest.approx(6984.17, abs=0.01)
    assert Lalonde.earned[Lalonde.treated == 1].mean() == pytest.approx(6349.14, abs=0.01)


@pytest.mark.parametrize(
    ("estimand", "expected", "std_error"),
    [("ATE", 224.676, 876.193), ("ATT", 1214.071, 798.155), ("ATO", 1242.201, 738.749)],
)
def test_earnings_after_training(estimand: str, expected: float, std_error: float) -> None:
    got = weighted_effect(Lalonde.earned, Lalonde.treated, Lalonde.covariates, estimand=estimand).difference
    assert (got.value, got.std_error) == pytest.approx((expected, std_error), abs=DOLLARS)


def test_doubly_robust_earnings() -> None:
    got = doubly_robust_effect(Lalonde.earned, Lalonde.treated, Lalonde.covariates)
    assert got.difference.value == pytest.approx(469.640, abs=DOLLARS)


def test_balance_is_what_cobalt_prints() -> None:
    """The vignette "Covariate Balance Tables and Plots": weights for ATT from age, schooling, race and earnings."""
    age, schooling, black, hispanic, earned74, earned75 = (Lalonde.covariates[:, k] for k in (0, 1, 2, 3, 6, 7))
    score = np.column_stack([age, schooling, black, hispanic, earned74, earned75])
    table = np.column_stack([age, schooling, black, hispanic, (black == 0) & (hispanic == 0), earned74, earned75])
    weights = balance_weights(Lalonde.treated, score, "ATT").weights

    def gaps(weights: np.ndarray | None, raw_binary: bool = True) -> np.ndarray:
        given = {"estimand": "ATT", "raw_binary": raw_binary}
        return standardised_differences(table, Lalonde.treated, weights, **given)

    printed = [-0.3094, 0.0550, 0.6404, -0.0827, -0.5577, -0.7211, -0.2903]
    np.testing.assert_allclose(gaps(None), printed, rtol=0, atol=COBALT)
    printed = [0.1112, -0.0641, -0.0044, 0.0016, 0.0028, -0.0039, -0.0428]
    np.testing.assert_allclose(gaps(weights), printed, rtol=0, atol=COBALT)
    printed = [0.1112, -0.0641, -0.0120, 0.0068, 0.0093, -0.0039, -0.0428]
    np.testing.assert_allclose(gaps(weights, raw_binary=False), printed, rtol=0, atol=COBALT)
    nan = np.nan
    for used, printed in (
        (None, [0.4400, 0.4959, nan, nan, nan, 0.5181, 0.9563]),
        (weights, [0.5086, 0.6018, nan, nan, nan, 1.4821, 1.1712]),
    ):
        np.testing.assert_allclose(variance_ratios(table, Lalonde.treated, used), printed, rtol=0, atol=COBALT)
    assert effective_sample_size(weights[Lalonde.treated == 0]) == pytest.approx(108.2, abs=0.05)
