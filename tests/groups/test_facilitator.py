"""Whoever of the staff leads a group: what they see, print and book; that nobody of the group shows; and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from inclusion_app.accounts.models import Membership
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core import paper
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.groups import policy, services, staff_help_views
from inclusion_app.groups.models import Group, GroupFacilitator
from inclusion_app.people.staff_words import TOO_MANY_TRIES
from inclusion_app.training.models import Booking
from tests.conftest import Browser, StaffBrowser, without_token
from tests.factories.training import make_booking, make_session
from tests.groups.test_views import OURS, make_group, member, words

HELPED = "/staff/groups/1"
Make = Callable[..., Any]


@pytest.fixture
def code(browser: Browser) -> str:
    """The code of a group that somebody made."""
    return make_group(browser)


def leader(staff_browser: Make, code: str, **facts: Any) -> StaffBrowser:
    """A facilitator to whom the group gave its code."""
    person: StaffBrowser = staff_browser("group_facilitator", **facts)
    answer = person.send("/staff/groups", code=code)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return person


def acts(app: Flask) -> list[tuple[str, str, int | None]]:
    with app.app_context(), transaction() as session:
        return [
            (row.action, row.actor_kind, row.resident_id)
            for row in session.scalars(select(AuditRow).order_by(AuditRow.id))
        ]


# --- how it begins and ends


def test_the_group_gives_its_code_sees_who_helps_and_ends_it_with_one_press(
    app: Flask, browser: Browser, code: str, staff_browser: Make
) -> None:
    assert "Does a worker lead our group?" in browser.text(OURS)
    person = leader(staff_browser, code, name="Gethin Osei")
    assert "Monday tea" in person.text("/staff/groups")
    assert "Monday tea" in person.text(HELPED)
    page = browser.text(OURS)
    assert "A helper of Red Door can see this page." in page
    assert "Gethin" not in page
    assert person.send("/staff/groups", code=code).status_code == 303  # twice is once
    assert browser.text(OURS).count("End this help") == 1
    helper = re.search(r'name="helper" value="(\d+)"', page)
    assert helper
    for _press in range(2):
        assert browser.send(f"{OURS}/helpers", form_on=OURS, helper=helper[1]).status_code == 303
    assert "The help has ended." in browser.text(OURS)
    assert "Red Door" not in browser.text(OURS)
    for path in ("", "/print", "/handout.pdf", "/poster.pdf", "/list.pdf", "/book"):
        assert person.get(HELPED + path).status_code == 404
    assert "Monday tea" not in person.text("/staff/groups")
    assert [row for row in acts(app) if "group" in row[0] and "read" not in row[0]] == [
        ("lead group", "group_facilitator", None), ("end help of group", "group", None),
    ]  # fmt: skip
    # With the old code they do not come back, and neither does a colleague; with a new one they may be asked again.
    for one in (person, staff_browser("group_facilitator", name="A colleague")):
        back = one.send("/staff/groups", code=code)
        assert back.status_code == 422 and staff_help_views.HELP_ENDED in back.get_data(as_text=True)
        assert one.get(HELPED).status_code == 404
    with app.app_context(), transaction() as session:
        fresh = services.renew_code(session, group_id=1, visit_id=None, now=now())
    assert person.send("/staff/groups", code=fresh).status_code == 303
    assert person.get(HELPED).status_code == 200


def test_who_stopped_by_themselves_and_another_organisation_may_come_with_the_same_code(
    browser: Browser, code: str, staff_browser: Make
) -> None:
    person = leader(staff_browser, code)
    assert person.send(f"{HELPED}/stop", form_on=HELPED).status_code == 303
    assert person.send("/staff/groups", code=code).status_code == 303
    helper = re.findall(r'name="helper" value="(\d+)"', browser.text(OURS))
    browser.send(f"{OURS}/helpers", form_on=OURS, helper=helper[-1])
    other = staff_browser("group_facilitator", organisation="Blue Door")
    assert other.send("/staff/groups", code=code).status_code == 303


def test_a_member_sees_and_ends_it_too_and_a_stranger_does_not(
    app: Flask, code: str, another_browser: Make, staff_browser: Make
) -> None:
    person = leader(staff_browser, code)
    somebody, stranger = member(another_browser, code), another_browser()
    page = somebody.text(OURS)
    assert "A helper of Red Door" in page
    helper = re.search(r'name="helper" value="(\d+)"', page)
    assert helper
    stranger.text("/groups/new")
    refused = stranger.send(f"{OURS}/helpers", form_on="/groups/new", helper=helper[1])
    assert refused.status_code == 404
    assert person.get(HELPED).status_code == 200
    assert somebody.send(f"{OURS}/helpers", form_on=OURS, helper="999").status_code == 303
    assert somebody.send(f"{OURS}/helpers", form_on=OURS, helper="x").status_code == 303
    assert person.get(HELPED).status_code == 200
    assert somebody.send(f"{OURS}/helpers", form_on=OURS, helper=helper[1]).status_code == 303
    assert person.get(HELPED).status_code == 404
    ended = [row for row in acts(app) if row[0] == "end help of group"]
    assert len(ended) == 1
    assert ended[0][1] == "resident"
    assert ended[0][2] is not None


def test_a_helper_of_another_group_is_not_ended_from_this_one(
    app: Flask, browser: Browser, code: str, another_browser: Make, staff_browser: Make
) -> None:
    other = another_browser()
    theirs = make_group(other, "Other")
    person = leader(staff_browser, code)
    person.send("/staff/groups", code=theirs)
    assert browser.send(f"{OURS}/helpers", form_on=OURS, helper="2").status_code == 303
    assert person.get("/staff/groups/2").status_code == 200
    assert person.get(HELPED).status_code == 200


def test_the_facilitator_stops_by_themself_and_who_lost_the_role_is_not_shown(
    app: Flask, browser: Browser, code: str, staff_browser: Make
) -> None:
    person, gone = leader(staff_browser, code), leader(staff_browser, code, organisation="Blue Door")
    assert browser.text(OURS).count("End this help") == 2
    assert person.send(f"{HELPED}/stop", form_on=HELPED).status_code == 303
    assert person.get(HELPED).status_code == 404
    assert "Blue Door" in browser.text(OURS)
    with app.app_context(), transaction() as session:
        session.scalars(select(Membership).where(Membership.staff_id == gone.staff_id)).one().until_at = now()
    assert "Blue Door" not in browser.text(OURS)
    assert gone.get(HELPED).status_code in {303, 403}


def test_no_code_a_wrong_code_and_the_code_of_a_person_are_refused_alike_and_count(
    app: Flask, code: str, another_browser: Make, staff_browser: Make
) -> None:
    person = staff_browser("group_facilitator")
    empty = person.send("/staff/groups", code=" ")
    assert empty.status_code == 422
    assert staff_help_views.NO_CODE in empty.get_data(as_text=True)
    own = another_browser()
    own.make_plan(("g02",))
    plan = own.save_plan(nickname="Zarqa")
    for typed in (plan, "PHX4K7MN"):
        refused = person.send("/staff/groups", code=typed)
        assert refused.status_code == 422
        assert 'id="code-error"' in refused.get_data(as_text=True)
    with time_machine.travel(now(), tick=False):
        seen = [person.send("/staff/groups", code=plan).get_data(as_text=True) for _try in range(12)]
        assert TOO_MANY_TRIES in seen[-1]
        assert TOO_MANY_TRIES in person.send("/staff/groups", code=code).get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert not session.scalars(select(GroupFacilitator)).all()


def test_it_goes_with_the_group(app: Flask, code: str, staff_browser: Make) -> None:
    leader(staff_browser, code)
    with app.app_context(), transaction() as session:
        services.close(session, group_id=1)
    with app.app_context(), transaction() as session:
        assert not session.scalars(select(GroupFacilitator)).all()


def test_after_a_restore_the_code_is_asked_anew(app: Flask, code: str, staff_browser: Make) -> None:
    person = leader(staff_browser, code)
    with app.app_context(), transaction() as session:
        services.end_all_help(session, now=now())
    assert person.get(HELPED).status_code == 404
    assert person.send("/staff/groups", code=code).status_code == 303


# --- who reaches what


@pytest.mark.parametrize("role", ROLES)
def test_list_and_check_agree_on_every_role(
    app: Flask, code: str, another_browser: Make, staff_browser: Make, role: str
) -> None:
    for name in ("Second", "Third", "Fourth"):
        make_group(another_browser(), name)
    person, colleague = staff_browser(role), staff_browser("group_facilitator")
    foreign = staff_browser("group_facilitator", organisation="Blue Door")

    def led(group_id: int, who: StaffBrowser, **facts: Any) -> GroupFacilitator:
        usual = {"staff_id": who.staff_id, "organisation_id": who.organisation_id, "since_at": now()}
        return GroupFacilitator(group_id=group_id, **{**usual, **facts})

    with app.app_context(), transaction() as session:
        session.add_all([
            led(1, person), led(2, person, ended_at=now()), led(2, colleague),
            led(3, person, organisation_id=foreign.organisation_id), led(4, foreign),
        ])  # fmt: skip
    me = Principal(
        "staff", staff_id=person.staff_id, organisation_id=person.organisation_id, roles=frozenset({role})
    )
    with app.app_context(), transaction() as session:
        listed = set(session.scalars(select(Group.id).where(policy.GROUPS.rows("group.help", me))))
        checked = {
            number for number in (1, 2, 3, 4) if policy.GROUPS.allows(session, "group.help", me, number)
        }
    assert listed == checked == ({1} if role == "group_facilitator" else set())
    if role != "group_facilitator":
        assert person.get("/staff/groups").status_code == person.get(HELPED).status_code == 403


def test_a_group_of_somebody_else_and_an_unknown_one_answer_alike(
    app: Flask, browser: Browser, code: str, another_browser: Make, staff_browser: Make
) -> None:
    leader(staff_browser, code)
    other = staff_browser("group_facilitator")
    before = len(acts(app))
    for path in ("", "/print", "/handout.pdf", "/poster.pdf", "/list.pdf", "/book", "/booked/1"):
        mine, unknown = other.get(HELPED + path), other.get("/staff/groups/999" + path)
        assert mine.status_code == unknown.status_code == 404
        assert without_token(mine) == without_token(unknown)
    assert other.send(f"{HELPED}/stop", form_on="/staff/groups").status_code == 404
    assert browser.client.get(HELPED).status_code == 303
    # Only the list of one's own groups, asked for its form, was recorded.
    assert [row for row in acts(app)[before:] if row[0] != "read groups.helped_groups"] == []


# --- what they see


def test_they_see_what_the_group_has_in_common_and_nobody_of_it(
    app: Flask, browser: Browser, code: str, another_browser: Make, staff_browser: Make
) -> None:
    person = leader(staff_browser, code)
    assert "from three people on" in person.text(HELPED)
    for _number in range(4):
        member(another_browser, code)
    browser.send(f"{OURS}/notes", what="Talk about scams", when="Mondays", where="Gorton library")
    said = words(person.text(HELPED))
    title = re.search(r'<h3><a href="[^"]+">([^<]+)</a>', browser.text(OURS))
    assert title
    assert title[1].strip() in said
    assert "Talk about scams" in said
    assert "Zarqa" not in person.text(HELPED)
    assert not re.search(r"\b(4|four) (people|members|plans)\b", said)
    rows = [row for row in acts(app) if row[0] == "read groups.helped"]
    assert len(rows) == 3
    assert {row[1:] for row in rows} == {("group_facilitator", None)}


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_the_papers_are_made_in_each_language(
    app: Flask, code: str, staff_browser: Make, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    person = leader(staff_browser, code)
    drawn: list[str] = []

    def draw(html: str, **_more: Any) -> bytes:
        drawn.append(html)
        return b"%PDF-"

    monkeypatch.setattr(paper, "render_pdf", draw)
    for name in ("handout", "poster", "list"):
        answer = person.get(f"{HELPED}/{name}.pdf?tongue={language}")
        assert answer.status_code == 200
        assert answer.mimetype == "application/pdf"
        assert f'lang="{language}"' in drawn[-1]
    page = person.text(f"{HELPED}/print?tongue={language}")
    assert f'<html lang="{language}"' in page
    assert "Monday tea" in page
    assert HELPED in page
    assert [row[0] for row in acts(app)][-4:] == [
        "read groups.help_handout", "read groups.help_poster", "read groups.help_list", "read groups.help_print",
    ]  # fmt: skip


def test_when_no_pdf_can_be_made_the_page_leads_to_the_print_page(
    app: Flask, code: str, staff_browser: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = leader(staff_browser, code)

    def fail(_html: str, **_more: Any) -> bytes:
        raise paper.PaperBusy

    monkeypatch.setattr(paper, "render_pdf", fail)
    answer = person.get(f"{HELPED}/handout.pdf?tongue=ur")
    assert answer.status_code == 503
    assert f"{HELPED}/print?tongue=ur" in answer.get_data(as_text=True)
    assert person.get(f"{HELPED}/print?tongue=xx").status_code == 200


# --- training


def to_book(app: Flask, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        usual = {"capacity": 8, "party_size": 6, "days": [today() + timedelta(days=10)]}
        return make_session(session, **{**usual, **facts}).id


def booked(person: StaffBrowser, session_id: int, **data: Any) -> Any:
    page = f"{HELPED}/book?session={session_id}"
    key = re.search(r'name="form_key" value="([^"]+)"', person.text(page))
    assert key
    usual = {
        "form_key": key[1], "places": "5", "companions": "0", "label": "Monday tea", "age_band": "", "language": "en",
        "contact_kind": "none", "contact_of": "learner", "waiting_mode": "book_me", "consent": "y",
    }  # fmt: skip
    return person.send(page, **{**usual, **data})


def test_a_session_is_booked_for_the_whole_group(app: Flask, code: str, staff_browser: Make) -> None:
    person = leader(staff_browser, code)
    number = to_book(app)
    assert f"/staff/groups/1/book?session={number}" in person.text(f"{HELPED}/book")
    assert "No session fits." in person.text(f"{HELPED}/book?text=zzz")
    answer = booked(person, number)
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    made = person.text(answer.location)
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Booking)).one()
        facts = (
            row.group_id,
            row.places,
            row.status,
            row.booked_for,
            row.staff_id,
            row.resident_id,
            row.label,
        )
        booking_code = row.code
    assert facts == (1, 5, "booked", "group", person.staff_id, None, "Monday tea")
    assert booking_code[:4] in made
    listed = person.text(HELPED)
    assert answer.location in listed
    assert "Booked for the group" in listed
    assert ("book for a group", "group_facilitator", None) in acts(app)
    with time_machine.travel(now() + timedelta(minutes=16)):
        later = leader(staff_browser, code)
        assert later.get(answer.location).status_code == 404
    assert later.get(answer.location).status_code == 404


def test_pressed_twice_books_once_and_a_group_too_big_waits_whole(
    app: Flask, code: str, staff_browser: Make
) -> None:
    person = leader(staff_browser, code)
    number = to_book(app)
    page = f"{HELPED}/book?session={number}"
    key = re.search(r'name="form_key" value="([^"]+)"', person.text(page))
    assert key
    first, second = (booked(person, number, form_key=key[1]) for _press in range(2))
    assert first.location == second.location
    waits = booked(person, number, places="6")
    assert waits.status_code == 303
    assert staff_help_views.BOOKED["waitlisted"] in person.text(waits.location)
    with app.app_context(), transaction() as session:
        assert [(row.places, row.status) for row in session.scalars(select(Booking).order_by(Booking.id))] == [
            (5, "booked"), (6, "waitlisted"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"), [({"places": "7"}, "places"), ({"places": "1"}, "places"), ({"places": ""}, "places"),
                         ({"consent": ""}, "consent")],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    app: Flask, code: str, staff_browser: Make, wrong: dict[str, str], field: str
) -> None:
    person = leader(staff_browser, code)
    answer = booked(person, to_book(app), **wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in page
    assert field != "places" or "Type a whole number from 2 to 6." in page
    assert 'value="Monday tea"' in page
    with app.app_context(), transaction() as session:
        assert not session.scalars(select(Booking)).all()


def test_the_list_shows_no_name_of_a_booking_and_no_booking_of_another_group(
    app: Flask, code: str, another_browser: Make, staff_browser: Make
) -> None:
    person = leader(staff_browser, code)
    make_group(another_browser(), "Other")
    with app.app_context(), transaction() as session:
        training = make_session(session, days=[today() + timedelta(days=10)])
        make_booking(
            session, training, group_id=1, label="Canarylabel", contact_kind="call", contact="+447700900123"
        )
        theirs = make_booking(session, training, group_id=2, label="Canaryother").id
    page = person.text(HELPED)
    assert "Booked for the group" in page
    assert "Canary" not in page
    assert "900123" not in page
    assert page.count('<th scope="row"><bdi>First steps') == 1
    assert person.get(f"{HELPED}/booked/1").status_code == 404
    assert person.get(f"{HELPED}/booked/{theirs}").status_code == 404
