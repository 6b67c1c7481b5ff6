"""What a resident does with their own record: correct it, say how to be reached, take all of it along."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.people import my_record_file, my_record_queries, queries, services
from inclusion_app.people.contact import hash_of_value, read_value
from inclusion_app.people.models import ContactRoute, Resident
from inclusion_app.people.record_services import hash_of_name
from inclusion_app.people.rules import (
    ADDRESS_LENGTH,
    LANGUAGES,
    NAME_LENGTH,
    NEEDS,
    NEVER,
    NICKNAME_LENGTH,
    ROUTES,
    ROUTES_AT_MOST,
    WITH_VALUE,
    has_safe_contact,
)

NAME_TOO_LONG = N_("Use a shorter name, 80 letters at most.")
NICKNAME_TOO_LONG = N_("Use a shorter name, 40 letters at most.")
NOT_AN_ANSWER = N_("Choose one of the answers on this page.")
CHOOSE_ROUTE = N_("Choose how we may reach you.")
NO_ADDRESS = N_("Type your address.")
ADDRESS_TOO_LONG = N_("This address is too long. Use 300 letters at most.")
ASK_AN_ADULT = N_("An adult who helps you must change this.")
KNOWN_ALREADY = N_("You gave us this already.")
TOO_MANY_ROUTES = N_("You can give us five ways at most. Remove one first.")


def correct_facts(
    session: Session,
    *,
    resident: Resident,
    nickname: str,
    name: str,
    language: str,
    spoken: str,
    read: str,
    needs: Collection[str],
    languages: Collection[str],
    now: datetime,
) -> None:
    """Put right what a resident says of themself; an empty line takes the fact away. One row in the record.

    `languages` are those the service writes in. Raises RuleBroken at the field that is wrong.
    """
    nickname, name = one_line(nickname), one_line(name)
    if len(nickname) > NICKNAME_LENGTH:
        raise RuleBroken(NICKNAME_TOO_LONG, field="nickname")
    if len(name) > NAME_LENGTH:
        raise RuleBroken(NAME_TOO_LONG, field="name")
    if language not in languages:
        raise RuleBroken(NOT_AN_ANSWER, field="language")
    for field, code in (("spoken", spoken), ("read", read)):
        # What a member of staff wrote down and this list does not know may stay as it is.
        if code and code not in LANGUAGES and code != getattr(resident, field):
            raise RuleBroken(NOT_AN_ANSWER, field=field)
    if not set(needs) <= set(NEEDS):
        raise RuleBroken(NOT_AN_ANSWER, field="needs")
    resident.nickname = nickname or None
    if (name or None) != resident.name:
        resident.name = name or None
        resident.name_hash = hash_of_name(name)
    resident.language = language
    resident.spoken, resident.read = spoken or None, read or None
    chosen = [key for key in NEEDS if key in needs]
    resident.needs = {"needs": chosen} if chosen else None
    session.flush()
    services.note(session, resident.id, "correct record", ("identity", "needs"), now)


def add_route(
    session: Session,
    *,
    resident: Resident,
    kind: str,
    value: str,
    channels: Collection[str],
    now: datetime,
    is_adults: bool = False,
) -> None:
    """One more way to reach a resident, after those there are. `channels` are the kinds that are set up.

    `is_adults`: it reaches a parent, a carer or another adult.

    Raises RuleBroken at `kind` or `value`, or without a field when there are too many.
    """
    if kind not in ROUTES or kind not in channels:
        raise RuleBroken(CHOOSE_ROUTE, field="kind")
    stored = read_value(kind, value, field="value") if kind in WITH_VALUE else None
    services.hold(session, residents=[resident.id])
    known = queries.routes_of(session, resident.id)
    if any(route.kind == kind and route.value == stored for route in known):
        raise RuleBroken(KNOWN_ALREADY, field="kind")
    if len(known) >= ROUTES_AT_MOST:
        raise RuleBroken(TOO_MANY_ROUTES)
    if kind == "letter":
        resident.address = _read_address(value)
    session.add(
        ContactRoute(
            resident_id=resident.id, position=max((route.position for route in known), default=0) + 1, kind=kind,
            value=stored, value_hash=hash_of_value(stored) if stored else None, is_adults=is_adults, made_at=now,
        )
    )  # fmt: skip
    session.flush()
    services.note(session, resident.id, "change contact", ("contact",), now)


def _read_address(typed: str) -> str:
    lines = "\n".join(line for line in (one_line(part) for part in (typed or "").splitlines()) if line)
    if not lines:
        raise RuleBroken(NO_ADDRESS, field="value")
    if len(lines) > ADDRESS_LENGTH:
        raise RuleBroken(ADDRESS_TOO_LONG, field="value")
    return lines


def remove_route(session: Session, *, resident: Resident, route_id: int, now: datetime) -> None:
    """This way is used no more, and what was written down for it goes.

    Raises RuleBroken when it is gone already, and for a child under 13, whose record needs a way to an adult.
    """
    if resident.age_band == "under_13":
        raise RuleBroken(ASK_AN_ADULT)
    services.hold(session, residents=[resident.id])
    gone = session.execute(
        delete(ContactRoute)
        .where(ContactRoute.id == route_id, ContactRoute.resident_id == resident.id)
        .returning(ContactRoute.kind),
        execution_options={"synchronize_session": False},
    ).all()
    if not gone:
        raise RuleBroken(CHANGED_ALREADY)
    services.end_links(session, resident_id=resident.id)
    left = {route.kind for route in queries.routes_of(session, resident.id)}
    if "letter" not in left and gone[0].kind == "letter":
        resident.address = None
    session.flush()
    services.note(session, resident.id, "change contact", ("contact",), now)


def set_never(session: Session, *, resident: Resident, never: Collection[str], now: datetime) -> None:
    """What nobody may do to reach this resident, as they say themself; nobody of the staff need know first.

    Hours, and whom a member of staff wrote down with them, stay as they are. Raises RuleBroken at `never` for what is
    none of the rules, and for a child under 13.
    """
    if resident.age_band == "under_13":
        raise RuleBroken(ASK_AN_ADULT)
    if not set(never) <= set(NEVER):
        raise RuleBroken(NOT_AN_ANSWER, field="never")
    services.hold(session, residents=[resident.id])
    rule = {**(resident.safe_contact or {}), **{name: name in never for name in NEVER}}
    resident.safe_contact = rule if has_safe_contact(rule) else None
    session.flush()
    services.note(session, resident.id, "change contact", ("contact",), now)


def move_route_up(session: Session, *, resident: Resident, route_id: int, now: datetime) -> None:
    """Use this way before the one in front of it. Raises RuleBroken when it is gone; the first one stays first."""
    services.hold(session, residents=[resident.id])
    order = [route.id for route in queries.routes_of(session, resident.id)]
    if route_id not in order:
        raise RuleBroken(CHANGED_ALREADY)
    place = order.index(route_id)
    if place == 0:
        return
    order[place - 1 : place + 1] = [route_id, order[place - 1]]
    apart = {"synchronize_session": False}
    theirs = update(ContactRoute).where(ContactRoute.resident_id == resident.id)
    # Out of the way first: no two of them may hold one place, not even for a moment.
    session.execute(theirs.values(position=-ContactRoute.position), execution_options=apart)
    for position, number in enumerate(order, 1):
        session.execute(
            theirs.where(ContactRoute.id == number).values(position=position), execution_options=apart
        )
    session.expire_all()
    services.note(session, resident.id, "change contact", ("contact",), now)


def data_of(session: Session, resident_id: int, *, now: datetime, whole: bool = False) -> dict[str, Any]:
    """What is held of a resident as data, room by room, and every line of the record about them.

    `whole`: also what their own download leaves out (see core.registry.Holding).
    """
    return {
        "about": "Everything this service holds about one person, by the part of the service that holds it.",
        "made_at": now,
        "held": {
            holding.name: ((whole and holding.export_whole) or holding.export)(session, resident_id)
            for holding in registry.holdings()
        },
        "who_looked": my_record_queries.looks_as_data(session, resident_id),
    }


def bundle(session: Session, resident_id: int, *, now: datetime, whole: bool = False) -> bytes:
    """All of it as a ZIP: `my-record.json`, and `my-record.html` in the resident's language and in English.

    Made in memory; no name and no number of a person stands in a file name. Whoever calls writes the row of the export.
    """
    held = data_of(session, resident_id, now=now, whole=whole)
    text = json.dumps(held, ensure_ascii=False, indent=2, default=_plain)
    page = my_record_file.draw(session, resident_id, now=now)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
        for name, content in (("my-record.html", page), ("my-record.json", text)):
            archive.writestr(zipfile.ZipInfo(name, moment), content.encode(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written into a record")
