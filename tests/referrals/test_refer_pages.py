"""Choosing a service for somebody and sending them there: nothing ticked beforehand, all errors at once, sent once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.people.models import Consent, ContactRoute, Resident, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, Referral, ReferralNote, ReferralWords
from inclusion_app.referrals.services import machine
from inclusion_app.referrals.services.machine import Said
from tests.conftest import StaffBrowser, without_token
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent, make_person
from tests.factories.referrals import bring_to, make_note, make_referral, make_service
from tests.people.world import looked_after, rows_of

Make = Callable[..., StaffBrowser]
TODAY = [str(today().day), str(today().month), str(today().year)]
COLD: dict[str, Any] = {
    "mode": "cold", "why": "She would like somebody to look at a letter of the council.", "urgency": "usual",
    "items": ["identity", "contact"], "how": "spoken", "language": "ur", "consent": "y",
}  # fmt: skip
WARM = {
    **COLD, "mode": "warm", "introduced_how": "here", "introduced_on": TODAY, "introduced_to": " Kim  at the desk "
}  # fmt: skip


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


@pytest.fixture
def person(app: Flask, worker: StaffBrowser) -> int:
    return looked_after(app, worker, spoken="ur", read="ur")


def service_of(app: Flask, organisation_id: int | None = None, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        organisation_id = organisation_id or make_organisation(session).id
        return make_service(session, organisation_id=organisation_id, **facts).id


def choose_page(person: int, more: str = "") -> str:
    return f"/staff/people/{person}/refer{more}"


def refer_page(person: int, service: int, more: str = "") -> str:
    return f"/staff/people/{person}/refer/{service}{more}"


def sent_of(app: Flask) -> list[Referral]:
    with app.app_context(), transaction() as session:
        found = session.scalars(select(Referral).order_by(Referral.id)).all()
        for one in found:
            session.expunge(one)
        return list(found)


def with_key(worker: StaffBrowser, path: str, **data: Any) -> dict[str, Any]:
    """The form of a page with the key and token that stand in it."""
    page = worker.text(path)
    token, key = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "form_key"))
    assert token and key
    return {**data, "csrf_token": token[1], "form_key": key[1]}


# Choose


def test_the_services_for_somebody_with_why_not(app: Flask, worker: StaffBrowser, person: int) -> None:
    free = service_of(app, name="Free one", helps="money", places=4, taken=1)
    service_of(app, name="Old one", helps="money", ages="65_over")
    service_of(app, name="Shut one", helps="money", places=1, taken=1, keeps_waiting_list=False)
    service_of(app, name="Other help", helps="law")
    service_of(app, worker.organisation_id, name="Our own", helps="money")
    page = worker.text(choose_page(person, "?help=money"))
    for said in (
        "Amina Yusuf", "Never call", "Ask alone.", "3 of 4 places free", "Only for people of another age.",
        "It takes nobody now.", "Usually answers within",
    ):  # fmt: skip
        assert said in page, said
    assert "Other help" not in page and "Our own" not in page
    # The full one may still be told of.
    assert page.count(f"/staff/people/{person}/refer/") == 2 and refer_page(person, free) in page
    assert page.count("Tell them where to go") == 1
    assert "Other help" in worker.text(choose_page(person))
    row = ("read referrals.choose", worker.staff_id, person, "identity safe contact", "help")
    assert rows_of(app)[1:] == [row, row]


def test_whom_the_person_keeps_away_from_is_not_offered(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app, name="Kept away")
    with app.app_context(), transaction() as session:
        owner = session.get_one(CityService, number).organisation_id
        session.add(Restriction(resident_id=person, organisation_id=owner, made_at=now()))
    assert "Kept away" not in worker.text(choose_page(person))


def test_nobody_fits_or_all_are_full_and_there_are_other_ways(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    page = worker.text(choose_page(person))
    assert rules.NO_SERVICE in page and "/staff/services" in page and "/en/places" in page
    assert f"/staff/people/{person}/book" in page and f"/staff/people/{person}/ask-device" in page
    service_of(app, helps="law", places=1, taken=1, keeps_waiting_list=False)
    assert rules.ALL_FULL in worker.text(choose_page(person))
    assert rules.NO_SERVICE in worker.text(choose_page(person, "?help=money"))


@pytest.mark.parametrize(("help_with", "way"), [("course", "book"), ("device", "ask-device")])
def test_courses_and_devices_lead_to_our_own_lists_first(
    app: Flask, worker: StaffBrowser, person: int, help_with: str, way: str
) -> None:
    service_of(app, helps=help_with)
    page = worker.text(choose_page(person, f"?help={help_with}"))
    assert page.index(f"/staff/people/{person}/{way}") < page.index("1 service")
    assert "Look here first" not in worker.text(choose_page(person, "?help=law"))
    with app.app_context(), transaction() as session:
        session.scalars(select(CityService)).one().closed_at = now()
    # Nobody else, but our own: no alarm.
    page = worker.text(choose_page(person, f"?help={help_with}"))
    assert "Nobody can be asked now" not in page and "Other ways" in page and rules.NO_SERVICE in page
    assert "Nobody can be asked now" in worker.text(choose_page(person, "?help=law"))


def test_a_long_list_has_pages(app: Flask, worker: StaffBrowser, person: int) -> None:
    with app.app_context(), transaction() as session:
        owner = make_organisation(session).id
        for number in range(22):
            make_service(session, organisation_id=owner, name=f"Service {number:02}")
    assert "Service 21" not in worker.text(choose_page(person))
    last = worker.text(choose_page(person, "?page=2"))
    assert "Service 21" in last and "page=1" in last


# The form


def test_nothing_is_chosen_beforehand_and_all_is_said_before(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app, places=4, taken=1)
    page = worker.text(refer_page(person, number))
    assert " checked" not in page and " selected" not in page
    for said in (
        "Only if you introduced them", "Never call", "Ask alone.", "3 of 4 places free",
        "You can stop it at any time with one press.", "آپ",  # the same beside it in Urdu
        'lang="ur" dir="rtl"', "Amina Yusuf", "07700 900123", "Large print", "and the safe-contact rule above",
    ):  # fmt: skip
        assert said in page, said
    assert [row for row in rows_of(app) if row[0] == "read referrals.refer_to"] == [
        (
            "read referrals.refer_to",
            worker.staff_id,
            person,
            "identity contact needs plan safe contact",
            "help",
        )
    ]


def test_who_speaks_a_language_we_have_not_is_read_to_through_an_interpreter(
    app: Flask, worker: StaffBrowser
) -> None:
    number = looked_after(app, worker, spoken="so", read="so")
    page = worker.text(refer_page(number, service_of(app)))
    assert "We have these words not in Somali yet." in page and 'class="beside"' not in page


def test_what_is_not_shared_with_us_is_not_shown_to_us(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, items=("identity",))
    page = worker.text(refer_page(number, service_of(app)))
    assert "07700 900123" not in page and "Large print" not in page
    assert "It is not shared with us. They would see what stands in the record." in page
    assert rows_of(app)[-1][3] == "identity safe contact"


UNREAD = "Nobody there can read a referral here yet."


def test_before_sending_it_says_that_nobody_there_reads(
    app: Flask, worker: StaffBrowser, person: int, staff_browser: Callable[..., StaffBrowser]
) -> None:
    number = service_of(app)
    assert UNREAD in worker.text(refer_page(person, number))
    with app.app_context(), transaction() as session:
        row = session.get_one(CityService, number)
        there, row.partner_email = row.organisation_id, "desk@example.org"
        name = row.organisation.name
    assert UNREAD not in worker.text(refer_page(person, number))
    with app.app_context(), transaction() as session:
        session.get_one(CityService, number).partner_email = None
    desk = staff_browser("front_desk", organisation=name)
    assert desk.organisation_id == there and UNREAD in worker.text(refer_page(person, number))
    staff_browser("caseworker", organisation=name)
    assert UNREAD not in worker.text(refer_page(person, number))


def test_after_sending_it_says_whether_the_person_can_be_told(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    for told in (True, False):
        if not told:
            with app.app_context(), transaction() as session:
                session.query(ContactRoute).delete()
                session.get_one(Resident, person).address = "1 Test Street"
        path = refer_page(person, service_of(app))
        answer = worker.send(path, **with_key(worker, path, **COLD))
        assert answer.status_code == 303
        page = worker.text(answer.location)
        assert ("told by the ways they chose" in page) == told and ("tell them yourself" in page) != told


@pytest.mark.parametrize(("data", "mode"), [(COLD, "cold"), (WARM, "warm")])
def test_somebody_is_sent(
    app: Flask, worker: StaffBrowser, person: int, data: dict[str, Any], mode: str
) -> None:
    number = service_of(app)
    answer = worker.send(refer_page(person, number), **with_key(worker, refer_page(person, number), **data))
    sent = sent_of(app)[0]
    assert answer.status_code == 303 and answer.location == f"/staff/referrals/{sent.id}"
    assert (sent.mode, sent.status, sent.language, sent.sender_staff_id) == (
        mode,
        "sent",
        "ur",
        worker.staff_id,
    )
    if mode == "warm":
        assert (sent.introduced_how, sent.introduced_on, sent.introduced_to) == (
            "here", today(), "Kim at the desk"
        )  # fmt: skip
    with app.app_context(), transaction() as session:
        consent = session.get_one(Consent, sent.consent_id)
        assert (consent.how, consent.language, consent.is_for_referral) == ("spoken", "ur", True)
        assert sorted(one.item for one in consent.items) == ["contact", "identity"]
        assert session.scalars(select(ReferralWords.words)).all() == [COLD["why"]]
    acts = [row for row in rows_of(app) if row[0] == "refer a person"]
    assert acts == [("refer a person", worker.staff_id, person, "referral identity contact", "help")]


def test_somebody_is_only_told_where_to_go_and_nothing_is_shared(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app)
    # Whatever else was ticked before the helper thought better of it is not dropped in silence.
    ticked = {"items": ["identity"], "introduced_how": "call", "introduced_to": "Kim"}
    answer = worker.send(refer_page(person, number), form_key="k", mode="signposted", **ticked)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and sent_of(app) == []
    assert all(f'id="{name}-error"' in page for name in ticked) and 'id="urgency-error"' not in page
    answer = worker.send(refer_page(person, number), form_key="k", mode="signposted")
    assert answer.status_code == 303
    sent = sent_of(app)[0]
    assert (sent.mode, sent.consent_id, sent.language) == ("signposted", None, "ur")
    with app.app_context(), transaction() as session:
        at = Consent.organisation_id == sent.organisation_id
        assert session.scalar(select(func.count()).select_from(Consent).where(at)) == 0


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app)
    answer = worker.send(
        refer_page(person, number), form_key="k", mode="warm", why="short", items=["plan"],
        introduced_on=["31", "2", "2026"], introduced_to="Kim",
    )  # fmt: skip
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in ("introduced_how", "introduced_on", "why", "urgency", "items", "how", "language", "consent"):
        assert f'id="{name}-error"' in page, name
    assert 'value="warm" checked' in page and 'value="plan" checked' in page and ">short</textarea>" in page
    assert 'value="31"' in page and 'value="Kim"' in page and 'name="form_key" value="k"' in page
    assert sent_of(app) == []
    empty = worker.send(refer_page(person, number)).get_data(as_text=True)
    for name in ("mode", "why", "urgency", "items", "how", "language", "consent"):
        assert f'id="{name}-error"' in empty, name


@pytest.mark.parametrize(
    ("forged", "field"),
    [
        ({"items": ["identity", "safeguarding"]}, "items"), ({"mode": "carried"}, "mode"), ({"how": "screen"}, "how"),
        ({"language": "xx"}, "language"), ({"urgency": "now"}, "urgency"), ({"notes": ["999"]}, "notes"),
    ],
)  # fmt: skip
def test_what_the_form_does_not_offer_is_refused(
    app: Flask, worker: StaffBrowser, person: int, forged: dict[str, Any], field: str
) -> None:
    number = service_of(app)
    with app.app_context(), transaction() as session:
        make_note(session, resident_id=person, organisation_id=worker.organisation_id)
    answer = worker.send(refer_page(person, number), **{**COLD, "form_key": "k", **forged})
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.get_data(as_text=True)
    assert sent_of(app) == []


# Notes


def test_notes_go_along_one_by_one_and_only_those_i_may_read(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app)
    with app.app_context(), transaction() as session:
        mine = {"resident_id": person, "organisation_id": worker.organisation_id}
        first = make_note(session, words="First of ours.", **mine)
        added = make_note(session, words="Added to it later.", amends_id=first.id, **mine).id
        second = make_note(session, words="Second of ours.", **mine).id
        other = make_organisation(session).id
        theirs = make_note(session, words="Of somebody else.", resident_id=person, organisation_id=other).id
        another = make_note(
            session,
            words="Of another.",
            resident_id=make_person(session).id,
            organisation_id=worker.organisation_id,
        ).id
        ids = first.id
    page = worker.text(refer_page(person, number))
    assert "First of ours. Added to it later." in page and "Second of ours." in page
    assert "Of somebody else." not in page and "Of another." not in page and " checked" not in page
    assert page.count('name="notes"') == 2 and rows_of(app)[-1][3].endswith("notes")
    for forged in (theirs, another):
        answer = worker.send(refer_page(person, number), **{**COLD, "form_key": "k", "notes": [str(forged)]})
        assert answer.status_code == 422
    answer = worker.send(refer_page(person, number), **{**COLD, "form_key": "k", "notes": [str(ids)]})
    assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        assert sorted(session.scalars(select(ReferralNote.note_id))) == sorted([ids, added])
        assert second not in session.scalars(select(ReferralNote.note_id)).all()
    assert ("refer a person", worker.staff_id, person, "referral identity contact notes", "help") in rows_of(
        app
    )


# Once, and not there


def test_pressed_twice_sends_once(app: Flask, worker: StaffBrowser, person: int) -> None:
    number = service_of(app)
    data = with_key(worker, refer_page(person, number), **COLD)
    answers = [worker.client.post(refer_page(person, number), data=data) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location and len(sent_of(app)) == 1
    with app.app_context(), transaction() as session:
        asked = select(func.count()).select_from(Consent).where(Consent.is_for_referral)
        assert session.scalar(asked) == 1
    assert [row[0] for row in rows_of(app)].count("refer a person") == 1


def test_two_helpers_send_one(app: Flask, worker: StaffBrowser, staff_browser: Make, person: int) -> None:
    number = service_of(app)
    other = staff_browser("caseworker", organisation="Blue Door")
    with app.app_context(), transaction() as session:
        make_consent(session, resident_id=person, organisation_id=other.organisation_id)
    looked = with_key(worker, refer_page(person, number), **COLD)
    with app.app_context(), transaction() as session:
        from tests.factories.people import put_on_caseload

        put_on_caseload(
            session, resident_id=person, staff_id=other.staff_id, organisation_id=other.organisation_id
        )
    assert other.send(refer_page(person, number), form_key="k", **COLD).status_code == 303
    answer = worker.client.post(refer_page(person, number), data=looked)
    assert answer.status_code == 422 and "They are referred there already" in answer.get_data(as_text=True)
    assert len(sent_of(app)) == 1
    # Who sent it finds no second form to fill in.
    again = other.text(refer_page(person, number))
    assert (
        "They are referred there already:" in again
        and f"/staff/referrals/{sent_of(app)[0].id}" in again
        and 'name="mode"' not in again
    )
    assert "Referred already" in other.text(choose_page(person))


def test_a_form_of_one_service_sends_to_no_other(app: Flask, worker: StaffBrowser, person: int) -> None:
    first, second = service_of(app), service_of(app)
    data = with_key(worker, refer_page(person, first), **COLD)
    assert worker.client.post(refer_page(person, first), data=data).status_code == 303
    assert worker.client.post(refer_page(person, second), data=data).status_code == 422
    assert [one.service_id for one in sent_of(app)] == [first]


def test_own_organisation_is_refused(app: Flask, worker: StaffBrowser, person: int) -> None:
    number = service_of(app, worker.organisation_id)
    page = worker.text(refer_page(person, number))
    assert "This is your own organisation" in page and 'name="mode"' not in page
    answer = worker.send(
        refer_page(person, number), form_on=choose_with_form(app, person), form_key="k", **COLD
    )
    assert answer.status_code == 422 and "This is your own organisation" in answer.get_data(as_text=True)
    assert sent_of(app) == []


def choose_with_form(app: Flask, person: int) -> str:
    """A page whose form has a token."""
    return refer_page(person, service_of(app))


def test_kept_away_closed_and_full_answer_as_they_should(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    kept, closed = (service_of(app, name="Same name") for _one in range(2))
    with app.app_context(), transaction() as session:
        owner = session.get_one(CityService, kept).organisation
        owner.name = "Their name"
        session.add(Restriction(resident_id=person, organisation_id=owner.id, made_at=now()))
    form_on = choose_with_form(app, person)

    def answers(number: int) -> list[bytes]:
        found = [
            worker.get(refer_page(person, number)),
            worker.send(refer_page(person, number), form_on=form_on, form_key="k", **COLD),
        ]
        assert [one.status_code for one in found] == [200, 422]
        here = f"/refer/{number}".encode()
        return [re.sub(rb'data-ends="[^"]+', b"", without_token(one)).replace(here, b"") for one in found]

    theirs = answers(kept)
    with app.app_context(), transaction() as session:
        owner = session.get_one(CityService, kept).organisation
        owner.name, other = "Another name", session.get_one(CityService, closed)
        session.flush()
        other.organisation.name, other.closed_at = "Their name", now()
    # Nothing tells who is kept away from who has closed.
    assert theirs == answers(closed)
    assert b"This service takes nobody any more." in theirs[0]
    full = service_of(app, places=1, taken=1, keeps_waiting_list=False)
    assert "full and keeps no waiting list" in worker.text(refer_page(person, full))
    assert worker.send(refer_page(person, full), form_key="k", **COLD).status_code == 422
    assert sent_of(app) == []
    assert worker.send(refer_page(person, full), form_key="k", mode="signposted").status_code == 303
    # Told of it, somebody is still asked: it blocks nothing.
    assert "Referred already" not in worker.text(choose_page(person))
    with app.app_context(), transaction() as session:
        session.get_one(CityService, full).places = 2
    assert worker.send(refer_page(person, full), form_key="other", **COLD).status_code == 303


def test_a_service_that_closed_meanwhile_keeps_what_was_typed(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    number = service_of(app)
    data = with_key(worker, refer_page(person, number), **COLD)
    with app.app_context(), transaction() as session:
        session.get_one(CityService, number).closed_at = now()
    answer = worker.client.post(refer_page(person, number), data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "takes nobody any more" in page and COLD["why"] in page


# Whose


def test_other_people_and_unknown_ids_answer_alike(app: Flask, worker: StaffBrowser, person: int) -> None:
    number = service_of(app)
    strangers = looked_after(app, None)
    nobody = worker.get(refer_page(999_999, number))
    assert nobody.status_code == 404
    for path in (
        refer_page(strangers, number), refer_page(person, 999_999), choose_page(strangers), choose_page(999_999)
    ):  # fmt: skip
        answer = worker.get(path)
        assert answer.status_code == 404
        assert without_token(answer) == without_token(nobody) or b"data-ends" in answer.data
    posted = worker.send(
        refer_page(strangers, number), form_on=refer_page(person, number), form_key="k", **COLD
    )
    assert posted.status_code == 404 and sent_of(app) == []


@pytest.mark.parametrize(
    "role", ["safeguarding_lead", "organisation_admin", "loan_coordinator", "platform_admin"]
)
def test_other_roles_send_nobody(app: Flask, staff_browser: Make, role: str) -> None:
    someone = staff_browser(role)
    number = looked_after(app, someone)
    assert someone.get(choose_page(number)).status_code == 403
    assert someone.get(refer_page(number, service_of(app))).status_code == 403


def test_a_referrer_sends_on_whom_they_sent_themselves_until_it_is_taken_back(
    app: Flask, staff_browser: Make
) -> None:
    referrer, colleague = (staff_browser("referrer") for _one in range(2))
    number, service, first = looked_after(app, None), service_of(app), service_of(app)
    assert referrer.get(choose_page(number)).status_code == 404
    with app.app_context(), transaction() as session:
        sent = make_referral(
            session, resident_id=number, service=session.get_one(CityService, first),
            sender_id=referrer.organisation_id, staff_id=referrer.staff_id,
        ).id  # fmt: skip
    assert colleague.get(choose_page(number)).status_code == 404
    page = referrer.text(choose_page(number))
    assert "Amina Yusuf" in page and f"/staff/people/{number}/book" not in page
    # What they were told is shared by the person; the record itself is not theirs to read.
    assert "07700 900123" not in referrer.text(refer_page(number, service))
    assert referrer.send(refer_page(number, service), form_key="k", **COLD).status_code == 303
    with app.app_context(), transaction() as session:
        for one in session.scalars(select(Referral).where(Referral.resident_id == number)):
            machine.act(session, referral=one, actor=rules.RESIDENT, action="withdraw", now=now())
    assert sent and referrer.get(choose_page(number)).status_code == 404


# Another way


def rerouted(app: Flask, worker: StaffBrowser, person: int, better: int) -> int:
    """A referral of this worker that its receiver passed on to a better service."""
    number = service_of(app, name="First one")
    with app.app_context(), transaction() as session:
        sent = make_referral(
            session, resident_id=person, service=session.get_one(CityService, number), why="The first reason typed.",
            sender_id=worker.organisation_id, staff_id=worker.staff_id,
        )  # fmt: skip
        machine.act(
            session,
            referral=sent,
            actor=rules.RECEIVER,
            action="reroute",
            said=Said(better_id=better),
            now=now(),
        )
        return sent.id


def test_the_better_one_comes_first_and_only_the_reason_is_carried_over(
    app: Flask, worker: StaffBrowser, person: int
) -> None:
    service_of(app, name="A first by name")
    better = service_of(app, name="Z better")
    parent = rerouted(app, worker, person, better)
    page = worker.text(choose_page(person, f"?parent={parent}"))
    assert page.index("Z better") < page.index("A first by name") and "Named as the better one" in page
    assert refer_page(person, better, f"?parent={parent}") in page
    path = refer_page(person, better, f"?parent={parent}")
    form = worker.text(path)
    assert "The first reason typed." in form and " checked" not in form
    # Without a new yes nothing is sent.
    assert worker.send(path, **{**COLD, "consent": "", "form_key": "k"}).status_code == 422
    assert worker.send(path, form_key="k", **COLD).status_code == 303
    child = sent_of(app)[-1]
    assert (child.parent_id, child.service_id) == (parent, better)


def test_no_other_number_is_a_parent(
    app: Flask, worker: StaffBrowser, staff_browser: Make, person: int
) -> None:
    better = service_of(app)
    parent = rerouted(app, worker, person, better)
    someone, first, second = looked_after(app, worker), service_of(app), service_of(app)
    with app.app_context(), transaction() as session:
        other = make_referral(
            session, resident_id=person, sender_id=make_organisation(session).id,
            service=session.get_one(CityService, first),
        )  # fmt: skip
        bring_to(session, other, "decline")
        live = make_referral(
            session, resident_id=person, sender_id=worker.organisation_id, staff_id=worker.staff_id,
            service=session.get_one(CityService, second),
        ).id  # fmt: skip
        foreign = other.id
    for number, who in (
        (foreign, person),
        (live, person),
        (999_999, person),
        ("x", person),
        (parent, someone),
    ):
        assert worker.get(choose_page(who, f"?parent={number}")).status_code == 404
        path = refer_page(who, better, f"?parent={number}")
        assert worker.get(path).status_code == 404
        assert worker.send(path, form_on=refer_page(who, better), form_key="k", **COLD).status_code == 404
