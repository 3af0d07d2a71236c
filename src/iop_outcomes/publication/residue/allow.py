"""Which printed numbers are accounted for: those of released rows in the forms they are printed in, and fixed words.

A number of a released row may stand wherever its row may; one in fixed words only between the words it stands between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import fields
from datetime import date
from itertools import permutations
from typing import Any

from iop_outcomes.publication import formatting
from iop_outcomes.publication.document import DisclosureStatement
from iop_outcomes.publication.formatting import Quantity, quantity_of
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.residue.fixed import Words, fixed_words
from iop_outcomes.publication.residue.printed import Printed, plain, read_numbers
from iop_outcomes.publication.rounding import mask_counts

#: Columns of a released row that hold words; a note is one of them where no number in it can be a count.
_WORDS = ("definition", "category", "group", "reference", "unit", "method")
_COUNTS = ("n", "denominator", "people", "n_missing")
#: Nothing, rounded from below.
_MINUS_NOTHING = re.compile(r"-0(?![\d.])")
#: A level of care: a number that is a name.
_LEVEL = re.compile(r"\d\.\d")
#: A part of a category that is a number: a price, a share of one or a difference that was assumed, none of them counted.
_ASSUMED = re.compile(r"(?<=/)-?\d+(?:\.\d+)?(?=/|$)")
#: Estimands whose categories add up to everyone: the bands of a figure.
_BANDS = ("cumulative_incidence", "survival")
#: Estimands of lines drawn through the points of a chart.
_LINES = ("center_line", "limit")
#: A class of chances, as a category names it.
_CLASS = re.compile(r"(\d\.\d+) to (\d\.\d+)$")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
#: What the settings say of a scale: its ends, and from where on a person counts as a case.
_OF_A_SCALE = ("low", "high", "case_at")


class Allowance:
    """What the released rows of a block, or of a whole release, account for."""

    def __init__(self, released: Iterable[Published], vocabulary: Iterable[str] = ()) -> None:
        released, vocabulary = tuple(released), tuple(vocabulary)
        rows = [row for published in released for row in published.rows()]
        words = {*vocabulary, *(row[name] for row in rows for name in _WORDS if isinstance(row[name], str))}
        words.update(unit.partition(", ")[0] for unit in {row["unit"] for row in rows} if isinstance(unit, str))
        notes = {row["note"] for row in rows if isinstance(row["note"], str)}
        words.update(note for note in notes if mask_counts(note) == note)
        days = {row[name] for row in rows for name in ("period_start", "period_end") if isinstance(row[name], str)}
        days.update(day for text in vocabulary for day in _DAY.findall(text))
        for published in released:
            words.update(DisclosureStatement(published).sentences())
            words.update((f"release {published.release_id}", published.release_id, f"limit {published.policy.limit}"))
            for about in (published.policy, published.audit):
                words.update(_say_facts({field.name: getattr(about, field.name) for field in fields(about)}))
            words.update(_say_facts(published.settings))
            days.update(day for value in published.settings.values() for day in _DAY.findall(str(value)))
        quarters = set(_say_quarters(days))
        words.update(quarters)
        self._dates = {*_say_dates(days), *quarters}
        self._keys = {row["definition"] for row in rows}
        self._levels = {str(row[name]) for row in rows for name in ("group", "category", "reference")}
        self._words = Words(words)
        self._rows = _Numbers(rows)

    def only(self, released: Published) -> Allowance:
        """The same words, dates and names with the numbers of these rows alone."""
        narrow = copy(self)
        narrow._rows = _Numbers(list(released.rows()))
        return narrow

    def explains(self, found: Printed, text: str) -> bool:
        """Whether released rows, or words that belong to them, account for a number of a text."""
        if found.kind == "date":
            return found.text in self._dates
        if found.kind == "key":
            return found.text in self._keys
        if not found.attached and (_same(found) in self._rows.alone or self._is_level(found)):
            return True
        return any(words.hold(found, text) for words in (self._rows.words, self._words, fixed_words()))

    def _is_level(self, found: Printed) -> bool:
        return _LEVEL.fullmatch(found.text) is not None and found.text in self._levels


class _Numbers:
    """The numbers of released rows in every form they are printed in: free to stand anywhere, or beside certain words."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        forms: set[str] = set()
        beside: dict[tuple[str, ...], list[list[str]]] = {}
        many: Counter[tuple[str, ...]] = Counter()
        counted = {row["definition"] for row in rows if row["estimand"] == "count"}
        for row in rows:
            drawn = row["estimand"] in _LINES and row["definition"] in counted
            quantity = quantity_of(dict(row), "count" if drawn else None)
            forms.update(_say_row(row))
            if quantity.withheld or not quantity.shown:
                continue
            forms.update(_say_value(row, quantity))
            whose = tuple(str(row[name]) for name in ("measure", "estimand", "by", "group", "at", "period_start"))
            category, definition = str(row["category"]), str(row["definition"])
            shown = _digits(quantity, quantity.value, row["estimand"])
            beside.setdefault((*whose, "of one category", category), []).append(shown)
            beside.setdefault((*whose, "of one definition", definition), []).append(shown)
            many[definition, str(row["estimand"]), category.partition("/")[0]] += 1
            many[definition, str(row["estimand"]), "of one grid", category.rsplit("/", 2)[0]] += 1
            if isinstance(row["period_start"], str):  # a point of one series over time
                many[definition, str(row["estimand"]), category, str(row["by"]), str(row["group"])] += 1
        for values in beside.values():
            for one, other in permutations(values, 2):
                forms.update(f"{left} to {right}" for left, right in zip(one, other, strict=False))
        forms.update(_say_rest(rows))
        for count in set(many.values()):
            forms.update(f"{part} of {count}" for part in range(count + 1))
        self.alone = {_same(found) for form in forms for found in read_numbers(plain(form))}
        self.words = Words([*_say_counts(set(many.values())), *(words for row in rows for words in _say_clock(row))])


def _same(found: Printed) -> str:
    """A printed number without what may be written either way: separators of thousands, a plus, the minus of 0 or its place."""
    return _MINUS_NOTHING.sub("0", found.text.replace(",", "").replace("$-", "-$").replace("+", ""))


def _say_row(row: Mapping[str, Any]) -> Iterator[str]:
    """The day, the class and the counts of a row, which stay where its value is withheld only if the gate left them."""
    if row["at"] == row["at"]:
        yield f"{row['at']:g}"
    for number in map(float, _ASSUMED.findall(str(row["category"]))):
        yield from (formatting.show_value(number, "money"), f"{number:.0%}")
    bounds = _CLASS.search(str(row["category"]))
    if bounds:
        yield f"{100 * float(bounds[1]):.0f}% to {100 * float(bounds[2]):.0f}%"
    yield from (f"{row[name]:.0f}" for name in _COUNTS if row[name] == row[name])


def _say_value(row: Mapping[str, Any], quantity: Quantity) -> Iterator[str]:
    """The value and the limits of a row in every form."""
    yield formatting.say_quantity(quantity)
    yield formatting.show_interval(quantity)
    yield formatting.show_base(quantity)
    parts = (quantity.low, quantity.value, quantity.high)
    low, value, high = (_digits(quantity, part, row["estimand"]) for part in parts)
    yield from (*low, *value, *high)
    yield from (f"{left} to {right}" for left, right in zip(low, high, strict=False))
    yield from (f"{part:.12g}" for part in parts if part == part)
    if row["n"] == row["n"] and row["denominator"] > 0:  # all others together, which the gate has judged too
        yield formatting.show_value(1 - row["n"] / row["denominator"], "share")
    if quantity.denominator == quantity.denominator:
        yield f"{value[0]} of {quantity.denominator:.0f}"


def _say_rest(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the bands of a figure leave of everyone on their last day: all bands, or all but those shown on fewest days."""
    figures: dict[tuple[str, ...], dict[str, dict[float, float]]] = {}
    for row in rows:
        if row["estimand"] in _BANDS and row["value"] == row["value"]:
            figure = tuple(str(row[name]) for name in ("measure", "definition", "by", "group", "period_start"))
            figures.setdefault(figure, {}).setdefault(str(row["category"]), {})[row["at"]] = row["value"]
    for bands in figures.values():
        kept = sorted(bands.values(), key=len, reverse=True)
        for count in range(1, len(kept) + 1):
            days = set.intersection(*(set(band) for band in kept[:count]))
            if days:
                rest = 1 - sum(band[max(days)] for band in kept[:count])
                yield formatting.show_value(max(rest, 0.0), "share")


def _digits(quantity: Quantity, value: float, estimand: str) -> list[str]:
    """A value or a limit with every number of digits it is printed with; nothing for one that is missing."""
    if value != value:
        return []
    shown = [formatting.show_value(value, quantity.kind)]
    if quantity.kind == "share":
        shown.append(f"{100 * value:.1f}%")
        if estimand in ("difference", "ratio"):  # percentage points, and the cells of a chart in percent
            shown.append(f"{round(100 * value)}")
    elif quantity.kind == "ratio":  # of hours, which charts show in percent
        shown.append(formatting.show_value(value, "share"))
    elif quantity.kind == "number":
        shown += [f"{round(value, 1) + 0:.1f}", f"{abs(value):.2f}"]
    elif quantity.kind == "money":
        shown += [f"${value:.2f}"] if abs(value) < 100 else []
        shown += [formatting.show_value(abs(value), "money")] if estimand == "difference" else []  # "worth more by $20"
    return shown


def _say_clock(row: Mapping[str, Any]) -> Iterator[str]:
    """A row's day in months, its confidence level, and a difference it assumes, as words around them say."""
    for number in map(float, _ASSUMED.findall(str(row["category"]))):
        yield from (f"{100 * number:.0f} points", f"{number:.1f} days")
    if row["at"] >= 28:
        yield from (f"{row['at'] / 30.4375:.0f} {months}" for months in ("month", "months"))
    if row["estimand"] == "funnel_limit":
        yield f"{str(row['category']).rpartition('_')[2]}% limit"
    if row["conf_level"] == row["conf_level"]:
        yield from (f"{100 * row['conf_level']:g}% {limits}" for limits in ("limit", "limits", "range", "ranges"))


def _say_counts(counts: Iterable[int]) -> Iterator[str]:
    """How many rows a chart shows."""
    for count in counts:
        yield from (f"{count} {things}" for things in ("periods", "sites", "groups", "weeks"))


def _say_facts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Settings, a policy or an audit as a reader meets them: a name and its number; of a scale also as a chart says it."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _say_facts(value)
            continue
        yield f"{name.replace('_', ' ')} {value}"
        if name in _OF_A_SCALE and value is not None:
            yield from (f"{value:g}", f"{value:g} or more at baseline", f"below {value:g} at baseline")


def _say_quarters(days: Iterable[str]) -> Iterator[str]:
    """The quarters a chart may begin in before its first released point, and all up to the last day, which may lie in a
    fiscal year named by the next one."""
    years = sorted(date.fromisoformat(text).year for text in days)
    for year in range(years[0] - 2, years[-1] + 2) if years else ():
        yield from (f"{year} Q{quarter}" for quarter in (1, 2, 3, 4))
        yield from (f"Q{quarter} of fiscal year {year}" for quarter in (1, 2, 3, 4))


def _say_dates(days: Iterable[str]) -> Iterator[str]:
    """Every way the days of a release are printed, and the months, quarters and years they open and close."""
    for text in days:
        day = date.fromisoformat(text)
        quarter = (day.month + 2) // 3
        yield from (f"{day}", f"{day:%Y-%m}", f"{day.year} Q{quarter}", f"{day.year}Q{quarter}", f"{day:%B} {day.year}")
