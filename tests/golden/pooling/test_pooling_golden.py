"""Partial pooling against metafor and against numerical integration in R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import newcombe_difference, partial_pooling, recovered_difference, wilson

HERE = Path(__file__).parent
#: Relative to the largest standard error of a data set. metafor iterates REML until tau2 moves less than 1e-14.
TOLERANCE = 1e-7
#: The mixtures over tau are integrated adaptively in R and by a fixed rule here.
INTEGRATED = 1e-6


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


INPUT, EXPECTED = read("input.csv"), read("expected.csv")


@pytest.mark.parametrize("method", ["REML", "DL", "integrated"])
@pytest.mark.parametrize("centre", ["estimated", "zero"])
@pytest.mark.parametrize("dataset", ["schools", "apart", "three"])
def test_pooled_values_and_limits(dataset: str, centre: str, method: str) -> None:
    given = [row for row in INPUT if row["dataset"] == dataset]
    values, errors = (np.array([float(row[name]) for row in given]) for name in ("value", "error"))
    key = (dataset, centre, method)
    rows = [row for row in EXPECTED if (row["dataset"], row["centre"], row["method"]) == key]
    found = partial_pooling(values, errors, centre=0.0 if centre == "zero" else None, method=method)
    allowed = (INTEGRATED if method == "integrated" else TOLERANCE) * errors.max()
    for name, got in (("value", found.values), ("low", found.low), ("high", found.high)):
        expected = [float(row[name]) for row in rows]
        np.testing.assert_allclose(got, expected, rtol=0, atol=allowed, err_msg=name)
    if method != "integrated":
        assert found.tau2 == pytest.approx(float(rows[0]["tau2"]), rel=1e-6, abs=1e-9)
        assert found.centre == pytest.approx(float(rows[0]["middle"]), rel=0, abs=allowed)


def test_square_and_add_of_wilson_is_newcombe() -> None:
    got, expected = recovered_difference(wilson(56, 70), wilson(48, 80)), newcombe_difference(56, 70, 48, 80)
    assert (got.value, got.low, got.high) == (expected.value, expected.low, expected.high)
