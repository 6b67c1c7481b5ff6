"""What is kept of a request or a loan goes: with its person, and by the schedule. What is out stays out until its day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.core.retention_runs import keep
from inclusion_app.loans.models import Loan, LoanRequest, RequestAnswers
from inclusion_app.loans.services import telling
from inclusion_app.messages import services as messages
from inclusion_app.people import services as people

REFUSED = ("declined", "withdrawn", "expired")
APART = {"synchronize_session": False}
AT_ONCE = 500


def erase_of_resident(session: Session, *, resident_id: int) -> None:
    """Somebody is deleted: what they asked for, said and signed goes, and what was kept for them is free again.

    A loan stays without them: the machine is out, or the figures count it. Nobody is reminded of it any more.
    """
    mine = select(LoanRequest.id).where(LoanRequest.resident_id == resident_id)
    theirs = or_(Loan.resident_id == resident_id, Loan.loan_request_id.in_(mine))
    nobody = {"resident_id": None, "loan_request_id": None, "signature": None, "follow_up_on": None}
    rows_changed(session, update(Loan).where(theirs).values(**nobody))
    delete_requests(session, session.scalars(mine).all())


def delete_requests(session: Session, numbers: Sequence[int]) -> int:
    """These requests go with their offers, answers, notes and code, and the words of what was told about them."""
    session.flush()
    for begin in range(0, len(numbers), AT_ONCE):
        some = numbers[begin : begin + AT_ONCE]
        hashes = select(LoanRequest.code_hash).where(LoanRequest.id.in_(some))
        for code_hash in session.scalars(hashes).all():
            people.take_back_code(session, code_hash=code_hash)
        for number in some:
            messages.forget_about(session, about=telling.about_number(number))
        session.execute(delete(LoanRequest).where(LoanRequest.id.in_(some)), execution_options=APART)
    session.expire_all()
    return len(numbers)


# --- by the schedule


def delete_refused(session: Session, *, now: datetime) -> int:
    """Requests that came to nothing, half a year after they ended, and drafts nobody sent for as long. Returns how many."""
    moment = now - keep("loan-request")
    over = and_(LoanRequest.status.in_(REFUSED), LoanRequest.ended_at <= moment)
    unsent = and_(LoanRequest.status == "draft", LoanRequest.made_at <= moment)
    old = select(LoanRequest.id).where(or_(over, unsent)).order_by(LoanRequest.id)
    return delete_requests(session, session.scalars(old).all())


def forget_answers(session: Session, *, now: datetime) -> int:
    """The yes and no behind the points, and why somebody was put first, 90 days after the request ended. The sum stays.

    The code opens its page as long as they have the device, and as long again after it ended: with it they keep it
    longer, say that it is lost and read when it is due. Returns how many requests lost something.
    """
    moment = now - keep("loan-answers")
    over = LoanRequest.ended_at.is_not(None), LoanRequest.ended_at <= moment
    has_answers = exists().where(RequestAnswers.request_id == LoanRequest.id)
    its_loan_counts = exists().where(
        Loan.loan_request_id == LoanRequest.id, or_(Loan.status == "active", Loan.ended_at > moment)
    )
    told = session.scalars(
        select(LoanRequest.id).where(*over, or_(has_answers, LoanRequest.put_first_for.is_not(None)))
    ).all()
    closed = session.scalars(
        select(LoanRequest.id).where(*over, LoanRequest.forgotten_at.is_(None), ~its_loan_counts)
    ).all()
    for begin in range(0, len(told), AT_ONCE):
        some = told[begin : begin + AT_ONCE]
        session.execute(
            delete(RequestAnswers).where(RequestAnswers.request_id.in_(some)), execution_options=APART
        )
        gone = {"put_first_at": None, "put_first_for": None}
        rows_changed(session, update(LoanRequest).where(LoanRequest.id.in_(some)).values(**gone))
    for begin in range(0, len(closed), AT_ONCE):
        some = closed[begin : begin + AT_ONCE]
        # Asked once more: an undone return may have made the loan active again in between.
        closing = update(LoanRequest).where(LoanRequest.id.in_(some), ~its_loan_counts)
        rows_changed(session, closing.values(forgotten_at=now))
    session.expire_all()
    return len({*told, *closed})


def delete_old_loans(session: Session, *, now: datetime) -> int:
    """Loans with their parts and agreement, two years after they ended, and the requests they came from. Returns how many."""
    moment = now - keep("loan")
    old = select(Loan.id, Loan.loan_request_id).where(Loan.ended_at <= moment).order_by(Loan.id)
    rows = session.execute(old).all()
    session.flush()
    for begin in range(0, len(rows), AT_ONCE):
        some = [row.id for row in rows[begin : begin + AT_ONCE]]
        session.execute(delete(Loan).where(Loan.id.in_(some)), execution_options=APART)
    from_them = [row.loan_request_id for row in rows if row.loan_request_id is not None]
    # And what was handed over, but whose loan is gone for another reason.
    alone = select(LoanRequest.id).where(
        LoanRequest.status == "fulfilled",
        LoanRequest.ended_at <= moment,
        ~exists().where(Loan.loan_request_id == LoanRequest.id),
    )
    delete_requests(session, sorted({*from_them, *session.scalars(alone)}))
    return len(rows)
