"""A PostgreSQL cluster of our own for the tests: made when first asked for, gone at the end.

PostgreSQL refuses to run as root, so under root it runs as the account Debian made for it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

ACCOUNT = "postgres"
START_WITHIN = 30.0
# Nothing here has to survive a power cut.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "80",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster: `port` on the loopback address, and the password of its account `postgres`."""

    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        """What INCLUSION_DATABASE_URL takes."""
        return f"postgresql+psycopg://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction, as CREATE DATABASE wants it."""
        plain = self.url().replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def find_binaries() -> Path | None:
    """The folder of the newest installed server, or None."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0])
    )
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


@pytest.hookimpl(tryfirst=True)  # before the choice by -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All PostgreSQL tests go to one process, so that one cluster serves them."""
    for item in items:
        if "postgres_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
        if item.get_closest_marker("postgres") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("postgres"))


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A cluster for this run. Skips when no server is installed (under CI that is a failure)."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    with running_cluster() as cluster:
        yield cluster


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster of our own until the end of the block; `find_binaries` knows whether there can be one."""
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL server is installed"
    # A short path: a socket's may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        with _running(binaries, folder) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _running:
    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder = binaries, folder
        self.password = secrets.token_urlsafe(18)
        self.as_account: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(folder, account.pw_uid, account.pw_gid)
            self.as_account = ["--reuid", ACCOUNT, "--regid", str(account.pw_gid), "--init-groups"]

    def __enter__(self) -> Cluster:
        data, words = self.folder / "data", self.folder / "password"
        words.write_text(self.password)
        words.chmod(0o644)  # within a folder that only the account may enter
        made = subprocess.run(
            self._command(
                "initdb",
                f"--pgdata={data}",
                f"--username={ACCOUNT}",
                f"--pwfile={words}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.fail(f"initdb failed: {made.stderr}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder), **FAST}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen(
            self._command("postgres", "-D", str(data), "-p", str(port), *options),
            cwd=self.folder,
            stdout=self.log,
            stderr=self.log,
        )
        cluster = Cluster(port, self.password)
        self._wait_for(cluster)
        return cluster

    def __exit__(self, *_: object) -> None:
        # "Fast shutdown": sessions are ended, nobody is waited for.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=10)
        self.log.close()

    def _command(self, name: str, *arguments: str) -> list[str]:
        # Should the test run be killed outright, the kernel ends the cluster too.
        return ["setpriv", "--pdeathsig", "QUIT", *self.as_account, str(self.binaries / name), *arguments]

    def _wait_for(self, cluster: Cluster) -> None:
        give_up = time.monotonic() + START_WITHIN
        while True:
            try:
                cluster.run("SELECT 1")
                return
            except psycopg.OperationalError as err:
                if self.process.poll() is not None or time.monotonic() > give_up:
                    self.log.seek(0)
                    pytest.fail(f"the PostgreSQL cluster did not start: {err}\n{self.log.read()}")
                time.sleep(0.05)


_numbers = itertools.count(1)


@contextlib.contextmanager
def _database(cluster: Cluster, like: str = "template1") -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    cluster.run(f"CREATE DATABASE {name} TEMPLATE {like}")
    try:
        yield cluster.url(name)
    finally:
        cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of an empty database for this module alone, for INCLUSION_DATABASE_URL."""
    with _database(postgres_cluster) as url:
        yield url


@pytest.fixture
def postgres_like(postgres_cluster: Cluster) -> Iterator[Callable[[str], str]]:
    """postgres_like(name): the URL of a copy of a database that nobody is connected to, for this test alone."""
    with contextlib.ExitStack() as copies:
        yield lambda name: copies.enter_context(_database(postgres_cluster, like=name))
