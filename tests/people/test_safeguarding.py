"""Safeguarding flags: who raises, reads, works on and ends one; what everybody else sees; and what nobody is told."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core import events
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.people import flag_queries, flag_services, my_record_queries, queries
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import Consent, Resident, Restriction, SafeguardingFlag, SafeguardingWords
from inclusion_app.people.policy import FLAGS
from tests.conftest import Browser, StaffBrowser, without_token
from tests.factories import loans, referrals
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import PIN, make_consent, make_person, put_on_caseload
from tests.factories.training import make_booking, make_session
from tests.factories.world import World, build, make_request
from tests.people.world import NAME, looked_after, rows_of

WHY = "Canaryfear: their cousin took the phone away on Monday."
DONE = "Canarydone: we met them at the library and they are safe."
Staff = Callable[..., StaffBrowser]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[MessageWanted]:
    """What was published to be told."""
    found: list[MessageWanted] = []

    def keep(_session: Session, event: Any) -> None:
        found.append(event)

    monkeypatch.setitem(events._handlers, MessageWanted, [keep])
    return found


def once_of(page: str) -> str:
    return page.split('name="once" value="')[1].partition('"')[0]


def raised(worker: StaffBrowser, number: int, why: str = WHY) -> int:
    page = f"/staff/people/{number}/safeguarding"
    answer = worker.send(page, words=why, once=once_of(worker.text(page)))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(answer.location.rsplit("/", 1)[1])


def flag_made(app: Flask, worker: StaffBrowser, number: int, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        return referrals.make_flag(
            session, resident_id=number, organisation_id=worker.organisation_id, raised_by_id=worker.staff_id, **facts
        ).id  # fmt: skip


def words_in(app: Flask, flag_id: int) -> list[str]:
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(SafeguardingWords).where(SafeguardingWords.flag_id == flag_id))
        return [row.words for row in rows]


# --- raising


def test_whoever_may_open_a_person_raises_a_flag_and_the_lead_is_told_nothing_of_them(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead", name="Lea Lead")
    staff_browser("safeguarding_lead", organisation="Blue Door")
    staff_browser("organisation_admin")
    number = looked_after(app, worker)
    assert f"/staff/people/{number}/safeguarding" in worker.text(f"/staff/people/{number}")
    form = worker.text(f"/staff/people/{number}/safeguarding")
    assert "Call 999 first" in form
    assert "Lea Lead" in form
    assert NAME in form
    flag_id = raised(worker, number)
    assert [(event.template, event.staff_id) for event in told] == [("staff_flag_raised", lead.staff_id)]
    assert told[0].params["number"] == str(flag_id)
    assert told[0].params["link"].endswith(f"/staff/safeguarding/flags/{flag_id}")
    assert NAME not in repr(told)
    assert "Canaryfear" not in repr(told)
    acts = [row for row in rows_of(app, number) if row[0] == "raise safeguarding flag"]
    assert acts == [("raise safeguarding flag", worker.staff_id, number, "safeguarding", "safety")]


@pytest.mark.parametrize("why", ["", "Help", "123 456 789 !!! ???", "x" * 2001])
def test_a_reason_that_says_nothing_is_refused_at_its_field_and_kept(
    app: Flask, staff_browser: Staff, why: str
) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker)
    answer = worker.send(f"/staff/people/{number}/safeguarding", words=why)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="words-error"' in page
    assert why in page
    with app.app_context(), transaction() as session:
        assert not session.scalar(select(func.count(SafeguardingFlag.id)))


def test_the_button_pressed_twice_raises_one_flag_and_the_same_form_none_about_another(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker = staff_browser("caseworker")
    staff_browser("safeguarding_lead")
    number, other = looked_after(app, worker), looked_after(app, worker)
    page = f"/staff/people/{number}/safeguarding"
    once = once_of(worker.text(page))
    first = worker.send(page, words=WHY, once=once)
    second = worker.send(page, words=WHY, once=once)
    assert first.location == second.location
    assert len(told) == 1
    refused = worker.send(f"/staff/people/{other}/safeguarding", words=WHY, once=once)
    assert refused.status_code == 422
    assert words.FLAG_SENT_BEFORE in refused.get_data(as_text=True)
    # A form without its key is not that of before.
    assert worker.send(page, words=WHY).status_code == 303
    assert worker.send(page, words=WHY).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count(SafeguardingFlag.id))) == 3


def test_nobody_raises_a_flag_about_whom_they_may_not_open(
    app: Flask, staff_browser: Staff, browser: Browser
) -> None:
    worker, foreign = staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door")
    number = looked_after(app, worker)
    page = f"/staff/people/{number}/safeguarding"
    assert foreign.get(page).status_code == 404
    unknown = foreign.get("/staff/people/99999/safeguarding")
    assert without_token(foreign.get(page)) == without_token(unknown)
    assert foreign.send(page, form_on="/staff", words=WHY).status_code == 404
    for role in ("loan_coordinator", "training_organiser", "organisation_admin", "referrer", "front_desk"):
        assert staff_browser(role).get(page).status_code == 403
    assert browser.client.get(page).status_code == 303
    # A person shares nothing but their plan: the form shows no name, and the flag is raised.
    plan_only = looked_after(app, worker, items=("plan",))
    assert NAME not in worker.text(f"/staff/people/{plan_only}/safeguarding")
    raised(worker, plan_only)


def test_without_a_lead_the_page_says_so_and_the_admin_learns_a_number(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker, admin = staff_browser("caseworker"), staff_browser("organisation_admin")
    number = looked_after(app, worker)
    page = worker.text(f"/staff/people/{number}/safeguarding")
    assert "has no safeguarding lead here" in page
    assert "own safeguarding procedure" in page
    flag_id = raised(worker, number)
    assert words.FLAG_RAISED_WITHOUT_LEAD in worker.text(f"/staff/safeguarding/flags/{flag_id}")
    assert [(event.template, event.staff_id) for event in told] == [("staff_flag_unread", admin.staff_id)]
    assert told[0].params["link"].endswith("/staff/organisation")
    assert admin.get(f"/staff/safeguarding/flags/{flag_id}").status_code == 403
    assert "1 safeguarding flag is read by nobody" in admin.text("/staff")
    lead = staff_browser("safeguarding_lead")
    assert "read by nobody" not in admin.text("/staff")
    assert "Canaryfear" in lead.text(f"/staff/safeguarding/flags/{flag_id}")


def test_a_lead_whom_the_person_is_kept_from_is_no_lead_for_them(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker, lead, admin = (
        staff_browser(role) for role in ("caseworker", "safeguarding_lead", "organisation_admin")
    )
    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=lead.staff_id, made_at=now()))
    flag_id = raised(worker, number)
    assert [(event.template, event.staff_id) for event in told] == [("staff_flag_unread", admin.staff_id)]
    assert lead.get(f"/staff/safeguarding/flags/{flag_id}").status_code == 404
    assert f"/flags/{flag_id}" not in lead.text("/staff/safeguarding")
    assert "flag" not in lead.text("/staff").casefold().replace("flag-", "")
    assert "1 safeguarding flag is read by nobody" in admin.text("/staff")


def test_where_nobody_can_appoint_the_platform_is_told_and_a_lead_tells_not_themself(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker = staff_browser("caseworker")
    platform = staff_browser("platform_admin", organisation="Blue Door")
    raised(worker, looked_after(app, worker))
    assert [event.staff_id for event in told] == [platform.staff_id]
    told.clear()
    alone = staff_browser("safeguarding_lead", organisation="Third Door")
    raised(alone, looked_after(app, alone))
    assert told == []


# --- one flag


def test_the_lead_reads_adds_assigns_and_ends_it(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    colleague = staff_browser("caseworker", name="Cole League")
    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        put_on_caseload(
            session, resident_id=number, staff_id=colleague.staff_id, organisation_id=lead.organisation_id
        )
    flag_id = raised(worker, number)
    page = f"/staff/safeguarding/flags/{flag_id}"
    assert f"New safeguarding flag, number {flag_id}." in lead.text("/staff")
    assert "Canaryfear" in lead.text(page)
    assert f'href="{page}"' in lead.text("/staff/safeguarding")
    assert colleague.get(page).status_code == 404
    assert lead.send(f"{page}/assign", form_on=page, assigned=str(colleague.staff_id)).status_code == 303
    assert told[-1].template == "staff_flag_assigned"
    assert told[-1].staff_id == colleague.staff_id
    assert "Canaryfear" in colleague.text(page)
    assert f"You work on safeguarding flag {flag_id}." in colleague.text("/staff")
    assert f'href="{page}"' in colleague.text(f"/staff/people/{number}")
    once = once_of(colleague.text(page))
    for _press in range(2):
        assert (
            colleague.send(
                f"{page}/words", form_on=page, words="I rang them\n\ntwice today.", once=once
            ).status_code
            == 303
        )
    assert words_in(app, flag_id) == [WHY, "I rang them\ntwice today."]
    for path in ("assign", "end"):  # the lead's alone
        assert colleague.send(f"{page}/{path}", form_on=page, assigned="0", ending=DONE).status_code == 403
    assert lead.send(f"{page}/assign", form_on=page, assigned="0").status_code == 303
    assert colleague.get(page).status_code == 404
    refused = lead.send(f"{page}/end", form_on=page, ending="ok")
    assert refused.status_code == 422
    said = refused.get_data(as_text=True)
    assert 'id="ending-error"' in said and "Write what was done, in at least 10 letters." in said
    assert "what you saw or heard" not in said
    assert lead.send(f"{page}/end", form_on=page, ending=DONE).status_code == 303
    ended = lead.text(page)
    assert "Canarydone" in ended
    assert "Add these words" not in ended
    assert "Canarydone" not in lead.text("/staff/safeguarding")
    for path in (
        "words",
        "assign",
        "end",
    ):  # somebody else ended it while they wrote: it stays on their screen
        answer = lead.send(
            f"{page}/{path}",
            form_on=f"/staff/people/{number}/safeguarding",
            words=WHY,
            assigned="0",
            ending=DONE,
        )
        assert answer.status_code == 422, path
        assert words.FLAG_IS_OVER in answer.get_data(as_text=True), path
    assert queries_flagged(app, number) == set()
    done = [row[0] for row in rows_of(app, number) if "flag" in row[0] and not row[0].startswith("read ")]
    assert done == [
        "raise safeguarding flag", "assign safeguarding flag", "write about safeguarding flag",
        "assign safeguarding flag", "end safeguarding flag",
    ]  # fmt: skip


def queries_flagged(app: Flask, *numbers: int) -> set[int]:
    with app.app_context(), transaction() as session:
        return queries.flagged(session, numbers)


def test_only_a_caseworker_who_may_see_the_person_is_asked(app: Flask, staff_browser: Staff) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    stranger, foreign = staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door")
    flag_id = flag_made(app, worker, looked_after(app, worker))
    page = f"/staff/safeguarding/flags/{flag_id}"
    for staff_id in (stranger.staff_id, foreign.staff_id, lead.staff_id, 99_999, "", "x"):
        answer = lead.send(f"{page}/assign", form_on=page, assigned=str(staff_id))
        assert answer.status_code == 422
        assert 'id="assigned-error"' in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        row = session.get_one(SafeguardingFlag, flag_id)
        assert row.assigned_id is None
        me = Principal("staff", staff_id=lead.staff_id, organisation_id=lead.organisation_id,
                       roles=frozenset({"safeguarding_lead"}))  # fmt: skip
        with pytest.raises(RuleBroken):
            flag_services.assign(
                session, principal=me, flag=row, staff_id=foreign.staff_id, link_to=str, now=now()
            )


def test_whoever_raised_it_adds_to_it_and_reads_their_own_words_for_a_quarter_of_an_hour(
    app: Flask, staff_browser: Staff
) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    number = looked_after(app, worker)
    flag_id = flag_made(app, worker, number)
    page = f"/staff/safeguarding/flags/{flag_id}"
    lead.send(f"{page}/words", form_on=page, words="Canarylead: I rang the police.")
    with time_machine.travel(now(), tick=False) as clock:
        assert (
            worker.send(f"{page}/words", form_on=page, words="Canarymore: they came alone today.").status_code
            == 303
        )
        seen = worker.text(page)
        assert "Canarymore" in seen
        assert "Canary fear" in seen
        assert "Canarylead" not in seen
        clock.shift(timedelta(minutes=15))
        seen = worker.text(page)
        assert "Canarymore" not in seen
        assert "Canary fear" not in seen
        assert "Add these words" in seen
        refused = worker.send(f"{page}/words", form_on=page, words="no")
        assert refused.status_code == 422
        assert "Canarymore" not in refused.get_data(as_text=True)
    # They changed to another organisation, or the person is kept from them: nothing of it is theirs.
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=worker.staff_id, made_at=now()))
    assert worker.get(page).status_code == 404


def test_each_look_at_a_flag_is_one_row_for_safety_and_nothing_of_it_is_told_to_the_resident(
    app: Flask, staff_browser: Staff, browser: Browser
) -> None:
    worker, lead, officer = (
        staff_browser(role) for role in ("caseworker", "safeguarding_lead", "data_protection")
    )
    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        code = session.get_one(Resident, number).code
    worker.text(f"/staff/people/{number}/safeguarding")
    flag_id = raised(worker, number)
    page = f"/staff/safeguarding/flags/{flag_id}"
    before = len(rows_of(app, number))
    lead.text(page)
    after = rows_of(app, number)
    assert len(after) == before + 1
    assert after[-1] == ("read people.flag", lead.staff_id, number, "safeguarding identity", "safety")
    lead.send(f"{page}/words", form_on=page, words="x")
    lead.send(f"{page}/assign", form_on=page, assigned=str(worker.staff_id))
    lead.send(f"{page}/end", form_on=page, ending=DONE)
    told_of = {row[0] for row in rows_of(app, number) if "flag" in row[0] or "safeguard" in row[0]}
    assert {"read people.flag_words", "read people.safeguard", "end safeguarding flag"} <= told_of
    assert told_of <= set(my_record_queries.NOT_TOLD)
    assert browser.send("/come-back", code=code, pin=PIN).status_code == 303
    for path in ("/my-record", "/my-record/looked", "/my-record/print"):
        seen = browser.text(path).casefold()
        assert "safeguard" not in seen
        assert "safety" not in seen
        assert "canary" not in seen
        assert "flag" not in seen
    answer = browser.send("/my-record/download")
    assert answer.status_code == 200, answer.status_code
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        for name in packed.namelist():
            held = packed.read(name).lower()
            assert b"safeguard" not in held, name
            assert b"canary" not in held, name
    assert officer.get(page).status_code == 404


def test_an_officer_reads_it_by_an_open_request_only_and_works_on_nothing(
    app: Flask, staff_browser: Staff
) -> None:
    worker, officer = staff_browser("caseworker"), staff_browser("data_protection", organisation="Blue Door")
    number = looked_after(app, worker)
    flag_id = flag_made(app, worker, number)
    page = f"/staff/safeguarding/flags/{flag_id}"
    assert officer.get(page).status_code == 404
    with app.app_context(), transaction() as session:
        request_id = make_request(session, resident_id=number, opened_by_id=officer.staff_id)
    assert f'href="{page}"' in officer.text(f"/staff/requests/{request_id}/person")
    seen = officer.text(page)
    assert "Canary fear" in seen
    assert "Add these words" not in seen
    assert "You work on" not in officer.text("/staff")
    assert f'href="{page}"' in officer.text(f"/staff/people/{number}")


def test_a_flag_stays_with_its_lead_when_the_consent_ends_and_shows_the_way_to_break_glass(
    app: Flask, staff_browser: Staff
) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    number = looked_after(app, worker)
    flag_id = flag_made(app, worker, number)
    page = f"/staff/safeguarding/flags/{flag_id}"
    assert "/staff/break-glass" not in lead.text(page).split("<main")[1]
    with app.app_context(), transaction() as session:
        for consent in session.scalars(select(Consent)):
            consent.withdrawn_at = now()
    seen = lead.text(page).split("<main")[1]
    assert "Canary fear" in seen
    assert NAME not in seen
    assert "/staff/break-glass" in seen
    assert lead.get(f"/staff/people/{number}").status_code == 404
    broken = lead.send(
        "/staff/break-glass", person=str(number), reason="They rang and said that they are afraid of him."
    )
    assert broken.status_code == 303
    marker = "Talk to the safeguarding lead of Red Door first."
    assert marker in lead.text(broken.location)
    assert marker in lead.text(f"/staff/people/{number}")
    # A lead of another organisation breaks the glass, sees that there is a flag, and not why.
    foreign = staff_browser("safeguarding_lead", organisation="Blue Door")
    assert foreign.get(page).status_code == 404
    broken = foreign.send(
        "/staff/break-glass", person=str(number), reason="Their neighbour rang: the door stays shut."
    )
    seen = foreign.text(broken.location) + foreign.text(f"/staff/people/{number}")
    assert marker in seen
    assert "Canary fear" not in seen
    assert foreign.get(page).status_code == 404


def test_seven_days_without_a_word_come_up_for_review(app: Flask, staff_browser: Staff) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    flag_id = flag_made(app, worker, looked_after(app, worker), raised_at=now() - timedelta(days=9))
    page = f"/staff/safeguarding/flags/{flag_id}"
    assert f"New safeguarding flag, number {flag_id}." in lead.text("/staff")
    with app.app_context(), transaction() as session:
        session.add(
            SafeguardingWords(
                flag_id=flag_id,
                words="Canary call",
                at=now() - timedelta(days=7, minutes=1),
                staff_id=lead.staff_id,
            )
        )
    assert f"Safeguarding flag {flag_id}: nothing was written for 7 days." in lead.text("/staff")
    assert "Nothing was written for 7 days" in lead.text(page)
    assert "Nothing for 7 days" in lead.text("/staff/safeguarding")
    lead.send(f"{page}/words", form_on=page, words="I rang again today.")
    assert f"lag {flag_id}" not in lead.text("/staff")
    assert "Nothing for 7 days" not in lead.text("/staff/safeguarding")


def test_a_caseworker_who_left_is_said_to_be_gone(app: Flask, staff_browser: Staff) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    flag_id = flag_made(app, worker, looked_after(app, worker), assigned_id=worker.staff_id)
    assert "caseworker here any more" not in lead.text(f"/staff/safeguarding/flags/{flag_id}")
    with app.app_context(), transaction() as session:
        session.scalars(
            select(Membership).where(Membership.staff_id == worker.staff_id)
        ).one().until_at = now()
    assert "caseworker here any more" in lead.text(f"/staff/safeguarding/flags/{flag_id}")
    assert "caseworker here any more" in lead.text("/staff/safeguarding")


def test_of_two_who_end_one_flag_at_once_one_does(app: Flask, staff_browser: Staff) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    flag_id = flag_made(app, worker, looked_after(app, worker))
    me = Principal("staff", staff_id=lead.staff_id, organisation_id=lead.organisation_id,
                   roles=frozenset({"safeguarding_lead"}))  # fmt: skip
    ready, outcomes = threading.Barrier(2), []

    def end() -> None:
        with app.app_context():
            try:
                with transaction() as session:
                    row = session.get_one(SafeguardingFlag, flag_id)
                    session.expunge(row)
                    session.rollback()
                    ready.wait(5)
                    flag_services.end(session, principal=me, flag=row, said=DONE, now=now())
                    outcomes.append("ended")
            except RuleBroken as broken:
                outcomes.append(broken.message)

    threads = [threading.Thread(target=end) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["ended", words.FLAG_IS_OVER])
    assert words_in(app, flag_id).count(DONE) == 1


# --- the table


def flags_of(app: Flask, world: World) -> dict[str, int]:
    """Flags of every kind, by name."""
    with app.app_context(), transaction() as session:
        here, there = world.residents["own"], world.residents["other"]
        kept = make_person(session).id
        session.add(Restriction(resident_id=kept, organisation_id=world.red, made_at=now()))
        asking = make_person(session).id
        make_request(session, resident_id=asking, opened_by_id=world.staff["data_protection"])
        red = {"organisation_id": world.red, "raised_by_id": world.staff["colleague"]}
        blue = {"organisation_id": world.blue, "raised_by_id": world.staff["of Blue Door"]}

        def made(number: int, **facts: Any) -> int:
            return referrals.make_flag(session, resident_id=number, **facts).id

        return {
            "ours": made(world.residents["withdrawn"], **red),
            "restricted": made(world.residents["restricted"], **red),
            "kept": made(kept, **red),
            "theirs": made(there, **blue),
            "theirs, assigned to ours": made(there, **blue, assigned_id=world.staff["caseworker"]),
            "assigned": made(world.residents["withdrawn"], **red, assigned_id=world.staff["caseworker"]),
            "assigned, kept": made(kept, **red, assigned_id=world.staff["caseworker"]),
            "raised": made(here, organisation_id=world.red, raised_by_id=world.staff["caseworker"]),
            "raised for theirs": made(there, organisation_id=world.blue, raised_by_id=world.staff["caseworker"]),
            "raised, over": made(
                here, organisation_id=world.red, raised_by_id=world.staff["caseworker"], ended_at=now(),
                ended_by_id=world.staff["safeguarding_lead"],
            ),
            "asking": made(asking, **blue),
        }  # fmt: skip


OURS = {"ours", "restricted", "assigned", "raised", "raised, over"}
# "own" shares with Red Door and asks for a copy (the world's open request), so its flags are the officer's to read.
BY_REQUEST = {"asking", "raised", "raised, over"}
EXPECTED: dict[tuple[str, str], set[str]] = {
    ("flag.see", "safeguarding_lead"): OURS,
    ("flag.read", "safeguarding_lead"): OURS,
    ("flag.write", "safeguarding_lead"): OURS,
    ("flag.work", "safeguarding_lead"): OURS,
    ("flag.see", "caseworker"): {"assigned", "raised", "raised, over"},
    ("flag.read", "caseworker"): {"assigned"},
    ("flag.write", "caseworker"): {"assigned", "raised", "raised, over"},
    ("flag.see", "data_protection"): BY_REQUEST,
    ("flag.read", "data_protection"): BY_REQUEST,
}


@pytest.mark.parametrize("role", ROLES)
def test_list_and_check_agree_on_every_role_with_what_was_written_by_hand(
    app: Flask, role: str, tally: Any
) -> None:
    with app.app_context(), transaction() as session:
        world = build(session)
    made, cells = flags_of(app, world), 0
    me = Principal("staff", staff_id=world.staff[role], organisation_id=world.red, roles=frozenset({role}))
    with app.app_context(), transaction() as session:
        for right in FLAGS.grid:
            listed = set(session.scalars(select(SafeguardingFlag.id).where(FLAGS.rows(right, me))))
            checked = {number for number in made.values() if FLAGS.allows(session, right, me, number)}
            by_hand = {made[name] for name in EXPECTED.get((right, role), ())}
            assert listed & set(made.values()) == checked == by_hand, (right, role)
            cells += len(made)
        shown = {line.flag.id for line in flag_queries.standing(session, me, now())}
        ended = {line.flag.id for line in flag_queries.ended(session, me, now())}
        assert (shown | ended) & set(made.values()) == {
            made[name] for name in EXPECTED.get(("flag.read", role), ())
        }
    tally("cells of list filter and check, safeguarding flags", cells)


def test_the_pages_answer_a_foreign_flag_and_an_unknown_one_alike(
    app: Flask, staff_browser: Staff, browser: Browser
) -> None:
    worker = staff_browser("caseworker")
    flag_id = flag_made(app, worker, looked_after(app, worker))
    page, unknown = f"/staff/safeguarding/flags/{flag_id}", "/staff/safeguarding/flags/99999"
    foreign = (
        staff_browser("safeguarding_lead", organisation="Blue Door"),
        staff_browser("caseworker", organisation="Blue Door"), staff_browser("caseworker"),
        staff_browser("platform_admin"), staff_browser("data_protection"),
    )  # fmt: skip
    before = len(rows_of(app))
    for one in foreign:
        assert one.get(page).status_code == one.get(unknown).status_code == 404
        assert without_token(one.get(page)) == without_token(one.get(unknown))
        for path in ("words", "assign", "end"):
            answer = one.send(
                f"{page}/{path}", form_on="/staff/act-for", words=WHY, assigned="0", ending=DONE
            )
            assert answer.status_code in {403, 404}
    for role in set(ROLES) - {"safeguarding_lead", "caseworker", "platform_admin", "data_protection"}:
        assert staff_browser(role).get(page).status_code == 403
    assert browser.client.get(page).status_code == 303
    assert "/sign-in" in browser.client.get(page).location
    assert len(rows_of(app)) == before
    assert len(words_in(app, flag_id)) == 1


# --- the marker


def test_the_marker_counts_for_linked_records_and_ends_with_the_flag(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        stays, gone, gone_too, other = (make_person(session).id for _number in range(4))
        for number in (gone, gone_too):
            session.get_one(Resident, number).merged_into_id = stays
    flag_id = flag_made(app, worker, gone)
    assert queries_flagged(app, stays, gone, gone_too, other) == {stays, gone, gone_too}
    with app.app_context(), transaction() as session:
        assert queries.flagged_by(session, [gone, None]) == {gone: ["Red Door"]}
        assert queries.flagged(session, []) == queries.flagged(session, [None]) == set()
        row = session.get_one(SafeguardingFlag, flag_id)
        row.ended_at, row.ended_by_id = now(), worker.staff_id
    assert queries_flagged(app, stays, gone, gone_too, other) == set()


def test_whoever_helps_sees_whom_to_ask_and_never_why(app: Flask, staff_browser: Staff) -> None:
    worker = staff_browser("caseworker")
    coordinator = staff_browser("loan_coordinator", organisation="Blue Door")
    organiser = staff_browser("training_organiser", organisation="Blue Door")
    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        scheme = loans.make_scheme(session, organisation_id=coordinator.organisation_id)
        model = loans.make_model(session, scheme=scheme)
        asked = loans.make_request(
            session,
            model=model,
            resident_id=number,
            referrer_id=worker.organisation_id,
            staff_id=worker.staff_id,
        )
        lent = loans.make_loan(
            session,
            unit=loans.make_unit(session, model=model),
            request=loans.make_request(session, model=model, resident_id=number, status="offered"),
        )
        training = make_session(session, organisation_id=organiser.organisation_id)
        booking = make_booking(session, training, resident_id=number, label="Tea")
        date = training.occurrences[0].id
        pages = {
            f"/staff/loans/requests/{asked.id}": (coordinator, "Speak to the referrer before you call"),
            f"/staff/loans/loans/{lent.id}": (coordinator, "Speak to the referrer before you call"),
            f"/staff/loans/sent/{asked.id}": (worker, "Talk to the safeguarding lead of Red Door first."),
            f"/staff/training/bookings/{booking.id}": (organiser, "Talk to the safeguarding lead of Red Door first."),
            f"/staff/training/{training.id}": (organiser, "Ask the lead of Red Door first"),
            f"/staff/training/dates/{date}": (organiser, "Ask the lead of Red Door first"),
            f"/staff/training/dates/{date}/register": (organiser, "Ask the lead of Red Door first"),
            f"/staff/people/{number}": (worker, "Talk to the safeguarding lead of Red Door first."),
        }  # fmt: skip
        hand_over = f"/staff/loans/requests/{asked.id}/hand-over"
    for path, (who, marker) in pages.items():
        assert marker not in who.text(path), path
    flag_id = flag_made(app, worker, number)
    for path, (who, marker) in pages.items():
        page = who.text(path)
        assert marker in page, path
        assert "Canary fear" not in page
    # The person reads along at a hand-over, and takes the sheet in their hand.
    for path, (who, _marker) in {
        hand_over: (coordinator, ""),
        f"/staff/training/dates/{date}/register/sheet": (organiser, ""),
    }.items():
        answer = who.get(path)
        if answer.status_code == 200:
            assert "Red Door first" not in answer.get_data(as_text=True)
            assert "Speak to the referrer" not in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        row = session.get_one(SafeguardingFlag, flag_id)
        row.ended_at, row.ended_by_id = now(), worker.staff_id
    for path, (who, marker) in pages.items():
        assert marker not in who.text(path), path


def test_a_flag_and_its_words_go_with_the_person(app: Flask, staff_browser: Staff) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker)
    flag_made(app, worker, number)
    with app.app_context(), transaction() as session:
        session.delete(session.get_one(Resident, number))
    with app.app_context(), transaction() as session:
        assert not session.scalar(select(func.count(SafeguardingFlag.id)))
        assert not session.scalar(select(func.count(SafeguardingWords.id)))


def test_a_flag_raised_through_broken_glass_is_told_to_the_lead_like_any_other(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    with app.app_context(), transaction() as session:
        number = make_person(session).id
    assert worker.get(f"/staff/people/{number}/safeguarding").status_code == 404
    worker.send("/staff/break-glass", person=str(number), reason="Their neighbour rang: the door stays shut.")
    told.clear()
    flag_id = raised(worker, number)
    assert [event.staff_id for event in told] == [lead.staff_id]
    assert "Canaryfear" in lead.text(f"/staff/safeguarding/flags/{flag_id}")


def test_the_list_of_the_lead_names_nobody_of_a_flag(app: Flask, staff_browser: Staff) -> None:
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    number = looked_after(app, worker, name="Canaryname", is_restricted=True)
    flag_id = flag_made(app, worker, number)
    page = lead.text("/staff/safeguarding")
    assert f"Flag {flag_id}" in page
    assert "Canaryname" not in page
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        person = make_staff(session, organisation_id=organisation.id, roles=("caseworker",))
        make_consent(session, resident_id=number, organisation_id=organisation.id)
        foreign = referrals.make_flag(
            session, resident_id=number, organisation_id=organisation.id, raised_by_id=person.id
        ).id
    assert f"Flag {foreign}<" not in lead.text("/staff/safeguarding")
