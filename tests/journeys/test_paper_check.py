"""From a sheet of stickers to a plan at home: no account, no script, no screen until the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.core import paper
from inclusion_app.roadmaps import stickers
from tests.conftest import Browser


def test_a_paper_filled_in_at_a_group_opens_at_home_in_urdu(
    app: Flask, another_browser: Callable[..., Browser], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: pages.append(html) or b"%PDF-")  # type: ignore[func-returns-value]
    monkeypatch.setattr(stickers, "joined", b"".join)
    done = app.test_cli_runner().invoke(
        args=["codes", "sheet", "--count", "7", "-o", str(tmp_path / "week.pdf"), "--language", "ur"]
    )
    assert done.exit_code == 0, done.output
    code = re.findall(r'class="letters">([^<]+)', pages[0])[0]
    pictures = {"picture1": "sun", "picture2": "cup", "picture3": "star"}

    home = another_browser("ur")
    scanned = home.client.get(f"/r/{code.replace('-', '')}?l=ur")
    assert code.replace("-", "") in scanned.get_data(as_text=True)
    early = home.send("/come-back", code=code, **{"with": "pictures"}, **pictures)
    assert "یہ کوڈ ابھی تیار نہیں۔" in early.get_data(as_text=True)

    helper = another_browser("ur")
    assert "/ur/roadmap/check/paper" in helper.text("/")
    assert "/ur/roadmap/check/type-in" in helper.text("/roadmap/check/paper")
    kept = helper.send(
        "/roadmap/check/type-in", goal1="g03", q2=["smartphone"], q3="sometimes", q5="with_help", q9="not_yet",
        code=code, nickname="Nadia", agreed="y", **pictures,
    )  # fmt: skip
    assert kept.status_code == 303, kept.get_data(as_text=True)
    assert "Nadia" in helper.text("/roadmap/print")
    assert helper.send("/finish", form_on="/roadmap", then="type-in").status_code == 303

    assert home.send("/come-back", code=code, **{"with": "pictures"}, **pictures).status_code == 303
    plan = home.text("/roadmap")
    assert "گھر والوں اور دوستوں سے رابطے میں رہیں" in plan
    assert "ایک مددگار نے آپ کے ساتھ سوالوں کے جواب دیے۔" in plan
