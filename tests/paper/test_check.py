"""The self-check on paper and the stickers: they fit, they look as they did, and they can be read without eyes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from flask_babel import gettext as _

from inclusion_app.core import i18n
from inclusion_app.core.codes import new_code, show_code
from inclusion_app.core.pins import PICTURE_WORDS
from inclusion_app.core.words import N_
from inclusion_app.roadmaps import stickers
from inclusion_app.roadmaps.check_paper import WORDS, check_sheet
from inclusion_app.roadmaps.check_paper_views import check_html
from inclusion_app.roadmaps.selfcheck import QUESTIONS
from tests.core.pdf_checks import problems, read_tags, spoken
from tests.paper.test_golden import DIFFERENT, FOLDER, pictures, same_versions, shape, worst_block
from tests.paper.test_handout import sides_of, sizes_of

Draw = Callable[[str], bytes]
LANGS = ("en", "ur", "ar")
GOLDEN = FOLDER / "check"


def sheet_in(app: Flask, lang: str, *, with_group: bool = True) -> str:
    with app.test_request_context(base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[lang]
        return check_html(check_sheet(_, lang=lang, direction=g.language.dir, with_group=with_group))


def golden(lang: str, side: int) -> Path:
    return GOLDEN / f"{lang}-{side}.png"


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_the_questions_look_and_say_what_they_did(
    app: Flask, draw: Draw, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    pdf = draw(sheet_in(app, lang))
    drawn = pictures(pdf)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        for side, picture in enumerate(drawn, 1):
            picture.quantize(16).save(golden(lang, side), optimize=True)
        (GOLDEN / f"{lang}.json").write_text(json.dumps(shape(pdf), ensure_ascii=False, indent=1) + "\n")
    assert shape(pdf) == json.loads((GOLDEN / f"{lang}.json").read_text())
    if same_versions():
        kept = [Image.open(golden(lang, side)).convert("L") for side in (1, 2)]
        differences = [worst_block(one, other) for one, other in zip(drawn, kept, strict=True)]
        assert max(differences) <= DIFFERENT, differences
    else:
        with capsys.disabled():
            print(f"\n{lang}: other versions than the golden pictures have; only the tags are compared")


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("with_group", [True, False])
def test_two_sides_in_letters_of_twelve_points(app: Flask, draw: Draw, lang: str, with_group: bool) -> None:
    html = sheet_in(app, lang, with_group=with_group)
    pdf = draw(html)
    assert sides_of(pdf) == 2
    assert problems(pdf) == []
    assert len(pdf) <= 200_000
    sizes = sizes_of(pdf)
    # English beside another language and the letters of the answers are smaller; the person's own words are not.
    assert min(sizes) >= 9.6
    assert 12 in sizes or 12.5 in sizes or 13.5 in sizes


@pytest.mark.paper
def test_urdu_keeps_its_own_hand(app: Flask, draw: Draw) -> None:
    import io

    import pikepdf

    with pikepdf.open(io.BytesIO(draw(sheet_in(app, "ur")))) as document:
        for side in document.pages:
            fonts = " ".join(str(font.BaseFont) for font in side.Resources.Font.values())
            assert "Noto-Nastaliq-Urdu" in fonts
            assert "Noto-Naskh" not in fonts


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_every_question_and_answer_is_said_in_both_languages(app: Flask, draw: Draw, lang: str) -> None:
    said = spoken(draw(sheet_in(app, lang)))
    with app.test_request_context():
        g.language = i18n.LANGUAGES[lang]
        for question in QUESTIONS:
            for words in (question.text, *(option.label for option in question.options)):
                assert words in said, words
                assert _(words) in said, words
        for words in (*WORDS.values(), *PICTURE_WORDS.values()):
            assert words in said, words
            assert _(words) in said, words
    assert " 12 " in said
    for part in ("Day", "Month", "Year"):
        assert said.split().count(part) == 3


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_a_day_is_written_from_left_to_right(app: Flask, lang: str) -> None:
    html = sheet_in(app, lang)
    assert html.count('<div class="date" dir="ltr">') == 3
    first = html.split('<div class="date" dir="ltr">')[1]
    parts = first.split('<div class="part">')[1:4]
    assert [part.split("</div>")[0].count('class="cell"') for part in parts] == [2, 2, 4]


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_each_side_holds_its_own_questions(app: Flask, draw: Draw, lang: str) -> None:
    import io

    import pikepdf

    with pikepdf.open(io.BytesIO(draw(sheet_in(app, lang)))) as document:
        tree = read_tags(document)
    # A table that ran over both sides would say its headers twice.
    assert len(tree.all("TD")) == 32
    assert " ".join(spoken(draw(sheet_in(app, lang))).split()).count("Tick one box in each row.") == 1


@pytest.mark.paper
def test_the_skills_are_a_table_with_its_headers(app: Flask, draw: Draw) -> None:
    import io

    import pikepdf

    with pikepdf.open(io.BytesIO(draw(sheet_in(app, "ar")))) as document:
        tree = read_tags(document)
    tables = [table for table in tree.all("Table") if len(table.all("TD")) == 32]
    assert len(tables) == 1
    assert [tag.kind for tag in tree.all("H1", "H2")] == ["H1", *["H2"] * 5]


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_stickers_are_one_tagged_file(app: Flask, draw: Draw, lang: str) -> None:
    codes = [new_code() for _number in range(stickers.ROWS * stickers.SHEETS_AT_ONCE + 1)]
    with app.test_request_context(base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[lang]
        parts = stickers.pages_html(codes)
        assert len(parts) == 2
    pdf = stickers.joined([draw(part) for part in parts])
    assert sides_of(pdf) == stickers.sheets(len(codes)) == stickers.SHEETS_AT_ONCE + 1
    assert problems(pdf) == []
    said = spoken(pdf)
    for code in codes:
        assert said.count(show_code(code)) == 2
        assert said.count(f"127.0.0.1:8000/r/{code}") == 2
    assert re.search(N_("Take this home"), said)
