"""The pages of the form to ask for a device. Nothing must be typed; what is not asked for need not be said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.words import N_
from inclusion_app.loans.models import DeviceModel
from inclusion_app.loans.queries import Near
from inclusion_app.loans.rules import CHANGED, FAULTS, PURPOSES, REASONS, SETTINGS, WHOM
from inclusion_app.loans.wording import model_words
from inclusion_app.people import contact
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf
from inclusion_app.people.forms import ChosenSecretForm
from inclusion_app.people.rules import NICKNAME_LENGTH, ROUTES, WITH_VALUE
from inclusion_app.places import wording as place_words

CHOOSE_DEVICE = N_("Choose a device.")
CHOOSE_PLACE = N_("Choose where you can fetch it.")
TYPED_FOR_NOTHING = N_("Choose above how we may use this. Or leave it empty.")
SAY_WHERE = N_("Type the number or address for this way. Or choose another way.")
ADULT_NEEDED = N_("Under 13? Then give the phone or address of an adult.")
TOO_LONG = N_("This is too long. Use %(most)s letters at most.")
ADDRESS_LENGTH = 200
SKIP, BRING, NO_WAY = "skip", "bring", "none"
ANSWERS = {"yes": N_("Yes"), "no": N_("No"), SKIP: N_("I do not want to say")}
AGES = {"under_13": N_("Under 13"), "13_15": N_("13 to 15"), "16_over": N_("16 or over")}
CANNOT_COME = N_("I cannot come. Somebody has to bring it.")
LOOK_MYSELF = N_("Not at all. I look at the page of my code.")
# Ways to reach an adult; through a caseworker nobody at home is reached.
REACHES_ADULT = WITH_VALUE | {"letter"}
LOST = {
    "lost": N_("I lost it"),
    "stolen": N_("Somebody stole it"),
    "left_home": N_("I had to leave without it"),
}


class WhatForm(BaseForm):
    """Page 1: which device, what for, for whom."""

    model = OneOf(_l("Which one do you need?"), missing=CHOOSE_DEVICE)
    purposes = AnyOf(_l("What do you need it for?"))
    whom = OneOf(_l("Who will use it?"), default="me")
    wants_data = BooleanField(_l("I need data for the internet too"))

    def offer(self, models: Sequence[DeviceModel]) -> None:
        """What can be borrowed now."""
        self.model.choices = [SelectChoice(str(model.id), _title(model)) for model in models]
        self.purposes.choices = _choices(PURPOSES)
        self.whom.choices = _choices(WHOM)


def _title(model: DeviceModel) -> Markup | str:
    words = model_words(model)
    if not words.is_other:
        return words.title
    return Markup('<bdi lang="{}" dir="{}">{}</bdi>').format(words.tag, words.dir, words.title)


class WhyForm(BaseForm):
    """Page 2: what makes somebody come sooner. Each may be left out."""

    no_device = OneOf("", default=SKIP)
    deadline = OneOf("", default=SKIP)
    disability = OneOf("", default=SKIP)
    children = OneOf("", default=SKIP)
    unsafe = OneOf("", default=SKIP)

    def offer(self) -> None:
        """The questions in their order, each with yes, no, and no answer."""
        for name, field in self.reasons.items():
            field.label.text = _(REASONS[name])
            field.choices = _choices(ANSWERS)

    @property
    def reasons(self) -> dict[str, Any]:
        """The field of each reason."""
        return {name: self._fields[name] for name in REASONS}

    @property
    def answers(self) -> dict[str, bool]:
        """What was answered; what was left out is not in it."""
        return {name: field.data == "yes" for name, field in self.reasons.items() if field.data != SKIP}


class HowForm(BaseForm):
    """Page 3: how it is set, where to fetch it, how to reach somebody."""

    settings = AnyOf(_l("How should we set it for you?"))
    place = OneOf(_l("Where can you fetch it?"), missing=CHOOSE_PLACE)
    name = StringField(_l("First name or nickname, if you like"))
    age = FromList(_l("How old are you?"), default="")
    contact_kind = OneOf(_l("How may we reach you?"), default=NO_WAY)
    contact = StringField(_l("Phone number, email or address"))
    is_adults = BooleanField(_l("It is the phone or address of a parent, a carer or another adult"))
    is_discreet = BooleanField(_l("No message may name this service"))
    keep_area = BooleanField(_l("Tell them my area"))

    def offer(
        self, places: Sequence[Near], channels: Collection[str], *, asks_contact: bool, asks_age: bool
    ) -> None:
        """The places of the scheme, the nearest first, and the ways that are set up. What is known is not asked again."""
        self.settings.choices = _choices(SETTINGS)
        self.place.choices = [
            *(SelectChoice(str(near.place.id), _place_words(near)) for near in places),
            SelectChoice(BRING, _(CANNOT_COME)),
        ]
        self.age.choices = [("", _("No answer")), *_choices(AGES)]
        ways = {way: words for way, words in ROUTES.items() if way in channels and way != "caseworker"}
        self.contact_kind.choices = [*_choices(ways), SelectChoice(NO_WAY, _(LOOK_MYSELF))]
        if not places:
            self.place.data = BRING
        if not asks_age:
            self.age.data = ""
        if not asks_contact:
            self.contact_kind.data, self.contact.data, self.is_adults.data = NO_WAY, "", False
            self.is_discreet.data = False

    def validate_name(self, field: StringField) -> None:
        """A first name will do."""
        _cut(field, NICKNAME_LENGTH)

    def validate_contact(self, field: StringField) -> None:
        """A number or an address of the way that was chosen."""
        kind, typed = self.contact_kind.data, one_line(field.data)
        if kind == NO_WAY:
            if typed:
                raise ValidationError(_l(TYPED_FOR_NOTHING))
            return
        if not typed:
            raise ValidationError(_l(SAY_WHERE))
        _cut(field, ADDRESS_LENGTH)
        if kind in WITH_VALUE:
            try:
                contact.read_value(kind, typed)
            except RuleBroken as broken:
                raise ValidationError(_l(broken.message, **broken.params)) from None

    def validate_age(self, field: FromList) -> None:
        """A child under 13 is reached through an adult."""
        through_adult = self.contact_kind.data in REACHES_ADULT and self.is_adults.data
        if field.data == "under_13" and not through_adult:
            raise ValidationError(_l(ADULT_NEEDED))


def _place_words(near: Near) -> Markup:
    far = place_words.metres_words(near.metres, from_edge=False)
    name = Markup('<bdi lang="en">{}</bdi>').format(near.place.name)
    return Markup("{}. {}").format(name, far) if far else name


class SendForm(ChosenSecretForm):
    """Page 4: the PIN or pictures of whoever has no plan yet. Whoever has one open only presses the button."""


class BrokenForm(BaseForm):
    """What is wrong with a device somebody has."""

    fault = FromList(_l("What is wrong?"))

    def offer(self) -> None:
        """What can be wrong with a machine."""
        self.fault.choices = _choices(FAULTS)


class LostForm(BaseForm):
    """What became of a device somebody had."""

    cause = OneOf(_l("What happened?"))

    def offer(self) -> None:
        """What can happen; nobody is asked for more."""
        self.cause.choices = _choices(LOST)


class BringForm(BaseForm):
    """Where a device is brought."""

    address = StringField(_l("Where should we bring it?"))


class OutcomeForm(BaseForm):
    """How it went; nothing has to be chosen."""

    used_for = AnyOf(_l("What did you use it for?"))
    changed = AnyOf(_l("What has changed for you?"))

    def offer(self) -> None:
        """What can be chosen."""
        self.used_for.choices = _choices(PURPOSES)
        self.changed.choices = _choices(CHANGED)


def _choices(words: Mapping[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, _(label)) for value, label in words.items()]


def _cut(field: StringField, most: int) -> None:
    field.data = one_line(field.data)
    if len(field.data) > most:
        raise ValidationError(_l(TOO_LONG, most=most))
