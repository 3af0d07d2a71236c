"""The smallest and largest value of every unknown number that fits everything printed: linear and integer programmes.

Numbers already known drop out; what is left falls into parts that do not touch each other. One solution is a witness
for many numbers at once, so most questions need no programme of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from iop_outcomes.publication.attacker.system import System, Why

#: Parts with at most so many unknown numbers are solved in whole numbers where the linear answer is not whole.
_SMALL_PART = 80
_TOLERANCE = 1e-6

#: Whether a bound of a cell still matters, given the values a cell is known to be able to take.
Matters = Callable[[int, float, float], bool]


def solve(system: System, wanted: Sequence[int], matters: Matters | None = None) -> None:
    """Tighten the bounds of the wanted cells as far as the relations allow.

    ``matters(cell, low, high)`` is told what values a cell can certainly take; where it says no, the question is left.
    """
    targets = {cell for cell in wanted if not system.known(cell)}
    parts = [_Part(system, cells, [cell for cell in cells if cell in targets]) for cells in _parts(system)]
    parts = [part for part in parts if part.targets]
    for part, ends in zip(parts, _look(system, parts), strict=True):
        _solve_part(system, part, ends, matters or (lambda cell, low, high: True))


def _parts(system: System) -> list[list[int]]:
    """Unknown cells that hang together through relations."""
    unknown = [not system.known(cell) for cell in range(len(system.cells))]
    seen = [False] * len(unknown)
    found = []
    for start, open_cell in enumerate(unknown):
        if not open_cell or seen[start] or not system.touching[start]:
            continue
        seen[start] = True
        part, waiting = [], [start]
        while waiting:
            cell = waiting.pop()
            part.append(cell)
            for number in system.touching[cell]:
                for other, _ in system.relations[number]:
                    if unknown[other] and not seen[other]:
                        seen[other] = True
                        waiting.append(other)
        found.append(sorted(part))
    return found


@dataclass
class _Part:
    """One part as a programme: columns are unknown cells, rows are relations with the known cells on the right."""

    system: System
    cells: list[int]
    targets: list[int]

    def __post_init__(self) -> None:
        self.place = {cell: column for column, cell in enumerate(self.cells)}
        self.numbers = sorted({number for cell in self.cells for number in self.system.touching[cell]})
        self.whole = np.array([self.system.whole[cell] for cell in self.cells])
        self.refresh()

    @cached_property
    def relations(self) -> tuple[Any, np.ndarray]:
        """What the relations add up, and what to."""
        from scipy.sparse import csr_array

        rows, columns, weights, right = [], [], [], []
        lows, highs = self.system.bounds
        for line, number in enumerate(self.numbers):
            known = 0.0
            for cell, weight in self.system.relations[number]:
                if cell in self.place:
                    rows.append(line)
                    columns.append(self.place[cell])
                    weights.append(weight)
                else:
                    known += weight * (lows[cell] + highs[cell]) / 2
            right.append(-known)
        matrix = csr_array((weights, (rows, columns)), shape=(len(self.numbers), len(self.cells)))
        return matrix, np.array(right)

    def refresh(self) -> None:
        """Take over the bounds of the system."""
        self.low, self.high = (np.array([bound[cell] for cell in self.cells]) for bound in self.system.bounds)

    def ends(self) -> list[np.ndarray | None]:
        """A solution that holds the targets low and one that holds them high; ``None`` where there is none."""
        found = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(self.cells))
            columns = [self.place[cell] for cell in self.targets]
            cost[[column for column in columns if sign > 0 or math.isfinite(self.high[column])]] = sign
            answer = self.ask(cost)
            found.append(None if answer is None else answer[0])
        return found

    def ask(self, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """A solution of least cost with the weight of each relation and of each bound; ``None`` where there is none."""
        from scipy.optimize import linprog

        matrix, right = self.relations
        found = linprog(cost, A_eq=matrix, b_eq=right, bounds=np.column_stack([self.low, self.high]), method="highs")
        if found.status != 0:
            return None
        return found.x, found.eqlin.marginals, found.lower.marginals + found.upper.marginals

    def ask_whole(self, cost: np.ndarray) -> float | None:
        """The least cost in whole numbers."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, right = self.relations
        found = milp(
            cost,
            constraints=LinearConstraint(matrix, right, right),
            bounds=Bounds(self.low, self.high),
            integrality=self.whole.astype(int),
        )
        return float(found.fun) if found.status == 0 else None


def _look(system: System, parts: Sequence[_Part]) -> Iterator[list[np.ndarray | None]]:
    """The ends of every part: they do not touch, so one programme answers for all, unless one of them has no answer."""
    cells, targets = ([cell for part in parts for cell in getattr(part, name)] for name in ("cells", "targets"))
    ends = _Part(system, cells, targets).ends() if parts else []
    if any(end is None for end in ends):
        yield from (part.ends() for part in parts)
        return
    starts = np.cumsum([len(part.cells) for part in parts])
    for start, part in zip(starts, parts, strict=True):
        yield [end[start - len(part.cells) : start] for end in ends if end is not None]


def _solve_part(system: System, part: _Part, ends: Sequence[np.ndarray | None], matters: Matters) -> None:
    if ends[0] is None:
        return  # suppositions contradict each other: what followed step by step is all there is
    reach = (np.full(len(part.cells), math.inf), np.full(len(part.cells), -math.inf))

    def witness(solution: np.ndarray) -> None:
        np.minimum(reach[0], solution, out=reach[0])
        np.maximum(reach[1], solution, out=reach[1])

    for end in ends:
        if end is not None:
            witness(end)
    for cell in part.targets:
        column = part.place[cell]
        for side, sign in enumerate((1.0, -1.0)):
            limit = part.low[column] if side == 0 else part.high[column]
            if abs(reach[side][column] - limit) <= _TOLERANCE:
                continue
            if not matters(cell, reach[0][column], reach[1][column]):
                break
            cost = np.zeros(len(part.cells))
            cost[column] = sign
            found = part.ask(cost)
            if found is None:  # without end
                continue
            solution, weights, edges = found
            witness(solution)
            value = _whole_value(part, cost, solution, cell, sign)
            _tighten(system, part, cell, side, value, weights, edges)
            part.refresh()


def _whole_value(part: _Part, cost: np.ndarray, solution: np.ndarray, cell: int, sign: float) -> float:
    """The bound, in whole numbers where the linear answer is not a solution in whole numbers."""
    value = float(solution[part.place[cell]])
    counted = solution[part.whole]
    if len(part.cells) <= _SMALL_PART and np.abs(counted - np.rint(counted)).max(initial=0.0) > _TOLERANCE:
        best = part.ask_whole(cost)
        if best is not None:
            value = sign * best
    return value


def _tighten(
    system: System, part: _Part, cell: int, side: int, value: float, weights: np.ndarray, edges: np.ndarray
) -> None:
    """Enter a bound with what it rests on: the relations and bounds that carry weight in the solution."""
    if system.whole[cell]:
        value = math.floor(value + _TOLERANCE) if side else math.ceil(value - _TOLERANCE)
    now = system.bounds[side][cell]
    if not (value < now - _TOLERANCE if side else value > now + _TOLERANCE):
        return
    carrying = [number for number, weight in zip(part.numbers, weights, strict=True) if abs(weight) > _TOLERANCE]
    rests = {
        (other, edge)
        for number in carrying
        for other, _ in system.relations[number]
        if other not in part.place
        for edge in (0, 1)
    }
    rests |= {
        (other, int(weight < 0))
        for other, weight in zip(part.cells, edges, strict=True)
        if abs(weight) > _TOLERANCE and other != cell
    }
    system.bounds[side][cell] = value
    system.why[side][cell] = Why(solved=tuple(sorted(rests)))
    system.follow(cell)
