"""First admissions read for a comparison of levels: who could have gone to either, who can be followed, what became of them.

Rows come in an order made of what is known of people, so that nobody's id decides a figure's last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from iop_outcomes.cohort import Cohort
from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.followup import read_abstinence
from iop_outcomes.measures.interviews import due_at, followed_episodes, followup_plan, target_day
from iop_outcomes.measures.rows import Row, interval_columns, split_groups
from iop_outcomes.statistics import wilson
from iop_outcomes.vocabulary import YesNo

#: What may be said of a first admission, in order; the parts add to everyone. Not followed: the day is yet to come, or the
#: person had died by it, was recorded as not due, or was already in care when the records begin.
VIEWS: tuple[str, ...] = ("compared", "not_followed", "one_level_only", "not_judged")
_STAY = ("level_of_care", "exit_day", "cause", "either_level")


def read_admissions(cohort: Cohort, adjust: Sequence[str]) -> pd.DataFrame:
    """What became of each first admission, and could it have gone to either level?

    ``cohort`` holds first admissions of the levels compared; ``adjust`` are columns known at admission. One row each:
    those columns, the columns of ``followed_episodes``, ``level_of_care``, ``exit_day``, ``cause`` and ``either_level``
    (``"yes"``, ``"no"``, or missing: not judged).
    """
    return followed_episodes(cohort, *_STAY, *adjust)


def answer_abstinence(stays: pd.DataFrame, cohort: Cohort, at: int) -> pd.DataFrame:
    """The stays with ``due``, ``left_out`` and ``answer``: thirty days without use at day ``at``, missing where not reached.

    Raises :class:`UsageError` where ``at`` is no follow-up day.
    """
    month = next((one for one in range(1, 37) if target_day(one) == at), None)
    if month is None:
        raise UsageError("abstinence is known on follow-up days: at is 30, 90, 180 or 365, or another month's day")
    planned, window = followup_plan(cohort, None, None)
    return due_at(stays, read_abstinence(cohort), month, sorted({*planned, month}), window)


def view_admissions(frame: pd.DataFrame, adjust: Sequence[str]) -> pd.DataFrame:
    """Who is compared, and who is not and why: the stays with ``view`` (one of ``VIEWS``), in an order free of ids.

    ``frame`` is as ``read_admissions`` gives it, with ``due`` (can the person be followed) and ``answer`` (what became of
    them, missing where unknown).
    """
    either = frame["either_level"]
    conditions = [either.isna(), either != str(YesNo.YES), frame["due"]]
    view = np.select(conditions, ["not_judged", "one_level_only", "compared"], "not_followed")
    order = ["level_of_care", "view", "answer", "exit_day", "cause", *adjust]
    return frame.assign(view=view).sort_values(order, ignore_index=True)


def placement_rows(frame: pd.DataFrame, protocol: Protocol) -> Iterator[Row]:
    """Who is compared and who is not, of all first admissions and of each level's."""
    for group, part in split_groups(frame, "level_of_care"):
        for view in VIEWS:
            inside = int((part["view"] == view).sum())
            yield group.row(
                "level_placement",
                "proportion",
                category=f"{protocol.outcome}/{view}",
                at=protocol.at,
                n=inside,
                denominator=len(part),
                people=len(part),
                **interval_columns(wilson(inside, len(part))),
            )


def say_nobody(protocol: Protocol, treated: np.ndarray) -> str:
    """Why one level, or both, have nobody to compare; ``treated`` says where each person compared began."""
    arms = {protocol.treated: int(treated.sum()), protocol.control: int((~treated).sum())}
    empty = " and ".join(level for level, people in arms.items() if not people)
    return (
        f"Nobody who could have gone to either level, and was followed to day {protocol.at}, began in level {empty}. "
        "Recording at placement who could go to either (either_level), and records of both levels, would mend it."
    )
