"""Which bookings ended and which were forgotten, to be so again after a restore of an older copy of the database.

A number alone is not enough: after a restore the next booking may get the number of one that is lost. So each line says
when its booking was made as well. Lines live a little longer than the backups do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from inclusion_app.core.protections import Facts, Line, lines_of, moment
from inclusion_app.training.models import Booking, BookingDate, Occurrence
from inclusion_app.training.services import bookings, forgetting

ENDED, DATES, FORGOTTEN = "bookings that ended", "dates that were cancelled", "bookings that were forgotten"
KEPT = timedelta(days=92)


def facts_of(session: Session, known: Facts, *, now: datetime) -> Facts:
    """Bookings that ended (number, made, ended), single dates of them that were cancelled (number, made, date), and what
    was forgotten (number, made, when). What is known stays until no backup is so old.
    """
    since = now - KEPT
    ended = select(Booking.id, Booking.made_at, Booking.ended_at).where(Booking.ended_at >= since)
    forgotten = select(Booking.id, Booking.made_at, Booking.forgotten_at).where(Booking.forgotten_at >= since)
    # A date that is over needs no care: nobody travels to it.
    single = (
        select(Booking.id, Booking.made_at, BookingDate.occurrence_id, Occurrence.starts_at)
        .join(BookingDate, BookingDate.booking_id == Booking.id)
        .join(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .where(BookingDate.status == "cancelled", Occurrence.starts_at > now, Booking.ended_at.is_(None))
    )
    dates: set[Line] = {line for line in lines_of(known, DATES) if moment(line[3]) > now}
    for number, made, occurrence, starts in session.execute(single).all():
        dates.add((number, made.isoformat(), occurrence, starts.isoformat()))
    return {
        ENDED: _fresh(known, ENDED, session.execute(ended).all(), since),
        DATES: list(dates),
        FORGOTTEN: _fresh(known, FORGOTTEN, session.execute(forgotten).all(), since),
    }


def _fresh(known: Facts, kind: str, rows: Sequence[Row[int, datetime, Any]], since: datetime) -> list[Line]:
    lines: dict[Line, Line] = {
        (number, made): (number, made, at)
        for number, made, at in lines_of(known, kind)
        if moment(at) >= since
    }
    for number, made, at in rows:
        lines[number, made.isoformat()] = (number, made.isoformat(), at.isoformat())
    return list(lines.values())


def put_back(session: Session, *, facts: Facts, now: datetime) -> int:
    """End again what had ended, and forget again what was forgotten. Returns how many bookings it was done to.

    Their places are free again and go to who waits, as they did then.
    """
    done = 0
    for number, made, _at in lines_of(facts, ENDED):
        found = _same(session, number, made)
        if found is not None and bookings.cancel(session, booking_id=found, by="session", now=now):
            done += 1
    for number, made, occurrence, _starts in lines_of(facts, DATES):
        found = _same(session, number, made)
        if found is not None:
            done += bookings.cancel_date(
                session, booking_id=found, occurrence_id=int(occurrence or 0), by="session", now=now
            )
    again = [_same(session, number, made) for number, made, _at in lines_of(facts, FORGOTTEN)]
    return done + forgetting.forget(session, [number for number in again if number is not None], now=now)


def _same(session: Session, number: int | str | None, made: int | str | None) -> int | None:
    return session.scalar(select(Booking.id).where(Booking.id == number, Booking.made_at == moment(made)))
