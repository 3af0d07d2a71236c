"""Sessions that do nothing: whoever stays longer attends more of them, and only the landmark analysis sees that it is so.

Every day 1 in 90 people leaves, whatever they did; the others complete on day 56. Sessions are attended by the toss of a
coin. Nothing anybody attends changes when anybody leaves, so that every difference found is an error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.cohort import Cohort

_PROGRAMMES, _EACH, _PLANNED = 40, 150, 56


@pytest.fixture(scope="module")
def records() -> iop.Records:
    draw = np.random.default_rng(11)
    people = _PROGRAMMES * _EACH
    names = np.array([f"e{place}" for place in range(people)])
    left = draw.geometric(1 / 90, people)
    stay = np.minimum(left, _PLANNED)
    episodes = pd.DataFrame(
        {
            "episode_id": names,
            "person_id": names,
            "program_id": [f"p{place // _EACH}" for place in range(people)],
            "admission_date": "2025-01-06",
            "discharge_day": stay.astype(str),
            "end_reason": np.where(left < _PLANNED, "left_early", "completed"),
        }
    )
    parts = []
    for kind, days, chance in (("group", range(0, 56, 2), 0.7), ("family", range(6, 56, 7), 0.25)):
        for day in days:
            there = names[stay >= day]
            came = (draw.random(len(there)) < chance) | (day == 0)
            status = np.where(came, "attended", "no_show")
            parts.append(pd.DataFrame({"episode_id": there, "day": str(day), "service_type": kind, "status": status}))
    sessions = pd.concat(parts).assign(hours_offered="1")
    sessions["hours_attended"] = np.where(sessions["status"] == "attended", "1", "")
    programs = [{"program_id": f"p{n}", "label": f"P{n}", "level_of_care": "2.1"} for n in range(_PROGRAMMES)]
    frames = {
        "programs": pd.DataFrame(programs).assign(planned_weeks="8"),
        "episodes": episodes,
        "attendance": sessions,
        "settings": {"name": "No effect", "as_of": "2025-12-31", "ids_are_random": True},
    }
    return iop.read_records(frames)


@pytest.fixture(scope="module")
def cohort(records: iop.Records) -> Cohort:
    return iop.select_cohort(records, exit_rule="discharge")


def attended(cohort: Cohort, kind: str) -> pd.DataFrame:
    """One row per episode with the sessions of a kind ever attended, and whether it was completed."""
    from iop_outcomes import reductions

    stays = reductions.episode_rows(cohort.episodes, "end_reason")
    sessions = reductions.collect(cohort.attendance.select("episode_id", "day", "service_type", "status"))
    mine = sessions[sessions["service_type"] == kind].sort_values(["episode_id", "day"])
    came = (mine["status"] == "attended").to_numpy()
    run = (~came).cumsum()
    streak = pd.Series(came).groupby([mine["episode_id"].to_numpy(), run]).sum().groupby(level=0).max()
    counted = mine[came].groupby("episode_id").size()
    return stays.assign(
        completed=stays["end_reason"] == "completed",
        ever=stays["episode_id"].map(counted).fillna(0) > 0,
        streak=stays["episode_id"].map(streak).fillna(0),
    )


def difference(cohort: Cohort, **how: object) -> dict[str, float]:
    found = iop.measure_landmark(cohort, **how)  # type: ignore[arg-type]
    (row,) = found.where(estimand="difference").rows()
    return row


def test_ever_against_never_makes_an_effect_of_nothing(cohort: Cohort) -> None:
    """Immortal time: whoever completes had eight weeks in which to attend a family session."""
    stays = attended(cohort, "family")
    ever, never = (stays.loc[stays["ever"] == side, "completed"].mean() for side in (True, False))
    assert ever > never + 0.2
    ours = difference(cohort, service="family", outcome="completed")
    assert abs(ours["value"]) < 0.03
    assert ours["ci_low"] < 0 < ours["ci_high"]
    assert ours["ci_high"] - ours["ci_low"] < 0.1, "an interval that covers everything says nothing"


def test_long_runs_of_sessions_are_had_by_those_who_stay(cohort: Cohort) -> None:
    """The longest run grows with the stay, so that it goes with completing although nothing comes of it."""
    stays = attended(cohort, "group")
    middle = stays["streak"].median()
    long, short = (
        stays.loc[side, "completed"].mean() for side in (stays["streak"] > middle, stays["streak"] <= middle)
    )
    assert long > short + 0.2
    ours = difference(cohort, service="group", least=11, outcome="completed")
    assert ours["ci_low"] < 0 < ours["ci_high"]


def test_the_interval_covers_no_difference_as_often_as_it_says(records: iop.Records) -> None:
    """Forty programmes of 150 people: at 95 %, 38 intervals are expected to hold zero, and 34 or more nearly always."""
    held = 0
    for place in range(_PROGRAMMES):
        one = iop.select_cohort(records, programs=[f"p{place}"], exit_rule="discharge")
        row = difference(one, service="family")
        held += row["ci_low"] < 0 < row["ci_high"]
    assert held >= 34
