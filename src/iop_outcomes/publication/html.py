"""One self-contained HTML page from a document, and small files from published rows.

Nothing on the page is fetched: styles, figures and words are inside the file, so it opens from an email attachment and
prints without a network. Writing the same document twice gives the same bytes.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import COLUMNS, GATE_ONLY
from iop_outcomes.publication import formatting
from iop_outcomes.publication.document import (
    Cell,
    DisclosureStatement,
    Document,
    Page,
    TableBlock,
    tabulate,
)
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.published import Published

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

#: Columns of the plain table of published rows, with their headings.
TABLE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("Definition", "definition"),
    ("Category", "category"),
    ("Group", "group"),
    ("Day", "at"),
    ("From", "period_start"),
    ("To", "period_end"),
    ("Value", "value"),
    ("Events", "n"),
    ("Of", "denominator"),
    ("People", "people"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_html(document: Document, path: str | Path) -> Path:
    """Write a document as one HTML page; everything on it came through the gate. Returns the path."""
    if not isinstance(document, Document):
        raise DisclosureError("write_html accepts a Document built from published rows")
    target = Path(path)
    target.write_text(render_html(document), encoding="utf-8", newline="\n")
    return target


def render_html(document: Document) -> str:
    """The page as text."""
    page = _environment().get_template("page.html.jinja").render(document=document)
    return "\n".join(line.rstrip() for line in page.splitlines()) + "\n"


def write_table(published: Published, path: str | Path, title: str = "Published numbers") -> Path:
    """Write published rows as a plain page with one table and the disclosure statement. Returns the path."""
    _refuse(published)
    used = [
        (heading, name)
        for heading, name in TABLE_COLUMNS
        if name in ("definition", "value") or published.frame[name].notna().any()
    ]
    block = TableBlock(title, tabulate(published, used), published)
    document = Document(
        title=title,
        subtitle=str(published.settings.get("name", "") or ""),
        period=_period(published),
        as_of=str(published.settings.get("as_of", "") or ""),
        audience=published.audience,
        pages=(Page("numbers", "1", title, "", (block, DisclosureStatement(published))),),
    )
    return write_html(document, path)


def write_csv(published: Published, path: str | Path) -> Path:
    """Write published rows as CSV, a text that a spreadsheet would take for a formula led by an apostrophe."""
    _refuse(published)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in COLUMNS if name not in GATE_ONLY]
    writer.writerow([*names, "policy", "audience", "release_id"])
    stamp = [published.policy.name, str(published.audience), published.release_id]
    for row in published.rows():
        writer.writerow([*(_plain_cell(row[name]) for name in names), *stamp])
    target = Path(path)
    target.write_text(text.getvalue(), encoding="utf-8", newline="")
    return target


def safe_text(text: str) -> str:
    """Text that a spreadsheet shows as it is: no formula, no control characters.

    >>> safe_text("=1+1"), safe_text("plain")
    ("'=1+1", 'plain')
    """
    cleaned = "".join(sign for sign in text if sign >= " " or sign in "\t\n")
    return f"'{cleaned}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else cleaned


def _plain_cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    return safe_text(str(value))


def _period(published: Published) -> str:
    starts, ends = published.frame["period_start"].dropna(), published.frame["period_end"].dropna()
    return f"{min(starts)} to {max(ends)}" if len(starts) and len(ends) else ""


def _refuse(published: object) -> None:
    if not isinstance(published, Published):
        raise DisclosureError("a writer accepts published rows only; pass the estimates through publish() first")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("iop_outcomes.publication"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["is_number"] = lambda cell: isinstance(cell, Quantity)
    environment.filters["show"] = formatting.show
    environment.filters["interval"] = formatting.show_interval
    environment.filters["base"] = formatting.show_base
    environment.filters["svg"] = _inline
    environment.globals["kind"] = lambda block: type(block).__name__
    environment.globals["withheld_mark"] = formatting.WITHHELD
    return environment


def _cell(cell: Cell) -> str:
    return formatting.show(cell) if isinstance(cell, Quantity) else cell


def _inline(svg: str) -> Markup:
    """Drawn figures are the only markup that is not escaped; refuse one that could run or fetch anything."""
    from markupsafe import Markup

    lowered = svg.lower()
    if any(
        word in lowered
        for word in ("<script", "<foreignobject", "javascript:", "<image", 'href="http', "url(http", "<style>@")
    ):
        raise DisclosureError("a figure holds markup that could run or fetch something")
    if svg and not lowered.startswith("<svg"):
        raise DisclosureError("a figure is SVG text that starts with its root element")
    return Markup(svg)
