"""Backwards from a printed share, interval or mean to the whole numbers it was made from.

A share is a whole number over a whole number, an interval's width tells how many people it rests on, and a mean of
whole points with all its decimals tells how many were averaged. Each reading is tried against the numbers themselves.

Sources: Wilson (1927) for the interval that is inverted; the reconstruction of counts from printed shares is the
integer search every reader can do by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iop_outcomes.publication.attacker.reading import COUNTED, CURVES, Table, decimals_of
from iop_outcomes.publication.attacker.sketch import Sketch, admitted, population

#: No base larger than this is tried.
LARGEST = 5_000
#: A number printed to this precision or better was not rounded for the reader.
EXACT = 1e-9
#: Means in these units are of whole numbers.
WHOLE_UNITS = ("points", "episodes", "sessions", "days", "people", "count", "number")


@dataclass(frozen=True, slots=True)
class Readings:
    """Every pair of whole numbers that a printed number may have been made from."""

    events: np.ndarray
    bases: np.ndarray

    def __len__(self) -> int:
        return len(self.bases)


def read_share(value: float, slack: float, bases: np.ndarray) -> Readings:
    """Events and bases whose share is the value, give or take the slack.

    >>> found = read_share(0.125, 0.0005, np.arange(24, 25))
    >>> found.events.tolist(), found.bases.tolist()
    ([3], [24])
    """
    least = np.ceil((value - slack) * bases - 1e-7).clip(0)
    most = np.minimum(np.floor((value + slack) * bases + 1e-7), bases)
    wide = int(max(0, (most - least).max(initial=-1) + 1))
    events = least[:, None] + np.arange(wide)[None, :]
    fits = events <= most[:, None]
    return Readings(events[fits].astype(int), np.broadcast_to(bases[:, None], events.shape)[fits].astype(int))


def read_interval(
    value: float,
    low: float,
    high: float,
    slack: tuple[float, float],
    bases: np.ndarray,
    *,
    method: str = "Wilson",
    conf_level: float = 0.95,
) -> Readings:
    """Events and bases whose share and interval are those printed; ``slack`` for the share and for its limits.

    >>> found = read_interval(0.75, 0.628, 0.842, (0.005, 0.0005), np.arange(1, 500))
    >>> found.events.tolist(), found.bases.tolist()
    ([45], [60])
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + conf_level / 2))
    found = read_share(value, slack[0], bases)
    n = found.bases.astype(float)
    p = found.events / n
    if method.lower().startswith("wilson"):
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    else:
        middle, half = p, z * np.sqrt(p * (1 - p) / n)
    lower, upper = np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
    fits = (np.abs(lower - low) <= slack[1] + 1e-12) & (np.abs(upper - high) <= slack[1] + 1e-12)
    return Readings(found.events[fits], found.bases[fits])


def read_mean(value: float, slack: float, bases: np.ndarray) -> np.ndarray:
    """Bases over which a mean of whole numbers, printed with all its decimals, is this value.

    >>> read_mean(283 / 245, 1e-12, np.arange(1, 248)).tolist()
    [245]
    """
    totals = value * bases
    found: np.ndarray = bases[np.abs(totals - np.rint(totals)) <= slack * bases + 1e-12 * np.abs(totals)]
    return found


def invert(sketch: Sketch, digits: int | None = None) -> None:
    """Read back every share, interval and mean whose counts are not all printed, and tell the system.

    ``digits`` is the number of decimals of a share that a page prints (2 for whole percents); otherwise each column of
    each release is taken to be rounded to the decimals it carries.
    """
    widest, admissions = _widest(sketch), admitted(sketch)
    for row in range(len(sketch.table)):
        if sketch.table.shown("value", row):
            if sketch.table.text["estimand"][row] == "proportion" or sketch.table.text["estimand"][row] in CURVES:
                _invert_share(sketch, row, widest, digits)
            elif sketch.table.text["estimand"][row] == "mean" and row in sketch.base:
                _invert_mean(sketch, row, admissions)


def slack_of(table: Table, row: int, column: str, digits: int | None) -> float:
    """How far a printed number may be from the one it was rounded from.

    A number whose base was taken out may have been rounded on its own; others carry the decimals of their column.
    """
    if digits is None:
        own = not table.shown("denominator", row)
        digits = (
            decimals_of(float(table.number[column][row])) if own else table.decimals[int(table.release[row])][column]
        )
    return float(0.5 * 10.0**-digits)


def _invert_share(sketch: Sketch, row: int, widest: dict[tuple[object, ...], float], digits: int | None) -> None:
    table, system = sketch.table, sketch.system
    if row not in sketch.events or row not in sketch.base:
        return
    if system.known(sketch.events[row]) and system.known(sketch.base[row]):
        return
    value = float(table.number["value"][row])
    slack, slack_limits = (slack_of(table, row, column, digits) for column in ("value", "ci_low"))
    if table.text["estimand"][row] in CURVES and slack > EXACT:
        return  # with people who are not yet followed a curve is no share, and rounding would hide it
    bases, whole = _candidates(sketch, row, widest)
    if not len(bases):
        return
    _tell(sketch, row, read_share(value, slack, bases), "percent", whole)
    method = table.text["method"][row]
    plain = method in ("", "Wilson", "normal") or (slack_limits <= EXACT and method.startswith("Wilson"))
    if plain and table.text["estimand"][row] == "proportion" and table.shown("ci_low", row):
        low, high, level = (float(table.number[name][row]) for name in ("ci_low", "ci_high", "conf_level"))
        level = 0.95 if np.isnan(level) else level
        slacks = (slack, slack_limits)
        found = read_interval(value, low, high, slacks, bases, method=method or "Wilson", conf_level=level)
        _tell(sketch, row, found, "interval", whole or (bool(len(found)) and found.bases.max() < LARGEST / 2))


def _tell(sketch: Sketch, row: int, found: Readings, method: str, whole: bool) -> None:
    """Bounds of events and base from the readings; only lower ones where larger bases were not tried."""
    if len(found):
        events = (float(found.events.min()), float(found.events.max()) if whole else np.inf)
        bases = (float(found.bases.min()), float(found.bases.max()) if whole else np.inf)
        sketch.system.learn([(sketch.events[row], *events), (sketch.base[row], *bases)], method, (row,))


def _invert_mean(sketch: Sketch, row: int, admissions: dict[tuple[object, ...], int]) -> None:
    """The base of a mean of whole numbers, where the group is known to be no larger than those admitted."""
    table, system = sketch.table, sketch.system
    slack = slack_of(table, row, "value", None)
    whole = admissions.get(population(table, row))
    if whole is None or system.known(sketch.base[row]) or slack > EXACT or table.text["unit"][row] not in WHOLE_UNITS:
        return
    most = min(system.bounds[1][sketch.base[row]], float(table.number["denominator"][whole]), LARGEST)
    found = read_mean(float(table.number["value"][row]), slack, np.arange(1.0, most + 1))
    if len(found) and found.min() > 1:
        system.learn([(sketch.base[row], float(found.min()), float(found.max()))], "percent", (row, whole))


def _candidates(sketch: Sketch, row: int, widest: dict[tuple[object, ...], float]) -> tuple[np.ndarray, bool]:
    """Bases to try, and whether none larger is possible: no base of a group exceeds the widest printed for it."""
    low, high = (bound[sketch.base[row]] for bound in sketch.system.bounds)
    most = min(high, widest.get(population(sketch.table, row), np.inf))
    return np.arange(max(1.0, low), min(most, LARGEST) + 1), bool(most <= LARGEST)


def _widest(sketch: Sketch) -> dict[tuple[object, ...], float]:
    """The largest base printed for the people of a group and period."""
    table = sketch.table
    found: dict[tuple[object, ...], float] = {}
    for row in sketch.base:
        if table.shown("denominator", row) and table.text["estimand"][row] in COUNTED:
            place = population(table, row)
            found[place] = max(found.get(place, 0.0), float(table.number["denominator"][row]))
    return found
