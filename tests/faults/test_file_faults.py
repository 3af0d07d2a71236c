"""A fault of a file stops the reading with one message that names every fault of every file and shows no value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest
from faultless import PROGRAM, Rows, good_tables, read, write_folder

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.loading import read_records
from iop_outcomes.records.reading import read_table

PLANTED = "zq-planted-7731"


def _rename(folder: Path, table: str, old: str, new: str) -> None:
    path = folder / f"{table}.csv"
    head, rest = path.read_text("utf-8").split("\n", 1)
    path.write_text(head.replace(old, new) + "\n" + rest, "utf-8")


def _parquet(folder: Path, table: str) -> Path:
    path = folder / f"{table}.parquet"
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{folder}/{table}.csv', all_varchar=true)) TO '{path}'")
    (folder / f"{table}.csv").unlink()
    return path


def _cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def _cut_parquet(folder: Path) -> None:
    _cut(_parquet(folder, "attendance"), 0.6)


def _empty_parquet(folder: Path) -> None:
    _parquet(folder, "attendance").write_bytes(b"")


def _cut_workbook(folder: Path) -> None:
    (folder / "costs.csv").unlink()
    openpyxl.Workbook().save(folder / "costs.xlsx")
    _cut(folder / "costs.xlsx", 0.5)


def _several_sheets(folder: Path) -> None:
    (folder / "costs.csv").unlink()
    book = openpyxl.Workbook()
    book.create_sheet("second")
    book.save(folder / "costs.xlsx")


def _text(table: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / f"{table}.csv"
        path.write_text(change(path.read_text("utf-8")), "utf-8", newline="")

    return spoil


def _settings(text: str, *, instead: str = "") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "program.toml").write_text((instead or PROGRAM) + text, "utf-8")

    return spoil


def _slashes(text: str) -> str:
    """Every date as day and month in an order no one can tell."""
    for year in ("2025-01", "2025-02", "2025-03", "2025-06"):
        month = year[-2:]
        for day in range(1, 29):
            text = text.replace(f"{year}-{day:02}", f"{month}/{day:02}/2025")
    return text


FAULTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "missing file": (lambda f: (f / "attendance.csv").unlink(), ["The table attendance is missing", "attendance.xlsx"]),
    "misspelt file": (
        lambda f: (f / "attendance.csv").rename(f / "attendence.csv"),
        ["The table attendance is missing", "attendence.csv has nearly that name: rename it"],
    ),
    "empty file": (lambda f: (f / "episodes.csv").write_bytes(b""), ["episodes.csv is empty", "export it again"]),
    "blank file": (lambda f: (f / "episodes.csv").write_bytes(b"\n\n  \n"), ["episodes.csv is empty"]),
    "header only": (_text("episodes", lambda t: t.split("\n")[0] + "\n"), ["episodes.csv has a header and no rows"]),
    "no header": (_text("episodes", lambda t: t.split("\n", 1)[1]), ["episodes.csv has no header", "template"]),
    "missing column": (
        lambda f: _rename(f, "attendance", "status", ""),
        ["attendance.csv: the column status is missing"],
    ),
    "column without a name": (
        lambda f: _rename(f, "attendance", "modality", ""),
        ["attendance.csv: column 7 holds cells but has no name: name it or remove it"],
    ),
    "unknown column": (
        lambda f: _rename(f, "attendance", "hours_attended", "hours_attend"),
        ["attendance.csv: hours_attend is not a column", "did you mean hours_attended?"],
    ),
    "column of another name": (
        lambda f: _rename(f, "episodes", "age", "zodiac"),
        ["zodiac is not a column of the table episodes", "remove it"],
    ),
    "no time column": (
        lambda f: _rename(f, "episodes", "admission_date,admission_year", "entry,entry_year"),
        ["episodes.csv: one of the columns admission_date, admission_year is needed"],
    ),
    "column twice": (
        lambda f: _rename(f, "episodes", "employment", "age"),
        ["episodes.csv has two columns called age", "keep one"],
    ),
    "ambiguous dates": (
        _text("attendance", _slashes),
        ["attendance.csv, column date, row 2 and others", "03/04/2025", "date_format"],
    ),
    "NUL bytes": (
        _text("attendance", lambda t: t.replace("eve", "e\0e")),
        ["attendance.csv holds NUL bytes", "export it"],
    ),
    "a quotation mark that swallows the rest": (
        _text("attendance", lambda t: t.replace("ep-b,2025-03-05,,,eve", 'ep-b,2025-03-05,,,"eve')),
        ["attendance.csv, row 7: a quotation mark", "Close it"],
    ),
    "two quotation marks that swallow rows": (
        _text("attendance", lambda t: t.replace(",eve,", ',"eve,', 2)),
        ["attendance.csv, row 2: a quotation mark"],
    ),
    "0-byte Parquet": (_empty_parquet, ["attendance.parquet is empty (0 bytes)"]),
    "truncated Parquet": (_cut_parquet, ["attendance.parquet is damaged or not Parquet: export it again"]),
    "truncated workbook": (_cut_workbook, ["costs.xlsx is damaged or not an Excel workbook"]),
    "workbook of several sheets": (_several_sheets, ["costs.xlsx has 2 sheets: name the one to read costs"]),
    "old Excel": (lambda f: (f / "programs.csv").rename(f / "programs.xls"), ["programs.xls", "save it as .xlsx"]),
    "two files of one table": (
        lambda f: (f / "costs.parquet").write_bytes(b"x"),
        ["The table costs stands in more than one file (costs.csv, costs.parquet): keep one."],
    ),
    "no program.toml": (lambda f: (f / "program.toml").unlink(), ["program.toml is missing", "iop-outcomes init"]),
    "wrong key": (_settings("privcy = 'limited'\n"), ["program.toml: privcy is not a key", "did you mean privacy?"]),
    "wrong key in a section": (
        _settings("[sobriety]\nurin_days = 3\n"),
        ["program.toml [sobriety]: urin_days is not a key", "did you mean urine_days?"],
    ),
    "wrong type": (
        _settings("asam_edition = 'third'\nsynthetic = 1\n[hours]\nrequired_hours = '9'\n"),
        ["asam_edition must be a whole number", "synthetic must be true or false", "required_hours must be a number"],
    ),
    "wrong choice": (_settings("privacy = 'open'\n"), ["program.toml: privacy must be one of internal, limited"]),
    "not TOML": (_settings("name = North\n"), ["program.toml, line 5: not valid TOML"]),
    "impossible format": (_settings("date_format = 'dd/mm'\n"), ["date_format must name day, month and year"]),
    "closure without end": (
        _settings("[[closures]]\nprogram_id = 'north-iop'\nfrom = 2025-04-01\n"),
        ["[[closures]] number 1: to is missing"],
    ),
    "scale without limits": (
        _settings("[instruments.craving]\nkind = 'scale'\n"),
        ["[instruments.craving]: a scale needs low and high"],
    ),
    "no as-of date": (_settings("ids_are_random = true\n", instead="\n"), ["as_of is missing", "as_of = 2025-12-31"]),
    "as-of in the future": (_settings("", instead=PROGRAM.replace("2025-06", "2031-06")), ["lies after today"]),
    "ids not declared random": (
        _settings("", instead="as_of = 2025-06-30\n"),
        ["confirm that person and episode ids are random", "ids_are_random = true"],
    ),
    "dates in safe harbor": (
        _settings("privacy = 'safe_harbor'\n"),
        [
            "episodes.csv: the column admission_date holds dates",
            "episodes.csv: the column discharge_date holds dates",
            "attendance.csv: the column date holds dates",
            "outcomes.csv: the column date holds dates",
            "days since admission",
        ],
    ),
    "limited without agreement": (
        _settings("privacy = 'limited'\n"),
        ["privacy limited needs agreement", "privacy limited needs expires"],
    ),
    "expert without expert": (
        _settings("privacy = 'expert'\nagreement = 'x'\nexpires = 2030-01-01\n"),
        ["privacy expert needs expert"],
    ),
    "expired agreement": (
        _settings("privacy = 'limited'\nagreement = 'x'\nexpires = 2026-01-14\n"),
        ["has expired", "2026-01-14"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_fault_stops_with_a_message_that_says_what_to_do(name: str, tmp_path: Path) -> None:
    spoil, says = FAULTS[name]
    tables = good_tables()
    tables["episodes"][0]["person_id"] = PLANTED
    tables["attendance"][3]["visit"] = PLANTED
    folder = write_folder(tmp_path / "records", tables)
    spoil(folder)
    with pytest.raises(RecordsError) as caught:
        read(folder)
    message = str(caught.value)
    for part in says:
        assert part in message
    assert PLANTED not in message
    assert str(tmp_path) not in message


def test_one_message_names_the_faults_of_all_files(tmp_path: Path) -> None:
    tables = good_tables()
    folder = write_folder(tmp_path, tables, "as_of = 2025-06-30\nnme = 'x'\n")
    (folder / "programs.csv").unlink()
    _rename(folder, "episodes", "person_id", "persn_id")
    (folder / "attendance.csv").write_bytes(b"")
    with pytest.raises(RecordsError) as caught:
        read(folder)
    faults = caught.value.faults
    for part in ("nme is not a key", "ids_are_random", "programs is missing", "persn_id", "person_id is missing"):
        assert sum(part in fault for fault in faults) >= 1, part
    assert sum("attendance.csv is empty" in fault for fault in faults) == 1
    assert len(faults) == len(set(faults))


def test_a_row_cut_off_at_the_end_is_set_aside(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, good_tables())
    path = folder / "attendance.csv"
    path.write_text(path.read_text("utf-8").rstrip("\n")[:-30], "utf-8")
    account = {one.table: one for one in read(folder).manifest.accounts}["attendance"]
    assert (account.read, account.used, account.set_aside) == (9, 8, {"too_few_cells": 1})


def test_a_quotation_mark_left_open_in_the_last_row_sets_it_aside(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, good_tables())
    path = folder / "attendance.csv"
    path.write_text(path.read_text("utf-8").replace("ep-d,2025-06-05,,,eve", 'ep-d,2025-06-05,,,"eve'), "utf-8")
    records = read(folder)
    account = {one.table: one for one in records.manifest.accounts}["attendance"]
    assert (account.read, account.used, account.set_aside) == (9, 8, {"unclosed_quote": 1})
    assert records.manifest.set_aside[["row", "rule"]].to_numpy().tolist() == [[10, "unclosed_quote"]]


def test_a_row_with_too_many_cells_is_set_aside(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, good_tables())
    path = folder / "attendance.csv"
    path.write_text(path.read_text("utf-8").replace("1,individual", "1,a,b,individual", 1), "utf-8")
    path.write_text(path.read_text("utf-8").replace("one,individual", "one,two,individual", 1), "utf-8")
    records = read(folder)
    account = {one.table: one for one in records.manifest.accounts}["attendance"]
    assert (account.read, account.used, account.set_aside) == (9, 8, {"too_many_cells": 1})


def test_an_agreement_holds_on_its_last_day(tmp_path: Path) -> None:
    program = PROGRAM + "privacy = 'limited'\nagreement = 'DUA 1'\nexpires = 2026-01-15\n"
    assert read(write_folder(tmp_path, good_tables(), program)).manifest.privacy == "limited"


def test_an_argument_takes_the_place_of_program_toml(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, good_tables())
    with pytest.raises(RecordsError, match="needs agreement"):
        read(folder, privacy="limited")
    assert read(folder, as_of="2025-07-31").manifest.as_of == date(2025, 7, 31)


def test_wrong_arguments_are_usage_errors(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, good_tables())
    with pytest.raises(UsageError, match="engine"):
        read(folder, engine="sqlite")
    with pytest.raises(UsageError, match="privacy"):
        read(folder, privacy="open")
    with pytest.raises(UsageError, match="as_of"):
        read(folder, as_of="06/30/2025")
    with pytest.raises(UsageError, match="not a table"):
        read_records({"sessions": good_tables()})


def test_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="There is no folder nowhere"):
        read(tmp_path / "nowhere")


def test_an_unused_file_of_nearly_the_right_name_is_named(tmp_path: Path, tables: dict[str, Rows]) -> None:
    folder = write_folder(tmp_path, tables)
    (folder / "outcomes.csv").rename(folder / "outcome.csv")
    warned = read(folder).manifest.warnings
    assert warned == ("outcome.csv was not read: rename it outcomes.csv if it is the table outcomes.",)


def test_a_table_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "episodes.ods"
    path.write_bytes(b"x")
    with pytest.raises(RecordsError, match="not CSV, Parquet or Excel"):
        read_table(path, "episodes")
