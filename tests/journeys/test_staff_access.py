"""Every page of the staff, and every page of “My record”, in a real browser: axe, our own checks, with errors showing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from tests.conftest import Browser
from tests.factories.people import PIN
from tests.journeys.staff_city import INVITED, LINKED, StaffCity, settle
from tests.journeys.test_access import AXE, checks_of
from tests.journeys.test_focus import stops
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 360, "height": 740}
# The forms that ask for something by themselves; one for a key is answered by the key.
FORMS = """() => [...document.querySelectorAll('main form[method=post]')].map((form, number) => ({number,
  asks: !form.dataset.key && form.querySelector('input:not([type=hidden]),select,textarea')}))
  .filter(form => form.asks).map(form => form.number)"""
EMPTY = """number => { const form = document.querySelectorAll('main form[method=post]')[number];
  for (const e of form.elements) { if (e.checked) e.checked = false; if (/text|password|email/.test(e.type)) e.value = ''; }
  for (const box of document.querySelectorAll('main details')) box.open = true;
  form.noValidate = true; }"""
RECORD = (
    "/my-record", "/my-record/contact", "/my-record/correct", "/my-record/delete", "/my-record/download",
    "/my-record/looked", "/my-record/print", "/my-record/tell", "/my-record/sharing", "/my-record/sharing/new",
)  # fmt: skip
OUTSIDE = ("/come-back/link", "/come-back/link/asked", "/come-back/link/unknown", f"/come-back/link/{LINKED}")
STRANGER = ("/staff/sign-in", "/staff/sign-in/key", "/staff/recover", "/staff/recover/sent", "/staff/recover/unknown",
            f"/staff/invitation/{INVITED}", "/staff/invitation/unknown")  # fmt: skip


@pytest.fixture
def city(app: Flask, tmp_path: Path) -> Iterator[StaffCity]:
    with serving(app) as port:
        yield settle(app, f"http://127.0.0.1:{port}", tmp_path / "test.sqlite3")


class Walk:
    """Looks at pages one after the other and keeps what was found."""

    def __init__(self, page: Page, checked: Callable[..., None]) -> None:
        self.page, self.checked = page, checked
        self.rows: list[str] = []
        self.errors = 0

    def look(self, address: str, state: str) -> None:
        for check, found in checks_of(self.page).items():
            self.checked("pages × states × checks", f"{address} {state}", check, len(found))
            self.rows.extend(f"{address} {state}: {check} {fault}" for fault in found)

    def visit(self, url: str, name: str, state: str) -> None:
        """The page as it comes, and each of its forms sent empty: what answers with an error is looked at too."""
        answer = self.page.goto(url)
        assert answer and answer.status < 500, url
        self.look(name, state)
        self.page.set_viewport_size(PHONE)
        for number in self.page.evaluate(FORMS):
            self.page.goto(url)
            self.page.evaluate(EMPTY, number)
            with self.page.expect_navigation():
                self.page.click(f"main form[method=post] >> nth={number} >> button:visible >> nth=0")
            if self.page.locator(".error-summary").count():
                self.errors += 1
                self.look(name, f"{state}, error {number}")


def test_no_fault_on_any_page_of_the_staff(
    city: StaffCity, new_page: Callable[..., Page], checked: Callable[..., None]
) -> None:
    walk = Walk(new_page(viewport=PHONE, bypass_csp=True), checked)
    for address in STRANGER:
        walk.visit(city.url + address, address, "stranger")
    pages = city.pages()
    seen = {endpoint for endpoint, _, _ in pages}
    assert {"people.person", "messages.tray_item", "people.feedback_one", "people.request_person"} <= seen
    assert {
        f"training.{name}"
        for name in ("desk", "new_session", "run_session", "edit_session", "run_date", "move_date", "cancel_date",
                     "cancel_session", "send_notice", "arrange", "one_booking", "book_for_somebody", "book_for_resident",
                     "courses", "new_course", "edit_course", "course_words", "register", "register_sheet", "answers",
                     "figures", "mark_by_code")
    } <= seen  # fmt: skip
    assert {
        f"loans.{name}"
        for name in ("desk", "desk_people", "desk_machines", "requests", "queue_of", "one_request", "ask_more", "decline",
                     "withdraw_for", "put_first", "write_note", "offer_no", "offer_time", "offer_bring", "offer_swap",
                     "ask_for", "sent", "sent_request", "hand_over_start", "hand_over", "hand_over_many", "handed_over",
                     "agreement_page", "take_in", "returns_to_look_at", "return_loan", "one_loan", "loan_sim", "loan_lost",
                     "loan_gift", "loan_outcome", "stock_list", "new_units", "stock_unit", "change_unit", "retire_unit",
                     "import_units", "models", "new_model", "model", "model_words", "sims", "new_sim", "sim", "import_sims",
                     "items", "item",
                     "labels", "scan", "clean", "clean_unit", "send_report", "report", "scheme", "new_quota", "repairs",
                     "new_repair", "repair", "counts", "count", "moves", "loan_figures")
    } <= seen  # fmt: skip
    for endpoint, address, role in pages:
        city.sign_in(walk.page, role)
        walk.visit(city.url + address, endpoint, role)
        city.put_back()
    assert walk.errors >= 15
    assert not walk.rows, "\n".join(walk.rows)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_no_fault_on_any_page_of_my_record(
    city: StaffCity, new_page: Callable[..., Page], language: str, checked: Callable[..., None]
) -> None:
    walk = Walk(new_page(viewport=PHONE, bypass_csp=True), checked)
    root = f"{city.url}/{language}"
    for address in OUTSIDE:
        walk.visit(root + address, address, "outside")
    walk.page.goto(f"{root}/come-back")
    assert walk.errors >= 1
    walk.page.fill("#code", city.world.codes["own"])
    walk.page.fill("#pin", PIN)
    walk.page.click("main form .button >> nth=0")
    for address in RECORD:
        answer = walk.page.goto(root + address)
        assert answer and answer.status == 200 and walk.page.url.endswith(address), (address, walk.page.url)
        walk.visit(root + address, address, "own")
    assert not walk.rows, "\n".join(walk.rows)


def test_the_html_of_every_page_of_the_staff_and_of_my_record_is_valid(
    city: StaffCity, another_browser: Callable[..., Browser], tmp_path: Path, checked: Callable[..., None]
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    rows = [city.text(address, role) for _, address, role in city.pages()]
    rows += [another_browser().client.get(address).get_data(as_text=True) for address in STRANGER]
    for language in ("en", "ur"):
        person = another_browser(language)
        rows += [person.text(address) for address in OUTSIDE]
        assert person.send("/come-back", code=city.world.codes["own"], pin=PIN).status_code == 303
        rows += [person.text(address) for address in RECORD]
    for number, html in enumerate(rows):
        (folder / f"{number:03}.html").write_text(html)
    vnu = AXE.parents[1] / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(vnu), "--errors-only", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:4000]
    checked("pages × states × checks", "staff and my record", "valid HTML", 0)


@pytest.mark.parametrize("forced", ["none", "active"])
def test_the_keyboard_goes_through_pages_of_the_staff_in_order_and_is_seen(
    city: StaffCity, new_page: Callable[..., Page], forced: str
) -> None:
    page = new_page(viewport=PHONE, forced_colors=forced)
    faults: list[str] = []
    own = city.world.residents["own"]
    for address, role in (
        ("/staff", "organisation_admin"), ("/staff/organisation", "organisation_admin"),
        (f"/staff/people/{own}", "caseworker"), (f"/staff/people/{own}/contact", "caseworker"),
        (f"/staff/people/{own}/consents/new", "caseworker"), ("/staff/requests", "data_protection"),
        (f"/staff/tray/{city.ids['item_id']}", "caseworker"), ("/staff/messages", "platform_admin"),
    ):  # fmt: skip
        city.sign_in(page, role)
        page.goto(city.url + address)
        found = stops(page)
        assert len(found) > 8, address
        for before, after in zip(found, found[1:], strict=False):
            if after["y"] < before["y"] - 60:
                faults.append(f"{address}: jumps up from {before['name']} to {after['name']}")
        faults += [
            f"{address}: {stop}" for stop in found if not stop["seen"] or not stop["ring"] or stop["covered"]
        ]
    assert not faults, "\n".join(faults)


def test_a_person_is_told_a_letter_by_keyboard_and_without_script(
    city: StaffCity, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport=PHONE, java_script_enabled=False)
    city.sign_in(page, "caseworker")

    def press(selector: str, key: str = "Enter") -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus").count():
                break
        else:
            raise AssertionError(f"the keyboard never came to {selector} on {page.url}")
        if key == "Enter":
            with page.expect_navigation():
                page.keyboard.press(key)
        else:
            page.keyboard.press(key)

    page.goto(f"{city.url}/staff")
    # On a phone the rest of the menu is behind a fold, which the keyboard opens too.
    press(".staff__more summary", "Space")
    press(".staff__nav a[href='/staff/tray']")
    press(f"main a[href='/staff/tray/{city.ids['post']}']")
    press("main form[action$=take] button")
    press("main input[type=radio]", "Space")
    press("main form[action$=done] button")
    page.goto(f"{city.url}/staff/tray/{city.ids['post']}")
    assert "not" in page.locator("h1").inner_text(), "a letter that was told is in no tray"


def test_each_cell_is_under_its_title_on_a_phone(city: StaffCity, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport=PHONE)
    city.sign_in(page, "organisation_admin")
    page.goto(f"{city.url}/staff/organisation")
    assert not page.evaluate(
        "[...document.querySelectorAll('.table-wrap')].filter(box => box.scrollWidth > box.clientWidth).length"
    )
    title = "getComputedStyle(document.querySelector('.stacks tbody td'), '::before').content"
    assert "Roles" in page.evaluate(title)
    assert page.get_by_role("columnheader", name="Roles").count(), "it stays a table to who cannot see it"
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate(title) == "none"
