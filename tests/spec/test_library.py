"""The definitions library: complete, in words a page may print, and the same as what the measures compute."""

from __future__ import annotations

import re
from functools import cache

import pytest
from tables import diary, records

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.library import find_definition, load_library
from iop_outcomes.measures.quarters import PERIOD_MEASURES
from iop_outcomes.vocabulary import DesignWord

#: Words that no page may use of people or programmes (definitions.md §6).
NEVER = re.compile(r"success rate|proves|due to|\bclean\b|\bdirty\b|addict|abuse|fail|dropout|drop-out|relapse", re.I)

STAYS = """
    episode | person | admission_date | discharge_day | end_reason | gender
    e1      | p1     | 2025-01-06     | 56            | completed  | female
    e2      | p2     | 2025-02-03     | 30            | left_early | male
    e3      | p3     | 2025-03-03     | 20            | terminated |
"""
SESSIONS = "episode | day | status\n" + "\n".join(
    f"{episode} | {day} | {'no_show' if day == 5 else 'attended'}"
    for episode in ("e1", "e2", "e3")
    for day in (0, 2, 5, 9)
)


@cache
def everything():
    """Every measure there is, on one small programme."""
    read = records(STAYS, SESSIONS, diary(e1="-" * 30 + "+", e2="--*+--", e3="-" * 15))
    cohort = iop.select_cohort(read)
    parts = [
        iop.measure_retention(cohort),
        iop.measure_endings(cohort),
        iop.measure_hours(cohort),
        iop.measure_attendance(cohort),
        iop.measure_milestones(cohort),
        iop.measure_people(cohort),
        iop.measure_completeness(cohort),
        iop.compare_people(cohort, iop.select_cohort(read, admitted=("2025-01-01", "2025-02-28"))),
        cohort.describe_attrition(),
        *(iop.measure_by_period(cohort, what) for what in PERIOD_MEASURES),
    ]
    return [row for part in parts for row in part.rows()]


def test_every_figure_has_its_definition_and_every_definition_its_figure():
    printed = {row["definition"] for row in everything()}
    assert printed == {definition.key for definition in load_library().values()}


def test_a_figure_carries_the_words_of_its_definition():
    for row in everything():
        definition = find_definition(row["definition"])
        assert (row["measure"], row["unit"]) == (definition.measure, definition.unit), definition.key
        assert row["design_word"] == definition.design_word


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
        if row["unit"] == "share" and row["status"] == "ok":
            for name in ("value", "ci_low", "ci_high"):
                assert not row[name] < 0, (row["definition"], name)
                assert not row[name] > 1, (row["definition"], name)
