"""Forms of a resident's own record."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from inclusion_app.core import i18n
from inclusion_app.core.forms import BaseForm, OnceForm
from inclusion_app.people.my_record_words import CITY, KINDS, THE_OFFICER
from inclusion_app.people.rules import LANGUAGES, NEEDS, NEVER, ROUTES


def language_choices(kept: str | None = None) -> list[tuple[str, str]]:
    """The languages people here speak, by their names in the reader's language; first a line for no answer."""
    names = {**i18n.language_names(LANGUAGES), "bfi": i18n.translated(NEEDS["bsl"])}
    more = [(kept, kept)] if kept and kept not in LANGUAGES else []
    return [("", gettext("No answer")), *sorted(names.items(), key=lambda pair: pair[1]), *more]


class CorrectForm(BaseForm):
    """What a resident says of themself."""

    name = StringField(_l("Your name, if you like"))
    nickname = StringField(_l("First name or nickname, if you like"))
    language = SelectField(_l("We write to you in"), validate_choice=False)
    spoken = SelectField(_l("The language you speak best"), validate_choice=False)
    read = SelectField(_l("The language you read best"), validate_choice=False)
    needs = SelectMultipleField(_l("What helps you to take part?"), validate_choice=False)

    def offer(self, *, spoken: str | None, read: str | None) -> None:
        """Fill in what can be chosen."""
        self.language.choices = [(language.slug, language.own_name) for language in i18n.released()]
        self.spoken.choices = language_choices(spoken)
        self.read.choices = language_choices(read)
        self.needs.choices = [SelectChoice(key, gettext(words)) for key, words in NEEDS.items()]


class RouteForm(BaseForm):
    """One more way to reach a resident."""

    kind = RadioField(_l("How may we reach you?"), validate_choice=False)
    value = TextAreaField(_l("Your number, email or address"))
    never = SelectMultipleField(_l("How to reach you, and how not to"), validate_choice=False)

    def offer(self, channels: Collection[str]) -> None:
        """Only what is set up can be chosen."""
        self.never.choices = [SelectChoice(key, gettext(words)) for key, words in NEVER.items()]
        self.kind.choices = [
            SelectChoice(key, gettext(words)) for key, words in ROUTES.items() if key in channels
        ]


class FeedbackForm(OnceForm):
    """A complaint, thanks or correction."""

    kind = RadioField(_l("What do you want to say?"), validate_choice=False)
    to = RadioField(_l("Who should read it?"), validate_choice=False)
    words = TextAreaField(_l("Your words"))

    def offer(self, organisations: list[tuple[str, str]]) -> None:
        """Who may be told: number and name of each organisation, and the city's officer."""
        self.kind.choices = [SelectChoice(key, gettext(words)) for key, words in KINDS.items()]
        self.to.choices = [
            *(SelectChoice(number, name) for number, name in organisations),
            SelectChoice(CITY, gettext(THE_OFFICER)),
        ]
