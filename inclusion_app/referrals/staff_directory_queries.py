"""Questions about the directory of services: a page of it, and how soon each one really answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Select, and_, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import registry
from inclusion_app.core.access import Principal
from inclusion_app.places.models import Ward
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals.models import CityService, Referral
from inclusion_app.referrals.services import directory

ON_A_PAGE = 20
# So many answers make a time that says something, and says nothing of one person.
ENOUGH = 5
LOOKED_BACK = timedelta(days=365)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Filters:
    """What the address narrows the directory by. `closed`: those of one's own that are closed."""

    help_with: str = ""
    text: str = ""
    takes_now: bool = False
    closed: bool = False


def _listed(principal: Principal, filters: Filters, *columns: Any) -> Select[Any]:
    wanted = select(*columns).select_from(CityService).join(Organisation)
    wanted = wanted.where(policy.SERVICES.rows("service.look", principal))
    if filters.closed:
        wanted = wanted.where(policy.SERVICES.rows("service.write", principal), not_(directory.is_open()))
    else:
        wanted = wanted.where(directory.is_open())
    if filters.help_with:
        spaced = literal(" ").concat(CityService.helps).concat(" ")
        wanted = wanted.where(spaced.contains(f" {filters.help_with} ", autoescape=True))
    if filters.text:
        wanted = wanted.where(
            or_(
                Organisation.name.icontains(filters.text, autoescape=True),
                CityService.name.icontains(filters.text, autoescape=True),
            )
        )
    return wanted.where(directory.takes_now()) if filters.takes_now else wanted


def count(session: Session, principal: Principal, filters: Filters) -> int:
    """How many services fit."""
    return session.scalar(_listed(principal, filters, func.count())) or 0


def page_of(session: Session, principal: Principal, filters: Filters, *, page: int) -> Sequence[CityService]:
    """One page of them, by name."""
    wanted = _listed(principal, filters, CityService).order_by(CityService.name, CityService.id)
    return session.scalars(wanted.offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE)).all()


def service_for(session: Session, principal: Principal, number: int, right: str) -> CityService | None:
    """One service through the filter of this right; None for a miss, whatever the reason."""
    return session.scalar(
        select(CityService).where(CityService.id == number, policy.SERVICES.rows(right, principal))
    )


def without_duty(session: Session, principal: Principal) -> Sequence[int]:
    """The open services this person may write of which nobody hears what comes in, by name."""
    wanted = select(CityService.id).join(Organisation).where(
        policy.SERVICES.rows("service.write", principal), directory.is_open(), directory.has_no_duty()
    )  # fmt: skip
    return session.scalars(wanted.order_by(CityService.name, CityService.id)).all()


def reply_days(session: Session, service_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """Within how many working days half of the referrals of the last year were answered yes, no or "wait".

    Of those services only that were asked often enough (ENOUGH). One query for all of them. What nobody answered yet
    counts with its time so far; what was taken back before anybody could answer does not.
    """
    taken_back = and_(Referral.decided_at.is_(None), Referral.status.in_(("recalled", "withdrawn")))
    wanted = select(
        Referral.service_id, Referral.sent_at, func.coalesce(Referral.decided_at, Referral.ended_at)
    ).where(
        Referral.service_id.in_(service_ids),
        Referral.mode != "signposted",
        Referral.sent_at > now - LOOKED_BACK,
        not_(taken_back),
    )
    holidays, hours = registry.holidays(session), defaultdict(list)
    for number, since, until in session.execute(wanted):
        if since is not None:
            hours[number].append(rules.worked_between(since, until or now, holidays) / HOUR)
    allowed = (rules.ACKNOWLEDGE_DAYS + rules.DECIDE_DAYS) * rules.HOURS_A_DAY
    kept = {number: rules.attained(took, [allowed] * len(took)) for number, took in hours.items()}
    return {
        number: max(1, ceil(one.median / rules.HOURS_A_DAY))
        for number, one in kept.items()
        if one is not None and one.count >= ENOUGH
    }


def wards(session: Session) -> list[tuple[str, str]]:
    """Code and name of every ward."""
    rows = session.execute(select(Ward.code, Ward.name, Ward.district).order_by(Ward.name, Ward.code))
    return [(code, f"{name}, {district}") for code, name, district in rows]


def ward_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    """The names of these wards by their codes."""
    rows = session.execute(select(Ward.code, Ward.name).where(Ward.code.in_(codes)))
    return {row.code: row.name for row in rows}


def organisations_without_accounts(session: Session) -> list[tuple[int, str]]:
    """Open organisations where nobody can sign in, by name: they answer by links."""
    wanted = select(Organisation.id, Organisation.name).where(
        Organisation.closed_at.is_(None), not_(policy.has_accounts(Organisation.id))
    )
    return [(number, name) for number, name in session.execute(wanted.order_by(Organisation.name))]


def has_accounts(session: Session, organisation_id: int) -> bool:
    """True where somebody works who can sign in and answer."""
    return bool(session.scalar(select(policy.has_accounts(literal(organisation_id)))))
