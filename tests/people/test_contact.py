"""Phone numbers and e-mail addresses as people type them."""

from __future__ import annotations

import pytest

from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import contact


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("07700 900123", "+447700900123"),
        ("+44 (0)7700-900-123", "+447700900123"),
        ("٠٧٧٠٠ ٩٠٠١٢٣", "+447700900123"),
        ("০৭৭০০৯০০১২৩", "+447700900123"),
        ("０７７００９００１２３", "+447700900123"),
        ("0161 234 5678", "+441612345678"),
        ("+92 300 1234567", "+923001234567"),
        ("\x0007700\u200e900123", "+447700900123"),
    ],
)
def test_a_phone_number_is_read(typed: str, read: str) -> None:
    assert contact.read_phone(typed) == read


@pytest.mark.parametrize(
    "typed", [None, "", " ", "1", "999", "x" * 5000, "07700900123 ext 4", "0" * 40, "07700 9001234567", "\0"]
)
def test_what_is_no_phone_number_is_refused(typed: str | None) -> None:
    with pytest.raises(RuleBroken) as broken:
        contact.read_phone(typed, field="phone")
    assert (broken.value.message, broken.value.field) == (contact.NO_PHONE, "phone")


def test_a_text_needs_a_mobile_and_nobody_calls_a_costly_number() -> None:
    assert contact.read_phone("07700 900123", mobile=True) == "+447700900123"
    with pytest.raises(RuleBroken, match="mobile"):
        contact.read_phone("0161 234 5678", mobile=True)
    with pytest.raises(RuleBroken, match="costs"):
        contact.read_phone("0909 8790000")


def test_a_number_is_shown_as_people_write_it() -> None:
    assert contact.show_phone("+447700900123") == "07700 900123"
    assert contact.show_phone("+923001234567") == "+92 300 1234567"
    assert contact.show_phone("no number") == "no number"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" amina@EXAMPLE.org ", "amina@example.org"),
        ("amina@exämple.org", "amina@xn--exmple-cua.org"),
        ("a\x00mina@example.org", "amina@example.org"),
    ],
)
def test_an_address_is_read(typed: str, read: str) -> None:
    assert contact.read_email(typed) == read


@pytest.mark.parametrize(
    "typed", [None, "", "amina", "a@localhost", "a@test", "Amina <a@example.org>", "ü@example.org",
              "x" * 300 + "@example.org", "a@b@example.org", "a@example.org\nBcc: b@example.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str | None) -> None:
    with pytest.raises(RuleBroken) as broken:
        contact.read_email(typed)
    assert (broken.value.message, broken.value.field) == (contact.NO_EMAIL, None)
