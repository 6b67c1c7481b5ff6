"""Whose caseworker left: the admin hands the caseload on and sees nobody of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import select, update

from inclusion_app.accounts.models import Membership
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction
from tests.conftest import StaffBrowser
from tests.people.world import NAME, looked_after, rows_of

Make = Callable[..., StaffBrowser]


def loads(app: Flask) -> set[tuple[int, int]]:
    with app.app_context(), transaction() as session:
        rows = session.execute(select(CaseloadEntry.staff_id, CaseloadEntry.resident_id))
        return {(row.staff_id, row.resident_id) for row in rows}


def test_who_left_leaves_nobody_alone(app: Flask, staff_browser: Make) -> None:
    gone, stays = staff_browser("caseworker", name="Gone Girl"), staff_browser("caseworker", name="Stays On")
    admin, other = staff_browser("organisation_admin"), staff_browser("caseworker", organisation="Blue Door")
    one, hidden, afraid = looked_after(app, gone), looked_after(app, gone), looked_after(app, gone)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=afraid, staff_id=stays.staff_id, made_at=now()))
        session.execute(update(Membership).where(Membership.staff_id == gone.staff_id).values(until_at=now()))
        session.get_one(Resident, hidden).is_restricted = True
    assert stays.get(f"/staff/people/{one}").status_code == 404
    assert "2 people are on the caseload of somebody who left" in admin.text("/staff")
    page = admin.text("/staff/caseloads")
    assert "Gone Girl" in page and NAME not in page
    ids = {"from_id": str(gone.staff_id), "to_id": str(stays.staff_id)}
    for wrong in (
        {"to_id": str(other.staff_id)},
        {"to_id": str(gone.staff_id)},
        {"from_id": "x"},
        {"from_id": str(stays.staff_id)},
    ):
        assert admin.send("/staff/caseloads", **{**ids, **wrong}).status_code == 422, wrong
    unchosen = admin.send("/staff/caseloads", from_id=str(gone.staff_id), to_id="").get_data(as_text=True)
    assert "Choose who looks after them." in unchosen
    nobodys = admin.send("/staff/caseloads", from_id="", to_id=str(stays.staff_id)).get_data(as_text=True)
    assert "Choose whose people are handed on." in nobodys
    assert admin.send("/staff/caseloads", **ids).status_code == 303
    assert loads(app) == {(stays.staff_id, one), (gone.staff_id, hidden), (gone.staff_id, afraid)}
    assert stays.get(f"/staff/people/{one}").status_code == 200
    assert rows_of(app, one)[-2][:4] == ("hand on", admin.staff_id, one, "help")
    assert admin.get(f"/staff/people/{one}").status_code == 403


def test_no_other_role_hands_on(app: Flask, staff_browser: Make) -> None:
    for role in ("caseworker", "safeguarding_lead", "platform_admin", "front_desk"):
        assert staff_browser(role).get("/staff/caseloads").status_code == 403
    elsewhere, here = (
        staff_browser("organisation_admin", organisation="Blue Door"),
        staff_browser("caseworker"),
    )
    looked_after(app, here)
    assert "Nobody is a caseworker here yet." in elsewhere.text("/staff/caseloads")
