"""Static files: one style sheet and one script for every page, fingerprinted and compressed when built.

`build()` joins the parts, names the result by its content and writes a brotli copy beside it, so a browser
keeps it for a year and a first visit stays small.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from pathlib import Path

import brotli

STATIC = Path(__file__).resolve().parents[2] / "static"
BUILD = STATIC / "build"
KEPT_SECONDS = 30 * 24 * 3600
SHEET = (
    *("css/base.css", "css/linemap.css", "css/sheet.css"),
    *("css/paperpage.css", "css/paperbase.css", "css/paper.css"),
)
PARTS = {
    "app.css": ("css/base.css", "css/app.css", "css/linemap.css"),
    # The print page brings one sheet too: what frames a page, the sheet on a screen, and the sheet on paper.
    "print.css": SHEET,
    # The sheets of steps and of places, and a group's handout and list: the same, and what they alone have.
    "sheets.css": (*SHEET, "css/papersheets.css"),
    "groups.css": (*SHEET, "css/papergroups.css"),
    # The questions on paper.
    "check.css": (
        *("css/base.css", "css/checksheet.css"),
        *("css/paperpage.css", "css/paperbase.css", "css/checkpaper.css"),
    ),
    # The pages of the staff: tables, a menu, a dense look of the same parts.
    "staff.css": ("css/base.css", "css/app.css", "css/staff.css"),
    "staff.js": ("js/staff.js",),
    # The camera of the pages that scan; no other page brings it. Where a browser reads no squares by itself it fetches
    # the second one, which `npm run build` in static/vendor/readsquare makes.
    "scan.js": ("js/scan.js",),
    "readsquare.js": ("js/readsquare.js",),
    "app.js": ("js/app.js",),
    # Fetched when somebody asks to have a page read, so that no first visit pays for it.
    "read.js": ("js/read_aloud.js",),
    "icon.svg": ("icons/icon.svg",),
}

ON_PAPER = {
    "css/paperpage.css",
    "css/paperbase.css",
    "css/paper.css",
    "css/papersheets.css",
    "css/papergroups.css",
    "css/checkpaper.css",
}


def squeeze_css(text: str) -> str:
    """Drop comments and white space that a browser does not need."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?<=[\w-]): ", ":", text)
    return re.sub(r"\s*([{};,>])\s*", r"\1", text).replace(";}", "}").strip()


def squeeze_js(text: str) -> str:
    """Drop whole-line comments and indentation; nothing cleverer, so the script stays what was tested."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def build() -> dict[str, str]:
    """Write the built files and their manifest; returns {plain name: built name}."""
    BUILD.mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    for name, parts in PARTS.items():
        text = "\n".join(_read(part) for part in parts if (STATIC / part).exists())
        if name.endswith(".css"):
            text = squeeze_css(text)
        elif name.endswith(".js"):
            text = squeeze_js(text)
        data = text.encode()
        stem, ending = name.rsplit(".", 1)
        built = f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}.{ending}"
        _drop_old(stem, ending, keep=built)
        (BUILD / built).write_bytes(data)
        (BUILD / f"{built}.br").write_bytes(brotli.compress(data, quality=11))
        (BUILD / f"{built}.gz").write_bytes(gzip.compress(data, mtime=0))
        names[name] = built
    (BUILD / "manifest.json").write_text(json.dumps(names, indent=1, sort_keys=True))
    return names


def _read(part: str) -> str:
    text = (STATIC / part).read_text(encoding="utf-8")
    return f"@media print{{{text}}}" if part in ON_PAPER else text


def _drop_old(stem: str, ending: str, *, keep: str) -> None:
    """Delete the builds nobody names any more. A service that runs beside a newer checkout, or was not yet restarted,
    still sends the address of the build it started with.
    """
    oldest = time.time() - KEPT_SECONDS
    for old in BUILD.glob(f"{stem}.*.{ending}*"):
        if not old.name.startswith(keep) and old.stat().st_mtime < oldest:
            old.unlink(missing_ok=True)


def manifest() -> dict[str, str]:
    """The built names; builds them when they are not there or older than a part."""
    path = BUILD / "manifest.json"
    if path.exists():
        made = path.stat().st_mtime
        parts = [STATIC / part for group in PARTS.values() for part in group if (STATIC / part).exists()]
        if all(part.stat().st_mtime <= made for part in parts):
            found: dict[str, str] = json.loads(path.read_text())
            return found
    return build()
