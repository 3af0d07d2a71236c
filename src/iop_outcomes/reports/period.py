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
    """A calendar quarter and the stretches a report needs around it."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """The quarter written ``2025Q4``; ``UsageError`` when it is not written so.

        >>> Quarter.parse("2025Q4").span.edges
        ('2025-10-01', '2025-12-31')
        """
        found = re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip())
        if not found:
            raise UsageError("a quarter is written like 2025Q4")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def last_whole(cls, as_of: date) -> Quarter:
        """The last quarter that had ended by the as-of date."""
        current = cls(as_of.year, (as_of.month - 1) // 3 + 1)
        return current if current.span.last <= as_of else current.back(1)

    def back(self, quarters: int) -> Quarter:
        """The quarter so many before this one."""
        index = self.year * 4 + self.number - 1 - quarters
        return Quarter(index // 4, index % 4 + 1)

    @property
    def label(self) -> str:
        """``2025 Q4``."""
        return f"{self.year} Q{self.number}"

    @property
    def span(self) -> Span:
        """The quarter's own days."""
        first = date(self.year, 3 * self.number - 2, 1)
        after = date(self.year + self.number // 4, 3 * (self.number % 4) + 1, 1)
        return Span(first, after - timedelta(days=1), self.label)

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

    def _stretch(self, start: int, end: int) -> Span:
        first, last = self.back(start), self.back(end)
        return Span(first.span.first, last.span.last, f"{first.label} to {last.label}")
