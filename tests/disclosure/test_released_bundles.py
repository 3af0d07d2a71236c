"""Random releases against somebody who holds all of them: what was withheld stays as uncertain as a policy promises.

The first half asks the attacker of the package, with the truth at hand, about releases of many kinds under every policy. The
second half holds attackers of its own: readers who know which sites make up a region, which columns a table crosses, and
everything that was ever released. Every release is small enough to be counted by hand where it fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import made_people, made_rows
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from test_attacker import as_estimates
from test_gate import share

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.attacker import attack, bound
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.policy import POLICIES, Policy
from iop_outcomes.publication.published import Published
from iop_outcomes.statistics import wilson

Row = dict[str, Any]
POLICY = {name: policy for name, policy in POLICIES.items() if policy.withholds}
ROUNDED = [policy for policy in POLICY.values() if policy.rounding > 1]
each_policy = pytest.mark.parametrize("policy", POLICY.values(), ids=POLICY)
CMS = POLICIES["cms"]

_CURVES = ("ending@1", "at_risk@1", "in_programme@1", "retained@1", "lost_early@1")
REGIONS = {"A": "north", "B": "north", "C": "south", "D": "south", "E": "east"}
LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = [(f"2025-{month:02d}-01", f"2025-{month:02d}-{day}") for month, day in enumerate(LAST_DAYS, start=1)]
QUARTERS = [(MONTHS[first][0], MONTHS[first + 2][1]) for first in range(0, 12, 3)]
YEAR = (MONTHS[0][0], MONTHS[-1][1])


# --- made-up people, and everything that can be counted of them ----------------------------------------------------------
def crowd(seed: int, most: int = 400) -> pd.DataFrame:
    """One line a person: site within region, gender, age, reason, month, and whether done. Small groups are common."""
    draw = np.random.default_rng(seed)
    people = int(draw.integers(40, most))
    sites = list("ABCDE")[: int(draw.integers(2, 6))]
    reasons = [f"c{place}" for place in range(int(draw.integers(2, 6)))]
    frame = pd.DataFrame({"site": draw.choice(sites, people, p=draw.dirichlet(np.full(len(sites), 2.0)))})
    frame["region"] = frame["site"].map(REGIONS)
    frame["gender"] = draw.choice(["women", "men", "other"], people, p=draw.dirichlet([4, 4, 1]))
    frame["age"] = draw.choice(["under 25", "25 to 44", "45 and over"], people, p=draw.dirichlet([2, 4, 2]))
    frame["reason"] = draw.choice(reasons, people, p=draw.dirichlet(np.full(len(reasons), 0.8)))
    frame["month"] = draw.integers(0, 12, people)
    frame["done"] = draw.random(people) < draw.uniform(0.1, 0.9)
    return frame


def count(people: pd.DataFrame, by: str, group: str, events: pd.Series, **columns: Any) -> Row:
    own = people if by == "all" else people[people[by] == group]
    n, base = float(events[own.index].sum()), float(len(own))
    made = share(n, base or 1.0, by=by, group=group, **columns) | {"denominator": base, "people": base}
    return made if base else {**made, "value": None, "status": "not_estimable"}


def groups_of(people: pd.DataFrame, columns: Iterable[str]) -> list[tuple[str, str]]:
    return [("all", "all"), *((by, group) for by in columns for group in sorted(set(people[by])))]


def by_reason(
    people: pd.DataFrame, columns: Iterable[str], definition: str = "reason@1", limits: bool = False
) -> list[Row]:
    rows = [
        count(people, by, group, people["reason"] == reason, definition=definition, category=reason)
        for by, group in groups_of(people, columns) for reason in sorted(set(people["reason"]))
    ]  # fmt: skip
    for row in rows if limits else ():
        if row["denominator"]:
            found = wilson(row["n"], row["denominator"])
            row |= {"ci_low": found.low, "ci_high": found.high, "conf_level": 0.95, "method": found.method}
    return rows


def by_period(people: pd.DataFrame, spans: Iterable[tuple[str, str]], columns: Iterable[str] = ()) -> list[Row]:
    return [
        count(people[within(people, span)], by, group, people["done"], period_start=span[0], period_end=span[1])
        for span in spans for by, group in groups_of(people, columns)
    ]  # fmt: skip


def within(people: pd.DataFrame, span: tuple[str, str]) -> pd.Series:
    first, last = (int(day[5:7]) - 1 for day in span)
    return people["month"].between(first, last)


def curves(seed: int, people: int) -> list[Row]:
    """Endings by day and those at risk, retained and lost early, of everyone; endings and retained by schedule."""
    made = made_people(people, seed)
    rows = [row for row in made_rows(made, "all", "all") if row["definition"] in _CURVES]
    for name in sorted(set(made["schedule"])):
        own = made_rows({key: values[made["schedule"] == name] for key, values in made.items()}, "schedule", str(name))
        rows += [row for row in own if row["definition"] in ("ending@1", "retained@1")]
    return [row for row in rows if row["at"] in (0, 14, 42, 84)]


def bundle(kind: str, seed: int) -> tuple[list[Row], pd.DataFrame]:
    """The rows of one release and the people they count."""
    people = crowd(seed)
    if kind == "three columns":
        return by_reason(people, ["site", "gender", "age"]), people
    if kind == "site within region":
        return by_reason(people, ["site", "region"]), people
    if kind == "several definitions of one base":
        done = [count(people, by, group, people["done"]) for by, group in groups_of(people, ["site", "gender"])]
        return by_reason(people, ["site"], limits=True) + done + by_reason(people, ["gender"], "second@1"), people
    if kind == "months, quarters and the year":
        return by_period(people, [*MONTHS, *QUARTERS, YEAR]), people
    if kind == "quarters by site":
        return by_period(people, [*QUARTERS, YEAR], ["site"]) + by_reason(people, ["gender"]), people
    return curves(seed, int(np.random.default_rng(seed).integers(60, 500))), people


KINDS = (
    "three columns",
    "site within region",
    "several definitions of one base",
    "months, quarters and the year",
    "quarters by site",
    "curves by day",
)


# --- the truth behind every number that is not printed -------------------------------------------------------------------
def truths(full: pd.DataFrame, bounds: pd.DataFrame, people: pd.DataFrame | None = None) -> np.ndarray:
    """What each unreleased number really is; not known (missing) for the few kinds that are no count of these people."""
    n, base, persons = (full[name].to_numpy(dtype="float64") for name in ("n", "denominator", "people"))
    row, other = bounds["row"].to_numpy(dtype=int), bounds["other"].to_numpy(dtype=int)
    family = full.groupby(["definition", "by", "group", "at", "period_start", "period_end"], dropna=False)["n"]
    rest = base - family.transform("sum").to_numpy()
    kinds = {
        "events": n[row], "base": base[row], "people": persons[row], "left": (base - n)[row], "rest": rest[row],
        "step": np.abs(n[row] - n[other]), "nested": n[row] - n[other], "day": n[other] - n[row],
        "repeat": (base - persons)[row],
    }  # fmt: skip
    found = np.full(len(bounds), np.nan)
    for kind, values in kinds.items():
        found = np.where(bounds["kind"] == kind, values, found)
    for place, (words, kind) in enumerate(zip(bounds["cell"], bounds["kind"], strict=True)):
        stretch = re.search(r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d), no row of its own", words)
        if stretch and people is not None:
            by, group = full.loc[row[place], ["by", "group"]]
            own = people[within(people, (stretch[1], stretch[2])) & ((by == "all") | (people.get(by, by) == group))]
            found[place] = own["done"].sum() if kind.endswith("events") else len(own)
    return found


def told(full: pd.DataFrame, published: Published, people: pd.DataFrame | None = None) -> pd.DataFrame:
    """Protected numbers that an attacker bounds tighter than 1 to the threshold less one.

    On a curve, where the days beside a day always bound it, the bounds must reach the upper end and be no narrower.
    """
    policy = published.policy
    bounds = bound(published.frame, bins=policy.bin if policy.rounding > 1 else None)
    truth = truths(full, bounds, people)
    assert not ((truth < bounds["low"] - 1e-6) | (truth > bounds["high"] + 1e-6)).any()  # else the attack is no attack
    most = policy.threshold - 1
    rows = full.iloc[bounds["row"].to_numpy(dtype=int)].reset_index(drop=True)
    curved = (rows["estimand"].isin(["survival", "cumulative_incidence"]) | (rows["category"] == "at_risk")) & rows[
        "at"
    ].notna()
    deep = (bounds["low"] <= 1 + 1e-6) | (curved & (bounds["high"] - bounds["low"] >= most - 1 - 1e-6))
    protected = (truth > 0) & (truth <= most)
    return bounds.assign(truth=truth)[protected & ~(deep & (bounds["high"] >= most - 1e-6))]


def check(estimates: Estimates, policy: Policy, people: pd.DataFrame | None = None) -> Published:
    published = publish(estimates, policy=policy.name)
    found = told(estimates.frame, published, people)
    assert found.empty, found
    for name in ("n", "denominator", "people"):
        released = published.frame[name].dropna()
        assert (policy.show(released.to_numpy()) == released).all()
        assert not released.map(policy.is_small).any()
    return published


def tables(largest: int) -> st.SearchStrategy[np.ndarray]:
    number = st.one_of(st.integers(0, 14), st.integers(11, 90))
    shape = st.tuples(st.integers(2, largest), st.integers(2, largest))
    return shape.flatmap(
        lambda size: st.lists(number, min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
            lambda cells: np.array(cells).reshape(size)
        )
    )


seeds = st.integers(0, 100_000)
#: A smaller seed is no smaller release, so what fails is not made smaller.
as_drawn = settings(deadline=None, derandomize=True, phases=(Phase.generate,))


@each_policy
@settings(max_examples=3, deadline=None, derandomize=True)
@given(table=tables(8))
def test_no_number_of_a_random_table_with_margins_is_told(policy: Policy, table: np.ndarray) -> None:
    check(as_estimates(table), policy)


@pytest.mark.parametrize("kind", KINDS)
@settings(as_drawn, max_examples=3)
@given(seed=seeds, policy=st.sampled_from(list(POLICY.values())))
def test_no_number_of_a_random_release_is_told(kind: str, seed: int, policy: Policy) -> None:
    rows, people = bundle(kind, seed)
    check(Estimates.from_rows(rows), policy, people)


@pytest.mark.slow
@each_policy
@pytest.mark.parametrize("kind", ["table", *KINDS])
def test_no_number_of_many_random_releases_is_told(kind: str, policy: Policy) -> None:
    for seed in range(20):
        if kind == "table":
            shape = np.random.default_rng(seed).integers(2, 9, size=2)
            check(as_estimates(np.random.default_rng(seed).negative_binomial(1, 0.03, size=shape)), policy)
        else:
            rows, people = bundle(kind, seed)
            check(Estimates.from_rows(rows), policy, people)


# --- releases after one another --------------------------------------------------------------------------------------
def three_releases(
    seed: int, policy: Policy, remember: Callable[[pd.DataFrame], pd.DataFrame] = pd.DataFrame
) -> list[pd.DataFrame]:
    """A programme that grows by a quarter from report to report, and whose old records are corrected and deleted; what the
    gate remembers of earlier reports is ``remember`` of their rows."""
    draw = np.random.default_rng(seed)
    people = crowd(seed, most=700)
    released: list[pd.DataFrame] = []
    for report in (2, 3, 4):
        if released:
            turned = draw.random(len(people)) < draw.choice([0, 0.005, 0.02, 0.1])
            people = people.assign(done=people["done"] ^ turned)
            people = people[draw.random(len(people)) >= draw.choice([0, 0.005, 0.05])].reset_index(drop=True)
        now = people[people["month"] < 3 * report].reset_index(drop=True)
        spans = list(dict.fromkeys([*QUARTERS[:report], (YEAR[0], QUARTERS[report - 1][1])]))
        rows = by_period(now, spans, ["gender"]) + by_reason(now, ["gender"])
        earlier = remember(pd.concat(released, ignore_index=True)) if released else None
        published = publish(Estimates.from_rows(rows), policy=policy.name, earlier=earlier)
        released.append(published.frame.assign(release_id=published.release_id))
    return released


def find_in(releases: Sequence[pd.DataFrame], policy: Policy) -> list[str]:
    bins = policy.bin if policy.rounding > 1 else None
    tables = [each.drop(columns="release_id", errors="ignore") for each in releases]
    return [
        f"{found.cell}: {found.low:g} to {found.high:g}"
        for found in attack(*tables, threshold=policy.threshold, bins=bins)
    ]


@settings(as_drawn, max_examples=3)
@given(seed=seeds, policy=st.sampled_from([CMS, CMS, *POLICY.values()]))
def test_three_reports_of_a_growing_programme_together_tell_nothing(seed: int, policy: Policy) -> None:
    assert find_in(three_releases(seed, policy), policy) == []


@pytest.mark.slow
@each_policy
@pytest.mark.parametrize("seed", range(12))
def test_three_reports_of_many_programmes_together_tell_nothing(seed: int, policy: Policy) -> None:
    assert find_in(three_releases(seed, policy), policy) == []


def test_what_an_earlier_report_withheld_is_not_told_by_a_later_one() -> None:
    """A gate that remembers only what was printed lets a later report tell what an earlier one withheld."""
    policy = POLICY["round5"]
    assert find_in(three_releases(0, policy, lambda rows: rows[rows["status"] != "withheld"]), policy)
    assert find_in(three_releases(0, policy), policy) == []


def test_three_reports_side_by_side_that_never_looked_back_tell_who_was_corrected() -> None:
    people = crowd(1, most=700)
    first = publish(Estimates.from_rows(by_period(people, QUARTERS[:2]))).frame
    person = people.index[within(people, QUARTERS[0]) & people["done"]][0]
    people.loc[person, "done"] = False
    assert find_in([first, publish(Estimates.from_rows(by_period(people, QUARTERS[:2]))).frame], CMS)
    assert (
        find_in([first, publish(Estimates.from_rows(by_period(people, QUARTERS[:2])), earlier=first).frame], CMS) == []
    )


# --- one person more -------------------------------------------------------------------------------------------------
def bins_of(table: np.ndarray, policy: Policy) -> list[float]:
    """The bins of every count of a table with margins: cells, bases and complements, of each group and of everyone."""
    whole = np.vstack([table, table.sum(axis=0)])
    base = whole.sum(axis=1, keepdims=True)
    return [float(edge) for part in (whole, base, base - whole) for edge in np.ravel(policy.bin(part)[0])]


def same_release(table: np.ndarray, policy: Policy) -> None:
    """For every cell to which one person can be added without any count leaving its bin: the release stays as it was."""
    before = None
    for place in product(*map(range, table.shape)):
        more = table.copy()
        more[place] += 1
        if bins_of(more, policy) == bins_of(table, policy):
            before = publish(as_estimates(table), policy=policy.name).frame if before is None else before
            pd.testing.assert_frame_equal(publish(as_estimates(more), policy=policy.name).frame, before)
            return


@settings(max_examples=15, deadline=None, derandomize=True)
@given(table=tables(3), policy=st.sampled_from(ROUNDED))
def test_one_person_more_changes_nothing_unless_a_count_leaves_its_bin(table: np.ndarray, policy: Policy) -> None:
    """Groups by categories with margins: with every cell, base and complement in its bin as before, so is every released
    number, and so is the choice of what is withheld. (Where a count does leave its bin, anything may change.)
    """
    same_release(table, policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ROUNDED, ids=lambda policy: policy.name)
def test_one_person_more_changes_nothing_in_many_tables(policy: Policy) -> None:
    for seed in range(60):
        draw = np.random.default_rng(seed)
        same_release(draw.negative_binomial(1, 0.04, size=draw.integers(2, 5, size=2)), policy)


@pytest.mark.parametrize("policy", ROUNDED, ids=lambda policy: policy.name)
def test_which_of_two_like_groups_is_hidden_does_not_tell_the_larger(policy: Policy) -> None:
    """C is too small and takes another group along. A and B are shown alike; which one goes must not tell who is larger."""

    def counts(size: int) -> list[int]:
        everyone = 2 * size + 6
        return [size, size - 30, everyone, everyone - 60]  # A's base and those who did not; everyone's

    size = next(size for size in range(60, 90) if all(policy.show(n) == policy.show(n + 1) for n in counts(size)))

    def hidden(own: int) -> list[str]:
        sites = {"A": (30, own), "B": (30, size), "C": (0, 6)}
        rows = [share(*each, by="site", group=name) for name, each in sites.items()]
        frame = publish(Estimates.from_rows([share(60, own + size + 6), *rows]), policy=policy.name).frame
        return frame.loc[frame["status"] == "withheld", "group"].tolist()

    assert len(hidden(size)) == 2
    assert hidden(size) == hidden(size + 1)


# --- the order of rows and columns ---------------------------------------------------------------------------------------
@settings(as_drawn, max_examples=3)
@given(seed=seeds, kind=st.sampled_from(KINDS), policy=st.sampled_from(list(POLICY.values())))
def test_the_order_of_rows_and_of_columns_changes_nothing(seed: int, kind: str, policy: Policy) -> None:
    rows, _ = bundle(kind, seed)
    usual = publish(Estimates.from_rows(rows), policy=policy.name)
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(rows))
    turned = pd.DataFrame([rows[place] for place in order])
    turned = turned[draw.permutation(turned.columns)].set_index(pd.Index([f"row {place}" for place in order]))
    half = len(rows) // 2
    shuffled = publish(Estimates(turned.iloc[:half]), Estimates(turned.iloc[half:]), policy=policy.name)
    back = shuffled.frame.iloc[np.argsort(order)].reset_index(drop=True)
    pd.testing.assert_frame_equal(back, usual.frame)
    assert (shuffled.release_id, shuffled.audit) == (usual.release_id, usual.audit)


# --- readers who know more than one table says -----------------------------------------------------------------------------
def read(frames: Sequence[pd.DataFrame], atoms: pd.DataFrame, policy: Policy = CMS) -> list[tuple[Any, ...]]:
    """Small numbers told tighter than allowed to a reader who knows of each printed row which people it counts.

    ``atoms`` has a line for every kind of person there can be (a column for each ``by``, ``category``, ``people``). All
    releases are taken to speak of the same people. A row without a category counts those of the category ``yes``.
    """
    rows = [row for frame in frames for row in frame.to_dict("records")]
    people = atoms["people"].to_numpy(dtype="float64")
    spread = policy.bin if policy.rounding > 1 else (lambda value: (value, value))
    lines, edges, wanted = [], [], {}
    for row in rows:
        base = (
            np.ones(len(atoms)) if row["by"] == "all" else (atoms[row["by"]] == row["group"]).to_numpy(dtype="float64")
        )
        category = row["category"] if isinstance(row["category"], str) else "yes"
        events = base * (atoms["category"] == category).to_numpy()
        for name, mask in (("n", events), ("denominator", base)):
            if not np.isnan(row[name]):
                lines.append(mask)
                edges.append(spread(row[name]))
        for name, mask in (("events", events), ("left", base - events)):
            if 0 < mask @ people < policy.threshold:
                wanted[mask.tobytes()] = (row["by"], row["group"], category, name, mask)
    least, most = np.array(edges, dtype="float64").reshape(-1, 2).T
    matrix = np.array(lines).reshape(-1, len(atoms))
    found = []
    for *words, mask in wanted.values():
        ends = []
        for sign in (1.0, -1.0):
            answer = linprog(
                sign * mask,
                A_ub=np.vstack([matrix, -matrix]),
                b_ub=np.r_[most, -least],
                bounds=(0, 1e4),
                method="highs",
            )
            ends.append(sign * answer.fun)
        if ends[0] > 1 + 1e-6 or ends[1] < policy.threshold - 1 - 1e-6:
            found.append((*words, mask @ people, *np.round(ends, 3)))
    return found


def atoms_of(people: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Every kind of person that can be: all reasons in all groups that exist together."""
    groups = people[columns].drop_duplicates()
    reasons = pd.DataFrame({"category": sorted(set(people["reason"]))})
    kinds = groups.merge(reasons, how="cross")
    counted = people.rename(columns={"reason": "category"}).groupby([*columns, "category"]).size().rename("people")
    return kinds.merge(counted.reset_index(), how="left").fillna({"people": 0})


def yes_or_no(counts: dict[tuple[str, ...], tuple[int, int]], *columns: str) -> pd.DataFrame:
    """Atoms of a small table: of each group those who did, and those who did not."""
    lines = []
    for names, (n, base) in counts.items():
        for category, size in (("yes", n), ("no", base - n)):
            lines.append({**dict(zip(columns, names, strict=True)), "category": category, "people": size})
    return pd.DataFrame(lines)


def rows_of(atoms: pd.DataFrame, *columns: str) -> list[Row]:
    """Everyone and every group of some columns."""
    rows = []
    for by in columns:
        for group in ["all"] if by == "all" else sorted(set(atoms[by])):
            own = atoms if by == "all" else atoms[atoms[by] == group]
            rows.append(
                share(own.loc[own["category"] == "yes", "people"].sum(), own["people"].sum(), by=by, group=group)
            )
    return rows


@settings(as_drawn, max_examples=5)
@given(seed=seeds)
def test_columns_that_do_not_nest_tell_nothing_about_each_other(seed: int) -> None:
    people = crowd(seed, most=200)
    frame = publish(Estimates.from_rows(by_reason(people, ["gender", "age"]))).frame
    assert read([frame], atoms_of(people, ["gender", "age"])) == []


def test_a_region_less_its_other_site_is_not_the_small_one() -> None:
    """North is A and B: 33 less 30 is 3. Everyone less the other sites leaves two hidden ones, but North leaves one."""
    sites = {("A", "north"): (3, 40), ("B", "north"): (30, 60), ("C", "south"): (25, 50), ("D", "south"): (40, 80)}
    atoms = yes_or_no(sites, "site", "region")
    frame = publish(Estimates.from_rows(rows_of(atoms, "all", "site", "region"))).frame
    assert read([frame], atoms) == []


@settings(as_drawn, max_examples=4)
@given(seed=seeds)
def test_sites_within_regions_tell_nothing_about_each_other(seed: int) -> None:
    people = crowd(seed, most=200)
    frame = publish(Estimates.from_rows(by_reason(people, ["site", "region"]))).frame
    assert read([frame], atoms_of(people, ["site", "region"])) == []


def test_a_crossed_table_is_not_told_by_the_tables_of_its_columns() -> None:
    """Site by gender beside sites and genders, each alone: 33 at A less 30 men at A is 3 women."""
    counts = {("A", "women"): (3, 40), ("A", "men"): (30, 60), ("B", "women"): (25, 50), ("B", "men"): (40, 80)}
    atoms = yes_or_no(counts, "site", "gender")
    atoms["site + gender"] = atoms["site"] + " + " + atoms["gender"]
    frame = publish(Estimates.from_rows(rows_of(atoms, "all", "site", "gender", "site + gender"))).frame
    assert (frame["status"] == "ok").any()
    assert read([frame], atoms) == []


def test_a_total_without_a_period_is_not_told_by_its_quarters() -> None:
    """100 in all, and 30, 36 and 30 in three of the four quarters: 4 in the second."""
    spans = zip(QUARTERS, (30, 4, 36, 30), strict=True)
    rows = [share(n, 100, period_start=span[0], period_end=span[1]) for span, n in spans]
    frame = publish(Estimates.from_rows([*rows, share(100, 400)])).frame
    shown = frame["n"].tolist()
    assert np.isnan(shown[1])
    left = shown[4] - shown[0] - shown[2] - shown[3]
    assert not 1 <= left <= 10


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ({"period_start": YEAR[0], "period_end": YEAR[1]}, {"period_start": YEAR[0], "period_end": QUARTERS[2][1]}),
        ({"by": "episodes", "group": "all_episodes"}, {"by": "episodes", "group": "first_episodes"}),
        ({}, {"by": "episodes", "group": "first_episodes"}),
        ({}, {"by": "site", "group": "A"}),
    ],
    ids=["a year and nine months", "all and first episodes", "everyone and first episodes", "everyone and one site"],
)
def test_those_left_over_who_did_not_are_people_too(whole: Row, part: Row) -> None:
    """200 of 400 less 114 of 305 is 86 of 95: neither 86 nor 95 is small, but 9 did not."""
    frame = publish(Estimates.from_rows([share(200, 400, **whole), share(114, 305, **part)])).frame
    base, n = (frame[name].iloc[0] - frame[name].iloc[1] for name in ("denominator", "n"))
    assert not 1 <= base - n <= 10


def test_months_that_are_printed_do_not_tell_the_month_that_is_not() -> None:
    """A quarter of 93 of 129, April 32 of 43, May 37 of 53: June is 24 of 33, and 9 did not."""
    spans = {QUARTERS[1]: (93, 129), MONTHS[3]: (32, 43), MONTHS[4]: (37, 53)}
    rows = [share(*counts, period_start=span[0], period_end=span[1]) for span, counts in spans.items()]
    frame = publish(Estimates.from_rows(rows)).frame
    left = (frame["denominator"] - frame["n"]).tolist()
    assert not 1 <= left[0] - left[1] - left[2] <= 10


# --- and who kept what was released before -----------------------------------------------------------------------------------
def test_everyone_alone_does_not_tell_the_site_hidden_in_the_report_before() -> None:
    """First the sites, A 30, B 22 and C withheld; then a short report of everyone, 56: C has 4."""
    atoms = yes_or_no({("A",): (30, 60), ("B",): (22, 50), ("C",): (4, 40)}, "site")
    first = publish(Estimates.from_rows(rows_of(atoms, "site"))).frame
    second = publish(Estimates.from_rows(rows_of(atoms, "all")), earlier=first).frame
    assert read([first], atoms) == []
    assert read([first, second], atoms) == []


def test_a_definition_printed_now_does_not_tell_one_hidden_before() -> None:
    """First 40 in the programme, and those who completed withheld; then 46 retained, who are both: 6 completed."""
    at = {"at": 30.0}
    before = [
        share(40, 80, definition="in_programme@1", estimand="survival", **at),
        share(6, 80, definition="ending@1", category="completed", estimand="cumulative_incidence", **at),
    ]
    now = share(46, 80, definition="retained@1", estimand="cumulative_incidence", **at)
    first = publish(Estimates.from_rows(before)).frame
    assert first["status"].tolist() == ["ok", "withheld"]
    second = publish(Estimates.from_rows([now]), earlier=first).frame
    assert not 1 <= second["n"].iloc[0] - first["n"].iloc[0] <= 10


@pytest.mark.parametrize(
    "columns", [{}, {"period_start": QUARTERS[0][0], "period_end": QUARTERS[0][1]}], ids=["all", "dated"]
)
@pytest.mark.parametrize("policy", ROUNDED, ids=lambda policy: policy.name)
def test_the_same_rounded_release_again_does_not_tell_which_counts_were_exact(policy: Policy, columns: Row) -> None:
    """44 and 45 of 120 are both printed as 45. Printed again, the one must not be marked, or withheld, and the other not."""
    shown = policy.show(45)
    again: list[pd.DataFrame] = []
    for n in (*policy.bin(45), shown):
        estimates = Estimates.from_rows([share(n, 120, **columns)])
        first = publish(estimates, policy=policy.name).frame
        again.append(publish(estimates, policy=policy.name, earlier=first).frame)
        pd.testing.assert_frame_equal(again[-1], again[0])
        assert again[-1]["n"].tolist() == [shown]


def test_a_release_after_one_of_which_everything_was_withheld() -> None:
    first = publish(Estimates.from_rows([share(3, 40)])).frame
    assert first["status"].tolist() == ["withheld"]
    second = publish(Estimates.from_rows([share(30, 60, definition="other@1")]), earlier=first).frame
    assert second["status"].tolist() == ["ok"]


# --- what is worked out -------------------------------------------------------------------------
def test_a_test_of_one_day_does_not_tell_the_count_hidden_on_that_day() -> None:
    """A has 20 of 40 on day 30 and 3 of 40 on day 60, which is withheld. The p-value of day 60 fits no count of A but 3."""
    from scipy.stats import chi2_contingency

    def p_value(n: int) -> str:
        return f"{chi2_contingency([[n, 40 - n], [20, 40]], correction=False).pvalue:.1e}"

    rows = [share(n, base, by="site", group=group, at=at)
            for at, sites in ((30.0, {"A": (20, 40), "B": (30, 60)}), (60.0, {"A": (3, 40), "B": (20, 60)}))
            for group, (n, base) in sites.items()]  # fmt: skip
    test = {"measure": "m", "definition": "done@1", "estimand": "p_value", "by": "site", "group": "all", "at": 60.0,
            "value": float(p_value(3)), "denominator": 100, "people": 100}  # fmt: skip
    assert [n for n in range(41) if p_value(n) == p_value(3)] == [3]  # the attack
    frame = publish(Estimates.from_rows([*rows, test])).frame
    assert np.isnan(frame["n"].iloc[2])
    assert frame["status"].iloc[4] == "withheld"
