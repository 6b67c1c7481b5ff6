"""Which of the staff may run a session and see who comes: one table for the check and for the list.

A training organiser runs the sessions of the organisation they act for, and reads its bookings: what somebody wishes to
be called, how to reach them, what they need to take part, who came. Nothing else of the person is open to them, and who
is kept from them by name, or from the organisation, stands in the figures only. A front desk marks who shows their code.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, not_, select

from inclusion_app.core.access import Principal
from inclusion_app.core.permissions import PermissionTable, Scope
from inclusion_app.people.policy import keeps_away
from inclusion_app.training.models import Booking, Course, TrainingSession

ORGANISER = "training_organiser"


def of_own_organisation(principal: Principal) -> ColumnElement[bool]:
    """A session of the organisation the principal acts for."""
    return TrainingSession.organisation_id == principal.organisation_id


def booked_with_own_organisation(principal: Principal) -> ColumnElement[bool]:
    """A booking of such a session, of nobody who is kept from this person."""
    ours = Booking.session_id.in_(select(TrainingSession.id).where(of_own_organisation(principal)))
    return and_(ours, not_(keeps_away(principal, Booking.resident_id)))


# Whoever shows the code of their booking, in the moment they do: no list and no search ever has them.
PRESENT = Scope("with the person present, by the code of the booking", lambda _principal: false())


SESSIONS = PermissionTable(
    TrainingSession, {"session.run": {ORGANISER: Scope("own organisation", of_own_organisation)}}
)
BOOKINGS = PermissionTable(
    Booking,
    {
        "booking.read": {ORGANISER: Scope("own organisation's sessions", booked_with_own_organisation)},
        "booking.mark": {"front_desk": PRESENT, ORGANISER: PRESENT},
    },
)
COURSES = PermissionTable(
    Course,
    {
        "course.write": {
            ORGANISER: Scope(
                "own organisation", lambda principal: Course.organisation_id == principal.organisation_id
            )
        }
    },
)
MARK = BOOKINGS.permission("booking.mark")
RUN = SESSIONS.permission("session.run")
READ = BOOKINGS.permission("booking.read")
WRITE = COURSES.permission("course.write")
