"""A CSV table that somebody sends: its columns by our names, all that is wrong in each line. Pure, but for what it is given.

What stands in the columns is told by `stock_csv` (devices) and `sim_csv` (SIM cards), and in docs/loan-stock.md.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from inclusion_app.core.csv_out import STARTS_A_FORMULA
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.loans.services.stock import Sorted

MOST_ROWS = 2_000
NO_HEAD = N_("The first line names the columns. We need at least: %(columns)s.")
NO_TEXT = N_("This file is no CSV in UTF-8.")
TOO_MANY_ROWS = N_("A file has up to 2000 lines. Send it in parts.")
NO_PLACE = N_("No place has this name or short name.")
WRONG_DAY = N_("Write a day like 2026-03-31 or 31/03/2026.")
TOO_LONG = N_("This is too long.")
TWICE = N_("An earlier line of this file has the same.")
T = TypeVar("T")
Row = TypeVar("Row")


@dataclass(frozen=True)
class Refused:
    """A line that is not taken: which, in which column, and why (N_)."""

    line: int
    column: str
    why: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """What the columns of a file are called: our names, other names for them, and those a file must have."""

    names: Sequence[str]
    others: Mapping[str, str]
    needed: Sequence[str]

    def ours(self, cell: str) -> str:
        """Our name of a column, by what stands above it; nothing for one that is passed over."""
        plain = re.sub(r"[\s-]+", "_", cell.strip().casefold())
        name = self.others.get(plain, plain)
        return name if name in self.names else ""

    def in_order(self, wrong: Sequence[RuleBroken]) -> list[RuleBroken]:
        """What is wrong in a line, as its columns are told."""
        places = {name: place for place, name in enumerate(self.names)}
        return sorted(wrong, key=lambda one: places.get(one.field or "", 0))


@dataclass
class Line:
    """One line: its cells by column. All that is wrong in it goes into `wrong`, so that whoever mends it mends it once."""

    number: int
    said: Mapping[str, str]
    wrong: list[RuleBroken] = field(default_factory=list)

    def text(self, column: str, longest: int | None = None) -> str:
        """What stands there; refused where it has more than `longest` signs."""
        typed = self.said.get(column, "")
        if longest is not None and len(typed) > longest:
            self.wrong.append(RuleBroken(TOO_LONG, field=column))
        return typed

    def good(self, read: Callable[[], T], instead: T) -> T:
        """What `read` makes of it; where it raises RuleBroken that is noted, and `instead` stands for it."""
        try:
            return read()
        except RuleBroken as broken:
            self.wrong.append(broken)
            return instead

    def known(self, number: int | None, why: str, column: str) -> int:
        """The number of a row that is named; 0, and refused, for none."""
        if number is None:
            self.wrong.append(RuleBroken(why, field=column))
        return number or 0

    def day(self, column: str) -> date | None:
        """A day of the wall calendar; None for nothing, and where it is refused."""
        return self.good(lambda: _day(self.said.get(column, ""), column), None)


@dataclass(frozen=True)
class Way(Generic[Row]):
    """How a file of one kind is read, laid beside the stock, and made: all of it or nothing.

    `elsewhere` is said of a mark that another row of anybody's stock has.
    """

    read: Callable[[str], tuple[list[Row], list[Refused]]]
    sort: Callable[[Sequence[Row]], Sorted[Row]]
    make: Callable[[Sequence[Row]], object]
    elsewhere: str

    def try_it(self, text: str) -> tuple[Sorted[Row], list[Refused]]:
        """What the file would do, and its refused lines in their order. Raises RuleBroken for what is no such table."""
        rows, refused = self.read(text)
        found = self.sort(rows)
        refused += [Refused(line, column, self.elsewhere, {}) for line, column in found.taken]
        return found, sorted(refused, key=lambda one: one.line)


def read_rows(
    text: str, columns: Columns, *, read: Callable[[Line], Row], marks: Callable[[Row], Mapping[str, str]]
) -> tuple[list[Row], list[Refused]]:
    """The rows of a file, and the refused lines. Raises RuleBroken at `file` for one that is no such table.

    `read` makes the row of a line; `marks` are those of which there is one in the world, by column.
    """
    table = _table(text)
    head = [columns.ours(cell) for cell in table[0][1]] if table else []
    if not set(columns.needed) <= set(head):
        raise RuleBroken(NO_HEAD, field="file", columns=", ".join(columns.needed))
    rows: list[Row] = []
    refused: list[Refused] = []
    seen: set[tuple[str, str]] = set()
    for number, cells in table[1:]:
        said = {name: _cell(cell) for name, cell in zip(head, cells, strict=False) if name}
        if not any(said.values()):
            continue
        line = Line(number, said)
        row = read(line)
        has = {(column, mark) for column, mark in marks(row).items() if mark}
        line.wrong += [RuleBroken(TWICE, field=column) for column, _mark in sorted(has & seen)]
        seen |= has
        refused += [
            Refused(number, one.field or "", one.message, one.params) for one in columns.in_order(line.wrong)
        ]
        if not line.wrong:
            rows.append(row)
    return rows, refused


def _table(text: str) -> list[tuple[int, list[str]]]:
    """The lines that say something, with their numbers. Reading stops where there are too many: the rest is not held."""
    reader = csv.reader(io.StringIO(text), delimiter=_sign(text))
    table: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            table.append((reader.line_num, cells))
            if len(table) - 1 > MOST_ROWS:
                raise RuleBroken(TOO_MANY_ROWS, field="file")
    except csv.Error:
        raise RuleBroken(NO_TEXT, field="file") from None
    return table


def _sign(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _cell(cell: str) -> str:
    """What was typed; the apostrophe that our own files put before a formula goes."""
    text = one_line(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith(STARTS_A_FORMULA) else text


def _day(typed: str, column: str) -> date | None:
    if not typed:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(typed, form).date()  # noqa: DTZ007 - a day of the wall calendar
        except ValueError:
            continue
    raise RuleBroken(WRONG_DAY, field=column)


def iso(day: date | None) -> str:
    """A day as our own files write it; nothing for none."""
    return day.isoformat() if day else ""
