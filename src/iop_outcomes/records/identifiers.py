"""What tells who somebody is: columns and cells that may not stand in the records, found by name and by pattern.

The scan follows the identifiers of 45 CFR 164.514(b)(2). It looks at every column of every table, at each different
cell once, and says file, column, rule and how many rows; never a value. It cannot find everything: a name that looks like
a code passes, so ids must be declared random and somebody must look at the files.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.contracts import Field
from iop_outcomes.schema import TABLES
from iop_outcomes.vocabulary import Privacy

#: Modes in which an age over 89 is a fault of the file; in the others it sets its row aside.
_CAPPED_AGES = (Privacy.SAFE_HARBOR, Privacy.EXPERT)
#: Areas with this many people or fewer must be written 000 (45 CFR 164.514(b)(2)(i)(B)).
SMALL_AREA = 20_000
#: Distinct cells written "Last, First" at which a column of categories is taken for a column of names.
_MANY_NAMES = 10
#: Distinct long cells at which a column of categories is taken for free text.
_MANY_PHRASES = 20
#: Cells with more words than this are free text, in columns that hold words.
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of identifier: column names and cells that give it away, and what to do."""

    kind: str
    names: str = ""
    cells: str = ""
    advice: str = "remove the column."


_RULES: tuple[_Rule, ...] = (
    _Rule(
        "dates of birth",
        r"dob|birth|born|birthdate|birthday|birthyear|yob",
        "",
        "remove the column and give age in whole years (90 for anyone over 89).",
    ),
    _Rule(
        "e-mail addresses",
        r"email|emails|e_mail|mail",
        r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}",
    ),
    _Rule(
        "web addresses",
        r"url|urls|website|web_?page|homepage|facebook|twitter|instagram|linkedin",
        r"(?:https?|ftp)://|\bwww\.[a-z0-9]",
    ),
    _Rule(
        "IP addresses",
        r"ip|ip_?address|ip_?addr|ipv4|ipv6",
        r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])",
    ),
    _Rule(
        "social security numbers",
        r"ssn|ssns|ss_?(?:no|num|number)|social_?security(?:_?(?:no|num|number))?|sin",
        r"(?<![\w-])\d{3}[- ]\d{2}[- ]\d{4}(?![\w-])",
    ),
    _Rule(
        "telephone or fax numbers",
        r"phone|phones|telephone|tel|mobile|cell|cellphone|fax|pager|\w*phone(?:_?(?:no|num|number))?",
        r"(?<![\w-])(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])",
    ),
    _Rule(
        "names of people",
        r"names?|surname|forename|nickname|alias|initials|emergency_contact|next_of|"
        r"(?:first|last|middle|full|given|family|maiden|client|patient|participant|person|member|customer|mother|father|"
        r"spouse|guardian|contact|counsell?or|clinician|therapist|staff|provider)_?names?|[fl]name",
        "",
    ),
    _Rule(
        "street addresses",
        r"address|addresses|addr|street|apartment|apt|city|town|village|county|neighbou?rhood|precinct|residence|"
        r"latitude|longitude|lat|lon|lng|geocode|tract|census_?tract|block_?group|home_?address",
        r"^\s*\d{1,6}[A-Za-z]?\s+(?:[NSEW]\.?\s+)?[A-Za-z0-9.' ]+?\s"
        r"(?i:st|street|ave|avenue|rd|road|blvd|boulevard|ln|lane|dr|drive|ct|court|way|pl|place|hwy|highway|pkwy|ter)"
        r"\b\.?(?=\s*(?:$|[,#]|(?i:apt|unit|suite|ste)\b))|(?i:\bp\.?\s?o\.?\s?box\s+\d+)",
    ),
    _Rule(
        "record, plan, account, licence, vehicle or device numbers",
        r"mrn|medical_?record\w*|chart_?(?:no|num|number|id)|record_?(?:no|num|number)|medicaid\w*|medicare\w*|"
        r"health_?plan\w*|plan_?(?:no|num|number|id)|member_?(?:no|num|number|id)|policy_?(?:no|num|number|id)|"
        r"subscriber\w*|insurance_?(?:no|num|number|id)|beneficiary\w*|account|acct|account_?(?:no|num|number|id)|"
        r"acct_?(?:no|num|number|id)|licen[cs]e\w*|driver\w*|passport\w*|certificate\w*|vehicle\w*|vin|licen[cs]e_plate|"
        r"plate|device\w*|serial_?(?:no|num|number)|imei|mac_?address",
        r"(?i:^\s*(?:mrn|acct|dl|vin|imei)\s*[:#.-]?\s*\w*\d)|(?i:(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:]))",
    ),
    _Rule(
        "biometrics or images",
        r"fingerprint\w*|biometric\w*|retina\w*|iris_?scan|voice_?print\w*|photo\w*|image\w*|picture\w*|face_?\w*id",
        r"(?i:^\s*data:(?:image|audio)/)|(?i:\.(?:jpe?g|png|gif|tiff?|bmp|heic|dcm)\s*$)",
    ),
    _Rule(
        "free text",
        r"notes?|comments?|remarks?|narratives?|free_?text|memo|progress_?notes?|description|observations?|reason_?text",
        "",
        "remove the column; free text cannot be checked for names.",
    ),
)

_NOT_A_PERSON = re.compile(
    r"(?:program|programme|site|agency|facility|unit|drug|substance|instrument|group|visit)_name$"
)
_ZIP_NAME = re.compile(r"zip|zip_?code|zip_?[35]|postal_?code|postcode|zcta\w*")
_ZIP_PLUS = r"(?<![\w-])\d{5}-\d{4}(?![\w-])"
_DATE_NAME = re.compile(r"date|dates|\w+_date|date_\w+|timestamp|datetime|\w+_dt|dt|weekday|quarter|month|\w+_on")
_DATES = (
    r"(?<!\d)(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|"
    r"(?<![\w-])\d{1,2}[-/.]\d{1,2}[-/.](?:(?:19|20)\d\d|\d{2})(?![\w-])|"
    r"(?i:\b\d{1,2}[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ -]\d{2,4}\b)|"
    r"(?i:\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}\b)|"
    r"(?i:\b(?:19|20)\d\d[- ]?q[1-4]\b)|(?i:\bq[1-4][- ]?(?:19|20)\d\d\b)"
)
_COMPACT_DATE = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
#: Cells of letters, digits and underscores alone tell nothing, unless they say what number they are.
_TELLING = r"[^0-9A-Za-z_]|^(?i:mrn|acct|vin|imei)_?\d"
_LAST_FIRST = r"[A-Z][A-Za-z'’-]+(?: [A-Z][A-Za-z'’-]+)?,\s*[A-Z][A-Za-z'’-]*(?: [A-Z][A-Za-z'’-]*\.?)?"
_FIRST_LAST = r"[A-Z][a-z'’-]+ (?:[A-Z]\.? )?[A-Z][a-z'’-]+"
_PROSE = rf"(?:\S+\s+){{{_MOST_WORDS},}}\S+"


def _without_lookaround(pattern: str) -> str:
    """A pattern that finds at least as much and that every engine can read: what stands around it is not looked at."""
    while found := re.search(r"\(\?(?:<!|<=|!|=)", pattern):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(pattern[end], 0) if pattern[end - 1] != "\\" else 0
            end += 1
        pattern = pattern[: found.start()] + pattern[end:]
    return pattern


#: Finds every cell that a rule below might, on any engine: of a column of ids too long to bring here, these are brought.
CANDIDATES = "|".join(
    f"(?:{_without_lookaround(pattern)})"
    for pattern in (
        *(rule.cells for rule in _RULES if rule.cells),
        *(_ZIP_PLUS, _DATES, _LAST_FIRST, _FIRST_LAST, _PROSE, r"^\s*\d{8,10}\s*$", r"^\s*\d{5}\s*$|^\s*\d{3}\s*$"),
    )
)


class Scannable(Protocol):
    """A table whose columns can be looked through, wherever it lives."""

    @property
    def table(self) -> str:
        """Which of the five tables it is."""

    @property
    def file(self) -> str:
        """What a message calls it."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of its columns."""

    def count_cells(self, name: str) -> tuple[Iterable[str], npt.NDArray[np.int64], int]:
        """The different cells of a column (of very many, those ``CANDIDATES`` finds), the rows of each, and how many."""


def scan_identifiers(
    tables: Sequence[Scannable], privacy: str, settings: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Faults and warnings for everything in the tables that tells who somebody is.

    ``privacy`` is the declared mode: identifiers are refused in every mode, dates (but for the year) in ``safe_harbor``,
    ages over 89 in ``safe_harbor`` and ``expert``. ``settings["zip3_population"]`` (a CSV file with area and population,
    or a mapping) allows three-digit ZIP areas. A fault stops the reading; a warning asks somebody to look.

    >>> from iop_outcomes.records.raw import RawTable
    >>> frame = pd.DataFrame({"episode_id": ["E1", "E2"], "comments": ["", ""]})
    >>> scan_identifiers([RawTable("attendance", "attendance.csv", frame, np.array([2, 3]))], "internal", {})[0]
    ['attendance.csv, column comments: 0 rows with free text, by the name of the column; remove the column; free text \
cannot be checked for names.']
    """
    faults: list[str] = []
    warnings: list[str] = []
    for table in tables:
        fields = {field.name: field for field in TABLES[table.table].fields} if table.table in TABLES else {}
        for name in table.columns:
            column = _Column(table, name, fields.get(name))
            faults += _scan_names_of_columns(column) or _scan_cells(column)
            faults += _scan_zip(column, settings)
            if privacy in _CAPPED_AGES:
                faults += _scan_ages(column)
            if privacy == Privacy.SAFE_HARBOR and table.table != "costs":
                faults += _scan_dates(column)
            warnings += _look_alikes(column)
    return faults, warnings


class _Column:
    """One column of one file: its distinct cells and how many rows hold each."""

    def __init__(self, table: Scannable, name: str, field: Field | None) -> None:
        texts, rows, self.different = table.count_cells(name)
        cells = [str(text).strip() for text in texts]
        self.place = f"{table.file}, column {name}"
        self.name, self.plain = name, _plain(name)
        self.field, self.program_label = field, table.table == "programs" and name == "label"
        filled = np.asarray([cell != "" for cell in cells], dtype=bool)
        self.counts = rows[filled]
        self.cells = pd.Series(np.asarray(cells, dtype=object)[filled], dtype="str")
        telling = self.cells.str.contains(_TELLING, regex=True).to_numpy(dtype=bool)
        self.telling, self.telling_counts = self.cells[telling].tolist(), self.counts[telling]

    @property
    def kind(self) -> str:
        """The kind of the schema's field; ``unknown`` for a column the schema does not have."""
        return self.field.kind if self.field else "unknown"

    @property
    def is_category(self) -> bool:
        """Whether the schema means the column for categories or labels in words."""
        return self.kind in ("text", "code", "schedule")

    def rows(self, pattern: str, whole: bool = False) -> tuple[int, int]:
        """Rows, and distinct cells, that hold the pattern (are the pattern, with ``whole``)."""
        finds = re.compile(pattern).fullmatch if whole else re.compile(pattern).search
        hit = [place for place, cell in enumerate(self.telling) if finds(cell)]
        return int(self.telling_counts[hit].sum()), len(hit)

    def share(self, pattern: str) -> float:
        """Share of the distinct cells that are the pattern."""
        return float(self.cells.str.fullmatch(pattern).sum()) / max(self.different, 1)

    def fault(self, rows: int, kind: str, advice: str) -> str:
        """The message: file, column, rule, rows, what to do."""
        return f"{self.place}: {rows:,} {'row' if rows == 1 else 'rows'} with {kind}; {advice}"


def _plain(name: str) -> str:
    """A column name in small letters with underscores: ``"clientName "`` is ``"client_name"``."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _scan_names_of_columns(column: _Column) -> list[str]:
    """A fault when the name of a column that is none of ours says what it holds, even with empty cells."""
    if column.field:
        return []
    words = column.plain.split("_")
    parts = {column.plain, *words, *("_".join(words[at : at + 2]) for at in range(len(words) - 1))}
    if _NOT_A_PERSON.search(column.plain):
        parts.discard("name")
    for rule in _RULES:
        if rule.names and any(re.fullmatch(rule.names, part) for part in parts):
            return [column.fault(int(column.counts.sum()), f"{rule.kind}, by the name of the column", rule.advice)]
    return []


def _scan_cells(column: _Column) -> list[str]:
    """Faults for cells that look like an identifier, one for each kind."""
    faults = []
    for rule in _RULES:
        if not rule.cells or (column.program_label and rule.kind == "street addresses"):
            continue
        rows, _ = column.rows(rule.cells)
        if rows:
            faults.append(column.fault(rows, f"what looks like {rule.kind}", rule.advice))
    names, distinct = column.rows(_LAST_FIRST, whole=True)
    if column.name in ("person_id", "episode_id"):
        more, kinds = column.rows(_FIRST_LAST, whole=True)
        names, distinct = names + more, distinct + kinds
    if distinct >= (_MANY_NAMES if column.is_category else 1) and not column.program_label:
        faults.append(column.fault(names, "what looks like names of people", "give random ids or remove the column."))
    return faults + _scan_prose(column)


def _scan_prose(column: _Column) -> list[str]:
    """Free text: long cells; in columns of categories, many different long cells or very long ones."""
    rows, distinct = column.rows(_PROSE)
    if column.is_category and distinct < _MANY_PHRASES:
        rows, _ = column.rows(rf"(?:\S+\s+){{{2 * _MOST_WORDS},}}\S+")
    advice = "write categories of a few words; free text cannot be checked for names."
    return [column.fault(rows, "free text", advice)] if rows else []


def _scan_zip(column: _Column, settings: Mapping[str, Any]) -> list[str]:
    """ZIP codes: three digits of areas with more than 20,000 people, and only with the table that says so."""
    named = column.field is None and any(_ZIP_NAME.fullmatch(part) for part in (column.plain, *column.plain.split("_")))
    plus, _ = column.rows(_ZIP_PLUS)
    if plus and not named:
        return [column.fault(plus, "what looks like ZIP codes", "remove them.")]
    five = column.cells.str.fullmatch(r"\d{5}(?:-\d{4})?").to_numpy(dtype=bool)
    words = column.kind == "text" and column.name not in ("visit", "label")
    if not named and not (words and five.sum() >= 0.5 * max(column.different, 1)):
        return []
    three = column.cells.str.fullmatch(r"\d{3}").to_numpy(dtype=bool)
    other = int(column.counts[~three].sum())
    if other:
        return [column.fault(other, "ZIP codes of more than three digits", "remove the column.")]
    populations = _populations(settings.get("zip3_population"))
    if populations is None:
        advice = "give zip3_population, a file with the population of each area, or remove the column."
        return [column.fault(int(column.counts.sum()), "three-digit ZIP codes", advice)]
    small = np.array([cell != "000" and populations.get(cell, 0) <= SMALL_AREA for cell in column.cells], dtype=bool)
    rows = int(column.counts[small].sum())
    kind = f"ZIP areas of {SMALL_AREA:,} people or fewer, or of unknown size"
    return [column.fault(rows, kind, "write 000.")] if rows else []


def _populations(given: Any) -> dict[str, float] | None:
    """Population by three-digit area, from a mapping or a CSV file (area, population); none when there is neither."""
    if isinstance(given, Mapping):
        return {str(area): float(people) for area, people in given.items()}
    if not given or not Path(str(given)).is_file():
        return None
    with open(str(given), newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if len(row) >= 2]
    return {
        area.strip().zfill(3): float(people)
        for area, people, *_ in rows
        if re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", people) and area.strip().isdigit()
    }


def _scan_ages(column: _Column) -> list[str]:
    """Ages over 89 that are not written 90."""
    if column.name != "age" and not (column.field is None and "age" in column.plain.split("_")):
        return []
    numbers = pd.to_numeric(column.cells, errors="coerce").to_numpy(dtype=float)
    rows = int(column.counts[(numbers > 89) & (numbers != 90)].sum())
    return [column.fault(rows, "ages over 89", "write 90.")] if rows else []


def _scan_dates(column: _Column) -> list[str]:
    """Anything like a date, where only the year may be held."""
    advice = "give days since admission and the admission year."
    if column.field is None and _DATE_NAME.fullmatch(column.plain):
        return [column.fault(int(column.counts.sum()), "dates, by the name of the column", advice)]
    rows, _ = column.rows(_DATES)
    compact = column.share(_COMPACT_DATE)
    if not rows and compact >= 0.5:
        rows = int(column.counts[column.cells.str.fullmatch(_COMPACT_DATE).to_numpy(dtype=bool)].sum())
    return [column.fault(rows, "what looks like dates", advice)] if rows else []


def _look_alikes(column: _Column) -> list[str]:
    """Warnings for ids that may be random and may be numbers somebody was given."""
    if column.kind not in ("id", "text", "unknown"):
        return []
    for pattern, kind in ((r"\d{9}", "social security numbers"), (r"[2-9]\d{2}[2-9]\d{6}", "telephone numbers")):
        if column.share(pattern) >= 0.5:
            return [
                f"{column.place}: most cells are digits as in {kind}; make sure that they are random and were never "
                "given to anybody as a number."
            ]
    return []
