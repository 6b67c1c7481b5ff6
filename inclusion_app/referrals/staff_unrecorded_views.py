"""Refer somebody who has no record with us: what they said of themself, with their spoken yes. And tasks of whoever refers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, RadioField, StringField, TextAreaField

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import Principal, record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import OnceForm
from inclusion_app.core.words import N_
from inclusion_app.people.choice_fields import FromList, words_of
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_directory_queries as directory
from inclusion_app.referrals.models import CaseTask, CityService
from inclusion_app.referrals.services import unrecorded
from inclusion_app.referrals.staff_directory_views import words_for_pages
from inclusion_app.referrals.staff_refer_forms import KEY_LENGTH
from inclusion_app.referrals.views import room

SENT = N_("It is sent. Here you see how it stands.")
SAY_LANGUAGE = N_("Choose the language they want to be contacted in.")
# What the person is told before they say yes. Without a record there is no press that ends it: who sent it takes it back.
ALOUD = (
    rules.GOES_TO,
    N_("They get your name, how to reach you and what you need. Nothing else."),
    N_("They may use it only to help you with this. When it ends, they see no more."),
    N_("Do you change your mind? Tell me or tell them, and it is taken back."),
    N_("You get the same help here if you say no."),
)
TASKS_SHOWN = 10


class UnrecordedForm(OnceForm):
    """Whom it is for, how to reach them, what they need, and their yes. Nothing is chosen beforehand."""

    name = StringField(_l("Their name"))
    contact = StringField(_l("How to reach them"))
    language = FromList(_l("Which language do they want to be contacted in?"), choices=[])
    why = TextAreaField(_l("What do they need?"))
    urgency = RadioField(_l("How urgent is it?"), choices=[], validate_choice=False)
    consent = BooleanField(_l("I read it to them, and they said yes"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.urgency.choices = words_of(rules.URGENCIES)
        self.language.choices = [
            ("", _l("Choose")),
            *((one.slug, one.english_name) for one in i18n.released()),
        ]

    def wanted(self, *, staff_id: int | None) -> unrecorded.Wanted:
        """What was typed, under a key of this form and of whoever filled it in."""
        return unrecorded.Wanted(
            form_key=f"unrecorded {staff_id} {(self.once.data or '')[:KEY_LENGTH]}",
            name=self.name.data or "", contact=self.contact.data or "",
            why=(self.why.data or "").replace("\r\n", "\n"), urgency=self.urgency.data or "",
            language=self.language.data or "", has_yes=bool(self.consent.data),
        )  # fmt: skip


def _service(listed_id: int) -> CityService | None:
    return directory.service_for(db_session(), the_staff(), listed_id, "service.look")


@room.page(
    "/staff/services/<int(max=999999999):listed_id>/refer", allow=policy.REFER, load=_service, methods=("GET", "POST"),
    localised=False,
)  # fmt: skip
def refer_without_record(service: CityService) -> Any:
    """Send somebody without a record: all that is wrong is said at once, and nothing typed is lost."""
    session, principal, moment = db_session(), the_staff(), now()
    sender_id, form = principal.organisation_id or 0, UnrecordedForm()
    if request.method == "POST":
        wanted = form.wanted(staff_id=principal.staff_id)
        try:
            known = unrecorded.sent_by(
                session, service=service, sender_id=sender_id, form_key=wanted.form_key
            )
            if known is not None:
                return redirect(url_for("referrals.referral", referral_id=known.id), 303)
            form.validate()
            broken = unrecorded.whats_against(service=service, sender_id=sender_id, wanted=wanted)
            if not wanted.language:
                broken.append(RuleBroken(SAY_LANGUAGE, field="language"))
            for one in broken:
                if not form.errors.get(one.field or ""):
                    form.refuse(one)
            if not (form.errors or form.form_errors):
                sent = unrecorded.refer(
                    session, service=service, sender_id=sender_id, staff_id=principal.staff_id, wanted=wanted,
                    now=moment,
                )  # fmt: skip
                record_act(session, principal, action="refer a person", items=("referral",), now=moment)
                flash(SENT)
                return redirect(url_for("referrals.referral", referral_id=sent.id), 303)
        except RuleBroken as wrong:
            session.rollback()
            form.refuse(wrong)
    page = render_template(
        "referrals/staff/refer_without_record.html",
        form=form,
        service=service,
        # At the first look; afterwards it stands among the errors of the form.
        against=unrecorded.against_service(service=service, sender_id=sender_id)
        if request.method == "GET"
        else [],
        replies=directory.reply_days(session, [service.id], now=moment),
        ward_names=directory.ward_names(session, service.wards.split()),
        aloud=[_(line, organisation=service.organisation.name) for line in ALOUD],
        **words_for_pages(),
    )
    return page, 422 if form.errors or form.form_errors else 200


def _tasks_of_referrer(session: Session, principal: Principal, _now: datetime) -> list[registry.WaitingItem]:
    """A referrer keeps no caseload, where tasks stand else: what they have to do for whom they sent stands here."""
    if policy.REFERRER not in principal.roles or policy.WORKER in principal.roles:
        return []
    mine = select(CaseTask).where(
        CaseTask.owner_id == principal.staff_id,
        CaseTask.done_at.is_(None),
        policy.TASKS.rows("task.work", principal),
    )
    tasks = session.scalars(mine.order_by(CaseTask.due_on, CaseTask.id).limit(TASKS_SHOWN)).all()
    return [
        registry.WaitingItem(
            _("%(task)s, by %(day)s", task=_(rules.TASK_KINDS[one.kind]), day=i18n.day_words(one.due_on)),
            url_for("referrals.task", task_id=one.id),
            one.made_at,
        )
        for one in tasks
    ]


registry.wait_for(_tasks_of_referrer)
