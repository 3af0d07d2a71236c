"""Rows of a frontier of several levels: as placed, made alike with each level's place in words, and the prices along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iop_outcomes.comparison.cost_effectiveness import EFFECTS
from iop_outcomes.comparison.estimation import ASSUMED
from iop_outcomes.comparison.increments import (
    draw_means,
    normal_columns,
    price_columns,
    say_early,
    say_method,
    simulated_columns,
)
from iop_outcomes.comparison.person_costs import hold_most
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.statistics import (
    Frontier,
    JointMeans,
    clustered_mean,
    efficiency_frontier,
    fieller_interval,
    wilson,
)
from iop_outcomes.statistics.frontier import DOMINATED, ON_FRONTIER
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import Status


@dataclass(frozen=True, eq=False)
class Levels:
    """What every row says: the levels, who began at each (``place``), the outcome, its day, whose dollars.

    ``early`` counts people not yet followed to the horizon.
    """

    names: tuple[str, ...]
    place: np.ndarray
    outcome: str
    at: int
    dollars: str
    early: int

    @property
    def unit(self) -> str:
        """What one unit of effect is called."""
        return EFFECTS[self.outcome][0]

    @property
    def kind(self) -> str:
        """Whether the effect is a share or days."""
        return EFFECTS[self.outcome][1]

    @property
    def groups(self) -> list[np.ndarray]:
        """Who began at each level."""
        return [self.place == place for place in range(len(self.names))]

    def row(self, definition: str, estimand: str, level: str = "", suffix: str = "", **columns: Any) -> Row:
        """A row of one level, or of all of them; it rests on the level's people."""
        own = self.place == self.names.index(level) if level in self.names else self.place >= 0
        category = f"{self.outcome}/{suffix}" if suffix else self.outcome
        said: Row = {"category": category, "at": self.at, "denominator": int(own.sum()), "people": int(own.sum())}
        return Group("level_of_care", level or "all").row(definition, estimand, **{**said, **columns})


def crude_rows(asked: Levels, cost: Floats, effect: Floats) -> Iterator[Row]:
    """Each level as its people were placed: of those followed to the horizon, with cost and outcome known."""
    for level, own in zip(asked.names, asked.groups, strict=True):
        known = own & ~np.isnan(cost) & ~np.isnan(effect)
        size = int(known.sum())
        base = {
            "denominator": size,
            "people": size,
            "n_missing": int(own.sum()) - size,
            "note": "levels not made alike",
        }
        mean = clustered_mean(cost[known], np.arange(size))
        columns = {
            **base,
            "n": size,
            "unit": asked.dollars,
            **interval_columns(mean),
            "top_two": hold_most(cost[known]),
        }
        yield asked.row("frontier_crude_cost", "mean", level, **columns)
        if asked.kind == "share":
            done = int(effect[known].sum())
            columns = {**base, "n": done, "unit": "share", **interval_columns(wilson(done, size))}
            yield asked.row("frontier_crude_effect", "proportion", level, **columns)
        else:
            mean = clustered_mean(effect[known], np.arange(size))
            columns = {**base, "n": size, "unit": asked.kind, **interval_columns(mean)}
            yield asked.row("frontier_crude_effect", "mean", level, **columns)


def frontier_rows(
    asked: Levels, both: JointMeans, effect: Floats, known: np.ndarray, replicates: int, seed: int
) -> Iterator[Row]:
    """Each level's mean cost and effect with its place on the frontier, how surely it is there, and the prices along it."""
    covariance = both.covariance
    made = efficiency_frontier(both.means[:, 0], both.means[:, 1], asked.names)
    costs, effects = draw_means(both.means, covariance, replicates, seed)
    on = np.array(
        [
            [status == ON_FRONTIER for status in efficiency_frontier(*draw, asked.names).status]
            for draw in zip(costs, effects, strict=True)
        ]
    )
    note = f"{ASSUMED}, and if people could have gone to each of these levels{say_early(asked.early)}"
    for place, (level, own) in enumerate(zip(asked.names, asked.groups, strict=True)):
        size = int((own & known).sum())
        counts: Row = {"denominator": size, "people": size, "n_missing": int(own.sum()) - size}
        events = int(effect[own & known].sum()) if asked.kind == "share" else size
        for side, (definition, unit) in enumerate((("frontier_cost", asked.dollars), ("frontier_effect", asked.kind))):
            kind = asked.kind if side else ""
            where = 2 * place + side
            columns = normal_columns(both.means[place, side], covariance[where, where], kind, least=0.0)
            columns["method"] = f"{say_method(asked.early)}; alike by multinomial logistic regression"
            estimand = "adjusted_proportion" if kind == "share" else "mean"
            said = f"{_say_place(made, place)}; {note}"
            columns |= {**counts, "n": events if side else size, "unit": unit, "note": said}
            yield asked.row(definition, estimand, level, **columns)
        share = float(on[:, place].mean())
        error = float(np.sqrt(share * (1 - share) / replicates))
        columns = {
            "unit": "share",
            "note": "how often it is on the frontier",
            **simulated_columns(share, error, replicates),
        }
        yield asked.row("frontier_cost", "diagnostic", level, "on_frontier", **columns)
    yield from _price_rows(asked, both, made)


def _price_rows(asked: Levels, both: JointMeans, made: Frontier) -> Iterator[Row]:
    """Each level's cost for each unit of effect and, along the frontier, that of one more unit, by Fieller."""
    covariance, unit = both.covariance, f"{asked.dollars}, for each {asked.unit}"
    for place, level in enumerate(asked.names):
        block = covariance[2 * place : 2 * place + 2, 2 * place : 2 * place + 2]
        mean_cost, mean_effect = both.means[place].tolist()
        columns = price_columns(fieller_interval(mean_cost, mean_effect, block))
        yield asked.row("frontier_price", "ratio", level, unit=unit, note="against nothing", **columns)
    for before, after in zip(made.order, made.order[1:], strict=False):
        pull = both.pull[:, 2 * after : 2 * after + 2] - both.pull[:, 2 * before : 2 * before + 2]
        more_cost, more_effect = (both.means[after] - both.means[before]).tolist()
        columns = price_columns(fieller_interval(more_cost, more_effect, pull.T @ pull))
        one, other = asked.names[after], asked.names[before]
        said = f"from this price of one {asked.unit} on, level {one} rather than {other}"
        size = int((asked.groups[after] | asked.groups[before]).sum())
        columns |= {"unit": unit, "note": said, "reference": other, "denominator": size, "people": size}
        yield asked.row("frontier_price", "tipping_point", one, **columns)


def _say_place(made: Frontier, place: int) -> str:
    """Where a level stands, in words."""
    against = " and ".join(made.compared_with[place])
    if made.status[place] == ON_FRONTIER:
        return f"on the frontier, next after {against}" if against else "on the frontier, the cheapest"
    if made.status[place] == DOMINATED:
        return f"dominated: {against} costs no more and does no less"
    return f"extended dominated: a mixture of {against} costs no more and does no less"


def refused_rows(asked: Levels, levels: Sequence[str], reason: str) -> Iterator[Row]:
    """Levels without a mean cost or effect, and why."""
    share = "adjusted_proportion" if asked.kind == "share" else "mean"
    for level in levels:
        for definition, estimand, unit in (
            ("frontier_cost", "mean", asked.dollars),
            ("frontier_effect", share, asked.kind),
        ):
            yield asked.row(definition, estimand, level, unit=unit, note=reason, status=str(Status.NOT_ESTIMABLE))
