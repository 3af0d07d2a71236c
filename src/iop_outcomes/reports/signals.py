"""Sentences written from signals, not from differences, and what to look into. They read published rows and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

from iop_outcomes.publication.document import Signal, pick
from iop_outcomes.publication.figures.control_series import DRAWN, LINES, ControlSeries
from iop_outcomes.publication.formatting import say_quantity, show, show_value
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.period import Span
from iop_outcomes.vocabulary import Audience


@dataclass(frozen=True)
class Series:
    """One line of the report over time: its name in ``measure_by_period``, which rows it is, how it is called, its page.

    Where months hold too few people on either side of a share, lines are shown by quarter to the audiences of ``pooled``:
    the public may see more of them so, and what few people a month reach varies by chance alone for months on end.
    All are drawn as XmR charts: readers learn one chart, and its limits come from how much months differ, whatever the
    reason (docs/methods/charts.md). ``measure_by_period`` offers the others. Without a ``category`` it is whichever the
    records have.
    """

    name: str
    definition: str
    category: str
    page: str
    sentence: str
    short: str
    pooled: tuple[Audience, ...] = ()


#: The lines of page 1, in order.
_LINES: tuple[Series, ...] = (
    Series(
        *("admissions", "admissions@1", "episodes", "2"),
        "the number of people admitted each month",
        "people admitted",
    ),
    Series(
        *("retained", "retained@1", "retained", "3"),
        "the share still in the programme or completed at six weeks",
        "people staying six weeks",
        pooled=(Audience.PUBLIC,),
    ),
    Series(
        *("hours_completion_enrolled", "hours_completion_enrolled@1", "all", "4"),
        "hours attended of hours required while enrolled",
        "hours attended",
    ),
    Series(
        *("milestone", "milestone_bridged@1", "30", "5"),
        "the share who reached 30 days sober by the planned end",
        "people 30 days sober",
        pooled=tuple(Audience),
    ),
    Series(
        *("improved", "reliable_improvement@1", "", "6"),
        "the share who improved on the first scale",
        "people improving",
        pooled=tuple(Audience),
    ),
    Series(
        *("requirement_met", "requirement_met@1", "all", "4"),
        "the share of weeks that met the weekly hours",
        "weeks with all their hours",
    ),
    Series(
        *("no_show", "session_status@1", "no_show", "4"),
        "the share of sessions missed without notice",
        "sessions missed without notice",
    ),
)
#: The lines of page 1 by name, in order.
SERIES: dict[str, Series] = {series.name: series for series in _LINES}
#: Fewest months or quarters shown for a word on change.
FEWEST = 8


def find_series(published: Published, series: Series) -> Published:
    """The rows of one line by month, or where it has none by quarter, with its centre line, limits and target."""
    rows = published.where(definition=series.definition, by="all")
    if series.category:
        rows = rows.where(category=[series.category, *LINES])
    lengths = [_count_months(row) for row in rows.rows()]
    step = 1 if 1 in lengths else 3
    return rows.only(lambda row: row["estimand"] in DRAWN or _count_months(row) == step)


def _count_months(row: dict[str, Any]) -> int:
    """Months a row speaks of; none where it has no period or is drawn through all of them."""
    start, end = row["period_start"], row["period_end"]
    if row["estimand"] in DRAWN or not (isinstance(start, str) and isinstance(end, str)):
        return 0
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    return 12 * (last.year - first.year) + last.month - first.month + 1


def is_half_shown(rows: Published) -> bool:
    """Whether at least half of the months or quarters of a line have a value, so that it may be drawn and judged."""
    values = [row["value"] for row in rows.rows() if row["estimand"] not in DRAWN]
    return bool(values) and sum(not math.isnan(value) for value in values) >= len(values) / 2


def read_signal(rows: Published, quarter: Span) -> tuple[Signal, tuple[str, ...]]:
    """What the chart says of the quarter, and the months, or the quarter, it says it of."""
    shown = [row for row in rows.rows() if row["estimand"] not in DRAWN and row["status"] == "ok"]
    first, last = quarter.edges
    dated = [row for row in shown if isinstance(row["period_start"], str) and isinstance(row["period_end"], str)]
    inside = [row for row in dated if row["period_start"] >= first and row["period_end"] <= last]
    if not inside or len(shown) < FEWEST or not is_half_shown(rows):
        return "too_few", ()
    found: dict[str, list[str]] = {}
    for start, end, note in map(itemgetter("period_start", "period_end", "note"), inside):
        if isinstance(note, str) and "signal: " in note:
            when = say_month(start) if _is_month(start, end) else "the quarter"
            found.setdefault(note.split("signal: ")[1].split(";")[0].strip(), []).append(when)
    words: tuple[Signal, ...] = ("worse", "better", "changed")
    for word in words:
        if word in found:
            return word, tuple(found[word])
    return "none", ()


#: What the limits of a chart say of a target.
_ASSURED = {
    "meets": "ordinary {periods} meet it",
    "misses": "ordinary {periods} do not meet it, so it takes a change",
    "varies": "ordinary {periods} may or may not meet it",
    "unknown": "too few {periods} to say whether it can be met",
}


def say_assurance(rows: Published) -> str:
    """What the limits of a line say of its target, in words; nothing where none is set or where it may not be shown."""
    series = ControlSeries.read(rows)
    if series.target is None:
        return ""
    periods = (
        "months" if all(_is_month(row["period_start"], row["period_end"]) for row in series.points) else "quarters"
    )
    said = _ASSURED[series.target.assurance].format(periods=periods)
    return f"Target {show_value(series.target.value, series.kind)}: {said}"


def _is_month(start: str, end: str) -> bool:
    return start[:7] == end[:7]


def say_month(start: str) -> str:
    """``2025-10-01`` as ``October 2025``."""
    day = date.fromisoformat(start)
    return f"{day:%B} {day.year}"


def write_sentences(published: Published, quarter: Span) -> tuple[str, ...]:
    """Has it really changed? A sentence for each line with a signal; one for all that vary by chance, one for the rest."""
    lines = [(series, find_series(published, series)) for series in SERIES.values()]
    lines = [(series, line) for series, line in lines if len(line)]
    read = [(series, *read_signal(line, quarter)) for series, line in lines]
    said = [_sentence(series, signal, months) for series, signal, months in read if months]
    steady = [series.short for series, signal, months in read if not months and signal != "too_few"]
    unknown = [series.short for series, signal, _ in read if signal == "too_few"]
    aims = [(series, say_assurance(line)) for series, line in lines]
    if steady:
        said.append(f"No real change, only the ups and downs of chance, in {join_words(steady)}.")
    if unknown:
        said.append(f"Too few points to tell change from chance in {join_words(unknown)}.")
    said += [f"{_start(series.sentence)}, {aim[0].lower()}{aim[1:]}." for series, aim in aims if aim]
    return tuple(said)


def _sentence(series: Series, signal: Signal, months: tuple[str, ...]) -> str:
    when = " and ".join(months) if len(months) < 3 else f"all of {months[0]} to {months[-1]}"
    word = {"better": "a real change for the better", "worse": "a real change for the worse"}.get(
        signal, "a real change"
    )
    return f"{_start(series.sentence)}: {word} in {when} (page {series.page})."


def join_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> join_words(["hours", "weeks", "sessions"])
    'hours, weeks and sessions'
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _start(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def list_questions(published: Published, quarter: Span | None, cohort: Span) -> tuple[str, ...]:
    """At most three things we would look into, each pointing at a page."""
    questions = [*(_of_series(published, quarter) if quarter else ()), *_of_cohort(published, cohort)]
    return tuple(questions[:3])


def _of_series(published: Published, quarter: Span) -> Iterator[str]:
    for series in SERIES.values():
        signal, months = read_signal(find_series(published, series), quarter)
        if signal == "worse" and months:
            yield f"{_start(series.sentence)} got worse in {months[0]}. What was different then? (page {series.page})"


def _of_cohort(published: Published, cohort: Span) -> Iterator[str]:
    """Questions the year's figures raise: leaving in the first two weeks, hours not offered, days unknown, missed weeks."""
    period: dict[str, Any] = dict(zip(("period_start", "period_end"), cohort.edges, strict=True))
    checks = (
        ("lost_early@1", {"category": "lost_early", "at": 14}, 0.15, True,
         "By day 14, {} had left before completing. What happens in the first two weeks? (page 3)"),
        ("fidelity@1", {"category": "all"}, 0.95, False,
         "Hours offered are {} of hours required. Where do the missing hours go? (page 4)"),
        ("days_known@1", {"category": "unknown"}, 0.4, True,
         "On {} nothing is known of use. Can tests and reports be closer together? (page 5)"),
        ("second_miss@1", {"category": "second_miss", "at": 30}, 0.2, True,
         "By day 30, {} had missed two sessions in a row. Who calls them after the first? (page 4)"),
    )  # fmt: skip
    for definition, where, edge, above, sentence in checks:
        try:
            found = pick(published, definition=definition, by="all", **where, **period)
        except LookupError:
            continue
        if found.shown and (found.value >= edge if above else found.value <= edge):
            words = show(found) if definition == "fidelity@1" else say_quantity(found, _things(definition))
            yield sentence.format(words)


def _things(definition: str) -> str:
    return "days in care" if definition == "days_known@1" else "people"
