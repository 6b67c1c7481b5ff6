"""What this room holds of a resident: what they asked for, what they borrowed, and what was noted of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.registry import Fact, Holding, hold
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import (
    Loan,
    LoanNote,
    LoanOffer,
    LoanPart,
    LoanRequest,
    Renewal,
    RequestAnswers,
    SimUse,
)
from inclusion_app.loans.services import forgetting

ASKED = {
    "draft": N_("You began to ask for a device"),
    "submitted": N_("You asked for a device"),
    "need_info": N_("You asked for a device. We need to know more"),
    "approved": N_("You asked for a device"),
    "queued": N_("You wait for a device"),
    "offered": N_("A device is kept for you"),
    "fulfilled": N_("You asked for a device and got it"),
    "declined": N_("You asked for a device. We said no"),
    "withdrawn": N_("You asked for a device and took it back"),
    "expired": N_("You asked for a device. We heard no more from you"),
}
LENT = {
    "active": N_("You borrow a device"),
    "returned": N_("You borrowed a device"),
    "lost": N_("A device that is gone. You owe nothing"),
    "gifted": N_("A device that is yours now"),
}


def _requests(session: Session, resident_id: int) -> Sequence[LoanRequest]:
    mine = select(LoanRequest).where(LoanRequest.resident_id == resident_id)
    return session.scalars(mine.order_by(LoanRequest.made_at, LoanRequest.id)).all()


def _loans(session: Session, resident_id: int) -> Sequence[Loan]:
    mine = select(Loan).where(Loan.resident_id == resident_id)
    return session.scalars(mine.order_by(Loan.issued_at, Loan.id)).all()


def _answers(session: Session, request_id: int) -> dict[str, Any]:
    row = session.get(RequestAnswers, request_id)
    return dict(row.answers) if row is not None else {}


def _notes(session: Session, request_id: int) -> Sequence[LoanNote]:
    theirs = select(LoanNote).where(LoanNote.loan_request_id == request_id)
    return session.scalars(theirs.order_by(LoanNote.made_at, LoanNote.id)).all()


def _addresses(session: Session, request_id: int) -> Sequence[str]:
    wanted = select(LoanOffer.address).where(
        LoanOffer.request_id == request_id, LoanOffer.address.is_not(None)
    )
    return [address for address in session.scalars(wanted) if address]


def _title(request: LoanRequest) -> str:
    words = request.model.text_in(i18n.current_language().slug)
    return words.title if words else request.model.name


def _named(table: Any, codes: str) -> str:
    return _(", ").join(_(table[code]) for code in codes.split() if code in table)


def _page_of(request: LoanRequest) -> tuple[str, str] | None:
    """Its own page; there is none when its code was forgotten."""
    return ("loans.request_page", request.code) if request.forgotten_at is None else None


def _describe_request(session: Session, request: LoanRequest) -> list[Fact]:
    made = i18n.day_words(i18n.local(request.made_at).date())
    said = [code for code, yes in _answers(session, request.id).items() if yes is True]
    facts = [
        Fact(ASKED[request.status], _(", ").join([_title(request), made]), opens=_page_of(request)),
        Fact(N_("What for"), _named(rules.PURPOSES, request.purposes)),
        Fact(N_("For whom"), _named(rules.WHOM, request.whom)),
        Fact(N_("How it is set for you"), _named(rules.SETTINGS, request.settings)),
        Fact(N_("Why you come sooner"), _named(rules.REASONS, " ".join(said))),
        Fact(N_("Why a person put you first"), request.put_first_for or ""),
        *(Fact(N_("Where it is brought"), address) for address in _addresses(session, request.id)),
        *(Fact(N_("What we noted about it"), note.words) for note in _notes(session, request.id)),
    ]
    return [fact for fact in facts if fact.value]


def _describe_loan(loan: Loan) -> list[Fact]:
    begun = i18n.day_words(i18n.local(loan.issued_at).date())
    name = loan.unit.model.name if loan.unit is not None else _("SIM card with data")
    facts = [Fact(LENT[loan.status], _(", ").join([name, begun]))]
    if loan.status == "active":
        facts.append(Fact(N_("To bring back by"), i18n.day_words(loan.due_on)))
    if loan.signature:
        facts.append(Fact(N_("What you signed"), _("We keep your signature with the agreement.")))
    return facts


def describe(session: Session, resident_id: int) -> list[Fact]:
    """Each request with what was said for it, and each loan."""
    facts = [
        fact for request in _requests(session, resident_id) for fact in _describe_request(session, request)
    ]
    return facts + [fact for loan in _loans(session, resident_id) for fact in _describe_loan(loan)]


def export(session: Session, resident_id: int) -> dict[str, Any]:
    """Everything as data. No code is a fact to hand on."""
    return {
        "requests": [_export_request(session, request) for request in _requests(session, resident_id)],
        "loans": [_export_loan(session, loan) for loan in _loans(session, resident_id)],
    }


def _export_request(session: Session, request: LoanRequest) -> dict[str, Any]:
    return {
        "device": request.model.name,
        "state": request.status,
        "made_at": request.made_at.isoformat(),
        "ended_at": request.ended_at.isoformat() if request.ended_at else None,
        "purposes": request.purposes.split(),
        "for": request.whom,
        "wants_data": request.wants_data,
        "language": request.language,
        "settings": request.settings.split(),
        "ward": request.ward,
        "points": request.points,
        "answers": _answers(session, request.id),
        "waits_since": request.waits_since.isoformat() if request.waits_since else None,
        "put_first_for": request.put_first_for,
        "reason": request.reason,
        "agreed_to": request.consent_wording,
        "agreed_how": request.consent_how,
        "brought_to": list(_addresses(session, request.id)),
        "notes": [
            {"at": note.made_at.isoformat(), "words": note.words} for note in _notes(session, request.id)
        ],
    }


def _export_loan(session: Session, loan: Loan) -> dict[str, Any]:
    parts = session.scalars(select(LoanPart).where(LoanPart.loan_id == loan.id).order_by(LoanPart.id))
    uses = session.scalars(select(SimUse).where(SimUse.loan_id == loan.id).order_by(SimUse.id))
    asked = session.scalars(select(Renewal).where(Renewal.loan_id == loan.id).order_by(Renewal.id))
    return {
        "device": loan.unit.model.name if loan.unit else None,
        "tag": loan.unit.tag if loan.unit else None,
        "state": loan.status,
        "issued_at": loan.issued_at.isoformat(),
        "due_on": loan.due_on.isoformat(),
        "ended_at": loan.ended_at.isoformat() if loan.ended_at else None,
        "cause": loan.cause,
        "agreement": loan.agreement,
        "agreed_how": loan.agreed_how,
        "signature": loan.signature,
        "parts": [
            {
                "name": part.name,
                "out": part.count_out,
                "back": part.count_back,
                "is_damaged": part.is_damaged,
            }
            for part in parts
        ],
        "sims": [
            {
                "number": use.sim.number,
                "from_at": use.from_at.isoformat(),
                "until_at": use.until_at.isoformat() if use.until_at else None,
            }
            for use in uses
        ],
        "kept_longer": [
            {"asked_at": row.asked_at.isoformat(), "how": row.how, "refused_for": row.refused_for,
             "new_due_on": row.new_due_on.isoformat() if row.new_due_on else None}
            for row in asked
        ],
    }  # fmt: skip


def erase(session: Session, resident_id: int) -> None:
    """What they asked for and signed goes; a machine that is out stays out, without them."""
    forgetting.erase_of_resident(session, resident_id=resident_id)


TABLES = ("loan_requests", "loans")
hold(Holding("loans", N_("What you borrow"), TABLES, describe, export, erase))
