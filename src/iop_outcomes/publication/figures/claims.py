"""The nine claims: a line each with its verdict, by shape and in words, and where its figure lies from its criterion.

Reads the rows of measure ``claims``: the verdict (category ``verdict/…``; its note is the verdict, the part that decides
and the reason), the parts with their ``criterion/…``, and the people that would tell. Every line has a scale of its own,
so that figures of any unit can stand below each other: the criterion in the middle, the claim's side to the right.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    new_figure,
    say_nothing_to_show,
    styled,
)
from iop_outcomes.publication.formatting import NOTHING, WITHHELD
from iop_outcomes.vocabulary import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Which claims do this programme's own records support?"
READING = (
    "Verdicts speak of these records only. Where several claims are looked at, some verdicts are wrong by chance alone."
)
#: Verdict: face, edge and shape of its mark. The word always stands beside it.
_MARKS: dict[str, tuple[str, str, str]] = {
    "supported": (BLUE, BLUE, "o"),
    "not supported": (ORANGE, INK, "X"),
    "data cannot tell": ("white", SOFT, "D"),
}
_HIDDEN = "withheld"


@dataclass(frozen=True)
class _Line:
    """One claim: its verdict, the figure that decides with its criterion, the people that would tell, and why.

    ``most`` is the figure once more, or the upper bound of one that people not asked leave open.
    """

    number: str
    short: str
    verdict: str
    words: str
    figure: dict[str, Any]
    most: float
    criterion: dict[str, Any]
    people: float
    why: str


def draw_claims(rows: Rows) -> Figure:
    """Nine lines: claim, verdict, the interval against its criterion, and the numbers."""
    with styled():
        lines = _lines(rows)
        if not lines:
            figure = new_figure(1.6)
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        figure = new_figure(0.8 + 0.56 * len(lines))
        left, middle, right = figure.subplots(1, 3, width_ratios=[4.1, 1.7, 3.5])
        for axes in (left, middle, right):
            axes.set_ylim(len(lines) - 0.5, -0.75)
            axes.set_yticks([])
            axes.set_xticks([])
            axes.spines[:].set_visible(False)
            for place in range(1, len(lines), 2):
                axes.axhspan(place - 0.5, place + 0.5, color=WASH, zorder=0, linewidth=0)
        left.set_xlim(0, 1)
        right.set_xlim(0, 1)
        middle.set_xlim(-1.12, 1.12)
        middle.axvline(0, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        middle.set_title("against ← criterion → for", fontsize=7.5, color=SOFT)
        for place, line in enumerate(lines):
            words = textwrap.fill(line.short, 30)
            left.text(0.0, place, line.number, va="center", fontsize=8.5, color=SOFT)
            left.text(0.055, place, words, va="center", fontsize=8, color=INK, linespacing=1.1)
            _draw_verdict(left, place, line)
            _draw_interval(middle, place, line)
            right.text(0.0, place, _beside(line), va="center", fontsize=7.5, color=INK, linespacing=1.1)
        figure.supxlabel(textwrap.fill(READING, 125), fontsize=7.5, color=SOFT, x=0.01, ha="left")
        return figure


def describe_claims(rows: Rows) -> str:
    """The figure in words, from its own numbers."""
    lines = _lines(rows)
    if not lines:
        return f"{TITLE} Nothing to show yet."
    return " ".join([*(f"{line.number} {line.short}: {_describe(line)}." for line in lines), READING])


def tabulate_claims(rows: Rows) -> Table:
    """One line a claim: verdict, the figure that decides, its criterion, the people that would tell, and the reason."""
    lines: list[tuple[Cell, ...]] = []
    for line in _lines(rows):
        hidden = line.verdict == _HIDDEN
        people = WITHHELD if hidden else _people(line.people)
        if line.verdict == "data cannot tell" and math.isnan(line.people):
            people = "not more people alone"
        figure, criterion = (WITHHELD, WITHHELD) if hidden else (_say_figure(line), _say_criterion(line))
        why = f"{line.words}: {line.why}" if line.words else ""
        lines.append((f"{line.number} {line.short}", line.verdict, figure, criterion, people, why))
    headings = ("Claim", "Verdict", "Figure that decides", "Criterion", "People that would tell", "Why")
    return Table(headings, tuple(lines))


def _lines(rows: Rows) -> list[_Line]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.rows():
        if row["measure"] == "claims":
            found.setdefault(str(row["definition"]), []).append(row)
    return [_read(definition.partition("@")[0].removeprefix("claim_"), own) for definition, own in found.items()]


def _read(number: str, own: list[dict[str, Any]]) -> _Line:
    """The verdict row comes first, the parts and their criteria after it, the people that would tell last."""
    head, *parts, people = own
    short = str(head["category"]).partition("/")[2]
    if head["status"] == Status.WITHHELD:
        return _Line(number, short, _HIDDEN, "", head, math.nan, {}, math.nan, "")
    verdict, words, why = str(head["note"]).split(": ", 2)
    figures = [row for row in parts if str(row["note"]).startswith(f"{verdict}: {words}: ")]
    kind = (f"criterion/{figures[0]['category']}", figures[0]["by"], figures[0]["group"])
    criterion = next((row for row in parts if (row["category"], row["by"], row["group"]) == kind), {})
    return _Line(number, short, verdict, words, head, figures[-1]["value"], criterion, people["value"], why)


def _draw_verdict(axes: Axes, place: int, line: _Line) -> None:
    if line.verdict == _HIDDEN:
        axes.text(0.7, place, f"{WITHHELD} {_HIDDEN}", va="center", fontsize=8, color=SOFT)
        return
    face, edge, shape = _MARKS[line.verdict]
    axes.scatter([0.72], [place], s=52, marker=shape, facecolor=face, edgecolor=edge, linewidth=1.1, zorder=3)
    words = line.verdict.replace("data cannot", "data\ncannot").replace("not supp", "not\nsupp")
    weight = "normal" if line.verdict == "data cannot tell" else "bold"
    axes.text(0.765, place, words, va="center", fontsize=8, color=INK, weight=weight, linespacing=1.0)


def _draw_interval(axes: Axes, place: int, line: _Line) -> None:
    """The interval on the line's own scale: its farther limit reaches the edge, the criterion stays in the middle."""
    limits = [float(line.figure[name]) for name in ("ci_low", "value", "ci_high")]
    criterion = float(line.criterion.get("value", math.nan))
    if any(math.isnan(number) for number in (*limits, criterion)):
        words = WITHHELD if line.verdict == _HIDDEN else "nothing recorded"
        axes.text(0, place, words, ha="center", va="center", fontsize=7.5, color=SOFT, style="italic",
                  backgroundcolor=WASH if place % 2 else "white")  # fmt: skip
        return
    side = -1 if line.criterion["method"] == "at most" else 1
    reach = max(abs(limit - criterion) for limit in limits) or 1.0
    low, value, high = (side * (limit - criterion) / reach for limit in limits)
    bounds = {value, side * (line.most - criterion) / reach}
    face, edge, _ = _MARKS[line.verdict]
    tone = GREY if line.verdict == "data cannot tell" else face
    axes.plot([-1, 1], [place, place], color=LINE, linewidth=0.6, zorder=1)
    axes.plot([low, high], [place, place], color=tone, linewidth=4.5, solid_capstyle="butt", zorder=2)
    for bound in bounds:
        axes.plot([bound, bound], [place - 0.19, place + 0.19], color=edge, linewidth=1.6, zorder=3)


def _beside(line: _Line) -> str:
    """What stands to the right: which figure decides, its number and criterion, and the people that would tell."""
    return (
        "withheld to protect privacy"
        if line.verdict == _HIDDEN
        else f"{textwrap.fill(line.words, 44)}\n{_numbers(line)}"
    )


def _describe(line: _Line) -> str:
    if line.verdict == _HIDDEN:
        return "withheld to protect privacy"
    return f"{line.verdict} ({line.words}: {_numbers(line)})".replace("\n", ", ")


def _numbers(line: _Line) -> str:
    """The figure, its criterion, and the people that would tell, on two lines at most."""
    figure, criterion = _say_figure(line), _say_criterion(line)
    words = f"criterion {criterion}" if figure == NOTHING else f"{figure}, {criterion}"
    words = "" if figure == criterion == NOTHING else words
    if line.verdict != "data cannot tell":
        return words
    people = "more people alone would not tell"
    return f"{words}\n{people if math.isnan(line.people) else f'{_people(line.people)} people would tell'}"


def _say_figure(line: _Line) -> str:
    """``-4 points (-6 to -1)``, or both bounds of a share left open; a dash where there is no figure."""
    row = line.figure
    if math.isnan(row["value"]):
        return NOTHING
    value, most, low, high = (_say(line, number) for number in (row["value"], line.most, row["ci_low"], row["ci_high"]))
    limits = f"{low} to {high}".replace(" points", "")
    return f"{value if value == most else f'{value} to {most}'} ({limits})"


def _say_criterion(line: _Line) -> str:
    if not line.criterion:
        return NOTHING
    return f"{line.criterion['method']} {_say(line, line.criterion['value'])}"


def _say(line: _Line, number: float) -> str:
    """A number in the unit of its figure; the difference of two shares in points."""
    if str(line.criterion.get("unit")).startswith("dollars"):
        return f"{'-' if number <= -0.5 else ''}${abs(number):,.0f}"
    apart = line.criterion.get("unit") == "difference of shares"
    return f"{100 * number:+.0f} points" if apart else f"{100 * number:.0f}%"


def _people(number: float) -> str:
    return NOTHING if math.isnan(number) else f"about {number:,.0f}"
