# %% [markdown]
# # Intensive outpatient and residential care: effect
#
# Would people have been abstinent more often had their care begun in intensive outpatient treatment and not in a residential
# programme? Nobody was placed by lot, so the plain figures answer another question: how two different groups of people did.
#
# The records are **synthetic**: nobody in them exists, and the truth behind them is known. That truth is made up too. It says
# nothing about real programmes; it is there so that a method can be seen to find it, or to miss it.
#
# Two sets of records are used: the sample of 600 people, of whom many could not be reached, and a larger agency in which
# everybody was reached. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures.effect import LINES, say_gap
from iop_outcomes.publication.figures.love import say_covariate
from iop_outcomes.publication.formatting import quantity_of, show
from iop_outcomes.records.synthetic import load_truth, true_value
from iop_outcomes.reports.pages.comparison import limit_table
from showing import draw, lay_out, number, say, table

sample = iop.read_records("../data/sample")
larger = iop.read_records(iop.simulate_records(3_000, seed=7, perfect_observation=True, censoring=False).source)
READINGS = [definition for definition, *_ in LINES]
LEVELS = {"2.1": "Intensive outpatient (2.1)", "3.5": "Residential (3.5)"}
ALIKE = ("severity", "housing", "primary_substance", "age", "gender")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


def gap(rows, definition, **where):
    (row,) = rows.where(definition=definition, estimand="difference", **where).rows()
    return say_gap(quantity_of(row))


# %% [markdown]
# ## What exactly is asked?
#
# The question comes first, written as the trial one would run if one could (Hernán and Robins 2016). Everything below is held
# against this table, and it is kept with every result.

# %%
found = internal(iop.compare_levels(larger, adjust=ALIKE))
protocol = found.settings["protocol"]
lay_out(("Part of the question", "Here"), protocol.describe(), words=2)

# %% [markdown]
# ## Who can be compared?
#
# Some people could only have gone to residential care: they risked withdrawal, or had no safe place to live. There is nobody
# in outpatient care to hold them against. They are told apart, and nothing below speaks of them.

# %%
table(
    found.where(definition="level_placement@1", by="level_of_care"),
    down="category",
    across="group",
    ranges=False,
    names={
        **LEVELS,
        "abstinent/compared": "Compared",
        "abstinent/not_followed": "Died by the day, or not yet followed to it",
        "abstinent/one_level_only": "Could only go to this level",
        "abstinent/not_judged": "Not judged at placement",
    },
)

# %% [markdown]
# ## What do the plain figures say?

# %%
crude = found.where(definition="level_crude@1", estimand="proportion")
table(crude, down="group", value="Thirty days without use at six months", names=LEVELS)

# %%
say(
    f"As placed, the difference (intensive outpatient less residential) is **{gap(found, 'level_crude@1')}**. It looks as if "
    "residential care did worse."
)

# %% [markdown]
# ## Why does that mislead?
#
# Because the people differ. The more severe somebody's problems, the likelier residential care, and the likelier later use,
# wherever care begins. The open circles show how far apart the two levels' people were at admission.

# %%
draw(iop.draw_love, found.where(definition=["level_balance_before@1", "level_balance_after@1"]))

# %% [markdown]
# ## Can people be made alike?
#
# From what was recorded, everybody has a chance of having gone to either level. Overlap weights count people the more, the
# less certain that chance was: those for whom it could well have gone either way (Li, Morgan and Zaslavsky 2018). The filled
# bars are the people as placed, the outlines the same people weighted. Above and below the line the outlines agree.

# %%
draw(iop.draw_overlap, found.where(definition=["level_chance@1", "level_chance_weighted@1"]))

# %% [markdown]
# An adjusted figure is given only if three limits are met. They are checked every time, and where one is not met there is no
# figure, whatever it would have been.

# %%
limits = limit_table(found)
lay_out(limits.columns, [(words, show(here), asked) for words, here, asked in limits.rows])

# %% [markdown]
# ## What is left of the difference?

# %%
draw(iop.draw_effect, found.where(definition=READINGS))

# %%
table(
    found.where(definition="level_effect@1", estimand="adjusted_proportion"),
    down="group",
    value="Thirty days without use, people made alike",
    names=LEVELS,
)

# %%
where = {"population": "either_first", "definition": "abstinence_difference@1", "at": 180}
truth = {name: -true_value(load_truth(), category=name, **where) for name in ("ATO", "crude")}
say(
    f"Made alike, the difference is **{gap(found, 'level_effect@1')}**: the other way round. These records are synthetic, so the "
    f"truth is known: {100 * truth['ATO']:.1f} points for the same people, which the range holds, against "
    f"{100 * truth['crude']:+.1f} points as placed."
)

# %% [markdown]
# ## Does the answer depend on whose effect is asked for, or on the method?
#
# *ATO* speaks of people whose placement was least certain, *ATE* of everybody who could have gone to either level, *ATT* and
# *ATC* of those who went to intensive outpatient and to residential care. The doubly robust estimate models the outcome as well.
# Where the limits are not met there is no figure.

# %%
asked = [("ATO", "weighting"), ("ATE", "weighting"), ("ATT", "weighting"), ("ATC", "weighting"), ("ATE", "aipw")]
lines = []
for estimand, method in asked:
    adjust = ("severity", "housing", "primary_substance")
    other = internal(iop.compare_levels(larger, estimand=estimand, method=method, adjust=adjust))
    lines.append((f"{estimand}, {method}", gap(other, "level_effect@1")))
lay_out(("Whose effect, and how", "Difference (likely range)"), lines)

# %% [markdown]
# ## How do stays end at either level?
#
# Abstinence at six months is one outcome. Another is how the first stay ends, and when. By each day everybody has completed,
# left early, ended in another way or is still there, and these parts make up everybody. Broken lines are people as placed,
# whole lines the same people made alike.

# %%
ends = internal(iop.compare_endings(larger, at=(14, 28, 42, 56, 70), adjust=ALIKE))
draw(iop.draw_endings_by_level, ends.where(definition=["level_crude_ending@1", "level_effect_ending@1"]))

# %%
lines = [
    (words, *(gap(ends, f"level_{how}_ending@1", category=f"endings/{code}", at=70) for how in ("crude", "effect")))
    for code, words in {"completed": "Completed", "left_early": "Left before completing"}.items()
]
days = ("Days in the programme", gap(ends, "level_crude_days@1"), gap(ends, "level_effect_days@1"))
lay_out(("Intensive outpatient less residential, by day 70", "As placed", "Made alike"), [*lines, days])

# %% [markdown]
# Made alike, people complete less often where care begins in intensive outpatient treatment, and leave early more often, by more
# than twice what it looks like: people who stay more easily went there. But "completed" is not one thing. The residential course
# is planned shorter, as the steps in the figure show. There are fewer days on which to leave it, and whoever completes it has
# been in care for fewer days. How long a course should be is another question; one part of it comes below.

# %% [markdown]
# ## What if something was not recorded?
#
# Weights balance what was recorded, and nothing else. Two things help to judge how much that matters. The **E-value** says how
# strongly something unrecorded would have to go with both placement and outcome to explain the whole difference away
# (VanderWeele and Ding 2017). And leaving out what *was* recorded shows what one unrecorded thing can do.

# %%
whole, limit = (number(found, definition=f"level_evalue{end}@1") for end in ("", "_limit"))
say(f"E-value of the difference: **{whole}**; of its limit nearer to none: **{limit}**.")

# %%
left = found.where(definition=["level_left_out@1", "level_left_out_evalue@1"])
lay_out(
    ("Left out", "Difference without it", "Its own E-value"),
    [
        (
            say_covariate(row["category"]),
            say_gap(quantity_of(row)),
            number(left, category=row["category"], estimand="tipping_point"),
        )
        for row in left.where(estimand="difference").rows()
    ],
)

# %% [markdown]
# Severity carries nearly all of it. Had nobody recorded severity, the same method would have given a figure that points the wrong
# way, its range far from the truth, with every limit met. Balance in what was recorded is no sign of balance in what was not.

# %%
blind = internal(iop.compare_levels(larger, adjust=("housing", "primary_substance", "age", "gender")))
say(f"Without severity: **{gap(blind, 'level_effect@1')}**, where the truth is {100 * truth['ATO']:.1f} points.")

# %% [markdown]
# ## A real agency has fewer people, and does not reach all of them
#
# The sample is what a programme of this size would have: 600 people, and about six in ten reached at six months. People not
# reached are not left out. Answers are weighted by the inverse of the chance of an answer, which holds if, among people alike
# in what was recorded, having answered has nothing to do with use. It cannot be checked, so four other ways of counting stand
# beside it.

# %%
few = internal(iop.compare_levels(sample))
table(few.where(definition="level_reached@1"), down="group", value="Reached at six months", names=LEVELS)

# %%
draw(iop.draw_effect, few.where(definition=READINGS))

# %% [markdown]
# Read from the top: the plain difference, the adjusted one, and then what it would be if everybody not reached had been using, if
# everybody had been abstinent, and the two ends of what is possible. *Missing = using* is one named scenario. It is no fair
# way to compare levels that were reached unequally.

# %%
say(
    f"Made alike: **{gap(few, 'level_effect@1')}**. The range holds no difference. From this sample alone nobody could tell, "
    "and the page would say so."
)

# %% [markdown]
# ## Does the answer depend on how its error is found?
#
# The ranges above come from one formula that carries the error of every step along: of the weights, of the answers, of the
# shares (stacked estimating equations). The other way needs no formula. People are drawn again, with replacement, a thousand
# times, and the weights are fitted anew to each draw. What a thousand draws leave to chance is their Monte-Carlo error.

# %%
SETS = {"The larger agency": found, "The sample": few}
lay_out(
    ("", "One formula", "People drawn anew"),
    [(name, gap(rows, "level_effect@1"), gap(rows, "level_effect_resampled@1")) for name, rows in SETS.items()],
)

# %%
drawn = {name: rows.where(definition="level_effect_resampled@1", estimand="difference") for name, rows in SETS.items()}
lay_out(("", "What the draws say of themselves, in shares (0.01 is a point)"),
        [(name, row["note"]) for name, rows in drawn.items() for row in rows.rows()], words=2)  # fmt: skip

# %% [markdown]
# With many people the two agree to the point. In the sample the drawn range is the wider one, its lower limit by more than
# chance among the draws: with few people a formula made for many may be a little narrow, and some draws hold too few people alike
# to be weighted at all. Both ranges hold no difference. What can be said does not depend on how the error is found.

# %% [markdown]
# ## A refusal is a result
#
# Asked about everybody and not about those whose placement was uncertain, the same sample does not meet the limits. The crude
# figures and the balance table stay; the adjusted figure is replaced by the reason and what would mend it.

# %%
refused = internal(iop.compare_levels(sample, estimand="ATE"))
draw(iop.draw_effect, refused.where(definition=READINGS))

# %% [markdown]
# Asked how stays end, the same sample is refused as well, for another reason. A limit is a line: abstinence lies just on one side
# of it, and stays just on the other.

# %%
unsaid = internal(iop.compare_endings(sample, at=(14, 28, 42, 56, 70)))
draw(iop.draw_endings_by_level, unsaid.where(definition=["level_crude_ending@1", "level_effect_ending@1"]))

# %%
outside = [rows.where(definition="level_support@1", category=f"{asked}/outside_support").frame["value"].item()
           for rows, asked in ((few, "abstinent"), (unsaid, "endings"))]  # fmt: skip
say(f"Unlike everyone who went to the other level: {outside[0]:.1%} of the people whose six months have come, and "
    f"{outside[1]:.1%} of all whose first stay can be compared.")  # fmt: skip

# %% [markdown]
# ## Does staying longer do more?
#
# On the day of admission nobody has stayed yet. A long stay is no kind of person; it comes about day by day, and what happens
# on the way decides it. Two mistakes follow.
#
# The first is **immortal time**: people who had the days in which something could come about are held against people who had
# not. Of those admitted to intensive outpatient care, by how many group sessions they ever attended:

# %%
cohort = iop.select_cohort(larger, level_of_care="2.1", episodes="first", rung="admitted")
came = cohort.attendance.collect("pandas").to_native()
came = came[(came["status"] == "attended") & (came["service_type"] == "group")].groupby("episode_id").size()
stays = cohort.episodes.select("episode_id", "end_reason").collect("pandas").to_native()
many, completed = stays["episode_id"].map(came).fillna(0) >= 10, stays["end_reason"] == "completed"
naive = internal(iop.Estimates.from_rows(
    [{"measure": "landmark", "definition": "ever_against_never", "estimand": "proportion", "category": words,
      "value": completed[side].mean(), "n": int(completed[side].sum()), "denominator": int(side.sum()), "unit": "share"}
     for words, side in (("Ten group sessions or more", many), ("Fewer", ~many))],
    cohort.settings,
))  # fmt: skip
table(naive, down="category", value="Completed (misleading)", ranges=False)

# %% [markdown]
# It says nothing of the sessions: whoever left in the second week had no time for ten. A **landmark** mends that. On day 28
# everybody still there is grouped by the sessions attended up to then, and followed from there.

# %%
landmark = internal(iop.measure_landmark(cohort, service="group", landmark=28, least=10, outcome="completed"))
groups = landmark.where(by="group_sessions", estimand="cumulative_incidence")
table(groups, down="group", value="Completed within 60 days of day 28",
      names={"at least 10": "Ten group sessions or more by day 28", "fewer than 10": "Fewer"})  # fmt: skip

# %%
gone = number(landmark, definition="landmark_view@1", category="left_before")
say(f"Difference: **{gap(landmark, 'landmark_completed@1')}**. {gone} of those admitted had left by day 28 and are not compared.")

# %% [markdown]
# Nearly all of it was time. But a landmark cannot speak of staying itself, for everybody it compares has stayed to it; and an
# outcome made of the stay cannot be asked about at all:

# %%
try:
    iop.compare_durations(larger, stay=42, outcome="completed")
except UsageError as refusal:
    say(f"> {refusal}")

# %% [markdown]
# Abstinence at six months can. There the second mistake waits: **who leaves is decided by how it goes**. People begin to use,
# then leave, and use at six months as well. What was known at admission does not mend that, for it came later.
#
# So the question is asked as a trial once more. Each person is two clones, one to stay 42 days or more, one to leave before. A
# clone is censored when its person does otherwise. Those that are left stand, by their weights, for people alike at admission
# *and week by week since* (Hernán 2018).

# %%
longer = internal(iop.compare_durations(larger, stay=42, adjust=ALIKE))
lay_out(("Part of the question", "Here"), longer.settings["duration_protocol"].describe(), words=2)

# %%
CHECKS = {
    "largest_difference": ("Largest difference at admission after weighting, in standard deviations", "number"),
    "least_effective": ("People the smaller strategy counts for once weighted", "count"),
}
lines = []
for key, (words, kind) in CHECKS.items():
    (row,) = longer.where(definition="duration_support@1", category=f"abstinent/{key}").rows()
    lines.append((words, show(quantity_of(row, kind)), row["note"]))
lay_out(("", "Here", "Asked for"), lines)

# %%
shares = longer.where(definition=["duration_crude@1", "duration_effect@1"], estimand=["proportion", "adjusted_proportion"])
table(
    shares,
    down="group",
    across="definition",
    names={
        "stay": "Stayed 42 days or more",
        "leave": "Left before",
        "duration_crude@1": "Thirty days without use, as it looks",
        "duration_effect@1": "Had everybody done so",
    },
)

# %%
found_by_day = {day: internal(iop.compare_durations(larger, stay=day, adjust=ALIKE)) for day in (14, 28, 42, 56)}
lay_out(
    ("Stayed to", "As it looks", "Clones, censored and weighted"),
    [
        (f"Day {day}", gap(rows, "duration_crude@1"), gap(rows, "duration_effect@1"))
        for day, rows in found_by_day.items()
    ],
)

# %%
(end,) = found_by_day[56].where(definition="duration_effect@1", estimand="difference").rows()
say(f"Of day 56: {end['note']}")

# %% [markdown]
# A good part of the difference goes once people stand for people like them, and the rest stays: in this made-up world care
# was made to add something for as long as it lasts. The lines are no dose and response. With each day both strategies change,
# and the last is the day of the planned end, which few pass. The truth that comes with these records holds no answer to this
# question; `tests/truth/test_duration_truth.py` holds the method against worlds that have one.

# %%
strong = number(longer, definition="duration_evalue@1")
say(f"E-value of the difference at day 42: **{strong}**, for something unrecorded that goes with both leaving and use.")

# %% [markdown]
# ### And in the sample?

# %%
tried = internal(iop.compare_durations(sample, stay=42))
(why,) = tried.where(definition="duration_effect@1", estimand="difference").rows()
say(f"As it looks: **{gap(tried, 'duration_crude@1')}**. Weighted: {gap(tried, 'duration_effect@1')}. {why['note']}")

# %% [markdown]
# It looks as plain as in the larger agency, its range holds no zero, and nothing can be said: too few people, too little alike.

# %% [markdown]
# ## What cannot be said
#
# * Nobody was placed by lot. "Effect" here means: if nothing unrecorded decided both placement and outcome.
# * It speaks of people who could have gone to either level, and of where care *began*. What follows (shorter or longer stays,
#   a step down from residential to outpatient care, coming back) belongs to either course.
# * Length of stay is never a group at admission. What is said of staying holds if, among people alike in what was recorded up
#   to a week, nothing else decided both leaving in it and later use. Use within that very week is such a thing.
# * It speaks of six months. One month after admission, people in residential care have spent most of the days under its roof.
# * What each level costs is another question, and the next notebook's.
