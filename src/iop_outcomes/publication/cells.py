"""The sums that link the numbers of a release: what the exact attacker may use.

A link is added when it holds between the true numbers, because a reader may guess that it does. Linked are: a count and
its complement; categories and what is left of their base; groups and everyone; days along a curve; milestones of rising
length and rules of rising kindness; definitions that are sums of others; parts of a period and the whole; steps of the
attrition; missing records and the base they are missing from.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.curves import SUMS
from iop_outcomes.publication.hierarchies import relate_columns
from iop_outcomes.publication.inference import Need, System
from iop_outcomes.publication.nested import GROUP_HOLDS, RULES, held_counts, subject_of
from iop_outcomes.publication.overlaps import relate_periods
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import CONTRASTS, COUNTED, DRAWN, Sheet

_CURVES = ("cumulative_incidence", "survival")
_FAMILY = ("measure", "definition", "estimand", "category", "by", "group", "at", "period_start", "period_end")
#: Counts that other rows are counted among.
_BASES = ("pathway", "followup_due", "followup_response")


def build_system(sheet: Sheet, policy: Policy) -> System:
    """The attacker's system for a sheet: cells, links, what each row shows, and what must stay uncertain."""
    return _Builder(sheet, policy).build()


class _Builder:
    def __init__(self, sheet: Sheet, policy: Policy) -> None:
        self.sheet, self.policy = sheet, policy
        self.system = System(bin=policy.bin)
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
        self.left: dict[int, int] = {}
        self.among: dict[int, int] = {}
        self.sum_cells: set[int] = set()

    def build(self) -> System:
        for link in (self._cells, self._earlier, self._complements_of_steps, self._groups, self._columns):
            link()
        for link in (self._categories, self._along_days, self._exits, self._nested, self._definitions):
            link()
        for link in (self._periods, self._missing, self._needs):
            link()
        return self.system

    def _cells(self) -> None:
        """One cell for each count, each different base of a group and period, and each sum."""
        for row in range(len(self.sheet.frame)):
            if self.dead[row] or self.sheet.twin[row] >= 0:
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
                if self.name[row] in _BASES:
                    self.system.relate([(self.events[row], 1.0), (self._base(row, self.number["n"][row]), -1.0)])
                if self.curved[row]:
                    self.system.on_curve.add(self.events[row])
                if not np.isnan(self.number["denominator"][row]):
                    base = self._base(row, self.number["denominator"][row])
                    self.among[self.events[row]] = base
                    left = self.system.leave([base], [self.events[row]])
                    self.left |= {} if left is None else {row: left}
            elif self.text["estimand"][row] == "sum" and self.number["value"][row] >= 0:
                self.sums[row] = self.system.cell(self.number["value"][row])
                self.sum_cells.add(self.sums[row])
                self.system.show(row, self.sums[row])

    def _earlier(self) -> None:
        """The same figure in an earlier release: what changed between the two is a count of people."""
        for old, new in enumerate(self.sheet.twin):
            if new < 0:
                continue
            now = {
                "n": self.events.get(new),
                "left": self.left.get(new),
                **{
                    name: self._base(new, self.number[name][new])
                    for name in ("denominator", "people")
                    if not np.isnan(self.number[name][new])
                },
            }
            was = {name: self.number[name][old] for name in ("n", "denominator", "people")}
            was["left"] = was["denominator"] - was["n"]
            same = all(self.policy.show(self.number[name][new]) == was[name] for name in ("n", "denominator"))
            for name, cell in now.items():
                if cell is None or np.isnan(was[name]) or was[name] < 0:
                    continue
                value = self.system.values[cell]  # a rounded number may still be the same count
                kept = same if name == "left" else self.policy.show(value) == was[name]
                before = self.system.cell(value if kept else was[name])
                self.system.show(old, before)
                self.system.step([cell, before])

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

    def _rows(self) -> list[int]:
        """Rows of which no other row of the sheet is a newer version."""
        return np.flatnonzero(self.sheet.twin < 0).tolist()

    def _families(self, rows: Iterable[int], *without: str) -> list[list[int]]:
        """Rows that agree in everything but the columns named."""
        wanted = [name for name in _FAMILY if name not in without]
        found: dict[tuple[object, ...], list[int]] = {}
        for row in rows:
            key = tuple(_plain(self.number["at"][row]) if name == "at" else self.text[name][row] for name in wanted)
            found.setdefault(key, []).append(row)
        return list(found.values())

    def _groups(self) -> None:
        """Groups add to everyone; where they do not, somebody is in none of them, or people are in several."""
        for family in self._families(self._rows(), "by", "group"):
            everyone = [row for row in family if self.text["by"][row] == ALL]
            for by in sorted({self.text["by"][row] for row in family} - {ALL}):
                parts = [row for row in family if self.text["by"][row] == by]
                for row in everyone:
                    for cells in (self.events, self.sums, self.left):
                        if row in cells and all(part in cells for part in parts):
                            self._whole_of(cells[row], [cells[part] for part in parts], by)
                    for name in ("denominator", "people"):
                        values = self.number[name]
                        if not np.isnan(values[[row, *parts]]).any():
                            whole = self._base(row, values[row])
                            self._whole_of(whole, [self._base(part, values[part]) for part in parts], by)

    def _columns(self) -> None:
        """Groups of one column that lie in those of another."""
        based = [row for row in self._rows() if row in self.events and not np.isnan(self.number["denominator"][row])]
        figures = []
        for family in self._families([row for row in based if self.text["by"][row] not in GROUP_HOLDS], "by", "group"):
            cells = {row: (self.events[row], self._base(row, float(self.number["denominator"][row]))) for row in family}
            figures.append({(self.text["by"][row], self.text["group"][row]): pair for row, pair in cells.items()})
        relate_columns(self.system, figures)

    def _whole_of(self, whole: int, parts: list[int], by: str) -> None:
        if by in GROUP_HOLDS or len(set(parts)) < len(parts):
            return
        if not self.system.part(whole, parts):
            self.system.leave(parts, [whole])

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
                if len(same) > 1 and not self.system.part(whole, [*survivors, *events]) and len(events) > 1:
                    self.system.part(whole, events)
        if all(self.system.adds([whole], parts) for whole, parts in exits):  # here ``n`` of a survival row counts exits
            for whole, parts in exits:
                self.system.balance([whole], parts)
        for cells in (self.sums, self.events):
            for family in self._families(cells, "category"):
                totals = [row for row in family if self.text["category"][row] == "all"]
                parts = [cells[row] for row in family if self.text["category"][row] != "all"]
                for row in totals:
                    self.system.balance([cells[row]], parts)

    def _along_days(self) -> None:
        rows = [
            row
            for row in self.events
            if not np.isnan(self.number["at"][row])
            and (self.text["estimand"][row] in _CURVES or self.text["category"][row] == "at_risk")
        ]
        for family in self._families(rows, "at"):
            self.system.step([self.events[row] for row in sorted(family, key=lambda r: self.number["at"][r])])

    def _exits(self) -> None:
        """Those at risk on a day, less those still in after it, left on that day."""
        people = ("by", "group", "period_start", "period_end", "at")
        texts = {**self.text, "at": self.number["at"].astype(str)}
        at_risk = {
            tuple(texts[name][row] for name in people): cell
            for row, cell in self.events.items()
            if self.text["category"][row] == "at_risk"
        }
        for row, cell in self.events.items():
            before = at_risk.get(tuple(texts[name][row] for name in people))
            if before is not None and self.text["category"][row] == "in_programme":
                self.system.leave([before], [cell])

    def _nested(self) -> None:
        rows = [
            row for row in self.events if self.text["category"][row].isdigit() and self.text["estimand"][row] in _CURVES
        ]
        for family in self._families(rows, "category"):
            self.system.step(
                [self.events[row] for row in sorted(family, key=lambda r: float(self.text["category"][r]))]
            )
        based = [row for row in self.events if self.name[row] in _BASES]
        for family in self._families(based, "category", "definition", "measure"):
            self.system.step([self.events[row] for row in sorted(family, key=lambda r: self.number["n"][r])])
        ruled = [row for row in rows if self.name[row] in RULES]
        for family in self._families(ruled, "definition", "measure"):
            self.system.step([self.events[row] for row in sorted(family, key=lambda r: RULES.index(self.name[r]))])
        people = ("category", "by", "group", "period_start", "period_end", "at")
        texts = {**self.text, "at": self.number["at"].astype(str)}
        counts = {(self.name[row], *(texts[name][row] for name in people)): cell for row, cell in self.events.items()}
        for whole, parts in held_counts(counts):
            self.system.part(whole, parts)
        self._nested_groups()

    def _nested_groups(self) -> None:
        """Groups of which one holds another, and the one that is everyone under another name."""
        for family in self._families(self._rows(), "by", "group"):
            place = {(self.text["by"][row], self.text["group"][row]): row for row in family}
            for one, two in (((by, whole), (by, part)) for by, held in GROUP_HOLDS.items() for whole, part in held):
                for first, second in ((one, two), ((ALL, ALL), one), ((ALL, ALL), two)):
                    if first in place and second in place:
                        self._step_rows(place[first], place[second])

    def _step_rows(self, one: int, two: int) -> None:
        """The difference of two rows' counts, and of what they are counted among."""
        for cells in (self.events, self.left):
            if one in cells and two in cells:
                self.system.step([cells[one], cells[two]])
        for name in ("denominator", "people"):
            values = self.number[name][[one, two]]
            if not np.isnan(values).any():
                self.system.step([self._base(one, float(values[0])), self._base(two, float(values[1]))])

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
        for crowd in place.values():
            chains: dict[str, dict[float, int]] = {}
            for name, parts in SUMS.items():
                own = dict(crowd.get((name, ""), {}))
                days = set.intersection(*(set(crowd.get(part, {})) for part in parts))
                for at in days:
                    cells = [crowd[part][at] for part in parts]
                    if at in own:
                        self.system.balance([own[at]], cells)
                    else:
                        own[at] = self._total(cells)
                chains[name] = own
            completed = dict(crowd.get(("ending", "completed"), {}))
            for at in sorted(set(chains["retained"]) & set(chains["in_programme"])):
                if at in completed:
                    self.system.balance([chains["retained"][at]], [chains["in_programme"][at], completed[at]])
                    continue
                rest = self.system.leave([chains["retained"][at]], [chains["in_programme"][at]])
                if rest is not None:
                    completed[at] = rest
            chains["completed"] = completed
            chains["elsewhere"] = self._elsewhere(chains)
            for name, days_of in chains.items():
                if name in ("completed", "elsewhere") or (name, "") in crowd:
                    self.system.step([days_of[at] for at in sorted(days_of)])

    def _elsewhere(self, chains: dict[str, dict[float, int]]) -> dict[float, int]:
        """Those neither retained nor lost early by a day: transferred, in jail, died, other."""
        found: dict[float, int] = {}
        for at in sorted(set(chains["retained"]) & set(chains["lost_early"])):
            parts = [chains["retained"][at], chains["lost_early"][at]]
            whole = next((self.among[part] for part in parts if part in self.among), None)
            rest = None if whole is None else self.system.leave([whole], parts)
            if rest is not None:
                found[at] = rest
        return found

    def _total(self, cells: list[int]) -> int:
        if len(cells) == 1:
            return cells[0]
        whole = self.system.cell(sum(self.system.values[cell] for cell in cells))
        self.system.on_curve.add(whole)
        self.system.relate([(whole, 1.0), *((cell, -1.0) for cell in cells)])
        return whole

    def _periods(self) -> None:
        """Periods in each other and across each other; a row without a period may be one with it."""
        cells = {**self.events, **self.sums}
        for family in self._families(cells, "period_start", "period_end"):
            spans = {row: (self.text["period_start"][row], self.text["period_end"][row]) for row in family}
            dated = sorted((row for row in family if all(spans[row])), key=lambda row: spans[row])
            apart = [row for at, row in enumerate(dated) if not at or spans[row][0] > spans[dated[at - 1]][1]]
            based = {row: self.number["denominator"][row] for row in family}
            bases = {row: self._base(row, float(base)) for row, base in based.items() if not np.isnan(base)}
            for kind in (cells, bases, self.left):
                for whole in (row for row in family if row not in dated and row in kind):
                    for row in (row for row in dated if row in kind):
                        self.system.balance([kind[whole]], [kind[row]])
                    self.system.part(kind[whole], [kind[row] for row in apart if row in kind])
                relate_periods(self.system, [(*spans[row], kind[row]) for row in dated if row in kind])

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
                    self.system.leave([larger], [cell])
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
        limit, most = float(self.policy.limit), float(self.policy.threshold - 1)
        for cell, value in enumerate(self.system.values):
            if 1e-9 < value <= limit and cell not in self.sum_cells:
                self.system.needs[cell] = Need(1.0, most, most - 1 if cell in self.system.on_curve else np.inf)
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
