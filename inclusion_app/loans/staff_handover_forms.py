"""Forms of the hand-over: whose, what goes out, how they agreed; one person, or a whole course."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField

from inclusion_app.core import i18n
from inclusion_app.core.codes import BrokenCode, plain_digits, read_code
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import ONCE_LENGTH, BaseForm
from inclusion_app.core.words import N_
from inclusion_app.loans.rules import CONDITIONS, SETTINGS
from inclusion_app.loans.services.handover import HOW_AGREED, NO_UNIT, Ticked
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of

AGREED_HOW = {
    "drawn": N_("They sign on this screen"),
    "paper": N_("They signed the paper"),
    "spoken": N_("They said yes, and I heard it"),
}
# Of a whole course: nobody signs on the one screen.
AGREED_HOW_OF_MANY = {
    "paper": N_("Each of them signed the paper"),
    "spoken": N_("I heard each of them say yes"),
}
NO_MARK = NO_UNIT
UNKNOWN_MARK = N_("No device of your pool has this tag, serial number or IMEI.")
NOTHING_FOUND = N_("No request of your scheme has this code, and no device has this tag.")
COUNT = N_("Type a number from 0 to 99.")
KEY_LENGTH = 40


def count_of(typed: str | None) -> int:
    """How many, in the digits of any script; nothing typed is none. Raises RuleBroken for what is no number."""
    plain = plain_digits((typed or "")[:20]).strip()
    if not plain:
        return 0
    if not (plain.isascii() and plain.isdigit() and len(plain) < 3):
        raise RuleBroken(COUNT, field="items")
    return int(plain)


def code_in(typed: str) -> str | None:
    """The code of a request, as typed or as the address of its page; None where this is something else."""
    last = typed[:200].rsplit("/loans/", maxsplit=1)[-1].split("?", maxsplit=1)[0].split("/", maxsplit=1)[0]
    try:
        return read_code(last)
    except BrokenCode:
        return None


class StartForm(BaseForm):
    """Whose, or which: the code of a request, or the tag of a device that is kept for somebody."""

    mark = StringField(_l("Code of the request, or tag of the device"))


class ReadInForm(BaseForm):
    """In which language the agreement is read, beside English."""

    language = FromList(_l("Language of the agreement"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [(one.slug, one.english_name) for one in i18n.released()]


class HandOverForm(ReadInForm):
    """All that is ticked with the person beside the screen. `form_key` makes it one loan, however often it is sent."""

    form_key = StringField(default=lambda: secrets.token_urlsafe(16))
    unit = StringField(_l("Tag of the device you hand over"))
    settings = AnyOf(_l("Set as they asked"))
    parts = AnyOf(_l("What goes with it"))
    condition = OneOf(_l("How it looks"))
    sim = FromList(_l("SIM card in it"))
    place = FromList(_l("Where they bring it back"))
    why = StringField(_l("Why they get one now"))
    agreed_how = OneOf(_l("How they said yes"), missing=HOW_AGREED)
    signature = StringField()
    is_agreed = BooleanField(_l("I read it with them. They said yes to the agreement."))

    def offer(
        self,
        *,
        settings: Sequence[str],
        parts: Sequence[Any],
        missing: set[str],
        sims: Sequence[tuple[str, str]],
        places: Sequence[tuple[str, str]],
    ) -> None:
        """What can be chosen for this request and this unit."""
        self.settings.choices = [(key, _(SETTINGS[key])) for key in settings if key in SETTINGS]
        self.parts.choices = [(str(part.id), _part_words(part, missing)) for part in parts]
        self.condition.choices = [(key, f"{key} – {_(words)}") for key, words in CONDITIONS.items()]
        self.sim.choices = [("", _("None")), *sims]
        self.place.choices = list(places)
        self.agreed_how.choices = [(key, _(words)) for key, words in AGREED_HOW.items()]

    def key(self) -> str:
        """The key of this form as it was sent; empty where there is none."""
        return (self.form_key.data or "")[:KEY_LENGTH]

    def ticked(self, parts: Sequence[tuple[str, int]], item_ids: Sequence[int]) -> Ticked:
        """What was ticked. A number that is none is said at the head of the form and counts as none."""
        counts: list[tuple[int, int]] = []
        try:
            counts = [(number, count_of(request.form.get(f"item-{number}"))) for number in item_ids]
        except RuleBroken as broken:
            self.refuse(broken)
        return Ticked(
            form_key=self.key() or secrets.token_urlsafe(16),
            place_id=number_of(self.place.data),
            agreed_how=self.agreed_how.data or "",
            is_agreed=bool(self.is_agreed.data),
            language=self.language.data,
            settings_done=tuple(self.settings.data or ()),
            parts=parts,
            items=[(number, count) for number, count in counts if count],
            condition=self.condition.data or "B",
            signature=(self.signature.data or "").strip(),
            sim_id=number_of(self.sim.data) or None,
            why=self.why.data or "",
        )


def _part_words(part: Any, missing: set[str]) -> str:
    words = part.name if part.count == 1 else f"{part.count} × {part.name}"
    return str(_("%(part)s (did not come back last time)", part=words)) if part.name in missing else words


@dataclass
class Row:
    """One person of the list: the tag typed for them, and what came of it."""

    request_id: int
    name: str | None
    device: str
    settings: Sequence[str]
    typed: str = ""
    is_set: bool = False
    error: str = ""


class ManyForm(BaseForm):
    """A whole course at once: a tag for each, all signed on paper."""

    form_key = StringField(default=lambda: secrets.token_urlsafe(16))
    place = FromList(_l("Where they bring them back"))
    agreed_how = OneOf(_l("How they said yes"), missing=HOW_AGREED)
    is_agreed = BooleanField(_l("Each of them knows the agreement and said yes."))

    def key_for(self, request_id: int) -> str:
        """One key for each line, so that the list sent twice hands each over once."""
        return f"{(self.form_key.data or '')[:KEY_LENGTH]} {request_id}"[:ONCE_LENGTH]
