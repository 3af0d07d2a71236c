"""Published rows as a plain table: the columns every export holds, its numbers as all of them write them, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import COLUMNS, GATE_ONLY
from iop_outcomes.publication.document import Document, check_document
from iop_outcomes.publication.published import Published

#: Columns of Estimates that a reader gets, and what every row says of the release it is from.
EXPORTED: tuple[str, ...] = tuple(name for name in COLUMNS if name not in GATE_ONLY)
STAMPED: tuple[str, ...] = ("policy", "audience", "release_id")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(published: Published, path: str | Path) -> Path:
    """Write published rows as CSV, a text that a spreadsheet would take for a formula led by an apostrophe."""
    if not isinstance(published, Published):
        raise DisclosureError("a writer accepts published rows only; pass the estimates through publish() first")
    return write_lines([*EXPORTED, *STAMPED], list_rows(published), path)


def write_document_csv(document: Document, path: str | Path) -> Path:
    """Write every released row a document draws on as CSV, in the columns of :func:`write_csv`. Returns the path.

    Raises ``DisclosureError`` for anything that is no document of published rows.
    """
    check_document(document)
    return write_lines([*EXPORTED, *STAMPED], list_document_rows(document), path)


def write_lines(header: Sequence[str], lines: Iterable[Mapping[str, Any]], path: str | Path) -> Path:
    """Write lines as CSV under a header: plain numbers, and no text that a spreadsheet would take for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_plain_cell(value) for value in line.values()] for line in lines)
    target = Path(path)
    target.write_text(text.getvalue(), encoding="utf-8", newline="")
    return target


def list_rows(*released: Published) -> Iterator[dict[str, Any]]:
    """Every row of some published rows as an export holds it; a missing cell is ``None``."""
    for published in released:
        stamp = dict(zip(STAMPED, (published.policy.name, str(published.audience), published.release_id), strict=True))
        for row in published.rows():
            yield {**{name: settle_value(row[name]) for name in EXPORTED}, **stamp}


def list_document_rows(document: Document) -> list[dict[str, Any]]:
    """Every released row a document draws on, each once: the largest selections first, which hold the others."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in list_rows(*sorted(document.sources, key=len, reverse=True)):
        found.setdefault(tuple(row.values()), row)
    return list(found.values())


def settle_value(value: Any) -> Any:
    """A value as every export writes it: twelve digits at most, a whole number without a point, missing as ``None``.

    >>> settle_value(1 / 3), settle_value(52.0), settle_value(float("nan")), settle_value("words")
    (0.333333333333, 52, None, 'words')
    """
    if value is None or value != value:
        return None
    if not isinstance(value, float):
        return value
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() else rounded


def safe_text(text: str) -> str:
    """Text that a spreadsheet shows as it is: no formula, no control characters.

    >>> safe_text("=1+1"), safe_text("plain")
    ("'=1+1", 'plain')
    """
    cleaned = strip_controls(text)
    return f"'{cleaned}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else cleaned


def strip_controls(text: str) -> str:
    """Text without the control characters that no format can hold.

    >>> strip_controls("a\\x00b")
    'ab'
    """
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n")


def _plain_cell(value: Any) -> str:
    """A cell as CSV holds it; several texts are joined by semicolons."""
    if value is None:
        return ""
    if isinstance(value, list):
        return safe_text("; ".join(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.12g}"
    return safe_text(str(value))
