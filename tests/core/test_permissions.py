"""One table gives the check of a row and the filter of a list; nothing that stands nowhere is granted."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, true

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.access import Principal
from inclusion_app.core.db import transaction
from inclusion_app.core.permissions import EVERY_ROW, PermissionTable, Scope
from tests.factories.accounts import make_organisation

OWN = Scope("own organisation", lambda principal: Organisation.id == principal.organisation_id)
TABLE = PermissionTable(
    Organisation, {"thing.see": {"caseworker": OWN, "platform_admin": EVERY_ROW}, "thing.burn": {}}
)


def staff(organisation_id: int, *roles: str) -> Principal:
    return Principal("staff", staff_id=1, organisation_id=organisation_id, roles=frozenset(roles))


@pytest.mark.parametrize("right", ["thing.see", "thing.burn"])
@pytest.mark.parametrize(
    "roles", [(), ("caseworker",), ("platform_admin",), ("caseworker", "platform_admin")]
)
def test_the_list_and_the_check_of_each_row_agree(app: Flask, right: str, roles: tuple[str, ...]) -> None:
    with app.app_context(), transaction() as session:
        own, other = make_organisation(session), make_organisation(session)
        principal = staff(own.id, *roles)
        listed = set(session.scalars(select(Organisation.id).where(TABLE.rows(right, principal))))
        checked = {row.id for row in (own, other) if TABLE.allows(session, right, principal, row.id)}
        assert listed == checked
        expected = {own.id} if "caseworker" in roles else set()
        expected = {own.id, other.id} if "platform_admin" in roles else expected
        assert checked == (expected if right == "thing.see" else set())


def test_a_right_outside_the_table_stops_the_import() -> None:
    with pytest.raises(KeyError):
        TABLE.permission("thing.sea")


def test_a_right_of_another_role_is_refused_before_any_row_is_looked_at() -> None:
    def never(_principal: Principal) -> object:
        raise AssertionError("asked the database")

    table = PermissionTable(Organisation, {"thing.see": {"caseworker": Scope("never", never)}})  # type: ignore[arg-type]
    right = table.permission("thing.see")
    assert not right.may_at_all(staff(1, "front_desk"))
    assert not right.grants(staff(1, "front_desk"), Organisation(id=1))
    assert right.may_at_all(staff(1, "caseworker"))


def test_roles_stand_in_the_order_of_the_table() -> None:
    table = PermissionTable(
        Organisation, {"x.y": {"referrer": EVERY_ROW, "caseworker": Scope("all", lambda _p: true())}}
    )
    assert table.permission("x.y").roles(staff(1, "caseworker", "referrer")) == ["referrer", "caseworker"]
