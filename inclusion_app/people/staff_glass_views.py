"""Break-glass for the staff: break, agree as the second person, end, review; and the page of a safeguarding lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.record_words import action_words
from inclusion_app.accounts.rules import PROOF_FRESH
from inclusion_app.core import access, registry
from inclusion_app.core.access import Principal, shows_person, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.registry import holidays
from inclusion_app.core.staff_sessions import current_session
from inclusion_app.core.words import N_
from inclusion_app.people import flag_queries, glass_queries, glass_services, naming, policy, queries
from inclusion_app.people.glass_queries import purpose_of
from inclusion_app.people.models import BreakGlass, Resident
from inclusion_app.people.rules import GLASS_NEEDS_SECOND
from inclusion_app.people.staff_glass_forms import GlassForm, ReviewForm
from inclusion_app.people.staff_words import FINDINGS, PURPOSES
from inclusion_app.people.views import room

ONE = "/staff/break-glass/<int(max=999999999):glass_id>"
AGAIN = "/staff/sign-in/again"
LISTED = 20


def _link_to(number: int) -> str:
    return url_for("people.glass", glass_id=number, _external=True)


def _address_of(resident_id: int) -> str:
    """Where the page of a person stands (people.staff_views)."""
    return f"/staff/people/{resident_id}"


def _load(right: str) -> Any:
    return lambda glass_id: glass_queries.glass_for(db_session(), the_staff(), right, glass_id)


@room.page("/staff/break-glass", allow=policy.BREAK, methods=("GET", "POST"), localised=False)
def break_glass() -> Any:
    """Name one person and say why. Asks for the password again before, unless it was given just now."""
    signed_in, moment = current_session(), now()
    if signed_in is None or signed_in.proven_at <= moment - PROOF_FRESH:
        return redirect(f"{AGAIN}?{urlencode({'next': url_for('people.break_glass')})}", 303)
    principal, form = the_staff(), GlassForm()
    if request.method == "POST" and form.validate():
        try:
            number = _break(form, principal, moment)
            return redirect(url_for("people.glass", glass_id=number), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template(
        "people/staff/glass_break.html",
        form=form,
        needs_second=_role(principal) == GLASS_NEEDS_SECOND,
        unfinished=glass_queries.unfinished_of(db_session(), principal, moment),
    )
    return page, 422 if form.errors or form.form_errors else 200


def _role(principal: Principal) -> str:
    return policy.BREAK.roles(principal)[0]


def _break(form: GlassForm, principal: Principal, moment: datetime) -> int:
    # Before anybody is looked up: a form that is not whole tells nothing of who there is.
    glass_services.check_reason(form.words_of_reason())
    resident_id = naming.number_of(
        form.person.data or "", principal=principal, address=request.remote_addr, now=moment
    )
    return glass_services.break_glass(
        db_session(), principal=principal, resident_id=resident_id, reason=form.words_of_reason(), link_to=_link_to,
        now=moment,
    )  # fmt: skip


@room.page(ONE, allow=policy.SEE_GLASS, load=_load("glass.see"), reads=("reason", "looks"), localised=False)
def glass(row: BreakGlass) -> Any:
    """One glass: who, when, why, what was looked at; with what this reader may do about it."""
    return _page_of(row, ReviewForm(formdata=None))


def _page_of(row: BreakGlass, form: ReviewForm) -> Any:
    session, principal, moment = db_session(), the_staff(), now()
    is_live = row.ends_at is not None and row.ends_at > moment
    is_mine = row.staff_id == principal.staff_id
    names = glass_queries.people_of(session, row)
    due = glass_queries.due_on(row, holidays(session))
    shows_person(row.resident_id, "reason", "looks", purpose="safety")
    page = render_template(
        "people/staff/glass.html",
        glass=row,
        form=form,
        staff_name_of=names[0],
        organisation_of=names[1],
        second_name=names[2],
        reviewer_name=names[3],
        is_live=is_live,
        is_mine=is_mine,
        minutes=_minutes_left(row, moment),
        waits=row.began_at is None and row.open_slot is not None,
        due=due,
        is_late=row.reviewed_at is None and due is not None and due < today(),
        acts=glass_queries.acts_during(session, row),
        action_words=action_words,
        may_agree=policy.AGREE.grants(principal, row),
        may_review=row.reviewed_at is None and policy.REVIEW.grants(principal, row),
        findings=FINDINGS,
        purposes=PURPOSES,
        address_of=_address_of,
        flagged=queries.flagged_by(session, [row.resident_id]).get(row.resident_id, []),
    )
    return page, 422 if form.errors or form.form_errors else 200


def _minutes_left(row: BreakGlass, moment: datetime) -> int:
    if row.ends_at is None or row.ends_at <= moment:
        return 0
    return max(1, int((row.ends_at - moment).total_seconds() // 60))


@room.page(f"{ONE}/agree", allow=policy.AGREE, load=_load("glass.agree"), methods=("POST",), localised=False)
def glass_agree(row: BreakGlass) -> Any:
    """The second person agrees: the 60 minutes of the first begin."""
    glass_services.agree(db_session(), principal=the_staff(), glass_id=row.id, link_to=_link_to, now=now())
    flash(N_("You agreed. It is open now, for 60 minutes."))
    return redirect(url_for("accounts.home"), 303)


@room.page(f"{ONE}/end", allow=policy.BREAK, load=_load("glass.break"), methods=("POST",), localised=False)
def glass_end(row: BreakGlass) -> Any:
    """The one who broke it has seen enough."""
    try:
        glass_services.end_glass(db_session(), principal=the_staff(), glass_id=row.id, now=now())
    except RuleBroken:
        # It ran out while the button was pressed: what was wanted has happened.
        return redirect(url_for("accounts.home"), 303)
    flash(N_("You ended it. You do not see this person’s record any more."))
    return redirect(url_for("accounts.home"), 303)


@room.page(
    f"{ONE}/review", allow=policy.REVIEW, load=_load("glass.review"), methods=("POST",), localised=False,
    reads=("reason", "looks"),
)  # fmt: skip
def glass_review(row: BreakGlass) -> Any:
    """Another person than the one who broke it says whether it was right."""
    form = ReviewForm()
    if form.validate():
        try:
            glass_services.review(
                db_session(),
                principal=the_staff(),
                glass_id=row.id,
                finding=form.finding.data or "",
                now=now(),
            )
            flash(N_("Your review is kept."))
            return redirect(url_for("people.glass_reviews"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _page_of(row, form)


@room.page("/staff/break-glass/reviews", allow=policy.REVIEW, localised=False)
def glass_reviews() -> Any:
    """What has to be reviewed, and what was; numbers only, no person and no reason."""
    return render_template("people/staff/glass_reviews.html", findings=FINDINGS, **_reviews())


def _reviews() -> dict[str, Any]:
    session, principal = db_session(), the_staff()
    return {
        "waiting": glass_queries.to_review(session, principal, today()),
        "done": glass_queries.reviewed(session, principal, today()),
    }


@room.page("/staff/safeguarding", allow=policy.LIST, reads=("identity",), localised=False)
def safeguarding() -> Any:
    """Flags that stand, what was opened by break-glass, and people who share with the lead's organisation, a page at a time."""
    session, principal, moment = db_session(), the_staff(), now()
    after = request.args.get("after", "")
    number = int(after) if after.isascii() and after.isdigit() and len(after) <= 9 else 0
    people = list(
        session.scalars(
            select(Resident)
            .where(policy.TABLE.rows("resident.list", principal), Resident.id > number)
            .order_by(Resident.id)
            .limit(LISTED + 1)
        )
    )
    return render_template(
        "people/staff/glass_safeguarding.html",
        people=people[:LISTED],
        more_after=people[LISTED - 1].id if len(people) > LISTED else None,
        findings=FINDINGS,
        address_of=_address_of,
        flags=flag_queries.standing(session, principal, moment),
        ended_flags=flag_queries.ended(session, principal, moment),
        **_reviews(),
    )


def _waiting(session: Session, principal: Principal, moment: datetime) -> Sequence[registry.WaitingItem]:
    found = []
    if policy.AGREE.may_at_all(principal):
        found += [
            registry.WaitingItem(
                _("A platform admin asks for a second person. Number %(number)s.", number=row.id),
                url_for("people.glass", glass_id=row.id),
                row.asked_at,
            )
            for row in glass_queries.to_agree(session, principal)
        ]
    if policy.REVIEW.may_at_all(principal):
        for seen in glass_queries.to_review(session, principal, today()):
            number = seen.glass.id
            words = (
                _("Late: review break-glass number %(number)s.", number=number)
                if seen.is_late
                else _("Review break-glass number %(number)s.", number=number)
            )
            found.append(
                registry.WaitingItem(words, url_for("people.glass", glass_id=number), seen.glass.began_at)
            )
    return found


def _alerts(session: Session, principal: Principal, moment: datetime) -> Sequence[registry.Alert]:
    if not policy.BREAK.may_at_all(principal):
        return ()
    row = glass_queries.unfinished_of(session, principal, moment)
    if row is None:
        return ()
    if row.began_at is None:
        words = _("You asked to break the glass. A second person has not agreed yet.")
        end = _("Take it back")
    else:
        minutes = _minutes_left(row, moment)
        words = ngettext(
            "Break-glass number %(glass)s is open for %(num)s more minute. Every look is recorded.",
            "Break-glass number %(glass)s is open for %(num)s more minutes. Every look is recorded.",
            minutes,
            glass=row.id,
        )
        end = _("End it now")
    return (
        registry.Alert(
            words,
            url_for("people.glass", glass_id=row.id),
            end,
            url_for("people.glass_end", glass_id=row.id),
        ),
    )


registry.wait_for(_waiting)
registry.alert_with(_alerts)
registry.add_to_menu(registry.StaffLink("people.safeguarding", N_("Safeguarding"), policy.LIST, 30))
registry.add_to_menu(registry.StaffLink("people.glass_reviews", N_("Break-glass reviews"), policy.REVIEW, 32))
registry.add_to_menu(registry.StaffLink("people.break_glass", N_("Break-glass"), policy.BREAK, 31))
if purpose_of not in access.PURPOSES:
    access.PURPOSES.append(purpose_of)
