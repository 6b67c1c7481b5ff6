"""The statements, security.txt, robots.txt, and the language of a page that is not there."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from inclusion_app.app import create_app


def test_whom_to_write_to_is_said_where_it_is_known(app: Flask) -> None:
    assert "mailto:" not in app.test_client().get("/en/accessibility").text
    known = create_app(replace(app.extensions["settings"], contact="hello@roadmap.example"))
    for address in ("/en/accessibility", "/ur/languages"):
        assert 'href="mailto:hello@roadmap.example"' in known.test_client().get(address).text
    assert (
        "Contact: mailto:hello@roadmap.example" in known.test_client().get("/.well-known/security.txt").text
    )


def test_search_engines_are_kept_from_what_a_person_works_on(app: Flask) -> None:
    lines = app.test_client().get("/robots.txt").text.splitlines()
    assert lines[0].startswith("# Open data, CC BY 4.0: /api/openactive/sessions")
    assert lines[1] == "User-agent: *"
    assert {"Disallow: /r/", "Disallow: /ur/roadmap", "Disallow: /ar/come-back"} <= set(lines)
    assert "Disallow: /en/places" not in lines


def test_a_wrong_address_answers_in_the_language_of_the_browser(app: Flask) -> None:
    client = app.test_client()
    for address in ("/nothing", "/pl/", "/xx/roadmap"):
        answer = client.get(address, headers={"Accept-Language": "ur-PK, en;q=0.5"})
        assert answer.status_code == 404
        assert '<html lang="ur" dir="rtl">' in answer.text, address
    assert '<html lang="ar"' in client.get("/ar/nothing", headers={"Accept-Language": "ur"}).text
