"""Steps of a curve: how many people a drop stands for.

A Kaplan–Meier curve falls at a day by the share of those at risk who leave on it, 1 - d/r, so two printed heights and
the printed number at risk give d. Where nobody is censored yet, those at risk on a day less those still there after it
are those who left on that very day.

Source: Kaplan and Meier (1958).
"""

from __future__ import annotations

from itertools import pairwise

from iop_outcomes.publication.attacker.inversion import EXACT, slack_of
from iop_outcomes.publication.attacker.sketch import Sketch
from iop_outcomes.publication.attacker.system import Cell, Why

_PERIOD = ("period_start", "period_end")


def step_back(sketch: Sketch) -> None:
    """Use every survival curve beside the numbers at risk of the same people."""
    table = sketch.table
    at_risk = {
        table.key(row, "by", "group", "at", *_PERIOD): row
        for row in sketch.events
        if table.text["category"][row] == "at_risk" and table.shown("n", row)
    }
    curves = [row for row in sketch.events if table.text["estimand"][row] == "survival" and table.shown("value", row)]
    curves = [row for row in curves if slack_of(table, row, "value", None) <= EXACT]
    for members in table.families(curves, "definition", "category", "by", "group", *_PERIOD).values():
        ordered = sorted(members, key=lambda row: table.number["at"][row])
        for early, late in pairwise([None, *ordered]):
            risk = at_risk.get(table.key(late, "by", "group", "at", *_PERIOD)) if late is not None else None
            if late is None or risk is None:
                continue
            _on_the_day(sketch, late, risk)
            if early is not None:
                _fall(sketch, early, late, risk)


def _on_the_day(sketch: Sketch, row: int, risk: int) -> None:
    """Those at risk on a day less those still there after it, where the curve is a plain share and nobody is censored."""
    table, system = sketch.table, sketch.system
    if row not in sketch.base or not all(system.known(cell) for cell in (sketch.base[row], sketch.events[row])):
        return
    there, base = (system.bounds[0][cell] for cell in (sketch.events[row], sketch.base[row]))
    left = float(table.number["n"][risk]) - there
    if base > 0 and abs(table.number["value"][row] - there / base) <= EXACT and left >= 0:
        cell = system.cell(Cell("day", row, risk))
        for side in (0, 1):
            system.bounds[side][cell] = left
            system.why[side][cell] = Why("step", (row, risk))


def _fall(sketch: Sketch, early: int, late: int, risk: int) -> None:
    """The number who left between two days from the fall of the curve; believed only when it is whole."""
    table, system = sketch.table, sketch.system
    step = sketch.steps.get((early, late))
    before, after = (float(table.number["value"][row]) for row in (early, late))
    if step is None or system.known(step) or before <= 0:
        return
    left = float(table.number["n"][risk]) * (1 - after / before)
    if left > -EXACT and abs(left - round(left)) <= 1e-6:
        system.learn([(step, float(round(left)), float(round(left)))], "step", (early, late, risk))
