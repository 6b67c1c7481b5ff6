"""The transition-table type: which state may follow which. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class ForbiddenMove(ValueError):
    """The table does not know this move."""


@dataclass(frozen=True)
class Lifecycle:
    """A named table of allowed moves: state → states that may follow."""

    name: str
    moves: Mapping[str, frozenset[str]]

    def allows(self, before: str, after: str) -> bool:
        """True when the table knows this move."""
        return after in self.moves.get(before, frozenset())

    def check(self, before: str, after: str) -> None:
        """Raise ForbiddenMove unless the table knows this move."""
        if not self.allows(before, after):
            raise ForbiddenMove(f"{self.name}: {before} → {after}")
