"""What a comment, a docstring or a page refers to is in the repository: pages, their headings, and the rules of a release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "docs" / "release.md"
CODE = sorted(path for folder in ("src", "tests", "benchmarks", "notebooks") for path in (ROOT / folder).rglob("*.py"))
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
PAGES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "tests/disclosure/redteam/README.md")]
#: Where a page that is named without its folder may lie.
PLACES = (ROOT, ROOT / "docs", ROOT / "data" / "sample")
PAGE = re.compile(r"(?<![\w{}*/-])((?:[\w-]+/)*[\w-]+\.md)(?:#([\w-]+))?")
RULE = re.compile(r"\brules? (D\d+(?:(?:, | and | to )D\d+)*)")


@cache
def list_rules() -> tuple[str, ...]:
    """The rules of a release, as the page about it lists them."""
    return tuple(re.findall(r"^\| (D\d+) \| \w", RELEASE.read_text(encoding="utf-8"), re.MULTILINE))


@cache
def list_anchors(path: Path) -> frozenset[str]:
    """The headings of a page, as its anchors are made."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def list_comments(text: str) -> Iterator[str]:
    """The docstrings and comments of a module."""
    yield from re.findall(r'"""(.*?)"""', text, re.DOTALL)
    yield from re.findall(r"#:? (.*)$", text, re.MULTILINE)


def find_wrong_pages(text: str) -> Iterator[str]:
    """References of a module to pages or headings that are not there, or to a place by a number no page has."""
    for comment in list_comments(text):
        yield from re.findall(r"\S*\s*§\S*", comment)
        for page, anchor in PAGE.findall(comment):
            there = [folder / page for folder in PLACES if (folder / page).exists()]
            if not there or (anchor and anchor not in list_anchors(there[0])):
                yield f"{page}#{anchor}"


def find_wrong_rules(text: str) -> Iterator[str]:
    """Rules that a text names and the page of a release has not; or all of them where code does not name that page."""
    named = [rule for found in RULE.findall(text) for rule in re.findall(r"D\d+", found)]
    told = "release.md" in text or not text.startswith('"""')
    yield from (rule for rule in named if rule not in list_rules() or not told)


def test_pages_and_rules_that_the_code_speaks_of_are_there() -> None:
    package = [path for path in CODE if path.is_relative_to(ROOT / "src")]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in package}
    wrong = {name: [*find_wrong_pages(text), *find_wrong_rules(text)] for name, text in texts.items()}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert sum(len(PAGE.findall(text)) for text in texts.values()) > 30


def test_rules_that_tests_and_pages_name_are_there() -> None:
    named = {
        path: set(re.findall(r"\bD\d+\b", " ".join(RULE.findall(path.read_text("utf-8"))))) for path in [*CODE, *PAGES]
    }
    unknown = {path.name: rules - set(list_rules()) for path, rules in named.items() if path != Path(__file__)}
    assert {name: rules for name, rules in unknown.items() if rules} == {}


def test_headings_that_pages_link_to_are_there() -> None:
    links = [
        (path, page, anchor)
        for path in PAGES
        for page, anchor in re.findall(r"\]\(([^)\s:]*\.md)#([^)\s]+)\)", path.read_text(encoding="utf-8"))
    ]
    assert len(links) > 50
    lost = [link for link in links if link[2] not in list_anchors((link[0].parent / link[1]).resolve())]
    assert lost == []


def test_every_rule_has_its_attack() -> None:
    tests = (ROOT / "tests" / "disclosure" / "test_rules.py").read_text(encoding="utf-8")
    attacks = re.findall(r"^def test_d(\d+)_", tests, re.MULTILINE)
    assert list(list_rules()) == [f"D{int(number)}" for number in attacks] == [f"D{number}" for number in range(1, 22)]


def test_what_leads_nowhere_is_found() -> None:
    code = '"""See nowhere.md, docs/release.md#no-such-heading (glossary.md §4) and release.md#the-rules; rule D22, rule D6."""'
    assert list(find_wrong_pages(code)) == ["(glossary.md §4)", "nowhere.md#", "docs/release.md#no-such-heading"]
    assert list(find_wrong_rules(code)) == ["D22"]
    assert list(find_wrong_rules('"""Only rule D6, and rules D1 to D3."""')) == ["D6", "D1", "D3"]
