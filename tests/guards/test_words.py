"""Nothing a person reads was left unmarked: a made-up language is drawn over every page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.core.i18n import Language
from tests.conftest import Browser
from tests.plugins.made_up import CLOSE, MIRRORED, OPEN, PSEUDO, disguise

ROOT = Path(__file__).resolve().parents[2]
VOID = {"meta", "link", "input", "br", "path", "circle", "rect", "use", "img", "hr"}
PAGES = (
    "/", "/accessibility", "/privacy", "/cookies", "/not-safe", "/training", "/loans", "/my-record", "/finish", "/finished",
    "/how-plans-are-made/steps",
    "/how-plans-are-made", "/come-back", "/come-back?with=pictures",
    "/come-back/link", "/come-back/link/asked", "/come-back/link/unknown", "/places", "/places?near=M14&kind=library",
    "/places/gorton-library", "/places/gorton-library/wrong", "/nope", "/roadmap",
    "/places/areas", "/places?near=SK23", "/places?near=L1", "/roadmap/check/paper", "/roadmap/check/type-in",
)  # fmt: skip
PLAN_PAGES = (
    "/roadmap/check", "/roadmap/check/2", "/roadmap/check/4", "/roadmap/check/10", "/roadmap/answers", "/roadmap",
    "/roadmap/look-back", "/roadmap/follow-up",
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


def with_group(person: Browser) -> tuple[str, ...]:
    """Make a group of three with a note and something done together; the pages it has."""
    made = person.send("/groups/new", pin="8306", pin_again="8306").location
    ours = made.removeprefix(f"/{person.language}").removesuffix("/code")
    person.send(f"{ours}/notes", what="1", when="2", where="3")
    person.send(f"{ours}/list", people="3", step_F1="3", step_S1="2")
    person.send(f"{ours}/together", form_on=ours, do="done", step="F1")
    pages = (
        "",
        "/code",
        "/notes",
        "/notes?note=1",
        "/add",
        "/add?with=pictures",
        "/list",
        "/print",
        "/print-list",
    )
    return tuple(ours + page for page in pages) + GROUP_PAGES


GROUP_PAGES = (
    "/groups",
    "/groups/new",
    "/groups/new?with=pictures",
    "/groups/open",
    "/groups/join",
)


# Names of places and weekdays come from their sources and from CLDR, not from our words.
ALLOWED = re.compile(
    r"^(lundo|mardo|merkredo|ĵaŭdo|vendredo|sabato|dimanĉo|lu|ma|me|ĵa|ve|sa|di|\S*\d\S*|QR)\b", re.I
)


@pytest.mark.parametrize("language", [PSEUDO, MIRRORED], ids=["longer", "mirrored"])
def test_every_word_of_every_page_is_marked(
    made_up_app: Flask, language: Language, checked: Callable[..., None]
) -> None:
    person = Browser(made_up_app, language.slug)
    rows: list[str] = []

    def look(paths: tuple[str, ...], state: str) -> None:
        for path in paths:
            html = person.text(path)
            found = [f"{path}: {text}" for text in unmarked(html) if not ALLOWED.match(text)]
            if f'<html lang="{language.tag}" dir="{language.dir}">' not in html:
                found.append(f"{path}: not {language.dir}")
            checked("pages × states × checks", f"{path} {state}", "marked", len(found))
            rows.extend(found)

    look(PAGES, "plain")
    person.make_plan(("g05", "g02"))
    person.send("/places", near="m14 5rq")
    person.send("/roadmap/check/4", answer=["scams", "no_id"])
    look(PLAN_PAGES, "with plan")
    person.save_plan()
    look(("/roadmap/code", "/roadmap/print"), "saved")
    look(with_group(person), "with group")
    html = person.send("/roadmap/check", answer=["g99"]).get_data(as_text=True)
    rows.extend(f"error: {text}" for text in unmarked(html))
    assert not rows, "\n".join(sorted(set(rows)))


@pytest.mark.parametrize("language", [PSEUDO, MIRRORED], ids=["longer", "mirrored"])
def test_a_made_up_language_is_longer_and_keeps_what_is_named(language: Language) -> None:
    made = disguise("Open until %(time)s (not confirmed) 24 hours", language)
    assert made.startswith(OPEN)
    assert made.endswith(CLOSE)
    assert made.count("%(time)s") == 1
    assert len(made) > 1.25 * len("Open until %(time)s (not confirmed) 24 hours")
    assert not re.search(r"[A-Za-z]", made.replace("%(time)s", ""))


def test_the_crawl_sees_a_planted_word() -> None:
    assert unmarked('<html lang="eo"><p>⟦All ⟦good⟧ here⟧</p></html>') == []
    assert unmarked('<html lang="eo"><p>Planted ⟦word⟧</p></html>') == ["Planted ⟦word⟧"]
    assert unmarked('<html lang="eo"><p lang="en">English</p><i aria-label="Planted"></i></html>') == [
        "Planted"
    ]


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_html_is_valid(
    another_browser: Callable[..., Browser], tmp_path: Path, language: str, checked: Callable[..., None]
) -> None:
    import subprocess

    person = another_browser(language)
    folder = tmp_path / "pages"
    folder.mkdir()
    number = 0

    def keep(paths: tuple[str, ...], state: str) -> None:
        nonlocal number
        for path in paths:
            number += 1
            (folder / f"{number:03}{path.split('?')[0].replace('/', '-')}.html").write_text(person.text(path))
            rows.append(f"{path} {state}")

    rows: list[str] = []
    keep(PAGES, "plain")
    person.make_plan(("g05", "g02"))
    person.send("/places", near="m14 5rq")
    keep(PLAN_PAGES, "with plan")
    person.save_plan()
    keep(("/roadmap/code", "/roadmap/print"), "saved")
    keep(with_group(person), "with group")
    vnu = ROOT / "tests" / "tools" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(vnu), "--errors-only", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:4000]
    for row in rows:
        checked("pages × states × checks", row, "valid HTML", 0)
