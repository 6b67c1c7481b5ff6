"""Layouts hold when words are longer, and when they run from the right: two made-up languages in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from inclusion_app.core.i18n import Language
from tests.journeys.test_access import PLAIN, SMALL, SPACING, WIDER, WITH_PLAN, make_plan
from tests.plugins.made_up import MIRRORED, OPEN, PSEUDO

if TYPE_CHECKING:
    from playwright.sync_api import Page

# On a page from the right the text begins at the right edge, and the page is not scrolled away from it.
BEGINS = """() => {
  const h = document.querySelector('h1'), r = document.createRange();
  r.selectNodeContents(h);
  const t = r.getBoundingClientRect(), b = h.getBoundingClientRect(), c = getComputedStyle(h);
  const right = c.direction === 'rtl';
  const gap = right ? b.right - parseFloat(c.paddingRight) - t.right : t.left - b.left - parseFloat(c.paddingLeft);
  return Math.abs(gap) > 3 || scrollX !== 0 ? [`h1 begins ${Math.round(gap)} px from its edge`] : [];
}"""
CHECKS = ("320 px", "edge", "targets", "spacing", "200 %")


def faults(page: Page) -> dict[str, list[str]]:
    """What breaks on the page as it stands, by check."""
    page.set_viewport_size({"width": 320, "height": 256})
    found = {"320 px": page.evaluate(WIDER), "edge": page.evaluate(BEGINS), "targets": page.evaluate(SMALL)}
    page.add_style_tag(content=SPACING)
    found["spacing"] = page.evaluate(WIDER)
    page.set_viewport_size({"width": 640, "height": 512})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found["200 %"] = page.evaluate(WIDER)
    return found


@pytest.mark.parametrize("language", [PSEUDO, MIRRORED], ids=["longer", "mirrored"])
def test_long_words_fit_in_320_px(
    made_up_url: str, new_page: Callable[..., Page], language: Language, checked: Callable[..., None]
) -> None:
    root = f"{made_up_url}/{language.slug}"
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    rows: list[str] = []

    def look(paths: tuple[str, ...], state: str) -> None:
        for path in paths:
            page.goto(root + path)
            assert OPEN in page.locator("main").inner_text(), path
            for check, found in faults(page).items():
                checked(
                    "pages × states × checks",
                    f"{path} {state}",
                    "mirrored" if language.dir == "rtl" else "longer",
                    len(found),
                )
                rows.extend(f"{path} {check}: {fault}" for fault in found)

    look(PLAIN, "plain")
    make_plan(page, root)
    look(WITH_PLAN, "with plan")
    page.goto(f"{root}/roadmap/save")
    page.fill("#pin", "4071")
    page.fill("#pin_again", "4071")
    page.click("main form .button >> nth=0")
    look(("/roadmap/code", "/roadmap/print"), "saved")
    assert not rows, "\n".join(rows)


def test_a_word_that_does_not_fit_and_a_title_on_the_wrong_side_are_found(
    made_up_url: str, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    page.goto(f"{made_up_url}/{MIRRORED.slug}/")
    assert not any(faults(page).values())
    page.goto(f"{made_up_url}/{MIRRORED.slug}/")
    page.add_style_tag(content="h1{text-align:left;inline-size:100%} p{white-space:nowrap}")
    found = faults(page)
    assert found["320 px"]
    assert found["edge"]
