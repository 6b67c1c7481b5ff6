"""What every reader shares: the shape of a reading, clean text, bounded files, the kind a name gives away. Pure."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

from inclusion_app.places.pack import Refused

MOST_BYTES = 64_000_000
MOST_ROWS = 50_000
MOST_LETTERS = 1_000  # of one value; the patterns below take the square of its length
DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
# Signs that turn the direction of the text around them: a name could make the rest of a line unreadable.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Unusable(ValueError):
    """The file as a whole cannot be read: not the format it was said to be, or far too large."""


@dataclass(frozen=True)
class Options:
    """What a reader is told: the kind of entries that name none ("" refuses them), and what day it is."""

    today: date
    kind: str = ""


@dataclass
class Reading:
    """The rows of a file; entries with a fault; entries that are no place of ours; notes on the whole file."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    passed_over: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def clean(text: Any) -> str:
    """Text on one line: no control signs, no half characters, no signs that turn the direction; "" for None."""
    if text is None:
        return ""
    kept = (
        " " if sign.isspace() else sign
        for sign in unicodedata.normalize("NFC", str(text))
        if sign.isspace() or (unicodedata.category(sign) not in {"Cc", "Cs"} and sign not in TURNING)
    )
    return " ".join("".join(kept).split())


def read_text(data: bytes) -> str:
    """The text of a file. Raises Unusable when it is empty, too large or not UTF-8."""
    if len(data) > MOST_BYTES:
        raise Unusable(f"larger than {MOST_BYTES // 1_000_000} MB; import it in parts")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise Unusable(f"not UTF-8 text (byte {err.start}); save it as UTF-8") from err
    if not text.strip():
        raise Unusable("the file is empty")
    return text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def read_json(data: bytes) -> Any:
    """The JSON value of a file. Raises Unusable when it is none, or nested beyond sense."""
    try:
        return json.loads(read_text(data), parse_constant=_no_number)
    except json.JSONDecodeError as err:
        raise Unusable(f"not JSON: {err.msg}, line {err.lineno} column {err.colno}") from err
    except RecursionError as err:
        raise Unusable("not JSON we can read: nested too deep") from err
    except ValueError as err:
        raise Unusable(str(err) if isinstance(err, Unusable) else f"not JSON we can read: {err}") from err


def few_enough(entries: list[Any]) -> list[Any]:
    """The same list. Raises Unusable when it is longer than one import may be."""
    if len(entries) > MOST_ROWS:
        raise Unusable(f"more than {MOST_ROWS:,} entries; import it in parts")
    return entries


def read_lines(
    data: bytes, needed: tuple[str, ...], our_name: Callable[[str], str] = str
) -> Iterator[tuple[int, dict[str, str] | Refused]]:
    """(line, cells by column name) of a CSV; a line with too many cells is refused.

    `our_name` gives our name of a column, "" to leave it out; of two columns of one name the first that says
    something counts. The line is the one on which the row ends. Raises Unusable without the needed columns or past
    the bound.
    """
    reader = csv.reader(io.StringIO(read_text(data), newline=""))
    try:
        theirs = [clean(name) for name in next(reader)]
        header = [our_name(name) for name in theirs]
        lacking = [name for name in needed if name not in header]
        if lacking:
            found = ", ".join(name for name in theirs if name)[:200]
            raise Unusable(f"no column named {', '.join(lacking)}; the columns are: {found}")
        for count, cells in enumerate(reader, 1):
            if count > MOST_ROWS:
                raise Unusable(f"more than {MOST_ROWS:,} lines; import it in parts")
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                # One stray comma moves every cell after it into the wrong column.
                yield (
                    reader.line_num,
                    Refused(reader.line_num, f"has {len(cells)} cells for {len(header)} columns"),
                )
                continue
            row = {name: "" for name in header if name}
            for name, cell in zip(header, cells, strict=False):
                if name and not row[name]:
                    row[name] = cell
            yield reader.line_num, row
    except csv.Error as err:
        raise Unusable(f"not a CSV we can read: line {reader.line_num}: {err}") from err


def number(value: Any) -> float | None:
    """A finite number from a number or its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def day_of(value: Any, today: date) -> str:
    """The day at the start of a text ("2024-05-01T10:00:00Z"), "" when there is none or it is still to come."""
    found = re.match(r"\d{4}-\d{2}-\d{2}", clean(value))
    if not found:
        return ""
    try:
        day = date.fromisoformat(found[0])
    except ValueError:
        return ""
    return day.isoformat() if day <= today else ""


def web_address(text: str) -> str:
    """An http or https address; "www.example.org" gets its https. "" for anything else, such as javascript:."""
    text = clean(text)
    if len(text) > MOST_LETTERS:
        return ""
    if re.fullmatch(r"https?://[^\s/\"'<>]+\.[^\s\"<>]+|https?://[^\s/\"'<>.]+(/[^\s\"<>]*)?", text, re.I):
        return text
    if re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[^\s\"<>]*)?", text, re.I):
        return f"https://{text}"
    return ""


def phone_number(text: str) -> str:
    """The first number of a text with several; "" when it is none."""
    first = re.split(r"[;,]|\bor\b", clean(text)[:MOST_LETTERS])[0].strip()
    return first if re.fullmatch(r"[+(]?\d[\d\s()./-]{1,}", first) else ""


# In order: the words in a name or a subject heading that give the kind away. Whole names end in "library"; a
# "rhyme time at Gorton Library", a toy library or a library of things is none.
KIND_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(words, re.I))
    for kind, words in (
        ("library", r"^(?!.*\b(at|in|toy|tool|book|mobile|device|laptop|tablet)\b).*\blibrar(y|ies)$"),
        ("fablab", r"\bfab\s?lab\b"),
        ("makerspace", r"\b(maker\s?space|hack\s?space|hackerspace)\b"),
        ("repair_cafe", r"\brepair caf[eé]"),
        ("data_bank", r"\b(data\s?bank)\b"),
        ("device_bank", r"\b(device|laptop|tablet)s? (bank|library|lending|gifting)\b"),
        ("youth_zone", r"\byouth zone\b"),
        ("code_club", r"\b(code club|coder\s?dojo)\b"),
        ("jobcentre", r"\bjob\s?cent(re|er)( plus)?\b"),
        ("wifi", r"\bfree (public )?wi-?fi\b"),
        (
            "online_centre",
            r"\b(online centre|computer (help|class|classes|course|courses|skills)"
            r"|digital (skills|inclusion|help|support|champions?))\b",
        ),
        ("adult_learning", r"\badult (learning|education)\b"),
    )
)


def kinds_in_words(text: str) -> list[str]:
    """The kinds a name or heading gives away, in one order; empty when it gives none away."""
    plain = clean(text)[:MOST_LETTERS]
    return [kind for kind, words in KIND_WORDS if words.search(plain)]
