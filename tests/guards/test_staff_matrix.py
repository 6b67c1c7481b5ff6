"""Every staff page × method × role × whose: the answers stand in git. What is not one's own answers like what is not."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.routing import Rule

from inclusion_app.accounts.rules import CITY_WIDE, ROLES
from inclusion_app.core import staff_sessions
from inclusion_app.core.access import is_staff_path
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.staff_sessions import StaffSession
from tests.conftest import Browser
from tests.factories.people import PIN
from tests.factories.world import CASES, TARGETS, World, build

MATRIX = Path(__file__).with_name("staff_matrix.txt")
PEOPLE = ("stranger", "resident", *ROLES)
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
# The titles of the columns: as short as they can be told apart.
SHORT = {
    "stranger": "strang", "resident": "reside", "caseworker": "casewo", "loan_coordinator": "loanco",
    "training_organiser": "traini", "organisation_admin": "orgadm", "safeguarding_lead": "safegu",
    "front_desk": "frontd", "places_editor": "places", "referrer": "referr", "group_facilitator": "groupf",
    "platform_admin": "platfo", "insights_viewer": "insigh", "data_protection": "datapr",
}  # fmt: skip


@dataclass
class City:
    """The world, and a browser for everybody in it. What a request changed is put back before the next."""

    app: Flask
    world: World
    file: Path
    kept: Path

    def browser(self, person: str) -> FlaskClient:
        """A fresh browser: nothing another request left in a cookie counts."""
        client = self.app.test_client()
        if person in self.world.tokens:
            with self.app.app_context():
                # So many pages take longer than a proof lasts: they have just signed in each time.
                with transaction() as session:
                    session.execute(update(StaffSession).values(proven_at=now(), last_used_at=now()))
                client.set_cookie(staff_sessions.cookie_name(), self.world.tokens[person])
        elif person == "resident":
            browser = Browser(self.app)
            browser.client = client
            assert browser.send("/come-back", code=self.world.codes["own"], pin=PIN).status_code == 303
        return client

    def keep(self) -> None:
        """This is the world to come back to."""
        with closing(sqlite3.connect(self.file)) as here, closing(sqlite3.connect(self.kept)) as then:
            here.backup(then)

    def put_back(self) -> None:
        """The world as it was kept."""
        with closing(sqlite3.connect(self.kept)) as then, closing(sqlite3.connect(self.file)) as here:
            then.backup(here)


@pytest.fixture
def city(app: Flask, tmp_path: Path) -> Iterator[City]:
    with app.app_context(), transaction() as session:
        world = build(session)
    made = City(app, world, tmp_path / "test.sqlite3", tmp_path / "kept.sqlite3")
    made.keep()
    yield made


def staff_rules(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if is_staff_path(rule.rule)]
    return sorted(found, key=lambda rule: rule.endpoint)


def addresses(city: City, rule: Rule) -> dict[str, str]:
    """The address for each case; one, called "-", for a page without an id."""
    adapter = city.app.url_map.bind("localhost")
    if not rule.arguments:
        return {"-": adapter.build(rule.endpoint)}
    strange = sorted(rule.arguments - TARGETS.keys())
    assert not strange, (
        f"{rule.rule} has {', '.join(strange)} in its address: say in TARGETS (tests/factories/world.py) which ids to ask for"
    )
    ids = {name: TARGETS[name](city.world) for name in rule.arguments}
    cases = [case for case in dict.fromkeys([*CASES, *(case for of in ids.values() for case in of)])
             if all(case in of for of in ids.values())]  # fmt: skip
    return {
        case: adapter.build(rule.endpoint, {name: of[case] for name, of in ids.items()}) for case in cases
    }


def token_of(client: FlaskClient, person: str) -> str:
    page = client.get("/staff" if person in ROLES else "/en/finish").get_data(as_text=True)
    found = TOKEN.search(page)
    assert found, f"no form for {person}"
    return found[1]


def send(city: City, client: FlaskClient, person: str, method: str, address: str) -> Any:
    """The answer to a look, or to an empty form with a good token."""
    if method == "GET":
        return client.get(address)
    return client.post(address, data={"csrf_token": token_of(client, person)})


def test_the_matrix_of_the_staff_is_what_git_says(city: City, tally: Any) -> None:
    lines = [f"{'endpoint':30} {'method':6} {'whose':10} " + " ".join(f"{SHORT[name]:>6}" for name in PEOPLE)]
    cells = 0
    browsers = {person: city.browser(person) for person in PEOPLE}
    for rule in staff_rules(city.app):
        for case, address in addresses(city, rule).items():
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                answers = []
                for person in PEOPLE:
                    status = send(city, browsers[person], person, method, address).status_code
                    answers.append(f"{status:>6}")
                    cells += 1
                    if method == "POST" and status < 400:
                        # It may have changed something, or ended the sign-in: the next one finds all as it was.
                        city.put_back()
                        browsers[person] = city.browser(person)
                lines.append(f"{rule.endpoint:30} {method:6} {case:10} " + " ".join(answers))
    tally("cells of the staff matrix", cells)
    found = "\n".join(lines) + "\n"
    assert found == MATRIX.read_text(), f"the staff matrix changed; now it is:\n{found}"


def bare(answer: Any) -> tuple[int, bytes, str]:
    """All of an answer but the token of its form, drawn anew each time, and the minute until which one is signed in."""
    body = re.sub(
        rb'(name="csrf_token" value="|signed in until |data-ends=")[^",<]+', rb"\1", answer.get_data()
    )
    return answer.status_code, body, answer.headers.get("Location", "")


# Whoever received a referral reads that there was one, and how it ended: nothing of the person any more.
FOLLOWED = {
    "referrals.referral", "referrals.act", "referrals.give_owner", "referrals.message_back", "referrals.message_back_text",
}  # fmt: skip


@pytest.mark.parametrize("case", ["other", "withdrawn", "kept"])
def test_what_is_not_ones_own_answers_byte_for_byte_like_what_does_not_exist(
    city: City, case: str, tally: Any
) -> None:
    pairs = 0
    for person in PEOPLE:
        client = city.browser(person)
        for rule in staff_rules(city.app):
            found = addresses(city, rule)
            if case not in found:
                continue
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                theirs = send(city, client, person, method, found[case])
                if theirs.status_code not in {403, 404} and not is_refused(theirs):
                    if case == "withdrawn" and rule.endpoint in FOLLOWED:
                        assert b"Canary" not in theirs.get_data(), (rule.endpoint, person)
                        continue
                    # Only those who reach the whole city may be shown it.
                    assert person in CITY_WIDE, (rule.endpoint, person, theirs.status_code)
                    if method == "POST":
                        city.put_back()
                        client = city.browser(person)
                    continue
                nobodys = send(city, client, person, method, found["unknown"])
                ours, unknown = bare(theirs), bare(nobodys)
                if theirs.status_code == 303:  # to the sign-in, and back to the address that was asked for
                    ours, unknown = (ours[0], ours[1] and b"", ""), (unknown[0], unknown[1] and b"", "")
                assert ours == unknown, (rule.endpoint, method, person)
                pairs += 1
    asked = [rule for rule in staff_rules(city.app) if case != "kept" or "booking_id" in rule.arguments]
    assert pairs or not asked
    tally(f"pairs of {case} and unknown, byte for byte", pairs)


def is_refused(answer: Any) -> bool:
    return answer.status_code == 303 and answer.headers["Location"].startswith("/staff/sign-in")


def test_the_matrix_knows_every_role() -> None:
    assert set(SHORT) == set(PEOPLE)
    assert len(set(SHORT.values())) == len(PEOPLE)
