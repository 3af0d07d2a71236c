"""Increments when the later people come, the sicker they are and the shorter they are followed: ours covers, shortcuts miss.

Severity rises over the two years and decides placement, completing and coming back; first stays of the intensive outpatient
programme grow longer month by month. The extract is made 100 days after the last admission, costs count for a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.statistics import Increment, followed_increment, followed_weights

SPAN, EXTRACT, HORIZON = 730, 830, 365
#: Days after which parts of the horizon end, and dollars a day of the levels.
ENDS = (89, 181, 272, HORIZON - 1)
DAILY = {"2.1": 90.0, "3.5": 210.0}
START = date(2024, 1, 1)


@dataclass(frozen=True)
class Drawn:
    """People of both levels: when they came, how severe, where they began, and both worlds' stays and outcomes."""

    came: np.ndarray
    severity: np.ndarray
    chance: np.ndarray
    treated: np.ndarray
    stay: np.ndarray
    back: np.ndarray
    again: np.ndarray
    completed: np.ndarray

    def cost(self, world: np.ndarray) -> np.ndarray:
        """Dollars of each part; ``back`` is the day of a second, residential stay, never for most."""
        row, daily = np.arange(len(self.came)), np.where(world, DAILY["2.1"], DAILY["3.5"])
        first, again, back = (part[row, world.astype(int)] for part in (self.stay, self.again, self.back))
        parts, before = [], -1
        for end in ENDS:
            own = np.clip(first, before + 1, end + 1) - (before + 1)
            later = np.clip(back + again, before + 1, end + 1) - np.clip(back, before + 1, end + 1)
            parts.append(own * daily + later * DAILY["3.5"])
            before = end
        return np.column_stack(parts)

    def effect(self, world: np.ndarray) -> np.ndarray:
        """Whether the first stay was completed."""
        return self.completed[np.arange(len(self.came)), world.astype(int)]

    @property
    def seen(self) -> np.ndarray:
        """Whom the extract still shows at the end of each part."""
        return (EXTRACT - self.came)[:, None] >= np.array(ENDS)


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def draw(people: int, rng: np.random.Generator) -> Drawn:
    came = rng.integers(0, SPAN, people)
    severity = np.round(rng.standard_normal(people) + 1.6 * (came / SPAN - 0.5), 2)
    chance = expit(0.2 - 0.6 * severity)
    home = 24 + 3 * severity + 3 * rng.standard_normal(people)
    away = 30 + 4 * severity + 16 * (came / SPAN) + 6 * rng.standard_normal(people)
    stay = np.clip(np.round(np.column_stack([home, away])), 1, ENDS[0])
    risk = expit(-1.2 + np.outer(severity, [0.5, 1.1]) + np.array([0.0, 0.4]))
    back = np.where(rng.random((people, 2)) < risk, rng.integers(100, 330, (people, 2)), 10**6)
    again = rng.integers(20, 35, (people, 2))
    done = rng.random((people, 2)) < expit(np.array([0.6, 0.2]) - np.outer(severity, [0.3, 0.7]))
    treated = rng.random(people) < chance
    return Drawn(came, severity, chance, treated, stay, back, again, done.astype(float))


@cache
def truth() -> np.ndarray:
    """Difference in cost and in effect, and both levels' cost, of the people overlap weights speak of."""
    people = draw(400_000, np.random.default_rng(1))
    weight = people.chance * (1 - people.chance)
    worlds = [np.full(len(weight), world) for world in (True, False)]
    cost = [np.average(people.cost(world).sum(axis=1), weights=weight) for world in worlds]
    effect = [np.average(people.effect(world), weights=weight) for world in worlds]
    return np.array([cost[0] - cost[1], effect[0] - effect[1], *cost])


def covered(found: Increment) -> np.ndarray:
    """Whether the four 95 % intervals and the 95 % ellipse of both differences hold the truth."""
    spread = found.arms_covariance[[0, 2], [0, 2]]
    value = np.array([found.cost, found.effect, *found.arms[:, 0]])
    error = np.sqrt([*np.diag(found.covariance), *spread])
    off = value - truth()
    return np.append(np.abs(off) < 1.959964 * error, off[:2] @ np.linalg.solve(found.covariance, off[:2]) < 5.991465)


def estimate(people: Drawn, how: str) -> Increment:
    covariates, cost, effect = people.severity[:, None], people.cost(people.treated), people.effect(people.treated)
    if how == "parts":
        return followed_increment(followed_weights(people.seen, people.treated, covariates), cost, effect)
    if how == "as if over":  # what is not seen yet is taken for nothing
        cost = np.where(people.seen, cost, 0)
        kept = people.seen[:, 0]
    else:
        kept = people.seen[:, -1]
    whole = followed_weights(np.ones((kept.sum(), 1)), people.treated[kept], covariates[kept])
    return followed_increment(whole, cost[kept].sum(axis=1, keepdims=True), effect[kept])


@pytest.fixture(scope="module")
def coverage() -> dict[str, np.ndarray]:
    """How often each analysis covers, of 300 draws of 700 people."""
    draws = [draw(700, rng) for rng in np.random.default_rng(2).spawn(300)]
    return {
        how: np.mean([covered(estimate(people, how)) for people in draws], axis=0)
        for how in ("parts", "dropped", "as if over")
    }


def test_parts_of_the_horizon_cover_at_their_level(coverage: dict[str, np.ndarray]) -> None:
    """Cost, effect, both levels' cost and the two differences together; three Monte-Carlo errors of 300 draws are 3.8 %."""
    np.testing.assert_allclose(coverage["parts"], 0.95, atol=0.038)


def test_leaving_out_whoever_is_early_and_taking_them_for_finished_both_miss(coverage: dict[str, np.ndarray]) -> None:
    gap, _, iop_cost, home_cost, both = coverage["dropped"]
    assert max(gap, both, home_cost) < 0.85
    assert iop_cost < 0.2
    gap, _, iop_cost, home_cost, both = coverage["as if over"]
    assert max(gap, both) < 0.88
    assert max(iop_cost, home_cost) < 0.3


def records(people: Drawn) -> iop.Records:
    """The extract of the observed world: what happens after it is not in the records."""
    stays = []
    for place, day in enumerate(people.came.tolist()):
        side = int(people.treated[place])
        first = {"program_id": "iop" if side else "home", "start": day, "days": people.stay[place, side]}
        first["end_reason"] = "completed" if people.completed[place, side] else "left_early"
        later = {"program_id": "home", "start": day + people.back[place, side], "days": people.again[place, side]}
        for number, stay in enumerate((first, later | {"end_reason": "completed"})):
            last = int(stay["start"] + stay["days"] - 1)
            if stay["start"] > EXTRACT:
                continue
            over = last <= EXTRACT
            stays.append({
                "episode_id": f"{place}-{number}", "person_id": str(place), "program_id": stay["program_id"],
                "admission_date": (START + timedelta(days=int(stay["start"]))).isoformat(),
                "discharge_date": (START + timedelta(days=last)).isoformat() if over else "",
                "end_reason": stay["end_reason"] if over else "", "either_level": "yes",
                "severity": f"{5 + people.severity[place]:.2f}", "open": "" if over else "1",
                "last": min(last, EXTRACT), "begins": stay["start"],
            })  # fmt: skip
    episodes = pd.DataFrame(stays)
    days = (episodes["last"].clip(upper=EXTRACT) - episodes["begins"] + 1).groupby(episodes["program_id"]).sum()
    cost = {"period_start": START.isoformat(), "period_end": (START + timedelta(days=EXTRACT)).isoformat()}
    cost |= {"line": "personnel", "kind": "cost", "bearer": "provider", "price_year": "2025"}
    amounts = {"iop": DAILY["2.1"] * days["iop"], "home": DAILY["3.5"] * days["home"]}
    programs = [
        {"program_id": name, "label": name, "level_of_care": level, "planned_weeks": "8", "required_hours": "9"}
        for name, level in (("iop", "2.1"), ("home", "3.5"))
    ]
    sessions = {"day": "0", "service_type": "group", "status": "attended", "hours_offered": "3", "hours_attended": "3"}
    return iop.read_records({
        "programs": pd.DataFrame(programs, dtype=str),
        "episodes": episodes.drop(columns=["open", "last", "begins"]).astype(str),
        "attendance": episodes[["episode_id"]].assign(**sessions),
        "costs": pd.DataFrame([{**cost, "program_id": name, "amount": f"{amount:.2f}"} for name, amount in amounts.items()]),
        "settings": {"name": "Truth", "as_of": (START + timedelta(days=EXTRACT)).isoformat(), "ids_are_random": True},
    }, today=START + timedelta(days=EXTRACT + 1))  # fmt: skip


def test_records_give_the_same_answer_and_leave_out_nobody() -> None:
    people = draw(1_500, np.random.default_rng(5))
    extract = records(people)
    options = {"effect": "completed", "at": 90, "adjust": ("severity",), "replicates": 2}
    found = iop.assess_cost_effectiveness(extract, **options)
    by_hand = estimate(people, "parts")
    gap = found.where(estimand="difference", definition=["increment_cost@1", "increment_effect@1"]).frame
    assert gap["value"].tolist() == pytest.approx([by_hand.cost, by_hand.effect], rel=1e-4)
    assert gap["people"].tolist() == [1_500, 1_500]
    assert ((gap["ci_low"] <= truth()[:2]) & (truth()[:2] <= gap["ci_high"])).all()
    until = (START + timedelta(days=EXTRACT - HORIZON + 1)).isoformat()
    early = iop.assess_cost_effectiveness(extract, **options, admitted=(START.isoformat(), until))
    costs = early.where(definition="increment_cost@1", estimand="mean", group="2.1").frame.iloc[0]
    assert costs["ci_high"] < truth()[2]
