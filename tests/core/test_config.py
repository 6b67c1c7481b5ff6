"""A wrong setting stops the start with a sentence that names it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inclusion_app.app import create_app
from inclusion_app.config import BadSetting, load_settings
from tests.conftest import settings_for


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INCLUSION_DATABASE_URL", "mysql://somewhere"),
        ("INCLUSION_BASE_URL", "roadmap.example.org"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org/path"),
        ("INCLUSION_BASE_URL", "http://roadmap.example.org"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org?x"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org#x"),
        ("INCLUSION_BASE_URL", "https://user:pw@roadmap.example.org"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org@evil.example"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org:99999"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org:0"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org:x"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org\\x"),
        ("INCLUSION_BASE_URL", "https://road map.example.org"),
        ("INCLUSION_BASE_URL", "https://[::1"),
        ("INCLUSION_BASE_URL", "https://:8000"),
        ("INCLUSION_DATABASE_URL", "postgresql+psycopg://a:b@c:port/d"),
        ("INCLUSION_DATABASE_URL", "sqlite:file"),
        ("INCLUSION_DEMO", "yes"),
        *(
            ("INCLUSION_REMINDERS", text)
            for text in ("2", "2d,3d", "0d", "15d", "13h", "2d;2h", "none,2h", "-1h", "٢d", ",")
        ),
        ("INCLUSION_MAIL_URL", "https://mail.example.org"),
        ("INCLUSION_MAIL_URL", "smtp://mail.example.org:port"),
        ("INCLUSION_MAIL_URL", "smtp://"),
        ("INCLUSION_MAIL_FROM", "My roadmap <a@example.org>"),
        ("INCLUSION_MAIL_FROM", "a@example.org\nBcc: b@example.org"),
        ("INCLUSION_SMS", "not a key"),
        ("INCLUSION_SMS", "http://sms.example.org"),
        ("INCLUSION_SMS", "https://user:pw@sms.example.org"),
        ("INCLUSION_SMS_URL", "http://api.example.org"),
        ("INCLUSION_CONTACT", "https://roadmap.example.org"),
        ("INCLUSION_CONTACT", 'a@b.c"><script>'),
        ("INCLUSION_PORT", "0"),
        ("INCLUSION_PORT", "65536"),
        ("INCLUSION_WORKERS", "0"),
        ("INCLUSION_WORKERS", "٣"),
        ("INCLUSION_TRUSTED_HOPS", "-1"),
        ("INCLUSION_SECRET_KEY", "short"),
        ("INCLUSION_FIELD_KEYS", "not base64!"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load_settings({name: value}, instance=tmp_path)


def test_demonstration_is_refused_on_a_public_address(tmp_path: Path) -> None:
    public = {"INCLUSION_BASE_URL": "https://roadmap.example.org"}
    assert not load_settings(public, instance=tmp_path).demo
    with pytest.raises(BadSetting, match="INCLUSION_DEMO"):
        load_settings({**public, "INCLUSION_DEMO": "1"}, instance=tmp_path)


def test_a_proxy_is_trusted_only_beside_the_address_people_open(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="INCLUSION_BASE_URL"):
        load_settings({"INCLUSION_TRUSTED_HOPS": "1"}, instance=tmp_path)
    both = {"INCLUSION_TRUSTED_HOPS": "1", "INCLUSION_BASE_URL": "https://roadmap.example.org"}
    assert load_settings(both, instance=tmp_path).trusted_hops == 1


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = load_settings({}, instance=tmp_path)
    again = load_settings({}, instance=tmp_path)
    assert (first.secret_key, first.field_keys) == (again.secret_key, again.field_keys)
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadSetting, match="INCLUSION_SECRET_KEY"):
        load_settings({"INCLUSION_DATABASE_URL": "postgresql+psycopg://a@b/c"}, instance=tmp_path)


@pytest.mark.parametrize(
    "address", ["https://a.example", "https://a.example:8443", "http://127.0.0.1:8000", "http://[::1]:80/"]
)
def test_a_right_address_is_taken(tmp_path: Path, address: str) -> None:
    assert load_settings({"INCLUSION_BASE_URL": address}, instance=tmp_path).base_url == address.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/x.sqlite3",
        "postgresql+psycopg://a:secret-word@127.0.0.1:1/b",
        "sqlite:///{}/no-db",
    ],
)
def test_a_database_that_cannot_be_opened_gets_one_sentence(tmp_path: Path, url: str) -> None:
    (tmp_path / "no-db").write_bytes(b"something else entirely " * 100)
    app = create_app(settings_for(tmp_path, url.format(tmp_path)))
    done = app.test_cli_runner().invoke(args=["setup"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: The database cannot be opened: "), done.output
    assert len(done.output.splitlines()) == 1
    assert "secret-word" not in done.output


NOTIFY_KEY = "live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
MAIL = {"INCLUSION_MAIL_URL": "smtp://u:p%40w@mail.example.org:587", "INCLUSION_MAIL_FROM": "a@example.org"}


@pytest.mark.parametrize(
    ("missing", "env"),
    [
        ("INCLUSION_MAIL_FROM", MAIL),
        ("INCLUSION_SMS_TEMPLATE", {"INCLUSION_SMS": NOTIFY_KEY, "INCLUSION_SMS_TEMPLATE": TEMPLATE}),
        (
            "INCLUSION_SMS_TOKEN",
            {"INCLUSION_SMS": "https://sms.example.org/send", "INCLUSION_SMS_TOKEN": "t" * 20},
        ),
    ],
)
def test_a_channel_is_set_up_whole_or_not_at_all(tmp_path: Path, missing: str, env: dict[str, str]) -> None:
    assert load_settings(env, instance=tmp_path)
    with pytest.raises(BadSetting, match=missing):
        load_settings({name: value for name, value in env.items() if name != missing}, instance=tmp_path)


@pytest.mark.parametrize(
    ("text", "days", "hours"),
    [("", 2, 2), ("3d,1h", 3, 1), ("2h", None, 2), (" 14d ", 14, None), ("none", None, None)],
)
def test_reminders_are_what_was_asked_for(
    tmp_path: Path, text: str, days: int | None, hours: int | None
) -> None:
    found = load_settings({"INCLUSION_REMINDERS": text}, instance=tmp_path).reminders
    wanted = {
        "days": timedelta(days=days) if days else None,
        "hours": timedelta(hours=hours) if hours else None,
    }
    assert found == {kind: before for kind, before in wanted.items() if before}
