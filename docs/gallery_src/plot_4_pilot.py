"""
How large a pilot do we need?
=============================

Next spring half of the teams shall get a bonus for saves. How many teams, and how many checked
contacts, until we would notice that the log is inflated? The way to find out is to live through
the pilot many times in a simulated centre where the answer is known, before spending any money.

What you need
-------------

No records yet, but a description of the centre.

.. list-table::
   :header-rows: 1

   * - what
     - where it comes from
     - where it goes
   * - teams, agents, customers
     - staff planning, billing
     - ``[floor]`` of the scenario
   * - how many contacts are checked
     - quality assurance
     - ``[audit]``
   * - pay schemes to compare
     - whoever proposes them
     - ``schemes`` of the study
   * - everything else
     - a centre that ships and is like yours
     - ``incentives scenarios`` lists them, ``incentives show NAME --units`` every assumption
"""

# %%
# Declare the study
# -----------------
#
# A small copy of the outsourced retention floor, two months, half of the teams drawn by lot. The
# question is *inflation*: successes that are logged and were none, per 100 contacts. The answer is
# that of ``gaming_effect``; two readings always stand beside it, ``naive`` (checks as they come,
# without regard to how they were drawn) and ``oracle`` (somebody who sees everything).

import matplotlib.pyplot as plt

import incentives as inc
from incentives.study import Assign, Study

centre = inc.Scenario.load("outsourced_retentions").change(
    {
        "floor.teams": 6,
        "floor.team_size": 2,
        "floor.customers": 13_200,
        "routing.keep": "team",
        "audit.on_saves": 0.15,
    }
)
study = Study(
    centre,
    {"wage": inc.Wage(), "bonus": inc.Wage() + inc.PieceRate("saves", 6.0)},
    control="wage",
    months=2,
    assign=Assign("team"),
    questions=("inflation",),
    answers=("gaming_effect",),
)

# %%
# Live through it
# ---------------
#
# ``redesign`` makes a study of every combination of values: two sizes, and checks of 1 % or 3 % of
# all contacts. Each is lived through 16 times, which is far too few for a plan and enough for a
# page; the script ``experiments/pilot_size.py`` does it with a hundred times for each of a
# larger grid. Twins, the same worlds under either scheme, give the truth.

grid = study.redesign(teams=[6, 18], audit_rate=[0.01, 0.03])
found = grid.diagnose(sims=16, pairs=4, rng=1)

table = found.tidy().query("diagnosand in ['truth', 'bias', 'coverage', 'power', 'audit_hours']")
wide = table.pivot_table(
    index=["answer", "teams", "audit_rate"], columns="diagnosand", values="value"
)
wide[["truth", "bias", "coverage", "power", "audit_hours"]].round(2)

# %%
# * ``power``: how often the pilot finds something (p below 5 %).
# * ``coverage``: how often the 95 % interval holds the truth. It should be near 0.95.
# * ``bias``: how far the answer is off on average, in the unit of the truth.
# * ``audit_hours``: what the checks cost, at a quarter of an hour each.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for ax, diagnosand in zip(axes, ("power", "coverage"), strict=True):
    found.plot(diagnosand, ax=ax)
    ax.get_legend().remove()
handles, labels = axes[0].get_legend_handles_labels()
legend = figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")

# %%
# What the easy reading would make one believe
# --------------------------------------------
#
# A look at ``power`` alone would choose the naive reading, which finds something at least as often
# as the careful answer. But its ``bias`` is larger than the truth itself, because logged saves are
# checked more often than other contacts, and its ``coverage`` falls as the pilot grows: it is ever
# surer of a wrong number. That is why the study has to know the truth.
#
# What would make this wrong
# --------------------------
#
# * **A centre that is not yours.** The plan is as good as the scenario. Change what you are unsure
#   of, run it again, and see whether the answer moves.
# * **An effect that is smaller.** Power is that for the effect in the simulation; if half of it
#   would still matter, plan for half: a smaller bonus in ``schemes``.
# * **Sixteen simulations.** A share of 16 is uncertain by up to 0.13 either way (one Monte-Carlo
#   error; ``found.tidy()`` has it as ``mc_error``), so that neighbouring sizes could not be told
#   apart.
# * **A plan that is changed later.** ``study.freeze("pilot.toml")`` writes it down with a seal.
#
# The decision
# ------------

answer, naive = wide.loc["gaming_effect"], wide.loc["naive"]
smallest, largest = answer.loc[6, "power"], answer.loc[18, "power"]
assert smallest.max() < 0.8 < largest.min()  # the words below rest on these; the page is not
assert (naive["bias"] > naive["truth"]).all()  # built if they fail
assert (naive["power"] >= answer["power"]).all()
assert naive.loc[18, "coverage"].max() < naive.loc[6, "coverage"].min()
assert naive.loc[18, "coverage"].max() < answer.loc[18, "coverage"].min()
enough = answer[answer["power"] >= 0.8].sort_values("audit_hours")
teams, rate = enough.index[0]
print(f"Six teams find inflation in {smallest.min():.0%} to {smallest.max():.0%} of the pilots,")
print(f"eighteen teams in {largest.min():.0%} to {largest.max():.0%}.")
print(f"The fewest hours of checking with a power of 80 % or more: {teams} teams, {rate:.0%} of")
print(f"contacts checked, {enough['audit_hours'].iloc[0]:.0f} hours.")

# %%
# **Six teams are too few; take more teams before more checks.** Take the pilot that is printed as
# a first guess, run a grid around it with two hundred simulations each, freeze the study, and only
# then start the trial. When its files are in, the question is :ref:`whether the scheme is gamed
# <sphx_glr__generated_gallery_plot_1_gaming.py>`.
