"""An extract that begins with people already in care: who stayed long is in it more often than who left soon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import iop_outcomes as iop
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import load_truth, simulate_records, true_value
from iop_outcomes.statistics import aalen_johansen, kaplan_meier

#: First day of the extract, ten weeks before it was made: half of those in it were already in care.
FROM = "2025-11-22"


@pytest.fixture(scope="module")
def extract() -> dict[str, Any]:
    """What a programme would hand over that looks from this day on: open stays, and sessions held since."""
    source = dict(simulate_records(people=12_000, seed=31, perfect_observation=True).source)
    stays, sessions = source["episodes"], source["attendance"]
    inside = stays[(stays["discharge_date"] == "") | (stays["discharge_date"] >= FROM)]
    since = sessions[(sessions["date"] >= FROM) & sessions["episode_id"].isin(inside["episode_id"])]
    return {"programs": source["programs"], "episodes": inside, "attendance": since, "settings": source["settings"]}


def read(extract: dict[str, Any], **settings: str) -> Records:
    return iop.read_records({**extract, "settings": {**extract["settings"], **settings}})


def truth(definition: str, category: str, at: int) -> float:
    rows = load_truth()
    rows = rows[rows["at"] == at]
    return true_value(
        rows,
        population="attended",
        level_of_care="2.1",
        exit_rule="last_contact",
        definition=definition,
        category=category,
    )


FIGURES = [
    ("in_programme@1", "in_programme", 30, 1),
    ("retained@1", "retained", 42, 1),
    ("lost_early@1", "lost_early", 14, -1),
    ("mean_days_in_programme@1", "", 56, 1),
]


@pytest.fixture(scope="module")
def measured(extract: dict[str, Any]) -> tuple[iop.Estimates, iop.Estimates]:
    """With the day the records begin, and without."""
    both = []
    for settings in ({"records_from": FROM}, {}):
        cohort = iop.select_cohort(read(extract, **settings), level_of_care="2.1")
        both.append(iop.measure_retention(cohort, at=[14, 30, 42], tau=56))
    return both[0], both[1]


@pytest.mark.parametrize(("definition", "category", "at", "direction"), FIGURES)
def test_taking_people_already_in_care_from_their_admission_overstates_retention(
    measured: tuple[iop.Estimates, iop.Estimates], definition: str, category: str, at: int, direction: int
) -> None:
    value = truth(definition, category, at)
    ours, naive = (one.where(definition=definition, at=at).frame.iloc[0] for one in measured)
    assert direction * (naive["value"] - value) > 2 * (naive["ci_high"] - naive["ci_low"]) / 2
    reach = (ours["ci_high"] - ours["ci_low"]) / 2 * (3 / 1.96)
    assert abs(ours["value"] - value) < reach
    assert "delayed entry" in ours["method"] or at == 56


def test_endings_still_add_to_one_and_count_who_is_in_view(extract: dict[str, Any]) -> None:
    cohort = iop.select_cohort(read(extract, records_from=FROM), level_of_care="2.1")
    endings = iop.measure_endings(cohort, at=[0, 14, 42])
    sums = endings.where(definition="ending@1").frame.groupby("at")["value"].sum()
    assert sums.tolist() == pytest.approx([1, 1, 1])
    at_risk = endings.where(definition="at_risk@1").frame.set_index("at")["n"]
    assert at_risk[0] < at_risk[14]  # people come into view


def test_intervals_cover_with_late_entry() -> None:
    """Two hundred extracts of about 250 stays of 170 people who share a pace: both curves on day 30, at 95 %."""
    rng = np.random.default_rng(8)
    pace, hits = rng.gamma(4, 0.25, 200_000), {"still_in": 0, "cause": 0}
    day = np.arange(31)
    alive = np.exp(-np.outer(pace, day) / 40).mean(axis=0)  # whole days: out on day d when the time is in [d, d + 1)
    still_in = float(np.exp(-pace * 31 / 40).mean())
    assert alive[30] > still_in
    for _ in range(200):
        person = np.repeat(np.arange(250), 2)
        own = rng.gamma(4, 0.25, 250)[person]
        stay = np.floor(rng.exponential(40, 500) / own)
        cause = np.where(rng.random(500) < 0.6, 1, 2)
        late = np.where(rng.random(500) < 0.6, rng.integers(1, 60, 500), 0)
        seen = (late == 0) | (stay >= late)
        last = np.minimum(stay, 80)
        cause = np.where(stay <= 80, cause, 0)
        rows = {"entry": np.where(late > 0, late - 0.5, 0.0)[seen], "cluster": person[seen]}
        curve = kaplan_meier(last[seen], cause[seen] > 0, **rows).at(30)
        hits["still_in"] += curve.low <= still_in <= curve.high
        point = aalen_johansen(last[seen], cause[seen], **rows).at(30, 1)
        hits["cause"] += point.low <= 0.6 * (1 - still_in) <= point.high
    assert all(180 <= count <= 198 for count in hits.values()), hits
