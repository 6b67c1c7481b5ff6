"""Encrypted columns: a value opens in the column it was written to, and nowhere else."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import Column, MetaData, Table, text

from inclusion_app import models_index
from inclusion_app.core import crypto
from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import Visit
from inclusion_app.people.models import Resident
from tests.conftest import FIELD_KEY
from tests.core.test_trust import NOON, make_resident


def raw(statement: str, **facts: object) -> list[tuple[object, ...]]:
    with transaction() as session:
        done = session.execute(text(statement), facts)
        return [tuple(row) for row in done] if done.returns_rows else []


def test_a_value_copied_into_another_column_is_refused(both_engines: Flask) -> None:
    number = make_resident()
    raw("UPDATE residents SET nickname = code")
    with transaction() as session, pytest.raises(crypto.InvalidToken):
        session.get_one(Resident, number)


def test_a_value_copied_into_another_table_is_refused(both_engines: Flask) -> None:
    make_resident()
    with transaction() as session:
        session.add(
            Visit(token_hash="t" * 64, unlocked="nothing", started_at=NOON, last_used_at=NOON, near={"a": 1})
        )
    raw("UPDATE visits SET near = (SELECT nickname FROM residents)")
    with transaction() as session, pytest.raises(crypto.InvalidToken):
        session.query(Visit).one()


def test_every_encrypted_column_knows_its_own_name() -> None:
    found = {
        str(column): column.type.bound_to
        for table in models_index.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, crypto.EncryptedText | crypto.EncryptedJSON)
    }
    assert len(found) > 5
    assert found == {name: name for name in found}


def test_one_type_written_at_two_columns_is_bound_to_each() -> None:
    shared = crypto.EncryptedText()
    table = Table("notes", MetaData(), Column("one", shared), Column("two", shared))
    assert [column.type.bound_to for column in table.columns] == ["notes.one", "notes.two"]  # type: ignore[attr-defined]


def test_a_type_without_a_column_encrypts_nothing() -> None:
    with pytest.raises(RuntimeError):
        crypto.EncryptedText().process_bind_param("x", None)  # type: ignore[arg-type]


def test_any_changed_byte_is_refused(both_engines: Flask) -> None:
    value = crypto.seal("Amina", "residents.nickname")
    assert crypto.unseal(value, "residents.nickname") == "Amina"
    body = bytearray(base64.urlsafe_b64decode(value[3:]))
    for place in range(len(body)):
        body[place] ^= 1
        with pytest.raises(crypto.InvalidToken):
            crypto.unseal("e2." + base64.urlsafe_b64encode(body).decode(), "residents.nickname")
        body[place] ^= 1
    for broken in ("e2.", "e2.AAAA", "e2.%%%", "e3." + value[3:], "", "plain words", "e2.é"):
        with pytest.raises(crypto.InvalidToken):
            crypto.unseal(broken, "residents.nickname")


def test_the_same_text_is_never_the_same_value(both_engines: Flask) -> None:
    assert crypto.seal("x", "a.b") != crypto.seal("x", "a.b")


def test_values_of_before_are_read_and_rotate_binds_them(both_engines: Flask) -> None:
    number = make_resident()
    old = Fernet(FIELD_KEY)
    raw("UPDATE residents SET nickname = :value", value=old.encrypt(b"Amina").decode())
    with transaction() as session:
        session.add(
            Visit(token_hash="t" * 64, unlocked="nothing", started_at=NOON, last_used_at=NOON, near={"a": 1})
        )
    raw("UPDATE visits SET near = :value", value=old.encrypt(json.dumps({"a": 2}).encode()).decode())
    with transaction() as session:
        assert session.get_one(Resident, number).nickname == "Amina"
        assert session.query(Visit).one().near == {"a": 2}
    assert crypto.rotate(batch=1) == 3
    stored = raw("SELECT code, nickname FROM residents")[0] + raw("SELECT near FROM visits")[0]
    assert all(str(value).startswith("e2.") for value in stored)
    with transaction() as session:
        assert session.get_one(Resident, number).nickname == "Amina"
        assert session.query(Visit).one().near == {"a": 2}


def test_once_the_old_key_is_away_no_unbound_value_can_be_planted(both_engines: Flask) -> None:
    number = make_resident()
    planted = Fernet(FIELD_KEY).encrypt(b"planted").decode()
    new = Fernet.generate_key().decode()
    try:
        crypto.use_keys((new, FIELD_KEY))
        crypto.rotate()
        crypto.use_keys((new,))
        raw("UPDATE residents SET nickname = :value", value=planted)
        with transaction() as session, pytest.raises(crypto.InvalidToken):
            session.get_one(Resident, number)
    finally:
        crypto.use_keys((FIELD_KEY,))
