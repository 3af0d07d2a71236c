"""The quarterly report: from records to files for each audience, with one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import Document, Page
from iop_outcomes.publication.formats import check_formats, check_paper
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.overrides import Override
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_documents, write_release
from iop_outcomes.records.model import Records
from iop_outcomes.reports.contents import Contents, Step, choose_level, gather_contents
from iop_outcomes.reports.folding import fold_withheld
from iop_outcomes.reports.pages.appendix import build_certainty, build_definitions, build_disclosure
from iop_outcomes.reports.pages.comparison import build_comparison
from iop_outcomes.reports.pages.first import build_first
from iop_outcomes.reports.pages.health import build_health
from iop_outcomes.reports.pages.hours import build_hours
from iop_outcomes.reports.pages.people import build_people
from iop_outcomes.reports.pages.sites import build_sites
from iop_outcomes.reports.pages.sobriety import build_sobriety
from iop_outcomes.reports.pages.staying import build_staying
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.reading import Reading, describe_definition
from iop_outcomes.vocabulary import Audience

_PAGES: tuple[Callable[[Reading], Page], ...] = (
    build_first,
    build_people,
    build_staying,
    build_hours,
    build_sobriety,
    build_health,
    build_sites,
    build_comparison,
)


def write_quarterly(
    records: Records,
    *,
    quarter: str | None = None,
    folder: str | Path = "reports",
    audiences: Sequence[str] = ("public", "internal"),
    level_of_care: str | None = None,
    formats: Sequence[str] = ("html",),
    paper: str = "a4",
    step: Step | None = None,
    ledger: str | Path | None = None,
    overrides: Sequence[Override] = (),
    sign_off: SignOff | None = None,
) -> list[Path]:
    """Write the quarterly report of a programme for each audience, and say where.

    ``formats`` are any of ``html``, ``pdf``, ``docx``, ``xlsx``, ``md``, ``json`` and ``csv``; ``paper`` (``a4`` or
    ``letter``) is for those that are printed. Beside the public report always stand the CSV of its numbers and its manifest.
    It is a draft, checked against what ``ledger`` (the programme's ``releases.jsonl``) says was released before, until
    ``sign_off`` makes it final and writes it into the ledger. ``overrides`` open the numbers they name. The files of an
    audience appear together or not at all.

    ``quarter`` is written ``"2025Q4"``, of the fiscal year where program.toml sets one (default: the last whole quarter
    before the as-of date; records without dates have no quarters and the report speaks of all admissions).
    ``level_of_care`` defaults to intensive outpatient (2.1) where there is any. ``audiences``: ``public`` passes the
    release gate, ``internal`` is stamped. ``step`` is told what is being done, how much is done, and of how much.

    Raises :class:`UsageError` for a format there is not, for a quarter after the as-of date, and for one in which nobody
    was admitted; ``DisclosureError`` where the release may not leave.
    """
    strange = [audience for audience in audiences if audience not in Audience.codes()]
    if strange:
        raise UsageError(f"an audience is one of {', '.join(Audience.codes())}")
    formats, size = check_formats(formats), check_paper(paper)
    level = choose_level(records, level_of_care)
    chosen = _choose_quarter(records, quarter)
    steps = _Steps(step, len(audiences) * (1 + len(formats)) + bool(sign_off))
    contents = gather_contents(records, quarter=chosen, level=level, step=steps.measure)
    paths = []
    for audience in audiences:
        name = f"quarterly-{chosen.code}-{audience}" if chosen else f"all-admissions-{audience}"
        steps.say(f"Deciding what the {audience} report may show")
        if audience == Audience.INTERNAL:
            document = build_quarterly(records, contents, publish(*contents.bundle(audience), audience=audience))
            paths += write_documents(document, folder, name, formats=formats, paper=size, say=steps.say)
            continue
        past = Past.read(ledger, level)
        policy = records.manifest.settings.get("publication", {}).get("policy")
        published = publish(*contents.bundle(audience), policy=policy, earlier=past.rows, overrides=overrides)
        document = build_quarterly(records, contents, published, sign_off.person if sign_off else "")
        paths += write_release(
            document,
            published,
            folder,
            name,
            past=past,
            overrides=overrides,
            sign_off=sign_off,
            formats=formats,
            paper=size,
            say=steps.say,
        )
    return paths


class _Steps:
    """One progress over the measures of a report and the writing of it."""

    def __init__(self, step: Step | None, writing: int) -> None:
        self._step, self._writing = step, writing
        self._done = self._measured = 0

    def measure(self, what: str, done: int, total: int) -> None:
        """Told by the measures."""
        self._measured = total
        if self._step and done < total:
            self._step(what, done, total + self._writing)

    def say(self, what: str) -> None:
        """Told by the gate and the writers, once each."""
        if self._step:
            self._step(what, self._measured + self._done, self._measured + self._writing)
        self._done += 1


def build_quarterly(records: Records, contents: Contents, published: Published, signed_off_by: str = "") -> Document:
    """The pages of a release as a document."""
    manifest = records.manifest
    as_of = manifest.as_of.isoformat() if manifest.as_of else "the end of follow-up"
    reading = Reading(published, contents, as_of, signed_off_by)
    pages = [
        *(fold_withheld(build(reading), published) for build in _PAGES),
        fold_withheld(build_certainty(reading, manifest), published),
        build_definitions(reading),
        build_disclosure(reading),
    ]
    period = contents.quarter.label if contents.quarter else contents.cohort.label
    return Document(
        title=str(manifest.settings.get("name") or "Programme report"),
        subtitle="Quarterly report" if contents.quarter else "Report of all admissions",
        period=period,
        as_of=as_of,
        audience=published.audience,
        pages=tuple(pages),
        synthetic=bool(manifest.settings.get("synthetic", False)),
        definitions=tuple(describe_definition(key) for key in sorted(set(published.frame["definition"]))),
    )


def _choose_quarter(records: Records, quarter: str | None) -> Quarter | None:
    as_of = records.manifest.as_of
    if records.manifest.privacy == "safe_harbor" or as_of is None:
        if quarter:
            raise UsageError("these records hold no dates, so no quarter can be chosen; leave --quarter out")
        return None
    year_start = int(records.manifest.settings.get("fiscal_year_start", 1))
    chosen = Quarter.parse(quarter, year_start) if quarter else Quarter.last_whole(as_of, year_start)
    if chosen.span.last > as_of:
        raise UsageError(f"{chosen.label} had not ended on the as-of date; choose an earlier quarter")
    return chosen
