"""What staff read of one loan: whose it is, its parts, its SIMs, its notes, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.loans import policy
from inclusion_app.loans.models import DeviceModel, Loan, LoanNote, LoanPart, LoanRequest, SimUse
from inclusion_app.loans.services import telling
from inclusion_app.loans.services.renewals import model_of
from inclusion_app.loans.staff_people import name_of, speaks_first
from inclusion_app.places.models import Place


@dataclass(frozen=True)
class WholeLoan:
    """One loan with all that its page says. `told_by` is the kind of their own way; None where there is none."""

    loan: Loan
    model: DeviceModel | None
    request: LoanRequest | None
    name: str
    place: Place | None
    owner: str
    issued_by: str
    told_by: str | None
    parts: Sequence[LoanPart]
    sims: Sequence[SimUse]
    notes: Sequence[tuple[LoanNote, str]]
    speak_first: bool = False

    @property
    def sim(self) -> SimUse | None:
        """The SIM that is in it now."""
        return next((use for use in self.sims if use.until_at is None), None)


def loan_for(session: Session, principal: Principal, loan_id: int) -> Loan | None:
    """One loan of the scheme; None for one of nobody's business here."""
    mine = policy.LOANS.rows("loan.run", principal)
    return session.scalar(select(Loan).where(Loan.id == loan_id, mine))


def whole(session: Session, principal: Principal, loan: Loan, now: datetime) -> WholeLoan:
    """What the page of a loan says."""
    request = telling.request_of(session, loan)
    issuer = session.get(Staff, loan.issued_by_id) if loan.issued_by_id is not None else None
    owner = session.get(Organisation, loan.unit.owner_id) if loan.unit is not None else None
    way = telling.own_way(session, request, now).route if request is not None else None
    uses = select(SimUse).where(SimUse.loan_id == loan.id).order_by(SimUse.from_at.desc(), SimUse.id.desc())
    notes = (
        select(LoanNote, Staff.name)
        .outerjoin(Staff, Staff.id == LoanNote.staff_id)
        .where(LoanNote.loan_request_id == loan.loan_request_id)
        .order_by(LoanNote.made_at.desc(), LoanNote.id.desc())
    )
    return WholeLoan(
        loan=loan,
        model=model_of(session, loan),
        request=request,
        name=name_of(session, principal, loan.resident_id),
        place=session.get(Place, loan.place_id),
        owner=owner.name
        if owner is not None and loan.unit and loan.unit.owner_id != loan.unit.holder_id
        else "",
        issued_by=issuer.name if issuer is not None else "",
        told_by=way.kind if way is not None else None,
        parts=list(
            session.scalars(select(LoanPart).where(LoanPart.loan_id == loan.id).order_by(LoanPart.id))
        ),
        sims=list(session.scalars(uses)),
        notes=[(note, name or "") for note, name in session.execute(notes)] if request is not None else [],
        speak_first=speaks_first(session, loan.resident_id),
    )
