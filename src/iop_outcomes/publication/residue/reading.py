"""Which reader a file takes, by its name and its first bytes; a file of no known kind is not read and says so."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from iop_outcomes.publication.residue.markup import read_markup
from iop_outcomes.publication.residue.office import read_office
from iop_outcomes.publication.residue.pictures import JPEG, PNG, read_jpeg, read_png
from iop_outcomes.publication.residue.pieces import Piece, unread
from iop_outcomes.publication.residue.sheets import read_pdf

_MARKUP = re.compile(rb"^\xef?\xbb?\xbf?\s*<(?:!doctype html|html|svg|\?xml|!--)", re.I)
#: Escapes that colour the text of a terminal.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: What the readers meet in a file that is not what it says it is.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, csv.Error, struct.error)
#: What a notebook says of the program that ran it.
_KERNEL = ("kernelspec", "language_info")
_SUFFIX = {
    "text/html": ".html",
    "image/svg+xml": ".svg",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "text/csv": ".csv",
}


def read_pieces(content: bytes, name: str, place: str = "") -> Iterator[Piece]:
    """Every text of a file, by its name ("report.html") or its media type, with its place; ``place`` leads all places."""
    suffix = _SUFFIX.get(name, PurePath(name).suffix.lower())
    try:
        if content.startswith(PNG):
            yield from read_png(content, place)
        elif content.startswith(JPEG):
            yield from read_jpeg(content, place)
        elif content.startswith(b"PK\x03\x04") and suffix in (".xlsx", ".docx", ".xlsm"):
            yield from read_office(content, place, read_pieces)
        elif content.startswith(b"%PDF"):
            yield from read_pdf(content, place)
        elif suffix in _TEXTS or _MARKUP.match(content):
            yield from _TEXTS.get(suffix, _read_markup)(content.decode("utf-8-sig"), place)
        else:
            yield unread(place, f"a file of a kind that is not read ({suffix or 'no ending'})")
    except _DAMAGED:
        yield unread(place, "a damaged file")


def _read_markup(text: str, place: str) -> Iterator[Piece]:
    return read_markup(text, place, read_pieces)


def _read_plain(text: str, place: str) -> Iterator[Piece]:
    for number, line in enumerate(text.splitlines(), start=1):
        yield Piece(_where(place, f"line {number}"), line)


def _read_csv(text: str, place: str) -> Iterator[Piece]:
    header: list[str] = []
    for number, cells in enumerate(csv.reader(io.StringIO(text), strict=True), start=1):
        header = header or cells
        for column, cell in enumerate(cells):
            heading = header[column] if number > 1 and column < len(header) else f"column {column + 1}"
            yield Piece(_where(place, f"row {number}, {heading}"), cell)


def _read_json(text: str, place: str) -> Iterator[Piece]:
    return _read_values(json.loads(text), place, "")


def _read_values(value: Any, place: str, name: str) -> Iterator[Piece]:
    """Every name and value of a JSON text; a number is read with its name before it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield Piece(_where(place, "name"), str(key).replace("_", " "))
            yield from _read_values(inner, _where(place, str(key)), str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _read_values(inner, _where(place, f"{number}"), name)
    elif isinstance(value, str):
        yield Piece(place, value)
    elif value is not None and not isinstance(value, bool):
        yield Piece(place, f"{name.replace('_', ' ')} {value}")


def _read_notebook(text: str, place: str) -> Iterator[Piece]:
    """The words and every output of a notebook. Code is not read but for its comments and texts: it is the same for all."""
    notebook = json.loads(text)
    about = {name: held for name, held in notebook.get("metadata", {}).items() if name not in _KERNEL}
    yield from _read_values(about, _where(place, "metadata"), "")
    for number, cell in enumerate(notebook["cells"], start=1):
        where = _where(place, f"cell {number}")
        source = _join(cell.get("source", ""))
        if cell.get("cell_type") == "code":
            yield from (Piece(f"{where} comment", found) for found in re.findall(r"#[^\n]*", source))
        else:
            yield from _read_markup(source, where)
        yield from _read_values(cell.get("metadata", {}), f"{where} metadata", "")
        for bundle in cell.get("attachments", {}).values():
            yield from _read_bundle(bundle, f"{where} attachment")
        for count, output in enumerate(cell.get("outputs", []), start=1):
            yield from _read_output(output, f"{where} output {count}")


def _read_output(output: Mapping[str, Any], where: str) -> Iterator[Piece]:
    yield from _read_bundle(output.get("data", {}), where)
    yield from _read_values(output.get("metadata", {}), f"{where} metadata", "")
    for name in ("text", "ename", "evalue", "traceback"):
        held = output.get(name, "")
        text = _COLOURS.sub("", held if isinstance(held, str) else ("\n" if name == "traceback" else "").join(held))
        yield from _read_plain(text, where)


def _read_bundle(bundle: Mapping[str, Any], where: str) -> Iterator[Piece]:
    for kind, held in bundle.items():
        text = _join(held)
        if not isinstance(text, str):
            yield from _read_values(held, f"{where} {kind}", "")
        elif kind.startswith("image/") and kind != "image/svg+xml":
            yield from read_pieces(base64.b64decode(text), kind, f"{where} {kind}")
        elif kind in ("text/html", "image/svg+xml", "text/markdown"):
            yield from _read_markup(text, f"{where} {kind}")
        else:
            yield from _read_plain(text, f"{where} {kind}")


def _join(held: Any) -> Any:
    return "".join(held) if isinstance(held, list) and all(isinstance(line, str) for line in held) else held


def _where(place: str, part: str) -> str:
    return f"{place}, {part}" if place else part


_TEXTS: dict[str, Callable[[str, str], Iterator[Piece]]] = {
    ".html": _read_markup,
    ".htm": _read_markup,
    ".svg": _read_markup,
    ".csv": _read_csv,
    ".json": _read_json,
    ".ipynb": _read_notebook,
    ".txt": _read_plain,
    ".md": _read_plain,
}
