"""Who is counted: from the episodes read to the episodes counted, every exclusion with its reason.

Reads ``attrition@1`` (estimand ``count``), ordered by ``at``: a first row with category ``"read"`` (``n`` episodes read),
then one row per filter (category the reason in words, ``n`` left out, ``denominator`` what came in), and a last row with
category ``"counted"``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    SOFT,
    WASH,
    Rows,
    new_figure,
    say_nothing_to_show,
    styled,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Who is counted, and who is not?"
READ, COUNTED = "read", "counted"
_WORDS = {READ: "Episodes read", COUNTED: "Episodes counted"}


def draw_attrition(rows: Rows) -> Figure:
    """Boxes down the left for what remains, reasons for leaving out to the right."""
    with styled():
        steps = _steps(rows)
        figure = new_figure(0.5 + 0.55 * max(2, len(steps)))
        axes = figure.subplots()
        axes.set_axis_off()
        if not steps:
            say_nothing_to_show(axes, rows)
            return figure
        axes.set_xlim(0, 10)
        axes.set_ylim(len(steps) - 0.4, -0.6)
        for place, row in enumerate(steps):
            name, count = str(row["category"]), _count(row)
            if name in _WORDS:
                strong = name == COUNTED
                box = {
                    "boxstyle": "round,pad=0.45",
                    "facecolor": WASH,
                    "edgecolor": BLUE if strong else GREY,
                    "linewidth": 1.4 if strong else 0.8,
                }
                weight = "bold" if strong else "normal"
                text = f"{_WORDS[name]}\n{count}"
                axes.text(1.7, place, text, ha="center", va="center", fontsize=9.5, fontweight=weight, bbox=box)
            else:
                axes.annotate(
                    "", (3.6, place), (1.7, place), arrowprops={"arrowstyle": "-|>", "color": SOFT, "linewidth": 0.9}
                )
                axes.text(3.75, place, f"{count} left out: {_wrap(name)}", va="center", fontsize=9, color=INK)
        if len(steps) > 1:
            axes.annotate(
                "",
                (1.7, len(steps) - 1.42),
                (1.7, 0.42),
                zorder=0,
                arrowprops={"arrowstyle": "-|>", "color": SOFT, "linewidth": 0.9},
            )
        return figure


def describe_attrition(rows: Rows) -> str:
    """The flow in words, from its own numbers."""
    parts = []
    for row in _steps(rows):
        name, count = str(row["category"]), _count(row)
        said = "a withheld number" if count == WITHHELD else count
        parts.append(f"{said} {_WORDS[name].lower()}" if name in _WORDS else f"{said} left out ({name})")
    return f"Flow from records to the episodes counted: {'; '.join(parts)}." if parts else f"{TITLE} Nothing to show."


def tabulate_attrition(rows: Rows) -> Table:
    """One line per step."""
    lines = []
    for row in _steps(rows):
        name = str(row["category"])
        lines.append((_WORDS.get(name, f"Left out: {name}"), Quantity("count", row["n"], status=row["status"])))
    return Table(("Step", "Episodes"), tuple(lines))


def _steps(rows: Rows) -> list[dict]:
    found = [row for row in rows.rows() if str(row["definition"]).startswith("attrition")]
    return sorted(found, key=lambda row: row["at"])


def _count(row: dict) -> str:
    return WITHHELD if math.isnan(row["n"]) else f"{row['n']:,.0f}"


def _wrap(text: str, width: int = 58) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
