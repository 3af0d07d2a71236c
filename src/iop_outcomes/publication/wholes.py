"""Rows that add: categories of one base, or groups of everyone, replaced by their whole.

Numbers are added only where the parts can be seen to hold nobody twice: all categories make up their base, all groups make
up everyone. What was worked out from the parts and does not add (differences, models, means, limits drawn through them) is
left out rather than kept beside the whole, where a part could be read from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from iop_outcomes.estimates import ALL, KEY
from iop_outcomes.publication.nested import subject_of
from iop_outcomes.publication.policy import POLICIES
from iop_outcomes.publication.suppression import COUNTED, DRAWN
from iop_outcomes.statistics import wilson
from iop_outcomes.vocabulary import Status

Row = dict[str, Any]

#: The word for a missing group.
UNKNOWN = "unknown"
#: The largest count that any policy withholds: a whole of which one part holds more rests on enough people.
_ENOUGH = max(policy.limit for policy in POLICIES.values())
_LOST = "restricted_mean_lost"
_CROSSED = re.compile(r"\s*(?:\+|×|\*| x )\s*")


@dataclass(frozen=True, slots=True)
class Collapse:
    """One choice of parts to put together, and what the gate would let stand before and after it.

    ``axis`` says of what: the categories of ``definition`` (``by`` is then empty), or the groups of the column ``by`` in every
    figure (``definition`` is then empty). ``name`` is what the whole is called. The numbers count rows of the figures concerned.
    """

    definition: str
    axis: Literal["category", "group"]
    by: str
    members: tuple[str, ...]
    name: str
    shown_before: int = 0
    shown_after: int = 0
    withheld_before: int = 0
    withheld_after: int = 0

    @property
    def saved(self) -> int:
        """How many more numbers would stand."""
        return self.shown_after - self.shown_before

    @property
    def sentence(self) -> str:
        """What the choice would do, for whoever decides.

        >>> Collapse("ending@1", "category", "", ("died", "incarcerated"), "died or incarcerated", 10, 16).sentence
        "Putting 'died' and 'incarcerated' together would print 6 more numbers."
        """
        return f"Putting {self.parts} together would print {self.saved} more number{'s' * (self.saved != 1)}."

    @property
    def parts(self) -> str:
        """The members in plain words, with what they are about."""
        subject = self.by or subject_of(self.members[0])
        words = [f"'{_plain(member.removeprefix(f'{subject}/'))}'" for member in self.members]
        about = _plain(subject)
        return f"{', '.join(words[:-1])} and {words[-1]}" + (f" ({about})" if about else "")

    def touches(self, row: Row) -> bool:
        """Whether a row speaks of one of the parts, or was worked out from them."""
        if self.axis == "category":
            if row["definition"] == self.definition:
                drawn = row["estimand"] in DRAWN or (row["estimand"] not in COUNTED and row["category"] is None)
                return drawn or row["category"] in self.members
            return row["estimand"] == _LOST and row["category"] in self.members
        if row["by"] != self.by:
            return self.by in columns_of(row["by"])
        worked_out = row["estimand"] not in COUNTED and row["group"] == ALL
        return worked_out or group_of(row) in self.members or row["reference"] in self.members


def put_together(rows: list[Row], change: Collapse) -> tuple[list[Row], int]:
    """The rows with each set of parts replaced by its whole, and how many parts that do not add were left out."""
    touched = {place for place, row in enumerate(rows) if change.touches(row)}
    wholes: dict[int, Row] = {}
    used = 0
    for line, everyone in _lines(rows, change):
        parts = [place for place in line if place in touched]
        if not parts:
            continue
        add = _add_categories if change.axis == "category" else _add_groups
        whole = add([rows[place] for place in parts], [rows[place] for place in line], everyone)
        if whole is not None:
            wholes[min(parts)] = {**whole, change.axis: change.name}
            used += len(parts)
    out = [wholes.get(place, row) for place, row in enumerate(rows) if place in wholes or place not in touched]
    return out, len(touched) - used


def _lines(rows: list[Row], change: Collapse) -> Iterator[tuple[list[int], Row | None]]:
    """Counted rows that make up one base, or everyone, by position; and everyone's row where groups are added."""
    found: dict[tuple[Any, ...], list[int]] = {}
    everyone: dict[tuple[Any, ...], Row] = {}
    for place, row in enumerate(rows):
        if row["estimand"] not in COUNTED or row["n"] is None:
            continue
        if change.axis == "group":
            if row["by"] == change.by:
                found.setdefault(line_of(row), []).append(place)
            elif row["by"] == ALL:
                everyone[line_of(row)] = row
        elif row["definition"] == change.definition:
            subject = subject_of(row["category"] or "")
            key = (*(row[name] for name in ("measure", "by", "group", "at", "period_start", "period_end")), subject)
            found.setdefault(key, []).append(place)
    for key, line in found.items():
        yield line, everyone.get(key)


def _add_categories(parts: list[Row], line: list[Row], _: Row | None) -> Row | None:
    """The whole of some categories of a base, where all categories make up the base and so hold nobody twice."""
    base = parts[0]["denominator"]
    if len({row["estimand"] for row in parts}) > 1 or base is None or any(row["denominator"] != base for row in line):
        return None
    events = sum(row["n"] for row in line if row["estimand"] != "survival")
    exits = [row["n"] for row in line if row["estimand"] == "survival"]
    values = [row["value"] for row in line]
    apart = _same(events + sum(exits), base) or exits == [events]
    apart = apart or (None not in values and _same(sum(values), 1.0))
    people = _count_people(parts, {row["people"] for row in line})
    if not apart or people is False or not _all_said(parts):
        return None
    n = sum(row["n"] for row in parts)
    counted = all(row["value"] is None or _same(row["value"] * base, row["n"]) for row in parts)
    value = sum(row["value"] for row in parts) if parts[0]["value"] is not None else None
    if counted and value is not None and parts[0]["estimand"] != "count":
        value = n / base
    return _whole(parts, value, n, base, people, {row["n_missing"] for row in parts})


def _add_groups(parts: list[Row], line: list[Row], everyone: Row | None) -> Row | None:
    """The whole of some groups, where all groups make up everyone and so hold nobody twice."""
    if everyone is None or not _same(sum(row["n"] for row in line), everyone["n"]):
        return None
    bases, whole = [row["denominator"] for row in line], everyone["denominator"]
    if all(base is None for base in [*bases, whole]):
        base = None
    elif None in bases or whole is None:
        return None
    elif _same(sum(bases), whole):
        base = sum(row["denominator"] for row in parts)
    elif all(each == whole for each in bases):  # each group's share of everyone
        base = whole
    else:
        return None
    share = parts[0]["estimand"] != "count"
    told = [(row["value"], row["n"], row["denominator"] if share else 1.0) for row in parts]
    if not all(_same(value * of, n) if value is not None and of else n == 0 == of for value, n, of in told):
        return None
    people = [row["people"] for row in line]
    adds = None not in people and everyone["people"] is not None and _same(sum(people), everyone["people"])
    counted = float(sum(row["people"] for row in parts)) if adds else _count_people(parts, set())
    if counted is False:
        return None
    n = sum(row["n"] for row in parts)
    missing = [row["n_missing"] for row in parts]
    value = (n / base if base else None) if share else n
    return _whole(parts, value, n, base, counted, {None if None in missing else sum(missing)})


def _count_people(parts: list[Row], agreed: set[float | None]) -> float | Literal[False] | None:
    """The different people of a whole: what all rows of its base agree on, nothing where it cannot be told but surely is
    enough, and false where it may be too few."""
    if len(agreed) == 1:
        return next(iter(agreed))
    known = [row["people"] for row in parts]
    return None if None not in known and max(known) > _ENOUGH else False


def _whole(
    parts: list[Row],
    value: float | None,
    n: float,
    base: float | None,
    people: float | None,
    missing: set[float | None],
) -> Row:
    """The row of a whole: numbers as given, Wilson's limits again, words where the parts agree on them."""
    first = min(parts, key=lambda row: (row["category"] or "", row["group"] or ""))
    whole = {**first, "value": value, "n": n, "denominator": base, "people": people}
    whole["n_missing"] = next(iter(missing)) if len(missing) == 1 else None
    whole["status"] = str(Status.OK) if value is not None else first["status"]
    whole["note"] = first["note"] if len({row["note"] for row in parts}) == 1 else None
    whole.update(dict.fromkeys(("ci_low", "ci_high", "conf_level", "top_two", "residual_df")))
    level = first["conf_level"]
    if {row["method"] for row in parts} == {"Wilson"} and level and base and value is not None:
        interval = wilson(n, base, level)
        whole.update(ci_low=float(interval.low), ci_high=float(interval.high), conf_level=level)
    elif value is not None:
        whole["method"] = "put together from counts; limits left out"
    return whole


def _all_said(parts: list[Row]) -> bool:
    """Whether all parts have a value, or none has and all for one reason."""
    return len({(row["value"] is None, row["status"]) for row in parts}) == 1


def read_rows(frame: pd.DataFrame) -> list[Row]:
    """Every number once, as plain values in the order they came; missing is ``None``."""
    objects = frame.drop_duplicates(list(KEY)).astype(object)
    table = objects.where(objects.notna(), None)
    return [dict(zip(table.columns, values, strict=True)) for values in table.itertuples(index=False, name=None)]


def line_of(row: Row) -> tuple[Any, ...]:
    """What the groups of one column have in common, with each other and with everyone."""
    names = ("measure", "definition", "estimand", "category", "at", "period_start", "period_end", "unit")
    return tuple(row[name] for name in names)


def group_of(row: Row) -> str:
    """The group a row speaks for; a missing one is unknown."""
    return UNKNOWN if row["group"] is None else str(row["group"])


def columns_of(by: str) -> list[str]:
    """The columns that a table crosses; one for most."""
    return _CROSSED.split(by)


def _plain(text: str) -> str:
    return text.replace("_", " ")


def _same(one: float, two: float) -> bool:
    return abs(one - two) <= 1e-6 * max(1.0, abs(two))
