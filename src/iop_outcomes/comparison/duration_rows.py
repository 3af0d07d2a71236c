"""The figures of a comparison of lengths of stay: strategies, plain and adjusted shares, support, what could overturn them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from iop_outcomes.comparison.balance import LEAST_EFFECTIVE, MOST_DIFFERENT, PERCENTILES
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.statistics import (
    CloneEffect,
    CloneWeights,
    Effect,
    e_value,
    newcombe_difference,
    standardised_differences,
    wilson,
)
from iop_outcomes.statistics.clone_censor import FORETOLD, NOBODY_LEFT, NOBODY_STAYED, SILENT
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import DesignWord, Status

#: What an adjusted figure rests on, said with it.
ASSUMED = "holds if nothing else decided both staying and outcome"
_BY, _STAY, _LEAVE = "duration", "stay", "leave"
#: How people not reached are counted under either strategy, by definition; the last two bound the difference.
_COUNTED: dict[str, tuple[float, float]] = {
    "duration_missing_using": (0.0, 0.0),
    "duration_missing_sober": (1.0, 1.0),
    "duration_missing_least": (0.0, 1.0),
    "duration_missing_most": (1.0, 0.0),
}


@dataclass(frozen=True, eq=False)
class Course:
    """The people followed to the day of the outcome, ``at``, and whether they stayed to day ``stay`` or left before it.

    Who did neither is excused. ``answer`` is 1 or 0, ``nan`` where unknown. ``admitted`` counts everybody, followed or not;
    ``planned`` is the planned length in days, None where unknown.
    """

    outcome: str
    at: int
    stay: int
    stayed: np.ndarray
    left: np.ndarray
    answer: Floats
    admitted: int
    planned: int | None

    @property
    def people(self) -> int:
        """How many are followed."""
        return self.answer.size

    @property
    def shared(self) -> Row:
        """What every row says."""
        return {"category": self.outcome, "at": self.at}

    @property
    def sides(self) -> tuple[tuple[Group, np.ndarray], ...]:
        """Each strategy as a group, and whose stay looks like it."""
        return (Group(_BY, _STAY), self.stayed), (Group(_BY, _LEAVE), ~self.stayed)


def strategy_rows(course: Course) -> Iterator[Row]:
    """Who stayed, who ended before and who cannot be followed, of everybody; and who of those who ended keeps both clones."""
    parts = {"stayed": int(course.stayed.sum()), "ended_before": int((~course.stayed).sum())}
    parts["not_followed"] = course.admitted - course.people
    for view, size in parts.items():
        yield Group().row("duration_strategies", "proportion", **_share(course, view, size, course.admitted))
    excused = int((~course.stayed & ~course.left).sum())
    (_, (group, _)) = course.sides
    yield group.row("duration_strategies", "proportion", **_share(course, "excused", excused, parts["ended_before"]))


def _share(course: Course, view: str, size: int, base: int) -> Row:
    counts = {"n": size, "denominator": base, "people": base, **interval_columns(wilson(size, base))}
    return {**course.shared, "category": f"{course.outcome}/{view}", **counts}


def crude_rows(course: Course) -> Iterator[Row]:
    """Who stayed and who ended before, as they are, among people with a known outcome: what a plain table would show."""
    counts = []
    for group, own in course.sides:
        said = course.answer[own & ~np.isnan(course.answer)]
        counts.append((int(said.sum()), said.size))
        columns: Row = {"n": counts[-1][0], "denominator": said.size, "people": said.size}
        columns |= {"n_missing": int(own.sum()) - said.size, **course.shared}
        yield group.row("duration_crude", "proportion", **columns, **interval_columns(wilson(*counts[-1])))
    size = counts[0][1] + counts[1][1]
    both: Row = {"denominator": size, "people": size, "reference": _LEAVE, "design_word": str(DesignWord.ASSOCIATED)}
    gap = interval_columns(newcombe_difference(*counts[0], *counts[1]))
    yield Group(_BY, _STAY).row("duration_crude", "difference", **course.shared, **both, **gap)


def clone_differences(matrix: Floats, found: CloneEffect) -> Floats:
    """How far apart the clones that count under either strategy are in each covariate, in standard deviations."""
    weights = np.concatenate([found.stay.weights, found.leave.weights])
    own = np.repeat([True, False], len(matrix))
    counted = weights > 0
    return standardised_differences(
        np.vstack([matrix, matrix])[counted], own[counted], weights[counted], estimand="ATE"
    )


def support_rows(course: Course, found: CloneEffect, gaps: Floats) -> Iterator[Row]:
    """How many clones there are, for how many people those that count do, how unequal weights are, and the gate's limits."""

    def row(group: Group, category: str, value: float, **columns: object) -> Row:
        said = {**course.shared, "category": f"{course.outcome}/{category}", "people": course.people}
        status = {"value": value} if np.isfinite(value) else {"status": str(Status.NOT_ESTIMABLE)}
        return group.row("duration_support", **{"estimand": "diagnostic", **said, **status, **columns})

    def cloned(group: Group) -> Row:
        return row(group, "cloned", course.people, estimand="count", n=course.people, method="count")

    for (group, _), arm in zip(course.sides, (found.stay, found.leave), strict=True):
        yield cloned(group)
        yield row(group, "effective", arm.effective, unit="people", method="Kish")
        counted = arm.weights[arm.weights > 0]
        shares = {"unit": "times the mean weight", "method": "percentile of the weights"}
        for percent, value in zip(PERCENTILES, np.percentile(counted / counted.mean(), PERCENTILES), strict=True):
            yield row(group, f"weight_p{percent:02d}", float(value), **shares)
    yield cloned(Group())
    largest = float(np.abs(gaps).max(initial=0.0))
    least = min(found.stay.effective, found.leave.effective)
    yield row(Group(), "largest_difference", largest, unit="standard deviations", note=f"under {MOST_DIFFERENT:g}")
    yield row(Group(), "least_effective", least, unit="people", note=f"at least {LEAST_EFFECTIVE}")


def judge_clones(course: Course, found: CloneEffect, gaps: Floats, labels: Sequence[str]) -> str:
    """What stands against an adjusted figure, with what would mend it; nothing where it may stand."""
    reasons = []
    if len(gaps) and not np.abs(gaps).max() < MOST_DIFFERENT:
        worst = int(np.argmax(np.where(np.isnan(gaps), np.inf, np.abs(gaps))))
        name = labels[worst].replace("/", ": ").replace("_", " ")
        reasons.append(
            f"After weighting the people under the two strategies still differ in {name} by {abs(gaps[worst]):.2f} standard "
            f"deviations (under {MOST_DIFFERENT:g} is asked for); more people, or fewer covariates, would mend it."
        )
    day = course.stay
    followed = ((found.stay.effective, f"stayed to day {day}"), (found.leave.effective, f"left before day {day}"))
    effective, who = min(followed)
    if effective < LEAST_EFFECTIVE:
        reasons.append(
            f"After weighting the people who {who} count for {effective:.0f} (at least {LEAST_EFFECTIVE} is asked for); about "
            f"{np.ceil(10 * LEAST_EFFECTIVE / effective) / 10:.1f} times as many, or another day, would mend it."
        )
    return " ".join(reasons)


def say_unweighted(course: Course, reason: str) -> str:
    """Why there are no weights, with what would mend it."""
    day, at = course.stay, course.at
    followed = f"Nobody followed to day {at}"
    planned = "" if course.planned is None else f" (the planned length is {course.planned} days)"
    said = {
        NOBODY_STAYED: f"{followed} stayed to day {day}{planned}. An earlier day would mend it.",
        NOBODY_LEFT: f"{followed} left before day {day}. A later day would mend it.",
        FORETOLD: "What was recorded tells wholly who leaves and when, so that nobody alike did otherwise. Another day, more "
        "people, or fewer covariates would mend it.",
        SILENT: f"Nobody under one of the strategies was reached at day {at}. Reaching more people would mend it.",
    }
    return said.get(reason, f"People cannot be weighted: {reason}. More people, or fewer covariates, would mend it.")


def refused_rows(course: Course, note: str) -> Iterator[Row]:
    """Both strategies and their difference without a value, and why."""
    people = {"denominator": course.people, "people": course.people}
    said: Row = {**course.shared, **people, "status": str(Status.NOT_ESTIMABLE), "note": note}
    for group, _ in course.sides:
        yield group.row("duration_effect", "adjusted_proportion", **said)
    yield Group(_BY, _STAY).row("duration_effect", "difference", **said, reference=_LEAVE)


def pair_rows(course: Course, definition: str, found: CloneEffect, note: str = "") -> Iterator[Row]:
    """The share under each strategy, of everybody, and the difference."""
    made, unknown = found.strategies, int(np.isnan(course.answer).sum())
    people: Row = {"denominator": course.people, "people": course.people, "n_missing": unknown, **course.shared}
    people["residual_df"] = found.residual_df
    for (group, _), share in zip(course.sides, (made.treated, made.reference), strict=True):
        yield group.row(definition, "adjusted_proportion", **people, **interval_columns(share))
    both = {**people, "reference": _LEAVE, "note": note or None, **interval_columns(made.difference)}
    yield Group(_BY, _STAY).row(definition, "difference", **both)


def missing_rows(course: Course, made: CloneWeights) -> Iterator[Row]:
    """The shares with everybody not reached counted in four ways; the last two bound the difference."""
    unknown = np.isnan(course.answer)
    if not unknown.any():
        return
    for definition, under in _COUNTED.items():
        one, other = (np.where(unknown, counted, course.answer) for counted in under)
        yield from pair_rows(course, definition, made.compare(one, under_leave=other))


def unmeasured_rows(course: Course, made: Effect) -> Iterator[Row]:
    """E-values of the estimate and of its limit nearer to no difference."""
    people: Row = {**course.shared, "denominator": course.people, "people": course.people}
    found = e_value(made.ratio.value, made.ratio.low, made.ratio.high) if np.isfinite(made.ratio.value) else None
    for definition, part in (("duration_evalue", "point"), ("duration_evalue_limit", "limit")):
        value = np.nan if found is None else getattr(found, part)
        columns: Row = {"value": value, "method": None if found is None else found.method}
        if not np.isfinite(value):
            columns = {"status": str(Status.NOT_ESTIMABLE), "note": "it takes two shares above 0 with a range"}
        yield Group(_BY, _STAY).row(definition, "tipping_point", **people, **columns)
