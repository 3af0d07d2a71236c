"""Do sites differ by more than their size explains? Shares against size, with the limits chance alone allows.

Reads the rows of one share, as ``measure_by_site`` gives them: ``proportion`` by ``program`` and for everyone, and
``limit`` rows by ``all`` whose ``at`` is the number of units; categories ``lower_95``, ``upper_99.8`` and so on, with
``_adjusted`` where limits were widened. A site's ``note`` says where it lies. Sites are labelled, never ranked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    ORANGE,
    SOFT,
    WASH,
    Rows,
    mark_percents,
    new_figure,
    say_nothing_to_show,
    spread,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import Quantity, quantity_of, show, show_interval, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Do sites differ by more than their size explains?"
SITE = "program"
#: Up to this many sites are all labelled; of more, only those outside the limits.
_LABEL_ALL = 8
_UNITS = {"session_status": "sessions", "requirement_met": "weeks"}
_LEVELS = (("95", "-"), ("99.8", (0, (4, 3))))


def draw_funnel(rows: Rows) -> Figure:
    """Sites as points by size and share; the overall share; limits as a funnel around it."""
    with styled():
        figure = new_figure(3.6)
        axes = figure.subplots()
        sites = [row for row in list_sites(rows) if not math.isnan(row["value"])]
        target = _target(rows)
        if not sites or target is None:
            say_nothing_to_show(axes, rows)
            return figure
        right = 1.15 * max(row["denominator"] for row in sites)
        left = min(row["denominator"] for row in sites)
        lines = _lines(rows, right)
        _draw_limits(axes, lines, right)
        axes.axhline(target, color=SOFT, linewidth=1.0)
        for row in sites:
            face, edge, mark = _look(row)
            axes.scatter(
                [row["denominator"]], [row["value"]], s=46, marker=mark, facecolor=face, edgecolor=edge, zorder=4
            )
        values = [row["value"] for row in sites]
        near = [y for points in lines.values() for x, y in points if x >= 0.6 * left] or values
        low, high = min([*values, *near]), max([*values, *near])
        margin = 0.06 * (high - low) or 0.05
        axes.set_ylim(max(0.0, low - margin), min(1.0, high + margin))
        first = min([left - 0.04 * right, *(points[0][0] for points in lines.values())])
        axes.set_xlim(max(0.0, first), right)
        _label_sites(axes, sites, right)
        _label_limits(axes, lines, target)
        mark_percents(axes.yaxis, lambda value: show_value(value, "share"))
        axes.xaxis.set_major_formatter(lambda value, _: show_value(value, "count"))
        key = f"▲ better  ▼ worse: outside 99.8%.  ◇ outside 95%.  ○ inside.  {withheld_note(_points(rows))}"
        axes.set_xlabel(f"{_units(rows).capitalize()} of the site.  {key}".strip(), fontsize=8, color=SOFT)
        return figure


def describe_funnel(rows: Rows) -> str:
    """The funnel in words, from its own numbers."""
    sites = [row for row in list_sites(rows) if not math.isnan(row["value"])]
    target = _target(rows)
    if not sites or target is None:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    words = [
        f"Funnel plot of {len(sites)} {'site' if len(sites) == 1 else 'sites'}; all together {show_value(target, 'share')}."
    ]
    for row in sites:
        note = "; ".join(_said(row))
        shown = show(quantity_of(row))
        base = shown if " of " in shown else f"{shown} of {row['denominator']:,.0f}"
        words.append(f"{row['group']}: {base} {_units(rows)}{', ' if note else ''}{note}.")
    return " ".join(words)


def tabulate_funnel(rows: Rows) -> Table:
    """One line a site, by name: units, share, likely range, the limits for its size, and where it lies."""
    limits = {
        (row["group"], row["category"]): row
        for row in rows.rows()
        if row["estimand"] == "funnel_limit" and row["by"] == SITE
    }
    lines: list[tuple[Cell, ...]] = []
    for row in list_sites(rows):
        found = quantity_of(row)
        edges = [limits.get((row["group"], f"{side}_95")) for side in ("lower", "upper")]
        shown = [show(quantity_of(edge)) if edge else "" for edge in edges]
        note = "; ".join(_said(row))
        base = Quantity("count", row["denominator"], status=row["status"])
        lines.append((str(row["group"]), base, found, show_interval(found), " to ".join(filter(None, shown)), note))
    return Table(
        ("Site", _units(rows).capitalize(), "Share", "Likely range", "95% limits for its size", ""), tuple(lines)
    )


def list_sites(rows: Rows) -> list[dict]:
    """The share of every site that has a name, in order of the names."""
    found = [row for row in rows.rows() if row["estimand"] == "proportion" and row["by"] == SITE]
    return sorted((row for row in found if isinstance(row["group"], str)), key=lambda row: row["group"])


def _points(rows: Rows) -> Rows:
    return rows.where(estimand="proportion", by=SITE)


def _target(rows: Rows) -> float | None:
    found = [row["value"] for row in rows.rows() if row["estimand"] == "proportion" and row["by"] == ALL]
    return float(found[0]) if len(found) == 1 and not math.isnan(found[0]) else None


def _lines(rows: Rows, right: float) -> dict[str, list[tuple[float, float]]]:
    """By category, the points of each limit from the left to the first beyond the right edge."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows.rows():
        if row["estimand"] == "funnel_limit" and row["by"] == ALL and not math.isnan(row["value"]):
            lines.setdefault(str(row["category"]), []).append((row["at"], row["value"]))
    for category, points in lines.items():
        points.sort()
        inside = sum(x <= right for x, _ in points)
        lines[category] = points[: inside + 1]
    return lines


def _draw_limits(axes: Axes, lines: dict[str, list[tuple[float, float]]], right: float) -> None:
    widened = any(name.endswith("_adjusted") for name in lines)
    for level, dash in _LEVELS:
        for side in ("lower", "upper"):
            for suffix, tone, width in (("", LINE if widened else GREY, 1.0), ("_adjusted", INK, 1.1)):
                points = lines.get(f"{side}_{level}{suffix}")
                if points:
                    axes.plot(*zip(*points, strict=True), color=tone, linewidth=width, linestyle=dash, zorder=2)
    chosen = "_adjusted" if widened else ""
    low, high = lines.get(f"lower_95{chosen}"), lines.get(f"upper_95{chosen}")
    if low and high:
        axes.fill_between([x for x, _ in low], [y for _, y in low], [y for _, y in high], color=WASH, zorder=0)


def _label_limits(axes: Axes, lines: dict[str, list[tuple[float, float]]], target: float) -> None:
    """Words at the right edge, where each line leaves the figure."""
    chosen = "_adjusted" if any(name.endswith("_adjusted") for name in lines) else ""
    right = axes.get_xlim()[1]
    ends = {f"overall {show_value(target, 'share')}": target}
    for level, _ in _LEVELS:
        for side in ("lower", "upper"):
            points = lines.get(f"{side}_{level}{chosen}")
            if points:
                word = f"{level}% limit" + (", widened" if chosen else "")
                ends[f"{word}{'' if side == 'upper' else ' '}"] = _height(points, right)
    low, high = axes.get_ylim()
    places = spread(list(ends.values()), (high - low) * 0.06, low, high)
    for word, place in zip(ends, places, strict=True):
        axes.annotate(
            word.strip(), (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=SOFT
        )


def _height(points: list[tuple[float, float]], x: float) -> float:
    """Where a line stands at the right edge, between the two points around it."""
    if len(points) == 1 or points[-1][0] <= x:
        return points[-1][1]
    (left, low), (right, high) = points[-2:]
    return low + (high - low) * (x - left) / (right - left)


def _label_sites(axes: Axes, sites: list[dict], right: float) -> None:
    chosen = sites if len(sites) <= _LABEL_ALL else [row for row in sites if _is_outside(row)]
    low, high = axes.get_ylim()
    places = spread([row["value"] for row in chosen], 0.07 * (high - low), low, high)
    for row, place in zip(chosen, places, strict=True):
        leftwards = row["denominator"] > 0.55 * right
        axes.annotate(
            str(row["group"]),
            (row["denominator"], row["value"]),
            (row["denominator"] + (-0.018 if leftwards else 0.018) * right, place),
            ha="right" if leftwards else "left",
            va="center",
            fontsize=8,
            zorder=3,
            bbox={"facecolor": WASH, "edgecolor": "none", "pad": 0.6},
        )


def _look(row: dict) -> tuple[str, str, str]:
    """Filled triangles are signals; a hollow diamond lies between the 95 % and the 99.8 % limits; a circle inside."""
    said = _said(row)
    if "signal: better" in said:
        return BLUE, BLUE, "^"
    if "signal: worse" in said:
        return ORANGE, ORANGE, "v"
    return "white", INK, "D" if _is_outside(row) else "o"


def _is_outside(row: dict) -> bool:
    """Whether a site lies outside the limits that hold for it: the widened ones, named last, where there are any."""
    places = [part for part in _said(row) if part.endswith("limits") or "widened" in part]
    return bool(places) and places[-1].startswith("outside")


def _said(row: dict) -> list[str]:
    """The parts of a site's note that say where it lies."""
    note = row["note"] if isinstance(row["note"], str) else ""
    return [part for part in note.split("; ") if part.startswith(("inside", "outside", "signal"))]


def _units(rows: Rows) -> str:
    names = rows.frame["definition"].astype(str).str.split("@").str[0]
    return _UNITS.get(str(names.iloc[0]), "episodes") if len(names) else "episodes"
