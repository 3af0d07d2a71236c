"""Order and names change nothing in the measures of outcomes, groups and sites either; parts add to everyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates

KEYS = ["measure", "definition", "estimand", "category", "by", "group", "at", "reference"]
MEASURES: dict[str, Callable[[Cohort], Estimates]] = {
    "retention": lambda cohort: iop.compare_retention(cohort, by="schedule"),
    "pathways": iop.measure_pathways,
    "attendance": lambda cohort: iop.compare_attendance(cohort, by="schedule"),
    "abstinence": lambda cohort: iop.measure_abstinence(cohort, by="schedule", imputations=3),
    "use": iop.measure_use_days,
    "change": lambda cohort: iop.measure_change(cohort, by="gender"),
    "roles": iop.measure_roles,
    "landmark": iop.measure_landmark,
    "sites": lambda cohort: iop.measure_by_site(cohort, adjust=("severity",)),
    "groups": lambda cohort: iop.measure_by_group(cohort, by=("employment",)),
}


def cohort_of(source: dict[str, Any]) -> Cohort:
    return iop.select_cohort(iop.read_records(source), level_of_care="2.1")


@pytest.fixture(scope="module")
def cohorts() -> tuple[Cohort, Cohort]:
    """The synthetic records, and the same with rows shuffled and people and episodes renamed."""
    source = dict(iop.simulate_records(people=220, seed=8).source)
    draw = np.random.default_rng(2)
    other = dict(source)
    for column in ("person_id", "episode_id"):
        old = sorted(set(source["episodes"][column]))
        names = dict(zip(old, (f"x{place}" for place in draw.permutation(len(old))), strict=True))
        for name, frame in other.items():
            if name != "settings" and column in frame:
                other[name] = frame.assign(**{column: frame[column].map(names)})
    for name, frame in other.items():
        if name != "settings":
            other[name] = frame.sample(frac=1, random_state=3)
    return cohort_of(source), cohort_of(other)


@pytest.mark.parametrize("name", MEASURES)
def test_the_order_of_rows_and_the_names_of_people_change_nothing(cohorts: tuple[Cohort, Cohort], name: str) -> None:
    frames = []
    for cohort in cohorts:
        frames.append(MEASURES[name](cohort).frame.sort_values(KEYS, ignore_index=True))
    assert frames[0]["value"].notna().any()
    pd.testing.assert_frame_equal(*frames, check_exact=False, rtol=1e-9, atol=1e-10)


def test_segments_add_to_everyone_who_was_counted(cohorts: tuple[Cohort, Cohort]) -> None:
    parts = [iop.measure_change(cohorts[0]).where(definition="change_segment@1")]
    parts += [iop.measure_roles(cohorts[0]).where(estimand="proportion")]
    for part in parts:
        frame = part.frame.assign(
            subject=part.frame["category"].str.partition("/")[0].where(lambda text: text.isin(["phq9", "gad7"]), "")
        )
        for _, segments in frame.groupby(["definition", "subject"]):
            assert segments["n"].sum() == segments["denominator"].iloc[0]
            assert segments["denominator"].nunique() == 1


def test_bounds_enclose_every_reading(cohorts: tuple[Cohort, Cohort]) -> None:
    found = iop.measure_abstinence(cohorts[0], imputations=5)
    for at in (30.0, 90.0, 180.0):
        row = {key: found.value(definition=f"abstinent_{key}@1", at=at, by="all") for key in
               ("missing_using", "responders", "weighted", "imputed", "missing_sober")}  # fmt: skip
        assert row["missing_using"] <= min(row["responders"], row["weighted"], row["imputed"])
        assert row["missing_sober"] >= max(row["responders"], row["weighted"], row["imputed"])
