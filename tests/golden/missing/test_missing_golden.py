"""Bounds, response weights, imputation and pooling against R's survey and mice (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import bounds, impute_binary, impute_numeric, pool_rubin, response_weighted_share

HERE = Path(__file__).parent
#: Closed forms in double precision on both sides; R's root search stops at 1e-14 and its quantiles are good to 1e-12.
TOLERANCE = 1e-9
#: Random draws on both sides: four standard errors of the difference of two Monte Carlo averages, once, on fixed seeds.
MONTE_CARLO = 4
#: Completed data sets on our side; R's are in the column ``times``.
IMPUTATIONS = 6000


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(rows: list[dict[str, str]], name: str) -> Any:
    return np.array([np.nan if row[name] == "NA" else float(row[name]) for row in rows])


def follow_up(dataset: str) -> list[dict[str, str]]:
    return [row for row in read("input.csv") if row["dataset"] == dataset]


def predictors(rows: list[dict[str, str]]) -> Any:
    return np.column_stack([column(rows, "weeks"), column(rows, "severity")])


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_bounds_equal_imbens_and_manski_by_root_search(level: float) -> None:
    rows = [row for row in read("expected_bounds.csv") if float(row["conf_level"]) == level]
    band = bounds(column(rows, "x"), column(rows, "reached"), column(rows, "due"), conf_level=level)
    for name in ("lower", "upper", "low", "high"):
        np.testing.assert_allclose(getattr(band, name), column(rows, name), rtol=0, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize(
    "expected", read("expected_weighted.csv"), ids=lambda row: f"{row['dataset']} {row['clustered']}"
)
def test_response_weighted_share_equals_svycontrast(expected: dict[str, str]) -> None:
    rows = follow_up(expected["dataset"])
    outcome, cell, person = (column(rows, name) for name in ("achieved", "cell", "person"))
    clustered = expected["clustered"] == "TRUE"
    share = response_weighted_share(outcome, ~np.isnan(outcome), cell, cluster=person if clustered else None)
    assert share.value == pytest.approx(float(expected["value"]), rel=0, abs=TOLERANCE)
    assert share.std_error == pytest.approx(float(expected["std_error"]), rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("dataset", ["once", "small"])
def test_poststratification_is_the_part_that_takes_the_mix_of_cells_as_known(dataset: str) -> None:
    """Our variance is postStratify's, and the variance of the mix of cells among those due."""
    rows = follow_up(dataset)
    outcome, cell = column(rows, "achieved"), column(rows, "cell").astype(int)
    reached = ~np.isnan(outcome)
    share = response_weighted_share(outcome, reached, cell)
    (expected,) = (
        row for row in read("expected_weighted.csv") if row["dataset"] == dataset and row["clustered"] == "FALSE"
    )
    due, heard = len(cell), reached.sum()
    within = float(expected["fixed_mix_error"]) ** 2 * (heard - 1) / heard
    means = np.array([outcome[reached & (cell == one)].mean() for one in range(3)])
    mix = np.sum((means[cell] - share.value) ** 2) / due**2
    assert share.std_error**2 == pytest.approx(due / (due - 1) * (within + mix), rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("complete_df", [22, np.inf])
def test_pool_rubin_equals_every_column_of_pool(complete_df: float) -> None:
    expected = [row for row in read("expected_pool.csv") if float(row["dfcom"]) == complete_df]
    each = read("completed.csv")
    by_term = [[row for row in each if row["term"] == one["term"]] for one in expected]
    pooled = pool_rubin(
        np.column_stack([column(rows, "estimate") for rows in by_term]),
        np.column_stack([column(rows, "variance") for rows in by_term]),
        complete_df=complete_df,
    )
    total = pooled.std_error**2
    ours = {
        "m": np.full(3, pooled.imputations), "estimate": pooled.value, "ubar": total * (1 - pooled.lambda_),
        "b": total * pooled.lambda_ / (1 + 1 / pooled.imputations), "t": total, "df": pooled.df,
        "riv": pooled.relative_increase, "lambda": pooled.lambda_, "fmi": pooled.fraction_missing,
        "low": pooled.low, "high": pooled.high, "std_error": pooled.std_error,
    }  # fmt: skip
    assert set(ours) == set(expected[0]) - {"term", "dfcom"}
    for name, values in ours.items():
        np.testing.assert_allclose(values, column(expected, name), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize(
    "expected", read("expected_imputed.csv"), ids=lambda row: f"{row['dataset']} {row['method']} {row['delta']}"
)
def test_imputations_have_the_mean_and_the_spread_of_mice(expected: dict[str, str]) -> None:
    """``parted``: one predictor tells the outcome perfectly, and the added rows alone keep the draws finite."""
    rows, delta = follow_up(expected["dataset"]), float(expected["delta"])
    if expected["method"] == "logreg":
        outcome = column(rows, "achieved")
        completed = impute_binary(outcome, predictors(rows), imputations=IMPUTATIONS, seed=1, delta=delta)
    else:
        outcome = column(rows, "score")
        completed = impute_numeric(outcome, predictors(rows), imputations=IMPUTATIONS, seed=1, delta=delta)
    means = completed.mean(axis=1)
    between, draws = float(expected["between"]), 1 / IMPUTATIONS + 1 / float(expected["times"])
    assert means.mean() == pytest.approx(float(expected["value"]), rel=0, abs=MONTE_CARLO * np.sqrt(between * draws))
    # the relative error of a variance from M draws of kurtosis k is √((k - 1) / M)
    error = np.sqrt((float(expected["kurtosis"]) - 1) * draws)
    assert means.var(ddof=1) / between == pytest.approx(1, rel=0, abs=MONTE_CARLO * error)


def test_people_with_equal_predictions_have_the_spread_of_a_bayesian_bootstrap() -> None:
    """Known only by one yes or no: mice gives all of a group the same five donors, and its spread is far too wide."""
    (expected,) = read("expected_ties.csv")
    rows = follow_up("once")
    completed = impute_numeric(column(rows, "score"), column(rows, "weeks") > 8, imputations=IMPUTATIONS, seed=1)
    proper = float(expected["proper"])
    # the means are close to normal, kurtosis 3, so that the relative error of their variance is √(2 / M)
    error = np.sqrt(2 / IMPUTATIONS)
    assert completed.mean(axis=1).var(ddof=1) / proper == pytest.approx(1, rel=0, abs=MONTE_CARLO * error)
    assert float(expected["mice"]) > 3 * proper


def test_twenty_donors_among_few_people_pull_towards_those_reached() -> None:
    """Of 22 people reached, statsmodels' default of 20 donors offers nearly anyone; 5 donors agree with mice."""
    import pandas as pd
    from statsmodels.imputation.mice import MICEData

    rows = follow_up("small")
    (expected,) = (row for row in read("expected_imputed.csv") if (row["dataset"], row["method"]) == ("small", "pmm"))
    frame = pd.DataFrame({name: column(rows, name) for name in ("score", "weeks", "severity")})

    def mean_of(**options: int) -> float:
        data = MICEData(frame, **options)
        means = []
        for _ in range(50):
            data.update_all()
            means.append(data.data["score"].mean())
        return float(np.mean(means))

    truth, naive = float(expected["value"]), float(expected["naive"])
    state = np.random.get_state()  # statsmodels draws from numpy's global generator
    np.random.seed(1)
    default, five = mean_of(), mean_of(k_pmm=5)
    np.random.set_state(state)
    ours = impute_numeric(frame["score"], predictors(rows), seed=1, imputations=50).mean()
    error = np.sqrt(float(expected["between"]) / 50)
    assert naive - truth > 4
    assert default - truth > 0.6 * (naive - truth)
    assert five == pytest.approx(truth, rel=0, abs=MONTE_CARLO * error)
    assert ours == pytest.approx(truth, rel=0, abs=MONTE_CARLO * error)
