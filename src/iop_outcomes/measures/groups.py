"""How do groups of people differ, when many are looked at: each against everyone else, raw and partially pooled.

The reference is everyone else, not the largest group. The more groups are compared, the further the outermost lies by
chance alone; partial pooling over all of them takes that back, and the number of comparisons stands beside the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Row, check_group, interval_columns
from iop_outcomes.measures.shares import Count, Share, choose_share, count_share, share_row
from iop_outcomes.statistics import (
    Interval,
    clustered_proportion,
    design_effect,
    partial_pooling,
    recovered_difference,
)

#: What a difference is from.
REST = "everyone else"
#: The same, of a difference that is partially pooled over all groups compared.
REST_POOLED = "everyone else, partially pooled"
#: Fewest people in a group, and outside it, for a comparison.
LEAST_PEOPLE = 20
#: Groups compared unless others are asked for; the programme's own are added.
DEFAULT_GROUPS: tuple[str, ...] = (
    "gender",
    "race_ethnicity",
    "primary_substance",
    "employment",
    "housing",
    "medication",
)
_MOMENTS = ("sum_y", "sum_x", "sum_yy", "sum_xy", "sum_xx", "clusters")


def measure_by_group(
    cohort: Cohort, what: str = "retained", *, by: Sequence[str] | None = None, at: int = 42
) -> Estimates:
    """Do some groups of people fare differently from everyone else?

    ``what`` is as for :func:`measure_by_site`, ``by`` names columns of the cohort (default: characteristics at admission and
    the programme's own groups). Rows of the share's own definition: ``proportion`` for everyone and each group; for each
    group of at least 20 people, with as many outside it, ``difference`` to everyone else twice: as it is (``reference``
    "everyone else") and drawn towards no difference by what all comparisons together show ("everyone else, partially
    pooled"; from three comparisons); and ``diagnostic`` ``comparisons``, their number. People of whom the characteristic is
    not known are a group of their own, are part of everyone else, and are not compared. A column in which nothing is recorded
    has no rows.

    Raises :class:`UsageError` for a word or column it does not know.
    """
    own = tuple(cohort.records.manifest.settings.get("groups") or {})
    columns = list(dict.fromkeys([by] if isinstance(by, str) else by if by is not None else (*DEFAULT_GROUPS, *own)))
    if not columns:
        raise UsageError("by names at least one group column")
    for column in columns:
        check_group(column, cohort.groups)
    share = choose_share(cohort, what, at, columns)
    (everyone,) = count_share(share)
    rows = [share_row(share, everyone)]
    contrasts: list[_Contrast] = []
    for column in columns:
        groups = count_share(share, column)
        if all(count.group.group is None for count in groups):
            continue
        rows += [share_row(share, count) for count in groups]
        contrasts += _contrasts(share, everyone, groups, column)
    rows += _differences(share, everyone, contrasts)
    return Estimates.from_rows(rows, cohort.settings)


@dataclass(frozen=True)
class _Contrast:
    """A group against everyone else: its difference, and the error it would have were there none."""

    count: Count
    interval: Interval
    null_error: float


def _contrasts(share: Share, everyone: Count, groups: list[Count], column: str) -> Iterator[_Contrast]:
    effect = design_effect(*([count.line[name] for count in groups] for name in _MOMENTS))
    overall = everyone.events / everyone.units if everyone.units else np.nan
    for count in groups:
        value = count.group.group
        if value is None or count.line["clusters"] < LEAST_PEOPLE:
            continue
        outside = share.frame.filter((nw.col("x") == 1) & ((nw.col(column) != value) | nw.col(column).is_null()))
        rest = reductions.moments(outside, (), nw.col("y"), nw.col("x")).frame.iloc[0]
        if rest["clusters"] < LEAST_PEOPLE:
            continue
        interval = recovered_difference(*(clustered_proportion(*line[list(_MOMENTS)]) for line in (count.line, rest)))
        variance = overall * (1 - overall) * effect * (1 / count.units + 1 / rest["sum_x"])
        yield _Contrast(count, interval, float(np.sqrt(variance)))


def _differences(share: Share, everyone: Count, contrasts: list[_Contrast]) -> Iterator[Row]:
    number = len(contrasts)
    if not number:
        return
    base: Row = {
        "category": share.category,
        "at": share.at,
        "denominator": everyone.units,
        "people": everyone.line["clusters"],
        "design_word": "associated",
    }
    said = f"one of {number} comparisons"
    for contrast in contrasts:
        columns = interval_columns(contrast.interval)
        yield contrast.count.group.row(share.definition, "difference", **base, **columns, reference=REST, note=said)
    errors = np.array([contrast.null_error for contrast in contrasts])
    if number >= 3 and (errors > 0).all():
        values = [contrast.interval.value for contrast in contrasts]
        pooled = partial_pooling(values, errors, centre=0.0, method="integrated")
        for place, contrast in enumerate(contrasts):
            interval = Interval(
                pooled.values[place], pooled.low[place], pooled.high[place], pooled.conf_level, pooled.method
            )
            columns = interval_columns(interval)
            yield contrast.count.group.row(
                share.definition, "difference", **base, **columns, reference=REST_POOLED, note=said
            )
    chance = f"chance alone would put about {max(1, round(0.05 * number))} of their plain 95% ranges to one side of 0"
    yield everyone.group.row(
        share.definition,
        "diagnostic",
        **{**base, "category": "comparisons"},
        value=number,
        unit="comparisons",
        method="count",
        note=chance,
    )
