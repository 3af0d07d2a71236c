"""What a workbook or a word file says: every cell, hidden or not, paragraph, comment, property and chart's own copy."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree

from iop_outcomes.publication.residue.markup import ReadEmbedded
from iop_outcomes.publication.residue.pieces import Piece, unread

#: Elements whose inner texts make one text.
_WHOLE = frozenset(("p", "si", "is", "text", "oddHeader", "oddFooter", "v", "f", "t", "definedName"))
_POINTING = frozenset(("f", "definedName"))
#: Attributes a reader can meet: names, descriptions, who wrote it; and values of a pivot table's copy of its data.
_SPOKEN = re.compile(
    "name|title|descr|description|alt|author|initials|displayName|label|text|v|minValue|maxValue|caption|prompt|error"
)
#: Parts that only lay out: their texts are read, their attributes are not.
_LAYOUT = re.compile(
    r"(?:styles|theme\d*|settings|webSettings|fontTable|numbering|presProps|viewProps|tableStyles)\.xml$"
)
#: Properties every writer sets: when the file was made, by which version of what, how it is locked, of how many parts.
_STAMPS = frozenset(("created", "modified", "Application", "AppVersion", "DocSecurity", "HeadingPairs"))
#: Names that writers give by themselves.
_GIVEN = re.compile(r"(?:Sheet|Table|Chart|Picture|Image|Drawing|Figure) ?\d{1,2}")
#: Digits of a number that a workbook shows; those behind them come of how it is stored.
_DIGITS = 15
#: Cells a formula or a name points at.
_REFERENCE = re.compile(r"\$?\b[A-Z]{1,3}\$?\d{1,7}\b|\$\d{1,7}:\$\d{1,7}")
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MOST = 200_000_000


def read_office(content: bytes, place: str, read_embedded: ReadEmbedded) -> Iterator[Piece]:
    """Every text of an XLSX or DOCX file with its place, and the places of parts that could not be read."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
        if sum(member.file_size for member in members.values()) > _MOST:
            raise ValueError("too large")
        parts = {name: archive.read(member) for name, member in members.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError):
        yield unread(place, "a damaged or locked file")
        return
    if archive.comment:
        yield Piece(_where(place, "comment of the archive"), archive.comment.decode("latin-1"))
    trees: dict[str, ElementTree.Element] = {}
    for name, held in parts.items():
        if not name.endswith((".xml", ".rels", ".vml")):
            yield from read_embedded(held, name, _where(place, name))
            continue
        try:
            if b"<!DOCTYPE" in held:
                raise ElementTree.ParseError("a document type")
            trees[name] = ElementTree.fromstring(held)
        except ElementTree.ParseError:
            yield unread(_where(place, name), "a part of the file")
    sheets = _name_sheets(trees)
    shared = _shared_texts(trees.get("xl/sharedStrings.xml"))
    used: set[int] = set()
    for name, tree in trees.items():
        if name in sheets:
            yield from _read_sheet(tree, _where(place, sheets[name]), shared, used)
        elif name.endswith(".rels"):
            yield from _read_links(tree, _where(place, name))
        elif name not in ("xl/sharedStrings.xml", "[Content_Types].xml"):
            yield from _read_part(tree, name, place)
    for number, text in enumerate(shared):
        if number not in used:
            yield Piece(_where(place, "text no cell shows"), text)


def _name_sheets(trees: dict[str, ElementTree.Element]) -> dict[str, str]:
    """The part of every sheet with the sheet's name, and whether it is hidden."""
    book, links = trees.get("xl/workbook.xml"), trees.get("xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        return {}
    targets = {link.get("Id"): (link.get("Target") or "").removeprefix("/") for link in links}
    names = {}
    for sheet in (each for each in book.iter() if _tag(each) == "sheet"):
        target = targets.get(sheet.get(_RELATED), "")
        hidden = " (hidden)" if sheet.get("state", "visible") != "visible" else ""
        names[target if target.startswith("xl/") else f"xl/{target}"] = f"{sheet.get('name')}{hidden}"
    return names


def _shared_texts(tree: ElementTree.Element | None) -> list[str]:
    return [] if tree is None else ["".join(item.itertext()) for item in tree]


def _read_sheet(tree: ElementTree.Element, sheet: str, shared: list[str], used: set[int]) -> Iterator[Piece]:
    cells = [each for each in tree.iter() if _tag(each) == "c"]
    for cell in cells:
        where = f"{sheet}!{cell.get('r', '')}"
        for part in cell:
            text = "".join(part.itertext())
            if _tag(part) == "v" and cell.get("t") == "s":
                used.add(int(text))
                text = shared[int(text)] if int(text) < len(shared) else text
            elif _tag(part) == "v" and cell.get("t", "n") == "n" and text:
                text = f"{float(text):.{_DIGITS}g}"
            if _tag(part) == "f":
                yield Piece(f"{where}, formula", _REFERENCE.sub("", text))
            else:
                yield Piece(where, text)
    for cell in cells:
        cell.clear()
    yield from _read_texts(tree, sheet)


def _read_links(tree: ElementTree.Element, where: str) -> Iterator[Piece]:
    for link in tree:
        if link.get("TargetMode") == "External":
            yield Piece(where, link.get("Target") or "")


def _read_part(tree: ElementTree.Element, name: str, place: str) -> Iterator[Piece]:
    where = _where(place, PurePosixPath(name).stem if name.startswith("word/") else name)
    if name.startswith("docProps/"):
        for element in list(tree):
            if _tag(element) in _STAMPS:
                tree.remove(element)
    yield from _read_texts(tree, where)
    if _LAYOUT.search(name):
        return
    every = name.startswith(("customXml/", "xl/pivotCache/", "xl/externalLinks/"))
    for element in tree.iter():
        for key, value in element.attrib.items():
            if (every or _SPOKEN.fullmatch(key.rpartition("}")[2])) and not _GIVEN.fullmatch(value):
                yield Piece(f"{where}, {_tag(element)}", value)


def _read_texts(tree: ElementTree.Element, where: str) -> Iterator[Piece]:
    """The texts of a part, those of one paragraph together; a paragraph inside another (a text box) is read twice."""
    paragraph = 0
    inside: set[ElementTree.Element] = set()
    for element in tree.iter():
        if _tag(element) in _WHOLE and element not in inside:
            paragraph += 1
            inside.update(element.iter())
            text = "".join(element.itertext())
            yield Piece(
                f"{where}, paragraph {paragraph}", _REFERENCE.sub("", text) if _tag(element) in _POINTING else text
            )
        elif element not in inside and element.text:
            yield Piece(f"{where}, {_tag(element)}", element.text)


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _where(place: str, part: str) -> str:
    return f"{place}, {part}" if place else part
