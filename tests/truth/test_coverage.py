"""On 20,000 synthetic people, intervals for retention, hours and milestones cover the known truth at their level.

The truth is computed from the mechanism, without the package's measures (records/synthetic/truth.py). The slow test
draws forty populations; the quick one looks at one and asks that nothing lies further off than chance can take it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.records.synthetic import load_truth

DAYS = [7, 14, 30, 42, 60]
#: Definitions whose truth depends on the recorded discharge, whatever the exit rule.
UNTIL_DISCHARGE = ("hours_completion_enrolled@1", "fidelity@1", "uptake@1", "requirement_met@1")
CHECKED = (
    "in_programme@1",
    "retained@1",
    "lost_early@1",
    "mean_days_in_programme@1",
    "mean_days_lost@1",
    "re_presentation@1",
    "hours_completion_admitted@1",
    *UNTIL_DISCHARGE,
    "session_status@1",
    "weekly_attendance@1",
    "milestone@1",
    "days_known@1",
    "return_to_use@1",
)


def measure_all(people: int, seed: int, level: str) -> pd.DataFrame:
    """Every estimate of one population beside its truth."""
    records = iop.read_records(iop.simulate_records(people=people, seed=seed, perfect_observation=True).source)
    cohort = iop.select_cohort(records, level_of_care=level)
    parts = [
        iop.measure_retention(cohort, at=DAYS),
        iop.measure_hours(cohort),
        iop.measure_attendance(cohort),
        iop.measure_milestones(cohort, milestones=(7, 14, 30)),
    ]
    frame = pd.concat([part.frame for part in parts])
    frame = frame[(frame["by"] == "all") & frame["ci_low"].notna()].copy()
    # every day is known, so the three readings agree and any of them is the milestone itself
    frame["definition"] = frame["definition"].replace("milestone_bridged@1", "milestone@1")
    return frame.merge(truth_of(level), on=["definition", "category", "at"], suffixes=("", "_truth")).assign(seed=seed)


def truth_of(level: str) -> pd.DataFrame:
    truth = load_truth()
    wanted = np.where(truth["definition"].isin(UNTIL_DISCHARGE), "discharge", "last_contact")
    rows = truth[
        (truth["population"] == "attended")
        & (truth["level_of_care"] == level)
        & (truth["exit_rule"].isin([""]) | (truth["exit_rule"] == wanted))
        & truth["definition"].isin(CHECKED)
    ]
    rows = rows.assign(category=rows["category"].replace("", None), at=rows["at"].astype("float64"))
    return rows[["definition", "category", "at", "value"]].rename(columns={"value": "truth"})


@pytest.fixture(scope="module")
def one_population() -> pd.DataFrame:
    return measure_all(20_000, 5, "2.1")


def test_every_kind_of_figure_meets_its_truth(one_population: pd.DataFrame) -> None:
    assert set(one_population["definition"]) == set(CHECKED)


def test_nothing_lies_further_off_than_chance(one_population: pd.DataFrame) -> None:
    """Four standard errors: about one chance in 200 for all of these together, once, on a fixed seed."""
    error = (one_population["ci_high"] - one_population["ci_low"]) / (2 * 1.96)
    off = (one_population["value"] - one_population["truth"]).abs() / error
    worst = one_population.assign(off=off).nlargest(3, "off")[["definition", "category", "at", "value", "truth", "off"]]
    assert off.max() < 4, worst.to_string()


@pytest.mark.slow
def test_intervals_cover_in_residential_care_too() -> None:
    """Ten populations at level 3.5, every figure. Figures of one population go together, hence the wide margins."""
    drawn = pd.concat([measure_all(20_000, 1_000 + number, "3.5") for number in range(10)])
    drawn["covered"] = (drawn["ci_low"] <= drawn["truth"]) & (drawn["truth"] <= drawn["ci_high"])
    by_figure = drawn.groupby(["definition", "category", "at"], dropna=False)["covered"].mean()
    assert drawn["covered"].mean() > 0.90
    assert (by_figure >= 0.6).all(), by_figure[by_figure < 0.6].to_string()


@pytest.mark.slow
def test_coverage_over_forty_populations() -> None:
    """Forty populations of 20,000: each headline figure is covered at least 33 times (one chance in 300 each, at 95 %)."""
    headline = {
        ("retained@1", "retained", 42.0), ("lost_early@1", "lost_early", 14.0), ("in_programme@1", "in_programme", 30.0),
        ("hours_completion_admitted@1", "all", np.nan), ("requirement_met@1", "all", np.nan), ("uptake@1", "all", np.nan),
        ("milestone@1", "7", 14.0), ("milestone@1", "14", 28.0), ("milestone@1", "30", 56.0),
    }  # fmt: skip
    hits: dict[tuple[str, str, float], int] = {}
    for seed in range(2_000, 2_040):
        for row in measure_all(20_000, seed, "2.1").itertuples():
            key = next(
                (k for k in headline if k[:2] == (row.definition, row.category) and (k[2] == row.at or np.isnan(k[2]))),
                None,
            )
            if key:
                hits[key] = hits.get(key, 0) + int(row.ci_low <= row.truth <= row.ci_high)
    print(hits)
    assert set(hits) == headline
    assert min(hits.values()) >= 33, hits
    assert sum(hits.values()) / (40 * len(hits)) > 0.92
