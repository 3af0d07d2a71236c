"""Numbers in words that are the same whatever the records: "95 such ranges in 100", "within 30 days", "page 4"."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from iop_outcomes.publication.residue.printed import Printed, plain, read_numbers

#: Where the words of a publication are written: the rooms that write, and the words of measures and comparisons.
_ROOMS = ("publication", "reports", "comparison", "measures/library.toml", "vocabulary.py", "instruments.py")
#: What is filled in later, which ends a text.
_FILLED = re.compile(r"\{[^{}]*\}")


class Words:
    """Numbers that are part of fixed words, each with the words on both sides; at the end of a text anything may follow."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._alone: set[str] = set()
        self._between: set[tuple[str, str, str]] = set()
        for text in texts:
            for found in read_numbers(plain(text)):
                if found.before or found.after:
                    self._between.add((found.before, found.text, found.after))
                else:
                    self._alone.add(plain(text))

    def hold(self, found: Printed, text: str) -> bool:
        """Whether a number stands in a text as it does in the fixed words.

        >>> words = Words(["95 such ranges in 100 hold it"])
        >>> [words.hold(found, "") for found in read_numbers("95 such ranges, and 95 people")]
        [True, False]
        """
        before, number, after = found.before, found.text, found.after
        return (
            (before, number, after) in self._between
            or (before != "" and (before, number, "") in self._between)
            or (after != "" and ("", number, after) in self._between)
            or text in self._alone
        )


@cache
def fixed_words() -> Words:
    """The words of the package itself, from the sources that write them; docstrings are not among them.

    A text that is a number and nothing else, such as that of a page, is no word: it would let that number pass anywhere. A
    reach to both sides ("±25%") is one: it says itself what it is.
    """
    texts = (text for room in _ROOMS for text in _texts_of(files("iop_outcomes").joinpath(room)))
    return Words(text for text in texts if any(sign.isalpha() or sign == "±" for sign in text))


def _texts_of(place: Traversable) -> Iterator[str]:
    if place.is_dir():
        for inner in place.iterdir():
            yield from _texts_of(inner)
    elif place.name.endswith(".py"):
        for text in _texts_of_code(ast.parse(place.read_text(encoding="utf-8"))):
            yield from _FILLED.split(text)
    elif place.name.endswith(".toml"):
        yield from _texts_in(tomllib.loads(place.read_text(encoding="utf-8")))


def _texts_of_code(source: ast.Module) -> Iterator[str]:
    """The texts a source holds, each part of one that is filled in by itself; with its own fixed numbers in their places."""
    numbers = {
        target.id: f"{each.value.value:g}"
        for each in source.body
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, int | float)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    yield from _texts_below(source, numbers)


def _texts_below(node: ast.AST, numbers: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from "".join(_say_part(part, numbers) for part in node.values).split("{}")
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _texts_below(child, numbers)


def _say_part(part: ast.expr, numbers: Mapping[str, str]) -> str:
    """A part of a text: words, a fixed number named in it, or a gap for what the records say."""
    if isinstance(part, ast.Constant):
        return part.value if isinstance(part.value, str) else "{}"
    held = part.value if isinstance(part, ast.FormattedValue) else part
    return numbers.get(held.id, "{}") if isinstance(held, ast.Name) else "{}"


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
