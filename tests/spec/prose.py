"""How hard a text is to read, and which words of it no publication may use."""

from __future__ import annotations

import re

#: Words that name people by what they did, or promise what no record shows.
BANNED = re.compile(
    r"\b(?:addicts?|addicted|abus\w*|clean|dirty|junkies?|alcoholics?|dropouts?|dropped out|drop-outs?|"
    r"failed|failures?|non-?complian\w*|success rates?|proves?|proven|cured?)\b",
    re.IGNORECASE,
)
#: What is no prose: how a number was made, ids of definitions, what stands in brackets, codes, dates.
_TECHNICAL = re.compile(
    r"Method: [^.]*?(?=; Definition)|Definition \w+@\d+|\([^()]*\)|\bdoi:\S+|\b\w+@\d+|\d{4}-\d{2}-\d{2}|[▲▼●○◆◇▸◂·]"
)
_SENTENCE = re.compile(r"[.?!:;](?:\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")


def grade_text(text: str) -> float:
    """The US school grade that reads a text with ease (Kincaid and others 1975, Research Branch Report 8-75).

    Clauses parted by a colon or semicolon count as sentences: a list of short facts is read one by one.
    """
    plain = _TECHNICAL.sub(" ", text)
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", plain)
    sentences = [part for part in _SENTENCE.split(plain) if re.search("[A-Za-z]", part)]
    if not words:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(count_syllables, words)) / len(words) - 15.59


def count_syllables(word: str) -> int:
    """Groups of vowels, without an e that is not spoken."""
    lowered = word.lower()
    groups = len(_VOWELS.findall(lowered))
    if re.search(r"[^aeiouyl]e$|[^aeiouydt]ed$|[^aeiouysxz]es$", lowered) and groups > 1:
        groups -= 1
    return max(1, groups)
