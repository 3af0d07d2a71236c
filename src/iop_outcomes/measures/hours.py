"""The hours ladder, required → offered → attended, and the weeks that met the requirement (docs/definitions/hours.md).

People are enrolled until the recorded discharge, whatever exit rule a cohort has: hours are asked and offered as long as
a place is held, and the weeks between the last session attended and the discharge are weeks in which nothing was attended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.plan import closed_days, plan_weeks, prorates
from iop_outcomes.measures.rows import (
    Group,
    Row,
    check_group,
    group_of,
    moment_lines,
    moments_ratio,
    moments_share,
    most_of_two,
)
from iop_outcomes.vocabulary import AttendanceStatus, ServiceType, Status

Lazy = nw.LazyFrame[Any]

_ONE = nw.lit(1)
#: Sessions of which both the hours offered and, when attended, the hours attended are known.
_PAIRED = (nw.col("hours_unknown") == 0) & (nw.col("offer_unknown") == 0)
_UPTAKE = (nw.col("paired_attended"), nw.col("paired_offered"))
#: Stays whose whole planned course lies behind and was in view.
_MATURE = (nw.col("observed_day") + 1 >= nw.col("planned_days")) & (nw.col("entry_day") == 0)
#: What is added up of the sessions, and of the weeks and sessions together.
_GIVEN = ("offered", "attended", "hours_unknown", "offer_unknown", "paired_offered", "paired_attended", "unpaired")
_HOURS = ("required", *_GIVEN)


def measure_hours(cohort: Cohort, *, by: str | None = None) -> Estimates:
    """Are people getting their hours?

    Rows: hours required, offered and attended (sums); offered of required, attended of offered; hours completed of the
    whole planned course with whoever left early included, beside hours completed while enrolled, and the mean of each
    person's own completion beside both; the share of complete person-weeks known to have met the requirement, and the
    share that may have (a week that fell short with hours unknown counts as met); and hours offered, attended and their
    ratio by service type. People are enrolled until the recorded discharge, whatever the exit rule, and in view from the
    day the records begin. Ratios of sums with people as clusters (linearised, Student t). Where the records hold no hours
    the rows say so.

    ``[hours] partial_weeks = "prorate"`` in program.toml also counts first and last weeks that were not whole, against
    their days' share of the requirement; the method then says so.
    """
    check_group(by, cohort.groups)
    keep = [by] if by else []
    weeks = cohort_weeks(cohort, *keep)
    sessions = _sessions(cohort, *keep)
    rows: list[Row] = []
    rows += _ladder(weeks, sessions, by)
    rows += _whole_course(cohort, weeks, sessions, by)
    rows += share_of_weeks(counted_weeks(cohort, *keep), by, prorates(cohort.records))
    rows += _services(sessions, by)
    return Estimates.from_rows(rows, cohort.settings)


def cohort_weeks(cohort: Cohort, *keep: str) -> Lazy:
    """Episode-weeks of a cohort with hours required, offered and attended, and whether the programme was open.

    ``days_enrolled`` are the days of a week enrolled and in view: from the day the records begin to the discharge.
    ``open`` is 0 where the programme was closed on one of them. ``unplaced`` is 1 where the episode has an attended
    session with neither a day nor a week, which may have been in any of its weeks.
    """
    weeks = cohort.keep("weeks", lambda: _every_week(cohort))
    if not keep:
        return weeks
    return weeks.join(cohort.episodes.select("episode_id", *keep), on="episode_id", how="inner")


def _every_week(cohort: Cohort) -> Lazy:
    longest = reductions.collect(
        cohort.episodes.select(
            nw.max_horizontal(nw.col("planned_days"), nw.col("enrolled_day") + 1).max().alias("days")
        )
    )["days"].iloc[0]
    last_week = 1 if pd.isna(longest) else max(1, -(-int(longest) // 7))
    plan = cohort.records.lift(plan_weeks(cohort.records, last_week))
    attendance = _in_view(cohort)
    weeks = reductions.episode_weeks(cohort.episodes, attendance, plan, "entry_day")
    late = nw.col("entry_day") - (nw.col("week") - 1) * 7
    late = nw.when(late > 7).then(nw.lit(7)).when(late > 0).then(late).otherwise(nw.lit(0))
    weeks = weeks.with_columns(
        (nw.col("week_start") + late).alias("first_day"),
        (nw.col("week_start") + nw.col("days_enrolled") - 1).alias("last_day"),
        nw.max_horizontal(nw.col("days_enrolled") - late, nw.lit(0)).cast(nw.Int64).alias("days_enrolled"),
    ).with_columns((nw.col("days_enrolled") == 7).cast(nw.Int64).alias("complete"))
    lost = attendance.filter((nw.col("status") == str(AttendanceStatus.ATTENDED)) & nw.col("week").is_null())
    lost = lost.select("episode_id").unique().with_columns(nw.lit(1).alias("unplaced"))
    weeks = weeks.join(lost, on="episode_id", how="left").with_columns(nw.col("unplaced").fill_null(0))
    closures = closed_days(cohort.records)
    if closures.empty:
        return weeks.with_columns(_ONE.alias("open"))
    closed = weeks.join(cohort.records.lift(closures), on="program_id", how="inner").filter(
        (nw.col("closed_from") <= nw.col("last_day")) & (nw.col("closed_to") >= nw.col("first_day"))
    )
    closed = closed.select("episode_id", "week").unique().with_columns(nw.lit(0).alias("open"))
    return weeks.join(closed, on=["episode_id", "week"], how="left").with_columns(nw.col("open").fill_null(1))


def counted_weeks(cohort: Cohort, *keep: str) -> Lazy:
    """The weeks that are held against the weekly requirement, with ``met`` and ``unknown`` (1 or 0).

    Whole weeks enrolled in which the programme was open every day and asked for hours; with ``partial_weeks =
    "prorate"`` part weeks too, asked for their days' share. A week is met when its known hours reach what was asked;
    one that falls short is unknown where a session attended lacks its hours or its week.
    """
    prorated = prorates(cohort.records)
    inside = (nw.col("days_enrolled") > 0) if prorated else (nw.col("complete") == 1)
    asked = nw.col("required") * nw.col("days_enrolled") / 7 if prorated else nw.col("required")
    met = nw.col("attended") + 1e-9 >= asked
    doubtful = ~met & ((nw.col("hours_unknown") > 0) | (nw.col("unplaced") == 1))
    weeks = cohort_weeks(cohort, *keep).filter(inside & (nw.col("open") == 1) & (nw.col("required") > 0))
    return weeks.with_columns(met.cast(nw.Int64).alias("met"), doubtful.cast(nw.Int64).alias("unknown"))


def _in_view(cohort: Cohort) -> Lazy:
    """Sessions on or after the day from which an episode is in view; all of them unless the records begin later."""
    if cohort.records.manifest.settings.get("records_from") is None:
        return cohort.attendance
    sessions = cohort.attendance.join(cohort.episodes.select("episode_id", "entry_day"), on="episode_id", how="inner")
    day = nw.coalesce(nw.col("day"), nw.col("week") * 7 - 1)
    return sessions.filter(day.is_null() | (day >= nw.col("entry_day"))).drop("entry_day")


def _sessions(cohort: Cohort, *keep: str) -> Lazy:
    """Hours by person, service type, and whether they fell in the planned course of a stay that has it behind (``course``)."""
    episode = dict.fromkeys(("planned_days", "observed_day", "entry_day", *keep))
    sessions = reductions.placed_sessions(cohort.episodes, _in_view(cohort), *episode)
    early = nw.col("earliest_day").is_null() | (nw.col("earliest_day") < nw.col("planned_days"))
    paired = nw.when(_PAIRED)
    sessions = sessions.with_columns(
        *reductions.session_hours(), nw.when(_MATURE & early).then(_ONE).otherwise(nw.lit(0)).alias("course")
    ).with_columns(
        paired.then(nw.col("offered")).otherwise(nw.lit(0.0)).alias("paired_offered"),
        paired.then(nw.col("attended")).otherwise(nw.lit(0.0)).alias("paired_attended"),
        paired.then(nw.lit(0)).otherwise(_ONE).cast(nw.Int64).alias("unpaired"),
    )
    sums = (nw.col(name).sum() for name in _GIVEN)
    return cohort.records.lift(sessions.group_by("person_id", "service_type", "course", *keep).agg(*sums))


def _stacked(weeks: Lazy, required: nw.Expr, sessions: Lazy, *keep: str) -> Lazy:
    """Hours required from the weeks above hours offered and attended from the sessions: none of either is lost."""
    zero = nw.lit(0.0)
    asked = (required, *(zero for _ in _GIVEN))
    given = (zero, *(nw.col(name) for name in _GIVEN))
    parts = [
        frame.select(
            "person_id",
            *keep,
            *(column.cast(nw.Float64).alias(name) for name, column in zip(_HOURS, columns, strict=True)),
        )
        for frame, columns in ((weeks, asked), (sessions, given))
    ]
    return nw.concat(parts)


def _ladder(weeks: Lazy, sessions: Lazy, by: str | None) -> Iterator[Row]:
    required = nw.col("required") * nw.col("days_enrolled") / 7
    inside = weeks.filter(nw.col("days_enrolled") > 0)
    hours = _stacked(inside, required, sessions, *([by] if by else []))
    pairs = {
        "enrolled": (nw.col("attended"), nw.col("required")),
        "fidelity": (nw.col("offered"), nw.col("required")),
        "uptake": _UPTAKE,
        "unknown": (nw.col("hours_unknown"), nw.col("offer_unknown")),
        "unpaired": (nw.col("unpaired"), _ONE),
    }
    missing_hours: dict[tuple[str, str | None], float] = {}
    for group, lines in moment_lines(hours, by, pairs):
        enrolled, fidelity = lines["enrolled"], lines["fidelity"]
        unattended, unoffered = lines["unknown"]["sum_y"], lines["unknown"]["sum_x"]
        missing_hours[group.by, group.group] = unattended
        yield _total(group, "hours_required", "all", enrolled, "x", 0)
        yield _total(group, "hours_offered", "all", fidelity, "y", unoffered)
        yield _total(group, "hours_attended", "all", enrolled, "y", unattended)
        for name, line, missing in (
            ("hours_completion_enrolled", enrolled, unattended),
            ("fidelity", fidelity, unoffered),
            ("uptake", lines["uptake"], lines["unpaired"]["sum_y"]),
        ):
            row = group.row(name, "ratio", category="all", n_missing=missing, **moments_ratio(line))
            yield _known(row, line["sum_y"], missing)
    yield from _mean_of_people(hours, by, "while_enrolled", missing_hours)


def _mean_of_people(
    hours: Lazy, by: str | None, category: str, missing: dict[tuple[str, str | None], float]
) -> Iterator[Row]:
    """The mean of each person's own hours attended of required: a short stay counts as much as a long one."""
    for key in (None, by) if by else (None,):
        keys = [key] if key else []
        ratios = reductions.person_ratios(hours, keys, nw.col("attended"), nw.col("required"))
        for _, line in reductions.moments(ratios, keys, nw.col("ratio"), _ONE).frame.iterrows():
            group = group_of(line, key)
            unknown = missing.get((group.by, group.group), 0)
            columns = {**moments_ratio(line), "method": "mean of people's own ratios, Student"}
            row = group.row("hours_completion_person", "mean", category=category, n_missing=unknown, **columns)
            yield _known(row, line["sum_y"], unknown)


def _total(group: Group, name: str, category: str, line: pd.Series, side: str, missing: float) -> Row:
    """The sum of one side of a moments line, ``"y"`` or ``"x"``."""
    hours = line[f"sum_{side}"]
    counts = dict.fromkeys(("n", "denominator", "people"), line["clusters"])
    shared = {"n_missing": missing, "top_two": most_of_two(hours, line[f"sum_{side}{side}"]), **counts}
    row = group.row(name, "sum", category=category, value=hours, method="sum", **shared)
    return _known(row, hours, missing)


def _known(row: Row, hours: float, missing: float) -> Row:
    """Without any hours in the records a sum or ratio is not 0 but unknown."""
    if hours > 0 or missing == 0:
        return row
    blank = dict.fromkeys(("value", "ci_low", "ci_high", "conf_level"))
    return {**row, **blank, "status": "not_estimable", "note": "the records hold no hours"}


def _whole_course(cohort: Cohort, weeks: Lazy, sessions: Lazy, by: str | None) -> Iterator[Row]:
    required = nw.col("required") * nw.col("days_planned") / 7
    keep = [by] if by else []
    hours = _stacked(
        weeks.filter(_MATURE & (nw.col("days_planned") > 0)), required, sessions.filter(nw.col("course") == 1), *keep
    )
    pairs = {
        "course": (nw.col("attended"), nw.col("required")),
        "unknown": (nw.col("hours_unknown"), nw.col("offer_unknown")),
    }
    found = {(group.by, group.group): lines for group, lines in moment_lines(hours, by, pairs)}
    waiting = nw.when(_MATURE).then(nw.lit(0)).otherwise(nw.lit(1))
    late = nw.when(nw.col("entry_day") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
    for group, lines in moment_lines(cohort.episodes, by, {"waiting": (waiting, late)}):
        immature, entered_late = lines["waiting"]["sum_y"], lines["waiting"]["sum_x"]
        course = found.get((group.by, group.group))
        if course is None or course["course"]["sum_x"] == 0:
            nobody = dict.fromkeys(("n", "denominator", "people"), 0)
            status = str(Status.IMMATURE) if immature > entered_late else str(Status.NOT_ESTIMABLE)
            shared = {"category": "all", "n_missing": immature, "status": status, **nobody}
            yield group.row("hours_completion_admitted", "ratio", **shared)
            continue
        line, unknown = course["course"], course["unknown"]["sum_y"]
        row = group.row("hours_completion_admitted", "ratio", category="all", n_missing=immature, **moments_ratio(line))
        yield _known(row, line["sum_y"], unknown)
    yield from _mean_of_people(
        hours, by, "whole_course", {key: lines["unknown"]["sum_y"] for key, lines in found.items()}
    )


def share_of_weeks(weeks: Lazy, by: str | None, prorated: bool) -> Iterator[Row]:
    """The share of counted weeks known to have met the requirement, and the share that may have."""
    possible = (nw.col("met") == 1) | (nw.col("unknown") == 1)
    pairs = {
        "requirement_met": (nw.col("met"), _ONE),
        "requirement_not_ruled_out": (possible.cast(nw.Int64), _ONE),
        "known": (nw.col("attended"), nw.col("unknown")),
    }
    for group, lines in moment_lines(weeks, by, pairs):
        hours, missing = lines["known"]["sum_y"], lines["known"]["sum_x"]
        for name in ("requirement_met", "requirement_not_ruled_out"):
            columns = moments_share(lines[name])
            columns["method"] += "; part weeks prorated" if prorated else ""
            row = group.row(name, "proportion", category="all", n_missing=missing, **columns)
            yield _known(row, hours, missing)


def _services(sessions: Lazy, by: str | None) -> Iterator[Row]:
    """Hours offered, attended and attended of offered by service type; the hours add to those of the ladder."""
    pairs = {
        "hours": (nw.col("attended"), nw.col("offered")),
        "uptake": _UPTAKE,
        "unknown": (nw.col("hours_unknown"), nw.col("offer_unknown")),
        "unpaired": (nw.col("unpaired"), _ONE),
    }
    for key in (None, by) if by else (None,):
        tallies = reductions.moments_of(sessions, ("service_type", *([key] if key else [])), pairs)
        for service in ServiceType.codes():
            for place in tallies["hours"].frame.index[tallies["hours"].frame["service_type"] == service]:
                lines = {name: tally.frame.loc[place] for name, tally in tallies.items()}
                yield from _service(group_of(lines["hours"], key), service, lines)


def _service(group: Group, service: str, lines: dict[str, pd.Series]) -> Iterator[Row]:
    hours, unknown, unpaired = lines["hours"], lines["unknown"], lines["unpaired"]["sum_y"]
    yield _total(group, "hours_offered", service, hours, "x", unknown["sum_x"])
    yield _total(group, "hours_attended", service, hours, "y", unknown["sum_y"])
    row = group.row("uptake", "ratio", category=service, n_missing=unpaired, **moments_ratio(lines["uptake"]))
    yield _known(row, lines["uptake"]["sum_y"], unpaired)
