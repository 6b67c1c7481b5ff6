"""What a partner without an account sees: a button behind their link, then what the person agreed to share, and answers.

Opening the link shows nothing and changes nothing: programs that read mail open links too. Of every link, known or not,
that page is alike. Each answer that shows somebody writes one row of the record.
"""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from inclusion_app.core import attempts, audit
from inclusion_app.core.access import ANYONE, shows_nobody, shows_of
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_referral_forms as forms
from inclusion_app.referrals import staff_referral_queries as queries
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services import machine, partners
from inclusion_app.referrals.staff_referral_views import READS, done_words, is_whole, words_for_pages
from inclusion_app.referrals.views import room

LONGEST_TOKEN = 100
# Who it is better for is chosen in the directory, which a partner does not see; and a link ends with its referral.
NOT_BY_LINK = frozenset({"reroute", "reopen"})
PARTNER = "partner"


def _page(name: str, status: int = 200, **more: Any) -> Response:
    """A page for somebody who is no visitor of the service: in no list of a search engine, and in English."""
    answer = make_response(render_template(f"referrals/staff/{name}", **more), status)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer


def _over() -> Response:
    """The same for a link that is unknown, over, ended, or of what is shared no more."""
    shows_nobody()
    return _page("partner_over.html", 422, token=_token(), form=BaseForm(), is_asked=False)


def _token() -> str:
    return str((request.view_args or {}).get("token", ""))[:LONGEST_TOKEN]


@room.page("/p/<token>", allow=ANYONE, methods=("GET", "POST"), reads=READS, localised=False)
def partner(token: str) -> Any:
    """A button; pressed, what is shared and what can be answered."""
    if request.method != "POST":
        shows_nobody()
        return _page("partner.html", token=_token(), form=BaseForm())
    opened = partners.opened_by(db_session(), token=token[:LONGEST_TOKEN], now=now())
    return _opened(opened) if opened is not None else _over()


def _opened(one: Referral, failed: tuple[str, forms.ActForm] | None = None, done: str = "") -> Response:
    session = db_session()
    person = queries.person_by_link(session, one)
    public = queries.public_of(session, one.id) if one.resident_id is None else None
    notes = queries.notes_by_link(session, one)
    shows_of(
        one.resident_id, kind=PARTNER, actor_id=None, instead=True, organisation_id=one.organisation_id,
        items=(*(person.parts if person else ()), *(("notes",) if notes else ()), "referral"),
    )  # fmt: skip
    can = rules.acts_of(rules.RECEIVER, is_recorded=one.resident_id is not None, **machine.stands(one))
    form = failed[1] if failed else None
    return _page(
        "partner_open.html",
        422 if form is not None and (form.errors or form.form_errors) else 200,
        one=one,
        person=person,
        public=public,
        sender=queries.name_of_organisation(session, one.sender_id),
        said=queries.words_said(session, one.id),
        notes=notes,
        side=rules.RECEIVER,
        form=form,
        failed=failed[0] if failed else "",
        done=done,
        act_forms={
            action: failed[1] if failed and failed[0] == action else forms.form_for(action)
            for action in can
            if action in forms.FORMS and action not in NOT_BY_LINK
        },
        act_url=lambda action: url_for("referrals.partner_act", token=_token(), action=action),
        **words_for_pages(),
    )


@room.page("/p/<token>/<action>", allow=ANYONE, methods=("GET", "POST"), reads=READS, localised=False)
def partner_act(token: str, action: str) -> Any:
    """Answer by the link, as whoever received it: by the same rules as everybody, and with the same refusals.

    Loaded anew after a refusal it leads back to the button, whatever the link is.
    """
    if request.method != "POST":
        return redirect(url_for("referrals.partner", token=_token()), 303)
    session, moment = db_session(), now()
    one = partners.opened_by(session, token=token[:LONGEST_TOKEN], now=moment)
    if one is None or action not in forms.FORMS or action in NOT_BY_LINK:
        return _over()
    number = one.id
    form = forms.form_for(action)
    said = form.said()
    actor = rules.speaks_as(rules.RECEIVER, action, is_recorded=one.resident_id is not None)
    can = rules.leads_to(actor=actor, action=action, **machine.stands(one))
    try:
        if can is None and _was_pressed_twice(one, action):
            said_before = action == "acknowledge"
            return _opened(one, done=words.SEEN_ALREADY if said_before else _done(one, action))
        if can is None or is_whole(session, one, action, form, said, moment):
            machine.act(session, referral=one, actor=actor, action=action, said=said, now=moment)
            audit.record(
                session, at=moment, actor_kind=PARTNER, actor_id=None, organisation_id=one.organisation_id,
                action=f"{action} referral", purpose="help", resident_id=one.resident_id, items=("referral",),
            )  # fmt: skip
            if one.status not in rules.OPEN:
                shows_nobody()
                return _page("partner_done.html", number=number, done=_done(one, action))
            return _opened(one, done=_done(one, action))
    except RuleBroken as broken:
        session.rollback()
        # A partner reads that somebody was quicker, but no name of the staff.
        named = broken.message == machine.SOMEBODY_WAS_QUICKER
        form.refuse(RuleBroken(CHANGED_ALREADY) if named else broken)
    fresh = partners.opened_by(session, token=token[:LONGEST_TOKEN], now=moment)
    return _opened(fresh, (action, form)) if fresh is not None else _over()


def _done(one: Referral, action: str) -> str:
    """What a partner reads after it (N_)."""
    return done_words(one, action, words.PARTNER_DONE)


def _was_pressed_twice(one: Referral, action: str) -> bool:
    """The last thing done to it is what they ask for now, and it was done by a link."""
    last = queries.last_change(db_session(), one.id)
    if last is None or last.actor != rules.RECEIVER:
        return False
    return rules.is_done(
        actor=rules.RECEIVER, action=action, before=last.before, after=last.after, mode=one.mode
    )


@room.page("/p/<token>/fresh", allow=ANYONE, methods=("POST",), localised=False)
def partner_fresh(token: str) -> Any:
    """A new link by mail to the address of the service. Of every link, known or not, the answer is the same."""
    session, moment = db_session(), now()
    network = keyed_hash("attempt-partner-network", attempts.network_of(request.remote_addr))
    of_link = keyed_hash("attempt-partner-fresh", token[:LONGEST_TOKEN])
    if attempts.claim(session, key_hash=network, limit=attempts.LINK_NETWORK, now=moment) and attempts.claim(
        session, key_hash=of_link, limit=attempts.LINK_CODE, now=moment
    ):
        partners.ask_anew(session, token=token[:LONGEST_TOKEN], now=moment)
    return redirect(url_for("referrals.partner_asked"), 303)


@room.page("/p/asked", allow=ANYONE, localised=False)
def partner_asked() -> Any:
    """What was asked for is on its way, if there is anything to answer still."""
    return _page("partner_over.html", token="", form=BaseForm(), is_asked=True)
