"""What spreadsheets and vendors do to a file without spoiling it: every row still arrives, with its row number."""

from __future__ import annotations

import csv
import io
import logging
from datetime import date, datetime
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
from faultless import PROGRAM, Rows, check_accounts, good_tables, read, rows_aside, write_folder

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.loading import describe_account, read_records, write_set_aside
from iop_outcomes.records.model import Records


def _frames(records: Records) -> dict[str, pd.DataFrame]:
    return {name: getattr(records, name).collect("pandas").to_native() for name in good_tables()}


def _same(one: Records, other: Records) -> None:
    left, right = _frames(one), _frames(other)
    for name in left:
        pd.testing.assert_frame_equal(left[name], right[name], check_dtype=False)


@pytest.fixture
def plain(tmp_path: Path, tables: dict[str, Rows]) -> Records:
    return read(write_folder(tmp_path / "plain", tables))


def _recode(folder: Path, codec: str) -> None:
    for path in folder.glob("*.csv"):
        path.write_bytes(path.read_text("utf-8").encode(codec))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_an_encoding_is_recognised(codec: str, tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["programs"][0]["label"] = "Näherstraße – Nord" if codec != "latin-1" else "Näherstraße Nord"
    expected = read(write_folder(tmp_path / "utf8", tables))
    folder = write_folder(tmp_path / "other", tables)
    _recode(folder, codec)
    records = read(folder)
    _same(records, expected)
    warned = [text for text in records.manifest.warnings if "programs.csv" in text]
    assert len(warned) == (codec not in ("utf-8-sig", "utf-16"))
    assert "Näher" not in "".join(warned)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_separator_is_recognised(delimiter: str, tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    folder = write_folder(tmp_path / "other", tables)
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text("utf-8").replace(",", delimiter), "utf-8")
    _same(read(folder), plain)


def test_title_rows_are_skipped_and_rows_keep_their_numbers(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["attendance"][2]["status"] = "away"
    folder = write_folder(tmp_path, tables)
    path = folder / "attendance.csv"
    title = "Sessions of North Valley, all staff\n\nPrinted by the front desk,,date\n"
    path.write_text(title + path.read_text("utf-8"), "utf-8")
    records = read(folder)
    assert rows_aside(records) == {("attendance", 4 + 3): ["unknown_code"]}
    assert [text for text in records.manifest.warnings if "title" in text] == [
        "attendance.csv: 2 rows above the header (row 4) skipped as a title."
    ]
    check_accounts(records, tables)


def test_quoted_line_breaks_count_as_one_row(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["attendance"][1]["visit"] = "evening\nroom 2"
    tables["attendance"][3]["hours_attended"] = "x"
    records = read(write_folder(tmp_path, tables))
    assert rows_aside(records) == {("attendance", 5): ["bad_number"]}
    check_accounts(records, tables)


def test_trailing_commas_and_empty_rows_lose_nothing(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    folder = write_folder(tmp_path / "other", tables)
    for path in folder.glob("*.csv"):
        lines = path.read_text("utf-8").splitlines()
        path.write_text("\n".join(f"{line},,," for line in [*lines, "", ","]) + "\n", "utf-8")
    records = read(folder)
    _same(records, plain)
    assert "episodes.csv: 2 empty rows skipped." in records.manifest.warnings


def test_blanks_around_cells_are_left_out_and_counted(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    tables["attendance"][0]["status"] = " attended"
    tables["attendance"][1]["episode_id"] = "ep-a "
    records = read(write_folder(tmp_path / "other", tables))
    _same(records, plain)
    assert records.manifest.warnings == (
        "attendance.csv, column episode_id: blanks around 1 cell left out.",
        "attendance.csv, column status: blanks around 1 cell left out.",
    )


def test_a_declared_format_is_read(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    for name in ("episodes", "attendance", "outcomes", "costs"):
        for row in tables[name]:
            for column, cell in row.items():
                if cell.startswith("2025-"):
                    row[column] = date.fromisoformat(cell).strftime("%m/%d/%Y")
    records = read(write_folder(tmp_path / "other", tables, PROGRAM + 'date_format = "%m/%d/%Y"\n'))
    _same(records, plain)


def test_midnight_is_the_day(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    tables["attendance"][0]["date"] += " 00:00:00"
    tables["attendance"][1]["date"] += "T00:00:00.000"
    _same(read(write_folder(tmp_path / "other", tables)), plain)


def test_a_time_of_day_is_set_aside(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["attendance"][1]["date"] += " 18:30"
    assert rows_aside(read(write_folder(tmp_path, tables))) == {("attendance", 3): ["bad_date"]}


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["1.0E+05", "1.2E+11", "pp-c"], "2 ids look rewritten by a spreadsheet"),
        (["1001.0", "1002.0", "1003.0"], "3 ids end in .0"),
        (["90017", "4410", "77123"], "a spreadsheet may have removed leading zeros"),
    ],
)
def test_ids_a_spreadsheet_rewrote_are_warned_of(
    ids: list[str], says: str, tmp_path: Path, tables: dict[str, Rows]
) -> None:
    for row, person in zip(tables["episodes"], [*ids, ids[0]], strict=True):
        row["person_id"] = person
    records = read(write_folder(tmp_path, tables))
    assert records.manifest.set_aside.empty
    warned = [text for text in records.manifest.warnings if "episodes.csv, column person_id" in text]
    assert len(warned) == 1
    assert says in warned[0]
    assert not any(one in warned[0] for one in ids[1:])


def test_plainly_numbered_ids_are_not_warned_of(tmp_path: Path, tables: dict[str, Rows]) -> None:
    for number, row in enumerate(tables["episodes"], 8):
        row["person_id"] = str(number)
    assert read(write_folder(tmp_path, tables)).manifest.warnings == ()


def test_cells_like_formulas_and_markup_stay_text(tmp_path: Path, tables: dict[str, Rows]) -> None:
    labels = ["=1+1", "<script>alert(1)</script>"]
    visits = ["+1", "-A1", "@SUM(1)", "=cmd|' /C calc'!A0"]
    for row, label in zip(tables["programs"], labels, strict=True):
        row["label"] = label
    for row, visit in zip(tables["attendance"], visits, strict=False):
        row["visit"] = visit
    records = read(write_folder(tmp_path, tables))
    assert _frames(records)["programs"]["label"].tolist() == labels
    assert _frames(records)["attendance"]["visit"].tolist()[:4] == visits


def _copy_parquet(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        frame = duckdb.sql(f"SELECT * FROM read_csv('{path}')")
        frame.write_parquet(str(path.with_suffix(".parquet")))
        path.unlink()


def _typed(cell: str) -> object:
    for kind in (int, float, date.fromisoformat):
        try:
            value = kind(cell)
        except ValueError:
            continue
        return datetime(value.year, value.month, value.day) if isinstance(value, date) else value
    return cell or None


def _sheet(book: openpyxl.Workbook, name: str, path: Path) -> None:
    sheet = book.create_sheet(name)
    for row in csv.reader(io.StringIO(path.read_text("utf-8"))):
        sheet.append([_typed(cell) for cell in row])


def test_parquet_is_read_as_csv_is(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    folder = write_folder(tmp_path / "other", tables)
    _copy_parquet(folder)
    records = read(folder)
    _same(records, plain)
    assert {file for account in records.manifest.accounts for file in account.files} >= {"attendance.parquet"}


def test_excel_files_are_read_as_csv_is(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    folder = write_folder(tmp_path / "other", tables)
    for path in list(folder.glob("*.csv")):
        book = openpyxl.Workbook()
        book.remove(book.active)
        _sheet(book, "Tabelle1", path)
        book.save(path.with_suffix(".xlsx"))
        path.unlink()
    _same(read(folder), plain)


def test_one_workbook_may_hold_all_tables(tmp_path: Path, tables: dict[str, Rows], plain: Records) -> None:
    folder = write_folder(tmp_path / "other", tables)
    book = openpyxl.Workbook()
    for path in sorted(folder.glob("*.csv")):
        _sheet(book, path.stem.capitalize(), path)
        path.unlink()
    book.save(folder / "records.xlsx")
    records = read(folder)
    _same(records, plain)
    assert "records.xlsx" in records.manifest.hashes


def test_frames_are_read_as_files_are(tables: dict[str, Rows], plain: Records) -> None:
    frames: dict[str, object] = {name: pd.DataFrame(rows).replace("", None) for name, rows in tables.items()}
    episodes = frames["episodes"]
    assert isinstance(episodes, pd.DataFrame)
    frames["episodes"] = episodes.assign(
        admission_date=pd.to_datetime(episodes["admission_date"]), age=pd.to_numeric(episodes["age"])
    )
    settings = {"name": "North Valley", "as_of": "2025-06-30", "ids_are_random": True}
    records = read_records({**frames, "settings": settings}, today=date(2026, 1, 15))
    _same(records, plain)
    assert records.manifest.folder == "frames"


def test_a_frame_that_is_no_table_is_refused(tables: dict[str, Rows]) -> None:
    frames: dict[str, object] = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    attendance, costs = pd.DataFrame(tables["attendance"]), pd.DataFrame(tables["costs"])
    frames["attendance"] = attendance.assign(visit=[["eve"]] * len(attendance))
    frames["costs"] = costs.set_axis([*costs.columns[:-1], "line"], axis="columns")
    with pytest.raises(RecordsError) as caught:
        read_records({**frames, "settings": {"as_of": "2025-06-30", "ids_are_random": True}})
    assert caught.value.faults[:2] == [
        "attendance: the column visit holds lists or other objects: one cell holds one value.",
        "costs: two columns have one name: keep one, or give them different names.",
    ]


def test_nothing_said_anywhere_holds_a_planted_value(
    tmp_path: Path, tables: dict[str, Rows], caplog: pytest.LogCaptureFixture
) -> None:
    """Every column of every table carries the mark in turn; no warning, log line, account or list of rows shows it."""
    mark = "zqxj"
    caplog.set_level(logging.DEBUG)
    for place in range(max(len(rows[0]) for rows in tables.values())):
        spoilt = good_tables()
        for name, rows in spoilt.items():
            row = rows[0 if name == "costs" else 1]
            column = list(row)[min(place, len(row) - 1)]
            row[column] = f"{mark}{row[column]}"
        folder = write_folder(tmp_path / str(place), spoilt)
        records = read(folder)
        assert not records.manifest.set_aside.empty
        aside = write_set_aside(records, folder / "aside.csv").read_text("utf-8")
        said = [aside, describe_account(records.manifest), repr(records), caplog.text, *records.manifest.warnings]
        assert mark not in "\n".join(said), f"column {place}"
        check_accounts(records, spoilt)


def test_the_rows_set_aside_are_written_as_text(tmp_path: Path, tables: dict[str, Rows]) -> None:
    tables["attendance"][1]["status"] = "away"
    folder = write_folder(tmp_path, tables)
    records = read(folder)
    path = write_set_aside(records, tmp_path / "aside.csv")
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["file"], row["table"], row["row"], row["column"], row["rule"]) for row in rows] == [
        ("attendance.csv", "attendance", "3", "status", "unknown_code")
    ]
    odd = records.manifest.set_aside.assign(file="=cmd.csv")
    spoilt = type(records.manifest)(**{**vars(records.manifest), "set_aside": odd})
    other = type(records)(**{**vars(records), "manifest": spoilt})
    assert "'=cmd.csv" in write_set_aside(other, path).read_text("utf-8")
