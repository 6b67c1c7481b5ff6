"""What a coordinator sees at the desk. Each list asks the table who asks (`policy`).

Every count goes over what is open, by an index, and never over what is past. Whoever is kept from this person is in no
count of people and in no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select, union
from sqlalchemy.orm import Session, joinedload, lazyload

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.loans import rules
from inclusion_app.loans.models import (
    DeviceModel,
    Loan,
    LoanOffer,
    LoanRequest,
    Sighting,
    Sim,
    SimUse,
    StockTake,
    TakeIn,
    Ticket,
    Transfer,
    Unit,
)
from inclusion_app.loans.policy import LOANS, REQUESTS, STOCK_TAKES, TICKETS, UNITS
from inclusion_app.loans.services import custody, fetching, queue, stocktake
from inclusion_app.loans.services.custody import LIVE_OFFER
from inclusion_app.loans.staff_handover_queries import waits_to_be_looked_at
from inclusion_app.loans.staff_people import names_of
from inclusion_app.messages.models import Message
from inclusion_app.messages.rules import TAKEN_BACK
from inclusion_app.places.models import Place

DATA_WARNING = timedelta(days=14)
ON_A_PAGE = 50
OPEN_TICKET = ("reported", "at_workshop", "waiting_for_part")
IN_STOCK = ("intake", "wiping", "testing", "ready", "quarantine", "repair")


# --- what each line of the desk counts


def _conditions(principal: Principal, now: datetime) -> dict[str, tuple[Any, ...]]:
    """For each line that names people or offers: what holds for its rows. Joins stand in `_from`."""
    today = now.astimezone(LONDON).date()
    requests = REQUESTS.rows("request.decide", principal)
    active = LOANS.rows("loan.run", principal), Loan.status == "active"
    begins = datetime.combine(today, datetime.min.time(), LONDON)
    accepted = LoanOffer.state == "accepted"
    return {
        "decide": (requests, LoanRequest.status == "submitted"),
        "asked": (requests, LoanRequest.status == "need_info"),
        "hand_overs": (
            requests, accepted, LoanOffer.slot_at >= begins, LoanOffer.slot_at < begins + timedelta(days=1)
        ),
        "to_bring": (requests, accepted, LoanOffer.address.is_not(None)),
        "not_fetched": (requests, accepted, LoanOffer.slot_at < begins),
        "offers": (requests, LoanOffer.state == "open"),
        "no_slot": (requests, accepted, LoanOffer.slot_at.is_(None), LoanOffer.address.is_(None)),
        "elsewhere": (requests, fetching.has_to_be_moved()),
        "broken_offers": (requests, LoanOffer.state.in_(LIVE_OFFER), Unit.status != "ready"),
        "due": (*active, Loan.due_on == today),
        "late": (*active, Loan.due_on < today),
        "data": (
            *active, Sim.holder_id == principal.organisation_id, Sim.state == "out",
            Sim.data_until <= today + DATA_WARNING, SimUse.until_at.is_(None),
        ),
    }  # fmt: skip


def _units(principal: Principal, now: datetime) -> dict[str, tuple[Any, ...]]:
    today = now.astimezone(LONDON).date()
    ours = UNITS.rows("unit.run", principal)
    back = and_(Unit.status == "quarantine", or_(Unit.hold_until.is_(None), Unit.hold_until <= today))
    return {
        "to_wipe": (ours, Unit.status.in_(("intake", "wiping", "quarantine")), or_(Unit.status != "quarantine", back)),
        "held": (ours, Unit.status == "quarantine", Unit.hold_until > today),
        "to_test": (ours, Unit.status == "testing"),
        "missing": (ours, Unit.status == "missing"),
        "cleaning": (ours, Unit.status.in_(("intake", "wiping", "testing", "quarantine"))),
        "ready": (ours, custody.is_free()),
    }  # fmt: skip


ON_THE_DESK = ("to_wipe", "held", "to_test", "missing")


def _from(show: str, *columns: Any) -> Any:
    """The rows a line is about, joined with what its conditions ask."""
    if show in ("decide", "asked"):
        return select(*columns).select_from(LoanRequest)
    if show in ("due", "late"):
        return select(*columns).select_from(Loan)
    if show == "data":
        joined = select(*columns).select_from(Sim).join(SimUse, SimUse.sim_id == Sim.id)
        return joined.join(Loan, Loan.id == SimUse.loan_id)
    offers = select(*columns).select_from(LoanOffer).join(LoanRequest, LoanRequest.id == LoanOffer.request_id)
    if show == "elsewhere":
        units = offers.outerjoin(Unit, Unit.id == LoanOffer.unit_id)
        return units.outerjoin(Sim, Sim.id == LoanOffer.sim_id)
    return offers.join(Unit, Unit.id == LoanOffer.unit_id) if show == "broken_offers" else offers


def counts_of(session: Session, principal: Principal, now: datetime) -> dict[str, int]:
    """Every number of the desk, in one statement."""
    asked = {
        show: _from(show, func.count()).where(*conditions)
        for show, conditions in _conditions(principal, now).items()
    }
    units = _units(principal, now)
    asked |= {show: select(func.count(Unit.id)).where(*units[show]) for show in ON_THE_DESK}
    asked["repair"] = select(func.count(Ticket.id)).where(
        TICKETS.rows("ticket.run", principal), Ticket.status.in_(OPEN_TICKET)
    )
    # From what is on its way to its unit, never from the stock: so it is asked, and not by a join.
    ours = exists().where(Unit.id == Transfer.unit_id, UNITS.rows("unit.run", principal))
    asked["moving"] = select(func.count(Transfer.id)).where(Transfer.arrived_at.is_(None), ours)
    asked["to_look_at"] = select(func.count(TakeIn.id)).where(waits_to_be_looked_at(principal))
    asked["counts"] = select(func.count(StockTake.id)).where(
        STOCK_TAKES.rows("stock_take.run", principal), StockTake.ended_at.is_(None)
    )
    row = session.execute(select(*(one.scalar_subquery().label(show) for show, one in asked.items()))).one()
    return dict(row._mapping)


def oldest_to_decide(session: Session, principal: Principal) -> datetime | None:
    """Since when the first of them waits."""
    wanted = select(func.min(LoanRequest.made_at))
    return session.scalar(
        wanted.where(REQUESTS.rows("request.decide", principal), LoanRequest.status == "submitted")
    )


# --- stock and waiting, by model


@dataclass
class Shelf:
    """What there is of one model at one place: what may be lent now, what is being made ready, in repair."""

    model: DeviceModel
    place: Place
    ready: int = 0
    cleaning: int = 0
    repair: int = 0


@dataclass
class Wait:
    """How many wait for a model, how many are ready, and how long the last of them waits (weeks, from and to)."""

    model: DeviceModel
    waiting: int
    ready: int
    lent: int
    weeks: tuple[int, int] | None


@dataclass(frozen=True)
class Stock:
    """Both tables of the desk."""

    shelves: list[Shelf] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)


def stock_of(session: Session, principal: Principal, now: datetime) -> Stock:
    """By model and place; the same number of statements, whatever there is."""
    ours, cell = UNITS.rows("unit.run", principal), (Unit.model_id, Unit.place_id, Unit.status)
    # What is ready is many: counted by itself it comes as its index lies, and nobody has to sort it.
    stands: dict[tuple[int, int, str], int] = {}
    for states in (("ready",), [state for state in IN_STOCK if state != "ready"]):
        counted = select(*cell, func.count()).where(ours, Unit.status.in_(states))
        stands |= _cells(session, counted, cell)
    loans = (Loan.organisation_id == principal.organisation_id, Loan.status == "active")
    out = dict(
        _cells(session, select(*cell, func.count()).join(Loan, Loan.unit_id == Unit.id).where(*loans), cell)
    )
    # Few of those that are ready are not free (custody.is_free): they are counted, and taken from the many. Whose they are
    # is asked of each, so that no engine begins with all that is ready.
    bound: Any = union(
        select(Loan.unit_id).where(*loans),
        select(LoanOffer.unit_id).where(LoanOffer.state.in_(LIVE_OFFER)),
        select(Transfer.unit_id).where(Transfer.arrived_at.is_(None)),
        select(Ticket.unit_id).where(
            Ticket.organisation_id == principal.organisation_id, Ticket.status.in_(OPEN_TICKET)
        ),
    )
    not_free = select(*cell, func.sum(case((ours, 1), else_=0))).where(Unit.id.in_(bound))
    bound_here = dict(_cells(session, not_free, cell))
    models = {
        model.id: model
        for model in session.scalars(
            select(DeviceModel)
            .where(DeviceModel.organisation_id == principal.organisation_id)
            .options(lazyload(DeviceModel.texts))
        )
    }
    places = _places(session, {place_id for _model, place_id, _fitness in stands})
    shelves: dict[tuple[int, int], Shelf] = {}
    lent: dict[int, int] = {}
    for (model_id, _place, _fitness), count in out.items():
        lent[model_id] = lent.get(model_id, 0) + count
    for key, count in stands.items():
        model_id, place_id, fitness = key
        if model_id not in models:
            continue
        shelf = shelves.setdefault((model_id, place_id), Shelf(models[model_id], places[place_id]))
        if fitness == "ready":
            shelf.ready += count - bound_here.get(key, 0)
        elif fitness == "repair":
            shelf.repair += count - out.get(key, 0)
        else:
            shelf.cleaning += count - out.get(key, 0)
    filled = [one for one in shelves.values() if one.ready or one.cleaning or one.repair]
    filled.sort(key=lambda one: (one.model.name.casefold(), one.model.id, one.place.name.casefold()))
    return Stock(filled, _waits(session, principal, now, models, filled, lent))


def _cells(session: Session, wanted: Any, cell: Sequence[Any]) -> Iterable[tuple[tuple[int, int, str], int]]:
    for model_id, place_id, fitness, count in session.execute(wanted.group_by(*cell)):
        yield (model_id, place_id, fitness), count


def _waits(
    session: Session,
    principal: Principal,
    now: datetime,
    models: Mapping[int, DeviceModel],
    shelves: Sequence[Shelf],
    lent: Mapping[int, int],
) -> list[Wait]:
    queued = select(LoanRequest.model_id, func.count()).where(
        LoanRequest.organisation_id == principal.organisation_id, LoanRequest.status == "queued"
    )
    waiting = _by_number(session.execute(queued.group_by(LoanRequest.model_id)))
    pace = queue.paces(session, principal.organisation_id or 0, now, models)
    ready: dict[int, int] = {}
    for shelf in shelves:
        ready[shelf.model.id] = ready.get(shelf.model.id, 0) + shelf.ready
    # SIMs alone lie on no shelf of units.
    alone = [model.id for model in models.values() if model.kind == "sim"]
    ready |= custody.free_by_model(session, alone) if alone else {}
    found = []
    for model in sorted(models.values(), key=lambda one: (one.name.casefold(), one.id)):
        many = waiting.get(model.id, 0)
        can_go = ready.get(model.id, 0)
        # As their own page says it to the last of them (queue.place_of).
        weeks = rules.weeks_to_wait(many - 1, pace.get(model.id, 0), can_go) if many else None
        found.append(Wait(model, many, can_go, lent.get(model.id, 0), weeks))
    return found


def _by_number(rows: Iterable[Any]) -> dict[int, int]:
    return {row[0]: row[1] for row in rows}


def _places(session: Session, numbers: Iterable[int]) -> dict[int, Place]:
    wanted = select(Place).where(Place.id.in_(set(numbers))).options(lazyload("*"))
    return {place.id: place for place in session.scalars(wanted)}


# --- the lists behind the lines


@dataclass(frozen=True)
class Told:
    """What somebody was told last about a request or its loan, by which way, and what became of it."""

    channel: str
    state: str
    at: datetime


@dataclass(frozen=True)
class Lies:
    """Where what is kept lies, when it is fetched elsewhere; `sim_id` of a SIM, which is on no way between places."""

    place: str
    sim_id: int | None
    is_moving: bool


@dataclass(frozen=True)
class PersonLine:
    """One request, offer or loan: whose, of what, where and when."""

    resident_id: int | None
    name: str
    device: str
    tag: str
    place: str
    day: date | None
    at: datetime | None
    days: int
    request_id: int | None
    loan_id: int | None
    told: Told | None
    lies: Lies | None = None


@dataclass(frozen=True)
class Lines:
    """One page of a list, and how many there are."""

    rows: Sequence[Any]
    total: int


@dataclass(frozen=True)
class Narrow:
    """What a list is narrowed to."""

    model_id: int = 0
    place_id: int = 0
    page: int = 1

    @property
    def first(self) -> int:
        """The first row of the page."""
        return (self.page - 1) * ON_A_PAGE


def people_count(session: Session, principal: Principal, show: str, narrow: Narrow, now: datetime) -> int:
    """How many stand in this list."""
    return session.scalar(_narrowed(_from(show, func.count()), show, narrow, principal, now)) or 0


def people_of(
    session: Session, principal: Principal, show: str, narrow: Narrow, now: datetime
) -> list[PersonLine]:
    """One page of the requests, offers or loans of a line of the desk; what waits longest first."""
    today = now.astimezone(LONDON).date()
    by: Any
    columns: tuple[Any, ...]
    order: tuple[Any, ...]
    if show in ("due", "late", "data"):
        by = Sim.data_until if show == "data" else Loan.due_on
        columns = (Loan.id, Loan.loan_request_id, Loan.resident_id, Loan.unit_id, Loan.place_id, by)
        order = (by, Loan.id)
    elif show in ("decide", "asked"):
        columns = (LoanRequest.id, LoanRequest.id, LoanRequest.resident_id, LoanRequest.model_id, LoanRequest.place_id,
                   LoanRequest.made_at)  # fmt: skip
        order = (LoanRequest.made_at, LoanRequest.id)
    else:
        by = {
            "hand_overs": LoanOffer.slot_at,
            "not_fetched": LoanOffer.slot_at,
            "elsewhere": LoanOffer.slot_at,
            "to_bring": LoanOffer.made_at,
        }.get(show, LoanOffer.ends_at)
        where = func.coalesce(LoanOffer.slot_place_id, LoanRequest.place_id)
        columns = (LoanOffer.id, LoanRequest.id, LoanRequest.resident_id, LoanOffer.unit_id, where, by)
        # Of what lies elsewhere nobody may have chosen a time yet: that is less pressing.
        order = (by.is_(None), by, LoanOffer.id) if show == "elsewhere" else (by, LoanOffer.id)
    wanted = _narrowed(_from(show, *columns), show, narrow, principal, now)
    rows = session.execute(wanted.order_by(*order).offset(narrow.first).limit(ON_A_PAGE)).all()
    names = names_of(session, principal, (row[2] for row in rows))
    places = _places(session, {row[4] for row in rows if row[4] is not None})
    told = last_told(session, {row[1] for row in rows if row[1] is not None})
    of_loan = show in ("due", "late", "data", "decide", "asked")
    lies = {} if of_loan else _lying_elsewhere(session, [row[0] for row in rows])
    tags: dict[int, str] = {}
    found: Any
    if show in ("decide", "asked"):
        wanted_names = select(DeviceModel.id, DeviceModel.name)
        found = session.execute(wanted_names.where(DeviceModel.id.in_({row[3] for row in rows}))).all()
        devices = {row[0]: row[1] for row in found}
    else:
        units = select(Unit.id, Unit.tag, DeviceModel.name).join(DeviceModel, DeviceModel.id == Unit.model_id)
        found = session.execute(
            units.where(Unit.id.in_({row[3] for row in rows if row[3] is not None}))
        ).all()
        tags, devices = {row[0]: row[1] for row in found}, {row[0]: row[2] for row in found}
    lines = []
    for number, request_id, resident_id, thing, place_id, when in rows:
        day = when.astimezone(LONDON).date() if isinstance(when, datetime) else when
        lines.append(
            PersonLine(
                resident_id=resident_id, name=names.get(resident_id or 0, ""), device=devices.get(thing, ""),
                tag=tags.get(thing, ""), place=places[place_id].name if place_id in places else "", day=day,
                at=when if isinstance(when, datetime) else None, days=abs((today - day).days) if day else 0,
                request_id=request_id, loan_id=number if show in ("due", "late", "data") else None,
                told=told.get(request_id or 0), lies=lies.get(number),
            )
        )  # fmt: skip
    return lines


def _lying_elsewhere(session: Session, offers: Sequence[int]) -> dict[int, Lies]:
    """By offer: what lies at another place than the one at which it is fetched."""
    moving = exists().where(Transfer.unit_id == LoanOffer.unit_id, Transfer.arrived_at.is_(None))
    wanted = _from("elsewhere", LoanOffer.id, fetching.LIES_AT, LoanOffer.sim_id, moving)
    apart = wanted.where(LoanOffer.id.in_(offers), fetching.FETCHED_AT != fetching.LIES_AT)
    rows = session.execute(apart).all()
    names = _places(session, {row[1] for row in rows})
    return {row[0]: Lies(names[row[1]].name, row[2], bool(row[3])) for row in rows}


def _narrowed(wanted: Any, show: str, narrow: Narrow, principal: Principal, now: datetime) -> Any:
    wanted = wanted.where(*_conditions(principal, now)[show])
    of_loan = show in ("due", "late", "data")
    if narrow.place_id:
        place: Any = Loan.place_id if of_loan else LoanRequest.place_id
        if not of_loan and show not in ("decide", "asked"):
            place = func.coalesce(LoanOffer.slot_place_id, LoanRequest.place_id)
        wanted = wanted.where(place == narrow.place_id)
    if narrow.model_id:
        units = select(Unit.id).where(Unit.model_id == narrow.model_id)
        of_model = Loan.unit_id.in_(units) if of_loan else LoanRequest.model_id == narrow.model_id
        wanted = wanted.where(of_model)
    return wanted


def last_told(session: Session, requests: Iterable[int]) -> dict[int, Told]:
    """By request: the last message about it."""
    about = {f"loan {number}": number for number in requests}  # as telling.about() says
    # What was taken back before it left was never told, and nothing was wrong with the way.
    was_meant = Message.fault.is_distinct_from(TAKEN_BACK)
    last = select(func.max(Message.id)).where(Message.about.in_(about), was_meant).group_by(Message.about)
    wanted = select(Message.about, Message.channel, Message.state, Message.sent_at, Message.next_try_at)
    return {
        about[name or ""]: Told(channel, state, sent_at or next_try_at)
        for name, channel, state, sent_at, next_try_at in session.execute(wanted.where(Message.id.in_(last)))
    }


def machines_of(session: Session, principal: Principal, show: str, narrow: Narrow, now: datetime) -> Lines:
    """One page of units of a line of the desk; what is held is first where it may be wiped next."""
    conditions: list[Any] = list(_units(principal, now)[show])
    if narrow.place_id:
        conditions.append(Unit.place_id == narrow.place_id)
    if narrow.model_id:
        conditions.append(Unit.model_id == narrow.model_id)
    total = session.scalar(select(func.count(Unit.id)).where(*conditions)) or 0
    order = (
        (Unit.hold_until, Unit.id)
        if show == "held"
        else (func.coalesce(Unit.returned_at, Unit.made_at), Unit.id)
    )
    wanted = select(Unit).where(*conditions).order_by(*order).offset(narrow.first).limit(ON_A_PAGE)
    return Lines(session.scalars(wanted).all(), total)


# --- places to choose from


def own_places(session: Session, principal: Principal) -> list[Place]:
    """Where units of this scheme stand by the books, and where counts and moves of it were."""
    at = select(Unit.place_id).where(UNITS.rows("unit.run", principal))
    counted = select(StockTake.place_id).where(STOCK_TAKES.rows("stock_take.run", principal))
    open_moves = select(Transfer.to_id).join(Unit, Unit.id == Transfer.unit_id)
    coming = open_moves.where(UNITS.rows("unit.run", principal), Transfer.arrived_at.is_(None))
    wanted = select(Place).where(or_(Place.id.in_(at), Place.id.in_(counted), Place.id.in_(coming)))
    return list(session.scalars(wanted.order_by(Place.name, Place.id).options(lazyload("*"))))


def workshops(session: Session, principal: Principal) -> list[Place]:
    """Where machines of this scheme were mended before, and every place that mends things."""
    used = select(Ticket.workshop_id).where(TICKETS.rows("ticket.run", principal))
    mends = or_(*(Place.kinds.contains(kind) for kind in MENDING))
    wanted = select(Place).where(or_(Place.id.in_(used), mends))
    return list(session.scalars(wanted.order_by(Place.name, Place.id).options(lazyload("*"))))


MENDING = ("makerspace", "fablab", "repair_cafe")
PLACES_NAMED = 5


def places_named(session: Session, text: str) -> list[Place]:
    """Places with these words in their name; the one whose whole name it is stands alone."""
    typed = text.split()
    if not typed or len(text) > 160:
        return []
    fits = and_(*(Place.name.icontains(word, autoescape=True) for word in typed[:8]))
    wanted = select(Place).where(fits).order_by(Place.name, Place.id).limit(PLACES_NAMED)
    found = list(session.scalars(wanted.options(lazyload("*"))))
    same = [place for place in found if place.name.casefold() == " ".join(typed).casefold()]
    return same if len(same) == 1 else found


# --- repair


@dataclass(frozen=True)
class TicketLine:
    """A ticket, its machine, its workshop, and how many days it is open (or took)."""

    ticket: Ticket
    workshop: str
    days: int


def tickets_of(
    session: Session, principal: Principal, *, workshop_id: int, done: bool, page: int, now: datetime
) -> Lines:
    """The open tickets, the oldest first; or those that are done, the last one first."""
    conditions: list[Any] = [TICKETS.rows("ticket.run", principal)]
    conditions.append(Ticket.status == "done" if done else Ticket.status.in_(OPEN_TICKET))
    if workshop_id:
        conditions.append(Ticket.workshop_id == workshop_id)
    total = session.scalar(select(func.count(Ticket.id)).where(*conditions)) or 0
    order = (Ticket.done_at.desc(), Ticket.id) if done else (Ticket.opened_at, Ticket.id)
    wanted = (
        select(Ticket).where(*conditions).order_by(*order).offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE)
    )
    tickets = session.scalars(wanted).all()
    names = _places(session, {one.workshop_id for one in tickets if one.workshop_id is not None})
    rows = [
        TicketLine(
            one,
            names[one.workshop_id].name if one.workshop_id in names else "",
            ((one.done_at or now) - one.opened_at).days,
        )
        for one in tickets
    ]
    return Lines(rows, total)


def ticket_for(session: Session, principal: Principal, number: int) -> Ticket | None:
    """One ticket of this scheme."""
    wanted = select(Ticket).where(Ticket.id == number, TICKETS.rows("ticket.run", principal))
    return session.scalar(wanted)


# --- counts and moves


def counts_list(session: Session, principal: Principal) -> list[tuple[StockTake, str, int]]:
    """The counts of this scheme, the last one first: with their place and how many tags were seen."""
    seen = select(func.count()).where(Sighting.stock_take_id == StockTake.id).scalar_subquery()
    wanted = select(StockTake, Place.name, seen).join(Place, Place.id == StockTake.place_id)
    rows = session.execute(
        wanted.where(STOCK_TAKES.rows("stock_take.run", principal))
        .order_by(StockTake.begun_at.desc(), StockTake.id.desc())
        .limit(ON_A_PAGE)
    )
    return [(count, name, many) for count, name, many in rows]


def count_for(session: Session, principal: Principal, number: int) -> StockTake | None:
    """One count of this scheme."""
    wanted = select(StockTake).where(StockTake.id == number, STOCK_TAKES.rows("stock_take.run", principal))
    return session.scalar(wanted)


@dataclass(frozen=True)
class Differences:
    """What a count found: missing here; here but elsewhere by the books, with why; tags nobody knows; fine."""

    missing: Sequence[Unit]
    elsewhere: Sequence[tuple[Unit, str]]
    unknown: Sequence[str]
    seen: int
    expected: int


def differences_of(session: Session, count: StockTake) -> Differences:
    """Reckoned anew each time: what was put right is not in it any more."""
    missing = session.scalars(
        select(Unit).where(stocktake.is_missing_here(count)).order_by(Unit.tag).limit(ON_A_PAGE * 10)
    ).all()
    lent, moving = custody.is_lent(), custody.is_moving()
    found = session.execute(
        select(Unit, lent, moving)
        .where(stocktake.is_elsewhere_by_the_books(count))
        .order_by(Unit.tag)
        .limit(ON_A_PAGE * 10)
    )
    elsewhere = [
        (
            unit,
            unit.status if unit.status in ("missing", "retired")
            else "lent" if is_lent
            else "moving" if is_moving
            else "place",
        )
        for unit, is_lent, is_moving in found
    ]  # fmt: skip
    tags = select(Sighting.tag).where(Sighting.stock_take_id == count.id, Sighting.unit_id.is_(None))
    unknown = session.scalars(tags.order_by(Sighting.tag)).all()
    return Differences(missing, elsewhere, unknown, seen_in(session, count), expected_in(session, count))


def seen_in(session: Session, count: StockTake) -> int:
    """How many tags were seen so far."""
    return session.scalar(select(func.count()).where(Sighting.stock_take_id == count.id)) or 0


def expected_in(session: Session, count: StockTake) -> int:
    """How many should be here by the books."""
    return session.scalar(select(func.count(Unit.id)).where(stocktake.should_be_here(count))) or 0


def last_seen(session: Session, count: StockTake) -> list[tuple[Sighting, Unit | None]]:
    """The tags seen last, for whoever looks whether a scan arrived."""
    wanted = select(Sighting, Unit).outerjoin(Unit, Unit.id == Sighting.unit_id)
    # A tag without a unit has no model either: the usual join would leave it out.
    wanted = wanted.options(joinedload(Unit.model, innerjoin=False), lazyload(Unit.place))
    rows = session.execute(
        wanted.where(Sighting.stock_take_id == count.id)
        .order_by(Sighting.seen_at.desc(), Sighting.tag)
        .limit(10)
    )
    return [(sighting, unit) for sighting, unit in rows]


@dataclass(frozen=True)
class Move:
    """A unit on its way. `id` is that of the unit, which the right asks for."""

    id: int
    transfer: Transfer
    unit: Unit
    from_place: str
    to_place: str
    days: int


def moves_of(session: Session, principal: Principal, now: datetime, number: int = 0) -> list[Move]:
    """What is on its way, what left first before; or one of them."""
    wanted = select(Transfer, Unit).join(Unit, Unit.id == Transfer.unit_id)
    wanted = wanted.where(UNITS.rows("unit.run", principal), Transfer.arrived_at.is_(None))
    if number:
        wanted = wanted.where(Transfer.id == number)
    rows = session.execute(wanted.order_by(Transfer.sent_at, Transfer.id).limit(ON_A_PAGE * 10)).all()
    names = _places(session, {number for row in rows for number in (row[0].from_id, row[0].to_id)})
    return [
        Move(unit.id, move, unit, names[move.from_id].name, names[move.to_id].name, (now - move.sent_at).days)
        for move, unit in rows
    ]


def unit_for(session: Session, principal: Principal, number: int) -> Unit | None:
    """One unit of this scheme."""
    return session.scalar(select(Unit).where(Unit.id == number, UNITS.rows("unit.run", principal)))


def workshops_in_use(session: Session, principal: Principal) -> list[tuple[Place, int]]:
    """The workshops that have something of this scheme now, and how much."""
    wanted = select(Ticket.workshop_id, func.count()).where(
        TICKETS.rows("ticket.run", principal), Ticket.status.in_(OPEN_TICKET), Ticket.workshop_id.is_not(None)
    )
    rows = session.execute(wanted.group_by(Ticket.workshop_id)).all()
    places = _places(session, {number for number, _many in rows if number is not None})
    found = [(place, many) for number, many in rows if (place := places.get(number or 0)) is not None]
    return sorted(found, key=lambda one: one[0].name.casefold())


def place_name(session: Session, number: int | None) -> str:
    """The name of a place; empty for none."""
    return session.scalar(select(Place.name).where(Place.id == number)) or "" if number else ""


def is_lent(session: Session, unit_id: int) -> bool:
    """Somebody has it now."""
    return session.scalar(select(Loan.id).where(Loan.unit_id == unit_id, Loan.status == "active")) is not None


# --- how it stands, for the case of a person


def requests_of_person(
    session: Session, resident_id: int, *, asked_by: int | None = None
) -> list[tuple[str, datetime]]:
    """State and day of each request somebody made; no device, no reason. `asked_by`: only what this organisation asked for."""
    wanted = select(LoanRequest.status, LoanRequest.made_at).where(
        LoanRequest.resident_id == resident_id, LoanRequest.status != "draft"
    )
    if asked_by is not None:
        wanted = wanted.where(LoanRequest.referrer_id == asked_by)
    return [(status, at) for status, at in session.execute(wanted.order_by(LoanRequest.id))]


def loans_of_person(
    session: Session, resident_id: int, *, asked_by: int | None = None
) -> list[tuple[str, datetime, date]]:
    """State of each loan, when it was handed over and until when it is lent; not what was lent."""
    wanted = select(Loan.status, Loan.issued_at, Loan.due_on).where(Loan.resident_id == resident_id)
    if asked_by is not None:
        asked = select(LoanRequest.id).where(LoanRequest.referrer_id == asked_by)
        wanted = wanted.where(Loan.loan_request_id.in_(asked))
    return [(status, at, due) for status, at, due in session.execute(wanted.order_by(Loan.id))]
