"""Page 1, this quarter on one page: it stands alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iop_outcomes.publication.document import (
    Block,
    Note,
    Page,
    Sentences,
    Tile,
    Tiles,
)
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.publication.formatting import WITHHELD
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.answers import answer_questions
from iop_outcomes.reports.reading import Reading, find_quantity, name_admissions, name_scale
from iop_outcomes.reports.signals import (
    SERIES,
    Series,
    find_series,
    is_half_shown,
    list_questions,
    read_signal,
    say_assurance,
    write_sentences,
)
from iop_outcomes.vocabulary import LevelOfCare

#: Share of withheld numbers from which page 1 says why.
_MUCH = 1 / 3
_WHY_WITHHELD = (
    "Many figures here rest on few people, and showing them could tell something of one person. They carry the mark "
    f"{WITHHELD} instead. A longer time or more people would let more be shown; the internal report shows all of it."
)
_HOW_TO_READ = (
    "Tiles speak of everyone admitted in the four quarters, early leavers too, unless they say otherwise. Marked points lie "
    "beyond the usual ups and downs: ▲ better, ▼ worse, ◆ changed; a hollow one is too early to say."
)
_NO_DATES = (
    "These records hold no dates, so nothing can be said of quarters or months, nor of change. Years of admission stand "
    "in. A likely range is what chance alone leaves open."
)


def build_first(reading: Reading) -> Page:
    """This quarter on one page: tiles with their own history, sentences from signals, what to look into."""
    quarter = reading.contents.quarter
    blocks: list[Block] = [Tiles(tuple(tile for tile in _tiles(reading) if tile.quantity.status != "not_estimable"))]
    audit = reading.published.audit
    if audit.withheld > _MUCH * audit.total:
        blocks.append(Note(_WHY_WITHHELD, "Why so much is withheld"))
    if quarter:
        blocks.append(Sentences(write_sentences(reading.published, quarter), "Did anything really change?"))
    blocks += answer_questions(reading)
    questions = list_questions(reading.published, quarter, reading.contents.cohort)
    if questions:
        blocks.append(Sentences(questions, "What we would look into"))
    blocks.append(Note(_HOW_TO_READ if quarter else _NO_DATES, "How to read this page"))
    title = "This quarter on one page" if quarter else "All admissions on one page"
    return Page("page-1", "1", title, _lead(reading), tuple(blocks))


def _lead(reading: Reading) -> str:
    level = LevelOfCare(reading.contents.level).label
    when = reading.contents.quarter.label if reading.contents.quarter else reading.contents.cohort.label
    edition = f"ASAM level {reading.contents.level}, edition {reading.published.settings.get('asam_edition', 3)}"
    return f"{level} ({edition}), {when}, as of {reading.as_of}."


def _tiles(reading: Reading) -> Iterable[Tile]:
    year = reading.contents.cohort.label
    quarter = reading.contents.quarter
    if quarter:
        first, last = quarter.edges
        of_quarter = reading.published.where(period_start=first, period_end=last)
        counted = name_admissions(of_quarter)
        label = f"{'People admitted' if counted == 'people' else 'Admissions'} this quarter"
        where = {"definition": "admissions@1", "category": counted, "estimand": "count", "by": "all"}
        yield _tile(reading, label, of_quarter, SERIES["admissions"], quarter.label, **where)
    else:
        yield _tile(
            reading, "People admitted", reading.of_cohort, None, year, definition="admissions@1", category="people"
        )
    yield _tile(
        reading,
        "In programme or completed at 6 weeks",
        reading.of_cohort,
        SERIES["retained"],
        year,
        definition="retained@1",
        at=42,
        by="all",
    )
    yield _tile(
        reading,
        "Hours attended of the whole course",
        reading.of_cohort,
        SERIES["hours_completion_enrolled"],
        f"{year}; line: while enrolled",
        definition="hours_completion_admitted@1",
        by="all",
    )
    yield from _milestone_tile(reading)
    yield from _improvement_tile(reading)
    costs = tuple(_cost_tile(reading))
    yield from costs or (_no_show_tile(reading),)


def _tile(reading: Reading, label: str, rows: Published, series: Series | None, note: str, **where: Any) -> Tile:
    quantity = find_quantity(rows, **where)
    if series is None or reading.contents.quarter is None:
        return Tile(label, quantity, rows, note=note)
    line = find_series(reading.published, series)
    signal, _ = read_signal(line, reading.contents.quarter)
    if not is_half_shown(line):
        return Tile(label, quantity, rows, signal="too_few", note=f"{note}; too few points may be shown for a line")
    kind = FIGURES["sparkline"]
    svg = to_svg(kind.draw(line), f"tile-{series.name}")
    return Tile(label, quantity, rows, svg, kind.describe(line), signal, say_assurance(line), note)


def _milestone_tile(reading: Reading) -> Iterable[Tile]:
    day = reading.milestone_day(30)
    where = {"category": "30", "at": day, "by": "all"}
    quantity = find_quantity(reading.of_cohort, definition="milestone_bridged@1", **where)
    if quantity.status == "not_estimable":
        return
    low = find_quantity(reading.of_cohort, definition="milestone_confirmed@1", **where)
    high = find_quantity(reading.of_cohort, definition="milestone_not_contradicted@1", **where)
    band = ""
    if low.shown and high.shown:
        band = f"; between {low.value:.0%} (every day confirmed) and {high.value:.0%} (nothing known against it)"
    planned = day == reading.contents.planned_days
    line = "" if planned else "; line: by the planned end"
    label = f"30 days sober by {'the planned end' if planned else f'day {day:.0f}'}"
    note = f"{reading.contents.cohort.label}{band}{line}"
    yield _tile(reading, label, reading.of_cohort, SERIES["milestone"], note, definition="milestone_bridged@1", **where)


def _improvement_tile(reading: Reading) -> Iterable[Tile]:
    """The first scale with a known reliable change: at least and at most how many improved by it."""
    improved = reading.of_cohort.where(definition="reliable_improvement@1", by="all")
    for row in improved.rows():
        scale = str(row["category"]).partition("/")[0]
        high = find_quantity(
            reading.of_cohort,
            definition="reliable_improvement_upper@1",
            category=f"{scale}/improved_or_unknown",
            by="all",
        )
        band = f"; at most {high.value:.0%}, if everyone not asked again had improved" if high.shown else ""
        label = f"Improved on the {name_scale(reading.published.settings.get('scales'), scale)}, at least"
        note = f"{reading.contents.cohort.label}{band}"
        where = {"definition": "reliable_improvement@1", "category": row["category"], "by": "all"}
        yield _tile(reading, label, reading.of_cohort, SERIES["improved"], note, **where)
        return


def _cost_tile(reading: Reading) -> Iterable[Tile]:
    """What an episode costs, where the records hold the programme's books."""
    cost = find_quantity(reading.published, definition="cost_admission@1", by="all")
    if cost.status != "not_estimable":
        line = "; no line: one price of a week holds for all of them" if reading.contents.quarter else ""
        note = f"All admissions; {cost.unit}{line}"
        yield Tile("Cost of an episode", cost, reading.published, note=note)


def _no_show_tile(reading: Reading) -> Tile:
    where = {"definition": "session_status@1", "category": "no_show", "by": "all"}
    year = reading.contents.cohort.label
    return _tile(reading, "Sessions missed without notice", reading.of_cohort, SERIES["no_show"], year, **where)
