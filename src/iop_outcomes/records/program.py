"""What program.toml says: every key known, of the right kind, with its default where nothing is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from iop_outcomes import vocabulary as words
from iop_outcomes.contracts import Field, Table
from iop_outcomes.instruments import INSTRUMENTS, Instrument
from iop_outcomes.schema import EPISODES, TABLES
from iop_outcomes.settings import SETTINGS, Setting

#: The file that stands beside the tables.
PROGRAM_FILE = "program.toml"
#: How dates are written when nothing else is declared.
ISO_FORMAT = "%Y-%m-%d"

#: Keys of the tables inside program.toml.
SECTIONS: dict[str, tuple[Setting, ...]] = {
    "retention": (
        Setting("exit_rule", "text", "Which day counts as the exit day.", "last_contact", words.ExitRule.codes()),
        Setting("engaged_sessions", "integer", "Sessions somebody must attend to count as engaged.", 4),
        Setting("engaged_days", "integer", "First days of care in which they must be attended.", 14),
        Setting("pathway_days", "integer", "Days within which the next admission continues a pathway.", 14),
        Setting("return_days", "integer", "Days after completing within which a readmission counts.", 180),
    ),
    "hours": (
        Setting("required_hours", "number", "Hours a week asked where neither episode nor programme says.", 9),
        Setting(
            "partial_weeks",
            "text",
            "First and last weeks that were not whole: left out, or their requirement prorated.",
            "leave_out",
            ("leave_out", "prorate"),
        ),
    ),
    "sobriety": (
        Setting(
            "substance",
            "text",
            "Which use counts: any, or the one substance that tests look for.",
            "any",
            words.Substance.codes(),
        ),
        Setting("bridge_days", "integer", "Unknown days a streak may bridge.", 7),
        Setting("urine_days", "integer", "Days back a urine test speaks for.", 3),
        Setting("breath_days", "integer", "Days back a breath test speaks for.", 0),
        Setting(
            "disagreement",
            "text",
            "What a day is on which sources disagree: mixed, what the test says, or use.",
            "mixed",
            ("mixed", "test", "use"),
        ),
        Setting(
            "count_from",
            "text",
            "Where milestones start: admission, or the recorded sobriety date.",
            "admission",
            ("admission", "sobriety_date"),
        ),
    ),
    "followup": (
        Setting("months", "list", "Follow-up months reported.", [1, 3, 6, 12]),
        Setting("window_days", "integer", "Days before and after a follow-up day in which an interview counts.", 30),
    ),
    "targets": (
        Setting("retained", "number", "Share still in the programme or completed to be reached, for example 0.7."),
        Setting("completed", "number", "Share that completed to be reached, for example 0.5."),
        Setting("milestone", "number", "Share reaching 30 days sober by the planned end, for example 0.4."),
        Setting("improved", "number", "Share improving reliably on the first scale, for example 0.3."),
        Setting("requirement_met", "number", "Share of weeks meeting the weekly hours to be reached, for example 0.8."),
        Setting("hours_completion_enrolled", "number", "Hours attended of required to be reached, for example 0.9."),
        Setting("no_show", "number", "Share of sessions missed without notice not to be passed, for example 0.1."),
    ),
    "publication": (
        Setting(
            "policy",
            "text",
            "Rule for what may be published.",
            "cms",
            ("cms", "round5", "opensafely", "midpoint6", "strict"),
        ),
    ),
    "grant": (
        Setting("by", "date", "Day by which the targets are to be met."),
        Setting("frequency", "text", "How often the figures are reported.", "every quarter"),
        Setting("responsible", "text", "Who answers for the targets: a role, not a person's name."),
    ),
}

#: Keys of one instrument of the programme's own, under ``[instruments.NAME]``.
INSTRUMENT_KEYS: tuple[Setting, ...] = (
    Setting(
        "kind", "text", "use (negative, positive), scale (score) or role (yes, no).", None, ("use", "scale", "role")
    ),
    Setting("label", "text", "Name a reader sees."),
    Setting("low", "number", "Lowest score (scale)."),
    Setting("high", "number", "Highest score (scale)."),
    Setting("days_covered", "integer", "Days back it speaks for (use)."),
    Setting("source", "text", "Where the instrument is described."),
    Setting("better", "text", "Which direction is improvement (scale).", None, ("lower", "higher")),
    Setting("case_at", "number", "Score from which somebody counts as a case, or as well where higher is better."),
    Setting("reliable_change", "number", "Points a score must move to exceed its error of measurement."),
    Setting("retest", "number", "Test-retest correlation, between 0 and 1."),
    Setting("items", "list", "Names of the item instruments the score may be worked out from."),
    Setting("caution", "text", "What must be said beside every figure of it."),
)

#: Keys of one group of the programme's own, under ``[groups.NAME]``.
GROUP_KEYS: tuple[Setting, ...] = (
    Setting("column", "text", "Column of the episodes table; one the schema does not know is read as text."),
    Setting("cuts", "list", "Numbers at which a numeric column is cut into groups, rising."),
    Setting("label", "text", "Name a reader sees."),
)

#: Keys of one rebased chart, under ``[[rebases]]``.
REBASE_KEYS: tuple[Setting, ...] = (
    Setting("measure", "text", "The line that starts anew, for example no_show."),
    Setting("from", "date", "First day of the new baseline."),
    Setting("reason", "text", "What changed, in a few words; printed under the chart."),
)

#: Keys of one number of local need, under ``[[needs]]``.
NEED_KEYS: tuple[Setting, ...] = (
    Setting("text", "text", "The number in a sentence, as the fact sheet prints it."),
    Setting("source", "text", "Who says so: publisher, title, year, page."),
)

#: Keys of one closure, under ``[[closures]]``.
CLOSURE_KEYS: tuple[Setting, ...] = (
    Setting("program_id", "text", "The programme that was closed."),
    Setting("from", "date", "First day closed."),
    Setting("to", "date", "Last day closed."),
)

#: Columns that say who somebody is or when they came, and words the package uses itself: no group is named so.
PROTECTED_COLUMNS: frozenset[str] = frozenset(
    {
        "episode_id",
        "person_id",
        "admission_date",
        "discharge_date",
        "sobriety_date",
        "all",
        "program",
        "schedule",
        "program_label",
        "cause",
        "exit_day",
        "entry_day",
        "enrolled_day",
        "planned_days",
        "admission_number",
        "admission_quarter",
        "sessions_attended",
        "sessions_early",
    }
)

_KINDS = {
    "text": "text in quotation marks",
    "date": "a date, YYYY-MM-DD",
    "integer": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "table": "a section in square brackets",
    "list": "a list of sections in double square brackets",
}


def read_program(folder: Path, mapped: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """The settings of program.toml with defaults filled in, and every fault of the file.

    ``mapped`` are the settings of a mapping: they hold where program.toml says nothing, and where there is none.
    """
    path = Path(folder) / PROGRAM_FILE
    if mapped and not path.is_file():
        return check_settings(mapped, "mapping [program]")
    if not path.is_file():
        return default_settings(), [
            f"{PROGRAM_FILE} is missing: `iop-outcomes init` writes one to fill in; put it beside the tables."
        ]
    try:
        given = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return default_settings(), [f"{PROGRAM_FILE} is not UTF-8: save it as UTF-8 text."]
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line \d+|at end of document", str(error))
        where = place.group().removeprefix("at ") if place else "one line"
        return default_settings(), [
            f"{PROGRAM_FILE}, {where}: not valid TOML. Write `key = value`, with text in quotation marks."
        ]
    return check_settings({**(mapped or {}), **given})


def check_settings(given: Mapping[str, Any], file: str = PROGRAM_FILE) -> tuple[dict[str, Any], list[str]]:
    """Settings with defaults filled in, and a fault for every key that is unknown or of the wrong kind.

    >>> check_settings({"as_off": "2025-12-31"})[1]
    ['program.toml: as_off is not a key it knows; did you mean as_of?']
    """
    faults: list[str] = []
    settings = _checked(given, SETTINGS, file, faults)
    for name, keys in SECTIONS.items():
        section = settings.get(name)
        settings[name] = _checked(section if isinstance(section, dict) else {}, keys, f"{file} [{name}]", faults)
    settings["instruments"] = _checked_instruments(settings.get("instruments") or {}, file, faults)
    settings["closures"] = _checked_list(settings.get("closures") or [], "closures", CLOSURE_KEYS, file, faults)
    settings["rebases"] = _checked_list(settings.get("rebases") or [], "rebases", REBASE_KEYS, file, faults)
    settings["needs"] = _checked_list(settings.get("needs") or [], "needs", NEED_KEYS, file, faults)
    settings["groups"] = _checked_groups(settings.get("groups") or {}, file, faults)
    _check_values(settings, file, faults)
    return settings, faults


def default_settings() -> dict[str, Any]:
    """The settings of an empty program.toml."""
    return check_settings({})[0]


def instruments_of(settings: Mapping[str, Any]) -> dict[str, Instrument]:
    """The built-in instruments and the programme's own; an own one of the same name takes the built-in's place."""
    own = {}
    for name, keys in (settings.get("instruments") or {}).items():
        given = {key: tuple(value) if key == "items" else value for key, value in keys.items() if value is not None}
        own[name] = Instrument(**{"name": name, "label": name, "kind": "scale", **given})
    return {**INSTRUMENTS, **own}


def privacy_faults(settings: Mapping[str, Any], privacy: str, today: date, file: str = PROGRAM_FILE) -> list[str]:
    """What the privacy mode asks for and the settings do not give: agreement, expert, expiry, random ids."""
    faults = []
    if not settings["ids_are_random"] and not settings["synthetic"]:
        faults.append(
            f"{file}: confirm that person and episode ids are random, not record numbers, with `ids_are_random = true`."
        )
    needed = {"limited": ("agreement", "expires"), "expert": ("agreement", "expert", "expires")}.get(privacy, ())
    for key in needed:
        if settings[key] is None:
            faults.append(f"{file}: privacy {privacy} needs {key}: add it, or choose another privacy mode.")
    expires = settings["expires"]
    if needed and expires is not None and expires < today:
        faults.append(
            f"{file}: the agreement or determination has expired ({expires.isoformat()}): "
            "renew it and write the new date under expires."
        )
    return faults


def _checked(given: Mapping[str, Any], keys: Collection[Setting], file: str, faults: list[str]) -> dict[str, Any]:
    """The keys of one section, each of its kind; unknown ones become faults with a suggestion."""
    known = {setting.key: setting for setting in keys}
    out: dict[str, Any] = {key: setting.default for key, setting in known.items()}
    for key, value in given.items():
        setting = known.get(key)
        if setting is None:
            close = get_close_matches(key, known, 1, 0.6)
            hint = f"did you mean {close[0]}?" if close else f"its keys are {', '.join(known)}."
            faults.append(f"{file}: {key} is not a key it knows; {hint}")
            continue
        right, plain = _of_kind(setting, value)
        if not right:
            faults.append(f"{file}: {key} must be {_KINDS[setting.kind]}.")
        elif setting.choices and plain not in setting.choices:
            faults.append(f"{file}: {key} must be one of {', '.join(setting.choices)}.")
        else:
            out[key] = plain
    return out


def _of_kind(setting: Setting, value: Any) -> tuple[bool, Any]:
    """Whether a TOML value is of a setting's kind, and the value as the package holds it."""
    kind = setting.kind
    if kind == "date":
        if isinstance(value, date) and not isinstance(value, datetime):
            return True, value
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            try:
                return True, date.fromisoformat(value)
            except ValueError:
                return False, None
        return False, None
    if kind in ("integer", "number"):
        right = isinstance(value, int) if kind == "integer" else isinstance(value, int | float)
        return right and not isinstance(value, bool), value
    expected = {"text": str, "flag": bool, "table": dict, "list": list}[kind]
    return isinstance(value, expected), value


def _checked_instruments(given: Mapping[str, Any], file: str, faults: list[str]) -> dict[str, dict[str, Any]]:
    """The programme's own instruments, each with a kind, and limits where it is a scale."""
    out: dict[str, dict[str, Any]] = {}
    for name, keys in given.items():
        where = f"{file} [instruments.{name}]"
        if not isinstance(keys, dict):
            faults.append(f"{file}: instruments.{name} must be {_KINDS['table']}, [instruments.{name}].")
            continue
        one = _checked(keys, INSTRUMENT_KEYS, where, faults)
        if "kind" not in keys:
            faults.append(f"{where}: kind is missing: write use, scale or role.")
        elif one["kind"] == "scale" and (one["low"] is None or one["high"] is None or one["low"] >= one["high"]):
            faults.append(f"{where}: a scale needs low and high, the lowest and highest score.")
        else:
            out[name] = {key: value for key, value in one.items() if value is not None}
    return out


def _checked_list(
    given: list[Any], name: str, known: tuple[Setting, ...], file: str, faults: list[str]
) -> list[dict[str, Any]]:
    """The sections of a list (closures, rebased charts), each with all its keys and in order of time."""
    out = []
    for number, keys in enumerate(given, start=1):
        where = f"{file} [[{name}]] number {number}"
        if not isinstance(keys, dict):
            faults.append(f"{where}: must be a section with {', '.join(setting.key for setting in known)}.")
            continue
        before = len(faults)
        one = _checked(keys, known, where, faults)
        faults += [f"{where}: {key} is missing." for key in one if key not in keys]
        if len(faults) == before and "to" in one and one["from"] > one["to"]:
            faults.append(f"{where}: from lies after to.")
        if len(faults) == before:
            out.append(one)
    return out


def _checked_groups(given: Mapping[str, Any], file: str, faults: list[str]) -> dict[str, dict[str, Any]]:
    """The programme's own groups, each of one column, cut where it is a number."""
    out: dict[str, dict[str, Any]] = {}
    for name, keys in given.items():
        where = f"{file} [groups.{name}]"
        if not isinstance(keys, dict):
            faults.append(f"{file}: groups.{name} must be {_KINDS['table']}, [groups.{name}].")
            continue
        before = len(faults)
        one = _checked(keys, GROUP_KEYS, where, faults)
        column = one["column"] or name
        if not re.fullmatch(r"[a-z][a-z0-9_]*", f"{name}") or not re.fullmatch(r"[a-z][a-z0-9_]*", column):
            faults.append(f"{where}: a group and its column are named in lower case letters, digits and underscores.")
        elif column in PROTECTED_COLUMNS or name in EPISODES.columns or name in PROTECTED_COLUMNS:
            faults.append(
                f"{where}: choose a name that is not a column already, and a column that says who somebody is."
            )
        cuts = one["cuts"] or []
        number = column in EPISODES.columns and EPISODES.field(column).kind in ("integer", "number", "day", "year")
        if any(isinstance(cut, bool) or not isinstance(cut, int | float) for cut in cuts) or sorted(set(cuts)) != cuts:
            faults.append(f"{where}: cuts must be rising numbers.")
        elif number != bool(cuts):
            faults.append(f"{where}: a number is cut into groups with cuts, and only a number is.")
        if len(faults) == before:
            out[name] = {"column": column, "cuts": list(cuts), "label": one["label"] or name.replace("_", " ")}
    return out


def tables_of(settings: Mapping[str, Any]) -> dict[str, Table]:
    """The five tables, episodes with the columns that the programme's own groups add."""
    added = {group["column"] for group in (settings.get("groups") or {}).values()} - set(EPISODES.columns)
    fields = tuple(Field(name, "text", "Group of the programme's own.") for name in sorted(added))
    return {**TABLES, "episodes": replace(EPISODES, fields=(*EPISODES.fields, *fields))}


def _check_values(settings: Mapping[str, Any], file: str, faults: list[str]) -> None:
    """Limits that a kind alone does not state."""
    if settings["asam_edition"] not in (3, 4):
        faults.append(f"{file}: asam_edition must be 3 or 4.")
    if not 1 <= settings["fiscal_year_start"] <= 12:
        faults.append(f"{file}: fiscal_year_start is a month from 1 (January) to 12, for example 7 for July.")
    try:
        written = date(2001, 2, 3).strftime(settings["date_format"])
        fits = datetime.strptime(written, settings["date_format"]).date() == date(2001, 2, 3)
    except ValueError:
        fits = False
    if not fits:
        faults.append(f"{file}: date_format must name day, month and year, for example %m/%d/%Y.")
    for name in ("retention", "hours", "sobriety", "followup"):
        for setting in SECTIONS[name]:
            value = settings[name][setting.key]
            if isinstance(value, int | float) and value < 0:
                faults.append(f"{file} [{name}]: {setting.key} may not be negative.")
    for name, value in settings["targets"].items():
        if value is not None and not 0 <= value <= 1:
            faults.append(f"{file} [targets]: {name} is a share between 0 and 1, for example 0.8.")
