"""Overrides: single rows that a named person lets through the gate, with a reason and a last day.

An override opens the rows it names and nothing else: it names a definition with its version and says for whom or when,
each exactly. The reason is printed in the manifest of the release, so it holds no small number.
"""

from __future__ import annotations

import math
import re
import tomllib
from calendar import isleap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import KEY
from iop_outcomes.vocabulary import Status

#: What a reason holds at least, not counting spaces, and how many different letters.
REASON_LENGTH, REASON_LETTERS = 10, 5

#: Columns that say which number a row is; an override names some of them and never a number itself.
PLACES: tuple[str, ...] = tuple(name for name in KEY if name != "unit")
_KEYS = ("name", "reason", "expires", "where")
_NARROWING = PLACES[3:]
_NOBODY = frozenset({"anonymous", "n/a", "na", "nobody", "none", "tba", "tbd", "todo", "unknown", "xxx"})
#: A number of one or two digits that stands alone; a date (2025-03-04) or a section (164.512) does not.
_SMALL_NUMBER = re.compile(r"(?<![\w.,/-])\d{1,2}(?![\w/-]|[.,]\d)")


@dataclass(frozen=True)
class Override:
    """Rows a person lets through: who, why, until which day, and which rows.

    ``where`` maps columns of Estimates to one value each: always ``definition`` with its version, and at least one of
    category, by, group, at, period_start, period_end or reference. Raises ``DisclosureError`` for anything less.

    >>> one = Override("A. Person", "Everyone counted agreed in writing", date(2026, 6, 30),
    ...     {"definition": "retained@1", "by": "site", "group": "north"})
    >>> one.where["group"]
    'north'
    """

    name: str
    reason: str
    expires: date
    where: Mapping[str, str | float]

    def __post_init__(self) -> None:
        """Refuse an override without a person, a reason or a last day, and one that opens more than it names."""
        object.__setattr__(self, "name", check_person(self.name, "an override needs the name of a person"))
        object.__setattr__(self, "reason", _check_reason(self.reason))
        object.__setattr__(self, "expires", _check_day(self.expires))
        object.__setattr__(self, "where", MappingProxyType(_check_where(self.where)))


def read_overrides(path: str | Path, today: date) -> tuple[Override, ...]:
    """Which overrides hold today?

    The file is TOML with one ``[[override]]`` for each: ``name``, ``reason``, ``expires`` and a table ``where``::

        [[override]]
        name = "A. Person"
        reason = "Everyone counted agreed in writing"
        expires = 2026-06-30
        where = { definition = "retained@1", by = "site", group = "north" }

    Raises ``DisclosureError`` at the first that is incomplete, too wide, expired or lasts more than a year from today.
    """
    file = Path(path)
    try:
        given = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DisclosureError(f"the overrides file {file.name} cannot be read; check its name and folder") from error
    except UnicodeDecodeError as error:
        raise DisclosureError(f"{file.name} is not UTF-8: save it as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line \d+", str(error))
        where = place.group().removeprefix("at ") if place else "at its end"
        raise DisclosureError(f"{file.name}, {where}: not valid TOML") from error
    tables = given.pop("override", [])
    if given or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise DisclosureError(f"{file.name} holds nothing but tables headed [[override]]; take out everything else")
    return tuple(_read_one(table, today, f"{file.name}, override {i}") for i, table in enumerate(tables, 1))


def check_overrides(overrides: Iterable[Override], today: date) -> None:
    """Raise ``DisclosureError`` unless every override holds on a day: not expired, and at most one year ahead.

    >>> check_overrides([], date(2026, 1, 31))
    """
    for override in overrides:
        if not isinstance(override, Override):
            raise DisclosureError("an override is a person, a reason, a last day and rows: make it with Override(...)")
        if override.expires < today:
            raise DisclosureError("an override has expired: renew it with a new reason and last day, or take it out")
        if override.expires > _a_year_after(today):
            raise DisclosureError("an override lasts more than a year: let it expire within one year from today")


def matching(override: Override, frame: pd.DataFrame) -> pd.Series:
    """Which rows of a release does an override open? True for each row that equals all it names.

    ``frame`` is the whole release, in the columns of Estimates. Raises ``DisclosureError`` when that is every row.

    >>> rows = pd.DataFrame({"definition": ["retained@1"] * 2, "group": ["north", "south"]})
    >>> day = date(2026, 6, 30)
    >>> only = Override("A. Person", "All of them agreed", day, {"definition": "retained@1", "group": "north"})
    >>> matching(only, rows).tolist()
    [True, False]
    """
    mask = pd.Series(True, index=frame.index, dtype=bool)
    for column, value in override.where.items():
        mask &= (frame[column] == value).fillna(False).astype(bool)
    if len(mask) and mask.all():
        raise DisclosureError("an override would open every row of the release: name the rows it is for")
    return mask


def count_named(override: Override, frame: pd.DataFrame) -> int:
    """How many rows of a release that stand does an override name?"""
    return int((matching(override, frame) & (frame["status"] != Status.WITHHELD)).sum())


def check_person(name: object, need: str) -> str:
    """The name of a person without spaces around it; ``DisclosureError`` that begins with ``need`` for anything else.

    >>> check_person(" A. Person ", "a release needs the name of a person")
    'A. Person'
    """
    text = " ".join(name.split()) if isinstance(name, str) else ""
    if sum(sign.isalpha() for sign in text) < 2 or text.lower() in _NOBODY:
        raise DisclosureError(f"{need}: write who answers for it")
    return text


def _read_one(table: Mapping[str, Any], today: date, place: str) -> Override:
    unknown = sorted(set(table) - set(_KEYS))
    missing = [key for key in _KEYS if key not in table]
    if unknown or missing:
        fault = f"{missing[0]} is missing" if missing else f"{unknown[0]} is not a key it knows"
        raise DisclosureError(f"{place}: {fault}; write {', '.join(_KEYS[:-1])} and {_KEYS[-1]}")
    try:
        override = Override(**table)
        check_overrides([override], today)
    except DisclosureError as error:
        raise DisclosureError(f"{place}: {error}") from error
    return override


def _check_reason(reason: object) -> str:
    text = " ".join(reason.split()) if isinstance(reason, str) else ""
    letters = {sign.lower() for sign in text if sign.isalpha()}
    if len(text.replace(" ", "")) < REASON_LENGTH or len(letters) < REASON_LETTERS:
        raise DisclosureError(f"an override needs a reason in words, of at least {REASON_LENGTH} characters")
    if _SMALL_NUMBER.search(text):
        raise DisclosureError("the reason of an override is printed: leave out numbers below 100 (dates as 2026-06-30)")
    return text


def _check_day(day: object) -> date:
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise DisclosureError("an override needs a last day: write expires as a date, YYYY-MM-DD")
    return day


def _check_where(where: object) -> dict[str, str | float]:
    if not isinstance(where, Mapping) or not where:
        raise DisclosureError("an override needs where: the columns and values of the rows it opens")
    strange = [str(name) for name in where if name not in PLACES]
    if strange:
        raise DisclosureError(f"an override cannot name the column {strange[0]}; it may name {', '.join(PLACES)}")
    places = {name: _check_place(name, value) for name, value in where.items()}
    if "@" not in str(places.get("definition", "")):
        raise DisclosureError("where must name one definition with its version, such as retained@1")
    if not set(places) & set(_NARROWING):
        raise DisclosureError(f"where is too wide: beside the definition name at least one of {', '.join(_NARROWING)}")
    return places


def _check_place(name: str, value: object) -> str | float:
    """One value of ``where`` as the column holds it; text is compared exactly, so a wildcard is refused."""
    if name == "at":
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise DisclosureError("where: at must be a number")
        return float(value)
    if name in ("period_start", "period_end") and isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str) or "*" in value or not any(sign.isalnum() for sign in value):
        raise DisclosureError(f"where: {name} must be one value written out in quotation marks, without wildcards")
    return value


def _a_year_after(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29) and not isleap(day.year + 1)
    return day.replace(year=day.year + 1, day=28 if leap_day else day.day)
