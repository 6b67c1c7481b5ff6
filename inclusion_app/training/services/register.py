"""The register of a date: who came, for part, not at all; undone as easily as done. A cancelled booking is in none.

Who marks waits for the row of the date, so two who mark at once come one after the other: the last press counts, and
the page says whose it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import AttendanceRecorded, publish
from inclusion_app.core.words import N_
from inclusion_app.training.models import (
    Booking,
    BookingDate,
    Course,
    Credential,
    Occurrence,
    TrainingSession,
    WalkIn,
)
from inclusion_app.training.rules import ATTENDANCE, CAME, NOT_AN_ANSWER, REGISTER_CLOSES, REGISTER_OPENS

NOT_OPEN_YET = N_("The register opens two hours before the start.")
OPEN_NO_MORE = N_("This date is too long ago to be marked.")
DATE_IS_OFF = N_("This date was cancelled. Nobody is marked.")
FINISHED = N_("This register is finished. Open it again to change it.")
NOT_BEGUN = N_("It has not begun yet. Finish the register after the start.")
NOT_IN_REGISTER = N_("This booking is not in the register any more.")
HOW_MANY_CAME = N_("Write how many came: from 1 to %(most)s.")


@dataclass(frozen=True)
class Mark:
    """What is written down of one booking. `came` counts heads; None is all of them.

    `how` is screen, scan, desk or paper; `happened_at` is said where it was typed in later from the sheet.
    """

    attendance: str
    came: int | None = None
    how: str = "screen"
    happened_at: datetime | None = None


def is_in_register() -> ColumnElement[bool]:
    """A date of a booking that stands in the register: it is booked, or somebody was marked before it ended."""
    one = aliased(Booking)  # a query around this may ask for bookings too
    booked = exists().where(one.id == BookingDate.booking_id, one.status == "booked")
    return (BookingDate.status == "on") & or_(booked, BookingDate.attendance.is_not(None))


def mark(
    session: Session, *, principal: Principal, booking: Booking, occurrence_id: int, mark: Mark, now: datetime
) -> None:
    """Write down whether the people of a booking came. What stood there before gives way: the last press counts.

    Raises RuleBroken when the register is not open, or the booking is not in it any more.
    """
    if mark.attendance not in ATTENDANCE:
        raise RuleBroken(NOT_AN_ANSWER)
    came = booking.places if mark.came is None else mark.came
    if mark.attendance not in CAME:
        came = 0
    elif not 1 <= came <= booking.places:
        raise RuleBroken(HOW_MANY_CAME, most=booking.places)
    _open(session, occurrence_id, now)
    _write(
        session, booking, occurrence_id,
        {
            "attendance": mark.attendance, "came": came, "how": mark.how, "marked_at": now,
            "marked_by_id": principal.staff_id, "happened_at": mark.happened_at,
        },
    )  # fmt: skip
    _say(session, principal, "mark", booking.resident_id, now)
    _follow(session, booking, now)


def unmark(
    session: Session, *, principal: Principal, booking: Booking, occurrence_id: int, now: datetime
) -> None:
    """Undo: nobody has said yet whether they came. Raises RuleBroken as `mark` does."""
    _open(session, occurrence_id, now)
    _write(session, booking, occurrence_id, UNMARKED)
    _say(session, principal, "unmark", booking.resident_id, now)
    _follow(session, booking, now)


UNMARKED: Mapping[str, Any] = {
    "attendance": None, "came": 0, "how": None, "marked_at": None, "marked_by_id": None, "happened_at": None,
}  # fmt: skip


def add_walk_in(
    session: Session,
    *,
    principal: Principal,
    occurrence_id: int,
    mark: Mark,
    label: str | None,
    resident_id: int | None,
    form_key: str,
    now: datetime,
) -> None:
    """Somebody came without a booking; with the code of their plan it counts for them. One form adds one. Raises RuleBroken."""
    if mark.attendance not in CAME:
        raise RuleBroken(NOT_AN_ANSWER)
    _open(session, occurrence_id, now)
    statement = (
        insert_into(session, WalkIn)
        .values(
            occurrence_id=occurrence_id, label=label or None, resident_id=resident_id, attendance=mark.attendance,
            how=mark.how, marked_at=now, marked_by_id=principal.staff_id, happened_at=mark.happened_at,
            # Of one length and of plain signs, whatever was sent.
            form_key=hashlib.sha256(form_key.encode(errors="replace")).hexdigest(),
        )
        .on_conflict_do_nothing(index_elements=["form_key"])
        .returning(WalkIn.id)
    )  # fmt: skip
    if session.scalar(statement) is None:
        return
    _say(session, principal, "walk_in", resident_id, now)
    if resident_id is not None:
        settle_credit(session, resident_id=resident_id, step_ids=_steps_of(session, occurrence_id), now=now)


def remove_walk_in(session: Session, *, principal: Principal, walk_in: WalkIn, now: datetime) -> None:
    """Undo: nobody came without a booking after all. What was certified of it is taken back. Raises RuleBroken."""
    occurrence_id, resident_id, number = walk_in.occurrence_id, walk_in.resident_id, walk_in.id
    _open(session, occurrence_id, now)
    _revoke(session, Credential.walk_in_id == number, now)
    gone = rows_changed(session, delete(WalkIn).where(WalkIn.id == number))
    session.expunge(walk_in)
    if gone != 1:
        raise RuleBroken(CHANGED_ALREADY)
    _say(session, principal, "walk_in_undone", resident_id, now)
    if resident_id is not None:
        settle_credit(session, resident_id=resident_id, step_ids=_steps_of(session, occurrence_id), now=now)


def close(session: Session, *, principal: Principal, occurrence_id: int, now: datetime) -> bool:
    """Finish the register: whoever was not marked did not come. False when it was finished before. Raises RuleBroken."""
    date = _locked(session, occurrence_id)
    if date.status != "on":
        raise RuleBroken(DATE_IS_OFF)
    if date.starts_at > now:
        raise RuleBroken(NOT_BEGUN)
    if date.closed_at is not None:
        return False
    booked = select(Booking.id).where(Booking.session_id == date.session_id, Booking.status == "booked")
    unmarked = update(BookingDate).where(
        BookingDate.occurrence_id == occurrence_id,
        BookingDate.status == "on",
        BookingDate.attendance.is_(None),
        BookingDate.booking_id.in_(booked),
    )
    values = {
        "attendance": "absent",
        "came": 0,
        "how": "screen",
        "marked_at": now,
        "marked_by_id": principal.staff_id,
    }
    rows_changed(session, unmarked.values(**values))
    date.closed_at = now
    session.flush()
    record_act(session, principal, action="register close", items=("attendance",), now=now)
    return True


def reopen(session: Session, *, principal: Principal, occurrence_id: int, now: datetime) -> bool:
    """Open a finished register again: who was absent only because it was finished is not marked. False when it is open.

    Raises RuleBroken when the date is too long ago.
    """
    date = _locked(session, occurrence_id)
    if date.closed_at is None:
        return False
    if now > date.ends_at + REGISTER_CLOSES:
        raise RuleBroken(OPEN_NO_MORE)
    by_closing = update(BookingDate).where(
        BookingDate.occurrence_id == occurrence_id,
        BookingDate.attendance == "absent",
        BookingDate.marked_at == date.closed_at,
    )
    rows_changed(session, by_closing.values(**UNMARKED))
    date.closed_at = None
    session.flush()
    record_act(session, principal, action="register reopen", items=("attendance",), now=now)
    return True


def settle_credit(session: Session, *, resident_id: int, step_ids: Collection[str], now: datetime) -> None:
    """Tell the rooms above which of these steps somebody came to, and which nothing speaks for (any more).

    Also for a booking that was put into a plan after its date: then what was marked before counts for that plan.
    """
    wanted = tuple(dict.fromkeys(step_ids))
    known = _steps_come_to(session, resident_id)
    for came in (True, False):
        steps = tuple(step for step in wanted if (step in known) is came)
        if steps:
            publish(session, AttendanceRecorded(resident_id, steps, came, now))


def _locked(session: Session, occurrence_id: int) -> Occurrence:
    wanted = select(Occurrence).where(Occurrence.id == occurrence_id)
    date = session.scalar(
        wanted.with_for_update(of=Occurrence, key_share=True).execution_options(populate_existing=True)
    )
    if date is None:
        raise RuleBroken(CHANGED_ALREADY)
    return date


def _open(session: Session, occurrence_id: int, now: datetime) -> Occurrence:
    date = _locked(session, occurrence_id)
    if date.status != "on":
        raise RuleBroken(DATE_IS_OFF)
    if now < date.starts_at - REGISTER_OPENS:
        raise RuleBroken(NOT_OPEN_YET)
    if now > date.ends_at + REGISTER_CLOSES:
        raise RuleBroken(OPEN_NO_MORE)
    if date.closed_at is not None:
        raise RuleBroken(FINISHED)
    return date


def _write(session: Session, booking: Booking, occurrence_id: int, facts: Mapping[str, Any]) -> None:
    writing = update(BookingDate).where(
        BookingDate.booking_id == booking.id, BookingDate.occurrence_id == occurrence_id, is_in_register()
    )
    if rows_changed(session, writing.values(**facts)) != 1:
        raise RuleBroken(NOT_IN_REGISTER)
    session.expire(booking, ["dates"])


def _say(session: Session, principal: Principal, what: str, resident_id: int | None, now: datetime) -> None:
    record_act(
        session, principal, action=f"register {what}", resident_id=resident_id, items=("attendance",), now=now
    )


def _follow(session: Session, booking: Booking, now: datetime) -> None:
    """What hangs on a mark: a certificate is good while somebody came, and the plan says what was done."""
    came = session.scalar(
        select(BookingDate.booking_id)
        .where(BookingDate.booking_id == booking.id, BookingDate.attendance.in_(CAME))
        .limit(1)
    )
    mine = Credential.booking_id == booking.id
    if came is None:
        _revoke(session, mine, now)
    else:
        again = update(Credential).where(mine, Credential.revoked_at.is_not(None))
        rows_changed(session, again.values(revoked_at=None))
    # Of a group nobody knows which of them it was.
    if booking.resident_id is not None and booking.booked_for != "group":
        settle_credit(
            session, resident_id=booking.resident_id, step_ids=booking.session.course.step_ids, now=now
        )


def _revoke(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    rows_changed(
        session, update(Credential).where(which, Credential.revoked_at.is_(None)).values(revoked_at=now)
    )


def _steps_of(session: Session, occurrence_id: int) -> list[str]:
    wanted = (
        select(Course.steps)
        .join(TrainingSession, TrainingSession.course_id == Course.id)
        .join(Occurrence, Occurrence.session_id == TrainingSession.id)
        .where(Occurrence.id == occurrence_id)
    )
    return (session.scalar(wanted) or "").split()


def _steps_come_to(session: Session, resident_id: int) -> set[str]:
    """Every step that is taught by something this resident came to, booked or not."""
    booked = (
        select(Course.steps)
        .join(TrainingSession, TrainingSession.course_id == Course.id)
        .join(Booking, Booking.session_id == TrainingSession.id)
        .join(BookingDate, BookingDate.booking_id == Booking.id)
        .where(
            Booking.resident_id == resident_id,
            Booking.booked_for != "group",
            BookingDate.attendance.in_(CAME),
        )
    )
    walked_in = (
        select(Course.steps)
        .join(TrainingSession, TrainingSession.course_id == Course.id)
        .join(Occurrence, Occurrence.session_id == TrainingSession.id)
        .join(WalkIn, WalkIn.occurrence_id == Occurrence.id)
        .where(WalkIn.resident_id == resident_id)
    )
    return {
        step for steps in (*session.scalars(booked), *session.scalars(walked_in)) for step in steps.split()
    }
