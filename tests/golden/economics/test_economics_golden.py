"""Frontier, Fieller, joint differences, net benefit, bootstrap, decisions and margins against R (see make.R)."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import (
    Margin,
    acceptability,
    efficiency_frontier,
    expected_value_of_information,
    fieller_interval,
    fieller_ratio_of_sums,
    net_monetary_benefit,
    person_bootstrap,
    weighted_increment,
)

HERE = Path(__file__).parent
#: Closed forms in double precision on both sides; inputs are written with 15 digits.
TOLERANCE = 1e-9
#: The score behind the weights is iterated until its step is this small.
FITTED = 1e-8
#: R's uniroot stops when its interval is this small beside the ratio.
ROOT = 1e-8
#: R's own bootstrap has 4,000 replicates, ours 10,000: 1.1 and 0.7 % of Monte-Carlo error on a standard error; a little
#: more than three such errors. The same number is far above the error of their correlation.
BOOT = 0.045


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def columns(name: str) -> dict[str, np.ndarray]:
    rows = read(name)
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


@pytest.mark.parametrize("number", sorted({int(row["set"]) for row in read("expected_frontier.csv")}))
def test_frontier_equals_its_definition(number: int) -> None:
    rows = [row for row in read("expected_frontier.csv") if int(row["set"]) == number]
    cost, effect = ([float(row[name]) for row in rows] for name in ("cost", "effect"))
    made = efficiency_frontier(cost, effect, [row["name"] for row in rows])
    assert made.status == tuple(row["status"] for row in rows)
    expected = [float("nan" if row["icer"] == "NA" else row["icer"]) for row in rows]
    np.testing.assert_allclose(made.icer, expected, rtol=TOLERANCE)


@pytest.mark.parametrize("row", read("expected_fieller.csv"), ids=lambda row: f"{row['shape']}-{row['top']}")
def test_fieller_limits_are_the_roots(row: dict[str, str]) -> None:
    given = {name: float(row[name]) for name in ("top", "bottom", "var_top", "cov", "var_bottom", "df", "level")}
    spread = [[given["var_top"], given["cov"]], [given["cov"], given["var_bottom"]]]
    found = fieller_interval(given["top"], given["bottom"], spread, df=given["df"], conf_level=given["level"])
    assert found.shape == row["shape"]
    np.testing.assert_allclose([found.low, found.high], [float(row["low"]), float(row["high"])], rtol=TOLERANCE)


@pytest.mark.parametrize("row", read("expected_ratio.csv"), ids=lambda row: row["shape"])
def test_fieller_ratio_is_the_inverted_t_test(row: dict[str, str]) -> None:
    people = [person for person in read("input_ratio.csv") if person["shape"] == row["shape"]]
    y, x = (np.array([float(person[name]) for person in people]) for name in ("cost", "effect"))
    found = fieller_ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(people))
    assert found.shape == row["shape"]
    assert found.value == pytest.approx(float(row["value"]), rel=TOLERANCE)
    np.testing.assert_allclose([found.low, found.high], [float(row["low"]), float(row["high"])], rtol=ROOT)


def test_joint_differences_equal_the_survey_package() -> None:
    """People in both groups and people with two stays are among them."""
    people, expected = columns("input_people.csv"), columns("expected_arms.csv")
    assert set(np.unique(people["person"], return_counts=True)[1]) >= {1, 2}
    found = weighted_increment(people["cost"], people["effect"], people["treated"], cluster=people["person"])
    np.testing.assert_allclose(found.arms.ravel(), expected["mean"], rtol=TOLERANCE)
    spread = np.column_stack([expected[key] for key in expected if key != "mean"])
    np.testing.assert_allclose(found.arms_covariance, spread, rtol=FITTED, atol=TOLERANCE)

    benefit = columns("expected_benefit.csv")
    worth = net_monetary_benefit(found.cost, found.effect, benefit["wtp"], covariance=found.covariance)
    for name in ("value", "std_error", "low", "high"):
        np.testing.assert_allclose(getattr(worth, name), benefit[name], rtol=FITTED, err_msg=name)


def test_bootstrap_spreads_as_the_boot_package() -> None:
    people = columns("input_people.csv")
    made = person_bootstrap(
        np.column_stack([people["cost"], people["effect"]]), people["person"], people["treated"], seed=20250611
    )
    gap = made.difference(1, 0)
    expected = {row["what"]: float(row["value"]) for row in read("expected_boot.csv")}
    assert gap[:, 0].std() == pytest.approx(expected["cost"], rel=BOOT)
    assert gap[:, 1].std() == pytest.approx(expected["effect"], rel=BOOT)
    assert np.corrcoef(gap.T)[0, 1] == pytest.approx(expected["correlation"], abs=BOOT)


def test_decisions_equal_their_definitions() -> None:
    draws, expected = columns("input_draws.csv"), columns("expected_decision.csv")
    cost, effect = (np.column_stack([draws[f"{what}{i}"] for i in range(1, 5)]) for what in ("cost", "effect"))
    found = acceptability(cost, effect, expected["wtp"])
    for i in range(4):
        np.testing.assert_allclose(found.probability[:, i], expected[f"share{i + 1}"], atol=TOLERANCE)
        np.testing.assert_allclose(found.expected_loss[:, i], expected[f"loss{i + 1}"], rtol=TOLERANCE)
    assert (found.best + 1).tolist() == expected["best"].tolist()
    np.testing.assert_allclose(found.switches, columns("expected_switches.csv")["switch"], rtol=TOLERANCE)
    value = expected_value_of_information(cost, effect, expected["wtp"])
    np.testing.assert_allclose(value.value, expected["evpi"], rtol=TOLERANCE)


@pytest.mark.parametrize("row", read("expected_margins.csv"), ids=lambda row: f"{row['family']}-{row['z']}")
def test_margins_equal_r_quantiles(row: dict[str, str]) -> None:
    margin = Margin(row["family"], float(row["mean"]), float(row["std_error"]))
    assert math.isclose(margin.at(float(row["z"])), float(row["value"]), rel_tol=TOLERANCE)
