"""Daily life: work, school, housing, contact with family and arrests, before care and after it.

Everyone admitted whose second answer could be there is counted. Whoever was not asked is a part of the whole and never
left out, so that the parts add to everyone; a role kept is also shown among those who had it, beside its bounds.

See docs/definitions/roles.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.followup_rows import Due
from iop_outcomes.measures.interviews import due_at, followed_episodes, followup_plan, interview_answers, target_day
from iop_outcomes.measures.library import load_library
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, split_groups
from iop_outcomes.records.program import instruments_of
from iop_outcomes.vocabulary import EndReason, OutcomePoint, OutcomeStatus, RoleResult, Status

#: What may have become of a role, in the order a page shows it; ``not_asked`` is whoever had it and was not asked again.
SEGMENTS: tuple[str, ...] = ("kept", "gained", "still_without", "lost", "does_not_apply", "not_asked", "unknown")
#: The same where only those who had the role are told apart.
COMBINED: tuple[str, ...] = ("kept", "lost", "not_asked", "others")
_NO, _YES, _NOT_IN_SCOPE = range(3)
_CODES = {str(RoleResult.NO): _NO, str(RoleResult.YES): _YES, str(RoleResult.NOT_IN_SCOPE): _NOT_IN_SCOPE}


def measure_roles(
    cohort: Cohort, *, to: str = "exit", month: int = 6, by: str | None = None, combine: bool = False
) -> Estimates:
    """Of everyone admitted, who kept, gained or lost work, school, a home, contact with family, and whom nobody asked?

    ``to`` is the second answer: ``"exit"``, or ``"followup"`` at ``month`` months (``at`` is its day). One definition a
    role (``role_work`` …; ``role_own`` for a programme's own, its name before the slash of the category). Categories:
    kept (had it, has it), gained, still_without, lost, does_not_apply (either answer says so), not_asked (had it, the
    second answer is missing) and unknown (any other answer missing); they add to everyone due. Three ``limit`` rows speak
    of those who had the role: kept_asked among those asked again, kept_least and kept_most with whoever was not asked
    counted as having lost or kept it. Intervals take people as clusters. With ``combine`` everybody who did not have the
    role at intake, or of whom that is not known, is put together as ``others``: what a small programme can publish.

    Due at exit are ended stays whose planned course lies behind the as-of date, so that people who leave early do not
    weigh too much among the latest admissions; due at follow-up is whoever :mod:`.interviews` says. Whoever is not due,
    or has died, is counted in ``n_missing``.

    Raises :class:`UsageError` for a group, point or month it does not know.
    """
    check_group(by, cohort.groups)
    if to not in (str(OutcomePoint.EXIT), str(OutcomePoint.FOLLOWUP)):
        raise UsageError("to is 'exit' or 'followup'")
    months, window = followup_plan(cohort, [month], None)
    settings = cohort.records.manifest.settings
    stays = followed_episodes(cohort, "cause", "planned_days", *([by] if by else []))
    rows: list[Row] = []
    for role in _asked_roles(cohort):
        before = _first_answers(cohort, role, OutcomePoint.INTAKE)
        if to == OutcomePoint.EXIT:
            ended = _due_at_exit(stays)
            told = stays.assign(due=ended, answer=stays["episode_id"].map(_first_answers(cohort, role, to)))
        else:
            planned = sorted({*(settings.get("followup", {}).get("months") or []), *months})
            told = due_at(stays, interview_answers(cohort, role, _answer()), month, planned, window)
        told = told.assign(segment=_segments(told["episode_id"].map(before), told["answer"]))
        if combine:
            told["segment"] = told["segment"].where(told["segment"].isin(COMBINED), "others")
        day = target_day(month) if to == OutcomePoint.FOLLOWUP else None
        for group, part in split_groups(told, by):
            rows += _role_rows(group, part, role, day, COMBINED if combine else SEGMENTS)
    return Estimates.from_rows(rows, cohort.settings)


def _asked_roles(cohort: Cohort) -> list[str]:
    """Roles of which the records hold any row, built-in ones first."""
    asked = _answers(cohort).group_by("instrument").agg(nw.len().alias("n"))
    found = set(reductions.collect(asked)["instrument"])
    return [name for name in _roles(cohort) if name in found]


def _roles(cohort: Cohort) -> list[str]:
    """Every role there may be rows of."""
    return [name for name, one in instruments_of(cohort.records.manifest.settings).items() if one.kind == "role"]


def _answers(cohort: Cohort) -> nw.LazyFrame[Any]:
    """Every row of a role, kept for whoever asks again."""
    rows = cohort.outcomes.filter(nw.col("instrument").is_in(_roles(cohort)))
    return cohort.keep("roles", lambda: rows.select("episode_id", "instrument", "point", "day", "status", "result"))


def _answer() -> nw.Expr:
    """A role's result as a number."""
    code = nw.lit(None, dtype=nw.Float64)
    for result, number in _CODES.items():
        code = nw.when(nw.col("result") == result).then(nw.lit(float(number))).otherwise(code)
    return nw.when(nw.col("status") == str(OutcomeStatus.DONE)).then(code)


def _first_answers(cohort: Cohort, role: str, point: str) -> pd.Series:
    """Each episode's answer at intake (the first, where it was asked twice) or at exit (the last)."""
    rows = _answers(cohort).filter((nw.col("instrument") == role) & (nw.col("point") == str(point)))
    said = reductions.collect(rows.select("episode_id", "day", _answer().alias("answer")))
    said = said.astype({"day": "float64", "answer": "float64"}).dropna(subset=["answer"])
    answers = said.sort_values(["episode_id", "day", "answer"]).groupby("episode_id")["answer"]
    return answers.last() if point == OutcomePoint.EXIT else answers.first()


def _due_at_exit(stays: pd.DataFrame) -> np.ndarray:
    """Ended stays whose planned course could have ended by the as-of date; a death is no exit to be asked at, and of
    people already in care when the records begin only those who stayed are known."""
    matured = ~(stays["observed_day"] + 1 < stays["planned_days"]).fillna(False).to_numpy(dtype=bool)
    ended = (stays["cause"] > 0).to_numpy() & (stays["end_reason"] != str(EndReason.DIED)).to_numpy()
    return matured & ended & (stays["entry_day"] == 0).to_numpy()


def _segments(before: pd.Series, after: pd.Series) -> np.ndarray:
    had, has = before.to_numpy(dtype="float64"), after.to_numpy(dtype="float64")
    conditions = [
        (had == _NOT_IN_SCOPE) | (has == _NOT_IN_SCOPE),
        (had == _YES) & (has == _YES),
        (had == _NO) & (has == _YES),
        (had == _NO) & (has == _NO),
        (had == _YES) & (has == _NO),
        had == _YES,
    ]
    names = ["does_not_apply", "kept", "gained", "still_without", "lost", "not_asked"]
    return np.select(conditions, names, "unknown")


def _role_rows(
    group: Group, part: pd.DataFrame, role: str, day: int | None, segments: tuple[str, ...]
) -> Iterator[Row]:
    """What became of one role: its segments among everyone due, and kept among those who had it."""
    definition = f"role_{role}" if f"role_{role}" in load_library() else "role_own"
    prefix = f"{role}/" if definition == "role_own" else ""
    due = part[part["due"]]
    everyone = Due(group, role, day or 0, due.reset_index(drop=True), 0, 0)
    shared = {"at": day, "n_missing": len(part) - len(due)}
    if due.empty:
        early = ((part["cause"] == 0) | (part["observed_day"] < (day or part["planned_days"]))).any()
        said = {"status": str(Status.IMMATURE if early else Status.NOT_ESTIMABLE), "note": "nobody is due yet"}
        for segment in segments:
            yield group.row(
                definition, "proportion", category=prefix + segment, n=0, denominator=0, people=0, **shared, **said
            )
        return
    for segment in segments:
        inside = (everyone.frame["segment"] == segment).to_numpy()
        counts = {"n": int(inside.sum()), "denominator": len(due), "people": due["person_id"].nunique()}
        columns = interval_columns(everyone.share(inside))
        yield group.row(definition, "proportion", category=prefix + segment, **counts, **shared, **columns)
    yield from _kept_rows(everyone, definition, prefix, shared)


def _kept_rows(everyone: Due, definition: str, prefix: str, shared: Row) -> Iterator[Row]:
    """Kept among those who had the role: asked again, and between the bounds that whoever was not asked leaves open.

    They are worked out from the counts of the segments, so that a gate may let them stand only where all of those do.
    """
    had = everyone.frame[everyone.frame["segment"].isin(["kept", "lost", "not_asked"])].reset_index(drop=True)
    if had.empty:
        return
    those = Due(everyone.group, everyone.category, everyone.at, had, 0, 0)
    kept, asked = (had["segment"] == "kept").to_numpy(), (had["segment"] != "not_asked").to_numpy()
    all_of_them = np.ones(len(had), dtype=bool)
    band = those.band(kept)
    limits = {"ci_low": band.low, "ci_high": band.high, "conf_level": band.conf_level, "method": band.method}
    silent = int((~asked).sum())
    readings = {
        "kept_asked": (int(kept.sum()), asked, interval_columns(those.share(kept, asked))),
        "kept_least": (int(kept.sum()), all_of_them, {"value": band.lower, **limits}),
        "kept_most": (int(kept.sum()) + silent, all_of_them, {"value": band.upper, **limits}),
    }
    for reading, (n, among, columns) in readings.items():
        base = had[among]
        yield everyone.group.row(
            definition,
            "limit",
            category=prefix + reading,
            n=n,
            denominator=len(base),
            people=base["person_id"].nunique(),
            **{**shared, "n_missing": silent},
            **columns,
        )
