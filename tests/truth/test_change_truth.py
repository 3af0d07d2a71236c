"""What a change from before to after is worth: known where care adds a known number of points, and where nothing is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.records.synthetic import Sample, load_truth, true_value


@pytest.fixture(scope="module")
def sample() -> Sample:
    return iop.simulate_records(6_000, 41, perfect_observation=True, censoring=False)


@pytest.fixture(scope="module")
def cohort(sample: Sample) -> iop.Cohort:
    return iop.select_cohort(iop.read_records(sample.source), level_of_care="2.1", admitted=sample.admitted)


@pytest.fixture(scope="module")
def everyone(cohort: iop.Cohort) -> iop.Estimates:
    return iop.measure_change(cohort, scales=["phq9", "gad7", "barc10"])


def truth(definition: str, category: str) -> float:
    return true_value(
        load_truth(), population="attended", level_of_care="2.1", definition=definition, category=category
    )


def row(estimates: iop.Estimates, **where: Any) -> pd.Series:
    found = estimates.where(by="all", **where).frame
    assert len(found) == 1
    return found.iloc[0]


def holds(line: pd.Series, value: float, errors: float = 3.0) -> bool:
    """Whether a value lies within so many standard errors; the interval reaches 1.96."""
    return abs(line["value"] - value) < (line["ci_high"] - line["ci_low"]) / 2 * (errors / 1.96)


@pytest.mark.parametrize("category", ["phq9", "phq9/cases", "gad7", "gad7/cases", "barc10", "barc10/cases"])
def test_mean_change_is_that_of_a_complete_record(everyone: iop.Estimates, category: str) -> None:
    line = row(everyone, definition="change_mean@1", category=category)
    assert holds(line, truth("change_mean@1", category))
    assert line["ci_high"] - line["ci_low"] < 0.6


@pytest.mark.parametrize("scale", ["phq9", "gad7"])
@pytest.mark.parametrize("segment", ["improved", "same", "worse", "unknown"])
def test_segments_are_those_of_a_complete_record(everyone: iop.Estimates, scale: str, segment: str) -> None:
    category = f"{scale}/{segment}"
    line = row(everyone, definition="change_segment@1", category=category)
    assert holds(line, truth("change_segment@1", category))


def test_people_chosen_at_a_bad_time_improve_more_than_care_improves_them(everyone: iop.Estimates) -> None:
    """Of the fall of people with 10 points or more, less than a third is care's; the expected regression accounts for
    a part of the rest, and the bad spell at admission, which nobody's test–retest correlation knows of, for the others.
    """
    care = truth("change_by_care@1", "phq9/cases")
    naive = row(everyone, definition="change_mean@1", category="phq9/cases")
    assert naive["ci_high"] < 3 * care < 0
    alone = row(everyone, definition="expected_regression@1", category="phq9/cases")["value"]
    assert alone < -0.5
    assert abs(naive["value"] - alone - care) < abs(naive["value"] - care)
    assert naive["ci_high"] - alone < care  # taking it off is not enough, which the definition says


def test_completers_alone_improve_more_than_everybody(cohort: iop.Cohort, everyone: iop.Estimates) -> None:
    completers = iop.select_cohort(
        cohort.records, level_of_care="2.1", admitted=cohort.settings["admitted"], rung="completed"
    )
    naive = row(
        iop.measure_change(completers, scales=["phq9"]), definition="reliable_improvement@1", category="phq9/improved"
    )
    ours = row(everyone, definition="reliable_improvement@1", category="phq9/improved")
    value = truth("change_segment@1", "phq9/improved")
    assert naive["ci_low"] > value + 0.03
    assert holds(ours, value)


def test_exit_assessments_alone_speak_of_people_who_complete(sample: Sample) -> None:
    """As records are kept, most exit assessments are made with people who complete: more is unknown than in care."""
    seen = iop.simulate_records(1_500, 41, censoring=False)
    cohort = iop.select_cohort(iop.read_records(seen.source), level_of_care="2.1", admitted=sample.admitted)
    unknown = {
        to: row(
            iop.measure_change(cohort, scales=["phq9"], to=to), definition="change_segment@1", category="phq9/unknown"
        )["value"]
        for to in ("exit", "last")
    }
    assert unknown["exit"] > unknown["last"] + 0.08
    band = [
        row(iop.measure_change(cohort, scales=["phq9"]), definition=f"reliable_improvement{end}@1")["value"]
        for end in ("", "_upper")
    ]
    assert band[0] < truth("change_segment@1", "phq9/improved") < band[1]


def nothing_done(people: int, seed: int) -> iop.Cohort:
    """People asked twice with nothing in between: normal, mean 13, standard deviation 5, test–retest .75, whole points."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=people)
    second = 0.75 * first + np.sqrt(1 - 0.75**2) * rng.normal(size=people)
    scores = [np.clip(np.rint(13 + 5 * z), 0, 27).astype(int).astype(str) for z in (first, second)]
    ids = [f"e{place}" for place in range(people)]
    shared = {"instrument": "phq9", "status": "done"}
    frames = {
        "programs": pd.DataFrame(
            {"program_id": ["north"], "label": ["North"], "level_of_care": ["2.1"], "planned_weeks": ["8"]}
        ),
        "episodes": pd.DataFrame({"episode_id": ids, "person_id": ids}).assign(
            program_id="north", admission_date="2025-01-06", discharge_day="50", end_reason="completed"
        ),
        "attendance": pd.DataFrame({"episode_id": ids}).assign(
            day="0", service_type="group", status="attended", hours_offered="3", hours_attended="3"
        ),
        "outcomes": pd.concat(
            [
                pd.DataFrame({"episode_id": ids, "score": scores[0]}).assign(day="0", point="intake", **shared),
                pd.DataFrame({"episode_id": ids, "score": scores[1]}).assign(day="50", point="exit", **shared),
            ]
        ),
        "settings": {"name": "Nothing done", "as_of": "2025-12-31", "ids_are_random": True, "synthetic": True},
    }
    return iop.select_cohort(iop.read_records(frames))


def test_with_nothing_done_the_expected_regression_is_the_whole_change() -> None:
    """Before and after say that people with 10 points or more improved; what they would do by themselves says why."""
    found = iop.measure_change(nothing_done(4_000, 5), scales=["phq9"])
    change = row(found, definition="change_mean@1", category="phq9/cases")
    assert change["ci_high"] < -0.4
    assert holds(change, row(found, definition="expected_regression@1", category="phq9/cases")["value"], 2.5)
    improved = row(found, definition="improvement_cases@1", category="phq9/cases")
    assert improved["ci_low"] > 0.05
    assert holds(improved, row(found, definition="expected_improvement@1", category="phq9/cases")["value"], 2.5)
    everybody = row(found, definition="change_mean@1", category="phq9")
    assert everybody["ci_low"] < 0 < everybody["ci_high"]
