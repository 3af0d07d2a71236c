"""Abstinence at follow-up: what people reached said, and how far people not reached could move it.

Reads ``followup_response@1``, ``abstinent_missing_using@1`` and ``abstinent_missing_sober@1`` (the band and the interval
of it), ``abstinent_responders@1``, ``abstinent_weighted@1`` and ``abstinent_imputed@1``; ``at`` is the follow-up day.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show, show_value
from iop_outcomes.vocabulary import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How many people had gone 30 days without use, and what do we not know?"
RESPONSE, LOWER, UPPER = "followup_response@1", "abstinent_missing_using@1", "abstinent_missing_sober@1"
#: Marks within the band: definition, words, shape, face, edge and height; told apart by shape and fill, not by colour.
MARKS: tuple[tuple[str, str, str, str, str, float], ...] = (
    ("abstinent_imputed@1", "imputed", "D", BLUE, BLUE, -0.15),
    ("abstinent_weighted@1", "weighted", "s", GREY, INK, 0.0),
    ("abstinent_responders@1", "people reached only", "o", "white", INK, 0.15),
)
_HALF = 0.27
_Place = dict[str, dict[str, Any]]


def draw_followup(rows: Rows) -> Figure:
    """One line a month: a bar from bound to bound, its interval, and inside it what each reading says."""
    with styled():
        days = _days(rows)
        figure = new_figure(1.15 + 0.62 * max(1, len(days)))
        axes = figure.subplots()
        if not any(_shown(place, LOWER) and _shown(place, UPPER) for place in days.values()):
            say_nothing_to_show(axes, rows)
            return figure
        for line, (day, place) in enumerate(days.items()):
            axes.text(-0.06, line, _month(day), ha="right", va="center", fontsize=9, color=INK)
            axes.text(1.06, line, _reached(place), ha="left", va="center", fontsize=8, color=INK, linespacing=1.3)
            if not (_shown(place, LOWER) and _shown(place, UPPER)):
                axes.text(0.5, line, _reason(place), ha="center", va="center", fontsize=8, color=SOFT)
                continue
            _bar(axes, line, place)
        _key(axes)
        axes.set_ylim(len(days) - 0.4, -0.95)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color=LINE, linewidth=0.6)
        note = withheld_note(rows, "abstinent", "followup")
        words = "Bar: from everyone not reached counted as using, to counted as abstinent. Thin line: 95% interval."
        axes.set_xlabel(f"Share of everyone due. {words}{' ' if note else ''}{note}", fontsize=8, color=SOFT)
        return figure


def describe_followup(rows: Rows) -> str:
    """The figure in words, from its own numbers; people reached are never spoken of without the bounds."""
    parts = []
    for day, place in _days(rows).items():
        if not (_shown(place, LOWER) and _shown(place, UPPER)):
            continue
        low, high = (show_value(place[name]["value"], "share") for name in (LOWER, UPPER))
        marks = [
            f"{words} {show_value(place[name]['value'], 'share')}" for name, words, *_ in MARKS if _shown(place, name)
        ]
        reached = f" ({_reached(place, ' ')})" if _shown(place, RESPONSE) else ""
        parts.append(
            f"At {_month(day)}{reached}, between {low} and {high} whatever people not reached did"
            + (f"; {', '.join(marks)}" if marks else "")
        )
    if not parts:
        reason = "Numbers are withheld to protect privacy." if withheld_note(rows) else "Nothing to show yet."
        return f"{TITLE} {reason}"
    return f"Bars of 30 days without use among everyone due. {'. '.join(parts)}."


def tabulate_followup(rows: Rows) -> Table:
    """One line a month: due, reached, the two bounds, and each reading."""
    columns = (
        "Follow-up",
        "Due",
        "Reached",
        "Others using",
        "Others abstinent",
        "People reached only",
        "Weighted",
        "Imputed",
    )
    readings = (LOWER, UPPER, *(name for name, *_ in reversed(MARKS)))
    lines: list[tuple[Cell, ...]] = []
    for day, place in _days(rows).items():
        response = place.get(RESPONSE)
        due: Cell = ""
        if response:
            due = Quantity("count", float(response["denominator"]), status=str(response["status"]))
        cells: list[Cell] = [
            quantity_of(place[name], "share") if name in place else "" for name in (RESPONSE, *readings)
        ]
        lines.append((_month(day), due, *cells))
    return Table(columns, tuple(lines))


def _days(rows: Rows) -> dict[float, _Place]:
    """For each follow-up day the rows of everyone by definition, in order of day."""
    names = [RESPONSE, LOWER, UPPER, *(name for name, *_ in MARKS)]
    found: dict[float, _Place] = {}
    for row in rows.where(by="all", category="abstinent_30", definition=names).rows():
        if row["estimand"] in ("proportion", "adjusted_proportion"):
            found.setdefault(float(row["at"]), {})[row["definition"]] = row
    return dict(sorted(found.items()))


def _shown(place: _Place, name: str) -> bool:
    return name in place and not math.isnan(float(place[name]["value"]))


def _month(day: float) -> str:
    months = round(day / 30.4)
    return f"{months} month{'' if months == 1 else 's'}"


def _reached(place: _Place, gap: str = "\n") -> str:
    if not _shown(place, RESPONSE):
        return WITHHELD if place.get(RESPONSE, {}).get("status") == Status.WITHHELD else ""
    response = quantity_of(place[RESPONSE], "share")
    words = show(response)
    return f"{words} reached" if " of " in words else f"{words} reached{gap}of {response.denominator:,.0f}"


def _reason(place: _Place) -> str:
    status = str(place.get(LOWER, place.get(UPPER, {})).get("status", Status.WITHHELD))
    return WITHHELD if status == Status.WITHHELD else Status(status).label


def _bar(axes: Axes, line: int, place: _Place) -> None:
    low, high = float(place[LOWER]["value"]), float(place[UPPER]["value"])
    axes.plot([place[LOWER]["ci_low"], place[LOWER]["ci_high"]], [line, line], color=SOFT, linewidth=1.0, zorder=2)
    axes.barh(
        line, high - low, left=low, height=2 * _HALF, facecolor="#eef1f5", edgecolor=GREY, linewidth=0.8, zorder=3
    )
    for value, step, side in ((low, -0.008, "right"), (high, 0.008, "left")):
        axes.text(value + step, line - 0.06, show_value(value, "share"), ha=side, va="bottom", fontsize=8, color=INK)
    for name, _, shape, face, edge, height in MARKS:
        if _shown(place, name):
            at = float(place[name]["value"])
            axes.plot(
                [at],
                [line + height],
                shape,
                markersize=5.5,
                markerfacecolor=face,
                markeredgecolor=edge,
                zorder=5,
                clip_on=False,
            )


def _key(axes: Axes) -> None:
    """What the marks mean, above the first bar."""
    for at, (_, words, shape, face, edge, _) in zip((0.02, 0.2, 0.39), MARKS, strict=True):
        axes.plot([at], [-0.72], shape, markersize=6, markerfacecolor=face, markeredgecolor=edge, zorder=5)
        axes.text(at + 0.018, -0.72, words, ha="left", va="center", fontsize=8, color=INK)
