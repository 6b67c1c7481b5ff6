"""Who of the staff may see a booking: every role, every kind of booking, against a grid written by hand.

What people's own policy denies is not opened by a booking: whom somebody is kept from does not find them in a register.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.permissions import PermissionTable
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.messages.policy import TRAY
from inclusion_app.people import policy as people
from inclusion_app.people.models import Resident, Restriction
from inclusion_app.training import policy
from inclusion_app.training.models import Booking, TrainingSession
from inclusion_app.training.services import bookings
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.training import make_booking, make_session


@dataclass(frozen=True)
class Facts:
    """What is true of one booking, seen from one member of staff."""

    by: str = "us"  # who runs the session: us, them
    plan: str = (
        ""  # the booking of somebody with a plan: shared with "us" or "them", or "unshared"; of nobody known
    )
    kept: str = ""  # from me, us, colleague, them
    restricted: bool = False
    status: str = "booked"  # or cancelled, waitlisted, offered, requested
    booked_by: str = ""  # me: I booked it for them; the organisation for which I did is ours
    caseload: bool = False


WORLD = {
    "nobody we know": Facts(),
    "nobody we know, with them": Facts(by="them"),
    "somebody with a plan that is not shared": Facts(plan="unshared"),
    "somebody with a plan that is shared": Facts(plan="us"),
    "somebody of another organisation": Facts(plan="them"),
    "somebody on my caseload, with them": Facts(by="them", plan="us", caseload=True),
    "booked by me, with them": Facts(by="them", booked_by="me"),
    "booked by me for somebody on my caseload, with them": Facts(by="them", plan="us", caseload=True, booked_by="me"),
    "restricted": Facts(plan="us", restricted=True),
    "restricted, with them": Facts(by="them", plan="us", restricted=True, caseload=True),
    "kept from me": Facts(plan="us", kept="me"),
    "kept from us": Facts(plan="us", kept="us"),
    "kept from us, and shares nothing": Facts(plan="unshared", kept="us"),
    "kept from a colleague": Facts(plan="us", kept="colleague"),
    "kept from them": Facts(plan="us", kept="them"),
    **{f"it is {status}": Facts(status=status) for status in ("cancelled", "waitlisted", "offered", "requested")},
    **{f"kept from us, {status}": Facts(plan="us", kept="us", status=status) for status in ("cancelled", "waitlisted")},
}  # fmt: skip


def expected(right: str, roles: frozenset[str], facts: Facts) -> bool:
    """The grid of the design, in plain words: an organiser reads the bookings of their own organisation's sessions."""
    if right != "booking.read":
        return False  # marking: nobody's row, whoever shows their code is looked up by it
    return "training_organiser" in roles and facts.by == "us" and facts.kept not in {"me", "us"}


@dataclass(frozen=True)
class Here:
    us: int
    them: int
    me: int
    colleague: int


def put(session: Session, here: Here, facts: Facts) -> int:
    """A booking of which these facts are true."""
    where = here.us if facts.by == "us" else here.them
    as_ = "undated" if facts.status == "requested" else "single"
    training = make_session(session, organisation_id=where, capacity=1, booked_as=as_)
    first = make_booking(session, training) if facts.status in {"waitlisted", "offered"} else None
    resident_id = None
    if facts.plan:
        resident_id = make_person(session, is_restricted=facts.restricted).id
        if facts.plan != "unshared":
            to = here.us if facts.plan == "us" else here.them
            make_consent(session, resident_id=resident_id, organisation_id=to)
        if facts.caseload:
            put_on_caseload(session, resident_id=resident_id, staff_id=here.me, organisation_id=here.us)
        column = {
            "me": {"staff_id": here.me}, "colleague": {"staff_id": here.colleague}, "us": {"organisation_id": here.us},
            "them": {"organisation_id": here.them}, "": {},
        }[facts.kept]  # fmt: skip
        if column:
            session.add(Restriction(resident_id=resident_id, made_at=now(), **column))
    by_me = {"staff_id": here.me, "organisation_id": here.us} if facts.booked_by else {}
    booking = make_booking(session, training, resident_id=resident_id, waiting_mode="ask_me", **by_me)
    if first is not None and facts.status == "offered":
        bookings.cancel(session, booking_id=first.id, by="learner", now=now())
    if facts.status == "cancelled":
        bookings.cancel(session, booking_id=booking.id, by="learner", now=now())
    assert booking.status == facts.status
    return booking.id


def test_list_and_check_and_the_grid_by_hand_agree_on_every_cell(
    app: Flask, tally: Callable[[str, int], None]
) -> None:
    with app.app_context(), transaction() as session:
        us, them = make_organisation(session, shares_caseload=True).id, make_organisation(session).id
        me, colleague = (make_staff(session, organisation_id=us).id for _ in range(2))
        here = Here(us, them, me, colleague)
        found = {name: (put(session, here, facts), facts) for name, facts in WORLD.items()}
        cells, yes = 0, set()
        held = [frozenset[str](), *(frozenset({role}) for role in ROLES), frozenset(ROLES)]
        for right in policy.BOOKINGS.grid:
            for roles in held:
                asks = Principal("staff", staff_id=me, organisation_id=us, roles=roles)
                listed = set(session.scalars(select(Booking.id).where(policy.BOOKINGS.rows(right, asks))))
                for name, (number, facts) in found.items():
                    cell = f"{right} by {sorted(roles)} of: {name}"
                    checked = policy.BOOKINGS.allows(session, right, asks, number)
                    assert checked == (number in listed), cell
                    assert checked == expected(right, roles, facts), cell
                    cells += 1
                    yes |= set(roles) if checked and len(roles) == 1 else set()
        assert yes == {"training_organiser"}
    tally("cells of who may see a booking", cells)


@pytest.mark.parametrize("table", [policy.SESSIONS, *(t for t in (getattr(policy, "COURSES", None),) if t)])
def test_only_the_organisation_that_runs_a_session_runs_it(app: Flask, table: PermissionTable) -> None:
    with app.app_context(), transaction() as session:
        sessions = {
            name: make_session(session, organisation_id=make_organisation(session).id)
            for name in ("us", "them")
        }
        us, them = sessions["us"].organisation_id, sessions["them"].organisation_id
        me = make_staff(session, organisation_id=us).id
        ours = sessions["us"].id if table.model is TrainingSession else sessions["us"].course_id
        for role in ROLES:
            for organisation in (us, them):
                asks = Principal("staff", staff_id=me, organisation_id=organisation, roles=frozenset({role}))
                for right in table.grid:
                    may = table.allows(session, right, asks, ours)
                    assert may == (role == "training_organiser" and organisation == us), (right, role)


def test_a_booking_opens_nothing_else_of_a_person(app: Flask) -> None:
    """An organiser who reads a booking of somebody's reaches not one item of their record, and finds them nowhere."""
    with app.app_context(), transaction() as session:
        training = make_session(session)
        us = training.organisation_id
        me = make_staff(session, organisation_id=us).id
        shared, alone = make_person(session).id, make_person(session).id
        make_consent(session, resident_id=shared, organisation_id=us)
        for number in (shared, alone):
            make_booking(session, training, resident_id=number, contact_kind="record")
        asks = Principal("staff", staff_id=me, organisation_id=us, roles=frozenset({"training_organiser"}))
        assert (
            len(session.scalars(select(Booking.id).where(policy.BOOKINGS.rows("booking.read", asks))).all())
            == 2
        )
        for right in people.TABLE.grid:
            assert session.scalars(select(Resident.id).where(people.TABLE.rows(right, asks))).all() == []
        # And a caseworker of the organisation does not find by a booking whom they could not find without it.
        worker = Principal("staff", staff_id=me, organisation_id=us, roles=frozenset({"caseworker"}))
        for right in people.TABLE.grid:
            reached = session.scalars(select(Resident.id).where(people.TABLE.rows(right, worker))).all()
            assert alone not in reached, right


@pytest.mark.parametrize(("kept", "shown"), [("", 1), ("us", 0), ("me", 0), ("them", 1)])
def test_no_tray_of_the_provider_shows_whom_somebody_is_kept_from(app: Flask, kept: str, shown: int) -> None:
    """The number stands in the booking, which they do not see; so no call item may show it either."""
    with app.app_context(), transaction() as session:
        training = make_session(session)
        us, them = training.organisation_id, make_organisation(session).id
        me = make_staff(session, organisation_id=us, roles=("training_organiser",)).id
        number = make_person(session).id
        column = {
            "us": {"organisation_id": us},
            "me": {"staff_id": me},
            "them": {"organisation_id": them},
        }.get(kept)
        if column:
            session.add(Restriction(resident_id=number, made_at=now(), **column))
            session.flush()
        make_booking(session, training, resident_id=number, contact_kind="call", contact="+447700900123")
        asks = Principal("staff", staff_id=me, organisation_id=us, roles=frozenset({"training_organiser"}))
        items = session.scalars(select(TrayItem).where(TRAY.rows("tray.work", asks))).all()
        assert len(items) == shown
        # By wire it goes all the same: nobody there reads the address.
        mail = make_booking(
            session, training, resident_id=number, contact_kind="email", contact="a@example.org"
        )
        sent = session.scalars(select(Message.state).where(Message.about == f"booking {mail.id}")).all()
        assert sent == ["waiting"]
