"""Who is counted: eligible episodes, with every exclusion and its reason.

The default denominator is everyone admitted who attended at least one session (docs/definitions/attrition.md). Nothing is dropped
without a line in the attrition; what a figure says of completers alone is never a headline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import narwhals as nw

from iop_outcomes import reductions
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.records.model import Records
from iop_outcomes.schema import COVARIATES
from iop_outcomes.vocabulary import ExitRule, LevelOfCare

#: Columns an estimate may be grouped by.
GROUPS: tuple[str, ...] = ("program", "level_of_care", "schedule", "admission_quarter", *COVARIATES)

#: Rungs of the denominator ladder a cohort may start from, in order (docs/definitions/attrition.md).
RUNGS: tuple[str, ...] = ("admitted", "attended", "engaged", "completed")


@dataclass(frozen=True)
class AttritionStep:
    """One filter: whom it left out, how many episodes that were, and how many episodes and people were left after it."""

    reason: str
    episodes: int
    people: int
    left_out: int


@dataclass(frozen=True)
class Cohort:
    """Eligible episodes, their sessions and outcomes (lazy), attrition, and the settings that chose.

    ``episodes`` has one row per episode with its clock worked out: ``exit_day`` (last day in the programme or last day
    seen), ``cause`` (0 still in programme, else the position of the end reason), ``planned_days``, and group columns.
    ``episode_id`` and ``person_id`` are numbers here, the same in ``attendance`` and ``outcomes``; ``episode_code`` is the id in
    the records, to join data of one's own (on a cluster the numbers are the ids).
    ``clock`` is the same of every episode of the records, kept on the engine (about 40 columns, 300 bytes an episode);
    ``episodes`` are those rows of it that are counted.
    """

    records: Records
    clock: nw.LazyFrame[Any]
    episodes: nw.LazyFrame[Any]
    attendance: nw.LazyFrame[Any]
    outcomes: nw.LazyFrame[Any]
    attrition: tuple[AttritionStep, ...]
    settings: Mapping[str, Any]
    _kept: dict[str, nw.LazyFrame[Any]] = field(default_factory=dict, repr=False, compare=False)

    def keep(self, name: str, make: Callable[[], nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
        """A reduction that several measures ask for: worked out the first time, and its rows kept on the engine."""
        if name not in self._kept:
            self._kept[name] = self.records.lift(make())
        return self._kept[name]

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns an estimate may be grouped by: the package's, then the programme's own."""
        return (*GROUPS, *(self.records.manifest.settings.get("groups") or {}))

    def __repr__(self) -> str:
        lines = ["Cohort"]
        for step in self.attrition:
            lines.append(
                f"  {step.episodes:>8,} episodes of {step.people:,} people   {step.left_out:,} left out: {step.reason}"
            )
        return "\n".join(lines)

    def describe_attrition(self, *, combine: bool = False) -> Estimates:
        """From the episodes read to the episodes counted: what each filter left out, as estimates a page may print.

        The first row is ``read``, the last ``counted``; between them ``n`` is left out of ``denominator`` before it. With
        ``combine`` all filters make one row that names them all, which is what a small programme can publish.
        """
        first, last = self.attrition[0], self.attrition[-1]
        lines: list[dict[str, Any]] = [{"category": "read", "n": first.episodes, "denominator": first.episodes}]
        if combine:
            reasons = [step.reason for step in self.attrition[1:] if step.left_out]
            gone = first.episodes - last.episodes
            lines.append({"category": " or ".join(reasons) or "nobody", "n": gone, "denominator": first.episodes})
        else:
            for step in self.attrition[1:]:
                before = step.episodes + step.left_out
                lines.append({"category": step.reason, "n": step.left_out, "denominator": before})
        lines.append({"category": "counted", "n": last.episodes, "denominator": last.episodes, "people": last.people})
        shared = {
            "measure": "attrition",
            "definition": "attrition@1",
            "estimand": "count",
            "unit": "episodes",
            "method": "count",
        }
        rows = [{**shared, **line, "at": order, "value": line["n"]} for order, line in enumerate(lines)]
        return Estimates.from_rows(rows, self.settings)


def select_cohort(
    records: Records | Cohort,
    *,
    level_of_care: str | Sequence[str] | None = None,
    admitted: tuple[str, str] | None = None,
    programs: Sequence[str] | None = None,
    episodes: str = "all",
    rung: str = "attended",
    exit_rule: str | None = None,
) -> Cohort:
    """Choose whose episodes are counted.

    ``records`` may be a cohort of them: the choice is made anew from all its records, by the clock it has worked out.
    ``level_of_care`` is one ASAM level or several. ``admitted`` is the first and last day of admission
    (``("2025-01-01", "2025-12-31")``), or two years where records hold no dates. ``episodes`` is ``"all"`` or
    ``"first"`` (each person's first admission in the records). ``rung`` starts the denominator ladder at ``admitted``,
    ``attended`` (default: at least one session), ``engaged`` (4 sessions in 14 days unless the settings say otherwise)
    or ``completed``. ``exit_rule`` is ``last_contact`` (default) or ``discharge``.

    Raises :class:`UsageError` for a word it does not know and for a period where records hold no dates.
    """
    known = records if isinstance(records, Cohort) else None
    source = records.records if isinstance(records, Cohort) else records
    levels = _levels(level_of_care)
    if rung not in RUNGS:
        raise UsageError(f"rung is one of {', '.join(RUNGS)}")
    if episodes not in ("all", "first"):
        raise UsageError("episodes is 'all' or 'first'")
    rule = exit_rule or source.manifest.settings.get("retention", {}).get("exit_rule") or str(ExitRule.LAST_CONTACT)
    if rule not in ExitRule.codes():
        raise UsageError(f"exit_rule is one of {', '.join(ExitRule.codes())}")

    clock = known.clock if known and known.settings["exit_rule"] == rule else _clock(source, rule)
    filters: list[tuple[str, nw.Expr]] = []
    if levels:
        labels = ", ".join(levels)
        filters.append((f"level of care other than {labels}", nw.col("level_of_care").is_in(levels)))
    if programs is not None:
        filters.append(("in another programme", nw.col("program_id").is_in(list(programs))))
    if admitted is not None:
        filters.append((f"admitted outside {admitted[0]} to {admitted[1]}", _admitted(source, admitted)))
    if episodes == "first":
        filters.append(("not the person's first admission", nw.col("episode_number") == 1))
    if rung != "admitted":
        filters.append(("attended no session", nw.col("sessions_attended") > 0))
    if rung == "engaged":
        least, within = _engaged(source)
        reason = f"fewer than {least} sessions in the first {within} days"
        filters.append((reason, nw.col("sessions_early") >= least))
    if rung == "completed":
        filters.append(("did not complete", nw.col("end_reason") == "completed"))

    steps: list[AttritionStep] = []
    read = next((account for account in source.manifest.accounts if account.table == "episodes"), None)
    counts = reductions.count_after_each(clock, [condition for _, condition in filters])
    used = counts[0]
    steps.append(AttritionStep("read", read.read if read else used[0], used[1], 0))
    if read is not None:
        faults = source.manifest.count_faults(read)
        mapped = read.read - read.used - faults
        if mapped:
            steps.append(AttritionStep("left out by the mapping", read.read - mapped, used[1], mapped))
        steps.append(AttritionStep("set aside for a fault", used[0], used[1], faults))
    before = used[0]
    for (reason, _), (kept, people) in zip(filters, counts[1:], strict=True):
        steps.append(AttritionStep(reason, kept, people, before - kept))
        before = kept
    frame = clock.filter(*(condition for _, condition in filters)) if filters else clock
    settings = {
        "programme": source.manifest.settings.get("name", ""),
        "as_of": str(source.manifest.as_of) if source.manifest.as_of else "",
        "synthetic": bool(source.manifest.settings.get("synthetic", False)),
        "level_of_care": levels,
        "asam_edition": source.manifest.settings.get("asam_edition", 3),
        "admitted": tuple(str(edge) for edge in admitted) if admitted else (),
        "episodes": episodes,
        "rung": rung,
        "exit_rule": rule,
    }
    return Cohort(
        source,
        clock,
        frame,
        _rows_of(frame, source.attendance),
        _rows_of(frame, source.outcomes),
        tuple(steps),
        settings,
    )


def _clock(records: Records, rule: str) -> nw.LazyFrame[Any]:
    """The clock of every episode, worked out once and kept on the engine."""
    since = records.manifest.settings.get("records_from")
    clock = reductions.episode_clock(
        records.programs,
        records.episodes,
        records.attendance,
        rule,
        engaged_days=_engaged(records)[1],
        records_from=None if since is None else reductions.day_number(str(since)),
        groups=_own_groups(records),
    )
    return records.lift(clock)


def _rows_of(episodes: nw.LazyFrame[Any], table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The rows of a table of the records that are of these episodes, by their numbers."""
    keys = episodes.select("episode_id", "episode_code")
    return table.rename({"episode_id": "episode_code"}).join(keys, on="episode_code", how="inner").drop("episode_code")


def _engaged(records: Records) -> tuple[int, int]:
    """How many sessions in how many days make a person engaged."""
    retention = records.manifest.settings.get("retention", {})
    return int(retention.get("engaged_sessions", 4)), int(retention.get("engaged_days", 14))


def _own_groups(records: Records) -> dict[str, nw.Expr]:
    """The programme's own groups as columns: a text column as it is, a number cut into ranges with plain labels."""
    groups: dict[str, nw.Expr] = {}
    for name, group in (records.manifest.settings.get("groups") or {}).items():
        value = nw.col(group["column"])
        label, cuts = value.cast(nw.String), group["cuts"]
        if cuts:
            label = nw.when(value >= cuts[-1]).then(nw.lit(f"{cuts[-1]:g} or more"))
            for low, high in reversed(list(pairwise(cuts))):
                label = nw.when(value < high).then(nw.lit(f"{low:g} to under {high:g}")).otherwise(label)
            label = nw.when(value < cuts[0]).then(nw.lit(f"under {cuts[0]:g}")).otherwise(label)
        groups[name] = label
    return groups


def _levels(level_of_care: str | Sequence[str] | None) -> tuple[str, ...]:
    if level_of_care is None:
        return ()
    levels = (level_of_care,) if isinstance(level_of_care, str) else tuple(level_of_care)
    strange = [level for level in levels if level not in LevelOfCare.codes()]
    if strange:
        raise UsageError(f"level_of_care is one of {', '.join(LevelOfCare.codes())}")
    return levels


def _admitted(records: Records, admitted: tuple[str, str]) -> nw.Expr:
    first, last = (str(edge) for edge in admitted)
    if len(first) == len(last) == 4 and first.isdigit() and last.isdigit():
        return (nw.col("admission_year") >= int(first)) & (nw.col("admission_year") <= int(last))
    if records.manifest.privacy == "safe_harbor":
        raise UsageError("these records hold no dates: give admitted as two years, such as ('2024', '2025')")
    return (nw.col("admission_number") >= reductions.day_number(first)) & (
        nw.col("admission_number") <= reductions.day_number(last)
    )
