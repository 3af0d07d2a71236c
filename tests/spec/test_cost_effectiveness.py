"""Cost and effect of two levels of care taken together: made-up people whose dollars one can add.

See docs/definitions/cost_effectiveness.md.
"""

from __future__ import annotations

import math
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tables import draw, one, value

import iop_outcomes as iop
from iop_outcomes.comparison.cheers import BY_AUTHORS, fill_cheers, load_items
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures import FIGURES
from iop_outcomes.reports.pages.cost import answer_blocks, cheers_block, cost_blocks
from iop_outcomes.reports.reading import Reading
from iop_outcomes.statistics import weighted_increment

PROGRAMS = """
    program | label | level_of_care | planned_weeks | required_hours | schedule
    --------+-------+---------------+---------------+----------------+------------
    iop     | IOP   | 2.1           | 8             | 9              | evening
    home    | Home  | 3.5           | 4             | 20             | residential
"""
#: What a client-week costs comes of these and the weeks delivered: $700 in the IOP, $1,400 in residential care.
WEEKLY = {"iop": 700, "home": 1400}
DAYS = {"iop": 14, "home": 7}


@cache
def made_up(effects=(0.5, 0.75), again=False, reached=1.0, each=80, either="yes"):
    """``each`` people at either level, half of either severity: two weeks of IOP ($1,400) or one of residential ($1,400).

    ``effects`` are the shares abstinent at day 180; with ``again`` everybody of the IOP spends a week in residential care
    later. Severity goes with neither level nor outcome, so that adjusted and crude figures are the same.
    """
    stays, answers = [], []
    for program, share in zip(("iop", "home"), effects, strict=True):
        for place in range(each):
            name = f"{program}{place:03d}"
            last = pd.Timestamp("2025-01-06") + pd.Timedelta(days=DAYS[program] - 1)
            stay = {"episode_id": name, "person_id": name, "program_id": program, "admission_date": "2025-01-06"}
            stay |= {
                "discharge_date": last.date().isoformat(),
                "end_reason": "completed" if place % 2 else "left_early",
            }
            stays.append({**stay, "either_level": either, "severity": str(3 + 4 * (place % 2))})
            if again and program == "iop":
                later = {"episode_id": f"{name}b", "program_id": "home", "admission_date": "2025-03-03"}
                stays.append({**stays[-1], **later, "discharge_date": "2025-03-09", "end_reason": "completed"})
            sober = (place // 2) % 4 < 4 * share
            answer = {"episode_id": name, "instrument": "abstinent_30", "point": "followup", "month": "6"}
            status = "done" if place % 20 < 20 * reached else "missed"
            answers.append({**answer, "result": ("negative" if sober else "positive") if status == "done" else "",
                            "substance": "any", "status": status})  # fmt: skip
    episodes = pd.DataFrame(stays, dtype=str)
    weeks = {name: DAYS[name] / 7 * (episodes["program_id"] == name).sum() for name in DAYS}
    costs = [
        {"program_id": name, "period_start": "2025-01-01", "period_end": "2025-12-31", "line": line, "kind": kind,
         "bearer": bearer, "amount": f"{share * WEEKLY[name] * weeks[name]:.2f}", "price_year": "2025"}
        for name in DAYS
        for line, kind, bearer, share in (("personnel", "cost", "provider", 1), ("received", "payment", "payer", 0.5))
    ]  # fmt: skip
    sessions = {"day": "0", "service_type": "group", "status": "attended", "hours_offered": "3", "hours_attended": "3"}
    frames = {
        "programs": draw(PROGRAMS),
        "episodes": episodes,
        "attendance": episodes[["episode_id"]].assign(**sessions),
        "outcomes": pd.DataFrame(answers, dtype=str),
        "costs": pd.DataFrame(costs, dtype=str),
        "settings": {"name": "Spec", "as_of": "2026-06-30", "ids_are_random": True},
    }
    records = iop.read_records(frames, today=date(2026, 6, 30))
    assert records.manifest.faults == 0, records.manifest.set_aside.to_string()
    return records


@cache
def assess(effects=(0.5, 0.75), again=False, reached=1.0, each=80, either="yes", **options):
    options = {"adjust": ("severity",), "replicates": 500, **options}
    return iop.assess_cost_effectiveness(made_up(effects, again, reached, each, either), **options)


def gap(found, what="cost"):
    return one(found, f"increment_{what}", by="level_of_care", estimand="difference")


def price_row(found):
    return one(found, "break_even_price", by="level_of_care", estimand="tipping_point")


def test_a_persons_cost_is_weeks_times_the_client_week_whatever_programme_and_the_effect_is_of_the_same_people():
    """Two weeks at $700 and then one at $1,400 against one week at $1,400: $1,400 more, for 40 of 80 against 60 of 80."""
    found = assess(again=True)
    means = {
        level: value(found, "increment_cost", by="level_of_care", group=level, estimand="mean")
        for level in ("2.1", "3.5")
    }
    assert means == pytest.approx({"2.1": 2800, "3.5": 1400})
    assert gap(found)["value"] == pytest.approx(1400)
    assert gap(found, "effect")["value"] == pytest.approx(-0.25)
    assert gap(found)["people"] == 160
    assert gap(found)["unit"] == "dollars of 2025, cost to the provider"


def test_words_come_first_and_a_dominated_strategy_has_no_price():
    found = assess(again=True)
    assert gap(found)["note"].startswith("costs no less, with no more effect")
    price = price_row(found)
    assert math.isnan(price["value"])
    assert price["status"] == "not_estimable"
    assert "preferred at no price" in price["note"]


def test_more_for_more_has_a_price_from_which_on_it_is_preferred():
    """$1,400 more for 25 more of 100 people abstinent: $5,600 for each."""
    found = assess(effects=(0.75, 0.5), again=True)
    price = price_row(found)
    assert price["value"] == pytest.approx(5600)
    assert price["unit"] == "dollars of 2025, cost to the provider, for each person abstinent"
    assert "preferred from this price on" in price["note"]
    assert price["ci_low"] < 5600 < price["ci_high"]
    alone = one(found, "break_even_price", by="level_of_care", estimand="ratio", group="2.1")
    assert alone["value"] == pytest.approx(2800 / 0.75)


def test_a_limit_below_no_price_is_said_in_words():
    found = assess(effects=(0.75, 0.5), again=True)

    def told(low):
        rows = [{**row, **({"ci_low": low} if row["estimand"] == "tipping_point" else {})} for row in found.rows()]
        published = iop.publish(iop.Estimates.from_rows(rows, found.settings), audience="internal")
        return " ".join(getattr(block, "text", "") for block in answer_blocks(published))

    assert "(likely between -$500 and" in told(-500.0)
    assert "which level costs more is not sure" in told(-500.0)
    assert "not sure" not in told(500.0)


def test_an_effect_that_may_be_nothing_has_no_range_of_prices():
    """40 of 80 abstinent at both: $1,400 more for nothing. 41 or 39 would have made the price any number at all."""
    found = assess(effects=(0.5, 0.5), again=True)
    assert "the data allow prices up to" in price_row(found)["note"]
    assert math.isnan(price_row(found)["ci_low"])


def test_net_benefit_is_zero_at_the_break_even_price_and_the_curve_turns_there():
    found = assess(effects=(0.75, 0.5), again=True, wtp=(0, 5000, 5600, 6000))
    rows = found.where(definition="net_benefit@1", estimand="difference").frame
    at = dict(zip(rows["category"], rows["value"], strict=True))
    assert at["abstinent/0"] == pytest.approx(-1400)
    assert at["abstinent/5600"] == pytest.approx(0, abs=1e-6)
    assert at["abstinent/6000"] == pytest.approx(100)
    share = found.where(definition="net_benefit@1", estimand="diagnostic", group="2.1").frame["value"].to_numpy()
    other = found.where(definition="net_benefit@1", estimand="diagnostic", group="3.5").frame["value"].to_numpy()
    assert (np.diff(share) >= 0).all()
    np.testing.assert_allclose(share + other, 1)
    best = found.where(definition="net_benefit@1", estimand="diagnostic", group="2.1").frame["note"].notna().tolist()
    assert best[0] is False
    assert best[-1] is True


def test_what_it_is_worth_to_know_is_the_loss_of_the_level_best_on_average():
    found = assess(effects=(0.75, 0.5), again=True, wtp=(4000,))
    loss = found.where(definition="information_value@1", estimand="mean").frame["value"]
    assert value(found, "information_value", by="level_of_care", estimand="diagnostic") == pytest.approx(loss.min())


def test_the_shares_of_the_four_corners_add_to_one_and_hold_their_own_error():
    found = assess(effects=(0.75, 0.5), again=True)
    shares = found.where(definition="increment_cost@1", estimand="diagnostic", group="all").frame
    assert shares["value"].sum() == pytest.approx(1)
    assert shares["method"].str.startswith("500 draws").all()
    assert shares.loc[shares["note"].notna(), "category"].tolist() == ["abstinent/more_for_more"]


def test_joint_increments_are_those_of_the_weighted_increment_when_everybody_was_reached():
    found = assess(effects=(0.75, 0.5), again=True)
    arm = np.repeat([1, 0], 80)
    place = np.tile(np.arange(80), 2)
    sober = ((place // 2) % 4 < np.where(arm == 1, 3, 2)).astype(float)
    made = weighted_increment(np.where(arm == 1, 2800.0, 1400.0), sober, arm, (3 + 4 * (place % 2))[:, None])
    effect = gap(found, "effect")
    assert effect["value"] == pytest.approx(made.effect)
    assert (effect["ci_high"] - effect["ci_low"]) / 2 == pytest.approx(
        1.959964 * math.sqrt(made.covariance[1, 1]), rel=1e-6
    )


def test_prices_move_the_increment_one_at_a_time():
    """A quarter off the residential week: the IOP's people save $350 and the others too, so nothing changes; off the IOP's
    week it is two weeks at $175."""
    found = assess(again=True)
    rows = found.where(definition="increment_price_swing@1", estimand="difference").frame
    at = dict(zip(rows["category"], rows["value"], strict=True))
    assert at["abstinent/2.1/low"] == pytest.approx(1400 - 350)
    assert at["abstinent/2.1/high"] == pytest.approx(1400 + 350)
    assert at["abstinent/3.5/low"] == pytest.approx(1400)


def test_others_see_other_increments():
    """The payer pays half; of the first stay alone both cost $1,400; nobody recorded what the client bears."""
    rows = assess(again=True).where(definition="increment_scenario@1", estimand="difference").frame
    dollars = rows[rows["unit"].str.startswith("dollars")].set_index("category")["value"]
    assert dollars["abstinent/payer_payment"] == pytest.approx(700)
    assert dollars["abstinent/first_stay_only"] == pytest.approx(0, abs=1e-6)
    client = rows[rows["category"] == "abstinent/client_cost"].iloc[0]
    assert client["status"] == "not_estimable"
    assert "costs table" in client["note"]


def test_people_not_reached_are_counted_in_four_ways_and_stood_for_in_the_increments():
    found = assess(reached=0.8, each=200)
    assert gap(found, "effect")["n_missing"] == 80
    rows = found.where(definition="increment_scenario@1", unit="share").frame.set_index("category")["value"]
    low, high = rows["abstinent/not_reached_least"], rows["abstinent/not_reached_most"]
    assert low < gap(found, "effect")["value"] < high
    assert high - low == pytest.approx(0.4)


def test_other_effects_have_their_own_unit():
    done = assess(effect="completed")
    assert gap(done, "effect")["value"] == pytest.approx(0)
    with pytest.raises(UsageError, match="no day is known sober"):
        assess(effect="known_sober_days")


def test_days_known_sober_are_counted_in_the_programme_of_admission():
    """A urine test on day 6 speaks of days 3 to 6: four days in both programmes; none of them after."""
    records = made_up()
    tests = pd.DataFrame({"episode_id": [f"{name}{place:03d}" for name in DAYS for place in range(80)]})
    said = {
        "instrument": "urine",
        "point": "week",
        "day": "6",
        "result": "negative",
        "substance": "any",
        "status": "done",
    }
    frames = _frames(records, tests.assign(**said))
    found = iop.assess_cost_effectiveness(
        iop.read_records(frames, today=date(2026, 6, 30)),
        effect="known_sober_days",
        at=90,
        adjust=("severity",),
        replicates=10,
    )
    means = found.where(definition="increment_effect@1", estimand="mean").frame
    assert means["value"].tolist() == pytest.approx([4, 4])
    assert set(means["unit"]) == {"days"}


def _frames(records, outcomes):
    from iop_outcomes import reductions

    frames = {"programs": draw(PROGRAMS), "outcomes": outcomes.astype(str)}
    frames["settings"] = {"name": "Spec", "as_of": "2026-06-30", "ids_are_random": True}
    stays = reductions.collect(records.episodes.select("episode_id", "person_id", "program_id", "severity"))
    stays["admission_date"] = "2025-01-06"
    ends = {
        name: (pd.Timestamp("2025-01-06") + pd.Timedelta(days=days - 1)).date().isoformat()
        for name, days in DAYS.items()
    }
    stays["discharge_date"] = stays["program_id"].map(ends)
    frames["episodes"] = stays.assign(end_reason="completed", either_level="yes").astype(str)
    sessions = {"day": "6", "service_type": "group", "status": "attended", "hours_offered": "3", "hours_attended": "3"}
    frames["attendance"] = frames["episodes"][["episode_id"]].assign(**sessions)
    cost = {"period_start": "2025-01-01", "period_end": "2025-12-31", "line": "personnel", "kind": "cost"}
    frames["costs"] = pd.DataFrame(
        [{**cost, "program_id": name, "bearer": "provider", "amount": "9000", "price_year": "2025"} for name in DAYS]
    )
    return frames


def test_where_people_cannot_be_made_alike_there_are_words_and_no_increments():
    found = assess(each=40)
    for what in ("cost", "effect"):
        assert gap(found, what)["status"] == "not_estimable"
        assert "would mend it" in gap(found, what)["note"]
    made = {
        "break_even_price@1",
        "net_benefit@1",
        "information_value@1",
        "increment_scenario@1",
        "increment_price_swing@1",
    }
    assert not made & set(found.frame["definition"])
    assert np.isfinite(one(found, "crude_cost", by="level_of_care", estimand="difference")["value"])
    published = iop.publish(found, audience="internal")
    texts = [getattr(block, "text", "") for block in answer_blocks(published)]
    assert "There is no comparison of cost and effect together in this report." in texts
    for name in ("plane", "acceptability", "tornado"):
        assert "Not estimated." in FIGURES[name].describe(published)
        FIGURES[name].draw(published)


def test_nobody_who_could_have_gone_to_either_level():
    found = assess(either="no")
    assert "Nobody who could have gone" in gap(found)["note"]


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("effect is one of", {"effect": "happy"}),
        ("horizon is a whole number", {"horizon": 0}),
        ("wtp is a list", {"wtp": (-1,)}),
        ("wtp is a list", {"wtp": ()}),
        ("replicates is a whole number", {"replicates": 1}),
        ("perspective is one of", {"perspective": "me"}),
        ("abstinence is known on follow-up days", {"at": 77}),
        ("treated and control are two different", {"control": "2.1"}),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(said, options):
    with pytest.raises(UsageError, match=said):
        assess(**options)


def test_the_same_seed_gives_the_same_draws_and_another_others():
    shares = [
        assess(effects=(0.75, 0.5), again=True, seed=seed)
        .where(definition="net_benefit@1", estimand="diagnostic")
        .frame["value"]
        for seed in (1, 2)
    ]
    again = iop.assess_cost_effectiveness(
        made_up((0.75, 0.5), True), adjust=("severity",), replicates=500, seed=1
    ).where(definition="net_benefit@1", estimand="diagnostic")
    assert shares[0].tolist() == again.frame["value"].tolist()
    assert shares[0].tolist() != shares[1].tolist()


def test_cheers_has_28_items_filled_from_the_configuration():
    lines = fill_cheers(assess(effects=(0.75, 0.5), again=True, wtp=(0, 9000)).settings)
    assert [int(line[0]) for line in lines] == list(range(1, 29))
    said = {line[1]: line[3] for line in lines}
    assert said["Currency, price date, conversion"] == "US dollars of 2025, carried by CPI-U, all items"
    assert "from $0 to $9,000" in said["How outcomes were valued"]
    assert said["Time horizon"] == "Effect to day 180, costs to day 365 after admission"
    assert said["Funding"] == BY_AUTHORS
    assert not any("{" in line[3] for line in lines)
    assert len(cheers_block(lines).rows) == len(load_items())
    with pytest.raises(UsageError, match="assess_cost_effectiveness"):
        fill_cheers({})


@pytest.mark.parametrize("name", ["plane", "acceptability", "tornado"])
def test_figures_say_and_list_what_they_draw(name):
    rows = iop.publish(assess(effects=(0.75, 0.5), again=True, each=200), audience="public")
    kind = FIGURES[name]
    said = kind.describe(rows)
    wanted = {
        "plane": "costs more, with more effect",
        "acceptability": "changes at $5,600",
        "tornado": "As estimated $1,400",
    }
    assert wanted[name] in said
    assert kind.tabulate(rows).rows
    kind.draw(rows)


def test_the_page_says_the_corner_before_the_price_and_who_bears_what():
    records = made_up((0.75, 0.5), True, each=200)
    costs = iop.measure_costs(iop.select_cohort(records, level_of_care="2.1", rung="admitted"))
    rows = iop.publish(costs, assess(effects=(0.75, 0.5), again=True, each=200), audience="public")
    blocks = cost_blocks(Reading(rows, None, "2026-06-30"))
    texts = [block.text for block in blocks if hasattr(block, "text")]
    assert "as one that costs more, with more effect" in texts[0]
    assert "is valued at more than $5,600" in texts[1]
    titles = [getattr(block, "title", "") for block in blocks]
    assert titles[:2] == ["What does care cost? (cost to the provider)", "Who bears what?"]
    assert "What if it is seen otherwise?" in titles
    table = blocks[0].table
    assert ("A client-week", "$700", "$700") in table.rows
