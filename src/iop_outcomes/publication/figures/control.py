"""Is a change over time more than the usual ups and downs? Control charts (XmR), full size and tile size.

The convention for the rows of one series, as ``measure_by_period`` and its chart give them:

* one row per period of the definition itself (any estimand), with ``period_start`` and ``period_end`` set; its ``note``
  holds ``"signal: better"`` or ``"signal: worse"`` when the point is part of a signal, else nothing;
* rows with estimand ``center_line``, the same ``definition``, ``by`` and ``group``, and ``category`` ``"centre"``,
  ``"lower"`` or ``"upper"``, with the value of the line. A line that covers only part of the series (after a rebase) has
  ``period_start`` and ``period_end`` set; otherwise it runs over the whole chart. Without these rows the chart is a run
  chart: points without limits.

Pass the rows of *one* series (one definition, category and group); ``pick_series`` does that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Signal, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import Kind, Quantity, quantity_of, show_value
from iop_outcomes.publication.published import Published

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Is the change more than the usual ups and downs?"
BETTER, WORSE = "signal: better", "signal: worse"
_LINES = ("centre", "lower", "upper")
#: Fewest points for a signal to be called.
ENOUGH = 12


def pick_series(rows: Published, definition: str, category: str | None = None, group: str = "all") -> Published:
    """The points of one series with its lines, from a bundle."""
    wanted = [name for name in (category, *_LINES) if name is not None]
    chosen = rows.where(definition=definition, group=group)
    return chosen if category is None else chosen.where(category=wanted)


def latest_signal(rows: Rows) -> Signal:
    """The signal of the latest point that is shown: better, worse, none, or too few points to say."""
    shown = [row for row in _points(rows) if not math.isnan(row["value"])]
    if len(shown) < ENOUGH or "centre" not in _limits(rows):
        return "too_few"
    return _signal(shown[-1])


def draw_xmr(rows: Rows) -> Figure:
    """The series with its centre line and limits; points of a signal stand out by shape, tone and word."""
    with styled():
        figure = new_figure(3.0)
        axes = figure.subplots()
        axes.margins(y=0.1)
        points = _points(rows)
        if all(math.isnan(row["value"]) for row in points):
            say_nothing_to_show(axes, rows)
            return figure
        kind = _kind(points)
        _chart(axes, points, rows, size=34)
        for name, value in _limits(rows).items():
            word = {"centre": "average", "lower": "usual range, low", "upper": "usual range, high"}[name]
            text = f"{word} {show_value(value, kind)}"
            axes.annotate(text, (1.01, value), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=SOFT)
        for place, row in enumerate(points):
            signal = _signal(row)
            if signal != "none" and (place + 1 == len(points) or _signal(points[place + 1]) != signal):
                axes.annotate(
                    signal, (place, row["value"]), (0, 8 if signal == "better" else -8),
                    textcoords="offset points", ha="center", va="bottom" if signal == "better" else "top", fontsize=8,
                )  # fmt: skip
        step = max(1, math.ceil(len(points) / 8))
        axes.set_xticks(range(0, len(points), step), [_period(points[i]) for i in range(0, len(points), step)])
        axes.yaxis.set_major_formatter(lambda value, _: show_value(value, kind))
        note = withheld_note(rows)
        axes.set_xlabel(f"▲ better  ▼ worse  ● no signal.  {note}".strip(), fontsize=8, color=SOFT)
        return figure


def draw_sparkline(rows: Rows) -> Figure:
    """The same chart at the size of a tile: no axes, the last point marked."""
    with styled():
        figure = new_figure(0.62, 2.4)
        axes = figure.subplots()
        points = _points(rows)
        axes.set_axis_off()
        if all(math.isnan(row["value"]) for row in points):
            say_nothing_to_show(axes, rows)
            return figure
        _chart(axes, points, rows, size=12)
        axes.margins(x=0.04, y=0.18)
        return figure


def describe_xmr(rows: Rows) -> str:
    """The chart in words, from its own numbers."""
    points = [row for row in _points(rows) if not math.isnan(row["value"])]
    if not points:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    kind = _kind(points)
    words = [
        f"Chart over {len(points)} periods, from {show_value(points[0]['value'], kind)} ({_period(points[0])}) "
        f"to {show_value(points[-1]['value'], kind)} ({_period(points[-1])})."
    ]
    limits = _limits(rows)
    if {"centre", "lower", "upper"} <= set(limits):
        words.append(
            f"Average {show_value(limits['centre'], kind)}; usual range {show_value(limits['lower'], kind)} "
            f"to {show_value(limits['upper'], kind)}."
        )
    marked = [f"{_period(row)} {_signal(row)}" for row in points if _signal(row) != "none"]
    words.append(f"Signals: {', '.join(marked)}." if marked else "No signal.")
    return " ".join(words)


def tabulate_xmr(rows: Rows) -> Table:
    """One line per period: value, what it rests on, its signal; then the lines."""
    lines: list[tuple[Cell, ...]] = []
    for row in _points(rows):
        base = Quantity("count", row["denominator"], status=row["status"])
        lines.append((_period(row), quantity_of(row), base, _signal(row) if _signal(row) != "none" else ""))
    kind = _kind(_points(rows))
    for name, value in _limits(rows).items():
        lines.append((name.capitalize(), Quantity(kind, value), "", ""))
    return Table(("Period", "Value", "Of", "Signal"), tuple(lines))


def _points(rows: Rows) -> list[dict]:
    found = [row for row in rows.rows() if row["estimand"] != "center_line" and isinstance(row["period_start"], str)]
    return sorted(found, key=lambda row: (row["period_start"], row["period_end"] or ""))


def _limits(rows: Rows) -> dict[str, float]:
    """The lines that run over the whole chart."""
    found = {}
    for row in rows.rows():
        if row["estimand"] == "center_line" and row["category"] in _LINES and not math.isnan(row["value"]):
            found[str(row["category"])] = float(row["value"])
    return {name: found[name] for name in ("upper", "centre", "lower") if name in found}


def _signal(row: dict) -> Signal:
    note = row["note"] if isinstance(row["note"], str) else ""
    return "better" if BETTER in note else "worse" if WORSE in note else "none"


def _kind(points: list[dict]) -> Kind:
    return quantity_of(points[0]).kind if points else "number"


def _period(row: dict) -> str:
    """A month as 2025-03, a longer period by its first and last month."""
    start, end = str(row["period_start"])[:7], str(row["period_end"] or row["period_start"])[:7]
    if start == end:
        return start
    months = (int(end[:4]) - int(start[:4])) * 12 + int(end[5:7]) - int(start[5:7]) + 1
    if months == 3 and int(start[5:7]) % 3 == 1:
        return f"{start[:4]} Q{(int(start[5:7]) + 2) // 3}"
    return f"{start} to {end}"


def _chart(axes: Axes, points: list[dict], rows: Rows, size: float) -> None:
    values = [row["value"] for row in points]
    axes.plot(range(len(values)), values, color=GREY, linewidth=1.1, zorder=2)
    limits = _limits(rows)
    for name, value in limits.items():
        axes.axhline(value, color=SOFT, linewidth=0.9, linestyle="-" if name == "centre" else (0, (4, 3)), zorder=1)
    for place, row in enumerate(points):
        if math.isnan(row["value"]):
            continue
        signal = _signal(row)
        tone, mark = {"better": (BLUE, "^"), "worse": (ORANGE, "v")}.get(signal, ("white", "o"))
        last = place + 1 == len(points)
        plain = signal == "none"
        axes.scatter(
            [place],
            [row["value"]],
            s=size * (1.0 if plain else 1.6),
            marker=mark,
            zorder=3,
            facecolor=INK if last and plain else tone,
            edgecolor=INK if last else (GREY if plain else tone),
            linewidth=1.0,
        )
