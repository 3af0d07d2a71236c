"""The field's words, as codes a file may hold and labels a reader sees.

Every coded column of the five tables draws its codes from here, and every page draws its labels from here,
so that a word is spelled once. A code is lower case with underscores; a label is what a person would say.
"""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """A code with a plain label: ``EndReason("left_early").label`` is ``"Left before completing"``."""

    label: str

    def __new__(cls, code: str, label: str = "") -> Word:
        """Bind a plain label to a code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member

    @classmethod
    def codes(cls) -> tuple[str, ...]:
        """Every code, in the order a table or legend should use."""
        return tuple(str(member.value) for member in cls)

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Code to label."""
        return {str(member.value): member.label for member in cls}


class LevelOfCare(Word):
    """ASAM levels of care, third edition (Mee-Lee 2013); the edition in use is a programme setting."""

    OUTPATIENT = "1", "Outpatient"
    INTENSIVE_OUTPATIENT = "2.1", "Intensive outpatient"
    PARTIAL_HOSPITALISATION = "2.5", "Partial hospitalisation"
    RESIDENTIAL_LOW = "3.1", "Residential, low intensity"
    RESIDENTIAL_POPULATION_SPECIFIC = "3.3", "Residential, population-specific"
    RESIDENTIAL_HIGH = "3.5", "Residential, high intensity"
    RESIDENTIAL_MONITORED = "3.7", "Residential, medically monitored"
    INPATIENT = "4", "Inpatient"


class EndReason(Word):
    """Why an episode ended (TEDS REASON 1–7); an empty reason means the person is still in the programme."""

    COMPLETED = "completed", "Completed"
    LEFT_EARLY = "left_early", "Left before completing"
    TERMINATED = "terminated", "Ended by the programme"
    TRANSFERRED = "transferred", "Transferred"
    INCARCERATED = "incarcerated", "Incarcerated"
    DIED = "died", "Died"
    OTHER = "other", "Other reason"


#: Endings that count as "lost early" (docs/definitions/retention.md).
EARLY_ENDINGS: tuple[EndReason, ...] = (EndReason.LEFT_EARLY, EndReason.TERMINATED)


class ServiceType(Word):
    """What kind of session it was."""

    INDIVIDUAL = "individual", "Individual"
    GROUP = "group", "Group"
    FAMILY = "family", "Family"
    OTHER = "other", "Other"


class Modality(Word):
    """How a session was held."""

    IN_PERSON = "in_person", "In person"
    TELEHEALTH = "telehealth", "Telehealth"


class AttendanceStatus(Word):
    """What became of a scheduled session. A cancellation by the programme never counts against a person."""

    ATTENDED = "attended", "Attended"
    NO_SHOW = "no_show", "No-show"
    EXCUSED = "excused", "Excused"
    CANCELLED = "cancelled_by_program", "Cancelled by the programme"


class OutcomeStatus(Word):
    """Whether an assessment that could have been made was made."""

    DONE = "done", "Done"
    MISSED = "missed", "Missed"
    NOT_DUE = "not_due", "Not due"


class OutcomePoint(Word):
    """Where in the course of care an outcome was taken."""

    INTAKE = "intake", "Intake"
    WEEK = "week", "During treatment"
    EXIT = "exit", "Exit"
    FOLLOWUP = "followup", "Follow-up"


class UseState(Word):
    """The five states of a person's day in the use calendar (docs/definitions/milestones.md)."""

    NEGATIVE = "negative", "Known sober"
    POSITIVE = "positive", "Known use"
    MIXED = "mixed", "Sources disagree"
    MISSED = "missed", "Due, not given"
    NOT_DUE = "not_due", "Nothing due"


class UseResult(Word):
    """The result of one test or report of use."""

    NEGATIVE = "negative", "Negative"
    POSITIVE = "positive", "Positive"


class RoleResult(Word):
    """Whether a person holds a role (work, school, housing, contact with family, no arrests)."""

    YES = "yes", "Yes"
    NO = "no", "No"
    NOT_IN_SCOPE = "not_applicable", "Does not apply (not in labour force)"


class Substance(Word):
    """Primary substances and tested substances, in TEDS's grouping."""

    ANY = "any", "Any substance"
    ALCOHOL = "alcohol", "Alcohol"
    OPIOIDS = "opioids", "Opioids"
    COCAINE = "cocaine", "Cocaine"
    METHAMPHETAMINE = "methamphetamine", "Methamphetamine and other stimulants"
    CANNABIS = "cannabis", "Cannabis"
    SEDATIVES = "sedatives", "Sedatives"
    OTHER = "other", "Other"


class CostKind(Word):
    """Cost, charge and payment are different things and never mix (docs/methods/cost-effectiveness.md)."""

    COST = "cost", "Economic cost"
    CHARGE = "charge", "Charge"
    PAYMENT = "payment", "Payment"


class Bearer(Word):
    """Who bears a cost line."""

    PROVIDER = "provider", "Provider"
    PAYER = "payer", "Payer"
    CLIENT = "client", "Client"
    SOCIETY = "society", "Others in society"


class Schedule(Word):
    """When a programme meets."""

    DAY = "day", "Day"
    EVENING = "evening", "Evening"
    WEEKEND = "weekend", "Weekend"
    MIXED = "mixed", "Mixed"
    RESIDENTIAL = "residential", "Residential"


class Employment(Word):
    """Employment at admission."""

    FULL_TIME = "full_time", "Full time"
    PART_TIME = "part_time", "Part time"
    UNEMPLOYED = "unemployed", "Unemployed"
    NOT_IN_LABOUR_FORCE = "not_in_labour_force", "Not in labour force"


class Housing(Word):
    """Housing at admission."""

    STABLE = "stable", "Stable"
    UNSTABLE = "unstable", "Unstable"
    HOMELESS = "homeless", "Homeless"


class Gender(Word):
    """Gender as recorded."""

    FEMALE = "female", "Women"
    MALE = "male", "Men"
    ANOTHER = "another", "Another gender"


class YesNo(Word):
    """A plain yes or no."""

    YES = "yes", "Yes"
    NO = "no", "No"


class Privacy(Word):
    """What the records may hold (docs/release.md)."""

    INTERNAL = "internal", "Internal"
    LIMITED = "limited", "Limited data set"
    SAFE_HARBOR = "safe_harbor", "Safe harbor"
    EXPERT = "expert", "Expert determination"


class Audience(Word):
    """Who may see an output."""

    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"


class ExitRule(Word):
    """Which day counts as the exit day (GLOSSARY.md)."""

    LAST_CONTACT = "last_contact", "earlier of the last attended session and the recorded discharge"
    DISCHARGE = "discharge", "the recorded discharge"


class DesignWord(Word):
    """How strong a verb a figure may carry (docs/grant-writers.md)."""

    DESCRIBED = "described", "described"
    ASSOCIATED = "associated", "associated"
    ADJUSTED = "adjusted_association", "adjusted association"
    ESTIMATED_EFFECT = "estimated_effect", "estimated effect under stated assumptions"


class Status(Word):
    """What stands in an estimate's value; anything but ``ok`` has no value."""

    OK = "ok", ""
    NOT_ESTIMABLE = "not_estimable", "cannot be estimated"
    NOT_REACHED = "not_reached", "not reached"
    IMMATURE = "immature", "too early to say"
    WITHHELD = "withheld", "withheld"
