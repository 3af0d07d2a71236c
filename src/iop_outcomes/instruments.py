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
    """

    name: str
    label: str
    kind: Literal["use", "scale", "role"]
    low: float | None = None
    high: float | None = None
    days_covered: int | None = None
    source: str = ""

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

#: Built-in instruments; a programme adds its own under ``[instruments.NAME]`` of program.toml.
INSTRUMENTS: dict[str, Instrument] = {
    instrument.name: instrument
    for instrument in (
        Instrument("urine", "Urine test", "use", days_covered=3),
        Instrument("breath", "Breath test", "use", days_covered=0),
        Instrument("self_report", "Self-report of use", "use", days_covered=0),
        Instrument("abstinent_30", "30-day abstinence, self-report", "use", days_covered=30),
        Instrument("days_used_30", "Days of use in 30", "scale", 0, 30),
        Instrument("phq9", "PHQ-9", "scale", 0, 27, source="doi:10.1046/j.1525-1497.2001.016009606.x"),
        Instrument("gad7", "GAD-7", "scale", 0, 21, source="doi:10.1001/archinte.166.10.1092"),
        Instrument("bam_use", "BAM use", "scale", 0, 90, source="doi:10.1016/j.jsat.2012.08.013"),
        Instrument("bam_risk", "BAM risk", "scale", 0, 180, source="doi:10.1016/j.jsat.2012.08.013"),
        Instrument("bam_protective", "BAM protective", "scale", 0, 180, source="doi:10.1016/j.jsat.2012.08.013"),
        Instrument("barc10", "BARC-10", "scale", 10, 60, source="doi:10.1016/j.drugalcdep.2017.03.022"),
        *(Instrument(name, label, "role") for name, label in _ROLE_LABELS.items()),
    )
}
