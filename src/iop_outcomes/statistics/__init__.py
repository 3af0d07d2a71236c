"""Numbers in, numbers out: estimators on plain arrays, checked against R to nine decimals.

Nothing here knows what an episode, a dollar or a drug test is. Results are frozen dataclasses.
"""

from .agreement import clustered_kappa
from .balance import standardised_difference
from .competing_risks import IncidenceCurves, aalen_johansen
from .curve_tests import CurveTest, gray_test, log_rank
from .curves import Curve, CurvePoints, IncidenceCurve, SurvivalCurve
from .intervals import Estimate, Interval, independent_difference
from .mean_time import restricted_mean, restricted_mean_lost
from .process_control import XmrChart, xmr_chart
from .proportion import clopper_pearson, clustered_proportion, newcombe_difference, wilson
from .ratio import ratio_of_sums
from .survival import kaplan_meier

__all__ = [
    "Curve",
    "CurvePoints",
    "CurveTest",
    "Estimate",
    "IncidenceCurve",
    "IncidenceCurves",
    "Interval",
    "SurvivalCurve",
    "XmrChart",
    "aalen_johansen",
    "clopper_pearson",
    "clustered_kappa",
    "clustered_proportion",
    "gray_test",
    "independent_difference",
    "kaplan_meier",
    "log_rank",
    "newcombe_difference",
    "ratio_of_sums",
    "restricted_mean",
    "restricted_mean_lost",
    "standardised_difference",
    "wilson",
    "xmr_chart",
]
