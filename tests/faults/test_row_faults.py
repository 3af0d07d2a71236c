"""A fault in one row sets that row aside, says what to do, shows no value, and loses nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faultless import PROGRAM, Rows, check_accounts, good_tables, read, rows_aside, write_folder

from iop_outcomes.records.loading import describe_account, write_set_aside


@dataclass
class Fault:
    """One spoilt place: cells changed in a row (numbered as in the file) or a row added, and what must come of it."""

    name: str
    table: str
    cells: dict[str, str]
    rule: str
    column: str
    says: str
    row: int = 0
    also: dict[int, dict[str, str]] = field(default_factory=dict)
    aside: tuple[int, ...] = ()


def _session(**cells: str) -> dict[str, str]:
    base = {
        "episode_id": "ep-a",
        "date": "2025-01-22",
        "visit": "eve",
        "service_type": "group",
        "hours_offered": "3",
        "hours_attended": "3",
        "status": "attended",
    }
    return {**base, **cells}


def _episode(**cells: str) -> dict[str, str]:
    base = {"episode_id": "ep-x", "person_id": "pp-x", "program_id": "north-iop", "admission_date": "2025-05-01"}
    return {**base, **cells}


#: Words a message may hold because they are the package's own or too short to be told apart.
_WORDS = {
    "",
    "3",
    "-3",
    "-1",
    "31",
    "2h",
    "44",
    "group",
    "eve",
    "attended",
    "positive",
    "no_show",
    "excused",
    "in_person",
} | {"cancelled_by_program"}

FAULTS = [
    Fault("2h as hours", "attendance", {"hours_attended": "2h"}, "bad_number", "hours_attended", "no unit", 3),
    Fault("1,5 as hours", "attendance", {"hours_attended": "1,5"}, "bad_number", "hours_attended", "no comma", 3),
    Fault("word as hours", "attendance", {"hours_attended": "nan"}, "bad_number", "hours_attended", "digits", 3),
    Fault(
        "negative hours", "attendance", {"hours_attended": "-1.75"}, "negative_hours", "hours_attended", "negative", 3
    ),
    Fault(
        "attended over offered",
        "attendance",
        {"hours_attended": "3.25"},
        "attended_over_offered",
        "hours_attended",
        "correct one of the two",
        3,
    ),
    Fault(
        "25 hours in a cell",
        "attendance",
        {"hours_offered": "25.25", "hours_attended": "25.25"},
        "over_24_hours",
        "hours_attended",
        "24 hours",
        3,
    ),
    Fault(
        "more than 24 hours in a day",
        "attendance",
        {"hours_offered": "13.125", "hours_attended": "13.125"},
        "over_24_hours",
        "hours_attended",
        "24 hours",
        3,
        {2: {"date": "2025-01-08", "day": "2", "hours_offered": "12.5", "hours_attended": "12.5"}},
        (2, 3),
    ),
    Fault(
        "attended with 0 hours",
        "attendance",
        {"hours_attended": "0.00"},
        "attended_without_hours",
        "hours_attended",
        "correct the hours or the status",
        3,
    ),
    *(
        Fault(
            f"{status} with hours",
            "attendance",
            {"status": status, "hours_attended": "2.25"},
            "hours_without_attendance",
            "hours_attended",
            "correct the hours or the status",
            3,
        )
        for status in ("no_show", "excused", "cancelled_by_program")
    ),
    Fault(
        "attendance for an unknown episode",
        "attendance",
        _session(episode_id="ep-zzz"),
        "unknown_episode",
        "episode_id",
        "add the episode",
    ),
    Fault(
        "session before admission",
        "attendance",
        {"date": "2025-01-05"},
        "session_before_admission",
        "date",
        "before",
        3,
    ),
    Fault(
        "session day below 0", "attendance", {"date": "", "day": "-3"}, "session_before_admission", "day", "before", 3
    ),
    Fault(
        "session after discharge", "attendance", {"date": "2025-03-07"}, "session_after_discharge", "date", "after", 3
    ),
    Fault(
        "missed session without date after discharge",
        "attendance",
        {"week": "31"},
        "session_after_discharge",
        "date",
        "after",
        4,
    ),
    Fault("impossible date", "attendance", {"date": "2025-02-30"}, "impossible_date", "date", "calendar", 3),
    Fault("one ambiguous date", "attendance", {"date": "01/08/2025"}, "ambiguous_date", "date", "YYYY-MM-DD", 3),
    Fault("no date at all", "attendance", {"date": "tomorrow"}, "bad_date", "date", "date_format", 3),
    Fault(
        "session after the as-of date",
        "attendance",
        {"date": "2025-07-11"},
        "after_as_of",
        "date",
        "as-of",
        9,
    ),
    Fault("unknown status", "attendance", {"status": "showed"}, "unknown_code", "status", "no_show", 3),
    Fault("capital status", "attendance", {"status": "Attended"}, "unknown_code", "status", "attended", 3),
    Fault("unknown service", "attendance", {"service_type": "yoga"}, "unknown_code", "service_type", "family", 3),
    Fault("missing status", "attendance", {"status": ""}, "missing_cell", "status", "Fill in", 3),
    Fault(
        "session without any time",
        "attendance",
        {"date": "", "day": "", "week": "", "visit": ""},
        "missing_cell",
        "date",
        "the week or the visit",
        3,
    ),
    Fault(
        "date and day disagree",
        "attendance",
        {"date": "2025-01-08", "day": "11"},
        "date_and_day_disagree",
        "day",
        "leave one empty",
        3,
    ),
    Fault("half a day", "attendance", {"date": "", "day": "2.5"}, "bad_whole_number", "day", "whole number", 3),
    Fault(
        "duplicated session row",
        "attendance",
        {
            "episode_id": "ep-a",
            "date": "2025-01-08",
            "visit": "eve",
            "service_type": "group",
            "modality": "in_person",
            "hours_offered": "3",
            "hours_attended": "2.5",
            "status": "attended",
        },
        "duplicate_row",
        "",
        "more than once",
    ),
    Fault(
        "discharge before admission",
        "episodes",
        {"discharge_date": "2025-01-01"},
        "discharge_before_admission",
        "discharge_date",
        "before the admission",
        2,
    ),
    Fault(
        "negative discharge day",
        "episodes",
        {"discharge_date": "", "discharge_day": "-4"},
        "discharge_before_admission",
        "discharge_day",
        "before the admission",
        2,
    ),
    Fault("unknown level of care", "episodes", {"level_of_care": "9.9"}, "unknown_code", "level_of_care", "3.7", 3),
    Fault("unknown end reason", "episodes", {"end_reason": "moved"}, "unknown_code", "end_reason", "left_early", 3),
    Fault(
        "end reason without discharge",
        "episodes",
        {"discharge_date": "", "discharge_day": ""},
        "end_reason_without_discharge",
        "end_reason",
        "add the discharge",
        3,
    ),
    Fault(
        "discharge without end reason",
        "episodes",
        {"end_reason": ""},
        "discharge_without_end_reason",
        "end_reason",
        "add the reason",
        3,
    ),
    Fault("unknown programme", "episodes", {"program_id": "west-zz"}, "unknown_program", "program_id", "programme", 3),
    Fault(
        "admission after as-of",
        "episodes",
        {"admission_date": "2025-07-19"},
        "after_as_of",
        "admission_date",
        "as_of",
        5,
    ),
    Fault(
        "discharge after as-of",
        "episodes",
        {"discharge_date": "2025-07-19"},
        "after_as_of",
        "discharge_date",
        "as_of",
        2,
    ),
    Fault(
        "impossible admission",
        "episodes",
        {"admission_date": "2025-13-41"},
        "impossible_date",
        "admission_date",
        "day",
        3,
    ),
    Fault("admission without date", "episodes", {"admission_date": ""}, "missing_cell", "admission_date", "year", 5),
    Fault(
        "year disagrees",
        "episodes",
        {"admission_year": "2021"},
        "date_and_day_disagree",
        "admission_year",
        "disagree",
        3,
    ),
    Fault(
        "discharge disagrees", "episodes", {"discharge_day": "44"}, "date_and_day_disagree", "discharge_day", "one", 3
    ),
    Fault("no person", "episodes", {"person_id": ""}, "missing_cell", "person_id", "Fill in", 3),
    Fault("unknown employment", "episodes", {"employment": "gigs"}, "unknown_code", "employment", "part_time", 3),
    Fault(
        "overlapping episodes",
        "episodes",
        _episode(person_id="pp-a", admission_date="2025-01-28"),
        "overlapping_episode",
        "admission_date",
        "close the earlier",
    ),
    Fault(
        "repeated episode row",
        "episodes",
        {**good_tables()["episodes"][3]},
        "duplicate_row",
        "episode_id",
        "first is used",
    ),
    Fault(
        "one episode_id in rows that differ",
        "episodes",
        _episode(episode_id="ep-d", person_id="pp-q"),
        "conflicting_id",
        "episode_id",
        "keep the right one",
        aside=(5, 6),
    ),
    Fault(
        "unknown instrument", "outcomes", {"instrument": "mood"}, "unknown_instrument", "instrument", "instruments", 2
    ),
    Fault("score outside its range", "outcomes", {"score": "28.5"}, "score_out_of_range", "score", "from 0 to 27", 2),
    Fault("unknown result", "outcomes", {"result": "faint"}, "unknown_result", "result", "negative, positive", 3),
    Fault("done without score", "outcomes", {"score": ""}, "done_without_result", "score", "add it", 2),
    Fault("done without result", "outcomes", {"result": ""}, "done_without_result", "result", "add it", 3),
    Fault("missed with a result", "outcomes", {"result": "positive"}, "result_without_done", "status", "correct", 4),
    Fault("outcome after as-of", "outcomes", {"date": "2025-08-18"}, "after_as_of", "date", "as-of", 3),
    Fault("test without any time", "outcomes", {"week": ""}, "missing_cell", "date", "the week", 4),
    Fault("follow-up without month", "outcomes", {"month": ""}, "missing_cell", "month", "month", 6),
    Fault("unknown point", "outcomes", {"point": "midway"}, "unknown_code", "point", "followup", 2),
    Fault(
        "unreadable schedule",
        "programs",
        {"required_hours_by_week": "9 then 6"},
        "bad_schedule",
        "required_hours_by_week",
        "1-4:9",
        2,
    ),
    Fault("unknown programme level", "programs", {"level_of_care": "IOP"}, "unknown_code", "level_of_care", "2.1", 2),
    Fault("thousands comma", "costs", {"amount": "81,250"}, "bad_number", "amount", "no comma", 2),
    Fault("negative amount", "costs", {"amount": "-81250"}, "out_of_range", "amount", "0 or more", 2),
    Fault("cost of no programme", "costs", {"program_id": "west-zz"}, "unknown_program", "program_id", "programme", 2),
    Fault(
        "period ends before it starts",
        "costs",
        {"period_end": "2024-12-31"},
        "period_ends_before_start",
        "period_end",
        "before it starts",
        2,
    ),
]


def spoil(fault: Fault) -> tuple[dict[str, Rows], dict[tuple[str, int], str]]:
    """The spoilt tables, and by table and row the rule each row set aside must break first."""
    tables = good_tables()
    rows = tables[fault.table]
    if fault.row:
        rows[fault.row - 2].update(fault.cells)
        aside = fault.aside or (fault.row,)
    else:
        rows.append({**dict.fromkeys(rows[0], ""), **fault.cells})
        aside = fault.aside or (len(rows) + 1,)
    for number, cells in fault.also.items():
        rows[number - 2].update(cells)
    expected = {(fault.table, number): fault.rule for number in aside}
    _follow(tables, expected)
    return tables, expected


def _follow(tables: dict[str, Rows], expected: dict[tuple[str, int], str]) -> None:
    """Rows of a programme or episode set aside go with it."""
    for parent, key, children, rule in (
        ("programs", "program_id", ("episodes", "costs"), "program_set_aside"),
        ("episodes", "episode_id", ("attendance", "outcomes"), "episode_set_aside"),
    ):
        gone = {row[key] for n, row in enumerate(tables[parent], 2) if (parent, n) in expected}
        gone -= {row[key] for n, row in enumerate(tables[parent], 2) if (parent, n) not in expected}
        for child in children:
            for number, row in enumerate(tables[child], 2):
                if row[key] in gone:
                    expected.setdefault((child, number), rule)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_sets_its_row_aside_and_no_other(
    fault: Fault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables, expected = spoil(fault)
    records = read(write_folder(tmp_path / "records", tables))
    found = rows_aside(records)
    assert {place: rules[0] for place, rules in found.items()} == expected
    check_accounts(records, tables)
    listed = records.manifest.set_aside
    own = listed[(listed["table"] == fault.table) & (listed["rule"] == fault.rule)]
    assert fault.column in set(own["column"])
    assert set(own["file"]) == {f"{fault.table}.csv"}
    assert own["what_to_do"].str.contains(fault.says, regex=False).all()
    aside = write_set_aside(records, tmp_path / "aside.csv").read_text("utf-8")
    account = describe_account(records.manifest)
    said = "\n".join([aside, account, *records.manifest.warnings, caplog.text, repr(records)])
    for value in set(fault.cells.values()) - _WORDS:
        assert value not in said, f"a message shows the value of {fault.name}"


def test_the_good_folder_has_no_fault(tmp_path: Path, tables: dict[str, Rows]) -> None:
    records = read(write_folder(tmp_path, tables))
    assert records.manifest.set_aside.empty
    assert records.manifest.warnings == ()
    check_accounts(records, tables)


def test_a_row_with_several_faults_is_counted_once_and_listed_for_each(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["attendance"][1].update(hours_offered="3h", status="came", date="2025-02-31")
    records = read(write_folder(tmp_path, tables))
    assert rows_aside(records) == {("attendance", 3): ["impossible_date", "bad_number", "unknown_code"]}
    account = {one.table: one for one in records.manifest.accounts}["attendance"]
    assert account.set_aside == {"impossible_date": 1}
    check_accounts(records, tables)


def test_a_longer_overlap_leaves_the_next_free_episode(tmp_path: Path, tables: dict[str, Rows]) -> None:
    """Of A 0–50, B 40–200 and C 60–90 only B goes: C overlaps nothing that stays."""
    spans = {"A": ("2024-01-01", "2024-02-20"), "B": ("2024-02-10", "2024-07-19"), "C": ("2024-03-01", "2024-03-31")}
    for name, (start, end) in spans.items():
        extra = _episode(episode_id=name, admission_date=start, discharge_date=end, end_reason="completed")
        tables["episodes"].append(extra)
    records = read(write_folder(tmp_path, tables))
    assert rows_aside(records) == {("episodes", 7): ["overlapping_episode"]}


def test_leaving_and_returning_on_one_day_is_no_overlap(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["episodes"].append(_episode(person_id="pp-b", admission_date="2025-03-20"))
    assert read(write_folder(tmp_path, tables)).manifest.set_aside.empty


def test_an_assessment_that_is_not_due_may_lie_ahead(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["outcomes"][4].update(date="2025-09-01")
    assert read(write_folder(tmp_path, tables)).manifest.set_aside.empty


SAFE_HARBOR = PROGRAM.replace("as_of = 2025-06-30", 'privacy = "safe_harbor"')


def _dateless(tables: dict[str, Rows]) -> dict[str, Rows]:
    for name in ("episodes", "attendance", "outcomes"):
        for row in tables[name]:
            for column in [column for column in row if column.endswith("date")]:
                del row[column]
    for row, person, out, seen in zip(
        tables["episodes"], ("0", "0", "53", "0"), ("53", "17", "32", ""), ("175", "119", "122", "28"), strict=True
    ):
        row.update(admission_year="2025", person_day=person, discharge_day=out, observed_day=seen)
    for number, row in enumerate(tables["attendance"]):
        row.update(day="" if row["week"] == "2" else str(number % 3), week=row["week"] if row["week"] == "2" else "")
    for row in tables["outcomes"]:
        row.update(day="" if row["point"] == "followup" or row["week"] else "0")
    return tables


def test_records_without_dates_are_read(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables = _dateless(tables)
    records = read(write_folder(tmp_path, tables, SAFE_HARBOR))
    assert records.manifest.set_aside.empty
    assert records.manifest.as_of is None
    check_accounts(records, tables)


def test_a_person_still_there_without_dates_needs_the_days_observed(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables = _dateless(tables)
    tables["episodes"][3]["observed_day"] = ""
    records = read(write_folder(tmp_path, tables, SAFE_HARBOR))
    assert rows_aside(records)["episodes", 5] == ["no_observation"]
    check_accounts(records, tables)


def test_a_date_without_an_admission_date_has_no_day(tmp_path: Path, tables: dict[str, Rows]) -> None:
    row: dict[str, Any] = _episode(episode_id="ep-y", admission_date="", admission_year="2025", observed_day="30")
    tables["episodes"].append(row)
    tables["attendance"].append(_session(episode_id="ep-y", date="2025-05-05"))
    records = read(write_folder(tmp_path, tables))
    assert rows_aside(records) == {("attendance", 11): ["time_unknown"]}


def test_missed_sessions_without_date_or_name_are_never_taken_for_one_another(tmp_path: Path) -> None:
    """Two no-shows of one week look alike in an export that gives only the week; dropping one would raise attendance."""
    tables = good_tables()
    missed = dict.fromkeys(tables["attendance"][0], "")
    missed |= {"episode_id": "ep-a", "week": "3", "service_type": "group", "hours_attended": "0", "status": "no_show"}
    before = len(tables["attendance"])
    tables["attendance"] += [missed, dict(missed), dict(missed)]
    records = read(write_folder(tmp_path, tables))
    account = next(account for account in records.manifest.accounts if account.table == "attendance")
    assert account.used == before + 3
