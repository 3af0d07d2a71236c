"""League tables mislead where nothing differs; funnels raise few false alarms; case mix passes for a site's own doing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.statistics import funnel_limits, newcombe_difference, overdispersion, partial_pooling

TRUE = 0.6


def leagues(rng: np.random.Generator, number: int, sites: int, spread: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Events and units of many leagues of sites whose true shares have this standard deviation."""
    found = []
    for _ in range(number):
        units = rng.integers(20, 300, sites)
        share = np.clip(TRUE + spread * rng.standard_normal(sites), 0.05, 0.95)
        found.append((rng.binomial(units, share), units))
    return found


def outside(events: np.ndarray, units: np.ndarray, kind: str, level: float) -> np.ndarray:
    found = overdispersion(events, units)
    dispersion = found if kind in ("multiplicative", "additive") else None
    limits = funnel_limits(units, found.target, levels=(level,), kind=kind, dispersion=dispersion)
    share = events / units
    return (share < limits.lower[0]) | (share > limits.upper[0])


def test_a_funnel_of_sites_all_alike_raises_no_more_false_alarms_than_it_says() -> None:
    rng = np.random.default_rng(11)
    alarms = [outside(*league, "exact", 0.95).mean() for league in leagues(rng, 300, 20, 0.0)]
    assert 0.02 < np.mean(alarms) < 0.05


def test_sites_with_levels_of_their_own_set_off_exact_limits_and_not_widened_ones() -> None:
    """Ordinary differences between sites (standard deviation 8 points) are not each a special cause.

    Winsorised scores keep .68 of their mean square, so 1.96 · √.68 is the reach of widened limits: one site in ten.
    """
    rng = np.random.default_rng(12)
    drawn = leagues(rng, 200, 20, 0.08)
    naive, additive, multiplicative = (
        np.mean([outside(*league, kind, 0.95).mean() for league in drawn])
        for kind in ("exact", "additive", "multiplicative")
    )
    assert naive > 0.25
    assert additive < 0.12
    assert multiplicative < 0.12
    assert np.mean([overdispersion(*league).p_value < 0.05 for league in drawn]) > 0.95


def test_the_extremes_of_many_groups_are_extreme_by_chance_and_pooling_takes_it_back() -> None:
    """Twenty groups, no true difference: in most leagues some plain range leaves out none; hardly any pooled one does."""
    rng = np.random.default_rng(13)
    plain, pooled, shrunk = [], [], []
    for events, units in leagues(rng, 80, 20, 0.0):
        rest, others = events.sum() - events, units.sum() - units
        gap = newcombe_difference(events, units, rest, others)
        share = events.sum() / units.sum()
        errors = np.sqrt(share * (1 - share) * (1 / units + 1 / others))
        found = partial_pooling(gap.value, errors, centre=0.0, method="integrated")
        plain.append(((gap.low > 0) | (gap.high < 0)).any())
        pooled.append(((found.low > 0) | (found.high < 0)).any())
        shrunk.append(np.abs(found.values).max() / np.abs(gap.value).max())
    assert np.mean(plain) > 0.5
    assert np.mean(pooled) < 0.06
    assert np.mean(shrunk) < 0.4


def test_the_outermost_groups_range_covers_its_truth_only_when_pooled() -> None:
    """Where groups do differ (standard deviation 5 points), the winner's plain figure is still too good to be true."""
    rng = np.random.default_rng(14)
    plain, pooled = [], []
    for _ in range(150):
        errors = rng.uniform(0.04, 0.12, 15)
        truth = 0.05 * rng.standard_normal(15)
        seen = truth + errors * rng.standard_normal(15)
        found = partial_pooling(seen, errors, centre=0.0, method="integrated")
        first = int(np.argmax(seen))
        plain.append(abs(seen[first] - truth[first]) < 1.96 * errors[first])
        pooled.append(found.low[first] <= truth[first] <= found.high[first])
    assert np.mean(plain) < 0.88
    assert np.mean(pooled) > 0.92


@pytest.fixture(scope="module")
def cohort() -> iop.Cohort:
    """Two sites that do the same for the same people; site b is sent more people with high severity."""
    rng = np.random.default_rng(15)
    number = 1600
    site = rng.integers(0, 2, number)
    severity = np.clip(np.round(rng.normal(3 + 3 * site, 1.5)), 0, 10)
    stays = rng.random(number) < 1 / (1 + np.exp(-(2.2 - 0.5 * severity)))
    episodes = pd.DataFrame(
        {
            "episode_id": [f"e{place}" for place in range(number)],
            "person_id": [f"p{place}" for place in range(number)],
            "program_id": np.where(site == 0, "a", "b"),
            "admission_date": "2025-01-06",
            "discharge_day": np.where(stays, "56", "10"),
            "end_reason": np.where(stays, "completed", "left_early"),
            "severity": severity.astype(int).astype(str),
        }
    )
    programs = pd.DataFrame(
        {
            "program_id": ["a", "b"],
            "label": ["Site A", "Site B"],
            "level_of_care": "2.1",
            "planned_weeks": "8",
            "required_hours": "9",
        }
    )
    sessions = episodes[["episode_id"]].assign(day="0", service_type="group", status="attended", hours_offered="3")
    settings = {"name": "Truth", "as_of": "2025-12-31", "ids_are_random": True}
    frames = {"programs": programs, "episodes": episodes, "attendance": sessions, "settings": settings}
    return iop.select_cohort(iop.read_records(frames), exit_rule="discharge")


def test_case_mix_passes_for_a_difference_between_sites_until_it_is_adjusted_for(cohort: iop.Cohort) -> None:
    found = iop.measure_by_site(cohort, "retained", adjust=["severity"])
    shares = found.where(estimand="proportion", by="program").frame
    assert shares["value"].max() - shares["value"].min() > 0.25
    assert shares["note"].str.contains("outside the 99.8% limits").all()
    ratios = found.where(estimand="standardised_ratio").frame
    assert (ratios["value"] - 1).abs().max() < 0.08
    assert ((ratios["ci_low"] < 1) & (ratios["ci_high"] > 1)).all()
    slope = found.where(category="calibration_slope").frame.iloc[0]
    assert slope["ci_low"] < 1 < slope["ci_high"]
