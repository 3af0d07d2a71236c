"""Aalen–Johansen, mean time lost and Gray's test against R's survival and cmprsk (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import (
    aalen_johansen,
    curve_difference,
    gray_test,
    mean_time_difference,
    restricted_mean,
    restricted_mean_lost,
)

HERE = Path(__file__).parent
#: Both sides sum a few hundred terms of order 1 in double precision: they agree to about 1e-13, and 1e-9 leaves
#: room for another order of summation without hiding a wrong formula.
TOLERANCE = 1e-9
#: The robust Gray test in R takes each row's pull by central difference, good to about 1e-8 of it.
BY_DIFFERENCE = 1e-6

ANALYSES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "plain": ((), {}),
    "log": ((), {"conf_type": "log"}),
    "untransformed": ((), {"conf_type": "plain", "conf_level": 0.9}),
    "clustered": (("cluster",), {}),
    "weighted": (("weights",), {}),
    "delayed": (("entry",), {}),
    "all": (("entry", "weights", "cluster"), {}),
}
COLUMNS = {"entry": "entry", "weights": "weight", "cluster": "person"}


def read(name: str) -> dict[str, dict[str, np.ndarray]]:
    """Columns of one file by data set; empty cells are nan."""
    sets: dict[str, dict[str, list[Any]]] = {}
    with (HERE / name).open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            columns = sets.setdefault(row["dataset"], {})
            for key, cell in row.items():
                value = cell if key in ("dataset", "analysis") else float(cell or "nan")
                columns.setdefault(key, []).append(value)
    return {key: {column: np.array(cells) for column, cells in columns.items()} for key, columns in sets.items()}


INPUT = read("input.csv")
CURVES, MEANS, TESTS, DIFFERENCES, ROBUST = (
    read(f"expected_{what}.csv") for what in ("curves", "means", "tests", "differences", "robust_tests")
)


def where(table: dict[str, np.ndarray], **wanted: object) -> dict[str, np.ndarray]:
    keep = np.logical_and.reduce([table[column] == value for column, value in wanted.items()])
    return {column: cells[keep] for column, cells in table.items()}


def fit(dataset: str, analysis: str) -> Any:
    data = INPUT[dataset]
    names, settings = ANALYSES[analysis]
    rows = {name: data[COLUMNS[name]] for name in names}
    return aalen_johansen(data["time"], data["cause"], **rows, **settings)


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("dataset", INPUT)
def test_incidence_and_still_in_equal_survfit(dataset: str, analysis: str) -> None:
    curves = fit(dataset, analysis)
    for cause in (0, *curves.causes):
        expected = where(CURVES[dataset], analysis=analysis, cause=cause)
        curve = curves.curve(cause) if cause else curves.still_in
        np.testing.assert_array_equal(curve.time, expected["time"])
        pairs = {"at_risk": curve.at_risk, "value": curve.value, "std_error": curve.std_error}
        pairs |= {"low": curve.low, "high": curve.high} | ({"events": curve.events} if cause else {})
        if "weights" in ANALYSES[analysis][0]:
            pairs = {name: got for name, got in pairs.items() if name not in ("at_risk", "events")}  # heads in R
        # A share within rounding of 0 or 1 has limits in one program and none in the other.
        settled = (curve.value > 1e-12) & (curve.value < 1 - 1e-12)
        for limit in ("low", "high"):
            pairs[limit], expected[limit] = pairs[limit][settled], expected[limit][settled]
        for name, got in pairs.items():
            np.testing.assert_allclose(got, expected[name], rtol=0, atol=TOLERANCE, err_msg=f"{cause} {name}")


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("dataset", INPUT)
def test_mean_times_equal_survfit(dataset: str, analysis: str) -> None:
    curves = fit(dataset, analysis)
    expected = where(MEANS[dataset], analysis=analysis)
    for cause, tau, value, error in zip(*(expected[x] for x in ("cause", "tau", "value", "std_error")), strict=True):
        got = restricted_mean_lost(curves, tau, int(cause)) if cause else restricted_mean(curves, tau)
        assert got.value == pytest.approx(value, rel=0, abs=TOLERANCE)
        assert got.std_error == pytest.approx(error, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("dataset", INPUT)
def test_gray_equals_cuminc(dataset: str) -> None:
    data, expected = INPUT[dataset], TESTS[dataset]
    for row in range(expected["rho"].size):
        strata = data["stratum"] if expected["stratified"][row] else None
        got = gray_test(
            data["time"],
            data["cause"],
            data["group"],
            cause_of_interest=int(expected["cause"][row]),
            strata=strata,
            rho=expected["rho"][row],
        )
        assert got.statistic == pytest.approx(expected["statistic"][row], rel=TOLERANCE)
        assert got.p_value == pytest.approx(expected["p_value"][row], rel=0, abs=TOLERANCE)
        assert got.df == expected["df"][row]


@pytest.mark.parametrize("analysis", ["clustered", "delayed"])
@pytest.mark.parametrize("dataset", INPUT)
def test_differences_count_a_person_of_both_groups_once(dataset: str, analysis: str) -> None:
    data = INPUT[dataset]
    causes = sorted(set(data["cause"]) - {0})
    fits = []
    for group in (1, 2):
        own = {name: column[data["group"] == group] for name, column in data.items()}
        late = {"entry": own["entry"]} if analysis == "delayed" else {}
        fits.append(aalen_johansen(own["time"], own["cause"], cluster=own["person"], causes=causes, **late))
    expected = where(DIFFERENCES[dataset], analysis=analysis)
    assert np.any(np.abs(expected["independent"] - expected["std_error"]) > 1e-3), "somebody is in both groups"
    for row in range(expected["day"].size):
        cause, area, day = (expected[name][row] for name in ("cause", "area", "day"))
        if area and day == 0:
            continue
        one, other = (fit.curve(cause) if cause else fit.still_in for fit in fits)
        got = mean_time_difference(one, other, day) if area else curve_difference(one, other, day)
        if day > min(one.followed_to, other.followed_to):  # R carries the last value on
            assert np.isnan(got.value)
            continue
        assert got.value == pytest.approx(expected["value"][row], rel=0, abs=TOLERANCE)
        assert got.std_error == pytest.approx(expected["std_error"][row], rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("dataset", ROBUST)
def test_gray_with_people_as_clusters(dataset: str) -> None:
    data, expected = INPUT[dataset], ROBUST[dataset]
    for row in range(expected["cause"].size):
        analysis = expected["analysis"][row]
        options = {"stratified": {"strata": data["stratum"]}, "delayed": {"entry": data["entry"]}}.get(analysis, {})
        cause = int(expected["cause"][row])
        got = gray_test(
            data["time"], data["cause"], data["group"], cause_of_interest=cause, cluster=data["person"], **options
        )
        assert got.statistic == pytest.approx(expected["statistic"][row], rel=BY_DIFFERENCE)
        assert got.df == expected["df"][row]
