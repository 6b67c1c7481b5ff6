"""Who may do what with a group. The load of each page gives a group only to its keepers and to its members.

A facilitator of the staff reaches the groups that gave them their code, by the table below, until the group ends it: what the
group has in common, never who is in it, nor anybody's plan.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists

from inclusion_app.core.access import Permission, Principal, permission
from inclusion_app.core.permissions import PermissionTable, Scope
from inclusion_app.groups.models import Group, GroupFacilitator


def _keeps(_principal: Principal, seen: Any) -> bool:
    return bool(seen.keeps)


def _has_groups(principal: Principal, _obj: Any) -> bool:
    return principal.group_id is not None or principal.kind == "resident"


# What a group is, making one, opening one, and asking to join: anybody may; a secret or a plan decides the rest.
LOOK = permission("group.look", "stranger", "visit", "code", "resident")
MINE = Permission("group.mine", _has_groups)
READ = Permission("group.read", lambda _principal, seen: bool(seen.keeps or seen.member))
KEEP = Permission("group.keep", _keeps)
# Leaving asks nothing of the group: who is out already is out.
LEAVE = permission("group.leave", "resident")


def _helps(principal: Principal) -> ColumnElement[bool]:
    return exists().where(
        GroupFacilitator.group_id == Group.id,
        GroupFacilitator.staff_id == principal.staff_id,
        GroupFacilitator.organisation_id == principal.organisation_id,
        GroupFacilitator.ended_at.is_(None),
    )


GROUPS = PermissionTable(
    Group, {"group.help": {"group_facilitator": Scope("groups that gave them their code", _helps)}}
)
HELP = GROUPS.permission("group.help")
