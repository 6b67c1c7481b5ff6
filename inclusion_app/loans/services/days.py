"""The days on which somebody at a place takes a device in: a due day is one of them."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from inclusion_app.core.registry import holidays
from inclusion_app.core.working_days import is_working, working_day_from
from inclusion_app.loans.rules import FOLLOW_UP, due_day
from inclusion_app.places.hours import Kind, hours_of_day
from inclusion_app.places.models import Place

# Some places open on one day of the month only.
LOOK_AHEAD = timedelta(days=35)


def open_days(session: Session, *, place_id: int, since: date, until: date) -> frozenset[date]:
    """The days from `since` up to and with `until` on which the place is open with somebody there.

    Of a place whose hours nobody knows these are the working days; a bank holiday without a rule is none.
    """
    off = holidays(session)
    place = session.get(Place, place_id)
    days = (since + timedelta(days=number) for number in range((until - since).days + 1))
    if place is None:
        return frozenset(day for day in days if is_working(day, off))
    hours, found = place.hours, set()
    for day in days:
        known = hours_of_day(hours, day, off)
        staffed = any(span.kind is Kind.STAFFED for span in known.spans)
        if staffed or (not known.known and not known.ask and is_working(day, off)):
            found.add(day)
    return frozenset(found)


def due_on(session: Session, *, place_id: int, since: date, days: int) -> date:
    """So many days on, moved to the next day on which the place is open; to the next working day where it never seems to be."""
    wanted = since + timedelta(days=days)
    opens = open_days(session, place_id=place_id, since=wanted, until=wanted + LOOK_AHEAD)
    if opens:
        return due_day(since, days, opens)
    return working_day_from(wanted, holidays(session))


def follow_up_day(session: Session, since: date) -> date:
    """The day on which somebody asks how it goes, some weeks after a device or SIM: never a weekend or a bank holiday."""
    return working_day_from(since + FOLLOW_UP, holidays(session))
