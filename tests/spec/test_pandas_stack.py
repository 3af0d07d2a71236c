"""What the benchmarks time against this package comes to the same figures."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.measures.groups import measure_by_group
from iop_outcomes.records.synthetic.sample import write_sample

SUITE = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("many") / "records"
    write_sample(made, people=150, seed=4, form="parquet")
    return made


@pytest.fixture(scope="module")
def stack(folder: Path) -> dict[str, Any]:
    """The functions of the stack, and what they make of the records."""
    sys.path.insert(0, str(SUITE))
    try:
        made = runpy.run_path(str(SUITE / "pandas_stack.py"))
    finally:
        sys.path.remove(str(SUITE))
    programs, episodes, attendance, outcomes = made["read_tables"](folder)
    cohort = made["choose_cohort"](programs, episodes, attendance)
    sessions = made["join_sessions"](cohort, attendance)
    return {**made, "programs": programs, "cohort": cohort, "sessions": sessions, "outcomes": outcomes}


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Any:
    return iop.select_cohort(iop.read_records(folder), level_of_care="2.1", admitted=("2025-01-01", "2025-12-31"))


def test_the_same_people_are_counted(stack: dict[str, Any], cohort: Any) -> None:
    assert len(stack["cohort"]) == cohort.attrition[-1].episodes > 50


def test_hours_are_the_same(stack: dict[str, Any], cohort: Any) -> None:
    attended, offered, met = stack["hours"](stack["programs"], stack["cohort"], stack["sessions"])[:3]
    ours = iop.measure_hours(cohort).where(by="all", category="all")
    assert ours.value(definition="hours_completion_enrolled@1") == pytest.approx(attended[0], rel=1e-12)
    assert ours.value(definition="fidelity@1") == pytest.approx(offered[0], rel=1e-12)
    assert ours.value(definition="requirement_met@1") == pytest.approx(met[0], rel=1e-12)


def test_sessions_are_the_same(stack: dict[str, Any], cohort: Any) -> None:
    found = stack["attendance_shares"](stack["sessions"])
    ours = iop.measure_attendance(cohort).where(definition="session_status@1", by="all")
    for place, status in enumerate(("attended", "no_show", "excused", "cancelled_by_program")):
        assert ours.value(category=status) == pytest.approx(found[place][0], rel=1e-12)


def test_staying_is_the_same(stack: dict[str, Any], cohort: Any) -> None:
    (values, _, _), *_ = stack["staying"](stack["cohort"])
    ours = iop.measure_retention(cohort, at=stack["DAYS"]).where(definition="in_programme@1")
    np.testing.assert_allclose(ours.frame["value"].astype(float), values, rtol=1e-12)


def test_groups_are_the_same(stack: dict[str, Any], cohort: Any) -> None:
    found = pd.DataFrame(stack["groups"](stack["cohort"])).set_index(0)[1]
    ours = measure_by_group(cohort, "retained", at=30, by=["gender"]).where(by="gender", estimand="proportion")
    for row in ours.rows():
        assert row["value"] == pytest.approx(found[row["group"]], rel=1e-12)
