"""Codes people type, say and scan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core.codes import (
    ALPHABET,
    TOO_SHORT,
    BrokenCode,
    code_to_words,
    new_code,
    plain_digits,
    read_code,
    show_code,
    word_list,
)
from inclusion_app.core.pins import PICTURES

CODES = st.integers(0, 10_000).map(lambda _n: new_code())


@given(CODES)
def test_a_code_reads_back_in_every_spelling(code: str) -> None:
    assert read_code(show_code(code).lower()) == code
    assert read_code(" ".join(code)) == code
    assert read_code(" ".join(code_to_words(code)).upper()) == code


@given(CODES)
def test_every_single_wrong_sign_and_every_swap_of_neighbours_is_found(code: str) -> None:
    for place in range(len(code)):
        for other in ALPHABET:
            if other != code[place]:
                with pytest.raises(BrokenCode):
                    read_code(code[:place] + other + code[place + 1 :])
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        if swapped != code:
            with pytest.raises(BrokenCode):
                read_code(swapped)


def test_digits_of_every_script_and_look_alikes_read_the_same() -> None:
    assert (
        plain_digits("٤٠٧١") == plain_digits("۴۰۷۱") == plain_digits("৪০৭১") == plain_digits("੪੦੭੧") == "4071"
    )
    assert plain_digits("Ｍ１４") == "M14"


def test_look_alikes_are_mended() -> None:
    code = next(code for code in iter(new_code, "") if "8" in code and "5" in code)
    assert read_code(code.replace("8", "B").replace("5", "s")) == code


@pytest.mark.parametrize("typed", ["", "ABC", "ABCDEFGHJKL", "one two three four five", "????????"])
def test_what_is_no_code_is_refused_with_a_message(typed: str) -> None:
    with pytest.raises(BrokenCode) as caught:
        read_code(typed)
    assert caught.value.message.endswith(".")


def test_a_misspelt_word_with_one_near_word_is_mended_and_an_unknown_one_refused() -> None:
    code = new_code()
    words = list(code_to_words(code))
    with pytest.raises(BrokenCode):
        read_code(" ".join(["zzzzzz", *words[1:]]))


def test_the_word_list_carries_the_whole_code() -> None:
    words = word_list()
    assert len(words) == len(set(words)) == 512
    assert len({word[:4] for word in words}) == 512
    assert len(words) ** 4 >= 5 * len(ALPHABET) ** 7


def test_words_are_unlike_each_other_and_unlike_the_pictures() -> None:
    words = word_list()
    assert not set(words) & set(PICTURES)
    for place, word in enumerate(words):
        near = [other for other in words[place + 1 :] if one_slip_apart(word, other)]
        assert not near, (word, near)


def one_slip_apart(one: str, other: str) -> bool:
    """True when one letter more, less or other, or two neighbours swapped, makes one word the other."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    if len(long) > len(short):
        return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))
    wrong = [place for place in range(len(one)) if one[place] != other[place]]
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1
    return len(wrong) == 1 or (
        swapped and one[wrong[0]] == other[wrong[1]] and one[wrong[1]] == other[wrong[0]]
    )


def test_the_measure_of_likeness_sees_each_kind_of_slip() -> None:
    assert (
        one_slip_apart("lamp", "lump") and one_slip_apart("lamp", "lamps") and one_slip_apart("lamp", "lapm")
    )
    assert not one_slip_apart("lamp", "limb")


def test_three_words_are_too_few_not_too_many_letters() -> None:
    with pytest.raises(BrokenCode) as caught:
        read_code(" ".join(code_to_words(new_code())[:3]))
    assert caught.value.message == TOO_SHORT


def test_no_code_of_ours_reads_as_something_rude(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter("TWAT222" + "A55C333" + "2345678")
    monkeypatch.setattr("inclusion_app.core.codes.secrets.choice", lambda _signs: next(drawn))
    assert new_code().startswith("2345678")
