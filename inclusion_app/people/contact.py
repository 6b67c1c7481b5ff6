"""How somebody can be reached: numbers and addresses as people type them, in one form, and which ways there are.

A number or address that reads well may still be nobody's: only a message that arrives proves it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import current_app
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.people.rules import WITH_PHONE

COUNTRY = "GB"  # how a number without a country is read
EMAIL_LONGEST = 254  # RFC 5321, 4.5.3.1.3
PHONE_LONGEST = 40  # typed with spaces, dashes and brackets
NO_PHONE = N_("This is no phone number. Check the numbers and type it again.")
NO_MOBILE = N_("We can only text a mobile number. It often starts with 07.")
COSTLY_PHONE = N_("We cannot call this number, because it costs too much. Type another one.")
NO_EMAIL = N_("This is no email address. One like name@example.org is right.")
MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
# What the room of messages says is set up; it stands above and is put in by create_app.
CHANNELS: list[Callable[[], frozenset[str]]] = []


def offered() -> frozenset[str]:
    """The kinds of route that lead anywhere here. One that is not set up is never offered."""
    if CHANNELS:
        return CHANNELS[0]()
    settings = current_app.extensions["settings"]
    wired = {"email": settings.mail_url, "sms": settings.sms}
    by_hand = {"letter", "call", "caseworker"}
    return frozenset(by_hand | {kind for kind, way in wired.items() if way or settings.is_local})


def read_value(kind: str, typed: str | None, *, field: str | None = None) -> str:
    """The number or address of a route of this kind. Raises RuleBroken."""
    if kind in WITH_PHONE:
        return read_phone(typed, mobile=kind == "sms", field=field)
    return read_email(typed, field=field)


def hash_of_value(value: str) -> str:
    """Under what a number or an address in its one form is looked up, whatever its case."""
    return keyed_hash("contact", value.casefold())


def show_value(kind: str, value: str) -> str:
    """A number as people here write it; an e-mail address as it is."""
    return show_phone(value) if kind in WITH_PHONE else value


def read_phone(typed: str | None, *, mobile: bool = False, field: str | None = None) -> str:
    """A phone number as `+447700900123`, from digits of any script, with or without spaces and country.

    Raises RuleBroken at `field` for what is no number, for a premium number, and with `mobile` for a landline.
    """
    # Full-width and Arabic-Indic digits are digits; phonenumbers reads the latter itself.
    plain = unicodedata.normalize("NFKC", one_line(typed))
    try:
        if not plain or len(plain) > PHONE_LONGEST:
            raise RuleBroken(NO_PHONE, field=field)
        number = phonenumbers.parse(plain, COUNTRY)
    except NumberParseException:
        raise RuleBroken(NO_PHONE, field=field) from None
    # An extension would be dropped without a word: a call to the switchboard is not a call to the person.
    if number.extension or not (phonenumbers.is_valid_number(number) or _is_made_up(number)):
        raise RuleBroken(NO_PHONE, field=field)
    kind = phonenumbers.number_type(number)
    if kind in COSTLY:
        raise RuleBroken(COSTLY_PHONE, field=field)
    if mobile and kind not in MOBILE and not _is_made_up_mobile(number):
        raise RuleBroken(NO_MOBILE, field=field)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _is_made_up(number: phonenumbers.PhoneNumber) -> bool:
    """Ofcom keeps these for plays and examples; they reach nobody: 0161 496 0000 to 0999, 07700 900000 to 900999."""
    text = str(number.national_number)
    return number.country_code == 44 and (text.startswith("1614960") or _is_made_up_mobile(number))


def _is_made_up_mobile(number: phonenumbers.PhoneNumber) -> bool:
    text = str(number.national_number)
    return number.country_code == 44 and len(text) == 10 and text.startswith("7700900")


def read_email(typed: str | None, *, field: str | None = None) -> str:
    """An e-mail address in the form it is written to. Nothing is asked of the network.

    Raises RuleBroken at `field` for what is no address.
    """
    plain = one_line(typed)
    try:
        if len(plain) > EMAIL_LONGEST:
            raise RuleBroken(NO_EMAIL, field=field)
        # Without SMTPUTF8, for many mail servers refuse a name before the @ that is not plain letters.
        found = validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise RuleBroken(NO_EMAIL, field=field) from None
    return found.ascii_email or found.normalized


def show_phone(stored: str) -> str:
    """A stored number as people here write it: `07700 900123`; what cannot be read stays as it is."""
    try:
        number = phonenumbers.parse(stored, COUNTRY)
    except NumberParseException:
        return stored
    home = number.country_code == phonenumbers.country_code_for_region(COUNTRY)
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )
