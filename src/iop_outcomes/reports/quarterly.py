"""The quarterly report: from records to one self-contained page for each audience, with one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import Document, Page
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.html import write_html
from iop_outcomes.publication.overrides import Override, count_named
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_release
from iop_outcomes.records.model import Records
from iop_outcomes.reports.contents import Contents, choose_level, gather_contents
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
from iop_outcomes.reports.reading import Reading
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
    step: Callable[[str, int, int], None] | None = None,
    ledger: str | Path | None = None,
    overrides: Sequence[Override] = (),
    sign_off: SignOff | None = None,
) -> list[Path]:
    """Write the quarterly report of a programme as one HTML page for each audience, and say where.

    Beside the public page stand the table of its numbers and its manifest. It is a draft, checked against what ``ledger``
    (the programme's ``releases.jsonl``) says was released before, until ``sign_off`` makes it final and writes it into the
    ledger. ``overrides`` open the numbers they name.

    ``quarter`` is written ``"2025Q4"`` (default: the last whole quarter before the as-of date; records without dates
    have no quarters and the report speaks of all admissions). ``level_of_care`` defaults to intensive outpatient (2.1)
    where there is any. ``audiences``: ``public`` passes the release gate, ``internal`` is stamped. ``step`` is told what
    is being done, how much is done, and of how much.

    Raises :class:`UsageError` for a quarter after the as-of date, and for one in which nobody was admitted;
    ``DisclosureError`` where the release may not leave.
    """
    strange = [audience for audience in audiences if audience not in Audience.codes()]
    if strange:
        raise UsageError(f"an audience is one of {', '.join(Audience.codes())}")
    level = choose_level(records, level_of_care)
    chosen = _choose_quarter(records, quarter)
    folder = Path(folder)
    contents = gather_contents(records, quarter=chosen, level=level, step=step)
    paths = []
    for audience in audiences:
        name = f"quarterly-{chosen.year}Q{chosen.number}" if chosen else "all-admissions"
        folder.mkdir(parents=True, exist_ok=True)
        if audience == Audience.INTERNAL:
            document = build_quarterly(records, contents, publish(*contents.bundle(audience), audience=audience))
            paths.append(write_html(document, folder / f"{name}-{audience}.html"))
            continue
        past = Past.read(ledger, level)
        policy = records.manifest.settings.get("publication", {}).get("policy")
        published = publish(*contents.bundle(audience), policy=policy, earlier=past.rows, overrides=overrides)
        past.check_policy(published.policy)
        document = build_quarterly(records, contents, published, sign_off.person if sign_off else "")
        opened = [(one, count_named(one, published.frame)) for one in overrides]
        paths += write_release(
            document, published, folder, f"{name}-{audience}", past=past, overrides=opened, sign_off=sign_off
        )
    return paths


def build_quarterly(records: Records, contents: Contents, published: Published, signed_off_by: str = "") -> Document:
    """The pages of a release as a document."""
    manifest = records.manifest
    as_of = manifest.as_of.isoformat() if manifest.as_of else "the end of follow-up"
    reading = Reading(published, contents, as_of, signed_off_by)
    pages = [
        *(build(reading) for build in _PAGES),
        build_certainty(reading, manifest),
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
    )


def _choose_quarter(records: Records, quarter: str | None) -> Quarter | None:
    as_of = records.manifest.as_of
    if records.manifest.privacy == "safe_harbor" or as_of is None:
        if quarter:
            raise UsageError("these records hold no dates, so no quarter can be chosen; leave --quarter out")
        return None
    chosen = Quarter.parse(quarter) if quarter else Quarter.last_whole(as_of)
    if chosen.span.last > as_of:
        raise UsageError(f"{chosen.label} had not ended on the as-of date; choose an earlier quarter")
    return chosen
