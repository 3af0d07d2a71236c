"""Which rows a mapping keeps or recodes: tests of one column each, read from TOML, applied to whole columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

#: Words a condition may use beside ``column``, and what each asks of the cell.
TESTS: tuple[str, ...] = ("equals", "in", "not", "present", "at_least", "at_most")


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one column: ``test`` is a word of :data:`TESTS`, ``value`` what it compares with."""

    column: str
    test: str
    value: Any

    def holds(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Where the test holds, one truth value a row. Cells are compared without blanks around them.

        >>> frame = pd.DataFrame({"what": ["visit", "no visit", ""]})
        >>> Condition("what", "in", ("visit",)).holds(frame).tolist()
        [True, False, False]
        """
        cells = frame[self.column].str.strip()
        if self.test == "present":
            return np.asarray(cells.ne("") == self.value, dtype=bool)
        if self.test in ("at_least", "at_most"):
            numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
            with np.errstate(invalid="ignore"):
                return numbers >= self.value if self.test == "at_least" else numbers <= self.value
        held = np.asarray(cells.isin(list(self.value)), dtype=bool)
        return ~held if self.test == "not" else held


def all_hold(conditions: Iterable[Condition], frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Where every condition holds; everywhere when there is none."""
    held = np.ones(len(frame), dtype=bool)
    for condition in conditions:
        held &= condition.holds(frame)
    return held


def read_conditions(given: Any, place: str, faults: list[str]) -> tuple[Condition, ...]:
    """Conditions from one table or a list of tables of a mapping file; what is wrong is added to ``faults``."""
    items = given if isinstance(given, list) else [given]
    found = []
    for item in items:
        if not isinstance(item, Mapping) or not isinstance(item.get("column"), str):
            faults.append(f'{place}: a condition names a column and one test, {{ column = "status", equals = "Y" }}.')
            continue
        tests = [key for key in item if key != "column"]
        if len(tests) != 1 or tests[0] not in TESTS:
            wrong = [key for key in tests if key not in TESTS]
            hint = f"{unknown_key(wrong[0], TESTS)}" if wrong else f"give exactly one of {', '.join(TESTS)}"
            faults.append(f"{place}, condition on {item['column']}: {hint}.")
            continue
        condition = _read(item["column"], tests[0], item[tests[0]])
        if condition is None:
            faults.append(f"{place}, condition on {item['column']}: {tests[0]} takes {_TAKES[tests[0]]}.")
        else:
            found.append(condition)
    return tuple(found)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """A sentence part for a word that is not known, with the nearest known one.

    >>> unknown_key("equal", TESTS)
    'equal is not a word of the mapping language; did you mean equals?'
    """
    close = get_close_matches(key, list(known), 1, 0.6)
    return f"{key} is not a word of the mapping language" + (f"; did you mean {close[0]}?" if close else "")


_TAKES = {
    "equals": "one text",
    "in": "a list of texts",
    "not": "a text or a list of texts",
    "present": "true or false",
    "at_least": "a number",
    "at_most": "a number",
}


def _read(column: str, test: str, value: Any) -> Condition | None:
    """The condition, or none when the value is not one the test takes."""
    if test == "present":
        return Condition(column, test, value) if isinstance(value, bool) else None
    if test in ("at_least", "at_most"):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return Condition(column, test, float(value)) if number else None
    listed = value if isinstance(value, list) else [value]
    if (test == "equals" and isinstance(value, list)) or (test == "in" and not isinstance(value, list)):
        return None
    return Condition(column, test, tuple(listed)) if all(isinstance(item, str) for item in listed) else None
