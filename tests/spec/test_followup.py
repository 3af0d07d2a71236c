"""Follow-up: who was due, who was reached, and what may be said of the rest. Unless a table says
otherwise everybody was admitted on 6 January 2025 and the extract was made on 31 December, 359 days later.

See docs/definitions/followup.md.
"""

from __future__ import annotations

import pandas as pd
import pytest
from tables import draw, one, records, value

from iop_outcomes import Cohort, draw_followup, measure_abstinence, measure_use_days, publish, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures.followup import describe_followup, tabulate_followup

FIVE = "episode\na\nb\nc\nd\ne"
HEARD = """
    episode | month | day | result   | status
    --------+-------+-----+----------+-------
    a       | 6     | 180 | negative | done
    b       | 6     | 185 | negative | done
    c       | 6     | 170 | positive | done
    d       | 6     |     |          | missed
"""


_COHORTS: dict[tuple[str, ...], Cohort] = {}


def followup(
    episodes, outcomes, measure=measure_abstinence, instrument="abstinent_30", as_of="2025-12-31", **arguments
):
    """The measure at six months, unless others are asked for; ``outcomes`` are the follow-up rows of one instrument."""
    stays, said = (draw(table) if isinstance(table, str) else table for table in (episodes, outcomes))
    settings = arguments.pop("settings", {})
    key = (stays.to_csv(), said.to_csv(), instrument, as_of, repr(settings))
    if key not in _COHORTS:
        said = said.assign(point="followup", instrument=instrument)
        _COHORTS[key] = select_cohort(records(stays, None, said, as_of=as_of, **settings), exit_rule="discharge")
    if measure is measure_abstinence:
        arguments.setdefault("months", [6])
    return measure(_COHORTS[key], **arguments)


def people(due, reached, abstinent, prefix="p", **columns):
    """So many people due, of whom so many were reached and so many of those abstinent, at six months."""
    names = [f"{prefix}{number}" for number in range(due)]
    results = ["negative"] * abstinent + ["positive"] * (reached - abstinent)
    said = pd.DataFrame({"episode_id": names[:reached], "month": "6", "day": "180", "result": results})
    return pd.DataFrame({"episode_id": names, **columns}), said


def both(*groups):
    return (pd.concat(parts, ignore_index=True) for parts in zip(*groups, strict=True))


def counts(row):
    return row["n"], row["denominator"], row["n_missing"]


def test_a_missing_row_is_a_person_not_reached():
    """Five were due. a, b and c were reached; d was missed; of e there is no row at all."""
    found = followup(FIVE, HEARD)
    assert value(found, "followup_due") == 5
    assert counts(one(found, "followup_response")) == (3, 5, 2)
    assert value(found, "followup_response") == 0.6
    assert counts(one(found, "abstinent_responders")) == (2, 3, 2)
    assert value(found, "abstinent_responders") == pytest.approx(2 / 3)
    assert one(found, "followup_due")["at"] == 180


def test_the_two_bounds_count_everybody_not_reached_one_way_and_the_other():
    found = followup(FIVE, HEARD)
    low, high = one(found, "abstinent_missing_using"), one(found, "abstinent_missing_sober")
    assert (low["value"], high["value"]) == (0.4, 0.8)
    assert (low["n"], high["n"]) == (2, 4)
    assert (low["ci_low"], low["ci_high"]) == (high["ci_low"], high["ci_high"])
    assert low["ci_low"] < 0.4
    assert high["ci_high"] > 0.8
    assert "Imbens–Manski" in low["method"]


def test_who_had_died_or_was_not_due_is_left_out_and_counted():
    """Of f it is recorded that the interview was not due; g died on day 100, h in a later admission; i on day 190."""
    episodes = """
        episode | person | admission_date | discharge_day | end_reason
        --------+--------+----------------+---------------+-----------
        a       | a      | 2025-01-06     |               |
        f       | f      | 2025-01-06     |               |
        g       | g      | 2025-01-06     | 100           | died
        h       | h      | 2025-01-06     | 50            | completed
        h2      | h      | 2025-04-16     | 20            | died
        i       | i      | 2025-01-06     | 190           | died
    """
    outcomes = "episode|month|day|result|status\na|6|180|negative|done\nf|6|||not_due"
    cohort = select_cohort(
        records(episodes, None, draw(outcomes).assign(point="followup", instrument="abstinent_30")),
        admitted=("2025-01-01", "2025-01-31"),
    )
    row = one(measure_abstinence(cohort, months=[6]), "followup_due")
    assert (row["value"], row["n_missing"]) == (2, 3)


def test_an_interview_counts_within_thirty_days_of_the_day():
    days = "episode|month|day|result|status\n" + "\n".join(
        f"{name}|6|{day}|negative|done" for name, day in zip("abcde", (149, 150, 180, 210, 211), strict=True)
    )
    assert one(followup(FIVE, days), "followup_response")["n"] == 3
    assert one(followup(FIVE, days, window=31), "followup_response")["n"] == 5
    assert one(followup(FIVE, days, settings={"followup": {"window_days": 0}}), "followup_response")["n"] == 1


def test_a_row_counts_for_the_month_it_names_and_else_for_the_nearest():
    """a names month 3 on day 115. b names none on day 115 (nearest: day 90), c on day 140 (day 180: too far from it).
    d has a month and no date."""
    rows = "episode|month|day|result|status\na|3|115|negative|done\nb||115|negative|done\n"
    rows += "c||140|negative|done\nd|3||negative|done"
    found = followup(FIVE, rows, months=[3, 6])
    assert one(found, "followup_response", at=90)["n"] == 3
    assert one(found, "followup_response", at=180)["n"] == 0


def test_of_two_interviews_the_nearer_counts_and_of_two_equally_near_the_less_favourable():
    rows = "episode|month|day|result|status\na|6|170|positive|done\na|6|181|negative|done\n"
    rows += "b|6|175|negative|done\nb|6|185|positive|done"
    found = followup("episode\na\nb", rows)
    assert counts(one(found, "abstinent_responders")) == (1, 2, 0)


def test_abstinence_is_from_every_substance():
    """Not having used opioids alone says nothing; having used them is use. A row without a substance means any."""
    rows = "episode|month|day|substance|result|status\na|6|180|opioids|negative|done\nb|6|180|opioids|positive|done\n"
    rows += "c|6|180||negative|done\nd|6|180|any|negative|done"
    found = followup(FIVE, rows)
    assert counts(one(found, "abstinent_responders")) == (2, 3, 2)


def test_nobody_counts_before_the_window_has_passed():
    """Admitted 6 January and 10 June; the extract is 209 days after the first, a day short of day 180 and 30 more."""
    episodes = "episode|admission_date\na|2025-01-06\nb|2025-06-10"
    rows = "episode|month|day|result|status\na|6|180|negative|done"
    early = followup(episodes, rows, as_of="2025-08-03")
    assert set(early.frame["status"]) == {"immature"}
    assert early.frame["value"].isna().all()
    assert one(early, "followup_due")["n"] == 0
    row = one(followup(episodes, rows, as_of="2025-08-04"), "followup_due")
    assert (row["value"], row["status"]) == (1, "ok")


def test_months_and_days_of_the_settings():
    found = followup(FIVE, HEARD, months=None)
    assert sorted(set(found.frame["at"])) == [30, 90, 180, 365]
    assert set(found.where(at=365).frame["status"]) == {"immature"}
    mine = followup(FIVE, HEARD, months=None, settings={"followup": {"months": [6]}})
    assert set(mine.frame["at"]) == {180}


def test_weights_let_people_reached_stand_for_those_of_their_class():
    """Of 4 who completed all were reached, 3 abstinent; of 6 who left, 2 were reached, none: (4 · ¾ + 6 · 0) / 10 = 30 %."""
    stayed = people(4, 4, 3, "s", discharge_day="56", end_reason="completed")
    left = people(6, 2, 0, "l", discharge_day="20", end_reason="left_early")
    found = followup(*both(stayed, left))
    assert value(found, "abstinent_responders") == 0.5
    assert value(found, "abstinent_weighted") == pytest.approx(0.3)
    assert value(found, "abstinent_missing_using") == 0.3
    row = one(found, "abstinent_weighted")
    assert row["estimand"] == "adjusted_proportion"
    assert counts(row) == (3, 10, 4)


def test_a_class_of_which_nobody_was_reached_cannot_be_spoken_for():
    """The refusal names the class and what would mend it; the bounds stand."""
    stayed = people(4, 4, 3, "s", discharge_day="56", end_reason="completed")
    left = people(6, 0, 0, "l", discharge_day="20", end_reason="left_early")
    found = followup(*both(stayed, left))
    for name in ("abstinent_weighted", "abstinent_imputed", "abstinent_shift"):
        row = one(found, name)
        assert row["status"] == "not_estimable"
        assert "nobody was reached among people who had left" in row["note"]
        assert "Reaching some of them would mend it" in row["note"]
    assert value(found, "abstinent_missing_using") == 0.3
    assert value(found, "abstinent_missing_sober") == pytest.approx(0.9)


def test_classes_are_split_by_early_attendance_only_where_both_halves_are_large():
    """40 people: 20 with one session, 20 with two. With one, 5 of 10 reached are abstinent; with two, 20 of 20: 75 %."""
    few, many = people(20, 10, 5, "f"), people(20, 20, 20, "m")
    episodes, said = both(few, many)
    sessions = pd.DataFrame({"episode_id": [*episodes["episode_id"], *many[0]["episode_id"]], "day": "0"})
    sessions.loc[40:, "day"] = "1"
    said = said.assign(point="followup", instrument="abstinent_30")
    found = measure_abstinence(select_cohort(records(episodes, sessions, said)), months=[6])
    assert value(found, "abstinent_weighted") == pytest.approx(0.75)
    smaller = records(episodes[1:], sessions[1:], said[1:])  # 19 and 20: one class, 24 of 29 reached
    found = measure_abstinence(select_cohort(smaller), months=[6])
    assert value(found, "abstinent_weighted") == pytest.approx(24 / 29)


def test_when_everybody_was_reached_all_readings_agree():
    found = followup(*people(20, 20, 9))
    for name in ("responders", "missing_using", "missing_sober", "weighted", "imputed"):
        row = one(found, f"abstinent_{name}")
        assert row["value"] == pytest.approx(0.45), name
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.2582, 0.6579), abs=1e-4), name
    assert one(found, "abstinent_tipping")["status"] == "not_estimable"


def test_imputation_lies_near_what_people_reached_say_when_care_knew_nothing_of_anybody():
    """60 of 100 reached, half abstinent: near a half, less sure than of 60 people, and between the bounds."""
    row = one(followup(*people(100, 60, 30), imputations=200), "abstinent_imputed")
    assert row["value"] == pytest.approx(0.5, abs=0.03)
    assert 0.11 < (row["ci_high"] - row["ci_low"]) / 2 < 0.16  # 0.127 for 60 people, Wilson 0.123
    again = one(followup(*people(100, 60, 30), imputations=200), "abstinent_imputed")
    assert again["value"] == row["value"]
    other = one(followup(*people(100, 60, 30), imputations=200, seed=5), "abstinent_imputed")
    assert other["ci_low"] != row["ci_low"]


def test_imputation_uses_what_care_knew():
    """100 completed (all reached, 80 abstinent), 100 left (half reached, 10 of 50): (80 + 20) / 200 = 50 %, not 60 %."""
    stayed = people(100, 100, 80, "s", discharge_day="56", end_reason="completed")
    left = people(100, 50, 10, "l", discharge_day="20", end_reason="left_early")
    found = followup(*both(stayed, left), imputations=200)
    assert value(found, "abstinent_responders") == pytest.approx(0.6)
    assert value(found, "abstinent_weighted") == pytest.approx(0.5)
    assert value(found, "abstinent_imputed") == pytest.approx(0.5, abs=0.02)


def test_answers_that_are_all_alike_are_not_imputed():
    row = one(followup(*people(20, 10, 10)), "abstinent_imputed")
    assert row["status"] == "not_estimable"
    assert "people reached who used" in row["note"]


def test_the_tipping_share_is_what_people_not_reached_would_have_to_be():
    """10 due, 6 reached, 3 abstinent: for 5 of 10, 2 of the other 4; 9 of 10 are out of reach, 2 of 10 certain."""
    found = followup(*people(10, 6, 3))
    row = one(found, "abstinent_tipping")
    assert row["value"] == 0.5
    assert "everyone due to reach 50%" in row["note"]
    row = one(followup(*people(10, 6, 3), target=0.9), "abstinent_tipping")
    assert (row["status"], row["note"][-9:]) == ("not_reached", "below 90%")
    row = one(followup(*people(10, 6, 3), target=0.2), "abstinent_tipping")
    assert (row["status"], row["note"][-9:]) == ("not_reached", "above 20%")


def reversed_groups():
    """Truth 50 % v 55 %; reached 80 of 100 and 100 of 200, and those reached are like the rest of their group."""
    return both(people(100, 80, 40, "m", gender="male"), people(200, 100, 55, "f", gender="female"))


def test_counting_people_not_reached_as_using_can_reverse_a_difference():
    """40 % v 27.5 % where 50 % v 55 % is true: 12.5 points ahead where 5 behind is right, and the row says so."""
    found = followup(*reversed_groups(), by="gender", reference="female", imputations=200)
    where = {"by": "gender", "group": "male", "estimand": "difference"}
    naive = one(found, "abstinent_missing_using", **where)
    assert naive["value"] == pytest.approx(0.40 - 0.275)
    assert naive["ci_low"] > 0
    assert "depends on the rule for people not reached" in naive["note"]
    for name in ("abstinent_responders", "abstinent_weighted"):
        row = one(found, name, **where)
        assert row["value"] == pytest.approx(-0.05)
        assert pd.isna(row["note"])
    imputed = one(found, "abstinent_imputed", **where)
    assert imputed["value"] == pytest.approx(-0.05, abs=0.02)
    assert (imputed["reference"], imputed["denominator"], imputed["people"]) == ("female", 300, 300)
    assert one(found, "followup_response", **where)["value"] == pytest.approx(0.3)
    responders = one(found, "abstinent_responders", **where)
    assert counts(responders) == (95, 180, 120)


def test_no_warning_where_every_rule_points_the_same_way():
    groups = both(people(100, 80, 60, "m", gender="male"), people(100, 80, 30, "f", gender="female"))
    found = followup(*groups, by="gender", reference="female")
    row = one(found, "abstinent_missing_using", by="gender", group="male", estimand="difference")
    assert row["value"] == pytest.approx(0.3)
    assert pd.isna(row["note"])


def test_how_different_people_not_reached_must_be_for_a_difference_to_vanish():
    """Women's 100 not reached would have to be 45 % abstinent and not 55 %: ln(.45/.55) - ln(.55/.45) = -0.40."""
    found = followup(*reversed_groups(), by="gender", reference="male", imputations=200)
    row = one(found, "abstinent_shift", by="gender", group="female", reference="male")
    assert row["value"] == pytest.approx(-0.40, abs=0.1)
    assert (row["unit"], row["estimand"], row["people"]) == ("log odds", "tipping_point", 300)
    far = both(people(100, 90, 80, "m", gender="male"), people(100, 90, 10, "f", gender="female"))
    found = followup(*far, by="gender", reference="female")
    row = one(found, "abstinent_shift", by="gender", group="male", reference="female")
    assert row["status"] == "not_reached"


def test_how_different_people_not_reached_must_be_for_a_target():
    """80 of 100 reached, 60 abstinent: for 65 % only 5 of the other 20, ln(1/3) - ln(3) = -2.2 from people reached."""
    found = followup(*people(100, 80, 60), target=0.65, imputations=200)
    assert value(found, "abstinent_tipping") == 0.25
    assert value(found, "abstinent_shift") == pytest.approx(-2.2, abs=0.25)
    assert one(followup(*people(100, 80, 60), target=0.9), "abstinent_shift")["status"] == "not_reached"


def test_what_is_said_of_everyone_does_not_depend_on_the_groups_asked_for():
    episodes, said = reversed_groups()
    alone = followup(episodes, said).frame
    grouped = followup(episodes, said, by="gender", reference="male").where(by="all").frame
    pd.testing.assert_frame_equal(alone, grouped)


def test_episodes_of_one_person_are_one_person():
    """Ten people with two admissions each, the pair always alike: as unsure as ten people, not twenty."""
    episodes, said = people(20, 20, 10)
    pairs = episodes.assign(
        person_id=[f"q{number // 2}" for number in range(20)],
        admission_date=["2025-01-06", "2025-03-06"] * 10,
        discharge_day="20",
        end_reason="left_early",
    )
    row = one(followup(pairs, said), "abstinent_missing_using")
    single = one(followup(episodes, said), "abstinent_missing_using")
    assert (row["denominator"], row["people"]) == (20, 10)
    assert row["ci_high"] - row["ci_low"] > 1.3 * (single["ci_high"] - single["ci_low"])


def test_records_without_follow_up_give_no_rows():
    outcomes = "episode|day|result\na|6|negative"
    assert len(measure_abstinence(select_cohort(records(FIVE, None, outcomes)))) == 0
    assert len(measure_use_days(select_cohort(records(FIVE, None, outcomes)))) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"months": [0]},
        {"months": []},
        {"window": -1},
        {"by": "shoe_size"},
        {"reference": "male"},
        {"by": "gender", "reference": "other"},
        {"target": 1.2},
        {"imputations": 1},
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    with pytest.raises(UsageError):
        followup(*reversed_groups(), **arguments)


USED = """
    episode | days_used_30
    --------+-------------
    a       | 20
    b       | 10
    c       | 10
    d       | 5
    e       | 0
    f       |
"""
DAYS = """
    episode | month | day | score | status
    --------+-------+-----+-------+-------
    a       | 6     | 180 | 2     | done
    b       | 6     | 180 | 10    | done
    c       | 6     | 180 | 4     | done
    d       | 6     |     |       | missed
    e       | 6     | 180 | 3     | done
"""


def test_reduced_use_among_people_who_had_used():
    """a, b, c, d had used before admission; a and c use less (-18, -6), b as much, d was not reached; e had not used."""
    found = followup(USED, DAYS, measure_use_days, "days_used_30")
    due = one(found, "followup_due")
    assert (due["value"], due["n_missing"], due["category"]) == (4, 2, "days_used_30")
    assert value(found, "followup_response") == 0.75
    assert counts(one(found, "used_fewer_days")) == (2, 3, 1)
    assert value(found, "used_fewer_days_low") == 0.5
    assert value(found, "used_fewer_days_high") == 0.75
    change = one(found, "use_days_change")
    assert (change["value"], change["n"], change["unit"]) == (pytest.approx(-8), 3, "days")
    assert change["ci_low"] < -8 < change["ci_high"]


def test_the_figure_never_shows_people_reached_alone():
    episodes, said = people(200, 120, 70)
    found = followup(episodes, said, months=[6, 12])
    words = describe_followup(found)
    assert "At 6 months (60% reached of 200), between 35% and 75% whatever people not reached did" in words
    alone = found.where(definition=["abstinent_responders@1", "followup_response@1"])
    assert "58%" not in describe_followup(alone)
    assert "nothing to show yet" in texts(draw_followup(alone))
    assert {"6 months", "12 months", "too early to say", "60% reached\nof 200"} <= texts(draw_followup(found))
    table = tabulate_followup(found)
    assert [row[0] for row in table.rows] == ["6 months", "12 months"]


def test_what_the_gate_withholds_the_figure_does_not_draw():
    shown = publish(followup(*people(200, 120, 70)))
    assert set(shown.where(estimand=["proportion", "adjusted_proportion"]).frame["status"]) == {"ok"}
    small = publish(followup(*people(200, 120, 115)))  # five people reached who used
    assert "withheld to protect privacy" in texts(draw_followup(small))
    assert small.where(definition="abstinent_imputed@1").frame["status"].tolist() == ["withheld"]


def texts(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}
