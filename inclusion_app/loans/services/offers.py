"""Offers: a ready unit is kept for who comes next, until they answer and then until they fetch it.

Each change is one UPDATE with its condition; the partial unique indexes have the last word. Rows are held in one order:
the request, its unit, its offer. Whoever serves a model takes its row, so two who serve at once come one after the
other, and passes over what another one holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, lazyload

from inclusion_app.core import attempts
from inclusion_app.core.answer_hours import after_open_hours
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.history import move
from inclusion_app.core.registry import holidays
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, Loan, LoanOffer, LoanRequest, Sim, Unit
from inclusion_app.loans.services import custody, fetching, queue, telling
from inclusion_app.loans.services.custody import LIVE_OFFER
from inclusion_app.loans.staff_queue_words import TOO_FAR
from inclusion_app.places.hours import Kind, hours_of_day
from inclusion_app.places.models import Place

OFFER_OVER = N_("This offer is over. Look at the page again.")
SLOT_TAKEN = N_("Somebody else took this time. Choose another one.")
NO_SUCH_SLOT = N_("Choose a time from the list.")
WHERE_TO = N_("Write where we should bring it.")
ADDRESS_LONG = N_("This is too long. Use %(most)s letters at most.")
ADDRESS_LENGTH = 300


@dataclass(frozen=True)
class Slot:
    """A time at which a device can be fetched, and how many more can be fetched then."""

    at: datetime
    left: int


@dataclass(frozen=True)
class Free:
    """A unit or SIM that can be offered, and where it is."""

    unit_id: int | None
    sim_id: int | None
    place_id: int


# --- what is free goes to who comes next


def serve(session: Session, *, organisation_id: int, model_id: int, now: datetime) -> int:
    """Offer what is ready to who comes next in the queue of this model. Returns how many offers were made.

    One that lies where somebody fetches it is taken for them, if there is one. Who asked a moment ago to wait is left in
    peace for a while, and keeps their place.
    """
    model = _take_turn(session, organisation_id, model_id)
    free = _free(session, model) if model is not None else []
    if model is None or not free:
        return 0
    resting = _resting(session, organisation_id, model_id, now)
    waits = [
        one.request_id
        for one in queue.order_of(session, organisation_id, model_id, now)
        if one.request_id not in resting
    ]
    days, made = holidays(session), 0
    for number in waits:
        if not free:
            break
        request = _still_waits(session, number)
        if request is None:
            continue
        for thing in sorted(free, key=lambda one: one.place_id != request.place_id):
            free.remove(thing)
            if _offer(session, request, thing, days, now):
                made += 1
                break
    return made


def _take_turn(session: Session, organisation_id: int, model_id: int) -> DeviceModel | None:
    """The row of the model, held: a second one who serves it waits here, and then sees what the first did."""
    wanted = select(DeviceModel).where(
        DeviceModel.id == model_id, DeviceModel.organisation_id == organisation_id
    )
    return session.scalar(
        wanted.options(lazyload(DeviceModel.texts)).with_for_update(of=DeviceModel, key_share=True)
    )


def _free(session: Session, model: DeviceModel) -> list[Free]:
    """What can be offered, held: taken first, then looked at anew, as whoever held it before left it.

    What a coordinator hands over at this very moment is passed over.
    """
    kind: Any = Sim if model.kind == "sim" else Unit
    found = session.scalars(
        _can_be_offered(model).with_only_columns(kind.id).with_for_update(of=kind, skip_locked=True)
    ).all()
    again = _can_be_offered(model).where(kind.id.in_(found)).order_by(kind.id)
    is_sim = kind is Sim
    return [
        Free(None if is_sim else number, number if is_sim else None, place_id)
        for number, place_id in session.execute(again)
    ]


def _still_waits(session: Session, request_id: int) -> LoanRequest | None:
    """Held, as it is now; None when somebody else holds it at this moment, or has just decided."""
    wanted = select(LoanRequest).where(LoanRequest.id == request_id, LoanRequest.status == "queued")
    held = wanted.with_for_update(of=LoanRequest, skip_locked=True)
    return session.scalar(held.execution_options(populate_existing=True))


def _held(session: Session, request_id: int) -> LoanRequest | None:
    wanted = select(LoanRequest).where(LoanRequest.id == request_id).with_for_update(of=LoanRequest)
    return session.scalar(wanted.execution_options(populate_existing=True))


def hold(session: Session, request_id: int) -> None:
    """Wait for a request, before anything of it is changed. Raises RuleBroken when its person has deleted it."""
    held = select(LoanRequest.id).where(LoanRequest.id == request_id).with_for_update()
    if session.scalar(held) is None:
        raise RuleBroken(CHANGED_ALREADY)


def _can_be_offered(model: DeviceModel) -> Select[int, int]:
    """Units that are free (custody.is_free); of a SIM alone those that may go out (custody.sim_is_free)."""
    if model.kind == "sim":
        return select(Sim.id, Sim.place_id).where(
            Sim.holder_id == model.organisation_id, custody.sim_is_free()
        )
    return select(Unit.id, Unit.place_id).where(
        Unit.holder_id == model.organisation_id, Unit.model_id == model.id, custody.is_free()
    )


def _resting(session: Session, organisation_id: int, model_id: int, now: datetime) -> set[int]:
    said_later = (
        select(LoanOffer.request_id)
        .join(LoanRequest, LoanRequest.id == LoanOffer.request_id)
        .where(
            LoanRequest.organisation_id == organisation_id,
            LoanRequest.model_id == model_id,
            LoanRequest.status == "queued",
            LoanOffer.state == "declined",
            LoanOffer.ended_at > now - rules.REST,
        )
    )
    return set(session.scalars(said_later))


def _offer(
    session: Session, request: LoanRequest, thing: Free, days: Collection[date], now: datetime
) -> bool:
    """Keep this for them and tell them. False when the index says that somebody else has just got it."""
    route = telling.own_way(session, request, now).route
    ends = rules.offer_ends(
        now, days=request.scheme.offer_days, hears_by=route.kind if route else "none", holidays=days
    )
    keeping = insert_into(session, LoanOffer).values(
        request_id=request.id, unit_id=thing.unit_id, sim_id=thing.sim_id, state="open", made_at=now, ends_at=ends
    )  # fmt: skip
    number = session.scalar(keeping.on_conflict_do_nothing().returning(LoanOffer.id))
    if number is None:
        return False
    move(session, request, "offered", actor="queue", now=now)
    session.flush()
    place_id = fetching.fetched_at(request)
    telling.tell(
        session, request, "loan_offer" if place_id is not None else "loan_offer_bring", key=f"offer {number}", now=now,
        until=ends, useful_until=ends, place=_place(session, place_id),
    )  # fmt: skip
    return True


def _place(session: Session, place_id: int | None) -> Place | None:
    return session.get(Place, place_id) if place_id is not None else None


# --- what they answer


def live_offer(session: Session, request_id: int) -> LoanOffer | None:
    """What is kept for a request now, as the database has it."""
    wanted = select(LoanOffer).where(LoanOffer.request_id == request_id, LoanOffer.state.in_(LIVE_OFFER))
    return session.scalar(wanted.execution_options(populate_existing=True))


def accept(session: Session, *, request: LoanRequest, now: datetime) -> LoanOffer:
    """Yes: it is kept until they fetch it. A second yes is the same yes. Raises RuleBroken when the offer is over."""
    keep = after_open_hours(now, rules.FETCH_DAYS * rules.DAY_HOURS, holidays(session))
    taking = update(LoanOffer).where(
        LoanOffer.request_id == request.id, LoanOffer.state == "open", LoanOffer.ends_at > now
    )
    changed = rows_changed(session, taking.values(state="accepted", ends_at=keep))
    offer = live_offer(session, request.id)
    if offer is None or offer.state != "accepted":
        raise RuleBroken(OFFER_OVER)
    if changed:
        telling.take_back(session, request, now=now, key_begins="offer ")
    return offer


def decline_offer(session: Session, *, request: LoanRequest, keep_waiting: bool, now: datetime) -> None:
    """No: the unit goes to the next one. They wait on with their time kept, or their request ends.

    Raises RuleBroken when the offer is over.
    """
    if not end_offer(session, request=request, to="declined", now=now):
        raise RuleBroken(OFFER_OVER)
    if keep_waiting:
        move(session, request, "queued", actor="resident", now=now)
    else:
        move(session, request, "withdrawn", actor="resident", now=now)
        request.ended_at = now
    session.flush()
    serve(session, organisation_id=request.organisation_id, model_id=request.model_id, now=now)


def end_offer(session: Session, *, request: LoanRequest, to: str, now: datetime) -> bool:
    """What is kept for a request is free again, and the address for the way there is gone. False when nothing was kept.

    For whoever ends or stops a request; before its state is changed. The queue is served by whoever calls, or the worker.
    """
    hold(session, request.id)
    ending = update(LoanOffer).where(LoanOffer.request_id == request.id, LoanOffer.state.in_(LIVE_OFFER))
    if not rows_changed(session, ending.values(state=to, ended_at=now, address=None)):
        return False
    _refresh(session, request.id)
    telling.take_back(session, request, now=now, key_begins="offer ")
    telling.take_back(session, request, now=now, key_begins="slot ")
    return True


def _refresh(session: Session, request_id: int) -> None:
    """A statement changed rows this session may hold in memory."""
    for row in list(session.identity_map.values()):
        if isinstance(row, LoanOffer) and row.request_id == request_id:
            session.expire(row)


def take_back(session: Session, *, request: LoanRequest, staff_id: int | None, now: datetime) -> None:
    """A coordinator takes an offer back (the unit broke): they wait on with their time kept, and are told.

    Raises RuleBroken when the offer is over.
    """
    if not end_offer(session, request=request, to="taken_back", now=now):
        raise RuleBroken(OFFER_OVER)
    _back_to_queue(session, request, actor="staff" if staff_id else "queue", now=now)


def _back_to_queue(session: Session, request: LoanRequest, *, actor: str, now: datetime) -> None:
    move(session, request, "queued", actor=actor, now=now)
    session.flush()
    telling.tell(
        session, request, "loan_offer_taken_back", key=f"taken back {request.id} {now.isoformat()}", now=now
    )


# --- when and where they get it


def slots(session: Session, *, place_id: int, now: datetime, offer: LoanOffer | None = None) -> list[Slot]:
    """The times at which a device can be fetched at a place: half hours in which staff are there, with room left.

    With the offer of a device that lies elsewhere: none before it can be there (rules.first_slot).

    None where nobody knows its hours; a bank holiday whose rule nobody knows has none either.
    """
    place = session.get(Place, place_id)
    if place is None:
        return []
    taken = _taken(session, place_id)
    is_there = offer is None or fetching.is_there(session, offer, place_id)
    times = open_times(place, now=now, days=holidays(session), is_there=is_there)
    return [Slot(at, left) for at in times if (left := rules.SLOT_SEATS - taken.get(at, 0)) > 0]


def open_times(
    place: Place, *, now: datetime, days: Collection[date], is_there: bool = True
) -> list[datetime]:
    """Every half hour within the staffed hours of the next days, that ends before they do, once the device is there."""
    since = rules.first_slot(now, is_there=is_there, holidays=days)
    first, hours = now.astimezone(LONDON).date(), place.hours
    found: set[datetime] = set()
    for day in (first + timedelta(days=number) for number in range(rules.SLOT_DAYS + 1)):
        for span in hours_of_day(hours, day, days).spans:
            if span.kind is not Kind.STAFFED or span.closes < span.opens:
                continue
            at, closes = moment(day, span.opens), moment(day, span.closes)
            while at + rules.SLOT <= closes:
                found.add(at)
                at += rules.SLOT
    return sorted(at for at in found if at >= since)


def _taken(session: Session, place_id: int) -> dict[datetime, int]:
    taken = (
        select(LoanOffer.slot_at, func.count())
        .where(LoanOffer.slot_place_id == place_id, LoanOffer.state == "accepted", LoanOffer.slot_at.is_not(None))
        .group_by(LoanOffer.slot_at)
    )  # fmt: skip
    return {at: count for at, count in session.execute(taken) if at is not None}


def choose_slot(
    session: Session, *, offer: LoanOffer, place_id: int, slot_at: datetime, now: datetime
) -> LoanOffer:
    """They fetch it then and there. The number of a seat is taken by one UPDATE; its index lets each be taken once.

    Raises RuleBroken when the offer was not accepted or is over, for a time that is none of `slots`, and when others
    were quicker.
    """
    place = session.get(Place, place_id)
    is_there = fetching.is_there(session, offer, place_id)
    if place is None or slot_at not in open_times(place, now=now, days=holidays(session), is_there=is_there):
        raise RuleBroken(NO_SUCH_SLOT, field="slot")
    if (offer.slot_place_id, offer.slot_at) == (place_id, slot_at) and offer.state == "accepted":
        return offer
    keep = after_open_hours(slot_at, rules.AFTER_SLOT_DAYS * rules.DAY_HOURS, holidays(session))
    for seat in range(1, rules.SLOT_SEATS + 1):
        taking = update(LoanOffer).where(LoanOffer.id == offer.id, LoanOffer.state == "accepted")
        values = {
            "slot_place_id": place_id,
            "slot_at": slot_at,
            "slot_seat": seat,
            "address": None,
            "ends_at": keep,
        }
        try:
            with session.begin_nested():
                if rows_changed(session, taking.values(**values)) == 0:
                    raise RuleBroken(OFFER_OVER)
        except IntegrityError:
            continue
        session.refresh(offer)
        _tell_slot(session, offer, place, now)
        return offer
    raise RuleBroken(SLOT_TAKEN, field="slot")


def _tell_slot(session: Session, offer: LoanOffer, place: Place, now: datetime) -> None:
    request, when = session.get_one(LoanRequest, offer.request_id), offer.slot_at
    if when is None:
        return
    key = keyed_hash("attempt-slot-told", str(request.id))
    for _untold in range(telling.take_back(session, request, now=now, key_begins="slot ")):
        attempts.give_back(session, key_hash=key, limit=attempts.SLOT_TOLD, now=now)
    # The last one is told. Who switches to and fro all day reads it on the page, and nobody's phone rings each time.
    if attempts.claim(session, key_hash=key, limit=attempts.SLOT_TOLD, now=now):
        telling.tell(
            session, request, "loan_slot", key=f"slot {offer.id} {place.id} {when.isoformat()} {now.isoformat()}",
            now=now, place=place, when=when, useful_until=when,
        )  # fmt: skip


def bring_to(session: Session, *, offer: LoanOffer, address: str, now: datetime) -> LoanOffer:
    """It is brought there; the address is kept until it was, and the offer with it: it waits for us now.

    Raises RuleBroken without one, for one that would have to be cut, or when the offer is over.
    """
    where = one_line(address)
    if not where:
        raise RuleBroken(WHERE_TO, field="address")
    if len(where) > ADDRESS_LENGTH:
        raise RuleBroken(ADDRESS_LONG, field="address", most=ADDRESS_LENGTH)
    taking = update(LoanOffer).where(LoanOffer.id == offer.id, LoanOffer.state == "accepted")
    # A time they had chosen would end it a day later.
    keep = after_open_hours(now, rules.FETCH_DAYS * rules.DAY_HOURS, holidays(session))
    values = {"address": where, "slot_place_id": None, "slot_at": None, "slot_seat": None, "ends_at": keep}
    if rows_changed(session, taking.values(**values)) == 0:
        raise RuleBroken(OFFER_OVER)
    session.refresh(offer)
    telling.take_back(session, session.get_one(LoanRequest, offer.request_id), now=now, key_begins="slot ")
    return offer


def swap_unit(session: Session, *, offer: LoanOffer, unit: Unit, now: datetime) -> LoanOffer:
    """Keep another ready unit of the same model for them instead: one statement, and the index of live offers.

    Raises RuleBroken when that one is not ready, or kept for somebody else, when it cannot be there before they come, and
    when the offer is over.
    """
    if _comes_too_soon(offer, unit.place_id, holidays(session), now):
        raise RuleBroken(TOO_FAR, field="unit")
    if not _swap(session, offer.id, unit.id):
        if (
            session.scalar(
                select(LoanOffer.id).where(LoanOffer.id == offer.id, LoanOffer.state.in_(LIVE_OFFER))
            )
            is None
        ):
            raise RuleBroken(OFFER_OVER)
        raise custody.why_not_free(session, unit.id, offer.request_id)
    session.refresh(offer)
    return offer


def _comes_too_soon(offer: LoanOffer, place_id: int, days: Collection[date], now: datetime) -> bool:
    """They come before what lies at this place can be where they fetch it."""
    if offer.slot_at is None or offer.slot_place_id == place_id:
        return False
    return now < offer.slot_at < rules.first_slot(now, is_there=False, holidays=days)


def _swap(session: Session, offer_id: int, unit_id: int) -> bool:
    # Held first: whoever hands it over at this moment is waited for, and then the statement sees what they did.
    session.execute(select(Unit.id).where(Unit.id == unit_id).with_for_update())
    asked = (
        select(LoanRequest.id, LoanRequest.model_id, LoanRequest.organisation_id)
        .join(LoanOffer, LoanOffer.request_id == LoanRequest.id)
        .where(LoanOffer.id == offer_id)
    )
    of = session.execute(asked).first()
    if of is None:
        return False
    number, model_id, holder_id = of
    free = exists().where(
        Unit.id == unit_id, Unit.model_id == model_id, Unit.holder_id == holder_id,
        custody.is_free(but_for=number),
    )  # fmt: skip
    swapping = update(LoanOffer).where(LoanOffer.id == offer_id, LoanOffer.state.in_(LIVE_OFFER), free)
    try:
        with session.begin_nested():
            return rows_changed(session, swapping.values(unit_id=unit_id, sim_id=None)) == 1
    except IntegrityError:
        return False


# --- nobody answered, or nobody came


def offers_over(now: datetime) -> Select[int]:
    """The requests whose offer's time is over, as a query."""
    return select(LoanOffer.request_id).where(*_is_over(now)).order_by(LoanOffer.id)


def _is_over(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # Not where it is to be brought: then they wait for us, and nothing is theirs to do.
    return LoanOffer.state.in_(LIVE_OFFER), LoanOffer.ends_at <= now, LoanOffer.address.is_(None)


def lapse_offers(session: Session, *, now: datetime) -> int:
    """Offers nobody answered, and devices nobody fetched: free again for the next. Returns how many lapsed.

    The first time their request goes back to the queue with its time kept; the second time a person decides.
    """
    lapsed = 0
    for number in session.scalars(offers_over(now)).all():
        request = _held(session, number)
        ending = update(LoanOffer).where(LoanOffer.request_id == number, *_is_over(now))
        if request is None or not rows_changed(
            session, ending.values(state="lapsed", ended_at=now, address=None)
        ):
            continue
        _refresh(session, number)
        telling.take_back(session, request, now=now, key_begins="offer ")
        telling.take_back(session, request, now=now, key_begins="slot ")
        again = request.offers_lapsed < rules.LAPSES
        move(session, request, "queued" if again else "need_info", actor="offer", now=now, why="lapsed")
        request.offers_lapsed += 1
        request.reason = "" if again else "still_wanted"
        session.flush()
        template = "loan_offer_lapsed" if again else "loan_need_still_wanted"
        telling.tell(session, request, template, key=f"lapsed {number} {request.offers_lapsed}", now=now)
        lapsed += 1
    return lapsed


def unready(session: Session) -> Sequence[int]:
    """Requests for which something is kept that cannot be handed over any more: it broke, is missing or out, or a SIM
    has no data any more.
    """
    out = exists().where(Loan.unit_id == LoanOffer.unit_id, Loan.status == "active")
    wanted = (
        select(LoanOffer.request_id)
        .outerjoin(Unit, Unit.id == LoanOffer.unit_id)
        .outerjoin(Sim, Sim.id == LoanOffer.sim_id)
        .where(LoanOffer.state.in_(LIVE_OFFER))
        .where(
            or_(
                Unit.status != "ready",
                Sim.state != "stock",
                and_(Sim.id.is_not(None), ~custody.has_data()),
                out,
            )
        )
        .order_by(LoanOffer.id)
    )
    return session.scalars(wanted).all()


def mend_offers(session: Session, *, now: datetime) -> int:
    """What is kept but not ready any more: another one is kept in its place, or else they are told and wait on.

    Returns how many were mended.
    """
    mended = 0
    for number in unready(session):
        request = _held(session, number)
        offer = live_offer(session, number)
        if request is None or offer is None or request.status != "offered":
            continue
        model = _take_turn(session, request.organisation_id, request.model_id)
        free = _free(session, model) if model is not None and offer.unit_id is not None else []
        # One that lies where they fetch it comes first; nobody finds nothing there at the time they chose.
        place_id, days = fetching.fetched_at(request, offer), holidays(session)
        instead = [
            one.unit_id
            for one in sorted(free, key=lambda one: one.place_id != place_id)
            if not _comes_too_soon(offer, one.place_id, days, now)
        ]
        if not any(one is not None and _swap(session, offer.id, one) for one in instead):
            end_offer(session, request=request, to="taken_back", now=now)
            _back_to_queue(session, request, actor="queue", now=now)
        else:
            session.refresh(offer)
        mended += 1
    return mended


def models_to_serve(session: Session) -> Sequence[tuple[int, int]]:
    """(scheme, model) of every queue somebody waits in."""
    waits = select(LoanRequest.organisation_id, LoanRequest.model_id).where(LoanRequest.status == "queued")
    return [(one, other) for one, other in session.execute(waits.distinct().order_by(LoanRequest.model_id))]


def could_serve(session: Session, organisation_id: int, model_id: int) -> bool:
    """A look without a lock: is anything free at all?"""
    model = session.get(DeviceModel, model_id)
    if model is None or model.organisation_id != organisation_id:
        return False
    return session.execute(_can_be_offered(model).limit(1)).first() is not None
