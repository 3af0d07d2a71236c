"""Facts and the fact sheet: what a sentence may hold, what gives way and why, and that no number is of the sheet's own."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from pages import list_prose
from prose import BANNED, grade_text

import iop_outcomes as iop
from iop_outcomes.cli import main
from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.citation import Citation
from iop_outcomes.publication.facts import MOST_WORDS, Fact, Origin, Wording, make_fact, why_unsaid
from iop_outcomes.publication.formats import write_document
from iop_outcomes.publication.formatting import Quantity, quantity_of
from iop_outcomes.publication.ledger import Ledger
from iop_outcomes.publication.manifest import check_manifest
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_release
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.publication.wording import say_page
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
from iop_outcomes.statistics import judge_target, people_for_difference

ORIGIN = Origin(
    "North Valley IOP", "2025", "2025-01-01", "2025-12-31", "2026-01-31", "programme records",
    Citation("North Valley IOP", "Fact sheet, 2025", date(2026, 1, 31), "0123456789ab", "iop_outcomes 0.1.0"), "0.1.0",
)  # fmt: skip
KEPT = Wording(
    "staying", "In care after six weeks", "admissions", "Of {n} admissions to {programme} in {period}, {figure} were in care.",
    ("{response} were reached.", "Counting everyone not reached as using: {low}."), "everyone admitted", "six weeks", "days",
    "not reached: left out", "none", ("Described only.",),
)  # fmt: skip


def release(**changes: object) -> Published:
    """One released row: 58 of 120 in care."""
    row = {
        "measure": "retention", "definition": "retained@1", "estimand": "proportion", "category": "retained", "at": 42.0,
        "value": 58 / 120, "ci_low": 0.4, "ci_high": 0.57, "conf_level": 0.95, "n": 58, "denominator": 120, "people": 120,
        "unit": "share", "method": "Wilson",
    }  # fmt: skip
    return iop.publish(Estimates.from_rows([{**row, **changes}]), audience="internal")


def fact_of(published: Published, wording: Wording = KEPT, origin: Origin = ORIGIN, **beside: Quantity) -> Fact:
    (row,) = published.rows()
    return make_fact(published, row, quantity_of(row), beside, wording, origin)


# --- one fact ---------------------------------------------------------------------------------------------------------
def test_a_sentence_says_base_period_figure_and_source() -> None:
    fact = fact_of(release(), response=Quantity("share", 0.8, n=96, denominator=120))
    assert fact.statement == "Of 120 admissions to North Valley IOP in 2025, 48% (95% CI 40% to 57%) were in care."
    assert fact.caveat == "80% were reached.", "a clause whose number is missing is not said"
    assert fact.sentence.endswith(f"80% were reached. Source: programme records, release {fact.release_id}.")
    assert fact.frequency == "about half of admissions"


def test_few_people_are_said_as_a_count() -> None:
    fact = fact_of(release(value=7 / 19, n=7, denominator=19, people=19, ci_low=0.19, ci_high=0.59))
    assert "Of 19 admissions to North Valley IOP in 2025, 7 of 19 (95% CI 2 to 6 in 10) were" in fact.statement
    assert fact.frequency == ""


@pytest.mark.parametrize(
    ("field", "found", "put"),
    [
        ("statement", "48% (95%", "49% (95%"),
        ("statement", "120", "121"),
        ("statement", "2025", "2024"),
        ("statement", "in 2025", "lately"),
        ("statement", "Of 120 admissions", "Of admissions"),
        ("statement", " (95% CI 40% to 57%)", ""),
        ("statement", "in care.", "in care, 3 of them twice."),
        ("caveat", "80%", "81%"),
    ],
)
def test_a_sentence_with_another_number_cannot_be_made(field: str, found: str, put: str) -> None:
    fact = fact_of(release(), response=Quantity("share", 0.8, n=96, denominator=120))
    changed = getattr(fact, field).replace(found, put)
    assert changed != getattr(fact, field)
    with pytest.raises(ValueError, match=r"field of its fact|holds its figure"):
        replace(fact, **{field: changed})


@pytest.mark.parametrize("verb", ["stayed because of it", "were helped", "were in care, which reduced use"])
def test_no_verb_is_stronger_than_the_design(verb: str) -> None:
    wording = replace(KEPT, pattern=KEPT.pattern.replace("were in care", verb))
    for word in ("described", "associated", "adjusted_association"):
        with pytest.raises(ValueError, match="says more than"):
            fact_of(release(design_word=word), wording)
    assert verb in fact_of(release(design_word="estimated_effect"), wording).statement


def test_a_name_is_no_verb() -> None:
    named = replace(ORIGIN, programme="Recovery Works")
    assert "to Recovery Works in 2025" in fact_of(release(), origin=named).statement


def test_a_long_name_gives_way_and_a_long_sentence_is_refused() -> None:
    long = replace(
        ORIGIN,
        programme="The Intensive Outpatient Programme of the Greater North Valley Health and Recovery Service Trust",
    )
    statement = fact_of(release(), replace(KEPT, pattern=f"{KEPT.pattern[:-1]} after six weeks of it."), long).statement
    assert "to this programme in 2025" in statement
    assert len(statement.split()) <= MOST_WORDS
    with pytest.raises(ValueError, match="at most 30 words"):
        fact_of(release(), replace(KEPT, pattern=f"{KEPT.pattern} {'And so on. ' * 8}"))


def test_what_cannot_be_said_has_a_reason() -> None:
    known = Quantity("share", 0.5, 0.4, 0.6, 0.95, n=60, denominator=120)
    assert why_unsaid(known) == ""
    assert why_unsaid(replace(known, value=math.nan, status="withheld")) == "withheld to protect privacy"
    assert why_unsaid(replace(known, value=math.nan, status="immature")) == "too early to say"
    assert why_unsaid(replace(known, denominator=math.nan)) == "how many it is counted among is withheld"
    assert why_unsaid(replace(known, low=math.nan)) == "it has no range"
    hidden = release(value=None, n=None, denominator=None, ci_low=None, ci_high=None, status="not_estimable")
    with pytest.raises(ValueError, match="cannot be estimated"):
        fact_of(hidden)
    with pytest.raises(DisclosureError):
        make_fact(Estimates.from_rows([]), {}, known, {}, KEPT, ORIGIN)  # type: ignore[arg-type]


def test_rounded_counts_are_said_to_be_about() -> None:
    rows = Estimates.from_rows([{**next(iter(release().rows())), "note": None}])
    statement = fact_of(iop.publish(rows, policy="round5")).statement
    assert statement.startswith("Of about 120 admissions")


def test_a_citation_in_three_forms() -> None:
    cited = Citation(
        "R&D {Valley} 100%", "Fact sheet, 2025", date(2026, 1, 31), "0123456789ab", "iop_outcomes 0.1.0", True
    )
    assert cited.apa() == (
        "R&D {Valley} 100%. (2026). Fact sheet, 2025 (synthetic records) [Data set]. Release 0123456789ab, data as of "
        "2026-01-31, made with iop_outcomes 0.1.0."
    )
    entry = cited.bibtex()
    assert entry.startswith("@misc{r_d_valley_100_2026_0123456789ab,\n")
    assert r"author = {{R\&D \{Valley\} 100\%}}" in entry
    assert r"iop\_outcomes" in entry
    assert cited.csl()["issued"] == {"raw": "2026-01-31"}
    undated = replace(cited, as_of=None)
    assert "(n.d.)" in undated.apa()
    assert "year" not in undated.bibtex()
    assert "issued" not in undated.csl()


# --- targets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("baseline", "people", "target"), [(0.5, 40, 0.6), (0.58, 247, 0.65), (0.1, 31, 0.0), (0.3, 12, 1.0)]
)
def test_luck_is_the_sum_of_all_counts_that_meet_the_target(baseline: float, people: int, target: float) -> None:
    def likely(count: int) -> float:
        return math.comb(people, count) * baseline**count * (1 - baseline) ** (people - count)

    up = math.fsum(likely(count) for count in range(people + 1) if count >= target * people - 1e-9)
    down = math.fsum(likely(count) for count in range(people + 1) if count <= target * people + 1e-9)
    assert judge_target(baseline, people, target).chance == pytest.approx(up, rel=1e-9)
    assert judge_target(baseline, people, target, higher=False).chance == pytest.approx(down, rel=1e-9)


def test_the_nearest_level_that_shows_is_where_this_many_people_are_just_enough() -> None:
    found = judge_target(0.58, 247, 0.65)
    assert (
        people_for_difference(0.58, found.visible + 1e-4).exact
        < 247
        < people_for_difference(0.58, found.visible - 1e-4).exact
    )
    assert found.people == people_for_difference(0.58, 0.65).people / 2
    lower = judge_target(0.42, 247, 0.35, higher=False)
    assert lower.visible == pytest.approx(1 - found.visible, abs=1e-9), "leaving is the mirror of staying"
    assert lower.chance == pytest.approx(found.chance, abs=1e-12)


def test_weeks_of_the_same_people_count_for_less() -> None:
    alone = judge_target(0.6, 1000, 0.65)
    clustered = judge_target(0.6, 1000, 0.65, std_err=2 * math.sqrt(0.24 / 1000))
    assert clustered.chance > 10 * alone.chance
    assert clustered.visible > alone.visible
    assert clustered.people == pytest.approx(4 * alone.people, rel=1e-3)
    assert math.isnan(judge_target(0.5, 3, 0.6).visible), "three people show nothing"
    assert math.isnan(judge_target(0.5, 100).chance)
    for wrong in ({"baseline": 1.0}, {"people": 0}, {"target": 1.2}, {"std_err": 0.0}):
        with pytest.raises(ValueError, match=r"between|at least|above"):
            judge_target(**{"baseline": 0.5, "people": 100, "target": 0.6, **wrong})


# --- the sheet --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Made:
    """A release and its sheet."""

    records: Records
    contents: Contents
    published: Published
    sheet: Sheet


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
                assert quantity_of(row) == fact.estimate
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


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_it_fits_two_sheets_of_paper(made: Made, paper: str, tmp_path: Path) -> None:
    from pypdf import PdfReader

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
    assert str(kept[1]).startswith(f"{base.value():.0%} (")
    assert kept[2] == "65% or more"
    assert kept[3] == ("met" if base.value() >= 0.65 else "not met yet")
    assert re.fullmatch(r"\d+% (chance|or less)", str(kept[4]))
    assert lines["Weeks that meet the weekly hours (requirement_met@1)"][2] == "not set"
    assert lines["Sessions missed without notice (session_status@1)"][2] == "5% or less"
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
