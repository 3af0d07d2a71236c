"""Page 1 answers what a director asks first: who leaves and when, do people get their hours, and how sure is all this.

Each answer is a few sentences from published rows, with the page that says more; what may not be shown is said to be
withheld.
"""

from __future__ import annotations

from collections.abc import Iterator

from iop_outcomes.publication.document import Sentences
from iop_outcomes.publication.figures.equity import POOLED, RAW
from iop_outcomes.publication.formatting import PERCENT_FROM, Quantity, quantity_of, say_quantity, show
from iop_outcomes.publication.wording import say_code
from iop_outcomes.reports.contents import DAYS, SITE_DAY
from iop_outcomes.reports.reading import Reading, find_quantity

#: The day early leaving is told by, where it may be shown; else the first day shown.
_EARLY = 14
#: Most groups named on page 1; page 7 has them all.
_NAMED = 2
_HIDDEN = "is withheld to protect privacy, for it rests on too few people"


def answer_questions(reading: Reading) -> tuple[Sentences, ...]:
    """The three questions with their answers, in order; one without an answer in the records is left out."""
    asked = (
        ("Who is leaving early, and when?", _say_leaving(reading)),
        ("Are people getting their hours?", _say_hours(reading)),
        ("How sure are we?", _say_certainty(reading)),
    )
    answers = ((title, tuple(sentences)) for title, sentences in asked)
    return tuple(Sentences(sentences, title) for title, sentences in answers if sentences)


def _say_leaving(reading: Reading) -> Iterator[str]:
    """How many had left before completing, early and by the end, and which groups stay less."""
    found = {day: find_quantity(reading.of_cohort, definition="lost_early@1", at=day, by="all") for day in DAYS}
    shown = [day for day, left in found.items() if left.shown]
    if not shown:
        if any(left.withheld for left in found.values()):
            yield f"How many leave before completing {_HIDDEN} (page 3)."
        return
    first = _EARLY if _EARLY in shown else shown[0]
    yield f"By day {first}, {say_quantity(found[first])} had left before completing."
    later = [day for day in shown if day > first]
    last = next((day for day in later if day >= reading.contents.planned_days), later[-1] if later else None)
    if last is not None:
        yield f"By day {last}, {say_quantity(found[last])} had left before completing, not counting moves to other care (page 3)."
    yield from _say_groups(reading)


def _say_groups(reading: Reading) -> Iterator[str]:
    """The groups whose likely range lies below everyone else's; pooled differences where there are any, else plain ones."""
    differences = reading.of_cohort.where(definition="retained_followed@1", estimand="difference")
    for reference in (POOLED, RAW):
        gaps = [(row, quantity_of(row)) for row in differences.where(reference=reference).rows()]
        if any(gap.shown for _, gap in gaps):
            less = [
                f"{say_code(row['by']).lower()}: {say_code(row['group'], row['by']).lower()}"
                for row, gap in gaps
                if gap.high < 0
            ]
            named = "among them " if len(less) > _NAMED else ""
            yield (
                f"Compared with everyone else, fewer are still there on day {SITE_DAY} in some groups, "
                f"{named}{'; '.join(less[:_NAMED])} (page 7)."
                if less
                else "In the groups that may be shown, differences are no larger than chance explains (page 7)."
            )
            return


def _say_hours(reading: Reading) -> Iterator[str]:
    whole, enrolled, weeks, offered = (
        find_quantity(reading.of_cohort, definition=name, category="all", by="all")
        for name in ("hours_completion_admitted@1", "hours_completion_enrolled@1", "requirement_met@1", "fidelity@1")
    )
    if whole.shown:
        said = f"Of the hours of the whole planned course, {_of_hours(whole)} were attended"
        said += f"; of those due while people were enrolled, {show(enrolled)}" if enrolled.shown else ""
        yield f"{said} (page 4)."
    elif whole.withheld:
        yield f"How many hours were attended {_HIDDEN} (page 4)."
    if weeks.shown:
        yield f"Of weeks in care, {say_quantity(weeks, 'weeks')} met the weekly hours."
    if offered.shown:
        more = ", so weeks with more make up for weeks with fewer" if offered.value > 1 else ""
        yield f"The hours offered were {show(offered)} of those required{more}."


def _of_hours(share: Quantity) -> str:
    return say_quantity(share, "hours") if share.value < 1 else show(share)


def _say_certainty(reading: Reading) -> Iterator[str]:
    """What a range means, what is not known, and how much is withheld."""
    yield "A likely range shows how far chance alone could move a figure (page A1)."
    unknown = find_quantity(reading.of_cohort, definition="days_known@1", category="unknown", by="all")
    if unknown.shown:
        yield f"Nothing is known of use on {say_quantity(unknown, 'days in care')} (page 5)."
    reached = [
        row
        for row in reading.of_cohort.where(definition="followup_response@1", category="abstinent_30", by="all").rows()
        if row["value"] == row["value"] and not row["denominator"] < PERCENT_FROM
    ]
    if reached:
        row = max(reached, key=lambda row: row["at"])
        yield f"Of people who were to be asked on day {row['at']:g}, {say_quantity(quantity_of(row))} were reached (page 6)."
    audit = reading.published.audit
    if audit.withheld:
        yield f"Of {audit.total:,} numbers, {audit.withheld:,} are withheld to protect privacy (page A3)."
