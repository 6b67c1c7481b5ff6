"""A wrong setting stops the start with a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inclusion_app.config import BadSetting, load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INCLUSION_DATABASE_URL", "mysql://somewhere"),
        ("INCLUSION_BASE_URL", "roadmap.example.org"),
        ("INCLUSION_BASE_URL", "https://roadmap.example.org/path"),
        ("INCLUSION_BASE_URL", "http://roadmap.example.org"),
        ("INCLUSION_DEMO", "yes"),
        ("INCLUSION_MAIL_URL", "https://mail.example.org"),
        ("INCLUSION_CONTACT", "https://roadmap.example.org"),
        ("INCLUSION_CONTACT", 'a@b.c"><script>'),
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


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = load_settings({}, instance=tmp_path)
    again = load_settings({}, instance=tmp_path)
    assert (first.secret_key, first.field_keys) == (again.secret_key, again.field_keys)
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadSetting, match="INCLUSION_SECRET_KEY"):
        load_settings({"INCLUSION_DATABASE_URL": "postgresql+psycopg://a@b/c"}, instance=tmp_path)
