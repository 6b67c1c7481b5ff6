"""Keeps one instance running: web workers, chores worker and paper service, all easy to stop.

    python -m inclusion_app.supervisor --port 8000 --instance instance

It imports nothing of the service but its settings, so it starts at once and stays small. It opens the
port itself and hands it to the web server: while that restarts, people wait a moment and nobody is turned
away.

Every program runs as the leader of its own process group. A program that dies is started again, later each
time it dies quickly; whatever it had started is ended first. SIGTERM, SIGINT and SIGHUP end the whole
within ten seconds. Should this process itself be killed outright, a watcher process, which does nothing
else, notices the closed pipe and ends what is left.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import select
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inclusion_app.config import BadSetting, Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
THREADS = 8
WEB_SOCKET = 3  # the number under which the web server finds the open port
TICK = 0.05
ASK_POLITELY = 7.0  # seconds between SIGTERM and SIGKILL; leaves three of the promised ten for the rest
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a dead program is started again
STEADY = 60.0  # seconds alive after which an earlier death no longer counts
ANSWER_WITHIN = 10.0  # seconds the first page is waited for before the question is asked again
ASK_EVERY = 1.0
ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
STAMP = "setup-stamp.json"
SIGN_INS = "demo-sign-ins.json"
# What `flask setup` reads: a change in any of these runs it again.
SETUP_READS = (
    "inclusion_app",
    "migrations",
    "static/css",
    "static/js",
    "static/icons",
    "translations",
    "requirements",
)


class CannotStart(Exception):
    """The service cannot start; the message says why and what to do, in a sentence for a terminal."""


@dataclass
class Program:
    """One supervised program and what is known of its present run."""

    name: str
    command: tuple[str, ...]
    takes_port: bool = False
    after_web: bool = False  # started once pages are answered, so that the first page comes sooner
    pid: int | None = None
    started: float = 0.0
    next_start: float = 0.0
    quick_deaths: int = 0

    def wait_after_death(self, now: float) -> float:
        """Seconds until the next start: half a second, doubled for each quick death up to half a minute."""
        self.quick_deaths = 0 if now - self.started >= STEADY else self.quick_deaths + 1
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** max(0, self.quick_deaths - 1))


@dataclass
class Supervisor:
    """Runs the programs until told to end.

    `environment` is what the programs see. `listener` is the open port, or None when no program takes one.
    """

    programs: list[Program]
    environment: Mapping[str, str]
    listener: socket.socket | None = None
    on_ready: Callable[[], Iterable[str]] = tuple
    watcher: Watcher | None = None
    ready: bool = False
    question: Question | None = None

    def run(self) -> int:
        """Start everything and restart what dies; 0 when told to end, 1 when the first page never came."""
        for program in self.programs:
            if not program.after_web:
                self._start(program)
        while True:
            number = wait_for_signal(TICK if not self.ready or self._anyone_waiting() else 5.0)
            if number in ENDING:
                return 0
            if not self.ready and (self.question is None or self.question.is_answered()):
                self.ready = True
                for line in self.on_ready():
                    say(line)
            for program in self._reap():
                if program.takes_port and not self.ready:
                    say("The web server stopped before its first page. The reason stands above.", error=True)
                    return 1
            self._start_what_is_due()

    def end(self) -> None:
        """End all programs and all they started: first politely, then for certain; eight seconds at most."""
        for program in self._alive():
            _signal(program.pid, signal.SIGTERM)
        give_up = time.monotonic() + ASK_POLITELY
        hurried = False
        while self._alive() and time.monotonic() < give_up and not hurried:
            # A second Ctrl-C means: now.
            hurried = wait_for_signal(TICK) == signal.SIGINT
            self._reap(restart=False)
        for program in self._alive():
            _signal_group(program.pid, signal.SIGKILL)
        gone_by = time.monotonic() + 1.0
        while self._alive() and time.monotonic() < gone_by:
            wait_for_signal(TICK)
            self._reap(restart=False)

    def _alive(self) -> list[Program]:
        return [program for program in self.programs if program.pid is not None]

    def _anyone_waiting(self) -> bool:
        return any(program.pid is None for program in self.programs)

    def _start_what_is_due(self) -> None:
        for program in self.programs:
            may_start = self.ready or not program.after_web
            if program.pid is None and may_start and time.monotonic() >= program.next_start:
                self._start(program)

    def _start(self, program: Program) -> None:
        program.pid = start(
            program.command, self.environment, listener=self.listener if program.takes_port else None
        )
        program.started = time.monotonic()
        if self.watcher:
            self.watcher.add(program.pid)

    def _reap(self, *, restart: bool = True) -> list[Program]:
        """Collect every dead child, end what it left behind, and set the time of its next start."""
        dead = []
        for pid, status in _dead_children():
            for program in self.programs:
                if program.pid == pid:
                    # Its own children would go on without it, or hold its socket.
                    _signal_group(pid, signal.SIGKILL)
                    if self.watcher:
                        self.watcher.remove(pid)
                    program.pid = None
                    now = time.monotonic()
                    wait = program.wait_after_death(now)
                    program.next_start = now + wait
                    dead.append(program)
                    if restart and (self.ready or not program.takes_port):
                        say(f"{program.name} ended ({_how(status)}), starts again in {wait:g} s", error=True)
        return dead


class Question:
    """Asks the web server for its health page until it comes, without ever waiting for it.

    The connection stands in the port's queue while the web server is still starting.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None
        self._asked = 0.0
        self._complained = False

    def is_answered(self) -> bool:
        """True once the page came; an error page is said aloud, once, and asked about again each second."""
        now = time.monotonic()
        if self._connection is None:
            if now - self._asked >= ASK_EVERY:
                self._ask(now)
            return False
        came = bool(select.select([self._connection], [], [], 0)[0])
        if not came and now - self._asked <= ANSWER_WITHIN:
            return False
        answer = b""
        if came:
            with contextlib.suppress(OSError):
                answer = self._connection.recv(64)
        self._connection.close()
        self._connection = None
        if answer and b" 200 " not in answer and not self._complained:
            self._complained = True
            first_line = answer.splitlines()[0].decode("ascii", "replace")
            say(f"The first page came with an error: {first_line}", error=True)
        return b" 200 " in answer

    def _ask(self, now: float) -> None:
        self._asked = now
        with contextlib.suppress(OSError):
            self._connection = socket.create_connection((HOST, self._port), timeout=1)
            words = f"GET /healthz HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nConnection: close\r\n\r\n"
            self._connection.sendall(words.encode())


class Watcher:
    """A forked process that waits for this one to die, and then ends the process groups it was told of.

    A parent-death signal would reach direct children only, and none that changes its own credentials.
    """

    def __init__(self, *, hold: int | None = None) -> None:
        """`hold` is the handle of a lock that stays held until the last program has ended."""
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(writing)
            with contextlib.suppress(BaseException):
                _watch(reading, hold)
            os._exit(0)
        os.close(reading)
        self._writing = writing

    def add(self, group: int) -> None:
        """Remember a process group; it is ended when this process dies."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the watcher finish; it ends what it was not told to forget."""
        os.close(self._writing)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writing, line.encode())


def _watch(reading: int, hold: int | None) -> None:
    os.setsid()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    # It must not keep the port or a log pipe open for longer than the service lives.
    for handle in range(256):
        if handle not in {reading, hold}:
            with contextlib.suppress(OSError):
                os.close(handle)
    groups: set[int] = set()
    rest = b""
    while data := os.read(reading, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            group = int(line[1:])
            (groups.add if line.startswith(b"+") else groups.discard)(group)
    for group in groups:
        _signal_group(group, signal.SIGTERM)
    give_up = time.monotonic() + ASK_POLITELY
    while time.monotonic() < give_up and any(_group_lives(group) for group in groups):
        time.sleep(TICK)
    for group in groups:
        _signal_group(group, signal.SIGKILL)


def start(
    command: Sequence[str], environment: Mapping[str, str], *, listener: socket.socket | None = None
) -> int:
    """Start a program as the leader of a new session with no signal blocked; returns its process id."""
    actions = [] if listener is None else [(os.POSIX_SPAWN_DUP2, listener.fileno(), WEB_SOCKET)]
    return os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=(*ENDING, signal.SIGPIPE),
    )


def run_to_end(
    command: Sequence[str], environment: Mapping[str, str], watcher: Watcher | None = None
) -> int | None:
    """Run one program; its wait status, or None when a signal to end came first and it was ended."""
    program = Program(command[0], tuple(command))
    program.pid = start(command, environment)
    if watcher:
        watcher.add(program.pid)
    while True:
        number = wait_for_signal(LONGEST_WAIT)
        if number in ENDING:
            Supervisor([program], environment, watcher=watcher).end()
            return None
        for pid, status in _dead_children():
            if pid == program.pid:
                _signal_group(pid, signal.SIGKILL)
                if watcher:
                    watcher.remove(pid)
                return status


def wait_for_signal(seconds: float) -> int | None:
    """The next ending signal or death of a child within so many seconds, or None. Signals must be blocked."""
    info = signal.sigtimedwait(_waited_for(), seconds)
    return None if info is None else info.si_signo


def _waited_for() -> set[signal.Signals]:
    # Under nohup the hang-up stays ignored.
    hangup_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (ENDING - {signal.SIGHUP} if hangup_ignored else ENDING) | {signal.SIGCHLD}


def _dead_children() -> Iterable[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _signal_group(group: int | None, number: int) -> None:
    if group is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def say(line: str, *, error: bool = False) -> None:
    """One line for the person at the terminal, at once."""
    print(line, file=sys.stderr if error else sys.stdout, flush=True)


def open_port(port: int) -> socket.socket:
    """Listen on this machine's own address. Raises CannotStart when another program has the port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError as err:
        listener.close()
        raise CannotStart(f"Port {port} cannot be used: {err.strerror}. Choose another with --port.") from err
    return listener


def lock_instance(instance: Path) -> int:
    """Hold the instance folder for this process alone; the lock goes when the process ends, however it ends.

    When the last holder was killed outright, its programs are just being ended: that is waited for.
    Raises CannotStart when another supervisor has it: two would share one database and one paper socket.
    """
    handle = os.open(instance / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    give_up = time.monotonic() + ASK_POLITELY + 2
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode().strip()
            if time.monotonic() < give_up and holder.isdigit() and not Path("/proc", holder).exists():
                time.sleep(TICK)
                continue
            os.close(handle)
            raise CannotStart(f"This instance is already running (process {holder}): {instance}") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return handle


def fingerprint(root: Path, settings: Settings) -> str:
    """A short text that changes with whatever `flask setup` reads: code, migrations, data files, settings."""
    digest = hashlib.sha256()
    for top in SETUP_READS:
        for folder, folders, names in os.walk(root / top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                facts = Path(folder, name).stat()
                digest.update(f"{folder}/{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    digest.update(f"{settings.database_url} {settings.demo} {settings.test_languages} {sys.version}".encode())
    return digest.hexdigest()


def schema_of(database_url: str) -> str | None:
    """The migration the embedded database stands at; None for any other database, or when it has none."""
    if not database_url.startswith("sqlite:///"):
        return None
    path = Path(database_url.removeprefix("sqlite:///"))
    if not path.is_file():
        return None
    try:
        reading = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(reading) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


def needs_setup(settings: Settings, stamp: Mapping[str, Any], mark: str) -> bool:
    """True unless setup has run for this very code and the embedded database still stands where it was left.

    Another database may be changed by others, so there setup always runs; it is quick when nothing changed.
    """
    schema = schema_of(settings.database_url)
    return schema is None or stamp.get("mark") != mark or stamp.get("schema") != schema


def read_json(path: Path) -> Any:
    """What the file holds, or None when there is none or it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_stamp(instance: Path, stamp: Mapping[str, Any]) -> None:
    """Replace the stamp in one step, so that a power cut leaves the old or the new one."""
    fresh = instance / f"{STAMP}.new"
    fresh.write_text(json.dumps(stamp), encoding="utf-8")
    fresh.replace(instance / STAMP)


def prepare(
    settings: Settings, environment: Mapping[str, str], command: Sequence[str], watcher: Watcher
) -> bool:
    """Run `flask setup` when something changed since it last ran. False when a signal to end came meanwhile.

    Raises CannotStart when setup fails; its own words stand above.
    """
    stamp = read_json(settings.instance / STAMP)
    stamp = stamp if isinstance(stamp, dict) else {}
    mark = fingerprint(ROOT, settings)
    if not needs_setup(settings, stamp, mark):
        return True
    say("Getting the database and its contents ready. The first time takes a minute.")
    status = run_to_end(command, environment, watcher)
    if status is None:
        return False
    if status != 0:
        raise CannotStart(f"Setting up failed ({_how(status)}). The reason stands above.")
    # A file changed while setup ran may not be in it: then the mark below does not fit, and setup runs again.
    stamp = {**stamp, "mark": mark, "schema": schema_of(settings.database_url)}
    write_stamp(settings.instance, stamp)
    return True


def new_sign_ins(instance: Path) -> list[str]:
    """The lines that show the demonstration sign-ins, when their file has not been shown before."""
    path = instance / SIGN_INS
    found = read_json(path)
    if not found:
        return []
    stamp = read_json(instance / STAMP) or {}
    made = path.stat().st_mtime_ns
    if stamp.get("sign_ins_shown") == made:
        return []
    write_stamp(instance, {**stamp, "sign_ins_shown": made})
    rows = found if isinstance(found, list) else [{"": name, **row} for name, row in found.items()]
    lines = ["", f"Demonstration sign-ins, shown once and kept in {path}:"]
    lines += ["  " + "  ".join(str(value) for value in row.values()) for row in rows]
    lines += [
        "Sign in at /staff: e-mail address, password, then the code that a code app shows for the long secret."
    ]
    lines += [
        "Without such an app: INCLUSION_INSTANCE="
        + str(instance)
        + " .venv/bin/flask --app wsgi demo code EMAIL"
    ]
    return lines


def service_programs(settings: Settings, python: str) -> list[Program]:
    """The three programs of the service.

    The application is loaded once and then forked, so a web worker shares most of its memory. Who the proxies
    are is decided by INCLUSION_TRUSTED_HOPS alone, so the web server believes no forwarding header by itself.
    """
    web = [python, "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{WEB_SOCKET}", "--preload"]
    web += ["--worker-class", "gthread", "--workers", str(settings.workers), "--threads", str(THREADS)]
    web += ["--graceful-timeout", "4", "--keep-alive", "5", "--no-control-socket", "--log-level", "warning"]
    web += ["--forwarded-allow-ips", "", "--forwarder-headers", "", "--umask", str(0o077)]
    in_memory = "/dev/shm"  # noqa: S108 - a slow disk must not make a worker look hung
    if os.access(in_memory, os.W_OK):
        web += ["--worker-tmp-dir", in_memory]
    return [
        Program("web server", tuple(web), takes_port=True),
        Program("chores worker", (python, "-m", "flask", "--app", "wsgi", "worker"), after_web=True),
        Program(
            "paper service",
            (python, "-m", "inclusion_app.core.paper_service", "--instance", str(settings.instance)),
            after_web=True,
        ),
    ]


def serve(
    settings: Settings,
    port: int,
    *,
    programs: Sequence[Program] | None = None,
    setup: Sequence[str] | None = None,
) -> int:
    """Run the service until told to end; returns the exit code. Raises CannotStart.

    `programs` and `setup` stand in for the three programs and for `flask setup`. The ending signals and
    SIGCHLD must be blocked.
    """
    python = sys.executable
    environment = {
        **os.environ,
        "INCLUSION_INSTANCE": str(settings.instance),
        "INCLUSION_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    os.chdir(ROOT)
    lock = lock_instance(settings.instance)
    listener = open_port(port)
    watcher = Watcher(hold=lock)
    supervisor = Supervisor(
        list(service_programs(settings, python) if programs is None else programs),
        environment,
        listener,
        watcher=watcher,
        question=Question(port),
        on_ready=lambda: welcome(settings, port),
    )
    try:
        command = (python, "-m", "flask", "--app", "wsgi", "setup") if setup is None else setup
        return supervisor.run() if prepare(settings, environment, command, watcher) else 0
    finally:
        listener.close()
        supervisor.end()
        watcher.close()
        os.close(lock)


def welcome(settings: Settings, port: int) -> list[str]:
    """What the person at the terminal reads once pages are answered."""
    return [
        f"{settings.service_name} runs at {settings.base_url or f'http://{HOST}:{port}'}",
        *new_sign_ins(settings.instance),
        "Press Ctrl-C to end it.",
    ]


def main(
    arguments: Sequence[str] | None = None,
    *,
    programs: Sequence[Program] | None = None,
    setup: Sequence[str] | None = None,
) -> int:
    """The command line: 0 ended as asked, 1 cannot start, 2 wrong arguments; the rest as for `serve`."""
    parser = argparse.ArgumentParser(prog="serve", description="Run My digital roadmap on this machine.")
    parser.add_argument("--port", type=_port, default=8000, metavar="N", help="the port to answer at (8000)")
    parser.add_argument(
        "--instance",
        type=Path,
        default=Path(os.environ.get("INCLUSION_INSTANCE") or ROOT / "instance"),
        metavar="DIR",
        help="the folder that holds all state (instance)",
    )
    options = parser.parse_args(arguments)
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*ENDING, signal.SIGCHLD})
    try:
        settings = _settings(options.instance.resolve())
        return serve(settings, options.port, programs=programs, setup=setup)
    except CannotStart as err:
        say(f"serve: {err}", error=True)
        return 1


def _settings(instance: Path) -> Settings:
    try:
        settings = load_settings(instance=instance)
        (instance / "supervisor.lock").touch(0o600)
    except BadSetting as err:
        raise CannotStart(str(err)) from err
    except OSError as err:
        raise CannotStart(f"The instance folder cannot be used: {err}") from err
    return settings


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a whole number from 1 to 65535")


if __name__ == "__main__":
    sys.exit(main())
