"""Who came: people and episodes, what is known of them at admission, and how complete the records are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import narwhals as nw
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.instruments import INSTRUMENTS
from iop_outcomes.measures.rows import Group, Row
from iop_outcomes.records.program import instruments_of
from iop_outcomes.schema import COVARIATES
from iop_outcomes.statistics import standardised_difference
from iop_outcomes.vocabulary import AttendanceStatus, OutcomeStatus

#: Covariates of Table 1, in its order.
TABLE_ONE: tuple[str, ...] = ("schedule", *COVARIATES)


def measure_people(cohort: Cohort, *, characteristics: Sequence[str] = TABLE_ONE) -> Estimates:
    """Who came: how many people and episodes, how many for the first time, and what is known of them at admission?

    Rows: ``admissions`` (episodes, and people), ``first_admission`` (episodes that are the person's first in the records)
    and ``characteristic``: of all episodes, the share in each group of each characteristic (``by`` and ``group``), a
    missing group being those for whom it is not recorded. Shares describe everyone admitted and carry no interval.
    """
    frame = reductions.episode_rows(cohort.episodes, "person_id", "episode_number", *characteristics)
    everyone, total = Group(), len(frame)
    people = frame["person_id"].nunique()
    rows: list[Row] = [
        everyone.row("admissions", "count", category="episodes", value=total, n=total, people=people, method="count"),
        everyone.row("admissions", "count", category="people", value=people, n=people, people=people, method="count"),
        _share(everyone, "first_admission", "first_admission", frame["episode_number"] == 1, frame),
        _share(everyone, "characteristic", "episodes", frame["episode_id"].notna(), frame),
    ]
    for name in characteristics:
        if frame[name].isna().all():
            continue
        for value, mask in _groups(frame[name]):
            row = _share(Group(name, value), "characteristic", "episodes", mask, frame)
            rows.append({**row, "people": frame.loc[mask, "person_id"].nunique()})
    return Estimates.from_rows(rows, cohort.settings)


def compare_people(cohort: Cohort, reference: Cohort, *, characteristics: Sequence[str] = TABLE_ONE) -> Estimates:
    """How far do the people of one cohort differ from those of another at admission?

    One standardised mean difference a category, (p - q) / √((p(1-p) + q(1-q)) / 2), shares among those recorded
    (Yang & Dalton 2012; Austin 2009, doi:10.1002/sim.3697). An absolute value of 0.1 or more is usually called a
    difference. Empty when either cohort is.
    """
    one = reductions.episode_rows(cohort.episodes, "person_id", *characteristics)
    other = reductions.episode_rows(reference.episodes, "person_id", *characteristics)
    if one.empty or other.empty:
        return Estimates.from_rows([], cohort.settings)
    rows: list[Row] = []
    for name in characteristics:
        for value, mask in _groups(one[name]):
            against = (other[name].dropna().astype(str) == value).mean()
            if value is None or against != against:
                continue
            share = mask[one[name].notna()].mean()
            apart = standardised_difference(share, against)
            known = {"value": apart} if apart == apart else {"status": "not_estimable"}
            rows.append(
                Group(name, value).row(
                    "characteristic_difference",
                    "smd",
                    category="episodes",
                    n=float(mask.sum()),
                    denominator=len(one),
                    people=one["person_id"].nunique(),
                    n_missing=int(one[name].isna().sum()),
                    method="standardised mean difference",
                    **known,
                )
            )
    return Estimates.from_rows(rows, cohort.settings)


def measure_completeness(cohort: Cohort) -> Estimates:
    """How complete are the records these figures rest on?

    Rows of definition ``completeness``: the share of episodes with each characteristic recorded, of attended sessions
    with hours, of missed sessions with a date, and of assessments due that were made, by instrument.
    """
    frame = reductions.episode_rows(cohort.episodes, "person_id", *COVARIATES)
    rows = [_share(Group(), "completeness", name, frame[name].notna(), frame) for name in COVARIATES]
    rows += _sessions_known(cohort)
    rows += _assessments_made(cohort)
    known = instruments_of(cohort.records.manifest.settings)
    labels = {name: one.label for name, one in known.items() if one != INSTRUMENTS.get(name)}
    return Estimates.from_rows(rows, {**cohort.settings, **({"instrument_labels": labels} if labels else {})})


def _groups(column: pd.Series) -> Iterator[tuple[str | None, pd.Series]]:
    text = column.astype(object).where(column.notna(), None)
    for value in sorted({str(value) for value in text if value is not None}):
        yield value, text.astype(str) == value
    if column.isna().any():
        yield None, column.isna()


def _share(group: Group, definition: str, category: str, mask: pd.Series, frame: pd.DataFrame) -> Row:
    count, total = int(mask.sum()), len(frame)
    people = frame["person_id"].nunique()
    if total == 0:
        return group.row(definition, "proportion", category=category, n=0, denominator=0, status="not_estimable")
    return group.row(
        definition,
        "proportion",
        category=category,
        n=count,
        denominator=total,
        people=people,
        value=count / total,
        method="share",
    )


def _known_share(category: str, table: pd.DataFrame) -> Row:
    known, total, people = (int(table[name].iloc[0]) for name in ("known", "total", "people"))
    if total == 0:
        return Group().row("completeness", "proportion", category=category, n=0, denominator=0, status="not_estimable")
    return Group().row(
        "completeness",
        "proportion",
        category=category,
        n=known,
        denominator=total,
        people=people,
        value=known / total,
        method="share",
    )


def _sessions_known(cohort: Cohort) -> Iterator[Row]:
    sessions = cohort.attendance.join(cohort.episodes.select("episode_id", "person_id"), on="episode_id", how="inner")
    came = nw.col("status") == str(AttendanceStatus.ATTENDED)
    for category, which, known in (
        ("hours of attended sessions", came, ~nw.col("hours_attended").is_null()),
        ("date of missed sessions", ~came, ~nw.col("day").is_null()),
    ):
        table = sessions.filter(which).select(
            known.cast(nw.Int64).sum().fill_null(0).alias("known"),
            nw.len().alias("total"),
            nw.col("person_id").n_unique().alias("people"),
        )
        yield _known_share(category, reductions.collect(table).fillna(0))


def _assessments_made(cohort: Cohort) -> Iterator[Row]:
    due = cohort.outcomes.filter(~(nw.col("status") == str(OutcomeStatus.NOT_DUE))).join(
        cohort.episodes.select("episode_id", "person_id"), on="episode_id", how="inner"
    )
    due = due.with_columns((nw.col("status") == str(OutcomeStatus.DONE)).cast(nw.Int64).alias("known"))
    table = reductions.collect(
        due.group_by("instrument").agg(
            nw.col("known").sum(),
            nw.len().alias("total"),
            nw.col("person_id").n_unique().alias("people"),
        )
    ).sort_values("instrument")
    for instrument, line in table.groupby("instrument", sort=True):
        yield _known_share(f"{instrument} made when due", line)
