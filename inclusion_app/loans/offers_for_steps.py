"""What the loan scheme tells the plan: a device that can be borrowed for a step, and what somebody asked for or has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlalchemy.orm import Session, aliased, lazyload, selectinload

from inclusion_app.core import i18n
from inclusion_app.loans.models import DeviceModel, DeviceModelText, Loan, LoanOffer, LoanRequest, LoanScheme
from inclusion_app.loans.rules import LIVE
from inclusion_app.loans.services.custody import LIVE_OFFER
from inclusion_app.loans.wording import how_it_stands, model_words

MOST = 2


@dataclass(frozen=True)
class Lent:
    """A device that can be borrowed and moves a step."""

    model_id: int
    title: str
    title_language: str


@dataclass(frozen=True)
class Mine:
    """What somebody asked for or has: how it stands (N_), until when, and when somebody asks how it goes."""

    title: str
    title_language: str
    code: str
    stands: str
    due_on: date | None
    fetch_at: datetime | None
    follow_up_on: date | None


def for_steps(
    session: Session, step_ids: Collection[str], *, resident_id: int | None = None
) -> dict[str, list[Lent]]:
    """For each step at most two devices that can be asked for now; a step without one is not in it. One query.

    What this resident waits for or has already is left out.
    """
    if not step_ids:
        return {}
    language = i18n.current_language().slug
    own, english = aliased(DeviceModelText), aliased(DeviceModelText)
    moves = literal(" ") + DeviceModel.steps + literal(" ")
    wanted = (
        select(DeviceModel.id, DeviceModel.name, DeviceModel.steps, own.title, english.title)
        .join(LoanScheme, LoanScheme.organisation_id == DeviceModel.organisation_id)
        .outerjoin(own, (own.model_id == DeviceModel.id) & (own.language == language))
        .outerjoin(english, (english.model_id == DeviceModel.id) & (english.language == "en"))
        .where(
            DeviceModel.is_offered,
            LoanScheme.is_open,
            or_(*(moves.contains(f" {step_id} ", autoescape=True) for step_id in step_ids)),
            ~exists().where(
                LoanRequest.model_id == DeviceModel.id,
                LoanRequest.resident_id == resident_id,
                _is_still_on(),
            ),
        )
        .order_by(DeviceModel.kind, DeviceModel.id)
    )
    found: dict[str, list[Lent]] = {}
    for number, name, steps, in_own, in_english in session.execute(wanted):
        lent = Lent(number, in_own or in_english or name, language if in_own else "en")
        for step_id in set(steps.split()) & set(step_ids):
            mine = found.setdefault(step_id, [])
            if len(mine) < MOST:
                mine.append(lent)
    return found


def _is_still_on() -> ColumnElement[bool]:
    """Of a request: somebody waits for it, is offered it, or has what came of it."""
    its_loan = aliased(Loan)
    has_it = exists().where(its_loan.loan_request_id == LoanRequest.id, its_loan.status == "active")
    return and_(LoanRequest.forgotten_at.is_(None), or_(LoanRequest.status.in_(LIVE), has_it))


def loans_of(session: Session, resident_id: int) -> list[Mine]:
    """What somebody waits for, is offered or has, the newest last; what has ended is not in it."""
    wanted = (
        select(LoanRequest, Loan, LoanOffer)
        .outerjoin(Loan, Loan.loan_request_id == LoanRequest.id)
        .outerjoin(LoanOffer, (LoanOffer.request_id == LoanRequest.id) & LoanOffer.state.in_(LIVE_OFFER))
        .where(LoanRequest.resident_id == resident_id, _is_still_on())
        .order_by(LoanRequest.id)
        .options(
            lazyload(Loan.request),
            lazyload(Loan.unit),
            selectinload(LoanRequest.model).selectinload(DeviceModel.texts),
        )
    )
    found = []
    for request, loan, offer in session.execute(wanted):
        words = model_words(request.model)
        is_kept = offer is not None and offer.state == "accepted"
        asks = loan is not None and loan.outcome_asked_at is None
        found.append(
            Mine(
                words.title,
                words.tag,
                request.code,
                how_it_stands(request, loan, is_kept=is_kept),
                loan.due_on if loan is not None else None,
                offer.slot_at if offer is not None else None,
                loan.follow_up_on if loan is not None and asks else None,
            )
        )
    return found
