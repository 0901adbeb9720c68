"""The situation in which each call was answered: who waits, what the agent has just done."""

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["LABELS", "situation"]

Floats = npt.NDArray[np.float64]

LABELS = {
    "previous_cut_off": "previous call of the day cut off",
    "waiting": "five more callers waiting",
    "busy": "five more agents busy",
    "log_previous": "ln previous call's seconds (if served)",
    "log_idle": "ln(1 + idle seconds before)",
    "log_wait": "ln(1 + seconds this caller waited)",
    "hours": "hours since the first call of the day",
    "occupied": "share of the last half hour on the phone",
    "before_9": "before 9 h (against 9-12 h)",
    "from_12": "12-15 h (against 9-12 h)",
    "from_15": "15-18 h (against 9-12 h)",
    "from_18": "18-21 h (against 9-12 h)",
    "from_21": "21-24 h (against 9-12 h)",
    "prospect": "prospect (against regular)",
    "stock_trade": "stock trade (against regular)",
    "english": "regular in English (against regular)",
    "identified": "identified customer",
    "october": "October (against January)",
}
"""The columns that `situation` adds, in words."""


def situation(contacts: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Describe the moment at which each call was answered, from what had happened by then.

    Parameters
    ----------
    contacts
        All contacts, from which queue and busy agents are counted.
    calls
        Those of them that a named agent answered, with ``cut_off``.

    Returns
    -------
    pandas.DataFrame
        The calls by agent and time, with the columns of `LABELS` and ``has_previous``: whether
        the agent had answered a call that day.
    """
    times = _times(contacts)
    calls = calls.merge(times, on="contact").sort_values(["agent", "start"], ignore_index=True)
    day = calls.groupby(["agent", "date"], observed=True)
    previous = day[["cut_off", "stop", "handle_minutes"]].shift()
    served_before = previous["cut_off"].eq(False)
    log_previous = np.log((previous["handle_minutes"] * 60).clip(lower=10)).where(served_before)
    idle_seconds = (calls["start"] - previous["stop"]).clip(lower=0) * 60
    hour = calls["service_minute"].fillna(calls["minute"]) // 60
    reason = calls["reason"].astype("str")
    return calls.assign(
        has_previous=previous["stop"].notna(),
        previous_cut_off=previous["cut_off"].eq(True),
        waiting=_waiting(calls, times[(contacts["ended"] != "phantom").to_numpy()]) / 5,
        busy=_busy(calls) / 5,
        log_previous=(log_previous - log_previous.mean()).fillna(0.0),
        log_idle=np.log1p(idle_seconds),
        log_wait=np.log1p(calls["wait_minutes"] * 60),
        hours=(calls["start"] - day["start"].transform("min")) / 60,
        occupied=_occupied(calls),
        before_9=hour < 9,
        from_12=hour.between(12, 14),
        from_15=hour.between(15, 17),
        from_18=hour.between(18, 20),
        from_21=hour >= 21,
        prospect=reason == "prospect",
        stock_trade=reason == "stock trade",
        english=reason == "regular in English",
        identified=calls["customer"].notna(),
        october=calls["date"].dt.month == 10,
    )


def _times(contacts: pd.DataFrame) -> pd.DataFrame:
    """Minutes since 1970 at which each contact was queued, left the queue, was answered, ended."""
    left = contacts["minute"] + contacts["vru_minutes"] + contacts["wait_minutes"]
    answered = contacts["service_minute"].fillna(left)
    midnight = (contacts["date"] - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(minutes=1)
    return pd.DataFrame(
        {
            "contact": contacts["contact"],
            "queued": midnight + left - contacts["wait_minutes"],
            "left": midnight + left,
            "start": midnight + answered,
            "stop": midnight + answered + contacts["handle_minutes"],
        }
    )


def _waiting(calls: pd.DataFrame, times: pd.DataFrame) -> Floats:
    """Count the callers in the queue when a call is answered, the caller apart."""
    queue = times[times["left"] > times["queued"]]
    own = (calls["queued"] <= calls["start"]) & (calls["left"] > calls["start"])
    return _present(queue["queued"], queue["left"], calls["start"]) - own.to_numpy(dtype=float)


def _busy(calls: pd.DataFrame) -> Floats:
    """Count the agents on the phone when a call is answered, its own agent apart."""
    own = calls["stop"] > calls["start"]
    return _present(calls["start"], calls["stop"], calls["start"]) - own.to_numpy(dtype=float)


def _present(begin: "pd.Series[float]", end: "pd.Series[float]", at: "pd.Series[float]") -> Floats:
    """Count the spells that have begun by a moment and not yet ended."""
    moments = at.to_numpy()
    begun = np.searchsorted(np.sort(begin.to_numpy()), moments, side="right")
    ended = np.searchsorted(np.sort(end.to_numpy()), moments, side="right")
    return np.asarray(begun - ended, dtype=float)


def _occupied(calls: pd.DataFrame, *, window: float = 30.0) -> Floats:
    """Share of the minutes before a call that its agent spent on the phone."""
    share = np.zeros(len(calls))
    for _, rows in calls.groupby("agent", observed=True):
        start = rows["start"].to_numpy()
        talk = np.minimum(rows["handle_minutes"].to_numpy(), np.diff(start, append=np.inf))
        spent = np.concatenate([[0.0], np.cumsum(talk)])
        knots = np.column_stack([start, start + talk]).ravel()
        levels = np.column_stack([spent[:-1], spent[1:]]).ravel()
        recent = spent[:-1] - np.interp(start - window, knots, levels)
        share[rows.index.to_numpy()] = np.clip(recent / window, 0.0, 1.0)
    return share
