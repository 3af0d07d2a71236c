"""How the notebooks show what was published: a figure with its words and caption, a table, a sentence.

Everything here reads published rows and computes nothing, so that a notebook shows what a page would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from IPython.display import display

from iop_outcomes import Published, load_library
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.publication.formatting import NOTHING, WITHHELD, quantity_of, show, show_interval
from iop_outcomes.vocabulary import AttendanceStatus, EndReason, Schedule, ServiceType

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LABELS = {
    **EndReason.labels(), **ServiceType.labels(), **AttendanceStatus.labels(), **Schedule.labels(),
    "all": "Everyone", "in_programme": "Still in programme",
}  # fmt: skip
_HEADINGS = {"at": "", "group": "", "category": "", "definition": "", "by": ""}
#: Measures in which somebody may not have been followed to the day a number speaks of.
_FOLLOWED = ("endings", "retention", "milestones")


def draw(drawing: Callable[[Published], Figure], rows: Published, title: str = "") -> None:
    """Show one of the package's figures (``iop.draw_endings`` and the like), its words for a screen reader, a caption."""
    kind = next(kind for kind in FIGURES.values() if kind.draw is drawing)
    if title:
        say(f"**{title}**")
    show_svg(drawing(rows), kind.describe(rows))
    say(f"*{describe_source(rows)}*")


def show_svg(figure: Figure, words: str) -> None:
    """Show a figure as SVG (the same bytes every time) with what it shows in words."""
    name = "".join(sign for sign in words.lower()[:24] if sign.isalpha())
    display({"image/svg+xml": to_svg(figure, f"figure-{name}"), "text/plain": words}, raw=True)


def table(
    rows: Published,
    *,
    down: str | Sequence[str],
    across: str | None = None,
    value: str = "Value",
    ranges: bool = True,
    names: Mapping[Any, str] | None = None,
    **where: Any,
) -> None:
    """Show published rows as a table: ``down`` names the column (or two) that leads each line, ``across`` the columns.

    Without ``across`` there is one column of numbers, headed ``value``. ``names`` gives codes other words. Further
    arguments choose rows (``by="all"``, ``at=[30, 60]``). Each cell holds the number and, with ``ranges``, its interval;
    a withheld number carries its mark.
    """
    chosen = rows.where(**where) if where else rows
    leads = [down] if isinstance(down, str) else list(down)

    def words(column: str, code: Any) -> str:
        return (names or {}).get(code) or _words(column, code)

    lines: dict[tuple[str, ...], dict[str, str]] = {}
    columns: dict[str, None] = {}
    for row in chosen.rows():
        column = words(across, row[across]) if across else value
        columns[column] = None
        lines.setdefault(tuple(words(name, row[name]) for name in leads), {})[column] = _cell(row, ranges)
    if across and isinstance(where.get(across), list):
        asked = [words(across, code) for code in where[across]]
        columns = dict.fromkeys(sorted(columns, key=asked.index))
    if isinstance(down, str) and isinstance(where.get(down), list):
        asked = [words(down, code) for code in where[down]]
        lines = dict(sorted(lines.items(), key=lambda line: asked.index(line[0][0])))
    lay_out([*(_HEADINGS.get(name, name) for name in leads), *columns],
            [(*lead, *(cells.get(column, NOTHING) for column in columns)) for lead, cells in lines.items()],
            words=len(leads))  # fmt: skip


def lay_out(columns: Sequence[str], lines: Sequence[Sequence[str]], words: int = 1) -> None:
    """Show lines of text as a table; the first ``words`` columns are words, the others numbers."""
    marks = [":--"] * words + ["--:"] * (len(columns) - words)
    say("\n".join("| " + " | ".join(cells) + " |" for cells in (columns, marks, *lines)))


def number(rows: Published, **where: Any) -> str:
    """One published number as text: ``58%`` or, from few people, ``7 of 19``."""
    (row,) = rows.where(**where).rows()
    return show(quantity_of(row))


def say(text: str) -> None:
    """Show a sentence or a table written in Markdown."""
    display({"text/markdown": text, "text/plain": text}, raw=True)


def describe_source(rows: Published) -> str:
    """What numbers rest on: people, as-of date, who is not yet followed, method, definition, and who may see them."""
    frame, settings, library = rows.frame, rows.settings, load_library()
    known = [library[key.split("@")[0]] for key in dict.fromkeys(frame["definition"]) if key.split("@")[0] in library]
    parts = [_base(frame[~frame["estimand"].isin(["center_line", "limit", "funnel_limit", "diagnostic"])], known[0].measure if known else "")]
    parts.append(f"as of {settings['as_of']}" if settings.get("as_of") else "no dates in these records")
    late = frame["n_missing"].max()
    if late > 0 and known and known[0].measure in _FOLLOWED:
        parts.append(f"{late:,.0f} not yet seen to the last day")
    methods = [method for method in dict.fromkeys(frame["method"].dropna()) if method not in ("count", "sum", "share")]
    parts += methods[:1] if len(methods) == 1 else []
    parts.append(", ".join(definition.key for definition in known))
    view = "internal view, not for release" if not rows.policy.withholds else f"public view, policy {rows.policy.name}"
    parts.append(f"synthetic records, {view}" if rows.synthetic else view)
    return "; ".join(part for part in parts if part) + "."


def _base(frame: Any, measure: str) -> str:
    people, episodes = frame["people"].max(), frame["denominator"].max()
    if people != people:
        return ""
    apart = "periods" if frame["period_start"].nunique() > 1 else "weeks" if _is_weekly(frame) else ""
    if apart:
        places = frame[(frame["by"] == "all") & frame["value"].notna()]
        least = f"{places['people'].min():,.0f}" if places["people"].notna().all() else "up"
        return f"{len(places)} {apart} of {least} to {people:,.0f} people"
    if episodes != episodes or episodes <= people or measure not in _FOLLOWED:
        return f"{people:,.0f} people"
    return f"{episodes:,.0f} episodes of {people:,.0f} people"


def _is_weekly(frame: Any) -> bool:
    return frame["definition"].str.startswith("weekly").all() and frame["at"].nunique() > 1


def _cell(row: Mapping[str, Any], ranges: bool) -> str:
    quantity = quantity_of(dict(row))
    limits = re.sub(r" (days|weeks|hours)(?= to )", "", show_interval(quantity))
    return show(quantity) + (f" ({limits})" if ranges and limits not in (NOTHING, WITHHELD) else "")


def _words(column: str | None, value: Any) -> str:
    if value is None or value != value:
        return "Unknown"
    if column == "at":
        return f"Day {value:g}"
    if column == "definition":
        known = load_library().get(str(value).split("@")[0])
        return known.title if known else str(value)
    if str(value).isdigit():
        return f"{value} days"
    text = _LABELS.get(str(value), str(value).replace("_", " "))
    return text[:1].upper() + text[1:]
