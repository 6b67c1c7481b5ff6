"""What came in by the public form: who sent it and for whom, putting it on a record, and the message back to print."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people import naming
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_message_back as back
from inclusion_app.referrals.models import PublicReferral, Referral
from inclusion_app.referrals.services import public
from inclusion_app.referrals.staff_public_forms import RecordForm
from inclusion_app.referrals.staff_public_words import FROM_WHOM
from inclusion_app.referrals.views import room

ONE = "/staff/referrals/<int(max=999999999):referral_id>"
IS_ON_RECORD = N_("It is on their record now.")
NOT_SHARING = N_("They share nothing with you yet. Put them on your caseload first.")


def public_facts(referral: Referral) -> PublicReferral | None:
    """Who filled in the public form, and for whom: for who receives it, while it is live. None for any other referral."""
    if referral.status not in rules.OPEN or referral.sender_id is not None:
        return None
    if not policy.RECEIVE.grants(the_staff(), referral):
        return None
    return db_session().get(PublicReferral, referral.id)


@room.context_processor
def words() -> dict[str, Any]:
    """What the box of a public referral asks for (templates/referrals/staff/_public.html)."""
    return {"public_facts": public_facts, "public_from": FROM_WHOM}


def _received(referral_id: int) -> Referral | None:
    """One that came in by the public form and stands on no record yet."""
    wanted = select(Referral).where(
        Referral.id == referral_id, Referral.sender_id.is_(None), Referral.resident_id.is_(None),
        policy.REFERRALS.rows("referral.receive", the_staff()),
    )  # fmt: skip
    return db_session().scalar(wanted)


@room.page(f"{ONE}/person", allow=policy.RECEIVE, load=_received, methods=("GET", "POST"),
           reads=("referral",), localised=False)  # fmt: skip
def put_on_record(referral: Referral) -> Any:
    """Whose record it belongs to, once somebody has met them."""
    principal, number, moment = the_staff(), referral.id, now()
    form = RecordForm()
    form.offer(people_queries.people_of(db_session(), principal, mine=True))
    if request.method == "POST" and form.validate():
        try:
            return _put(form, number)
        except RuleBroken as broken:
            db_session().rollback()
            form.refuse(broken)
    found = _received(number)
    if found is None:
        return redirect(url_for("referrals.put_on_record", referral_id=number), 303)
    page = render_template("referrals/staff/put_on_record.html", form=form, referral=found, now=moment)
    return page, 422 if form.errors or form.form_errors else 200


def _put(form: RecordForm, number: int) -> Any:
    principal, moment = the_staff(), now()
    chosen, typed = form.resident.data, (form.person.data or "").strip()
    if typed:
        # Tries of a code are counted before this request's own transaction begins.
        db_session().rollback()
        chosen = naming.number_of(
            typed, principal=principal, address=request.remote_addr, now=moment, by_number=False
        )
    session = db_session()
    referral, resident = (
        _received(number),
        people_queries.resident_for(session, principal, chosen, "resident.open"),
    )
    if referral is None:
        raise RuleBroken(CHANGED_ALREADY)
    if resident is None:
        raise RuleBroken(NOT_SHARING, field="person" if typed else "resident")
    items = tuple(form.items.data or ())
    public.put_on_record(
        session, referral=referral, resident=resident, items=items, language=form.language.data or "en",
        actor=principal, now=moment,
    )  # fmt: skip
    record_act(
        session, principal, action="put a referral on a record", resident_id=resident.id, items=items, now=moment
    )  # fmt: skip
    flash(IS_ON_RECORD)
    return redirect(url_for("people.person", resident_id=resident.id), 303)


# --- the message back


def _followed(referral_id: int) -> Referral | None:
    wanted = select(Referral).where(
        Referral.id == referral_id, Referral.mode != "signposted", Referral.status != "draft",
        policy.REFERRALS.rows("referral.follow", the_staff()),
    )  # fmt: skip
    return db_session().scalar(wanted)


def _name_of(referral: Referral) -> str:
    """The name of the person, for who may see it now; empty is a line to write it on by hand."""
    session, principal = db_session(), the_staff()
    facts = public_facts(referral)
    if facts is not None and referral.resident_id is None:
        return facts.about_name
    if referral.resident_id is None:
        return ""
    seen: Resident | None = session.scalar(
        select(Resident).where(
            Resident.id == referral.resident_id, people_policy.TABLE.rows("resident.identity", principal)
        )
    )
    if seen is None:
        return ""
    shows_person(seen.id, "identity", "referral")
    return seen.name or ""


@room.page(f"{ONE}/message-back", allow=policy.FOLLOW, load=_followed, reads=("referral",), localised=False)
def message_back(referral: Referral) -> Any:
    """What became of it, for the GP's or another referrer's record: to print, without any fact of health."""
    lines = back.lines(referral, name=_name_of(referral), today=now())
    return render_template("referrals/staff/message_back.html", referral=referral, lines=lines)


@room.page(
    f"{ONE}/message-back.txt", allow=policy.FOLLOW, load=_followed, reads=("referral",), localised=False
)
def message_back_text(referral: Referral) -> Any:
    """The same as plain text, to copy into a letter or a record."""
    answer = make_response(back.text(back.lines(referral, name=_name_of(referral), today=now())))
    answer.mimetype = "text/plain"
    answer.headers["Content-Disposition"] = f"attachment; filename=referral-{referral.id}.txt"
    return answer
