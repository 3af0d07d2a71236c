"""Pathways (docs/definitions/pathways.md): what came before an admission, what came next, and who came back."""

from __future__ import annotations

import pytest
from tables import one, records, value

from iop_outcomes import measure_pathways, measure_retention, select_cohort
from iop_outcomes.errors import UsageError

LEVELS = """
    program | label | level_of_care | planned_weeks | required_hours
    --------+-------+---------------+---------------+---------------
    res     | House | 3.5           | 4             | 20
    iop     | IOP   | 2.1           | 8             | 9
    eve     | Eve   | 2.1           | 8             | 9
    op      | OP    | 1             | 26            | 2
"""
# The extract is of 31 December. a stepped down twice: from the house (left on 3 February) and to outpatient care. b stepped
# up to the house 10 days after leaving. c moved to the evening on the next day, and came back 100 days after that ended.
# d took one step only. e was admitted on 1 December and is still in the programme.
STEPS = """
    episode | person | program | admission_date | discharge_day | end_reason
    --------+--------+---------+----------------+---------------+-----------
    a1      | a      | res     | 2025-01-06     | 28            | completed
    a2      | a      | iop     | 2025-02-03     | 56            | completed
    a3      | a      | op      | 2025-04-10     | 30            | completed
    b1      | b      | iop     | 2025-02-03     | 20            | left_early
    b2      | b      | res     | 2025-03-05     | 30            | completed
    c1      | c      | iop     | 2025-02-03     | 10            | transferred
    c2      | c      | eve     | 2025-02-14     | 50            | completed
    c3      | c      | iop     | 2025-07-14     | 20            | left_early
    d1      | d      | iop     | 2025-02-03     | 40            | left_early
    e1      | e      | iop     | 2025-12-01     |               |
"""


@pytest.fixture(scope="module")
def steps():
    return measure_pathways(select_cohort(records(STEPS, programs=LEVELS), level_of_care="2.1"))


def test_episodes_close_together_are_one_pathway(steps):
    """a, b, d and e have one each, c has two: six pathways of five people, with 3 + 2 + 2 + 1 + 1 + 1 episodes."""
    row = one(steps, "pathway")
    assert (row["value"], row["n"], row["people"], row["n_missing"]) == (6, 6, 5, 0)
    assert value(steps, "pathway_episodes") == pytest.approx(10 / 6)
    assert one(steps, "pathway_episodes")["n_missing"] == 1  # e's may grow


def test_where_people_came_from_is_the_step_to_their_first_admission_counted_here(steps):
    shares = steps.where(definition="pathway_origin@1").frame.set_index("category")["n"]
    assert shares.to_dict() == {"began_here": 5, "from_higher_level": 1, "from_lower_level": 0, "from_same_level": 0}


def test_steps_after_admission_count_by_their_day(steps):
    """c moved at the same level on day 11 and b stepped up on day 30, the day e was last seen: one in six each.

    a stepped down on day 66. By then e is out of view, and c's second pathway (20 days and 14 more) and d's (40 and 14)
    were over: one of five on day 34, one of four on day 54. Of the three left, one steps down: 4/5 · 3/4 · 1/3.
    """
    assert value(steps, "pathway_step", category="same_level") == pytest.approx(1 / 6)
    assert value(steps, "pathway_step", category="step_up") == pytest.approx(1 / 6)
    row = one(steps, "pathway_step", category="step_down")
    assert (row["n"], row["denominator"], row["people"], row["n_missing"]) == (1, 6, 5, 1)
    assert row["value"] == pytest.approx(4 / 5 * 3 / 4 * 1 / 3)


def test_days_run_from_admission_to_the_end_of_the_pathway():
    stays = """
        episode | person | program | admission_date | discharge_day | end_reason
        a1      | a      | iop     | 2025-02-03     | 20            | completed
        a2      | a      | op      | 2025-03-05     | 30            | completed
        b1      | b      | iop     | 2025-02-03     | 40            | left_early
    """
    found = measure_pathways(select_cohort(records(stays, programs=LEVELS), level_of_care="2.1"))
    # a: 30 days to the second admission, and 30 more. b: 40 days.
    assert value(found, "pathway_days") == pytest.approx((60 + 40) / 2)
    short = measure_pathways(select_cohort(records(stays, programs=LEVELS), level_of_care="2.1"), within=50)
    assert value(short, "pathway_days") == pytest.approx((50 + 40) / 2)


def test_a_pathway_that_ended_lately_may_go_on():
    """b left 10 days before the extract: whether that was the end is not known, so b is followed to day 36, 14 days before."""
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-02-03     | 10            | completed
        b       | 2025-11-11     | 40            | left_early
    """
    found = measure_pathways(select_cohort(records(stays)), within=36)
    assert value(found, "pathway_days") == pytest.approx((10 + 36) / 2)
    assert one(measure_pathways(select_cohort(records(stays)), within=37), "pathway_days")["status"] == "not_estimable"


def test_coming_back_counts_after_every_end(steps):
    """Five pathways ended (c's first on day 61, with a return 100 days later); the rest did not come back."""
    row = one(steps, "pathway_return")
    assert (row["n"], row["denominator"], row["at"]) == (1, 5, 180)
    # c's second pathway ended on 3 August, 150 days before the extract, after the one return on day 100.
    assert row["value"] == pytest.approx(1 / 5)
    assert row["n_missing"] == 1


def test_how_long_a_pathway_may_pause_is_a_setting():
    paused = records(STEPS, programs=LEVELS, retention={"pathway_days": 5})
    found = measure_pathways(select_cohort(paused, level_of_care="2.1"))
    assert value(found, "pathway") == 6
    assert value(found, "pathway_step", category="step_up") == 0  # b waited for ten days
    longer = records(STEPS, programs=LEVELS, retention={"pathway_days": 120})
    assert value(measure_pathways(select_cohort(longer, level_of_care="2.1")), "pathway") == 5


@pytest.mark.parametrize(("settings", "share"), [({}, 1), ({"return_days": 60}, 0), ({"pathway_days": 80}, 0)])
def test_re_presentation_follows_the_settings(settings, share):
    """a came back 71 days after completing."""
    stays = """
        episode | person | admission_date | discharge_day | end_reason
        a1      | a      | 2025-01-06     | 56            | completed
        a2      | a      | 2025-05-13     | 5             | left_early
    """
    row = one(measure_retention(select_cohort(records(stays, retention=settings))), "re_presentation")
    assert row["value"] == share
    assert row["at"] == settings.get("return_days", 180)


def test_groups_are_of_the_first_admission_counted(steps):
    found = measure_pathways(select_cohort(records(STEPS, programs=LEVELS), level_of_care="2.1"), by="program")
    assert one(found, "pathway", by="program", group="IOP")["n"] == 6
    assert not len(found.where(by="program", group="Eve"))  # c came there from the IOP
    everywhere = select_cohort(records(STEPS, programs=LEVELS))
    assert one(measure_pathways(everywhere, by="program"), "pathway", by="program", group="House")["n"] == 1  # a's
    with pytest.raises(UsageError, match="by is one of"):
        measure_pathways(everywhere, by="age")
    with pytest.raises(UsageError, match="1 or more"):
        measure_pathways(everywhere, within=0)
