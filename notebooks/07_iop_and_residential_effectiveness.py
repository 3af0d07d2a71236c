# %% [markdown]
# # Intensive outpatient and residential care: what each achieves
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


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


def gap(rows, definition):
    (row,) = rows.where(definition=definition, estimand="difference").rows()
    return say_gap(quantity_of(row))


# %% [markdown]
# ## What exactly is asked?
#
# The question comes first, written as the trial one would run if one could (Hernán and Robins 2016). Everything below is held
# against this table, and it is kept with every result.

# %%
found = internal(iop.compare_levels(larger, adjust=("severity", "housing", "primary_substance", "age", "gender")))
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
# ## A refusal is a result
#
# Asked about everybody and not about those whose placement was uncertain, the same sample does not meet the limits. The crude
# figures and the balance table stay; the adjusted figure is replaced by the reason and what would mend it.

# %%
refused = internal(iop.compare_levels(sample, estimand="ATE"))
draw(iop.draw_effect, refused.where(definition=READINGS))

# %% [markdown]
# ## What cannot be said
#
# * Nobody was placed by lot. "Effect" here means: if nothing unrecorded decided both placement and outcome.
# * It speaks of people who could have gone to either level, and of where care *began*. What follows (shorter or longer stays,
#   a step down from residential to outpatient care, coming back) belongs to either course.
# * Length of stay is never a group at baseline. Whoever is abstinent stays longer; comparing long with short stays counts the
#   days people had to live through to be in the group. Questions about duration start from a landmark day (`measure_landmark`).
# * It speaks of six months. One month after admission, people in residential care have spent most of the days under its roof.
# * What each level costs is another question, and the next notebook's.
