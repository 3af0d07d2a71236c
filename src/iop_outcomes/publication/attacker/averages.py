"""From means to totals: a mean times its base is a total, and totals of groups add.

Whoever knows everyone's mean and those of all groups but one knows the last one's total; with two groups whose sizes
were taken out, the three means give the sizes back.
"""

from __future__ import annotations

import math

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.attacker.inversion import EXACT, WHOLE_UNITS, slack_of
from iop_outcomes.publication.attacker.sketch import Sketch, everyone
from iop_outcomes.publication.attacker.system import Cell, Why

_LINE = ("definition", "estimand", "category", "at", "period_start", "period_end")


def weigh(sketch: Sketch) -> None:
    """Use every family of means of groups and of everyone."""
    table = sketch.table
    rows = [row for row in sketch.base if table.text["estimand"][row] == "mean"]
    for members in table.families(rows, *_LINE).values():
        for whole in (row for row in members if everyone(table, row) and table.shown("value", row)):
            for by in sorted({table.text["by"][row] for row in members} - {ALL}):
                parts = [row for row in members if table.text["by"][row] == by]
                if len(parts) > 1:
                    _sizes(sketch, whole, parts)
                    _last_total(sketch, whole, parts)


def _sizes(sketch: Sketch, whole: int, parts: list[int]) -> None:
    """Two sizes that were taken out, from the means; believed only when whole people come out."""
    table, system = sketch.table, sketch.system
    unknown = [row for row in parts if not system.known(sketch.base[row])]
    if len(unknown) != 2 or not system.known(sketch.base[whole]) or not all(table.shown("value", r) for r in parts):
        return
    if any(slack_of(table, row, "value", None) > EXACT for row in (whole, *parts)):
        return
    size = {row: system.bounds[0][sketch.base[row]] for row in (whole, *parts) if row not in unknown}
    mean = {row: float(table.number["value"][row]) for row in (whole, *parts)}
    people = size[whole] - sum(size[row] for row in parts if row in size)
    total = mean[whole] * size[whole] - sum(mean[row] * size[row] for row in parts if row in size)
    one, two = unknown
    if abs(mean[one] - mean[two]) < 1e-9:
        return
    first = (total - mean[two] * people) / (mean[one] - mean[two])
    if abs(first - round(first)) > 1e-6 * max(1.0, people) or not 0 <= round(first) <= people:
        return
    sizes = ((one, float(round(first))), (two, people - round(first)))
    system.learn([(sketch.base[row], count, count) for row, count in sizes], "average", (whole, *parts))


def _last_total(sketch: Sketch, whole: int, parts: list[int]) -> None:
    """The total of the one group whose mean is withheld, where its few people can be counted."""
    table, system = sketch.table, sketch.system
    hidden = [row for row in parts if not table.shown("value", row)]
    if len(hidden) != 1 or not all(system.known(sketch.base[row]) for row in (whole, *parts)):
        return
    size = {row: system.bounds[0][sketch.base[row]] for row in (whole, *parts)}
    if size[whole] != sum(size[row] for row in parts):
        return
    shown = [row for row in parts if row not in hidden]
    low = high = 0.0
    for row, sign in ((whole, 1.0), *((row, -1.0) for row in shown)):
        slack = slack_of(table, row, "value", None) * size[row]
        total = sign * float(table.number["value"][row]) * size[row]
        low, high = low + total - slack, high + total + slack
    if table.text["unit"][whole] in WHOLE_UNITS and math.ceil(low - 1e-6) == math.floor(high + 1e-6):
        low = high = float(round((low + high) / 2))
    rows = tuple(sorted({whole, *shown, *system.trace(sketch.base[hidden[0]])[0]}))
    cell = system.cell(Cell("total", hidden[0], whole), whole=False)
    for side, value in enumerate((low, high)):
        system.bounds[side][cell] = value
        system.why[side][cell] = Why("average", rows)
