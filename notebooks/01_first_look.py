# %% [markdown]
# # First look
#
# What is in a folder of records, who is counted, and what may leave the room?
#
# **Everything here is synthetic.** The sample in `data/sample` was made up by a program: nobody in it exists, and no
# number below says anything about a programme. It stands in for your own folder, so that you can see each step before you
# take it with real records.

# %%
import iop_outcomes as iop
from showing import draw, lay_out, number, say, table

# %% [markdown]
# ## What did we read, and was anything set aside?
#
# A row that breaks a rule is set aside and counted; it is never dropped or mended in silence. For each table the rows read
# are the rows used plus the rows set aside.

# %%
records = iop.read_records("../data/sample")
lay_out(
    ["Table", "Rows read", "Rows used", "Set aside"],
    [(account.table, f"{account.read:,}", f"{account.used:,}", f"{account.read - account.used:,}")
     for account in records.manifest.accounts],
)

# %% [markdown]
# The manifest also holds what the records may contain (their privacy mode), the day the extract was made, and a fingerprint of
# each file. A later release can be held against it.

# %%
manifest = records.manifest
say(
    f"{manifest.settings['name']}: privacy mode **{manifest.privacy}**, as of **{manifest.as_of}**, "
    f"synthetic **{manifest.settings['synthetic']}**, {len(manifest.hashes)} files, "
    f"{len(manifest.warnings)} warnings."
)

# %% [markdown]
# ## Who is counted?
#
# We ask about intensive outpatient care (ASAM level 2.1). The default denominator is everyone admitted who attended at
# least one session. Each filter says whom it left out.

# %%
cohort = iop.select_cohort(records, level_of_care="2.1")
attrition = iop.publish(cohort.describe_attrition(), audience="internal")
draw(iop.draw_attrition, attrition)

# %% [markdown]
# People and episodes are two different counts: somebody may be admitted twice. Both are always kept, and every interval
# treats the episodes of one person as belonging together.

# %% [markdown]
# ## Who came?
#
# Numbers reach a page through `publish`. For the programme's own staff the audience is `internal`: nothing is withheld, and
# what is shown is marked as not for release.

# %%
people = iop.publish(iop.measure_people(cohort), audience="internal")
say(
    f"{number(people, definition='admissions@1', category='episodes')} episodes of "
    f"{number(people, definition='admissions@1', category='people')} people; in "
    f"{number(people, definition='first_admission@1')} of the episodes it was the person's first admission."
)
described = people.where(by=["schedule", "gender", "employment", "housing"])
table(described, down=["by", "group"], value="Share of episodes")

# %% [markdown]
# *Unknown* is a line of its own. Leaving it out would make every other share look larger than it is.

# %% [markdown]
# ## How much of what should be known is known?
#
# Before reading any outcome, look at what the records hold. Hatched is unknown.

# %%
completeness = iop.publish(iop.measure_completeness(cohort), audience="internal")
draw(iop.draw_completeness, completeness)

# %% [markdown]
# ## How do episodes end?
#
# One figure for the whole course: on every day each episode is in exactly one band, so the bands add to 100 %. Completing is
# one ending among several; people who left before completing are in the picture from their first day.

# %%
endings = iop.measure_endings(cohort)
inside = iop.publish(endings, audience="internal")
draw(iop.draw_endings, inside)

# %% [markdown]
# ## What may leave the room?
#
# That somebody was in treatment for substance use is itself sensitive, so even a count of people is. The `public` audience
# (the default) gets what passes the gate: nothing that rests on 1 to 10 people, and nothing from which such a number could
# be worked out. Here is the same figure after the gate.

# %%
outside = iop.publish(endings)
draw(iop.draw_endings, outside)

# %%
lay_out(
    ["Audience", "Numbers", "Shown", "Withheld"],
    [(name, f"{p.audit.total:,}", f"{p.audit.total - p.audit.withheld:,}", f"{p.audit.withheld:,}")
     for name, p in (("Internal", inside), ("Public", outside))],
)
lay_out(
    ["Why numbers were withheld", "Numbers"],
    [(rule, f"{count:,}") for rule, count in outside.audit.rows.items()],
)

# %% [markdown]
# Much is lost, because seven endings on eleven days are many small numbers. Putting rare endings together before publishing
# loses less. Drawn here are the days on which every part may be shown.

# %%
together = iop.publish(iop.measure_endings(cohort, combine=True))
parts = together.where(definition="ending@1").frame
whole = parts.groupby("at")["value"].count() == parts["category"].nunique()
draw(iop.draw_endings, together.where(at=list(whole[whole].index)))
say(f"Withheld now: {together.audit.withheld:,} of {together.audit.total:,} numbers.")

# %% [markdown]
# A withheld number always carries the same mark and is never shown as zero. What is published together should go through
# `publish` together, so that one table does not tell what another one hides.
#
# ## Where next?
#
# * [Staying and leaving](02_staying_and_leaving.ipynb): who stays, who completes, and two common calculations that mislead
# * [Hours and attendance](03_hours_and_attendance.ipynb): required, offered, attended
# * [Sobriety milestones](04_sobriety_milestones.ipynb): what is known of use, and what is not
# * `iop.write_quarterly(records, folder="reports")`, or `iop-outcomes report data/sample`, writes the whole report
