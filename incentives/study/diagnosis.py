"""What a study could tell: diagnosands with their Monte-Carlo errors, from simulations alone.

Every diagnosand is written as a mean of contributions, one a simulation (its *influence*), so
that its Monte-Carlo error is the spread of these over worlds. Simulating and summing up are apart:
a `Diagnosis` can be made of a frame that was stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from incentives.estimates.comparison import listed, require, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DIAGNOSANDS", "Diagnosis", "Rule", "accuracy"]

Floats = npt.NDArray[np.float64]
Rule = Literal["best", "clear"]

ALPHA = 0.05
COLUMNS = ["sim", "world", "answer", "question", "scheme", "estimate", "std_error", "p_value"]
COLUMNS += ["conf_low", "conf_high", "failed", "better", "audit_hours"]
COLUMNS += ["truth", "truth_mc_error", "money", "money_mc_error"]
WHOLE = ["sim", "world", "answer", "question", "scheme", "failed", "better", "audit_hours"]
WHOLE += ["truth", "truth_mc_error", "money", "money_mc_error"]


class Known(NamedTuple):
    """The simulations of one answer to one question about one scheme: arrays (sims,)."""

    world: npt.NDArray[np.int64]
    estimate: Floats
    std_error: Floats
    p_value: Floats
    conf_low: Floats
    conf_high: Floats
    truth: Floats
    truth_mc_error: float

    @property
    def error(self) -> Floats:
        """Estimate less truth."""
        return self.estimate - self.truth

    @property
    def clear(self) -> npt.NDArray[np.bool_]:
        """Whether something was found of which twins know the sign."""
        return self.found & (np.abs(self.truth) > 2 * self.truth_mc_error)

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Whether something was found at the level of 5 %."""
        return np.asarray(self.p_value < ALPHA)


class Value(NamedTuple):
    """A diagnosand and its Monte-Carlo error."""

    value: float
    mc_error: float


NONE = Value(np.nan, np.nan)


def _spread(influence: Floats, world: npt.NDArray[np.int64]) -> float:
    """Give the error of a mean of contributions: their spread over worlds.

    Simulations that share a world are no news of other worlds, so their contributions are first
    added up. In a single world they are taken as independent, and speak of that world.
    """
    _, place, counts = np.unique(world, return_inverse=True, return_counts=True)
    worlds = len(counts)
    if worlds == 1:
        place, worlds = np.arange(len(world)), len(world)
    if worlds < 2:
        return np.nan
    sums = np.bincount(place, influence - influence.mean()) * worlds / len(world)
    return float(np.sqrt((sums**2).sum() / (worlds - 1) / worlds))


def _mean(values: Floats, world: npt.NDArray[np.int64]) -> Value:
    return Value(float(values.mean()), _spread(values, world)) if values.size else NONE


def _share(hits: npt.NDArray[np.bool_], world: npt.NDArray[np.int64]) -> Value:
    """Give a share; its error is never less than that of two hits and two misses more.

    The error of none in n, or of all, would otherwise be nothing.
    """
    if not hits.size:
        return NONE
    n = len(np.unique(world))
    n = len(hits) if n == 1 else n
    share = float(hits.mean())
    adjusted = (share * n + 2) / (n + 4)
    error = float(np.sqrt(adjusted * (1 - adjusted) / (n + 4)))
    if 0 < share < 1:
        error = _spread(hits.astype(np.float64), world)
    return Value(share, error)


def _truth(own: pd.DataFrame) -> Value:
    return Value(float(own["truth"].mean()), float(own["truth_mc_error"].iloc[0]))


def _bias(known: Known) -> Value:
    """Mean estimate less the truth; the truth's own error is in that of the bias."""
    mean, error = _mean(known.error, known.world)
    return Value(mean, float(np.hypot(error, known.truth_mc_error)))


def _rmse(known: Known) -> Value:
    squares = known.error**2
    root = float(np.sqrt(squares.mean())) if squares.size else np.nan
    if not root > 0:
        return Value(root, np.nan)
    through_truth = known.error.mean() / root * known.truth_mc_error
    return Value(root, float(np.hypot(_spread(squares / (2 * root), known.world), through_truth)))


def _coverage(known: Known) -> Value:
    inside = (known.conf_low <= known.truth) & (known.truth <= known.conf_high)
    return _share(inside, known.world)


def _power(known: Known) -> Value:
    """How often something is found; where nothing is there, that is the size of the test."""
    return _share(known.found, known.world)


def _type_s(known: Known) -> Value:
    """How often what is found has the wrong sign."""
    wrong = np.sign(known.estimate) != np.sign(known.truth)
    return _share(wrong[known.clear], known.world[known.clear])


def _type_m(known: Known) -> Value:
    """By how much what is found exaggerates: the mean of |estimate / truth|."""
    clear = known.clear
    return _mean(np.abs(known.estimate[clear] / known.truth[clear]), known.world[clear])


def _length(known: Known) -> Value:
    """Give the mean length; with few clusters an interval may have no end, and so the mean."""
    length = known.conf_high - known.conf_low
    return _mean(length, known.world) if np.isfinite(length).all() else Value(np.inf, np.nan)


def _se_ratio(known: Known) -> Value:
    """Mean standard error over the standard deviation of the errors made."""
    if known.error.size < 2 or not (sd := float(known.error.std(ddof=1))) > 0:
        return NONE
    mean = float(known.std_error.mean())
    squares = (known.error - known.error.mean()) ** 2
    influence = known.std_error / sd - mean / (2 * sd**3) * squares
    return Value(mean / sd, _spread(influence, known.world))


OF_ANSWERS: dict[str, Callable[[Known], Value]] = {
    "bias": _bias,
    "rmse": _rmse,
    "coverage": _coverage,
    "type_s": _type_s,
    "type_m": _type_m,
    "interval_length": _length,
    "se_ratio": _se_ratio,
}
"""Diagnosands of the simulations that were answered."""

DIAGNOSANDS = (
    "truth",
    *OF_ANSWERS,
    "power",
    "failure_rate",
    "wrong_choice",
    "regret",
    "audit_hours",
)
"""All diagnosands, by name."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Diagnosis:
    """How well each answer does, from simulations of a study.

    Parameters
    ----------
    simulations
        A row a simulation, answer, question and scheme: `estimate`, `std_error`, `p_value`,
        `conf_low`, `conf_high` (95 %), the `truth` with its Monte-Carlo error, why there is no
        answer (`failed`, else empty), whether more is `better` (1, -1), the scheme's profit less
        the control's (`money` per month, by twins), and `audit_hours`.
    by
        Columns in which the studies differ, where they are several.
    rule
        What is done with an answer (`Study`).

    Examples
    --------
    >>> import pandas as pd
    >>> from incentives.study import Diagnosis
    >>> row = {"answer": "oracle", "question": "churn", "scheme": "bonus", "std_error": 1.0}
    >>> row |= {"p_value": 0.3, "conf_low": -1.0, "conf_high": 3.0, "failed": "", "better": -1}
    >>> row |= {"truth": 0.5, "truth_mc_error": 0.0, "money": -90.0, "money_mc_error": 0.0}
    >>> sims = [{**row, "sim": k, "world": k, "estimate": 1.0 + k} for k in range(2)]
    >>> found = Diagnosis(pd.DataFrame(sims).assign(audit_hours=2.0))
    >>> found.value("bias"), found.value("coverage"), found.value("regret")
    (1.0, 1.0, 0.0)
    """

    simulations: pd.DataFrame
    by: tuple[str, ...] = ()
    rule: Rule = "best"

    def __post_init__(self) -> None:
        missing = [name for name in (*self.by, *COLUMNS) if name not in self.simulations]
        if missing:
            raise KeyError(f"simulations lack the columns {listed(missing)}")
        require(self.simulations, "simulations", list(WHOLE))

    def tidy(self) -> pd.DataFrame:
        """Give every diagnosand with its Monte-Carlo error.

        Returns
        -------
        pandas.DataFrame
            The columns of `by`, then `answer`, `question`, `scheme`, `diagnosand`, `value`,
            `mc_error`, and how many simulations the value rests on (`sims`).

            The `truth`. Of the simulations with an answer: `bias`, `rmse`, `coverage` of 95 %
            intervals,
            `type_s` and `type_m` (of what is found: the share with the wrong sign, and the mean
            exaggeration, where twins know the sign of the truth, beyond two of its errors),
            `interval_length`, `se_ratio` (mean standard error over the standard
            deviation of the errors). Of all: `power` (p < .05; a refusal finds nothing) and
            `failure_rate` (refusals, models that did not converge, no standard error).

            For a question as a whole (`scheme` empty), by the rule of the study:
            `wrong_choice`, the chance that the scheme chosen is not the best by the question's
            own truth; `regret`, the money per month that is lost on average by choosing that
            way in place of the scheme with the highest profit; `audit_hours`.

            The truth is known from twins up to an error. It is added to that of `bias`, `rmse`
            and `regret`; coverage and wrong choices take the truth as found.
        """
        keys = [*self.by, "answer", "question"]
        rows: list[dict[str, Any]] = []
        for point, part in self.simulations.groupby(keys, sort=False):
            here = dict(zip(keys, point, strict=True))
            for scheme, own in part.groupby("scheme", sort=False, observed=True):
                rows += _rows({**here, "scheme": str(scheme)}, accuracy(own))
            rows += _rows({**here, "scheme": ""}, _decided(part, self.rule))
        return pd.DataFrame(rows)

    def value(
        self,
        diagnosand: str,
        *,
        answer: str | None = None,
        question: str | None = None,
        scheme: str | None = None,
    ) -> float:
        """Give the value of a diagnosand, where there is only one that fits.

        Parameters
        ----------
        diagnosand
            One of `DIAGNOSANDS`.
        answer, question, scheme
            Which; each may be left out where there is only one.
        """
        rows = self.plot_data(diagnosand)
        for column, name in (("answer", answer), ("question", question), ("scheme", scheme)):
            if name is not None:
                if name not in set(rows[column]):
                    raise unknown(name, rows[column].unique(), what=column, where="the diagnosis")
                rows = rows[rows[column] == name]
        if len(rows) != 1:
            raise ValueError(
                f"{len(rows)} values of '{diagnosand}' fit: say which answer, question and scheme"
            )
        return float(rows["value"].iloc[0])

    def failures(self) -> pd.DataFrame:
        """Count why there was no answer, the most frequent reason first."""
        failed = self.simulations[self.simulations["failed"] != ""]
        keys = [*self.by, "answer", "failed"]
        counts = failed.drop_duplicates([*self.by, "sim", "answer", "failed"]).groupby(keys).size()
        return counts.rename("sims").reset_index().sort_values("sims", ascending=False)

    def plot_data(self, diagnosand: str) -> pd.DataFrame:
        """Give exactly what `plot` draws: the rows of one diagnosand."""
        if diagnosand not in DIAGNOSANDS:
            raise unknown(diagnosand, DIAGNOSANDS, what="diagnosand", where="a diagnosis")
        table = self.tidy()
        return table[table["diagnosand"] == diagnosand].reset_index(drop=True)

    def plot(
        self, diagnosand: str = "power", *, question: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """Draw a diagnosand against the first value in which the studies differ.

        Answers differ in colour, whatever else differs in the dash of the line; bars are two
        Monte-Carlo errors either way. A single study is drawn as dots, one an answer.

        Parameters
        ----------
        diagnosand
            One of `DIAGNOSANDS`.
        question
            Which; the first if left out.
        ax
            Axes to draw on; those of a new figure if left out.
        """
        import matplotlib.pyplot as plt

        frame = self.plot_data(diagnosand)
        asked = list(frame["question"].unique())
        question = asked[0] if question is None else question
        if question not in asked:
            raise unknown(question, asked, what="question", where="the diagnosis")
        frame = frame[frame["question"] == question]
        ax = plt.subplots()[1] if ax is None else ax
        x = self.by[0] if self.by else "answer"
        others = [name for name in ("scheme", *self.by[1:]) if len(frame[name].unique()) > 1]
        _draw(frame, x, others, ax)
        ax.set(xlabel=x.replace("_", " "), ylabel=f"{diagnosand.replace('_', ' ')}: {question}")
        return ax

    def _table(self) -> pd.DataFrame:
        table = self.tidy()
        table["text"] = [
            f"{value:.3g} ({error:.2g})" if np.isfinite(error) else f"{value:.3g}"
            for value, error in zip(table["value"], table["mc_error"], strict=True)
        ]
        keys = [*self.by, "question", "answer", "scheme"]
        wide = table.pivot_table(
            index=keys, columns="diagnosand", values="text", aggfunc="first", sort=False
        )
        return wide.reindex(columns=list(DIAGNOSANDS)).fillna("")

    def __repr__(self) -> str:
        sims = self.simulations["sim"].nunique()
        return f"Diagnosis of {sims} simulations, Monte-Carlo errors in parentheses\n" + (
            self._table().to_string()
        )

    def _repr_html_(self) -> str:
        return self._table().to_html(border=0)


def _rows(here: dict[str, Any], values: dict[str, tuple[Value, int]]) -> list[dict[str, Any]]:
    return [
        {**here, "diagnosand": name, **value._asdict(), "sims": sims}
        for name, (value, sims) in values.items()
    ]


def accuracy(own: pd.DataFrame) -> dict[str, tuple[Value, int]]:
    """Hold one answer to one question against the truth.

    Parameters
    ----------
    own
        A row a simulation: `world`, `estimate`, `std_error`, `p_value`, `conf_low`, `conf_high`,
        `failed`, `truth` and `truth_mc_error`.

    Returns
    -------
    dict
        By diagnosand: its value with its Monte-Carlo error, and how many simulations it rests on.
    """
    fine = own[(own["failed"] == "").to_numpy()]
    columns = [name for name in Known._fields if name not in ("world", "truth_mc_error")]
    known = Known(
        world=fine["world"].to_numpy(np.int64),
        truth_mc_error=float(own["truth_mc_error"].iloc[0]),
        **{name: fine[name].to_numpy(np.float64) for name in columns},
    )
    world = own["world"].to_numpy(np.int64)
    found = (own["p_value"] < ALPHA).to_numpy() & (own["failed"] == "").to_numpy()
    return {
        "truth": (_truth(own), len(own)),
        **{name: (give(known), len(fine)) for name, give in OF_ANSWERS.items()},
        "power": (_share(found, world), len(own)),
        "failure_rate": (_share((own["failed"] != "").to_numpy(), world), len(own)),
    }


def _decided(part: pd.DataFrame, rule: Rule) -> dict[str, tuple[Value, int]]:
    """Give the diagnosands of what is chosen by the answers to one question."""
    part = part.sort_values(["sim", "scheme"])
    sims = len(part["sim"].unique())

    def wide(column: str) -> Floats:
        """Give a column as an array (sims, schemes), the control first: all effects are on it."""
        table = part[column].to_numpy(np.float64).reshape(sims, -1)
        return np.hstack([np.zeros((sims, 1)), table])

    first = part.drop_duplicates("sim")
    world = first["world"].to_numpy(np.int64)
    better = float(part["better"].iloc[0])
    gain, money, doubt = better * wide("truth"), wide("money"), wide("money_mc_error")
    chosen = _chosen(wide, better, rule)
    each = np.arange(sims)
    richest = money.argmax(axis=1)
    lost = money[each, richest] - money[each, chosen]
    wrong = gain[each, chosen] < gain.max(axis=1)
    # both profits are known up to an error, and the two may go the same way
    unsure = np.where(chosen == richest, 0.0, doubt[each, richest] + doubt[each, chosen]).mean()
    regret = _mean(lost, world)
    return {
        "wrong_choice": (_share(wrong, world), sims),
        "regret": (Value(regret.value, float(np.hypot(regret.mc_error, unsure))), sims),
        "audit_hours": (_mean(first["audit_hours"].to_numpy(np.float64), world), sims),
    }


def _chosen(wide: Callable[[str], Floats], better: float, rule: Rule) -> npt.NDArray[np.int64]:
    """Give the place of the scheme that is chosen in each simulation, 0 for the control."""
    promise = better * wide("estimate")
    if rule == "clear":
        surely = wide("conf_low") if better > 0 else -wide("conf_high")
        promise = np.where(surely > 0, promise, -np.inf)
        promise[:, 0] = 0.0
    promise = np.where(np.isnan(promise), -np.inf, promise)
    return np.asarray(promise.argmax(axis=1), dtype=np.int64)


def _draw(frame: pd.DataFrame, x: str, others: list[str], ax: "Axes") -> None:
    """Draw lines with bars of two Monte-Carlo errors."""
    import seaborn as sns

    answers = list(frame["answer"].unique())
    colours = dict(zip(answers, sns.color_palette("colorblind", len(answers)), strict=True))
    dashes = ["-", "--", ":", "-."]
    points = [tuple(point) for point in frame[others].drop_duplicates().to_numpy()]
    for (answer, *point), part in frame.groupby(["answer", *others], sort=False):
        style = dashes[points.index(tuple(point)) % len(dashes)]
        named = [f"{name} {value}" for name, value in zip(others, point, strict=True)]
        ax.errorbar(
            part[x],
            part["value"],
            yerr=2 * part["mc_error"].fillna(0.0),
            marker="o",
            markersize=4,
            linestyle=style if x != "answer" else "none",
            capsize=2,
            color=colours[answer],
            label=", ".join([str(answer), *named]),
        )
    ax.legend(fontsize="small", frameon=False)
