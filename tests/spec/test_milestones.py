"""Sobriety among everyone admitted. Diaries read: ``-`` sober, ``+`` used, ``*`` test and report
disagree, ``_`` nothing known; day 0 first.

See docs/definitions/milestones.md.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import diary, one, records, value

from iop_outcomes import measure_milestones, select_cohort
from iop_outcomes.errors import UsageError


def stays(**days):
    """Episodes that ended, left before completing, on these days."""
    return pd.DataFrame({"episode_id": days.keys(), "discharge_day": [str(day) for day in days.values()]}).assign(
        end_reason="left_early"
    )


def milestones(episodes, outcomes, by=None, substance="any", lengths=(7,), until=28, **settings):
    cohort = select_cohort(records(episodes, None, outcomes, **settings), exit_rule="discharge")
    return measure_milestones(cohort, milestones=lengths, until=until, substance=substance, by=by)


def reading(found, name, **conditions):
    return value(found, f"milestone_{name}", **conditions)


def test_milestones_are_shares_of_everyone_admitted():
    """a reaches 7 days on day 6. b leaves on day 3 after three sober days. c used. d leaves on day 5: too soon by a day."""
    found = milestones(stays(a=20, b=3, c=20, d=5), diary(a="-" * 21, b="----", c="---+" * 5, d="------"))
    assert reading(found, "bridged", at=7) == 0.25
    row = one(found, "milestone_bridged", at=28)
    assert (row["value"], row["n"], row["denominator"], row["n_missing"]) == (0.25, 1, 4, 0)
    # Among those still there on day 7 it would be a half: that figure is not offered.


def test_a_milestone_reached_after_leaving_does_not_count():
    """Reports go on to day 9, but care ended on day 5 (a) and on day 6 (b), the day the milestone is reached."""
    found = milestones(stays(a=5, b=6), diary(a="------", b="-------"))
    assert reading(found, "confirmed", at=7) == 0.5


def test_three_readings_stand_side_by_side():
    """a: known sober throughout. b: seven unknown days. c: eight unknown days. d: nothing known. e: used every day."""
    diaries = diary(a="-" * 14, b="---_______----", c="---________---", e="+" * 14)
    found = milestones(stays(a=13, b=13, c=13, d=13, e=13), diaries, lengths=(14,))
    assert reading(found, "confirmed", at=14) == 1 / 5
    assert reading(found, "bridged", at=14) == 2 / 5
    assert reading(found, "not_contradicted", at=14) == 4 / 5


def test_how_many_days_are_bridged_is_a_setting():
    diaries = diary(a="---_---", b="---__--")
    for bridge, share in ((0, 0), (1, 0.5), (7, 1)):
        found = milestones(stays(a=13, b=13), diaries, sobriety={"bridge_days": bridge})
        assert reading(found, "bridged", at=7) == share, bridge
        assert found.settings["bridge_days"] == bridge


def test_people_still_in_care_count_until_they_were_last_seen():
    """a was admitted six days before the extract: seven days cannot be complete."""
    episodes = pd.DataFrame(
        {"episode_id": ["a", "b"], "admission_date": ["2025-12-26", "2025-01-06"], "discharge_day": ["", "20"]}
    ).assign(end_reason=["", "left_early"])
    row = one(milestones(episodes, diary(a="------", b="-" * 21)), "milestone_confirmed", at=7)
    assert (row["value"], row["n_missing"]) == (1, 1)


def test_longer_milestones_are_reached_by_fewer():
    found = milestones(stays(a=27, b=27), diary(a="-" * 28, b="-" * 10 + "+"), lengths=(7, 14, 28))
    shares = [reading(found, "confirmed", category=length, at=28) for length in ("7", "14", "28")]
    assert shares == [1, 0.5, 0.5]


URINE = """
    episode | day | instrument | result   | days_covered | status
    --------+-----+------------+----------+--------------+-------
    a       | 3   | urine      | negative |              | done
    a       | 6   | urine      | negative |              | done
"""


def test_a_urine_test_speaks_three_days_back_and_a_breath_test_for_its_own_day():
    """Tests of days 3 and 6 cover days 0-3 and 3-6."""
    assert reading(milestones(stays(a=9), URINE), "confirmed", at=7) == 1
    assert reading(milestones(stays(a=9), URINE, sobriety={"urine_days": 2}), "confirmed", at=7) == 0
    breath = URINE.replace("urine ", "breath")
    assert reading(milestones(stays(a=9), breath, substance="alcohol"), "confirmed", at=7) == 0


def test_a_report_speaks_for_the_days_it_names():
    weekly = "episode|day|instrument|result|days_covered\na|6|self_report|negative|6"
    assert reading(milestones(stays(a=9), weekly), "confirmed", at=7) == 1
    assert reading(milestones(stays(a=9), weekly.replace("|6\n", "|5\n").replace("|6", "|5")), "confirmed", at=7) == 0


def test_what_is_known_of_one_substance():
    """Negative for opioids says nothing of any substance; positive for opioids does. Positive for any does not say which."""
    said = "episode|day|instrument|substance|result|days_covered\n{}|6|self_report|{}|{}|6"
    cells = [("opioids", "negative"), ("any", "negative"), ("any", "positive"), ("opioids", "positive")]
    lines = [said.format(name, *cell).splitlines()[1] for name, cell in zip("abcd", cells, strict=True)]
    outcomes = "\n".join([said.splitlines()[0], *lines])
    everyone = stays(a=9, b=9, c=9, d=9)
    known = {
        substance: milestones(everyone, outcomes, substance=substance, until=6)
        for substance in ("any", "opioids", "alcohol")
    }
    # Of 4 · 7 days: known sober, known used, unknown.
    for substance, shares in {"any": (1, 2, 1), "opioids": (2, 1, 1), "alcohol": (1, 0, 3)}.items():
        found = [
            value(known[substance], "days_known", category=name) for name in ("known_sober", "known_used", "unknown")
        ]
        assert found == pytest.approx([share / 4 for share in shares]), substance
    with pytest.raises(UsageError):
        milestones(everyone, outcomes, substance="sugar")


def test_a_breath_test_is_of_alcohol_unless_it_says_otherwise():
    breath = "episode|day|instrument|substance|result|days_covered\na|6|breath||negative|6"
    assert reading(milestones(stays(a=9), breath, substance="alcohol"), "confirmed", at=7) == 1
    other = "episode|day|instrument|substance|result|days_covered\nb|0|self_report|any|negative|0"
    both = milestones(stays(a=9, b=9), breath + "\n" + other.splitlines()[1])
    assert reading(both, "confirmed", at=7) == 0


def test_what_was_not_due_or_came_at_follow_up_is_left_aside():
    outcomes = "episode|day|instrument|result|days_covered|point|status\n"
    outcomes += (
        "a|6|self_report|negative|6|week|done\na|3|urine||3|week|not_due\na|60|self_report|positive|59|followup|done"
    )
    assert reading(milestones(stays(a=70), outcomes), "confirmed", at=7) == 1


def test_days_known_sober_used_and_unknown_add_to_all_days_in_care():
    """a: 10 days, 4 sober, 2 used, 1 mixed and 3 unknown. b: 5 days, all sober. 9, 2 and 4 of 15 days."""
    found = milestones(stays(a=9, b=4), diary(a="----++*___", b="-----"))
    shares = found.where(definition="days_known@1").frame.set_index("category")["value"]
    assert shares.to_dict() == pytest.approx({"known_sober": 9 / 15, "known_used": 2 / 15, "unknown": 4 / 15})
    limits = found.where(definition="days_known@1").frame[["ci_low", "ci_high"]]
    assert ((limits >= 0) & (limits <= 1)).all().all()


def test_return_to_use_counts_from_the_milestone():
    """All three reach seven days on day 6. a used on day 10, four days later; b left on day 8; c was sober on."""
    found = milestones(stays(a=27, b=8, c=40), diary(a="----------+", b="-" * 9, c="-" * 28), until=20)
    row = one(found, "return_to_use", category="7", at=7)
    assert (row["value"], row["n"], row["denominator"]) == (pytest.approx(1 / 3), 1, 3)
    # The calendar was looked at up to day 20, 14 days after the milestone: of 30 nothing can be said.
    assert value(found, "return_to_use", category="7", at=14) == pytest.approx(1 / 3)
    assert one(found, "return_to_use", category="7", at=30)["status"] == "not_estimable"


def test_who_never_reached_the_milestone_cannot_return_from_it():
    found = milestones(stays(a=27, b=27), diary(a="-" * 28, b="+" * 28))
    assert one(found, "return_to_use", category="7", at=7)["denominator"] == 1


AGREEMENT = [("negative", "negative")] * 40 + [("negative", "positive")] * 5
AGREEMENT += [("positive", "negative")] * 10 + [("positive", "positive")] * 45


def pairs(results, people=None):
    """A test and a report of day 3, one pair a person unless ``people`` says who."""
    people = people or [f"p{place}" for place in range(len(results))]
    rows = []
    for place, (person, said) in enumerate(zip(people, results, strict=True)):
        for instrument, result in zip(("urine", "self_report"), said, strict=True):
            day = str(3 + people[:place].count(person))
            rows.append(
                {"episode_id": person, "day": day, "instrument": instrument, "result": result, "days_covered": "0"}
            )
    return stays(**dict.fromkeys(people, 30)), pd.DataFrame(rows)


def test_agreement_of_test_and_report_beyond_chance():
    """40 both negative, 5 and 10 apart, 45 both positive: 85 % agree, 50 % would by chance, kappa 0.7."""
    found = milestones(*pairs(AGREEMENT))
    cells = found.where(definition="agreement@1", estimand="count").frame.set_index("category")["n"]
    assert cells.to_dict() == {
        "both_negative": 40,
        "report_positive_only": 5,
        "test_positive_only": 10,
        "both_positive": 45,
    }
    assert value(found, "agreement", category="kappa") == pytest.approx(0.7)


def test_kappa_is_cohens_with_fleiss_error_when_everyone_has_one_pair():
    """Against statsmodels, whose error has no factor m/(m - 1)."""
    from statsmodels.stats.inter_rater import cohens_kappa

    reference = cohens_kappa(np.array([[40, 5], [10, 45]]))
    row = one(milestones(*pairs(AGREEMENT)), "agreement", category="kappa")
    error = (row["ci_high"] - row["value"]) / 1.959963984540054
    assert row["value"] == pytest.approx(reference.kappa, abs=1e-12)
    assert error == pytest.approx(reference.std_kappa * np.sqrt(100 / 99), rel=1e-12)


def test_pairs_of_one_person_are_not_several_people():
    """The same 100 pairs from 20 people, whose pairs are alike, are worth less than from 100 people."""
    alone = one(milestones(*pairs(AGREEMENT)), "agreement", category="kappa")
    five_each = one(
        milestones(*pairs(AGREEMENT, [f"p{place // 5}" for place in range(100)])), "agreement", category="kappa"
    )
    assert five_each["value"] == pytest.approx(alone["value"])
    assert (five_each["people"], five_each["denominator"]) == (20, 100)
    assert five_each["ci_high"] - five_each["ci_low"] > 1.5 * (alone["ci_high"] - alone["ci_low"])


def test_tests_on_days_without_a_report_are_counted_as_missing():
    outcomes = """
        episode | day | instrument  | substance | result   | days_covered
        a       | 3   | urine       | any       | negative |
        a       | 3   | self_report | any       | negative | 0
        a       | 9   | urine       | any       | negative |
        b       | 3   | urine       | any       | negative |
        b       | 3   | urine       | opioids   | positive |
        b       | 3   | self_report | any       | negative | 0
    """
    found = milestones(stays(a=20, b=20), outcomes)
    row = one(found, "agreement", category="test_positive_only")
    # b's two results of one day are one test, positive because one of them is.
    assert (row["n"], row["denominator"], row["n_missing"]) == (1, 2, 1)


def test_groups_and_records_without_reports():
    episodes = stays(a=20, b=20).assign(gender=["female", ""])
    found = milestones(episodes, diary(a="-" * 21, b="+" * 21), by="gender")
    rows = found.where(definition="milestone_bridged@1", by="gender", at=14).frame
    assert rows["group"].isna().tolist() == [False, True]
    assert rows["value"].tolist() == [1, 0]
    silent = measure_milestones(select_cohort(records(stays(a=20))))
    assert len(silent) == 0


def test_every_day_in_care_of_a_week_is_in_one_state():
    """a: 5 sober and 2 unknown days, then left on day 8 (2 sober days). b: all of week 1 used, then left."""
    found = milestones(stays(a=8, b=6), diary(a="-----__--", b="+++++++"), until=27)
    states = found.where(definition="day_states@1")
    assert states.value(category="negative", at=1) == pytest.approx(5 / 14)
    assert states.value(category="positive", at=1) == pytest.approx(7 / 14)
    assert states.value(category="not_due", at=1) == pytest.approx(2 / 14)
    assert states.value(category="negative", at=2) == 1
    assert one(found, "day_states", category="negative", at=2)["people"] == 1
    assert states.where(at=1).frame["value"].sum() == pytest.approx(1)
    assert states.where(at=3).frame["status"].tolist() == ["not_estimable"] * 5


def test_the_settings_say_where_milestones_start():
    """a was sober for ten days when admitted: fourteen on day 3. Nobody wrote a date for b: fourteen on day 13."""
    episodes = stays(a=20, b=20).assign(sobriety_day=["-10", ""])
    said = diary(a="-" * 21, b="-" * 21)
    admitted = milestones(episodes, said, lengths=(14,))
    recorded = milestones(episodes, said, lengths=(14,), sobriety={"count_from": "sobriety_date"})
    assert admitted.where(definition="milestone_bridged@1").frame["at"].min() == 14
    assert reading(recorded, "bridged", at=0) == 0
    assert reading(recorded, "bridged", at=7) == 0.5
    assert reading(recorded, "bridged", at=14) == reading(admitted, "bridged", at=14) == 1
    assert recorded.settings["milestones_from"] == "sobriety_date"
