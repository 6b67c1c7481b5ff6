"""Files outside the database and the web root: each lies in a folder of the instance under the sha256 of its bytes.

A file is what its first bytes say, never what its name says. Photos lose what a camera writes beside the picture: where
it was taken is nobody's business. Rooms say which kinds they take and which rows name a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

UNNAMED = timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n"
# What ends a scan of a JPEG.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
# What a picture needs to be seen; all other parts of a PNG may tell of its maker.
PNG_PARTS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB"}


def write(folder: Path, data: bytes) -> str:
    """Keep these bytes, whole or not at all, for nobody's eyes but the service's. Returns their name."""
    name = hashlib.sha256(data).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        # It is as young as the row that will name it: nobody sweeps it away meanwhile.
        os.utime(folder / name)
        return name
    handle, made = tempfile.mkstemp(dir=folder)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(folder / name)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return name


def read(folder: Path, name: str) -> bytes | None:
    """The bytes of this name; None where they are gone, or are not what was kept."""
    path = folder / name
    if not path.is_file():
        return None
    data = path.read_bytes()
    return data if hashlib.sha256(data).hexdigest() == name else None


def are_old(folder: Path, now: datetime) -> list[Path]:
    """The files that were written more than a day ago: those of which a row must tell by now."""
    before = (now - UNNAMED).timestamp()
    return [path for path in folder.glob("*") if path.stat().st_mtime < before] if folder.is_dir() else []


def delete_unnamed(old: Collection[Path], named: Collection[str], *, now: datetime) -> int:
    """Delete those of these old files that no row names. Returns how many went.

    They are left by a sending that was refused at the end, by rows that went, or by a restore of an older database. Who
    sends the same bytes in this moment keeps them: a file is moved aside first, and put back when it was touched.
    """
    before = (now - UNNAMED).timestamp()
    gone = 0
    for path in old:
        if path.name in named:
            continue
        aside = path.with_name(f".{path.name}.gone")
        path.rename(aside)
        if aside.stat().st_mtime < before:
            aside.unlink()
            gone += 1
        elif not path.exists():
            aside.rename(path)
    return gone


def media_type_of(data: bytes) -> str:
    """What the bytes are; "" for what is none of the kinds known here."""
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(PNG):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    text = text_of(data)
    if text is None:
        return ""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return "text/csv" if any(sign in first for sign in ",;\t") else "text/plain"


def text_of(data: bytes) -> str | None:
    """The words of a text file in one of the usual encodings; None for what is no text."""
    for encoding in ("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if all(sign.isprintable() or sign in "\r\n\t\f" for sign in text) else None
    return None


def picture_alone(data: bytes, media_type: str) -> bytes:
    """A PNG or JPEG without place, time, maker, and whatever hangs behind its end. Raises ValueError for one cut short."""
    try:
        if media_type == "image/png":
            return PNG + b"".join(_png_parts(data))
        return b"\xff\xd8" + b"".join(_jpeg_parts(data))
    except IndexError:
        raise ValueError("the picture is cut short") from None


def _png_parts(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while True:
        length = int.from_bytes(data[at : at + 4])
        part = data[at : at + length + 12]
        if len(part) < length + 12:
            raise IndexError
        if part[4:8] in PNG_PARTS:
            yield part
        if part[4:8] == b"IEND":
            return
        at += length + 12


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    """All segments but APP1 to APP15 and comments (ITU-T T.81, annex B), and the scans, up to the end of the picture.

    What cameras hang on behind the end (a second picture, a film) has a place and a maker of its own.
    """
    at = 2
    while True:
        if data[at] != 0xFF:
            raise IndexError
        sign = data[at + 1]
        if sign == 0xFF:  # a byte that fills
            at += 1
            continue
        if sign == 0xD9:
            yield data[at : at + 2]
            return
        length = int.from_bytes(data[at + 2 : at + 4]) + 2
        end = at + length
        if length < 4 or len(data) < end:
            raise IndexError
        if sign == 0xDA:
            end = _end_of_scan(data, end)
        if not (0xE1 <= sign <= 0xEF or sign == 0xFE):
            yield data[at:end]
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker stands: within a scan one is followed by nought, or counts the parts of it (RST)."""
    marker = MARKER.search(data, at)
    if marker is None:
        raise IndexError
    return marker.start()
