"""What a question answers with: an `Estimate`, the same for every question.

It holds one row for each estimated effect and what is needed to read it: the facts of the
design, the checks, the tables behind the figures, and the fitted models. Machine-readable names
never change with the level of confidence.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy import special

from incentives.estimates.inference import Bools, Fit, p_values, t_margin
from incentives.estimates.methods import RESAMPLINGS, Inference, Method
from incentives.estimates.proportions import Recovered
from incentives.estimates.reordering import Reordered
from incentives.tables import decimals, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "TIDY_COLUMNS",
    "Check",
    "Estimate",
    "converged",
    "direction",
    "profile_interval",
    "tidy",
]

TIDY_COLUMNS = (
    "estimand",
    "term",
    "contrast",
    "group",
    "estimate",
    "std_error",
    "statistic",
    "df",
    "p_value",
    "conf_low",
    "conf_high",
    "unit",
    "estimator",
    "inference",
    "target",
    "n",
    "n_clusters",
    "n_audits",
    "n_events",
)
"""The columns of every tidy table, in this order."""

Resampled = Inference | Reordered
Tested = Resampled | Recovered
"""How a row is tested, and can be tested again."""

_COUNTS = ("n", "n_clusters", "n_audits", "n_events")
_VERSION = 1
_SUMMARY_LINES = 25
_DEALT = RESAMPLINGS["randomisation"].words
_NEITHER = "none: too few clusters for t, and an error of few audits cannot be dealt again"


class Check(NamedTuple):
    """Something the answer rests on, looked at."""

    name: str
    passed: bool
    value: float
    threshold: float
    advice: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Estimate:
    """The answer to a named question, with its uncertainty and its conditions.

    Parameters
    ----------
    question
        The title, in words.
    rows
        One row for each effect: the columns of `TIDY_COLUMNS` that do not depend on a level of
        confidence, with `kind` (``"difference"``, ``"ratio"``, ``"fraction"``: of 100 those owed to
        the scheme, one less the inverse of a ratio; or ``"level"``), a `label` in words, and
        whether the summary and the figure show it (`in_summary`, `in_figure`); and `tested`,
        how each cluster moved it and how it is tested, or `profile`, its profile likelihood.
    design
        Facts of the design, one word for each: what `glance` shows.
    facts
        The same in a line for a reader.
    reading
        The plain last line of the summary.
    checks
        What the answer rests on.
    details
        Tidy tables behind the figures, by name.
    fits
        The statsmodels results, by name; the headline's first. They are not kept in JSON.

    Examples
    --------
    >>> import incentives as inc
    >>> centre = inc.Scenario(floor=inc.Floor(teams=1, customers=500))
    >>> worlds = centre.vary(scheme={"wage": inc.Wage(), "sales": inc.PieceRate("sales", 8.0)})
    >>> records = inc.simulate(worlds, replications=4, months=2, rng=1, keep="cells")
    >>> effect = inc.churn_effect(records, control="wage", horizon=2)
    >>> effect.summary().splitlines()[0]
    "Customers who left under each scheme, against 'wage', with 95 % intervals"
    >>> inc.Estimate.from_dict(effect.to_dict()).tidy().shape == effect.tidy().shape
    True
    """

    question: str
    rows: pd.DataFrame
    design: Mapping[str, Any]
    facts: str
    reading: str
    checks: tuple[Check, ...]
    details: Mapping[str, pd.DataFrame]
    fits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fit(self) -> Any:
        """The statsmodels result behind the headline."""
        if not self.fits:
            raise AttributeError("fitted models are not kept in JSON: estimate again to see them")
        return next(iter(self.fits.values()))

    def tidy(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Give one row for each effect, with t intervals.

        Parameters
        ----------
        conf_level
            Between 0 and 1, both excluded.
        """
        return tidy(self.rows, conf_level).loc[:, list(TIDY_COLUMNS)]

    def inference(
        self,
        method: Method,
        *,
        reps: int = 9999,
        rng: int | np.random.Generator | None = None,
    ) -> "Estimate":
        """Test the same estimates by another method; nothing is fitted again.

        Parameters
        ----------
        method
            ``"welch"``: each arm's own variance between clusters, t critical values with
            Satterthwaite's degrees of freedom; what is taken where arms share no cluster.
            ``"cluster"``: CR1 errors, one for both arms, with t critical values; what is taken
            where clusters are pairs. ``"wild"``: restricted wild cluster bootstrap-t. ``"score"``:
            bootstrap of the scores, for hazards. ``"randomisation"``: other assignments that
            chance could have made; the only one for fewer than 6 teams.
        reps
            How many draws, 99 or more; where all there could be are no more, all are taken.
        rng
            A number, or a generator to take one from; not needed where all draws are taken or
            none is made.

        Returns
        -------
        Estimate
            With p values and intervals of the method, the interval by inversion of the test:
            infinite where no effect on that side is rejected. What was read off the intervals of
            shares and has no error of its own is left so. The column `inference` says which
            and with how many draws. Methods that draw leave `std_error`, `statistic` and `df` as
            they are. Tables in `details` and `reading` stay as they are.

        Raises
        ------
        ValueError
            Too few clusters for the method, nothing was assigned at random, or no row keeps what
            this needs.

        Examples
        --------
        >>> import incentives as inc
        >>> floor = inc.Floor(teams=8, team_size=2, customers=2000)
        >>> schemes = {"wage": inc.Wage(), "saves": inc.Wage() + inc.PieceRate("saves", 8.0)}
        >>> centre = inc.Scenario(floor=floor, audit=inc.Audit(rate=0.2)).assign(schemes)
        >>> records = inc.simulate(centre, replications=1, months=1, rng=1, keep="cells")
        >>> effect = inc.gaming_effect(records, control="wage").inference("randomisation")
        >>> effect.tidy()["inference"].iloc[0]
        'randomisation (team), all 70 assignments, p at least .029'
        """
        seed = int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else rng
        kept = self.rows.get("tested", pd.Series(None, index=self.rows.index, dtype=object))
        tests = [
            row.by(method, reps=reps, seed=seed) if isinstance(row, Tested) else None
            for row in kept
        ]
        if not any(tests):
            raise ValueError("no row of this estimate keeps how its clusters moved it")
        before = self.rows["inference"]
        words = [t.words if t else old for t, old in zip(tests, before, strict=True)]
        rows = self.rows.assign(inference=words, tested=pd.Series(tests, self.rows.index, object))
        if words == before.tolist():
            return replace(self, rows=rows)
        rows = _with_errors(rows, tests)
        said = f"{self.reading} (with intervals by {before.iloc[0]})"
        facts = f"{self.facts}; intervals by {words[0]}"
        return replace(self, rows=rows, reading=said, facts=facts)

    def glance(self) -> pd.DataFrame:
        """Give the facts of the design in one row."""
        failed = sum(not check.passed for check in self.checks)
        return pd.DataFrame([{**self.design, "checks_failed": failed, "version": _version()}])

    def summary(self) -> str:
        """Say what was found, in at most 25 lines; the last one says how to read it."""
        shown = tidy(self.rows[self.rows["in_summary"]])
        failed = [_noted(check) for check in self.checks if not check.passed]
        passed = f"{len(self.checks) - len(failed)} of {len(self.checks)} checks passed"
        tail = [self.facts, passed, *failed, f"Read as: {self.reading}"]
        room = _SUMMARY_LINES - len(tail) - 1
        lines = _sentences(shown)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"  … and {len(lines) - room + 1} more rows in tidy()"]
        return "\n".join([f"{self.question}, with 95 % intervals", *lines, *tail])

    def plot_data(self, truth: pd.DataFrame | None = None) -> pd.DataFrame:
        """Give exactly what `plot` draws.

        Parameters
        ----------
        truth
            As `compare` takes it; adds the column `truth`.
        """
        frame = self.tidy() if truth is None else self.compare(truth)
        frame = frame.assign(label=self.rows["label"].to_numpy())
        return frame[self.rows["in_figure"].to_numpy()].reset_index(drop=True)

    def plot(self, ax: "Axes | None" = None, *, truth: pd.DataFrame | None = None) -> "Axes":
        """Draw each effect as a dot with its 95 % interval, the truth as a hollow diamond.

        Parameters
        ----------
        ax
            Axes to draw on; those of a new figure if left out.
        truth
            As `compare` takes it.
        """
        from incentives import figures

        frame = self.plot_data(truth)
        against = f", against '{self.design['control']}'" if "control" in self.design else ""
        label = f"{frame['unit'].iloc[0]}{against}"
        return figures.coefficients(frame, hue="label", label=label, ax=ax)

    def compare(self, truth: pd.DataFrame, conf_level: float = 0.95) -> pd.DataFrame:
        """Set the estimates beside a known truth.

        Parameters
        ----------
        truth
            A tidy frame with `estimand`, `truth` and one of `contrast` and `term`; `group` and
            `mc_error` (the truth's own Monte-Carlo error) if it has them. Without `group` it is
            the truth of the rows that have none.
        conf_level
            Between 0 and 1, both excluded.

        Returns
        -------
        pandas.DataFrame
            The tidy frame with `truth`, `error` (estimate less truth), `covered` (whether the
            interval holds the truth), and `mc_error`; missing where no truth is given.
        """
        keys = ["estimand", "contrast" if "contrast" in truth else "term", "group"]
        known = truth.assign(group="") if "group" not in truth else truth
        for column in (*keys, "truth"):
            if column not in known:
                raise KeyError(f"truth lacks the column '{column}'")
        known = known.loc[:, [*keys, "truth", *({"mc_error"} & set(known.columns))]]
        known = known.astype(dict.fromkeys(keys, "str"))
        frame = self.tidy(conf_level).merge(known, on=keys, how="left", validate="many_to_one")
        frame["error"] = frame["estimate"] - frame["truth"]
        covered = (frame["conf_low"] <= frame["truth"]) & (frame["truth"] <= frame["conf_high"])
        frame["covered"] = covered.astype("boolean").mask(frame["truth"].isna())
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the fitted models as plain values that JSON can hold."""
        tests = self.rows.get("tested", ())
        return {
            "version": _VERSION,
            "question": self.question,
            "rows": _records(self.rows.drop(columns="tested", errors="ignore")),
            "tested": [t.to_dict() if isinstance(t, Tested) else None for t in tests],
            "design": {name: _plain(value) for name, value in self.design.items()},
            "facts": self.facts,
            "reading": self.reading,
            "checks": [{k: _plain(v) for k, v in c._asdict().items()} for c in self.checks],
            "details": {name: _records(frame) for name, frame in self.details.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave.

        Parameters
        ----------
        data
            With `version` 1.
        """
        if data.get("version") != _VERSION:
            raise ValueError(
                f"an estimate of version {data.get('version')!r} cannot be read: "
                f"this release reads version {_VERSION}"
            )
        rows = _frame(data["rows"])
        if data["tested"]:
            tests = [_test(test) if test else None for test in data["tested"]]
            rows["tested"] = pd.Series(tests, rows.index, object)
        return cls(
            question=data["question"],
            rows=rows,
            design=dict(data["design"]),
            facts=data["facts"],
            reading=data["reading"],
            checks=tuple(Check(**_filled(check)) for check in data["checks"]),
            details={name: _frame(table) for name, table in data["details"].items()},
        )

    def __repr__(self) -> str:
        return f"{self.question}\n{self._table().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.question}</p>{self._table().to_html(index=False, border=0)}"

    def _table(self) -> pd.DataFrame:
        columns = ["contrast", "estimand", "group", "estimator", "estimate", "std_error"]
        columns += ["conf_low", "conf_high", "p_value", "unit"]
        return readable(self.tidy().loc[:, columns])


def tidy(rows: pd.DataFrame, conf_level: float = 0.95) -> pd.DataFrame:
    """Add statistic, p value and interval; ratios are taken in logarithms, levels not tested.

    A fraction is taken by the logarithm of the ratio behind it.

    The p value and the interval are those of the method that a row says it is tested by, which need
    not rest on its standard error; a row with a `profile` has the interval of its likelihood. A row
    that randomisation should test and cannot has neither, and an answer whose headline is such a
    row is refused.
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, got {conf_level!r}")
    untested = _untested(rows)
    estimate, error, df = (rows[name].to_numpy(float) for name in ("estimate", "std_error", "df"))
    ratio, fraction = ((rows["kind"] == kind).to_numpy() for kind in ("ratio", "fraction"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        point = np.where(ratio, np.log(estimate), estimate)
        point = np.where(fraction, -np.log1p(-estimate / 100), point)
        spread = np.where(ratio, error / estimate, error)
        spread = np.where(fraction, error / (100 - estimate), spread)
        statistic = np.where(spread > 0, point / spread, np.nan)
    statistic = np.where(rows["kind"] == "level", np.nan, statistic)
    margin = t_margin(spread, df, conf_level)
    low, high, p = point - margin, point + margin, p_values(statistic, df)
    for place, test in enumerate(rows.get("tested", ())):
        if isinstance(test, Recovered):
            p[place], (low[place], high[place]) = test.p_value(), test.interval(conf_level)
        elif isinstance(test, Resampled) and test.resampled and np.isfinite(spread[place]):
            p[place] = test.p_value()
            low[place], high[place] = test.interval(spread[place] or 1.0, conf_level)
    for place, profile in enumerate(rows.get("profile", ())):
        if profile is not None:
            low[place], high[place] = profile_interval(
                profile, -special.ndtri((1 - conf_level) / 2)
            )
    p[(rows["kind"] == "level").to_numpy()] = np.nan
    for numbers in (statistic, p, low, high):
        numbers[untested] = np.nan
    for end in (low, high):
        end[ratio] = np.exp(end[ratio])
        end[fraction] = -100 * np.expm1(-end[fraction])
    return rows.assign(
        statistic=statistic,
        p_value=p,
        conf_low=low,
        conf_high=high,
        inference=rows["inference"].mask(untested, _NEITHER),
        **{name: rows[name].round().astype("Int64") for name in _COUNTS},
    )


def _untested(rows: pd.DataFrame) -> Bools:
    """Tell which rows have clusters too few for t and nothing to deal again; refuse a headline.

    The first row of a term is its headline.
    """
    tests = rows["tested"] if "tested" in rows else pd.Series(None, rows.index, dtype=object)
    kept = np.array([isinstance(test, Tested) for test in tests], dtype=bool)
    untested = np.asarray(rows["inference"].str.startswith(_DEALT).to_numpy(bool) & ~kept)
    refused = untested & ~rows["term"].duplicated().to_numpy()
    if refused.any():
        row = rows[refused].iloc[0]
        more = "audit 100 contacts or more, or " if row["n_audits"] < 100 else ""
        raise ValueError(
            f"too few clusters: {row['n_clusters']:.0f} carry '{row['term']}', for which only "
            f"randomisation inference has an answer, and it has none for {row['label']}: with "
            f"{row['n_audits']:.0f} audits its error is that of drawing them as well, which "
            f"cannot be dealt again; {more}assign 6 clusters or more"
        )
    return untested


def _with_errors(rows: pd.DataFrame, tests: Sequence["Tested | None"]) -> pd.DataFrame:
    """Give rows the errors of the method they are tested by now, unless it takes draws."""
    error, df = (rows[name].to_numpy(np.float64, copy=True) for name in ("std_error", "df"))
    estimate, kind = rows["estimate"].to_numpy(np.float64), rows["kind"].to_numpy(str)
    unit = np.where(kind == "ratio", estimate, np.where(kind == "fraction", 100 - estimate, 1.0))
    for place, test in enumerate(tests):
        if isinstance(test, Inference) and not test.resampled and error[place] > 0:
            own, df[place] = test.spread()
            error[place] = own * unit[place]  # the error of a logarithm, carried to the ratio
    return rows.assign(std_error=error, df=df)


def profile_interval(profile: Sequence[Sequence[float]], reach: float) -> tuple[float, float]:
    """Give the ends of an interval of the profile likelihood.

    Parameters
    ----------
    profile
        Pairs of a value, ascending, and its signed root of the deviance.
    reach
        The root of the deviance at the ends: 1.96 for an interval of 95 %.
    """
    values, roots = np.asarray(profile, dtype=np.float64).T
    low, high = np.interp([-reach, reach], roots, values)
    return float(low), float(high)


def direction(row: "pd.Series[Any]") -> int:
    """Say on which side of no effect a row's interval lies: 1, -1, or 0 if it holds no effect."""
    none = 1.0 if row["kind"] == "ratio" else 0.0
    return int(row["conf_low"] > none) - int(row["conf_high"] < none)


def converged(fits: Mapping[str, Fit]) -> Check:
    """Look at whether the models converged without a warning."""
    ill = {name: fit for name, fit in fits.items() if not fit.healthy}
    told = "; ".join(f"{name}: {', '.join(fit.warned) or 'no fit'}" for name, fit in ill.items())
    return Check("models converged", not ill, float(len(ill)), 0, f"models in trouble: {told}")


def _sentences(frame: pd.DataFrame) -> list[str]:
    """Give one aligned line for each row: arm, measure, estimate, unit, interval, p."""
    terms = frame["term"].where(frame["term"] != frame["term"].shift(), "")
    wide = [max(map(len, column), default=0) for column in (terms, frame["label"], frame["unit"])]
    lines = []
    for term, row in zip(terms, frame.to_dict("records"), strict=True):
        n = decimals(row["std_error"])
        sign = "+" if row["kind"] in ("difference", "fraction") else ""
        known = not math.isnan(row["conf_low"])
        interval = (
            f"[{row['conf_low']:.{n}f}, {row['conf_high']:.{n}f}]" if known else "no interval"
        )
        p = "" if math.isnan(row["p_value"]) else f"p {_p(row['p_value'])}"
        head = f"  {term:<{wide[0]}}  {row['label']:<{wide[1]}}  {row['estimate']:{sign}8.{n}f}"
        lines.append(f"{head} {row['unit']:<{wide[2]}}  {interval:<16} {p}".rstrip())
    return lines


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"= {value:.3f}".replace("0.", ".", 1)


def _noted(check: Check) -> str:
    return f"NOTE {check.name}: {check.value:.3g} {check.advice}"


def _version() -> str:
    try:
        return metadata.version("incentives")
    except metadata.PackageNotFoundError:
        return "not installed"


def _plain(value: Any) -> Any:
    """Turn a NumPy or pandas scalar into a Python one, and what is missing into None."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _records(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): [_plain(value) for value in frame[name]] for name in frame.columns}


def _test(data: Mapping[str, Any]) -> "Tested":
    """Rebuild how a row is tested."""
    if "plain" in data:
        return Recovered.from_dict(data)
    return Inference.from_dict(data) if "moved" in data else Reordered.from_dict(data)


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in row.items()}


def _frame(table: Mapping[str, Iterable[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({name: list(values) for name, values in table.items()})
    return frame.astype({name: float for name in frame if frame[name].isna().all()})
