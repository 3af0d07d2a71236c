"""The release gate against naive attacks: each works on the unsuppressed numbers and finds nothing in the published ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from handmade import made_bundle, made_published

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import GATE_ONLY, Estimates
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.policy import POLICIES, Policy, choose_policy
from iop_outcomes.publication.published import Published

NUMBERS = ["value", "ci_low", "ci_high", "conf_level", "n", "denominator", "people", "n_missing"]


def share(n: float, base: float, **columns: object) -> dict[str, object]:
    start = {"measure": "m", "definition": "done@1", "estimand": "proportion", "unit": "share", "people": base}
    return {**start, "value": n / base, "n": n, "denominator": base, **columns}


def sites(*counts: tuple[str, int, int]) -> Estimates:
    """Completed and not, by site, with the margin of everyone."""
    rows = []
    for name, base, n in (*counts, ("all", sum(c[1] for c in counts), sum(c[2] for c in counts))):
        by = "all" if name == "all" else "site"
        for category, k in (("completed", n), ("not_completed", base - n)):
            rows.append(share(k, base, by=by, group=name, category=category))
    return Estimates.from_rows(rows)


# --- D1 people, not rows ---------------------------------------------------------------------------------------------
def test_twelve_rows_of_three_people_do_not_leave() -> None:
    estimates = Estimates.from_rows([share(24, 48, people=3)])
    assert estimates.value() == 0.5
    assert publish(estimates).frame["status"].tolist() == ["withheld"]


def test_a_mean_rests_on_eleven_people() -> None:
    def mean(people: int) -> Estimates:
        return Estimates.from_rows(
            [
                {
                    "measure": "m",
                    "definition": "stay@1",
                    "estimand": "mean",
                    "value": 31.0,
                    "people": people,
                    "n": people,
                    "denominator": people,
                }
            ]
        )

    assert publish(mean(10)).frame["status"].tolist() == ["withheld"]
    assert publish(mean(11)).value() == 31.0


# --- D2 the complement -----------------------------------------------------------------------------------------------
def test_forty_of_forty_three_gives_three() -> None:
    estimates = Estimates.from_rows([share(40, 43)])
    row = estimates.frame.iloc[0]
    assert row["denominator"] - row["n"] == 3
    published = publish(estimates).frame.iloc[0]
    assert published["status"] == "withheld"
    assert published[NUMBERS].isna().all()


@pytest.mark.parametrize(
    ("n", "base", "shown"), [(0, 40, True), (40, 40, True), (11, 40, True), (10, 40, False), (1, 40, False)]
)
def test_zero_may_be_shown_and_one_to_ten_may_not(n: int, base: int, shown: bool) -> None:
    assert (publish(Estimates.from_rows([share(n, base)])).frame["status"] == "ok").tolist() == [shown]


# --- D3 nobody or everybody, on a sensitive matter -------------------------------------------------------------------
def test_none_of_fourteen_positive_is_hidden_unless_nobody_could_be() -> None:
    rows = [
        share(0, 14, definition="return_to_use@1", estimand="cumulative_incidence", at=30.0),
        share(0, 14, definition="return_to_use@1", estimand="cumulative_incidence", at=0.0),
        share(0, 14, definition="other@1"),
    ]
    assert publish(Estimates.from_rows(rows)).frame["status"].tolist() == ["withheld", "ok", "ok"]


# --- D4 rounding widens the limit ------------------------------------------------------------------------------------
def test_with_rounding_the_limit_is_the_upper_edge_of_the_bin() -> None:
    assert Policy("round5", 11, 5, True, "").limit == 12
    assert Policy("opensafely", 8, 5, True, "").limit == 7
    assert POLICIES["cms"].limit == 10


def test_a_policy_that_withholds_nothing_cannot_serve_the_public() -> None:
    with pytest.raises(UsageError, match="cannot serve the public"):
        choose_policy("public", "internal")
    with pytest.raises(UsageError, match="no policy"):
        choose_policy("public", "none")
    with pytest.raises(ValueError, match="rounding"):
        Policy("wrong", 0, 5, True, "")


# --- D5 shares follow from released counts ---------------------------------------------------------------------------
def test_a_released_share_is_its_released_count_over_its_base() -> None:
    frame = publish(Estimates.from_rows([share(20, 40) | {"value": 0.513}])).frame
    assert frame["value"].iloc[0] == frame["n"].iloc[0] / frame["denominator"].iloc[0] == 0.5


# --- D6 margins ------------------------------------------------------------------------------------------------------
def test_hiding_only_the_three_gives_it_back_and_the_gate_hides_more() -> None:
    estimates = sites(("A", 40, 3), ("B", 35, 22), ("C", 28, 19))
    frame = estimates.where(category="completed").frame
    everyone = frame.loc[frame["by"] == "all", "n"].iloc[0]
    others = frame.loc[frame["group"].isin(["B", "C"]), "n"].sum()
    assert everyone - others == 3  # the attack on primary suppression alone

    published = publish(estimates).frame
    shown = published[published["n"].notna()]
    completed = shown[shown["category"] == "completed"].set_index("group")["n"]
    hidden = completed["all"] - completed.drop("all").sum() if "all" in completed else np.inf
    assert "A" not in completed
    assert hidden > 10 or len(completed.drop("all")) < 2
    assert 3 not in set(published["n"])


def test_a_small_group_is_withheld_everywhere_with_another() -> None:
    rows = []
    for name, base in (("A", 60), ("B", 40), ("C", 6)):
        rows += [
            share(base // 2, base, by="site", group=name),
            share(base, base, by="site", group=name, definition="x@1"),
        ]
    rows += [share(53, 106), share(106, 106, definition="x@1")]
    frame = publish(Estimates.from_rows(rows)).frame
    assert frame.loc[frame["group"] == "C", "status"].eq("withheld").all()
    assert frame.loc[frame["group"] == "B", "status"].eq("withheld").all()  # else all minus A minus B
    assert frame.loc[frame["definition"] == "x@1"].set_index("group").loc["A", "status"] == "ok"


def test_an_unknown_group_is_a_group() -> None:
    rows = [
        share(20, 60, by="site", group="A"),
        share(3, 30, by="site", group=None),
        share(12, 30, by="site", group="B"),
    ]
    rows.append(share(35, 120))
    frame = publish(Estimates.from_rows(rows)).frame
    assert frame.loc[frame["group"].isna(), "status"].tolist() == ["withheld"]
    assert (frame["status"] == "withheld").sum() >= 2


# --- D7 the whole bundle ---------------------------------------------------------------------------------------------
def test_a_number_withheld_in_one_table_is_not_worked_out_from_another() -> None:
    kept = Estimates.from_rows([share(40, 80, definition="in_programme@1", estimand="survival", at=30.0)])
    retained = Estimates.from_rows([share(46, 80, definition="retained@1", estimand="cumulative_incidence", at=30.0)])
    ending = Estimates.from_rows(
        [share(6, 80, definition="ending@1", category="completed", estimand="cumulative_incidence", at=30.0)]
    )
    assert retained.value() * 80 - kept.value() * 80 == pytest.approx(6)  # completed by day 30
    frame = publish(kept, retained, ending).frame
    assert frame["status"].tolist()[2] == "withheld"
    assert frame["status"].tolist()[:2] != ["ok", "ok"]


def test_months_do_not_give_back_the_month_that_is_missing_from_a_quarter() -> None:
    months = [("2025-01-01", "2025-01-31", 20), ("2025-02-01", "2025-02-28", 4), ("2025-03-01", "2025-03-31", 30)]
    rows = [share(n, 60, period_start=start, period_end=end) for start, end, n in months]
    rows.append(share(54, 180, period_start="2025-01-01", period_end="2025-03-31"))
    frame = publish(Estimates.from_rows(rows)).frame
    shown = frame[frame["n"].notna()]
    quarter = shown[shown["period_end"] == "2025-03-31"]
    assert len(shown) <= 2
    assert frame["status"].tolist()[1] == "withheld"
    assert len(quarter) == 0 or 54 - shown["n"].drop(quarter.index).sum() != 4


def test_attrition_does_not_tell_a_small_exclusion() -> None:
    steps = [
        ("read", 930, 930),
        ("other level", 212, 930),
        ("no session", 4, 718),
        ("no consent", 60, 714),
        ("counted", 654, 654),
    ]
    rows = [
        {
            "measure": "cohort",
            "definition": "attrition@1",
            "estimand": "count",
            "category": word,
            "at": float(i),
            "value": n,
            "n": n,
            "denominator": base,
        }
        for i, (word, n, base) in enumerate(steps)
    ]
    frame = publish(Estimates.from_rows(rows)).frame.set_index("category")
    assert frame.loc["no session", "status"] == "withheld"
    known = frame["n"].dropna()
    if {"read", "other level", "no consent", "counted"} <= set(known.index):
        pytest.fail("read minus the other exclusions minus counted is the withheld exclusion")
    assert 714 not in set(frame["denominator"]) or 718 not in set(frame["denominator"])


def test_a_centre_line_goes_with_any_of_its_points() -> None:
    points = [
        share(
            n,
            60,
            definition="kept@1",
            estimand="ratio",
            period_start=f"2025-{m:02d}-01",
            period_end=f"2025-{m:02d}-28",
            people=p,
        )
        for m, n, p in ((1, 40, 60), (2, 30, 8), (3, 35, 60))
    ]
    line = {"measure": "m", "definition": "kept@1", "estimand": "center_line", "category": "centre", "value": 0.58}
    assert publish(Estimates.from_rows([*points, line])).frame["status"].tolist()[1] == "withheld"
    assert publish(Estimates.from_rows([*points, line])).frame["status"].tolist()[3] == "withheld"
    large = [point | {"people": 60.0} for point in points]
    assert publish(Estimates.from_rows([*large, line])).frame["status"].tolist()[3] == "ok"


def by_schedule(day: tuple[int, int], evening: tuple[int, int], **columns: object) -> list[dict]:
    """Shares of two groups, their difference, a test of it, and a modelled share of each."""
    groups = {"day": day, "evening": evening}
    rows = [share(n, base, by="schedule", group=name, **columns) for name, (n, base) in groups.items()]
    both = {"by": "schedule", "denominator": day[1] + evening[1], "people": day[1] + evening[1], **columns}
    named = {"measure": "m", "definition": rows[0]["definition"]}
    contrast = {**named, **both, "value": 0.1}
    rows.append({**contrast, "estimand": "difference", "group": "evening", "reference": "day"})
    rows.append({**contrast, "estimand": "p_value", "group": "all"})
    for row in rows[:2]:
        rows.append(
            {**row, "definition": "modelled@1", "estimand": "adjusted_proportion", "value": 0.5, "residual_df": 50}
        )
    return rows


def statuses(rows: list[dict]) -> list[str]:
    return publish(Estimates.from_rows(rows)).frame["status"].tolist()


def test_differences_tests_and_models_stand_where_their_parts_stand() -> None:
    assert statuses(by_schedule((40, 80), (30, 60))) == ["ok"] * 6


def test_a_difference_does_not_give_back_the_group_that_is_withheld() -> None:
    """30 of 60 and a difference of 10 points would say that the other group's share is 40 %."""
    assert statuses(by_schedule((8, 80), (30, 60)))[:4] == ["withheld", "ok", "withheld", "withheld"]


def test_a_modelled_share_does_not_give_back_the_count_it_lies_beside() -> None:
    assert statuses(by_schedule((8, 80), (30, 60)))[4:] == ["withheld", "ok"]


def test_a_difference_counts_both_groups_and_hides_neither_ones_size() -> None:
    """The 6 people of the evening group stay hidden though their contrast rests on 86."""
    assert set(statuses(by_schedule((40, 80), (3, 6)))) == {"withheld"}


def test_what_is_worked_out_does_not_leave_without_its_parts() -> None:
    assert statuses(by_schedule((40, 80), (30, 60))[2:]) == ["withheld"] * 4


def test_a_difference_from_everyone_else_needs_everyone() -> None:
    """The share of everyone else follows from the group's counts and everyone's, so both must stand."""
    rows = by_schedule((40, 80), (30, 60))[:2]
    apart = {"measure": "m", "definition": "done@1", "estimand": "difference", "by": "schedule", "group": "day",
             "value": 0.1, "denominator": 140, "people": 140}  # fmt: skip
    apart = [{**apart, "reference": "everyone else"}, {**apart, "reference": "everyone else, partially pooled"}]
    assert statuses([share(70, 140), *rows, *apart])[-2:] == ["ok", "ok"]
    assert statuses([*rows, *apart])[-2:] == ["withheld", "withheld"]
    third = share(8, 90, by="schedule", group="weekend")
    three = statuses([share(78, 230), *rows, third, *apart])
    assert three[3] == three[-1] == "withheld"


def test_the_number_not_reached_is_not_the_difference_of_two_bounds() -> None:
    """4 of 100 were not reached: 40 counted one way and 44 the other would say so."""
    reading = {"at": 180, "category": "abstinent_30"}
    rows = [
        share(96, 100, definition="followup_response@1", **reading),
        share(40, 96, definition="abstinent_responders@1", n_missing=4, **reading),
        share(40, 100, definition="abstinent_missing_using@1", **reading),
        share(44, 100, definition="abstinent_missing_sober@1", **reading),
    ]
    told = statuses(rows)
    assert told[0] == "withheld"
    assert "withheld" in told[2:]
    assert "withheld" in (told[1], told[2])  # the base of one beside the base of the other says it too
    many = [{**row, "denominator": row["denominator"] + (row["denominator"] == 100) * 20} for row in rows]
    many = [{**row, "people": row["denominator"], "value": row["n"] / row["denominator"]} for row in many]
    many[1]["n_missing"], many[3]["n"], many[3]["value"] = 24, 64, 64 / 120
    assert statuses(many) == ["ok"] * 4


@pytest.mark.parametrize(
    ("by", "larger", "smaller"),
    [
        ("rung", "admitted", "attended"),
        ("episodes", "all_episodes", "first_episodes"),
        ("exit_rule", "discharge", "last_contact"),
    ],
)
def test_variants_of_one_figure_do_not_tell_the_few_who_differ(by: str, larger: str, smaller: str) -> None:
    """250 admitted and 245 who attended would say that 5 never came."""
    rows = [share(150, 250, by=by, group=larger), share(148, 245, by=by, group=smaller)]
    assert "withheld" in statuses(rows)
    rows = [share(190, 250, by=by, group=larger), share(140, 185, by=by, group=smaller)]
    assert statuses(rows) == ["ok", "ok"]


def test_limits_and_diagnostics_go_with_any_of_their_points() -> None:
    points = [share(n, 60, definition="kept@1", by="program", group=str(place)) for place, n in enumerate((40, 30, 5))]
    whole = share(75, 180, definition="kept@1")
    drawn = [
        {"measure": "m", "definition": "kept@1", "estimand": kind, "category": "lower", "value": 0.3, "by": "program",
         "group": group, "people": 60}
        for kind in ("limit", "diagnostic") for group in ("0", "2")
    ]  # fmt: skip
    assert statuses([whole, *points, *drawn])[-4:] == ["ok", "withheld", "ok", "withheld"]


# --- D11 curves ------------------------------------------------------------------------------------------------------
def test_a_step_made_by_one_person_is_not_shown() -> None:
    counts = {0.0: 0, 7.0: 15, 14.0: 16, 21.0: 30, 28.0: 44}
    rows = [
        share(n, 100, definition="ending@1", category="left_early", estimand="cumulative_incidence", at=day)
        for day, n in counts.items()
    ]
    estimates = Estimates.from_rows(rows)
    assert 1 in np.diff(estimates.frame["n"])  # the attack
    shown = publish(estimates).frame["n"].dropna()
    steps = np.diff(shown)
    assert len(shown) >= 4
    assert ((steps == 0) | (steps >= 11)).all()


@pytest.mark.parametrize("people", [60, 150, 600])
def test_every_step_of_every_released_curve_is_nobodys_alone(people: int) -> None:
    estimates = made_bundle(people)

    def smallest(frame: pd.DataFrame) -> float:
        curve = frame[frame["estimand"].isin(["cumulative_incidence", "survival"]) & frame["n"].notna()]
        steps = curve.groupby(["definition", "category", "by", "group"], dropna=False)["n"].diff().abs()
        return float(steps[steps > 0].min())

    assert smallest(estimates.frame) < 11
    assert not smallest(made_published(people).frame) < 11


def test_nested_milestones_do_not_give_small_differences() -> None:
    frame = made_published(600).frame
    for definition in ("milestone_bridged@1", "milestone_confirmed@1"):
        rows = frame[(frame["definition"] == definition) & frame["n"].notna()]
        assert len(rows)
        for _, day in rows.groupby(["by", "group", "at"]):
            counts = day.sort_values("category", key=lambda c: c.astype(float))["n"].to_numpy()
            gaps = np.abs(np.subtract.outer(counts, counts))
            assert not ((gaps > 0) & (gaps < 11)).any()


# --- D20 one mark, and fail closed -----------------------------------------------------------------------------------
def test_a_withheld_row_is_blank_whatever_rule_withheld_it() -> None:
    frame = made_published(150).frame
    withheld = frame[frame["status"] == "withheld"]
    assert len(withheld) > 100
    assert withheld[NUMBERS].isna().all(axis=None)
    assert withheld["note"].isna().all()


def test_what_the_gate_cannot_judge_is_withheld() -> None:
    rows = [
        {"measure": "m", "definition": "odd@1", "estimand": "mean", "value": 3.0},
        {"measure": "m", "definition": "odd@1", "estimand": "proportion", "category": "a", "value": 0.4, "people": 50},
        {"measure": "m", "definition": "line@1", "estimand": "center_line", "category": "centre", "value": 0.4},
    ]
    assert publish(Estimates.from_rows(rows)).frame["status"].tolist() == ["withheld"] * 3


def test_an_estimand_added_elsewhere_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iop_outcomes.estimates.ESTIMANDS", ("invented",))
    row = {
        "measure": "m",
        "definition": "d@1",
        "estimand": "invented",
        "value": 1.0,
        "n": 500,
        "denominator": 900,
        "people": 900,
    }
    assert publish(Estimates.from_rows([row])).frame["status"].tolist() == ["withheld"]


def test_small_counts_of_missing_records_and_of_repeat_people_are_blanked_but_the_row_stays() -> None:
    rows = [share(50, 100, n_missing=4, people=97)]
    frame = publish(Estimates.from_rows(rows)).frame
    assert frame["status"].tolist() == ["ok"]
    assert frame[["n_missing", "people"]].isna().all(axis=None)
    assert "some counts withheld" in frame["note"].iloc[0]


def test_a_base_that_lacks_a_few_people_of_another_base_is_not_shown_beside_it() -> None:
    rows = [share(40, 100), share(30, 94, definition="tested@1", n_missing=6)]
    assert (publish(Estimates.from_rows(rows)).frame["status"] == "withheld").any()


def test_internal_readers_see_everything() -> None:
    estimates = made_bundle(60)
    published = publish(estimates, audience="internal")
    seen = estimates.frame.columns.difference(GATE_ONLY, sort=False)
    pd.testing.assert_frame_equal(published.frame[seen], estimates.frame[seen])
    assert published.audit.withheld == 0


# --- the type, the order, the identity -------------------------------------------------------------------------------
def test_only_the_gate_makes_published_rows() -> None:
    published = publish(sites(("A", 40, 20)))
    with pytest.raises(DisclosureError, match="publish"):
        Published(published.estimates, published.policy, published.audience, published.audit, "x")


@pytest.mark.parametrize("people", [60, 600])
def test_the_order_of_rows_and_of_estimates_changes_nothing(people: int) -> None:
    estimates, usual = made_bundle(people), made_published(people)
    order = np.random.default_rng(people).permutation(len(estimates))
    shuffled = publish(Estimates(estimates.frame.iloc[order], estimates.settings))
    back = shuffled.frame.iloc[np.argsort(order)].reset_index(drop=True)
    pd.testing.assert_frame_equal(back, usual.frame)
    assert shuffled.release_id == usual.release_id
    assert shuffled.audit == usual.audit


def test_the_release_id_follows_content_and_policy() -> None:
    one, other = sites(("A", 40, 20)), sites(("A", 40, 21))
    assert publish(one).release_id == publish(one).release_id
    assert publish(one).release_id != publish(other).release_id
    assert publish(one).release_id != publish(one, audience="internal").release_id


def test_one_number_said_twice_differently_is_an_error_that_shows_no_value() -> None:
    with pytest.raises(UsageError) as error:
        publish(Estimates.from_rows([share(20, 40)]), Estimates.from_rows([share(21, 40)]))
    assert "done@1" in str(error.value)
    assert "21" not in str(error.value)
    assert "20" not in str(error.value)


def test_the_audit_counts_every_withheld_row_once() -> None:
    published = made_published(150)
    assert sum(published.audit.rows.values()) == published.audit.withheld
    assert published.audit.withheld == (published.frame["status"] == "withheld").sum()


def test_figures_of_published_trials_are_facts_already_out() -> None:
    trial = {
        "measure": "published",
        "definition": "trial_difference@1",
        "estimand": "difference",
        "value": -0.36,
        "n": 3,
    }
    frame = publish(Estimates.from_rows([share(5, 40, category="a"), trial, share(20, 41, category="b")])).frame
    assert frame["status"].tolist() == ["withheld", "ok", "ok"]
    assert frame["value"].tolist()[1] == -0.36


def test_nothing_to_publish_is_published() -> None:
    assert len(publish(Estimates.from_rows([]))) == 0
