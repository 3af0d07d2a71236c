"""Every measure on real PySpark gives the numbers it gives on DuckDB, and records are read there alike."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from alike import check_alike, spoil, write_folders
from test_engines import MEASURES, OF_OUTCOMES, move, simulate

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.records.model import Records
from iop_outcomes.records.spark import Distributed
from iop_outcomes.schema import TABLES

#: PySpark 4.3 hands over to pandas 3 in ways that pandas announces the end of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]
#: What is compared in every run: life tables, counts and shares of people, a series. The others run with the slow tests.
QUICK = ("retention", "endings", "people", "retained")


def _marked(names: Any, quick: tuple[str, ...] = ()) -> list[Any]:
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.slow) for name in names]


def on_spark(session: Any) -> Any:
    """The five tables as pandas frames, on Spark."""
    engine = Distributed(session)

    def place(frames: dict[str, pd.DataFrame]) -> Any:
        return {name: engine.place(TABLES[name], [frame]) for name, frame in frames.items()}, engine.lift

    return place


def both(records: Records, session: Any, **choice: Any) -> tuple[Any, Any]:
    one, other = (iop.select_cohort(each, **choice) for each in (records, move(records, on_spark(session))))
    assert one.attrition == other.attrition
    return one, other


@pytest.fixture(scope="module")
def cohorts(spark: Any) -> tuple[Any, Any]:
    records = iop.read_records(simulate(), today=date(2026, 6, 30))
    return both(records, spark, level_of_care="2.1", admitted=("2024-02-01", "2025-12-31"))


@pytest.fixture(scope="module")
def outcome_cohorts(spark: Any) -> tuple[Any, Any]:
    return both(iop.read_records(iop.simulate_records(people=120, seed=3).source), spark, level_of_care="2.1")


@pytest.mark.parametrize("name", _marked(MEASURES, QUICK))
def test_spark_gives_the_same_numbers(cohorts: tuple[Any, Any], name: str) -> None:
    one, other = (MEASURES[name](cohort).frame for cohort in cohorts)
    assert len(one) > 0
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", _marked(OF_OUTCOMES))
def test_spark_gives_the_same_outcomes(outcome_cohorts: tuple[Any, Any], name: str) -> None:
    one, other = (OF_OUTCOMES[name](cohort).frame for cohort in outcome_cohorts)
    assert one["value"].notna().any()
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("form", "seed"),
    [("tables", 1), pytest.param("parquet", 2, marks=pytest.mark.slow), pytest.param("csv", 3, marks=pytest.mark.slow)],
)
def test_records_are_read_on_spark_as_here(spark: Any, tmp_path: Path, form: str, seed: int) -> None:
    sample = iop.simulate_records(people=20, seed=seed)
    spoilt: dict[str, Any] = spoil(sample.tables, seed, share=0.01)
    settings = {"settings": dict(sample.settings)}
    here = iop.read_records({**spoilt, **settings})
    if form == "tables":
        given = {**spoilt, "attendance": spark.createDataFrame(spoilt["attendance"].astype(object))}
    else:
        given = write_folders(spoilt, tmp_path, form)
    there = iop.read_records({**given, **settings}, engine=spark)
    assert here.manifest.faults > 5
    check_alike(here, there)
    assert there.attendance.implementation.is_spark_like()


def test_what_spark_cannot_take_is_said(spark: Any) -> None:
    sample = iop.simulate_records(people=20, seed=1)
    with pytest.raises(UsageError, match="Spark takes its own"):
        iop.read_records(sample.source, engine=spark, memory_limit="1GB")
    with pytest.raises(UsageError, match="hand over engine=, its session"):
        iop.read_records({**sample.source, "outcomes": spark.range(3)})
