"""Which rows have to be looked at closely: on the engine, in a pass or two over each table, a condition for every rule.

A screen finds the people (the episodes) with a row that might break a rule; it may find too many and never too few. The
rows of all others are in use as they stand; those of the ones found go through the rules one by one, which alone decide,
count and say what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Literal

import narwhals as nw

from iop_outcomes.instruments import Instrument
from iop_outcomes.records.engine import Engine, Lazy
from iop_outcomes.records.scanned import NUMBER, ODD
from iop_outcomes.vocabulary import AttendanceStatus, OutcomePoint, OutcomeStatus

#: Later than any day of the records.
_NEVER = 10_000_000


def screen_episodes(typed: Lazy, programs: Lazy, as_of: int | None) -> Lazy:
    """Episodes with their times worked out. ``programs`` are those in use (id and level of care), ``as_of`` a day number."""
    admitted, given_year = nw.col("admission_date" + NUMBER), nw.col("admission_year")
    levels = programs.select("program_id", nw.col("level_of_care").alias("_level"), nw.lit(True).alias("_known"))
    frame = typed.join(levels, on="program_id", how="left")
    year = nw.col("admission_date").dt.year().cast(nw.Int64)
    counted = nw.lit(None).cast(nw.Int64) if as_of is None else (nw.lit(as_of) - admitted).cast(nw.Int64)
    odd = [
        nw.col(ODD),
        nw.col("_known").is_null(),
        admitted.is_null() & given_year.is_null(),
        _true(year != given_year),
    ]
    if as_of is not None:
        odd += [_true(nw.col(name + NUMBER) > as_of) for name in ("admission_date", "discharge_date", "sobriety_date")]
    times = {}
    for name in ("discharge", "sobriety"):
        days, wrong = _settle(f"{name}_date", f"{name}_day", admitted)
        times[f"{name}_day"] = days
        odd += wrong
    discharge, observed = times["discharge_day"], nw.coalesce(nw.col("observed_day"), counted)
    odd += [
        _true(discharge < 0),
        nw.col("end_reason").is_null() != discharge.is_null(),
        _true(nw.col("observed_day") > counted),
        observed.is_null(),
        _true(discharge > observed),
    ]
    frame = frame.with_columns(
        _any(odd).alias(ODD),
        nw.coalesce(year, given_year).alias("admission_year"),
        nw.coalesce(nw.col("level_of_care"), nw.col("_level")).alias("level_of_care"),
        observed.alias("observed_day"),
        *(days.alias(name) for name, days in times.items()),
        (admitted - nw.col("person_day")).alias("_origin"),
    )
    return _screen_people(frame)


def _screen_people(frame: Lazy) -> Lazy:
    """The day since each person's first admission; ids that stand twice, stays that overlap, days that disagree."""
    admitted, person = nw.col("admission_date" + NUMBER), "person_id"
    frame = frame.with_columns(nw.lit(1).alias("_one"))
    frame = frame.with_columns(
        nw.col("_origin").min().over(person).alias("_first_origin"),
        nw.col("_origin").max().over(person).alias("_last_origin"),
        admitted.min().over(person).alias("_first"),
        nw.col("_one").sum().over(person).alias("_stays"),
        nw.col("_one").sum().over("episode_id").alias("_same"),
    )
    first = nw.coalesce(nw.col("_first_origin"), nw.col("_first"))
    day = nw.coalesce(admitted - first, nw.col("person_day"))
    day = nw.when(day.is_null() & (nw.col("_stays") == 1)).then(nw.lit(0)).otherwise(day).cast(nw.Int64)
    frame = frame.with_columns(day.alias("person_day"))
    frame = frame.with_columns(
        nw.coalesce(nw.col("person_day") + nw.col("discharge_day"), nw.lit(_NEVER)).cast(nw.Int64).alias("_end")
    )
    earlier = nw.col("_end").shift(1).over("person_id", "program_id", order_by=["person_day", "_end"])
    frame = frame.with_columns(earlier.alias("_earlier"))
    odd = [
        nw.col(ODD),
        nw.col("_same") > 1,
        nw.col("person_day").is_null(),
        _true(nw.col("_first_origin") != nw.col("_last_origin")),
        _true(nw.col("person_day") < nw.col("_earlier")),
    ]
    return frame.with_columns(_any(odd).alias(ODD))


def time_rows(typed: Lazy, stays: Lazy, columns: Sequence[str]) -> Lazy:
    """The sessions or assessments of the episodes in ``stays``, with their day and week."""
    frame = _settle_days(typed, stays, "inner")
    counted = nw.when(nw.col("_day") >= 0).then(nw.col("_day") // 7 + 1)
    times = {"day": nw.col("_day"), "week": nw.coalesce(counted, nw.col("week"))}
    return frame.select(*(times[name].cast(nw.Int64).alias(name) if name in times else name for name in columns))


def _settle_days(typed: Lazy, stays: Lazy, how: Literal["left", "inner"]) -> Lazy:
    """The rows beside the times of their episode, with the day counted from the date, or as given."""
    frame = typed.join(stays, on="episode_id", how=how)
    return frame.with_columns(_settle("date", "day", nw.col("_admitted"))[0].cast(nw.Int64).alias("_day"))


def find_odd_attendance(typed: Lazy, stays: Lazy, as_of: int | None, engine: Engine) -> list[Lazy]:
    """Episodes with a session to be looked at closely. ``stays`` are those of the episodes in use."""
    frame = _settle_days(typed, stays, "left")
    day, given = nw.col("_day"), nw.col("week")
    earliest = nw.coalesce(day, (given - 1) * 7)
    offered, attended, status = nw.col("hours_offered"), nw.col("hours_attended"), nw.col("status")
    was_there = status == str(AttendanceStatus.ATTENDED)
    odd = [
        nw.col(ODD),
        nw.col("_known").is_null(),
        _all_null("date", "day", "week", "visit"),
        *([] if as_of is None else [_true(nw.col("date" + NUMBER) > as_of)]),
        *_settle("date", "day", nw.col("_admitted"))[1],
        _true(given != day // 7 + 1),
        _true(day < 0),
        _true(earliest > nw.col("_discharge")),
        _true(earliest > nw.col("_observed")),
        _true(attended > offered + 1e-9),
        _true(was_there & (attended == 0)),
        _true(~was_there & (attended > 0)),
    ]
    return [frame.filter(_any(odd)).select("episode_id"), *_find_same_day(frame, engine)]


def _find_same_day(frame: Lazy, engine: Engine) -> list[Lazy]:
    """Episodes with sessions of one day that add up to more than 24 hours, and with rows that may stand twice."""
    busy = frame.group_by("episode_id", "_day").agg(
        nw.len().alias("_n"), nw.col("hours_offered").sum().alias("_o"), nw.col("hours_attended").sum().alias("_a")
    )
    busy = engine.lift(busy.filter(nw.col("_n") > 1))
    over = busy.filter(~nw.col("_day").is_null() & ((nw.col("_o") > 24) | (nw.col("_a") > 24)))
    told_apart = frame.filter(~(nw.col("_day").is_null() & nw.col("visit").is_null()))
    several = told_apart.join(busy.select("episode_id").unique("episode_id"), on="episode_id", how="semi")
    named = ["episode_id", "_day", "week", "visit", "service_type", "modality", "hours_offered", "hours_attended"]
    return [over.select("episode_id"), _find_again(several, [*named, "status"], engine)]


def find_odd_outcomes(
    typed: Lazy, stays: Lazy, instruments: Mapping[str, Instrument], as_of: int | None, engine: Engine
) -> list[Lazy]:
    """Episodes with an assessment to be looked at closely. ``stays`` are those of the episodes in use."""
    frame = _settle_days(typed, stays, "left")
    day, point, status = nw.col("_day"), nw.col("point"), nw.col("status")
    due = status != str(OutcomeStatus.NOT_DUE)
    undated = _all_null("date", "day")
    during = (point == str(OutcomePoint.WEEK)) & nw.col("week").is_null()
    later = (point == str(OutcomePoint.FOLLOWUP)) & nw.col("month").is_null()
    odd = [
        nw.col(ODD),
        nw.col("_known").is_null(),
        undated & _true(during | later),
        *([] if as_of is None else [_true((nw.col("date" + NUMBER) > as_of) & due)]),
        *_settle("date", "day", nw.col("_admitted"))[1],
        _true((day > nw.col("_observed")) & due),
    ]
    answers = ["instrument", "score", "result", "status"]
    answered = engine.digest(frame.select("episode_id", *answers), answers, "_answer")
    different = engine.lift(answered.select(*answers, "_answer").unique())
    wrong = different.filter(~_fits(instruments).fill_null(False)).select("_answer").unique()
    misfits = answered.join(wrong, on="_answer", how="semi").select("episode_id")
    named = ["episode_id", "_day", "week", "point", "month", "instrument", "substance", "score", "result"]
    again = _find_again(frame, [*named, "days_covered", "status"], engine)
    return [frame.filter(_any(odd)).select("episode_id"), misfits, again]


def _find_again(frame: Lazy, names: Sequence[str], engine: Engine) -> Lazy:
    """Episodes with rows that may stand twice: whose cells in ``names`` come to the same number."""
    frame = engine.digest(frame.select(*names), names, "_digest")
    again = frame.group_by("_digest").agg(nw.len().alias("_n")).filter(nw.col("_n") > 1)
    return frame.join(engine.lift(again), on="_digest", how="semi").select("episode_id")


def _fits(instruments: Mapping[str, Instrument]) -> nw.Expr:
    """Whether score, result and status are what the instrument asks for."""
    score, result, name = nw.col("score"), nw.col("result"), nw.col("instrument")
    done = nw.col("status") == str(OutcomeStatus.DONE)
    empty = score.is_null() & result.is_null()
    fits: list[nw.Expr] = []
    for key, one in instruments.items():
        right = result.is_null() if not one.results else (result.is_null() | result.is_in(list(one.results)))
        if one.kind == "scale":
            low, high = one.low, one.high
            inside = score.is_null()
            bounds = [*([] if low is None else [score >= low]), *([] if high is None else [score <= high])]
            within = reduce(lambda a, b: a & b, bounds) if bounds else ~score.is_null()
            right = right & (inside | within.fill_null(False)) & (~done | ~score.is_null())
        else:
            right = right & (~done | ~result.is_null())
        fits.append((name == key) & right & (done | empty))
    return _any(fits)


def find_stays(episodes: Lazy) -> Lazy:
    """What a session or an assessment has to be held against."""
    return episodes.select(
        "episode_id",
        nw.col("admission_date" + NUMBER).alias("_admitted"),
        nw.col("discharge_day").alias("_discharge"),
        nw.col("observed_day").alias("_observed"),
        nw.lit(True).alias("_known"),
    )


def _settle(dated: str, day: str, admitted: nw.Expr) -> tuple[nw.Expr, list[nw.Expr]]:
    """The day counted from the date, else the day as given; odd where the two differ or the date cannot be counted."""
    number, given = nw.col(dated + NUMBER), nw.col(day)
    counted = number - admitted
    return nw.coalesce(counted, given), [_true(given != counted), ~number.is_null() & admitted.is_null()]


def _all_null(*names: str) -> nw.Expr:
    return reduce(lambda a, b: a & b, [nw.col(name).is_null() for name in names])


def _any(conditions: Sequence[nw.Expr]) -> nw.Expr:
    return reduce(or_, conditions)


def _true(condition: nw.Expr) -> nw.Expr:
    """A condition that is never unknown: what is unknown is not true."""
    return condition.fill_null(False)
