"""The definitions library: what every figure means, as data (library.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from iop_outcomes.errors import UsageError
from iop_outcomes.vocabulary import DesignWord


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: the sentence printed under a figure, and all that is needed to doubt it."""

    id: str
    version: int
    title: str
    measure: str
    sentence: str
    numerator: str
    denominator: str
    unit: str
    clock: str
    window: str
    missing: str
    design_word: str
    direction: str
    source: str

    @property
    def key(self) -> str:
        """Id and version, as every estimate carries it: ``"retained@1"``."""
        return f"{self.id}@{self.version}"


@cache
def load_library() -> dict[str, Definition]:
    """Every definition by id.

    >>> load_library()["retained"].key
    'retained@1'
    """
    text = files("iop_outcomes.measures").joinpath("library.toml").read_text(encoding="utf-8")
    return {name: Definition(id=name, **fields) for name, fields in tomllib.loads(text).items()}


def find_definition(key: str) -> Definition:
    """The definition with this id or ``id@version``; ``UsageError`` when the library has none."""
    name, _, version = key.partition("@")
    found = load_library().get(name)
    if found is None or (version and int(version) != found.version):
        raise UsageError(f"there is no definition {key}; `iop-outcomes measures` lists them")
    return found


#: What a definition says beside its sentence, in the order of the reference page.
_SAID: tuple[tuple[str, str], ...] = (
    ("Counted", "numerator"),
    ("Among", "denominator"),
    ("Unit", "unit"),
    ("Clock", "clock"),
    ("When", "window"),
    ("Missing", "missing"),
    ("Design word", "design_word"),
    ("Better is", "direction"),
    ("Source", "source"),
)


def describe_library() -> str:
    """Every definition in Markdown, by measure: the reference page of the documentation."""
    parts = [
        "# Definitions",
        "What every figure means. The id and version stand under each figure that uses it; a change that moves a "
        "published number raises the version. This page is written by `make docs` from the library the measures read; "
        "`iop-outcomes measures NAME` shows one definition.",
    ]
    heading = ""
    for definition in sorted(load_library().values(), key=_by_measure(list(load_library().values()))):
        if definition.measure != heading:
            heading = definition.measure
            parts.append(f"## {heading.replace('_', ' ').capitalize()}")
        parts.append(f"### {definition.title}")
        parts.append(f"`{definition.key}` · {definition.sentence}")
        said = {name: str(getattr(definition, name)) for _, name in _SAID}
        said |= {"direction": _BETTER[definition.direction], "design_word": DesignWord(definition.design_word).label}
        rows = [f"| {label} | {said[name]} |" for label, name in _SAID if said[name]]
        parts.append("\n".join(["| what | how |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


_BETTER = {"up": "higher", "down": "lower", "neutral": "neither"}


def _by_measure(definitions: list[Definition]) -> Callable[[Definition], tuple[int, int]]:
    """Measures in the order in which the library first names them, definitions in its own."""
    measures = list(dict.fromkeys(definition.measure for definition in definitions))
    place = {definition.id: number for number, definition in enumerate(definitions)}
    return lambda definition: (measures.index(definition.measure), place[definition.id])
