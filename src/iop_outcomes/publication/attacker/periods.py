"""Stretches of time and releases after one another: periods that tile or overlap, and figures that were revised."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from itertools import pairwise

from iop_outcomes.publication.attacker.reading import Table
from iop_outcomes.publication.attacker.sketch import Sketch
from iop_outcomes.publication.attacker.system import Cell, Terms, Why

_FIELDS = {"events": "n", "base": "denominator", "people": "people", "missing": "n_missing"}
_FIGURE = ("definition", "estimand", "category", "by", "group", "at")

Span = tuple[int, int]


def link_periods(sketch: Sketch) -> None:
    """A count over a period is the sum over its parts: months and quarters, and windows that overlap.

    The parts are the stretches between all first and last days of a figure, so the difference of two rolling windows
    is told as well. Releases are read together where no figure was revised between them.
    """
    table = sketch.table
    spans = {row: span for row in range(len(table)) if (span := _span(table, row))}
    revised = _revised(table)
    scopes: dict[tuple[str, str], tuple[list[Terms], list[int]]] = {}
    for name in ("events", "base", "total"):
        lines: dict[tuple[object, ...], list[int]] = {}
        for row in sketch.field(name):
            if row in spans:
                release, *figure = table.key(row, *_FIGURE)
                lines.setdefault((release if figure[0] in revised else -1, *figure), []).append(row)
        for rows in lines.values():
            relations, made = _stretches(sketch, name, rows, spans)
            if relations:
                kept = scopes.setdefault((table.text["definition"][rows[0]], name), ([], []))
                kept[0].extend(relations)
                kept[1].extend(made)
    for relations, made in scopes.values():
        sketch.suppose(relations, made)


def compare_releases(sketch: Sketch) -> None:
    """The same figure in two releases: by how many it changed is a count of people."""
    table = sketch.table
    columns = (*_FIGURE, "period_start", "period_end")
    for name, column in _FIELDS.items():
        met: dict[tuple[object, ...], int] = {}
        for row in sketch.field(name):
            if not table.shown(column, row):
                continue
            figure = table.key(row, *columns)[1:]
            before = met.get(figure)
            if before is not None and table.release[before] != table.release[row]:
                change = abs(float(table.number[column][row] - table.number[column][before]))
                cell = sketch.system.cell(Cell("change", before, row, name))
                for side in (0, 1):
                    sketch.system.bounds[side][cell] = change
                    sketch.system.why[side][cell] = Why("releases", (before, row))
            met[figure] = row


def _stretches(sketch: Sketch, name: str, rows: list[int], spans: dict[int, Span]) -> tuple[list[Terms], list[int]]:
    """One cell a stretch and one relation a row; none where no two periods share a day."""
    different = sorted({spans[row] for row in rows})
    if len(different) == len(rows) and all(one[1] < two[0] for one, two in pairwise(different)):
        return [], []
    edges = sorted({edge for first, last in different for edge in (first, last + 1)})
    covered = [any(first <= start and end <= last + 1 for first, last in different) for start, end in pairwise(edges)]
    cells: dict[int, int] = {}
    made = []
    relations: list[Terms] = []
    cells_of = sketch.field(name)
    for row in sorted(rows, key=lambda row: spans[row][1] - spans[row][0]):
        first, last = bisect_left(edges, spans[row][0]), bisect_left(edges, spans[row][1] + 1)
        inside = [place for place in range(first, last) if covered[place]]
        if len(inside) == 1 and inside[0] not in cells:
            cells[inside[0]] = cells_of[row]
            continue
        for place in inside:
            if place not in cells:
                start, end = (date.fromordinal(day).isoformat() for day in (edges[place], edges[place + 1] - 1))
                words = f"{start} to {end}"
                whole = name != "total"
                kind = f"stretch of {name}" if whole else "nothing"
                cells[place] = sketch.system.cell(Cell(kind, row, words=words), whole)
                made.append(cells[place])
        parts = [cells[place] for place in inside]
        if parts != [cells_of[row]]:
            relations.append(((cells_of[row], 1.0), *((part, -1.0) for part in parts)))
    return relations, made


def _span(table: Table, row: int) -> Span | None:
    try:
        first, last = (date.fromisoformat(table.text[name][row]) for name in ("period_start", "period_end"))
    except ValueError:
        return None
    return (first.toordinal(), last.toordinal()) if first <= last else None


def _revised(table: Table) -> set[object]:
    """Definitions of which a printed count differs between two releases."""
    columns = (*_FIGURE, "period_start", "period_end")
    met: dict[tuple[object, ...], tuple[float, ...]] = {}
    found: set[object] = set()
    for row in range(len(table)):
        counts = tuple(float(table.number[name][row]) for name in ("n", "denominator"))
        if any(count == count for count in counts):
            figure = table.key(row, *columns)[1:]
            before = met.setdefault(figure, counts)
            if any(a != b for a, b in zip(before, counts, strict=True) if a == a and b == b):
                found.add(figure[0])
    return found
