"""Limits on tries: whom they count together, what a right try gives back, and what one machine cannot do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from inclusion_app.core import attempts
from inclusion_app.core.db import side_write, transaction
from tests.conftest import Browser

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = "n" * 64
LIMIT = attempts.CODE_NETWORK


def claim() -> bool:
    with side_write() as session:
        return attempts.claim(session, key_hash=KEY, limit=LIMIT, now=NOON)


def give_back() -> None:
    with side_write() as session:
        attempts.give_back(session, key_hash=KEY, limit=LIMIT)


def test_a_right_try_that_used_up_the_limit_lifts_the_lock_it_set(both_engines: Flask) -> None:
    assert all(claim() for _ in range(LIMIT.tries))
    give_back()
    assert claim()
    assert not claim()


def test_a_lock_given_back_does_not_make_the_next_one_longer(both_engines: Flask) -> None:
    assert all(claim() for _ in range(LIMIT.tries))
    give_back()
    assert claim()
    with transaction() as session:
        assert attempts.locked_until(session, key_hash=KEY, now=NOON) == NOON + LIMIT.lock


def test_a_right_try_counts_for_nothing(both_engines: Flask) -> None:
    for _ in range(3 * LIMIT.tries):
        assert claim()
        give_back()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("::ffff:203.0.113.7", "203.0.113.200", True),
        ("::ffff:203.0.113.7", "::ffff:198.51.100.7", False),
        ("2001:db8:0:100::1", "2001:db8:0:1ff::1", True),
        ("2001:db8:0:100::1", "2001:db8:0:200::1", False),
        ("203.0.113.7", "203.0.114.7", False),
    ],
)
def test_an_address_counts_with_its_network_only(one: str, other: str, same: bool) -> None:
    assert (attempts.network_of(one) == attempts.network_of(other)) is same


def test_a_locked_network_takes_nothing_from_the_citys_limit(
    browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed: list[str] = []
    real = attempts.claim

    def counted(session: object, *, key_hash: str, limit: attempts.Limit, now: datetime) -> bool:
        claimed.append(limit.name)
        return real(session, key_hash=key_hash, limit=limit, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(attempts, "claim", counted)
    from inclusion_app.core.codes import new_code

    for _ in range(LIMIT.tries + 3):
        browser.send("/come-back", code=new_code())
    assert (claimed.count("code-network"), claimed.count("code-all")) == (LIMIT.tries + 3, LIMIT.tries)
