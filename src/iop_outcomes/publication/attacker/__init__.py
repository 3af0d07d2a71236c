"""An attack on one's own releases: what somebody who holds only the released tables could work out.

It shares nothing with the gate but the columns of the tables, and never sees a number that was not released.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.attacker.averages import weigh
from iop_outcomes.publication.attacker.blanked import compare_blanked
from iop_outcomes.publication.attacker.inversion import invert
from iop_outcomes.publication.attacker.linear import solve
from iop_outcomes.publication.attacker.meanings import link_meanings
from iop_outcomes.publication.attacker.periods import compare_releases, link_periods
from iop_outcomes.publication.attacker.reading import join, read_release
from iop_outcomes.publication.attacker.sketch import Bins, Sketch, draw
from iop_outcomes.publication.attacker.steps import step_back
from iop_outcomes.publication.attacker.structure import link
from iop_outcomes.publication.attacker.words import Attempt, Finding, describe_attack, name_cell

__all__ = ["Attempt", "Finding", "attack", "attack_folder", "bound", "describe_attack", "read_release", "try_release"]

#: Kinds of cells that are no count of people.
_NOT_JUDGED = ("nothing", "total", "stretch of base")


def attack(
    *releases: pd.DataFrame, threshold: int = 11, digits: int | None = None, bins: Bins | None = None
) -> tuple[Finding, ...]:
    """Which counts of 1 to ``threshold - 1`` people can be told from these released tables, and how?

    Several tables are held together. ``digits`` is the number of decimals of a share that is printed (2 for whole
    percents) where the tables carry more than a reader sees. ``bins`` says for a rounded release which counts a printed
    one may have been: ``lambda count: (count - 2, count + 2)``.

    Raises ``UsageError`` for a table without definitions and estimands or a threshold below 2.

    >>> rows = [dict(definition="reason@1", estimand="proportion", by="site", group=site, n=n, denominator=d)
    ...     for site, n, d in (("A", None, 40), ("B", 22, 35), ("C", 19, 31))]
    >>> everyone = dict(definition="reason@1", estimand="proportion", by="all", group="all", n=44, denominator=106)
    >>> [(found.low, found.high) for found in attack(pd.DataFrame([everyone, *rows]))]
    [(3, 3)]
    """
    return try_release(*releases, threshold=threshold, digits=digits, bins=bins).findings


def bound(*releases: pd.DataFrame, digits: int | None = None, bins: Bins | None = None) -> pd.DataFrame:
    """How narrowly can every unreleased number be bounded?

    One row a number: ``cell`` in words, ``kind`` (events, base, people, missing, left, rest, step, …), ``row`` and
    ``other`` (the rows it belongs to, counted through all releases; ``other`` is -1 where there is one), ``low``,
    ``high`` and ``method``.
    """
    sketch = _sketch(releases, digits, bins)
    wanted = _wanted(sketch)
    solve(sketch.system, wanted)
    lows, highs = sketch.system.bounds
    rows = [
        {
            "cell": name_cell(sketch.table, sketch.system.cells[cell]),
            "kind": sketch.system.cells[cell].kind,
            "row": sketch.system.cells[cell].row,
            "other": sketch.system.cells[cell].other,
            "low": lows[cell],
            "high": highs[cell],
            "method": sketch.system.trace(cell)[1],
        }
        for cell in wanted
    ]
    return pd.DataFrame(rows, columns=["cell", "kind", "row", "other", "low", "high", "method"])


def try_release(
    *releases: pd.DataFrame, threshold: int = 11, digits: int | None = None, bins: Bins | None = None
) -> Attempt:
    """:func:`attack` with how much was attacked; see there for the arguments."""
    if threshold < 2:
        raise UsageError("the threshold is the smallest count that may be printed; it is at least 2")
    sketch = _sketch(releases, digits, bins)
    system = sketch.system
    wanted = _wanted(sketch)

    def matters(cell: int, low: float, high: float) -> bool:
        return high < threshold and low > 1 - 1e-6

    open_cells = [cell for cell in wanted if system.bounds[0][cell] < threshold and system.bounds[1][cell] >= 1]
    solve(system, open_cells, matters)
    found: dict[str, Finding] = {}
    for cell in wanted:
        low, high = system.bounds[0][cell], system.bounds[1][cell]
        if _small(sketch, cell, threshold):
            used, method = system.trace(cell)
            name = name_cell(sketch.table, system.cells[cell])
            rows = tuple(row for row in (system.cells[cell].row, system.cells[cell].other) if row >= 0)
            found.setdefault(name, Finding(name, low, high, method, rows, used))
    table = sketch.table
    return Attempt(tuple(found.values()), len(releases), len(table), int(table.withheld.sum()), len(wanted), threshold)


def attack_folder(folder: str | Path, threshold: int = 11) -> tuple[str, bool]:
    """The report on everything released into a folder, and whether nothing could be worked out."""
    attempt = try_release(*read_release(folder), threshold=threshold)
    return describe_attack(attempt.findings, attempt), not attempt.findings


def _sketch(releases: Sequence[pd.DataFrame], digits: int | None, bins: Bins | None) -> Sketch:
    """Everything a reader may suppose and read back; rounded counts are not read back from shares made of them."""
    sketch = draw(join(releases), bins)
    link(sketch)
    link_meanings(sketch)
    link_periods(sketch)
    if bins is None:
        compare_releases(sketch)
        invert(sketch, digits)
        step_back(sketch)
        weigh(sketch)
        compare_blanked(sketch)
    return sketch


def _wanted(sketch: Sketch) -> list[int]:
    """Cells that are not printed and that something is linked to."""
    system = sketch.system
    return [
        cell
        for cell, what in enumerate(system.cells)
        if what.kind != "nothing" and not system.shown[cell] and (system.touching[cell] or system.why[0][cell])
    ]


def _small(sketch: Sketch, cell: int, threshold: int) -> bool:
    """Whether a cell certainly speaks of 1 to the threshold less one people."""
    system = sketch.system
    what = system.cells[cell]
    low, high = system.bounds[0][cell], system.bounds[1][cell]
    if what.kind == "total" and what.other >= 0:
        base = sketch.base[what.row]
        few = 1 <= system.bounds[0][base] and system.bounds[1][base] < threshold
        return few and math.isfinite(high) and high - low <= 0.1 * max(1.0, abs(low + high) / 2)
    return what.kind not in _NOT_JUDGED and low >= 1 and high < threshold
