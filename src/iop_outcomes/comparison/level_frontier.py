"""Which of several levels of care are worth beginning at, and what does one more unit of effect cost along the way?

Two levels are compared in :mod:`iop_outcomes.comparison.cost_effectiveness`; here three or more stand on one frontier. People
are made alike across all of them at once, by overlap weights of a multinomial logistic regression, with the limits of the
same gate. Where they cannot be, each level stands as its people were placed, and there is no frontier.

See docs/definitions/frontier.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from iop_outcomes.cohort import select_cohort
from iop_outcomes.comparison.accounts import read_accounts
from iop_outcomes.comparison.balance import LEAST_EFFECTIVE, MOST_DIFFERENT, MOST_OUTSIDE, Baseline, read_baseline
from iop_outcomes.comparison.cost_effectiveness import EFFECTS
from iop_outcomes.comparison.effectiveness import ADJUST
from iop_outcomes.comparison.frontier_rows import Levels, crude_rows, frontier_rows, refused_rows
from iop_outcomes.comparison.horizon import follow_people
from iop_outcomes.comparison.person_costs import hold_rows, hold_weighted, name_dollars, read_courses
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.case_mix import check_covariates
from iop_outcomes.measures.rows import Row
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import (
    ESTIMANDS_OF_SEVERAL,
    SeveralWeights,
    effective_sample_size,
    joint_means,
    overlap_share,
    several_weights,
    standardised_differences,
)
from iop_outcomes.vocabulary import LevelOfCare, Status

#: Why a level without anybody is refused: no time to wait would mend it.
_NOBODY = "nobody judged able to go to either level began in it: leave the level out"


def assess_frontier(
    records: Records,
    *,
    levels: Sequence[str] = ("1", "2.1", "3.5"),
    outcome: str = "abstinent",
    at: int = 180,
    horizon: int = 365,
    perspective: str = "provider",
    kind: str = "cost",
    price_year: int | None = None,
    index: str = "cpi_u",
    estimand: str = "ATO",
    adjust: Sequence[str] = ADJUST,
    admitted: tuple[str, str] | None = None,
    replicates: int = 1_000,
    seed: int = 1,
) -> Estimates:
    """Of several levels of care, at which could it be best to begin, and what does one more unit of effect cost there?

    ``levels`` are two or more ASAM levels. ``outcome`` is ``"abstinent"`` (at follow-up day ``at``), ``"completed"`` (by day
    ``at``) or ``"known_sober_days"`` (up to it); dollars are those of all care within ``horizon`` days, seen by
    ``perspective`` and ``kind`` of money. First admissions of people judged able to go to either level; that each of more
    than two levels was open to them is assumed, and weights (``estimand`` ``"ATO"`` or ``"ATE"``) make them alike in
    ``adjust``. People not reached, and people not yet followed to the horizon, are stood for as in
    ``assess_cost_effectiveness``. ``replicates`` draws of all means, made with ``seed``, tell how surely a level is on the
    frontier.

    Rows, by level: ``frontier_crude_cost`` and ``frontier_crude_effect`` (as placed, described only); ``frontier_cost``
    (with the level's place in words: on the frontier, dominated, extended dominated; and the share of draws in which
    it is on it) and ``frontier_effect``; ``frontier_price``, each level's cost for each unit of effect and, along
    the frontier, that of one more unit against the level before; ``frontier_support``. A level with fewer than 50 people
    is refused with its reason and the others go on; where people cannot be made alike all are.

    Raises :class:`UsageError` for words it does not know, a horizon below a day, and where the records hold no such
    costs, dates, or reports of use.

    Source: Li and Li (2019), doi:10.1214/19-AOAS1282; Karlsson and Johannesson (1996),
    doi:10.2165/00019053-199609020-00003.
    """
    chosen = _check(levels, outcome, horizon, estimand, replicates)
    cohort = select_cohort(records, level_of_care=chosen, admitted=admitted, episodes="first", rung="admitted")
    columns = check_covariates(cohort, adjust)
    accounts = read_accounts(cohort, perspective, kind, price_year, index)
    dollars = name_dollars(perspective, kind, accounts.price_year)
    followed = follow_people(cohort, outcome, at, horizon, columns)
    settings = {**cohort.settings, "frontier_levels": chosen, "frontier_outcome": outcome, "cost_horizon": horizon}
    settings |= {"perspective": perspective, "cost_kind": kind, "price_year": accounts.price_year, "price_index": index}
    settings |= {"estimand": estimand, "frontier_adjust": columns, "replicates": replicates, "seed": seed}
    answer, people, through = followed.answer, followed.people, followed.seen[:, -1]
    place = people["level_of_care"].map(chosen.index).to_numpy(dtype="int64")
    asked = Levels(chosen, place, outcome, at, dollars, followed.early)
    cost = read_courses(people, accounts, followed.ends).price(accounts.daily)
    known = followed.seen & ~np.isnan(cost) & ~np.isnan(answer)[:, None]
    rows = [*crude_rows(asked, np.where(through, cost.sum(axis=1), np.nan), answer)]
    sizes = np.bincount(place[through], minlength=len(chosen))
    enough = np.flatnonzero(sizes >= LEAST_EFFECTIVE)
    few = f"fewer than {LEAST_EFFECTIVE} people followed to day {max(at, horizon)}: leave the level out, or wait"
    empty = np.bincount(place, minlength=len(chosen)) == 0
    rows += refused_rows(asked, [level for level, none in zip(chosen, empty, strict=True) if none], _NOBODY)
    short = (sizes < LEAST_EFFECTIVE) & ~empty
    rows += refused_rows(asked, [level for level, small in zip(chosen, short, strict=True) if small], few)
    left = [chosen[level] for level in enough]
    if len(left) < 2:
        rows += refused_rows(asked, left, "no other level has enough people to be compared with")
        return Estimates.from_rows(rows, settings)
    keep = np.isin(place, enough)
    early = int((~through[keep]).sum())
    asked = Levels(tuple(left), np.searchsorted(enough, place[keep]), outcome, at, dollars, early)
    baseline = read_baseline(people[keep].reset_index(drop=True), columns)
    settings["not_recorded"] = baseline.unrecorded
    parts = [several_weights(part, asked.place, baseline.design(), estimand) for part in known[keep].T]
    rows += _support_rows(asked, baseline, parts[-1], through[keep])
    reason = next((why for made in reversed(parts) if (why := _refusal(asked, baseline, made))), "")
    if reason:
        return Estimates.from_rows([*rows, *refused_rows(asked, left, reason)], settings)
    both, first = joint_means(parts, asked.groups, cost[keep], answer[keep]), parts[0]
    held = {level: hold_weighted(parts, own, cost[keep]) for level, own in zip(left, asked.groups, strict=True)}
    spare = int(first.known.sum()) - (len(left) - 1) * (baseline.design().shape[1] + 1)
    made = frontier_rows(asked, both, answer[keep], first.known, replicates, seed)
    rows += [{**row, "residual_df": spare} for row in hold_rows(made, held)]
    return Estimates.from_rows(rows, settings)


def _check(levels: Sequence[str], outcome: str, horizon: int, estimand: str, replicates: int) -> tuple[str, ...]:
    """The levels, each once; refuses what cannot be asked."""
    chosen = tuple(dict.fromkeys(levels))
    if len(chosen) < 2 or not set(chosen) <= set(LevelOfCare.codes()) or isinstance(levels, str):
        raise UsageError(f"levels are two or more different levels of care: {', '.join(LevelOfCare.codes())}")
    if outcome not in EFFECTS:
        raise UsageError(f"outcome is one of {', '.join(EFFECTS)}")
    if estimand not in ESTIMANDS_OF_SEVERAL:
        raise UsageError(f"estimand is one of {', '.join(ESTIMANDS_OF_SEVERAL)}")
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise UsageError("horizon is a whole number of days, 1 or more")
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 2:
        raise UsageError("replicates is a whole number, 2 or more")
    return chosen


def _measure_support(asked: Levels, baseline: Baseline, made: SeveralWeights) -> dict[str, tuple[float, str, str]]:
    """How unlike the two most unlike levels are after weighting, who is outside common support, who counts for how many.

    Each with its unit and its limit in words.
    """
    known, weights = made.known, made.weights
    largest = 0.0
    for one, other in combinations(range(len(asked.names)), 2):
        pair = known & ((asked.place == one) | (asked.place == other))
        gaps = standardised_differences(baseline.matrix[pair], asked.place[pair] == one, weights[pair])
        largest = max(largest, float(np.where(np.isnan(gaps), np.inf, np.abs(gaps)).max(initial=0)))
    outside = max(overlap_share(made.propensity[:, place], own).outside for place, own in enumerate(asked.groups))
    found = {
        "largest_difference": (largest, "standard deviations", f"under {MOST_DIFFERENT:g}"),
        "outside_support": (outside, "share", f"at most {MOST_OUTSIDE:.0%}"),
    }
    for level, own in zip(asked.names, asked.groups, strict=True):
        size = effective_sample_size(weights[own & known])
        found[f"effective/{level}"] = (size, "people", f"at least {LEAST_EFFECTIVE}")
    return found


def _refusal(asked: Levels, baseline: Baseline, made: SeveralWeights) -> str:
    """Why no frontier may stand on these weights; nothing where it may."""
    if made.reason:
        return f"People cannot be weighted: {made.reason}. More people, or fewer covariates, would mend it."
    found = _measure_support(asked, baseline, made)
    reasons = []
    (largest, *_), (outside, *_) = found["largest_difference"], found["outside_support"]
    if not largest < MOST_DIFFERENT:
        reasons.append(
            f"After weighting two levels still differ by {largest:.2f} standard deviations in one covariate."
        )
    if outside > MOST_OUTSIDE:
        reasons.append(f"{outside:.1%} of the people are unlike everyone who went to another level.")
    for level in asked.names:
        size = found[f"effective/{level}"][0]
        if size < LEAST_EFFECTIVE:
            reasons.append(f"After weighting the people in level {level} count for {size:.0f}.")
    return " ".join([*reasons, "Fewer levels, or more people, would mend it."]) if reasons else ""


def _support_rows(asked: Levels, baseline: Baseline, made: SeveralWeights, through: np.ndarray) -> Iterator[Row]:
    """How many people of each level are compared, how many of them followed to the horizon, and the limits of the gate."""
    for level, own in zip(asked.names, asked.groups, strict=True):
        for category, size in (("compared", int(own.sum())), ("followed", int((own & through).sum()))):
            yield asked.row("frontier_support", "count", level, category, value=size, n=size, method="count")
    if made.reason:
        return
    for category, (value, unit, limit) in _measure_support(asked, baseline, made).items():
        name, _, level = category.partition("/")
        columns: Row = {"value": value} if np.isfinite(value) else {"status": str(Status.NOT_ESTIMABLE)}
        yield asked.row("frontier_support", "diagnostic", level, name, unit=unit, note=limit, **columns)
