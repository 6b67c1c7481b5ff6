"""The calm view for a phone outdoors: one person at a time, the next step, and how they may be reached now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.messages.rules import SafeContact, may_send_at
from inclusion_app.people import contact
from inclusion_app.people import policy as people
from inclusion_app.people import queries as people_queries
from inclusion_app.people.models import ContactRoute, Resident
from inclusion_app.people.rules import WITH_PHONE
from inclusion_app.people.staff_views import safe_words
from inclusion_app.referrals import staff_caseload_queries as queries
from inclusion_app.referrals.staff_caseload_views import words_for_lines
from inclusion_app.referrals.staff_plan_steps import next_steps
from inclusion_app.referrals.views import room


def place_asked() -> int:
    """Which place of the list the address asks for; the first for what is no number."""
    asked = request.args.get("place", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


def back_to_outreach() -> str:
    """The address of the same person of the same list, where this page was opened from it; else nothing.

    It is made of a number and of known filters only: nothing of an address is followed.
    """
    if request.args.get("back") != "outreach":
        return ""
    filters = queries.choices_for(db_session(), the_staff()).read(request.args)
    return url_for("referrals.outreach", place=max(place_asked(), 1), **filters.chosen)


@dataclass(frozen=True)
class Way:
    """One way to reach somebody that may be used now: `tel:` or `sms:`, what is dialled, and how it is written."""

    kind: str
    value: str
    written: str
    is_adults: bool


def ways_now(
    resident: Resident, routes: list[ContactRoute], principal: Principal, moment: datetime
) -> list[Way]:
    """The calls and messages the person's own rule allows at this moment, by this member of staff; in their order."""
    rule = SafeContact.read(resident.safe_contact)
    kept = principal.staff_id in rule.not_staff or principal.organisation_id in rule.not_organisations
    if rule.unreadable or kept or not may_send_at(rule, moment):
        return []
    return [
        Way(route.kind, route.value, contact.show_value(route.kind, route.value), route.is_adults)
        for route in routes
        if route.value and route.kind in WITH_PHONE and not (route.kind == "call" and rule.never_call)
    ]


def _may(session: Session, principal: Principal, item: str, number: int) -> bool:
    return people.TABLE.allows(session, f"resident.{item}", principal, number)


@room.page(
    "/staff/caseload/outreach", allow=people.RECORD, reads=("identity", "contact", "plan", "tasks"), localised=False
)  # fmt: skip
def outreach() -> Any:
    """One person of the caseload a page, in its order and with its filters; which one is their place in that order."""
    session, principal, moment = db_session(), the_staff(), now()
    choices = queries.choices_for(session, principal)
    filters = choices.read(request.args)
    lines = queries.caseload_of(session, principal, filters, moment).lines
    place = min(max(place_asked(), 1), max(len(lines), 1))
    line = lines[place - 1] if lines else None
    resident = session.get(Resident, line.resident_id) if line else None
    more: dict[str, Any] = {}
    if line is not None and resident is not None:
        sees_contact = _may(session, principal, "contact", resident.id)
        sees_plan = _may(session, principal, "plan", resident.id)
        routes = people_queries.routes_of(session, resident.id) if sees_contact else []
        more = {
            "resident": resident,
            "safe": safe_words(session, resident),
            "sees_contact": sees_contact,
            "ways": ways_now(resident, routes, principal, moment),
            "step": next_steps(session, [resident.id]).get(resident.id) if sees_plan else None,
        }
        shows_person(
            resident.id, "identity", "tasks", *(("contact",) if sees_contact else ()), *(("plan",) if sees_plan else ())
        )  # fmt: skip
    return render_template(
        "referrals/staff/outreach.html",
        line=line,
        place=place,
        total=len(lines),
        filters=filters,
        shown=queries.shown_of(session, principal, [line] if line else []),
        **more,
        **words_for_lines(moment),
    )
