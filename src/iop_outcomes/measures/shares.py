"""Shares that sites and groups are compared by: events among units, counted exactly, each unit belonging to a person.

A comparison needs whole counts, so that "in programme or completed by day d" is counted here among episodes that were
followed to that day; the curve of :func:`measure_retention` also uses those that were not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.hours import counted_weeks
from iop_outcomes.measures.library import find_definition
from iop_outcomes.measures.rows import Group, Row, group_of, moments_share
from iop_outcomes.vocabulary import EARLY_ENDINGS, AttendanceStatus, EndReason

Lazy = nw.LazyFrame[Any]

_CAUSES = {reason: position for position, reason in enumerate(EndReason.codes(), start=1)}
_EARLY = [_CAUSES[str(reason)] for reason in EARLY_ENDINGS]
_NOT_RETAINED = [position for reason, position in _CAUSES.items() if reason != EndReason.COMPLETED]
_ONE, _NONE = nw.lit(1), nw.lit(0)


@dataclass(frozen=True)
class Share:
    """One share of a cohort, before it is counted.

    ``frame`` has a row per unit (episode, week or session): ``person_id``, the group columns asked for, ``y`` (1 for an
    event), ``x`` (1 for a unit that counts), ``missing`` (1 for one that is not known) and ``known`` (0 where the records
    hold nothing to count from). ``better`` is up, down or neutral.
    """

    definition: str
    category: str
    at: int | None
    better: str
    per_episode: bool
    frame: Lazy


@dataclass(frozen=True)
class Count:
    """A share counted for one group: the person-clustered moments of events and units, and how many are missing."""

    group: Group
    line: pd.Series
    missing: float
    known: float

    @property
    def events(self) -> float:
        """Events."""
        return float(self.line["sum_y"])

    @property
    def units(self) -> float:
        """Units they are counted among."""
        return float(self.line["sum_x"])


def choose_share(cohort: Cohort, what: str, at: int, keep: Sequence[str]) -> Share:
    """The share called ``what`` (one of :data:`SHARES`) with the columns ``keep``; ``UsageError`` for another word."""
    if what not in SHARES:
        raise UsageError(f"what is one of {', '.join(SHARES)}")
    share = SHARES[what](cohort, at, list(dict.fromkeys(keep)))
    return Share(**{**vars(share), "frame": cohort.records.lift(share.frame)})


def count_share(share: Share, by: str | None = None) -> list[Count]:
    """Everyone's count, or with ``by`` each group's in order; people without a group are one of their own."""
    keys = [by] if by else []
    pair = (nw.col("y"), nw.col("x"))
    lines = reductions.moments(share.frame.filter(nw.col("x") == 1), keys, *pair).frame
    counted = {group_of(line, by).group: line for _, line in lines.iterrows()}
    found = []
    for _, line in reductions.moments(share.frame, keys, nw.col("missing"), nw.col("known")).frame.iterrows():
        group = group_of(line, by)
        nothing = line.where(~line.index.str.startswith(("sum_", "clusters")), 0.0)
        found.append(Count(group, counted.get(group.group, nothing), float(line["sum_y"]), float(line["sum_x"])))
    return found


def share_row(share: Share, count: Count, note: str | None = None) -> Row:
    """A counted share as a row of Estimates, with Wilson's interval on the effective number of units."""
    columns = moments_share(count.line)
    if count.known == 0 and count.missing > 0:
        blank = dict.fromkeys(("value", "ci_low", "ci_high", "conf_level"))
        reason = ("immature", "nobody followed to this day") if share.per_episode else _NO_HOURS
        columns = {**columns, **blank, "status": reason[0], "note": reason[1]}
    elif count.units == 0:
        columns["note"] = "nothing to count"
    elif note:
        columns["note"] = note
    if share.definition != "session_status":
        columns["n_missing"] = count.missing
    return count.group.row(share.definition, "proportion", category=share.category, at=share.at, **columns)


_NO_HOURS = ("not_estimable", "the records hold no hours")


def _by_day(cohort: Cohort, at: int, keep: list[str], definition: str, gone: list[int], kept: bool) -> Share:
    """Episodes followed to day ``at`` from their first day, by whether they had ended for one of the reasons."""
    if at < 0:
        raise UsageError("at is a day since admission, 0 or later")
    followed = (nw.col("observed_day") >= at) & (nw.col("entry_day") == 0)
    ended = nw.col("cause").is_in(gone) & (nw.col("exit_day") <= at)
    event = ~ended if kept else ended
    frame = cohort.episodes.select(
        "person_id",
        *keep,
        nw.when(followed & event).then(_ONE).otherwise(_NONE).alias("y"),
        nw.when(followed).then(_ONE).otherwise(_NONE).alias("x"),
        nw.when(followed).then(_NONE).otherwise(_ONE).alias("missing"),
        nw.when(followed).then(_ONE).otherwise(_NONE).alias("known"),
    )
    category = "retained" if kept else "lost_early"
    return Share(definition, category, at, find_definition(definition).direction, True, frame)


def _retained(cohort: Cohort, at: int, keep: list[str]) -> Share:
    return _by_day(cohort, at, keep, "retained_followed", _NOT_RETAINED, kept=True)


def _lost_early(cohort: Cohort, at: int, keep: list[str]) -> Share:
    return _by_day(cohort, at, keep, "lost_early_followed", _EARLY, kept=False)


def _weeks_met(cohort: Cohort, at: int, keep: list[str]) -> Share:
    frame = counted_weeks(cohort, *keep).select(
        "person_id",
        *keep,
        nw.col("met").alias("y"),
        _ONE.alias("x"),
        nw.col("unknown").alias("missing"),
        nw.col("attended").alias("known"),
    )
    return Share("requirement_met", "all", None, "up", False, frame)


def _no_show(cohort: Cohort, at: int, keep: list[str]) -> Share:
    sessions = cohort.attendance.join(
        cohort.episodes.select("episode_id", "person_id", *keep), on="episode_id", how="inner"
    )
    missed = nw.col("status") == str(AttendanceStatus.NO_SHOW)
    frame = sessions.select(
        "person_id",
        *keep,
        missed.cast(nw.Int64).alias("y"),
        _ONE.alias("x"),
        _NONE.alias("missing"),
        _ONE.alias("known"),
    )
    return Share("session_status", "no_show", None, "down", False, frame)


#: What sites and groups can be compared by.
SHARES: dict[str, Callable[[Cohort, int, list[str]], Share]] = {
    "retained": _retained,
    "lost_early": _lost_early,
    "requirement_met": _weeks_met,
    "no_show": _no_show,
}
