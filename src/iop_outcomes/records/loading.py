"""From a folder, or frames handed over, to Records: read, scan, validate, and put the tables on the engine."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.engine import Embedded, Engine, write_parquet
from iop_outcomes.records.gathering import collect_small, gather_folder, gather_frames
from iop_outcomes.records.layout import find_layout_faults, find_mangled_ids
from iop_outcomes.records.model import SET_ASIDE_COLUMNS, Manifest, Records
from iop_outcomes.records.program import PROGRAM_FILE, privacy_faults, tables_of
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.triage import Triaged, triage_tables
from iop_outcomes.records.validation import Validated, validate_tables
from iop_outcomes.schema import TABLES
from iop_outcomes.staging import stage_files
from iop_outcomes.vocabulary import Privacy

if TYPE_CHECKING:
    from iop_outcomes.records.identifiers import Scannable

#: The steps of a reading: the tables, the scan, and the check of each table.
_STEPS = 2 + len(TABLES)
#: How the address of a Spark cluster begins.
_CLUSTERS = ("spark://", "local", "yarn", "k8s://")


def read_records(
    source: str | Path | Mapping[str, Any],
    *,
    mapping: Any = None,
    privacy: str | None = None,
    as_of: date | str | None = None,
    engine: Any = "duckdb",
    memory_limit: str | None = None,
    spill: str | Path | None = None,
    today: date | None = None,
    step: Callable[[str, int, int], None] | None = None,
) -> Records:
    """Read records, set aside the rows that cannot be used, and say where every row went.

    ``source`` is a folder with the tables and ``program.toml``, or a mapping from table name to a frame (pandas, Polars,
    Arrow, a DuckDB relation, a Spark table), a file, a folder of CSV or Parquet files or a pattern such as
    ``"visits/*.parquet"``, with the settings under ``"settings"``. ``mapping`` (a file or a mapping read before) turns an
    export with other columns and codes into the five tables. ``privacy`` and ``as_of`` take the place of what program.toml
    says; ``today`` is the day against which an agreement's expiry is held.

    ``engine`` is ``"duckdb"`` (in this process), a Spark session, or the address of a Spark cluster. Tables too large to be
    read here are read on the engine: Parquet where it stands, CSV copied, with DuckDB into a file in the folder ``spill``;
    ``memory_limit`` (``"4GB"``; 2 GB of large tables unless given) is for what DuckDB keeps in memory. ``step`` is told
    what is being done, how much is done, and of how much.

    Raises :class:`~iop_outcomes.errors.RecordsError` naming every fault of the files, :class:`UsageError` for an
    argument it does not take. A fault of one row never stops the reading: it is in ``records.manifest.set_aside``.
    """
    if privacy is not None and privacy not in Privacy.codes():
        raise UsageError(f"privacy must be one of {', '.join(Privacy.codes())}.")
    today, step = today or date.today(), step or (lambda what, done, total: None)
    step("Reading the tables", 0, _STEPS)
    found = gather_frames(source) if isinstance(source, Mapping) else gather_folder(Path(source), mapping)
    settings, faults, notes, hashes, raws = found.settings, found.faults, found.notes, found.hashes, found.raws
    place = _choose_engine(engine, bool(found.large), memory_limit, spill)
    scanned = {name: scan(place) for name, scan in found.large.items()}
    raws += collect_small(scanned)
    mode = privacy or settings["privacy"]
    day = _day(as_of) if as_of is not None else settings["as_of"]
    settings = {**settings, "privacy": mode, "as_of": day}
    firsts = [*raws, *(table.head() for table in scanned.values())]
    faults += privacy_faults(settings, mode, today)
    faults += _as_of_faults(firsts, day, mode, today)
    faults += find_layout_faults(firsts, settings, mode)
    step("Looking for what tells who somebody is", 1, _STEPS)
    more, warned = _scan([*raws, *scanned.values()], mode, settings)
    faults += more
    if faults:
        raise RecordsError(list(dict.fromkeys(faults)))
    notes += [note for raw in raws for note in raw.warnings]
    notes += [*find_mangled_ids(firsts), *warned]
    valid: Validated | Triaged
    if found.large or not isinstance(place, Embedded):
        valid = triage_tables(
            raws, scanned, settings, day, place, lambda name, done: step(f"Checking the {name}", done + 2, _STEPS)
        )
        tables = valid.tables
    else:
        step("Checking every row", 2, _STEPS)
        valid = validate_tables(raws, settings, day)
        known = tables_of(settings)
        tables = {name: place.place(known[name], [frame]) for name, frame in valid.frames.items()}
    manifest = Manifest(
        found.folder,
        day,
        mode,
        settings,
        valid.accounts,
        tuple(dict.fromkeys([*notes, *valid.warnings])),
        hashes,
        valid.set_aside,
    )
    return Records(**tables, manifest=manifest, lift=place.lift)


def _choose_engine(engine: Any, large: bool, memory_limit: str | None, spill: str | Path | None) -> Engine:
    """The engine asked for."""
    if isinstance(engine, str) and engine == "duckdb":
        return Embedded(
            on_disk=large or memory_limit is not None or spill is not None, memory_limit=memory_limit, spill=spill
        )
    from iop_outcomes.records.spark import Distributed, open_spark

    if isinstance(engine, str):
        if not engine.startswith(_CLUSTERS):
            raise UsageError(
                "engine is duckdb, a Spark session, or the address of a cluster such as spark://… or local[*]."
            )
        engine = open_spark(engine)
    if memory_limit is not None or spill is not None:
        raise UsageError("memory_limit and spill are DuckDB's: Spark takes its own from its session.")
    return Distributed(engine)


def write_set_aside(records: Records, path: str | Path) -> Path:
    """Write the rows set aside (file, table, row, column, rule, what to do) as CSV, or as Parquet where ``path`` ends so.

    Never a value of the records. The file is there whole or not at all. In CSV, a text a spreadsheet would take for a
    formula gets an apostrophe in front.
    """
    path = Path(path)
    with stage_files(path.parent, path.name) as aside:
        new = aside / path.name
        if path.suffix.lower() == ".parquet":
            write_parquet(records.manifest.set_aside, {"row": "BIGINT"}, new)
            return path
        with open(new, "w", newline="", encoding="utf-8") as stream:
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


def _scan(tables: Sequence[Scannable], privacy: str, settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What the identifier scanner refuses and what it warns of."""
    from iop_outcomes.records.identifiers import scan_identifiers

    return scan_identifiers(tables, privacy, settings)


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
