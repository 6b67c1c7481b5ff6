"""Files for a spreadsheet: nothing typed by anybody runs as a formula, and every letter arrives."""

from __future__ import annotations

import csv
import io

import pytest

from inclusion_app.core.csv_out import csv_file, plain_cell


@pytest.mark.parametrize(
    "typed",
    ["=1+1", "+44 161", "-2", "@SUM(A1)", "\tx", "\rx", "\n=1", "  =1", "＝1", '=HYPERLINK("http://x")'],  # noqa: RUF001 - meant
)
def test_a_cell_that_would_run_gets_an_apostrophe(typed: str) -> None:
    assert plain_cell(typed) == "'" + typed


@pytest.mark.parametrize(
    ("value", "cell"), [("Zoë O'Neil-Li", "Zoë O'Neil-Li"), (-3, "-3"), (None, ""), ("", ""), (2.5, "2.5")]
)
def test_other_cells_stay_as_they_are(value: object, cell: str) -> None:
    assert plain_cell(value) == cell


def test_the_file_reads_back_whole_and_says_that_it_is_utf_8() -> None:
    made = csv_file(
        ["Name", "=Note"], [['He said "hi", twice\r\nand left', "چائے"], ["=cmd|' /C calc'!A0", None]]
    )
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["Name", "'=Note"],
        ['He said "hi", twice\r\nand left', "چائے"],
        ["'=cmd|' /C calc'!A0", ""],
    ]
