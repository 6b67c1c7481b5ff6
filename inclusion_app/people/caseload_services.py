"""Who looks after whom when a caseworker leaves or is ill: the admin hands a caseload on without opening anybody.

Restricted people stay where they are, in no list and no count; they come back by their own code. Whom a person is kept
from never gets them either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core import events
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction
from inclusion_app.people.policy import HAND_OVER


class Open(NamedTuple):
    """How much is open with somebody beside their caseload: tasks and referrals. Of restricted people nothing is counted."""

    tasks: int = 0
    referrals: int = 0


# A later room says what is open with whom in an organisation, by the numbers of the staff.
OPEN_WORK: list[Callable[[Session, int], Mapping[int, Open]]] = []
# Who holds one of these may have something open without being a caseworker: it is not left behind.
WORKS_ON = ("caseworker", "safeguarding_lead", "referrer")


class Caseload(NamedTuple):
    """How many people one caseworker looks after; `is_here` is False for who holds the role no more."""

    staff_id: int
    name: str
    size: int
    is_here: bool
    open: Open = Open()

    @property
    def has_anything(self) -> bool:
        """True where there is something to hand on."""
        return bool(self.size or self.open.tasks or self.open.referrals)


def caseloads_of(session: Session, principal: Principal) -> list[Caseload]:
    """Every caseworker of the organisation, and who has left people or work behind; those first. No person is named."""
    here = set(session.scalars(_caseworkers(principal)))
    work = open_work(session, principal)
    rows = session.execute(
        select(CaseloadEntry.staff_id, func.count())
        .join(Resident, Resident.id == CaseloadEntry.resident_id)
        .where(CaseloadEntry.organisation_id == principal.organisation_id, ~Resident.is_restricted)
        .group_by(CaseloadEntry.staff_id)
    )
    counts: dict[int, int] = dict(rows.all())
    gone = set(work) - set(session.scalars(_holders(principal, *WORKS_ON)))
    people = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_({*here, *counts, *gone})))
    found = [
        Caseload(number, name, counts.get(number, 0), number in here, work.get(number, Open()))
        for number, name in people
    ]
    return sorted(found, key=lambda one: (one.is_here, one.name, one.staff_id))


def open_work(session: Session, principal: Principal) -> Mapping[int, Open]:
    """What is open with whom in the organisation, as the rooms above say; nothing until one does."""
    if not OPEN_WORK or principal.organisation_id is None:
        return {}
    return OPEN_WORK[0](session, principal.organisation_id)


def _caseworkers(principal: Principal) -> Any:
    return _holders(principal, "caseworker")


def _holders(principal: Principal, *roles: str) -> Any:
    return (
        select(Membership.staff_id)
        .join(Staff, Staff.id == Membership.staff_id)
        .where(
            Membership.organisation_id == principal.organisation_id,
            Membership.role.in_(roles),
            Membership.until_at.is_(None),
            Staff.left_at.is_(None),
        )
    )


def caseworkers(session: Session, principal: Principal) -> list[tuple[int, str]]:
    """Who is a caseworker of the organisation now: number and name, by name."""
    rows = session.execute(
        select(Staff.id, Staff.name)
        .where(Staff.id.in_(_caseworkers(principal)))
        .order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in rows]


def numbers_of(session: Session, principal: Principal, staff_id: int) -> list[int]:
    """The numbers of whoever somebody looks after for the organisation; restricted people are not among them."""
    rows = select(CaseloadEntry.resident_id).where(
        CaseloadEntry.organisation_id == principal.organisation_id,
        CaseloadEntry.staff_id == staff_id,
        ~exists().where(Resident.id == CaseloadEntry.resident_id, Resident.is_restricted),
    )
    return list(session.scalars(rows.order_by(CaseloadEntry.resident_id)))


def hand_over(
    session: Session,
    *,
    actor: Principal,
    from_id: int,
    to_id: int,
    now: datetime,
    only: Collection[int] | None = None,
) -> Sequence[int]:
    """Whoever `from_id` looks after is looked after by `to_id` from now on; returns the numbers of the people.

    With `only` it is these people; without it everybody, and what else is open goes too (events.CaseloadHandedOver).
    Raises RuleBroken at `to_id` for somebody who is no caseworker here, at `from_id` for the same person and for who
    has nothing to hand on.
    """
    if to_id not in set(session.scalars(_caseworkers(actor))):
        raise RuleBroken(words.CHOOSE_ONE, field="to_id")
    if from_id == to_id:
        raise RuleBroken(words.SAME_CASEWORKER, field="from_id")
    # Two at once come one after the other: the second finds nothing left to hand on.
    session.execute(select(Staff.id).where(Staff.id == from_id).with_for_update(key_share=True))
    waits = open_work(session, actor).get(from_id, Open()) if only is None else Open()
    moved = _move(session, actor, from_id=from_id, to_id=to_id, only=only, now=now)
    if not moved and not any(waits):
        raise RuleBroken(words.NOBODY_TO_HAND_ON, field="from_id")
    for number in sorted(moved):
        record_act(
            session, actor, action="hand on", resident_id=number, items=("help",), purpose="help",
            role=HAND_OVER.roles(actor)[0], now=now,
        )  # fmt: skip
    _tell(session, actor, from_id, to_id, moved, now, is_everything=only is None)
    return moved


def give_one(session: Session, *, actor: Principal, resident_id: int, to_id: int, now: datetime) -> bool:
    """A caseworker gives one of their own people to a colleague. False when the person is not theirs (any more).

    Raises RuleBroken at `to_id` for who is no caseworker here, for oneself, for whom the person is kept from, and for
    somebody restricted: nobody but their own worker sees those.
    """
    own = actor.staff_id or 0
    if to_id == own or to_id not in set(session.scalars(_caseworkers(actor))):
        raise RuleBroken(words.CHOOSE_ONE, field="to_id")
    kept = select(Restriction.id).where(Restriction.resident_id == resident_id, Restriction.staff_id == to_id)
    hidden = select(Resident.id).where(Resident.id == resident_id, Resident.is_restricted)
    if session.scalar(kept) is not None or session.scalar(hidden) is not None:
        raise RuleBroken(words.CANNOT_TAKE, field="to_id")
    moved = _move(session, actor, from_id=own, to_id=to_id, only=(resident_id,), now=now)
    if not moved:
        return False
    record_act(
        session, actor, action="give to a colleague", resident_id=resident_id, items=("help",), now=now
    )
    _tell(session, actor, own, to_id, moved, now, is_everything=False)
    return True


def _tell(
    session: Session,
    actor: Principal,
    from_id: int,
    to_id: int,
    moved: Sequence[int],
    now: datetime,
    *,
    is_everything: bool,
) -> None:
    events.publish(
        session,
        events.CaseloadHandedOver(
            organisation_id=actor.organisation_id or 0, from_id=from_id, to_id=to_id, resident_ids=tuple(sorted(moved)),
            at=now, is_everything=is_everything,
        ),
    )  # fmt: skip


def _move(
    session: Session,
    actor: Principal,
    *,
    from_id: int,
    to_id: int,
    only: Collection[int] | None,
    now: datetime,
) -> Sequence[int]:
    """The entries themselves: never of who is restricted, never to whom somebody is kept from. Two at once move each once."""
    kept = exists().where(Restriction.resident_id == CaseloadEntry.resident_id, Restriction.staff_id == to_id)
    hidden = exists().where(Resident.id == CaseloadEntry.resident_id, Resident.is_restricted)
    leaving = delete(CaseloadEntry).where(
        CaseloadEntry.organisation_id == actor.organisation_id, CaseloadEntry.staff_id == from_id, ~kept, ~hidden
    )  # fmt: skip
    if only is not None:
        leaving = leaving.where(CaseloadEntry.resident_id.in_(sorted(only)))
    moved = session.scalars(
        leaving.returning(CaseloadEntry.resident_id), execution_options={"synchronize_session": False}
    ).all()
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for number in sorted(moved):
        facts = {
            "organisation_id": actor.organisation_id,
            "staff_id": to_id,
            "resident_id": number,
            "since_at": now,
        }
        session.execute(kind.insert(CaseloadEntry).values(**facts).on_conflict_do_nothing())
    return moved
