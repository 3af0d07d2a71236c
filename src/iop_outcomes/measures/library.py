"""The definitions library: what every figure means, as data (library.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from iop_outcomes.errors import UsageError


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
