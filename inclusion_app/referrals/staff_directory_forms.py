"""Forms of the directory of services: what narrows it, and all that is said of one service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, OnceForm, one_line
from inclusion_app.core.words import N_
from inclusion_app.people import contact
from inclusion_app.people import rules as people_rules
from inclusion_app.people.choice_fields import AnyOf, FromList, number_of, words_of
from inclusion_app.people.staff_fields import CountField, LineField, MustChoose, NumberFromList
from inclusion_app.people.staff_forms import language_name
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService
from inclusion_app.referrals.services import directory

NO_WEBSITE = N_("Type a whole address, like https://example.org, or leave it empty.")
TOO_MANY_WARDS = N_("Tick 60 wards at most. Without a tick it is for the whole city.")
# As many codes as the column holds.
MOST_WARDS = 60
TAKES = {"": N_("All of them"), "now": N_("Only with a free place")}


class FilterForm(BaseForm):
    """What stands in the address of the directory."""

    help = FromList(_l("Helps with"), choices=[])
    text = StringField(_l("Name of the organisation or the service"))
    takes = FromList(_l("Places"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help.choices = [("", _l("Anything")), *words_of(rules.HELPS)]
        self.takes.choices = words_of(TAKES)


class WhoseForm(BaseForm):
    """Whose service it is, for who looks after several organisations. It stands in the address."""

    organisation = MustChoose(_l("Whose service is it?"))


class ServiceForm(OnceForm):
    """One service. Who answers by links has an e-mail address, everybody else somebody who looks at what comes in."""

    name = LineField(_l("Name of the service"), longest=directory.NAME_LENGTH, needed=True)
    helps = AnyOf(_l("What it helps with"), choices=[])
    summary = TextAreaField(_l("What it does, for a helper who does not know it"))
    places = CountField(_l("Places"), least=0, most=directory.MOST_PLACES, may_be_empty=True)
    keeps_waiting_list = BooleanField(_l("It keeps a waiting list when it is full"))
    reply_days = CountField(
        _l("Working days until it usually answers"), least=1, most=directory.MOST_REPLY_DAYS
    )
    phone = StringField(_l("Phone number"))
    website = StringField(_l("Website"))
    partner_email = StringField(_l("E-mail address for the links by which they answer"))
    duty = NumberFromList(_l("Who looks at what comes in"))
    is_public = BooleanField(_l("People and other services may ask for it by the public form"))
    ages = AnyOf(_l("Only for these age groups"), choices=[])
    languages = AnyOf(_l("Languages spoken there"), choices=[])
    wards = AnyOf(_l("Only for people who live in these wards"), choices=[])

    def __init__(
        self,
        *args: Any,
        wards: Sequence[tuple[str, str]],
        duty: Sequence[tuple[int, str]] = (),
        has_accounts: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.helps.choices = words_of(rules.HELPS)
        self.ages.choices = words_of(people_rules.AGE_BANDS)
        named = sorted(
            ((code, language_name(code)) for code in people_rules.LANGUAGES), key=lambda one: one[1]
        )
        self.languages.choices, self.wards.choices = named, list(wards)
        self.duty.choices = [(0, _l("Nobody yet")), *duty]
        if has_accounts:
            del self.partner_email
        else:
            del self.duty

    def validate_summary(self, field: Any) -> None:
        """On one line."""
        field.data = one_line(field.data)

    def validate_wards(self, field: Any) -> None:
        """No more than the column holds."""
        if len(set(field.data or ())) > MOST_WARDS:
            raise ValidationError(_l(TOO_MANY_WARDS))

    def validate_website(self, field: Any) -> None:
        """A web address that a browser opens, or none."""
        field.data = one_line(field.data)
        if not field.data:
            return
        try:
            parts = urlsplit(field.data)
        except ValueError:
            raise ValidationError(_l(NO_WEBSITE)) from None
        fits = len(field.data) <= directory.WEBSITE_LENGTH and " " not in field.data
        if not fits or parts.scheme not in {"http", "https"} or "." not in parts.netloc:
            raise ValidationError(_l(NO_WEBSITE))

    def validate_phone(self, field: Any) -> None:
        """A phone number as it is dialled here, or none."""
        if one_line(field.data):
            field.data = contact.show_phone(_read(contact.read_phone, field))

    def validate_partner_email(self, field: Any) -> None:
        """An address, or none."""
        if one_line(field.data):
            field.data = _read(contact.read_email, field)

    def show(self, service: CityService) -> None:
        """Fill in what is known."""
        for name in ("name", "summary", "keeps_waiting_list", "phone", "website", "is_public"):
            self[name].data = getattr(service, name)
        for name in ("helps", "ages", "languages", "wards"):
            self[name].data = getattr(service, name).split()
        self.places.data = "" if service.places is None else str(service.places)
        self.reply_days.data = str(service.reply_days)
        if "partner_email" in self:
            self.partner_email.data = service.partner_email or ""
        if "duty" in self:
            self.duty.data = service.duty_staff_id or 0

    def read(self) -> directory.Facts:
        """What was typed and chosen."""
        return directory.Facts(
            name=self.name.data or "", helps=self.helps.data or (), summary=self.summary.data or "",
            wards=self.wards.data or (), ages=self.ages.data or (), languages=self.languages.data or (),
            # Nothing typed is no limit; a nought is a service that takes nobody just now.
            places=self.places.count if one_line(self.places.data) else None,
            keeps_waiting_list=bool(self.keeps_waiting_list.data), reply_days=self.reply_days.count,
            phone=one_line(self.phone.data), website=self.website.data or "", is_public=bool(self.is_public.data),
            partner_email=(one_line(self.partner_email.data) or None) if "partner_email" in self else None,
            duty_staff_id=(number_of(self.duty.data) or None) if "duty" in self else None,
        )  # fmt: skip


def _read(reader: Any, field: Any) -> str:
    """What a reader makes of a field. What it refuses is said there."""
    try:
        return str(reader(field.data))
    except RuleBroken as broken:
        raise ValidationError(_l(broken.message, **broken.params)) from broken
