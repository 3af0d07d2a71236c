"""Three levels of care on one frontier (docs/definitions/frontier.md): made-up people whose dollars one can add."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tables import draw, one, value

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.statistics import several_weights

PROGRAMS = """
    program | label | level_of_care | planned_weeks | required_hours | schedule
    --------+-------+---------------+---------------+----------------+------------
    out     | OP    | 1             | 8             | 2              | evening
    iop     | IOP   | 2.1           | 8             | 9              | evening
    home    | Home  | 3.5           | 4             | 20             | residential
"""
LEVELS = {"out": "1", "iop": "2.1", "home": "3.5"}
#: A client-week costs $250, $700 and $1,400; two weeks everywhere make $500, $1,400 and $2,800.
WEEKLY = {"out": 250, "iop": 700, "home": 1400}
#: More people with severe problems are placed higher.
SEVERE = {"out": 20, "iop": 40, "home": 60}


@cache
def made_up(shares, each=80):
    """``each`` people at each level (of 80), of whom 20, 40 and 60 severe; ``shares`` of the mild complete, half as many of
    the severe."""
    stays = []
    for (program, severe), share in zip(SEVERE.items(), shares, strict=True):
        for place in range(each if program == "home" else 80):
            ill = place < severe * (each if program == "home" else 80) / 80
            stay = {"episode_id": f"{program}{place:02d}", "person_id": f"{program}{place:02d}", "program_id": program}
            stay |= {"admission_date": "2025-01-06", "discharge_date": "2025-01-19", "either_level": "yes"}
            done = place % 20 < 20 * share * (0.5 if ill else 1)
            stays.append({**stay, "end_reason": "completed" if done else "left_early", "severity": "7" if ill else "3"})
    episodes = pd.DataFrame(stays, dtype=str)
    sessions = {"day": "13", "service_type": "group", "status": "attended", "hours_offered": "3", "hours_attended": "3"}
    cost = {"period_start": "2025-01-01", "period_end": "2025-12-31", "line": "personnel", "kind": "cost"}
    costs = [
        {**cost, "program_id": name, "bearer": "provider", "price_year": "2025",
         "amount": f"{2 * price * (episodes['program_id'] == name).sum():.2f}"}
        for name, price in WEEKLY.items()
    ]  # fmt: skip
    frames = {
        "programs": draw(PROGRAMS),
        "episodes": episodes,
        "attendance": episodes[["episode_id"]].assign(**sessions),
        "costs": pd.DataFrame(costs, dtype=str),
        "settings": {"name": "Spec", "as_of": "2026-06-30", "ids_are_random": True},
    }
    records = iop.read_records(frames, today=date(2026, 6, 30))
    assert records.manifest.faults == 0, records.manifest.set_aside.to_string()
    return records


@cache
def assess(shares=(0.4, 0.8, 1.0), each=80, **options):
    options = {
        "outcome": "completed",
        "at": 90,
        "adjust": ("severity",),
        "estimand": "ATE",
        "replicates": 200,
        **options,
    }
    return iop.assess_frontier(made_up(shares, each), **options)


def place_of(found, level):
    """Where a level stands, in words."""
    row = one(found, "frontier_cost", by="level_of_care", group=level, estimand="mean")
    return row["note"].partition(";")[0]


def test_each_levels_cost_and_effect_are_of_people_made_alike():
    """Of all 240 people half are severe: at each level the mean of its mild and its severe people."""
    found = assess()
    for level, cost, share in (("1", 500, 0.4), ("2.1", 1400, 0.8), ("3.5", 2800, 1.0)):
        assert value(found, "frontier_cost", by="level_of_care", group=level, estimand="mean") == pytest.approx(cost)
        adjusted = one(found, "frontier_effect", by="level_of_care", group=level, estimand="adjusted_proportion")
        assert adjusted["value"] == pytest.approx(0.75 * share)
        assert adjusted["design_word"] == "estimated_effect"


def test_as_placed_the_levels_people_differ_and_the_rows_only_describe():
    """60 mild and 20 severe at level 1: 24 and 4 of them completed."""
    found = assess()
    crude = one(found, "frontier_crude_effect", by="level_of_care", group="1", estimand="proportion")
    assert (crude["n"], crude["denominator"], crude["design_word"]) == (28, 80, "described")
    assert crude["note"] == "levels not made alike"
    assert value(found, "frontier_crude_cost", by="level_of_care", group="1", estimand="mean") == pytest.approx(500)


def test_the_price_of_one_more_completer_rises_along_the_frontier():
    """$900 for 0.3 more completers is $3,000; $1,400 for 0.15 more is $9,333."""
    found = assess()
    prices = found.where(definition="frontier_price@1", estimand="tipping_point").frame
    assert prices["group"].tolist() == ["2.1", "3.5"]
    assert prices["reference"].tolist() == ["1", "2.1"]
    assert prices["value"].tolist() == pytest.approx([3000, 1400 / 0.15])
    assert prices["note"].tolist()[0] == "from this price of one completer on, level 2.1 rather than 1"
    alone = one(found, "frontier_price", by="level_of_care", estimand="ratio", group="1")
    assert alone["value"] == pytest.approx(500 / 0.3)
    assert alone["unit"] == "dollars of 2025, cost to the provider, for each completer"
    assert [place_of(found, level) for level in ("1", "2.1", "3.5")] == [
        "on the frontier, the cheapest",
        "on the frontier, next after 1",
        "on the frontier, next after 2.1",
    ]


def test_a_mixture_that_does_more_for_less_takes_a_level_off_the_frontier():
    """$900 for 0.075 more completers is $12,000 each, then $1,400 for 0.375 more is $3,733: straight from 1 to 3.5 is $5,111."""
    found = assess((0.4, 0.5, 1.0))
    assert place_of(found, "2.1").startswith("extended dominated: a mixture of 1 and 3.5")
    prices = found.where(definition="frontier_price@1", estimand="tipping_point").frame
    assert (prices["group"].tolist(), prices["reference"].tolist()) == (["3.5"], ["1"])
    assert prices["value"].tolist() == pytest.approx([2300 / 0.45])


def test_a_level_that_costs_more_and_does_less_is_dominated():
    found = assess((0.4, 0.8, 0.6))
    assert place_of(found, "3.5") == "dominated: 2.1 costs no more and does no less"
    surely = one(found, "frontier_cost", by="level_of_care", group="3.5", estimand="diagnostic")
    assert surely["category"] == "completed/on_frontier"
    assert surely["value"] < 0.1


def test_a_level_with_fewer_than_50_people_is_refused_and_the_others_go_on():
    found = assess(each=40)
    refused = one(found, "frontier_cost", by="level_of_care", group="3.5", estimand="mean")
    assert refused["status"] == "not_estimable"
    assert refused["note"].startswith("fewer than 50 people followed to day 365")
    assert place_of(found, "2.1") == "on the frontier, next after 1"
    crude = one(found, "frontier_crude_cost", by="level_of_care", group="3.5", estimand="mean")
    assert crude["value"] == pytest.approx(2800)


def test_where_only_one_level_has_people_enough_there_is_no_frontier():
    found = assess(levels=("1", "3.7"))
    notes = found.where(definition="frontier_cost@1").frame.set_index("group")["note"]
    assert notes["3.7"].startswith("nobody judged able to go to either level began in it")
    assert notes["1"] == "no other level has enough people to be compared with"


def test_people_who_cannot_be_made_alike_stay_as_placed():
    """Of 56 people at level 3.5, 42 are severe; standing for a half and a half of everybody, they count for 42."""
    found = assess(each=56)
    for level in ("1", "2.1", "3.5"):
        row = one(found, "frontier_cost", by="level_of_care", group=level, estimand="mean")
        assert row["status"] == "not_estimable"
        assert row["note"].startswith("After weighting the people in level 3.5 count for 4")
    assert value(found, "frontier_crude_cost", by="level_of_care", group="3.5", estimand="mean") == pytest.approx(2800)
    assert not len(found.where(definition="frontier_price@1"))


def test_the_limits_of_the_gate_are_rows():
    rows = assess().where(definition="frontier_support@1").frame.set_index(["category", "group"])["value"]
    assert rows["completed/compared", "2.1"] == 80
    assert rows["completed/largest_difference", "all"] < 1e-6
    assert rows["completed/effective", "2.1"] == pytest.approx(80)
    assert rows["completed/effective", "1"] == pytest.approx(60)


def test_two_levels_are_the_increments_of_two_levels():
    records = made_up((0.4, 0.8, 1.0))
    both = {"at": 90, "adjust": ("severity",), "replicates": 10}
    pair = iop.assess_cost_effectiveness(records, effect="completed", **both)
    found = iop.assess_frontier(records, levels=("2.1", "3.5"), outcome="completed", **both)
    for what in ("cost", "effect"):
        for level in ("2.1", "3.5"):
            where = {"by": "level_of_care", "group": level, "estimand": ["mean", "adjusted_proportion"]}
            wanted, got = one(pair, f"increment_{what}", **where), one(found, f"frontier_{what}", **where)
            assert got["value"] == pytest.approx(wanted["value"])
            assert got["ci_low"] == pytest.approx(wanted["ci_low"])


def test_a_public_release_keeps_the_frontier():
    shown = iop.publish(assess(), audience="public").frame
    assert (shown["status"] == "ok").all()


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("levels are two or more", {"levels": ("1",)}),
        ("levels are two or more", {"levels": ("1", "9")}),
        ("levels are two or more", {"levels": "12"}),
        ("outcome is one of", {"outcome": "happy"}),
        ("estimand is one of", {"estimand": "ATT"}),
        ("horizon is a whole number", {"horizon": 0}),
        ("replicates is a whole number", {"replicates": 1}),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(said, options):
    with pytest.raises(UsageError, match=said):
        assess(**options)


def test_a_group_foretold_by_a_covariate_has_no_weights():
    group = np.repeat([0, 1, 2], 40)
    assert "foretells the group" in several_weights(np.ones(120), group, (group == 2)[:, None]).reason
    twice = np.column_stack([np.tile([0.0, 1.0], 60)] * 2)
    assert "cannot be told apart" in several_weights(np.ones(120), group, twice).reason
    assert "fewer than 10 people" in several_weights(np.ones(9), np.arange(9) % 3, None).reason
    assert "no outcome is known" in several_weights(group > 0, group, None).reason


def test_few_unknown_are_stood_for_by_their_group():
    group = np.repeat([0, 1, 2], 40)
    made = several_weights(np.arange(120) > 3, group, np.tile([0.0, 1.0], 60)[:, None], "ATE")
    assert made.weights[group == 1] == pytest.approx(np.full(40, 3.0), rel=0.02)
    assert made.weights[4:40].sum() == pytest.approx(120)


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("estimand must be one of", {"estimand": "ATC"}),
        ("two groups or more", {"group": np.zeros(30, int)}),
        ("two groups or more", {"group": np.repeat([0, 2], 15)}),
        ("one value of known", {"group": np.repeat(["a", "b"], 15)}),
        ("A covariate is missing", {"covariates": np.full((30, 1), np.nan)}),
    ],
)
def test_weights_refuse_what_they_cannot_weigh(said, options):
    options = {"known": np.ones(30), "group": np.repeat([0, 1], 15), "covariates": None, **options}
    with pytest.raises(ValueError, match=said):
        several_weights(**options)
