"""What residents read of the loan scheme: what is lent and how long people wait, and a request for whoever holds its code."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.geo import metres_between
from inclusion_app.loans.models import DeviceModel, Loan, LoanRequest, LoanScheme, Transfer, Unit
from inclusion_app.loans.services import custody, queue
from inclusion_app.people import services as people
from inclusion_app.places.models import Place
from inclusion_app.places.queries import Where


@dataclass(frozen=True)
class Offered:
    """A device model that can be asked for, and from how many to how many weeks one waits: None when nobody knows."""

    model: DeviceModel
    weeks: tuple[int, int] | None


@dataclass(frozen=True)
class Near:
    """A place of the scheme, and how far it is where an area is known."""

    place: Place
    metres: float | None


def open_schemes(session: Session) -> list[LoanScheme]:
    """Every scheme that lends now, by the name of its organisation."""
    wanted = (
        select(LoanScheme)
        .join(Organisation, Organisation.id == LoanScheme.organisation_id)
        .where(LoanScheme.is_open, Organisation.closed_at.is_(None))
        .order_by(Organisation.name, Organisation.id)
    )
    return list(session.scalars(wanted))


def offered_models(session: Session, schemes: Collection[LoanScheme]) -> list[DeviceModel]:
    """What can be asked for, by kind and name."""
    numbers = [scheme.organisation_id for scheme in schemes]
    wanted = select(DeviceModel).where(DeviceModel.is_offered, DeviceModel.organisation_id.in_(numbers))
    return list(session.scalars(wanted.order_by(DeviceModel.kind, DeviceModel.name, DeviceModel.id)))


def with_wait(session: Session, models: Collection[DeviceModel], *, now: datetime) -> list[Offered]:
    """The same with the wait of whoever asks now."""
    asking = queue.asking_now(session, models, now)
    return [Offered(model, asking[model.id].weeks) for model in models]


def places_of(
    session: Session, organisation_ids: Collection[int], where: Where | None = None, *, most: int = 6
) -> list[Near]:
    """Where these schemes have devices, so where one can ask, fetch and give back: the nearest first, else by name.

    What is on its way counts where it is sent: a library that put one aside for us is no place of ours.
    """
    ours = Unit.holder_id.in_(organisation_ids), Unit.status != "retired"
    there = select(Unit.place_id).where(*ours, ~custody.is_moving())
    sent = select(Transfer.to_id).join(Unit, Unit.id == Transfer.unit_id)
    coming = sent.where(Transfer.arrived_at.is_(None), *ours)
    wanted = select(Place).where(or_(Place.id.in_(there), Place.id.in_(coming)))
    found = session.scalars(wanted.order_by(Place.name, Place.id)).all()
    near = [Near(place, _metres(place, where)) for place in found]
    near.sort(key=lambda one: (one.metres is None, one.metres or 0.0))
    return near[:most]


def _metres(place: Place, where: Where | None) -> float | None:
    if where is None or place.lat is None or place.lng is None:
        return None
    return metres_between(where.lat, where.lng, place.lat, place.lng)


# --- a request, for whoever holds its code


def request_by_code(session: Session, code: str) -> LoanRequest | None:
    """The request of a canonical code. What the code opens is forgotten in time."""
    wanted = select(LoanRequest).where(
        LoanRequest.code_hash == people.hash_of_code(code), LoanRequest.forgotten_at.is_(None)
    )
    return session.scalar(wanted)


def loan_of(session: Session, request: LoanRequest) -> Loan | None:
    """The loan this request became."""
    return session.scalar(select(Loan).where(Loan.loan_request_id == request.id))
