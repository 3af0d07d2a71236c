"""A document as JSON: its pages block by block, the definitions, and every released number, for another program to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iop_outcomes.publication.document import Cell, Document, Page, check_document
from iop_outcomes.publication.export import list_document_rows, settle_value, strip_controls
from iop_outcomes.publication.formatting import Quantity, show
from iop_outcomes.publication.outline import Outline, outline_block
from iop_outcomes.publication.wording import say_page

#: The number is raised when a part of the file changes its name or its place.
_FORMAT = "iop_outcomes document 1"
_NUMBERS = ("value", "low", "high", "n", "denominator", "people")


def write_json(document: Document, path: str | Path) -> Path:
    """Write a document as one JSON file: the pages in order, the definitions, and the released rows in the columns of the
    CSV under ``numbers``. A missing number is ``null``; a withheld one says so in its ``status``. Returns the path.

    Raises ``DisclosureError`` for anything that is no document of published rows.
    """
    check_document(document)
    text = json.dumps(describe_document(document), ensure_ascii=False, allow_nan=False, indent=1)
    target = Path(path)
    target.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return target


def describe_document(document: Document) -> dict[str, Any]:
    """The document in plain values, as JSON holds them."""
    return {
        "format": _FORMAT,
        "title": document.title,
        "subtitle": document.subtitle,
        "period": document.period,
        "as_of": document.as_of,
        "audience": str(document.audience),
        "stamps": list(document.stamps),
        "releases": list(document.release_ids),
        "policies": {source.policy.name: source.policy.description for source in document.sources},
        "pages": [_describe_page(page) for page in document.pages],
        "definitions": [
            {"definition": each.definition, "title": each.title, "sentence": each.sentence, **dict(each.facts)}
            for each in document.definitions
        ],
        "numbers": list_document_rows(document),
    }


def _describe_page(page: Page) -> dict[str, Any]:
    blocks = [_describe_block(outline_block(block)) for block in page.blocks]
    return {"id": page.id, "title": say_page(page), "lead": page.lead, "blocks": blocks}


def _describe_block(block: Outline) -> dict[str, Any]:
    """The parts a block has."""
    parts: dict[str, Any] = {"kind": block.kind, "title": block.title, "prose": list(block.prose)}
    if block.table:
        parts["columns"] = list(block.table.columns)
        parts["rows"] = [[_describe_cell(cell) for cell in row] for row in block.table.rows]
    parts["caption"] = block.caption
    return {name: part for name, part in parts.items() if part}


def _describe_cell(cell: Cell) -> str | dict[str, Any]:
    if not isinstance(cell, Quantity):
        return strip_controls(cell)
    numbers = {name: settle_value(getattr(cell, name)) for name in _NUMBERS}
    return {"shown": show(cell), "kind": cell.kind, "unit": cell.unit, "status": cell.status, **numbers}
