"""Each page of the staff that shows somebody writes one row of it, each other page none; and no page shows without."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from werkzeug.routing import Rule

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people import contact
from inclusion_app.people.models import ContactRoute, Feedback, Resident
from tests.factories.world import TARGETS
from tests.guards import test_staff_matrix as matrix
from tests.guards.test_staff_matrix import City
from tests.people.world import PHONE

# Planted in what is kept of the residents of the world. None of it may be shown by a page that writes no row.
CANARY = "canaryplanted"
NAMES = "Canary "  # as tests/factories/world.py calls them
city = matrix.city


def plant(city: City) -> dict[str, dict[str, Any]]:
    """Facts in every part of each resident, and a complaint of one."""
    with city.app.app_context(), transaction() as session:
        for number in city.world.residents.values():
            person = session.get_one(Resident, number)
            person.nickname = person.address = f"{CANARY} lane"
            person.safe_contact = {"interpreters_to_avoid": f"{CANARY} uncle"}
            for place, (kind, value) in enumerate(
                (("email", f"{CANARY}@example.org"), ("call", PHONE)), 2
            ):  # the world has a first
                session.add(
                    ContactRoute(
                        resident_id=number, position=place, kind=kind, value=value,
                        value_hash=contact.hash_of_value(value), made_at=person.made_at,
                    )
                )  # fmt: skip
        own, moment = city.world.residents["own"], now()
        to = {"of the organisation": city.world.red, "of the city": None}
        letters = {
            name: Feedback(
                resident_id=own, organisation_id=where, kind="complaint", words=f"{CANARY} words", language="en",
                made_at=moment,
            )
            for name, where in to.items()
        }  # fmt: skip
        message = Message(
            key="call", template="request_done", language="en", params={}, resident_id=own,
            organisation_id=city.world.red, channel="call", to=PHONE, next_try_at=moment, made_at=moment,
        )  # fmt: skip
        session.add_all([*letters.values(), message])
        session.flush()
        item = TrayItem(message_id=message.id, organisation_id=city.world.red, kind="call", made_at=moment)
        session.add(item)
        session.flush()
        found = {
            "feedback_id": {name: row.id for name, row in letters.items()},
            "item_id": {"own": item.id},
            "token": {"unknown": "x" * 43},
        }
    city.keep()
    return found


def addresses(city: City, rule: Rule, planted: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The address of each thing a page can be asked for."""
    adapter = city.app.url_map.bind("localhost")
    if not rule.arguments:
        return {"-": adapter.build(rule.endpoint)}
    ids = {name: planted.get(name) or TARGETS[name](city.world) for name in rule.arguments}
    cases = dict.fromkeys(case for of in ids.values() for case in of)
    return {
        case: adapter.build(rule.endpoint, {name: of[case] for name, of in ids.items()})
        for case in cases
        if all(case in of for of in ids.values())
    }


def rows_in(city: City) -> int:
    with city.app.app_context(), transaction() as session:
        return session.scalar(select(func.count(AuditRow.id))) or 0


def test_a_page_of_the_staff_writes_one_row_when_it_shows_somebody_and_else_none(
    city: City, tally: Any
) -> None:
    planted = plant(city)
    codes = [code.lower() for code in city.world.codes.values()]
    pages = shown = 0
    wrong = []
    for role in ROLES:
        client = city.browser(role)
        for rule in matrix.staff_rules(city.app):
            if "GET" not in (rule.methods or ()):
                continue
            reads = city.app.view_functions[rule.endpoint].reads  # type: ignore[attr-defined]
            for case, address in addresses(city, rule, planted).items():
                before = rows_in(city)
                answer = client.get(address)
                grown = rows_in(city) - before
                pages += 1
                expected = 1 if reads and answer.status_code in {200, 422} else 0
                if grown != expected:
                    wrong.append(f"{role} {address} ({case}): {answer.status_code}, {grown} rows")
                said = answer.get_data(as_text=True)
                facts = said.lower().replace("-", "").replace(" ", "")
                title = said.partition("<title>")[2].partition("</title>")[0]
                if CANARY in title or NAMES in title or CANARY in address:
                    wrong.append(f"{role} {address}: a fact of a person in its title or address")
                if CANARY in said or NAMES in said or any(code in facts for code in codes):
                    shown += 1
                    if not grown:
                        wrong.append(f"{role} {address} ({case}) shows somebody and writes no row")
    assert not wrong, "\n".join(wrong)
    assert shown > 10
    tally("pages of the staff, one row for each that shows somebody", pages)
