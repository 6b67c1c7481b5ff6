"""The plugins themselves: each is shown to do what the other tests rely on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.plugins.slow_line import Line, SlowLine
from tests.plugins.tables import lines_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]

SKIPS = """
import pytest

def test_passes(): pass
def test_skips(): pytest.skip("no such machine")
@pytest.mark.skip(reason="not today")
def test_marked(): pass
@pytest.fixture
def missing(): pytest.skip("no browser")
def test_fixture(missing): pass
@pytest.mark.xfail(strict=True)
def test_known_fault(): raise AssertionError
"""

CLUSTER = """
def test_cluster(postgres_cluster):
    print("port", postgres_cluster.port)
    raise AssertionError("on purpose")
"""


def run_pytest(folder: Path, text: str, plugin: str, **environment: str) -> str:
    (folder / "test_sample.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  browser\n  postgres\n")
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", f"tests.plugins.{plugin}", "-c", str(folder / "pytest.ini"),
         "-p", "no:cacheprovider", "-p", "no:randomly", "-rA", str(folder / "test_sample.py")],
        cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_skip_fails_under_ci(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, SKIPS, "no_silent_skips", CI="true")
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in said
    assert "was skipped under CI: Skipped: no such machine" in said


def test_a_skip_stays_a_skip_elsewhere(tmp_path: Path) -> None:
    assert "1 passed, 3 skipped, 1 xfailed" in run_pytest(tmp_path, SKIPS, "no_silent_skips")


def test_a_file_that_skips_itself_fails_under_ci(tmp_path: Path) -> None:
    whole = "import pytest\npytest.skip('not here', allow_module_level=True)\n"
    assert "1 error" in run_pytest(tmp_path, whole, "no_silent_skips", CI="true")


def test_the_cluster_is_gone_after_a_failed_test(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, CLUSTER, "postgres")
    assert "1 failed" in said
    port = next(line.split()[1] for line in said.splitlines() if line.startswith("port "))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres:x@127.0.0.1:{port}/postgres", connect_timeout=2)


def test_a_module_gets_an_empty_database_of_its_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert tables == (0,)
    assert encoding == ("UTF8",)


def test_a_page_refuses_other_hosts(new_page: Callable[..., Page]) -> None:
    page = new_page()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.set_content('<img src="http://elsewhere.example/x.png" alt="">', wait_until="load")
    assert failed == ["http://elsewhere.example/x.png"]


def test_a_slow_line_is_slow_in_order_and_loses_nothing() -> None:
    body = bytes(range(256)) * 12
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                connection.sendall(connection.recv(10) + body)

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with SlowLine(url, Line(bits=100_000, round_trip=0.2, loss=0.5, time_out=0.3), seed=2) as line:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", int(line.url.rsplit(":", 1)[1]))) as client:
                client.sendall(b"hello")
                got = b"".join(iter(lambda: client.recv(4_096), b""))
            took = time.monotonic() - began
        thread.join()
    assert got == b"hello" + body
    assert line.down.lost + line.up.lost > 0
    # A round trip to connect, one for the answer, the width for the bytes, and a time-out.
    assert took > 0.2 + 0.2 + len(body) * 8 / 100_000 + 0.3


def test_the_tables_add_up_and_keep_gaps() -> None:
    notes = [
        {"tally": "bodies", "number": 2_000},
        {"tally": "bodies", "number": 500},
        {"table": "checks", "row": "/", "column": "axe", "value": 0},
        {"table": "checks", "row": "/", "column": "axe", "value": 2},
        {"table": "checks", "row": "/places", "column": "focus", "value": 0},
    ]
    assert [" ".join(line.split()) for line in lines_of(notes)] == [
        "checks: 3 cells", "axe focus", "/ 2 –", "/places – 0", "bodies: 2,500",
    ]  # fmt: skip
