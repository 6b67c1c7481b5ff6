"""Which requests and loans ended, to be so again after a restore of an older copy of the database.

Who took back what they asked for is offered nothing, and who brought a device back is not asked for it. A number alone is
not enough: after a restore the next row may get the number of one that is lost. So each line says when its row was made.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.protections import Facts, Line, lines_of, moment
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest, Unit
from inclusion_app.loans.services import custody, endings, telling

REQUESTS, LOANS = "requests for a device that ended", "loans that ended"
KEPT = timedelta(days=92)
# `fulfilled` is the other half of a loan: without its row the request goes on waiting.
TAKEN_BACK = ("withdrawn", "declined", "expired")
LIVE = ("draft", "submitted", "need_info", "approved", "queued", "offered")


def facts_of(session: Session, known: Facts, *, now: datetime) -> Facts:
    """Requests (number, made, ended, how) and loans (number, issued, ended, how, cause); kept until no backup is so old."""
    since = now - KEPT
    requests = select(LoanRequest.id, LoanRequest.made_at, LoanRequest.ended_at, LoanRequest.status).where(
        LoanRequest.ended_at >= since, LoanRequest.status.in_(TAKEN_BACK)
    )
    loans = select(Loan.id, Loan.issued_at, Loan.ended_at, Loan.status, Loan.cause).where(
        Loan.ended_at >= since
    )
    return {
        REQUESTS: _fresh(known, REQUESTS, session.execute(requests).all(), since),
        LOANS: _fresh(known, LOANS, session.execute(loans).all(), since),
    }


def _fresh(known: Facts, kind: str, rows: object, since: datetime) -> list[Line]:
    lines: dict[Line, Line] = {line[:2]: line for line in lines_of(known, kind) if moment(line[2]) >= since}
    for number, made, at, *how in rows:  # type: ignore[attr-defined]
        line = (number, made.isoformat(), at.isoformat(), *how)
        lines[line[:2]] = line
    return list(lines.values())


def put_back(session: Session, *, facts: Facts, now: datetime) -> int:
    """End again what had ended. Returns how many requests and loans it was done to."""
    done = 0
    for number, made, _at, how, *_more in lines_of(facts, REQUESTS):
        request = session.scalar(
            select(LoanRequest).where(LoanRequest.id == number, LoanRequest.made_at == moment(made))
        )
        if request is not None and request.status in LIVE:
            _end_request(session, request, str(how), now)
            done += 1
    for number, made, _at, how, cause in lines_of(facts, LOANS):
        loan = session.scalar(select(Loan).where(Loan.id == number, Loan.issued_at == moment(made)))
        if loan is not None and loan.status in {"active", "lost"}:
            done += _end_loan(session, loan, str(how), str(cause or ""), now)
    return done


def _end_request(session: Session, request: LoanRequest, how: str, now: datetime) -> None:
    """Whatever it was then, it is taken back now: how it was declined is not known any more, and nothing is offered."""
    kept = update(LoanOffer).where(
        LoanOffer.request_id == request.id, LoanOffer.state.in_(custody.LIVE_OFFER)
    )
    rows_changed(session, kept.values(state="taken_back", ended_at=now, address=None))
    history.move(session, request, "withdrawn", actor="restore", now=now, why=how)
    request.ended_at = now
    session.flush()
    telling.take_back(session, request, now=now)


def _end_loan(session: Session, loan: Loan, how: str, cause: str, now: datetime) -> int:
    """A device that was back is in quarantine again, for somebody to wipe and check anew."""
    try:
        if how == "gifted" and loan.status == "active":
            endings.give_away(session, loan=loan, staff_id=None, now=now, owner_agrees=True)
        elif how == "lost" and loan.status == "active":
            endings.report_lost(session, loan=loan, cause=cause, staff_id=None, now=now)
        elif how == "returned" and loan.status == "lost":
            endings.found_again(session, loan=loan, staff_id=None, now=now)
        elif how == "returned":
            # Without a unit it is a SIM alone, which comes back by its loan.
            unit = session.get_one(Unit, loan.unit_id) if loan.unit_id is not None else None
            custody.take_in(session, unit=unit, loan=loan, staff_id=None, hold_days=0, now=now)
        else:
            return 0
    except RuleBroken:
        return 0
    session.flush()
    return 1
