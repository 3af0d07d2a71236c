"""Does any file of a release carry a number that was not released?"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import Document, FigureBlock, TableBlock
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.residue.allow import Allowance
from iop_outcomes.publication.residue.exports import compare_rows
from iop_outcomes.publication.residue.pieces import Piece
from iop_outcomes.publication.residue.printed import plain, read_numbers
from iop_outcomes.publication.residue.reading import read_pieces
from iop_outcomes.publication.wording import say_page


@dataclass(frozen=True, slots=True)
class Residue:
    """A number that no released row accounts for: file, place in it, as printed, and its value.

    A part of a file that could not be read is one too: ``text`` says what it is and ``number`` is missing.
    """

    path: str
    place: str
    text: str
    number: float


def scan_file(
    path: str | Path, *published: Published, vocabulary: Iterable[str] = (), document: Document | None = None
) -> tuple[Residue, ...]:
    """Which numbers of this file does no released row account for?

    ``published`` is everything the release holds. ``vocabulary`` are texts that are the same whatever the records, beyond
    those of the package itself: a number in one may stand between the words it stands between there. With the
    ``document`` a file was written from, its pages may be called by their numbers, and each figure and table of a web page
    is held to the rows it was made from, and not to all.

    A part that cannot be read is reported, never passed. Raises ``UsageError`` without anything published, and for a file
    that cannot be opened.
    """
    if not published:
        raise UsageError("give the published rows the file may show; nothing else is allowed in it")
    allowance = Allowance(published, (*vocabulary, *_name_pages(document)))
    return tuple(_scan(Path(path), Path(path).name, allowance, published, document))


def scan_folder(
    folder: str | Path, *published: Published, vocabulary: Iterable[str] = (), document: Document | None = None
) -> tuple[Residue, ...]:
    """Which numbers in any file of this folder, or of those in it, does no released row account for?

    Arguments as for :func:`scan_file`. The size and the SHA-256 of each file of the folder may stand in the others.
    """
    if not published:
        raise UsageError("give the published rows the files may show; nothing else is allowed in them")
    files = sorted(each for each in Path(folder).rglob("*") if each.is_file())
    facts = [fact for file in files for fact in _describe_file(file)]
    allowance = Allowance(published, (*vocabulary, *_name_pages(document), *facts))
    return tuple(
        residue
        for file in files
        for residue in _scan(file, file.relative_to(folder).as_posix(), allowance, published, document)
    )


def _scan(
    file: Path, name: str, whole: Allowance, published: tuple[Published, ...], document: Document | None
) -> Iterator[Residue]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"the file {name} cannot be read") from error
    held_to = _hold_blocks(document, whole) if document and file.suffix == ".html" else {}
    pieces = read_pieces(content, file.name)
    exported, differing = compare_rows(content, file.suffix, published)
    yield from (Residue(name, place, text, _parse(text)) for place, text in differing)
    for piece in pieces:
        if piece.place in exported:
            continue
        if not piece.readable:
            yield Residue(name, piece.place or "the whole file", f"not read: {piece.text}", math.nan)
            continue
        prose = piece.place.endswith("caption")  # it says whom the figure speaks of, in numbers of the whole release
        for text in _unexplained(piece, whole if prose else held_to.get(piece.scope, whole)):
            yield Residue(name, piece.place, text, _parse(text))


def _unexplained(piece: Piece, allowance: Allowance) -> Iterator[str]:
    text = plain(piece.text)
    for found in read_numbers(text):
        if not allowance.explains(found, text):
            yield found.text


def _hold_blocks(document: Document, whole: Allowance) -> dict[str, Allowance]:
    """What each block of a page may show, by its place: the rows it was made from, where it names any."""
    return {
        f"{page.id}/{place}": whole.only(block.source)
        for page in document.pages
        for place, block in enumerate(page.blocks, start=1)
        if isinstance(block, FigureBlock | TableBlock)
    }


def _name_pages(document: Document | None) -> list[str]:
    return [say_page(page) for page in document.pages] if document else []


def _describe_file(file: Path) -> Iterator[str]:
    content = file.read_bytes()
    yield from (f"size {len(content)}", hashlib.sha256(content).hexdigest(), file.name)


def _parse(text: str) -> float:
    found = re.search(r"-?\$?(\d[\d,]*\.?\d*)", text)
    if found is None:
        return math.nan
    number = float(found[1].replace(",", ""))
    return -number if found[0].startswith("-") else number
