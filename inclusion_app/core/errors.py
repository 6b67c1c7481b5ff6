"""What can go wrong on purpose, and the plain pages for it."""

from __future__ import annotations

from typing import Any


class RuleBroken(Exception):
    """A rule of the service says no. `message` is an N_ string shown to the person, at `field` when one is named.

    `params` fill the message's named places. Answered with 422, never 500.
    """

    def __init__(self, message: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = params
