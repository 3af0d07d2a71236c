"""Comparison between sites (docs/methods/charts.md): exact funnel limits, over-dispersion, observed over expected."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from tables import one, records, value

from iop_outcomes import measure_by_site, publish, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.reports.contents import Contents
from iop_outcomes.reports.pages.sites import build_sites
from iop_outcomes.reports.period import Span
from iop_outcomes.reports.reading import Reading
from iop_outcomes.statistics import funnel_limits

RETAINED = "retained_followed"
YEAR = Span(date(2025, 1, 1), date(2025, 12, 31), "2025")


def programs(number):
    lines = [f"s{place} | Site {place} | 2.1 | 8 | 9 | day" for place in range(1, number + 1)]
    return "program | label | level_of_care | planned_weeks | required_hours | schedule\n" + "\n".join(lines)


def stays(**counts):
    """Episodes of sites by (completed on day 56, left before completing on day 10): ``s1=(12, 8)``."""
    rows = []
    for site, (stayed, left) in counts.items():
        for place in range(stayed + left):
            day, reason = ("56", "completed") if place < stayed else ("10", "left_early")
            rows.append((f"{site}-{place}", site, day, reason))
    return pd.DataFrame(rows, columns=["episode_id", "program_id", "discharge_day", "end_reason"])


def sites(episodes, what="retained", attendance=None, number=None, **more):
    adjust = more.pop("adjust", None)
    number = number or episodes["program_id"].nunique()
    cohort = select_cohort(records(episodes, attendance, programs=programs(number), **more), exit_rule="discharge")
    return measure_by_site(cohort, what, adjust=adjust)


def of_site(found, name, definition=RETAINED, **conditions):
    return one(found, definition, by="program", group=name, **conditions)


def test_each_site_is_counted_among_episodes_followed_to_the_day():
    """Site 1 kept 12 of 20 to day 42, site 2 15 of 20; an episode admitted 41 days before the extract is left out."""
    episodes = pd.concat([stays(s1=(12, 8), s2=(15, 5)), stays(s1=(1, 0)).assign(episode_id="new")])
    episodes["admission_date"] = np.where(episodes["episode_id"] == "new", "2025-11-20", "2025-01-06")
    episodes.loc[episodes["episode_id"] == "new", ["discharge_day", "end_reason"]] = ""
    found = sites(episodes)
    first = of_site(found, "Site 1", estimand="proportion")
    assert (first["n"], first["denominator"], first["people"], first["n_missing"]) == (12, 20, 20, 1)
    assert of_site(found, "Site 2", estimand="proportion")["value"] == 0.75
    everyone = one(found, RETAINED, estimand="proportion")
    assert (everyone["value"], everyone["denominator"], everyone["n_missing"]) == (27 / 40, 40, 1)


def test_people_first_seen_after_their_first_day_are_left_out():
    """Records begin in March: who came in January and is in them had not left by then."""
    episodes = stays(s1=(10, 10), s2=(10, 10))
    episodes["admission_date"] = ["2025-02-10"] * 8 + ["2025-03-10"] * 32
    found = sites(episodes, records_from=date(2025, 3, 1))
    assert of_site(found, "Site 1", estimand="proportion")["n"] == 2
    assert of_site(found, "Site 1", estimand="proportion")["n_missing"] == 8


def test_limits_of_twenty_episodes_around_a_half():
    """Of 20 tosses, 5 or fewer come up with probability .0207 and 6 or fewer with .0577: .025 lies at 5.116 of 20."""
    found = sites(stays(s1=(11, 9), s2=(9, 11)))
    assert of_site(found, "Site 1", category="lower_95")["value"] == pytest.approx(5.116 / 20, abs=5e-5)
    assert of_site(found, "Site 1", category="upper_95")["value"] == pytest.approx(14.884 / 20, abs=5e-5)
    assert of_site(found, "Site 1", estimand="proportion")["note"] == "inside the 95% limits"
    assert one(found, RETAINED, estimand="proportion")["note"] == "2 sites: a funnel of so few says little"


def test_beyond_the_outer_limits_is_a_signal_and_the_complement_says_the_same():
    """18 of 20 beside 2 of 20. Turned round to people lost early, the funnel is its own mirror image."""
    kept, lost = (sites(stays(s1=(18, 2), s2=(2, 18)), what) for what in ("retained", "lost_early"))
    for name, word in (("Site 1", "better"), ("Site 2", "worse")):
        for found, definition in ((kept, RETAINED), (lost, "lost_early_followed")):
            note = of_site(found, name, definition, estimand="proportion")["note"]
            assert note == f"outside the 99.8% limits; signal: {word}"
    for level in ("95", "99.8"):
        low = of_site(kept, "Site 1", category=f"lower_{level}")["value"]
        high = of_site(lost, "Site 1", "lost_early_followed", category=f"upper_{level}")["value"]
        assert low + high == pytest.approx(1, abs=1e-12)


def test_sessions_of_one_person_are_not_so_many_independent_ones():
    """Everybody comes to all of their four sessions or to none: limits are those of about as many people."""
    episodes = stays(s1=(30, 0), s2=(30, 0))
    sessions = episodes[["episode_id"]].merge(pd.DataFrame({"day": ["0", "2", "4", "6"]}), how="cross")
    whole = sessions["episode_id"].str.extract(r"-(\d+)$")[0].astype(int)
    sessions["status"] = np.where((whole % 3 == 0) & (sessions["day"] != "0"), "no_show", "attended")
    found = sites(episodes, "no_show", sessions)
    row = of_site(found, "Site 1", "session_status", category="no_show", estimand="proportion")
    assert (row["n"], row["denominator"], row["people"]) == (30, 120, 30)
    effect = value(found, "session_status", by="program", category="design_effect")
    assert 2 < effect < 3
    limits = funnel_limits([np.floor(120 / effect)], 0.25)
    assert of_site(found, "Site 1", "session_status", category="lower_95")["value"] == limits.lower[0, 0]


def test_limits_for_drawing_run_beyond_everyone_so_that_no_size_is_a_count():
    found = sites(stays(s1=(11, 9), s2=(9, 11)))
    grid = found.where(estimand="funnel_limit", by="all", category="lower_95").frame
    assert grid["at"].is_monotonic_increasing
    assert (grid["at"].iloc[0], grid["at"].iloc[-1]) == (5, 41)
    assert grid["n"].isna().all()


def test_ten_sites_that_vary_by_more_than_chance_get_wider_limits_and_nine_do_not():
    uneven = {f"s{place}": (10 + 4 * (place % 6), 30 - 4 * (place % 6)) for place in range(1, 11)}
    found = sites(stays(**uneven), number=10)
    assert value(found, RETAINED, by="program", category="dispersion") > 2
    assert value(found, RETAINED, estimand="p_value", by="program") < 0.001
    exact, widened = (of_site(found, "Site 1", category=f"lower_95{end}")["value"] for end in ("", "_adjusted"))
    assert widened < exact
    assert "widened for the spread between sites" in of_site(found, "Site 1", estimand="proportion")["note"]
    fewer = sites(stays(**{name: uneven[name] for name in list(uneven)[:9]}), number=10)
    assert one(fewer, RETAINED, by="program", category="dispersion")["status"] == "not_estimable"
    assert len(fewer.where(category="lower_95_adjusted")) == 0


def test_ten_even_sites_keep_their_limits():
    found = sites(stays(**{f"s{place}": (20, 20) for place in range(1, 11)}), number=10)
    assert value(found, RETAINED, by="program", category="dispersion") == 0
    assert len(found.where(category="lower_95_adjusted")) == 0


def mixed():
    """People in work stay 8 in 10 times, others 4 in 10, at both sites; site 1 has 80 of 100 in work, site 2 has 20."""
    parts = []
    for site, working, others in (("s1", (64, 16), (8, 12)), ("s2", (16, 4), (32, 48))):
        parts.append(stays(**{site: working}).assign(employment="full_time"))
        parts.append(stays(**{site: others}).assign(employment="unemployed"))
    episodes = pd.concat(parts, ignore_index=True)
    return episodes.assign(episode_id=[f"e{place}" for place in range(len(episodes))])


def test_observed_over_expected_is_one_where_only_the_people_differ():
    """72 of 100 beside 48 of 100: expected of these people are .8 · 80 + .4 · 20 = 72, and .8 · 20 + .4 · 80 = 48."""
    found = sites(mixed(), adjust=["employment"])
    for name, observed in (("Site 1", 72), ("Site 2", 48)):
        ratio = of_site(found, name, estimand="standardised_ratio")
        assert (ratio["n"], ratio["value"]) == (observed, pytest.approx(1, abs=1e-9))
        assert ratio["ci_low"] < 1 < ratio["ci_high"]
        assert ratio["design_word"] == "adjusted_association"
        assert of_site(found, name, category="expected")["value"] == pytest.approx(observed, abs=1e-7)
        assert "outside" in of_site(found, name, estimand="proportion")["note"]


def test_the_model_is_checked_on_people_left_out_of_it():
    found = sites(mixed(), adjust=["employment"])
    assert value(found, RETAINED, category="calibration_ratio") == pytest.approx(1, abs=0.05)
    assert 0.6 < value(found, RETAINED, category="concordance") < 0.75
    slope = one(found, RETAINED, category="calibration_slope")
    assert slope["ci_low"] < 1 < slope["ci_high"]
    fifths = found.where(by="expected_fifth", category="calibration_observed").frame
    assert fifths["denominator"].sum() == 200
    assert fifths["n"].sum() == 120


def test_too_few_events_for_a_model_are_said():
    few = mixed().groupby(["program_id", "employment", "end_reason"]).head(3).assign(severity=["3", "5"] * 12)
    row = of_site(sites(few, adjust=["employment", "severity"]), "Site 1", estimand="standardised_ratio")
    assert (row["status"], row["note"]) == ("not_estimable", "fewer than 10 events for each of 2 terms of the model")
    row = of_site(sites(few, adjust=["housing"]), "Site 1", estimand="standardised_ratio")
    assert row["note"] == "nothing to adjust for is recorded"


def test_words_that_are_not_known_are_refused():
    episodes = stays(s1=(5, 5), s2=(5, 5))
    for what, adjust, words in (
        ("success", None, "what is one of"),
        ("retained", ["end_reason"], "known at admission"),
        ("no_show", ["employment"], "counted by episode"),
    ):
        with pytest.raises(UsageError, match=words):
            sites(episodes, what, adjust=adjust)


def test_one_site_has_nothing_to_be_compared_with():
    found = sites(stays(s1=(12, 8)))
    assert one(found, RETAINED)["note"] == "one site: nothing to compare"
    assert set(found.frame["estimand"]) == {"proportion"}


def test_records_without_hours_have_no_weeks_to_compare():
    episodes = stays(s1=(5, 5), s2=(5, 5))
    sessions = episodes[["episode_id"]].assign(day="0", hours_offered="", hours_attended="")
    found = sites(episodes, "requirement_met", sessions)
    assert set(found.frame["status"]) == {"not_estimable"}


def page(estimates, audience):
    placed = tuple(each.over(*YEAR.edges) for each in estimates)
    contents = Contents(placed, {"public": (), "internal": ()}, None, YEAR, None, None, "2.1", 56)
    return build_sites(Reading(publish(*placed, audience=audience), contents, "2025-12-31"))


def test_the_page_stands_whatever_is_withheld_or_absent():
    large, small = sites(mixed(), adjust=["employment"]), sites(stays(s1=(3, 2), s2=(4, 3)))
    nothing = Estimates.from_rows([])
    for estimates in ((large,), (small,), (nothing,), (sites(stays(s1=(30, 20))),)):
        for audience in ("public", "internal"):
            built = page(estimates, audience)
            assert (built.number, bool(built.blocks)) == ("7", True)
    told = " ".join(str(getattr(block, "text", "")) for block in page((large,), "internal").blocks)
    assert "With 2 sites a funnel says little" in told
    withheld = page((small,), "public")
    assert not [text for block in withheld.blocks if (text := getattr(block, "text", "")).startswith("Of episodes")]


def test_the_funnel_says_in_words_what_it_draws():
    kind = FIGURES["funnel"]
    found = sites(stays(s1=(18, 2), s2=(2, 18)))
    assert "Site 1: 18 of 20 episodes, outside the 99.8% limits; signal: better." in kind.describe(found)
    assert [row[0] for row in kind.tabulate(found).rows] == ["Site 1", "Site 2"]
    assert to_svg(kind.draw(found), "f") == to_svg(kind.draw(found), "f")
