"""A choice model fitted to recorded choices recovers the tastes that made them, in ratios.

`Menus` is the likelihood of docs/explanation/model.md ("The choice") and knows nothing of the
kernel: honest rows are one nest, lies another, cutting off stands alone. Utilities are linear in
what the choices frame records, so that what is estimated is each taste over the scale of the
noise; the tastes over that for pay are free of it.

What is not identified, whatever the sample:

- the scale, but for the reluctance to cut off, which is recorded in money: it fixes the unit;
- regard for the employer and regard for the client in-house, where the one's gain is the other's;
- conscience and fear where neither the belief nor the penalty varies: both are then a constant of
  the lie.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from reading.centre import as_read

import incentives as inc
from incentives.tastes import COLUMNS, LIES, Menus, menus

Floats = npt.NDArray[np.float64]

TASTES = {
    "pay": 0.8,
    "effort": 0.10,
    "standing": 0.25,
    "fear": 1.2,
    "care": 0.12,
    "client": 0.010,
    "employer": 0.03,
}
NAMES = list(COLUMNS)
KINSHIP, STAKE, NOISE = 0.4, 4.0, 0.13
COST = STAKE * (inc.Conscience().mean + inc.Conscience().culture)
TRUE = {**TASTES, "conscience": COST, "reluctance": 1.0}


def fit(model: Menus) -> tuple[Floats, Floats]:
    """Maximise the likelihood (Berndt, Hall, Hall and Hausman); give estimates and covariance."""
    theta = np.r_[0.1 / model.features.std(axis=0), 1.0]
    value, scores = model.score(theta)
    for _ in range(100):
        moments = scores.T @ scores
        uphill = np.linalg.solve(moments, scores.sum(axis=0))
        step = 1.0
        while True:
            there = theta + step * uphill
            if there[-1] > 0.05:
                value_there, scores_there = model.score(there)
                if value_there.sum() >= value.sum():
                    break
            step *= 0.5
        gain = value_there.sum() - value.sum()
        theta, value, scores = there, value_there, scores_there
        if gain < 1e-9:
            covariance: Any = np.linalg.inv(scores.T @ scores)
            return theta, covariance
    raise RuntimeError("the likelihood has no maximum that a hundred steps would reach")


def ratios(theta: Floats, covariance: Floats, names: list[str]) -> dict[str, tuple[float, float]]:
    """Give each taste over that for pay, with its standard error by the delta method."""
    pay = names.index("pay")
    found = {}
    for i, name in enumerate(names):
        slope = np.zeros(len(theta))
        slope[i] = 1.0 / theta[pay]
        slope[pay] -= theta[i] / theta[pay] ** 2
        error = float(np.sqrt(slope @ covariance @ slope))
        found[name] = (float(theta[i] / theta[pay]), error)
    return found


# -- a workforce of one kind --------------------------------------------------------------------


def alike(**values: Any) -> inc.Scenario:
    """Sixteen agents who are the same, dealing with contacts of every sort, and nobody waits."""
    return (
        as_read(inc.Scenario())
        .without("O5")
        .change(
            {
                "floor.teams": 4,
                "floor.customers": 8_000,
                "leaving.base": 0.12,
                "acquisition.monthly": 0.1,
                "turnover.hazard": 0.0,
                "workforce.archetypes": (inc.Archetype(name="one", risk=0.01, **TASTES),),
                "workforce.tastes": 0.0,
                "workforce.pace": 0.0,
                "workforce.closing": 0.0,
                "conscience.stake": STAKE,
                "conscience.noise": NOISE,
                "conscience.kinship": KINSHIP,
                "conscience.spread": 0.0,
                "conscience.ability": 0.0,
                "dropped_contact.spread": 0.0,
                "dropped_contact.reluctance": 2.5,
                "dropped_contact.habit": 1.0,
                "dropped_contact.evening": 1.0,
                "misclassified_contact.passable": 0.5,
                "misclassified_contact.upsizable": 0.5,
                "regard.distance": 1.0,
                **values,
            }
        )
    )


def paying(saves: float, sales: float, contacts: float) -> inc.Scheme:
    scheme: inc.Scheme = inc.Wage()
    if saves:
        scheme += inc.PieceRate("saves", saves)
    if sales:
        scheme += inc.PieceRate("sales", sales)
    if contacts:
        scheme += inc.PieceRate("contacts", contacts)
    return scheme


PRICES = [  # money per save, sale and contact; penalty; 1 where a contractor is the employer
    (0.0, 0.0, 0.3, 60.0, 0.0),
    (0.1, 4.0, 0.0, 150.0, 1.0),
    (0.3, 0.2, 0.2, 20.0, 0.0),
    (2.0, 8.0, 0.0, 90.0, 1.0),
    (5.0, 1.0, 0.0, 40.0, 0.0),
    (9.0, 0.0, 0.5, 200.0, 1.0),
]


@pytest.fixture(scope="module")
def choices() -> pd.DataFrame:
    """Choices under several prices, each world with luck of its own: twins would share theirs."""
    worlds = [
        alike(**{"audit.penalty": penalty, "contract.contractor": contractor}).vary(
            scheme={f"{i}": paying(saves, sales, contacts)}
        )[0]
        for i, (saves, sales, contacts, penalty, contractor) in enumerate(PRICES)
    ]
    runs = [
        inc.simulate(world, months=2, rng=800 + i, keep="cells", choices=0.9)
        for i, world in enumerate(worlds)
    ]
    return pd.concat(
        [each.choices.assign(run=i) for i, each in enumerate(runs)], ignore_index=True
    ).astype({"true_action": str, "scheme": str})


def test_the_derivatives_of_the_likelihood_are_right(choices: pd.DataFrame) -> None:
    model = menus(choices[choices["contact"] < 400], NAMES)
    theta = np.r_[np.full(len(NAMES), 0.3), 0.6]
    theta[NAMES.index("client")] = 0.01
    scores = model.score(theta)[1].sum(axis=0)
    for i in range(len(theta)):
        step = 1e-5 * max(abs(theta[i]), 1e-2)
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        slope = (model.score(up)[0].sum() - model.score(down)[0].sum()) / (2 * step)
        assert scores[i] == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_each_choice_is_one_row_of_a_menu(choices: pd.DataFrame) -> None:
    situation = choices.groupby(["run", "contact"])
    assert (situation["true_chosen"].sum() == 1).all()
    assert (situation["true_action"].nunique() == situation.size()).all()
    assert (choices["true_queue"] == 0).all()
    lies = choices["true_action"].isin(LIES)
    assert (lies == (choices["true_lie"] == 1)).all()


def test_what_cannot_be_taken_does_not_stand_on_the_menu() -> None:
    """Nobody is transferred at the last try, and nobody is offered anything in peace."""
    once = inc.Scenario().change({"floor.teams": 2, "floor.customers": 2_000})
    more, last = (
        inc.simulate(
            once.change({"needs.tries": tries}), months=1, rng=8, keep="cells", choices=1.0
        ).choices
        for tries in (3, 1)
    )
    assert (more["true_action"] == "transfer").any()
    assert not (last["true_action"] == "transfer").any()


def test_every_choice_is_kept_when_all_are_asked_for() -> None:
    large = as_read(inc.Scenario()).change({"floor.teams": 25, "floor.customers": 110_000})
    records = inc.simulate(large, months=1, rng=8, keep="cells", choices=1.0)
    assert records.choices["contact"].nunique() == records.days["answered"].sum()


@pytest.fixture(scope="module")
def fitted(choices: pd.DataFrame) -> tuple[Floats, Floats]:
    return fit(menus(choices, NAMES))


def test_tastes_are_recovered_in_ratios(fitted: tuple[Floats, Floats]) -> None:
    for name, (ratio, error) in ratios(*fitted, NAMES).items():
        expected = TRUE[name] / TRUE["pay"]
        assert abs(ratio - expected) <= 4 * error, f"{name}: {ratio:.4f}, SE {error:.4f}"
        assert error < 0.1 * expected, f"{name}: too few choices to tell"


def test_the_kinship_of_rows_is_recovered_and_is_no_plain_logit(
    fitted: tuple[Floats, Floats],
) -> None:
    theta, covariance = fitted
    error = np.sqrt(covariance[-1, -1])
    assert abs(theta[-1] - KINSHIP) < 4 * error
    assert theta[-1] + 4 * error < 1.0


def test_the_noise_is_recovered_from_reluctance_which_is_recorded_in_money(
    fitted: tuple[Floats, Floats],
) -> None:
    theta, covariance = fitted
    at = NAMES.index("reluctance")
    scale = 1.0 / theta[at]
    assert abs(scale - NOISE * STAKE) < 4 * scale**2 * np.sqrt(covariance[at, at])


def information(choices: pd.DataFrame, names: list[str]) -> float:
    """Give the smallest eigenvalue of the information at the truth, each taste in its own unit."""
    theta = np.r_[[TRUE[name] / (NOISE * STAKE) for name in names], KINSHIP]
    scores = menus(choices, names).score(theta)[1][:, :-1]
    moments = scores.T @ scores
    size = np.sqrt(np.diag(moments))
    return float(np.linalg.eigvalsh(moments / np.outer(size, size))[0])


def test_in_house_the_employers_gain_is_the_clients(choices: pd.DataFrame) -> None:
    own = choices[choices["scheme"].isin(["0", "2", "4"])]
    assert (own["true_client"] == own["true_employer"]).all()
    assert information(own, NAMES) < 1e-9 < 1e-3 < information(choices, NAMES)
    together = [name for name in NAMES if name != "employer"]  # their sum is identified
    ratio, error = ratios(*fit(menus(own, together)), together)["client"]
    assert abs(ratio - (TRUE["client"] + TRUE["employer"]) / TRUE["pay"]) < 4 * error


def test_under_one_scheme_with_fixed_beliefs_conscience_and_fear_are_one() -> None:
    fixed = alike(**{"belief.weight": 1e6, "audit.rate": 0.0, "audit.on_saves": 0.0,
                     "belief.memory": 0.0}).without("G2", "G4", "G8")  # fmt: skip
    one = fixed.vary(scheme={"one": paying(3.0, 1.0, 0.0)})[0]
    watched = inc.simulate(one, months=2, rng=8, keep="cells", choices=0.9).choices
    names = [name for name in NAMES if name not in ("employer", "reluctance")]
    assert information(watched, names) < 1e-6
    assert information(watched, [name for name in names if name != "fear"]) > 1e-4
