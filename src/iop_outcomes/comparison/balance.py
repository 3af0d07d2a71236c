"""Are the two levels' people alike once weighted, and do enough of them stand for each other? The gate of a comparison.

Conventions are those of R's cobalt, said in :mod:`iop_outcomes.statistics.balance`: standard deviations without weights,
so that before and after are measured with the same yardstick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.measures.case_mix import NUMBERS
from iop_outcomes.measures.rows import Group, Row
from iop_outcomes.statistics import (
    AnswerWeights,
    distribution_distances,
    effective_sample_size,
    overlap_share,
    standardised_differences,
    variance_ratios,
)
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.statistics.propensity import NOBODY_ALIKE
from iop_outcomes.vocabulary import Status

#: No adjusted estimate at or above this standardised difference after weighting,
MOST_DIFFERENT = 0.1
#: above this share outside common support,
MOST_OUTSIDE = 0.10
#: or below this effective number of people in either arm.
LEAST_EFFECTIVE = 50
#: Smaller groups of a column are put together with people without a record of it; are these together fewer, they join the
#: smallest of the other groups. As many people without a number have a term of their own.
LEAST_LEVEL = 20
#: Percentiles shown of the weights; never the least or greatest, which are one person's.
PERCENTILES: tuple[int, ...] = (5, 25, 50, 75, 95)
#: Edges of the classes of the chance of placement.
CLASSES: Floats = np.linspace(0.0, 1.0, 11)
#: What stands behind the slash for people without a value, or with a rare one; and behind the group these have joined.
OTHER, OR_OTHER = "other_or_not_recorded", "_or_other"


@dataclass(frozen=True, eq=False)
class Baseline:
    """What was known of each person at admission, as columns: one a number, one a group of a text column.

    ``labels`` name the columns (``age``, ``housing/stable``), ``sources`` the covariate each comes from, ``modelled`` those
    in the models (the commonest group of a text column is what the others are against). ``missing`` marks people without
    a record of a covariate; ``unrecorded`` are covariates nobody has a record of.
    """

    labels: tuple[str, ...]
    sources: tuple[str, ...]
    matrix: Floats
    modelled: np.ndarray
    missing: dict[str, np.ndarray]
    unrecorded: tuple[str, ...]

    def design(self, without: str = "") -> Floats:
        """The columns of a model, those of one covariate left out."""
        keep = self.modelled & (np.array(self.sources) != without)
        return self.matrix[:, keep]


def read_baseline(frame: pd.DataFrame, adjust: Sequence[str]) -> Baseline:
    """The covariates of people, one row each; what is missing is a category of its own and counted."""
    parts: list[tuple[str, str, Floats, bool]] = []
    missing, unrecorded = {}, []
    for column in adjust:
        values = frame[column]
        missing[column] = values.isna().to_numpy()
        if values.isna().all():
            unrecorded.append(column)
        elif column in NUMBERS:
            parts += _number_columns(column, values.to_numpy(dtype="float64", na_value=np.nan))
        else:
            parts += _group_columns(column, values)
    varies = [part for part in parts if np.ptp(part[2]) > 0]
    return Baseline(
        tuple(label for label, *_ in varies),
        tuple(source for _, source, *_ in varies),
        np.column_stack([part[2] for part in varies]) if varies else np.empty((len(frame), 0)),
        np.array([part[3] for part in varies], dtype=bool),
        missing,
        tuple(unrecorded),
    )


def _number_columns(column: str, number: Floats) -> Iterator[tuple[str, str, Floats, bool]]:
    unknown = np.isnan(number)
    yield column, column, np.where(unknown, np.nanmean(number), number), True
    if unknown.sum() >= LEAST_LEVEL:
        yield f"{column}/not_recorded", column, unknown.astype(np.float64), True


def _group_columns(column: str, values: pd.Series) -> Iterator[tuple[str, str, Floats, bool]]:
    text = values.astype(object).where(values.notna(), None)
    sizes = text.value_counts()
    common = sorted(sizes.index[sizes >= LEAST_LEVEL], key=lambda level: (-sizes[level], level))
    rest = ~text.isin(common).to_numpy()
    few = 0 < rest.sum() < LEAST_LEVEL
    for place, level in enumerate(common):
        joined = few and place == len(common) - 1
        inside = (text == level).to_numpy() | (rest & joined)
        yield f"{column}/{level}{OR_OTHER if joined else ''}", column, inside.astype(np.float64), place > 0
    if rest.any() and not (few and common):
        yield f"{column}/{OTHER}", column, rest.astype(np.float64), bool(common)


@dataclass(frozen=True, eq=False)
class Arms:
    """The people compared: what was known of each at admission, and the weights that make the two levels alike."""

    protocol: Protocol
    baseline: Baseline
    made: AnswerWeights

    @property
    def treated(self) -> np.ndarray:
        """Who began in the treated level."""
        return self.made.treated

    @property
    def known(self) -> np.ndarray:
        """Whose outcome is known."""
        return self.made.known

    @property
    def weights(self) -> Floats:
        """How much each of them counts; ``nan`` where there are no weights."""
        return self.made.weights

    @property
    def sides(self) -> tuple[tuple[str, np.ndarray], ...]:
        """Each level and who began there."""
        return (self.protocol.treated, self.treated), (self.protocol.control, ~self.treated)


@dataclass(frozen=True)
class Verdict:
    """Whether an adjusted estimate may stand; ``reasons`` say what stands against it, each with what would mend it."""

    reasons: tuple[str, ...]
    largest: float = np.nan
    outside: float = np.nan
    effective: float = np.nan

    @property
    def passes(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons

    @property
    def words(self) -> str:
        """All reasons as one text."""
        return " ".join(self.reasons)


def judge(arms: Arms) -> Verdict:
    """Are people alike after weighting, is there somebody like everybody, and are there enough of them?"""
    if arms.made.reason:
        return Verdict((_no_weights(arms.made.reason),))
    reasons = []
    gaps = _differences(arms, arms.weights)
    worst = int(np.argmax(np.where(np.isnan(gaps), np.inf, np.abs(gaps))))
    largest = float(np.abs(gaps[worst]))
    if not largest < MOST_DIFFERENT:
        name = arms.baseline.labels[worst].replace("/", ": ").replace("_", " ")
        reasons.append(
            f"After weighting the levels still differ in {name} by {largest:.2f} standard deviations (under "
            f"{MOST_DIFFERENT:g} is asked for); overlap weights (ATO), or more people, would mend it."
        )
    overlap = overlap_share(arms.made.propensity, arms.treated)
    outside = {"ATT": overlap.treated_outside, "ATC": overlap.reference_outside}.get(
        arms.protocol.estimand, overlap.outside
    )
    if outside > MOST_OUTSIDE:
        reasons.append(
            f"{outside:.1%} of the people are unlike everyone who went to the other level (at most {MOST_OUTSIDE:.0%} is "
            "asked for); comparing only people who could truly have gone to either would mend it."
        )
    sizes = [(effective_sample_size(arms.weights[own & arms.known]), level) for level, own in arms.sides]
    effective, level = min(sizes)
    if effective < LEAST_EFFECTIVE:
        reasons.append(
            f"After weighting the people in level {level} count for {effective:.0f} (at least {LEAST_EFFECTIVE} is asked "
            f"for); about {np.ceil(10 * LEAST_EFFECTIVE / effective) / 10:.1f} times as many would mend it."
        )
    return Verdict(tuple(reasons), largest, outside, effective)


def _no_weights(reason: str) -> str:
    if reason == NOBODY_ALIKE:
        why = (
            "What was recorded at admission tells wholly who went where, so that nobody alike went to the other level."
        )
        return f"{why} Records in which some people of every kind went either way, or coarser groups, would mend it."
    return f"People cannot be weighted: {reason}. More people, more of them reached, or fewer covariates would mend it."


def _differences(arms: Arms, weights: Floats | None) -> Floats:
    keep = arms.known if weights is not None else np.ones(arms.treated.size, dtype=bool)
    return standardised_differences(
        arms.baseline.matrix[keep],
        arms.treated[keep],
        None if weights is None else weights[keep],
        estimand=arms.protocol.estimand,
    )


def balance_rows(arms: Arms) -> Iterator[Row]:
    """Each covariate before weighting (everyone compared) and after it (who counts in the estimate)."""
    for definition, weights in (("level_balance_before", None), ("level_balance_after", arms.weights)):
        if weights is not None and arms.made.reason:
            continue
        keep = arms.known if weights is not None else np.ones(arms.treated.size, dtype=bool)
        matrix, own = arms.baseline.matrix[keep], arms.treated[keep]
        mass = None if weights is None else weights[keep]
        gaps = _differences(arms, weights)
        ratios, distances = variance_ratios(matrix, own, mass), distribution_distances(matrix, own, mass)
        for place, label in enumerate(arms.baseline.labels):
            column = matrix[:, place]
            binary = bool(np.isin(column, (0, 1)).all())
            cells = [np.sum(column[arm] == side) for arm in (own, ~own) for side in (0, 1)] if binary else []
            shared: Row = {
                "smallest": min((cell for cell in cells if cell), default=None),
                "category": f"{arms.protocol.outcome}/{label}",
                "at": arms.protocol.at,
                "n": int(column.sum()) if binary else len(column),
                "denominator": len(column),
                "people": len(column),
                "n_missing": int(arms.baseline.missing[arms.baseline.sources[place]][keep].sum()),
            }
            yield Group().row(definition, "smd", **shared, **_value(gaps[place]), method="standardised mean difference")
            if not binary:
                yield Group().row(
                    definition, "diagnostic", **shared, **_value(ratios[place]), unit="ratio", method="variance ratio"
                )
            yield Group().row(
                definition,
                "diagnostic",
                **shared,
                **_value(distances[place]),
                unit="distance",
                method="Kolmogorov-Smirnov distance",
            )


def support_rows(arms: Arms, verdict: Verdict) -> Iterator[Row]:
    """How many people count, for how many, how unequal their weights are, and the three limits of the gate."""

    def row(group: Group, category: str, people: np.ndarray, estimand: str = "diagnostic", **columns: Any) -> Row:
        said = {"category": f"{arms.protocol.outcome}/{category}", "at": arms.protocol.at, "people": int(people.sum())}
        return group.row("level_support", estimand, **said, **columns)

    everyone = np.ones(arms.treated.size, dtype=bool)
    yield row(Group(), "compared", everyone, "count", value=everyone.size, n=everyone.size, method="count")
    for group, own in _groups(arms):
        yield row(group, "compared", own, "count", value=int(own.sum()), n=int(own.sum()), method="count")
    if arms.made.reason:
        return
    for group, own in _groups(arms):
        known = own & arms.known
        weights = arms.weights[known]
        yield row(group, "effective", known, value=effective_sample_size(weights), method="Kish", unit="people")
        shares = {"unit": "times the mean weight", "method": "percentile of the weights"}
        for percent, value in zip(PERCENTILES, np.percentile(weights / weights.mean(), PERCENTILES), strict=True):
            yield row(group, f"weight_p{percent:02d}", known, value=value, **shares)
    asked = (
        ("largest_difference", verdict.largest, f"under {MOST_DIFFERENT:g}", "standard deviations"),
        ("outside_support", verdict.outside, f"at most {MOST_OUTSIDE:.0%}", "share"),
        ("least_effective", verdict.effective, f"at least {LEAST_EFFECTIVE}", "people"),
    )
    for category, value, limit, unit in asked:
        yield row(Group(), category, everyone, **_value(value), unit=unit, note=limit)


def chance_rows(arms: Arms) -> Iterator[Row]:
    """The chance of going to the treated level, in ten classes: of each level's people as they are, and weighted."""
    if arms.made.reason:
        return
    place = np.clip(np.digitize(arms.made.propensity, CLASSES) - 1, 0, len(CLASSES) - 2)
    for group, own in _groups(arms):
        counted = arms.weights * own
        for one in range(len(CLASSES) - 1):
            inside = own & (place == one)
            shared: Row = {
                "category": f"{arms.protocol.outcome}/{CLASSES[one]:.1f} to {CLASSES[one + 1]:.1f}",
                "at": arms.protocol.at,
                "n": int(inside.sum()),
                "denominator": int(own.sum()),
                "people": int(own.sum()),
            }
            share = {"value": inside.sum() / own.sum(), "method": "share"}
            yield group.row("level_chance", "proportion", **shared, **share)
            share = {"value": counted[inside].sum() / counted.sum(), "method": f"weighted ({arms.protocol.estimand})"}
            share["residual_df"] = int(arms.known.sum()) - arms.baseline.design().shape[1] - 1
            yield group.row("level_chance_weighted", "adjusted_proportion", **shared, **share)


def _groups(arms: Arms) -> list[tuple[Group, np.ndarray]]:
    return [(Group("level_of_care", level), own) for level, own in arms.sides]


def _value(value: float) -> Row:
    return {"value": float(value)} if np.isfinite(value) else {"status": str(Status.NOT_ESTIMABLE)}
