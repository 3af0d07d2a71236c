"""Groups within groups: sites in regions, programmes at sites. The fine ones add to the coarse one they lie in.

Nobody tells the gate which lie in which, but a reader knows the map. So it is found from the numbers: groups of one column
whose counts add to those of a group of another, in every figure of the release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.inference import System

#: Ways tried to make up one coarse group before it is taken not to be made of the fine ones.
_MOST = 20_000


def relate_columns(system: System, figures: Sequence[Mapping[tuple[str, str], tuple[int, int]]]) -> None:
    """Link the cells of coarse groups with those of the fine ones they are made of.

    ``figures`` has, for each figure, the cells of the events and of the base of a column's group.
    """
    for one, two in permutations(sorted({by for figure in figures for by, _ in figure} - {ALL}), 2):
        both = [figure for figure in figures if {one, two} <= {by for by, _ in figure}]
        groups = [
            set.intersection(*({name for each, name in figure if each == by} for figure in both)) if both else set()
            for by in (one, two)
        ]
        fine, coarse = (
            {
                name: np.array([system.values[cell] for figure in both for cell in figure[by, name]])
                for name in sorted(names)
            }
            for by, names in zip((one, two), groups, strict=True)
        )
        for whole, parts in find_parts(fine, coarse).items():
            for figure in both:
                for place in (0, 1):
                    system.balance([figure[two, whole][place]], [figure[one, part][place] for part in parts])


def find_parts(fine: Mapping[str, np.ndarray], coarse: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """Which fine groups make up each coarse one? Vectors of counts by name; a coarse group of none, or of one, is left out.

    >>> sites = {"A1": np.array([3, 60]), "A2": np.array([30, 60]), "B1": np.array([40, 80]), "B2": np.array([4, 90])}
    >>> regions = {"A": np.array([33, 120]), "B": np.array([44, 170])}
    >>> find_parts(sites, regions)
    {'A': ['A1', 'A2'], 'B': ['B1', 'B2']}
    """
    if not 2 <= len(coarse) < len(fine):
        return {}
    found = {}
    for whole, total in coarse.items():
        usable = [name for name in sorted(fine) if (fine[name] <= total).all() and fine[name].any()]
        parts = _make_up(total, [fine[name] for name in usable])
        if parts and len(parts) > 1:
            found[whole] = [usable[place] for place in parts]
    return found


def _make_up(total: np.ndarray, parts: list[np.ndarray]) -> list[int]:
    """Places of the vectors that add to a total; the first way found, none when there is none."""
    beyond = [np.zeros_like(total)]
    for part in reversed(parts):
        beyond.append(beyond[-1] + part)
    beyond.reverse()  # what all vectors from a place on add to
    tried = 0
    stack: list[tuple[int, np.ndarray, tuple[int, ...]]] = [(0, total, ())]
    while stack and tried < _MOST:
        tried += 1
        place, left, chosen = stack.pop()
        if not left.any():
            return list(chosen)
        if place == len(parts) or (beyond[place] < left).any():
            continue
        stack.append((place + 1, left, chosen))
        if (parts[place] <= left).all():
            stack.append((place + 1, left - parts[place], (*chosen, place)))
    return []
