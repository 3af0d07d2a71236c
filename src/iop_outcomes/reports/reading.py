"""What every page reads from: one release, the time it speaks of, and the words around its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.document import DefinitionBox, pick
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.contents import Contents


@dataclass(frozen=True)
class Reading:
    """One release as a page builder sees it."""

    published: Published
    contents: Contents
    as_of: str
    signed_off_by: str = ""

    @property
    def of_cohort(self) -> Published:
        """The rows said of everyone admitted in the four quarters (or in all the records, where there are no dates).

        Lines drawn through months or quarters are none of them, even where the records hold no more than these four.
        """
        first, last = self.contents.cohort.edges
        rows = self.published.where(period_start=first, period_end=last)
        return rows.where(estimand=sorted(set(rows.frame["estimand"]) - {"center_line", "limit"}))

    def milestone_day(self, length: int) -> float:
        """The day a milestone is read on: the planned length, or where that day is withheld, the last day before it shown."""
        planned = float(self.contents.planned_days)
        rows = self.of_cohort.where(definition="milestone_bridged@1", category=str(length), by="all").frame
        shown = rows.loc[rows["value"].notna() & (rows["at"] <= planned), "at"]
        return float(shown.max()) if len(shown) else planned

    def caption(self, definition: str, rows: Published, when: str = "") -> str:
        """What is counted, of whom, when, as of which day, how and by which definition; ``when`` replaces period and n."""
        known = find_definition(definition)
        counted = list(rows.where(definition=known.key).rows())
        parts = [when or f"Admitted {self.contents.cohort.label}"]
        whole = [row for row in counted if row["by"] == "all"]
        both = [
            (row["denominator"], row["people"]) for row in whole
        ]  # of one row: largest ones need not belong together
        both = [pair for pair in both if not any(map(math.isnan, pair))]
        episodes, people = max(both, key=itemgetter(0), default=(math.nan, _largest(whole, "people")))
        if people == people and definition != "attrition@1" and not when:
            parts.append(f"{people:,.0f} people" if episodes != episodes or episodes == people else
                         f"{episodes:,.0f} {_say_units(known.key)} of {people:,.0f} people")  # fmt: skip
        parts.append(f"as of {self.as_of}")
        late = _largest(whole, "n_missing")
        if late == late and late > 0 and known.measure in ("endings", "retention", "milestones"):
            parts.append(f"{late:,.0f} not yet seen to the last day")
        methods = sorted({row["method"] for row in counted if row["method"] == row["method"]})
        technical = [f"Definition {known.key}"]
        if len(methods) == 1 and methods[0] not in ("count", "sum", "share"):
            technical.insert(0, f"Method: {methods[0]}")
        return f"{_say_sentence(known.sentence)} {'; '.join(parts)}. {'; '.join(technical)}."


def _largest(rows: Iterable[Mapping[str, Any]], column: str) -> float:
    return max((row[column] for row in rows if not math.isnan(row[column])), default=math.nan)


def _say_sentence(sentence: str) -> str:
    """A definition's sentence under a figure, where the day it calls d is one that is shown."""
    return sentence.replace("day d", "the day shown").replace("within d days", "within the days shown")


def describe_definition(key: str) -> DefinitionBox:
    """A definition as a box under a figure."""
    known = find_definition(key)
    facts = (
        ("Counted", known.numerator), ("Among", known.denominator), ("Clock", known.clock), ("When", known.window),
        ("Missing", known.missing), ("Source", known.source),
    )  # fmt: skip
    return DefinitionBox(known.key, known.title, known.sentence, facts)


def find_quantity(rows: Published, **where: Any) -> Quantity:
    """The one row that meets the conditions, or a quantity that says there is none."""
    try:
        return pick(rows, **where)
    except LookupError:
        return Quantity("number", float("nan"), status="not_estimable")


def name_admissions(rows: Published) -> str:
    """What admissions of one stretch of time are counted in: people, or where their number is withheld alone, episodes."""
    people, episodes = (
        find_quantity(rows, definition="admissions@1", category=counted, estimand="count", by="all")
        for counted in ("people", "episodes")
    )
    return "episodes" if people.withheld and episodes.shown else "people"


def _say_units(key: str) -> str:
    return {"session_status@1": "sessions", "requirement_met@1": "weeks"}.get(key, "episodes")


def name_scale(scales: object, scale: str) -> str:
    """A scale as readers know it, from the ``scales`` in the settings of the release."""
    for known in scales if isinstance(scales, tuple) else (scales,):
        if isinstance(known, Mapping) and scale in known:
            return str(known[scale]["label"])
    return scale.replace("_", " ")
