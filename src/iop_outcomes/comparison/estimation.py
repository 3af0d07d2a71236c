"""The figures of a comparison: shares (or days) as they are, and once the two levels' people are made alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from iop_outcomes.comparison.balance import Arms, Verdict
from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.statistics import (
    AnswerWeights,
    Effect,
    Estimate,
    Interval,
    answer_weights,
    answered_effect,
    newcombe_difference,
    standardised_effect,
    weighted_curves,
    wilson,
)
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import DesignWord, Status

#: What an adjusted figure rests on, said with it.
ASSUMED = "holds if nothing else decided both placement and outcome"


@dataclass(frozen=True, eq=False)
class Study:
    """The people compared and what became of them.

    ``answer`` is 1 or 0, ``nan`` where unknown; of days in care the days until the stay ended or was last seen, and
    ``ended`` says which.
    """

    arms: Arms
    answer: Floats
    ended: np.ndarray

    @property
    def in_days(self) -> bool:
        """Whether days are compared, not shares."""
        return self.arms.protocol.outcome == "days_in_care"

    def estimate(self, answer: Floats | None = None, *, without: str = "") -> Effect:
        """The effect by the protocol's method; with an answer for everybody, or with a covariate left out."""
        protocol, treated = self.arms.protocol, self.arms.treated
        columns = self.arms.baseline.design(without)
        if self.in_days:
            curves = weighted_curves(self.answer, self.ended, treated, columns, estimand=protocol.estimand)
            return curves.mean_time(protocol.at)
        y = self.answer if answer is None else answer
        if protocol.method == "standardisation":
            return standardised_effect(y, treated, columns, estimand=protocol.estimand, family="binomial")
        family = "binomial" if protocol.method == "aipw" else None
        made = None if without else self.arms.made if answer is None else self.of_everybody
        return answered_effect(y, treated, columns, estimand=protocol.estimand, family=family, made=made)

    @cached_property
    def of_everybody(self) -> AnswerWeights:
        """The weights were everybody's answer known."""
        everybody = np.ones(self.answer.size, dtype=bool)
        return answer_weights(everybody, self.arms.treated, self.arms.baseline.design(), self.arms.protocol.estimand)

    def name(self, definition: str) -> str:
        """The definition that speaks of days, where days are compared."""
        return f"{definition}_days" if self.in_days else definition

    def group(self, treated: bool = True) -> Group:
        """One of the two levels as a group."""
        return Group("level_of_care", self.arms.protocol.treated if treated else self.arms.protocol.control)

    @property
    def residual_df(self) -> int:
        """How many more people than terms the model with fewest of them to spare has: placement, or the outcome's."""
        arms, terms = self.arms, self.arms.baseline.design().shape[1] + 1
        known = int(arms.known.sum())
        fitted_to = {
            "weighting": known,
            "standardisation": known - 1,  # the level is a term too
            "aipw": min(int((own & arms.known).sum()) for _, own in arms.sides),
        }
        return fitted_to[arms.protocol.method] - terms

    def pair_rows(self, definition: str, effect: Effect, note: str = "") -> Iterator[Row]:
        """The adjusted figure of both levels and their difference."""
        size = self.answer.size
        for arm, own, found in (
            (True, self.arms.treated, effect.treated),
            (False, ~self.arms.treated, effect.reference),
        ):
            counts = {"n": self._events(own), "denominator": int(own.sum()), "people": int(own.sum())}
            estimand = "restricted_mean" if self.in_days else "adjusted_proportion"
            columns = {**counts, "n_missing": self._unknown(own), **self._shared(), **interval_columns(found)}
            columns["residual_df"] = self.residual_df
            yield self.group(arm).row(self.name(definition), estimand, **columns)
        both = {"denominator": size, "people": size, "reference": self.arms.protocol.control, "note": note or None}
        both |= {"n_missing": self._unknown(np.ones(size, dtype=bool)), **self._shared()}
        yield self.group().row(self.name(definition), "difference", **both, **interval_columns(effect.difference))

    def _shared(self) -> Row:
        protocol = self.arms.protocol
        return {"category": protocol.outcome, "at": protocol.at}

    def _events(self, own: np.ndarray) -> int | None:
        return None if self.in_days else int(np.nansum(self.answer[own]))

    def _unknown(self, own: np.ndarray) -> int:
        """Not reached; of days, last seen in the programme before the horizon."""
        if self.in_days:
            return int((~self.ended[own].astype(bool) & (self.answer[own] < self.arms.protocol.at)).sum())
        return int(np.isnan(self.answer[own]).sum())


def crude_rows(study: Study) -> Iterator[Row]:
    """Each level as it is, among people with a known outcome, and the difference: what a plain table would show."""
    definition, arms = "level_crude", study.arms
    if study.in_days:
        made = weighted_curves(study.answer, study.ended, arms.treated, None).mean_time(arms.protocol.at)
        for row in study.pair_rows(definition, made):
            word = DesignWord.ASSOCIATED if row["estimand"] == "difference" else DesignWord.DESCRIBED
            yield {**row, "method": "restricted mean, as placed", "design_word": str(word)}
        return
    counts = []
    for arm, own in ((True, arms.treated), (False, ~arms.treated)):
        base = int((own & arms.known).sum())
        counts.append((int(np.nansum(study.answer[own])), base))
        yield study.group(arm).row(definition, "proportion", **share_columns(study, *counts[-1], int(own.sum()) - base))
    gap = newcombe_difference(*counts[0], *counts[1])
    size = counts[0][1] + counts[1][1]
    columns: Row = {"category": arms.protocol.outcome, "at": arms.protocol.at, "denominator": size, "people": size}
    columns |= {"reference": arms.protocol.control, "design_word": str(DesignWord.ASSOCIATED)}
    yield study.group().row(definition, "difference", **columns, **interval_columns(gap))


def share_columns(study: Study, events: int, base: int, unknown: int) -> Row:
    """A share of people with a known outcome; nobody known, no share."""
    protocol = study.arms.protocol
    interval: Interval | Estimate = wilson(events, base)
    columns = {"category": protocol.outcome, "at": protocol.at, "n": events, "denominator": base, "people": base}
    return {**columns, "n_missing": unknown, **interval_columns(interval)}


def apart_rows(study: Study, apart: pd.DataFrame) -> Iterator[Row]:
    """People who could only have gone to one level: their share as it is, told apart and compared with nobody."""
    if study.in_days:
        return
    for level, part in apart.groupby("level_of_care", sort=True):
        known = part["answer"].dropna()
        columns = share_columns(study, int(known.sum()), len(known), len(part) - len(known))
        columns["category"] = f"{study.arms.protocol.outcome}/one_level_only"
        yield Group("level_of_care", str(level)).row("level_apart", "proportion", **columns)


def reached_rows(study: Study) -> Iterator[Row]:
    """How many of those due were reached, in each level."""
    arms = study.arms
    for arm, own in ((True, arms.treated), (False, ~arms.treated)):
        reached, base = int((own & arms.known).sum()), int(own.sum())
        columns = {**share_columns(study, reached, base, 0), "n_missing": base - reached}
        yield study.group(arm).row("level_reached", "proportion", **columns)


def refused_rows(protocol: Protocol, treated: np.ndarray, verdict: Verdict) -> Iterator[Row]:
    """The adjusted figures of both levels without a value, and why; ``treated`` says where each person compared began."""
    in_days = protocol.outcome == "days_in_care"
    definition = "level_effect_days" if in_days else "level_effect"
    said: Row = {"category": protocol.outcome, "at": protocol.at, "status": str(Status.NOT_ESTIMABLE)}
    said |= {"note": verdict.words}
    for level, own in ((protocol.treated, treated), (protocol.control, ~treated)):
        people = {"denominator": int(own.sum()), "people": int(own.sum())}
        estimand = "restricted_mean" if in_days else "adjusted_proportion"
        yield Group("level_of_care", level).row(definition, estimand, **said, **people)
    both: Row = {"denominator": treated.size, "people": treated.size, "reference": protocol.control}
    yield Group("level_of_care", protocol.treated).row(definition, "difference", **said, **both)
