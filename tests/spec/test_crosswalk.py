"""The crosswalk to other systems: nothing in it that does not exist, no difference left unsaid, and the table of codes."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from prose import BANNED, grade_text

from iop_outcomes.cli import main
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.crosswalk import (
    CODE_COLUMNS,
    choose_entries,
    describe_crosswalk,
    list_codes,
    load_crosswalk,
    read_crosswalk,
)
from iop_outcomes.schema import TABLES
from iop_outcomes.vocabulary import Employment, EndReason

ROOT = Path(__file__).parents[2]
SYSTEM = {"teds": {"name": "TEDS", "title": "t", "what": "w", "source": "s"}}
EMPLOYMENT = {code: [f"{place}: {code}"] for place, code in enumerate(Employment.codes(), start=1)}


def entry(**changes):
    fields = {"ours": "episodes.employment", "system": "teds", "theirs": "EMPLOY", "same": "yes", "codes": EMPLOYMENT}
    return read_crosswalk({"system": SYSTEM, "entry": [{**fields, **changes}]})


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_in_the_docs_is_in_step() -> None:
    assert (ROOT / "docs" / "crosswalk.md").read_text("utf-8") == describe_crosswalk(), "make docs"


def test_every_system_is_there_and_no_pair_stands_twice() -> None:
    entries = load_crosswalk()
    assert {one.system.name for one in entries} == {"TEDS", "NOMs", "GPRA", "SUPRT", "HEDIS IET"}
    pairs = [(one.ours, one.system.name, one.theirs) for one in entries]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ours": "episodes.salary"}, "no such column"),
        ({"ours": "visits.day"}, "no such column"),
        ({"ours": "success", "codes": {}}, "no such definition"),
        ({"ours": "retained"}, "a figure has no codes"),
        ({"ours": "episodes.referral"}, "no codes"),
        ({"system": "icd"}, "no such system"),
        ({"same": "nearly"}, "yes, partly or no"),
        ({"same": "partly"}, "say how"),
        ({"codes": {**EMPLOYMENT, "retired": ["5: retired"]}}, "give each of its codes"),
        ({"codes": {"full_time": ["1: full"]}}, "give each of its codes"),
        ({"codes": {**EMPLOYMENT, "full_time": ["1: a", "2: b"]}}, "one code for each"),
        ({"codes": {**EMPLOYMENT, "full_time": []}}, "one code for each"),
        ({"codes": {**EMPLOYMENT, "full_time": ["1"]}}, "with its meaning"),
        ({"ours": "episodes.age", "codes": {"12-14": ["1: a"], "14-20": ["2: b"]}}, "rise"),
        ({"ours": "episodes.age", "codes": {"12-200": ["1: a"]}}, "limits"),
        ({"ours": "episodes.age", "codes": {"old": ["1: a"]}}, "rise"),
    ],
)
def test_an_entry_of_what_does_not_exist_is_refused(changes, message) -> None:
    assert len(entry()) == 1
    with pytest.raises(ValueError, match=message) as refused:
        entry(**changes)
    assert str(refused.value).startswith("crosswalk, ")


def test_codes_where_the_definitions_agree_are_one_to_one() -> None:
    found = [one for one in lines(list_codes(choose_entries("teds"))) if one["their_field"] == "REASON"]
    assert [(one["our_code"], one["their_code"]) for one in found] == [
        (code, str(place)) for place, code in enumerate(EndReason.codes(), start=1)
    ]
    assert {one["same_definition"] for one in found} == {"yes"}


def test_a_code_without_another_or_with_several_says_so() -> None:
    found = lines(list_codes(choose_entries("TEDS")))
    assert tuple(found[0]) == CODE_COLUMNS
    by_code = {(one["our_field"], one["our_code"]): one for one in found}
    none = by_code["episodes.gender", "another"]
    assert (none["their_code"], none["same_definition"]) == ("", "no")
    opioids = [one["their_code"] for one in found if one["our_code"] == "opioids"]
    assert opioids == ["5", "6", "7"]
    assert {one["same_definition"] for one in found if one["our_code"] == "opioids"} == {"partly"}
    assert all(one["how_they_differ"] for one in found if one["same_definition"] != "yes")


def test_what_has_no_codes_has_a_line_that_says_how_it_differs() -> None:
    entries = choose_entries("hedis")
    found = {one["our_field"]: one for one in lines(list_codes(entries))}
    assert not any(one.codes for one in entries)
    assert {one.ours: (one.same, one.how) for one in entries} == {
        name: (one["same_definition"], one["how_they_differ"]) for name, one in found.items()
    }


@pytest.mark.parametrize("column", sorted({one.ours for one in choose_entries("teds") if one.codes}))
def test_the_sample_can_be_recoded_by_the_table(column: str) -> None:
    """Every value of the sample leads to a code of TEDS, or to a line that says there is none."""
    table, _, field = column.partition(".")
    with (ROOT / "data" / "sample" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        values = {row[field] for row in csv.DictReader(file)} - {""}
    assert values
    codes = [one["our_code"] for one in lines(list_codes(choose_entries("teds"))) if one["our_field"] == column]
    if TABLES[table].field(field).words is not None:
        assert values <= set(codes)
    else:
        ranges = [(int(low), int(high or low)) for low, _, high in (code.partition("-") for code in codes)]
        lost = {value for value in values if sum(low <= float(value) <= high for low, high in ranges) != 1}
        assert lost == set()


def test_an_outpatient_level_may_be_intensive_in_teds() -> None:
    """TEDS asks for 6 hours a week and ASAM for 9, so 6 to 8 hours are level 1 here and intensive there."""
    codes = next(one.codes for one in choose_entries("teds") if one.ours == "episodes.level_of_care")
    assert [code for code, _ in codes["1"]] == ["7", "6"]
    assert [code for code, _ in codes["2.1"]] == ["6"]


PROSE = {
    text
    for one in load_crosswalk()
    for text in (one.how, one.system.what, *re.findall(r"^[A-Z].+$", describe_crosswalk(()), re.MULTILINE))
}


def test_its_words_are_plain() -> None:
    assert len(PROSE) > 40
    assert [text for text in PROSE if BANNED.search(text)] == []
    assert grade_text(" ".join(sorted(PROSE))) <= 8
    assert {text: grade_text(text) for text in PROSE if len(text.split()) > 15 and grade_text(text) > 8} == {}


def test_every_age_of_a_person_has_one_code_of_teds() -> None:
    ranges = [tuple(map(int, one["our_code"].split("-"))) for one in lines(list_codes(choose_entries("teds")))
              if one["our_field"] == "episodes.age"]  # fmt: skip
    held = [age for low, high in ranges for age in range(low, high + 1)]
    assert held == list(range(12, 91))


def test_the_data_are_those_of_the_file() -> None:
    content = tomllib.loads(files("iop_outcomes.measures").joinpath("crosswalk.toml").read_text(encoding="utf-8"))
    assert read_crosswalk(content) == load_crosswalk()


def test_the_command_lists_writes_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crosswalk", "--to", "hedis"]) == 0
    listed = capsys.readouterr().out
    assert "HEDIS IET Engagement in treatment" in listed
    assert "TEDS" not in listed
    assert main(["crosswalk", "--markdown"]) == 0
    assert capsys.readouterr().out == describe_crosswalk()
    assert main(["crosswalk", "--to", "gpra", "--codes", str(tmp_path / "new" / "gpra.csv")]) == 0
    assert {one["system"] for one in lines((tmp_path / "new" / "gpra.csv").read_text(encoding="utf-8"))} == {"GPRA"}
    with pytest.raises(UsageError, match="one to teds, noms, gpra, suprt, hedis"):
        choose_entries("icd")
