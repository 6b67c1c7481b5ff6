"""Passwords of staff: long, not one of those everybody tries, no rules about signs, never changed for its own sake.

Source: NCSC, "Password policy: updating your approach"; NIST SP 800-63B, 3.1.1.2 (length, a list of common ones).
"""

from __future__ import annotations

import functools
import re
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inclusion_app.accounts.rules import PASSWORD_LONGEST, PASSWORD_SHORTEST
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_

# 64 MiB and three passes: the second recommended option of RFC 9106, 4.
HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
# Checked where there is no account, so that its answer takes as long. Of 256 random bits nobody has kept.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$p26hO2P2D4hKj/FANDCMjg$UXa2kQyhOSBRfK6Afz6c+VDPg5LPBbpl1DzTpi8t9GE"
TOO_SHORT = N_(
    "Use at least 12 letters, numbers or signs. Three or four words in a row are easy to remember."
)
TOO_LONG = N_("Use at most 200 letters, numbers or signs.")
TOO_COMMON = N_("Many people use this password, so it is tried first. Choose another one.")
OWN_WORDS = N_("This password is mostly a name that others know here. Choose another one.")
# What is left beside a known word must still be as hard to guess as a short password.
LEFT_OVER = 6


@functools.cache
def common_passwords() -> frozenset[str]:
    """Some 30,000 passwords people used most, in small letters (from the package zxcvbn)."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a megabyte that a resident's page never needs

    return frozenset(FREQUENCY_LISTS["passwords"])


def choose_password(text: str, *, own_words: tuple[str, ...] = ()) -> str:
    """A new password in its one normal form (NFKC). Raises RuleBroken at `password`, which says why.

    `own_words` are names others know: of the person, the organisation, the service, the e-mail address.
    """
    password = unicodedata.normalize("NFKC", text)
    if len(password) < PASSWORD_SHORTEST:
        raise RuleBroken(TOO_SHORT, field="password")
    if len(password) > PASSWORD_LONGEST:
        raise RuleBroken(TOO_LONG, field="password")
    if is_common(password):
        raise RuleBroken(TOO_COMMON, field="password")
    if is_mostly(password, own_words):
        raise RuleBroken(OWN_WORDS, field="password")
    return password


def is_common(password: str) -> bool:
    """True for one of the list, also with a few signs round it, twice in a row, or for few signs repeated."""
    plain = password.casefold()
    if len(set(plain)) < 5:
        return True
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    halves = {plain[: len(plain) // 2]} if plain == plain[: len(plain) // 2] * 2 else set()
    return bool({plain, bare, *halves} & common_passwords())


def is_mostly(password: str, words: tuple[str, ...]) -> bool:
    """True when little is left of it beside these words, whatever their case and the spaces between."""
    left = re.sub(r"[\W_]+", "", password.casefold())
    known = {part for name in words for part in re.split(r"[\W_]+", name.casefold())}
    known |= {re.sub(r"[\W_]+", "", name.casefold()) for name in words}  # "Red Door" as one word too
    for word in sorted(known, key=len, reverse=True):
        if len(word) >= 4:
            left = left.replace(word, "")
    return len(left) < LEFT_OVER


def hash_password(password: str) -> str:
    """Argon2id."""
    return HASHER.hash(password)


def check_password(stored: str | None, typed: str) -> bool:
    """True when it is the right one. Exactly one Argon2 run with our parameters, also where there is no account."""
    try:
        right = HASHER.verify(stored or NOBODY, unicodedata.normalize("NFKC", typed[:1000]))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None
