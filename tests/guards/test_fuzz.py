"""Every form is attacked: whatever is sent, the answer is a page of ours, never a 500, and tells nothing.

By strangers, visits, residents, groups, and by the staff of every role: about half of all bodies go to their pages.
`FUZZ_BODIES=100000 ./test tests/guards/test_fuzz.py` is the deep run. Routes are taken from the application and names
of fields from its pages, so a new form is attacked without a word here.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select, text, update
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from inclusion_app.accounts import passwords
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core import attempts, pins, staff_sessions
from inclusion_app.core.access import is_staff_path
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.headers import HEADERS
from inclusion_app.core.paper_answer import WAIT_SECONDS
from inclusion_app.loans.models import LoanRequest, Unit
from inclusion_app.messages import services as messages
from inclusion_app.messages.models import TrayItem
from inclusion_app.places.services import load_city_pack
from inclusion_app.training.models import Booking, TrainingSession
from tests.conftest import FIELD_KEY, SECRET, Browser, StaffBrowser
from tests.factories.accounts import sign_in
from tests.factories.people import PIN
from tests.factories.world import TARGETS, build
from tests.guards.test_pages import FOR_OTHER_SITES, OPEN_DATA

BODIES = int(os.environ.get("FUZZ_BODIES", "10000"))
PARTS = 4
NASTY = (
    "", " ", "0", "-1", "g02", "F1", "none", "yes", "alone", "doing", "not_for_me", "pin", "new", "everything-on", "pictures",
    "M14 5RQ", "m14", "SW1A 1AA", "4071", "٤٠٧١", "1234", "ABCD-EFGH", "\x00", "😀", "\ud7ff\ufffe", "ﷺ" * 50,
    "' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "%(name)s", "%s%n", "A" * 3_000, "../../etc/passwd", "\u202eabc",
    "9" * 400, "31", "2", "2027", "NaN", "true", "null", "\r\nSet-Cookie: x=1", "keep", "drop", "hours", "together", "sun",
    "2026-02-30", "1e9", "٣١", "//evil.example", "=1+1", "a@b", "+44 7700 900123", "[]", "\\", "\t\n",
    "999999999", "2147483648", "9223372036854775808", "caseworker", "platform_admin", "letter", "2026-11-26",
    "0001-01-01", "9999-12-31", "consent",
    "They asked at the desk for a copy of all.", "other", "group", "under_13", "record", "book_me", "ask_me", "bsl", "16:00",
    "24:00", "10:00\x00", "2027-03-28", "01:30", "30", "attended",
)  # fmt: skip
# Places in an address: right ones, and nearly right ones.
PARTS_OF_ADDRESSES = {
    "number": ("1", "2", "3", "4", "9", "0", "99999999999999999999"),
    "goal_id": ("g02", "g05", "g99"),
    "step_id": ("F1", "A3", "C2", "T6", "Z9"),
    "slug": ("gorton-library", "none-such"),
    "ward": ("gorton-and-abbey-hey", "hulme", "none-such"),
    "code": ("ABCDEFGH", "ABCD-EFGH"),
    "language": ("en", "ur", "ar"),
    "group_id": ("1", "2", "0", "99999999999999999999"),
    "tag": ("MR-00001-0", "none"),
    "feedback_id": ("1", "0", "99999999999999999999"),
    "service_id": ("1", "2", "0", "99999999999999999999"),
    "referral_id": ("1", "0", "99999999999999999999"),
}
QUERIES = (
    "near", "kind", "open", "page", "has", "with", "for", "size", "goal",
    "before", "day", "number", "organisation", "role", "next", "q", "step", "kind", "when", "since", "taught_in", "age",
    "at", "ends", "first", "fitness", "l", "last", "model", "months", "owner", "place", "show", "state", "tag", "text",
    "where", "workshop", "online", "afterChangeNumber", "afterTimestamp", "afterId", "limit",
)  # fmt: skip
# Without the worker this one answers 503, which is right.
WAITING = {"start.readyz"}
# Whose a block of bodies is: about half are sent by the staff.
WHO = ("staff", "staff", "staff", "staff", "stranger", "visit", "resident", "sharer", "code")
HOOK = "a token for the hooks of tests only"
LEAKS = re.compile(
    r"Traceback|<script>alert|sqlalchemy|site-packages|werkzeug|jinja2\.|sqlite3\.|/tmp/pytest|\.py\"|"
    + "|".join(map(re.escape, (SECRET, FIELD_KEY)))
)


# Registers, and what is lent: where a tag is scanned.
CAMERA_PAGES = re.compile(
    r"/staff/(training/dates/\d+/register|loans/(take-in|moves|scan|hand-over|counts/\d+|requests/\d+/hand-over))"
)
FILES = re.compile(r"/staff/(files|loans/evidence)/\d+")


class Fields(HTMLParser):
    """The names of all fields of a page by the address they are sent to, each with the values its form would send."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, set[str]]] = {}
        self.page = self.target = address

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        name = facts.get("name")
        if tag == "form":
            self.target = facts.get("action") or self.page
        if tag in {"input", "button", "select", "textarea", "option"}:
            self.field = name or (self.field if tag == "option" else "")
            if self.field and self.field != "csrf_token":
                of_form = self.found.setdefault(self.target, {})
                of_form.setdefault(self.field, set()).add(facts.get("value") or "")

    field = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.target = self.page


def own_headers(path: str) -> dict[str, str]:
    """What a page says otherwise on purpose: open data is for other sites, who scans asks for the camera, and a file that
    somebody gave may do nothing at all.
    """
    if FILES.fullmatch(path):
        return {"Content-Security-Policy": "default-src 'none'; sandbox"}
    if path in OPEN_DATA:
        return {FOR_OTHER_SITES: "cross-origin"}
    if CAMERA_PAGES.fullmatch(path):
        return {"Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"}
    return {}


def is_sound(answer: TestResponse) -> bool:
    """Whether this is no fault of ours. There is no paper service here: who asks for a paper is shown its print page."""
    no_paper = answer.status_code == 503 and answer.headers.get("Retry-After") == str(WAIT_SECONDS)
    return answer.status_code < 500 or no_paper


def leaks(answer: TestResponse) -> list[str]:
    """What an answer tells that nobody should learn, or lacks that every answer has."""
    page = answer.get_data().decode("utf-8", "replace")  # a file of one's own record is no text
    found = [match[0] for match in LEAKS.finditer(page)]
    own = own_headers(answer.request.path)
    found += [
        f"no header {name}"
        for name, value in HEADERS.items()
        if answer.headers.get(name) not in {value, own.get(name, value)}
    ]
    if "x=1" in answer.headers.getlist("Set-Cookie"):
        found.append("a header of the sender's own")
    target = answer.headers.get("Location", "/")
    if not re.match(r"(?:http://localhost)?/(?![/\\])", target):
        found.append(f"sends away to {target}")
    return found


@pytest.fixture(autouse=True)
def many_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each person of the attack makes a group, books or asks for a device, all from one address and for the same few numbers."""
    for name in ("MAKING_NETWORK", "BOOKING_NETWORK", "BOOKING_CONTACT", "ASKING"):
        monkeypatch.setattr(attempts, name, replace(getattr(attempts, name), tries=1_000_000))


# What the forms ask for, by the page they are sent to. Read once: it is the same for every attacker.
LEARNT: dict[str, dict[str, set[str]]] = {}


class Attacker:
    """Sends what no form of ours would: seeded, so that a find can be repeated.

    The staff and who shares with them come from the small city of tests/factories/world.py. What bodies did to it is
    put back before the next of them: an attack must not end at a door that the one before shut.
    """

    def __init__(self, app: Flask, seed: int) -> None:
        self.app, self.dice = app, random.Random(seed)
        rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint)
        self.posts = [rule for rule in rules if "POST" in (rule.methods or ())]
        self.gets = [rule for rule in rules if "GET" in (rule.methods or ()) and rule.endpoint not in WAITING]
        self.fields: dict[str, dict[str, set[str]]] = {}
        self.everywhere: dict[str, set[str]] = {}
        with app.app_context(), transaction() as session:
            self.world = build(session)
            link = messages.make_link(session, resident_id=self.world.residents["own"], now=now())
            mine = {"owner_id": self.world.staff["caseworker"], "taken_at": now()}
            session.execute(
                update(TrayItem).where(TrayItem.id == self.world.rows["item_id"]["own"]).values(**mine)
            )
        self.places = {name: tuple(map(str, choices)) for name, choices in PARTS_OF_ADDRESSES.items()}
        for name, targets in TARGETS.items():
            # Every page has a language in its address: with what is none, most would be met by the same 404.
            wrong = () if name == "language" else (0, 2**31, 10**20)
            ids = (*targets(self.world).values(), *wrong)
            self.places[name] = (*self.places.get(name, ()), *map(str, ids))
        self.places["token"] += (link,)
        # Sessions to book, tags of devices, and the codes of bookings and requests beside those of plans.
        with app.app_context(), transaction() as session:
            self.places["slug"] += tuple(session.scalars(select(TrainingSession.slug)))
            self.places["code"] += tuple(session.scalars(select(Booking.code)))
            self.places["code"] += tuple(session.scalars(select(LoanRequest.code)))
            self.places["tag"] += tuple(session.scalars(select(Unit.tag)))
        self.group = "1"  # the one made last
        self.code = self.person("resident")[1]
        self.kept = sqlite3.connect(":memory:")
        self.keep()
        if not LEARNT:
            self.learn_all(rules)
        for endpoint, fields in LEARNT.items():
            self.fields[endpoint] = fields
            for name, values in fields.items():
                self.everywhere.setdefault(name, set()).update(values)
        self.put_back()

    def keep(self) -> None:
        """This is the city to come back to."""
        self.kept_group = self.group
        with closing(sqlite3.connect(self.file())) as there:
            there.backup(self.kept)

    def put_back(self) -> None:
        """The city as it was kept."""
        self.group = self.kept_group
        with closing(sqlite3.connect(self.file())) as there:
            self.kept.backup(there)

    def file(self) -> str:
        return str(self.app.extensions["engine"].url.database)

    def person(self, kind: str) -> tuple[Browser, str]:
        """Somebody at a screen: a stranger, with a plan and a group, with a saved plan beside, with the code alone, who
        shares all they have with an organisation, or of the staff ("staff" for any role)."""
        if kind == "staff" or kind in ROLES:
            return self.member(kind if kind in ROLES else self.dice.choice(sorted(ROLES))), ""
        browser = Browser(self.app, self.dice.choice(("en", "ur", "ar")))
        code = ""
        if kind in {"visit", "resident"}:
            browser.make_plan(("g02", "g05"))
            made = browser.send("/groups/new", pin="8306", pin_again="8306").location
            self.group = re.sub(r"\D", "", made)
        if kind == "resident":
            code = browser.save_plan()
        if kind == "code":
            browser.send("/come-back", code=self.code, pin="")
        if kind == "sharer":
            answer = browser.send("/come-back", code=self.world.codes["own"], pin=PIN)
            assert answer.status_code == 303
        return browser, code

    def member(self, role: str) -> StaffBrowser:
        """Somebody of Red Door with this role, signed in anew with both factors."""
        browser = StaffBrowser(self.app)
        browser.staff_id, browser.organisation_id = self.world.staff[role], self.world.red
        with self.app.app_context():
            with transaction() as session:
                token = sign_in(session, staff_id=browser.staff_id, organisation_id=browser.organisation_id)
            browser.client.set_cookie(staff_sessions.cookie_name(), token)
        return browser

    def rule_for(self, kind: str, rules: list[Rule]) -> Rule:
        """Mostly a page of the sender's own side of the service; at times one they have no business with."""
        of_staff = (kind == "staff") == (self.dice.random() < 0.9)
        return self.dice.choice([rule for rule in rules if is_staff_path(rule.rule) == of_staff])

    def learn_all(self, rules: list[Rule]) -> None:
        """Look at every page as everybody who may see a form there."""
        LEARNT.update({rule.endpoint: {} for rule in self.posts})
        readers = {kind: self.person(kind)[0] for kind in ("visit", "resident", "sharer", *ROLES)}
        for rule in rules:
            if "GET" in (rule.methods or ()) and rule.endpoint not in WAITING:
                for kind in ROLES if is_staff_path(rule.rule) else ("visit", "resident", "sharer"):
                    for _ in range(3 if rule.arguments and kind not in ROLES else 1):
                        self.learn(rule, readers[kind])

    def learn(self, rule: Rule, person: Browser) -> None:
        """Take the names and values of the fields from a page, for the pages its forms are sent to."""
        address = self.address(rule, good=True)
        page = Fields(address)
        page.feed(person.client.get(address).get_data().decode("utf-8", "replace"))
        adapter = self.app.url_map.bind("localhost")
        for target, fields in page.found.items():
            try:
                endpoint, _parts = adapter.match(target.partition("?")[0], method="POST")
            except HTTPException:  # a form that asks (GET), or leads elsewhere
                continue
            for name, values in fields.items():
                LEARNT[endpoint].setdefault(name, set()).update(values)

    def address(self, rule: Rule, *, good: bool = False) -> str:
        """An address of this rule, its places filled in rightly or wrongly."""
        path, of_staff = rule.rule, is_staff_path(rule.rule)
        for name in rule.arguments:
            choice = self.dice.choice(self.places.get(name, ("1", "a")))
            if of_staff and name in TARGETS and (good or self.dice.random() < 0.5):
                choice = str(TARGETS[name](self.world).get("own", choice))
            if name == "group_id" and (good or self.dice.random() < 0.9):
                choice = self.group
            if not good and name != "language" and self.dice.random() < 0.15:
                choice = quote(self.dice.choice(NASTY), safe="") or "x"
            path = re.sub(rf"<(?:[^<>:]+:)?{name}>", lambda _match, choice=choice: choice, path)
        return path

    def value(self, right: set[str]) -> str:
        if right and self.dice.random() < 0.5:
            return self.dice.choice(sorted(right))
        return self.dice.choice(NASTY)

    def body(self, rule: Rule, token: str) -> dict[str, Any]:
        """The keyword arguments of one request."""
        dice = self.dice
        names = {**self.everywhere, **self.fields[rule.endpoint]}
        own = sorted(self.fields[rule.endpoint]) or sorted(names)
        data: dict[str, Any] = {}
        for name in dice.sample(own, dice.randint(0, min(len(own), 6))):
            data[name] = [self.value(names[name]) for _ in range(dice.choice((1, 1, 1, 3)))]
        for name in dice.sample(sorted(names), dice.choice((0, 0, 1, 3))):
            data[name] = [self.value(names[name])]
        kind = dice.random()
        if kind < 0.03:
            return {"json": {"csrf_token": token, **data}}
        if kind < 0.06:
            raw = dice.randbytes(dice.randint(0, 300))
            sort = dice.choice(
                (
                    "application/x-www-form-urlencoded",
                    "multipart/form-data",
                    "multipart/form-data; boundary=x",
                    "a/b",
                )
            )
            return {"data": raw, "content_type": sort}
        if kind < 0.07:
            return {"data": {**data, "csrf_token": token, "answer": "x" * 140_000}}
        if kind < 0.08:
            return {
                "data": {f"f{number}": "x" for number in range(300)},
                "content_type": "multipart/form-data",
            }
        if kind < 0.10:
            return {"data": {**data, "csrf_token": dice.choice(NASTY)}}
        sort = "multipart/form-data" if dice.random() < 0.1 else "application/x-www-form-urlencoded"
        return {"data": {**data, "csrf_token": token}, "content_type": sort}


def a_token(person: Browser) -> str:
    """A good token for this screen."""
    page = person.text("/staff/sign-in" if isinstance(person, StaffBrowser) else "/finish")
    if "csrf_token" not in page:  # who is signed in needs no form to sign in
        page = person.text("/staff")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return unescape(found[1])


def is_signed_in(person: StaffBrowser) -> bool:
    """True while this browser's cookie opens pages."""
    with person.client.application.app_context(), transaction() as session:
        cookie = person.client.get_cookie(staff_sessions.cookie_name())
        hashed = staff_sessions.hash_of(cookie.value if cookie else "")
        stage = select(staff_sessions.StaffSession.stage).where(
            staff_sessions.StaffSession.token_hash == hashed
        )
        return session.scalar(stage) == "full"


def cheap_hashes(patch: pytest.MonkeyPatch) -> None:
    """The hash of a PIN or a password is slow on purpose; here only that it runs counts."""
    hasher = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1)  # below 32 it is no hash of ours
    patch.setattr(pins, "HASHER", hasher)
    patch.setattr(pins, "_DUMMY", hasher.hash("a plan that does not exist"))
    patch.setattr(passwords, "HASHER", hasher)
    patch.setattr(passwords, "NOBODY", hasher.hash("an account that does not exist"))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_body_makes_a_500_or_tells_anything(
    app: Flask, part: int, monkeypatch: pytest.MonkeyPatch, tally: Callable[[str, int], None]
) -> None:
    cheap_hashes(monkeypatch)
    app.config["RAISE_UNFORESEEN"] = False
    app.extensions["settings"] = replace(app.extensions["settings"], notify_callback_token=HOOK)
    attacker = Attacker(app, 20261123 + part)
    seen: Counter[int] = Counter()
    met: Counter[str] = Counter()
    of_staff: Counter[int] = Counter()
    kind, token = "stranger", ""
    person = Browser(app)
    bodies = BODIES // PARTS
    for number in range(bodies):
        if number % 25 == 0:
            kind = attacker.dice.choice(WHO)
            if kind in {"staff", "sharer"}:
                attacker.put_back()
            person, _code = attacker.person(kind)
            token = a_token(person)
        rule = attacker.rule_for(kind, attacker.posts)
        if number > bodies * 3 / 4 and (never := [one for one in attacker.posts if one.endpoint not in met]):
            rule = attacker.dice.choice(never)  # chance has left these out so far
        path, given = attacker.address(rule), attacker.body(rule, token)
        if rule.rule.startswith("/hooks/") and attacker.dice.random() < 0.7:
            given["headers"] = {"Authorization": f"Bearer {HOOK}"}
        answer = person.client.post(path, **given)
        seen[answer.status_code] += 1
        met[rule.endpoint] += 1
        assert is_sound(answer), (kind, path, given, answer.get_data(as_text=True)[:400])
        assert not leaks(answer), (kind, path, given, leaks(answer))
        if isinstance(person, StaffBrowser):
            of_staff[answer.status_code] += 1
            if not is_signed_in(person):
                attacker.put_back()
                person = attacker.person("staff")[0]
                token = a_token(person)
        if answer.status_code == 400 or rule.endpoint == "start.finish":
            token = a_token(
                person
            )  # stale, or the visit is over; else all that follows would stop at the door
        if number % 10 == 0:
            path = attacker.address(attacker.rule_for(kind, attacker.gets))
            query = {name: attacker.dice.choice(NASTY) for name in attacker.dice.sample(QUERIES, 3)}
            answer = person.client.get(path, query_string=query)
            assert is_sound(answer), (kind, path, query)
            told = [] if path.endswith("/leave") else leaks(answer)  # that one sends away on purpose
            assert not told, (kind, path, query, told)
    tally("bodies sent to forms", bodies)
    tally("bodies sent by the staff", of_staff.total())
    for status, times in seen.items():
        tally(f"bodies answered {status}", times)
    assert set(met) == {rule.endpoint for rule in attacker.posts}
    assert {303, 400, 422} <= set(seen)
    assert of_staff.total() > bodies / 4
    assert {303, 400, 403, 404, 422} <= set(of_staff)


def test_there_are_enough_bodies() -> None:
    assert BODIES >= 10_000
    assert BODIES % PARTS == 0


def test_a_leak_would_be_found(app: Flask) -> None:
    @app.get("/planted", endpoint="start.planted")
    def planted() -> tuple[str, int, dict[str, str]]:
        return f"Traceback (most recent call last) {SECRET}", 500, {"Location": "//evil.example"}

    found = leaks(app.test_client().get("/planted"))
    assert {"Traceback", SECRET, "sends away to //evil.example"} <= set(found)


def test_the_names_of_fields_are_learnt_from_the_pages(app: Flask) -> None:
    attacker = Attacker(app, 1)
    assert {"pin", "pin_again"} <= set(attacker.fields["roadmaps.save"])
    assert "near" in attacker.fields["places.finder"]
    assert "g02" in attacker.fields["roadmaps.check"]["answer"]
    assert {"kind", "received_on", "person"} <= set(attacker.fields["people.requests"])
    assert "outcome" in attacker.fields["messages.finish_item"]
    assert "finding" in attacker.fields["people.glass_review"]
    assert "items" in attacker.fields["people.share"]


def test_two_who_save_at_once_make_one_plan(service_on_both: Flask) -> None:
    with service_on_both.app_context(), transaction() as session:
        load_city_pack(session, now=now())
    person = Browser(service_on_both)
    person.make_plan()
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.text("/roadmap/save"))
    assert found
    cookie = person.client.get_cookie("visit")
    assert cookie
    answers: list[int] = []

    def save() -> None:
        client = service_on_both.test_client()
        client.set_cookie("visit", cookie.value)
        data = {"csrf_token": found[1], "pin": "4071", "pin_again": "4071"}
        answers.append(client.post("/en/roadmap/save", data=data).status_code)

    threads = [threading.Thread(target=save) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {303, 422}
    with service_on_both.app_context(), transaction() as session:
        assert session.execute(text("SELECT count(*) FROM residents")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM roadmaps")).scalar() == 1
