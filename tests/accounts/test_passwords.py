"""Which passwords are taken. Nothing about signs or capitals: long, not common, not made of known names."""

from __future__ import annotations

import pytest

from inclusion_app.accounts import passwords
from inclusion_app.core.errors import RuleBroken

OURS = ("My digital roadmap", "Red Door", "Asha Khan", "asha.khan@reddoor.example")


def refusal(text: str) -> str:
    with pytest.raises(RuleBroken) as caught:
        passwords.choose_password(text, own_words=OURS)
    assert caught.value.field == "password"
    return caught.value.message


@pytest.mark.parametrize("text", ["", "short", "elevensigns", "\0" * 3])
def test_short_ones_are_refused(text: str) -> None:
    assert refusal(text) == passwords.TOO_SHORT


def test_very_long_ones_are_refused() -> None:
    assert refusal("correct horse battery " * 20) == passwords.TOO_LONG


@pytest.mark.parametrize(
    "text",
    ["password1234", "Password12345!", "qwertyuiop123", "aaaaaaaaaaaaa", "121212121212", "sunshinesunshine"],
)
def test_common_ones_are_refused_also_when_dressed_up(text: str) -> None:
    assert refusal(text) == passwords.TOO_COMMON


@pytest.mark.parametrize(
    "text", ["RedDoor-RedDoor", "red door 2026!", "asha.khan.1985", "DigitalRoadmap12", "khan-roadmap-1"]
)
def test_those_made_of_names_others_know_are_refused(text: str) -> None:
    assert refusal(text) == passwords.OWN_WORDS


@pytest.mark.parametrize(
    "text",
    [
        "seven green umbrellas sing",
        "تین ہری چھتریاں گاتی ہیں",
        "kettle-moss-ladder",
        "red door opens for llamas",
    ],
)
def test_long_ones_are_taken_in_any_script(text: str) -> None:
    assert passwords.choose_password(text, own_words=OURS)


def test_one_typed_on_another_keyboard_is_the_same() -> None:
    stored = passwords.hash_password(passwords.choose_password("cafe\u0301 by the canal"))
    assert passwords.check_password(stored, "caf\u00e9 by the canal")
    assert not passwords.check_password(stored, "cafe by the canal")


def test_the_hash_is_argon2id_with_at_least_64_mib() -> None:
    kind, _version, costs = passwords.hash_password("seven green umbrellas").split("$")[1:4]
    assert kind == "argon2id"
    assert int(dict(part.split("=") for part in costs.split(","))["m"]) >= 64 * 1024


def test_the_list_of_common_ones_is_long() -> None:
    assert len(passwords.common_passwords()) >= 20_000


@pytest.mark.parametrize("typed", ["", "\0", "x" * 100_000, "\u202e" * 50])
def test_odd_input_is_only_wrong(typed: str) -> None:
    assert not passwords.check_password(passwords.NOBODY, typed)
