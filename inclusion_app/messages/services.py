"""Verbs of the outbox and the trays: put, claim, send on, take, finish, forget.

A message is written in the transaction of what it tells and sent after it. Each step is one statement with its
condition, so that of several workers, or two people at one tray, one wins.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, String, cast, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Staff
from inclusion_app.core import i18n
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import Contact, MessageWanted
from inclusion_app.core.retention_runs import keep
from inclusion_app.core.staff_sessions import hash_of
from inclusion_app.messages import queries, templates
from inclusion_app.messages.models import JobRun, Message, StoppedAddress, TrayItem
from inclusion_app.messages.rules import (
    BY_HAND,
    BY_WIRE,
    CLAIM,
    NO_SAFE_ROUTE,
    OUTCOMES_OF,
    REACHED,
    TAKEN_BACK,
    TRIES,
    Route,
    Wanted,
    choose_route,
    next_time_to_send,
    next_try,
)
from inclusion_app.messages.staff_words import GONE_ALREADY, NOT_AN_OUTCOME, NOT_YOURS, SOMEBODY_ELSE
from inclusion_app.messages.templates import BadMessage, MessageTemplate
from inclusion_app.people.models import Resident, ResidentLink
from inclusion_app.people.rules import LINK_LIFE

# What an answer of one word to a text message does, beside STOP and START, for the residents who gave the number it came
# from; the rooms above say.
ANSWERS: dict[str, Callable[[Session, list[int], datetime], object]] = {}
KEY_LENGTH = 80
NEXT_ROUTE = "~"  # of one thing told: the key, key~1, key~2 …, each by another route

# Of a message whose words and addresses are gone.
NO_WORDS: Mapping[str, None] = {"params": None, "to": None, "to_name": None}


def put(session: Session, *, event: MessageWanted, channels: Collection[str], now: datetime) -> int | None:
    """Write one message into the outbox. Returns its number; None when this key was put before.

    To a resident it takes the first of their routes that is set up and that their safe-contact rule allows. Without
    one the row is kept as `dropped`, so that the organisation sees it. It is written in the language they read, whatever
    the event says, and to staff in English. Raises BadMessage for a message that does not
    exist, lacks a fact, or is for nobody.
    """
    template = templates.template_of(event.template)
    template.check(event.params)
    _check_event(event, template)
    if event.contact is not None:
        return _put_for_contact(session, event, event.contact, template, channels, now)
    if event.resident_id is None:
        return _put_for_staff(session, event, now)
    resident = session.get(Resident, event.resident_id)
    if resident is None:
        return None
    return _put_for_resident(
        session, key=event.key, template=template, params=event.params, resident=resident,
        organisation_id=event.organisation_id, channels=channels, now=now, made_at=now, from_officer=event.from_officer,
        about=event.about, useful_until=event.useful_until,
    )  # fmt: skip


def _check_event(event: MessageWanted, template: MessageTemplate) -> None:
    to = [event.resident_id, event.staff_id, event.email, event.contact]
    if sum(whom is not None for whom in to) != 1:
        raise BadMessage(f"{event.template}: for one person, no more and no fewer")
    is_residents = event.resident_id is not None or event.contact is not None
    if is_residents != (template.audience == "resident"):
        raise BadMessage(f"{event.template}: this is for a {template.audience}")
    if not 0 < len(event.key) <= KEY_LENGTH or NEXT_ROUTE in event.key:
        raise BadMessage(f"{event.template}: a key has 1 to {KEY_LENGTH} signs and no {NEXT_ROUTE}")


def _put_for_contact(
    session: Session,
    event: MessageWanted,
    contact: Contact,
    template: MessageTemplate,
    channels: Collection[str],
    now: datetime,
) -> int | None:
    """To the one way that was typed for this one thing. What cannot go by it is kept as `dropped`."""
    route = Route(contact.kind, contact.value)
    whose = {
        "key": event.key, "template": template.name, "organisation_id": event.organisation_id, "made_at": now,
        "language": i18n.language_for(event.language).slug, "channel": route.channel, "about": event.about,
        "useful_until": event.useful_until, "is_discreet": contact.is_discreet, "next_try_at": now,
    }  # fmt: skip
    stopped = route.channel == "sms" and queries.is_stopped(session, contact.value)
    names_service = contact.is_discreet and route.channel in BY_WIRE and templates.names_service(event.params)
    nobody_posts = route.channel in BY_HAND and event.organisation_id is None
    if (
        stopped
        or names_service
        or nobody_posts
        or route.channel not in channels
        or route.channel not in template.channels
    ):
        return _insert(session, **whose, state="dropped", fault=NO_SAFE_ROUTE, params=None, to=None)
    number = _insert(
        session, **whose, state="waiting", params=dict(event.params), to=contact.value, to_name=contact.name
    )
    return _in_tray(session, number, route, event.organisation_id, now)


def take_back(session: Session, *, about: str, now: datetime, key_begins: str | Collection[str] = "") -> int:
    """What was to be told about this and did not leave yet is told no more. Returns how many.

    `key_begins`: only those whose key begins so, or in one of these ways. One that a worker is sending at this moment
    leaves all the same, but when it fails it is not tried again.
    """
    about_it = [Message.about == about]
    if key_begins:
        begins = (key_begins,) if isinstance(key_begins, str) else key_begins
        about_it.append(or_(*(Message.key.startswith(one, autoescape=True) for one in begins)))
    mine = (*about_it, Message.state == "waiting")
    open_items = update(TrayItem).where(
        TrayItem.done_at.is_(None), TrayItem.message_id.in_(select(Message.id).where(*mine))
    )
    _count(session, open_items.values(done_at=now, outcome="could_not"))
    # Before the others: one that a worker gives back in between is then found as waiting.
    _count(session, update(Message).where(*about_it, Message.state == "sending").values(useful_until=now))
    gone = {"state": "dropped", "fault": TAKEN_BACK, "next_try_at": now}
    return _count(session, update(Message).where(*mine).values(**gone, **NO_WORDS))


def free_keys(session: Session, *, about: str, taken_back_at: datetime) -> list[str]:
    """What was taken back at this moment was true after all: it may be told anew by the same keys. Returns those.

    What left, or was taken back at another moment, keeps its key and is not told twice. Their words are gone, so whoever
    told it before tells it again.
    """
    gone = select(Message.key).where(
        Message.about == about, Message.state == "dropped", Message.fault == TAKEN_BACK, Message.next_try_at == taken_back_at
    )  # fmt: skip
    keys = sorted({key.partition(NEXT_ROUTE)[0] for key in session.scalars(gone)})
    for key in keys:
        # With the routes that were tried before it, or its first key would still count as told.
        again = or_(Message.key == key, Message.key.startswith(key + NEXT_ROUTE, autoescape=True))
        _count(
            session, update(Message).where(again).values(key=Message.key + " #" + cast(Message.id, String))
        )
    return keys


def forget_about(session: Session, *, about: str) -> None:
    """Words and addresses of everything that was told about this are gone, whatever became of it."""
    mine = update(Message).where(Message.about == about)
    _count(session, mine.values(**NO_WORDS))


def _put_for_staff(session: Session, event: MessageWanted, now: datetime) -> int | None:
    to = event.email
    if event.staff_id is not None:
        person = session.get(Staff, event.staff_id)
        to = person.email if person is not None and person.left_at is None else None
    if to is None:  # who has left is told nothing more
        return None
    return _insert(
        session, key=event.key, template=event.template, language="en", params=dict(event.params),
        staff_id=event.staff_id, organisation_id=event.organisation_id, channel="email", to=to, state="waiting",
        next_try_at=now, made_at=now,
    )  # fmt: skip


def _put_for_resident(
    session: Session,
    *,
    key: str,
    template: MessageTemplate,
    params: Mapping[str, str],
    resident: Resident,
    organisation_id: int | None,
    channels: Collection[str],
    now: datetime,
    made_at: datetime,
    from_officer: bool,
    about: str | None = None,
    useful_until: datetime | None = None,
    not_to: frozenset[tuple[str, str | None]] = frozenset(),
) -> int | None:
    reach = queries.reach_of(
        session, resident=resident, organisation_id=organisation_id, now=now, from_officer=from_officer
    )
    wanted = Wanted(template.channels, templates.names_service(params), not_to)
    route = choose_route(reach.routes, reach.rule, channels=channels, through=reach.through, wanted=wanted)
    whose = {
        "key": key, "template": template.name, "resident_id": resident.id, "organisation_id": organisation_id,
        "language": i18n.language_for(resident.read, resident.language).slug, "made_at": made_at,
        "from_officer": from_officer, "about": about, "useful_until": useful_until,
    }  # fmt: skip
    if route is None:
        if not_to:  # tried before by another route: that row says what went wrong
            return None
        channel = template.channels[0]
        return _insert(
            session,
            **whose,
            channel=channel,
            state="dropped",
            fault=NO_SAFE_ROUTE,
            next_try_at=now,
            params=None,
            to=None,
        )
    begin = now if route.channel in BY_HAND else next_time_to_send(reach.rule, now)
    number = _insert(
        session,
        **whose,
        params=dict(params),
        channel=route.channel,
        to=route.value,
        state="waiting",
        next_try_at=begin,
    )
    return _in_tray(session, number, route, organisation_id, now)


def _in_tray(
    session: Session, number: int | None, route: Route, organisation_id: int | None, now: datetime
) -> int | None:
    """A letter or call that was put just now waits in the tray of whoever posts it. Returns the number of the message."""
    if number is not None and route.channel in BY_HAND:
        session.add(
            TrayItem(message_id=number, organisation_id=organisation_id, kind=route.channel, made_at=now)
        )
        session.flush()
    return number


def _insert(session: Session, **values: Any) -> int | None:
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.flush()
    statement = (
        kind.insert(Message)
        .values(tries=0, **values)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Message.id)
    )
    number: int | None = session.scalar(statement)
    return number


# --- sending


@dataclass(frozen=True)
class Claim:
    """A message this worker sends now; nobody else may until the moment `until`."""

    number: int
    until: datetime


def claim(session: Session, *, now: datetime) -> Claim | None:
    """Take the message that has waited longest, for two minutes. One statement: several workers take several."""
    first = (
        select(Message.id)
        .where(Message.state == "waiting", Message.channel.in_(BY_WIRE), Message.next_try_at <= now)
        .order_by(Message.next_try_at, Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    number = session.scalar(
        update(Message)
        .where(Message.id == first, Message.state == "waiting")
        .values(state="sending", claimed_until=now + CLAIM, tries=Message.tries + 1)
        .returning(Message.id),
        execution_options={"synchronize_session": False},
    )
    return Claim(number, now + CLAIM) if number is not None else None


def is_anything_due(session: Session, *, now: datetime) -> bool:
    """Whether there is a message to send or a claim that ran out: asked before a lock is taken."""
    due = (Message.state == "waiting") & Message.channel.in_(BY_WIRE) & (Message.next_try_at <= now)
    ran_out = (Message.state == "sending") & (Message.claimed_until <= now)
    return session.scalar(select(Message.id).where(or_(due, ran_out)).limit(1)) is not None


def release_claims(session: Session, *, now: datetime, channels: Collection[str] = ()) -> int:
    """Give back what a worker had taken that never came back: it is sent again, under the same reference.

    What this happened to six times is dead; then the person's next route is tried. Returns how many.
    """
    ran_out = (Message.state == "sending", Message.claimed_until <= now)
    lost = {"claimed_until": None, "fault": "claim ran out", "next_try_at": now}
    dead = session.scalars(
        update(Message)
        .where(*ran_out, Message.tries >= TRIES)
        .values(state="dead", **lost)
        .returning(Message.id),
        execution_options={"synchronize_session": False},
    ).all()
    for number in dead:
        try_next_route(session, message_id=number, channels=channels, now=now)
    return len(dead) + _count(session, update(Message).where(*ran_out).values(state="waiting", **lost))


def _claimed(claim: Claim) -> tuple[Any, ...]:
    # The moment too: who comes back after the claim ran out does not undo what another worker did meanwhile.
    return Message.id == claim.number, Message.state == "sending", Message.claimed_until == claim.until


def mark_sent(session: Session, *, claim: Claim, provider_id: str | None, now: datetime) -> bool:
    """It went out. False when the claim had run out."""
    values = {
        "state": "sent",
        "claimed_until": None,
        "sent_at": now,
        "provider_id": provider_id,
        "fault": None,
    }
    return _count(session, update(Message).where(*_claimed(claim)).values(**values)) == 1


def postpone(session: Session, *, claim: Claim, until: datetime) -> None:
    """Not at this hour, the person said. It does not count as a try."""
    values = {"state": "waiting", "claimed_until": None, "next_try_at": until, "tries": Message.tries - 1}
    _count(session, update(Message).where(*_claimed(claim)).values(**values))


def mark_failed(
    session: Session, *, claim: Claim, fault: str, permanent: bool, channels: Collection[str], now: datetime
) -> None:
    """It did not go out: try again later (1, 5, 15, 60, 240 minutes), or, at the end, by the person's next route."""
    tries = session.scalar(select(Message.tries).where(*_claimed(claim)))
    if tries is None:
        return
    again = None if permanent else next_try(tries, now)
    values = {"claimed_until": None, "fault": fault, "next_try_at": again or now}
    state = "waiting" if again else "dead"
    done = _count(session, update(Message).where(*_claimed(claim)).values(state=state, **values))
    if done and again is None:
        try_next_route(session, message_id=claim.number, channels=channels, now=now)


def try_next_route(
    session: Session, *, message_id: int, channels: Collection[str], now: datetime
) -> int | None:
    """Tell a resident the same by the next route that is allowed, each route once. Returns the new message, or None."""
    row = session.get(Message, message_id, populate_existing=True)
    if row is None or row.resident_id is None or row.params is None:
        return None
    template = templates.template_of(row.template)
    resident = session.get(Resident, row.resident_id)
    if resident is None or is_too_late(template, row, now):
        return None
    base = row.key.partition(NEXT_ROUTE)[0]
    tried = session.scalars(
        select(Message).where(
            or_(Message.key == base, Message.key.startswith(base + NEXT_ROUTE, autoescape=True))
        )
    ).all()
    routes = frozenset((route.kind, route.value) for route in map(queries.route_of, tried))
    return _put_for_resident(
        session, key=f"{base}{NEXT_ROUTE}{len(tried)}", template=template, params=row.params, resident=resident,
        organisation_id=row.organisation_id, channels=channels, now=now, made_at=row.made_at, not_to=routes,
        from_officer=row.from_officer, about=row.about, useful_until=row.useful_until,
    )  # fmt: skip


def is_too_late(template: MessageTemplate, row: Message, now: datetime) -> bool:
    """True when what it says is over: a link that opens nothing any more is not sent, nor a reminder of what has begun."""
    if row.useful_until is not None and row.useful_until <= now:
        return True
    return template.useful_for is not None and row.made_at <= now - template.useful_for


def take_receipt(
    session: Session, *, provider_id: str, delivered: bool, channels: Collection[str], now: datetime
) -> bool:
    """The provider says how a sent message ended. False for one it never had from us, or whose number is not noted yet."""
    number = session.scalar(select(Message.id).where(Message.provider_id == provider_id))
    if number is None:
        return False
    if not delivered:
        values = {"state": "dead", "sent_at": None, "fault": "not delivered", "next_try_at": now}
        dead = update(Message).where(Message.id == number, Message.state == "sent").values(**values)
        if _count(session, dead):
            try_next_route(session, message_id=number, channels=channels, now=now)
    return True


def stop_number(session: Session, *, number: str, now: datetime) -> None:
    """The owner of this number answered STOP: no text message goes there any more."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        kind.insert(StoppedAddress)
        .values(value_hash=queries.hash_of_number(number), made_at=now)
        .on_conflict_do_nothing(index_elements=["value_hash"])
    )


def start_number(session: Session, *, number: str) -> None:
    """They answered START: it may be used again."""
    session.execute(delete(StoppedAddress).where(StoppedAddress.value_hash == queries.hash_of_number(number)))


def send_again(session: Session, *, message_id: int, now: datetime) -> None:
    """A dead message is tried once more from the start, after somebody looked at why. Raises RuleBroken when it is gone."""
    values = {"state": "waiting", "tries": 0, "next_try_at": now, "fault": None, "provider_id": None}
    again = update(Message).where(
        Message.id == message_id,
        Message.state == "dead",
        Message.params.is_not(None),
        Message.channel.in_(BY_WIRE),
    )
    if not _count(session, again.values(**values)):
        raise RuleBroken(GONE_ALREADY)


# --- the tray


def take_item(session: Session, *, item_id: int, staff_id: int, now: datetime) -> None:
    """This letter or call is mine now. Of two who press at once one wins; the other gets RuleBroken."""
    taking = update(TrayItem).where(
        TrayItem.id == item_id, TrayItem.done_at.is_(None), TrayItem.owner_id.is_(None)
    )
    if not _count(session, taking.values(owner_id=staff_id, taken_at=now)):
        raise RuleBroken(SOMEBODY_ELSE)


def give_back_item(session: Session, *, item_id: int, staff_id: int) -> None:
    """I cannot do it; it waits for a colleague, and its age goes on. Raises RuleBroken when it is not mine."""
    giving = update(TrayItem).where(
        TrayItem.id == item_id, TrayItem.done_at.is_(None), TrayItem.owner_id == staff_id
    )
    if not _count(session, giving.values(owner_id=None, taken_at=None)):
        raise RuleBroken(SOMEBODY_ELSE)


def free_item(session: Session, *, item_id: int) -> None:
    """The admin takes an open item away from whoever has it, without opening it. Raises RuleBroken when nobody has."""
    freeing = update(TrayItem).where(
        TrayItem.id == item_id, TrayItem.done_at.is_(None), TrayItem.owner_id.is_not(None)
    )
    if not _count(session, freeing.values(owner_id=None, taken_at=None)):
        raise RuleBroken(SOMEBODY_ELSE)


def finish_item(
    session: Session, *, item_id: int, staff_id: int, outcome: str, channels: Collection[str], now: datetime
) -> None:
    """It was posted or said, or could not be; then the person's next route is tried.

    Raises RuleBroken when it is not this person's, or at `outcome` for one this kind of item has not.
    """
    kind = session.scalar(select(TrayItem.kind).where(TrayItem.id == item_id))
    if outcome not in OUTCOMES_OF.get(kind or "", ()):
        raise RuleBroken(NOT_AN_OUTCOME, field="outcome")
    done = _count(
        session,
        update(TrayItem)
        .where(TrayItem.id == item_id, TrayItem.done_at.is_(None), TrayItem.owner_id == staff_id)
        .values(done_at=now, done_by_id=staff_id, outcome=outcome),
    )
    if not done:
        raise RuleBroken(NOT_YOURS)
    _end_by_hand(session, item_id, fault=None if outcome in REACHED else outcome, channels=channels, now=now)


def drop_item(session: Session, *, item_id: int, channels: Collection[str], now: datetime) -> bool:
    """Take an open item out of the tray whose person no longer wants it so; their next route is tried. False: done."""
    row = session.get(TrayItem, item_id, populate_existing=True)
    if row is None or row.done_at is not None or queries.is_wanted(session, row.message, now):
        return False
    over = update(TrayItem).where(TrayItem.id == item_id, TrayItem.done_at.is_(None))
    if not _count(session, over.values(done_at=now, outcome="could_not")):
        return False
    _end_by_hand(session, item_id, fault="rule changed", channels=channels, now=now)
    return True


def _end_by_hand(
    session: Session, item_id: int, *, fault: str | None, channels: Collection[str], now: datetime
) -> None:
    number = session.scalar(select(TrayItem.message_id).where(TrayItem.id == item_id))
    values = {"state": "dead", "fault": fault} if fault else {"state": "sent", "sent_at": now}
    done = update(Message).where(Message.id == number, Message.state == "waiting")
    if _count(session, done.values(next_try_at=now, **values)) and fault and number is not None:
        try_next_route(session, message_id=number, channels=channels, now=now)


# --- links that open a plan


def make_link(session: Session, *, resident_id: int, now: datetime) -> str:
    """A token that opens this plan once within half an hour; only its hash is kept. Older unused ones end."""
    session.execute(
        delete(ResidentLink).where(ResidentLink.resident_id == resident_id, ResidentLink.used_at.is_(None))
    )
    token = secrets.token_urlsafe(32)
    session.add(
        ResidentLink(
            token_hash=hash_of(token), resident_id=resident_id, made_at=now, expires_at=now + LINK_LIFE
        )
    )
    session.flush()
    return token


def use_link(session: Session, *, token: str, now: datetime) -> Resident | None:
    """Use a link up and give the resident it opens; None when it was used, is over, or never was. One statement."""
    number = session.scalar(
        update(ResidentLink)
        .where(
            ResidentLink.token_hash == hash_of(token),
            ResidentLink.used_at.is_(None),
            ResidentLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(ResidentLink.resident_id),
        execution_options={"synchronize_session": False},
    )
    if number is None:
        return None
    return session.scalar(select(Resident).where(Resident.id == number).with_for_update())


def has_link_route(session: Session, *, resident: Resident, channels: Collection[str], now: datetime) -> bool:
    """True when a link may be sent to this person at all: a text message or e-mail they allow."""
    template = templates.template_of("resident_link")
    reach = queries.reach_of(session, resident=resident, organisation_id=None, now=now)
    wanted = Wanted(template.channels, names_service=True)
    return (
        choose_route(reach.routes, reach.rule, channels=channels, through=reach.through, wanted=wanted)
        is not None
    )


# --- what is forgotten, and whether the jobs run


def delete_old_texts(session: Session, *, now: datetime) -> int:
    """Words and addresses of messages that ended 30 days ago; what kind, when and whether it arrived stays."""
    ended = Message.state.in_(("sent", "dead", "dropped"))
    old = func.coalesce(Message.sent_at, Message.next_try_at) <= now - keep("message-text")
    held = or_(Message.params.is_not(None), Message.to.is_not(None), Message.to_name.is_not(None))
    return _count(session, update(Message).where(ended, old, held).values(**NO_WORDS))


def delete_old_links(session: Session, *, now: datetime) -> int:
    """One-time links that have been over for a day."""
    old = ResidentLink.expires_at <= now - timedelta(days=1)
    return _count(session, delete(ResidentLink).where(old))


def note_run(session: Session, *, name: str, began_at: datetime, fault: str | None, now: datetime) -> None:
    """How one run of a chore ended: `fault` is the kind of an error, never its words."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    name = name[:40]
    ended = {"began_at": began_at, "ended_at": now, "fault": fault[:60] if fault else None}
    ok = {} if fault else {"ok_at": now}
    session.execute(
        kind.insert(JobRun)
        .values(name=name, failures=1 if fault else 0, **ended, **ok)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={**ended, **ok, "failures": JobRun.failures + 1 if fault else 0},
        )
    )


def forget_jobs(session: Session, *, but: Collection[str]) -> None:
    """A chore that no version does any more is no failing one."""
    session.execute(delete(JobRun).where(JobRun.name.not_in([name[:40] for name in but])))


def _count(session: Session, statement: Any) -> int:
    done: CursorResult[Any] = session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[assignment]
    return done.rowcount
