"""Audited contacts: which of them can be weighted, and what they say of those not audited.

Read by every question that corrects the log by audits. An audit counts only with the chance that
its contact had of being drawn; contacts of a kind that nobody audited are nobody's to guess.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from incentives.estimates.comparison import listed, require
from incentives.estimates.inference import Bools, Floats
from incentives.estimates.resampling import Ints
from incentives.estimates.result import Check

__all__ = [
    "Arms",
    "audited",
    "bearing_checks",
    "dim_check",
    "drawn_audits",
    "gap_check",
    "recognised",
    "served",
    "succeeded",
    "suspicion_check",
    "targeted",
    "unseen",
    "unseen_check",
]

SUCCESSES = ("sale", "saved")
MOST_UNSEEN = 0.05  # share of contacts that may stand in strata without any audit
FEWEST = 20  # audits of a kind of contact that can tell how well audits see
SURELY = 3.0  # standard errors

AUDIT_COLUMNS = ["run", "contact", "month", "agent", "team", "scheme", "logged_outcome", "prob"]
AUDIT_COLUMNS += ["found", "found_outcome"]
CELL_COLUMNS = ["run", "month", "agent", "team", "scheme", "logged_outcome", "n"]


class Arms(Protocol):
    """What contacts are told apart by: schemes that are compared, or whatever has a share."""

    @property
    def arms(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def arm_codes(self, frame: pd.DataFrame) -> Ints:
        """Give each row's arm as its place in `arms`."""
        ...


def audited(audits: pd.DataFrame) -> pd.DataFrame:
    """Take the audits that were drawn, each contact once."""
    frame = drawn_audits(audits, AUDIT_COLUMNS)
    if (again := frame.duplicated(["run", "contact"])).any():
        twice = frame.loc[again].iloc[0]
        raise ValueError(f"audits have contact {twice['contact']} of run {twice['run']} twice")
    return frame


def drawn_audits(audits: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Take the audits of served contacts, and refuse what cannot be weighted.

    Audits of the mode ``"targeted"`` without a chance on record were made on suspicion: they are
    left out.
    """
    frame = served(audits.loc[~targeted(audits)], "audits", columns)
    prob = frame["prob"].to_numpy(dtype=float)
    if (wrong := prob[(prob <= 0) | (prob > 1)]).size:
        raise ValueError(
            f"audits.prob must be above 0 and at most 1, got {wrong[0]:g}: without the recorded "
            "chance of being drawn, audited contacts say nothing about the others"
        )
    return frame


def targeted(audits: pd.DataFrame) -> Bools:
    """Tell which audits were made on suspicion, with no chance of being drawn on record."""
    if "mode" not in audits or "prob" not in audits:
        return np.zeros(len(audits), dtype=bool)
    return ((audits["mode"].astype(str) == "targeted") & audits["prob"].isna()).to_numpy()


def served(frame: pd.DataFrame, name: str, columns: list[str]) -> pd.DataFrame:
    """Leave out contacts that nobody served, for there is nothing to audit, and check the rest."""
    answered = require(frame, name, ["logged_outcome"])["logged_outcome"] != "abandoned"
    return require(frame[answered.to_numpy()], name, columns)


def unseen(plan: Arms, audits: pd.DataFrame, cells: pd.DataFrame) -> float:
    """Give the largest share of an arm's contacts logged under a name that was never audited.

    Such contacts are not represented at all, whatever the weights of the others, so an arm
    where they are many is refused.
    """
    contacts = cells["n"].groupby([plan.arm_codes(cells), cells["logged_outcome"].astype(str)])
    drawn = audits["prob"].groupby([plan.arm_codes(audits), audits["logged_outcome"].astype(str)])
    n = contacts.sum()
    missed = n[~n.index.isin(drawn.size().index)]
    worst = 0.0
    for arm, name in enumerate(plan.arms):
        total = n[n.index.get_level_values(0) == arm].sum()
        without = missed[missed.index.get_level_values(0) == arm]
        share = float(without.sum() / total) if total else 0.0
        if share > MOST_UNSEEN:
            outcomes = listed(without.index.get_level_values(1))
            raise ValueError(
                f"no audits of contacts logged {outcomes} under '{name}' ({share:.0%} of them): "
                "how many of these were gamed cannot be estimated; audit a few of every kind"
            )
        worst = max(worst, share)
    return worst


def succeeded(outcome: "pd.Series[str]", successes: tuple[str, ...] = SUCCESSES) -> Bools:
    """Tell which contacts ended in a success."""
    return outcome.isin(successes).to_numpy()


def recognised(detection: float | Mapping[str, float], kinds: Iterable[str]) -> dict[str, float]:
    """Give the chance of being recognised for each kind that audits found; honesty is certain."""
    known = detection if isinstance(detection, Mapping) else dict.fromkeys(kinds, detection)
    chances = {"none": 1.0}
    for kind in kinds:
        if kind == "none":
            continue
        if kind not in known:
            raise KeyError(f"detection lacks '{kind}', which audits found; it has {listed(known)}")
        if not 0 < known[kind] <= 1:
            raise ValueError(f"detection must be above 0 and at most 1, got {known[kind]!r}")
        chances[kind] = known[kind]
    return chances


def dim_check(plan: Arms, audits: pd.DataFrame, chance: Floats) -> Check:
    """Look whether more contacts were gamed than there are, at these chances of being recognised.

    Of contacts under one arm that were logged alike, no more than all can have been gamed, so that
    audits recognise at least the share in which they found gaming.

    Parameters
    ----------
    plan, audits
        The arms, and the audited contacts.
    chance
        Of each audit: the chance that what was found is recognised, 1 where nothing was.
    """
    hit = (audits["found"].astype(str) != "none").to_numpy()
    arm, logged = plan.arm_codes(audits), audits["logged_outcome"].astype(str).to_numpy()
    each = pd.DataFrame({"n": 1.0, "hit": hit, "gamed": hit / chance})
    counts = each.groupby([arm, logged]).sum()
    counts = counts[counts["n"] >= FEWEST]
    n, found = counts["n"], counts["hit"]
    share = (found + 2) / (n + 4)  # Agresti and Coull's, which leaves room at 1
    least = share - SURELY * np.sqrt(share * (1 - share) / (n + 4))
    most = (least * counts["gamed"] / found).fillna(0.0)
    worst = float(most.max()) if len(most) else 0.0
    where = ""
    if worst > 1:
        place = int(most.to_numpy().argmax())
        k, name = counts.index.to_list()[place]
        where = (
            f" (logged '{name}' under '{plan.arms[k]}': audits found gaming in "
            f"{found.iloc[place] / n.iloc[place]:.2f} of them, and recognise no less)"
        )
    return Check(
        "no more gaming than contacts",
        worst <= 1,
        worst,
        1,
        f"gamed contacts for each one logged alike, at least: detection is too low{where}; give it "
        "for each kind",
    )


def gap_check(contacts: Floats, prob: Floats, arm: "np.ndarray") -> Check:
    """Hold the contacts that audits stand for against those on the log, arm by arm.

    Parameters
    ----------
    contacts
        On the log, shape (arms,).
    prob, arm
        Of each audit: the chance of being drawn, and the arm's place.
    """
    arms = len(contacts)
    gap = np.bincount(arm, 1 / prob, arms) - contacts
    spread = np.sqrt(np.bincount(arm, (1 - prob) / prob**2, arms))
    gap = np.divide(gap, spread, out=gap, where=spread > 0)
    off = float(gap[np.abs(gap).argmax()])
    return Check(
        "audit weights add up to the contacts",
        abs(off) <= 4,
        off,
        4,
        "standard errors between the contacts that the audits stand for and those on the "
        "log: are the recorded chances right?",
    )


def unseen_check(share: float, instead: str) -> Check:
    """Say how many contacts no audit speaks for, and what was done with them `instead`."""
    return Check(
        "every logged outcome was audited",
        share == 0,
        share,
        0,
        f"share of an arm's contacts logged under a name that was never audited; {instead}",
    )


def suspicion_check(audits: int) -> Check:
    """Say how many audits were made on suspicion, and so left out."""
    return Check(
        "no audits made on suspicion",
        audits == 0,
        audits,
        0,
        "audits were made on suspicion, with no chance on record; they are left out",
    )


def bearing_checks(
    plan: Arms, audits: pd.DataFrame, cells: pd.DataFrame, chance: Floats, instead: str
) -> list[Check]:
    """Look at whether audits can bear a correction, and refuse where many contacts have none.

    Parameters
    ----------
    plan
        The arms.
    audits, cells
        The audited contacts, and all of them on the log.
    chance
        Of each audit: the chance that what was found is recognised, 1 where nothing was.
    instead
        What is done with contacts that no audit speaks for.
    """
    missed = unseen(plan, audits, cells)
    n = cells["n"].to_numpy(dtype=np.float64)
    contacts = np.bincount(plan.arm_codes(cells), n, len(plan.arms)).astype(np.float64)
    prob = audits["prob"].to_numpy(dtype=np.float64)
    return [
        gap_check(contacts, prob, plan.arm_codes(audits)),
        unseen_check(missed, instead),
        dim_check(plan, audits, chance),
    ]
