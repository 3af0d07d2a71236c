"""Page 6, health and daily life: scales, roles, family sessions, and people reached after they left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iop_outcomes.publication.document import Block, Cell, Note, Page, Paragraph, Sentences, Table, TableBlock
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.figures.roles import name_role, say_role
from iop_outcomes.publication.formatting import NOTHING, Quantity, quantity_of, say_quantity, show, show_interval
from iop_outcomes.publication.published import PARTLY, Published
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity, name_scale

_CHANGE = (
    "baseline_mean@1", "score_before@1", "score_after@1", "change_mean@1", "expected_regression@1",
    "improvement_cases@1", "expected_improvement@1", "change_segment@1", "reliable_improvement@1",
    "reliable_improvement_upper@1", "recovery@1", "cutoff_before@1", "cutoff_after@1",
)  # fmt: skip
_ABSTINENT = (
    "followup_response@1", "abstinent_missing_using@1", "abstinent_missing_sober@1", "abstinent_responders@1",
    "abstinent_weighted@1", "abstinent_imputed@1", "abstinent_tipping@1",
)  # fmt: skip
_LEAD = (
    "Scores, work, school, home and family before care and after it. Whoever was not asked again counts as not known."
)


def build_health(reading: Reading) -> Page:
    """Health and daily life: change on scales, roles kept and lost, family sessions, abstinence at follow-up."""
    parts: tuple[tuple[Callable[[Reading], list[Block]], str], ...] = (
        (_scores, "These records hold no scores of health or well-being, so nothing can be said of them."),
        (_roles, "These records do not say who had work, school, a home or contact with family before care and after."),
        (_family, ""),
        (_followup, "These records hold no follow-up interviews, so nothing is known of people after they left."),
    )
    blocks: list[Block] = []
    for build, without in parts:
        found = build(reading)
        blocks += found or ([Note(without)] if without else [])
    return Page("page-6", "6", "Health and daily life", _LEAD, tuple(blocks))


def _scores(reading: Reading) -> list[Block]:
    rows = reading.of_cohort.where(definition=list(_CHANGE), by="all").only(lambda row: row["at"] != row["at"])
    if not len(rows):
        return []
    scales = list(dict.fromkeys(str(text).split("/")[0] for text in rows.frame["category"]))
    labels = {scale: name_scale(reading.published.settings.get("scales"), scale) for scale in scales}
    blocks: list[Block] = []
    told = " ".join(filter(None, (_say_improvement(rows, scale, label) for scale, label in labels.items())))
    if told:
        blocks.append(Paragraph(told, strong=True))
    if _has_value(rows):
        blocks.append(figure_block("change", rows, id="change", caption=_caption(reading, rows)))
    blocks += [_means(reading, rows, labels), _cases(reading, rows, labels)]
    if not _has_value(rows):
        return blocks
    notes = (str(note).removesuffix(PARTLY).removesuffix("; ") for note in rows.frame["note"].dropna())
    own = "People come to care when they feel worst, so that part of any change would have come by itself."
    blocks.append(Note(" ".join(filter(None, dict.fromkeys([own, *notes]))), "How to read a change"))
    blocks.append(describe_definition("change_segment@1"))
    return blocks


def _caption(reading: Reading, rows: Published) -> str:
    """The caption of everyone asked twice; people who began as cases are fewer and have a table of their own."""
    return reading.caption("change_mean@1", rows.only(lambda row: "/" not in str(row["category"])))


def _say_improvement(rows: Published, scale: str, label: str) -> str:
    improved, unknown = (
        find_quantity(rows, definition="change_segment@1", category=f"{scale}/{part}")
        for part in ("improved", "unknown")
    )
    if not (improved.shown and unknown.shown):
        return ""
    return (
        f"{label}: of everyone with a first score, {say_quantity(improved)} improved by more than the error of the "
        f"scale; for {show(unknown)} it is not known."
    )


def _means(reading: Reading, rows: Published, labels: Mapping[str, str]) -> TableBlock:
    lines: list[tuple[Cell, ...]] = []
    for scale, label in labels.items():
        before, after, change = (
            find_quantity(rows, definition=name, category=scale)
            for name in ("score_before@1", "score_after@1", "change_mean@1")
        )
        least, most = (
            find_quantity(rows, definition=name, category=f"{scale}/{part}")
            for name, part in (
                ("reliable_improvement@1", "improved"),
                ("reliable_improvement_upper@1", "improved_or_unknown"),
            )
        )
        base = Quantity("count", change.denominator, status=change.status)
        lines.append((label, base, before, after, change, show_interval(change), _or_none(least), _or_none(most)))
    columns = (
        "", "Asked twice", "Before", "After", "Change", "Likely range", "Improved, at least", "Improved, at most",
    )  # fmt: skip
    caption = "Improved: of everyone with a first score, by at least the points of reliable change; at most counts all "
    caption += f"of whom it is not known. {_caption(reading, rows)}"
    return TableBlock(
        "How large was the change, and how many improved?", Table(columns, tuple(lines)), rows, caption, "change-means"
    )


def _cases(reading: Reading, rows: Published, labels: Mapping[str, str]) -> TableBlock:
    lines: list[tuple[Cell, ...]] = []
    for scale, label in labels.items():
        names = ("change_mean@1", "expected_regression@1", "improvement_cases@1", "expected_improvement@1")
        change, alone, improved, expected = (
            find_quantity(rows, definition=name, category=f"{scale}/cases") for name in names
        )
        if change.status == "not_estimable":
            continue
        well = find_quantity(rows, definition="recovery@1", category=f"{scale}/recovered")
        base = Quantity("count", change.denominator, status=change.status)
        cells: list[Cell] = [
            change,
            show_interval(change),
            *(_or_none(one) for one in (alone, improved, expected, well)),
        ]
        lines.append((label, base, *cells))
    columns = (
        "People who began as cases", "Asked twice", "Change", "Likely range", "Expected by itself", "Improved reliably",
        "Expected by itself", "Recovered, of all cases",
    )  # fmt: skip
    return TableBlock(
        "How much of the change would have come by itself?",
        Table(columns, tuple(lines)),
        rows,
        reading.caption("expected_regression@1", rows),
        "change-cases",
    )


def _has_value(rows: Published) -> bool:
    return bool(rows.frame["value"].notna().any())


def _or_none(found: Quantity) -> Cell:
    """A number, or a dash where the scale has none."""
    return NOTHING if found.status == "not_estimable" else found


def _roles(reading: Reading) -> list[Block]:
    rows = reading.of_cohort.where(by="all").only(lambda row: str(row["definition"]).startswith("role_"))
    if not len(rows):
        return []
    blocks: list[Block] = []
    readings: dict[tuple[str, float], dict[str, Quantity]] = {}
    for row in rows.where(estimand="limit").rows():
        reading_of = readings.setdefault((name_role(row), row["at"] if row["at"] == row["at"] else -1), {})
        reading_of[str(row["category"]).rpartition("/")[2]] = quantity_of(row, "share")
    told = [_say_kept(role, found) for (role, day), found in readings.items() if day < 0]
    if any(told):
        blocks.append(Sentences(tuple(filter(None, told)), "Of those who had it at intake, by exit"))
    first = str(rows.frame["definition"].iloc[0])
    blocks.append(figure_block("roles", rows, id="roles", caption=reading.caption(first, rows)))
    lines: list[tuple[Cell, ...]] = []
    for (role, day), found in readings.items():
        asked, least, most = (found.get(name) for name in ("kept_asked", "kept_least", "kept_most"))
        if asked is None or least is None or most is None:
            continue
        base = Quantity("count", least.denominator, status=least.status)
        when = "exit" if day < 0 else f"day {day:g}"
        lines.append((f"{say_role(role)}, by {when}", base, asked, show_interval(asked), least, most))
    columns = ("", "Had it at intake", "Kept, of those asked again", "Likely range", "At least", "At most")
    caption = "At least and at most count everyone not asked again as having lost it, and as having kept it. "
    caption += reading.caption(first, rows)
    table = Table(columns, tuple(lines))
    blocks.append(TableBlock("Who kept what they had?", table, rows.where(estimand="limit"), caption, "roles-kept"))
    return [*blocks, describe_definition(first)]


def _say_kept(role: str, found: Mapping[str, Quantity]) -> str:
    asked, least, most = (found.get(name) for name in ("kept_asked", "kept_least", "kept_most"))
    if asked is None or least is None or most is None or not (asked.shown and least.shown and most.shown):
        return ""
    stayed = "stayed so" if role == "no_arrest" else "kept it"
    bounds = f"between {show(least)} and {show(most)} {stayed}, whatever became of those not asked again"
    return f"{say_role(role)}: {bounds} ({show(asked)} of those asked)."


def _family(reading: Reading) -> list[Block]:
    source = reading.of_cohort.where(definition=["landmark_view@1", "landmark_retained@1", "landmark_completed@1"])
    lines: list[tuple[Cell, ...]] = []
    for row in source.rows():
        if row["by"] == "all":
            continue
        found = quantity_of(row, "share")
        apart = row["estimand"] == "difference"
        words = "Difference, in points of 100" if apart else _say_sessions(str(row["by"]), str(row["group"]))
        base: Cell = "" if apart else Quantity("count", found.denominator, status=found.status)
        lines.append((words, base, found, show_interval(found)))
    if not lines:
        return []
    counts = source.where(definition="landmark_view@1")
    left, compared = (find_quantity(counts, category=view) for view in ("left_before", "compared"))
    days = source.where(definition=["landmark_retained@1", "landmark_completed@1"]).frame
    definition, day = str(days["definition"].iloc[0]), str(days["category"].iloc[0]).removeprefix("from_day_")
    told = f"People still there on day {day}, by sessions attended up to it; read {days['at'].iloc[0]:g} days later."
    if left.shown and compared.shown:
        told += f" Of all episodes {show(compared)} are compared; {show(left)} had ended before that day."
    outcome = "Completed" if definition.startswith("landmark_completed") else "Still there or completed"
    table = TableBlock(
        "Do people who came to sessions with their family stay?",
        Table(("", "Compared", outcome, "Likely range"), tuple(lines)),
        source,
        f"{told} {reading.caption(definition, source)}",
        "family-landmark",
    )
    words = (
        "A difference here goes with the sessions; it does not say that they made it, for people who come with family "
        "differ in other ways. Everybody who ever came and everybody who never did cannot be compared: whoever stays "
        "longer has more chances to come."
    )
    return [table, Note(words, "Why only people still there on one day")] if _has_value(source) else [table]


def _say_sessions(by: str, group: str) -> str:
    """The group of a landmark analysis in words: ``At least 1 family session``."""
    kind = by.removesuffix("_sessions")
    if group == "none":
        return f"No {kind} session"
    return f"{group[:1].upper()}{group[1:]} {kind} session{'' if group.endswith(' 1') else 's'}"


def _followup(reading: Reading) -> list[Block]:
    rows = reading.of_cohort.where(definition=list(_ABSTINENT), category="abstinent_30", by="all")
    if not len(rows):
        return []
    blocks: list[Block] = []
    known = rows.only(lambda row: row["value"] == row["value"])
    caption = reading.caption("abstinent_imputed@1", known)
    if len(known):
        blocks.append(figure_block("followup", rows, id="followup", caption=caption))
    lines = [_followup_line(rows, day) for day in sorted(set(rows.frame["at"]))]
    columns = ("Day", "Due", "Reached", "At least", "At most", "Likely range", "If like others", "Needed for half")
    words = (
        "At least and at most count everyone not reached as using, and as abstinent; the range is that of both. If like "
        "others: answers imputed from what care knew. Needed for half: the share of people not reached who would have to "
        "be abstinent to make it half of everyone due. "
    )
    title = "How many were due, how many were reached, and what may be said?"
    blocks.append(TableBlock(title, Table(columns, tuple(lines)), rows, words + caption, "followup-table"))
    return [*blocks, *_fewer_days(reading), describe_definition("abstinent_imputed@1")]


def _followup_line(rows: Published, day: float) -> tuple[Cell, ...]:
    reached, low, high, imputed = (
        find_quantity(rows, definition=name, at=day)
        for name in (
            "followup_response@1",
            "abstinent_missing_using@1",
            "abstinent_missing_sober@1",
            "abstinent_imputed@1",
        )
    )
    tipping = rows.where(definition="abstinent_tipping@1", at=day).rows()
    needed = next(
        (quantity_of(row, "share") for row in tipping), Quantity("share", float("nan"), status="not_estimable")
    )
    due = Quantity("count", reached.denominator, status=reached.status)
    return (f"{day:g}", due, reached, low, high, show_interval(low), imputed, needed)


def _fewer_days(reading: Reading) -> list[Block]:
    names = ("used_fewer_days_low@1", "used_fewer_days_high@1", "used_fewer_days@1", "use_days_change@1")
    rows = reading.of_cohort.where(definition=list(names), by="all")
    lines: list[tuple[Cell, ...]] = []
    for day in sorted(set(rows.frame["at"])):
        low, high, asked, change = (find_quantity(rows, definition=name, at=day) for name in names)
        lines.append((f"{day:g}", low, high, show_interval(low), asked, change, show_interval(change)))
    if not lines:
        return []
    columns = ("Day", "At least", "At most", "Likely range", "Of people reached", "Mean change", "Likely range")
    table = Table(columns, tuple(lines))
    caption = f"Abstinence is not the only gain. {reading.caption(names[2], rows)}"
    return [TableBlock("Do people use on fewer days than before?", table, rows, caption, "fewer-days")]
