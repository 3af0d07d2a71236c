"""Endings at two levels where the truth is known: people with more severe problems go to residential care and leave sooner.

The truth is that the same people leave before completing far less often where care begins in residential care. A plain
comparison of people as placed hides much of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.statistics import weighted_curves

COMPLETED, LEFT, MOVED = 1, 2, 4
PLANNED = {True: 56, False: 28}
TAU = 60
DRAWS, PEOPLE = 300, 700


def placed_in_iop(severity: np.ndarray, unstable: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(0.2 - 0.45 * (severity - 5) - 0.5 * unstable)))


def pace(severity: np.ndarray, unstable: np.ndarray, iop_level: Any) -> np.ndarray:
    """How many a day leave before completing, of those still in."""
    return np.exp(-5.2 + 0.55 * (severity - 5) + 0.5 * unstable + np.where(iop_level, 0.35, 0.0))


MOVING = 0.003


def true_left(severity: np.ndarray, unstable: np.ndarray, iop_level: bool, days: np.ndarray) -> np.ndarray:
    """The chance (people × days) of having left early by each day: before the planned end, and before moving."""
    rate = pace(severity, unstable, iop_level)[:, None]
    by = np.minimum(days, PLANNED[iop_level] - 1)
    return rate / (rate + MOVING) * (1 - np.exp(-(rate + MOVING) * by))


def true_completed(severity: np.ndarray, unstable: np.ndarray, iop_level: bool) -> np.ndarray:
    """The chance of neither leaving early nor moving before the planned end."""
    return np.exp(-(pace(severity, unstable, iop_level) + MOVING) * (PLANNED[iop_level] - 1))


def truths() -> dict[str, tuple[float, float]]:
    """The overlap-weighted truth after IOP and after residential care, by averaging over everybody there could be."""
    severity = np.tile(np.linspace(-2.5, 12.5, 3_001), 2)
    unstable = np.repeat([0.0, 1.0], 3_001)
    mass = np.exp(-((severity - 5) ** 2) / 4.5) * np.where(unstable == 1, 0.4, 0.6)
    chance = placed_in_iop(severity, unstable)
    mass = mass * chance * (1 - chance)
    days = np.arange(TAU)
    found: dict[str, list[float]] = {"left": [], "completed": [], "days_lost": []}
    for level in (True, False):
        by_day = np.average(true_left(severity, unstable, level, days), axis=0, weights=mass)
        left = true_left(severity, unstable, level, np.array([TAU]))[:, 0]
        found["left"].append(float(np.average(left, weights=mass)))
        found["completed"].append(float(np.average(true_completed(severity, unstable, level), weights=mass)))
        found["days_lost"].append(float(by_day.sum()))  # in steps of a day: lost from the day after leaving
    return {name: (one, other) for name, (one, other) in found.items()}


TRUTH = truths()


def draw(rng: np.random.Generator, people: int) -> pd.DataFrame:
    """Stays in whole days, each followed for 30 to 300 days."""
    severity, unstable = rng.normal(5, 1.5, people), (rng.random(people) < 0.4).astype(float)
    level = rng.random(people) < placed_in_iop(severity, unstable)
    planned = np.where(level, PLANNED[True], PLANNED[False])
    leaving, moving = rng.exponential(1 / pace(severity, unstable, level)), rng.exponential(1 / MOVING, people)
    early = np.ceil(np.minimum(leaving, moving))
    way = np.where(leaving < moving, LEFT, MOVED)
    time, cause = np.where(early < planned, early, planned), np.where(early < planned, way, COMPLETED)
    watched = np.floor(rng.uniform(30, 300, people))
    return pd.DataFrame(
        {
            "severity": severity,
            "unstable": unstable,
            "iop": level,
            "time": np.minimum(time, watched),
            "cause": np.where(time > watched, 0, cause),
            "watched": watched,
        }
    )


def readings(made: Any) -> dict[str, Any]:
    return {
        "left": made.at(TAU, LEFT),
        "completed": made.at(TAU, COMPLETED),
        "days_lost": made.mean_time(TAU, LEFT),
    }


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    """What each of 300 studies of 700 people says, as placed and made alike."""
    rng = np.random.default_rng(44)
    lines = []
    for _ in range(DRAWS):
        stays = draw(rng, PEOPLE)
        columns = stays[["severity", "unstable"]].to_numpy()
        for reading, covariates in (("crude", None), ("ours", columns)):
            made = weighted_curves(
                stays["time"], stays["cause"], stays["iop"], covariates, causes=(COMPLETED, LEFT, MOVED)
            )
            for name, effect in readings(made).items():
                for part, truth in zip(
                    ("treated", "reference", "difference"),
                    (*TRUTH[name], TRUTH[name][0] - TRUTH[name][1]),
                    strict=True,
                ):
                    found = getattr(effect, part)
                    lines.append((reading, name, part, truth, found.value, found.std_error, found.low, found.high))
    columns = ["reading", "name", "part", "truth", "value", "std_error", "low", "high"]
    frame = pd.DataFrame(lines, columns=columns)
    return frame.assign(covered=(frame["low"] <= frame["truth"]) & (frame["truth"] <= frame["high"]))


@pytest.mark.parametrize("name", ["left", "completed", "days_lost"])
def test_the_crude_difference_misses_and_the_adjusted_one_covers(seen: pd.DataFrame, name: str) -> None:
    """Of 300 intervals at 95 % about 285 cover; a share of 0.95 has a standard error of 0.0126."""
    part = seen[(seen["name"] == name) & (seen["part"] == "difference")].groupby("reading")
    covered = part["covered"].mean()
    assert covered["crude"] < 0.3, covered
    assert covered["ours"] == pytest.approx(0.95, abs=0.038), covered


@pytest.mark.parametrize("name", ["left", "completed", "days_lost"])
@pytest.mark.parametrize("part", ["treated", "reference", "difference"])
def test_errors_are_the_true_spread_and_the_estimate_is_right_on_average(
    seen: pd.DataFrame, name: str, part: str
) -> None:
    """The mean error is the spread over studies, known to 4 % from 300 of them; the estimate is right on average."""
    mine = seen[(seen["reading"] == "ours") & (seen["name"] == name) & (seen["part"] == part)]
    spread = mine["value"].std()
    assert mine["std_error"].mean() == pytest.approx(spread, rel=0.1)
    assert mine["value"].mean() == pytest.approx(mine["truth"].iloc[0], abs=3 * spread / np.sqrt(DRAWS) + 0.02 * spread)
    assert mine["covered"].mean() == pytest.approx(0.95, abs=0.038)


def as_records(stays: pd.DataFrame) -> iop.Records:
    ids = [f"e{place:05d}" for place in range(len(stays))]
    admitted = pd.Timestamp("2025-12-31") - pd.to_timedelta(stays["watched"], unit="D")
    ended = stays["cause"] > 0
    reason = stays["cause"].map({0: "", COMPLETED: "completed", LEFT: "left_early", MOVED: "transferred"})
    episodes = pd.DataFrame(
        {
            "episode_id": ids,
            "person_id": ids,
            "program_id": np.where(stays["iop"], "north", "house"),
            "admission_date": admitted.dt.strftime("%Y-%m-%d"),
            "discharge_day": stays["time"].map("{:.0f}".format).where(ended, ""),
            "end_reason": reason,
            "severity": stays["severity"].clip(0, 10).map("{:.3f}".format),
            "housing": np.where(stays["unstable"] == 1, "unstable", "stable"),
            "either_level": "yes",
        }
    )
    sessions = pd.DataFrame(
        {
            "episode_id": ids,
            "day": stays["time"].map("{:.0f}".format),
            "service_type": "group",
            "status": "attended",
            "hours_offered": "3",
            "hours_attended": "3",
        }
    )
    levels = {"program_id": ["north", "house"], "label": ["N", "H"], "level_of_care": ["2.1", "3.5"]}
    settings = {"name": "Truth", "as_of": "2025-12-31", "ids_are_random": True}
    programs = pd.DataFrame({**levels, "planned_weeks": ["8", "4"]})
    source = {"programs": programs, "episodes": episodes, "attendance": sessions, "settings": settings}
    return iop.read_records(source, today=pd.Timestamp("2026-06-30").date())


def test_the_comparison_says_so_too_and_shows_both() -> None:
    """One agency of 4,000 people, from records to rows: the plain interval misses the truth, the adjusted one holds it."""
    records = as_records(draw(np.random.default_rng(3), 4_000))
    found = iop.compare_endings(records, at=(30, TAU), adjust=("severity", "housing"))
    asked = {
        "left": ("ending", "left_early"),
        "completed": ("ending", "completed"),
        "days_lost": ("days_lost", "left_early"),
    }
    for name, (definition, category) in asked.items():
        truth = TRUTH[name][0] - TRUTH[name][1]
        where = {"category": f"endings/{category}", "at": TAU, "estimand": "difference"}
        crude, ours = (
            next(found.where(definition=f"level_{reading}_{definition}@1", **where).rows())
            for reading in ("crude", "effect")
        )
        assert not crude["ci_low"] <= truth <= crude["ci_high"], name
        assert ours["ci_low"] <= truth <= ours["ci_high"], name
        assert (ours["value"] - truth) / (crude["value"] - truth) < 0.4
