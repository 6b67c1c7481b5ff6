"""The record: everything somebody could do to a row, a chain, a reason or the file of heads, and that it is found."""

from __future__ import annotations

import random
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from inclusion_app.core import audit
from inclusion_app.core.db import transaction
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident

NOON = datetime(2026, 11, 24, 12, 0, 1, 234567, tzinfo=UTC)
NUMBERS = ("id", "chain", "seq", "actor_id", "organisation_id", "resident_id")
TEXTS = ("actor_kind", "action", "purpose", "items", "reason_hmac", "mac")


def write(count: int, resident_id: int = 3, **more: Any) -> None:
    with transaction() as session:
        for number in range(count):
            audit.record(
                session, at=NOON + timedelta(seconds=number), actor_kind="resident", actor_id=7, organisation_id=4,
                action="read plan", purpose="own", resident_id=resident_id, items=("plan", "code"), **more,
            )  # fmt: skip


def faults(heads: Path | None = None) -> list[audit.Fault]:
    with transaction() as session:
        return audit.verify(session, heads)


def sign(heads: Path) -> int:
    with transaction() as session:
        return audit.append_heads(session, heads, at=NOON)


def change(statement: str, **facts: Any) -> None:
    with transaction() as session:
        session.execute(text(statement), facts)


def test_rows_given_other_numbers_are_found(both_engines: Flask) -> None:
    write(6)
    change("UPDATE audit_rows SET id = 900 WHERE seq = 3")
    change("UPDATE audit_rows SET id = 3 WHERE seq = 5")
    change("UPDATE audit_rows SET id = 5 WHERE seq = 3")
    assert [fault.seq for fault in faults()] == [3, 5]


def test_two_rows_that_change_places_are_found(both_engines: Flask) -> None:
    write(6)
    for number, to in ((2, 90), (4, 2), (90, 4)):
        change("UPDATE audit_rows SET seq = :to WHERE seq = :number", number=number, to=to)
    assert [fault.seq for fault in faults()] == [2, 3, 4, 5]


def test_a_row_moved_to_another_chain_is_found(both_engines: Flask) -> None:
    write(3)
    write(3, resident_id=4)
    change("UPDATE audit_rows SET chain = 4, seq = 4 WHERE chain = 3 AND seq = 3")
    change("UPDATE audit_heads SET seq = 4 WHERE chain = 4")
    change("UPDATE audit_heads SET seq = 2 WHERE chain = 3")
    assert {fault.chain for fault in faults()} == {3, 4}


def test_rows_of_before_the_number_was_signed_are_still_right_and_still_checked(
    both_engines: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(audit, "_mac", audit._mac_without_id)
        write(3)
    write(3)
    assert faults() == []
    change("UPDATE audit_rows SET items = '' WHERE seq = 2")
    assert [fault.seq for fault in faults()] == [2]


def flipped(value: Any, dice: random.Random) -> Any:
    """The same with one bit changed."""
    if value is None:
        return None
    if isinstance(value, int):
        return value ^ (1 << dice.randrange(20))
    place = dice.randrange(len(value))
    return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]


def test_any_one_byte_of_a_thousand_rows_is_found(both_engines: Flask) -> None:
    write(1_000)
    dice = random.Random(24)
    missed = []
    for _ in range(100):
        seq, column = dice.randrange(1, 1_001), dice.choice(NUMBERS + TEXTS)
        with transaction() as session:
            value = session.execute(
                text(f"SELECT {column} FROM audit_rows WHERE seq = :seq"), {"seq": seq}
            ).scalar_one()
        other = flipped(value, dice)
        if other == value or (column in {"id", "seq"} and other <= 1_000) or column == "chain":
            continue  # numbers in use, which the database itself refuses
        change(f"UPDATE audit_rows SET {column} = :other WHERE seq = :seq", other=other, seq=seq)
        where = other if column == "seq" else seq
        if not faults():
            missed.append((seq, column, other))
        change(f"UPDATE audit_rows SET {column} = :value WHERE seq = :seq", value=value, seq=where)
    assert not missed
    assert faults() == []


def test_every_byte_as_sqlite_stores_it_is_found(app: Flask) -> None:
    """Byte by byte, also bytes that are no text: what stands in the file counts, not what it is read as."""
    with app.app_context():
        write(3, reason="She asked me to")
        engine = app.extensions["engine"]
        missed, tried = [], 0
        raw: sqlite3.Connection
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            for column in (*TEXTS, "at"):
                (value,) = raw.execute(
                    f"SELECT CAST({column} AS BLOB) FROM audit_rows WHERE seq = 2"
                ).fetchone()
                for place in range(len(value)):
                    for bit in (0x01, 0x20, 0x80):
                        other = value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]
                        put = f"UPDATE audit_rows SET {column} = CAST(? AS TEXT) WHERE seq = 2"
                        raw.execute(put, (other,))
                        tried += 1
                        if not faults():
                            missed.append((column, other))
                        raw.execute(put, (value,))
            for column in ("actor_kind", "items", "at", "mac"):  # the same bytes, but no text any more
                (value,) = raw.execute(f"SELECT {column} FROM audit_rows WHERE seq = 2").fetchone()
                raw.execute(f"UPDATE audit_rows SET {column} = ? WHERE seq = 2", (value.encode(),))
                if not faults():
                    missed.append((column, b"blob"))
                raw.execute(f"UPDATE audit_rows SET {column} = ? WHERE seq = 2", (value,))
            for column in NUMBERS[1:]:
                (value,) = raw.execute(f"SELECT {column} FROM audit_rows WHERE seq = 2").fetchone()
                raw.execute("PRAGMA foreign_keys = OFF")
                raw.execute(f"UPDATE audit_rows SET {column} = 'x' WHERE seq = 2")
                if not faults():
                    missed.append((column, b"x"))
                raw.execute(f"UPDATE audit_rows SET {column} = ? WHERE seq IN (2, 'x')", (value,))
        assert not missed
        assert tried > 500
        assert faults() == []


@pytest.mark.parametrize("whole", [True, False])
def test_a_chain_cut_with_its_head_is_found_by_the_file(
    both_engines: Flask, tmp_path: Path, whole: bool
) -> None:
    heads = tmp_path / "heads"
    write(4)
    write(4, resident_id=5)
    assert sign(heads) == 2
    change("DELETE FROM audit_rows WHERE chain = 3" + ("" if whole else " AND seq > 2"))
    if whole:
        change("DELETE FROM audit_heads WHERE chain = 3")
    else:
        change(
            "UPDATE audit_heads SET seq = 2, mac = (SELECT mac FROM audit_rows WHERE chain = 3 AND seq = 2)"
            " WHERE chain = 3"
        )
    assert faults() == []
    assert [(fault.chain, fault.seq) for fault in faults(heads)] == [(3, 4)]
    write(4)  # what is written afterwards does not cover it up
    sign(heads)
    assert faults(heads)


def test_a_line_taken_out_of_the_file_of_heads_is_found(both_engines: Flask, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    for resident_id in (1, 2, 3):
        write(2, resident_id=resident_id)
        sign(heads)
    lines = heads.read_bytes().splitlines(keepends=True)
    for gone in range(2):
        heads.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        assert faults(heads), gone
    heads.write_bytes(b"")
    assert [fault.what for fault in faults(heads)] == ["the file of signed heads is empty"]


def test_lines_signed_before_they_were_chained_are_read(
    both_engines: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = tmp_path / "heads"
    write(2)
    with monkeypatch.context() as before:
        before.setattr(audit, "_sign", lambda key, facts, _before: audit._old_sign(key, facts))
        sign(heads)
    write(2)
    sign(heads)
    assert faults(heads) == []
    old, new = heads.read_bytes().splitlines(keepends=True)
    heads.write_bytes(new + old)
    assert faults(heads)


def test_half_a_line_that_a_power_cut_left_is_written_anew(both_engines: Flask, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    write(2)
    sign(heads)
    write(2)
    sign(heads)
    heads.write_bytes(heads.read_bytes()[:-30])
    assert faults(heads)
    assert sign(heads) == 1
    assert faults(heads) == []


def test_checking_sees_one_moment_while_others_write(
    both_engines: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the rows and reading the heads somebody writes: that is no fault."""
    heads = tmp_path / "heads"
    write(600)
    sign(heads)
    real = audit._stored_rows
    done = threading.Event()

    def rows_and_then_a_writer(session: Session) -> Any:
        yield from real(session)
        with both_engines.app_context():
            write(2)
            sign(heads)
        done.set()

    monkeypatch.setattr(audit, "_stored_rows", rows_and_then_a_writer)
    assert faults(heads) == []
    assert done.is_set()


def test_checking_makes_no_writer_wait(both_engines: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    isolation = []
    real = audit._stored_rows

    def look(session: Session) -> Any:
        isolation.append(session.connection().get_isolation_level())
        return real(session)

    monkeypatch.setattr(audit, "_stored_rows", look)
    assert faults() == []
    sqlite = both_engines.extensions["engine"].dialect.name == "sqlite"
    assert isolation == ["SERIALIZABLE" if sqlite else "REPEATABLE READ"]


def test_writers_at_once_leave_every_chain_whole(both_engines: Flask) -> None:
    def often(resident_id: int) -> None:
        with both_engines.app_context():
            for _ in range(8):
                write(1, resident_id=resident_id)

    threads = [threading.Thread(target=often, args=(3 + 16 * (number % 2),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults() == []
    with transaction() as session:
        assert session.execute(text("SELECT count(*), max(seq) FROM audit_rows")).one() == (32, 32)


SECRET_WORDS = "Canary: her sister Amina asked"


def test_a_typed_reason_stands_beside_its_row_and_not_in_it(both_engines: Flask) -> None:
    write(2, reason=SECRET_WORDS)
    with transaction() as session:
        reasons = session.query(audit.AuditReason).all()
        assert [reason.words for reason in reasons] == [SECRET_WORDS] * 2
        assert len({reason.salt for reason in reasons}) == 2
        rows = session.execute(text("SELECT * FROM audit_rows")).all()
        stored = session.execute(text("SELECT * FROM audit_reasons")).all()
        assert len({row.reason_hmac for row in rows}) == 2
    assert "Canary" not in str(rows) + str(stored)
    assert faults() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_reasons SET salt = (SELECT salt FROM audit_reasons WHERE row_id = 1) WHERE row_id = 2",
        "UPDATE audit_reasons SET salt = 'x' WHERE row_id = 2",
        "UPDATE audit_reasons SET words = (SELECT words FROM audit_reasons WHERE row_id = 1) WHERE row_id = 2",
        "UPDATE audit_reasons SET words = 'plain' WHERE row_id = 2",
        "UPDATE audit_rows SET reason_hmac = NULL WHERE id = 2",
        "INSERT INTO audit_reasons (row_id, salt, words) SELECT 3, salt, words FROM audit_reasons WHERE row_id = 1",
    ],
)
def test_a_reason_that_was_changed_or_put_there_is_found(both_engines: Flask, statement: str) -> None:
    with transaction() as session:
        for reason in ("one", "two", None):
            audit.record(
                session, at=NOON, actor_kind="staff", actor_id=1, action="read", purpose="own", resident_id=3,
                reason=reason,
            )  # fmt: skip
    assert faults() == []
    change(statement)
    assert faults()


def test_deleting_a_person_deletes_what_was_typed_and_leaves_the_chain_whole(both_engines: Flask) -> None:
    with transaction() as session:
        resident = people.make_resident(
            session, secret_kind="pin", secret_hash="x", nickname=None, pin_for_everything=False, language="en",
            now=NOON,
        )  # fmt: skip
        number = resident.id
    write(2, resident_id=number, reason=SECRET_WORDS)
    write(1, resident_id=number + 16, reason="of somebody else in the same chain")
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, number), now=NOON)
    with transaction() as session:
        left = session.query(audit.AuditReason).all()
        assert [reason.words for reason in left] == ["of somebody else in the same chain"]
    assert faults() == []


def test_a_deleted_persons_number_is_never_given_again(both_engines: Flask) -> None:
    def make() -> int:
        with transaction() as session:
            return people.make_resident(
                session, secret_kind="pin", secret_hash="x", nickname=None, pin_for_everything=False,
                language="en", now=NOON,
            ).id  # fmt: skip

    first = make()
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, first), now=NOON)
    assert make() > first


def test_a_record_that_cannot_be_read_is_a_fault(both_engines: Flask) -> None:
    write(1)
    with transaction() as session:
        session.execute(text("ALTER TABLE audit_rows RENAME TO elsewhere"))
    try:
        assert "cannot be read" in str(faults()[0])
    finally:
        with transaction() as session:
            session.execute(text("ALTER TABLE elsewhere RENAME TO audit_rows"))
