"""Nothing a person reads was left unmarked: a made-up language is drawn over every page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from flask import Flask

from inclusion_app.app import create_app
from tests.conftest import Browser, settings_for

ROOT = Path(__file__).resolve().parents[2]
OPEN, CLOSE = "⟦", "⟧"
VOID = {"meta", "link", "input", "br", "path", "circle", "rect", "use", "img", "hr"}
PAGES = (
    "/", "/accessibility", "/privacy", "/cookies", "/not-safe", "/training", "/loans", "/my-record", "/finish", "/finished",
    "/how-plans-are-made", "/come-back", "/come-back?with=pictures", "/places", "/places?near=M14&kind=library",
    "/places/gorton-library", "/places/gorton-library/wrong", "/nope", "/roadmap",
)  # fmt: skip
PLAN_PAGES = (
    "/roadmap/check", "/roadmap/check/2", "/roadmap/check/4", "/roadmap/check/10", "/roadmap/answers", "/roadmap",
    "/roadmap/goals", "/roadmap/goals/g05", "/roadmap/steps/T3", "/roadmap/steps/A1", "/roadmap/save", "/roadmap/print",
)  # fmt: skip


class Words(HTMLParser):
    """Collects the text a reader of the page's own language sees, and the attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[bool] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        for name in ("aria-label", "alt", "placeholder", "title"):
            if facts.get(name):
                self.found.append(str(facts[name]))
        other = tag in {"script", "style", "bdi", "text"} or ("lang" in facts and tag != "html")
        if tag not in VOID:
            self.stack.append(other)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.stack:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.stack) and data.strip():
            self.found.append(data.strip())


def unmarked(html: str) -> list[str]:
    """Texts with letters outside the brackets of the made-up language."""
    words = Words()
    words.feed(html)
    left = []
    for text in words.found:
        rest = text
        while OPEN in rest and (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", rest)) != rest:
            rest = shorter
        if re.search(r"[A-Za-z]{2,}", rest):
            left.append(text)
    return [text for text in left if not text.startswith("Gorton Library –")]


@pytest.fixture
def pseudo(tmp_path: Path, loaded_database: Path) -> Flask:
    """The service with a language in which every marked word stands in brackets."""
    import shutil

    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    made = polib.POFile()
    made.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for entry in polib.pofile(str(ROOT / "translations/messages.pot")):
        if entry.msgid_plural:
            forms = {0: OPEN + entry.msgid + CLOSE, 1: OPEN + entry.msgid_plural + CLOSE}
            made.append(
                polib.POEntry(msgid=entry.msgid, msgid_plural=entry.msgid_plural, msgstr_plural=forms)
            )
        else:
            made.append(polib.POEntry(msgid=entry.msgid, msgstr=OPEN + entry.msgid + CLOSE))
    folder = tmp_path / "translations" / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    made.save_as_mofile(str(folder / "messages.mo"))
    app = create_app(settings_for(tmp_path, test_languages=True))
    app.testing = True
    return app


# Names of places and weekdays come from their sources and from CLDR, not from our words.
ALLOWED = re.compile(
    r"^(lundo|mardo|merkredo|ĵaŭdo|vendredo|sabato|dimanĉo|lu|ma|me|ĵa|ve|sa|di|\S*\d\S*|QR)\b", re.I
)


def test_every_word_of_every_page_is_marked(pseudo: Flask) -> None:
    person = Browser(pseudo, "eo")
    rows = []

    def look(paths: tuple[str, ...]) -> None:
        for path in paths:
            rows.extend(f"{path}: {text}" for text in unmarked(person.text(path)) if not ALLOWED.match(text))

    look(PAGES)
    person.make_plan(("g05", "g02"))
    person.send("/places", near="m14 5rq")
    person.send("/roadmap/check/4", answer=["scams", "no_id"])
    look(PLAN_PAGES)
    person.save_plan()
    look(("/roadmap/code", "/roadmap/print"))
    html = person.send("/roadmap/check", answer=["g99"]).get_data(as_text=True)
    rows.extend(f"error: {text}" for text in unmarked(html))
    assert not rows, "\n".join(sorted(set(rows)))


def test_the_crawl_sees_a_planted_word() -> None:
    assert unmarked('<html lang="eo"><p>⟦All ⟦good⟧ here⟧</p></html>') == []
    assert unmarked('<html lang="eo"><p>Planted ⟦word⟧</p></html>') == ["Planted ⟦word⟧"]
    assert unmarked('<html lang="eo"><p lang="en">English</p><i aria-label="Planted"></i></html>') == [
        "Planted"
    ]


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_html_is_valid(another_browser: Callable[..., Browser], tmp_path: Path, language: str) -> None:
    import subprocess

    person = another_browser(language)
    folder = tmp_path / "pages"
    folder.mkdir()
    number = 0

    def keep(paths: tuple[str, ...]) -> None:
        nonlocal number
        for path in paths:
            number += 1
            (folder / f"{number:03}{path.split('?')[0].replace('/', '-')}.html").write_text(person.text(path))

    keep(PAGES)
    person.make_plan(("g05", "g02"))
    person.send("/places", near="m14 5rq")
    keep(PLAN_PAGES)
    person.save_plan()
    keep(("/roadmap/code", "/roadmap/print"))
    vnu = ROOT / "tests" / "tools" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(vnu), "--errors-only", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:4000]
