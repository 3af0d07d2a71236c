"""What if everybody had stayed this long, or nobody had? Clones, censored where they part from a strategy, and weighted.

Whoever stays long differs from whoever leaves, at the start and by what happens on the way; and on the first day nobody
has stayed yet. So each person is put under both strategies, as two clones. A clone counts for as long as its person's
data could have come about under its strategy; those that still count stand, by their weights, for those that do not.

Source: Hernán (2018), doi:10.1136/bmj.k182; Cain, Robins, Lanoy, Logan, Costagliola and Hernán (2010),
doi:10.2202/1557-4679.1212, for strategies that leave some time to follow them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answered import EACH_COLUMN
from .effect import Effect, form_effect, no_effect
from .estimating_equations import Step, fit_step
from .intervals import Floats
from .newton import expit
from .propensity import effective_sample_size
from .regression import SEPARATED

#: When clones under "leave" leave: on the days on which people like them do, or as they do and at the latest in the last
#: interval.
GRACES = ("usual", "end")
#: How answers stand for people whose outcome is unknown: by the inverse of their chance, or each for one.
ANSWERS = ("weights", "complete")
NOBODY_STAYED = "nobody stayed so long"
NOBODY_LEFT = "nobody left before"
NOBODY_LAST = "nobody left in the last interval, and so nobody stands for those who stayed to its end"
FORETOLD = "some combination of interval, covariates and state foretells wholly who leaves"
SILENT = "no outcome is known under one of the strategies"


@dataclass(frozen=True, eq=False)
class CloneArm:
    """The clones under one strategy: their final weights (n), 0 for those that do not count, and what these amount to.

    ``people`` how many count · ``effective`` for how many people of equal weight · ``largest`` weight, in mean weights.
    """

    weights: Floats
    people: int
    effective: float
    largest: float


@dataclass(frozen=True, eq=False)
class CloneEffect:
    """Everybody staying (``strategies.treated``) against everybody leaving (``strategies.reference``), and the clones behind.

    ``answered_by`` is what the chance of an answer goes by, or nothing where each answer counts for one. ``residual_df`` is
    the number of people beyond the coefficients of all models behind.
    """

    strategies: Effect
    stay: CloneArm
    leave: CloneArm
    answered_by: str
    residual_df: int


@dataclass(frozen=True, eq=False)
class _Hazards:
    """The chance (n × K) of leaving in each interval, ``live`` the intervals in which anybody did, and ``pull`` (n × p)."""

    chance: Floats
    live: NDArray[np.bool_]
    covariates: Floats
    state: Floats
    pull: Floats
    reason: str

    def gradient(self, slope: Floats) -> Floats:
        """The derivative (n × p) by the coefficients of a sum over intervals, from those by linear predictors (n × K)."""
        by_state = np.einsum("nk,nkm->nm", slope, self.state)
        return np.column_stack([slope[:, self.live], slope.sum(axis=1)[:, None] * self.covariates, by_state])


@dataclass(frozen=True, eq=False)
class _Arm:
    """Weights (n) of one strategy's clones, and the derivative (n × p) of their logarithms by each model's coefficients."""

    weights: Floats
    parts: tuple[tuple[_Hazards, Floats], ...]

    def carry(self, pull: Floats) -> Floats:
        """The pull (n) of each person on an estimate, weights held fixed, once the hazards count as estimated."""
        carried = pull
        for hazards, slope in self.parts:
            carried = carried + hazards.pull @ (hazards.gradient(slope).T @ pull)
        return carried


@dataclass(frozen=True, eq=False)
class _Course:
    """Who stayed, left or was excused, and when: ``place`` (n) the interval of the exit, the number of intervals if stayed."""

    place: NDArray[np.intp]
    stayed: NDArray[np.bool_]
    left: NDArray[np.bool_]
    intervals: int

    @property
    def excused(self) -> NDArray[np.bool_]:
        return ~self.stayed & ~self.left

    @property
    def before(self) -> NDArray[np.bool_]:
        """(n × K) the intervals a person lived through without leaving."""
        return np.arange(self.intervals) < self.place[:, None]

    @property
    def event(self) -> NDArray[np.bool_]:
        """(n × K) the interval in which a person left."""
        return (np.arange(self.intervals) == self.place[:, None]) & self.left[:, None]


@dataclass(frozen=True, eq=False)
class CloneWeights:
    """The weight of each person's clone under either strategy, and what carries the weights' own uncertainty on.

    ``stay`` and ``leave`` (n) are 0 for clones that were censored. ``reason`` is empty, or says why there are no weights;
    then they are ``nan``.
    """

    stay: Floats
    leave: Floats
    reason: str
    _course: _Course = field(repr=False)
    _arms: tuple[_Arm, ...] = field(repr=False)
    _known_by: Floats = field(repr=False)
    _grace: str = field(repr=False)
    _terms: int = field(repr=False)

    def compare(
        self,
        outcome: ArrayLike,
        *,
        under_leave: ArrayLike | None = None,
        answers: str = "weights",
        conf_level: float = 0.95,
    ) -> CloneEffect:
        """How far apart would the outcomes be, had everybody stayed and had everybody left?

        Weighted means of the clones that count, each divided by its sum of weights. Errors are from the stacked equations
        of the hazards, the chances of an answer and both means, the two clones of a person added before squaring: they
        are not independent.

        Args:
            outcome: (n) outcomes, ``nan`` where unknown. All 0 or 1: they are shares, with intervals between 0 and 1.
            under_leave: (n) other outcomes for the clones under "leave", for bounds; known for the same people.
            answers: "weights": a known outcome counts the inverse of its chance, by a logistic regression on having
                stayed, covariates and the last state, where there are five people of the rarer kind a column and it can
                be fitted; else, and with "complete", each known outcome counts for one.
            conf_level: confidence level.

        Raises:
            ValueError: if there is not one outcome a person, one is infinite, or ``answers`` is unknown.
        """
        if answers not in ANSWERS:
            raise ValueError(f"answers must be one of {', '.join(ANSWERS)}; got {answers!r}.")
        both = [np.asarray(one, float) for one in (outcome, outcome if under_leave is None else under_leave)]
        if (
            any(y.shape != self.stay.shape or np.isinf(y).any() for y in both)
            or (np.isnan(both[0]) != np.isnan(both[1])).any()
        ):
            raise ValueError("outcome must have one number a person, nan where it is unknown, for both strategies.")
        n, known = both[0].size, ~np.isnan(both[0])
        reach = self._chance_of_answer(known) if answers == "weights" else None
        by = "" if reach is None else "having stayed, covariates and last state"
        method = f"clones weighted by the inverse of their chance to follow (grace: {self._grace})"
        method += f", inverse chance of a known outcome by {by}" if by else ""
        counted = known.astype(float) if reach is None else np.where(known, 1 / reach.fitted, 0.0)
        masses = [arm * counted for arm in (self.stay, self.leave)]
        reason = self.reason or ("" if all(mass.any() for mass in masses) else SILENT)
        if reason:
            blank = CloneArm(np.full(n, np.nan), 0, np.nan, np.nan)
            return CloneEffect(no_effect("ATE", reason, None, n, conf_level, method), blank, blank, by, 0)
        terms = self._terms + (0 if reach is None else reach.coefficients.size)
        means, pulls = [], []
        for y, mass, arm in zip(both, masses, self._arms, strict=True):
            filled, share = np.where(known, y, 0.0), mass / mass.sum()
            means.append(share @ filled)
            fixed = share * (filled - means[-1])
            pull = arm.carry(fixed)
            if reach is not None:
                pull = pull + reach.pull @ (self._known_by.T @ ((reach.fitted - 1) * fixed))
            pulls.append(pull)
        effect = form_effect(
            (means[0], means[1]),
            (pulls[0], pulls[1]),
            None,
            estimand="ATE",
            method=method,
            conf_level=conf_level,
            share=all(bool(np.isin(y[known], (0, 1)).all()) for y in both),
        )
        return CloneEffect(effect, _summarise(masses[0]), _summarise(masses[1]), by, n - terms)

    def _chance_of_answer(self, known: NDArray[np.bool_]) -> Step | None:
        """The model of who answered, or None where all did or there is none to be had."""
        if min(known.sum(), (~known).sum()) < max(1, EACH_COLUMN * self._known_by.shape[1]):
            return None
        used = np.ones(known.size, dtype=bool)
        reach = fit_step(known.astype(float), self._known_by, "binomial", used=used, cluster=None)
        return None if reach.reason else reach


def clone_weights(
    exit_day: ArrayLike,
    left: ArrayLike,
    covariates: ArrayLike | None = None,
    state: ArrayLike | None = None,
    *,
    stay: float,
    interval: float = 7,
    grace: str = "usual",
) -> CloneWeights:
    """How much must each person count, so that those who stayed this long, and those who left before, each stand for all?

    Each person has a clone under "stay for at least ``stay`` days" and one under "leave before". The stay clone is
    censored when the person leaves before the day, the leave clone when the person is still there on it. Who is *excused*,
    out before the day without having left (``left`` False), keeps both clones. A logistic regression of leaving in each
    interval among those still there and not excused in it, with a term for each interval, gives hazards h. Weights::

        stay                 1 / Π (1 - h) over the intervals lived through without leaving
        leave, grace usual   π(own course) / p(own course); π is leaving on the days on which people with the same
                             covariates do, given that they leave before the day: 1 / (1 - Π (1 - h)) where there is no
                             state
        leave, grace end     1, and 1 / h for those who left in the last interval: left to themselves until then

    With a state the hazards of p have it, those of π do not. It holds where leaving in an interval goes by nothing but
    covariates and state so far that also decides the outcome, and where people of every kind both stay and leave.

    Args:
        exit_day: (n) day of the exit, or the last day seen; a person with ``exit_day`` at or after ``stay`` stayed.
        left: (n) whether the exit was one the strategies speak of; False excuses. What it is of those who stayed is not
            asked. Someone lost to view is excused, with an unknown outcome.
        covariates: (n × k) numbers known at the start, no intercept. None for none.
        state: (n × K × m) numbers known before each of the K intervals begins; not asked after the exit. None for none.
        stay: day of the strategies, above 0. Intervals run from day 0 on; the last one ends before this day.
        interval: days of an interval.
        grace: "usual" or "end".

    Returns:
        CloneWeights; ``nan`` with a ``reason`` where nobody stayed or left, or the hazards cannot be fitted.

    Raises:
        ValueError: if lengths differ, a number that is asked for is missing, or an argument makes no sense.

    Source: Hernán (2018), doi:10.1136/bmj.k182; Cain and others (2010), doi:10.2202/1557-4679.1212; pooled logistic
    hazards, D'Agostino and others (1990), doi:10.1002/sim.4780091214.

    >>> made = clone_weights([3] * 10 + [10] * 10 + [14] * 20, [True] * 20 + [False] * 20, stay=14)
    >>> made.stay[20].round(6), made.leave[0].round(6)  # 1/(3/4 · 2/3) and 1/(1 - 3/4 · 2/3)
    (np.float64(2.0), np.float64(2.0))
    """
    course, x, z, last = _check(exit_day, left, covariates, state, stay, interval, grace)
    known_by = np.column_stack([np.ones(len(x)), course.stayed, x, last])
    hazards = base = _fit(course, x, z)
    if z.shape[2] and grace == "usual":
        base = _fit(course, x, z[:, :, :0])
    reason = hazards.reason or base.reason or (NOBODY_LAST if grace == "end" and not hazards.live[-1] else "")
    if reason:
        blank = np.full(len(x), np.nan)
        return CloneWeights(blank, blank, reason, course, (), known_by, grace, 0)
    arms = (
        _stay(course, hazards),
        _leave_usual(course, hazards, base) if grace == "usual" else _leave_end(course, hazards),
    )
    terms = hazards.pull.shape[1] + (0 if base is hazards else base.pull.shape[1])
    return CloneWeights(arms[0].weights, arms[1].weights, "", course, arms, known_by, grace, terms)


def _check(
    exit_day: ArrayLike,
    left: ArrayLike,
    covariates: ArrayLike | None,
    state: ArrayLike | None,
    stay: float,
    interval: float,
    grace: str,
) -> tuple[_Course, Floats, Floats, Floats]:
    """The course of everybody, covariates, states (0 where not asked) and each person's last state."""
    if not (0 < stay < np.inf and 0 < interval < np.inf):
        raise ValueError("stay and interval must be days above 0.")
    if grace not in GRACES:
        raise ValueError(f"grace must be one of {', '.join(GRACES)}; got {grace!r}.")
    day, gone = np.asarray(exit_day, float), np.asarray(left)
    if (
        day.ndim != 1
        or not day.size
        or not np.all(day >= 0)
        or gone.shape != day.shape
        or not np.isin(gone, (0, 1)).all()
    ):
        raise ValueError("exit_day must be days, 0 or more, none missing, and left must be True or False for each.")
    count = int(np.ceil(stay / interval))
    stayed = day >= stay
    place = np.where(stayed, count, np.minimum(day // interval, count - 1)).astype(np.intp)
    course = _Course(place, stayed, gone.astype(bool) & ~stayed, count)
    x = np.empty((day.size, 0)) if covariates is None else np.asarray(covariates, float)
    z = np.empty((day.size, count, 0)) if state is None else np.asarray(state, float)
    if x.ndim != 2 or len(x) != day.size or z.ndim != 3 or z.shape[:2] != (day.size, count):
        raise ValueError("covariates have a row, and state a row for each interval, for each person.")
    asked = np.arange(count) <= place[:, None]
    if not np.isfinite(x).all() or not np.isfinite(z[asked]).all():
        raise ValueError("A covariate or state is missing or not finite: give it a category of its own first.")
    z = np.where(asked[:, :, None], z, 0.0)
    return course, x, z, z[np.arange(day.size), np.minimum(place, count - 1)]


def _fit(course: _Course, x: Floats, z: Floats) -> _Hazards:
    """The pooled logistic regression. Intervals in which nobody left have a chance of 0, known without a model."""
    n, live = len(x), np.asarray(course.event.any(axis=0))
    person, place = np.nonzero((course.before | course.event) & live)
    p = int(live.sum()) + x.shape[1] + z.shape[2]
    reason = NOBODY_STAYED if not course.stayed.any() else "" if course.left.any() else NOBODY_LEFT
    pull, chance = np.zeros((n, p)), np.zeros(course.before.shape)
    if not reason:
        design = np.column_stack([np.eye(course.intervals)[place][:, live], x[person], z[person, place]])
        everyone = np.ones(person.size, dtype=bool)
        step = fit_step(course.event[person, place].astype(float), design, "binomial", used=everyone, cluster=person)
        reason = FORETOLD if step.reason == SEPARATED else step.reason
    if not reason:
        np.add.at(pull, person, step.pull.rows)
        terms, by_x, by_z = np.split(step.coefficients, [int(live.sum()), p - z.shape[2]])
        line = terms + (x @ by_x)[:, None] + z[:, live] @ by_z
        chance[:, live] = expit(line)
    return _Hazards(chance, live, x, z, pull, reason)


def _stay(course: _Course, hazards: _Hazards) -> _Arm:
    """Clones not censored by leaving: the inverse chance of not having left in the intervals lived through."""
    counts = ~course.left
    lived = np.where(course.before & counts[:, None], hazards.chance, 0.0)
    weights = np.where(counts, np.exp(-np.log1p(-lived).sum(axis=1)), 0.0)
    return _Arm(weights, ((hazards, lived),))


def _leave_end(course: _Course, hazards: _Hazards) -> _Arm:
    """Clones out before the day: who left in the last interval stands for all who were still there when it began."""
    late = course.event[:, -1]
    weights = np.where(late, 1 / hazards.chance[:, -1], (~course.stayed).astype(float))
    slope = np.zeros_like(hazards.chance)
    slope[:, -1] = np.where(late, hazards.chance[:, -1] - 1, 0.0)
    return _Arm(weights, ((hazards, slope),))


def _leave_usual(course: _Course, own: _Hazards, base: _Hazards) -> _Arm:
    """Clones out before the day: the chance of their course if they leave when people like them do, over that as it is."""
    before, event, h, g = course.before & ~course.stayed[:, None], course.event, own.chance, base.chance
    still = np.exp(
        np.cumsum(np.log1p(-g)[:, ::-1], axis=1)[:, ::-1]
    )  # from each interval on: not leaving before the day
    row, excused = np.arange(len(g)), course.excused
    from_exit = np.where(excused, still[row, np.minimum(course.place, course.intervals - 1)], 0.0)
    leaves = 1 - still[:, 0]
    ways = np.where(before, (1 - g) / (1 - h), 1.0) * np.where(event, g / np.where(event, h, 1.0), 1.0)
    weights = np.where(course.stayed, 0.0, ways.prod(axis=1) * (1 - from_exit) / leaves)
    later = excused[:, None] & ~before & (from_exit < 1)[:, None]
    odds = np.where(later, from_exit[:, None], 0.0) / np.where(later, 1 - from_exit[:, None], 1.0)
    policy = event * (1 - g) - before * g + odds * g - (still[:, 0] / leaves)[:, None] * g
    counts = ~course.stayed[:, None]
    return _Arm(weights, ((own, before * h - event * (1 - h)), (base, counts * policy)))


def _summarise(weights: Floats) -> CloneArm:
    counted = weights[weights > 0]
    return CloneArm(weights, counted.size, effective_sample_size(counted), float(counted.max() / counted.mean()))
