"""Facts: single figures a grant writer may quote, each with all that is needed to doubt it.

A fact is made from one released row (and rows that belong beside it) and from words that hold no number of the records.
Its sentences are built here and checked when they are made: every number in them is a field of the fact, none stands
without how many it is counted among and when, and no verb is stronger than the design allows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.citation import Citation
from iop_outcomes.publication.export import settle_value, write_lines
from iop_outcomes.publication.formatting import NOTHING, PERCENT_FROM, Quantity, say_frequency, show, show_interval
from iop_outcomes.publication.published import Published
from iop_outcomes.vocabulary import DesignWord, Status

#: Most words of a statement.
MOST_WORDS = 30
#: What stands for a programme whose name would make the statement too long.
THIS_PROGRAMME = "this programme"

#: What the list of facts says of each, in the order of its columns.
FACT_COLUMNS: tuple[str, ...] = (
    *("id", "title", "statement", "sentence", "estimate", "unit", "numerator", "denominator", "ci_low", "ci_high"),
    *("conf_level", "method", "counted", "population", "programme", "period", "period_start", "period_end", "clock"),
    *("window", "day", "definition", "source", "response", "missing_rule", "unknown", "band_low", "band_high"),
    *("adjustment", "design_word", "limitations", "citation", "release_id", "policy", "audience", "synthetic"),
    *("as_of", "software_version"),
)

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?%?")
#: Verbs that say one thing made another; an estimated effect may carry them, nothing weaker.
_CAUSAL = re.compile(
    r"\b(?:caus\w+|because|thanks to|led to|leads to|due to|result(?:s|ed) in|effects? of|reduc(?:es|ed)|prevent\w*"
    r"|cur(?:es|ed)|helped|makes?|made|boost\w*|drove|drives|works|worked for)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wording:
    """The words of a fact. ``pattern`` is its statement with {figure}, {n}, {programme} and {period} in it; ``clauses``
    are said where every number they name ({response}, {low}, {high}, {unknown}) may be shown; ``things`` are counted."""

    id: str
    title: str
    things: str
    pattern: str
    clauses: tuple[str, ...]
    population: str
    window: str
    clock: str
    missing_rule: str
    adjustment: str
    limitations: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where facts come from: programme, period in words and in days, as-of date, source, citation, software."""

    programme: str
    period: str
    period_start: str
    period_end: str
    as_of: str
    source: str
    citation: Citation
    software_version: str


@dataclass(frozen=True)
class Fact:
    """One figure with its sentence and all that belongs to it; ``ValueError`` where the sentence says anything else.

    ``beside`` holds the figures that bound or qualify it: ``response``, the band ``low`` to ``high`` whatever became of
    people not reached, and the share ``unknown``.
    """

    wording: Wording
    origin: Origin
    estimate: Quantity
    beside: Mapping[str, Quantity]
    definition: str
    at: float
    method: str
    design_word: str
    release_id: str
    policy: str
    audience: str
    synthetic: bool
    about: str
    statement: str
    caveat: str

    def __post_init__(self) -> None:
        """Check the sentences against the fields."""
        if len(self.statement.split()) > MOST_WORDS:
            raise ValueError(f"a statement has at most {MOST_WORDS} words")
        for part in (show_figure(self.estimate), self.base, self.origin.period):
            if part not in self.statement:
                raise ValueError("a statement holds its figure, how many it is counted among, and its period")
        strange = set(_NUMBER.findall(f"{self.statement} {self.caveat}")) - self._numbers
        if strange:
            raise ValueError(f"a sentence of {self.wording.id} holds a number that is no field of its fact")
        said = f"{self.statement} {self.caveat}".replace(self.origin.programme, "")
        if self.design_word != DesignWord.ESTIMATED_EFFECT and is_causal(said):
            raise ValueError(
                f"a sentence of {self.wording.id} says more than {DesignWord(self.design_word).label} allows"
            )

    @property
    def base(self) -> str:
        """How many the figure is counted among, as a sentence says it."""
        return f"{self.about}{self.estimate.denominator:,.0f}"

    @property
    def frequency(self) -> str:
        """The figure as a natural frequency, where it is a share of many: ``about 6 in 10 admissions``."""
        many = self.estimate.kind == "share" and self.estimate.denominator >= PERCENT_FROM
        return say_frequency(self.estimate.value, self.wording.things) if many else ""

    @property
    def source_line(self) -> str:
        """Where the figure is from."""
        return f"Source: {self.origin.source}, release {self.release_id}."

    @property
    def sentence(self) -> str:
        """All of it, to paste: statement, what qualifies it, source."""
        return " ".join(filter(None, (self.statement, self.caveat, self.source_line)))

    @cached_property
    def _numbers(self) -> set[str]:
        """Every number a sentence of this fact may hold: those of its figures as printed, and those of its words."""
        printed = [show_figure(self.estimate), self.base, *(show(one) for one in self.beside.values())]
        printed += [f"{self.at:g}"] if self.at == self.at else []
        words = [self.wording.title, self.wording.window, self.wording.population]
        words += [self.origin.programme, self.origin.period]
        plain = {number for text in words for number in _NUMBER.findall(text) if "%" not in number}
        return plain | {number for text in printed for number in _NUMBER.findall(text)}

    def as_dict(self) -> dict[str, Any]:
        """Every field by name, flat, numbers as numbers and missing ones as ``None``: what JSON and CSV hold."""
        one, where, word = self.estimate, self.origin, self.wording
        bounds = {name: self.beside.get(name) for name in ("response", "low", "high", "unknown")}
        shown = {name: settle_value(found.value) if found else None for name, found in bounds.items()}
        return {
            "id": word.id,
            "title": word.title,
            "statement": self.statement,
            "sentence": self.sentence,
            "estimate": settle_value(one.value),
            "unit": one.unit,
            "numerator": settle_value(one.n),
            "denominator": settle_value(one.denominator),
            "ci_low": settle_value(one.low),
            "ci_high": settle_value(one.high),
            "conf_level": settle_value(one.conf_level),
            "method": self.method,
            "counted": word.things,
            "population": word.population,
            "programme": where.programme,
            "period": where.period,
            "period_start": where.period_start,
            "period_end": where.period_end,
            "clock": word.clock,
            "window": word.window,
            "day": settle_value(self.at),
            "definition": self.definition,
            "source": where.source,
            "response": shown["response"],
            "missing_rule": word.missing_rule,
            "unknown": shown["unknown"],
            "band_low": shown["low"],
            "band_high": shown["high"],
            "adjustment": word.adjustment,
            "design_word": self.design_word,
            "limitations": list(word.limitations),
            "citation": where.citation.apa(),
            "release_id": self.release_id,
            "policy": self.policy,
            "audience": self.audience,
            "synthetic": self.synthetic,
            "as_of": where.as_of,
            "software_version": where.software_version,
        }


def make_fact(
    published: Published, row: Mapping[str, Any], quantity: Quantity, beside: Mapping[str, Quantity], wording: Wording,
    origin: Origin,
) -> Fact:  # fmt: skip
    """The fact of one released row, in these words.

    ``quantity`` is the row's figure and ``beside`` what belongs next to it. Raises ``DisclosureError`` for rows that did
    not pass the gate, and ``ValueError`` where nothing may be said (:func:`why_unsaid`) or the words say too much.
    """
    if not isinstance(published, Published):
        raise DisclosureError("a fact is made from published rows only; pass the estimates through publish() first")
    why = why_unsaid(quantity)
    if why:
        raise ValueError(f"{wording.title}: {why}")
    shown = {name: one for name, one in beside.items() if one.shown}
    about = "about " if published.policy.rounding > 1 else ""
    named = {name: show(one) for name, one in shown.items()}
    named |= {"at": f"{row['at']:g}"} if row["at"] == row["at"] else {}
    said = {
        **named,
        "figure": show_figure(quantity),
        "n": f"{about}{quantity.denominator:,.0f}",
        "programme": origin.programme,
        "period": origin.period,
    }
    statement = wording.pattern.format(**said)
    if len(statement.split()) > MOST_WORDS:
        statement = wording.pattern.format(**{**said, "programme": THIS_PROGRAMME})
    clauses = [clause.format(**named) for clause in wording.clauses if _named_in(clause) <= set(named)]
    return Fact(
        wording, origin, quantity, shown, str(row["definition"]), float(row["at"]), str(row["method"]),
        str(row["design_word"]), published.release_id, published.policy.name, str(published.audience),
        published.synthetic, about, statement, " ".join(clauses),
    )  # fmt: skip


def why_unsaid(quantity: Quantity) -> str:
    """Why a figure cannot stand in a sentence; empty where it can."""
    if quantity.withheld:
        return "withheld to protect privacy"
    if not quantity.shown:
        return Status(quantity.status).label or "not known"
    if math.isnan(quantity.denominator):
        return "how many it is counted among is withheld"
    if show_interval(quantity) == NOTHING:
        return "it has no range"
    return ""


def is_causal(text: str) -> bool:
    """Whether a text says that one thing made another.

    >>> is_causal("admissions that led to work"), is_causal("admissions with work after care")
    (True, False)
    """
    return _CAUSAL.search(text) is not None


def show_figure(quantity: Quantity) -> str:
    """A figure with its interval, as a statement holds it.

    >>> show_figure(Quantity("share", .5, .41, .59, .95, n=60, denominator=120))
    '50% (95% CI 41% to 59%)'
    """
    return f"{show(quantity)} ({100 * quantity.conf_level:g}% CI {show_interval(quantity)})"


def write_facts_json(facts: Iterable[Fact], path: str | Path) -> Path:
    """Write facts as a JSON list, every field by name, with the citation as BibTeX and CSL-JSON. Returns the path."""
    content = []
    for fact in facts:
        cited = fact.origin.citation
        content.append({**fact.as_dict(), "bibtex": cited.bibtex(), "csl": cited.csl()})
    target = Path(path)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")
    return target


def write_facts_csv(facts: Iterable[Fact], path: str | Path) -> Path:
    """Write facts as CSV, one line a fact, a header alone where there is none; limitations are joined by semicolons."""
    return write_lines(FACT_COLUMNS, (fact.as_dict() for fact in facts), path)


def _named_in(clause: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", clause))
