"""What a page or a drawing says: its text, the words of its attributes, its comments, and text drawn as shapes.

Where a mark stands (the coordinates of a path) is not text and is not read: figures are drawn from published rows only.
Everything a reader, a screen reader or a search can turn into words is.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from iop_outcomes.publication.residue.letters import join, read_alphabet
from iop_outcomes.publication.residue.pieces import Piece, unread

#: Elements that do not end a run of text, and those that hold nothing.
_INLINE = re.compile(
    "a|abbr|b|bdi|bdo|cite|code|em|font|i|kbd|mark|q|s|samp|small|span|strong|su[bp]|textpath|tspan|u|var|wbr"
)
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")
#: Attributes that lay out: how many columns, where a mark stands, how it looks.
_LAYOUT = re.compile(
    "charset|clip-path|clip-rule|clippathunits|colspan|c[xy]|d|dominant-baseline|d[xy]|fill|fill-opacity|fill-rule"
    "|font-(?:family|size|weight)|gradient(?:transform|units)|height|lang|marker-(?:start|mid|end)|media|offset|opacity"
    "|orient|pattern(?:contentunits|transform|units)|points|preserveaspectratio|r|rel|role|rotate|rowspan|r[xy]|scope"
    "|stroke|stroke-(?:dash(?:array|offset)|line(?:cap|join)|miterlimit|opacity|width)|tabindex|text-anchor|transform"
    "|type|version|viewbox|width|[xy][12]?|xml:space|xmlns(?::.*)?"
)
#: Attributes that name a place in the file or point at one.
_ANCHORS = re.compile("aria-(?:controls|describedby|labelledby)|class|for|headers|(?:xlink:)?href|id")
#: How wide a page is shown; every page says so.
_VIEWPORT = "width=device-width, initial-scale=1"
#: What drawing adds to an id by itself: numbered groups, clip paths and markers named by what they look like, letters.
_DRAWN = re.compile(
    r"(?:^|-)(?:(?:figure|axes|patch|text|line2d|legend|matplotlib\.axis|[xy]tick|\w*Collection)_\d+|clip[0-9a-f]{8}"
    r"|[mhp][0-9a-f]{10}|[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]*)*-[0-9a-f]{1,5})$"
)
#: What tells anchors of one kind apart: a1, spark2.
_COUNTED = re.compile(r"(?<=[A-Za-z])\d{1,2}(?!\d)")
#: A letter drawn as a shape: the name of its font and its place in it, or a name other writers give.
_LETTER = re.compile(r"(?:^|-)[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]*)*-[0-9a-f]{1,5}$|glyph", re.I)
_TICK = re.compile(r"(?:^|-)[xy]tick_\d+$")
_AXIS = re.compile(r"(?:^|-)matplotlib\.axis_\d+$")
_GRID_LABEL = re.compile(r"([-−+]?)\$?([\d,]*\.?\d+)(?:%| (?:days|weeks|hours|points))?")
#: The parts of a style sheet that put words on a page.
_STYLE_WORDS = re.compile(r"content\s*:\s*([^;}]*)|(--[\w-]+\s*:[^;}]*)|/\*(.*?)\*/|@import([^;]*)", re.S)
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b")
_DATA_URI = re.compile(r"data:([\w/+.-]*)((?:;[\w=+.-]+)*),([^\"')\s]*)")
_DOCTYPES = ("doctype html", 'doctype svg public "-//w3c//dtd svg 1.1//en"')

#: Reads the bytes of an embedded file of a kind; given by whoever knows all kinds.
ReadEmbedded = Callable[[bytes, str, str], Iterator[Piece]]


def read_markup(text: str, place: str, read_embedded: ReadEmbedded) -> Iterator[Piece]:
    """Every text of an HTML page or an SVG drawing with its place; and the places of what could not be read."""
    parser = _Markup(place, read_embedded)
    parser.feed(text)
    parser.close()
    parser.finish()
    return iter(parser.pieces)


class _Element:
    """An open element: its tag, its id, its name for a reader, and the numbered blocks inside it."""

    __slots__ = ("blocks", "id", "letters", "name", "scope", "tag", "ticks")

    def __init__(self, tag: str, id: str) -> None:
        self.tag, self.id, self.name, self.scope = tag, id, "", ""
        self.blocks = 0
        self.letters: list[str] = []
        self.ticks: list[Piece] | None = None


class _Markup(HTMLParser):
    def __init__(self, place: str, read_embedded: ReadEmbedded) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[Piece] = []
        self._place, self._read_embedded = place, read_embedded
        self._open: list[_Element] = [_Element("", "")]
        self._text: list[str] = []
        self._outlines: dict[str, str] = {}
        self._names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "br":
            self._text.append(" ")
        elif not _INLINE.fullmatch(tag):
            self._flush()
        if tag == "use":
            self._read_use(values)
        elif tag == "path" and "id" in values:
            self._outlines.setdefault(values["id"], join(values.get("d", "")))
        element = self._enter(tag, values)
        self._open.append(element)
        for name, value in values.items():
            self._read_attribute(tag, name, value)
        if _VOID.fullmatch(tag):
            self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if not _VOID.fullmatch(tag):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not any(element.tag == tag for element in self._open):
            return
        if not _INLINE.fullmatch(tag):
            self._flush()
        while True:
            element = self._open.pop()
            self._leave(element)
            if element.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_comment(self, data: str) -> None:
        self._say(data, "comment")

    def handle_decl(self, decl: str) -> None:
        if not " ".join(decl.lower().split()).startswith(_DOCTYPES):
            self._say(decl, "declaration")

    def handle_pi(self, data: str) -> None:
        if not data.startswith("xml version="):
            self._say(data, "declaration")

    def unknown_decl(self, data: str) -> None:
        self._text.append(data.removeprefix("CDATA["))

    def finish(self) -> None:
        """Flush what an unfinished page left open."""
        self._flush()
        while self._open:
            self._leave(self._open.pop())

    def _enter(self, tag: str, values: dict[str, str]) -> _Element:
        """What a new element is called, and which numbered block of which page it is."""
        around = self._open[-1]
        element = _Element(tag, values.get("id", ""))
        element.scope = around.scope
        kind = values.get("class", "").split()
        if tag == "section" and "page" in kind:
            element.name = element.id
        elif around.tag == "section" and around.name and "pagehead" not in kind and "lead" not in kind:
            around.blocks += 1
            element.scope = f"{around.id}/{around.blocks}"
        elif tag == "article":
            around.blocks += 1
            element.scope = f"{around.scope}/{around.blocks}"
            element.name = f"tile {around.blocks}"
        if tag == "figure":
            element.name = f"figure {element.id}".strip()
        elif "tableblock" in kind:
            element.name = f"table {element.id}".strip()
        elif tag == "tr":
            around.blocks += 1
            element.name = f"{'heading' if around.tag == 'thead' else 'row'} {around.blocks}"
        elif tag in ("td", "th"):
            around.blocks += 1
            element.name = f"column {around.blocks}"
        elif tag in ("title", "desc", "metadata", "style", "script", "text", "figcaption", "summary"):
            element.name = tag
        elif "caption" in kind:
            element.name = "caption"
        if tag == "svg":
            element.name = "drawing"
        if _AXIS.search(element.id):
            element.ticks = []
        return element

    def _leave(self, element: _Element) -> None:
        if element.letters:
            self._say("".join(element.letters), "drawn text")
        if element.ticks:
            self.pieces.extend(_choose_telling(element.ticks))

    def _read_use(self, values: dict[str, str]) -> None:
        name = (values.get("xlink:href") or values.get("href", "")).removeprefix("#")
        letter = read_alphabet().get(self._outlines.get(name, name))
        if letter:
            self._open[-1].letters.append(letter)
        elif _LETTER.search(name):
            self.pieces.append(unread(self._where("drawn text"), "a drawn sign"))

    def _read_attribute(self, tag: str, name: str, value: str) -> None:
        if name == "style":
            self._read_style(value, "style")
        elif _LAYOUT.fullmatch(name) or value == _VIEWPORT:
            return
        elif value.startswith("data:"):
            self._read_data(value)
        elif _ANCHORS.fullmatch(name):
            for word in {_DRAWN.sub("", word) for word in value.split()} - self._names:
                self._names.add(word)
                self._say(_COUNTED.sub("", word).replace("-", " "), name)
        else:
            self._say(value, name)

    def _read_style(self, text: str, what: str) -> None:
        for found in _STYLE_WORDS.finditer(text):
            self._say(_COLOUR.sub("", next(part for part in found.groups() if part is not None)), what)
        for found in re.finditer(r"data:[^\"')]*", text):
            self._read_data(found[0])

    def _read_data(self, value: str) -> None:
        found = _DATA_URI.match(value)
        if found is None:
            self.pieces.append(unread(self._where("embedded file"), "an embedded file"))
            return
        kind, options, held = found.groups()
        content = unquote_to_bytes(held)
        if "base64" in options:
            try:
                content = base64.b64decode(content, validate=True)
            except binascii.Error:
                self.pieces.append(unread(self._where("embedded file"), "an embedded file"))
                return
        if content:
            self.pieces.extend(self._read_embedded(content, kind, self._where("embedded file")))

    def _flush(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if not text.strip():
            return
        if any(element.tag == "style" for element in self._open):
            self._read_style(text, "style")
        else:
            self._say(text, "")

    def _say(self, text: str, what: str) -> None:
        if not any(sign.isnumeric() for sign in text):  # words alone need no judging
            return
        piece = Piece(self._where(what), " ".join(text.split()), self._open[-1].scope if self._open else "")
        axis = next((element for element in reversed(self._open) if element.ticks is not None), None)
        is_text = what in ("", "drawn text")
        if is_text and axis is not None and any(_TICK.search(element.id) for element in self._open):
            axis.ticks.append(piece)  # type: ignore[union-attr]
        else:
            self.pieces.append(piece)

    def _where(self, what: str) -> str:
        names = [element.name for element in self._open if element.name] or [self._open[-1].tag]
        return ", ".join(name for name in (self._place, *names, what) if name)


def _choose_telling(ticks: list[Piece]) -> list[Piece]:
    """The labels of an axis that say more than a grid does: none, the first of whole weeks from some day on, or all.

    A grid has at least three labels, equally far apart by 1, 2, 2.5 or 5 of a unit or by whole weeks; it may count away from
    its middle to both sides.
    """
    numbers = [_read_label(piece.text) for piece in ticks]
    if math.isnan(sum(numbers)):
        return ticks
    halves = [round(number / 2.5) * 2.5 for number in numbers]
    if all(abs(right - left) == 2.5 for left, right in pairwise(halves)):  # printed in whole numbers: 60, 63, 65, 68
        numbers = [half if abs(half - number) <= 0.5 else number for half, number in zip(halves, numbers, strict=True)]
    steps = [right - left for left, right in pairwise(numbers)]
    step = abs(steps[0]) if len(steps) > 1 else math.nan
    if not step > 0 or any(abs(abs(each) - step) > 1e-6 * step for each in steps):
        return ticks
    weeks = step in (7, 14, 28)
    leading = step / 10 ** math.floor(math.log10(step) + 1e-9)
    if not weeks and all(abs(leading - nice) > 1e-6 for nice in (1, 2, 2.5, 5)):
        return ticks
    unit = 7 if weeks else step
    if all(abs(number / unit - round(number / unit)) < 1e-6 for number in numbers):
        return []
    return ticks[:1] if weeks else ticks


def _read_label(label: str) -> float:
    """The number of a label that is a number and its unit alone; missing for any other."""
    found = _GRID_LABEL.fullmatch(label)
    return float(f"{found[1].replace('−', '-')}{found[2].replace(',', '')}") if found else math.nan
