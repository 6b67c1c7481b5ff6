"""English under each sentence: on every page there is, refusals too; and nothing of it where it was not asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.core import i18n
from inclusion_app.core.bilingual import SIGNS, is_folded
from tests.conftest import Browser
from tests.guards.test_pages import ENDS_A_VISIT, pages

ROOT = Path(__file__).resolve().parents[2]
ARABIC = re.compile(r"[\u0600-\u06ff]")
VOID = {"meta", "link", "input", "br", "img", "path", "circle", "use", "rect", "line"}
OWN_LANGUAGE_NAMES = {language.own_name for language in i18n.LANGUAGES.values()}


class Reader(HTMLParser):
    """Collects visible lines in the reader's letters that no English follows, and what is wrong with the markup."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[tuple[str, str, str]] = []
        self.waiting = ""
        self.alone: list[str] = []
        self.faults: list[str] = []
        self.found = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            if is_folded(value) or "in-english" in value and name != "class":
                self.faults.append(f"{tag} {name}")
        if given.get("class") == "in-english":
            self.found += 1
            if any(kind == "in-english" for _tag, kind, _lang in self.path):
                self.faults.append("nested")
            self.waiting = ""
        elif tag not in {"bdi", "span"}:
            self.give_up()
        if tag not in VOID:
            self.path.append((tag, given.get("class", ""), given.get("lang", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        opened = self.path.pop()
        if opened[0] != tag:
            self.faults.append(f"{opened[0]} closed by {tag}")
        if tag not in {"bdi", "span"}:
            self.give_up()

    def give_up(self) -> None:
        if self.waiting:
            self.alone.append(self.waiting)
        self.waiting = ""

    def handle_data(self, data: str) -> None:
        text = data.strip()
        kinds = {kind for _tag, kind, _lang in self.path}
        tags = {tag for tag, _kind, _lang in self.path}
        if not ARABIC.search(text) or text in OWN_LANGUAGE_NAMES:
            return
        if tags & {"title", "option", "textarea", "svg", "script"} or "visually-hidden" in kinds:
            return
        if "in-english" in kinds:
            self.faults.append(f"not English: {text}")
            return
        self.waiting = text


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def every_address(person: Browser, app: Flask) -> list[str]:
    """The address of every page, those that end a visit last."""
    found = [
        (rule.endpoint in ENDS_A_VISIT, address)
        for rule, address in pages(app)
        if "GET" in (rule.methods or ())
    ]
    ours = [(ends, address) for ends, address in found if address.startswith("/en/")]
    return [address.replace("/en/", f"/{person.language}/", 1) for _ends, address in sorted(ours)]


@pytest.fixture(params=["ur", "ar"])
def reading_both(request: pytest.FixtureRequest, another_browser: Callable[..., Browser]) -> Browser:
    person = another_browser(request.param)
    person.make_plan(("g02", "g05"))
    person.send("/places", near="m14 5rq")
    answer = person.get("/roadmap/steps/A3?english=on")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/{request.param}/roadmap/steps/A3"
    return person


def test_each_line_of_each_page_has_its_english(reading_both: Browser, app: Flask) -> None:
    seen = 0
    alone: dict[str, list[str]] = {}
    for address in [f"/{reading_both.language}/nope", *every_address(reading_both, app)]:
        answer = reading_both.client.get(address)
        body = answer.get_data(as_text=True)
        assert not is_folded(body), address
        assert not any(is_folded(value) for value in answer.headers.values()), address
        if (
            answer.mimetype != "text/html"
            or answer.status_code >= 300
            and answer.status_code != 404
            or 'rel="stylesheet" href="/static/app.' not in body  # a print page brings its own English
        ):
            continue
        reader = read(body)
        assert not reader.faults, (address, reader.faults)
        assert reader.found > 3, address
        seen += 1
        # Names written in the reader's letters are data, and stand beside the name itself.
        if reader.alone and "/places/areas" not in address:
            alone[address] = reader.alone
    assert seen > 25
    assert alone == {}


@pytest.mark.parametrize(
    ("path", "data"),
    [("/roadmap/check", {}), ("/roadmap/check/2", {"answer": ["none", "tablet"]}),
     ("/roadmap/check/days", {"g05": ["31", "2", "2027"]}), ("/roadmap/save", {"pin": "1"}), ("/come-back", {"code": "x"}),
     ("/places", {"near": "nowhere at all"}), ("/roadmap/helper", {}), ("/places/gorton-library/wrong", {})],
)  # fmt: skip
def test_a_refusal_is_said_in_both(reading_both: Browser, path: str, data: dict[str, object]) -> None:
    answer = reading_both.send(path, **data)
    assert answer.status_code == 422
    reader = read(answer.get_data(as_text=True))
    assert (reader.faults, reader.alone) == ([], [])
    # The switch leads to the page itself, not to the answer of a form.
    assert f'href="/{reading_both.language}{path}?english=off"' in answer.get_data(as_text=True)


def test_the_papers_and_their_page_hold_no_english_twice(reading_both: Browser) -> None:
    with_english = reading_both.text("/roadmap/print").split('<div class="sheet')
    reading_both.get("/?english=off")
    alone = reading_both.text("/roadmap/print").split('<div class="sheet')
    assert with_english[1] == alone[1]
    # What stands around the sheet is read by whoever helps.
    assert "in-english" in with_english[0]
    assert "in-english" not in alone[0]


def test_without_the_wish_no_byte_of_a_page_changes(another_browser: Callable[..., Browser]) -> None:
    person = another_browser("ur")
    person.make_plan()

    def look(path: str) -> str:
        return re.sub(r'name="csrf_token" value="[^"]+"', "", person.text(path))

    paths = ("/", "/roadmap", "/roadmap/check", "/places?near=M14", "/places/gorton-library", "/privacy")
    before = [look(path) for path in paths]
    assert not any("in-english" in page for page in before)
    person.get("/?english=on")
    assert all("in-english" in look(path) for path in paths)
    person.get("/?english=off")
    assert [look(path) for path in paths] == before


def test_an_english_page_has_no_switch_and_stays_as_it_is(browser: Browser) -> None:
    assert "english=" not in browser.text("/")
    before = browser.text("/privacy")
    assert browser.get("/privacy?english=on").status_code == 303
    assert browser.text("/privacy") == before


def test_the_switch_keeps_the_filters_and_never_leads_to_another_website(
    another_browser: Callable[..., Browser],
) -> None:
    person = another_browser("ur")
    answer = person.get("/places?near=M14&has=wifi&has=computers&english=on")
    assert answer.headers["Location"] == "/ur/places?near=M14&has=wifi&has=computers"
    assert 'href="/ur/places?near=M14&amp;has=wifi&amp;english=off"' in person.text(
        "/places?near=M14&has=wifi"
    )
    away = person.client.get("//evil.example/?english=on")
    assert "evil" not in away.headers.get("Location", "") or away.headers["Location"].startswith(
        "http://localhost/"
    )
    assert person.get("/places?english=perhaps").status_code == 200
    # A form is never cut short by it.
    assert (
        person.send("/roadmap/check?english=off", form_on="/roadmap/check", answer=["g01"]).status_code == 303
    )


def test_the_wish_lasts_while_a_plan_is_saved_and_goes_with_the_visit(reading_both: Browser) -> None:
    reading_both.save_plan()
    assert "in-english" in reading_both.text("/roadmap")
    reading_both.send("/finish")
    assert "in-english" not in reading_both.text("/")


def test_a_message_is_said_in_the_language_of_the_page_that_shows_it(reading_both: Browser) -> None:
    answer = reading_both.send("/roadmap/steps/A3", do="doing")
    assert answer.status_code == 303
    assert "in-english" in reading_both.text("/roadmap").split('role="status"')[1].split("</div>")[0]
    reading_both.send("/roadmap/steps/A3", do="done_alone")
    reading_both.language = "en"
    assert "You did this on your own." in reading_both.text("/roadmap").split('role="status"')[1]


def test_no_message_is_kept_in_a_cookie_in_one_language() -> None:
    for path in (ROOT / "inclusion_app").rglob("*.py"):
        assert not re.search(r"flash\(\s*(_|gettext|ngettext)\(", path.read_text()), path


FORGED = f"{SIGNS[0]}<b>x</b>{SIGNS[1]}<i>forged</i>{SIGNS[2]}"


def test_typed_words_cannot_pass_for_two_languages(reading_both: Browser) -> None:
    answer = reading_both.send("/places", near=FORGED)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;x&lt;/b&gt;&lt;i&gt;forged&lt;/i&gt;"' in html
    assert not is_folded(html)
    reading_both.save_plan(nickname=f"Am{SIGNS[0]}in{SIGNS[1]}a{SIGNS[2]}")
    assert "Amina" in reading_both.text("/roadmap/print")
    for address in (f"/places?near={FORGED}", f"/places/{SIGNS[0]}"):
        assert reading_both.get(address).status_code == 404
