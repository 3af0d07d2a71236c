"""What is known of each week in care: known sober, known use, and the three kinds of days nobody can speak of.

Reads ``day_states@1`` (estimand ``ratio``; category a state of the use calendar, ``at`` the week).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    LINE,
    ORANGE,
    Rows,
    name_bands,
    new_figure,
    read_first,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import quantity_of, show_value
from iop_outcomes.vocabulary import UseState

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "What is known of each week in care?"
_NAME = "day_states@1"
#: Weeks whose numbers there is room for.
_ROOM = 13
#: How much of its week a bar takes.
_BAR = 0.82
#: From the bottom up: sober, what nobody can speak of, use; with face, edge and hatch.
_LAYERS: tuple[tuple[UseState, str, str, str], ...] = (
    (UseState.NEGATIVE, BLUE, BLUE, ""),
    (UseState.NOT_DUE, "white", LINE, ""),
    (UseState.MISSED, "#eef1f4", GREY, "////"),
    (UseState.MIXED, "#d9dde2", GREY, "xxxx"),
    (UseState.POSITIVE, ORANGE, ORANGE, ""),
)


def draw_calendar(rows: Rows) -> Figure:
    """One bar a week, parted by what is known of the days people spent in care."""
    rows = rows.where(definition=_NAME, by="all")
    with styled():
        figure = new_figure(3.1)
        axes = figure.subplots()
        weeks = _weeks(rows)
        if not weeks:
            say_nothing_to_show(axes, rows)
            return figure
        every = 1 if len(weeks) <= _ROOM else 4
        middles: list[float] = []
        for week in weeks:
            bottom, middles = 0.0, []
            for state, face, edge, hatch in _LAYERS:
                share = _share(rows, state, week)
                axes.bar(
                    week, share, _BAR, bottom=bottom, facecolor=face, edgecolor=edge, hatch=hatch, linewidth=0.6
                )  # fmt: skip
                if state == UseState.NEGATIVE and share > 0.12 and every == 1:
                    axes.text(week, share / 2, show_value(share, "share"), ha="center", color="white", fontsize=8)
                middles.append(bottom + share / 2)
                bottom += share
        axes.set_ylim(0, 1)
        axes.set_xlim(weeks[0] - 0.6, weeks[-1] + 0.6)
        axes.set_xticks(weeks[::every], [f"{week:g}\n{_people(rows, week)}".strip() for week in weeks[::every]])
        axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
        counted = any(_people(rows, week) for week in weeks)
        words = f"Week of treatment{', and people in care in it' if counted else ''}. Whoever left is in no later bar."
        axes.set_xlabel(f"{words} {withheld_note(rows)}".strip(), fontsize=8)
        axes.set_ylabel("Of the days in care")
        end = weeks[-1] + _BAR / 2
        width = weeks[-1] - weeks[0] + 1.2
        name_bands(axes, end, 0.035 * width, middles, [state.label for state, *_ in _LAYERS])
        return figure


def describe_calendar(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    rows = rows.where(definition=_NAME, by="all")
    weeks = _weeks(rows)
    if not weeks:
        return f"{TITLE} Nothing can be shown."
    parts = []
    for week in dict.fromkeys((weeks[0], weeks[-1])):
        shares = (f"{show_value(_share(rows, state, week), 'share')} {state.label.lower()}" for state, *_ in _LAYERS)
        parts.append(f"in week {week:g} {', '.join(shares)}")
    words = f"Bars of the days people spent in care, week by week: {'; '.join(parts)}."
    return f"{words} Whoever left is in no later bar."


def tabulate_calendar(rows: Rows) -> Table:
    """One line per week, one column per state."""
    rows = rows.where(definition=_NAME, by="all")
    place = {(row["category"], row["at"]): row for row in rows.rows()}
    lines: list[tuple[Cell, ...]] = []
    for week in sorted({row["at"] for row in rows.rows()}):
        found = [place.get((str(state), week)) for state, *_ in _LAYERS]
        lines.append((f"{week:g}", *(quantity_of(row, "share") if row else "" for row in found)))
    return Table(("Week", *(state.label for state, *_ in _LAYERS)), tuple(lines))


def _weeks(rows: Rows) -> list[float]:
    """Weeks of which every state is shown: a bar with a part missing would mislead."""
    shown = rows.frame[rows.frame["value"].notna()].groupby("at")["category"].nunique()
    return [float(week) for week in sorted(shown.index[shown == len(_LAYERS)])]


def _share(rows: Rows, state: UseState, week: float) -> float:
    found = read_first(rows, category=str(state), at=week)
    return 0.0 if math.isnan(found) else found


def _people(rows: Rows, week: float) -> str:
    people = read_first(rows, "people", category=str(UseState.NEGATIVE), at=week)
    return "" if math.isnan(people) else f"{people:,.0f}"
