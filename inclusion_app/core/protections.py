"""What people took away, kept beside the database, so that a restore of an older copy does not give it back.

The file `protections` in the instance folder holds numbers and moments only: which consents ended, who is kept from
whom, which members of staff have left. The rooms say what stands in it and put it back (people/protections.py,
accounts/protections.py). It is sealed with the secret key, so that nobody plants the end of a consent or takes one out.
"""

from __future__ import annotations

import hmac
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inclusion_app.core.crypto import keyed_hash

PROTECTIONS = "protections"
FORMAT = 1

# One fact is a line of numbers and moments; its kind says which.
Line = tuple[int | str | None, ...]
Facts = dict[str, list[Line]]


class SealBroken(Exception):
    """The file is not as this service wrote it; the sentence is for the person at the terminal."""


@dataclass(frozen=True)
class Protections:
    """What the file says, and since when it is kept: of the time before it may know nothing."""

    since: datetime
    facts: Facts


def read(instance: Path, *, secret: str) -> Protections | None:
    """What was written down; None when there is no file. Raises SealBroken."""
    path = instance / PROTECTIONS
    if not path.exists():
        return None
    try:
        said = json.loads(path.read_bytes())
        seal = said.pop("seal")
        if said["format"] != FORMAT or not hmac.compare_digest(seal, _seal(said, secret)):
            raise ValueError
        facts = {kind: [tuple(line) for line in lines] for kind, lines in said["facts"].items()}
        return Protections(datetime.fromisoformat(said["since"]), facts)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise SealBroken(
            f"The seal of the file {PROTECTIONS} is not right, so nobody can know what people took away since the"
            " backup. Put back a copy of the file, or go on without it: --without-protections."
        ) from None


def remember(instance: Path, collect: Callable[[Facts], Facts], *, secret: str, now: datetime) -> bool:
    """Write down what `collect` finds, given what is known; True when that changed. Raises SealBroken.

    A file with a broken seal is left as it is: a fresh seal would hide what somebody did to it.
    """
    known = read(instance, secret=secret)
    before = known.facts if known else {}
    facts = {kind: sorted(lines, key=repr) for kind, lines in collect(before).items()}
    if known and facts == before:
        return False
    said = {"format": FORMAT, "since": (known.since if known else now).isoformat(), "facts": facts}
    _write(instance / PROTECTIONS, json.dumps({**said, "seal": _seal(said, secret)}))
    return True


def put_aside(instance: Path, now: datetime) -> Path | None:
    """The file under another name, to look into; None when there is none."""
    path = instance / PROTECTIONS
    return path.rename(path.with_name(f"{PROTECTIONS}.before-{now:%Y%m%dT%H%M%S}")) if path.exists() else None


def moment(value: int | str | None) -> datetime:
    """A moment as it stands in a line."""
    return datetime.fromisoformat(str(value))


def lines_of(facts: Facts, kind: str) -> Iterable[Line]:
    """The lines of one kind; none when nobody wrote of it yet."""
    return facts.get(kind, ())


def _seal(said: dict[str, object], secret: str) -> str:
    return keyed_hash(
        "protections-seal", json.dumps(said, sort_keys=True, separators=(",", ":")), secret=secret
    )


def _write(path: Path, text: str) -> None:
    # A name of its own, mode 600 from the first byte: a backup and the worker may write at the same moment.
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


__all__ = [
    "PROTECTIONS", "Facts", "Line", "Protections", "SealBroken", "lines_of", "moment", "put_aside", "read", "remember",
]  # fmt: skip
