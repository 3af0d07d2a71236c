"""Attendance of one group beside another's: plain differences, and differences among comparable people.

Claims about schedules, working people and telehealth rest on these rows (docs/definitions/claims.md, claims 2 and 7).
Both kinds of difference are associations: nobody was assigned to a schedule by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.attendance import HELD
from iop_outcomes.measures.hours import counted_weeks, share_of_weeks
from iop_outcomes.measures.plan import prorates
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, moment_lines, moments_share
from iop_outcomes.statistics import Estimate, standardised_shares, stratified_difference
from iop_outcomes.vocabulary import DesignWord, Modality, Status

#: What is compared: the definition of the shares, and the status a session must have.
OUTCOMES: dict[str, str] = {
    "attended": "held_sessions",
    "no_show": "held_sessions",
    "requirement_met": "requirement_met",
}
#: Characteristics at admission that are adjusted for unless others are named.
ADJUST: tuple[str, ...] = ("employment", "primary_substance", "severity", "age", "gender")
_NUMBERS = ("age", "severity", "days_used_30", "prior_episodes")
#: Columns of a session, not of an episode.
_OF_SESSION = ("modality", "service_type")
#: Fewest people in a group that is compared, and in a category that is adjusted for by itself.
_FEWEST = 10
_SESSIONS = nw.col("sessions")
#: Share of missed sessions without a modality above which modalities are not compared.
_UNSAID = 0.1


def compare_attendance(
    cohort: Cohort,
    *,
    by: str = "schedule",
    what: str = "attended",
    reference: str | None = None,
    adjust: Sequence[str] | None = None,
) -> Estimates:
    """Do people of one schedule, employment or modality attend more than others, and still so among comparable people?

    ``by`` is a group of the cohort or ``modality`` (telehealth beside in person; a person may have both). ``what`` is
    ``attended`` or ``no_show`` (of sessions held) or ``requirement_met`` (of the weeks that count). ``reference`` is the
    group the others are compared with (default: the one with most people). ``adjust`` names characteristics at admission
    (default: employment, primary substance, severity, age, gender; for modality the kind of session too); an empty tuple
    leaves the adjusted rows out.

    Rows: the share of everyone and of each group; the plain ``difference`` to the reference; of definition
    ``attendance_adjusted`` each group's share with everybody's mix of characteristics (logistic regression
    standardised) and its difference; for modality ``attendance_within_person``, the difference inside people's own
    episodes. People are clusters throughout. A characteristic that is not recorded is a category of its own, and
    categories of fewer than ten people are put together; numbers enter as straight lines on the log-odds. A row without
    a value says why: a group of fewer than ten people, everyone or no one in it, or a model that cannot be fitted.

    Raises :class:`UsageError` for a word it does not know.
    """
    check_group(by, (*cohort.groups, "modality"))
    if what not in OUTCOMES:
        raise UsageError(f"what is one of {', '.join(OUTCOMES)}")
    if by == "modality" and what == "requirement_met":
        raise UsageError("a week is not held one way or the other: compare sessions by modality")
    chosen = _chosen(cohort, by, what, adjust)
    shares = list(_shares(cohort, by, what))
    table = _table(cohort, by, what, chosen)
    known = table[table["group"].notna()]
    people = known.groupby("group")["person_id"].nunique().sort_index()
    if reference is not None and reference not in people.index:
        raise UsageError("reference is one of the groups that occur in the column to compare by")
    if len(people) < 2:
        return Estimates.from_rows(shares, cohort.settings)
    base = reference or str(people.idxmax())
    rows = [*_plain(known, by, what, base), *_adjusted(known, by, what, base, chosen)]
    if by == "modality":
        rows += _within(known, what, base)
    said = all(row.get("status") != str(Status.NOT_ESTIMABLE) for row in shares if row["by"] != by)
    if not said:
        rows = [_without(row, "the records hold no hours") for row in rows]
    elif by == "modality" and _unsaid(cohort) > _UNSAID:
        note = "how missed sessions would have been held is often not recorded"
        rows = [_without(row, note) for row in rows]
        shares = [_without(row, note) if row["by"] == by else row for row in shares]
    return Estimates.from_rows([*shares, *rows], cohort.settings)


def _chosen(cohort: Cohort, by: str, what: str, adjust: Sequence[str] | None) -> tuple[str, ...]:
    """The characteristics adjusted for, in order and once."""
    of_session = () if what == "requirement_met" else _OF_SESSION
    if adjust is None:
        return tuple(name for name in (*ADJUST, *(_OF_SESSION[1:] if by == "modality" else ())) if name != by)
    allowed = [name for name in (*cohort.groups, *_NUMBERS, *of_session) if name != by]
    for name in adjust:
        if name not in allowed:
            raise UsageError(f"adjust names characteristics among {', '.join(allowed)}")
    return tuple(dict.fromkeys(adjust))


def _where(status: str) -> nw.Expr:
    """The sessions of this status."""
    return nw.when(nw.col("status") == status).then(_SESSIONS).otherwise(nw.lit(0))


def _held(cohort: Cohort, *keep: str, of_session: Sequence[str] = ()) -> nw.LazyFrame[Any]:
    """Sessions held, as many as are alike (``sessions``) by episode, what became of them, and what else is told apart."""
    keys = ("episode_id", "status", *of_session)

    def tally() -> nw.LazyFrame[Any]:
        held = cohort.attendance.filter(nw.col("status").is_in(HELD))
        return held.group_by(*keys).agg(nw.len().alias("sessions"))

    sessions = cohort.keep(" ".join(keys), tally)
    return sessions.join(cohort.episodes.select("episode_id", "person_id", *keep), on="episode_id", how="inner")


def _shares(cohort: Cohort, by: str, what: str) -> Iterator[Row]:
    keep = [] if by == "modality" else [by]
    if what == "requirement_met":
        weeks = share_of_weeks(counted_weeks(cohort, *keep), by, prorates(cohort.records))
        yield from (row for row in weeks if row["definition"].startswith("requirement_met@"))
        return
    held = _held(cohort, *keep, of_session=["modality"] if by == "modality" else ())
    for group, lines in moment_lines(held, by, {what: (_where(what), _SESSIONS)}):
        yield group.row(OUTCOMES[what], "proportion", category=what, **moments_share(lines[what]))


def _table(cohort: Cohort, by: str, what: str, chosen: Sequence[str]) -> pd.DataFrame:
    """One row an episode (and kind of session, where that is compared or adjusted for): events of trials, group, covariates."""
    wanted = dict.fromkeys((by, *chosen))
    if what == "requirement_met":
        totals = reductions.unit_totals(counted_weeks(cohort), ["episode_id"], nw.col("met"), nw.lit(1))
    else:
        of_session = [name for name in wanted if name in _OF_SESSION]
        held = _held(cohort, of_session=of_session)
        totals = reductions.unit_totals(held, ["episode_id", *of_session], _where(what), _SESSIONS)
    of_episode = [name for name in wanted if name not in _OF_SESSION]
    table = totals.merge(reductions.episode_rows(cohort.episodes, "person_id", *of_episode), on="episode_id")
    return table.assign(group=table[by].astype(object).where(table[by].notna(), None))


def _refusals(table: pd.DataFrame) -> dict[str, str]:
    """Why a group cannot be compared, by group; empty where it can."""
    reasons = {}
    for group, part in table.groupby("group"):
        events, trials = part["events"].sum(), part["trials"].sum()
        if part["person_id"].nunique() < _FEWEST:
            reasons[str(group)] = f"fewer than {_FEWEST} people"
        elif events in (0, trials):
            reasons[str(group)] = "all or none in the group: nothing to compare"
        else:
            reasons[str(group)] = ""
    return reasons


def _counts(table: pd.DataFrame, *groups: str) -> Row:
    part = table[table["group"].isin(groups)]
    counts = {"n": part["events"].sum(), "denominator": part["trials"].sum()}
    return {**counts, "people": part["person_id"].nunique()}


def _pick(estimate: Estimate, place: int) -> Row:
    low, high = float(estimate.low[place]), float(estimate.high[place])
    parts = (float(estimate.value[place]), float(estimate.std_error[place]), low, high)
    return interval_columns(Estimate(*parts, estimate.conf_level, estimate.method))


def _plain(table: pd.DataFrame, by: str, what: str, base: str) -> Iterator[Row]:
    """The difference of each group's share to the reference's, two groups at a time."""
    reasons = _refusals(table)
    category = "all" if what == "requirement_met" else what
    for group in (name for name in reasons if name != base):
        part = table[table["group"].isin([base, group])]
        note = reasons[group] or (reasons[base] and f"the reference: {reasons[base]}")
        columns: Row = {"status": str(Status.NOT_ESTIMABLE), "note": note}
        if not note:
            made = standardised_shares(
                part["events"], part["group"], trials=part["trials"], cluster=part["person_id"], reference=base
            )
            columns = {**_pick(made.difference, made.groups.index(group)), "note": made.reason or None}
        columns |= {"category": category, "reference": base, **_counts(table, base, group)}
        word = str(DesignWord.ASSOCIATED)
        yield {**Group(by, group).row(OUTCOMES[what], "difference", **columns), "design_word": word}


def _adjusted(table: pd.DataFrame, by: str, what: str, base: str, chosen: Sequence[str]) -> Iterator[Row]:
    """Shares and differences with everybody's mix of characteristics, all groups that can be compared in one model."""
    if not chosen:
        return
    reasons = _refusals(table)
    groups = [name for name, reason in reasons.items() if not reason]
    part = table[table["group"].isin(groups)]
    made, used, spare = None, list(chosen), np.nan
    if base in groups and len(groups) > 1:
        columns, used = _design(part, chosen)
        spare = part["person_id"].nunique() - columns.shape[1] - len(groups)
        made = standardised_shares(
            part["events"], part["group"], columns, trials=part["trials"], cluster=part["person_id"], reference=base
        )
    unknown = table.assign(trials=table["trials"].where(table[list(chosen)].isna().any(axis="columns"), 0.0))
    listed = ", ".join(name.replace("_", " ") for name in used) or "nothing that is recorded"
    for group, reason in reasons.items():
        note = reason or (reasons[base] and f"the reference: {reasons[base]}") or (made.reason if made else "")
        for estimand, compared in (("adjusted_proportion", [group]), ("difference", [base, group])):
            if estimand == "difference" and group == base:
                continue
            value: Row = {"status": str(Status.NOT_ESTIMABLE)}
            if made is not None and not note:
                estimate = made.share if estimand == "adjusted_proportion" else made.difference
                value = _pick(estimate, made.groups.index(group))
                value["method"] = f"{value['method']}; characteristics: {listed}"
            value |= {"note": note or None, "category": what, "reference": base if len(compared) > 1 else None}
            missing = _counts(unknown, *compared)["denominator"]
            value |= {**_counts(table, *compared), "n_missing": missing, "residual_df": spare}
            yield Group(by, group).row("attendance_adjusted", estimand, **value)


def _design(table: pd.DataFrame, chosen: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Columns of the characteristics, what is not recorded a category of its own; and which of them say anything."""
    columns: list[np.ndarray] = []
    used: list[str] = []
    basis = [np.ones(len(table)) / np.sqrt(len(table))]
    for name in chosen:
        made = _numbers(table, name) if name in _NUMBERS else _categories(table, name)
        before = len(columns)
        for column in made:
            rest = column.astype(float)
            for _ in range(2):  # twice, so that rounding leaves no trace of the columns before
                for known in basis:
                    rest = rest - (known @ rest) * known
            if np.linalg.norm(rest) > 1e-8 * max(1.0, float(np.linalg.norm(column))):
                basis.append(rest / np.linalg.norm(rest))
                columns.append(column.astype(float))
        used += [name] if len(columns) > before else []
    return (np.column_stack(columns) if columns else np.empty((len(table), 0))), used


def _numbers(table: pd.DataFrame, name: str) -> list[np.ndarray]:
    """The number, the mean where it is not recorded, and an indicator of that where it concerns enough people."""
    value = table[name].to_numpy(dtype="float64", na_value=np.nan)
    lost = np.isnan(value)
    if lost.all():
        return []
    columns = [np.where(lost, value[~lost].mean(), value)]
    return [*columns, lost] if table.loc[lost, "person_id"].nunique() >= _FEWEST else columns


def _categories(table: pd.DataFrame, name: str) -> list[np.ndarray]:
    """Indicators of each category but the commonest; categories of few people together, or with the commonest."""
    value = table[name].astype(object).where(table[name].notna(), "not recorded").astype(str)
    people = table["person_id"].groupby(value).nunique().sort_values(ascending=False, kind="stable")
    rare = value.isin(people.index[people < _FEWEST])
    columns = [(value == level).to_numpy() for level in people.index[1:] if people[level] >= _FEWEST]
    return [*columns, rare.to_numpy()] if table.loc[rare, "person_id"].nunique() >= _FEWEST else columns


def _within(table: pd.DataFrame, what: str, base: str) -> Iterator[Row]:
    """Each modality against the reference inside people's own episodes, and kinds of session where they are told apart."""
    keys = ["episode_id", "person_id", *(name for name in _OF_SESSION[1:] if name in table)]
    sums = table.groupby([*keys, "group"], dropna=False)[["events", "trials"]].sum().unstack("group", fill_value=0.0)
    owner = sums.index.get_level_values("person_id").to_numpy()
    events, trials = sums["events"], sums["trials"]
    for group in sorted(set(table["group"]) - {base}):
        made = stratified_difference(events[group], trials[group], events[base], trials[base], cluster=owner)
        both = ((trials[group] > 0) & (trials[base] > 0)).to_numpy()
        people = len(set(owner[both]))
        columns = {**interval_columns(made), **dict.fromkeys(("n", "denominator", "people"), people)}
        if columns.get("status"):
            columns["note"] = f"fewer than {_FEWEST + 1} people had sessions of both kinds"
        yield Group("modality", group).row(
            "attendance_within_person", "difference", category=what, reference=base, **columns
        )


def _unsaid(cohort: Cohort) -> float:
    """The share of missed sessions of which the modality is not recorded."""
    missed = _held(cohort, of_session=["modality"]).filter(~(nw.col("status") == HELD[0]))
    known = nw.col("modality").is_in(Modality.codes()).fill_null(False)
    unsaid = nw.when(~known).then(_SESSIONS).otherwise(nw.lit(0))
    line = reductions.moments(missed, (), unsaid, _SESSIONS).frame.iloc[0]
    return float(line["sum_y"] / line["sum_x"]) if line["sum_x"] else 0.0


def _without(row: Row, note: str) -> Row:
    blank = dict.fromkeys(("value", "ci_low", "ci_high", "conf_level"))
    return {**row, **blank, "status": str(Status.NOT_ESTIMABLE), "note": note}
