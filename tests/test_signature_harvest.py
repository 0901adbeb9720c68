"""Data harvested (C9): sold under cover of a feedback form, they bring strangers, and customers go.

The signature is that those who answered a survey, and they alone, are less content later and leave:
their difference between twins, less the difference of those whose data were never sold. The mutant
takes as much satisfaction from everybody. Effects are made strong, so that few worlds show them.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.customers import strangers
from incentives.truth import outcomes
from incentives.world import World

WORLDS, MONTHS = 8, 4
NEEDED = 4.0  # standard errors between a signature and its twin without it
CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, team_size=4, customers=7_000),
    scheme=inc.Wage(),
    surveys=inc.Surveys(invites=0.5, answers=0.4),
    data_harvest=inc.DataHarvest(
        share=0.6, price=5.0, nuisances=3.0, months=24.0, blames=0.8, annoys=0.5, distrust=0.1
    ),
)
Measure = Callable[[inc.Records], np.ndarray]


def run(scenario: inc.Scenario) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=MONTHS, rng=8)


def z(gap: np.ndarray) -> float:
    """Give a mean in Monte-Carlo standard errors."""
    error = gap.std(ddof=1) / np.sqrt(len(gap))
    return float(gap.mean() / error) if error > 0.0 else 0.0


@pytest.fixture(scope="module")
def harvested() -> inc.Records:
    return run(CENTRE)


@pytest.fixture(scope="module")
def spared() -> inc.Records:
    return run(CENTRE.without("C9"))


def groups(records: inc.Records) -> pd.Series:
    """Say of each customer, by run, whether the data were sold in the first month, or never."""
    customers = records.customers
    sold = customers["data_sold"] > 0.0
    keys = [customers["run"], customers["customer"]]
    first = (sold & (customers["month"] == 0)).groupby(keys).any()
    ever = sold.groupby(keys).any()
    known = (customers["month"] == 0).groupby(keys).any()
    return first[known & (first | ~ever)].rename("sold")


def later(records: inc.Records, who: pd.Series, column: str) -> np.ndarray:
    """Give what those sold differ in from those never sold after the first bill, by run."""
    customers = records.customers[records.customers["month"] > 0]
    customers = customers.join(who, on=["run", "customer"], how="inner")
    value = customers.pivot_table(index="run", columns="sold", values=column)
    return np.asarray(value[True] - value[False], float)


def singled_out(records: inc.Records, twin: inc.Records, who: pd.Series, column: str) -> np.ndarray:
    """Give by how much more a column has moved against the twin for those whose data were sold."""
    return later(records, who, column) - later(twin, who, column)


# -- rules --------------------------------------------------------------------------------------


def test_strangers_are_poisson() -> None:
    u = (np.arange(20_000) + 0.5) / 20_000
    counts = np.array([strangers(each, inc.DataHarvest(nuisances=2.0)) for each in u])
    assert counts.mean() == pytest.approx(2.0, abs=0.01)
    assert counts.var() == pytest.approx(2.0, abs=0.03)
    assert strangers(0.999999, inc.DataHarvest(nuisances=0.0)) == 0


# -- signature ----------------------------------------------------------------------------------


def test_those_whose_data_were_sold_are_less_content_later_and_leave(harvested, spared):
    who = groups(harvested)
    assert z(singled_out(harvested, spared, who, "true_satisfaction")) < -NEEDED
    assert z(singled_out(harvested, spared, who, "true_trust")) < -NEEDED
    assert z(singled_out(harvested, spared, who, "left")) > NEEDED


def test_they_are_those_who_answered_and_were_no_less_content(harvested, spared):
    who = groups(harvested)
    sold = who[who].reset_index()[["run", "customer"]]
    answered = harvested.surveys[harvested.surveys["answered"]]
    log = harvested.contacts.set_index(["run", "contact"])["customer"]
    asked = answered.join(log, on=["run", "contact"])[["run", "customer"]].drop_duplicates()
    assert len(sold.merge(asked)) == len(sold) > 100
    share = len(sold) / len(asked[asked["customer"] >= 0].merge(harvested.runs[["run"]]))
    assert 0.05 < share < 0.7
    # at the first bill nobody has been bothered yet
    first, twin = (
        each.customers[each.customers["month"] == 0].set_index(["run", "customer"])
        for each in (harvested, spared)
    )
    assert (first["true_satisfaction"].to_numpy() == twin["true_satisfaction"].to_numpy()).all()


def test_money_comes_now_and_goes_later(harvested, spared):
    on, off = outcomes(harvested, horizon=MONTHS), outcomes(spared, horizon=MONTHS)
    assert (on["data_sold"] > 0.0).all()
    sold = harvested.customers.groupby("run")["data_sold"].sum() / MONTHS
    np.testing.assert_allclose(on["data_sold"], sold, rtol=1e-6)
    assert z((on["churn"] - off["churn"]).to_numpy()) > NEEDED

    def margin(records: inc.Records, month: int) -> np.ndarray:
        bills = records.customers[records.customers["month"] == month]
        return np.asarray(bills.groupby("run")["value"].sum())

    assert (margin(harvested, 0) == margin(spared, 0)).all()
    assert z(margin(harvested, MONTHS - 1) - margin(spared, MONTHS - 1)) < -NEEDED


def test_bills_in_cells_hold_the_same_money(harvested):
    cells = inc.simulate(CENTRE, replications=1, months=MONTHS, rng=8, keep="cells").customers
    rows = harvested.customers[harvested.customers["run"] == 0]
    assert cells["data_sold"].sum() == pytest.approx(rows["data_sold"].sum())
    assert cells["left"].sum() == rows["left"].sum()


# -- off ----------------------------------------------------------------------------------------


def test_without_it_no_data_are_sold_and_nobody_is_singled_out(harvested, spared):
    assert (spared.customers["data_sold"] == 0.0).all()
    never = run(CENTRE.change({"data_harvest.share": 0.0}))
    pd.testing.assert_frame_equal(never.customers, spared.customers)
    who = groups(harvested)
    assert (singled_out(never, spared, who, "true_satisfaction") == 0.0).all()


# -- a mutant -----------------------------------------------------------------------------------


def dulled(loss: np.ndarray) -> inc.Records:
    """Run worlds without it in which every customer loses as much at each bill as all on average.

    `loss` is by month, in points of satisfaction.
    """
    parts = []
    for replication in range(WORLDS):
        world = World(
            CENTRE.without("C9"), rng=8, replication=replication, months=MONTHS, run=replication
        )
        for month in range(MONTHS):
            row = world.customers.row
            row["satisfaction"] = np.maximum(row["satisfaction"] - loss[month], 0.0)
            while world.month == month:
                world.live()
        parts.append(world.records())
    return inc.Records.concat(parts)


def test_as_much_less_content_everybody_singles_nobody_out(harvested, spared):
    def level(records: inc.Records) -> np.ndarray:
        return np.asarray(records.customers.groupby("month")["true_satisfaction"].mean())

    missing = level(spared) - level(harvested)
    fades = 1.0 - CENTRE.expectations.fade
    steps = np.append(missing[:1], missing[1:] - fades * missing[:-1])
    mutant, who = dulled(steps), groups(harvested)
    np.testing.assert_allclose(level(mutant)[1:], level(harvested)[1:], atol=0.15)
    for column in ("true_satisfaction", "left"):
        real = singled_out(harvested, spared, who, column)
        same = singled_out(mutant, spared, who, column)
        assert abs(same.mean()) < 0.1 * abs(real.mean())


# -- what each parameter moves ------------------------------------------------------------------


def money(records: inc.Records) -> np.ndarray:
    """Money got for data, by run."""
    return np.asarray(records.customers.groupby("run")["data_sold"].sum())


def of_those_sold(column: str) -> Measure:
    """Give the mean of a column at later bills of those whose data were sold in the first month."""

    def measure(records: inc.Records) -> np.ndarray:
        customers = records.customers
        sold = customers[(customers["data_sold"] > 0.0) & (customers["month"] == 0)]
        own = customers[customers["month"] > 0].merge(sold[["run", "customer"]])
        return np.asarray(own.groupby("run")[column].mean())

    return measure


MOVES: dict[str, tuple[inc.Scenario, Measure]] = {
    "+money from data sold": (CENTRE, money),
    "-satisfaction of those whose data were sold": (CENTRE, of_those_sold("true_satisfaction")),
    "-trust of those whose data were sold": (CENTRE, of_those_sold("true_trust")),
}
"""Where each phrase of `moves=` is looked at, and how it is measured: a number a run."""
