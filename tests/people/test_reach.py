"""How somebody of the staff might reach further than the person wished: each way is tried, and each is closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people.models import BreakGlass, ContactRoute, Restriction
from tests.conftest import StaffBrowser
from tests.factories.world import make_glass, make_request
from tests.people.world import PHONE, looked_after

Staff = Callable[..., StaffBrowser]
REASON = "Their neighbour rang: they do not open the door since Monday."


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
