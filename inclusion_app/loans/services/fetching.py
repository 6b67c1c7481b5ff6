"""Where what is kept for somebody is fetched, and where it lies until then.

One answer for the message, the page, the paper and the desk: a person was sent to one place by their page and to another
by a letter, and nobody was told to bring the device there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, null, select
from sqlalchemy.orm import Session

from inclusion_app.loans.models import LoanOffer, LoanRequest, Sim, Transfer, Unit
from inclusion_app.loans.services.custody import LIVE_OFFER
from inclusion_app.places.models import Place

# The same as `fetched_at` and `lies_at`, for a query that joins offers with their requests, units and SIMs.
FETCHED_AT: ColumnElement[Any] = case(
    (LoanOffer.address.is_not(None), null()),
    else_=func.coalesce(LoanOffer.slot_place_id, LoanRequest.place_id),
)
LIES_AT: ColumnElement[Any] = func.coalesce(Unit.place_id, Sim.place_id)


def fetched_at(request: LoanRequest, offer: LoanOffer | None = None) -> int | None:
    """The place they chose, else the one they asked for. None: they cannot come, and it is brought to them."""
    if offer is not None and offer.address is not None:
        return None
    return (offer.slot_place_id if offer is not None else None) or request.place_id


def lies_at(offer: LoanOffer) -> int | None:
    """Where what is kept lies by the books."""
    thing = offer.unit or offer.sim
    return thing.place_id if thing is not None else None


def may_come_to(request: LoanRequest, offer: LoanOffer) -> int | None:
    """Where they fetch it; of somebody it is brought to: where they may fetch it, if they come after all."""
    return offer.slot_place_id or request.place_id or lies_at(offer)


def has_to_say_where(request: LoanRequest, offer: LoanOffer) -> bool:
    """They cannot come, as they asked, and nobody knows yet to where it is brought."""
    return offer.address is None and fetched_at(request, offer) is None


def is_elsewhere(request: LoanRequest, offer: LoanOffer) -> bool:
    """It lies at another place than the one at which they fetch it."""
    place_id = fetched_at(request, offer)
    return place_id is not None and place_id != lies_at(offer)


def is_there(session: Session, offer: LoanOffer, place_id: int) -> bool:
    """What is kept lies at this place and does not leave it."""
    return lies_at(offer) == place_id and way_of(session, offer) is None


def way_of(session: Session, offer: LoanOffer) -> Transfer | None:
    """The way between two places that what is kept is on."""
    moving = Transfer.unit_id == offer.unit_id, Transfer.arrived_at.is_(None)
    return session.scalar(select(Transfer).where(*moving)) if offer.unit_id is not None else None


def has_to_be_moved() -> ColumnElement[bool]:
    """Of offers joined as above: it lies elsewhere, and is not on its way to where they fetch it."""
    coming = exists().where(
        Transfer.unit_id == LoanOffer.unit_id, Transfer.arrived_at.is_(None), Transfer.to_id == FETCHED_AT
    )
    return and_(LoanOffer.state.in_(LIVE_OFFER), FETCHED_AT != LIES_AT, ~coming)


@dataclass(frozen=True)
class KeptUnit:
    """A unit that is kept: for which request, and the place at which it is fetched; empty for one that is brought."""

    tag: str
    request_id: int
    place_id: int | None
    place: str


def kept_units(session: Session, unit_ids: Collection[int]) -> list[KeptUnit]:
    """Those of these units that are kept for somebody."""
    wanted = (
        select(Unit.tag, LoanRequest.id, FETCHED_AT, func.coalesce(Place.name, ""))
        .select_from(LoanOffer)
        .join(LoanRequest, LoanRequest.id == LoanOffer.request_id)
        .join(Unit, Unit.id == LoanOffer.unit_id)
        .outerjoin(Place, Place.id == FETCHED_AT)
        .where(LoanOffer.unit_id.in_(unit_ids), LoanOffer.state.in_(LIVE_OFFER))
        .order_by(Unit.tag)
    )
    return [KeptUnit(*row) for row in session.execute(wanted)]
