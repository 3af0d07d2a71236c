"""Numbers that are out and numbers that are not, and the sums that link them; bounds that follow step by step.

Every number is a cell with a smallest and a largest value. A relation says that a weighted sum of cells is zero. A
relation an outsider only supposes is taken back when it contradicts what stands in the table.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Terms = tuple[tuple[int, float], ...]

#: Ways to a number, the plainest last: where several led to it, the first in this order names it.
METHODS = ("releases", "interval", "percent", "step", "average", "linear")

_TOLERANCE = 1e-6
#: Bounds of one cell are moved at most so often, so that relations that creep by one person come to an end.
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: what kind it is, the row it belongs to (and a second one for a difference), and words about it."""

    kind: str
    row: int
    other: int = -1
    words: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """Where a bound comes from: rows that show it, relations it follows from, bounds these rest on, and the method."""

    method: str = "linear"
    rows: tuple[int, ...] = ()
    relation: int = -1
    solved: tuple[tuple[int, int], ...] = ()


class System:
    """Cells, their bounds (``bounds[0]`` lowest, ``bounds[1]`` highest) and the relations between them."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.cells: list[Cell] = []
        self.whole: list[bool] = []
        self.bounds: tuple[list[float], list[float]] = ([], [])
        self.why: tuple[list[Why | None], list[Why | None]] = ([], [])
        self.shown: list[bool] = []
        self.relations: list[Terms] = []
        self.touching: list[list[int]] = []
        self.refused = 0
        self._undo: list[tuple[int, int, float, Why | None]] = []

    def cell(self, cell: Cell, whole: bool = True) -> int:
        """A new number of which only that it is not negative is known."""
        self.cells.append(cell)
        self.whole.append(whole)
        self.shown.append(False)
        for side, value in enumerate((0.0, math.inf)):
            self.bounds[side].append(value)
            self.why[side].append(None)
        self.touching.append([])
        return len(self.cells) - 1

    def show(self, cell: int, low: float, high: float, row: int) -> None:
        """The number, or what it was rounded from, stands in a row."""
        self.shown[cell] = True
        before = self.why[0][cell]
        rows = (*before.rows, row) if before else (row,)
        for side, value in enumerate((low, high)):
            self.bounds[side][cell] = value
            self.why[side][cell] = Why(rows=rows)

    def known(self, cell: int) -> bool:
        """Whether only one value is left."""
        return self.bounds[1][cell] - self.bounds[0][cell] <= _TOLERANCE

    def relate(self, terms: Iterable[tuple[int, float]]) -> bool:
        """Suppose one relation; see :meth:`suppose`."""
        return self.suppose([tuple(terms)])

    def suppose(self, relations: Sequence[Terms]) -> bool:
        """Add relations that stand or fall together; taken back (``False``) when they contradict what is shown."""
        start = len(self.relations)
        self._undo = []
        for terms in relations:
            number = len(self.relations)
            self.relations.append(terms)
            for cell, _ in terms:
                self.touching[cell].append(number)
        if self._follow(range(start, len(self.relations))):
            return True
        self.refused += 1
        for number in range(len(self.relations) - 1, start - 1, -1):
            for cell, _ in self.relations[number]:
                self.touching[cell].pop()
        del self.relations[start:]
        self._take_back()
        return False

    def learn(self, found: Sequence[tuple[int, float, float]], method: str, rows: tuple[int, ...]) -> bool:
        """Tighten the bounds of cells by something that is not a sum; taken back when it contradicts the rest."""
        self._undo = []
        reason = Why(method, rows)
        moved = []
        for cell, low, high in found:
            for side, value in enumerate((low, high)):
                if self._move(cell, side, value, reason):
                    moved.append(cell)
            if self.bounds[0][cell] > self.bounds[1][cell] + _TOLERANCE:
                self._take_back()
                return False
        if self._follow(sorted({number for cell in moved for number in self.touching[cell]})):
            return True
        self._take_back()
        return False

    def follow(self, cell: int) -> None:
        """Tighten whatever follows from the bounds of a cell that moved."""
        self._follow(self.touching[cell])

    def trace(self, cell: int) -> tuple[tuple[int, ...], str]:
        """The rows a cell's bounds follow from, and the method that names the way."""
        rows: set[int] = set()
        methods: set[str] = set()
        seen: set[tuple[int, int]] = set()
        waiting = [(cell, 0), (cell, 1)]
        while waiting:
            place = waiting.pop()
            reason = self.why[place[1]][place[0]]
            if place in seen or reason is None:
                continue
            seen.add(place)
            rows.update(reason.rows)
            methods.add(reason.method)
            waiting.extend(reason.solved)
            if reason.relation >= 0:
                waiting.extend(self._rests_on(place, reason.relation))
        return tuple(sorted(rows)), next((name for name in METHODS if name in methods), "linear")

    def _rests_on(self, place: tuple[int, int], relation: int) -> Iterable[tuple[int, int]]:
        """The bounds of the other cells of a relation that one bound was worked out from."""
        terms = self.relations[relation]
        own = next(weight for cell, weight in terms if cell == place[0])
        for cell, weight in terms:
            if cell != place[0]:
                same = (weight > 0) == (own > 0)
                yield cell, 1 - place[1] if same else place[1]

    def _move(self, cell: int, side: int, value: float, reason: Why) -> bool:
        """Tighten one bound, to a whole number where the cell counts; whether it moved."""
        if self.whole[cell] and math.isfinite(value):
            value = math.floor(value + _TOLERANCE) if side else math.ceil(value - _TOLERANCE)
        now = self.bounds[side][cell]
        if not (value < now - _TOLERANCE if side else value > now + _TOLERANCE):
            return False
        self._undo.append((cell, side, now, self.why[side][cell]))
        self.bounds[side][cell] = value
        self.why[side][cell] = reason
        return True

    def _take_back(self) -> None:
        for cell, side, value, reason in reversed(self._undo):
            self.bounds[side][cell] = value
            self.why[side][cell] = reason
        self._undo = []

    def _follow(self, relations: Iterable[int]) -> bool:
        """Tighten bounds along relations until nothing moves; ``False`` at a contradiction."""
        waiting = deque(relations)
        queued = set(waiting)
        moves: dict[int, int] = {}
        while waiting:
            number = waiting.popleft()
            queued.discard(number)
            changed = self._tighten(number)
            if changed is None:
                return False
            for cell in changed:
                moves[cell] = moves.get(cell, 0) + 1
                if moves[cell] > _PATIENCE:
                    continue
                for other in self.touching[cell]:
                    if other not in queued:
                        queued.add(other)
                        waiting.append(other)
        return True

    def _tighten(self, number: int) -> list[int] | None:
        """Bounds of each cell of a relation from those of the others: the cells that moved, ``None`` if none fit."""
        lows, highs = self.bounds
        terms = self.relations[number]
        spans = [
            (weight * lows[cell], weight * highs[cell]) if weight > 0 else (weight * highs[cell], weight * lows[cell])
            for cell, weight in terms
        ]
        least, most = _total([span[0] for span in spans]), _total([span[1] for span in spans])
        scale = max(1.0, *(abs(edge) for span in spans for edge in span if math.isfinite(edge)))
        slack = _TOLERANCE * scale
        if (least[1] == 0 and least[0] > slack) or (most[1] == 0 and most[0] < -slack):
            return None
        changed = []
        reason = Why(relation=number)
        for (cell, weight), (low, high) in zip(terms, spans, strict=True):
            up = -_without(least, low) / weight
            down = -_without(most, high) / weight
            lowest, highest = (down, up) if weight > 0 else (up, down)
            if not self.whole[cell]:  # leave what was rounded for the reader its last digit
                lowest, highest = lowest - slack, highest + slack
            moved = self._move(cell, 0, lowest, reason)
            moved = self._move(cell, 1, highest, reason) or moved
            if lows[cell] > highs[cell] + slack:
                return None
            if moved:
                changed.append(cell)
        return changed


def _total(edges: list[float]) -> tuple[float, int]:
    """A sum of the finite edges, and how many are not finite."""
    finite = [edge for edge in edges if math.isfinite(edge)]
    return math.fsum(finite), len(edges) - len(finite)


def _without(total: tuple[float, int], edge: float) -> float:
    """The total without one of its edges; infinite (as the edges are) when others are."""
    left = total[1] - (not math.isfinite(edge))
    if left:
        return math.nan
    return total[0] - (edge if math.isfinite(edge) else 0.0)
