"""Encrypted columns and keyed hashes. Keys stay outside the database; the first of several is the current one."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

_held: dict[str, MultiFernet] = {}


def use_keys(field_keys: tuple[str, ...]) -> None:
    """Hold these keys for this process; called once by create_app."""
    _held["fields"] = MultiFernet([Fernet(key) for key in field_keys])


def _keys() -> MultiFernet:
    try:
        return _held["fields"]
    except KeyError:
        raise RuntimeError("no field keys: create_app() was not called") from None


class EncryptedText(TypeDecorator[str]):
    """Text that only this service can read; in the database it is Fernet (AES-128-CBC and HMAC-SHA-256)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else _keys().encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else _keys().decrypt(value.encode()).decode()


class EncryptedJSON(TypeDecorator[dict[str, Any]]):
    """A small JSON object, encrypted; change it by assigning a new one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, _dialect: Dialect) -> str | None:
        if value is None:
            return None
        return _keys().encrypt(json.dumps(value, separators=(",", ":"), sort_keys=True).encode()).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> dict[str, Any] | None:
        if value is None:
            return None
        found: dict[str, Any] = json.loads(_keys().decrypt(value.encode()))
        return found


def rotate(session: Session) -> int:
    """Write every encrypted value anew with the first key; returns how many. Raises InvalidToken for a lost key."""
    from inclusion_app.core.db import Base

    done = 0
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, EncryptedText | EncryptedJSON):
                continue
            (key,) = table.primary_key.columns  # a key of two columns would need both in the update below
            for row_id, value in session.execute(
                select(key, type_coerce(column, Text)).where(column.is_not(None))
            ).all():
                fresh = _keys().rotate(value.encode()).decode()
                session.execute(
                    # What somebody changed since it was read is newer, and was written with the first key anyway.
                    update(table)
                    .where(key == row_id, type_coerce(column, Text) == value)
                    .values({column.name: type_coerce(fresh, Text)})
                )
                done += 1
    return done


def derive_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF-SHA-256), so that no key serves two."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def keyed_hash(purpose: str, value: str, *, secret: str | None = None) -> str:
    """A hash (64 hex signs) that nobody can try out without the service's secret."""
    secret = secret or current_app.extensions["settings"].secret_key
    return hmac.new(derive_key(secret, purpose), value.encode(), hashlib.sha256).hexdigest()


__all__ = ["EncryptedJSON", "EncryptedText", "InvalidToken", "derive_key", "keyed_hash", "rotate", "use_keys"]
