"""The definitions library: what every figure means, as data (library.toml)."""

from __future__ import annotations

import re
import tomllib
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


_PREFACE = (
    "What every figure means. The id and version stand under each figure that uses it; a change that moves a "
    "published number raises the version. These pages are written by `make docs` from the library the measures read; "
    "`iop-outcomes measures NAME` shows one definition."
)
_HEADINGS = {
    "followup": "Follow-up",
    "change": "Change in scores",
    "comparison": "Levels of care compared",
    "frontier": "Several levels of care",
    "published": "Published figures",
}
_BETTER = {"up": "higher", "down": "lower", "neutral": "neither"}


def describe_library() -> str:
    """Every definition in Markdown, by measure: what ``iop-outcomes measures --markdown`` writes.

    >>> describe_library().startswith("# Definitions")
    True
    """
    parts = ["# Definitions", _PREFACE]
    for measure, definitions in _by_measure().items():
        parts += [f"## {_heading(measure)}", *(_describe(definition, 3) for definition in definitions)]
    return "\n\n".join(parts) + "\n"


def list_pages() -> dict[str, str]:
    """The definitions reference of the documentation, path to Markdown: an index and a page for each measure.

    >>> list(list_pages())[:2]
    ['definitions.md', 'definitions/attrition.md']
    """
    index, pages = ["# Definitions", _PREFACE], {}
    for measure, definitions in _by_measure().items():
        page = f"definitions/{measure}.md"
        index.append(f"## [{_heading(measure)}]({page})")
        index.append("\n".join(f"- [{each.title}]({page}#{_anchor(each)}): {each.sentence}" for each in definitions))
        shown = (_describe(definition, 2) for definition in definitions)
        pages[page] = "\n\n".join([f"# {_heading(measure)}", "[All definitions](../definitions.md)", *shown]) + "\n"
    return {"definitions.md": "\n\n".join(index) + "\n", **pages}


def _describe(definition: Definition, level: int) -> str:
    """One definition: its title as a heading of this level, its sentence, and a table of what it says."""
    said = {name: str(getattr(definition, name)) for _, name in _SAID}
    said |= {"direction": _BETTER[definition.direction], "design_word": DesignWord(definition.design_word).label}
    rows = [f"| {label} | {said[name]} |" for label, name in _SAID if said[name]]
    table = "\n".join(["| what | how |", "| --- | --- |", *rows])
    return f"{'#' * level} {definition.title}\n\n`{definition.key}` · {definition.sentence}\n\n{table}"


def _by_measure() -> dict[str, list[Definition]]:
    """Measures in the order in which the library first names them, definitions in its own."""
    found: dict[str, list[Definition]] = {}
    for definition in load_library().values():
        found.setdefault(definition.measure, []).append(definition)
    return found


def _heading(measure: str) -> str:
    return _HEADINGS.get(measure, measure.replace("_", " ").capitalize())


def _anchor(definition: Definition) -> str:
    """The place of its heading on a page, as GitHub and the site's generator name it."""
    return re.sub(r"[^\w\- ]", "", definition.title.lower()).replace(" ", "-")
