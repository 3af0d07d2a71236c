"""Every heavy GROUP BY, written once as lazy Narwhals expressions that run on any engine Narwhals speaks.

A function here takes lazy frames and gives back either a lazy frame or something small: a :class:`Tally`, or one row
per episode with exactly the columns a statistic asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes.errors import UsageError
from iop_outcomes.schema import COVARIATES
from iop_outcomes.tally import Tally
from iop_outcomes.vocabulary import AttendanceStatus, EndReason, ExitRule

Lazy = nw.LazyFrame[Any]

_EPOCH = date(1970, 1, 1)
_ATTENDED = nw.col("status") == str(AttendanceStatus.ATTENDED)


def day_number(text: str) -> int:
    """Days since 1970-01-01 of an ISO date; ``UsageError`` when it is not one."""
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise UsageError("a date is written YYYY-MM-DD") from None


def collect(frame: Lazy) -> pd.DataFrame:
    """Run a lazy frame and bring its rows here; only for frames already small or one row an episode.

    By way of Arrow, which brings text over several times as fast. Whole numbers of which some are missing are ``Int64``,
    sums and decimals ``float64``, dates ``datetime64``.
    """
    if frame.implementation.is_pandas():
        return frame.collect().to_native()
    table = frame.collect(backend="pyarrow").to_native()
    return pd.DataFrame({name: _as_series(table[name]) for name in table.column_names})


def _as_series(column: Any) -> pd.Series:
    """An Arrow column as pandas reckons with it."""
    import pyarrow as pa  # type: ignore[import-untyped]

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    kept = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}
    return column.to_pandas(types_mapper=kept.get if column.null_count and column.type in kept else None)


def episode_clock(
    programs: Lazy,
    episodes: Lazy,
    attendance: Lazy,
    exit_rule: str,
    *,
    engaged_days: int = 14,
    records_from: int | None = None,
    groups: Mapping[str, nw.Expr] | None = None,
) -> Lazy:
    """One row per episode with its clock: exit day, cause, planned days, sessions, place in the person's history.

    ``sessions_early`` counts sessions in the first ``engaged_days``. ``entry_day`` is the day from which the episode is
    in view: 0, or the day that ``records_from`` (a day number) fell on when it began before. ``groups`` adds columns.
    An attended session without a day counts on the last day of its week, never after the recorded discharge.
    """
    seen = attendance.with_columns(nw.coalesce(nw.col("day"), nw.col("week") * 7 - 1).alias("seen_day"))
    seen = seen.select(
        "episode_id",
        nw.when(_ATTENDED).then(nw.col("seen_day")).alias("last_attended_day"),
        nw.when(_ATTENDED).then(nw.lit(1)).otherwise(nw.lit(0)).alias("sessions_attended"),
        nw.when(_ATTENDED & (nw.col("seen_day") < engaged_days))
        .then(nw.lit(1))
        .otherwise(nw.lit(0))
        .alias("sessions_early"),
    )
    contact = seen.group_by("episode_id").agg(
        nw.col("last_attended_day").max(),
        nw.col("sessions_attended").sum(),
        nw.col("sessions_early").sum(),
    )
    site = programs.select(
        "program_id",
        nw.col("label").alias("program"),
        "schedule",
        "required_hours",
        "required_hours_by_week",
        nw.col("planned_weeks").alias("program_weeks"),
    )
    discharge = nw.col("discharge_day")
    if exit_rule == ExitRule.LAST_CONTACT:
        contact_day = nw.coalesce(nw.col("last_attended_day"), nw.when(nw.col("sessions_attended") > 0).then(discharge))
        contact_day = nw.coalesce(contact_day, nw.lit(0))
        ended = nw.when(contact_day < discharge).then(contact_day).otherwise(discharge)
    else:
        ended = discharge
    still = nw.col("end_reason").is_null()
    cause = nw.lit(0)
    for position, reason in enumerate(EndReason.codes(), start=1):
        cause = nw.when(nw.col("end_reason") == reason).then(nw.lit(position)).otherwise(cause)
    clock = (
        episodes.join(contact, on="episode_id", how="left")
        .join(site, on="program_id", how="left")
        .with_columns(
            nw.col("sessions_attended").fill_null(0).cast(nw.Int64),
            nw.col("sessions_early").fill_null(0).cast(nw.Int64),
            _admission_number().alias("admission_number"),
        )
    )
    clock = clock.with_columns(
        nw.when(still).then(nw.col("observed_day")).otherwise(ended).cast(nw.Int64).alias("exit_day"),
        nw.when(still).then(nw.lit(0)).otherwise(cause).cast(nw.Int64).alias("cause"),
        nw.when(still).then(nw.col("observed_day")).otherwise(discharge).cast(nw.Int64).alias("enrolled_day"),
        (nw.coalesce(nw.col("planned_weeks"), nw.col("program_weeks")) * 7 + 0.5)
        .floor()
        .cast(nw.Int64)
        .alias("planned_days"),
        nw.concat_str(
            nw.col("admission_date").dt.year().cast(nw.String),
            nw.lit("Q"),
            ((nw.col("admission_date").dt.month() - 1) // 3 + 1).cast(nw.Int64).cast(nw.String),
        ).alias("admission_quarter"),
        nw.coalesce(nw.col("admission_year"), nw.col("admission_date").dt.year()).alias("admission_year"),
        nw.col("episode_id")
        .cum_count()
        .over("person_id", order_by=["person_day", "episode_id"])
        .cast(nw.Int64)
        .alias("episode_number"),
    )
    late = nw.lit(0) if records_from is None else nw.lit(records_from) - nw.col("admission_number")
    clock = number_ids(clock).with_columns(
        nw.when(late > 0).then(late).otherwise(nw.lit(0)).fill_null(0).cast(nw.Int64).alias("entry_day"),
        *(expression.alias(name) for name, expression in (groups or {}).items()),
    )
    return clock.select(
        "episode_id",
        "episode_code",
        "person_id",
        "program_id",
        "program",
        "level_of_care",
        "schedule",
        "admission_date",
        "admission_number",
        "admission_quarter",
        "admission_year",
        "person_day",
        "episode_number",
        "observed_day",
        "discharge_day",
        "end_reason",
        "exit_day",
        "enrolled_day",
        "cause",
        "planned_days",
        "weekly_hours",
        "sobriety_day",
        "sessions_attended",
        "sessions_early",
        "entry_day",
        "either_level",
        "age",
        "days_used_30",
        "severity",
        "prior_episodes",
        *COVARIATES,
        *(groups or {}),
    )


def number_ids(clock: Lazy) -> Lazy:
    """The clock with ``episode_id`` and ``person_id`` as whole numbers in their order, which is several times as fast to add
    up by and to match, and the episode's id of the records as ``episode_code``.

    On a cluster the numbers are the ids as they are, since numbering would send everybody through a single task.
    """
    clock = clock.with_columns(nw.col("episode_id").alias("episode_code"))
    if clock.implementation.is_spark_like():
        return clock
    first = (nw.col("episode_number") == 1).cast(nw.Int64)
    return clock.with_columns(
        nw.col("episode_code").cum_count().over(order_by="episode_code").cast(nw.Int64).alias("episode_id"),
        first.cum_sum().over(order_by=["person_id", "episode_number"]).cast(nw.Int64).alias("person_id"),
    )


def _admission_number() -> nw.Expr:
    """Days since 1970-01-01 of the admission date, by calendar arithmetic that every engine has."""
    day = nw.col("admission_date").dt
    month, early = day.month(), day.month() <= 2
    year = day.year() - early.cast(nw.Int64)
    shifted = nw.when(early).then(month + 9).otherwise(month - 3)
    number = year * 365 + year // 4 - year // 100 + year // 400 + (shifted * 153 + 2) // 5 + day.day() - 719_469
    return number.cast(nw.Int64)


def count_after_each(frame: Lazy, conditions: Sequence[nw.Expr]) -> list[tuple[int, int]]:
    """Episodes and people at the start and after each condition in turn, in one pass over the engine."""
    kept = ~nw.col("episode_id").is_null()
    columns = [kept]
    for condition in conditions:
        kept = kept & condition.fill_null(False)
        columns.append(kept)
    aggregates: list[nw.Expr] = []
    for place, expression in enumerate(columns):
        aggregates.append(nw.when(expression).then(nw.col("episode_id")).count().alias(f"e{place}"))
        aggregates.append(nw.when(expression).then(nw.col("person_id")).n_unique().alias(f"p{place}"))
        aggregates.append((~expression).cast(nw.Int64).sum().alias(f"x{place}"))
    row = collect(frame.select(*aggregates)).fillna(0).iloc[0]
    counts = []
    for place in range(len(columns)):
        nulls = 1 if row[f"x{place}"] > 0 else 0  # n_unique counts a missing person as one
        counts.append((int(row[f"e{place}"]), max(0, int(row[f"p{place}"]) - nulls)))
    return counts


def episode_rows(episodes: Lazy, *columns: str) -> pd.DataFrame:
    """One row per episode, only the columns asked for, in a fixed order (about 100 bytes a row in memory)."""
    return collect(episodes.select("episode_id", *columns)).sort_values("episode_id", ignore_index=True)


def moments(frame: Lazy, by: Sequence[str], y: nw.Expr, x: nw.Expr) -> Tally:
    """Sums, squares and cross-products of ``y`` and ``x`` over people, by the columns ``by`` (none for everyone).

    A person's rows are added up first, so that what comes back carries the person-clustered variance of a ratio.
    """
    return moments_of(frame, by, {"pair": (y, x)})["pair"]


def moments_of(frame: Lazy, by: Sequence[str], pairs: Mapping[str, tuple[nw.Expr, nw.Expr]]) -> dict[str, Tally]:
    """The moments of several pairs (y, x), by name, in one pass over the engine; a missing y or x adds nothing."""
    keys = list(by)
    sides = {f"{side}_{name}": part for name, pair in pairs.items() for side, part in zip("yx", pair, strict=True)}
    rows = frame.select(
        "person_id", *keys, *(part.cast(nw.Float64).fill_null(0.0).alias(side) for side, part in sides.items())
    )
    person = rows.group_by("person_id", *keys).agg(*(nw.col(side).sum() for side in sides))
    products = {f"{one}{two}_{name}": (one, two, name) for name in pairs for one, two in ("yy", "xy", "xx")}
    person = person.with_columns(
        *((nw.col(f"{one}_{name}") * nw.col(f"{two}_{name}")).alias(key) for key, (one, two, name) in products.items())
    )
    sums = [nw.col("person_id").count().alias("clusters"), *(nw.col(key).sum() for key in (*sides, *products))]
    if keys:
        table = collect(person.group_by(*keys).agg(*sums)).sort_values(keys, ignore_index=True, na_position="last")
    else:
        table = collect(person.select(*sums)).fillna(0.0)
    parts = ("y", "x", "yy", "xy", "xx")
    tallies = {}
    for name in pairs:
        own = [*keys, "clusters", *(f"{part}_{name}" for part in parts)]
        tallies[name] = Tally(
            "moments", tuple(keys), table[own].set_axis([*keys, "clusters", *(f"sum_{part}" for part in parts)], axis=1)
        )
    return tallies


def person_ratios(frame: Lazy, by: Sequence[str], y: nw.Expr, x: nw.Expr) -> Lazy:
    """One row per person and group: ``ratio``, a person's own y for each x; people without any x are left out."""
    rows = frame.select("person_id", *by, y.cast(nw.Float64).alias("y"), x.cast(nw.Float64).alias("x"))
    totals = rows.group_by("person_id", *by).agg(nw.col("y").sum(), nw.col("x").sum()).filter(nw.col("x") > 0)
    return totals.with_columns((nw.col("y") / nw.col("x")).alias("ratio"))


def unit_totals(frame: Lazy, keys: Sequence[str], y: nw.Expr, x: nw.Expr) -> pd.DataFrame:
    """``events`` (sum of y) and ``trials`` (sum of x) by the key columns, such as one row an episode; in a fixed order."""
    rows = frame.select(*keys, y.cast(nw.Float64).alias("events"), x.cast(nw.Float64).alias("trials"))
    totals = collect(rows.group_by(*keys).agg(nw.col("events").sum(), nw.col("trials").sum()))
    return totals.sort_values(list(keys), ignore_index=True, na_position="last")


def counts(frame: Lazy, *by: str) -> Tally:
    """Rows and different people by the columns in ``by``; a missing group is a group of its own."""
    sums = [nw.len().alias("n"), nw.col("person_id").n_unique().alias("people")]
    if not by:
        return Tally("counts", (), collect(frame.select(*sums)).fillna(0))
    result = collect(frame.group_by(*by).agg(*sums))
    return Tally("counts", by, result.sort_values(list(by), ignore_index=True, na_position="last"))


def episode_weeks(episodes: Lazy, attendance: Lazy, plan: Lazy, *keep: str) -> Lazy:
    """One row per episode and week of its planned course or stay, whichever is longer, with hours asked and attended.

    ``plan`` holds ``program_id``, ``week``, ``plan_hours`` for every week that may be asked for. Columns: ``week``,
    ``required`` (hours asked in a whole week), ``days_planned`` and ``days_enrolled`` (days of the week inside the
    planned course, and inside the stay), ``complete`` (1 when the person was in the programme for the whole week),
    ``offered``, ``attended`` (hours), ``hours_unknown`` (attended sessions without hours), ``week_start`` (day
    number).
    """
    done = hours_by_week(attendance)
    start = (nw.col("week") - 1) * 7
    weeks = episodes.join(plan, on="program_id", how="inner").with_columns(
        _clip(nw.col("planned_days") - start).alias("days_planned"),
        _clip(nw.col("enrolled_day") + 1 - start).alias("days_enrolled"),
        nw.coalesce(nw.col("weekly_hours"), nw.col("plan_hours")).alias("required"),
        (nw.col("admission_number") + start).alias("week_start"),
    )
    weeks = weeks.filter((nw.col("days_planned") > 0) | (nw.col("days_enrolled") > 0))
    weeks = weeks.join(done, on=["episode_id", "week"], how="left").with_columns(
        nw.col("offered").fill_null(0.0),
        nw.col("attended").fill_null(0.0),
        nw.col("hours_unknown").fill_null(0),
        (nw.col("days_enrolled") >= 7).cast(nw.Int64).alias("complete"),
    )
    return weeks.select(
        "episode_id",
        "person_id",
        "program_id",
        "week",
        "week_start",
        "required",
        "days_planned",
        "days_enrolled",
        "complete",
        "offered",
        "attended",
        "hours_unknown",
        "observed_day",
        "planned_days",
        *keep,
    )


def hours_by_week(attendance: Lazy) -> Lazy:
    """Hours offered and attended by episode and week; a session the programme cancelled was not offered."""
    sessions = attendance.select("episode_id", "week", *session_hours())
    return sessions.group_by("episode_id", "week").agg(
        nw.col("offered").sum(), nw.col("attended").sum(), nw.col("hours_unknown").sum()
    )


def session_hours() -> tuple[nw.Expr, ...]:
    """Hours of one session: ``offered`` (0 when the programme cancelled it), ``attended``, and what is missing.

    ``hours_unknown`` is 1 for an attended session without hours, ``offer_unknown`` for one held without its length.
    """
    cancelled = nw.col("status") == str(AttendanceStatus.CANCELLED)
    offered, attended = nw.col("hours_offered"), nw.col("hours_attended")
    one, none = nw.lit(1), nw.lit(0)
    return (
        nw.when(~cancelled).then(offered).otherwise(nw.lit(0.0)).fill_null(0.0).cast(nw.Float64).alias("offered"),
        nw.when(_ATTENDED).then(attended).otherwise(nw.lit(0.0)).fill_null(0.0).cast(nw.Float64).alias("attended"),
        nw.when(_ATTENDED & attended.is_null()).then(one).otherwise(none).cast(nw.Int64).alias("hours_unknown"),
        nw.when(~cancelled & offered.is_null()).then(one).otherwise(none).cast(nw.Int64).alias("offer_unknown"),
    )


def placed_sessions(episodes: Lazy, attendance: Lazy, *keep: str) -> Lazy:
    """Sessions with their person, the columns ``keep`` of the episode, and the days they may have been on.

    ``session_day`` is the session's own day, else the last day of its week, never after the recorded discharge or the
    last day seen; ``earliest_day`` its own day, else the first day of its week. Both are missing for a session that has
    neither a day nor a week.
    """
    episode = episodes.select(
        "episode_id", "person_id", nw.coalesce(nw.col("discharge_day"), nw.col("observed_day")).alias("last_day"), *keep
    )
    week_end = nw.col("week") * 7 - 1
    last = nw.when(week_end > nw.col("last_day")).then(nw.col("last_day")).otherwise(week_end)
    return attendance.join(episode, on="episode_id", how="inner").with_columns(
        nw.coalesce(nw.col("day"), last).alias("session_day"),
        nw.coalesce(nw.col("day"), (nw.col("week") - 1) * 7).alias("earliest_day"),
    )


def _clip(days: nw.Expr) -> nw.Expr:
    return nw.when(days < 0).then(nw.lit(0)).when(days > 7).then(nw.lit(7)).otherwise(days).cast(nw.Int64)
