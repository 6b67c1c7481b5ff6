"""By which way somebody is told now, of a thing they asked an organisation for: training, a device.

Whoever runs the thing is seldom who they share their contact with: a letter, a call or a task of the caseworker goes to
the organisation that helps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership
from inclusion_app.messages import queries as reach
from inclusion_app.messages.rules import BY_HAND, BY_WIRE, CHANNELS, Route, Wanted, choose_route
from inclusion_app.messages.sending import channels_now
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction


@dataclass(frozen=True)
class OwnWay:
    """The way somebody chose for their plan, as it can be gone now: None when none can. `posts` is who posts or calls.

    `no_service_name`: nothing that goes by wire may name the service. `no_trace`: what is left to be read, a letter too.
    """

    route: Route | None
    posts: int | None
    no_service_name: bool = False
    no_trace: bool = False


def own_way(
    session: Session,
    *,
    resident_id: int | None,
    runs_it: int,
    now: datetime,
    channels: tuple[str, ...] = CHANNELS,
) -> OwnWay:
    """How this resident is told of what this organisation runs, by the first of their own order that can be gone.

    `channels`: only by these; a message may not make sense by every one.
    """
    provider = unless_kept(session, resident_id=resident_id, organisation_id=runs_it)
    resident = session.get(Resident, resident_id) if resident_id is not None else None
    if resident is None:
        return OwnWay(None, provider)
    through = dict.fromkeys([*_helping(session, resident.id), runs_it, provider])
    reaches = reach.reach_through(session, resident=resident, organisation_ids=through, now=now)
    ways = [(way, route) for way in reaches if (route := _route_of(way, channels)) is not None]
    if not ways:
        return OwnWay(None, provider)
    way, route = min(ways, key=lambda one: one[0].routes.index(one[1]))
    posts = way.through.organisation_id if route.channel in BY_HAND else provider
    discreet = way.rule.no_service_name
    return OwnWay(route, posts, discreet and route.channel in BY_WIRE, discreet and route.channel != "call")


def _route_of(way: reach.Reach, channels: tuple[str, ...]) -> Route | None:
    wanted = Wanted(channels)
    return choose_route(way.routes, way.rule, channels=channels_now(), through=way.through, wanted=wanted)


def _helping(session: Session, resident_id: int) -> list[int]:
    """The organisations on whose caseload somebody is."""
    theirs = select(CaseloadEntry.organisation_id).where(CaseloadEntry.resident_id == resident_id)
    return list(session.scalars(theirs.order_by(CaseloadEntry.id)))


def unless_kept(session: Session, *, resident_id: int | None, organisation_id: int) -> int | None:
    """Whoever runs it posts the letter and makes the call; but nobody there is shown whom the person is kept from.

    A tray does not know whose a typed number is, so one colleague who is named keeps it from all of them.
    """
    works_there = select(Membership.staff_id).where(
        Membership.organisation_id == organisation_id, Membership.until_at.is_(None)
    )
    kept = select(Restriction.id).where(
        Restriction.resident_id == resident_id,
        or_(Restriction.organisation_id == organisation_id, Restriction.staff_id.in_(works_there)),
    )
    is_kept = resident_id is not None and session.scalar(kept.limit(1)) is not None
    return None if is_kept else organisation_id
