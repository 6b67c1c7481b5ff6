"""Coming back to a saved plan: code alone, or code with PIN or pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from inclusion_app.core import attempts, i18n
from inclusion_app.core.access import ANYONE, Room, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, read_code, show_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, reading, side_write
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.pins import hash_secret, needs_new_hash, read_pin
from inclusion_app.core.sessions import Visit, end_visit, visit_for_change
from inclusion_app.core.words import N_
from inclusion_app.people import services
from inclusion_app.people.forms import ComeBackForm
from inclusion_app.people.models import Resident

room = Room("people", __name__)
# What the rooms above do when a plan was opened with its secret: they know what is kept with it.
WHEN_OPENED: list[Callable[[Session, Visit], None]] = []

WRONG = N_("The code and the PIN or pictures do not fit. Check them and try again.")
WRONG_TWO_LEFT = N_("The code and the PIN or pictures do not fit. Two more tries, then you must wait.")
WRONG_ONE_LEFT = N_("The code and the PIN or pictures do not fit. One more try, then you must wait.")
WARNED = {2: WRONG_TWO_LEFT, 1: WRONG_ONE_LEFT}
UNKNOWN = N_("We do not know this code. Look at your paper again.")
NEEDS_SECRET = N_("This plan asks for the PIN or pictures too.")
LOCKED = N_("Too many wrong tries. Try again at %(time)s, or make a new plan.")
LOCKED_LONG = N_("Too many wrong tries. Try again on %(day)s at %(time)s, or make a new plan.")
BUSY = N_("Too many codes were tried. Wait a few minutes and try again.")


@room.page("/come-back", allow=ANYONE, methods=("GET", "POST"))
def come_back() -> Any:
    form = ComeBackForm()
    pictures = request.values.get("with") == "pictures"
    if request.method == "GET":
        form.code.data = _code_of_this_visit()
    if request.method == "POST":
        code = form.read_code()
        if code is not None:
            try:
                _open(code, _typed_secret(form, pictures))
                return redirect(url_for("roadmaps.plan"), 303)
            except RuleBroken as broken:
                form.refuse(broken)
    return _page(form, pictures)


def _code_of_this_visit() -> str:
    """The code whoever came in by it alone has typed already; only the PIN or the pictures are missing.

    Which of the two opens the plan is not told: it would halve a guesser's work.
    """
    principal = current_principal()
    if principal.kind != "code":
        return ""
    resident = db_session().get(Resident, principal.resident_id)
    return show_code(resident.code) if resident else ""


@room.page("/r/<code>", allow=ANYONE, localised=False)
def scanned(code: str) -> Any:
    """What the QR on the paper opens: the same form with the code filled in. Looks nothing up."""
    asked = i18n.known(request.args.get("l", ""))
    g.language = asked if asked and asked.released else i18n.preferred(request, None)
    form = ComeBackForm(formdata=None)
    try:
        form.code.data = read_code(code[:200])
    except BrokenCode as broken:
        form.code.data = code[:40]
        form.refuse(RuleBroken(broken.message, field="code"))
    return _page(form, pictures=False)


def _page(form: ComeBackForm, pictures: bool) -> Any:
    page = render_template(
        "people/come_back.html",
        form=form,
        pictures=pictures,
        # Opening another plan ends this visit, and what is not saved goes with it.
        unsaved=current_principal().kind == "visit",
    )
    return page, 422 if form.errors or form.form_errors else 200


def _typed_secret(form: ComeBackForm, pictures: bool) -> str | None:
    """What was typed beside the code; None when it was left empty: then titles only."""
    if pictures:
        chosen = [form.picture1.data, form.picture2.data, form.picture3.data]
        return form.secret() if any(chosen) else None
    return read_pin(form.pin.data) if (form.pin.data or "").strip() else None


@dataclass(frozen=True)
class _Tries:
    """The keys under which one try counts, and whether its network has opened this code before."""

    code: str
    network: str
    everybody: str
    here: str

    @classmethod
    def of(cls, code: str) -> _Tries:
        """The keys of a try of this code from where the request comes from."""
        network = attempts.network_of(request.remote_addr)
        return cls(
            code=keyed_hash("attempt-pin", code),
            network=keyed_hash("attempt-network", network),
            everybody=keyed_hash("attempt-network", "all"),
            here=keyed_hash("attempt-here", f"{code} {network}"),
        )


class _Facts(NamedTuple):
    """What was stored for a code when it was looked up."""

    number: int
    secret_hash: str
    pin_for_everything: bool


def _open(code: str, secret: str | None) -> None:
    """Open a saved plan in this browser. Tries are claimed before anything is looked up or checked."""
    moment, secret_key = now(), current_app.extensions["settings"].secret_key
    tries = _Tries.of(code)
    counted, of_the_city = _claim(tries, moment, with_secret=secret is not None)
    with reading() as session:
        found = services.find_by_code(session, code=code)
        facts = _Facts(found.id, found.secret_hash, found.pin_for_everything) if found else None
    fresh_hash = None
    if secret is not None:
        stored = facts.secret_hash if facts else None
        if not services.open_with_secret(stored, secret, secret_key):
            # Counted alike for a code that does not exist: the warning tells nobody which codes there are.
            with reading() as session:
                left = attempts.tries_left(session, key_hash=counted, limit=attempts.PIN_WRONG)
            raise RuleBroken(WARNED.get(left, WRONG), field="code")
        if stored is not None and needs_new_hash(stored):
            fresh_hash = hash_secret(secret, secret_key)
    if facts is None:
        raise RuleBroken(UNKNOWN, field="code")
    if secret is None and facts.pin_for_everything:
        raise RuleBroken(NEEDS_SECRET, field="pin")
    with side_write() as session:
        if secret is not None:
            attempts.settle_success(session, key_hash=counted, now=moment)
            attempts.remember_network(session, key_hash=tries.here, now=moment)
        attempts.give_back(session, key_hash=tries.network, limit=attempts.CODE_NETWORK, now=moment)
        if of_the_city:
            attempts.give_back(session, key_hash=tries.everybody, limit=attempts.CODE_ALL, now=moment)
    _enter(facts, code, "everything" if secret else "titles", moment)
    if fresh_hash is not None:
        services.renew_hash(db_session(), resident_id=facts.number, old=facts.secret_hash, fresh=fresh_hash)


def _claim(tries: _Tries, moment: datetime, *, with_secret: bool) -> tuple[str, bool]:
    """Claim one try everywhere it counts. Raises RuleBroken.

    Returns the key under which wrong secrets count, and whether a try of the city's own limit was taken. Where this
    code was opened lately with its secret, neither strangers' wrong tries nor a flood from elsewhere shut its owner
    out: such a network counts for itself. Its own limit on codes stays, for it could guess the codes of neighbours.
    """
    with side_write() as session:
        known = attempts.knows_network(session, key_hash=tries.here, now=moment)
        counted = tries.here if known else tries.code
        free = attempts.claim(session, key_hash=tries.network, limit=attempts.CODE_NETWORK, now=moment)
        # A network that is locked takes nothing from the city's own limit: one machine cannot shut all out.
        city = free and attempts.claim(session, key_hash=tries.everybody, limit=attempts.CODE_ALL, now=moment)
        free = free and (city or known)
        until = None
        if (
            free
            and with_secret
            and not attempts.claim(session, key_hash=counted, limit=attempts.PIN_WRONG, now=moment)
        ):
            until = attempts.locked_until(session, key_hash=counted, now=moment)
    if not free:
        raise RuleBroken(BUSY)
    if until is not None:
        end = i18n.local(until)
        message = LOCKED if end.date() == i18n.local(moment).date() else LOCKED_LONG
        raise RuleBroken(message, day=i18n.day_words(end.date()), time=i18n.clock_words(end.time()))
    return counted, city


def _enter(facts: _Facts, code: str, unlocked: str, moment: datetime) -> None:
    session = db_session()
    resident = services.find_by_code(session, code=code, to_change=True)
    # Hashing took a while. What was changed meanwhile (another code, another PIN, no plan any more) counts.
    if resident is None or facts != (resident.id, resident.secret_hash, resident.pin_for_everything):
        raise RuleBroken(CHANGED_ALREADY)
    end_visit(session)
    visit = visit_for_change(session, moment)
    visit.resident_id = resident.id
    visit.unlocked = unlocked
    resident.last_used_at = moment
    session.flush()
    if unlocked == "everything":
        for tell in WHEN_OPENED:
            tell(session, visit)
