"""How much the devices are used, which lie idle, and what people said: sums in which nobody stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, lazyload

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.history import StatusChange
from inclusion_app.loans.models import DeviceModel, Loan, LoanOutcome, LoanRequest, Unit
from inclusion_app.loans.policy import LOANS, REQUESTS, UNITS
from inclusion_app.loans.rules import IDLE_DAYS, SMALLEST_SUM
from inclusion_app.loans.services import custody

DAY = timedelta(days=1)
IDLE_SHOWN = 100


@dataclass(frozen=True)
class Today:
    """How the scheme stands: devices out on loan, late ones among them, requests not decided, requests in the queue."""

    lent: int
    late: int
    to_decide: int
    queued: int


def today_of(session: Session, principal: Principal, now: datetime) -> Today:
    """Numbers of this scheme at this moment, in one statement; as on the desk, of nobody who is kept from this person."""
    lent = select(func.count(Loan.id)).where(LOANS.rows("loan.count", principal), Loan.status == "active")
    asked = select(func.count(LoanRequest.id)).where(REQUESTS.rows("request.count", principal))
    counts = (
        lent, lent.where(Loan.due_on < now.astimezone(LONDON).date()), asked.where(LoanRequest.status == "submitted"),
        asked.where(LoanRequest.status == "queued"),
    )  # fmt: skip
    return Today(*session.execute(select(*(one.scalar_subquery() for one in counts))).one())


@dataclass(frozen=True)
class Use:
    """One model in a time: its units, the days they were owned and lent, loans begun, lost, given away, idle units."""

    model: DeviceModel
    units: int
    owned: int
    lent: int
    begun: int
    lost: int
    gifted: int
    idle: int

    @property
    def share(self) -> int | None:
        """Days lent of a hundred days owned."""
        return round(100 * self.lent / self.owned) if self.owned else None


def use_of(session: Session, principal: Principal, *, since: datetime, now: datetime) -> list[Use]:
    """By model, in the order of their names. A unit counts from the day it came until it was retired."""
    ours = UNITS.rows("unit.count", principal)
    owned: dict[int, float] = defaultdict(float)
    units: Counter[int] = Counter()
    retired = _retired(session, principal)
    for number, model_id, made_at in session.execute(
        select(Unit.id, Unit.model_id, Unit.made_at).where(ours)
    ):
        days = _overlap(made_at, retired.get(number, now), since, now)
        if days > 0:
            units[model_id] += 1
            owned[model_id] += days
    lent: dict[int, float] = defaultdict(float)
    begun: Counter[int] = Counter()
    ended: Counter[tuple[int, str]] = Counter()
    loans = select(Unit.model_id, Loan.issued_at, Loan.ended_at, Loan.status).select_from(Loan)
    loans = loans.join(Unit, Unit.id == Loan.unit_id).where(
        Loan.organisation_id == principal.organisation_id, or_(Loan.ended_at.is_(None), Loan.ended_at > since)
    )
    for model_id, issued_at, ended_at, status in session.execute(loans):
        lent[model_id] += _overlap(issued_at, ended_at or now, since, now)
        begun[model_id] += issued_at > since
        ended[model_id, status] += 1
    idle: Counter[int] = Counter()
    lying = select(Unit.model_id, func.count()).where(ours, *_is_idle(now))
    for model_id, many in session.execute(lying.group_by(Unit.model_id)):
        idle[model_id] = many
    wanted = select(DeviceModel).where(DeviceModel.organisation_id == principal.organisation_id)
    models = sorted(
        session.scalars(wanted.options(lazyload("*"))), key=lambda one: (one.name.casefold(), one.id)
    )
    return [
        Use(
            one, units[one.id], round(owned[one.id]), round(lent[one.id]), begun[one.id], ended[one.id, "lost"],
            ended[one.id, "gifted"], idle[one.id],
        )
        for one in models
    ]  # fmt: skip


def _overlap(begins: datetime, ends: datetime, since: datetime, until: datetime) -> float:
    return max(0.0, (min(ends, until) - max(begins, since)) / DAY)


def _retired(session: Session, principal: Principal) -> Mapping[int, datetime]:
    wanted = select(StatusChange.unit_id, func.max(StatusChange.at)).join(
        Unit, Unit.id == StatusChange.unit_id
    )
    rows = session.execute(
        wanted.where(
            UNITS.rows("unit.count", principal), Unit.status == "retired", StatusChange.noun == "units",
            StatusChange.after == "retired",
        ).group_by(StatusChange.unit_id)
    )  # fmt: skip
    return {number: at for number, at in rows if number is not None}


def _is_idle(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Nobody has had it for a long time, whatever it waits for."""
    return (
        Unit.status.not_in(("missing", "retired")),
        func.coalesce(Unit.returned_at, Unit.made_at) < now - timedelta(days=IDLE_DAYS),
        ~custody.is_lent(),
    )


def idle_of(session: Session, principal: Principal, now: datetime) -> Sequence[Unit]:
    """The units that lie idle, the longest first."""
    wanted = select(Unit).where(UNITS.rows("unit.count", principal), *_is_idle(now))
    return session.scalars(
        wanted.order_by(func.coalesce(Unit.returned_at, Unit.made_at), Unit.id).limit(IDLE_SHOWN)
    ).all()


@dataclass(frozen=True)
class Outcomes:
    """What people used it for and what changed, by code: rounded down to fives, and fewer than five not at all."""

    kind: str
    used_for: Mapping[str, int]
    changed: Mapping[str, int]


def outcomes_of(session: Session, principal: Principal) -> list[Outcomes]:
    """By kind of device. The answers name no loan and no day."""
    wanted = select(LoanOutcome.kind, LoanOutcome.used_for, LoanOutcome.changed)
    counted: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for kind, used_for, changed in session.execute(
        wanted.where(LoanOutcome.organisation_id == principal.organisation_id)
    ):
        one = counted.setdefault(kind, (Counter(), Counter()))
        one[0].update(set(used_for.split()))
        one[1].update(set(changed.split()))
    found = [Outcomes(kind, _sums(one), _sums(two)) for kind, (one, two) in sorted(counted.items())]
    return [one for one in found if one.used_for or one.changed]


def _sums(counts: Counter[str]) -> dict[str, int]:
    return {
        code: count - count % SMALLEST_SUM
        for code, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if count >= SMALLEST_SUM
    }
