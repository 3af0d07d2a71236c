"""What could overturn a comparison: people not reached, and what nobody recorded.

An E-value says how strongly something unmeasured would have to go with both placement and outcome to explain the whole
estimate away; what leaving each recorded covariate out would do is the yardstick to hold it against.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iop_outcomes.comparison.estimation import Study
from iop_outcomes.measures.rows import Row, interval_columns
from iop_outcomes.statistics import Effect, e_value
from iop_outcomes.vocabulary import Status

#: How people not reached are counted, in the treated and in the control level, by definition.
_COUNTED: dict[str, tuple[float, float]] = {
    "level_missing_using": (0.0, 0.0),
    "level_missing_sober": (1.0, 1.0),
    "level_missing_least": (0.0, 1.0),
    "level_missing_most": (1.0, 0.0),
}
_SIGN = "points the other way than the estimate: the sign of the difference depends on the rule for people not reached"


def missing_rows(study: Study, effect: Effect) -> Iterator[Row]:
    """The adjusted figures with everybody not reached counted in four ways; the last two bound the difference."""
    unknown = np.isnan(study.answer)
    if not unknown.any():
        return
    for definition, (treated, control) in _COUNTED.items():
        answer = np.where(unknown, np.where(study.arms.treated, treated, control), study.answer)
        made = study.estimate(answer)
        turned = made.difference.value * effect.difference.value < 0
        yield from study.pair_rows(definition, made, _SIGN if turned else "")


def unmeasured_rows(study: Study, effect: Effect) -> Iterator[Row]:
    """E-values of the estimate and of its limit nearer to no difference."""
    protocol, size = study.arms.protocol, study.answer.size
    shared: Row = {"category": protocol.outcome, "at": protocol.at, "denominator": size, "people": size}
    values: dict[str, float] = {"level_evalue": np.nan, "level_evalue_limit": np.nan}
    method = None
    if np.isfinite(effect.ratio.value):
        found = e_value(effect.ratio.value, effect.ratio.low, effect.ratio.high)
        values, method = {"level_evalue": found.point, "level_evalue_limit": found.limit}, found.method
    for definition, value in values.items():
        columns: Row = {"value": value, "method": method}
        if not np.isfinite(value):
            columns = {"status": str(Status.NOT_ESTIMABLE), "note": "it takes two shares above 0 with a range"}
        yield study.group().row(definition, "tipping_point", **shared, **columns)


def yardstick_rows(study: Study, effect: Effect) -> Iterator[Row]:
    """The difference with each covariate left out, and as an E-value how strong its like would have to be.

    The E-value is of the factor by which the ratio of shares moves when the covariate is left out: something unmeasured
    must go with both placement and outcome at least so strongly to move the estimate as far.
    """
    protocol, size = study.arms.protocol, study.answer.size
    for column in protocol.adjust:
        if column not in study.arms.baseline.sources:
            continue
        made = study.estimate(without=column)
        shared: Row = {"category": f"{protocol.outcome}/{column}", "at": protocol.at, "denominator": size}
        shared |= {"people": size, "reference": protocol.control}
        columns: Row = interval_columns(made.difference)
        if made.reason:
            columns = {"status": str(Status.NOT_ESTIMABLE), "note": made.reason}
        yield study.group().row(study.name("level_left_out"), "difference", **shared, **columns)
        moved = made.ratio.value / effect.ratio.value
        if not study.in_days and np.isfinite(moved):
            found = e_value(moved)
            columns = {**shared, "reference": None, "value": found.point, "method": found.method}
            yield study.group().row("level_left_out_evalue", "tipping_point", **columns)
