"""Groups of a programme's own (program.toml ``[groups.NAME]``): a column, or a number cut into ranges."""

from __future__ import annotations

import pytest
from tables import draw, records

import iop_outcomes as iop
from iop_outcomes.errors import RecordsError, UsageError

STAYS = """
    episode | age | veteran | discharge_day | end_reason
    a       | 19  | yes     | 56            | completed
    b       | 25  | no      | 56            | completed
    c       | 34  | yes     | 10            | left_early
    d       | 50  |         | 10            | left_early
    e       |     | no      | 56            | completed
"""
AGES = {"age_band": {"column": "age", "cuts": [25, 35, 50]}}


def retained(by: str, **groups: object) -> dict[object, tuple[float, float]]:
    found = iop.measure_retention(iop.select_cohort(records(STAYS, **groups)), at=[30], by=by)
    rows = found.where(by=by, definition="retained@1").frame
    return {
        None if group != group else group: (value, base)
        for group, value, base in zip(rows["group"], rows["value"], rows["denominator"], strict=True)
    }


def test_a_number_is_cut_into_ranges_and_the_unknown_are_a_group() -> None:
    """a is 19; b 25 and c 34 are in one range, of whom b was retained; d is 50; nobody knows e's age."""
    found = retained("age_band", groups={**AGES, "served": {"column": "veteran"}})
    assert found == {"under 25": (1, 1), "25 to under 35": (0.5, 2), "50 or more": (0, 1), None: (1, 1)}


def test_a_column_the_schema_does_not_know_may_be_a_group() -> None:
    found = retained("served", groups={"served": {"column": "veteran"}})
    assert found == {"yes": (0.5, 2), "no": (1, 2), None: (0, 1)}


def test_a_column_nobody_declared_is_still_refused() -> None:
    with pytest.raises(RecordsError, match="veteran is not a column of the table episodes"):
        records(STAYS)


def test_only_a_declared_group_can_be_asked_for() -> None:
    cohort = iop.select_cohort(records(draw(STAYS).drop(columns="veteran"), groups=AGES))
    assert "age_band" in cohort.groups
    with pytest.raises(UsageError, match="age_band"):
        iop.measure_retention(cohort, by="age")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"band": {"column": "age"}}, "a number is cut into groups"),
        ({"band": {"column": "gender", "cuts": [1]}}, "a number is cut into groups"),
        ({"band": {"column": "age", "cuts": [35, 25]}}, "rising numbers"),
        ({"band": {"column": "person_id"}}, "a column that says who somebody is"),
        ({"gender": {"column": "age", "cuts": [30]}}, "not a column already"),
        ({"Age band": {"column": "age", "cuts": [30]}}, "lower case"),
        ({"band": {"column": "age", "cut": [30]}}, "did you mean cuts"),
    ],
)
def test_a_group_that_cannot_be_is_refused_with_what_to_do(groups: dict, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        records(STAYS, groups=groups)
