"""A believable self-help group: five invented people with plans of their own, led by the facilitator of a demonstration
organisation.

Nobody can open it or a plan of it with a code: the secret of all of them is drawn and thrown away.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation
from inclusion_app.core.pins import hash_secret
from inclusion_app.core.registry import Demonstration, demonstrate
from inclusion_app.groups import services
from inclusion_app.groups.models import Group, GroupFacilitator, GroupMember
from inclusion_app.messages.sending import settings_now
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import services as roadmaps

NAME = "Thursday tea and tablets (demonstration)"
ROLE = "group_facilitator"
# What each of them wants, has and finds hard, as they answered the first questions.
MEMBERS = (
    {"q1": ["g02", "g05"], "q2": ["smartphone"], "q3": "yes", "q5": "with_help"},
    {"q1": ["g02"], "q2": ["tablet"], "q3": "sometimes", "q5": "not_yet"},
    {"q1": ["g01", "g02"], "q2": ["shared"], "q3": "library", "q5": "with_help"},
    {"q1": ["g05"], "q2": ["smartphone"], "q3": "yes", "q5": "alone"},
    {"q1": ["g02", "g12"], "q2": ["none"], "q3": "no", "q4": ["confidence"], "q5": "not_yet"},
)


def load(session: Session, now: datetime) -> str:
    """Make it where a facilitator of a demonstration organisation leads no group of it yet. Returns a line for the terminal."""
    leads = session.execute(
        select(Membership.staff_id, Membership.organisation_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Organisation.is_demonstration, Membership.role == ROLE, Membership.until_at.is_(None))
        .order_by(Membership.id)
        .limit(1)
    ).one_or_none()
    if leads is None or _made(session):
        return ""
    secret_hash = hash_secret(secrets.token_urlsafe(24), settings_now().secret_key)
    group = services.make_group(
        session, name=NAME, secret_kind="pin",  # noqa: S106 - which kind, not a secret
        secret_hash=secret_hash, language="en", now=now - timedelta(days=30),
    )  # fmt: skip
    for answers in MEMBERS:
        person = people.make_resident(
            session, secret_kind="pin",  # noqa: S106 - which kind, not a secret
            secret_hash=secret_hash, nickname=None, pin_for_everything=True, language="en", now=now,
        )  # fmt: skip
        roadmaps.type_in(session, answers=answers, resident=person, visit=None, now=now)
        session.add(GroupMember(group_id=group.id, resident_id=person.id, joined_at=now))
    staff_id, organisation_id = leads
    session.add(
        GroupFacilitator(
            group_id=group.id,
            staff_id=staff_id,
            organisation_id=organisation_id,
            since_at=now - timedelta(days=28),
        )
    )
    group.last_used_at = now
    session.flush()
    return f"demonstration: a group of {len(MEMBERS)} and who leads it"


def _made(session: Session) -> list[Group]:
    """The groups of this name that a demonstration organisation leads or led: names are sealed, so they are read one by one."""
    led = (
        select(GroupFacilitator.group_id)
        .join(Organisation, Organisation.id == GroupFacilitator.organisation_id)
        .where(Organisation.is_demonstration)
    )
    return [one for one in session.scalars(select(Group).where(Group.id.in_(led))) if one.name == NAME]


def remove(session: Session) -> None:
    """Take it away with its invented people; whoever joined it to try it out keeps their own plan."""
    for group in _made(session):
        # The invented ones share the secret of the group, which nobody ever knew.
        joined = session.scalars(
            select(Resident).join(GroupMember, GroupMember.resident_id == Resident.id).where(
                GroupMember.group_id == group.id, Resident.secret_hash == group.secret_hash
            )
        ).all()  # fmt: skip
        for person in joined:
            people.delete_resident(session, resident=person, now=person.last_used_at)
        services.close(session, group_id=group.id)
    session.expire_all()


demonstrate(Demonstration("groups", load, remove))
