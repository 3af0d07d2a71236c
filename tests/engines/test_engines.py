"""One suite over the engines: every measure gives the same numbers wherever the tables live.

DuckDB is the engine in use; pandas behind the same lazy expressions is the oracle beside it, Spark stands in
``test_spark.py``. An engine is a function from the five tables as pandas frames to lazy frames and a ``lift``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes import reductions
from iop_outcomes.measures.quarters import PERIOD_MEASURES
from iop_outcomes.records.model import Records
from iop_outcomes.schema import TABLES

Placed = tuple[dict[str, nw.LazyFrame[Any]], Callable[[Any], nw.LazyFrame[Any]]]

_TYPES = {"date": "datetime64[us]", "day": "Int64", "integer": "Int64", "year": "Int64"}


def on_pandas(frames: dict[str, pd.DataFrame]) -> Placed:
    def lift(frame: Any) -> nw.LazyFrame[Any]:
        native = frame.collect().to_native() if isinstance(frame, nw.LazyFrame) else frame
        return nw.from_native(native.reset_index(drop=True)).lazy()

    return {name: lift(frame) for name, frame in frames.items()}, lift


ENGINES: dict[str, Callable[[dict[str, pd.DataFrame]], Placed]] = {"pandas": on_pandas}


def simulate(people: int = 60, seed: int = 5) -> dict[str, Any]:
    """Records with everything that an engine could treat in its own way: ties, gaps, missing cells, repeat clients."""
    draw = np.random.default_rng(seed)
    as_of, sessions, reports, stays = date(2025, 12, 31), [], [], []
    for place in range(people):
        person, admitted = f"p{place % (people - 10)}", date(2024, 1, 1) + timedelta(int(draw.integers(0, 720)))
        if place >= people - 10:
            admitted = date(2025, 12, 1) + timedelta(int(draw.integers(0, 30)))
        seen = (as_of - admitted).days
        length = int(min(draw.geometric(0.02), 70))
        ended = length <= seen and not (place < people - 10 and place % 9 == 0)
        reason = draw.choice(["completed", "left_early", "terminated", "transferred"]) if ended else ""
        own = draw.choice(["", "6", "12"], p=[0.8, 0.1, 0.1])
        gender = draw.choice(["female", "male", ""])
        discharge = str(admitted + timedelta(length)) if ended else ""
        stays.append((f"e{place}", person, draw.choice(["A", "B"]), str(admitted), discharge, reason, own, gender))
        for day in range(min(length if ended else seen, 70)):
            status = draw.choice(["attended", "no_show", "excused", "cancelled_by_program"], p=[0.7, 0.2, 0.05, 0.05])
            status = "attended" if day == 0 else status
            if day % 7 in (0, 2, 4):
                undated = status == "no_show" and day % 2 == 0
                spent = draw.choice(["3", "2", ""], p=[0.7, 0.25, 0.05]) if status == "attended" else ""
                when = ("", str(day // 7 + 1)) if undated else (str(day), "")
                kind = ["group", "individual", "family"][day % 7 // 2]
                sessions.append((f"e{place}", *when, f"s{day}", kind, "3", spent, status))
            if day % 7 == 3:
                for instrument, covered in (("urine", ""), ("self_report", "6")):
                    result = draw.choice(["negative", "positive"], p=[0.85, 0.15])
                    reports.append((f"e{place}", str(day), "week", instrument, "any", result, covered, "done"))
    names = {
        "programs": "program_id label level_of_care planned_weeks required_hours required_hours_by_week schedule",
        "episodes": "episode_id person_id program_id admission_date discharge_date end_reason weekly_hours gender",
        "attendance": "episode_id day week visit service_type hours_offered hours_attended status",
        "outcomes": "episode_id day point instrument substance result days_covered status",
    }
    programs = [("A", "A", "2.1", "8", "9", "1-6:9 7-8:6", "day"), ("B", "B", "2.1", "6.5", "", "", "evening")]
    rows = {"programs": programs, "episodes": stays, "attendance": sessions, "outcomes": reports}
    frames: dict[str, Any] = {name: pd.DataFrame(rows[name], columns=names[name].split(), dtype=str) for name in rows}
    closed = [{"program_id": "A", "from": "2024-12-23", "to": "2025-01-01"}]
    settings = {"name": "Engines", "as_of": str(as_of), "ids_are_random": True, "closures": closed}
    return {**frames, "settings": settings}


@pytest.fixture(scope="module")
def duckdb_records() -> Records:
    records = iop.read_records(simulate(), today=date(2026, 6, 30))
    assert records.manifest.faults == 0, records.manifest.set_aside.to_string()
    return records


@pytest.fixture(scope="module", params=sorted(ENGINES))
def other_records(request: pytest.FixtureRequest, duckdb_records: Records) -> Records:
    return move(duckdb_records, ENGINES[request.param])


def move(duckdb_records: Records, place: Callable[[dict[str, pd.DataFrame]], Placed]) -> Records:
    """The same records on another engine."""
    frames = {}
    for name, table in TABLES.items():
        frame = reductions.collect(getattr(duckdb_records, name))
        kinds = {
            spec.name: _TYPES.get(spec.kind, "float64" if spec.kind in ("number", "hours") else "str")
            for spec in table.fields
        }
        frames[name] = frame.astype(kinds)
    lazy, lift = place(frames)
    return replace(duckdb_records, **lazy, lift=lift)


MEASURES: dict[str, Callable[[Any], Any]] = {
    "attrition": lambda cohort: cohort.describe_attrition(),
    "retention": lambda cohort: iop.measure_retention(cohort, by="gender"),
    "endings": lambda cohort: iop.measure_endings(cohort, by="schedule"),
    "hours": lambda cohort: iop.measure_hours(cohort, by="gender"),
    "attendance": lambda cohort: iop.measure_attendance(cohort, by="gender"),
    "milestones": lambda cohort: iop.measure_milestones(cohort, by="admission_quarter", every=30),
    "people": lambda cohort: iop.measure_people(cohort),
    "completeness": lambda cohort: iop.measure_completeness(cohort),
    **{
        what: lambda cohort, what=what: iop.measure_by_period(cohort, what, period="quarter")
        for what in PERIOD_MEASURES
        if what != "improved"
    },
}


@pytest.fixture(scope="module")
def cohorts(duckdb_records: Records, other_records: Records) -> tuple[Any, Any]:
    chosen = {"level_of_care": "2.1", "admitted": ("2024-02-01", "2025-12-31")}
    return iop.select_cohort(duckdb_records, **chosen), iop.select_cohort(other_records, **chosen)


@pytest.mark.parametrize("name", MEASURES)
def test_every_engine_gives_the_same_numbers(cohorts: tuple[Any, Any], name: str) -> None:
    one, other = (MEASURES[name](cohort).frame for cohort in cohorts)
    assert len(one) > 0
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-12, atol=1e-12)


#: What needs scales, roles, interviews and several levels of care: on the synthetic records.
OF_OUTCOMES: dict[str, Callable[[Any], Any]] = {
    "retention contrasts": lambda cohort: iop.compare_retention(cohort, by="schedule"),
    "pathways": lambda cohort: iop.measure_pathways(cohort),
    "sensitivity": lambda cohort: iop.measure_sensitivity(cohort.records, level_of_care="2.1", at=(30,)),
    "attendance contrasts": lambda cohort: iop.compare_attendance(cohort, by="schedule"),
    "telehealth": lambda cohort: iop.compare_attendance(cohort, by="modality"),
    "abstinence": lambda cohort: iop.measure_abstinence(cohort, by="schedule", imputations=5),
    "days of use": lambda cohort: iop.measure_use_days(cohort),
    "change": lambda cohort: iop.measure_change(cohort, by="gender"),
    "roles": lambda cohort: iop.measure_roles(cohort, to="followup"),
    "improved": lambda cohort: iop.measure_by_period(cohort, "improved", period="quarter"),
    "landmark": lambda cohort: iop.measure_landmark(cohort),
    "sites": lambda cohort: iop.measure_by_site(cohort, adjust=("severity",)),
    "groups": lambda cohort: iop.measure_by_group(cohort, by=("gender",)),
}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def outcome_cohorts(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    records = iop.read_records(iop.simulate_records(people=250, seed=3).source)
    both = (records, move(records, ENGINES[request.param]))
    one, other = (iop.select_cohort(each, level_of_care="2.1") for each in both)
    return one, other


@pytest.mark.parametrize("name", OF_OUTCOMES)
def test_every_engine_gives_the_same_outcomes(outcome_cohorts: tuple[Any, Any], name: str) -> None:
    one, other = (OF_OUTCOMES[name](cohort).frame for cohort in outcome_cohorts)
    assert one["value"].notna().any()
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "choice",
    [
        {"exit_rule": "discharge"},
        {"rung": "engaged"},
        {"rung": "completed", "episodes": "first"},
        {"admitted": ("2024", "2024")},
        {"admitted": ("2020", "2020")},
    ],
)
def test_every_engine_counts_the_same_people(
    duckdb_records: Records, other_records: Records, choice: dict[str, Any]
) -> None:
    one, other = (iop.select_cohort(records, **choice) for records in (duckdb_records, other_records))
    assert one.attrition == other.attrition
    columns = (
        "person_id",
        "exit_day",
        "cause",
        "planned_days",
        "episode_number",
        "admission_number",
        "admission_quarter",
    )
    rows = [reductions.episode_rows(cohort.episodes, *columns) for cohort in (one, other)]
    pd.testing.assert_frame_equal(*rows, check_dtype=False)


def test_day_numbers_are_those_of_the_calendar(duckdb_records: Records) -> None:
    """Days since 1970-01-01, worked out by arithmetic that every engine has, over leap years and century years."""
    days = [
        date(1899, 12, 31),
        date(1900, 3, 1),
        date(1970, 1, 1),
        date(2000, 2, 29),
        date(2024, 12, 31),
        date(2100, 3, 1),
    ]
    episodes = reductions.collect(duckdb_records.episodes).head(len(days)).assign(admission_date=pd.to_datetime(days))
    lifted = duckdb_records.lift(episodes)
    clock = reductions.episode_clock(duckdb_records.programs, lifted, duckdb_records.attendance, "discharge")
    found = reductions.episode_rows(clock, "episode_code", "admission_number")
    found = found.set_index("episode_code")["admission_number"]
    expected = [(day - date(1970, 1, 1)).days for day in days]
    assert found.loc[episodes["episode_id"]].tolist() == expected
