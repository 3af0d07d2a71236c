"""Thirty-day abstinence 1, 3, 6 and 12 months after admission, and what may be said of people not reached.

Every month has a response rate and several readings of the same interviews side by side: people reached (never alone),
everybody not reached counted as using and as abstinent (two bounds and the interval of the band), response weights and
multiple imputation from what care knew of everybody, and how different the people not reached would have to be.
Missing = using is one named scenario: the lower bound of one group's level, and no way to compare two groups.

See docs/methods/followup.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.followup_rows import Due, bound_rows, due_rows, empty_rows, responder_row, split_due
from iop_outcomes.measures.interviews import due_at, followed_episodes, followup_plan, interview_answers, target_day
from iop_outcomes.measures.nonresponse import SHIFTS, Imputation, imputed_share, shift_to, spare_people, weighted_share
from iop_outcomes.measures.rows import Row, check_group, interval_columns
from iop_outcomes.statistics import Estimate, Interval, tipping_share
from iop_outcomes.vocabulary import EndReason, OutcomePoint, OutcomeStatus, Status, Substance, UseResult

_INSTRUMENT = "abstinent_30"
_SOURCES = ("urine", "breath", "self_report")
#: Readings of one month that can be compared between groups, with their estimand.
_READINGS: dict[str, str] = {
    "followup_response": "proportion",
    "abstinent_responders": "proportion",
    "abstinent_missing_using": "proportion",
    "abstinent_missing_sober": "proportion",
    "abstinent_weighted": "adjusted_proportion",
    "abstinent_imputed": "adjusted_proportion",
}
_TIPPING = {"abstinent_tipping": "tipping_point", "abstinent_shift": "tipping_point"}
_EVERY = {"followup_due": "count", **_READINGS, **_TIPPING}
_SQUARE_AND_ADD = "square and add of the two intervals (Zou & Donner 2008), groups taken to share no person"
_ALL_REACHED = "everyone due was reached"
_SIGN = (
    "counting people not reached as using points the other way than the estimate for everyone due: "
    "the sign of this difference depends on the rule for people not reached"
)


@dataclass(frozen=True)
class _Reading:
    """One group's interviews read in every way; a reading that cannot be had is absent from ``shares``."""

    due: Due
    shares: Mapping[str, Interval | Estimate]
    rows: tuple[Row, ...]


def measure_abstinence(
    cohort: Cohort,
    *,
    months: Sequence[int] | None = None,
    by: str | None = None,
    reference: str | None = None,
    window: int | None = None,
    target: float = 0.5,
    imputations: int = 20,
    seed: int = 20040101,
) -> Estimates:
    """How many of everyone due had gone 30 days without use, and how far could people not reached move that?

    ``months`` and ``window`` (days before and after the follow-up day) come from ``[followup]`` of program.toml unless
    given. Rows for each month (``at`` the follow-up day): followup_due, followup_response, abstinent_responders,
    abstinent_missing_using and abstinent_missing_sober (the bounds, both with the interval of the band),
    abstinent_weighted, abstinent_imputed, abstinent_tipping (the share of people not reached who would have to be
    abstinent for ``target`` of everyone due to be) and abstinent_shift (how far their log odds would have to lie from
    those of like people who were reached). With ``by`` and ``reference`` every reading's difference from the reference
    group, and the abstinent_shift of the group's people not reached at which the imputed difference vanishes.
    Empty where the records hold no follow-up interview. The same ``seed`` gives the same imputations.

    Raises :class:`UsageError` for a group or reference the cohort does not have, and for months, a window, a target or a
    number of imputations that make no sense.
    """
    check_group(by, cohort.groups)
    chosen, days = followup_plan(cohort, months, window)
    if reference is not None and by is None:
        raise UsageError("reference names a group: say by which column with by=")
    if not 0 < target < 1 or imputations < 2:
        raise UsageError("target lies between 0 and 1, and imputations are 2 or more")
    episodes = _episodes(cohort, by)
    if reference is not None and reference not in set(episodes[by].dropna().astype(str)):
        raise UsageError("reference is not a group of this cohort")
    settings = {**cohort.settings, "followup_window": days, "abstinence_target": target}
    settings |= {"imputations": imputations, "imputation_seed": seed}
    answers = read_abstinence(cohort)
    if answers.empty:
        return Estimates.from_rows([], settings)
    plan = Imputation(imputations, seed)
    earlier = pd.Series(np.nan, index=episodes.index)
    rows: list[Row] = []
    for month in chosen:
        at = target_day(month)
        frame = due_at(episodes, answers, month, chosen, days)
        frame = frame.assign(**_known_by(frame, at, earlier))
        earlier = frame["answer"].fillna(earlier)
        readings = [_read(due, target, plan) for due in split_due(frame, by, _INSTRUMENT, at)]
        for reading in readings:
            rows += reading.rows
        rows += _contrasts(readings, reference, plan)
    return Estimates.from_rows(rows, settings)


def read_abstinence(cohort: Cohort) -> pd.DataFrame:
    """Every follow-up interview's thirty-day abstinence (1 or 0), as :func:`interview_answers` gives it."""
    return interview_answers(cohort, _INSTRUMENT, _abstinent())


def _abstinent() -> nw.Expr:
    """1 without use, 0 with any; not having used one substance alone says nothing."""
    result, about = nw.col("result"), nw.col("substance")
    whole = about.is_null() | (about == str(Substance.ANY))
    sober = nw.when((result == str(UseResult.NEGATIVE)) & whole).then(nw.lit(1.0))
    return nw.when(result == str(UseResult.POSITIVE)).then(nw.lit(0.0)).otherwise(sober)


def _episodes(cohort: Cohort, by: str | None) -> pd.DataFrame:
    """Episodes with what care knew of them: sessions, severity, days of use before, and the last test or report of use."""
    columns = ["exit_day", "cause", "sessions_early", "sessions_attended", "severity", "days_used_30"]
    frame = followed_episodes(cohort, *columns, *([by] if by else []))
    during = ~(nw.col("point") == str(OutcomePoint.FOLLOWUP)) & (nw.col("status") == str(OutcomeStatus.DONE))
    tests = cohort.outcomes.filter(nw.col("instrument").is_in(_SOURCES) & during)
    day = nw.coalesce(nw.col("day"), nw.col("week") * 7 - 1)
    last = reductions.collect(
        tests.select(
            "episode_id",
            *(nw.when(nw.col("result") == str(result)).then(day).alias(f"{result}_day") for result in UseResult),
        )
        .group_by("episode_id")
        .agg(*(nw.col(f"{result}_day").max() for result in UseResult))
    ).set_index("episode_id")
    days = {result: frame["episode_id"].map(last[f"{result}_day"]).astype("float64").fillna(-1) for result in UseResult}
    negative, positive = days[UseResult.NEGATIVE], days[UseResult.POSITIVE]
    return frame.assign(last_negative=negative > positive, last_positive=(positive >= negative) & (positive >= 0))


def _known_by(frame: pd.DataFrame, at: int, earlier: pd.Series) -> dict[str, pd.Series]:
    """Whether each stay still went on or had been completed by a day, and what the latest interview before it said."""
    completed = frame["cause"] == 1 + EndReason.codes().index(str(EndReason.COMPLETED))
    stayed = completed | (frame["cause"] == 0) | (frame["exit_day"] > at)
    return {"stayed": stayed, "earlier_sober": earlier == 1, "earlier_using": earlier == 0}


def _read(due: Due, target: float, plan: Imputation) -> _Reading:
    """All readings of one group at one month."""
    if due.frame.empty:
        return _Reading(due, {}, tuple(empty_rows(due, _EVERY)))
    sober = due.answer == 1
    shares: dict[str, Interval | Estimate] = {
        "followup_response": due.share(due.reached),
        "abstinent_missing_using": due.share(sober),
        "abstinent_missing_sober": due.share(sober | ~due.reached),
    }
    if due.reached.any():
        shares["abstinent_responders"] = due.share(sober, due.reached)
    rows = [*due_rows(due), responder_row(due, sober, "abstinent_responders")]
    rows += bound_rows(due, sober, "abstinent_missing_using", "abstinent_missing_sober")
    for definition, found in (
        ("abstinent_weighted", weighted_share(due)),
        ("abstinent_imputed", imputed_share(due, plan)),
    ):
        columns: Row = {"status": str(Status.NOT_ESTIMABLE), "note": found} if isinstance(found, str) else {}
        if not isinstance(found, str):
            shares[definition] = found
            columns = interval_columns(found)
        columns["residual_df"] = spare_people(due)
        rows.append(due.row(definition, "adjusted_proportion", n=int(sober.sum()), **columns))
    rows.append(_tipping_row(due, sober, target))
    rows.append(_shift_row(due, sober, target, plan, found if isinstance(found, str) else ""))
    return _Reading(due, shares, tuple(rows))


def _tipping_row(due: Due, sober: np.ndarray, target: float) -> Row:
    """The share of people not reached who would have to be abstinent for everyone due to be at the target."""
    count, size = int(sober.sum()), len(due.frame)
    share = tipping_share(count, int(due.reached.sum()), size, target)
    note = f"share of people not reached who must have been abstinent for everyone due to reach {target:.0%}"
    columns: Row = {"value": share, "method": "solved exactly", "note": note}
    if due.reached.all():
        columns = {"status": str(Status.NOT_ESTIMABLE), "note": _ALL_REACHED}
    elif np.isnan(share):
        side = "above" if count > target * size else "below"
        note = f"whatever people not reached did, the share of everyone due lies {side} {target:.0%}"
        columns = {"status": str(Status.NOT_REACHED), "note": note}
    return due.row("abstinent_tipping", "tipping_point", n=count, **columns)


def _shift_row(due: Due, sober: np.ndarray, target: float, plan: Imputation, refusal: str) -> Row:
    """How different people not reached must be from like people who were, for everyone due to be at the target."""
    if refusal or due.reached.all():
        columns: Row = {"status": str(Status.NOT_ESTIMABLE), "note": refusal or _ALL_REACHED}
    else:
        columns = _shift_columns(due, target, plan, f"everyone due would reach {target:.0%}")
    return due.row("abstinent_shift", "tipping_point", n=int(sober.sum()), **columns)


def _shift_columns(due: Due, level: float, plan: Imputation, then: str) -> Row:
    shift = shift_to(due, level, plan)
    columns: Row = {
        "method": f"pattern mixture, {plan.times} imputations for each shift from {SHIFTS[0]:g} to {SHIFTS[-1]:g}"
    }
    if np.isnan(shift):
        return {
            **columns,
            "status": str(Status.NOT_REACHED),
            "note": f"there is no shift within {SHIFTS[-1]:g} at which {then}",
        }
    note = f"shift of log odds of abstinence among people not reached at which {then}"
    return {**columns, "value": shift, "note": note}


def _contrasts(readings: Sequence[_Reading], reference: str | None, plan: Imputation) -> Iterator[Row]:
    """Every reading's difference of each group from the reference, and when the imputed one would vanish."""
    groups = {reading.due.group.group: reading for reading in readings if reading.due.group.by != "all"}
    against = groups.get(reference) if reference is not None else None
    if against is None:
        return
    for name, reading in groups.items():
        if name is None or name == reference:
            continue
        gaps = {
            definition: _gap(reading.shares[definition], against.shares[definition])
            for definition in _READINGS
            if definition in reading.shares and definition in against.shares
        }
        best = next((gaps[one] for one in ("abstinent_imputed", "abstinent_weighted") if one in gaps), None)
        for definition in _READINGS:
            found = gaps.get(definition)
            columns: Row = interval_columns(found) if found else {"status": str(Status.NOT_ESTIMABLE)}
            if definition == "abstinent_missing_using" and found and best and found.value * best.value < 0:
                columns["note"] = _SIGN
            yield _contrast_row(reading, against, definition, "difference", **columns)
        if "abstinent_imputed" in gaps:
            level = float(against.shares["abstinent_imputed"].value)
            columns = _shift_columns(reading.due, level, plan, "the imputed difference would vanish")
            yield _contrast_row(reading, against, "abstinent_shift", "tipping_point", **columns)


def _gap(one: Interval | Estimate, other: Interval | Estimate) -> Interval:
    """The difference of two shares of different people, its limits from the limits of both."""
    value = one.value - other.value
    low = value - np.hypot(one.value - one.low, other.high - other.value)
    high = value + np.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, low, high, one.conf_level, _SQUARE_AND_ADD)


def _contrast_row(one: _Reading, other: _Reading, definition: str, estimand: str, **columns: object) -> Row:
    """A row that rests on the people of both groups: the counts of the two rows it compares, added."""
    both = pd.concat([one.due.frame, other.due.frame])
    if definition == "abstinent_responders":
        both = both[both["answer"].notna()]
    sides = [row for reading in (one, other) for row in reading.rows if row["definition"].startswith(f"{definition}@")]
    counts: Row = {name: sum(side[name] for side in sides) for name in ("n", "denominator", "n_missing")}
    counts |= {"people": both["person_id"].nunique(), "reference": other.due.group.group}
    return one.due.row(definition, estimand, **{**counts, **columns})
