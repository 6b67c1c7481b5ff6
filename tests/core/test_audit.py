"""The record: what somebody could do to hide that it was cut."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from inclusion_app.core import audit
from inclusion_app.core.db import transaction
from tests.core.test_trust import NOON, write_rows


def test_taking_away_the_file_of_heads_is_found(both_engines: Flask, tmp_path: Path) -> None:
    write_rows(3)
    with transaction() as session:
        assert [fault.what for fault in audit.verify(session, tmp_path / "gone")] == [
            "the file of signed heads is missing"
        ]


def test_an_empty_record_needs_no_file(both_engines: Flask, tmp_path: Path) -> None:
    with transaction() as session:
        assert audit.verify(session, tmp_path / "not-yet") == []


def test_any_byte_of_the_file_of_heads_can_be_changed_and_is_found(
    both_engines: Flask, tmp_path: Path
) -> None:
    write_rows(3)
    heads = tmp_path / "heads"
    with transaction() as session:
        audit.append_heads(session, heads, at=NOON)
        good = heads.read_bytes().rstrip(b"\n")
        for place in range(0, len(good), 7):
            for other in (good[place] ^ 1, 0xFF):
                heads.write_bytes(good[:place] + bytes([other]) + good[place + 1 :])
                assert audit.verify(session, heads), place
