"""Limits on tries: whom they count together, what a right try gives back, and what one machine cannot do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from inclusion_app.core import attempts
from inclusion_app.core.codes import new_code
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
        attempts.give_back(session, key_hash=KEY, limit=LIMIT, now=NOON)


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
    for _ in range(LIMIT.tries + 3):
        browser.send("/come-back", code=new_code())
    assert (claimed.count("code-network"), claimed.count("code-all")) == (LIMIT.tries + 3, LIMIT.tries)


PIN = attempts.PIN_WRONG
LONG = timedelta(days=30)


def try_pin(now: datetime, key: str = KEY) -> bool:
    with side_write() as session:
        return attempts.claim(session, key_hash=key, limit=PIN, now=now)


def forget(now: datetime) -> int:
    with transaction() as session:
        return attempts.delete_old(session, now=now)


def tries_in(days: int, pause: timedelta) -> float:
    """How many PINs a day somebody can try who takes every lock but rests before the locks get long."""
    now, end, tries, locks = NOON, NOON + timedelta(days=days), 0, 0
    while now < end:
        while try_pin(now):
            tries += 1
        locks += 1
        with transaction() as session:
            until = attempts.locked_until(session, key_hash=KEY, now=now)
        assert until is not None
        now = until + pause if pause and locks % 7 == 0 else until
        forget(now)
    return tries / days


@pytest.mark.parametrize("pause", [0, 2, 5, 10, 29, 31])
def test_resting_never_brings_more_tries_than_five_a_day(both_engines: Flask, pause: int) -> None:
    assert tries_in(120, timedelta(days=pause)) <= 5.4  # the first day has short locks


def test_the_doubling_is_remembered_for_a_month_and_then_forgotten(both_engines: Flask) -> None:
    def lock(now: datetime) -> timedelta:
        assert all(try_pin(now) for _ in range(PIN.tries))
        with transaction() as session:
            until = attempts.locked_until(session, key_hash=KEY, now=now)
        assert until is not None
        return until - now

    assert lock(NOON) == timedelta(minutes=15)
    later = NOON + timedelta(days=29)
    forget(later)
    assert lock(later) == timedelta(minutes=30)
    # What is forgotten is forgotten also when nobody sweeps.
    assert lock(later + timedelta(minutes=30) + LONG) == timedelta(minutes=15)


def test_nothing_is_locked_for_more_than_a_day_however_often(both_engines: Flask) -> None:
    now = NOON
    for _ in range(40):
        while try_pin(now):
            pass
        with transaction() as session:
            until = attempts.locked_until(session, key_hash=KEY, now=now)
        assert until is not None and until - now <= timedelta(days=1)
        now = until
    assert try_pin(now)


def test_the_table_stays_small(both_engines: Flask) -> None:
    for number in range(20):
        try_pin(NOON, f"{number:064}")
    while try_pin(NOON):
        pass
    with transaction() as session:
        attempts.remember_network(session, key_hash="h" * 64, now=NOON)
    assert forget(NOON + timedelta(days=1)) == 0
    assert forget(NOON + timedelta(days=2, minutes=1)) == 20
    assert forget(NOON + LONG + timedelta(hours=1)) == 2
    with transaction() as session:
        assert session.query(attempts.Attempt).count() == 0


def test_the_right_pin_keeps_the_length_of_the_next_lock(both_engines: Flask) -> None:
    while try_pin(NOON):
        pass
    later = NOON + timedelta(minutes=15)
    assert try_pin(later)
    with side_write() as session:
        attempts.settle_success(session, key_hash=KEY, now=later)
    assert [try_pin(later) for _ in range(6)] == [True] * 5 + [False]
    with transaction() as session:
        assert attempts.locked_until(session, key_hash=KEY, now=later) == later + timedelta(minutes=30)


def test_a_right_pin_at_the_fifth_try_is_no_lock(both_engines: Flask) -> None:
    for _ in range(PIN.tries):
        assert try_pin(NOON)
    with side_write() as session:
        attempts.settle_success(session, key_hash=KEY, now=NOON)
    for _ in range(PIN.tries):
        assert try_pin(NOON)
    with transaction() as session:
        assert attempts.locked_until(session, key_hash=KEY, now=NOON) == NOON + PIN.lock


class From:
    """The same browser, seen from another network."""

    def __init__(self, browser: Browser, address: str) -> None:
        browser.client.environ_base["REMOTE_ADDR"] = address
        self.browser = browser

    def open(self, code: str, pin: str) -> str:
        answer = self.browser.send("/come-back", code=code, pin=pin)
        return "in" if answer.status_code == 303 else answer.get_data(as_text=True)


def test_a_stranger_cannot_lock_out_the_owner_where_they_were_before(app: Flask) -> None:
    owner = Browser(app)
    owner.make_plan()
    code = owner.save_plan()
    assert From(Browser(app), "203.0.113.7").open(code, "4071") == "in"
    for _ in range(6):
        locked = From(Browser(app), "198.51.100.9").open(code, "8306")
    assert "Too many wrong tries" in locked
    assert "Too many wrong tries" in From(Browser(app), "192.0.2.1").open(code, "4071")
    # The same library, another of its computers.
    assert From(Browser(app), "203.0.113.200").open(code, "4071") == "in"


def test_a_known_network_has_five_tries_of_its_own_and_no_more(app: Flask) -> None:
    owner = Browser(app)
    owner.make_plan()
    code = owner.save_plan()
    home = "203.0.113.7"
    assert From(Browser(app), home).open(code, "4071") == "in"
    for _ in range(5):
        assert "do not fit" in From(Browser(app), home).open(code, "8306")
    assert "Too many wrong tries" in From(Browser(app), home).open(code, "4071")


def test_wrong_pins_never_make_a_network_known(app: Flask) -> None:
    owner = Browser(app)
    owner.make_plan()
    code = owner.save_plan()
    From(Browser(app), "203.0.113.7").open(code, "8306")
    assert From(Browser(app), "203.0.113.7").open(code, "") == "in"  # the code alone is no proof either
    with app.app_context(), transaction() as session:
        assert session.query(attempts.KnownNetwork).count() == 0


def test_a_flood_from_everywhere_does_not_shut_out_those_who_were_here(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Browser(app)
    owner.make_plan()
    code = owner.save_plan()
    assert From(Browser(app), "203.0.113.7").open(code, "4071") == "in"
    few = attempts.Limit("code-all", 3, timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=15))
    monkeypatch.setattr(attempts, "CODE_ALL", few)
    for number in range(4):
        flooded = From(Browser(app), f"198.51.{number}.9").open(new_code(), "")
    assert "Too many codes" in flooded
    assert From(Browser(app), "203.0.113.9").open(code, "4071") == "in"
    # That right try gave back nothing of what it had not taken.
    assert "Too many codes" in From(Browser(app), "192.0.2.1").open(code, "4071")


def test_a_lock_into_the_next_day_says_the_day(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    long = attempts.Limit("pin", 1, timedelta(days=1), timedelta(days=1), timedelta(days=1))
    monkeypatch.setattr(attempts, "PIN_WRONG", long)
    there = Browser(app)
    for _ in range(2):
        there.send("/come-back", code=code, pin="8306")
    said = there.send("/come-back", code=code, pin="8306").get_data(as_text=True)
    assert "Too many wrong tries. Try again on " in said
