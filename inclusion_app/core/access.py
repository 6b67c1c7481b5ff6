"""Who may see what: every page is made here and says whom it is for. What says nothing does not start.

A request goes: language → permission declared → principal (a stranger to a page of the staff is sent to sign in, and
another role refused, before anything is loaded) → load the object as this principal may see it (a miss is the one 404
page) → the permission on that object → view → commit once when an unsafe method answered below 400, else roll back
→ the audit row of a read → headers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, g, make_response, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from inclusion_app.core import audit
from inclusion_app.core.clock import now as clock_now
from inclusion_app.core.db import SAFE_METHODS, finish_request, side_write
from inclusion_app.core.sessions import Visit, current_visit, touch_visit
from inclusion_app.core.staff_sessions import cookie_name, current_session, touch_session


@dataclass(frozen=True)
class Principal:
    """Who is asking: a stranger, an unsaved visit, somebody with a code alone, or with code and PIN.

    Beside that they may have opened a group with its PIN (`group_id`). Of kind `staff`: who signed in with both
    factors, the organisation they act for now and their roles in it (those that reach the whole city from any).
    """

    kind: str
    visit_id: int | None = None
    resident_id: int | None = None
    group_id: int | None = None
    staff_id: int | None = None
    organisation_id: int | None = None
    roles: frozenset[str] = frozenset()


STRANGER = Principal("stranger")
SIGN_IN = "/staff/sign-in"
# Answers that show the page: as asked for, or again with what is wrong.
SHOWING = frozenset({200, 422})
KINDS = {"nothing": "visit", "titles": "code", "everything": "resident"}


@dataclass(frozen=True)
class Permission:
    """A named right (`resource.action`) and the predicate that grants it to a principal on an object."""

    name: str
    grants: Callable[[Principal, Any], bool]


class StaffRight(Permission):
    """A right of the staff. Its page sends strangers to sign in and refuses other roles before anything is loaded."""

    def may_at_all(self, principal: Principal) -> bool:
        """True when this principal may hold the right on some object."""
        return self.grants(principal, None)

    def roles(self, principal: Principal) -> list[str]:
        """The roles of this principal by which they hold it; the first one stands in the record."""
        return sorted(principal.roles)

    def role_for(self, principal: Principal, obj: Any) -> str:
        """The role by which they reach this very object: of several roles the first that would reach it alone."""
        roles = self.roles(principal)
        if obj is None or len(roles) == 1:
            return roles[0]
        alone = (role for role in roles if self.grants(replace(principal, roles=frozenset({role})), obj))
        return next(alone, roles[0])


def permission(name: str, *kinds: str) -> Permission:
    """A right of these kinds of principal, on whatever their own load gave them."""
    return Permission(name, lambda principal, _obj: principal.kind in kinds)


ANYONE = Permission("anyone", lambda _principal, _obj: True)
# Of every member of the staff, whatever their role: their own account, their start page.
SIGNED_IN = StaffRight("signed in", lambda principal, _obj: principal.kind == "staff")


def principal_of(visit: Visit | None) -> Principal:
    """The principal a visit stands for."""
    if visit is None:
        return STRANGER
    return Principal(KINDS[visit.unlocked], visit.id, visit.resident_id, visit.group_id)


def current_principal() -> Principal:
    """Who is asking in this request; read from the database once."""
    if "principal" not in g:
        g.principal = principal_of(current_visit())
    found: Principal = g.principal
    return found


def current_staff() -> Principal | None:
    """Who of the staff is asking, or None; read from the database once. Nothing of it is asked on residents' pages."""
    if "staff_principal" not in g:
        g.staff_principal = current_app.extensions["staff_principal"]()
    found: Principal | None = g.staff_principal
    return found


def the_staff() -> Principal:
    """The member of staff who asks; for the views and loads of their pages, where there always is one."""
    principal = current_staff()
    if principal is None:
        raise RuntimeError("no member of staff is signed in")
    return principal


def is_staff_path(path: str) -> bool:
    """True for the addresses of staff pages."""
    return path == "/staff" or path.startswith("/staff/")


class Room(Blueprint):
    """A blueprint whose only way to a page is `page()`, which has no default permission."""

    def page(
        self,
        rule: str,
        *,
        allow: Permission,
        load: Callable[..., Any] | None = None,
        methods: Sequence[str] = ("GET",),
        reads: Sequence[str] = (),
        localised: bool = True,
        endpoint: str | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a page under `/<lang>` (or at the root with `localised=False`).

        `load(**url_parts)` gives the object or None (404); the view then receives it in place of the URL parts.
        `reads` names the personal items the page shows; each answer that shows it writes one audit row. A right of
        the staff makes a page of the staff; those stand under `/staff`, without a language.
        """

        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def answer(**parts: Any) -> Response:
                return _answer(view, parts, allow, load, reads)

            answer.permission = allow  # type: ignore[attr-defined]
            answer.reads = tuple(reads)  # type: ignore[attr-defined]
            self.add_url_rule(
                ("/<lang:language>" if localised else "") + rule,
                endpoint=endpoint or view.__name__,
                view_func=answer,
                methods=list(methods),
                strict_slashes=False,
            )
            return view

        return register


def _answer(
    view: Callable[..., Any],
    parts: dict[str, Any],
    allow: Permission,
    load: Callable[..., Any] | None,
    reads: Sequence[str],
) -> Response:
    if isinstance(allow, StaffRight):
        return _answer_staff(view, parts, allow, load, reads)
    good = False
    try:
        obj = None
        if load is not None:
            obj = load(**parts)
            if obj is None:
                abort(404)
        if allow is not ANYONE and not allow.grants(current_principal(), obj):
            abort(403)
        response = make_response(view(obj) if load is not None else view(**parts))
        good = request.method not in SAFE_METHODS and response.status_code < 400
    finally:
        finish_request(commit=good)
    if response.status_code in SHOWING and reads:
        _record_reads(reads)
    touch_visit()
    return response


def _answer_staff(
    view: Callable[..., Any],
    parts: dict[str, Any],
    allow: StaffRight,
    load: Callable[..., Any] | None,
    reads: Sequence[str],
) -> Response:
    good = False
    try:
        principal = current_staff()
        if principal is None:
            if current_session() is None:  # else it lacks the second factor yet
                if request.method not in SAFE_METHODS and cookie_name() in request.cookies:
                    return _sign_in_ended()
                g.staff_token = g.get("staff_token", "")  # a cookie that opens nothing any more goes
            here = {"next": request.full_path.removesuffix("?")} if request.method in SAFE_METHODS else {}
            return make_response(redirect(f"{SIGN_IN}?{urlencode(here)}" if here else SIGN_IN, 303))
        if not allow.may_at_all(principal):
            abort(403)
        obj = None
        if load is not None:
            obj = load(**parts)
            # What somebody may not see and what does not exist answer alike.
            if obj is None or not allow.grants(principal, obj):
                abort(404)
        changes = request.method not in SAFE_METHODS
        # Asked before the page: afterwards a change may have closed the way by which they came.
        g.acting_role = allow.role_for(principal, obj) if reads or changes else None
        response = make_response(view(obj) if load is not None else view(**parts))
        good = changes and response.status_code < 400
    finally:
        finish_request(commit=good)
    if response.status_code in SHOWING and reads:
        _record_staff_read(principal, reads)
    touch_session()
    return response


def _sign_in_ended() -> Response:
    """Somebody sent a form after their sign-in had ended: nothing of it is done, and nothing they wrote is lost.

    The form's token was checked before this, so what is shown comes from their own page. Short fields are not repeated:
    a line is quickly typed again, and a password, a code or an address need not stand on a screen.
    """
    typed = [text for _name, text in request.form.items(multi=True) if len(text) > 40 and " " in text.strip()]
    return make_response(render_template("errors/staff/ended.html", typed=typed), 422)


def shows_person(resident_id: int, *items: str, purpose: str = "help") -> None:
    """This page of the staff shows these items of one resident: its row in the record says so.

    A page that shows several people (a list) says nothing here; its one row names nobody.
    """
    g.person_shown = (resident_id, items, purpose)


def _record_staff_read(principal: Principal, reads: Sequence[str]) -> None:
    """The one row of this page, before its first byte leaves; without the row there is no page."""
    resident_id, items, purpose = g.pop("person_shown", (None, (), "help"))
    with side_write() as session:
        record_act(
            session,
            principal,
            action=f"read {request.endpoint}",
            resident_id=resident_id,
            items=items or tuple(reads),
            purpose=purpose,
            now=clock_now(),
        )


# What an act on one resident was for, when its page does not know: broken glass says so here (people).
PURPOSES: list[Callable[[Session, Principal, int, datetime], str | None]] = []


def _purpose(session: Session, principal: Principal, resident_id: int | None, now: datetime) -> str:
    if resident_id is None:
        return "help"
    known = (ask(session, principal, resident_id, now) for ask in PURPOSES)
    return next((purpose for purpose in known if purpose), "help")


def record_act(
    session: Session,
    principal: Principal,
    *,
    action: str,
    now: datetime,
    resident_id: int | None = None,
    items: Sequence[str] = (),
    purpose: str = "help",
    role: str | None = None,
    reason: str | None = None,
) -> None:
    """Write in the record what a member of the staff did or saw: number, role, organisation, never typed words.

    The role is the one by which they reach this page, unless the caller knows better. `purpose` is a code; `reason` is
    typed text, kept beside the row (see core.audit).
    """
    role = role or g.get("acting_role") or min(principal.roles, default="staff")
    audit.record(
        session,
        at=now,
        actor_kind=role,
        actor_id=principal.staff_id,
        organisation_id=principal.organisation_id,
        action=action,
        purpose=_purpose(session, principal, resident_id, now) if purpose == "help" else purpose,
        resident_id=resident_id,
        items=tuple(items),
        reason=reason,
    )


class Shown(NamedTuple):
    """What one page showed of one resident, and to whom: a row of the record."""

    kind: str
    actor_id: int | None
    resident_id: int | None
    organisation_id: int | None = None
    items: tuple[str, ...] = ()


def shows_nobody() -> None:
    """This answer of a page that may show something of the one who asks shows nothing of them: no row of a read."""
    g.shows_nobody = True


def shows_of(
    resident_id: int | None,
    *,
    kind: str,
    actor_id: int | None,
    instead: bool = False,
    organisation_id: int | None = None,
    items: Sequence[str] = (),
) -> None:
    """This page shows something of somebody beside the one who asks: note it in their record too.

    `resident_id` is None for what a group keeps for itself. `instead`: it shows nothing of the one who asks. An
    organisation whose people have no account looks to help; `items` are those shown, where not all the page may show.
    """
    g.setdefault("shows_of", []).append(Shown(kind, actor_id, resident_id, organisation_id, tuple(items)))
    g.shows_others_only = instead


def _record_reads(reads: Sequence[str]) -> None:
    """Write the audit rows of this page before its first byte leaves; without the rows there is no page."""
    if g.pop("shows_nobody", False):
        return
    principal: Principal | None = g.get("principal")
    rows = list(g.get("shows_of", ()))
    if principal is not None and principal.resident_id and not g.get("shows_others_only"):
        rows.insert(0, Shown(principal.kind, principal.resident_id, principal.resident_id))
    if not rows:
        return
    with side_write() as session:
        for row in rows:
            audit.record(
                session,
                at=clock_now(),
                actor_kind=row.kind,
                actor_id=row.actor_id,
                organisation_id=row.organisation_id,
                action=f"read {request.endpoint}",
                purpose="own" if row.organisation_id is None else "help",
                resident_id=row.resident_id,
                items=row.items or tuple(reads),
            )


def check_every_page_declares(app: Flask) -> None:
    """Refuse to start when an address was registered past `Room.page` and so says nothing of permission."""
    bare = sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "permission")
    )
    if bare:
        raise RuntimeError(f"no permission is declared for: {', '.join(bare)}")
