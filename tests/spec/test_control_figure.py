"""Charts over time as drawn, described and listed: limits that vary, new baselines, targets, what is too early."""

from __future__ import annotations

import math

import pytest

from iop_outcomes import publish
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.publication.figures.control import pick_series
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.signals import SERIES, find_series, read_signal, say_assurance, write_sentences

NO_SHOW = {"measure": "attendance", "definition": "session_status@1", "unit": "share"}
MONTHS = [(f"2025-{month:02d}-01", f"2025-{month:02d}-28") for month in range(1, 13)]


def point(place, value, **more):
    start, end = MONTHS[place]
    row = {**NO_SHOW, "estimand": "proportion", "category": "no_show", "period_start": start, "period_end": end}
    counts = {"n": round(600 * value), "denominator": 600, "people": 80}
    return {**row, **counts, "value": value, "method": "Wilson", **more}


def line(category, value, first=0, last=11, estimand="center_line", **more):
    span = {"period_start": MONTHS[first][0], "period_end": MONTHS[last][1]}
    return {**NO_SHOW, "estimand": estimand, "category": category, "value": value, **span, **more}


POINTS = [point(place, value) for place, value in enumerate((0.2, 0.25) * 6)]
PLAIN = [*POINTS, line("centre", 0.22), line("lower", 0.1), line("upper", 0.34)]
VARYING = [
    *POINTS,
    line("centre", 0.22),
    *(line("lower", 0.1 + place / 100, place, place, "limit") for place in range(12)),
    *(line("upper", 0.34 - place / 100, place, place, "limit") for place in range(12)),
    line("dispersion", 1.1, estimand="diagnostic", unit="number", note="p-chart: periods differ no more than counting"),
]
REBASED = [
    *POINTS,
    line("centre", 0.3, 0, 5),
    line(
        "centre", 0.2, 6, 11, note="rebased: evening group; not rebased from 2025-11-01: fewer than 6 points after it"
    ),
]
RUN = [
    *POINTS[:6],
    line("median", 0.225, 0, 5, method="run chart"),
    line("longest_run", 1.0, 0, 5, "diagnostic", unit="number", note="at most 6 of 6 points by chance"),
]


def drawn(rows, name="xmr"):
    return to_svg(FIGURES[name].draw(Estimates.from_rows(rows)), "x")


def described(rows):
    return FIGURES["xmr"].describe(Estimates.from_rows(rows))


def listed(rows):
    return FIGURES["xmr"].tabulate(Estimates.from_rows(rows))


@pytest.mark.parametrize("rows", [PLAIN, VARYING, REBASED, RUN], ids=["plain", "varying", "rebased", "run"])
@pytest.mark.parametrize("name", ["xmr", "sparkline"])
def test_every_chart_is_drawn_the_same_way_twice_and_differs_from_the_plain_points(rows, name):
    assert drawn(rows, name) == drawn(rows, name)
    assert drawn(rows, name) != drawn(POINTS[: len([row for row in rows if row["estimand"] == "proportion"])], name)


def test_limits_that_vary_are_said_as_the_last_and_listed_for_every_month():
    assert "Average 22%; usual range 21% to 23%." in described(VARYING)
    assert "P-chart: periods differ no more than counting." in described(VARYING)
    table = listed(VARYING)
    assert table.columns == ("Period", "Value", "Of", "Usual range, low", "Usual range, high", "Signal")
    low, high = table.rows[0][3:5]
    assert (low, high) == (Quantity("share", 0.1), Quantity("share", 0.34))
    assert listed(PLAIN).columns == ("Period", "Value", "Of", "Signal")


def test_a_new_baseline_is_said_with_its_reason_and_one_not_made_with_why():
    text = described(REBASED)
    assert "Average 20%." in text
    assert "New baseline from 2025-07: evening group." in text
    assert text.endswith("Not rebased from 2025-11-01: fewer than 6 points after it.")
    assert [row[0] for row in listed(REBASED).rows[12:]] == ["Centre", "Centre (new baseline: evening group)"]


def test_a_run_chart_says_its_median_and_its_runs():
    assert "Median 22%." in described(RUN)
    assert listed(RUN).rows[-1][0] == "Longest run on one side"
    assert listed(RUN).rows[-1][-1] == "at most 6 of 6 points by chance"


@pytest.mark.parametrize(
    ("word", "said"),
    [("meets", "ordinarily met"), ("misses", "ordinarily not met"), ("varies", "at times met, by chance")],
)
def test_a_target_is_drawn_and_said_with_what_the_limits_say_of_it(word, said):
    rows = [*PLAIN, line("target", 0.15, note=f"assurance: {word}")]
    assert f"Target 15%: {said}." in described(rows)
    assert listed(rows).rows[-1][-1] == said
    assert drawn(rows) != drawn(PLAIN)


def test_what_is_too_early_is_shown_pale_and_said():
    early = [*POINTS[:11], point(11, 0.25, status="immature"), *PLAIN[12:]]
    assert listed(early).rows[11][-1] == "too early to say"
    assert drawn(early) != drawn(PLAIN)
    assert "No signal." in described(early)


def test_a_change_that_is_neither_better_nor_worse_is_marked_as_a_change():
    rows = [*POINTS[:11], point(11, 0.5, note="signal: changed"), *PLAIN[12:]]
    assert "Signals: 2025-12 changed." in described(rows)
    assert drawn(rows) != drawn([*POINTS[:11], point(11, 0.5), *PLAIN[12:]])


def test_times_between_events_are_named_by_the_day_of_the_event():
    gap = {
        "measure": "periods",
        "definition": "died_days_between@1",
        "estimand": "count",
        "category": "died",
        "unit": "days",
    }
    rows = [{**gap, "value": 20.0, "n": 1, "people": 1, "period_start": "2025-01-01", "period_end": "2025-01-21"}]
    assert "20.0 days (2025-01-21)" in described(rows)
    assert drawn(rows).startswith("<svg")


def test_a_series_picked_from_a_bundle_keeps_its_lines_and_limits():
    other = point(0, 0.7, category="attended")
    published = publish(Estimates.from_rows([*VARYING, other]), audience="internal")
    picked = pick_series(published, "session_status@1", "no_show")
    assert len(picked) == len(VARYING)


# --- page 1 ----------------------------------------------------------------------------------------------------------
def read(rows, audience="internal"):
    published = publish(Estimates.from_rows(rows), audience=audience)
    return published, find_series(published, SERIES["no_show"])


def test_page_one_says_a_target_only_where_one_is_set():
    published, series = read([*PLAIN, line("target", 0.4, note="assurance: meets")])
    assert say_assurance(series) == "Target 40%: ordinary months meet it"
    sentences = write_sentences(published, Quarter(2025, 4).span)
    assert "The share of sessions missed without notice, target 40%: ordinary months meet it." in sentences
    assert say_assurance(read(PLAIN)[1]) == ""


def test_a_target_goes_where_a_month_it_was_held_against_is_withheld():
    rows = [*PLAIN[1:], point(0, 0.2, people=4, denominator=4, n=2), line("target", 0.4, note="assurance: meets")]
    _, series = read(rows, "public")
    assert say_assurance(series) == ""
    assert all(math.isnan(row["value"]) for row in series.rows() if row["category"] == "target")


def test_a_line_without_months_is_read_by_quarter():
    quarters = [("01-01", "03-31"), ("04-01", "06-30"), ("07-01", "09-30"), ("10-01", "12-31")]
    rows = [
        {**point(0, 0.2), "period_start": f"{year}-{first}", "period_end": f"{year}-{last}"}
        for year in (2024, 2025)
        for first, last in quarters
    ]
    year = {**point(0, 0.2), "period_start": "2025-01-01", "period_end": "2025-12-31"}
    published, series = read([*rows, year])
    assert len(series) == len(rows)
    assert read_signal(series, Quarter(2025, 4).span) == ("none", ())
    rows[-1]["note"] = "signal: worse"
    published, series = read([*rows, year])
    assert read_signal(series, Quarter(2025, 4).span) == ("worse", ("the quarter",))
    said = write_sentences(published, Quarter(2025, 4).span)[0]
    assert said == "The share of sessions missed without notice: a real change for the worse in the quarter (page 4)."


def test_nothing_is_said_of_change_where_less_than_half_of_a_line_is_shown():
    gone = [{**point(place, 0.2), "period_start": f"2024-{place + 1:02d}-01", "period_end": f"2024-{place + 1:02d}-28",
             "people": 4, "denominator": 4, "n": 2} for place in range(12)]  # fmt: skip
    _, series = read([*POINTS, *gone], "public")
    assert read_signal(series, Quarter(2025, 4).span)[0] == "none"
    _, series = read([*POINTS[1:], point(0, 0.2, people=4, denominator=4, n=2), *gone], "public")
    assert read_signal(series, Quarter(2025, 4).span) == ("too_few", ())


def test_a_chart_that_may_not_show_its_average_and_range_says_why():
    rows = [*PLAIN[1:], point(0, 0.2, people=4, denominator=4, n=2)]
    said = "Average and usual range are not drawn: what is withheld could be worked out from them."
    _, series = read(rows, "public")
    assert said in FIGURES["xmr"].describe(series)
    assert said not in described(PLAIN)


def test_lines_are_no_months_of_the_quarter():
    _, series = read([*VARYING[:-1], line("lower", 0.1, 11, 11, note="signal: worse", estimand="limit", at=1.0)])
    assert read_signal(series, Quarter(2025, 4).span) == ("none", ())
