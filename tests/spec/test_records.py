"""What reading makes of a few rows: times in days since admission, falls back on the programme, and the account."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.loading import describe_account, read_records
from iop_outcomes.records.model import Records
from iop_outcomes.records.program import check_settings, default_settings, instruments_of, read_program
from iop_outcomes.records.reading import hash_file
from iop_outcomes.records.templates import data_dictionary, write_templates
from iop_outcomes.schema import TABLES
from iop_outcomes.settings import SETTINGS

SETTINGS_OF_TESTS = {"name": "North", "as_of": date(2025, 6, 30), "ids_are_random": True}


def table(text: str) -> pd.DataFrame:
    """A table drawn with bars; a blank cell is empty."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


PROGRAMS = table("""
    | program_id | label | level_of_care | planned_weeks |
    | iop        | North | 2.1           | 8             |
    | res        | South | 3.5           | 4             |
""")


def read(settings: Mapping[str, Any] | None = None, **tables: pd.DataFrame) -> Records:
    source: dict[str, Any] = {"programs": PROGRAMS, "settings": {**SETTINGS_OF_TESTS, **(settings or {})}, **tables}
    if "attendance" not in source:
        source["attendance"] = table("""
            | episode_id | day | service_type | status  |
            | a          | 0   | group        | no_show |
        """)
    return read_records(source, today=date(2026, 1, 1))


def column(frame: Any, key: str, *names: str) -> dict[str, tuple[Any, ...]]:
    rows = frame.collect("pandas").to_native()
    values = rows[list(names)].astype(object).where(rows[list(names)].notna(), None)
    return dict(zip(rows[key], values.itertuples(index=False, name=None), strict=True))


def test_times_are_days_since_admission() -> None:
    records = read(
        episodes=table("""
            | episode_id | person_id | program_id | admission_date | discharge_date | end_reason | sobriety_date |
            | a          | p         | res        | 2025-01-01     | 2025-01-29     | completed  | 2024-12-30    |
            | b          | p         | iop        | 2025-01-29     | 2025-03-10     | left_early |               |
            | c          | q         | iop        | 2025-06-20     |                |            |               |
        """)
    )
    assert column(records.episodes, "episode_id", "discharge_day", "observed_day", "person_day", "sobriety_day") == {
        "a": (28, 180, 0, -2),
        "b": (40, 152, 28, None),
        "c": (None, 10, 0, None),
    }
    assert column(records.episodes, "episode_id", "admission_year", "level_of_care") == {
        "a": (2025, "3.5"),
        "b": (2025, "2.1"),
        "c": (2025, "2.1"),
    }


def test_days_stand_in_for_dates() -> None:
    records = read(
        {"as_of": "2025-06-30", "privacy": "safe_harbor"},
        episodes=table("""
            | episode_id | person_id | program_id | admission_year | person_day | discharge_day | observed_day | end_reason |
            | a          | p         | res        | 2025           | 0          | 28            | 180          | completed  |
            | b          | p         | iop        | 2025           | 28         | 40            | 152          | left_early |
            | c          | q         | iop        | 2025           |            |               | 10           |            |
        """),
    )
    assert column(records.episodes, "episode_id", "discharge_day", "observed_day", "person_day") == {
        "a": (28, 180, 0),
        "b": (40, 152, 28),
        "c": (None, 10, 0),
    }


def test_a_session_has_the_week_of_its_day_and_keeps_its_week_without_one() -> None:
    records = read(
        episodes=table("""
            | episode_id | person_id | program_id | admission_date |
            | a          | p         | iop        | 2025-01-01     |
        """),
        attendance=table("""
            | episode_id | date       | day | week | visit | service_type | hours_offered | hours_attended | status   |
            | a          | 2025-01-01 |     |      | v1    | group        | 3             | 3              | attended |
            | a          | 2025-01-07 |     |      | v2    | group        | 3             | 3              | attended |
            | a          | 2025-01-08 | 7   | 1    | v3    | group        | 3             | 1.5            | attended |
            | a          |            |     | 2    | v4    | group        | 3             |                | no_show  |
            | a          |            |     |      | v5    | group        |               | 0              | no_show  |
        """),
    )
    assert column(records.attendance, "visit", "day", "week", "hours_attended") == {
        "v1": (0, 1, 3.0),
        "v2": (6, 1, 3.0),
        "v3": (7, 2, 1.5),
        "v4": (None, 2, None),
        "v5": (None, None, 0.0),
    }
    assert records.manifest.warnings == (
        "attendance: 1 sessions lie in another week than their week column says; the day is used.",
    )


def test_an_outcome_may_come_before_admission_and_after_discharge() -> None:
    records = read(
        episodes=table("""
            | episode_id | person_id | program_id | admission_date | discharge_date | end_reason |
            | a          | p         | iop        | 2025-01-08     | 2025-02-01     | completed  |
        """),
        outcomes=table("""
            | episode_id | date       | point    | month | instrument   | score | result   | status |
            | a          | 2025-01-06 | intake   |       | phq9         | 12    |          | done   |
            | a          | 2025-05-08 | followup | 3     | abstinent_30 |       | negative | done   |
            | a          |            | followup | 6     | abstinent_30 |       |          | missed |
        """),
    )
    assert records.manifest.set_aside.empty
    assert column(records.outcomes, "month", "day", "week")[3] == (120, 18)
    assert column(records.outcomes, "point", "day", "week")["intake"] == (-2, None)


def test_a_scale_of_the_programme_is_known() -> None:
    own = {"instruments": {"craving": {"kind": "scale", "label": "Craving", "low": 0, "high": 10}}}
    rows = """
        | episode_id | week | point | instrument | score | status |
        | a          | 1    | week  | craving    | 7     | done   |
        | a          | 2    | week  | craving    | 11    | done   |
    """
    episodes = table("""
        | episode_id | person_id | program_id | admission_date |
        | a          | p         | iop        | 2025-01-01     |
    """)
    records = read(own, episodes=episodes, outcomes=table(rows))
    assert records.manifest.set_aside[["row", "rule"]].to_numpy().tolist() == [[3, "score_out_of_range"]]
    assert instruments_of(records.manifest.settings)["craving"].high == 10


def test_every_table_has_every_column_of_the_schema_with_its_type() -> None:
    records = read(
        episodes=table("""
            | episode_id | person_id | program_id | admission_date |
            | a          | p         | iop        | 2025-01-01     |
        """)
    )
    kinds = {
        "date": "Date",
        "day": "Int64",
        "integer": "Int64",
        "year": "Int64",
        "number": "Float64",
        "hours": "Float64",
    }
    for name, contract in TABLES.items():
        schema = getattr(records, name).collect_schema()
        assert {key: str(kind) for key, kind in schema.items()} == {
            field.name: kinds.get(field.kind, "String") for field in contract.fields
        }


def test_the_account_of_a_folder_says_where_every_row_went(tmp_path: Path) -> None:
    write_templates(tmp_path)
    program = tmp_path / "program.toml"
    text = program.read_text("utf-8").replace("# ids_are_random = false", "ids_are_random = true")
    program.write_text(text.replace("# as_of = 2025-12-31", "as_of = 2025-06-30"), "utf-8")
    for name, rows in {
        "programs": [{"program_id": "iop", "label": "North", "level_of_care": "2.1", "planned_weeks": "8"}],
        "episodes": [{"episode_id": "a", "person_id": "p", "program_id": "iop", "admission_date": "2025-01-01"}],
        "attendance": [
            {
                "episode_id": "a",
                "date": "2025-01-02",
                "service_type": "group",
                "hours_attended": hours,
                "status": "attended",
            }
            for hours in ("3", "3h", "0")
        ],
    }.items():
        with open(tmp_path / f"{name}.csv", "a", encoding="utf-8", newline="") as stream:
            csv.DictWriter(stream, TABLES[name].columns, restval="").writerows(rows)
    manifest = read_records(tmp_path, today=date(2026, 1, 1)).manifest
    assert manifest.faults == 2
    lines = describe_account(manifest).splitlines()
    assert lines[0] == "Our programme: privacy internal, as of 2025-06-30"
    assert "attendance           3         1           2  attendance.csv" in lines
    assert "outcomes             0         0           0  outcomes.csv" in lines
    assert any(line.split()[:2] == ["1", "bad_number:"] for line in lines)
    assert any(line.split()[:2] == ["1", "attended_without_hours:"] for line in lines)
    assert manifest.hashes["attendance.csv"] == hash_file(tmp_path / "attendance.csv")
    assert set(manifest.hashes) == {"program.toml", *(f"{name}.csv" for name in TABLES)}


def test_templates_are_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    names = [path.name for path in write_templates(folder)]
    assert names == [*(f"{name}.csv" for name in TABLES), "program.toml", "data_dictionary.md"]
    (folder / "costs.csv").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match=r"programs\.csv, .* already there"):
        write_templates(folder)
    assert (folder / "costs.csv").read_text("utf-8") == "mine"
    with pytest.raises(RecordsError, match="no rows"):
        read_records(folder)


def test_the_template_of_program_toml_is_its_own_defaults(tmp_path: Path) -> None:
    write_templates(tmp_path)
    assert read_program(tmp_path) == (default_settings(), [])
    text = (tmp_path / "program.toml").read_text("utf-8")
    opened = "\n".join(line.removeprefix("# ") for line in text.splitlines() if _is_key(line))
    settings, faults = check_settings(tomllib.loads(opened))
    assert faults == []
    assert {one.key for one in SETTINGS if settings[one.key] is None} == set()


def _is_key(line: str) -> bool:
    bare = line.removeprefix("# ")
    return bare.startswith("[") or (" = " in bare and not bare.startswith(("#", "A ", "One")) and line != bare)


def test_the_data_dictionary_names_every_column_code_and_key() -> None:
    text = data_dictionary()
    for contract in TABLES.values():
        for field in contract.fields:
            assert f"| `{field.name}` |" in text
            for code in field.words.codes() if field.words else ():
                assert f"| `{code}` |" in text
    for setting in SETTINGS:
        assert setting.key in text
    assert all(line.count("|") in (0, 3, 4, 5, 6) for line in io.StringIO(text))


def test_settings_of_a_mapping_hold_where_program_toml_is_silent(tmp_path: Path) -> None:
    mapped = {"name": "Trial", "asam_edition": 4}
    assert read_program(tmp_path, mapped)[0]["name"] == "Trial"
    (tmp_path / "program.toml").write_text("name = 'Ours'\n", "utf-8")
    settings, faults = read_program(tmp_path, mapped)
    assert (settings["name"], settings["asam_edition"], faults) == ("Ours", 4, [])


def test_a_small_frame_is_lifted_beside_the_tables() -> None:
    records = read(
        episodes=table("""
            | episode_id | person_id | program_id | admission_date |
            | a          | p         | iop        | 2025-01-01     |
            | b          | q         | res        | 2025-01-01     |
        """)
    )
    plan = records.lift(pd.DataFrame({"program_id": ["iop"], "hours": [9.0]}))
    other = records.lift(pd.DataFrame({"program_id": ["res"], "hours": [20.0]}))
    joined = records.episodes.join(plan, on="program_id", how="left")
    assert column(joined, "episode_id", "hours") == {"a": (9.0,), "b": (None,)}
    assert column(other, "program_id", "hours") == {"res": (20.0,)}
