"""What moves agents (the A rows): each leaves its signature, and none when switched off.

Each signature is also asked of a mutant: a world of the same mean in which the state that should
move stands still. A statement that the mutant makes true would show nothing.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.staff import LOYAL, MERCENARY

STAKE = inc.Conscience().stake  # money: what one full lie gains at the reference scheme


def a_centre(**values: Any) -> inc.Scenario:
    """Sixteen agents who are busy two thirds of the time; customers often want out."""
    return inc.Scenario().change(
        {
            "floor.teams": 4,
            "floor.team_size": 4,
            "floor.customers": 9_000,
            "floor.minutes": 330.0,
            "floor.shift_minutes": (330.0,),
            "floor.pause": 30.0,
            "leaving.base": 0.05,
            "acquisition.monthly": 0.05,
            **values,
        }
    )


def per_save(money: float) -> inc.Scheme:
    return inc.Wage() + inc.PieceRate("saves", money)


def apart(differences: Any) -> tuple[float, float]:
    """Give the mean of paired differences and its Monte-Carlo error."""
    values = np.asarray(differences, float)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def seen(differences: Any) -> bool:
    """Is there an effect, four Monte-Carlo errors or more above nothing?"""
    effect, error = apart(differences)
    return effect > 4.0 * error > 0.0


# -- A9: turnover and selection ------------------------------------------------------------------

CHANGING = {
    "turnover.hazard": 0.1,
    "floor.customers": 5_000,
    "workforce.archetypes": (MERCENARY, LOYAL),
}


def mercenaries_drawn(centre: inc.Scenario, months: int = 24, replications: int = 16) -> Any:
    """By how much the share of mercenaries at the end is larger with pay per save, in twins."""
    schemes = {"wage": inc.Wage(), "saves": per_save(4 * STAKE)}
    records = inc.simulate(
        centre.vary(scheme=schemes), months=months, replications=replications, rng=5, keep="cells"
    )
    agents = records.agents[records.agents["month"] == months - 1]
    share = (agents["true_kind"] == "mercenary").groupby(agents["run"]).mean()
    runs = records.runs.set_index("run")
    table = pd.DataFrame({"share": share, "scheme": runs["scheme"].astype(str),
                          "replication": runs["replication"]})  # fmt: skip
    wide = table.pivot_table(index="replication", columns="scheme", values="share")
    return (wide["saves"] - wide["wage"]).to_numpy()


@pytest.mark.slow
def test_pay_per_save_draws_and_keeps_mercenaries() -> None:
    assert seen(mercenaries_drawn(a_centre(**CHANGING)))


@pytest.mark.slow
def test_where_pay_keeps_nobody_longer_it_still_draws_mercenaries() -> None:
    assert seen(mercenaries_drawn(a_centre(**CHANGING, **{"turnover.slope": 0.0})))


def test_without_turnover_nobody_leaves_and_the_mixture_stays() -> None:
    off = a_centre(**CHANGING).without("A9")
    assert (mercenaries_drawn(off, months=3, replications=2) == 0).all()
    assert not inc.simulate(off, months=3, rng=5, keep="cells").agents["quit"].any()


@pytest.mark.slow
def test_quits_at_a_constant_rate_and_hires_from_a_constant_pool_do_not_select() -> None:
    still = {"turnover.slope": 0.0, "turnover.draw": 0.0}
    assert not seen(mercenaries_drawn(a_centre(**CHANGING, **still)))


def test_those_who_act_against_the_grain_quit_more() -> None:
    paid = a_centre(**CHANGING).vary(scheme={"saves": per_save(4 * STAKE)})[0]
    fits, wears = (
        inc.simulate(paid.change({"turnover.fit": fit}), months=3, replications=3, rng=5,
                     keep="cells").agents["quit"].sum()
        for fit in (0.0, 20.0)
    )  # fmt: skip
    assert wears > fits
