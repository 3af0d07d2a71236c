"""Which chart a line gets and why, its limits and signals, where it starts anew, and whether a target is within reach.

The charts themselves are in ``statistics``; here is what is decided of them (docs/methods/charts.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from iop_outcomes.errors import UsageError
from iop_outcomes.measures.chart_lines import Drawn, draw_line, draw_lines, draw_target, find_direction, note_signals
from iop_outcomes.measures.rows import Row
from iop_outcomes.statistics import (
    RunChart,
    dispersion_test,
    g_chart,
    p_chart,
    p_prime_chart,
    run_chart,
    t_chart,
    xmr_chart,
)

#: The charts there are; ``auto`` chooses one.
CHARTS: tuple[str, ...] = ("auto", "xmr", "p", "p_prime", "g", "t", "run")
#: Fewest points for limits; below it a run chart says what can be said.
LEAST_POINTS = 12
#: Fewest events (and others) expected in a period for limits made from counts (n ≥ 3/p; Provost & Murray 2011).
LEAST_EVENTS = 3
#: Fewest points after a rebase from which a centre and limits are computed.
LEAST_REBASED = 6
#: Chance of more variation than counting explains, below which limits allow for it.
LEVEL = 0.05


@dataclass(frozen=True)
class Choice:
    """A chart and what decided it: a sentence, and the number it rests on with its name."""

    chart: str
    reason: str = ""
    category: str = ""
    value: float = float("nan")


@dataclass(frozen=True)
class ChartPlan:
    """What the settings say of one line: the days it starts anew, each with its reason, and its target."""

    what: str
    rebases: tuple[tuple[str, str], ...] = ()
    target: float | None = None
    screen: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any], what: str, known: Sequence[str], screen: bool) -> ChartPlan:
        """The plan of a line; ``UsageError`` for a rebase of a line there is not."""
        rebases = settings.get("rebases") or []
        strange = [one["measure"] for one in rebases if one["measure"] not in known]
        if strange:
            raise UsageError(f"program.toml [[rebases]]: measure is one of {', '.join(known)}")
        own = sorted((one["from"].isoformat(), one["reason"]) for one in rebases if one["measure"] == what)
        return cls(what, tuple(own), (settings.get("targets") or {}).get(what), screen)


@dataclass(frozen=True)
class _Series:
    """The rows of a line in order of time, and where each stands on the time axis."""

    rows: list[Row]
    places: list[int]

    def column(self, name: str) -> np.ndarray:
        """A column by place, missing where a period has no row or is immature."""
        values = np.full(self.places[-1] + 1, np.nan)
        for place, row in zip(self.places, self.rows, strict=True):
            if row.get("status", "ok") == "ok" and row.get(name) is not None:
                values[place] = float(row[name])
        return values

    def first_from(self, day: str) -> int:
        """The place of the first row that begins on a day or after it; one past the end when there is none."""
        later = (place for place, row in zip(self.places, self.rows, strict=True) if row["period_start"] >= day)
        return next(later, self.places[-1] + 1)


def is_screened(chart: str) -> bool:
    """Whether a chart's limits are made from moving ranges, of which wild ones can be left out."""
    return chart in ("auto", "xmr", "p_prime", "t")


def add_lines(rows: list[Row], places: list[int], choice: Choice | None, plan: ChartPlan) -> list[Row]:
    """The rows of a line with its signals noted, and after them its centre, limits, target and diagnostics.

    ``places`` says where each row stands on the time axis, so that a period without a row is a gap. Without a ``choice``
    the chart is chosen here; a choice with a reason becomes a run chart when there are too few points.
    """
    if not rows:
        return []
    series = _Series(rows, places)
    values = series.column("value")
    if not np.isfinite(values).any():
        return rows
    pieces, refused = _cut(series, plan)
    if choice is None or choice.reason:
        few = _choose_run(values)
        choice = few or choice or _choose_chart(series, pieces)
    after: list[Row] = []
    for first, end, reason in pieces:
        chart = _draw(choice.chart, series, slice(first, end), plan.screen)
        inside = [(place - first, row) for place, row in zip(places, rows, strict=True) if first <= place < end]
        if isinstance(chart, RunChart) or np.isfinite(chart.upper).any():
            note_signals(inside, chart, find_direction(plan.what, rows[0]))
            notes = [f"rebased: {reason}"] if reason else []
            after += draw_lines(inside, chart, "; ".join([*notes, *(refused if end == pieces[-1][1] else [])]))
    if plan.target is not None and after and choice.chart not in ("t", "g"):
        after.append(draw_target(rows, chart, plan.target, find_direction(plan.what, rows[0])))
    if choice.reason:
        after.append(draw_line(rows, "diagnostic", choice.category, choice.value, note=choice.reason, unit="number"))
    return [*rows, *after]


def choose_gaps(rows: list[Row]) -> Choice | None:
    """Whether endings of one kind are so rare that what lies between them is charted, and what that is."""
    mature = [row for row in rows if row.get("status", "ok") == "ok"]
    if not mature:
        return None
    total = sum(row["n"] for row in mature)
    expected = total / len(mature)
    if expected >= LEAST_EVENTS:
        return None
    if total < 3:
        return Choice(
            "run", "run chart: fewer than 3 such endings in all, too few for days between them", "events", total
        )
    ended = np.array([row["denominator"] for row in mature], dtype=np.float64)
    rare = f"{expected:.1f} such endings expected a period, fewer than {LEAST_EVENTS}"
    if xmr_chart(ended).signal.any():
        reason = f"g-chart of other endings between: {rare}, and how many stays end has itself changed"
        return Choice("g", reason, "expected_events", expected)
    return Choice("t", f"t-chart of days between: {rare}", "expected_events", expected)


def _choose_run(values: np.ndarray) -> Choice | None:
    points = int(np.isfinite(values).sum())
    if points >= LEAST_POINTS:
        return None
    return Choice("run", f"run chart: {points} points, fewer than {LEAST_POINTS}", "points", points)


def _choose_chart(series: _Series, pieces: list[tuple[int, int, str]]) -> Choice:
    """XmR, p or p′, by what the rows rest on and how much they differ."""
    points = int(np.isfinite(series.column("value")).sum())
    if series.rows[0]["estimand"] not in ("proportion", "cumulative_incidence"):
        return Choice("xmr", "XmR chart: the figure is not a share of counted events", "points", points)
    events, units = series.column("n"), series.column("denominator")
    expected = float(min(np.nansum(events), np.nansum(units - events))) / points
    if expected < LEAST_EVENTS:
        reason = (
            f"XmR chart: {expected:.1f} of a kind expected a period, fewer than {LEAST_EVENTS}, too few for a p-chart"
        )
        return Choice("xmr", reason, "expected_events", expected)
    segment = np.repeat(np.arange(len(pieces)), [end - first for first, end, _ in pieces])
    test = dispersion_test(events, units, segment=segment)
    found = f"({test.ratio:.1f} times, p {_say_p(test.p_value)})"
    if test.p_value < LEVEL:
        return Choice(
            "p_prime", f"p′-chart: periods differ more than counting explains {found}", "dispersion", test.ratio
        )
    return Choice("p", f"p-chart: periods differ no more than counting explains {found}", "dispersion", test.ratio)


def _say_p(p_value: float) -> str:
    return "under 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _cut(series: _Series, plan: ChartPlan) -> tuple[list[tuple[int, int, str]], list[str]]:
    """Stretches (first place, one past the last, reason) between rebases, and a sentence for each that is refused."""
    values, size = series.column("value"), series.places[-1] + 1
    marks = [(series.first_from(day), day, reason) for day, reason in plan.rebases]
    kept: list[tuple[int, str]] = [(0, "")]
    refused = []
    for (first, day, reason), (following, _, _) in pairwise([*marks, (size, "", "")]):
        if np.isfinite(values[first:following]).sum() < LEAST_REBASED:
            refused.append(f"not rebased from {day}: fewer than {LEAST_REBASED} points after it")
        elif first > 0:
            kept.append((first, reason))
    return [(first, end, reason) for (first, reason), (end, _) in pairwise([*kept, (size, "")])], refused


def _draw(kind: str, series: _Series, part: slice, screen: bool) -> Drawn:
    values = series.column("value")[part]
    if kind == "run":
        return run_chart(values)
    if kind == "g":
        return g_chart(values)
    if kind == "t":
        return t_chart(values, screen=screen)
    if kind == "xmr":
        return xmr_chart(values, screen=screen)
    events, units = series.column("n")[part], series.column("denominator")[part]
    return p_chart(events, units) if kind == "p" else p_prime_chart(events, units, screen=screen)
