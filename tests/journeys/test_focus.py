"""The keyboard's way through a page: in reading order, always seen, never covered; also in forced colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.test_access import make_plan
from tests.plugins.chromium import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const r = e.getBoundingClientRect(), c = getComputedStyle(e);
  // A link may run over two lines: the middle of the box around both may be a neighbour's, so one line is asked about.
  const line = e.getClientRects()[0] || r;
  const x = Math.min(Math.max(line.x + line.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(line.y + line.height / 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  return {name: e.tagName + ' ' + (e.id || e.textContent.trim().slice(0, 20)), y: r.y + scrollY,
    seen: r.bottom > 0 && r.top < innerHeight,
    ring: c.boxShadow !== 'none' || (c.outlineStyle !== 'none' && parseFloat(c.outlineWidth) >= 2),
    covered: !(top && (e.contains(top) || top.contains(e) || [...(e.labels || [])].some(l => l.contains(top))))};
}"""


def stops(page: Page, most: int = 120) -> list[dict[str, Any]]:
    """Every stop of the Tab key on the page."""
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None or (found and here["name"] == found[0]["name"]):
            break  # past the last one, or round again
        found.append(here)
    return found


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("forced", ["none", "active"])
def test_focus_is_in_order_seen_and_not_covered(
    live_server: LiveServer,
    new_page: Callable[..., Page],
    checked: Callable[..., None],
    language: str,
    forced: str,
) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, forced_colors=forced)
    root = f"{live_server.url}/{language}"
    make_plan(page, root)
    page.wait_for_url("**/roadmap")
    faults: list[str] = []
    for path in (
        "/",
        "/roadmap",
        "/roadmap/check/4",
        "/roadmap/save",
        "/come-back",
        "/places?near=M14",
        "/roadmap/steps/A3",
    ):
        page.goto(root + path)
        before_this = len(faults)
        found = stops(page)
        assert len(found) > 8, path
        for before, after in zip(found, found[1:], strict=False):
            if after["y"] < before["y"] - 60:
                faults.append(f"{path}: jumps up from {before['name']} to {after['name']}")
        for stop in found:
            if not stop["seen"] or not stop["ring"] or stop["covered"]:
                faults.append(f"{path}: {stop}")
        column = "focus, forced colours" if forced == "active" else "focus"
        checked("pages × states × checks", f"{path} with plan", column, len(faults) - before_this)
    assert not faults, "\n".join(faults)


def test_a_hidden_ring_would_be_found(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, bypass_csp=True)
    page.goto(f"{live_server.url}/en/")
    page.add_style_tag(content="*{outline:0!important;box-shadow:none!important}")
    assert not all(stop["ring"] for stop in stops(page))
