"""`flask codes sheet`: every printed code waits for its paper, and a sheet that is not printed leaves none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core import paper
from inclusion_app.core.clock import now
from inclusion_app.core.codes import new_code, read_code
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.paper_parts import qr_square
from inclusion_app.people import services as people
from inclusion_app.people.models import GivenCode
from inclusion_app.roadmaps import stickers
from tests.conftest import Browser


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages the paper service would be asked to draw."""
    asked: list[str] = []

    def draw(html: str, **_: object) -> bytes:
        asked.append(html)
        return b"%PDF-"

    monkeypatch.setattr(paper, "render_pdf", draw)
    monkeypatch.setattr(stickers, "joined", b"".join)
    return asked


def given(app: Flask) -> list[str]:
    with app.app_context(), reading() as session:
        return list(session.scalars(select(GivenCode.kind)))


def printed(pages: list[str]) -> list[str]:
    return re.findall(r'<p class="letters">([^<]+)</p>', "".join(pages))


def test_every_printed_code_waits_for_its_paper(app: Flask, pages: list[str], tmp_path: Path) -> None:
    target = tmp_path / "stickers.pdf"
    done = app.test_cli_runner().invoke(
        args=["codes", "sheet", "--count", "16", "-o", str(target), "--language", "ur"]
    )
    assert done.exit_code == 0, done.output
    assert "16 codes, 3 sheets" in done.output
    warned = "INCLUSION_BASE_URL is not set: the stickers lead to http://127.0.0.1:8000; set it first."
    assert warned in done.stderr
    assert warned not in done.stdout
    assert target.stat().st_mode & 0o077 == 0
    codes = printed(pages)
    assert len(codes) == 32
    assert len(set(codes)) == 16
    assert given(app) == ["unclaimed"] * 16
    with app.app_context(), reading() as session:
        assert {people.kind_of_code(session, code=read_code(code)) for code in codes} == {"unclaimed"}
    html = "".join(pages)
    assert html.count("<h1>") == 1
    for code in map(read_code, codes):
        assert html.count(str(qr_square(f"http://127.0.0.1:8000/r/{code}?l=ur", "QR"))) == 2
        assert f"127.0.0.1:8000/r/{code}<" in html
    for words in ("Stays on the paper", "Take this home", "کاغذ پر رہے گا", "My digital roadmap"):
        assert words in html
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".stickers")] == []


def test_english_alone_prints_each_sentence_once(app: Flask, pages: list[str], tmp_path: Path) -> None:
    done = app.test_cli_runner().invoke(
        args=["codes", "sheet", "--count", "1", "-o", str(tmp_path / "one.pdf")]
    )
    assert done.exit_code == 0, done.output
    assert "1 code, 1 sheet," in done.output
    assert 'class="own"' not in pages[0]
    assert "?l=" not in pages[0]


@pytest.mark.parametrize(
    ("count", "language", "exit_code", "said"),
    [("0", "en", 2, "0"), ("701", "en", 2, "701"), ("x", "en", 2, "x"), ("7", "pl", 2, "no released language pl")],
)  # fmt: skip
def test_what_is_refused(
    app: Flask, pages: list[str], tmp_path: Path, count: str, language: str, exit_code: int, said: str
) -> None:
    target = tmp_path / "stickers.pdf"
    done = app.test_cli_runner().invoke(
        args=["codes", "sheet", "--count", count, "-o", str(target), "--language", language]
    )
    assert (done.exit_code, said in done.output) == (exit_code, True), done.output
    assert not target.exists()
    assert given(app) == []
    assert pages == []


def test_a_file_that_is_there_is_not_written_over(app: Flask, pages: list[str], tmp_path: Path) -> None:
    target = tmp_path / "stickers.pdf"
    target.write_text("the sheet of last week")
    done = app.test_cli_runner().invoke(args=["codes", "sheet", "--count", "7", "-o", str(target)])
    assert (done.exit_code, "there already" in done.output) == (2, True), done.output
    assert target.read_text() == "the sheet of last week"
    assert given(app) == []


def test_what_comes_up_meanwhile_is_not_written_over_either(
    app: Flask, pages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "stickers.pdf"

    def join(_drawn: list[bytes]) -> bytes:
        target.write_text("another one was quicker")
        return b"%PDF-"

    monkeypatch.setattr(stickers, "joined", join)
    done = app.test_cli_runner().invoke(args=["codes", "sheet", "--count", "7", "-o", str(target)])
    assert done.exit_code == 1
    assert target.read_text() == "another one was quicker"
    assert given(app) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".stickers")] == []


@pytest.mark.parametrize("failure", [paper.PaperBusy("away"), paper.PaperFailed("no")])
def test_a_sheet_that_cannot_be_drawn_leaves_no_codes(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def draw(_html: str, **_: object) -> bytes:
        raise failure

    monkeypatch.setattr(paper, "render_pdf", draw)
    target = tmp_path / "stickers.pdf"
    done = app.test_cli_runner().invoke(args=["codes", "sheet", "--count", "7", "-o", str(target)])
    assert done.exit_code == 1
    assert ("Start ./serve" if isinstance(failure, paper.PaperBusy) else "could not be drawn") in done.output
    assert not target.exists()
    assert given(app) == []


def test_a_folder_that_is_not_there_leaves_no_codes(app: Flask, pages: list[str], tmp_path: Path) -> None:
    target = tmp_path / "none" / "stickers.pdf"
    done = app.test_cli_runner().invoke(args=["codes", "sheet", "--count", "7", "-o", str(target)])
    assert (done.exit_code, "cannot be written" in done.output) == (1, True), done.output
    assert given(app) == []


def test_codes_are_kept_all_or_none(both_engines: Flask) -> None:
    from sqlalchemy.exc import IntegrityError

    with transaction() as session:
        known = people.give_code(session, kind="resident", now=now())
    with pytest.raises(IntegrityError), transaction() as session:
        people.keep_sticker_codes(session, codes=[new_code(), known], now=now())
    with reading() as session:
        assert list(session.scalars(select(GivenCode.kind))) == ["resident"]


def test_codes_nobody_used_go_after_24_months(both_engines: Flask) -> None:
    old, young, used = new_code(), new_code(), new_code()
    with transaction() as session:
        people.keep_sticker_codes(session, codes=[old, used], now=now() - timedelta(days=732))
        people.keep_sticker_codes(session, codes=[young], now=now() - timedelta(days=730))
        people.claim_code(session, code=used)
    done = both_engines.test_cli_runner().invoke(args=["retention", "run"])
    assert "deleted 1 codes of stickers" in done.output
    with reading() as session:
        kinds = [people.kind_of_code(session, code=code) for code in (old, young, used)]
    assert kinds == [None, "unclaimed", "resident"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "This code is not ready yet. A helper must type in your paper first."),
        ("ur", "یہ کوڈ ابھی تیار نہیں۔ پہلے کسی مددگار کو آپ کا کاغذ درج کرنا ہے۔"),
        ("ar", "هذا الرمز غير جاهز بعد. يجب أن يُدخل مساعد ورقتك أولًا."),
    ],
)
@pytest.mark.parametrize(
    "secret",
    [{}, {"pin": "4071"}, {"with": "pictures", "picture1": "sun", "picture2": "key", "picture3": "cup"}],
)
def test_a_sticker_says_that_it_is_not_ready(
    app: Flask, another_browser: Callable[..., Browser], language: str, said: str, secret: dict[str, str]
) -> None:
    code = new_code()
    with app.app_context(), transaction() as session:
        people.keep_sticker_codes(session, codes=[code], now=now())
    person = another_browser(language)
    scanned = person.client.get(f"/r/{code}?l={language}")
    assert scanned.status_code == 200
    assert code in scanned.get_data(as_text=True)
    answer = person.send("/come-back", code=code, **secret)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'href="#code">{said}<' in html
    assert f'value="{code}"' in html


def test_who_scans_a_sticker_finds_pictures_as_easily_as_a_pin(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    known, unknown = new_code(), new_code()
    with app.app_context(), transaction() as session:
        people.keep_sticker_codes(session, codes=[known], now=now())
    person = another_browser()
    pages = [person.client.get(f"/r/{code}?l=en").get_data(as_text=True) for code in (known, unknown)]
    # The page tells nobody which codes there are.
    without = [
        re.sub(r'name="csrf_token" value="[^"]+"', "", page).replace(code, "")
        for page, code in zip(pages, (known, unknown), strict=True)
    ]
    assert without[0] == without[1]
    assert "Did you fill in a paper? Then your code works when a helper has typed it in." in pages[0]
    assert re.search(r'name="show" value="pictures">I have pictures, not a PIN<', pages[0])
    # Enter presses the first button of a form: that one opens the plan.
    assert pages[0].index(">Open my plan<") < pages[0].index('name="show"')


@pytest.mark.parametrize(
    ("show", "there", "gone"), [("pictures", "picture1", "pin"), ("pin", "pin", "picture1")]
)
def test_the_other_way_to_open_keeps_the_code(
    app: Flask, browser: Browser, show: str, there: str, gone: str
) -> None:
    from inclusion_app.core.attempts import Attempt

    code = new_code()
    answer = browser.send("/come-back", code=code, pin="4071", show=show)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'value="{code}"' in html
    assert f'name="{there}"' in html
    assert f'name="{gone}"' not in html
    assert "4071" not in html
    with app.app_context(), reading() as session:
        assert session.scalars(select(Attempt)).all() == []


def test_a_group_code_on_the_way_back_leads_to_the_group(browser: Browser) -> None:
    html = browser.text("/come-back")
    assert 'Is it the code of a group? <a href="/en/groups/open">Open our group</a>' in html
