"""What this room holds of a resident: which messages went to them, and by which way."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.registry import Fact, Holding, hold
from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.channels import file_name, outbox_of
from inclusion_app.messages.models import Message

BY = {
    "email": N_("By email, on %(day)s"),
    "sms": N_("By text message, on %(day)s"),
    "letter": N_("By letter, on %(day)s"),
    "call": N_("Said to you, on %(day)s"),
}
NOT_SENT = N_("It did not reach you.")
ON_ITS_WAY = N_("It is on its way.")


def _messages(session: Session, resident_id: int) -> list[Message]:
    mine = select(Message).where(Message.resident_id == resident_id)
    return list(session.scalars(mine.order_by(Message.made_at.desc(), Message.id.desc())))


def describe(session: Session, resident_id: int) -> list[Fact]:
    """What each message was about, how it went and when."""
    return [
        Fact(templates.template_of(row.template).subject, _how(row))
        for row in _messages(session, resident_id)
    ]


def _how(row: Message) -> str:
    if row.sent_at is not None:
        return i18n.translated(BY[row.channel]) % {"day": i18n.day_words(i18n.local(row.sent_at).date())}
    return i18n.translated(NOT_SENT if row.state in {"dead", "dropped"} else ON_ITS_WAY)


def export(session: Session, resident_id: int) -> dict[str, Any]:
    """Each message with its words, while they are kept. A link that opens the plan is no fact to hand on."""
    return {
        "messages": [
            {
                "about": row.template,
                "channel": row.channel,
                "to": row.to,
                "state": row.state,
                "made_at": row.made_at.isoformat(),
                "sent_at": row.sent_at.isoformat() if row.sent_at else None,
                "facts": {name: text for name, text in (row.params or {}).items() if name != templates.LINK},
            }
            for row in _messages(session, resident_id)
        ]
    }


def erase(session: Session, resident_id: int) -> None:
    """The rows go with the resident; what a demonstration wrote to the folder goes here."""
    folder = outbox_of(current_app.extensions["settings"].instance)
    for number in session.scalars(select(Message.id).where(Message.resident_id == resident_id)):
        with contextlib.suppress(FileNotFoundError):
            (folder / file_name(number)).unlink()


hold(Holding("messages", N_("Messages to you"), ("messages",), describe, export, erase))
