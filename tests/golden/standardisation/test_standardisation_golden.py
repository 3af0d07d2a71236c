"""Observed over expected, the risk model and its calibration against R (see make.R) and a published example."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import calibrate, fit_risk, indirect_standardisation

HERE = Path(__file__).parent
#: Closed forms, and maximum likelihood that both sides run to convergence well below this.
TOLERANCE = 1e-9


def read(name: str) -> dict[str, np.ndarray]:
    with (HERE / name).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def test_the_published_example_of_byar() -> None:
    """30 observed, 24 expected: 1.25 (.843 to 1.785)."""
    found = indirect_standardisation(30, 24)
    assert (found.value, round(found.low, 3), round(found.high, 3)) == (1.25, 0.843, 1.785)


@pytest.mark.parametrize("kind", ["byar", "exact"])
def test_limits_equal_the_formula_and_poisson_test(kind: str) -> None:
    expected = read("expected_ratio.csv")
    found = indirect_standardisation(expected["observed"], expected["expected"], kind=kind)
    np.testing.assert_allclose(found.value, expected["value"], rtol=TOLERANCE)
    np.testing.assert_allclose(found.low, expected[f"{kind}_low"], rtol=TOLERANCE, atol=1e-15)
    np.testing.assert_allclose(found.high, expected[f"{kind}_high"], rtol=TOLERANCE)


def test_byar_stays_close_to_the_exact_limits() -> None:
    rows = read("expected_ratio.csv")
    many = rows["observed"] >= 9
    for side in ("low", "high"):
        np.testing.assert_allclose(rows[f"byar_{side}"][many], rows[f"exact_{side}"][many], rtol=0.006)


def test_risks_and_calibration_equal_glm() -> None:
    data, risk, expected = read("input.csv"), read("expected_risk.csv"), read("expected_calibration.csv")
    covariates = np.column_stack([data["severity"], data["before"], data["steady"]])
    model = fit_risk(data["event"], covariates, data["fold"])
    np.testing.assert_allclose(model.fitted, risk["fitted"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(model.held_out, risk["held_out"], rtol=0, atol=TOLERANCE)
    found = calibrate(data["event"], model.held_out)
    for name in ("ratio", "concordance", "brier"):
        assert getattr(found, name) == pytest.approx(float(expected[name][0]), rel=TOLERANCE), name
    for name in ("intercept", "slope"):
        interval, error = getattr(found, name), float(expected[f"{name}_error"][0])
        assert interval.value == pytest.approx(float(expected[name][0]), abs=1e-8)
        assert interval.high - interval.value == pytest.approx(1.959963984540054 * error, abs=1e-7)
    fifths = read("expected_fifths.csv")
    for name in ("units", "observed", "expected"):
        np.testing.assert_allclose(getattr(found, name), fifths[name], rtol=TOLERANCE, err_msg=name)
