"""Forms of a resident's record, filled in by staff with the person present."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from babel import Locale
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core import i18n
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.forms import BaseForm, OnceForm, SecretField, one_line
from inclusion_app.core.words import N_
from inclusion_app.people import contact, record_services, rules
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of, words_of
from inclusion_app.people.forms import ChosenSecretForm, CodeForm, ComeBackForm
from inclusion_app.people.models import ContactRoute, Resident
from inclusion_app.people.record_services import Agreement, Identity, Route
from inclusion_app.people.staff_words import TOO_LONG

UNKNOWN_POSTCODE = N_("We do not know this postcode. Leave it empty if you are not sure.")
NO_PURPOSE = N_("Choose what the person shares it for.")
NO_HOW = N_("Choose how the person said yes.")
ROUTE_SLOTS = range(1, rules.ROUTES_AT_MOST + 1)


def language_name(code: str) -> str:
    """The English name of a language people speak."""
    if code == "bfi":
        return "British Sign Language"
    return str(Locale("en").languages.get(code, code))


def _languages() -> list[tuple[str, Any]]:
    named = sorted(((code, language_name(code)) for code in rules.LANGUAGES), key=lambda one: one[1])
    return [("", _l("Not said")), *named]


def _short(field: Any, longest: int) -> None:
    field.data = one_line(field.data)
    if len(field.data) > longest:
        raise ValidationError(_l(TOO_LONG))


def _with_unoffered(field: Any, before: Sequence[int] | None) -> list[int]:
    offered = {number for number, _name in field.choices}
    return [*(field.data or []), *(number for number in before or () if number not in offered)]


class AgreementForm(OnceForm):
    """What the person agrees to share with the organisation; asked before anything else."""

    items = AnyOf(_l("What does the person share with us?"), choices=[])
    purpose = OneOf(_l("What for?"), choices=[], missing=NO_PURPOSE)
    how = OneOf(_l("How did the person say yes?"), choices=[], missing=NO_HOW)
    language = FromList(_l("In which language did you explain it?"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items.choices = words_of(rules.ITEM_WORDS)
        self.purpose.choices = words_of(rules.PURPOSES)
        self.how.choices = [
            ("spoken", _l("They told me")),
            ("paper", _l("They signed a paper")),
            ("screen", _l("They ticked it here themselves")),
        ]
        self.language.choices = [(language.slug, language.english_name) for language in i18n.released()]

    def validate_items(self, field: Any) -> None:
        """Sharing nothing is no consent."""
        if not field.data:
            raise ValidationError(_l(rules.SHARE_SOMETHING))

    def agreement(self) -> Agreement:
        """What was agreed, how, and in which language."""
        return Agreement(self.items.data or [], self.purpose.data, self.how.data, self.language.data)


class ToldAgreementForm(AgreementForm):
    """The same without a PIN that was typed: whoever writes it down answers for it, so nobody "ticked it themselves"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.how.choices = [choice for choice in self.how.choices if choice[0] != "screen"]


class IdentityForm(BaseForm):
    """Who somebody is, as far as they wish to say."""

    name = StringField(_l("Name they wish to be called"))
    spoken = FromList(_l("Language they speak"), choices=[])
    read = FromList(_l("Language they read"), choices=[])
    age_band = FromList(_l("Age group"), choices=[])
    postcode = StringField(_l("Postcode"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spoken.choices = self.read.choices = _languages()
        self.age_band.choices = [("", _l("Not said")), *words_of(rules.AGE_BANDS)]

    def validate_name(self, field: Any) -> None:
        """A first name is enough, and none is enough too."""
        _short(field, rules.NAME_LENGTH)

    def identity(self, area: tuple[str, str]) -> Identity:
        """What was said; `area` is ward and sector."""
        return Identity(
            self.name.data or "",
            self.spoken.data or "",
            self.read.data or "",
            self.age_band.data or "",
            *area,
        )

    def show_identity(self, resident: Resident) -> None:
        """Fill in what stands in the record. The postcode is not kept, so its box is empty."""
        for name in ("name", "spoken", "read", "age_band"):
            self[name].data = getattr(resident, name) or ""


class NeedsForm(BaseForm):
    """What somebody needs to take part."""

    needs = AnyOf(_l("What does the person need?"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs.choices = words_of(rules.NEEDS)


class ContactForm(BaseForm):
    """How to reach somebody in the order they wish, and how never to."""

    kind1 = FromList(_l("First way to reach them"), choices=[])
    value1 = StringField(_l("First way: number or e-mail address"))
    kind2 = FromList(_l("Second way"), choices=[])
    value2 = StringField(_l("Second way: number or e-mail address"))
    kind3 = FromList(_l("Third way"), choices=[])
    value3 = StringField(_l("Third way: number or e-mail address"))
    kind4 = FromList(_l("Fourth way"), choices=[])
    value4 = StringField(_l("Fourth way: number or e-mail address"))
    kind5 = FromList(_l("Fifth way"), choices=[])
    value5 = StringField(_l("Fifth way: number or e-mail address"))
    is_adults = BooleanField(_l("These reach an adult who answers for the child"))
    address = TextAreaField(_l("Address for letters"))
    never = AnyOf(_l("What must we never do?"), choices=[])
    hours_from = StringField(_l("Call only from"))
    hours_to = StringField(_l("Call only until"))
    not_staff = AnyOf(_l("Never through these colleagues"), choices=[], coerce=number_of)
    not_organisations = AnyOf(_l("Never through these organisations"), choices=[], coerce=number_of)
    interpreters = StringField(_l("Interpreters to avoid"))

    def __init__(
        self,
        *args: Any,
        staff: Sequence[tuple[int, str]] = (),
        organisations: Sequence[tuple[int, str]] = (),
        kept: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # A way that stands in the record stays a choice when it is not set up any more, or saving would lose it.
        offered = contact.offered() | set(kept)
        kinds = [(kind, _l(words)) for kind, words in rules.ROUTES.items() if kind in offered]
        for slot in ROUTE_SLOTS:
            self[f"kind{slot}"].choices = [("", _l("None")), *kinds]
        self.never.choices = words_of(rules.NEVER)
        self.not_staff.choices = list(staff)
        self.not_organisations.choices = list(organisations)

    def validate_address(self, field: Any) -> None:
        """Free words on a few lines."""
        lines = [one_line(line) for line in (field.data or "").splitlines()]
        field.data = "\n".join(line for line in lines if line)
        if len(field.data) > rules.ADDRESS_LENGTH:
            raise ValidationError(_l(TOO_LONG))

    def validate_interpreters(self, field: Any) -> None:
        """Free words: a name, a dialect, a part of town."""
        _short(field, rules.NOTE_LENGTH)

    def routes(self) -> list[Route]:
        """The ways that were given, in their order. Raises RuleBroken at the number or address that does not work."""
        found = []
        for slot in ROUTE_SLOTS:
            kind = self[f"kind{slot}"].data
            if not kind:
                continue
            value = None
            if kind in rules.WITH_VALUE:
                value = contact.read_value(kind, self[f"value{slot}"].data or "", field=f"value{slot}")
            found.append(Route(kind, value, bool(self.is_adults.data)))
        return found

    def safe_contact(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The safe-contact rule. Raises RuleBroken for half a span of hours.

        Whom the rule of `before` names and this form does not offer (another organisation's staff) stays in it.
        """
        first, last = (
            plain_digits(field.data or "").strip()[:10] for field in (self.hours_from, self.hours_to)
        )
        rule: dict[str, Any] = {name: name in (self.never.data or ()) for name in rules.NEVER}
        return {
            **rule,
            "hours": record_services.hours_between(first, last),
            "not_staff": _with_unoffered(self.not_staff, (before or {}).get("not_staff")),
            "not_organisations": _with_unoffered(
                self.not_organisations, (before or {}).get("not_organisations")
            ),
            "interpreters_to_avoid": self.interpreters.data or "",
        }

    def show_contact(self, resident: Resident, routes: Sequence[ContactRoute]) -> None:
        """Fill in what stands in the record."""
        for slot, route in zip(ROUTE_SLOTS, routes, strict=False):
            self[f"kind{slot}"].data = route.kind
            self[f"value{slot}"].data = contact.show_value(route.kind, route.value) if route.value else ""
        self.is_adults.data = any(route.is_adults for route in routes)
        self.address.data = resident.address or ""
        rule = resident.safe_contact or {}
        self.never.data = [name for name in rules.NEVER if rule.get(name)]
        self.hours_from.data, self.hours_to.data = rule.get("hours") or ("", "")
        self.not_staff.data = rule.get("not_staff") or []
        self.not_organisations.data = rule.get("not_organisations") or []
        self.interpreters.data = rule.get("interpreters_to_avoid") or ""


class NewRecordForm(AgreementForm, IdentityForm, NeedsForm, ContactForm, ChosenSecretForm):
    """A whole record, consent first, and what opens it, which the person chooses themselves."""

    pin = SecretField(_l("PIN of 4 numbers, chosen by the person"))
    pin_again = SecretField(_l("The PIN once more"))


class JoinForm(AgreementForm, ComeBackForm):
    """Somebody who has a plan shares with the organisation; they type their code and PIN themselves."""

    nothing_typed = N_("Type the code of the person.")
    code = StringField(_l("Code of the person"))
    pin = SecretField(_l("Their PIN, typed by themselves"))


class SearchForm(BaseForm):
    """An exact phone number, e-mail address or code. What was typed never stands in an address."""

    what = StringField(_l("Phone number, e-mail address or code"))


class LinkForm(CodeForm):
    """The code of the other record, and the person's permission."""

    nothing_typed = N_("Type the other code.")
    code = StringField(_l("The other code of the person"))
    permission = BooleanField(_l("The person says both are theirs and wants them linked"))


class RestrictForm(BaseForm):
    """From whom the person wishes to be kept."""

    restricted = BooleanField(_l("Keep this person out of every search, list and count"))
    staff = AnyOf(_l("Keep from these colleagues"), choices=[], coerce=number_of)
    organisations = AnyOf(_l("Keep from these organisations"), choices=[], coerce=number_of)
