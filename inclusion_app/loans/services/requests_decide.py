"""What a coordinator decides of a request: ask for more, put it in the queue, decline it with the ways on, put it first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import StatusChange, move
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import LoanNote, LoanRequest, LoanScheme, RequestAnswers
from inclusion_app.loans.services import offers, queue, telling

CHOOSE_QUESTION = N_("Choose a question.")
CHOOSE_REASON = N_("Choose a reason.")
SAY_WHY = N_("Write why they come first.")
WRITE_NOTE = N_("Write a note.")
WHY_LENGTH, NOTE_LENGTH = 300, 1000


def approve(session: Session, *, request: LoanRequest, staff_id: int | None, now: datetime) -> None:
    """Into the queue, with the time since they asked. If one is ready and they are next, it is offered at once.

    Raises RuleBroken when it was decided already.
    """
    move(session, request, "approved", actor="staff", now=now)
    count_points(session, request)
    request.waits_since = request.waits_since or request.made_at
    request.reason = ""
    move(session, request, "queued", actor="staff", now=now)
    session.flush()
    offers.serve(session, organisation_id=request.organisation_id, model_id=request.model_id, now=now)
    if request.status == "queued":
        telling.tell(session, request, "loan_queued", key=f"queued {request.id} {now.isoformat()}", now=now)


def count_points(session: Session, request: LoanRequest) -> None:
    """The sum of its reasons by the points of today; as it stands when the answers are gone."""
    kept = session.get(RequestAnswers, request.id)
    if kept is not None:
        request.points = rules.points_of(queue.true_reasons(kept.answers), request.scheme.points)


def ask_more(
    session: Session, *, request: LoanRequest, question: str, staff_id: int | None, now: datetime
) -> None:
    """Ask a ready-made question by their own way. What was kept for them is free meanwhile; their time counts on.

    Raises RuleBroken for a question nobody knows, and when it was decided already.
    """
    if question not in rules.QUESTIONS:
        raise RuleBroken(CHOOSE_QUESTION, field="question")
    freed = offers.end_offer(session, request=request, to="taken_back", now=now)
    move(session, request, "need_info", actor="staff", now=now, why=question)
    request.reason = question
    session.flush()
    telling.tell(
        session, request, f"loan_need_{question}", key=f"need {request.id} {now.isoformat()}", now=now
    )
    _serve_if(session, request, freed, now)


def answer_more(session: Session, *, request: LoanRequest, actor: str = "resident", now: datetime) -> None:
    """They answered, or a coordinator has spoken to them: it waits for a decision again, with its time kept.

    Raises RuleBroken when nothing was asked.
    """
    if request.status != "need_info":
        raise RuleBroken(CHANGED_ALREADY)
    move(session, request, "submitted", actor=actor, now=now)
    request.reason = ""
    telling.take_back(session, request, now=now, key_begins="need ")
    session.flush()


def unanswered(now: datetime) -> Select[int]:
    """The requests that were asked something so long ago that they end, as a query."""
    edge = now - timedelta(days=rules.ANSWER_DAYS)
    asked_since = exists().where(
        StatusChange.noun == LoanRequest.__tablename__,
        StatusChange.row_id == LoanRequest.id,
        StatusChange.after == "need_info",
        StatusChange.at > edge,
    )
    return select(LoanRequest.id).where(
        # Each scheme by its number: the index of the queue begins with it.
        LoanRequest.organisation_id.in_(select(LoanScheme.organisation_id)),
        LoanRequest.status == "need_info",
        LoanRequest.made_at <= edge,
        ~asked_since,
    )


def expire_unanswered(session: Session, *, now: datetime) -> int:
    """End what nobody answered, and tell each of them once that they can ask again. Returns how many ended.

    Whoever answers at this moment is passed over.
    """
    ended = 0
    for number in session.scalars(unanswered(now).order_by(LoanRequest.id)).all():
        held = select(LoanRequest).where(LoanRequest.id == number, LoanRequest.status == "need_info")
        held = held.with_for_update(of=LoanRequest, skip_locked=True)
        request = session.scalar(held.execution_options(populate_existing=True))
        if request is None:
            continue
        move(session, request, "expired", actor="queue", now=now, why="no_answer")
        request.ended_at = now
        session.flush()
        telling.take_back(session, request, now=now)
        telling.tell(session, request, "loan_expired", key=f"expired {number}", now=now)
        telling.tell_sender(session, request, now=now)
        ended += 1
    return ended


def decline(
    session: Session, *, request: LoanRequest, reason: str, staff_id: int | None, now: datetime
) -> None:
    """No, with a reason of rules.DECLINED and the ways on; told by their own way.

    Raises RuleBroken for a reason nobody knows, and when it was decided already.
    """
    if reason not in rules.DECLINED:
        raise RuleBroken(CHOOSE_REASON, field="reason")
    freed = offers.end_offer(session, request=request, to="taken_back", now=now)
    request.reason = reason
    move(session, request, "declined", actor="staff", now=now, why=reason)
    request.ended_at = now
    session.flush()
    telling.take_back(session, request, now=now)
    telling.tell(session, request, f"loan_declined_{reason}", key=f"declined {request.id}", now=now)
    telling.tell_sender(session, request, now=now)
    _serve_if(session, request, freed, now)


def _serve_if(session: Session, request: LoanRequest, freed: bool, now: datetime) -> None:
    if freed:
        offers.serve(session, organisation_id=request.organisation_id, model_id=request.model_id, now=now)


def put_first(session: Session, *, request: LoanRequest, why: str, now: datetime) -> None:
    """Before everybody who waits for this model, for a reason that is kept. One statement; a second time is the same.

    Raises RuleBroken without a reason, and for a request that does not wait.
    """
    why = why.replace("\x00", "").strip()[:WHY_LENGTH]
    if not why:
        raise RuleBroken(SAY_WHY, field="why")
    _put(session, request, put_first_at=now, put_first_for=why)


def put_back(session: Session, *, request: LoanRequest) -> None:
    """Undo it: the points decide again. Raises RuleBroken for a request that does not wait."""
    _put(session, request, put_first_at=None, put_first_for=None)


def _put(session: Session, request: LoanRequest, **values: object) -> None:
    putting = update(LoanRequest).where(LoanRequest.id == request.id, LoanRequest.status == "queued")
    session.flush()
    if rows_changed(session, putting.values(**values)) == 0:
        raise RuleBroken(CHANGED_ALREADY)
    session.refresh(request)


def add_note(
    session: Session, *, request: LoanRequest, words: str, staff_id: int | None, now: datetime
) -> LoanNote:
    """A note about the loan. Raises RuleBroken for an empty one."""
    words = words.replace("\x00", "").strip()[:NOTE_LENGTH]
    if not words:
        raise RuleBroken(WRITE_NOTE, field="words")
    note = LoanNote(loan_request_id=request.id, words=words, made_at=now, staff_id=staff_id)
    session.add(note)
    session.flush()
    return note
