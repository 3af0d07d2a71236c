# %% [markdown]
# # Staying and leaving
#
# Who stays, who completes, who leaves and why? And which two common calculations mislead?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
import pandas as pd
from iop_outcomes.vocabulary import EndReason
from showing import draw, lay_out, number, say, table

records = iop.read_records("../data/sample")
cohort = iop.select_cohort(records, level_of_care="2.1")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## How do episodes end?
#
# Day 0 is the day of admission. The planned course is 8 weeks, 56 days. A person leaves on the day of the last contact (see
# the end of this notebook for the other rule). Whoever is still in the programme when the extract is made counts up to that
# day and not beyond.

# %%
endings = internal(iop.measure_endings(cohort))
draw(iop.draw_endings, endings)

# %% [markdown]
# ## How many are still here?
#
# *In the programme* counts who is still coming; *in the programme or completed* does not punish a programme for finishing
# its work; *left before completing* is people who stopped coming or whose stay the programme ended. Ranges are 95 %
# intervals.

# %%
retention = internal(iop.measure_retention(cohort, at=[7, 14, 30, 42, 60, 90], by="schedule"))
shares = ["in_programme@1", "retained@1", "lost_early@1"]
table(retention, down="at", across="definition", definition=shares, by="all")

# %% [markdown]
# Ninety days is a common marker. For outpatient care the evidence that passing it *causes* better outcomes is weak (Simpson
# 1997 found it inconclusive), so read it as a marker, not a target.

# %% [markdown]
# ## Mistake one: one minus Kaplan–Meier for each ending
#
# A tempting way to get "the share who completed" is a Kaplan–Meier curve in which everybody who ended otherwise is
# censored. It answers a question nobody asked: how many would complete *if nobody could leave in any other way*? Done for
# each ending in turn, the shares add to far more than 100 %.
#
# The right shares (Aalen–Johansen, which lets the endings compete) stand beside it. The package does not offer the wrong
# ones, so they are worked out here by hand. A number of your own takes the same tidy form as any other and goes through
# `publish` like any other.

# %%
DAY = 63
stays = cohort.episodes.select("exit_day", "end_reason").collect("pandas").to_native()
curves = {
    reason: iop.statistics.kaplan_meier(stays["exit_day"], stays["end_reason"] == reason)
    for reason in EndReason.codes()
}
naive = internal(iop.Estimates.from_rows(
    [{"measure": "endings", "definition": "one_minus_km", "estimand": "cumulative_incidence",
      "category": reason, "at": DAY, "value": 1 - float(curve.at(DAY).value)}
     for reason, curve in curves.items()],
    cohort.settings,
))
right = endings.where(definition="ending@1", at=DAY)

# %%
lines = [
    (words, number(right, category=reason), number(naive, category=reason))
    for reason, words in EndReason.labels().items()
]
inside = right.value(category="in_programme")
lines.append(("Still in programme", f"{inside:.0%}", f"{inside:.0%}"))
total = right.frame["value"].sum(), naive.frame["value"].sum() + inside
lines.append(("**Together**", *(f"**{share:.0%}**" for share in total)))
lay_out([f"By day {DAY}", "Endings compete (right)", "One minus Kaplan–Meier (wrong)"], lines)

# %% [markdown]
# The more people leave before completing, the more the wrong figure for completing is inflated: it fills the places of
# people who left with people who stayed.

# %% [markdown]
# ## Mistake two: only those who completed
#
# People who completed stayed long and attended much, by definition. Asking only them describes who was left, not what the
# programme gave. The denominator ladder shows the same figures at each rung. The default rung is *attended*; the last one is
# never a headline.

# %%
rungs = {
    "Everyone admitted": "admitted",
    "Attended a session": "attended",
    "Engaged (4 sessions in 14 days)": "engaged",
    "Completed": "completed",
}
lines = []
for words, rung in rungs.items():
    ladder = iop.select_cohort(records, level_of_care="2.1", rung=rung)
    found = internal(iop.measure_retention(ladder, at=[42], tau=56))
    lines.append((
        words,
        f"{found.where(definition='retained@1').frame['denominator'].iloc[0]:,.0f}",
        number(found, definition="retained@1"),
        number(found, definition="lost_early@1"),
        number(found, definition="mean_days_in_programme@1"),
    ))  # fmt: skip
lay_out(["Counted", "Episodes", "In programme or completed, day 42", "Left before completing, day 42",
         "Mean days of 56"], lines)  # fmt: skip

# %% [markdown]
# *Engaged* looks better than *attended* for the same reason, more quietly: whoever left in the first days cannot be in it.

# %% [markdown]
# ## How long do people stay?
#
# The mean of recorded stays leaves out people who are still here or counts them as if they had left. The restricted mean
# does neither: it is the area under the curve up to the planned 56 days. The days not spent in the programme are split
# by the ending that took them, so the lines add to 56.

# %%
means = retention.where(definition=["mean_days_in_programme@1", "mean_days_lost@1"], by="all")
table(means.where(definition="mean_days_in_programme@1"), down="definition", value="Days")
table(means.where(definition="mean_days_lost@1"), down="category", value="Days lost to")
say(f"Together: {means.frame['value'].sum():.1f} days.")

# %% [markdown]
# The few days "lost" to completing belong to people whose last session came shortly before day 56. The median stay is read
# from the same curve:

# %%
table(retention, down="group", value="Median stay", definition="median_stay@1")

# %% [markdown]
# ## Does it differ by schedule?
#
# Day and evening people chose their schedule, and those who work choose the evening more often. What follows is
# *described*: it does not say what the schedule does.

# %%
grouped = internal(iop.measure_endings(cohort, by="schedule"))
for schedule in ("day", "evening"):
    say(f"**{schedule.capitalize()}**")
    draw(iop.draw_endings, grouped.where(group=schedule))

# %%
table(retention, down="definition", across="group", definition=shares, at=42)
table(retention, down="definition", across="group", definition="mean_days_in_programme@1")

# %% [markdown]
# When the ranges of two groups overlap this much, the records do not tell the groups apart.

# %% [markdown]
# ## Do people come back after completing?
#
# Printed beside completion, so that discharging people early cannot look good. The window is 180 days; an admission within
# 14 days of the last exit is the next step of the same pathway, not a return.

# %%
again = retention.where(definition="re_presentation@1")
table(again, down="group", value="Readmitted within 180 days")
waiting = again.where(by="all").frame["n_missing"].iloc[0]
say(f"{waiting:,.0f} people who completed have not yet been watched for the whole 180 days.")

# %% [markdown]
# ## What if we counted until the recorded discharge?
#
# Somebody who stops coming is often discharged weeks later. The default exit day is the last contact; the recorded
# discharge is the other rule. The rule changes the figures, so it is printed with them.

# %%
lines = []
for words, rule in (("Last contact", "last_contact"), ("Recorded discharge", "discharge")):
    other = iop.select_cohort(records, level_of_care="2.1", exit_rule=rule)
    found = internal(iop.measure_retention(other, at=[14, 42], tau=56))
    lines.append((
        words,
        number(found, definition="lost_early@1", at=14),
        number(found, definition="lost_early@1", at=42),
        number(found, definition="mean_days_in_programme@1"),
    ))  # fmt: skip
lay_out(["Exit day", "Left before completing, day 14", "… day 42", "Mean days of 56"], lines)

# %% [markdown]
# ## Does the sample tell the truth?
#
# Because these records are made up, the truth is known: what a large population of the same mechanism, followed to the
# end, would show. With real records nobody can draw this table.

# %%
truth = pd.read_csv("../data/sample/truth.csv", dtype={"level_of_care": str})
truth = truth[
    (truth["population"] == "attended") & (truth["level_of_care"] == "2.1")
    & (truth["exit_rule"] == "last_contact") & (truth["at"] == 42)
].set_index("definition")["value"]  # fmt: skip
lines = []
for row in retention.where(definition=shares, at=42, by="all").rows():
    low, high = row["ci_low"], row["ci_high"]
    known = truth[row["definition"]]
    inside = "yes" if low <= known <= high else "no"
    lines.append((row["definition"], f"{row['value']:.0%}", f"{low:.0%} to {high:.0%}", f"{known:.0%}", inside))
lay_out(["By day 42", "Sample", "Range", "Truth", "Truth within the range"], lines)

# %% [markdown]
# A range made to hold in 95 of 100 samples misses in the other 5. One sample neither shows that a method is right nor that it is
# wrong; the tests of the package draw many.
