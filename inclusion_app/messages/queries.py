"""Questions about the outbox and the trays: how somebody may be reached, what waits, what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.registry import holidays
from inclusion_app.core.working_days import working_days_between
from inclusion_app.messages import templates
from inclusion_app.messages.models import JobRun, Message, StoppedAddress, TrayItem
from inclusion_app.messages.policy import OUTBOX, TRAY
from inclusion_app.messages.rules import (
    BY_HAND,
    JOB_LATE,
    TAKEN_BACK,
    UNTOUCHED_DAYS,
    Route,
    SafeContact,
    Through,
    Wanted,
    is_allowed,
    plain_number,
)
from inclusion_app.people.contact import hash_of_value
from inclusion_app.people.models import Consent, ConsentItem, ContactRoute, Resident, Restriction

DEAD_ON_A_PAGE = 50


@dataclass(frozen=True)
class Reach:
    """How one resident may be reached now: their routes in order, their rule, and the organisation between."""

    routes: tuple[Route, ...]
    rule: SafeContact
    through: Through


def reach_of(
    session: Session,
    *,
    resident: Resident,
    organisation_id: int | None,
    now: datetime,
    from_officer: bool = False,
) -> Reach:
    """How this resident may be reached, by themselves or through this organisation. A stopped number is no route.

    An answer `from_officer` needs no consent to the organisation between; the safe-contact rule holds all the same.
    """
    rule = SafeContact.read(resident.safe_contact)
    kept = session.execute(
        select(Restriction.staff_id, Restriction.organisation_id).where(
            Restriction.resident_id == resident.id
        )
    ).all()
    rule = replace(
        rule,
        not_staff=rule.not_staff | {row.staff_id for row in kept if row.staff_id},
        not_organisations=rule.not_organisations
        | {row.organisation_id for row in kept if row.organisation_id},
    )
    rows = session.scalars(
        select(ContactRoute).where(ContactRoute.resident_id == resident.id).order_by(ContactRoute.position)
    )
    routes = [
        Route(row.kind, row.value or (resident.address if row.kind == "letter" else None)) for row in rows
    ]
    stopped = _stopped(session, routes)
    return Reach(
        routes=tuple(route for route in routes if route not in stopped),
        rule=rule,
        through=Through(
            organisation_id,
            organisation_id is not None
            and (from_officer or bool(_sharing_contact(session, resident.id, [organisation_id], now))),
        ),
    )


def reach_through(
    session: Session, *, resident: Resident, organisation_ids: Collection[int | None], now: datetime
) -> list[Reach]:
    """The same through each of these organisations (None: through nobody), in their order; as many queries as for one."""
    alone = reach_of(session, resident=resident, organisation_id=None, now=now)
    sharing = _sharing_contact(session, resident.id, list(filter(None, organisation_ids)), now)
    return [replace(alone, through=Through(number, number in sharing)) for number in organisation_ids]


def hash_of_number(number: str) -> str:
    """Under what a stopped number is looked up."""
    return keyed_hash("stopped-address", f"sms {plain_number(number)}")


def residents_of_number(session: Session, number: str) -> list[int]:
    """Who gave this number for text messages; several where a phone is shared."""
    theirs = select(ContactRoute.resident_id).where(
        ContactRoute.kind == "sms", ContactRoute.value_hash == hash_of_value(f"+{plain_number(number)}")
    )
    return list(session.scalars(theirs.distinct().order_by(ContactRoute.resident_id)))


def is_stopped(session: Session, number: str) -> bool:
    """True when the owner of this number answered STOP."""
    return session.get(StoppedAddress, hash_of_number(number), populate_existing=True) is not None


def _stopped(session: Session, routes: Sequence[Route]) -> set[Route]:
    by_hash = {hash_of_number(route.value): route for route in routes if route.kind == "sms" and route.value}
    if not by_hash:
        return set()
    found = session.scalars(select(StoppedAddress.value_hash).where(StoppedAddress.value_hash.in_(by_hash)))
    return {by_hash[value_hash] for value_hash in found}


def _sharing_contact(
    session: Session, resident_id: int, organisation_ids: Collection[int], now: datetime
) -> set[int]:
    """With which of these organisations this resident shares how to reach them."""
    live = (
        select(Consent.organisation_id)
        .join(ConsentItem, ConsentItem.consent_id == Consent.id)
        .join(Organisation, Organisation.id == Consent.organisation_id)
        .where(
            Consent.resident_id == resident_id,
            Consent.organisation_id.in_(organisation_ids),
            Consent.withdrawn_at.is_(None),
            Consent.until_at > now,
            Consent.is_for_referral.is_(False),
            ConsentItem.item == "contact",
            Organisation.closed_at.is_(None),
        )
    )
    return set(session.scalars(live))


def route_of(message: Message) -> Route:
    """The route a message takes."""
    by_caseworker = message.channel == "call" and message.to is None
    return Route("caseworker" if by_caseworker else message.channel, message.to)


def is_still_right(session: Session, message: Message, resident: Resident, now: datetime) -> Reach | None:
    """How the resident may be reached, when the route of this message still is one of theirs and allowed; else None."""
    reach = reach_of(
        session,
        resident=resident,
        organisation_id=message.organisation_id,
        now=now,
        from_officer=message.from_officer,
    )
    route = route_of(message)
    wanted = Wanted(names_service=templates.names_service(message.params or {}))
    fits = route in reach.routes and is_allowed(route, reach.rule, through=reach.through, wanted=wanted)
    return reach if fits else None


def is_wanted(session: Session, message: Message, now: datetime) -> bool:
    """Whether a letter or call in a tray is still wanted so: its person's rule and routes, or its use, may have changed."""
    if message.useful_until is not None and message.useful_until <= now:
        return False
    if message.resident_id is None:
        return message.to is not None
    resident = session.get(Resident, message.resident_id)
    return resident is not None and is_still_right(session, message, resident, now) is not None


# --- the tray


@dataclass(frozen=True)
class InTray:
    """One open item as a list shows it: nothing of the person, only what it is, how old, and who has it."""

    id: int
    kind: str
    made_at: datetime
    age: int  # working days
    owner_id: int | None
    owner_name: str | None
    is_late: bool


def _age(since: datetime, now: datetime, days: Sequence[date] | frozenset[date]) -> int:
    return working_days_between(since.astimezone(LONDON).date(), now.astimezone(LONDON).date(), days)


def _listed(session: Session, items: Sequence[TrayItem], now: datetime) -> list[InTray]:
    owners = {item.owner_id for item in items if item.owner_id}
    names = {
        row.id: row.name for row in session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(owners)))
    }
    days = frozenset(holidays(session))
    return [
        InTray(
            item.id, item.kind, item.made_at, _age(item.made_at, now, days), item.owner_id,
            names.get(item.owner_id or 0), _age(item.taken_at or item.made_at, now, days) >= UNTOUCHED_DAYS,
        )
        for item in items
    ]  # fmt: skip


def open_items(session: Session, *, principal: Principal, now: datetime) -> list[InTray]:
    """The open letters and calls this person may take, the oldest first."""
    rows = session.scalars(
        select(TrayItem)
        .where(TRAY.rows("tray.work", principal), TrayItem.done_at.is_(None))
        .order_by(TrayItem.made_at, TrayItem.id)
    ).all()
    mine = [row for row in rows if _opens(session, row, principal, now)]
    return _listed(session, mine, now)


@dataclass(frozen=True)
class Opened:
    """One open item with whom it is for and how they may be reached. `resident` is None for whom a booking names."""

    id: int
    item: TrayItem
    message: Message
    resident: Resident | None
    rule: SafeContact


def open_item(session: Session, *, principal: Principal, item_id: int, now: datetime) -> Opened | None:
    """One open item of the own tray; None when it is done, not open to this person, or does not exist."""
    row = session.scalar(
        select(TrayItem).where(
            TrayItem.id == item_id, TRAY.rows("tray.work", principal), TrayItem.done_at.is_(None)
        )
    )
    return _opens(session, row, principal, now) if row is not None else None


def _opens(session: Session, row: TrayItem, principal: Principal, now: datetime) -> Opened | None:
    """The part of the check no SQL can make: the safe-contact rule is encrypted."""
    if row.message.resident_id is None:
        rule = SafeContact(no_service_name=row.message.is_discreet)
        return Opened(row.id, row, row.message, None, rule) if is_wanted(session, row.message, now) else None
    resident = session.get(Resident, row.message.resident_id)
    if resident is None:
        return None
    reach = is_still_right(session, row.message, resident, now)
    if reach is None or principal.staff_id in reach.rule.not_staff:
        return None
    return Opened(row.id, row, row.message, resident, reach.rule)


def watched_items(session: Session, *, principal: Principal, now: datetime) -> list[InTray]:
    """The open items of the own organisation for its admin: how many, how old, who has them. Nothing is opened."""
    rows = session.scalars(
        select(TrayItem)
        .where(TRAY.rows("tray.watch", principal), TrayItem.done_at.is_(None))
        .order_by(TrayItem.made_at, TrayItem.id)
    ).all()
    return _listed(session, rows, now)


def dropped_of(session: Session, *, principal: Principal) -> int:
    """How many messages the own organisation ever wanted to send that had no safe way."""
    return (
        session.scalar(
            select(func.count(Message.id)).where(
                Message.organisation_id == principal.organisation_id,
                Message.state == "dropped",
                Message.fault.is_distinct_from(TAKEN_BACK),
            )
        )
        or 0
    )


def untouched(session: Session, now: datetime) -> dict[int, int]:
    """How many items nobody has touched for two working days, by organisation."""
    days = frozenset(holidays(session))
    rows = session.execute(
        select(TrayItem.organisation_id, TrayItem.made_at, TrayItem.taken_at).where(
            TrayItem.done_at.is_(None)
        )
    )
    late = (
        row.organisation_id for row in rows if _age(row.taken_at or row.made_at, now, days) >= UNTOUCHED_DAYS
    )
    return dict(Counter(late))


def admins_of(session: Session, organisation_id: int) -> list[int]:
    """The admins of an organisation who still work there."""
    return list(
        session.scalars(
            select(Membership.staff_id)
            .join(Staff, Staff.id == Membership.staff_id)
            .where(
                Membership.organisation_id == organisation_id,
                Membership.role == "organisation_admin",
                Membership.until_at.is_(None),
                Staff.left_at.is_(None),
            )
            .order_by(Membership.staff_id)
        )
    )


# --- what somebody was told


class ToldBy(NamedTuple):
    """One message that left for somebody: by which way, what about (N_), when. Never its words, nor where it went."""

    channel: str
    subject: str
    sent_at: datetime


def told_by(session: Session, *, resident_id: int, organisation_id: int | None) -> list[ToldBy]:
    """What one organisation told this person, the newest first. An answer of the data-protection officer is not theirs."""
    rows = session.execute(
        select(Message.channel, Message.template, Message.sent_at)
        .where(
            Message.resident_id == resident_id,
            Message.organisation_id == organisation_id,
            Message.from_officer.is_(False),
            Message.sent_at.is_not(None),
        )
        .order_by(Message.sent_at.desc(), Message.id.desc())
    )
    return [ToldBy(channel, templates.template_of(name).subject, at) for channel, name, at in rows if at]


# --- the outbox


def counts(session: Session, *, principal: Principal) -> dict[tuple[str, str], int]:
    """How many messages there are by channel and state."""
    rows = session.execute(
        select(Message.channel, Message.state, func.count())
        .where(OUTBOX.rows("messages.watch", principal))
        .group_by(Message.channel, Message.state)
    )
    return {(channel, state): count for channel, state, count in rows}


@dataclass(frozen=True)
class Dead:
    """A message that could not be sent: no address and no text."""

    id: int
    template: str
    channel: str
    fault: str | None
    tries: int
    made_at: datetime
    may_try_again: bool


def dead_messages(session: Session, *, principal: Principal) -> list[Dead]:
    """The newest messages that could not be sent."""
    rows = session.scalars(
        select(Message)
        .where(OUTBOX.rows("messages.watch", principal), Message.state == "dead")
        .order_by(Message.next_try_at.desc(), Message.id.desc())
        .limit(DEAD_ON_A_PAGE)
    )
    return [
        Dead(row.id, row.template, row.channel, row.fault, row.tries, row.made_at,
             row.params is not None and row.channel not in BY_HAND)
        for row in rows
    ]  # fmt: skip


def dead_message(session: Session, *, principal: Principal, message_id: int) -> Message | None:
    """One message that could not be sent."""
    return session.scalar(
        select(Message).where(
            Message.id == message_id, Message.state == "dead", OUTBOX.rows("messages.watch", principal)
        )
    )


@dataclass(frozen=True)
class Job:
    """A chore of the worker and how it went."""

    name: str
    ok_at: datetime | None
    fault: str | None
    failures: int
    is_late: bool


def jobs(session: Session, now: datetime) -> list[Job]:
    """Every chore the worker ever did; `is_late` when it has not gone well for ten minutes."""
    rows = session.scalars(select(JobRun).order_by(JobRun.name))
    return [
        Job(row.name, row.ok_at, row.fault, row.failures,
            row.ok_at is None or row.ok_at <= now - JOB_LATE)
        for row in rows
    ]  # fmt: skip
