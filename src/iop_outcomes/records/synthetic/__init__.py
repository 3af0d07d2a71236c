"""Synthetic records with known truth: two levels of care, three programmes, eight quarters, nobody real.

The mechanism in the order of its rooms: ``scenario`` (the agency), ``people`` (who comes and where they are placed),
``course`` (use and endings, day by day), ``sessions``, ``assessments``, ``scores`` and ``daily_life`` (what the records see
of it), ``tables`` (text), ``sample`` (the whole), ``stays``, ``causal`` and ``truth`` (what a complete record would show).
"""

from iop_outcomes.records.synthetic.sample import Sample, simulate_records, write_sample
from iop_outcomes.records.synthetic.truth import compute_truth, load_truth, true_value

__all__ = ["Sample", "compute_truth", "load_truth", "simulate_records", "true_value", "write_sample"]
