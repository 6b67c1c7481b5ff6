"""Records of residents as staff see and change them: each page once as it should be, once refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people.models import (
    BreakGlass,
    CaseloadEntry,
    Consent,
    ContactRoute,
    Resident,
    Restriction,
)
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_person
from tests.factories.training import make_booking, make_session
from tests.people.world import EMAIL, NAME, code_of, looked_after, rows_of

Make = Callable[..., StaffBrowser]
NEW: dict[str, Any] = {
    "items": ["identity", "contact", "needs", "plan"], "purpose": "help", "how": "spoken", "language": "ur",
    "name": "  Bilal   Khan ", "spoken": "ur", "read": "", "age_band": "25_49", "postcode": "M14 5RQ",
    "needs": ["large_print"], "kind1": "sms", "value1": "٠٧٧٠٠ ٩٠٠ ٤٥٦", "kind2": "email",
    "value2": "Bilal@Example.org", "kind3": "", "kind4": "", "never": ["no_voicemail"], "hours_from": "10.00",
    "hours_to": "12:00", "pin": "4071", "pin_again": "4071",
}  # fmt: skip


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def page_of(number: int, part: str = "") -> str:
    return f"/staff/people/{number}{part}"


def newest(app: Flask) -> Resident:
    with app.app_context(), transaction() as session:
        return session.query(Resident).order_by(Resident.id.desc()).first()  # type: ignore[return-value]


def make_new(worker: StaffBrowser, **more: Any) -> Any:
    return worker.send("/staff/people/new", **{**NEW, **more})


# A new record


def test_a_record_is_made_with_consent_first(worker: StaffBrowser, app: Flask) -> None:
    answer = make_new(worker)
    assert answer.status_code == 303
    made = newest(app)
    assert answer.location == page_of(made.id, "/code")
    assert (made.name, made.spoken, made.read, made.age_band, made.language) == (
        "Bilal Khan", "ur", None, "25_49", "ur"
    )  # fmt: skip
    assert made.postcode_sector == "M14 5" and made.ward and made.ward.startswith("E0")
    assert made.needs == {"needs": ["large_print"]}
    assert made.safe_contact is not None
    assert made.safe_contact["no_voicemail"] and made.safe_contact["hours"] == ["10:00", "12:00"]
    with app.app_context(), transaction() as session:
        routes = session.query(ContactRoute).order_by(ContactRoute.position).all()
        assert [(route.kind, route.value) for route in routes] == [
            ("sms", "+447700900456"), ("email", "Bilal@example.org")
        ]  # fmt: skip
        consent = session.query(Consent).one()
        assert (consent.how, consent.told_staff_id, consent.language, consent.wording) == (
            "spoken", worker.staff_id, "ur", "2026-11"
        )  # fmt: skip
        assert consent.until_at - consent.given_at == timedelta(days=365)
        assert session.query(CaseloadEntry).one().staff_id == worker.staff_id
    code = made.code
    page = worker.text(answer.location)
    assert f"{code[:4]}-{code[4:]}" in page
    assert code not in worker.text(page_of(made.id)) and f"{code[:4]}-{code[4:]}" not in worker.text(
        page_of(made.id)
    )
    assert ("make record", worker.staff_id, made.id, "identity contact needs consents", "help") in rows_of(
        app
    )


def test_the_person_opens_their_new_plan_themselves(
    worker: StaffBrowser, app: Flask, browser: Browser
) -> None:
    make_new(worker)
    assert browser.send("/come-back", code=newest(app).code, pin="4071").status_code == 303


def test_with_pictures_too(worker: StaffBrowser, app: Flask) -> None:
    answer = worker.send(
        "/staff/people/new?with=pictures",
        **{**NEW, "with": "pictures", "picture1": "sun", "picture2": "tree", "picture3": "cup"},
    )
    assert answer.status_code == 303
    assert newest(app).secret_kind == "pictures"


def test_pressed_twice_makes_one(worker: StaffBrowser, app: Flask) -> None:
    page = worker.text("/staff/people/new")
    token, once = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "once"))
    assert token and once
    data = {**NEW, "csrf_token": token[1], "once": once[1]}
    answers = [worker.client.post("/staff/people/new", data=data).location for _ in range(2)]
    assert answers[1] == "/staff/people"
    with app.app_context(), transaction() as session:
        assert session.query(Resident).count() == 1


def test_a_consent_written_down_by_two_presses_is_one(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    path = page_of(number, "/consents/new")
    page = worker.text(path)
    token, once = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "once"))
    assert token and once
    data = {
        "items": ["identity"],
        "purpose": "device",
        "how": "spoken",
        "language": "en",
        "csrf_token": token[1],
    }
    for sent, rows in ((once[1], 2), (once[1], 2), ("another page", 3)):
        assert worker.client.post(path, data={**data, "once": sent}).location == page_of(number)
        with app.app_context(), transaction() as session:
            assert session.query(Consent).count() == rows
    said = [row for row in rows_of(app, number) if row[0] == "write down consent"]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"items": []}, "Choose at least one thing to share."),
        ({"items": ["identity", "bank"]}, "Choose one of the answers"),
        ({"purpose": ""}, "Choose what the person shares it for."),
        ({"purpose": "fame"}, "Choose one of the answers"),
        ({"how": "dreamt"}, "Choose one of the answers"),
        ({"value1": "12"}, "This is no phone number."),
        ({"value2": "nobody"}, "This is no email address."),
        ({"postcode": "ZZ99 9ZZ"}, "We do not know this postcode."),
        ({"age_band": "under_13"}, "add a way to reach an adult"),
        ({"kind3": "letter"}, "A letter needs an address."),
        ({"hours_to": ""}, "Type both times"),
        ({"hours_to": "9:00"}, "Type both times"),
        ({"hours_to": "12:00Z"}, "Type both times"),
        ({"hours_to": "25:00"}, "Type both times"),
        ({"postcode": "Gorton"}, "We do not know this postcode."),
        ({"pin": "1234", "pin_again": "1234"}, "easy to guess"),
        ({"pin_again": "4072"}, "not the same"),
        ({"name": "x" * 81}, "This is too long."),
        ({"address": "y" * 301}, "This is too long."),
        ({"not_staff": ["-1"]}, "Choose one of the answers"),
        ({"not_organisations": ["99999999999999999999"]}, "Choose one of the answers"),
        ({"kind1": "pigeon"}, "Choose one of the answers"),
    ],
)
def test_what_is_refused_keeps_what_was_typed(
    worker: StaffBrowser, app: Flask, wrong: dict[str, Any], said: str
) -> None:
    answer = make_new(worker, **wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in page and "There is a problem" in page
    assert wrong.get("name", "Bilal Khan") in page
    assert "4071" not in page
    with app.app_context(), transaction() as session:
        assert session.query(Resident).count() == 0


def test_a_child_is_taken_with_an_adult_to_reach(worker: StaffBrowser, app: Flask) -> None:
    assert make_new(worker, age_band="under_13", is_adults="y").status_code == 303
    number = newest(app).id
    # The last adult cannot be taken away again.
    assert worker.send(page_of(number, "/contact"), kind1="caseworker").status_code == 422
    assert worker.send(page_of(number, "/contact"), kind1="call", value1="0161 496 0000").status_code == 422
    assert worker.send(
        page_of(number, "/contact"), kind1="call", value1="0161 496 0000", is_adults="y"
    ).status_code == 303  # fmt: skip


def test_the_code_is_shown_for_a_quarter_of_an_hour_to_who_made_it(
    worker: StaffBrowser, staff_browser: Make, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_new(worker)
    address = page_of(newest(app).id, "/code")
    with app.app_context(), transaction() as session:
        session.query(Resident).update({"made_at": now() - timedelta(minutes=16)})
    assert worker.get(address).status_code == 404
    assert staff_browser("caseworker").get(address).status_code == 404
    assert worker.get(page_of(looked_after(app, worker), "/code")).status_code == 404


# The list and the search


def test_the_list_is_by_name_twenty_a_page(worker: StaffBrowser, app: Flask) -> None:
    for number in range(23):
        looked_after(app, worker, name=f"Person {chr(ord('z') - number)}")
    looked_after(app, worker, name="Secret Person", is_restricted=True)
    first, second = worker.text("/staff/people"), worker.text("/staff/people?page=2")
    assert "23 people" in first and first.count("<bdi>Person ") == 20 and second.count("<bdi>Person ") == 3
    assert first.index("Person d") < first.index("Person e")
    # The restricted one stands apart and in no count.
    assert "Secret Person" in first and "24 people" not in first
    for odd in ("0", "-3", "99999999999", "x", "²"):
        assert worker.get(f"/staff/people?page={odd}").status_code == 200


def test_the_list_of_the_organisation_needs_sharing(
    worker: StaffBrowser, staff_browser: Make, app: Flask
) -> None:
    looked_after(app, worker)
    colleague = staff_browser("caseworker")
    assert NAME not in colleague.text("/staff/people?whose=organisation")
    from inclusion_app.accounts.models import Organisation

    with app.app_context(), transaction() as session:
        session.query(Organisation).update({"shares_caseload": True})
    assert NAME in colleague.text("/staff/people?whose=organisation")
    assert NAME not in colleague.text("/staff/people")


@pytest.mark.parametrize(
    "typed", ["07700 900 123", "+44 7700 900123", "۰۷۷۰۰۹۰۰۱۲۳", EMAIL, "AMINA@example.org"]
)
def test_an_exact_number_or_address_finds_one(worker: StaffBrowser, app: Flask, typed: str) -> None:
    number = looked_after(app, worker)
    answer = worker.send("/staff/people/search", "/staff/people", what=typed)
    assert NAME in answer.get_data(as_text=True)
    assert rows_of(app)[-1] == ("read people.search", worker.staff_id, number, "identity", "help")


def test_a_landline_finds_whom_it_reaches(worker: StaffBrowser, app: Flask) -> None:
    from inclusion_app.people import contact

    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        route = session.query(ContactRoute).filter_by(resident_id=number, kind="sms").one()
        value = contact.read_value("call", "0161 496 0123")
        route.kind, route.value, route.value_hash = "call", value, contact.hash_of_value(value)
    answer = worker.send("/staff/people/search", "/staff/people", what="0161 4960123")
    assert NAME in answer.get_data(as_text=True)


def test_a_code_finds_too_and_parts_of_anything_nothing(worker: StaffBrowser, app: Flask) -> None:
    code = code_of(app, looked_after(app, worker))
    found = worker.send("/staff/people/search", "/staff/people", what=code.lower())
    assert NAME in found.get_data(as_text=True)
    for typed in ("", "Amina", "amina@", "0770090012", code[:-1], "x" * 5000, "a\x00b", "%", "07700 900999"):
        answer = worker.send("/staff/people/search", "/staff/people", what=typed)
        assert answer.status_code == 200 and NAME not in answer.get_data(as_text=True)


def test_the_search_finds_nobody_it_may_not(worker: StaffBrowser, staff_browser: Make, app: Flask) -> None:
    looked_after(app, worker, is_restricted=True)
    looked_after(app, staff_browser("caseworker", organisation="Blue Door"))
    looked_after(app, None)
    looked_after(app, worker, items=("identity", "needs"))  # the number was not shared
    answer = worker.send("/staff/people/search", "/staff/people", what=EMAIL)
    assert "No match among the people you may see." in answer.get_data(as_text=True)


# The page of a person


def test_the_page_shows_the_parts_that_are_shared_and_says_so_once(worker: StaffBrowser, app: Flask) -> None:
    whole = looked_after(app, worker)
    before = len(rows_of(app))
    page = worker.text(page_of(whole))
    for words in (NAME, "Somali", "M14 5", "07700 900123", EMAIL, "Large print", "Never call", "10:00", "a cousin",
                  "Through my caseworker", "Ask alone", "on a screen"):  # fmt: skip
        assert words in page, words
    assert page.index("Never call") < page.index("Who they are")
    rows = rows_of(app)[before:]
    assert rows == [
        (
            "read people.person",
            worker.staff_id,
            whole,
            "identity contact needs plan consents safe contact",
            "help",
        )
    ]
    part = looked_after(app, worker, items=("needs",))
    page = worker.text(page_of(part))
    assert "Large print" in page and "Never call" in page
    for words in (NAME, "Somali", "07700", EMAIL, "M14 5"):
        assert words not in page, words
    assert rows_of(app, part)[-1][3] == "needs safe contact"


def test_steps_are_shown_without_private_ones(worker: StaffBrowser, app: Flask, browser: Browser) -> None:
    from inclusion_app.roadmaps import holding, queries

    browser.make_plan(("g04", "g02"))
    code = browser.save_plan()
    answer = worker.send(
        "/staff/people/join", code=code, pin="4071", items=["identity", "plan"], purpose="help", how="spoken",
        language="en",
    )  # fmt: skip
    assert answer.status_code == 303
    page = worker.text(answer.location)
    with app.test_request_context("/en/"):
        from inclusion_app.core.clock import today
        from inclusion_app.core.db import db_session

        number = int(answer.location.rsplit("/", 1)[1])
        roadmap = queries.roadmap_of_resident(db_session(), number)
        assert roadmap is not None
        made = queries.compute(roadmap, today=today())
        shown = [step for step in made.plan.steps if not step.private]
        steps = holding.steps_for_staff(db_session(), number)
        assert len(steps) == len(shown) > 3
        titles = [title for title, _state in steps]
        for step in made.plan.steps:
            assert (made.catalogue.steps[step.id].title in titles) == (not step.private)
    assert page.count("Not started") >= len(steps)


def test_another_organisations_and_an_unknown_person_answer_alike(
    worker: StaffBrowser, staff_browser: Make, app: Flask
) -> None:
    theirs = looked_after(app, staff_browser("caseworker", organisation="Blue Door"))
    for part in ("", "/identity", "/contact", "/needs", "/consents/new", "/restrict", "/link", "/code"):
        one, other = worker.get(page_of(theirs, part)), worker.get(page_of(424242, part))
        assert one.status_code == other.status_code == 404
        # The token of the form that signs out says what second it is.
        plain = [re.sub(rb'value="[^"]+"', b"", answer.data) for answer in (one, other)]
        assert plain[0] == plain[1]


def test_no_other_role_comes_in(staff_browser: Make, app: Flask) -> None:
    owner = staff_browser("caseworker")
    number = looked_after(app, owner)
    for role in ("front_desk", "referrer", "organisation_admin", "insights_viewer", "places_editor"):
        other = staff_browser(role)
        for address in ("/staff/people", "/staff/people/new", "/staff/people/join", page_of(number)):
            assert other.get(address).status_code == 403, (role, address)
    lead = staff_browser("safeguarding_lead")
    assert NAME in lead.text(page_of(number)) and "Change who they are" not in lead.text(page_of(number))
    assert lead.get(page_of(number, "/identity")).status_code == 403
    for role in ("platform_admin", "data_protection"):
        assert staff_browser(role).get(page_of(number)).status_code == 404


def test_broken_glass_shows_a_banner_and_changes_nothing(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, None)
    with app.app_context(), transaction() as session:
        session.add(
            BreakGlass(
                resident_id=number, staff_id=worker.staff_id, organisation_id=worker.organisation_id,
                role="caseworker", reason="fire", asked_at=now(), began_at=now(),
                ends_at=now() + timedelta(minutes=60),
            )
        )  # fmt: skip
    page = worker.text(page_of(number))
    assert NAME in page and "You broke the glass" in page and "Change who they are" not in page
    assert rows_of(app, number)[-1][4] == "safety"
    assert worker.get(page_of(number, "/identity")).status_code == 404
    assert worker.get(page_of(number, "/restrict")).status_code == 404
    looked = looked_after(app, worker)
    assert "You broke the glass" not in worker.text(page_of(looked))


# Changes


def test_identity_is_changed_and_the_area_kept(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    page = worker.text(page_of(number, "/identity"))
    assert f'value="{NAME}"' in page
    answer = worker.send(page_of(number, "/identity"), name="Amina Y", spoken="en", read="", age_band="")
    assert answer.status_code == 303
    made = newest(app)
    assert (made.name, made.spoken, made.read, made.age_band, made.postcode_sector) == (
        "Amina Y", "en", None, None, "M14 5"
    )  # fmt: skip
    assert ("change record", worker.staff_id, number, "identity", "help") in rows_of(app, number)
    assert worker.send(page_of(number, "/identity"), name="Amina Y", postcode="  ").status_code == 303
    assert newest(app).postcode_sector == "M14 5"
    assert worker.send(page_of(number, "/identity"), age_band="under_13", name="Kept").status_code == 422
    assert newest(app).name == "Amina Y"


def test_contact_is_changed_and_the_address_goes_with_the_letters(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    address = page_of(number, "/contact")
    page = worker.text(address)
    assert "07700 900123" in page and 'value="10:00"' in page
    lines = "1 High Street\r\n\r\n Manchester "
    assert worker.send(address, kind1="letter", address=lines, never=["never_call"]).status_code == 303
    assert newest(app).address == "1 High Street\nManchester"
    assert worker.send(address, kind1="caseworker", address=lines).status_code == 303
    assert newest(app).address is None and newest(app).safe_contact is None


def test_whom_another_organisation_named_stays_in_the_safe_contact_rule(
    worker: StaffBrowser, staff_browser: Make, app: Flask
) -> None:
    stranger = staff_browser("caseworker", organisation="Blue Door")
    number = looked_after(app, worker, safe_contact={"not_staff": [stranger.staff_id], "never_call": True})
    assert "Never through Sam Patel" in worker.text(page_of(number))
    worker.send(page_of(number, "/contact"), kind1="caseworker", not_organisations=[stranger.organisation_id])
    rule = newest(app).safe_contact
    assert rule and rule["not_staff"] == [stranger.staff_id]
    assert rule["not_organisations"] == [stranger.organisation_id]


def test_a_channel_that_is_not_set_up_is_not_offered(worker: StaffBrowser, app: Flask) -> None:
    from inclusion_app.people import contact

    number = looked_after(app, worker)
    assert worker.send(page_of(number, "/contact"), kind1="caseworker").status_code == 303
    contact.CHANNELS[:] = [lambda: frozenset({"letter", "call", "caseworker"})]
    try:
        page = worker.text(page_of(number, "/contact"))
        assert "Phone call" in page and "Text message" not in page
        answer = worker.send(page_of(number, "/contact"), kind1="sms", value1="07700 900123")
        assert answer.status_code == 422
    finally:
        contact.CHANNELS.clear()


def test_saving_the_page_as_it_stands_loses_no_way_to_reach_somebody(
    worker: StaffBrowser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inclusion_app.people import contact

    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        more = (("call", "+447700900124"), ("email", "second@example.org"))
        for position, (kind, value) in enumerate(more, 4):  # five ways, as many as their own page takes
            session.add(
                ContactRoute(
                    resident_id=number, position=position, kind=kind, value=value, made_at=now(),
                    value_hash=contact.hash_of_value(value),
                )
            )  # fmt: skip
    monkeypatch.setattr(contact, "CHANNELS", [lambda: frozenset({"letter", "call", "caseworker"})])

    def ways() -> list[tuple[str, str | None]]:
        with app.app_context(), transaction() as session:
            found = session.query(ContactRoute).order_by(ContactRoute.position)
            return [(route.kind, route.value) for route in found]

    before, page = ways(), worker.text(page_of(number, "/contact"))
    chosen = dict(
        re.findall(r'name="(kind\d)"(?:(?!</select>).)*?<option value="(\w+)" selected', page, re.S)
    )
    typed = dict(re.findall(r'name="(value\d)"[^>]*? value="([^"]*)"', page))
    assert worker.send(page_of(number, "/contact"), **chosen, **typed).status_code == 303
    assert len(before) == 5 and ways() == before


def test_needs_are_changed(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    assert worker.send(page_of(number, "/needs"), needs=["bsl", "companion"]).status_code == 303
    assert newest(app).needs == {"needs": ["bsl", "companion"]}
    assert worker.send(page_of(number, "/needs"), needs=["gold"]).status_code == 422
    assert worker.send(page_of(number, "/needs")).status_code == 303
    assert newest(app).needs is None


def test_a_part_that_is_not_shared_is_not_changed(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker, items=("identity",))
    assert worker.get(page_of(number, "/identity")).status_code == 200
    for part in ("/contact", "/needs"):
        assert worker.get(page_of(number, part)).status_code == 404


# Restricting


def test_a_restricted_person_is_in_no_list_but_their_workers(
    worker: StaffBrowser, staff_browser: Make, app: Flask
) -> None:
    number = looked_after(app, worker)
    assert worker.send(page_of(number, "/restrict"), restricted="y").status_code == 303
    assert newest(app).is_restricted
    assert "Restricted" in worker.text(page_of(number))
    assert worker.send(page_of(number, "/restrict")).status_code == 303
    assert not newest(app).is_restricted
    actions = [row[0] for row in rows_of(app, number)]
    assert "restrict" in actions and "lift restriction" in actions


def test_kept_from_a_colleague_and_taken_back(worker: StaffBrowser, staff_browser: Make, app: Flask) -> None:
    colleague = staff_browser("safeguarding_lead", name="Kim Lee")
    number = looked_after(app, worker)
    assert colleague.get(page_of(number)).status_code == 200
    assert worker.send(page_of(number, "/restrict"), staff=[colleague.staff_id]).status_code == 303
    assert colleague.get(page_of(number)).status_code == 404
    assert (
        worker.send(page_of(number, "/restrict"), staff=[colleague.staff_id]).status_code == 303
    )  # twice is once
    assert "Kim Lee" in worker.text(page_of(number))
    with app.app_context(), transaction() as session:
        wish = session.query(Restriction).one().id
    end = page_of(number, f"/restrict/{wish}/end")
    assert worker.send(end, page_of(number, "/restrict")).status_code == 303
    assert colleague.get(page_of(number)).status_code == 200


def test_whoever_keeps_a_person_from_themselves_is_out(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    answer = worker.send(page_of(number, "/restrict"), organisations=[worker.organisation_id])
    assert answer.location == "/staff/people"
    assert worker.get(page_of(number)).status_code == 404


# Joining


def test_somebody_with_a_plan_joins_by_their_own_secret(worker: StaffBrowser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        code = make_person(session).code
        booking = make_booking(session, make_session(session)).code
    agreed = {"items": ["identity"], "purpose": "help", "how": "screen", "language": "en"}
    # The code of a booking is no code of a person; it leads on only where somebody comes back.
    other = worker.send("/staff/people/join", code=booking, pin="4071", **agreed)
    assert other.status_code == 422 and "do not fit" in other.get_data(as_text=True)
    wrong = worker.send("/staff/people/join", code=code, pin="9999", **agreed)
    assert wrong.status_code == 422 and "do not fit" in wrong.get_data(as_text=True)
    none = worker.send("/staff/people/join", code=code, pin="", **agreed)
    assert none.status_code == 422
    with app.app_context(), transaction() as session:
        assert session.query(Consent).count() == session.query(CaseloadEntry).count() == 0
    assert worker.send("/staff/people/join", code=code, pin="4071", **agreed).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.query(Consent).one().told_staff_id is None


def test_the_code_of_a_booking_is_nobodys_to_join_with(worker: StaffBrowser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        code = make_booking(session, make_session(session)).code
    agreed = {"items": ["identity"], "purpose": "help", "how": "screen", "language": "en"}
    answer = worker.send("/staff/people/join", code=code, pin="4071", **agreed)
    assert answer.status_code == 422 and "do not fit" in answer.get_data(as_text=True)


# Duplicates


@pytest.mark.parametrize(
    ("facts", "typed", "warned"),
    [
        ({}, {"name": "Nobody Else"}, True),  # the same phone
        ({}, {"value1": "07700 900999", "name": "AMINA  yusuf"}, True),  # the same name and sector
        ({}, {"value1": "07700 900999", "name": "Amína Yusuf"}, True),
        ({}, {"value1": "07700 900999", "name": "Yusuf Aminah"}, True),  # much alike
        ({}, {"value1": "07700 900999", "name": "Bilal Khan"}, False),
        ({"is_restricted": True}, {"name": NAME}, False),
    ],
)
def test_a_likely_duplicate_warns_and_reveals_nothing(
    worker: StaffBrowser, app: Flask, facts: dict[str, Any], typed: dict[str, Any], warned: bool
) -> None:
    looked_after(app, None, **facts)
    with app.app_context(), transaction() as session:
        from inclusion_app.places.queries import area_of_postcode

        ward, sector = area_of_postcode(session, "M14 5RQ")
        session.query(Resident).update({"ward": ward, "postcode_sector": sector})
    more = {"value1": "07700 900123", "kind2": "", **typed}
    answer = make_new(worker, **more)
    page = worker.text(answer.location)
    assert ("Possible match. Ask the person for permission to link." in page) == warned
    assert "Red Door" in page and EMAIL not in page


# What somebody sends who means harm

ODD = (
    "a\x00b",
    "\U0001f600" * 300,
    "9" * 5000,
    "<script>alert(1)</script>",
    "=1+1",
    "\u202eevil",
    "-1",
    "²",
    "None",
)


def test_no_body_gives_an_error_of_ours(
    worker: StaffBrowser, app: Flask, tally: Callable[[str, int], None]
) -> None:
    number = looked_after(app, worker)
    pages = {
        "/staff/people/new": NEW,
        "/staff/people/join": {"code": "", "pin": "", **{name: NEW[name] for name in ("items", "purpose", "how")}},
        page_of(number, "/identity"): {"name": "", "spoken": "", "age_band": "", "postcode": ""},
        page_of(number, "/contact"): {
            "kind1": "email", "value1": EMAIL, "address": "", "hours_from": "", "interpreters": "", "not_staff": "1"
        },
        page_of(number, "/needs"): {"needs": "quiet"},
        page_of(number, "/consents/new"): {"items": "identity", "purpose": "help", "how": "paper", "language": "en"},
        page_of(number, "/restrict"): {"staff": "", "organisations": ""},
        page_of(number, "/link"): {"code": "", "permission": "y"},
    }  # fmt: skip
    found = re.search(r'name="csrf_token" value="([^"]+)"', worker.text("/staff/people"))
    assert found
    sent = 0
    for address, right in pages.items():
        for name in right:
            for odd in ODD:
                if (address, name) == ("/staff/people/new", "pin"):
                    continue
                data = {**right, name: odd, "csrf_token": found[1]}
                # Slow hashes are not what is asked here.
                data |= {"pin_again": "0"} if address == "/staff/people/new" else {}
                status = worker.client.post(address, data=data).status_code
                assert status in {303, 422}, (address, name, odd, status)
                sent += 1
    tally("odd bodies sent to pages of records", sent)
    page = worker.text(page_of(number))
    assert "<script>alert" not in page


def test_a_name_is_shown_as_it_is_and_never_as_markup(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    worker.send(page_of(number, "/identity"), name="<b>Bo</b> \u202eld\x00")
    page = worker.text(page_of(number))
    assert "&lt;b&gt;Bo&lt;/b&gt; ld" in page and "\u202e" not in page


def test_each_page_that_shows_a_person_writes_one_row(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    items = {
        "": "identity contact needs plan consents safe contact",
        "/identity": "identity",
        "/contact": "contact",
        "/needs": "needs",
        "/restrict": "restriction",
    }
    for part, shown in items.items():
        before = len(rows_of(app))
        assert worker.get(page_of(number, part)).status_code == 200
        rows = rows_of(app)[before:]
        assert [(row[1], row[2], row[3]) for row in rows] == [(worker.staff_id, number, shown)], part
    before = len(rows_of(app))
    assert (
        worker.send(page_of(number, "/identity"), page_of(number, "/needs"), age_band="x").status_code == 422
    )
    assert [row[3] for row in rows_of(app)[before:]] == ["needs", "identity"]
    for empty in ("/staff/people/new", "/staff/people/join", "/staff/people/links", page_of(number, "/link")):
        before = len(rows_of(app))
        assert worker.get(empty).status_code == 200
        assert len(rows_of(app)) == before


def test_a_refused_change_changes_nothing(worker: StaffBrowser, app: Flask) -> None:
    number = looked_after(app, worker)
    actions = [row[0] for row in rows_of(app, number)]
    worker.send(page_of(number, "/contact"), kind1="sms", value1="1")
    worker.send(page_of(number, "/contact"), kind1="letter", address="")
    assert "07700 900123" in worker.text(page_of(number))
    assert [row[0] for row in rows_of(app, number) if not row[0].startswith("read ")] == [
        action for action in actions if not action.startswith("read ")
    ]


def test_a_full_list_asks_the_database_little(worker: StaffBrowser, app: Flask) -> None:
    from sqlalchemy import event

    for turn in range(25):
        looked_after(app, worker, name=f"Person {turn}")
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(app.extensions["engine"], "before_cursor_execute", note)
    try:
        worker.get("/staff/people")
        few = len([statement for statement in said if statement.startswith("SELECT")])
    finally:
        event.remove(app.extensions["engine"], "before_cursor_execute", note)
    assert few < 20
