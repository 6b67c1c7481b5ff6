"""Services of the directory, referrals and what stands in a case, for tests."""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from inclusion_app.core import crypto, kept_files
from inclusion_app.core.clock import now, today
from inclusion_app.people.models import Resident, SafeguardingFlag, SafeguardingWords
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseFile,
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    Referral,
    SavedView,
    SheetPerson,
)
from inclusion_app.referrals.services import machine, sending, staff_files
from inclusion_app.referrals.services.machine import Said

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
WHY = "They would like to learn how to send an e-mail."


def make_service(session: Session, *, organisation_id: int, **facts: Any) -> CityService:
    """A service for everybody, with no number of places."""
    usual = {
        "name": f"Help online {secrets.token_hex(3)}", "helps": "digital", "summary": "We sit beside you at a computer.",
        "phone": "0161 496 0000", "made_at": now(),
    }  # fmt: skip
    row = CityService(**{**usual, **facts}, organisation_id=organisation_id)
    session.add(row)
    session.flush()
    return row


def make_referral(
    session: Session,
    *,
    resident_id: int,
    service: CityService,
    sender_id: int,
    staff_id: int | None = None,
    items: tuple[str, ...] = ("identity", "contact"),
    mode: str = "cold",
    **facts: Any,
) -> Referral:
    """A referral as the service sends it, with a spoken yes to these items. `facts` are those of `sending.Wanted`."""
    introduced = {
        "introduced_how": "call", "introduced_on": today(), "introduced_to": "Kim of the desk",
    } if mode == "warm" else {}  # fmt: skip
    wanted = sending.Wanted(
        **{
            "form_key": secrets.token_hex(16), "why": WHY, "items": items if mode != "signposted" else (),
            "how": "screen", "has_yes": True, **introduced, **facts,
        },
        mode=mode,
    )  # fmt: skip
    person = session.get_one(Resident, resident_id)
    if mode == "cold" and not person.address:
        person.address = "1 Test Street"  # whoever is sent so can be reached
    return sending.refer(
        session, resident=person, service=service, sender_id=sender_id,
        staff_id=staff_id, wanted=wanted, today=today(), now=now(),
    )  # fmt: skip


def bring_to(session: Session, referral: Referral, *actions: str, staff_id: int | None = None) -> Referral:
    """Let its receiver (its sender for an answer) do these, one after the other, with what each of them asks for."""
    for action in actions:
        said = {
            "ask": Said(words="On which days can they come?"),
            "answer": Said(words="On any day but Friday."),
            "waitlist": Said(promised_on=today()),
            "decline": Said(reason="no_capacity"),
            "close": Said(outcome="got_help"),
        }.get(action, machine.NOTHING)
        actor = rules.SENDER if action in {"answer", "recall"} else rules.RECEIVER
        machine.act(
            session, referral=referral, actor=actor, action=action, staff_id=staff_id, said=said, now=now()
        )
    return referral


def make_note(session: Session, *, resident_id: int, organisation_id: int, **facts: Any) -> CaseNote:
    """A note about a visit today."""
    usual = {
        "form_key": secrets.token_hex(16), "kind": "visit", "happened_on": today(), "written_at": now(),
        "words": "We opened the library page together.",
    }  # fmt: skip
    row = CaseNote(**{**usual, **facts}, resident_id=resident_id, organisation_id=organisation_id)
    session.add(row)
    session.flush()
    return row


def make_task(session: Session, *, organisation_id: int, **facts: Any) -> CaseTask:
    """Something to do today."""
    usual = {
        "key": secrets.token_hex(16), "kind": "own", "due_on": today(), "made_at": now(), "words": "Call the library.",
    }  # fmt: skip
    row = CaseTask(**{**usual, **facts}, organisation_id=organisation_id)
    session.add(row)
    session.flush()
    return row


def make_file(session: Session, *, resident_id: int, organisation_id: int, **facts: Any) -> CaseFile:
    """A short PDF, sealed in the instance folder."""
    folder = current_app.extensions["settings"].instance / staff_files.FOLDER
    usual = {
        "name": "letter.pdf", "media_type": "application/pdf", "size": len(PDF), "added_at": now(),
        "stored_as": kept_files.write(folder, crypto.seal_bytes(PDF, staff_files.PLACE)),
    }  # fmt: skip
    row = CaseFile(**{**usual, **facts}, resident_id=resident_id, organisation_id=organisation_id)
    session.add(row)
    session.flush()
    return row


def make_sheet(
    session: Session, *, organisation_id: int, staff_id: int, people: tuple[int, ...] = ()
) -> OutreachSheet:
    """A printed sheet with these people on it."""
    row = OutreachSheet(organisation_id=organisation_id, staff_id=staff_id, made_at=now())
    session.add(row)
    session.flush()
    for place, number in enumerate(people, 1):
        session.add(SheetPerson(sheet_id=row.id, resident_id=number, place=place))
    session.flush()
    return row


def make_view(session: Session, *, organisation_id: int, staff_id: int, **facts: Any) -> SavedView:
    """Filters kept under a name."""
    row = SavedView(
        **{"name": "Late", "filters": "due=late", **facts}, organisation_id=organisation_id, staff_id=staff_id
    )
    session.add(row)
    session.flush()
    return row


def make_flag(
    session: Session, *, resident_id: int, organisation_id: int, raised_by_id: int, **facts: Any
) -> SafeguardingFlag:
    """Somebody fears for a resident, and wrote why."""
    row = SafeguardingFlag(
        **{"form_key": secrets.token_hex(16), "raised_at": now(), **facts}, resident_id=resident_id,
        organisation_id=organisation_id, raised_by_id=raised_by_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(
        SafeguardingWords(flag_id=row.id, words="Canary fear", at=row.raised_at, staff_id=raised_by_id)
    )
    session.flush()
    return row
