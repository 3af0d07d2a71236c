"""Intensive outpatient or residential care first: what each achieves among people who could have gone to either.

The crude difference stands beside the adjusted one and is never the answer: who goes where is decided by how ill people
are. No adjusted figure leaves where people cannot be made alike; the refusal is a result of its own.

See docs/definitions/comparison.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from iop_outcomes.cohort import Cohort, select_cohort
from iop_outcomes.comparison.balance import (
    Arms,
    Verdict,
    balance_rows,
    chance_rows,
    judge,
    read_baseline,
    support_rows,
)
from iop_outcomes.comparison.eligible import (
    answer_abstinence,
    placement_rows,
    read_admissions,
    say_nobody,
    view_admissions,
)
from iop_outcomes.comparison.estimation import (
    ASSUMED,
    Study,
    apart_rows,
    crude_rows,
    reached_rows,
    refused_rows,
)
from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.comparison.resampled import resampled_rows
from iop_outcomes.comparison.sensitivity import missing_rows, unmeasured_rows, yardstick_rows
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.case_mix import check_covariates
from iop_outcomes.measures.rows import Row
from iop_outcomes.measures.stays import CAUSES, NOT_RETAINED
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import answer_weights
from iop_outcomes.vocabulary import EndReason

#: What people are made alike in unless other columns are named: everything recorded at admission that may decide placement.
ADJUST: tuple[str, ...] = (
    "severity",
    "days_used_30",
    "age",
    "prior_episodes",
    "employment",
    "housing",
    "primary_substance",
    "referral",
    "gender",
    "medication",
)


def compare_levels(
    records: Records | Cohort,
    *,
    treated: str = "2.1",
    control: str = "3.5",
    outcome: str = "abstinent",
    at: int = 180,
    estimand: str = "ATO",
    adjust: Sequence[str] = ADJUST,
    method: str = "weighting",
    admitted: tuple[str, str] | None = None,
) -> Estimates:
    """Of people who could have gone to either level of care, would more have done well had care begun in this one?

    ``records`` may be a cohort of them: people are chosen anew from all its records, by the clock it has worked out.
    ``treated`` and ``control`` are ASAM levels. ``outcome`` is ``"abstinent"`` (thirty days without use, at a follow-up
    day ``at``: 30, 90, 180, 365), ``"retained"`` or ``"completed"`` by day ``at``, or ``"days_in_care"`` (restricted mean up
    to it). ``estimand``, ``adjust`` and ``method`` are as :class:`Protocol` says, which is kept in ``settings["protocol"]``.
    First admissions only, whoever attended nothing included.

    Rows: ``level_placement`` (who is compared, who is not and why), ``level_reached``, ``level_crude`` (each level
    as it is, and the difference), ``level_apart`` (people who could only have gone to one level),
    ``level_balance_before`` and ``level_balance_after``, ``level_support`` (people, effective numbers, weights, the
    limits of the gate), ``level_chance`` and ``level_chance_weighted``; ``level_effect`` (each level adjusted, and
    the difference), ``level_effect_resampled`` (the same with people drawn anew and weights fitted anew),
    ``level_evalue`` and ``level_evalue_limit``, people not reached counted in four ways (``level_missing_using``,
    ``_sober``, ``_least``, ``_most``), ``level_left_out`` and ``level_left_out_evalue`` (without each covariate).
    Of days in care the definitions end in ``_days`` and there is no E-value. Where the gate does not pass,
    ``level_effect`` is ``not_estimable``, its note says why and what would mend it, and what is made from it is
    absent.

    Raises :class:`UsageError` for words the protocol does not know and columns not known at admission.

    Source: Li, Morgan and Zaslavsky (2018), doi:10.1080/01621459.2016.1260466; Hernán and Robins (2016),
    doi:10.1093/aje/kwv254; VanderWeele and Ding (2017), doi:10.7326/M16-2607.
    """
    columns = (adjust,) if isinstance(adjust, str) else tuple(dict.fromkeys(adjust))
    protocol = Protocol(treated, control, outcome, at, estimand, method, columns)
    levels = [treated, control]
    cohort = select_cohort(records, level_of_care=levels, admitted=admitted, episodes="first", rung="admitted")
    check_covariates(cohort, columns)
    frame = _follow(cohort, protocol)
    settings = {**cohort.settings, "protocol": protocol}
    rows = list(placement_rows(frame, protocol))
    compared = frame[frame["view"] == "compared"]
    own = (compared["level_of_care"] == treated).to_numpy()
    if not own.any() or own.all():
        rows += refused_rows(protocol, own, Verdict((say_nobody(protocol, own),)))
        return Estimates.from_rows(rows, settings)
    study = _set_up(compared, own, protocol)
    settings["not_recorded"] = study.arms.baseline.unrecorded
    verdict = judge(study.arms)
    if outcome == "abstinent":
        rows += reached_rows(study)
    rows += crude_rows(study)
    rows += apart_rows(study, frame[(frame["view"] == "one_level_only") & frame["due"]])
    rows += balance_rows(study.arms)
    rows += support_rows(study.arms, verdict)
    rows += chance_rows(study.arms)
    rows += _effect_rows(study, verdict)
    return Estimates.from_rows(rows, settings)


def _effect_rows(study: Study, verdict: Verdict) -> Iterator[Row]:
    """The adjusted figures and what could overturn them, or why there are none."""
    if not verdict.passes:
        yield from refused_rows(study.arms.protocol, study.arms.treated, verdict)
        return
    effect = study.estimate()
    if effect.reason:
        yield from refused_rows(
            study.arms.protocol, study.arms.treated, Verdict((f"The model cannot be fitted: {effect.reason}.",))
        )
        return
    yield from study.pair_rows("level_effect", effect, ASSUMED)
    yield from resampled_rows(study, effect)
    if not study.in_days:
        yield from unmeasured_rows(study, effect)
        yield from missing_rows(study, effect)
    yield from yardstick_rows(study, effect)


def _follow(cohort: Cohort, protocol: Protocol) -> pd.DataFrame:
    """First admissions with ``due``, ``answer`` and ``view``."""
    stays, at = read_admissions(cohort, protocol.adjust), protocol.at
    if protocol.outcome == "abstinent":
        return view_admissions(answer_abstinence(stays, cohort, at), protocol.adjust)
    seen = stays["observed_day"].to_numpy(dtype="float64") >= (0 if protocol.outcome == "days_in_care" else at)
    from_admission = (stays["entry_day"] == 0).to_numpy()
    ended_by = (stays["exit_day"] <= at).to_numpy()
    completed = (stays["cause"] == CAUSES[str(EndReason.COMPLETED)]).to_numpy() & ended_by
    lost = stays["cause"].isin(NOT_RETAINED).to_numpy() & ended_by
    answer = {"retained": ~lost, "completed": completed}.get(protocol.outcome, stays["exit_day"].to_numpy())
    followed = stays.assign(due=seen & from_admission, answer=np.asarray(answer, dtype=float))
    return view_admissions(followed, protocol.adjust)


def _set_up(compared: pd.DataFrame, own: np.ndarray, protocol: Protocol) -> Study:
    baseline = read_baseline(compared, protocol.adjust)
    answer = compared["answer"].to_numpy(dtype="float64")
    made = answer_weights(~np.isnan(answer), own, baseline.design(), protocol.estimand)
    return Study(Arms(protocol, baseline, made), answer, (compared["cause"] > 0).to_numpy())
