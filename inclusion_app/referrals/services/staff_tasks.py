"""Tasks of a case: made for a day and somebody, done, moved, given to a colleague. Each change is one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Update, exists, select, true, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseTask


@dataclass(frozen=True)
class Wanted:
    """What is to be done, by when, by whom."""

    words: str
    due_on: date | None
    owner_id: int


def owners_for(session: Session, *, organisation_id: int | None, resident_id: int) -> list[tuple[int, str]]:
    """The caseworkers of this organisation who may open this person now, by name: one question for all of them."""
    # Each colleague in the place of the one who asks: the condition is the very one of their own page.
    anybody = Principal(
        "staff",
        staff_id=cast(Any, Staff.id),
        organisation_id=organisation_id,
        roles=frozenset({policy.WORKER}),
    )
    works = exists().where(
        Membership.staff_id == Staff.id,
        Membership.organisation_id == organisation_id,
        Membership.role == policy.WORKER,
        Membership.until_at.is_(None),
    )
    rows = session.execute(
        select(Staff.id, Staff.name)
        .join(Resident, true())
        .where(
            Resident.id == resident_id,
            works,
            Staff.left_at.is_(None),
            policy.CASES.rows("case.write", anybody),
        )
        .order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in rows]


def whats_against(wanted: Wanted, *, owners: list[tuple[int, str]], today: date) -> list[RuleBroken]:
    """All that stands against making this task, each at its field."""
    found = []
    if not one_line(wanted.words):
        found.append(RuleBroken(words.NOTHING_WRITTEN_TASK, field="words"))
    elif len(one_line(wanted.words)) > rules.TASK_LONGEST:
        found.append(RuleBroken(words.TASK_TOO_LONG, field="words"))
    return [*found, *_of_day(wanted.due_on, today), *_of_owner(wanted.owner_id, owners)]


def _of_day(due_on: date | None, today: date) -> list[RuleBroken]:
    why = rules.why_not_due(due_on, today=today) if due_on else words.TASK_DAY_MISSING
    return [RuleBroken(why, field="due_on")] if why else []


def _of_owner(owner_id: int, owners: list[tuple[int, str]]) -> list[RuleBroken]:
    if owner_id in dict(owners):
        return []
    return [RuleBroken(words.OWNER_MAY_NOT if owner_id else words.CHOOSE_OWNER, field="owner")]


def make(
    session: Session,
    *,
    resident_id: int,
    organisation_id: int,
    form_key: str,
    wanted: Wanted,
    now: datetime,
    today: date,
) -> bool:
    """Make a task. False where the same form was sent before. Raises RuleBroken at the first field that is wrong."""
    owners = owners_for(session, organisation_id=organisation_id, resident_id=resident_id)
    for broken in whats_against(wanted, owners=owners, today=today):
        raise broken
    made = session.execute(
        insert_into(session, CaseTask)
        .values(
            key=f"own {form_key}", kind="own", organisation_id=organisation_id, owner_id=wanted.owner_id, resident_id=resident_id,
            words=one_line(wanted.words), due_on=wanted.due_on, made_at=now,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(CaseTask.id)
    )  # fmt: skip
    return made.first() is not None


def end(session: Session, *, task: CaseTask, how: str, staff_id: int, now: datetime) -> None:
    """It is done, in one of the ways. Raises RuleBroken for an unknown way, and where somebody was quicker."""
    if how not in words.TASK_CHOICES:
        raise RuleBroken(words.CHOOSE_HOW, field="how")
    _change(session, _still_open(task).values(done_at=now, done_how=how, done_by_id=staff_id))


def move(session: Session, *, task: CaseTask, due_on: date | None, today: date) -> None:
    """Another day. Raises RuleBroken for a day that cannot be, and where the task is done already."""
    for broken in _of_day(due_on, today):
        raise broken
    _change(session, _still_open(task).values(due_on=due_on))


def give(session: Session, *, task: CaseTask, owner_id: int) -> None:
    """Another owner, who may open the person. Raises RuleBroken for anybody else, and where the task is done already."""
    owners = (
        owners_for(session, organisation_id=task.organisation_id, resident_id=task.resident_id)
        if task.resident_id is not None
        else []
    )
    for broken in _of_owner(owner_id, owners):
        raise broken
    _change(session, _still_open(task).values(owner_id=owner_id))


def _still_open(task: CaseTask) -> Update:
    return update(CaseTask).where(CaseTask.id == task.id, CaseTask.done_at.is_(None))


def _change(session: Session, statement: Update) -> None:
    if rows_changed(session, statement) != 1:
        raise RuleBroken(words.TASK_DONE_ALREADY)
