"""The adjusted figures seen a second way: the same weights fitted anew to many samples of the same people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from iop_outcomes.comparison.estimation import Study
from iop_outcomes.measures.rows import Row
from iop_outcomes.statistics import Effect, Estimate, resampled_estimate, reweighted_bootstrap

#: Enough for limits whose own error is about a tenth of the standard error.
REPLICATES = 1_000
SEED = 1


def resampled_rows(study: Study, effect: Effect) -> Iterator[Row]:
    """Both levels' adjusted shares and their difference with limits from a person bootstrap, beside those of ``effect``.

    People are drawn across levels; the chance of an answer and the chance of placement are fitted anew to each resample.
    The note tells the Monte-Carlo error, and counts resamples that could not be weighted. Of shares made by weighting
    alone: days in care, doubly robust estimates and standardisation have no such rows.
    """
    protocol, level = study.arms.protocol, effect.difference.conf_level
    if study.in_days or protocol.method != "weighting":
        return
    made = reweighted_bootstrap(
        study.answer[:, None],
        study.arms.treated,
        study.arms.baseline.design(),
        estimand=protocol.estimand,
        replicates=REPLICATES,
        seed=SEED,
        made=study.arms.made,
    )
    method = f"weighted means ({protocol.estimand}), person bootstrap, {REPLICATES:,} replicates, weights fitted anew"
    method += f" in {made.blocks} blocks of people" if made.blocks > 1 else ""
    method = f"{method}, percentiles"
    if made.reason:
        blank = Estimate(np.nan, np.nan, np.nan, np.nan, level, method)
        nothing = replace(effect, treated=blank, reference=blank, difference=blank)
        yield from study.pair_rows("level_effect_resampled", nothing, made.reason)
        return
    treated, control = (float(share) for share in made.estimate[:, 0])
    pairs = ((treated, made.draws[:, 0, 0]), (control, made.draws[:, 1, 0]), (treated - control, made.difference[:, 0]))
    one, other, gap = (replace(resampled_estimate(*pair, level), method=method) for pair in pairs)
    note = f"Monte-Carlo error of the limits {gap.low_error:.3f} and {gap.high_error:.3f}; standard error "
    note += f"{gap.std_error:.3f}, by stacked estimating equations {effect.difference.std_error:.3f}"
    note += f"; {made.refused.total():,} replicates could not be weighted" if made.refused else ""
    drawn = replace(effect, treated=one, reference=other, difference=gap)
    yield from study.pair_rows("level_effect_resampled", drawn, note)
