"""The independent attacker: it undoes each naive release, is never wrong about a true number, and is as sharp as counting."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from handmade import made_bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import COLUMNS, Estimates
from iop_outcomes.publication.attacker import (
    Attempt,
    Finding,
    attack,
    attack_folder,
    bound,
    describe_attack,
    read_release,
)
from iop_outcomes.publication.attacker.inversion import read_interval, read_share
from iop_outcomes.publication.gate import publish

NUMBERS = ["value", "ci_low", "ci_high", "n", "denominator", "people", "n_missing"]


def share(n: float | None, base: float, **columns: object) -> dict[str, object]:
    """One share; ``n`` missing is a count that was taken out with its share."""
    start = {"measure": "m", "definition": "done@1", "estimand": "proportion", "by": "all", "group": "all"}
    return {**start, "value": None if n is None else n / base, "n": n, "denominator": base, **columns}


def curve(days: list[float], counts: list[float | None], base: float, **columns: object) -> list[dict[str, object]]:
    line = {"definition": "ending@1", "estimand": "cumulative_incidence", "category": "left_early", **columns}
    return [share(n, base, at=day, **line) for day, n in zip(days, counts, strict=True)]


def found(*tables: list[dict], **options: object) -> dict[str, tuple[float, float, str]]:
    """Findings by their words."""
    findings = attack(*(pd.DataFrame(rows) for rows in tables), **options)
    return {each.cell: (each.low, each.high, each.method) for each in findings}


def only(*tables: list[dict], **options: object) -> tuple[str, float, float, str]:
    """The one finding."""
    findings = attack(*(pd.DataFrame(rows) for rows in tables), **options)
    assert len(findings) == 1, [each.cell for each in findings]
    return findings[0].cell, findings[0].low, findings[0].high, findings[0].method


# --- sums ------------------------------------------------------------------------------------------------------------
def test_hiding_only_the_three_of_site_a_gives_it_back() -> None:
    """Sites A (40, 3), B (35, 22), C (28, 19) and everyone (103, 44): 44 - 22 - 19 = 3, and 28 - 19 = 9 is left at C."""
    rows = [share(n, base, by="site", group=site) for site, n, base in (("A", None, 40), ("B", 22, 35), ("C", 19, 28))]
    told = found([share(44, 103), *rows])
    assert told["done@1, site A, row: events"] == (3, 3, "linear")
    assert told["done@1, site C, row: denominator less events"] == (9, 9, "linear")
    assert len(told) == 2


def test_forty_of_forty_three_leaves_three() -> None:
    assert only([share(40, 43)])[1:] == (3, 3, "linear")


def test_a_withheld_row_is_named_with_everything_it_shows_of_itself() -> None:
    blank = dict.fromkeys(NUMBERS)
    row = {"definition": "reason@1", "category": "c2", "at": 30.0}
    rows = [
        share(60, 90, **row),
        share(25, 40, by="site", group="A", **row),
        {**share(None, 0, by="site", group="B", **row), **blank, "status": "withheld"},
        share(30, 43, by="site", group="C", **row),
    ]
    told = found(rows)
    assert told["reason@1, category c2, site B, day 30, withheld row: events"] == (5, 5, "linear")
    assert told["reason@1, category c2, site B, day 30, withheld row: denominator"] == (7, 7, "linear")


def test_a_category_left_out_is_the_rest_of_its_base() -> None:
    rows = [share(40, 90, category="completed"), share(43, 90, category="left_early")]
    assert only(rows)[1:] == (7, 7, "linear")


def test_a_table_of_two_ways_is_told_by_both_of_its_margins() -> None:
    """Site by reason withheld in two cells; the site's own margin and the reason's give them back."""
    table = np.array([[20, 4, 30], [25, 40, 18], [30, 20, 21]])
    rows = cross(table, hidden={(0, 1)})
    assert found(rows)["reason@1, category c1, site g0, row: events"] == (4, 4, "linear")


def test_what_hides_behind_another_of_its_row_and_column_stays_hidden() -> None:
    table = np.array([[20, 4, 30], [25, 14, 18], [30, 20, 21]])
    rows = cross(table, hidden={(0, 1), (0, 0), (1, 1), (1, 0)})
    assert found(rows) == {}
    low, high = interval(pd.DataFrame(rows), "reason@1, category c1, site g0, row: events")
    assert (low, high) == (0, 18)


def test_months_give_back_the_month_that_is_missing_from_a_quarter() -> None:
    spans = [("2025-01-01", "2025-01-31", 20), ("2025-02-01", "2025-02-28", None), ("2025-03-01", "2025-03-31", 30)]
    rows = [share(n, 60, period_start=start, period_end=end) for start, end, n in spans]
    rows.append(share(54, 180, period_start="2025-01-01", period_end="2025-03-31"))
    assert only(rows)[1:] == (4, 4, "linear")


def test_a_step_made_by_one_person_shows() -> None:
    cell, low, high, _ = only(curve([7, 14, 21, 28], [15, 16, 30, 44], 100))
    assert (low, high) == (1, 1)
    assert "day 7, row: change to day 14" in cell


def test_milestones_of_rising_length_hold_each_other() -> None:
    rows = [
        share(n, 100, definition="milestone_bridged@1", estimand="cumulative_incidence", at=60.0, category=length)
        for length, n in (("7", 60), ("14", 56), ("30", 20))
    ]
    assert only(rows)[1:3] == (4, 4)


def test_attrition_tells_a_withheld_exclusion_by_what_is_left() -> None:
    steps = [("read", 930, 930), ("other level", 212, 930), ("no session", None, 718), ("no consent", 60, 714)]
    rows = [
        share(n, base, definition="attrition@1", estimand="count", category=word, at=float(place))
        for place, (word, n, base) in enumerate(steps)
    ]
    assert only(rows)[1:] == (4, 4, "linear")


def test_a_blanked_count_of_missing_records_is_what_the_base_lacks() -> None:
    rows = []
    for site, due, answered, missing in (("A", 100, 80, 20.0), ("B", 60, 54, None)):
        rows.append(share(40, due, by="site", group=site))
        rows.append(share(30, answered, definition="tested@1", by="site", group=site, n_missing=missing))
    told = found(rows)
    assert told["tested@1, site B, row: n_missing"] == (6, 6, "linear")


def test_different_people_beside_episodes_tell_who_came_again() -> None:
    assert only([share(50, 100, people=97)])[1:3] == (3, 3)


def test_people_of_two_groups_beside_everyone_tell_who_is_in_both() -> None:
    rows = [share(50, 130, people=112), share(20, 70, people=56, by="schedule", group="day")]
    rows.append(share(30, 60, people=60, by="schedule", group="evening"))
    told = found(rows)
    assert told["done@1, row: people in more than one group of schedule"] == (4, 4, "linear")


def test_a_share_of_responders_is_told_by_the_bound_that_counts_nobody_else() -> None:
    """63 of 65 reached used less: the lower bound prints the same 63 among all 105."""
    due = {"category": "days_used_30", "at": 180.0}
    rows = [
        share(65, 105, definition="followup_response@1", **due),
        {**share(None, 65, definition="used_fewer_days@1", **due), "denominator": None, "status": "withheld"},
        share(63, 105, definition="used_fewer_days_low@1", **due),
    ]
    assert only(rows)[1:] == (2, 2, "linear")


# --- shares, intervals, means ----------------------------------------------------------------------------------------
def test_twelve_and_a_half_percent_of_twenty_four_is_three() -> None:
    rows = [{**share(None, 24), "value": 0.125}]
    assert only(rows)[1:] == (3, 3, "percent")
    assert only([{**rows[0], "value": 3 / 24}], digits=3)[1:] == (3, 3, "percent")


def test_a_whole_percent_of_a_small_base_is_a_count() -> None:
    told = found([{**share(None, 24), "value": 0.125}], digits=2)
    assert told["done@1, row: events"] == (3, 3, "percent")


def test_a_whole_percent_of_a_large_base_may_be_many_counts() -> None:
    assert found([{**share(None, 2400), "value": 0.125}], digits=2) == {}


def test_seventy_five_percent_with_its_limits_is_forty_five_of_sixty_and_nothing_else() -> None:
    readings = read_interval(0.75, 0.628, 0.842, (0.005, 0.0005), np.arange(1, 2000))
    assert list(zip(readings.events, readings.bases, strict=True)) == [(45, 60)]


def test_an_interval_gives_back_a_count_and_its_base() -> None:
    """8 of 60: 13.3 % (6.9–24.2)."""
    row = {
        **share(None, 60),
        "denominator": None,
        "value": 0.133,
        "ci_low": 0.069,
        "ci_high": 0.242,
        "method": "Wilson",
    }
    known = share(30, 60, category="a", method="Wilson", definition="other@1")
    told = found([{**row, "category": "a"}, known])
    assert told["done@1, category a, row: events"] == (8, 8, "interval")


@pytest.mark.parametrize("people", [31, 64, 127, 410])
def test_limits_to_one_decimal_of_a_percent_give_back_every_small_count(people: int) -> None:
    from iop_outcomes.statistics import wilson

    for n in (1, 4, 10):
        limits = wilson(n, people)
        row = {**share(None, people), "denominator": None, "method": "Wilson"}
        row |= {"value": n / people, "ci_low": float(limits.low), "ci_high": float(limits.high)}
        row |= {name: round(float(row[name]), 3) for name in ("value", "ci_low", "ci_high")}
        readings = read_interval(row["value"], row["ci_low"], row["ci_high"], (0.0005, 0.0005), np.arange(1, 3000))
        assert n in readings.events
        assert set(readings.events) <= set(range(1, 11))


def test_a_mean_with_all_its_decimals_tells_the_base_that_was_taken_out() -> None:
    """283 episodes of 245 pathways: 2 of the 247 admitted are on another one's pathway."""
    mean = {"definition": "pathway_episodes@1", "estimand": "mean", "value": 283 / 245, "unit": "episodes"}
    mean |= {"by": "all", "group": "all", "note": "some counts withheld"}
    cell, low, high, method = only([*curve([7, 14], [20, 40], 247), mean])
    assert (low, high, method) == (2, 2, "percent")
    assert "pathway_episodes@1" in cell


def test_means_of_everyone_and_of_all_groups_but_one_tell_the_last_ones_total() -> None:
    """Day 40 people with 6.5 sessions each, evening withheld, everyone 43 with 6.4: three people had 15.2 together."""
    mean = {"definition": "sessions@1", "estimand": "mean", "unit": "sessions"}
    rows = [
        share(None, 43, **mean) | {"value": 275 / 43},
        share(None, 40, by="schedule", group="day", **mean) | {"value": 260 / 40},
        share(None, 3, by="schedule", group="evening", **mean),
    ]
    more = [
        share(None, 90, category="x", **mean) | {"value": 1.5},
        share(None, 50, category="x", by="schedule", group="day", **mean) | {"value": 1.5},
        share(None, 40, category="x", by="schedule", group="evening", **mean) | {"value": 1.5},
    ]
    told = found([*rows, *more])
    assert told["sessions@1, schedule evening, row: total of the withheld mean"] == (15, 15, "average")


def test_means_of_groups_that_are_not_all_of_everyone_tell_nothing() -> None:
    """A second programme of 8 people stands beside the first, but is not in its 43."""
    mean = {"definition": "sessions@1", "estimand": "mean", "unit": "sessions"}
    rows = [
        share(None, 43, **mean) | {"value": 275 / 43},
        share(None, 43, by="program", group="first", **mean) | {"value": 275 / 43},
        share(None, 8, by="program", group="second", **mean),
    ]
    assert found(rows) == {}


def test_two_sizes_that_were_taken_out_follow_from_three_means() -> None:
    mean = {"definition": "score@1", "estimand": "mean", "unit": "points", "by": "schedule"}
    rows = [
        share(None, 90, **{**mean, "by": "all"}) | {"value": 630 / 90 + 1 / 90},
        share(None, 0, group="day", **mean) | {"value": 611 / 84, "denominator": None, "note": "some counts withheld"},
        share(None, 0, group="evening", **mean)
        | {"value": 20 / 6, "denominator": None, "note": "some counts withheld"},
    ]
    told = found(rows)
    assert told["score@1, schedule evening, row with some counts withheld: denominator"] == (6, 6, "average")


# --- curves ----------------------------------------------------------------------------------------------------------
def test_the_fall_of_a_curve_times_those_at_risk_is_a_number_of_people() -> None:
    """92 of 100 at day 14 and 61 at risk on day 21, of whom one in 61 leaves."""
    survival = {"definition": "ending@1", "estimand": "survival", "category": "in_programme"}
    risk = {"definition": "at_risk@1", "estimand": "count", "category": "at_risk", "by": "all", "group": "all"}
    heights = [0.92, 0.92 * (1 - 4 / 61)]
    rows = [share(None, 100, at=day, **survival) | {"value": s} for day, s in zip((14, 21), heights, strict=True)]
    rows += [{**risk, "at": day, "n": n, "value": n} for day, n in ((14, 80), (21, 61))]
    told = found(rows)
    assert told["ending@1, category in_programme, day 14, row: change to day 21"] == (4, 4, "step")


def test_those_at_risk_less_those_still_there_left_on_that_very_day() -> None:
    survival = {"definition": "ending@1", "estimand": "survival", "category": "in_programme", "at": 7.0}
    risk = {"definition": "at_risk@1", "estimand": "count", "category": "at_risk", "by": "all", "group": "all"}
    rows = [share(213, 247, **survival), {**risk, "at": 7.0, "n": 220, "value": 220}]
    assert only(rows)[1:] == (7, 7, "step")


# --- releases --------------------------------------------------------------------------------------------------------
def test_a_revised_quarter_tells_the_one_person_it_was_revised_by() -> None:
    quarter = {"period_start": "2025-01-01", "period_end": "2025-03-31"}
    assert only([share(44, 120, **quarter)], [share(45, 120, **quarter)])[1:] == (1, 1, "releases")
    assert found([share(44, 120, **quarter)], [share(44, 120, **quarter)]) == {}


def test_rolling_years_of_two_releases_tell_a_quarter_that_was_never_printed() -> None:
    """April 2024 to March 2025 less January to December 2024, with the new quarter printed: the old quarter."""
    first = [share(100, 400, period_start="2024-01-01", period_end="2024-12-31")]
    second = [
        share(108, 410, period_start="2024-04-01", period_end="2025-03-31"),
        share(12, 90, period_start="2025-01-01", period_end="2025-03-31"),
    ]
    cell, low, high, _ = only(first, second)
    assert (low, high) == (4, 4)
    assert "2024-01-01 to 2024-03-31, release 1, no row of its own: events" in cell


# --- never wrong -----------------------------------------------------------------------------------------------------
def cross(table: np.ndarray, hidden: set[tuple[int, int]], totals: bool = False) -> list[dict]:
    """Groups by categories with everyone's row; what is hidden keeps only its base. ``totals`` adds a category ``all``."""
    rows = []
    groups = [(f"g{i}", line, i) for i, line in enumerate(table)] + [("all", table.sum(axis=0), -1)]
    for name, counts, i in groups:
        place = {"by": "all" if i < 0 else "site", "group": name, "definition": "reason@1"}
        for j, count in enumerate(counts):
            n = None if (i, j) in hidden else float(count)
            rows.append(share(n, float(counts.sum()) or 1.0, category=f"c{j}", **place))
        if totals:
            rows.append(share(float(counts.sum()), float(counts.sum()) or 1.0, category="all", **place))
    return rows


def small_places(table: np.ndarray, threshold: int = 11) -> set[tuple[int, int]]:
    """Cells of 1 to the threshold less one, everyone's row being row -1."""
    whole = np.vstack([table, table.sum(axis=0)])
    places = {(int(i), int(j)) for i, j in np.argwhere((whole > 0) & (whole < threshold))}
    return {(-1 if i == len(table) else i, j) for i, j in places}


def interval(frame: pd.DataFrame, cell: str) -> tuple[float, float]:
    bounds = bound(frame)
    row = bounds[bounds["cell"] == cell].iloc[0]
    return float(row["low"]), float(row["high"])


def misses(full: pd.DataFrame, bounds: pd.DataFrame) -> pd.DataFrame:
    """Bounds that do not hold the true number."""
    full = full.reindex(columns=list(COLUMNS))
    columns = {name: full[name].to_numpy(dtype="float64") for name in ("n", "denominator", "people", "n_missing")}
    row, other = bounds["row"].to_numpy(), bounds["other"].to_numpy()
    truth = np.full(len(bounds), np.nan)
    for kind, values in (
        ("events", columns["n"][row]),
        ("base", columns["denominator"][row]),
        ("people", columns["people"][row]),
        ("missing", columns["n_missing"][row]),
        ("left", columns["denominator"][row] - columns["n"][row]),
        ("step", np.abs(columns["n"][row] - columns["n"][other])),
        ("nested", columns["n"][row] - columns["n"][other]),
        ("repeat", columns["denominator"][row] - columns["people"][row]),
    ):
        truth = np.where(bounds["kind"] == kind, values, truth)
    return bounds[(truth < bounds["low"] - 1e-6) | (truth > bounds["high"] + 1e-6)]


def tables(largest: int) -> st.SearchStrategy[np.ndarray]:
    count = st.one_of(st.integers(0, 14), st.integers(11, 90))
    shape = st.tuples(st.integers(2, largest), st.integers(2, largest))
    return shape.flatmap(
        lambda size: st.lists(count, min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
            lambda cells: np.array(cells).reshape(size)
        )
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables(8), st.booleans(), st.data())
def test_every_interval_holds_the_truth(table: np.ndarray, totals: bool, data: st.DataObject) -> None:
    """Whatever is hidden: the small cells, and any others."""
    if not table.sum(axis=1).all():
        return
    everywhere = [(i, j) for i in range(-1, len(table)) for j in range(table.shape[1])]
    hidden = small_places(table) | set(data.draw(st.lists(st.sampled_from(everywhere), max_size=6)))
    bounds = bound(pd.DataFrame(cross(table, hidden, totals)))
    wrong = misses(pd.DataFrame(cross(table, set(), totals)), bounds)
    assert wrong.empty, wrong


@pytest.mark.parametrize("people", [120, 400])
def test_every_interval_of_a_programmes_release_holds_the_truth(people: int) -> None:
    """Curves, groups, hours and attendance of a made programme: as the gate releases it, and with small rows blanked."""
    made = made_bundle(people, seed=people)
    full = made.take(made.frame["at"].isna() | made.frame["at"].isin([7, 14, 28, 42, 60, 90]))
    full = full.take(~full.frame["definition"].str.startswith("milestone"))  # made lengths do not hold one another
    released = publish(full).frame
    assert misses(full.frame, bound(released)).empty
    naive = full.frame.copy()
    naive.loc[(naive["n"] > 0) & (naive["n"] < 11), NUMBERS] = np.nan
    assert misses(full.frame, bound(naive)).empty


def test_hiding_small_cells_alone_is_undone_in_nearly_every_table() -> None:
    needing = undone = 0
    for seed in range(150):
        shape = np.random.default_rng(seed).integers(2, 9, size=2)
        table = np.random.default_rng(seed + 1000).negative_binomial(1, 0.03, size=shape)
        hidden = small_places(table)
        if not hidden or not table.sum(axis=1).all():
            continue
        needing += 1
        bounds = bound(pd.DataFrame(cross(table, hidden)))
        events = bounds[bounds["kind"] == "events"]
        undone += bool((events["low"] == events["high"]).any())
    assert needing > 100
    assert undone / needing >= 0.95


# --- as sharp as counting --------------------------------------------------------------------------------------------
def count_out(table: np.ndarray, hidden: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Smallest and largest value of each hidden cell over all tables of whole numbers that fit, one by one.

    Groups add to everyone; categories fill their base (a complete row shows that they do).
    """
    inside = sorted(place for place in hidden if place[0] >= 0)
    ranges = [range(int(table[i].sum()) + 1) for i, _ in inside]
    grids = np.array(list(itertools.product(*ranges)), dtype=int).reshape(-1, len(inside))
    whole = table.sum(axis=0)
    trial = np.repeat(table[None].astype(int), len(grids), axis=0)
    for column, (i, j) in enumerate(inside):
        trial[:, i, j] = grids[:, column]
    fits = (trial.sum(axis=2) == table.sum(axis=1)).all(axis=1)
    sums = trial.sum(axis=1)
    for j in range(table.shape[1]):
        if (-1, j) not in hidden:
            fits &= sums[:, j] == whole[j]
    trial, sums = trial[fits], sums[fits]
    values = {(i, j): sums[:, j] if i < 0 else trial[:, i, j] for i, j in hidden}
    return {place: (int(cells.min()), int(cells.max())) for place, cells in values.items()}


@pytest.mark.parametrize("seed", range(25))
def test_bounds_of_small_tables_are_those_of_counting_every_table(seed: int) -> None:
    draw = np.random.default_rng(seed)
    table = draw.integers(0, 8, size=(3, 3))
    table[2] += 1
    table[:2, 0] += 1
    places = [
        (i, j) for i in range(-1, 2) for j in range(3)
    ]  # the last group is complete: it shows that categories fill
    hidden = {places[k] for k in draw.choice(len(places), size=5, replace=False)}
    bounds = bound(pd.DataFrame(cross(table, hidden)))
    events = bounds[bounds["kind"] == "events"]
    order = dict(enumerate((i, j) for i in (0, 1, 2, -1) for j in range(3)))
    told = {
        order[row]: (int(low), int(high))
        for row, low, high in zip(events["row"], events["low"], events["high"], strict=True)
    }
    assert told == count_out(table, hidden)


# --- rounded releases, reading and words -----------------------------------------------------------------------------
def test_rounded_counts_are_bins_and_not_points() -> None:
    rows = [share(n, base, by="site", group=site) for site, n, base in (("A", None, 40), ("B", 20, 35), ("C", 20, 30))]
    rows = [share(45, 105), *rows]
    assert found(rows)["done@1, site A, row: events"] == (5, 5, "linear")
    assert found(rows, bins=lambda count: (max(0, count - 2), count + 2)) == {}
    bounds = bound(pd.DataFrame(rows), bins=lambda count: (max(0, count - 2), count + 2))
    row = bounds[bounds["cell"] == "done@1, site A, row: events"].iloc[0]
    assert (row["low"], row["high"]) == (0, 11)


def test_sums_that_printed_numbers_speak_against_are_not_supposed() -> None:
    """Groups that overlap, and categories that exclude nobody, tell nothing about what is withheld."""
    overlap = [share(50, 100), share(40, 80, by="site", group="A"), share(35, 70, by="site", group="B")]
    overlap.append(share(None, 60, by="site", group="C"))
    assert found(overlap) == {}
    several = [
        share(80, 100, category="any use"),
        share(70, 100, category="alcohol"),
        share(None, 100, category="opioids"),
    ]
    assert found(several) == {}


def test_a_release_is_read_from_its_folder(tmp_path) -> None:
    rows = [share(40, 43, group="NA", by="site")]
    Estimates.from_rows(rows).frame.to_csv(tmp_path / "quarterly-2025Q1-public.csv", index=False)
    pd.DataFrame({"site": ["A"]}).to_csv(tmp_path / "notes.csv", index=False)
    (frame,) = read_release(tmp_path)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["group"].tolist() == ["NA"]
    text, safe = attack_folder(tmp_path)
    assert not safe
    assert "done@1, site NA, row: denominator less events: 3 (linear; from rows 1)" in text


def test_a_folder_without_a_release_says_what_is_missing(tmp_path) -> None:
    pd.DataFrame({"site": ["A"]}).to_csv(tmp_path / "notes.csv", index=False)
    with pytest.raises(UsageError, match="no released table"):
        read_release(tmp_path)
    with pytest.raises(UsageError, match="definition and estimand"):
        attack(pd.DataFrame({"n": [1.0]}))
    pd.DataFrame({"definition": ["a@1"], "estimand": ["count"], "n": ["many"]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UsageError, match=r"a\.csv: the column n"):
        read_release(tmp_path)


def test_the_report_says_what_was_tried_and_that_nothing_was_found(tmp_path) -> None:
    Estimates.from_rows([share(40, 80)]).frame.to_csv(tmp_path / "a.csv", index=False)
    text, safe = attack_folder(tmp_path)
    assert safe
    assert "1 released table" in text
    assert "shares and means" in text
    assert "no count of 1 to 10 people" in text


def test_the_order_of_rows_changes_nothing() -> None:
    table = np.array([[20, 4, 30], [25, 40, 18], [30, 20, 21]])
    rows = cross(table, hidden={(0, 1)})
    assert found(rows) == found(rows[::-1])


def test_a_finding_says_which_rows_it_follows_from() -> None:
    rows = [share(n, base, by="site", group=site) for site, n, base in (("A", None, 40), ("B", 22, 35), ("C", 19, 31))]
    (finding,) = attack(pd.DataFrame([share(44, 106), *rows]))
    assert isinstance(finding, Finding)
    assert finding.pinned
    assert finding.rows == (1,)
    assert set(finding.used) == {0, 2, 3}
    tried = Attempt((), releases=2, rows=4, withheld=1, unreleased=3, threshold=11)
    text = describe_attack([Finding("a count", 1, 4, "linear", (0,), (0,))], tried)
    assert "2 released tables together: 4 rows, 1 of them withheld" in text
    assert "a count: between 1 and 4 (linear; from rows 1)" in text


def test_no_reading_is_missed() -> None:
    """Every pair that rounds to the printed share is among the readings."""
    bases = np.arange(1, 60)
    readings = read_share(0.33, 0.005, bases)
    wanted = {(x, n) for n in bases for x in range(n + 1) if abs(x / n - 0.33) <= 0.005 + 1e-9}
    assert {(int(x), int(n)) for x, n in zip(readings.events, readings.bases, strict=True)} == wanted
