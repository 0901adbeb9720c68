"""What statsmodels does wrong or leaves out: should one of these fail, it has been mended."""

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.treatment.treatment_effects import TreatmentEffect
from test_cox import cut, people

from incentives.estimates.inference import fit_binomial

Array = npt.NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20264)


def test_phreg_takes_the_time_of_entry_for_a_time_at_risk(rng: np.random.Generator) -> None:
    rows = people(rng, months=True)
    parts = cut(rows)
    whole = PHReg(rows.stop, rows.covariates, rows.events, ties="efron").fit().params

    def from_parts(later: float) -> Array:
        entry = parts.start + later
        model = PHReg(parts.stop, parts.covariates, parts.events, entry=entry, ties="efron")
        return np.asarray(model.fit().params)

    np.testing.assert_allclose(from_parts(1e-6), whole, rtol=1e-6)
    assert np.abs(from_parts(0.0) - whole).max() > 0.01


def test_conditional_logit_ignores_the_covariance_it_is_asked_for(
    rng: np.random.Generator,
) -> None:
    agent = np.repeat(np.arange(60), 10)
    x = rng.normal(size=600)
    taste = rng.normal(0.5, 2.0, 60)[agent]  # agents differ in their slope, so errors cluster
    y = (rng.logistic(size=600) + taste * x > 0).astype(float)
    model = ConditionalLogit(y, x[:, None], groups=agent)
    plain = model.fit(disp=False)
    clustered = model.fit(disp=False, cov_type="cluster", cov_kwds={"groups": agent})
    np.testing.assert_array_equal(clustered.bse, plain.bse)


def test_treatment_effects_want_six_covariates(rng: np.random.Generator) -> None:
    x = sm.add_constant(rng.normal(size=300))
    paid = (rng.uniform(size=300) < 0.5).astype(int)
    model = sm.OLS(1.0 + 0.5 * paid + x[:, 1] + rng.normal(size=300), x)
    chances = sm.Probit(paid, x).fit(disp=0)
    effect = TreatmentEffect(model, paid, results_select=chances)
    for method in (effect.ipw_ra, effect.aipw_wls):
        with pytest.raises(ValueError, match=r"\(6,\) not aligned"):
            method()


def test_freq_weights_shrink_the_error_of_audit_weights_and_var_weights_do_not(
    rng: np.random.Generator,
) -> None:
    n = 4000
    bonus = (np.arange(n) % 2).astype(float)
    weight = np.where(rng.uniform(size=n) < 0.5, 1.0, 8.0)
    gamed = (rng.uniform(size=n) < 0.2 + 0.05 * bonus).astype(float)
    X = np.column_stack([1 - bonus, bonus])
    share = X.T @ (weight * gamed) / (X.T @ weight)
    by_hand = np.sqrt(X.T @ (weight * (gamed - X @ share)) ** 2) / (X.T @ weight)

    def errors(**weights: Array) -> Array:
        family = sm.families.Binomial()
        model = sm.GLM(gamed, X, family=family, **weights)
        result = model.fit(tol=1e-12, cov_type="HC0")
        return np.asarray(result.bse * share * (1 - share))  # of the share, not of its logit

    np.testing.assert_allclose(errors(var_weights=weight), by_hand, rtol=1e-6)
    assert (errors(freq_weights=weight) < 0.9 * by_hand).all()
    single = np.arange(n)
    at_risk, events = np.zeros((n, 2)), np.zeros((n, 2))
    at_risk[single, bonus.astype(int)] = weight
    events[single, bonus.astype(int)] = weight * gamed
    ours = fit_binomial(events, at_risk).coefficients.influence
    np.testing.assert_allclose(np.sqrt((ours**2).sum(axis=0)), by_hand, rtol=1e-6)
