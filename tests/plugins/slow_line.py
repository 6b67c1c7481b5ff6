"""A poor mobile line between browser and service: little width, long ways, segments that get lost.

Model, for each direction of the one line that all connections share: a segment of up to 1,460 bytes (and 40 of headers)
takes its share of the width, then half the round trip. A lost one is sent again after a time-out and uses the line
twice; what follows it on the same connection waits for it, as TCP delivers in order. A new connection costs a round
trip more. Slow start is not modelled: pages fit its first window.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

SEGMENT, HEADERS = 1_460, 40


@dataclass(frozen=True)
class Line:
    """Width in bits a second each way, round trip and retransmission time-out in seconds, share of lost segments."""

    bits: int = 50_000
    round_trip: float = 0.3
    loss: float = 0.02
    time_out: float = 1.0


class Way:
    """One direction of the line, shared by all connections."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self.bytes = self.segments = self.lost = 0


class SlowLine:
    """A proxy on a port of its own that passes everything on to one server, slowly. `url` is where it listens."""

    def __init__(self, target: str, line: Line | None = None, seed: int = 20261136) -> None:
        parts = urlsplit(target)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        # The dice's seed is fixed: a journey of some hundred segments loses two or three, never none by luck.
        self.line, self.dice = line or Line(), random.Random(seed)
        self.up, self.down = Way(), Way()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SlowLine:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_what: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._open: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            await asyncio.sleep(self.line.round_trip)
            far_reader, far = await asyncio.open_connection(self.host, self.port)
            await asyncio.gather(
                self._carry(self.up, reader, far), self._carry(self.down, far_reader, writer)
            )
        except (OSError, asyncio.CancelledError):
            pass  # the other side hung up, or the test is over
        finally:
            self._open.discard(task)
            for end in (writer, far):
                if end is not None:
                    end.close()
                    with suppress(OSError):
                        await end.wait_closed()

    async def _carry(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = asyncio.create_task(self._deliver(arrivals, writer))
        last = 0.0
        try:
            while True:
                data = await reader.read(SEGMENT)
                share = (len(data) + HEADERS) * 8 / self.line.bits
                way.free_at = max(self._loop.time(), way.free_at) + share
                arrival = way.free_at + self.line.round_trip / 2
                way.segments += 1
                way.bytes += len(data) + HEADERS
                if data and self.dice.random() < self.line.loss:
                    way.lost += 1
                    way.bytes += len(data) + HEADERS
                    way.free_at += share
                    arrival += self.line.time_out + share
                last = max(last, arrival)
                arrivals.put_nowait((last, data))
                if not data:
                    break
                await asyncio.sleep(max(0.0, way.free_at - self._loop.time()))
            await delivery
        finally:
            delivery.cancel()

    async def _deliver(
        self, arrivals: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            moment, data = await arrivals.get()
            await asyncio.sleep(max(0.0, moment - self._loop.time()))
            if not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


@pytest.fixture
def slow_line() -> Iterator[Callable[..., SlowLine]]:
    """slow_line(url, line) → SlowLine in front of the server at this address."""
    running: list[SlowLine] = []

    def start(target: str, line: Line | None = None) -> SlowLine:
        running.append(SlowLine(target, line).__enter__())
        return running[-1]

    yield start
    for proxy in running:
        proxy.__exit__()
