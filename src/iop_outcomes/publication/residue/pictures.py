"""What a picture says beside what it shows: the words in a PNG's or a JPEG's metadata. The picture itself is not read."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from iop_outcomes.publication.residue.pieces import Piece, unread

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
#: Chunks that say how a picture is stored and shown.
_PLAIN = frozenset(
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"tRNS", b"bKGD", b"sBIT", b"iCCP"]
)
_READABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{2,}")
#: What drawing programs sign a picture with.
_SIGNATURE = re.compile(r"Matplotlib version ?[\d.]+, https://matplotlib.org/")


def read_png(content: bytes, place: str) -> Iterator[Piece]:
    """The text chunks of a PNG, and what stands in it that could not be read."""
    start = len(PNG)
    while start + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, start)
        held = content[start + 8 : start + 8 + length]
        start += length + 12
        where = f"{place}, metadata" if place else "metadata"
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            try:
                yield Piece(where, _SIGNATURE.sub("", _read_text(kind, held)))
            except (ValueError, IndexError, zlib.error):
                yield unread(where, "a compressed text")
        elif kind == b"eXIf":
            yield from _read_strings(held, where)
        elif kind not in _PLAIN:
            yield unread(where, "a part of a picture")
        if kind == b"IEND":
            break
    if start < len(content):
        yield unread(place, "what follows the end of a picture")


def read_jpeg(content: bytes, place: str) -> Iterator[Piece]:
    """The comments and application segments of a JPEG."""
    start = 2
    where = f"{place}, metadata" if place else "metadata"
    while start + 4 <= len(content) and content[start] == 0xFF and content[start + 1] != 0xDA:
        kind, length = content[start + 1], int.from_bytes(content[start + 2 : start + 4], "big")
        if kind == 0xFE or 0xE0 < kind <= 0xEF:
            yield from _read_strings(content[start + 4 : start + 2 + length], where)
        start += 2 + length
    end = content.rfind(b"\xff\xd9")
    if end < 0 or end + 2 < len(content):
        yield unread(place, "what follows the end of a picture")


def _read_text(kind: bytes, held: bytes) -> str:
    """A text chunk as "keyword text"; ``ValueError`` when it is not one."""
    keyword, rest = held.split(b"\0", 1)
    if kind == b"zTXt":
        rest = zlib.decompress(rest[1:])
    elif kind == b"iTXt":
        packed, (language, translated, rest) = rest[0], rest[2:].split(b"\0", 2)
        rest = b" ".join((language, translated, zlib.decompress(rest) if packed else rest))
    return f"{keyword.decode('latin-1')} {rest.decode('utf-8', 'replace')}"


def _read_strings(held: bytes, where: str) -> Iterator[Piece]:
    """Every run of readable signs, in one byte or two."""
    for text in _READABLE.findall(held.replace(b"\0", b"").decode("latin-1")):
        yield Piece(where, text)
