"""Change on scales: from the score before to the score after, what would have come by itself, and for how many.

Reads ``score_before@1``, ``score_after@1``, ``change_mean@1`` and ``expected_regression@1`` (estimand ``mean``; category a
scale, or scale/cases) and ``change_segment@1`` (category scale/segment), for everyone or for one group. Names, ends and
directions of the scales come with the rows' settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SOFT,
    Rows,
    new_figure,
    read_first,
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import WITHHELD, Quantity, quantity_of, show_value
from iop_outcomes.vocabulary import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How did people's scores change, and for how many?"
BEFORE, AFTER, CHANGE, EXPECTED = "score_before@1", "score_after@1", "change_mean@1", "expected_regression@1"
SEGMENT = "change_segment@1"
_READ = [BEFORE, AFTER, CHANGE, EXPECTED, SEGMENT]
#: Segments from left to right, with their label, colour and hatch: distinct in grey by tone and hatch.
_SEGMENTS: dict[str, tuple[str, str, str]] = {
    "improved": ("improved", BLUE, ""),
    "same": ("same", "#dfe4ea", ""),
    "worse": ("worse", ORANGE, "\\\\\\\\"),
    "unknown": ("unknown", "white", "////"),
}
#: Narrower segments are labelled outside the bar, under it or above it in turn.
_LEAST_TO_LABEL = 0.2
#: Share of a scale beyond which words stand on the left of an arrow.
_LATE = 0.58


def draw_change(rows: Rows) -> Figure:
    """A line for each scale: arrows from before to after on the left, segments of everyone with a baseline on the right."""
    with styled():
        scales = _scales(rows)
        heights = [1.05 if _has_cases(rows, name) else 0.66 for name in scales]
        figure = new_figure(0.9 + sum(heights or [1.0]))
        if not scales:
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        panels = figure.subplots(len(scales), 2, width_ratios=[1.5, 1], height_ratios=heights, squeeze=False)
        for place, (name, about) in enumerate(scales.items()):
            _arrows(panels[place, 0], rows, name, about)
            _bar(panels[place, 1], rows, name)
        panels[0, 0].set_title("Mean score of people asked twice", loc="left", fontsize=9)
        panels[0, 1].set_title("Everyone with a baseline", loc="left", fontsize=9)
        key = ["Blue is better, orange worse, grey too close to call."]
        if any(_has_cases(rows, name) for name in scales):
            key.append("Hollow arrow: expected with no treatment.")
        if withheld_note(rows.where(definition=_READ)):
            key.append(f"{WITHHELD} withheld to protect privacy.")
        figure.supxlabel("  ".join(key), fontsize=7.5, color=SOFT)
        return figure


def describe_change(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    parts = []
    for name, about in _scales(rows).items():
        label, words = about["label"], []
        before, after = (_value(rows, definition, name) for definition in (BEFORE, AFTER))
        if not math.isnan(before) and not math.isnan(after):
            words.append(f"from {_points(before)} to {_points(after)} points")
        alone, cases = _value(rows, EXPECTED, f"{name}/cases"), _value(rows, CHANGE, f"{name}/cases")
        if not math.isnan(alone) and not math.isnan(cases):
            words.append(
                f"people who were cases at baseline changed by {_points(cases)} where {_points(alone)} would be "
                "expected with no treatment"
            )
        shares = {segment: _value(rows, SEGMENT, f"{name}/{segment}") for segment in _SEGMENTS}
        known = [f"{show_value(value, 'share')} {key}" for key, value in shares.items() if not math.isnan(value)]
        if known:
            words.append(f"of everyone with a baseline {', '.join(known)}")
        if words:
            parts.append(f"{label}: {'; '.join(words)}")
    if not parts:
        hidden = withheld_note(rows.where(definition=_READ))
        return f"{TITLE} {'Numbers are withheld to protect privacy.' if hidden else 'Nothing to show yet.'}"
    return f"Arrows from the mean score before to the mean score after, and bars of segments. {'. '.join(parts)}."


def tabulate_change(rows: Rows) -> Table:
    """One line for everyone and one for cases of each scale: means, change, what would come by itself, segments."""
    columns = ("Scale", "People asked twice", "Before", "After", "Change", "Expected with no treatment")
    segments = tuple(label.capitalize() for label, _, _ in _SEGMENTS.values())
    found = {(row["definition"], row["category"]): row for row in rows.where(definition=_READ).rows()}
    lines: list[tuple[Cell, ...]] = []
    for name, about in _scales(rows).items():
        for category, label in ((name, about["label"]), (f"{name}/cases", f"{about['label']}, {_case_words(about)}")):
            change = found.get((CHANGE, category))
            if change is None:
                continue
            asked = Quantity("count", change["people"], status=change["status"])
            means = [found.get((definition, category)) for definition in (BEFORE, AFTER, CHANGE, EXPECTED)]
            parts = [found.get((SEGMENT, f"{category}/{segment}")) for segment in _SEGMENTS]
            cells = [quantity_of(row, "number") if row else "" for row in means]
            lines.append((label, asked, *cells, *(quantity_of(row, "share") if row else "" for row in parts)))
    return Table((*columns, *segments), tuple(lines))


def _scales(rows: Rows) -> dict[str, Mapping[str, Any]]:
    """The scales that have something to show, in the order of the rows, with what the settings say of them."""
    known = rows.settings.get("scales", {})
    frame = rows.where(definition=_READ).frame
    shown = frame[frame["value"].notna() | (frame["status"] == Status.WITHHELD)]
    names = dict.fromkeys(str(category).split("/")[0] for category in shown["category"])
    anything = shown["value"].notna().any()
    return {name: known[name] for name in names if name in known} if anything else {}


def _value(rows: Rows, definition: str, category: str) -> float:
    return read_first(rows, definition=definition, category=category)


def _points(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")


def _case_words(about: Mapping[str, Any]) -> str:
    """Who counts as a case, for scales that have a cut-off."""
    cut_off = about["case_at"] or 0
    return f"below {cut_off:g} at baseline" if about["better"] == "higher" else f"{cut_off:g} or more at baseline"


def _has_cases(rows: Rows, name: str) -> bool:
    """Whether a scale has a change expected with no treatment to show."""
    return not math.isnan(_value(rows, EXPECTED, f"{name}/cases"))


def _arrows(axes: Axes, rows: Rows, name: str, about: Mapping[str, Any]) -> None:
    """One scale: its whole range, an arrow for everyone asked twice, and one for cases with the expected one under it."""
    low, high = float(about["low"]), float(about["high"])
    _arrow(axes, rows, name, "everyone", 1.0, (low, high))
    cases = f"{name}/cases"
    if _has_cases(rows, name):
        _arrow(axes, rows, cases, _case_words(about), 0.0, (low, high))
        start, expected = _value(rows, BEFORE, cases), _value(rows, EXPECTED, cases)
        if not math.isnan(start):
            axes.annotate(
                "", (start + expected, -0.62), (start, -0.62),
                arrowprops={"arrowstyle": "-|>,head_length=0.4,head_width=0.22", "facecolor": "white",
                            "edgecolor": INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
            late = max(start, start + expected) - low > _LATE * (high - low)
            place = min(start, start + expected) if late else max(start, start + expected)
            axes.text(
                place + 0.015 * (high - low) * (-1 if late else 1), -0.62,
                f"{_points(expected)} expected with no treatment",
                ha="right" if late else "left", va="center", fontsize=7.5, color=SOFT,
            )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(-1.1 if _has_cases(rows, name) else 0.4, 1.5)
    axes.set_yticks([])
    axes.set_xticks([low, high])
    axes.tick_params(labelsize=7.5, length=2)
    axes.spines["left"].set_visible(False)
    words = f"{about['label']}\n{about['better']} is better"
    axes.set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8.5, color=INK)


def _arrow(axes: Axes, rows: Rows, category: str, words: str, height: float, ends: tuple[float, float]) -> None:
    """One arrow with its two numbers, or the house mark where they are withheld."""
    before, after = (_value(rows, definition, category) for definition in (BEFORE, AFTER))
    if math.isnan(before) or math.isnan(after):
        axes.text(sum(ends) / 2, height, f"{WITHHELD}  {words}", ha="center", va="center", fontsize=8, color=INK)
        return
    colour = _colour(rows, category)
    axes.annotate(
        "", (after, height), (before, height),
        arrowprops={"arrowstyle": "-|>,head_length=0.45,head_width=0.22", "facecolor": colour, "edgecolor": colour,
                    "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    axes.plot([before], [height], marker="|", markersize=8, color=colour)
    width = ends[1] - ends[0]
    left, right = sorted((before, after))
    late = right - ends[0] > _LATE * width
    first = f"{words}  {_points(left)}" if late else _points(left)
    last = _points(right) if late else f"{_points(right)}  {words}"
    if left - ends[0] > 0.08 * width:
        axes.text(left - 0.015 * width, height, first, ha="right", va="center", fontsize=8, color=INK)
    else:  # no room before the end of the scale
        axes.text(left, height + 0.2, first, ha="left", va="bottom", fontsize=8, color=INK)
    axes.text(right + 0.015 * width, height, last, ha="left", va="center", fontsize=8, color=INK)


def _colour(rows: Rows, category: str) -> str:
    """Blue for better, orange for worse, grey where the interval of the change holds zero."""
    change, low, high = (
        read_first(rows, name, definition=CHANGE, category=category) for name in ("value", "ci_low", "ci_high")
    )
    if math.isnan(low) or low <= 0 <= high:
        return GREY
    better = rows.settings["scales"][category.split("/")[0]]["better"]
    return BLUE if (change < 0) == (better == "lower") else ORANGE


def _bar(axes: Axes, rows: Rows, name: str) -> None:
    """Improved, same, worse and unknown of everyone with a baseline; nothing where no change is known to be reliable."""
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.4, 1.2)
    axes.set_axis_off()
    found = rows.where(definition=SEGMENT, category=[f"{name}/{segment}" for segment in _SEGMENTS])
    if not len(found):
        axes.text(0, 0.5, "no points of reliable change known", va="center", fontsize=7.5, color=SOFT)
        return
    values = {segment: _value(found, SEGMENT, f"{name}/{segment}") for segment in _SEGMENTS}
    shown = {segment: value for segment, value in values.items() if not math.isnan(value)}
    hidden = [segment for segment in values if segment not in shown]
    left = 0.0
    for segment in ("improved", "same", "worse", "withheld", "unknown"):
        if segment == "withheld":
            label, colour, hatch = f"{WITHHELD}\n{' or '.join(hidden)}", "white", ""
            width = 1 - sum(shown.values()) if hidden else 0.0
        else:
            label, colour, hatch = _SEGMENTS[segment]
            width = shown.get(segment, 0.0)
        if width <= 1e-9:
            continue
        axes.barh(0.5, width, left=left, height=0.9, facecolor=colour, edgecolor=SOFT, hatch=hatch, linewidth=0.6)
        words = label if segment == "withheld" else f"{show_value(width, 'share')}\n{label}"
        if width >= _LEAST_TO_LABEL:
            axes.text(
                left + width / 2, 0.5, words, ha="center", va="center", fontsize=7, linespacing=1.1,
                color="white" if segment == "improved" else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if segment in ("unknown", "worse") else None,
            )  # fmt: skip
        else:
            below = segment in ("improved", "worse")
            axes.text(
                min(max(left + width / 2, 0.12), 0.88), 0.0 if below else 1.0, words.replace("\n", " "), ha="center",
                va="top" if below else "bottom", fontsize=7, color=INK,
            )  # fmt: skip
        left += width
