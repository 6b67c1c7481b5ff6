"""Reads of the queue for the staff: requests by the table of rights, one person as far as they share, what is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, lazyload

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.history import StatusChange
from inclusion_app.loans import policy, rules
from inclusion_app.loans.models import (
    DeviceModel,
    Loan,
    LoanNote,
    LoanOffer,
    LoanRequest,
    LoanScheme,
    QuotaPool,
    Unit,
)
from inclusion_app.loans.services import custody, queue
from inclusion_app.loans.staff_people import shared_with, speaks_first
from inclusion_app.loans.staff_queue_words import ENDED
from inclusion_app.people import queries as people
from inclusion_app.people.models import ContactRoute, Resident
from inclusion_app.places.models import Place, Ward

ON_A_PAGE = 50
UNITS_AT_MOST = 100


@dataclass(frozen=True)
class Filters:
    """Which requests a list shows."""

    state: str = "submitted"
    model_id: int | None = None
    place_id: int | None = None
    # Only what was sent by this organisation for somebody.
    sent_by: int | None = None


@dataclass(frozen=True)
class Person:
    """Who asked, as far as they share it with the scheme: None and nothing where they do not."""

    name: str | None
    routes: Sequence[ContactRoute]
    rule: dict[str, Any]
    spoken: str | None
    parts: tuple[str, ...]
    speak_first: bool


@dataclass(frozen=True)
class Turn:
    """One who waits: the request, its place, and whether a quota moved it back (-1), forward (1) or not (0)."""

    request: LoanRequest
    position: int
    points: int
    weeks: int
    moved: int
    pool: str


def request_for(
    session: Session, principal: Principal, number: int, right: str = "request.decide"
) -> LoanRequest | None:
    """One request this principal reaches by this right."""
    wanted = select(LoanRequest).where(LoanRequest.id == number, policy.REQUESTS.rows(right, principal))
    return session.scalar(wanted)


def requests_of(
    session: Session, principal: Principal, filters: Filters, *, page: int = 1, right: str = "request.decide"
) -> list[LoanRequest]:
    """Those of the filters: who asked first comes first; of what has ended the last end."""
    wanted = _narrowed(select(LoanRequest), principal, filters, right)
    last_first = filters.state in ("ended", "all")
    order = (
        (LoanRequest.made_at.desc(), LoanRequest.id.desc())
        if last_first
        else (LoanRequest.made_at, LoanRequest.id)
    )
    part = wanted.order_by(*order).offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE)
    return list(session.scalars(part))


def followed_of(session: Session, principal: Principal, resident_id: int) -> list[LoanRequest]:
    """What was asked for one person by whoever looks, the last first."""
    wanted = select(LoanRequest).where(
        LoanRequest.resident_id == resident_id, policy.REQUESTS.rows("request.follow", principal)
    )
    return list(session.scalars(wanted.order_by(LoanRequest.id.desc()).limit(ON_A_PAGE)))


def count_requests(
    session: Session, principal: Principal, filters: Filters, right: str = "request.decide"
) -> int:
    """How many there are of these."""
    counted = _narrowed(select(func.count(LoanRequest.id)), principal, filters, right)
    return session.scalar(counted) or 0


def _narrowed(wanted: Select[Any], principal: Principal, filters: Filters, right: str) -> Select[Any]:
    wanted = wanted.where(policy.REQUESTS.rows(right, principal))
    if filters.state == "ended":
        wanted = wanted.where(LoanRequest.status.in_(ENDED))
    elif filters.state == "submitted":
        wanted = wanted.where(LoanRequest.status.in_(("submitted", "approved")))
    elif filters.state != "all":
        wanted = wanted.where(LoanRequest.status == filters.state)
    if filters.model_id:
        wanted = wanted.where(LoanRequest.model_id == filters.model_id)
    if filters.sent_by:
        wanted = wanted.where(LoanRequest.referrer_id == filters.sent_by)
    if filters.place_id:
        wanted = wanted.where(LoanRequest.place_id == filters.place_id)
    return wanted


def models_of(session: Session, principal: Principal) -> list[DeviceModel]:
    """The device models of the own scheme."""
    wanted = select(DeviceModel).where(policy.MODELS.rows("model.write", principal))
    return list(session.scalars(wanted.order_by(DeviceModel.kind, DeviceModel.name, DeviceModel.id)))


def places_of(session: Session, organisation_id: int | None, *also: int | None) -> list[Place]:
    """Where a scheme has devices, and these places beside."""
    there = select(Unit.place_id).where(Unit.holder_id == organisation_id, Unit.status != "retired")
    numbers = [number for number in also if number]
    wanted = select(Place).where(or_(Place.id.in_(there), Place.id.in_(numbers)))
    return list(session.scalars(wanted.order_by(Place.name, Place.id)))


def person_of(session: Session, principal: Principal, request: LoanRequest) -> Person:
    """The name and how to reach them, while they share them with the scheme; never a need, a plan or a note of others."""
    resident = session.get(Resident, request.resident_id)
    parts = shared_with(session, principal, request.resident_id)
    sees_contact = resident is not None and "contact" in parts
    return Person(
        name=(resident.name or resident.nickname) if resident is not None and "identity" in parts else None,
        routes=people.routes_of(session, request.resident_id) if sees_contact else [],
        rule=(resident.safe_contact or {}) if resident is not None and sees_contact else {},
        spoken=resident.spoken if resident is not None and sees_contact else None,
        parts=parts,
        speak_first=speaks_first(session, request.resident_id),
    )


def notes_of(session: Session, request_id: int) -> list[tuple[LoanNote, str]]:
    """The notes about a loan and who wrote them, the last first."""
    wanted = (
        select(LoanNote, func.coalesce(Staff.name, ""))
        .outerjoin(Staff, Staff.id == LoanNote.staff_id)
        .where(LoanNote.loan_request_id == request_id)
        .order_by(LoanNote.made_at.desc(), LoanNote.id.desc())
    )
    return [(note, name) for note, name in session.execute(wanted)]


def changes_of(session: Session, request_id: int) -> list[StatusChange]:
    """How its state changed, the first first."""
    wanted = select(StatusChange).where(
        StatusChange.noun == "loan_requests", StatusChange.row_id == request_id
    )
    return list(session.scalars(wanted.order_by(StatusChange.id)))


def offers_of(session: Session, request_id: int) -> list[LoanOffer]:
    """What was kept for a request, the last first."""
    wanted = select(LoanOffer).where(LoanOffer.request_id == request_id)
    return list(session.scalars(wanted.order_by(LoanOffer.id.desc())))


def loan_of(session: Session, request_id: int) -> int | None:
    """The number of the loan a request became."""
    return session.scalar(select(Loan.id).where(Loan.loan_request_id == request_id))


def name_of_organisation(session: Session, number: int | None) -> str:
    """Through whom a request came; empty for one that somebody made by themselves."""
    return session.scalar(select(Organisation.name).where(Organisation.id == number)) or ""


def ready_units(session: Session, principal: Principal, model_id: int) -> list[Unit]:
    """Units of a model that could be kept instead."""
    wanted = select(Unit).where(
        policy.UNITS.rows("unit.run", principal), Unit.model_id == model_id, custody.is_free()
    )
    return list(session.scalars(wanted.order_by(Unit.tag).limit(UNITS_AT_MOST)))


def turns_of(session: Session, principal: Principal, model: DeviceModel, now: datetime) -> list[Turn]:
    """The queue of a model in its order; who is kept from this person is counted and not shown."""
    holder = model.organisation_id
    entries = queue.entries_of(session, holder, model.id)
    ordered = rules.queue_order(entries, queue.shares_of(session, holder, model.id, now), now)
    without = {entry.request_id: at for at, entry in enumerate(rules.in_order(entries, now))}
    shown = ordered[:ON_A_PAGE]
    wanted = select(LoanRequest).options(lazyload("*")).where(
        LoanRequest.id.in_([entry.request_id for entry in shown]),
        policy.REQUESTS.rows("request.decide", principal),
    )  # fmt: skip
    rows = {row.id: row for row in session.scalars(wanted)}
    pools = {pool.id: words for pool, words in pools_of(session, holder)}
    return [
        Turn(
            rows[entry.request_id], at + 1, entry.points, rules.total_points(entry, now) - entry.points,
            _way(without[entry.request_id], at), pools.get(entry.pool, "") if entry.pool is not None else "",
        )
        for at, entry in enumerate(shown)
        if entry.request_id in rows
    ]  # fmt: skip


def _way(without: int, at: int) -> int:
    return (without > at) - (without < at)


# --- the scheme


def scheme_of(session: Session, principal: Principal) -> LoanScheme | None:
    """The scheme of the organisation this principal acts for."""
    wanted = select(LoanScheme).where(policy.SCHEMES.rows("scheme.run", principal))
    return session.scalar(wanted)


def pools_of(session: Session, organisation_id: int) -> list[tuple[QuotaPool, str]]:
    """The quotas of a scheme, each with the name of its area or organisation."""
    wanted = (
        select(QuotaPool, func.coalesce(Ward.name, Organisation.name, QuotaPool.ward, ""))
        .outerjoin(Ward, Ward.code == QuotaPool.ward)
        .outerjoin(Organisation, Organisation.id == QuotaPool.referrer_id)
        .where(QuotaPool.organisation_id == organisation_id)
        .order_by(QuotaPool.kind, QuotaPool.id)
    )
    return [(pool, name) for pool, name in session.execute(wanted)]


def pool_for(session: Session, principal: Principal, number: int) -> QuotaPool | None:
    """One quota of the own scheme."""
    return session.scalar(
        select(QuotaPool).where(QuotaPool.id == number, policy.POOLS.rows("pool.run", principal))
    )


def wards(session: Session) -> list[tuple[str, str]]:
    """Code and name of every ward."""
    rows = session.execute(select(Ward.code, Ward.name, Ward.district).order_by(Ward.name, Ward.code))
    return [(code, f"{name}, {district}") for code, name, district in rows]


def organisations(session: Session) -> list[tuple[int, str]]:
    """Who may send somebody: every organisation that is not closed."""
    wanted = select(Organisation.id, Organisation.name).where(Organisation.closed_at.is_(None))
    return [(number, name) for number, name in session.execute(wanted.order_by(Organisation.name))]


# --- for whoever asked for somebody


def lent_models(session: Session) -> list[DeviceModel]:
    """What can be asked for, of every scheme that is open."""
    wanted = (
        select(DeviceModel)
        .join(LoanScheme, LoanScheme.organisation_id == DeviceModel.organisation_id)
        .join(Organisation, Organisation.id == LoanScheme.organisation_id)
        .where(DeviceModel.is_offered, LoanScheme.is_open, Organisation.closed_at.is_(None))
    )
    return list(session.scalars(wanted.order_by(DeviceModel.kind, DeviceModel.name, DeviceModel.id)))
