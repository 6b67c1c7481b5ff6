"""Consent: what can be agreed, by whom, until when; and that taking it back works on the next request everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import events
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import SharingEnded
from inclusion_app.people import consent_services, rules
from inclusion_app.people.models import Consent, Resident
from tests.conftest import Browser, StaffBrowser, sign_in_staff
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent, make_person
from tests.people.world import NAME, looked_after, rows_of

Make = Callable[..., StaffBrowser]
SHARING = "/my-record/sharing"


@pytest.fixture
def resident(browser: Browser) -> Browser:
    browser.make_plan()
    browser.save_plan()
    return browser


def number_of(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.scalars(select(Resident.id).order_by(Resident.id.desc())).first() or 0


def organisation(app: Flask, name: str = "Red Door", **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        return make_organisation(session, name=name, **facts).id


# The rule


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"items": ()}, "items"),
        ({"items": ("identity", "bank")}, "items"),
        ({"purpose": "marketing"}, "purpose"),
        ({"how": "guessed"}, "how"),
        ({"how": "spoken"}, "how"),  # by nobody
        ({"told_staff_id": 1}, "how"),  # on a screen, yet somebody wrote it down
        ({"basis": "because"}, None),
        ({"wording": "1999-01"}, None),
        ({"until_at": now() + timedelta(days=400)}, "until"),
        ({"until_at": now() - timedelta(days=1)}, "until"),
        ({"organisation_id": 4242}, "organisation"),
    ],
)
def test_what_is_no_consent_is_refused(app: Flask, wrong: dict[str, Any], field: str | None) -> None:
    with app.app_context(), transaction() as session:
        usual = {
            "resident_id": make_person(session).id, "organisation_id": make_organisation(session).id,
            "items": ("identity",), "purpose": "help", "how": "screen", "language": "en", "now": now(),
        }  # fmt: skip
        with pytest.raises(RuleBroken) as broken:
            consent_services.give_consent(session, **{**usual, **wrong})
        assert broken.value.field == field
        # It says what is wrong, not where.
        assert " " in str(broken.value)
        closed = make_organisation(session, closed_at=now()).id
        with pytest.raises(RuleBroken):
            consent_services.give_consent(session, **{**usual, "organisation_id": closed})
        assert session.query(Consent).count() == 0


def test_it_lasts_a_year_at_most_and_is_ended_once(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        person, other = make_person(session).id, make_person(session).id
        moment = now()
        given = consent_services.give_consent(
            session, resident_id=person, organisation_id=make_organisation(session).id, items=["plan", "identity"],
            purpose="help", how="screen", language="ur", now=moment,
        )  # fmt: skip
        assert given.until_at == moment + rules.CONSENT_LIFE
        assert [one.item for one in given.items] == ["identity", "plan"]
        ask = {"consent_id": given.id, "now": moment}
        assert not consent_services.withdraw_consent(session, resident_id=other, **ask)
        assert consent_services.withdraw_consent(session, resident_id=person, **ask)
        assert not consent_services.withdraw_consent(session, resident_id=person, **ask)


def test_ending_what_is_over_ends_nothing_and_what_ends_is_told_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []

    def keep(_session: Session, event: Any) -> None:
        ended.append(event.resident_id)

    monkeypatch.setitem(events._handlers, SharingEnded, [keep])
    with app.app_context(), transaction() as session:
        person, where = make_person(session).id, make_organisation(session).id
        past = {"given_at": now() - timedelta(days=400), "until_at": now() - timedelta(days=35)}
        over = make_consent(session, resident_id=person, organisation_id=where, **past).id
        live, another = (
            make_consent(session, resident_id=person, organisation_id=where).id for _one in range(2)
        )
        ask = {"resident_id": person, "now": now()}
        assert not consent_services.withdraw_consent(session, consent_id=over, **ask) and not ended
        assert consent_services.withdraw_consent(session, consent_id=live, **ask) and ended == [person]
        assert not consent_services.withdraw_consent(session, consent_id=live, **ask) and ended == [person]
        assert consent_services.stop_sharing(session, consent_id=another, **ask) == 1
        assert ended == [person, person]
        assert consent_services.stop_sharing(session, consent_id=another, **ask) == 0
        assert ended == [person, person] and session.get_one(Consent, over).withdrawn_at is None


def test_each_wording_that_was_used_can_still_be_read() -> None:
    assert rules.WORDING in rules.WORDINGS
    for sentence in (*rules.ITEM_WORDS.values(), *rules.PURPOSES.values(), *rules.WORDINGS[rules.WORDING]):
        assert len(sentence.split()) <= 15


# A resident's own pages


def test_a_resident_shares_and_stops_with_one_press(
    resident: Browser, app: Flask, staff_browser: Make
) -> None:
    lead = staff_browser("safeguarding_lead")
    page = resident.text(SHARING)
    assert "You share nothing with anybody now." in page
    assert "You can stop it at any time with one press." in resident.text(f"{SHARING}/new")
    answer = resident.send(
        f"{SHARING}/new",
        organisation=lead.organisation_id,
        items=["identity", "needs"],
        purpose="help",
        days="30",
    )
    assert answer.status_code == 303
    page = resident.text(SHARING)
    assert "Red Door" in page and "by you, on a screen" in page and "What help you need" in page
    number = number_of(app)
    assert lead.get(f"/staff/people/{number}").status_code == 200
    with app.app_context(), transaction() as session:
        given = session.query(Consent).one()
        assert given.until_at - given.given_at == timedelta(days=30) and given.told_staff_id is None
    assert resident.send(f"{SHARING}/{given.id}/stop", SHARING).status_code == 303
    assert lead.get(f"/staff/people/{number}").status_code == 404
    page = resident.text(SHARING)
    assert "You share nothing with anybody now." in page and "What you shared before" in page
    actions = [row[0] for row in rows_of(app, number)]
    assert "give consent" in actions and "withdraw consent" in actions
    # Pressed again from an old tab: nothing new happens, and nothing is wrong.
    assert resident.send(f"{SHARING}/{given.id}/stop", f"{SHARING}/new").status_code == 303
    assert [row[0] for row in rows_of(app, number)].count("withdraw consent") == 1


def test_stop_sharing_ends_every_consent_to_them_and_none_to_others(
    resident: Browser, app: Flask, staff_browser: Make
) -> None:
    lead, elsewhere = staff_browser("safeguarding_lead"), organisation(app, "Blue Door")
    number = number_of(app)
    with app.app_context(), transaction() as session:
        here = [
            make_consent(session, resident_id=number, organisation_id=lead.organisation_id, items=items).id
            for items in (("identity",), ("identity", "needs"))
        ]
        make_consent(session, resident_id=number, organisation_id=elsewhere)
    page = resident.text(SHARING)
    assert page.count("Stop sharing with Red Door") == 1 and page.count("Stop sharing with Blue Door") == 1
    assert resident.send(f"{SHARING}/{here[0]}/stop", SHARING).status_code == 303
    assert lead.get(f"/staff/people/{number}").status_code == 404
    page = resident.text(SHARING)
    assert "Stop sharing with Red Door" not in page and "Stop sharing with Blue Door" in page


def test_a_consent_at_the_desk_keeps_the_plan_from_growing_old(staff_browser: Make, app: Flask) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker, last_used_at=now() - timedelta(days=300))
    agreed = {"items": ["identity"], "purpose": "help", "how": "spoken", "language": "en"}
    assert worker.send(f"/staff/people/{number}/consents/new", **agreed).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.get_one(Resident, number).last_used_at > now() - timedelta(minutes=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"organisation": "0"}, {"organisation": "4242"}, {"organisation": "x"}, {"organisation": "²"}, {"items": []},
        {"items": ["all"]}, {"purpose": ""}, {"days": "9999"}, {"days": ""}, {"organisation": "9" * 40},
    ],
)  # fmt: skip
def test_half_an_answer_shares_nothing(resident: Browser, app: Flask, wrong: dict[str, Any]) -> None:
    right = {"organisation": organisation(app), "items": ["needs"], "purpose": "help", "days": "30"}
    answer = resident.send(f"{SHARING}/new", **{**right, **wrong})
    assert answer.status_code == 422 and "There is a problem" in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.query(Consent).count() == 0


def test_a_closed_organisation_is_not_offered(resident: Browser, app: Flask) -> None:
    organisation(app, "Gone Away", closed_at=now())
    assert "Gone Away" not in resident.text(f"{SHARING}/new")


def test_nobody_ends_what_is_anothers(resident: Browser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        person, where = make_person(session).id, make_organisation(session).id
        theirs = make_consent(session, resident_id=person, organisation_id=where).id
    unknown, anothers = (
        resident.send(f"{SHARING}/{number}/stop", f"{SHARING}/new") for number in (4242, theirs)
    )
    assert unknown.status_code == anothers.status_code == 303 and unknown.data == anothers.data
    with app.app_context(), transaction() as session:
        assert session.get_one(Consent, theirs).withdrawn_at is None


def test_strangers_and_the_code_alone_see_nothing_shared(
    resident: Browser, app: Flask, another_browser: Callable[..., Browser]
) -> None:
    with app.app_context(), transaction() as session:
        code = session.query(Resident).one().code
    alone = another_browser()
    alone.send("/come-back", code=code, pin="")
    for other in (alone, another_browser()):
        for path in (SHARING, f"{SHARING}/new"):
            assert other.get(path).status_code == 403


# At the desk


def test_a_worker_writes_down_more_and_the_person_takes_it_back(staff_browser: Make, app: Flask) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker, items=("identity",))
    agreed = {"items": ["identity", "needs"], "purpose": "course", "how": "paper", "language": "ur"}
    assert worker.send(f"/staff/people/{number}/consents/new", **agreed).status_code == 303
    page = worker.text(f"/staff/people/{number}")
    assert "Large print" in page and "on paper" in page
    with app.app_context(), transaction() as session:
        first, second = session.query(Consent).order_by(Consent.id)
        assert second.told_staff_id == worker.staff_id and first.withdrawn_at is None
    end = f"/staff/people/{number}/consents/%d/end"
    assert worker.send(end % second.id, f"/staff/people/{number}").location == f"/staff/people/{number}"
    assert "Large print" not in worker.text(f"/staff/people/{number}")
    assert worker.send(end % first.id, f"/staff/people/{number}").location == "/staff/people"
    assert worker.get(f"/staff/people/{number}").status_code == 404


def test_nobody_ends_the_consent_to_another_organisation(staff_browser: Make, app: Flask) -> None:
    worker = staff_browser("caseworker")
    number, elsewhere = looked_after(app, worker), organisation(app, "Blue Door")
    with app.app_context(), transaction() as session:
        theirs = make_consent(session, resident_id=number, organisation_id=elsewhere).id
    page = f"/staff/people/{number}"
    assert "Blue Door" not in worker.text(page)
    unknown, others = (worker.send(f"{page}/consents/{one}/end", page).status_code for one in (4242, theirs))
    assert unknown == others == 404


# The next request


def routes_of_a_person(app: Flask) -> list[tuple[str, str]]:
    """(method, address) of each page of the staff that names a resident."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/staff/") and "resident_id" in rule.arguments:
            address = re.sub(r"<[^>]*resident_id>", "{}", rule.rule)
            address = re.sub(r"<[^>]+>", "1", address)
            found += [(method, address) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return sorted(found)


def test_withdrawal_counts_on_the_next_request_of_twenty_live_sessions_on_all_routes(
    resident: Browser, app: Flask, tally: Callable[[str, int], None]
) -> None:
    roles = ("caseworker", "safeguarding_lead")
    staff = [sign_in_staff(app, roles[turn % 2]) for turn in range(20)]
    number = looked_after(app, None)
    with app.app_context(), transaction() as session:
        session.query(Organisation).update({"shares_caseload": True})
        given = make_consent(session, resident_id=number, organisation_id=staff[0].organisation_id).id
    for one in staff:
        assert NAME in one.text(f"/staff/people/{number}")
    tokens = {}
    for one in staff:
        found = re.search(r'name="csrf_token" value="([^"]+)"', one.text("/staff"))
        assert found
        tokens[one] = found[1]
    with app.app_context(), transaction() as session:
        assert consent_services.withdraw_consent(session, resident_id=number, consent_id=given, now=now())
    asked = 0
    routes = routes_of_a_person(app)
    assert len(routes) >= 15
    for one in staff:
        for method, address in routes:
            send = one.client.get if method == "GET" else one.client.post
            data = {"data": {"csrf_token": tokens[one]}} if method == "POST" else {}
            answers = [send(address.format(whose), **data) for whose in (number, 424242)]
            # Not there, or not for this role at all; in either case as for somebody who never was.
            assert answers[0].status_code == answers[1].status_code in {404, 403}, (method, address)
            assert NAME.encode() not in answers[0].data
            asked += 1
        for address in ("/staff/people", "/staff/people?whose=organisation"):
            assert NAME not in one.text(address)
            asked += 1
    tally("requests after a withdrawal", asked)
