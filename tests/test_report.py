"""The report on a firm's records: failed checks first, refusals said, a page that stands alone."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import worlds

import incentives as inc
from incentives.report import QUESTIONS, Answer, Asked, Report, report

WORLD_OF = {  # of questions that one world of half-treated teams does not answer
    "priorities": "logged",
    "month_ends": "logged",
    "thresholds": "logged",
    "rollout": "rolled_out",
    "deterrence": "checked",
    "types": "switched",
}


@pytest.fixture(scope="module")
def firm() -> inc.Records:
    """One world of half-treated teams, as a firm would have it."""
    return next(worlds.each(worlds.trial("gamed")))


@pytest.fixture(scope="module")
def found(firm) -> Report:
    return report(firm, ["gaming", "churn"], control="wage")


def asked(name: str, request: pytest.FixtureRequest) -> Report:
    """Ask a question of a world that answers it."""
    return report(
        request.getfixturevalue(WORLD_OF.get(name, "firm")),
        [name],
        control="before" if name == "rollout" else "wage",
        threshold=3,
        money={"before": 0.0, "wage": 0.0, "retention": 6.0},
    )


def test_the_conclusions_are_those_of_the_estimates(firm, found):
    gaming = inc.gaming_effect(firm, control="wage")
    assert f"- **gaming**: {gaming.reading}" in found.markdown()
    pd.testing.assert_frame_equal(found.answers[0].result.tidy(), gaming.tidy())


def test_failed_checks_come_before_the_answers(firm):
    few = firm.audits.iloc[::3]
    found = report(inc.Records(**{**firm.frames(), "audits": few}), ["gaming"], control="wage")
    text = found.markdown()
    first, second = text.index("audit weights add up"), text.index("## In short")
    third = text.index("## Contacts gamed")
    assert first < second < third
    assert "audit weights add up" not in text[third:]


def test_a_sentence_names_the_checks_that_failed_and_no_other(firm):
    chosen = firm.assignments.assign(randomised=False)
    for assignments in (firm.assignments, chosen):
        records = inc.Records(**{**firm.frames(), "assignments": assignments})
        found = report(records, ["gaming", "churn"], control="wage")
        for answer, (name, said) in zip(found.answers, found.in_short(), strict=True):
            result = answer.result
            failed = [check.name for check in result.checks if not check.passed]
            assert ("assigned at random or paired" in failed) == (assignments is chosen)
            doubts = f"; but {len(failed)} of {len(result.checks)} checks failed: "
            clause = doubts + ", ".join(failed) if failed else ""
            assert said == f"{result.reading}{clause}."
            assert f"- **{name}**: {said}" in found.markdown()


def test_detection_that_cannot_be_is_told_where_its_effect_is(firm):
    (_, said), *_ = report(firm, ["gaming"], control="wage", detection=0.02).in_short()
    assert "checks failed: " in said
    assert "no more gaming than contacts" in said


def section(found: Report, name: str) -> str:
    """Give what the report says under the figure of a question."""
    return found.markdown().partition(f"*{name}: ")[2].partition("checks passed")[0]


def test_a_section_says_on_what_its_intervals_rest(firm, found):
    gaming = inc.gaming_effect(firm, control="wage")
    row = gaming.tidy().iloc[0]
    told = section(found, "gaming")
    assert row["inference"] == "cluster (team), Welch, t"
    assert f"{gaming.facts}. 95 % intervals by Welch on 16 teams with {row['df']:.1f}" in told
    assert f"degrees of freedom; {row['n_audits']:,} audits." in told
    churn = section(found, "churn")
    assert inc.churn_effect(firm, control="wage", horizon=worlds.MONTHS).facts in churn
    assert "degrees of freedom." in churn  # it reads no audits


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_section_shows_how_a_column_is_written(name, request):
    found = asked(name, request)
    told = section(found, name)
    assert ("95 % intervals by " in told) == (name not in ("priorities", "audits"))
    assert "nan" not in told
    assert "cluster (" not in told
    assert not re.search(r"\n\n\n", found.markdown())


def test_an_interval_without_an_end_is_said_in_words(logged):
    four = {  # teams, two of them under each scheme: six ways to deal them
        name: frame[frame[team].isin([0, 1, 2, 3])]
        for name, frame in logged.frames().items()
        for team in ["unit_id" if name == "assignments" else "team"]
        if team in frame
    }
    given = four["assignments"].sort_values("unit_id").reset_index(drop=True)
    given["scheme"] = ["wage", "wage", "retention", "retention"]
    of = given.set_index("unit_id")["scheme"]
    for name in ("contacts", "agents", "audits", "cells", "surveys"):
        four[name] = four[name].assign(scheme=four[name]["team"].map(of))
    records = inc.Records(**{**logged.frames(), **four, "assignments": given})
    found = report(records, ["gaming", "inflation", "month_ends"], control="wage")
    for answer, (name, said) in zip(found.answers, found.in_short(), strict=True):
        assert "-inf to +inf" in answer.result.reading
        assert "inf " not in said
        assert "the data cannot tell" in said
        assert "; with all 6 assignments p is .333 or more, whatever the effect" in said
        told = section(found, name)
        assert "the data cannot tell" in told
        assert "by randomisation on 4 teams: all 6 assignments, p at least .333" in told


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ("the effect is -inf to +inf", "the effect is anything, as far as the data can tell"),
        ("raises it by 2.0 to inf per 100", "raises it by 2.0 or more per 100"),
        ("unclear (-inf to +1.5 per 100)", "unclear (+1.5 or less per 100)"),
        ("unclear (-0.02 to +inf)", "unclear (-0.02 or more)"),
        ("informs 2 to 3 of them", "informs 2 to 3 of them"),
    ],
)
def test_half_an_interval_is_said_in_words_too(firm, reading, said):
    result = replace(inc.gaming_effect(firm, control="wage"), reading=reading, checks=())
    found = Report("", "", (Answer("gaming", result),))
    assert found.in_short() == [("gaming", f"{said}.")]


def test_what_cannot_be_answered_is_said_with_the_reason(firm):
    unaudited = inc.Records(**{**firm.frames(), "audits": firm.audits.iloc[:0]})
    found = report(unaudited, ["gaming", "churn"], control="wage")
    assert found.answers[0].result is None
    text = found.markdown()
    assert "- **gaming**: records have no audits." in text[text.index("## What could not") :]
    assert found.answers[1].result is not None


def test_a_refusal_that_points_to_a_function_names_its_question(rolled_out):
    (answer,) = report(rolled_out, ["churn"], control="before").answers
    assert "ask `staggered_effect` (--question rollout), which compares each wave" in answer.refused


def test_the_page_holds_its_own_figures_and_no_other_address(found):
    page = found.html()
    assert page.count('src="data:image/png;base64,') == len(found.answers)
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<table>" in page
    assert "<script" not in page


@pytest.mark.parametrize("name", QUESTIONS)
def test_rows_of_a_table_are_told_apart_by_what_stands_before_the_numbers(name, request):
    found = asked(name, request)
    (answer,) = found.answers
    assert answer.result is not None, answer.refused
    text = found.markdown()
    text = text[text.index(f"]({name}.png)") :]
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    header, _, *rows = [[cell.strip() for cell in row] for row in rows]
    assert all(any(row[k] for row in rows) for k in range(len(header))), header
    numbers = header.index("estimate") if "estimate" in header else len(header)
    words = [tuple(row[:numbers]) for row in rows]
    assert len(set(words)) == len(words) > 0, name


def test_a_telephone_shows_the_page_at_its_own_width(found):
    assert "<meta name='viewport' content='width=device-width'>" in found.html()


def test_what_is_written_is_whole_and_the_same_each_time(found, tmp_path):
    one, two = (found.save(tmp_path / name) for name in ("one", "two"))
    names = sorted(path.name for path in one.iterdir())
    expected = ["churn.csv", "churn.png", "gaming.csv", "gaming.png", "report.html", "report.md"]
    assert names == expected
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_a_name_in_the_data_cannot_put_markup_on_the_page(firm):
    odd = firm.frames()
    for name in ("runs", "assignments", "cells", "audits", "customers"):
        frame = odd[name].copy()
        frame["scheme"] = frame["scheme"].astype(str).replace("retention", "<script>x</script>")
        odd[name] = frame
    assert "<script>" not in report(inc.Records(**odd), ["gaming"], control="wage").html()


def test_churn_is_counted_as_far_as_the_records_go_since_the_schemes_differ():
    centre = worlds.contractor().assign(worlds.SCHEMES, start=1)
    records = inc.simulate(centre, months=3, rng=1, keep="cells", progress=False)
    (answer,) = report(records, ["churn"], control="wage").answers
    assert answer.result is not None
    assert answer.result.tidy()["unit"].iloc[0] == "per 100 customers by 2 months"


def test_a_control_that_is_no_arm_is_refused_by_name(firm):
    with pytest.raises(KeyError) as caught:
        report(firm, control="wgae")
    said = "control: no scheme 'wgae' in assignments; schemes are 'wage', 'retention'"
    assert caught.value.args[0].replace("'retention', 'wage'", "'wage', 'retention'") == (
        said + "; did you mean 'wage'?"
    )
    with pytest.raises(KeyError, match=r"by: no column 'scenrio' in runs.*mean 'scenario'"):
        report(firm, control="wage", by="scenrio")
    with pytest.raises(KeyError, match=r"control: no scenario 'wage' in runs; scenarios are"):
        report(firm, control="wage", by="scenario")


def test_a_page_without_answers_does_not_begin_as_if_all_were_well(firm):
    unaudited = inc.Records(**{**firm.frames(), "audits": firm.audits.iloc[:0]})
    for questions, said in (
        (["gaming", "churn"], "1 of 2 questions could not be answered."),
        (["gaming"], "No question could be answered, so nothing was checked."),
    ):
        text = report(unaudited, questions, control="wage").markdown()
        assert said in text[: text.index("## In short")]


def test_an_unknown_question_is_refused_by_name(firm):
    with pytest.raises(KeyError, match=r"no question 'gamng'.*did you mean 'gaming'"):
        report(firm, ["gamng"], control="wage")


def test_the_report_says_what_audits_found_and_what_each_question_asks(firm, found):
    text = found.markdown()
    none = int((firm.seen_by("analyst").audits["found"] == "none").sum())
    assert f"Audits found: none {none:,}, " in text
    assert f"*gaming: {QUESTIONS['gaming'].words}*" in text
    asked = report(firm, ["gaming", "effect"], control="wage", indicator="save_rate")
    said = "Asked about the indicator save_rate: effect; the other questions are of no indicator."
    assert said in asked.facts


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_that_can_be_asked_has_an_answer_or_a_reason(firm, name):
    (answer,) = report(firm, [name], control="wage").answers
    assert answer.result is not None or len(answer.refused) > 20


def test_every_answer_that_reads_audits_takes_the_detection_that_was_named():
    centre = worlds.contractor().assign({"retention": worlds.SCHEMES["retention"]}, start=[1, 2])
    records = inc.simulate(centre, months=3, rng=1, keep="cells", progress=False)
    (found,) = report(records, ["rollout"], control="before", detection=0.5).answers
    own = inc.staggered_effect(records, control="before", detection=0.5)
    pd.testing.assert_frame_equal(found.result.tidy(), own.tidy())
    blind = inc.staggered_effect(records, control="before")
    assert abs(found.result.tidy()["estimate"] - blind.tidy()["estimate"]).max() > 0.01


@pytest.mark.parametrize(
    ("detection", "said"),
    [
        (1.0, "recognise every gamed contact (detection 1)."),
        (0.5, "recognise 50 of 100 gamed contacts (detection 0.5); what they missed is added."),
        ({"false_save": 0.6}, "(detection 0.6 for 'false_save')"),
    ],
)
def test_the_page_says_how_well_audits_are_taken_to_see(firm, detection, said):
    text = report(firm, ["churn"], control="wage", detection=detection).markdown()
    assert said in text[: text.index("## Checks that failed")]


def test_of_a_log_without_audits_no_detection_is_told(firm):
    unaudited = inc.Records(**{**firm.frames(), "audits": firm.audits.iloc[:0]})
    assert "detection" not in report(unaudited, ["churn"], control="wage").facts


@pytest.fixture(scope="module")
def logged() -> inc.Records:
    """The contacts of one small centre, half of its teams paid for saves."""
    audits = {"audit.rate": 0.1, "audit.on_saves": 0.5}
    floor = {"floor.teams": 8, "floor.customers": 12_000}
    centre = worlds.contractor().change(floor | audits)
    return inc.simulate(centre.assign(worlds.SCHEMES), months=2, rng=1, progress=False)


@pytest.fixture(scope="module")
def rolled_out() -> inc.Records:
    """Pay for saves that came to half of the teams in each of two months."""
    centre = worlds.contractor().assign({"retention": worlds.SCHEMES["retention"]}, start=[1, 2])
    return inc.simulate(centre, months=3, rng=1, keep="cells", progress=False)


@pytest.fixture(scope="module")
def checked() -> inc.Records:
    """Small centres on a wage, of which some audit nine times as many contacts as others."""
    small = {"floor.teams": 4, "floor.customers": 8_000, "audit.on_saves": 0.0, "label": "wage"}
    centre = worlds.contractor().change({**small, "scheme": worlds.SAVES})
    grid = list(centre.vary(**{"audit.rate": (0.02, 0.06, 0.18)}))
    return inc.simulate(grid, replications=4, months=1, rng=1, keep="cells", progress=False)


@pytest.fixture(scope="module")
def switched() -> inc.Records:
    """Agents on a wage, half of them paid for saves from the second month on."""
    audits = {"audit.rate": 0.1, "audit.on_saves": 0.8}
    centre = worlds.contractor().change({"floor.customers": 9_000, **audits})
    centre = centre.change({"scheme": worlds.WAGE, "label": "wage"})
    trial = centre.assign(worlds.SCHEMES, unit="agent", start=1)
    return inc.simulate(trial, months=2, rng=1, keep="cells", progress=False)


def test_every_question_that_a_log_of_contacts_fits_is_answered_about_the_save_rate(logged):
    names = ["effect", "truth", "levels", "inflation", "errors", "audits", "month_ends", "spread"]
    found = report(logged, names, control="wage", indicator="save_rate")
    results = {answer.name: answer.result for answer in found.answers}
    assert not [answer.refused for answer in found.answers if answer.result is None]
    assert results["effect"].tidy()["estimand"].iloc[0] == "save_rate_logged"
    assert results["truth"].tidy()["unit"].iloc[0] == "per 100 wishes to cancel"
    assert results["month_ends"].question.startswith("Logged saves about the ends of months")
    assert "logged as saved" in results["spread"].question
    assert "Asked about the indicator save_rate: effect, truth, levels," in found.markdown()
    assert all(len(said) > 40 for _, said in found.in_short())
    assert found.html().count("data:image/png") == len(names)


def test_an_indicator_that_audits_cannot_speak_of_is_answered_from_the_log_alone(logged):
    found = report(logged, ["effect", "truth"], control="wage", indicator="handle_minutes")
    effect, truth = found.answers
    assert effect.result.tidy()["unit"].iloc[0] == "minutes per contact"
    assert "handle_minutes" in truth.refused


def test_an_indicator_that_is_not_there_is_refused_by_name(logged):
    with pytest.raises(KeyError, match=r"no indicator 'save_rte' in records.*mean 'save_rate'"):
        report(logged, ["effect"], control="wage", indicator="save_rte")


def test_the_roll_out_and_the_types_follow_the_indicator():
    asked = Asked("scheme", "wage", 2, indicator="save_rate")
    assert (asked.outcome, asked.counted("sales")) == ("save_rate", "saves")
    plain = Asked("scheme", "wage", 2)
    assert (plain.outcome, plain.counted("sales")) == ("success", "sales")
    centre = worlds.contractor().change({"floor.customers": 9_000})
    rolled = centre.assign({"retention": worlds.SCHEMES["retention"]}, start=[1, 2])
    records = inc.simulate(rolled, months=3, rng=1, keep="cells", progress=False)
    (found,) = report(records, ["rollout"], control="before", indicator="sales").answers
    assert found.result.tidy()["estimand"].iloc[0] == "sale_true"


def test_what_audits_deter_is_a_cause_only_if_it_is_said_that_they_were_dealt(checked):
    chosen, dealt = (
        report(checked, ["deterrence"], control="wage", audits_dealt=said) for said in (False, True)
    )
    name = "chances of audits were dealt at random"
    assert name in chosen.in_short()[0][1]
    assert name not in dealt.in_short()[0][1]
    assert "--audits-dealt" in chosen.markdown()


def test_suspicion_adds_nothing_to_the_budget_of_a_plan(firm):
    few = firm.audits.head(50)
    suspected = few.assign(mode="targeted", prob=np.nan, contact=few["contact"] + 10**9)
    audits = pd.concat([firm.audits, suspected], ignore_index=True)
    more = inc.Records(**{**firm.frames(), "audits": audits})
    ((_, plain), *_), ((_, same), *_) = (
        report(records, ["audits"], control="wage").in_short() for records in (firm, more)
    )
    assert same.split(";")[0] == plain.split(";")[0]
