"""The numbers a release is made of, printed or not: one cell for each count a row has or would have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.attacker.reading import COUNTED, CURVES, SUMMARISED, Table
from iop_outcomes.publication.attacker.system import Cell, System, Terms
from iop_outcomes.vocabulary import Status

Bins = Callable[[float], tuple[float, float]]

#: A row with one of these words holds no number that somebody hid.
_EMPTY = (Status.NOT_ESTIMABLE, Status.NOT_REACHED, Status.IMMATURE)
_POPULATION = ("by", "group", "period_start", "period_end")


def subject(category: str) -> str:
    """What a category speaks of: ``phq9`` in ``phq9/improved``; nothing where it is not divided."""
    return category.partition("/")[0] if "/" in category else ""


@dataclass
class Sketch:
    """The table, the system, and the cell of each count of each row: events, what they are counted among, people, missing
    records, and totals of sums; and the steps of curves. Rows that share a base share its cell."""

    table: Table
    system: System
    events: dict[int, int] = field(default_factory=dict)
    base: dict[int, int] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)
    missing: dict[int, int] = field(default_factory=dict)
    total: dict[int, int] = field(default_factory=dict)
    steps: dict[tuple[int, int], int] = field(default_factory=dict)

    def field(self, name: str) -> dict[int, int]:
        """The cells of one count, by row."""
        cells: dict[int, int] = getattr(self, name)
        return cells

    def suppose(self, relations: Sequence[Terms], made: Iterable[int] = ()) -> bool:
        """Suppose relations together; cells made for them alone are worth nothing when they do not hold."""
        if not relations:
            return False
        if self.system.suppose(relations):
            return True
        for cell in made:
            self.system.cells[cell] = Cell("nothing", self.system.cells[cell].row)
        return False

    def rest(self, kind: str, row: int, whole: int, parts: Sequence[int], other: int = -1, words: str = "") -> Terms:
        """What is left of a whole after its parts, as a new cell (the last of the terms)."""
        left = self.system.cell(Cell(kind, row, other, words))
        return ((whole, 1.0), *((part, -1.0) for part in parts), (left, -1.0))


def draw(table: Table, bins: Bins | None) -> Sketch:
    """Make the cells and enter what is printed; ``bins`` says what a printed count may have been rounded from."""
    sketch = Sketch(table, System())
    expected = _expected(table)
    for row in range(len(table)):
        estimand = table.text["estimand"][row]
        kind = (table.text["definition"][row], estimand)
        empty = table.text["status"][row] in _EMPTY and not table.shown("value", row)
        if empty or estimand not in (*COUNTED, *SUMMARISED):
            continue
        if estimand in COUNTED:
            _enter(sketch, "events", "n", row, bins)
        if estimand == "sum" and (table.withheld[row] or table.shown("value", row)):
            _enter(sketch, "total", "value", row, None)
        for name, column in (("people", "people"), ("missing", "n_missing")):
            if table.shown(column, row) or kind in expected[column]:
                _enter(sketch, name, column, row, bins)
    _bases(sketch, expected["denominator"], bins)
    return sketch


def population(table: Table, row: int) -> tuple[object, ...]:
    """Who a row speaks of: the group and the period, in its release."""
    return table.key(row, *_POPULATION)


def admitted(sketch: Sketch) -> dict[tuple[object, ...], int]:
    """The row that prints how many a group has: the widest base of its curves, which speak of everyone admitted."""
    found: dict[tuple[object, ...], int] = {}
    size = sketch.table.number["denominator"]
    for row in sketch.base:
        if sketch.table.text["estimand"][row] in CURVES and sketch.table.shown("denominator", row):
            place = population(sketch.table, row)
            if place not in found or size[row] > size[found[place]]:
                found[place] = row
    return found


def everyone(table: Table, row: int) -> bool:
    """Whether the row speaks of all people."""
    return table.text["by"][row] == ALL


def _expected(table: Table) -> dict[str, set[tuple[str, str]]]:
    """Definitions and estimands that print a column somewhere: where it is blank, somebody took it out."""
    found: dict[str, set[tuple[str, str]]] = {}
    kinds = list(zip(table.text["definition"], table.text["estimand"], strict=True))
    for column in ("denominator", "people", "n_missing"):
        found[column] = {kind for row, kind in enumerate(kinds) if table.shown(column, row)}
    always = (*(estimand for estimand in COUNTED if estimand != "count"), "mean")
    found["denominator"] |= {kind for kind in kinds if kind[1] in always}
    found["denominator"] |= {kind for row, kind in enumerate(kinds) if table.blanked(row) and kind[1] in SUMMARISED}
    return found


def _enter(sketch: Sketch, name: str, column: str, row: int, bins: Bins | None) -> None:
    cells = sketch.field(name)
    if row not in cells:
        cells[row] = sketch.system.cell(Cell(name, row), whole=name != "total")
    _print(sketch, cells[row], column, row, bins)


def _print(sketch: Sketch, cell: int, column: str, row: int, bins: Bins | None) -> None:
    if sketch.table.shown(column, row):
        value = float(sketch.table.number[column][row])
        low, high = bins(value) if bins else (value, value)
        sketch.system.show(cell, low, high, row)


def _bases(sketch: Sketch, expected: set[tuple[str, str]], bins: Bins | None) -> None:
    """Cells of what events are counted among: one for rows of the same people whose printed bases all agree."""
    table = sketch.table
    rows = [
        row
        for row in range(len(table))
        if table.text["estimand"][row] in (*COUNTED, *SUMMARISED)
        and (
            row in sketch.events or table.withheld[row] or table.shown("value", row) or table.shown("denominator", row)
        )
        and (
            table.shown("denominator", row) or (table.text["definition"][row], table.text["estimand"][row]) in expected
        )
    ]
    shared = _shared_bases(table, rows)
    first: dict[int, int] = {}
    for row in rows:
        place = shared[row]
        if place not in first:
            first[place] = sketch.system.cell(Cell("base", row))
        sketch.base[row] = first[place]
        _print(sketch, first[place], "denominator", row, bins)


def _shared_bases(table: Table, rows: list[int]) -> dict[int, int]:
    """For each row the first row it shares its base with, tried from the nearest rows outwards.

    Lengths (categories that are numbers) may each have a base of their own.
    """
    leader = {row: row for row in rows}
    printed = {row: {float(value)} if (value := table.number["denominator"][row]) >= 0 else set() for row in rows}

    def lead(row: int) -> int:
        while leader[row] != row:
            row = leader[row]
        return row

    counted = [row for row in rows if table.text["estimand"][row] in COUNTED]
    curves = [row for row in counted if table.text["estimand"][row] in CURVES]
    levels = (
        (counted, ("definition", *_POPULATION, "at"), True),
        (counted, ("definition", *_POPULATION, "at", "category"), False),
        (curves, ("definition", *_POPULATION), True),
        (curves, ("definition", *_POPULATION, "category"), False),
    )
    for members, columns, divided in levels:
        found: dict[tuple[object, ...], list[int]] = {}
        for row in members:
            category = table.text["category"][row]
            part = (category if category.isdigit() else subject(category)) if divided else ""
            found.setdefault((*table.key(row, *columns), part), []).append(row)
        for family in found.values():
            leaders = sorted({lead(row) for row in family})
            together = set.union(*(printed[one] for one in leaders))
            if len(together) == 1:
                for one in leaders[1:]:
                    leader[one] = leaders[0]
                printed[leaders[0]] = together
    return {row: lead(row) for row in rows}
