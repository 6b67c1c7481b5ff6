"""Tasks of a case: make one; end it, move it, give it to a colleague. What the service asks for says what to do."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from inclusion_app.accounts.models import Staff
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import policy as people_policy
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_forms as forms
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals import staff_refer_queries as refer_queries
from inclusion_app.referrals.models import CaseTask, Referral
from inclusion_app.referrals.services import staff_tasks
from inclusion_app.referrals.staff_case_views import PERSON, name_for, to_read, to_write
from inclusion_app.referrals.views import room

DOES = ("end", "move", "give")
TASK = "/staff/tasks/<int(max=999999999):task_id>"


@room.page(f"{PERSON}/tasks/new", allow=policy.WRITE_CASE, load=to_write, methods=("GET", "POST"),
           reads=("identity",), localised=False)  # fmt: skip
def new_task(resident: Resident) -> Any:
    """Something to do for a person: by when, and by whom."""
    session, principal, number = db_session(), the_staff(), resident.id
    owners = staff_tasks.owners_for(session, organisation_id=principal.organisation_id, resident_id=number)
    form = forms.TaskForm(owners=owners)
    if request.method == "POST":
        form.validate()
        found = staff_tasks.whats_against(form.wanted(), owners=owners, today=today())
        if not form.refuse_all([one for one in found if not form.errors.get(one.field or "")]):
            is_new = staff_tasks.make(
                session, resident_id=number, organisation_id=principal.organisation_id or 0,
                form_key=form.key_of(principal.staff_id), wanted=form.wanted(), now=now(), today=today(),
            )  # fmt: skip
            if is_new:
                record_act(
                    session, principal, action="make task", resident_id=number, items=("tasks",), now=now()
                )
            flash(words.TASK_MADE)
            return redirect(url_for("referrals.case", resident_id=number), 303)
    shows_person(number, "identity")
    page = render_template(
        "referrals/staff/task_new.html", form=form, resident_id=number, name=name_for(resident)
    )
    return page, 422 if form.errors or form.form_errors else 200


def the_task(task_id: int) -> CaseTask | None:
    """A task of this organisation that this person may do; None for a miss, whatever the reason."""
    rows = policy.TASKS.rows("task.work", the_staff())
    return db_session().query(CaseTask).where(CaseTask.id == task_id, rows).one_or_none()


@room.page(
    TASK, allow=policy.WORK_TASK, load=the_task, methods=("GET", "POST"), reads=("tasks",), localised=False
)
def task(row: CaseTask) -> Any:
    """One task: what it is, what to do, and how it ends."""
    session = db_session()
    about = to_read(row.resident_id) if row.resident_id is not None else None
    owners = (
        staff_tasks.owners_for(session, organisation_id=row.organisation_id, resident_id=row.resident_id)
        if about is not None and row.resident_id is not None
        else []
    )
    do = request.form.get("do", "") if request.method == "POST" else ""
    # Only the form whose button was pressed reads what was sent.
    others = {name: {} if name == do else {"formdata": None} for name in DOES}
    ending = forms.EndTaskForm(**others["end"])
    moving = forms.MoveTaskForm(**others["move"])
    giving = forms.GiveTaskForm(owners=[one for one in owners if one[0] != row.owner_id], **others["give"])
    wrong: Any = ending
    may_change = policy.TASKS.allows(session, "task.change", the_staff(), row.id)
    if request.method == "POST":
        if not may_change:
            abort(404)
        if do not in DOES:
            abort(400)
        wrong = {"end": ending, "move": moving, "give": giving}[do]
        if wrong.validate() and _do(row, do, ending, moving, giving, wrong):
            return _back(row)
    if do != "move":
        moving.show(row)
    if row.resident_id is not None:
        shows_person(row.resident_id, "tasks")
    page = render_template(
        "referrals/staff/task.html",
        form=wrong,
        task=row,
        said=row.words if policy.TASKS.allows(session, "task.words", the_staff(), row.id) else "",
        parent=_parent(row),
        ending=ending,
        moving=moving,
        giving=giving,
        may_change=may_change,
        has_colleagues=len(giving.owner.choices) > 1,
        resident_id=about.id if about is not None else None,
        name=name_for(about) if about is not None else "",
        owner=session.get(Staff, row.owner_id) if row.owner_id else None,
        may_refer=row.resident_id is not None
        and policy.REFER.may_at_all(the_staff())
        and refer_queries.person_for(session, the_staff(), row.resident_id) is not None,
        may_sit_beside=row.resident_id is not None
        and people_policy.TABLE.allows(session, "resident.edit", the_staff(), row.resident_id),
        may_read_referral=_may_read_referral(row),
        ends_with_referral=_ends_with_referral(row),
        is_public=_is_public(row),
        kinds=rules.TASK_KINDS,
        how=words.TASK_DONE.get(row.done_how or "", ""),
    )
    return page, 422 if wrong.errors or wrong.form_errors else 200


def _ends_with_referral(row: CaseTask) -> bool:
    """It asks whether somebody was helped, and who ends it may write that down at the referral, which ends it."""
    return row.kind == "find_out" and _may_read_referral(row)


def _may_read_referral(row: CaseTask) -> bool:
    """The referral it belongs to opens for whoever reads it."""
    return row.referral_id is not None and policy.REFERRALS.allows(
        db_session(), "referral.follow", the_staff(), row.referral_id
    )


def _is_public(row: CaseTask) -> bool:
    """It follows a referral by the public form, of somebody who stands on no record: nobody here may know who that was."""
    if row.referral_id is None or row.resident_id is not None:
        return False
    referral = db_session().get(Referral, row.referral_id)
    return referral is not None and referral.sender_id is None


def _parent(row: CaseTask) -> int | None:
    """The referral for which another way is looked for, where one may be looked for from it."""
    if row.referral_id is None or row.resident_id is None:
        return None
    found = refer_queries.parent_for(db_session(), the_staff(), row.referral_id, resident_id=row.resident_id)
    return found.id if found is not None else None


def _do(
    row: CaseTask,
    do: str,
    ending: forms.EndTaskForm,
    moving: forms.MoveTaskForm,
    giving: forms.GiveTaskForm,
    wrong: Any,
) -> bool:
    session, principal = db_session(), the_staff()
    try:
        if do == "end" and _ends_with_referral(row) and row.done_at is None:
            raise RuleBroken(words.SAY_AT_REFERRAL, field="how")
        if do == "end":
            staff_tasks.end(
                session, task=row, how=ending.how.data or "", staff_id=principal.staff_id or 0, now=now()
            )
        elif do == "move":
            staff_tasks.move(session, task=row, due_on=moving.due_on.data, today=today())
        else:
            staff_tasks.give(session, task=row, owner_id=giving.owner.data or 0)
    except RuleBroken as broken:
        wrong.refuse(broken)
        return False
    record_act(
        session, principal, action=f"{do} task", resident_id=row.resident_id, items=("tasks",), now=now()
    )
    flash({"end": words.TASK_ENDED, "move": words.TASK_MOVED, "give": words.TASK_GIVEN}[do])
    return True


def _back(row: CaseTask) -> Any:
    """To the case of the person, where it is still open to us, else home."""
    if row.resident_id is not None and to_read(row.resident_id) is not None:
        return redirect(url_for("referrals.case", resident_id=row.resident_id), 303)
    return redirect(url_for("accounts.home"), 303)
