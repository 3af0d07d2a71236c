"""Which facts a fact sheet says, in which order and in which words; it reads released rows and has no number of its own.

A topic has one fact, in the first form the released rows allow. A form that they do not allow is named with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.facts import Fact, Origin, Wording, is_causal, make_fact, why_unsaid
from iop_outcomes.publication.figures.roles import say_role
from iop_outcomes.publication.formatting import quantity_of
from iop_outcomes.reports.reading import Reading, find_quantity, name_scale
from iop_outcomes.vocabulary import Substance

#: How many facts stand on the sheet.
FACTS = 5

#: Words of a scale's name from which on a sentence leaves it out.
_LONG = 4
#: What is counted where a figure speaks of everyone admitted.
_ADMITTED = "everyone admitted who came to at least one session, whoever left early included"
#: The second answer about a role at exit, not on a day of follow-up.
_AT_EXIT: dict[str, Any] = {"at": float("nan")}
_OF_ADMISSIONS = "Of {n} admissions to {programme} in {period}, {figure} "
_BOUNDS = ("Counting everyone not reached as using: {low}.", "Counting all of them as sober: {high}.")


@dataclass(frozen=True)
class Form:
    """One way to say a fact: which row it is, in which words, and which rows stand beside it."""

    topic: str
    title: str
    pattern: str
    where: Mapping[str, Any]
    clauses: tuple[str, ...] = ()
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    things: str = "admissions"
    population: str = _ADMITTED
    window: str = ""
    limitations: tuple[str, ...] = ()


def choose_facts(reading: Reading, origin: Origin) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """The facts that may be said, at most five and one a topic, and a line for each reason why others had to give way."""
    facts: dict[str, Fact] = {}
    unsaid: dict[str, list[str]] = {}
    for form in list_forms(reading):
        if form.topic in facts or len(facts) == FACTS:
            continue
        rows = list(reading.of_cohort.where(by="all", **form.where).rows())
        quantity = quantity_of(rows[0]) if rows else None
        why = why_unsaid(quantity) if quantity else "not in these records"
        if why or quantity is None:
            unsaid.setdefault(why, []).append(form.title)
            continue
        beside = {name: find_quantity(reading.of_cohort, by="all", **where) for name, where in form.beside.items()}
        words = _word(form, str(rows[0]["definition"]))
        facts[form.topic] = make_fact(reading.published, rows[0], quantity, beside, words, origin)
    lines = tuple(f"{why[:1].upper()}{why[1:]}: {'; '.join(titles)}." for why, titles in unsaid.items())
    return tuple(facts.values()), lines


def _word(form: Form, definition: str) -> Wording:
    """The words of a form, with what its definition says of clock and missing answers."""
    known = find_definition(definition)
    return Wording(
        form.topic, form.title, form.things, form.pattern, form.clauses, form.population, form.window, known.clock, known.missing,
        "none: counted as it is", form.limitations,
    )  # fmt: skip


def list_forms(reading: Reading) -> Iterator[Form]:
    """Every form of every topic, the ones wanted most first."""
    yield from _staying()
    yield from _hours()
    yield from _milestones(reading)
    yield from _health(reading)
    yield from _daily_life(reading)
    yield from _followup()
    yield from _completing(reading)
    yield from _sessions()


def _staying() -> Iterator[Form]:
    for day, words in ((42, "six weeks"), (30, "30 days")):
        yield Form(
            "staying",
            f"In care or completed after {words}",
            f"{_OF_ADMISSIONS}were still in care or had completed it after {words}.",
            {"definition": "retained@1", "at": day},
            window=f"{words} after admission",
            limitations=("Staying is not an outcome in itself; the evidence that longer stays help is mixed.",),
        )


def _hours() -> Iterator[Form]:
    yield Form(
        "hours",
        "Hours attended of the planned course",
        "{n} people admitted to {programme} in {period} came to {figure} of the hours planned for them.",
        {"definition": "hours_completion_admitted@1", "category": "all"},
        things="hours",
        population="everyone admitted whose planned end lies behind the as-of date, whoever left early included",
        window="from admission to the planned end",
    )
    yield Form(
        "hours",
        "Weeks that met the weekly hours",
        "Of {n} weeks in care of people admitted to {programme} in {period}, {figure} met the weekly hours.",
        {"definition": "requirement_met@1", "category": "all"},
        things="weeks",
        population="whole weeks enrolled of everyone admitted",
        window="from admission to discharge",
        limitations=("Weeks after somebody left are not in it.",),
    )


def _milestones(reading: Reading) -> Iterator[Form]:
    substance = str(reading.published.settings.get("substance") or "any")
    sober = "sober" if substance == "any" else f"without {Substance(substance).label.lower()}"
    for length in (90, 30, 14, 7):
        if length > reading.contents.planned_days:
            continue
        where = {"category": str(length), "at": reading.milestone_day(length)}
        yield Form(
            "sobriety",
            f"{length} days {sober} in a row",
            f"{_OF_ADMISSIONS}reached {length} days {sober} in a row within {{at}} days.",
            {"definition": "milestone_bridged@1", **where},
            (
                "Counting only days that are confirmed: {low}.",
                "Counting every day that nothing speaks against: {high}.",
            ),
            {
                "low": {"definition": "milestone_confirmed@1", **where},
                "high": {"definition": "milestone_not_contradicted@1", **where},
            },
            window="days since admission, in care",
            limitations=(
                "Gaps of up to a week between sober days count as sober.",
                "Whoever left care first counts as not reaching it.",
            ),
        )


def _health(reading: Reading) -> Iterator[Form]:
    improved = reading.of_cohort.where(definition="reliable_improvement@1", by="all")
    for row in improved.rows():
        scale = str(row["category"]).partition("/")[0]
        label = name_scale(reading.published.settings.get("scales"), scale)
        named = "score" if len(label.split()) >= _LONG or is_causal(label) else f"{label} score"
        yield Form(
            "health",
            f"Improved on the {label}, at least",
            f"Of {{n}} stays with a first {named} at {{programme}} in {{period}}, {{figure}} or more improved beyond "
            "measurement error.",
            {"definition": "reliable_improvement@1", "category": row["category"]},
            ("For {unknown} it is not known.", "If all of them had improved, it would be {high}."),
            {
                "unknown": {"definition": "change_segment@1", "category": f"{scale}/unknown"},
                "high": {"definition": "reliable_improvement_upper@1", "category": f"{scale}/improved_or_unknown"},
            },
            things="stays",
            population=f"everyone with a first {label} score whose planned end lies behind the as-of date",
            window="from the first score to the last one in care",
            limitations=("People come when they feel worst, so part of this would have come by itself.",),
        )


def _daily_life(reading: Reading) -> Iterator[Form]:
    """Work, housing, school: of those who had it where that may be said, else of everyone."""
    for of_those in (True, False):
        for role, had in (("work", "work"), ("housing", "a stable home")):
            name = say_role(role)
            asked = {"definition": f"role_{role}@1", "category": "kept_asked", **_AT_EXIT}
            kept = {"definition": f"role_{role}@1", "category": "kept", **_AT_EXIT}
            bounds = {
                "low": {"definition": f"role_{role}@1", "category": "kept_least", **_AT_EXIT},
                "high": {"definition": f"role_{role}@1", "category": "kept_most", **_AT_EXIT},
            }
            unknown = {"unknown": {"definition": f"role_{role}@1", "category": "not_asked", **_AT_EXIT}}
            first = "Of {n} stays begun with " + had + " at {programme} in {period} and asked again, {figure} kept it."
            yield Form(
                "daily life",
                f"{name} kept, of those who had it and were asked" if of_those else f"{name} at intake and at exit",
                first if of_those else f"{_OF_ADMISSIONS}had {had} both at intake and at exit.",
                asked if of_those else kept,
                ("At least {low} and at most {high}, whatever became of the others.",) if of_those
                else ("Another {unknown} had it at intake and were not asked again.",),
                bounds if of_those else unknown,
                things="stays" if of_those else "admissions",
                population="ended stays of everyone admitted whose planned course lies behind the as-of date",
                window="from intake to exit",
                limitations=("Answers are what people said.",),
            )  # fmt: skip


def _followup() -> Iterator[Form]:
    for day, words in ((180, "six months"), (90, "three months")):
        where = {"category": "abstinent_30", "at": day}
        yield Form(
            "follow-up",
            f"No use in 30 days, {words} on",
            f"Of {{n}} people reached {words} after admission to {{programme}} in {{period}}, {{figure}} had not used in 30 "
            "days.",
            {"definition": "abstinent_responders@1", **where},
            ("{response} of those due were reached.", *_BOUNDS),
            {
                "response": {"definition": "followup_response@1", **where},
                "low": {"definition": "abstinent_missing_using@1", **where},
                "high": {"definition": "abstinent_missing_sober@1", **where},
            },
            things="people reached",
            population="people due for an interview who were reached",
            window=f"{words} after admission, within the window of the interview",
            limitations=("Who is reached often depends on how they are doing, so the band belongs to the figure.",),
        )


def _completing(reading: Reading) -> Iterator[Form]:
    day = reading.contents.planned_days + 14
    yield Form(
        "completing",
        f"Completed by day {day}",
        f"{_OF_ADMISSIONS}had completed the programme by day {{at}}.",
        {"definition": "ending@1", "category": "completed", "at": day},
        window="days since admission",
        limitations=("The programme says who completed.",),
    )


def _sessions() -> Iterator[Form]:
    yield Form(
        "sessions",
        "Sessions attended",
        "Of {n} sessions planned for people admitted to {programme} in {period}, {figure} were attended.",
        {"definition": "session_status@1", "category": "attended"},
        things="sessions",
        population="sessions planned while people were enrolled",
        window="from admission to discharge",
        limitations=("Sessions after somebody left are not in it.",),
    )
