"""Comparison between groups (docs/methods/charts.md): each against everyone else, raw and partially pooled."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import one, records, value

from iop_outcomes import measure_by_group, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.statistics import newcombe_difference

RETAINED = "retained_followed"
PLAIN, POOLED = "everyone else", "everyone else, partially pooled"


def people(column, **counts):
    """Episodes by group of a column: ``female=(30, 10)`` completed on day 56, and left before completing on day 10."""
    rows = []
    for group, (stayed, left) in counts.items():
        for place in range(stayed + left):
            day, reason = ("56", "completed") if place < stayed else ("10", "left_early")
            rows.append((f"{group}-{place}", "" if group == "unknown" else group, day, reason))
    return pd.DataFrame(rows, columns=["episode_id", column, "discharge_day", "end_reason"])


def groups(episodes, by, **settings):
    cohort = select_cohort(records(episodes, **settings), exit_rule="discharge")
    return measure_by_group(cohort, "retained", by=by)


SUBSTANCES = {"alcohol": (40, 20), "opioids": (20, 20), "cocaine": (18, 12), "cannabis": (3, 7), "unknown": (9, 11)}


def test_a_group_is_held_against_everyone_else_not_against_the_largest():
    """Alcohol 40 of 60; everyone else, those not recorded included, 50 of 100."""
    found = groups(people("primary_substance", **SUBSTANCES), ["primary_substance"])
    row = one(found, RETAINED, estimand="difference", by="primary_substance", group="alcohol", reference=PLAIN)
    expected = newcombe_difference(40, 60, 50, 100)
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((expected.value, expected.low, expected.high))
    assert (row["denominator"], row["people"]) == (160, 160)
    assert row["design_word"] == "associated"


def test_small_groups_and_unknown_ones_are_shown_and_not_compared():
    found = groups(people("primary_substance", **SUBSTANCES), ["primary_substance"])
    shown = found.where(estimand="proportion", by="primary_substance").frame
    assert shown["denominator"].tolist() == [60, 10, 30, 40, 20]
    compared = found.where(estimand="difference", reference=PLAIN).frame["group"]
    assert compared.tolist() == ["alcohol", "cocaine", "opioids"]
    assert value(found, RETAINED, category="comparisons") == 3
    assert set(found.where(estimand="difference").frame["note"]) == {"one of 3 comparisons"}


def test_pooled_differences_lie_between_none_and_the_plain_ones():
    found = groups(people("primary_substance", **SUBSTANCES), ["primary_substance"])
    plain, pooled = (found.where(estimand="difference", reference=name).frame for name in (PLAIN, POOLED))
    assert (pooled["value"].abs() < plain["value"].abs()).all()
    assert (pooled["value"] * plain["value"] > 0).all()
    assert (pooled["ci_high"] - pooled["ci_low"] < plain["ci_high"] - plain["ci_low"]).all()


def test_two_groups_are_compared_and_not_pooled():
    found = groups(people("gender", female=(30, 10), male=(20, 20)), "gender")
    assert value(found, RETAINED, estimand="difference", by="gender", group="female") == pytest.approx(0.25)
    assert value(found, RETAINED, estimand="difference", by="gender", group="male") == pytest.approx(-0.25)


def test_comparisons_are_counted_over_all_columns():
    episodes = people("gender", female=(30, 10), male=(20, 20)).assign(employment=["full_time", "unemployed"] * 40)
    found = groups(episodes, ["gender", "employment", "housing"])
    assert value(found, RETAINED, category="comparisons") == 4
    assert len(found.where(reference=POOLED)) == 4
    assert len(found.where(by="housing")) == 0


def test_a_person_who_comes_twice_is_one_person():
    """Every person twice, both times alike: as many people, a wider range than of as many single episodes."""
    once = people("gender", female=(30, 10), male=(20, 20))
    once["person_id"] = once["episode_id"]
    again = once.assign(episode_id=once["episode_id"] + "-2", admission_date="2025-06-02")
    twice = groups(pd.concat([once.assign(admission_date="2025-01-06"), again]), ["gender"])
    row = one(twice, RETAINED, estimand="difference", by="gender", group="female")
    assert (row["denominator"], row["people"]) == (160, 80)
    single = newcombe_difference(60, 80, 40, 80)
    assert row["ci_high"] - row["ci_low"] > 1.3 * (single.high - single.low)


def test_groups_of_the_programmes_own_are_among_those_compared():
    episodes = people("gender", female=(30, 10), male=(20, 20)).assign(age=["25"] * 40 + ["52"] * 40)
    own = {"age_group": {"column": "age", "cuts": [40]}}
    cohort = select_cohort(records(episodes, groups=own), exit_rule="discharge")
    found = measure_by_group(cohort)
    assert set(found.where(by="age_group", estimand="difference").frame["group"]) == {"under 40", "40 or more"}


def test_words_that_are_not_known_are_refused():
    episodes = people("gender", female=(3, 1))
    for by, words in ((["diagnosis"], "by is one of"), ([], "at least one group column")):
        with pytest.raises(UsageError, match=words):
            groups(episodes, by)


def test_the_dots_say_in_words_what_they_draw():
    kind = FIGURES["equity"]
    found = groups(people("primary_substance", **SUBSTANCES), ["primary_substance"])
    assert "Primary substance: Alcohol 67%" in kind.describe(found)
    lines = {row[0]: row for row in kind.tabulate(found).rows}
    assert lines["Primary substance: Alcohol"][4] == "17 (1 to 31)"
    assert lines["Primary substance: Cannabis"][4:] == ("", "")
    assert to_svg(kind.draw(found), "e") == to_svg(kind.draw(found), "e")
