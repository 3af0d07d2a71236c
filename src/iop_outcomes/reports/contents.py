"""Which estimates a quarterly report prints: one bundle, so that the gate sees everything that leaves together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort, select_cohort
from iop_outcomes.comparison.cost import measure_costs
from iop_outcomes.comparison.cost_effectiveness import assess_cost_effectiveness
from iop_outcomes.comparison.effectiveness import compare_levels
from iop_outcomes.comparison.endings import compare_endings
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, Estimates
from iop_outcomes.measures.attendance import measure_attendance
from iop_outcomes.measures.attendance_contrasts import compare_attendance
from iop_outcomes.measures.followup import measure_abstinence
from iop_outcomes.measures.groups import measure_by_group
from iop_outcomes.measures.hours import measure_hours
from iop_outcomes.measures.landmark import measure_landmark
from iop_outcomes.measures.pathways import measure_pathways
from iop_outcomes.measures.people import compare_people, measure_completeness, measure_people
from iop_outcomes.measures.quarters import measure_by_period
from iop_outcomes.measures.retention import measure_endings, measure_retention
from iop_outcomes.measures.retention_contrasts import compare_retention
from iop_outcomes.measures.roles import measure_roles
from iop_outcomes.measures.sites import measure_by_site
from iop_outcomes.measures.sobriety import measure_milestones
from iop_outcomes.measures.use_days import measure_use_days
from iop_outcomes.measures.wellbeing import measure_change
from iop_outcomes.records.model import Records
from iop_outcomes.reports.period import Quarter, Span
from iop_outcomes.reports.signals import SERIES
from iop_outcomes.vocabulary import Audience

Step = Callable[[str, int, int], None]

#: Days since admission shown on page 3.
DAYS: tuple[int, ...] = (7, 14, 30, 42, 60, 90)
#: The day on which schedules are compared.
GROUP_DAY = 42
#: Groups whose attendance is compared.
ATTENDANCE_GROUPS: tuple[str, ...] = ("schedule", "employment")
#: The day on which sites and groups are compared: early enough for everyone admitted in a quarter to have been followed
#: when the extract is made a month after it.
SITE_DAY = 30
#: What sites are made comparable by.
CASE_MIX: tuple[str, ...] = ("severity", "days_used_30", "employment")
#: Groups of people compared with everyone else, for the public: each more withholds numbers of the others.
PUBLIC_GROUPS: tuple[str, ...] = ("gender", "primary_substance", "employment")
#: Levels of care that are compared with others as residential care.
RESIDENTIAL: tuple[str, ...] = ("3.1", "3.3", "3.5", "3.7")
#: Family sessions by the landmark day that count as taking part.
FAMILY_SESSIONS = 2
#: Milestones shown on page 5.
MILESTONES: tuple[int, ...] = (7, 14, 30, 60, 90)
#: Fewest admissions a month for a share of them to be shown month by month; with fewer, quarters stand in.
MONTH_HOLDS = 50
#: Parts a progress bar counts.
_STEPS = 10


@dataclass(frozen=True)
class Contents:
    """A report's estimates and the stretches of time they speak of; ``quarter`` is missing where records hold no dates.

    ``everyone`` are printed for both audiences. ``only`` adds what one audience gets: the public report puts rare endings
    and exclusions together, shows milestones on fewer days, and leaves out differences that would tell a withheld share.
    """

    everyone: tuple[Estimates, ...]
    only: Mapping[str, tuple[Estimates, ...]]
    quarter: Span | None
    cohort: Span
    before: Span | None
    history: Span | None
    level: str
    planned_days: int

    def bundle(self, audience: str) -> tuple[Estimates, ...]:
        """Everything one report prints, so that the gate sees it together."""
        return tuple(part for part in (*self.everyone, *self.only[audience]) if len(part))


def choose_level(records: Records, level_of_care: str | None) -> str:
    """The level asked for, else intensive outpatient where there is any, else the commonest."""
    levels = reductions.counts(records.episodes, "level_of_care").frame.sort_values("n", ascending=False)
    present = [str(level) for level in levels["level_of_care"]]
    if not present:
        raise UsageError("there are no episodes to report on; iop-outcomes check says where they went")
    if level_of_care is not None:
        if level_of_care not in present:
            raise UsageError(f"no episode has that level of care; there are {', '.join(sorted(present))}")
        return level_of_care
    return "2.1" if "2.1" in present else present[0]


def gather_contents(records: Records, *, quarter: Quarter | None, level: str, step: Step | None = None) -> Contents:
    """Run every measure the report prints, once for both audiences."""
    say = step or (lambda what, done, total: None)
    span = quarter.year_to if quarter else _whole(records)
    admitted = span.edges if quarter else None
    cohort = select_cohort(records, level_of_care=level, admitted=admitted)
    if cohort.attrition[-1].episodes == 0:
        raise UsageError(
            f"nobody was admitted to level {level} in {span.label}; choose another quarter or level of care"
        )
    lengths = reductions.episode_rows(cohort.episodes, "planned_days")["planned_days"].dropna()
    planned = int(lengths.mode().iloc[0]) if len(lengths) else 56
    parts: list[Estimates] = []
    only: dict[str, list[Estimates]] = {str(audience): [] for audience in Audience}
    if quarter:
        say("Who came", 0, _STEPS)
        now = select_cohort(cohort, level_of_care=level, admitted=quarter.span.edges)
        before = select_cohort(cohort, level_of_care=level, admitted=quarter.year_before.edges)
        parts.append(measure_people(now).over(*quarter.span.edges))
        parts.append(measure_people(before).over(*quarter.year_before.edges))
        only[Audience.INTERNAL].append(compare_people(now, before).over(*quarter.span.edges))
        say("Month by month", 1, _STEPS)
        caseload = select_cohort(cohort, level_of_care=level)
        since, until = quarter.history.edges
        few = cohort.attrition[-1].episodes < 12 * MONTH_HOLDS
        for series in SERIES.values():
            periods = {each: "quarter" if few and each in series.pooled else "month" for each in Audience}
            lines = {
                period: measure_by_period(caseload, series.name, period=period, since=since, until=until, chart="xmr")
                for period in dict.fromkeys(periods.values())
            }
            if len(lines) == 1:
                parts += lines.values()
                continue
            for audience, period in periods.items():
                only[audience].append(lines[period])
    else:
        parts.append(measure_people(cohort).over(*span.edges))
    parts += [estimates.over(*span.edges) for estimates in _of_cohort(cohort, planned, say)]
    milestones = _milestones(cohort, planned)
    for audience, combine in ((Audience.PUBLIC, True), (Audience.INTERNAL, False)):
        say("Endings, milestones, roles and groups", 8 + int(not combine), _STEPS)
        days = [*(day for day in DAYS if day < planned), planned, planned + 14] if combine else None
        endings = measure_endings(cohort, at=days, combine=combine, until=planned + 14)
        parts_of = [cohort.describe_attrition(combine=combine), endings, _thin(milestones) if combine else milestones]
        parts_of.append(measure_roles(cohort, combine=combine))
        parts_of += [] if combine else [measure_roles(cohort, to="followup")]
        parts_of.append(measure_by_group(cohort, "retained", at=SITE_DAY, by=PUBLIC_GROUPS if combine else None))
        only[audience] += [estimates.over(*span.edges) for estimates in parts_of]
    say("Cost and comparison", 9, _STEPS)
    parts += _cost_and_comparison(cohort, level)
    only[Audience.INTERNAL] += _endings_by_level(cohort, level)
    say("Done", _STEPS, _STEPS)
    return Contents(
        tuple(parts),
        {audience: tuple(estimates) for audience, estimates in only.items()},
        quarter.span if quarter else None,
        span,
        quarter.year_before if quarter else None,
        quarter.history if quarter else None,
        level,
        planned,
    )


def _of_cohort(cohort: Cohort, planned: int, say: Step) -> list[Estimates]:
    """What is said of everyone admitted in the four quarters: what a page prints and nothing else, for all that leaves
    together is judged together."""
    say("Staying and leaving", 2, _STEPS)
    parts = [measure_retention(cohort, at=DAYS, tau=planned)]
    by_schedule = measure_retention(cohort, at=(GROUP_DAY,), by="schedule", tau=planned)
    parts.append(by_schedule.where(by="schedule", definition=["retained@1", "lost_early@1"]))
    contrasts = compare_retention(cohort, by="schedule", at=(GROUP_DAY,), tau=planned)
    parts.append(contrasts.where(definition=["retained@1", "lost_early@1", "mean_days_in_programme@1"]))
    parts.append(measure_pathways(cohort))
    say("Hours", 4, _STEPS)
    hours = measure_hours(cohort, by="schedule")
    printed = hours.take(hours.frame["definition"] != "hours_completion_person@1")
    parts += [printed.where(by=ALL), printed.where(by="schedule", definition="hours_completion_admitted@1")]
    say("Attendance", 5, _STEPS)
    attendance = measure_attendance(cohort, by="program", at=(14, 30), weeks=max(1, planned // 7))
    parts += [attendance.where(by=ALL), attendance.where(by="program", definition="weekly_attendance@1")]
    parts += [compare_attendance(cohort, by=by).where(by=by) for by in ATTENDANCE_GROUPS]
    say("Health and daily life", 6, _STEPS)
    parts += [measure_change(cohort), measure_abstinence(cohort), measure_use_days(cohort)]
    parts.append(measure_landmark(cohort, least=FAMILY_SESSIONS))
    sites = measure_by_site(cohort, "retained", at=SITE_DAY, adjust=CASE_MIX)
    for estimates in (sites, *(measure_by_site(cohort, what) for what in ("requirement_met", "no_show"))):
        parts.append(estimates.where(by=[ALL, "program"]))
    say("How complete the records are", 7, _STEPS)
    parts.append(measure_completeness(cohort))
    return parts


def _cost_and_comparison(cohort: Cohort, level: str) -> Iterator[Estimates]:
    """What care costs, and this level against residential care, where the records hold what it takes; over all of them
    and not the cohort's alone, for a comparison needs as many people as there are."""
    control = _residential(cohort.records) if level not in RESIDENTIAL else None
    with suppress(UsageError):  # no cost lines, or no dates: the page says that they are missing
        yield measure_costs(select_cohort(cohort, level_of_care=level, rung="admitted"))
        if control:
            other = measure_costs(select_cohort(cohort, level_of_care=control, rung="admitted"))
            yield other.where(by="program")
    if control:
        yield compare_levels(cohort, treated=level, control=control)
        with suppress(UsageError):
            yield assess_cost_effectiveness(cohort, treated=level, control=control)


def _endings_by_level(cohort: Cohort, level: str) -> Iterator[Estimates]:
    """How first stays end at this level and at residential care, for the programme alone: each ending more withholds others."""
    control = _residential(cohort.records) if level not in RESIDENTIAL else None
    if control:
        found = compare_endings(cohort, treated=level, control=control)
        yield found.where(definition=["level_crude_ending@1", "level_effect_ending@1"])


def _residential(records: Records) -> str | None:
    """The residential level with most episodes, where there is one."""
    levels = reductions.counts(records.episodes, "level_of_care").frame.sort_values("n", ascending=False)
    return next((str(level) for level in levels["level_of_care"] if str(level) in RESIDENTIAL), None)


def _milestones(cohort: Cohort, planned: int) -> Estimates:
    """Milestones up to the planned length: nobody can reach one later in care, and late days would show single people."""
    reachable = tuple(length for length in MILESTONES if length <= planned)
    substance = str(cohort.records.manifest.settings.get("sobriety", {}).get("substance") or "any")
    return measure_milestones(cohort, milestones=reachable, until=planned, every=7, substance=substance)


def _thin(milestones: Estimates) -> Estimates:
    """Milestones every other week and on the days of the milestones themselves: what the public sees of them."""
    frame = milestones.frame
    by_day = frame["definition"].isin(["milestone_confirmed@1", "milestone_bridged@1", "milestone_not_contradicted@1"])
    return milestones.take(~by_day | (frame["at"] % 14 == 0) | frame["at"].isin(MILESTONES))


def _whole(records: Records) -> Span:
    """The years of admission where records hold no dates."""
    years = reductions.episode_rows(records.episodes, "admission_year")["admission_year"].dropna()
    if years.empty:
        raise UsageError("no episode has an admission date or year")
    first, last = int(years.min()), int(years.max())
    return Span(date(first, 1, 1), date(last, 12, 31), str(first) if first == last else f"{first} to {last}")
