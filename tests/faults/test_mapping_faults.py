"""A mapping file or an export that does not fit: one message that names everything, never a value of the export."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.loading import read_records
from iop_outcomes.records.mapping import apply_mapping, read_mapping

REST = """
[[programs]]
rows = [{ program_id = "p", label = "P", level_of_care = "2.1", planned_weeks = "8" }]
[[episodes]]
rows = [{ episode_id = "e", person_id = "p", program_id = "p", admission_date = "2025-01-06" }]
"""
FINE = '[[attendance]]\nfile = "v.csv"\ncolumns = { episode_id = "who", status = "s" }\n'
PLANTED = "Quillfeather"


def faults_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "m.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordsError) as caught:
        read_mapping(path)
    return caught.value.faults


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("filter = []\n", "filter is not a word of the mapping language; did you mean filters?"),
        ('constants = { status = "attended" }\n', "status is given twice"),
        ('constants = { statsu = "attended" }\n', "statsu is not a column of the table attendance; did you mean"),
        ('recode = { visit = { a = "b" } }\n', "recode names visit, which is not in columns or cases"),
        ('otherwise = { status = "no_show" }\n', "otherwise names status, which is not in recode"),
        ("recode = { status = { a = 1 } }\n", "status.a is a text"),
        ('joins = [{ file = "p.csv", columns = { a = "b" } }]\n', "on names the key"),
        ('joins = [{ file = "p.csv", on = "who" }]\n', "it brings nothing in"),
        ('joins = [{ file = "p.csv", on = "who", present = "x", wher = "y" }]\n', "wher is not a word"),
        ('joins = [{ file = "p.csv", on = "who", columns = { a = "b" }, reduce = "mean" }]\n', "reduce is one of max"),
        ('filters = [{ keep = { column = "s", equals = "a" } }]\n', "filter 1: write { keep"),
        ('filters = [{ keep = { column = "s", equal = "a" }, reason = "r" }]\n', "did you mean equals?"),
        ('filters = [{ keep = { column = "s", at_least = "a" }, reason = "r" }]\n', "at_least takes a number"),
        ('filters = [{ keep = { column = "s", equals = "a", in = ["b"] }, reason = "r" }]\n', "give exactly one of"),
        ('compute = { d = { minus = "a" } }\n', "it starts from a column"),
        ('once_per = { columns = ["who"] }\n', "write once_per"),
        ('wide_to_long = { column = ["a"] }\n', "write wide_to_long"),
        ('rows = [{ episode_id = "e" }]\n', "either file, or rows"),
        ('cases = { visit = [{ value = "a", from = "b" }] }\n', "cases.visit: write"),
    ],
)
def test_a_wrong_word_is_named_with_what_to_write(tmp_path: Path, block: str, expected: str) -> None:
    faults = faults_of(tmp_path, REST + FINE + block)
    assert any(expected in fault for fault in faults), faults
    assert all(fault.startswith("m.toml") for fault in faults)


def test_all_faults_come_in_one_message(tmp_path: Path) -> None:
    text = (
        'atendance = 1\n[program]\nas_off = 2025-01-01\ndate_format = "%m"\n[[programs]]\nfile = "p.csv"\nfiles = 1\n'
    )
    faults = faults_of(tmp_path, text)
    for part in (
        "atendance is not a word of the mapping language; did you mean attendance?",
        "did you mean as_of?",
        "give date_format in the blocks",
        "files is not a word",
        "no block fills the table episodes",
        "no block fills the table attendance",
    ):
        assert any(part in fault for fault in faults), part


def test_a_mapping_that_is_missing_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"none\.toml is missing"):
        read_mapping(tmp_path / "none.toml")
    assert faults_of(tmp_path, "[[programs]\n")[0].startswith("m.toml, line 1")
    (tmp_path / "m.toml").write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(RecordsError, match="not UTF-8"):
        read_mapping(tmp_path / "m.toml")


def apply(tmp_path: Path, block: str, **files: str) -> list[str]:
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "m.toml").write_text(REST + block, encoding="utf-8")
    mapping = read_mapping(tmp_path / "m.toml")
    with pytest.raises(RecordsError) as caught:
        apply_mapping(mapping, tmp_path)
    assert PLANTED not in str(caught.value)
    return caught.value.faults


def test_missing_files_and_columns_are_named_together(tmp_path: Path) -> None:
    block = FINE + (
        'joins = [{ file = "none.csv", on = "who", columns = { a = "b" } }, '
        '{ file = "p.csv", on = "who", columns = { c = "colour" } }]\n'
    )
    faults = apply(tmp_path, block, v=f"who,status\n{PLANTED},a\n", p=f"who,colours\n{PLANTED},x\n")
    assert any("none.csv is missing" in fault for fault in faults)
    assert any("p.csv has no column colour; did you mean colours?" in fault for fault in faults)
    assert any("v.csv has no column s" in fault for fault in faults)


def test_a_join_whose_key_stands_twice_is_a_fault_of_the_file(tmp_path: Path) -> None:
    block = FINE + 'joins = [{ file = "p.csv", on = "who", columns = { a = "b" } }]\n'
    faults = apply(tmp_path, block, v=f"who,s\n{PLANTED},a\n", p=f"who,b\n{PLANTED},1\n{PLANTED},2\nx,1\n,1\n,2\n")
    assert len(faults) == 1
    assert "in p.csv the key (who) of 1 more stood in an earlier row" in faults[0]


def test_a_joined_row_that_cannot_be_split_is_told(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("who,s\na,attended\n", encoding="utf-8")
    (tmp_path / "p.csv").write_text("who,b\na,1\nb,2,3,4\n", encoding="utf-8")
    block = FINE + 'joins = [{ file = "p.csv", on = "who", columns = { a = "b" } }]\n'
    (tmp_path / "m.toml").write_text(REST + block, encoding="utf-8")
    table = apply_mapping(read_mapping(tmp_path / "m.toml"), tmp_path)[-1]
    assert any(
        "p.csv: rows that could not be split into cells and were not joined: 1." in note for note in table.warnings
    )


def test_steps_see_only_what_earlier_steps_made(tmp_path: Path) -> None:
    block = FINE + (
        'joins = [{ file = "p.csv", on = { late = "who" }, columns = { s = "b" } }]\n'
        'compute = { late = { from = "who" } }\n'
    )
    faults = apply(tmp_path, block, v=f"who,s\n{PLANTED},a\n", p="who,b\nx,1\n")
    assert any("v.csv has no column late" in fault for fault in faults)
    assert any("the name s is taken" in fault for fault in faults)


@pytest.mark.parametrize("block", ["joins = 1", 'filters = "x"', "compute = 2", "cases = []", "once_per = 3"])
def test_a_word_with_the_wrong_kind_of_value(tmp_path: Path, block: str) -> None:
    assert faults_of(tmp_path, f"{REST}{FINE}{block}\n")


def test_a_row_with_an_unknown_code_is_set_aside_by_its_row_of_the_export(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(f"who,w,s\ne,1,Y\ne,2,{PLANTED}\n", encoding="utf-8")
    text = "[program]\nas_of = 2025-06-30\nids_are_random = true\n" + REST
    text += '[[attendance]]\nfile = "v.csv"\ncolumns = { episode_id = "who", week = "w", status = "s" }\n'
    text += 'constants = { service_type = "group" }\nrecode = { status = { Y = "attended" } }\n'
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    records = read_records(tmp_path, mapping=tmp_path / "m.toml")
    aside = records.manifest.set_aside
    assert aside[["file", "row", "column", "rule"]].to_numpy().tolist() == [["v.csv", 3, "status", "unknown_code"]]
    assert PLANTED not in "\n".join(records.manifest.warnings) + aside.to_string()
