"""A resident's own page of their referrals: to whom, how it stands, what is shared; and to take one back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select

from inclusion_app.core.access import current_principal, permission
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.words import N_
from inclusion_app.people import services as people
from inclusion_app.people.rules import ITEM_WORDS
from inclusion_app.referrals import rules
from inclusion_app.referrals.holding import referrals_of, state_for_resident
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services import machine
from inclusion_app.referrals.views import room

# With the code alone nobody reads anything here.
OWN = permission("referral.own", "resident")
TAKEN_BACK = N_("You took it back. They see nothing of you any more.")


def items_of(referral: Referral) -> list[str]:
    """What its receiver may see of the person now; nothing once it has ended."""
    consent = referral.consent
    if referral.status not in rules.LIVE or consent is None:
        return []
    if consent.withdrawn_at is not None or consent.until_at <= now():
        return []
    return [item for item in rules.SHARED if item in {one.item for one in consent.items}]


@room.page("/my-record/referrals", allow=OWN, reads=("referrals",))
def my_referrals() -> Any:
    """Every referral in plain words, the live ones first, the newest of each on top."""
    found = list(reversed(referrals_of(db_session(), current_principal().resident_id or 0)))
    return render_template(
        "referrals/my_referrals.html",
        live=[(one, items_of(one)) for one in found if one.status in rules.LIVE],
        ended=[one for one in found if one.status not in rules.LIVE],
        state_words=state_for_resident,
        item_words=ITEM_WORDS,
    )


def _mine(referral_id: int) -> Referral | None:
    number = current_principal().resident_id
    if number is None:
        return None
    return db_session().scalar(
        select(Referral).where(Referral.id == referral_id, Referral.resident_id == number)
    )


@room.page(
    "/my-record/referrals/<int(max=999999999):referral_id>/take-back",
    allow=OWN,
    load=_mine,
    methods=("GET", "POST"),
    reads=("referrals",),
)
def take_back(referral: Referral) -> Any:
    """Asked once more, for it ends the help. From the receiver's next request on nothing of the person is seen."""
    form, session, moment = BaseForm(), db_session(), now()
    number, resident_id = referral.id, referral.resident_id or 0
    if referral.status not in rules.LIVE:
        return redirect(url_for("referrals.my_referrals"), 303)
    if request.method == "POST":
        try:
            machine.act(session, referral=referral, actor=rules.RESIDENT, action="withdraw", now=moment)
            people.note(session, resident_id, "withdraw referral", ("referrals",), moment)
            flash(TAKEN_BACK)
            return redirect(url_for("referrals.my_referrals"), 303)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    page = render_template("referrals/take_back.html", form=form, referral=session.get_one(Referral, number))
    return page, 422 if form.errors or form.form_errors else 200
