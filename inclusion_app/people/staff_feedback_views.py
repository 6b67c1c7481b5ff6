"""Complaints, thanks and corrections: read and answered by a named person of the staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core import i18n, registry
from inclusion_app.core.access import Principal, Room, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import feedback_services as services
from inclusion_app.people.feedback_policy import ANSWER, TABLE
from inclusion_app.people.models import Feedback
from inclusion_app.people.views import room as people_room

room: Room = people_room
ON_A_PAGE = 20
KINDS = {"complaint": N_("Complaint"), "thanks": N_("Thanks"), "correction": N_("Correction")}
registry.add_to_menu(registry.StaffLink("people.feedback", N_("Complaints and thanks"), ANSWER, 21))


class AnswerForm(BaseForm):
    """The answer to one message."""

    answer = TextAreaField(_l("Your answer"))


@room.page("/staff/feedback", allow=ANSWER, localised=False)
def feedback() -> Any:
    """What may be answered by whoever asks: those that wait first. No word of anybody is shown here."""
    session, mine = db_session(), TABLE.rows("feedback.answer", the_staff())
    total = session.scalar(select(func.count(Feedback.id)).where(mine)) or 0
    page = page_number(total, ON_A_PAGE)
    rows = session.execute(
        select(Feedback, Staff.name)
        .outerjoin(Staff, Staff.id == Feedback.owner_id)
        .where(mine)
        .order_by(Feedback.answered_at.is_not(None), Feedback.id.desc())
        .offset((page - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    ).all()
    return render_template(
        "people/staff/feedback.html", rows=rows, kinds=KINDS, total=total, page=page, more=page * ON_A_PAGE < total
    )  # fmt: skip


def one(feedback_id: int) -> Feedback | None:
    """The message of this number, when whoever asks may answer it; else None."""
    return db_session().scalar(
        select(Feedback).where(Feedback.id == feedback_id, TABLE.rows("feedback.answer", the_staff()))
    )


@room.page(
    "/staff/feedback/<int(max=999999999):feedback_id>", allow=ANSWER, load=one, localised=False, methods=("GET", "POST"),
    reads=("feedback",),
)  # fmt: skip
def feedback_one(row: Feedback) -> Any:
    """The words of one message; take it, answer it, give it back."""
    form = AnswerForm()
    if request.method == "POST":
        try:
            return _change(row, form)
        except RuleBroken as broken:
            form.refuse(broken)
    session = db_session()
    owner = session.get(Staff, row.owner_id) if row.owner_id else None
    shows_person(row.resident_id, "feedback", purpose="feedback")
    page = render_template(
        "people/staff/feedback_one.html", form=form, row=row, kinds=KINDS, owner=owner.name if owner else "",
        tongue=i18n.known(row.language),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _change(row: Feedback, form: AnswerForm) -> Any:
    session, principal, moment, do = db_session(), the_staff(), now(), request.form.get("do")
    if do == "take":
        services.take_feedback(session, principal=principal, feedback=row, now=moment)
    elif do == "back":
        services.give_back_feedback(session, principal=principal, feedback=row, now=moment)
    elif do == "answer":
        link = url_for("people.my_record", language=row.language, _external=True)
        services.answer_feedback(
            session, principal=principal, feedback=row, words=form.answer.data or "", link=link, now=moment
        )
        flash(N_("Your answer is sent."))
        return redirect(url_for("people.feedback"), 303)
    else:
        raise RuleBroken(N_("Choose one of the buttons on this page."))
    return redirect(url_for("people.feedback_one", feedback_id=row.id), 303)


def waiting(session: Session, principal: Principal, _moment: datetime) -> Sequence[registry.WaitingItem]:
    """What waits for this person: what nobody took, and what they took themselves."""
    if not ANSWER.may_at_all(principal):
        return []
    open_ = (TABLE.rows("feedback.answer", principal), Feedback.answered_at.is_(None))
    found = []
    # Who took it and does not answer there any more answers nobody: it waits for the others again.
    still_answers = exists().where(
        Membership.staff_id == Feedback.owner_id,
        Staff.id == Membership.staff_id,
        Membership.role.in_(TABLE.grid["feedback.answer"]),
        or_(Membership.role == "data_protection", Membership.organisation_id == Feedback.organisation_id),
        Membership.until_at.is_(None),
        Staff.left_at.is_(None),
    )
    for whose, words in (
        (or_(Feedback.owner_id.is_(None), ~still_answers), "free"),
        (Feedback.owner_id == principal.staff_id, "own"),
    ):
        count, since = session.execute(
            select(func.count(Feedback.id), func.min(Feedback.made_at)).where(*open_, whose)
        ).one()
        if not count:
            continue
        said = _free_words(count) if words == "free" else _own_words(count)
        found.append(registry.WaitingItem(said, url_for("people.feedback"), since))
    return found


def _free_words(count: int) -> str:
    return ngettext(
        "%(num)d complaint or thanks waits for somebody",
        "%(num)d complaints or thanks wait for somebody",
        count,
    )


def _own_words(count: int) -> str:
    return ngettext(
        "%(num)d complaint or thanks waits for your answer",
        "%(num)d complaints or thanks wait for your answer",
        count,
    )


registry.wait_for(waiting)
