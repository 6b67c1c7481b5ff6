"""Tasks have an owner and a day; they are made once, ended once, moved, and given to whoever may open the person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.models import Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseTask, Referral
from inclusion_app.referrals.services import staff_tasks
from inclusion_app.referrals.services.staff_tasks import Wanted
from tests.conftest import Browser, StaffBrowser
from tests.factories import referrals as make
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.people.world import NAME, looked_after
from tests.referrals.cases import acts, end_consents, send_on, share_caseload
from tests.referrals.public_form import fill_in, link_in_mail, public_service

Make = Callable[..., StaffBrowser]


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def boxes(day: date) -> list[str]:
    return [str(day.day), str(day.month), str(day.year)]


def typed(worker: StaffBrowser, **more: Any) -> dict[str, Any]:
    usual = {
        "words": "Call the library.", "due_on": boxes(today() + timedelta(days=3)), "owner": worker.staff_id,
        "form_key": "one",
    }  # fmt: skip
    return {**usual, **more}


def tasks(app: Flask) -> list[CaseTask]:
    with app.app_context(), transaction() as session:
        found = session.query(CaseTask).order_by(CaseTask.id).all()
        session.expunge_all()
        return found


def task_of(app: Flask, number: int | None, worker: StaffBrowser, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        mine = {"organisation_id": worker.organisation_id, "owner_id": worker.staff_id}
        return make.make_task(session, resident_id=number, **{**mine, **facts}).id


def test_a_task_is_made_once_and_stands_in_the_case(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    page = f"/staff/people/{number}/tasks/new"
    assert NAME in worker.text(page)
    for _press in range(2):
        assert worker.send(page, **typed(worker)).status_code == 303
    (task,) = tasks(app)
    assert (task.kind, task.words, task.owner_id, task.due_on) == (
        "own", "Call the library.", worker.staff_id, today() + timedelta(days=3),
    )  # fmt: skip
    assert f"/staff/tasks/{task.id}" in worker.text(f"/staff/people/{number}/case")
    assert acts(app, number).count("make task") == 1


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"words": "  "}, "words", words.NOTHING_WRITTEN_TASK),
        ({"words": "x" * (rules.TASK_LONGEST + 1)}, "words", words.TASK_TOO_LONG),
        ({"due_on": ["", "", ""]}, "due_on", words.TASK_DAY_MISSING),
        ({"due_on": ["x", "1", "2027"]}, "due_on", "Type a real day"),
        ({"due_on": ["1", "1", "2001"]}, "due_on", "This day is over."),
        ({"due_on": ["1", "1", "2101"]}, "due_on", "two years ahead"),
        ({"owner": ""}, "owner", words.CHOOSE_OWNER),
        ({"owner": "999999"}, "owner", "Choose one of the answers"),
    ],
)
def test_what_is_wrong_with_a_task_is_said_at_its_field(
    app: Flask, worker: StaffBrowser, more: dict[str, Any], field: str, why: str
) -> None:
    number = looked_after(app, worker)
    answer = worker.send(f"/staff/people/{number}/tasks/new", **typed(worker, **more))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and why in page and f'id="{field}-error"' in page
    assert page.count("error-message") == 1 and tasks(app) == []


def test_a_task_goes_only_to_who_may_open_the_person(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    colleague = staff_browser("caseworker", name="Remi Red")
    staff_browser("safeguarding_lead", name="Lea Lead")
    staff_browser("caseworker", name="Bo Blue", organisation="Blue Door")
    page = f"/staff/people/{number}/tasks/new"
    shown = worker.text(page)
    assert "Remi Red" not in shown and "Bo Blue" not in shown and "Lea Lead" not in shown
    share_caseload(app, worker)
    assert "Remi Red" in worker.text(page) and "Lea Lead" not in worker.text(page)
    assert worker.send(page, **typed(worker, owner=colleague.staff_id)).status_code == 303
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=colleague.staff_id, made_at=now()))
    assert "Remi Red" not in worker.text(page)
    assert worker.send(page, **typed(worker, owner=colleague.staff_id)).status_code == 422


def test_a_task_ends_in_one_way_and_once(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    task_id = task_of(app, number, worker)
    page = f"/staff/tasks/{task_id}"
    for how in ("", "ended", "spell"):
        assert worker.send(page, do="end", how=how).status_code == 422
    assert worker.send(page, do="end", how="otherwise", form_on=page).status_code == 303
    (task,) = tasks(app)
    assert (task.done_how, task.done_by_id) == ("otherwise", worker.staff_id)
    shown = worker.text(page)
    assert "Done in another way" in shown and "End the task" not in shown
    again = worker.send(page, form_on=f"/staff/people/{number}/tasks/new", do="end", how="done")
    assert again.status_code == 422 and words.TASK_DONE_ALREADY in again.get_data(as_text=True)
    assert tasks(app)[0].done_how == "otherwise"
    assert worker.send(page, form_on=f"/staff/people/{number}/tasks/new", do="fly").status_code == 400
    assert "end task" in acts(app, number)


def test_a_task_moves_to_another_day(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    task_id = task_of(app, number, worker)
    page, day = f"/staff/tasks/{task_id}", today() + timedelta(days=40)
    assert worker.send(page, do="move", due_on=boxes(day)).status_code == 303
    assert tasks(app)[0].due_on == day
    wrong = worker.send(page, do="move", due_on=["1", "1", "2001"])
    assert wrong.status_code == 422 and 'value="2001"' in wrong.get_data(as_text=True)
    assert worker.send(page, do="move", due_on=["", "", ""]).status_code == 422
    assert tasks(app)[0].due_on == day


def test_a_task_is_given_to_a_colleague(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    share_caseload(app, worker)
    colleague = staff_browser("caseworker", name="Remi Red")
    page = f"/staff/tasks/{task_of(app, number, worker)}"
    assert worker.send(page, do="give", owner="0").status_code == 422
    assert worker.send(page, do="give", owner=colleague.staff_id).status_code == 303
    assert tasks(app)[0].owner_id == colleague.staff_id
    assert "Call the library." in colleague.text(page)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("another_way", "find another service"),
        ("find_out", "whether it helped"),
        ("take_over", "Read the case"),
    ],
)
def test_what_the_service_asks_for_says_what_to_do(
    app: Flask, worker: StaffBrowser, kind: str, said: str
) -> None:
    number = looked_after(app, worker)
    shown = worker.text(f"/staff/tasks/{task_of(app, number, worker, kind=kind, words=None)}")
    assert rules.TASK_KINDS[kind] in shown and said in shown
    assert f"/staff/people/{number}/case" in shown


def test_asking_whether_it_helped_ends_with_the_referral_and_not_beside_it(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number, there = looked_after(app, worker), staff_browser("caseworker", organisation="Blue Door")
    referral = send_on(app, number, by=worker, to=there, mode="signposted")
    task = f"/staff/tasks/{tasks(app)[0].id}"
    shown = worker.text(task)
    assert "End the task" not in shown and f"/staff/referrals/{referral}" in shown
    refused = worker.send(task, do="end", how="done")
    assert refused.status_code == 422 and tasks(app)[0].done_at is None
    assert words.SAY_AT_REFERRAL in refused.get_data(as_text=True)
    close = f"/staff/referrals/{referral}/close"
    done = worker.send(close, "/staff", **{"close-outcome": "got_help"})
    assert done.status_code == 303 and tasks(app)[0].done_how == "ended"


@pytest.mark.parametrize("has_sender", [False, True])
def test_a_task_for_whoever_came_by_the_public_form_says_that_they_were_told(
    app: Flask, browser: Browser, worker: StaffBrowser, has_sender: bool
) -> None:
    fill_in(browser, public_service(app, worker.organisation_id, duty_staff_id=worker.staff_id))
    browser.send(link_in_mail(app))
    with app.app_context(), transaction() as session:
        row = session.query(Referral).one()
        if has_sender:
            row.sender_id, row.sender_staff_id = worker.organisation_id, worker.staff_id
        make.bring_to(session, row, "decline")
    (task,) = tasks(app)
    assert (task.kind, task.resident_id, task.owner_id) == ("another_way", None, worker.staff_id)
    shown = worker.text(f"/staff/tasks/{task.id}")
    assert ("was told by e-mail that it has ended" in shown) is not has_sender
    assert ("The person still lacks" in shown) is has_sender
    assert "/staff/services" in shown and "Canary" not in shown


def test_a_task_about_nobody_can_be_done(app: Flask, worker: StaffBrowser) -> None:
    task_id = task_of(app, None, worker, kind="another_way", words=None)
    page = f"/staff/tasks/{task_id}"
    assert worker.get(page).status_code == 200
    assert worker.send(page, do="end", how="done").location == "/staff"


def test_nobody_elses_task_opens(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    task_id = task_of(app, number, worker)
    other = staff_browser("caseworker", organisation="Blue Door")
    for stranger, path in ((other, task_id), (other, 999_999), (worker, 999_999)):
        assert stranger.get(f"/staff/tasks/{path}").status_code == 404
    assert other.get(f"/staff/people/{number}/tasks/new").status_code == 404
    assert staff_browser("organisation_admin").get(f"/staff/tasks/{task_id}").status_code == 403
    before = len(acts(app, number))
    assert worker.get(f"/staff/tasks/{task_id}").status_code == 200
    assert acts(app, number)[before:] == ["read referrals.task"]
    # A task of another organisation's worker who received the person stays theirs.
    send_on(app, number, by=worker, to=other, mode="warm", items=("identity",))
    assert other.get(f"/staff/tasks/{task_id}").status_code == 404
    end_consents(app, number, now())
    assert worker.get(f"/staff/people/{number}/tasks/new").status_code == 404


# --- on both engines


def test_of_two_who_end_it_one_wins_and_a_form_makes_one(both_engines: Flask) -> None:
    with transaction() as session:
        organisation = make_organisation(session)
        staff = make_staff(session, organisation_id=organisation.id, roles=("caseworker",))
        other = make_staff(session, organisation_id=organisation.id, roles=("caseworker",))
        number, organisation_id, staff_id, other_id = (
            make_person(session).id, organisation.id, staff.id, other.id,
        )  # fmt: skip
        make_consent(session, resident_id=number, organisation_id=organisation_id)
        put_on_caseload(session, resident_id=number, staff_id=staff_id, organisation_id=organisation_id)
    with transaction() as session:
        owners = staff_tasks.owners_for(session, organisation_id=organisation_id, resident_id=number)
        assert [one for one, _name in owners] == [staff_id]  # the other one may not open the person
    made = []
    for text in ("First.", "Second."):
        with transaction() as session:
            made.append(
                staff_tasks.make(
                    session, resident_id=number, organisation_id=organisation_id, form_key="k",
                    wanted=Wanted(text, today(), staff_id), now=now(), today=today(),
                )
            )  # fmt: skip
    assert made == [True, False]
    with transaction() as session:
        task = session.query(CaseTask).one()
        with pytest.raises(RuleBroken):
            staff_tasks.give(session, task=task, owner_id=other_id)
        staff_tasks.end(session, task=task, how="done", staff_id=staff_id, now=now())
        for change in (
            lambda: staff_tasks.end(session, task=task, how="dropped", staff_id=staff_id, now=now()),
            lambda: staff_tasks.move(session, task=task, due_on=today(), today=today()),
            lambda: staff_tasks.give(session, task=task, owner_id=staff_id),
        ):
            with pytest.raises(RuleBroken):
                change()
    with transaction() as session:
        task = session.query(CaseTask).one()
        assert (task.words, task.done_how, task.done_by_id) == ("First.", "done", staff_id)
