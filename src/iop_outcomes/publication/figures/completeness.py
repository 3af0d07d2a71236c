"""How much is known: one strip for each thing that should have been recorded, filled as far as it was.

Reads ``completeness@1`` (estimand ``proportion``; category what should be known, in words or as a code; ``n`` known of
``denominator`` due; ``n_missing`` the rest).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.instruments import INSTRUMENTS
from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show_value
from iop_outcomes.publication.wording import say_code

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DUE = " made when due"
TITLE = "How much of what should be known is known?"


def draw_completeness(rows: Rows) -> Figure:
    """Strips: filled for known, hatched for unknown, empty and marked when withheld."""
    with styled():
        found = _rows(rows)
        figure = new_figure(0.5 + 0.26 * max(2, len(found)))
        axes = figure.subplots()
        if not found:
            say_nothing_to_show(axes, rows)
            return figure
        for place, row in enumerate(found):
            value = float(row["value"])
            known = not math.isnan(value)
            axes.barh(
                place, 1, height=0.6, facecolor="white", edgecolor=GREY, hatch="////" if known else "", linewidth=0.5
            )
            if known:
                axes.barh(place, value, height=0.6, facecolor=BLUE, edgecolor=BLUE, linewidth=0.5)
            text = show_value(value, "share") if known else WITHHELD if row["status"] == "withheld" else "–"
            axes.text(1.015, place, text, va="center", fontsize=8.5, color=INK)
        axes.set_yticks(range(len(found)), [_label(row, rows) for row in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_xlim(0, 1.09)
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        axes.tick_params(left=False)
        note = f"  {WITHHELD} withheld to protect privacy." if withheld_note(rows, "completeness") else ""
        axes.set_xlabel(f"Filled: known.  Hatched: unknown.{note}", fontsize=8, color=SOFT)
        return figure


def describe_completeness(rows: Rows) -> str:
    """The strips in words, from their own numbers."""
    parts = [
        f"{_label(row, rows)} {show_value(row['value'], 'share')}"
        for row in _rows(rows)
        if not math.isnan(row["value"])
    ]
    return f"Strips of how much is known: {'; '.join(parts)}." if parts else f"{TITLE} Nothing can be shown."


def tabulate_completeness(rows: Rows) -> Table:
    """One line per strip: share known, known, due."""
    lines: list[tuple[Cell, ...]] = []
    for row in _rows(rows):
        counts = [Quantity("count", row[name], status=row["status"]) for name in ("n", "denominator")]
        lines.append((_label(row, rows), quantity_of(row, "share"), *counts))
    return Table(("What", "Known", "Records", "Of"), tuple(lines))


def _rows(rows: Rows) -> list[dict]:
    return [row for row in rows.rows() if str(row["definition"]).startswith("completeness")]


def _say(category: str, rows: Rows) -> str:
    """What should be known, as readers meet it: ``phq9 made when due`` is asked for by its name.

    A programme's own instrument has the label of the rows' settings; what is not asked for when due is a column.
    """
    name, due, _ = category.partition(_DUE)
    if not due:
        return say_code(name)
    label = rows.settings.get("instrument_labels", {}).get(name) or (
        INSTRUMENTS[name].label if name in INSTRUMENTS else say_code(name)
    )
    return f"{label[:1].upper()}{label[1:]}, when due"


def _label(row: dict, rows: Rows) -> str:
    text = _say(str(row["category"] or ""), rows)
    group = row["group"]
    return text if group == "all" else f"{text}, {group if isinstance(group, str) else 'unknown'}"
