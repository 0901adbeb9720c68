"""`scheme_effect` where nothing is to be found, with 8, 12 and 24 teams, and what a past is worth.

Teams on a wage are dealt at random, within each world, to two names for the same. Given the worlds
dealings are independent of one another, so that rejections at 5 % are binomial.
"""

from functools import cache

import audit_worlds
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import worlds
from scipy import stats

import incentives as inc
from incentives.estimates import scheme_effect

KEYS = ["run", "month", "agent", "team", "logged_outcome"]
SIZES = {8: (1, 8, 300), 12: (2, 6, 64), 24: (3, 8, 64)}
"""For firms of so many teams: of how many worlds, how many teams of each, how often dealt."""


@cache
def waged() -> tuple[tuple[npt.NDArray[np.int64], pd.DataFrame], ...]:
    """Give, of each gamed world, the teams on the wage, and their cells."""
    records = worlds.trial("gamed")
    cells = records.cells[(records.cells["logged_outcome"] != "abandoned").to_numpy()]
    cells = cells[(cells["scheme"].astype(str) == "wage").to_numpy()]
    counted = cells.groupby(KEYS, observed=True)["n"].sum().reset_index()
    parts = dict(list(counted.groupby("run")))
    return tuple((part["team"].unique(), part) for part in parts.values())


def firm(rng: np.random.Generator, first: int, teams: int) -> inc.Records:
    """Make a firm of some worlds in a row, half the teams of each under another name."""
    of, taken, _ = SIZES[teams]
    cells, given, runs = [], [], []
    for known, part in (waged()[(first + k) % len(waged())] for k in range(of)):
        chosen = rng.permutation(known)[:taken]
        named = chosen[: taken // 2]
        run = part["run"].iloc[0]
        kept = part[part["team"].isin(chosen)]
        cells.append(kept.assign(scheme=np.where(kept["team"].isin(named), "same", "wage")))
        runs.append((run, run, "assigned"))
        for team in chosen:
            name = "same" if team in named else "wage"
            given.append((run, "team", team, name, 0, worlds.MONTHS, True, 0.5))
    columns = ["run", "unit", "unit_id", "scheme", "from_month", "to_month", "randomised", "prob"]
    names = ("contacts", "agents", "audits", "surveys", "customers", "days", "choices", "clients")
    return inc.Records(
        runs=pd.DataFrame(runs, columns=["run", "replication", "scheme"]),
        cells=pd.concat(cells, ignore_index=True),
        assignments=pd.DataFrame(given, columns=columns),
        **dict.fromkeys(names, pd.DataFrame()),
    )


@cache
def found(teams: int) -> pd.DataFrame:
    """Give p values, by t and by randomisation, of as many dealings."""
    rng = np.random.default_rng([20, teams])
    of, _, dealings = SIZES[teams]
    rows = []
    for k in range(dealings):
        effect = scheme_effect(firm(rng, k * of, teams), control="wage", outcome="saves")
        one = effect.tidy().iloc[0]
        assert one["n_clusters"] == teams
        dealt = effect.inference("randomisation", reps=199, rng=k).tidy().iloc[0]
        away = abs(one["estimate"]) / one["std_error"]
        few = np.sqrt(teams / (teams - 2))
        rows.append(
            {
                "randomisation": dealt["p_value"],
                "t": one["p_value"],
                "normal": 2 * stats.norm.sf(away * few),
            }
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("teams", SIZES)
@pytest.mark.parametrize("method", ["t", "randomisation"])
def test_nothing_is_found_as_often_as_a_level_says(teams: int, method: str) -> None:
    p = found(teams)[method]
    low, high = stats.binom.ppf([0.0005, 0.9995], len(p), 0.05)
    assert low <= (p <= 0.05).sum() <= high, (p <= 0.05).mean()


def test_with_eight_teams_a_normal_reading_finds_what_is_not_there() -> None:
    """Errors without the factor for few clusters, against normal critical values."""
    rejected = found(8)[["normal", "t"]].le(0.05).sum()
    assert rejected["normal"] > stats.binom.ppf(0.9995, len(found(8)), 0.05)
    assert rejected["t"] < rejected["normal"]


def test_a_past_costs_no_precision() -> None:
    """Over many teams; in one firm of 16 the past may differ by chance between the schemes."""
    records = audit_worlds.piloted().seen_by("analyst")
    for outcome in ("saves", "sales", "handle_minutes"):
        effect = scheme_effect(records, control="wage", outcome=outcome)
        error = effect.tidy().set_index("estimator")["std_error"]
        assert error["ANCOVA"] < 1.05 * error["difference in means"], outcome
