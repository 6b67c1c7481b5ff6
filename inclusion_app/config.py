"""Typed settings, read once from the environment. A bad value stops the start with a plain sentence."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
# The end of a key of GOV.UK Notify: the numbers of the service and of its secret.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# How long before a session somebody is reminded: days, and hours of the same day.
REMINDERS: Mapping[str, timedelta] = {"days": timedelta(days=2), "hours": timedelta(hours=2)}
NOTIFY_KEY = re.compile(rf"[\w.-]*{UUID}-{UUID}")


class BadSetting(ValueError):
    """A setting in the environment cannot be used; the message names it and says what would be right."""


@dataclass(frozen=True)
class Settings:
    """What one instance runs on. Every field has one source: the environment or the instance folder."""

    instance: Path
    database_url: str
    secret_key: str
    field_keys: tuple[str, ...]
    base_url: str | None = None
    # Where `./serve` answers, as it tells its programs: without a base URL the links of messages lead there.
    port: int = 8000
    mail_url: str | None = None
    mail_from: str | None = None
    # A key of GOV.UK Notify, or the https address of another provider's door.
    sms: str | None = None
    sms_template: str | None = None
    sms_url: str | None = None
    sms_token: str | None = None
    workers: int = 2
    demo: bool = True
    trusted_hops: int = 0
    badge_key: str | None = None
    notify_callback_token: str | None = None
    service_name: str = "My digital roadmap"
    contact: str | None = None
    test_languages: bool = False
    # What is kept for another time than the schedule says (see core.retention).
    retention: Mapping[str, timedelta] = field(default_factory=dict)
    # By "days" and "hours"; what is not in it is not sent.
    reminders: Mapping[str, timedelta] = field(default_factory=lambda: dict(REMINDERS))

    @property
    def is_https(self) -> bool:
        """True when people reach the service over HTTPS, so cookies may be `Secure` with the `__Host-` prefix."""
        return bool(self.base_url and self.base_url.startswith("https://"))

    @property
    def is_local(self) -> bool:
        """True while the base URL is unset or points at this machine: the only place for demonstration data."""
        return self.base_url is None or urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def address(self) -> str:
        """Where people reach the service, for whoever has no request that names it; without a slash at the end."""
        return self.base_url or f"http://127.0.0.1:{self.port}"

    @property
    def badge_keys(self) -> str:
        """The keys of certificates as PEM: the one that signs, then any that signed before it.

        With the embedded database it is made when the first certificate is, and kept in the instance folder.
        """
        return self.badge_key or _read_or_make(self.instance / "badge-key", _new_badge_key)

    @property
    def paper_socket(self) -> Path:
        """The socket of the paper service."""
        return self.instance / "paper.sock"


def load_settings(environ: Mapping[str, str] | None = None, *, instance: Path | None = None) -> Settings:
    """Read the environment; make and keep secrets in the instance folder where the embedded default allows it.

    Raises BadSetting for anything that cannot be right, before a single request is served.
    """
    env = os.environ if environ is None else environ
    folder = Path(instance or env.get("INCLUSION_INSTANCE") or "instance").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    url = env.get("INCLUSION_DATABASE_URL") or f"sqlite:///{folder / 'inclusion.sqlite3'}"
    embedded = url.startswith("sqlite:")
    if not embedded and not url.startswith("postgresql+psycopg://"):
        raise BadSetting("INCLUSION_DATABASE_URL must start with sqlite: or postgresql+psycopg://")
    if embedded and not url.startswith("sqlite:///"):
        raise BadSetting("INCLUSION_DATABASE_URL must look like sqlite:////var/lib/roadmap/file.sqlite3")
    try:
        _port = urlsplit(url).port
    except ValueError as err:
        raise BadSetting(
            "INCLUSION_DATABASE_URL must look like postgresql+psycopg://user:password@host:5432/name"
        ) from err

    base_url = (env.get("INCLUSION_BASE_URL") or "").rstrip("/") or None
    if base_url:
        parts = _address(base_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise BadSetting("INCLUSION_BASE_URL must be https for any address but this machine's own")

    demo_given = env.get("INCLUSION_DEMO")
    if demo_given not in {None, "", "0", "1"}:
        raise BadSetting("INCLUSION_DEMO must be 0 or 1")
    local = base_url is None or urlsplit(base_url).hostname in LOOPBACK
    if demo_given == "1" and not local:
        raise BadSetting(
            "INCLUSION_DEMO=1 is refused for a public address: demonstration data is for this machine"
        )

    hops = _whole(env, "INCLUSION_TRUSTED_HOPS", 0, 0, 9)
    if hops and not base_url:
        # The links in mails would carry whatever name a request gives itself, a new password with them; and the
        # demonstration's sign-ins would open a service that others reach.
        raise BadSetting("INCLUSION_BASE_URL is required when INCLUSION_TRUSTED_HOPS is set")

    mail_url, mail_from = _mail(env)
    sms, sms_template, sms_url, sms_token = _sms(env)

    contact = env.get("INCLUSION_CONTACT") or None
    if contact and not EMAIL.fullmatch(contact):
        raise BadSetting("INCLUSION_CONTACT must be an e-mail address")

    return Settings(
        instance=folder,
        database_url=url,
        secret_key=_kept_secret(env, "INCLUSION_SECRET_KEY", folder / "secret-key", embedded, _new_secret),
        field_keys=_field_keys(env, folder, embedded),
        base_url=base_url,
        mail_url=mail_url,
        mail_from=mail_from,
        sms=sms,
        sms_template=sms_template,
        sms_url=sms_url,
        sms_token=sms_token,
        port=_whole(env, "INCLUSION_PORT", 8000, 1, 65535),
        workers=_whole(env, "INCLUSION_WORKERS", 2, 1, 64),
        demo=local and demo_given != "0",
        trusted_hops=hops,
        badge_key=_badge_key(env.get("INCLUSION_BADGE_KEY") or None, embedded),
        notify_callback_token=env.get("INCLUSION_NOTIFY_CALLBACK_TOKEN") or None,
        service_name=env.get("INCLUSION_SERVICE_NAME") or "My digital roadmap",
        contact=contact,
        retention=_retention(env.get("INCLUSION_RETENTION") or ""),
        reminders=_reminders(env.get("INCLUSION_REMINDERS") or ""),
    )


def _mail(env: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Where e-mail goes out, and from whom. One without the other sends nothing, so it stops the start."""
    url, sender = env.get("INCLUSION_MAIL_URL") or None, env.get("INCLUSION_MAIL_FROM") or None
    if sender and not (sender.isascii() and EMAIL.fullmatch(sender)):
        raise BadSetting("INCLUSION_MAIL_FROM must be a bare e-mail address, such as roadmap@example.org")
    if url is None:
        return None, sender
    try:
        parts = urlsplit(url)
        right = parts.hostname and parts.port != 0 and parts.path in {"", "/"} and not parts.query
    except ValueError:
        right = False
    if not right or parts.scheme not in {"smtp", "smtps"}:
        raise BadSetting("INCLUSION_MAIL_URL must look like smtp://user:password@host:587 or smtps://host")
    if sender is None:
        raise BadSetting("INCLUSION_MAIL_FROM is required when INCLUSION_MAIL_URL is set")
    return url, sender


def _sms(env: Mapping[str, str]) -> tuple[str | None, str | None, str | None, str | None]:
    """Key or door of text messages, and what each needs beside it."""
    sms, template, url, token = (
        env.get(name) or None
        for name in ("INCLUSION_SMS", "INCLUSION_SMS_TEMPLATE", "INCLUSION_SMS_URL", "INCLUSION_SMS_TOKEN")
    )
    if url and not _is_safe_door(url):
        raise BadSetting("INCLUSION_SMS_URL must be an https address")
    if sms is None:
        return None, template, url, token
    if "://" in sms:
        if not _is_safe_door(sms):
            raise BadSetting("INCLUSION_SMS must be an https address or a key of GOV.UK Notify")
        if not token:
            raise BadSetting("INCLUSION_SMS_TOKEN is required when INCLUSION_SMS is an address")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise BadSetting("INCLUSION_SMS_TOKEN must be plain letters and numbers without spaces")
    elif not NOTIFY_KEY.fullmatch(sms):
        raise BadSetting("INCLUSION_SMS must be an https address or a key of GOV.UK Notify")
    elif not template or not re.fullmatch(UUID, template):
        raise BadSetting("INCLUSION_SMS_TEMPLATE must be the number of a template with ((message)) in it")
    return sms, template, url, token


def _is_safe_door(text: str) -> bool:
    """True for an https address, and for http on this machine itself (a relay, a test)."""
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        return False
    return named and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _retention(text: str) -> dict[str, timedelta]:
    """Times to keep things, such as `saved-plan=400d,feedback=3y`; a year is 366 days, so none is too short."""
    found: dict[str, timedelta] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([a-z-]{1,40})=([1-9][0-9]{0,4})([dy])", part)
        if not match or match[1] in found:
            raise BadSetting("INCLUSION_RETENTION must look like saved-plan=400d,feedback=3y, each kind once")
        found[match[1]] = timedelta(days=int(match[2]) * (366 if match[3] == "y" else 1))
    return found


def _reminders(text: str) -> dict[str, timedelta]:
    """When somebody is reminded of a session: `2d,2h`, one of the two alone, or `none`."""
    if not text:
        return dict(REMINDERS)
    found: dict[str, timedelta] = {}
    for part in [] if text.strip() == "none" else text.split(","):
        match = re.fullmatch(r"([1-9]|1[0-4])d|([1-9]|1[0-2])h", part.strip(), re.ASCII)
        kind = "days" if match and match[1] else "hours"
        if not match or kind in found:
            raise BadSetting(
                "INCLUSION_REMINDERS must look like 2d,2h: once days (1 to 14), once hours (1 to 12), or none"
            )
        found[kind] = timedelta(days=int(match[1])) if match[1] else timedelta(hours=int(match[2]))
    return found


def _address(text: str) -> SplitResult:
    """An address of scheme, host and perhaps port. A name with a password would stand in every QR code."""
    try:
        parts = urlsplit(text)
        right = re.fullmatch(r"https?://[^/?#@\s\\]+", text) and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, or half an IPv6 address
        right = None
    if not right:
        raise BadSetting(
            "INCLUSION_BASE_URL must look like https://roadmap.example.org, without a path, a name or a question"
        )
    return parts


def _whole(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise BadSetting(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _new_field_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _new_badge_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _badge_key(text: str | None, embedded: bool) -> str | None:
    """PEM blocks, or the same in base64 on one line: first the private key that signs, then keys that signed before."""
    if text is None:
        if not embedded:
            raise BadSetting("INCLUSION_BADGE_KEY is required when the database is not the embedded one")
        return None
    if "-----BEGIN" not in text:
        try:
            text = base64.b64decode(text, validate=True).decode("ascii")
        except ValueError as err:
            raise BadSetting(WRONG_BADGE_KEY) from err
    text = text.replace("\\n", "\n")
    try:
        read_badge_keys(text)
    except ValueError as err:
        raise BadSetting(WRONG_BADGE_KEY) from err
    return text


WRONG_BADGE_KEY = (
    "INCLUSION_BADGE_KEY must be an RSA private key of 2048 bits or more as PEM (or that in base64), and after it the"
    " public keys of certificates given before"
)


def read_badge_keys(text: str) -> tuple[RSAPrivateKey, tuple[RSAPublicKey, ...]]:
    """The key that signs, and every public key that may have signed, its own first. Raises ValueError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    signing: RSAPrivateKey | None = None
    public: list[RSAPublicKey] = []
    for found in re.finditer(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", text, re.S):
        kind, block = found[1], found[0]
        try:
            if "PRIVATE" in kind:
                private = serialization.load_pem_private_key(block.encode(), None)
                if not isinstance(private, rsa.RSAPrivateKey):
                    raise ValueError("not an RSA key")
                signing = signing or private
                key = private.public_key()
            else:
                loaded = serialization.load_pem_public_key(block.encode())
                if not isinstance(loaded, rsa.RSAPublicKey):
                    raise ValueError("not an RSA key")
                key = loaded
        except (TypeError, UnsupportedAlgorithm) as err:
            raise ValueError("not a key that can be read") from err
        if key.key_size < 2048:
            raise ValueError("too short")
        if not public and signing is None:
            raise ValueError("the private key stands first")
        public.append(key)
    if signing is None:
        raise ValueError("no private key")
    return signing, tuple(public)


def _kept_secret(env: Mapping[str, str], name: str, path: Path, embedded: bool, make: object) -> str:
    given = env.get(name)
    if given:
        if len(given) < 32:
            raise BadSetting(f"{name} must have 32 characters or more")
        return given
    if not embedded:
        raise BadSetting(f"{name} is required when the database is not the embedded one")
    return _read_or_make(path, make)


def _field_keys(env: Mapping[str, str], folder: Path, embedded: bool) -> tuple[str, ...]:
    text = _kept_secret(env, "INCLUSION_FIELD_KEYS", folder / "field-keys", embedded, _new_field_key)
    keys = tuple(part for part in text.replace("\n", ",").split(",") if part)
    for key in keys:
        try:
            raw = base64.urlsafe_b64decode(key)
        except ValueError as err:
            raise BadSetting("INCLUSION_FIELD_KEYS must be base64 keys parted by commas") from err
        if len(raw) != 32:
            raise BadSetting("INCLUSION_FIELD_KEYS: each key must be 32 bytes in URL-safe base64")
    return keys


def _read_or_make(path: Path, make: object) -> str:
    """Two processes may start at once: the exclusive create decides whose secret is kept."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text().strip()
        if not text:
            raise BadSetting(
                f"{path.name} in the instance folder is empty; remove it or restore it"
            ) from None
        return text
    with os.fdopen(handle, "w") as out:
        value = str(make())  # type: ignore[operator]
        out.write(value + "\n")
    return value
