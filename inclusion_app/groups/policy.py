"""Who may do what with a group. The load of each page gives a group only to its keepers and to its members."""

from __future__ import annotations

from typing import Any

from inclusion_app.core.access import Permission, Principal, permission


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
