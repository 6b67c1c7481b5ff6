"""Which of the staff may post letters and make calls, who sees how many wait, and who sees whether messages leave.

A caseworker reaches an item of their own organisation when they may see the contact of the person it is for (the
table of people says so: consent, caseload, not kept from). A training organiser reaches what is about a booking of
their organisation, for whom the booking names; a loan coordinator what is about a request or a loan of theirs. A
data-protection officer reaches what officers of their organisation answered, and nothing else. The organisation's admin
sees how old items are and who has them, never what stands in them. A platform admin sees numbers, codes and faults of
the outbox, no address and no text.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, not_

from inclusion_app.core.access import Principal
from inclusion_app.core.permissions import EVERY_ROW, PermissionTable, Scope
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import by_caseload, keeps_away

ANSWERS = ("feedback_answered", "request_done")


def in_own_tray(principal: Principal) -> ColumnElement[bool]:
    """In the tray of the organisation the principal acts for."""
    return TrayItem.organisation_id == principal.organisation_id


def for_somebody_they_may_reach(principal: Principal) -> ColumnElement[bool]:
    """In the own tray, and for a resident who shares their contact. Broken glass shows; it posts nothing.

    Never an answer of the data-protection officer: it may be about this very caseworker.
    """
    return and_(
        in_own_tray(principal),
        exists().where(
            Message.id == TrayItem.message_id,
            Resident.id == Message.resident_id,
            by_caseload(principal, "contact"),
            Message.from_officer.is_(False),
        ),
    )


def an_officers_answer(principal: Principal) -> ColumnElement[bool]:
    """In the own tray, and what a data-protection officer answered. The person asked for it, so no consent is needed.

    That it is not for somebody who is kept from this officer is asked with their safe-contact rule (queries).
    """
    return and_(
        in_own_tray(principal),
        exists().where(
            Message.id == TrayItem.message_id, Message.from_officer.is_(True), Message.template.in_(ANSWERS)
        ),
    )


def about_a_booking(principal: Principal) -> ColumnElement[bool]:
    """In the own tray, and for whom a booking of the own organisation's sessions names: they typed it for that."""
    return and_(
        in_own_tray(principal),
        exists().where(
            Message.id == TrayItem.message_id,
            Message.resident_id.is_(None),
            Message.about.startswith("booking "),
        ),
    )


def about_a_loan(principal: Principal) -> ColumnElement[bool]:
    """In the own tray, and for whoever asked the own organisation's scheme for a device, unless they are kept away."""
    return and_(
        in_own_tray(principal),
        exists().where(
            Message.id == TrayItem.message_id,
            Message.about.startswith("loan "),
            not_(keeps_away(principal, Message.resident_id)),
        ),
    )


TRAY = PermissionTable(
    TrayItem,
    {
        "tray.work": {
            "caseworker": Scope("own tray, contact open to them", for_somebody_they_may_reach),
            "training_organiser": Scope("own tray, about a booking", about_a_booking),
            "loan_coordinator": Scope("own tray, about a loan", about_a_loan),
            "data_protection": Scope("own tray, an officer's answer", an_officers_answer),
        },
        "tray.watch": {"organisation_admin": Scope("own tray", in_own_tray)},
    },
)
OUTBOX = PermissionTable(Message, {"messages.watch": {"platform_admin": EVERY_ROW}})
WORK = TRAY.permission("tray.work")
WATCH_TRAY = TRAY.permission("tray.watch")
WATCH = OUTBOX.permission("messages.watch")
