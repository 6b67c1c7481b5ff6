"""The worker's side of the outbox: one pass that sends what waits, and what is done with the trays each minute.

Called inside an application context. Sending stands outside every transaction; what a pass does to the database is
many short ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Staff
from inclusion_app.config import Settings
from inclusion_app.core import clock, events, i18n
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.retention_runs import keep
from inclusion_app.messages import channels, queries, services, templates
from inclusion_app.messages.channels import NotSent, Outgoing
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.messages.rules import AWAKE, SafeContact, next_time_to_send, reference_of
from inclusion_app.messages.services import Claim
from inclusion_app.people.models import Resident

# The worker's other chores wait meanwhile, and its beat is looked for every two minutes.
PASS_LASTS = timedelta(seconds=45)


@dataclass
class Passed:
    """What one pass did."""

    sent: int = 0
    failed: int = 0
    put_off: int = 0


@dataclass(frozen=True)
class PutOff:
    """Not at this hour: from this moment on."""

    until: datetime


def settings_now() -> Settings:
    """The settings of this instance."""
    found: Settings = current_app.extensions["settings"]
    return found


def channels_now() -> Collection[str]:
    """The channels this instance may use."""
    return channels.available(settings_now())


def whole_address(path: str) -> str:
    """A path of ours as a person opens it; outside a request only the settings know the name."""
    return f"{settings_now().address}{path}"


def put_wanted(session: Session, event: MessageWanted) -> None:
    """What `create_app` subscribes to MessageWanted: the row is written in the transaction of what it tells."""
    services.put(session, event=event, channels=channels_now(), now=clock.now())


def send_pass() -> Passed:
    """Send what is due, one message after the other, for three quarters of a minute at most."""
    passed, stop = Passed(), clock.now() + PASS_LASTS
    with reading() as session:
        if not services.is_anything_due(session, now=clock.now()):
            return passed
    with transaction() as session:
        services.release_claims(session, now=clock.now(), channels=channels_now())
    while clock.now() < stop:
        with transaction() as session:
            claim = services.claim(session, now=clock.now())
        if claim is None:
            break
        _send(claim, passed)
    return passed


def _send(claim: Claim, passed: Passed) -> None:
    try:
        with reading() as session:
            made = _make(session, claim.number, clock.now())
        if isinstance(made, PutOff):
            passed.put_off += 1
            with transaction() as session:
                services.postpone(session, claim=claim, until=made.until)
            return
        provider_id = channels.deliver(made, settings_now())
    except NotSent as why:
        _note_failure(claim, passed, why)
        return
    except Exception as err:  # noqa: BLE001 - one message that cannot be read must not keep all the others
        # The kind only: a message could carry what somebody typed.
        current_app.logger.error("could not send a message: %s", type(err).__name__)
        _note_failure(claim, passed, NotSent("text unreadable"))
        return
    with transaction() as session:
        if services.mark_sent(session, claim=claim, provider_id=provider_id, now=clock.now()):
            passed.sent += 1


def _note_failure(claim: Claim, passed: Passed, why: NotSent) -> None:
    passed.failed += 1
    with transaction() as session:
        services.mark_failed(
            session, claim=claim, fault=why.code, permanent=why.permanent, channels=channels_now(), now=clock.now()
        )  # fmt: skip


def _make(session: Session, number: int, now: datetime) -> Outgoing | PutOff:
    """The finished message, asked once more whether it may go there now. Raises NotSent when it may not."""
    row = session.get_one(Message, number)
    if row.params is None or row.to is None:
        raise NotSent("text unreadable", permanent=True)
    try:
        template = templates.template_of(row.template)
    except templates.BadMessage:
        raise NotSent("text unreadable", permanent=True) from None
    if services.is_too_late(template, row, now):
        raise NotSent("too late", permanent=True)
    if row.staff_id is not None and session.get_one(Staff, row.staff_id).left_at is not None:
        raise NotSent("too late", permanent=True)
    service_name: str | None = settings_now().service_name
    if row.resident_id is not None:
        resident = session.get_one(Resident, row.resident_id)
        # Rule and routes may have changed since the message was put.
        reach = queries.is_still_right(session, row, resident, now)
        if reach is None:
            raise NotSent("rule changed", permanent=True)
        begin = next_time_to_send(reach.rule, now)
        if begin > now:
            return PutOff(begin)
        service_name = None if reach.rule.no_service_name else service_name
    elif row.about is not None:
        if row.channel == "sms":
            # They may have answered STOP since it was put.
            if queries.is_stopped(session, row.to):
                raise NotSent("rule changed", permanent=True)
            begin = next_time_to_send(SafeContact(hours=AWAKE), now)
            if begin > now:
                return PutOff(begin)
        service_name = None if row.is_discreet else service_name
    language = i18n.language_for(row.language)
    text = templates.write(
        template, row.params, language=language, channel=row.channel, service_name=service_name
    )
    return Outgoing(row.id, row.channel, row.to, text, language.tag, reference_of(row.key), row.made_at)


def look_at_trays() -> None:
    """Take out of the trays what their people no longer want so, and tell admins what nobody touches, once a day."""
    now = clock.now()
    with reading() as session:
        wrong = [
            item.id
            for item in session.scalars(select(TrayItem).where(TrayItem.done_at.is_(None)))
            if not queries.is_wanted(session, item.message, now)
        ]
        late = queries.untouched(session, now)
    for number in wrong:
        with transaction() as session:
            services.drop_item(session, item_id=number, channels=channels_now(), now=now)
    day = clock.today().isoformat()
    for organisation_id, count in late.items():
        with reading() as session:
            untold = [
                (staff_id, key)
                for staff_id in queries.admins_of(session, organisation_id)
                if not _is_put(session, key := f"tray late {day} {organisation_id} {staff_id}")
            ]
        if not untold:
            continue
        with transaction() as session:
            for staff_id, key in untold:
                wanted = MessageWanted(
                    key=key, template="staff_tray_late", staff_id=staff_id, organisation_id=organisation_id,
                    params={"count": str(count), "link": whole_address("/staff/tray/watch")},
                )  # fmt: skip
                events.publish(session, wanted)


def _is_put(session: Session, key: str) -> bool:
    return session.scalar(select(Message.id).where(Message.key == key)) is not None


def delete_old_files() -> None:
    """Messages of a demonstration go after the same 30 days as the texts of the outbox."""
    oldest = (clock.now() - keep("message-text")).timestamp()
    for path in channels.outbox_of(settings_now().instance).glob("*.txt"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def note_run(name: str, began_at: datetime, fault: str | None) -> None:
    """Write down how one run of a chore ended, in a short transaction of its own."""
    with transaction() as session:
        services.note_run(session, name=name, began_at=began_at, fault=fault, now=clock.now())


def forget_jobs(names: Collection[str]) -> None:
    """Forget chores that are done no more."""
    with transaction() as session:
        services.forget_jobs(session, but=names)
