"""Two people at one screen: English under each sentence, larger letters, and still no fault on any page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.journeys.test_access import faults, make_plan
from tests.plugins.chromium import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = (
    "/roadmap/helper", "/", "/roadmap/check", "/roadmap/check/4", "/roadmap/check/days", "/roadmap/save", "/roadmap/answers",
    "/roadmap", "/roadmap/print", "/roadmap/steps/T6", "/places?near=M14", "/places/gorton-library", "/not-safe",
)  # fmt: skip


def test_both_languages_and_a_helper_are_without_fault(
    live_server: LiveServer, new_page: Callable[..., Page], checked: Callable[..., None]
) -> None:
    root = f"{live_server.url}/ur"
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    make_plan(page, root)
    page.goto(f"{root}/roadmap/helper")
    page.click("main form .button")
    found = {"/roadmap/helper refused": faults(page)}
    page.goto(f"{root}/roadmap/helper")
    page.check("#agreed")
    page.click("main form .button")
    for path in PAGES:
        page.goto(root + path)
        found[path] = faults(page)
    for path, list_of in found.items():
        checked("pages × states × checks", f"{path} with a helper", "both languages", len(list_of))
    assert {path: list_of for path, list_of in found.items() if list_of} == {}
