"""Sufficient statistics: small, validated, and the tallies of two sets of people add to the tally of both."""

from __future__ import annotations

import pandas as pd
import pytest

from iop_outcomes.tally import Tally


def moments(by=(), **columns):
    names = ("clusters", "sum_y", "sum_x", "sum_yy", "sum_xy", "sum_xx")
    return Tally("moments", by, pd.DataFrame({**columns, **{name: columns.get(name, [1]) for name in names}}))


def test_moments_of_two_sets_of_people_add():
    both = moments(sum_y=[3], clusters=[2]) + moments(sum_y=[4], clusters=[5])
    assert both.frame.iloc[0][["clusters", "sum_y", "sum_xx"]].tolist() == [7, 7, 2]


def test_groups_add_group_by_group_the_unknown_one_too():
    one = Tally("counts", ("gender",), pd.DataFrame({"gender": ["female", None], "n": [3, 1], "people": [2, 1]}))
    two = Tally("counts", ("gender",), pd.DataFrame({"gender": [None, "male"], "n": [4, 5], "people": [3, 5]}))
    both = (one + two).frame
    assert both["n"].sum() == 13
    assert both[both["gender"].isna()][["n", "people"]].to_numpy().tolist() == [[5, 4]]
    assert len(both) == 3


def test_life_tables_add_day_by_day_and_cause_by_cause():
    one = Tally("life_table", (), pd.DataFrame({"day": [7, 7], "cause": [0, 1], "n": [2, 3]}))
    two = Tally("life_table", (), pd.DataFrame({"day": [7, 9], "cause": [1, 1], "n": [4, 5]}))
    assert (one + two).frame.to_numpy().tolist() == [[7, 0, 2], [7, 1, 7], [9, 1, 5]]


def test_columns_beyond_its_kind_do_not_leave():
    tally = Tally("counts", (), pd.DataFrame({"n": [3], "people": [2], "person_id": ["p1"]}))
    assert list(tally.frame) == ["n", "people"]


@pytest.mark.parametrize(
    ("kind", "by", "columns", "words"),
    [
        ("rows", (), {"n": [1]}, "kind"),
        ("counts", (), {"n": [1]}, "people"),
        ("counts", ("gender",), {"n": [1], "people": [1]}, "gender"),
        ("counts", (), {"n": [None], "people": [1]}, "missing number"),
        ("counts", (), {"n": [-1], "people": [1]}, "negative"),
        ("life_table", (), {"day": [-1], "cause": [1], "n": [1]}, "negative"),
    ],
)
def test_what_is_no_tally_is_refused(kind, by, columns, words):
    with pytest.raises(ValueError, match=words):
        Tally(kind, by, pd.DataFrame(columns))


def test_tallies_of_different_kinds_or_groups_do_not_add():
    with pytest.raises(ValueError, match="one kind"):
        moments() + Tally("counts", (), pd.DataFrame({"n": [1], "people": [1]}))
    with pytest.raises(ValueError, match="grouping"):
        moments() + moments(("gender",), gender=["female"])
