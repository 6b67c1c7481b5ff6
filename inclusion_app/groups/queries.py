"""Reads: which group is this, whose groups are these, and what do its members' plans have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.groups import rules
from inclusion_app.groups.models import Group, GroupFacilitator, GroupMember
from inclusion_app.groups.policy import GROUPS
from inclusion_app.people.opening import Facts
from inclusion_app.people.services import hash_of_code
from inclusion_app.roadmaps import queries as roadmaps
from inclusion_app.roadmaps.catalogue import Catalogue, load_catalogue
from inclusion_app.roadmaps.rules import GROUP_FROM
from inclusion_app.training.models import Booking


@dataclass(frozen=True)
class Seen:
    """A group as the person at this screen may see it: opened with its PIN (`keeps`), or as one of its members."""

    group: Group
    keeps: bool
    member: bool


@dataclass(frozen=True)
class Together:
    """What the members' plans and the paper list have in common. `enough`: three people or more."""

    catalogue: Catalogue
    enough: bool
    line: rules.Line


def seen_by(session: Session, principal: Principal, group_id: int) -> Seen | None:
    """The group of this number for its keeper or for a member who opened their plan with its secret; else None."""
    keeps = principal.group_id == group_id
    member = principal.kind == "resident" and is_member(
        session, group_id=group_id, resident_id=principal.resident_id
    )
    group = session.get(Group, group_id) if keeps or member else None
    return Seen(group, keeps, member) if group else None


def helped(session: Session, principal: Principal, group_id: int) -> Group | None:
    """The group of this number when this member of staff leads it; None for a miss, whatever the reason."""
    return session.scalar(select(Group).where(Group.id == group_id, GROUPS.rows("group.help", principal)))


def helped_groups(session: Session, principal: Principal) -> Sequence[Group]:
    """The groups this member of staff leads, the one that asked first coming first."""
    return session.scalars(select(Group).where(GROUPS.rows("group.help", principal)).order_by(Group.id)).all()


def helpers_of(session: Session, group_id: int) -> list[tuple[int, str]]:
    """Who of the staff leads a group now: the number of each, and their organisation by name. Nobody of them is named."""
    rows = session.execute(
        select(GroupFacilitator.id, Organisation.name)
        .join(Organisation, Organisation.id == GroupFacilitator.organisation_id)
        .join(Staff, Staff.id == GroupFacilitator.staff_id)
        .where(
            GroupFacilitator.group_id == group_id,
            GroupFacilitator.ended_at.is_(None),
            Staff.left_at.is_(None),
            exists().where(
                Membership.staff_id == GroupFacilitator.staff_id,
                Membership.organisation_id == GroupFacilitator.organisation_id,
                Membership.role == "group_facilitator",
                Membership.until_at.is_(None),
            ),
        )
        .order_by(GroupFacilitator.id)
    )
    return [(number, name) for number, name in rows]


def bookings_of(session: Session, group_id: int) -> list[Booking]:
    """What was booked for a group, the last twenty; by whomever. Who is named in one is not for whoever leads it."""
    wanted = select(Booking).where(Booking.group_id == group_id).order_by(Booking.id.desc()).limit(20)
    return list(session.scalars(wanted))


def is_member(session: Session, *, group_id: int, resident_id: int | None) -> bool:
    """True when this resident is in the group."""
    row = exists().where(GroupMember.group_id == group_id, GroupMember.resident_id == resident_id)
    return bool(session.scalar(select(row)))


def groups_of(session: Session, principal: Principal) -> Sequence[Group]:
    """The groups this person may open: the one opened with its PIN, and those they are a member of."""
    mine = Group.id == principal.group_id
    if principal.kind == "resident":
        theirs = select(GroupMember.group_id).where(GroupMember.resident_id == principal.resident_id)
        mine = mine | Group.id.in_(theirs)
    return session.scalars(select(Group).where(mine).order_by(Group.id)).all()


def has_group(session: Session, principal: Principal) -> bool:
    """True when there is a group to go to; the plan page asks."""
    if principal.group_id is not None or principal.kind != "resident":
        return principal.group_id is not None
    return bool(session.scalar(select(exists().where(GroupMember.resident_id == principal.resident_id))))


def find_by_code(session: Session, *, code: str, to_change: bool = False) -> Group | None:
    """The group of a canonical code. With `to_change` nobody else changes or closes it before the commit."""
    found = select(Group).where(Group.code_hash == hash_of_code(code))
    return session.scalar(found.with_for_update() if to_change else found)


def facts_of_code(session: Session, code: str) -> Facts | None:
    """What opens the group of a canonical code, for people.opening.prove."""
    group = find_by_code(session, code=code)
    return Facts(group.id, group.secret_hash, False) if group else None


def group_to_change(session: Session, group_id: int) -> Group | None:
    """A group nobody else changes before the commit, as it stands now: what it keeps is written back whole."""
    mine = select(Group).where(Group.id == group_id)
    return session.scalar(mine.with_for_update().execution_options(populate_existing=True))


def paper_of(group: Group) -> rules.PaperList:
    """The sums of the group's paper list."""
    paper: dict[str, Any] = group.kept.get("paper", {})
    return rules.PaperList(paper.get("people", 0), paper.get("ticks", {}))


def done_of(group: Group) -> tuple[str, ...]:
    """The steps the group did together, the latest last."""
    return tuple(group.kept.get("done", ()))


def notes_of(group: Group) -> list[dict[str, Any]]:
    """The group's notes, the newest first: `id`, `what`, `when`, `where`."""
    return list(group.kept.get("notes", ()))


def together(session: Session, group: Group, *, today: date) -> Together:
    """The group's line. However many members there are: four selects, and about two milliseconds for each plan."""
    catalogue, paper = load_catalogue(), paper_of(group)
    residents = select(GroupMember.resident_id).where(GroupMember.group_id == group.id)
    members = session.scalars(residents).all()
    # Fewer than three plans are not even read: what is typed in of a paper list is no member's mask.
    counted = len(members) >= GROUP_FROM
    found = roadmaps.roadmaps_of_residents(session, residents) if counted else {}
    made = [roadmaps.compute(roadmap, today=today) for roadmap in found.values()]
    # Somebody without a plan counts as one of the group, with nothing they are ready for.
    ready = [item.plan.ready for item in made]
    if counted:
        ready += [frozenset[str]()] * (len(members) - len(made))
    plans = [item.step_ids for item in made]
    line = rules.line(catalogue, ready, plans, paper, done_of(group))
    return Together(catalogue, rules.is_enough(len(members), paper), line)
