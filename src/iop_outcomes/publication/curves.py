"""Curves in coarse steps: a step is shown only where it is nobody's alone (rule D11 of docs/release.md).

A curve is a row of counts along ``at``. Between two days that stay, every cause's events (and those of the causes that
are withheld, taken together) must be zero or enough people, in every group. Of all ways to choose the days the one is
taken that reaches the latest day and then keeps most days. Causes that never gather enough people are withheld on every
day, together with as many of the next smallest as it takes to hide them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.nested import thin_nested
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import CURVE, Sheet, row_groups

_CURVES = ("cumulative_incidence", "survival")
_FAMILY = ["measure", "definition", "period_start", "period_end"]

#: A definition that is the sum of (definition, category) pairs on the same day.
SUMS: dict[str, tuple[tuple[str, str], ...]] = {
    "in_programme": (("ending", "in_programme"),),
    "retained": (("ending", "in_programme"), ("ending", "completed")),
    "lost_early": (("ending", "left_early"), ("ending", "terminated")),
}


def thin(sheet: Sheet, policy: Policy) -> None:
    """Withhold the days, causes and nested counts whose differences would show too few people."""
    frame = sheet.frame
    curve = frame["estimand"].isin(_CURVES) & frame["at"].notna()
    wide = frame.assign(
        _cause=sheet.column("category"), _nested=[_is_length(text) for text in sheet.column("category")]
    )
    chosen = wide[curve]
    if chosen.empty:
        return
    summed = np.array([str(text).split("@")[0] in SUMS for text in chosen["definition"]], dtype=bool)
    for _, family in chosen[~chosen["_nested"] & ~summed].groupby(_FAMILY, dropna=False, sort=True):
        _thin_family(sheet, family, policy)
    _thin_at_risk(sheet, policy)
    _thin_sums(sheet, wide[curve & ~wide["_nested"]], policy)
    thin_nested(sheet, wide[curve & wide["_nested"]], policy)


@dataclass(frozen=True)
class _Grid:
    """Which days and causes stay: ``main`` causes on every ``fine`` day, the other causes on ``coarse`` days only."""

    fine: frozenset[float]
    coarse: frozenset[float]
    main: frozenset[str]
    hidden: frozenset[str]


def _thin_family(sheet: Sheet, family: pd.DataFrame, policy: Policy) -> None:
    """One definition in one period: everyone first, then each set of groups on days everyone's curve keeps."""
    everyone = family[family["by"] == ALL]
    whole = _thin_groups(sheet, everyone, policy, None) if len(everyone) else None
    for _, groups in family[family["by"] != ALL].groupby("by", sort=True):
        _thin_groups(sheet, groups, policy, whole)


def _thin_groups(sheet: Sheet, rows: pd.DataFrame, policy: Policy, within: _Grid | None) -> _Grid:
    """Choose days and causes common to all groups in ``rows``, within those everyone's curve keeps; hide the rest."""
    curves = [
        _Curve(group, sheet)
        for _, group in rows.groupby("group", dropna=False, sort=True)
        if not _all_hidden(group, sheet)
    ]
    hidden = set(within.hidden) if within else set()
    for curve in curves:
        hidden |= curve.causes_to_hide(hidden, policy)
    totals: dict[str, float] = {}
    for curve in curves:
        for cause in curve.causes:
            if cause not in hidden:
                totals[cause] = totals.get(cause, 0.0) + curve.total(cause)
    ranked = sorted(totals, key=lambda cause: (-policy.show(totals[cause]), cause))
    grid = _best_grid(curves, ranked, frozenset(hidden), within, policy)
    at, cause = rows["at"], rows["_cause"]
    often = (rows["estimand"] == "survival") | cause.isin(grid.main)
    stays = (often & at.isin(grid.fine)) | (~often & at.isin(grid.coarse) & ~cause.isin(grid.hidden))
    sheet.hide(rows.index[~stays].to_numpy(), CURVE)
    return grid


def _best_grid(
    curves: list[_Curve], ranked: list[str], hidden: frozenset[str], within: _Grid | None, policy: Policy
) -> _Grid:
    """Show how many causes on fine days? The number that keeps most numbers; the causes with most events come first."""
    days = {day for curve in curves for day in curve.days}
    best: tuple[int, int, _Grid] | None = None
    for count in range(len(ranked), -1, -1):
        main = frozenset(ranked[:count])
        if within is not None and not main <= within.main:
            continue
        lumped = hidden | frozenset(ranked[count:])
        fine = _longest_path(sorted(days & within.fine if within else days), curves, lumped, policy)
        coarse = _longest_path(sorted(fine & within.coarse if within else fine), curves, hidden, policy)
        score = len(fine) * (count + 1) + len(coarse) * (len(ranked) - count)
        if best is None or score > best[0]:
            best = (score, count, _Grid(fine, coarse, main, hidden))
    assert best is not None
    return best[2]


class _Curve:
    """The counts of one group: a vector of events by cause for every day."""

    def __init__(self, rows: pd.DataFrame, sheet: Sheet) -> None:
        known = rows[rows["n"].notna()]
        self.causes = sorted(set(known.loc[known["estimand"] == "cumulative_incidence", "_cause"]))
        self.table = known.pivot_table(index="at", columns="_cause", values="n", aggfunc="first")
        self.base = known.groupby("at")["denominator"].max()
        self.days: list[float] = [float(day) for day in self.table.index[self.table.notna().all(axis=1)]]
        risk = sheet.frame
        first = rows.iloc[0]
        same = (risk["category"] == "at_risk") & (risk["by"] == first["by"])
        for name in ("group", "period_start", "period_end"):
            same &= risk[name].isna() if pd.isna(first[name]) else risk[name] == first[name]
        self._vectors: dict[frozenset[str], dict[float, np.ndarray]] = {}
        self.at_risk: dict[float, float] = dict(zip(risk.loc[same, "at"], risk.loc[same, "n"], strict=True))

    def total(self, cause: str) -> float:
        """Events of a cause over the whole curve."""
        return float(self.table[cause].max())

    def causes_to_hide(self, already: set[str], policy: Policy) -> set[str]:
        """Causes whose total is small, and the next smallest until the hidden ones together are not."""
        if not self.days:
            return set()
        totals = self.table[self.causes].max().to_dict() if self.causes else {}
        hidden = {cause for cause in self.causes if cause in already or _between(totals[cause], policy)}
        rest = sorted(
            (cause for cause in self.causes if cause not in hidden and totals[cause] > 0), key=lambda c: (totals[c], c)
        )
        while hidden and rest and _between(sum(totals[cause] for cause in hidden), policy):
            hidden.add(rest.pop(0))
        if len(hidden) == 1 and len(self.causes) > 1 and rest:
            hidden.add(rest.pop(0))
        return hidden

    def vector(self, day: float, hidden: frozenset[str]) -> np.ndarray:
        """Events by released curve, and of the withheld causes together, at a day."""
        if hidden not in self._vectors:
            shown = [name for name in self.table.columns if name not in hidden]
            lumped = [name for name in self.table.columns if name in hidden]
            block = np.column_stack([self.table[shown].to_numpy(), self.table[lumped].to_numpy().sum(axis=1)])
            self._vectors[hidden] = dict(zip(self.table.index, block, strict=True))
        return self._vectors[hidden][day]

    def allows(self, day: float, hidden: frozenset[str], policy: Policy) -> bool:
        """Whether every released count of a day, its complement, and those at risk are zero or enough."""
        if day not in self.days:
            return not self.days
        counts = self.vector(day, hidden)
        base = float(self.base.get(day, np.nan))
        left = base - counts
        return not (any(_between(value, policy) for value in (*counts, *left, self.at_risk.get(day, 0.0), base)))

    def steps(self, earlier: float, later: float, hidden: frozenset[str], policy: Policy) -> bool:
        """Whether every step between two days is zero or enough people."""
        if not self.days:
            return True
        change = np.abs(self.vector(later, hidden) - self.vector(earlier, hidden))
        return not any(_between(value, policy) for value in change)


def _longest_path(days: list[float], curves: list[_Curve], hidden: frozenset[str], policy: Policy) -> frozenset[float]:
    """The days to keep: reach the latest day possible, then keep as many days as possible."""
    open_days = [day for day in days if all(curve.allows(day, hidden, policy) for curve in curves)]
    best: list[tuple[int, int]] = []
    for later, day in enumerate(open_days):
        options = [
            (best[earlier][0] + 1, earlier)
            for earlier in range(later)
            if all(curve.steps(open_days[earlier], day, hidden, policy) for curve in curves)
        ]
        best.append(max([(1, -1), *options]))
    kept: set[float] = set()
    step = len(open_days) - 1
    while step >= 0:
        kept.add(open_days[step])
        step = best[step][1]
    return frozenset(kept)


def _thin_at_risk(sheet: Sheet, policy: Policy) -> None:
    """Numbers at risk stay on days on which their curve stays, in steps of zero or enough people."""
    frame = sheet.frame
    at_risk = ((frame["category"] == "at_risk") & (frame["estimand"] == "count")).to_numpy()
    curve = (frame["estimand"].isin(_CURVES) & frame["at"].notna()).to_numpy()
    keys = ["by", "group", "period_start", "period_end"]
    narrow = frame[["at", "category", "estimand", "n", "denominator"]]
    for rows in row_groups(frame, keys):
        risk_rows = rows[at_risk[rows]]
        if not len(risk_rows):
            continue
        events = narrow.loc[rows[curve[rows]]]
        ending = events[events["category"].notna() & ~events["category"].map(_is_length)]
        visible = set(ending.loc[~sheet.hidden[ending.index], "at"])
        last = np.nan
        for row in sorted(risk_rows.tolist(), key=lambda r: float(sheet.column("at")[r])):
            day, count = float(sheet.column("at")[row]), float(sheet.column("n")[row])
            gone = ending[(ending["at"] == day) & (ending["estimand"] == "cumulative_incidence")]
            rest = float(gone["denominator"].max()) - float(gone["n"].sum()) - count if len(gone) else 0.0
            shows = day in visible or not len(ending)
            still = ending[(ending["at"] == day) & (ending["category"] == "in_programme")]["n"]
            left = [count - float(n) for n in still if n == n]
            if not shows or any(_between(abs(gap), policy) for gap in (rest, last - count, *left)):
                sheet.hide(np.array([row]), CURVE)
            else:
                last = count


def _thin_sums(sheet: Sheet, rows: pd.DataFrame, policy: Policy) -> None:
    """Definitions that are sums of causes fall on the same curves, so their days must not split a step either."""
    name = rows["definition"].map(lambda text: str(text).split("@")[0])
    narrow = rows[["by", "at", "n", "denominator", "_cause"]]
    wide = narrow.assign(_name=name, _group=sheet.column("group")[rows.index])
    wide["_cause"] = wide["_cause"].where(wide["_cause"] != wide["_name"], "")
    wide = wide[wide["n"].notna()]
    spans = sheet.column("period_start") + "|" + sheet.column("period_end")
    for (by, _), place in sorted(
        wide.groupby([wide["by"], spans[wide.index]], sort=True), key=lambda item: (item[0][0] != ALL, item[0])
    ):
        everyone = wide[(wide["by"] == ALL) & (spans[wide.index] == spans[place.index[0]]) & (wide["_cause"] == "")]
        known: dict[str, dict[float, pd.Series]] = {
            chain: _visible_sums(sheet, place, parts)
            for chain, parts in {**SUMS, "completed": (("ending", "completed"),)}.items()
        }
        base = place.groupby("_group")["denominator"].max()
        known["elsewhere"] = {
            day: base - known["retained"][day] - known["lost_early"][day]
            for day in set(known["retained"]) & set(known["lost_early"])
        }
        for chain in SUMS:
            own = place[(place["_name"] == chain) & (place["_cause"] == "")]
            if by != ALL:
                gone = everyone.index[sheet.hidden[everyone.index] & (everyone["_name"] == chain).to_numpy()]
                lost = own["at"].isin(set(everyone.loc[gone, "at"]))
                sheet.hide(own.index[lost].to_numpy(), CURVE)
                own = own[~lost]
            days = sorted(set(own["at"]), key=lambda day: (day not in known[chain], -day))
            for day in days:
                rows = own[own["at"] == day]
                counts = rows.set_index("_group")["n"]
                if sheet.hidden[rows.index].all():
                    continue
                apart = _sits_apart(known[chain], day, counts, policy)
                finished = (
                    counts - known["in_programme"][day]
                    if chain == "retained" and day in known["in_programme"]
                    else None
                )
                if finished is not None:
                    apart = apart and _sits_apart(known["completed"], day, finished, policy)
                apart = apart and not _splits_off(sheet, place, SUMS[chain], day, counts, policy)
                rest = (
                    base - known["retained"][day] - counts
                    if chain == "lost_early" and day in known["retained"]
                    else None
                )
                if rest is not None:
                    apart = (
                        apart and _sits_apart(known["elsewhere"], day, rest, policy) and not _any_small(rest, policy)
                    )
                if apart:
                    known[chain][day] = counts
                    if rest is not None:
                        known["elsewhere"][day] = rest
                    if finished is not None:
                        known["completed"][day] = finished
                else:
                    sheet.hide(rows.index.to_numpy(), CURVE)


def _visible_sums(sheet: Sheet, place: pd.DataFrame, parts: tuple[tuple[str, str], ...]) -> dict[float, pd.Series]:
    """Counts by group of a sum of causes, on the days on which every part is shown."""
    visible = place[~sheet.hidden[place.index]]
    found = [visible[(visible["_name"] == name) & (visible["_cause"] == cause)] for name, cause in parts]
    days = set.intersection(*(set(part["at"]) for part in found)) if found else set()
    return {day: sum(part[part["at"] == day].set_index("_group")["n"] for part in found) for day in days}


def _splits_off(
    sheet: Sheet, place: pd.DataFrame, parts: tuple[tuple[str, str], ...], day: float, counts: pd.Series, policy: Policy
) -> bool:
    """Whether the parts that are shown would leave a small count for the parts that are not."""
    visible = place[~sheet.hidden[place.index]]
    found = [visible[(visible["_name"] == name) & (visible["_cause"] == cause)] for name, cause in parts]
    days = {float(at) for part in found for at in part["at"]}
    beside = {max((at for at in days if at <= day), default=None), min((at for at in days if at >= day), default=None)}
    for at in sorted(other for other in beside if other is not None):
        shown = [part[part["at"] == at].set_index("_group")["n"] for part in found if (part["at"] == at).any()]
        if len(shown) < len(parts) and _any_small(counts.sub(sum(shown)).dropna().abs(), policy):
            return True
    return False


def _sits_apart(known: dict[float, pd.Series], day: float, counts: pd.Series, policy: Policy) -> bool:
    """Whether a day differs from the nearest known days on both sides by zero or enough people, in every group."""
    earlier = max((other for other in known if other <= day), default=None)
    later = min((other for other in known if other >= day), default=None)
    gaps = [(counts - known[other]).abs().dropna() for other in (earlier, later) if other is not None]
    return not any(_between(float(gap), policy) for gap in pd.concat(gaps)) if gaps else True


def _all_hidden(rows: pd.DataFrame, sheet: Sheet) -> bool:
    """Whether the whole group is withheld already, so that it cannot hold back the others."""
    return bool(sheet.hidden[rows.index].all())


def _any_small(counts: pd.Series, policy: Policy) -> bool:
    return any(_between(float(count), policy) for count in counts)


def _between(value: float, policy: Policy) -> bool:
    return 0 < value <= policy.limit


def _is_length(text: object) -> bool:
    return isinstance(text, str) and text.isdigit()
