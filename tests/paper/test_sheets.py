"""The sheets of steps and of places: that they fit, are as large as they say, and can be read without eyes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pikepdf
import pytest
import time_machine
from flask import Flask, g

from inclusion_app.core import i18n
from inclusion_app.core.db import db_session
from inclusion_app.places.queries import Where, find_where
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.sheets import build_step_sheet, step_sheet_html
from inclusion_app.roadmaps.step_sheet import TIGHTEST
from tests.conftest import Browser
from tests.core.pdf_checks import problems, read_tags, spoken
from tests.paper.samples import page, sample
from tests.paper.sheet_samples import sheet_page, step_sample, ward_sample
from tests.paper.test_handout import sides_of, sizes_of, text_of

Draw = Callable[[str], bytes]
LANGS = ("en", "ur", "ar")
LARGE = 16  # points; nothing on a sheet in large print is smaller


def all_steps(app: Flask, lang: str, *, large: bool) -> dict[str, str]:
    """The page of every step's sheet, with the place that is nearest to somewhere."""
    with app.test_request_context(), time_machine.travel("2026-11-26 10:00Z"):
        g.language = i18n.LANGUAGES[lang]
        where = find_where(db_session(), "M14 5RQ")
        assert isinstance(where, Where)
        return {
            step.id: step_sheet_html(build_step_sheet(step, where=where, large=large))
            for step in load_catalogue().steps.values()
        }


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("large", [False, True], ids=["ordinary", "large"])
def test_every_step_fits_its_sides(app: Flask, draw: Draw, lang: str, large: bool) -> None:
    pages = all_steps(app, lang, large=large)
    assert len(pages) == 54
    if lang != "ur":  # the fullest fill the most; Urdu needs the most room and is drawn whole
        fullest = sorted(pages, key=lambda step: len(pages[step]))[-12:]
        pages = {step: pages[step] for step in {*fullest, "U1"}}
    with ThreadPoolExecutor(2) as pool:
        drawn = dict(zip(pages, pool.map(draw, pages.values()), strict=True))
    most = 2 if large else 1
    assert {step: sides for step, pdf in drawn.items() if (sides := sides_of(pdf)) > most} == {}
    assert {step: len(pdf) for step, pdf in drawn.items() if len(pdf) > 200_000} == {}
    if large:
        assert {step: size for step, pdf in drawn.items() if (size := min(sizes_of(pdf))) < LARGE} == {}
    if lang == "ur":  # at the tightest setting Urdu would stand in another hand
        assert [step for step, pdf in drawn.items() if "Nastaliq" not in fonts_of(pdf)] == []
    assert problems(drawn["U1"]) == []


def fonts_of(pdf: bytes) -> str:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return " ".join(str(thing.BaseFont) for thing in document.objects
                        if isinstance(thing, pikepdf.Dictionary) and "/BaseFont" in thing)  # fmt: skip


@pytest.mark.parametrize("lang", LANGS)
def test_most_steps_are_set_in_fourteen_points(app: Flask, lang: str) -> None:
    fits = [re.search(r'data-fit="(\d)"', html)[1] for html in all_steps(app, lang, large=False).values()]  # type: ignore[index]
    assert max(fits) <= str(TIGHTEST)
    assert sum(fit in "01" for fit in fits) >= 40


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_a_step_reads_out_in_order(draw: Draw, lang: str) -> None:
    pdf = draw(sheet_page(step_sample(lang)))
    assert problems(pdf) == []
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.docinfo["/Title"]) == step_sample(lang).title.own
        kinds = [tag.kind for tag in read_tags(document).all("H1", "H2")]
    assert kinds == ["H1", *["H2"] * 8]  # have, bring, how, safe, without internet, without ID, talk, place
    if lang == "en":
        said = spoken(pdf)
        order = ["Printed on", "Ask us if this is old.", "Set up the NHS App", "roadmap.example.org/en/roadmap/steps/T6",
                 "About 45 minutes", "What you need", "What to bring", "How to do it", "1 Find and open apps", "The safe way",
                 "Without the internet", "Without ID", "Talk to a person", "159", "A place near you", "M12 4NE"]  # fmt: skip
        places = [said.index(words) for words in order]
        assert places == sorted(places), said
    assert "roadmap.example.org" in text_of(pdf, "-layout")


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_the_heading_of_a_ward_stands_on_every_side_and_is_said_once(draw: Draw, lang: str) -> None:
    whole = ward_sample(lang, places=8)
    pdf = draw(sheet_page(whole))
    assert problems(pdf) == []
    sides = [text_of_side(pdf, number) for number in range(1, sides_of(pdf) + 1)]
    assert len(sides) > 1
    if lang == "en":
        assert all("Places that can help you" in side for side in sides)
        assert spoken(pdf).count("Places that can help you") == 1
    else:  # joined letters cannot be read back from their shapes; the number behind them can
        assert all(f" {number}" in side[:200] for number, side in enumerate(sides[1:], 2))


def text_of_side(pdf: bytes, number: int) -> str:
    return text_of(pdf, "-layout", "-f", str(number), "-l", str(number))


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_sheets_in_large_print_are_large_all_over(draw: Draw, lang: str) -> None:
    for html in (
        sheet_page(step_sample(lang, large=True)),
        sheet_page(ward_sample(lang, places=5, large=True)),
    ):
        pdf = draw(html)
        assert min(sizes_of(pdf)) >= LARGE
        assert problems(pdf) == []
        assert len(pdf) <= 200_000


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("fit", range(5))
def test_a_large_handout_is_large_at_every_setting(draw: Draw, lang: str, fit: int) -> None:
    html = page(
        sample(lang, goals=3, phones=2, appointment=True, stations=18, heavy=True, large=True, doing=2)
    )
    set_so = re.sub(r'data-sides="\d" data-fit="\d"', f'data-sides="9" data-fit="{fit}"', html)
    assert f'data-fit="{fit}"' in set_so
    assert min(sizes_of(draw(set_so))) >= LARGE


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_a_real_large_handout_is_large_all_over(
    app: Flask, draw: Draw, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "inclusion_app.core.paper.render_pdf", lambda html, **_: asked.append(html) or b"%PDF-"
    )
    person = Browser(app, lang)
    person.make_plan(("g02", "g05"))
    person.send("/roadmap/check/4", answer=["no_id", "confidence"])
    person.send("/places", near="m14 5rq", **{"for": "plan"})
    person.save_plan(nickname="Amina")
    for query in ("size=large", "size=large&private=yes"):
        person.get(f"/roadmap/handout.pdf?{query}")
    monkeypatch.undo()
    for html in asked:
        pdf = draw(html)
        assert min(sizes_of(pdf)) >= LARGE
        assert problems(pdf) == []
