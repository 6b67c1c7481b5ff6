"""Fields of the stock pages: words of a table, a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inclusion_app.core.words import N_
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, words_of

NO_DAY = N_("Type a real day: day, month, year.")


class _OfTable:
    """Choices from a table of words."""

    def __init__(self, label: Any, *, table: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(label, choices=[], **kwargs)  # type: ignore[call-arg]
        self.choices = words_of(table)


class OneOfWords(_OfTable, OneOf):
    """Radio buttons of a table; one must be chosen."""


class AnyOfWords(_OfTable, AnyOf):
    """Checkboxes of a table."""


class WordFromList(_OfTable, FromList):
    """A list to choose a word of a table from."""
