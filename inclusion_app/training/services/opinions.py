"""The one question after a session. What was answered stands apart from who was asked, and is read in sums only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.training.models import Booking, Opinion
from inclusion_app.training.rules import CAME, HELPED, NOT_AN_ANSWER, WHAT_NEXT

ASKED_AFTER = N_("We ask this when you have been there.")
CHOOSE = N_("Choose one answer, or leave this page.")
MORE_NEXT = N_("There are more answers to the second question than to the first.")
ANSWERS_AT_MOST = 200


def may_be_asked(booking: Booking) -> bool:
    """True when somebody of this booking was there."""
    return any(day.attendance in CAME for day in booking.dates)


def answer(session: Session, *, booking: Booking, helped: str, what_next: str | None, now: datetime) -> bool:
    """Keep the answer of a booking without its number. False when it was answered before. Raises RuleBroken."""
    if not may_be_asked(booking):
        raise RuleBroken(ASKED_AFTER)
    if helped not in HELPED:
        raise RuleBroken(CHOOSE if not helped else NOT_AN_ANSWER, field="helped")
    if what_next and what_next not in WHAT_NEXT:
        raise RuleBroken(NOT_AN_ANSWER, field="what_next")
    # The day says when it was asked, not the minute; the answer says no time at all.
    day = now.astimezone(LONDON).replace(hour=12, minute=0, second=0, microsecond=0)
    asking = update(Booking).where(Booking.id == booking.id, Booking.asked_at.is_(None))
    if rows_changed(session, asking.values(asked_at=day)) != 1:
        return False
    session.add(Opinion(session_id=booking.session_id, helped=helped, what_next=what_next or None))
    session.flush()
    return True


def type_in(
    session: Session,
    *,
    session_id: int,
    helped: Mapping[str, int],
    what_next: Mapping[str, int],
) -> int:
    """Keep the sums of answers on paper. Returns how many people answered. Raises RuleBroken.

    Which second answer went with which first one is not known from sums, and is never shown: they are laid side by side
    as they come.
    """
    for counts, known in ((helped, HELPED), (what_next, WHAT_NEXT)):
        if not set(counts) <= set(known) or any(
            not 0 <= count <= ANSWERS_AT_MOST for count in counts.values()
        ):
            raise RuleBroken(NOT_AN_ANSWER)
    first = [code for code in HELPED for _ in range(helped.get(code, 0))]
    second: list[str | None] = [code for code in WHAT_NEXT for _ in range(what_next.get(code, 0))]
    if len(second) > len(first):
        raise RuleBroken(MORE_NEXT)
    second += [None] * (len(first) - len(second))
    session.add_all(
        Opinion(session_id=session_id, helped=one, what_next=two, on_paper=True)
        for one, two in zip(first, second, strict=True)
    )
    session.flush()
    return len(first)
