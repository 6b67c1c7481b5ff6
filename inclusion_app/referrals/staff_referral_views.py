"""Pages of referrals for the staff: the list, one of them with what may be done now, and who looks after which."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import attempts, i18n, registry
from inclusion_app.core.access import Principal, StaffRight, record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import contact
from inclusion_app.people import rules as people_rules
from inclusion_app.people.consent_services import give_consent
from inclusion_app.people.staff_forms import language_name
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_refer_queries as refer_queries
from inclusion_app.referrals import staff_referral_forms as forms
from inclusion_app.referrals import staff_referral_queries as queries
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services import machine, owning, partners, sending
from inclusion_app.referrals.services.machine import Said
from inclusion_app.referrals.views import room

ONE = "/staff/referrals/<int(max=999999999):referral_id>"
READS = ("identity", "contact", "needs", "plan", "notes", "referral")
RIGHTS = {rules.RECEIVER: policy.RECEIVE, rules.SENDER: policy.SEND}
registry.add_to_menu(registry.StaffLink("referrals.referrals", N_("Referrals"), policy.FOLLOW, 14))
# Whoever works on them finds this page in the list; an admin has no list.
registry.add_to_menu(
    registry.StaffLink("referrals.assign", N_("Who has which referral"), policy.SEE_COUNTS, 51)
)


# --- words


class ClockLine(NamedTuple):
    """What a clock says: a finished sentence, and whether it is late."""

    words: str
    is_late: bool


def moment_words(moment: datetime) -> str:
    """A day and a time of the wall, as somebody says them of a day not far off."""
    wall = i18n.local(moment)
    return f"{i18n.near_day_words(wall.date())} {i18n.clock_words(wall.time())}"


def clock_line(referral: Referral, side: str, moment: datetime) -> ClockLine | None:
    """What has to be done by when, as this side reads it; None where no clock runs."""
    if referral.status == "needs_info":
        return ClockLine(_(words.WAITS_FOR_SENDER if side == rules.RECEIVER else words.WAITS_FOR_YOU), False)
    clock = rules.CLOCK_OF.get(referral.status)
    if clock is None or referral.clock_due is None:
        return None
    is_late = referral.clock_due < moment
    if side == rules.RECEIVER:
        said = words.TO_DO_LATE if is_late else words.TO_DO
    else:
        said = words.THEY_DO_LATE if is_late else words.THEY_DO
    sentence = said[clock]
    return ClockLine(_(sentence, when=moment_words(referral.clock_due)), is_late)


def words_for_pages() -> dict[str, Any]:
    """Tables of words and the few verbs these pages need to say what they show."""
    return {
        "rules": rules,
        "words": words,
        "people_rules": people_rules,
        "clock_line": clock_line,
        "moment_words": moment_words,
        "language_name": language_name,
        "show_value": contact.show_value,
        "moment": now(),
    }


# --- the list


@room.page("/staff/referrals", allow=policy.FOLLOW, reads=("identity",), localised=False)
def referrals() -> Any:
    """What my organisation sent or received, what is due first standing first."""
    session, principal, moment = db_session(), the_staff(), now()
    receives = policy.RECEIVE.may_at_all(principal)
    chosen = _chosen(usual="received" if receives else "sent")
    total = queries.count_referrals(session, principal, chosen, moment)
    page = page_number(total, queries.ON_A_PAGE)
    form = forms.FilterForm()
    for name in ("which", "state", "owner", "due", "waits"):
        form[name].data = getattr(chosen, name)
    return render_template(
        "referrals/staff/referrals.html",
        filters=form,
        chosen=chosen,
        side=rules.RECEIVER if chosen.which == "received" else rules.SENDER,
        lines=queries.referrals_of(session, principal, chosen, page=page, now=moment),
        total=total,
        page=page,
        pages=max(1, -(-total // queries.ON_A_PAGE)),
        kept={name: getattr(chosen, name) for name in ("which", "state", "owner", "due", "waits")},
        may_assign=policy.ASSIGN.may_at_all(principal),
        may_count=policy.FIGURES.may_at_all(principal),
        **words_for_pages(),
    )


def _chosen(*, usual: str) -> queries.Filters:
    """The filters of the address; what is none of them is the usual one."""
    asked = request.args
    known = {
        "which": (words.WHICH, usual), "state": (words.STATES, "live"), "owner": (words.OWNERS, "all"),
        "due": (words.DUE, "all"), "waits": (words.WAITS, "all"),
    }  # fmt: skip
    picked = {
        name: asked[name] if asked.get(name, "") in table else first for name, (table, first) in known.items()
    }
    return queries.Filters(**picked)


# --- one


def the_referral(referral_id: int) -> Referral | None:
    """One referral of which this member of staff may see at least the line."""
    return queries.referral_for(db_session(), the_staff(), referral_id)


@room.page(ONE, allow=policy.FOLLOW, load=the_referral, reads=READS, localised=False)
def referral(one: Referral) -> Any:
    """One referral: how it stands, what is shared, what was said, and what this person may do with it now."""
    return _page(one)


def actions_now(principal: Principal, one: Referral) -> list[tuple[str, str]]:
    """What this person may do now: as whom, and what, in the order of the rules."""
    side = queries.side_of(principal, one)
    can = rules.acts_of(side, is_recorded=one.resident_id is not None, **machine.stands(one))
    acts, reopens = RIGHTS[side].grants(principal, one), policy.REOPEN.grants(principal, one)
    return [
        (side, action)
        for action in can
        if action in forms.FORMS and (reopens if action == "reopen" else acts)
    ]


def _page(one: Referral, failed: tuple[str, forms.ActForm] | None = None, owner_form: Any = None) -> Any:
    session, principal = db_session(), the_staff()
    side = queries.side_of(principal, one)
    form = failed[1] if failed else owner_form
    status = 422 if form is not None and (form.errors or form.form_errors) else 200
    actions = [action for _side, action in actions_now(principal, one)]
    common = {
        "one": one,
        "side": side,
        "form": form,
        "failed": failed[0] if failed else "",
        "sender": queries.name_of_organisation(session, one.sender_id),
        "act_forms": {
            action: failed[1] if failed and failed[0] == action else _form(session, one, action)
            for action in actions
        },
        "act_url": lambda action: url_for("referrals.act", referral_id=one.id, action=action),
        **words_for_pages(),
    }
    if not policy.READ.grants(principal, one):
        shows_person_of(one)
        return render_template("referrals/staff/referral_ended.html", **common), status
    person = queries.person_for(session, principal, one)
    notes = queries.notes_along(session, principal, one.id)
    public = queries.public_of(session, one.id) if one.resident_id is None else None
    shows_person_of(one, *(person.parts if person else ()), *(("notes",) if notes else ()))
    receives, sends = side == rules.RECEIVER, side == rules.SENDER
    is_open = one.status in rules.OPEN
    may_link = sends and is_open and policy.SEND.grants(principal, one)
    may_assign = receives and is_open and policy.ASSIGN.grants(principal, one)
    page = render_template(
        "referrals/staff/referral.html",
        person=person,
        public=public,
        shared=queries.items_shared(session, one),
        said=queries.words_said(session, one.id),
        turns=queries.turns_of(session, one),
        notes=notes,
        owner=queries.name_of_staff(session, one.owner_id),
        owner_form=(owner_form or _owner_form(session, one)) if may_assign else None,
        may_take=may_assign and one.owner_id != principal.staff_id and policy.RECEIVE.grants(principal, one),
        parent=_parent(session, principal, one) if sends else None,
        better=queries.service_named(session, one.better_id) if sends else None,
        tasks=queries.open_tasks(session, principal, one.id) if sends else [],
        links=queries.links_of(session, one.id) if may_link else [],
        may_link=may_link,
        sends_links=may_link and partners.address_of(one) is not None,
        **common,
    )  # fmt: skip
    return page, status


def _parent(session: Session, principal: Principal, one: Referral) -> Referral | None:
    """This one, where another way may be looked for after it."""
    if one.resident_id is None:
        return None
    return refer_queries.parent_for(session, principal, one.id, resident_id=one.resident_id)


def shows_person_of(one: Referral, *items: str) -> None:
    """What the row of this page says: the referral, and these items of the person, where there is one."""
    if one.resident_id is not None:
        shows_person(one.resident_id, *items, "referral")


def _form(session: Session, one: Referral, action: str) -> forms.ActForm:
    better = queries.better_services(session, one) if action == "reroute" else ()
    return forms.form_for(action, better=better, is_shared=one.resident_id is not None)


def the_referral_for(referral_id: int, action: str) -> Referral | None:
    """The same for something that is done to it; nothing where nobody ever does this."""
    return the_referral(referral_id) if action in forms.FORMS else None


@room.page(
    f"{ONE}/<action>", allow=policy.FOLLOW, load=the_referral_for, methods=("GET", "POST"), reads=READS, localised=False
)  # fmt: skip
def act(one: Referral) -> Any:
    """Do one thing to it: all that is missing is said at once, and whoever came second reads who was quicker.

    Loaded anew after a refusal it leads back to the referral.
    """
    if request.method != "POST":
        return _back_to(one.id)
    session, principal, moment = db_session(), the_staff(), now()
    action, number, side = str((request.view_args or {})["action"]), one.id, queries.side_of(the_staff(), one)
    right: StaffRight = policy.REOPEN if action == "reopen" else RIGHTS[side]
    # Who stands on no record says no to whoever talks to them.
    actor = rules.speaks_as(side, action, is_recorded=one.resident_id is not None)
    can = rules.leads_to(actor=actor, action=action, **machine.stands(one))
    if can is not None and not right.grants(principal, one):
        abort(404)
    form = _form(session, one, action)
    try:
        if can is None and action == "acknowledge" and _saw_it(session, principal, one):
            flash(words.SEEN_ALREADY)
            return _back_to(number)
        if can is None and _did_it_already(session, principal, one, actor, action):
            flash(done_words(one, action))
            return _back_to(number)
        said = form.said()
        if can is None or is_whole(session, one, action, form, said, moment):
            if action == "reopen":
                said = _with_new_yes(session, one, form, said, moment)
            machine.act(
                session,
                referral=one,
                actor=actor,
                action=action,
                staff_id=principal.staff_id,
                said=said,
                now=moment,
            )
            record_act(
                session, principal, action=f"{action} referral", resident_id=one.resident_id, items=("referral",),
                now=moment,
            )  # fmt: skip
            flash(done_words(one, action))
            return _back_to(number)
    except RuleBroken as broken:
        session.rollback()
        form.refuse(broken)
    # What was read before may be open no more: it is asked for anew.
    fresh = the_referral(number)
    if fresh is None:
        abort(404)
    return _page(fresh, (action, form))


def _back_to(number: int) -> Any:
    return redirect(url_for("referrals.referral", referral_id=number), 303)


def done_words(one: Referral, action: str, usual: Mapping[str, str] = words.DONE) -> str:
    """What is said after it (N_). It says that the person is told only where somebody tells them.

    Whoever may not know how to reach the person is not told to.
    """
    if one.resident_id is None:
        return words.DONE_UNRECORDED.get(action, usual[action])
    return words.ACCEPTED_UNREACHED if action == "accept" and not one.can_be_reached else usual[action]


def _saw_it(session: Session, principal: Principal, one: Referral) -> bool:
    """This very person said earlier that it was seen, whatever was done since."""
    return queries.has_turned(session, one.id, by=f"{rules.RECEIVER} {principal.staff_id}", to="acknowledged")


def _did_it_already(session: Session, principal: Principal, one: Referral, side: str, action: str) -> bool:
    """The button was pressed twice: the first press did it, and its answer was lost."""
    last = queries.last_change(session, one.id)
    if last is None or last.actor != f"{side} {principal.staff_id}":
        return False
    return rules.is_done(actor=side, action=action, before=last.before, after=last.after, mode=one.mode)


def is_whole(
    session: Session, one: Referral, action: str, form: forms.ActForm, said: Said, moment: datetime
) -> bool:
    """Whether nothing is missing or wrong; else each fault stands at its field, once."""
    form.validate()
    asks_yes = action == "reopen" and one.resident_id is not None
    broken = [
        fault
        for fault in machine.what_is_missing(session, one, action, said, now=moment)
        if fault.field != "consent"
    ]
    if asks_yes and isinstance(form, forms.ReopenForm):
        if not sending.LEAST & set(form.items.data or ()):
            broken.append(RuleBroken(sending.CHOOSE_ITEMS, field="items"))
        if form.how.data not in words.SAID_HOW:
            broken.append(RuleBroken(words.CHOOSE_HOW, field="how"))
        if not form.consent.data:
            broken.append(RuleBroken(sending.SAY_YES, field="consent"))
    for fault in broken:
        if fault.field not in form or not form[fault.field].errors:
            form.refuse(fault)
    return not (form.errors or form.form_errors)


def _with_new_yes(session: Session, one: Referral, form: forms.ActForm, said: Said, moment: datetime) -> Said:
    """What was shared has ended, so to open it again is a new sharing, to the same organisation."""
    if one.resident_id is None or not isinstance(form, forms.ReopenForm):
        return said
    yes = give_consent(
        session, resident_id=one.resident_id, organisation_id=one.organisation_id, items=form.items.data or (),
        purpose="other_help", how=str(form.how.data), language=one.language, now=moment, for_referral=True,
        told_staff_id=the_staff().staff_id,
    )  # fmt: skip
    return Said(words=said.words, reason=said.reason, consent_id=yes.id)


# --- links of a partner


def _sent_one(referral_id: int) -> Referral | None:
    return queries.referral_for(db_session(), the_staff(), referral_id, "referral.send")


@room.page(f"{ONE}/partner-link", allow=policy.SEND, load=_sent_one, methods=("GET", "POST"), localised=False)
def partner_link(one: Referral) -> Any:
    """The sender sends the partner a new link, which ends the old ones, or ends them all."""
    if request.method != "POST":
        return _back_to(one.id)
    session, principal, moment = db_session(), the_staff(), now()
    do = request.form.get("do")
    if do not in {"send", "end"}:
        abort(400)
    if do == "end":
        partners.end_links(session, referral_id=one.id, now=moment)
    elif not attempts.claim(
        session,
        key_hash=keyed_hash("attempt-partner-link", str(one.id)),
        limit=attempts.LINK_CODE,
        now=moment,
    ):
        raise RuleBroken(words.TOO_MANY_LINKS)
    elif not partners.send_anew(session, referral=one, now=moment):
        raise RuleBroken(words.NOBODY_TO_SEND)
    record_act(
        session,
        principal,
        action=f"{do} partner link",
        resident_id=one.resident_id,
        items=("referral",),
        now=moment,
    )
    flash(words.LINKS_ENDED if do == "end" else words.LINK_SENT)
    return _back_to(one.id)


# --- who looks after which


def _owner_form(session: Session, one: Referral) -> forms.OwnerForm:
    return forms.OwnerForm(owning.who_can_own(session, one.organisation_id), prefix=f"r{one.id}-")


@room.page("/staff/referrals/assign", allow=policy.ASSIGN, localised=False)
def assign() -> Any:
    """Numbers, states and clocks, and who looks after which. Nobody who is referred is named, and no page opens."""
    return _assign_page()


def _assign_page(failed: tuple[int, forms.OwnerForm] | None = None) -> Any:
    session, principal = db_session(), the_staff()
    total = queries.count_assignable(session, principal)
    page = page_number(total, queries.ON_A_PAGE)
    people = owning.who_can_own(session, principal.organisation_id)
    form = failed[1] if failed else None
    answer = render_template(
        "referrals/staff/referral_assign.html",
        owned=[
            (line, failed[1] if failed and failed[0] == line.referral.id
             else forms.OwnerForm(people, prefix=f"r{line.referral.id}-"))
            for line in queries.assignable(session, principal, page=page)
        ],
        unanswered=queries.unanswered(session, principal) if _hears_of_lapses(principal) else [],
        total=total, page=page, pages=max(1, -(-total // queries.ON_A_PAGE)), form=form,
        may_follow=policy.FOLLOW.may_at_all(principal),
        **words_for_pages(),
    )  # fmt: skip
    return answer, 422 if form is not None and (form.errors or form.form_errors) else 200


def _to_assign(referral_id: int) -> Referral | None:
    one = queries.referral_for(db_session(), the_staff(), referral_id, "referral.assign")
    return one if one is not None and queries.side_of(the_staff(), one) == rules.RECEIVER else None


@room.page(
    f"{ONE}/owner",
    allow=policy.ASSIGN,
    load=_to_assign,
    methods=("GET", "POST"),
    reads=READS,
    localised=False,
)
def give_owner(one: Referral) -> Any:
    """Say who looks after it; `me` is the button of whoever takes it themself. A refusal stays on the page it came from."""
    if request.method != "POST":
        return (
            _back_to(one.id)
            if policy.FOLLOW.grants(the_staff(), one)
            else redirect(url_for("referrals.assign"), 303)
        )
    session, principal, moment, number = db_session(), the_staff(), now(), one.id
    form = _owner_form(session, one)
    takes = request.form.get("do") == "take" and policy.RECEIVE.grants(principal, one)
    try:
        if takes or form.validate():
            is_new = owning.give_owner(
                session, referral=one, owner_id=(principal.staff_id if takes else form.to.data) or 0,
                was=forms.number_typed(request.form.get("was")), by_id=principal.staff_id, now=moment,
            )  # fmt: skip
            if is_new:
                record_act(
                    session, principal, action="give referral an owner", resident_id=one.resident_id, items=("referral",),
                    now=moment,
                )  # fmt: skip
            flash(words.OWNER_GIVEN)
            if request.form.get("from") == "page":
                return _back_to(number)
            return redirect(url_for("referrals.assign"), 303)
    except RuleBroken as broken:
        session.rollback()
        form.refuse(broken)
    fresh = the_referral(number) if request.form.get("from") == "page" else None
    if fresh is not None and policy.FOLLOW.grants(principal, fresh):
        return _page(fresh, owner_form=form)
    shows_person_of(one)
    return _assign_page((number, form))


# --- what waits on the home page


def _hears_of_lapses(principal: Principal) -> bool:
    return bool(principal.roles & {policy.LEAD, policy.ADMIN})


def _received(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    waits = queries.what_waits(session, principal, moment)
    said = {
        "sent": ngettext("%(num)s referral has come in", "%(num)s referrals have come in", _count(waits, "sent")),
        "acknowledged": ngettext(
            "%(num)s referral waits for a yes or no", "%(num)s referrals wait for a yes or no",
            _count(waits, "acknowledged"),
        ),
        "accepted": ngettext(
            "%(num)s person you accepted waits for the first contact",
            "%(num)s people you accepted wait for the first contact", _count(waits, "accepted"),
        ),
        "late": ngettext("%(num)s referral is late", "%(num)s referrals are late", _count(waits, "late")),
    }  # fmt: skip
    narrowed: dict[str, dict[str, Any]] = {"late": {"due": "late"}}
    return [
        registry.WaitingItem(
            line, url_for("referrals.referrals", which="received", **narrowed.get(kind, {"state": kind})), waits[kind].since
        )
        for kind, line in said.items()
        if kind in waits
    ]  # fmt: skip


def _count(waits: dict[str, queries.Waits], kind: str) -> int:
    return waits[kind].number if kind in waits else 0


def what_waits(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    """What came in, what waits for a yes or no, what is late; questions to answer; what nobody answered or owns."""
    found: list[registry.WaitingItem] = []
    if policy.RECEIVE.may_at_all(principal):
        found += _received(session, principal, moment)
    if policy.SEND.may_at_all(principal) and (asked := queries.questions_of(session, principal)).number:
        said = ngettext(
            "%(num)s question about somebody you referred",
            "%(num)s questions about people you referred",
            asked.number,
        )
        where = url_for("referrals.referrals", which="sent", state="needs_info")
        found.append(registry.WaitingItem(said, where, asked.since))
    if policy.SEE_COUNTS.may_at_all(principal) and (count := queries.count_without_owner(session, principal)):
        said = ngettext("%(num)s referral has no owner", "%(num)s referrals have no owner", count)
        found.append(registry.WaitingItem(said, url_for("referrals.assign")))
    if _hears_of_lapses(principal) and (lapsed := queries.unanswered(session, principal)):
        said = ngettext(
            "%(num)s referral was answered by nobody",
            "%(num)s referrals were answered by nobody",
            len(lapsed),
        )
        since = min((one.referral.ended_at for one in lapsed if one.referral.ended_at), default=None)
        found.append(registry.WaitingItem(said, url_for("referrals.assign"), since))
    return found


registry.wait_for(what_waits)


class NothingForm(BaseForm):
    """A button alone."""
