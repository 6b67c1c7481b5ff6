"""The public sheet of a step, and what the private handout must not tell."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from inclusion_app.core import paper
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.roadmaps.catalogue import load_catalogue
from tests.conftest import Browser


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages the paper service would be asked to draw."""
    pages: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: pages.append(html) or b"%PDF-")
    return pages


def test_anybody_can_print_a_step(browser: Browser, asked: list[str]) -> None:
    assert 'href="/en/roadmap/steps/T6/print"' in browser.text("/roadmap/steps/T6")
    answer = browser.get("/roadmap/steps/T6/sheet.pdf")
    assert answer.data == b"%PDF-"
    assert answer.headers["Content-Disposition"] == 'inline; filename="step.pdf"'
    printed = browser.text("/roadmap/steps/T6/print")
    for html in (asked[0], printed):
        for words in ("Set up the NHS App or website", "How to do it", "The safe way", "Without the internet",
                      "Without ID", "Ask us if this is old.", "localhost/en/roadmap/steps/T6"):  # fmt: skip
            assert words in html, words
        assert html.count('class="tick"') == 3
    assert 'href="/en/roadmap/steps/T6/sheet.pdf"' in printed
    assert 'href="/en/roadmap/steps/T6/print?size=large"' in printed


def test_the_large_sheet_keeps_its_size_on_every_way(browser: Browser, asked: list[str]) -> None:
    printed = browser.text("/roadmap/steps/S5/print?size=large")
    assert 'class="sheet sheet--large"' in printed
    assert 'href="/en/roadmap/steps/S5/sheet.pdf?size=large"' in printed
    assert 'href="/en/roadmap/steps/S5/print"' in printed
    browser.get("/roadmap/steps/S5/sheet.pdf?size=large")
    assert 'class="sheet sheet--large"' in asked[0]
    assert 'data-sides="2"' in asked[0]


@pytest.mark.parametrize("name", ["sheet.pdf", "print"])
def test_no_such_step(browser: Browser, name: str) -> None:
    assert browser.get(f"/roadmap/steps/Z9/{name}").status_code == 404


def test_a_full_paper_service_offers_the_print_page_of_the_step(browser: Browser) -> None:
    answer = browser.get("/roadmap/steps/T6/sheet.pdf?size=large")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "20"
    assert 'href="/en/roadmap/steps/T6/print?size=large"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("language", ["ur", "ar"])
def test_the_sheet_stands_beside_english(another_browser: Callable[..., Browser], language: str) -> None:
    html = another_browser(language).text("/roadmap/steps/F1/print")
    step = load_catalogue().steps["F1"]
    for sentence in (step.title, step.why, *step.how, *step.safe, *step.no_internet):
        assert sentence in html, sentence
    assert f'<html lang="{language}" dir="rtl">' in html
    assert f"/{language}/roadmap/steps/F1" in html


def test_a_line_is_printed_with_whose_it_is_and_how_sure_we_are(browser: Browser) -> None:
    html = browser.text("/roadmap/steps/U1/print")
    assert "Help to Claim (Citizens Advice)" in html
    assert "0800 144 8444" in html
    assert "Not confirmed. Its source has no date. We read it on 23 November 2026." in html
    assert "Talk to a person" not in browser.text("/roadmap/steps/F2/print")


def test_the_nearest_place_stands_there_when_the_visit_has_an_area(browser: Browser) -> None:
    assert "Ask at any library." in browser.text("/roadmap/steps/F3/print")
    browser.send("/places", near="M18 8HE")
    html = browser.text("/roadmap/steps/F3/print")
    assert "Gorton Library" in html
    assert "Opening times this week" in html
    assert "Ask at any library." not in html


def test_nothing_of_a_plan_is_on_a_public_paper(
    app: Flask, another_browser: Callable[..., Browser], asked: list[str]
) -> None:
    stranger, resident = another_browser(), another_browser()
    resident.make_plan(("g05", "g02"))
    resident.send("/roadmap/check/4", answer=["no_id"])
    code = resident.save_plan(nickname="Amina")
    with app.app_context(), transaction() as session:
        before = session.query(AuditRow).count()
    for person in (stranger, resident):
        person.get("/roadmap/steps/U1/sheet.pdf")
    assert asked[0] == asked[1]
    resident.send("/places", near="M18 8HE")
    printed = resident.text("/roadmap/steps/U1/print")
    for told in (code, code.replace("-", ""), "Amina", "8HE", "slow walk", "miles", "/roadmap/print"):
        assert told not in printed, told
    with app.app_context(), transaction() as session:
        assert session.query(AuditRow).count() == before


def test_the_private_handout_names_no_place_of_a_private_step(browser: Browser, asked: list[str]) -> None:
    browser.make_plan(("g05",))
    browser.send("/places", near="M22 5RX", **{"for": "plan"})
    browser.send("/roadmap/steps/U1", do="pin")
    browser.get("/roadmap/handout.pdf")
    browser.get("/roadmap/handout.pdf?private=yes")
    whole, private = (re.search(r'class="place">.*?<b>([^<]+)</b>', html, re.S) for html in asked)
    assert whole
    assert private
    assert whole[1] == "Wythenshawe Forum"  # the jobcentre's
    assert "Library" in private[1]


def test_the_private_handout_does_not_say_who_has_no_id(browser: Browser, asked: list[str]) -> None:
    browser.make_plan(("g07",))
    browser.send("/roadmap/check/4", answer=["no_id"])
    browser.send("/roadmap/steps/T3", do="pin")
    browser.get("/roadmap/handout.pdf")
    browser.get("/roadmap/handout.pdf?private=yes")
    note = load_catalogue().steps["T3"].without_id[0]
    assert note in asked[0]
    assert note not in asked[1]


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_the_private_handout_has_a_neutral_title_name_and_address(
    another_browser: Callable[..., Browser], asked: list[str], language: str
) -> None:
    person = another_browser(language)
    person.make_plan(("g02", "g05"))
    code = person.save_plan(nickname="Amina").replace("-", "")
    answer = person.get("/roadmap/handout.pdf?private=yes")
    assert answer.headers["Content-Disposition"] == 'inline; filename="plan.pdf"'
    titles = re.findall(r"<(?:title|h1)[^>]*>([^<]+)<", asked[0])
    usual = person.text("/roadmap/print?private=yes")
    assert re.search(r"<title>([^<–]+)", usual)[1].strip() in {
        "Print my plan",
        "میرا منصوبہ چھاپیں",
        "طباعة خطتي",
    }  # type: ignore[index]
    assert set(titles) <= {
        "My next steps",
        "میرے اگلے قدم",
        "خطواتي التالية",
        "My code",
        "رمزي",
        "میرا کوڈ",
    } | {title for title in titles if "QR" in title}
    goals = [load_catalogue().goals[goal] for goal in ("g02", "g05")]
    for html in (asked[0], usual[usual.index('<div class="sheet') :]):
        assert "Amina" not in html
        assert [goal.id for goal in goals if goal.title in html or goal.words in html] == []
        assert re.findall(r'class="address"[^>]*>([^<]+)', html) == [f"localhost/r/{code}"]
