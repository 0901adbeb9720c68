"""
Is this scheme being gamed?
===========================

Half of the teams of a centre get 6 dollars for every save they log. They log far more saves than
the others. Have they learned to keep customers, or to write "saved"?

What you need
-------------

.. list-table::
   :header-rows: 1

   * - file
     - where it comes from
     - what it tells
   * - ``contacts.csv``
     - telephone switch and customer system
     - who took which contact, and what the agent logged
   * - ``agents.csv``
     - staff planning
     - who was in which team, month by month
   * - ``assignments.csv``
     - whoever set up the trial
     - which team was under which scheme, and whether that was drawn by lot
   * - ``audits.csv``
     - quality assurance
     - for contacts that were checked: what happened, and with what chance they were drawn

The chance is what makes checks usable. If saves are checked more often than other contacts, as
they are here, the checked contacts are not like all contacts, and only the recorded chance can put
that right.
"""

# %%
# These are the columns without which nothing can be said, and what each means.
# ``write_templates`` writes empty files with all columns and this dictionary beside them.

import tempfile
from pathlib import Path

import pandas as pd

import incentives as inc
from incentives.study import Study

place = tempfile.TemporaryDirectory()
files = inc.write_templates(Path(place.name) / "firm", currency="USD", calendar=20)
names = ("agents", "assignments", "audits", "contacts")
columns = pd.read_csv(files / "data_dictionary.csv").query("frame in @names")
needed = columns[(columns["need"] == "required") | (columns["column"] == "prob")]
needed[["frame", "column", "write", "meaning"]].set_index("frame")

# %%
# The files
# ---------
#
# You would fill them from your systems. This page has no firm, so it simulates one: 24 teams of
# two agents for three months, half of the teams with the bonus, drawn by lot. Of all contacts 3 %
# are checked, of logged saves another 25 %. Only what an analyst of the firm could see is written.

centre = inc.Scenario.load("outsourced_retentions").change(
    {
        "floor.teams": 24,
        "floor.team_size": 2,
        "floor.customers": 52_800,
        "routing.keep": "team",
        "audit.rate": 0.03,
        "audit.on_saves": 0.25,
    }
)
schemes = {"wage": inc.Wage(), "bonus": inc.Wage() + inc.PieceRate("saves", 6.0)}
world = inc.simulate(centre.assign(schemes), replications=1, months=3, rng=1, progress=False)
log = world.seen_by("analyst")
for name in names:
    header = pd.read_csv(files / f"{name}.csv").columns
    frame = getattr(log, name)
    frame[[column for column in header if column in frame]].to_csv(
        files / f"{name}.csv", index=False
    )

records = inc.read_records(files)
place.cleanup()
print(records)

# %%
# What the log alone says
# -----------------------

served = records.contacts.query("ended == 'served'")
saved = served["logged_outcome"].eq("saved").groupby(served["scheme"], observed=True)
(100 * saved.mean()).rename("logged saves per 100 contacts").round(2).to_frame()

# %%
# With that table alone the bonus is a triumph.
#
# Checks first, then the answer
# -----------------------------
#
# ``gaming_effect`` weighs every check by the recorded chance and compares teams with the bonus to
# teams without. Before its numbers count, look at what they rest on:

effect = inc.gaming_effect(records, control="wage")
checks = pd.DataFrame(effect.checks)
checks[["name", "passed", "value", "threshold"]].set_index("name").round(2)

# %%
# A check that fails says what to do about it. Now the answer:

print(effect.summary())

# %%
# An interval is the range of effects that the data do not contradict. The headline, in the first
# line, is how many more of 100 contacts are gamed under the bonus.

ax = effect.plot()
ax.figure.set_size_inches(8, 3.2)

# %%
# Are 24 teams enough for that interval?
# --------------------------------------
#
# What was assigned is the team, so there are 24 pieces of evidence and not a hundred thousand.
# Two tests lean less on theory: the wild bootstrap, which flips the sign of whole teams, and
# randomisation, which draws the lot again as it could have fallen. If they agree, be at ease.

shown = ["inference", "estimate", "conf_low", "conf_high", "p_value"]
again = [effect, effect.inference("wild", rng=1), effect.inference("randomisation", rng=1)]
methods = pd.concat([each.tidy().head(1)[shown] for each in again])
methods.set_index("inference").round(3)

# %%
# How much of the success is recording?
# -------------------------------------
#
# ``kpi_inflation`` splits the logged effect in two that add up: what customers did, and what was
# only written. It asks what the auditors found. But auditors miss things: a second auditor who
# listens to the same contacts tells how often. Here that is known of each kind of gaming (``G1`` a
# save of somebody who cancelled, ``G2`` a cancellation not carried out, ``G3`` a save of somebody
# who never wanted to leave).

detection = Study(centre, schemes, "wage", months=3).detection()
print({kind: detection[kind] for kind in ("G1", "G2", "G3")})

found = inc.kpi_inflation(records, control="wage", outcome="saves")
split = inc.kpi_inflation(records, control="wage", outcome="saves", detection=detection)
print(split.summary())

# %%
# Who believes that auditors see everything, takes what they miss for true saves:

kept = [
    each.tidy().query("estimand == 'saves_true' and estimator == 'two-phase'")
    for each in (found, split)
]
beside = pd.concat(kept).assign(auditors=["see everything", "miss what they miss"])
beside[["auditors", "estimate", "conf_low", "conf_high", "unit"]].set_index("auditors").round(2)

# %%
# ``true_effect`` asks the same of successes of any kind, sales included:

true = inc.true_effect(records, control="wage", outcome="success", detection=detection)
print(true.summary())

# %%
# Because this firm is simulated, we can look
# -------------------------------------------
#
# Nobody in a firm has this table: the same teams in the same months, as it was.

real = world.contacts.query("ended == 'served'")
facts = pd.DataFrame(
    {
        "gamed": real["true_gaming"].ne("none"),
        "saves logged": real["logged_outcome"].eq("saved"),
        "saves true": real["true_outcome"].eq("saved"),
    }
)
levels = 100 * facts.groupby(real["scheme"], observed=True).mean()
levels.round(2)

# %%
# The true difference in saves lies in the interval that allows for what auditors miss, and below
# the one that does not.
#
# What would make this wrong
# --------------------------
#
# * **Chances that were not kept to.** If auditors chose what looked odd, the recorded chance is
#   fiction. One of the checks above compares what the audits stand for with the log.
# * **Auditors who miss more than was measured.** What they do not recognise passes for true.
# * **Teams that chose the scheme.** Without a lot, the difference may be older than the bonus.
# * **Talk between teams.** If habits spread to the teams without the bonus, the effect of paying
#   everybody is not the difference between the halves.
#
# The decision
# ------------

rows = split.tidy().query("estimator != 'unweighted audits'").set_index("estimand")
gamed, logged, kept = effect.tidy().iloc[0], rows.loc["saves_logged"], rows.loc["saves_true"]
really = levels.loc["bonus", "saves true"] - levels.loc["wage", "saves true"]
assert gamed["conf_low"] > 0  # the words rest on these; the page is not built if they fail
assert kept["conf_high"] < logged["conf_low"] / 2
assert kept["conf_low"] < really < kept["conf_high"] < beside["conf_high"].iloc[0]
assert really < beside["conf_low"].iloc[0]
print(f"Of 100 contacts checks find {gamed['estimate']:.1f} more gamed,", end=" ")
print(f"{gamed['conf_low']:.1f} to {gamed['conf_high']:.1f}.")
print(f"Logged saves rise by {logged['conf_low']:.1f} to {logged['conf_high']:.1f},", end=" ")
print(f"true saves by no more than {kept['conf_high']:.1f}.")

# %%
# **Yes, the scheme is gamed.** Most of the rise in logged saves was only written, and whether there
# are more true saves at all is open. Do not extend the bonus as it is: keep on checking, pay for a
# save that is still there after the next bills, and compare again. Whom to check first is
# :ref:`another page <sphx_glr__generated_gallery_plot_3_audits.py>`.
