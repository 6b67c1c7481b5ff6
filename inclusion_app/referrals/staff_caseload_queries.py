"""Who stands on a caseload and what is open about them. The same few statements for four people and for four thousand.

Who is listed comes from the table of people alone. What is open about whoever is listed is asked by their numbers: of these
people this organisation's tasks, referrals, bookings and loan requests may be read by whoever may list them (the tables of
these rooms say the same; a test compares them). Names are read for the page that is shown and no further.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest
from inclusion_app.people import caseload_services
from inclusion_app.people import policy as people
from inclusion_app.people.models import CaseloadEntry, Consent, Resident
from inclusion_app.places.models import Ward
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_caseload_rules as caseload
from inclusion_app.referrals.models import CaseTask, CityService, OutreachSheet, Referral, SavedView
from inclusion_app.referrals.staff_caseload_rules import OTHERS, US, Due, Filters, Gathered, Line
from inclusion_app.training.models import Booking, BookingDate, Occurrence

ON_A_PAGE = 40
OTHERS_SHOWN = 20
# So many numbers may stand in one statement; more are asked for as a question inside it.
MOST_NUMBERS = 500
_WAITS_FOR_LOAN = ("submitted", "approved", "queued")
_LOAN_STATES = ("need_info", *_WAITS_FOR_LOAN, "offered", "fulfilled")
_BOOKING_STATES = ("requested", "booked", "waitlisted", "offered")


class Person(NamedTuple):
    """What the filters ask of a person, without their name."""

    id: int
    spoken: str | None
    read: str | None
    ward: str | None


@dataclass(frozen=True)
class Choices:
    """What can be chosen here: colleagues whose people this person may see, and the wards, by number or code and name."""

    colleagues: list[tuple[int, str]]
    wards: list[tuple[str, str]]
    shares: bool

    def read(self, given: Any) -> Filters:
        """The filters of an address, of what is known here only."""
        return Filters.read(
            given,
            colleagues=[number for number, _name in self.colleagues],
            wards=[code for code, _name in self.wards],
        )


@dataclass(frozen=True)
class Found:
    """A caseload: whom the filters take, in order; the restricted people of one's own; what is about nobody listed."""

    lines: list[Line]
    restricted: list[Line]
    others: list[Due]


def choices_for(session: Session, principal: Principal) -> Choices:
    """What the filters offer. Colleagues stand in it only where the organisation shares its caseload."""
    shares = bool(
        session.scalar(
            select(Organisation.shares_caseload).where(Organisation.id == principal.organisation_id)
        )
    )
    known = caseload_services.caseworkers(session, principal)
    wards = session.execute(select(Ward.code, Ward.name).order_by(Ward.name, Ward.code))
    return Choices(
        [one for one in known if one[0] != principal.staff_id] if shares else [],
        [(code, name) for code, name in wards],
        shares,
    )


def on_caseload(principal: Principal, staff_id: int | None) -> ColumnElement[bool]:
    """On the caseload of this member of staff, for the organisation the principal acts for."""
    entry = aliased(CaseloadEntry)
    mine = select(entry.resident_id).where(
        entry.staff_id == staff_id, entry.organisation_id == principal.organisation_id
    )
    return Resident.id.in_(mine)


def listed(principal: Principal, filters: Filters, *columns: Any) -> Select[Any]:
    """Whom this person may list of these. It begins with the entries or the consents, not with every resident there is."""
    wanted = select(*columns).where(people.TABLE.rows("resident.search", principal))
    if filters.whose == "organisation":
        shared = select(Consent.resident_id).where(
            Consent.organisation_id == principal.organisation_id, Consent.withdrawn_at.is_(None)
        )
        return wanted.where(Resident.id.in_(shared))
    return wanted.where(on_caseload(principal, filters.colleague_id or principal.staff_id))


def _restricted(principal: Principal, *columns: Any) -> Select[Any]:
    """The restricted people of one's own caseload: in no search and no count, but their worker finds them."""
    return select(*columns).where(
        on_caseload(principal, principal.staff_id),
        people.TABLE.rows("resident.identity", principal),
        Resident.is_restricted,
    )


_PERSON = (Resident.id, Resident.spoken, Resident.read, Resident.ward)


def caseload_of(session: Session, principal: Principal, filters: Filters, now: datetime) -> Found:
    """A caseload as these filters show it: what is due soonest stands first."""
    known = [Person(*row) for row in session.execute(listed(principal, filters, *_PERSON))]
    mine = filters.whose == "mine"
    hidden = [Person(*row) for row in session.execute(_restricted(principal, *_PERSON))] if mine else []
    numbers = [one.id for one in (*known, *hidden)]
    among: Collection[int] | Select[Any] = numbers
    if len(numbers) > MOST_NUMBERS:
        among = listed(principal, filters, Resident.id)
        if hidden:
            among = among.union(_restricted(principal, Resident.id))  # type: ignore[assignment]
    gathered = _gather(session, principal, among, now)
    lines, restricted = (
        [line for line in _lines(some, gathered) if filters.takes(line, now)] for some in (known, hidden)
    )
    return Found(
        caseload.sorted_by_due(lines),
        caseload.sorted_by_due(restricted),
        _others(session, principal, filters, set(numbers), now),
    )


def _lines(known: Sequence[Person], gathered: Gathered) -> list[Line]:
    return [
        Line(
            one.id, one.spoken or "", one.read or "", one.ward or "", frozenset(gathered.helps.get(one.id, ())),
            caseload.in_order(gathered.dues.get(one.id, ())),
        )
        for one in known
    ]  # fmt: skip


def _gather(session: Session, principal: Principal, among: Any, now: datetime) -> Gathered:
    found = Gathered()
    tasks = _tasks().where(
        CaseTask.organisation_id == principal.organisation_id, CaseTask.resident_id.in_(among)
    )
    found.add(*(_task(row) for row in session.execute(tasks)))
    for row in session.execute(
        _referrals().where(
            Referral.resident_id.in_(among),
            Referral.status.in_(sorted(rules.OPEN)),
            or_(
                Referral.sender_id == principal.organisation_id,
                and_(
                    Referral.organisation_id == principal.organisation_id,
                    policy.REFERRALS.rows("referral.receive", principal),
                ),
            ),
        )
    ):
        found.helps.setdefault(row.resident_id, set()).update(row.helps.split())
        found.add(*_of_referral(row, principal))
    found.add(*_of_loans(session, principal, among))
    found.add(*_of_training(session, principal, among, now))
    return found


def next_of(
    session: Session, principal: Principal, numbers: Collection[int], now: datetime
) -> dict[int, Due | None]:
    """What comes next for each of these people. Whom one may read of is asked before."""
    gathered = _gather(session, principal, numbers, now) if numbers else Gathered()
    return {
        number: Line(number, dues=caseload.in_order(gathered.dues.get(number, ()))).next for number in numbers
    }


def _tasks() -> Any:
    return select(CaseTask.id, CaseTask.resident_id, CaseTask.kind, CaseTask.due_on).where(
        CaseTask.done_at.is_(None)
    )


def _task(row: Any) -> Due:
    return Due("task", row.id, row.resident_id, on=row.due_on, waits=US, code=row.kind)


def _referrals() -> Any:
    return select(
        Referral.id, Referral.resident_id, Referral.status, Referral.mode, Referral.sender_id, Referral.organisation_id,
        Referral.clock_due, Referral.clock_stopped_at, Referral.promised_on, CityService.helps,
    ).join(CityService, CityService.id == Referral.service_id)  # fmt: skip


def _of_referral(row: Any, principal: Principal) -> list[Due]:
    """What one live referral asks of us, or of others. One within the organisation does both."""
    found: list[Due] = []
    number, resident_id = row.id, row.resident_id
    if row.mode == "signposted":
        return found  # nobody received it; its task says when to ask
    if row.organisation_id == principal.organisation_id:
        clock = rules.CLOCK_OF.get(row.status)
        if row.status == "needs_info":
            found.append(Due("asked", number, resident_id, waits=OTHERS))
        elif clock is not None and row.clock_due is not None:
            found.append(Due("clock", number, resident_id, at=row.clock_due, waits=US, code=clock))
    if row.sender_id == principal.organisation_id:
        if row.status == "needs_info":
            found.append(Due("answer", number, resident_id, waits=US))
        elif row.organisation_id != principal.organisation_id:
            kind = "helped" if row.status == "active" else "sent"
            clocked = row.clock_due.astimezone(LONDON).date() if row.clock_due is not None else None
            found.append(
                Due(
                    kind, number, resident_id, waits="" if kind == "helped" else OTHERS, code=row.status,
                    until=row.promised_on or clocked,
                )
            )  # fmt: skip
    return found


def _of_loans(session: Session, principal: Principal, among: Any) -> list[Due]:
    """Requests this organisation made for them: how they stand, the offer that runs out, the day it goes back."""
    asked = (
        select(
            LoanRequest.id, LoanRequest.resident_id, LoanRequest.status, LoanOffer.state, LoanOffer.ends_at, Loan.due_on,
        )
        .outerjoin(
            LoanOffer, and_(LoanOffer.request_id == LoanRequest.id, LoanOffer.state.in_(("open", "accepted")))
        )
        .outerjoin(Loan, and_(Loan.loan_request_id == LoanRequest.id, Loan.status == "active"))
        .where(
            LoanRequest.resident_id.in_(among),
            LoanRequest.referrer_id == principal.organisation_id,
            LoanRequest.status.in_(_LOAN_STATES),
        )
    )  # fmt: skip
    found = []
    for row in session.execute(asked):
        if row.status == "need_info":
            found.append(Due("loan_question", row.id, row.resident_id, waits=US))
        elif row.status in _WAITS_FOR_LOAN:
            found.append(Due("loan_waits", row.id, row.resident_id, waits=OTHERS))
        elif row.state is not None:
            kind = "loan_offer" if row.state == "open" else "loan_fetch"
            found.append(Due(kind, row.id, row.resident_id, at=row.ends_at))
        elif row.due_on is not None:
            found.append(Due("loan_back", row.id, row.resident_id, on=row.due_on))
    return found


def _of_training(session: Session, principal: Principal, among: Any, now: datetime) -> list[Due]:
    """Bookings this organisation made for them: the next date, the offer of a place that runs out."""
    to_come = (
        select(BookingDate.booking_id, func.min(Occurrence.starts_at).label("starts_at"))
        .join(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .join(Booking, Booking.id == BookingDate.booking_id)
        .where(
            Booking.resident_id.in_(among), Booking.organisation_id == principal.organisation_id,
            BookingDate.status == "on", Occurrence.status == "on", Occurrence.starts_at > now,
        )
        .group_by(BookingDate.booking_id)
        .subquery()
    )  # fmt: skip
    booked = (
        select(Booking.id, Booking.resident_id, Booking.status, Booking.offer_ends_at, to_come.c.starts_at)
        .outerjoin(to_come, to_come.c.booking_id == Booking.id)
        .where(
            Booking.resident_id.in_(among),
            Booking.organisation_id == principal.organisation_id,
            Booking.status.in_(_BOOKING_STATES),
        )
    )
    found = []
    for row in session.execute(booked):
        if row.status == "offered":
            found.append(Due("booking_offer", row.id, row.resident_id, at=row.offer_ends_at))
        elif row.starts_at is not None and row.status == "booked":
            found.append(Due("session", row.id, row.resident_id, at=row.starts_at, is_firm=False))
        elif row.starts_at is not None:
            found.append(Due("booking_waits", row.id, row.resident_id, waits=OTHERS))
    return found


def _others(
    session: Session, principal: Principal, filters: Filters, listed_here: set[int], now: datetime
) -> list[Due]:
    """Tasks of one's own or nobody's, of whoever is not listed, and referrals that wait for an answer of ours."""
    if filters.colleague_id or filters.help or filters.language or filters.ward:
        return []
    unkept = or_(CaseTask.resident_id.is_(None), ~people.keeps_away(principal, CaseTask.resident_id))
    own = or_(CaseTask.owner_id == principal.staff_id, CaseTask.owner_id.is_(None))
    tasks = _tasks().where(CaseTask.organisation_id == principal.organisation_id, own, unkept)
    received = _referrals().where(
        Referral.organisation_id == principal.organisation_id,
        Referral.status.in_(sorted(rules.OPEN)),
        policy.REFERRALS.rows("referral.receive", principal),
    )
    if filters.whose == "mine":
        received = received.where(or_(Referral.owner_id == principal.staff_id, Referral.owner_id.is_(None)))
    dues = [_task(row) for row in session.execute(tasks)]
    dues += [due for row in session.execute(received) for due in _of_referral(row, principal)]
    left = [due for due in dues if due.resident_id not in listed_here]
    if filters.waiting:
        left = [due for due in left if due.waits == filters.waiting]
    return list(caseload.in_order(due for due in left if filters.takes_due([due], now)))


class Shown(NamedTuple):
    """What a page of a caseload needs beside its lines: names by number, and the words of tasks by theirs.

    `ends`: how the codes end of those who share their name with another one here.
    """

    names: dict[int, str]
    tasks: dict[int, str]
    ends: dict[int, str]


def shown_of(
    session: Session, principal: Principal, lines: Sequence[Line], others: Sequence[Due] = ()
) -> Shown:
    """The names of whoever is on this page, and what was typed about tasks that are shown. Whom: see `caseload_of`."""
    numbers = [line.resident_id for line in lines]
    called = session.execute(
        select(Resident.id, Resident.name, Resident.code).where(Resident.id.in_(numbers))
    ).all()
    names = {number: name for number, name, _code in called if name}
    dues = [*(due for line in lines for due in line.dues), *others]
    tasks = [due.number for due in dues if due.kind == "task"]
    words = session.execute(
        select(CaseTask.id, CaseTask.words).where(
            CaseTask.id.in_(tasks), CaseTask.words.is_not(None), policy.TASKS.rows("task.words", principal)
        )
    )
    return Shown(
        names,
        {number: said or "" for number, said in words},
        caseload.told_apart(names, {number: code for number, _name, code in called}),
    )


def ends_of(session: Session, names: Mapping[int, str]) -> dict[int, str]:
    """How the codes end of those who are called like another of these. Whom one may list is asked before."""
    twins = caseload.told_apart(names, dict.fromkeys(names, ""))
    rows = session.execute(select(Resident.id, Resident.code).where(Resident.id.in_(twins)))
    return caseload.told_apart(
        {number: names[number] for number in twins}, {row.id: row.code for row in rows}
    )


def workers_of(session: Session, principal: Principal, numbers: Collection[int]) -> dict[int, list[str]]:
    """The names of whoever looks after these people for the organisation the principal acts for."""
    rows = session.execute(
        select(CaseloadEntry.resident_id, Staff.name)
        .join(Staff, Staff.id == CaseloadEntry.staff_id)
        .where(
            CaseloadEntry.organisation_id == principal.organisation_id, CaseloadEntry.resident_id.in_(numbers)
        )
        .order_by(Staff.name, Staff.id)
    )
    found: dict[int, list[str]] = {}
    for number, name in rows:
        found.setdefault(number, []).append(name)
    return found


# --- views that somebody keeps


def _own_views(principal: Principal) -> ColumnElement[bool]:
    return and_(
        SavedView.staff_id == principal.staff_id, SavedView.organisation_id == principal.organisation_id
    )


def views_of(session: Session, principal: Principal) -> Sequence[SavedView]:
    """One's own, for the organisation one acts for, by name."""
    return session.scalars(select(SavedView).where(_own_views(principal)).order_by(SavedView.name)).all()


def view_for(session: Session, principal: Principal, number: int) -> SavedView | None:
    """One of one's own."""
    return session.scalar(select(SavedView).where(SavedView.id == number, _own_views(principal)))


# --- sheets


def sheet_for(session: Session, principal: Principal, number: int) -> OutreachSheet | None:
    """A sheet through the table of the room."""
    rows = policy.SHEETS.rows("sheet.keep", principal)
    return session.scalar(select(OutreachSheet).where(OutreachSheet.id == number, rows))
