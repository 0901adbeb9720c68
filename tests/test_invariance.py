"""Same address, same draw: what is watched, how it is run and other rules change nobody's luck."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import incentives as inc
from incentives._draws import Purpose, exponential, key_of, uniforms
from incentives.columns import CUSTOMER, Reason
from incentives.menu import DEFAULT_MENU, ENTRIES
from incentives.staff import Staff
from incentives.world import World

PAID = inc.Wage(2000.0) + inc.PieceRate("saves", 4.0) + inc.PieceRate("sales", 2.0)
MECHANISMS = [each.id for each in inc.all_mechanisms()]
SPARE = 1e-3  # minutes: contacts are kept in single precision


def a_centre(scheme: inc.Scheme = PAID, **values: Any) -> inc.Scenario:
    """Eight agents, four fifths busy, with everything that can happen."""
    return inc.Scenario(scheme=scheme, label="own").change(
        {
            "floor.teams": 2,
            "floor.customers": 6_000,
            "floor.minutes": 270.0,
            "floor.shift_minutes": (270.0,),
            "floor.pause": 20.0,
            "leaving.base": 0.05,
            "acquisition.monthly": 0.05,
            "audit.rate": 0.02,
            "audit.on_saves": 0.1,
            "contract.clients": (0.7, 0.3),
            **values,
        }
    )


def run(scenario: inc.Scenario, **settings: Any) -> inc.Records:
    return inc.simulate(scenario, **{"months": 2, "rng": 11, **settings})


def assert_same(one: inc.Records, other: inc.Records, *but: str) -> None:
    for name, frame in one.frames().items():
        if name not in but:
            pd.testing.assert_frame_equal(frame, getattr(other, name), check_exact=True, obj=name)


# -- how it is run and what is watched ----------------------------------------------------------


@pytest.fixture(scope="module")
def sweep() -> dict[str, Any]:
    schemes = {"wage": inc.Wage(), "paid": PAID}
    return {
        "scenarios": a_centre().vary(scheme=schemes),
        "replications": 2,
        "months": 2,
        "rng": 5,
        "choices": 0.05,
    }


@pytest.fixture(scope="module")
def at_once(sweep: dict[str, Any]) -> inc.Records:
    return inc.simulate(**sweep)


def test_records_are_the_same_for_any_number_of_processes(
    sweep: dict[str, Any], at_once: inc.Records
) -> None:
    assert_same(inc.simulate(**sweep, n_jobs=2), at_once)


def test_a_sweep_that_was_stopped_goes_on_and_ends_the_same(
    sweep: dict[str, Any], at_once: inc.Records, tmp_path: Path
) -> None:
    folder = tmp_path / "sweep"
    assert_same(inc.simulate(**sweep, folder=folder), at_once)
    kept, lost, torn = folder / "run-00000", folder / "run-00002", folder / "run-00003"
    shutil.rmtree(lost)
    torn.rename(torn.with_name("run-00003.part"))  # as it stands when a run is killed while writing
    written = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert_same(inc.simulate(**sweep, folder=folder), at_once)
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == written
    assert sorted(path.name for path in folder.glob("run-*")) == [f"run-0000{i}" for i in range(4)]
    with pytest.raises(ValueError, match="another sweep"):
        inc.simulate(**{**sweep, "rng": 6}, folder=folder)
    with pytest.raises(ValueError, match="another sweep"):
        inc.simulate(**{**sweep, "choices": 0.0}, folder=folder)
    with pytest.raises(ValueError, match="another sweep"):  # whose runs have other numbers
        inc.simulate(**{**sweep, "replications": 3}, folder=folder)
    mark = folder / "sweep.txt"
    mark.write_text(mark.read_text().replace("\nrules ", "\nrules of before "))
    with pytest.raises(ValueError, match=r"another sweep .*rules"):
        inc.simulate(**sweep, folder=folder)


def test_what_a_sweep_varies_stands_beside_its_runs() -> None:
    grid = a_centre().vary(
        **{"audit.rate": [0.1, 0.3], "floor.profile": [(1.0,), (1.0, 2.0)]},
    )
    longer = a_centre().change({"menu.serve.minutes": 1.5})
    swept = inc.simulate([*grid, longer], months=1, keep="cells")
    usual = float(a_centre().audit.rate)
    assert swept.runs["audit.rate"].tolist() == [0.1, 0.1, 0.3, 0.3, usual]
    assert swept.runs["floor.profile"].tolist()[:4] == ["(1.0,)", "(1.0, 2.0)"] * 2
    assert swept.runs["menu.serve.minutes"].tolist() == [1.0] * 4 + [1.5]
    alone = inc.simulate(longer, months=1, keep="cells")
    for parts in ([swept, alone], [alone, swept]):
        both = inc.Records.concat(parts).runs
        assert both["audit.rate"].notna().sum() == 5
        assert both["floor.profile"].isna().sum() == 1


def test_a_run_does_not_depend_on_the_runs_beside_it(
    sweep: dict[str, Any], at_once: inc.Records
) -> None:
    alone = inc.simulate(**{**sweep, "scenarios": sweep["scenarios"][1]})
    together = at_once.contacts[at_once.contacts["run"] >= 2]
    columns = [name for name in together if name not in ("run", "scheme")]
    pd.testing.assert_frame_equal(
        alone.contacts[columns], together[columns].reset_index(drop=True), check_exact=True
    )


@pytest.mark.quick
def test_watching_choices_draws_nothing() -> None:
    watched = run(a_centre(), choices=0.05)
    assert 0.02 < watched.choices["contact"].nunique() / len(watched.contacts) < 0.08
    assert_same(run(a_centre()), watched, "choices")


@pytest.mark.parametrize("keep", ["cells", 0.3])
def test_what_is_kept_draws_nothing(keep: Any) -> None:
    whole = run(a_centre(), choices=0.05)
    less = run(a_centre(), choices=0.05, keep=keep)
    assert_same(whole, less, "contacts", "customers", "surveys")


def test_replications_differ_and_each_is_the_same_world_under_every_scenario() -> None:
    unlike = a_centre(inc.Wage()).without("G1", "O6")
    ours, others = (run(centre, replications=3, months=1) for centre in (a_centre(), unlike))
    callers = ours.contacts[ours.contacts["day"] == 0].groupby("run")["customer"].agg(frozenset)
    assert callers.nunique() == 3
    for replication in range(3):
        assert World(unlike, rng=11, replication=replication).key == key_of(11, replication)
        one, other = (
            inc.Records(
                **{
                    name: frame[frame["run"] == replication] if len(frame) else frame
                    for name, frame in records.frames().items()
                }
            )
            for records in (ours, others)
        )
        assert_same_arrivals(one, other)


# -- bytes --------------------------------------------------------------------------------------

# The same on Python 3.11 with NumPy 2.4.6 and on 3.13 with NumPy 2.5.5 (Numba 0.68.1 and pandas
# 3.1.1 on both). If one changes, either the model was changed, and the new digests belong into the
# same commit, or something in the stack has other bits: then see whether whole numbers moved, and
# in which frame.
INTEGERS = {
    "runs": "5e459a91e2eb",
    "contacts": "e05388b57d9d",
    "cells": "7e107820bfc4",
    "agents": "c6c5d3707dd0",
    "customers": "e83fb47ec7ea",
    "audits": "b0c788fb588c",
    "surveys": "b2bad5383444",
    "assignments": "57bba08dfdde",
    "days": "1f649edefd13",
    "choices": "b9a07e299c79",
    "clients": "e3b0c44298fc",
}
FLOATS = {
    "runs": "570c5d28cb51",
    "contacts": "dddf11b9bc89",
    "cells": "f8206edd5d40",
    "agents": "ef21a2a35458",
    "customers": "421f328e717a",
    "audits": "04d113f94aa2",
    "surveys": "64d33a4e8d56",
    "assignments": "3b8bf07bc1f8",
    "days": "cf1478304fe7",
    "choices": "bf9cd226ae31",
    "clients": "e3b0c44298fc",
}


def digests(records: inc.Records) -> tuple[dict[str, str], dict[str, str]]:
    """Digest each frame's whole numbers, codes and switches, and its floats bit by bit."""
    integers, floats = {}, {}
    for name, frame in records.frames().items():
        exact, inexact = hashlib.sha256(), hashlib.sha256()
        for column in frame.columns.drop("digest", errors="ignore"):  # of the scenario's text
            values = frame[column]
            exact.update(f"{column} {len(values)}\n".encode())
            if isinstance(values.dtype, pd.CategoricalDtype):
                exact.update(" ".join(map(str, values.cat.categories)).encode())
                values = values.cat.codes
            if values.dtype.kind == "f":
                inexact.update(np.asarray(values, np.float64).tobytes())
            elif values.dtype.kind in "iub":
                exact.update(np.asarray(values, np.int64).tobytes())
            else:
                exact.update("\n".join(map(str, values)).encode())
        integers[name], floats[name] = exact.hexdigest()[:12], inexact.hexdigest()[:12]
    return integers, floats


def pinned_world() -> inc.Records:
    """A month under one scheme, then a trial of two others, with every kind of price."""
    bonus = (
        inc.Wage(1800.0)
        + inc.Target("saves", 6, lump=40.0)
        + inc.Tiers("sales", ((0, 2.0), (10, 4.0)), gate=("contacts", 100))
        + inc.Clawback(inc.PieceRate("saves", 2.0), months=2)
    )
    rank = (
        inc.Wage(1800.0)
        + inc.Tournament("sales", (60.0, 20.0))
        + inc.TeamPool("survey_score", 8.0, threshold=7.0)
        + inc.Deferred(inc.PieceRate("saves", 3.0), months=1)
    )
    trial = a_centre().assign({"bonus": bonus, "rank": rank}, start=1)
    return inc.simulate(trial, months=3, rng=2024, choices=0.02)


@pytest.fixture(scope="module")
def pinned() -> tuple[dict[str, str], dict[str, str]]:
    return digests(pinned_world())


@pytest.mark.quick
def test_whole_numbers_are_the_same_everywhere(pinned: tuple[dict[str, str], ...]) -> None:
    assert pinned[0] == INTEGERS


@pytest.mark.quick
def test_floats_are_the_same_everywhere_to_the_last_bit(
    pinned: tuple[dict[str, str], ...],
) -> None:
    assert pinned[1] == FLOATS


# -- other rules' luck --------------------------------------------------------------------------


def first_contacts(records: inc.Records) -> pd.DataFrame:
    """When each of the initial customers first contacts about each need."""
    contacts = records.contacts
    first = contacts[(contacts["episode"] == 0) & (contacts["attempt"] == 1)]
    initial = first["customer"] < records.runs["customers"].iloc[0]
    # a victim of G2 complains about a wish to cancel, which is another need
    victims = contacts.loc[contacts["true_outcome"] == "suppressed", "customer"]
    known = first["reason"].isin(["question", "order"]) | (
        (first["reason"] == "complaint") & ~first["customer"].isin(victims)
    )
    keys = ["customer", "reason"]
    arrivals: pd.DataFrame = first[initial & known].set_index(keys)
    return arrivals[["day", "minute", "channel", "month"]]


def assert_same_arrivals(one: inc.Records, other: inc.Records, *, channel: bool = True) -> None:
    """First contacts are the same, but for customers who have left one of the two worlds."""
    a, b = first_contacts(one), first_contacts(other)
    both = a.join(b.add_suffix("_other"), how="inner")
    assert (both["day"] == both["day_other"]).all()
    assert abs(both["minute"] - both["minute_other"]).max() < SPARE
    if channel:
        assert (both["channel"] == both["channel_other"]).all()
    victims = set()
    for world in (one, other):
        suppressed = world.contacts["true_outcome"] == "suppressed"
        victims |= set(world.contacts.loc[suppressed, "customer"])
    for here, there, world in ((a, b, other), (b, a, one)):
        customers = world.customers
        left = customers[customers["left"] == 1].set_index("customer")["month"]
        missing = here.loc[here.index.difference(there.index)].reset_index("customer")
        missing = missing[~missing["customer"].isin(victims)]
        assert (missing["month"] > missing["customer"].map(left)).all()
    assert len(both) > 0.95 * len(a)


@pytest.fixture(scope="module")
def base() -> inc.Records:
    return run(a_centre())


@pytest.mark.parametrize(
    "scheme",
    [
        inc.Wage(500.0),
        PAID + inc.PieceRate("saves", 12.0),
        inc.Wage() + inc.Target("sales", 8, lump=90.0),
        inc.Wage() + inc.Tournament("contacts", (90.0,)),
    ],
    ids=["less", "more", "target", "tournament"],
)
def test_pay_moves_nobodys_first_contact(base: inc.Records, scheme: inc.Scheme) -> None:
    assert_same_arrivals(base, run(a_centre(scheme)))


CALENDAR = {"floor.customers", "floor.opens", "floor.minutes", "floor.days", "floor.profile",
            "needs.question", "needs.complaint", "needs.order", "needs.spread"}  # fmt: skip
ELSEWHERE = (
    "workforce.archetypes",
    "routing.crews",
    "floor.shift",
)  # values that must be changed together


def another(now: Any, low: float, high: float) -> Any:
    """Give another value within the range."""
    if isinstance(now, tuple):
        return (*now, now[0])
    if now == int(now) and (now + 1) <= high:
        return now + 1
    return 0.7 * now if low <= 0.7 * now < now else 0.5 * (now + min(high, now + 1))


def other_values(centre: inc.Scenario) -> dict[str, dict[str, Any]]:
    """Give another value for each parameter by its block, but for those that time the needs."""
    found: dict[str, dict[str, Any]] = {}
    for row in inc.parameter_table().to_dict("records"):
        block = str(row["block"])
        name = f"{block}.{row['parameter']}"
        if name in CALENDAR or name.startswith(ELSEWHERE):
            continue
        if block.startswith("menu."):
            settings: Any = centre.menu[inc.Action[block[5:].upper()]]
        else:
            settings = getattr(centre, block)
        value = another(getattr(settings, str(row["parameter"])), row["low"], row["high"])
        found.setdefault(block, {})[name] = value
    return found


def test_no_parameter_of_another_rule_moves_a_first_contact(base: inc.Records) -> None:
    blocks = other_values(a_centre())
    assert sum(map(len, blocks.values())) > 200
    for block, values in blocks.items():
        for name, value in values.items():
            assert a_centre(**{name: value}) != a_centre(), name
        try:
            assert_same_arrivals(base, run(a_centre(**values)), channel=block != "channels")
        except AssertionError as error:
            raise AssertionError(f"{values} move first contacts") from error


@pytest.mark.parametrize("off", MECHANISMS)
def test_a_mechanism_switched_off_moves_nobodys_first_contact(base: inc.Records, off: str) -> None:
    assert_same_arrivals(base, run(a_centre().without(off)), channel=off != "O4")


@pytest.mark.parametrize("off", MECHANISMS)
def test_a_mechanism_switched_off_leaves_staff_and_customers_as_they_come(off: str) -> None:
    one, other = World(a_centre(), rng=11), World(a_centre().without(off), rng=11)
    cared = ("care", "employer", "client")  # what A1 is about
    for name in Staff._fields:
        before, after = getattr(one.staff, name), getattr(other.staff, name)
        if off == "A1" and name in cared:
            assert (after == 0).all()
            assert (before > 0).any()
        else:
            assert (before == after).all(), name
    for name in CUSTOMER.fields or ():
        before, after = one.customers.row[name], other.customers.row[name]
        if off == "C3" and name == "openness":
            assert np.ptp(after) == 0.0
        else:
            assert (before == after).all(), name


@pytest.mark.parametrize(
    ("off", "values"),
    [
        ("A1", {"regard.distance": 0.9, "regard.spread": 1.0}),
        ("C1", {"expectations.adapts": 0.7}),
        ("C3", {"openness.spread": 0.1, "openness.moment": 2.0, "menu.offer_first.annoys": 9.0}),
        ("C4", {"menu.offer_first.appeal": 0.1, "menu.offer_first.resolves": 0.2}),
        ("C6", {"made_up_minds.decided": 0.9, "menu.press.keeps_decided": 0.9}),
        ("G1", {"menu.fabricate.seen": 0.1, "menu.fabricate.minutes": 0.1}),
        ("G2", {"suppressed_cancellation.discovery": 0.1, "suppressed_cancellation.traced": 1.0}),
        ("G3", {"misclassified_contact.passable": 1.0, "menu.log_save.minutes": 0.1}),
        ("G4", {"dropped_contact.reluctance": 0.0, "dropped_contact.queue": 1.0}),
        ("O2", {"routing.retention": 0.2, "routing.chat": 0.2, "routing.keep": "team"}),
        ("O4", {"channels.chat": 0.9, "channels.minutes": 3.0, "queueing.patience_chat": 1.0}),
        ("O5", {"queueing.patience": 0.1}),
        ("O6", {"audit.rate": 1.0, "audit.penalty": 1e4, "audit.on_saves": 0.9}),
        ("O6", {"belief.prior": 0.9}),
        ("P1", {"scheme": PAID + inc.PieceRate("contacts", 9.0)}),
    ],
)
def test_what_is_switched_off_is_as_if_never_written(off: str, values: dict[str, Any]) -> None:
    base = a_centre().without(off)
    scheme = values.get("scheme", base.scheme)
    other = a_centre(scheme, **{k: v for k, v in values.items() if k != "scheme"}).without(off)
    assert other != base
    one, two = run(base, months=2), run(other, months=2)
    assert_same(one, two, "runs")
    # and it is not that these values never matter
    assert not run(a_centre(), months=2).contacts.equals(
        run(
            a_centre(scheme, **{k: v for k, v in values.items() if k != "scheme"}), months=2
        ).contacts
    )


TASTES = ("pay", "effort", "fear", "care", "employer", "client", "standing", "risk")
INDIFFERENT = {
    "workforce.archetypes": (inc.Archetype(name="none", **dict.fromkeys(TASTES, 0.0)),),
    "workforce.tastes": 0.0,
    "workforce.closing": 0.0,
    "conscience.noise": 2.0,
    "conscience.mean": 0.5,
    "conscience.spread": 0.0,
    "conscience.ability": 0.0,
    "identity.resentment": 0.0,
    "identity.tone": 0.0,
    "identity.contagion": 0.0,
    "dropped_contact.reluctance": 2.0,
    "dropped_contact.spread": 0.0,
    "dropped_contact.habit": 0.0,
    "dropped_contact.queue": 0.0,
    "dropped_contact.evening": 0.0,
    "dumped_contact.reluctance": 0.0,
    "mode.cold": 1.0,
    "mood.lifts": 0.0,
    "ownership.spread": 0.0,
    "ownership.learns": 0.0,
    "loyalty_pays.opens": 0.0,
}  # whoever takes a contact, and when, decides by its luck alone
EVERYTHING = {
    "floor.teams": 1,
    "floor.customers": 3_000,
    "leaving.base": 0.3,
    "coaching.hours": 2.0,
    "reciprocity.month": 0.0,
    "job_security.month": 0.0,
    "ownership.owned": 0.5,
    "blending.share": 0.3,
    "data_harvest.share": 0.3,
    "channels.email": 0.1,
}
NESTS = {action.name.lower(): entry.nest for action, entry in ENTRIES.items()}
OF_A_RULE = {  # whose rules say what comes of a choice, but for luck
    "true_resolved": {"C4", "O4"},
    "true_outcome": {"C3", "C4", "C5", "C6", "O3"},
    "true_need": {"C5"},
    "checked": {"O6"},  # a save on the log is likelier to be checked: compared where logs agree
    "invited": {"G6", "P1"},  # without pay for scores nobody asks for one
}


def indifferent() -> inc.Scenario:
    scheme = PAID + inc.Target("survey_score", 7, lump=90.0) + inc.Target("qa_score", 70, lump=90.0)
    scheme += inc.Target("sales", 8, lump=90.0)
    return a_centre(scheme, **INDIFFERENT, **EVERYTHING)


def events(records: inc.Records) -> pd.DataFrame:
    """Give what was chosen and what came of it, by the address of the contact."""
    contacts = records.contacts[records.contacts["ended"] == "served"]
    told = contacts[["true_action", "true_resolved", "true_outcome", "logged_outcome", "true_need"]]
    told = told.astype(dict.fromkeys(("true_action", "true_outcome", "logged_outcome"), str))
    return told.assign(
        checked=contacts["contact"].isin(records.audits["contact"]),
        invited=contacts["contact"].isin(records.surveys["contact"]),
    ).set_index(pd.MultiIndex.from_frame(contacts[["customer", "reason", "episode", "attempt"]]))


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    return events(run(indifferent()))


def test_other_luck_makes_other_choices(everything: pd.DataFrame) -> None:
    """What the next test asks for is not a matter of course."""
    other = events(run(indifferent(), rng=12))
    both = everything.index.intersection(other.index)
    one, two = everything.loc[both], other.loc[both]
    assert (one["true_action"] == two["true_action"]).mean() < 0.4
    for column in OF_A_RULE:
        assert 0.02 < (one[column] != two[column]).mean() < 0.7, column


@pytest.mark.parametrize("off", MECHANISMS)
def test_a_mechanism_switched_off_leaves_choices_outcomes_checks_and_invitations(
    everything: pd.DataFrame, off: str
) -> None:
    other = events(run(indifferent().without(off)))
    both = everything.index.intersection(other.index)
    one, two = everything.loc[both], other.loc[both]
    assert len(both) > 0.7 * len(everything)
    was, now = one["true_action"], two["true_action"]
    own = [action.name.lower() for action, entry in ENTRIES.items() if entry.mechanism == off]
    taken_off, same_nest = was.isin(own), was.map(NESTS) == now.map(NESTS)
    assert ((was == now) | taken_off | (~same_nest if own else False)).all()
    assert taken_off.any() == bool(own)
    for column, of_their_own in OF_A_RULE.items():
        if off in of_their_own:
            assert (one[column] != two[column]).any(), column
            continue
        alike = was == now
        if column == "checked":
            alike &= one["logged_outcome"] == two["logged_outcome"]
        assert (one[column] == two[column])[alike].all(), column


# -- what happens on a contact is found at its address ------------------------------------------


def addressed(records: inc.Records, purpose: Purpose) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw again, at the addresses of the contacts; left out is one need's second reason."""
    contacts = records.contacts
    victims = contacts.loc[contacts["true_outcome"] == "suppressed", "customer"]
    complains = (contacts["reason"] == "complaint") & contacts["customer"].isin(victims)
    contacts = contacts[~complains].reset_index(drop=True)
    need = contacts["reason"].map({each.name.lower(): int(each) for each in Reason}).astype(int)
    return contacts, uniforms(
        key_of(11, 0),
        purpose,
        contacts["customer"].to_numpy(),
        (need * 2**24 + contacts["episode"].astype(int)).to_numpy(),
        contacts["attempt"].to_numpy().astype(int) - 1,
    )


@pytest.mark.quick
@pytest.mark.parametrize("off", [(), ("G1", "G4", "C3"), ("O2", "C6"), ("P1", "A1")], ids=str)
def test_checks_invitations_and_solutions_hang_on_the_contact_alone(off: tuple[str, ...]) -> None:
    centre = a_centre().without(*off)
    records = run(centre)
    contacts, u = addressed(records, Purpose.OUTCOME)
    served = contacts["ended"] == "served"
    contacts, (u_solve, _, u_invite, u_audit) = contacts[served], u[served].T
    chance = centre.audit.rate + np.where(
        contacts["logged_outcome"] == "saved", centre.audit.on_saves, 0.0
    )
    checked = contacts["contact"].isin(records.audits["contact"])
    assert (checked == (u_audit < chance)).all()
    invited = contacts["contact"].isin(records.surveys["contact"])
    cut = contacts["true_action"] == "cut_off"
    assert (invited == ((u_invite < centre.surveys.invites) & ~cut)).all()
    plain = {"question": 0.84, "complaint": 0.65, "order": 0.92, "cancel": 1.0}
    row = {action.name.lower(): each.resolves for action, each in DEFAULT_MENU.items()}
    resolves = contacts["reason"].map(plain).astype(float)
    resolves *= contacts["true_action"].map(row).astype(float)
    assert (contacts["true_resolved"] == (u_solve < resolves)).all()


@pytest.mark.quick
def test_patience_hangs_on_the_contact_alone() -> None:
    for centre in (a_centre(), a_centre(inc.Wage()).without("G4")):
        contacts, u = addressed(run(centre), Purpose.ARRIVE)
        gone = contacts["ended"] == "abandoned"
        mean = np.where(contacts["channel"] == "chat", 12.0, 8.0)
        patience = mean * 0.8 ** (contacts["attempt"] - 1) * exponential(u[:, 2])
        assert gone.sum() > 30
        np.testing.assert_allclose(contacts["wait_minutes"][gone], patience[gone], rtol=1e-6)
        assert (contacts["wait_minutes"] <= patience * (1 + 1e-6)).all()


# -- the log and the truth ----------------------------------------------------------------------


@pytest.mark.quick
def test_without_gaming_the_log_is_the_truth() -> None:
    records = run(a_centre().without("G1", "G2", "G3", "G4", "G8"))
    contacts, cells = records.contacts, records.cells
    assert (contacts["logged_outcome"] == contacts["true_outcome"]).all()
    assert (cells["logged_outcome"] == cells["true_outcome"]).all()
    assert (contacts["true_gaming"] == "none").all()
    assert (records.audits["found"] == "none").all()
    assert (records.agents["penalty"] == 0).all()
    assert {"saved", "cancelled", "sale"} <= set(contacts["true_outcome"])
    gamed = run(a_centre()).contacts
    lies = gamed["logged_outcome"] != gamed["true_outcome"]
    assert (lies == (gamed["true_gaming"] != "none")).all()
