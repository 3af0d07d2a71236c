"""What must hold of every measure whatever the records say: order and names do not matter, parts add to wholes."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from worlds import choose, quick, worlds

import iop_outcomes as iop
from iop_outcomes import reductions
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.hours import cohort_weeks
from iop_outcomes.measures.quarters import PERIOD_MEASURES

KEYS = [
    "measure", "definition", "estimand", "category", "by", "group", "at", "period_start", "period_end"
]  # fmt: skip


def measure_all(cohort: Any, by: str | None = "gender") -> Estimates:
    parts = [
        iop.measure_retention(cohort, by=by, at=[7, 30], tau=30),
        iop.measure_endings(cohort, by=by, until=42),
        iop.measure_hours(cohort, by=by),
        iop.measure_attendance(cohort, by=by),
        iop.measure_milestones(cohort, by=by, milestones=(3, 7), until=28),
        *(iop.measure_by_period(cohort, what) for what in PERIOD_MEASURES),
    ]
    frame = pd.concat([part.frame for part in parts])
    return Estimates(frame.sort_values(KEYS, ignore_index=True, na_position="last"))


@settings(quick, max_examples=4)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_people_change_nothing(world: dict[str, pd.DataFrame], random: Any) -> None:
    other = {name: frame.sample(frac=1, random_state=random.randrange(2**16)) for name, frame in world.items()}
    for column in ("person_id", "episode_id"):
        old = sorted(set(world["episodes"][column]))
        new = [f"x{place}" for place in range(len(old))]
        random.shuffle(new)
        names = dict(zip(old, new, strict=True))
        other = {
            name: frame.assign(**{column: frame[column].map(names)}) if column in frame else frame
            for name, frame in other.items()
        }
    one, two = measure_all(choose(world)), measure_all(choose(other))
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=False, rtol=1e-9, atol=1e-12)


@quick
@given(worlds())
def test_parts_add_to_wholes_and_bounds_hold(world: dict[str, pd.DataFrame]) -> None:
    found = measure_all(choose(world)).frame
    _check_rows(found)
    _check_endings(found)
    _check_hours(found)
    _check_milestones(found)


def _check_rows(found: pd.DataFrame) -> None:
    ok = found[found["status"] == "ok"]
    assert ok["value"].notna().all()
    assert found.loc[~found["status"].isin(["ok", "immature"]), "value"].isna().all()
    # A median read off a flat stretch at one half is the middle of it, as in R; its limits may end where it begins.
    limits = ok[ok["estimand"] != "median"].dropna(subset=["ci_low", "ci_high"])
    crossed = limits[(limits["ci_low"] > limits["value"] + 1e-12) | (limits["value"] > limits["ci_high"] + 1e-12)]
    assert crossed.empty, crossed[["definition", "category", "at", "value", "ci_low", "ci_high"]].to_string()
    shares = ok[ok["unit"] == "share"][["value", "ci_low", "ci_high"]]
    assert not ((shares < -1e-12) | (shares > 1 + 1e-12)).any().any()
    assert not (found["n"] > found["denominator"]).any()
    assert not found.duplicated(KEYS).any()
    counted = found[(found["estimand"] == "proportion") & found["status"].eq("ok")]
    assert np.allclose(counted["value"], counted["n"] / counted["denominator"])


def _check_endings(found: pd.DataFrame) -> None:
    place = ["by", "group", "at"]
    endings = found[found["definition"] == "ending@1"]
    known = endings[endings["status"] == "ok"]
    assert np.allclose(known.groupby(place, dropna=False)["value"].sum(), 1)
    assert (
        endings.groupby(place, dropna=False)["n"].sum() == endings.groupby(place, dropna=False)["denominator"].first()
    ).all()
    for _, curve in known[known["category"] != "in_programme"].groupby([*place[:2], "category"], dropna=False):
        assert (curve.sort_values("at")["value"].diff().dropna() >= -1e-12).all()
    means = found[
        found["definition"].isin(["mean_days_in_programme@1", "mean_days_lost@1"]) & (found["status"] == "ok")
    ]
    assert np.allclose(means.groupby(place, dropna=False)["value"].sum(), 30)
    statuses = found[
        (found["definition"] == "session_status@1") & found["period_start"].isna() & (found["status"] == "ok")
    ]
    assert np.allclose(statuses.groupby(["by", "group"], dropna=False)["value"].sum(), 1)


def _check_hours(found: pd.DataFrame) -> None:
    for name in ("hours_offered@1", "hours_attended@1"):
        rows = found[found["definition"] == name]
        for _, part in rows.groupby(["by", "group"], dropna=False):
            whole = part.loc[part["category"] == "all", "value"].fillna(0).sum()
            assert whole == pytest.approx(part.loc[part["category"] != "all", "value"].fillna(0).sum())
    groups = found[(found["definition"] == "hours_required@1")]
    assert groups.loc[groups["by"] == "gender", "value"].sum() == pytest.approx(
        groups.loc[groups["by"] == "all", "value"].sum()
    )


def _check_milestones(found: pd.DataFrame) -> None:
    readings = ["milestone_confirmed@1", "milestone_bridged@1", "milestone_not_contradicted@1"]
    rows = found[found["definition"].isin(readings) & (found["status"] == "ok") & found["period_start"].isna()]
    table = rows.set_index(["by", "group", "category", "at", "definition"])["n"].unstack()
    if len(table):
        assert (table[readings[0]].fillna(0) <= table[readings[1]].fillna(np.inf)).all()
        assert (table[readings[1]].fillna(0) <= table[readings[2]].fillna(np.inf)).all()
    lengths = rows.set_index(["by", "group", "definition", "at", "category"])["n"].unstack()
    if {"3", "7"} <= set(lengths):
        assert (lengths["7"].fillna(0) <= lengths["3"].fillna(np.inf)).all()
    days = found[(found["definition"] == "days_known@1") & (found["status"] == "ok")]
    assert np.allclose(days.groupby(["by", "group"], dropna=False)["value"].sum(), 1)


@quick
@given(worlds(), st.data())
def test_tallies_of_two_sets_of_people_add_to_the_whole(world: dict[str, pd.DataFrame], data: st.DataObject) -> None:
    cohort = choose(world)
    everyone = sorted(set(reductions.collect(cohort.clock.select("person_id"))["person_id"].tolist()))
    some = data.draw(st.sets(st.sampled_from(everyone), min_size=1, max_size=len(everyone) - 1))
    weeks = cohort_weeks(cohort, "gender")
    assume(len(reductions.collect(weeks)) > 0)
    one = nw.col("person_id").is_in(sorted(some))
    pairs = {"hours": (nw.col("attended"), nw.col("required")), "weeks": (nw.col("complete"), nw.lit(1))}
    for by in ((), ("gender",)):
        whole, first, second = (
            reductions.moments_of(part, by, pairs) for part in (weeks, weeks.filter(one), weeks.filter(~one))
        )
        for name in pairs:
            added = (first[name] + second[name]).frame
            if by:
                added = added.sort_values(list(by), ignore_index=True, na_position="last")
            pd.testing.assert_frame_equal(added, whole[name].frame, check_dtype=False)
    counted = [reductions.counts(part, "program_id") for part in (weeks, weeks.filter(one), weeks.filter(~one))]
    both = (counted[1] + counted[2]).frame.sort_values("program_id", ignore_index=True)
    pd.testing.assert_frame_equal(both, counted[0].frame, check_dtype=False)
