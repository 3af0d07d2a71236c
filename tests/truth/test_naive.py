"""The analyses the definitions warn of miss the known truth; ours hold it. One population of 12,000 people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.records.synthetic import load_truth, true_value
from iop_outcomes.statistics import kaplan_meier, ratio_of_sums


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    records = iop.read_records(iop.simulate_records(people=12_000, seed=77, perfect_observation=True).source)
    return iop.select_cohort(records, level_of_care="2.1")


def truth(definition: str, category: str = "", at: float | None = None, rule: str = "last_contact") -> float:
    rows = load_truth()
    rows = rows[rows["at"].isna() if at is None else rows["at"] == at]
    return true_value(
        rows, population="attended", level_of_care="2.1", exit_rule=rule, definition=definition, category=category
    )


def holds(estimates: iop.Estimates, value: float, **where: Any) -> bool:
    row = estimates.where(by="all", **where).frame.iloc[0]
    reach = (row["ci_high"] - row["ci_low"]) / 2 * (3 / 1.96)
    return abs(row["value"] - value) < reach


def stays(cohort: Cohort, *columns: str) -> pd.DataFrame:
    return reductions.episode_rows(cohort.episodes, "person_id", "exit_day", "cause", "end_reason", *columns)


def test_one_minus_kaplan_meier_makes_the_endings_add_to_more_than_everyone(cohort: Cohort) -> None:
    """Censoring completers when counting leavers, and leavers when counting completers, counts people twice."""
    frame = stays(cohort)
    leaving, completing = (
        1 - kaplan_meier(frame["exit_day"], frame["end_reason"] == reason).at(60).value
        for reason in ("left_early", "completed")
    )
    true_leaving = truth("ending@1", "left_early", 60)
    assert leaving > true_leaving * 1.05
    assert leaving + completing > 1
    ours = iop.measure_endings(cohort)
    at = float(ours.frame["at"].max())
    assert holds(ours, truth("ending@1", "left_early", 56), category="left_early", at=56)
    parts = ours.where(at=at, definition="ending@1")
    assert parts.frame["value"].sum() == pytest.approx(1, abs=1e-12)


def test_those_who_stayed_reach_milestones_more_often_than_those_admitted(cohort: Cohort) -> None:
    """Thirty days sober among people who completed says little of everyone admitted."""
    value = truth("milestone@1", "30", 56)
    completers = iop.select_cohort(cohort.records, level_of_care="2.1", rung="completed")
    naive = iop.measure_milestones(completers, milestones=(30,)).value(
        definition="milestone_bridged@1", category="30", at=56, by="all"
    )
    assert naive > value + 0.15
    ours = iop.measure_milestones(cohort, milestones=(30,))
    assert holds(ours, value, definition="milestone_bridged@1", category="30", at=56)


def test_dropping_missed_sessions_without_a_date_raises_attendance(cohort: Cohort) -> None:
    value = truth("session_status@1", "attended", None, "")
    sessions = reductions.collect(cohort.attendance.select("day", "status"))
    dated = sessions[sessions["day"].notna()]
    naive = (dated["status"] == "attended").mean()
    assert naive > value + 0.02
    assert holds(iop.measure_attendance(cohort), value, definition="session_status@1", category="attended")


def test_hours_while_enrolled_are_not_the_hours_of_the_course(cohort: Cohort) -> None:
    """People who leave take their missing hours with them."""
    whole = truth("hours_completion_admitted@1", "all", None, "")
    hours = iop.measure_hours(cohort)
    enrolled = hours.value(definition="hours_completion_enrolled@1", category="all", by="all")
    assert enrolled > whole + 0.15
    assert holds(hours, whole, definition="hours_completion_admitted@1", category="all")


def test_taking_people_who_come_twice_for_two_is_too_sure(cohort: Cohort) -> None:
    """Hours of a person's episodes go together; people as clusters give the wider, right error."""
    frame = stays(cohort)
    attended = reductions.collect(reductions.hours_by_week(cohort.attendance)).groupby("episode_id")["attended"].sum()
    frame["hours"] = frame["episode_id"].map(attended).fillna(0.0)
    repeat = frame[frame["person_id"].duplicated(keep=False)]

    def error(keys: pd.Series) -> float:
        sums = repeat.assign(one=1.0).groupby(keys)[["hours", "one"]].sum()
        y, x = sums["hours"].to_numpy(), sums["one"].to_numpy()
        return float(np.asarray(ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(sums)).std_error))

    assert error(repeat["person_id"]) > 1.05 * error(repeat["episode_id"])


def test_counting_only_closed_episodes_bends_retention(cohort: Cohort) -> None:
    """Of people admitted in the last ten weeks, those already gone are those who stayed short."""
    recent = iop.select_cohort(cohort.records, level_of_care="2.1", admitted=("2025-11-22", "2026-01-31"))
    value = truth("mean_days_in_programme@1", "", 56)
    frame = stays(recent)
    closed = frame[frame["cause"] > 0]
    assert 0.2 < len(closed) / len(frame) < 0.8
    assert np.minimum(closed["exit_day"], 56).mean() < value - 8
    assert holds(iop.measure_retention(recent, tau=56), value, definition="mean_days_in_programme@1")
