"""How a row is tested: its contrast, the method, and when a method refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np

from incentives.estimates.bootstrap import score, wild
from incentives.estimates.inference import p_values, t_margin
from incentives.estimates.randomisation import dealt_again
from incentives.estimates.resampling import Contrast, Draws, Ints

__all__ = ["FEWEST", "FEWEST_DRAWS", "Inference", "Method", "Unit"]

Unit = Literal["replication", "team", "agent"]
Method = Literal["welch", "cluster", "wild", "score", "randomisation"]

FEWEST: dict[Unit, int] = {"replication": 3, "team": 6, "agent": 6}
"""With fewer clusters than this a t interval is refused. A replication is an average over a whole
centre, so its differences are nearly normal and three pairs still make a (wide) t interval; teams
and agents differ in kind, and below six only randomisation inference has an answer."""

FEWEST_DRAWS = 99

FEWEST_SIGNS = 6
"""With fewer clusters than this a bootstrap is refused: its patterns of signs are too few."""


class Resampling(NamedTuple):
    """A way to draw, and its name in words."""

    draw: Callable[[Contrast, int, Callable[[], np.random.Generator]], Draws]
    words: str


RESAMPLINGS: dict[str, Resampling] = {
    "wild": Resampling(wild, "wild cluster bootstrap-t"),
    "score": Resampling(score, "score bootstrap"),
    "randomisation": Resampling(dealt_again, "randomisation"),
}


@dataclass(frozen=True, eq=False)
class Inference:
    """A row's contrast, and how it is tested.

    Parameters
    ----------
    contrast
        How each cluster moved it.
    unit
        What the clusters are.
    paired
        Whether every cluster met both arms.
    method
        ``"welch"`` for an error of each arm's own with Welch's degrees of freedom, ``"cluster"``
        for CR1 errors with t critical values, or a name of `RESAMPLINGS`.
    reps
        How many draws, where not all are taken.
    seed
        Of the draws; None where none is known.
    """

    contrast: Contrast
    unit: Unit
    paired: bool
    method: Method = "cluster"
    reps: int = 9999
    seed: int | None = None

    @classmethod
    def usual(cls, contrast: Contrast, unit: Unit, paired: bool) -> Self:
        """Choose how a contrast is tested where nobody asks.

        Each arm has an error of its own where it has clusters enough and shares none. Clusters
        that are too few for t are dealt to their arms again.
        """
        here = cls(contrast, unit, paired)
        if contrast.clusters < FEWEST[unit]:
            return replace(here, method="randomisation")
        return replace(here, method="welch") if here.unlike else here

    def by(self, method: Method, *, reps: int, seed: int | None) -> "Inference":
        """Test the same contrast by a method, or say why that cannot be."""
        if method not in get_args(Method):
            known = ", ".join(f"'{name}'" for name in get_args(Method))
            raise ValueError(f"method must be one of {known}, got {method!r}")
        if reps < FEWEST_DRAWS:
            raise ValueError(f"reps must be {FEWEST_DRAWS} or more, got {reps}")
        if method != "randomisation":
            fewest = FEWEST_SIGNS if method in RESAMPLINGS else FEWEST[self.unit]
            if self.contrast.clusters < fewest:
                raise ValueError(
                    f"too few clusters: {self.contrast.clusters} {self.unit}s, and '{method}' "
                    f"needs at least {fewest}; use 'randomisation' if they were assigned at random"
                )
        if method == "welch" and not self.unlike:
            raise ValueError(
                f"'welch' needs two {self.unit}s or more in each arm and none in both: use "
                "'cluster', which takes those that met both arms as pairs, or 'wild'"
            )
        return replace(self, method=method, reps=reps, seed=seed)

    @property
    def unlike(self) -> bool:
        """Whether each arm has clusters of its own, enough for an error of its own."""
        return self.contrast.apart and bool(self._of_arms.min() > 1)

    @property
    def resampled(self) -> bool:
        """Whether it is tested by draws, and not by an error and t."""
        return self.method in RESAMPLINGS

    @cached_property
    def draws(self) -> Draws:
        """What was drawn; for those that are `resampled`."""
        return RESAMPLINGS[self.method].draw(self.contrast, self.reps, self._generator)

    @property
    def words(self) -> str:
        """The column `inference`."""
        unit = f"{self.unit}, paired" if self.paired else self.unit
        if self.method == "cluster":
            return f"cluster ({unit}), CR1, t"
        if self.method == "welch":
            return f"cluster ({unit}), Welch, t"
        return f"{RESAMPLINGS[self.method].words} ({unit}), {self.draws.words}"

    def p_value(self) -> float:
        """Give the p value of no effect."""
        if self.resampled:
            return self.draws.p_value(self.contrast.value)
        error, df = self.spread()
        return float(p_values(np.array(self.contrast.value / error), np.array(df)))

    def interval(self, std_error: float, conf_level: float) -> tuple[float, float]:
        """Give the effects that are not rejected, on the scale that is tested.

        Parameters
        ----------
        std_error
            On that scale, above 0: the step of the search.
        conf_level
            Between 0 and 1, both excluded.
        """
        if not self.resampled:
            error, df = self.spread()
            margin = float(t_margin(np.array(error), np.array(df), conf_level))
            return self.contrast.value - margin, self.contrast.value + margin
        alpha = 1 - conf_level
        low, high = (self.draws.reach(sign * std_error, alpha) for sign in (-1.0, 1.0))
        return self.contrast.value + low, self.contrast.value + high

    def spread(self) -> tuple[float, float]:
        """Give the standard error on the scale that is tested, and its degrees of freedom.

        Of what is resampled those of CR1.
        """
        moved, clusters = self.contrast.moved, self.contrast.clusters
        if self.method == "welch":
            n = self._of_arms
            variance = (moved**2).sum(axis=0) * n / (n - 1)
            if (whole := variance.sum()) > 0:
                return float(np.sqrt(whole)), float(whole**2 / (variance**2 / (n - 1)).sum())
        df = clusters - (1 if self.paired else 2)
        return float(np.sqrt((moved.sum(axis=1) ** 2).sum() * clusters / df)), float(df)

    @property
    def _of_arms(self) -> Ints:
        """How many clusters there are in the arm and in the control."""
        return np.asarray((self.contrast.weight > 0).sum(axis=0), dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        value, moved, weight, stratum = (
            self.contrast.value,
            self.contrast.moved.tolist(),
            self.contrast.weight.tolist(),
            None if self.contrast.stratum is None else self.contrast.stratum.tolist(),
        )
        contrast = {"value": value, "moved": moved, "weight": weight, "stratum": stratum}
        how = {name: getattr(self, name) for name in ("unit", "paired", "method", "reps", "seed")}
        return {**contrast, **how}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave."""
        stratum = data["stratum"]
        contrast = Contrast(
            value=data["value"],
            moved=np.array(data["moved"], dtype=np.float64),
            weight=np.array(data["weight"], dtype=np.float64),
            stratum=None if stratum is None else np.array(stratum, dtype=np.int64),
        )
        names = ("unit", "paired", "method", "reps", "seed")
        return cls(contrast, **{name: data[name] for name in names})

    def _generator(self) -> np.random.Generator:
        if self.seed is None:
            raise ValueError(
                f"'{self.method}' draws at random here: give rng a number, such as rng=1, so that "
                "the answer can be had again"
            )
        return np.random.default_rng(self.seed)
