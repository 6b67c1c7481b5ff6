"""How somebody of the staff might reach further than the person wished: each way is tried, and each is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message
from inclusion_app.people import services
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import BreakGlass, Consent, ContactRoute, Feedback, Resident, Restriction
from inclusion_app.people.my_record_words import DONE
from tests.conftest import StaffBrowser
from tests.factories.people import make_consent, put_on_caseload
from tests.factories.world import make_glass, make_request
from tests.people.test_staff_pages import NEW
from tests.people.world import NAME, PHONE, code_of, looked_after

Staff = Callable[..., StaffBrowser]


def break_glass(app: Flask, staff: StaffBrowser, number: int, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        return make_glass(
            session, resident_id=number, staff_id=staff.staff_id, organisation_id=staff.organisation_id,
            **{"began_at": now(), "open_slot": staff.staff_id, **facts},
        )  # fmt: skip


def keep_from(app: Flask, number: int, staff: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=staff.staff_id, made_at=now()))


def test_broken_glass_shows_what_is_not_shared_and_changes_none_of_it(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker, items=("identity",))
    break_glass(app, worker, number)
    page = worker.text(f"/staff/people/{number}")
    assert "07700 900123" in page
    assert "Change who they are" in page
    assert "Change how to reach them" not in page
    assert "Change what they need" not in page
    for part in ("contact", "needs"):
        assert worker.get(f"/staff/people/{number}/{part}").status_code == 404
        sent = worker.send(f"/staff/people/{number}/{part}", form_on=f"/staff/people/{number}")
        assert sent.status_code == 404
    with app.app_context(), transaction() as session:
        routes = session.scalars(select(ContactRoute.value).where(ContactRoute.resident_id == number)).all()
        assert PHONE in routes


def test_an_officer_sees_nobody_they_are_kept_from_whatever_request_they_open(
    app: Flask, staff_browser: Staff
) -> None:
    officer, another = staff_browser("data_protection"), staff_browser("data_protection")
    number = looked_after(app, None)
    with app.app_context(), transaction() as session:
        request = make_request(session, resident_id=number, opened_by_id=officer.staff_id)
    assert officer.get(f"/staff/requests/{request}/person").status_code == 200
    keep_from(app, number, officer)
    for path in (f"/staff/people/{number}", f"/staff/requests/{request}/person"):
        assert officer.get(path).status_code == 404, path
        assert another.get(path).status_code == 200, path
    bundle = officer.send(f"/staff/requests/{request}/bundle", form_on="/staff")
    assert bundle.status_code == 404
    # The clock goes on, and whoever keeps it sees that: nothing of the person stands there.
    page = officer.text(f"/staff/requests/{request}")
    assert f"/staff/requests/{request}/person" not in page


def test_whoever_agreed_to_it_does_not_review_it(app: Flask, staff_browser: Staff) -> None:
    admin, officer = staff_browser("platform_admin"), staff_browser("data_protection")
    another = staff_browser("data_protection")
    number = looked_after(app, None)
    glass = break_glass(app, admin, number, role="platform_admin", second_id=officer.staff_id)
    assert officer.get(f"/staff/break-glass/{glass}").status_code == 404
    path = f"/staff/break-glass/{glass}/review"
    assert officer.send(path, form_on="/staff", finding="justified").status_code == 404
    assert another.send(path, form_on="/staff", finding="justified").status_code == 303
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        session.get_one(BreakGlass, glass).reviewed_by_id = officer.staff_id


def told(app: Flask, number: int) -> list[str]:
    """What this resident was told, by the name of the message."""
    with app.app_context(), transaction() as session:
        rows = select(Message.template).where(Message.resident_id == number).order_by(Message.id)
        return list(session.scalars(rows))


def test_an_agreement_the_staff_write_down_is_told_to_the_person_and_has_somebody_who_answers_for_it(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    number = looked_after(app, worker, items=("identity",))
    path = f"/staff/people/{number}/consents/new"
    facts: dict[str, Any] = {"items": ["identity", "contact"], "purpose": "help", "language": "en"}
    # Nobody proved here that it was the person who ticked.
    assert worker.send(path, **facts, how="screen").status_code == 422
    assert told(app, number) == []
    assert worker.send(path, **facts, how="spoken").status_code == 303
    assert told(app, number) == ["consent_recorded"]
    with app.app_context(), transaction() as session:
        newest = select(Consent).where(Consent.resident_id == number).order_by(Consent.id.desc())
        assert session.scalars(newest).first().told_staff_id == worker.staff_id  # type: ignore[union-attr]


def test_a_limit_the_staff_set_or_lift_is_told_to_the_person(app: Flask, staff_browser: Staff) -> None:
    worker, colleague = staff_browser("caseworker"), staff_browser("caseworker")
    number = looked_after(app, worker)
    path = f"/staff/people/{number}/restrict"
    assert worker.send(path, restricted="y", staff=[str(colleague.staff_id)]).status_code == 303
    assert told(app, number) == ["restricted_changed"]
    with app.app_context(), transaction() as session:
        limit = session.scalars(select(Restriction.id).where(Restriction.resident_id == number)).one()
    assert worker.send(f"{path}/{limit}/end", form_on=path).status_code == 303
    assert told(app, number) == ["restricted_changed", "restricted_changed"]


@pytest.mark.parametrize(
    ("outcome", "said"), [("granted", ["request_done"]), ("partly", ["request_done"]), ("refused", [])]
)
def test_the_end_of_a_request_is_told_to_the_person(
    app: Flask, staff_browser: Staff, outcome: str, said: list[str]
) -> None:
    officer, number = staff_browser("data_protection"), looked_after(app, None)
    with app.app_context(), transaction() as session:
        request = make_request(session, resident_id=number, opened_by_id=officer.staff_id)
    path = f"/staff/requests/{request}"
    assert officer.send(f"{path}/close", form_on=path, outcome=outcome).status_code == 303
    assert told(app, number) == said


def test_a_code_given_since_by_somebody_else_is_on_no_paper_of_before(
    app: Flask, staff_browser: Staff
) -> None:
    first, second = staff_browser("front_desk"), staff_browser("front_desk")
    number = looked_after(app, None)
    given = {"step": "give", "pin": "8306", "pin_again": "8306", "what": "code"}
    assert first.send("/staff/desk", person=code_of(app, number), **given).location == "/staff/desk/paper"
    assert second.send("/staff/desk", person=code_of(app, number), **given).location == "/staff/desk/paper"
    theirs = show_code(code_of(app, number))
    assert theirs in second.text("/staff/desk/paper")
    assert first.get("/staff/desk/paper").location == "/staff/desk"


def test_a_code_renewed_since_is_not_shown_to_whoever_made_the_record(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    made = worker.send("/staff/people/new", **NEW)
    assert show_code(code_of(app, 1)) in worker.text(made.location)
    with app.app_context(), transaction() as session:
        services.renew_code(session, resident=session.get_one(Resident, 1), now=now())
    assert worker.get(made.location).status_code == 404


def test_what_a_look_was_for_and_in_which_role_is_said_as_it_was(app: Flask, staff_browser: Staff) -> None:
    both = staff_browser("caseworker", "data_protection")
    number = looked_after(app, None)
    with app.app_context(), transaction() as session:
        request = make_request(session, resident_id=number, opened_by_id=both.staff_id)
    for path in (f"/staff/people/{number}", f"/staff/requests/{request}/person"):
        assert both.get(path).status_code == 200
        assert newest_look(app, number)[:2] == ("data_protection", "request"), path
    assert "record" in newest_look(app, number)[2]
    worker = staff_browser("caseworker")
    glass = break_glass(app, worker, number)
    worker.text(f"/staff/people/{number}")
    assert newest_look(app, number)[:2] == ("caseworker", "safety")
    # Whoever judges it reads who looked, not all that is held.
    worker.text(f"/staff/break-glass/{glass}")
    assert newest_look(app, number) == ("caseworker", "safety", "reason looks")


def newest_look(app: Flask, number: int) -> tuple[str, str, str]:
    with app.app_context(), transaction() as session:
        rows = select(AuditRow).where(AuditRow.resident_id == number).order_by(AuditRow.id.desc())
        row = session.scalars(rows).first()
        assert row is not None
        return row.actor_kind, row.purpose, row.items


def test_every_act_on_a_person_has_words_of_its_own_on_their_record() -> None:
    """What is written by code and read by a resident must not come out as "Changed your record"."""
    said = {
        *(
            "ask to break glass",
            "give new secret",
            "take tray item",
            "give back tray item",
            "finish tray item",
        ),
        *("free tray item", "send message again", "open by link", "delete", "expire"),
    }
    assert said - DONE.keys() == {"delete", "expire"}  # of whom nothing is left to read


def test_a_record_that_was_linked_is_not_lost_to_an_organisation_the_other_is_not_shared_with(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    number, kept = looked_after(app, worker), looked_after(app, None, name="The Other")
    with app.app_context(), transaction() as session:
        session.get_one(Resident, number).merged_into_id = kept
    assert NAME in worker.text("/staff/people")
    with app.app_context(), transaction() as session:
        make_consent(session, resident_id=kept, organisation_id=worker.organisation_id)
        put_on_caseload(
            session, resident_id=kept, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
    page = worker.text("/staff/people")
    assert NAME not in page
    assert "The Other" in page


def test_no_warning_of_a_match_tells_of_somebody_who_is_kept_from_whoever_asks(
    app: Flask, staff_browser: Staff
) -> None:
    worker = staff_browser("caseworker")
    hidden, mine = looked_after(app, None), looked_after(app, worker, name="Somebody Else")
    path = f"/staff/people/{mine}/identity"
    answer = worker.send(path, name="Somebody Else", age_band="25_49")
    assert words.POSSIBLE_MATCH in worker.text(answer.location)  # they have one phone
    keep_from(app, hidden, worker)
    answer = worker.send(path, name="Somebody Else", age_band="25_49")
    assert words.POSSIBLE_MATCH not in worker.text(answer.location)


def test_a_complaint_is_never_without_a_reader(app: Flask, staff_browser: Staff) -> None:
    admin, officer = staff_browser("organisation_admin"), staff_browser("data_protection")
    number = looked_after(app, None)
    with app.app_context(), transaction() as session:
        row = Feedback(
            resident_id=number, organisation_id=admin.organisation_id, kind="complaint", words="They laughed.",
            language="en", made_at=now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        path = f"/staff/feedback/{row.id}"
    assert (admin.get(path).status_code, officer.get(path).status_code) == (200, 404)
    keep_from(app, number, admin)
    assert (admin.get(path).status_code, officer.get(path).status_code) == (404, 200)
