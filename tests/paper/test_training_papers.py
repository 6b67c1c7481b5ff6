"""The papers of training: the register's sheet, a certificate and the award's sheet are tagged, and fit."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pikepdf
import pytest
from flask import Flask, g

from inclusion_app.core import i18n
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.paper_parts import Pair
from inclusion_app.places.on_paper import dated
from inclusion_app.roadmaps.award_views import award_sheet_html
from inclusion_app.roadmaps.catalogue import AREAS, load_catalogue
from inclusion_app.training.certificate_paper import certificate_html
from inclusion_app.training.credential_views import ON_DAY
from inclusion_app.training.models import Credential
from inclusion_app.training.slip_views import build_slip, questions_html, slip_html
from inclusion_app.training.staff_register_queries import register_for
from inclusion_app.training.staff_register_sheet import sheet_html
from tests.core.pdf_checks import problems
from tests.factories.accounts import make_organisation
from tests.factories.training import make_booking, make_session
from tests.paper.test_handout import sizes_of

pytestmark = pytest.mark.paper
Draw = Callable[[str], bytes]
NUMBER = "6a1c7c52-5a0e-4d3f-9f2b-0c1d2e3f4a5b"


def sides(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_a_certificate_fills_one_side(app: Flask, draw: Draw, language: str) -> None:
    row = Credential(id=NUMBER, kind="attendance", issued_at=datetime(2026, 11, 26, tzinfo=UTC), signed="")
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[language]
        said = [Pair("First steps on a computer, and what comes after them", "First steps on a computer, and what comes after them"),
                dated(ON_DAY, date(2026, 11, 26))]  # fmt: skip
        html = certificate_html(
            row, name="Zarqa Abdul-Rahman Al-Hashimi", said=said, by=("Red Door", "My digital roadmap")
        )
    pdf = draw(html)
    assert (sides(pdf), problems(pdf)) == (1, [])


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
@pytest.mark.parametrize("dates", [1, 2, 4, 6])
def test_a_slip_with_its_question_fills_one_side(app: Flask, draw: Draw, language: str, dates: int) -> None:
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"), transaction() as session:
        g.language = i18n.LANGUAGES[language]
        training = make_session(
            session, booked_as="course", days=[today() + timedelta(days=7 * number) for number in range(2, dates + 2)],
            room="Room 1, first floor", responsible_adult="Noor",
        )  # fmt: skip
        training.course.texts[0].bring = "Your phone and its charger. A pen, if you have one."
        html = slip_html(build_slip(make_booking(session, training, age_band="13_15")))
    pdf = draw(html)
    assert (sides(pdf), problems(pdf)) == (1, [])


@pytest.mark.parametrize("language", ["en", "ur", "ar", "pl"])
def test_the_question_stands_three_times_on_one_side(app: Flask, draw: Draw, language: str) -> None:
    with app.test_request_context("/staff"), transaction() as session:
        g.language = i18n.LANGUAGES[language]
        training = make_session(session)
        html = questions_html(training)
    pdf = draw(html)
    assert (sides(pdf), problems(pdf)) == (1, [])
    assert html.count('class="tear"') == html.count("Did this help you?") == 3
    assert training.slug not in html, "who leaves it there is nobody we know"


@pytest.mark.parametrize(("language", "most"), [("en", 3), ("pl", 3), ("ur", 4), ("ar", 4)])
def test_the_sheet_of_the_award_is_two_leaves_of_readable_letters(
    app: Flask, draw: Draw, language: str, most: int
) -> None:
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[language]
        g.principal = Principal("stranger")
        html = award_sheet_html()
    pdf = draw(html)
    assert problems(pdf) == []
    # Every step of the catalogue in two languages; printed on both sides of two leaves.
    assert sides(pdf) <= most
    # Headers in 12 points, the steps in 13 or more.
    assert min(sizes_of(pdf)) >= 12
    # Two boxes a step, and who signs can see how many areas the steps are of.
    steps = load_catalogue().steps
    assert html.count('class="box-cell__box"') == 2 * len(steps)
    assert {int(area) for area in re.findall(r'<td class="box-cell">(\d)</td>', html)} == set(
        range(1, len(AREAS) + 1)
    )


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_sheet_of_the_award_is_set_in_fonts_that_come_with_the_service(
    app: Flask, draw: Draw, language: str
) -> None:
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        g.language = i18n.LANGUAGES[language]
        g.principal = Principal("stranger")
        pdf = draw(award_sheet_html())
    with pikepdf.open(io.BytesIO(pdf)) as document:
        fonts = {str(font.BaseFont) for side in document.pages for font in side.Resources.Font.values()}
    assert not {name for name in fonts if "Noto" not in name}, "a box is drawn, not a letter of another font"


def test_the_sheet_of_a_register(app: Flask, draw: Draw) -> None:
    with app.test_request_context("/staff"), transaction() as session:
        red = make_organisation(session)
        training = make_session(session, organisation_id=red.id, capacity=30)
        for number in range(18):
            make_booking(
                session,
                training,
                label=f"Person {number}",
                needs={"codes": ["step_free", "bsl"][: number % 3]},
            )
        who = Principal("staff", staff_id=1, organisation_id=red.id, roles=frozenset({"training_organiser"}))
        found = register_for(session, who, training.occurrences[0].id)
        assert found is not None
        pdf = draw(sheet_html(found))
    assert problems(pdf) == []
    assert sides(pdf) == 2
    assert now()
