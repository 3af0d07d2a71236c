"""One fact: what its sentence may hold, what gives way and why, how it is cited, and whether a target is within reach."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

import iop_outcomes as iop
from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.citation import Citation
from iop_outcomes.publication.facts import MOST_WORDS, Fact, Origin, Wording, make_fact, why_unsaid
from iop_outcomes.publication.formatting import Quantity, quantity_of
from iop_outcomes.publication.published import Published
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
