"""How do first stays end at two levels of care, as placed and once their people are made alike?

Reads ``level_crude_ending@1`` and ``level_effect_ending@1`` of one comparison: shares by day of each ending, for both levels.
A refused comparison keeps its plain lines, and the reason is written under them.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.effect import say_gap
from iop_outcomes.publication.figures.style import (
    BLUE,
    INK,
    SOFT,
    Rows,
    new_figure,
    say_nothing_to_show,
    series,
    spread,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import quantity_of, say_note, show_value
from iop_outcomes.vocabulary import EndReason, LevelOfCare, Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How do first stays end at either level of care?"
CRUDE, EFFECT = "level_crude_ending@1", "level_effect_ending@1"
_LABELS = {**EndReason.labels(), "in_programme": "Still in the programme"}
#: How a level's lines look: tone, marker and the marker's face.
_LOOKS = ((BLUE, "o", BLUE), (INK, "s", "white"))
_PANELS = 2


def draw_endings_by_level(rows: Rows) -> Figure:
    """A panel for each of two endings: both levels by day, made alike in thick lines, as placed in thin broken ones."""
    rows = _only(rows)
    with styled():
        chosen = _endings(rows)[:_PANELS]
        refusal = _refusal(rows)
        said = textwrap.wrap(f"Made alike: not estimated. {refusal}", 104) if refusal else []
        figure = new_figure(3.3 + 0.17 * len(said) if chosen else 1.6)
        if not chosen:
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        panels = figure.subplots(1, len(chosen), sharex=True, sharey=True, squeeze=False)[0]
        for axes, ending in zip(panels, chosen, strict=True):
            _panel(axes, rows, ending)
        lines = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        look: dict[str, Any] = {"ncols": 2, "frameon": False, "fontsize": 8, "handlelength": 3}
        figure.legend(lines.values(), lines.keys(), loc="outside upper left", **look)
        panels[0].set_ylabel("Of the people compared")
        note = withheld_note(rows)
        said = [*said, f"Lines join the days that may be shown. {note}"] if note else said
        figure.supxlabel("\n".join(["Days since admission", *said]), fontsize=8, color=SOFT)
        return figure


def describe_endings_by_level(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    rows = _only(rows)
    chosen = _endings(rows)[:_PANELS]
    if not chosen:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    levels = _levels(rows)
    parts = []
    for ending in chosen:
        for definition, words in ((CRUDE, "as placed"), (EFFECT, "made alike")):
            shares = []
            for level in levels:
                line = series(_line(rows, definition, ending, level))
                if line.shown:
                    last = line.shown[-1]
                    share = show_value(line.value[last], "share")
                    shares.append(f"{share} by day {line.at[last]:g} where care began in {_say_level(level)}")
            if shares:
                parts.append(f"{_LABELS[ending]}, {words}: {', '.join(shares)}")
    refusal = _refusal(rows)
    parts += [f"Made alike: not estimated. {refusal.rstrip('.')}"] if refusal else []
    return f"Shares of first stays by day. {'; '.join(parts)}."


def tabulate_endings_by_level(rows: Rows) -> Table:
    """One line for each ending and day: both levels as placed, both made alike, and the difference made alike."""
    rows = _only(rows)
    levels = _levels(rows)
    known = {
        (row["definition"], row["category"], row["at"], row["group"], row["estimand"] == "difference"): row
        for row in rows.rows()
    }
    lines: list[tuple[Cell, ...]] = []
    for ending in (code for code in _LABELS if _category(code) in set(rows.frame["category"])):
        for day in sorted(set(rows.where(category=_category(ending)).frame["at"])):
            place = (_category(ending), day)
            shares = [known.get((name, *place, level, False)) for name in (CRUDE, EFFECT) for level in levels]
            if all(row is None or row["status"] == Status.WITHHELD for row in shares):
                continue
            gap = known.get((EFFECT, *place, levels[0], True))
            cells: list[Cell] = [quantity_of(row, "share") if row else "" for row in shares]
            lines.append((_LABELS[ending], f"{day:g}", *cells, say_gap(quantity_of(gap, "share")) if gap else ""))
    sides = [f"{_say_level(level).capitalize()}, {words}" for words in ("as placed", "made alike") for level in levels]
    return Table(("Ending", "Day", *sides, "Difference made alike"), tuple(lines))


def _only(rows: Rows) -> Rows:
    return rows.where(definition=[CRUDE, EFFECT])


def _category(ending: str) -> str:
    return f"endings/{ending}"


def _say_level(level: str) -> str:
    return LevelOfCare(level).label.lower() if level in LevelOfCare.codes() else level


def _levels(rows: Rows) -> tuple[str, ...]:
    """The treated and the control level; none without rows."""
    gaps = rows.where(estimand="difference").frame
    return (str(gaps["group"].iloc[0]), str(gaps["reference"].iloc[0])) if len(gaps) else ()


def _line(rows: Rows, definition: str, ending: str, level: str) -> Rows:
    shares = ["survival", "cumulative_incidence", "adjusted_proportion"]
    return rows.where(definition=definition, category=_category(ending), group=level, estimand=shares)


def _endings(rows: Rows) -> list[str]:
    """Endings of which anything is shown: completing and leaving early first, still in the programme last."""
    shown = set(rows.frame.loc[rows.frame["value"].notna(), "category"])
    return [code for code in _LABELS if _category(code) in shown]


def _refusal(rows: Rows) -> str:
    """Why nothing could be made alike; nothing where it could."""
    refused = rows.where(definition=EFFECT, status=str(Status.NOT_ESTIMABLE)).frame
    made = rows.where(definition=EFFECT).frame["value"].notna().any()
    return "" if made or refused.empty else say_note(str(refused["note"].iloc[0]))


def _panel(axes: Axes, rows: Rows, ending: str) -> None:
    axes.set_title(_LABELS[ending], loc="left", fontsize=9, color=INK)
    ends: list[tuple[float, float, str]] = []
    for level, (tone, marker, face) in zip(_levels(rows), _LOOKS, strict=True):
        name = _say_level(level).capitalize()
        alike, placed = (series(_line(rows, definition, ending, level)) for definition in (EFFECT, CRUDE))
        at, value = ([column[place] for place in alike.shown] for column in (alike.at, alike.value))
        look: dict[str, Any] = {
            "color": tone,
            "marker": marker,
            "markerfacecolor": face,
            "markersize": 5.5,
            "linewidth": 2.2,
        }
        if at:
            axes.plot(at, value, label=f"{name}, made alike", zorder=3, **look)
        for place in alike.shown:
            if not math.isnan(alike.low[place]):
                axes.plot([alike.at[place]] * 2, [alike.low[place], alike.high[place]], color=tone, linewidth=0.9)
        at, value = ([column[place] for place in placed.shown] for column in (placed.at, placed.value))
        thin: dict[str, Any] = {
            "color": tone,
            "marker": marker,
            "markerfacecolor": "white",
            "markersize": 3.2,
            "linewidth": 0.9,
        }
        if at:
            axes.plot(at, value, label=f"{name}, as placed", linestyle=(0, (4, 2.5)), zorder=2, **thin)
        best = alike if alike.shown else placed
        if best.shown:
            last = best.shown[-1]
            ends.append((best.at[last], best.value[last], show_value(best.value[last], "share")))
    heights = spread([value for _, value, _ in ends], 0.07, 0.02, 0.98)
    for (day, _, words), height in zip(ends, heights, strict=True):
        axes.annotate(words, (day, height), (6, 0), textcoords="offset points", va="center", fontsize=8)
    days = sorted(set(rows.frame["at"]))
    axes.set_xlim(0, 1.12 * days[-1])
    axes.set_xticks(days if len(days) <= 6 else days[:: math.ceil(len(days) / 6)])
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
