"""Does retention differ between groups, and would another way of counting change the picture?

Differences with their intervals come first and p-values last. People with episodes in both groups count once in the
error: their pull on the two curves is taken together.

See docs/definitions/retention.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.cohort import RUNGS, Cohort, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, Estimates
from iop_outcomes.measures.retention import share_rows
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns
from iop_outcomes.measures.stays import (
    CAUSES,
    DEFAULT_DAYS,
    EARLY,
    NOT_RETAINED,
    count_unseen,
    fit_endings,
    late_entry,
    planned_length,
    read_stays,
    say_unknown,
)
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import (
    Curve,
    CurveTest,
    Estimate,
    curve_difference,
    gray_test,
    log_rank,
    mean_time_difference,
)
from iop_outcomes.vocabulary import DesignWord, ExitRule, Status

_ONE_GROUP = "only one group has people: nothing to compare"
_NO_RANGE = "no range: in one of the groups nobody or everybody"
#: Rungs chosen by what came after admission: who left sooner is not among them.
_LATER = {
    "engaged": "only people who stayed long enough to engage",
    "completed": "only people who completed: nobody is lost, by the choice of people",
}


def compare_retention(
    cohort: Cohort,
    *,
    by: str,
    reference: str | None = None,
    at: Sequence[int] | None = None,
    tau: int | None = None,
    strata: str | None = None,
) -> Estimates:
    """How far do groups differ in staying, leaving before completing, and days in the programme?

    Each group of the column ``by`` against ``reference`` (default: the group with most episodes), on the days ``at``
    (default: 7, 14, 30, 60, 90 and the horizon): difference in in_programme, retained, lost_early and in the cumulative
    incidence of each ending that occurs; difference in mean days in the programme and mean days lost up to ``tau`` (default:
    the commonest planned length). Last, p-values for all groups together: log-rank for leaving at all, Gray's test for each
    ending, compared within ``strata`` where a column is given. People are clusters throughout, also those in several
    groups. Episodes without a known group are left out and counted as missing in the tests.

    A difference between groups is an association. Where fewer than two groups have people there is one row that says so.

    Raises :class:`UsageError` for a column or reference the cohort does not have.
    """
    check_group(by, cohort.groups)
    if strata is not None and (strata not in cohort.groups or strata == by):
        raise UsageError(f"strata is another column than by, one of {', '.join(cohort.groups)}")
    stays = read_stays(cohort, by, *([strata] if strata else []))
    horizon = tau or planned_length(stays)
    days = sorted({*DEFAULT_DAYS, horizon} if at is None else set(at))
    parts = {str(group): part for group, part in stays.groupby(by, sort=True)}
    sizes = sorted(parts, key=lambda group: (-len(parts[group]), group))
    if reference is not None and reference not in parts:
        raise UsageError(f"reference is not a group of {by} with people in this cohort; leave it out for the largest")
    if len(parts) < 2:
        shared = {"category": "in_programme", "status": str(Status.NOT_ESTIMABLE), "note": _ONE_GROUP}
        rows = [Group(by, ALL).row("in_programme", "p_value", **shared, **_counts(stays, 0), **_associated(None))]
        return Estimates.from_rows(rows, cohort.settings)
    against = reference or sizes[0]
    rows = []
    for group in parts:
        if group != against:
            rows += _differences(Group(by, group), against, parts[group], parts[against], days, horizon)
    rows += _tests(by, stays, strata)
    return Estimates.from_rows(rows, cohort.settings)


def measure_sensitivity(
    records: Records,
    *,
    at: Sequence[int] | None = None,
    level_of_care: str | Sequence[str] | None = None,
    admitted: tuple[str, str] | None = None,
    programs: Sequence[str] | None = None,
    episodes: str = "all",
    rung: str = "attended",
    exit_rule: str | None = None,
) -> Estimates:
    """Would another exit rule, first episodes only, or another denominator change the picture?

    Takes what ``select_cohort`` takes and chooses the headline's cohort by it; then one choice at a time is changed and
    the others kept. Rows of lost_early and retained on the days ``at`` (default: 30, 60, 90 and the planned
    length): for the headline, and with ``by`` the choice (``exit_rule``, ``episodes``, ``rung``) and ``group`` the way
    taken (``last_contact``, ``discharge``; ``all_episodes``, ``first_episodes``; ``admitted``, ``attended``, ``engaged``,
    ``completed``). The headline's own way is noted. Groups of one choice are not apart: rungs and first episodes are
    smaller sets of the same people.

    Raises :class:`UsageError` as ``select_cohort``.
    """
    chosen: dict[str, Any] = {"episodes": episodes, "rung": rung, "exit_rule": exit_rule}
    filters: dict[str, Any] = {"level_of_care": level_of_care, "admitted": admitted, "programs": programs}
    headline = select_cohort(records, **filters, **chosen)
    stays = read_stays(headline)
    days = sorted({30, 60, 90, planned_length(stays)} if at is None else set(at))
    rows: list[Row] = list(_of_everyone(Group(), stays, days))
    ways = {"exit_rule": ExitRule.codes(), "episodes": ("all", "first"), "rung": RUNGS}
    for choice, values in ways.items():
        for way in values:
            same = headline.settings[choice] == way
            other = stays if same else read_stays(select_cohort(records, **filters, **{**chosen, choice: way}))
            name = f"{way}_episodes" if choice == "episodes" else way
            note = "headline" if same else _LATER.get(way)
            rows += ({**row, "note": row.get("note") or note} for row in _of_everyone(Group(choice, name), other, days))
    return Estimates.from_rows(rows, headline.settings)


def _of_everyone(group: Group, stays: pd.DataFrame, days: list[int]) -> Iterator[Row]:
    if len(stays):
        rows = share_rows(group, fit_endings(stays), stays, days)
        yield from (row for row in rows if row["category"] in ("lost_early", "retained"))


def _associated(reference: str | None) -> Row:
    """Two groups side by side are an association, whatever the word of the shares they compare."""
    return {"design_word": str(DesignWord.ASSOCIATED), "reference": reference}


def _counts(stays: pd.DataFrame, events: float) -> Row:
    return {"n": events, "denominator": len(stays), "people": stays["person_id"].nunique()}


def _differences(
    group: Group, against: str, part: pd.DataFrame, other: pd.DataFrame, days: list[int], tau: int
) -> Iterator[Row]:
    """Rows of one group less the reference: shares by day, then days up to tau."""
    both = pd.concat([part, other])
    one, ref = fit_endings(part), fit_endings(other)
    reasons = [
        (reason, one.curve(code), ref.curve(code)) for reason, code in CAUSES.items() if (both["cause"] == code).any()
    ]
    unseen = dict(zip([*days, tau], count_unseen(both, [*days, tau]), strict=True))
    unknown = say_unknown(min((one.still_in, ref.still_in), key=lambda curve: curve.followed_to))
    shares: list[tuple[str, str, Curve, Curve]] = [
        ("in_programme", "in_programme", one.still_in, ref.still_in),
        # retained is 1 - gone: the reference's gone less the group's is the group's retained less the reference's
        ("retained", "retained", ref.curve(*NOT_RETAINED), one.curve(*NOT_RETAINED)),
        ("lost_early", "lost_early", one.curve(*EARLY), ref.curve(*EARLY)),
        *(("ending", reason, first, second) for reason, first, second in reasons),
    ]
    for definition, category, first, second in shares:
        for day in days:
            left = float(first.at(day).events) + float(second.at(day).events)
            events = len(both) - left if definition in ("in_programme", "retained") else left
            columns = {"category": category, "at": day, "n_missing": unseen[day], **_counts(both, events)}
            apart = _columns(curve_difference(first, second, day), unknown)
            yield group.row(definition, "difference", **columns, **_associated(against), **apart)
    means: list[tuple[str, str | None, Curve, Curve]] = [("mean_days_in_programme", None, one.still_in, ref.still_in)]
    means += [("mean_days_lost", reason, first, second) for reason, first, second in reasons]
    for definition, reason, first, second in means:
        events = len(both) if reason is None else float(first.at(tau).events) + float(second.at(tau).events)
        columns = {"category": reason, "at": tau, "n_missing": unseen[tau], **_counts(both, events)}
        apart = _columns(mean_time_difference(first, second, tau), unknown)
        yield group.row(definition, "difference", **columns, **_associated(against), **apart)


def _columns(apart: Estimate, unknown: str) -> Row:
    """A difference with its limits, and in words why there is none, or no limits."""
    columns = interval_columns(apart)
    if columns.get("status"):
        return {**columns, "note": unknown}
    return columns if np.isfinite(apart.low) else {**columns, "note": _NO_RANGE}


def _tests(by: str, stays: pd.DataFrame, strata: str | None) -> Iterator[Row]:
    """All groups together, for everyone whose group (and stratum) is known: log-rank, then Gray's test for each ending."""
    known = stays.dropna(subset=[by, *([strata] if strata else [])])
    time, group, person = (known[name].to_numpy() for name in ("exit_day", by, "person_id"))
    cause = known["cause"].to_numpy()
    layers = None if strata is None else known[strata].astype(str).to_numpy()
    sets: dict[tuple[str, str], tuple[int, ...]] = {
        ("in_programme", "in_programme"): tuple(CAUSES.values()),
        ("retained", "retained"): NOT_RETAINED,
        ("lost_early", "lost_early"): EARLY,
        **{("ending", reason): (code,) for reason, code in CAUSES.items() if (cause == code).any()},
    }
    for (definition, category), codes in sets.items():
        mine = np.isin(cause, codes)
        columns = {"category": category, **_counts(known, float(mine.sum())), "n_missing": len(stays) - len(known)}
        test: CurveTest | None = None
        if mine.any() and known[by].nunique() > 1:
            options: dict[str, Any] = {"strata": layers, "cluster": person, "entry": late_entry(known)}
            if definition == "in_programme":
                test = log_rank(time, mine, group, **options)
            else:
                test = gray_test(time, np.where(mine, 1, np.where(cause > 0, 2, 0)), group, **options)
        found: Row = {"status": str(Status.NOT_ESTIMABLE), "note": "too few people left this way to compare"}
        if test is not None and np.isfinite(test.p_value):
            method = test.method if strata is None else f"{test.method} by {strata}"
            found = {"value": test.p_value, "method": method}
        yield Group(by, ALL).row(definition, "p_value", **columns, **_associated(None), **found)
