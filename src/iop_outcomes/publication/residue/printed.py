"""Numbers as they stand in a text: single ones, and those that only mean something together.

"7 of 19", "48% to 68%" and "6 in 10" are one printed number each: their parts may well stand elsewhere by chance.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_ONE = r"(?:about )?[-−+]?\$?-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?%?"
_UNIT = r"(?: (?:days|weeks|hours|points))?"
#: "3% at $0 and 97% at $50,000": dollars and percents are no pair.
_MIXED = r"-?\$[\d,.]+ (?:to|and) [\d,.]+%"
_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
)
_PATTERN = re.compile(
    r"(?P<date>\d{4}-\d{2}(?:-\d{2})?(?!\d)|(?<!\d)\d{4} ?Q[1-4](?!\d)"
    rf"|(?:\d{{1,2}} )?\b(?:{_MONTHS}) (?:\d{{1,2}},? )?\d{{4}}(?!\d))"
    r"|(?P<key>\b[a-z][a-z_0-9]*@\d+\b)"
    rf"|(?P<range>(?!{_MIXED}){_ONE}{_UNIT} (?:to|and) {_ONE}{_UNIT}(?: in 10)?(?![\w]))"
    rf"|(?P<share>{_ONE} (?:of|in) {_ONE}(?![\w]))"
    rf"|(?P<one>{_ONE})"
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Printed:
    """A number or a pair of numbers in a text: what kind, as printed, and the words on both sides ("" at an end)."""

    kind: str
    text: str
    before: str
    after: str
    attached: bool


def plain(text: str) -> str:
    """Text with one way of writing each sign: no invisible signs, no other forms of digits, one space between words."""
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
        text = text.replace("−", "-").replace("–", " – ")
    return " ".join(text.split())


def read_numbers(text: str) -> Iterator[Printed]:
    """Every printed number of a plain text, pairs before single ones.

    >>> [found.text for found in read_numbers("about 6 in 10 people (58%; likely between 48% and 68%), 1,234 of 2,000")]
    ['6 in 10', '58%', '48% to 68%', '1,234 of 2,000']
    """
    for found in _PATTERN.finditer(text):
        kind = str(found.lastgroup)
        words = found[0].removeprefix("about ")
        if kind == "range":
            words = re.sub(r" (?:about|days|weeks|hours|points)\b", "", words).replace(" and ", " to ")
        yield Printed(
            kind,
            words,
            _last_word(text[: found.start()]),
            _first_word(text[found.end() :]),
            text[found.start() - 1 : found.start()].isalpha(),
        )


def _last_word(text: str) -> str:
    """The word before a number, or the sign that makes it a reach to both sides: "±25%"."""
    if text.endswith("±"):
        return "±"
    words = _WORD.findall(text[-40:])
    return words[-1].lower() if words else ""


def _first_word(text: str) -> str:
    found = _WORD.search(text[:40])
    return found[0].lower() if found else ""
