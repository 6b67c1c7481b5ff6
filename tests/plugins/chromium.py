"""The service as people use it: the real server on a free port, and Debian's Chromium to look at it."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# What browser tests measure, and the slow line they may be put on.
pytest_plugins = ["tests.plugins.tables", "tests.plugins.made_up", "tests.plugins.slow_line"]
ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 60.0
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER_FIXTURES = {"chromium", "chromium_with_back_forward_cache", "new_page", "page"}


@pytest.hookimpl(tryfirst=True)  # before the choice by -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one process: one Chromium and one server are enough for two cores."""
    for item in items:
        if BROWSER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass(frozen=True)
class LiveServer:
    """A running service: where it answers, the folder of its state, the settings it was started with."""

    url: str
    instance: Path
    environment: Mapping[str, str]

    def flask(self, *arguments: str) -> str:
        """Run a `flask` command on this instance; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    """A port nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_for(instance: Path, **settings: str) -> dict[str, str]:
    """This process's environment without any setting of the service, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INCLUSION_")}
    return {**kept, "INCLUSION_INSTANCE": str(instance), "INCLUSION_WORKERS": "1", **settings}


def end(process: subprocess.Popen[bytes], seconds: float = 15.0) -> None:
    """End a server and wait for it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_page(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until this page answers 200; fails with the server's own words when it ends or takes too long."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    give_up = time.monotonic() + START_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, context=trusting):
                return
        except OSError as err:
            if isinstance(err, urllib.error.HTTPError):
                err.close()
            if process.poll() is not None or time.monotonic() > give_up:
                pytest.fail(f"the server did not start ({err}): {log.read_text()}")
            time.sleep(0.05)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LiveServer]]:
    """start_server(**settings) → LiveServer: what `./serve` runs, on an instance of its own."""
    running: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> LiveServer:
        folder = tmp_path_factory.mktemp("live")
        port, log = free_port(), folder / "log"
        environment = environment_for(folder / "instance", **settings)
        command = [sys.executable, "-m", "inclusion_app.supervisor", "--port", str(port)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--instance", str(folder / "instance")],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=out,
            )
        running.append(process)
        wait_for_page(f"http://127.0.0.1:{port}/readyz", process, log)
        return LiveServer(f"http://127.0.0.1:{port}", folder / "instance", environment)

    yield start
    for process in running:
        end(process)


@pytest.fixture(scope="session")
def live_server(start_server: Callable[..., LiveServer]) -> LiveServer:
    """The service over plain HTTP, as `./serve` runs it, with its demonstration data."""
    return start_server()


@pytest.fixture(scope="session")
def https_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The web server alone over HTTPS with a certificate of its own, so that cookies are `Secure`."""
    folder = tmp_path_factory.mktemp("https")
    port, log = free_port(), folder / "log"
    url = f"https://127.0.0.1:{port}"
    certificate, key = write_certificate(folder)
    environment = environment_for(folder / "instance", INCLUSION_BASE_URL=url)
    server = LiveServer(url, folder / "instance", environment)
    server.flask("setup")
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--threads", "8"]
    command += ["--worker-class", "gthread", "--no-control-socket", "--graceful-timeout", "2"]
    command += ["--certfile", str(certificate), "--keyfile", str(key)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        wait_for_page(f"{url}/healthz", process, log)
        yield server
    finally:
        end(process)


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate signed by itself for this machine's own names; returns both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start - datetime.timedelta(days=1))
        .not_valid_after(start + datetime.timedelta(days=2))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


def find_chromium() -> str | None:
    """Debian's Chromium, or one named by the variable CHROMIUM."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def _launch(**options: Any) -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, **options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests of this process; every test takes a context of its own from it."""
    yield from _launch()


@pytest.fixture(scope="session")
def chromium_with_back_forward_cache(chromium: Browser) -> Iterator[Browser]:
    """A Chromium whose Back button shows kept pages, as a person's does; automation turns that off."""
    browser = chromium.browser_type.launch(
        executable_path=find_chromium(), args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield browser
    browser.close()


def patient(page: Page) -> Page:
    """The page, whose `click` comes back when the next page stands: Playwright's own does when that has begun.

    Between the two lies an empty page: on a busy machine a test that counts, or takes the source, meets it.
    """
    click = page.click

    def click_and_wait(*arguments: Any, **options: Any) -> None:
        click(*arguments, **options)
        page.wait_for_load_state()

    setattr(page, "click", click_and_wait)  # noqa: B010 - said so that mypy knows we mean it
    return page


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """new_page(**context options) → Page, without moving parts; other hosts than this machine are refused."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        settings = {"reduced_motion": "reduce", "ignore_https_errors": True, "locale": "en-GB", **options}
        context = chromium.new_context(**settings)
        context.route(
            lambda url: not url.startswith(("http://127.0.0.1:", "https://127.0.0.1:", "data:", "blob:")),
            lambda route: route.abort(),
        )
        contexts.append(context)
        return patient(context.new_page())

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A fresh page at the size of a small phone."""
    return new_page(viewport={"width": 360, "height": 740})
