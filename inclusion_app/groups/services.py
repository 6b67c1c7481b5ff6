"""Verbs that change a group: make it, join and leave, notes, the paper list, what was done together, a new code, the end.

Nothing here tells who is in a group. The record names the one resident who joined or left, in their own chain only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.core import audit
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.retention_runs import keep
from inclusion_app.core.sessions import close_group
from inclusion_app.core.words import N_
from inclusion_app.groups import queries, rules
from inclusion_app.groups.models import Group, GroupFacilitator, GroupMember
from inclusion_app.people.services import give_code, hash_of_code, take_back_code
from inclusion_app.roadmaps.catalogue import load_catalogue

NOTES_FULL = N_("There is room for 12 notes. Delete one first.")


def make_group(
    session: Session, *, name: str | None, secret_kind: str, secret_hash: str, language: str, now: datetime
) -> Group:
    """A new group with a fresh code and nobody in it. The hash is made before (it is slow)."""
    code = give_code(session, kind="group", now=now)
    group = Group(
        code_hash=hash_of_code(code),
        code=code,
        secret_kind=secret_kind,
        secret_hash=secret_hash,
        name=name or None,
        language=language,
        kept={},
        made_at=now,
        last_used_at=now,
    )
    session.add(group)
    session.flush()
    return group


def join(session: Session, *, group: Group, resident_id: int, actor: str, now: datetime) -> None:
    """The resident is in the group; nothing happens when they are already. `actor`: resident, group for its keeper, or helper."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    joined = session.scalar(
        kind.insert(GroupMember)
        .values(group_id=group.id, resident_id=resident_id, joined_at=now)
        .on_conflict_do_nothing(index_elements=["group_id", "resident_id"])
        .returning(GroupMember.id)
    )
    group.last_used_at = now
    if joined is not None:
        _note(session, resident_id, "join group", actor, now)


def leave(session: Session, *, group_id: int, resident_id: int, now: datetime) -> None:
    """The resident is out of the group; nothing happens when they are already. The group keeps no trace of it."""
    left = session.execute(
        delete(GroupMember).where(GroupMember.group_id == group_id, GroupMember.resident_id == resident_id)
    )
    if left.rowcount:  # type: ignore[attr-defined]
        _note(session, resident_id, "leave group", "resident", now)


def add_note(session: Session, *, group_id: int, note: Mapping[str, str], now: datetime) -> None:
    """One more thing the group will do. `note` has what, when and where. Raises RuleBroken when there is no room."""
    group = _to_change(session, group_id, now)
    notes = queries.notes_of(group)
    if notes and {**notes[0], **note} == notes[0]:
        return  # sent twice
    if len(notes) >= rules.MOST_NOTES:
        raise RuleBroken(NOTES_FULL)
    number = group.kept.get("next_note", 1)
    _keep(group, notes=[{"id": number, **note}, *notes], next_note=number + 1)


def change_note(
    session: Session, *, group_id: int, number: int, note: Mapping[str, str], now: datetime
) -> None:
    """Write a note anew. Raises RuleBroken when somebody deleted it meanwhile."""
    group = _to_change(session, group_id, now)
    notes = queries.notes_of(group)
    if number not in {item["id"] for item in notes}:
        raise RuleBroken(CHANGED_ALREADY)
    _keep(group, notes=[{"id": number, **note} if item["id"] == number else item for item in notes])


def delete_note(session: Session, *, group_id: int, number: int, now: datetime) -> None:
    """The note is gone; nothing happens when it is already."""
    group = _to_change(session, group_id, now)
    _keep(group, notes=[item for item in queries.notes_of(group) if item["id"] != number])


def done_together(session: Session, *, group_id: int, step_id: str, now: datetime) -> None:
    """The group did this step together: the next one takes its place. Raises RuleBroken for a step that never shows."""
    group = _to_change(session, group_id, now)
    step = load_catalogue().steps.get(step_id)
    if step is None or step.private:
        raise RuleBroken(CHANGED_ALREADY)
    _keep(group, done=[item for item in queries.done_of(group) if item != step_id] + [step_id])


def not_done_together(session: Session, *, group_id: int, step_id: str, now: datetime) -> None:
    """Take it back: the step may be the next one again."""
    group = _to_change(session, group_id, now)
    _keep(group, done=[item for item in queries.done_of(group) if item != step_id])


def keep_paper(
    session: Session, *, group_id: int, people: int, ticks: Mapping[str, int], now: datetime
) -> None:
    """The sums of the paper list, in the place of those typed before. Who is on it stands on the paper alone."""
    group = _to_change(session, group_id, now)
    _keep(group, paper={"people": people, "ticks": {step: count for step, count in ticks.items() if count}})


def renew_code(session: Session, *, group_id: int, visit_id: int | None, now: datetime) -> str:
    """A new code; the old one dies at once, and with it what other browsers have open by it."""
    group = _to_change(session, group_id, now)
    take_back_code(session, code_hash=group.code_hash)
    group.code = give_code(session, kind="group", now=now)
    group.code_hash = hash_of_code(group.code)
    close_group(session, group_id=group.id, keep_visit=visit_id)
    session.flush()
    return group.code


def begin_help(session: Session, *, principal: Principal, group: Group, now: datetime) -> bool:
    """This member of staff leads the group from now on, for the organisation they act for; twice is once.

    False where the group ended the help of this organisation and has the same code still: it has not asked them anew.
    """
    ended = exists().where(
        GroupFacilitator.group_id == group.id, GroupFacilitator.organisation_id == principal.organisation_id,
        GroupFacilitator.ended_with == group.code_hash,
    )  # fmt: skip
    if session.scalar(select(ended)):
        return False
    begun = session.scalar(
        insert_into(session, GroupFacilitator)
        .values(
            group_id=group.id, staff_id=principal.staff_id, organisation_id=principal.organisation_id, since_at=now
        )
        .on_conflict_do_nothing(
            index_elements=["group_id", "staff_id", "organisation_id"], index_where=text("ended_at IS NULL")
        )
        .returning(GroupFacilitator.id)
    )  # fmt: skip
    if begun is not None:
        record_act(session, principal, action="lead group", items=("group",), now=now)
    return True


def stop_help(session: Session, *, principal: Principal, group_id: int, now: datetime) -> None:
    """This member of staff leads the group no more; nothing happens when they do not already."""
    mine = and_(
        GroupFacilitator.staff_id == principal.staff_id, GroupFacilitator.organisation_id == principal.organisation_id
    )  # fmt: skip
    if _end_help(session, group_id, mine, now):
        record_act(session, principal, action="stop leading group", items=("group",), now=now)


def end_help(session: Session, *, group_id: int, number: int, by: Principal, now: datetime) -> None:
    """The group, or one of its members, ends the help of a facilitator; nothing happens when it is over already.

    A member's own record says so; that the group did it stands in the record without anybody's number.
    """
    code = select(Group.code_hash).where(Group.id == group_id).scalar_subquery()
    if not _end_help(session, group_id, GroupFacilitator.id == number, now, ended_with=code):
        return
    if by.kind == "resident" and by.resident_id is not None and by.group_id != group_id:
        _note(session, by.resident_id, "end help of group", "resident", now)
        return
    audit.record(
        session, at=now, actor_kind="group", actor_id=group_id, action="end help of group", purpose="own",
        resident_id=None, items=("group",),
    )  # fmt: skip


def end_all_help(session: Session, *, now: datetime) -> None:
    """After a restore no staff lead a group: the copy may be from before it ended their help. Its code is asked anew."""
    over = update(GroupFacilitator).where(GroupFacilitator.ended_at.is_(None)).values(ended_at=now)
    rows_changed(session, over)


def _end_help(
    session: Session, group_id: int, which: ColumnElement[bool], now: datetime, **more: Any
) -> bool:
    ended = (
        update(GroupFacilitator)
        .where(GroupFacilitator.group_id == group_id, GroupFacilitator.ended_at.is_(None), which)
        .values(ended_at=now, **more)
    )
    return rows_changed(session, ended) > 0


def close(session: Session, *, group_id: int) -> None:
    """The end of a group, its notes, its paper sums and who is in it. The members' own plans stay."""
    group = queries.group_to_change(session, group_id)
    if group is not None:
        _erase(session, group.id, group.code_hash)


def delete_idle_groups(session: Session, *, now: datetime) -> int:
    """Delete the groups nobody has opened for 13 months. Returns how many.

    Only numbers and hashes are read: one value that cannot be decrypted any more must not keep a group for ever.
    """
    idle = Group.last_used_at <= now - keep("group")
    found = session.execute(
        select(Group.id, Group.code_hash).where(idle).order_by(Group.id).with_for_update()
    ).all()
    for number, code_hash in found:
        _erase(session, number, code_hash)
    return len(found)


def _erase(session: Session, group_id: int, code_hash: str) -> None:
    mine = delete(Group).where(Group.id == group_id)
    session.execute(mine, execution_options={"synchronize_session": False})
    take_back_code(session, code_hash=code_hash)


def _to_change(session: Session, group_id: int, now: datetime) -> Group:
    group = queries.group_to_change(session, group_id)
    if group is None:
        raise RuleBroken(CHANGED_ALREADY)
    group.last_used_at = now
    return group


def _keep(group: Group, **new: Any) -> None:
    group.kept = {**group.kept, **new}


def _note(session: Session, resident_id: int, action: str, actor: str, now: datetime) -> None:
    audit.record(
        session,
        at=now,
        actor_kind=actor,
        actor_id=resident_id if actor == "resident" else None,
        action=action,
        purpose="own" if actor == "resident" else "help",
        resident_id=resident_id,
        items=("group",),
    )
