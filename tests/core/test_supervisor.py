"""The supervisor, with small stand-in programs and real signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inclusion_app import supervisor
from inclusion_app.config import load_settings

ROOT = Path(__file__).resolve().parents[2]

# Runs the supervisor as `./serve` does, with stand-in programs given as JSON. It hears a hang-up even where the tests
# themselves were told not to (`nohup ./test`).
DRIVER = """
import json, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from inclusion_app import supervisor as s
plan = json.loads(sys.argv[1])
s.ASK_POLITELY = plan.get("ask_politely", s.ASK_POLITELY)
programs = [s.Program(p["name"], (sys.executable, "-c", p["code"]), p["name"] == "web", p["name"] != "web")
            for p in plan["programs"]]
sys.exit(s.main(["--port", str(plan["port"]), "--instance", plan["instance"]],
                programs=programs, setup=(sys.executable, "-c", plan["setup"])))
"""

# Answers every request on the handed-over port with its process id.
WEB = """
import http.server, os, socket
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Page, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
server.serve_forever()
"""

# Ignores SIGTERM, and so does the child it makes; both write down who they are.
STUBBORN = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
with open(os.path.join(os.environ["INCLUSION_INSTANCE"], "stubborn"), "a") as out:
    out.write(f"{os.getpid()}\\n")
time.sleep(600)
"""

# Leaves a child behind that would live on, and dies.
BAD_PARENT = """
import os, sys, time
if os.fork():
    time.sleep(0.3); sys.exit(7)
with open(os.path.join(os.environ["INCLUSION_INSTANCE"], "orphans"), "a") as out:
    out.write(f"{os.getpid()}\\n")
time.sleep(600)
"""

SETUP = """
import os, pathlib, sqlite3
folder = pathlib.Path(os.environ["INCLUSION_INSTANCE"])
with open(folder / "setups", "a") as out:
    out.write("ran\\n")
db = sqlite3.connect(folder / "inclusion.sqlite3")
db.execute("PRAGMA journal_mode=WAL")
db.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
db.execute("DELETE FROM alembic_version")
db.execute("INSERT INTO alembic_version VALUES ('one')")
db.commit()
"""


def wait_until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first true answer; fails the test when there is none in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if answer := true():
            return answer
        time.sleep(0.02)
    pytest.fail("waited in vain")


def numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A dead process that its new parent has not collected yet runs no more.
    return state != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("INCLUSION_")}


class Run:
    """One supervisor under test, as a process of its own."""

    def __init__(self, instance: Path, *others: tuple[str, str], **plan: Any) -> None:
        self.instance = instance
        self.port = plan.pop("port", None) or free_port()
        programs = [("web", plan.pop("web", WEB)), *others]
        self.plan = {
            "instance": str(instance),
            "port": self.port,
            "setup": SETUP,
            "programs": [{"name": name, "code": code} for name, code in programs],
            **plan,
        }
        self.log = instance.parent / f"log-{self.port}"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, json.dumps(self.plan)],
                cwd=ROOT, env=without_settings(), stdout=out, stderr=out,
            )  # fmt: skip

    def words(self) -> str:
        return self.log.read_text()

    def ready(self) -> Run:
        wait_until(lambda: "runs at" in self.words() or self.process.poll() is not None)
        assert "runs at" in self.words(), self.words()
        return self

    def web_pid(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as page:
            return int(page.read())

    def exit_code(self) -> int:
        return self.process.wait(timeout=15)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*others: tuple[str, str], **plan: Any) -> Run:
        runs.append(Run(tmp_path / "instance", *others, **plan))
        return runs[-1]

    yield start
    for one in runs:
        if one.process.poll() is None:
            one.process.terminate()
            try:
                one.process.wait(timeout=12)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_service_with_exit_code_nought(run: Callable[..., Run], number: int) -> None:
    service = run().ready()
    web = service.web_pid()
    service.process.send_signal(number)
    assert service.exit_code() == 0
    assert not lives(web)


PORT_TOLD = """
import os, pathlib, time
pathlib.Path(os.environ["INCLUSION_INSTANCE"], "port").write_text(os.environ["INCLUSION_PORT"])
time.sleep(60)
"""


def test_every_program_knows_the_port_that_links_lead_to(run: Callable[..., Run]) -> None:
    service = run(("worker", PORT_TOLD)).ready()
    assert wait_until(lambda: numbers(service.instance / "port")) == [service.port]
    settings = load_settings({"INCLUSION_PORT": str(service.port)}, instance=service.instance)
    assert settings.address == f"http://127.0.0.1:{service.port}"


def test_programs_that_ignore_the_signal_are_gone_within_ten_seconds(run: Callable[..., Run]) -> None:
    service = run(("stubborn", STUBBORN)).ready()
    stubborn = wait_until(lambda: (found := numbers(service.instance / "stubborn"))[1:] and found)
    began = time.monotonic()
    service.process.terminate()
    assert service.exit_code() == 0
    assert time.monotonic() - began < 10
    assert not [pid for pid in stubborn if lives(pid)]


def test_a_second_ctrl_c_ends_at_once(run: Callable[..., Run]) -> None:
    service = run(("stubborn", STUBBORN)).ready()
    stubborn = wait_until(lambda: (found := numbers(service.instance / "stubborn"))[1:] and found)
    began = time.monotonic()
    service.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    service.process.send_signal(signal.SIGINT)
    assert service.exit_code() == 0
    assert time.monotonic() - began < 4
    assert not [pid for pid in stubborn if lives(pid)]


def test_a_supervisor_killed_outright_leaves_nothing_running(run: Callable[..., Run]) -> None:
    service = run(("stubborn", STUBBORN), ask_politely=1).ready()
    web = service.web_pid()
    stubborn = wait_until(lambda: (found := numbers(service.instance / "stubborn"))[1:] and found)
    service.process.kill()
    service.process.wait()
    wait_until(lambda: not any(lives(pid) for pid in (web, *stubborn)), seconds=5)


def test_a_start_after_an_outright_kill_waits_for_the_old_programs(run: Callable[..., Run]) -> None:
    first = run(("stubborn", STUBBORN), ask_politely=2).ready()
    stubborn = wait_until(lambda: (found := numbers(first.instance / "stubborn"))[1:] and found)
    first.process.kill()
    first.process.wait()
    assert any(lives(pid) for pid in stubborn)
    run(port=first.port).ready()
    assert not any(lives(pid) for pid in stubborn)


def test_a_killed_web_server_comes_back_and_nobody_is_turned_away(run: Callable[..., Run]) -> None:
    service = run().ready()
    first = service.web_pid()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not lives(first))
    # Asked while no web server runs at all: the answer waits for the next one.
    assert service.web_pid() != first
    assert "web ended (SIGKILL), starts again in 0.5 s" in service.words()


def test_what_a_dead_program_left_behind_is_ended_before_it_starts_again(run: Callable[..., Run]) -> None:
    service = run(("parent", BAD_PARENT)).ready()
    orphans = wait_until(lambda: (found := numbers(service.instance / "orphans"))[1:] and found)
    assert not lives(orphans[0])


def test_a_program_that_keeps_dying_is_started_less_and_less_often(run: Callable[..., Run]) -> None:
    service = run(("mortal", "raise SystemExit(3)")).ready()
    wait_until(lambda: "mortal ended (exit code 3), starts again in 2 s" in service.words())
    waits = [line.split()[-2] for line in service.words().splitlines() if line.startswith("mortal")]
    assert waits == ["0.5", "1", "2"]


def test_a_web_server_that_never_answers_ends_the_start(run: Callable[..., Run]) -> None:
    service = run(web="import sys; print('no such module', file=sys.stderr); sys.exit(3)")
    assert service.exit_code() == 1
    assert "no such module" in service.words()
    assert "The web server stopped before its first page" in service.words()
    assert "starts again" not in service.words()


def test_a_first_page_that_is_an_error_is_said_and_not_taken_for_ready(run: Callable[..., Run]) -> None:
    service = run(web=WEB.replace("send_response(200)", "send_response(500)"))
    wait_until(lambda: "The first page came with an error: HTTP/1.0 500" in service.words())
    assert "runs at" not in service.words()


def test_a_busy_port_is_a_clear_message(run: Callable[..., Run]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        service = run(port=other.getsockname()[1])
        assert service.exit_code() == 1
    assert service.words().strip() == (
        f"serve: Port {service.port} cannot be used: Address already in use. Choose another with --port."
    )


def test_one_instance_runs_once(run: Callable[..., Run]) -> None:
    first = run().ready()
    second = run()
    assert second.exit_code() == 1
    assert f"already running (process {first.process.pid})" in second.words()
    assert first.web_pid()


def test_setup_runs_at_the_first_start_and_not_at_the_second(run: Callable[..., Run]) -> None:
    for _ in range(2):
        service = run().ready()
        service.process.terminate()
        assert service.exit_code() == 0
    assert (service.instance / "setups").read_text() == "ran\n"


def test_setup_runs_again_when_the_database_stands_elsewhere(run: Callable[..., Run]) -> None:
    first = run().ready()
    first.process.terminate()
    first.exit_code()
    with contextlib.closing(sqlite3.connect(first.instance / "inclusion.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'an older one'")
        database.commit()
    run().ready()
    assert (first.instance / "setups").read_text() == "ran\nran\n"


def test_a_failed_setup_ends_the_start_and_is_tried_again_next_time(run: Callable[..., Run]) -> None:
    failed = run(setup=SETUP + "raise SystemExit('the disk is full')")
    assert failed.exit_code() == 1
    assert "the disk is full" in failed.words()
    assert "Setting up failed (exit code 1)" in failed.words()
    run().ready()
    assert (failed.instance / "setups").read_text() == "ran\nran\n"


def test_a_signal_during_setup_ends_it(run: Callable[..., Run]) -> None:
    service = run(setup=STUBBORN, ask_politely=0.5)
    busy = wait_until(lambda: (found := numbers(service.instance / "stubborn"))[1:] and found)
    service.process.terminate()
    assert service.exit_code() == 0
    assert not [pid for pid in busy if lives(pid)]


def test_demonstration_sign_ins_are_shown_once(run: Callable[..., Run]) -> None:
    rows = json.dumps([{"email": "loans@example.org", "password": "a-made-up-one"}])
    setup = SETUP + f"\n(folder / 'demo-sign-ins.json').write_text({rows!r})"
    first = run(setup=setup).ready()
    wait_until(lambda: "Press Ctrl-C" in first.words())
    assert "  loans@example.org  a-made-up-one" in first.words()
    first.process.terminate()
    first.exit_code()
    second = run(setup=setup).ready()
    wait_until(lambda: "Press Ctrl-C" in second.words())
    assert "a-made-up-one" not in second.words()


def test_the_instance_folder_is_its_owners_alone(run: Callable[..., Run]) -> None:
    service = run().ready()
    modes = {
        path.name: oct(path.stat().st_mode & 0o777)
        for path in (service.instance, *service.instance.iterdir())
    }
    assert modes.pop("instance") == "0o700"
    assert set(modes.values()) == {"0o600"}, modes


def test_a_bad_setting_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inclusion_app.supervisor", "--instance", str(tmp_path / "i")],
        cwd=ROOT,
        env={**without_settings(), "INCLUSION_WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "serve: INCLUSION_WORKERS must be a whole number from 1 to 64\n"


@pytest.mark.parametrize(
    "arguments", [["--port", "http"], ["--port", "0"], ["--port", "65536"], ["--colour"]]
)
def test_wrong_arguments_are_refused_with_exit_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        supervisor.main(arguments)
    assert refused.value.code == 2


def test_waits_double_up_to_half_a_minute_and_a_steady_run_forgets_them() -> None:
    program = supervisor.Program("any", ("true",), started=100.0)
    assert [program.wait_after_death(101.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert program.wait_after_death(100.0 + supervisor.STEADY) == 0.5


def test_the_fingerprint_changes_with_a_file_and_with_the_database(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    script = tmp_path / "migrations" / "one.py"
    script.write_text("one")
    here = load_settings({}, instance=tmp_path / "instance")
    there = SimpleNamespace(database_url="postgresql+psycopg://x", demo=True, test_languages=False)
    first = supervisor.fingerprint(tmp_path, here)
    assert supervisor.fingerprint(tmp_path, here) == first
    assert supervisor.fingerprint(tmp_path, there) != first  # type: ignore[arg-type]
    script.write_text("one and a half")
    assert supervisor.fingerprint(tmp_path, here) != first


def test_another_database_is_set_up_at_every_start() -> None:
    elsewhere = SimpleNamespace(database_url="postgresql+psycopg://db/x", demo=True, test_languages=False)
    assert supervisor.needs_setup(elsewhere, {"mark": "m", "schema": None}, "m")  # type: ignore[arg-type]


def test_a_file_that_is_no_database_has_no_schema(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_text("not a database at all, but long enough to look at" * 20)
    assert supervisor.schema_of(f"sqlite:///{tmp_path / 'x.sqlite3'}") is None


def test_the_supervisor_imports_nothing_heavy() -> None:
    heavy = "{'flask', 'sqlalchemy', 'weasyprint'}"
    code = f"import sys, inclusion_app.supervisor; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
