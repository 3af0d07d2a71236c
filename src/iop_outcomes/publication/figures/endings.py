"""How episodes end: every person admitted is in exactly one band on every day.

Reads ``ending@1`` (estimand ``cumulative_incidence``, category an end reason; ``survival``, category ``in_programme``)
and, when present, ``at_risk@1``, for everyone or for one group.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    GREY,
    HATCHES,
    SOFT,
    TONES,
    Rows,
    name_bands,
    new_figure,
    say_nothing_to_show,
    series,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show_value
from iop_outcomes.vocabulary import EndReason, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Who stays, who completes, and how else do episodes end?"
REST = "Other endings together"
#: From the bottom of the stack; what is still running lies on top.
ORDER: tuple[str, ...] = ("completed", "lost_early", *EndReason.codes()[1:], "other_endings", "in_programme")
_LABELS = {
    **EndReason.labels(),
    "lost_early": "Left early or ended by the programme",
    "other_endings": "Other endings",
    "in_programme": "Still in programme",
}


def draw_endings(rows: Rows) -> Figure:
    """Stacked cumulative incidence to the programme's length, named beside the bands, with numbers at risk below."""
    with styled():
        figure = new_figure(4.4)
        axes, table = figure.subplots(2, 1, height_ratios=[9, 1], sharex=True)
        bands = _bands(rows)
        if not bands:
            say_nothing_to_show(axes, rows)
            table.set_axis_off()
            return figure
        days = _days(rows)
        _stack(axes, days, bands)
        note = withheld_note(rows, "ending", "at_risk")
        if note:
            axes.set_title(f"Drawn on the days that may be shown. {note}", loc="left", fontsize=7.5, color=SOFT)
        _at_risk(table, rows, days)
        table.set_xlabel("Days since admission")
        return figure


def describe_endings(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    bands = _bands(rows)
    if not bands:
        hidden = withheld_note(rows, "ending", "at_risk")
        return f"{TITLE} {'Numbers are withheld to protect privacy.' if hidden else 'Nothing to show yet.'}"
    day = _days(rows)[-1]
    parts = "; ".join(f"{label.lower()} {show_value(values[-1], 'share')}" for label, values in bands)
    return f"Stacked areas, one band for each way an episode stands. By day {day:g} of everyone admitted: {parts}."


def tabulate_endings(rows: Rows) -> Table:
    """One line a day: share still in the programme and share ended for each reason, then the number at risk."""
    frame = rows.frame
    ending = frame[frame["definition"].str.startswith("ending")]
    found = [code for code in ORDER if (ending["category"] == code).any()]
    days = sorted(set(ending["at"].dropna()))
    risk = frame[frame["category"] == "at_risk"]
    lines: list[tuple[Cell, ...]] = []
    by_place = {(row["at"], row["category"]): row for row in ending.to_dict("records")}
    at_risk = {row["at"]: row for row in risk.to_dict("records")}
    for day in days:
        cells = [by_place.get((day, code)) for code in found]
        if all(cell is None or cell["status"] == Status.WITHHELD for cell in cells):
            continue
        shown: list[Cell] = [
            quantity_of({str(k): v for k, v in cell.items()}, "share") if cell else "" for cell in cells
        ]
        if len(risk):
            one = at_risk.get(day)
            shown.append(Quantity("count", one["value"], status=one["status"]) if one else "")
        lines.append((f"{day:g}", *shown))
    columns = ("Day", *(_LABELS[code] for code in found), *(("At risk",) if len(risk) else ()))
    return Table(columns, tuple(lines))


def _shares(rows: Rows) -> dict[str, dict[float, float]]:
    """Share by day of every category the rows hold, where it is shown."""
    rows = rows.where(definition=sorted({str(n) for n in rows.frame["definition"] if str(n).startswith("ending")}))
    ending = rows.frame[rows.frame["definition"].str.startswith("ending")]
    days = sorted({float(day) for day in ending["at"].dropna()})
    found = {}
    for code in ORDER:
        line = series(rows.where(category=code), estimand=["cumulative_incidence", "survival"])
        if not line.at:
            continue
        shown = {
            float(day): float(value) for day, value in zip(line.at, line.value, strict=True) if not math.isnan(value)
        }
        if code != "in_programme":
            nobody_by = max((day for day, value in shown.items() if value == 0), default=-1.0)
            shown |= {day: 0.0 for day in days if day <= nobody_by}
        found[code] = shown
    return found


def _days(rows: Rows) -> list[float]:
    """Days on which every band is shown; where those do not span half the time, the bands shown least are given up."""
    shares = _shares(rows)
    kept = sorted(shares, key=lambda code: (code == "in_programme", len(shares[code])), reverse=True)
    last = max((day for line in shares.values() for day in line), default=0.0)
    while kept:
        common = sorted(set.intersection(*(set(shares[code]) for code in kept)))
        if len(kept) == 1 or (common and common[-1] - common[0] >= last / 2):
            return common
        kept.pop()
    return []


def _bands(rows: Rows) -> list[tuple[str, np.ndarray]]:
    """Label and share per day, bottom to top; what is not shown one by one forms one band of its own."""
    days = _days(rows)
    if len(days) < 2:
        return []
    known = {code: np.array([line.get(day, math.nan) for day in days]) for code, line in _shares(rows).items()}
    shares = {code: values for code, values in known.items() if not np.isnan(values).any() and values.max() > 0}
    if not shares:
        return []
    bands = [(_LABELS[code], shares[code]) for code in ORDER if code in shares and code != "in_programme"]
    rest = 1.0 - sum(shares.values(), np.zeros(len(days)))
    every = "in_programme" in shares and not any(np.isnan(values).any() for values in known.values())
    if rest.max() > (0.05 if every else 0.005):  # bands that are all there may miss a little by rounding
        bands.append((REST if "in_programme" in shares else "Everyone else", np.clip(rest, 0, 1)))
    if "in_programme" in shares:
        bands.append((_LABELS["in_programme"], shares["in_programme"]))
    return bands


def _stack(axes: Axes, days: list[float], bands: list[tuple[str, np.ndarray]]) -> None:
    width = days[-1] - days[0]
    end = days[-1] + 0.03 * width
    edges = [*days, end]
    bottom = np.zeros(len(edges))
    middles, labels = [], []
    later = int(bands[0][0] != _LABELS["completed"])  # its tone is nobody else's
    for place, (label, steps) in enumerate(bands):
        values = np.append(steps, steps[-1])
        last = label == _LABELS["in_programme"]
        look = (place + later) % len(TONES)
        tone = "#eef1f5" if last else TONES[look] if label != REST else GREY
        hatch = "" if last else HATCHES[look]
        axes.fill_between(
            edges, bottom, bottom + values, step="post", facecolor=tone, edgecolor="white", hatch=hatch, linewidth=0.6
        )
        middles.append(float(bottom[-1] + values[-1] / 2))
        labels.append(f"{label} {show_value(float(values[-1]), 'share')}")
        bottom = bottom + values
    name_bands(axes, end, 0.03 * width, middles, labels)
    axes.set_xlim(days[0], end)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_ylabel("Of everyone admitted")
    axes.tick_params(labelbottom=False)


def _at_risk(axes: Axes, rows: Rows, days: list[float]) -> None:
    """Numbers at risk under the days that are labelled."""
    axes.spines[:].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.set_yticks([])
    step = 7 if days[-1] - days[0] <= 60 else 14 if days[-1] - days[0] <= 130 else 28
    ticks = [float(day) for day in np.arange(days[0], days[-1] + 1, step)]
    axes.set_xticks(ticks, [f"{day:g}" for day in ticks])
    line = series(rows, category="at_risk")
    place = dict(zip(line.at, line.value, strict=True))
    if all(math.isnan(place.get(day, math.nan)) for day in ticks):
        return
    for day in ticks:
        if day in place:
            text = WITHHELD if math.isnan(place[day]) else f"{place[day]:,.0f}"
            axes.text(day, 0.45, text, ha="center", va="center", fontsize=8, clip_on=False)
    axes.set_ylabel("In care", rotation=0, ha="right", va="center", fontsize=8, labelpad=22)
