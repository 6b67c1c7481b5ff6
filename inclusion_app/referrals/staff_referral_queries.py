"""Reads of referrals for the staff, each through the table of rights: the list, the page of one, who may own which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.history import StatusChange
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people
from inclusion_app.people import services as people_services
from inclusion_app.people.models import ConsentItem, ContactRoute, Resident
from inclusion_app.people.rules import ITEMS
from inclusion_app.people.staff_views import safe_words
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_words as case_words
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.models import (
    CaseNote,
    CaseTask,
    CityService,
    PartnerLink,
    PublicReferral,
    Referral,
    ReferralNote,
    ReferralWords,
)

ON_A_PAGE = 30
# While one of these holds it is the receiver's turn; while a question is open the sender's.
RECEIVERS_TURN = rules.OPEN - {"needs_info"}
SENDERS_TURN = frozenset({"needs_info"})


@dataclass(frozen=True)
class Filters:
    """Which referrals the list shows: codes of staff_referral_words."""

    which: str = "received"
    state: str = "live"
    owner: str = "all"
    due: str = "all"
    waits: str = "all"


class Line(NamedTuple):
    """One referral in a list: the other organisation, whose it is here, and the person's name where it may be read."""

    referral: Referral
    other: str
    owner: str
    name: str


@dataclass(frozen=True)
class Person:
    """A person as far as a page may show them: `parts` are the items; what is in none of them is empty."""

    resident: Resident
    parts: tuple[str, ...]
    routes: Sequence[ContactRoute]
    safe: Mapping[str, Any]
    ward: str
    steps: Sequence[tuple[str, str]]


def referral_for(
    session: Session, principal: Principal, number: int, right: str = "referral.follow"
) -> Referral | None:
    """One referral this principal reaches by this right; None for a miss, whatever the reason."""
    wanted = select(Referral).where(Referral.id == number, policy.REFERRALS.rows(right, principal))
    return session.scalar(wanted)


def side_of(principal: Principal, referral: Referral) -> str:
    """On which side of it the principal stands."""
    return rules.RECEIVER if referral.organisation_id == principal.organisation_id else rules.SENDER


# --- the list


def _narrowed(wanted: Any, principal: Principal, chosen: Filters, now: datetime) -> Any:
    received = chosen.which == "received"
    side = policy.is_received(principal) if received else Referral.sender_id == principal.organisation_id
    wanted = wanted.where(policy.REFERRALS.rows("referral.follow", principal), side)
    if chosen.state == "live":
        wanted = wanted.where(Referral.status.in_(sorted(rules.OPEN)))
    elif chosen.state == "ended":
        wanted = wanted.where(Referral.status.not_in(sorted(rules.LIVE)))
    elif chosen.state != "all":
        wanted = wanted.where(Referral.status == chosen.state)
    whose = Referral.owner_id if received else Referral.sender_staff_id
    if chosen.owner != "all":
        wanted = wanted.where(whose == principal.staff_id if chosen.owner == "mine" else whose.is_(None))
    if chosen.due != "all":
        runs = and_(Referral.clock_due.is_not(None), Referral.clock_stopped_at.is_(None))
        wanted = wanted.where(runs, *_due_within(chosen.due, now))
    if chosen.waits != "all":
        ours, theirs = RECEIVERS_TURN, SENDERS_TURN
        if not received:
            ours, theirs = theirs, ours
        turn = Referral.status.in_(sorted(ours if chosen.waits == "us" else theirs))
        # Whoever was only told where to go waits for nobody.
        wanted = wanted.where(turn, Referral.mode != "signposted")
    return wanted


def _due_within(due: str, now: datetime) -> tuple[Any, ...]:
    if due == "late":
        return (Referral.clock_due < now,)
    midnight = datetime.combine(now.astimezone(LONDON).date(), datetime.min.time(), LONDON)
    days = 1 if due == "today" else 8
    return Referral.clock_due >= now, Referral.clock_due < midnight + timedelta(days=days)


def count_referrals(session: Session, principal: Principal, chosen: Filters, now: datetime) -> int:
    """How many there are of these."""
    return session.scalar(_narrowed(select(func.count(Referral.id)), principal, chosen, now)) or 0


def referrals_of(
    session: Session, principal: Principal, chosen: Filters, *, page: int, now: datetime
) -> list[Line]:
    """One page of them: what is due first, then what has no clock; of what has ended the last end first."""
    sender, owner = aliased(Organisation), aliased(Staff)
    received = chosen.which == "received"
    whose = Referral.owner_id if received else Referral.sender_staff_id
    standing = case(
        (Referral.clock_stopped_at.is_not(None), 1), (Referral.clock_due.is_not(None), 0), else_=2
    )
    wanted = (
        select(Referral, func.coalesce(sender.name, ""), func.coalesce(owner.name, ""))
        .outerjoin(sender, sender.id == Referral.sender_id)
        .outerjoin(owner, owner.id == whose)
    )
    part = (
        _narrowed(wanted, principal, chosen, now)
        .order_by(standing, Referral.clock_due, Referral.ended_at.desc(), Referral.id.desc())
        .offset((page - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    )
    rows = session.execute(part).all()
    names = _names(session, principal, [one.id for one, _sender, _owner in rows])
    return [
        Line(
            one, came_from if received else one.service.organisation.name, whose_it_is, names.get(one.id, "")
        )
        for one, came_from, whose_it_is in rows
    ]


def _names(session: Session, principal: Principal, numbers: Sequence[int]) -> dict[int, str]:
    """The names of those whose referral may be read and whose name this principal may see now."""
    # Two questions: each of the two tables of rights asks about rows of the other one.
    readable = select(Referral.id, Referral.resident_id).where(
        Referral.id.in_(numbers), policy.REFERRALS.rows("referral.read", principal)
    )
    people_of: dict[int, int | None] = dict(session.execute(readable).all())
    wanted = select(Resident.id, Resident.name).where(
        Resident.id.in_({number for number in people_of.values() if number}),
        people_policy.TABLE.rows("resident.identity", principal),
    )
    names: dict[int, str | None] = dict(session.execute(wanted).all())
    return {
        number: name for number, resident_id in people_of.items() if (name := names.get(resident_id or 0))
    }


# --- one


def items_shared(session: Session, referral: Referral) -> list[str]:
    """The items the yes of this referral was given for, in their order; also of one that has ended."""
    theirs = select(ConsentItem.item).where(ConsentItem.consent_id == referral.consent_id)
    found = set(session.scalars(theirs)) if referral.consent_id is not None else set()
    return [item for item in ITEMS if item in found]


def person_for(session: Session, principal: Principal, referral: Referral) -> Person | None:
    """The person of a referral for one of the staff: to the receiver what is shared with it, to the sender the name.

    The sender reads the rest on the person's own page. None where nothing may be seen now.
    """
    resident = session.get(Resident, referral.resident_id) if referral.resident_id else None
    if resident is None:
        return None
    seen = set(people.parts_seen(session, principal, resident.id))
    received = side_of(principal, referral) == rules.RECEIVER
    may = set(items_shared(session, referral)) if received else {"identity"}
    return _person(session, resident, tuple(item for item in ITEMS if item in seen & may))


def person_by_link(session: Session, referral: Referral) -> Person | None:
    """The person of a referral for a partner whose link opens it: the items of its yes (see services.partners)."""
    resident = session.get(Resident, referral.resident_id) if referral.resident_id else None
    return _person(session, resident, tuple(items_shared(session, referral))) if resident else None


def _person(session: Session, resident: Resident, parts: tuple[str, ...]) -> Person | None:
    if not parts:
        return None
    reaches = "contact" in parts
    ward = resident.ward if "identity" in parts else None
    return Person(
        resident=resident,
        parts=parts,
        routes=people.routes_of(session, resident.id) if reaches else [],
        safe=safe_words(session, resident) if reaches else {},
        ward=people_services.WARD_NAME[0](session, ward) if ward and people_services.WARD_NAME else "",
        steps=people_services.PLAN_OF[0](session, resident.id)
        if "plan" in parts and people_services.PLAN_OF
        else [],
    )


def words_said(session: Session, referral_id: int) -> list[tuple[ReferralWords, str]]:
    """What was typed about it and who of the staff did, the first first."""
    wanted = (
        select(ReferralWords, func.coalesce(Staff.name, ""))
        .outerjoin(Staff, Staff.id == ReferralWords.staff_id)
        .where(ReferralWords.referral_id == referral_id)
        .order_by(ReferralWords.at, ReferralWords.id)
    )
    return [(said, name) for said, name in session.execute(wanted)]


def notes_along(session: Session, principal: Principal, referral_id: int) -> Sequence[CaseNote]:
    """The notes that go with it, as far as this principal may read them."""
    return _notes(session, referral_id, policy.NOTES.rows("note.read", principal))


def notes_by_link(session: Session, referral: Referral) -> Sequence[CaseNote]:
    """The notes that go with it, for a partner whose link opens it: that it is live and shared was asked there."""
    return _notes(session, referral.id, policy.goes_with(Referral.id == referral.id))


def _notes(session: Session, referral_id: int, may: ColumnElement[bool]) -> Sequence[CaseNote]:
    wanted = (
        select(CaseNote)
        .join(ReferralNote, ReferralNote.note_id == CaseNote.id)
        .where(ReferralNote.referral_id == referral_id, may)
    )
    return session.scalars(wanted.order_by(CaseNote.happened_on, CaseNote.id)).all()


class Turn(NamedTuple):
    """One line of the history: when, what it became (N_), who, and why (N_; empty for none)."""

    at: datetime
    state: str
    who: str
    why: str


def last_change(session: Session, referral_id: int) -> StatusChange | None:
    """The last move of it."""
    theirs = select(StatusChange).where(
        StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral_id
    )
    return session.scalar(theirs.order_by(StatusChange.id.desc()).limit(1))


def has_turned(session: Session, referral_id: int, *, by: str, to: str) -> bool:
    """Whether this actor (see core.history) has once brought it to this state."""
    theirs = select(StatusChange.id).where(
        StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral_id,
        StatusChange.actor == by, StatusChange.after == to,
    )  # fmt: skip
    return session.scalar(theirs.limit(1)) is not None


def became(turn: StatusChange, side: str, mode: str = "") -> str:
    """What a turn made of a referral (N_): its new state, or what was done where the state is one it had before."""
    if turn.before == "needs_info" and turn.after in ("acknowledged", "accepted"):
        return case_words.ANSWERED if side == rules.SENDER else case_words.FOUND_OUT
    if turn.before == "closed":
        return case_words.OPEN_AGAIN
    return rules.state_words(turn.after, mode)


def turns_of(session: Session, referral: Referral) -> list[Turn]:
    """Its history, oldest first: a member of staff by name, a partner by its organisation."""
    changes = session.scalars(
        select(StatusChange)
        .where(StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral.id)
        .order_by(StatusChange.id)
    ).all()
    numbers = {int(number) for one in changes if (number := one.actor.partition(" ")[2]).isdigit()}
    names: dict[int, str] = dict(
        session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(numbers))).all()
    )
    houses = {
        rules.RECEIVER: referral.service.organisation.name,
        rules.SENDER: name_of_organisation(session, referral.sender_id),
    }
    # One code may stand in several tables: the state says of which one it is.
    why = {"closed": rules.OUTCOMES, "declined": rules.DECLINED_FOR, "active": rules.REOPENED_FOR}
    found = []
    for one in changes:
        side, _space, number = one.actor.partition(" ")
        house = houses.get(side, "")
        person = names.get(int(number), "") if number.isdigit() else ""
        who = f"{person}, {house}" if person and house else person or house
        if person and side == rules.RESIDENT:
            # They have no record to do it on: whom they told pressed for them.
            who = gettext(words.PERSON_SAID_TO, name=person)
        found.append(
            Turn(
                one.at,
                became(one, side, referral.mode),
                who or words.WHO.get(side, ""),
                why.get(one.after, {}).get(one.why, ""),
            )
        )
    return found


def name_of_organisation(session: Session, number: int | None) -> str:
    """Who sent it; empty for a public one."""
    return session.scalar(select(Organisation.name).where(Organisation.id == number)) or ""


def name_of_staff(session: Session, number: int | None) -> str:
    """A colleague's name; empty for nobody."""
    return session.scalar(select(Staff.name).where(Staff.id == number)) or ""


def public_of(session: Session, referral_id: int) -> PublicReferral | None:
    """Who filled in the public form and for whom, where it came by one."""
    return session.get(PublicReferral, referral_id)


def better_services(session: Session, referral: Referral) -> list[tuple[int, str]]:
    """What a receiver may name as the better service: every open one but itself and those of whoever sent it."""
    rows = session.execute(
        select(CityService.id, CityService.name, Organisation.name)
        .join(Organisation, Organisation.id == CityService.organisation_id)
        .where(
            CityService.closed_at.is_(None),
            Organisation.closed_at.is_(None),
            CityService.id != referral.service_id,
            CityService.organisation_id != (referral.sender_id or 0),
        )
        .order_by(CityService.name, CityService.id)
    )
    return [(number, f"{name} – {house}") for number, name, house in rows]


def service_named(session: Session, number: int | None) -> CityService | None:
    """The better service a receiver named."""
    return session.get(CityService, number) if number is not None else None


def open_tasks(session: Session, principal: Principal, referral_id: int) -> Sequence[CaseTask]:
    """What this organisation still has to do because of it."""
    wanted = select(CaseTask).where(
        CaseTask.referral_id == referral_id,
        CaseTask.organisation_id == principal.organisation_id,
        CaseTask.done_at.is_(None),
    )
    return session.scalars(wanted.order_by(CaseTask.due_on, CaseTask.id)).all()


def links_of(session: Session, referral_id: int) -> Sequence[PartnerLink]:
    """The links to it that were made, the last first."""
    wanted = select(PartnerLink).where(PartnerLink.referral_id == referral_id)
    return session.scalars(wanted.order_by(PartnerLink.made_at.desc())).all()


# --- owners


class Owned(NamedTuple):
    """One received referral as whoever gives out the work sees it."""

    referral: Referral
    owner: str


def _assignable(wanted: Any, principal: Principal) -> Any:
    return wanted.where(
        policy.REFERRALS.rows("referral.assign", principal),
        policy.is_received(principal),
        Referral.status.in_(sorted(rules.OPEN)),
    )


def count_assignable(session: Session, principal: Principal) -> int:
    """How many live ones were received that this principal may give an owner."""
    return session.scalar(_assignable(select(func.count(Referral.id)), principal)) or 0


def assignable(session: Session, principal: Principal, *, page: int) -> list[Owned]:
    """Those without an owner first, then what is due first. Nobody who is referred is named."""
    wanted = select(Referral, func.coalesce(Staff.name, "")).outerjoin(Staff, Staff.id == Referral.owner_id)
    part = (
        _assignable(wanted, principal)
        .order_by(
            case((Referral.owner_id.is_(None), 0), else_=1),
            case((Referral.clock_due.is_(None), 1), else_=0),
            Referral.clock_due,
            Referral.id,
        )
        .offset((page - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    )
    return [Owned(one, name) for one, name in session.execute(part)]


class Unanswered(NamedTuple):
    """A referral nobody answered, for which another way has to be found here."""

    referral: Referral
    due_on: Any
    worker: str


def unanswered(session: Session, principal: Principal) -> list[Unanswered]:
    """What lapsed and has its task still open here: sent by this organisation, or to it by nobody's organisation.

    Nobody who was referred is named.
    """
    ours = or_(
        Referral.sender_id == principal.organisation_id,
        and_(Referral.sender_id.is_(None), Referral.organisation_id == principal.organisation_id),
    )
    wanted = (
        select(Referral, CaseTask.due_on, func.coalesce(Staff.name, ""))
        .join(CaseTask, CaseTask.referral_id == Referral.id)
        .outerjoin(Staff, Staff.id == CaseTask.owner_id)
        .where(
            Referral.status == "lapsed",
            CaseTask.kind == "another_way",
            CaseTask.done_at.is_(None),
            CaseTask.organisation_id == principal.organisation_id,
            ours,
        )
        .order_by(CaseTask.due_on, Referral.id)
        .limit(ON_A_PAGE)
    )
    return [Unanswered(one, due_on, name) for one, due_on, name in session.execute(wanted)]


# --- what waits


class Waits(NamedTuple):
    """How many referrals of a kind wait, and since when the oldest does."""

    number: int
    since: datetime | None


def what_waits(session: Session, principal: Principal, now: datetime) -> dict[str, Waits]:
    """What was received and waits for this person: theirs, or nobody's; and how much of it is late."""
    is_late = and_(Referral.clock_due < now, Referral.clock_stopped_at.is_(None))
    wanted = (
        select(
            Referral.status,
            func.count(Referral.id),
            func.min(Referral.clock_since),
            func.sum(case((is_late, 1), else_=0)),
            func.min(case((is_late, Referral.clock_due))),
        )
        .where(
            policy.REFERRALS.rows("referral.receive", principal),
            Referral.owner_id.is_(None) | (Referral.owner_id == principal.staff_id),
        )
        .group_by(Referral.status)
    )
    rows = session.execute(wanted).all()
    found = {status: Waits(count, since) for status, count, since, _late, _since in rows}
    late_since = [since for *_rest, since in rows if since is not None]
    late = sum(int(count or 0) for _status, _count, _since, count, _late in rows)
    if late:
        found["late"] = Waits(late, min(late_since, default=None))
    return found


def questions_of(session: Session, principal: Principal) -> Waits:
    """Questions about whom this person referred, which wait for an answer."""
    wanted = select(func.count(Referral.id), func.min(Referral.clock_stopped_at)).where(
        policy.REFERRALS.rows("referral.send", principal),
        Referral.status == "needs_info",
    )
    count, since = session.execute(wanted).one()
    return Waits(count, since)


def count_without_owner(session: Session, principal: Principal) -> int:
    """How many live ones were received and nobody looks after."""
    wanted = _assignable(select(func.count(Referral.id)), principal).where(Referral.owner_id.is_(None))
    return session.scalar(wanted) or 0
