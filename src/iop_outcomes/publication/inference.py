"""What a reader could work out: an exact attacker over everything a release shows, and the cure.

The attacker knows every published number, every sum that links numbers (groups add to everyone, categories to their
base, a count and its complement, steps along a curve), and that no count is negative. For each protected cell a linear
programme gives the smallest and largest value that fits (disclosure rule D6). The cell of a table is safe when that
interval reaches from 1 or less to the policy's limit or more; a point or step of a curve, where neighbouring days always
bound each other, when it reaches the limit and is no narrower than 1 to the limit. While a cell is not safe, one more
row is withheld: the smallest that shows a number linked to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import LINKED, Sheet

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Need:
    """How uncertain a protected cell must stay: the attacker's interval reaches ``ceiling``, and either goes down to
    ``floor`` or, where ``width`` is given, is at least that wide."""

    floor: float
    ceiling: float
    width: float = np.inf

    def met(self, low: float, high: float) -> bool:
        """Whether an interval is wide enough."""
        if high < self.ceiling - _TOLERANCE:
            return False
        return low <= self.floor + _TOLERANCE or high - low >= self.width - _TOLERANCE


@dataclass
class System:
    """Cells (all ≥ 0) with their true values, the sums that link them, and which row of the release shows which cell.

    A relation is a tuple of ``(cell, coefficient)`` whose weighted sum is zero. ``needs`` gives, for a protected cell,
    the interval the attacker must not be able to beat.
    """

    values: list[float] = field(default_factory=list)
    relations: list[tuple[tuple[int, float], ...]] = field(default_factory=list)
    shows: dict[int, set[int]] = field(default_factory=dict)
    #: The cell a row is about: withholding the row takes it away, where a base stays in the rows beside it.
    own: dict[int, int] = field(default_factory=dict)
    needs: dict[int, Need] = field(default_factory=dict)

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


def protect(system: System, sheet: Sheet, policy: Policy) -> None:
    """Withhold further rows until no protected cell of the system can be pinned."""
    touching: dict[int, list[int]] = {}
    for number, relation in enumerate(system.relations):
        for cell, _ in relation:
            touching.setdefault(cell, []).append(number)
    showing: dict[int, list[int]] = {}
    same = _same_numbers(system)
    for row, cells in system.shows.items():
        for cell in {other for shown in cells for other in same.get(shown, (shown,))}:
            showing.setdefault(cell, []).append(row)
    checked: dict[tuple[object, ...], list[int]] = {}
    while True:
        unsafe = find_unsafe(system, _shown_cells(system, sheet), touching, checked)
        if not unsafe:
            return
        progress = _withhold_more(system, sheet, unsafe, touching, showing)
        if not progress:
            return


def _same_numbers(system: System) -> dict[int, set[int]]:
    """Cells that a relation of two says are the same number: whoever sees one sees all of them."""
    same: dict[int, set[int]] = {}
    for relation in system.relations:
        if len(relation) == 2 and relation[0][1] == -relation[1][1]:
            one, two = (same.get(cell, {cell}) for cell, _ in relation)
            for cell in (both := one | two):
                same[cell] = both
    return same


def find_unsafe(
    system: System,
    shown: set[int],
    touching: dict[int, list[int]] | None = None,
    checked: dict[tuple[object, ...], list[int]] | None = None,
) -> list[int]:
    """The protected cells whose value a reader can bound tighter than the policy allows, in order."""
    if touching is None:
        touching = {}
        for number, relation in enumerate(system.relations):
            for cell, _ in relation:
                touching.setdefault(cell, []).append(number)
    known = _propagate(system, shown, touching)
    unsafe = [cell for cell in system.needs if cell in known]
    for component in _components(system, known, touching):
        targets = [cell for cell in component if cell in system.needs]
        if not targets:
            continue
        signature = (*component, -1, *sorted({r for c in component for r in touching.get(c, ())}))
        if checked is not None and signature in checked:
            unsafe.extend(checked[signature])
            continue
        found = _bounded_too_tightly(system, component, targets, touching)
        if checked is not None:
            checked[signature] = found
        unsafe.extend(found)
    return sorted(unsafe)


def bounds(system: System, shown: set[int], cell: int) -> tuple[float, float]:
    """The smallest and largest value of a cell that fit everything shown."""
    touching: dict[int, list[int]] = {}
    for number, relation in enumerate(system.relations):
        for each, _ in relation:
            touching.setdefault(each, []).append(number)
    known = _propagate(system, shown, touching)
    if cell in known:
        return system.values[cell], system.values[cell]
    for component in _components(system, known, touching):
        if cell in component:
            problem = _Problem(system, component, touching)
            at = component.index(cell)
            return float(problem.solve({at: 1.0})[at]), float(problem.solve({at: -1.0})[at])
    return 0.0, np.inf


def _shown_cells(system: System, sheet: Sheet) -> set[int]:
    return {cell for row, cells in system.shows.items() if not sheet.hidden[row] for cell in cells}


def _propagate(system: System, shown: set[int], touching: dict[int, list[int]]) -> set[int]:
    """Everything that follows by plain subtraction: a relation with one unknown gives it away."""
    known = set(shown)
    unknown = [sum(cell not in known for cell, _ in relation) for relation in system.relations]
    queue = [number for number, count in enumerate(unknown) if count == 1]
    while queue:
        number = queue.pop()
        found = [cell for cell, _ in system.relations[number] if cell not in known]
        if len(found) != 1:
            continue
        known.add(found[0])
        for other in touching[found[0]]:
            unknown[other] -= 1
            if unknown[other] == 1:
                queue.append(other)
    return known


def _components(system: System, known: set[int], touching: dict[int, list[int]]) -> list[list[int]]:
    """Unknown cells that hang together through relations."""
    seen: set[int] = set()
    parts = []
    for start in touching:
        if start in known or start in seen:
            continue
        seen.add(start)
        part, queue = [], [start]
        while queue:
            cell = queue.pop()
            part.append(cell)
            for number in touching[cell]:
                for other, _ in system.relations[number]:
                    if other not in known and other not in seen:
                        seen.add(other)
                        queue.append(other)
        parts.append(sorted(part))
    return parts


class _Problem:
    """The linear programme of one component: its unknown cells, all ≥ 0, under its relations."""

    def __init__(self, system: System, component: list[int], touching: dict[int, list[int]]) -> None:
        from scipy.sparse import csr_matrix

        place = {cell: index for index, cell in enumerate(component)}
        rows, columns, weights, right = [], [], [], []
        for line, number in enumerate(sorted({r for cell in component for r in touching[cell]})):
            total = 0.0
            for cell, weight in system.relations[number]:
                if cell in place:
                    rows.append(line)
                    columns.append(place[cell])
                    weights.append(weight)
                else:
                    total -= weight * system.values[cell]
            right.append(total)
        self.size = len(component)
        self.matrix = csr_matrix((weights, (rows, columns)), shape=(len(right), self.size))
        self.right = np.array(right)

    def solve(self, objective: dict[int, float], bounds: dict[int, tuple[float, float]] | None = None) -> np.ndarray:
        """The values that make the objective smallest; unbounded cells come back infinite."""
        from scipy.optimize import linprog

        costs = np.zeros(self.size)
        for index, weight in objective.items():
            costs[index] = weight
        limits = np.tile([0.0, max(1e6, 10 * float(np.abs(self.right).sum()))], (self.size, 1))
        for index, (floor, ceiling) in (bounds or {}).items():
            limits[index] = max(floor, 0.0), min(ceiling, limits[index, 1])
        answer = linprog(costs, A_eq=self.matrix, b_eq=self.right, bounds=limits, method="highs")
        if answer.x is None:  # numerically infeasible: fail closed by returning a single point
            return np.full(self.size, np.nan)
        return np.asarray(answer.x)


def _bounded_too_tightly(
    system: System, component: list[int], targets: list[int], touching: dict[int, list[int]]
) -> list[int]:
    """Targets of one component that are not safe. Every solution found is a witness for all cells at once, so few
    programmes settle most cells; what they leave open is asked one by one."""
    problem = _Problem(system, component, touching)
    place = {cell: component.index(cell) for cell in targets}
    truth = np.array([system.values[cell] for cell in component])
    low, high = truth.copy(), truth.copy()

    def look(objective: dict[int, float], bounds: dict[int, tuple[float, float]] | None = None) -> None:
        answer = problem.solve(objective, bounds)
        np.fmin(low, answer, out=low)
        np.fmax(high, answer, out=high)

    for sign in (1.0, -1.0):
        left = targets
        while left:
            edges = {place[cell]: _edge(system.needs[cell], truth[place[cell]], sign) for cell in left}
            look({place[cell]: sign for cell in left}, edges)
            reached = low if sign > 0 else high
            still = [
                cell for cell in left if sign * (reached[place[cell]] - _goal(system.needs[cell], sign)) > _TOLERANCE
            ]
            if len(still) == len(left):
                break
            left = still
    unsafe = []
    for cell in targets:
        at, need = place[cell], system.needs[cell]
        if not need.met(low[at], high[at]):
            look({at: 1.0})
            look({at: -1.0})
        if not need.met(low[at], high[at]):
            unsafe.append(cell)
    return unsafe


def _goal(need: Need, sign: float) -> float:
    return need.floor if sign > 0 else need.ceiling


def _edge(need: Need, truth: float, sign: float) -> tuple[float, float]:
    """Bounds that stop one cell from taking all the slack: no further than its goal."""
    return (min(need.floor, truth), np.inf) if sign > 0 else (0.0, max(need.ceiling, truth))


def _withhold_more(
    system: System, sheet: Sheet, unsafe: list[int], touching: dict[int, list[int]], showing: dict[int, list[int]]
) -> bool:
    """For each unsafe cell withhold the smallest row nearby; cells near a row just withheld wait for the next look."""
    counts = sheet.column("n")
    everyone = (sheet.frame["by"] == "all").to_numpy()
    fresh: set[int] = set()

    def visible(cell: int) -> list[int]:
        return [row for row in showing.get(cell, ()) if not sheet.hidden[row]]

    def loss(rows: Iterable[int]) -> tuple[object, ...]:
        """Fewest rows first, then those of groups before those of everyone, then the smallest counts."""
        ranked = sorted((bool(everyone[row]), float(np.nan_to_num(counts[row], nan=np.inf)), row) for row in rows)
        return len(ranked), ranked[-1][0], ranked

    for cell in unsafe:
        told = [[other for other, _ in system.relations[number] if other != cell] for number in touching.get(cell, ())]
        told = [others for others in told if others and all(visible(other) for other in others)]
        if told:  # one sum gives the cell away: its cheapest part goes, with every row that shows it
            chosen = min((visible(other) for other in told[0]), key=loss)
        else:
            chosen = _nearest(system, sheet, cell, touching, showing, fresh, loss)
        if chosen and not fresh.intersection(chosen):
            sheet.hide(np.array(chosen), LINKED)
            fresh.update(chosen)
    return bool(fresh)


def _nearest(
    system: System,
    sheet: Sheet,
    cell: int,
    touching: dict[int, list[int]],
    showing: dict[int, list[int]],
    fresh: set[int],
    loss: Callable[[Iterable[int]], tuple[object, ...]],
) -> list[int]:
    """The cheapest row near a cell: rows about a cell nearby first, then rows that show one as their base."""
    for whole in (False, True):
        reach, frontier = {cell}, {cell}
        rows: set[int] = set()
        while frontier and not rows:
            near = {row for each in reach for row in showing.get(each, ())}
            rows = {row for row in near if whole or system.own.get(row) in reach}
            rows = {row for row in rows if not sheet.hidden[row] or row in fresh}
            frontier = {
                other for each in frontier for r in touching.get(each, ()) for other, _ in system.relations[r]
            } - reach
            reach |= frontier
        if rows:
            return sorted(rows & fresh)[:1] or [min(rows, key=lambda row: loss([row]))]
    return []
