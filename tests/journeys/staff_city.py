"""The World of the matrix behind a real address, with something in every list, for a real browser to look at."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from inclusion_app.accounts.models import Invitation
from inclusion_app.core import staff_sessions
from inclusion_app.core.access import is_staff_path
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import LoanOffer, LoanRequest
from inclusion_app.loans.services.files import keep_file
from inclusion_app.messages.models import JobRun, Message, TrayItem
from inclusion_app.people.models import ContactRoute, Feedback, Merge, Resident, ResidentLink
from tests.factories.people import make_person, put_on_caseload
from tests.factories.world import TARGETS, World, build
from tests.messages.conftest import ADDRESS, EMAIL, PHONE, give_routes

if TYPE_CHECKING:
    from playwright.sync_api import Page

INVITED = "what-the-link-of-the-invitation-holds"
LINKED = "what-the-link-of-the-resident-holds"


@dataclass
class StaffCity:
    """Where it answers, who is in it, and the ids of what a page may show besides them."""

    app: Flask
    url: str
    world: World
    ids: dict[str, int]
    file: Path

    def sign_in(self, page: Page, role: str) -> None:
        """This browser is that person's from now on."""
        page.context.clear_cookies()
        with self.app.app_context():
            name = staff_sessions.cookie_name()
        page.context.add_cookies([{"name": name, "value": self.world.tokens[role], "url": self.url}])

    def browser(self, role: str) -> FlaskClient:
        """A browser without a screen, signed in as that person."""
        client = self.app.test_client()
        with self.app.app_context():
            client.set_cookie(staff_sessions.cookie_name(), self.world.tokens[role])
        return client

    def text(self, address: str, role: str) -> str:
        """The HTML of a page as that person gets it."""
        return self.browser(role).get(address).get_data(as_text=True)

    def keep(self) -> None:
        """This is the city to come back to."""
        with (
            closing(sqlite3.connect(self.file)) as here,
            closing(sqlite3.connect(f"{self.file}.kept")) as kept,
        ):
            here.backup(kept)

    def put_back(self) -> None:
        """The city as it was kept."""
        with (
            closing(sqlite3.connect(f"{self.file}.kept")) as kept,
            closing(sqlite3.connect(self.file)) as here,
        ):
            kept.backup(here)

    def pages(self) -> list[tuple[str, str, str]]:
        """Endpoint, address and the first role that is shown it: each page of the staff once, the home of each role."""
        found: list[tuple[str, str, str]] = []
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
            if not is_staff_path(rule.rule) or "GET" not in (rule.methods or ()) or "token" in rule.arguments:
                continue
            if "credential_id" in rule.arguments:  # an award that was just given: nobody has one in the world
                continue
            address = self.address(rule)
            for role in self.world.tokens:
                answer = self.browser(role).get(address)
                if answer.status_code == 200 and answer.mimetype == "text/html":
                    found.append((rule.endpoint, address, role))
                    if rule.endpoint != "accounts.home":
                        break
        self.put_back()
        return found

    def address(self, rule: Rule) -> str:
        """The address of a page, with an id of each kind that stands there."""
        ids = {
            name: self.ids[name] if name in self.ids else TARGETS[name](self.world)["own"]
            for name in rule.arguments
        }
        return str(self.app.url_map.bind("localhost").build(rule.endpoint, ids))


def fill(session: Session, world: World) -> dict[str, int]:
    """Something in every list: names long and in another script, each state once. The ids by the names in addresses."""
    own = session.get_one(Resident, world.residents["own"])
    own.name, own.address = "Muhammad Abdurrahman Featherstonehaugh-Cholmondeley", ADDRESS
    session.execute(delete(ContactRoute).where(ContactRoute.resident_id == own.id))  # the world gave them one
    give_routes(session, own, "call", "letter", "email", letter=None)
    worker = world.staff["caseworker"]
    twin = make_person(session, name="محمد عبد الرحمن", language="ur")
    put_on_caseload(session, resident_id=twin.id, staff_id=worker, organisation_id=world.red)
    feedback = Feedback(
        resident_id=own.id, organisation_id=world.red, kind="complaint", language="en", made_at=now(),
        words="Nobody rang.\nI waited all day.", owner_id=world.staff["organisation_admin"],
    )  # fmt: skip
    thanks = Feedback(
        resident_id=own.id, organisation_id=world.red, kind="thanks", language="ur", made_at=now(), words="شکریہ",
    )  # fmt: skip
    facts: dict[str, Any] = {
        "template": "request_done", "language": "ur", "params": {}, "resident_id": own.id,
        "organisation_id": world.red, "next_try_at": now(), "made_at": now(),
    }  # fmt: skip
    letter = Message(key="a", channel="letter", to=ADDRESS, **facts)
    call = Message(key="b", channel="call", to=PHONE, **facts)
    dead = Message(key="c", channel="email", state="dead", tries=8, fault="refused", to=EMAIL, **facts)
    merge = Merge(
        kept_id=own.id, gone_id=twin.id, asked_by_id=world.staff["colleague"], asked_at=now(),
        organisation_id=world.red,
    )  # fmt: skip
    link = ResidentLink(
        token_hash=staff_sessions.hash_of(LINKED), resident_id=own.id, made_at=now(),
        expires_at=now() + timedelta(minutes=15),
    )  # fmt: skip
    session.add_all([feedback, thanks, letter, call, dead, merge, link])
    session.add(JobRun(name="send", began_at=now(), fault="ConnectionError", failures=12))
    session.flush()
    long_ago = now() - timedelta(days=9)
    mine = TrayItem(
        message_id=call.id, organisation_id=world.red, kind="call", made_at=long_ago, owner_id=worker,
        taken_at=now(),
    )  # fmt: skip
    post = TrayItem(message_id=letter.id, organisation_id=world.red, kind="letter", made_at=long_ago)
    invitation = Invitation(
        organisation_id=world.red, email="somebody.with.a.long.name@a-long-domain.example", email_hash="0" * 64,
        roles="caseworker loan_coordinator", token_hash=staff_sessions.hash_of(INVITED),
        invited_by_id=world.staff["organisation_admin"], made_at=now(),
        expires_at=now() + timedelta(days=7),
    )  # fmt: skip
    session.add_all([mine, post, invitation])
    session.flush()
    return {
        "item_id": mine.id, "post": post.id, "feedback_id": feedback.id, "thanks": thanks.id, "merge_id": merge.id,
        "message_id": dead.id, "invitation_id": invitation.id,
    }  # fmt: skip


def settle(app: Flask, url: str, file: Path) -> StaffCity:
    """The World and what fills its lists, kept to come back to."""
    with app.app_context(), transaction() as session:
        world = build(session)
        ids = fill(session, world)
        # The request for whom a device is kept, so that the pages of its offer are there; and a report of a tool.
        offer = session.get_one(LoanOffer, world.rows["offer_id"]["own"])
        # Red Door sent it, so that the page of whoever sent it is there too.
        asked = session.get_one(LoanRequest, offer.request_id)
        asked.referrer_id, asked.staff_id = world.red, world.staff["caseworker"]
        report = keep_file(
            session, instance=app.extensions["settings"].instance, organisation_id=world.red, kind="wipe_report",
            data=b"serial,result\nSN-1,passed\n", staff_id=world.staff["loan_coordinator"], now=now(),
        )  # fmt: skip
        ids |= {"loan_request_id": offer.request_id, "evidence_id": report.id}
    city = StaffCity(app, url, world, ids, file)
    city.keep()
    return city
