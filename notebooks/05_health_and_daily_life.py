# %% [markdown]
# # Health and daily life
#
# Do people feel better, do they keep work, home and family, and what do we know of them after they left?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
from iop_outcomes.publication.figures.roles import PARTS, ROLES
from showing import draw, lay_out, number, table

records = iop.read_records("../data/sample")
cohort = iop.select_cohort(records, level_of_care="2.1")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## How did scores change?
#
# PHQ-9 asks about depression (0 to 27), GAD-7 about anxiety (0 to 21); lower is better. The later score is the last one
# taken in care: the exit assessment is made mostly with people who complete, so that it would speak for them alone.

# %%
change = internal(iop.measure_change(cohort))
draw(iop.draw_change, change)

# %% [markdown]
# A score is never quite exact, so that a small move says nothing about a person. Improved and worse mean a move by at least
# the points of **reliable change**: 6 on the PHQ-9, 4 on the GAD-7. Whoever was not asked again is *unknown*, a part of
# its own, and stays in the denominator. The four add to everyone with a first score.

# %%
labels = {"phq9": "PHQ-9", "gad7": "GAD-7"}
parts = {"improved": "Improved", "same": "Same", "worse": "Worse", "unknown": "Unknown"}
names = {
    f"{scale}/{part}": f"{label}: {words.lower()}"
    for scale, label in labels.items() for part, words in parts.items()
}  # fmt: skip
table(change, down="category", value="Of everyone with a first score", definition="change_segment@1", names=names)

# %% [markdown]
# These thresholds come from depression and anxiety samples, not from substance use care.

# %% [markdown]
# ## How much of it would have come by itself?
#
# People come to care when they feel worst, and whoever is chosen for a high score will score lower the next time with
# nothing done at all. So the change of people who began as **cases** (PHQ-9 of 10 or more, GAD-7 of 8 or more) stands beside
# what is expected of them without any treatment.

# %%
lines = []
for scale, label in labels.items():
    cases = f"{scale}/cases"
    lines.append((
        label,
        number(change, definition="change_mean@1", category=cases),
        number(change, definition="expected_regression@1", category=cases),
        number(change, definition="improvement_cases@1", category=cases),
        number(change, definition="expected_improvement@1", category=cases),
    ))  # fmt: skip
lay_out(["People who began as cases", "Change in points", "Expected by itself", "Improved reliably",
         "Expected by itself"], lines)  # fmt: skip

# %% [markdown]
# The expectation leaves out the bad weeks that bring somebody to care and pass by themselves, so that it is low. What is
# left over is *described*: without people who had no treatment nobody can say what brought it about.

# %% [markdown]
# ## Did people keep work, school, home and family?
#
# Each role is asked about at intake and again at exit, and six months after admission. Everyone whose second answer was due
# is in a bar from end to end. Hatched is what nobody knows; whoever had a role and was not asked again has a hatch of their
# own.

# %%
roles = internal(iop.measure_roles(cohort), iop.measure_roles(cohort, to="followup"))
draw(iop.draw_roles, roles)

# %% [markdown]
# "Of those who were asked, so many kept their work" speaks of the people who were there to be asked. So it stands between two
# bounds: everybody not asked again counted as having lost it, and as having kept it. The truth lies between them.

# %%
exit_ = roles.only(lambda row: row["at"] != row["at"])
kept = {"kept_asked": "Of those asked again", "kept_least": "At least", "kept_most": "At most"}
lines = [
    (words, *(number(exit_, definition=f"role_{role}@1", category=name) for name in kept))
    for role, words in ROLES.items()
]
lay_out(["Kept by exit, of those who had it at intake", *kept.values()], lines)

# %% [markdown]
# **Does not apply** is a third state: somebody outside the labour force has not lost work. It counts at either end. A small
# programme can put everybody together who did not have the role; then more of the rest may leave the room.

# %%
together = iop.measure_roles(cohort, combine=True).where(definition="role_family_contact@1")
released = iop.publish(together, audience="public")
table(released.where(estimand="proportion"), down="category", value="Contact with family, public view", names=PARTS)

# %% [markdown]
# ## Do people who come to family sessions stay?
#
# The obvious comparison is of everybody who ever came to two family sessions with everybody who did not:

# %%
came = cohort.attendance.collect("pandas").to_native()
came = came[(came["status"] == "attended") & (came["service_type"] == "family")]
stays = cohort.episodes.select("episode_id", "person_id", "end_reason").collect("pandas").to_native()
ever = stays["episode_id"].map(came.groupby("episode_id").size()).fillna(0) >= 2
completed = stays["end_reason"] == "completed"
naive = internal(iop.Estimates.from_rows(
    [{"measure": "landmark", "definition": "ever_against_never", "estimand": "proportion", "category": words,
      "value": completed[side].mean(), "n": int(completed[side].sum()), "denominator": int(side.sum()), "unit": "share"}
     for words, side in (("two or more ever", ever), ("fewer ever", ~ever))],
    cohort.settings,
))
table(naive, down="category", value="Completed (misleading)", ranges=False)

# %% [markdown]
# It says nothing of the sessions. Whoever left in the second week had no time for two of them: staying made the group, not
# the group the staying. The same gap appears where sessions do nothing at all (`tests/truth/test_immortal_time.py` builds such
# records).
#
# A **landmark** mends it. On day 30 everybody still there is grouped by the sessions attended *up to then*, and followed
# from there. People who had left before are counted and not compared.

# %%
landmark = internal(iop.measure_landmark(cohort, least=2, outcome="completed"))
views = {"left_before": "Had left by day 30", "not_in_view": "Not in view on day 30", "compared": "Compared"}
table(landmark, down="category", value="Of everyone admitted", definition="landmark_view@1", names=views)

# %%
groups = landmark.where(by="family_sessions")
table(groups, down="group", value="Completed within 60 days of day 30", estimand="cumulative_incidence",
      names={"at least 2": "At least 2 family sessions", "fewer than 2": "Fewer than 2"})  # fmt: skip
table(groups, down="reference", value="Difference", estimand="difference",
      names={"fewer than 2": "Against fewer than 2"})  # fmt: skip

# %% [markdown]
# What is left is an *association*: people who come with their family differ in other ways.

# %% [markdown]
# ## What do we know of people after they left?
#
# At follow-up many are not reached, and who is reached depends on how they are doing. So no figure speaks of people reached
# alone. The bar runs from "everybody not reached was using" to "everybody not reached was abstinent".

# %%
followup = internal(iop.measure_abstinence(cohort))
draw(iop.draw_followup, followup)

# %%
readings = {
    "followup_response@1": "Reached",
    "abstinent_missing_using@1": "Not reached: using",
    "abstinent_missing_sober@1": "Not reached: abstinent",
    "abstinent_weighted@1": "Weighted",
    "abstinent_imputed@1": "Imputed",
}
table(followup, down="at", across="definition", definition=list(readings), names=readings, ranges=False,
      at=[30, 90, 180, 365])  # fmt: skip

# %% [markdown]
# Weighted and imputed both suppose that people not reached were like people reached of whom care knew the same. How different
# they would have to be to make it half of everyone due:

# %%
tipping = followup.where(definition="abstinent_tipping@1", at=[30, 90, 180])
lines = [(f"Day {row['at']:g}", f"{row['value']:.0%}") for row in tipping.rows() if row["value"] == row["value"]]
lay_out(["After admission", "Of people not reached would have to be abstinent"], lines)

# %% [markdown]
# ## Fewer days of use
#
# Abstinence is one outcome. Using on fewer days than before admission is another, asked of the same people.

# %%
days = internal(iop.measure_use_days(cohort))
fewer = {
    "used_fewer_days_low@1": "At least",
    "used_fewer_days_high@1": "At most",
    "use_days_change@1": "Mean change in days of 30, people reached",
}
table(days, down="definition", value="Six months after admission", definition=list(fewer), names=fewer)

# %% [markdown]
# Neither abstinence nor fewer days of use is recovery: the 2022 definition of recovery from alcohol use disorder by the US
# National Institute on Alcohol Abuse and Alcoholism requires no abstinence. Each figure says what it counts.
