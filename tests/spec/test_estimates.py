"""The one tidy result: one row is one number, and what has no value says why."""

from __future__ import annotations

import dataclasses

import pytest

from iop_outcomes.estimates import COLUMNS, Estimates

ROW = {"measure": "retention", "definition": "retained@1", "estimand": "survival", "at": 30, "value": 0.8}


def made(*changes, settings=None):
    return Estimates.from_rows([{**ROW, **change} for change in changes] or [ROW], settings)


def test_columns_are_the_same_for_no_row_one_and_many():
    for estimates in (Estimates.from_rows([]), made(), made({}, {"at": 60})):
        assert list(estimates.frame.columns) == list(COLUMNS)
        assert {name: str(kind) for name, kind in estimates.frame.dtypes.items()} == COLUMNS


def test_a_row_that_names_no_group_speaks_for_everyone():
    row = next(made().rows())
    assert (row["by"], row["group"], row["status"], row["design_word"]) == ("all", "all", "ok", "described")


def test_a_missing_group_means_unknown_and_stays_missing():
    estimates = made({"by": "gender", "group": None}, {"by": "gender", "group": "female"})
    assert estimates.frame["group"].isna().tolist() == [True, False]
    assert len(estimates.where(group="all")) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": None}, "status that says why"),
        ({"status": "withheld"}, "has no value"),
        ({"status": "not_reached"}, "has no value"),
        ({"status": "fine"}, "status"),
        ({"estimand": "success rate"}, "estimand"),
        ({"design_word": "proves"}, "design_word"),
        ({"definition": None}, "definition"),
        ({"ci_low": 0.9, "ci_high": 0.7}, "limits"),
        ({"n": -1}, "negative"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_is_no_result_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        made(change)


def test_an_immature_number_may_be_shown_as_such():
    assert made({"status": "immature"}).value() == 0.8
    assert len(made({"status": "immature", "value": None})) == 1


def test_where_and_value_find_rows_and_keep_the_settings():
    estimates = made({"at": 30}, {"at": 60, "value": 0.6}, {"at": 90, "value": 0.5}, settings={"as_of": "2025-12-31"})
    assert estimates.value(at=60) == 0.6
    assert len(estimates.where(at=[30, 90])) == 2
    assert estimates.where(at=30).settings == {"as_of": "2025-12-31"}
    with pytest.raises(LookupError):
        estimates.value(at=[30, 60])
    with pytest.raises(LookupError):
        estimates.value(at=7)
    with pytest.raises(ValueError, match="day"):
        estimates.where(day=30)


def test_joining_keeps_rows_in_order_and_refuses_settings_that_differ():
    one, two = made(settings={"as_of": "2025-12-31"}), made({"at": 60}, settings={"rung": "attended"})
    both = one.plus(two)
    assert both.frame["at"].tolist() == [30, 60]
    assert both.settings == {"as_of": "2025-12-31", "rung": "attended"}
    with pytest.raises(ValueError, match="as_of"):
        one.plus(made(settings={"as_of": "2024-12-31"}))


def test_nothing_can_be_changed_afterwards():
    settings = {"as_of": "2025-12-31"}
    estimates = made(settings=settings)
    settings["as_of"] = "later"
    assert estimates.settings["as_of"] == "2025-12-31"
    with pytest.raises(TypeError):
        estimates.settings["as_of"] = "later"
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimates.frame = None


def test_rows_said_of_a_period_tell_it_apart_where_they_name_none():
    said = made({}, {"period_start": "2024-01-01", "period_end": "2024-01-31"}).over("2025-01-01", "2025-03-31")
    assert said.frame["period_start"].tolist() == ["2025-01-01", "2024-01-01"]
    assert said.frame["period_end"].tolist() == ["2025-03-31", "2024-01-31"]
