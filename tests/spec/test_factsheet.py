"""The fact sheet: its parts, what gives way and why, how it is asked for, and that no number is of the sheet's own."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, replace
from datetime import date
from html import unescape
from pathlib import Path

import docx
import pandas as pd
import pytest
from pages import list_prose
from prose import BANNED, grade_text
from pypdf import PdfReader

import iop_outcomes as iop
from iop_outcomes.cli import main
from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication.document import TableBlock
from iop_outcomes.publication.facts import FACT_COLUMNS
from iop_outcomes.publication.formats import write_document
from iop_outcomes.publication.formatting import quantity_of, show_interval
from iop_outcomes.publication.ledger import Ledger
from iop_outcomes.publication.manifest import check_manifest
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_release
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.publication.wording import say_page, show_cell
from iop_outcomes.records.model import Records
from iop_outcomes.records.program import check_settings
from iop_outcomes.records.synthetic import simulate_records
from iop_outcomes.reports import factsheet
from iop_outcomes.reports.contents import Contents
from iop_outcomes.reports.factsheet import (
    LISTS,
    Sheet,
    build_factsheet,
    choose_period,
    gather_sheet,
    say_period,
)
from iop_outcomes.reports.period import Quarter


@dataclass(frozen=True)
class Made:
    """A release and its sheet."""

    records: Records
    contents: Contents
    published: Published
    sheet: Sheet


def _read_html(path: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))


def _read_pdf(path: Path) -> str:
    return " ".join(sheet.extract_text() for sheet in PdfReader(path).pages)


def _read_word(path: Path) -> str:
    file = docx.Document(str(path))
    rows = [" ".join(cell.text for cell in row.cells) for table in file.tables for row in table.rows]
    return " ".join([*(paragraph.text for paragraph in file.paragraphs), *rows])


def _read_markdown(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return re.sub(r"\\(.)", r"\1", re.sub(r" ?(?<!\\)\| ?", " ", text))


def _squeeze(text: str) -> str:
    """A text without white, for a long word may go on in the next line."""
    return re.sub(r"[\s\u200b]", "", text)


#: The text of a file as a reader would copy it.
_READERS = {"html": _read_html, "pdf": _read_pdf, "docx": _read_word, "md": _read_markdown}

GIVEN = {
    "needs": [
        {
            "text": "In our county, 412 people died of an overdose from May to June 2024.",
            "source": "State report 2025, p. 12",
        }
    ],
    "targets": {"retained": 0.65, "completed": 0.6, "no_show": 0.05},
    "grant": {"by": date(2027, 6, 30), "responsible": "Clinical director"},
}


def make(people: int, seed: int, audience: str = "public", **given: object) -> Made:
    records = iop.read_records(simulate_records(people=people, seed=seed).source)
    contents = gather_sheet(records, Quarter(2025, 4), "2.1")
    published = iop.publish(*contents.bundle(audience), audience=audience)
    settings, faults = check_settings(
        {"name": "North Valley IOP", "as_of": records.manifest.as_of, "synthetic": True, **given}
    )
    assert faults == []
    sheet = build_factsheet(replace(records.manifest, settings=settings), contents, published, "2025")
    return Made(records, contents, published, sheet)


@pytest.fixture(scope="module")
def large() -> Made:
    return make(200, 4, **GIVEN)


@pytest.fixture(scope="module")
def small() -> Made:
    return make(30, 2)


@pytest.fixture(params=["large", "small"])
def made(request: pytest.FixtureRequest) -> Made:
    return request.getfixturevalue(str(request.param))


def test_each_fact_is_a_released_row_and_keeps_to_its_form(large: Made) -> None:
    assert len(large.sheet.facts) == 5
    assert len({fact.wording.id for fact in large.sheet.facts}) == 5, "one fact a topic"
    for fact in large.sheet.facts:
        said = fact.as_dict()
        rows = [
            row
            for row in large.published.where(definition=said["definition"], by="all").rows()
            if row["value"] == fact.estimate.value
        ]
        assert rows, said["title"]
        assert {row["denominator"] for row in rows} == {said["denominator"]}
        assert said["release_id"] == large.published.release_id
        missing = {name for name, value in said.items() if value in (None, "", [])}
        assert missing <= {"day", "response", "unknown", "band_low", "band_high"}


def test_a_fact_says_what_the_report_of_the_same_period_says(large: Made) -> None:
    """The report is the same bundle without the year's count of people; a number in both is one number."""
    contents = replace(large.contents, everyone=large.contents.everyone[:-1])
    report = iop.publish(*contents.bundle("public"))
    first, last = large.contents.cohort.edges
    compared = 0
    for fact in large.sheet.facts:
        rows = report.where(
            definition=fact.definition, by="all", period_start=first, period_end=last, estimand="cumulative_incidence"
        )
        for row in rows.rows():
            if row["category"] in ("retained", "30") and row["at"] == fact.at and row["value"] == row["value"]:
                assert repr(quantity_of(row)) == repr(fact.estimate), "a missing number is not equal to itself"
                compared += 1
    assert compared >= 2


def test_no_file_holds_a_number_that_was_not_released(made: Made, tmp_path: Path) -> None:
    document = made.sheet.document
    fixed = [*(say_page(page) for page in document.pages), *made.sheet.fixed]
    for kind in ("html", "md", "facts.json", "facts.csv"):
        path = tmp_path / f"sheet.{kind}"
        if kind.startswith("facts"):
            LISTS[kind.removeprefix("facts.")](made.sheet.facts, path)
        else:
            write_document(document, path)
        held = document if kind == "html" else None
        assert scan_file(path, made.published, vocabulary=fixed, document=held) == (), kind
        first = path.read_bytes()
        again = build_factsheet(
            replace(made.records.manifest, settings={**made.records.manifest.settings, "name": document.title}),
            made.contents, made.published, "2025",
        )  # fmt: skip
        if kind.startswith("facts"):
            assert LISTS[kind.removeprefix("facts.")](again.facts, path).read_bytes() == first, "same input, same bytes"


def test_a_planted_number_is_found(large: Made, tmp_path: Path) -> None:
    path = LISTS["json"](large.sheet.facts, tmp_path / "facts.json")
    path.write_text(path.read_text().replace('"numerator": ', '"numerator": 9', 1))
    assert scan_file(path, large.published, vocabulary=large.sheet.fixed)


@pytest.mark.parametrize("ending", ["html", "pdf", "docx", "md"])
def test_every_format_says_every_fact_and_every_cell_as_released(made: Made, ending: str, tmp_path: Path) -> None:
    path = write_document(made.sheet.document, tmp_path / f"sheet.{ending}")
    text = _squeeze(_READERS[ending](path))
    tables = [
        block.table for page in made.sheet.document.pages for block in page.blocks if isinstance(block, TableBlock)
    ]
    said = [" ".join(show_cell(cell) for cell in row) for table in tables for row in table.rows]
    said += [fact.sentence for fact in made.sheet.facts]
    assert len(said) > 8
    assert [words for words in said if _squeeze(words) not in text] == []


def test_a_list_of_facts_reads_back_with_all_its_columns(made: Made, tmp_path: Path) -> None:
    """Also where there is none: a file without a header is no table."""
    path = LISTS["csv"](made.sheet.facts, tmp_path / "facts.csv")
    table = pd.read_csv(path)
    assert tuple(table.columns) == FACT_COLUMNS
    assert len(table) == len(made.sheet.facts)
    for fact, row in zip(made.sheet.facts, table.to_dict("records"), strict=True):
        assert tuple(fact.as_dict()) == FACT_COLUMNS
        assert (row["id"], row["estimate"]) == (fact.wording.id, fact.as_dict()["estimate"])
    assert len(json.loads(LISTS["json"](made.sheet.facts, tmp_path / "facts.json").read_text())) == len(table)


@pytest.mark.parametrize("ending", ["html", "pdf", "docx", "md"])
def test_pages_without_a_fact_say_why(small: Made, ending: str, tmp_path: Path) -> None:
    assert small.sheet.facts == ()
    text = _squeeze(_READERS[ending](write_document(small.sheet.document, tmp_path / f"sheet.{ending}")))
    for said in (
        "No figure of this period may stand in a sentence.",
        "Withheld to protect privacy: In care or completed after six weeks;",
        "A longer period, or several sites together, would let more be said.",
    ):
        assert _squeeze(said) in text


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_it_fits_two_sheets_of_paper(made: Made, paper: str, tmp_path: Path) -> None:
    path = write_document(made.sheet.document, tmp_path / "sheet.pdf", paper)  # type: ignore[arg-type]
    assert len(PdfReader(path).pages) == 2


def test_its_words_are_plain(made: Made) -> None:
    texts = [text for *_, text in list_prose(made.sheet.document)]
    texts += [fact.sentence for fact in made.sheet.facts]
    assert [text for text in texts if BANNED.search(text)] == []
    assert grade_text(" ".join(texts)) <= 8
    assert {text: grade_text(text) for text in texts if len(text.split()) > 15 and grade_text(text) > 8} == {}


def test_the_parts_stand_in_order(large: Made) -> None:
    titles = [
        title for page in large.sheet.document.pages for block in page.blocks if (title := getattr(block, "title", ""))
    ]
    assert [title for title in titles if not title.startswith("What is not")] == [
        "Need", "People served, unduplicated", "Facts to quote", "Targets, and how realistic they are",
        "Logic model, with what was measured", "Published figures beside ours", "Limits", "Method and how to cite",
    ]  # fmt: skip


def test_targets_are_set_beside_the_baseline_and_luck(large: Made) -> None:
    (block,) = [block for block in large.sheet.document.pages[1].blocks if getattr(block, "id", "") == "targets"]
    lines = {str(row[0]): row for row in block.table.rows}
    kept = lines["In the programme or completed at six weeks (retained@1)"]
    base = large.published.where(
        definition="retained@1", at=42, by="all", period_end="2025-12-31", period_start="2025-01-01"
    )
    said = dict(zip(block.table.columns, kept, strict=True))
    (row,) = base.rows()
    assert repr(said["Baseline"]) == repr(quantity_of(row))
    assert said["95% CI"] == show_interval(quantity_of(row))
    assert said["Target"] == "65% or more"
    assert said["Status"] == ("met" if base.value() >= 0.65 else "not yet")
    assert re.fullmatch(r"under 1%|\d+% chance", str(said["By luck"]))
    place = block.table.columns.index("Target")
    assert lines["Weeks that meet the weekly hours (requirement_met@1)"][place] == "not set"
    assert lines["Sessions missed without notice (session_status@1)"][place] == "5% or less"
    assert "2027-06-30" in block.caption
    assert "Clinical director" in block.caption


def test_empty_slots_say_what_to_write(small: Made) -> None:
    text = " ".join(text for *_, text in list_prose(small.sheet.document))
    assert "[[needs]]" in text
    assert "To be met by: to be filled in" in text


def test_a_small_programme_is_told_why(small: Made) -> None:
    text = " ".join(text for *_, text in list_prose(small.sheet.document))
    assert "Withheld to protect privacy: In care or completed after six weeks;" in text
    assert "would let more be said" in text
    assert len(small.sheet.facts) < 5


def test_a_final_sheet_is_written_into_the_ledger(large: Made, tmp_path: Path) -> None:
    ledger = tmp_path / "releases.jsonl"
    lists = {f"facts.facts.{kind}": (lambda path, kind=kind: LISTS[kind](large.sheet.facts, path)) for kind in LISTS}
    for _ in range(2):  # the same release once more is no other one
        paths = write_release(
            large.sheet.document, large.published, tmp_path / "out", "facts", past=Past.read(ledger, "2.1"), formats=["md"],
            sign_off=SignOff("A. Person", date(2026, 2, 2)), attachments=lists, vocabulary=large.sheet.fixed,
        )  # fmt: skip
    assert [path.name for path in paths] == [
        "facts.md",
        "facts.facts.json",
        "facts.facts.csv",
        "facts.csv",
        "facts.manifest.json",
    ]
    assert check_manifest(paths[-1]) == []
    assert [entry.release_id for entry in Ledger(ledger).entries()] == [large.published.release_id]


def test_a_number_nobody_released_keeps_a_sheet_from_leaving(large: Made, tmp_path: Path) -> None:
    def plant(path: Path) -> Path:
        path.write_text("Another 987 people.", encoding="utf-8")
        return path

    with pytest.raises(DisclosureError, match="not released"):
        write_release(
            large.sheet.document, large.published, tmp_path / "out", "facts", past=Past.read(tmp_path / "r.jsonl", "2.1"),
            formats=["md"], sign_off=SignOff("A. Person", date(2026, 2, 2)), attachments={"note.md": plant},
            vocabulary=large.sheet.fixed,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


# --- how it is asked for ----------------------------------------------------------------------------------------------
def test_the_command_writes_a_draft_with_its_list(
    small: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factsheet, "gather_sheet", lambda *given: small.contents)  # measured once for all tests
    folder, out = tmp_path / "x", tmp_path / "y"
    assert main(["sample", str(folder), "--people", "30", "--seed", "2"]) == 0
    capsys.readouterr()
    asked = [
        "facts",
        str(folder),
        "--period",
        "2025",
        "--audience",
        "internal",
        "--format",
        "md,json,csv",
        "--out",
        str(out),
    ]
    assert main(asked) == 0
    names = [f"facts-2025-internal.{kind}" for kind in ("md", "facts.json", "facts.csv")]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert {path.name for path in out.iterdir()} == set(names)
    assert "**INTERNAL**" in (out / names[0]).read_text(encoding="utf-8")
    listed = json.loads((out / names[1]).read_text(encoding="utf-8"))
    with open(out / names[2], newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert [fact["sentence"] for fact in listed] == [line["sentence"] for line in lines] != []
    for fact, line in zip(listed, lines, strict=True):
        assert fact["audience"] == "internal"
        assert float(line["estimate"]) == fact["estimate"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["--format", "xlsx"], "a fact sheet is written as"),
        (["--audience", "internal", "--sign-off", "A. Person"], "only a public report is signed off"),
    ],
)
def test_what_cannot_be_asked_for(
    asked: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["facts", str(tmp_path), *asked]) == 2
    assert why in capsys.readouterr().err


def test_periods(large: Made) -> None:
    assert choose_period(large.records, "2025") == Quarter(2025, 4)
    assert choose_period(large.records, "2025q2") == Quarter(2025, 2)
    assert choose_period(large.records, None) == Quarter(2025, 4)
    assert say_period(Quarter(2025, 2)) == "2024Q3–2025Q2"
    for wrong, why in (("2026", "had not ended"), ("25", "is written like"), ("last year", "is written like")):
        with pytest.raises(UsageError, match=why):
            choose_period(large.records, wrong)
    fiscal = replace(large.records, manifest=replace(large.records.manifest, settings={"fiscal_year_start": 7}))
    assert choose_period(fiscal, "FY2025").year_to.edges == ("2024-07-01", "2025-06-30")  # type: ignore[union-attr]
    undated = replace(large.records, manifest=replace(large.records.manifest, as_of=None))
    assert choose_period(undated, None) is None
    with pytest.raises(UsageError, match="hold no dates"):
        choose_period(undated, "2025")


def test_needs_and_grant_settings_are_checked() -> None:
    _, faults = check_settings({"needs": [{"text": "Many."}], "grant": {"bye": date(2027, 1, 1), "responsible": 3}})
    assert any("[[needs]] number 1: source is missing" in fault for fault in faults)
    assert any("did you mean by?" in fault for fault in faults)
    assert any("responsible must be text" in fault for fault in faults)
