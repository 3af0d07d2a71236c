"""A document as Markdown: words and pipe tables that read well as they are, and turn into a page anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from iop_outcomes.publication.document import Document, Table, check_document
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.outline import Outline, outline_block
from iop_outcomes.publication.wording import say_facts, say_mark, say_page, settle_text, show_cell

#: Signs that mean something anywhere in a line, and starts that make a line something else than prose.
_MARKS = re.compile(r"([\\`*\[\]<>|])")
_STARTS = re.compile(r"^(#+|[-+](?= )|\d+(?=[.)](?: |$)))")
#: What is a list of sentences rather than prose.
_LISTS = ("sentences", "definition", "disclosure statement")


def write_markdown(document: Document, path: str | Path) -> Path:
    """Write a document as one Markdown file: prose, pipe tables, and for each figure its alternative text, caption and
    numbers. It holds no HTML. Returns the path.

    Raises ``DisclosureError`` for anything that is no document of published rows.
    """
    check_document(document)
    target = Path(path)
    target.write_text(render_markdown(document), encoding="utf-8", newline="\n")
    return target


def render_markdown(document: Document) -> str:
    """The document as Markdown text."""
    return "\n\n".join(part for part in _parts(document) if part) + "\n"


def escape(text: str) -> str:
    """Text as Markdown shows it: no sign of it becomes markup, and no line of it a heading or a list.

    >>> print(escape("a|b <i>"), escape("# 1"), escape("2. two"), escape("-5%"))
    a\\|b \\<i\\> \\# 1 2\\. two -5%
    """
    plain = _MARKS.sub(r"\\\1", settle_text(text))
    return _STARTS.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", plain)


def _parts(document: Document) -> Iterator[str]:
    stamps = " · ".join(f"**{stamp}**" for stamp in document.stamps)
    yield from (f"# {escape(document.title)}", stamps, escape(document.subtitle))
    yield _list(say_facts(document))
    yield escape(say_mark(document))
    for page in document.pages:
        yield from (f"## {escape(say_page(page))}", stamps, escape(page.lead))
        for block in page.blocks:
            yield from _say_block(outline_block(block))


def _say_block(block: Outline) -> Iterator[str]:
    if block.title:
        yield f"### {escape(block.title)}"
    if block.kind in _LISTS:
        yield _list(block.prose)
    for text in block.prose if block.kind not in _LISTS else ():
        yield {"key sentence": "**{}**", "note": "> {}", "figure": "Figure: {}"}.get(block.kind, "{}").format(
            escape(text)
        )
    if block.table:
        yield _grid(block.table)
    yield escape(block.caption)


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {escape(item)}" for item in items)


def _grid(table: Table) -> str:
    """A pipe table, columns of numbers to the right."""
    numbers = {place for row in table.rows for place, cell in enumerate(row) if isinstance(cell, Quantity)}
    rules = ["---:" if place in numbers else "---" for place in range(len(table.columns))]
    rows = [[escape(show_cell(cell)) for cell in row] for row in (table.columns, *table.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (rows[0], rules, *rows[1:]))
