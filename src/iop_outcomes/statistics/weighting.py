"""Two groups compared after weighting: means, curves and mean times, the weights' own uncertainty carried through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .competing_risks import IncidenceCurves, aalen_johansen
from .curves import Curve
from .effect import Effect, form_effect, no_effect
from .estimating_equations import person_codes
from .intervals import FloatOrArray, Floats
from .life_table import Codes, check_rows
from .propensity import BalanceWeights, balance_weights

#: A share or time this near to none or all, beside all, is none or all but for rounding.
_ROUNDING = 1e-12


def weighted_effect(
    outcome: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    *,
    estimand: str = "ATO",
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Effect:
    """How far apart are the two groups' outcomes once weights have made the groups alike?

    The difference of weighted means, each divided by its sum of weights (Hájek). Standard errors come from the stacked
    equations of the score and the two means, people as clusters; taking the weights as known would mostly overstate
    them. What was not measured is not balanced.

    Args:
        outcome: (n) outcomes, none missing. All 0 or 1: they are shares, with intervals between 0 and 1.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None gives the crude difference.
        estimand: "ATO", "ATE", "ATT" or "ATC"; see ``balance_weights``.
        cluster: (n) the person each row belongs to; each row its own when left out. A person may be in both groups.
        conf_level: confidence level.

    Returns:
        Effect; ``nan`` with a ``reason`` where there are no weights.

    Raises:
        ValueError: as ``balance_weights``; if an outcome is missing, or the level not between 0 and 1.

    Source: Lunceford and Davidian (2004), doi:10.1002/sim.1903; Li, Morgan and Zaslavsky (2018).

    >>> group, worse = np.repeat([1, 0], 10), np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    >>> crude = weighted_effect(1.0 * worse + group, group, None)
    >>> fair = weighted_effect(1.0 * worse + group, group, worse[:, None])
    >>> round(crude.difference.value, 6), round(fair.difference.value, 6)
    (1.3, 1.0)
    """
    made = balance_weights(treated, covariates, estimand, cluster=cluster)
    people = person_codes(cluster, made.treated.size)
    y = np.asarray(outcome, float)
    if y.shape != made.treated.shape or not np.isfinite(y).all():
        raise ValueError("outcome must have one number a row, none missing: leave out or impute who is unknown.")
    method = f"weighted means ({estimand})"
    if made.reason:
        return no_effect(estimand, made.reason, people, y.size, conf_level, method)
    means, pulls = [], []
    for arm in (made.treated, ~made.treated):
        mass = arm * made.weights / (arm @ made.weights)
        means.append(mass @ y)
        pulls.append(mass * (y - means[-1]))
    carried = made.carry(np.column_stack(pulls))
    return form_effect(
        (means[0], means[1]),
        (carried[:, 0], carried[:, 1]),
        people,
        estimand=estimand,
        method=method,
        conf_level=conf_level,
        share=bool(np.isin(y, (0, 1)).all()),
    )


@dataclass(frozen=True, eq=False)
class WeightedCurves:
    """Incidence curves of two groups made alike by weights.

    ``treated`` and ``reference`` are for drawing: their own errors take the weights as known. ``at`` and ``mean_time``
    carry the weights' uncertainty through. ``reason`` is empty, or why there are no curves (then they are None).
    """

    treated: IncidenceCurves | None
    reference: IncidenceCurves | None
    weights: BalanceWeights
    conf_level: float
    reason: str
    cluster: Codes | None = field(repr=False)

    def at(self, days: ArrayLike, *causes: Any) -> Effect:
        """What share of either group had left for these causes by these days? Without a cause: was still in?

        Args:
            days: a day or an array of days, 0 or more.
            causes: none, or one or more causes taken together.

        Raises:
            ValueError: if a day is negative or missing, or a cause is unknown.
        """
        asked = np.asarray(days, float)
        return self._compare(
            causes, lambda curve: curve.at(days).value, lambda curve: curve.readings(asked), asked.shape, None
        )

    def mean_time(self, tau: float, *causes: Any) -> Effect:
        """How many of the first tau days did either group lose to these causes? Without a cause: spend still in?

        Args:
            tau: horizon in days, above 0.
            causes: none, or one or more causes taken together.

        Raises:
            ValueError: if tau is not above 0, or a cause is unknown.
        """
        if not tau > 0:
            raise ValueError(f"tau must be above 0 days; got {tau!r}.")
        return self._compare(causes, lambda curve: curve.area(tau), lambda curve: curve.widths(tau)[:, None], (), tau)

    def _compare(
        self, causes: tuple[Any, ...], read: Any, coefficients: Any, shape: tuple[int, ...], tau: float | None
    ) -> Effect:
        """Values read off both curves, and every row's pull on them."""
        made = self.weights
        method = f"weighted {'share' if tau is None else 'mean time'} ({made.estimand})"
        if self.treated is None or self.reference is None:
            return no_effect(made.estimand, self.reason, self.cluster, made.weights.size, self.conf_level, method)
        values: list[FloatOrArray] = []
        pulls: list[Floats] = []
        for arm, curves in ((made.treated, self.treated), (~made.treated, self.reference)):
            curve: Curve = curves.curve(*causes) if causes else curves.still_in
            readings = coefficients(curve)
            pull = np.zeros((arm.size, readings.shape[1]))
            pull[arm] = curves.influence.pulls(np.asarray(curve.coefficients), readings)
            value, settled = _settle(np.asarray(read(curve)), 1.0 if tau is None else tau)
            values.append(value)
            pulls.append(np.where(settled, 0.0, made.carry(pull).reshape(arm.size, *shape)))
        return form_effect(
            (values[0], values[1]),
            (pulls[0], pulls[1]),
            self.cluster,
            estimand=made.estimand,
            method=method,
            conf_level=self.conf_level,
            share=tau is None,
            most=tau,
        )


def _settle(value: Floats, most: float) -> tuple[Floats, NDArray[np.bool_]]:
    """The value with rounding taken off at 0 and at the most it can be, and where it was: nobody pulls on those."""
    nobody, everybody = np.abs(value) <= _ROUNDING * most, np.abs(value - most) <= _ROUNDING * most
    return np.where(nobody, 0.0, np.where(everybody, most, value)), nobody | everybody


def weighted_curves(
    time: ArrayLike,
    cause: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    *,
    estimand: str = "ATO",
    entry: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    causes: Sequence[Any] | None = None,
    conf_level: float = 0.95,
) -> WeightedCurves:
    """By when would either group have left, and for what, had the two groups been alike?

    Aalen–Johansen curves of each group under balancing weights. Standard errors are influence functions: each row's
    infinitesimal jackknife on its curve, plus its pull on the score through everybody's weights, added within people.
    Censoring must not depend on the covariates within a group.

    Args:
        time: (n) days to exit or to the end of watching, 0 or more.
        cause: (n) why the person left; 0, "" or None is still in (censored).
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None gives the crude curves.
        estimand: "ATO", "ATE", "ATT" or "ATC"; see ``balance_weights``.
        entry: (n) day after which the row was watched; 0 is admission.
        cluster: (n) the person each row belongs to; each row its own when left out. A person may be in both groups.
        causes: the causes in the order wanted; default: those present, sorted.
        conf_level: confidence level.

    Raises:
        ValueError: as ``balance_weights`` and ``aalen_johansen``.

    Source: Xie and Liu (2005), doi:10.1002/sim.2174, for weighted curves; the errors as in Lunceford and Davidian (2004).

    >>> group = np.repeat([1, 0], 10)
    >>> curves = weighted_curves(np.tile([5, 9, 14, 20, 30], 4), np.tile([1, 2, 1, 2, 0], 4), group, None)
    >>> share = curves.at(14, 1)
    >>> round(share.treated.value, 6), share.difference.value
    (0.4, 0.0)
    """
    made = balance_weights(treated, covariates, estimand, cluster=cluster)
    people = person_codes(cluster, made.treated.size)
    rows = check_rows(time, cause, entry=entry, causes=causes)
    if rows.exit.size != made.treated.size:
        raise ValueError("Every column needs one value for each row.")
    if made.reason:
        return WeightedCurves(None, None, made, conf_level, made.reason, people)

    def fit(arm: Any) -> IncidenceCurves:
        return aalen_johansen(
            np.asarray(time)[arm],
            np.asarray(cause)[arm],
            entry=None if entry is None else np.asarray(entry)[arm],
            weights=made.weights[arm],
            cluster=np.arange(arm.sum()),
            causes=rows.causes,
            conf_level=conf_level,
        )

    return WeightedCurves(fit(made.treated), fit(~made.treated), made, conf_level, "", people)
