"""Wilson, Clopper–Pearson and the clustered share and ratio against R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import clopper_pearson, clustered_proportion, ratio_of_sums, wilson

HERE = Path(__file__).parent
#: Closed forms in double precision on both sides; the beta and Student quantiles are good to about 1e-12.
TOLERANCE = 1e-9


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def moments(dataset: str, top: str, bottom: str) -> tuple[float, ...]:
    rows = [row for row in read("input.csv") if row["dataset"] == dataset]
    y, x = (np.array([float(row[name]) for row in rows]) for name in (top, bottom))
    return y.sum(), x.sum(), y @ y, x @ y, x @ x, len(rows)


EXPECTED = {(row["dataset"], row["what"]): row for row in read("expected.csv")}


@pytest.mark.parametrize("dataset", ["many", "some", "few"])
def test_clustered_proportion_equals_linearisation(dataset: str) -> None:
    got, expected = clustered_proportion(*moments(dataset, "events", "episodes")), EXPECTED[dataset, "proportion"]
    for name in ("value", "low", "high"):
        assert getattr(got, name) == pytest.approx(float(expected[name]), rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("dataset", ["many", "some", "few"])
def test_ratio_of_sums_equals_svyratio(dataset: str) -> None:
    got, expected = ratio_of_sums(*moments(dataset, "attended", "required")), EXPECTED[dataset, "ratio"]
    for name in ("value", "std_error", "low", "high"):
        assert getattr(got, name) == pytest.approx(float(expected[name]), rel=0, abs=TOLERANCE)


def test_wilson_and_clopper_pearson_equal_prop_test_and_binom_test() -> None:
    rows = read("expected_counts.csv")
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    score, exact = wilson(column["x"], column["n"]), clopper_pearson(column["x"], column["n"])
    for name, got in {"wilson_low": score.low, "wilson_high": score.high, "exact_low": exact.low}.items():
        np.testing.assert_allclose(got, column[name], rtol=0, atol=TOLERANCE, err_msg=name)
    np.testing.assert_allclose(exact.high, column["exact_high"], rtol=0, atol=TOLERANCE)
