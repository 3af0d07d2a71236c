"""What there is to read: the tables of a folder or handed over, each read here or left for the engine to scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.engine import Engine
from iop_outcomes.records.large import adopt_table, as_pandas, find_parts, is_large, scan_parts
from iop_outcomes.records.program import PROGRAM_FILE, check_settings, read_program
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.reading import find_tables, hash_file, read_table, text_frame
from iop_outcomes.records.scanned import Scanned
from iop_outcomes.schema import TABLES

#: Tables of few rows, brought here wherever they stand.
_SMALL = ("programs", "costs")


@dataclass
class Gathered:
    """Tables read (``raws``) and tables to be scanned on the engine (``large``), with settings, faults and hashes."""

    settings: dict[str, Any]
    faults: list[str]
    folder: str
    raws: list[RawTable] = field(default_factory=list)
    large: dict[str, Callable[[Engine], Scanned]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)

    def add_file(self, name: str, path: Path, root: Path, sheet: str | None = None) -> None:
        """Read a file, or leave it, a folder or a pattern of files for the engine; what is wrong with it is a fault."""
        try:
            if path.is_file() and (sheet is not None or not is_large(path)):
                self.raws.append(read_table(path, name, sheet=sheet))
                self.hashes[path.name] = hash_file(path)
                return
            parts = find_parts(path)
            label = path.name if path.is_file() else f"{name}/ ({len(parts)} {'file' if len(parts) == 1 else 'files'})"
            self.large[name] = partial(scan_parts, table=name, parts=parts, root=root, label=label)
            self.hashes |= {part.relative_to(root).as_posix(): hash_file(part) for part in parts}
        except RecordsError as error:
            self.faults += error.faults
        except OSError:
            self.faults.append(f"{path.name} cannot be opened: close it in other programs and check its permissions.")


def gather_folder(folder: Path, mapping: Any) -> Gathered:
    """The tables of a folder, through a mapping where one is given."""
    if not folder.is_dir():
        raise RecordsError([f"There is no folder {folder.name}: give the folder that holds the tables."])
    if mapping is not None:
        return _gather_mapped(folder, mapping)
    settings, faults = read_program(folder)
    sources, more, notes = find_tables(folder)
    found = Gathered(settings, [*faults, *more], folder.resolve().name, notes=notes)
    for name, source in sources.items():
        found.add_file(name, source.path, folder, source.sheet)
    if (folder / PROGRAM_FILE).is_file():
        found.hashes[PROGRAM_FILE] = hash_file(folder / PROGRAM_FILE)
    return found


def _gather_mapped(folder: Path, mapping: Any) -> Gathered:
    """The tables a mapping makes of an export; its settings hold where program.toml says nothing."""
    from iop_outcomes.records.mapping import apply_mapping, mapped_files, read_mapping

    rules = read_mapping(mapping) if isinstance(mapping, str | Path) else mapping
    found = Gathered(*read_program(folder, rules.settings), folder.resolve().name, notes=list(rules.notes))
    try:
        found.raws = apply_mapping(rules, folder)
    except RecordsError as error:
        found.faults += error.faults
    names = [*mapped_files(rules), PROGRAM_FILE]
    found.hashes = {name: hash_file(folder / name) for name in names if (folder / name).is_file()}
    if isinstance(mapping, str | Path):
        found.hashes[Path(mapping).name] = hash_file(Path(mapping))
    return found


def gather_frames(source: Mapping[str, Any]) -> Gathered:
    """The tables handed over, as frames, lazy tables, files, folders or patterns."""
    strange = sorted(set(source) - {*TABLES, "settings"})
    if strange:
        raise UsageError(f"{strange[0]} is not a table; the tables are {', '.join(TABLES)}.")
    found = Gathered(*check_settings(source.get("settings") or {}, "settings"), "frames")
    for name, table in TABLES.items():
        given = source.get(name)
        if given is None:
            if table.required:
                found.faults.append(f"The table {name} is missing: hand over a frame for it.")
        elif isinstance(given, str | Path):
            path = Path(given)
            found.add_file(name, path, _root(path))
        elif (frame := as_pandas(given, name)) is None:
            found.large[name] = partial(adopt_table, table=name, native=given)
        else:
            rows = np.arange(2, len(frame) + 2, dtype=np.int64)
            try:
                found.raws.append(RawTable(name, name, text_frame(frame), rows))
            except RecordsError as error:
                found.faults += [f"{name}: {fault}" for fault in error.faults]
    return found


def collect_small(scanned: dict[str, Scanned]) -> list[RawTable]:
    """The tables of few rows, brought here and taken out of ``scanned``."""
    small = [scanned.pop(name) for name in _SMALL if name in scanned]
    return [raw for table in small for raw in table.bring(table.frame)]


def _root(path: Path) -> Path:
    """The folder above a file, or above the part of a pattern that varies."""
    return next(parent for parent in path.parents if not any(sign in str(parent) for sign in "*?["))
