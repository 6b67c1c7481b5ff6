"""What the worker does for referrals: nudge whoever has to answer, remind whoever was asked something,
let lapse what nobody answered, take back what has no yes.

Called inside an application context. A look decides whether there is anything to do, so a quiet minute takes no lock.
"""

from __future__ import annotations

from datetime import datetime

from inclusion_app.core.db import reading, transaction
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services import machine


def look(now: datetime) -> int:
    """Look at every yes that has run out and every clock that runs, each in a transaction of its own.

    Returns at how many something was done.
    """
    with reading() as session:
        people = session.scalars(machine.who_shares_no_more(now)).all()
        numbers = session.scalars(machine.overdue(now)).all()
        waits = [
            one.id
            for one in (
                session.get_one(Referral, number) for number in session.scalars(machine.asked(now)).all()
            )
            if machine.reminder_due(session, one, now=now)
        ]
    done = 0
    for number in people:
        with transaction() as session:
            done += machine.withdraw_unshared(session, resident_id=number, now=now)
    for number in numbers:
        with transaction() as session:
            done += bool(machine.tick(session, referral_id=number, now=now))
    for number in waits:
        with transaction() as session:
            done += bool(machine.remind(session, referral_id=number, now=now))
    return done
