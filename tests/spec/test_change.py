"""Change on scales: everybody with a baseline stays in the denominator, and unknown is a segment.

See docs/definitions/change.md.
"""

from __future__ import annotations

import pandas as pd
import pytest
from tables import one, records, value

from iop_outcomes import measure_change, publish, select_cohort
from iop_outcomes.errors import UsageError

#: Left before completing on day 40 of an eight-week programme, long before the extract.
STAYS = "episode | discharge_day | end_reason\n" + "\n".join(f"{name} | 40 | left_early" for name in "abcde")


def change(outcomes, episodes=STAYS, to="last", by=None, scales=None, rung="admitted", **settings):
    cohort = select_cohort(records(episodes, None, outcomes, **settings), exit_rule="discharge", rung=rung)
    return measure_change(cohort, to=to, by=by, scales=scales)


def test_improved_same_worse_and_unknown_add_to_everybody_with_a_baseline():
    """a fell by 6, b by 5, c rose by 6, d was not asked again; e has no baseline and is counted as missing."""
    found = change("""
        episode | day | point  | instrument | score
        --------+-----+--------+------------+------
        a       | 0   | intake | phq9       | 16
        a       | 28  | week   | phq9       | 10
        b       | 1   | intake | phq9       | 14
        b       | 28  | week   | phq9       | 9
        c       | 0   | intake | phq9       | 8
        c       | 40  | exit   | phq9       | 14
        d       | 0   | intake | phq9       | 12
        e       | 28  | week   | phq9       | 12
    """)
    rows = found.where(definition="change_segment@1")
    assert rows.frame.set_index("category")["value"].to_dict() == {
        "phq9/improved": 0.25,
        "phq9/same": 0.25,
        "phq9/worse": 0.25,
        "phq9/unknown": 0.25,
    }
    assert set(rows.frame["denominator"]) == {4}
    assert set(rows.frame["n_missing"]) == {1}
    # The band: one of four improved for certain, two of four if d did.
    assert value(found, "reliable_improvement", category="phq9/improved") == 0.25
    assert value(found, "reliable_improvement_upper", category="phq9/improved_or_unknown") == 0.5
    # Means: of four before; of three asked twice, -6, -5 and 6.
    assert value(found, "baseline_mean", category="phq9") == 12.5
    mean = one(found, "change_mean", category="phq9")
    assert (mean["value"], mean["denominator"], mean["n_missing"]) == (pytest.approx(-5 / 3), 3, 1)
    before, after = (value(found, name, category="phq9") for name in ("score_before", "score_after"))
    assert (before, after) == (pytest.approx(38 / 3), 11)
    # At or above 10: a, b and d before; a (10) and c after, b below, d unknown.
    assert value(found, "cutoff_before", category="phq9/at_or_above") == 0.75
    after = [value(found, "cutoff_after", category=f"phq9/{word}") for word in ("at_or_above", "below", "unknown")]
    assert after == [0.5, 0.25, 0.25]
    assert "not from substance use care" in mean["note"]


CASES = """
    episode | day | point  | instrument | score
    a       | 0   | intake | phq9       | 16
    a       | 40  | exit   | phq9       | 8
    b       | 0   | intake | phq9       | 20
    b       | 40  | exit   | phq9       | 12
    c       | 0   | intake | phq9       | 12
    d       | 0   | intake | phq9       | 8
    d       | 40  | exit   | phq9       | 1
    e       | 0   | intake | phq9       | 4
    e       | 40  | exit   | phq9       | 4
"""


def test_recovery_is_counted_among_people_who_were_cases():
    """a recovered, b improved and is still a case, c is unknown; d and e were no cases."""
    found = change(CASES)
    rows = found.where(definition="recovery@1").frame.set_index("category")
    assert rows["n"].to_dict() == {"phq9/recovered": 1, "phq9/not_recovered": 1, "phq9/unknown": 1}
    assert set(rows["denominator"]) == {3}
    assert set(rows["n_missing"]) == {2}


def test_what_would_come_by_itself_stands_beside_the_change():
    """Baselines 16, 20, 12, 8 and 4 have the mean 12. The two cases asked twice had 18: (1 - .75) · (12 - 18) = -1.5."""
    found = change(CASES)
    assert value(found, "change_mean", category="phq9/cases") == -8
    row = one(found, "expected_regression", category="phq9/cases")
    assert (row["value"], row["denominator"], row["n_missing"], row["design_word"]) == (-1.5, 2, 1, "described")
    assert "0.75" in row["method"]
    assert value(found, "improvement_cases", category="phq9/cases") == 1
    assert 0 < value(found, "expected_improvement", category="phq9/cases") < 0.25


def test_the_baseline_is_the_first_assessment_around_admission():
    """a: day -3 counts, not day 5. b: day 8 is too late. c: a weekly assessment of day 6 serves. d: intake before week."""
    found = change("""
        episode | day | point  | instrument | score
        a       | 5   | intake | phq9       | 4
        a       | -3  | intake | phq9       | 20
        b       | 8   | intake | phq9       | 9
        c       | 6   | week   | phq9       | 10
        d       | 0   | week   | phq9       | 3
        d       | 0   | intake | phq9       | 6
    """)
    row = one(found, "baseline_mean", category="phq9")
    assert (row["value"], row["denominator"]) == (12, 3)


LATER = """
    episode | day | week | point  | instrument | score | status
    a       | 0   |      | intake | phq9       | 20    | done
    a       | 13  |      | week   | phq9       | 1     | done
    b       | 0   |      | intake | phq9       | 20    | done
    b       | 14  |      | week   | phq9       | 12    | done
    b       | 21  |      | week   | phq9       |       | missed
    c       | 0   |      | intake | phq9       | 20    | done
    c       |     | 4    | week   | phq9       | 15    | done
    c       |     | 3    | week   | phq9       | 3     | done
    d       | 0   |      | intake | phq9       | 20    | done
    d       | 28  |      | week   | phq9       | 12    | done
    d       |     |      | exit   | phq9       | 10    | done
"""


def test_the_later_score_is_the_last_in_care_two_weeks_or_more_after():
    """a: 13 days are too soon. b: day 14, a missed one is none. c: the end of week 4. d: exit without a date is last."""
    row = one(change(LATER), "score_after", category="phq9")
    assert (row["value"], row["denominator"], row["n_missing"]) == (pytest.approx((12 + 15 + 10) / 3), 3, 1)


def test_the_exit_assessment_alone_leaves_more_unknown():
    found = change(LATER, to="exit")
    assert (value(found, "score_after", category="phq9"), found.settings["change_to"]) == (10, "the exit assessment")
    assert value(found, "change_segment", category="phq9/unknown") == 0.75


def test_change_to_a_follow_up_is_among_everybody_due():
    """Six months: a answered on day 190, b without a date, c not; d was admitted too late to be due."""
    episodes = pd.DataFrame(
        {
            "episode_id": list("abcd"),
            "admission_date": ["2025-01-06"] * 3 + ["2025-07-01"],
            "discharge_day": ["40"] * 4,
            "end_reason": "completed",
        }
    )
    found = change(
        """
        episode | day | month | point    | instrument | score
        a       | 0   |       | intake   | phq9       | 16
        a       | 190 |       | followup | phq9       | 9
        b       | 0   |       | intake   | phq9       | 12
        b       |     | 6     | followup | phq9       | 12
        c       | 0   |       | intake   | phq9       | 14
        d       | 0   |       | intake   | phq9       | 14
        """,
        episodes,
        to="followup",
    )
    rows = found.where(definition="change_segment@1", at=180).frame.set_index("category")["n"]
    assert rows.to_dict() == {"phq9/improved": 1, "phq9/same": 1, "phq9/worse": 0, "phq9/unknown": 1}
    assert one(found, "change_mean", category="phq9", at=180)["value"] == -3.5
    assert one(found, "change_segment", category="phq9/unknown", at=90)["value"] == 1


def test_people_whose_planned_end_lies_ahead_are_not_counted_yet():
    """Eight weeks from admission: b was admitted 41 days before the extract, and left."""
    episodes = pd.DataFrame(
        {
            "episode_id": ["a", "b"],
            "admission_date": ["2025-06-02", "2025-11-20"],
            "discharge_day": ["40", "20"],
            "end_reason": "left_early",
        }
    )
    found = change("episode|day|point|instrument|score\na|0|intake|phq9|12\nb|0|intake|phq9|20", episodes)
    row = one(found, "baseline_mean", category="phq9")
    assert (row["value"], row["denominator"], row["n_missing"]) == (12, 1, 1)


def items(episode, day, answers, point="intake", scale="phq9"):
    rows = [
        f"{episode} | {day} | {point} | {scale}_{number} | {answer}"
        for number, answer in enumerate(answers, 1)
        if answer
    ]
    return "\n".join(rows)


def test_a_score_is_worked_out_from_its_items_where_it_is_not_recorded():
    """a: nine answers of 2. b: eight of 2 and one missing. c: two missing. d: items and a recorded score, which counts."""
    lines = [
        "episode | day | point | instrument | score",
        items("a", 0, "222222222"),
        items("b", 0, "22222222"),
        items("c", 0, "2222222"),
        items("d", 0, "222222222"),
        "d | 0 | intake | phq9 | 6",
    ]
    found = change("\n".join(lines))
    row = one(found, "baseline_mean", category="phq9")
    assert (row["value"], row["denominator"]) == ((18 + 18 + 6) / 3, 3)
    assert not (found.frame["category"] == "phq9_1").any()


def test_the_bam_is_shown_by_item_and_subscale_without_thresholds():
    """Use is the sum of items 4, 5 and 6; a used 20 + 10 + 0 days before and 4 + 0 + 0 after."""
    lines = ["episode | day | point | instrument | score"]
    for day, point, days in ((0, "intake", (20, 10, 0)), (28, "week", (4, 0, 0))):
        lines += [f"a | {day} | {point} | bam_{item} | {n}" for item, n in zip((4, 5, 6), days, strict=True)]
    found = change("\n".join(lines))
    assert value(found, "change_mean", category="bam_use") == -26
    assert value(found, "change_mean", category="bam_4") == -16
    assert "read them with care" in one(found, "change_mean", category="bam_use")["note"]
    assert set(found.frame["definition"]) == {"baseline_mean@1", "score_before@1", "score_after@1", "change_mean@1"}


def test_the_barc_has_a_cut_off_and_no_points_of_change():
    """a rises from 40 to 47, b stays at 50: one of two at 47 or more before, both after; cases lie below."""
    found = change("""
        episode | day | point  | instrument | score
        a       | 0   | intake | barc10     | 40
        a       | 40  | exit   | barc10     | 47
        b       | 0   | intake | barc10     | 50
        b       | 40  | exit   | barc10     | 50
    """)
    assert value(found, "cutoff_before", category="barc10/at_or_above") == 0.5
    assert value(found, "cutoff_after", category="barc10/at_or_above") == 1
    assert value(found, "change_mean", category="barc10/cases") == 7
    names = set(found.frame["definition"])
    assert not names & {"change_segment@1", "recovery@1", "expected_regression@1", "reliable_improvement@1"}


OWN = """
    episode | day | point  | instrument | score
    a       | 0   | intake | coping     | 3
    a       | 40  | exit   | coping     | 8
    b       | 0   | intake | coping     | 7
    b       | 40  | exit   | coping     | 5
"""


def test_a_new_scale_is_configuration():
    """Coping from 0 to 10, higher is better, well from 6, three points reliable: a recovered, b stayed the same."""
    keys = {"kind": "scale", "label": "Coping", "low": 0, "high": 10, "better": "higher", "case_at": 6}
    found = change(OWN, instruments={"coping": {**keys, "reliable_change": 3, "retest": 0.8}})
    assert value(found, "change_segment", category="coping/improved") == 0.5
    assert value(found, "change_segment", category="coping/same") == 0.5
    assert one(found, "recovery", category="coping/recovered")["denominator"] == 1
    assert value(found, "expected_regression", category="coping/cases") == pytest.approx(0.2 * (5 - 3))
    assert found.settings["scales"]["coping"]["label"] == "Coping"
    bare = change(OWN, scales=["coping"], instruments={"coping": {"kind": "scale", "low": 0, "high": 10}})
    assert value(bare, "change_mean", category="coping") == 1.5
    with pytest.raises(UsageError, match="which direction is better"):
        change(OWN, scales=["coping"], instruments={"coping": {"kind": "scale", "low": 0, "high": 10, "case_at": 6}})


def test_people_who_come_twice_are_counted_once_as_people():
    episodes = pd.DataFrame(
        {
            "episode_id": list("abcd"),
            "person_id": ["p", "p", "q", "r"],
            "admission_date": ["2025-01-06", "2025-06-02", "2025-01-06", "2025-01-06"],
            "discharge_day": "40",
            "end_reason": "left_early",
        }
    )
    scores = {"a": (20, 10), "b": (18, 6), "c": (15, 15), "d": (10, 8)}
    lines = ["episode|day|point|instrument|score"]
    for name, (before, after) in scores.items():
        lines += [f"{name}|0|intake|phq9|{before}", f"{name}|40|exit|phq9|{after}"]
    row = one(change("\n".join(lines), episodes), "change_mean", category="phq9")
    assert (row["value"], row["denominator"], row["people"]) == (-6, 4, 3)
    apart = one(change("\n".join(lines), episodes.assign(person_id=list("abcd"))), "change_mean", category="phq9")
    assert row["ci_high"] - row["ci_low"] > apart["ci_high"] - apart["ci_low"]


def test_groups_stand_beside_everyone_and_unknown_is_a_group():
    episodes = STAYS.replace("end_reason", "end_reason | gender").replace("left_early", "left_early | female", 3)
    episodes = "\n".join(
        line if "gender" in line or "female" in line else f"{line} |" for line in episodes.splitlines()
    )
    found = change(CASES, episodes, by="gender")
    denominators = {
        (row["by"], row["group"] if row["group"] == row["group"] else None): row["denominator"]
        for row in found.where(definition="change_segment@1", category="phq9/improved").rows()
    }
    assert denominators == {("all", "all"): 5, ("gender", "female"): 3, ("gender", None): 2}


def test_nothing_asked_gives_no_rows_and_wrong_words_are_refused():
    assert len(change("episode|day|instrument|result\na|3|urine|negative")) == 0
    assert len(change("episode|day|point|instrument|score\na|40|exit|phq9|9")) == 0
    assert len(change(CASES, to="followup")) == 0
    for wrong in ({"to": "end"}, {"by": "shoe size"}, {"scales": ["phq10"]}, {"scales": "phq9"}, {"scales": ["urine"]}):
        with pytest.raises(UsageError):
            change(CASES, **wrong)


def test_a_segment_of_few_people_cannot_be_worked_out_from_the_others():
    """40 improved, 30 the same, 3 worse, 27 unknown: "worse" is withheld and "same" with it; the others stay."""
    lines = ["episode|day|point|instrument|score"]
    later = [10] * 40 + [20] * 30 + [27] * 3 + [None] * 27
    for place, score in enumerate(later):
        lines.append(f"e{place}|0|intake|phq9|20")
        if score is not None:
            lines.append(f"e{place}|40|exit|phq9|{score}")
    episodes = pd.DataFrame({"episode_id": [f"e{place}" for place in range(100)]}).assign(
        discharge_day="40", end_reason="left_early"
    )
    released = publish(change("\n".join(lines), episodes))
    status = released.where(definition="change_segment@1").frame.set_index("category")["status"]
    assert status.to_dict() == {
        "phq9/improved": "ok",
        "phq9/same": "withheld",
        "phq9/worse": "withheld",
        "phq9/unknown": "ok",
    }
    kept = released.frame[released.frame["status"] == "ok"]["definition"]
    assert {"reliable_improvement@1", "reliable_improvement_upper@1", "change_mean@1"} <= set(kept)


def test_the_figure_says_what_its_rows_say_and_nothing_else():
    from iop_outcomes.publication.figures import FIGURES, to_svg

    kind, found = FIGURES["change"], change(CASES)
    words = kind.describe(found)
    # Asked twice: a, b, d and e with 16, 20, 8 and 4 before, and 8, 12, 1 and 4 after.
    for said in ("PHQ-9: from 12.0 to 6.2 points", "changed by −8.0 where −1.5", "60% improved", "20% unknown"):
        assert said in words, said
    table = kind.tabulate(found)
    assert [line[0] for line in table.rows] == ["PHQ-9", "PHQ-9, 10 or more at baseline"]
    assert table.rows[1][5].value == -1.5
    assert to_svg(kind.draw(found), "x") == to_svg(kind.draw(found), "x")
    # Five people are too few to publish: no number is left, and the figure says so.
    released = publish(found)
    assert "withheld to protect privacy" in kind.describe(released)
    assert to_svg(kind.draw(released), "y").startswith("<svg")
    for line in kind.tabulate(released).rows:
        assert all(not cell.shown for cell in line[1:] if not isinstance(cell, str))
