"""Differences between groups, and other ways of counting, on stays a reader can count.

See docs/definitions/retention.md.
"""

from __future__ import annotations

import math

import pytest
from tables import one, records, value

from iop_outcomes import compare_retention, measure_retention, measure_sensitivity, select_cohort
from iop_outcomes.errors import UsageError

# Four by day and four in the evening, all of them seen for eight weeks. p was in both.
BOTH = """
    episode | person | admission_date | discharge_day | end_reason | gender | housing
    --------+--------+----------------+---------------+------------+--------+---------
    d1      | p      | 2025-01-06     | 10            | left_early | female | stable
    d2      | q      | 2025-01-06     | 56            | completed  | female | unstable
    d3      | r      | 2025-01-06     | 56            | completed  | female | stable
    d4      | s      | 2025-01-06     | 40            | terminated | female | stable
    e1      | p      | 2025-03-03     | 10            | left_early | male   | stable
    e2      | t      | 2025-01-06     | 10            | left_early | male   | stable
    e3      | u      | 2025-01-06     | 56            | completed  | male   | unstable
    e4      | v      | 2025-01-06     | 50            | died       | male   | stable
"""
EVENING = """
    episode | person | discharge_day | end_reason | gender
    --------+--------+---------------+------------+-------
    a       | p      | 10            | left_early | female
    b       | q      | 56            | completed  | female
    c       | r      | 56            | completed  | male
    d       | s      | 20            | left_early |
"""


@pytest.fixture(scope="module")
def both():
    cohort = select_cohort(records(BOTH), exit_rule="discharge")
    return compare_retention(cohort, by="gender", reference="female", at=[14, 45], tau=56)


def difference(found, definition, **where):
    return one(found, definition, by="gender", estimand="difference", **where)


def test_a_difference_is_the_group_less_the_reference(both):
    """Day 14: one of four women and two of four men had left. Day 45: two of each; one woman by the programme."""
    assert difference(both, "in_programme", at=14)["value"] == pytest.approx(1 / 2 - 3 / 4)
    assert difference(both, "retained", at=14)["value"] == pytest.approx(-1 / 4)
    assert difference(both, "lost_early", at=14)["value"] == pytest.approx(1 / 4)
    assert difference(both, "lost_early", at=45)["value"] == 0
    assert difference(both, "ending", category="terminated", at=45)["value"] == pytest.approx(-1 / 4)
    # 10 + 56 + 56 + 40 days against 10 + 10 + 56 + 50.
    assert difference(both, "mean_days_in_programme")["value"] == pytest.approx((126 - 162) / 4)
    assert difference(both, "mean_days_lost", category="left_early")["value"] == pytest.approx(46 / 4)


def test_the_groups_and_their_counts_stand_beside_it(both):
    row = difference(both, "lost_early", at=14)
    assert (row["group"], row["reference"], row["design_word"]) == ("male", "female", "associated")
    assert (row["n"], row["denominator"], row["people"]) == (3, 8, 7)  # p is one person
    assert {row["group"] for row in both.where(estimand="difference").rows()} == {"male"}


def test_who_is_in_both_groups_counts_once_in_the_error(both):
    """On day 14 each man pulls ±1/8 on the men's half, p's departure -1/8; among the women p pulls 3/16, the others 1/16.

    The squares: 4/64 and (9 + 3)/256. p left early both times, which takes 2 · 1/8 · 3/16 from their sum.
    """
    row = difference(both, "lost_early", at=14)
    error = (row["ci_high"] - row["ci_low"]) / (2 * 1.959963984540054)
    assert error == pytest.approx(math.sqrt(4 / 64 + 12 / 256 - 2 * 1 / 8 * 3 / 16))


def test_without_anybody_on_one_side_there_is_no_range(both):
    row = difference(both, "ending", category="died", at=45)
    assert row["value"] == 0
    assert math.isnan(row["ci_low"])
    assert row["note"].startswith("no range")


def test_p_values_come_last_and_speak_of_all_groups(both):
    estimands = both.frame["estimand"].tolist()
    assert estimands == sorted(estimands)  # difference before p_value
    tests = both.where(estimand="p_value").frame
    assert set(tests["group"]) == {"all"}
    assert set(tests["by"]) == {"gender"}
    causes = {"completed", "left_early", "terminated", "died"}
    assert set(tests["category"]) == {"in_programme", "retained", "lost_early", *causes}
    assert tests["value"].dropna().between(0, 1).all()
    assert "clusters" in one(both, "lost_early", by="gender", estimand="p_value")["method"]


def test_groups_are_compared_within_strata_where_asked():
    cohort = select_cohort(records(BOTH), exit_rule="discharge")
    found = compare_retention(cohort, by="gender", at=[14], strata="housing").where(estimand="p_value")
    assert found.frame["method"].dropna().str.endswith("stratified by housing").all()
    plain = compare_retention(cohort, by="gender", at=[14]).where(estimand="p_value")
    assert value(found, "in_programme", by="gender") != value(plain, "in_programme", by="gender")


def test_the_largest_group_is_the_reference_and_unknown_groups_are_not_compared():
    found = compare_retention(select_cohort(records(EVENING), exit_rule="discharge"), by="gender", at=[14])
    assert set(found.where(estimand="difference").frame["reference"]) == {"female"}
    assert set(found.frame["group"]) == {"male", "all"}
    assert one(found, "in_programme", by="gender", estimand="p_value")["n_missing"] == 1


def test_one_group_alone_is_compared_with_nothing():
    found = compare_retention(select_cohort(records(EVENING)), by="program")
    assert found.frame["status"].tolist() == ["not_estimable"]
    assert "only one group" in found.frame["note"][0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"by": "age"}, "by is one of"),
        ({"by": "gender", "strata": "age"}, "strata is another column"),
        ({"by": "gender", "strata": "gender"}, "strata is another column"),
        ({"by": "gender", "reference": "evening"}, "reference is not a group"),
    ],
)
def test_what_is_not_there_is_refused(wrong, says):
    with pytest.raises(UsageError, match=says) as refused:
        compare_retention(select_cohort(records(EVENING)), **wrong)
    assert "female" not in str(refused.value)


LADDER = """
    episode | person | admission_date | discharge_day | end_reason
    --------+--------+----------------+---------------+-----------
    a1      | a      | 2025-01-06     | 40            | left_early
    a2      | a      | 2025-05-05     | 56            | completed
    b1      | b      | 2025-01-06     | 56            | completed
    c1      | c      | 2025-01-06     | 20            | left_early
    d1      | d      | 2025-01-06     | 5             | left_early
"""
# a1 last came on day 25, c1 on day 12; d1 never came.
CAME = "episode | day | status\n" + "\n".join(
    f"{episode} | {day} | attended"
    for episode, days in {"a1": (0, 2, 4, 25), "a2": (0, 2, 4, 7, 56), "b1": (0, 2, 4, 7, 56), "c1": (0, 12)}.items()
    for day in days
)


@pytest.fixture(scope="module")
def ways():
    return measure_sensitivity(records(LADDER, CAME), level_of_care="2.1", at=[30])


@pytest.mark.parametrize(
    ("by", "group", "kept", "of"),
    [
        ("exit_rule", "last_contact", 2, 4),
        ("exit_rule", "discharge", 3, 4),  # a1 is on the books until day 40
        ("episodes", "all_episodes", 2, 4),
        ("episodes", "first_episodes", 1, 3),
        ("rung", "admitted", 2, 5),
        ("rung", "attended", 2, 4),
        ("rung", "engaged", 2, 2),
        ("rung", "completed", 2, 2),
    ],
)
def test_each_way_of_counting_stands_beside_the_headline(ways, by, group, kept, of):
    row = one(ways, "retained", by=by, group=group, at=30)
    assert (row["n"], row["denominator"]) == (kept, of)
    assert row["value"] == pytest.approx(kept / of)
    assert value(ways, "lost_early", by=by, group=group) == pytest.approx(1 - kept / of)
    assert (row["note"] == "headline") == (group in ("last_contact", "all_episodes", "attended"))


def test_the_headline_is_what_measure_retention_says(ways):
    kept = measure_retention(select_cohort(records(LADDER, CAME), level_of_care="2.1"), at=[30])
    for definition in ("retained", "lost_early"):
        here, there = (
            {name: part for name, part in one(rows, definition).items() if part == part} for rows in (ways, kept)
        )
        assert here == there


def test_rungs_chosen_by_what_came_later_say_so(ways):
    notes = {group: one(ways, "retained", by="rung", group=group)["note"] for group in ("engaged", "completed")}
    assert notes["engaged"].startswith("only people who stayed")
    assert notes["completed"].startswith("only people who completed")


def test_another_headline_is_kept_while_one_choice_changes():
    found = measure_sensitivity(records(LADDER, CAME), at=[30], episodes="first", exit_rule="discharge")
    assert value(found, "retained") == pytest.approx(2 / 3)
    assert value(found, "retained", by="exit_rule", group="last_contact") == pytest.approx(1 / 3)
    assert one(found, "retained", by="episodes", group="first_episodes")["note"] == "headline"
