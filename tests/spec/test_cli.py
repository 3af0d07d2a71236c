"""The command line: exit codes, plain errors, what each command leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iop_outcomes.cli import main
from iop_outcomes.publication.ledger import Ledger
from iop_outcomes.publication.manifest import check_manifest


def test_init_then_check_says_the_tables_are_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    assert main(["init", str(folder)]) == 0
    names = {path.name for path in folder.iterdir()}
    assert {"programs.csv", "episodes.csv", "attendance.csv", "outcomes.csv", "costs.csv", "program.toml"} <= names
    assert main(["check", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for fault in ("episodes.csv", "attendance.csv", "programs.csv", "random"):
        assert fault in error, "every fault is named, not only the first"


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "episodes.csv").write_text("mine\n")
    assert main(["init", str(tmp_path)]) != 0
    assert (tmp_path / "episodes.csv").read_text() == "mine\n"


def test_sample_check_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "x", tmp_path / "y"
    assert main(["sample", str(folder), "--people", "150", "--seed", "7"]) == 0
    assert main(["check", str(folder)]) == 0
    assert main(["report", str(folder), "--quarter", "2025Q2", "--out", str(out)]) == 0
    public = {f"quarterly-2025Q2-public.{kind}" for kind in ("html", "csv", "manifest.json")}
    assert {path.name for path in out.iterdir()} == {*public, "quarterly-2025Q2-internal.html"}
    said = capsys.readouterr()
    assert "quarterly-2025Q2-public.html" in said.out


def test_sample_refuses_a_folder_with_something_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    assert main(["sample", str(tmp_path), "--people", "50"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "keep"


def test_set_aside_rows_are_written_and_the_exit_code_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    main(["sample", str(folder), "--people", "60"])
    path = folder / "episodes.csv"
    lines = path.read_text().splitlines()
    header = lines[0].split(",")
    cells = lines[5].split(",")
    cells[header.index("level_of_care")] = "9.9"
    path.write_text("\n".join([*lines[:5], ",".join(cells), *lines[6:]]) + "\n")
    written = tmp_path / "aside.csv"
    assert main(["check", str(folder), "--set-aside", str(written)]) == 1
    rows = written.read_text().splitlines()
    assert rows[0] == "file,table,row,column,rule,what_to_do"
    assert any(row.startswith("episodes.csv,episodes,6,level_of_care,") for row in rows)
    assert "9.9" not in written.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "DIR", "--quarter", "winter"],
        ["report", "DIR", "--quarter", "2031Q1"],
        ["report", "DIR", "--level-of-care", "3.3"],
        ["measures", "no_such_measure"],
        ["sample", "OTHER", "--people", "3"],
    ],
)
def test_wrong_usage_is_two_and_one_plain_line(
    arguments: list[str], small_sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"DIR": str(small_sample), "OTHER": str(tmp_path / "other")}
    assert main([places.get(word, word) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("iop-outcomes: ")
    assert "Traceback" not in error


def test_a_missing_folder_is_one_and_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert "no folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["report"], ["check", "a", "--privac", "internal"]])
def test_argparse_refusals_are_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_measures_lists_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measures"]) == 0
    listed = capsys.readouterr().out
    assert "retained@1" in listed
    assert main(["measures", "retained"]) == 0
    assert "Aalen" in capsys.readouterr().out


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "x"
    assert main(["sample", str(folder), "--people", "60"]) == 0
    return folder


def test_signing_off_makes_a_release_that_later_ones_are_checked_against(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A draft is remembered nowhere; a signed release is in the ledger once, its files are as signed, and nothing follows."""
    folder, out = tmp_path / "x", tmp_path / "y"
    assert main(["sample", str(folder), "--people", "300", "--seed", "7"]) == 0
    report = ["report", str(folder), "--quarter", "2025Q2", "--out", str(out), "--audience", "public"]
    assert main(report) == 0
    assert not (folder / "releases.jsonl").exists()
    for _ in range(2):
        assert main([*report, "--sign-off", "A. Person"]) == 0
    (entry,) = Ledger(folder / "releases.jsonl").entries()
    assert entry.signed_off_by == "A. Person"
    manifest = out / "quarterly-2025Q2-public.manifest.json"
    assert json.loads(manifest.read_text())["state"] == "final"
    assert check_manifest(manifest) == []
    assert "Signed off by A. Person." in (out / "quarterly-2025Q2-public.html").read_text()
    capsys.readouterr()
    assert main(["attack", str(out)]) == 0
    assert main([*report[:-1], "internal", "--sign-off", "A. Person"]) == 2


def test_a_damaged_ledger_stops_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "x", tmp_path / "y"
    assert main(["sample", str(folder), "--people", "60", "--seed", "7"]) == 0
    (folder / "releases.jsonl").write_text("{}\n")
    assert main(["report", str(folder), "--quarter", "2025Q2", "--out", str(out)]) == 1
    assert "releases" in capsys.readouterr().err
    assert not list(out.glob("*public*"))
