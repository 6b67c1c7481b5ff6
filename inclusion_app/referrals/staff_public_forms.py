"""Putting a public referral on the record of the person it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import ValidationError

from inclusion_app.core import i18n
from inclusion_app.core.forms import OnceForm
from inclusion_app.people.choice_fields import AnyOf, FromList, words_of
from inclusion_app.people.queries import Line
from inclusion_app.people.staff_fields import NumberFromList
from inclusion_app.referrals.rules import SHARED
from inclusion_app.referrals.services.sending import CHOOSE_ITEMS, LEAST, SAY_YES
from inclusion_app.referrals.staff_public_words import NOBODY_CHOSEN, NOT_BOTH


class RecordForm(OnceForm):
    """Whose record it is, by my caseload or by their code; and what they said yes to."""

    resident = NumberFromList(_l("Somebody on my caseload"))
    person = StringField(_l("Or the code on their paper"))
    items = AnyOf(_l("What do they share with you for this?"))
    language = FromList(_l("In which language did you explain it?"))
    said_yes = BooleanField(_l("I read it to them and they said yes"))

    def offer(self, lines: Sequence[Line]) -> None:
        """Whom one looks after, and what can be shared; nothing is chosen beforehand."""
        named = [(line.id, line.name or _("Record %(number)s", number=line.id)) for line in lines]
        self.resident.choices = [(0, _("Choose")), *named]
        self.items.choices = words_of(SHARED)
        self.language.choices = [(one.slug, one.english_name) for one in i18n.released()]

    def validate_resident(self, field: Any) -> None:
        """One of the two ways to say whose record it is."""
        typed = bool((self.person.data or "").strip())
        if field.data and typed:
            raise ValidationError(_l(NOT_BOTH))
        if not field.data and not typed:
            raise ValidationError(_l(NOBODY_CHOSEN))

    def validate_items(self, field: Any) -> None:
        """Without a name or a way to reach them nobody could help."""
        if not LEAST & set(field.data or ()):
            raise ValidationError(_l(CHOOSE_ITEMS))

    def validate_said_yes(self, field: Any) -> None:
        """Without their yes nothing is shared."""
        if not field.data:
            raise ValidationError(_l(SAY_YES))
