"""Reading the report of a wiping tool: which machine each line is about, and whether it says that the wipe held. Pure.

Tools write tables of their own (Nwipe, Blancco, ShredOS, an MDM's export), so no column is asked for by one name: of a line
each word that stands on one of our machines counts, and each word that says how it went.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inclusion_app.loans.rules import plain_mark

MOST_LINES = 5_000
GOOD = re.compile(
    r"\b(erased|wiped|success(ful(ly)?)?|succeeded|complete(d)?|pass(ed)?|verified|done|ok)\b", re.IGNORECASE
)
BAD = re.compile(
    r"\b(fail(ed|ure)?|error(s)?|abort(ed)?|cancel(l?ed)?|incomplete|not (erased|wiped|verified)|unsuccessful|partial(ly)?"
    r"|skipped|pending|insane)\b",
    re.IGNORECASE,
)
NO_ERRORS = re.compile(r"\b(0|no|without) (errors?|failures?)\b", re.IGNORECASE)
STATUS = re.compile(r"\b(status|result|outcome|state|erasure state)\b", re.IGNORECASE)
WORD = re.compile(r"[^\s,;|\"'()<>=]+")


@dataclass(frozen=True)
class Line:
    """One line of a report: its number, the marks that may be of a machine, and whether it says that the wipe held."""

    number: int
    marks: tuple[str, ...]
    held: bool | None


def read_report(text: str) -> list[Line]:
    """The lines that name something, in their order. `held` is None where a line says neither."""
    rows = _table(text)
    if rows is None:
        rows = [(number, line, line) for number, line in enumerate(text.splitlines()[:MOST_LINES], 1)]
    return [Line(number, _marks(line), _held(said)) for number, line, said in rows if line.strip()]


def _table(text: str) -> list[tuple[int, str, str]] | None:
    """Line number, all cells, and the cells of its status, of a table with a head; None for what is no table."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    sign = max(",;\t", key=lines[0].count)
    if not lines[0].count(sign):
        return None
    reader = csv.reader(io.StringIO(text), delimiter=sign)
    found: list[tuple[int, str, str]] = []
    status: list[int] | None = None
    try:
        for cells in reader:
            if status is None:
                status = [at for at, cell in enumerate(cells) if STATUS.search(cell)]
                if not status:
                    return None
                continue
            if len(found) >= MOST_LINES:
                break
            said = " ".join(cells[at] for at in status if at < len(cells))
            found.append((reader.line_num, "\n".join(cells), said))
    except csv.Error:
        return None
    return found


def _marks(line: str) -> tuple[str, ...]:
    """Each word, each cell, and each part of a word that a stroke divides (a model and its serial number)."""
    words = [*line.split("\n"), *WORD.findall(line)]
    words += [part for word in WORD.findall(line) for part in re.split(r"[/:]", word)]
    marks = (plain_mark(word).strip(".:") for word in words)
    return tuple(dict.fromkeys(mark for mark in marks if 3 <= len(mark) <= 40))


def _held(said: str) -> bool | None:
    said = NO_ERRORS.sub(" ", said)
    if BAD.search(said):
        return False
    return True if GOOD.search(said) else None


def matched(
    lines: Sequence[Line], known: Mapping[str, int]
) -> tuple[dict[int, tuple[int, bool | None]], list[Line]]:
    """Units by number with the line that names each and what it says, and the lines that name none of ours.

    `known` maps marks to units. A unit that several lines name was wiped only if none of them says that it failed. A line
    that names two of ours proves of neither that it was wiped: one may stand in the other's comment.
    """
    found: dict[int, tuple[int, bool | None]] = {}
    unknown: list[Line] = []
    for line in lines:
        units = {known[mark] for mark in line.marks if mark in known}
        if not units:
            if line.held is not None:
                unknown.append(line)
            continue
        said = line.held if len(units) == 1 or line.held is False else None
        for unit in units:
            before = found.get(unit)
            says = [said] if before is None else [before[1], said]
            held = False if False in says else (True if True in says else None)
            found[unit] = (line.number if before is None else before[0], held)
    return found, unknown
