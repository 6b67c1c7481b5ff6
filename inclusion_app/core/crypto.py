"""Encrypted columns and keyed hashes. Keys stay outside the database; the first of several is the current one.

A value is bound to its column: it is AES-256-GCM (NIST SP 800-38D) with `table.column` as associated data, so a value
copied into another column is refused. Written `e2.` and URL-safe base64 of nonce, cipher and tag. Values of before
(Fernet, which knows no associated data) are still read; `rotate` writes them anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy import Column, Table, Text, event, select, type_coerce, update
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

BOUND = "e2."
NONCE_BYTES = 12


@dataclass(frozen=True)
class _Keys:
    """The keys of this process: `bound` for values tied to their column, `unbound` for those of before."""

    bound: tuple[AESGCM, ...]
    unbound: MultiFernet


_held: dict[str, _Keys] = {}


def use_keys(field_keys: tuple[str, ...]) -> None:
    """Hold these keys for this process; called once by create_app."""
    _held["fields"] = _Keys(
        # A key of its own for each cipher, so that no key serves two.
        bound=tuple(AESGCM(derive_key(key, "field-bound")) for key in field_keys),
        unbound=MultiFernet([Fernet(key) for key in field_keys]),
    )


def _keys() -> _Keys:
    try:
        return _held["fields"]
    except KeyError:
        raise RuntimeError("no field keys: create_app() was not called") from None


def seal(text: str, place: str) -> str:
    """`text` encrypted with the current key for one place (`table.column`)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = _keys().bound[0].encrypt(nonce, text.encode(), place.encode())
    return BOUND + base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(value: str, place: str) -> str:
    """What `seal` was given. Raises InvalidToken for a lost key, a changed value, or one from another place."""
    if not value.startswith(BOUND):
        return _keys().unbound.decrypt(value.encode()).decode()
    try:
        raw = base64.urlsafe_b64decode(value[len(BOUND) :])
    except ValueError:
        raise InvalidToken from None
    for key in _keys().bound:
        try:
            return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: too short to be one of ours
            continue
    raise InvalidToken


def seal_bytes(data: bytes, place: str) -> bytes:
    """The same for bytes that lie outside the database."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _keys().bound[0].encrypt(nonce, data, place.encode())


def unseal_bytes(sealed: bytes, place: str) -> bytes:
    """What `seal_bytes` was given. Raises InvalidToken for a lost key, changed bytes, or those of another place."""
    for key in _keys().bound:
        try:
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to be one of ours
            continue
    raise InvalidToken


class _Bound:
    """What both encrypted types share: the column they stand in, told to them when their table is made."""

    bound_to: str | None

    def _place(self) -> str:
        if self.bound_to is None:
            raise RuntimeError("an encrypted type outside a column has nothing to be bound to")
        return self.bound_to


class EncryptedText(_Bound, TypeDecorator[str]):
    """Text that only this service can read, and only in the column it was written to."""

    impl = Text
    cache_ok = True

    def __init__(self, bound_to: str | None = None) -> None:
        # An argument and not a plain attribute, so that SQLAlchemy's cache tells the types of two columns apart.
        super().__init__()
        self.bound_to = bound_to

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else seal(value, self._place())

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else unseal(value, self._place())


class EncryptedJSON(_Bound, TypeDecorator[dict[str, Any]]):
    """A small JSON object, encrypted; change it by assigning a new one."""

    impl = Text
    cache_ok = True

    def __init__(self, bound_to: str | None = None) -> None:
        super().__init__()
        self.bound_to = bound_to

    def process_bind_param(self, value: dict[str, Any] | None, _dialect: Dialect) -> str | None:
        if value is None:
            return None
        return seal(json.dumps(value, separators=(",", ":"), sort_keys=True), self._place())

    def process_result_value(self, value: str | None, _dialect: Dialect) -> dict[str, Any] | None:
        if value is None:
            return None
        found: dict[str, Any] = json.loads(unseal(value, self._place()))
        return found


@event.listens_for(Column, "after_parent_attach")
def _bind_to_column(column: Column[Any], table: Any) -> None:
    if isinstance(column.type, EncryptedText | EncryptedJSON) and isinstance(table, Table):
        # A type of its own for each column: one instance written at two columns would be bound to the second only.
        column.type = type(column.type)(f"{table.name}.{column.name}")


def rotate(batch: int = 300) -> int:
    """Write every encrypted value anew: with the first key, bound to its column. Returns how many.

    Reads without a lock and writes a batch at a time, each in a short transaction, so that people go on working.
    Raises InvalidToken for a lost key. Once this was done with a new key and the old key was taken away, no value
    that is bound to nothing can be planted any more.
    """
    from inclusion_app.core.db import Base

    sealed = [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedText | EncryptedJSON)
    ]
    return sum(_rotate_column(column, batch) for column in sealed)


def _rotate_column(column: Column[Any], batch: int) -> int:
    from inclusion_app.core.db import let_others_in, reading, transaction

    table, place = column.table, f"{column.table.name}.{column.name}"
    (key,) = table.primary_key.columns  # a key of two columns would need both in the update below
    done, last = 0, None
    while True:
        wanted = select(key, type_coerce(column, Text)).where(column.is_not(None)).order_by(key).limit(batch)
        with reading() as session:
            rows = session.execute(wanted if last is None else wanted.where(key > last)).all()
        fresh = [(row_id, value, seal(unseal(value, place), place)) for row_id, value in rows]
        with transaction() as session:
            for row_id, value, anew in fresh:
                session.execute(
                    # What somebody changed since it was read is newer, and was written with the first key anyway.
                    update(table)
                    .where(key == row_id, type_coerce(column, Text) == value)
                    .values({column.name: type_coerce(anew, Text)})
                )
        done += len(rows)
        if len(rows) < batch:
            return done
        last = rows[-1][0]
        let_others_in()


def derive_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF-SHA-256), so that no key serves two."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def keyed_hash(purpose: str, value: str, *, secret: str | None = None) -> str:
    """A hash (64 hex signs) that nobody can try out without the service's secret."""
    secret = secret or current_app.extensions["settings"].secret_key
    return hmac.new(derive_key(secret, purpose), value.encode(), hashlib.sha256).hexdigest()


__all__ = [
    "EncryptedJSON", "EncryptedText", "InvalidToken", "derive_key", "keyed_hash", "rotate", "seal", "seal_bytes", "unseal",
    "unseal_bytes", "use_keys",
]  # fmt: skip
