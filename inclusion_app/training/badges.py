"""Certificates others can check by themselves: Open Badges 3.0 as a signed JSON Web Token. Pure but for its keys.

Source: 1EdTech, Open Badges 3.0, "JSON Web Token Proof Format": the credential itself is the payload, beside it `iss`,
`jti`, `nbf` and `sub`; RS256; the header names the key by an address that gives it, and carries it. No other header is
allowed. Whoever checks one of ours here goes by our own keys, never by the key a token brings along.

Nobody is named: the subject is a number drawn for this one certificate.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from inclusion_app.config import read_badge_keys

CONTEXT = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    # Says what the two types of 1EdTech below mean.
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
)
SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
CLAIMS = ("iss", "jti", "nbf", "sub")


class NotOurs(Exception):
    """This is no certificate of ours, or somebody changed it."""


@dataclass(frozen=True)
class Achievement:
    """What was achieved: an address that tells more, a title, a sentence, and what had to be done. English.

    `kind` is an achievementType of the specification.
    """

    address: str
    name: str
    description: str
    criteria: str
    kind: str


@dataclass(frozen=True)
class Issuer:
    """Who signs: the service at its address, with the key that signs and all that ever did."""

    address: str
    name: str
    signing: RSAPrivateKey
    public: tuple[RSAPublicKey, ...]

    @property
    def id(self) -> str:
        """The address of the profile."""
        return f"{self.address}/api/badges/issuer"

    @property
    def revoked(self) -> str:
        """The address of the list of what was taken back."""
        return f"{self.address}/api/badges/revoked"

    def key_address(self, name: str) -> str:
        """The address of one public key."""
        return f"{self.address}/api/badges/keys/{name}"

    def keys(self) -> dict[str, dict[str, str]]:
        """Every public key by its name, as a JWK."""
        return {thumbprint(key): jwk(key) for key in self.public}

    def profile(self) -> dict[str, Any]:
        """Who signs, as others read it."""
        return {
            "@context": list(CONTEXT[:2]),
            "id": self.id,
            "type": ["Profile"],
            "name": self.name,
            "url": self.address,
        }

    def sign(self, number: str, achievement: Achievement, *, now: datetime) -> str:
        """The signed form (compact JWS) of a certificate with this number, given now."""
        at = now.astimezone(UTC).replace(microsecond=0)
        subject = f"urn:uuid:{uuid.uuid4()}"
        said = {
            "@context": list(CONTEXT),
            "id": f"{self.address}/en/certificates/{number}",
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "issuer": {"id": self.id, "type": ["Profile"], "name": self.name, "url": self.address},
            "validFrom": at.isoformat().replace("+00:00", "Z"),
            "name": achievement.name,
            "credentialSubject": {
                "id": subject,
                "type": ["AchievementSubject"],
                "achievement": {
                    "id": achievement.address,
                    "type": ["Achievement"],
                    "achievementType": achievement.kind,
                    "name": achievement.name,
                    "description": achievement.description,
                    "criteria": {"id": achievement.address, "narrative": achievement.criteria},
                    "inLanguage": "en",
                },
            },
            "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
            "credentialStatus": {"id": self.revoked, "type": "1EdTechRevocationList"},
        }
        claims = {"iss": self.id, "jti": said["id"], "nbf": int(at.timestamp()), "sub": subject}
        key = self.signing.public_key()
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_address(thumbprint(key)), "jwk": jwk(key)}
        signed = f"{_packed(head)}.{_packed({**said, **claims})}"
        signature = self.signing.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"

    def read(self, token: str) -> dict[str, Any]:
        """What a signed certificate of ours says, without the claims of the token. Raises NotOurs.

        The key is found by its name among our own, those of before included.
        """
        try:
            head_text, said_text, signature = token.split(".")
            head, said = json.loads(_bytes(head_text)), json.loads(_bytes(said_text))
            name = str(head["kid"]).rsplit("/", 1)[-1]
            key = {thumbprint(known): known for known in self.public}[name]
            if head["alg"] != "RS256":
                raise NotOurs
            key.verify(
                _bytes(signature), f"{head_text}.{said_text}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            claims = {name: said.pop(name) for name in CLAIMS}
            at = datetime.fromisoformat(said["validFrom"].replace("Z", "+00:00"))
            fits = claims == {
                "iss": said["issuer"]["id"],
                "jti": said["id"],
                "nbf": int(at.timestamp()),
                "sub": said["credentialSubject"]["id"],
            }
        except (InvalidSignature, KeyError, TypeError, AttributeError, ValueError) as err:
            raise NotOurs from err
        if not fits:
            raise NotOurs
        return dict(said)


def issuer(*, address: str, name: str, keys: str) -> Issuer:
    """Who signs at this address, with the keys of the settings."""
    signing, public = _read(keys)
    return Issuer(address, name, signing, public)


@functools.lru_cache(maxsize=4)
def _read(keys: str) -> tuple[RSAPrivateKey, tuple[RSAPublicKey, ...]]:
    return read_badge_keys(keys)


def jwk(key: RSAPublicKey) -> dict[str, str]:
    """A public key as a JSON Web Key (RFC 7517)."""
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


def thumbprint(key: RSAPublicKey) -> str:
    """The name of a key: the thumbprint of RFC 7638, the same wherever it is computed."""
    members = json.dumps(jwk(key), sort_keys=True, separators=(",", ":"))
    return _text(hashlib.sha256(members.encode()).digest())


def _number(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _packed(said: Mapping[str, Any]) -> str:
    return _text(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if not text.isascii() or any(sign in text for sign in "+/= \n"):
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
