"""What cannot be: keys that repeat, rows that point nowhere, events in an impossible order.

Types and ranges have been looked at before, column by column; here columns and frames are held
against each other.
"""

import numpy as np
import pandas as pd

from incentives.estimates.contract.declaration import CONTRACT
from incentives.estimates.contract.problems import Problems

__all__ = ["check"]

FEWEST_AUDITS = 20  # of which one at least found nothing, or `found` has another word for it


def check(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    """Note what is wrong with completed frames."""
    for name, frame in frames.items():
        _keys(name, frame, problems)
        _runs_known(name, frame, frames, problems)
    _assignments(frames, problems)
    if "contacts" in frames:
        _contacts(frames, problems)
    if "audits" in frames:
        _audits(frames["audits"], problems)
    if "surveys" in frames:
        frames["surveys"] = _surveys(frames["surveys"], problems)
    if "customers" in frames:
        _customers(frames["customers"], problems)


def _keys(name: str, frame: pd.DataFrame, problems: Problems) -> None:
    """Note rows that are there twice; agents have been looked at with their teams."""
    key = [column for column in CONTRACT[name].key if column in frame]
    if not key or len(key) < len(CONTRACT[name].key) or name == "agents" or frame.empty:
        return
    one = (frame["run"] == frame["run"].iloc[0]).all() and len(key) == 2
    again = frame[key[1]].duplicated() if one else frame.duplicated(key)
    said = f"is there twice: one row a {' and '.join(key[-1:])}"
    way, rests_on = "leave the copy out", [f"{name}.{column}" for column in key]
    rests_on += ["subscriptions.customer"] * (name == "customers")  # from which they may be made
    problems.add(name, key[-1], said, way, rows=again.to_numpy(), rests_on=rests_on)


def _runs_known(
    name: str, frame: pd.DataFrame, frames: dict[str, pd.DataFrame], problems: Problems
) -> None:
    strange = ~frame["run"].isin(frames["runs"]["run"]).to_numpy()
    way, rests_on = "leave the column out: a firm is one", ["runs.run", "assignments.run"]
    problems.add(name, "run", "is not in runs", way, rows=strange, rests_on=rests_on)


def _assignments(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    given = frames["assignments"]
    start, end = (given[name].to_numpy(dtype=float) for name in ("from_month", "to_month"))
    way = "`to_month` is the first month no longer under the scheme"
    said, rests_on = "is not after from_month", ["assignments.from_month"]
    problems.add("assignments", "to_month", said, way, rows=end <= start, rests_on=rests_on)


def _contacts(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    contacts = frames["contacts"]
    served = (contacts["logged_outcome"] != "abandoned").to_numpy()
    alone = contacts["agent"].to_numpy() < 0
    rests_on = ["contacts.logged_outcome"]
    way = "say who served it, or log it as abandoned"
    said, rows = "is empty and the contact served", served & alone
    problems.add("contacts", "agent", said, way, rows=rows, rests_on=rests_on)
    way = "leave the agent empty, or log what became of it"
    said, rows = "served an abandoned contact", ~served & ~alone
    problems.add("contacts", "agent", said, way, rows=rows, rests_on=rests_on)
    rows = (contacts["ended"] == "abandoned").to_numpy() == served
    way = "a contact is abandoned in both columns or in neither"
    said = "is not what logged_outcome says"
    problems.add("contacts", "ended", said, way, rows=rows, rests_on=rests_on)
    days = frames["runs"].set_index("run").get("days_per_month")
    if days is not None and "day" in contacts and "start" not in contacts:
        per = days.reindex(contacts["run"]).to_numpy()
        apart = contacts["day"].to_numpy() // per != contacts["month"].to_numpy()
        way = "day is month x days_per_month (in runs) + working day of the month, from 0"
        said, rests_on = "is not in that month", ["contacts.month"]
        problems.add("contacts", "day", said, way, rows=apart, rests_on=rests_on)
    _hired(frames, problems)


def _hired(frames: dict[str, pd.DataFrame], problems: Problems) -> None:
    """Note contacts before the agent's first day, or first month where no dates are known."""
    agents, contacts = frames.get("agents"), frames["contacts"]
    if agents is None or "hired" not in agents:
        return
    first = agents.groupby(["run", "agent"])["hired"].min()
    began = first.reindex(pd.MultiIndex.from_frame(contacts[["run", "agent"]])).to_numpy()
    month = contacts["month"].to_numpy()
    if "start" in contacts:
        start = contacts["start"].to_numpy().astype("datetime64[D]")
        day = (start - start.astype("datetime64[M]").astype(start.dtype)).astype(np.float64)
        when = month + day / 31
    else:
        when, began = month, np.floor(began)
    early = when < began - 1e-9
    way = "correct `hired`, or the agent of the contact"
    said, rests_on = "was hired after the contact", ["agents.agent", "contacts.month"]
    problems.add("contacts", "agent", said, way, rows=early, rests_on=rests_on)


def _audits(audits: pd.DataFrame, problems: Problems) -> None:
    unknown = audits["prob"].isna().to_numpy()
    if "mode" in audits:
        unknown = unknown & (audits["mode"] != "targeted").to_numpy()
    way = "give the chance that was fixed before the draw; picked on suspicion: mode `targeted`"
    rests_on = ["audits.contact", "contacts.contact"]  # by which it may be found there
    problems.add("audits", "prob", "is empty", way, rows=unknown, rests_on=rests_on)
    gamed = (audits["found"] != "none").to_numpy()
    if gamed.all() and len(gamed) >= FEWEST_AUDITS:
        way = "write `none` where an audit found nothing"
        said = "says of every audit that it found gaming"
        problems.add("audits", "found", said, way, rows=gamed)


def _surveys(surveys: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """Look at who answered what; keep the contacts whose customers were asked."""
    answered = surveys["answered"].to_numpy(dtype=float) == 1
    scored = surveys["score"].notna().to_numpy()
    way, rests_on = "leave the score empty, or say that an answer came", ["surveys.answered"]
    said, rows = "is there and no answer", scored & ~answered
    problems.add("surveys", "score", said, way, rows=rows, rests_on=rests_on)
    way = "give the score, or say that no answer came"
    said, rows = "is empty and an answer came", answered & ~scored
    problems.add("surveys", "score", said, way, rows=rows, rests_on=rests_on)
    if "invited" not in surveys:
        return surveys
    invited = surveys["invited"].to_numpy(dtype=float) == 1
    way = "say that the customer was asked, or leave the row out"
    said = "is yes for a customer who was not invited"
    problems.add("surveys", "answered", said, way, rows=answered & ~invited)
    kept: pd.DataFrame = surveys[invited].reset_index(drop=True)
    return kept


def _customers(customers: pd.DataFrame, problems: Problems) -> None:
    n, left = customers["n"].to_numpy(), customers["left"].to_numpy()
    way = "`n` counts those at risk, leavers with them"
    problems.add("customers", "left", "is more than n", way, rows=left > n)
    reasons = [name for name in customers if str(name).startswith("left_")]
    if reasons:
        apart = customers[reasons].sum(axis=1).to_numpy() != left
        way = "columns `left_...` add up to `left`: add one for the reason that is missing"
        problems.add("customers", "left", "is not the sum of its reasons", way, rows=apart)
