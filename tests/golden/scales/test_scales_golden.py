"""Scores, reliable change, clustered means and regression to the mean against R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from iop_outcomes.statistics import (
    classify_change,
    clustered_mean,
    expected_regression,
    recovered,
    reliable_change_points,
    score_items,
)

HERE = Path(__file__).parent
#: Closed forms in double precision on both sides; the Student quantile is good to about 1e-12.
TOLERANCE = 1e-9
#: R integrates the density of each person's later score numerically, to 1e-10 of its value.
INTEGRATED = 1e-8
#: R's example integrates over all people; here 20,000 evenly spaced quantiles stand for them.
SPACED = 2e-4
#: A simulated number may lie this many of its own standard errors away.
ERRORS = 4.0
#: What is left of a floor at which 5 % of people lie: the error of the approximation that its docstring names.
FLOOR_POINTS, FLOOR_SHARE = 0.05, 0.0125


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) if row[name] else np.nan for row in rows])


def items(point: str) -> np.ndarray:
    rows = read("input.csv")
    return np.column_stack([column(rows, f"{point}_{item}") for item in range(1, 10)])


PERSON = column(read("input.csv"), "person")
SCORES = read("expected_scores.csv")
BEFORE, AFTER = column(SCORES, "before"), column(SCORES, "after")


def test_scores_are_prorated_as_in_r() -> None:
    assert 0 < np.isnan(BEFORE).sum() < np.isnan(AFTER).sum()
    for point, expected in (("before", BEFORE), ("after", AFTER)):
        np.testing.assert_allclose(score_items(items(point), low=0, high=3), expected, rtol=0, atol=TOLERANCE)


def test_segments_and_recovery_are_those_of_r() -> None:
    segments = classify_change(BEFORE, AFTER, reliable=6, better="lower")
    assert segments.tolist() == [row["segment"] for row in SCORES]
    assert len(set(segments)) == 4
    well = recovered(BEFORE, AFTER, reliable=6, case_at=10, better="lower")
    np.testing.assert_array_equal(well, column(SCORES, "recovered"))


@pytest.mark.parametrize("name", ["everyone", "cases", "ten", "once"])
def test_clustered_mean_equals_svymean(name: str) -> None:
    change = AFTER - BEFORE
    known = ~np.isnan(change)
    row = np.arange(1, len(change) + 1)
    first = np.zeros(len(change), dtype=bool)
    first[np.unique(PERSON, return_index=True)[1]] = True
    keep = known & {"everyone": known, "cases": BEFORE >= 10, "ten": (row <= 10) | (row > 296), "once": first}[name]
    expected = next(line for line in read("expected_means.csv") if line["name"] == name)
    got = clustered_mean(change[keep], PERSON[keep])
    for part in ("value", "std_error", "low", "high"):
        assert getattr(got, part) == pytest.approx(float(expected[part]), rel=0, abs=TOLERANCE), part


@pytest.mark.parametrize("row", read("expected_regression.csv"), ids=lambda row: f"{row['retest']}-{row['step']}")
def test_expected_regression_equals_the_integral(row: dict[str, str]) -> None:
    got = expected_regression(
        BEFORE, retest=float(row["retest"]), better="lower", case_at=10, reliable=6, step=float(row["step"])
    )
    assert got.chosen == int(row["chosen"])
    assert got.change == pytest.approx(float(row["change"]), rel=0, abs=INTEGRATED)
    assert got.share_improved == pytest.approx(float(row["share"]), rel=0, abs=INTEGRATED)


EXAMPLE = {
    row["how"]: {name: float(row[name]) for name in row if name != "how"} for row in read("expected_example.csv")
}


def test_the_example_of_the_definitions() -> None:
    """PHQ-9 of 10 or more, test–retest .75, nothing done: a fall of 1.2 points, and 11 % "improve reliably".

    The population for which that holds: normal, mean 10, standard deviation 5.8.
    """
    everybody = [NormalDist(10, 5.8).inv_cdf((place + 0.5) / 20_000) for place in range(20_000)]
    got = expected_regression(everybody, retest=0.75, better="lower", mean=10, sd=5.8, case_at=10, reliable=6, step=0)
    assert (round(-got.change, 1), round(got.share_improved, 2)) == (1.2, 0.11)
    assert got.change == pytest.approx(EXAMPLE["integral"]["change"], rel=0, abs=SPACED)
    assert got.share_improved == pytest.approx(EXAMPLE["integral"]["share"], rel=0, abs=SPACED)
    drawn = EXAMPLE["continuous"]
    assert abs(got.change - drawn["change"]) < ERRORS * drawn["change_error"]
    assert abs(got.share_improved - drawn["share"]) < ERRORS * drawn["share_error"]


def test_on_whole_points_the_half_step_comes_near() -> None:
    """Two million people asked twice on a scale of 0 to 27, at the floor of which some lie, moved as expected.

    The half step makes up for rounding; the floor, where one person in twenty lies, still bends the normal.
    """
    normal = NormalDist(10, 5.8)
    edges = [0.0, *(normal.cdf(score + 0.5) for score in range(27)), 1.0]
    everybody = np.repeat(np.arange(28), np.rint(np.diff(edges) * 100_000).astype(int))
    drawn = EXAMPLE["whole"]
    assert everybody.mean() == pytest.approx(drawn["mean"], abs=0.02)
    got, unrounded = (
        expected_regression(everybody, retest=0.75, better="lower", case_at=10, reliable=6, step=step)
        for step in (1, 0)
    )
    assert got.change == pytest.approx(drawn["change"], abs=FLOOR_POINTS)
    assert got.share_improved == pytest.approx(drawn["share"], abs=FLOOR_SHARE)
    assert unrounded.share_improved < drawn["share"] - 2 * FLOOR_SHARE


def test_the_reliable_change_criterion() -> None:
    for row in read("expected_criterion.csv"):
        got = reliable_change_points(float(row["sd"]), float(row["reliability"]), float(row["conf_level"]))
        assert got == pytest.approx(float(row["points"]), rel=0, abs=TOLERANCE)
