"""Attendance: runs that grow with time in care, misses without a date, groups of different people, people seen often.

Each trap is set in records of which the truth is known; the naive analysis is shown to fall in, ours to hold.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import standardised_shares

SHARE = 0.8
_PROGRAMS = pd.DataFrame(
    {"program_id": ["north"], "label": ["North"], "level_of_care": ["2.1"], "planned_weeks": ["8"]}, dtype=str
)


def read(stays: pd.DataFrame, sessions: pd.DataFrame) -> Records:
    """Records of stays (days, whether completed) and sessions (episode, day, week, whether attended)."""
    ids = "e" + stays.index.astype(str)
    episodes = pd.DataFrame(
        {
            "episode_id": ids,
            "person_id": ids,
            "program_id": "north",
            "admission_date": "2025-01-06",
            "discharge_day": stays["days"].astype(str).to_numpy(),
            "end_reason": np.where(stays["completed"], "completed", "left_early"),
        }
    )
    attendance = pd.DataFrame(
        {
            "episode_id": "e" + sessions["episode"].astype(str),
            "day": sessions["day"].map(lambda day: "" if pd.isna(day) else str(int(day))),
            "week": sessions["week"].astype(str),
            "visit": sessions.groupby("episode").cumcount().astype(str),
            "service_type": "group",
            "status": np.where(sessions["came"], "attended", "no_show"),
        }
    )
    settings = {"name": "Truth", "as_of": "2025-12-31", "ids_are_random": True}
    frames = {"programs": _PROGRAMS, "episodes": episodes, "attendance": attendance, "settings": settings}
    return iop.read_records(frames, today=date(2026, 6, 30))


def schedule(days: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Three sessions a week until the last day, each attended by chance alone."""
    parts = [pd.DataFrame({"episode": number, "day": np.arange(0, last + 1, 7)}) for number, last in enumerate(days)]
    start = pd.concat(parts, ignore_index=True)
    every = pd.concat([start.assign(day=start["day"] + later) for later in (0, 2, 4)])
    every = every[every["day"].to_numpy() <= days[every["episode"].to_numpy()]]
    every = every.sort_values(["episode", "day"], ignore_index=True)
    return every.assign(week=every["day"] // 7 + 1, came=rng.random(len(every)) < SHARE)


@pytest.fixture(scope="module")
def by_chance() -> tuple[pd.DataFrame, pd.DataFrame]:
    """1,500 people, half of whom complete eight weeks and half leave at some day before; attendance has no part in it."""
    rng = np.random.default_rng(11)
    completed = rng.random(1_500) < 0.5
    days = np.where(completed, 55, rng.integers(3, 50, 1_500))
    return pd.DataFrame({"days": days, "completed": completed}), schedule(days, rng)


def test_long_runs_of_people_who_completed_say_that_they_stayed(by_chance) -> None:
    """The longest run of completers is much longer than everyone's, though all attend alike. The first ten sessions are not."""
    records = read(*by_chance)
    everyone, completers = (
        iop.measure_attendance(iop.select_cohort(records, rung=rung, exit_rule="discharge"), at=[30])
        for rung in ("admitted", "completed")
    )
    runs, shares = (
        [made.where(definition=name, by="all").frame.iloc[0] for made in (everyone, completers)]
        for name in ("longest_streak@1", "first_sessions@1")
    )
    assert runs[1]["value"] > runs[0]["value"] + 1
    assert runs[1]["ci_low"] > runs[0]["ci_high"]
    for share in shares:
        assert abs(share["value"] - SHARE) < (share["ci_high"] - share["ci_low"]) / 2 * (3 / 1.96)
    assert abs(shares[1]["value"] - shares[0]["value"]) < 0.02


def test_second_misses_are_found_though_some_have_no_date(by_chance) -> None:
    """A third of the misses keep their week alone. Dropping them hides one second miss in three."""
    stays, sessions = by_chance
    rng = np.random.default_rng(12)
    lost = ~sessions["came"] & (rng.random(len(sessions)) < 1 / 3)
    undated = sessions.assign(day=sessions["day"].astype(float).mask(lost))
    days = (14, 30)

    def second_miss(rows: pd.DataFrame) -> np.ndarray:
        cohort = iop.select_cohort(read(stays, rows), rung="admitted", exit_rule="discharge")
        found = iop.measure_attendance(cohort, at=days).where(definition="second_miss@1", by="all").frame
        return found["value"].to_numpy()

    truth = second_miss(sessions)
    assert np.abs(second_miss(undated) - truth).max() < 0.03
    assert (second_miss(undated[~lost]) < truth * 0.75).all()


def draw(rng: np.random.Generator, people: int = 120) -> dict[str, np.ndarray]:
    """Evening groups serve people who work. Working lowers attendance, the evening raises it; people differ besides."""
    works = rng.random(people) < 0.5
    evening = rng.random(people) < np.where(works, 0.75, 0.25)
    share = 1 / (1 + np.exp(-(1.0 + 0.3 * evening - 1.0 * works)))
    own = rng.beta(share * 4, (1 - share) * 4)
    trials = rng.integers(5, 40, people)
    return {
        "events": rng.binomial(trials, own),
        "group": np.where(evening, "evening", "day"),
        "covariates": works[:, None].astype(float),
        "trials": trials,
    }


def test_adjusted_differences_cover_the_truth_and_plain_ones_do_not() -> None:
    """300 programmes: half of all people work, so the truth is the mean of two differences of shares."""
    odds = np.array([1.0, 0.0])
    truth = float((1 / (1 + np.exp(-(odds + 0.3))) - 1 / (1 + np.exp(-odds))).mean())
    rng = np.random.default_rng(13)
    held = {"adjusted": 0, "plain": 0, "sessions taken for people": 0}
    for _ in range(300):
        given = draw(rng)
        one = np.repeat(np.arange(120), given["trials"])
        came = np.concatenate([np.arange(n) < x for x, n in zip(given["events"], given["trials"], strict=True)])
        made = {
            "adjusted": standardised_shares(**given),
            "plain": standardised_shares(given["events"], given["group"], trials=given["trials"]),
            "sessions taken for people": standardised_shares(came, given["group"][one], given["covariates"][one]),
        }
        for name, result in made.items():
            held[name] += int(result.difference.low[1] <= truth <= result.difference.high[1])
    assert 0.92 * 300 <= held["adjusted"] <= 0.985 * 300, held  # 95 % within three binomial errors
    assert held["plain"] < 0.5 * 300, held
    assert held["sessions taken for people"] < 0.7 * 300, held
