"""From one row per episode to counts by day: the only thing the curves and tests below look at.

A row has a day of exit, what happened then (0: still in and no longer watched), optionally a day from which it was
watched, a weight and a person. Days are exact: ties are kept as ties, and exits come before withdrawals on the same
day. Day 0 is a legal exit day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """Checked rows on a grid of exit days, each row reduced to whole-number codes.

    ``time`` (T) distinct exit days · ``exit`` (n) index into it · ``state`` (n) 0 for censored, else 1 + the
    place of the cause in ``causes`` · ``entry`` (n) day after which the row was watched and ``start`` (n) how many
    exit days passed before it, None when all were watched from admission · ``weight`` (n), None for 1 each ·
    ``count`` (n) people a row stands for, None for 1 each · ``cluster`` (n) person codes with ``people`` their labels,
    None when every row is its own person.
    """

    time: Floats
    exit: Codes
    state: Codes
    causes: tuple[Any, ...]
    entry: Floats | None
    start: Codes | None
    weight: Floats | None
    count: Floats | None
    cluster: Codes | None
    people: NDArray[Any] | None

    @property
    def mass(self) -> Floats | None:
        """What each row adds to a risk set: its weight, or the people it stands for; None for 1 each."""
        return self.count if self.weight is None else self.weight


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Counts by exit day: ``time`` (T), ``at_risk`` (T), ``events`` (T × causes), ``censored`` (T)."""

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats

    @property
    def exits(self) -> Floats:
        """Events of every cause together (T)."""
        return self.events.sum(axis=1)

    @property
    def staying(self) -> Floats:
        """At risk less events (T), with rounding residue set to exactly 0."""
        left = self.at_risk - self.exits
        return np.where(left > 1e-11 * self.at_risk, left, 0.0)


def check_rows(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    causes: Sequence[Any] | None = None,
) -> Rows:
    """Are these rows possible, and on which days did something happen?

    Args:
        time: (n) days from admission to exit or to the end of watching, 0 or more.
        cause: (n) why; 0, "" or None is censored. Numbers or text.
        entry: (n) day after which the row is watched: at risk on days entry < day ≤ time. An entry of 0 is
            admission itself, and day 0 is then watched too.
        weights: (n) sampling or balancing weights, 0 or more.
        counts: (n) how many people each row stands for, when rows are already tallied. Not with
            ``weights`` or ``cluster``.
        cluster: (n) the person each row belongs to.
        causes: the causes in the order wanted; default: those present, sorted.

    Raises:
        ValueError: if there are no rows, lengths differ, a number is missing, a day or weight is negative,
            entry is not before exit, or a cause is not among ``causes``.

    >>> rows = check_rows([7, 7, 14], ["completed", "left", ""])
    >>> rows.causes, rows.state.tolist(), rows.time.tolist()
    (('completed', 'left'), [1, 2, 0], [7.0, 14.0])
    """
    days = _numbers(time, "time")
    if days.size == 0:
        raise ValueError("There are no rows: time is empty.")
    n = days.size
    if np.any(days < 0):
        raise ValueError("time must not be negative: admission is day 0.")
    labels, state = _states(cause, causes, n)
    grid, exits = _distinct(days)
    if counts is not None and (weights is not None or cluster is not None):
        raise ValueError("counts cannot be combined with weights or cluster: give one row per episode instead.")
    weight = None if weights is None else _numbers(weights, "weights", n)
    count = None if counts is None else _numbers(counts, "counts", n)
    for name, mass in (("weights", weight), ("counts", count)):
        if mass is not None and (np.any(mass < 0) or not np.any(mass > 0)):
            raise ValueError(f"{name} must be zero or more, and not all zero.")
    begun = None if entry is None else _entries(entry, days)
    start = None if begun is None else np.where(begun > 0, np.searchsorted(grid, begun, side="right"), 0)
    people, codes = (None, None) if cluster is None else label_codes(cluster, n, "cluster")
    return Rows(grid, exits.reshape(-1), state, labels, begun, start, weight, count, codes, people)


def tabulate(rows: Rows, keep: Codes | None = None) -> LifeTable:
    """How many were at risk, left and were censored on each day?

    Args:
        rows: checked rows.
        keep: places of the rows to count, for one group on the grid of all; default all.

    >>> table = tabulate(check_rows([7, 7, 14], [1, 2, 0]))
    >>> table.at_risk.tolist(), table.events.tolist(), table.censored.tolist()
    ([3.0, 1.0], [[1.0, 1.0], [0.0, 0.0]], [0.0, 1.0])
    """
    days, states = rows.time.size, len(rows.causes) + 1
    pick: Any = slice(None) if keep is None else keep
    mass = None if rows.mass is None else rows.mass[pick]
    cells = rows.exit[pick] * states + rows.state[pick]
    table = np.bincount(cells, mass, minlength=days * states).reshape(days, states).astype(np.float64)
    at_risk = table.sum(axis=1)[::-1].cumsum()[::-1]
    if rows.start is not None:
        waiting = np.bincount(rows.start[pick], mass, minlength=days + 1)[::-1].cumsum()[::-1]
        at_risk = at_risk - waiting[1:]
        at_risk = np.where(at_risk > 1e-11 * at_risk.max(initial=0), at_risk, 0.0)
    return LifeTable(rows.time, at_risk, table[:, 1:], table[:, 0])


def followed_to(rows: Rows, table: LifeTable) -> float:
    """The last day a curve of these rows speaks for: infinite once nobody is left, else the last day anyone was watched.

    With delayed entry the rows must hand over to each other. Where a whole day passes with nobody in view, or the last
    in view leave while others have yet to enter, nothing is known from there on; below 0, of no day at all.

    Args:
        rows: checked rows.
        table: the life table of the same rows.

    >>> rows = check_rows([7, 14], [1, 1])
    >>> followed_to(rows, tabulate(rows))
    inf
    >>> rows = check_rows([7, 30], [0, 1], entry=[0, 10])
    >>> followed_to(rows, tabulate(rows))
    7.0
    """
    emptied = np.flatnonzero((table.at_risk > 0) & (table.staying == 0))
    last = float("inf") if emptied.size else float(rows.time[-1])
    if rows.entry is None or rows.start is None:
        return last
    if emptied.size and np.any(rows.start > emptied[0]):
        last = float(np.nextafter(rows.time[emptied[0]], -1))
    begin = np.where(rows.entry == 0, -1.0, rows.entry)
    order = np.argsort(begin, kind="stable")
    seen = np.concatenate([[-1.0], np.maximum.accumulate(rows.time[rows.exit[order]])[:-1]])
    gaps = np.flatnonzero(begin[order] >= seen + 1)
    return min(last, float(seen[gaps[0]])) if gaps.size else last


def label_codes(labels: ArrayLike, n: int, name: str) -> tuple[NDArray[Any], Codes]:
    """Distinct labels, sorted, and each row's place among them.

    Raises:
        ValueError: if the length is not n, or a label is missing.

    >>> label_codes(["b", "a", "b"], 3, "group")[1].tolist()
    [1, 0, 1]
    """
    values = np.asarray(labels)
    if values.shape != (n,):
        raise ValueError(f"{name} must have one value per row: {n} rows, got shape {values.shape}.")
    if values.dtype.kind == "O":
        if any(value is None or value != value for value in values):
            raise ValueError(f"{name} has missing values.")
        values = values.astype(str) if any(isinstance(value, str) for value in values) else values
    elif values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(f"{name} has missing values.")
    distinct, codes = np.unique(values, return_inverse=True)
    return distinct, codes.reshape(-1)


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """The different values in order and each one's place among them: whole numbers are counted, all else is sorted."""
    if values.dtype.kind in "iuf" and values.size and 0 <= values.min() and values.max() < values.size + 1_000:
        whole = values.astype(np.intp)
        if np.array_equal(whole, values):
            there = np.bincount(whole) > 0
            return np.flatnonzero(there).astype(values.dtype), (np.cumsum(there) - 1)[whole]
    distinct, place = np.unique(values, return_inverse=True)
    return distinct, place.reshape(-1)


def _numbers(values: ArrayLike, name: str, n: int | None = None) -> Floats:
    """A one-dimensional finite array of floats, of length n when n is given."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise ValueError(f"{name} must have one number per row, got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has missing or infinite values.")
    return array


def _states(cause: ArrayLike, causes: Sequence[Any] | None, n: int) -> tuple[tuple[Any, ...], Codes]:
    """Cause labels and a code per row: 0 censored, 1, 2 … the causes in order."""
    values = np.asarray(cause)
    if values.shape != (n,):
        raise ValueError(f"cause must have one value per row: {n} rows, got shape {values.shape}.")
    if values.dtype.kind == "O":
        values = np.array(["" if value is None else value for value in values], dtype=object)
        texts = [isinstance(value, str) for value in values]
        values = values.astype(str) if any(texts) else values.astype(np.float64)
    text = values.dtype.kind in "US"
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("cause has missing values; a row still in the programme is 0.")
        if np.any(values != np.floor(values)):
            raise ValueError("cause must be 0 for censored or a positive whole number.")
        values = values.astype(np.int64)
    distinct, inverse = _distinct(values)
    censored = "" if text else 0
    if not text and distinct.size and distinct[0] < 0:
        raise ValueError("cause must be 0 for censored or a positive whole number.")
    labels = [str(c) for c in causes] if text and causes is not None else list(causes or ())
    if causes is None:
        labels = [label for label in distinct.tolist() if label != censored]
    place = {label: k + 1 for k, label in enumerate(labels)} | {censored: 0}
    unknown = [label for label in distinct.tolist() if label not in place]
    if unknown:
        raise ValueError(f"cause {unknown[0]!r} is not among the causes given.")
    if len(place) != len(labels) + 1:
        raise ValueError("causes must be distinct, and none of them the code for censored.")
    lookup = np.array([place[label] for label in distinct.tolist()], dtype=np.intp)
    return tuple(labels), lookup[inverse.reshape(-1)]


def _entries(entry: ArrayLike, days: Floats) -> Floats:
    """The day after which each row was watched."""
    begun = _numbers(entry, "entry", days.size)
    if np.any(begun < 0):
        raise ValueError("entry must not be negative: admission is day 0.")
    if np.any((begun > 0) & (begun >= days)):
        raise ValueError("entry must be before time: a row must be watched for at least one day.")
    return begun
