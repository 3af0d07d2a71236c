"""What is released once stays known (rules D14 and D15 of docs/release.md): differences of releases, and of periods."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.earlier import FROZEN
from iop_outcomes.publication.gate import publish

QUARTERS = [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30"), ("2025-07-01", "2025-09-30"),
            ("2025-10-01", "2025-12-31"), ("2026-01-01", "2026-03-31")]  # fmt: skip


def left_early(n: int, base: int, span: tuple[str, str] | None, **columns: Any) -> dict[str, Any]:
    start, end = span or (None, None)
    return {
        "measure": "retention", "definition": "lost_early@1", "estimand": "proportion", "value": n / base, "n": n,
        "denominator": base, "people": base, "period_start": start, "period_end": end, **columns,
    }  # fmt: skip


def release(*rows: dict[str, Any], earlier: pd.DataFrame | None = None) -> pd.DataFrame:
    return publish(Estimates.from_rows(list(rows)), earlier=earlier).frame


def test_a_corrected_count_does_not_tell_whose_record_was_changed() -> None:
    first = release(left_early(44, 120, QUARTERS[0]))
    naive = release(left_early(45, 120, QUARTERS[0]))
    assert naive["n"].iloc[0] - first["n"].iloc[0] == 1  # the attack
    again = release(left_early(45, 120, QUARTERS[0]), earlier=first)
    assert again["n"].tolist() == [44]
    assert again["note"].tolist() == [FROZEN]


def test_a_correction_of_enough_records_is_printed() -> None:
    first = release(left_early(44, 120, QUARTERS[0]))
    again = release(left_early(60, 160, QUARTERS[0]), earlier=first)
    assert again["n"].tolist() == [60]


def test_the_rest_of_a_correction_counts_too() -> None:
    """15 more who left and 16 more admitted: one more who stayed."""
    first = release(left_early(44, 120, QUARTERS[0]))
    assert release(left_early(59, 136, QUARTERS[0]), earlier=first)["n"].tolist() == [44]


def test_a_figure_of_all_records_so_far_is_withheld_while_few_are_new() -> None:
    first = release(left_early(44, 120, None))
    again = release(left_early(47, 126, None), earlier=first)
    assert again["status"].tolist() == ["withheld"]
    assert release(left_early(80, 220, None), earlier=first)["n"].tolist() == [80]


def test_the_year_does_not_give_back_a_frozen_correction() -> None:
    """The year with 45 in its first quarter, less three quarters, would say 45 beside the 44 printed before."""
    first = release(left_early(44, 120, QUARTERS[0]))
    now = [left_early(n, 120, span) for n, span in zip((45, 50, 40, 60), QUARTERS, strict=False)]
    year = left_early(195, 480, ("2025-01-01", "2025-12-31"))
    frame = release(*now, year, earlier=first)
    shown = frame.set_index("period_end")["n"]
    quarters = shown.iloc[:4]
    assert quarters.iloc[0] == 44
    assert frame["status"].iloc[1:].eq("withheld").any()


def test_a_number_hidden_before_is_not_given_back_by_what_is_new() -> None:
    """Last release hid the second half-year (7) and its neighbour; the year less the neighbour alone would now tell it."""
    rows = [left_early(7, 90, ("2025-07-01", "2025-12-31")), left_early(30, 90, ("2025-01-01", "2025-06-30"))]
    first = release(*rows)
    assert first["status"].tolist() == ["withheld", "ok"]
    year = left_early(37, 180, ("2025-01-01", "2025-12-31"))
    assert 37 - 30 == 7  # the attack
    assert release(year, earlier=first)["status"].tolist() == ["withheld"]
    assert release(year)["status"].tolist() == ["ok"]


def test_two_rolling_years_do_not_tell_the_new_quarter() -> None:
    """Rolling year to March less rolling year to December is the new quarter less the old one, which is known."""
    old, new = left_early(200, 480, ("2025-01-01", "2025-12-31")), left_early(176, 470, ("2025-04-01", "2026-03-31"))
    first_quarter = left_early(30, 120, QUARTERS[0])
    assert 176 - 200 + 30 == 6  # the new quarter: the attack
    earlier = release(old, first_quarter)
    assert earlier["status"].tolist() == ["ok", "ok"]
    assert release(new, earlier=earlier)["status"].tolist() == ["withheld"]
    assert release(new, earlier=earlier.iloc[:1])["status"].tolist() == ["ok"]  # nobody knows either quarter


@pytest.mark.parametrize(
    "part", [("2025-01-01", "2025-09-30"), ("2025-04-01", "2025-12-31"), ("2025-02-01", "2025-10-31")]
)
def test_a_period_taken_from_its_year_leaves_people_too(part: tuple[str, str]) -> None:
    rows = [left_early(100, 400, ("2025-01-01", "2025-12-31")), left_early(95, 300, part)]
    assert "withheld" in release(*rows)["status"].tolist()


def test_the_same_release_again_is_the_same() -> None:
    rows = [left_early(44, 120, QUARTERS[0]), left_early(30, 110, QUARTERS[1])]
    first = release(*rows)
    pd.testing.assert_frame_equal(release(*rows, earlier=first), first)
