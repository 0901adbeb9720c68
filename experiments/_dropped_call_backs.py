"""What callers who were cut off do next: do they contact again, and would they have anyway?"""

from typing import Any

import numpy as np
import pandas as pd

from experiments._bank import MESSAGE
from experiments._clusters import coefficient, least_squares
from experiments._dropped_shares import BEFORE, SAMPLES, first_column, sample_of

HORIZONS = {"same day": None, "24 hours": 1.0, "7 days": 7.0}
LOOK_BACK = 7.0  # days without a contact that make a contact the first of its kind


def call_backs(contacts: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Compare callers who were cut off with callers who were served, by whether they contact again.

    Estimand: the difference, cut off less served, in the share of contacts that the same customer
    follows with another on the same day, within 24 hours, and within 7 days. Only identified
    customers can be followed, and only if they identify themselves again; contacts are from before
    the break, and each horizon must fit into the month. A call-back is itself a contact and may be
    cut off too, so the same is shown for first contacts, which follow a week without one.
    `adjusted` holds reason, priority, two-hour slot and month fixed (linear probability).
    Intervals are clustered by agent and by customer. The rows on the day before turn the clock
    round: what cannot be an effect shows how unlike the customers were.
    """
    index = followed(contacts, calls)
    groups = {"every contact": index, "first contacts": index[index["is_first"]]}
    rows = []
    for name, part in groups.items():
        for horizon, days in HORIZONS.items():
            seen = part[part["days_left"] >= (days or 0)]
            again = seen["next_same_day"] if days is None else seen["next_days"] <= days
            rows += compared(seen, again, {"contacts": name, "horizon": horizon})
    past = index[index["days_past"] >= 1]
    label = {"contacts": "every contact", "horizon": "day before"}
    rows += compared(past, past["last_days"] <= 1, label)
    return pd.DataFrame(rows)


def followed(contacts: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Identified contacts answered before the break, with the customer's last and next contact.

    Messages, which are the centre's own calls, count neither as contacts nor as call-backs.
    """
    own = contacts[contacts["customer"].notna() & contacts["ended"].ne("phantom")]
    own = own[own["reason"] != MESSAGE]
    midnight = (own["date"] - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
    own = own.assign(start=midnight + own["minute"] / 1440).sort_values(["customer", "start"])
    spent = own[["vru_minutes", "wait_minutes", "handle_minutes"]].sum(axis=1) / 1440
    month = own["date"].dt.to_period("M")
    by_month, by_customer = own.groupby(month)["date"], own.groupby("customer")
    last_days = own["start"] - by_customer["start"].shift(1)
    days_past = (own["date"] - by_month.transform("min")).dt.days
    own = own.assign(
        next_days=by_customer["start"].shift(-1) - own["start"] - spent,
        next_same_day=by_customer["date"].shift(-1) == own["date"],
        last_days=last_days,
        days_left=(by_month.transform("max") - own["date"]).dt.days,
        days_past=days_past,
        is_first=~(last_days < LOOK_BACK) & (days_past >= LOOK_BACK),
    )
    before = calls.loc[calls["period"].isin(BEFORE), ["contact", "cut_off"]]
    return own.merge(before, on="contact")


def compared(
    contacts: pd.DataFrame, again: "pd.Series[bool]", names: dict[str, str]
) -> list[dict[str, Any]]:
    """Compare the cut off with the served, plainly and with the circumstances held fixed."""
    circumstances = contacts[["reason", "priority"]].astype("str")
    circumstances["hour"] = (contacts["minute"] // 120).astype("str")
    circumstances["month"] = contacts["date"].dt.month.astype("str")
    fixed = pd.get_dummies(circumstances, drop_first=True).to_numpy(dtype=float)
    cut_off, outcome = contacts["cut_off"].to_numpy(float), again.to_numpy(float)
    agents = contacts["agent"].cat.codes.to_numpy()
    clusters = np.column_stack([agents, pd.factorize(contacts["customer"])[0]])
    shares = {
        "share_served": outcome[cut_off == 0].mean(),
        "share_cut_off": outcome[cut_off == 1].mean(),
        "n_cut_off": int(cut_off.sum()),
    }
    rows = []
    for estimator, others in (("plain", fixed[:, :0]), ("adjusted", fixed)):
        design = np.column_stack([cut_off, np.ones(len(cut_off)), others])
        fit = least_squares(outcome, design, clusters)
        row = coefficient(fit, 0, n=len(outcome), n_clusters=len(np.unique(agents)))
        rows.append(names | {"estimator": estimator} | shares | row)
    return rows


def identified_shares(calls: pd.DataFrame) -> pd.DataFrame:
    """Share of identified customers among those cut off and those served, before the break."""
    before = calls[calls["period"].isin(BEFORE)]
    known = before.assign(
        identified=before["customer"].notna(),
        fate=np.where(before["cut_off"], "cut off", "served"),
    )
    tables = [
        sample_of(known, sample)
        .groupby(["period", "fate"], observed=True)["identified"]
        .agg(contacts="size", identified_share="mean")
        .reset_index()
        .assign(sample=sample)
        for sample in SAMPLES
    ]
    return first_column(pd.concat(tables, ignore_index=True), "sample")
