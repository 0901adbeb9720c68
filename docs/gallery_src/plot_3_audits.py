"""
Whom should we audit?
=====================

Checks cost a quarter of an hour each, and most contacts are in order. Which agents should be
looked at first, and which contacts should be drawn?

What you need
-------------

.. list-table::
   :header-rows: 1

   * - file
     - where it comes from
     - what it tells
   * - ``contacts.csv``
     - telephone switch and customer system
     - reason, duration, who took it, what was logged, for which customer
   * - ``customers.csv``
     - billing
     - whether a customer who was "saved" has left all the same
   * - ``audits.csv``
     - quality assurance
     - checks there have been, each with the chance by which it was drawn
   * - ``agents.csv``, ``assignments.csv``
     - staff planning; whoever set up the trial
     - teams, and who has something to gain

There must be agents who have nothing to gain from gaming, such as teams on a plain wage: they
show what an honest log looks like. What comes out is **an order in which to look, never a
verdict**. A log that looks odd can have an innocent reason, and only a check can tell.
"""

# %%
# The files
# ---------
#
# This page has no firm, so it simulates one: 24 teams for three months, half of them with 6
# dollars for each logged save, drawn by lot. Of all contacts 3 % are checked, of logged saves
# another 25 %. Only what an analyst of the firm could see is written.

import tempfile
from pathlib import Path

import pandas as pd

import incentives as inc

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

place = tempfile.TemporaryDirectory()
files = inc.write_templates(Path(place.name) / "firm", currency="USD", calendar=20)
for name in ("agents", "assignments", "audits", "contacts", "customers"):
    header = pd.read_csv(files / f"{name}.csv").columns
    frame = getattr(log, name)
    frame[[column for column in header if column in frame]].to_csv(
        files / f"{name}.csv", index=False
    )

# %%
# The list looks at more columns than an effect does; those it cannot find it does without. What
# each means stands in the dictionary that ``write_templates`` puts beside the empty files:

columns = pd.read_csv(files / "data_dictionary.csv")
asked = ["reason", "customer", "handle_minutes", "ended", "logged_outcome", "prob", "found"]
columns.query("frame in ['contacts', 'audits'] and column in @asked")[
    ["frame", "column", "write", "meaning"]
].set_index("frame")

# %%

records = inc.read_records(files)
place.cleanup()
print(records)

# %%
# What the log alone says
# -----------------------
#
# The obvious thing is to look at the agents with the most logged saves. But who serves more
# customers, or better, has more of them too, and an empty list is no sign of honesty.

served = records.contacts.query("ended == 'served' and scheme == 'bonus'")
who = ["agent", "hire"]
logged = served.assign(saves=served["logged_outcome"].eq("saved")).groupby(who)["saves"].sum()
logged.nlargest(5).reset_index()

# %%
# Whom to audit first
# -------------------
#
# ``audit_priorities`` looks for signs that are hard to explain by skill: saves where nobody came
# to cancel, saved customers who left all the same, service of a few seconds. Each agent is held
# against what agents on the wage would show in the same mix of cases. ``lfdr`` is the chance that
# an agent's log is like theirs, so that a check would be in vain. A new ``hire`` on the same seat
# is somebody else.

first = inc.audit_priorities(records, control="wage")
print(first.summary())

# %%

first.tidy().head(8).drop(columns=["run", "scheme"]).set_index("rank").round(3)

# %%
# In the funnel every dot is an agent: the further right, the more was to be expected of so many
# opportunities; the further up, the more there was beside that. Between the lines is what agents on
# the wage show.

ax = first.plot()
ax.figure.set_size_inches(8, 4)

# %%
# Does the list deserve trust?
# ----------------------------
#
# The checks that were drawn by lot can tell, for they were drawn without regard to the list: how
# much gaming did they find in agents at the top, and in the others?

rates = first.details["calibration"].set_index("group")
shown = rates[["agents", "audits", "found", "expected", "without_finding", "like_control"]]
shown.round(2)

# %%
# ``expected`` is what as many checks would find in agents on the wage; ``without_finding`` is the
# share of the group in whom nothing was found. ``like_control`` is an estimate of how many of the
# group game no more than agents on the wage. Among the flagged it is larger than the 10 % that the
# list promises, and the note in the summary says so: the list is worth following and not believing.
#
# Which contacts to draw
# ----------------------
#
# Checks also serve to measure. ``optimal_audit`` spreads 1500 of them so that the share of true
# successes is known best: more where checks keep finding different things, few where they always
# find the same, and never none.

plan = inc.optimal_audit(records, audits=1500)
shown = plan.tidy()[["scheme", "logged_outcome", "contacts", "share", "prob", "audits"]]
shown.set_index("scheme").round({"share": 3, "prob": 3, "audits": 0})

# %%

plan.glance().round(2)

# %%
# ``gain_over_proportional`` says how many times smaller the plan makes the uncertainty (the
# variance) that checking only some contacts adds, compared with one chance for all.
#
# Because this firm is simulated, we can look
# -------------------------------------------

real = world.contacts.query("ended == 'served' and scheme == 'bonus'")
gamed = real.assign(gamed=real["true_gaming"].ne("none")).groupby(who)["gamed"].sum()
agents = first.tidy().set_index(who).join(gamed)
by_flag = agents.groupby("flagged")["gamed"].agg(agents="size", contacts_gamed="sum")
by_flag.rename_axis("on the list")

# %%
# What would make this wrong
# --------------------------
#
# * **Honest agents who differ more than those on the wage.** A specialist for angry callers looks
#   odd and is not. The calibration above is the guard against that.
# * **Agents on the wage who game too.** Only the excess over them is found.
# * **Checks that follow the list.** Once only listed agents are checked, nobody knows what the
#   others do, and the list can no longer be marked. Keep a part of the checks to the lot.
#
# The decision
# ------------

in_vain = rates.loc["flagged", "like_control"]
flagged = int(rates.loc["flagged", "agents"])
found_rate = 100 * rates["found"] / rates["audits"]
assert found_rate["flagged"] > 5 * found_rate["not flagged"]  # the words below rest on these; the
assert in_vain > 0.1  # page is not built if they fail
assert by_flag.loc[True, "contacts_gamed"] > 5 * by_flag.loc[False, "contacts_gamed"]
assert plan.glance()["gain_over_proportional"].iloc[0] > 2
print(f"Look first at {flagged} of {len(first.tidy())} agents.")
print(f"Of 100 checks {found_rate['flagged']:.0f} found gaming in them,", end=" ")
print(f"{found_rate['not flagged']:.1f} in the others.")
print(f"Yet {in_vain:.0%} of them may game no more than agents on the wage.")

# %%
# **Begin at the top of the list, listen to contacts, and tell nobody that being listed means
# anything.** Gaming is far more frequent among the listed, and some of them are listed for nothing.
# Draw the other checks by the plan, with a floor for every kind of contact.
