"""How the numbers of one release hang together: what a reader supposes from the table itself.

Names of rows are visible even where their numbers are not, so a reader sees which groups make up everyone, which
categories share a base, and which days follow each other. A supposition is kept for a definition as a whole, and only
where nothing printed speaks against it.
"""

from __future__ import annotations

from itertools import pairwise

from iop_outcomes.estimates import ALL, REST
from iop_outcomes.publication.attacker.meanings import FALLING
from iop_outcomes.publication.attacker.reading import COUNTED, CURVES
from iop_outcomes.publication.attacker.sketch import Sketch, everyone, population, subject
from iop_outcomes.publication.attacker.system import Cell, Terms

#: Columns whose groups hold one another and do not make up everyone together.
_NESTED_GROUPS = ("rung", "episodes", "exit_rule")
#: A category that is the sum of the others.
_TOTALS = ("all", "total")
_PERIOD = ("period_start", "period_end")
#: What the rows of different groups share.
_LINE = ("definition", "estimand", "category", "at", *_PERIOD)


def link(sketch: Sketch) -> None:
    """Suppose everything a reader may suppose about the rows of one release."""
    _complements(sketch)
    _groups(sketch)
    _overlaps(sketch)
    _categories(sketch)
    _totals(sketch)
    _days(sketch)
    _lengths(sketch)
    _contrasts(sketch)
    _attrition(sketch)
    _missing(sketch)


def _complements(sketch: Sketch) -> None:
    """Those who are not counted among the events."""
    for row, cell in sketch.events.items():
        if row in sketch.base:
            terms = sketch.rest("left", row, sketch.base[row], [cell])
            sketch.suppose([terms], [terms[-1][0]])


def _groups(sketch: Sketch) -> None:
    """The groups of one column make up everyone: their events, bases, missing records and totals add.

    Bases add for all columns of a definition or for none; where none does, every group is a share of everyone.
    """
    table = sketch.table
    families = table.families(range(len(table)), *_LINE)
    for name in ("base", "events", "missing", "total"):
        cells = sketch.field(name)
        scopes: dict[tuple[str, ...], list[Terms]] = {}
        for rows in families.values():
            for row in (row for row in rows if everyone(table, row) and row in cells):
                for by in sorted({table.text["by"][other] for other in rows} - {ALL, *_NESTED_GROUPS}):
                    parts = [other for other in rows if table.text["by"][other] == by]
                    if len(parts) > 1 and all(part in cells for part in parts):
                        terms = ((cells[row], 1.0), *((cells[part], -1.0) for part in parts))
                        scope = (table.text["definition"][row], *(() if name == "base" else (by,)))
                        scopes.setdefault(scope, []).append(terms)
        for found in scopes.values():
            relations = list(dict.fromkeys(found))
            if name != "base":
                sketch.suppose(relations)
            elif _counts_people(sketch, relations):
                continue
            elif _one_is_all(sketch, relations) or not sketch.suppose(relations):
                sketch.suppose([((terms[0][0], 1.0), part) for terms in relations for part in terms[1:]])


def _one_is_all(sketch: Sketch, relations: list[Terms]) -> bool:
    """Whether a group is printed with the base of everyone while others are named: nobody would be in those."""
    bounds, known = sketch.system.bounds[0], sketch.system.known
    return any(
        known(terms[0][0]) and any(known(cell) and bounds[cell] == bounds[terms[0][0]] > 0 for cell, _ in terms[1:])
        for terms in relations
    )


def _counts_people(sketch: Sketch, relations: list[Terms]) -> bool:
    """Whether bases of summaries are of people, who may be in two groups: so they are where no complete set adds up."""
    table, system = sketch.table, sketch.system
    row = system.cells[relations[0][0][0]].row
    if table.text["estimand"][row] in COUNTED:
        return False
    lows = system.bounds[0]
    complete = [terms for terms in relations if all(system.known(cell) for cell, _ in terms)]
    return not any(abs(sum(lows[cell] * weight for cell, weight in terms)) < 0.5 for terms in complete)


def _overlaps(sketch: Sketch) -> None:
    """Different people: those of several groups at once, and episodes beyond the first of a person."""
    table = sketch.table
    families = table.families(sketch.people, *_LINE)
    for rows in families.values():
        for row in (row for row in rows if everyone(table, row)):
            for by in sorted({table.text["by"][other] for other in rows} - {ALL, *_NESTED_GROUPS}):
                parts = [other for other in rows if table.text["by"][other] == by]
                if len(parts) > 1:
                    terms = sketch.rest("overlap", row, sketch.people[parts[0]], [], words=by)
                    more = (*((sketch.people[part], 1.0) for part in parts[1:]), (sketch.people[row], -1.0))
                    sketch.suppose([(*terms[:1], *more, terms[-1])], [terms[-1][0]])
    whole = {row: sketch.base[row] for row in sketch.people if row in sketch.base}
    sizes = _whole_sizes(sketch)
    whole.update(
        {row: cell for row, cell in sketch.events.items() if row in sketch.people and _is_size(sketch, row, sizes)}
    )
    scopes: dict[tuple[object, ...], list[int]] = {}
    for row in whole:
        scopes.setdefault(table.key(row, "definition", "estimand"), []).append(row)
    for rows in scopes.values():
        relations = [sketch.rest("repeat", row, whole[row], [sketch.people[row]]) for row in rows]
        sketch.suppose(relations, [terms[-1][0] for terms in relations])
    for rows in table.families(sketch.events, "definition", "estimand", "by", "group", "at", *_PERIOD).values():
        named = {table.text["category"][row]: row for row in rows}
        if {"episodes", "people"} <= set(named):
            terms = sketch.rest(
                "repeat", named["episodes"], sketch.events[named["episodes"]], [sketch.events[named["people"]]]
            )
            sketch.suppose([terms], [terms[-1][0]])


def _is_size(sketch: Sketch, row: int, sizes: dict[tuple[object, ...], set[float]]) -> bool:
    """Whether the events of a row are the size of its group: a plain count, or a group's share of everyone."""
    if row not in sketch.base:
        return True
    table = sketch.table
    if everyone(table, row) or table.text["estimand"][row] != "proportion":
        return False
    whole = table.number["denominator"][row]
    return whole in sizes.get(table.key(row, *_LINE), ())


def _whole_sizes(sketch: Sketch) -> dict[tuple[object, ...], set[float]]:
    """Where a row of everyone counts all of its base: the size of everyone."""
    table = sketch.table
    sizes: dict[tuple[object, ...], set[float]] = {}
    for row in sketch.events:
        if everyone(table, row) and table.number["n"][row] == table.number["denominator"][row]:
            sizes.setdefault(table.key(row, *_LINE), set()).add(table.number["n"][row])
    return sizes


def _categories(sketch: Sketch) -> None:
    """Categories of one base exclude each other; where a complete set of them fills its base, every set does."""
    table = sketch.table
    rows = [
        row
        for row in sketch.events
        if row in sketch.base and _is_part(table.text["category"][row]) and table.text["category"][row]
    ]
    scopes: dict[tuple[str, str], list[list[int]]] = {}
    families: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        part = subject(table.text["category"][row])
        families.setdefault((*table.key(row, "definition", "by", "group", "at", *_PERIOD), part), []).append(row)
    for members in families.values():
        if len(members) > 1 and len({sketch.base[row] for row in members}) == 1:
            part = subject(table.text["category"][members[0]])
            scopes.setdefault((table.text["definition"][members[0]], part), []).append(members)
    for found in scopes.values():
        _suppose_categories(sketch, found)


def _suppose_categories(sketch: Sketch, families: list[list[int]]) -> None:
    system = sketch.system
    sums = []
    for members in families:
        cells = [sketch.events[row] for row in members]
        base = sketch.base[members[0]]
        if all(system.known(cell) for cell in (*cells, base)):
            sums.append(system.bounds[0][base] - sum(system.bounds[0][cell] for cell in cells))
    full = [((sketch.base[m[0]], 1.0), *((sketch.events[row], -1.0) for row in m)) for m in families]
    if sums and max(map(abs, sums)) < 0.5 and sketch.suppose(full):
        return
    if not sums or min(sums) > -0.5:
        relations = [
            sketch.rest("rest", members[0], sketch.base[members[0]], [sketch.events[row] for row in members])
            for members in families
        ]
        sketch.suppose(relations, [terms[-1][0] for terms in relations])


def _is_part(category: str) -> bool:
    return category not in _TOTALS and not category.isdigit() and not category.startswith("any_")


def _totals(sketch: Sketch) -> None:
    """A category that is the sum of the others, of events and of totals."""
    table = sketch.table
    for cells in (sketch.events, sketch.total):
        scopes: dict[str, list[Terms]] = {}
        for rows in table.families(cells, "definition", "estimand", "by", "group", "at", *_PERIOD).values():
            totals = [row for row in rows if table.text["category"][row] in _TOTALS]
            parts = [cells[row] for row in rows if row not in totals]
            if len(totals) == 1 and len(parts) > 1:
                terms = ((cells[totals[0]], 1.0), *((part, -1.0) for part in parts))
                scopes.setdefault(table.text["definition"][totals[0]], []).append(terms)
        for relations in scopes.values():
            sketch.suppose(relations)


def _days(sketch: Sketch) -> None:
    """Along a curve nobody comes back: the change from one day to the next is a count of people."""
    table = sketch.table
    rows = [
        row
        for row in sketch.events
        if table.shown("at", row)
        and (table.text["estimand"][row] in CURVES or table.text["category"][row] == "at_risk")
    ]
    scopes: dict[tuple[str, str], list[Terms]] = {}
    for members in table.families(rows, "definition", "estimand", "category", "by", "group", *_PERIOD).values():
        estimand = table.text["estimand"][members[0]]
        rising = estimand == "cumulative_incidence" and table.name[members[0]] not in FALLING
        ordered = sorted(members, key=lambda row: table.number["at"][row])
        for early, late in _neighbours(sketch, ordered):
            more, fewer = (late, early) if rising else (early, late)
            terms = sketch.rest("step", early, sketch.events[more], [sketch.events[fewer]], late)
            sketch.steps[early, late] = terms[-1][0]
            scopes.setdefault((table.text["definition"][early], estimand), []).append(terms)
    for relations in scopes.values():
        sketch.suppose(relations, [terms[-1][0] for terms in relations])


def _lengths(sketch: Sketch) -> None:
    """Categories that are lengths hold one another: whoever reached 30 days had reached 7."""
    table = sketch.table
    rows = [row for row in sketch.events if table.text["category"][row].isdigit() and row in sketch.base]
    scopes: dict[str, list[Terms]] = {}
    for members in table.families(rows, "definition", "estimand", "by", "group", "at", *_PERIOD).values():
        ordered = sorted(members, key=lambda row: float(table.text["category"][row]))
        lows, known = sketch.system.bounds[0], sketch.system.known
        bases = {sketch.base[row] for row in members}
        if len(bases) == 1 or (all(known(base) for base in bases) and len({lows[base] for base in bases}) == 1):
            for short, long in _neighbours(sketch, ordered):
                terms = sketch.rest("nested", short, sketch.events[short], [sketch.events[long]], long)
                scopes.setdefault(table.text["definition"][short], []).append(terms)
    for relations in scopes.values():
        sketch.suppose(relations, [terms[-1][0] for terms in relations])


def _neighbours(sketch: Sketch, ordered: list[int]) -> list[tuple[int, int]]:
    """Rows beside each other, and printed rows with nothing printed between them."""
    printed = [row for row in ordered if sketch.table.shown("n", row)]
    return list(dict.fromkeys([*pairwise(ordered), *pairwise(printed)]))


def _contrasts(sketch: Sketch) -> None:
    """A contrast prints what both of its groups rest on together."""
    table = sketch.table
    columns = ("definition", "category", "at", *_PERIOD)
    beside = table.families((row for row in sketch.base if table.text["estimand"][row] != "count"), *columns)
    scopes: dict[tuple[str, str], list[Terms]] = {}
    for row in range(len(table)):
        against = table.text["reference"][row]
        if table.text["estimand"][row] != "difference" or not against:
            continue
        of_all = against.startswith(REST)
        by = table.text["by"][row]
        places = {
            (table.text["by"][other], table.text["group"][other]): other
            for other in beside.get(table.key(row, *columns), [])
        }
        own, others = places.get((by, table.text["group"][row])), places.get((ALL, ALL) if of_all else (by, against))
        if own is None or others is None:
            continue
        for name, column in (("base", "denominator"), ("events", "n"), ("people", "people")):
            cells = sketch.field(name)
            if {own, others} <= set(cells) and table.shown(column, row) and (of_all or name != "people"):
                both = sketch.system.cell(Cell("nothing", row))
                value = float(table.number[column][row])
                sketch.system.show(both, value, value, row)
                sides = ((cells[others], -1.0),) if of_all else ((cells[own], -1.0), (cells[others], -1.0))
                scopes.setdefault((table.text["definition"][row], name), []).append(((both, 1.0), *sides))
    for relations in scopes.values():
        sketch.suppose(relations)


def _attrition(sketch: Sketch) -> None:
    """Steps from everyone to those counted: what a step leaves is what the next one starts from."""
    table = sketch.table
    rows = [row for row in sketch.events if table.name[row] == "attrition" and row in sketch.base]
    for members in table.families(rows, "definition", "by", "group", *_PERIOD).values():
        ordered = sorted(members, key=lambda row: table.number["at"][row])
        relations: list[Terms] = []
        for place, (one, two) in enumerate(pairwise(ordered)):
            first = ((sketch.events[one], 1.0), (sketch.base[two], -1.0))
            left = ((sketch.base[one], 1.0), (sketch.events[one], -1.0), (sketch.base[two], -1.0))
            relations.append(first if place == 0 and table.text["category"][one] == "read" else left)
        sketch.suppose(relations)


def _missing(sketch: Sketch) -> None:
    """Missing records are what a base lacks of a wider one of the same people, or those of a base who were not reached.

    Supposed where at least one row prints all three numbers and none speaks against it.
    """
    table = sketch.table
    scopes: dict[tuple[str, str], list[int]] = {}
    for row in sketch.missing:
        if row in sketch.base and table.text["estimand"][row] in (*COUNTED, "mean"):
            scopes.setdefault((table.text["definition"][row], table.text["estimand"][row]), []).append(row)
    bases: dict[tuple[object, ...], dict[str, int]] = {}
    for row, cell in sketch.base.items():
        if table.shown("denominator", row):
            bases.setdefault(population(table, row), {}).setdefault(table.text["definition"][row], cell)
    known, low = sketch.system.known, sketch.system.bounds[0]
    for (definition, _), rows in scopes.items():
        complete = [
            r for r in rows if known(sketch.missing[r]) and known(sketch.base[r]) and low[sketch.missing[r]] > 0
        ]
        if not complete:
            continue
        found = [
            {
                name for name, cell in bases.get(population(table, row), {}).items()
                if low[cell] == low[sketch.base[row]] + low[sketch.missing[row]] and name != definition
            }
            for row in complete
        ]  # fmt: skip
        wider = sorted(set.intersection(*found))
        relations: list[Terms] = [
            ((bases[place][wider[0]], 1.0), (sketch.base[row], -1.0), (sketch.missing[row], -1.0))
            for row in rows
            if wider and wider[0] in bases.get(place := population(table, row), {})
        ]
        sketch.suppose(relations)
