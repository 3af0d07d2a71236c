"""From a folder, or frames handed over, to Records: read, scan, validate, and put the tables on the engine."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.engine import place_tables
from iop_outcomes.records.layout import find_layout_faults, find_mangled_ids
from iop_outcomes.records.model import SET_ASIDE_COLUMNS, Manifest, Records
from iop_outcomes.records.program import PROGRAM_FILE, check_settings, privacy_faults, read_program
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.reading import find_tables, hash_file, read_table, text_frame
from iop_outcomes.records.validation import validate_tables
from iop_outcomes.schema import TABLES
from iop_outcomes.vocabulary import Privacy


def read_records(
    source: str | Path | Mapping[str, Any],
    *,
    mapping: Any = None,
    privacy: str | None = None,
    as_of: date | str | None = None,
    engine: str = "duckdb",
    today: date | None = None,
) -> Records:
    """Read records, set aside the rows that cannot be used, and say where every row went.

    ``source`` is a folder with the tables and ``program.toml``, or a mapping from table name to pandas frame with the
    settings under ``"settings"``. ``mapping`` (a file or a mapping read before) turns an export with other columns and
    codes into the five tables. ``privacy`` and ``as_of`` take the place of what program.toml says; ``today`` is the day
    against which an agreement's expiry is held.

    Raises :class:`~iop_outcomes.errors.RecordsError` naming every fault of the files, :class:`UsageError` for an
    argument it does not take. A fault of one row never stops the reading: it is in ``records.manifest.set_aside``.
    """
    if engine != "duckdb":
        raise UsageError("engine must be duckdb.")
    if privacy is not None and privacy not in Privacy.codes():
        raise UsageError(f"privacy must be one of {', '.join(Privacy.codes())}.")
    today = today or date.today()
    read = _read_frames(source) if isinstance(source, Mapping) else _read_folder(Path(source), mapping)
    raws, settings, faults, notes, hashes, folder = read
    mode = privacy or settings["privacy"]
    day = _day(as_of) if as_of is not None else settings["as_of"]
    settings = {**settings, "privacy": mode, "as_of": day}
    faults += privacy_faults(settings, mode, today)
    faults += _as_of_faults(raws, day, mode, today)
    faults += find_layout_faults(raws, settings, mode)
    more, warned = _scan(raws, mode, settings)
    faults += more
    if faults:
        raise RecordsError(list(dict.fromkeys(faults)))
    notes += [note for raw in raws for note in raw.warnings]
    notes += [*find_mangled_ids(raws), *warned]
    valid = validate_tables(raws, settings, day)
    manifest = Manifest(
        folder,
        day,
        mode,
        settings,
        valid.accounts,
        tuple(dict.fromkeys([*notes, *valid.warnings])),
        hashes,
        valid.set_aside,
    )
    lazy, lift = place_tables(valid.frames)
    return Records(**lazy, manifest=manifest, lift=lift)


def write_set_aside(records: Records, path: str | Path) -> Path:
    """Write the rows set aside (file, table, row, column, rule, what to do) as CSV; never a value of the records.

    A text a spreadsheet would take for a formula gets an apostrophe in front.
    """
    path = Path(path)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(SET_ASIDE_COLUMNS)
        for row in records.manifest.set_aside.itertuples(index=False):
            writer.writerow([_harmless(cell) for cell in row])
    return path


def describe_account(manifest: Manifest) -> str:
    """What was read and where every row went, as plain text for a terminal."""
    name = manifest.settings.get("name", manifest.folder)
    lines = [f"{name}: privacy {manifest.privacy}, as of {manifest.as_of or 'no date'}"]
    if manifest.settings.get("synthetic"):
        lines.append("These records are synthetic.")
    lines += ["", f"{'table':<12}{'read':>10}{'used':>10}{'set aside':>12}  files"]
    for account in manifest.accounts:
        aside = account.read - account.used
        files = ", ".join(account.files) or "no file"
        lines.append(f"{account.table:<12}{account.read:>10,}{account.used:>10,}{aside:>12,}  {files}")
    rules = manifest.set_aside.drop_duplicates(["table", "rule"]).set_index(["table", "rule"])["what_to_do"]
    for account in manifest.accounts:
        if account.set_aside:
            lines += ["", f"Set aside in {account.table}:"]
        for rule, count in sorted(account.set_aside.items(), key=lambda item: (-item[1], item[0])):
            advice = rules.get((account.table, rule), "Left out by the mapping.")
            lines.append(f"  {count:>8,}  {rule}: {advice}")
    if manifest.warnings:
        lines += ["", "Warnings:", *(f"  - {warning}" for warning in manifest.warnings)]
    return "\n".join(lines)


_Read = tuple[list[RawTable], dict[str, Any], list[str], list[str], dict[str, str], str]


def _read_folder(folder: Path, mapping: Any) -> _Read:
    """The raw tables of a folder, through a mapping where one is given."""
    if not folder.is_dir():
        raise RecordsError([f"There is no folder {folder.name}: give the folder that holds the tables."])
    if mapping is not None:
        return _read_mapped(folder, mapping)
    settings, faults = read_program(folder)
    sources, more, notes = find_tables(folder)
    faults += more
    raws: list[RawTable] = []
    hashes: dict[str, str] = {}
    for name, source in sources.items():
        try:
            raws.append(read_table(source.path, name, sheet=source.sheet))
            hashes[source.path.name] = hash_file(source.path)
        except RecordsError as error:
            faults += error.faults
        except OSError:
            faults.append(f"{source.path.name} cannot be opened: close it in other programs and check its permissions.")
    if (folder / PROGRAM_FILE).is_file():
        hashes[PROGRAM_FILE] = hash_file(folder / PROGRAM_FILE)
    return raws, settings, faults, notes, hashes, folder.resolve().name


def _read_mapped(folder: Path, mapping: Any) -> _Read:
    """The raw tables a mapping makes of an export; its settings hold where program.toml says nothing."""
    from iop_outcomes.records.mapping import apply_mapping, mapped_files, read_mapping

    rules = read_mapping(mapping) if isinstance(mapping, str | Path) else mapping
    settings, faults = read_program(folder, rules.settings)
    raws: list[RawTable] = []
    try:
        raws = apply_mapping(rules, folder)
    except RecordsError as error:
        faults += error.faults
    names = [*mapped_files(rules), PROGRAM_FILE]
    hashes = {name: hash_file(folder / name) for name in names if (folder / name).is_file()}
    if isinstance(mapping, str | Path):
        hashes[Path(mapping).name] = hash_file(Path(mapping))
    return raws, settings, faults, list(rules.notes), hashes, folder.resolve().name


def _read_frames(source: Mapping[str, Any]) -> _Read:
    """The raw tables of frames handed over."""
    strange = sorted(set(source) - {*TABLES, "settings"})
    if strange:
        raise UsageError(f"{strange[0]} is not a table; the tables are {', '.join(TABLES)}.")
    settings, faults = check_settings(source.get("settings") or {}, "settings")
    raws = []
    for name, table in TABLES.items():
        frame = source.get(name)
        if frame is None:
            if table.required:
                faults.append(f"The table {name} is missing: hand over a frame for it.")
            continue
        if not isinstance(frame, pd.DataFrame):
            raise UsageError(f"{name} must be a pandas frame.")
        rows = np.arange(2, len(frame) + 2, dtype=np.int64)
        try:
            raws.append(RawTable(name, name, text_frame(frame), rows))
        except RecordsError as error:
            faults += [f"{name}: {fault}" for fault in error.faults]
    return raws, settings, faults, [], {}, "frames"


def _scan(raws: list[RawTable], privacy: str, settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What the identifier scanner refuses and what it warns of."""
    from iop_outcomes.records.identifiers import scan_identifiers

    return scan_identifiers(raws, privacy, settings)


def _as_of_faults(raws: list[RawTable], as_of: date | None, privacy: str, today: date) -> list[str]:
    """The as-of date is there where dates are held, and not in the future."""
    if as_of is not None:
        return (
            [] if as_of <= today else [f"as_of ({as_of.isoformat()}) lies after today: correct it in {PROGRAM_FILE}."]
        )
    episodes = [raw.frame for raw in raws if raw.table == "episodes"]
    undated = bool(episodes) and not any(
        name in frame and (frame[name].fillna("").str.strip() != "").any()
        for frame in episodes
        for name in ("admission_date", "discharge_date")
    )
    if privacy == Privacy.SAFE_HARBOR or undated:
        return []
    return [f"as_of is missing in {PROGRAM_FILE}: write the day the extract was made, for example as_of = 2025-12-31."]


def _day(as_of: date | str) -> date:
    try:
        return date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise UsageError("as_of must be a date, YYYY-MM-DD.") from None


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell
