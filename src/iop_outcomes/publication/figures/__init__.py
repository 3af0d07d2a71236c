"""Figures: each is a drawing, a description in words and a table of its numbers, all from the same published rows.

``FIGURES`` names them; ``figure_block(name, published, id=..., title=..., caption=...)`` makes a block for a page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iop_outcomes.publication.document import FigureBlock, Table
from iop_outcomes.publication.figures import (
    acceptability,
    attendance,
    attrition,
    calendar,
    change,
    claims,
    completeness,
    control,
    effect,
    endings,
    equity,
    followup,
    funnel,
    hours,
    level_endings,
    love,
    milestones,
    plane,
    roles,
    tornado,
    trials,
    two_way,
)
from iop_outcomes.publication.figures.style import Rows, to_svg
from iop_outcomes.publication.published import Published

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureKind:
    """A figure: the question it answers, and the functions that draw it, describe it and list its numbers."""

    title: str
    draw: Callable[[Rows], Figure]
    describe: Callable[[Rows], str]
    tabulate: Callable[[Rows], Table]


FIGURES: dict[str, FigureKind] = {
    "endings": FigureKind(endings.TITLE, endings.draw_endings, endings.describe_endings, endings.tabulate_endings),
    "milestones": FigureKind(
        milestones.TITLE, milestones.draw_milestones, milestones.describe_milestones, milestones.tabulate_milestones
    ),
    "calendar": FigureKind(
        calendar.TITLE, calendar.draw_calendar, calendar.describe_calendar, calendar.tabulate_calendar
    ),
    "followup": FigureKind(
        followup.TITLE, followup.draw_followup, followup.describe_followup, followup.tabulate_followup
    ),
    "hours_ladder": FigureKind(
        hours.TITLE, hours.draw_hours_ladder, hours.describe_hours_ladder, hours.tabulate_hours_ladder
    ),
    "weekly_attendance": FigureKind(
        attendance.TITLE,
        attendance.draw_weekly_attendance,
        attendance.describe_weekly_attendance,
        attendance.tabulate_weekly_attendance,
    ),
    "xmr": FigureKind(control.TITLE, control.draw_xmr, control.describe_xmr, control.tabulate_xmr),
    "sparkline": FigureKind(control.TITLE, control.draw_sparkline, control.describe_xmr, control.tabulate_xmr),
    "attrition": FigureKind(
        attrition.TITLE, attrition.draw_attrition, attrition.describe_attrition, attrition.tabulate_attrition
    ),
    "change": FigureKind(change.TITLE, change.draw_change, change.describe_change, change.tabulate_change),
    "claims": FigureKind(claims.TITLE, claims.draw_claims, claims.describe_claims, claims.tabulate_claims),
    "completeness": FigureKind(
        completeness.TITLE,
        completeness.draw_completeness,
        completeness.describe_completeness,
        completeness.tabulate_completeness,
    ),
    "funnel": FigureKind(funnel.TITLE, funnel.draw_funnel, funnel.describe_funnel, funnel.tabulate_funnel),
    "equity": FigureKind(equity.TITLE, equity.draw_equity, equity.describe_equity, equity.tabulate_equity),
    "effect": FigureKind(effect.TITLE, effect.draw_effect, effect.describe_effect, effect.tabulate_effect),
    "endings_by_level": FigureKind(
        level_endings.TITLE,
        level_endings.draw_endings_by_level,
        level_endings.describe_endings_by_level,
        level_endings.tabulate_endings_by_level,
    ),
    "love": FigureKind(love.TITLE, love.draw_love, love.describe_love, love.tabulate_love),
    "overlap": FigureKind(love.OVERLAP_TITLE, love.draw_overlap, love.describe_overlap, love.tabulate_overlap),
    "plane": FigureKind(plane.TITLE, plane.draw_plane, plane.describe_plane, plane.tabulate_plane),
    "acceptability": FigureKind(
        acceptability.TITLE,
        acceptability.draw_acceptability,
        acceptability.describe_acceptability,
        acceptability.tabulate_acceptability,
    ),
    "tornado": FigureKind(tornado.TITLE, tornado.draw_tornado, tornado.describe_tornado, tornado.tabulate_tornado),
    "two_way": FigureKind(two_way.TITLE, two_way.draw_two_way, two_way.describe_two_way, two_way.tabulate_two_way),
    "roles": FigureKind(roles.TITLE, roles.draw_roles, roles.describe_roles, roles.tabulate_roles),
    "trials": FigureKind(trials.TITLE, trials.draw_trials, trials.describe_trials, trials.tabulate_trials),
}


def figure_block(
    name: str, published: Published, *, id: str, title: str | None = None, caption: str = ""
) -> FigureBlock:
    """A figure for a page, drawn from published rows; ``id`` is unique in the document. ``KeyError`` for a name unknown."""
    kind = FIGURES[name]
    svg = to_svg(kind.draw(published), id)
    return FigureBlock(
        id, title or kind.title, svg, kind.describe(published), caption, kind.tabulate(published), published
    )


__all__ = ["FIGURES", "FigureKind", "figure_block", "to_svg"]
