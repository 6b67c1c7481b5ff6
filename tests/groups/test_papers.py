"""The papers of a group: tagged, small, on as many sides as they may fill, without a name or a count of anybody."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pikepdf
import pytest
from flask import Flask, g

from inclusion_app.core import i18n
from inclusion_app.groups import rules, sheets
from inclusion_app.groups.models import Group
from inclusion_app.roadmaps.catalogue import load_catalogue
from tests.core.pdf_checks import problems, spoken

pytestmark = pytest.mark.paper
Draw = Callable[[str], bytes]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
NOTES = [
    {"id": 2, "what": "Talk about scams.", "when": "Mondays at 10", "where": "Gorton library"},
    {"id": 1, "what": "ہم مل کر سیکھیں گے", "when": "پیر", "where": "ہال"},
]


def group(**kept: object) -> Group:
    return Group(
        id=1, code="GHX4K7MN", code_hash="x", name="Monday tea", language="en", kept=kept, made_at=NOON, last_used_at=NOON
    )  # fmt: skip


@pytest.fixture(params=["en", "ur", "ar"])
def sheet(
    app: Flask, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sheets.GroupSheet]:
    """The longest a usual group prints, in each language."""
    catalogue = load_catalogue()
    line = rules.Line(("F1", "F2"), "A5", tuple(rules.listed_steps(catalogue)[10:18]))
    found = sheets.queries.Together(catalogue, True, line)
    monkeypatch.setattr(sheets.queries, "together", lambda *_given, **_more: found)
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[request.param]
        yield sheets.build_sheet(group(notes=NOTES))


def sides(pdf: bytes) -> list[tuple[int, int]]:
    """The size of each side in millimetres."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        boxes = [[float(edge) for edge in page.mediabox] for page in document.pages]
    return [(round(box[2] / 72 * 25.4), round(box[3] / 72 * 25.4)) for box in boxes]


def words(pdf: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def test_the_papers_fill_the_sides_they_may(draw: Draw, sheet: sheets.GroupSheet) -> None:
    handout, tick_list = draw(sheets.handout_html(sheet)), draw(sheets.list_html(sheet))
    poster = draw(sheets.poster_html(sheet))
    assert sides(handout) == sides(tick_list) == [(210, 297)] * 2
    assert sides(poster) == [(297, 420)]
    for pdf in (handout, tick_list, poster):
        assert len(pdf) <= 200_000
        assert problems(pdf) == []
        assert "GHX4-K7MN" in words(pdf)
    assert "127.0.0.1:8000/g/GHX4K7MN" in words(poster)


LONG = sheets.Note(
    sheets.own(("Learn to spot a scam with paper and tea. " * 6)[:200]),
    sheets.own(("Every Tuesday and Thursday morning at ten " * 2)[:60]),
    sheets.own(("Gorton library, the back room, first floor " * 3)[:120]),
)


@pytest.mark.parametrize("notes", [(), (LONG,)])
@pytest.mark.parametrize("name", ["Tea", "Tuesday and Thursday mornings at Gorton"])
def test_a_poster_is_one_side_however_much_was_written(
    draw: Draw, sheet: sheets.GroupSheet, notes: tuple[sheets.Note, ...], name: str
) -> None:
    poster = draw(sheets.poster_html(replace(sheet, name=sheets.own(name), notes=notes)))
    assert sides(poster) == [(297, 420)]


def test_twelve_long_notes_stay_on_two_sides_and_all_stand_there(
    draw: Draw, sheet: sheets.GroupSheet
) -> None:
    note = sheets.Note(
        sheets.own("A walk to the library and back, with tea."), sheets.own("Monday"), sheets.own("Hall")
    )
    full = replace(sheet, notes=(note,) * 12)
    assert full.lines >= 0
    pdf = draw(sheets.handout_html(full))
    assert len(sides(pdf)) == 2
    assert words(pdf).count("Monday") >= 12


def test_below_three_the_papers_say_so_and_name_no_step(draw: Draw, sheet: sheets.GroupSheet) -> None:
    few = replace(sheet, enough=False, step=None, routes=(), journey=sheets.Journey(()))
    said = spoken(draw(sheets.handout_html(few))) + spoken(draw(sheets.poster_html(few)))
    assert "from three people on" in " ".join(said.split())
    assert load_catalogue().steps["A5"].title not in said


def test_typed_words_keep_their_own_direction() -> None:
    assert sheets.own("Mondays at 10").dir == "ltr"
    assert sheets.own("10 بجے پیر").dir == "rtl"
    assert sheets.own("").dir == "ltr"
