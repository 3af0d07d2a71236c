"""Overrides: a person, a reason, a last day, and the rows it is for. Anything less, or anything wider, is refused."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.overrides import Override, check_overrides, matching, read_overrides

TODAY = date(2026, 1, 31)
WHERE = {"definition": "retained@1", "by": "site", "group": "north"}
GOOD = {
    "name": "A. Person",
    "reason": "Everyone counted agreed in writing",
    "expires": date(2026, 6, 30),
    "where": WHERE,
}


def made(**changed: object) -> Override:
    return Override(**{**GOOD, **changed})  # type: ignore[arg-type]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "overrides.toml"
    path.write_text(text, encoding="utf-8")
    return path


FILE = """
[[override]]
name = "A. Person"
reason = "Everyone counted agreed in writing"
expires = 2026-06-30
where = { definition = "retained@1", by = "site", group = "north" }

[[override]]
name = "José Muñoz"
reason = "The county publishes this count itself"
expires = "2026-03-01"
where = { definition = "lost_early@1", category = "lost_early", at = 30, period_start = 2025-10-01 }
"""


def test_a_file_of_overrides_is_read(tmp_path: Path) -> None:
    first, second = read_overrides(write(tmp_path, FILE), TODAY)
    assert first == made()
    assert second.name == "José Muñoz"
    assert second.expires == date(2026, 3, 1)
    assert dict(second.where) == {
        "definition": "lost_early@1",
        "category": "lost_early",
        "at": 30.0,
        "period_start": "2025-10-01",
    }
    assert read_overrides(write(tmp_path, ""), TODAY) == ()


# --- a person --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["", "   ", "7", "X", "TBD", "n/a", "none", "Unknown", None, 7])
def test_an_override_needs_a_person(name: object) -> None:
    with pytest.raises(DisclosureError, match="an override needs the name of a person"):
        made(name=name)


# --- a reason --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "reason", ["", " " * 30, "because", "a b c d e f g h i", "..........", "aaaaaaaaaaaa", "1234567890123", None, 12]
)
def test_finalising_without_reasons(reason: object) -> None:
    """The attack of rule D21."""
    with pytest.raises(DisclosureError, match="needs a reason in words, of at least 10 characters"):
        made(reason=reason)


@pytest.mark.parametrize(
    "reason", ["all 7 people agreed", "Agreed by 10.", "Three sites, 4 and 12 people", "about (9) people"]
)
def test_a_reason_tells_no_small_count_because_it_is_printed(reason: str) -> None:
    with pytest.raises(DisclosureError, match="leave out numbers below 100") as caught:
        made(reason=reason)
    assert reason not in str(caught.value)


@pytest.mark.parametrize(
    "reason", ["Agreed in writing, 2025-03-04", "See 45-CFR and form B7", "All of the 120 people agreed"]
)
def test_a_reason_may_name_dates_forms_and_large_counts(reason: str) -> None:
    assert made(reason=f"  {reason} ").reason == reason


# --- a last day ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("expires", ["soon", "2026-13-01", None, 20260630, datetime(2026, 6, 30, 12)])
def test_an_override_needs_a_last_day(expires: object) -> None:
    with pytest.raises(DisclosureError, match="an override needs a last day"):
        made(expires=expires)


@pytest.mark.parametrize(
    ("today", "expires", "fault"),
    [
        (TODAY, date(2026, 1, 31), None),
        (TODAY, date(2026, 1, 30), "has expired"),
        (TODAY, date(2027, 1, 31), None),
        (TODAY, date(2027, 2, 1), "more than a year"),
        (TODAY, date(2099, 1, 1), "more than a year"),
        (date(2024, 2, 29), date(2025, 2, 28), None),
        (date(2024, 2, 29), date(2025, 3, 1), "more than a year"),
        (date(2023, 2, 28), date(2024, 2, 28), None),
        (date(2023, 2, 28), date(2024, 2, 29), "more than a year"),
    ],
)
def test_an_override_holds_to_its_last_day_and_no_longer_than_a_year(
    today: date, expires: date, fault: str | None
) -> None:
    if fault is None:
        check_overrides([made(expires=expires)], today)
    else:
        with pytest.raises(DisclosureError, match=fault):
            check_overrides([made(), made(expires=expires)], today)


# --- where -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ({}, "needs where"),
        (None, "needs where"),
        (["definition"], "needs where"),
        ({"by": "site", "group": "north"}, "one definition with its version"),
        ({"definition": "retained", "by": "site"}, "one definition with its version"),
        ({"definition": "retained@1"}, "too wide"),
        ({"definition": "retained@1", "measure": "retention", "estimand": "proportion"}, "too wide"),
        ({"definition": "*", "by": "site"}, "without wildcards"),
        ({"definition": "retained@*", "by": "site"}, "without wildcards"),
        ({**WHERE, "group": "%"}, "without wildcards"),
        ({**WHERE, "group": ""}, "without wildcards"),
        ({**WHERE, "group": "..."}, "without wildcards"),
        ({**WHERE, "group": ["north", "south"]}, "one value"),
        ({**WHERE, "group": True}, "one value"),
        ({**WHERE, "at": "30"}, "at must be a number"),
        ({**WHERE, "at": True}, "at must be a number"),
        ({**WHERE, "at": float("nan")}, "at must be a number"),
        ({**WHERE, "period_start": datetime(2025, 1, 1)}, "one value"),
        ({**WHERE, "n": 7}, "cannot name the column n"),
        ({**WHERE, "people": 7}, "cannot name the column people"),
        ({**WHERE, "status": "withheld"}, "cannot name the column status"),
        ({**WHERE, "person_id": "p1"}, "cannot name the column person_id"),
    ],
)
def test_an_override_names_its_rows_exactly(where: object, fault: str) -> None:
    with pytest.raises(DisclosureError, match=fault):
        made(where=where)


def test_an_override_cannot_be_changed_after_it_was_checked() -> None:
    given = dict(WHERE)
    override = made(where=given)
    given.clear()
    assert dict(override.where) == WHERE
    with pytest.raises(TypeError):
        override.where["group"] = "south"  # type: ignore[index]
    with pytest.raises(AttributeError):
        override.reason = ""  # type: ignore[misc]


# --- the file --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "A. Person"\n', "", "override 1: name is missing; write name, reason, expires and where"),
        ('reason = "The county publishes this count itself"\n', "", "override 2: reason is missing"),
        ("expires = 2026-06-30\n", "", "override 1: expires is missing"),
        ("expires = 2026-06-30", "expires = 2026-01-30", "override 1: an override has expired"),
        ("expires = 2026-06-30", "expires = 2028-01-01", "override 1: an override lasts more than a year"),
        ("expires = 2026-06-30", "expires = 2026-06-30T10:00:00", "override 1: an override needs a last day"),
        ('where = { definition = "retained@1", by = "site", group = "north" }\n', "", "override 1: where is missing"),
        ('name = "A. Person"', 'name = "A. Person"\ncolour = "red"', "override 1: colour is not a key it knows"),
        ("[[override]]\nname = \"A", "policy = \"none\"\n[[override]]\nname = \"A", "nothing but tables headed"),
        ("[[override]]", "[override]", "not valid TOML|nothing but tables headed"),
        ("[[override]]", "[[overrides]]", "nothing but tables headed"),
        ("expires = 2026-06-30", "expires = soon", "line 5: not valid TOML"),
    ],
)  # fmt: skip
def test_a_fault_of_the_file_is_one_clear_message(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in FILE
    with pytest.raises(DisclosureError, match=fault) as caught:
        read_overrides(write(tmp_path, FILE.replace(old, new)), TODAY)
    message = str(caught.value)
    assert message.startswith("overrides.toml")
    assert "\n" not in message
    assert str(tmp_path) not in message


def test_a_file_that_is_missing_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match=r"none\.toml cannot be read"):
        read_overrides(tmp_path / "none.toml", TODAY)
    path = tmp_path / "overrides.toml"
    path.write_bytes(FILE.encode("latin-1"))
    with pytest.raises(DisclosureError, match="not UTF-8"):
        read_overrides(path, TODAY)
    path.write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    assert len(read_overrides(path, TODAY)) == 2


# --- the rows it opens -----------------------------------------------------------------------------------------------
def rows() -> pd.DataFrame:
    base = {"measure": "retention", "estimand": "proportion", "value": 0.5, "n": 20, "denominator": 40, "people": 40}
    places = [
        ("retained@1", "site", "north", 30.0),
        ("retained@1", "site", "north", 60.0),
        ("retained@1", "site", "south", 30.0),
        ("retained@1", "site", None, 30.0),
        ("retained@1", "all", "all", 30.0),
        ("lost_early@1", "site", "north", 30.0),
        ("lost_early@1", "site", "north", None),
    ]
    return Estimates.from_rows(
        {**base, "definition": definition, "by": by, "group": group, "at": at, "period_start": "2025-10-01"}
        for definition, by, group, at in places
    ).frame


@pytest.mark.parametrize(
    ("where", "opened"),
    [
        (WHERE, [0, 1]),
        ({**WHERE, "at": 30}, [0]),
        ({"definition": "retained@1", "by": "site"}, [0, 1, 2, 3]),
        ({"definition": "retained@1", "group": "all"}, [4]),
        ({"definition": "lost_early@1", "period_start": date(2025, 10, 1)}, [5, 6]),
        ({"definition": "lost_early@1", "at": 30.0}, [5]),
        ({"definition": "retained@2", "by": "site"}, []),
        ({"definition": "retained@1", "category": "all"}, []),
    ],
)
def test_only_rows_that_equal_all_it_names_are_opened(where: dict[str, object], opened: list[int]) -> None:
    frame = rows()
    for index in (frame.index, frame.index + 100):
        mask = matching(made(where=where), frame.set_axis(index))
        assert mask.dtype == bool
        assert mask.index.equals(index)
        assert mask.to_numpy().nonzero()[0].tolist() == opened


def test_an_override_never_opens_a_whole_release() -> None:
    override = made(where={"definition": "retained@1", "by": "site"})
    frame = rows()
    with pytest.raises(DisclosureError, match="every row of the release"):
        matching(override, frame.iloc[:4])
    assert matching(override, frame.iloc[:0]).tolist() == []
