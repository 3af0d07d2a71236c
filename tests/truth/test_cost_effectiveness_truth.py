"""Cost and effect of two levels of care on records whose truth is known, costs in both worlds included.

People with more severe problems go to residential care more often, and come back more often. The truth is worked out here
from the mechanism: the same people sent to each level first, each stay at its programme's dollars a day.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import load_truth, true_value
from iop_outcomes.records.synthetic.course import Course, follow
from iop_outcomes.records.synthetic.people import draw_people, residential_chance
from iop_outcomes.records.synthetic.scenario import IOP, PROGRAMMES, RESIDENTIAL

#: Severity, housing and primary substance decide placement in these records; nothing else that matters does.
ENOUGH = ("severity", "housing", "primary_substance")
#: People of each of the two worlds. The standard error of a true mean cost is then near $25.
WORLD = 20_000
HORIZON = 365


def first_level(course: Course, column: Any) -> np.ndarray:
    """A column of the first admissions, in the order of people."""
    return np.asarray(column)[course.number == 1]


def spend(course: Course, daily: np.ndarray, first_only: bool = False) -> np.ndarray:
    """Dollars of each person within the horizon of the first admission, to the recorded discharge."""
    last = np.minimum(course.start + course.discharge, HORIZON - 1)
    days = np.maximum(last - course.start + 1, 0) * ((course.number == 1) | (not first_only))
    return np.bincount(course.person, weights=days * daily[course.program], minlength=WORLD)


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    """Mean dollars in each world, of the people an overlap weight speaks of, and the differences 2.1 less 3.5."""
    people = draw_people(WORLD, np.random.default_rng([7, 0]))
    placed = follow(people, np.random.default_rng([7, 1]))
    # The books know weeks in contact; a client-week is enrolled to the recorded discharge.
    rate = np.array([programme.client_week_cost for programme in PROGRAMMES]) / 7
    for place in range(len(PROGRAMMES)):
        mine = placed.program == place
        rate[place] *= (placed.left[mine] + 1).sum() / (placed.discharge[mine] + 1).sum()
    severity = (first_level(placed, placed.score) - 5) / 2
    chance = residential_chance(people, first_level(placed, placed.person), severity)
    weight = chance * (1 - chance) * first_level(placed, placed.either)
    worlds = {level: follow(people, np.random.default_rng([7, 1]), first_level=level) for level in (IOP, RESIDENTIAL)}
    whole = {level: np.average(spend(world, rate), weights=weight) for level, world in worlds.items()}
    first = {level: np.average(spend(world, rate, True), weights=weight) for level, world in worlds.items()}
    went = first_level(placed, placed.level)
    either = first_level(placed, placed.either)
    crude = [spend(placed, rate)[either & (went == level)].mean() for level in (IOP, RESIDENTIAL)]
    return {
        "2.1": whole[IOP],
        "3.5": whole[RESIDENTIAL],
        "cost": whole[IOP] - whole[RESIDENTIAL],
        "first": first[IOP] - first[RESIDENTIAL],
        "crude": crude[0] - crude[1],
        "effect": -true_value(
            load_truth(),
            population="either_first",
            definition="abstinence_difference@1",
            category="ATO",
            at=180,
        ),
    }


def draw(people: int, seed: int) -> Records:
    sample = iop.simulate_records(people, seed, perfect_observation=True, censoring=False)
    outcomes = sample.outcomes[sample.outcomes["instrument"] == "abstinent_30"]
    attendance = sample.attendance.drop_duplicates("episode_id")
    return iop.read_records({**sample.source, "outcomes": outcomes, "attendance": attendance})


@pytest.fixture(scope="module")
def many() -> Records:
    return draw(5_000, 31)


@pytest.fixture(scope="module")
def found(many: Records) -> iop.Estimates:
    return iop.assess_cost_effectiveness(many, adjust=ENOUGH, replicates=4_000)


def row(found: iop.Estimates, definition: str, **where: Any) -> pd.Series:
    return found.where(definition=f"{definition}@1", **where).frame.iloc[0]


def covers(line: pd.Series, value: float) -> bool:
    return bool(line["ci_low"] <= value <= line["ci_high"])


def test_the_adjusted_increments_cover_cost_and_effect_together(found: iop.Estimates, truth: dict[str, float]) -> None:
    """And their quadrant is the true one: care that begins in intensive outpatient costs less and achieves less."""
    cost, effect = (row(found, f"increment_{what}", estimand="difference") for what in ("cost", "effect"))
    assert truth["cost"] < 0
    assert truth["effect"] < 0
    assert covers(cost, truth["cost"])
    assert covers(effect, truth["effect"])
    assert covers(row(found, "increment_cost", estimand="mean", group="2.1"), truth["2.1"])
    assert covers(row(found, "increment_cost", estimand="mean", group="3.5"), truth["3.5"])
    assert "costs less, with less effect" in cost["note"]
    correlation = row(found, "increment_cost", unit="correlation")["value"]
    off = np.array([cost["value"] - truth["cost"], effect["value"] - truth["effect"]])
    error = np.array([line["ci_high"] - line["ci_low"] for line in (cost, effect)]) / (2 * 1.959964)
    spread = np.outer(error, error) * np.array([[1, correlation], [correlation, 1]])
    assert off @ np.linalg.solve(spread, off) < 5.99  # the 95 % ellipse of two numbers


def test_the_break_even_price_covers_the_true_one(found: iop.Estimates, truth: dict[str, float]) -> None:
    price = row(found, "break_even_price", estimand="tipping_point")
    assert covers(price, truth["cost"] / truth["effect"])
    assert "preferred up to this price" in price["note"]


def test_the_crude_increments_point_to_the_wrong_corner(found: iop.Estimates, truth: dict[str, float]) -> None:
    """As placed, intensive outpatient care looks dominant: cheaper and better. It is neither covered nor near."""
    cost, effect = (row(found, f"crude_{what}", estimand="difference") for what in ("cost", "effect"))
    assert cost["ci_high"] < 0 < effect["ci_low"]
    assert not covers(effect, truth["effect"])
    assert covers(cost, truth["crude"])
    assert effect["design_word"] == "associated"


def test_mean_cost_times_mean_stay_misses_what_care_costs(
    many: Records, found: iop.Estimates, truth: dict[str, float]
) -> None:
    """Dollars of a client-week times the average stay leaves out who comes back: hundreds of dollars at either level."""
    naive = {}
    for level in ("2.1", "3.5"):
        cohort = iop.select_cohort(many, level_of_care=level, episodes="first", rung="admitted")
        week = iop.measure_costs(cohort, pathway=False).value(definition="cost_client_week@1", by="all")
        stays = cohort.episodes.select("enrolled_day").collect().to_native().to_pandas()["enrolled_day"]
        naive[level] = week * float((stays.astype(float) + 1).mean() / 7)
    gap = row(found, "increment_cost", estimand="difference")
    assert naive["2.1"] < 0.9 * truth["2.1"]
    assert naive["3.5"] < 0.9 * truth["3.5"]
    assert not covers(gap, naive["2.1"] - naive["3.5"])
    assert covers(gap, truth["cost"])


def test_the_first_stay_alone_is_another_number(found: iop.Estimates, truth: dict[str, float]) -> None:
    where = {"category": "abstinent/first_stay_only", "estimand": "difference"}
    first = found.where(definition="increment_scenario@1", **where).frame
    first = first[first["unit"].str.startswith("dollars")].iloc[0]
    assert covers(first, truth["first"])
    assert not covers(first, truth["cost"])


def test_people_not_reached_are_stood_for_and_their_bounds_hold_the_truth(truth: dict[str, float]) -> None:
    """Lost the more often the more severe; the increments of people like them cover, least and most enclose."""
    rng = np.random.default_rng(8)
    sample = iop.simulate_records(5_000, 31, perfect_observation=True, censoring=False)
    outcomes = sample.outcomes[sample.outcomes["instrument"] == "abstinent_30"].copy()
    known = sample.episodes.set_index("episode_id").loc[outcomes["episode_id"]]
    severity = pd.to_numeric(known["severity"]).fillna(5).to_numpy()
    silent = rng.random(len(outcomes)) > 1 / (1 + np.exp(-(1.6 - 0.35 * (severity - 5))))
    outcomes.loc[silent, ["result", "score", "days_covered"]] = ""
    outcomes.loc[silent, "status"] = "missed"
    source = {**sample.source, "outcomes": outcomes, "attendance": sample.attendance.drop_duplicates("episode_id")}
    found = iop.assess_cost_effectiveness(iop.read_records(source), adjust=ENOUGH, replicates=2)
    cost, effect = (row(found, f"increment_{what}", estimand="difference") for what in ("cost", "effect"))
    assert effect["n_missing"] > 500
    assert covers(cost, truth["cost"])
    assert covers(effect, truth["effect"])
    least, most = (
        row(found, "increment_scenario", category=f"abstinent/not_reached_{end}", unit="share")["value"]
        for end in ("least", "most")
    )
    assert least < truth["effect"] < most
