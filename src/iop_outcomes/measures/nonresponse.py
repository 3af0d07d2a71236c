"""What care knew of everybody, to speak for people not reached: response weights and multiple imputation.

Both take people not reached to be like people reached of whom care knew the same. Where somebody who uses is harder to
reach for reasons care did not see, both come out too high: read them beside the bounds, and with the tipping point.

See docs/methods/followup.md.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from iop_outcomes.measures.followup_rows import Due
from iop_outcomes.measures.rows import order_by_content
from iop_outcomes.statistics import (
    Estimate,
    Interval,
    clustered_mean,
    impute_binary,
    pool_rubin,
    response_weighted_share,
    tipping_point,
)
from iop_outcomes.statistics.intervals import Floats

#: What care knew of everybody, in the order in which imputation takes it up while answers are few.
PREDICTORS = (
    "earlier_sober",
    "earlier_using",
    "stayed",
    "last_negative",
    "last_positive",
    "sessions_attended",
    "severity",
    "days_used_30",
)
#: Shifts of the log odds tried when looking for the one that would change what is said.
SHIFTS = np.arange(-5.0, 5.5, 1.0)
#: Answers of the rarer kind asked for by each predictor (Vittinghoff & McCulloch 2007, doi:10.1093/aje/kwk052).
_ANSWERS_A_PREDICTOR = 5
#: Fewest people in each half before a weighting class is split by early attendance.
_SPLIT_FROM = 20


@dataclass(frozen=True)
class Imputation:
    """How often answers are drawn, and from which seed."""

    times: int
    seed: int


def weighted_share(due: Due) -> Estimate | str:
    """The share with people reached standing for people of their class who were not; words when a class has nobody.

    The classes: stayed (or completed) or had left by the day, each split by early attendance where both halves are large.
    """
    cells = _classes(due.frame)
    silent = _silent(due, cells)
    if silent:
        return f"cannot be weighted: {silent}"
    codes = np.unique(cells, return_inverse=True)[1]
    share: Estimate = response_weighted_share(due.answer, due.reached, codes, cluster=due.person)
    return share


def imputed_share(due: Due, plan: Imputation) -> Interval | Estimate | str:
    """The share by multiple imputation, pooled by Rubin's rules over people; words when answers are too alike."""
    heard = due.answer[due.reached]
    people = due.frame["person_id"].nunique()
    if due.reached.all():
        return due.share(due.answer == 1)
    silent = _silent(due, _classes(due.frame))
    if silent:
        return f"cannot be imputed: {silent}"
    if people < 2 or not (heard == 1).any() or not (heard == 0).any():
        return "cannot be imputed: it takes people reached who used and people reached who did not"
    due = _in_order(due)
    known = _known_of(due)
    filled = _fill(due, known, plan)
    person = np.unique(due.person, return_inverse=True)[1]
    means = [clustered_mean(answers, person) for answers in filled]
    variances = [mean.std_error**2 for mean in means]
    pooled = pool_rubin([mean.value for mean in means], variances, complete_df=people - 1)
    low, high = np.clip([pooled.low, pooled.high], 0.0, 1.0)
    words = f"{plan.times} imputations, what care knew in {known.shape[1]} columns; {pooled.method}; people as clusters"
    return Estimate(pooled.value, pooled.std_error, float(low), float(high), pooled.conf_level, words)


def shift_to(due: Due, level: float, plan: Imputation) -> float:
    """The shift of log odds among people not reached at which the imputed share is ``level``; ``nan`` for none in SHIFTS."""
    due = _in_order(due)
    known = _known_of(due)
    return tipping_point(SHIFTS, [_fill(due, known, plan, float(shift)).mean() for shift in SHIFTS], level)


def _in_order(due: Due) -> Due:
    """The same episodes in an order that does not hang on ids: what is drawn for whom follows from what is known."""
    content = due.frame[[*PREDICTORS, "answer"]].astype("float64").to_numpy()
    return replace(due, frame=due.frame.iloc[order_by_content(content, due.person)].reset_index(drop=True))


def _classes(frame: pd.DataFrame) -> np.ndarray:
    cells = np.where(frame["stayed"], "people who stayed or completed", "people who had left").astype(object)
    early = frame["sessions_early"].to_numpy(dtype="float64")
    for cell in sorted(set(cells)):
        mine = cells == cell
        few = mine & (early < np.median(early[mine]))
        if min(few.sum(), mine.sum() - few.sum()) >= _SPLIT_FROM:
            cells[few] = f"{cell}, with fewer early sessions"
    return cells


def _silent(due: Due, cells: np.ndarray) -> str:
    """Words when nobody of a class was reached, so that nobody can speak for it; else nothing."""
    silent = sorted(set(cells) - set(cells[due.reached]))
    if not silent:
        return ""
    return (
        f"nobody was reached among {' and among '.join(silent)}. "
        "Reaching some of them would mend it; until then only the bounds can be given"
    )


def _known_of(due: Due) -> Floats:
    """What care knew of everybody due (episodes × things), as much of it as the answers carry; unknown numbers at the mean."""
    heard = due.answer[due.reached]
    rarer = int(min((heard == 1).sum(), (heard == 0).sum()))
    known = due.frame[list(PREDICTORS)].astype("float64")
    known = known.fillna(known.mean()).fillna(0.0)
    differs = known[due.reached].nunique() > 1
    out: Floats = known.loc[:, differs].iloc[:, : max(1, rarer // _ANSWERS_A_PREDICTOR)].to_numpy()
    return out


def spare_people(due: Due) -> int:
    """How many more people were reached than the larger of the two models has terms: classes, or things care knew."""
    reached = due.frame.loc[due.reached, "person_id"].nunique()
    return int(reached) - max(len(np.unique(_classes(due.frame))), _known_of(due).shape[1] + 1)


def _fill(due: Due, known: Floats, plan: Imputation, delta: float = 0.0) -> Floats:
    """Answers with the missing ones drawn (imputations × episodes); groups and months draw from streams of their own."""
    name = f"{plan.seed} {due.at} {due.group.by} {due.group.group}"
    seed = zlib.crc32(name.encode())
    filled: Floats = impute_binary(due.answer, known, imputations=plan.times, seed=seed, delta=delta)
    return filled
