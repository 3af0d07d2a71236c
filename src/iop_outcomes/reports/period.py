"""The time a report speaks of: a quarter, the four quarters that end with it, and the four before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from iop_outcomes.errors import UsageError


@dataclass(frozen=True)
class Span:
    """First and last day of a stretch of time, with the words a page prints for it."""

    first: date
    last: date
    label: str

    @property
    def edges(self) -> tuple[str, str]:
        """Both days as ISO text."""
        return self.first.isoformat(), self.last.isoformat()


@dataclass(frozen=True)
class Quarter:
    """A quarter of a year that starts in January, or in the month ``year_start``, and the stretches a report needs around it.

    A fiscal year is named by the calendar year in which it ends: with July as its first month, fiscal year 2026 runs from
    July 2025 to June 2026, and its second quarter is October to December 2025.

    >>> Quarter(2026, 2, year_start=7).label
    'Q2 of fiscal year 2026 (October to December 2025)'
    """

    year: int
    number: int
    year_start: int = 1

    @classmethod
    def parse(cls, text: str, year_start: int = 1) -> Quarter:
        """The quarter written ``2025Q4`` or ``FY2025Q4``; ``UsageError`` when it is not written so.

        >>> Quarter.parse("2025Q4").span.edges
        ('2025-10-01', '2025-12-31')
        >>> Quarter.parse("2026Q1", year_start=10).span.edges
        ('2025-10-01', '2025-12-31')
        """
        found = re.fullmatch(r"(?:FY)?(\d{4})-?Q([1-4])", text.strip(), re.IGNORECASE)
        if not found:
            raise UsageError("a quarter is written like 2025Q4")
        return cls(int(found[1]), int(found[2]), year_start)

    @classmethod
    def last_whole(cls, as_of: date, year_start: int = 1) -> Quarter:
        """The last quarter that had ended by the as-of date."""
        months = (as_of.year * 12 + as_of.month - year_start) % 12
        year = as_of.year + (year_start > 1 and as_of.month >= year_start)
        current = cls(year, months // 3 + 1, year_start)
        return current if current.span.last <= as_of else current.back(1)

    def back(self, quarters: int) -> Quarter:
        """The quarter so many before this one."""
        index = self.year * 4 + self.number - 1 - quarters
        return Quarter(index // 4, index % 4 + 1, self.year_start)

    @property
    def code(self) -> str:
        """``2025Q4``, or ``FY2026Q2`` where the fiscal year does not start in January: what a file is named by."""
        return f"{'FY' if self.year_start > 1 else ''}{self.year}Q{self.number}"

    @property
    def label(self) -> str:
        """``2025 Q4``; of a fiscal year with its months, for its number alone would mislead."""
        if self.year_start == 1:
            return f"{self.year} Q{self.number}"
        return f"Q{self.number} of fiscal year {self.year} ({_say_months(self._first, self._last)})"

    @property
    def span(self) -> Span:
        """The quarter's own days."""
        return Span(self._first, self._last, self.label)

    @property
    def year_to(self) -> Span:
        """The four quarters that end with this one."""
        return self._stretch(3, 0)

    @property
    def year_before(self) -> Span:
        """The four quarters before this one."""
        return self._stretch(4, 1)

    @property
    def history(self) -> Span:
        """The eight quarters that end with this one."""
        return self._stretch(7, 0)

    @property
    def _first(self) -> date:
        months = (self.year - (self.year_start > 1)) * 12 + self.year_start - 1 + 3 * (self.number - 1)
        return date(months // 12, months % 12 + 1, 1)

    @property
    def _last(self) -> date:
        after = self._first.year * 12 + self._first.month + 2
        return date(after // 12, after % 12 + 1, 1) - timedelta(days=1)

    def _stretch(self, start: int, end: int) -> Span:
        """Several quarters; those of fiscal years are said in months, which mean the same to everyone."""
        one, other = self.back(start), self.back(end)
        label = f"{one.label} to {other.label}" if self.year_start == 1 else _say_months(one._first, other._last)
        return Span(one._first, other._last, label)


def _say_months(first: date, last: date) -> str:
    """``October to December 2025``, or with both years where they differ."""
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%B}{year} to {last:%B} {last.year}"
