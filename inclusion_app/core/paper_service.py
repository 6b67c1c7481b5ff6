"""The paper service: `python -m inclusion_app.core.paper_service --instance DIR`.

One per instance, beside the web workers. A spawned process a core draws papers; a bounded number waits; more are
refused at once, so that nobody's page stalls. It fetches nothing: no network, no file.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import signal
import socketserver
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from inclusion_app.core.paper import BUSY, DONE, FAILED, HEADER, LARGEST_HTML, LENGTH, receive

SECONDS = 20
WAITING = 24
PAPERS_PER_PROCESS = 300
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""
_drawing: dict[str, Any] = {}


def use_own_fonts(instance: Path) -> None:
    """Point fontconfig at a configuration of our own with a cache we may write."""
    cache = instance / "font-cache"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = instance / "fonts.conf"
    path.write_text(FONTS.format(cache=cache), encoding="utf-8")
    os.environ["FONTCONFIG_FILE"] = str(path)


def _fetch_nothing(url: str, *_args: Any, **_kwargs: Any) -> Any:
    raise ValueError(f"a paper fetches nothing: {url[:20]}")


def draw(html: str) -> bytes:
    """One PDF/UA-1 tagged paper; the same HTML gives the same bytes. Runs in a process of the pool."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    if "fonts" not in _drawing:
        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # its messages could quote the paper
        _drawing["fonts"] = FontConfiguration()
    document = weasyprint.HTML(string=html, url_fetcher=_fetch_nothing)
    pdf: bytes = document.write_pdf(pdf_variant="pdf/ua-1", font_config=_drawing["fonts"], pdf_identifier=b"roadmap")
    return pdf


def _start_process() -> None:
    os.nice(5)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    draw("<!doctype html><html lang=en><title>Warm</title><p>Warm</p></html>")


class Drawers:
    """The pool of processes; replaced whole when one hangs or dies."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.lock = threading.Lock()
        self.pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_process,
            max_tasks_per_child=PAPERS_PER_PROCESS,
        )

    def draw(self, html: str) -> bytes:
        """Draw within the time limit. Raises TooLong or BrokenProcessPool, or what the drawing raised."""
        pool = self.pool
        try:
            # The limit counts from the start of waiting; the queue is short enough for that.
            return pool.submit(draw, html).result(timeout=SECONDS)
        except (TooLong, BrokenProcessPool):
            self._replace(pool)
            raise

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self.lock:
            if self.pool is broken:
                self.pool = self._make()
                for process in list((broken._processes or {}).values()):
                    process.kill()
                broken.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End every process."""
        for process in list((self.pool._processes or {}).values()):
            process.terminate()
        self.pool.shutdown(wait=False, cancel_futures=True)


class PaperServer(socketserver.ThreadingUnixStreamServer):
    """Takes papers over a socket that only this user can open."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, drawers: Drawers) -> None:
        self.places = threading.BoundedSemaphore(WAITING)
        self.drawers = drawers
        path.unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            super().__init__(str(path), Job)
        finally:
            os.umask(old)


class Job(socketserver.BaseRequestHandler):
    """One paper."""

    server: PaperServer

    def handle(self) -> None:
        """Read the HTML, answer done, busy or failed."""
        self.request.settimeout(SECONDS)
        if not self.server.places.acquire(blocking=False):
            self._answer(BUSY, b"")
            return
        try:
            (length,) = LENGTH.unpack(receive(self.request, LENGTH.size))
            if length > LARGEST_HTML:
                self._answer(FAILED, b"")
                return
            self._answer(DONE, self.server.drawers.draw(receive(self.request, length).decode()))
        except (TooLong, BrokenProcessPool):
            self._answer(BUSY, b"")
        except (EOFError, OSError):
            return
        except Exception as err:  # noqa: BLE001 - a paper that cannot be drawn must not end the service
            print(f"paper failed: {type(err).__name__}", file=sys.stderr, flush=True)
            self._answer(FAILED, b"")
        finally:
            self.server.places.release()

    def _answer(self, kind: bytes, body: bytes) -> None:
        try:
            self.request.sendall(HEADER.pack(kind, len(body)) + body)
        except OSError:
            return


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instance", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    use_own_fonts(given.instance)
    drawers = Drawers(given.processes)
    server = PaperServer(given.instance / "paper.sock", drawers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print("paper service ready", flush=True)
    try:
        server.serve_forever()
    finally:
        drawers.stop()
        (given.instance / "paper.sock").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
