"""Why people left and by when: cumulative incidence of each cause, with "still in" the remainder.

One minus Kaplan–Meier with the other causes censored is not offered: it answers a question about a world in which
the other endings do not exist, and its parts add to more than 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .curves import CurvePoints, IncidenceCurve, SurvivalCurve, curve_limits
from .influence import Influence, measure_influence
from .intervals import Floats
from .life_table import check_rows, followed_to, tabulate
from .survival import before, product_limit


@dataclass(frozen=True, eq=False)
class IncidenceCurves:
    """The cumulative incidence of every cause, and who is still in; on each day they add to 1.

    ``time`` (T) · ``causes`` (C labels) · ``at_risk``, ``censored`` (T) and ``events`` (T × C) weighted counts ·
    ``incidence``, ``std_error``, ``low``, ``high`` (T × C) · ``still_in`` the remainder as a curve of its own.
    """

    time: Floats
    causes: tuple[Any, ...]
    at_risk: Floats
    events: Floats
    censored: Floats
    incidence: Floats
    std_error: Floats
    low: Floats
    high: Floats
    still_in: SurvivalCurve
    conf_level: float
    conf_type: str
    method: str
    influence: Influence = field(repr=False)

    def curve(self, *causes: Any) -> IncidenceCurve:
        """By when had people left for this cause, or for any of these causes together?

        Args:
            causes: one or more of ``self.causes``; their incidences are added, with the right error for the sum.

        Raises:
            ValueError: if no cause is named, one is named twice, or one is not among ``self.causes``.
        """
        if not causes or len(set(causes)) != len(causes):
            raise ValueError("Name at least one cause, each once.")
        for cause in causes:
            if cause not in self.causes:
                raise ValueError(f"{cause!r} is not one of the causes: {', '.join(map(str, self.causes))}.")
        picked = np.array([1.0 if cause in causes else 0.0 for cause in self.causes])
        if len(causes) == 1:
            std_error = self.std_error[:, self.causes.index(causes[0])]
        else:
            std_error = np.sqrt(self.influence.variances(picked))
        value = self.incidence @ picked
        low, high = curve_limits(value, std_error, self.conf_level, self.conf_type)
        return IncidenceCurve(
            time=self.time,
            at_risk=self.at_risk,
            events=self.events @ picked,
            censored=self.censored,
            value=value,
            std_error=std_error,
            low=low,
            high=high,
            start=0.0,
            followed_to=self.still_in.followed_to,
            conf_level=self.conf_level,
            conf_type=self.conf_type,
            method=self.method,
            influence=self.influence,
            coefficients=picked,
        )

    def at(self, days: ArrayLike, *causes: Any) -> CurvePoints:
        """What share had left for these causes by these days? Without a cause: what share was still in?

        Args:
            days: a day or an array of days.
            causes: none, or one or more of ``self.causes`` taken together.

        Raises:
            ValueError: as ``curve`` and ``Curve.at``.
        """
        return (self.curve(*causes) if causes else self.still_in).at(days)


def aalen_johansen(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    causes: Sequence[Any] | None = None,
    conf_level: float = 0.95,
    conf_type: str = "log-log",
) -> IncidenceCurves:
    """What share had left by each day for each reason, everyone counted?

    Standard errors are the infinitesimal jackknife, summed within people when ``cluster`` is given: those of R's
    ``survfit(Surv(time, factor(cause)) ~ 1)``. Intervals are formed on each incidence by itself.

    Args:
        time: (n) days to exit or to the end of watching, 0 or more; ties are kept.
        cause: (n) why the person left: numbers or text; 0, "" or None is still in (censored).
        entry: (n) day after which the row was watched (delayed entry); 0 is admission, day 0 included.
            Where nobody is in view before others enter, the curves say nothing from there on (``followed_to``).
        weights: (n) sampling or balancing weights.
        counts: (n) people each row stands for, when rows are already tallied.
        cluster: (n) the person each row belongs to.
        causes: the causes in the order wanted, one that nobody had included; default: those present, sorted.
        conf_level: confidence level.
        conf_type: "log-log", "log" or "plain".

    Returns:
        IncidenceCurves over the distinct days, shares between 0 and 1.

    Raises:
        ValueError: if the rows are impossible (see ``check_rows``), nobody left and no ``causes`` are given, or the
            type is unknown.

    Source: Aalen and Johansen (1978); Andersen, Borgan, Gill and Keiding (1993), section IV.4.

    >>> curves = aalen_johansen([7, 7, 7, 14, 14, 14, 21, 21, 28, 28], [1, 2, 2, 1, 1, 2, 2, 0, 1, 0])
    >>> curves.incidence.round(3).tolist()
    [[0.1, 0.2], [0.3, 0.3], [0.3, 0.4], [0.45, 0.4]]
    >>> curves.still_in.survival.round(3).tolist()
    [0.7, 0.4, 0.3, 0.15]
    """
    rows = check_rows(time, cause, entry=entry, weights=weights, counts=counts, cluster=cluster, causes=causes)
    if not rows.causes:
        raise ValueError("Nobody left: name the causes to follow with causes=.")
    table = tabulate(rows)
    survival = product_limit(table)
    risk = np.where(table.at_risk > 0, table.at_risk, 1.0)
    incidence = np.cumsum((before(survival) / risk)[:, None] * table.events, axis=0)
    influence = measure_influence(rows, table, before(survival))
    each = np.eye(len(rows.causes))
    std_error = np.sqrt(np.stack([influence.variances(one) for one in each], axis=1))
    low, high = curve_limits(incidence, std_error, conf_level, conf_type)
    people = ", people as clusters" if cluster is not None else ""
    late = ", delayed entry" if entry is not None else ""
    method = f"Aalen–Johansen, infinitesimal jackknife{people}{late}, {conf_type} interval"
    remainder = -each.sum(axis=0)
    still_error = np.sqrt(influence.variances(remainder))
    still_low, still_high = curve_limits(survival, still_error, conf_level, conf_type)
    still_in = SurvivalCurve(
        time=table.time,
        at_risk=table.at_risk,
        events=table.exits,
        censored=table.censored,
        value=survival,
        std_error=still_error,
        low=still_low,
        high=still_high,
        start=1.0,
        followed_to=followed_to(rows, table),
        conf_level=conf_level,
        conf_type=conf_type,
        method=method,
        influence=influence,
        coefficients=remainder,
    )
    return IncidenceCurves(
        time=table.time,
        causes=rows.causes,
        at_risk=table.at_risk,
        events=table.events,
        censored=table.censored,
        incidence=incidence,
        std_error=std_error,
        low=low,
        high=high,
        still_in=still_in,
        conf_level=conf_level,
        conf_type=conf_type,
        method=method,
        influence=influence,
    )
