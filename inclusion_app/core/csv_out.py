"""Tables for a spreadsheet: no cell of ours is ever taken for a formula.

Source: OWASP, "CSV injection". Somebody's name may begin with a sign that a spreadsheet would run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# Some programs pass over spaces before these, and take their full-width forms for the same.
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as something else


def plain_cell(value: object) -> str:
    """What stands in a cell: text that would run as a formula gets an apostrophe before it; numbers stay as they are."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    starts = value.startswith(STARTS_A_FORMULA) or value.lstrip().startswith(STARTS_A_FORMULA)
    return f"'{value}" if starts else value


def csv_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file (RFC 4180) in UTF-8 with its byte order mark; every cell in quotes, formulas made harmless."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([plain_cell(cell) for cell in head])
    writer.writerows([plain_cell(cell) for cell in row] for row in rows)
    return (BYTE_ORDER_MARK + out.getvalue()).encode()
