"""The door to the paper service: finished HTML in, a tagged PDF out. Web workers never import WeasyPrint."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

HEADER = struct.Struct("!cI")
LENGTH = struct.Struct("!I")
DONE, BUSY, FAILED = b"d", b"b", b"f"
SECONDS = 30
LARGEST_HTML = 4 * 1024 * 1024


class PaperBusy(Exception):
    """Too many papers at once, or the service is away; the page offers the print page instead."""


class PaperFailed(Exception):
    """The paper could not be made from this HTML."""


def render_pdf(html: str, *, socket_path: Path) -> bytes:
    """The PDF of a finished HTML page. Raises PaperBusy or PaperFailed."""
    body = html.encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(SECONDS)
        try:
            line.connect(str(socket_path))
            line.sendall(LENGTH.pack(len(body)) + body)
            kind, length = HEADER.unpack(receive(line, HEADER.size))
            answer = receive(line, length)
        except (OSError, EOFError) as err:
            raise PaperBusy(type(err).__name__) from err
    if kind == BUSY:
        raise PaperBusy("full")
    if kind == FAILED:
        raise PaperFailed
    return answer


def receive(line: socket.socket, length: int) -> bytes:
    """Exactly so many bytes. Raises EOFError when the other side hangs up."""
    parts = []
    while length:
        part = line.recv(min(length, 65_536))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
