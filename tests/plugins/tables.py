"""What a run has measured, printed at its end: counts, the weight of pages, pages × states × checks.

Tests give figures to the fixtures `tally` and `checked`; they travel with the report of the test, so they come
together whichever process ran it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pytest

PROPERTY = "tables"


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """tally(what, number): adds up over all tests and is printed as one line."""

    def add(what: str, number: int) -> None:
        record_property(PROPERTY, json.dumps({"tally": what, "number": number}))

    return add


@pytest.fixture
def checked(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """checked(table, row, column, value): one cell of a table; numbers in the same cell add up."""

    def add(table: str, row: str, column: str, value: int) -> None:
        record_property(PROPERTY, json.dumps({"table": table, "row": row, "column": column, "value": value}))

    return add


def lines_of(notes: Iterable[dict[str, Any]]) -> list[str]:
    """The notes of all tests as lines to print."""
    tallies: dict[str, int] = defaultdict(int)
    tables: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    columns: dict[str, dict[str, None]] = defaultdict(dict)
    cells: dict[str, int] = defaultdict(int)
    for note in notes:
        if "tally" in note:
            tallies[note["tally"]] += note["number"]
            continue
        table, row, column = note["table"], note["row"], note["column"]
        columns[table][column] = None
        cells[table] += 1
        line = tables[table][row]
        line[column] = line.get(column, 0) + note["value"]
    lines = []
    for title, rows in sorted(tables.items()):
        names = sorted(columns[title])
        first = max(len(row) for row in rows)
        widths = {name: max(len(name), 6) for name in names}
        lines.append(f"{title}: {cells[title]:,} cells")
        lines.append("  " + " " * first + "".join(f"  {name:>{widths[name]}}" for name in names))
        for row, line in sorted(rows.items()):
            shown = "".join(f"  {line.get(name, '–'):>{widths[name]}}" for name in names)
            lines.append(f"  {row:{first}}{shown}")
    lines += [f"{what}: {number:,}" for what, number in sorted(tallies.items())]
    return lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them after the tests."""
    notes = [
        json.loads(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    lines = lines_of(notes)
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
