"""Short codes for people to type, say and scan. Pure.

Seven random signs of an alphabet of 28 without look-alikes, and one check sign: 28**7 is a little over 33 bits.
The check is a weighted sum over the prime 29 (after ISO 7064): weights 2 to 8 differ, so it finds every single
wrong sign and every swap of two signs. The one check value that has no sign (28) is never given out.
"""

from __future__ import annotations

import difflib
import secrets
import unicodedata
from functools import cache
from pathlib import Path

from inclusion_app.core.words import N_

# Left out: 0 O, 1 I, B (8), S (5), Z (2), U (V). What people type for them is mended below.
ALPHABET = "23456789ACDEFGHJKLMNPQRTVWXY"
MENDED = str.maketrans({"0": "Q", "O": "Q", "1": "L", "I": "L", "B": "8", "S": "5", "Z": "2", "U": "V"})
PRIME = 29
RANDOM_SIGNS = 7
LENGTH = RANDOM_SIGNS + 1
WORDS_IN_CODE = 4
WORD_CHECK = 5
# Runs that would read as something rude or sad; such a code is drawn again.
UNLUCKY = (
    "FAG",
    "RAPE",
    "DEAD",
    "DEATH",
    "HATE",
    "KKK",
    "FAT",
    "CRAP",
    "RAT",
    "PAKY",
    "GAY",
    "ANAL",
    "HELL",
    "DAMN",
    "TWAT",
    "WANK",
    "FVCK",
    "CVNT",
    "AR5E",
    "A55",
)


class BrokenCode(ValueError):
    """What was typed is no code of ours; `message` is an N_ string for the person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


TOO_SHORT = N_("The code is too short. It has 8 letters and numbers, or 4 words.")
TOO_LONG = N_("The code is too long. It has 8 letters and numbers, or 4 words.")
NOT_OURS = N_("One letter or number is not right. Look at your paper again.")
UNKNOWN_WORD = N_("One of the words is not right. Look at your paper again.")


def plain_digits(text: str) -> str:
    """The same text with the digits of every script, and full-width signs, as 0 to 9 and A to Z."""
    out = []
    for sign in unicodedata.normalize("NFKC", text):
        digit = unicodedata.digit(sign, None)
        out.append(sign if digit is None else str(digit))
    return "".join(out)


def _check_value(signs: str) -> int:
    return sum(weight * ALPHABET.index(sign) for weight, sign in enumerate(signs, start=2)) % PRIME


def new_code() -> str:
    """A fresh code of eight signs."""
    while True:
        signs = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_SIGNS))
        check = _check_value(signs)
        if check < len(ALPHABET):
            code = signs + ALPHABET[check]
            if not any(run in code for run in UNLUCKY):
                return code


def show_code(code: str) -> str:
    """The code as it is printed: two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def read_code(text: str) -> str:
    """The canonical code of what somebody typed: either eight signs or four words, in any spelling we can mend.

    Raises BrokenCode with a message that says what to look at.
    """
    plain = plain_digits(text).upper()
    parts = [part for part in _only(plain, letters=True).split() if part]
    if len(parts) >= WORDS_IN_CODE and all(
        part.isascii() and part.isalpha() and len(part) > 2 for part in parts
    ):
        return words_to_code(parts)
    signs = "".join(sign for sign in plain if sign.isalnum()).translate(MENDED)
    some_words = len(parts) > 1 and all(part.lower() in word_list() for part in parts)
    if len(signs) < LENGTH or (len(signs) > LENGTH and some_words):
        raise BrokenCode(TOO_SHORT)
    if len(signs) > LENGTH:
        raise BrokenCode(TOO_LONG)
    if any(sign not in ALPHABET for sign in signs) or _check_value(signs[:-1]) != ALPHABET.index(signs[-1]):
        raise BrokenCode(NOT_OURS)
    return signs


def _only(text: str, *, letters: bool) -> str:
    return "".join(sign if sign.isalnum() else " " for sign in text) if letters else text


@cache
def word_list() -> tuple[str, ...]:
    """The 512 plain words that can carry a code."""
    return tuple((Path(__file__).parent / "wordlist.txt").read_text(encoding="ascii").split())


def code_to_words(code: str) -> tuple[str, ...]:
    """The same code as four words; they carry a check of their own."""
    number = 0
    for sign in code[:RANDOM_SIGNS]:
        number = number * len(ALPHABET) + ALPHABET.index(sign)
    number = number * WORD_CHECK + number % 29 % WORD_CHECK
    words = word_list()
    out = []
    for _ in range(WORDS_IN_CODE):
        number, place = divmod(number, len(words))
        out.append(words[place])
    return tuple(reversed(out))


def words_to_code(parts: list[str]) -> str:
    """The code of four words. Raises BrokenCode."""
    if len(parts) != WORDS_IN_CODE:
        raise BrokenCode(TOO_LONG if len(parts) > WORDS_IN_CODE else TOO_SHORT)
    words = word_list()
    number = 0
    for part in parts:
        word = part.lower()
        if word not in words:
            close = difflib.get_close_matches(word, words, n=2, cutoff=0.8)
            if len(close) != 1:
                raise BrokenCode(UNKNOWN_WORD)
            word = close[0]
        number = number * len(words) + words.index(word)
    number, check = divmod(number, WORD_CHECK)
    if check != number % 29 % WORD_CHECK or number >= len(ALPHABET) ** RANDOM_SIGNS:
        raise BrokenCode(UNKNOWN_WORD)
    signs = ""
    for _ in range(RANDOM_SIGNS):
        number, place = divmod(number, len(ALPHABET))
        signs = ALPHABET[place] + signs
    value = _check_value(signs)
    if value >= len(ALPHABET):
        raise BrokenCode(UNKNOWN_WORD)
    return signs + ALPHABET[value]
