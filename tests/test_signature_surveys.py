"""Survey gaming (G6): whom to invite, whom to skip, and begging for top marks.

The signature is that the reported score departs from what all who were served would say, in mean
and in spread. Beside it stands a mutant in which as many are invited, by chance, and a constant of
the same mean is added to their scores.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives.gaming import AskNumbers, ConscienceNumbers, impression_of, lesser_lie, pleaded
from incentives.mechanism import lower_numbers

WORLDS = 8
NEEDED = 4.0  # standard errors between a signature and its twin without it
STEPS = tuple((5.0 + 0.5 * i, 40.0 * i) for i in range(1, 10))  # paid by the mean score
CENTRE = inc.Scenario(
    floor=inc.Floor(teams=2, team_size=4, customers=7_000),
    scheme=inc.Wage() + inc.Tiers("survey_score", STEPS, pays="lump"),
)

Statistic = Callable[[pd.DataFrame, pd.DataFrame], float]


def worlds_of(scenario: inc.Scenario) -> inc.Records:
    return inc.simulate(scenario, replications=WORLDS, months=3, rng=3)


def per_world(records: inc.Records, statistic: Statistic) -> np.ndarray:
    """Give a statistic of the contacts that might be surveyed, and of the surveys, for each run."""
    contacts, surveys = records.contacts, records.surveys
    contacts = contacts[(contacts["agent"] >= 0) & (contacts["true_action"] != "cut_off")]
    return np.array(
        [
            statistic(contacts[contacts["run"] == run], surveys[surveys["run"] == run])
            for run in records.runs["run"]
        ],
        float,
    )


def against(on: np.ndarray, off: np.ndarray) -> float:
    """Give the mean paired difference in Monte-Carlo standard errors."""
    gap = on - off
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


def mean_gap(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Mean score reported, less the mean that all would give (points)."""
    return float(surveys["score"].mean() - contacts["true_experience"].mean())


def spread_gap(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Spread of the scores reported, less that of the experience of all (points)."""
    return float(surveys["score"].std() - contacts["true_experience"].std())


def selection(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Mean experience of those invited, less that of all (points)."""
    return float(surveys["true_experience"].mean() - contacts["true_experience"].mean())


def said_above(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Mean score of those who answered, less their own experience (points)."""
    return float((surveys["score"] - surveys["true_experience"]).mean())


def asked_for(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Share of contacts on which the agent asked for an answer, or for top marks."""
    asked = (surveys["true_invited_by"] == "agent") | surveys["true_begged"]
    return float(asked.sum() / len(contacts))


def begged_for(contacts: pd.DataFrame, surveys: pd.DataFrame) -> float:
    """Share of contacts on which the agent begged."""
    return float(surveys["true_begged"].sum() / len(contacts))


def measured(statistic: Statistic) -> Callable[[inc.Records], np.ndarray]:
    return lambda records: per_world(records, statistic)


MOVES: dict[str, tuple[inc.Scenario, Callable[[inc.Records], np.ndarray]]] = {
    "share of contacts on which an answer is asked for": (CENTRE, measured(asked_for)),
    "share of contacts on which an answer is asked for by those who weigh the gain": (
        CENTRE.change({"conscience.slope": 0.9}),
        measured(asked_for),
    ),
    "share of contacts on which an answer is asked for in fear of a check": (
        CENTRE.change({"belief.prior": 0.1}),
        measured(asked_for),
    ),
    "experience of those invited above that of all": (CENTRE, measured(selection)),
    "score above experience": (CENTRE, measured(said_above)),
    "share of contacts on which top marks are begged for": (CENTRE, measured(begged_for)),
}


@pytest.fixture(scope="module")
def gamed() -> inc.Records:
    return worlds_of(CENTRE)


@pytest.fixture(scope="module")
def left_to_chance() -> inc.Records:
    return worlds_of(CENTRE.without("G6"))


# -- the signature ------------------------------------------------------------------------------


def test_reported_scores_depart_from_what_all_would_say(gamed, left_to_chance):
    """The mean rises above it and the spread falls, beyond what non-response alone does."""
    for statistic, sign in ((mean_gap, 1.0), (spread_gap, -1.0), (selection, 1.0)):
        on, off = (per_world(world, statistic) for world in (gamed, left_to_chance))
        assert sign * against(on, off) > NEEDED, statistic.__name__


def test_left_to_chance_the_invited_are_like_all(left_to_chance):
    surveys = left_to_chance.surveys
    assert (surveys["true_invited_by"] == "chance").all()
    assert not surveys["true_begged"].any()
    assert not left_to_chance.audits["found_survey"].any()
    apart = per_world(left_to_chance, selection)
    assert abs(against(apart, np.zeros(WORLDS))) < NEEDED


def test_as_many_invitations_and_a_constant_select_nobody_and_leave_the_spread(
    gamed, left_to_chance
):
    """The mutant: chance invites as many, and each score is raised by as much."""
    share = len(gamed.surveys) / len(gamed.contacts)
    mutant = worlds_of(CENTRE.without("G6").change({"surveys.invites": share}))
    raised = (per_world(gamed, mean_gap) - per_world(mutant, mean_gap)).mean()
    mutant.surveys["score"] += np.float32(raised)
    assert per_world(mutant, mean_gap).mean() == pytest.approx(per_world(gamed, mean_gap).mean())
    for statistic in (spread_gap, selection):
        numbers = per_world(mutant, statistic)
        assert abs(against(numbers, per_world(left_to_chance, statistic))) < NEEDED
        assert abs(against(numbers, per_world(gamed, statistic))) > NEEDED


def test_mercenaries_depart_further_than_the_loyal():
    kinds = inc.Workforce(
        archetypes=(
            inc.Archetype(name="mercenary", conscience=-0.6, care=0.0),
            inc.Archetype(name="loyal", conscience=0.6, care=0.4),
        )
    )
    records = worlds_of(replace(CENTRE, workforce=kinds))
    who = records.agents.set_index(["run", "month", "agent"])["true_kind"]

    def gap_of(kind: str) -> np.ndarray:
        part = [
            frame[who.reindex(pd.MultiIndex.from_frame(frame[who.index.names])).to_numpy() == kind]
            for frame in (records.contacts, records.surveys)
        ]
        return per_world(replace(records, contacts=part[0], surveys=part[1]), mean_gap)

    assert against(gap_of("mercenary"), gap_of("loyal")) > NEEDED


# -- where there is nothing to gain -------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme", [inc.Wage(), inc.Wage() + inc.PieceRate("sales", 4.0)], ids=["wage", "sales"]
)
def test_under_pay_that_does_not_read_surveys_nobody_games_them(scheme):
    centre = replace(CENTRE, scheme=scheme)
    on, off = (
        inc.simulate(each, months=1, rng=3).frames() for each in (centre, centre.without("G6"))
    )
    for name in on.keys() - {"runs"}:
        pd.testing.assert_frame_equal(on[name], off[name], check_exact=True)


# -- the rules ----------------------------------------------------------------------------------

ASKING = lower_numbers(inc.SurveyGaming(), AskNumbers)
CONSCIENCE = lower_numbers(inc.Conscience(), ConscienceNumbers)


def test_a_lesser_lie_is_a_lie_of_a_smaller_size():
    """With a quarter of a lie's stake, a quarter of its gain is worth a quarter of the lie."""
    about = {"kappa": 2.0, "found": 0.1, "pay": 0.8, "fear": 1.0, "penalty": 20.0}
    lie = lesser_lie(4.0, **about, size=1.0, conscience=CONSCIENCE)
    small = lesser_lie(1.0, **about, size=0.25, conscience=CONSCIENCE)
    assert small == pytest.approx(0.25 * lie, rel=1e-12)
    gain = 0.78 * 4.0 * (1.0 - np.exp(-4.0 / 0.2)) + 0.22 * 4.0 * 0.9
    assert lie == pytest.approx(0.8 * gain - 2.0 - 2.0, rel=1e-12)


def test_what_loses_pay_is_worth_less_than_leaving_it_even_to_those_who_like_to_game():
    for kappa in (-3.0, 0.0, 3.0):
        worth = lesser_lie(-0.5, kappa, 0.0, 1.0, 1.0, 150.0, 0.25, CONSCIENCE)
        assert worth == pytest.approx(-0.5 - 0.25 * max(kappa, 0.0))


def test_impressions_and_pleas_stay_on_the_scale():
    assert impression_of(7.0, 0.0, ASKING) == 7.0
    assert impression_of(9.0, 3.0, ASKING) == 10.0
    assert impression_of(1.0, -3.0, ASKING) == 0.0
    assert pleaded(5.0, 1.0, ASKING) == pytest.approx(8.0)
    assert pleaded(5.0, 0.5, ASKING) == pytest.approx(6.5)
    assert pleaded(10.0, 1.0, ASKING) == 10.0
