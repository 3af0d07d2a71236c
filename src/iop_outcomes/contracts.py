"""What a table contract is made of: a column, a table, and the one kind of cell with a grammar of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iop_outcomes import vocabulary as words

Kind = Literal["id", "text", "code", "date", "day", "integer", "number", "hours", "year", "schedule"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of one table.

    ``kind`` says how the text of a file becomes a value: ``id`` and ``text`` stay text; ``code`` must be one of
    ``words``; ``date`` is YYYY-MM-DD unless a format is declared; ``day``/``integer``/``year`` are whole numbers;
    ``number``/``hours`` are decimal numbers with a point; ``schedule`` is weekly required hours by week, ``"1-4:9 5-8:6"``.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    words: type[words.Word] | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One of the five tables: its columns, its key, and which time columns stand in for one another."""

    name: str
    row: str
    fields: tuple[Field, ...]
    required: bool = True
    #: At least one column of each group must be there.
    one_of: tuple[tuple[str, ...], ...] = ()

    def field(self, name: str) -> Field:
        """The field called ``name``; ``KeyError`` if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in the order of the templates."""
        return tuple(field.name for field in self.fields)

    def fields_of(self, *kinds: Kind) -> tuple[Field, ...]:
        """The fields whose kind is one of ``kinds``."""
        return tuple(field for field in self.fields if field.kind in kinds)


def read_schedule(text: str) -> dict[int, float]:
    """Weekly hours by week from ``"1-6:9 7-8:6"``; ``ValueError`` when it is not written so.

    >>> read_schedule("1-2:9 3:6")
    {1: 9.0, 2: 9.0, 3: 6.0}
    """
    hours: dict[int, float] = {}
    for part in text.split():
        weeks, _, amount = part.partition(":")
        first, _, last = weeks.partition("-")
        for week in range(int(first), int(last or first) + 1):
            if week < 1 or week in hours:
                raise ValueError("weeks start at 1 and stand once")
            hours[week] = float(amount)
    return hours
