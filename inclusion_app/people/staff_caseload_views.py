"""The admin's page of the caseloads: how many people each caseworker looks after, and handing them on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.access import Principal, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.words import N_
from inclusion_app.people import caseload_services, policy
from inclusion_app.people import staff_words as words
from inclusion_app.people.staff_fields import MustChoose
from inclusion_app.people.views import room

registry.add_to_menu(registry.StaffLink("people.caseloads", N_("Caseloads"), policy.HAND_OVER))


class HandOverForm(BaseForm):
    """From whom to whom."""

    from_id = MustChoose(_l("Whose people?"), missing=words.CHOOSE_WHOSE)
    to_id = MustChoose(_l("Who looks after them from now on?"), missing=words.CHOOSE_WHO_LOOKS)


@room.page("/staff/caseloads", allow=policy.HAND_OVER, methods=("GET", "POST"), localised=False)
def caseloads() -> Any:
    """Counts only: nobody who is looked after is named or opened."""
    session, principal = db_session(), the_staff()
    loads = caseload_services.caseloads_of(session, principal)
    form = HandOverForm()
    form.from_id.choices = [(one.staff_id, one.name) for one in loads if one.has_anything]
    form.to_id.choices = [(one.staff_id, one.name) for one in loads if one.is_here]
    if request.method == "POST" and form.validate():
        try:
            caseload_services.hand_over(
                session, actor=principal, from_id=form.from_id.data, to_id=form.to_id.data, now=now()
            )
            flash(words.HANDED_ON)
            return redirect(url_for("people.caseloads"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("people/staff/caseloads.html", form=form, loads=loads)
    return page, 422 if form.errors or form.form_errors else 200


def _left_behind(session: Session, principal: Principal, _moment: datetime) -> list[registry.WaitingItem]:
    """People and work whose caseworker is gone: nobody looks after them until the admin says who."""
    if not policy.HAND_OVER.may_at_all(principal):
        return []
    gone = [one for one in caseload_services.caseloads_of(session, principal) if not one.is_here]
    people = sum(one.size for one in gone)
    work = sum(sum(one.open) for one in gone)
    found = []
    if people:
        found.append(
            ngettext(
                "%(num)s person is on the caseload of somebody who left",
                "%(num)s people are on the caseload of somebody who left",
                people,
            )
        )
    if work:
        found.append(
            ngettext(
                "%(num)s task or referral is left behind by somebody who left",
                "%(num)s tasks and referrals are left behind by somebody who left",
                work,
            )
        )
    return _at_caseloads(found)


def _in_hand(session: Session, principal: Principal, staff_id: int) -> list[registry.WaitingItem]:
    """Whom and what a colleague looks after now: the admin reads it before they end somebody's access."""
    if not policy.HAND_OVER.may_at_all(principal):
        return []
    people = len(caseload_services.numbers_of(session, principal, staff_id))
    work = sum(caseload_services.open_work(session, principal).get(staff_id, caseload_services.Open()))
    found = []
    if people:
        found.append(
            ngettext("%(num)s person is on their caseload", "%(num)s people are on their caseload", people)
        )
    if work:
        found.append(
            ngettext(
                "%(num)s task or referral is open with them",
                "%(num)s tasks and referrals are open with them",
                work,
            )
        )
    return _at_caseloads(found)


def _at_caseloads(said: Sequence[str]) -> list[registry.WaitingItem]:
    return [registry.WaitingItem(line, url_for("people.caseloads")) for line in said]


registry.wait_for(_left_behind)
registry.tie_with(_in_hand)
