"""The kernel against a second reading of the model's page: distributions, not draws.

`tests/reading` simulates the same scenarios in plain Python and shares no rule and no random number
with the kernel. For every scenario, each program runs a few dozen replications; every outcome is a
number a replication, and its means in the two programs may differ by no more than their standard
errors allow: a Welch t test, Bonferroni over all outcomes of the file, so that chance fails it once
in forty rewrites of the random numbers. That is about five standard errors.

What that can see is part of the test (`SEES`): where all agents are alike, a difference of four
hundredths in a handle time, of an eighth in the share that is served plainly or in who leaves, of a
quarter in a wait.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from reading.agreement import compare
from reading.centre import as_read

import incentives as inc

FLOOR = inc.Floor(teams=2, team_size=2, customers=5_000)
CENTRE = as_read(inc.Scenario(floor=FLOOR))
"""A small, busy centre: one contact in eight waits."""

ALIKE = replace(
    CENTRE.change({"conscience.mean": -0.3, "leaving.base": 0.04, "audit.rate": 0.02}),
    workforce=inc.Workforce(archetypes=(inc.Archetype(),), tastes=0.0, pace=0.0, closing=0.0),
    conscience=inc.Conscience(mean=-0.3, spread=0.0, ability=0.0),
    dropped_contact=inc.DroppedContact(spread=0.0),
)
"""The same with agents who do not differ, tempted to lie, and with many who want to leave: shares
are sharp."""

WAGE = inc.Wage()
SAVES, SALES = inc.PieceRate("saves", 8.0), inc.PieceRate("sales", 5.0)
SUPPRESSING = {
    "menu.suppress.harm": 2.0,
    "menu.save.keeps": 0.5,
    "menu.save.keeps_decided": 0.35,
    "menu.press.keeps_decided": 0.4,
    "menu.press.harm": 0.0,
    "menu.press.distrust": 0.8,
    "suppressed_cancellation.traced": 0.3,
    "suppressed_cancellation.discovery": 0.5,
    "leaving.base": 0.08,
    "leaving.walks": 0.3,
    "leaving.mends": 5.0,
    "leaving.satisfaction": 0.7,
    "leaving.trust": 3.0,
    "expectations.fade": 0.5,
    "expectations.adapts": 0.6,
    "queueing.redials": 0.3,
    "dropped_contact.reluctance": 1.5,
    "dropped_contact.habit": 1.5,
    "dropped_contact.queue": 0.3,
    "dropped_contact.evening": 1.0,
    "audit.rate": 0.05,
    "audit.penalty": 20.0,
    "belief.weight": 50.0,
    "belief.memory": 0.8,
    "belief.talk": 0.8,
    "turnover.slope": 4.0,
    "turnover.outside": 6_000.0,
    "conscience.mean": -0.6,
    "conscience.noise": 0.6,
    "conscience.kinship": 0.6,
    "conscience.cap": 3.0,
    "conscience.slope": 0.6,
    "value.misreport": 1.0,
    "misclassified_contact.passable": 0.3,
}
STRONG = {
    "openness.blur": 1.5,
    "made_up_minds.hit": 0.85,
    "menu.save.annoys": 4.0,
    "expectations.losses": 3.0,
    "expectations.adapts": 0.4,
    "expectations.speed": 0.5,
    "expectations.fade": 0.4,
    "expectations.waiting": 0.4,
    "leaving.base": 0.02,
    "leaving.satisfaction": 0.6,
    "leaving.trust": 2.0,
    "leaving.tenure": 1.0,
    "leaving.walks": 0.3,
    "leaving.mends": 4.0,
    "leaving.distrust_at_start": 0.4,
    "queueing.temper": 0.4,
    "queueing.redials": 0.9,
    "queueing.redial_minutes": 120.0,
    "needs.returns": 0.9,
    "needs.return_days": 6.0,
    "needs.tries": 3.0,
    "dropped_contact.reluctance": 3.0,
    "dropped_contact.habit": 1.5,
    "dropped_contact.queue": 0.3,
    "dropped_contact.evening": 1.0,
    "surveys.invites": 0.6,
    "surveys.extremes": 3.0,
    "surveys.noise": 3.0,
    "belief.memory": 0.8,
    "belief.talk": 1.0,
    "turnover.hazard": 0.2,
    "turnover.slope": 6.0,
    "value.misreport": 2.0,
    "conscience.onset": 0.5,
    "conscience.slope": 0.5,
    "menu.press.distrust": 0.5,
    "menu.press.harm": 0.0,
    "openness.moment": 1.5,
    "workforce.archetypes": (inc.Archetype(employer=0.02, client=0.02, risk=0.05),),
}
"""Rules that matter little by default, made to matter."""

SCENARIOS = {
    "wage": CENTRE,
    "saves": replace(CENTRE, scheme=WAGE + SAVES),
    "strong": replace(ALIKE.change(STRONG), scheme=WAGE + SAVES + SALES),
    "saves and sales": replace(ALIKE, scheme=WAGE + SAVES + SALES),
    "target": replace(ALIKE, scheme=WAGE + inc.Target("save_rate", 0.48, lump=300.0)),
    "survey": replace(ALIKE, scheme=WAGE + inc.Target("survey_score", 7.4, lump=400.0)),
    "suppressed": replace(
        ALIKE.change(SUPPRESSING), scheme=WAGE + inc.PieceRate("saves", 16.0)
    ).without("G1"),
    "without gaming": replace(CENTRE, scheme=WAGE + SALES).without("G1", "G2", "G3", "G4"),
    "without queues": ALIKE.without("O5"),
    "without openness": replace(ALIKE, scheme=WAGE + SALES).without("C3"),
}
DIFFER = ("wage", "saves", "without gaming")  # where agents differ, and shares with them

SEES = {
    "handle question": 0.04,
    "handle question, median": 0.04,
    "experience question": 0.015,
    "resolved at first contact": 0.015,
    "waited": 0.15,
    "wait of who is served": 0.25,
    "abandoned": 0.3,
    "question serve": 0.12,
    "left by contact": 0.15,
    "left silently": 0.15,
    "paid": 0.06,
    "belief": 0.2,
    "audits": 0.12,
    "answered": 0.1,
    "score": 0.025,
}
"""The smallest difference that is found where agents are alike, as a share of the outcome."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_that_the_kernel_and_a_second_reading_agree(name):
    table, fixed = compare(SCENARIOS[name], seed=1 + list(SCENARIOS).index(name))
    np.testing.assert_allclose(fixed["reading"], fixed["kernel"], rtol=1e-9)
    apart = table[table["z"].abs() > table["allowed"]]
    assert apart.empty, f"{name}: the two programs disagree\n{apart.to_string()}"
    if name not in DIFFER:
        sees = (table["allowed"] * table["se"] / table["kernel"]).reindex(list(SEES)).dropna()
        blind = sees[sees > pd.Series(SEES).reindex(sees.index)]
        assert blind.empty, f"{name}: too few replications to see\n{blind.to_string()}"
