"""Keeping it longer: by code, link, text message, helper or desk. One statement grants it; a no comes with its reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, Loan, LoanRequest, LoanScheme, Renewal
from inclusion_app.loans.services import telling
from inclusion_app.loans.services.days import due_on


def model_of(session: Session, loan: Loan) -> DeviceModel | None:
    """What is lent. None for a SIM alone whose person has left nothing with us."""
    if loan.unit is not None:
        return loan.unit.model
    request = telling.request_of(session, loan)
    return request.model if request is not None else None


def _somebody_waits(loan: Loan, model: DeviceModel | None) -> ColumnElement[bool]:
    """Somebody else stands in the queue for this model. Who has an offer needs no device of another."""
    wanted = [
        LoanRequest.organisation_id == loan.organisation_id,
        LoanRequest.status == "queued",
        LoanRequest.resident_id.is_distinct_from(loan.resident_id),
    ]
    if model is not None:
        wanted.append(LoanRequest.model_id == model.id)
    else:
        sims = select(DeviceModel.id).where(DeviceModel.kind == "sim")
        wanted.append(LoanRequest.model_id.in_(sims))
    return exists().where(*wanted)


def _granted_since(loan: Loan, since: datetime) -> ColumnElement[bool]:
    return exists().where(
        Renewal.loan_id == loan.id, Renewal.asked_at >= since, Renewal.new_due_on.is_not(None)
    )


def _midnight(now: datetime) -> datetime:
    day = now.astimezone(LONDON).date()
    return moment(day, datetime.min.time())


def why_not(session: Session, loan: Loan, now: datetime) -> str | None:
    """A code of rules.NOT_RENEWED, as it is at this moment; None when it can be kept longer."""
    model = model_of(session, loan)
    most = _most(session, loan)
    return rules.why_not_renew(
        renewals=loan.renewals,
        most=most,
        somebody_waits=bool(session.scalar(select(_somebody_waits(loan, model)))),
        is_active=loan.status == "active",
        has_asked_today=bool(session.scalar(select(_granted_since(loan, _midnight(now))))),
    )


def is_granted_today(session: Session, loan: Loan, now: datetime) -> bool:
    """They asked today and got a new day. Until midnight that is all to say of it, whatever stands against one more."""
    return bool(session.scalar(select(_granted_since(loan, _midnight(now)))))


def _most(session: Session, loan: Loan) -> int:
    found = session.scalar(
        select(LoanScheme.max_renewals).where(LoanScheme.organisation_id == loan.organisation_id)
    )
    return found if found is not None else 0


def is_last(session: Session, loan: Loan) -> bool:
    """It was kept longer as often as it can be: now is the time to speak of ways to a device of one's own."""
    return loan.status == "active" and loan.renewals >= _most(session, loan)


def new_due_day(session: Session, loan: Loan, now: datetime) -> date:
    """Until when it could be kept: as long again from its due day, or from today where that has passed."""
    model = model_of(session, loan)
    since = max(loan.due_on, now.astimezone(LONDON).date())
    return due_on(session, place_id=loan.place_id, since=since, days=model.loan_days if model else 30)


def ask_to_renew(session: Session, *, loan: Loan, how: str, form_key: str, now: datetime) -> Renewal:
    """Keep it longer. What came of it stands in the row: a new due day, or why not (`refused_for`).

    The same form sent twice asks once. A due day only ever moves on. Raises RuleBroken for a form of another loan.
    """
    known = _known(session, loan, form_key)
    if known is not None:
        return known
    # As it stands in the record, not as a page showed it some minutes ago.
    session.refresh(loan)
    seen, wanted, model = loan.due_on, new_due_day(session, loan, now), model_of(session, loan)
    granting = update(Loan).where(
        Loan.id == loan.id,
        Loan.status == "active",
        Loan.renewals < _most(session, loan),
        # Of two who press at once the second finds another day here.
        Loan.due_on == seen,
        Loan.due_on < wanted,
        ~_somebody_waits(loan, model),
        ~_granted_since(loan, _midnight(now)),
    )
    try:
        with session.begin_nested():
            granted = rows_changed(session, granting.values(due_on=wanted, renewals=Loan.renewals + 1)) == 1
            session.refresh(loan)
            # Nothing stands in its way, and still it was not granted: somebody asked in the same moment.
            refused = None if granted else why_not(session, loan, now) or "asked"
            row = Renewal(
                form_key=form_key, loan_id=loan.id, how=how, asked_at=now,
                new_due_on=wanted if granted else None, refused_for=refused,
            )  # fmt: skip
            session.add(row)
    except IntegrityError:
        # The same form came a second time while the first was at work.
        session.refresh(loan)
        found = _known(session, loan, form_key)
        if found is None:
            raise
        return found
    _tell(session, loan, row, now)
    return row


def _known(session: Session, loan: Loan, form_key: str) -> Renewal | None:
    known = session.scalar(select(Renewal).where(Renewal.form_key == form_key))
    if known is not None and known.loan_id != loan.id:
        raise RuleBroken(CHANGED_ALREADY)
    return known


def _tell(session: Session, loan: Loan, row: Renewal, now: datetime) -> None:
    """A new day is told, and reminders of the old one are not true any more. A no is told to whom only a message reaches."""
    request = telling.request_of(session, loan)
    if request is None:
        return
    if row.new_due_on is not None:
        telling.take_back(session, request, now=now, key_begins=f"remind {loan.id} ")
        telling.tell(
            session, request, "loan_kept_longer", key=f"renewed {row.id}", now=now,
            day=row.new_due_on.isoformat(), useful_until=moment(row.new_due_on, datetime.min.time()),
        )  # fmt: skip
    elif row.how == "sms" and row.refused_for != "asked":
        telling.tell(
            session, request, f"loan_not_kept_{row.refused_for}", key=f"renewed {row.id}", now=now,
            day=loan.due_on.isoformat(),
        )  # fmt: skip


def tell_anew(session: Session, loan: Loan, number: int, now: datetime) -> None:
    """The answer to this asking was taken back before it left, by a return that was none."""
    row = session.get(Renewal, number)
    if row is not None and row.loan_id == loan.id and loan.status == "active":
        _tell(session, loan, row, now)


def renewals_of(session: Session, loan: Loan) -> list[Renewal]:
    """Every time somebody asked, the last one first."""
    theirs = select(Renewal).where(Renewal.loan_id == loan.id)
    return list(session.scalars(theirs.order_by(Renewal.asked_at.desc(), Renewal.id.desc())))


SOON = timedelta(days=14)


def keep_by_text(session: Session, *, resident_ids: list[int], now: datetime) -> int:
    """Somebody answered KEEP to a reminder: what is due soon or late is kept longer, each loan by its own rule.

    Answered twice it is asked once: the form is the loan with its due day. Returns how many were asked for.
    """
    soon = now.astimezone(LONDON).date() + SOON
    theirs = select(Loan).where(
        Loan.resident_id.in_(resident_ids), Loan.status == "active", Loan.due_on <= soon
    )
    loans = session.scalars(theirs.order_by(Loan.id)).all()
    for loan in loans:
        key = f"sms {loan.id} {loan.due_on.isoformat()} {now.astimezone(LONDON).date().isoformat()}"
        ask_to_renew(session, loan=loan, how="sms", form_key=key, now=now)
    return len(loans)


def renewed_in_all(session: Session, organisation_id: int) -> int:
    """How often something was kept longer; for the figures."""
    granted = select(func.count(Renewal.id)).join(Loan, Loan.id == Renewal.loan_id)
    found = session.scalar(
        granted.where(Loan.organisation_id == organisation_id, Renewal.new_due_on.is_not(None))
    )
    return found or 0
