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
from iop_outcomes.publication.figures.control_series import DRAWN
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.reading import Reading, find_quantity, name_scale
from iop_outcomes.reports.signals import (
    SERIES,
    Series,
    find_series,
    list_questions,
    read_signal,
    say_assurance,
    write_sentences,
)
from iop_outcomes.vocabulary import LevelOfCare


def build_first(reading: Reading) -> Page:
    """This quarter on one page: tiles with their own history, sentences from signals, what to look into."""
    quarter = reading.contents.quarter
    blocks: list[Block] = [Tiles(tuple(tile for tile in _tiles(reading) if tile.quantity.status != "not_estimable"))]
    if quarter:
        blocks.append(Sentences(write_sentences(reading.published, quarter), "Did anything really change?"))
    else:
        blocks.append(
            Note(
                "These records hold no dates, so nothing can be said of quarters or months; years of admission stand in."
            )
        )
    questions = list_questions(reading.published, quarter, reading.contents.cohort)
    if questions:
        blocks.append(Sentences(questions, "What we would look into"))
    blocks.append(
        Note(
            "Numbers in tiles speak of everyone admitted in the four quarters, whoever left early included, unless the "
            "tile says otherwise. Lines show the months of eight quarters; a mark on the line is a change larger than "
            "chance explains.",
            "How to read this page",
        )
    )
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
        yield _tile(
            reading,
            "People admitted this quarter",
            of_quarter,
            SERIES[0],
            quarter.label,
            definition="admissions@1",
            category="people",
        )
    else:
        yield _tile(
            reading, "People admitted", reading.of_cohort, None, year, definition="admissions@1", category="people"
        )
    yield _tile(
        reading,
        "In programme or completed at 6 weeks",
        reading.of_cohort,
        SERIES[1],
        year,
        definition="retained@1",
        at=42,
        by="all",
    )
    yield _tile(
        reading,
        "Hours attended of the whole course",
        reading.of_cohort,
        SERIES[2],
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
    if line.frame.loc[~line.frame["estimand"].isin(DRAWN), "status"].eq("ok").sum() < 2:  # no line to draw
        return Tile(label, quantity, rows, signal="too_few", note=note)
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
    by = "the planned end" if day == reading.contents.planned_days else f"day {day:.0f}"
    yield Tile(f"30 days sober by {by}", quantity, reading.of_cohort, note=f"{reading.contents.cohort.label}{band}")


def _improvement_tile(reading: Reading) -> Iterable[Tile]:
    """The first scale with a known reliable change: at least and at most how many improved by it."""
    improved = reading.of_cohort.where(definition="reliable_improvement@1", by="all")
    for row in improved.rows():
        scale = str(row["category"]).partition("/")[0]
        low = find_quantity(improved, category=row["category"])
        high = find_quantity(
            reading.of_cohort,
            definition="reliable_improvement_upper@1",
            category=f"{scale}/improved_or_unknown",
            by="all",
        )
        band = f"; at most {high.value:.0%}, if everyone not asked again had improved" if high.shown else ""
        label = f"Improved on the {name_scale(reading.published.settings.get('scales'), scale)}, at least"
        yield Tile(label, low, reading.of_cohort, note=f"{reading.contents.cohort.label}{band}")
        return


def _cost_tile(reading: Reading) -> Iterable[Tile]:
    """What an episode costs, where the records hold the programme's books."""
    cost = find_quantity(reading.published, definition="cost_admission@1", by="all")
    if cost.status != "not_estimable":
        yield Tile("Cost of an episode", cost, reading.published, note=f"All admissions; {cost.unit}")


def _no_show_tile(reading: Reading) -> Tile:
    where = {"definition": "session_status@1", "category": "no_show", "by": "all"}
    return _tile(
        reading, "Sessions missed without notice", reading.of_cohort, SERIES[4], reading.contents.cohort.label, **where
    )
