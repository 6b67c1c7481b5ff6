"""Who may see what: every page is made here and says whom it is for. What says nothing does not start.

A request goes: language → permission declared → principal → load the object as this principal may see it
(a miss is the one 404 page) → the permission on that object → view → commit once when an unsafe method
answered below 400, else roll back → the audit row of a read → headers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, abort, g, make_response, request
from werkzeug.wrappers import Response

from inclusion_app.core import audit
from inclusion_app.core.clock import now as clock_now
from inclusion_app.core.db import SAFE_METHODS, finish_request, side_write
from inclusion_app.core.sessions import Visit, current_visit, touch_visit


@dataclass(frozen=True)
class Principal:
    """Who is asking: a stranger, an unsaved visit, somebody with a code alone, or with code and PIN.

    Beside that they may have opened a group with its PIN (`group_id`).
    """

    kind: str
    visit_id: int | None = None
    resident_id: int | None = None
    group_id: int | None = None


STRANGER = Principal("stranger")
# Answers that show the page: as asked for, or again with what is wrong.
SHOWING = frozenset({200, 422})
KINDS = {"nothing": "visit", "titles": "code", "everything": "resident"}


@dataclass(frozen=True)
class Permission:
    """A named right (`resource.action`) and the predicate that grants it to a principal on an object."""

    name: str
    grants: Callable[[Principal, Any], bool]


def permission(name: str, *kinds: str) -> Permission:
    """A right of these kinds of principal, on whatever their own load gave them."""
    return Permission(name, lambda principal, _obj: principal.kind in kinds)


ANYONE = Permission("anyone", lambda _principal, _obj: True)


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
        `reads` names the personal items the page shows; each answer that shows it writes one audit row.
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


def shows_of(resident_id: int | None, *, kind: str, actor_id: int | None) -> None:
    """This page shows something of somebody beside the one who asks: note it in their record too.

    `resident_id` is None for what a group keeps for itself.
    """
    g.setdefault("shows_of", []).append((kind, actor_id, resident_id))


def _record_reads(reads: Sequence[str]) -> None:
    """Write the audit rows of this page before its first byte leaves; without the rows there is no page."""
    principal: Principal | None = g.get("principal")
    rows = list(g.get("shows_of", ()))
    if principal is not None and principal.resident_id:
        rows.insert(0, (principal.kind, principal.resident_id, principal.resident_id))
    if not rows:
        return
    with side_write() as session:
        for kind, actor_id, resident_id in rows:
            audit.record(
                session,
                at=clock_now(),
                actor_kind=kind,
                actor_id=actor_id,
                action=f"read {request.endpoint}",
                purpose="own",
                resident_id=resident_id,
                items=tuple(reads),
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
