"""Were the people of two levels of care alike, before weighting and after? And did enough of them have a chance of both?

``draw_love`` reads the ``smd`` rows of ``level_balance_before@1`` and ``level_balance_after@1``, ``draw_overlap`` those of
``level_chance@1`` and ``level_chance_weighted@1``. Categories begin with the outcome and a slash.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    SOFT,
    WASH,
    Rows,
    mark_percents,
    new_figure,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show, show_value
from iop_outcomes.schema import EPISODES
from iop_outcomes.vocabulary import LevelOfCare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Were the two levels' people alike at admission?"
OVERLAP_TITLE = "Did people of each level have a chance of going to the other?"
BEFORE, AFTER = "level_balance_before@1", "level_balance_after@1"
AS_PLACED, WEIGHTED = "level_chance@1", "level_chance_weighted@1"
#: At or above this many standard deviations after weighting nothing is estimated.
LIMIT = 0.1
#: Columns whose names a plain replacement of underscores would not make words of.
_SAID = {"days_used_30": "Days of use, last 30", "prior_episodes": "Earlier episodes"}
_WORDS = {field.name: field.words for field in EPISODES.fields}


@dataclass(frozen=True)
class _Line:
    """One column of what was known at admission: how far the levels lie apart in it, before and after."""

    label: str
    before: Quantity | None
    after: Quantity | None


def draw_love(rows: Rows) -> Figure:
    """One line for each thing recorded at admission: the distance of the two levels before weighting and after."""
    with styled():
        lines = _lines(rows)
        drawn = [one for line in lines for one in (line.before, line.after) if one is not None and one.shown]
        figure = new_figure(0.95 + 0.19 * len(lines) if drawn else 1.6)
        axes = figure.subplots()
        if not drawn:
            say_nothing_to_show(axes, rows)
            return figure
        reach = max(0.25, *(abs(one.value) for one in drawn)) * 1.12
        axes.axvspan(0, LIMIT, color=WASH, zorder=0)
        axes.axvline(LIMIT, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for place, line in enumerate(lines):
            axes.axhline(place, color=LINE, linewidth=0.5, zorder=0)
            if any(one is not None and one.withheld for one in (line.before, line.after)):
                axes.text(
                    0.99, place, WITHHELD, transform=axes.get_yaxis_transform(), va="center", ha="right", color=SOFT
                )
        _draw_points(axes, [line.before for line in lines], s=26, facecolor="white", edgecolor=INK, zorder=3)
        _draw_points(axes, [line.after for line in lines], s=22, marker="D", color=BLUE, zorder=4, clip_on=False)
        axes.set_yticks(range(len(lines)), [line.label for line in lines], fontsize=8)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(0, reach)
        axes.tick_params(left=False)
        axes.text(LIMIT, -0.75, "limit", ha="center", va="bottom", fontsize=7.5, color=SOFT)
        mark = f"   {WITHHELD} withheld" if withheld_note(rows, "level_balance") else ""
        axes.set_xlabel(f"Standard deviations apart:  ○ as placed   ◆ weighted{mark}", fontsize=8, color=SOFT)
        return figure


def describe_love(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    lines = _lines(rows)
    before = [line for line in lines if line.before is not None and line.before.shown]
    if not before:
        return (
            f"{TITLE} {'Numbers are withheld to protect privacy.' if withheld_note(rows) else 'Nothing to show yet.'}"
        )
    far = [line for line in before if abs(_value(line.before)) >= LIMIT]
    worst = max(before, key=lambda line: abs(_value(line.before)))
    words = (
        f"As placed, {len(far)} of {len(before)} things recorded at admission lie {LIMIT:g} standard deviations or more "
        f"apart; farthest {worst.label.lower()}, {abs(_value(worst.before)):.2f}."
    )
    after = [abs(_value(line.after)) for line in lines if line.after is not None and line.after.shown]
    return f"{words} Weighted, the farthest is {max(after):.2f}." if after else f"{words} There are no weights."


def tabulate_love(rows: Rows) -> Table:
    """One line for each thing recorded: standard deviations apart before and after."""
    lines: list[tuple[Cell, ...]] = [(line.label, _cell(line.before), _cell(line.after)) for line in _lines(rows)]
    return Table(("Recorded at admission", "As placed", "Weighted"), tuple(lines))


def draw_overlap(rows: Rows) -> Figure:
    """The chance of going to the first level: its people above the line, the other level's below; outlines are weighted."""
    with styled():
        levels, classes = _levels(rows), _classes(rows)
        figure = new_figure(2.9 if classes else 1.6)
        axes = figure.subplots()
        shares = _shares(rows)
        if not any(one.value > 0 for one in shares.values()) or len(levels) != 2:
            say_nothing_to_show(axes, rows)
            return figure
        for side, (level, colour) in enumerate(zip(levels, (BLUE, GREY), strict=True)):
            sign = 1 if side == 0 else -1
            for place, one in enumerate(classes):
                _draw_class(axes, shares, (level, one), place, sign, colour)
            axes.text(0.005, 0.97 if sign > 0 else 0.03, f"{_say_level(level)}",
                      transform=axes.transAxes, va="top" if sign > 0 else "bottom", fontsize=8.5)  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.9)
        axes.set_xticks(
            [place - 0.5 for place in range(len(classes) + 1)], [f"{place * 10}%" for place in range(len(classes) + 1)]
        )
        reach = max(one.value for one in shares.values() if one.shown) * 1.25
        axes.set_ylim(-reach, reach)
        mark_percents(axes.yaxis, lambda value: show_value(abs(value), "share"))
        axes.set_xlabel(
            f"Chance of going to level {levels[0]}, by what was recorded. Filled: as placed; outline: weighted",
            fontsize=8,
            color=SOFT,
        )
        axes.set_ylabel("Share of the level", fontsize=8)
        return figure


def describe_overlap(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    shares, levels = _shares(rows), _levels(rows)
    if not any(one.value > 0 for one in shares.values()) or len(levels) != 2:
        hidden = "Numbers are withheld to protect privacy." if withheld_note(rows) else "Nothing to show yet."
        return f"{OVERLAP_TITLE} {hidden}"
    parts = []
    for level in levels:
        most = {one: shares[level, one, AS_PLACED] for one in _classes(rows) if (level, one, AS_PLACED) in shares}
        top = max((one for one in most if most[one].shown), key=lambda one: most[one].value, default="")
        said = f"most often {_percents(top)} ({show(most[top])})" if top else "withheld"
        parts.append(f"people of {_say_level(level)}: {said}")
    return f"Chance of going to level {levels[0]}. {'; '.join(parts)}."


def tabulate_overlap(rows: Rows) -> Table:
    """One line for each class of the chance: each level's share, as placed and weighted."""
    shares, levels = _shares(rows), _levels(rows)
    columns = [f"{level}, {words}" for level in levels for words in ("as placed", "weighted")]
    lines: list[tuple[Cell, ...]] = []
    for one in _classes(rows):
        cells = [shares.get((level, one, what)) for level in levels for what in (AS_PLACED, WEIGHTED)]
        lines.append((_percents(one), *(_cell(cell) for cell in cells)))
    return Table(("Chance", *columns), tuple(lines))


def say_covariate(code: str) -> str:
    """What was recorded at admission as a reader meets it.

    >>> say_covariate("abstinent/housing/unstable_or_other"), say_covariate("abstinent/days_used_30")
    ('Housing: unstable, or rarer or not recorded', 'Days of use, last 30')
    """
    _, _, name = code.partition("/")
    column, _, value = name.partition("/")
    words, joined = _WORDS.get(column), value.endswith("_or_other")
    value = value.removesuffix("_or_other")
    said = words.labels().get(value, "") if words is not None else ""
    text = (said[:1].lower() + said[1:]) or {"other_or_not_recorded": "rarer or not recorded"}.get(
        value, value.replace("_", " ")
    )
    label = _SAID.get(column, f"{column[:1].upper()}{column[1:].replace('_', ' ')}")
    return f"{label}: {text}{', or rarer or not recorded' if joined else ''}" if value else label


def _lines(rows: Rows) -> list[_Line]:
    found: dict[str, dict[str, Quantity]] = {}
    for row in rows.where(estimand="smd", definition=[BEFORE, AFTER]).rows():
        found.setdefault(str(row["category"]), {})[str(row["definition"])] = quantity_of(row, "number")
    return [_Line(say_covariate(code), both.get(BEFORE), both.get(AFTER)) for code, both in found.items()]


def _draw_points(axes: Axes, found: list[Quantity | None], **how: Any) -> None:
    """Distances that are shown, each on its own line."""
    shown = [(abs(one.value), place) for place, one in enumerate(found) if one is not None and one.shown]
    if shown:
        axes.scatter(*map(list, zip(*shown, strict=True)), **how)


def _draw_class(
    axes: Axes, shares: dict[tuple[str, str, str], Quantity], key: tuple[str, str], place: int, sign: int, colour: str
) -> None:
    placed, weighted = shares.get((*key, AS_PLACED)), shares.get((*key, WEIGHTED))
    if placed is not None and placed.shown:
        axes.bar([place], [sign * placed.value], width=0.86, color=colour, alpha=0.55, linewidth=0)
    if weighted is not None and weighted.shown:
        axes.bar([place], [sign * weighted.value], width=0.86, facecolor="none", edgecolor=INK, linewidth=1.2)
    if placed is not None and placed.withheld:
        axes.text(place, sign * 0.01, WITHHELD, ha="center", va="bottom" if sign > 0 else "top", color=SOFT)


def _shares(rows: Rows) -> dict[tuple[str, str, str], Quantity]:
    kept = rows.where(definition=[AS_PLACED, WEIGHTED]).rows()
    return {
        (str(row["group"]), _class(row["category"]), str(row["definition"])): quantity_of(row, "share") for row in kept
    }


def _levels(rows: Rows) -> list[str]:
    return list(dict.fromkeys(str(row["group"]) for row in rows.where(definition=AS_PLACED).rows()))


def _classes(rows: Rows) -> list[str]:
    return sorted({_class(row["category"]) for row in rows.where(definition=AS_PLACED).rows()})


def _class(category: object) -> str:
    return str(category).partition("/")[2]


def _percents(one: str) -> str:
    low, _, high = one.partition(" to ")
    return f"{100 * float(low):.0f}% to {100 * float(high):.0f}%"


def _say_level(level: str) -> str:
    return f"level {level}, {LevelOfCare(level).label.lower()}" if level in LevelOfCare.codes() else level


def _value(one: Quantity | None) -> float:
    return math.nan if one is None else one.value


def _cell(one: Quantity | None) -> Cell:
    return "" if one is None else one
