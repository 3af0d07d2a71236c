"""Sizes against R's power.prop.test and power.t.test, and a share against a threshold against the formula (see make.R)."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from iop_outcomes.statistics import people_for_difference, people_for_mean, people_for_share

HERE = Path(__file__).parent
#: Closed forms on both sides.
CLOSED = 1e-10
#: R solves for n with a tolerance of its own, about 1e-12 of the search range; noncentral t is good to about 1e-8.
SOLVED = 1e-6
#: From 10,000 people on ours is the normal size with Student's correction; it is off by far less than one person.
MANY = 0.05
FUNCTIONS = {"share": people_for_share, "difference": people_for_difference, "mean": people_for_mean}


def load() -> list[dict[str, str]]:
    with (HERE / "expected.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", load(), ids=lambda row: "-".join(list(row.values())[:5]))
def test_as_r(row: dict[str, str]) -> None:
    first, second, power, level, exact = (float(row[name]) for name in ("first", "second", "power", "conf", "exact"))
    found = FUNCTIONS[row["what"]](first, second, power=power, conf_level=level)
    assert found.people == found.groups * math.ceil(found.exact)
    if row["what"] == "mean" and exact > 10_000:
        assert found.exact == pytest.approx(exact, abs=MANY)
    else:
        assert found.exact == pytest.approx(exact, rel=CLOSED if row["what"] == "share" else SOLVED)


@pytest.mark.parametrize(
    "row", [row for row in load() if row["chance"]], ids=lambda row: "-".join(list(row.values())[:5])
)
def test_wilsons_interval_leaves_the_threshold_outside_as_often_as_said(row: dict[str, str]) -> None:
    """Exact binomial chance at the size. Counts come in steps, so it may lie a few points below; it lies far above only
    where half is asked for, shares near 0 or 1 being skewed."""
    chance, power = float(row["chance"]), float(row["power"])
    assert chance > power - 0.05
    assert power == 0.5 or chance < power + 0.05


def test_the_design_effect_multiplies_people() -> None:
    alone, together = people_for_share(0.8, 0.85), people_for_share(0.8, 0.85, design_effect=2)
    assert together.people == math.ceil(2 * alone.exact)
    assert people_for_difference(0.4, 0.5, design_effect=1.5).people == 2 * math.ceil(
        1.5 * people_for_difference(0.4, 0.5).exact
    )


def test_two_people_are_enough_for_a_distance_far_beyond_the_spread() -> None:
    assert people_for_mean(1e-6, 1).people == 2


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (people_for_share, {"threshold": 0.5, "share": 0.5}),
        (people_for_share, {"threshold": 0, "share": 0.5}),
        (people_for_share, {"threshold": 0.4, "share": 0.5, "power": 0.3}),
        (people_for_difference, {"first": 0.4, "second": 1.2}),
        (people_for_difference, {"first": 0.4, "second": 0.5, "design_effect": 0}),
        (people_for_mean, {"std_dev": 0, "distance": 1}),
        (people_for_mean, {"std_dev": 1, "distance": 0}),
        (people_for_mean, {"std_dev": 1, "distance": 1, "conf_level": 95}),
    ],
)
def test_impossible_numbers_are_refused(function, arguments) -> None:
    with pytest.raises(ValueError):
        function(**arguments)
