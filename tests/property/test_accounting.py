"""Whatever is wrong with the rows, every row read is used or set aside, and rows no fault touches are used."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_outcomes.records.program import check_settings
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.validation import Validated, validate_tables

SETTINGS = check_settings({"as_of": "2025-06-30", "ids_are_random": True})[0]

PROGRAM = {"program_id": "p0", "label": "North", "level_of_care": "2.1", "planned_weeks": "8"}

#: Column by column, cells that break a rule by themselves.
BAD_CELLS: dict[str, dict[str, tuple[str, ...]]] = {
    "episodes": {
        "program_id": ("", "p9", "P0"),
        "person_id": ("",),
        "admission_date": ("", "2025-02-31", "2025-12-24", "01/02/2025", "soon", "1825-01-06"),
        "discharge_date": ("2024-12-31", "2025-09-09", "late"),
        "end_reason": ("", "gone"),
        "level_of_care": ("7", "2,1"),
        "age": ("93", "-2", "34.5", "old"),
        "employment": ("yes",),
    },
    "attendance": {
        "episode_id": ("", "e999", "E0"),
        "date": ("2024-12-31", "2025-06-29", "2025-11-11", "2025-04-31", "3.5.2025", "x"),
        "service_type": ("", "yoga"),
        "hours_offered": ("-3", "3h", "99", "1"),
        "hours_attended": ("0", "-1", "2,5", "25", "3.5"),
        "status": ("", "came", "no_show", "Attended"),
    },
    "outcomes": {
        "episode_id": ("", "e999"),
        "instrument": ("", "mood", "urine"),
        "score": ("", "-1", "28", "high"),
        "status": ("", "missed", "given"),
        "point": ("", "noon"),
    },
}


def _good(people: int) -> dict[str, list[dict[str, str]]]:
    episodes = [
        {
            "episode_id": f"e{n}",
            "person_id": f"q{n}",
            "program_id": "p0",
            "level_of_care": "",
            "admission_date": "2025-01-06",
            "discharge_date": "2025-03-03",
            "end_reason": "completed",
            "age": "30",
            "employment": "",
        }
        for n in range(people)
    ]
    attendance = [
        {
            "episode_id": f"e{n}",
            "date": f"2025-01-{day:02}",
            "service_type": "group",
            "hours_offered": "3",
            "hours_attended": "3",
            "status": "attended",
        }
        for n in range(people)
        for day in (7, 9)
    ]
    outcomes = [
        {
            "episode_id": f"e{n}",
            "date": "2025-01-06",
            "point": "intake",
            "instrument": "phq9",
            "score": "12",
            "status": "done",
        }
        for n in range(people)
    ]
    return {"programs": [PROGRAM], "episodes": episodes, "attendance": attendance, "outcomes": outcomes}


@st.composite
def spoilt_records(draw: st.DrawFn) -> tuple[dict[str, list[dict[str, str]]], set[tuple[str, int]]]:
    """Good tables with bad cells, copied rows, copied ids and shuffled order; and the good rows untouched by any of it."""
    tables = _good(draw(st.integers(1, 6)))
    for name, columns in BAD_CELLS.items():
        rows = tables[name]
        for number in range(len(rows)):
            rows[number]["mark"] = f"{name}{number}"
        for _ in range(draw(st.integers(0, 5))):
            row = rows[draw(st.integers(0, len(rows) - 1))]
            column = draw(st.sampled_from(sorted(columns)))
            row[column] = draw(st.sampled_from(columns[column]))
            row["spoilt"] = "yes"
        for _ in range(draw(st.integers(0, 2))):
            row = dict(rows[draw(st.integers(0, len(rows) - 1))])
            change = draw(st.booleans())
            original = next(other for other in rows if other["mark"] == row["mark"])
            if change and name == "episodes":
                row["person_id"] = f"another{len(rows)}"
            row["spoilt"] = original["spoilt"] = "yes"  # whichever comes first is used
            rows.append(row)
        tables[name] = draw(st.permutations(rows))
    copied = {row["episode_id"] for row in tables["episodes"] if row.get("spoilt")}
    safe = set()
    for name in BAD_CELLS:
        for number, row in enumerate(tables[name]):
            touched = row.pop("spoilt", "")
            if not touched and row["episode_id"] not in copied:
                safe.add((name, number + 2))
    for name in BAD_CELLS:
        for row in tables[name]:
            row.pop("mark")
    return tables, safe


def _validate(tables: dict[str, list[dict[str, str]]]) -> Validated:
    raws = [
        RawTable(name, f"{name}.csv", pd.DataFrame(rows, dtype="str"), np.arange(2, len(rows) + 2, dtype=np.int64))
        for name, rows in tables.items()
    ]
    return validate_tables(raws, SETTINGS, date(2025, 6, 30))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(spoilt_records())
def test_every_row_read_is_used_or_set_aside(
    drawn: tuple[dict[str, list[dict[str, str]]], set[tuple[str, int]]],
) -> None:
    tables, safe = drawn
    valid = _validate(tables)
    listed = {(str(row.table), int(row.row)) for row in valid.set_aside.itertuples()}
    for account in valid.accounts:
        aside = {place for place in listed if place[0] == account.table}
        assert account.read == len(tables.get(account.table, []))
        assert account.used == len(valid.frames[account.table]) == account.read - len(aside)
        assert sum(account.set_aside.values()) == len(aside)
    assert not safe & listed


@settings(derandomize=True, deadline=None, max_examples=30)
@given(spoilt_records())
def test_what_is_used_holds_only_rows_that_pass_again(
    drawn: tuple[dict[str, list[dict[str, str]]], set[tuple[str, int]]],
) -> None:
    """Rows used, written out and read again, are all used and come out the same."""
    valid = _validate(drawn[0])
    kept = {name: frame for name, frame in valid.frames.items() if len(frame)}
    raws = []
    for name, frame in kept.items():
        text = frame.apply(_texts)
        raws.append(RawTable(name, name, text, np.arange(2, len(text) + 2, dtype=np.int64)))
    again = validate_tables(raws, SETTINGS, date(2025, 6, 30))
    assert again.set_aside.empty
    for name, frame in kept.items():
        pd.testing.assert_frame_equal(again.frames[name], frame)


def _texts(column: pd.Series) -> Any:
    if column.dtype.kind == "M":
        text = column.dt.strftime("%Y-%m-%d")
    else:
        text = column.astype("str")
    return text.where(column.notna(), "").astype("str").fillna("")
