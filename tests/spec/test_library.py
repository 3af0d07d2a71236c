"""The definitions library: complete, in words a page may print, and the same as what the measures compute."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.comparison import claims
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.library import find_definition, load_library
from iop_outcomes.measures.quarters import PERIOD_MEASURES
from iop_outcomes.vocabulary import DesignWord

#: Words that no page may use of people or programmes (docs/grant-writers.md).
NEVER = re.compile(r"success rate|proves|due to|\bclean\b|\bdirty\b|addict|abuse|fail|dropout|drop-out|relapse", re.I)


#: Enough to be made alike in.
ADJUST = ("severity", "housing", "primary_substance")


@cache
def everything():
    """Every measure there is, on the synthetic records of 400 people with a role of the programme's own."""
    source = dict(iop.simulate_records(people=400, seed=11).source)
    told = source["outcomes"]
    work = told[told["instrument"] == "work"]
    source["outcomes"] = pd.concat([told, work.assign(instrument="volunteering")], ignore_index=True)
    own = {"volunteering": {"kind": "role", "label": "Volunteering"}}
    read = iop.read_records({**source, "settings": {**source["settings"], "instruments": own}})
    cohort = iop.select_cohort(read, level_of_care="2.1")
    parts = [
        iop.measure_retention(cohort),
        iop.compare_retention(cohort, by="schedule"),
        iop.measure_endings(cohort),
        iop.measure_pathways(cohort),
        iop.measure_sensitivity(read, level_of_care="2.1", at=(30,)),
        iop.measure_hours(cohort),
        iop.measure_attendance(cohort),
        *(iop.compare_attendance(cohort, by=by) for by in ("gender", "modality")),
        iop.measure_milestones(cohort),
        iop.measure_abstinence(cohort, by="schedule", imputations=5),
        iop.measure_use_days(cohort),
        iop.measure_change(cohort),
        iop.measure_roles(cohort),
        *(iop.measure_landmark(cohort, outcome=outcome) for outcome in ("retained", "completed")),
        iop.measure_by_site(cohort, adjust=("severity",)),
        iop.measure_by_group(cohort, "lost_early", by=("gender",)),
        iop.measure_people(cohort),
        iop.measure_completeness(cohort),
        iop.compare_people(cohort, iop.select_cohort(read, admitted=("2025-01-01", "2025-06-30"))),
        cohort.describe_attrition(),
        *(iop.measure_by_period(cohort, what) for what in PERIOD_MEASURES),
        *(
            iop.measure_by_period(cohort, what, chart=chart)
            for what in ("terminated", "died")
            for chart in ("g", "t", "xmr")
        ),
    ]
    everybody = iop.select_cohort(read, level_of_care="2.1", rung="admitted")
    parts += [iop.measure_costs(everybody), iop.list_trials()]
    many = iop.read_records(iop.simulate_records(people=1_500, seed=5).source)
    parts += [iop.compare_levels(many, outcome=outcome, adjust=ADJUST) for outcome in ("abstinent", "days_in_care")]
    parts.append(iop.compare_endings(many, adjust=ADJUST))
    parts.append(iop.compare_durations(many, stay=42, adjust=ADJUST))
    parts.append(iop.assess_cost_effectiveness(many, adjust=ADJUST, replicates=200))
    parts.append(iop.assess_frontier(many, levels=("2.1", "3.5"), adjust=ADJUST, replicates=50))
    parts.append(claims.test_claims(read))
    return [row for part in parts for row in part.rows()]


def test_every_figure_has_its_definition_and_every_definition_its_figure():
    printed = {row["definition"] for row in everything()}
    assert printed == {definition.key for definition in load_library().values()}


#: Measures whose outcome, and with it the unit, is chosen by whoever asks.
VARIED = ("cost_effectiveness",)
#: Comparing what is described is an association; holding it against a model makes it an adjusted one.
OWN_WORDS = {
    "difference": ("associated",),
    "p_value": ("associated",),
    "standardised_ratio": ("adjusted_association",),
    "diagnostic": ("associated", "adjusted_association"),
}


def test_a_figure_carries_the_words_of_its_definition():
    for row in everything():
        definition = find_definition(row["definition"])
        of_its_own = row["estimand"] in ("diagnostic", "p_value", "standardised_ratio")
        of_its_own = of_its_own or str(row["unit"]).startswith("dollars") or definition.measure in VARIED
        unit = row["unit"] if of_its_own else definition.unit
        assert (row["measure"], row["unit"]) == (definition.measure, unit), definition.key
        assert row["design_word"] in (definition.design_word, *OWN_WORDS.get(row["estimand"], ())), definition.key


@pytest.mark.parametrize("name", sorted(load_library()))
def test_a_definition_is_complete_and_fit_to_print(name):
    definition = load_library()[name]
    texts = {field: getattr(definition, field) for field in definition.__slots__ if field != "version"}
    assert all(isinstance(text, str) and text.strip() for text in texts.values())
    assert not NEVER.search(" ".join(texts.values()))
    assert definition.sentence.endswith(".")
    assert definition.version >= 1
    assert definition.direction in ("up", "down", "neutral")
    assert definition.design_word in DesignWord.codes()


def test_a_definition_is_found_by_id_and_by_version():
    assert find_definition("retained") is find_definition("retained@1")
    for key in ("retention", "retained@2"):
        with pytest.raises(UsageError):
            find_definition(key)


def test_shares_lie_between_nothing_and_everything():
    for row in everything():
        if row["unit"] == "share" and row["status"] == "ok" and row["estimand"] != "difference":
            for name in ("value", "ci_low", "ci_high"):
                assert not row[name] < 0, (row["definition"], name)
                assert not row[name] > 1, (row["definition"], name)
