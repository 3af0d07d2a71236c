"""Sobriety milestones, days known sober, return to use, and test against self-report (docs/definitions/milestones.md).

Milestones are cumulative incidences among *everyone admitted*, leaving care first being a competing event, in three
readings of unknown days side by side. Milestones count from the day of admission unless the settings say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.instruments import INSTRUMENTS
from iop_outcomes.measures.rows import Row, check_group, interval_columns, split_groups
from iop_outcomes.measures.use_calendar import (
    STATES,
    Calendar,
    Reports,
    build_calendar,
    first_use_after,
    milestone_days,
)
from iop_outcomes.statistics import aalen_johansen, clustered_kappa, clustered_proportion
from iop_outcomes.vocabulary import OutcomePoint, OutcomeStatus, Substance, UseResult

#: Milestones in days, unless others are asked for.
DEFAULT_MILESTONES: tuple[int, ...] = (7, 14, 30, 60, 90)
#: Unknown days a streak bridges unless the settings say otherwise.
_BRIDGED = 7
_SOURCES = ("urine", "breath", "self_report")
_MISSED, _NEGATIVE, _POSITIVE = 1, 2, 3


@dataclass(frozen=True)
class Care:
    """A cohort's stays with their use calendar up to a horizon, one row per episode.

    ``late`` are stays that began before the records do: their first days are not known, so they are counted as missing.
    """

    stays: pd.DataFrame
    late: pd.DataFrame
    reports: pd.DataFrame
    calendar: Calendar
    end: np.ndarray
    sober_since: np.ndarray | None


def measure_milestones(
    cohort: Cohort,
    *,
    milestones: Sequence[int] = DEFAULT_MILESTONES,
    until: int = 90,
    every: int = 7,
    substance: str = "any",
    by: str | None = None,
) -> Estimates:
    """How many of everyone admitted reach 7, 14, 30 … days sober while in care, and by when?

    ``milestones`` are lengths in days; ``until`` and ``every`` the grid of days shown; ``substance`` which use counts
    (``any``, or one of the vocabulary). Rows: the three readings (confirmed, bridged, not contradicted) for each
    milestone and day; days_known (known sober, known used, unknown; they add to 1); return_to_use after each milestone
    in the bridged reading; agreement of urine test and self-report, with kappa; day_states (share of days in care in each
    of the five states of the calendar, ``at`` = week). ``until`` is the furthest day looked at.

    Settings of ``[sobriety]`` in program.toml: days a source speaks for, what a day is on which sources disagree, how many
    unknown days a streak bridges, and whether milestones count from admission or from the recorded sobriety date (from
    admission for whoever has none).

    Raises :class:`UsageError` for a substance or group it does not know.
    """
    check_group(by, cohort.groups)
    if substance not in Substance.codes():
        raise UsageError(f"substance is one of {', '.join(Substance.codes())}")
    care = read_care(cohort, substance, until, by)
    if care.reports.empty:
        return Estimates.from_rows([], cohort.settings)
    chosen = cohort.records.manifest.settings.get("sobriety", {})
    bridge = float(chosen.get("bridge_days", _BRIDGED))
    readings = {"milestone_confirmed": 0.0, "milestone_bridged": bridge, "milestone_not_contradicted": np.inf}
    grid = np.unique(np.append(np.arange(0, until + 1, every), [day for day in milestones if day <= until]))
    rows: list[Row] = []
    for length in sorted(set(milestones)):
        reached = {
            name: milestone_days(care.calendar, care.end, length, gap, care.sober_since)
            for name, gap in readings.items()
        }
        for reading, days in reached.items():
            rows += _reached(care, reading, length, days, grid, by)
        rows += _returned(care, length, reached["milestone_bridged"], by)
    rows += _days_known(care, by)
    rows += _day_states(care, by)
    rows += _agreement(care, by)
    settings = {
        **cohort.settings,
        "substance": substance,
        "bridge_days": bridge,
        "milestones_from": chosen.get("count_from", "admission"),
        "sources_disagree": chosen.get("disagreement", "mixed"),
    }
    return Estimates.from_rows(rows, settings)


def follow_milestone(cohort: Cohort, length: int, until: int, by: str) -> pd.DataFrame | None:
    """When each stay reached a milestone, unknown days bridged, or what came first, up to a day; none without reports.

    One row a stay: ``person_id``, ``by``, ``time`` and ``cause`` (1 reached, 2 left care first, 0 last seen in care).
    """
    settings = cohort.records.manifest.settings.get("sobriety", {})
    care = read_care(cohort, str(settings.get("substance") or "any"), until, by)
    if care.reports.empty:
        return None
    gap = float(settings.get("bridge_days", _BRIDGED))
    time, cause = _competing(care.stays, milestone_days(care.calendar, care.end, length, gap, care.sober_since))
    return care.stays[["person_id", by]].assign(time=time, cause=cause)


def read_care(cohort: Cohort, substance: str, until: int, by: str | None = None) -> Care:
    """The cohort's stays with what is known of use on each day of them, up to day ``until``."""
    columns = ["person_id", "exit_day", "cause", "sobriety_day", "entry_day", *([by] if by else [])]
    stays = reductions.episode_rows(cohort.episodes, *columns)
    late, stays = stays[stays["entry_day"] > 0], stays[stays["entry_day"] == 0].reset_index(drop=True)
    settings = cohort.records.manifest.settings.get("sobriety", {})
    reports = reductions.collect(_use_reports(cohort, substance, settings))
    place = pd.Index(stays["episode_id"]).get_indexer(reports["episode_id"])
    reports = reports.assign(person=place)[place >= 0].reset_index(drop=True)
    calendar = build_calendar(_as_reports(reports), len(stays), until + 1, settings.get("disagreement", "mixed"))
    end = np.minimum(stays["exit_day"].to_numpy(dtype="int64"), until)
    recorded = settings.get("count_from", "admission") == "sobriety_date"
    sober_since = stays["sobriety_day"].to_numpy(dtype="float64", na_value=np.nan) if recorded else None
    return Care(stays, late, reports, calendar, end, sober_since)


def _use_reports(cohort: Cohort, substance: str, settings: Mapping[str, Any]) -> nw.LazyFrame[Any]:
    """Reports in care that speak of the substance: the days each speaks for, its state, and who said so.

    For any substance a positive for one counts as use and a negative for one does not rule out all; for one substance a
    negative for all rules it out and a positive for any does not say which. A breath test without a substance is of alcohol.
    """
    instrument, covered = nw.col("instrument"), nw.col("days_covered")
    during = ~(nw.col("point") == str(OutcomePoint.FOLLOWUP))
    due = ~(nw.col("status") == str(OutcomeStatus.NOT_DUE))
    missed = (nw.col("status") == str(OutcomeStatus.MISSED)).fill_null(False)
    positive = (nw.col("result") == str(UseResult.POSITIVE)).fill_null(False)
    unsaid = nw.when(instrument == "breath").then(nw.lit(str(Substance.ALCOHOL))).otherwise(nw.lit(str(Substance.ANY)))
    about = nw.coalesce(nw.col("substance"), unsaid)
    any_of_them = about == str(Substance.ANY)
    if substance == Substance.ANY:
        speaks = positive | missed | any_of_them
    else:
        speaks = (about == substance) | (any_of_them & ~positive)
    for name in _SOURCES:
        days = INSTRUMENTS[name].days_covered or 0
        days = days if name == "self_report" else int(settings.get(f"{name}_days", days))
        covered = nw.when(covered.is_null() & (instrument == name)).then(nw.lit(days)).otherwise(covered)
    last = nw.coalesce(nw.col("day"), nw.col("week") * 7 - 1)
    state = nw.when(missed).then(nw.lit(_MISSED)).when(positive).then(nw.lit(_POSITIVE)).otherwise(nw.lit(_NEGATIVE))
    asked = cohort.outcomes.filter(instrument.is_in(_SOURCES) & during & due & speaks & ~last.is_null())
    return asked.select(
        "episode_id",
        (last - covered).cast(nw.Int64).alias("first"),
        last.cast(nw.Int64).alias("last"),
        state.cast(nw.Int64).alias("state"),
        (instrument == "self_report").alias("told"),
        (instrument == "urine").alias("urine"),
    )


def _as_reports(reports: pd.DataFrame) -> Reports:
    person, first, last = (reports[name].to_numpy(dtype="int64") for name in ("person", "first", "last"))
    return Reports(person, first, last, reports["state"].to_numpy(dtype="int8"), ~reports["told"].to_numpy(dtype=bool))


def _competing(
    part: pd.DataFrame, happened: np.ndarray, since: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Time and cause: 1 the event, 2 leaving care first, 0 last seen in care; days counted from ``since``."""
    exit_day = part["exit_day"].to_numpy(dtype="float64")
    event = ~np.isnan(happened)
    time = np.where(event, happened, exit_day) - since
    return time, np.where(event, 1, np.where(part["cause"].to_numpy() > 0, 2, 0))


def _reached(
    care: Care, reading: str, length: int, reached: np.ndarray, grid: np.ndarray, by: str | None
) -> Iterator[Row]:
    for group, part in split_groups(care.stays, by):
        if part.empty:
            continue
        time, cause = _competing(part, reached[part.index])
        fit = aalen_johansen(time, cause, cluster=part["person_id"].to_numpy(), causes=[1, 2])
        people = part["person_id"].nunique()
        last_seen = part.loc[cause == 0, "exit_day"].to_numpy()
        unseen = next((len(late) for other, late in split_groups(care.late, by) if other == group), 0)
        earliest = length - 1 if care.sober_since is None else 0
        for day in grid[grid >= earliest]:
            point = fit.at(day, 1)
            yield group.row(
                reading,
                "cumulative_incidence",
                category=str(length),
                at=day,
                n=float(point.events),
                denominator=len(part),
                people=people,
                n_missing=int((last_seen < day).sum()) + unseen,
                **interval_columns(point),
            )


def _returned(care: Care, length: int, reached: np.ndarray, by: str | None) -> Iterator[Row]:
    used = first_use_after(care.calendar, reached)
    used = np.where(used <= care.end, used, np.nan)
    for group, part in split_groups(care.stays, by):
        part = part[~np.isnan(reached[part.index])]
        if part.empty:
            continue
        since = reached[part.index]
        time, cause = _competing(part, used[part.index], since)
        last = care.calendar.shape[1] - 1 - since
        beyond = (cause != 1) & (time > last)
        time, cause = np.where(beyond, last, time), np.where(beyond, 0, cause)
        fit = aalen_johansen(time, cause, cluster=part["person_id"].to_numpy(), causes=[1, 2])
        last_seen = time[cause == 0]
        for day in (7, 14, 30):
            point = fit.at(day, 1)
            yield group.row(
                "return_to_use",
                "cumulative_incidence",
                category=str(length),
                at=day,
                n=float(point.events),
                denominator=len(part),
                people=part["person_id"].nunique(),
                n_missing=int((last_seen < day).sum()),
                **interval_columns(point),
            )


def _days_known(care: Care, by: str | None) -> Iterator[Row]:
    inside = np.arange(care.calendar.shape[1])[None, :] <= care.end[:, None]
    sober = ((care.calendar == _NEGATIVE) & inside).sum(axis=1)
    used = ((care.calendar == _POSITIVE) & inside).sum(axis=1)
    total = inside.sum(axis=1)
    days = care.stays.assign(known_sober=sober, known_used=used, unknown=total - sober - used, total=total)
    for group, part in split_groups(days, by):
        sums = part.groupby("person_id")[["known_sober", "known_used", "unknown", "total"]].sum().astype("float64")
        x = sums["total"].to_numpy()
        for category in ("known_sober", "known_used", "unknown"):
            y = sums[category].to_numpy()
            share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(sums))
            yield group.row(
                "days_known",
                "ratio",
                category=category,
                n=len(sums),
                denominator=len(sums),
                people=len(sums),
                **interval_columns(share),
            )


def _day_states(care: Care, by: str | None) -> Iterator[Row]:
    """Of the days people spent in care in each week, the share in each state of the calendar."""
    people, weeks = len(care.calendar), care.calendar.shape[1] // 7
    calendar = care.calendar[:, : 7 * weeks].reshape(people, weeks, 7)
    inside = np.arange(7 * weeks).reshape(weeks, 7) <= care.end[:, None, None]
    in_week = {state: ((calendar == code) & inside).sum(axis=2) for code, state in enumerate(STATES)}
    total = inside.sum(axis=2)
    for group, part in split_groups(care.stays, by):
        place = part.index.to_numpy()
        owner, names = pd.factorize(part["person_id"])
        for week in range(weeks):
            x = np.bincount(owner, total[place, week], minlength=len(names))
            here = x > 0
            for state, number in in_week.items():
                y = np.bincount(owner, number[place, week], minlength=len(names))
                share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, here.sum())
                counts = dict.fromkeys(("n", "denominator", "people"), int(here.sum()))
                yield group.row(
                    "day_states", "ratio", category=str(state), at=week + 1, **counts, **interval_columns(share)
                )


def _agreement(care: Care, by: str | None) -> Iterator[Row]:
    done = care.reports[care.reports["state"] != _MISSED]
    tests = done[done["urine"] & done["last"].between(0, care.calendar.shape[1] - 1)]
    told = done[done["told"]]
    if tests.empty or told.empty:
        return
    tests = tests.groupby(["person", "last"])["state"].max().reset_index()  # positive when any is
    reported = build_calendar(_as_reports(told), len(care.stays), care.calendar.shape[1])
    person = tests["person"].to_numpy(dtype="int64")
    said = reported[person, tests["last"].to_numpy(dtype="int64")]
    test = (tests["state"] == _POSITIVE).to_numpy()
    both = (said == _NEGATIVE) | (said == _POSITIVE)
    pairs = (
        care.stays.loc[person]
        .reset_index(drop=True)
        .assign(cell=2 * test.astype(int) + (said == _POSITIVE), known=both)
    )
    names = ("both_negative", "report_positive_only", "test_positive_only", "both_positive")
    for group, part in split_groups(pairs, by):
        known = part[part["known"]]
        if known.empty:
            continue
        cells = _count_cells(known)
        shared = {"denominator": len(known), "n_missing": len(part) - len(known)}
        for cell, name in enumerate(names):
            count = float(cells[:, cell].sum())
            people = int((cells[:, cell] > 0).sum())
            yield group.row(
                "agreement", "count", category=name, value=count, n=count, people=people, method="count", **shared
            )
        columns = interval_columns(clustered_kappa(cells))
        people = len(cells)
        yield group.row("agreement", "kappa", category="kappa", n=people, people=people, **{**shared, **columns})


def _count_cells(known: pd.DataFrame) -> np.ndarray:
    """How often each person (a row) fell into each of the four cells."""
    owner, people = pd.factorize(known["person_id"])
    return np.bincount(4 * owner + known["cell"].to_numpy(), minlength=4 * len(people)).reshape(-1, 4)
