"""A written page read back: its words by kind, its headline numbers and the cells of its tables."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from iop_outcomes.publication.document import (
    Block,
    DisclosureStatement,
    Document,
    FigureBlock,
    Note,
    Paragraph,
    Sentences,
    TableBlock,
    Tiles,
)

_NUMBER = re.compile(r"(?:(under|over) )?(-?)\$?(-?)(\d[\d,]*)(?:\.(\d+))?(%?)")
#: What "under 1%" and "over 99%" leave: the middle, and half of how wide it is.
_EDGES = {("under", 0.01): (0.0025, 0.0025), ("over", 0.99): (0.9975, 0.0025)}


def list_prose(document: Document) -> Iterator[tuple[str, str, str]]:
    """Every text of a document that was written for a reader: page, kind, text."""
    for page in document.pages:
        yield page.number, "lead", page.lead
        for block in page.blocks:
            yield from ((page.number, kind, text) for kind, text in _texts(block) if text)


def _texts(block: Block) -> Iterator[tuple[str, str]]:
    match block:
        case Paragraph(text=text):
            yield "prose", text
        case Note(text=text):
            yield "notes", text
        case Sentences(items=items):
            yield from (("prose", item) for item in items)
        case DisclosureStatement():
            yield from (("prose", sentence) for sentence in block.sentences())
        case TableBlock(caption=caption):
            yield "captions", caption
        case FigureBlock(caption=caption, alt=alt):
            yield from (("captions", caption), ("alternative texts", alt))
        case Tiles(tiles=tiles):
            for tile in tiles:
                yield "notes", f"{tile.label}. {tile.note}. {tile.assurance}"
                yield "alternative texts", tile.alt


class _Reader(HTMLParser):
    """Tables as rows of cells, and the large numbers of tiles, in the order of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tiles: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._into = self.tables[-1][-1]
            self._into.append("")
        elif tag == "p" and ("class", "value") in attrs:
            self._into = self.tiles
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "p"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def read_page(html: str) -> tuple[list[str], list[list[list[str]]]]:
    """The headline numbers and the tables (their rows without the heading) of a page, as text."""
    reader = _Reader()
    reader.feed(html)
    return reader.tiles, [table[1:] for table in reader.tables]


def read_printed(text: str) -> list[tuple[float, float]]:
    """Each number of a cell with half of its last printed digit; of what would round to nobody or everybody half of that.

    >>> read_printed("-3% of $1,234.50"), read_printed("91% to over 99%")
    ([(-0.03, 0.005), (1234.5, 0.005)], [(0.91, 0.005), (0.9975, 0.0025)])
    """
    found = []
    for word, minus, after, whole, decimals, percent in _NUMBER.findall(text):
        value = float(f"{whole.replace(',', '')}.{decimals or 0}") * (-1 if minus or after else 1)
        scale = 100 if percent else 1
        if (word, value / scale) in _EDGES and percent:
            found.append(_EDGES[word, value / scale])
            continue
        found.append((value / scale, 0.5 * math.pow(10, -len(decimals)) / scale))
    return found
