"""Rows worked out from other rows: they stand only where everything they were worked out from stands.

A difference and one of its two shares give the other share; a weighted or imputed share lies beside the count it was
made from; a limit or a dispersion speaks of every point it was drawn through. None of them may outlive its parts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iop_outcomes.estimates import ALL, REST
from iop_outcomes.publication.suppression import CONTRASTS, COUNTED, DRAWN, MODELLED, Sheet, is_primary, row_keys

DERIVED_FROM = "Withheld because a number it was worked out from is withheld"

#: The measure of verdicts: a figure they speak of is named in the category, as ``definition@version/category``.
VERDICTS = "claims"

_PLACE = ["measure", "category", "at", "period_start", "period_end"]


def withhold_derived(sheet: Sheet) -> None:
    """Withhold what is worked out from a withheld row, or from rows that are not in the release.

    Models first and contrasts after them, for an adjusted difference is worked out from adjusted shares; hiding only
    ever grows, so one pass in this order is enough.
    """
    _withhold_modelled(sheet)
    _withhold_differences(sheet)
    _withhold_tests(sheet)
    _withhold_drawn(sheet)
    _withhold_verdicts(sheet)


def _positions(sheet: Sheet, estimands: Iterable[str]) -> list[int]:
    rows: list[int] = np.flatnonzero(sheet.frame["estimand"].isin(list(estimands)).to_numpy()).tolist()
    return rows


def _rows_by(keys: list[tuple[object, ...]], rows: Iterable[int]) -> dict[tuple[object, ...], list[int]]:
    found: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        found.setdefault(keys[row], []).append(row)
    return found


def _stand(sheet: Sheet, rows: list[int]) -> bool:
    """Whether there are such rows and all of them are shown."""
    return bool(rows) and not sheet.hidden[rows].any()


def _withhold_modelled(sheet: Sheet) -> None:
    """A modelled share needs every count of the same people, day and outcome to be shown."""
    frame = sheet.frame
    names = [*_PLACE, "by", "group"]
    keys = row_keys(frame, names)
    counted = _rows_by(keys, np.flatnonzero(frame["estimand"].isin(COUNTED).to_numpy()))
    own = [row for row in _positions(sheet, MODELLED) if frame["reference"].isna().iloc[row]]
    sheet.hide(_array(row for row in own if not _stand(sheet, counted.get(keys[row], []))), DERIVED_FROM)


def _withhold_differences(sheet: Sheet) -> None:
    """A difference (or a tipping point of one) needs both of the rows it compares."""
    frame = sheet.frame
    names = [*_PLACE, "definition", "by"]
    keys = row_keys(frame, names)
    reference = frame["reference"].notna().to_numpy()
    plain: list[int] = np.flatnonzero(~reference & ~frame["estimand"].isin(CONTRASTS | DRAWN).to_numpy()).tolist()
    group = frame["group"].astype(object).where(frame["group"].notna(), None).tolist()
    sides: dict[tuple[object, ...], list[int]] = {}
    for row in plain:
        sides.setdefault((*keys[row], group[row]), []).append(row)
    family = _rows_by(keys, plain)
    everyone = _rows_by(row_keys(frame, [*_PLACE, "definition"]), [row for row in plain if group[row] == ALL])
    gone: list[int] = []
    for row in np.flatnonzero(reference | (frame["estimand"] == "difference").to_numpy()).tolist():
        against = str(frame["reference"].iloc[row])
        own = sides.get((*keys[row], group[row]), [])
        if against.startswith(REST):  # everyone but the group: the rest follows from the group and everyone
            needed = [own, everyone.get(keys[row][:-1], [])]
            needed += [family.get(keys[row], [])] if against != REST else []  # pooled over all groups
        else:
            needed = [own, sides.get((*keys[row], against), [])]
        if not all(_stand(sheet, rows) for rows in needed):
            gone.append(row)
    sheet.hide(_array(gone), DERIVED_FROM)


def _withhold_tests(sheet: Sheet) -> None:
    """A p-value of a grouping needs something shown of every group it compares."""
    frame = sheet.frame
    names = ["definition", "category", "by", "period_start", "period_end"]
    dated = frame["at"].notna().to_numpy()
    of_all_days, of_a_day = row_keys(frame, names), row_keys(frame, [*names, "at"])
    primary = np.flatnonzero(is_primary(frame) & (frame["by"] != ALL).to_numpy())
    whole, single = _rows_by(of_all_days, primary), _rows_by(of_a_day, primary)
    label = frame["group"].astype(object).where(frame["group"].notna(), None).tolist()
    gone: list[int] = []
    for row in _positions(sheet, ["p_value"]):
        shown: dict[object, bool] = {}
        for other in single.get(of_a_day[row], []) if dated[row] else whole.get(of_all_days[row], []):
            shown[label[other]] = shown.get(label[other], False) or not sheet.hidden[other]
        if not shown or not all(shown.values()):
            gone.append(row)
    sheet.hide(_array(gone), DERIVED_FROM)


def _withhold_drawn(sheet: Sheet) -> None:
    """Centre lines, limits and diagnostics go when any point of their line goes, or where no point is in the release.

    A line speaks of the points within its period. What is said of all groups of a column together, and limits widened
    by how the groups differ, need every group; a funnel is drawn from its own point and from everyone's of its period; a
    diagnostic of one category stands with the number of that category.
    """
    frame = sheet.frame
    primary = np.flatnonzero(is_primary(frame)).tolist()
    line, across = (
        row_keys(frame, names) for names in (["measure", "definition", "by", "group"], ["measure", "definition"])
    )
    exact = row_keys(frame, ["measure", "definition", "by", "group", "category", "at", "period_start", "period_end"])
    points, all_points, beside = _rows_by(line, primary), _rows_by(across, primary), _rows_by(exact, primary)
    together = ((frame["by"] != ALL) & (frame["group"] == ALL)).to_numpy()
    widened = frame["category"].fillna("").str.endswith("_adjusted").to_numpy()
    funnel = (frame["estimand"] == "funnel_limit").to_numpy()
    starts, ends = (sheet.column(name) for name in ("period_start", "period_end"))
    gone = []
    verdict = (frame["measure"] == VERDICTS).to_numpy()
    for row in (row for row in _positions(sheet, DRAWN) if not verdict[row]):
        found = all_points.get(across[row], []) if together[row] or widened[row] else points.get(line[row], [])
        if funnel[row]:
            found = [point for point in found if (starts[point], ends[point]) == (starts[row], ends[row])]
        elif exact[row] in beside:  # another number of the same category, such as its distance beside its difference
            found = beside[exact[row]]
        elif starts[row]:
            found = [point for point in found if starts[row] <= starts[point] and ends[point] <= ends[row]]
        if not _stand(sheet, found):
            gone.append(row)
    sheet.hide(_array(gone), DERIVED_FROM)


def _withhold_verdicts(sheet: Sheet) -> None:
    """All rows of a claim go unless every figure it speaks of, for the same people and day, is in the release and stands."""
    frame = sheet.frame
    verdict = (frame["measure"] == VERDICTS).to_numpy()
    people = row_keys(frame, ["by", "group", "at"])
    names = (frame["definition"].astype(str) + "/" + frame["category"].fillna("").astype(str)).tolist()
    figures = _rows_by(list(zip(names, people, strict=True)), np.flatnonzero(~verdict).tolist())
    category = sheet.column("category")
    gone = set()
    for row in np.flatnonzero(verdict).tolist():
        if "@" in category[row].partition("/")[0] and not _stand(sheet, figures.get((category[row], people[row]), [])):
            gone.add(frame["definition"].iloc[row])
    sheet.hide(verdict & frame["definition"].isin(gone).to_numpy(), DERIVED_FROM)


def _array(rows: Iterable[int]) -> np.ndarray:
    return np.array(list(rows), dtype=int)
