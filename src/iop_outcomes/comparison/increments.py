"""Rows of a cost-effectiveness analysis: the words and increments first, and only then prices, curves and scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from iop_outcomes.comparison.estimation import ASSUMED
from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.estimates import ALL
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.statistics import (
    AnswerWeights,
    BreakEven,
    Increment,
    Margin,
    acceptability,
    break_even_price,
    cost_effect_plane,
    draw_inputs,
    expected_value_of_information,
    net_monetary_benefit,
    weighted_increment,
)
from iop_outcomes.statistics.fieller import INTERVAL, OUTSIDE, fieller_interval
from iop_outcomes.statistics.intervals import Floats, normal_quantile
from iop_outcomes.vocabulary import DesignWord, Status

_LEVEL = 0.95
_Z = normal_quantile(_LEVEL)
_SIMULATED = "{:,} draws of the four means, limits hold their Monte-Carlo error only"
_JOINT = "weighted means of cost and effect together, stacked estimating equations, normal"


@dataclass(frozen=True, eq=False)
class Question:
    """What every row says: the protocol, who began in the treated level, ``unit`` of effect, its ``kind``, whose dollars.

    ``early`` counts people who could have gone to either level and are not yet followed long enough.
    """

    protocol: Protocol
    treated: np.ndarray
    unit: str
    kind: str
    dollars: str
    early: int

    @property
    def sides(self) -> tuple[tuple[str, np.ndarray], ...]:
        """Each level and who began there, the treated first."""
        return (self.protocol.treated, self.treated), (self.protocol.control, ~self.treated)

    def row(self, definition: str, estimand: str, *, level: str = "", suffix: str = "", **columns: Any) -> Row:
        """A row of both levels together, or of one; dollars unless another unit is given."""
        protocol, size = self.protocol, int(self.treated.size)
        category = f"{protocol.outcome}/{suffix}" if suffix else protocol.outcome
        both = {} if level else {"reference": protocol.control}
        said: Row = {"category": category, "at": protocol.at, "unit": self.dollars, "denominator": size, "people": size}
        group = Group("level_of_care", level or protocol.treated)
        return {**group.row(definition, estimand, **said, **both), **columns}


@dataclass(frozen=True, eq=False)
class Weighed:
    """People with their dollars (``cost``) and ``effect``, ``nan`` where unknown, and the weights that make levels alike."""

    question: Question
    made: AnswerWeights
    cost: Floats
    effect: Floats

    @cached_property
    def found(self) -> Increment:
        """The increments with their joint covariance; as ``weighted_increment``, with people not reached stood for."""
        made = self.made
        if made.reason:
            blank = np.full((4, 4), np.nan)
            return Increment(np.nan, np.nan, blank[:2, :2], blank[:2, :2], blank, made.treated.size, made.reason)
        values = np.where(made.known[:, None], np.column_stack([self.cost, self.effect]), 0.0)
        means, pulls = [], []
        for arm in (made.treated, ~made.treated):
            mass = arm * made.weights / (arm @ made.weights)
            means.append(mass @ values)
            pulls += [made.carry(mass * (values[:, place] - means[-1][place])) for place in (0, 1)]
        pull = np.column_stack(pulls)
        gap = pull[:, :2] - pull[:, 2:]
        cost, effect = means[0] - means[1]
        return Increment(float(cost), float(effect), gap.T @ gap, np.array(means), pull.T @ pull, made.treated.size, "")

    @property
    def price(self) -> BreakEven:
        """The break-even price and the words before it."""
        return break_even_price(self.found.cost, self.found.effect, covariance=self.found.covariance)

    def means_of(self, part: Floats) -> Floats:
        """Both levels' mean of a part of the cost, by the same weights."""
        return Weighed(self.question, self.made, part, self.effect).found.arms[:, 0]


def crude_rows(question: Question, cost: Floats, effect: Floats) -> Iterator[Row]:
    """Each level as placed, and the differences: what a plain table would show, of people with both known."""
    known = ~np.isnan(cost) & ~np.isnan(effect)
    own = question.treated[known]
    if min(own.sum(), (~own).sum()) < 2:
        return
    found = weighted_increment(cost[known], effect[known], own)
    for row in _pairs(question, found, effect, known, "crude_cost", "crude_effect"):
        word = DesignWord.ASSOCIATED if row["estimand"] == "difference" else DesignWord.DESCRIBED
        told = {"status": "not_estimable", "note": found.reason, "value": None} if found.reason else {}
        yield {**row, "method": "means as placed, normal", "design_word": str(word), **told}


def increment_rows(weighed: Weighed) -> Iterator[Row]:
    """Each level made alike and the differences, with where they lie on the plane in words."""
    found, question = weighed.found, weighed.question
    note = f"{weighed.price.words}; {ASSUMED}"
    if question.early:
        note += f"; {question.early} more people are not yet followed long enough"
    for row in _pairs(question, found, weighed.effect, weighed.made.known, "increment_cost", "increment_effect"):
        yield {**row, "note": note} if row["estimand"] == "difference" else row
    spread = np.sqrt(np.diag(found.covariance))
    together = {"value": float(found.covariance[0, 1] / spread.prod())} if spread.all() else _NOTHING
    yield question.row("increment_cost", "diagnostic", unit="correlation", method=_JOINT, **together)


def decision_rows(weighed: Weighed, prices: Sequence[float], replicates: int, seed: int) -> Iterator[Row]:
    """Where the increments may lie, the price at which they break even, and what follows at each price."""
    found, question = weighed.found, weighed.question
    costs, effects = _draw(found, replicates, seed)
    plane = cost_effect_plane(costs[:, 0] - costs[:, 1], effects[:, 0] - effects[:, 1])
    for quadrant, share, error in zip(plane.quadrants, plane.share, plane.std_error, strict=True):
        if quadrant != "same":
            here = "the estimate lies here" if quadrant == weighed.price.quadrant else None
            columns: Row = {"unit": "share", "note": here, "reference": None, "group": ALL}
            columns |= _simulated(share, error, plane.draws)
            yield question.row("increment_cost", "diagnostic", suffix=quadrant, **columns)
    yield from _price_rows(weighed)
    likely = acceptability(costs, effects, prices)
    worth = expected_value_of_information(costs, effects, prices)
    for place, price in enumerate(prices):
        at = f"{price:.15g}"
        yield from _benefit_rows(weighed, price, at)
        for side, (level, own) in enumerate(question.sides):
            size: Row = dict.fromkeys(("denominator", "people"), int(own.sum()))
            share, error = likely.probability[place, side], likely.probability_error[place, side]
            best = "highest net benefit on average" if likely.best[place] == side else None
            columns = {"unit": "share", "note": best, **size, **_simulated(share, error, replicates)}
            yield question.row("net_benefit", "diagnostic", level=level, suffix=at, **columns)
            loss, error = likely.expected_loss[place, side], likely.loss_error[place, side]
            columns = {**size, **_normal(loss, error**2, "", least=0.0), "method": _SIMULATED.format(replicates)}
            yield question.row("information_value", "mean", level=level, suffix=at, **columns)
        limits = (np.asarray(part, float)[place] for part in (worth.value, worth.low, worth.high))
        columns = dict(zip(("value", "ci_low", "ci_high"), limits, strict=True))
        columns |= {"conf_level": _LEVEL, "method": worth.method}
        yield question.row("information_value", "diagnostic", suffix=at, **columns)


def _benefit_rows(weighed: Weighed, price: float, at: str) -> Iterator[Row]:
    """What each level's effect is worth at a price, less its cost, and the difference."""
    found, question = weighed.found, weighed.question
    for side, (level, own) in enumerate(question.sides):
        block = found.arms_covariance[2 * side : 2 * side + 2, 2 * side : 2 * side + 2]
        cost, effect = found.arms[side].tolist()
        made = net_monetary_benefit(cost, effect, price, covariance=block)
        size: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
        yield question.row("net_benefit", "mean", level=level, suffix=at, **size, **interval_columns(made))
    made = net_monetary_benefit(found.cost, found.effect, price, covariance=found.covariance)
    yield question.row("net_benefit", "difference", suffix=at, **interval_columns(made))


def scenario_rows(weighed: Weighed, name: str) -> Iterator[Row]:
    """The increments and the break-even price under another assumption."""
    found, question = weighed.found, weighed.question
    if found.reason:
        yield question.row("increment_scenario", "difference", suffix=name, **{**_NOTHING, "note": found.reason})
        return
    yield from cost_rows(question, "increment_scenario", name, found.arms[:, 0])
    for place, unit in enumerate((question.dollars, question.kind)):
        value = (found.cost, found.effect)[place]
        columns = _normal(value, found.covariance[place, place], question.kind if place else "")
        yield question.row("increment_scenario", "difference", suffix=name, **{**columns, "unit": unit})
    yield _price_row(weighed, "increment_scenario", name)


def cost_rows(question: Question, definition: str, suffix: str, means: Floats) -> Iterator[Row]:
    """Both levels' mean cost under another assumption, without limits: what the difference beside them is made of."""
    for (level, own), mean in zip(question.sides, means, strict=True):
        size: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
        yield question.row(
            definition, "mean", level=level, suffix=suffix, value=float(mean), method="weighted mean", **size
        )


def refused_rows(question: Question, reason: str) -> Iterator[Row]:
    """The increments without a value, and why."""
    columns: Row = {"status": str(Status.NOT_ESTIMABLE), "note": reason}
    for definition, unit in (("increment_cost", question.dollars), ("increment_effect", question.kind)):
        for level, own in question.sides:
            size: Row = dict.fromkeys(("denominator", "people"), int(own.sum()))
            yield question.row(definition, _estimand(definition, question), level=level, unit=unit, **size, **columns)
        yield question.row(definition, "difference", unit=unit, **columns)


_NOTHING: Row = {"status": str(Status.NOT_ESTIMABLE)}


def _pairs(
    question: Question, found: Increment, effect: Floats, known: np.ndarray, costs: str, effects: str
) -> Iterator[Row]:
    """Both levels and the difference, of cost and of effect."""
    for place, (definition, unit) in enumerate(((costs, question.dollars), (effects, question.kind))):
        kind = question.kind if place else ""
        for side, (level, own) in enumerate(question.sides):
            counted = int(np.nansum(effect[own & known])) if kind == "share" else int((own & known).sum())
            size = int((own & known).sum())
            base = {"n": counted, "denominator": size, "people": size, "n_missing": int((own & ~known).sum())}
            variance = found.arms_covariance[2 * side + place, 2 * side + place]
            columns = {**base, **_normal(found.arms[side, place], variance, kind, least=0.0), "unit": unit}
            yield question.row(definition, _estimand(definition, question), level=level, **columns)
        columns = _normal((found.cost, found.effect)[place], found.covariance[place, place], kind)
        size = int(known.sum())
        columns |= {"unit": unit, "denominator": size, "people": size, "n_missing": int((~known).sum())}
        yield question.row(definition, "difference", **columns)


def _estimand(definition: str, question: Question) -> str:
    if definition.endswith("cost") or question.kind != "share":
        return "mean"
    return "proportion" if definition.startswith("crude") else "adjusted_proportion"


def _normal(value: float, variance: float, kind: str, least: float = -np.inf) -> Row:
    """A normal interval; shares and their differences stop at 1, and what cannot be below 0 at 0."""
    reach, most = _Z * np.sqrt(variance), 1.0 if kind == "share" else np.inf
    low, high = np.clip([value - reach, value + reach], max(least, -most), most)
    return {"value": value, "ci_low": low, "ci_high": high, "conf_level": _LEVEL, "method": _JOINT}


def _simulated(share: float, error: float, draws: int) -> Row:
    """A share of draws; its limits hold the Monte-Carlo error only."""
    low, high = np.clip([share - _Z * error, share + _Z * error], 0, 1)
    limits = {"value": float(share), "ci_low": low, "ci_high": high, "conf_level": _LEVEL}
    return {**limits, "method": _SIMULATED.format(draws)}


def _draw(found: Increment, replicates: int, seed: int) -> tuple[Floats, Floats]:
    """Draws (B × 2) of the costs and of the effects, treated first, from their joint normal distribution."""
    spread = np.sqrt(np.diag(found.arms_covariance))
    means = found.arms.ravel()
    names = ("treated cost", "treated effect", "control cost", "control effect")
    margins = {name: Margin("normal", *pair) for name, *pair in zip(names, means, spread, strict=True)}
    together = {
        (names[i], names[j]): float(np.clip(found.arms_covariance[i, j] / (spread[i] * spread[j]), -1, 1))
        for i in range(4)
        for j in range(i)
        if spread[i] and spread[j]
    }
    drawn = draw_inputs(margins, correlation=together, draws=replicates, seed=seed)
    columns = [drawn[name] for name in names]
    return np.column_stack(columns[::2]), np.column_stack(columns[1::2])


def _price_rows(weighed: Weighed) -> Iterator[Row]:
    """The price at which each level alone would break even against nothing, and the one against the other."""
    found, question = weighed.found, weighed.question
    for side, (level, own) in enumerate(question.sides):
        block = found.arms_covariance[2 * side : 2 * side + 2, 2 * side : 2 * side + 2]
        cost, effect = found.arms[side].tolist()
        made = fieller_interval(cost, effect, block)
        size: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
        columns: Row = {"unit": f"{question.dollars}, for each {question.unit}", "method": made.method, **size}
        columns |= {"value": made.value} if np.isfinite(made.value) else _NOTHING
        if made.shape == INTERVAL and np.isfinite(made.value):
            columns |= {"ci_low": made.low, "ci_high": made.high, "conf_level": made.conf_level}
        yield question.row(
            "break_even_price", "ratio", level=level, note="cost for each one, against nothing", **columns
        )
    yield _price_row(weighed, "break_even_price", "")


def _price_row(weighed: Weighed, definition: str, suffix: str) -> Row:
    """The break-even price with Fieller's set; in words where the set is no interval, or there is no price."""
    price, question = weighed.price, weighed.question
    limits = price.limits
    assert limits is not None  # a covariance was given
    columns: Row = {"unit": f"{question.dollars}, for each {question.unit}", "method": limits.method}
    words = price.words
    if price.quadrant in ("more_for_more", "less_for_less"):
        side = "from this price on" if price.quadrant == "more_for_more" else "up to this price"
        columns["value"] = price.price
        words += f": preferred {side}"
        if limits.shape == INTERVAL:
            columns |= {"ci_low": limits.low, "ci_high": limits.high, "conf_level": limits.conf_level}
    else:
        columns["status"] = str(Status.NOT_ESTIMABLE)
        always = {"dominant": "preferred at any price", "dominated": "preferred at no price"}
        words += f": {always.get(price.quadrant, 'no difference')}, so there is no price to name"
    if limits.shape == OUTSIDE:
        words += f"; the data allow prices up to {limits.low:,.0f} and from {limits.high:,.0f} on"
    elif limits.shape != INTERVAL:
        words += "; the data allow every price"
    columns["note"] = words
    return question.row(definition, "tipping_point", suffix=suffix, **columns)
