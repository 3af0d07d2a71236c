"""Funnel limits, over-dispersion and the design effect against R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import design_effect, funnel_limits, overdispersion

HERE = Path(__file__).parent
#: Closed forms and binomial probabilities in double precision; interpolation divides by a small probability.
TOLERANCE = 1e-9


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


@pytest.mark.parametrize(("kind", "prefix"), [("exact", ""), ("normal", "normal_")])
def test_limits_equal_binomial_quantiles(kind: str, prefix: str) -> None:
    for row in read("expected_limits.csv"):
        found = funnel_limits([float(row["n"])], float(row["target"]), levels=(float(row["level"]),), kind=kind)
        for side, got in (("lower", found.lower), ("upper", found.upper)):
            assert got[0, 0] == pytest.approx(float(row[prefix + side]), rel=0, abs=TOLERANCE), row


@pytest.mark.parametrize("expected", read("expected_dispersion.csv"), ids=lambda row: row["dataset"] + row["winsorise"])
def test_overdispersion_equals_its_formulas_and_the_chi_squared_test(expected: dict[str, str]) -> None:
    rows = [row for row in read("input.csv") if row["dataset"] == expected["dataset"]]
    found = overdispersion(column(rows, "events"), column(rows, "units"), winsorise=float(expected["winsorise"]))
    for name in ("target", "phi", "tau2", "statistic", "df", "p_value"):
        assert getattr(found, name) == pytest.approx(float(expected[name]), rel=TOLERANCE, abs=1e-15), name
    for kind in ("multiplicative", "additive"):
        limits = funnel_limits([80], found.target, levels=(0.95,), kind=kind, dispersion=found)
        assert limits.lower[0, 0] == pytest.approx(float(expected[f"{kind}_lower"]), rel=0, abs=TOLERANCE)


def test_design_effect_equals_clustered_over_binomial_variance() -> None:
    rows = read("input_people.csv")
    sums = []
    for group in ("a", "b", "c"):
        some = [row for row in rows if row["group"] == group]
        y, x = column(some, "events"), column(some, "units")
        sums.append((y.sum(), x.sum(), y @ y, x @ y, x @ x, len(some)))
    expected = float(read("expected_design.csv")[0]["design_effect"])
    assert expected > 1.2
    assert design_effect(*zip(*sums, strict=True)) == pytest.approx(expected, rel=0, abs=TOLERANCE)
