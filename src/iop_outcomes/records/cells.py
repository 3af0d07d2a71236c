"""From the text of a column to its values: each different text is read once, and has a rule where it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.contracts import Field
from iop_outcomes.records.program import ISO_FORMAT
from iop_outcomes.records.rules import Mask

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00(:00(\.0+)?)?")
_DATE_LIKE = re.compile(r"\d{1,4}\s*[/.\-]\s*(\d{1,2}|[A-Za-z]{3,9})\s*[/.\-]\s*\d{2,4}|\d{8}")
_SCHEDULE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?:(\d{1,3}(?:\.\d+)?)")

#: The rule for a number below the lowest possible, where it has a name of its own.
_TOO_LOW = {
    "discharge_day": "discharge_before_admission",
    "hours_offered": "negative_hours",
    "hours_attended": "negative_hours",
}
_TOO_HIGH = {"hours_offered": "over_24_hours", "hours_attended": "over_24_hours", "age": "age_over_89"}


@dataclass
class Column:
    """A typed column and, by rule, the rows whose text could not be read."""

    values: pd.Series
    refused: dict[str, Mask] = field(default_factory=dict)
    blanks: int = 0


@dataclass(frozen=True)
class DateReader:
    """Reads dates in the declared format; YYYY-MM-DD is read too unless the format itself looks like it."""

    form: str = ISO_FORMAT

    def read(self, text: str) -> tuple[date | None, str]:
        """The date, or none and the rule the text breaks.

        >>> DateReader().read("2025-02-30")
        (None, 'impossible_date')
        """
        midnight = _MIDNIGHT.fullmatch(text)
        text = midnight.group(1) if midnight else text
        iso = _ISO.fullmatch(text) is not None
        if iso and (self.form == ISO_FORMAT or not _ISO.fullmatch(date(2001, 2, 3).strftime(self.form))):
            try:
                return _plausible(date.fromisoformat(text))
            except ValueError:
                return None, "impossible_date"
        if self.form == ISO_FORMAT:
            return None, "ambiguous_date" if _DATE_LIKE.fullmatch(text) else "bad_date"
        try:
            return _plausible(datetime.strptime(text, self.form).date())
        except ValueError:
            return None, "impossible_date" if _DATE_LIKE.fullmatch(text) else "bad_date"


def _plausible(day: date) -> tuple[date | None, str]:
    return (day, "") if day.year >= 1900 else (None, "impossible_date")


def convert_column(spec: Field, text: pd.Series, dates: DateReader) -> Column:
    """The values of one column of text, ``""`` meaning missing.

    Ids, texts and codes become ``str``, dates ``datetime64[s]``, whole numbers ``Int64``, other numbers ``float64``.
    Blanks around a cell are left out and counted.
    """
    codes, uniques = pd.factorize(text)
    cells = [str(cell) for cell in uniques]
    stripped = [cell.strip() for cell in cells]
    blank = np.array([cell != bare and bare != "" for cell, bare in zip(cells, stripped, strict=True)], dtype=bool)
    reader = _reader(spec, dates)
    read = [reader(cell) if cell else (None, "") for cell in stripped]
    values = pd.Series(_typed(spec, [value for value, _ in read])[codes], name=spec.name)
    rules = np.array([rule for _, rule in read], dtype=object)
    refused = {rule: np.asarray((rules == rule)[codes]) for rule in dict.fromkeys(rules) if rule}
    if spec.required:
        empty = np.array([not cell for cell in stripped], dtype=bool)
        if empty.any():
            refused["missing_cell"] = empty[codes]
    return Column(values, refused, int(blank[codes].sum()) if blank.any() else 0)


def empty_column(spec: Field, length: int) -> pd.Series:
    """A column of missing values of the field's type."""
    return pd.Series(_typed(spec, [None])[np.zeros(length, dtype=np.int64)], name=spec.name)


def read_schedule(text: str) -> list[tuple[int, int, float]] | None:
    """First week, last week and hours of each part of a weekly schedule; none when it cannot be read.

    >>> read_schedule("1-6:9 7-8:6")
    [(1, 6, 9.0), (7, 8, 6.0)]
    """
    parts: list[tuple[int, int, float]] = []
    for part in text.split():
        found = _SCHEDULE.fullmatch(part)
        if not found:
            return None
        first = int(found.group(1))
        last = int(found.group(2) or first)
        if first < 1 or last < first or float(found.group(3)) > 168 or (parts and first <= parts[-1][1]):
            return None
        parts.append((first, last, float(found.group(3))))
    return parts


def _reader(spec: Field, dates: DateReader) -> Callable[[str], tuple[Any, str]]:
    """How one text becomes a value of the field, or none and a rule."""

    def code(cell: str) -> tuple[Any, str]:
        assert spec.words is not None
        return (cell, "") if cell in spec.words.codes() else (None, "unknown_code")

    def number(cell: str) -> tuple[Any, str]:
        if not _NUMBER.fullmatch(cell):
            return None, "bad_number"
        value = float(cell)
        return (value, "") if not (rule := _outside(spec, value)) else (None, rule)

    def whole(cell: str) -> tuple[Any, str]:
        if not _WHOLE.fullmatch(cell):
            return None, "bad_number" if not _NUMBER.fullmatch(cell) else "bad_whole_number"
        value = float(cell)
        return (int(value), "") if not (rule := _outside(spec, value)) else (None, rule)

    def schedule(cell: str) -> tuple[Any, str]:
        return (cell, "") if read_schedule(cell) else (None, "bad_schedule")

    if spec.kind == "code":
        return code
    if spec.kind == "date":
        return dates.read
    if spec.kind in ("number", "hours"):
        return number
    if spec.kind in ("day", "integer", "year"):
        return whole
    return schedule if spec.kind == "schedule" else lambda cell: (cell, "")


def _outside(spec: Field, value: float) -> str:
    """The rule a number breaks, if any."""
    if spec.low is not None and value < spec.low:
        if spec.kind == "day" and spec.name == "day" and spec.low == 0:
            return "session_before_admission"
        return _TOO_LOW.get(spec.name, "out_of_range") if value < 0 else "out_of_range"
    if spec.high is not None and value > spec.high:
        return _TOO_HIGH.get(spec.name, "out_of_range")
    return "" if np.isfinite(value) else "out_of_range"


def _typed(spec: Field, values: list[Any]) -> Any:
    """Values (none where missing) as an array of the field's type."""
    if spec.kind == "date":
        return np.array([value or "NaT" for value in values], dtype="datetime64[s]")
    if spec.kind in ("number", "hours"):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if spec.kind in ("day", "integer", "year"):
        return pd.array(values, dtype="Int64")
    return pd.array(values, dtype="str")
