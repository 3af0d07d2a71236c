"""The sums that link the numbers of a release: what the exact attacker may use.

A link is added when it holds between the true numbers, because a reader may guess that it does. Linked are: a count and
its complement; categories and what is left of their base; groups and everyone; days along a curve; milestones of rising
length and rules of rising kindness; definitions that are sums of others; parts of a period and the whole; steps of the
attrition; missing records and the base they are missing from.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.curves import SUMS
from iop_outcomes.publication.inference import Need, System
from iop_outcomes.publication.nested import GROUP_HOLDS, RULES, held_counts, subject_of, tile_period
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import CONTRASTS, COUNTED, DRAWN, Sheet

_CURVES = ("cumulative_incidence", "survival")
_FAMILY = ("measure", "definition", "estimand", "category", "by", "group", "at", "period_start", "period_end")
#: Counts that other rows are counted among.
_BASES = ("pathway", "followup_due")


def build_system(sheet: Sheet, policy: Policy) -> System:
    """The attacker's system for a sheet: cells, links, what each row shows, and what must stay uncertain."""
    return _Builder(sheet, policy).build()


class _Builder:
    def __init__(self, sheet: Sheet, policy: Policy) -> None:
        self.sheet, self.policy = sheet, policy
        self.system = System()
        names = ("measure", "definition", "estimand", "category", "by", "group", "period_start", "period_end")
        self.text = {name: sheet.column(name).astype(str) for name in names}
        self.number = {name: sheet.column(name) for name in ("n", "denominator", "people", "n_missing", "at", "value")}
        worked_out = np.isin(self.text["estimand"], sorted(CONTRASTS | DRAWN))
        for name in ("n", "denominator", "people", "n_missing"):  # they count the people of several groups or points
            self.number[name] = np.where(worked_out, np.nan, self.number[name])
        self.name = np.array([text.split("@")[0] for text in self.text["definition"]], dtype=object)
        self.counted = np.isin(self.text["estimand"], sorted(COUNTED)) & ~np.isnan(self.number["n"])
        self.curved = ~np.isnan(self.number["at"]) & (
            np.isin(self.text["estimand"], _CURVES) | (self.text["category"] == "at_risk")
        )
        self.dead = self._dead_days()
        self.events: dict[int, int] = {}
        self.bases: dict[tuple[str, str, str, str, float], int] = {}
        self.sums: dict[int, int] = {}
        self.sum_cells: set[int] = set()
        self.on_curve: set[int] = set()

    def build(self) -> System:
        self._cells()
        self._complements_of_steps()
        self._groups()
        self._categories()
        self._along_days()
        self._nested()
        self._definitions()
        self._periods()
        self._missing()
        self._needs()
        return self.system

    def _cells(self) -> None:
        """One cell for each count, each different base of a group and period, and each sum."""
        for row in range(len(self.sheet.frame)):
            if self.dead[row]:
                continue
            for name in ("denominator", "people"):
                value = self.number[name][row]
                if not np.isnan(value):
                    cell = self._base(row, value)
                    if not self.sheet.blank[name][row]:
                        self.system.show(row, cell)
            if self.counted[row]:
                self.events[row] = self.system.cell(self.number["n"][row])
                self.system.show(row, self.events[row])
                self.system.own[row] = self.events[row]
                if self.name[row] in _BASES:
                    self.system.relate([(self.events[row], 1.0), (self._base(row, self.number["n"][row]), -1.0)])
                if self.curved[row]:
                    self.on_curve.add(self.events[row])
                if not np.isnan(self.number["denominator"][row]):
                    self._rest([self._base(row, self.number["denominator"][row])], [self.events[row]])
            elif self.text["estimand"][row] == "sum" and self.number["value"][row] >= 0:
                self.sums[row] = self.system.cell(self.number["value"][row])
                self.sum_cells.add(self.sums[row])
                self.system.show(row, self.sums[row])
                self.system.own[row] = self.sums[row]

    def _dead_days(self) -> np.ndarray:
        """Rows of days on which nothing of a family of curves is shown: they may take the values of any day beside
        them, so they neither help a reader nor need looking at."""
        family = np.array(
            [
                "milestone" if name in RULES else "ending" if name in SUMS or name in ("ending", "at_risk") else name
                for name in self.name
            ]
        )
        at, start, end = self.number["at"], self.text["period_start"], self.text["period_end"]
        shown: set[tuple[object, ...]] = set()
        keys = [(family[row], _plain(at[row]), start[row], end[row]) for row in range(len(at))]
        for row, key in enumerate(keys):
            if not self.sheet.hidden[row]:
                shown.add(key)
        return np.array([self.curved[row] and key not in shown for row, key in enumerate(keys)], dtype=bool)

    def _base(self, row: int, value: float) -> int:
        population = tuple(self.text[name][row] for name in ("by", "group", "period_start", "period_end"))
        key = (*population, float(value))
        if key not in self.bases:
            self.bases[key] = self.system.cell(value)
        return self.bases[key]

    def _rest(self, whole: list[int], parts: list[int]) -> int | None:
        """A cell for what is left of a whole after its parts; none when the parts exceed it."""
        values = self.system.values
        left = sum(values[cell] for cell in whole) - sum(values[cell] for cell in parts)
        if left < -1e-9:
            return None
        cell = self.system.cell(max(left, 0.0))
        if self.on_curve.issuperset(parts):
            self.on_curve.add(cell)
        self.system.relate([*((w, 1.0) for w in whole), *((p, -1.0) for p in parts), (cell, -1.0)])
        return cell

    def _families(self, rows: Iterable[int], *without: str) -> list[list[int]]:
        """Rows that agree in everything but the columns named."""
        wanted = [name for name in _FAMILY if name not in without]
        found: dict[tuple[object, ...], list[int]] = {}
        for row in rows:
            key = tuple(_plain(self.number["at"][row]) if name == "at" else self.text[name][row] for name in wanted)
            found.setdefault(key, []).append(row)
        return list(found.values())

    def _adds(self, whole: int, parts: list[int]) -> bool:
        values = self.system.values
        total = sum(values[cell] for cell in parts)
        return abs(total - values[whole]) <= 1e-6 * max(1.0, abs(values[whole]))

    def _relate_sum(self, whole: int, parts: list[int]) -> None:
        if whole not in parts and parts and self._adds(whole, parts):
            self.system.relate([(whole, 1.0), *((part, -1.0) for part in parts)])

    def _groups(self) -> None:
        """Groups add to everyone: events, sums, bases and people."""
        for family in self._families(range(len(self.sheet.frame)), "by", "group"):
            everyone = [row for row in family if self.text["by"][row] == ALL]
            for by in sorted({self.text["by"][row] for row in family} - {ALL}):
                parts = [row for row in family if self.text["by"][row] == by]
                for row in everyone:
                    for cells in (self.events, self.sums):
                        if row in cells and all(part in cells for part in parts):
                            self._relate_sum(cells[row], [cells[part] for part in parts])
                    for name in ("denominator", "people"):
                        values = self.number[name]
                        if not np.isnan(values[[row, *parts]]).any():
                            whole = self._base(row, values[row])
                            self._relate_sum(whole, [self._base(part, values[part]) for part in parts])

    def _categories(self) -> None:
        """Categories of one base: what is left over; and sums whose category ``all`` is the total."""
        rows = [
            row
            for row in self.events
            if self.text["category"][row] and not (self.curved[row] and self.text["category"][row].isdigit())
        ]
        exits: list[tuple[int, list[int]]] = []
        for family in self._families(rows, "category", "estimand"):
            kind = {row: (self.number["denominator"][row], subject_of(self.text["category"][row])) for row in family}
            for base, subject in sorted({place for place in kind.values() if not np.isnan(place[0])}):
                same = [row for row in family if kind[row] == (base, subject)]
                events = [self.events[row] for row in same if self.text["estimand"][row] != "survival"]
                survivors = [self.events[row] for row in same if self.text["estimand"][row] == "survival"]
                exits.extend((cell, events) for cell in survivors)
                whole = self._base(same[0], base)
                if len(same) > 1 and not self._part_of(whole, [*survivors, *events]) and len(events) > 1:
                    self._part_of(whole, events)
        if all(self._adds(whole, parts) for whole, parts in exits):  # here ``n`` of a survival row counts exits
            for whole, parts in exits:
                self._relate_sum(whole, parts)
        for cells in (self.sums, self.events):
            for family in self._families(cells, "category"):
                totals = [row for row in family if self.text["category"][row] == "all"]
                parts = [cells[row] for row in family if self.text["category"][row] != "all"]
                for row in totals:
                    self._relate_sum(cells[row], parts)

    def _part_of(self, whole: int, parts: list[int]) -> bool:
        """Link parts to their whole, with what is left over where they do not exhaust it; whether they fit at all."""
        if self._adds(whole, parts):
            self._relate_sum(whole, parts)
            return True
        return self._rest([whole], parts) is not None

    def _step(self, cells: list[int]) -> None:
        """Cells that only rise or only fall along a line: the differences are counts of people."""
        for one, two in pairwise(cells):
            values = self.system.values
            larger, smaller = (one, two) if values[one] >= values[two] else (two, one)
            self._rest([larger], [smaller])

    def _along_days(self) -> None:
        rows = [
            row
            for row in self.events
            if not np.isnan(self.number["at"][row])
            and (self.text["estimand"][row] in _CURVES or self.text["category"][row] == "at_risk")
        ]
        for family in self._families(rows, "at"):
            self._step([self.events[row] for row in sorted(family, key=lambda r: self.number["at"][r])])

    def _nested(self) -> None:
        rows = [
            row for row in self.events if self.text["category"][row].isdigit() and self.text["estimand"][row] in _CURVES
        ]
        for family in self._families(rows, "category"):
            self._step([self.events[row] for row in sorted(family, key=lambda r: float(self.text["category"][r]))])
        ruled = [row for row in rows if self.name[row] in RULES]
        for family in self._families(ruled, "definition", "measure"):
            self._step([self.events[row] for row in sorted(family, key=lambda r: RULES.index(self.name[r]))])
        people = ("category", "by", "group", "period_start", "period_end", "at")
        texts = {**self.text, "at": self.number["at"].astype(str)}
        counts = {(self.name[row], *(texts[name][row] for name in people)): cell for row, cell in self.events.items()}
        for whole, parts in held_counts(counts):
            self._part_of(whole, parts)
        self._nested_groups()

    def _nested_groups(self) -> None:
        """Groups of which one holds another, and the one that is everyone under another name."""
        for family in self._families(range(len(self.sheet.frame)), "by", "group"):
            place = {(self.text["by"][row], self.text["group"][row]): row for row in family}
            for one, two in (((by, whole), (by, part)) for by, held in GROUP_HOLDS.items() for whole, part in held):
                for first, second in ((one, two), ((ALL, ALL), one), ((ALL, ALL), two)):
                    if first in place and second in place:
                        self._step_rows(place[first], place[second])

    def _step_rows(self, one: int, two: int) -> None:
        """The difference of two rows' counts, and of what they are counted among."""
        if one in self.events and two in self.events:
            self._step([self.events[one], self.events[two]])
        for name in ("denominator", "people"):
            values = self.number[name][[one, two]]
            if not np.isnan(values).any():
                self._step([self._base(one, float(values[0])), self._base(two, float(values[1]))])

    def _definitions(self) -> None:
        """Definitions that are sums of causes on the same day, and the steps along the days of all of them together."""
        people = ("by", "group", "period_start", "period_end")
        place: dict[tuple[str, ...], dict[tuple[str, str], dict[float, int]]] = {}
        for row, cell in self.events.items():
            at = _plain(self.number["at"][row])
            if at is not None and self.text["estimand"][row] in _CURVES:
                crowd = place.setdefault(tuple(self.text[name][row] for name in people), {})
                category = self.text["category"][row]
                cause = "" if category == self.name[row] else category
                crowd.setdefault((self.name[row], cause), {})[at] = cell
        for population, crowd in place.items():
            chains: dict[str, dict[float, int]] = {}
            for name, parts in SUMS.items():
                own = dict(crowd.get((name, ""), {}))
                days = set.intersection(*(set(crowd.get(part, {})) for part in parts))
                for at in days:
                    cells = [crowd[part][at] for part in parts]
                    if at in own:
                        self._relate_sum(own[at], cells)
                    else:
                        own[at] = self._total(cells)
                chains[name] = own
            completed = dict(crowd.get(("ending", "completed"), {}))
            for at in sorted(set(chains["retained"]) & set(chains["in_programme"])):
                if at in completed:
                    self._relate_sum(chains["retained"][at], [chains["in_programme"][at], completed[at]])
                    continue
                rest = self._rest([chains["retained"][at]], [chains["in_programme"][at]])
                if rest is not None:
                    completed[at] = rest
            chains["completed"] = completed
            chains["elsewhere"] = self._elsewhere(chains, population)
            for name, days_of in chains.items():
                if name in ("completed", "elsewhere") or (name, "") in crowd:
                    self._step([days_of[at] for at in sorted(days_of)])

    def _elsewhere(self, chains: dict[str, dict[float, int]], population: tuple[str, ...]) -> dict[float, int]:
        """Those neither retained nor lost early by a day: transferred, in jail, died, other."""
        values = self.system.values
        bases = {key[-1]: cell for key, cell in self.bases.items() if key[:4] == population}
        found: dict[float, int] = {}
        for at in sorted(set(chains["retained"]) & set(chains["lost_early"])):
            rows = [
                row
                for row, cell in self.events.items()
                if cell in (chains["retained"][at], chains["lost_early"][at])
                and self.number["denominator"][row] in bases
            ]
            if rows:
                whole = bases[float(self.number["denominator"][rows[0]])]
                parts = [chains["retained"][at], chains["lost_early"][at]]
                rest = (
                    self._rest([whole], parts) if values[whole] >= sum(values[part] for part in parts) - 1e-9 else None
                )
                if rest is not None:
                    found[at] = rest
        return found

    def _total(self, cells: list[int]) -> int:
        if len(cells) == 1:
            return cells[0]
        whole = self.system.cell(sum(self.system.values[cell] for cell in cells))
        self.on_curve.add(whole)
        self.system.relate([(whole, 1.0), *((cell, -1.0) for cell in cells)])
        return whole

    def _periods(self) -> None:
        """Periods that tile a longer one add to it; a row without a period may be one with it."""
        cells = {**self.events, **self.sums}
        for family in self._families(cells, "period_start", "period_end"):
            spans = {row: (self.text["period_start"][row], self.text["period_end"][row]) for row in family}
            for whole in family:
                if not spans[whole][0]:
                    for row in family:
                        same = spans[row][0] and all(
                            _equal(self.number[name][row], self.number[name][whole])
                            for name in ("n", "denominator", "value")
                        )
                        if same:
                            self._relate_sum(cells[whole], [cells[row]])
                    continue
                tiles = tile_period(spans, whole)
                self._relate_sum(cells[whole], [cells[row] for row in tiles])
                bases = self.number["denominator"][[whole, *tiles]]
                if tiles and not np.isnan(bases).any():
                    parts = [self._base(row, float(base)) for row, base in zip(tiles, bases[1:], strict=True)]
                    self._relate_sum(self._base(whole, float(bases[0])), parts)

    def _missing(self) -> None:
        """Missing records are what a base lacks of a larger base of the same people."""
        for (by, group, start, end, value), cell in list(self.bases.items()):
            for row in np.flatnonzero(self.number["denominator"] == value):
                missing = self.number["n_missing"][row]
                larger = self.bases.get((by, group, start, end, value + missing)) if missing > 0 else None
                same = (by, group, start, end) == tuple(
                    self.text[n][row] for n in ("by", "group", "period_start", "period_end")
                )
                if larger is not None and same:
                    self._rest([larger], [cell])
                    break

    def _complements_of_steps(self) -> None:
        """Attrition: what is left after one step is the base of the next; the first and last rows are such bases."""
        rows = [row for row in self.events if self.name[row] == "attrition" and not np.isnan(self.number["at"][row])]
        for family in self._families(rows, "category", "at"):
            ordered = sorted(family, key=lambda r: self.number["at"][r])
            ends = [row for row in ordered if self.text["category"][row] in ("read", "counted")]
            for row in ends:
                self.system.relate([(self.events[row], 1.0), (self._base(row, self.number["n"][row]), -1.0)])
            for row in ordered:
                if row not in ends and not np.isnan(self.number["denominator"][row]):
                    left = self.number["denominator"][row] - self.number["n"][row]
                    whole = self._base(row, self.number["denominator"][row])
                    self.system.relate([(whole, 1.0), (self.events[row], -1.0), (self._base(row, left), -1.0)])

    def _needs(self) -> None:
        """Small counts must stay as uncertain as 1 to the limit; withheld zeros too; withheld sums within a tenth."""
        limit = float(self.policy.limit)
        for cell, value in enumerate(self.system.values):
            if 1e-9 < value <= limit and cell not in self.sum_cells:
                self.system.needs[cell] = Need(1.0, limit, limit - 1 if cell in self.on_curve else np.inf)
        for row, cell in self.events.items():
            if self.sheet.extreme[row]:
                base = self.number["denominator"][row]
                zero = self.number["n"][row] == 0
                self.system.needs[cell] = Need(0.0, limit) if zero else Need(base - limit, base)
        for row, cell in self.sums.items():
            value = self.system.values[cell]
            if self.sheet.hidden[row] and self.number["people"][row] <= limit and value > 0:
                self.system.needs[cell] = Need(0.9 * value, 1.1 * value)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _equal(one: float, two: float) -> bool:
    return bool(one == two or (np.isnan(one) and np.isnan(two)))
