"""`flask handout`: what it prints, what it refuses, and that the read is kept in the record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core import audit, paper
from inclusion_app.core.db import transaction
from tests.conftest import Browser


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages the paper service would be asked to draw."""
    asked: list[str] = []

    def draw(html: str, **_: object) -> bytes:
        asked.append(html)
        return b"%PDF-"

    monkeypatch.setattr(paper, "render_pdf", draw)
    return asked


def reads(app: Flask) -> list[audit.AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(audit.AuditRow).where(audit.AuditRow.actor_kind == "command")))


def test_the_sheet_of_a_saved_plan_in_its_language(
    app: Flask, another_browser: Callable[..., Browser], sheets: list[str], tmp_path: Path
) -> None:
    here = another_browser("ur")
    here.make_plan()
    code = here.save_plan(nickname="Amina")
    target = tmp_path / "amina.pdf"
    done = app.test_cli_runner().invoke(args=["handout", code.lower(), "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert target.read_bytes() == b"%PDF-"
    assert target.stat().st_mode & 0o077 == 0
    assert 'lang="ur"' in sheets[0]
    assert "Amina" in sheets[0]
    assert code in sheets[0]
    [row] = reads(app)
    assert (row.action, row.purpose, row.items) == ("read handout", "operations", "plan code")


def test_private_leaves_out_the_goals_and_the_code_can_come_by_standard_input(
    app: Flask, browser: Browser, sheets: list[str], tmp_path: Path
) -> None:
    browser.make_plan(("g02",))
    code = browser.save_plan()
    target = str(tmp_path / "plan.pdf")
    for more in ((), ("--private",)):
        done = app.test_cli_runner().invoke(args=["handout", "-", "-o", target, *more], input=f"{code}\n")
        assert done.exit_code == 0, done.output
    goal = "I want to see my GP"
    assert [goal in html for html in sheets] == [True, False]


@pytest.mark.parametrize(
    ("code", "more", "said", "exit_code"),
    [
        ("22222222", (), "There is no plan with this code.", 1),
        ("KQ", (), "The code is too short.", 1),
    ],
)
def test_what_is_refused(
    app: Flask, tmp_path: Path, code: str, more: tuple[str, ...], said: str, exit_code: int
) -> None:
    target = tmp_path / "plan.pdf"
    done = app.test_cli_runner().invoke(args=["handout", code, "-o", str(target), *more])
    assert (done.exit_code, said in done.output) == (exit_code, True), done.output
    assert not target.exists()
    assert reads(app) == []


def test_a_language_that_is_not_released_is_refused(app: Flask, browser: Browser, tmp_path: Path) -> None:
    browser.make_plan()
    asked = ["handout", browser.save_plan(), "-o", str(tmp_path / "plan.pdf"), "--language", "pl"]
    done = app.test_cli_runner().invoke(args=asked)
    assert (done.exit_code, "There is no released language pl" in done.output) == (2, True)
    assert reads(app) == []


def test_without_the_paper_service_it_says_what_to_do(app: Flask, browser: Browser, tmp_path: Path) -> None:
    browser.make_plan()
    done = app.test_cli_runner().invoke(
        args=["handout", browser.save_plan(), "-o", str(tmp_path / "plan.pdf")]
    )
    assert done.exit_code == 1
    assert "Start ./serve, then try again." in done.output
