"""One report in several formats: which there are, that its files appear together, and that each is read before it leaves."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from publications import small_document, small_release

from iop_outcomes import read_records, write_quarterly
from iop_outcomes.cli import main
from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication import markdown
from iop_outcomes.publication.export import write_csv, write_document_csv
from iop_outcomes.publication.formats import FORMATS, check_formats, check_paper, write_document
from iop_outcomes.publication.ledger import Ledger
from iop_outcomes.publication.manifest import check_manifest
from iop_outcomes.publication.release import Past, SignOff, write_documents, write_release
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.records.synthetic import simulate_records
from iop_outcomes.staging import stage_files

OURS = ("html", "xlsx", "md", "json")
ALL = ("html", "pdf", "docx", "xlsx", "md", "json", "csv")


def test_there_is_a_writer_for_every_ending() -> None:
    assert tuple(FORMATS) == ALL


@pytest.mark.parametrize("asked", [["pptx"], ["html", "pptx"]])
def test_an_unknown_format_gives_one_clear_message(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"no format pptx; .* html, pdf, docx, xlsx, md, json, csv"):
        check_formats(asked)
    assert main(["report", "nowhere", "--format", ",".join(asked)]) == 2
    assert capsys.readouterr().err.count("\n") == 1, "before anything is read"


@pytest.mark.parametrize("asked", [[""], []])
def test_no_format_at_all_is_none(asked: list[str]) -> None:
    with pytest.raises(UsageError, match="a report is written as"):
        check_formats(asked)


def test_paper_is_one_of_two() -> None:
    assert (check_paper("a4"), check_paper("letter")) == ("a4", "us-letter")
    with pytest.raises(UsageError, match="a4 or letter"):
        check_paper("a3")


@pytest.mark.parametrize("ending", OURS)
def test_every_format_carries_released_numbers_only(ending: str, tmp_path: Path) -> None:
    path = write_document(small_document(), tmp_path / f"report.{ending}")
    assert [(each.place, each.text) for each in scan_file(path, small_release(), document=small_document())] == []


@pytest.mark.parametrize("ending", ALL)
def test_the_same_document_gives_the_same_bytes_in_every_format(ending: str, tmp_path: Path) -> None:
    first, second = (write_document(small_document(), tmp_path / f"{name}.{ending}") for name in "ab")
    assert first.read_bytes() == second.read_bytes() != b""


def test_the_csv_of_a_document_holds_its_released_rows(tmp_path: Path) -> None:
    written = write_document(small_document("internal"), tmp_path / "report.csv")
    assert written.read_bytes() == write_csv(small_release("internal"), tmp_path / "release.csv").read_bytes()
    with pytest.raises(DisclosureError):
        write_document_csv(small_release(), tmp_path / "x.csv")  # type: ignore[arg-type]


def test_a_public_release_has_one_csv_whether_or_not_it_is_asked_for(tmp_path: Path) -> None:
    for formats in (("md",), ("md", "csv")):
        paths = write_release(
            small_document(), small_release(), tmp_path, "q", past=Past.read(None, "2.1"), formats=formats
        )
        assert [path.name for path in paths] == ["q.md", "q.csv", "q.manifest.json"]


@pytest.mark.parametrize("ending", ["xlsx", "json"])
def test_a_released_number_in_another_row_is_found(ending: str, tmp_path: Path) -> None:
    """The rows of an export are held to the rows they claim to be: 33 of north may not stand beside south."""
    path = write_document(small_document(), tmp_path / f"report.{ending}")
    if ending == "json":
        content = json.loads(path.read_text(encoding="utf-8"))
        next(row for row in content["numbers"] if row["group"] == "south")["n"] = 33
        path.write_text(json.dumps(content), encoding="utf-8")
        wanted = "numbers, 2, n"
    else:
        book = openpyxl.load_workbook(path)
        sheet = book["Numbers"]
        header = [cell.value for cell in sheet[1]]
        line = next(line for line in sheet.iter_rows() if line[header.index("group")].value == "south")
        line[header.index("n")].value = 33
        wanted = f"Numbers!{line[header.index('n')].coordinate}"
        book.save(path)
    assert [
        each.place for each in scan_file(path, small_release(), document=small_document()) if each.text == "33"
    ] == [wanted]


def test_a_signed_release_names_every_file_in_manifest_and_ledger(tmp_path: Path) -> None:
    past = Past.read(tmp_path / "releases.jsonl", "2.1")
    said: list[str] = []
    paths = write_release(
        small_document(), small_release(), tmp_path / "out", "q", past=past, sign_off=SignOff("A. Person", date(2026, 1, 31)),
        formats=OURS, say=said.append,
    )  # fmt: skip
    assert [path.name for path in paths] == [*(f"q.{ending}" for ending in (*OURS, "csv")), "q.manifest.json"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    assert check_manifest(paths[-1]) == []
    named = {line["name"] for line in json.loads(paths[-1].read_text())["files"]}
    assert named == {path.name for path in paths[:-1]}
    (entry,) = Ledger(tmp_path / "releases.jsonl").entries()
    assert set(entry.files) == {path.name for path in paths}
    assert said == [*(f"Writing the public report: {FORMATS[ending].label}" for ending in OURS), said[-1]]


def test_releases_of_one_programme_keep_to_one_policy(tmp_path: Path) -> None:
    """Numbers rounded in two ways give more away than either."""

    def write(policy: str | None) -> list[Path]:
        past = Past.read(tmp_path / "releases.jsonl", "2.1")
        sign_off = SignOff("A. Person", date(2026, 1, 31))
        return write_release(
            small_document(), small_release(policy=policy), tmp_path, "q", past=past, sign_off=sign_off
        )

    write(None)
    held = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DisclosureError, match="keep to the earlier policy"):
        write("round5")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_a_stray_number_in_any_format_keeps_the_whole_release_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markdown, "render_markdown", lambda document: "4713 people\n")
    past = Past.read(tmp_path / "releases.jsonl", "2.1")
    with pytest.raises(DisclosureError, match="not released"):
        write_release(
            small_document(), small_release(), tmp_path / "out", "q", past=past,
            sign_off=SignOff("A. Person", date(2026, 1, 31)), formats=("html", "md"),
        )  # fmt: skip
    assert not list(tmp_path.iterdir()), "no file, no folder, no ledger"


def test_an_interrupted_run_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q.json").write_text("before")
    (tmp_path / ".q.partial").mkdir()
    (tmp_path / ".q.partial" / "q.md").write_text("left by a run that was killed")

    def stop(document: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(markdown, "render_markdown", stop)
        with pytest.raises(KeyboardInterrupt):
            write_documents(small_document(), tmp_path, "q", formats=("json", "md"))
    assert [file.name for file in tmp_path.iterdir()] == ["q.json"]
    assert (tmp_path / "q.json").read_text() == "before"
    write_documents(small_document(), tmp_path, "q", formats=("json",))
    assert (tmp_path / "q.json").read_text() != "before"


def test_a_manifest_is_moved_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move that ends half-way leaves no manifest beside files it does not speak of."""
    (tmp_path / "q.manifest.json").write_text("old")
    moved: list[str] = []

    def replace(source: Path, target: Path) -> None:
        moved.append(target.name)
        if len(moved) == 2:
            raise OSError("the disk is full")

    monkeypatch.setattr("os.replace", replace)

    def write() -> None:
        with stage_files(tmp_path, "q") as aside:
            for name in ("a.manifest.json", "q.manifest.json", "z.html", "b.csv"):
                (aside / name).write_text("new")

    with pytest.raises(OSError, match="full"):
        write()
    assert moved == ["b.csv", "z.html"]
    assert not list(tmp_path.iterdir())


def test_a_report_of_a_fiscal_quarter_in_several_formats(tmp_path: Path) -> None:
    """With a fiscal year from July, the quarter before the as-of date of January 2026 is the second of fiscal year 2026."""
    sample = simulate_records(people=20, seed=2)
    settings = {**sample.source["settings"], "fiscal_year_start": 7}
    records = read_records({**sample.source, "settings": settings})
    seen: list[tuple[int, int]] = []
    paths = write_quarterly(
        records, folder=tmp_path, audiences=("internal",), formats=("md", "json"),
        step=lambda what, done, total: seen.append((done, total)),
    )  # fmt: skip
    assert [path.name for path in paths] == [f"quarterly-FY2026Q2-internal.{ending}" for ending in ("md", "json")]
    text = paths[0].read_text(encoding="utf-8")
    assert "- Period: Q2 of fiscal year 2026 (October to December 2025)" in text
    assert "January to December 2025" in text
    assert "2025 Q4" not in text
    read = json.loads(paths[1].read_text(encoding="utf-8"))
    assert {each["definition"] for each in read["definitions"]} == {row["definition"] for row in read["numbers"]}
    assert seen == sorted(seen)
    assert all(done < total for done, total in seen)
