"""Sending for real: to an SMTP server and to a provider of text messages on this machine, with every fault."""

from __future__ import annotations

import email
import email.policy
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.messages import channels
from inclusion_app.messages.channels import NotSent, Outgoing, available, deliver
from inclusion_app.messages.templates import Text
from tests.conftest import settings_for
from tests.messages.conftest import EMAIL, NOTIFY_KEY, PHONE, TEMPLATE, Mailbox, Provider

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


def letter_to(to: str = EMAIL, channel: str = "email", body: str = "Good day.\n") -> Outgoing:
    return Outgoing(12, channel, to, Text("Your link", body), "ur", "r" * 32, AT)


def test_an_email_arrives_whole(with_mail: Mailbox, app: Flask) -> None:
    deliver(letter_to(body="سلام\n.\nend\n"), app.extensions["settings"])
    (mail,) = with_mail.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("roadmap@example.org", [EMAIL])
    assert isinstance(mail.content, bytes)
    read = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert read.get_content().splitlines() == ["سلام", ".", "end"]
    assert read.get_content_type() == "text/plain"
    assert read["From"] == "roadmap@example.org"
    assert read["Message-ID"] == f"<{'r' * 32}@example.org>"
    assert (read["Content-Language"], read["Auto-Submitted"]) == ("ur", "auto-generated")


@pytest.mark.parametrize(
    ("fault", "code", "permanent"),
    [
        ("unknown address", "address refused", True),
        ("later", "provider trouble", False),
        ("cut", "no answer", False),
        ("sender refused", "settings refused", False),
        ("text refused", "text refused", True),
        ("busy", "provider trouble", False),
    ],
)
def test_each_fault_of_a_mail_server_is_told_apart(
    with_mail: Mailbox, app: Flask, fault: str, code: str, permanent: bool
) -> None:
    with_mail.fault = fault
    with pytest.raises(NotSent) as refused:
        deliver(letter_to(), app.extensions["settings"])
    assert (refused.value.code, refused.value.permanent) == (code, permanent)
    assert EMAIL not in str(refused.value)


def test_a_mail_server_that_is_silent_or_away_is_tried_again(app: Flask, tmp_path: Path, hurry: None) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        settings = settings_for(tmp_path, mail_url=f"smtp://127.0.0.1:{port}", mail_from="a@example.org")
        with pytest.raises(NotSent, match="no answer"):
            deliver(letter_to(), settings)
    with pytest.raises(NotSent, match="no answer"):
        deliver(letter_to(), settings)


@pytest.mark.parametrize("to", ["a@example.org\nBcc: b@example.org", "a@x.org, b@x.org", "", "@"])
def test_what_is_no_address_goes_nowhere(with_mail: Mailbox, app: Flask, to: str) -> None:
    with pytest.raises(NotSent) as refused:
        deliver(letter_to(to), app.extensions["settings"])
    assert refused.value.permanent
    assert not with_mail.mails


def test_another_machine_that_cannot_encrypt_gets_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        def ehlo_or_helo_if_needed(self) -> None: ...
        def has_extn(self, _name: str) -> bool:
            return False

    with pytest.raises(NotSent, match="no encryption"):
        channels._open_line(Plain(), "smtp", "mail.example.org", None)  # type: ignore[arg-type]
    channels._open_line(Plain(), "smtp", "127.0.0.1", None)  # type: ignore[arg-type]


def test_notify_gets_number_words_and_reference(with_notify: Provider, app: Flask) -> None:
    number = deliver(letter_to(PHONE, "sms", "Hello"), app.extensions["settings"])
    assert number == "740e5834-3a29-46b4-9a6f-000000000001"
    assert with_notify.taken == [
        {
            "phone_number": PHONE,
            "template_id": TEMPLATE,
            "personalisation": {"message": "Hello"},
            "reference": "r" * 32,
        }
    ]
    assert with_notify.headers[0]["Authorization"].startswith("Bearer ey")


FAULTS = [
    (500, "provider trouble", False),
    (503, "provider trouble", False),
    (429, "too many", False),
    (403, "settings refused", False),
    (400, "text refused", True),
    (302, "provider trouble", False),
    ("cut", "no answer", False),
    ("slow", "no answer", False),
]


@pytest.mark.parametrize(("fault", "code", "permanent"), FAULTS)
@pytest.mark.parametrize("door", [False, True])
def test_each_fault_of_a_provider_is_told_apart(
    provider: Provider, tmp_path: Path, hurry: None, fault: str | int, code: str, permanent: bool, door: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    here = {"sms": f"{provider.url}/door", "sms_token": "t" * 20}
    notify = {"sms": NOTIFY_KEY, "sms_template": TEMPLATE, "sms_url": provider.url}
    provider.fault = fault
    with pytest.raises(NotSent) as refused:
        deliver(letter_to(PHONE, "sms"), settings_for(tmp_path, **(here if door else notify)))
    assert (refused.value.code, refused.value.permanent) == (code, permanent)
    assert PHONE not in caplog.text
    if fault == 302:
        assert not provider.taken


def test_notify_that_answers_with_a_page_is_tried_again(with_notify: Provider, app: Flask) -> None:
    with_notify.fault = "no json"
    with pytest.raises(NotSent) as refused:
        deliver(letter_to(PHONE, "sms"), app.extensions["settings"])
    assert not refused.value.permanent


def test_the_door_of_another_provider(provider: Provider, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, sms=f"{provider.url}/door", sms_token="t" * 20)
    assert deliver(letter_to(PHONE, "sms", "Hello"), settings)
    assert provider.taken == [{"to": PHONE, "text": "Hello", "reference": "r" * 32}]
    assert provider.headers[0]["Authorization"] == f"Bearer {'t' * 20}"


def test_a_demonstration_writes_to_a_folder_of_its_owner(tmp_path: Path) -> None:
    for _ in range(2):
        assert deliver(letter_to(), settings_for(tmp_path)) is None
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.name == "000012.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert EMAIL in path.read_text()


def test_on_a_public_address_what_is_not_set_up_does_not_exist(tmp_path: Path) -> None:
    public = settings_for(tmp_path, base_url="https://roadmap.example.org", demo=False)
    assert available(public) == {"letter", "call"}
    with pytest.raises(NotSent, match="not set up"):
        deliver(letter_to(), public)
    assert not (tmp_path / "outbox").exists()
    assert available(settings_for(tmp_path)) == {"email", "sms", "letter", "call"}
