"""From a statistic to rows of Estimates: the one place where intervals, counts and definitions are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL
from iop_outcomes.measures.library import find_definition
from iop_outcomes.statistics import CurvePoints, Estimate, Interval, clustered_proportion, ratio_of_sums

Row = dict[str, Any]
Lazy = nw.LazyFrame[Any]


@dataclass(frozen=True)
class Group:
    """For whom a row speaks: the group column, its value, and what every row of the group shares."""

    by: str = ALL
    group: str | None = ALL
    shared: Row = field(default_factory=dict)

    def row(self, definition: str, estimand: str, **columns: Any) -> Row:
        """A row of Estimates for this group; the definition fills measure, unit and design word."""
        known = find_definition(definition)
        return {
            "measure": known.measure,
            "definition": known.key,
            "unit": known.unit,
            "design_word": known.design_word,
            "estimand": estimand,
            "by": self.by,
            "group": self.group,
            **self.shared,
            **columns,
        }


def check_group(by: str | None, allowed: Sequence[str]) -> None:
    """Refuse a group column the cohort does not have."""
    if by is not None and by not in allowed:
        raise UsageError(f"by is one of {', '.join(allowed)}")


def split_groups(frame: pd.DataFrame, by: str | None) -> Iterator[tuple[Group, pd.DataFrame]]:
    """Everyone first and then, with ``by``, each group in order; people without a value are a group of their own."""
    yield Group(), frame
    if by is None:
        return
    for value, part in frame.groupby(by, dropna=False, sort=True):
        yield Group(by, None if pd.isna(value) else str(value)), part


def moment_groups(frame: Lazy, by: str | None, y: nw.Expr, x: nw.Expr) -> Iterator[tuple[Group, pd.Series]]:
    """People-clustered moments of y and x: everyone's line first and then, with ``by``, a line for each group."""
    for group, lines in moment_lines(frame, by, {"pair": (y, x)}):
        yield group, lines["pair"]


def moment_lines(
    frame: Lazy, by: str | None, pairs: Mapping[str, tuple[nw.Expr, nw.Expr]]
) -> Iterator[tuple[Group, dict[str, pd.Series]]]:
    """As ``moment_groups`` for several pairs at once, a line for each pair by its name."""
    for key in (None, by) if by else (None,):
        tallies = reductions.moments_of(frame, (key,) if key else (), pairs)
        for place in range(len(next(iter(tallies.values())).frame)):
            lines = {name: tally.frame.iloc[place] for name, tally in tallies.items()}
            yield group_of(next(iter(lines.values())), key), lines


def group_of(line: pd.Series, by: str | None) -> Group:
    """The group a line of a tally speaks for; a missing value is the unknown group."""
    return Group() if by is None else Group(by, None if pd.isna(line[by]) else str(line[by]))


def interval_columns(interval: Interval | Estimate | CurvePoints, scale: float = 1.0) -> Row:
    """Value, limits, level and method of one interval; status ``not_estimable`` when there is no value."""
    value = float(np.asarray(interval.value)) * scale
    if np.isnan(value):
        return {"status": "not_estimable", "method": interval.method}
    return {
        "value": value,
        "ci_low": float(np.asarray(interval.low)) * scale,
        "ci_high": float(np.asarray(interval.high)) * scale,
        "conf_level": interval.conf_level,
        "method": interval.method,
    }


def moments_share(line: pd.Series) -> Row:
    """A share of events among units with people as clusters, from a moments line (y events, x units)."""
    interval = clustered_proportion(
        line["sum_y"], line["sum_x"], line["sum_yy"], line["sum_xy"], line["sum_xx"], line["clusters"]
    )
    counts = {"n": line["sum_y"], "denominator": line["sum_x"], "people": line["clusters"]}
    return {**counts, **interval_columns(interval)}


def moments_share_of_people(line: pd.Series) -> Row:
    """A share of many units a person (days, sessions), as ``moments_share``, but n and denominator are people."""
    people = dict.fromkeys(("n", "denominator", "people"), line["clusters"])
    return {**moments_share(line), **people}


def moments_ratio(line: pd.Series) -> Row:
    """A ratio of sums with people as clusters, from a moments line; n and denominator are people, not hours."""
    estimate = ratio_of_sums(
        line["sum_y"], line["sum_x"], line["sum_yy"], line["sum_xy"], line["sum_xx"], line["clusters"]
    )
    counts = {"n": line["clusters"], "denominator": line["clusters"], "people": line["clusters"]}
    return {**counts, **interval_columns(estimate), "top_two": most_of_two(line["sum_y"], line["sum_yy"])}


def most_of_two(total: float, squares: float) -> float:
    """The most that the two people with most can hold of a total, given the sum of squares of all people's parts.

    Two parts never add to more than the square root of twice the sum of their squares, so nobody need be looked at alone.

    >>> round(most_of_two(44.0, 11 * 16.0), 3)  # eleven people with four each
    0.426
    """
    return float(min(1.0, np.sqrt(2 * squares) / total)) if total > 0 else 0.0


def order_by_content(content: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Positions of rows (rows × numbers) in an order that their content alone decides, not ids or the order of a file.

    What is drawn at random, or split into folds, goes by this order. Rows alike in every number, of people alike in all
    their rows, may stand in any order.

    >>> order_by_content(np.array([[2.0], [1.0], [2.0]]), np.array(["b", "b", "a"])).tolist()
    [1, 0, 2]
    """
    alike = _rank_rows(np.where(np.isnan(content), np.inf, content))
    who = pd.factorize(person)[0]
    by_person = np.lexsort((alike, who))
    rows = np.bincount(who)
    histories = np.full((len(rows), rows.max(initial=0)), -1)  # a history that another begins with comes before it
    place = np.arange(len(who)) - np.repeat(np.cumsum(rows) - rows, rows)
    histories[who[by_person], place] = alike[by_person]
    return np.lexsort((_rank_rows(histories)[who], alike))


def _rank_rows(table: np.ndarray) -> np.ndarray:
    """The place of each row among the different rows in order, first column first; rows alike share it."""
    order = np.lexsort(table.T[::-1]) if table.shape[1] else np.arange(len(table))
    ordered = table[order]
    rank = np.zeros(len(table), dtype=np.int64)
    rank[order[1:]] = np.cumsum((ordered[1:] != ordered[:-1]).any(axis=1))
    return rank
