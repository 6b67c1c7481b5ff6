"""The door to the paper service: finished HTML in, a tagged PDF out. Web workers never import WeasyPrint.

One answer a connection. Both ways: one byte of kind, four bytes of length (big-endian), then the body.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from inclusion_app.config import Settings
from inclusion_app.core import bilingual
from inclusion_app.core.assets import squeeze_css

FRAME = struct.Struct("!cI")
DRAW, PING = b"r", b"p"
DONE, BUSY, FAILED = b"d", b"b", b"f"
LARGEST_HTML = 4 * 1024 * 1024
# The service itself answers within its waiting time and its time for drawing; this only ends a dead line.
SECONDS = 36.0
# A web worker has eight threads. Those that wait for paper must not be all of them, or its pages stall.
AT_ONCE = 6
LONGEST_PATH = 100  # bytes a Unix socket's address can hold, less some
STYLES = Path(__file__).resolve().parents[2] / "static" / "css"
_places = threading.BoundedSemaphore(AT_ONCE)


class PaperBusy(Exception):
    """Too many papers at once, or the service is away: the page answers 503 and offers the print page."""


class PaperFailed(Exception):
    """No paper can be made from this HTML, however often it is tried: the print page is offered."""


def render_pdf(html: str, *, settings: Settings) -> bytes:
    """The tagged PDF of a finished HTML page that needs nothing else; the same page gives the same bytes.

    Blocks until the paper is there, at most half a minute. Hold no transaction meanwhile. Raises PaperBusy when
    this worker or the service has too much to do or the service is away, PaperFailed when the page cannot be drawn
    or is larger than LARGEST_HTML.
    """
    body = bilingual.own_half(html).encode()  # a paper brings its own English
    if len(body) > LARGEST_HTML:
        raise PaperFailed("too large")
    if not _places.acquire(blocking=False):
        raise PaperBusy("enough papers are waited for here")
    try:
        kind, answer = _ask(DRAW, body, settings.paper_socket, SECONDS)
    finally:
        _places.release()
    if kind == DONE:
        return answer
    if kind == FAILED:
        raise PaperFailed
    raise PaperBusy("full")


@functools.cache
def style_sheet(*names: str) -> Markup:
    """The print style, to stand inside a paper's own page: the service fetches nothing, so a page brings all it needs.

    `names` are the files of static/css/ this kind of paper is set by; the handout's when none is named.
    """
    parts = ("paperbase.css", *(names or ("paper.css",)))
    text = "\n".join((STYLES / part).read_text(encoding="utf-8") for part in parts)
    return Markup(squeeze_css(text))  # noqa: S704 - our own files


def ask_state(*, settings: Settings, seconds: float = 2.0) -> dict[str, Any]:
    """How the service is: `ready` (bool), `processes`, `waiting`, `drawn` (counts). Raises PaperBusy when it is away."""
    kind, answer = _ask(PING, b"", settings.paper_socket, seconds)
    state = json.loads(answer) if kind == DONE else None
    if not isinstance(state, dict):
        raise PaperBusy("no state")
    return state


def is_ready(*, settings: Settings, seconds: float = 2.0) -> bool:
    """True when a paper asked for now would be drawn at once or soon; False after `seconds` without an answer."""
    try:
        return bool(ask_state(settings=settings, seconds=seconds).get("ready"))
    except PaperBusy:
        return False


def _ask(kind: bytes, body: bytes, path: Path, seconds: float) -> tuple[bytes, bytes]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line, socket_address(path) as address:
            line.settimeout(seconds)
            line.connect(address)
            line.sendall(FRAME.pack(kind, len(body)) + body)
            answered, length = FRAME.unpack(_receive(line, FRAME.size))
            return answered, _receive(line, length)
    except (OSError, EOFError) as err:
        raise PaperBusy(type(err).__name__) from err


def _receive(line: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = line.recv(min(length, 65_536))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """An address for the socket at `path`: a Unix socket's own holds 107 bytes, and folders can lie deeper."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
