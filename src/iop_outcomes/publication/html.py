"""One self-contained HTML page from a document, and a plain page of published rows.

Nothing on the page is fetched: styles, figures and words are inside the file, so it opens from an email attachment and
prints without a network. Writing the same document twice gives the same bytes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication import formatting
from iop_outcomes.publication.document import (
    SIGNAL_WORDS,
    Cell,
    DisclosureStatement,
    Document,
    Page,
    Table,
    TableBlock,
    TextTable,
    tabulate,
)
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.wording import SIGNAL_SIGNS

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
    if not isinstance(published, Published):
        raise DisclosureError("a writer accepts published rows only; pass the estimates through publish() first")
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


def _period(published: Published) -> str:
    starts, ends = published.frame["period_start"].dropna(), published.frame["period_end"].dropna()
    return f"{min(starts)} to {max(ends)}" if len(starts) and len(ends) else ""


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
    environment.filters["linked"] = _link_pages
    environment.globals["numeric_columns"] = _find_numeric
    environment.globals["most_decimals"] = _most_decimals
    environment.globals["kind"] = lambda block: type(block).__name__
    environment.globals["signal_words"] = SIGNAL_WORDS
    environment.globals["signal_signs"] = SIGNAL_SIGNS
    environment.globals["withheld_mark"] = formatting.WITHHELD
    return environment


def _find_numeric(table: Table | TextTable) -> list[bool]:
    """Which columns hold numbers, so that headings and dashes stand in line with them."""
    columns = range(len(table.columns))
    return [any(isinstance(row[column], Quantity) for row in table.rows) for column in columns]


def _most_decimals(table: Table | TextTable) -> list[int]:
    """The most digits behind the point in each column of bare numbers."""
    columns = range(len(table.columns))
    return [max((_count_decimals(row[column]) or 0 for row in table.rows), default=0) for column in columns]


def _cell(cell: Cell, decimals: int = 0) -> str:
    """A cell as printed; a bare number is filled up with spaces as wide as digits, so that points stand in line."""
    if not isinstance(cell, Quantity):
        return cell
    text = formatting.show(cell)
    own = _count_decimals(cell)
    return text if own is None or own >= decimals else text + "\u2008" * (not own) + "\u2007" * (decimals - own)


def _count_decimals(cell: Cell) -> int | None:
    """Digits behind the point of a bare number as printed; nothing for shares, money, words and numbers not shown."""
    if not isinstance(cell, Quantity) or cell.kind != "number" or not cell.shown:
        return None
    return len(formatting.show(cell).partition(".")[2])


def _link_pages(text: str, document: Document) -> Markup:
    """Words with "page 3" as a link where the document has that page."""
    from markupsafe import Markup, escape

    places = {page.number: page.id for page in document.pages}

    def link(found: re.Match[str]) -> str:
        return f'<a href="#{escape(places[found[1]])}">{found[0]}</a>' if found[1] in places else found[0]

    return Markup(re.sub(r"\bpage (A?\d+)\b", link, str(escape(text))))


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
