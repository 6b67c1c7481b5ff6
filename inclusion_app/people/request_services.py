"""Requests by right: opened, extended once, closed. While one is open, the data-protection officer reaches its person."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.registry import holidays
from inclusion_app.people import my_record_services
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import AccessRequest
from inclusion_app.people.policy import REQUEST_TABLE
from inclusion_app.people.rules import (
    EXTENSIONS,
    REQUEST_KINDS,
    REQUEST_MONTHS,
    REQUEST_MONTHS_MORE,
    REQUEST_OUTCOMES,
    calendar_months_after,
)

BY_RIGHT = "request"
OFFICER = "data_protection"
# After these the person hears that what they asked for is done; a refusal is explained to them in words of its own.
TOLD = frozenset({"granted", "partly"})
OLDEST = timedelta(days=366)


def check_received(day: date | None, today: date) -> date:
    """The day a request came. Raises RuleBroken at `received_on` for none, one to come, or one long ago."""
    if day is None:
        raise RuleBroken(words.DAY_MISSING, field="received_on")
    if day > today:
        raise RuleBroken(words.DAY_TO_COME, field="received_on")
    if day < today - OLDEST:
        raise RuleBroken(words.DAY_LONG_AGO, field="received_on")
    return day


def open_request(
    session: Session,
    *,
    principal: Principal,
    resident_id: int,
    kind: str,
    received_on: date,
    now: datetime,
) -> int:
    """Its clock runs from the day it came. Raises RuleBroken at `kind`."""
    if kind not in REQUEST_KINDS:
        raise RuleBroken(words.CHOOSE_ONE, field="kind")
    row = AccessRequest(
        resident_id=resident_id, kind=kind, received_on=received_on, opened_by_id=principal.staff_id, opened_at=now,
        due_on=calendar_months_after(received_on, REQUEST_MONTHS, holidays(session)),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _record(session, principal, "open request", resident_id, kind, now)
    return row.id


def extend_request(
    session: Session, *, principal: Principal, request_id: int, extension: str, today: date, now: datetime
) -> None:
    """Two months more, once, told to the person within the first month. Raises RuleBroken."""
    if extension not in EXTENSIONS:
        raise RuleBroken(words.CHOOSE_ONE, field="extension")
    received = session.scalar(
        select(AccessRequest.received_on).where(
            AccessRequest.id == request_id, REQUEST_TABLE.rows("request.keep", principal)
        )
    )
    if received is None:
        raise RuleBroken(words.EXTENDED_ALREADY)
    due = calendar_months_after(received, REQUEST_MONTHS + REQUEST_MONTHS_MORE, holidays(session))
    resident = session.execute(
        update(AccessRequest)
        .where(
            AccessRequest.id == request_id,
            AccessRequest.extended_at.is_(None),
            AccessRequest.closed_at.is_(None),
            AccessRequest.due_on >= today,
        )
        .values(extended_at=now, extension=extension, due_on=due)
        .returning(AccessRequest.resident_id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if resident is None:
        raise RuleBroken(words.EXTENDED_ALREADY)
    _record(session, principal, "extend request", resident[0], extension, now)


def close_request(
    session: Session, *, principal: Principal, request_id: int, outcome: str, now: datetime
) -> None:
    """Answered. From the next request on, its person is out of the officer's reach. Raises RuleBroken.

    What was done, wholly or in part, is told to the person by their own route; a refusal needs a letter with reasons,
    and what they took back themselves is no news to them.
    """
    if outcome not in REQUEST_OUTCOMES:
        raise RuleBroken(words.CHOOSE_ONE, field="outcome")
    closed = session.execute(
        update(AccessRequest)
        .where(
            AccessRequest.id == request_id,
            AccessRequest.closed_at.is_(None),
            REQUEST_TABLE.rows("request.keep", principal),
        )
        .values(closed_at=now, outcome=outcome)
        .returning(AccessRequest.resident_id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if closed is None:
        raise RuleBroken(words.CLOSED_ALREADY)
    _record(session, principal, "close request", closed[0], outcome, now)
    if outcome in TOLD and closed[0] is not None:
        publish(
            session,
            MessageWanted(
                key=f"request-{request_id}", template="request_done", params={}, resident_id=closed[0],
                organisation_id=principal.organisation_id, from_officer=True,
            ),
        )  # fmt: skip


def bundle(session: Session, *, principal: Principal, resident_id: int, now: datetime) -> bytes:
    """Everything held of this person, also what their own download leaves out; one row in the record."""
    made = my_record_services.bundle(session, resident_id, now=now, whole=True)
    _record(session, principal, "export for request", resident_id, "everything", now)
    return made


def _record(
    session: Session, principal: Principal, action: str, resident_id: int | None, item: str, now: datetime
) -> None:
    record_act(
        session, principal, action=action, resident_id=resident_id, items=(item,), purpose=BY_RIGHT, role=OFFICER,
        now=now,
    )  # fmt: skip
