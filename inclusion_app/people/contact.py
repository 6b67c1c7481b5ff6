"""How somebody can be reached: numbers and addresses in their one normal form, and which channels there are."""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import current_app

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people.rules import WITH_PHONE

LONGEST_TYPED = 254
NO_PHONE = N_("This phone number does not work. Look at the numbers again.")
NO_EMAIL = N_("This e-mail address does not work. Look at it again.")
# Ofcom keeps these mobile numbers free for stage plays; demonstrations and trials use them.
NOBODYS = re.compile(r"\+447700900[0-9]{3}")
# What the room of messages says is set up; it stands above and is put in by create_app.
CHANNELS: list[Callable[[], frozenset[str]]] = []


def offered() -> frozenset[str]:
    """The kinds of route that lead anywhere here. One that is not set up is never offered."""
    if CHANNELS:
        return CHANNELS[0]()
    settings = current_app.extensions["settings"]
    by_hand = {"letter", "call", "caseworker"}
    wired = {"email": settings.mail_url, "sms": settings.sms}
    return frozenset(by_hand | {kind for kind, way in wired.items() if way or settings.is_local})


def read_phone(text: str, *, field: str | None = None) -> str:
    """A phone number as E.164, of Britain unless it says otherwise, in the digits of any script. Raises RuleBroken."""
    try:
        number = phonenumbers.parse(plain_digits(text[:LONGEST_TYPED]), "GB")
    except phonenumbers.NumberParseException:
        raise RuleBroken(NO_PHONE, field=field) from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(number) and not NOBODYS.fullmatch(written):
        raise RuleBroken(NO_PHONE, field=field)
    return written


def read_email(text: str, *, field: str | None = None) -> str:
    """An e-mail address in its normal form; nothing is asked of any server. Raises RuleBroken."""
    try:
        found = validate_email(text.strip()[: LONGEST_TYPED + 1], check_deliverability=False)
    except EmailNotValidError:
        raise RuleBroken(NO_EMAIL, field=field) from None
    return found.normalized


def read_value(kind: str, text: str, *, field: str | None = None) -> str:
    """The number or address of a route of this kind. Raises RuleBroken."""
    return read_phone(text, field=field) if kind in WITH_PHONE else read_email(text, field=field)


def hash_of_value(value: str) -> str:
    """Under what a number or an address in its normal form is looked up, whatever its case."""
    return keyed_hash("contact", value.casefold())


def show_value(kind: str, value: str) -> str:
    """A number as people in Britain write it; an e-mail address as it is."""
    if kind not in WITH_PHONE:
        return value
    number = phonenumbers.parse(value, "GB")
    british = number.country_code == 44
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, form.NATIONAL if british else form.INTERNATIONAL)
