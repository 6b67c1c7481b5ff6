"""How a scheme lends: its points, its times, its quotas."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_queue_forms as forms
from inclusion_app.loans import staff_queue_queries as queries
from inclusion_app.loans import staff_queue_words as words
from inclusion_app.loans.models import LoanScheme, QuotaPool
from inclusion_app.loans.services import schemes
from inclusion_app.loans.views import room


def _to_scheme() -> Any:
    return redirect(url_for("loans.scheme"), 303)


def _act(action: str) -> None:
    record_act(db_session(), the_staff(), action=action, now=now())


@room.page("/staff/loans/scheme", allow=policy.RUN, methods=("GET", "POST"), localised=False)
def scheme() -> Any:
    """Open or closed, the phone, the points and times; beside it what the public page then says."""
    session = db_session()
    own = queries.scheme_of(session, the_staff())
    if own is None:
        return render_template("loans/staff/scheme_none.html")
    form = forms.SchemeForm()
    if request.method == "GET":
        form.show(own)
    elif form.validate():
        schemes.change_scheme(session, scheme=own, facts=form.facts())
        _act("change a loan scheme")
        flash(words.SCHEME_SAVED)
        return _to_scheme()
    page = render_template(
        "loans/staff/scheme.html", form=form, scheme=own, rules=rules, words=words,
        pools=queries.pools_of(session, own.organisation_id),
    )  # fmt: skip
    return page, 422 if form.errors else 200


@room.page("/staff/loans/scheme/open", allow=policy.RUN, methods=("POST",), localised=False)
def open_scheme() -> Any:
    """A scheme for an organisation that has none; twice is once."""
    organisation_id = the_staff().organisation_id
    if organisation_id is None:
        raise RuleBroken(CHANGED_ALREADY)
    schemes.open_scheme(db_session(), organisation_id=organisation_id)
    _act("begin a loan scheme")
    flash(words.SCHEME_OPENED)
    return _to_scheme()


@room.page("/staff/loans/scheme/quotas", allow=policy.RUN, methods=("GET", "POST"), localised=False)
def new_quota() -> Any:
    """Keep a share for an area, or for who comes through an organisation."""
    session, principal = db_session(), the_staff()
    own = queries.scheme_of(session, principal)
    if own is None:
        return _to_scheme()
    form = forms.QuotaForm()
    form.offer(queries.wards(session), queries.organisations(session))
    if request.method == "POST" and form.validate():
        try:
            if form.is_first_press(session, whose=f"loan quota {principal.staff_id}", now=now()):
                _add(own, form)
                _act("add a loan quota")
            flash(words.QUOTA_ADDED)
            return _to_scheme()
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    page = render_template("loans/staff/quota.html", form=form)
    return page, 422 if form.errors or form.form_errors else 200


def _add(own: LoanScheme, form: forms.QuotaForm) -> None:
    schemes.add_quota(
        db_session(), organisation_id=own.organisation_id, ward=form.ward.data or None,
        referrer_id=form.referrer_id.data or None, share=form.share.count or 0,
    )  # fmt: skip


def _the_pool(pool_id: int) -> QuotaPool | None:
    return queries.pool_for(db_session(), the_staff(), pool_id)


@room.page("/staff/loans/scheme/quotas/<int(max=999999999):pool_id>/remove", allow=policy.RUN_POOL, load=_the_pool,
           methods=("POST",), localised=False)  # fmt: skip
def remove_quota(pool: QuotaPool) -> Any:
    """What it kept is for all again."""
    schemes.remove_quota(db_session(), pool=pool)
    _act("remove a loan quota")
    flash(words.QUOTA_GONE)
    return _to_scheme()
