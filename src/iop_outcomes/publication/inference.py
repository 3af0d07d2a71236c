"""What a reader could work out: an exact attacker over everything a release shows.

The attacker knows every published number, every sum that links numbers (groups add to everyone, categories to their
base, a count and its complement, steps along a curve), and that no count is negative. For each protected cell a linear
programme gives the smallest and largest value that fits (rule D6 of docs/release.md). The cell of a table is safe when
that interval reaches from 1 or less to the policy's limit or more; a point or step of a curve, where neighbouring days always
bound each other, when it reaches the limit and is no narrower than 1 to the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

_TOLERANCE = 1e-6
#: More than any count; what an unbounded cell may take.
_MANY = 1e6


@dataclass(frozen=True, slots=True)
class Need:
    """How uncertain a protected cell must stay: the attacker's interval reaches ``ceiling``, and either goes down to
    ``floor`` or, where ``width`` is given, is at least that wide."""

    floor: float
    ceiling: float
    width: float = np.inf

    def met(self, low: float, high: float) -> bool:
        """Whether an interval is wide enough."""
        return self.reached(high) and self.deep(low, high)

    def reached(self, high: float) -> bool:
        """Whether an interval's upper end is far enough."""
        return high >= self.ceiling - _TOLERANCE

    def deep(self, low: float, high: float) -> bool:
        """Whether an interval's lower end is far enough, or the interval wide enough."""
        return low <= self.floor + _TOLERANCE or high - low >= self.width - _TOLERANCE


@dataclass
class System:
    """Cells (all ≥ 0) with their true values, the sums that link them, and which row of the release shows which cell.

    A relation is a tuple of ``(cell, coefficient)`` whose weighted sum is zero. ``needs`` gives, for a protected cell,
    the interval the attacker must not be able to beat. ``bin`` says which true values a shown number stands for: only
    itself, unless the policy rounds.
    """

    values: list[float] = field(default_factory=list)
    relations: list[tuple[tuple[int, float], ...]] = field(default_factory=list)
    shows: dict[int, set[int]] = field(default_factory=dict)
    needs: dict[int, Need] = field(default_factory=dict)
    #: Points and steps of curves, which their neighbours always bound.
    on_curve: set[int] = field(default_factory=set)
    bin: Callable[[float], tuple[float, float]] = lambda value: (value, value)

    def cell(self, value: float) -> int:
        """A new cell."""
        self.values.append(float(value))
        return len(self.values) - 1

    def show(self, row: int, cell: int) -> None:
        """Say that releasing a row shows a cell."""
        self.shows.setdefault(row, set()).add(cell)

    def relate(self, terms: Iterable[tuple[int, float]]) -> None:
        """Add a relation; the true values must satisfy it."""
        relation = tuple(terms)
        total = sum(self.values[cell] * weight for cell, weight in relation)
        if abs(total) > 1e-6 * max(1.0, *(abs(self.values[cell]) for cell, _ in relation)):
            raise ValueError("a relation does not hold between the true values")
        self.relations.append(relation)

    def adds(self, whole: Iterable[int], parts: Iterable[int]) -> bool:
        """Whether the true values of some cells add to those of others."""
        total = sum(self.values[cell] for cell in whole)
        return abs(sum(self.values[cell] for cell in parts) - total) <= 1e-6 * max(1.0, abs(total))

    def balance(self, whole: Sequence[int], parts: Sequence[int]) -> bool:
        """Link cells with others that they equal in sum, where they do; whether they do."""
        if not parts or not self.adds(whole, parts):
            return False
        if not set(whole) & set(parts):
            self.relate([*((cell, 1.0) for cell in whole), *((cell, -1.0) for cell in parts)])
        return True

    def leave(self, whole: Sequence[int], parts: Sequence[int]) -> int | None:
        """A cell for what is left of a whole after its parts, linked with both; none when the parts exceed it."""
        left = sum(self.values[cell] for cell in whole) - sum(self.values[cell] for cell in parts)
        if left < -1e-9:
            return None
        cell = self.cell(max(left, 0.0))
        if self.on_curve.issuperset(parts):
            self.on_curve.add(cell)
        self.relate([*((w, 1.0) for w in whole), *((p, -1.0) for p in parts), (cell, -1.0)])
        return cell

    def part(self, whole: int, parts: Sequence[int]) -> bool:
        """Link parts to their whole, with what is left over where they do not exhaust it; whether they fit at all."""
        return self.balance([whole], parts) or self.leave([whole], parts) is not None

    def step(self, cells: Sequence[int]) -> None:
        """Cells that only rise or only fall along a line: the differences of neighbours are counts of people."""
        for one, two in pairwise(cells):
            larger, smaller = (one, two) if self.values[one] >= self.values[two] else (two, one)
            self.leave([larger], [smaller])

    def split(self) -> Iterator[System]:
        """Parts that have nothing to do with each other: no relation and no row holds cells of two of them."""
        chief = list(range(len(self.values)))

        def find(cell: int) -> int:
            while chief[cell] != cell:
                chief[cell] = chief[chief[cell]]
                cell = chief[cell]
            return cell

        for together in (*([cell for cell, _ in relation] for relation in self.relations), *self.shows.values()):
            first, *others = together
            for other in others:
                chief[find(other)] = find(first)
        parts: dict[int, System] = {}
        for cell in range(len(self.values)):
            parts.setdefault(find(cell), System(self.values, bin=self.bin, on_curve=self.on_curve))
        for relation in self.relations:
            parts[find(relation[0][0])].relations.append(relation)
        for row, cells in self.shows.items():
            parts[find(min(cells))].shows[row] = cells
        for cell, need in self.needs.items():
            parts[find(cell)].needs[cell] = need
        yield from parts.values()

    def shown_by(self, hidden: np.ndarray) -> set[int]:
        """The cells that a reader sees while some rows are hidden."""
        return {cell for row, cells in self.shows.items() if not hidden[row] for cell in cells}


class Attacker:
    """What can be worked out of a system, whichever of its cells are shown; answers are kept for the next question."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.touching: dict[int, list[int]] = {}
        for number, relation in enumerate(system.relations):
            for cell, _ in relation:
                self.touching.setdefault(cell, []).append(number)
        self._checked: dict[tuple[object, ...], list[int]] = {}
        self._kept: tuple[list[int], frozenset[int], _Problem] | None = None

    def find_unsafe(self, shown: set[int]) -> list[int]:
        """The protected cells whose value a reader can bound tighter than the policy allows, in order."""
        needs = self.system.needs
        known = self._propagate(shown)
        unsafe = [cell for cell in needs if cell in known]
        for component in self._components(known):
            targets = [cell for cell in component if cell in needs]
            if not targets:
                continue
            around = sorted({number for cell in component for number in self.touching.get(cell, ())})
            signature = (*component, -1, *around, -1, *(cell for cell in component if cell in shown))
            if signature not in self._checked:
                self._checked[signature] = self._bounded_too_tightly(component, targets, shown)
            unsafe.extend(self._checked[signature])
        return sorted(unsafe)

    def bounds(self, shown: set[int], cell: int) -> tuple[float, float]:
        """The smallest and largest value of a cell that fit everything shown."""
        known = self._propagate(shown)
        if cell in known:
            return self.system.values[cell], self.system.values[cell]
        for component in self._components(known):
            if cell in component:
                problem, at = self._problem(component, shown), component.index(cell)
                return float(problem.solve({at: 1.0})[at]), float(problem.solve({at: -1.0})[at])
        return self.system.bin(self.system.values[cell]) if cell in shown else (0.0, np.inf)

    def give_away(self, shown: set[int], cell: int) -> list[frozenset[int]]:
        """The shown cells that together bound a cell too tightly: while all of a set stay shown, it is not safe.

        One set for the upper end, one for the lower; where a width would do, the two together. They are read from the
        dual of the linear programme: a shown number with a price is one the bound rests on.
        """
        if cell in shown:
            return [frozenset({cell})]
        block = self._block(cell)
        problem, at = self._whole(block, shown), block.index(cell)
        need = self.system.needs[cell]
        low, below = problem.rests_on({at: 1.0})
        high, above = problem.rests_on({at: -1.0})
        sets = []
        if not need.reached(high):
            sets.append({block[place] for place in above})
        if not need.deep(low, high):
            sets.append({block[place] for place in (below if np.isinf(need.width) else below | above)})
        return [frozenset(cells & shown) for cells in sets]

    def _whole(self, block: list[int], shown: set[int]) -> _Problem:
        """The linear programme of a whole block; kept, for the next cell asked about is often of the same block."""
        seen = frozenset(shown.intersection(block))
        if self._kept is None or self._kept[:2] != (block, seen):
            self._kept = block, seen, self._problem(block, shown, fixed=True)
        return self._kept[2]

    def _exact(self, shown: set[int]) -> set[int]:
        values, spread = self.system.values, self.system.bin
        return {cell for cell in shown if np.ptp(spread(values[cell])) == 0}

    def _propagate(self, shown: set[int]) -> set[int]:
        """Everything that follows by plain subtraction: a relation with one unknown gives it away."""
        known, relations = self._exact(shown), self.system.relations
        unknown = [sum(cell not in known for cell, _ in relation) for relation in relations]
        queue = [number for number, count in enumerate(unknown) if count == 1]
        while queue:
            found = [cell for cell, _ in relations[queue.pop()] if cell not in known]
            if len(found) != 1:
                continue
            known.add(found[0])
            for other in self.touching[found[0]]:
                unknown[other] -= 1
                if unknown[other] == 1:
                    queue.append(other)
        return known

    def _components(self, known: set[int]) -> list[list[int]]:
        """Unknown cells that hang together through relations."""
        seen = set(known)
        return [self._reach(start, seen) for start in self.touching if start not in seen]

    def _block(self, cell: int) -> list[int]:
        """All cells that hang together with one, known or not."""
        return self._blocks.get(cell, [cell])

    @cached_property
    def _blocks(self) -> dict[int, list[int]]:
        return {cell: block for block in self._components(set()) for cell in block}

    def _reach(self, start: int, seen: set[int]) -> list[int]:
        """The cells not seen yet that hang together with one; they are seen afterwards."""
        seen.add(start)
        part, queue = [], [start]
        while queue:
            cell = queue.pop()
            part.append(cell)
            for number in self.touching.get(cell, ()):
                for other, _ in self.system.relations[number]:
                    if other not in seen:
                        seen.add(other)
                        queue.append(other)
        return sorted(part)

    def _problem(self, component: list[int], shown: set[int], *, fixed: bool = False) -> _Problem:
        """The linear programme of some cells; ``fixed`` where shown cells are among them though they are exactly known."""
        values, spread = self.system.values, self.system.bin
        limits = {at: spread(values[cell]) for at, cell in enumerate(component) if cell in shown}
        numbers = sorted({number for cell in component for number in self.touching.get(cell, ())})
        return _Problem(self.system, component, numbers, limits if fixed or limits else {})

    def _bounded_too_tightly(self, component: list[int], targets: list[int], shown: set[int]) -> list[int]:
        """Targets of one component that are not safe. Every solution found is a witness for all cells at once, so few
        programmes settle most cells; what they leave open is asked one by one."""
        needs = self.system.needs
        problem = self._problem(component, shown)
        place = {cell: component.index(cell) for cell in targets}
        truth = np.array([self.system.values[cell] for cell in component])
        low, high = truth.copy(), truth.copy()

        def look(objective: Mapping[int, float], edges: Mapping[int, tuple[float, float]] | None = None) -> None:
            answer = problem.solve(objective, edges)
            np.fmin(low, answer, out=low)
            np.fmax(high, answer, out=high)

        for sign in (1.0, -1.0):
            left = targets
            while left:
                edges = {place[cell]: _edge(needs[cell], truth[place[cell]], sign) for cell in left}
                look({place[cell]: sign for cell in left}, edges)
                reached = low if sign > 0 else high
                still = [cell for cell in left if sign * (reached[place[cell]] - _goal(needs[cell], sign)) > _TOLERANCE]
                if len(still) == len(left):
                    break
                left = still
        unsafe = []
        for cell in targets:
            at, need = place[cell], needs[cell]
            if not need.met(low[at], high[at]):
                look({at: 1.0})
                look({at: -1.0})
            if not need.met(low[at], high[at]):
                unsafe.append(cell)
        return unsafe


class _Problem:
    """The linear programme of some cells, all ≥ 0, under their relations; other cells stand at their true values."""

    def __init__(
        self, system: System, cells: list[int], numbers: list[int], limits: Mapping[int, tuple[float, float]]
    ) -> None:
        from scipy.sparse import csr_matrix

        place = {cell: index for index, cell in enumerate(cells)}
        rows, columns, weights, right = [], [], [], []
        for line, number in enumerate(numbers):
            total = 0.0
            for cell, weight in system.relations[number]:
                if cell in place:
                    rows.append(line)
                    columns.append(place[cell])
                    weights.append(weight)
                else:
                    total -= weight * system.values[cell]
            right.append(total)
        self.size = len(cells)
        self.matrix = csr_matrix((weights, (rows, columns)), shape=(len(right), self.size))
        self.right = np.array(right)
        most = max(_MANY, 10 * float(np.abs(self.right).sum()), *(10 * high for _, high in limits.values()))
        self.limits = np.tile([0.0, most], (self.size, 1))
        for index, pair in limits.items():
            self.limits[index] = pair
        self._narrowed = False

    def solve(
        self, objective: Mapping[int, float], edges: Mapping[int, tuple[float, float]] | None = None
    ) -> np.ndarray:
        """The values that make the objective smallest; no answer (numerically infeasible) is ``nan``: fail closed."""
        answer = self._run(objective, edges)
        return np.full(self.size, np.nan) if answer is None else np.array(answer.col_value)

    def rests_on(self, objective: Mapping[int, float]) -> tuple[float, set[int]]:
        """The extreme value of one cell and the cells whose limits hold it there."""
        answer = self._run(objective)
        (at,) = objective
        if answer is None:
            return np.nan, set(range(self.size))
        price = np.abs(np.array(answer.col_dual))
        return float(answer.col_value[at]), set(np.flatnonzero(price > _TOLERANCE).tolist())

    def _run(self, objective: Mapping[int, float], edges: Mapping[int, tuple[float, float]] | None = None) -> Any:
        """The solver's answer; it starts from the last one, which a change of objective leaves possible."""
        from highspy import HighsModelStatus

        solver, places = self._solver, np.arange(self.size, dtype=np.int32)
        costs = np.zeros(self.size)
        costs[list(objective)] = list(objective.values())
        solver.changeColsCost(self.size, places, costs)
        limits = self.limits
        if edges:
            limits = limits.copy()
            for index, (floor, ceiling) in edges.items():
                limits[index] = max(floor, limits[index, 0]), min(ceiling, limits[index, 1])
        if edges or self._narrowed:
            solver.changeColsBounds(self.size, places, limits[:, 0].copy(), limits[:, 1].copy())
        self._narrowed = bool(edges)
        solver.run()
        return solver.getSolution() if solver.getModelStatus() == HighsModelStatus.kOptimal else None

    @cached_property
    def _solver(self) -> Any:
        import highspy

        columns = self.matrix.tocsc()
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.size, len(self.right)
        model.col_cost_ = np.zeros(self.size)
        model.col_lower_, model.col_upper_ = self.limits[:, 0].copy(), self.limits[:, 1].copy()
        model.row_lower_ = model.row_upper_ = self.right
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = columns.indptr, columns.indices
        model.a_matrix_.value_ = columns.data
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.passModel(model)
        return solver


def _goal(need: Need, sign: float) -> float:
    return need.floor if sign > 0 else need.ceiling


def _edge(need: Need, truth: float, sign: float) -> tuple[float, float]:
    """Bounds that stop one cell from taking all the slack: no further than its goal."""
    return (min(need.floor, truth), np.inf) if sign > 0 else (0.0, max(need.ceiling, truth))
