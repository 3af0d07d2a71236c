"""Bases that were taken out of rows that stand: where one comes back, so do the people it lacks of everyone admitted."""

from __future__ import annotations

from iop_outcomes.publication.attacker.sketch import Sketch, admitted, population
from iop_outcomes.publication.attacker.system import Cell


def compare_blanked(sketch: Sketch) -> None:
    """Set every base that came back against the base of the curves of the same people, which is everyone admitted."""
    table, system = sketch.table, sketch.system
    everyone = admitted(sketch)
    for row, cell in list(sketch.base.items()):
        whole = everyone.get(population(table, row))
        if whole is None or system.shown[cell] or table.withheld[row] or not system.known(cell):
            continue
        lacking = system.cell(Cell("lacking", whole, row))
        sketch.suppose([((sketch.base[whole], 1.0), (cell, -1.0), (lacking, -1.0))], [lacking])
