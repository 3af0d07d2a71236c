"""The made-up agency: its programmes, its week, its calendar, and what a client-week costs.

Two levels of care (ASAM 2.1 and 3.5) and three programmes. Everything here is invented; the sizes are of the order the
literature reports, no more. Day numbers
count from a Monday, so that a day modulo 7 is its weekday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

#: Day 0 of the calendar; first admissions fall on the weekdays of the eight quarters that start here.
CALENDAR_START = date(2024, 1, 1)
ADMISSION_DAYS = 731
#: The extract is made a month after the eighth quarter, so that the last admissions are followed for a month only.
EXTRACT_DAY = 761
#: Without censoring everybody's pathway is over and the calendar starts earlier, also on a Monday, so that the day of
#: the extract has come for whoever reads it.
COMPLETE_START = date(2018, 1, 1)

#: Levels of care, in the order of the arrays: 0 is intensive outpatient, 1 residential.
LEVELS: tuple[str, ...] = ("2.1", "3.5")
IOP, RESIDENTIAL = 0, 1

#: How long one admission is followed in the hidden calendar, in days, and how many admissions a person may have.
FOLLOWED_DAYS = 400
MOST_EPISODES = 4
#: Days of hidden use before the first admission.
DAYS_BEFORE = 30
#: Day on which everybody's hidden calendar is over: the extract of ``censoring=False``.
COMPLETE_DAY = ADMISSION_DAYS + MOST_EPISODES * FOLLOWED_DAYS
FOLLOWUP_MONTHS: tuple[int, ...] = (1, 3, 6, 12)
FOLLOWUP_DAYS: tuple[int, ...] = (30, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Slot:
    """One weekly session: weekday (0 is Monday), service type, hours, and the weeks in which it is held."""

    weekday: int
    service_type: str
    hours: float
    first_week: int = 1
    last_week: int = 52
    every: int = 1


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme of the made-up agency. ``required`` is hours a week by week of treatment, the last one repeating."""

    program_id: str
    label: str
    level: int
    planned_weeks: int
    required: tuple[float, ...]
    required_text: str
    schedule: str
    slots: tuple[Slot, ...]
    show_up: float
    telehealth: float
    client_week_cost: float

    @property
    def planned_days(self) -> int:
        """Planned length in days."""
        return 7 * self.planned_weeks


PROGRAMMES: tuple[Programme, ...] = (
    Programme(
        "syn-day-iop",
        "Riverside IOP, day (synthetic)",
        IOP,
        8,
        (9.0,),
        "",
        "day",
        (
            Slot(0, "group", 3.0),
            Slot(2, "group", 3.0),
            Slot(4, "group", 3.0),
            Slot(1, "individual", 1.0),
            Slot(3, "family", 1.5, every=2),
        ),
        2.1,
        0.10,
        610.0,
    ),
    Programme(
        "syn-evening-iop",
        "Riverside IOP, evening (synthetic)",
        IOP,
        8,
        (9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 6.0),
        "1-6:9 7-12:6",
        "evening",
        (
            Slot(0, "group", 3.0),
            Slot(1, "group", 3.0),
            Slot(3, "group", 3.0, last_week=6),
            Slot(2, "individual", 1.0),
            Slot(3, "family", 1.5, first_week=2, every=2),
        ),
        2.25,
        0.25,
        585.0,
    ),
    Programme(
        "syn-residential",
        "Hillside residential (synthetic)",
        RESIDENTIAL,
        4,
        (20.0,),
        "",
        "residential",
        (
            *(Slot(weekday, "group", 4.0) for weekday in range(5)),
            Slot(1, "individual", 1.0),
            Slot(4, "individual", 1.0),
            Slot(2, "family", 1.5),
        ),
        3.3,
        0.0,
        1480.0,
    ),
)

#: Longest stay the schedules are laid out for, in weeks of treatment.
SCHEDULED_WEEKS = 13

#: End reasons in the order of the arrays.
COMPLETED, LEFT_EARLY, TERMINATED, TRANSFERRED, INCARCERATED, DIED, OTHER = range(7)

#: DATCAP cost lines and their share of a programme's economic cost, and how charges and payments relate to it.
COST_LINES: dict[str, float] = {
    "personnel": 0.62,
    "contracted": 0.08,
    "space": 0.13,
    "supplies": 0.06,
    "equipment": 0.03,
    "other": 0.08,
}
CHARGE_TO_COST = 1.45
PAYMENT_TO_COST = 0.92
#: A client's own time and travel, dollars a week, by level of care.
CLIENT_WEEK_COST: tuple[float, float] = (142.0, 95.0)
PRICE_YEAR = 2025
