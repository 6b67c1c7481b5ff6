"""The paper service: `python -m inclusion_app.core.paper_service --instance DIR`.

One per instance, beside the web workers and nicer than they are. It answers on `paper.sock` in the instance
folder, which only the instance's own account can open. A drawing process a core makes the papers
(`paper_drawing`); a bounded number of papers waits, more are refused at once, so nobody's page stalls. A paper
that takes too long costs its process, which is replaced, and nothing else.

It writes down no word of a paper: they are people's own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from dataclasses import dataclass, field
from pathlib import Path

from inclusion_app.core.paper import BUSY, DONE, DRAW, FAILED, FRAME, LARGEST_HTML, PING, socket_address
from inclusion_app.core.paper_fonts import prepare_fonts

ROOT = Path(__file__).resolve().parents[2]
NICE = 5
MOST_PROCESSES = 4  # some 80 MB each


@dataclass(frozen=True)
class Limits:
    """Seconds and counts that keep the service answering. The waiting room is two full classes."""

    waiting: int = 24
    wait_seconds: float = 12.0
    draw_seconds: float = 20.0
    start_seconds: float = 60.0
    read_seconds: float = 5.0
    stop_seconds: float = 3.0
    papers_per_process: int = 200
    megabytes_per_process: int = 220


@dataclass(eq=False)
class Job:
    """One paper that somebody waits for."""

    html: bytes
    asked: float
    line: asyncio.StreamReader
    answer: asyncio.Future[tuple[bytes, bytes]] = field(default_factory=asyncio.Future)

    def settle(self, kind: bytes, body: bytes = b"") -> None:
        """Answer, unless that has been done."""
        if not self.answer.done():
            self.answer.set_result((kind, body))


class Drawer:
    """One drawing process after another: started, given papers, replaced when it hangs, dies or has grown."""

    def __init__(self, command: tuple[str, ...], limits: Limits) -> None:
        self.command = command
        self.limits = limits
        self.process: Process | None = None
        self.ready = False
        self.papers = 0

    async def serve(self, jobs: asyncio.Queue[Job]) -> None:
        """Take papers until cancelled."""
        pause = 0.5
        while True:
            try:
                await self._start()
                pause = 0.5
                while self.ready:
                    job = await jobs.get()
                    try:
                        await self._draw(job)
                    finally:
                        job.settle(BUSY)  # only when the service ends meanwhile: any other way has answered
            except (OSError, EOFError, TimeoutError) as err:
                say(f"a drawing process did not start: {type(err).__name__}")
                await asyncio.sleep(pause)
                pause = min(30.0, pause * 2)
            finally:
                await self.end()

    async def _start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        self.papers = 0
        await asyncio.wait_for(self._answer(), self.limits.start_seconds)
        self.ready = True

    async def _draw(self, job: Job) -> None:
        """Draw one paper and answer it; afterwards the process is fit for the next one or `ready` is false."""
        if time.monotonic() - job.asked > self.limits.wait_seconds:
            job.settle(BUSY)
            return
        if job.line.at_eof():  # nobody waits for it any more
            job.settle(FAILED)
            return
        assert self.process is not None and self.process.stdin is not None
        self.papers += 1
        try:
            self.process.stdin.write(FRAME.pack(DRAW, len(job.html)) + job.html)
            kind, body = await asyncio.wait_for(self._answer(), self.limits.draw_seconds)
            megabytes, pdf = int.from_bytes(body[:4], "big"), body[4:]
        except TimeoutError:
            say("a paper took too long; its process is replaced")
            job.settle(FAILED)
            self.ready = False
        except (OSError, EOFError):
            # Given to the next process it could end that one too.
            say("a drawing process died at work and is replaced")
            job.settle(FAILED)
            self.ready = False
        else:
            job.settle(kind, pdf)
            if megabytes > self.limits.megabytes_per_process or self.papers >= self.limits.papers_per_process:
                self.ready = False

    async def _answer(self) -> tuple[bytes, bytes]:
        assert self.process is not None and self.process.stdout is not None
        kind, length = FRAME.unpack(await self.process.stdout.readexactly(FRAME.size))
        return kind, await self.process.stdout.readexactly(length)

    async def end(self) -> None:
        """End the process at once: it holds nothing that is not in an answer."""
        self.ready = False
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class PaperService:
    """Takes papers from the door, lets them wait for a drawer, refuses politely when the room is full."""

    def __init__(
        self, instance: Path, processes: int, limits: Limits, command: tuple[str, ...] | None = None
    ) -> None:
        self.instance = instance
        self.limits = limits
        command = command or (
            sys.executable, "-m", "inclusion_app.core.paper_drawing", "--instance", str(instance),
        )  # fmt: skip
        self.drawers = [Drawer(command, limits) for _ in range(processes)]
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.inside = 0  # papers waited for: being read, waiting or being drawn
        self.drawn = 0
        self.stopping = False

    async def run(self, ended: asyncio.Event) -> None:
        """Serve until `ended`; then finish the papers at hand, refuse those waiting, and leave nothing behind."""
        path = self.instance / "paper.sock"
        listener = open_socket(path)
        server = await asyncio.start_unix_server(self._handle, sock=listener, backlog=64)
        drawers = [asyncio.create_task(drawer.serve(self.jobs)) for drawer in self.drawers]
        saying = asyncio.create_task(self._say_when_ready())
        try:
            await ended.wait()
        finally:
            self.stopping = True
            server.close()
            path.unlink(missing_ok=True)
            saying.cancel()
            while not self.jobs.empty():
                self.jobs.get_nowait().settle(BUSY)
            give_up = time.monotonic() + self.limits.stop_seconds
            while self.inside and time.monotonic() < give_up:
                await asyncio.sleep(0.02)
            for task in drawers:
                task.cancel()
            await asyncio.gather(*drawers, saying, return_exceptions=True)

    async def _say_when_ready(self) -> None:
        while not self.ready:
            await asyncio.sleep(0.05)
        say("ready")

    @property
    def ready(self) -> bool:
        """True when some process is warm and the waiting room has a place."""
        return not self.stopping and self.inside < self.room and any(drawer.ready for drawer in self.drawers)

    @property
    def room(self) -> int:
        """Papers that may be inside at once, those being drawn among them."""
        return self.limits.waiting + len(self.drawers)

    async def _handle(self, line: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """One question, one answer."""
        try:
            kind, body = await self._answer(line)
            back.write(FRAME.pack(kind, len(body)) + body)
            await asyncio.wait_for(back.drain(), self.limits.read_seconds)
        except (OSError, EOFError, TimeoutError):
            pass  # the other side went away
        finally:
            back.close()
            with contextlib.suppress(OSError):
                await back.wait_closed()

    async def _answer(self, line: asyncio.StreamReader) -> tuple[bytes, bytes]:
        head = await asyncio.wait_for(line.readexactly(FRAME.size), self.limits.read_seconds)
        kind, length = FRAME.unpack(head)
        if kind == PING:
            return DONE, json.dumps(self.state()).encode()
        if kind != DRAW or length > LARGEST_HTML:
            return FAILED, b""
        if self.stopping or self.inside >= self.room:
            return BUSY, b""
        self.inside += 1
        try:
            html = await asyncio.wait_for(line.readexactly(length), self.limits.read_seconds)
            job = Job(html, time.monotonic(), line)
            self.jobs.put_nowait(job)
            # With every drawer away nobody takes it out of the queue, so the wait has its own end here.
            limit = self.limits.wait_seconds + self.limits.draw_seconds + 1
            try:
                answered, body = await asyncio.wait_for(job.answer, limit)
            except TimeoutError:
                return BUSY, b""
            self.drawn += answered == DONE
            return answered, body
        finally:
            self.inside -= 1

    def state(self) -> dict[str, object]:
        """What a ping is told."""
        return {
            "ready": self.ready,
            "processes": sum(drawer.ready for drawer in self.drawers),
            "waiting": self.inside,
            "drawn": self.drawn,
        }


def open_socket(path: Path) -> socket.socket:
    """Listen at `path`, for this account only. A socket left by a service that was killed is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with socket_address(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    return listener


def lock_instance(instance: Path, *, patience: float = 6.0) -> int:
    """Hold the instance's paper for this process alone, waiting a little for one that is just ending.

    Returns the open lock. Raises BlockingIOError when another service keeps it: two would take each other's socket.
    """
    handle = os.open(instance / "paper.lock", os.O_RDWR | os.O_CREAT, 0o600)
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                os.close(handle)
                raise
            time.sleep(0.05)
        else:
            return handle


def say(words: str) -> None:
    """A line for the service's log."""
    print(f"paper service: {words}", file=sys.stderr, flush=True)


async def _serve(service: PaperService) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    await service.run(ended)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP: 0. 1 when this instance has a paper service already."""
    parser = argparse.ArgumentParser(description="Draws the papers of one instance.")
    parser.add_argument("--instance", type=Path, required=True, metavar="DIR")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--processes", type=int, default=min(cores, MOST_PROCESSES), metavar="N")
    given = parser.parse_args(arguments)
    instance: Path = given.instance.resolve()
    try:
        lock = lock_instance(instance)
    except OSError as err:
        say(f"another one has this instance, or the folder cannot be used ({type(err).__name__}): {instance}")
        return 1
    os.nice(NICE)
    missing = prepare_fonts(instance)
    if missing:
        say(f"fonts are missing, some letters will look wrong: {', '.join(missing)}")
    try:
        asyncio.run(_serve(PaperService(instance, max(1, given.processes), Limits())))
    finally:
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
