# %% [markdown]
# # The nine claims
#
# Nine things are often said of intensive outpatient programmes. Which of them do a programme's own records support, which not,
# and of which can they not tell?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view, until the
# last section.

# %%
import iop_outcomes as iop
from showing import draw, lay_out, number, say, table

records = iop.read_records("../data/sample")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## What is claimed, and what would have to be seen?
#
# Each claim is taken apart into figures this package measures anyway, and each figure is held against a criterion. The criteria
# were set before looking. They are this project's own, because nobody has agreed on any; each can be changed.

# %%
def wanted(part):
    if not part.criterion:
        return f"{part.words}: any recorded"
    shown = {
        "difference": f"{100 * part.default:+.0f} points", "mean": f"${part.default:,.0f}"
    }.get(part.kind, f"{part.default:.0%}")
    return f"{part.words}: {part.side} {shown}"


lay_out(
    ["", "Claim", "Would have to be seen"],
    [(str(claim.number), claim.claim, "; ".join(wanted(part) for part in claim.parts))
     for claim in iop.load_claims()],
)

# %% [markdown]
# A figure **supports** its claim when its whole 95 % interval lies on the claim's side of the criterion. It does **not support** it
# when the whole interval lies on the other side. Otherwise the **data cannot tell**. A claim with several parts is supported when
# all of them are, and not supported when one of them is not.
#
# ## The verdicts

# %%
found = iop.test_claims(records)
claims = internal(found)
draw(iop.draw_claims, claims.where(measure="claims"))

# %% [markdown]
# Read across: the dashed line is the criterion, and the claim's side is to the right. Each line has a scale of its own. Two upright
# strokes are the least and the most a share could be, where people were not asked again.

# %%
rows = iop.publish(found, audience="internal").where(measure="claims")
verdicts = [row for row in rows.rows() if str(row["category"]).startswith("verdict/")]
lay_out(
    ["", "Verdict and reason"],
    [(str(place), row["note"]) for place, row in enumerate(verdicts, start=1)],
)
say(
    f"{found.settings['claims']} claims and {found.settings['figures_tested']} figures were looked at. Each interval "
    "misses the truth one time in twenty, so among this many one or two may do so by chance alone."
)

# %% [markdown]
# ## Why can the data not tell?
#
# Three different reasons, and three different things to do.
#
# **Nothing is recorded.** Of privacy and of skills used in daily life these records say nothing. Reasonable stand-ins, such as mood
# or attendance, would answer another question. The verdict names the records that would tell, and how many people they would
# have to hold.
#
# **There are too few people to compare.** Almost everybody still in care on day 30 had been to a family session, so hardly
# anybody is left to compare them with:

# %%
family = claims.where(definition="landmark_retained@1")
lines = [
    (words, f"{row['people']:,.0f}")
    for words, wanted_group in (("With a family session by day 30", "at least 1"), ("Without", "none"))
    for row in family.where(group=wanted_group, estimand="cumulative_incidence").rows()
]
lay_out(["In care on day 30", "People"], lines)

# %% [markdown]
# **People were not asked again.** Whoever was not reached may or may not be abstinent, may or may not have kept work. More
# admissions would not help; more answers would.

# %%
at = {"definition": ["abstinent_missing_using@1", "abstinent_missing_sober@1"]}
names = {"abstinent_missing_using@1": "Everybody not reached counted as using",
         "abstinent_missing_sober@1": "Everybody not reached counted as abstinent"}  # fmt: skip
table(claims, down="definition", value="Thirty days without use at six months", names=names, ranges=False, **at)

# %%
reached = number(claims, definition="followup_response@1", at=180)
say(f"Reached at six months: {reached}. Federal grants ask for 80%.")

# %% [markdown]
# ## How many people would tell?
#
# The number is for a stated distance, not for the distance that was found: how many people it takes so that, four times in five,
# a figure that lies a set margin beyond its criterion leaves it outside the interval. For a share against a criterion of 75 %:

# %%
lines = [
    (f"{share:.0%}", *(f"{iop.statistics.people_for_share(0.75, share, design_effect=effect).people:,}"
                       for effect in (1, 2)))
    for share in (0.77, 0.80, 0.85, 0.90)
]
lay_out(["If the share is", "People, each counted once", "People, with twice the variance"], lines)

# %% [markdown]
# ## Does the verdict hang on the criterion?
#
# It must; the question is how far it could move. Sessions attended and hours completed (claim 7), for stricter criteria:

# %%
lines = []
for attended, completed in ((0.70, 0.50), (0.75, 0.60), (0.80, 0.70), (0.85, 0.75), (0.90, 0.80)):
    tried = iop.test_claims(
        records, only=[7], criteria={"sessions_attended": attended, "hours_completed": completed}
    )
    note = next(internal(tried).where(definition="claim_7@1").rows())["note"]
    lines.append((f"{attended:.0%}", f"{completed:.0%}", note.split(": ")[0]))
lay_out(["Sessions attended, at least", "Hours completed, at least", "Verdict"], lines)

# %% [markdown]
# ## What has been published beside it?
#
# Claims 6 and 8 speak of residential care. In trials only people who could go to either were randomised:

# %%
trials = internal(iop.list_trials()).where(definition="trial_difference@1")
lay_out(
    ["Trial", "Compared with", "What was found (day care beside it)"],
    [(row["group"], row["reference"], f"{row['category']}: {row['note']}") for row in trials.rows()],
)

# %% [markdown]
# ## What may leave the room?
#
# A verdict is made from figures, so it must not outlive them. Where one of its figures is withheld, the claim's line is withheld
# with its number and its reason:

# %%
draw(iop.draw_claims, iop.publish(found).where(measure="claims"))

# %% [markdown]
# ## What cannot be said
#
# * *Supported* is about this programme's records. It does not say that care brought anything about, and nothing about other
#   programmes.
# * Costs are not adjusted: residential care takes people with more severe problems. Claim 6 says what was spent, not what the
#   same people would have cost elsewhere.
# * People with and without work, and with and without family sessions, differ in much else.
# * A criterion is a choice. Whoever changes it after looking has no test any more.
