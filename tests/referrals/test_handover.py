"""Somebody else looks after a person: tasks and referrals go along, once, and never to whom the person keeps away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.accounts import record_words
from inclusion_app.accounts.models import Membership
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import caseload_services, my_record_words
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction
from inclusion_app.referrals.models import CaseTask, CityService, OutreachSheet, Referral
from inclusion_app.referrals.services import handover
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import bring_to, make_referral, make_service, make_sheet, make_task
from tests.people.world import NAME, looked_after, rows_of
from tests.referrals.test_caseload import received_by, sent_by, task_of

Make = Callable[..., StaffBrowser]


def owners(app: Flask) -> dict[str, dict[int, int | None]]:
    with app.app_context(), transaction() as session:
        return {
            name: {row[0]: row[1] for row in session.execute(wanted)}
            for name, wanted in {
                "tasks": select(CaseTask.id, CaseTask.owner_id),
                "received": select(Referral.id, Referral.owner_id),
                "sent": select(Referral.id, Referral.sender_staff_id),
            }.items()
        }


def leaves(app: Flask, staff: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            update(Membership).where(Membership.staff_id == staff.staff_id).values(until_at=now())
        )


def test_what_was_open_goes_along(app: Flask, staff_browser: Make) -> None:
    gone, stays = staff_browser("caseworker", name="Gone Girl"), staff_browser("caseworker", name="Stays On")
    admin, third = staff_browser("organisation_admin"), staff_browser("caseworker")
    one, hidden, afraid = (looked_after(app, gone) for _who in range(3))
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=afraid, staff_id=stays.staff_id, made_at=now()))
        session.get_one(Resident, hidden).is_restricted = True
    moves = task_of(app, gone, one), task_of(app, gone, None)
    stay = task_of(app, gone, hidden), task_of(app, gone, afraid)
    others, done = task_of(app, third, one), task_of(app, gone, one, done_at=now(), done_how="done")
    sent, sent_afraid = sent_by(app, gone, one), sent_by(app, gone, afraid)
    ended = sent_by(app, gone, looked_after(app, gone), "acknowledge", "decline")
    received = received_by(app, gone, one, owner_id=gone.staff_id)
    page = admin.text(f"/staff/organisations/{gone.organisation_id}/people/{gone.staff_id}")
    assert "3 people are on their caseload" in page and "7 tasks and referrals are open with them" in page
    assert 'href="/staff/caseloads"' in page.partition("Somebody else has to take this on")[2]
    page = admin.text(f"/staff/organisations/{gone.organisation_id}/people/{stays.staff_id}")
    assert "on their caseload" not in page and "open with them" not in page
    leaves(app, gone)
    home = admin.text("/staff")
    assert "3 people are on the caseload of somebody who left" in home
    # Of the tasks: both that move, the one about whoever is afraid, and the one the end of a referral made.
    assert "7 tasks and referrals are left behind by somebody who left" in home
    page = admin.text("/staff/caseloads")
    assert "Gone Girl" in page and NAME not in page
    ids = {"from_id": str(gone.staff_id), "to_id": str(stays.staff_id)}
    with app.app_context(), transaction() as session:
        service = make_service(session, organisation_id=gone.organisation_id, duty_staff_id=gone.staff_id).id
        here = {"organisation_id": gone.organisation_id, "staff_id": gone.staff_id}
        out, shredded = make_sheet(session, people=(one, afraid), **here), make_sheet(session, **here)
        shredded.destroyed_at, shredded.destroyed_how = now(), "shredded"
        sheet, old = out.id, shredded.id
    assert admin.send("/staff/caseloads", **ids).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.get_one(CityService, service).duty_staff_id == stays.staff_id
        keepers = [session.get_one(OutreachSheet, number).staff_id for number in (sheet, old)]
        assert keepers == [stays.staff_id, gone.staff_id]
    # Whoever keeps the sheet now is not told of whom the person keeps away.
    assert "1 person no longer shares with you." in stays.text(f"/staff/caseload/sheets/{sheet}")
    found = owners(app)
    assert [found["tasks"][number] for number in moves] == [stays.staff_id] * 2
    assert [found["tasks"][number] for number in (*stay, done)] == [gone.staff_id] * 3
    assert found["tasks"][others] == third.staff_id
    assert found["sent"][sent] == found["received"][received] == stays.staff_id
    assert found["sent"][sent_afraid] == found["sent"][ended] == gone.staff_id
    assert stays.get(f"/staff/people/{one}").status_code == 200
    # What stays is not handed on by a second press either: somebody else has to take it.
    answer = admin.send("/staff/caseloads", **{**ids, "to_id": str(third.staff_id)})
    assert answer.status_code == 303 and owners(app)["tasks"][stay[1]] == third.staff_id
    assert admin.send("/staff/caseloads", **ids).status_code == 422


def test_work_alone_is_left_behind_too(app: Flask, staff_browser: Make) -> None:
    gone, stays, admin = (
        staff_browser("caseworker"),
        staff_browser("caseworker"),
        staff_browser("organisation_admin"),
    )
    lead = staff_browser("safeguarding_lead", name="Lena Lead")
    task, kept = task_of(app, gone, None), task_of(app, lead, None)
    assert "left behind" not in admin.text("/staff")
    leaves(app, gone)
    assert "1 task or referral is left behind by somebody who left" in admin.text("/staff")
    assert "Lena Lead" not in admin.text("/staff/caseloads")
    ids = {"from_id": str(gone.staff_id), "to_id": str(stays.staff_id)}
    assert admin.send("/staff/caseloads", **ids).status_code == 303
    assert owners(app)["tasks"] == {task: stays.staff_id, kept: lead.staff_id}
    assert "left behind" not in admin.text("/staff")


# --- one person, by their caseworker


def test_one_person_is_given_to_a_colleague(app: Flask, staff_browser: Make) -> None:
    worker, takes = staff_browser("caseworker"), staff_browser("caseworker")
    one, other = looked_after(app, worker), looked_after(app, worker, name="Other")
    goes, stays = task_of(app, worker, one), task_of(app, worker, other)
    own, sent = task_of(app, worker, None), sent_by(app, worker, one)
    page = f"/staff/people/{one}/give"
    before = len(rows_of(app, one))
    text = worker.text(page)
    assert NAME in text and '<option value="" selected>Choose</option>' in text
    assert rows_of(app, one)[before:] == [("read referrals.give", worker.staff_id, one, "identity", "help")]
    data = {"to_id": str(takes.staff_id), "once": "typed-once"}
    assert worker.send(page, **data).status_code == 303
    found = owners(app)
    assert found["tasks"][goes] == found["sent"][sent] == takes.staff_id
    assert found["tasks"][stays] == found["tasks"][own] == worker.staff_id
    with app.app_context(), transaction() as session:
        made = session.scalars(select(CaseTask).where(CaseTask.kind == "take_over")).one()
        assert (made.owner_id, made.resident_id) == (takes.staff_id, one) and made.due_on > today()
        entries = session.scalars(
            select(CaseloadEntry.staff_id).where(CaseloadEntry.resident_id == one)
        ).all()
        assert entries == [takes.staff_id]
    assert ("give to a colleague", worker.staff_id, one, "help", "help") in rows_of(app, one)
    # Pressed twice it is done once, and the second press does not end at a wall.
    assert worker.send(page, form_on="/staff/caseload", **data).status_code == 303
    assert len(owners(app)["tasks"]) == 4
    assert worker.get(page).status_code == 404
    assert "and 1 more" in takes.text("/staff/caseload")


def test_whom_one_cannot_give_and_to_whom(app: Flask, staff_browser: Make) -> None:
    worker, takes = staff_browser("caseworker"), staff_browser("caseworker")
    elsewhere = staff_browser("caseworker", organisation="Blue Door")
    desk = staff_browser("front_desk")
    one, afraid, hidden = (looked_after(app, worker) for _who in range(3))
    theirs, unlisted = looked_after(app, takes), looked_after(app, elsewhere)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=afraid, staff_id=takes.staff_id, made_at=now()))
        session.get_one(Resident, hidden).is_restricted = True
    for wrong in (worker.staff_id, elsewhere.staff_id, desk.staff_id, 999_999, "x", ""):
        answer = worker.send(f"/staff/people/{one}/give", to_id=str(wrong))
        assert answer.status_code == 422 and 'href="#to_id"' in answer.get_data(as_text=True), wrong
    assert "Choose who looks after them." in worker.send(f"/staff/people/{one}/give").get_data(as_text=True)
    for number in (afraid, hidden):
        answer = worker.send(f"/staff/people/{number}/give", to_id=str(takes.staff_id))
        assert answer.status_code == 422 and "cannot take this person on" in answer.get_data(as_text=True)
    for number in (theirs, unlisted, 999_999):
        assert worker.get(f"/staff/people/{number}/give").status_code == 404
        answer = worker.send(
            f"/staff/people/{number}/give", form_on="/staff/caseload", to_id=str(takes.staff_id)
        )
        assert answer.status_code == 404
    assert set(owners(app)["tasks"]) == set()


def test_what_was_done_has_words_for_whom_it_is_about_and_for_the_staff() -> None:
    for act in ("hand on", "give to a colleague", "write a note from a sheet", "read referrals.outreach"):
        assert my_record_words.action_words(act) not in {my_record_words.CHANGED, my_record_words.LOOKED}, act
        assert act in record_words.ACTIONS or act.startswith("read ")
    staff_pages = ("caseload", "outreach", "give", "numbers", "new_sheet", "sheet_pdf", "sheet_notes")
    acts = {f"read referrals.{page}" for page in staff_pages} | {
        "make outreach sheet",
        "destroy outreach sheet",
    }
    assert acts <= set(record_words.ACTIONS)


# --- some people, by number


def test_an_admin_hands_on_by_number(app: Flask, staff_browser: Make) -> None:
    gone, stays, admin = (
        staff_browser("caseworker", name="Gone Girl"),
        staff_browser("caseworker"),
        staff_browser("organisation_admin"),
    )
    one, two, hidden = (looked_after(app, gone) for _who in range(3))
    task, other = task_of(app, gone, one), task_of(app, gone, two)
    own = task_of(app, gone, None)
    with app.app_context(), transaction() as session:
        session.get_one(Resident, hidden).is_restricted = True
    page = f"/staff/caseloads/{gone.staff_id}"
    before = len(rows_of(app))
    text = admin.text(page)
    assert rows_of(app)[before:] == [("read referrals.numbers", admin.staff_id, None, "caseload", "help")]
    assert f"Number {one}, 1 open task" in text and f"Number {hidden}," not in text and NAME not in text
    for wrong, said in (
        ({"people": [], "to_id": str(stays.staff_id)}, "Choose at least one number."),
        ({"people": [str(hidden)], "to_id": str(stays.staff_id)}, "Choose one of the answers"),
        ({"people": [str(one)], "to_id": ""}, "Choose who looks after them"),
        ({"people": [str(one)], "to_id": str(gone.staff_id)}, "Choose one of the answers"),
    ):
        answer = admin.send(page, **wrong)
        assert answer.status_code == 422 and said in answer.get_data(as_text=True), wrong
    assert admin.send(page, people=[str(one)], to_id=str(stays.staff_id)).status_code == 303
    found = owners(app)["tasks"]
    assert (found[task], found[other], found[own]) == (stays.staff_id, gone.staff_id, gone.staff_id)
    assert admin.get(f"/staff/people/{one}").status_code == 403
    stranger = staff_browser("organisation_admin", organisation="Blue Door")
    assert stranger.get(page).status_code == stranger.get("/staff/caseloads/999999").status_code == 404
    assert staff_browser("caseworker").get(page).status_code == 403


# --- on both engines


def principal(staff_id: int, organisation_id: int, *roles: str) -> Principal:
    return Principal("staff", staff_id=staff_id, organisation_id=organisation_id, roles=frozenset(roles))


def test_two_hand_overs_at_once_move_each_person_once(both_engines: Flask) -> None:
    with transaction() as session:
        here = make_organisation(session).id
        gone, first, second, admin = (
            make_staff(session, organisation_id=here, roles=(role,)).id
            for role in ("caseworker", "caseworker", "caseworker", "organisation_admin")
        )
        service = make_service(session, organisation_id=make_organisation(session).id)
        for _one in range(5):
            number = make_person(session).id
            make_consent(session, resident_id=number, organisation_id=here)
            put_on_caseload(session, resident_id=number, staff_id=gone, organisation_id=here)
            make_task(session, organisation_id=here, owner_id=gone, resident_id=number)
            sent = make_referral(session, resident_id=number, service=service, sender_id=here, staff_id=gone)
            bring_to(session, sent, "acknowledge")
    who = principal(admin, here, "organisation_admin")

    def press(to_id: int) -> str:
        with both_engines.app_context():
            try:
                with transaction() as session:
                    caseload_services.hand_over(session, actor=who, from_id=gone, to_id=to_id, now=now())
            except RuleBroken:
                return "refused"
            return "done"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(press, (first, second)))
    assert sorted(said) == ["done", "refused"]
    winner = (first, second)[said.index("done")]
    with transaction() as session:
        entries = session.execute(select(CaseloadEntry.staff_id, CaseloadEntry.resident_id)).all()
        assert len(entries) == 5 and {row.staff_id for row in entries} == {winner}
        assert set(session.scalars(select(CaseTask.owner_id))) == {winner}
        assert set(session.scalars(select(Referral.sender_staff_id))) == {winner}


def test_giving_somebody_on_twice_at_once_gives_once(both_engines: Flask) -> None:
    with transaction() as session:
        here = make_organisation(session).id
        gives, takes = (
            make_staff(session, organisation_id=here, roles=("caseworker",)).id for _one in range(2)
        )
        number = make_person(session).id
        make_consent(session, resident_id=number, organisation_id=here)
        put_on_caseload(session, resident_id=number, staff_id=gives, organisation_id=here)
    who = principal(gives, here, "caseworker")

    def press(_press: int) -> Any:
        with both_engines.test_request_context(), transaction() as session:
            return handover.give(session, actor=who, resident_id=number, to_id=takes, once="a", now=now())

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == [False, True]
    with transaction() as session:
        assert session.scalars(select(CaseTask.owner_id)).all() == [takes]


def test_a_handler_that_fails_takes_the_whole_hand_over_back(
    both_engines: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as session:
        here = make_organisation(session).id
        gives, takes = (
            make_staff(session, organisation_id=here, roles=("caseworker",)).id for _one in range(2)
        )
        number = make_person(session).id
        put_on_caseload(session, resident_id=number, staff_id=gives, organisation_id=here)

    def broken(*_facts: Any, **_more: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(handover, "_may_move", broken)
    with pytest.raises(RuntimeError, match="planted"), transaction() as session:
        caseload_services.hand_over(
            session, actor=principal(gives, here, "organisation_admin"), from_id=gives, to_id=takes, now=now()
        )
    with transaction() as session:
        assert session.scalars(select(CaseloadEntry.staff_id)).all() == [gives]
