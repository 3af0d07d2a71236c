"""The rows of one series over time, read for a chart: its points, the lines drawn through them, and what is said of them.

The convention, as ``measure_by_period`` follows it:

* one row per period (or per rare event) of the definition itself, with ``period_start`` and ``period_end`` set; its
  ``note`` holds ``"signal: better"``, ``"signal: worse"`` or ``"signal: changed"`` when the point is part of a signal;
  one whose ``status`` is ``immature`` is drawn pale and stands outside the limits;
* rows with estimand ``center_line``, the same ``definition``, ``by`` and ``group``, and ``category`` ``"centre"``,
  ``"median"``, ``"lower"``, ``"upper"`` or ``"target"``, with the value of the line. One that covers only part of the
  series (after a rebase) has ``period_start`` and ``period_end`` set, and the centre says in its ``note`` why
  (``"rebased: reason"``); the target's says what the limits say of it (``"assurance: meets"``, ``misses``, ``varies``);
* rows with estimand ``limit`` and ``category`` ``"lower"`` or ``"upper"`` for each period, where limits differ;
* rows with estimand ``diagnostic``: which chart it is and why, and the runs of a run chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iop_outcomes.publication.figures.style import Rows
from iop_outcomes.publication.formatting import Kind, quantity_of
from iop_outcomes.vocabulary import Status

Row = dict[str, Any]

#: Estimands that are drawn through the points of a series, and the lines they make.
DRAWN = ("center_line", "limit", "diagnostic")
LINES = ("upper", "centre", "median", "lower", "target")
#: Signals a point may be part of.
SIGNALS = ("better", "worse", "changed")
#: Diagnostics of a run chart, as words.
RUNS = {"longest_run": "longest run on one side", "crossings": "crossings of the median"}

_NAMES = {"centre": "average", "median": "median", "lower": "usual range, low", "upper": "usual range, high"}


@dataclass(frozen=True)
class Target:
    """A target drawn beside a series, and what the limits say of it: meets, misses, varies or unknown."""

    value: float
    assurance: str


@dataclass(frozen=True)
class ControlSeries:
    """One series: points in order of time, lines with a value, limits by period, diagnostics with a value."""

    points: tuple[Row, ...]
    lines: tuple[Row, ...]
    limits: tuple[Row, ...]
    diagnostics: tuple[Row, ...]
    year_start: int = 1

    @classmethod
    def read(cls, rows: Rows) -> ControlSeries:
        """The series of these rows, which hold one only."""
        parts: dict[str, list[Row]] = {"points": [], "center_line": [], "limit": [], "diagnostic": []}
        for row in rows.rows():
            if row["estimand"] not in DRAWN and isinstance(row["period_start"], str):
                parts["points"].append(row)
            elif row["estimand"] in DRAWN and not math.isnan(row["value"]):
                parts[row["estimand"]].append(row)
        parts["points"].sort(key=lambda row: (row["period_start"], row["period_end"] or ""))
        lines = [row for row in parts["center_line"] if row["category"] in LINES]
        lines.sort(key=lambda row: (LINES.index(row["category"]), str(row["period_start"])))
        return cls(tuple(parts["points"]), tuple(lines), tuple(parts["limit"]), tuple(parts["diagnostic"]),
                   int(rows.settings.get("fiscal_year_start", 1)))  # fmt: skip

    @property
    def shown(self) -> list[Row]:
        """The points that have a value."""
        return [row for row in self.points if not math.isnan(row["value"])]

    @property
    def kind(self) -> Kind:
        """What the values are."""
        if not self.points:
            return "number"
        return "days" if self.points[0]["unit"] == "days" else quantity_of(self.points[0]).kind

    @property
    def target(self) -> Target | None:
        """The target with its assurance; nothing when there is none or it may not be shown."""
        aims = [row for row in self.lines if row["category"] == "target"]
        return Target(float(aims[0]["value"]), read_note(aims[0], "assurance: ")) if aims else None

    @property
    def centres(self) -> list[Row]:
        """The centre lines or medians, in order of time."""
        return [row for row in self.lines if row["category"] in ("centre", "median")]

    def levels(self) -> dict[str, list[float]]:
        """The height of every line at every point, missing where it does not run."""
        levels = {name: [math.nan] * len(self.points) for name in LINES}
        for row in (*self.limits, *self.lines):
            start, end = row["period_start"], row["period_end"]
            for place, point in enumerate(self.points):
                after = not isinstance(start, str) or point["period_start"] >= start
                if after and (not isinstance(end, str) or str(point["period_end"]) <= end):
                    levels[row["category"]][place] = float(row["value"])
        return {name: found for name, found in levels.items() if not all(math.isnan(value) for value in found)}

    def last_levels(self) -> dict[str, float]:
        """The last height of every line."""
        return {name: [value for value in found if not math.isnan(value)][-1] for name, found in self.levels().items()}

    def breaks(self) -> Iterator[tuple[int, str]]:
        """The places from which the chart starts anew, with the reasons."""
        for row in self.centres:
            reason = read_note(row, "rebased: ")
            places = (place for place, point in enumerate(self.points) if point["period_start"] >= row["period_start"])
            if reason:
                yield next(places), reason

    def remarks(self) -> list[str]:
        """Which chart it is and why, and rebases that were not made, as sentences."""
        said = [row["note"] for row in self.diagnostics if row["category"] not in RUNS]
        for row in self.centres:
            said += [part for part in str(row["note"]).split("; ") if part.startswith("not rebased")]
        return [f"{text[:1].upper()}{text[1:]}." for text in said if isinstance(text, str)]

    def name(self, row: Row) -> str:
        """What the period of a point is called."""
        return name_period(row, self.year_start)

    def name_line(self, name: str) -> str:
        """What a line is called; the middle of a t-chart is not an average of days."""
        powers = any(str(row["method"]).startswith("t-chart") for row in self.centres)
        return "middle" if name == "centre" and powers else _NAMES.get(name, name)


def read_note(row: Row, word: str) -> str:
    """The part of a note after a word, up to the next part; empty when there is none."""
    note = row["note"] if isinstance(row["note"], str) else ""
    return note.split(word, 1)[1].split("; ")[0].strip() if word in note else ""


def read_mark(row: Row) -> str:
    """How a point is marked: a signal, ``early`` where it is too early to say, or ``none``."""
    word = read_note(row, "signal: ")
    return "early" if row["status"] == Status.IMMATURE else word if word in SIGNALS else "none"


def name_period(row: Row, year_start: int = 1) -> str:
    """A month as 2025-03, a quarter by its number in the year (a fiscal one where that starts later than January), a longer
    period by its first and last month, the time up to an event by the event's day."""
    if "between" in str(row["definition"]):
        return str(row["period_end"])
    start, end = str(row["period_start"])[:7], str(row["period_end"] or row["period_start"])[:7]
    if start == end:
        return start
    year, month = int(start[:4]), int(start[5:7])
    months = (int(end[:4]) - year) * 12 + int(end[5:7]) - month + 1
    into = (month - year_start) % 12
    if months == 3 and into % 3 == 0:
        fiscal = year_start > 1
        return f"{'FY' if fiscal else ''}{year + (fiscal and month >= year_start)} Q{into // 3 + 1}"
    return f"{start} to {end}"
