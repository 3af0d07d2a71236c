"""Retention, hours and sobriety figures of intensive outpatient programmes, and what may be published of them.

A first look, where ``data/sample`` is a folder of records::

    import iop_outcomes as iop

    records = iop.read_records("data/sample")
    cohort = iop.select_cohort(records, level_of_care="2.1")
    kept = iop.measure_retention(cohort, at=[30, 60, 90], by="schedule")
    iop.write_table(iop.publish(kept), "retention.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Public word → the module it lives in; loaded on first use, so that importing the package is fast.
_HOMES: dict[str, str] = {
    "read_records": "records.loading",
    "write_set_aside": "records.loading",
    "write_templates": "records.templates",
    "simulate_records": "records.synthetic",
    "write_sample": "records.synthetic",
    "Records": "records.model",
    "select_cohort": "cohort",
    "Cohort": "cohort",
    "Estimates": "estimates",
    "measure_retention": "measures.retention",
    "measure_endings": "measures.retention",
    "compare_retention": "measures.retention_contrasts",
    "measure_sensitivity": "measures.retention_contrasts",
    "measure_pathways": "measures.pathways",
    "measure_hours": "measures.hours",
    "measure_attendance": "measures.attendance",
    "measure_milestones": "measures.sobriety",
    "measure_abstinence": "measures.followup",
    "measure_use_days": "measures.use_days",
    "measure_roles": "measures.roles",
    "measure_landmark": "measures.landmark",
    "measure_change": "measures.wellbeing",
    "measure_people": "measures.people",
    "compare_people": "measures.people",
    "compare_attendance": "measures.attendance_contrasts",
    "measure_completeness": "measures.people",
    "measure_by_period": "measures.quarters",
    "measure_by_site": "measures.sites",
    "measure_by_group": "measures.groups",
    "load_library": "measures.library",
    "compare_levels": "comparison.effectiveness",
    "compare_endings": "comparison.endings",
    "compare_durations": "comparison.duration",
    "DurationProtocol": "comparison.duration",
    "Protocol": "comparison.protocol",
    "measure_costs": "comparison.cost",
    "assess_cost_effectiveness": "comparison.cost_effectiveness",
    "assess_frontier": "comparison.level_frontier",
    "convert_dollars": "comparison.prices",
    "load_benchmarks": "comparison.benchmarks",
    "compare_benchmarks": "comparison.benchmarks",
    "list_trials": "comparison.trials",
    "test_claims": "comparison.claims",
    "load_claims": "comparison.claims",
    "publish": "publication.gate",
    "Published": "publication.published",
    "write_html": "publication.html",
    "write_table": "publication.html",
    "write_csv": "publication.export",
    "draw_endings": "publication.figures.endings",
    "draw_calendar": "publication.figures.calendar",
    "draw_milestones": "publication.figures.milestones",
    "draw_followup": "publication.figures.followup",
    "draw_hours_ladder": "publication.figures.hours",
    "draw_weekly_attendance": "publication.figures.attendance",
    "draw_xmr": "publication.figures.control",
    "draw_attrition": "publication.figures.attrition",
    "draw_change": "publication.figures.change",
    "draw_completeness": "publication.figures.completeness",
    "draw_roles": "publication.figures.roles",
    "draw_funnel": "publication.figures.funnel",
    "draw_equity": "publication.figures.equity",
    "draw_plane": "publication.figures.plane",
    "draw_acceptability": "publication.figures.acceptability",
    "draw_tornado": "publication.figures.tornado",
    "draw_two_way": "publication.figures.two_way",
    "draw_trials": "publication.figures.trials",
    "draw_claims": "publication.figures.claims",
    "draw_effect": "publication.figures.effect",
    "draw_endings_by_level": "publication.figures.level_endings",
    "draw_love": "publication.figures.love",
    "draw_overlap": "publication.figures.love",
    "write_quarterly": "reports.quarterly",
    "write_factsheet": "reports.factsheet",
}

__all__ = ["__version__", "statistics", *_HOMES]

if TYPE_CHECKING:
    from iop_outcomes import statistics


def __getattr__(name: str) -> Any:
    """Load a public word when it is first asked for."""
    if name == "statistics":
        return import_module("iop_outcomes.statistics")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'iop_outcomes' has no attribute {name!r}")
    value = getattr(import_module(f"iop_outcomes.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public words."""
    return sorted(__all__)
