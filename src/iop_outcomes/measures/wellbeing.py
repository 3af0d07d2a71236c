"""Change on scales: PHQ-9, GAD-7, BAM, BARC-10 and any scale of the programme's own (docs/definitions/change.md).

A scale is configuration: its direction, cut-off, points of reliable change, test–retest correlation and items are read
from :mod:`iop_outcomes.instruments` or from ``[instruments.NAME]`` of program.toml. What is not given is not computed.
Everybody with a baseline stays in the denominator; whoever was not asked again is *unknown*, a segment of its own.
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
from iop_outcomes.instruments import Instrument
from iop_outcomes.measures.interviews import (
    due_at,
    followed_episodes,
    followup_plan,
    interview_answers,
    target_day,
)
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, split_groups
from iop_outcomes.records.program import instruments_of
from iop_outcomes.statistics import (
    SEGMENTS,
    classify_change,
    clustered_mean,
    clustered_proportion,
    expected_regression,
    is_case,
    recovered,
    score_items,
)
from iop_outcomes.vocabulary import OutcomePoint, OutcomeStatus

#: Where the later score is taken from, and in which words.
READINGS: dict[str, str] = {
    "last": "the last assessment in care",
    "exit": "the exit assessment",
    "followup": "the follow-up interview",
}
#: Days around admission in which the first assessment counts as the baseline.
BASELINE_DAYS: tuple[int, int] = (-14, 7)
#: Days after the baseline from which an assessment in care says something new: the PHQ-9 and GAD-7 ask about two weeks.
RETEST_DAYS = 14
_VISIT = ["episode_id", "point", "day", "month"]
_UNSAID = -(10**6)


@dataclass(frozen=True)
class _Asked:
    """Everybody with a baseline on one scale: codes of people, scores before and after, and where the rows belong."""

    scale: Instrument
    person: np.ndarray
    before: np.ndarray
    after: np.ndarray
    at: float | None

    def take(self, mask: np.ndarray) -> _Asked:
        """The people of a mask."""
        return _Asked(self.scale, self.person[mask], self.before[mask], self.after[mask], self.at)


def measure_change(
    cohort: Cohort, *, scales: Sequence[str] | None = None, to: str = "last", by: str | None = None
) -> Estimates:
    """How did people's scores change, how many improved reliably, and how much of it would come by itself?

    ``scales`` are names of scale instruments (default: every scale with a direction, and the single items of those that
    have no threshold). ``to`` says where the later score comes from: ``last`` (default: the last assessment in care,
    at least 14 days after the baseline, because exit assessments are made mostly with people who complete), ``exit``
    or ``followup`` (every follow-up month with an answer; ``at`` is its day). The baseline is the first assessment from
    14 days before to 7 days after admission. Episodes whose planned end (or follow-up window) lies after the extract
    are not counted yet.

    Rows, category the scale, or scale/segment: ``baseline_mean``, ``cutoff_before``, ``cutoff_after``; ``score_before``,
    ``score_after`` and ``change_mean`` among people with both scores (``scale/cases``: those who were cases at
    baseline), with ``expected_regression``, ``improvement_cases`` and ``expected_improvement`` beside the latter;
    ``change_segment`` (improved, same, worse, unknown), ``reliable_improvement`` and ``reliable_improvement_upper``
    (unknown counted as not improved, and as improved) and ``recovery``.

    Raises :class:`UsageError` for a scale, reading or group it does not know, and for a scale that has a threshold and
    does not say which direction is better.
    """
    check_group(by, cohort.groups)
    if to not in READINGS:
        raise UsageError(f"to is one of {', '.join(READINGS)}")
    known = instruments_of(cohort.records.manifest.settings)
    chosen = _chosen(known, scales)
    said = _assessments(cohort, chosen)
    columns = ["person_id", *([by] if by else [])]
    if to == "followup":
        everyone = followed_episodes(cohort, *columns)
    else:
        everyone = _stays(cohort, *columns)
    rows: list[Row] = []
    for scale in chosen:
        of_scale = said[said["instrument"] == scale.name]
        first = _baseline(of_scale)
        if first.empty:
            continue
        episodes = _with_score(everyone, first, "before")
        if to == "followup":
            for at, pairs in _at_followup(cohort, scale, of_scale, episodes):
                rows += _rows(scale, pairs, at, by)
        else:
            rows += _rows(scale, _in_care(of_scale, first, episodes, to), None, by)
    shown = {
        one.name: {"label": one.label, "better": one.better, "low": one.low, "high": one.high, "case_at": one.case_at}
        for one in known.values()
        if one.kind == "scale" and one.better
    }
    return Estimates.from_rows(rows, {**cohort.settings, "change_to": READINGS[to], "scales": shown})


def read_improvement(cohort: Cohort, *columns: str) -> tuple[str, pd.DataFrame] | None:
    """Who improved reliably in care on the first scale that has a threshold for it and a baseline; none without one.

    The scale, and a row for each stay with a baseline whose planned end lies behind: ``person_id``, the columns asked for
    and ``improved``, which is false for whoever was not asked again.
    """
    scales = [one for one in _chosen(instruments_of(cohort.records.manifest.settings), None) if one.reliable_change]
    said = _assessments(cohort, scales)
    everyone = _stays(cohort, "person_id", *columns)
    for scale in scales:
        of_scale = said[said["instrument"] == scale.name]
        first = _baseline(of_scale)
        stays = _in_care(of_scale, first, _with_score(everyone, first, "before"), "last")
        counted = stays[stays["counted"] & stays["before"].notna()]
        if len(counted):
            person, before, after = (counted[name].to_numpy() for name in ("person_id", "before", "after"))
            asked = _Asked(scale, person, before, after, None)
            return scale.name, counted[["person_id", *columns]].assign(improved=_change(asked) == "improved")
    return None


def _stays(cohort: Cohort, *columns: str) -> pd.DataFrame:
    """The stays with what says whether their planned end lies behind."""
    return reductions.episode_rows(cohort.episodes, "observed_day", "planned_days", "cause", "entry_day", *columns)


def _chosen(known: Mapping[str, Instrument], names: Sequence[str] | None) -> list[Instrument]:
    """The scales asked for, each with what its thresholds need."""
    if names is None:
        scales = [one for one in known.values() if one.kind == "scale" and one.better]
        bare = [one for one in scales if one.case_at is None and one.reliable_change is None]
        scales += [known[item] for one in bare for item in one.items if item in known]
    else:
        can = [one.name for one in known.values() if one.kind == "scale"]
        if isinstance(names, str) or any(name not in can for name in names):
            raise UsageError(f"scales is a list of scale instruments: {', '.join(n for n in can if known[n].better)}")
        scales = [known[name] for name in dict.fromkeys(names)]
    for one in scales:
        if one.better is None and (one.case_at is not None or one.reliable_change is not None):
            raise UsageError(f"say in [instruments.{one.name}] which direction is better: lower or higher")
    return scales


def _assessments(cohort: Cohort, scales: Sequence[Instrument]) -> pd.DataFrame:
    """Every score of the scales, one row a visit and scale: as recorded, else worked out from the items of the visit.

    ``day`` is the day it was taken, else the last day of its week; without either, admission for intake and the exit
    day for exit. An undated follow-up has none.
    """
    wanted = {one.name for one in scales} | {item for one in scales for item in one.items}
    done = (nw.col("status") == str(OutcomeStatus.DONE)) & ~nw.col("score").is_null()
    frame = cohort.outcomes.filter(nw.col("instrument").is_in(sorted(wanted)) & done)
    frame = frame.join(cohort.episodes.select("episode_id", "exit_day"), on="episode_id", how="inner")
    placed = (
        nw.when(nw.col("point") == str(OutcomePoint.INTAKE))
        .then(nw.lit(0))
        .when(nw.col("point") == str(OutcomePoint.EXIT))
        .then(nw.col("exit_day"))
    )
    week = nw.when(nw.col("point") == str(OutcomePoint.WEEK)).then(nw.col("week") * 7 - 1)
    said = reductions.collect(
        frame.select(
            "episode_id", "point", nw.coalesce(nw.col("day"), week, placed).alias("day"), "month", "instrument", "score"
        )
    )
    said = said.astype({"day": "float64", "month": "float64", "score": "float64"})
    said[["day", "month"]] = said[["day", "month"]].fillna(_UNSAID)
    said = said.groupby([*_VISIT, "instrument"], as_index=False).agg({"score": "mean"})
    said = pd.concat([said, *(_worked_out(said, one) for one in scales if one.items)])
    said = said.drop_duplicates([*_VISIT, "instrument"])
    said[["day", "month"]] = said[["day", "month"]].replace(_UNSAID, np.nan)
    return said.sort_values([*_VISIT, "instrument"], ignore_index=True)


def _worked_out(said: pd.DataFrame, scale: Instrument) -> pd.DataFrame:
    """Scores from items, prorated where a few are missing."""
    items = said[said["instrument"].isin(scale.items)]
    table = items.pivot(index=_VISIT, columns="instrument", values="score").reindex(columns=list(scale.items))
    scores = score_items(table.to_numpy(dtype="float64"))
    return table.index.to_frame(index=False).assign(instrument=scale.name, score=scores).dropna(subset="score")


def _in_care(said: pd.DataFrame, first: pd.DataFrame, episodes: pd.DataFrame, to: str) -> pd.DataFrame:
    """The episodes with the later score in care, ``after``, and whether their planned end lies behind, ``counted``."""
    points = [str(OutcomePoint.EXIT), *([str(OutcomePoint.WEEK)] if to == "last" else [])]
    later = said[said["point"].isin(points)]
    since = later["day"] - later["episode_id"].map(first.set_index("episode_id")["day"]).astype("float64")
    later = later[since >= (RETEST_DAYS if to == "last" else 1)]
    # Exit comes before week in the alphabet: of two on one day the exit assessment is kept.
    last = later.sort_values(["episode_id", "day", "point"], ascending=[True, False, True]).drop_duplicates(
        "episode_id"
    )
    over = episodes["observed_day"].astype("float64") + 1 >= episodes["planned_days"].astype("float64")
    unplanned = episodes["planned_days"].isna() & (episodes["cause"] > 0)
    return _with_score(episodes, last, "after").assign(counted=(over | unplanned) & (episodes["entry_day"] == 0))


def _at_followup(
    cohort: Cohort, scale: Instrument, said: pd.DataFrame, episodes: pd.DataFrame
) -> Iterator[tuple[float, pd.DataFrame]]:
    """Each follow-up day with the episodes, their score then, ``after``, and whether they were due, ``counted``."""
    told = said[said["point"] == str(OutcomePoint.FOLLOWUP)]
    if told.empty:
        return
    months, window = followup_plan(cohort, None, None)
    sign = -1.0 if scale.better == "lower" else 1.0  # due_at takes the less favourable of two: higher is to be better
    told = told.assign(answer=sign * told["score"], status=str(OutcomeStatus.DONE))
    told = pd.concat([interview_answers(cohort, scale.name, sign * nw.col("score")), told])
    for month in months:
        due = due_at(episodes, told, month, months, window)
        yield target_day(month), due.assign(after=sign * due["answer"], counted=due["due"])


def _baseline(said: pd.DataFrame) -> pd.DataFrame:
    """The first assessment around admission of every episode, one row each; intake before week on the same day."""
    early = said["point"].isin([str(OutcomePoint.INTAKE), str(OutcomePoint.WEEK)]) & said["day"].between(*BASELINE_DAYS)
    return said[early].sort_values(["episode_id", "day", "point"]).drop_duplicates("episode_id")


def _with_score(episodes: pd.DataFrame, picked: pd.DataFrame, name: str) -> pd.DataFrame:
    score = episodes["episode_id"].map(picked.set_index("episode_id")["score"])
    return episodes.assign(**{name: score.astype("float64")})


def _rows(scale: Instrument, episodes: pd.DataFrame, at: float | None, by: str | None) -> Iterator[Row]:
    """Every row of one scale, for everyone and for each group."""
    for group, part in split_groups(episodes, by):
        counted = part[part["counted"].to_numpy(dtype=bool) & part["before"].notna().to_numpy()]
        if counted.empty:
            continue
        person, _ = pd.factorize(counted["person_id"])
        before, after = (counted[name].to_numpy(dtype="float64") for name in ("before", "after"))
        asked = _Asked(scale, person, before, after, at)
        yield from _of_everyone(group, asked, len(part))
        if scale.reliable_change is not None:
            yield from _segments(group, asked, len(part))
        if scale.case_at is not None:
            yield from _of_cases(group, asked)


def _of_everyone(group: Group, asked: _Asked, admitted: int) -> Iterator[Row]:
    """Means, and how many lie at or above the cut-off before and after."""
    both, scale = asked.take(~np.isnan(asked.after)), asked.scale
    without, lost = admitted - len(asked.before), len(asked.before) - len(both.before)
    yield _mean(group, "baseline_mean", scale.name, asked, asked.before, without)
    yield from _before_and_after(group, scale.name, both, lost)
    if scale.case_at is None:
        return
    high = asked.before >= scale.case_at
    yield _share(group, "cutoff_before", "at_or_above", asked, high, without)
    known, after = ~np.isnan(asked.after), asked.after >= scale.case_at
    parts = {"at_or_above": known & after, "below": known & ~after, "unknown": ~known}
    for segment, mask in parts.items():
        yield _share(group, "cutoff_after", segment, asked, mask, without)


def _segments(group: Group, asked: _Asked, admitted: int) -> Iterator[Row]:
    """Improved, same, worse, unknown; and the band that the unknown leave open."""
    change, without = _change(asked), admitted - len(asked.before)
    for segment in SEGMENTS:
        yield _share(group, "change_segment", segment, asked, change == segment, without)
    improved = change == "improved"
    yield _share(group, "reliable_improvement", "improved", asked, improved, without)
    either = improved | (change == "unknown")
    yield _share(group, "reliable_improvement_upper", "improved_or_unknown", asked, either, without)


def _of_cases(group: Group, everyone: _Asked) -> Iterator[Row]:
    """What became of people who were cases, beside what would have come by itself."""
    scale = everyone.scale
    assert scale.case_at is not None
    assert scale.better is not None
    cut: dict[str, Any] = {"case_at": scale.case_at, "better": scale.better}
    cases = everyone.take(is_case(everyone.before, **cut))
    both = cases.take(~np.isnan(cases.after))
    lost, category = len(cases.before) - len(both.before), f"{scale.name}/cases"
    if not len(cases.before):
        return
    yield from _before_and_after(group, category, both, lost)
    if scale.reliable_change is not None:
        improved = _change(both) == "improved"
        yield _share(group, "improvement_cases", "cases", both, improved, lost)
        well = recovered(cases.before, cases.after, reliable=scale.reliable_change, **cut)
        parts = {"recovered": well == 1, "not_recovered": well == 0, "unknown": np.isnan(well)}
        for segment, mask in parts.items():
            yield _share(group, "recovery", segment, cases, mask, len(everyone.before) - len(cases.before))
    if scale.retest is None:
        return
    spread = float(np.std(everyone.before, ddof=1)) if len(everyone.before) > 1 else np.nan
    alone = expected_regression(
        both.before,
        retest=scale.retest,
        mean=float(everyone.before.mean()),
        sd=spread,
        reliable=scale.reliable_change,
        **cut,
    )
    shared = {**_base(both, lost), "category": category, "method": f"bivariate normal, test-retest {scale.retest:g}"}
    yield group.row("expected_regression", "mean", **{**shared, **_value(alone.change)})
    if scale.reliable_change is not None:
        share = _value(alone.share_improved)
        yield group.row(
            "expected_improvement", "adjusted_proportion", **{**shared, **share}, residual_df=len(both.before) - 2
        )


def _before_and_after(group: Group, category: str, both: _Asked, lost: int) -> Iterator[Row]:
    """Mean before, mean after and mean change of people with both scores."""
    for definition, values in (
        ("score_before", both.before),
        ("score_after", both.after),
        ("change_mean", both.after - both.before),
    ):
        yield _mean(group, definition, category, both, values, lost)


def _change(asked: _Asked) -> np.ndarray:
    scale = asked.scale
    assert scale.reliable_change is not None
    assert scale.better is not None
    return classify_change(asked.before, asked.after, reliable=scale.reliable_change, better=scale.better)


def _mean(group: Group, definition: str, category: str, asked: _Asked, values: np.ndarray, missing: int) -> Row:
    mean = interval_columns(clustered_mean(values, asked.person))
    return group.row(definition, "mean", category=category, **_base(asked, missing), **mean)


def _share(group: Group, definition: str, segment: str, asked: _Asked, mask: np.ndarray, missing: int) -> Row:
    """The share of a mask among everybody of ``asked``, people as clusters; category scale/segment."""
    codes, person = np.unique(asked.person, return_inverse=True)
    y = np.bincount(person, mask, len(codes)).astype(float)
    x = np.bincount(person, minlength=len(codes)).astype(float)
    share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(x))
    base = {**_base(asked, missing), "n": float(y.sum())}
    category = f"{asked.scale.name}/{segment}"
    return group.row(definition, "proportion", category=category, **base, **interval_columns(share))


def _base(asked: _Asked, missing: int) -> Row:
    """What every row of these people shares: counts, follow-up day and the scale's caution."""
    n = len(asked.before)
    people = len(np.unique(asked.person))
    counts = {"n": n, "denominator": n, "people": people, "n_missing": missing}
    return {**counts, "at": asked.at, "note": asked.scale.caution or None}


def _value(value: float) -> Row:
    return {"status": "not_estimable"} if np.isnan(value) else {"value": value}
