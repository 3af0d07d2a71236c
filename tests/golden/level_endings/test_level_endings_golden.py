"""How first stays end at two levels made alike, against the multi-state curves of R's survfit with weights (see make.R)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.statistics import restricted_mean, restricted_mean_lost, weighted_curves

HERE = Path(__file__).parent
#: Both fits of the score are iterated to rounding, and the curves are sums of some hundred terms of order 1.
VALUE = 1e-9
#: The same for days, sums of such terms over 80 days; and for errors, whose size is 0.01 to 3.
DAYS, ERROR = 1e-7, 1e-8
STATES = ("in_programme", "completed", "left_early", "terminated", "transferred")
HORIZON = 80
DAYS_SHOWN = (14, 28, 45, 80)


def read(name: str, **where: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if all(row[key] == text for key, text in where.items())]


INPUT = {name: np.array([float(row[name]) for row in read("input.csv")]) for name in read("input.csv")[0]}
COVARIATES = np.column_stack([INPUT["severity"], INPUT["unstable"]])


@cache
def curves(estimand: str) -> Any:
    crude = estimand == "crude"
    columns = None if crude else COVARIATES
    given: Any = (INPUT["time"], INPUT["cause"].astype(int), INPUT["treated"], columns)
    return weighted_curves(*given, estimand="ATE" if crude else estimand, causes=[1, 2, 3, 4])


@cache
def records() -> iop.Records:
    """The same stays as records: the last session on the day of exit, people still in last seen as the records end."""
    known = pd.DataFrame(INPUT)
    still = known["cause"] == 0
    code = known["cause"].astype(int)
    # Stays that ended began long ago; the others as many days before the records end as they were watched.
    began = np.where(still, 365 - known["time"], 0).astype(int)
    episodes = pd.DataFrame(
        {
            "episode_id": [f"e{place:03.0f}" for place in known["person"]],
            "person_id": [f"p{place:03.0f}" for place in known["person"]],
            "program_id": np.where(known["treated"] == 1, "north", "house"),
            "admission_date": (pd.Timestamp("2024-12-31") + pd.to_timedelta(began, unit="D")).strftime("%Y-%m-%d"),
            "discharge_day": [f"{day:.0f}" if ended else "" for day, ended in zip(known["time"], ~still, strict=True)],
            "end_reason": [STATES[one] if one else "" for one in code],
            "severity": known["severity"].astype(str),
            "housing": np.where(known["unstable"] == 1, "unstable", "stable"),
            "either_level": "yes",
        }
    )
    sessions = pd.DataFrame(
        {
            "episode_id": episodes["episode_id"],
            "day": [f"{day:.0f}" for day in known["time"]],
            "service_type": "group",
            "status": "attended",
            "hours_offered": "3",
            "hours_attended": "3",
        }
    )
    programs = pd.DataFrame(
        {
            "program_id": ["north", "house"],
            "label": ["North IOP", "The House"],
            "level_of_care": ["2.1", "3.5"],
            "planned_weeks": ["8", "4"],
        }
    )
    settings = {"name": "Golden", "as_of": "2025-12-31", "ids_are_random": True}
    return iop.read_records(
        {"programs": programs, "episodes": episodes, "attendance": sessions, "settings": settings},
        today=pd.Timestamp("2026-06-30").date(),
    )


@cache
def compared(estimand: str) -> pd.DataFrame:
    asked = "ATO" if estimand == "crude" else estimand
    found = iop.compare_endings(records(), at=DAYS_SHOWN, estimand=asked, adjust=("severity", "housing"))
    reading = "crude" if estimand == "crude" else "effect"
    return found.frame[found.frame["definition"].str.startswith(f"level_{reading}")]


@pytest.mark.parametrize("estimand", ["crude", "ATO", "ATE"])
def test_rows_are_the_curves_of_survfit(estimand: str) -> None:
    """Every share and every mean of days of both levels, and the differences: 5 states on 4 days, and over 80 days."""
    rows = compared(estimand)
    assert (rows["status"] == "ok").all()
    levels = rows[rows["reference"].isna()]
    expected = read("expected.csv", estimand=estimand)
    assert len(levels) == len(expected) == 2 * len(STATES) * (len(DAYS_SHOWN) + 1)
    places = {}
    for row in levels.to_dict("records"):
        days = row["estimand"].startswith("restricted_mean")
        state = row["category"].removeprefix("endings/")
        places[row["group"], state, -row["at"] if days else row["at"]] = row["value"]
    for row in expected:
        level = "2.1" if row["arm"] == "1" else "3.5"
        near = DAYS if row["at"].startswith("-") else VALUE
        assert places[level, row["state"], float(row["at"])] == pytest.approx(float(row["value"]), abs=near), row
    for row in rows[rows["reference"].notna()].to_dict("records"):
        days = row["unit"] == "days"
        sign = -1 if days else 1
        state = row["category"].removeprefix("endings/")
        one, other = (places[level, state, sign * row["at"]] for level in ("2.1", "3.5"))
        assert row["value"] == pytest.approx(one - other, abs=VALUE)


@pytest.mark.parametrize("estimand", ["crude", "ATO", "ATE"])
def test_errors_with_the_weights_known_are_the_robust_ones_of_survfit(estimand: str) -> None:
    made = curves(estimand)
    for row in read("expected.csv", estimand=estimand):
        fit = made.treated if row["arm"] == "1" else made.reference
        cause, at = STATES.index(row["state"]), float(row["at"])
        if at < 0:
            got = restricted_mean_lost(fit, -at, cause) if cause else restricted_mean(fit, -at)
            assert got.value == pytest.approx(float(row["value"]), abs=DAYS), row
        else:
            got = fit.at(at, *([cause] if cause else []))
        assert got.std_error == pytest.approx(float(row["std_error"]), rel=ERROR, abs=1e-12), row


def test_without_covariates_the_errors_of_the_comparison_are_those_of_survfit() -> None:
    """Nothing is fitted, so nothing is added to them; an error that is rounding alone is none."""
    made = curves("crude")
    for row in read("expected.csv", estimand="crude"):
        side = "treated" if row["arm"] == "1" else "reference"
        cause, at = STATES.index(row["state"]), float(row["at"])
        causes = [cause] if cause else []
        got = getattr(made.mean_time(-at, *causes) if at < 0 else made.at(at, *causes), side)
        assert got.std_error == pytest.approx(float(row["std_error"]), rel=ERROR, abs=1e-12), row


def test_fitting_the_weights_makes_the_errors_smaller_here() -> None:
    """Errors that take overlap weights as known are too wide for the difference of days: the fitted score takes some away."""
    made = curves("ATO")
    for causes in ((), (1,), (2,)):
        stacked = made.mean_time(HORIZON, *causes).difference.std_error
        known = [
            (restricted_mean_lost(fit, HORIZON, *causes) if causes else restricted_mean(fit, HORIZON)).std_error
            for fit in (made.treated, made.reference)
        ]
        assert stacked < np.hypot(*known)
