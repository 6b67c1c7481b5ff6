"""Read aloud, with a made-up voice: in order, in the right language, and honest where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.plugins.chromium import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A device that speaks at once and keeps what it was told to say.
VOICES = """
window.said = []; window.cancelled = 0;
const speech = {
  all: %(voices)s.map(lang => ({lang})), onvoiceschanged: null,
  getVoices() { return this.all; },
  speak(u) { window.said.push([u.lang, u.text.trim()]); if (%(goes_on)s) setTimeout(() => u.onend && u.onend(), 0); },
  cancel() { window.cancelled++; },
};
Object.defineProperty(window, 'speechSynthesis', {value: speech});
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
"""
BUTTON = "[data-read] button"
NONE = "[data-read] [aria-live] span"


def with_voices(page: Page, *voices: str, goes_on: bool = True) -> None:
    page.add_init_script(VOICES % {"voices": list(voices), "goes_on": "true" if goes_on else "false"})


def until(page: Page, condition: str) -> None:
    """Wait, at most ten seconds. Playwright's own wait is stopped by our rules for scripts."""
    for _ in range(100):
        if page.evaluate(f"Boolean({condition})"):
            return
        page.wait_for_timeout(100)
    pytest.fail(condition)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page(viewport={"width": 360, "height": 740})


def test_it_reads_the_page_in_order_and_ends(live_server: LiveServer, page: Page) -> None:
    with_voices(page, "fr-FR", "en-GB")
    page.goto(f"{live_server.url}/en/")
    page.click(BUTTON)
    until(page, "said.some(s => s[1].includes('clears your answers too'))")
    said = page.evaluate("said")
    assert {lang for lang, _text in said} == {"en-GB"}
    texts = [text for _lang, text in said]
    assert texts[0] == "Get online, one small step at a time"
    assert texts.index("Make my plan") < texts.index("Find a place")
    assert not any("Skip to main content" in text or "Privacy" in text for text in texts)
    page.wait_for_selector(f"{BUTTON} >> text=Read this page aloud")


def test_pressed_again_it_stops_and_so_it_does_on_leaving(live_server: LiveServer, page: Page) -> None:
    with_voices(page, "en_GB", goes_on=False)
    page.goto(f"{live_server.url}/en/")
    page.click(BUTTON)
    page.wait_for_selector(f"{BUTTON} >> text=Stop reading")
    assert page.evaluate("said.length") == 1
    page.click(BUTTON)
    page.wait_for_selector(f"{BUTTON} >> text=Read this page aloud")
    assert page.evaluate("cancelled") == 1
    page.click(BUTTON)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert page.evaluate("cancelled") == 2


def test_it_says_in_words_that_there_is_no_voice(live_server: LiveServer, page: Page) -> None:
    with_voices(page, "en-GB")
    page.goto(f"{live_server.url}/ur/")
    assert not page.is_visible(NONE)
    page.click(BUTTON)
    page.wait_for_selector(NONE)
    assert page.inner_text(NONE) == "اس آلے میں اس زبان کی آواز نہیں ہے۔"
    assert page.evaluate("said") == []
    # A voice that comes later takes the sentence away.
    page.evaluate("speechSynthesis.all.push({lang: 'ur-PK'}); speechSynthesis.onvoiceschanged()")
    assert not page.is_visible(NONE)


def test_voices_that_come_late_are_waited_for(live_server: LiveServer, page: Page) -> None:
    with_voices(page)
    page.goto(f"{live_server.url}/ur/")
    with page.expect_response("**/read.*.js"):
        page.click(BUTTON)
    until(page, "speechSynthesis.onvoiceschanged")
    page.evaluate("speechSynthesis.all.push({lang: 'ur-PK'}); speechSynthesis.onvoiceschanged()")
    until(page, "said.length > 5")
    assert not page.is_visible(NONE)


def test_no_voice_at_all_is_said_after_a_while(live_server: LiveServer, page: Page) -> None:
    with_voices(page)
    page.goto(f"{live_server.url}/ar/")
    page.click(BUTTON)
    page.wait_for_selector(NONE, timeout=5_000)


@pytest.mark.parametrize(
    ("voices", "langs"), [(("ur-PK",), {"ur-PK"}), (("ur-PK", "en-GB"), {"ur-PK", "en-GB"})]
)
def test_english_is_read_only_by_an_english_voice(
    live_server: LiveServer, page: Page, voices: tuple[str, ...], langs: set[str]
) -> None:
    with_voices(page, *voices)
    page.goto(f"{live_server.url}/ur/?english=on")
    page.click(BUTTON)
    page.wait_for_selector(f"{BUTTON} >> text=Read this page aloud")
    until(page, "said.length > 10")
    said = page.evaluate("said")
    assert {lang for lang, _text in said} == langs
    assert ("en-GB" in langs) == any(text == "Make my plan" for _lang, text in said)
    assert not any(lang == "ur-PK" and text == "Make my plan" for lang, text in said)


def test_what_nobody_sees_is_not_read(live_server: LiveServer, page: Page) -> None:
    with_voices(page, "en-GB")
    page.goto(f"{live_server.url}/en/places?near=M14")
    page.click(BUTTON)
    until(page, "said.some(s => s[1].includes('Contains OS data'))")
    texts = [text for _lang, text in page.evaluate("said")]
    assert "It must have" in texts
    assert not any(
        text == "Computers to use" for text in texts[: texts.index("Show these")]
    )  # in a closed box
    assert not any("Map of Manchester" in text for text in texts)


@pytest.mark.parametrize("script", [True, False])
def test_without_speech_or_script_there_is_no_button(
    live_server: LiveServer, new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(java_script_enabled=script)
    if script:
        page.add_init_script("Object.defineProperty(window, 'speechSynthesis', {value: undefined})")
    page.goto(f"{live_server.url}/en/")
    assert page.locator(BUTTON).count() == 1
    assert not page.is_visible(BUTTON)
