"""What care costs: a client-week, a contact hour, an admission, a completer, a day known sober, a whole pathway.

The cost of an admission is its programme's cost per client-week times its own weeks, then averaged (DATCAP): the mean
cost times the mean stay is another number. Whoever is still in care has not cost everything yet; days not yet seen are
made up for by the people who were seen on them (Bang & Tsiatis 2000), not by leaving open admissions out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.comparison.accounts import Accounts, read_accounts
from iop_outcomes.comparison.person_costs import hold_most, name_dollars
from iop_outcomes.comparison.prices import find_index
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, Row, interval_columns, split_groups
from iop_outcomes.measures.sobriety import read_care
from iop_outcomes.measures.use_calendar import STATES, find_runs
from iop_outcomes.statistics import Accrual, Estimate, Followed, accumulated_mean, accumulated_ratio
from iop_outcomes.vocabulary import CostKind, EndReason, UseState

#: States of a day in the two readings of a sober day, the strict one first.
_SOBER: dict[str, tuple[UseState, ...]] = {
    "known_sober": (UseState.NEGATIVE,),
    "not_contradicted": (UseState.NEGATIVE, UseState.MISSED, UseState.NOT_DUE),
}


@dataclass(frozen=True)
class _Books:
    """What every row needs: the accounts, the window, and what all rows share."""

    accounts: Accounts
    horizon: int
    shared: Row


def measure_costs(
    cohort: Cohort,
    *,
    perspective: str = "provider",
    kind: str = "cost",
    price_year: int | None = None,
    index: str = "cpi_u",
    horizon: int = 365,
    pathway: bool = True,
) -> Estimates:
    """What does care cost: a week, an hour, an admission, a completer, a day known sober, and all that follows?

    ``perspective`` is whose money counts (``provider``, ``payer``, ``client``, ``society``: everyone's); ``kind`` is
    ``cost``, ``charge`` or ``payment``, and they never mix. Amounts are carried to ``price_year`` (the latest of the lines
    by default) by ``index``. ``horizon`` is the number of days from admission in which money counts. With ``pathway`` the
    cost of everything that follows a person's first admission counted here is given too, readmissions and other levels of
    care included.

    Rows: cost_client_week and cost_contact_hour (accounting ratios of whole programmes, without an interval),
    cost_admission, cost_pathway, cost_completer, cost_sober_day (two readings of a sober day), for everyone and by
    programme; cost_line, who bears each line of that kind. The unit says the price year, the kind and the perspective.

    Raises :class:`UsageError` for words it does not know, where the records hold no such cost lines or no dates, where
    the price index lacks a year, and for a horizon below one day.
    """
    if horizon < 1:
        raise UsageError("horizon is a number of days, 1 or more")
    accounts = read_accounts(cohort, perspective, kind, price_year, index)
    note = f"prices of {accounts.price_year} by {find_index(index).label}"
    if accounts.left_out:
        note += f"; {accounts.left_out} lines of periods not wholly in the records left out"
    books = _Books(accounts, horizon, {"unit": name_dollars(perspective, kind, accounts.price_year), "note": note})
    stays = _read_stays(cohort, accounts)
    rows: list[Row] = []
    for group, part in split_groups(stays, "program"):
        programs = sorted(set(part["program_id"]) & set(accounts.delivered.index))
        rows += _unit_costs(group, programs, books)
    rows += _admissions(cohort, stays, books)
    if pathway:
        rows += _pathways(stays, books)
    rows += _lines(sorted(set(stays["program_id"])), kind, books)
    settings = {**cohort.settings, "perspective": perspective, "cost_kind": kind, "cost_horizon": horizon}
    return Estimates.from_rows(rows, {**settings, "price_year": accounts.price_year, "price_index": index})


def _read_stays(cohort: Cohort, accounts: Accounts) -> pd.DataFrame:
    """The cohort's admissions with their programme's dollars a day.

    Not usable: where a programme has no such lines, and people already in it when the records begin, of whom those who
    stayed a short time are not there.
    """
    columns = (
        "person_id",
        "program_id",
        "program",
        "person_day",
        "entry_day",
        "enrolled_day",
        "observed_day",
        "end_reason",
    )
    stays = reductions.episode_rows(cohort.episodes, *columns)
    days = ["entry_day", "enrolled_day", "observed_day"]
    stays = stays.astype({"person_day": "float64"} | dict.fromkeys(days, "int64"))
    daily = stays["program_id"].map(accounts.daily).astype("float64")
    return stays.assign(daily=daily, usable=(stays["entry_day"] == 0) & daily.notna())


def _unit_costs(group: Group, programs: list[str], books: _Books) -> Iterator[Row]:
    """Dollars for each client-week and contact hour of whole programmes, in the same periods."""
    if not programs:
        return
    books_of = books.accounts.delivered.loc[programs]
    dollars = float(books_of["dollars"].sum())
    people = books.accounts.count_people(programs)
    shared = {**books.shared, **dict.fromkeys(("n", "denominator", "people"), people)}
    shared["top_two"] = books.accounts.hold_most(books_of["dollars"])
    shared |= {"period_start": books_of["start"].min(), "period_end": books_of["end"].max()}
    for definition, category, name, method in (
        ("cost_client_week", None, "weeks", "dollars of the periods over client-weeks of the same periods"),
        ("cost_contact_hour", "attended", "attended", "dollars of the periods over hours attended in them"),
        ("cost_contact_hour", "offered", "offered", "dollars of the periods over hours offered in them"),
    ):
        amount = float(books_of[name].sum())
        found: Row = {"value": dollars / amount} if amount > 0 else {"status": "not_estimable"}
        if definition == "cost_contact_hour":
            found["n_missing"] = int(books_of["hours_unknown"].fillna(0).sum())
        yield group.row(definition, "ratio", category=category, method=method, **shared, **found)


def _admissions(cohort: Cohort, stays: pd.DataFrame, books: _Books) -> Iterator[Row]:
    """Per admission, per completer and per sober day: an admission's own days times its programme's dollars a day."""
    last = stays["enrolled_day"].to_numpy()
    place = np.arange(len(stays))
    dollars = Accrual(place, np.zeros_like(last), last, stays["daily"])
    done = np.flatnonzero(stays["end_reason"] == str(EndReason.COMPLETED))
    completed = Accrual(done, last[done], last[done], np.ones(len(done)))
    sober = dict(_sober_days(cohort, stays, books.horizon))
    for group, whole in split_groups(stays, "program"):
        part = whole[whole["usable"]]
        if part.empty:
            continue
        over = part["end_reason"].notna()
        followed = Followed(part["enrolled_day"], over, part["person_id"])
        open_yet = int((~over & (part["enrolled_day"] < books.horizon - 1)).sum())
        missing = open_yet + len(whole) - len(part)
        shared = {"at": books.horizon, "people": part["person_id"].nunique(), "n_missing": missing, **books.shared}
        shared["top_two"] = _hold_most(dollars, part, books.horizon)
        units = {"n": len(part), "denominator": len(part)}
        own, completers = _of(dollars, part.index), _of(completed, part.index)
        mean = accumulated_mean(own, followed, days=books.horizon)
        yield group.row("cost_admission", "mean", **units, **_found(mean, shared))
        ratio = accumulated_ratio(own, completers, followed, days=books.horizon)
        events = int((np.asarray(completers.last) < books.horizon).sum())
        yield group.row("cost_completer", "ratio", **{**units, "n": events}, **_found(ratio, shared))
        for category, days in sober.items():
            ratio = accumulated_ratio(own, _of(days, part.index), followed, days=books.horizon)
            yield group.row("cost_sober_day", "ratio", category=category, **units, **_found(ratio, shared))


def _found(estimate: Estimate, shared: Row) -> Row:
    """The columns of an estimate; without a value the note says why."""
    columns = {**shared, **interval_columns(estimate)}
    if "value" not in columns:
        columns["note"] = f"nobody was followed through {shared['at']} days, or there is nothing to divide by"
    return columns


def _of(accrual: Accrual, chosen: pd.Index) -> Accrual:
    """What built up for the chosen rows, numbered anew in their order."""
    unit, first, last, amount = (
        np.asarray(part) for part in (accrual.unit, accrual.first, accrual.last, accrual.amount)
    )
    rows = chosen.to_numpy()
    keep = np.isin(unit, rows)
    return Accrual(np.searchsorted(rows, unit[keep]), first[keep], last[keep], amount[keep])


def _hold_most(dollars: Accrual, part: pd.DataFrame, horizon: int) -> float:
    """How much of the dollars of these rows within the horizon, as far as seen, the two people with most hold, at most."""
    own = _of(dollars, part.index)
    first, last = np.asarray(own.first), np.minimum(np.asarray(own.last), horizon - 1)
    spent = np.maximum(last - first + 1, 0) * np.asarray(own.amount)
    person = pd.factorize(part["person_id"])[0][np.asarray(own.unit)]
    return hold_most(np.bincount(person, spent).astype(np.float64))


def _sober_days(cohort: Cohort, stays: pd.DataFrame, horizon: int) -> Iterator[tuple[str, Accrual]]:
    """Each reading's sober days in care, a line for each stretch of them; nothing where use was never asked about."""
    substance = str(cohort.records.manifest.settings.get("sobriety", {}).get("substance", "any"))
    until = int(min(horizon - 1, stays["enrolled_day"].max())) if len(stays) else 0
    care = read_care(cohort, substance, until)
    if care.reports.empty:
        return
    place = pd.Series(stays.index, index=stays["episode_id"])[care.stays["episode_id"]].to_numpy()
    for category, states in _SOBER.items():
        codes = [STATES.index(state) for state in states]
        row, first, last = find_runs(care.calendar, care.end, codes)
        yield category, Accrual(place[row], first, last, np.ones(len(row)))


def _pathways(stays: pd.DataFrame, books: _Books) -> Iterator[Row]:
    """All care of a person from the first admission counted here, whatever programme, within the horizon."""
    every = _read_stays(books.accounts.everyone, books.accounts).dropna(subset=["person_day"])
    start = stays.dropna(subset=["person_day"]).sort_values(["person_day", "episode_id"])
    start = start.drop_duplicates("person_id").reset_index(drop=True)
    care = every.merge(start.reset_index(names="unit")[["unit", "person_id", "person_day"]], on="person_id")
    care["first"] = (care["person_day_x"] - care["person_day_y"]).astype("int64")
    care = care[care["first"] >= 0]
    start["seen"] = (care["first"] + care["observed_day"]).groupby(care["unit"]).max()
    start.loc[care.loc[care["daily"].isna() & (care["first"] < books.horizon), "unit"], "usable"] = False
    dollars = Accrual(care["unit"], care["first"], care["first"] + care["enrolled_day"], care["daily"])
    for group, whole in split_groups(start, "program"):
        part = whole[whole["usable"]]
        if part.empty:
            continue
        followed = Followed(part["seen"], np.zeros(len(part), dtype=bool), part["person_id"])
        mean = accumulated_mean(_of(dollars, part.index), followed, days=books.horizon)
        missing = int((part["seen"] < books.horizon - 1).sum()) + len(whole) - len(part)
        counts = dict.fromkeys(("n", "denominator", "people"), len(part))
        shared = {"at": books.horizon, "n_missing": missing, **books.shared}
        shared["top_two"] = _hold_most(dollars, part, books.horizon)
        yield group.row("cost_pathway", "mean", **counts, **_found(mean, shared))


def _lines(programs: list[str], kind: str, books: _Books) -> Iterator[Row]:
    """Who bears each line: the sums of the periods, of every bearer, whatever the perspective."""
    accounts = books.accounts
    counted = [name for name in programs if name in accounts.delivered.index]
    if not counted:
        return
    lines = accounts.lines[accounts.lines["program_id"].isin(counted)]
    periods = accounts.delivered.loc[counted]
    shared = {
        **books.shared,
        **dict.fromkeys(("n", "denominator", "people"), accounts.count_people(counted)),
        "unit": f"dollars of {accounts.price_year}, {CostKind(kind).label.lower()}",
        "period_start": periods["start"].min(),
        "period_end": periods["end"].max(),
        "method": "sum of the periods",
    }
    for (line, bearer), part in lines.groupby(["line", "bearer"], sort=False):
        held = accounts.hold_most(part.groupby("program_id")["dollars"].sum())
        total = float(part["dollars"].sum())
        yield Group("bearer", str(bearer)).row("cost_line", "sum", category=line, value=total, top_two=held, **shared)
