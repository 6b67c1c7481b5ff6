"""What a hand-over reads: whom a device is kept for, what lies ready beside it, and the paper of a loan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.loans import policy
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest, Sim, StockItem, TakeIn, Transfer, Unit
from inclusion_app.loans.services import custody, fetching
from inclusion_app.loans.services.custody import LIVE_OFFER
from inclusion_app.loans.staff_people import names_of
from inclusion_app.people.models import Resident
from inclusion_app.people.services import hash_of_code
from inclusion_app.places.models import Place

MOST = 60
# A list of a choice on a page; a scheme has a handful of places.
PLACES_AT_MOST = 200


@dataclass(frozen=True)
class Kept:
    """A request with the offer that keeps something for it, and the name of its person while they share it.

    `lies_at` and `fetched_at` are names of places, where they are not the same.
    """

    request: LoanRequest
    offer: LoanOffer | None
    name: str | None
    lies_at: str = ""
    fetched_at: str = ""


def request_for(session: Session, principal: Principal, number: int) -> LoanRequest | None:
    """A request this coordinator decides on; None for every other one."""
    wanted = select(LoanRequest).where(LoanRequest.id == number)
    return session.scalar(wanted.where(policy.REQUESTS.rows("request.decide", principal)))


def request_by_code(session: Session, principal: Principal, code: str) -> LoanRequest | None:
    """The request with this code, or the newest live one of whoever's plan has it, among those they decide on."""
    code_hash = hash_of_code(code)
    persons = select(Resident.id).where(Resident.code_hash == code_hash)
    wanted = select(LoanRequest).where(
        or_(LoanRequest.code_hash == code_hash, LoanRequest.resident_id.in_(persons)),
        LoanRequest.ended_at.is_(None),
        policy.REQUESTS.rows("request.decide", principal),
    )
    return session.scalars(wanted.order_by(LoanRequest.id.desc()).limit(1)).first()


def request_kept(session: Session, principal: Principal, unit_id: int) -> LoanRequest | None:
    """The request a unit is kept for, where they may decide on it."""
    kept = exists().where(
        LoanOffer.request_id == LoanRequest.id, LoanOffer.unit_id == unit_id, LoanOffer.state.in_(LIVE_OFFER)
    )
    return session.scalar(select(LoanRequest).where(kept, policy.REQUESTS.rows("request.decide", principal)))


def live_offer(session: Session, request_id: int) -> LoanOffer | None:
    """What is kept for a request now."""
    wanted = select(LoanOffer).where(LoanOffer.request_id == request_id, LoanOffer.state.in_(LIVE_OFFER))
    return session.scalar(wanted)


def ready_for(session: Session, principal: Principal) -> list[Kept]:
    """Whom something is kept for now, in the order of their times."""
    wanted = (
        select(LoanRequest, LoanOffer)
        .join(LoanOffer, LoanOffer.request_id == LoanRequest.id)
        .where(LoanOffer.state.in_(LIVE_OFFER), policy.REQUESTS.rows("request.decide", principal))
        .order_by(LoanOffer.slot_at.is_(None), LoanOffer.slot_at, LoanOffer.ends_at, LoanOffer.id)
        .limit(MOST)
    )
    rows = session.execute(wanted).all()
    names = names_of(session, principal, (request.resident_id for request, _offer in rows))
    apart = {
        offer.id: (fetching.lies_at(offer), fetching.fetched_at(request, offer))
        for request, offer in rows
        if fetching.is_elsewhere(request, offer)
    }
    wanted_places = {number for pair in apart.values() for number in pair if number is not None}
    places = dict(session.execute(select(Place.id, Place.name).where(Place.id.in_(wanted_places))).all())
    return [
        Kept(
            request, offer, names.get(request.resident_id),
            *(places.get(number or 0, "") for number in apart.get(offer.id, ())),
        )
        for request, offer in rows
    ]  # fmt: skip


def places_of(session: Session, holder_id: int | None, also: Sequence[int | None] = ()) -> list[Place]:
    """The places at which units of a scheme are, and these."""
    theirs = select(Unit.place_id).where(Unit.holder_id == holder_id).distinct()
    wanted = or_(Place.id.in_(theirs), Place.id.in_([number for number in also if number]))
    return list(session.scalars(select(Place).where(wanted).order_by(Place.name).limit(PLACES_AT_MOST)))


def items_at(session: Session, principal: Principal, place_id: int) -> list[StockItem]:
    """What is counted and lies on the shelf of this place."""
    wanted = select(StockItem).where(
        StockItem.place_id == place_id, StockItem.in_stock > 0, policy.ITEMS.rows("item.run", principal)
    )
    return list(session.scalars(wanted.order_by(StockItem.kind, StockItem.name).limit(MOST)))


def sims_in_stock(session: Session, principal: Principal, request_id: int) -> list[Sim]:
    """SIMs with data left that can go out, those kept for somebody else left out."""
    wanted = select(Sim).where(
        custody.sim_is_free(but_for=request_id), policy.SIMS.rows("sim.run", principal)
    )
    return list(session.scalars(wanted.order_by(Sim.data_until.desc().nulls_first(), Sim.id).limit(MOST)))


def loan_for(session: Session, principal: Principal, number: int) -> Loan | None:
    """A loan this coordinator runs; None for every other one."""
    return session.scalar(select(Loan).where(Loan.id == number, policy.LOANS.rows("loan.run", principal)))


# --- returns


@dataclass(frozen=True)
class CameIn:
    """What somebody took in, and for which place it is put aside, where it does not stay. Of another scheme's (`is_ours` False)
    the tag is shown and nothing more.
    """

    row: TakeIn
    is_ours: bool
    aside_for: str


def my_take_ins(session: Session, principal: Principal, since: datetime) -> list[CameIn]:
    """What this member of staff took in since a moment, newest first."""
    wanted = select(TakeIn).where(TakeIn.taken_by_id == principal.staff_id, TakeIn.taken_at > since)
    rows = session.scalars(wanted.order_by(TakeIn.taken_at.desc(), TakeIn.id.desc()).limit(MOST)).all()
    others = [row for row in rows if row.organisation_id != principal.organisation_id]
    homes = select(Place.id, Place.name).where(Place.id.in_({row.was_place_id for row in others}))
    names = dict(session.execute(homes).all())
    going = dict(_on_their_way(session, [row.unit_id for row in rows if row.unit_id is not None]))
    return [
        CameIn(row, False, names.get(row.was_place_id or 0, ""))
        if row in others
        else CameIn(row, True, "" if row.undone_at else going.get(row.unit_id or 0, ""))
        for row in rows
    ]


def _on_their_way(session: Session, unit_ids: Sequence[int]) -> Sequence[tuple[int, str]]:
    """Units that are between two places, and the one each goes to."""
    going = select(Transfer.unit_id, Place.name).join(Place, Place.id == Transfer.to_id)
    moving = Transfer.unit_id.in_(unit_ids), Transfer.arrived_at.is_(None)
    return [(row[0], row[1]) for row in session.execute(going.where(*moving))]


def desks_of(session: Session, principal: Principal) -> list[Place]:
    """Where whoever takes in may be: the places of their pool, and where they took something in before."""
    before = select(TakeIn.place_id).where(TakeIn.taken_by_id == principal.staff_id).distinct()
    also = session.scalars(before.limit(PLACES_AT_MOST)).all()
    return places_of(session, principal.organisation_id, also)


def waits_to_be_looked_at(principal: Principal) -> ColumnElement[bool]:
    """It came in, nobody undid that, and nobody has looked at its parts; of no loan that is kept from this person."""
    mine = exists().where(Loan.id == TakeIn.loan_id, policy.LOANS.rows("loan.run", principal))
    return and_(
        TakeIn.organisation_id == principal.organisation_id,
        TakeIn.looked_at.is_(None),
        TakeIn.undone_at.is_(None),
        or_(TakeIn.loan_id.is_(None), mine),
    )


def take_ins_to_look_at(session: Session, principal: Principal) -> list[TakeIn]:
    """What came in and nobody has looked at, oldest first; of loans they may run, and strays of their pool."""
    wanted = select(TakeIn).where(waits_to_be_looked_at(principal))
    return list(session.scalars(wanted.order_by(TakeIn.taken_at, TakeIn.id).limit(MOST)))


def open_take_in(session: Session, loan_id: int) -> TakeIn | None:
    """How a loan came in, where that stands."""
    return session.scalar(select(TakeIn).where(TakeIn.loan_id == loan_id, TakeIn.undone_at.is_(None)))
