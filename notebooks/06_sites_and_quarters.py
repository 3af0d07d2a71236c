# %% [markdown]
# # Sites and quarters
#
# Do sites, groups of people or months differ by more than chance explains?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
import numpy as np
from iop_outcomes.statistics import funnel_limits, overdispersion, partial_pooling
from matplotlib.figure import Figure
from showing import draw, lay_out, number, say, show_svg, table

records = iop.read_records("../data/sample")
cohort = iop.select_cohort(records, level_of_care="2.1")
SITE, DAY = "program", 42


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## What does chance alone do to a league table?
#
# Twenty made-up sites that are **all the same**: six in ten people are still there, or have completed, by six weeks. Ranked, the
# first and the last look far apart. Drawn against their size, nearly all lie inside the funnel: small sites vary more.

# %%
rng = np.random.default_rng(6)
units = np.sort(rng.integers(10, 120, 20))
events = rng.binomial(units, 0.6)
share = events / units
sizes = np.arange(8, 130)
limits = funnel_limits(sizes, events.sum() / units.sum())
figure = Figure(figsize=(7.2, 3.0), layout="constrained")
ranked, funnel = figure.subplots(1, 2, sharey=True)
ranked.bar(range(20), np.sort(share), color="#8a939e")
ranked.set_xticks([])
ranked.set_xlabel("Made-up sites in order of their share", fontsize=8)
for level, line in enumerate(("-", (0, (4, 3)))):
    funnel.plot(sizes, limits.lower[level], sizes, limits.upper[level], color="#55606e", linestyle=line)
funnel.scatter(units, share, facecolor="white", edgecolor="#1c2430", zorder=3)
funnel.axhline(limits.target, color="#55606e", linewidth=0.8)
funnel.set_xlabel("People at the site. Lines: 95% and 99.8% limits", fontsize=8)
funnel.set_ylim(0, 1)
show_svg(figure, "Left, twenty made-up sites in order; right, the same sites in a funnel, nearly all inside its limits.")

# %%
say(f"The made-up sites run from **{share.min():.0%}** to **{share.max():.0%}**, and every one of them is a 60% site.")

# %% [markdown]
# The limits are exact: binomial probabilities, interpolated between whole counts. About one site in twenty lies outside the 95%
# limits by chance, one in five hundred outside the 99.8% limits. Only the outer limits are called a signal.
#
# ## Do our two sites differ?
#
# Counted among episodes followed for six weeks, so that nobody is called retained for days that have not happened. With two
# sites a funnel says little: each makes up half of the figure it is held against.

# %%
kept = internal(iop.measure_by_site(cohort, "retained", at=DAY, adjust=("severity", "days_used_30", "employment")))
draw(iop.draw_funnel, kept.where(by=["all", SITE], estimand=["proportion", "funnel_limit"]))

# %%
table(kept, down="group", value="In programme or completed by day 42", estimand="proportion", by=["all", SITE])

# %% [markdown]
# ## A person's weeks are not independent weeks
#
# Weeks and sessions are counted in thousands, but they belong to a few hundred people. The design effect says how many times
# more a site's share varies than as many independent weeks would; the limits are drawn for the effective number.

# %%
weeks = internal(iop.measure_by_site(cohort, "requirement_met"))
missed = internal(iop.measure_by_site(cohort, "no_show"))
draw(iop.draw_funnel, weeks, "Weeks that met the weekly hours")
lay_out(
    ["", "Units", "People", "Design effect"],
    [
        (words, f"{row['denominator']:,.0f}", f"{row['people']:,.0f}", number(rows, category="design_effect"))
        for words, rows in (("Weeks that met the weekly hours", weeks), ("Sessions missed without notice", missed))
        for row in rows.where(estimand="proportion", by="all").rows()
    ],
)

# %% [markdown]
# ## What if sites really do have levels of their own?
#
# With ten sites or more the spread between them can be judged. Fourteen made-up sites with levels of their own (standard
# deviation 10 points): held against limits that allow for chance only, many look like exceptions. Limits widened for the
# spread between sites (over-dispersion) keep the word for what stands out even among these.

# %%
units = rng.integers(40, 300, 14)
events = rng.binomial(units, np.clip(0.6 + 0.1 * rng.standard_normal(14), 0, 1))
spread = overdispersion(events, units)
lines = []
for words, kind in (("Chance only", "exact"), ("Widened, additive", "additive"), ("Widened, multiplicative", "multiplicative")):
    found = funnel_limits(units, spread.target, kind=kind, dispersion=None if kind == "exact" else spread)
    outside = (events / units < found.lower) | (events / units > found.upper)
    lines.append((words, *(f"{count} of 14" for count in outside.sum(axis=1))))
lay_out(["Made-up sites outside the limits", "95%", "99.8%"], lines)

# %% [markdown]
# ## Would the same people have stayed as long at the other site?
#
# A model of both sites together gives each episode its chance, from severity, days of use and employment at admission. Observed
# over expected is 1 where a site does what would be expected of its people. It is an association: what was not recorded is not
# adjusted for.

# %%
table(kept, down="group", value="Observed over expected", estimand="standardised_ratio")

# %% [markdown]
# Can the model be believed? It is checked on people left out of it in turn. A slope of 1 is right; under 1 the chances it gives
# are too far apart. The c statistic is the chance that of two people it ranks the right one higher: 0.5 is a coin.

# %%
names = {
    "calibration_intercept": "Calibration in the large (0 is right)", "calibration_slope": "Calibration slope (1 is right)",
    "concordance": "c statistic", "brier": "Mean squared error",
}  # fmt: skip
table(kept, down="category", value="On people left out", category=list(names), names=names)

# %%
fifths = kept.where(by="expected_fifth")
lay_out(
    ["Fifth of rising chance", "Observed", "Expected"],
    [
        (fifth, *(number(fifths, group=fifth, category=f"calibration_{side}") for side in ("observed", "expected")))
        for fifth in "12345"
    ],
)

# %% [markdown]
# ## Do some groups of people fare differently?
#
# Each group against everyone else. The more groups are looked at, the further the outermost lies by chance alone. Partial pooling
# draws every difference towards none by what all comparisons together show, the more so the fewer people it rests on.

# %%
groups = internal(iop.measure_by_group(cohort, "retained", at=DAY))
draw(iop.draw_equity, groups)

# %%
(counted,) = groups.where(category="comparisons").rows()
say(f"**{counted['value']:.0f} comparisons**: {counted['note']}.")

# %% [markdown]
# How much that matters: sixteen made-up groups without any true difference, and what is left of the outermost.

# %%
errors = rng.uniform(0.04, 0.12, 16)
seen = errors * rng.standard_normal(16)
pooled = partial_pooling(seen, errors, centre=0.0, method="integrated")
last = int(np.argmax(np.abs(seen)))
say(
    f"The outermost made-up group lies **{100 * seen[last]:+.0f} points** from everyone else; partially pooled, "
    f"**{100 * pooled.values[last]:+.0f}** ({100 * pooled.low[last]:.0f} to {100 * pooled.high[last]:.0f})."
)

# %% [markdown]
# ## Does a difference between sites last?
#
# A difference that is there month after month says more than one large figure. Months, not quarters: a quarter hides when a
# change began. Each site on its own chart.

# %%
for site, words in (("syn-day-iop", "day"), ("syn-evening-iop", "evening")):
    own = iop.select_cohort(records, level_of_care="2.1", programs=[site])
    months = internal(iop.measure_by_period(own, "requirement_met", chart="xmr"))
    draw(iop.draw_xmr, months, f"Weeks that met the weekly hours, {words} programme, by month in which they began")
