"""Small records made at random: what Hypothesis draws for the property tests and the engine suite."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import iop_outcomes as iop

AS_OF = date(2025, 6, 30)
TODAY = date(2026, 6, 30)
STATUSES = ("attended", "no_show", "excused", "cancelled_by_program")
REASONS = ("completed", "left_early", "terminated", "transferred", "died", "")
quick = settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """A few people with one or two episodes each, at two programmes, with sessions dated and not, and reports of use."""
    episodes, sessions, reports = [], [], []
    for person in range(draw(st.integers(2, 7))):
        start = date(2025, 1, 1)
        for turn in range(draw(st.integers(1, 2))):
            start += timedelta(draw(st.integers(0, 40)))
            stay, reason = draw(st.integers(0, 45)), draw(st.sampled_from(REASONS))
            episode = f"e{person}{turn}"
            gender, own = draw(st.sampled_from(["female", "male", ""])), draw(st.sampled_from(["", "6"]))
            discharge = str(start + timedelta(stay)) if reason else ""
            program = draw(st.sampled_from("AB"))
            episodes.append((episode, f"p{person}", program, str(start), discharge, reason, gender, own))
            for place, status in enumerate(draw(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=10))):
                day = min(place * 3, stay)
                undated = status == "no_show" and draw(st.booleans())
                hours = draw(st.sampled_from(["3", "2", ""])) if status == "attended" else ""
                when = ("", str(day // 7 + 1)) if undated else (str(day), "")
                kind = "individual" if place % 4 == 1 else "group"
                sessions.append((episode, *when, f"s{place}", kind, "3", hours, status))
            for place, said in enumerate(draw(st.text("-+_", max_size=30))):
                if said != "_":
                    result = "negative" if said == "-" else "positive"
                    instrument = "urine" if place % 5 == 0 else "self_report"
                    reports.append((episode, str(place), "week", instrument, "any", result, "0", "done"))
            if not reason:
                break  # still in the programme: no second admission
            start += timedelta(stay + draw(st.sampled_from([1, 14, 15, 30])))
            if start > AS_OF - timedelta(50):
                break
    names = {
        "episodes": "episode_id person_id program_id admission_date discharge_date end_reason gender weekly_hours",
        "attendance": "episode_id day week visit service_type hours_offered hours_attended status",
        "outcomes": "episode_id day point instrument substance result days_covered status",
    }
    rows = {"episodes": episodes, "attendance": sessions, "outcomes": reports}
    frames = {name: pd.DataFrame(rows[name], columns=names[name].split(), dtype=str) for name in rows}
    programs = [("A", "A", "2.1", "3", "9", "1-2:9 3:6", "day"), ("B", "B", "2.1", "6", "", "", "evening")]
    columns = [
        "program_id",
        "label",
        "level_of_care",
        "planned_weeks",
        "required_hours",
        "required_hours_by_week",
        "schedule",
    ]
    return {"programs": pd.DataFrame(programs, columns=columns, dtype=str), **frames}


def choose(world: dict[str, pd.DataFrame]) -> Any:
    chosen: dict[str, Any] = {"name": "World", "as_of": str(AS_OF), "ids_are_random": True}
    records = iop.read_records({**world, "settings": chosen}, today=TODAY)
    return iop.select_cohort(records, rung="admitted")
