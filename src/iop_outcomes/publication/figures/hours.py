"""The hours ladder: what was required, what was offered, what was attended, by service type.

Reads ``hours_required@1``, ``hours_offered@1`` and ``hours_attended@1`` (estimand ``sum``, unit ``hours``; category a
service type or ``all``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, quantity_of
from iop_outcomes.vocabulary import ServiceType

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "How many of the required hours were offered and attended?"
STEPS: tuple[tuple[str, str], ...] = (
    ("Required", "hours_required@1"),
    ("Offered", "hours_offered@1"),
    ("Attended", "hours_attended@1"),
)
_LABELS = {"all": "All services", **ServiceType.labels()}
_LOOKS = (("white", SOFT), ("#c9d0d8", SOFT), (BLUE, BLUE))


def draw_hours_ladder(rows: Rows) -> Figure:
    """Three bars for each service type, with the hours at their ends."""
    with styled():
        services = _services(rows)
        figure = new_figure(0.9 + 0.78 * max(1, len(services)))
        axes = figure.subplots()
        top = rows.frame.loc[rows.frame["definition"].isin([name for _, name in STEPS]), "value"].max()
        if not services or math.isnan(float(top)):
            say_nothing_to_show(axes, rows)
            return figure
        for place, service in enumerate(services):
            for step, (label, definition) in enumerate(STEPS):
                value = _value(rows, definition, service)
                if value is None:
                    continue
                height = place + (step - 1) * 0.27
                known = not math.isnan(value)
                face, edge = _LOOKS[step]
                axes.barh(height, value if known else 0, height=0.24, linewidth=0.8, facecolor=face, edgecolor=edge)
                words = f"{value:,.0f}" if known else WITHHELD
                axes.text(
                    (value if known else 0) + 0.008 * top, height, f"{words}  {label.lower()}", va="center", fontsize=8
                )
        axes.set_yticks(range(len(services)), [_LABELS.get(service, service) for service in services])
        axes.invert_yaxis()
        axes.set_xlim(0, top * 1.17)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
        axes.tick_params(left=False)
        axes.set_xlabel(
            f"Hours. {WITHHELD} withheld to protect privacy"
            if withheld_note(rows, *(name for _, name in STEPS))
            else "Hours",
            color=SOFT,
        )
        return figure


def describe_hours_ladder(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    parts = []
    for service in _services(rows):
        shown = [(label.lower(), _value(rows, name, service)) for label, name in STEPS]
        words = ", ".join(
            f"{label} {value:,.0f}" for label, value in shown if value is not None and not math.isnan(value)
        )
        if words:
            parts.append(f"{_LABELS.get(service, service)}: {words}")
    return f"Bars of hours by service type. {'; '.join(parts)}." if parts else f"{TITLE} Nothing can be shown."


def tabulate_hours_ladder(rows: Rows) -> Table:
    """One line per service type."""
    place = {(row["definition"], row["category"]): row for row in rows.rows()}
    lines: list[tuple[Cell, ...]] = []
    for service in _services(rows):
        found = [place.get((name, service)) for _, name in STEPS]
        lines.append((_LABELS.get(service, service), *(quantity_of(row, "hours") if row else "" for row in found)))
    return Table(("Service", *(label for label, _ in STEPS)), tuple(lines))


def _services(rows: Rows) -> list[str]:
    found = set(rows.frame.loc[rows.frame["definition"].isin([name for _, name in STEPS]), "category"].dropna())
    known = [code for code in _LABELS if code in found]
    return [*known, *sorted(found - set(known))]


def _value(rows: Rows, definition: str, service: str) -> float | None:
    return next((float(row["value"]) for row in rows.where(definition=definition, category=service).rows()), None)
