"""Passkeys with a real browser and its virtual key (CDP WebAuthn); and the notice before a sign-in ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.staff_sessions import IDLE, StaffSession
from tests.accounts.conftest import PASSWORD, Worker
from tests.serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The application on a port of its own; keys answer to `localhost` as they would to HTTPS."""
    with serving(app) as port:
        yield f"http://localhost:{port}"


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Pages of this machine by its name: keys answer to names, and not to numbers such as 127.0.0.1."""
    contexts = []

    def make(**options: Any) -> Any:
        context = chromium.new_context(**{"reduced_motion": "reduce", "locale": "en-GB", **options})
        context.route(lambda url: not url.startswith("http://localhost:"), lambda route: route.abort())
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def give_key(page: Any) -> None:
    """Plug a key into this page's browser that asks for a PIN and always gets it right."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip


def test_a_key_is_added_and_then_opens_the_account_alone(
    served: str, new_page: Callable[..., Any], worker: Callable[..., Worker]
) -> None:
    person, page = worker(app_set=False, name="Asha Khan", roles=("front_desk",)), new_page()
    give_key(page)
    page.goto(f"{served}/staff/sign-in")
    page.fill("#email", person.email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.click("text=A security key or passkey")
    page.wait_for_selector("[data-needs-script]", state="hidden")
    page.fill("#label", "Blue key")
    page.click("text=Add this key")
    page.click("text=Show my ten codes")
    assert page.locator(".codes li").count() == 10
    page.click("text=I have kept them")
    page.wait_for_url(f"{served}/staff")
    page.click("text=Switch person")
    page.wait_for_url(f"{served}/staff/sign-in/key")
    page.click("text=Use my key")
    page.wait_for_url(f"{served}/staff")
    assert "Asha Khan, for Red Door" in page.inner_text(".staff__who")


def test_without_a_key_the_page_says_so_and_offers_another_try(
    served: str, new_page: Callable[..., Any]
) -> None:
    page = new_page()
    page.add_init_script(
        "navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.goto(f"{served}/staff/sign-in/key")
    page.click("text=Use my key")
    page.wait_for_selector("[data-key-failed]:not([hidden])")
    assert page.is_enabled("text=Use my key")


def test_without_script_the_page_offers_the_other_way(served: str, new_page: Callable[..., Any]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{served}/staff/sign-in/key")
    assert page.is_visible("text=A key works only where the browser runs scripts")
    assert page.is_hidden("text=Use my key")
    assert page.is_visible("text=Sign in with a password")


def test_five_minutes_before_the_end_a_notice_offers_to_stay(
    app: Flask, served: str, new_page: Callable[..., Any], staff_browser: Callable[..., Any]
) -> None:
    cookie = staff_browser("caseworker").client.get_cookie("staff")
    page = new_page()
    page.context.add_cookies([{"name": "staff", "value": cookie.value, "url": served}])
    page.goto(f"{served}/staff/sessions")
    assert page.is_hidden("form[data-ends]")
    ends = re.search(r"T(\d\d:\d\d)", page.get_attribute("form[data-ends]", "data-ends") or "")
    assert ends
    page.clock.install()
    page.reload()
    with app.app_context(), transaction() as session:
        session.execute(update(StaffSession).values(last_used_at=now() - IDLE / 2))
    page.clock.fast_forward("25:30")
    assert page.inner_text("form[data-ends] [role=alert]") == "Your sign-in ends in 5 minutes."
    with page.expect_response("**/stay") as answer:
        page.click("text=Stay signed in")
    assert answer.value.status == 200
