"""An Excel workbook from a document: a sheet a page, every released number, the definitions; numbers are numbers.

Nothing in it is a formula, and writing the same document twice gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from iop_outcomes.publication.archive import settle_archive
from iop_outcomes.publication.document import DefinitionBox, Document, Page, Table, check_document
from iop_outcomes.publication.export import EXPORTED, STAMPED, list_document_rows
from iop_outcomes.publication.formatting import WITHHELD, Kind, quantity_of
from iop_outcomes.publication.outline import outline_block
from iop_outcomes.publication.paper import Paper
from iop_outcomes.publication.sheet import Sheet, Styles, choose_widths, kind_format, name_sheet
from iop_outcomes.publication.wording import say_mark, say_page, say_running
from iop_outcomes.vocabulary import Status

#: The sheets that are no page of the document.
COVER, NUMBERS, DEFINITIONS = "Contents", "Numbers", "Definitions"
#: Columns on the scale of the number itself, and all that stand empty where the gate withheld a row.
_SCALED = ("value", "ci_low", "ci_high")
_BLANKED = (*_SCALED, "n", "denominator", "people", "n_missing")
_WIDTHS = {
    "measure": 16, "definition": 28, "estimand": 22, "category": 30, "by": 18, "group": 22, "at": 8, "n": 8, "people": 9,
    "reference": 24, "unit": 26, "method": 36, "note": 40, "release_id": 15, "title": 44,
}  # fmt: skip
#: The first and the last column of the long tables that go on paper; the others are for the screen.
_PRINTED_NUMBERS, _PRINTED_DEFINITIONS = ("definition", "n_missing"), ("Definition", "Sentence")
#: The workbook says it was made on the first day that an archive can tell, whenever it was.
_CREATED = datetime(1980, 1, 1)


def write_workbook(document: Document, path: str | Path, paper: str = "a4") -> Path:
    """Write a document as an Excel workbook: what can somebody calculate with? Returns the path.

    After a sheet of contents comes a sheet for each page with its tiles, its tables and the numbers behind its figures,
    then every released number in the columns of the CSV with the title of its definition, and the definitions. A number
    is shown as the pages print it and holds the released value; a withheld one is the mark of withheld numbers, as text.
    ``paper`` (``a4`` or ``us-letter``) is for printing.

    Raises ``DisclosureError`` for anything that is no document of published rows, ``UsageError`` for another paper.
    """
    check_document(document)
    printed_on = Paper.named(paper).excel
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    target = Path(path)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(str(target), options) as book:
        book.set_properties(_properties(document))
        styles = Styles(book)
        names = _name_sheets(document)
        sheets = {name: Sheet(book.add_worksheet(name), styles) for name in names}
        for sheet in sheets.values():
            _set_up(sheet, document, printed_on)
        _fill_cover(sheets[COVER], document, names)
        for page, name in zip(document.pages, list(names)[1:], strict=False):
            _fill_page(sheets[name], page, document.stamps)
        _fill_numbers(sheets[NUMBERS], document)
        if document.definitions:
            _fill_definitions(sheets[DEFINITIONS], document.definitions)
    return settle_archive(target)


def _properties(document: Document) -> dict[str, Any]:
    return {
        "title": " · ".join(part for part in (document.title, document.subtitle, document.period) if part),
        "keywords": " ".join(document.stamps),
        "comments": f"Release {', '.join(document.release_ids)}",
        "created": _CREATED,
    }


def _name_sheets(document: Document) -> dict[str, str]:
    """Every sheet with what it holds, in order."""
    names = {COVER: ""}
    for page in document.pages:
        names[name_sheet(say_page(page), taken=names)] = page.lead or page.title
    names[NUMBERS] = "Every released number, with what it rests on; method, notes and release are not printed."
    if document.definitions:
        names[DEFINITIONS] = "What each number means: counted, among whom, what is missing. Its sentence is printed."
    return names


def _set_up(sheet: Sheet, document: Document, paper: int) -> None:
    """Page header and footer with the stamps, and paper: the same on every sheet."""
    stamps, (left, right) = " · ".join(document.stamps), say_running(document)
    sheet.set_up_print(
        paper,
        header=f"&L {left.replace('&', '&&')[:120]} &C {stamps}",
        footer=f"&L {right.replace('&', '&&')[:120]} &C {stamps} &R Page &P of &N",
    )


def _fill_cover(sheet: Sheet, document: Document, names: Mapping[str, str]) -> None:
    """What the workbook is, from which release, and a link to every sheet."""
    sheet.set_widths([34, 92])
    sheet.head(document.title, document.subtitle, stamps=document.stamps)
    policies = {source.policy.name: source.policy for source in document.sources}
    facts = [
        ("Period", document.period),
        ("Data as of", document.as_of),
        ("Audience", document.audience.label),
        ("Release", ", ".join(document.release_ids)),
        *(("Policy", f"{policy.name}: {policy.description}") for policy in policies.values()),
        ("Mark", say_mark(document)),
    ]
    sheet.table(Table(("About this workbook", ""), tuple(fact for fact in facts if fact[1])))
    sheet.heading("Sheets")
    sheet.links([(name, holds) for name, holds in names.items() if name != COVER])


def _fill_page(sheet: Sheet, page: Page, stamps: Sequence[str]) -> None:
    """A page of the document: each block with its prose, its table, and its caption under it."""
    blocks = [outline_block(block) for block in page.blocks]
    sheet.set_widths(choose_widths(block.table for block in blocks if block.table))
    sheet.head(say_page(page), page.lead, stamps=stamps)
    for block in blocks:
        if block.title:
            sheet.heading(block.title)
        for text in block.prose:
            sheet.prose(text, "key" if block.kind == "key sentence" else "prose")
        if block.table:
            sheet.table(block.table)
        sheet.prose(block.caption, "caption")
        sheet.gap()


def _fill_numbers(sheet: Sheet, document: Document) -> None:
    """Every released row: its words as they are, its numbers as numbers, in the columns of the CSV and its title."""
    titles = {definition.definition: definition.title for definition in document.definitions}
    columns = (*EXPORTED, *STAMPED, *(("title",) if titles else ()))
    sheet.set_widths([_WIDTHS.get(name, max(11, len(name) + 3)) for name in columns])
    rows = []
    for row in list_document_rows(document):
        row = {**row, "title": titles.get(row["definition"])}
        kind = quantity_of({**row, **dict.fromkeys(_BLANKED)}).kind
        rows.append([_released_cell(row, name, kind) for name in columns])
    sheet.long_table(columns, rows, _PRINTED_NUMBERS)


def _released_cell(row: Mapping[str, Any], name: str, kind: Kind) -> tuple[Any, str]:
    """A cell of a released row with its number format; the mark where the row is withheld."""
    if row["status"] == Status.WITHHELD and name in _BLANKED and row[name] is None:
        return WITHHELD, ""
    if name in _SCALED:
        return row[name], kind_format(kind)
    return row[name], kind_format("count") if name in _BLANKED else ""


def _fill_definitions(sheet: Sheet, definitions: Sequence[DefinitionBox]) -> None:
    facts = list(dict.fromkeys(name for definition in definitions for name, _ in definition.facts))
    columns = ("Definition", "Title", "Sentence", *facts)
    sheet.set_widths([30, 40, 60, *[44] * len(facts)])
    rows = []
    for definition in definitions:
        said = dict(definition.facts)
        texts = (definition.definition, definition.title, definition.sentence, *(said.get(name, "") for name in facts))
        rows.append([(text, "") for text in texts])
    sheet.long_table(columns, rows, _PRINTED_DEFINITIONS)
