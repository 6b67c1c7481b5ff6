"""The filter of the list, and the form to book with. Nothing must be typed when nothing needs to be known."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core import i18n
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.words import N_
from inclusion_app.people import contact
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of
from inclusion_app.training.models import TrainingSession
from inclusion_app.training.queries import Date, Filters
from inclusion_app.training.rules import (
    COMPANIONS_AT_MOST,
    CONTACTS,
    FOR_AGE,
    KINDS,
    LABEL_LENGTH,
    NEEDS,
    NOTE_LENGTH,
    OFFERS,
    PLACES_AT_MOST,
    PLACES_LEFT,
    UNDER_13,
    WITH_VALUE,
)
from inclusion_app.training.services.bookings import Wanted
from inclusion_app.training.wording import language_name, step_title

KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
WHENS = {"evening": N_("In the evening, from 17:00"), "weekend": N_("At the weekend")}
WHO = {"me": N_("Me"), "other": N_("Somebody I help"), "group": N_("A family or a group")}
WHOSE = {
    "learner": N_("Of the person who comes"),
    "helper": N_("Mine. I help."),
    "adult": N_("Of a parent, a carer or a youth worker"),
}
AGES = {
    UNDER_13: N_("Under 13"),
    "13_15": N_("13 to 15"),
    "16_over": N_("16 or over"),
}
MODES = {"book_me": N_("Book me when a place is free"), "ask_me": N_("Ask me first")}
SAY_WHOSE = N_("Say whose phone or address this is.")
HOW_TO_USE = N_("Choose above how we may use this. Or leave it empty.")
TOO_LONG = N_("This is too long. Use %(most)s letters at most.")
NO_ADDRESS = N_("Write the name of the street and the postcode.")
ADDRESS_LENGTH = 200
FAR = timedelta(days=400)


class FilterForm(BaseForm):
    """What the list is narrowed to; it stands in the address."""

    step = SelectField(_l("Step of my plan"), validate_choice=False)
    kind = SelectField(_l("What kind?"), validate_choice=False)
    when = SelectField(_l("When?"), validate_choice=False)
    since = StringField(_l("From this day on"))
    taught_in = SelectField(_l("In which language?"), validate_choice=False)
    age = SelectField(_l("For whom?"), validate_choice=False)

    def __init__(self, *, steps: Sequence[str], kinds: Collection[str], languages: Sequence[str]) -> None:
        super().__init__(formdata=request.args, meta={"csrf": False})
        every = ("", _("All"))
        self.step.choices = [every, *((step, _(step_title(step) or step)) for step in steps)]
        self.kind.choices = [every, *((kind, _(words)) for kind, words in KINDS.items() if kind in kinds)]
        self.when.choices = [("", _("Any time")), *((when, _(words)) for when, words in WHENS.items())]
        self.taught_in.choices = [every, *((slug, language_name(slug)) for slug in languages)]
        self.age.choices = [("", _("Anybody")), *((age, _(FOR_AGE[age])) for age in FOR_AGE if age != "any")]

    def filters(self, *, step: str, today: date) -> Filters:
        """What stands in the address and is known; the rest is as if it were not there."""
        since = _day(self.since.data)
        return Filters(
            step=step,
            when=_known(self.when),
            since=since if since and abs(since - today) < FAR else None,
            taught_in=_known(self.taught_in),
            offers=tuple(offer for offer in OFFERS if offer in request.args.getlist("has")),
            online=request.args.get("online") == "y",
            kind=_known(self.kind),
            age=_known(self.age),
        )

    def chosen(self, filters: Filters) -> list[str]:
        """What the list is narrowed to, in words: a screen reader and a small screen need not go through the form."""
        fields = [field for field in (self.kind, self.when, self.taught_in, self.age) if _known(field)]
        words = [
            str(label)
            for field in fields
            for value, label, *_r in field.iter_choices()
            if value == field.data
        ]
        since = [f"{self.since.label.text}: {i18n.day_words(filters.since)}"] if filters.since else []
        online = [_("Online: I join from home")] if filters.online else []
        return [*words, *since, *online, *(_(OFFERS[offer]) for offer in filters.offers)]


def _known(field: SelectField) -> str:
    known = {value for value, *_rest in field.iter_choices()}
    return str(field.data) if field.data in known else ""


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError:
        return None


class BookingForm(BaseForm):
    """Who comes, when, what they need, and how to reach whom. Each of these may stay as it is."""

    form_key = StringField()
    who = OneOf(_l("Who is it for?"), default="me")
    places = FromList(_l("How many people?"), default="1")
    dates = AnyOf(_l("Which dates?"))
    contact_kind = OneOf(_l("How may we reach you?"), default="none")
    contact = StringField(_l("Phone number, email or address"))
    contact_of = FromList(_l("Whose is it?"), default="")
    contact_name = StringField(_l("Name to ask for"))
    is_discreet = BooleanField(_l("No message may name this service"))
    label = StringField(_l("What may we call you?"))
    age = FromList(_l("How old?"), default="")
    needs = AnyOf(_l("What do you need to take part?"))
    interpreter = FromList(_l("Language of the interpreter"), default="")
    note = StringField(_l("Anything else we should know"))
    companions = FromList(_l("How many carers or helpers come too?"), default="0")
    waiting_mode = OneOf(_l("This session is full. If a place is free:"), default="book_me")
    in_plan = BooleanField(_l("Put it into my plan"), default=True)

    def offer(
        self,
        training: TrainingSession,
        dates: Sequence[Date],
        *,
        has_plan: bool,
        channels: Collection[str],
    ) -> None:
        """Offer what can be had here and now: the dates, the ways to reach somebody, as many places as one may take."""
        ways = {
            "none",
            "call",
            "letter",
            *({*channels} & {"sms", "email"}),
            *({"record"} if has_plan else set()),
        }
        most = min(training.party_size, PLACES_AT_MOST)
        self.who.choices = _choices({kind: WHO[kind] for kind in WHO if kind != "group" or most > 1})
        self.places.choices = [(str(number), str(number)) for number in range(1, most + 1)]
        self.dates.choices = [SelectChoice(str(one.id), _date_words(one, training)) for one in dates]
        self.contact_kind.choices = _choices({way: CONTACTS[way] for way in CONTACTS if way in ways})
        self.contact_of.choices = [("", _("No answer")), *_choices(WHOSE)]
        self.age.choices = [("", _("No answer")), *_choices(AGES)]
        self.needs.choices = _choices(NEEDS)
        self.interpreter.choices = [
            ("", _("No answer")), *((slug, one.own_name) for slug, one in i18n.LANGUAGES.items() if slug != "en")
        ]  # fmt: skip
        cap = min(COMPANIONS_AT_MOST, *([date.companion_cap for date in dates] or [training.companion_cap]))
        self.companions.choices = [(str(number), str(number)) for number in range(cap + 1)]
        self.waiting_mode.choices = _choices(MODES)
        if request.method == "GET" and training.booked_as == "series" and dates:
            free = [date for date in dates if date.left(training.waiting_size) in {"free", "few", "last"}]
            self.dates.data = [str((free or list(dates))[0].id)]
        # The page makes the key; a form that came without one is a press of its own.
        if not KEY.fullmatch(self.form_key.data or ""):
            self.form_key.data = secrets.token_urlsafe(32)

    def validate_label(self, field: StringField) -> None:
        """A first name or a number will do."""
        _cut(field, LABEL_LENGTH)

    def validate_contact_name(self, field: StringField) -> None:
        """Whom to ask for."""
        _cut(field, LABEL_LENGTH)

    def validate_note(self, field: StringField) -> None:
        """One short line."""
        _cut(field, NOTE_LENGTH)

    def validate_contact(self, field: StringField) -> None:
        """A number or an address of the kind that was chosen."""
        kind, typed = self.contact_kind.data, one_line(field.data)
        if kind not in WITH_VALUE:
            if typed:
                raise ValidationError(_l(HOW_TO_USE))
            return
        if not typed:
            return  # the rule of the service says what is missing
        try:
            if kind != "letter":
                contact.read_value(kind, typed)
            elif len(typed) < 8:
                raise RuleBroken(NO_ADDRESS)
            else:
                _cut(field, ADDRESS_LENGTH)
        except RuleBroken as broken:
            raise ValidationError(_l(broken.message, **broken.params)) from None

    def validate_contact_of(self, field: FromList) -> None:
        """Who helps says whose phone it is: a helper's own details are never taken for the learner's."""
        if self.who.data == "other" and self.contact_kind.data in WITH_VALUE and not field.data:
            raise ValidationError(_l(SAY_WHOSE))

    def wanted(self, *, resident_id: int | None, group_id: int | None, address: str | None) -> Wanted:
        """What was asked for, of a form that is right; `address` is where it was sent from."""
        kind = self.contact_kind.data
        typed = one_line(self.contact.data)
        value = (contact.read_value(kind, typed) if kind != "letter" else typed) if typed else None
        with_value = kind in WITH_VALUE
        # Who chooses a language asks for the interpreter; who ticks only the box speaks the language of this page.
        spoken, page = self.interpreter.data or "", i18n.current_language().slug
        asked = {*(self.needs.data or ()), *(("interpreter",) if spoken else ())}
        if "interpreter" in asked and not spoken and page != "en":
            spoken = page
        needs: dict[str, Any] = {
            "codes": [code for code in NEEDS if code in asked],
            "interpreter": spoken,
            "note": one_line(self.note.data),
        }
        who = self.who.data or "me"
        mine = who == "me" and (kind == "record" or self.in_plan.data)
        return Wanted(
            form_key=self.form_key.data or "",
            language=i18n.current_language().slug,
            places=number_of(self.places.data),
            companions=number_of(self.companions.data),
            occurrence_ids=[number_of(chosen) for chosen in self.dates.data or ()],
            booked_for=who,
            label=one_line(self.label.data) or None,
            age_band=self.age.data or None,
            needs={name: kept for name, kept in needs.items() if kept},
            contact_kind=kind,
            contact=value if with_value else None,
            contact_of=(self.contact_of.data or "learner") if with_value else "learner",
            contact_name=(one_line(self.contact_name.data) or None) if with_value else None,
            is_discreet=bool(self.is_discreet.data),
            waiting_mode=self.waiting_mode.data or "book_me",
            resident_id=resident_id if mine else None,
            group_id=group_id if who == "group" else None,
            address=address,
        )


def _date_words(one: Date, training: TrainingSession) -> Markup:
    """A date to choose, with its places where they are few. Times stay left to right in any language."""
    left = one.left(training.waiting_size)
    times = Markup('<bdi class="ltr">{}\u2060–\u2060{}</bdi>').format(
        i18n.clock_words(one.begins), i18n.clock_words(one.ends)
    )
    day = Markup("{} · {}").format(i18n.day_words(one.day), times)
    if one.place:
        day = Markup('{} · <bdi lang="en">{}</bdi>').format(day, one.place)
    return day if left == "free" else Markup("{}. {}").format(day, _(PLACES_LEFT[left]))


def _choices(words: Mapping[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, _(label)) for value, label in words.items()]


def _cut(field: StringField, most: int) -> None:
    field.data = one_line(field.data)
    if len(field.data) > most:
        raise ValidationError(_l(TOO_LONG, most=most))
