"""The fact sheet for grant writers: two pages, and a list of facts, of the same rows as the report of the same period.

It chooses which released numbers are said, in which order and in which words, and has no numbers of its own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from iop_outcomes.cohort import select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.people import measure_people
from iop_outcomes.publication.citation import Citation
from iop_outcomes.publication.document import Block, Document, Page, Sentences, TextTable, Tile, Tiles
from iop_outcomes.publication.facts import Fact, Origin, write_facts_csv, write_facts_json
from iop_outcomes.publication.formats import FORMATS, check_paper
from iop_outcomes.publication.formatting import say_quantity
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.overrides import Override
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_documents, write_release
from iop_outcomes.records.model import Manifest, Records
from iop_outcomes.reports.contents import Contents, Step, choose_level, gather_contents
from iop_outcomes.reports.fact_choice import choose_facts
from iop_outcomes.reports.grant_tables import (
    list_texts,
    tabulate_benchmarks,
    tabulate_logic,
    tabulate_need,
    tabulate_targets,
)
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.reading import Reading, find_quantity
from iop_outcomes.vocabulary import Audience, LevelOfCare

#: The list of facts, by its format; every other format is a document.
LISTS: dict[str, Callable[[Iterable[Fact], Path], Path]] = {"json": write_facts_json, "csv": write_facts_csv}
#: Every format a fact sheet is written in.
SHEET_FORMATS: tuple[str, ...] = (*(name for name in FORMATS if name not in LISTS and name != "xlsx"), *LISTS)

#: So few facts that the sheet says how to come by more.
_FEW = 3
_WIDER = "A longer period, or several sites together, would let more be said."
_NOT_CAUSE = "The figures describe the people admitted. None of them says that the programme made the difference."


@dataclass(frozen=True)
class Sheet:
    """A fact sheet: its pages, its facts, and the texts in it that are the same whatever the records."""

    document: Document
    facts: tuple[Fact, ...]
    fixed: tuple[str, ...]


def write_factsheet(
    records: Records,
    *,
    period: str | None = None,
    folder: str | Path = "reports",
    formats: Sequence[str] = ("docx",),
    audience: str = "public",
    level_of_care: str | None = None,
    paper: str = "a4",
    step: Step | None = None,
    ledger: str | Path | None = None,
    overrides: Sequence[Override] = (),
    sign_off: SignOff | None = None,
) -> list[Path]:
    """What can a grant application say of this programme, and how is it cited? Two pages, or the list of facts.

    ``period`` is a year (``"2025"``) or a quarter (``"2025Q2"``: the four quarters that end with it); by default the four
    that end with the last whole quarter. ``formats`` are html, pdf, docx and md for the pages, json and csv for the list
    of facts with all their fields. The public sheet passes the release gate with the rows of the report of the same
    period, stands beside the table of its numbers and its manifest, and is a draft until ``sign_off``. Returns the paths.

    Raises :class:`UsageError` for a period after the as-of date or in which nobody was admitted, and for an unknown
    format; ``DisclosureError`` where the release may not leave.
    """
    asked, size = check_sheet_formats(formats), check_paper(paper)
    if audience not in Audience.codes():
        raise UsageError(f"an audience is one of {', '.join(Audience.codes())}")
    level = choose_level(records, level_of_care)
    quarter = choose_period(records, period)
    contents = gather_sheet(records, quarter, level, step)
    label = say_period(quarter) if quarter else contents.cohort.label.replace(" to ", "–")
    name = f"facts-{label.replace('–', '-')}-{audience}"
    documents = [ending for ending in asked if ending not in LISTS]

    def list_facts(sheet: Sheet) -> dict[str, Callable[[Path], Path]]:
        return {f"{name}.facts.{kind}": partial(LISTS[kind], sheet.facts) for kind in asked if kind in LISTS}

    if audience == Audience.INTERNAL:
        published = publish(*contents.bundle(audience), audience=audience)
        sheet = build_factsheet(records.manifest, contents, published, label)
        return write_documents(
            sheet.document, folder, name, formats=documents, paper=size, attachments=list_facts(sheet)
        )
    past = Past.read(ledger, level)
    policy = records.manifest.settings.get("publication", {}).get("policy")
    published = publish(*contents.bundle(audience), policy=policy, earlier=past.rows, overrides=overrides)
    sheet = build_factsheet(records.manifest, contents, published, label, sign_off.person if sign_off else "")
    return write_release(
        sheet.document,
        published,
        folder,
        name,
        past=past,
        overrides=overrides,
        sign_off=sign_off,
        formats=documents,
        paper=size,
        attachments=list_facts(sheet),
        vocabulary=sheet.fixed,
    )


def check_sheet_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats asked for, each once; ``UsageError`` names one there is not.

    >>> check_sheet_formats(["MD", "json"])
    ('md', 'json')
    """
    asked = tuple(dict.fromkeys(name.strip().lower() for name in formats))
    strange = [name for name in asked if name not in SHEET_FORMATS]
    if strange or not asked:
        raise UsageError(f"a fact sheet is written as {', '.join(SHEET_FORMATS)}")
    return asked


def choose_period(records: Records, period: str | None) -> Quarter | None:
    """The last quarter of the four a sheet speaks of; None where records hold no dates and it speaks of everyone."""
    as_of = records.manifest.as_of
    if records.manifest.privacy == "safe_harbor" or as_of is None:
        if period:
            raise UsageError("these records hold no dates, so no period can be chosen; leave --period out")
        return None
    start = int(records.manifest.settings.get("fiscal_year_start", 1))
    chosen = Quarter.last_whole(as_of, start)
    if period:
        whole_year = re.fullmatch(r"(?:FY)?\d{4}", period.strip(), re.IGNORECASE)
        chosen = Quarter.parse(f"{period.strip()}Q4" if whole_year else period, start)
    if chosen.span.last > as_of:
        raise UsageError(f"{chosen.label} had not ended on the as-of date; choose an earlier period")
    return chosen


def say_period(quarter: Quarter) -> str:
    """The four quarters that end with this one, in one word: ``2025``, ``FY2026`` or ``2025Q2–2026Q1``.

    >>> say_period(Quarter(2025, 4)), say_period(Quarter(2026, 1)), say_period(Quarter(2026, 4, year_start=7))
    ('2025', '2025Q2–2026Q1', 'FY2026')
    """
    return quarter.code[:-2] if quarter.number == 4 else f"{quarter.back(3).code}–{quarter.code}"


def gather_sheet(records: Records, quarter: Quarter | None, level: str, step: Step | None = None) -> Contents:
    """The rows of the report of the same period, and how many different people were admitted in it."""
    contents = gather_contents(records, quarter=quarter, level=level, step=step)
    if quarter is None:
        return contents
    admitted = select_cohort(records, level_of_care=level, admitted=contents.cohort.edges)
    counted = measure_people(admitted).where(definition=["admissions@1", "first_admission@1"])
    return replace(contents, everyone=(*contents.everyone, counted.over(*contents.cohort.edges)))


def build_factsheet(
    manifest: Manifest, contents: Contents, published: Published, period: str, signed_off_by: str = ""
) -> Sheet:
    """The two pages of a release, and its facts; ``period`` is one word for the time they speak of."""
    settings = manifest.settings
    as_of = manifest.as_of.isoformat() if manifest.as_of else "the end of follow-up"
    reading = Reading(published, contents, as_of, signed_off_by)
    origin = _say_origin(manifest, contents, published, period, as_of)
    facts, unsaid = choose_facts(reading, origin)
    need = tabulate_need(settings.get("needs") or ())
    targets = tabulate_targets(reading, settings.get("targets") or {}, settings.get("grant") or {})
    benchmarks = tabulate_benchmarks(reading)
    level = f"{LevelOfCare(contents.level).label} (ASAM level {contents.level})"
    first = (need, _served(reading, origin), *_glance(reading, facts), *_say_facts(facts, unsaid))
    second = (targets, tabulate_logic(reading), benchmarks, _limits(facts), _method(reading, origin))
    document = Document(
        title=origin.programme,
        subtitle=f"Fact sheet for grant writers: {level}",
        period=contents.cohort.label,
        as_of=as_of,
        audience=published.audience,
        pages=(
            Page(
                "page-1",
                "1",
                "Need, people and facts",
                f"What may be said of everyone who came in {origin.period}.",
                first,
            ),
            Page("page-2", "2", "Targets, logic and limits", "", second),
        ),
        synthetic=bool(settings.get("synthetic", False)),
    )
    fixed = (origin.period, f"in {origin.period},", f"in {origin.period}.", *list_texts((need, targets, benchmarks)))
    return Sheet(document, facts, (*fixed, targets.caption, *_cite(origin.citation)))


def _say_origin(manifest: Manifest, contents: Contents, published: Published, period: str, as_of: str) -> Origin:
    programme = str(manifest.settings.get("name") or "Our programme")
    synthetic = bool(manifest.settings.get("synthetic", False))
    software = version("iop_outcomes")
    return Origin(
        programme,
        period,
        *contents.cohort.edges,
        as_of,
        f"{'synthetic' if synthetic else 'programme'} records",
        Citation(
            programme,
            f"Fact sheet, {period}",
            manifest.as_of,
            published.release_id,
            f"iop_outcomes {software}",
            synthetic,
        ),
        software,
    )


def _glance(reading: Reading, facts: Sequence[Fact]) -> Iterable[Block]:
    """The figures themselves: people admitted, and one tile a fact; nothing where none may be said."""
    people = find_quantity(reading.of_cohort, definition="admissions@1", category="people", estimand="count", by="all")
    tiles = [Tile("People admitted, each counted once", people, reading.published)] if people.shown else []
    for fact in facts:
        counted = replace(fact.estimate, people=math.nan)  # on what its sentence says it is counted among
        tiles.append(Tile(fact.wording.title, counted, reading.published, note=fact.frequency))
    if tiles:
        yield Tiles(tuple(tiles))


def _served(reading: Reading, origin: Origin) -> Block:
    """How many different people, in how many admissions, and how many came for the first time."""
    people, stays = (
        find_quantity(reading.of_cohort, definition="admissions@1", category=category, estimand="count", by="all")
        for category in ("people", "episodes")
    )
    first = find_quantity(reading.of_cohort, definition="first_admission@1", by="all")
    if people.shown:
        told = f"{people.value:,.0f} different people were admitted in {origin.period}"
        said = [f"{told}, in {stays.value:,.0f} admissions." if stays.shown else f"{told}."]
    else:
        why = "withheld to protect privacy" if people.withheld else "not known"
        said = [f"How many different people were admitted in {origin.period} is {why}."]
        said += [f"There were {stays.value:,.0f} admissions."] if stays.shown else []
    if first.shown:
        said.append(f"For {say_quantity(first, 'admissions')} it was the first one here.")
    return Sentences((" ".join(said),), "People served, unduplicated")


def _say_facts(facts: Sequence[Fact], unsaid: Sequence[str]) -> Iterable[Block]:
    """Every fact as a sentence to paste, then what could not be said and why."""
    few = (_WIDER,) if len(facts) < _FEW else ()
    said = tuple(fact.sentence for fact in facts) or ("No figure of this period may stand in a sentence.",)
    yield Sentences(said, "Facts to quote")
    if unsaid:
        yield Sentences((*unsaid, *few), "What is not among them, and why")


def _limits(facts: Sequence[Fact]) -> Block:
    said = dict.fromkeys(limit for fact in facts for limit in fact.wording.limitations)
    ranges = "A CI is what chance alone leaves open; it does not speak of answers that are missing."
    return Sentences((f"{_NOT_CAUSE} {ranges}", " ".join(said)) if said else (f"{_NOT_CAUSE} {ranges}",), "Limits")


def _method(reading: Reading, origin: Origin) -> Block:
    source, audit = reading.published, reading.published.audit
    signed = (
        f"Signed off by {reading.signed_off_by}."
        if reading.signed_off_by
        else "A draft: nobody has signed this off yet."
    )
    withheld = f" Of {audit.total:,} numbers, {audit.withheld:,} are withheld." if source.policy.withholds else ""
    line = (
        f"{origin.source.capitalize()} as of {origin.as_of}; release {source.release_id}, policy {source.policy.name}."
        f"{withheld} {signed} Each figure's definition, method and missing rule stand in the list of facts."
    )
    forms = tuple(zip(("APA", "BibTeX", "CSL-JSON"), _cite(origin.citation), strict=True))
    return TextTable("Method and how to cite", ("Form", "Text"), (("Method", line), *forms))


def _cite(citation: Citation) -> tuple[str, str, str]:
    bibtex = " ".join(line.strip() for line in citation.bibtex().splitlines())
    return citation.apa(), bibtex, json.dumps(citation.csl(), ensure_ascii=False)
