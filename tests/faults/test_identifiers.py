"""What the identifier scan refuses, what it lets pass, and that no message holds a value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faultless import Rows, read, write_folder

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.identifiers import scan_identifiers
from iop_outcomes.records.raw import RawTable

PLANTED = "Quillfeather"


def scan(
    column: str, cells: list[str], table: str = "episodes", privacy: str = "internal", **settings: object
) -> tuple[list[str], list[str]]:
    frame = pd.DataFrame({column: pd.Series(cells, dtype="str")})
    raw = RawTable(table, f"{table}.csv", frame, np.arange(2, len(cells) + 2, dtype=np.int64))
    faults, warnings = scan_identifiers([raw], privacy, settings)
    said = "\n".join([*faults, *warnings])
    assert not any(cell in said for cell in cells if len(cell) > 4)
    return faults, warnings


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("first_name", "names of people"),
        ("LastName", "names of people"),
        ("client name", "names of people"),
        ("counsellor_name", "names of people"),
        ("phone", "telephone or fax"),
        ("home_phone", "telephone or fax"),
        ("Fax", "telephone or fax"),
        ("e-mail", "e-mail"),
        ("SSN", "social security"),
        ("social_security_number", "social security"),
        ("mrn", "record, plan"),
        ("MedicaidID", "record, plan"),
        ("account_number", "record, plan"),
        ("license", "record, plan"),
        ("vehicle_plate", "record, plan"),
        ("device_serial", "record, plan"),
        ("url", "web addresses"),
        ("ip_address", "IP addresses"),
        ("fingerprint", "biometrics"),
        ("photo", "biometrics"),
        ("notes", "free text"),
        ("Comments", "free text"),
        ("street", "street addresses"),
        ("city", "street addresses"),
        ("county", "street addresses"),
        ("zip", "ZIP codes"),
        ("dob", "dates of birth"),
        ("DateOfBirth", "dates of birth"),
        ("birth_year", "dates of birth"),
    ],
)
def test_a_column_is_refused_by_its_name(column: str, kind: str) -> None:
    faults, _ = scan(column, ["x", "y", ""])
    assert len(faults) == 1
    assert kind in faults[0]
    assert faults[0].startswith(f"episodes.csv, column {column}: 2 rows with")


@pytest.mark.parametrize("column", ["program_name", "site_name", "telehealth_share", "family_contact", "days_used_7"])
def test_names_of_columns_that_tell_of_nobody(column: str) -> None:
    assert scan(column, ["1", "2"], privacy="safe_harbor") == ([], [])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["123-45-6789", "self"], "social security"),
        (["(555) 123-4567"], "telephone"),
        (["555-123-4567"], "telephone"),
        (["+1 555.123.4567"], "telephone"),
        (["someone@example.org"], "e-mail"),
        (["see https://example.org/x"], "web"),
        (["192.168.10.44"], "IP"),
        (["1208 North Elm Street"], "street"),
        (["77 W. Lake Ave, Apt 4"], "street"),
        (["P.O. Box 1188"], "street"),
        (["MRN 0012345"], "record, plan"),
        (["00:1A:2b:3C:4d:5E"], "record, plan"),
        (["scan_0001.jpg"], "biometrics"),
        (["60614-1234"], "ZIP"),
        (["60614", "10027", "94110"], "ZIP"),
        (
            [
                "he said that he would come back again on monday if his car was mended and then called again twice to say so"
            ],
            "free text",
        ),
        ([f"Name{chr(97 + i)}, {chr(65 + i)}na" for i in range(12)], "names of people"),
    ],
)
@pytest.mark.parametrize("column", ["referral", "race_ethnicity"])
def test_cells_are_refused_by_their_pattern(column: str, cells: list[str], kind: str) -> None:
    faults, _ = scan(column, cells)
    assert len(faults) == 1
    assert kind in faults[0]


@pytest.mark.parametrize("cell", ["Quillfeather, Ada", "O'Neil, Bo J.", "Ada Quillfeather", "someone@example.org"])
@pytest.mark.parametrize("column", ["person_id", "episode_id"])
def test_one_name_in_a_column_of_ids_is_enough(column: str, cell: str) -> None:
    faults, _ = scan(column, ["P0001", cell, "P0002"])
    assert len(faults) == 1
    assert "1 row with" in faults[0]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("episode_id", ["E0001", "E0002"]),
        ("person_id", ["7f9c24e8-3b0c-4d8a-9f10-1c2d3e4f5a6b", "a-1-2-25"]),
        ("person_id", ["10027", "60614"]),
        ("program_id", ["north-iop", "North Side"]),
        ("race_ethnicity", ["Black, Hispanic", "White, Hispanic", "Other, Unknown"]),
        ("race_ethnicity", ["Native Hawaiian or Other Pacific Islander, not Hispanic or Latino"]),
        ("referral", ["self", "Court, Drug", "24 hour street outreach", "12 step"]),
        ("age", ["34", "90"]),
        ("discharge_day", ["53", ""]),
    ],
)
def test_ordinary_cells_pass_in_every_mode(column: str, cells: list[str]) -> None:
    for privacy in ("internal", "limited", "safe_harbor", "expert"):
        assert scan(column, cells, privacy=privacy) == ([], [])


def test_a_programme_may_be_called_after_its_street() -> None:
    assert scan("label", ["12 Oak Street", "Lake, North"], table="programs") == ([], [])


@pytest.mark.parametrize("cells", [["123456789", "987654321"], ["5551234567", "3125550100"]])
def test_bare_digits_as_long_as_a_known_number_are_a_warning(cells: list[str]) -> None:
    faults, warnings = scan("person_id", cells)
    assert not faults
    assert len(warnings) == 1
    assert "random" in warnings[0]


def test_ages_over_89_are_refused_where_they_must_be_capped() -> None:
    for privacy in ("safe_harbor", "expert"):
        faults, _ = scan("age", ["91", "90", "34", "104"], privacy=privacy)
        assert faults == ["episodes.csv, column age: 2 rows with ages over 89; write 90."]
    assert scan("age", ["91"]) == ([], [])


@pytest.mark.parametrize(
    "cells",
    [
        ["2025-02-03"],
        ["2/3/25"],
        ["03.02.2025 14:30"],
        ["20250203", "20250204"],
        ["3 Feb 2025"],
        ["2025 Q1"],
        ["May 4, 2025"],
    ],
)
@pytest.mark.parametrize("column", ["referral", "episode_id", "admission_date"])
def test_anything_like_a_date_is_refused_in_safe_harbor(column: str, cells: list[str]) -> None:
    faults, _ = scan(column, cells, privacy="safe_harbor")
    assert len(faults) == 1
    assert "dates" in faults[0]
    assert scan(column, cells) == ([], [])


def test_columns_named_as_dates_are_refused_in_safe_harbor_and_empty_ones_of_ours_are_not() -> None:
    for column in ("service_date", "quarter", "weekday"):
        assert len(scan(column, ["x"], privacy="safe_harbor")[0]) == 1
    assert scan("admission_date", ["", ""], privacy="safe_harbor") == ([], [])
    assert scan("month", ["6"], table="outcomes", privacy="safe_harbor") == ([], [])
    assert scan("period_start", ["2025-01-01"], table="costs", privacy="safe_harbor") == ([], [])


def test_three_digit_zip_areas_need_their_population(tmp_path: Path) -> None:
    cells = ["606", "036", "000"]
    assert "give zip3_population" in scan("zip3", cells)[0][0]
    faults, _ = scan("zip3", cells, zip3_population={"606": 2_700_000, "036": 20_000})
    assert len(faults) == 1
    assert "1 row with ZIP areas of 20,000 people or fewer" in faults[0]
    assert scan("zip3", ["606", "000"], zip3_population={"606": 2_700_000}) == ([], [])
    assert "unknown size" in scan("zip3", ["999"], zip3_population={"606": 2_700_000})[0][0]
    table = tmp_path / "zip3.csv"
    table.write_text("zip3,population\n606,2700000\n36,20000\n", encoding="utf-8")
    assert scan("zip3", ["606"], zip3_population=str(table)) == ([], [])
    assert "more than three digits" in scan("zip", ["60614"], zip3_population=str(table))[0][0]


def test_reading_stops_and_names_every_column(tmp_path: Path, tables: dict[str, Rows]) -> None:
    for number, row in enumerate(tables["episodes"]):
        row["referral"] = f"{PLANTED}{number}@example.org"
        row["client_name"] = f"{PLANTED}, Ada"
    tables["outcomes"][0]["comments"] = PLANTED
    folder = write_folder(tmp_path / "records", tables)
    with pytest.raises(RecordsError) as caught:
        read(folder)
    said = str(caught.value)
    for part in ("column referral: 4 rows", "column client_name: 4 rows", "outcomes.csv, column comments: 1 row"):
        assert part in said
    assert PLANTED not in said


def test_faultless_records_raise_neither_fault_nor_warning(tmp_path: Path, tables: dict[str, Rows]) -> None:
    records = read(write_folder(tmp_path / "records", tables))
    assert not records.manifest.warnings


def test_half_a_million_rows_are_scanned_in_seconds() -> None:
    import time

    ids = pd.Series([f"E{number % 30_000:06d}" for number in range(500_000)], dtype="str")
    frame = pd.DataFrame({"episode_id": ids, "date": "2025-01-06", "status": "attended"}, dtype="str")
    start = time.process_time()
    raw = RawTable("attendance", "attendance.csv", frame, np.arange(len(frame), dtype=np.int64))
    assert scan_identifiers([raw], "internal", {}) == ([], [])
    assert time.process_time() - start < 5
