"""Two levels of care on records whose truth is known: people with more severe problems go to residential care more often.

The truth is that the same people do better after residential care; a plain comparison says the opposite. Truth rows speak of
3.5 against 2.1, the comparison of 2.1 against 3.5: the sign is turned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import load_truth, true_value

#: Severity, housing and primary substance decide placement in these records; nothing else that matters does.
ENOUGH = ("severity", "housing", "primary_substance")


def draw(people: int, seed: int, *, perfect: bool = True) -> Records:
    """Synthetic records followed to the end, of which only what the comparison reads is handed on."""
    sample = iop.simulate_records(people, seed, perfect_observation=perfect, censoring=False)
    outcomes = sample.outcomes[sample.outcomes["instrument"] == "abstinent_30"]
    attendance = sample.attendance.drop_duplicates("episode_id")
    return iop.read_records({**sample.source, "outcomes": outcomes, "attendance": attendance})


def truth(category: str, at: int = 180) -> float:
    where = {"population": "either_first", "definition": "abstinence_difference@1", "category": category}
    return -true_value(load_truth(), **where, at=at)


def row(found: iop.Estimates, definition: str, **where: Any) -> pd.Series:
    (one,) = found.where(definition=f"{definition}@1", **where).frame.iloc
    return one


def gap(found: iop.Estimates, definition: str = "level_effect") -> pd.Series:
    return row(found, definition, estimand="difference")


def covers(line: pd.Series, value: float) -> bool:
    return bool(line["ci_low"] <= value <= line["ci_high"])


@pytest.fixture(scope="module")
def many() -> Records:
    return draw(5_000, 31)


def test_the_crude_comparison_has_the_wrong_sign_and_the_adjusted_one_the_right_one(many: Records) -> None:
    found = iop.compare_levels(many, adjust=ENOUGH)
    crude, adjusted = gap(found, "level_crude"), gap(found)
    assert truth("ATO") < 0 < truth("crude")
    assert crude["ci_low"] > 0
    assert covers(crude, truth("crude"))
    assert adjusted["ci_high"] < 0
    assert covers(adjusted, truth("ATO"))
    assert crude["design_word"] == "associated"
    assert adjusted["design_word"] == "estimated_effect"


@pytest.mark.parametrize("day", [30, 90, 365])
def test_other_follow_up_days(many: Records, day: int) -> None:
    assert covers(gap(iop.compare_levels(many, at=day, adjust=ENOUGH)), truth("ATO", day))


@pytest.mark.parametrize("method", ["weighting", "aipw", "standardisation"])
def test_whose_effect_is_said_is_the_one_found(many: Records, method: str) -> None:
    """Those placed in residential care are the treated of the truth's ATT."""
    for estimand, category in (("ATE", "ATE"), ("ATC", "ATT")):
        found = iop.compare_levels(many, estimand=estimand, method=method, adjust=ENOUGH)
        line = gap(found)
        assert line["status"] == "ok", line["note"]
        assert covers(line, truth(category)), (method, estimand)


def test_without_the_main_confounder_the_estimate_misses_and_the_e_value_says_how_little_it_takes(
    many: Records,
) -> None:
    """What goes with severity is left out too. The estimate is confidently wrong; its E-value lies below severity's own."""
    others = ("age", "housing", "primary_substance", "referral", "gender", "medication")
    blind = iop.compare_levels(many, adjust=others)
    assert gap(blind)["ci_low"] > truth("ATO") + 0.05
    explained = row(blind, "level_evalue")
    full = iop.compare_levels(many, adjust=(*others, "severity"))
    severity = row(full, "level_left_out_evalue", category="abstinent/severity")
    rest = full.where(definition="level_left_out_evalue@1").frame
    assert 1 < explained["value"] < severity["value"]
    assert severity["value"] == rest["value"].max()
    assert (rest.loc[rest["category"] != "abstinent/severity", "value"] < severity["value"] - 0.2).all()


def test_with_overlap_destroyed_the_gate_refuses() -> None:
    """Everybody above the middle of severity goes to residential care and nobody else: nothing can be compared."""
    sample = iop.simulate_records(3_000, 5, perfect_observation=True, censoring=False)
    episodes = sample.episodes.copy()
    severe = pd.to_numeric(episodes["severity"]) > 5
    episodes["level_of_care"] = np.where(severe, "3.5", "2.1")
    outcomes = sample.outcomes[sample.outcomes["instrument"] == "abstinent_30"]
    attendance = sample.attendance.drop_duplicates("episode_id")
    source = {**sample.source, "episodes": episodes, "outcomes": outcomes, "attendance": attendance}
    found = iop.compare_levels(iop.read_records(source))
    refused = found.where(definition="level_effect@1").frame
    assert (refused["status"] == "not_estimable").all()
    assert refused["value"].isna().all()
    assert refused["note"].str.contains("would mend it").all()
    assert np.isfinite(gap(found, "level_crude")["value"])
    assert len(found.where(definition="level_balance_before@1"))
    assert not len(found.where(definition="level_left_out@1"))


def test_who_is_reached_by_what_was_recorded_is_mended_and_bounds_hold_the_truth(many: Records) -> None:
    """People are lost the more often the more severe they are, differently in each level. Answers weighted by the inverse of
    their chance cover; the interval from the least to the most the difference could be holds the truth whatever the reason."""
    rng = np.random.default_rng(8)
    sample = iop.simulate_records(5_000, 31, perfect_observation=True, censoring=False)
    known = sample.episodes.set_index("episode_id")
    outcomes = sample.outcomes[sample.outcomes["instrument"] == "abstinent_30"].copy()
    severity = pd.to_numeric(known.loc[outcomes["episode_id"], "severity"]).fillna(5).to_numpy()
    residential = (known.loc[outcomes["episode_id"], "level_of_care"] == "3.5").to_numpy()
    silent = rng.random(len(outcomes)) > 1 / (1 + np.exp(-(1.6 - 0.35 * (severity - 5) - 0.8 * residential)))
    outcomes.loc[silent, ["result", "score", "days_covered"]] = ""
    outcomes.loc[silent, "status"] = "missed"
    source = {**sample.source, "outcomes": outcomes, "attendance": sample.attendance.drop_duplicates("episode_id")}
    found = iop.compare_levels(iop.read_records(source), adjust=ENOUGH)
    assert covers(gap(found), truth("ATO"))
    least, most = gap(found, "level_missing_least"), gap(found, "level_missing_most")
    assert least["value"] < truth("ATO") < most["value"]
    reached = found.where(definition="level_reached@1").frame["value"]
    assert reached.min() < 0.75


def cover_over_seeds(seeds: range, people: int) -> dict[str, Any]:
    """How often the adjusted interval holds the truth, and what the crude difference says, over many agencies."""
    lines = [iop.compare_levels(draw(people, seed), adjust=ENOUGH) for seed in seeds]
    adjusted, crude = ([gap(found, name) for found in lines] for name in ("level_effect", "level_crude"))
    estimates = np.array([line["value"] for line in adjusted], dtype=float)
    errors = np.array([(line["ci_high"] - line["ci_low"]) / (2 * 1.959964) for line in adjusted], dtype=float)
    return {
        "refused": int(np.isnan(estimates).sum()),
        "covered": sum(covers(line, truth("ATO")) for line in adjusted),
        "crude_wrong_sign": sum(line["value"] > 0 for line in crude),
        "crude_covers": sum(covers(line, truth("ATO")) for line in crude),
        "bias": float(np.nanmean(estimates) - truth("ATO")),
        "spread": float(np.nanstd(estimates, ddof=1)),
        "error": float(np.nanmean(errors)),
    }


@pytest.mark.slow
def test_the_adjusted_interval_covers_at_its_level_over_200_agencies() -> None:
    """200 agencies of 1,200 people: 190 are expected to cover; fewer than 181 or more than 199 would be chance less than
    once in 200."""
    seen = cover_over_seeds(range(1_000, 1_200), 1_200)
    assert seen["refused"] == 0, seen
    assert 181 <= seen["covered"] <= 199, seen
    assert seen["crude_wrong_sign"] >= 190, seen
    assert abs(seen["bias"]) < 0.01, seen
    assert seen["error"] == pytest.approx(seen["spread"], rel=0.15), seen
