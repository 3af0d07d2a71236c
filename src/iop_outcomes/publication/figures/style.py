"""How figures look: one accent, grey-safe tones and hatches, words beside the lines, and SVG that never changes.

Figures are drawn with :class:`matplotlib.figure.Figure` only, so drawing keeps no state between figures.
"""

from __future__ import annotations

import io
import math
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.published import Published
from iop_outcomes.vocabulary import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: What a figure may be drawn from; a page takes figures of published rows only.
Rows = Published | Estimates

INK, SOFT, LINE, WASH = "#1c2430", "#55606e", "#c9d0d8", "#f3f6fa"
BLUE, ORANGE, GREY = "#1f5fa8", "#d9822b", "#8a939e"
#: Light to dark: neighbours differ in lightness, so that they can be told apart in grey.
TONES: tuple[str, ...] = ("#1f5fa8", "#e7b07a", "#8a5a2b", "#9fc2e6", "#5c6672", "#2b2f36", "#d9dde2")
HATCHES: tuple[str, ...] = ("", "///", "", "|||", "", "", "\\\\")

WIDTH = 7.2
_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "axes.grid": False,
    "axes.unicode_minus": False,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "text.parse_math": False,
    "svg.hashsalt": "iop_outcomes",
    "svg.fonttype": "path",
    "path.simplify": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the time of one drawing; the caller's own settings come back afterwards."""
    import matplotlib

    with matplotlib.rc_context(_RC):  # type: ignore[arg-type]
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure in inches; call it inside :func:`styled`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def to_svg(figure: Figure, prefix: str) -> str:
    """The figure as SVG text for a page: ids carry ``prefix``, no date, no comment, the same bytes every time."""
    from iop_outcomes.publication.figures.lettering import print_figure

    text = io.StringIO()
    with styled():
        print_figure(figure, text)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # Clip paths are named by a hash of the layout to its last digit: what is drawn, as rounded here, names them instead.
    for name, drawn in re.findall(r'<clipPath id="([^"]+)">(.*?)</clipPath>', svg, flags=re.S):
        svg = svg.replace(name, f"clip{zlib.crc32(drawn.encode()):08x}")
    for found, named in (
        (' id="', f' id="{prefix}-'),
        ('xlink:href="#', f'href="#{prefix}-'),
        ("url(#", f"url(#{prefix}-"),
    ):
        svg = svg.replace(found, named)
    return "\n".join(filter(None, map(str.strip, svg.split("\n"))))


@dataclass(frozen=True)
class Series:
    """One line of a figure: days (or weeks) with values, limits and bases; withheld points are missing."""

    at: list[float]
    value: list[float]
    low: list[float]
    high: list[float]
    n: list[float]
    denominator: list[float]
    status: list[str]

    @property
    def shown(self) -> list[int]:
        """Positions of the points that have a value."""
        return [place for place, value in enumerate(self.value) if not math.isnan(value)]

    @property
    def withheld(self) -> int:
        """How many points the gate withheld."""
        return sum(status == Status.WITHHELD for status in self.status)


def series(rows: Rows, **conditions: Any) -> Series:
    """The rows that meet the conditions as one line, ordered by ``at`` or by period."""
    found = sorted(rows.where(**conditions).rows(), key=lambda row: (*_last(row["at"]), *_last(row["period_start"])))
    return Series(
        at=[row["at"] for row in found],
        value=[row["value"] for row in found],
        low=[row["ci_low"] for row in found],
        high=[row["ci_high"] for row in found],
        n=[row["n"] for row in found],
        denominator=[row["denominator"] for row in found],
        status=[row["status"] for row in found],
    )


def _last(value: Any) -> tuple[bool, Any]:
    """A value to sort by; a missing one comes last."""
    return (True, 0) if value != value else (False, value)


def read_first(rows: Rows, column: str = "value", **conditions: Any) -> float:
    """The number in a column of the first row that meets the conditions, missing where none does."""
    return next((float(row[column]) for row in rows.where(**conditions).rows()), math.nan)


def withheld_note(rows: Rows, *definitions: str) -> str:
    """A sentence when points are withheld, else nothing; ``definitions`` are the starts of those a figure reads."""
    withheld = [str(row["definition"]) for row in rows.where(status=Status.WITHHELD).rows()]
    gaps = any(name.startswith(definitions) for name in withheld) if definitions else len(withheld) > 0
    return "Gaps: numbers withheld to protect privacy." if gaps else ""


def say_nothing_to_show(axes: Axes, rows: Rows) -> None:
    """Words in place of a drawing when no number may be or can be shown."""
    reason = "withheld to protect privacy" if withheld_note(rows) else "nothing to show yet"
    axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", color=SOFT)
    axes.set_axis_off()


def mark_percents(axis: Axis, say: Callable[[float], str], count: int = 7) -> None:
    """Ticks at whole percents, as many as there is room for, so that each stands where its words say."""
    from matplotlib.ticker import MaxNLocator, MultipleLocator

    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(MultipleLocator(0.01) if high - low < 0.06 else MaxNLocator(count, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda value, _: say(value))


def name_bands(axes: Axes, end: float, aside: float, middles: list[float], labels: list[str]) -> None:
    """Words beside the bands of a stack of shares, each with a line to the middle of its band at ``end``."""
    line = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
    for middle, height, label in zip(middles, spread(middles, 0.062, 0.02, 0.98), labels, strict=True):
        axes.annotate(
            label, (end, middle), (end + aside, height),
            va="center", fontsize=8, color=INK, annotation_clip=False, arrowprops=line,
        )  # fmt: skip


def spread(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels, at least ``gap`` apart and within limits, as near as possible to where they belong.

    >>> [round(place, 2) for place in spread([.5, .52], .1, 0, 1)]
    [0.46, 0.56]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = [places[index] for index in order]
    for _ in range(200):
        still = True
        for left in range(len(moved) - 1):
            short = gap - (moved[left + 1] - moved[left])
            if short > 1e-9:
                moved[left] -= short / 2
                moved[left + 1] += short / 2
                still = False
        if moved:
            shift_up, shift_down = max(0.0, low - moved[0]), max(0.0, moved[-1] - high)
            moved = [place + shift_up - shift_down for place in moved]
        if still:
            break
    answer = [0.0] * len(places)
    for place, index in zip(moved, order, strict=True):
        answer[index] = place
    return answer
