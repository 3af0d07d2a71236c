"""Rows of a cost-effectiveness analysis: the words and increments first, and only then prices, curves and scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from iop_outcomes.comparison.estimation import ASSUMED
from iop_outcomes.comparison.person_costs import hold_most, hold_rows, hold_weighted
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
    followed_increment,
    followed_weights,
    net_monetary_benefit,
    weighted_increment,
)
from iop_outcomes.statistics.fieller import INTERVAL, OUTSIDE, FiellerSet, fieller_interval
from iop_outcomes.statistics.intervals import Floats, normal_quantile
from iop_outcomes.vocabulary import DesignWord, Status

_LEVEL = 0.95
_Z = normal_quantile(_LEVEL)
_SIMULATED = "{:,} draws of the four means, limits hold their Monte-Carlo error only"
_JOINT = "weighted means of cost and effect together, stacked estimating equations, normal"
#: How whoever is not yet followed to the horizon is stood for, and what that rests on.
_FOLLOWED = (
    "what is not yet seen stood for by people alike who were followed so far, part by part of the horizon (holds if it does "
    "not matter when people alike were admitted)"
)


@dataclass(frozen=True, eq=False)
class Question:
    """What every row says: the protocol, who began in the treated level, ``unit`` of effect, its ``kind``, whose dollars.

    ``early`` counts those of them who are not yet followed to the horizon.
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

    @property
    def method(self) -> str:
        """How means and their errors are made, and, where somebody is early, what that rests on."""
        return say_method(self.early)

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
    """People with their dollars in each part of the horizon (``cost``, n × parts) and their ``effect``, and how each counts.

    ``seen`` (n × parts) says who was followed through a part; ``nan`` stands where dollars or an effect are unknown. ``made``
    are the weights of each part that make the levels alike and let people who are known stand for those who are not.
    """

    question: Question
    seen: np.ndarray
    made: tuple[AnswerWeights, ...]
    cost: Floats
    effect: Floats

    @cached_property
    def found(self) -> Increment:
        """The increments with their joint covariance."""
        return followed_increment(self.made, self.cost, self.effect)

    @property
    def price(self) -> BreakEven:
        """The break-even price and the words before it."""
        return break_even_price(self.found.cost, self.found.effect, covariance=self.found.covariance)

    @property
    def whole(self) -> Floats:
        """Dollars up to the horizon, of people followed to it."""
        return np.where(self.seen[:, -1], self.cost.sum(axis=1), np.nan)

    @property
    def held(self) -> dict[str, float]:
        """How much of each level's weighted dollars the two people with most hold, at most."""
        return {level: hold_weighted(self.made, own, self.cost) for level, own in self.question.sides}

    @property
    def residual_df(self) -> int:
        """How many more people than terms the model of placement has."""
        return int(self.made[0].known.sum()) - self.made[0].design[0].shape[1]

    def means_of(self, part: Floats) -> Floats:
        """Both levels' mean of a component of the cost (n × parts), by the same weights."""
        return replace(self, cost=part).found.arms[:, 0]


def weigh_people(
    question: Question, design: Floats, seen: np.ndarray, cost: Floats, effect: Floats, like: Sequence[Weighed] = ()
) -> Weighed:
    """Who is known in each part of the horizon, and how much each counts; as in one of ``like`` where the same people are."""
    known = seen & ~np.isnan(cost) & ~np.isnan(effect)[:, None]
    for other in like:
        if all((part.known == own).all() for part, own in zip(other.made, known.T, strict=True)):
            return Weighed(question, seen, other.made, cost, effect)
    made = followed_weights(known, question.treated, design, question.protocol.estimand)
    return Weighed(question, seen, made, cost, effect)


def say_early(early: int) -> str:
    """That not everybody is followed to the horizon yet, as the end of a note; nothing where everybody is."""
    return "; people not yet followed to the horizon are stood for by people like them" if early else ""


def say_method(early: int) -> str:
    """How joint means are made; and, where ``early`` people are not yet followed to the horizon, what that rests on."""
    return f"{_JOINT}; {_FOLLOWED}" if early else _JOINT


def crude_rows(question: Question, cost: Floats, effect: Floats) -> Iterator[Row]:
    """Each level as placed, and the differences: what a plain table would show, of people with both known.

    ``cost`` is known of people followed to the horizon only.
    """
    known = ~np.isnan(cost) & ~np.isnan(effect)
    own = question.treated[known]
    if min(own.sum(), (~own).sum()) < 2:
        return
    found = weighted_increment(cost[known], effect[known], own)
    held = {level: hold_most(cost[side & known]) for level, side in question.sides}
    for row in hold_rows(_pairs(question, found, effect, known, "crude_cost", "crude_effect"), held):
        word = DesignWord.ASSOCIATED if row["estimand"] == "difference" else DesignWord.DESCRIBED
        told = {"status": "not_estimable", "note": found.reason, "value": None} if found.reason else {}
        yield {**row, "method": "means as placed, normal", "design_word": str(word), **told}


def increment_rows(weighed: Weighed) -> Iterator[Row]:
    """Each level made alike and the differences, with where they lie on the plane in words."""
    found, question = weighed.found, weighed.question
    note = f"{weighed.price.words}; {ASSUMED}{say_early(question.early)}"
    known = weighed.made[0].known
    for row in _pairs(question, found, weighed.effect, known, "increment_cost", "increment_effect"):
        yield {**row, "residual_df": weighed.residual_df} | ({"note": note} if row["estimand"] == "difference" else {})
    spread = np.sqrt(np.diag(found.covariance))
    together = {"value": float(found.covariance[0, 1] / spread.prod())} if spread.all() else _NOTHING
    yield question.row("increment_cost", "diagnostic", unit="correlation", method=question.method, **together)


def decision_rows(weighed: Weighed, prices: Sequence[float], replicates: int, seed: int) -> Iterator[Row]:
    """Where the increments may lie, the price at which they break even, and what follows at each price."""
    found, question = weighed.found, weighed.question
    costs, effects = draw_means(found.arms, found.arms_covariance, replicates, seed)
    plane = cost_effect_plane(costs[:, 0] - costs[:, 1], effects[:, 0] - effects[:, 1])
    for quadrant, share, error in zip(plane.quadrants, plane.share, plane.std_error, strict=True):
        if quadrant != "same":
            here = "the estimate lies here" if quadrant == weighed.price.quadrant else None
            columns: Row = {"unit": "share", "note": here, "reference": None, "group": ALL}
            columns |= simulated_columns(share, error, plane.draws)
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
            columns = {"unit": "share", "note": best, **size, **simulated_columns(share, error, replicates)}
            yield question.row("net_benefit", "diagnostic", level=level, suffix=at, **columns)
            loss, error = likely.expected_loss[place, side], likely.loss_error[place, side]
            columns = {**size, **normal_columns(loss, error**2, "", least=0.0), "method": _SIMULATED.format(replicates)}
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
        columns = normal_columns(value, found.covariance[place, place], question.kind if place else "")
        columns |= {"unit": unit, "method": question.method}
        yield question.row("increment_scenario", "difference", suffix=name, **columns)
    yield _price_row(weighed, "increment_scenario", name)


def cost_rows(question: Question, definition: str, suffix: str, means: Floats) -> Iterator[Row]:
    """Both levels' mean cost under another assumption, without limits: what the difference beside them is made of."""
    for (level, own), mean in zip(question.sides, means, strict=True):
        size: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
        yield question.row(
            definition, "mean", level=level, suffix=suffix, value=float(mean), method="weighted mean", **size
        )


def followed_rows(question: Question, through: np.ndarray) -> Iterator[Row]:
    """How many of each level's people are followed to the horizon (``through``), where not everybody is."""
    if not question.early:
        return
    for level, own in question.sides:
        size = int((own & through).sum())
        said: Row = {"category": f"cost_and_{question.protocol.outcome}/followed", "at": question.protocol.at}
        said |= {"value": size, "n": size, "people": size, "method": "count"}
        yield Group("level_of_care", level).row("level_support", "count", **said)


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
            columns = {**base, **normal_columns(found.arms[side, place], variance, kind, least=0.0), "unit": unit}
            columns["method"] = question.method
            yield question.row(definition, _estimand(definition, question), level=level, **columns)
        columns = normal_columns((found.cost, found.effect)[place], found.covariance[place, place], kind)
        size = int(known.sum())
        columns |= {"unit": unit, "denominator": size, "people": size, "n_missing": int((~known).sum())}
        columns["method"] = question.method
        yield question.row(definition, "difference", **columns)


def _estimand(definition: str, question: Question) -> str:
    if definition.endswith("cost") or question.kind != "share":
        return "mean"
    return "proportion" if definition.startswith("crude") else "adjusted_proportion"


def normal_columns(value: float, variance: float, kind: str, least: float = -np.inf) -> Row:
    """A normal interval; shares and their differences stop at 1, and what cannot be below 0 at 0."""
    reach, most = _Z * np.sqrt(variance), 1.0 if kind == "share" else np.inf
    low, high = np.clip([value - reach, value + reach], max(least, -most), most)
    return {"value": value, "ci_low": low, "ci_high": high, "conf_level": _LEVEL, "method": _JOINT}


def simulated_columns(share: float, error: float, draws: int) -> Row:
    """A share of draws; its limits hold the Monte-Carlo error only."""
    low, high = np.clip([share - _Z * error, share + _Z * error], 0, 1)
    limits = {"value": float(share), "ci_low": low, "ci_high": high, "conf_level": _LEVEL}
    return {**limits, "method": _SIMULATED.format(draws)}


def draw_means(means: Floats, covariance: Floats, replicates: int, seed: int) -> tuple[Floats, Floats]:
    """Draws (B × G) of the mean costs and of the mean effects of G levels, from their joint normal distribution.

    ``means`` (G × 2) has a line for each level, cost first; ``covariance`` is that of the lines one after another.
    """
    spread = np.sqrt(np.diag(covariance))
    names = [str(place) for place in range(spread.size)]
    margins = {name: Margin("normal", *pair) for name, *pair in zip(names, means.ravel(), spread, strict=True)}
    together = {
        (names[i], names[j]): float(np.clip(covariance[i, j] / (spread[i] * spread[j]), -1, 1))
        for i in range(spread.size)
        for j in range(i)
        if spread[i] and spread[j]
    }
    drawn = draw_inputs(margins, correlation=together, draws=replicates, seed=seed)
    columns = [drawn[name] for name in names]
    return np.column_stack(columns[::2]), np.column_stack(columns[1::2])


def price_columns(limits: FiellerSet) -> Row:
    """A cost for each one, with its limits where Fieller's set is an interval."""
    columns: Row = {"value": limits.value} if np.isfinite(limits.value) else dict(_NOTHING)
    if limits.shape == INTERVAL and np.isfinite(limits.value):
        columns |= {"ci_low": limits.low, "ci_high": limits.high, "conf_level": limits.conf_level}
    return {**columns, "method": limits.method}


def _price_rows(weighed: Weighed) -> Iterator[Row]:
    """The price at which each level alone would break even against nothing, and the one against the other."""
    found, question = weighed.found, weighed.question
    for side, (level, own) in enumerate(question.sides):
        block = found.arms_covariance[2 * side : 2 * side + 2, 2 * side : 2 * side + 2]
        cost, effect = found.arms[side].tolist()
        size: Row = dict.fromkeys(("n", "denominator", "people"), int(own.sum()))
        columns: Row = {"unit": f"{question.dollars}, for each {question.unit}", **size}
        columns |= price_columns(fieller_interval(cost, effect, block))
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
