"""What became of work, school, housing, family and arrests: one bar a role, everyone due from end to end.

Reads ``role_work@1`` and its like (estimand ``proportion``; category what became of the role, after a slash for a role of
the programme's own; ``at`` the follow-up day, missing at exit). The parts of a bar add to everyone due; who was not asked
is hatched and never left out. Rows with estimand ``limit`` are kept among those who had the role, for the table.
"""

from __future__ import annotations

import math
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
    say_nothing_to_show,
    styled,
    withheld_note,
)
from iop_outcomes.publication.formatting import PERCENT_FROM, WITHHELD, Quantity, quantity_of, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Did people keep work, school, home and family?"
DEFINITION = "role_"
#: A role as a bar is headed; a programme's own goes by its name.
ROLES: dict[str, str] = {
    "work": "Work",
    "school": "School or training",
    "housing": "Stable housing",
    "family_contact": "Contact with family",
    "no_arrest": "Free of arrest",
}
#: What a part of a bar says, in the order from left to right.
PARTS: dict[str, str] = {
    "kept": "Kept",
    "gained": "Gained",
    "still_without": "Still without",
    "lost": "Lost",
    "does_not_apply": "Does not apply",
    "others": "Did not have it, or not known",
    "not_asked": "Had it, since not known",
    "unknown": "Otherwise not known",
}
_TONES = {
    "kept": (BLUE, "", "white"),
    "gained": ("#9fc2e6", "", INK),
    "still_without": ("#d9dde2", "", INK),
    "lost": (ORANGE, "", INK),
    "does_not_apply": ("white", "", INK),
    "others": ("#d9dde2", "", INK),
    "not_asked": ("white", "////", INK),
    "unknown": ("#e6eaef", "\\\\\\", INK),
}
#: Narrower parts go without their number, which the table holds.
_LEAST_WIDTH = 0.045


def draw_roles(rows: Rows) -> Figure:
    """Bars of everyone due: kept, gained, still without, lost, does not apply; hatched is not known."""
    with styled():
        found = _parts(rows)
        days = sorted({day for _, day in found}, key=lambda day: (day is not None, day or 0))
        heights = [sum(1 for _, when in found if when == day) for day in days]
        figure = new_figure(1.15 + sum(0.42 * max(2, height) + 0.3 for height in heights))
        if not any(_shown(parts) for parts in found.values()):
            say_nothing_to_show(figure.subplots(), rows)
            return figure
        panels = figure.subplots(len(days), 1, squeeze=False, height_ratios=heights)
        for axes, day in zip(panels[:, 0], days, strict=True):
            _panel(axes, {role: parts for (role, when), parts in found.items() if when == day}, day)
        _key(figure, {part for parts in found.values() for part in _shown(parts)})
        note = f"\n{WITHHELD} withheld to protect privacy." if withheld_note(rows, DEFINITION) else ""
        said = "Of all episodes due. Hatched: not known."
        said += " Free of arrest: lost means arrested since." if any(role == "no_arrest" for role, _ in found) else ""
        panels[-1, 0].set_xlabel(f"{said}{note}", fontsize=7.5, color=SOFT)
        return figure


def describe_roles(rows: Rows) -> str:
    """The bars in words, from their own numbers."""
    told = []
    for (role, day), parts in _parts(rows).items():
        shares = [
            f"{PARTS[part].lower()} {show_value(row['value'], 'share')}"
            for part, row in _shown(parts).items()
            if row["value"] > 0
        ]
        if shares:
            told.append(f"{ROLES.get(role, say_role(role))}{_when(day)}: {', '.join(shares)}")
    return f"Bars of what became of each role. {'; '.join(told)}." if told else f"{TITLE} Nothing can be shown."


def tabulate_roles(rows: Rows) -> Table:
    """One line a role and second answer: episodes due, then every part."""
    found = _parts(rows)
    names = [part for part in PARTS if any(part in parts for parts in found.values())]
    lines: list[tuple[Cell, ...]] = []
    for (role, day), parts in found.items():
        bases = [row["denominator"] for row in parts.values() if not math.isnan(row["denominator"])]
        base: Cell = Quantity("count", bases[0]) if bases else WITHHELD
        cells: list[Cell] = [quantity_of(parts[part], "share") if part in parts else "" for part in names]
        lines.append((f"{say_role(role)}{_when(day)}", base, *cells))
    return Table(("", "Episodes due", *(PARTS[part] for part in names)), tuple(lines))


def say_role(role: str) -> str:
    """A role as a reader sees it."""
    text = ROLES.get(role, role.replace("_", " "))
    return text[:1].upper() + text[1:]


def name_role(row: dict[str, Any]) -> str:
    """The role a row speaks of, by its definition, or for a programme's own by the name before the slash."""
    role = str(row["definition"]).split("@")[0].removeprefix(DEFINITION)
    return str(row["category"]).rpartition("/")[0] if role == "own" else role


def _when(day: float | None) -> str:
    return " at exit" if day is None else f" on day {day:g}"


def _parts(rows: Rows) -> dict[tuple[str, float | None], dict[str, dict[str, Any]]]:
    """The rows of each role and second answer by what they say became of it, in the order of the page."""
    found: dict[tuple[str, float | None], dict[str, dict[str, Any]]] = {}
    for row in rows.rows():
        if str(row["definition"]).startswith(DEFINITION) and row["estimand"] == "proportion" and row["by"] == "all":
            day = None if math.isnan(row["at"]) else float(row["at"])
            part = str(row["category"]).rpartition("/")[2]
            found.setdefault((name_role(row), day), {})[part] = row
    order = list(ROLES)
    places = {role: order.index(role) if role in order else len(order) for role, _ in found}
    return dict(sorted(found.items(), key=lambda item: (item[0][1] is not None, item[0][1] or 0, places[item[0][0]])))


def _shown(parts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {part: parts[part] for part in PARTS if part in parts and not math.isnan(parts[part]["value"])}


def _panel(axes: Axes, bars: dict[str, dict[str, dict[str, Any]]], day: float | None) -> None:
    labels = []
    for place, (role, parts) in enumerate(bars.items()):
        shown, left = _shown(parts), 0.0
        for part, row in shown.items():
            width = float(row["value"])
            face, hatch, ink = _TONES[part]
            axes.barh(place, width, left=left, height=0.66, facecolor=face, edgecolor=GREY, hatch=hatch, linewidth=0.5)
            if width >= _LEAST_WIDTH:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if hatch else None
                text = _number(row)
                axes.text(left + width / 2, place, text, ha="center", va="center", fontsize=8, color=ink, bbox=box)
            left += width
        if len(shown) < len(parts) and left < 1 - 1e-9:
            axes.barh(place, 1 - left, left=left, height=0.66, facecolor="white", edgecolor=GREY, linestyle=":")
            mark = WITHHELD if any(row["status"] == "withheld" for row in parts.values()) else "–"
            axes.text((left + 1) / 2, place, mark, ha="center", va="center", fontsize=9, color=INK)
        base = next((row["denominator"] for row in shown.values()), math.nan)
        labels.append(say_role(role) + (f" ({base:,.0f})" if base == base else ""))
    axes.set_yticks(range(len(bars)), labels)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    title = "Between intake and exit" if day is None else f"Between intake and day {day:g} after admission"
    axes.set_title(title, loc="left", fontsize=9, color=INK)


def _number(row: dict[str, Any]) -> str:
    """A percent, or the count where a percent of so few would say too much."""
    return show_value(row["value"], "share") if row["denominator"] >= PERCENT_FROM else f"{row['n']:,.0f}"


def _key(figure: Figure, parts: set[str]) -> None:
    from matplotlib.patches import Patch

    said = [
        Patch(facecolor=face, edgecolor=GREY, hatch=hatch, linewidth=0.5, label=PARTS[part])
        for part, (face, hatch, _) in _TONES.items()
        if part in parts
    ]
    figure.legend(handles=said, loc="outside upper left", ncols=4, fontsize=8, frameon=False, handlelength=1.6)
