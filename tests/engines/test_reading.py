"""Reading on an engine comes to what reading in memory comes to: rows in use, accounts, and rows set aside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pytest
from alike import LARGE, check_alike, spoil, write_folders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import iop_outcomes as iop
from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records import large, triage
from iop_outcomes.records.engine import Embedded
from iop_outcomes.records.loading import describe_account, write_set_aside
from iop_outcomes.records.synthetic import Sample


@pytest.fixture(scope="module")
def sample() -> Sample:
    return iop.simulate_records(people=30, seed=2)


def read(tables: dict[str, Any], sample: Sample, **arguments: Any) -> Any:
    return iop.read_records({**tables, "settings": dict(sample.settings)}, **arguments)


@pytest.mark.parametrize(("form", "seed"), [("parquet", 1), ("csv", 2)])
def test_a_folder_of_files_reads_as_one_file_does(
    sample: Sample, tmp_path: Path, form: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage, "BLOCK", 200)
    spoilt = spoil(sample.tables, seed)
    here = read(spoilt, sample)
    there = read(write_folders(spoilt, tmp_path, form), sample, memory_limit="1GB", spill=tmp_path / "spill")
    assert here.manifest.faults > 50
    check_alike(here, there)
    for name in LARGE:
        size = -(-len(spoilt[name]) // 2)
        found = [records.manifest.set_aside[records.manifest.set_aside["table"] == name] for records in (here, there)]
        places = [divmod(row - 2, size) for row in found[0]["row"]]
        expected = [(f"{name}/part-{part}.{form}", row + 2) for part, row in places]
        assert sorted(expected) == sorted(zip(found[1]["file"], found[1]["row"], strict=True))
    assert f"attendance/part-0.{form}" in there.manifest.hashes
    assert "2 files" in describe_account(there.manifest)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_faults_are_found_alike(sample: Sample, tmp_path: Path, seed: int) -> None:
    spoilt = spoil(sample.tables, seed, share=0.1)
    lazy = {name: duckdb.from_df(frame) if name in LARGE else frame for name, frame in spoilt.items()}
    check_alike(read(spoilt, sample), read(lazy, sample))


def test_partitions_and_frames_of_other_makes(sample: Sample, tmp_path: Path) -> None:
    here = read(dict(sample.tables), sample)
    attendance = sample.attendance
    for year, rows in attendance.groupby(attendance["date"].str[:4].replace("", "none")):
        folder = tmp_path / "attendance" / f"year={year}"
        folder.mkdir(parents=True)
        rows.to_csv(folder / "visits.csv", index=False)
    episodes = nw.from_native(sample.episodes).to_arrow()
    halved = {**sample.tables, "episodes": episodes, "outcomes": duckdb.from_df(sample.outcomes)}
    check_alike(here, read({**halved, "attendance": tmp_path / "attendance"}, sample))
    parts = large.find_parts(tmp_path / "attendance")
    assert len(parts) >= 3
    assert large.find_parts(tmp_path / "attendance" / "year=*" / "*.csv") == parts


def test_polars_frames_are_read(sample: Sample) -> None:
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    frames = {name: polars.from_pandas(frame) for name, frame in sample.tables.items()}
    lazy = {**frames, "attendance": frames["attendance"].lazy()}
    check_alike(read(dict(sample.tables), sample), read(lazy, sample))


def test_days_without_dates_are_read_on_the_engine(tmp_path: Path) -> None:
    """Safe harbor: no date anywhere, ids that are whole numbers, hours that are numbers."""
    episodes = pd.DataFrame({"episode_id": [1, 2, 3], "person_id": [7, 7, 8], "program_id": "a"})
    episodes = episodes.assign(admission_year=2024, observed_day=[400, 300, 200], person_day=[0, 100, 0])
    attendance = pd.DataFrame({"episode_id": [1, 1, 2, 4], "day": [0, 2, 301, 1], "service_type": "group"})
    attendance = attendance.assign(hours_offered=[3.0, 30.0, 3.0, 3.0], hours_attended=3.0, status="attended")
    programs = pd.DataFrame({"program_id": ["a"], "label": "A", "level_of_care": "2.1", "planned_weeks": 8})
    frames = {"programs": programs, "episodes": episodes, "attendance": attendance}
    given = {"settings": {"ids_are_random": True, "privacy": "safe_harbor"}}
    here = iop.read_records({**frames, **given})
    lazy = {name: duckdb.from_df(frame) if name in LARGE else frame for name, frame in frames.items()}
    there = iop.read_records({**lazy, **given})
    check_alike(here, there)
    rules = {"over_24_hours": 1, "unknown_episode": 1, "episode_set_aside": 1}
    assert dict(there.manifest.accounts[2].set_aside) == rules


def test_what_tells_who_somebody_is_is_found_among_many_ids(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iop_outcomes.records.distinct.MOST", 5)
    known = sample.episodes["episode_id"].iloc[3]
    spoilt = {name: frame.replace({"episode_id": {known: "123-45-6789"}}) for name, frame in sample.tables.items()}
    lazy = {name: duckdb.from_df(frame) if name in LARGE else frame for name, frame in spoilt.items()}
    with pytest.raises(RecordsError, match="episodes, column episode_id: 1 row with what looks like social security"):
        read(lazy, sample)


def test_a_large_file_is_read_on_the_engine(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", {".csv": 10, ".parquet": 10})
    for name, frame in sample.tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "program.toml").write_text('name = "A"\nas_of = 2026-01-31\nids_are_random = true\n', encoding="utf-8")
    there = iop.read_records(tmp_path)
    check_alike(read(dict(sample.tables), sample), there)
    assert there.manifest.accounts[2].files == ("attendance.csv",)


def test_rows_set_aside_are_written_as_parquet(sample: Sample, tmp_path: Path) -> None:
    records = read(spoil(sample.tables, 3), sample)
    for name in ("aside.parquet", "aside.csv"):
        write_set_aside(records, tmp_path / name)
    written = pd.read_csv(tmp_path / "aside.csv", dtype=str, keep_default_na=False)
    stored = duckdb.read_parquet(str(tmp_path / "aside.parquet")).df().astype("str").fillna("").replace({"nan": ""})
    pd.testing.assert_frame_equal(stored, written.astype("str"), check_dtype=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aside.csv", "aside.parquet"]


def test_what_an_engine_cannot_take_is_said(sample: Sample, tmp_path: Path) -> None:
    tables: dict[str, Any] = dict(sample.tables)
    with pytest.raises(UsageError, match="engine is duckdb"):
        read(tables, sample, engine="mysql")
    with pytest.raises(UsageError, match="memory_limit is a number"):
        read(tables, sample, memory_limit="plenty")
    with pytest.raises(UsageError, match="attendance must be a frame"):
        read({**tables, "attendance": 3}, sample)
    (tmp_path / "attendance").mkdir()
    with pytest.raises(RecordsError, match="holds no Parquet or CSV file"):
        read({**tables, "attendance": tmp_path / "attendance"}, sample)
    (tmp_path / "attendance" / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "attendance" / "b.parquet").write_bytes(b"not Parquet")
    with pytest.raises(RecordsError, match="keep one kind"):
        read({**tables, "attendance": tmp_path / "attendance"}, sample)
    with pytest.raises(RecordsError, match="damaged"):
        read({**tables, "attendance": str(tmp_path / "attendance" / "*.parquet")}, sample)


def test_what_a_killed_run_spilt_is_removed(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    left = tmp_path / f"iop-outcomes-{gone.stdout.strip()}-abc"
    left.mkdir()
    engine = Embedded(on_disk=True, spill=tmp_path)
    (mine,) = tmp_path.iterdir()
    assert mine != left
    del engine
    assert list(tmp_path.iterdir()) == []


def test_the_steps_of_a_reading_are_told(sample: Sample) -> None:
    steps: list[tuple[str, int, int]] = []
    lazy = {name: duckdb.from_df(frame) if name in LARGE else frame for name, frame in sample.tables.items()}
    read(lazy, sample, step=lambda *said: steps.append(said))
    assert [done for _, done, _ in steps] == [0, 1, 4, 5, 6]
    assert {total for *_, total in steps} == {7}
    assert steps[-1][0] == "Checking the outcomes"
