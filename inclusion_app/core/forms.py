"""One base for every form: no hidden defaults, messages in the reader's language, errors that lead to their field."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import date, datetime, timedelta
from typing import Any

from flask import has_request_context, request
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import Field, StringField

from inclusion_app.core import attempts
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import SAFE_METHODS
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.sessions import remember_browser

MAX_TEXT = 2_000
ONCE_LENGTH = 60
ONCE_KNOWN = timedelta(days=1)
JOINERS = "\u200c\u200d"  # letters of Persian, Urdu and Bengali need them
LOST = "\N{REPLACEMENT CHARACTER}"  # what stands where a sign could not be read


def one_line(text: str | None) -> str:
    """Typed words on one line, without the signs nobody sees: a name must not look like another or turn a line round."""
    seen = (
        sign
        for sign in text or ""
        if sign != LOST
        and (sign.isspace() or sign in JOINERS or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co"})
    )
    return " ".join("".join(seen).split())


def lines_of(text: str | None, most: int) -> list[str]:
    """Typed words line by line, each as `one_line` reads it, empty ones left out; nothing behind the first `most` signs."""
    lines = (one_line(line) for line in (text or "")[:most].splitlines())
    return [line for line in lines if line]


def asks_for_pictures() -> bool:
    """True when the address or the form says that pictures stand in the place of a PIN."""
    return request.values.get("with") == "pictures"


class SecretField(StringField):
    """A PIN or a password. What was typed is never sent back: the page may stay open on a screen that others use."""

    def _value(self) -> str:
        return ""


class DayField(Field):
    """Three boxes: day, month, year, in the digits of any script. Half a date is refused with `wrong`; empty is fine
    here, and for a form that needs a day to say.
    """

    def __init__(self, label: Any, *, wrong: Any, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.wrong = wrong
        self.typed = ["", "", ""]

    def process_data(self, value: date | None) -> None:
        """Show a day that is known."""
        self.data = value
        self.typed = [str(value.day), str(value.month), str(value.year)] if value else ["", "", ""]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the three boxes. Raises ValueError, which wtforms shows at the field."""
        self.typed = [value.strip()[:10] for value in [*valuelist, "", "", ""][:3]]
        self.data = None
        if not any(self.typed):
            return
        try:
            day, month, year = (int(plain_digits(part)) for part in self.typed)
            self.data = date(year + 2000 if year < 100 else year, month, day)
        except (ValueError, OverflowError) as err:  # a year of ten digits is too much even for the calendar
            raise ValueError(self.wrong) from err

    def _value(self) -> str:
        return ""


class BaseForm(FlaskForm):
    """A form of the service. Showing one gives the browser its random id, so that the token has a holder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        remember_browser()
        if not args and "formdata" not in kwargs:
            # Only what a form sends: a JSON body or a file would come in past the cleaning of typed words.
            is_sent = has_request_context() and request.method not in SAFE_METHODS
            kwargs["formdata"] = (request.form or None) if is_sent else None
        super().__init__(*args, **kwargs)

    def refuse(self, broken: RuleBroken) -> None:
        """Put a broken rule's message at its field, or at the head of the form."""
        message = lazy_gettext(broken.message, **broken.params)
        field = self._fields.get(broken.field or "")
        if field is None:
            self.form_errors.append(message)
        else:
            field.errors = [*field.errors, message]


class OnceForm(BaseForm):
    """A form that makes something: however often its button is pressed, it is made once.

    Its page carries `once` (`field.hidden("once", form.once.data)`), drawn anew each time the page is asked for.
    """

    once = StringField(default=lambda: secrets.token_urlsafe(16))

    def is_first_press(self, session: Session, *, whose: str, now: datetime) -> bool:
        """Claim this sending, in the transaction of what it makes. `whose` names the sender, and what is made."""
        key_hash = keyed_hash("attempt-once", f"{whose} {(self.once.data or '')[:ONCE_LENGTH]}")
        return attempts.claim_once(session, key_hash=key_hash, window=ONCE_KNOWN, now=now)
