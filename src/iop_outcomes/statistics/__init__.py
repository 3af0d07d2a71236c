"""Numbers in, numbers out: estimators on plain arrays, checked against R to nine decimals.

Nothing here knows what an episode, a dollar or a drug test is. Results are frozen dataclasses.
"""

from .accrual import Accrual, Followed, accumulated_mean, accumulated_ratio
from .agreement import clustered_kappa
from .answered import AnswerWeights, answer_weights, answered_effect
from .attribute_charts import Dispersion, PChart, dispersion_test, p_chart, p_prime_chart
from .balance import distribution_distances, standardised_difference, standardised_differences, variance_ratios
from .clone_censor import CloneArm, CloneEffect, CloneWeights, clone_weights
from .competing_risks import IncidenceCurves, aalen_johansen
from .curve_tests import CurveTest, gray_test, log_rank
from .curves import Curve, CurvePoints, IncidenceCurve, SurvivalCurve, curve_difference
from .decision import Acceptability, acceptability, expected_value_of_information
from .doubly_robust import doubly_robust_effect, standardised_effect
from .economics import (
    BreakEven,
    Increment,
    break_even_price,
    net_monetary_benefit,
    present_value,
    weighted_increment,
)
from .effect import Effect
from .fieller import FiellerSet, fieller_interval, fieller_ratio_of_sums
from .followed import JointMeans, PricedMeans, followed_increment, followed_weights, joint_means, priced_means
from .frontier import Frontier, efficiency_frontier
from .funnel import FunnelLimits, Overdispersion, design_effect, funnel_limits, overdispersion
from .imputation import Pooled, impute_binary, impute_numeric, pool_rubin
from .intervals import Estimate, Interval, independent_difference
from .margins import Margin, draw_inputs
from .mean import clustered_mean
from .mean_time import mean_time_difference, restricted_mean, restricted_mean_lost
from .missing import (
    Band,
    bounds,
    pool_shares,
    response_weighted_share,
    response_weights,
    tipping_point,
    tipping_share,
)
from .plane import QUADRANTS, PlaneShares, cost_effect_plane, name_quadrant
from .pooling import PartialPooling, partial_pooling, recovered_difference
from .power import SampleSize, people_for_difference, people_for_mean, people_for_share
from .process_control import ControlChart, XmrChart, xmr_chart
from .propensity import BalanceWeights, Overlap, balance_weights, effective_sample_size, overlap_share
from .proportion import clopper_pearson, clustered_proportion, newcombe_difference, wilson
from .rare_events import g_chart, t_chart
from .ratio import ratio_of_sums
from .regression import (
    LogisticFit,
    StandardisedShares,
    logistic_regression,
    standardised_shares,
    stratified_difference,
)
from .resampling import PersonBootstrap, ResampledEstimate, percentile_interval, person_bootstrap, resampled_estimate
from .reweighting import ReweightedBootstrap, reweighted_bootstrap
from .run_charts import RunChart, run_chart
from .scales import (
    SEGMENTS,
    ExpectedRegression,
    classify_change,
    expected_regression,
    is_case,
    recovered,
    reliable_change_points,
    score_items,
)
from .sensitivity import EValue, e_value
from .several_groups import ESTIMANDS_OF_SEVERAL, SeveralWeights, several_weights
from .standardisation import Calibration, RiskModel, calibrate, fit_risk, indirect_standardisation
from .survival import kaplan_meier
from .target import Realism, judge_target
from .tornado import Swing, Tornado, TwoWay, one_way_sensitivity, two_way_sensitivity
from .weighting import WeightedCurves, weighted_curves, weighted_effect

__all__ = [
    "ESTIMANDS_OF_SEVERAL",
    "QUADRANTS",
    "SEGMENTS",
    "Acceptability",
    "Accrual",
    "AnswerWeights",
    "BalanceWeights",
    "Band",
    "BreakEven",
    "Calibration",
    "CloneArm",
    "CloneEffect",
    "CloneWeights",
    "ControlChart",
    "Curve",
    "CurvePoints",
    "CurveTest",
    "Dispersion",
    "EValue",
    "Effect",
    "Estimate",
    "ExpectedRegression",
    "FiellerSet",
    "Followed",
    "Frontier",
    "FunnelLimits",
    "IncidenceCurve",
    "IncidenceCurves",
    "Increment",
    "Interval",
    "JointMeans",
    "LogisticFit",
    "Margin",
    "Overdispersion",
    "Overlap",
    "PChart",
    "PartialPooling",
    "PersonBootstrap",
    "PlaneShares",
    "Pooled",
    "PricedMeans",
    "Realism",
    "ResampledEstimate",
    "ReweightedBootstrap",
    "RiskModel",
    "RunChart",
    "SampleSize",
    "SeveralWeights",
    "StandardisedShares",
    "SurvivalCurve",
    "Swing",
    "Tornado",
    "TwoWay",
    "WeightedCurves",
    "XmrChart",
    "aalen_johansen",
    "acceptability",
    "accumulated_mean",
    "accumulated_ratio",
    "answer_weights",
    "answered_effect",
    "balance_weights",
    "bounds",
    "break_even_price",
    "calibrate",
    "classify_change",
    "clone_weights",
    "clopper_pearson",
    "clustered_kappa",
    "clustered_mean",
    "clustered_proportion",
    "cost_effect_plane",
    "curve_difference",
    "design_effect",
    "dispersion_test",
    "distribution_distances",
    "doubly_robust_effect",
    "draw_inputs",
    "e_value",
    "effective_sample_size",
    "efficiency_frontier",
    "expected_regression",
    "expected_value_of_information",
    "fieller_interval",
    "fieller_ratio_of_sums",
    "fit_risk",
    "followed_increment",
    "followed_weights",
    "funnel_limits",
    "g_chart",
    "gray_test",
    "impute_binary",
    "impute_numeric",
    "independent_difference",
    "indirect_standardisation",
    "is_case",
    "joint_means",
    "judge_target",
    "kaplan_meier",
    "log_rank",
    "logistic_regression",
    "mean_time_difference",
    "name_quadrant",
    "net_monetary_benefit",
    "newcombe_difference",
    "one_way_sensitivity",
    "overdispersion",
    "overlap_share",
    "p_chart",
    "p_prime_chart",
    "partial_pooling",
    "people_for_difference",
    "people_for_mean",
    "people_for_share",
    "percentile_interval",
    "person_bootstrap",
    "pool_rubin",
    "pool_shares",
    "present_value",
    "priced_means",
    "ratio_of_sums",
    "recovered",
    "recovered_difference",
    "reliable_change_points",
    "resampled_estimate",
    "response_weighted_share",
    "response_weights",
    "restricted_mean",
    "restricted_mean_lost",
    "reweighted_bootstrap",
    "run_chart",
    "score_items",
    "several_weights",
    "standardised_difference",
    "standardised_differences",
    "standardised_effect",
    "standardised_shares",
    "stratified_difference",
    "t_chart",
    "tipping_point",
    "tipping_share",
    "two_way_sensitivity",
    "variance_ratios",
    "weighted_curves",
    "weighted_effect",
    "weighted_increment",
    "wilson",
    "xmr_chart",
]
