"""What the definitions of a report say about each other: every reader of its last pages knows it.

A line says that one count of a definition is the sum of others, of the same people on the same day. It is supposed like
everything else: for all places at once, and taken back where a printed number speaks against it.
"""

from __future__ import annotations

from itertools import pairwise

from iop_outcomes.publication.attacker.sketch import Sketch
from iop_outcomes.publication.attacker.system import Terms

#: A count: definition without version, category (``*``: the same as in the whole; ``~``: any, when they share a base),
#: field, and how often it counts.
Part = tuple[str, str, str, float]

_EVENTS, _BASE = "events", "base"

SUMS: tuple[tuple[Part, tuple[Part, ...]], ...] = (
    (("lost_early", "lost_early", _EVENTS, 1), (("ending", "lost_early", _EVENTS, 1),)),
    (
        ("lost_early", "lost_early", _EVENTS, 1),
        (("ending", "left_early", _EVENTS, 1), ("ending", "terminated", _EVENTS, 1)),
    ),
    (("in_programme", "in_programme", _EVENTS, 1), (("ending", "in_programme", _EVENTS, 1),)),
    (
        ("retained", "retained", _EVENTS, 1),
        (("in_programme", "in_programme", _EVENTS, 1), ("ending", "completed", _EVENTS, 1)),
    ),
    (
        ("retained", "retained", _EVENTS, 1),
        (("ending", "in_programme", _EVENTS, 1), ("ending", "completed", _EVENTS, 1)),
    ),
    (("abstinent_missing_using", "*", _EVENTS, 1), (("abstinent_responders", "*", _EVENTS, 1),)),
    (
        ("abstinent_missing_sober", "*", _EVENTS, 1),
        (
            ("abstinent_responders", "*", _EVENTS, 1),
            ("followup_response", "*", _BASE, 1),
            ("followup_response", "*", _EVENTS, -1),
        ),
    ),
    (("abstinent_responders", "*", _BASE, 1), (("followup_response", "*", _EVENTS, 1),)),
    (("used_fewer_days", "*", _BASE, 1), (("followup_response", "*", _EVENTS, 1),)),
    (("used_fewer_days_low", "*", _EVENTS, 1), (("used_fewer_days", "*", _EVENTS, 1),)),
    (
        ("used_fewer_days_high", "*", _EVENTS, 1),
        (
            ("used_fewer_days", "*", _EVENTS, 1),
            ("followup_response", "*", _BASE, 1),
            ("followup_response", "*", _EVENTS, -1),
        ),
    ),
    (("followup_due", "*", _EVENTS, 1), (("followup_response", "*", _BASE, 1),)),
    (("reliable_improvement", "*", _EVENTS, 1), (("change_segment", "*", _EVENTS, 1),)),
)

#: Definitions each of which counts everybody the one before it counts.
KINDER: tuple[str, ...] = ("milestone_confirmed", "milestone_bridged", "milestone_not_contradicted")
#: Categories of one definition of which the first counts everybody the second counts.
HOLDS: tuple[tuple[str, str, str], ...] = (("followup_due", "abstinent_30", "days_used_30"),)

#: Definitions of which fewer are counted every day, though they are not called a survival.
FALLING: tuple[str, ...] = ("retained",)

_PLACE = ("by", "group", "at", "period_start", "period_end")


def link_meanings(sketch: Sketch) -> None:
    """Suppose what the definitions say."""
    table = sketch.table
    places: dict[tuple[object, ...], dict[tuple[str, str], int]] = {}
    for row in sketch.events:
        found = places.setdefault(table.key(row, *_PLACE), {})
        found.setdefault((table.name[row], table.text["category"][row]), row)
    for whole, parts in SUMS:
        relations = [terms for rows in places.values() for terms in _sum(sketch, rows, whole, parts)]
        sketch.suppose(relations)
    for rows in places.values():
        for small, large in pairwise(KINDER):
            for name, category in list(rows):
                if name == small and (large, category) in rows:
                    _nest(sketch, rows[(large, category)], rows[(small, category)])
        for name, wide, narrow in HOLDS:
            if {(name, wide), (name, narrow)} <= set(rows):
                _nest(sketch, rows[(name, wide)], rows[(name, narrow)])


def _nest(sketch: Sketch, more: int, fewer: int) -> None:
    terms = sketch.rest("nested", more, sketch.events[more], [sketch.events[fewer]], fewer)
    sketch.suppose([terms], [terms[-1][0]])


def _sum(sketch: Sketch, rows: dict[tuple[str, str], int], whole: Part, parts: tuple[Part, ...]) -> list[Terms]:
    """The relation at one place, for each category the whole has there."""
    found = []
    for (name, category), row in rows.items():
        if name != whole[0] or whole[1] not in ("*", category):
            continue
        cells = [(sketch.field(whole[2]).get(row), 1.0)]
        for part in parts:
            other = rows.get((part[0], category if part[1] == "*" else part[1]))
            cells.append((None if other is None else sketch.field(part[2]).get(other), -part[3]))
        if all(cell is not None for cell, _ in cells):
            found.append(tuple((int(cell), weight) for cell, weight in cells if cell is not None))
    return found
