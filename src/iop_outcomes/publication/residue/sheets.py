"""What a PDF says: its paragraphs and cells whole, where it is tagged; all other text line by line; every title and description.

Letters drawn as shapes are not read here: a page written from the same document says the same, and is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from iop_outcomes.publication.residue.pieces import Piece, unread

#: Parts of a tagged PDF that hold other parts, one by one; what is in any other part is one text.
# fmt: off
_HOLDERS = frozenset({
    "/StructTreeRoot", "/Document", "/DocumentFragment", "/Part", "/Art", "/Sect", "/Div", "/BlockQuote", "/NonStruct",
    "/Aside", "/TOC", "/TOCI", "/Index", "/L", "/LI", "/Table", "/THead", "/TBody", "/TFoot", "/TR",
})
#: Texts no reader meets: names of parts, of languages, of the program and of the day a file was made.
_UNSPOKEN = frozenset({
    "/ID", "/Headers", "/Lang", "/Registry", "/Ordering", "/CreationDate", "/ModDate", "/Producer", "/Creator", "/Dest",
    "/D", "/DA", "/Panose", "/IDTree",
})
#: The same in the second set of properties a PDF has.
_STAMPS = frozenset({
    "CreatorTool", "Producer", "CreateDate", "ModifyDate", "MetadataDate", "InstanceID", "DocumentID", "part", "NPages",
    "PDFVersion",
})
# fmt: on
#: A marked text: page and number of the mark.
_Mark = tuple[int, int]


def read_pdf(content: bytes, place: str) -> Iterator[Piece]:
    """Every text of a PDF with its place; of a file that cannot be read, that it was not."""
    from pypdf import PdfReader

    try:
        reader: Any = PdfReader(io.BytesIO(content))
        root = reader.trailer["/Root"]
        leads_to = {f"page {number}" for number, _ in enumerate(reader.pages, start=1)}  # what a link says of itself
        for name, text in _find_texts(reader.trailer):
            if name != "/Contents" or text not in leads_to:
                yield Piece(_where(place, f"property {name.strip('/')}"), text)
        if "/Metadata" in root:
            yield from _read_properties(root["/Metadata"].get_data(), place)
        marked, rest = _read_sheets(reader.pages)
        if "/StructTreeRoot" in root:
            numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
            for where, text in _read_parts(root["/StructTreeRoot"], marked, numbers, 0):
                yield Piece(_where(place, where), text)
        rest += [(number, text) for (number, _), text in marked.items()]  # marked, but in no part
        for number, text in rest:
            printed = f"sheet {number} of {len(reader.pages)}"  # a sheet's own number, which no record decides
            for count, line in enumerate(text.splitlines(), start=1):
                yield Piece(_where(place, f"page {number}, line {count}"), line.strip().removesuffix(printed))
        if reader.attachments:
            yield unread(place, "a file attached to a PDF")
    except Exception:  # whatever a damaged or locked file makes the reader say, it was not read
        yield unread(place, "a damaged or locked PDF")


def _find_texts(trailer: Any) -> Iterator[tuple[str, str]]:
    """Every text outside the sheets with the name it stands under: titles, descriptions, bookmarks, remarks, fields."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("/", trailer)]
    while waiting:
        name, held = waiting.pop()
        reference = getattr(held, "idnum", None)
        if reference is not None:
            if reference in seen:
                continue
            seen.add(reference)
            held = held.get_object()
        if name in _UNSPOKEN:
            continue
        if hasattr(held, "raw_get"):  # a dictionary, which need not be asked for what it refers to
            waiting += [(str(key), held.raw_get(key)) for key in reversed(held)]
        elif isinstance(held, list):
            waiting += [(name, inner) for inner in reversed(held)]
        elif isinstance(held, str) and not held.startswith("/"):
            yield name, str(held)


def _read_properties(held: bytes, place: str) -> Iterator[Piece]:
    for element in ElementTree.fromstring(held).iter():
        name = str(element.tag).rpartition("}")[2]
        if name not in _STAMPS:
            for text in (element.text, *element.attrib.values()):
                yield Piece(_where(place, f"property {name}"), text or "")


def _read_sheets(pages: Any) -> tuple[dict[_Mark, str], list[tuple[int, str]]]:
    """The text of every mark, and of each sheet what stands under none."""
    marked: dict[_Mark, str] = {}
    rest: list[tuple[int, str]] = []
    for number, page in enumerate(pages, start=1):
        open_marks: list[int | None] = []
        loose: list[str] = []

        def follow(operator: bytes, operands: Any, *_: Any, marks: list[int | None] = open_marks) -> None:
            if operator in (b"BDC", b"BMC"):
                facts = operands[1] if len(operands) > 1 and isinstance(operands[1], Mapping) else {}
                marks.append(facts.get("/MCID"))
            elif operator == b"EMC" and marks:
                marks.pop()

        def keep(
            text: str, *_: Any, page: int = number, marks: list[int | None] = open_marks, unmarked: list[str] = loose
        ) -> None:
            mark = next((each for each in reversed(marks) if each is not None), None)
            if mark is None:
                unmarked.append(text)
            else:
                marked[page, int(mark)] = marked.get((page, int(mark)), "") + text

        page.extract_text(visitor_operand_before=follow, visitor_text=keep)
        rest.append((number, "".join(loose)))
    return marked, rest


def _read_parts(
    part: Any, marked: dict[_Mark, str], numbers: Mapping[int, int], page: int
) -> Iterator[tuple[str, str]]:
    """The text of every part of a tagged PDF in reading order; marks that are read are taken out of ``marked``."""
    kind = str(part.get("/S", "/StructTreeRoot"))
    if kind not in _HOLDERS:
        marks = list(_find_marks(part, numbers, page))
        text = "".join(marked.pop(mark, "") for mark in marks)
        yield f"page {marks[0][0] if marks else page}, {kind.strip('/')}", " ".join(text.split())
        return
    own = _page_of(part, numbers, page)
    for inner in _inner(part):
        if isinstance(inner, Mapping) and "/S" in inner:
            yield from _read_parts(inner, marked, numbers, own)


def _find_marks(part: Any, numbers: Mapping[int, int], page: int) -> Iterator[_Mark]:
    own = _page_of(part, numbers, page)
    for inner in _inner(part):
        if isinstance(inner, int):
            yield own, int(inner)
        elif "/MCID" in inner:
            yield _page_of(inner, numbers, own), int(inner["/MCID"])
        else:
            yield from _find_marks(inner, numbers, own)


def _inner(part: Any) -> list[Any]:
    held = part.get("/K", [])
    return [each.get_object() for each in (held if isinstance(held, list) else [held])]


def _page_of(part: Any, numbers: Mapping[int, int], page: int) -> int:
    return numbers.get(part.raw_get("/Pg").idnum, page) if "/Pg" in part else page


def _where(place: str, part: str) -> str:
    return f"{place}, {part}" if place else part
