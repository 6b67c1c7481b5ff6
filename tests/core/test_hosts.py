"""Which names the service answers to, and what no address of ours holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from inclusion_app.app import create_app
from tests.conftest import Browser, settings_for


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "127.0.0.1:8000", 200),
        ({}, "localhost", 200),
        ({}, "evil.example", 400),
        ({"base_url": "https://roadmap.example.org"}, "roadmap.example.org", 200),
        ({"base_url": "https://roadmap.example.org"}, "evil.example", 400),
        ({"base_url": "https://roadmap.example.org"}, "127.0.0.1:8000", 200),
    ],
)
def test_a_made_up_host_is_refused(tmp_path: Path, settings: dict[str, str], host: str, status: int) -> None:
    client = create_app(settings_for(tmp_path, **settings)).test_client()
    for address in ("/healthz", "/.well-known/security.txt"):
        answer = client.get(address, headers={"Host": host})
        assert answer.status_code == status
        assert "evil" not in answer.get_data(as_text=True)
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "address",
    ["/places/%00", "/places/a%00b/wrong", "/places?near=M14%00", "/places?%00=1", "/roadmap/steps/F1%00"],
)
def test_a_null_byte_stands_in_no_address(browser: Browser, address: str) -> None:
    assert browser.get(address).status_code == 404


def test_a_page_beyond_any_list_is_the_empty_list(browser: Browser) -> None:
    answer = browser.get("/places?page=99999999999999999999")
    assert answer.status_code == 200
