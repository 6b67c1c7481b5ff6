"""PINs and pictures: which are refused and why, and how many times Argon2 runs."""

from __future__ import annotations

from collections.abc import Iterator

import argon2._password_hasher
import pytest
from argon2 import PasswordHasher

from inclusion_app.core import pins
from inclusion_app.core.errors import RuleBroken

KEY = "a key that is long enough for a test to use"

EASY = {
    pins.ONE_NUMBER: ("0000", "1111", "9999"),
    pins.IN_ORDER: (
        "1234",
        "2345",
        "4321",
        "8901",
        "9012",
        "0987",
        "1098",
        "7890",
        "2468",
        "1357",
        "8642",
        "9753",
    ),
    pins.TWO_NUMBERS: ("1212", "1122", "1221", "0990", "6969"),
    pins.ON_THE_KEYS: ("2580", "0852", "1470", "0741", "3690", "1397", "7931"),
    pins.A_YEAR: ("1900", "1973", "2001", "2026", "2030"),
}


@pytest.mark.parametrize(("says", "pin"), [(says, pin) for says, group in EASY.items() for pin in group])
def test_a_pin_everybody_tries_first_is_refused_at_the_field_with_the_reason(says: str, pin: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        pins.choose_pin(" ".join(pin))
    assert (caught.value.message, caught.value.field) == (says, "pin")
    assert pins.read_pin(pin) == pin  # who chose it before still comes in


@pytest.mark.parametrize("pin", ["4071", "1899", "2031", "1235", "9148", "1101", "2590", "7391"])
def test_other_pins_are_free_to_choose(pin: str) -> None:
    assert pins.choose_pin(pin) == pin


def test_few_pins_are_refused() -> None:
    assert sum(pins.why_easy(f"{number:04}") is not None for number in range(10_000)) == 460


def test_one_picture_three_times_is_refused_at_the_field() -> None:
    with pytest.raises(RuleBroken) as caught:
        pins.choose_pictures(["sun"] * 3)
    assert (caught.value.message, caught.value.field) == (pins.ONE_PICTURE, "picture3")
    assert pins.choose_pictures(["sun", "sun", "key"]) == "sun-sun-key"
    assert pins.read_pictures(["sun"] * 3) == "sun-sun-sun"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What Argon2 really ran on: runs that ended without the work do not count."""
    real, seen = argon2._password_hasher.verify_secret, []

    def counted(hash_: bytes, secret: bytes, kind: object) -> bool:
        try:
            right = real(hash_, secret, kind)  # type: ignore[arg-type]
        except argon2.exceptions.VerifyMismatchError:
            seen.append(hash_)
            raise
        seen.append(hash_)
        return right

    monkeypatch.setattr(argon2._password_hasher, "verify_secret", counted)
    yield seen


def damaged() -> dict[str, str | None]:
    good = pins.hash_secret("4071", KEY)
    start, salt, digest = good.rsplit("$", 2)
    return {
        "no such code": None,
        "empty": "",
        "cut": good[:-9],
        "no hash at all": "x",
        "another kind": good.replace("argon2id", "argon2i"),
        "salt that is no base64": f"{start}$!{salt[1:]}${digest}",
        "spare bits": f"{start}${salt}${digest[:-1]}/",
        "spare bits of the salt": f"{start}${salt[:-1]}/${digest}",
        "a line more": good + "\n",
        "too much memory": good.replace("m=19456", "m=999999"),
        "no memory": good.replace("m=19456", "m=8"),
        "many passes": good.replace("t=2", "t=99"),
        "bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "no text": "\x00\ufffd",
    }


@pytest.mark.parametrize("what", list(damaged()))
def test_one_argon2_run_with_our_parameters_whatever_is_stored(what: str, runs: list[bytes]) -> None:
    stored = damaged()[what]
    assert not pins.check_secret(stored, "4071", KEY)
    assert len(runs) == 1
    assert b"$m=19456,t=2,p=1$" in runs[0]


def test_one_run_for_the_right_and_for_a_wrong_pin(runs: list[bytes]) -> None:
    stored = pins.hash_secret("4071", KEY)
    assert pins.check_secret(stored, "4071", KEY)
    assert not pins.check_secret(stored, "4072", KEY)
    assert [run.decode() for run in runs] == [stored, stored]
    assert not pins.needs_new_hash(stored)


def test_a_hash_of_older_parameters_still_opens_and_asks_to_be_made_anew(runs: list[bytes]) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(pins._peppered("4071", KEY))
    assert pins.check_secret(older, "4071", KEY)
    assert pins.needs_new_hash(older)
    assert len(runs) == 1
