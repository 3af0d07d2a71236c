"""Counts that hold each other: whoever is sober for 14 days was so for 7, whoever meets a strict rule meets a kind one.

Published together, the difference of two such counts is a count of people, so it must be zero or enough people.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import NESTED, Sheet

#: From the strictest rule to the kindest; whoever meets one meets the next.
RULES: tuple[str, ...] = ("milestone_confirmed", "milestone_bridged", "milestone_not_contradicted")


def thin_nested(sheet: Sheet, rows: pd.DataFrame, policy: Policy) -> None:
    """Milestones: one set of days for all lengths; counts by rising length differ by zero or enough people, and the
    stricter and kinder rules stand only where they differ from the headline rule by zero or enough people."""
    if rows.empty:
        return
    name = rows["definition"].map(lambda text: str(text).split("@")[0])
    rows = rows.assign(_name=name, _length=rows["_cause"].astype(float), _group=sheet.column("group")[rows.index])
    for _, period in rows.groupby(["period_start", "period_end"], dropna=False, sort=True):
        whole: dict[tuple[str, float], set[float]] = {}
        for by in sorted(set(period["by"]), key=lambda word: (word != ALL, word)):
            place = period[period["by"] == by]
            kept: dict[tuple[str, float], set[float]] = {}
            for rule in sorted(set(place["_name"]), key=lambda word: (word != RULES[1], word)):
                allowed = dict(whole) if by != ALL else None
                if rule in RULES and rule != RULES[1] and (place["_name"] == RULES[1]).any():
                    apart = _apart_from_headline(place, rule, kept, policy)
                    allowed = (
                        apart if allowed is None else {k: days & allowed.get(k, set()) for k, days in apart.items()}
                    )
                kept.update(_keep_lengths(place[place["_name"] == rule], allowed, rule, sheet, policy))
            if by == ALL:
                whole = kept
            stays = [
                at in kept.get((n, length), ())
                for n, length, at in zip(place["_name"], place["_length"], place["at"], strict=True)
            ]
            sheet.hide(place.index[~np.array(stays, dtype=bool)].to_numpy(), NESTED)


def _apart_from_headline(
    place: pd.DataFrame, rule: str, kept: dict[tuple[str, float], set[float]], policy: Policy
) -> dict[tuple[str, float], set[float]]:
    """Days on which the headline rule is shown and another rule differs from it by zero or enough people."""
    key = ["_length", "at", "_group"]
    own = place[place["_name"] == rule].set_index(key)["n"]
    headline = place[place["_name"] == RULES[1]].set_index(key)["n"].reindex(own.index)
    gap = (own - headline).abs()
    close = ((gap > 0) & (gap <= policy.limit)) | gap.isna()
    bad = set(close[close].reset_index()[["_length", "at"]].itertuples(index=False, name=None))
    return {
        (rule, length): {day for day in days if (length, day) not in bad}
        for (name, length), days in kept.items()
        if name == RULES[1]
    }


def _keep_lengths(
    rows: pd.DataFrame, allowed: dict[tuple[str, float], set[float]] | None, rule: str, sheet: Sheet, policy: Policy
) -> dict[tuple[str, float], set[float]]:
    """The lengths and common days of one rule that keep most numbers."""
    rows = rows[rows["n"].notna() & ~sheet.hidden[rows.index] | (rows["n"] == 0)]
    cube: dict[float, pd.DataFrame] = {
        float(str(length)): each.pivot_table(index="at", columns="_group", values="n", aggfunc="first")
        for length, each in rows.groupby("_length")
    }
    base = rows.groupby("_group")["denominator"].max()
    lengths = sorted(cube)
    best: tuple[int, int] = (0, 0)
    choice: tuple[tuple[float, ...], list[float]] = ((), [])
    for size in range(len(lengths), 0, -1):
        for subset in combinations(lengths, size):
            if size * max(len(cube[length]) for length in subset) <= best[0]:
                continue
            days = set.intersection(*(set(cube[length].index) for length in subset))
            for length in subset:
                if allowed is not None:
                    days &= allowed.get((rule, length), set())
            vectors = {
                day: np.concatenate([cube[length].loc[day].reindex(base.index).to_numpy() for length in subset])
                for day in days
            }
            path = _spaced(vectors, len(base), base.to_numpy(), policy)
            if len(path) * size > best[0]:
                best, choice = (len(path) * size, size), (subset, path)
    return {(rule, length): set(choice[1]) for length in choice[0]}


def _spaced(vectors: dict[float, np.ndarray], groups: int, base: np.ndarray, policy: Policy) -> list[float]:
    """The longest run of days whose counts, nested differences and steps are all zero or enough people."""

    def small(values: np.ndarray) -> bool:
        return bool(np.isnan(values).any() or ((values > 0) & (values <= policy.limit)).any())

    days = []
    for day in sorted(vectors):
        table = vectors[day].reshape(-1, groups)
        if not (small(table) or small(base - table) or small(np.abs(np.diff(table, axis=0)))):
            days.append(day)
    best: list[tuple[int, int]] = []
    for later, day in enumerate(days):
        options = [
            (best[earlier][0] + 1, earlier)
            for earlier in range(later)
            if not small(np.abs(vectors[day] - vectors[days[earlier]]))
        ]
        best.append(max([(1, -1), *options]))
    path, step = [], max(range(len(days)), key=lambda place: (best[place][0], place), default=-1)
    while step >= 0:
        path.append(days[step])
        step = best[step][1]
    return path
