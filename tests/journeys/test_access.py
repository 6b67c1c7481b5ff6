"""Every page in a real browser: axe, our own checks, keyboard, no script, one right-to-left language, 320 px."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.chromium import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).resolve().parents[1] / "tools" / "node_modules" / "axe-core" / "axe.min.js"
PLAIN = (
    "/", "/languages", "/accessibility", "/privacy", "/cookies", "/not-safe", "/training", "/loans", "/my-record", "/finish",
    "/finished", "/how-plans-are-made",
    "/how-plans-are-made/steps", "/come-back", "/come-back?with=pictures", "/places", "/places?near=M14&kind=library",
    "/places/gorton-library", "/places/gorton-library/wrong", "/places/gorton-library/thanks", "/nope",
    "/places/areas", "/places?near=SK23", "/places?near=L1",
)  # fmt: skip
WITH_PLAN = (
    "/roadmap/check", "/roadmap/check/2", "/roadmap/check/3", "/roadmap/check/4", "/roadmap/check/5", "/roadmap/check/10",
    "/roadmap/check/days", "/roadmap/answers", "/roadmap/helper", "/roadmap", "/roadmap/look-back", "/roadmap/follow-up",
    "/roadmap/goals", "/roadmap/goals/g02", "/roadmap/steps/T6",
    "/roadmap/steps/F1/not-for-me", "/roadmap/save", "/roadmap/save?with=pictures", "/roadmap/print",
    "/places/areas?for=plan",
)  # fmt: skip
WIDER = """() => {
  const w = document.documentElement.clientWidth;
  const bad = [...document.querySelectorAll('body *')].filter(e => {
    const r = e.getBoundingClientRect(), c = getComputedStyle(e);
    return r.width > 1 && c.clipPath === 'none' && c.visibility !== 'hidden' && !e.closest('svg')
      && (r.right > w + 1 || r.left < -1) && !e.closest('.tbl-scroll, .table-wrap, .skip-link, .visually-hidden');
  }).map(e => e.tagName + '.' + e.className).slice(0, 4);
  const all = document.documentElement.scrollWidth;
  return all > w + 1 || bad.length ? bad.concat('page ' + all) : [];
}"""
SMALL = """() => {
  const label = e => (e.type === 'radio' || e.type === 'checkbox') && document.querySelector(`label[for="${e.id}"]`);
  const inline = e => getComputedStyle(e).display === 'inline' && e.tagName === 'A'
    && e.parentElement.textContent.trim().length > e.textContent.trim().length;
  return [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary')]
    .filter(e => e.getClientRects().length && !e.closest('.skip-link') && !label(e) && !inline(e))
    .filter(e => { const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 24; })
    .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 30));
}"""
SPACING = (
    "*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}"
    "p{margin-block-end:2em!important}"
)


def checks_of(page: Page) -> dict[str, list[str]]:
    """What axe finds, "incomplete" included, and what our own checks find on the page as it stands, by check."""
    page.add_script_tag(path=str(AXE))
    result: dict[str, Any] = page.evaluate(
        # Numbers in our two drawings: axe cannot see the shape behind an SVG's text and calls it incomplete. The
        # pairs are white on #0b3d4d (11.6 to 1) and black on #fff2a8 (18 to 1).
        """() => axe.run({include: [['html']], exclude: [['.map__pin text'], ['.lm svg text']]},
        {resultTypes: ['violations', 'incomplete']})"""
    )
    found = {
        "axe": [
            f"{item['id']}: {node['html'][:120]}"
            for kind in ("violations", "incomplete")
            for item in result[kind]
            for node in item["nodes"]
        ],
        "target": page.evaluate(SMALL),
    }
    page.set_viewport_size({"width": 320, "height": 256})
    found["320 px"] = page.evaluate(WIDER)
    page.add_style_tag(content=SPACING)
    found["spacing"] = page.evaluate(WIDER)
    page.set_viewport_size({"width": 640, "height": 512})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found["200 %"] = page.evaluate(WIDER)
    page.set_viewport_size({"width": 360, "height": 740})
    return found


def faults(page: Page) -> list[str]:
    """The same as lines."""
    return [f"{check} {fault}" for check, found in checks_of(page).items() for fault in found]


def make_plan(page: Page, root: str) -> None:
    """Answer questions until there is a plan with places."""
    page.goto(f"{root}/roadmap/check")
    for goal in ("g02", "g05"):
        page.check(f"input[value={goal}]")
    page.click("main form .button >> nth=0")
    page.click("main form .button >> nth=0")  # which first: the one that is chosen already
    page.click("button[name=skip]")
    page.check("input[value=smartphone]")
    page.click("main form .button >> nth=0")
    page.check("input[value=sometimes]")
    page.click("main form .button >> nth=0")
    page.check("input[value=confidence]")
    page.click("main form .button >> nth=0")
    page.goto(f"{root}/places?for=plan")
    page.fill("#near", "m14 5rq")
    page.click("main form .button >> nth=0")


@pytest.mark.parametrize("language", ["en", "ur"])
def test_no_fault_on_any_page(
    live_server: LiveServer, new_page: Callable[..., Page], language: str, checked: Callable[..., None]
) -> None:
    root = f"{live_server.url}/{language}"
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    rows: list[str] = []

    def look(path: str, state: str) -> None:
        for check, found in checks_of(page).items():
            checked("pages × states × checks", f"{path} {state}", check, len(found))
            rows.extend(f"{path} {state}: {check} {fault}" for fault in found)

    for path in PLAIN:
        page.goto(root + path)
        look(path, "plain")
    make_plan(page, root)
    for path in WITH_PLAN:
        page.goto(root + path)
        look(path, "with plan")
    page.goto(root + "/roadmap/steps/A3")
    page.click("button[value=done_with_help]")
    look("/roadmap", "with a win")
    for path in ("/roadmap/look-back", "/roadmap/follow-up"):
        page.goto(root + path)
        look(path, "with a win")
    page.fill("#day", "40")
    page.click("form:has(#day) .button")
    look("/roadmap/follow-up", "refused")
    for path in (
        "/roadmap/check",
        "/roadmap/check/days",
        "/roadmap/save",
        "/come-back",
        "/places/gorton-library/wrong",
    ):
        page.goto(root + path)
        if path == "/roadmap/check":
            for box in page.query_selector_all("input[name=answer]:checked"):
                box.uncheck()
        if path.endswith("days"):
            page.fill("main input.input >> nth=0", "99")
        page.click("main form .button >> nth=0")
        assert page.title().startswith(("Error:", "غلطی")), path
        look(path, "error")
    page.goto(f"{root}/roadmap/save")
    page.fill("#pin", "4071")
    page.fill("#pin_again", "4071")
    page.click("main form .button >> nth=0")
    for path in ("/roadmap/code", "/roadmap/print"):
        page.goto(root + path)
        look(path, "saved")
    assert not rows, "\n".join(rows)


def test_the_checks_find_planted_faults(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    page.goto(f"{live_server.url}/en/")
    page.evaluate(
        """() => document.querySelector('main').insertAdjacentHTML('beforeend',
        '<img src="/x.png"><button style="width:8px;height:8px;padding:0;min-block-size:0"></button>'
        + '<div style="width:900px;height:9px"></div>')"""
    )
    found = " ".join(faults(page))
    for name in ("axe image-alt", "axe button-name", "target BUTTON", "320 px"):
        assert name in found


def test_the_longest_task_works_without_script_and_by_keyboard(
    live_server: LiveServer, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    root = f"{live_server.url}/ur"
    page.goto(f"{root}/roadmap/check")

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"the keyboard never came to {selector}")

    for answer in ("input[value=g03]", "input[value=smartphone]", "input[name=answer]"):
        tab_to(answer)
        page.keyboard.press("Space")
        tab_to("main form .button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    page.goto(f"{root}/roadmap")
    assert page.locator("ol.cards li").count() >= 1
    page.goto(f"{root}/roadmap/save")
    tab_to("#pin")
    page.keyboard.type("4071")
    tab_to("#pin_again")
    page.keyboard.type("4071")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    code = page.locator(".code").inner_text()
    page.goto(f"{root}/roadmap/print")
    assert code in page.locator("main").inner_text()


def test_back_shows_nothing_after_finish_and_clear(
    https_server: LiveServer, chromium_with_back_forward_cache: Browser
) -> None:
    context = chromium_with_back_forward_cache.new_context(
        ignore_https_errors=True, viewport={"width": 360, "height": 740}
    )
    page = context.new_page()
    root = f"{https_server.url}/en"
    make_plan(page, root)
    page.goto(f"{root}/roadmap")
    assert page.locator("ol.cards li").count() >= 1
    page.goto(f"{root}/finish")
    page.click("main form .button")
    assert "All clear" in page.locator("h1").inner_text()
    assert not [cookie for cookie in context.cookies() if cookie["name"] == "__Host-visit"]
    for _ in range(3):
        page.go_back()
        assert "Your next steps" not in page.locator("body").inner_text()
        if page.locator("#near").count():
            assert page.locator("#near").input_value() == ""
    context.close()


def test_esc_three_times_leaves(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    root = f"{live_server.url}/en"
    make_plan(page, root)
    wanted: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    page.goto(f"{root}/roadmap")
    with page.expect_request("**/leave"):
        for _ in range(3):
            page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert any("/leave" in url for url in wanted)
    after = page.context.new_page()
    after.goto(f"{root}/roadmap")
    assert "No plan here yet" in after.locator("h1").inner_text()


def test_twenty_handouts_at_once_are_served_or_refused_and_pages_go_on(
    live_server: LiveServer, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    root = f"{live_server.url}/ur"
    make_plan(page, root)
    page.goto(f"{root}/roadmap")
    answers = page.evaluate(
        """async () => {
          const one = async u => { const r = await fetch(u); const b = await r.arrayBuffer();
            return [r.status, r.headers.get('content-type'), b.byteLength]; };
          const papers = [...Array(20)].map(() => one('handout.pdf'.replace(/^/, location.pathname + '/')));
          const began = performance.now(); const pages = await Promise.all([1,2,3].map(() => one(location.pathname)));
          return {papers: await Promise.all(papers), pages};
        }"""
    )
    kinds = {(status, kind) for status, kind, _size in answers["papers"]}
    assert kinds <= {(200, "application/pdf"), (503, "text/html; charset=utf-8")}
    assert len(answers["papers"]) == 20
    assert any(status == 200 for status, _kind, _size in answers["papers"])
    assert all(size <= 200_000 for status, _kind, size in answers["papers"] if status == 200)
    assert [status for status, _kind, _size in answers["pages"]] == [200, 200, 200]
