"""How much of an effect runs through gaming: parts that add up, and worlds where it is known."""

import pytest

import incentives as inc
from incentives.truth import BESIDE, THROUGH, TOGETHER, WHOLE, Mediation, mediation

CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, customers=1500),
    needs=inc.Needs(),
    leaving=inc.Leaving(base=0.05),
)
LIES = ("G1", "G2")
OTHERS = ("G3", "G4", "G5", "G6", "G7", "G8")
SAVES = inc.Wage() + inc.PieceRate("saves", 20.0)


def split(agent: inc.Archetype, *off: str, replications: int = 8) -> Mediation:
    """Take the effect of paying for saves apart in a centre of agents who are all of one kind."""
    centre = CENTRE.change({"workforce.archetypes": (agent,)}).without(*off)
    paid = centre.change({"scheme": SAVES, "label": "saves"})
    return mediation(
        paid, centre, replications=replications, months=4, horizon=4, rng=3, progress=False
    )


@pytest.fixture(scope="module")
def fabricators() -> Mediation:
    return split(inc.Archetype(name="fabricator", conscience=-3.0, fear=0.0), *OTHERS)


def test_the_parts_add_up_exactly_in_every_world_and_outcome(fabricators: Mediation) -> None:
    table = fabricators.parts.pivot(
        index=["outcome", "replication"], columns="part", values="value"
    )
    assert fabricators.ids == LIES
    assert (table[BESIDE] + table[THROUGH] - table[WHOLE]).abs().max() < 1e-9
    alone = table[list(LIES)].sum(axis=1) + table[TOGETHER]
    assert (alone - table[THROUGH]).abs().max() < 1e-9


def test_the_whole_effect_is_that_of_twins(fabricators: Mediation) -> None:
    agent = inc.Archetype(name="fabricator", conscience=-3.0, fear=0.0)
    centre = CENTRE.change({"workforce.archetypes": (agent,)}).without(*OTHERS)
    pair = inc.twins(
        centre.change({"scheme": SAVES}), centre,
        replications=8, months=4, horizon=4, rng=3, progress=False,
    )  # fmt: skip
    for outcome in ("churn", "gamed", "pay"):
        assert fabricators.effect(outcome, WHOLE) == pytest.approx(pair.effect(outcome))
        assert fabricators.mc_error(outcome, WHOLE) == pytest.approx(pair.mc_error(outcome))


def test_what_fabricators_do_to_customers_runs_through_gaming(fabricators: Mediation) -> None:
    table = fabricators.tidy()
    row = table[table["outcome"] == "churn"].set_index("part")
    assert row.loc[THROUGH, "conf_low"] > 0  # who is put off by a lie leaves, and more of them
    assert row.loc[BESIDE, "effect"] < 0  # honest attempts to save keep some
    assert row.loc[THROUGH, "effect"] > row.loc[WHOLE, "effect"] > 0
    assert "pull in opposite directions" in fabricators.summary()
    assert fabricators.effect("gamed", BESIDE) == 0.0
    assert fabricators.effect("gamed") == pytest.approx(fabricators.effect("gamed", WHOLE))


def test_nothing_runs_through_gaming_where_nobody_games() -> None:
    saints = split(inc.Archetype(name="saint", conscience=3.0), *OTHERS, replications=3)
    values = saints.parts
    assert (values.loc[values["part"] == THROUGH, "value"] == 0).all()
    assert (values.loc[values["part"] == WHOLE, "value"] != 0).any()  # the scheme does something
    assert "nothing of it runs through gaming" in saints.summary()


def test_one_kind_of_gaming_needs_no_further_worlds() -> None:
    one = split(inc.Archetype(), *OTHERS, "G2", replications=2)
    assert list(one.tidy()["part"].unique()) == [WHOLE, BESIDE, THROUGH]


def test_what_cannot_be_taken_apart_is_refused() -> None:
    same = CENTRE.change({"label": "another name"})
    with pytest.raises(ValueError, match="differ in nothing but their names"):
        mediation(same, CENTRE)
    honest = CENTRE.without(*LIES, *OTHERS)
    with pytest.raises(ValueError, match="off in both scenarios"):
        mediation(honest.change({"scheme": SAVES}), honest)
    with pytest.raises(ValueError, match="replications must be 2 or more, got 1"):
        mediation(CENTRE.change({"scheme": SAVES}), CENTRE, replications=1)


def test_it_can_be_read_and_drawn(fabricators: Mediation) -> None:
    assert fabricators.summary().startswith(
        "customers of the initial population lost by the horizon, per 100: 'saves' against"
    )
    assert repr(fabricators).startswith("Mediation: 'saves' against 'against'")
    ax = fabricators.plot("churn")
    drawn = [label.get_text() for label in ax.get_yticklabels()]
    assert drawn == [WHOLE, BESIDE, THROUGH, *LIES, TOGETHER]
    with pytest.raises(KeyError, match="no outcome 'chrun'; outcomes are gamed, fabricated"):
        fabricators.summary("chrun")
    with pytest.raises(KeyError, match="no part 'G9'"):
        fabricators.effect("churn", "G9")
