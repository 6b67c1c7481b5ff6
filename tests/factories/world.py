"""A small city for the matrix of the staff: two organisations, everybody who works there, and residents of each kind.

`TARGETS` says for each name of a part of an address which ids to ask for. A new page with an id of its own kind needs
one more line there, and `build` perhaps a row to point at.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Invitation
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.groups.services import begin_help, make_group
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.contact import hash_of_value
from inclusion_app.people.models import (
    AccessRequest,
    BreakGlass,
    Consent,
    ContactRoute,
    Feedback,
    Merge,
    Restriction,
)
from inclusion_app.referrals.rules import RESIDENT
from inclusion_app.referrals.services import machine
from inclusion_app.training.models import Notice, TrainingSession, WalkIn
from tests.factories import loans, referrals
from tests.factories.accounts import make_organisation, make_staff, sign_in
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.training import make_booking, make_session

UNKNOWN = 999_999
CASES = ("own", "other", "restricted", "withdrawn", "kept", "unknown")


@dataclass
class World:
    """Ids by plain names. `tokens` open the sign-in of each role at Red Door; residents are named by their case."""

    red: int
    blue: int
    staff: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    residents: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    glasses: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    # Rows of other rooms by the name of the part of an address that asks for them.
    rows: dict[str, dict[str, int]] = field(default_factory=dict)


# Parts of the addresses of the loan scheme, and of which row the id is.
LOAN_ROWS = (
    "model_id", "unit_id", "sim_id", "stock_item_id", "loan_request_id", "pool_id", "offer_id", "loan_id", "evidence_id",
    "wipe_id", "ticket_id", "transfer_id", "count_id",
)  # fmt: skip

REFERRAL_ROWS = (
    "referral_id",
    "service_id",
    "note_id",
    "task_id",
    "file_id",
    "sheet_id",
    "view_id",
    "flag_id",
)

# The ids to ask for under the name of a part of an address. A case that means nothing there is left out; "unknown" is
# always there, for it is what the others are compared with.
TARGETS: dict[str, Callable[[World], Mapping[str, Any]]] = {
    "resident_id": lambda world: {**world.residents, "unknown": UNKNOWN},
    "glass_id": lambda world: {**world.glasses, "unknown": UNKNOWN},
    "request_id": lambda world: {**world.requests, "unknown": UNKNOWN},
    "organisation_id": lambda world: {"own": world.red, "other": world.blue, "unknown": UNKNOWN},
    "staff_id": lambda world: {
        "own": world.staff["caseworker"], "other": world.staff["of Blue Door"], "unknown": UNKNOWN
    },
    "credential_id": lambda _world: {"unknown": "00000000-0000-4000-8000-000000000000"},
    # Every service stands in the directory for all the staff to read; whose it is says who may change it.
    "listed_id": lambda world: {"own": world.rows["service_id"]["own"], "unknown": UNKNOWN},
    # Links open nothing by being guessed.
    "token": lambda _world: {"unknown": "x" * 43},
    **{
        name: lambda world, name=name: {**world.rows[name], "unknown": UNKNOWN}
        for name in (
            "consent_id", "restriction_id", "merge_id", "feedback_id", "item_id", "message_id", "invitation_id", "number",
            "session_id", "course_id", "occurrence_id", "booking_id", "arrangement_id", "walk_in_id", "notice_id", *LOAN_ROWS,
            "facilitated_id", *REFERRAL_ROWS,
        )
    },
    # Beside an id: what is done with it, or in which language; whosever it is.
    "what": lambda world: dict.fromkeys((*world.rows["arrangement_id"], "unknown"), "arranged"),
    "action": lambda world: dict.fromkeys((*world.rows["referral_id"], "unknown"), "decline"),
    **{
        name: lambda world: dict.fromkeys((*world.rows["course_id"], *world.rows["model_id"], "unknown"), "ur")
        for name in ("language", "tongue")
    },
}  # fmt: skip


def make_glass(
    session: Session, *, resident_id: int, staff_id: int, organisation_id: int, **facts: Any
) -> int:
    """Broken two hours ago and over, unless said otherwise."""
    began = facts.pop("began_at", now() - timedelta(hours=2))
    usual = {
        "role": "caseworker", "reason": "They did not come and nobody can reach them.", "asked_at": began,
        "began_at": began, "ends_at": began + timedelta(hours=1) if began else None,
    }  # fmt: skip
    row = BreakGlass(
        **{**usual, **facts}, resident_id=resident_id, staff_id=staff_id, organisation_id=organisation_id
    )
    session.add(row)
    session.flush()
    return row.id


def make_request(session: Session, *, resident_id: int, opened_by_id: int, **facts: Any) -> int:
    """An open request for a copy that came today."""
    usual = {
        "kind": "access",
        "received_on": today(),
        "due_on": today() + timedelta(days=30),
        "opened_at": now(),
    }
    row = AccessRequest(**{**usual, **facts}, resident_id=resident_id, opened_by_id=opened_by_id)
    session.add(row)
    session.flush()
    return row.id


def build(session: Session) -> World:
    """Red Door with one of each role, Blue Door with a caseworker, and four residents.

    `own` shares with Red Door, `other` with Blue Door; `restricted` shares with Red Door and is marked so; `withdrawn`
    took their consent back. All of Red Door's stand on its caseworker's caseload, but for who is restricted.
    """
    red = make_organisation(session, name="Red Door", shares_caseload=True)
    blue = make_organisation(session, name="Blue Door", shares_caseload=True)
    world = World(red.id, blue.id)
    for role in ROLES:
        person = make_staff(session, organisation_id=red.id, roles=(role,), name=f"{ROLES[role]} of Red Door")
        world.staff[role] = person.id
        world.tokens[role] = sign_in(session, staff_id=person.id, organisation_id=red.id)
    of_blue = make_staff(session, organisation_id=blue.id, roles=("caseworker",), name="Bo Blue")
    colleague = make_staff(session, organisation_id=red.id, roles=("caseworker",), name="Remi Red")
    admin = make_staff(session, organisation_id=red.id, roles=("platform_admin",), name="Ada Admin")
    world.staff |= {"of Blue Door": of_blue.id, "colleague": colleague.id, "another admin": admin.id}
    for case in ("own", "other", "restricted", "withdrawn"):
        person = make_person(session, name=f"Canary {case}", is_restricted=case == "restricted")
        world.residents[case], world.codes[case] = person.id, person.code
        where = blue.id if case == "other" else red.id
        facts = {"withdrawn_at": now()} if case == "withdrawn" else {}
        make_consent(session, resident_id=person.id, organisation_id=where, **facts)
        if case != "restricted":
            worker = of_blue.id if case == "other" else world.staff["caseworker"]
            put_on_caseload(session, resident_id=person.id, staff_id=worker, organisation_id=where)
    here, there = world.residents["own"], world.residents["other"]
    world.glasses = {
        "own": make_glass(session, resident_id=there, staff_id=colleague.id, organisation_id=red.id),
        "other": make_glass(session, resident_id=here, staff_id=of_blue.id, organisation_id=blue.id),
        # A platform admin asks for a second person.
        "asked": make_glass(
            session, resident_id=here, staff_id=admin.id, organisation_id=red.id, role="platform_admin",
            began_at=None, asked_at=now(), open_slot=admin.id,
        ),
    }  # fmt: skip
    officer = world.staff["data_protection"]
    world.requests = {
        "own": make_request(session, resident_id=here, opened_by_id=officer),
        "closed": make_request(
            session, resident_id=there, opened_by_id=officer, closed_at=now(), outcome="granted"
        ),
    }
    _add_rows(session, world)
    return world


def _add_rows(session: Session, world: World) -> None:
    """One row of each kind that belongs to Red Door, and one that belongs to Blue Door."""
    here, there = world.residents["own"], world.residents["other"]
    consents = {
        case: session.scalars(select(Consent.id).where(Consent.resident_id == number)).one()
        for case, number in world.residents.items()
    }
    restrictions, merges, feedback, items, messages, invitations, sessions = ({} for _ in range(7))  # type: ignore[var-annotated]
    for case, number, organisation_id, by in (
        ("own", here, world.red, world.staff["colleague"]),
        ("other", there, world.blue, world.staff["of Blue Door"]),
    ):
        restriction = Restriction(resident_id=number, organisation_id=world.blue if case == "own" else world.red,
                                  made_at=now())  # fmt: skip
        merge = Merge(
            kept_id=number, gone_id=make_person(session).id, organisation_id=organisation_id, asked_by_id=by, asked_at=now()
        )  # fmt: skip
        said = Feedback(
            resident_id=number, organisation_id=organisation_id, kind="complaint", words="Nobody called.", language="en",
            made_at=now(),
        )  # fmt: skip
        message = Message(
            key=f"world-{case}", template="request_done", language="en", params={}, resident_id=number,
            organisation_id=organisation_id, channel="call", to="+447700900123", state="sent", sent_at=now(),
            next_try_at=now(), made_at=now(),
        )  # fmt: skip
        invitation = Invitation(
            token_hash=secrets.token_hex(32), email="new@example.org", email_hash=secrets.token_hex(32),
            organisation_id=organisation_id, roles="caseworker", made_at=now(), expires_at=now() + timedelta(days=3),
        )  # fmt: skip
        route = ContactRoute(
            resident_id=number, position=1, kind="call", value="+447700900123", value_hash=hash_of_value("+447700900123"),
            made_at=now(),
        )  # fmt: skip
        session.add_all((restriction, merge, said, message, invitation, route))
        session.flush()
        item = TrayItem(message_id=message.id, organisation_id=organisation_id, kind="call", made_at=now())
        session.add(item)
        sign_in(session, staff_id=by, organisation_id=organisation_id)
        session.flush()
        restrictions[case], merges[case], feedback[case] = restriction.id, merge.id, said.id
        messages[case], items[case], invitations[case] = message.id, item.id, invitation.id
        sessions["other"] = (
            session.scalars(select(StaffSession.id).where(StaffSession.staff_id == by)).first() or 0
        )
    world.rows = {
        "consent_id": consents, "restriction_id": restrictions, "merge_id": merges, "feedback_id": feedback,
        "item_id": items, "message_id": messages, "invitation_id": invitations, "number": sessions,
    }  # fmt: skip
    _add_training(session, world)
    _add_loans(session, world)
    _add_referrals(session, world)
    _add_groups(session, world)


def _add_groups(session: Session, world: World) -> None:
    """A group that Red Door's facilitator leads, and one that nobody leads."""
    groups = {
        case: make_group(
            session, name=f"Canary group {case}", secret_kind="pin", secret_hash="x", language="en", now=now()
        )
        for case in ("own", "other")
    }
    me = Principal("staff", staff_id=world.staff["group_facilitator"], organisation_id=world.red)
    begin_help(session, principal=me, group=groups["own"], now=now())
    world.rows["facilitated_id"] = {case: group.id for case, group in groups.items()}


def _add_training(session: Session, world: World) -> None:
    """A session of each organisation, with a booking of somebody who keeps no plan, what they need, and a walk-in.

    At Red Door's somebody restricted is booked too (`restricted`), and somebody who is kept from Red Door (`kept`).
    """
    found: dict[str, dict[str, int]] = {
        name: {}
        for name in (
            "session_id", "course_id", "occurrence_id", "booking_id", "arrangement_id", "walk_in_id", "notice_id",
        )
    }  # fmt: skip
    who = {
        "label": "Canary learner",
        "contact_kind": "call",
        "contact": "+447700900123",
        "needs": {"codes": ["bsl"]},
    }
    for case, organisation_id in (("own", world.red), ("other", world.blue)):
        days = [today() + timedelta(days=number) for number in (10, 17)]
        training = make_session(session, organisation_id=organisation_id, booked_as="course", days=days)
        booking = make_booking(session, training, **who)
        walk_in = WalkIn(
            occurrence_id=training.occurrences[0].id, label="Canary walk-in", marked_at=now(),
            form_key=secrets.token_hex(16),
        )  # fmt: skip
        notice = Notice(
            session_id=training.id, template="training_bring", params={"things": "a pen"}, made_at=now()
        )
        session.add_all((walk_in, notice))
        session.flush()
        found["session_id"][case], found["course_id"][case] = training.id, training.course_id
        found["occurrence_id"][case], found["booking_id"][case] = training.occurrences[0].id, booking.id
        found["arrangement_id"][case] = booking.arrangements[0].id
        found["walk_in_id"][case], found["notice_id"][case] = walk_in.id, notice.id
    ours = session.get_one(TrainingSession, found["session_id"]["own"])
    kept = make_person(session, name="Canary kept").id
    session.add(Restriction(resident_id=kept, organisation_id=world.red, made_at=now()))
    for case, number in (("restricted", world.residents["restricted"]), ("kept", kept)):
        booking = make_booking(session, ours, resident_id=number, **who)
        found["booking_id"][case] = booking.id
        found["arrangement_id"][case] = booking.arrangements[0].id
    world.rows |= found


def _add_loans(session: Session, world: World) -> None:
    """A scheme of each organisation with one row of each kind; at Red Door's somebody restricted and somebody kept ask too."""
    found: dict[str, dict[str, int]] = {name: {} for name in LOAN_ROWS}
    here, there = world.residents["own"], world.residents["other"]
    kept = make_person(session, name="Canary kept from the scheme").id
    session.add(Restriction(resident_id=kept, organisation_id=world.red, made_at=now()))
    for case, organisation_id, number in (("own", world.red, here), ("other", world.blue, there)):
        scheme = loans.make_scheme(session, organisation_id=organisation_id)
        model = loans.make_model(session, scheme=scheme)
        unit = loans.make_unit(session, model=model)
        lent = loans.make_loan(
            session,
            unit=loans.make_unit(session, model=model),
            request=loans.make_request(session, model=model, resident_id=number, status="offered"),
        )
        asked = loans.make_request(session, model=model, resident_id=number, referrer_id=organisation_id)
        for name, row in (
            loans.one_of_each(session, scheme=scheme, unit=unit, request=asked) | {"loan_id": lent}
        ).items():
            found[name][case] = row.id
        if case == "own":
            for which, who in (("restricted", world.residents["restricted"]), ("kept", kept)):
                asks = loans.make_request(
                    session, model=model, resident_id=who, status="offered", referrer_id=world.red
                )
                found["loan_request_id"][which] = asks.id
                found["loan_id"][which] = loans.make_loan(
                    session, unit=loans.make_unit(session, model=model), request=asks
                ).id
    world.rows |= found


def _add_referrals(session: Session, world: World) -> None:
    """A service of each organisation, and one row of each kind of a case.

    `own` referral: sent by Blue Door, received by Red Door, about the resident both know. `other`: from a third
    organisation to Blue Door. `restricted` and `kept`: of people whom Red Door's caseworker may not see. `withdrawn`: the
    person took it back.
    """
    found: dict[str, dict[str, int]] = {name: {} for name in REFERRAL_ROWS}
    here, there = world.residents["own"], world.residents["other"]
    third = make_organisation(session, name="Third Door")
    services = {}
    for case, organisation_id, staff_id, number in (
        ("own", world.red, world.staff["caseworker"], here),
        ("other", world.blue, world.staff["of Blue Door"], there),
    ):
        services[case] = referrals.make_service(session, organisation_id=organisation_id)
        found["service_id"][case] = services[case].id
        mine = {"organisation_id": organisation_id}
        rows = {
            "note_id": referrals.make_note(session, resident_id=number, author_id=staff_id, **mine),
            "task_id": referrals.make_task(session, resident_id=number, owner_id=staff_id, **mine),
            "file_id": referrals.make_file(session, resident_id=number, author_id=staff_id, **mine),
            "sheet_id": referrals.make_sheet(session, staff_id=staff_id, people=(number,), **mine),
            "view_id": referrals.make_view(session, staff_id=staff_id, **mine),
            "flag_id": referrals.make_flag(session, resident_id=number, raised_by_id=staff_id, **mine),
        }
        for name, row in rows.items():
            found[name][case] = row.id
    restricted = make_person(session, name="Canary restricted referral", is_restricted=True).id
    kept, left = (make_person(session, name=f"Canary {name} referral").id for name in ("kept", "withdrawn"))
    for case, number, service, sender_id in (
        ("own", make_person(session, name="Canary referred").id, services["own"], world.blue),
        ("other", there, services["other"], third.id),
        ("restricted", restricted, services["own"], third.id),
        ("kept", kept, services["own"], third.id),
        ("withdrawn", left, services["own"], third.id),
    ):
        sent = referrals.make_referral(session, resident_id=number, service=service, sender_id=sender_id)
        found["referral_id"][case] = sent.id
        if case == "withdrawn":
            machine.act(session, referral=sent, actor=RESIDENT, action="withdraw", now=now())
    session.add(Restriction(resident_id=kept, organisation_id=world.red, made_at=now()))
    session.flush()
    world.rows |= found
