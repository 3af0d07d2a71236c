"""Small tables drawn in text become records: what a spec test hands in.

Columns are parted by ``|``; a line of dashes under the header is left out; a blank cell is missing. ``episode``,
``person`` and ``program`` are short for the id columns. What a table does not say is filled in from the defaults below,
so that a test shows only what it is about.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from iop_outcomes import read_records
from iop_outcomes.estimates import Estimates
from iop_outcomes.records.model import Records

#: One eight-week programme that asks nine hours a week.
PROGRAM = """
    program | label      | level_of_care | planned_weeks | required_hours | schedule
    --------+------------+---------------+---------------+----------------+---------
    north   | North IOP  | 2.1           | 8             | 9              | evening
"""
_SHORT = {"episode": "episode_id", "person": "person_id", "program": "program_id"}
_TODAY = date(2026, 6, 30)
_READ: dict[Any, Records] = {}


def draw(text: str) -> pd.DataFrame:
    """The frame of text that a drawn table stands for."""
    lines = [line.strip() for line in text.strip().splitlines()]
    lines = [line for line in lines if line and not set(line) <= set("-+| ")]
    header, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert all(len(row) == len(header) for row in rows), "a row has more or fewer cells than the header"
    return pd.DataFrame(rows, columns=[_SHORT.get(name, name) for name in header], dtype=str)


def records(
    episodes: str | pd.DataFrame,
    attendance: str | pd.DataFrame | None = None,
    outcomes: str | pd.DataFrame | None = None,
    programs: str = PROGRAM,
    as_of: str = "2025-12-31",
    **settings: Any,
) -> Records:
    """Records of drawn tables, read once. Without ``attendance`` every episode has one three-hour group session on day 0."""
    drawn = (episodes, attendance, outcomes, programs, as_of, repr(settings))
    if all(part is None or isinstance(part, str) for part in drawn):
        if drawn not in _READ:
            _READ[drawn] = _read(episodes, attendance, outcomes, programs, as_of, settings)
        return _READ[drawn]
    return _read(episodes, attendance, outcomes, programs, as_of, settings)


def _read(
    episodes: str | pd.DataFrame,
    attendance: str | pd.DataFrame | None,
    outcomes: str | pd.DataFrame | None,
    programs: str,
    as_of: str,
    settings: dict[str, Any],
) -> Records:
    stays = draw(episodes) if isinstance(episodes, str) else episodes.copy()
    defaults = {"person_id": stays["episode_id"], "program_id": "north", "admission_date": "2025-01-06"}
    for name, value in defaults.items():
        if name not in stays:
            stays[name] = value
    if attendance is None:
        sessions = pd.DataFrame({"episode_id": stays["episode_id"], "day": "0"})
    else:
        sessions = draw(attendance) if isinstance(attendance, str) else attendance.copy()
    for name, value in {"service_type": "group", "status": "attended", "hours_offered": "3"}.items():
        if name not in sessions:
            sessions[name] = value
    if "hours_attended" not in sessions:
        sessions["hours_attended"] = sessions["hours_offered"].where(sessions["status"] == "attended", "")
    frames: dict[str, Any] = {"programs": draw(programs), "episodes": stays, "attendance": sessions}
    if outcomes is not None:
        said = draw(outcomes) if isinstance(outcomes, str) else outcomes.copy()
        for name, value in {"point": "week", "instrument": "urine", "substance": "any", "status": "done"}.items():
            if name not in said:
                said[name] = value
        frames["outcomes"] = said
    frames["settings"] = {"name": "Spec", "as_of": as_of, "ids_are_random": True, **settings}
    read = read_records(frames, today=_TODAY)
    assert read.manifest.faults == 0, read.manifest.set_aside.to_string()
    return read


def diary(**days: str) -> pd.DataFrame:
    """Daily reports from one line a person, as CTNote draws them: day 0 first.

    ``-`` says sober, ``+`` says used, ``*`` a test and a report that disagree, ``o`` due and missed, ``_`` nothing due.
    """
    rows = []
    for episode, line in days.items():
        for day, sign in enumerate(line):
            said = {"episode_id": episode, "day": str(day), "instrument": "self_report", "days_covered": "0"}
            if sign in "-*":
                rows.append({**said, "result": "negative", "status": "done"})
            if sign in "+*":
                tested = {"instrument": "urine"} if sign == "*" else {}
                rows.append({**said, **tested, "result": "positive", "status": "done"})
            if sign == "o":
                rows.append({**said, "result": "", "status": "missed"})
    return pd.DataFrame(rows, dtype=str)


def one(estimates: Estimates, definition: str, **conditions: Any) -> dict[str, Any]:
    """The one row of a definition that meets the conditions; for everyone unless ``by`` is given."""
    if "by" not in conditions:
        conditions["by"] = "all"
    rows = list(estimates.where(definition=f"{definition}@1", **conditions).rows())
    assert len(rows) == 1, f"{len(rows)} rows of {definition} meet {conditions}"
    return rows[0]


def value(estimates: Estimates, definition: str, **conditions: Any) -> float:
    """The value of that row."""
    return float(one(estimates, definition, **conditions)["value"])
