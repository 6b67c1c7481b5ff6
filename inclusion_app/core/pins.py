"""What opens a saved plan beside its code: a PIN of four digits, or three pictures in order."""

from __future__ import annotations

import hashlib
import hmac

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

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
PICTURES_CHOSEN = 3
TRIVIAL = frozenset({"1234", "4321", "0000", *(str(digit) * 4 for digit in range(1, 10))})
NOT_THE_SAME = N_("The two PINs are not the same. Type them again.")
# A PIN is short, so the limits on tries protect it; the hash makes a stolen database slow to search.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def read_pin(text: str) -> str:
    """Four digits in any script, spaces and dashes dropped. Raises RuleBroken."""
    pin = "".join(sign for sign in plain_digits(text) if sign not in " -\u2010\u2011\u2013\u200e\u200f.")
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise RuleBroken(N_("A PIN has 4 numbers, like 4071."), field="pin")
    return pin


def choose_pin(text: str) -> str:
    """A new PIN; the ones everybody tries first are refused."""
    pin = read_pin(text)
    if pin in TRIVIAL:
        raise RuleBroken(N_("This PIN is too easy to guess. Choose another one."), field="pin")
    return pin


def read_pictures(chosen: list[str]) -> str:
    """Three pictures in their order, as one secret text. Raises RuleBroken."""
    if len(chosen) != PICTURES_CHOSEN or any(picture not in PICTURES for picture in chosen):
        raise RuleBroken(N_("Choose three pictures: a first, a second and a third."), field="picture1")
    return "-".join(chosen)


def _peppered(secret_text: str, secret_key: str) -> str:
    return hmac.new(derive_key(secret_key, "pin-pepper"), secret_text.encode(), hashlib.sha256).hexdigest()


def hash_secret(secret_text: str, secret_key: str) -> str:
    """Argon2id over the peppered PIN or pictures."""
    return HASHER.hash(_peppered(secret_text, secret_key))


def check_secret(stored: str | None, secret_text: str, secret_key: str) -> bool:
    """True when it is the right one. One Argon2 run for known and unknown codes alike (`stored` None)."""
    try:
        right = HASHER.verify(stored or _DUMMY, _peppered(secret_text, secret_key))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


_DUMMY = HASHER.hash("a plan that does not exist")
