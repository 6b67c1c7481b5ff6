"""The public form in its two ways: confirmed by e-mail, or by one's own code."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField

from inclusion_app.core import i18n
from inclusion_app.core.forms import OnceForm
from inclusion_app.people.choice_fields import AnyOf, OneOf, words_of
from inclusion_app.people.forms import ComeBackForm
from inclusion_app.people.rules import ITEM_WORDS
from inclusion_app.referrals.rules import PUBLIC_FROM, SHARED
from inclusion_app.referrals.services import public


def key_of(form: OnceForm) -> str:
    """Under what this sending is found again."""
    return f"public {(form.once.data or '')[:40]}"


class ReferForm(OnceForm):
    """Who refers whom, and why."""

    from_kind = OneOf(_l("Who are you?"), missing=public.SAY_WHO)
    from_name = StringField(_l("Your name"))
    from_organisation = StringField(_l("Where you work"))
    from_email = StringField(_l("Your email"))
    about_name = StringField(_l("Who needs help? Their name"))
    about_contact = StringField(_l("How to reach them"))
    why = TextAreaField(_l("What help is needed?"))
    said_yes = BooleanField(_l("They said yes to this"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.from_kind.choices = words_of(PUBLIC_FROM)

    def asked(self) -> public.Asked:
        """What was typed."""
        return public.Asked(
            form_key=key_of(self), from_kind=self.from_kind.data or "", from_name=self.from_name.data or "",
            from_organisation=self.from_organisation.data or "", from_email=self.from_email.data or "",
            about_name=self.about_name.data or "", about_contact=self.about_contact.data or "",
            why=self.why.data or "", said_yes=bool(self.said_yes.data), language=i18n.current_language().slug,
        )  # fmt: skip


class ReferMyselfForm(OnceForm, ComeBackForm):
    """Somebody with a saved plan asks for themself: why, what they share, and their code with PIN or pictures."""

    why = TextAreaField(_l("What help is needed?"))
    items = AnyOf(_l("What may they see of you?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items.choices = words_of({item: ITEM_WORDS[item] for item in SHARED})
