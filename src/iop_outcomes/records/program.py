"""What program.toml says: every key known, of the right kind, with its default where nothing is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from iop_outcomes import vocabulary as words
from iop_outcomes.instruments import INSTRUMENTS, Instrument
from iop_outcomes.settings import SETTINGS, Setting

#: The file that stands beside the tables.
PROGRAM_FILE = "program.toml"
#: How dates are written when nothing else is declared.
ISO_FORMAT = "%Y-%m-%d"

#: Keys of the tables inside program.toml.
SECTIONS: dict[str, tuple[Setting, ...]] = {
    "retention": (
        Setting("exit_rule", "text", "Which day counts as the exit day.", "last_contact", words.ExitRule.codes()),
    ),
    "hours": (Setting("required_hours", "number", "Hours a week asked where neither episode nor programme says.", 9),),
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
    ),
    "publication": (
        Setting(
            "policy",
            "text",
            "Rule for what may be published.",
            "cms",
            ("cms",),
        ),
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
)

#: Keys of one closure, under ``[[closures]]``.
CLOSURE_KEYS: tuple[Setting, ...] = (
    Setting("program_id", "text", "The programme that was closed."),
    Setting("from", "date", "First day closed."),
    Setting("to", "date", "Last day closed."),
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
    settings["closures"] = _checked_closures(settings.get("closures") or [], file, faults)
    _check_values(settings, file, faults)
    return settings, faults


def default_settings() -> dict[str, Any]:
    """The settings of an empty program.toml."""
    return check_settings({})[0]


def instruments_of(settings: Mapping[str, Any]) -> dict[str, Instrument]:
    """The built-in instruments and the programme's own; an own one of the same name takes the built-in's place."""
    own = {}
    for name, keys in (settings.get("instruments") or {}).items():
        given = {key: value for key, value in keys.items() if value is not None}
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


def _checked_closures(given: list[Any], file: str, faults: list[str]) -> list[dict[str, Any]]:
    """The closures, each with programme, first and last day."""
    out = []
    for number, keys in enumerate(given, start=1):
        where = f"{file} [[closures]] number {number}"
        if not isinstance(keys, dict):
            faults.append(f"{where}: must be a section with program_id, from and to.")
            continue
        before = len(faults)
        one = _checked(keys, CLOSURE_KEYS, where, faults)
        faults += [f"{where}: {key} is missing." for key in one if key not in keys]
        if len(faults) == before and one["from"] > one["to"]:
            faults.append(f"{where}: from lies after to.")
        if len(faults) == before:
            out.append(one)
    return out


def _check_values(settings: Mapping[str, Any], file: str, faults: list[str]) -> None:
    """Limits that a kind alone does not state."""
    if settings["asam_edition"] not in (3, 4):
        faults.append(f"{file}: asam_edition must be 3 or 4.")
    try:
        written = date(2001, 2, 3).strftime(settings["date_format"])
        fits = datetime.strptime(written, settings["date_format"]).date() == date(2001, 2, 3)
    except ValueError:
        fits = False
    if not fits:
        faults.append(f"{file}: date_format must name day, month and year, for example %m/%d/%Y.")
    for name in ("hours", "sobriety"):
        for setting in SECTIONS[name]:
            value = settings[name][setting.key]
            if isinstance(value, int | float) and value < 0:
                faults.append(f"{file} [{name}]: {setting.key} may not be negative.")
