"""One running paper service for all tests of this folder."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inclusion_app.core import paper
from tests.conftest import settings_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], bytes]]:
    """Draws a finished page through the real service."""
    settings = settings_for(tmp_path_factory.mktemp("paper"))
    process = subprocess.Popen(
        [sys.executable, "-m", "inclusion_app.core.paper_service", "--instance", str(settings.instance)],
        cwd=ROOT,
    )
    give_up = time.monotonic() + 60
    while not paper.is_ready(settings=settings):
        assert time.monotonic() < give_up, "the paper service did not start"
        time.sleep(0.05)
    yield lambda html: paper.render_pdf(html, settings=settings)
    process.terminate()
    assert process.wait(5) == 0
