"""What else must go: the fewest rows to withhold so that nothing withheld can be worked out.

Rule D6 of docs/release.md. The attacker says which shown numbers together give a protected cell away; at least one of
each such set must be hidden, whatever else is. Choosing the fewest rows that hit every set is an integer programme; its
answer is shown to the attacker again, who may find new sets. When none are left, no other choice loses less. A very
large release is stopped before that: then the sets are hit one after the other, cheapest first, and rows that turn out
not to be needed are given back.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.inference import Attacker, System
from iop_outcomes.publication.suppression import LINKED, Sheet

#: Rounds of asking the attacker before the search settles for a safe choice that may not be the smallest.
ROUNDS = 40
#: Numbers in doubt at once beyond which the search is not started.
MOST = 400
#: A row that speaks for everyone is worth this many rows of a group.
WORTH = 1.5


def protect(system: System, sheet: Sheet) -> None:
    """Withhold further rows until no protected cell can be pinned.

    Rows that cannot be withheld (``sheet.fixed``) stay: what they give away is out of anybody's hands, and is counted in
    the audit.
    """
    unsafe = set(Attacker(system).find_unsafe(system.shown_by(sheet.hidden)))
    rows: set[int] = set()
    for part in system.split():
        if not unsafe.isdisjoint(part.needs):
            search = _Search(part, sheet)
            chosen, fewest = search.run()
            rows |= chosen
            sheet.fewest &= fewest
            sheet.exposed += len(search.lost)
    sheet.hide(np.array(sorted(rows), dtype=int), LINKED)


class _Search:
    def __init__(self, system: System, sheet: Sheet) -> None:
        self.system, self.sheet = system, sheet
        self.attacker = Attacker(system)
        self.lost: set[int] = set()
        self.sets: set[frozenset[int]] = set()
        open_rows = [row for row in system.shows if not sheet.hidden[row]]
        self.showing: dict[int, frozenset[int]] = {}
        for row in open_rows:
            for cell in system.shows[row]:
                self.showing[cell] = self.showing.get(cell, frozenset()) | {row}
        for same in _same_numbers(system):
            rows = frozenset(row for cell in same for row in self.showing.get(cell, ()))
            self.showing.update(dict.fromkeys(same, rows))
        everyone = (sheet.frame["by"] == ALL).to_numpy()
        size = np.nan_to_num([system.bin(count)[1] for count in sheet.column("n")], nan=np.inf)
        order = np.empty(len(size), dtype=int)
        order[np.lexsort((np.arange(len(size)), size))] = np.arange(len(size))
        self.price = np.where(everyone, WORTH, 1.0) + 1e-4 * order / max(1, len(size))

    def run(self) -> tuple[set[int], bool]:
        """The rows to withhold, and whether they are the fewest."""
        unsafe = self._unsafe(set())
        if not unsafe:
            return set(), True
        best: set[int] | None = None
        if len(unsafe) <= MOST:
            for _ in range(ROUNDS):
                rows = self._hit()
                if best is not None and self._cost(rows) > self._cost(best) - 1e-9:
                    return best, True
                unsafe = self._unsafe(rows)
                if not unsafe:
                    return rows, True
                if not self._ask(rows, unsafe):
                    break
                if best is None:
                    best = self._give_back(self._complete(set()))
        finished = self._give_back(self._complete(self._hit()))
        return min((finished, *([best] if best else [])), key=self._cost), False

    def _shown(self, rows: Iterable[int]) -> set[int]:
        hidden = self.sheet.hidden.copy()
        hidden[list(rows)] = True
        return self.system.shown_by(hidden)

    def _unsafe(self, rows: set[int]) -> list[int]:
        return [cell for cell in self.attacker.find_unsafe(self._shown(rows)) if cell not in self.lost]

    def _cost(self, rows: Iterable[int]) -> float:
        return float(self.price[sorted(rows)].sum())

    def _ask(self, rows: set[int], unsafe: list[int]) -> bool:
        """Learn which numbers give the unsafe cells away; whether anything was learnt that was not known."""
        shown, before = self._shown(rows), len(self.sets)
        for cell in unsafe:
            for told in self.attacker.give_away(shown, cell):
                can = frozenset(each for each in told if not self.sheet.fixed[list(self.showing[each])].any())
                if can:
                    self.sets.add(can)
                else:
                    self.lost.add(cell)
        return len(self.sets) > before or bool(self.lost.intersection(unsafe))

    def _complete(self, rows: set[int]) -> set[int]:
        """Hit one set after the other, the cheapest cell first, until nothing is unsafe."""
        rows = set(rows)
        while unsafe := self._unsafe(rows):
            shown = self._shown(rows)
            before = len(rows)
            for cell in unsafe:
                for told in self.attacker.give_away(shown, cell):
                    ways = [self.showing[each] for each in told]
                    ways = [way for way in ways if not self.sheet.fixed[list(way)].any()]
                    if not ways:
                        self.lost.add(cell)
                    elif not any(way <= rows for way in ways):
                        rows |= min(ways, key=lambda way: (self._cost(way - rows), sorted(way)))
            if len(rows) == before and not self.lost.intersection(unsafe):
                raise AssertionError("a number that gives a cell away is already hidden")
        return rows

    def _give_back(self, rows: set[int]) -> set[int]:
        """Rows that are still needed when, the dearest first, each is shown again."""
        kept = set(rows)
        for row in sorted(rows, key=lambda one: -self.price[one]):
            if not self._unsafe(kept - {row}):
                kept.discard(row)
        return kept

    def _hit(self) -> set[int]:
        """The cheapest rows that hide at least one cell of every set."""
        if not self.sets:
            return set()
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        cells = sorted({cell for told in self.sets for cell in told})
        rows = sorted({row for cell in cells for row in self.showing[cell]})
        row_at = {row: place for place, row in enumerate(rows)}
        cell_at = {cell: len(rows) + place for place, cell in enumerate(cells)}
        entries: list[tuple[int, int, float]] = []
        floor: list[float] = []
        for told in sorted(self.sets, key=sorted):
            entries += [(len(floor), cell_at[cell], 1.0) for cell in told]
            floor.append(1.0)
        for cell in cells:  # a cell is hidden only when every row that shows it is
            for row in self.showing[cell]:
                entries += [(len(floor), row_at[row], 1.0), (len(floor), cell_at[cell], -1.0)]
                floor.append(0.0)
        lines, columns, weights = zip(*entries, strict=True)
        matrix = csr_matrix((weights, (lines, columns)), shape=(len(floor), len(rows) + len(cells)))
        price = np.concatenate([self.price[rows], np.zeros(len(cells))])
        answer = milp(
            price,
            constraints=LinearConstraint(matrix, floor, np.inf),
            integrality=np.ones(price.size),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0, "presolve": False},  # the solver's presolve writes to the terminal
        )
        if answer.x is None:
            raise AssertionError("sets of numbers can always be hit by hiding all of them")
        return {row for row, place in row_at.items() if answer.x[place] > 0.5}


def _same_numbers(system: System) -> list[frozenset[int]]:
    """Cells that a relation of two says are the same number: whoever sees one sees all of them."""
    same: dict[int, frozenset[int]] = {}
    for relation in system.relations:
        if len(relation) == 2 and relation[0][1] == -relation[1][1]:
            both = frozenset().union(*(same.get(cell, frozenset({cell})) for cell, _ in relation))
            same.update(dict.fromkeys(both, both))
    return sorted(set(same.values()), key=sorted)
