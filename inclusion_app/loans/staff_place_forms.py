"""A place to choose: one of the scheme's own, or any other by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, OnceForm, one_line
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.staff_queries import places_named
from inclusion_app.people.choice_fields import number_of
from inclusion_app.places.models import Place


class PlaceList(SelectField):
    """A list of places by their numbers. What is in no list is 0: another place, by its name."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, coerce=number_of, validate_choice=False, **kwargs)


class PlaceForm(BaseForm):
    """Which place?"""

    place = PlaceList(_l("Place"), choices=[])
    other = StringField(_l("Another place, by its name"))

    def offer(self, places: Sequence[Place]) -> None:
        """Put these places into the list, and a line for any other: of several none is chosen because nobody looked."""
        rows, other = [(one.id, one.name) for one in places], (0, _l(words.ANOTHER_PLACE))
        self.place.choices = [other, *rows] if len(rows) > 1 else [*rows, other]

    def chosen(self, session: Session, places: Sequence[Place]) -> Place:
        """The place that was meant. Raises RuleBroken for none, for a name nobody has, and for one that many have."""
        known = next((one for one in places if one.id == self.place.data), None)
        typed = one_line((self.other.data or "")[:300])
        if known is not None and not typed:
            return known
        if not typed:
            raise RuleBroken(words.NO_PLACE, field="place")
        found = places_named(session, typed)
        if not found:
            raise RuleBroken(words.PLACE_UNKNOWN, field="other")
        if len(found) > 1:
            raise RuleBroken(words.PLACES_MANY, field="other", names=", ".join(one.name for one in found))
        return found[0]


class PlaceOnceForm(PlaceForm, OnceForm):
    """The same, for a page that makes something."""
