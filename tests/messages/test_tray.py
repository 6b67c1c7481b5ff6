"""The tray: who sees a letter or call, who takes it, how it ends, and who hears that nobody touches it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from inclusion_app.core import clock, registry
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.messages import sending, services
from inclusion_app.messages.letter import window_lines
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.models import Consent, ContactRoute, Feedback, Resident, Restriction
from tests.conftest import StaffBrowser, sign_in_staff
from tests.factories.people import make_consent, put_on_caseload
from tests.factories.world import make_glass, make_request
from tests.messages.conftest import ADDRESS, PHONE, reachable
from tests.messages.test_outbox import want

Staff = Callable[..., StaffBrowser]


def with_item(app: Flask, staff: StaffBrowser, *kinds: str, **facts: Any) -> tuple[int, int]:
    """A resident on this person's caseload, and a letter or call for them in the tray: both numbers."""
    with app.app_context(), transaction() as session:
        person = reachable(session, *(kinds or ("letter",)), **facts)
        make_consent(session, resident_id=person.id, organisation_id=staff.organisation_id)
        put_on_caseload(
            session, resident_id=person.id, staff_id=staff.staff_id, organisation_id=staff.organisation_id
        )
        number = person.id
    want(app, number, key=f"thing of {number}", organisation_id=staff.organisation_id)
    with app.app_context(), transaction() as session:
        item = session.scalars(select(TrayItem).join(Message).where(Message.resident_id == number)).one()
        return number, item.id


def state(app: Flask, item_id: int) -> tuple[str | None, str, str | None]:
    with app.app_context(), transaction() as session:
        item = session.get_one(TrayItem, item_id)
        return item.outcome, item.message.state, item.message.fault


def audit_rows(app: Flask) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))


def test_a_letter_is_taken_posted_and_done(app: Flask, staff_browser: Staff) -> None:
    me = staff_browser("caseworker")
    person, item = with_item(app, me, "letter", name="Amina Canary")
    listed = me.text("/staff/tray")
    assert f"Letter {item}" in listed
    assert "Amina" not in listed and "Any Road" not in listed
    page = me.text(f"/staff/tray/{item}")
    assert "Amina Canary" in page and "1 Any Road" in page
    assert "It is done" not in page
    assert me.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}").status_code == 303
    assert me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}").status_code == 422
    assert state(app, item) == (None, "waiting", None)
    answer = me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}", outcome="posted")
    assert answer.location == "/staff/tray"
    assert state(app, item) == ("posted", "sent", None)
    assert me.get(f"/staff/tray/{item}").status_code == 404
    actions = [
        row.action for row in audit_rows(app) if row.resident_id == person and row.actor_kind == "caseworker"
    ]
    assert {"take tray item", "finish tray item", "read messages.tray_item"} <= set(actions)


def test_each_look_at_a_person_writes_one_row_and_the_list_none_of_anybody(
    app: Flask, staff_browser: Staff
) -> None:
    me = staff_browser("caseworker")
    person, item = with_item(app, me)

    def written(path: str) -> list[AuditRow]:
        before = len(audit_rows(app))
        assert me.get(path).status_code in {200, 503}
        return audit_rows(app)[before:]

    assert written("/staff/tray") == []
    (row,) = written(f"/staff/tray/{item}")
    assert (row.resident_id, row.actor_id, row.purpose) == (person, me.staff_id, "contact")
    # Without a paper service there is no letter, and so nothing was seen.
    assert written(f"/staff/tray/{item}/letter.pdf") == []


@pytest.mark.parametrize("name", [None, "Amina"])
@pytest.mark.parametrize("lines", [1, 5, 6, 9])
def test_the_window_of_an_envelope_shows_every_line(name: str | None, lines: int) -> None:
    typed = [f"line {number}" for number in range(lines - 1)] + ["M14 5RQ"]
    shown = window_lines(name, "\n".join(typed))
    assert len(shown) <= 6
    assert shown[-1] == "M14 5RQ"
    assert ", ".join(shown) == ", ".join([*([name] if name else []), *typed])


def test_a_printed_letter_is_one_look(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inclusion_app.core import paper

    drawn: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: drawn.append(html) or b"%PDF")
    me = staff_browser("caseworker")
    _person, item = with_item(app, me, "letter", name="Amina Canary", language="ur")
    before = len(audit_rows(app))
    answer = me.get(f"/staff/tray/{item}/letter.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "Amina" not in answer.headers["Content-Disposition"]
    assert len(audit_rows(app)) == before + 1
    (html,) = drawn
    assert '<html lang="ur" dir="rtl">' in html
    for line in (
        "Amina Canary",
        *ADDRESS.splitlines(),
        "What you asked for is ready",
        "My digital roadmap",
        "Red Door",
    ):
        assert line in html


def test_a_letter_for_whom_the_service_may_not_be_named(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inclusion_app.core import paper

    drawn: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: drawn.append(html) or b"%PDF")
    me = staff_browser("caseworker", organisation="Red Door")
    _person, item = with_item(app, me, safe_contact={"no_service_name": True})
    assert me.get(f"/staff/tray/{item}/letter.pdf").status_code == 200
    assert "roadmap" not in drawn[0].split("</style>")[1]
    assert "Red Door" not in drawn[0]
    assert "plain envelope" in me.text(f"/staff/tray/{item}")


def test_a_call_says_what_may_not_be_done(app: Flask, staff_browser: Staff) -> None:
    me = staff_browser("caseworker")
    rule = {"no_voicemail": True, "no_service_name": True, "hours": ["10:00", "12:00"]}
    _person, item = with_item(app, me, "call", safe_contact=rule)
    page = me.text(f"/staff/tray/{item}")
    assert PHONE in page
    for words in (
        "Leave no message on the phone, whatever",
        "Do not name the service",
        "Only from 10:00 to 12:00",
    ):
        assert words in page
    assert "Print the letter" not in page
    assert me.get(f"/staff/tray/{item}/letter.pdf").status_code == 303


def test_a_caseworker_tells_it_and_sees_no_number(app: Flask, staff_browser: Staff) -> None:
    me = staff_browser("caseworker")
    _person, item = with_item(app, me, "caseworker")
    page = me.text(f"/staff/tray/{item}")
    assert "Tell them when you see them" in page
    assert PHONE not in page


@pytest.mark.parametrize(
    "why",
    [
        "another organisation",
        "not on caseload",
        "withdrawn",
        "kept by rule",
        "kept by name",
        "another role",
        "contact not shared",
    ],
)
def test_who_may_not_reach_the_person_sees_no_item(app: Flask, staff_browser: Staff, why: str) -> None:
    mine = staff_browser("caseworker")
    other = staff_browser("caseworker", organisation="Blue Door") if why == "another organisation" else mine
    if why == "not on caseload":
        other = staff_browser("caseworker")
    if why == "another role":
        other = staff_browser("front_desk")
    person, item = with_item(app, mine)
    with app.app_context(), transaction() as session:
        if why == "withdrawn":
            session.execute(update(Consent).values(withdrawn_at=clock.now()))
        elif why == "contact not shared":
            consent = session.scalars(select(Consent)).one()
            consent.items = [row for row in consent.items if row.item != "contact"]
        elif why == "kept by rule":
            session.get_one(Resident, person).safe_contact = {"not_staff": [mine.staff_id]}
        elif why == "kept by name":
            session.add(Restriction(resident_id=person, staff_id=mine.staff_id, made_at=clock.now()))
    unknown, known = other.get("/staff/tray/999999"), other.get(f"/staff/tray/{item}")
    assert known.status_code == unknown.status_code == (403 if why == "another role" else 404)
    assert _bare(known) == _bare(unknown)
    if why == "another role":
        return
    assert f"Letter {item}" not in other.text("/staff/tray")
    for what in ("take", "done", "give-back"):
        assert other.send(f"/staff/tray/{item}/{what}", "/staff", outcome="posted").status_code == 404
    assert other.get(f"/staff/tray/{item}/letter.pdf").status_code == 404
    assert state(app, item) == (None, "waiting", None)


def _bare(answer: TestResponse) -> str:
    """A page without the form's token, which holds the second it was made."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", answer.get_data(as_text=True))


@pytest.mark.parametrize("number", ["0", "99999999999999999999999", "-1", "x"])
def test_strange_numbers_are_no_items(staff_browser: Staff, number: str) -> None:
    assert staff_browser("caseworker").get(f"/staff/tray/{number}").status_code == 404


def test_two_who_press_at_once_do_not_both_get_it(service_on_both: Flask) -> None:
    app = service_on_both
    first, second = (sign_in_staff(app, "caseworker") for _ in range(2))
    _person, item = with_item(app, first)
    won: list[int] = []
    start = threading.Barrier(8)

    def press(staff_id: int) -> None:
        start.wait()
        with app.app_context():
            try:
                with transaction() as session:
                    services.take_item(session, item_id=item, staff_id=staff_id, now=clock.now())
            except RuleBroken:
                return
            won.append(staff_id)

    threads = [threading.Thread(target=press, args=(me.staff_id,)) for me in (first, second) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_what_a_colleague_has_is_theirs_until_they_give_it_back(app: Flask, staff_browser: Staff) -> None:
    mine, colleague = staff_browser("caseworker"), staff_browser("caseworker", name="Kim Lee")
    person, item = with_item(app, mine)
    with app.app_context(), transaction() as session:
        put_on_caseload(
            session, resident_id=person, staff_id=colleague.staff_id, organisation_id=mine.organisation_id
        )
    here = f"/staff/tray/{item}"
    colleague.send(f"{here}/take", here)
    assert "A colleague has this" in mine.text(here)
    assert "Kim Lee" in mine.text("/staff/tray")
    assert mine.send(f"{here}/take", "/staff/tray").location == "/staff/tray"
    assert "Somebody else has this now" in mine.text("/staff/tray")
    assert mine.send(f"{here}/done", "/staff/tray", outcome="posted").status_code == 422
    assert mine.send(f"{here}/give-back", "/staff/tray").status_code == 303
    assert state(app, item) == (None, "waiting", None)
    assert colleague.send(f"{here}/give-back", here).status_code == 303
    mine.send(f"{here}/take", here)
    assert mine.send(f"{here}/done", here, outcome="posted").status_code == 303


@pytest.mark.parametrize("outcome", ["no_answer", "wrong_number", "could_not"])
def test_whom_a_call_did_not_reach_is_told_by_the_next_route(
    app: Flask, staff_browser: Staff, outcome: str
) -> None:
    me = staff_browser("caseworker")
    person, item = with_item(app, me, "call", "email")
    me.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}")
    assert me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}", outcome=outcome).status_code == 303
    assert state(app, item) == (outcome, "dead", outcome)
    with app.app_context(), transaction() as session:
        last = session.scalars(select(Message).where(Message.resident_id == person)).all()[-1]
        assert (last.channel, last.state) == ("email", "waiting")


@pytest.mark.parametrize("outcome", ["posted", "", "lost", "\0", "x" * 5000])
def test_a_call_is_not_posted(app: Flask, staff_browser: Staff, outcome: str) -> None:
    me = staff_browser("caseworker")
    _person, item = with_item(app, me, "call")
    me.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}")
    answer = me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}", outcome=outcome)
    assert answer.status_code == 422
    assert "Choose how it went" in answer.get_data(as_text=True)


@pytest.mark.parametrize("change", ["withdrawn", "rule", "moved"])
def test_what_the_person_no_longer_wants_so_leaves_the_tray_by_itself(
    app: Flask, staff_browser: Staff, change: str
) -> None:
    me = staff_browser("caseworker")
    person, item = with_item(app, me, "letter", "email")
    with app.app_context(), transaction() as session:
        if change == "withdrawn":
            session.execute(update(Consent).values(withdrawn_at=clock.now()))
        elif change == "rule":
            session.get_one(Resident, person).safe_contact = {"no_letter": True}
        else:
            session.scalars(
                select(ContactRoute).where(ContactRoute.kind == "letter")
            ).one().value = "2 New Road"
    with app.app_context():
        sending.look_at_trays()
        sending.look_at_trays()
    assert state(app, item) == ("could_not", "dead", "rule changed")
    with app.app_context(), transaction() as session:
        last = session.scalars(select(Message).where(Message.resident_id == person)).all()[-1]
        assert last.channel == ("letter" if change == "moved" else "email")
        assert last.to != ADDRESS


def age(app: Flask, **time: float) -> None:
    """Everything in the trays came in and was taken earlier."""
    with app.app_context(), transaction() as session:
        for item in session.scalars(select(TrayItem)):
            item.made_at -= timedelta(**time)
            item.taken_at = item.taken_at - timedelta(**time) if item.taken_at else None


def test_an_item_nobody_touches_is_told_to_the_admin_once_a_day(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, admin = staff_browser("caseworker"), staff_browser("organisation_admin", email="admin@example.org")
    staff_browser("organisation_admin", organisation="Blue Door")
    _person, item = with_item(app, mine, name="Amina Canary")

    def told() -> list[str | None]:
        with app.app_context():
            sending.look_at_trays()
            with transaction() as session:
                found = select(Message).where(Message.template == "staff_tray_late").order_by(Message.id)
                return [row.to for row in session.scalars(found)]

    assert told() == []
    assert "was not touched" not in admin.text("/staff")
    age(app, days=6)
    assert told() == told() == ["admin@example.org"]
    assert "1 letter or call was not touched for two working days" in admin.text("/staff")
    page = admin.text("/staff/tray/watch")
    assert f"Letter {item}" in page and "not touched for two working days" in page
    assert "Amina" not in page and "Any Road" not in page
    assert admin.get(f"/staff/tray/{item}").status_code == 403
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=1))
    assert len(told()) == 2


def test_an_admin_takes_an_item_away_from_whoever_cannot_do_it(app: Flask, staff_browser: Staff) -> None:
    mine, admin = staff_browser("caseworker", name="Kim Lee"), staff_browser("organisation_admin")
    stranger = staff_browser("organisation_admin", organisation="Blue Door")
    _person, item = with_item(app, mine)
    mine.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}")
    free = f"/staff/tray/watch/{item}/free"
    assert "Kim Lee" in admin.text("/staff/tray/watch")
    assert "Kim Lee" not in stranger.text("/staff/tray/watch")
    assert stranger.send(free, "/staff").status_code == 404
    assert admin.send(free, "/staff/tray/watch").status_code == 303
    assert admin.send(free, "/staff").status_code == 303  # once more: nobody has it
    assert mine.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}").status_code == 303
    assert "free tray item" in {row.action for row in audit_rows(app)}


def test_the_tray_counts_in_working_days_of_the_holidays_we_know(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        assert any(day.month == 12 and day.day == 25 for day in registry.holidays(session))


def test_the_list_and_the_page_of_one_agree(app: Flask, staff_browser: Staff) -> None:
    """For every item and every member of staff: it is in their list exactly when its page opens."""
    people = [
        staff_browser("caseworker"), staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door"),
        staff_browser("caseworker", "organisation_admin"),
    ]  # fmt: skip
    items = []
    for number, me in enumerate(people):
        rule = {"not_staff": [people[(number + 1) % 4].staff_id]}
        items += [with_item(app, me)[1], with_item(app, me, safe_contact=rule, is_restricted=True)[1]]
    cells = 0
    for me in people:
        listed = me.text("/staff/tray")
        for item in items:
            opens = me.get(f"/staff/tray/{item}").status_code == 200
            assert (f'href="/staff/tray/{item}"' in listed) == opens
            cells += opens
    assert cells == 8  # each their own two


def test_broken_glass_posts_no_letter(app: Flask, staff_browser: Staff) -> None:
    me = staff_browser("caseworker")
    person, item = with_item(app, me, "letter")
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == person).values(withdrawn_at=clock.now()))
        make_consent(session, resident_id=person, organisation_id=me.organisation_id, items=("identity",))
        make_glass(
            session, resident_id=person, staff_id=me.staff_id, organisation_id=me.organisation_id,
            began_at=clock.now(), open_slot=me.staff_id,
        )  # fmt: skip
    assert me.get(f"/staff/people/{person}").status_code == 200
    for path in (f"/staff/tray/{item}", f"/staff/tray/{item}/letter.pdf"):
        assert me.get(path).status_code == 404
    assert me.send(f"/staff/tray/{item}/take", form_on="/staff").status_code == 404


def answered(app: Flask, officer: StaffBrowser, *kinds: str, **facts: Any) -> tuple[int, int | None]:
    """Somebody who shares nothing wrote to the city, and the officer answered: them, and the item in the tray."""
    with app.app_context(), transaction() as session:
        person = reachable(session, *kinds, **facts)
        said = Feedback(
            resident_id=person.id, kind="complaint", words="Nobody wrote.", language="en", made_at=now()
        )
        session.add(said)
        session.flush()
        number, feedback = person.id, said.id
    path = f"/staff/feedback/{feedback}"
    assert officer.send(path, do="take").status_code == 303
    assert officer.send(path, do="answer", answer="We are sorry for it.").status_code == 303
    return number, item_of(app, number)


def item_of(app: Flask, person: int) -> int | None:
    with app.app_context(), transaction() as session:
        return session.scalar(select(TrayItem.id).join(Message).where(Message.resident_id == person))


def test_an_officer_posts_what_they_answered_without_a_consent(app: Flask, staff_browser: Staff) -> None:
    officer, worker = staff_browser("data_protection"), staff_browser("caseworker")
    elsewhere = staff_browser("data_protection", organisation="Blue Door")
    person, item = answered(app, officer, "letter", name="Amina Canary")
    assert item is not None
    path = f"/staff/tray/{item}"
    with app.app_context(), transaction() as session:
        # It is not for a caseworker, though they may see where the person lives: it may be about them.
        make_consent(session, resident_id=person, organisation_id=worker.organisation_id)
        put_on_caseload(
            session, resident_id=person, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
    for other in (worker, elsewhere):
        assert path not in other.text("/staff/tray")
        assert other.get(path).status_code == 404
    assert path in officer.text("/staff/tray")
    page = officer.text(path)
    assert "We are sorry for it." in page and ADDRESS.splitlines()[0] in page
    assert "Canary" not in page
    assert officer.send(f"{path}/take", path).status_code == 303
    assert officer.send(f"{path}/done", path, outcome="posted").status_code == 303
    assert state(app, item) == ("posted", "sent", None)
    acts = [row for row in audit_rows(app) if row.resident_id == person and "tray" in row.action]
    assert {row.actor_kind for row in acts} == {"data_protection"}
    assert {"take tray item", "finish tray item", "read messages.tray_item"} <= {row.action for row in acts}


def test_a_request_that_is_done_is_told_by_a_letter_of_the_officer(app: Flask, staff_browser: Staff) -> None:
    officer = staff_browser("data_protection")
    with app.app_context(), transaction() as session:
        person = reachable(session, "letter").id
        request = make_request(session, resident_id=person, opened_by_id=officer.staff_id)
    path = f"/staff/requests/{request}"
    assert officer.send(f"{path}/close", path, outcome="granted").status_code == 303
    item = item_of(app, person)
    assert item is not None
    assert officer.get(f"/staff/tray/{item}").status_code == 200


@pytest.mark.parametrize("rule", ["no letter", "not this organisation", "not this officer"])
def test_an_officers_answer_keeps_how_the_person_may_be_reached(
    app: Flask, staff_browser: Staff, rule: str
) -> None:
    officer = staff_browser("data_protection")
    facts: dict[str, Any] = {}
    if rule == "no letter":
        facts["safe_contact"] = {"no_letter": True}
    if rule == "not this organisation":
        facts["safe_contact"] = {"not_organisations": [officer.organisation_id]}
    person, item = answered(app, officer, "letter", **facts)
    if rule != "not this officer":
        assert item is None
        return
    assert officer.get(f"/staff/tray/{item}").status_code == 200
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=person, staff_id=officer.staff_id, made_at=now()))
    assert officer.get(f"/staff/tray/{item}").status_code == 404
    colleague = staff_browser("data_protection")
    assert colleague.get(f"/staff/tray/{item}").status_code == 200


def test_an_officer_works_on_nothing_but_answers_of_officers(app: Flask, staff_browser: Staff) -> None:
    officer, worker = staff_browser("data_protection"), staff_browser("caseworker")
    _person, item = with_item(app, worker, "letter")
    assert worker.get(f"/staff/tray/{item}").status_code == 200
    assert officer.get(f"/staff/tray/{item}").status_code == 404
    assert f"/staff/tray/{item}" not in officer.text("/staff/tray")
