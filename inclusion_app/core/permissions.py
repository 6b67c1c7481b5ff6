"""One table per room says which role may do what on which rows. Check of one and filter of a list come from it.

A scope is a condition in SQL for one principal. The list takes the rows for which it holds; the check of a single row
asks the very same condition for that row. So a list never shows what its page refuses, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, StaffRight
from inclusion_app.core.db import db_session


@dataclass(frozen=True)
class Scope:
    """Which rows a role reaches; `where` gives the condition for one principal."""

    name: str
    where: Callable[[Principal], ColumnElement[bool]]


EVERY_ROW = Scope("every row", lambda _principal: true())


@dataclass(frozen=True)
class TableRight(StaffRight):
    """A right that stands in the table of a room. An object it is asked for has the `id` of its row."""

    held_by: tuple[str, ...] = ()

    def roles(self, principal: Principal) -> list[str]:
        """The roles of this principal that hold the right on any row, in the order of the table."""
        return [role for role in self.held_by if role in principal.roles]


def role_right(name: str, *held_by: str) -> TableRight:
    """A right of the staff in these roles over no row: their page loads nothing of anybody by it."""
    return TableRight(
        name,
        lambda principal, _row: principal.kind == "staff" and not principal.roles.isdisjoint(held_by),
        held_by,
    )


class PermissionTable:
    """`grid` maps a right (`resource.action`) to the roles that hold it and the rows of `model` each reaches.

    What stands nowhere is denied. `model` is a mapped class with an `id`.
    """

    def __init__(self, model: type[Any], grid: Mapping[str, Mapping[str, Scope]]) -> None:
        self.model = model
        self.grid = grid

    def permission(self, name: str) -> TableRight:
        """The right of this name, for `Room.page(allow=…)`. A name outside the table fails at import (KeyError)."""
        held_by = tuple(self.grid[name])

        def grants(principal: Principal, row: Any) -> bool:
            if not principal.roles & set(held_by):
                return False
            return row is None or self.allows(db_session(), name, principal, row.id)

        return TableRight(name, grants, held_by)

    def rows(self, name: str, principal: Principal) -> ColumnElement[bool]:
        """The list filter: true for the rows this principal reaches by any of their roles."""
        scopes = [scope for role, scope in self.grid[name].items() if role in principal.roles]
        return or_(false(), *(scope.where(principal) for scope in scopes))

    def allows(self, session: Session, name: str, principal: Principal, row_id: int) -> bool:
        """The check of one row: the list filter, asked for it alone."""
        asked = select(self.model.id).where(self.model.id == row_id, self.rows(name, principal))
        return session.scalar(asked) is not None
