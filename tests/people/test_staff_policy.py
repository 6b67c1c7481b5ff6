"""Who may what with glasses, requests and the record: the list and the check agree, and both with a hand-written list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.permissions import PermissionTable
from inclusion_app.people.models import Restriction
from inclusion_app.people.policy import (
    GLASS_TABLE,
    HAND_OVER,
    RECORD,
    RECORD_TABLE,
    REQUEST_TABLE,
    TABLE,
)
from inclusion_app.people.rules import GLASS_ASKED_FOR
from tests.factories.world import World, build, make_glass

# (right, role) → the rows it reaches, by their name in the world. What stands nowhere reaches nothing.
GLASSES = {
    ("glass.break", "caseworker"): {"mine of caseworker"},
    ("glass.break", "safeguarding_lead"): {"mine of safeguarding_lead"},
    ("glass.break", "platform_admin"): {"mine of platform_admin"},
    ("glass.agree", "safeguarding_lead"): {"asked"},
    ("glass.agree", "data_protection"): {"asked"},
    ("glass.agree", "platform_admin"): {"asked"},
    ("glass.review", "safeguarding_lead"): {"own", "mine of caseworker", "agreed by another"},
    ("glass.review", "data_protection"): {
        "own", "other", "mine of caseworker", "mine of safeguarding_lead", "agreed by another", "agreed by the lead",
    },
    ("glass.see", "caseworker"): {"mine of caseworker"},
    ("glass.see", "safeguarding_lead"): {
        "mine of safeguarding_lead", "asked", "own", "mine of caseworker", "agreed by another",
    },
    ("glass.see", "platform_admin"): {"mine of platform_admin", "asked"},
    ("glass.see", "data_protection"): {
        "asked", "own", "other", "mine of caseworker", "mine of safeguarding_lead", "agreed by another",
        "agreed by the lead",
    },
}  # fmt: skip
REQUESTS = {
    ("request.keep", "data_protection"): {"own", "closed"},
    ("request.person", "data_protection"): {"own"},
}
RESIDENTS = {
    ("resident.reissue", "caseworker"): {"own"},
    ("resident.list", "safeguarding_lead"): {"own"},
    ("resident.present", "front_desk"): set[str](),
}


@pytest.fixture
def world(app: Flask) -> World:
    with app.app_context(), transaction() as session:
        made = build(session)
        for role in ("caseworker", "safeguarding_lead", "platform_admin"):
            # Given up before anybody agreed, for a platform admin; over, for the others.
            begun: dict[str, Any] = {"began_at": None, "asked_at": now()} if role == "platform_admin" else {}
            made.glasses[f"mine of {role}"] = make_glass(
                session, resident_id=made.residents["own"], staff_id=made.staff[role], organisation_id=made.red,
                role=role, **begun,
            )  # fmt: skip
        colleague, admin = made.staff["colleague"], made.staff["another admin"]
        glass = {"resident_id": made.residents["own"], "organisation_id": made.red, "role": "platform_admin"}
        # Whoever agreed to it does not review it; and nobody agrees to what was asked for longer ago than it waits.
        for name, second in (("another", colleague), ("the lead", made.staff["safeguarding_lead"])):
            made.glasses[f"agreed by {name}"] = make_glass(session, staff_id=admin, second_id=second, **glass)
        made.glasses["asked too long ago"] = make_glass(
            session, staff_id=colleague, began_at=None, open_slot=colleague, **glass,
            asked_at=now() - GLASS_ASKED_FOR - timedelta(minutes=1),
        )  # fmt: skip
        return made


def principal(world: World, role: str) -> Principal:
    return Principal("staff", staff_id=world.staff[role], organisation_id=world.red, roles=frozenset({role}))


@pytest.mark.parametrize("role", ROLES)
def test_list_and_check_agree_with_what_was_written_by_hand(
    app: Flask, world: World, role: str, tally: Any
) -> None:
    cells = 0
    asked: tuple[tuple[PermissionTable, dict[str, int], dict[tuple[str, str], set[str]]], ...] = (
        (GLASS_TABLE, world.glasses, GLASSES),
        (REQUEST_TABLE, world.requests, REQUESTS),
        (TABLE, world.residents, RESIDENTS),
    )
    me = principal(world, role)
    with app.app_context(), transaction() as session:
        for table, rows, expected in asked:
            rights = table.grid if table is not TABLE else {right for right, _role in expected}
            for right in rights:
                listed = set(session.scalars(select(table.model.id).where(table.rows(right, me))))
                checked = {number for number in rows.values() if table.allows(session, right, me, number)}
                by_hand = {rows[name] for name in expected.get((right, role), ())}
                assert listed & set(rows.values()) == checked == by_hand, (right, role)
                cells += len(rows)
        everything = set(session.scalars(select(AuditRow.id)))
        shown = set(session.scalars(select(AuditRow.id).where(RECORD_TABLE.rows("record.read", me))))
        assert shown == (everything if role == "data_protection" else set())
    tally("cells of list filter and check, desk and glass", cells)


def test_a_new_record_and_a_handing_on_are_rights_of_one_role_of_the_staff(world: World) -> None:
    for right, holder in ((RECORD, "caseworker"), (HAND_OVER, "organisation_admin")):
        for role in ROLES:
            assert right.grants(principal(world, role), None) == (role == holder)
        assert not right.grants(Principal("resident", resident_id=1, roles=frozenset({holder})), None)


def test_who_acts_for_another_organisation_has_nothing_of_this_one(app: Flask, world: World) -> None:
    with app.app_context(), transaction() as session:
        for role in ("caseworker", "safeguarding_lead"):
            me = Principal(
                "staff", staff_id=world.staff[role], organisation_id=world.blue, roles=frozenset({role})
            )
            assert not GLASS_TABLE.allows(session, "glass.see", me, world.glasses[f"mine of {role}"])
            assert not GLASS_TABLE.allows(session, "glass.break", me, world.glasses[f"mine of {role}"])


def test_who_is_kept_from_a_person_lists_and_reissues_nothing(app: Flask, world: World) -> None:
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=world.residents["own"], organisation_id=world.red, made_at=now()))
    with app.app_context(), transaction() as session:
        for right, role in RESIDENTS:
            assert not session.scalars(
                select(TABLE.model.id).where(TABLE.rows(right, principal(world, role)))
            ).all()
