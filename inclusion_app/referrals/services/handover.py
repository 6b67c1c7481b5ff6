"""What goes along when somebody else looks after a person: open tasks, referrals received and sent. In one transaction.

With everything also what is about nobody, the duty of services, and sheets of paper that are not destroyed.

Nothing about who is restricted moves, nothing to whom a person keeps away, and nothing about who shares their name with this
organisation no more: a colleague never had it to read. Of ended referrals only one that may be
opened again needs somebody who is still here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.events import CaseloadHandedOver
from inclusion_app.core.working_days import working_days_after
from inclusion_app.people import caseload_services
from inclusion_app.people.caseload_services import Open
from inclusion_app.people.models import Consent, ConsentItem, Resident, Restriction
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals.models import CaseTask, CityService, OutreachSheet, Referral

# Working days until whoever took somebody on has said hello.
TAKE_OVER_DAYS = 2
_STILL_ASKED = (*sorted(rules.LIVE), "closed")


def _is_open_task(organisation_id: int) -> ColumnElement[bool]:
    return and_(CaseTask.organisation_id == organisation_id, CaseTask.done_at.is_(None))


def _received(organisation_id: int) -> ColumnElement[bool]:
    return and_(Referral.organisation_id == organisation_id, Referral.status.in_(sorted(rules.LIVE)))


def _sent(organisation_id: int, states: Any) -> ColumnElement[bool]:
    return and_(Referral.sender_id == organisation_id, Referral.status.in_(states))


def _may_move(
    resident_id: Any, handed: CaseloadHandedOver, shares: ColumnElement[bool]
) -> ColumnElement[bool]:
    """About these people, or (with everything) about anybody and nobody; never as this module's head says."""
    stays = or_(
        exists().where(Restriction.resident_id == resident_id, Restriction.staff_id == handed.to_id),
        exists().where(Resident.id == resident_id, Resident.is_restricted),
    )
    moves = and_(shares, not_(stays))
    if handed.is_everything:
        return or_(resident_id.is_(None), moves)
    return and_(resident_id.in_(handed.resident_ids), moves)


def _shares_name(resident_id: Any, handed: CaseloadHandedOver) -> ColumnElement[bool]:
    """By a yes of their own or that of a referral to this organisation."""
    return exists().where(
        Consent.resident_id == resident_id,
        Consent.organisation_id == handed.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > handed.at,
        ConsentItem.consent_id == Consent.id,
        ConsentItem.item == "identity",
    )


def take_over(session: Session, handed: CaseloadHandedOver) -> None:
    """Move what is open with whoever looked after these people to whoever does now."""
    here, leaves, comes = handed.organisation_id, handed.from_id, handed.to_id
    tasks = update(CaseTask).where(
        _is_open_task(here),
        CaseTask.owner_id == leaves,
        _may_move(CaseTask.resident_id, handed, _shares_name(CaseTask.resident_id, handed)),
    )
    rows_changed(session, tasks.values(owner_id=comes))
    # What was received lives by its own yes, whatever that was given for.
    theirs = _may_move(Referral.resident_id, handed, policy.live_consent())
    received = update(Referral).where(_received(here), Referral.owner_id == leaves, theirs)
    rows_changed(session, received.values(owner_id=comes))
    about = _may_move(Referral.resident_id, handed, _shares_name(Referral.resident_id, handed))
    sent = update(Referral).where(_sent(here, _STILL_ASKED), Referral.sender_staff_id == leaves, about)
    rows_changed(session, sent.values(sender_staff_id=comes))
    if handed.is_everything:
        # Whoever is on duty for a service is still here: else its next task would be left behind too.
        duty = update(CityService).where(
            CityService.organisation_id == here, CityService.duty_staff_id == leaves
        )
        rows_changed(session, duty.values(duty_staff_id=comes))
        # A sheet that lies somewhere is looked for by somebody; who made it stands in the record.
        sheets = update(OutreachSheet).where(
            OutreachSheet.organisation_id == here,
            OutreachSheet.staff_id == leaves,
            OutreachSheet.destroyed_at.is_(None),
        )
        rows_changed(session, sheets.values(staff_id=comes))
    # What this session holds in memory was changed past it.
    for row in session.identity_map.values():
        if isinstance(row, CaseTask | Referral | CityService | OutreachSheet):
            session.expire(row)


def open_work(session: Session, organisation_id: int) -> Mapping[int, Open]:
    """What is open with whom: tasks, and live referrals they look after or sent. Nothing of who is restricted."""

    def counted(owner: Any, about: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
        restricted = exists().where(Resident.id == about, Resident.is_restricted)
        wanted = select(owner, func.count()).where(owner.is_not(None), ~restricted, *conditions)
        return wanted.group_by(owner)

    tasks: Counter[int] = Counter()
    referrals: Counter[int] = Counter()
    for count, owner, about, condition in (
        (tasks, CaseTask.owner_id, CaseTask.resident_id, _is_open_task(organisation_id)),
        (referrals, Referral.owner_id, Referral.resident_id, _received(organisation_id)),
        (
            referrals, Referral.sender_staff_id, Referral.resident_id,
            _sent(organisation_id, sorted(rules.LIVE)),
        ),
    ):  # fmt: skip
        for number, many in session.execute(counted(owner, about, condition)):
            count[number] += many
    return {number: Open(tasks[number], referrals[number]) for number in {*tasks, *referrals}}


def tasks_about(session: Session, organisation_id: int, numbers: list[int]) -> dict[int, int]:
    """How many open tasks there are about each of these people, by number."""
    rows = session.execute(
        select(CaseTask.resident_id, func.count())
        .where(_is_open_task(organisation_id), CaseTask.resident_id.in_(numbers))
        .group_by(CaseTask.resident_id)
    )
    return {number: many for number, many in rows if number is not None}


def key_of_giving(actor: Principal, once: str) -> str:
    """The key of the task that giving somebody on makes: the same form sent twice makes one."""
    return f"take_over {actor.staff_id} {keyed_hash('give-on', once)[:40]}"


def give(
    session: Session, *, actor: Principal, resident_id: int, to_id: int, once: str, now: datetime
) -> bool:
    """Give one of one's own people to a colleague, who gets a task to take over. False when they are not one's own.

    Raises RuleBroken at `to_id` (see people.caseload_services.give_one).
    """
    if not caseload_services.give_one(session, actor=actor, resident_id=resident_id, to_id=to_id, now=now):
        return False
    today = now.astimezone(LONDON).date()
    due_on = working_days_after(today, TAKE_OVER_DAYS, registry.holidays(session))
    facts = {
        "key": key_of_giving(actor, once), "organisation_id": actor.organisation_id, "owner_id": to_id,
        "resident_id": resident_id, "kind": "take_over", "due_on": due_on, "made_at": now,
    }  # fmt: skip
    session.execute(insert_into(session, CaseTask).values(**facts).on_conflict_do_nothing())
    return True


def is_given(session: Session, *, actor: Principal, resident_id: int, once: str) -> bool:
    """True where this very form has given this person on already."""
    done = select(CaseTask.id).where(
        CaseTask.key == key_of_giving(actor, once), CaseTask.resident_id == resident_id
    )
    return session.scalar(done) is not None
