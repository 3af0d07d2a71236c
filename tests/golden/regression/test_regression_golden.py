"""Standardised shares, clustered logistic regression and differences within strata against R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import logistic_regression, ratio_of_sums, standardised_shares, stratified_difference

HERE = Path(__file__).parent
#: Shares come from two fits iterated to 1e-13 and 1e-14. R's errors use a derivative by central differences of
#: step 1e-5, which is good to about 1e-9 of the error.
SHARE, ERROR = 1e-9, 1e-7
#: survey and geepack stop their iterations earlier than we do.
PACKAGE = 1e-5
#: 20,000 resamples leave 0.5 % of Monte Carlo error on a standard error, 2,000 leave 1.6 %; linearisation is right to
#: order 1/m, about 1 % among 90 people. Three such errors.
BOOT = {"ratio_of_sums": 0.03, "mean_of_ratios": 0.03, "standardised_difference": 0.06}
CASES = [(name, weighted) for name in ("repeat", "once", "single") for weighted in (False, True)]


def read(name: str, **where: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if all(row[key] == text for key, text in where.items())]


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def arguments(dataset: str, weighted: bool) -> dict[str, Any]:
    rows = read("input.csv", dataset=dataset)
    return {
        "events": column(rows, "events"),
        "group": np.array([row["group"] for row in rows]),
        "covariates": np.column_stack([column(rows, "severity"), column(rows, "worker")]),
        "trials": column(rows, "trials"),
        "cluster": np.array([row["person"] for row in rows]),
        "weights": column(rows, "weight") if weighted else None,
    }


@pytest.mark.parametrize(("dataset", "weighted"), CASES)
def test_standardised_shares_equal_stacked_equations(dataset: str, weighted: bool) -> None:
    expected = read("expected.csv", dataset=dataset, weighted=str(weighted).upper())
    got = standardised_shares(**arguments(dataset, weighted), reference="a")
    assert got.groups == ("a", "b", "c")
    assert got.residual_df == int(expected[0]["df"])
    np.testing.assert_allclose(got.share.value, column(expected, "share"), rtol=0, atol=SHARE)
    np.testing.assert_allclose(got.share.std_error, column(expected, "share_se"), rtol=ERROR)
    np.testing.assert_allclose(got.share.low, column(expected, "low"), rtol=ERROR)
    np.testing.assert_allclose(got.share.high, column(expected, "high"), rtol=ERROR)
    assert np.isnan(got.difference.value[0])
    np.testing.assert_allclose(got.difference.value[1:], column(expected, "gap")[1:], rtol=0, atol=2 * SHARE)
    np.testing.assert_allclose(got.difference.std_error[1:], column(expected, "gap_se")[1:], rtol=ERROR)
    np.testing.assert_allclose(got.difference.low[1:], column(expected, "gap_low")[1:], rtol=0, atol=ERROR)
    np.testing.assert_allclose(got.difference.high[1:], column(expected, "gap_high")[1:], rtol=0, atol=ERROR)


@pytest.mark.parametrize("dataset", ["repeat", "once", "single"])
def test_logistic_regression_equals_geepack_with_independence(dataset: str) -> None:
    given = arguments(dataset, weighted=False)
    kinds = given["group"][:, None] == np.array(["a", "b", "c"])
    design = np.column_stack([kinds, given["covariates"]])
    got = logistic_regression(given["events"], design, trials=given["trials"], cluster=given["cluster"])
    expected = read("expected_geepack.csv", dataset=dataset)
    np.testing.assert_allclose(got.coefficients, column(expected, "value"), rtol=PACKAGE)
    np.testing.assert_allclose(got.std_error, column(expected, "std_error"), rtol=PACKAGE)


def test_differences_inside_people_equal_svyratio() -> None:
    given = arguments("repeat", weighted=False)
    people = np.unique(given["cluster"])

    def total(name: str, kind: str) -> list[float]:
        return [given[name][(given["cluster"] == one) & (given["group"] == kind)].sum() for one in people]

    got = stratified_difference(total("events", "b"), total("trials", "b"), total("events", "a"), total("trials", "a"))
    (expected,) = read("expected_strata.csv")
    assert got.value == pytest.approx(float(expected["value"]), abs=SHARE)
    assert got.std_error == pytest.approx(float(expected["std_error"]), abs=SHARE)


def test_bootstraps_over_people_give_the_same_errors() -> None:
    """The linearised errors of the ratio of sums, the mean of ratios and the standardised difference."""
    given = arguments("repeat", weighted=False)
    _, place = np.unique(given["cluster"], return_inverse=True)
    y, n = np.bincount(place, given["events"]), np.bincount(place, given["trials"])
    each, m = y / n, len(y)
    adjusted = standardised_shares(**given, reference="a").difference
    got = {
        "ratio_of_sums": ratio_of_sums(y.sum(), n.sum(), y @ y, y @ n, n @ n, m),
        "mean_of_ratios": ratio_of_sums(each.sum(), m, each @ each, each.sum(), m, m),
        "standardised_difference": adjusted,
    }
    for row in read("expected_boot.csv"):
        value, error = (np.atleast_1d(getattr(got[row["what"]], name)) for name in ("value", "std_error"))
        place = 1 if len(value) > 1 else 0
        assert value[place] == pytest.approx(float(row["value"]), abs=1e-7), row["what"]
        assert error[place] == pytest.approx(float(row["std_error"]), rel=BOOT[row["what"]]), row["what"]
