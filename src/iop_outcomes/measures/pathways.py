"""Pathways: what came before and after, and who comes back (docs/definitions/pathways.md).

A pathway chains a person's episodes, of any level and programme, while the next begins within ``pathway_days`` of the
last exit. Its clock starts at the first admission of it that the cohort counts, so that nobody is followed before they
could have been seen: what lies before is where they came from, what lies after is censored when the records end.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, Row, check_group, interval_columns, split_groups
from iop_outcomes.measures.stays import in_view, late_entry, say_unknown
from iop_outcomes.statistics import (
    Interval,
    aalen_johansen,
    clustered_proportion,
    kaplan_meier,
    ratio_of_sums,
    restricted_mean,
)
from iop_outcomes.vocabulary import EndReason, LevelOfCare

_RANKS = {level: rank for rank, level in enumerate(LevelOfCare.codes())}
#: Steps from one episode of a pathway to the next, by the level of care.
_STEPS: dict[str, str] = {
    "step_down": "from_higher_level",
    "step_up": "from_lower_level",
    "same_level": "from_same_level",
}


def measure_pathways(cohort: Cohort, *, by: str | None = None, within: int = 90) -> Estimates:
    """Where did people come from, where did they go next, and who came back after it was over?

    ``within`` is the number of days from the first admission counted here in which steps and days are followed. Rows:
    pathway (how many), pathway_episodes (a pathway, those before and after included), pathway_origin (began here, or came
    from a higher, lower or the same level), pathway_step (by day ``within`` a step down, a step up, a move at the same
    level, any of them; leaving for good competes), pathway_days (mean days from admission to the end of the pathway, up
    to ``within``), pathway_return (a new pathway within ``return_days`` of the end of one). ``by`` groups by a column of
    the first episode counted here. People are clusters.

    Raises :class:`UsageError` for a group the cohort does not have and for a horizon below one day.
    """
    check_group(by, cohort.groups)
    if within < 1:
        raise UsageError("within is a number of days, 1 or more")
    gap, window = _settings(cohort)
    chains = _chain_episodes(cohort, gap)
    mine = reductions.episode_rows(cohort.episodes, "entry_day", *([by] if by else []))
    paths = _describe_pathways(chains, mine, gap)
    lost = len(mine) - int(mine["episode_id"].isin(chains["episode_id"]).sum())
    episodes = {(group.by, group.group): len(part) for group, part in split_groups(mine, by)}
    rows: list[Row] = []
    for group, part in split_groups(paths, by):
        if part.empty:
            continue
        shared: Row = {
            "n": len(part),
            "denominator": episodes[group.by, group.group],
            "people": part["person_id"].nunique(),
        }
        shared["n_missing"] = lost if by is None else None
        rows.append(group.row("pathway", "count", category="pathways", value=len(part), method="count", **shared))
        rows += [_episodes_of(group, part), *_origins(group, part)]
        rows += [*_steps(group, part, within), *_days(group, part, gap, within)]
        over = part[np.isfinite(part["end"])]
        leavers = over.assign(left_on=over["start"] + over["end"], followed=over["followed"] - over["end"])
        leavers = leavers[(leavers["entry_day"] == 0) | (leavers["end"] >= leavers["entry_day"])]
        rows += _return_rows(group, "pathway_return", _next_pathway(leavers, chains, gap), window)
    return Estimates.from_rows(rows, cohort.settings)


def readmission_rows(cohort: Cohort, by: str | None) -> Iterator[Row]:
    """Of the episodes that were completed, how many people began another pathway within ``return_days``?"""
    gap, window = _settings(cohort)
    columns = [
        "person_id",
        "person_day",
        "entry_day",
        "discharge_day",
        "observed_day",
        "end_reason",
        *([by] if by else []),
    ]
    mine = reductions.episode_rows(cohort.episodes, *columns)
    mine = mine[mine["end_reason"] == str(EndReason.COMPLETED)].dropna(subset=["person_day", "discharge_day"])
    mine = in_view(mine, "discharge_day").astype({"person_day": "float64", "discharge_day": "float64"})
    mine["left_on"] = mine["person_day"] + mine["discharge_day"]
    mine["followed"] = (mine["observed_day"] - mine["discharge_day"]).clip(lower=0)
    found = _next_pathway(mine, _chain_episodes(cohort, gap), gap).sort_values("episode_id", ignore_index=True)
    for group, part in split_groups(found, by):
        yield from _return_rows(group, "re_presentation", part, window)


def _settings(cohort: Cohort) -> tuple[int, int]:
    """Days within which the next admission continues a pathway, and days in which a return counts."""
    retention = cohort.records.manifest.settings.get("retention", {})
    return int(retention.get("pathway_days", 14)), int(retention.get("return_days", 180))


def _chain_episodes(cohort: Cohort, gap: int) -> pd.DataFrame:
    """Every episode whose order is known, with its pathway's number and the step that led to it."""
    columns = ("person_id", "person_day", "discharge_day", "observed_day", "level_of_care")
    every = reductions.episode_rows(cohort.clock, *columns).dropna(subset=["person_day"])
    every = every.sort_values(["person_id", "person_day", "episode_id"], ignore_index=True)
    every["begin"] = every["person_day"].astype("float64")
    every["end"] = (every["begin"] + every["discharge_day"].astype("float64")).fillna(np.inf)
    latest = every.groupby("person_id")["end"].cummax().groupby(every["person_id"]).shift()
    every["pathway"] = (latest.isna() | (every["begin"] - latest > gap)).cumsum()
    every["last_seen"] = every["begin"] + every["observed_day"].astype("float64")
    rank = every["level_of_care"].map(_RANKS).astype("float64")
    change = rank - rank.groupby(every["pathway"]).shift()
    every["step"] = np.select([change < 0, change > 0, change == 0], list(_STEPS), default="")
    return every


def _describe_pathways(chains: pd.DataFrame, mine: pd.DataFrame, gap: int) -> pd.DataFrame:
    """One row per pathway with an episode of the cohort; days count from the first of those (``start`` on the person's clock)."""
    first = chains.merge(mine, on="episode_id").drop_duplicates("pathway")
    first = first.rename(columns={"begin": "start", "step": "origin"}).drop(columns=["end", "last_seen"])
    inside = chains[chains["pathway"].isin(first["pathway"])]
    whole = inside.groupby("pathway").agg(
        end=("end", "max"), seen=("last_seen", "max"), episodes=("episode_id", "size")
    )
    paths = first.merge(whole, left_on="pathway", right_index=True)
    paths["end"] -= paths["start"]
    paths["followed"] = paths["seen"] - paths["start"]
    paths["over"] = paths["end"] + gap
    order = chains.reset_index().rename(columns={"index": "place"})[["place", "episode_id", "pathway", "begin", "step"]]
    begun = order.loc[order["episode_id"].isin(first["episode_id"]), ["pathway", "place"]]
    later = order.merge(begun, on="pathway", suffixes=("", "_first"))
    later = later[(later["place"] > later["place_first"]) & (later["step"] != "")]
    for name in (*_STEPS, "any_step"):
        steps = later if name == "any_step" else later[later["step"] == name]
        paths[name] = paths["pathway"].map(steps.groupby("pathway")["begin"].min()) - paths["start"]
    return paths.sort_values("episode_id", ignore_index=True)


def _episodes_of(group: Group, part: pd.DataFrame) -> Row:
    own = part.groupby("person_id")["episodes"].agg(["sum", "size"]).astype("float64")
    y, x = own["sum"].to_numpy(), own["size"].to_numpy()
    mean = ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(own))
    counts = {"n": len(part), "denominator": len(part), "people": len(own)}
    open_yet = int((part["over"] > part["followed"]).sum())
    return group.row("pathway_episodes", "mean", n_missing=open_yet, **counts, **interval_columns(mean))


def _origins(group: Group, part: pd.DataFrame) -> Iterator[Row]:
    size = part.groupby("person_id").size().to_numpy(dtype="float64")
    for step, category in (("", "began_here"), *_STEPS.items()):
        x = (part["origin"] == step).groupby(part["person_id"]).sum().to_numpy(dtype="float64")
        share = clustered_proportion(x.sum(), size.sum(), x @ x, x @ size, size @ size, size.size)
        counts = {"n": x.sum(), "denominator": len(part), "people": size.size}
        yield group.row("pathway_origin", "proportion", category=category, **counts, **interval_columns(share))


def _steps(group: Group, part: pd.DataFrame, within: int) -> Iterator[Row]:
    """By day ``within`` a step of each kind; a pathway that is over (``pathway_days`` after its end) can take none."""
    for name in (*_STEPS, "any_step"):
        stepped = part[name].notna()
        over = ~stepped & (part["over"] <= part["followed"])
        time = part[name].where(stepped, np.minimum(part["over"], part["followed"]))
        seen = in_view(part.assign(time=time, cause=np.where(stepped, 1, np.where(over, 2, 0))), "time")
        if seen.empty:
            continue
        curves = aalen_johansen(
            seen["time"].to_numpy(),
            seen["cause"].to_numpy(),
            cluster=seen["person_id"].to_numpy(),
            causes=[1, 2],
            entry=late_entry(seen),
        )
        point = curves.at(within, 1)
        found = interval_columns(point)
        if found.get("status"):
            found["note"] = say_unknown(curves.still_in)
        yield group.row(
            "pathway_step",
            "cumulative_incidence",
            category=name,
            at=within,
            n=float(point.events),
            denominator=len(seen),
            people=seen["person_id"].nunique(),
            n_missing=int(((seen["cause"] == 0) & (seen["time"] < within)).sum()),
            **found,
        )


def _days(group: Group, part: pd.DataFrame, gap: int, within: int) -> Iterator[Row]:
    """Mean days to the end of the pathway; whether it ended on a day is known ``gap`` days later, so follow-up stops there."""
    known = part["followed"] - gap
    time = np.minimum(part["end"], known)
    seen = in_view(part.assign(time=time, ended=part["end"] <= known)[known >= 0], "time")
    if seen.empty:
        return
    curve = kaplan_meier(
        seen["time"].to_numpy(), seen["ended"].to_numpy(), cluster=seen["person_id"].to_numpy(), entry=late_entry(seen)
    )
    early = int((~seen["ended"] & (seen["time"] < within)).sum()) + len(part) - len(seen)
    counts = {"n": len(seen), "denominator": len(seen), "people": seen["person_id"].nunique(), "n_missing": early}
    mean = interval_columns(restricted_mean(curve, within))
    if mean.get("status"):
        mean["note"] = say_unknown(curve)
    yield group.row("pathway_days", "restricted_mean", at=within, **counts, **mean)


def _next_pathway(leavers: pd.DataFrame, chains: pd.DataFrame, gap: int) -> pd.DataFrame:
    """Those who left (``left_on`` on their person's clock) with the day their next pathway began, if it did."""
    starts = chains.drop_duplicates("pathway")[["person_id", "begin"]].rename(columns={"begin": "next_day"})
    return pd.merge_asof(
        leavers.assign(from_day=leavers["left_on"] + gap + 1).sort_values("from_day"),
        starts.assign(from_day=starts["next_day"]).sort_values("from_day"),
        on="from_day",
        by="person_id",
        direction="forward",
    )


def _return_rows(group: Group, definition: str, part: pd.DataFrame, window: int) -> Iterator[Row]:
    """The share who began another pathway within the window, everyone followed as long as they were seen."""
    if part.empty:
        return
    followed = part["followed"].to_numpy(dtype="float64")
    away = (part["next_day"] - part["left_on"]).to_numpy(dtype="float64")
    event = (away <= window) & (away <= followed)
    time = np.where(event, away, np.minimum(followed, window))
    point = kaplan_meier(time, event, cluster=part["person_id"].to_numpy()).at(window)
    share = Interval(
        1 - float(point.value), 1 - float(point.high), 1 - float(point.low), point.conf_level, point.method
    )
    yield group.row(
        definition,
        "cumulative_incidence",
        category=definition,
        at=window,
        n=float(event.sum()),
        denominator=len(part),
        people=part["person_id"].nunique(),
        n_missing=int((~event & (followed < window)).sum()),
        **interval_columns(share),
    )
