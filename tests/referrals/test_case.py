"""One page of a person in order of time: what is shared stands there, what is not is left out and said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from inclusion_app.core import history
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.i18n import day_words, local
from inclusion_app.messages.models import Message
from inclusion_app.people.models import BreakGlass, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.services import machine
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.models import Household, HouseholdMember, Roadmap, StepProgress
from tests.conftest import StaffBrowser
from tests.factories import loans
from tests.factories import referrals as make
from tests.factories.training import make_booking, make_session
from tests.people.world import NAME, looked_after, rows_of
from tests.referrals.cases import acts, attach, end_consents, note_of, send_on, share_caseload

Make = Callable[..., StaffBrowser]
SKILLS = {"q5": "alone", "q6": "with_help", "q7": "not_yet", "q12": "show"}
FIRST = {"q5": "not_yet", "q6": "not_yet", "q7": "not_yet", "q12": "with_help"}
TURN_ON, JOIN = "Can you turn on a phone", "Can you join Wi-Fi"


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def page_of(number: int, query: str = "") -> str:
    return f"/staff/people/{number}/case{query}"


def private_step() -> str:
    return next(step.id for step in load_catalogue().steps.values() if step.private)


def open_step() -> str:
    return next(step.id for step in load_catalogue().steps.values() if not step.private)


def make_plan(app: Flask, number: int, *, of_home: bool = False) -> None:
    """A plan made twenty days ago with an open step and a private one done since, and answers that got better."""
    with app.app_context(), transaction() as session:
        moment = now()
        owner: dict[str, Any] = {"resident_id": number}
        if of_home:
            home = Household(made_at=moment)
            session.add(home)
            session.flush()
            session.add(
                HouseholdMember(household_id=home.id, resident_id=number, nickname="Me", joined_at=moment)
            )
            owner = {"household_id": home.id}
        roadmap = Roadmap(
            **owner, answers={"q1": ["g01"], **SKILLS, "first": FIRST}, choices={},
            made_at=moment - timedelta(days=20), changed_at=moment,
        )  # fmt: skip
        session.add(roadmap)
        session.flush()
        for step in (open_step(), private_step()):
            row = StepProgress(roadmap_id=roadmap.id, step_id=step, changed_at=moment)
            session.add(row)
            session.flush()
            history.move(session, row, "done_with_help", actor="resident", now=moment - timedelta(days=3))


def fill(app: Flask, number: int, worker: StaffBrowser) -> None:
    """One of everything that happened to somebody."""
    make_plan(app, number)
    with app.app_context(), transaction() as session:
        training = make_session(session)
        make_booking(session, training, resident_id=number, contact_kind="record", booked_for="me")
        loans.make_loan(session, request=loans.make_request(session, resident_id=number, status="offered"))
        session.add(
            Message(
                key=f"told {number}", template="referral_seen", language="en", params={"organisation": "Canary"},
                resident_id=number, organisation_id=worker.organisation_id, channel="sms", to="+447700900123",
                state="sent", sent_at=now(), next_try_at=now(), made_at=now(),
            )
        )  # fmt: skip
        mine = {"organisation_id": worker.organisation_id}
        make.make_file(session, resident_id=number, author_id=worker.staff_id, **mine)
        make.make_task(
            session, resident_id=number, words="Canary done", done_at=now(), done_how="otherwise", **mine
        )
        make.make_task(
            session, resident_id=number, owner_id=worker.staff_id, words="Canary open",
            due_on=today() - timedelta(days=1), **mine,
        )  # fmt: skip
    note_of(app, number, worker)


def entries(shown: str) -> str:
    """What stands below the heading of what happened."""
    return shown.partition("What happened</h2>")[2]


def test_everything_stands_in_order_of_time(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    fill(app, number, worker)
    send_on(app, number, by=worker, to=staff_browser("caseworker", organisation="Blue Door"))
    before = len(acts(app, number))
    shown = worker.text(page_of(number))
    assert acts(app, number)[before:] == ["read referrals.case"]
    steps = load_catalogue().steps
    for said in (
        NAME, "Read this before you contact them", "Ask alone.", "Canary open", "Late", "Booked", "Lent",
        "They have seen it", "By text message", "Sent", "letter.pdf", "Done in another way", "Blue Door",
        "We opened the library page together.", "The plan was made", steps[open_step()].title, "Done with help",
    ):  # fmt: skip
        assert said in shown, said
    # Neither a private step, nor the words of a message, nor where it went, nor what was lent.
    for kept in (steps[private_step()].title, "Canary</", "7700", "Maker 14"):
        assert kept not in shown, kept
    assert "Not shared with you" not in shown
    happened = entries(shown)
    assert happened.index("First steps") < happened.index("We opened the library") < happened.index(
        steps[open_step()].title
    ) < happened.index("The plan was made")  # fmt: skip
    assert page_of(number) in worker.text(f"/staff/people/{number}")


def test_one_kind_is_shown_and_a_long_case_has_pages(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    fill(app, number, worker)
    shown = entries(worker.text(page_of(number, "?kind=note")))
    assert "We opened the library page" in shown and "letter.pdf" not in shown
    assert worker.get(page_of(number, "?kind=../../x")).status_code == 200
    with app.app_context(), transaction() as session:
        for place in range(40):
            make.make_note(
                session, resident_id=number, organisation_id=worker.organisation_id, words=f"Line {place:02}.",
                happened_on=today() - timedelta(days=place),
            )  # fmt: skip
    first, second = (worker.text(page_of(number, f"?kind=note&page={page}")) for page in (1, 2))
    assert "Line 00." in first and "Line 39." not in first and "Next page" in first
    assert "Line 39." in second and "Line 00." not in second and "kind=note" in second


def test_a_longer_case_asks_no_more_questions(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    fill(app, number, worker)
    asked: list[str] = []
    event.listen(
        app.extensions["engine"], "before_cursor_execute", lambda _c, _cur, said, *_more: asked.append(said)
    )

    def questions() -> int:
        asked.clear()
        assert worker.get(page_of(number)).status_code == 200
        return len(asked)

    short = questions()
    with app.app_context(), transaction() as session:
        mine = {"organisation_id": worker.organisation_id}
        for _one in range(5):
            make.make_note(session, resident_id=number, author_id=worker.staff_id, **mine)
            make.make_file(session, resident_id=number, **mine)
            make.make_task(session, resident_id=number, **mine)
            training = make_session(session)
            make_booking(session, training, resident_id=number, contact_kind="record", booked_for="me")
    assert questions() == short


def test_each_turn_of_a_referral_stands_on_its_day(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    other = staff_browser("caseworker", organisation="Blue Door")
    sent = send_on(app, number, by=worker, to=other)
    with app.app_context(), transaction() as session:
        referral = session.get_one(machine.Referral, sent)
        make.bring_to(session, referral, "acknowledge", "ask", staff_id=other.staff_id)
        make.bring_to(session, referral, "answer", staff_id=worker.staff_id)
        make.bring_to(session, referral, "accept", staff_id=other.staff_id)
    happened = re.sub(r"<[^>]+>", "", entries(worker.text(page_of(number, "?kind=referral"))))
    turns = ("today: Accepted", "Seen · Blue Door", "They asked something · Blue Door", "The question was answered · Red Door",
             "Accepted · Blue Door")  # fmt: skip
    # The newest first.
    found = [happened.index(turn) for turn in turns]
    assert found == sorted(found, reverse=True)
    assert "receiver" not in happened and "needs_info" not in happened
    assert entries(worker.text(page_of(number))).count(f'href="/staff/referrals/{sent}"') == 5
    with app.app_context(), transaction() as session:
        moved = session.query(history.StatusChange).filter_by(after="acknowledged").first()
        assert moved is not None
        moved.at = now() - timedelta(days=2)
        day = day_words(local(moved.at).date())
    assert f"<h3>{day}</h3>" in worker.text(page_of(number))


def test_small_wins_are_told_by_their_questions_and_never_as_a_score(
    app: Flask, worker: StaffBrowser
) -> None:
    number = looked_after(app, worker)
    assert "Small wins" not in worker.text(page_of(number))
    make_plan(app, number)
    shown = worker.text(page_of(number))
    new, _sign, easier = shown.partition("2 things they could not do on their own before:")[2].partition(
        "Easier than before:"
    )
    assert TURN_ON in new and "Would you know a scam" in new and JOIN in easier.partition("</ul>")[0]
    assert "passwords that work" not in shown and "%" not in shown.partition("What happened")[0]


def test_the_plan_of_a_home_tells_of_nobodys_answers(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    make_plan(app, number, of_home=True)
    shown = worker.text(page_of(number))
    assert "one of a home" in shown and TURN_ON not in shown


def test_what_is_not_shared_is_left_out_and_said(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, items=("identity", "needs"))
    fill(app, number, worker)
    shown = worker.text(page_of(number))
    for kept in ("The plan was made", "Small wins", "First steps", "Lent", "They have seen it"):
        assert kept not in shown, kept
    assert words.NOT_SHARED["plan"] in shown and words.NOT_SHARED["contact"] in shown
    assert words.NOT_SHARED["needs"] not in shown
    assert "We opened the library page together." in shown
    # Without their name there is none, and no note: those are kept under it.
    other = looked_after(app, worker, items=("plan",))
    fill(app, other, worker)
    shown = worker.text(page_of(other))
    assert f"Number {other}" in shown and NAME not in shown and "We opened the library" not in shown
    assert "Write a note" not in shown and "The plan was made" in shown


def test_what_we_booked_ourselves_is_known_to_us(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, items=("identity",))
    with app.app_context(), transaction() as session:
        training = make_session(session)
        make_booking(
            session, training, resident_id=number, contact_kind="record", booked_for="other",
            organisation_id=worker.organisation_id, staff_id=worker.staff_id,
        )  # fmt: skip
        loans.make_request(session, resident_id=number, referrer_id=worker.organisation_id)
    shown = worker.text(page_of(number))
    assert "First steps" in shown and "In the queue" in shown


def test_who_received_a_referral_sees_what_it_opens_and_attached_notes_alone(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    fill(app, number, worker)
    attached = note_of(app, number, worker, words="Canary attached")
    receiver = staff_browser("caseworker", organisation="Blue Door")
    assert receiver.get(page_of(number)).status_code == 404
    sent = send_on(app, number, by=worker, to=receiver, mode="warm", items=("identity", "plan"))
    attach(app, sent, attached)
    shown = receiver.text(page_of(number))
    assert "Canary attached" in shown and "From Red Door, with their referral" in shown
    assert NAME in shown and "The plan was made" in shown and "sent by Red Door" in shown
    for kept in (
        "We opened the library page", "letter.pdf", "Canary open", "Canary done", "First steps", "Lent",
        "They have seen it", "Small wins", "Add to this note",
    ):  # fmt: skip
        assert kept not in shown, kept
    assert words.NOT_BEYOND in shown and words.NOT_SHARED["contact"] in shown
    assert receiver.get(f"/staff/notes/{attached}/add").status_code == 404
    # They write their own, which the sender does not read.
    note_of(app, number, receiver, words="Canary of Blue Door")
    assert "Canary of Blue Door" in receiver.text(page_of(number))
    assert "Canary of Blue Door" not in worker.text(page_of(number))
    # When the referral ends, so does all of it.
    with app.app_context(), transaction() as session:
        referral = session.get_one(machine.Referral, sent)
        machine.act(session, referral=referral, actor=rules.RESIDENT, action="withdraw", now=now())
    assert receiver.get(page_of(number)).status_code == 404


def test_who_may_not_open_a_case(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    note_of(app, number, worker)
    lead, other_lead = (
        staff_browser("safeguarding_lead", organisation=name) for name in ("Red Door", "Blue Door")
    )
    shown = lead.text(page_of(number))
    assert "We opened the library page together." in shown
    assert "Write a note" not in shown and "Add to this note" not in shown and "Change it, until" not in shown
    other = staff_browser("caseworker", organisation="Blue Door")
    for stranger in (other, other_lead):
        assert stranger.get(page_of(number)).status_code == 404
        assert stranger.get(page_of(999_999)).status_code == 404
    for role in ("organisation_admin", "platform_admin", "data_protection", "front_desk", "referrer"):
        assert staff_browser(role).get(page_of(number)).status_code == 403
    # A colleague only where the caseload is shared, and not whom the person is kept from.
    colleague = staff_browser("caseworker", name="Remi Red")
    assert colleague.get(page_of(number)).status_code == 404
    share_caseload(app, worker)
    assert colleague.get(page_of(number)).status_code == 200
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=colleague.staff_id, made_at=now()))
    assert colleague.get(page_of(number)).status_code == 404
    end_consents(app, number, now())
    for one in (worker, lead):
        assert one.get(page_of(number)).status_code == 404


def test_broken_glass_shows_a_case_and_changes_nothing(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    breaker = staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        mine = {"organisation_id": worker.organisation_id}
        task = make.make_task(session, resident_id=number, owner_id=worker.staff_id, **mine).id
        session.add(
            BreakGlass(
                resident_id=number, staff_id=breaker.staff_id, organisation_id=breaker.organisation_id,
                role="caseworker", reason="fire", asked_at=now(), began_at=now(),
                ends_at=now() + timedelta(minutes=60),
            )
        )  # fmt: skip
    shown = breaker.text(page_of(number))
    assert "We opened the library page" in shown and "Write a note" not in shown and "Add to" not in shown
    assert rows_of(app, number)[-1][4] == "safety"
    for path in (f"people/{number}/notes/new", f"people/{number}/tasks/new", f"people/{number}/files/new"):
        assert breaker.get(f"/staff/{path}").status_code == 404
    assert breaker.get(f"/staff/notes/{note_id}/add").status_code == 404
    page = f"/staff/tasks/{task}"
    assert "End the task" not in breaker.text(page) and "End the task" in worker.text(page)
    form_on = "/staff/people/join"
    assert breaker.send(page, form_on=form_on, do="end", how="done").status_code == 404


def test_what_somebody_typed_is_shown_as_words(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    note_of(app, number, worker, words="<script>alert(1)</script>\nsecond line")
    shown = worker.text(page_of(number))
    assert "<script>alert" not in shown and "&lt;script&gt;" in shown
    assert re.search(r'class="typed"><bdi>&lt;script', shown)
