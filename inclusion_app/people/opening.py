"""Proving a code: tries are counted before anything is looked up, and slow hashing stands outside any transaction.

Used wherever a code is typed: to come back, to bring somebody into a home or a group, to open a group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from inclusion_app.core import attempts, i18n
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, reading, side_write
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.pins import hash_secret, needs_new_hash
from inclusion_app.core.sessions import Visit, end_visit, renew_browser, renewed_visit, visit_for_change
from inclusion_app.core.words import N_
from inclusion_app.people import services
from inclusion_app.people.models import Resident

WRONG = N_("The code and the PIN or pictures do not fit. Check them and try again.")
WRONG_TWO_LEFT = N_("The code and the PIN or pictures do not fit. Two more tries, then you must wait.")
WRONG_ONE_LEFT = N_("The code and the PIN or pictures do not fit. One more try, then you must wait.")
WARNED = {2: WRONG_TWO_LEFT, 1: WRONG_ONE_LEFT}
NEEDS_SECRET = N_("This plan asks for the PIN or pictures too.")
LOCKED = N_("Too many wrong tries. Try again at %(time)s, or make a new plan.")
LOCKED_LONG = N_("Too many wrong tries. Try again on %(day)s at %(time)s, or make a new plan.")
TOO_MANY_MADE = N_("Too many were made from here. Wait an hour and try again.")
BUSY = N_("Too many codes were tried. Wait a few minutes and try again.")
# What a code is of, when it is not of what was asked for.
NOT_A_PERSON = {
    "unclaimed": N_("This code is not ready yet. A helper must type in your paper first."),
    "group": N_("This is the code of a group. Open it with “Our group”."),
}
# The same, where a person is brought into a home or a group.
NOT_A_MEMBER = {
    "unclaimed": N_("This code is not ready yet. Somebody must type in its paper first."),
    "group": N_("This is the code of a group. Type the code of the person."),
}
NOT_A_GROUP = {
    "unclaimed": N_("This is the code of a person, not of a group."),
    "resident": N_("This is the code of a person, not of a group."),
}

# Where a code of another kind leads when it is typed in where one comes back: the rooms above say so, by kind.
LEADS_TO: dict[str, Callable[[str], str]] = {}
# The own code of whoever a thing of such a kind belongs to: with their PIN or pictures its code opens all that is theirs.
# None: it is nobody's any more.
OWNER_OF: dict[str, Callable[[Session, str], str | None]] = {}
# What the rooms above do when a plan was opened with its secret: they know what is kept with it.
WHEN_OPENED: list[Callable[[Session, Visit], None]] = []
# What the rooms above do when somebody with an unsaved visit became a resident in a room below: their plan is kept too.
WHEN_MADE: list[Callable[[Session, Visit, Resident, datetime], None]] = []


class AnotherDoor(Exception):
    """The code that was typed opens something else, at this address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


class Facts(NamedTuple):
    """What is stored for a code: whose number, the hash of its secret, and whether the code alone opens nothing."""

    number: int
    secret_hash: str
    pin_for_everything: bool


Find = Callable[[Session, str], Facts | None]


def person(session: Session, code: str) -> Facts | None:
    """The resident of a canonical code."""
    found = services.find_by_code(session, code=code)
    return Facts(found.id, found.secret_hash, found.pin_for_everything) if found else None


@dataclass(frozen=True)
class _Tries:
    """The keys under which one try counts, and whether its network has opened this code before."""

    code: str
    network: str
    everybody: str
    here: str

    @classmethod
    def of(cls, code: str, address: str | None) -> _Tries:
        """The keys of a try of this code from this address."""
        network = attempts.network_of(address)
        return cls(
            code=keyed_hash("attempt-pin", code),
            network=keyed_hash("attempt-network", network),
            everybody=keyed_hash("attempt-network", "all"),
            here=keyed_hash("attempt-here", f"{code} {network}"),
        )


@dataclass(frozen=True)
class Proven:
    """What was found for a code, and the same secret's hash with today's parameters when the stored one is older.

    `code` is the one the facts belong to; `door` where the code that was typed leads, when that was another one.
    """

    facts: Facts
    code: str
    fresh_hash: str | None = None
    door: str = ""


def prove(
    code: str,
    secret: str | None,
    *,
    address: str | None,
    secret_key: str,
    now: datetime,
    find: Find = person,
    others: dict[str, str] = NOT_A_PERSON,
    other_doors: bool = False,
) -> Proven:
    """Check a canonical code and its secret (None: the code alone) for a request from `address`.

    Hold no change in the request's own transaction yet: tries are counted beside it. `find` looks the code up,
    `others` says of codes of another kind what they are. Raises RuleBroken at `code` or `pin`, or without a field when
    there were too many tries; with `other_doors` AnotherDoor for the code of a thing that is opened by its code alone.
    With a secret beside such a code it is the secret of whoever the thing belongs to that is checked.
    """
    tries = _Tries.of(code, address)
    counted, of_the_city = _claim(tries, now, with_secret=secret is not None)
    with reading() as session:
        facts = find(session, code)
        kind = "" if facts else services.kind_of_code(session, code=code) or ""
        other = others.get(kind)
        owner = OWNER_OF[kind](session, code) if secret is not None and kind in OWNER_OF else None
    if other_doors and kind in LEADS_TO:
        with side_write() as session:
            _give_back(session, tries, of_the_city=of_the_city, now=now)
            if secret is not None:
                attempts.give_back(session, key_hash=counted, limit=attempts.PIN_WRONG, now=now)
        if owner is None:
            raise AnotherDoor(LEADS_TO[kind](code))
        # Counted as a try of their own code: two codes must not give a guesser two times as many tries of one PIN.
        proven = prove(owner, secret, address=address, secret_key=secret_key, now=now)
        return replace(proven, door=LEADS_TO[kind](code))
    fresh_hash = None
    if secret is not None:
        stored = facts.secret_hash if facts else None
        if not services.open_with_secret(stored, secret, secret_key):
            if other is not None:
                raise RuleBroken(other, field="code")
            # Counted alike for a code that does not exist: the warning tells nobody which codes there are.
            with reading() as session:
                left = attempts.tries_left(session, key_hash=counted, limit=attempts.PIN_WRONG)
            raise RuleBroken(WARNED.get(left, WRONG), field="code")
        if stored is not None and needs_new_hash(stored):
            fresh_hash = hash_secret(secret, secret_key)
    if facts is None:
        raise RuleBroken(other or services.UNKNOWN_CODE, field="code")
    if secret is None and facts.pin_for_everything:
        raise RuleBroken(NEEDS_SECRET, field="pin")
    with side_write() as session:
        if secret is not None:
            attempts.settle_success(session, key_hash=counted, now=now)
            attempts.remember_network(session, key_hash=tries.here, now=now)
        _give_back(session, tries, of_the_city=of_the_city, now=now)
    return Proven(facts, code, fresh_hash)


def enter(facts: Facts, code: str, unlocked: str, *, now: datetime) -> None:
    """Open the plan of a proven code in this browser: `unlocked` is "titles" or "everything".

    Hashing took a while. What was changed meanwhile (another code, another PIN, no plan any more) counts: RuleBroken.
    """
    resident = services.find_by_code(db_session(), code=code, to_change=True)
    if resident is None or facts != (resident.id, resident.secret_hash, resident.pin_for_everything):
        raise RuleBroken(CHANGED_ALREADY)
    open_plan(resident, unlocked, now=now)


def open_plan(resident: Resident, unlocked: str, *, now: datetime) -> None:
    """This browser has the plan of this resident open from now on; what it had open before ends."""
    session = db_session()
    end_visit(session)
    visit = visit_for_change(session, now)
    visit.resident_id = resident.id
    visit.unlocked = unlocked
    resident.last_used_at = now
    session.flush()
    if unlocked == "everything":
        for tell in WHEN_OPENED:
            tell(session, visit)


def prove_unclaimed(code: str, *, address: str | None, now: datetime) -> None:
    """Check that a canonical code is a sticker's whose paper nobody typed in yet, for a request from `address`.

    Tries count as in `prove`, so that nobody learns here which codes there are. Whoever typed it in meanwhile still
    wins (see services.claim_code). Raises RuleBroken at `code`, or without a field when there were too many tries.
    """
    kind = _kind_of(code, address=address, now=now, wanted="unclaimed")
    if kind != "unclaimed":
        raise RuleBroken(services.NOT_CLAIMED.get(kind or "", services.UNKNOWN_CODE), field="code")


def find_thing(code: str, *, address: str | None, now: datetime, kind: str) -> bool:
    """True when a canonical code opens a thing of this kind (a booking) by itself, for a request from `address`.

    Tries count as in `prove`: only wrong ones, so a library is not shut out. Hold no change in the request's own
    transaction yet. Raises RuleBroken when there were too many.
    """
    return _kind_of(code, address=address, now=now, wanted=kind) == kind


def _kind_of(code: str, *, address: str | None, now: datetime, wanted: str) -> str | None:
    """What a canonical code opens; a try that counts unless that is what was wanted. Raises RuleBroken when too many."""
    tries = _Tries.of(code, address)
    with side_write() as session:
        free, of_the_city = _claim_code(session, tries, now)
    if not free:
        raise RuleBroken(BUSY)
    with reading() as session:
        kind = services.kind_of_code(session, code=code)
    if kind == wanted:
        with side_write() as session:
            _give_back(session, tries, of_the_city=of_the_city, now=now)
    return kind


def count_making(address: str | None, *, now: datetime) -> None:
    """Count one more thing with a code that is made from this address. Raises RuleBroken when there were too many.

    Each costs a slow hash and stays for a year; a class at a library is not shut out.
    """
    key = keyed_hash("attempt-making", attempts.network_of(address))
    with side_write() as session:
        if not attempts.claim(session, key_hash=key, limit=attempts.MAKING_NETWORK, now=now):
            raise RuleBroken(TOO_MANY_MADE)


def count_code(address: str | None, *, now: datetime) -> None:
    """Count one code that a member of staff types to name a second record. Raises RuleBroken when there were too many.

    Right ones count too: nobody links thirty records in an hour.
    """
    key = keyed_hash("attempt-network", attempts.network_of(address))
    with side_write() as session:
        if not attempts.claim(session, key_hash=key, limit=attempts.CODE_NETWORK, now=now):
            raise RuleBroken(BUSY)


def _claim_code(
    session: Session, tries: _Tries, moment: datetime, *, known: bool = False
) -> tuple[bool, bool]:
    """Claim one try of a code: whether it may go ahead, and whether a try of the city's own limit was taken."""
    free = attempts.claim(session, key_hash=tries.network, limit=attempts.CODE_NETWORK, now=moment)
    # A network that is locked takes nothing from the city's own limit: one machine cannot shut all out.
    city = free and attempts.claim(session, key_hash=tries.everybody, limit=attempts.CODE_ALL, now=moment)
    return free and (city or known), city


def _give_back(session: Session, tries: _Tries, *, of_the_city: bool, now: datetime) -> None:
    """The code was right: a library with many people behind one network is not shut out."""
    attempts.give_back(session, key_hash=tries.network, limit=attempts.CODE_NETWORK, now=now)
    if of_the_city:
        attempts.give_back(session, key_hash=tries.everybody, limit=attempts.CODE_ALL, now=now)


def _claim(tries: _Tries, moment: datetime, *, with_secret: bool) -> tuple[str, bool]:
    """Claim one try everywhere it counts. Raises RuleBroken.

    Returns the key under which wrong secrets count, and whether a try of the city's own limit was taken. Where this
    code was opened lately with its secret, neither strangers' wrong tries nor a flood from elsewhere shut its owner
    out: such a network counts for itself. Its own limit on codes stays, for it could guess the codes of neighbours.
    """
    with side_write() as session:
        known = attempts.knows_network(session, key_hash=tries.here, now=moment)
        counted = tries.here if known else tries.code
        free, city = _claim_code(session, tries, moment, known=known)
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


def begin_record(resident: Resident, visit: Visit, *, now: datetime) -> None:
    """This visit became a resident: what was unsaved in it is theirs from now on, and it has all of it open.

    Its browser gets a new id by `renew_browser`, at the very end: a refusal must leave it the old one.
    """
    session = db_session()
    for tell in WHEN_MADE:
        tell(session, visit, resident, now)
    visit.resident_id, visit.unlocked = resident.id, "everything"
    session.flush()


class Stored(NamedTuple):
    """The secret that opens what a visit has just made: "pin" or "pictures", and its hash."""

    kind: str
    secret_hash: str


def pressed_twice(
    stored: Callable[[Session, Visit], Stored | None],
    typed: Callable[[str], str],
    *,
    secret_key: str,
    now: datetime,
) -> bool:
    """The button was pressed again before the first answer came, so the browser threw that answer away with the new
    cookie in it. The same PIN or pictures lead to what was made; anything else opens nothing.

    `stored` says what the visit made, `typed` reads a secret of that kind from the form (RuleBroken when it is none).
    """
    with reading() as session:
        visit = renewed_visit(session, now)
        found = stored(session, visit) if visit else None
        if visit is None or found is None:
            return False
        number, before = visit.id, visit.before_hash
    db_session().rollback()
    with side_write() as session:
        if not attempts.claim(
            session, key_hash=keyed_hash("attempt-again", before or ""), limit=attempts.PIN_WRONG, now=now
        ):
            return False
    try:
        secret = typed(found.kind)
    except RuleBroken:
        return False
    if not services.open_with_secret(found.secret_hash, secret, secret_key):
        return False
    again = db_session().get(Visit, number)
    if again is None or again.before_hash != before:
        return False
    renew_browser(again)
    return True
