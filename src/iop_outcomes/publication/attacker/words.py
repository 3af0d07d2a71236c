"""What the attack found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.attacker.reading import Table
from iop_outcomes.publication.attacker.system import Cell

#: What was tried, in the order of :data:`~iop_outcomes.publication.attacker.system.METHODS` a finding may carry.
TRIED: dict[str, str] = {
    "linear": "sums: groups and everyone, categories and their base, those left over, days of a curve, periods, exclusions",
    "percent": "shares and means turned back into whole numbers",
    "interval": "intervals turned back into whole numbers",
    "step": "steps of curves turned back into people with the numbers at risk",
    "average": "means times their bases, added over groups",
    "releases": "the same figure in two releases, and periods that overlap",
}

_NUMBERS = {"events": "events", "base": "denominator", "people": "people", "missing": "n_missing"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A number that was not printed and can be worked out: its smallest and largest value, how, and from which rows.

    ``rows`` are the rows the number belongs to, ``used`` all rows it follows from, counted from 0 through all releases.
    """

    cell: str
    low: float
    high: float
    method: str
    rows: tuple[int, ...]
    used: tuple[int, ...]

    @property
    def pinned(self) -> bool:
        """Whether only one value is left."""
        return self.low == self.high


@dataclass(frozen=True)
class Attempt:
    """What was attacked and what came of it. ``unreleased`` counts the numbers that are not printed."""

    findings: tuple[Finding, ...]
    releases: int
    rows: int
    withheld: int
    unreleased: int
    threshold: int


def name_cell(table: Table, cell: Cell) -> str:
    """A number in words: which row or rows it belongs to and what it counts.

    Such as ``reason@1, category c2, site B, day 30, withheld row: events``.
    """
    row, other = cell.row, cell.other
    place = _name_row(table, row)
    state = "withheld row" if table.withheld[row] else "row with some counts withheld" if table.blanked(row) else "row"
    if cell.kind in _NUMBERS:
        return f"{place}, {state}: {_NUMBERS[cell.kind]}"
    if cell.kind.startswith("stretch"):
        field = _NUMBERS.get(cell.kind.removeprefix("stretch of "), "number")
        return f"{_name_row(table, row, period=cell.words)}, no row of its own: {field}"
    words = {
        "left": "denominator less events",
        "rest": "denominator less all categories",
        "overlap": f"people in more than one group of {cell.words}",
        "repeat": "beyond the first of each of the people",
        "step": f"change to {_day(table, other)}",
        "nested": f"not also in {_name_row(table, other)}",
        "lacking": f"not among those counted in {_name_row(table, other)}",
        "day": f"left on {_day(table, row)} itself",
        "change": f"change of {_NUMBERS.get(cell.words, 'number')} to release {int(table.release[other]) + 1}",
        "total": "total of the withheld mean",
    }
    return f"{place}, {state}: {words.get(cell.kind, cell.kind)}"


def describe_attack(findings: Sequence[Finding], tried: Attempt) -> str:
    """What an attack on a release found, as a text to print; ``tried`` says how much was attacked."""
    few = f"1 to {tried.threshold - 1}"
    tables = "1 released table" if tried.releases == 1 else f"{tried.releases} released tables together"
    lines = [
        f"Read {tables}: {tried.rows:,} rows, {tried.withheld:,} of them withheld.",
        f"{tried.unreleased:,} numbers that are not printed hang together with printed ones. Tried on them:",
        *(f"  - {words}" for words in TRIED.values()),
        "",
    ]
    if not findings:
        lines.append(f"Nothing could be worked out: no count of {few} people can be told from what is printed.")
        return "\n".join(lines)
    count = "1 number that speaks" if len(findings) == 1 else f"{len(findings):,} numbers that speak"
    lines.append(f"{count} of {few} people can be worked out (rows counted from 1 through all tables):")
    for finding in findings:
        span = f"{finding.low:g}" if finding.pinned else f"between {finding.low:g} and {finding.high:g}"
        used = ", ".join(str(row + 1) for row in finding.used[:12]) + (" and more" if len(finding.used) > 12 else "")
        lines.append(f"  - {finding.cell}: {span} ({finding.method}; from rows {used})")
    lines.append("Do not release these tables as they are.")
    return "\n".join(lines)


def _name_row(table: Table, row: int, period: str = "") -> str:
    """A row in words: what is defined, its category, group, day, period and release."""
    text = table.text
    parts = [text["definition"][row]]
    if text["category"][row]:
        parts.append(f"category {text['category'][row]}")
    if text["by"][row] != ALL:
        parts.append(f"{text['by'][row]} {text['group'][row] or 'unknown'}")
    if table.shown("at", row):
        parts.append(_day(table, row))
    start, end = text["period_start"][row], text["period_end"][row]
    if period or start or end:
        parts.append(period or f"{start} to {end}")
    if table.release.max(initial=0) > 0:
        parts.append(f"release {int(table.release[row]) + 1}")
    return ", ".join(parts)


def _day(table: Table, row: int) -> str:
    return f"day {table.number['at'][row]:g}"
