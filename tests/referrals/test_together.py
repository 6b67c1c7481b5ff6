"""Do it together: the hour beside somebody, their plan, their copy; refused without a yes, and when the hour is over."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import gettext
from sqlalchemy import select, update

from inclusion_app.core import clock, i18n
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.people import my_record_words
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals.models import Sitting
from inclusion_app.referrals.services import together
from inclusion_app.roadmaps import queries, services
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.models import Household, HouseholdMember, Roadmap
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.roadmaps.selfcheck import QUESTIONS
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.people.world import NAME, code_of, looked_after, rows_of

ANSWERS: dict[str, Any] = {
    "q1": ["g03", "g09"], "q2": ["smartphone"], "q3": "sometimes", "q4": ["hearing"], "q5": "with_help",
    "q6": "alone", "q7": "not_yet", "q8": "not_yet", "q9": "with_help", "q10": "not_yet", "q11": "not_yet",
    "q12": "not_yet",
}  # fmt: skip
PRIVATE_TITLE = "Start a Universal Credit claim"


@pytest.fixture
def worker(staff_browser: Callable[..., StaffBrowser]) -> StaffBrowser:
    return staff_browser("caseworker")


@pytest.fixture
def number(app: Flask, worker: StaffBrowser) -> int:
    return looked_after(app, worker)


def hub(number: int) -> str:
    return f"/staff/people/{number}/together"


def hidden_of(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def press(worker: StaffBrowser, path: str, page: str, **data: Any) -> Any:
    return worker.client.post(path, data={**hidden_of(page), **data})


def sit(worker: StaffBrowser, number: int) -> Any:
    return press(worker, hub(number), worker.text(hub(number)), beside="y")


def give_plan(app: Flask, number: int, answers: Mapping[str, Any] | None = None, **states: str) -> None:
    """A saved plan of their own, made by themselves."""
    with app.app_context(), transaction() as session:
        roadmap = services.roadmap_to_change_for(session, resident_id=number, now=now())
        for question, value in (ANSWERS if answers is None else answers).items():
            services.give_answer(session, roadmap=roadmap, question=question, value=value, now=now())
        for step, state in states.items():
            services.set_step_state(
                session, roadmap=roadmap, step_id=step, state=StepState(state), actor="resident", now=now()
            )


def stored(app: Flask, number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    with app.app_context(), transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        return (
            dict(roadmap.answers),
            dict(roadmap.choices),
            {row.step_id: row.status for row in roadmap.progress},
        )


def plan_steps(app: Flask, number: int) -> tuple[str, ...]:
    with app.app_context(), transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        return tuple(step.id for step in queries.compute(roadmap, today=today()).plan.steps)


def over(app: Flask) -> None:
    """The hour ran out a moment ago."""
    with app.app_context(), transaction() as session:
        session.execute(
            update(Sitting).values(began_at=now() - timedelta(hours=2), until_at=now() - timedelta(seconds=1))
        )


def acts(app: Flask, number: int) -> list[tuple[str, str]]:
    done = [(row[0], row[4]) for row in rows_of(app, number)]
    return [
        (action, purpose) for action, purpose in done if action != "make" and not action.startswith("read ")
    ]


# --- the hour


def test_it_begins_with_a_tick_and_every_page_says_so(app: Flask, worker: StaffBrowser, number: int) -> None:
    page = worker.text(hub(number))
    assert NAME in page and "They sit beside me, and said yes" in page and "You sit beside" not in page
    refused = press(worker, hub(number), page)
    assert refused.status_code == 422 and "Ask them first. Tick the box" in refused.get_data(as_text=True)
    assert acts(app, number) == []
    answers = [press(worker, hub(number), page, beside="y") for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert acts(app, number) == [("sit beside", "present")]
    with app.app_context(), transaction() as session:
        sitting = session.scalars(select(Sitting)).one()
        assert (sitting.resident_id, sitting.organisation_id) == (number, worker.organisation_id)
        until = sitting.until_at.astimezone(clock.LONDON)
        assert sitting.until_at - sitting.began_at == timedelta(minutes=60)
    said = f"You sit beside person {number} until {until.hour}:{until.minute:02d}."
    for path in ("/staff", hub(number), f"/staff/people/{number}/book"):
        assert said in worker.text(path), path
    # No name on a page that is not about them.
    assert NAME not in worker.text("/staff")
    row = rows_of(app, number)
    assert ("sit beside", worker.staff_id, number, "plan", "present") in row


def test_the_hub_is_one_row_in_the_record(app: Flask, worker: StaffBrowser, number: int) -> None:
    worker.text(hub(number))
    assert rows_of(app, number)[1:] == [
        ("read referrals.together", worker.staff_id, number, "identity", "present")
    ]


def test_it_ends_with_one_press(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    sit(worker, number)
    page = worker.text("/staff")
    assert f'action="{hub(number)}/end"' in page
    for _press in range(2):
        assert press(worker, f"{hub(number)}/end", worker.text(hub(number))).status_code == 303
    assert acts(app, number) == [("sit beside", "present"), ("end sitting", "present")]
    assert "You sit beside" not in worker.text("/staff")
    assert worker.get(f"{hub(number)}/plan").status_code == 303


def test_without_their_yes_to_the_plan_nothing_begins(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, items=("identity", "contact"))
    give_plan(app, number)
    page = worker.text(hub(number))
    assert "They do not share their plan" in page and f"/staff/people/{number}/consent" in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"csrf_token": token[1], "beside": "y", "once": "x" * 20}
    assert worker.client.post(hub(number), data=data).status_code == 200
    assert acts(app, number) == []
    for path in ("plan", "questions", "copy", "copy.pdf"):
        assert worker.get(f"{hub(number)}/{path}").status_code == 404, path
    for path in ("plan", "questions"):
        assert worker.client.post(f"{hub(number)}/{path}", data=data).status_code == 404, path


def test_a_yes_taken_back_counts_on_the_next_request(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    sit(worker, number)
    page = worker.text(f"{hub(number)}/plan")
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == number).values(withdrawn_at=now()))
    assert worker.get(f"{hub(number)}/plan").status_code == 404
    assert press(worker, f"{hub(number)}/plan", page, day=["1", "1", "2030"]).status_code == 404
    assert worker.get(hub(number)).status_code == 404
    assert "You sit beside" not in worker.text("/staff")
    assert "change plan together" not in dict(acts(app, number))


def test_whom_they_keep_away_does_not_go_on(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    sit(worker, number)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=worker.staff_id, made_at=now()))
    assert worker.get(f"{hub(number)}/plan").status_code == 404
    assert "You sit beside" not in worker.text("/staff")


def test_another_organisation_and_an_unknown_number_answer_alike(
    app: Flask, worker: StaffBrowser, number: int, staff_browser: Callable[..., StaffBrowser]
) -> None:
    give_plan(app, number)
    other = staff_browser("caseworker", organisation="Blue Door")
    theirs = looked_after(app, other)
    sit(worker, number)
    sit(other, theirs)
    for path in ("", "/plan", "/questions", "/copy", "/copy.pdf"):
        assert worker.get(f"{hub(theirs)}{path}").status_code == 404, path
        assert worker.get(f"{hub(999_999)}{path}").status_code == 404, path
    page = worker.text(f"{hub(number)}/plan")
    for path in ("/plan", "/end", "/questions"):
        assert press(worker, f"{hub(theirs)}{path}", page).status_code == 404, path
    assert [act for act, _purpose in acts(app, theirs)] == ["sit beside"]


def test_one_person_at_a_time(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    second = looked_after(app, worker, name="Bo Second")
    sit(worker, number)
    sit(worker, second)
    assert f"You sit beside person {second}" in worker.text("/staff")
    assert worker.get(f"{hub(number)}/plan").status_code == 303


def test_a_colleague_has_no_part_in_it(
    app: Flask, worker: StaffBrowser, number: int, staff_browser: Callable[..., StaffBrowser]
) -> None:
    give_plan(app, number)
    colleague = staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        put_on_caseload(
            session,
            resident_id=number,
            staff_id=colleague.staff_id,
            organisation_id=colleague.organisation_id,
        )
    sit(worker, number)
    assert "You sit beside" not in colleague.text(hub(number))
    assert colleague.get(f"{hub(number)}/plan").status_code == 303


# --- the questions


def test_a_plan_is_made_as_the_persons_own_check_makes_it(
    app: Flask, worker: StaffBrowser, number: int, browser: Browser
) -> None:
    sit(worker, number)
    here = f"{hub(number)}/questions"
    page = worker.text(here)
    assert " checked" not in page.split('id="main"')[1]
    assert page.count("They would rather not say") == 12
    answers = [press(worker, here, page, **ANSWERS) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert acts(app, number) == [("sit beside", "present"), ("answer together", "present")]
    # The same answers, given by somebody at their own screen with a helper beside them.
    assert browser.send("/roadmap/helper", agreed="y").status_code == 303
    for count, answer in enumerate(ANSWERS.values(), 1):
        path = "/roadmap/check" if count == 1 else f"/roadmap/check/{count}"
        assert browser.send(path, answer=answer).status_code == 303
    with app.app_context(), transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.visit_id.is_not(None))).one()
        theirs = queries.roadmap_of_resident(session, number)
        assert theirs is not None and theirs.answers == own.answers
        one, other = (queries.compute(plan, today=today()).plan for plan in (own, theirs))
        assert one == other and one.steps


def test_rather_not_say_and_what_was_left_open_are_kept(
    app: Flask, worker: StaffBrowser, number: int
) -> None:
    sit(worker, number)
    here = f"{hub(number)}/questions"
    answer = press(
        worker, here, worker.text(here), q1=["g03"], q2=["not_said"], q3="not_said", q4=["nothing"], q5="not_said"
    )  # fmt: skip
    assert answer.status_code == 303
    answers, _choices, _states = stored(app, number)
    assert (
        set(answers["skipped"]) == {"q2", "q3", "q5"} and answers["q4"] == [] and answers["q5"] == "skipped"
    )
    assert "q6" not in answers and answers["helped"]
    page = worker.text(here)
    ticked = re.findall(r'name="([^"]+)" value="([^"]+)" checked', page)
    assert ticked == [
        ("q1", "g03"), ("q2", "not_said"), ("q3", "not_said"), ("q4", "nothing"), ("q5", "not_said"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Give at least one answer."),
        ({"q1": ["g03", "not_said"]}, "Tick one of the two."),
        ({"q2": ["none", "tablet"]}, "Tick one of the two."),
        ({"q4": ["nothing", "seeing"]}, "Tick one of the two."),
        ({"q1": ["g01", "g03", "g06", "g09"]}, "Three goals at most."),
        ({"q1": ["g03"], "first": "g09"}, "Choose one of the goals that are ticked."),
        ({"q1": ["g03"], "day_g04": ["1", "1", "2090"]}, "Tick this goal too"),
        ({"q1": ["g04"], "day_g04": ["1", "1", "2020"]}, "This day has passed."),
        ({"q1": ["g04"], "day_g04": ["31", "2", "2090"]}, "Type a real day"),
        ({"q1": ["g99"]}, ""),
        ({"q3": "often"}, ""),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(
    app: Flask, worker: StaffBrowser, number: int, sent: dict[str, Any], said: str
) -> None:
    sit(worker, number)
    here = f"{hub(number)}/questions"
    answer = press(worker, here, worker.text(here), **{"q12": "show", **sent} if sent else {})
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and "There is a problem" in page and said in page
    if sent:
        assert 'name="q12" value="show" checked' in page
    with app.app_context(), transaction() as session:
        assert queries.roadmap_of_resident(session, number) is None
    assert ("answer together", "present") not in acts(app, number)


def test_when_the_hour_is_over_the_answers_wait_for_another_yes(
    app: Flask, worker: StaffBrowser, number: int
) -> None:
    give_plan(app, number, {"q1": ["g06"], "q4": ["seeing"]})
    sit(worker, number)
    here = f"{hub(number)}/questions"
    page = worker.text(here)
    over(app)
    assert worker.get(here).status_code == 303
    refused = press(worker, here, page, q12="show")
    said = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "The hour has ended" in said
    assert 'value="show" checked' in said and 'value="seeing" checked' not in said
    assert "q12" not in stored(app, number)[0]
    kept = press(worker, here, said, q12="show", beside="y")
    assert kept.status_code == 303 and stored(app, number)[0]["q12"] == "show"
    assert [act for act, _purpose in acts(app, number)] == ["sit beside", "sit beside", "answer together"]


# --- the plan


def test_steps_are_marked_left_out_and_signed(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    sit(worker, number)
    here = f"{hub(number)}/plan"
    page = worker.text(here)
    first, second = re.findall(r'<select class="select" id="step_(\w+)"', page)[:2]
    wish = {f"step_{first}": "done_with_help", f"step_{second}": "not_for_me"}
    answers = [press(worker, here, page, **wish) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    states = stored(app, number)[2]
    assert (states[first], states[second]) == ("done_with_help", "not_for_me")
    with app.app_context(), transaction() as session:
        signed = session.scalars(select(StatusChange.actor).order_by(StatusChange.id)).all()
        assert signed == [f"staff {worker.staff_id}"] * 2
    assert acts(app, number).count(("change plan together", "present")) == 1
    assert ("change plan together", worker.staff_id, number, "plan", "present") in rows_of(app, number)
    # Both stand below, and can be put back.
    page = worker.text(here)
    assert "Done, or left out" in page
    assert press(worker, here, page, **{f"step_{second}": "not_started"}).status_code == 303
    assert second in plan_steps(app, number)


def test_a_step_is_added_a_goal_done_together_and_a_day_kept(
    app: Flask, worker: StaffBrowser, number: int
) -> None:
    give_plan(app, number)
    sit(worker, number)
    here = f"{hub(number)}/plan"
    assert press(worker, here, worker.text(here), add="M2").status_code == 303
    assert "M2" in plan_steps(app, number)
    assert press(worker, here, worker.text(here), goal_g03="together").status_code == 303
    assert stored(app, number)[1]["modes"]["g03"] == "together"
    day = today() + timedelta(days=30)
    sent = {"day": [str(day.day), str(day.month), str(day.year)]}
    assert press(worker, here, worker.text(here), **sent).status_code == 303
    assert stored(app, number)[1]["follow_up_on"] == day.isoformat()
    assert press(worker, here, worker.text(here), no_day="y").status_code == 303
    assert "follow_up_on" not in stored(app, number)[1]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"add": "U2"}, ""),
        ({"day": ["31", "2", "2090"]}, "Type a real day"),
        ({"day": ["1", "1", "2090"], "no_day": "y"}, "Not both."),
        ({"day": ["1", "1", "2020"]}, "This day has passed."),
        ({"step_C3": "flying"}, ""),
    ],
)
def test_what_the_plan_refuses_is_said(
    app: Flask, worker: StaffBrowser, number: int, sent: dict[str, Any], said: str
) -> None:
    give_plan(app, number)
    sit(worker, number)
    before, here = stored(app, number), f"{hub(number)}/plan"
    answer = press(worker, here, worker.text(here), **sent)
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and "There is a problem" in page and said in page
    assert stored(app, number) == before
    assert ("change plan together", "present") not in acts(app, number)


def test_when_the_hour_is_over_the_plan_refuses(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number)
    sit(worker, number)
    here = f"{hub(number)}/plan"
    page, before = worker.text(here), stored(app, number)
    over(app)
    refused = press(worker, here, page, goal_g03="for_me")
    said = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "The hour has ended" in said and "Begin" in said
    assert stored(app, number) == before and "Who does it" not in said
    for path in ("plan", "copy", "copy.pdf"):
        assert worker.get(f"{hub(number)}/{path}").status_code == 303, path
    # What was typed waits for another yes; what is wrong in it too is said where it stands.
    wrong = press(worker, here, said, beside="y", day=["1", "1", "2020"])
    again = html.unescape(wrong.get_data(as_text=True))
    assert wrong.status_code == 422 and "This day has passed." in again and "Save the plan" in again
    assert stored(app, number) == before
    assert press(worker, here, said, beside="y").status_code == 303
    assert stored(app, number)[1]["modes"]["g03"] == "for_me"


def test_one_save_changes_all_or_nothing_and_loses_nothing(
    app: Flask, worker: StaffBrowser, number: int
) -> None:
    give_plan(app, number)
    sit(worker, number)
    here = f"{hub(number)}/plan"
    page, before = worker.text(here), stored(app, number)
    assert page.split('id="main"')[1].count("<form") == 1
    first = re.findall(r'<select class="select" id="step_(\w+)"', page)[0]
    day = today() + timedelta(days=30)
    wish = {f"step_{first}": "doing", "add": "M2", "goal_g03": "together"}
    refused = press(worker, here, page, **wish, day=["1", "1", "2020"])
    said = html.unescape(refused.get_data(as_text=True))
    assert refused.status_code == 422 and "This day has passed." in said and stored(app, number) == before
    assert 'value="doing" selected' in said and 'value="M2" selected' in said
    assert 'value="together" checked' in said and 'value="2020"' in said
    kept = press(worker, here, said, **wish, day=[str(day.day), str(day.month), str(day.year)])
    assert kept.status_code == 303
    _answers, choices, states = stored(app, number)
    assert states[first] == "doing" and "M2" in plan_steps(app, number)
    assert choices["modes"] == {"g03": "together"} and choices["follow_up_on"] == day.isoformat()
    # Nothing asked for is nothing done.
    assert press(worker, here, worker.text(here)).status_code == 303
    assert "Nothing was changed." in worker.text(here)
    assert stored(app, number)[1]["follow_up_on"] == day.isoformat()
    assert acts(app, number).count(("change plan together", "present")) == 1


def test_the_person_reads_along_in_their_language(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, read="ur", language="en", spoken="ur")
    give_plan(app, number)
    sit(worker, number)
    catalogue = load_catalogue()
    with app.test_request_context("/en/"), i18n.speaking(i18n.LANGUAGES["ur"]):
        own = [gettext(QUESTIONS[2].text), gettext(QUESTIONS[2].options[0].label)]
        title = gettext(catalogue.goals["g03"].title)
        state = gettext("Done with help")
    page = html.unescape(worker.text(f"{hub(number)}/questions"))
    assert all(f"{said}</span>" in page for said in own) and QUESTIONS[2].text in page
    assert '<span class="beside"><span lang="ur" dir="rtl">' in page
    plan = html.unescape(worker.text(f"{hub(number)}/plan"))
    assert (
        f'<span lang="ur" dir="rtl">{title}</span>' in plan
        and f"Done with help · \u2068{state}\u2069" in plan
    )


def test_the_banner_is_calm_and_says_whose_page_it_is(app: Flask, worker: StaffBrowser, number: int) -> None:
    other = looked_after(app, worker)
    sit(worker, number)
    own, others, start = (
        worker.text(path) for path in (f"/staff/people/{number}", f"/staff/people/{other}", "/staff")
    )
    assert all('class="banner banner--calm"' in page for page in (own, others, start))
    assert "This page is of somebody else." in others
    assert "of somebody else" not in own and "of somebody else" not in start


# --- what they keep to themselves


def test_a_private_step_is_not_seen_and_stays(app: Flask, worker: StaffBrowser, number: int) -> None:
    private = {step.id: step for step in load_catalogue().steps.values() if step.private}
    give_plan(app, number, {**ANSWERS, "q1": ["g05", "g03"]}, U1="doing")
    with app.app_context(), transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        services.pin_step(session, roadmap=roadmap, step_id="U1", actor="resident", now=now())
        services.set_facts(session, roadmap=roadmap, now=now(), days={"g05": "2090-01-31"})
        services.set_mode(session, roadmap=roadmap, goal_id="g05", mode=together.Mode.FOR_ME, now=now())
    hidden = plan_steps(app, number)
    assert set(hidden) & set(private)
    sit(worker, number)
    plan, questions = (worker.text(f"{hub(number)}/{page}") for page in ("plan", "questions"))
    for step in private.values():
        assert step.title not in html.unescape(plan), step.id
    assert "goal_g05" not in plan and 'value="g05" checked' not in questions and "2090" not in questions
    assert 'value="g03" checked' in questions
    # They are changed by no form, whatever is sent.
    page = f"{hub(number)}/plan"
    for sent in (
        {"step_U1": "not_for_me", "was_U1": "doing"},
        {"goal_g05": "me"},
        {"add": "T6"},
    ):
        press(worker, page, plan, **sent)
    shown = next(iter(re.findall(r'id="step_(\w+)"', plan)))
    assert press(worker, page, worker.text(page), **{f"step_{shown}": "done_alone"}).status_code == 303
    again = f"{hub(number)}/questions"
    assert press(worker, again, worker.text(again), q1=["not_said"]).status_code == 303
    assert press(worker, again, worker.text(again), q1=["g09"], first="g09").status_code == 303
    answers, choices, states = stored(app, number)
    assert answers["q1"] == ["g09", "g05"] and answers["days"] == {"g05": "2090-01-31"}
    assert states["U1"] == "doing" and choices["pins"] == ["U1"] and choices["modes"] == {"g05": "for_me"}
    assert set(plan_steps(app, number)) >= set(hidden) & set(private)


def test_a_copy_tells_of_no_private_step(app: Flask, worker: StaffBrowser, number: int) -> None:
    give_plan(app, number, {**ANSWERS, "q1": ["g05"]}, U1="doing")
    sit(worker, number)
    page = html.unescape(worker.text(f"{hub(number)}/copy"))
    assert PRIVATE_TITLE not in page and "Universal Credit" not in page
    assert "A step you keep to yourself" in page and "Without goals and reasons" in page


# --- the plan of a home


def test_the_plan_of_a_home_is_not_worked_on_here(app: Flask, worker: StaffBrowser, number: int) -> None:
    with app.app_context(), transaction() as session:
        home = Household(made_at=now())
        session.add(home)
        session.flush()
        other = make_person(session)
        for resident in (number, other.id):
            session.add(
                HouseholdMember(
                    household_id=home.id, resident_id=resident, nickname=f"Nick {resident}", joined_at=now()
                )
            )
        session.add(Roadmap(household_id=home.id, answers={}, choices={}, made_at=now(), changed_at=now()))
    sit(worker, number)
    assert "This plan belongs to a whole home" in worker.text(hub(number))
    for path in ("plan", "questions", "copy", "copy.pdf"):
        assert worker.get(f"{hub(number)}/{path}").status_code == 303, path
    page = worker.text(hub(number))
    assert press(worker, f"{hub(number)}/questions", page, once="a" * 20, q1=["g03"]).status_code == 303
    assert ("answer together", "present") not in acts(app, number)


# --- their copy


def test_their_copy_is_in_their_language_beside_english(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, read="ur", language="en", spoken="ur")
    give_plan(app, number)
    sit(worker, number)
    page = worker.text(f"{hub(number)}/copy")
    assert 'dir="rtl"' in page and "My next steps" in page and "Do it together" in page
    code = code_of(app, number)
    assert code[:4] in page
    assert rows_of(app, number)[-1] == (
        "read referrals.together_copy", worker.staff_id, number, "plan code", "present",
    )  # fmt: skip
    large = worker.text(f"{hub(number)}/copy?size=large")
    assert "sheet--large" in large


def test_it_leads_to_a_booking_and_a_device(worker: StaffBrowser, number: int) -> None:
    sit(worker, number)
    page = worker.text(hub(number))
    for path in ("book", "ask-device"):
        assert f'href="/staff/people/{number}/{path}"' in page
        assert worker.get(f"/staff/people/{number}/{path}").status_code == 200
    assert f'href="{hub(number)}"' in worker.text(f"/staff/people/{number}")


# --- the person's own record


def test_the_person_reads_what_was_done_beside_them() -> None:
    for action in ("sit beside", "end sitting", "answer together", "change plan together"):
        assert my_record_words.action_words(action) != my_record_words.CHANGED
    assert my_record_words.purpose_words("present") == "You were there."
    assert my_record_words.action_words("read referrals.together_copy_pdf") == "Printed your plan for you."


# --- the service on both engines


def test_the_hour_on_both_engines(both_engines: Flask) -> None:
    from inclusion_app.core.staff_sessions import StaffSession
    from tests.factories.accounts import make_organisation, make_staff, sign_in

    moment = now()
    with transaction() as session:
        red = make_organisation(session, name="Red Door")
        person = make_staff(session, organisation_id=red.id, roles=("caseworker",))
        sign_in(session, staff_id=person.id, organisation_id=red.id)
        one, two = make_person(session).id, make_person(session).id
        row = session.scalars(select(StaffSession)).one()
        organisation, seat = red.id, row.id
        for resident in (one, one, two):
            together.begin(
                session, session_id=seat, resident_id=resident, organisation_id=organisation, now=moment
            )
    with transaction() as session:
        found = together.sitting_of(session, session_id=seat, organisation_id=organisation, now=moment)
        assert found is not None and found.resident_id == two
        late = moment + timedelta(minutes=60)
        assert together.sitting_of(session, session_id=seat, organisation_id=organisation, now=late) is None
        assert (
            together.sitting_of(session, session_id=seat, organisation_id=organisation + 1, now=moment)
            is None
        )
        assert not together.end(session, session_id=seat, resident_id=one)
        roadmap = services.roadmap_to_change_for(session, resident_id=two, now=moment)
        given = together.Given({"q1": ["g04", "g09"], "q5": None}, {}, {"g04": today()}, "g09")
        together.answer(session, roadmap=roadmap, given=given, today=today(), now=moment)
        assert roadmap.answers["q1"] == ["g09", "g04"] and roadmap.answers["days"] == {
            "g04": today().isoformat()
        }
    with transaction() as session:
        # The sign-in ends: so does the hour.
        session.delete(session.get_one(StaffSession, seat))
        session.flush()
        assert session.scalars(select(Sitting)).all() == []


def test_consents_of_another_organisation_open_nothing(
    app: Flask, worker: StaffBrowser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    other = staff_browser("caseworker", organisation="Blue Door")
    number = looked_after(app, worker, items=("identity",))
    with app.app_context(), transaction() as session:
        make_consent(session, resident_id=number, organisation_id=other.organisation_id)
    assert worker.get(f"{hub(number)}/plan").status_code == 404
    assert "They do not share their plan" in worker.text(hub(number))
