"""The manifest of a release: what was checked and signed off, and whether the files are still those files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from iop_outcomes import publication
from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.ledger import LedgerState
from iop_outcomes.publication.manifest import LIMITS, RULES, check_manifest, write_manifest
from iop_outcomes.publication.overrides import Override
from iop_outcomes.publication.published import Published

DAY = date(2026, 1, 31)
STATE = LedgerState(("0123456789ab", "ba9876543210"), "c" * 64)
OVERRIDE = Override(
    "B. Person",
    "Everyone counted agreed in writing",
    date(2026, 6, 30),
    {"definition": "lost_early@1", "by": "site", "group": "north"},
)


def release(small: int = 4, audience: str = "public") -> Published:
    rows = [
        {
            "measure": "retention", "definition": "lost_early@1", "estimand": "proportion", "by": "site", "group": site,
            "period_start": "2025-10-01", "period_end": "2025-12-31",
            "value": n / base, "n": n, "denominator": base, "people": base,
        }
        for site, base, n in (("north", 120, 44), ("south", 90, 30), ("east", 8317, small))
    ]  # fmt: skip
    return publish(Estimates.from_rows(rows, {"as_of": "2025-12-31", "synthetic": True}), audience=audience)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of a release."""
    (tmp_path / "figures").mkdir()
    for name in ("quarterly-public.html", "quarterly-public.csv", "figures/one.png"):
        (tmp_path / name).write_bytes(f"what {name} says\n".encode())
    return tmp_path


def write(folder: Path, published: Published | None = None, **changed: Any) -> Path:
    files = [folder / name for name in ("quarterly-public.html", "figures/one.png", "quarterly-public.csv")]
    given = {"files": files, "ledger_state": STATE, "software_version": "0.1.0", **changed}
    return write_manifest(published or release(), folder / "quarterly-public.manifest.json", **given)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def numbers(content: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a JSON text with where it stands."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from numbers(value, f"{path}/{name}")
    elif isinstance(content, list):
        for value in content:
            yield from numbers(value, path)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path, content


# --- what it says ----------------------------------------------------------------------------------------------------
def test_a_draft_says_what_was_checked_and_that_nobody_signed(folder: Path) -> None:
    published = release()
    content = read(write(folder, published))
    assert content["release_id"] == published.release_id
    assert (content["audience"], content["as_of"], content["synthetic"]) == ("public", "2025-12-31", True)
    assert content["periods"] == [["2025-10-01", "2025-12-31"]]
    assert (content["state"], content["signed_off_by"], content["signed_off_on"]) == ("draft", None, None)
    assert content["policy"]["name"] == "cms"
    assert (content["policy"]["threshold"], content["policy"]["limit"]) == (11, 10)
    assert content["policy"]["description"] == published.policy.description
    assert content["ledger"] == {"releases": list(STATE.releases), "head": STATE.head}
    assert content["known_limits"] == list(LIMITS)
    assert content["software"] == {"name": "iop_outcomes", "version": "0.1.0"}
    assert content["overrides"] == []


def test_every_rule_that_was_asked_is_named_with_what_it_withheld(folder: Path) -> None:
    published = release()
    checked = read(write(folder, published))["checked"]
    assert checked["total"] == 3
    assert checked["opened"] == published.audit.opened == 0
    assert checked["withheld"] == published.audit.withheld == 1
    by_rule = checked["rows"]
    assert set(RULES) <= set(by_rule)
    assert sum(by_rule.values()) == 1
    assert by_rule["Withheld because it rests on too few people"] == 1


def test_no_rule_of_the_gate_is_forgotten() -> None:
    package = Path(publication.__file__).parent
    written = {
        words
        for file in package.glob("*.py")
        for words in re.findall(r'= "(Withheld because [^"]+)"', file.read_text("utf-8"))
    }
    assert written == set(RULES)


def test_a_signed_release_is_final_and_names_its_overrides(folder: Path) -> None:
    content = read(write(folder, signed_off_by=" A. Person ", on=DAY, overrides=[(OVERRIDE, 2)]))
    assert (content["state"], content["signed_off_by"], content["signed_off_on"]) == (
        "final",
        "A. Person",
        "2026-01-31",
    )
    assert content["overrides"] == [
        {"name": "B. Person", "reason": OVERRIDE.reason, "expires": "2026-06-30", "rows_opened": 2}
    ]


def test_an_internal_manifest_needs_no_ledger_and_names_no_rule_it_did_not_ask(folder: Path) -> None:
    content = read(write(folder, release(audience="internal"), ledger_state=None))
    assert content["ledger"] is None
    assert content["policy"]["name"] == "internal"
    assert content["checked"]["rows"] == {}


def test_the_same_release_gives_the_same_bytes(folder: Path) -> None:
    first = write(folder).read_bytes()
    files = sorted(path for path in folder.rglob("*.*") if path.suffix in (".html", ".csv", ".png"))
    assert write(folder, files=files).read_bytes() == first
    assert b"\r" not in first
    assert list(read(folder / "quarterly-public.manifest.json")) == sorted(
        read(folder / "quarterly-public.manifest.json")
    )


# --- no withheld number ----------------------------------------------------------------------------------------------
def test_a_withheld_number_leaves_no_trace_in_the_manifest(folder: Path) -> None:
    """Releases that differ in nothing but a withheld count have the same manifest, byte for byte."""
    texts = [write(folder, release(small), overrides=[(OVERRIDE, 2)]).read_bytes() for small in (3, 7)]
    assert texts[0] == texts[1]
    assert release(3).frame.loc[2, "status"] == "withheld"


def test_the_only_numbers_are_of_the_policy_the_audit_and_the_files(folder: Path) -> None:
    content = read(write(folder, overrides=[(OVERRIDE, 2)]))
    roots = {path.split("/")[1] for path, _ in numbers(content)}
    assert roots == {"manifest", "policy", "checked", "overrides", "files"}
    assert {path for path, _ in numbers(content["files"])} == {"/size"}
    assert {path for path, _ in numbers(content["overrides"])} == {"/rows_opened"}
    assert not {8317, 4, 120, 44} & {number for path, number in numbers(content["checked"])}


# --- what is refused -------------------------------------------------------------------------------------------------
def test_signing_off_takes_a_name_a_day_and_overrides_that_hold(folder: Path) -> None:
    with pytest.raises(UsageError, match="both a person's name and a day"):
        write(folder, signed_off_by="A. Person")
    with pytest.raises(UsageError, match="both a person's name and a day"):
        write(folder, on=DAY)
    with pytest.raises(DisclosureError, match="a final release needs the name"):
        write(folder, signed_off_by="tbd", on=DAY)
    with pytest.raises(DisclosureError, match="expired"):
        write(folder, signed_off_by="A. Person", on=date(2026, 7, 1), overrides=[(OVERRIDE, 2)])
    with pytest.raises(DisclosureError, match="reason"):
        write(folder, signed_off_by="A. Person", on=DAY, overrides=[("let it through", 2)])
    assert not (folder / "quarterly-public.manifest.json").exists()


def test_a_public_manifest_needs_the_ledger_and_published_rows(folder: Path) -> None:
    with pytest.raises(DisclosureError, match="the state of the ledger"):
        write(folder, ledger_state=None)
    with pytest.raises(DisclosureError, match="published rows"):
        write(folder, release().estimates)  # type: ignore[arg-type]


def test_the_files_are_there_beside_the_manifest_and_named_once(folder: Path, tmp_path_factory: Any) -> None:
    html = folder / "quarterly-public.html"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "page.html"
    elsewhere.write_text("x")
    for files, fault in (
        ([html, html], "once"),
        ([folder / "quarterly-public.manifest.json"], "not itself"),
        ([folder / "none.html"], "none.html of the release is missing"),
        ([elsewhere], "stand in the folder"),
    ):
        with pytest.raises(UsageError, match=fault):
            write(folder, files=files)


# --- checking the files ----------------------------------------------------------------------------------------------
def test_untouched_files_are_no_problem_wherever_the_folder_is(folder: Path) -> None:
    path = write(folder)
    assert check_manifest(path) == []
    moved = folder.rename(folder.with_name("moved"))
    assert check_manifest(moved / path.name) == []


def test_a_changed_and_a_missing_file_are_named(folder: Path) -> None:
    path = write(folder)
    page = folder / "quarterly-public.html"
    page.write_bytes(page.read_bytes().replace(b"says", b"seys"))
    (folder / "quarterly-public.csv").unlink()
    (folder / "figures/one.png").write_bytes(b"")
    assert check_manifest(path) == [
        "figures/one.png was changed after the release",
        "quarterly-public.csv is missing or cannot be read",
        "quarterly-public.html was changed after the release",
    ]


def test_a_manifest_that_is_missing_damaged_or_of_another_version(folder: Path) -> None:
    path = write(folder)
    good = read(path)
    assert check_manifest(folder / "none.json") == ["none.json is missing or cannot be read"]
    for text, said in (
        (path.read_text()[:100], "is damaged"),
        ("[]", "is not a manifest this version"),
        (json.dumps({**good, "manifest": 2}), "is not a manifest this version"),
        (json.dumps({**good, "files": None}), "list of files cannot be read"),
        (json.dumps({**good, "files": [{"name": "a.html"}]}), "list of files cannot be read"),
        (json.dumps({**good, "files": [{**good["files"][0], "sha256": 1}]}), "list of files cannot be read"),
    ):
        path.write_text(text)
        (problem,) = check_manifest(path)
        assert said in problem
    path.write_bytes(b"\xff\xfe{}")
    assert "is damaged" in check_manifest(path)[0]


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/hosts", "C:/secret.csv", "a\\..\\secret.csv", "a/../../b.csv"])
def test_a_manifest_cannot_point_out_of_its_folder(folder: Path, name: str) -> None:
    path = write(folder)
    content = read(path)
    content["files"][0]["name"] = name
    path.write_text(json.dumps(content))
    (problem,) = check_manifest(path)
    assert "list of files cannot be read" in problem
