"""The ledger: everything a programme has released to the public, so that no release gives an earlier one away.

Two files stand together. ``releases.jsonl`` grows by one line a release, and each line holds the SHA-256 of the line
before it. ``releases.head`` holds how many lines there are and the SHA-256 of the last one, so that a line missing at
the end is seen too; it is also what a writer locks. Neither holds a number that was not released.

A line is forced to the disk before the head is. When the machine stops in between, a whole line that the head does not
count yet is a release, and half a line is none: the next writer takes it away.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import COLUMNS, GATE_ONLY
from iop_outcomes.publication.gate import LITERATURE
from iop_outcomes.publication.locking import BINARY, locked
from iop_outcomes.publication.overrides import Override, check_overrides, check_person
from iop_outcomes.publication.published import Published
from iop_outcomes.vocabulary import Audience, Status

#: The ledger of a programme, beside its tables.
LEDGER_FILE = "releases.jsonl"

#: Columns of :meth:`Ledger.earlier` after those of Estimates.
ORIGIN: tuple[str, ...] = ("release_id", "released_on")

_NUMBERS = [name for name, kind in COLUMNS.items() if kind == "float64" and name != "at"]
_VERSION = 1
_SUMMARY = ("release_id", "signed_off_by", "as_of", "synthetic", "policy", "population", "files")
_KEYS = frozenset({*_SUMMARY, "columns", "ledger", "overrides", "previous", "released_on", "rows"})
_START = "0" * 64
_HEAD = re.compile(rb"([1-9]\d{0,8}) ([0-9a-f]{64})\n")


@dataclass(frozen=True)
class Entry:
    """One release in a few words: ``files`` maps file names to their SHA-256; ``withheld`` of ``rows`` have no numbers."""

    release_id: str
    released_on: date
    signed_off_by: str
    as_of: str
    synthetic: bool
    policy: Mapping[str, Any]
    population: str
    files: Mapping[str, str]
    overrides: tuple[Mapping[str, Any], ...]
    rows: int
    withheld: int


@dataclass(frozen=True)
class LedgerState:
    """How far a ledger has come: the ids of its releases, oldest first, and the SHA-256 of its last line."""

    releases: tuple[str, ...] = ()
    head: str = _START


@dataclass(frozen=True)
class Ledger:
    """The releases of one programme, in a file that only grows.

    ``path`` is the programme's ``releases.jsonl``, which need not exist yet. ``patience`` is how many seconds to wait for
    another process that holds the ledger. Every reading checks every line: ``DisclosureError`` names a damaged one and
    says what to do.
    """

    path: Path
    patience: float = 10.0

    def __post_init__(self) -> None:
        """Take a path written as text."""
        object.__setattr__(self, "path", Path(self.path))

    def earlier(self, population: str | None = None) -> pd.DataFrame:
        """What is public already? Every row released so far, oldest release first; of one ``population`` where it is named.

        The columns of Estimates, then ``release_id`` and ``released_on`` (ISO day). A row is as it was printed, numbers
        to 12 digits; withheld rows are there without numbers. An empty frame where nothing was released.
        """
        releases = [
            _unpack(line.content).assign(**{name: line.content[name] for name in ORIGIN})
            for line in self._read()
            if population is None or line.content["population"] == population
        ]
        kinds = {**COLUMNS, **dict.fromkeys(ORIGIN, "str")}
        if not releases:
            return pd.DataFrame(columns=list(kinds)).astype(kinds)
        return pd.concat(releases, ignore_index=True).astype(kinds)

    def entries(self) -> tuple[Entry, ...]:
        """The releases so far, oldest first, without their rows."""
        return tuple(_summarise(line.content) for line in self._read())

    def state(self) -> LedgerState:
        """How far the ledger has come. Ask before ``earlier()``, and hand it to ``record`` and to the manifest."""
        return _state(self._read())

    def record(
        self,
        published: Published,
        *,
        on: date,
        signed_off_by: str,
        files: Mapping[str, str],
        overrides: Sequence[Override] = (),
        after: LedgerState | None = None,
        population: str = "",
    ) -> Entry:
        """Write a public release down for good and return its entry.

        ``files`` maps the name of each released file to its SHA-256. ``population`` says whom the release speaks of where a
        programme reports on several crowds apart, such as levels of care. ``after`` is the state the release was checked
        against: where another release was recorded since, this one has to be checked again. A release that is there
        already is returned as it was first recorded, and nothing is written.

        Raises ``DisclosureError`` for an internal release or a part of one, without a person's name, for an override that
        does not hold, and when the ledger is damaged, held by another process or cannot be written.
        """
        _refuse(published)
        if not isinstance(on, date) or isinstance(on, datetime):
            raise UsageError("the day of a release is a date without a time")
        person = check_person(signed_off_by, "a release needs the name of the person who signs it off")
        check_overrides(overrides, on)
        self._refuse_headless()
        try:
            with locked(self._head, self.patience, write=True) as head:
                lines = self._checked(head)
                found = next((line for line in lines if line.content["release_id"] == published.release_id), None)
                if found is None and after is not None and after != _state(lines):
                    raise DisclosureError(
                        "another release was recorded while this one was prepared: prepare this one again, so that it "
                        "is checked against that one too"
                    )
                _write_head(head, lines)
                if found is None:
                    previous = lines[-1].digest if lines else _START
                    found = _compose(published, previous, on, person, files, overrides, population)
                    self._append(found, sum(len(line.text) + 1 for line in lines))
                    _write_head(head, [*lines, found])
        except OSError as error:
            raise DisclosureError(
                f"{self.path.name} cannot be written ({error.strerror}): this release is not recorded and may not leave. "
                "Mend that and sign off again"
            ) from error
        return _summarise(found.content)

    @property
    def _head(self) -> Path:
        return self.path.with_suffix(".head")

    def _refuse_headless(self) -> None:
        if self.path.exists() and not self._head.exists():
            raise self._damage(f"{self._head.name} is missing")

    def _read(self) -> list[_Line]:
        """Every line, checked; none where neither file exists."""
        self._refuse_headless()
        try:
            with locked(self._head, self.patience, write=False) as head:
                return self._checked(head)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DisclosureError(f"{self.path.name} cannot be read ({error.strerror}): nothing is released") from error

    def _checked(self, head: int) -> list[_Line]:
        """The lines of the file, each as it was recorded; ``DisclosureError`` for the first, from the end, that is not.

        The head vouches for the last line and every line for the one before it, so what is found first is damaged.
        """
        count, digest = self._read_head(head)
        *texts, rest = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        missing = count - len(texts)
        if rest and missing > 0:
            raise self._damage(f"{self.path.name}, line {len(texts) + 1}, is cut off")
        if missing < -1:
            raise self._damage(f"{self.path.name}, line {count + 1} and after, was not recorded by {self._head.name}")
        lines: list[_Line] = []
        expected = digest if missing >= 0 else _digest(texts[-1])
        for number in range(len(texts), 0, -1):
            found = _digest(texts[number - 1])
            vouched = found == expected and (number != count or found == digest)
            content = _parse(texts[number - 1]) if vouched else None
            if missing > 0 and not vouched:
                raise self._damage(f"{self.path.name}, after line {number}: {missing} missing of {count} lines")
            if not vouched or (content is None and number > count):
                raise self._damage(f"{self.path.name}, line {number}, was changed after it was recorded")
            if content is None:
                raise DisclosureError(
                    f"{self.path.name}, line {number}, was written by another version of this software: use the newest "
                    "one. Nothing is released until the line can be read"
                )
            lines.insert(0, _Line(texts[number - 1], content))
            expected = content["previous"]
        if expected != _START:
            raise self._damage(f"{self.path.name}, before line 1: {missing} missing of {count} lines")
        return lines

    def _read_head(self, head: int) -> tuple[int, str]:
        """How many lines there are and the digest of the last; an empty file is the head of an empty ledger."""
        os.lseek(head, 0, os.SEEK_SET)
        text = os.read(head, 200)
        found = _HEAD.fullmatch(text)
        if text and not found:
            raise self._damage(f"{self._head.name} was changed")
        return (int(found[1]), found[2].decode()) if found else (0, _START)

    def _append(self, line: _Line, size: int) -> None:
        """Write one line after the first ``size`` bytes and force it to the disk; on a fault the file is as before."""
        fresh = not self.path.exists()
        target = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY, 0o644)
        try:
            os.ftruncate(target, size)  # half a line of a machine that stopped
            _write_all(target, line.text + b"\n")
        except OSError:
            with suppress(OSError):
                os.ftruncate(target, size)
            raise
        finally:
            os.close(target)
        if fresh and sys.platform != "win32":
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _damage(self, what: str) -> DisclosureError:
        return DisclosureError(
            f"{what}. Nothing is released until this is mended: restore {self.path.name} and {self._head.name} together "
            "from the backup made after the last release. Never delete or edit them: without them a new release could "
            "give away what an earlier one withheld"
        )


@dataclass(frozen=True)
class _Line:
    """A line as it stands in the file, without its end, and what it says."""

    text: bytes
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return _digest(self.text)


def _refuse(published: Published) -> None:
    """Only a whole public release, as the gate made it, is recorded."""
    if not isinstance(published, Published):
        raise DisclosureError("the ledger accepts published rows only; pass the estimates through publish() first")
    if published.audience != Audience.PUBLIC:
        raise DisclosureError("only a public release is recorded; an internal one does not leave the programme")
    frame = published.frame
    if (frame["measure"] != LITERATURE).sum() != published.audit.total:
        raise DisclosureError("the whole release is recorded, not a part of it; hand over what publish() returned")
    if frame.loc[frame["status"] == Status.WITHHELD, _NUMBERS].notna().any(axis=None):
        raise DisclosureError("a withheld row holds a number: the rows were changed after the gate; publish them again")


def _compose(
    published: Published,
    previous: str,
    on: date,
    person: str,
    files: Mapping[str, str],
    overrides: Sequence[Override],
    population: str,
) -> _Line:
    """The line of a release; the same release gives the same bytes whatever the order of its rows."""
    policy = asdict(published.policy)
    del policy["description"]
    content = {
        "as_of": str(published.settings.get("as_of") or ""),
        "columns": _pack(published.frame),
        "files": dict(files),
        "ledger": _VERSION,
        "overrides": [
            {"name": one.name, "reason": one.reason, "expires": one.expires.isoformat(), "where": dict(one.where)}
            for one in overrides
        ],
        "policy": policy,
        "population": population,
        "previous": previous,
        "release_id": published.release_id,
        "released_on": on.isoformat(),
        "rows": len(published),
        "signed_off_by": person,
        "synthetic": published.synthetic,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _Line(text.encode("ascii"), content)


def _pack(frame: pd.DataFrame) -> dict[str, dict[str, list[int]]]:
    """For each column, each cell that is printed and the rows that hold it; empty cells take no room."""
    names = [name for name in COLUMNS if name not in GATE_ONLY]
    columns: dict[str, dict[str, list[int]]] = {name: {} for name in names}
    for row, cells in enumerate(sorted(zip(*(map(_print, frame[name]) for name in names), strict=True))):
        for name, cell in zip(names, cells, strict=True):
            if cell:
                columns[name].setdefault(cell, []).append(row)
    return columns


def _print(cell: Any) -> str:
    return cell if isinstance(cell, str) else "" if pd.isna(cell) else f"{cell:.12g}"


def _unpack(content: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a release, in the columns of Estimates; a column it did not have yet is empty."""
    frame = {}
    for name in COLUMNS:
        cells = np.full(content["rows"], None, dtype=object)
        for cell, rows in content["columns"].get(name, {}).items():
            cells[rows] = cell
        frame[name] = cells
    return pd.DataFrame(frame).astype(COLUMNS)


def _parse(text: bytes) -> dict[str, Any] | None:
    """What a line says, or nothing when this version does not know its version, its keys or its columns."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("ledger") != _VERSION or set(content) != _KEYS:
        return None
    return content if content["columns"].keys() <= COLUMNS.keys() else None


def _summarise(content: Mapping[str, Any]) -> Entry:
    return Entry(
        **{name: content[name] for name in _SUMMARY},
        released_on=date.fromisoformat(content["released_on"]),
        overrides=tuple(content["overrides"]),
        rows=content["rows"],
        withheld=len(content["columns"]["status"].get(str(Status.WITHHELD), [])),
    )


def _state(lines: Sequence[_Line]) -> LedgerState:
    if not lines:
        return LedgerState()
    return LedgerState(tuple(line.content["release_id"] for line in lines), lines[-1].digest)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _write_head(head: int, lines: Sequence[_Line]) -> None:
    if lines:
        os.lseek(head, 0, os.SEEK_SET)
        _write_all(head, f"{len(lines)} {lines[-1].digest}\n".encode("ascii"))


def _write_all(target: int, text: bytes) -> None:
    while text:
        text = text[os.write(target, text) :]
    os.fsync(target)
