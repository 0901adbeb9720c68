"""Our inference beside pyfixest, linearmodels and lifelines, on the same inputs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from linearmodels.panel import PanelOLS

from incentives.estimates.bootstrap import wild
from incentives.estimates.cox import Episodes, fit_cox
from incentives.estimates.inference import Estimated, shares
from incentives.estimates.resampling import Contrast, contrast_of

FIXTURES = Path(__file__).resolve().parent / "fixtures"
CLOSE = 1e-6


def fixture(name: str) -> pd.DataFrame:
    return pd.read_csv(FIXTURES / f"{name}.csv")


def by_team(frame: pd.DataFrame, value: "pd.Series[float]") -> np.ndarray:
    """Add up by team and arm."""
    cells = frame.assign(value=value)
    table = cells.pivot_table("value", "team", "bonus", aggfunc="sum", fill_value=0.0)
    return table[[0, 1]].to_numpy(float)


def effect(
    frame: pd.DataFrame, outcome: "pd.Series[float]", weight: "pd.Series[float]"
) -> tuple[Estimated, Contrast]:
    """Our difference of shares, with its sandwich before any correction for few clusters."""
    whole = by_team(frame, weight)
    estimated = shares(by_team(frame, outcome * weight), whole)
    return estimated.difference(1, 0), contrast_of(estimated, 1, weight=whole)


def error(estimated: Estimated) -> float:
    return float(np.sqrt((estimated.influence**2).sum()))


PLAIN = pf.ssc(k_adj=False, G_adj=False)


@pytest.mark.parametrize("weighted", [True, False])
def test_feols_has_our_difference_and_our_clustered_error(weighted: bool) -> None:
    audits = fixture("audits")
    audits["w"] = 1 / audits["prob"] if weighted else 1.0
    ours, _ = effect(audits, audits["gamed"], audits["w"])
    weights = {"weights": "w"} if weighted else {}
    theirs = pf.feols("gamed ~ bonus", audits, vcov={"CRV1": "team"}, ssc=PLAIN, **weights)
    assert ours.value[0] == pytest.approx(theirs.coef()["bonus"], rel=CLOSE)
    assert error(ours) == pytest.approx(theirs.se()["bonus"], rel=CLOSE)


def test_wildboottest_draws_our_statistics() -> None:
    """All 4,096 patterns. Whether the two with all signs alike count is left to rounding there."""
    audits = fixture("audits").query("team < 12")
    _, contrast = effect(audits, audits["gamed"], pd.Series(1.0, audits.index))
    ours = wild(contrast, 9999, lambda: pytest.fail("all patterns are taken"))
    fit = pf.feols("gamed ~ bonus", audits, vcov={"CRV1": "team"})
    with pytest.warns(UserWarning, match="full_enumeration"):
        theirs, drawn = fit.wildboottest(
            param="bonus", cluster="team", reps=9999, seed=1, return_bootstrapped_t_stats=True
        )
    away = contrast.value
    t = ours.effect @ [1, away] / np.sqrt(ours.variance @ [1, away, away**2])
    n = len(audits)
    corrected = np.abs(t) / np.sqrt(12 / 11 * (n - 1) / (n - 2))
    np.testing.assert_allclose(corrected[0], theirs["t value"], rtol=CLOSE)
    np.testing.assert_allclose(np.sort(corrected), np.sort(np.abs(drawn)), rtol=CLOSE)
    assert ours.p_value(away) == pytest.approx(float(theirs["Pr(>|t|)"]), abs=2.1 / 4096)


def test_panel_ols_has_our_difference_and_our_clustered_error() -> None:
    contacts = fixture("contacts")
    share = contacts["successes"] / contacts["n"]
    ours, _ = effect(contacts, share, contacts["n"])
    panel = contacts.assign(share=share, one=1.0).set_index(["agent", "month"])
    model = PanelOLS(panel["share"], panel[["one", "bonus"]], weights=panel["n"])
    theirs = model.fit(
        cov_type="clustered", clusters=panel["team"], debiased=False, group_debias=False
    )
    assert ours.value[0] == pytest.approx(theirs.params["bonus"], rel=CLOSE)
    assert error(ours) == pytest.approx(theirs.std_errors["bonus"], rel=CLOSE)


def single_customers() -> pd.DataFrame:
    """Write each customer of six teams month by month, as the packages want them."""
    counts = fixture("customers").query("team < 6")
    rows = counts.loc[counts.index.repeat(counts["n"])].reset_index(drop=True)
    # Who leaves in a month is counted first there, so that the rest can be numbered from the end.
    place = rows.groupby(["team", "month"]).cumcount(ascending=False)
    gone = rows["n"] - place <= rows["left"]
    return rows.assign(
        id=rows["team"] * 100_000 + place, start=rows["month"], stop=rows["month"] + 1, event=gone
    )


def test_lifelines_has_our_hazard_ratio_month_by_month() -> None:
    counts = fixture("customers").query("team < 6")
    start = counts["month"].to_numpy(float)
    n, left = (counts[name].to_numpy(float) for name in ("n", "left"))
    bonus = counts[["bonus"]].to_numpy(float)
    rows = Episodes(start, start + 1, n, left, bonus, counts["team"].to_numpy(np.int64))
    ours = fit_cox(rows, 6)
    single = single_customers()
    months = single[["id", "start", "stop", "event", "bonus"]]
    theirs = CoxTimeVaryingFitter().fit(
        months,
        id_col="id",
        event_col="event",
        start_col="start",
        stop_col="stop",
        fit_options={"precision": 1e-12},
    )
    assert ours.result.params[0] == pytest.approx(theirs.params_["bonus"], rel=CLOSE)
    naive = np.sqrt(1 / ours.result.information[0, 0])
    assert naive == pytest.approx(theirs.standard_errors_["bonus"], rel=CLOSE)
    last = single.sort_values("stop").groupby("id").tail(1)
    whole = CoxPHFitter().fit(
        last[["stop", "event", "bonus"]], "stop", "event", fit_options={"precision": 1e-9}
    )
    assert ours.result.params[0] == pytest.approx(whole.params_["bonus"], rel=CLOSE)
