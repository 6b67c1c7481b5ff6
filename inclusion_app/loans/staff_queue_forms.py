"""Forms of the queue: a question, a reason, a note, a time, another unit; the scheme and its quotas; asking for somebody.

`shown` says in which order a page shows the fields, and by which macro.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, OnceForm, lines_of
from inclusion_app.loans import rules
from inclusion_app.loans import staff_queue_words as words
from inclusion_app.loans.services import schemes
from inclusion_app.loans.services.requests_decide import NOTE_LENGTH, WHY_LENGTH
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of, words_of
from inclusion_app.people.contact import read_phone, show_phone
from inclusion_app.people.staff_fields import CountField, LineField, NumberFromList
from inclusion_app.people.staff_words import MISSING, TOO_LONG

Shown = tuple[tuple[str, str, Any], ...]


class ParagraphField(TextAreaField):
    """Some lines of words, which are needed."""

    data: str | None

    def __init__(self, label: Any, *, longest: int, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.longest = longest

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Refuse nothing, and what does not fit."""
        self.data = "\n".join(lines_of(self.data, self.longest * 4))
        if not self.data:
            raise ValidationError(_l(MISSING))
        if len(self.data) > self.longest:
            raise ValidationError(_l(TOO_LONG))


class FilterForm(BaseForm):
    """Which requests the list shows."""

    state = SelectField(_l("Show"), choices=words_of(words.SHOWN))
    model = SelectField(_l("Device"), coerce=number_of)
    place = SelectField(_l("Fetched at"), coerce=number_of)


class QuestionForm(BaseForm):
    """What is asked before a decision."""

    question = OneOf(_l("What do you ask?"), choices=words_of(words.QUESTIONS))
    shown: Shown = (
        ("options", "question", _l("They read it in their language, by the way they chose.")),
    )  # fmt: skip


class DeclineForm(BaseForm):
    """Why not."""

    reason = OneOf(_l("Why not?"), choices=words_of(words.DECLINED))
    shown: Shown = (
        ("options", "reason", _l("No papers, bank account, fixed address or e-mail is never a reason.")),
    )  # fmt: skip


class FirstForm(BaseForm):
    """Why somebody comes before all others."""

    why = ParagraphField(_l("Why do they come first?"), longest=WHY_LENGTH)
    shown: Shown = (
        ("area", "why", _l("Your reason stands in the record. Write nothing of health or safety.")),
    )  # fmt: skip


class NoteForm(OnceForm):
    """A note about the loan."""

    words = ParagraphField(_l("Note"), longest=NOTE_LENGTH)
    shown: Shown = (("area", "words", _l("About the loan only: nothing of needs, health or safety.")),)


class NoForm(BaseForm):
    """What becomes of the request of somebody who says no."""

    keep = OneOf(_l("What do they want?"), choices=words_of(words.KEEP_OR_END))
    shown: Shown = (("options", "keep", ""),)


class TimeForm(BaseForm):
    """When it is fetched, of the free times of one place."""

    slot = FromList(_l("Time"), choices=[])
    shown: Shown = (
        ("select", "slot", _l("Half hours in which staff are there. Times that are full are left out.")),
    )


class PlaceForm(BaseForm):
    """At which place."""

    place = NumberFromList(_l("Place"))


class BringForm(BaseForm):
    """Where it is brought."""

    address = ParagraphField(_l("Where do we bring it?"), longest=200)
    shown: Shown = (
        ("area", "address", _l("Care of somebody, or a meeting place, is fine. It is deleted after the hand-over.")),
    )  # fmt: skip


class SwapForm(BaseForm):
    """Another ready unit of the same model."""

    unit = NumberFromList(_l("Which one instead?"))
    shown: Shown = (("select", "unit", _l("Ready units of the same model that are kept for nobody.")),)


class SchemeForm(BaseForm):
    """How the scheme lends."""

    is_open = BooleanField(_l("Residents can ask now"))
    phone = LineField(_l("Phone for residents"), longest=40)
    offer_days = CountField(_l("Days to answer an offer"), least=1, most=14)
    hold_days = CountField(_l("Days between a return and its wipe"), least=0, most=30)
    max_renewals = CountField(_l("How often a loan can be kept longer"), least=0, most=9)
    no_device = CountField(_l(rules.REASONS["no_device"]), least=0, most=50)
    deadline = CountField(_l(rules.REASONS["deadline"]), least=0, most=50)
    disability = CountField(_l(rules.REASONS["disability"]), least=0, most=50)
    children = CountField(_l(rules.REASONS["children"]), least=0, most=50)
    unsafe = CountField(_l(rules.REASONS["unsafe"]), least=0, most=50)

    def validate_phone(self, field: LineField) -> None:
        """Pages say “Please phone us”: so there is a number while residents can ask, and it is one."""
        if not field.data:
            if self.is_open.data:
                raise ValidationError(_l(words.NEEDS_PHONE))
            return
        try:
            field.data = show_phone(read_phone(field.data))
        except RuleBroken as broken:
            raise ValidationError(_l(broken.message)) from None

    @property
    def reasons(self) -> dict[str, CountField]:
        """The field of each reason."""
        return {name: self._fields[name] for name in rules.REASONS}

    def show(self, scheme: Any) -> None:
        """What is set now."""
        self.is_open.data, self.phone.data = scheme.is_open, scheme.phone
        for name in ("offer_days", "hold_days", "max_renewals"):
            self._fields[name].data = str(getattr(scheme, name))
        for name, field in self.reasons.items():
            field.data = str(scheme.points.get(name, 0))

    def facts(self) -> schemes.SchemeFacts:
        """What was typed, once it was found valid."""
        return schemes.SchemeFacts(
            is_open=bool(self.is_open.data), phone=self.phone.data or "",
            points={name: field.count or 0 for name, field in self.reasons.items()},
            offer_days=self.offer_days.count or 1, hold_days=self.hold_days.count or 0,
            max_renewals=self.max_renewals.count or 0,
        )  # fmt: skip


class QuotaForm(OnceForm):
    """A share for an area, or for who comes through one organisation."""

    ward = FromList(_l("Area"))
    referrer_id = NumberFromList(_l("Or through an organisation"))
    share = CountField(_l("Devices of each 100"), least=1, most=100)
    shown: Shown = (
        ("select", "ward", ""),
        ("select", "referrer_id", _l("Choose one of the two.")),
        ("count", "share", ""),
    )

    def offer(self, wards: Sequence[tuple[str, str]], organisations: Sequence[tuple[int, str]]) -> None:
        """The areas and organisations there are."""
        self.ward.choices = [("", "–"), *wards]
        self.referrer_id.choices = [(0, "–"), *organisations]


class AskForForm(BaseForm):
    """What a caseworker asks for, with the person beside them."""

    form_key = StringField()
    model = OneOf(_l("Which device?"), missing=words.NO_MODEL)
    purposes = AnyOf(_l("What for?"), choices=words_of(rules.PURPOSES))
    whom = OneOf(_l("Who will use it?"), choices=words_of(rules.WHOM), default="me")
    wants_data = BooleanField(_l("They need data for the internet too"))
    reasons = AnyOf(_l("What is true for them?"), choices=words_of(rules.REASONS))
    settings = AnyOf(_l("How should it be set?"), choices=words_of(rules.SETTINGS))
    place = FromList(_l("Where can they fetch it?"))
    consent = BooleanField(_l("I read this to them, and they said yes"))
    shown: Shown = (
        ("options", "model", ""),
        ("boxes", "purposes", ""),
        ("options", "whom", _l("As the person would say it.")),
        ("one_box", "wants_data", ""),
        ("boxes", "reasons", _l("Ask, and look at no papers. What they do not want to say stays empty.")),
        ("boxes", "settings", ""),
        ("select", "place", ""),
    )

    def validate_place(self, field: FromList) -> None:
        """Nobody is put down for a delivery because nobody looked."""
        if not field.data:
            raise ValidationError(_l(words.CHOOSE_PLACE))

    def validate_consent(self, field: BooleanField) -> None:
        """Nothing is shared without their yes."""
        if not field.data:
            raise ValidationError(_l(words.NOT_SPOKEN))
