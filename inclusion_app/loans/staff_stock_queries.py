"""What a coordinator sees of the stock: lists narrowed by the address, one unit with its past, what waits to be cleaned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.history import StatusChange
from inclusion_app.loans import rules
from inclusion_app.loans.models import (
    DeviceModel,
    Evidence,
    Loan,
    LoanScheme,
    SafetyCheck,
    Sim,
    StockItem,
    Unit,
    Wipe,
)
from inclusion_app.loans.policy import ITEMS, LOANS, MODELS, SIMS, UNITS
from inclusion_app.loans.services.cleaning import TO_CLEAN
from inclusion_app.loans.services.custody import is_lent
from inclusion_app.places.models import Place

ON_A_PAGE = 50
ENDS_SOON = timedelta(days=180)
DATA_ENDS_SOON = timedelta(days=30)
MOST_PLACES = 400


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; everything of it stands in the address."""

    model_id: int = 0
    place_id: int = 0
    owner_id: int = 0
    fitness: str = ""
    where: str = ""
    ends_soon: bool = False
    text: str = ""


def _ours(principal: Principal) -> ColumnElement[bool]:
    return UNITS.rows("unit.run", principal)


def _narrowed(chosen: Filters, today: date) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.model_id:
        found.append(Unit.model_id == chosen.model_id)
    if chosen.place_id:
        found.append(Unit.place_id == chosen.place_id)
    if chosen.owner_id:
        found.append(Unit.owner_id == chosen.owner_id)
    # What is retired is out of the way until somebody asks for it, by its state or by its tag.
    if chosen.fitness in rules.FITNESS:
        found.append(Unit.status == chosen.fitness)
    elif not chosen.text:
        found.append(Unit.status != "retired")
    if chosen.where == "out":
        found.append(is_lent())
    elif chosen.where == "here":
        found.append(~is_lent())
    if chosen.ends_soon:
        found.append(func.coalesce(Unit.support_until, DeviceModel.support_until) <= today + ENDS_SOON)
    if chosen.text:
        begins = rules.plain_mark(chosen.text)
        found.append(
            or_(
                *(column.startswith(begins, autoescape=True) for column in (Unit.tag, Unit.serial, Unit.imei))
            )
        )
    return found


def units_page(
    session: Session, principal: Principal, chosen: Filters, *, page: int, today: date
) -> list[tuple[Unit, bool]]:
    """One page of units with whether somebody has them."""
    wanted = (
        select(Unit, is_lent())
        .join(DeviceModel, DeviceModel.id == Unit.model_id)
        .where(_ours(principal), *_narrowed(chosen, today))
    )
    part = wanted.order_by(Unit.tag).offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE)
    return [(unit, bool(out)) for unit, out in session.execute(part)]


def count_units(session: Session, principal: Principal, chosen: Filters, *, today: date) -> int:
    """How many the list has."""
    wanted = (
        select(func.count()).select_from(Unit).join(DeviceModel, DeviceModel.id == Unit.model_id)
    ).where(_ours(principal), *_narrowed(chosen, today))
    return session.scalar(wanted) or 0


def all_units(session: Session, principal: Principal) -> Sequence[Unit]:
    """The whole pool with its parts, in the order of tags."""
    wanted = select(Unit).where(_ours(principal)).order_by(Unit.tag).options(selectinload(Unit.parts))
    return session.scalars(wanted).all()


def unit_for(session: Session, principal: Principal, unit_id: int) -> Unit | None:
    """One unit of the pool."""
    return session.scalar(select(Unit).where(Unit.id == unit_id, _ours(principal)))


def units_for(session: Session, principal: Principal, numbers: Sequence[int]) -> list[Unit]:
    """Some units of the pool, in the order of their tags."""
    if not numbers:
        return []
    wanted = select(Unit).where(Unit.id.in_(numbers), _ours(principal)).order_by(Unit.tag)
    return list(session.scalars(wanted))


@dataclass(frozen=True)
class Past:
    """What happened to a unit: its changes, wipes, checks and photos; its loans as a number only."""

    changes: Sequence[tuple[StatusChange, str]]
    wipes: Sequence[tuple[Wipe, str]]
    checks: Sequence[tuple[SafetyCheck, str]]
    photos: Sequence[Evidence]
    loans: int
    is_out: bool
    # The page of the open loan, and all their pages, for whoever may open them: the last first, and nobody by name.
    loan_id: int | None
    lent: Sequence[Loan]


def past_of(session: Session, principal: Principal, unit: Unit) -> Past:
    """The past of one unit, the newest first; who verified what by name."""
    changes = select(StatusChange).where(StatusChange.unit_id == unit.id).order_by(StatusChange.id.desc())
    wipes = select(Wipe, Staff.name).outerjoin(Staff, Staff.id == Wipe.verified_by_id)
    checks = select(SafetyCheck, Staff.name).outerjoin(Staff, Staff.id == SafetyCheck.checked_by_id)
    photos = select(Evidence).where(Evidence.unit_id == unit.id, Evidence.kind == "photo")
    loans = select(func.count()).where(Loan.unit_id == unit.id)
    return Past(
        changes=[(row, "") for row in session.scalars(changes.limit(30))],
        wipes=[
            (row, name or "")
            for row, name in session.execute(
                wipes.where(Wipe.unit_id == unit.id).order_by(Wipe.id.desc()).limit(10)
            )
        ],
        checks=[
            (row, name or "")
            for row, name in session.execute(
                checks.where(SafetyCheck.unit_id == unit.id).order_by(SafetyCheck.id.desc()).limit(10)
            )
        ],
        photos=session.scalars(photos.order_by(Evidence.id.desc()).limit(20)).all(),
        loans=session.scalar(loans) or 0,
        is_out=bool(session.scalar(loans.where(Loan.status == "active"))),
        loan_id=session.scalar(
            select(Loan.id).where(
                Loan.unit_id == unit.id, Loan.status == "active", LOANS.rows("loan.run", principal)
            )
        ),
        lent=session.scalars(
            select(Loan)
            .where(Loan.unit_id == unit.id, LOANS.rows("loan.run", principal))
            .order_by(Loan.id.desc())
            .limit(20)
        ).all(),
    )


# --- what a form chooses from


def models_of(session: Session, principal: Principal) -> Sequence[DeviceModel]:
    """The device models of the scheme."""
    wanted = select(DeviceModel).where(MODELS.rows("model.write", principal))
    return session.scalars(wanted.order_by(DeviceModel.name, DeviceModel.id)).all()


def model_for(session: Session, principal: Principal, model_id: int) -> DeviceModel | None:
    """One of them."""
    wanted = select(DeviceModel).where(DeviceModel.id == model_id, MODELS.rows("model.write", principal))
    return session.scalar(wanted)


def units_by_model(session: Session, principal: Principal) -> dict[int, int]:
    """How many units each model has, without the retired."""
    wanted = select(Unit.model_id, func.count()).where(_ours(principal), Unit.status != "retired")
    return dict(session.execute(wanted.group_by(Unit.model_id)).all())


def places(session: Session) -> list[tuple[int, str]]:
    """Where a unit may be: number and name."""
    wanted = select(Place.id, Place.name).order_by(Place.name, Place.id).limit(MOST_PLACES)
    return [(number, name) for number, name in session.execute(wanted)]


def owners(session: Session) -> dict[int, str]:
    """The organisations a unit may belong to."""
    wanted = select(Organisation.id, Organisation.name).where(Organisation.closed_at.is_(None))
    return dict(session.execute(wanted.order_by(Organisation.name)).all())


def place_named(session: Session, typed: str) -> int | None:
    """A place by its short name (as in its address) or its whole name; None for none, and for several."""
    if not typed or len(typed) > 160:
        return None
    wanted = select(Place.id).where(or_(Place.slug == typed, func.lower(Place.name) == typed.lower()))
    found = session.scalars(wanted.limit(2)).all()
    return found[0] if len(found) == 1 else None


def place_finder(session: Session) -> Callable[[str], int | None]:
    """The same for a file, whose lines name few places many times: each name is asked for once."""
    return cache(partial(place_named, session))


def scheme_of(session: Session, principal: Principal) -> LoanScheme | None:
    """The scheme of the organisation, where it has one."""
    if principal.organisation_id is None:
        return None
    return session.get(LoanScheme, principal.organisation_id)


# --- SIM cards and what is counted


def sims_of(
    session: Session, principal: Principal, *, state: str, ends_before: date | None, text: str
) -> Sequence[Sim]:
    """SIM cards, those whose data ends first before the others."""
    wanted = select(Sim).where(SIMS.rows("sim.run", principal))
    if state in rules.SIM_STATES:
        wanted = wanted.where(Sim.state == state)
    if ends_before is not None:
        wanted = wanted.where(Sim.data_until <= ends_before, Sim.state.in_(("stock", "out")))
    if text:
        wanted = wanted.where(
            or_(Sim.iccid.contains(text, autoescape=True), Sim.number.contains(text, autoescape=True))
        )
    return session.scalars(wanted.order_by(Sim.data_until.is_(None), Sim.data_until, Sim.id)).all()


def sims_with_places(session: Session, which: ColumnElement[bool]) -> list[tuple[Sim, str]]:
    """These SIM cards in the order of their numbers, each with the short name of its place."""
    wanted = select(Sim, Place.slug).join(Place, Place.id == Sim.place_id).where(which)
    return [(sim, slug) for sim, slug in session.execute(wanted.order_by(Sim.iccid))]


def all_sims(session: Session, principal: Principal) -> list[tuple[Sim, str]]:
    """Every SIM card of the scheme."""
    return sims_with_places(session, SIMS.rows("sim.run", principal))


def sim_for(session: Session, principal: Principal, sim_id: int) -> Sim | None:
    """One of them."""
    return session.scalar(select(Sim).where(Sim.id == sim_id, SIMS.rows("sim.run", principal)))


def items_of(session: Session, principal: Principal) -> Sequence[tuple[StockItem, str]]:
    """What is counted, with the name of its place."""
    wanted = select(StockItem, Place.name).join(Place, Place.id == StockItem.place_id)
    ordered = wanted.where(ITEMS.rows("item.run", principal)).order_by(StockItem.name, Place.name)
    return [(item, place) for item, place in session.execute(ordered)]


def item_for(session: Session, principal: Principal, stock_item_id: int) -> StockItem | None:
    """One of them."""
    wanted = select(StockItem).where(StockItem.id == stock_item_id, ITEMS.rows("item.run", principal))
    return session.scalar(wanted)


# --- to be cleaned


def to_clean(
    session: Session, principal: Principal, *, state: str, place_id: int, page: int
) -> tuple[int, list[Unit]]:
    """How many wait to be wiped or tested, and one page of them; who came back first comes first."""
    wanted = [_ours(principal), Unit.status.in_((state,) if state in TO_CLEAN else TO_CLEAN)]
    if place_id:
        wanted.append(Unit.place_id == place_id)
    total = session.scalar(select(func.count()).select_from(Unit).where(*wanted)) or 0
    rows = select(Unit).where(*wanted).order_by(func.coalesce(Unit.returned_at, Unit.made_at), Unit.id)
    return total, list(session.scalars(rows.offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE)))


def evidence_for(session: Session, principal: Principal, evidence_id: int) -> Evidence | None:
    """A file of this scheme, for whoever runs its units."""
    if principal.organisation_id is None:
        return None
    wanted = and_(Evidence.id == evidence_id, Evidence.organisation_id == principal.organisation_id)
    return session.scalar(select(Evidence).where(wanted))


def wipe_for(session: Session, principal: Principal, wipe_id: int) -> Wipe | None:
    """A wipe of a unit of the pool."""
    wanted = select(Wipe).join(Unit, Unit.id == Wipe.unit_id).where(Wipe.id == wipe_id, _ours(principal))
    return session.scalar(wanted)


def marks_of_pool(session: Session, principal: Principal) -> dict[str, int]:
    """Every tag, serial number and IMEI of the pool, each with its unit."""
    wanted = select(Unit.id, Unit.tag, Unit.serial, Unit.imei).where(_ours(principal))
    found: dict[str, int] = {}
    for number, *marks in session.execute(wanted):
        found |= {mark: number for mark in marks if mark}
    return found


def wiped_by(session: Session, evidence_id: int) -> dict[int, Wipe]:
    """The wipes that a report is the evidence of, by unit."""
    return {row.unit_id: row for row in session.scalars(select(Wipe).where(Wipe.evidence_id == evidence_id))}


def staff_name(session: Session, staff_id: int | None) -> str:
    """The name of a colleague, or nothing."""
    return session.scalar(select(Staff.name).where(Staff.id == staff_id)) or "" if staff_id else ""


# --- labels


def units_between(
    session: Session, principal: Principal, first: str, last: str, *, most: int
) -> Sequence[Unit]:
    """Units whose tags lie between two, both included."""
    wanted = select(Unit).where(
        _ours(principal), Unit.tag >= first, Unit.tag <= last, Unit.status != "retired"
    )
    return session.scalars(wanted.order_by(Unit.tag).limit(most)).all()


def units_tagged(session: Session, principal: Principal, tags: Sequence[str]) -> dict[str, Unit]:
    """Units by their tags."""
    wanted = select(Unit).where(_ours(principal), Unit.tag.in_(tags))
    return {unit.tag: unit for unit in session.scalars(wanted)}
