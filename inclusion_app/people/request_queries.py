"""Questions of the data-protection officer: requests with their clock, the record of all reads, and a person's facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import LONDON
from inclusion_app.people.models import AccessRequest, Merge
from inclusion_app.people.policy import RECORD_TABLE, REQUEST_TABLE

SHOWN = 20


@dataclass(frozen=True)
class Clock:
    """A request and how its clock stands: days left to its due day (negative when it is late)."""

    request: AccessRequest
    days_left: int

    @property
    def is_late(self) -> bool:
        """True when it is past its day and still open."""
        return self.request.closed_at is None and self.days_left < 0


def clock_of(request: AccessRequest, today: date) -> Clock:
    """How the clock of one request stands."""
    return Clock(request, (request.due_on - today).days)


def request_for(session: Session, principal: Principal, right: str, number: int) -> AccessRequest | None:
    """The request of this number when the principal reaches it by this right, else None."""
    wanted = select(AccessRequest).where(AccessRequest.id == number, REQUEST_TABLE.rows(right, principal))
    return session.scalar(wanted)


def requests(
    session: Session, principal: Principal, today: date, *, is_open: bool, before: int | None = None
) -> list[Clock]:
    """Open ones by their due day, all of them (a right must not fall off a page); of closed ones twenty."""
    wanted = select(AccessRequest).where(REQUEST_TABLE.rows("request.keep", principal))
    if is_open:
        wanted = wanted.where(AccessRequest.closed_at.is_(None)).order_by(
            AccessRequest.due_on, AccessRequest.id
        )
    else:
        wanted = wanted.where(AccessRequest.closed_at.is_not(None)).order_by(AccessRequest.id.desc())
        wanted = wanted.where(AccessRequest.id < before) if before else wanted
        wanted = wanted.limit(SHOWN + 1)
    return [clock_of(row, today) for row in session.scalars(wanted)]


def merges_of(session: Session, resident_id: int) -> list[Merge]:
    """Each time the record was found to be the same person as another: numbers and days only."""
    wanted = select(Merge).where((Merge.kept_id == resident_id) | (Merge.gone_id == resident_id))
    return list(session.scalars(wanted.order_by(Merge.id)))


@dataclass(frozen=True)
class Filter:
    """What of the record to show; what is None does not narrow."""

    organisation_id: int | None = None
    role: str | None = None
    resident_id: int | None = None
    day: date | None = None
    before: int | None = None


def reads(
    session: Session, principal: Principal, chosen: Filter
) -> tuple[list[tuple[AuditRow, str | None]], bool]:
    """Twenty rows of the record, the newest first, with the organisation's name; and whether there are older ones."""
    wanted = (
        select(AuditRow, Organisation.name)
        .outerjoin(Organisation, Organisation.id == AuditRow.organisation_id)
        .where(RECORD_TABLE.rows("record.read", principal))
        .order_by(AuditRow.id.desc())
        .limit(SHOWN + 1)
    )
    if chosen.organisation_id is not None:
        wanted = wanted.where(AuditRow.organisation_id == chosen.organisation_id)
    if chosen.role is not None:
        wanted = wanted.where(AuditRow.actor_kind == chosen.role)
    if chosen.resident_id is not None:
        wanted = wanted.where(AuditRow.resident_id == chosen.resident_id)
    if chosen.day is not None:
        begin = datetime.combine(chosen.day, time(), LONDON)
        end = datetime.combine(chosen.day + timedelta(days=1), time(), LONDON)
        wanted = wanted.where(AuditRow.at >= begin, AuditRow.at < end)
    if chosen.before is not None:
        wanted = wanted.where(AuditRow.id < chosen.before)
    rows: list[tuple[AuditRow, str | None]] = [(row, name) for row, name in session.execute(wanted)]
    return rows[:SHOWN], len(rows) > SHOWN
