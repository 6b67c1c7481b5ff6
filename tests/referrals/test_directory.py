"""The directory of services: everybody of the staff reads it, whose it is writes it, and places never go below those taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.referrals import staff_directory_queries as queries
from inclusion_app.referrals.models import CityService, Referral
from inclusion_app.referrals.staff_directory_queries import Filters
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.factories.referrals import bring_to, make_referral, make_service
from tests.people.world import rows_of

Make = Callable[..., StaffBrowser]
NEW: dict[str, Any] = {
    "name": " Digital  drop-in ", "helps": ["digital", "work"], "summary": "We sit beside people at a computer.",
    "places": "10", "keeps_waiting_list": "y", "reply_days": "3", "phone": "0161 496 0123",
    "website": "https://example.org/drop-in", "duty": "0", "ages": ["18_24"], "languages": ["ur", "en"],
    "wards": ["E05011368"], "is_public": "y",
}  # fmt: skip


def filled(someone: StaffBrowser, **more: Any) -> dict[str, Any]:
    """A whole form in which this person looks at what comes in."""
    return {**NEW, "duty": str(someone.staff_id), **more}


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def service_of(app: Flask, organisation_id: int | None = None, **facts: Any) -> int:
    """A service of this organisation, or of a new one."""
    with app.app_context(), transaction() as session:
        organisation_id = organisation_id or make_organisation(session).id
        return make_service(session, organisation_id=organisation_id, **facts).id


def column(app: Flask, number: int, name: str) -> Any:
    with app.app_context(), transaction() as session:
        return getattr(session.get_one(CityService, number), name)


# The list


def test_the_list_says_how_many_places_are_free_and_how_soon_they_answer(
    app: Flask, worker: StaffBrowser
) -> None:
    service_of(
        app, name="Free one", places=10, taken=7, reply_days=4, languages="ur pa", phone="0161 496 0009"
    )
    service_of(app, name="Full one", places=2, taken=2)
    service_of(app, name="Shut one", places=2, taken=2, keeps_waiting_list=False)
    service_of(app, name="Open one", ages="18_24 25_49", wards="E05011368")
    page = worker.text("/staff/services")
    for said in (
        "3 of 10 places free", "Full, keeps a waiting list", "Full, no waiting list", "No limit of places",
        "Usually answers within 4 working days", "Urdu, Punjabi", "0161 496 0009", "18 to 24; 25 to 49", "Any age",
        "The whole city", "4 services",
    ):  # fmt: skip
        assert said in page, said
    assert "Last year half" not in page and "Add a service" in page


def test_the_address_narrows_the_list(app: Flask, worker: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        north = make_organisation(session, name="North 100% Trust").id
    service_of(app, north, name="Money talk", helps="money law")
    service_of(app, north, name="Flat search", helps="housing", places=1, taken=1)
    service_of(app, name="Law shop", helps="law")

    def listed(query: str) -> set[str]:
        page = worker.text(f"/staff/services?{query}")
        return {name for name in ("Money talk", "Flat search", "Law shop") if name in page}

    assert listed("") == {"Money talk", "Flat search", "Law shop"}
    assert listed("help=law") == {"Money talk", "Law shop"}
    assert listed("help=aw") == listed("help=nonsense") == listed("")
    assert listed("text=north") == {"Money talk", "Flat search"} == listed("text=100%25")
    assert listed("text=%25%25") == set()
    assert listed("takes=now") == {"Money talk", "Law shop"}
    assert listed("help=housing&takes=now") == set()
    assert 'value="north"' in worker.text("/staff/services?text=north")


def test_a_long_list_has_pages_and_keeps_what_narrows_it(app: Flask, worker: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        owner = make_organisation(session).id
        for number in range(23):
            make_service(session, organisation_id=owner, name=f"Service {number:02}", helps="money")
    first, last = (worker.text(f"/staff/services?help=money&page={page}") for page in (1, 2))
    assert "Service 19" in first and "Service 20" not in first and "page 1 of 2" in first
    assert "Service 20" in last and "help=money" in last


def test_what_is_closed_is_shown_to_its_own_only(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    service_of(app, worker.organisation_id, name="Ours, closed", closed_at=now())
    service_of(app, name="Theirs, closed", closed_at=now())
    assert "closed</bdi>" not in worker.text("/staff/services")
    page = worker.text("/staff/services?closed=yes")
    assert "Ours, closed" in page and "Theirs, closed" not in page
    assert "Ours, closed" not in staff_browser("referrer").text("/staff/services?closed=yes")


@pytest.mark.parametrize("role", ["caseworker", "safeguarding_lead", "organisation_admin", "referrer"])
def test_who_may_look(app: Flask, staff_browser: Make, role: str) -> None:
    number = service_of(app, name="Seen", partner_email="secret@example.org")
    someone = staff_browser(role)
    assert "Seen" in someone.text("/staff/services")
    page = someone.text(f"/staff/services/{number}")
    assert "Seen" in page and "secret@example.org" not in page and "Change it" not in page


def test_who_may_not_look(app: Flask, staff_browser: Make) -> None:
    number = service_of(app)
    for role in ("loan_coordinator", "training_organiser", "front_desk", "insights_viewer"):
        someone = staff_browser(role)
        assert someone.get("/staff/services").status_code == 403
        assert someone.get(f"/staff/services/{number}").status_code == 403
    assert app.test_client().get("/staff/services").status_code == 303


def test_the_directory_writes_no_row_of_a_read(app: Flask, worker: StaffBrowser) -> None:
    number = service_of(app)
    worker.text("/staff/services")
    worker.text(f"/staff/services/{number}")
    assert rows_of(app) == []


# How soon they answer


def test_the_time_measured_is_shown_from_five_answers_on(app: Flask, worker: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        service = make_service(session, organisation_id=make_organisation(session).id)
        for _number in range(4):
            sent = make_referral(
                session,
                resident_id=make_person(session).id,
                service=service,
                sender_id=worker.organisation_id,
            )
            bring_to(session, sent, "accept")
        # What nobody answered, what was only pointed at, what was taken back and what is old do not make it five.
        for mode, actions in (("signposted", ()), ("cold", ("recall",))):
            sent = make_referral(
                session, resident_id=make_person(session).id, service=service, mode=mode,
                sender_id=worker.organisation_id,
            )  # fmt: skip
            bring_to(session, sent, *actions)
        old = make_referral(
            session, resident_id=make_person(session).id, service=service, sender_id=worker.organisation_id
        )
        old.sent_at = now() - timedelta(days=400)
        number = service.id
    with app.app_context(), transaction() as session:
        assert queries.reply_days(session, [number], now=now()) == {}
        old = session.scalars(select(Referral).where(Referral.sent_at < now() - timedelta(days=1))).one()
        old.sent_at = old.decided_at = now() - timedelta(days=300)
    with app.app_context(), transaction() as session:
        assert queries.reply_days(session, [number], now=now()) == {number: 1}
    assert "Last year half got an answer within 1 working day." in worker.text("/staff/services")


def test_what_nobody_answered_counts_with_its_time_so_far(both_engines: Flask) -> None:
    with transaction() as session:
        sender = make_organisation(session).id
        service = make_service(session, organisation_id=make_organisation(session).id)
        for _number in range(5):
            make_referral(session, resident_id=make_person(session).id, service=service, sender_id=sender)
        session.flush()
        # Two weeks on there were nine or ten working days, whatever day it is; bank holidays make it fewer.
        found = queries.reply_days(session, [service.id], now=now() + timedelta(days=14))
        assert 5 <= found[service.id] <= 11


def test_both_engines_narrow_the_list_alike(both_engines: Flask) -> None:
    with transaction() as session:
        ours, without = (
            make_organisation(session, name="Red Door"),
            make_organisation(session, name="Food 50%"),
        )
        worker = make_staff(session, organisation_id=ours.id, roles=("caseworker",)).id
        make_service(session, organisation_id=ours.id, name="A", helps="law money", places=1, taken=1)
        make_service(session, organisation_id=without.id, name="B", helps="law")
        closed = make_service(session, organisation_id=ours.id, name="C", closed_at=now())
        there = Principal("staff", staff_id=worker, organisation_id=ours.id, roles=frozenset({"caseworker"}))
        admin = replace(there, roles=frozenset({"platform_admin"}))
        for filters, names in (
            (Filters(), "AB"), (Filters(help_with="money"), "A"), (Filters(text="FOOD"), "B"), (Filters(text="0%"), "B"),
            (Filters(text="_"), ""), (Filters(takes_now=True), "B"), (Filters(closed=True), "C"),
        ):  # fmt: skip
            found = queries.page_of(session, there, filters, page=1)
            assert "".join(one.name for one in found) == names, filters
            assert queries.count(session, there, filters) == len(names)
        assert queries.organisations_without_accounts(session) == [(without.id, "Food 50%")]
        assert queries.has_accounts(session, ours.id) and not queries.has_accounts(session, without.id)
        assert queries.service_for(session, there, closed.id, "service.write") is closed
        assert queries.service_for(session, admin, closed.id, "service.write") is None


def test_one_question_for_the_times_of_a_whole_page(app: Flask, worker: StaffBrowser) -> None:
    for number in range(6):
        service_of(app, name=f"Service {number}")
    asked: list[str] = []
    engine = app.extensions["engine"]
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_rest: asked.append(statement))
    worker.text("/staff/services")
    assert sum("FROM referrals" in statement for statement in asked) == 1


# Adding one


def test_a_service_is_added_with_all_that_is_said_of_it(app: Flask, worker: StaffBrowser) -> None:
    answer = worker.send("/staff/services/new", **filled(worker))
    assert answer.status_code == 303
    number = int(answer.location.rsplit("/", 1)[1])
    with app.app_context(), transaction() as session:
        made = session.get_one(CityService, number)
        assert (made.name, made.helps, made.places, made.taken, made.reply_days) == (
            "Digital drop-in", "digital work", 10, 0, 3
        )  # fmt: skip
        assert (made.organisation_id, made.duty_staff_id, made.partner_email) == (
            worker.organisation_id, worker.staff_id, None
        )  # fmt: skip
        assert (made.ages, made.languages, made.wards) == ("18_24", "en ur", "E05011368")
        assert made.is_public and made.keeps_waiting_list and made.phone == "0161 496 0123"
    assert ("write service", worker.staff_id, None, "service", "help") in rows_of(app)
    page = worker.text(answer.location)
    assert "10 of 10 places free" in page and "Change it" in page and "Sam Patel" in page


def test_an_empty_number_is_no_limit_and_a_nought_is_none_free(app: Flask, worker: StaffBrowser) -> None:
    for typed, kept in (("", None), ("0", 0)):
        answer = worker.send(
            "/staff/services/new", **{**filled(worker), "name": f"With {typed or 'none'}", "places": typed}
        )
        assert column(app, int(answer.location.rsplit("/", 1)[1]), "places") == kept


def test_all_that_is_wrong_is_said_at_once_and_nothing_typed_is_lost(
    app: Flask, worker: StaffBrowser
) -> None:
    answer = worker.send(
        "/staff/services/new", name="", helps=["nonsense"], summary="", places="many", reply_days="0",
        phone="12", website="javascript:alert(1)", duty="999", ages=["old"], languages=["xx"], wards=["E99"],
    )  # fmt: skip
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in (
        "name",
        "helps",
        "summary",
        "places",
        "reply_days",
        "phone",
        "website",
        "duty",
        "ages",
        "languages",
    ):
        assert f'id="{name}-error"' in page, name
    assert 'value="many"' in page and 'value="javascript:alert(1)"' in page
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(CityService)) == 0


@pytest.mark.parametrize(
    "website",
    ["javascript:alert(1)//x.y", "http:example.org", "https://a b.org", "data:text/html,x", "https://[x"],
)
def test_a_website_is_a_web_address(worker: StaffBrowser, website: str) -> None:
    assert worker.send("/staff/services/new", **{**filled(worker), "website": website}).status_code == 422


def test_a_name_stands_once_in_an_organisation(app: Flask, worker: StaffBrowser) -> None:
    service_of(app, name="Digital drop-in")
    assert worker.send("/staff/services/new", **filled(worker)).status_code == 303
    answer = worker.send("/staff/services/new", **filled(worker))
    assert answer.status_code == 422 and "has a service of this name" in answer.get_data(as_text=True)


def test_pressed_twice_makes_one(app: Flask, worker: StaffBrowser) -> None:
    page = worker.text("/staff/services/new")
    token, once = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "once"))
    assert token and once
    data = {**filled(worker), "csrf_token": token[1], "once": once[1]}
    answers = [worker.client.post("/staff/services/new", data=data) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(CityService)) == 1


def test_only_a_caseworker_of_ones_own_looks_at_what_comes_in(app: Flask, worker: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        other = make_organisation(session).id
        strangers = (
            make_staff(session, organisation_id=other, roles=("caseworker",)).id,
            make_staff(session, organisation_id=worker.organisation_id, roles=("referrer",)).id,
            make_staff(
                session, organisation_id=worker.organisation_id, roles=("caseworker",), left_at=now()
            ).id,
        )
    for number in strangers:
        answer = worker.send("/staff/services/new", **{**NEW, "duty": str(number)})
        assert answer.status_code == 422 and 'id="duty-error"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", ["referrer", "safeguarding_lead", "front_desk"])
def test_who_may_not_write(app: Flask, staff_browser: Make, role: str) -> None:
    someone = staff_browser(role)
    number = service_of(app, someone.organisation_id)
    assert someone.get("/staff/services/new").status_code == 403
    assert someone.get(f"/staff/services/{number}/edit").status_code == 403


# Changing one


def test_a_service_is_changed(app: Flask, worker: StaffBrowser) -> None:
    number = service_of(app, worker.organisation_id, places=5, taken=2)
    page = worker.text(f"/staff/services/{number}/edit")
    assert 'value="5"' in page and "2 people have a place now." in page
    answer = worker.send(f"/staff/services/{number}/edit", **{**filled(worker), "places": "2"})
    assert answer.status_code == 303 and answer.location == f"/staff/services/{number}"
    assert (column(app, number, "places"), column(app, number, "taken")) == (2, 2)
    assert column(app, number, "name") == "Digital drop-in"
    assert ("write service", worker.staff_id, None, "service", "help") in rows_of(app)


def test_places_never_go_below_those_that_are_taken(app: Flask, worker: StaffBrowser) -> None:
    number = service_of(app, worker.organisation_id, name="Before", places=5, taken=3)
    answer = worker.send(f"/staff/services/{number}/edit", **{**filled(worker), "places": "2"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "3 people have a place now. Type at least that number." in page
    assert 'id="places-error"' in page and 'value="2"' in page
    # Nothing else of the form was kept either.
    assert (column(app, number, "places"), column(app, number, "name")) == (5, "Before")
    assert (
        worker.send(f"/staff/services/{number}/edit", **{**filled(worker), "places": ""}).status_code == 303
    )
    assert column(app, number, "places") is None


def test_a_taken_name_is_refused_when_changing_too(app: Flask, worker: StaffBrowser) -> None:
    service_of(app, worker.organisation_id, name="Digital drop-in")
    number = service_of(app, worker.organisation_id, name="Another")
    assert worker.send(f"/staff/services/{number}/edit", **filled(worker)).status_code == 422
    assert column(app, number, "name") == "Another"


def test_somebody_elses_and_an_unknown_one_answer_alike(app: Flask, worker: StaffBrowser) -> None:
    theirs = service_of(app)
    for path in ("/edit", "/close"):
        for number in (theirs, 999_999):
            answer = worker.send(
                f"/staff/services/{number}{path}", form_on="/staff/services/new", **filled(worker)
            )
            assert answer.status_code == 404
    assert worker.get(f"/staff/services/{theirs}/edit").status_code == 404
    assert column(app, theirs, "closed_at") is None


def test_a_service_is_closed_and_opened_again(app: Flask, worker: StaffBrowser) -> None:
    number = service_of(app, worker.organisation_id, name="Ours", duty_staff_id=worker.staff_id)
    page = f"/staff/services/{number}"
    assert worker.send(f"{page}/close", form_on=page, do="close").status_code == 303
    assert column(app, number, "closed_at") is not None
    assert "Closed" in worker.text(page)
    # Pressed once more it says that it was done.
    assert worker.send(f"{page}/close", form_on=page, do="close").status_code == 422
    assert worker.send(f"{page}/close", form_on=page, do="open").status_code == 303
    assert column(app, number, "closed_at") is None
    assert [row[0] for row in rows_of(app)] == ["close service", "open service"]


# Somebody on duty


def test_before_it_opens_somebody_is_on_duty(app: Flask, worker: StaffBrowser) -> None:
    answer = worker.send("/staff/services/new", **NEW)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'id="duty-error"' in page and "Without them nobody hears" in page
    shut = service_of(app, worker.organisation_id, name="Shut", closed_at=now())
    assert worker.send(f"/staff/services/{shut}/edit", **NEW).status_code == 303
    opening = worker.send(f"/staff/services/{shut}/close", form_on=f"/staff/services/{shut}", do="open")
    assert opening.status_code == 422 and column(app, shut, "closed_at") is not None


def test_one_without_anybody_on_duty_says_so_to_whose_it_is(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    said = "Nobody is on duty: choose somebody"
    number = service_of(app, worker.organisation_id, name="Ours", duty_staff_id=worker.staff_id)
    service_of(app, name="Of those who answer by links")
    assert said not in worker.text("/staff/services") and "Nobody is on duty" not in worker.text("/staff")
    with app.app_context(), transaction() as session:
        gone = make_staff(
            session, organisation_id=worker.organisation_id, roles=("caseworker",), left_at=now()
        )
        session.get_one(CityService, number).duty_staff_id = gone.id
    assert worker.text("/staff/services").count(said) == 1
    home = worker.text("/staff")
    assert (
        "Nobody is on duty at 1 service: choose somebody" in home and f"/staff/services/{number}/edit" in home
    )
    stranger = staff_browser("caseworker", organisation="Blue Door")
    assert said not in stranger.text("/staff/services") and "Nobody is on duty" not in stranger.text("/staff")
    assert worker.send(f"/staff/services/{number}/edit", **filled(worker)).status_code == 303
    assert "Nobody is on duty" not in worker.text("/staff")


# A platform admin, for those without accounts


def test_a_platform_admin_writes_for_who_has_no_account(app: Flask, staff_browser: Make) -> None:
    admin = staff_browser("platform_admin")
    with app.app_context(), transaction() as session:
        without = make_organisation(session, name="Food bank").id
        make_organisation(session, name="Another bank")
        make_staff(
            session, organisation_id=make_organisation(session, name="With people").id, roles=("referrer",)
        )
    page = admin.text("/staff/services/new")
    assert "Food bank" in page and "Another bank" in page and "With people" not in page
    path = f"/staff/services/new?organisation={without}"
    missing = admin.send(path, **NEW)
    assert missing.status_code == 422 and 'id="partner_email-error"' in missing.get_data(as_text=True)
    answer = admin.send(path, **NEW, partner_email="food@example.org")
    assert answer.status_code == 303
    number = int(answer.location.rsplit("/", 1)[1])
    assert column(app, number, "organisation_id") == without
    assert column(app, number, "partner_email") == "food@example.org"
    assert "food@example.org" in admin.text(answer.location)
    assert "food@example.org" not in staff_browser("caseworker").text(answer.location)
    assert (
        admin.send(f"/staff/services/{number}/edit", **NEW, partner_email="a@example.org").status_code == 303
    )
    assert column(app, number, "partner_email") == "a@example.org"


def test_a_platform_admin_writes_for_nobody_who_has_accounts(app: Flask, staff_browser: Make) -> None:
    admin, worker = staff_browser("platform_admin"), staff_browser("caseworker", organisation="Blue Door")
    number = service_of(app, worker.organisation_id)
    with app.app_context(), transaction() as session:
        for name in ("One", "Two"):
            make_organisation(session, name=name)
    assert admin.get(f"/staff/services/{number}/edit").status_code == 404
    answer = admin.send(f"/staff/services/new?organisation={worker.organisation_id}", **NEW)
    assert answer.status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(CityService)) == 1
