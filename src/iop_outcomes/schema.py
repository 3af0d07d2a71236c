"""The five tables as contracts: one field table from which everything else is made.

Validation, the data dictionary, the empty templates and the synthetic records all read the fields below; a column
exists when it stands here and nowhere else. Times come in two shapes. With dates (`admission_date`, `date`) the package
works out days itself; without dates (safe harbor) a file gives whole days since the episode's own admission (`day`,
`discharge_day`, `observed_day`) and the admission year. After reading, every table speaks in days since admission:
admission is day 0, week 1 is days 0–6.
"""

from __future__ import annotations

from iop_outcomes import vocabulary as words
from iop_outcomes.contracts import Field, Table

_EPISODE = Field("episode_id", "id", "The episode the row belongs to.", required=True, example="E0001")
_PROGRAM = Field("program_id", "id", "The programme (a site and a level of care).", required=True, example="north-iop")

PROGRAMS = Table(
    "programs",
    "a programme at one level of care",
    (
        _PROGRAM,
        Field("label", "text", "Name a reader sees.", required=True, example="North IOP"),
        Field("level_of_care", "code", "ASAM level of care.", True, words=words.LevelOfCare, example="2.1"),
        Field("planned_weeks", "number", "Planned length.", True, low=0.1, high=260, unit="weeks", example="8"),
        Field(
            "required_hours",
            "number",
            "Hours a week asked of each person.",
            low=0,
            high=168,
            unit="hours a week",
            example="9",
        ),
        Field(
            "required_hours_by_week",
            "schedule",
            "Hours asked by week where they step down; overrides required_hours.",
            unit="hours a week",
            example="1-6:9 7-8:6",
        ),
        Field("schedule", "code", "When sessions are held.", words=words.Schedule, example="evening"),
        Field("capacity", "integer", "Places.", low=0, high=100000, unit="people", example="40"),
    ),
)

EPISODES = Table(
    "episodes",
    "one admission of one person to one programme",
    (
        Field(
            "episode_id",
            "id",
            "Unique for each admission; random, never a record number.",
            True,
            example="E0001",
        ),
        Field("person_id", "id", "The same for every admission of one person; random.", True, example="P0001"),
        _PROGRAM,
        Field(
            "level_of_care",
            "code",
            "ASAM level of care of this episode; the programme's own when empty.",
            words=words.LevelOfCare,
            example="2.1",
        ),
        Field("admission_date", "date", "Day of admission (day 0).", example="2025-02-03"),
        Field(
            "admission_year",
            "year",
            "Year of admission, where dates may not be held.",
            low=1980,
            high=2100,
            example="2025",
        ),
        Field(
            "person_day",
            "day",
            "Days from the person's first admission to this one, where dates may not be held.",
            low=0,
            high=20000,
            unit="days",
            example="0",
        ),
        Field(
            "discharge_date",
            "date",
            "Recorded discharge; empty while still in the programme.",
            example="2025-03-28",
        ),
        Field(
            "discharge_day",
            "day",
            "Recorded discharge in days since admission.",
            low=0,
            high=5000,
            unit="days",
            example="53",
        ),
        Field(
            "observed_day",
            "day",
            "Days since admission for which this episode has been followed (as-of date less admission).",
            low=0,
            high=20000,
            unit="days",
            example="181",
        ),
        Field(
            "end_reason",
            "code",
            "Why the episode ended; empty while still in the programme.",
            words=words.EndReason,
            example="completed",
        ),
        Field(
            "weekly_hours",
            "number",
            "Hours a week asked of this person, where the plan differs from the programme's.",
            low=0,
            high=168,
            unit="hours a week",
            example="9",
        ),
        Field(
            "planned_weeks",
            "number",
            "Planned length for this person; the programme's when empty.",
            low=0.1,
            high=260,
            unit="weeks",
            example="8",
        ),
        Field("sobriety_date", "date", "Recorded first sober day.", example="2025-01-28"),
        Field(
            "sobriety_day",
            "day",
            "Recorded first sober day in days since admission.",
            low=-20000,
            high=5000,
            unit="days",
            example="-6",
        ),
        Field(
            "age",
            "integer",
            "Age at admission; write 90 for anyone over 89.",
            low=10,
            high=90,
            unit="years",
            example="34",
        ),
        Field("gender", "code", "Gender as recorded.", words=words.Gender, example="female"),
        Field("race_ethnicity", "text", "Race and ethnicity as the programme groups them.", example="white"),
        Field(
            "primary_substance",
            "code",
            "Primary substance at admission.",
            words=words.Substance,
            example="alcohol",
        ),
        Field(
            "days_used_30",
            "number",
            "Days of use in the 30 days before admission.",
            low=0,
            high=30,
            unit="days",
            example="14",
        ),
        Field(
            "severity",
            "number",
            "Severity at admission on the programme's own 0–10 scale.",
            low=0,
            high=10,
            example="4",
        ),
        Field(
            "prior_episodes",
            "integer",
            "Earlier treatment episodes anywhere.",
            low=0,
            high=200,
            unit="episodes",
            example="1",
        ),
        Field("employment", "code", "Employment at admission.", words=words.Employment, example="full_time"),
        Field("housing", "code", "Housing at admission.", words=words.Housing, example="stable"),
        Field("referral", "text", "Source of referral as the programme groups it.", example="self"),
        Field(
            "medication",
            "code",
            "Medication for opioid or alcohol use disorder.",
            words=words.YesNo,
            example="no",
        ),
        Field(
            "either_level",
            "code",
            "Judged at placement able to go to either level of care.",
            words=words.YesNo,
            example="yes",
        ),
    ),
    one_of=(("admission_date", "admission_year"),),
)

ATTENDANCE = Table(
    "attendance",
    "one scheduled session of one episode, attended or not",
    (
        _EPISODE,
        Field("date", "date", "Date of the session.", example="2025-02-05"),
        Field(
            "day",
            "day",
            "Day of the session, in days since admission.",
            low=0,
            high=5000,
            unit="days",
            example="2",
        ),
        Field(
            "week",
            "integer",
            "Week of treatment (1 is days 0–6) when a missed session has no date.",
            low=1,
            high=720,
            unit="week",
            example="1",
        ),
        Field(
            "visit",
            "text",
            "The schedule's own name for the session; tells two sessions of one day apart.",
            example="group-am",
        ),
        Field("service_type", "code", "Kind of session.", True, words=words.ServiceType, example="group"),
        Field("modality", "code", "How it was held.", words=words.Modality, example="in_person"),
        Field(
            "hours_offered",
            "hours",
            "Length of the session as offered.",
            low=0,
            high=24,
            unit="hours",
            example="3",
        ),
        Field("hours_attended", "hours", "Hours the person attended.", low=0, high=24, unit="hours", example="3"),
        Field(
            "status",
            "code",
            "What became of the session.",
            True,
            words=words.AttendanceStatus,
            example="attended",
        ),
    ),
    one_of=(("date", "day", "week", "visit"),),
)

OUTCOMES = Table(
    "outcomes",
    "one assessment, test or report of one episode, made or missed",
    (
        _EPISODE,
        Field("date", "date", "Date it was taken.", example="2025-02-05"),
        Field(
            "day",
            "day",
            "Day it was taken, in days since admission.",
            low=-400,
            high=5000,
            unit="days",
            example="2",
        ),
        Field(
            "week",
            "integer",
            "Week it was due when a missed one has no date.",
            low=1,
            high=720,
            unit="week",
            example="1",
        ),
        Field("point", "code", "Where in the course of care.", True, words=words.OutcomePoint, example="week"),
        Field(
            "month",
            "integer",
            "Follow-up month (1, 3, 6, 12) where the point is followup.",
            low=1,
            high=60,
            unit="months",
            example="6",
        ),
        Field(
            "instrument",
            "text",
            "Which instrument; the built-in ones are listed under instruments.",
            True,
            example="urine",
        ),
        Field(
            "substance",
            "code",
            "Substance tested or reported; any when it stands for all.",
            words=words.Substance,
            example="any",
        ),
        Field("score", "number", "Score, for scales and counts.", example="9"),
        Field(
            "result",
            "text",
            "Result, for tests (negative, positive) and roles (yes, no, not_applicable).",
            example="negative",
        ),
        Field(
            "days_covered",
            "integer",
            "Days back from the day taken that it speaks for; the rule's own when empty.",
            low=0,
            high=400,
            unit="days",
            example="7",
        ),
        Field("status", "code", "Whether it was made.", True, words=words.OutcomeStatus, example="done"),
    ),
    required=False,
)

COSTS = Table(
    "costs",
    "one line of a programme's cost, charge or payment in one period",
    (
        _PROGRAM,
        Field("period_start", "date", "First day of the period.", True, example="2025-01-01"),
        Field("period_end", "date", "Last day of the period.", True, example="2025-03-31"),
        Field(
            "line",
            "text",
            "Cost line (DATCAP): personnel, supplies, space, equipment, contracted, other.",
            True,
            example="personnel",
        ),
        Field("kind", "code", "Cost, charge or payment.", True, words=words.CostKind, example="cost"),
        Field("bearer", "code", "Who bears it.", True, words=words.Bearer, example="provider"),
        Field(
            "amount",
            "number",
            "Amount in dollars of the price year.",
            True,
            low=0,
            unit="dollars",
            example="81250",
        ),
        Field("price_year", "year", "Price year.", True, low=1980, high=2100, example="2025"),
    ),
    required=False,
)

TABLES: dict[str, Table] = {table.name: table for table in (PROGRAMS, EPISODES, ATTENDANCE, OUTCOMES, COSTS)}

#: Covariates a figure may be grouped by, straight from the episodes table.
COVARIATES: tuple[str, ...] = (
    "gender",
    "race_ethnicity",
    "primary_substance",
    "employment",
    "housing",
    "referral",
    "medication",
)
