"""How a finished message leaves: by SMTP, by GOV.UK Notify or another provider's door, or into a folder to look at.

A channel that is not set up does not exist on a public address. On this machine alone its messages are written to the
folder `outbox` of the instance, for a demonstration. Nothing here holds a transaction, and no provider's words are
kept: they may repeat an address.
"""

from __future__ import annotations

import json
import logging
import os
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from inclusion_app.config import LOOPBACK, Settings
from inclusion_app.messages.rules import BY_HAND
from inclusion_app.messages.templates import Text

# Of one step of a conversation. Nine steps of SMTP are still shorter than the claim on a message.
SECONDS = 10.0
REFUSED = range(500, 600)
NOT_NOW = {429: "too many", 401: "settings refused", 403: "settings refused", 408: "no answer"}


class NotSent(Exception):
    """It did not go out. `code` says why (staff_words.FAULTS); `permanent` when trying again cannot help."""

    def __init__(self, code: str, *, permanent: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.permanent = permanent


@dataclass(frozen=True)
class Outgoing:
    """One finished message. `reference` is the same for each try of it; `language` a BCP 47 tag."""

    number: int
    channel: str
    to: str
    text: Text
    language: str
    reference: str
    at: datetime


def is_set_up(channel: str, settings: Settings) -> bool:
    """True when messages of this channel really go to people. Letters and calls need nothing but somebody's hands."""
    return channel in BY_HAND or bool({"email": settings.mail_url, "sms": settings.sms}[channel])


def available(settings: Settings) -> frozenset[str]:
    """What may be offered and chosen: what is set up, and on this machine alone what is written to the folder."""
    return frozenset(
        channel
        for channel in ("email", "sms", "letter", "call")
        if is_set_up(channel, settings) or settings.is_local
    )


def deliver(message: Outgoing, settings: Settings) -> str | None:
    """Send it now. Returns what the provider calls it, if it says so. Raises NotSent."""
    if not is_set_up(message.channel, settings):
        if not settings.is_local:
            raise NotSent("not set up")
        _write_down(message, settings.instance)
        return None
    if message.channel == "email":
        _send_email(message, settings)
        return None
    return _send_sms(message, settings)


def _write_down(message: Outgoing, instance: Path) -> None:
    """A message of a demonstration, to be looked at by whoever owns the folder."""
    folder = outbox_of(instance)
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / file_name(message.number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(f"{message.channel}: {message.to}\n{message.text.subject}\n\n{message.text.body}\n")


def outbox_of(instance: Path) -> Path:
    """The folder of a demonstration's messages."""
    return instance / "outbox"


def file_name(number: int) -> str:
    """The file of a message of a demonstration."""
    return f"{number:06d}.txt"


def _send_email(message: Outgoing, settings: Settings) -> None:
    url = urlsplit(settings.mail_url or "")
    sender = settings.mail_from or ""
    host, domain = url.hostname or "", sender.rpartition("@")[2]
    mail = _mail(message, sender, domain)
    context = ssl.create_default_context()
    try:
        if url.scheme == "smtps":
            line: smtplib.SMTP = smtplib.SMTP_SSL(
                host, url.port or 465, local_hostname=domain, timeout=SECONDS, context=context
            )
        else:
            line = smtplib.SMTP(host, url.port or 587, local_hostname=domain, timeout=SECONDS)
        with line:
            _open_line(line, url.scheme, host, context)
            if url.username:
                line.login(unquote(url.username), unquote(url.password or ""))
            line.send_message(mail, sender, [message.to])
    except smtplib.SMTPRecipientsRefused as err:
        permanent = any(code in REFUSED for code, _words in err.recipients.values())
        raise NotSent("address refused" if permanent else "provider trouble", permanent=permanent) from None
    except smtplib.SMTPDataError as err:
        permanent = err.smtp_code in REFUSED
        raise NotSent("text refused" if permanent else "provider trouble", permanent=permanent) from None
    except (smtplib.SMTPNotSupportedError, UnicodeError):
        raise NotSent("address unreadable", permanent=True) from None
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as err:
        raise NotSent("settings refused" if err.smtp_code in REFUSED else "provider trouble") from None
    except smtplib.SMTPServerDisconnected:
        raise NotSent("no answer") from None
    except smtplib.SMTPException:
        raise NotSent("provider trouble") from None
    except OSError:
        raise NotSent("no answer") from None


def _open_line(line: smtplib.SMTP, scheme: str, host: str, context: ssl.SSLContext) -> None:
    """Encrypt the line when the server can. No other machine is sent people's addresses over an open one."""
    line.ehlo_or_helo_if_needed()
    if scheme == "smtps":
        return
    if line.has_extn("starttls"):
        line.starttls(context=context)
        line.ehlo_or_helo_if_needed()
    elif host not in LOOPBACK:
        raise NotSent("no encryption")


def _mail(message: Outgoing, sender: str, domain: str) -> EmailMessage:
    mail = EmailMessage()
    try:
        # The bare address: a name beside it would be the service's.
        mail["From"] = sender
        mail["To"] = message.to
        mail["Subject"] = message.text.subject
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.reference}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "I am on holiday" comes back
        mail.set_content(message.text.body)  # takes away what was said of the content before
        mail["Content-Language"] = message.language
        if len(mail["To"].addresses) != 1:
            raise ValueError("one address, no more")
    except (ValueError, IndexError):  # a line break in an address, or what is no address
        raise NotSent("address unreadable", permanent=True) from None
    return mail


def _send_sms(message: Outgoing, settings: Settings) -> str | None:
    key = settings.sms or ""
    return _send_by_door(message, settings) if "://" in key else _send_by_notify(message, settings)


def _send_by_notify(message: Outgoing, settings: Settings) -> str | None:
    # Only the worker sends; web workers need neither the client nor what it brings.
    from notifications_python_client.errors import APIError
    from notifications_python_client.notifications import NotificationsAPIClient

    # It writes a provider's answer to the log, and that may repeat the number.
    logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL)
    more = {"base_url": settings.sms_url} if settings.sms_url else {}
    client: Any = NotificationsAPIClient(settings.sms, timeout=SECONDS, **more)  # type: ignore[no-untyped-call]
    client.request_session.max_redirects = 0
    try:
        answer = client.send_sms_notification(
            phone_number=message.to, template_id=settings.sms_template,
            personalisation={"message": message.text.body}, reference=message.reference,
        )  # fmt: skip
    except APIError as err:
        raise _fault_of(err.status_code if err.response is not None else None) from None
    finally:
        client.request_session.close()
    return _id_in(answer)


def _send_by_door(message: Outgoing, settings: Settings) -> str | None:
    """The door for who has no Notify: JSON of `to`, `text` and `reference`, with a bearer token; 2xx is taken."""
    import requests

    try:
        with requests.Session() as session:
            answer = session.post(
                settings.sms or "",
                json={"to": message.to, "text": message.text.body, "reference": message.reference},
                headers={"Authorization": f"Bearer {settings.sms_token}"},
                timeout=SECONDS,
                allow_redirects=False,  # the text goes to the provider and to nobody it points at
            )
            status, body = answer.status_code, answer.content[:10_000]
    except requests.RequestException:
        raise _fault_of(None) from None
    if not 200 <= status < 300:
        raise _fault_of(status)
    try:
        return _id_in(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _fault_of(status: int | None) -> NotSent:
    """What an HTTP status of a provider means: only a plain "no" to this message is for ever."""
    if status is None:
        return NotSent("no answer")
    if status in NOT_NOW:
        return NotSent(NOT_NOW[status])
    if 400 <= status < 500:
        return NotSent("text refused", permanent=True)
    return NotSent("provider trouble")


def _id_in(answer: Any) -> str | None:
    found = answer.get("id") if isinstance(answer, dict) else None
    return found if isinstance(found, str) and 0 < len(found) <= 80 and found.isprintable() else None
