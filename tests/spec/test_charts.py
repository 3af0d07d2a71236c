"""Which chart a line over time gets and why, where it starts anew, and whether a target is within reach."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from tables import records

from iop_outcomes import measure_by_period, publish, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.chart_lines import assess_target
from iop_outcomes.records.program import check_settings

#: Missed of 20 sessions a month: what chance gives, and far more than it gives.
CALM = (4, 8, 5, 9, 4, 7, 6, 8, 5, 6, 7, 4)
WILD = (2, 16, 3, 15, 2, 17, 3, 16, 2, 15, 4, 16)


def months(*missed, held=20, **settings):
    """One person with so many sessions in each month from January 2024 on, so many of them missed."""
    each = held if isinstance(held, tuple) else (held,) * len(missed)
    rows = []
    for place, (count, of) in enumerate(zip(missed, each, strict=True)):
        for session in range(of):
            when = date(2024 + place // 12, place % 12 + 1, session % 28 + 1).isoformat()
            rows.append({"episode_id": "e1", "date": when, "status": "no_show" if session < count else "attended"})
    last = date(2024 + len(missed) // 12, len(missed) % 12 + 1, 1)
    stays = pd.DataFrame(
        {"episode_id": ["e1"], "admission_date": ["2024-01-01"], "discharge_day": "", "end_reason": ""}
    )
    return select_cohort(records(stays, pd.DataFrame(rows), as_of=last.isoformat(), **settings), rung="admitted")


def ended(*days, reason="terminated", as_of="2025-12-31", others=()):
    """Stays that began on 1 January 2025 and ended this way, or completed, on these days; all attended to the end."""
    reasons = [reason] * len(days) + ["completed"] * len(others)
    stays = pd.DataFrame({"episode_id": [f"e{place}" for place in range(len(reasons))], "admission_date": "2025-01-01"})
    stays["discharge_day"] = [str(day) for day in (*days, *others)]
    stays["end_reason"] = reasons
    return select_cohort(records(stays, as_of=as_of), rung="admitted", exit_rule="discharge")


def lines(found):
    """Values of the lines by name."""
    return found.where(estimand="center_line").frame.set_index("category")["value"].to_dict()


def chosen(found):
    """What the diagnostic row says of the choice: name, number, sentence."""
    rows = found.where(estimand="diagnostic").frame
    row = rows[~rows["category"].isin(["longest_run", "crossings"])].iloc[0]
    return row["category"], row["value"], row["note"]


def points(found):
    return found.frame[~found.frame["estimand"].isin(["center_line", "limit", "diagnostic"])]


# --- the choice ------------------------------------------------------------------------------------------------------
def test_fewer_than_twelve_months_make_a_run_chart_with_a_median_and_no_limits():
    found = measure_by_period(months(4, 8, 5, 9, 4, 7), "no_show")
    assert lines(found) == {"median": 0.3}
    assert chosen(found) == ("points", 6, "run chart: 6 points, fewer than 12")
    runs = found.where(estimand="diagnostic").frame.set_index("category")
    assert runs.loc["longest_run", "value"] == 1
    assert runs.loc["crossings", "note"] == "at least 1 of 6 points by chance"


def test_a_share_that_varies_as_counting_does_is_a_p_chart_with_limits_of_its_own_for_each_month():
    """73 of 250 missed: the centre is 0.292; with 20 sessions 3 · √(0.292 · 0.708 / 20) is 0.305, with 30 it is 0.249."""
    found = measure_by_period(months(*CALM, held=(20,) * 11 + (30,)), "no_show")
    assert lines(found) == {"centre": 0.292}
    upper = found.where(estimand="limit", category="upper").frame.set_index("period_start")["value"]
    assert upper["2024-11-01"] == pytest.approx(0.292 + 0.30501, abs=1e-5)
    assert upper["2024-12-01"] == pytest.approx(0.292 + 0.24904, abs=1e-5)
    assert found.where(estimand="limit", category="lower").frame["value"].min() == 0
    category, ratio, note = chosen(found)
    assert category == "dispersion"
    assert ratio < 1.5
    assert note.startswith("p-chart: periods differ no more than counting explains")


def test_a_share_that_varies_more_than_counting_does_is_a_p_prime_chart():
    found = measure_by_period(months(*WILD), "no_show")
    assert chosen(found)[2].startswith("p′-chart: periods differ more than counting explains")
    assert not points(found)["note"].notna().any()
    asked = measure_by_period(months(*WILD), "no_show", chart="p")
    assert points(asked)["note"].notna().all()  # what p′ spares the reader: every month a signal
    assert asked.where(estimand="diagnostic").frame.empty


def test_too_few_of_a_kind_for_limits_from_counts_make_an_xmr_chart():
    found = measure_by_period(months(1, 2, 0, 1, 2, 1, 0, 2, 1, 1, 2, 1), "no_show")
    category, expected, note = chosen(found)
    assert (category, round(expected, 2)) == ("expected_events", 1.17)
    assert note.startswith("XmR chart: 1.2 of a kind")
    assert set(lines(found)) == {"centre", "lower", "upper"}


def test_a_figure_that_is_no_share_of_a_count_is_an_xmr_chart():
    found = measure_by_period(months(*CALM, 5, 6), "hours_completion_enrolled")
    assert chosen(found)[2].startswith("XmR chart: the figure is not a share")


def test_wild_ranges_are_left_out_when_asked_and_the_method_says_so():
    plain = measure_by_period(months(*CALM, 20), "no_show", chart="xmr")
    screened = measure_by_period(months(*CALM, 20), "no_show", chart="xmr", screen=True)
    assert lines(screened)["upper"] < lines(plain)["upper"]
    assert screened.where(category="upper").frame["method"].iloc[0].endswith("ranges screened once")


@pytest.mark.parametrize(
    "words",
    [
        {"chart": "pie"},
        {"chart": "t"},
        {"chart": "g"},
        {"chart": "run", "screen": True},
        {"what": "admissions", "chart": "p"},
        {"what": "hours_completion_enrolled", "chart": "p_prime"},
    ],
)
def test_a_chart_the_line_has_no_numbers_for_is_refused(words):
    with pytest.raises(UsageError):
        measure_by_period(months(1), **{"what": "no_show", **words})


# --- starting anew ---------------------------------------------------------------------------------------------------
BEFORE, AFTER = (4, 6, 4, 6, 4, 6, 4, 6), (13, 15, 13, 15, 13, 15)


def rebase(day, measure="no_show", reason="group moved to the evening"):
    return {"rebases": [{"measure": measure, "from": date.fromisoformat(day), "reason": reason}]}


def test_from_a_recorded_day_centre_and_limits_are_computed_anew_and_the_months_before_keep_theirs():
    """5 and then 14 of 20; the rebase in mid-August holds from September, the first month after it."""
    plain = measure_by_period(months(*BEFORE, *AFTER), "no_show", chart="xmr")
    assert points(plain)["note"].notna().any()
    found = measure_by_period(months(*BEFORE, *AFTER, **rebase("2024-08-15")), "no_show", chart="xmr")
    assert not points(found)["note"].notna().any()
    first, second = found.where(category="centre").rows()
    assert (first["value"], first["period_start"], first["period_end"]) == (0.25, "2024-01-01", "2024-08-31")
    assert second["value"] == pytest.approx(0.7)
    assert (second["period_start"], second["period_end"]) == ("2024-09-01", "2025-02-28")
    assert second["note"] == "rebased: group moved to the evening"
    alone = measure_by_period(months(*BEFORE), "no_show", chart="xmr")
    assert first["value"] == lines(alone)["centre"]
    assert found.where(category="upper").frame["value"].iloc[0] == lines(alone)["upper"]


def test_levels_apart_are_not_taken_for_dispersion():
    found = measure_by_period(months(*BEFORE, *AFTER, **rebase("2024-09-01")), "no_show")
    assert chosen(found)[2].startswith("p-chart")
    assert len(found.where(estimand="limit")) == 2 * 14


def test_a_rebase_with_too_few_months_after_it_is_not_made_and_the_chart_says_so():
    found = measure_by_period(months(*BEFORE, *AFTER, **rebase("2024-10-01")), "no_show", chart="xmr")
    (centre,) = found.where(category="centre").rows()
    assert centre["note"] == "not rebased from 2024-10-01: fewer than 6 points after it"
    same = measure_by_period(months(*BEFORE, *AFTER), "no_show", chart="xmr")
    assert lines(found) == lines(same)


def test_a_rebase_speaks_of_its_own_line_and_must_name_one():
    found = measure_by_period(months(*BEFORE, *AFTER, **rebase("2024-09-01")), "hours_completion_enrolled", chart="xmr")
    assert len(found.where(category="centre")) == 1
    with pytest.raises(UsageError, match="rebases"):
        measure_by_period(months(*BEFORE, **rebase("2024-09-01", measure="profit")), "no_show")


# --- targets ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("limits", "target", "direction", "word"),
    [
        ((0.7, 0.9), 0.7, "up", "meets"),
        ((0.7, 0.9), 0.8, "up", "varies"),
        ((0.7, 0.9), 0.9, "up", "varies"),
        ((0.7, 0.9), 0.95, "up", "misses"),
        ((0.1, 0.2), 0.2, "down", "meets"),
        ((0.1, 0.2), 0.15, "down", "varies"),
        ((0.1, 0.2), 0.05, "down", "misses"),
        ((float("nan"), 0.2), 0.05, "down", "unknown"),
    ],
)
def test_a_target_is_assured_when_both_limits_lie_on_its_good_side(limits, target, direction, word):
    assert assess_target(*limits, target, direction) == word


@pytest.mark.parametrize(("target", "word"), [(0.9, "meets"), (0.2, "varies"), (0.01, "misses")])
def test_the_target_of_the_settings_is_a_line_with_its_assurance(target, word):
    """Missing fewer is better: limits of 5 ± 5.3 of 20, kept at 0 or above, lie below 90 % and on both sides of 20 %."""
    missed = BEFORE if word != "misses" else (5, 5, 5, 5, 5, 5, 5, 6)
    found = measure_by_period(months(*missed, targets={"no_show": target}), "no_show", chart="xmr")
    (row,) = found.where(category="target").rows()
    assert (row["value"], row["note"], row["estimand"]) == (target, f"assurance: {word}", "center_line")


def test_a_run_chart_has_no_limits_to_hold_a_target_against():
    found = measure_by_period(months(4, 8, 5, targets={"no_show": 0.5}), "no_show")
    assert found.where(category="target").frame["note"].tolist() == ["assurance: unknown"]
    assert measure_by_period(months(4, 8, 5), "no_show").where(category="target").frame.empty


def test_a_target_is_a_share_of_a_line_there_is():
    assert check_settings({"targets": {"no_show": 0.1}})[0]["targets"]["no_show"] == 0.1
    assert "share between 0 and 1" in check_settings({"targets": {"no_show": 10}})[1][0]
    assert "did you mean no_show" in check_settings({"targets": {"no_shows": 0.1}})[1][0]


# --- rare endings ----------------------------------------------------------------------------------------------------
def test_rare_endings_are_followed_by_the_days_between_them():
    """Ended by the programme on days 10, 30 and 31: 20 days and 1 day lie between; the 33 days since are not over."""
    found = measure_by_period(ended(10, 30, 31, others=range(5, 60), as_of="2025-03-05"), "terminated")
    gaps = points(found)
    assert gaps["definition"].unique().tolist() == ["terminated_days_between@1"]
    assert gaps["value"].tolist() == [20, 1, 32]
    assert gaps["status"].tolist() == ["ok", "ok", "immature"]
    assert gaps["period_end"].tolist() == ["2025-01-31", "2025-02-01", "2025-03-05"]
    assert chosen(found)[2] == "run chart: 2 points, fewer than 12"
    assert lines(found) == {"median": 10.5}


def test_other_endings_between_are_counted_up_to_the_day_of_the_event():
    """Completed on days 12, 20, 30, 30 and 40: four end after day 10 and by day 30; one has ended since."""
    found = measure_by_period(ended(10, 30, others=(5, 12, 20, 30, 30, 40)), "terminated", chart="g")
    assert points(found)["value"].tolist() == [4, 1]
    assert points(found)["definition"].unique().tolist() == ["terminated_endings_between@1"]


def test_several_on_one_day_are_one_event_of_the_chart():
    found = measure_by_period(ended(10, 30, 30, 45), "terminated", chart="t")
    assert points(found)["value"].tolist()[:2] == [20, 15]
    assert points(found)["n"].tolist()[:2] == [2, 1]


def test_enough_gaps_have_limits_and_a_long_wait_is_better():
    days = [10 * place for place in range(1, 15)]
    found = measure_by_period(ended(*days, 340, others=range(1, 365)), "terminated", chart="t")
    assert points(found)["note"].tolist()[13] == "signal: better"
    assert {"centre", "upper"} <= set(lines(found))


def test_where_how_many_stays_end_has_changed_endings_are_counted_and_not_days():
    others = [*range(1, 180, 15), *sorted([*range(180, 365)] * 3)]
    found = measure_by_period(ended(*range(20, 340, 20), others=others), "terminated")
    assert points(found)["definition"].unique().tolist() == ["terminated_endings_between@1"]
    assert chosen(found)[0] == "expected_events"
    assert "has itself changed" in chosen(found)[2]


def test_an_ending_that_is_not_rare_is_followed_as_a_share_of_the_stays_that_ended():
    days = [30 * month + 2 * place + 1 for month in range(12) for place in range(6)]
    found = measure_by_period(ended(*days, others=days), "terminated", until="2025-12-15")
    rows = points(found)
    assert rows["definition"].unique().tolist() == ["terminated_share@1"]
    assert rows["value"].unique().tolist() == [0.5]
    assert chosen(found)[0] == "dispersion"


def test_an_ending_that_hardly_ever_happened_is_a_share_without_limits():
    found = measure_by_period(ended(50, others=range(1, 300), reason="died"), "died")
    assert points(found)["definition"].unique().tolist() == ["died_share@1"]
    assert chosen(found)[2].startswith("run chart: ")
    assert measure_by_period(ended(others=(10, 50)), "died", chart="t").frame.empty


def test_days_between_single_endings_are_never_public():
    found = measure_by_period(ended(*range(10, 360, 10), others=range(1, 365)), "terminated", chart="t")
    assert publish(found).frame["status"].unique().tolist() == ["withheld"]
    assert "ok" in publish(found, audience="internal").frame["status"].tolist()


def test_completing_is_followed_by_month_of_admission_up_to_two_weeks_after_the_planned_end():
    """Eight weeks are planned: January's stays are read on day 70, in mid-April; May's are too early at the end of June."""
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-01-06     | 56            | completed
        b       | 2025-01-20     | 75            | completed
        c       | 2025-05-05     | 40            | completed
    """
    chosen_stays = select_cohort(records(stays, as_of="2025-06-30"), rung="admitted", exit_rule="discharge")
    found = points(measure_by_period(chosen_stays, "completed")).set_index("period_start")
    assert found.loc["2025-01-01", ["value", "at", "status"]].tolist() == [0.5, 70, "ok"]
    assert found.loc["2025-05-01", "status"] == "immature"
    assert points(measure_by_period(chosen_stays, "completed", at=80))["value"].iloc[0] == 1
