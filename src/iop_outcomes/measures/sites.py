"""One share, site by site, beside the limits that chance alone allows a site of its size (docs/methods/charts.md).

Sites are listed by name and never ranked. Limits are exact binomial ones on the effective number of units: where a
person gives several weeks or sessions, or comes twice, a site rests on fewer independent units than it has rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, Estimates
from iop_outcomes.measures.case_mix import adjust_sites, check_covariates
from iop_outcomes.measures.rows import Group, Row
from iop_outcomes.measures.shares import Count, Share, choose_share, count_share, share_row
from iop_outcomes.statistics import FunnelLimits, Overdispersion, design_effect, funnel_limits, overdispersion

#: Group column of a site, as the programmes table labels it.
SITE = "program"
#: Fewer sites than this and a funnel says little.
FEW_SITES = 5
#: Fewest sites from which the spread between them is estimated, and limits are widened for it.
DISPERSION_FROM = 10
LEVELS: tuple[float, ...] = (0.95, 0.998)
_NAMES: tuple[str, ...] = ("95", "99.8")
_POINTS = 24


def measure_by_site(
    cohort: Cohort, what: str = "retained", *, at: int = 42, adjust: Sequence[str] | None = None
) -> Estimates:
    """Does a site differ by more than its size explains?

    ``what`` is one of ``retained`` and ``lost_early`` (by day ``at``, among episodes followed to it), ``requirement_met``
    (weeks) and ``no_show`` (sessions). Rows of the share's own definition:

    * ``proportion`` for everyone and each site; a site's note says where it lies ("signal" only beyond 99.8 %);
    * ``limit`` of each site (categories ``lower_95``, ``upper_95``, ``lower_99.8``, ``upper_99.8``), and for everyone
      (by ``all``) on a grid for drawing, where ``at`` is the number of units;
    * with ten sites or more that vary by more than chance, the same with ``_adjusted``: additive over-dispersion;
    * ``p_value`` of sites all alike, and ``diagnostic`` rows ``design_effect``, ``dispersion`` and ``between_site_sd``
      (by ``program``, group ``all``; the last two from ten sites).

    With ``adjust``, columns known at admission (for figures counted by episode): ``standardised_ratio``, observed over
    expected with Byar's limits, and the calibration of the model that expects (see :mod:`.case_mix`).

    Raises :class:`UsageError` for a word or column it does not know.
    """
    columns = check_covariates(cohort, adjust)
    share = choose_share(cohort, what, at, [SITE, *columns])
    if columns and not share.per_episode:
        raise UsageError("adjust is for what is counted by episode: retained and lost_early")
    (everyone,), sites = count_share(share), count_share(share, SITE)
    known = [site for site in sites if site.units > 0 and site.group.group is not None]
    rows = [share_row(share, everyone, _said_of_all(len(known)))]
    if len(known) < 2 or everyone.events in (0, everyone.units) or everyone.known == 0:
        return Estimates.from_rows([*rows, *(share_row(share, site) for site in sites)], cohort.settings)
    effect = _design_effect(known)
    spread = overdispersion([site.events for site in known], [site.units for site in known], design_effect=effect)
    funnel = _Funnel(everyone.events / everyone.units, effect, spread if len(known) >= DISPERSION_FROM else None)
    rows += [share_row(share, site, funnel.place(site, share.better) if site in known else None) for site in sites]
    rows += _site_limits(share, known, funnel)
    rows += _grid(share, everyone, funnel)
    rows += _diagnostics(share, everyone, funnel, spread, len(known))
    if columns:
        rows += adjust_sites(share, SITE, columns)
    return Estimates.from_rows(rows, cohort.settings)


class _Funnel:
    """Limits at any number of units, for one target, design effect and (where it can be known) spread between sites."""

    def __init__(self, target: float, effect: float, spread: Overdispersion | None) -> None:
        self.target, self.effect, self.spread = target, effect, spread
        self.widened = spread is not None and spread.tau2 > 0

    def limits(self, units: Sequence[float]) -> dict[str, FunnelLimits]:
        """By suffix of the category: none for exact limits, ``_adjusted`` for those widened by the spread."""
        effective = np.floor(np.asarray(units) / self.effect)
        found = {"": funnel_limits(effective, self.target, levels=LEVELS)}
        if self.widened:
            found["_adjusted"] = funnel_limits(
                effective, self.target, levels=LEVELS, kind="additive", dispersion=self.spread
            )
        return found

    def rows(self, units: Sequence[float]) -> Iterator[tuple[int, Row]]:
        """Place and columns of every limit at these numbers of units."""
        words = "" if self.effect == 1 else ", on the effective number of units (people as clusters)"
        for suffix, limits in self.limits(units).items():
            for level, name in enumerate(_NAMES):
                for side, edges in (("lower", limits.lower), ("upper", limits.upper)):
                    for place in range(len(units)):
                        value = float(edges[level, place])
                        if np.isfinite(value):
                            category = f"{side}_{name}{suffix}"
                            yield place, {"category": category, "value": value, "method": limits.method + words}

    def place(self, site: Count, better: str) -> str:
        """Where a site lies, in words; a signal only beyond the outer limits that hold for it."""
        share = site.events / site.units
        words = []
        for suffix, limits in self.limits([site.units]).items():
            outside = (share < limits.lower[:, 0] - 1e-12) | (share > limits.upper[:, 0] + 1e-12)
            beyond = [name for name, out in zip(_NAMES, outside, strict=True) if out]
            wider = ", widened for the spread between sites" if suffix else ""
            words.append(f"outside the {beyond[-1]}% limits{wider}" if beyond else f"inside the 95% limits{wider}")
        if bool(outside[-1]) and better != "neutral":
            words.append("signal: better" if (share > self.target) == (better == "up") else "signal: worse")
        return "; ".join(words)


def _said_of_all(sites: int) -> str | None:
    if sites == 1:
        return "one site: nothing to compare"
    return f"{sites} sites: a funnel of so few says little" if sites < FEW_SITES else None


def _design_effect(sites: list[Count]) -> float:
    moments = ("sum_y", "sum_x", "sum_yy", "sum_xy", "sum_xx", "clusters")
    return design_effect(*([site.line[name] for site in sites] for name in moments))


def _base(count: Count) -> Row:
    return {"denominator": count.units, "people": count.line["clusters"]}


def _site_limits(share: Share, sites: list[Count], funnel: _Funnel) -> Iterator[Row]:
    for place, columns in funnel.rows([site.units for site in sites]):
        site = sites[place]
        yield site.group.row(share.definition, "funnel_limit", at=share.at, **_base(site), **columns)


def _grid(share: Share, everyone: Count, funnel: _Funnel) -> Iterator[Row]:
    """Limits from five effective units to a round number beyond everyone's: no size is anybody's count."""
    most = max(everyone.units, 10 * funnel.effect)
    step = 10.0 ** (np.floor(np.log10(most)) - 1)
    sizes = np.unique(np.round(np.geomspace(5 * funnel.effect, step * (np.floor(most / step) + 1), _POINTS)))
    for place, columns in funnel.rows(sizes.tolist()):
        yield Group().row(share.definition, "funnel_limit", at=sizes[place], **columns)


def _diagnostics(share: Share, everyone: Count, funnel: _Funnel, spread: Overdispersion, sites: int) -> Iterator[Row]:
    group = Group(SITE, ALL, {"at": share.at, **_base(everyone)})
    test = f"chi-squared for {sites} sites all alike, {spread.df} degrees of freedom"
    yield group.row(
        share.definition, "p_value", category=share.category, value=spread.p_value, unit="probability", method=test
    )
    numbers = [("design_effect", funnel.effect, "person-clustered over binomial variance, within sites")]
    if funnel.spread is not None:
        numbers.append(("dispersion", spread.phi, "mean square of z-scores, 10% winsorised at each end"))
        numbers.append(("between_site_sd", float(np.sqrt(spread.tau2)), "DerSimonian-Laird on winsorised z-scores"))
    for name, value, method in numbers:
        yield group.row(share.definition, "diagnostic", category=name, value=value, unit="number", method=method)
    if funnel.spread is None:
        note = f"fewer than {DISPERSION_FROM} sites"
        for name in ("dispersion", "between_site_sd"):
            yield group.row(
                share.definition, "diagnostic", category=name, unit="number", status="not_estimable", note=note
            )
