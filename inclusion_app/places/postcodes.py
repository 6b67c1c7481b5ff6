"""One box takes a postcode, an outcode, a ward or a neighbourhood name. Pure: reads text, asks nothing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from inclusion_app.core.codes import plain_digits

POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})")
OUTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
LETTERS_FOR_DIGITS = str.maketrans({"O": "0", "I": "1", "L": "1"})
DIGITS_FOR_LETTERS = str.maketrans({"0": "O", "1": "I"})
LONGEST = 80
SIGNS = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Postcode:
    """A well-formed postcode: outward and inward part."""

    outward: str
    inward: str

    def __str__(self) -> str:
        return f"{self.outward} {self.inward}"

    @property
    def sector(self) -> str:
        """The postcode sector, like M14 5: what may be kept of it."""
        return f"{self.outward} {self.inward[0]}"


@dataclass(frozen=True)
class Outcode:
    """The outward part alone, like M14."""

    outward: str


@dataclass(frozen=True)
class Name:
    """Words: perhaps a ward or a neighbourhood. `key` is how names are compared."""

    text: str
    key: str


def read_where(text: str) -> Postcode | Outcode | Name | None:
    """What somebody typed into the box; None when it is empty. Case, spaces, O/0 and I/1 are mended."""
    # Who types Arabic letters writes M as it sounds.
    plain = re.sub(r"^\W*م\W*(?=[0-9])", "M", plain_digits(text).strip()[:LONGEST])
    if not plain:
        return None
    if any(sign.isalpha() and not sign.isascii() for sign in plain):
        return Name(plain, area_key(plain))  # what is left without those letters would be another postcode
    tight = re.sub(r"[^A-Za-z0-9]", "", plain).upper()
    # Letters alone may be a postcode ("OLI IAA") only in two parts; in one they are a word ("Molly").
    in_parts = any(sign.isdigit() for sign in tight) or re.search(r"\s\w{3}$", plain)
    if in_parts and (found := _as_postcode(tight)):
        return found
    if OUTCODE.fullmatch(tight):
        return Outcode(tight)
    if len(tight) <= 4 and len(tight) > 1 and any(sign.isdigit() for sign in tight):
        mended = _mend_outward(tight)
        if OUTCODE.fullmatch(mended):
            return Outcode(mended)
    return Name(plain, area_key(plain))


def _as_postcode(tight: str) -> Postcode | None:
    if not 5 <= len(tight) <= 7:
        return None
    outward, inward = tight[:-3], tight[-3:]
    inward = inward[0].translate(LETTERS_FOR_DIGITS) + inward[1:].translate(DIGITS_FOR_LETTERS)
    for candidate in (outward, _mend_outward(outward)):
        if POSTCODE.fullmatch(candidate + inward):
            return Postcode(candidate, inward)
    return None


def _mend_outward(outward: str) -> str:
    """Letters first, then digits: M|4 or OL|1; look-alikes after the area letters are digits."""
    area = 2 if len(outward) > 1 and outward[1].isalpha() and outward[1] not in "OIL" else 1
    if outward[:2].translate(DIGITS_FOR_LETTERS) in {"OL", "BL"}:
        area = 2
    return outward[:area].translate(DIGITS_FOR_LETTERS) + outward[area:].translate(LETTERS_FOR_DIGITS)


def name_key(text: str) -> str:
    """How names are compared: small letters, "and" for "&", no signs."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold().replace("&", " and ")).split())


# Letters that look alike and that keyboards of Urdu, Persian and Arabic type differently.
ALIKE = str.maketrans({"ي": "ی", "ى": "ی", "ے": "ی", "ك": "ک", "ه": "ہ", "ھ": "ہ", "ة": "ہ", "ں": "ن"})
NOT_LETTERS = dict.fromkeys(
    map(ord, "\u0640\u200c\u200d\u0621")
)  # lengthening sign, (non-)joiners, lone hamza


def area_key(text: str) -> str:
    """`name_key` for names of places: in Arabic letters also without vowel signs, spaces and letters that look alike."""
    if not re.search(r"[\u0600-\u06ff\ufb50-\ufefc]", text):
        return name_key(text)
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.category(sign).startswith("M")
    )
    return name_key(bare.translate(NOT_LETTERS).translate(ALIKE)).replace(" ", "")


def postcode_key(postcode: Postcode) -> int:
    """A whole number for a postcode, in its order; reversed by `postcode_of_key`."""
    number = 0
    for sign in f"{postcode.outward:<4}{postcode.inward}":
        number = number * len(SIGNS) + SIGNS.index(sign)
    return number


def postcode_of_key(key: int) -> Postcode:
    """The postcode of a key."""
    signs = ""
    for _ in range(7):
        key, place = divmod(key, len(SIGNS))
        signs = SIGNS[place] + signs
    return Postcode(signs[:4].strip(), signs[4:])


def alternatives(postcode: Postcode) -> tuple[Postcode, ...]:
    """The postcode as read, then with look-alikes of its area letters mended (ML4 may be M14)."""
    mended = _mend_outward(postcode.outward)
    if mended == postcode.outward or not OUTCODE.fullmatch(mended):
        return (postcode,)
    return (postcode, Postcode(mended, postcode.inward))
