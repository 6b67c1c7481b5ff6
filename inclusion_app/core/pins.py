"""What opens a saved plan beside its code: a PIN of four digits, or three pictures in order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.crypto import derive_key
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_

PICTURES: tuple[str, ...] = (
    "sun", "tree", "house", "key", "cup", "fish", "bird", "boat", "star", "apple", "bicycle", "umbrella",
)  # fmt: skip
PICTURE_WORDS = {
    "sun": N_("Sun"), "tree": N_("Tree"), "house": N_("House"), "key": N_("Key"), "cup": N_("Cup"),
    "fish": N_("Fish"), "bird": N_("Bird"), "boat": N_("Boat"), "star": N_("Star"), "apple": N_("Apple"),
    "bicycle": N_("Bicycle"), "umbrella": N_("Umbrella"),
}  # fmt: skip
PIN_DIGITS = 4
LONGEST_TYPED = 60
PICTURES_CHOSEN = 3
NOT_THE_SAME = N_("The two PINs are not the same. Type them again.")
ONE_NUMBER = N_("This PIN is one number four times. That is too easy to guess. Choose another one.")
TWO_NUMBERS = N_(
    "This PIN has only two numbers, each twice, like 1212. That is too easy to guess. Choose another one."
)
IN_ORDER = N_(
    "The numbers of this PIN stand in order, like 2345. That is too easy to guess. Choose another one."
)
ON_THE_KEYS = N_(
    "The numbers of this PIN stand in a line on the keys, like 2580. That is too easy to guess. Choose another one."
)
A_YEAR = N_("This PIN looks like a year. That is too easy to guess. Choose another one.")
ONE_PICTURE = N_("You chose the same picture three times. Choose another one here.")
# Up and down, by one and by two, round the end (8901): the first tries of everybody who guesses.
STEPS_IN_ORDER = frozenset({1, 2, 8, 9})
# Columns of a telephone's keys with the 0 below, then its four corners one after the other; each also backwards.
LINES_ON_THE_KEYS = frozenset(
    line[::way] for line in ("2580", "1470", "3690", "1397", "3971", "9713", "7139") for way in (1, -1)
)
# Years people are born or marry in; "2030" leaves room for the years to come.
YEARS = range(1900, 2031)
# A PIN is short, so the limits on tries protect it; the hash makes a stolen database slow to search.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# A hash of ours, whole: Argon2id with a salt of 16 bytes and 32 bytes of hash.
WHOLE = re.compile(
    r"\$argon2id\$v=19\$m=(?P<kib>[0-9]{1,6}),t=(?P<passes>[0-9]{1,2}),p=[1-4]\$"
    r"(?P<salt>[A-Za-z0-9+/]{22})\$(?P<hash>[A-Za-z0-9+/]{43})"
)
# A planted hash must not cost a worker its memory or its minute.
MOST_KIB, MOST_PASSES = 65_536, 8


def read_pin(text: str) -> str:
    """Four digits in any script, spaces and dashes dropped. Raises RuleBroken."""
    # Cut first: some signs become eighteen when they are made plain, and a body may be long.
    pin = "".join(
        sign for sign in plain_digits(text[:LONGEST_TYPED]) if sign not in " -\u2010\u2011\u2013\u200e\u200f."
    )
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise RuleBroken(N_("A PIN has 4 numbers, like 4071."), field="pin")
    return pin


def choose_pin(text: str) -> str:
    """A new PIN; the ones everybody tries first are refused. Raises RuleBroken, which says why, at the field."""
    pin = read_pin(text)
    if broken := why_easy(pin):
        raise RuleBroken(broken, field="pin")
    return pin


def why_easy(pin: str) -> str | None:
    """Why a PIN of four digits is easy to guess, as an N_ sentence; None when it is not.

    Refuses 460 of the 10,000. The kinds are those J. Bonneau and others found people to choose ("A birthday present
    every eleven wallets?", Financial Cryptography 2012); days of birth are left, for they would take 366 more.
    """
    steps = {(int(after) - int(before)) % 10 for before, after in zip(pin, pin[1:], strict=False)}
    if steps == {0}:
        return ONE_NUMBER
    if len(steps) == 1 and steps <= STEPS_IN_ORDER:
        return IN_ORDER
    if all(pin.count(digit) == 2 for digit in pin):  # 1122, 1212 and the mirror 1221
        return TWO_NUMBERS
    if pin in LINES_ON_THE_KEYS:
        return ON_THE_KEYS
    return A_YEAR if int(pin) in YEARS else None


def read_pictures(chosen: list[str]) -> str:
    """Three pictures in their order, as one secret text. Raises RuleBroken."""
    if len(chosen) != PICTURES_CHOSEN or any(picture not in PICTURES for picture in chosen):
        raise RuleBroken(N_("Choose three pictures: a first, a second and a third."), field="picture1")
    return "-".join(chosen)


def choose_pictures(chosen: list[str]) -> str:
    """New pictures; one picture three times is refused. Raises RuleBroken at the field."""
    secret = read_pictures(chosen)
    if len(set(chosen)) == 1:
        raise RuleBroken(ONE_PICTURE, field="picture3")
    return secret


def _peppered(secret_text: str, secret_key: str) -> str:
    return hmac.new(derive_key(secret_key, "pin-pepper"), secret_text.encode(), hashlib.sha256).hexdigest()


def hash_secret(secret_text: str, secret_key: str) -> str:
    """Argon2id over the peppered PIN or pictures."""
    return HASHER.hash(_peppered(secret_text, secret_key))


def check_secret(stored: str | None, secret_text: str, secret_key: str) -> bool:
    """True when it is the right one. Exactly one Argon2 run, whatever is stored.

    A code that does not exist (`stored` None) and a damaged hash cost the same run with our own parameters, so that
    the time tells nobody which codes there are.
    """
    whole = stored if stored is not None and _is_whole(stored) else None
    try:
        right = HASHER.verify(whole or _DUMMY, _peppered(secret_text, secret_key))
    except VerificationError:
        return False
    return right and whole is not None


def needs_new_hash(stored: str) -> bool:
    """True when a hash was made with other parameters than today's: make it anew while the secret is known."""
    return HASHER.check_needs_rehash(stored)


def _is_whole(stored: str) -> bool:
    """True when Argon2 would really run on this hash; it refuses a damaged one before any work."""
    found = WHOLE.fullmatch(stored)
    if found is None:
        return False
    kib, passes = int(found["kib"]), int(found["passes"])
    if not (32 <= kib <= MOST_KIB and 1 <= passes <= MOST_PASSES):
        return False
    # The last sign carries spare bits, and Argon2 refuses a text whose spare bits are set.
    return all(
        base64.b64encode(base64.b64decode(part + "=" * (-len(part) % 4))).decode().rstrip("=") == part
        for part in (found["salt"], found["hash"])
    )


_DUMMY = HASHER.hash("a plan that does not exist")
