"""What tests of the public form need: a service that takes everybody, the form filled in, and the link of the e-mail."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import reading, transaction
from inclusion_app.messages.models import Message
from tests.conftest import Browser
from tests.factories.accounts import make_organisation
from tests.factories.referrals import make_service

TYPED: dict[str, Any] = {
    "from_kind": "health", "from_name": "Lin Worker", "from_organisation": "Brook Lane Surgery",
    "from_email": "lin@example.org", "about_name": "Canary Person", "about_contact": "07700 900123",
    "why": "They want to learn to see the surgery online.", "said_yes": "y",
}  # fmt: skip


def public_service(app: Flask, organisation_id: int | None = None, **facts: Any) -> int:
    """A service of the directory that everybody may refer to; its number."""
    with app.app_context(), transaction() as session:
        organisation_id = organisation_id or make_organisation(session, name="Open Door").id
        return make_service(session, organisation_id=organisation_id, is_public=True, **facts).id


def fill_in(browser: Browser, service_id: int, **more: Any) -> Any:
    """Send the form that an e-mail confirms, as a person would."""
    path = f"/refer/{service_id}"
    once = re.search(r'name="once" value="([^"]+)"', browser.text(path))
    assert once
    return browser.send(path, **{"once": once[1], **TYPED, **more})


def link_in_mail(app: Flask, email: str = "lin@example.org") -> str:
    """The path of the link in the newest e-mail that asks for a yes, without the language."""
    with app.app_context(), reading() as session:
        found = session.scalars(
            select(Message).where(Message.template == "public_referral_confirm").order_by(Message.id.desc())
        ).all()
        row = next(one for one in found if one.to == email)
        assert row.params
        link = str(row.params["link"])
    return link[link.index("/refer/confirm/") :]
