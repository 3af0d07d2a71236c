"""Kaplan–Meier, restricted means, quantiles and log-rank tests against R's survival (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import kaplan_meier, log_rank, restricted_mean

HERE = Path(__file__).parent
#: Both sides sum a few hundred terms of order 1 in double precision: they agree to about 1e-13, and 1e-9 leaves
#: room for another order of summation without hiding a wrong formula.
TOLERANCE = 1e-9

ANALYSES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "plain": ((), {}),
    "log": ((), {"conf_type": "log"}),
    "untransformed": ((), {"conf_type": "plain", "conf_level": 0.9}),
    "clustered": (("cluster",), {}),
    "weighted": (("weights",), {}),
    "delayed": (("entry",), {}),
    "delayed_clustered": (("entry", "cluster"), {}),
    "all": (("entry", "weights", "cluster"), {}),
}
TESTS_BY_NAME: dict[str, tuple[str, ...]] = {
    "plain": (),
    "stratified": ("strata",),
    "delayed": ("entry",),
    "clustered": ("cluster",),
    "clustered_stratified": ("cluster", "strata"),
    "clustered_delayed": ("cluster", "entry"),
}
COLUMNS = {"entry": "entry", "weights": "weight", "cluster": "person", "strata": "stratum"}


def read(name: str) -> dict[str, dict[str, np.ndarray]]:
    """Columns of one file by data set; empty cells are nan."""
    sets: dict[str, dict[str, list[Any]]] = {}
    with (HERE / name).open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            columns = sets.setdefault(row["dataset"], {})
            for key, cell in row.items():
                value = cell if key in ("dataset", "analysis") else float(cell.replace("NA", "") or "nan")
                columns.setdefault(key, []).append(value)
    return {key: {column: np.array(cells) for column, cells in columns.items()} for key, columns in sets.items()}


INPUT = read("input.csv")
CURVES, MEANS, QUANTILES, TESTS = (read(f"expected_{what}.csv") for what in ("curves", "means", "quantiles", "tests"))


def where(table: dict[str, np.ndarray], analysis: str) -> dict[str, np.ndarray]:
    keep = table["analysis"] == analysis
    return {column: cells[keep] for column, cells in table.items()}


def fit(dataset: str, analysis: str) -> Any:
    data = INPUT[dataset]
    names, settings = ANALYSES[analysis]
    return kaplan_meier(data["time"], data["cause"] > 0, **{name: data[COLUMNS[name]] for name in names}, **settings)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("dataset", INPUT)
def test_curve_equals_survfit(dataset: str, analysis: str) -> None:
    curve, expected = fit(dataset, analysis), where(CURVES[dataset], analysis)
    np.testing.assert_array_equal(curve.time, expected["time"])
    # At exactly 0 R's Greenwood error is 0 times infinity and its limits follow; ours are 0 and, but for "plain", nan.
    inside = curve.value > 0
    for name in ("at_risk", "events", "censored", "survival"):
        np.testing.assert_allclose(getattr(curve, name), expected[name], rtol=0, atol=TOLERANCE, err_msg=name)
    for name in ("std_error", "low", "high"):
        got = getattr(curve, name)[inside]
        np.testing.assert_allclose(got, expected[name][inside], rtol=0, atol=TOLERANCE, err_msg=name)
    assert np.all(curve.std_error[~inside] < TOLERANCE)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("dataset", INPUT)
def test_restricted_mean_equals_survfit(dataset: str, analysis: str) -> None:
    curve, expected = fit(dataset, analysis), where(MEANS[dataset], analysis)
    for tau, value, error in zip(*(expected[x] for x in ("tau", "value", "std_error")), strict=True):
        got = restricted_mean(curve, tau)
        assert got.value == pytest.approx(value, rel=0, abs=TOLERANCE)
        assert got.std_error == pytest.approx(error, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("dataset", INPUT)
def test_quantiles_equal_survfit(dataset: str, analysis: str) -> None:
    curve, expected = fit(dataset, analysis), where(QUANTILES[dataset], analysis)
    for row, share in enumerate(expected["share"]):
        got = curve.quantile(share)
        wanted = [expected[name][row] for name in ("value", "low", "high")]
        np.testing.assert_allclose([got.value, got.low, got.high], wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("test", TESTS_BY_NAME)
@pytest.mark.parametrize("dataset", INPUT)
def test_log_rank_equals_survdiff(dataset: str, test: str) -> None:
    data, expected = INPUT[dataset], where(TESTS[dataset], test)
    options = {name: data[COLUMNS[name]] for name in TESTS_BY_NAME[test]}
    got = log_rank(data["time"], data["cause"] > 0, data["group"], **options)
    assert got.statistic == pytest.approx(expected["statistic"][0], rel=TOLERANCE)
    assert got.df == expected["df"][0]
