"""Who may look after which organisation: the list filter and the check of one row agree on every cell."""

from __future__ import annotations

import itertools

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.accounts.models import Organisation
from inclusion_app.accounts.policy import TABLE
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.db import transaction
from tests.factories.accounts import make_organisation

OWN_ONLY = {
    "organisation.manage": {"organisation_admin"},
    "organisation.export": {"organisation_admin"},
    "organisation.reads": {"organisation_admin"},
    "organisation.share": {"organisation_admin"},
    "organisation.run": set(),
    "record.verify": set(),
}
EVERY = {
    "organisation.manage": {"platform_admin"},
    "organisation.export": set(),
    "organisation.reads": set(),
    "organisation.share": {"platform_admin"},
    "organisation.run": {"platform_admin"},
    "record.verify": {"platform_admin"},
}


@pytest.mark.parametrize("right", sorted(TABLE.grid))
def test_list_and_check_agree_for_every_role_and_organisation(app: Flask, right: str) -> None:
    with app.test_request_context(), transaction() as session:
        mine, theirs = make_organisation(session), make_organisation(session)
        pairs = [(), *((role,) for role in ROLES), *itertools.combinations(ROLES, 2)]
        for roles in pairs:
            principal = Principal("staff", staff_id=1, organisation_id=mine.id, roles=frozenset(roles))
            listed = set(session.scalars(select(Organisation.id).where(TABLE.rows(right, principal))))
            for row in (mine, theirs):
                assert (row.id in listed) == TABLE.allows(session, right, principal, row.id), (roles, row.id)
            held = set(roles)
            wanted = (
                {mine.id, theirs.id}
                if held & EVERY[right]
                else {mine.id}
                if held & OWN_ONLY[right]
                else set()
            )
            assert listed == wanted, (right, roles)
            assert TABLE.permission(right).may_at_all(principal) == bool(
                held & (EVERY[right] | OWN_ONLY[right])
            )
