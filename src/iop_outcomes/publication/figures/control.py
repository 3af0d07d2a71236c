"""Is a change over time more than the usual ups and downs? Control and run charts, full size and tile size.

What the rows of a series are is said in ``control_series``. Pass the rows of *one* series (one definition, category and
group); ``pick_series`` does that.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Signal, Table
from iop_outcomes.publication.figures.control_series import (
    DRAWN,
    RUNS,
    ControlSeries,
    read_mark,
    read_note,
)
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SOFT,
    Rows,
    mark_percents,
    new_figure,
    say_nothing_to_show,
    spread,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import Quantity, quantity_of, show_value
from iop_outcomes.publication.published import Published

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Is the change more than the usual ups and downs?"
#: Fewest points for a signal to be called.
ENOUGH = 12

#: Marks of points: tone, shape and sign, so that they can be told apart in grey.
_MARKS = {"better": (BLUE, "^", "▲"), "worse": (ORANGE, "v", "▼"), "changed": (INK, "D", "◆"),
          "none": (GREY, "o", "●"), "early": ("white", "o", "○")}  # fmt: skip
_SAID = {"none": "no signal", "early": "too early to say"}
#: Icons of a target and words for what the limits say of it.
_TARGETS = {
    "meets": ("✓", BLUE, "ordinarily met"),
    "misses": ("✗", ORANGE, "ordinarily not met"),
    "varies": ("?", GREY, "at times met, by chance"),
    "unknown": ("?", GREY, "too few points"),
}


def pick_series(rows: Published, definition: str, category: str | None = None, group: str = "all") -> Published:
    """The points of one series with its lines, from a bundle."""
    chosen = rows.where(definition=definition, group=group)
    if category is None:
        return chosen
    return chosen.only(lambda row: row["estimand"] in DRAWN or row["category"] == category)


def latest_signal(rows: Rows) -> Signal:
    """The signal of the latest point that is shown: better, worse, none, or too few points to say."""
    series = ControlSeries.read(rows)
    if len(series.shown) < ENOUGH or not series.centres:
        return "too_few"
    mark = read_mark(series.shown[-1])
    return "better" if mark == "better" else "worse" if mark == "worse" else "none"


def draw_xmr(rows: Rows) -> Figure:
    """The series with its centre line and limits; points of a signal stand out by shape, tone and word."""
    with styled():
        figure = new_figure(3.2)
        axes = figure.subplots()
        axes.margins(y=0.1)
        series = ControlSeries.read(rows)
        if not series.shown:
            say_nothing_to_show(axes, rows)
            return figure
        points = series.points
        _chart(axes, series, size=34)
        axes.set_xlim(-0.6, len(points) - 0.4)
        _scale(axes, series)
        _label_lines(axes, series)
        _label_signals(axes, series)
        for place, reason in series.breaks():
            axes.axvline(place - 0.5, color=SOFT, linewidth=0.8)
            axes.annotate(
                textwrap.fill(f"new baseline: {reason}", 34), (place - 0.5, 1.01), (3, 0), ha="left", va="bottom",
                xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8, color=SOFT,
            )  # fmt: skip
        marks = {read_mark(row) for row in series.shown} | {"better", "worse", "none"}
        legend = "  ".join(f"{sign} {_SAID.get(mark, mark)}" for mark, (_, _, sign) in _MARKS.items() if mark in marks)
        words = [f"{legend}.  {withheld_note(rows)}".strip(), *_say_lines(rows, series)]
        words += [textwrap.fill(text, 105) for text in series.remarks()]
        axes.set_xlabel("\n".join(words), fontsize=8, color=SOFT, loc="left")
        return figure


def draw_sparkline(rows: Rows) -> Figure:
    """The same chart at the size of a tile: no axes, the last point marked."""
    with styled():
        figure = new_figure(0.62, 2.4)
        axes = figure.subplots()
        series = ControlSeries.read(rows)
        axes.set_axis_off()
        if not series.shown:
            say_nothing_to_show(axes, rows)
            return figure
        _chart(axes, series, size=12)
        axes.margins(x=0.04, y=0.18)
        return figure


def describe_xmr(rows: Rows) -> str:
    """The chart in words, from its own numbers."""
    series = ControlSeries.read(rows)
    points, kind = series.shown, series.kind
    if not points:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    words = [
        f"Chart over {len(points)} periods, from {show_value(points[0]['value'], kind)} ({series.name(points[0])}) "
        f"to {show_value(points[-1]['value'], kind)} ({series.name(points[-1])})."
    ]
    last = {name: show_value(value, kind) for name, value in series.last_levels().items()}
    for name in ("centre", "median"):
        if name in last:
            usual = [f"usual range {last['lower']} to {last['upper']}"] if {"lower", "upper"} <= set(last) else []
            words.append("; ".join([f"{series.name_line(name).capitalize()} {last[name]}", *usual]) + ".")
    words += [f"New baseline from {series.name(series.points[place])}: {reason}." for place, reason in series.breaks()]
    if series.target:
        words.append(f"Target {last['target']}: {_TARGETS[series.target.assurance][2]}.")
    marked = [f"{series.name(row)} {read_mark(row)}" for row in points if read_mark(row) not in ("none", "early")]
    words.append(f"Signals: {', '.join(marked)}." if marked else "No signal.")
    return " ".join([*words, *_say_lines(rows, series), *series.remarks()])


def _say_lines(rows: Rows, series: ControlSeries) -> list[str]:
    """Why a line is drawn without its average and range, where that is for privacy."""
    bare = bool(series.shown) and not series.centres and bool(withheld_note(rows))
    return ["Average and usual range are not drawn: what is withheld could be worked out from them."] if bare else []


def tabulate_xmr(rows: Rows) -> Table:
    """One line per period: value, what it rests on, its limits where they differ, its signal; then the lines."""
    series = ControlSeries.read(rows)
    levels = series.levels()
    limits = {name: levels[name] for name in ("lower", "upper") if series.limits and name in levels}
    blank = ("",) * len(limits)
    lines: list[tuple[Cell, ...]] = []
    for place, row in enumerate(series.points):
        base = Quantity("count", row["denominator"], status=row["status"])
        own = [Quantity(series.kind, found[place]) for found in limits.values()]
        mark = read_mark(row)
        lines.append(
            (
                series.name(row),
                quantity_of(row),
                base,
                *own,
                "" if mark == "none" else _SAID.get(mark, mark),
            )
        )
    for row in series.lines:
        reason = read_note(row, "rebased: ")
        word = _TARGETS[read_note(row, "assurance: ")][2] if row["category"] == "target" else ""
        name = str(row["category"]).capitalize() + (f" (new baseline: {reason})" if reason else "")
        lines.append((name, Quantity(series.kind, row["value"]), "", *blank, word))
    for row in series.diagnostics:
        if row["category"] in RUNS:
            count = Quantity("count", row["value"])
            lines.append((RUNS[row["category"]].capitalize(), count, "", *blank, str(row["note"])))
    names = [series.name_line(name).capitalize() for name in limits]
    return Table(("Period", "Value", "Of", *names, "Signal"), tuple(lines))


def _chart(axes: Axes, series: ControlSeries, size: float) -> None:
    """Lines, then points: solid where the periods are whole, pale and dotted where it is too early."""
    breaks = {place for place, _ in series.breaks()}
    for name, levels in series.levels().items():
        steps: list[tuple[float, float]] = []
        for place, level in enumerate(levels):
            steps += [(place - 0.5, math.nan)] if place in breaks and name != "target" else []
            steps += [(place - 0.5, level), (place + 0.5, level)]
        dashes = {"centre": "-", "median": "-", "target": (0, (1, 2))}.get(name, (0, (4, 3)))
        tone, width = (INK, 1.4) if name == "target" else (SOFT, 0.9)
        axes.plot(*zip(*steps, strict=True), color=tone, linewidth=width, linestyle=dashes, zorder=1)
    marks = [read_mark(row) for row in series.points]
    values = [row["value"] for row in series.points]
    whole = [math.nan if mark == "early" else value for mark, value in zip(marks, values, strict=True)]
    axes.plot(range(len(values)), whole, color=GREY, linewidth=1.1, zorder=2)
    for place in range(1, len(values)):
        if "early" in marks[place - 1 : place + 1]:
            axes.plot(
                [place - 1, place], values[place - 1 : place + 1], color=GREY, linewidth=0.9, linestyle=":", zorder=2
            )
    last = max((place for place, value in enumerate(whole) if not math.isnan(value)), default=-1)
    points: dict[str, list[tuple[float, float, float, str, str]]] = {}
    for place, (mark, value) in enumerate(zip(marks, values, strict=True)):
        if math.isnan(value):
            continue
        tone, shape, _ = _MARKS[mark]
        edge = INK if place == last else GREY if mark == "early" else tone
        fill = INK if place == last and mark == "none" else tone
        area = size * (1.6 if shape in "^v" else 1.0)
        points.setdefault(shape, []).append((place, value, area, fill, edge))
    for shape, found in points.items():
        across, up, areas, fills, edges = map(list, zip(*found, strict=True))
        axes.scatter(across, up, s=areas, marker=shape, zorder=3, facecolor=fills, edgecolor=edges, linewidth=1.0)


def _scale(axes: Axes, series: ControlSeries) -> None:
    """Ticks that differ as they are printed: whole percents, whole numbers; not more dates than there is room for."""
    from matplotlib.ticker import MaxNLocator

    kind = "count" if series.kind == "days" else series.kind
    if series.kind == "share":
        mark_percents(axes.yaxis, lambda value: show_value(value, kind))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=kind == "count"))
        axes.yaxis.set_major_formatter(lambda value, _: show_value(value, kind))
    if series.kind == "days":
        axes.set_ylabel("days")
    names = [series.name(row) for row in series.points]
    step = max(1, math.ceil(len(names) / (8 if len(names[0]) < 8 else 6)))
    axes.set_xticks(range(0, len(names), step), names[::step])


def _label_lines(axes: Axes, series: ControlSeries) -> None:
    """Names and heights of the lines beside their last points, apart from each other; the target with its icon."""
    levels = series.last_levels()
    low, high = axes.get_ylim()
    heights = spread(list(levels.values()), 0.085 * (high - low), low, high)
    for (name, value), height in zip(levels.items(), heights, strict=True):
        text = f"{series.name_line(name)}{', last' if series.limits and name in ('lower', 'upper') else ''}"
        text, start = f"{text} {show_value(value, series.kind)}", 6
        if name == "target" and series.target:
            icon, tone, word = _TARGETS[series.target.assurance]
            text, start = f"{text}: {word}", 20
            axes.annotate(
                icon, (1, height), (12, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
                ha="center", fontsize=7, color="white" if tone == BLUE else INK, weight="bold",
                bbox={"boxstyle": "circle,pad=0.2", "facecolor": tone, "edgecolor": "none"},
            )  # fmt: skip
        axes.annotate(
            text, (1, height), (start, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize=8, color=SOFT,
        )  # fmt: skip


def _label_signals(axes: Axes, series: ControlSeries) -> None:
    """The word of a signal at the last point of each stretch that shares it."""
    points = series.points
    for place, row in enumerate(points):
        word = read_mark(row)
        if word in ("none", "early") or (place + 1 < len(points) and read_mark(points[place + 1]) == word):
            continue
        below = word == "worse"
        axes.annotate(
            word, (place, row["value"]), (0, -8 if below else 8), textcoords="offset points", ha="center",
            va="top" if below else "bottom", fontsize=8,
        )  # fmt: skip
