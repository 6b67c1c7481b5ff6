"""Encryption, attempt limits, the record, status moves: on both engines."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from inclusion_app.core import attempts, audit, crypto, history, pins
from inclusion_app.core.db import side_write, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.places.models import Place, PlaceReport

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIMIT = attempts.PIN_WRONG


def make_resident(now: datetime = NOON, nickname: str | None = "Canary Amina") -> int:
    with transaction() as session:
        resident = people.make_resident(
            session,
            secret_kind="pin",
            secret_hash="x",
            nickname=nickname,
            pin_for_everything=False,
            language="en",
            now=now,
        )
        return resident.id


def test_personal_text_is_not_readable_in_the_database(both_engines: Flask) -> None:
    number = make_resident()
    with transaction() as session:
        raw = str(session.execute(text("SELECT * FROM residents")).all())
        resident = session.get_one(Resident, number)
        assert resident.nickname == "Canary Amina"
        assert resident.code not in raw
    assert "Canary" not in raw


def test_rotating_keys_writes_everything_with_the_new_one(both_engines: Flask) -> None:
    number = make_resident()
    old = both_engines.extensions["settings"].field_keys
    new = crypto.Fernet.generate_key().decode()
    try:
        crypto.use_keys((new, *old))
        assert crypto.rotate() == 2
        crypto.use_keys((new,))
        with transaction() as session:
            assert session.get_one(Resident, number).nickname == "Canary Amina"
    finally:
        crypto.use_keys(old)


def claim(now: datetime, key: str = "k" * 64) -> bool:
    with side_write() as session:
        return attempts.claim(session, key_hash=key, limit=LIMIT, now=now)


def test_five_tries_then_fifteen_minutes_doubling_to_a_day(both_engines: Flask) -> None:
    now = NOON
    for expected in (15, 30, 60, 120, 240, 480, 960, 1440, 1440):
        assert [claim(now) for _ in range(6)] == [True] * 5 + [False]
        with transaction() as session:
            until = attempts.locked_until(session, key_hash="k" * 64, now=now)
        assert until == now + timedelta(minutes=expected)
        assert not claim(until - timedelta(seconds=1))
        now = until
        if expected >= 1440:
            break


def test_the_right_pin_lifts_the_count(both_engines: Flask) -> None:
    assert [claim(NOON) for _ in range(5)] == [True] * 5
    with transaction() as session:
        attempts.settle_success(session, key_hash="k" * 64, now=NOON)
    assert claim(NOON)


def test_parallel_tries_never_get_past_the_limit(both_engines: Flask) -> None:
    won: list[bool] = []

    def try_often() -> None:
        with both_engines.app_context():
            for _ in range(10):
                won.append(claim(NOON, "r" * 64))

    threads = [threading.Thread(target=try_often) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), sum(won)) == (60, LIMIT.tries)


def test_networks_not_addresses_are_counted() -> None:
    assert attempts.network_of("203.0.113.77") == attempts.network_of("203.0.113.1") == "203.0.113.0/24"
    assert attempts.network_of("2001:db8:1:2ff::9") == "2001:db8:1:200::/56"
    assert attempts.network_of("nonsense") == "unknown"


def write_rows(count: int) -> None:
    for number in range(count):
        with side_write() as session:
            audit.record(
                session,
                at=NOON,
                actor_kind="resident",
                actor_id=number % 3,
                action="read plan",
                purpose="own",
                resident_id=number % 3,
                items=("plan",),
            )


def test_an_untouched_record_has_no_fault(both_engines: Flask, tmp_path: Path) -> None:
    write_rows(40)
    heads = tmp_path / "heads"
    with transaction() as session:
        assert audit.append_heads(session, heads, at=NOON) == 3
        assert audit.verify(session, heads) == []


CHANGES = [
    "UPDATE audit_rows SET action = 'read plaN' WHERE id = 7",
    "UPDATE audit_rows SET items = '' WHERE id = 7",
    "UPDATE audit_rows SET actor_id = 9 WHERE id = 7",
    "UPDATE audit_rows SET at = '2026-11-23 12:00:01' WHERE id = 7",
    "UPDATE audit_rows SET mac = 'f' || substr(mac, 2) WHERE id = 7",
    "UPDATE audit_rows SET purpose = 'x' WHERE id = 1",
    "DELETE FROM audit_rows WHERE id = 7",
    "UPDATE audit_heads SET seq = seq + 1 WHERE chain = 1",
]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_record_is_found(both_engines: Flask, change: str) -> None:
    write_rows(20)
    with transaction() as session:
        session.execute(text(change))
    with transaction() as session:
        assert audit.verify(session)


def test_a_cut_tail_is_found_by_the_signed_heads(both_engines: Flask, tmp_path: Path) -> None:
    write_rows(20)
    heads = tmp_path / "heads"
    with transaction() as session:
        audit.append_heads(session, heads, at=NOON)
    with transaction() as session:
        # Somebody with the database but without the key cuts the last row of chain 1 and mends the head.
        last, before = session.execute(
            text("SELECT id, seq FROM audit_rows WHERE chain = 1 ORDER BY seq DESC LIMIT 1")
        ).one()
        session.execute(text("DELETE FROM audit_rows WHERE id = :id"), {"id": last})
        session.execute(
            text(
                "UPDATE audit_heads SET seq = :seq, mac = (SELECT mac FROM audit_rows WHERE chain = 1 AND seq = :seq)"
                " WHERE chain = 1"
            ),
            {"seq": before - 1},
        )
    with transaction() as session:
        assert audit.verify(session) == []
        assert audit.verify(session, heads)


def test_a_forbidden_move_is_refused_and_an_allowed_one_remembered(both_engines: Flask) -> None:
    with transaction() as session:
        place = Place(
            slug="a",
            source_key="a",
            name="A",
            kinds="library",
            confidence="high",
            source="s",
            licence="l",
            read_on=NOON.date(),
        )
        session.add(place)
        session.flush()
        report = PlaceReport(place_id=place.id, what="hours", words="w", language="en", status="new", at=NOON)
        session.add(report)
        session.flush()
        history.move(session, report, "mended", actor="editor", now=NOON)
        session.flush()
        change = session.query(history.StatusChange).one()
        assert (change.before, change.after, change.actor) == ("new", "mended", "editor")
        with pytest.raises(RuleBroken):
            history.move(session, report, "refused", actor="editor", now=NOON)


def test_pins_of_every_script_and_three_pictures() -> None:
    assert pins.read_pin(" ٤٠ ٧١ ") == "4071"
    for bad in ("", "407", "40711", "abcd", "12 34 5"):
        with pytest.raises(RuleBroken):
            pins.read_pin(bad)
    with pytest.raises(RuleBroken):
        pins.choose_pin("1234")
    with pytest.raises(RuleBroken):
        pins.read_pictures(["sun", "tree"])
    secret = pins.hash_secret("4071", "s" * 40)
    assert pins.check_secret(secret, "4071", "s" * 40)
    assert not pins.check_secret(secret, "4072", "s" * 40)
    assert not pins.check_secret(secret, "4071", "t" * 40)
    assert not pins.check_secret(None, "4071", "s" * 40)


def test_unused_plans_go_after_thirteen_months(both_engines: Flask) -> None:
    old = make_resident(NOON - timedelta(days=400))
    young = make_resident(NOON - timedelta(days=390))
    with transaction() as session:
        assert people.delete_idle_residents(session, now=NOON) == 1
    with transaction() as session:
        assert session.get(Resident, old) is None
        assert session.get(Resident, young) is not None
