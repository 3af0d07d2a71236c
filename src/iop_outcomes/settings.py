"""The keys of program.toml: what each means, its kind and its default. Any other key is an error with a suggestion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iop_outcomes import vocabulary as words


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of program.toml."""

    key: str
    kind: Literal["text", "date", "integer", "number", "flag", "table", "list"]
    meaning: str
    default: object = None
    choices: tuple[str, ...] = ()


#: Every key program.toml may hold; any other is an error with a suggestion.
SETTINGS: tuple[Setting, ...] = (
    Setting("name", "text", "The programme's or agency's name, as pages print it.", "Our programme"),
    Setting("as_of", "date", "The day the extract was made."),
    Setting("privacy", "text", "What the records may hold.", "internal", words.Privacy.codes()),
    Setting("agreement", "text", "Reference of the data use agreement or expert determination (limited, expert)."),
    Setting("expert", "text", "Who made the expert determination (expert)."),
    Setting("determined", "date", "Date of the expert determination (expert)."),
    Setting("expires", "date", "Day on which the agreement or determination ends (limited, expert)."),
    Setting(
        "ids_are_random",
        "flag",
        "You confirm that person and episode ids are random, not record numbers.",
        False,
    ),
    Setting("synthetic", "flag", "The records are synthetic.", False),
    Setting(
        "fiscal_year_start",
        "integer",
        "Month (1 to 12) in which the year begins whose quarters are reported; a fiscal year that begins later than January "
        "is named by the calendar year in which it ends.",
        1,
    ),
    Setting("date_format", "text", "Format of the dates in the files, for example %m/%d/%Y.", "%Y-%m-%d"),
    Setting("asam_edition", "integer", "Edition of the ASAM criteria the levels of care follow (3 or 4).", 3),
    Setting("zip3_population", "text", "File with the population of each three-digit ZIP area."),
    Setting("closures", "list", "Days on which a programme was closed: program_id, from, to."),
    Setting("instruments", "table", "Further instruments: kind, low, high, label."),
    Setting(
        "records_from",
        "date",
        "First day the extract looks at, where people already in the programme that day are in it (they enter late).",
    ),
    Setting("groups", "table", "Groups of the programme's own: column, cuts, label."),
    Setting("rebases", "list", "Charts that start anew from a day: measure, from, reason."),
    Setting("retention", "table", "Settings of the retention measures."),
    Setting("hours", "table", "Settings of the hours measures."),
    Setting("sobriety", "table", "Settings of the sobriety measures."),
    Setting("followup", "table", "Settings of the follow-up measures."),
    Setting("targets", "table", "Targets shown beside the charts of lines over time."),
    Setting("publication", "table", "Settings of publication: policy."),
    Setting("needs", "list", "Local need for the fact sheet, a section for each number: text, source."),
    Setting("grant", "table", "What the fact sheet says of its targets: by, frequency, responsible."),
)
