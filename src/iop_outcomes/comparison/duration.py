"""Would more do well had everybody stayed so long, than had everybody left before? Clones, censored and weighted.

Who stayed is never compared with who left as if they had been two groups at admission: nobody had stayed yet, and what
happens on the way decides both who leaves and what comes of it. The plain difference stands beside and is never the answer.

See docs/methods/weighting.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iop_outcomes.cohort import select_cohort
from iop_outcomes.comparison.balance import read_baseline
from iop_outcomes.comparison.duration_rows import (
    ASSUMED,
    Course,
    clone_differences,
    crude_rows,
    judge_clones,
    missing_rows,
    pair_rows,
    refused_rows,
    say_unweighted,
    strategy_rows,
    support_rows,
    unmeasured_rows,
)
from iop_outcomes.comparison.effectiveness import ADJUST
from iop_outcomes.comparison.eligible import answer_abstinence
from iop_outcomes.comparison.weekly_state import STATES, WEEK, read_weekly_state
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.case_mix import check_covariates
from iop_outcomes.measures.interviews import followed_episodes
from iop_outcomes.measures.stays import CAUSES, planned_length
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import clone_weights
from iop_outcomes.statistics.clone_censor import NOBODY_STAYED
from iop_outcomes.vocabulary import EndReason, LevelOfCare

#: What may be compared, in words. Being retained, completing, and days in care are made of the stay itself.
OUTCOMES: dict[str, str] = {"abstinent": "thirty days without use, as said or tested at the follow-up interview"}
#: Ends that nobody chose as a length of stay: whoever ended so before the day may have followed either strategy. People who
#: died before the outcome are not among those followed.
EXCUSED: tuple[EndReason, ...] = (EndReason.TRANSFERRED, EndReason.INCARCERATED)


@dataclass(frozen=True)
class DurationProtocol:
    """What a comparison of lengths of stay asks, of whom, from when, and how: printed and kept with its result.

    ``level`` is an ASAM level, ``stay`` the day that parts the strategies, ``at`` the day of the outcome, both days since
    admission, ``adjust`` columns known at admission.

    Raises :class:`UsageError` for a word it does not know, or a combination that cannot be.

    >>> print(DurationProtocol("2.1", 42, "abstinent", 180, ("severity",)).describe()[0][1])
    Of everybody admitted to 2.1 (intensive outpatient), how many more would have gone thirty days without use, 180 days \
after admission, had all stayed at least 42 days, than had all left before day 42?
    """

    level: str
    stay: int
    outcome: str
    at: int
    adjust: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.level not in LevelOfCare.codes():
            raise UsageError(f"level is one level of care: {', '.join(LevelOfCare.codes())}")
        if self.outcome not in OUTCOMES:
            raise UsageError(
                f"outcome is {', '.join(OUTCOMES)}; being retained, completing and days in care are made of the stay itself"
            )
        if any(isinstance(day, bool) or not isinstance(day, int) for day in (self.stay, self.at)):
            raise UsageError("stay and at are whole numbers of days since admission")
        if not 1 <= self.stay <= self.at:
            raise UsageError("stay lies between day 1 and the day of the outcome")
        if not self.adjust:
            raise UsageError("adjust names at least one column known at admission")

    def describe(self) -> tuple[tuple[str, str], ...]:
        """The target-trial table: element and how it is done here."""
        level, day = f"{self.level} ({LevelOfCare(self.level).label.lower()})", f"day {self.stay}"
        what, alike = OUTCOMES[self.outcome], ", ".join(name.replace("_", " ") for name in self.adjust)
        excused = ", ".join(reason.label.lower() for reason in EXCUSED)
        rows = (
            (
                "Question",
                f"Of everybody admitted to {level}, how many more would have gone thirty days without use, {self.at} days "
                f"after admission, had all stayed at least {self.stay} days, than had all left before {day}?",
            ),
            ("Who is in it", f"First admissions to {level}, whoever attended nothing included"),
            ("Who is not", f"People who cannot be followed to day {self.at}, had died by it, or were already in care"),
            (
                "What is compared",
                f"Stay at least {self.stay} days; leave before {day}, on the days on which people alike at admission do",
            ),
            (
                "How long people stayed",
                "Not by lot; as good as by lot, it is assumed, week by week among people alike as below",
            ),
            ("Time zero", "The day of admission, when everybody follows both strategies: each person is two clones"),
            ("Followed", f"To day {self.at} after admission, the same clock under both strategies"),
            ("Censored", f"A stay clone when its person leaves before {day}; a leave clone on {day} if still in care"),
            ("Outcome", f"{what[0].upper()}{what[1:]}, day {self.at}"),
            (
                "What may come between",
                f"Completed, left early, ended by the programme or otherwise before {day}: leaving; {excused}: compatible with "
                f"both strategies; died by day {self.at}: not counted, a share speaks of people alive on the day",
            ),
            ("Whose effect", "Everybody in it"),
            (
                "Made alike in",
                f"{alike}, recorded at admission; before each week, where recorded, {', '.join(STATES.values())}",
            ),
            (
                "How",
                "Clones that were not censored count the inverse of their chance to follow, from a logistic regression of "
                "leaving in each week; errors from stacked estimating equations, both clones of a person together",
            ),
            (
                "Not recorded",
                "Covariates: a category of their own. Outcome: answers count by the inverse of their chance; bounds beside",
            ),
        )
        return tuple((element, f"{text[:1].upper()}{text[1:]}") for element, text in rows)

    def __str__(self) -> str:
        """The target-trial table as text."""
        rows = self.describe()
        width = max(len(element) for element, _ in rows)
        return "\n".join(f"{element:<{width}}  {text}" for element, text in rows)


def compare_durations(
    records: Records,
    *,
    level: str = "2.1",
    stay: int = 90,
    outcome: str = "abstinent",
    at: int = 180,
    adjust: Sequence[str] = ADJUST,
    admitted: tuple[str, str] | None = None,
) -> Estimates:
    """Of everybody admitted to this level, would more have done well had all stayed so long, than had all left before?

    ``stay`` is the day since admission that parts the strategies; more than a few people must reach it, so that it lies
    before the planned end. ``outcome`` is ``"abstinent"`` (thirty days without use) at a follow-up day ``at`` (30, 90, 180,
    365). ``adjust`` are columns known at admission; tests, reports of use and missed sessions before each week are
    adjusted for where they are recorded (``settings["duration_states"]``). ``settings["duration_protocol"]`` is the
    :class:`DurationProtocol`. First admissions only.

    Rows: ``duration_strategies`` (who stayed, who ended before and who cannot be followed, of everybody; of those who ended
    before, who was excused and keeps both clones); ``duration_crude`` (who stayed and who ended before, as if that were two
    groups at admission, and the difference); ``duration_support`` (clones, effective numbers, weights, the limits of the
    gate); ``duration_effect`` (the share under each strategy, and the difference), people not reached counted in four ways
    (``duration_missing_using``, ``_sober``, ``_least``, ``_most``), ``duration_evalue`` and ``duration_evalue_limit``.
    ``by`` is ``"duration"``, ``group`` ``"stay"`` or ``"leave"``. Where people of every kind do not both stay and leave,
    under 50 effective people follow a strategy, or clones still differ by 0.1 standard deviations, ``duration_effect`` is
    ``not_estimable``, its note says why and what would mend it, and what is made from it is absent.

    Raises :class:`UsageError` for words it does not know, days that make no sense and columns not known at admission.

    Source: Hernán (2018), doi:10.1136/bmj.k182; Hernán and Robins (2016), doi:10.1093/aje/kwv254.
    """
    columns = (adjust,) if isinstance(adjust, str) else tuple(dict.fromkeys(adjust))
    protocol = DurationProtocol(level, stay, outcome, at, columns)
    cohort = select_cohort(records, level_of_care=level, admitted=admitted, episodes="first", rung="admitted")
    check_covariates(cohort, columns)
    stays = followed_episodes(cohort, "exit_day", "cause", "planned_days", *columns)
    stays = answer_abstinence(stays, cohort, at).sort_values(
        ["answer", "exit_day", "cause", *columns], ignore_index=True
    )
    due = stays[stays["due"]].reset_index(drop=True)
    settings = {**cohort.settings, "duration_protocol": protocol}
    exit_day = due["exit_day"].to_numpy(dtype="float64")
    stayed = exit_day >= stay
    excused = due["cause"].isin([0, *(CAUSES[str(reason)] for reason in EXCUSED)]).to_numpy()
    planned = planned_length(due) if due["planned_days"].notna().any() else None
    answer = due["answer"].to_numpy(dtype="float64")
    course = Course(outcome, at, stay, stayed, ~stayed & ~excused, answer, len(stays), planned)
    rows = [*strategy_rows(course), *crude_rows(course)]
    if due.empty:
        return Estimates.from_rows([*rows, *refused_rows(course, say_unweighted(course, NOBODY_STAYED))], settings)
    baseline = read_baseline(due, columns)
    state = read_weekly_state(cohort, due, -(-stay // WEEK))
    settings |= {"duration_states": state.names, "duration_not_recorded": baseline.unrecorded}
    made = clone_weights(exit_day, course.left, baseline.design(), state.values, stay=stay, interval=WEEK)
    found = made.compare(answer)
    if found.strategies.reason:
        note = say_unweighted(course, found.strategies.reason)
        return Estimates.from_rows([*rows, *refused_rows(course, note)], settings)
    gaps = clone_differences(baseline.matrix, found)
    rows += support_rows(course, found, gaps)
    refused = judge_clones(course, found, gaps, baseline.labels)
    if refused:
        rows += refused_rows(course, refused)
    else:
        rows += pair_rows(course, "duration_effect", found, ASSUMED)
        rows += missing_rows(course, made)
        rows += unmeasured_rows(course, found.strategies)
    return Estimates.from_rows(rows, settings)
