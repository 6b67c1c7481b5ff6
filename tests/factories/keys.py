"""A security key in software (FIDO2, ES256): it signs what a page asks, as a real one would."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def plain(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class SoftKey:
    """`verifies`: it asks its owner for a PIN; `counts`: it counts its uses."""

    def __init__(
        self, *, origin: str = "http://localhost", verifies: bool = True, counts: bool = True
    ) -> None:
        self.origin, self.verifies, self.counts = origin, verifies, counts
        self.secret = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.uses = 0
        self.owner = ""

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _facts(self, host: str, more: int = 0) -> bytes:
        self.uses += 1
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        count = self.uses if self.counts else 0
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def make(self, asked: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.create()`."""
        self.owner = asked["user"]["id"]
        point = self.secret.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        facts = (
            self._facts(asked["rp"]["id"], ATTESTED) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id
            + cbor2.dumps(cose)
        )  # fmt: skip
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": facts})
        return self._answer(
            {
                "clientDataJSON": plain(self._client("webauthn.create", asked["challenge"])),
                "attestationObject": plain(made),
            }
        )

    def sign(self, asked: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.get()`."""
        client, facts = self._client("webauthn.get", asked["challenge"]), self._facts(asked["rpId"])
        signature = self.secret.sign(facts + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": plain(client), "authenticatorData": plain(facts),
                "signature": plain(signature), "userHandle": self.owner,
            }
        )  # fmt: skip

    def _answer(self, response: dict[str, str]) -> str:
        told = {"id": plain(self.id), "rawId": plain(self.id), "type": "public-key", "response": response}
        return json.dumps(told)
