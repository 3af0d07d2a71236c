"""Work, school, housing, family and arrests, before care and after it (docs/definitions/roles.md)."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import one, records, value

from iop_outcomes import measure_roles, publish, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures.roles import describe_roles, draw_roles, tabulate_roles

#: Eight people who left after the planned eight weeks, one row a person and answer; ``-`` is an answer nobody asked for.
WORK = {
    "a": ("yes", "yes"),
    "b": ("yes", "yes"),
    "c": ("yes", "no"),
    "d": ("yes", "-"),
    "e": ("no", "yes"),
    "f": ("no", "no"),
    "g": ("not_applicable", "yes"),
    "h": ("-", "yes"),
}


def answers(said, role="work", after="exit", day="56", month=""):
    """Rows of the outcomes table from two answers a person."""
    rows = []
    for episode, two in said.items():
        for point, when, answer in zip(("intake", after), ("0", day), two, strict=True):
            if answer != "-":
                row = {"episode_id": episode, "point": point, "day": when, "instrument": role, "result": answer}
                rows.append({**row, "month": month if point == "followup" else "", "substance": ""})
    return pd.DataFrame(rows)


def stays(names, **columns):
    ended = {"discharge_day": "56", "end_reason": "completed", **columns}
    return pd.DataFrame({"episode_id": list(names)}).assign(**ended)


def roles(said, episodes=None, combine=False, to="exit", by=None, outcomes=None, **settings):
    read = records(
        stays(said) if episodes is None else episodes, None, answers(said) if outcomes is None else outcomes, **settings
    )
    return measure_roles(select_cohort(read, exit_rule="discharge"), to=to, by=by, combine=combine)


def counted(found, definition="role_work", **where):
    rows = found.where(definition=f"{definition}@1", estimand="proportion", **{"by": "all", **where})
    return rows.frame.set_index("category")["n"].to_dict()


@pytest.fixture(scope="module")
def found():
    return roles(WORK)


def test_everybody_admitted_is_in_one_part(found):
    """Two kept it, one lost it, one was not asked again, one gained it, one is still without, one is not in the labour
    force at intake, one was not asked at intake: eight of eight."""
    parts = {"kept": 2, "gained": 1, "still_without": 1, "lost": 1, "does_not_apply": 1, "not_asked": 1, "unknown": 1}
    assert counted(found) == parts
    assert value(found, "role_work", category="kept") == 2 / 8
    shares = found.where(definition="role_work@1", estimand="proportion").frame["value"]
    assert shares.sum() == pytest.approx(1)
    row = one(found, "role_work", category="kept")
    assert (row["denominator"], row["people"], row["n_missing"]) == (8, 8, 0)


def test_kept_among_those_who_had_it_stands_beside_its_bounds(found):
    """Four had work. Of the three asked again two kept it; of the four, 2 to 3 did, whatever the fourth would say."""
    asked, least, most = (one(found, "role_work", category=f"kept_{name}") for name in ("asked", "least", "most"))
    assert (asked["value"], asked["n"], asked["denominator"], asked["n_missing"]) == (2 / 3, 2, 3, 1)
    assert (least["value"], least["n"], least["denominator"]) == (2 / 4, 2, 4)
    assert (most["value"], most["n"], most["denominator"]) == (3 / 4, 3, 4)
    assert least["ci_low"] == most["ci_low"] < least["value"] <= most["value"] < most["ci_high"] == least["ci_high"]


def test_nobody_who_was_not_asked_vanishes():
    """All who were asked kept work; the nine who were not are counted, and the lower bound says so."""
    said = {"a": ("yes", "yes"), **{f"x{place}": ("yes", "-") for place in range(9)}}
    found = roles(said)
    assert value(found, "role_work", category="kept") == 0.1
    assert value(found, "role_work", category="not_asked") == 0.9
    assert value(found, "role_work", category="kept_asked") == 1
    assert value(found, "role_work", category="kept_least") == 0.1


def test_a_role_that_does_not_apply_is_neither_had_nor_lost():
    """At either end, whatever the other answer: leaving the labour force is not losing work."""
    said = {
        "a": ("yes", "not_applicable"),
        "b": ("not_applicable", "no"),
        "c": ("not_applicable", "-"),
        "d": ("yes", "yes"),
    }
    found = roles(said)
    assert counted(found)["does_not_apply"] == 3
    assert one(found, "role_work", category="kept_least")["denominator"] == 1


def test_only_those_who_had_the_role_are_told_apart_when_the_rest_is_combined():
    found = roles(WORK, combine=True)
    assert counted(found) == {"kept": 2, "lost": 1, "not_asked": 1, "others": 4}
    assert value(found, "role_work", category="kept_asked") == 2 / 3


def test_people_whose_exit_cannot_be_asked_about_yet_are_left_out_and_counted():
    """The extract is of 2025-12-31. a and b came in November: their eight weeks are not over, although b has left. c has
    been there for longer than planned and has not left. d died. e counts."""
    said = dict.fromkeys("abcde", ("yes", "yes"))
    episodes = pd.DataFrame(
        {
            "episode_id": list("abcde"),
            "admission_date": ["2025-11-20", "2025-11-20", "2025-06-02", "2025-06-02", "2025-06-02"],
            "discharge_day": ["", "10", "", "20", "56"],
            "end_reason": ["", "left_early", "", "died", "completed"],
        }
    )
    row = one(roles(said, episodes, outcomes=answers(said, day="9")), "role_work", category="kept")
    assert (row["n"], row["denominator"], row["n_missing"]) == (1, 1, 4)


def test_when_nobody_is_due_it_is_too_early_to_say():
    said = {"a": ("yes", "-")}
    episodes = pd.DataFrame({"episode_id": ["a"], "admission_date": ["2025-12-15"], "discharge_day": [""]}).assign(
        end_reason=""
    )
    row = one(roles(said, episodes), "role_work", category="kept")
    assert (row["status"], row["denominator"], row["n_missing"]) == ("immature", 0, 1)


def test_at_follow_up_the_day_and_its_window_must_lie_behind():
    """Six months are day 180, and day 210 with the window. a is due and kept work, b was admitted too late, c was due and
    not reached."""
    said = {"a": ("yes", "yes"), "b": ("yes", "yes"), "c": ("yes", "-")}
    episodes = stays("abc", admission_date=["2025-01-06", "2025-09-01", "2025-01-06"])
    found = roles(
        said,
        episodes,
        to="followup",
        outcomes=answers(said, after="followup", day="185", month="6")[
            lambda f: ~((f.episode_id == "b") & (f.point == "followup"))
        ],
    )
    row = one(found, "role_work", category="kept")
    assert (row["n"], row["denominator"], row["n_missing"], row["at"]) == (1, 2, 1, 180)
    assert counted(found)["not_asked"] == 1


def test_an_interview_outside_the_window_is_no_answer():
    said = {"a": ("yes", "yes"), "b": ("yes", "yes")}
    outcomes = answers(said, after="followup", day="210", month="6")
    outcomes.loc[(outcomes["episode_id"] == "b") & (outcomes["point"] == "followup"), "day"] = "211"
    found = roles(said, outcomes=outcomes, to="followup")
    assert (counted(found)["kept"], counted(found)["not_asked"]) == (1, 1)


def test_each_role_has_a_definition_of_its_own():
    """Parts of two roles are never parts of one whole."""
    both = pd.concat([answers(WORK), answers({"a": ("yes", "no")}, role="no_arrest")])
    found = roles(WORK, outcomes=both)
    assert set(found.frame["definition"]) == {"role_work@1", "role_no_arrest@1"}
    assert counted(found, "role_no_arrest") == {
        "kept": 0, "gained": 0, "still_without": 0, "lost": 1, "does_not_apply": 0, "not_asked": 0, "unknown": 7,
    }  # fmt: skip


def test_a_role_of_the_programmes_own_is_measured_too():
    own = {"volunteering": {"kind": "role", "label": "Volunteering"}}
    found = roles(WORK, outcomes=answers(WORK, role="volunteering"), instruments=own)
    assert set(found.frame["definition"]) == {"role_own@1"}
    assert value(found, "role_own", category="volunteering/kept") == 2 / 8


def test_a_person_with_two_episodes_is_one_source_of_chance():
    """Ten people with two episodes each that end alike say as much as ten people, not twenty."""
    said = {f"{person}{number}": ("yes", "yes" if person < 5 else "no") for person in range(10) for number in "ab"}
    dates = [{"a": "2025-01-06", "b": "2025-06-02"}[name[1]] for name in said]
    alone = roles(said, stays(said, admission_date=dates))
    twice = roles(said, stays(said, admission_date=dates, person_id=[name[0] for name in said]))
    widths = [row["ci_high"] - row["ci_low"] for row in (one(f, "role_work", category="kept") for f in (alone, twice))]
    assert widths[1] > 1.3 * widths[0]
    assert one(twice, "role_work", category="kept")["people"] == 10


def test_groups_add_to_everyone():
    episodes = stays(WORK, gender=["female", "male"] * 4)
    found = roles(WORK, episodes, by="gender")
    parts = [counted(found, by="gender", group=name) for name in ("female", "male")]
    assert {name: sum(part[name] for part in parts) for name in parts[0]} == counted(found)


def test_the_figure_says_in_words_and_numbers_what_the_rows_say(found):
    words = describe_roles(found)
    assert "Work at exit: kept 25%, gained 12%" in words
    assert "had it, since not known 12%" in words
    table = tabulate_roles(found)
    assert table.columns[:3] == ("", "Episodes due", "Kept")
    (line,) = table.rows
    assert (line[0], line[1].value) == ("Work at exit", 8)
    assert sum(cell.n for cell in line[2:]) == 8


def test_a_withheld_part_is_a_gap_with_the_house_mark():
    """Of forty-two people three lost work: the count and what it could be worked out from stay here."""
    said = {f"k{n}": ("yes", "yes") for n in range(24)} | {f"l{n}": ("yes", "no") for n in range(3)}
    said |= {f"o{n}": ("no", "no") for n in range(15)}
    released = publish(roles(said), audience="public")
    assert "lost" not in describe_roles(released)
    assert draw_roles(released).axes[0].get_xlabel().endswith("withheld to protect privacy.")
    assert not released.where(estimand="limit").frame["value"].notna().any()


def test_bad_words_are_refused():
    cohort = select_cohort(records(stays(WORK), None, answers(WORK)))
    for wrong in ({"to": "later"}, {"to": "followup", "month": 0}, {"by": "shoe_size"}):
        with pytest.raises(UsageError):
            measure_roles(cohort, **wrong)
