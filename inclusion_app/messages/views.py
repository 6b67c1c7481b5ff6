"""Coming back by a link: asked for with the code, sent by the person's own route, used once.

Whoever types a code gets the same answer, whether it exists, has a route, or had too many links already: nobody learns
here who can be reached and how.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from inclusion_app.core import attempts, events
from inclusion_app.core.access import ANYONE, Room, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.staff_sessions import hash_of
from inclusion_app.core.words import N_
from inclusion_app.messages import services
from inclusion_app.messages.rules import BY_WIRE
from inclusion_app.messages.sending import channels_now
from inclusion_app.people import opening
from inclusion_app.people import services as people
from inclusion_app.people.forms import CodeForm
from inclusion_app.people.rules import LINK_LIFE

room = Room("messages", __name__)
TOO_MANY = N_("Too many links were asked for from here. Wait an hour and try again.")


def offers_links() -> bool:
    """True when this instance can send a link at all; else nothing speaks of it."""
    return bool(BY_WIRE & set(channels_now()))


@room.page("/come-back/link", allow=ANYONE, methods=("GET", "POST"))
def ask_link() -> Any:
    form = CodeForm()
    if request.method == "POST" and offers_links():
        code = form.read_code()
        if code is not None:
            try:
                if _may_ask(code):
                    _send_link(code)
                return redirect(url_for("messages.link_asked"), 303)
            except RuleBroken as broken:
                form.refuse(broken)
    page = render_template("messages/ask_link.html", form=form, offered=offers_links())
    return page, 422 if form.errors or form.form_errors else 200


@room.page("/come-back/link/asked", allow=ANYONE)
def link_asked() -> Any:
    return render_template("messages/link_asked.html", minutes=int(LINK_LIFE.total_seconds() // 60))


def _may_ask(code: str) -> bool:
    """Count one more link, before anything is looked up. Raises RuleBroken when this network asked too often.

    Too many for one code is no error: it would tell whose codes there are. Nothing more is sent.
    """
    moment = now()
    network = keyed_hash("attempt-link-network", attempts.network_of(request.remote_addr))
    with side_write() as session:
        if not attempts.claim(session, key_hash=network, limit=attempts.LINK_NETWORK, now=moment):
            raise RuleBroken(TOO_MANY)
        of_code = keyed_hash("attempt-link-code", code)
        return attempts.claim(session, key_hash=of_code, limit=attempts.LINK_CODE, now=moment)


def _send_link(code: str) -> None:
    session, moment = db_session(), now()
    resident = people.find_by_code(session, code=code)
    if resident is None or not services.has_link_route(
        session, resident=resident, channels=channels_now(), now=moment
    ):
        return
    token = services.make_link(session, resident_id=resident.id, now=moment)
    link = whole_address(url_for("messages.use_link", language=resident.language, token=token))
    wanted = MessageWanted(
        key=f"link {hash_of(token)[:40]}", template="resident_link", resident_id=resident.id,
        params={"link": link, "minutes": str(int(LINK_LIFE.total_seconds() // 60))},
    )  # fmt: skip
    events.publish(session, wanted)


@room.page("/come-back/link/<token>", allow=ANYONE, methods=("GET", "POST"))
def use_link(token: str) -> Any:
    """A button. Mail programs and scanners open links by themselves, so opening one changes nothing."""
    form = BaseForm()
    over = False
    if request.method == "POST":
        resident = services.use_link(db_session(), token=token[:100], now=now())
        if resident is not None:
            opening.open_plan(resident, "everything", now=now())
            people.note(db_session(), resident.id, "open by link", ("plan",), now())
            return redirect(url_for("roadmaps.plan"), 303)
        over = True
    page = render_template(
        "messages/use_link.html",
        form=form,
        over=over,
        token=token,
        # Opening another plan ends this visit, and what is not saved goes with it.
        unsaved=current_principal().kind == "visit",
    )
    return page, 422 if over else 200
