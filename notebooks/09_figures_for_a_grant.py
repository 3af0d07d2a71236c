# %% [markdown]
# # Figures for a grant
#
# What may a grant application say of this programme, how sure is it, and how is it cited? And is the target it promises
# one that could be seen to be met?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the public view: it passed the
# release gate together with all the numbers of the report of the same year. `iop-outcomes facts` writes the same as a Word
# file, a PDF, a web page or a list.

# %%
import json

import iop_outcomes as iop
from iop_outcomes.reports.factsheet import build_factsheet, gather_sheet
from iop_outcomes.reports.period import Quarter
from showing import draw, lay_out, say

records = iop.read_records("../data/sample")
contents = gather_sheet(records, Quarter.parse("2025Q4"), "2.1")
released = iop.publish(*contents.bundle("public"))
sheet = build_factsheet(records.manifest, contents, released, "2025")

# %% [markdown]
# ## Which sentences may be pasted?
#
# A **fact** is one figure with all that belongs to it. Its sentence names how many it is counted among, the period and the
# range chance leaves open, and says no more than was seen: nothing here says that the programme made it so. Each number in
# a sentence is a field of the fact; a sentence that holds another one cannot be made.

# %%
for fact in sheet.facts:
    say(f"**{fact.wording.title}.** {fact.sentence}")

# %% [markdown]
# A figure that rests on too few people, or whose base is withheld, gives way to the next one on the same topic. The sheet
# says which.

# %%
say(next(block for block in sheet.document.pages[0].blocks if getattr(block, "title", "").startswith("What is not")).items[0])

# %% [markdown]
# ## What belongs to a fact?
#
# Two programmes that both say "41%" may count different things. These are the fields a reader needs to find out.

# %%
sober = next(fact for fact in sheet.facts if fact.wording.id == "sobriety").as_dict()
wanted = ("estimate", "ci_low", "ci_high", "denominator", "population", "window", "clock", "missing_rule", "band_low",
          "band_high", "design_word", "definition", "release_id")  # fmt: skip
lay_out(
    ["field", "what it holds"],
    [(name.replace("_", " "), "withheld" if sober[name] is None else str(sober[name])) for name in wanted],
    words=2,
)

# %% [markdown]
# ## Which picture goes with it?
#
# The figures of the report, from the same release. `savefig(..., dpi=300)` writes them for print.

# %%
of_year = released.where(period_start="2025-01-01", period_end="2025-12-31", by="all")
draw(iop.draw_endings, of_year.where(definition=["ending@1", "at_risk@1"]), "How do admissions of 2025 stand, day by day?")

# %% [markdown]
# ## Could the target be met by luck?
#
# A target close to what is already reached is often met though nothing changed; one far away may ask for a change that a
# programme of this size could not tell from chance. Both can be known before the promise is made.

# %%
kept = next(fact for fact in sheet.facts if fact.wording.id == "staying").estimate
std_err = (kept.high - kept.low) / (2 * 1.96)  # people who came twice count for a little less than two
lines = []
for target in (0.60, 0.65, 0.70, 0.75):
    found = iop.statistics.judge_target(kept.value, kept.denominator, target, std_err=std_err)
    lines.append((f"{target:.0%}", f"{found.chance:.1%}", f"{found.people:,.0f}"))
lay_out(["target", "chance to meet it if nothing changed", "admissions a year to see the change"], lines)
say(
    f"From {kept.value:.0%} of {kept.denominator:,.0f} admissions, the nearest level that another year of this size would "
    f"usually show to be different is **{found.visible:.0%}**."
)

# %% [markdown]
# So 60% promises little, for it is often met though nothing changed. About 70% is the nearest promise that a programme of
# this size could be seen to keep.

# %% [markdown]
# ## How do published figures compare?
#
# Rarely by the same definition. Whoever sets two figures side by side owes the reader that answer.

# %%
beside = next(block for block in sheet.document.pages[1].blocks if getattr(block, "id", "") == "benchmarks")
lay_out(
    ["published figure", "there", "same definition?"],
    [(str(row[0]), str(row[1]), str(row[3])) for row in beside.table.rows],
    words=3,
)

# %% [markdown]
# ## How is it cited?

# %%
citation = sheet.facts[0].origin.citation
say(citation.apa())
say(f"```\n{citation.bibtex()}\n```")
say(f"```\n{json.dumps(citation.csl(), indent=2)}\n```")
