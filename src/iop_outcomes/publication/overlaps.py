"""Periods that lie in each other or overlap: what one has and the other has not is a count of people too.

A quarter taken from its year leaves three quarters. A rolling year taken from the next one leaves the new quarter less the
old one, and whoever has the old one has the new one (rules D14 and D15 of docs/release.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations

from iop_outcomes.publication.inference import System

#: First and last day.
Span = tuple[date, date]
#: More pieces than this are not worked out of one figure's periods.
_MOST = 200


def relate_periods(system: System, parts: Iterable[tuple[str, str, int]]) -> None:
    """Link the cells of one figure in several periods (first day, last day, cell), and what lies between them."""
    pieces: dict[Span, int] = {}
    for first, last, cell in parts:
        span = (date.fromisoformat(first), date.fromisoformat(last))
        if span in pieces:
            system.step([pieces[span], cell])
        else:
            pieces[span] = cell
    for whole in sorted(pieces):
        system.balance([pieces[whole]], [pieces[tile] for tile in _tile(pieces, whole)])
        inside = _apart(pieces, whole)
        if len(inside) > 1:
            system.part(pieces[whole], [pieces[part] for part in inside])
    for one, two in combinations(sorted(pieces), 2):
        if _holds(one, two) or _holds(two, one):
            whole, part = (one, two) if _holds(one, two) else (two, one)
            rest = _rest(whole, part)
            if rest is None or rest not in pieces:
                left = system.leave([pieces[whole]], [pieces[part]])
                if left is not None and rest is not None:
                    pieces[rest] = left
    _shift(system, pieces)


def _shift(system: System, pieces: dict[Span, int]) -> None:
    """Two periods of which each has days the other has not: whoever knows one end knows the other."""
    fresh = True
    while fresh and len(pieces) < _MOST:
        fresh = False
        for one, two in combinations(sorted(pieces), 2):
            if not one[0] < two[0] <= one[1] < two[1]:
                continue
            before, after = (one[0], two[0] - timedelta(days=1)), (one[1] + timedelta(days=1), two[1])
            left, right = _cells(pieces, before), _cells(pieces, after)
            if left and right:
                system.balance([pieces[one], *right], [pieces[two], *left])
            elif left or right:
                known, end, more, less = (left, after, two, one) if left else (right, before, one, two)
                cell = system.leave([pieces[more], *known], [pieces[less]])
                if cell is not None:
                    pieces[end] = cell
                    fresh = True
            if fresh:
                break


def _cells(pieces: dict[Span, int], span: Span) -> list[int]:
    """The cells that make up a span; none where they do not."""
    return [pieces[span]] if span in pieces else [pieces[tile] for tile in _tile(pieces, span)]


def _tile(pieces: dict[Span, int], whole: Span) -> list[Span]:
    """Periods that follow one another without gap and cover the whole."""
    inside = sorted(span for span in pieces if _holds(whole, span))
    chosen: list[Span] = []
    day = whole[0]
    for span in inside:
        if span[0] == day and span[1] <= whole[1]:
            chosen.append(span)
            day = span[1] + timedelta(days=1)
    return chosen if chosen and day == whole[1] + timedelta(days=1) else []


def _apart(pieces: dict[Span, int], whole: Span) -> list[Span]:
    """Periods inside a whole of which none meets another, from its beginning on."""
    chosen: list[Span] = []
    for span in sorted(span for span in pieces if _holds(whole, span)):
        if not chosen or span[0] > chosen[-1][1]:
            chosen.append(span)
    return chosen


def _holds(whole: Span, part: Span) -> bool:
    return whole != part and whole[0] <= part[0] and part[1] <= whole[1]


def _rest(whole: Span, part: Span) -> Span | None:
    """What is left of a period after one at its start or end; nothing where two pieces are left."""
    if whole[0] == part[0]:
        return part[1] + timedelta(days=1), whole[1]
    if whole[1] == part[1]:
        return whole[0], part[0] - timedelta(days=1)
    return None
