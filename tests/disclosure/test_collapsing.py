"""Putting categories or groups together before anything is withheld: the offer is the obvious one, adds up, and stays safe."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from test_attacker import THRESHOLD, as_estimates

from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.collapsing import Collapse, collapse, propose_collapses
from iop_outcomes.publication.gate import publish
from iop_outcomes.statistics import wilson


def share(category: str | None, n: float, base: float, **columns) -> dict:
    row = {"measure": "reasons", "definition": "reason@1", "estimand": "proportion", "category": category, "n": n}
    return {**row, "value": n / base, "denominator": base, "people": base, "method": "Wilson", **columns}


def reasons(**counts: float) -> Estimates:
    base = sum(counts.values())
    rows = []
    for word, n in counts.items():
        limits = wilson(n, base)
        limits = {"ci_low": float(limits.low), "ci_high": float(limits.high), "conf_level": 0.95}
        rows.append(share(word, n, base, **limits))
    return Estimates.from_rows(rows)


def by_site(counts: dict[str | None, tuple[float, float]], **columns) -> list[dict]:
    """Everyone and each site (events, base) of one figure."""
    n, base = (sum(pair[place] for pair in counts.values()) for place in (0, 1))
    rows = [share("yes", n, base, **columns)]
    return rows + [share("yes", *pair, by="site", group=name, **columns) for name, pair in counts.items()]


def ways(estimates: Estimates, **options) -> list[tuple[str, ...]]:
    return [each.members for each in propose_collapses(estimates, **options)]


def shown(estimates: Estimates) -> int:
    return int(publish(estimates).frame["value"].notna().sum())


def test_the_two_small_reasons_are_offered_together() -> None:
    estimates = reasons(moved=6, home=40, work=9, money=45)
    (offer,) = propose_collapses(estimates)
    assert (offer.definition, offer.axis, offer.members, offer.name) == (
        "reason@1", "category", ("moved", "work"), "moved or work",
    )  # fmt: skip
    assert (offer.shown_before, offer.withheld_before) == (2, 2)
    assert (offer.shown_after, offer.withheld_after) == (3, 0)
    assert offer.sentence == "Putting 'moved' and 'work' together would print 1 more number."
    whole = collapse(estimates, [offer]).where(category="moved or work").frame.iloc[0]
    assert (whole["n"], whole["denominator"], whole["people"]) == (15, 100, 100)
    limits = wilson(15, 100)
    assert whole[["value", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [0.15, float(limits.low), float(limits.high)]
    )


def test_nothing_is_offered_where_nothing_is_withheld() -> None:
    assert propose_collapses(reasons(moved=20, home=40, work=30)) == ()
    assert propose_collapses(Estimates.from_rows(by_site({"A": (20, 40), "B": (22, 50), "C": (30, 60)}))) == ()
    assert propose_collapses() == ()


def endings(day: float, shift: float, **counts: float) -> list[dict]:
    """Incidences by a day of 200 people, some out of sight: the shares are not the counts over the base."""
    base, left = 200.0, 200.0 - sum(counts.values())
    of = {
        "measure": "endings",
        "definition": "ending@1",
        "at": day,
        "denominator": base,
        "people": base,
        "method": "AJ",
    }
    scale = 1 + shift
    rows = [
        {**of, "estimand": "cumulative_incidence", "category": cause, "n": n, "value": scale * n / base}
        for cause, n in counts.items()
    ]
    rest = 1 - scale * (base - left) / base
    return [*rows, {**of, "estimand": "survival", "category": "in_programme", "n": left, "value": rest}]


def test_incidences_of_causes_add_on_every_day() -> None:
    days = {
        30.0: {"completed": 0, "left_early": 40, "terminated": 12, "incarcerated": 2, "died": 1, "other": 11},
        60.0: {"completed": 50, "left_early": 60, "terminated": 24, "incarcerated": 7, "died": 6, "other": 22},
        90.0: {"completed": 65, "left_early": 60, "terminated": 24, "incarcerated": 7, "died": 6, "other": 22},
    }
    rows = [row for day, counts in days.items() for row in endings(day, 0.05, **counts)]
    rows += [
        {"measure": "retention", "definition": "mean_days_lost@1", "estimand": "restricted_mean_lost", "value": days,
         "category": cause, "at": 90.0, "n": n, "denominator": 200, "people": 200}
        for cause, n, days in (("completed", 65, 9.0), ("incarcerated", 7, 2.0), ("died", 6, 1.0))
    ]  # fmt: skip
    estimates = Estimates.from_rows(rows)
    offer = propose_collapses(estimates)[0]
    assert offer.members == ("died", "incarcerated")
    together = collapse(estimates, [offer])
    frame = together.frame
    for day, counts in days.items():
        whole = frame[(frame["at"] == day) & (frame["category"] == "died or incarcerated")].iloc[0]
        assert whole["n"] == counts["died"] + counts["incarcerated"]
        assert whole["value"] == pytest.approx(1.05 * whole["n"] / 200)
        assert np.isnan(whole["ci_low"])
        ending = frame[(frame["definition"] == "ending@1") & (frame["at"] == day)]
        assert ending["value"].sum() == pytest.approx(1)
    lost = frame[frame["estimand"] == "restricted_mean_lost"]
    assert lost["category"].tolist() == ["completed"]
    assert together.settings["put_together"] == (
        "'died' and 'incarcerated' put together; 2 numbers that cannot be added left out",
    )
    assert shown(together) - shown(estimates) == offer.saved > 0


def test_causes_that_other_figures_are_sums_of_stay_apart() -> None:
    rows = endings(60.0, 0.0, completed=50, left_early=8, terminated=6, transferred=30, other=30)
    assert shown(Estimates.from_rows(rows)) < len(rows)
    assert all(
        "left_early" not in members and "terminated" not in members for members in ways(Estimates.from_rows(rows))
    )


def test_groups_are_put_together_in_every_figure_and_what_does_not_add_is_left_out() -> None:
    sites = {"A": (20.0, 60.0), "B": (30.0, 70.0), "C": (4.0, 12.0), "D": (5.0, 13.0)}
    other = {"A": (30.0, 60.0), "B": (40.0, 70.0), "C": (6.0, 12.0), "D": (6.0, 13.0)}
    derived = {"measure": "reasons", "definition": "reason@1", "category": "yes", "by": "site", "people": 72}
    rows = [
        *by_site(sites),
        *by_site(other, definition="second@1"),
        {**derived, "estimand": "difference", "group": "B", "reference": "A", "value": 0.1, "denominator": 130},
        {**derived, "estimand": "difference", "group": "A", "reference": "C", "value": 0.1, "denominator": 72},
        {**derived, "estimand": "p_value", "group": "all", "value": 0.2, "denominator": 155},
    ]
    estimates = Estimates.from_rows(rows)
    (offer,) = propose_collapses(estimates)
    assert (offer.axis, offer.by, offer.definition, offer.members) == ("group", "site", "", ("C", "D"))
    together = collapse(estimates, [offer])
    for definition, n in (("reason@1", 9), ("second@1", 12)):
        whole = together.where(definition=definition, group="C or D").frame.iloc[0]
        assert (whole["n"], whole["denominator"], whole["people"], whole["value"]) == (n, 25, 25, n / 25)
    assert together.frame["group"].isin(["C", "D"]).sum() == 0
    left = together.frame[together.frame["estimand"].isin(["difference", "p_value"])]
    assert left["reference"].tolist() == ["A"]
    assert together.settings["put_together"][0].endswith("; 2 numbers that cannot be added left out")


def test_each_groups_share_of_everyone_keeps_its_base() -> None:
    rows = [share("episodes", 100, 100)]
    rows += [share("episodes", n, 100, by="race", group=group, people=n) for group, n in
             (("a", 6), ("b", 7), ("c", 40), ("d", 47))]  # fmt: skip
    (offer,) = propose_collapses(Estimates.from_rows(rows))
    whole = collapse(Estimates.from_rows(rows), [offer]).where(group="a or b").frame.iloc[0]
    assert (whole["n"], whole["denominator"], whole["people"], whole["value"]) == (13, 100, 13, 0.13)


@pytest.mark.parametrize(
    ("everyone", "people", "expected"),
    [
        (130.0, (28.0, 12.0), 40.0),  # nobody is in two groups
        (125.0, (28.0, 12.0), np.nan),  # some are: between 28 and 40 different people, surely enough
        (100.0, (9.0, 9.0), None),  # perhaps the same nine people
    ],
)
def test_people_are_told_only_where_nobody_is_counted_twice(everyone, people, expected) -> None:
    rows = by_site({"A": (40, 90), "B": (5, 30), "C": (6, 30)})
    for row, count in zip(rows, (everyone, 90.0, *people), strict=True):
        row["people"] = count
    whole = collapse(Estimates.from_rows(rows), [Collapse("", "group", "site", ("B", "C"), "B or C")])
    left = whole.frame[whole.frame["group"] == "B or C"]["people"].tolist()
    assert left == ([] if expected is None else [pytest.approx(expected, nan_ok=True)])


def shares_of(counts: dict[str, float], **columns) -> Estimates:
    base = sum(counts.values())
    return Estimates.from_rows([share(word, n, base, **columns) for word, n in counts.items()])


def test_where_there_is_an_order_only_neighbours_are_put_together() -> None:
    counts = (5, 8, 60, 6, 7, 40)
    ages = ("18 to 24", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 and over")
    assert ways(shares_of(dict(zip(ages, counts, strict=True)))) == [("18 to 24", "25 to 34")]
    assert ways(shares_of(dict(zip("abcdef", counts, strict=True)))) == [("a", "d")]
    assert ways(shares_of({"phq9/improved": 90, "phq9/same": 30, "phq9/worse": 4, "phq9/unknown": 40})) == [
        ("phq9/same", "phq9/worse")
    ]


def test_what_is_not_known_is_put_with_what_is_known_only_where_nothing_else_helps() -> None:
    known = {"court": 6, "employer": 7, "self": 60, "clinic": 50}
    assert ways(shares_of({**known, "unknown": 20})) == [("court", "employer")]
    (offer,) = propose_collapses(shares_of({"court": 60, "self": 50, "clinic": 12, "unknown": 4}))
    assert offer.name == "clinic or unknown"


def test_opposites_stay_apart() -> None:
    assert all(not {"kept", "lost"} <= set(each) for each in ways(shares_of({"kept": 8, "lost": 6, "others": 90})))


def test_what_does_not_add_is_never_offered() -> None:
    overlapping = [share(word, n, 100) for word, n in (("group", 80), ("family", 6), ("telehealth", 8))]
    assert ways(Estimates.from_rows(overlapping)) == []
    nested = [share("yes", 100, 100)]
    nested += [share("yes", n, n, by="rung", group=g) for g, n in (("admitted", 100), ("attended", 9), ("engaged", 8))]
    assert ways(Estimates.from_rows(nested)) == []
    lengths = {"estimand": "cumulative_incidence", "definition": "milestone_bridged@1", "at": 60.0}
    assert ways(shares_of({"7": 60, "14": 30, "30": 5, "60": 5}, **lengths)) == []


def test_rows_that_are_filtered_are_left_out_rather_than_added_wrongly() -> None:
    estimates = reasons(moved=6, home=40, work=9, money=45)
    offers = propose_collapses(estimates)
    some = collapse(estimates.where(category=["moved", "home"]), offers)
    assert some.frame["category"].tolist() == ["home"]
    assert some.settings["put_together"] == ("'moved' and 'work' put together; 1 number that cannot be added left out",)
    assert collapse(estimates.where(category="home"), offers).frame.equals(estimates.where(category="home").frame)


def test_what_was_printed_apart_before_stays_apart() -> None:
    now = shares_of({"a": 6, "b": 7, "c": 60, "d": 50})
    assert ways(now) == [("a", "b")]
    before = shares_of({"a": 16, "b": 17, "c": 60, "d": 50}).frame
    assert ways(now, earlier=before) == []
    assert ways(now, earlier=publish(now).frame) == [("a", "b")]


def test_two_offers_cannot_share_a_part() -> None:
    estimates = reasons(moved=6, home=40, work=9, money=45)
    one, two = (Collapse("reason@1", "category", "", pair, "x") for pair in (("moved", "work"), ("work", "home")))
    with pytest.raises(UsageError, match="choose one"):
        collapse(estimates, [one, two])


def attack_parts(frame: pd.DataFrame, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of every cell of the table as it was, from rows about wholes: ``g0 or g2``, ``c1 or c3``."""
    cells = np.arange(table.size).reshape(table.shape)
    matrix, right = [], []

    def equation(places: np.ndarray, total: float) -> None:
        if not np.isnan(total):
            matrix.append(np.isin(cells.ravel(), places).astype(float))
            right.append(total)

    for row in frame.to_dict("records"):
        lines = range(len(table)) if row["by"] == "all" else [int(name[1:]) for name in row["group"].split(" or ")]
        columns = [int(name[1:]) for name in row["category"].split(" or ")]
        equation(cells[np.ix_(list(lines), columns)], row["n"])
        equation(cells[list(lines)], row["denominator"])
    found = np.zeros((2, table.size))
    for cell, (side, sign) in product(range(table.size), enumerate((1.0, -1.0))):
        cost = np.zeros(table.size)
        cost[cell] = sign
        answer = linprog(cost, A_eq=np.array(matrix) if matrix else None, b_eq=right or None, bounds=(0, 1e5))
        found[side, cell] = sign * answer.fun
    return found[0].reshape(table.shape), found[1].reshape(table.shape)


def check_offers(table: np.ndarray) -> None:
    """Every offer saves what it says, and with all of them taken no part of the table as it was can be told."""
    estimates = as_estimates(table)
    offers = propose_collapses(estimates)
    for offer in offers:
        assert offer.withheld_before > 0
        released = publish(collapse(estimates, [offer])).frame
        assert released["value"].notna().sum() - shown(estimates) == offer.saved > 0
        assert (released["status"] == "withheld").sum() == offer.withheld_after
    released = publish(collapse(estimates, offers)).frame
    assert not ((released["n"] > 0) & (released["n"] < THRESHOLD)).any()
    low, high = attack_parts(released, table)
    narrow = (low > 1 + 1e-6) | (high < THRESHOLD - 1 - 1e-6)
    assert not (narrow & (table > 0) & (table < THRESHOLD)).any()


def tables(groups: int, categories: int) -> st.SearchStrategy[np.ndarray]:
    line = st.lists(st.one_of(st.integers(0, 14), st.integers(11, 90)), min_size=categories, max_size=categories)
    return st.lists(line, min_size=groups, max_size=groups).map(np.array)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(tables(3, 3))
def test_a_random_table_put_together_stands_more_and_gives_nobody_away(table: np.ndarray) -> None:
    check_offers(table)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables(4, 4))
def test_a_larger_table_put_together_stands_more_and_gives_nobody_away(table: np.ndarray) -> None:
    check_offers(table)


@pytest.mark.parametrize("seed", [1, 3])
def test_the_order_of_the_rows_changes_no_offer(seed: int) -> None:
    estimates = as_estimates(np.random.default_rng(seed).negative_binomial(1, 0.04, size=(4, 3)))
    offers = propose_collapses(estimates)
    assert offers
    assert propose_collapses(Estimates(estimates.frame.sample(frac=1, random_state=seed))) == offers
