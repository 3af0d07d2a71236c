"""What the `instrument` column of the outcomes table may hold: tests and reports of use, scales, roles.

A programme adds its own scale under ``[instruments.NAME]`` of program.toml; nothing here needs to change for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iop_outcomes import vocabulary as words


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an ``instrument`` of the outcomes table holds.

    ``kind``: ``use`` (result negative/positive), ``scale`` (score within low–high) or ``role`` (result
    yes/no/not_applicable). ``days_covered`` is how many days back a use instrument speaks for, beside the day it was
    taken, when a row does not say.

    For scales: ``better`` is the direction of improvement; ``case_at`` the score from which somebody counts as a case
    (from which somebody counts as well, where higher is better); ``reliable_change`` the points a score must move to
    exceed its error of measurement; ``retest`` the test–retest correlation, for the fall to be expected of people chosen
    for a high score; ``items`` the item instruments a score may be worked out from when it is not recorded itself;
    ``caution`` what must be said beside every figure of it. What is not published stays missing and is not computed.
    """

    name: str
    label: str
    kind: Literal["use", "scale", "role"]
    low: float | None = None
    high: float | None = None
    days_covered: int | None = None
    source: str = ""
    better: Literal["lower", "higher"] | None = None
    case_at: float | None = None
    reliable_change: float | None = None
    retest: float | None = None
    items: tuple[str, ...] = ()
    caution: str = ""

    @property
    def results(self) -> tuple[str, ...]:
        """The results a row of this instrument may hold; empty for scales."""
        if self.kind == "use":
            return words.UseResult.codes()
        return words.RoleResult.codes() if self.kind == "role" else ()


_ROLE_LABELS = {
    "work": "Working",
    "school": "In school or training",
    "housing": "Stable housing",
    "family_contact": "Contact with family",
    "no_arrest": "No arrests",
}

#: Topics of the BAM's items; item 7 details item 6 and item 17 (satisfaction) is in no subscale.
_BAM_ITEMS = {
    1: "physical health",
    2: "trouble sleeping",
    3: "low or anxious mood",
    4: "days of any alcohol",
    5: "days of heavy drinking",
    6: "days of any drug",
    8: "craving",
    9: "confidence to stay sober",
    10: "self-help meetings",
    11: "risky situations",
    12: "religion or spirituality",
    13: "work or school",
    14: "enough income",
    15: "trouble with family or friends",
    16: "supportive contact",
}
_NOT_SUD = "These thresholds come from depression and anxiety samples, not from substance use care."
_SUBSCALE = "The BAM's subscales were not found again in other samples: read them with care, and never add them up."
_NO_CHANGE = "No threshold of reliable change has been published for this score."
_BAM = "doi:10.1016/j.jsat.2012.08.013"


def _bam(name: str, label: str, items: tuple[int, ...], better: Literal["lower", "higher"]) -> Instrument:
    """A subscale of the BAM in its continuous form, every item 0 to 30."""
    numbers = tuple(f"bam_{item}" for item in items)
    return Instrument(
        name, label, "scale", 0, 30 * len(items), source=_BAM, better=better, items=numbers, caution=_SUBSCALE
    )


def _items(scale: str, label: str, count: int, low: float, high: float) -> tuple[Instrument, ...]:
    """The items of a scale as instruments of their own: ``phq9_1`` to ``phq9_9``."""
    return tuple(
        Instrument(f"{scale}_{item}", f"{label}, item {item}", "scale", low, high) for item in range(1, count + 1)
    )


def _named(scale: str, count: int) -> tuple[str, ...]:
    return tuple(f"{scale}_{item}" for item in range(1, count + 1))


#: Built-in instruments; a programme adds its own under ``[instruments.NAME]`` of program.toml.
INSTRUMENTS: dict[str, Instrument] = {
    instrument.name: instrument
    for instrument in (
        Instrument("urine", "Urine test", "use", days_covered=3),
        Instrument("breath", "Breath test", "use", days_covered=0),
        Instrument("self_report", "Self-report of use", "use", days_covered=0),
        Instrument("abstinent_30", "30-day abstinence, self-report", "use", days_covered=30),
        Instrument("days_used_30", "Days of use in 30", "scale", 0, 30, better="lower"),
        Instrument(
            "phq9",
            "PHQ-9",
            "scale",
            0,
            27,
            source="doi:10.1046/j.1525-1497.2001.016009606.x",
            better="lower",
            case_at=10,
            reliable_change=6,
            retest=0.75,
            items=_named("phq9", 9),
            caution=_NOT_SUD,
        ),
        Instrument(
            "gad7",
            "GAD-7",
            "scale",
            0,
            21,
            source="doi:10.1001/archinte.166.10.1092",
            better="lower",
            case_at=8,
            reliable_change=4,
            retest=0.75,
            items=_named("gad7", 7),
            caution=_NOT_SUD,
        ),
        _bam("bam_use", "BAM use", (4, 5, 6), "lower"),
        _bam("bam_risk", "BAM risk", (1, 2, 3, 8, 11, 15), "lower"),
        _bam("bam_protective", "BAM protective", (9, 10, 12, 13, 14, 16), "higher"),
        *(
            Instrument(f"bam_{item}", f"BAM item {item}, {topic}", "scale", 0, 30, source=_BAM)
            for item, topic in _BAM_ITEMS.items()
        ),
        Instrument(
            "barc10",
            "BARC-10",
            "scale",
            10,
            60,
            source="doi:10.1016/j.drugalcdep.2017.03.022",
            better="higher",
            case_at=47,
            items=_named("barc10", 10),
            caution=_NO_CHANGE,
        ),
        *_items("phq9", "PHQ-9", 9, 0, 3),
        *_items("gad7", "GAD-7", 7, 0, 3),
        *_items("barc10", "BARC-10", 10, 1, 6),
        *(Instrument(name, label, "role") for name, label in _ROLE_LABELS.items()),
    )
}
