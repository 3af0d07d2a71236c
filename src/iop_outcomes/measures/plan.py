"""The hours a programme asks for, week by week, and the weeks it was closed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.contracts import read_schedule
from iop_outcomes.records.model import Records

#: Asked where neither the person nor the programme says: the lower edge of ASAM level 2.1 for adults.
DEFAULT_HOURS = 9.0


def plan_weeks(records: Records, last_week: int) -> pd.DataFrame:
    """Hours asked by programme and week (``program_id``, ``week``, ``plan_hours``) up to the last week anyone reached."""
    programs = reductions.collect(records.programs).sort_values("program_id")
    given = records.manifest.settings.get("hours", {}).get("required_hours")
    default = DEFAULT_HOURS if given is None else float(given)
    rows: list[dict[str, Any]] = []
    for program in programs.to_dict("records"):
        text = program["required_hours_by_week"]
        by_week = read_schedule(text) if isinstance(text, str) and text else {}
        usual = default if pd.isna(program["required_hours"]) else float(program["required_hours"])
        after = by_week[max(by_week)] if by_week else usual
        for week in range(1, last_week + 1):
            hours = by_week.get(week, after if by_week and week > max(by_week) else usual)
            rows.append({"program_id": str(program["program_id"]), "week": week, "plan_hours": hours})
    return pd.DataFrame(rows, columns=["program_id", "week", "plan_hours"])


def prorates(records: Records) -> bool:
    """Whether part weeks count against their days' share of the requirement (``[hours] partial_weeks``)."""
    return bool(records.manifest.settings.get("hours", {}).get("partial_weeks") == "prorate")


def closed_days(records: Records) -> pd.DataFrame:
    """First and last day number of every closure (``program_id``, ``closed_from``, ``closed_to``)."""
    closures = records.manifest.settings.get("closures") or []
    return pd.DataFrame(
        [
            {
                "program_id": str(closure["program_id"]),
                "closed_from": reductions.day_number(str(closure["from"])),
                "closed_to": reductions.day_number(str(closure["to"])),
            }
            for closure in closures
        ],
        columns=["program_id", "closed_from", "closed_to"],
    )
