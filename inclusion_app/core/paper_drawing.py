"""One drawing process of the paper service: HTML on its standard input, tagged PDF on its standard output.

The only place that imports WeasyPrint. It fetches nothing but `data:` addresses: no network, no file. It ends when
its input ends, so a service that was killed leaves none behind.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import os
import re
import resource
import signal
import sys
import unicodedata
from functools import cached_property
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any

from inclusion_app.core.paper import DONE, FAILED, FRAME
from inclusion_app.core.paper_fonts import chosen_files, conf_of, prepare_fonts

MEGABYTE = 1024 * 1024
MOST_DATA = 700 * MEGABYTE  # of a process's own memory; a handout needs 70
LONGEST = (
    25  # seconds after which a process that still draws one paper ends itself, should nobody else end it
)
# A paper says how many sides each of its parts may fill, and is set tighter where one does not fit. What each step
# of tightness saves is a guess that spares drawings; the paper's style sheet says what it does (static/css/paper.css).
PART = re.compile(r'<section id="([a-z0-9-]+)" data-sides="([1-9])" data-fit="([0-4])"')
HEIGHTS = (1.0, 0.95, 0.83, 0.76, 0.7)
WARMING = (
    '<!doctype html><html lang="ur" dir="rtl"><title>W</title><style>p{{font:14pt "{}"}}b{{display:table-cell}}</style>'
    "<ol><li><p>{}</p><b>1</b></ol></html>"
)


class Pencil:
    """Draws papers with the chosen fonts; with all the system's when a letter is in none of the chosen."""

    def __init__(self, instance: Path) -> None:
        self.instance = instance
        # WeasyPrint reads the environment when it is imported and whenever a configuration is made.
        os.environ["FONTCONFIG_FILE"] = str(conf_of(instance))
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration

        from inclusion_app.core.paper_tags import mend_tags

        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # its messages quote the paper
        logging.getLogger("fontTools").setLevel(logging.CRITICAL)
        mend_tags()
        self._html = weasyprint.HTML
        self._configuration = FontConfiguration
        self._fetcher = weasyprint.urls.URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
        self._chosen = FontConfiguration()

    def draw(self, html: str) -> bytes:
        """One PDF/UA-1 tagged paper; the same HTML gives the same bytes."""
        fonts = self._chosen if self._covers(html) else self._all
        document = self._lay_out(html, fonts)
        for _try in range(len(HEIGHTS)):
            tighter = tighten(html, fill_of(document))
            if tighter == html:
                break
            html = tighter
            document = self._lay_out(html, fonts)
        name = hashlib.sha256(html.encode()).digest()[:16]
        pdf: bytes = document.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=name)
        return pdf

    def warm_up(self) -> None:
        """Draw a little of each script, so that the first person does not wait for the fonts to be read."""
        for family, text in (
            ("Noto Sans", "Warm"),
            ("Noto Nastaliq Urdu", "گرم"),
            ("Noto Naskh Arabic", "دافئ"),
        ):
            self.draw(WARMING.format(family, text))
        self._covers("")

    def _lay_out(self, html: str, fonts: Any) -> Any:
        return self._html(string=html, url_fetcher=self._fetcher).render(
            font_config=fonts, pdf_variant="pdf/ua-1"
        )

    def _covers(self, html: str) -> bool:
        missing = {letter for letter in set(html) if ord(letter) not in self._letters}
        return all(unicodedata.category(letter) in {"Cc", "Cf", "Zs", "Zl", "Zp"} for letter in missing)

    @cached_property
    def _letters(self) -> frozenset[int]:
        from fontTools.ttLib import TTFont

        found: set[int] = set()
        for path in chosen_files(self.instance):
            with TTFont(path, lazy=True, fontNumber=0) as font:
                found.update(font["cmap"].getBestCmap())
        return frozenset(found)

    @cached_property
    def _all(self) -> Any:
        os.environ["FONTCONFIG_FILE"] = str(conf_of(self.instance, everything=True))
        try:
            return self._configuration()
        finally:
            os.environ["FONTCONFIG_FILE"] = str(conf_of(self.instance))


def fill_of(document: Any) -> dict[str, tuple[int, float]]:
    """For each part (a section with an id): the sides it stands on, and how many it fills, as laid out."""
    found: dict[str, tuple[int, float]] = {}
    for page in document.pages:
        frame = page._page_box
        for box in frame.descendants():
            if box.element_tag == "section" and box.element is not None and (name := box.element.get("id")):
                sides, filled = found.get(name, (0, 0.0))
                # Blocks are counted, not the room up to the page's end that a block too tall for it left.
                blocks = sum(child.margin_height() for child in box.children if child.is_in_normal_flow())
                found[name] = (sides + 1, filled + blocks / frame.height)
    return found


def tighten(html: str, fill: dict[str, tuple[int, float]]) -> str:
    """The page with every part that spills over set as much tighter as should do; unchanged when nothing can help.

    `fill` is fill_of() of the page as it is.
    """

    def tightened(part: re.Match[str]) -> str:
        name, allowed, fit = part[1], int(part[2]), int(part[3])
        sides, filled = fill.get(name, (0, 0.0))
        if sides <= allowed or fit + 1 >= len(HEIGHTS):
            return part[0]
        needed = allowed / filled * HEIGHTS[fit]
        fit = next(
            (step for step in range(fit + 1, len(HEIGHTS)) if HEIGHTS[step] <= needed), len(HEIGHTS) - 1
        )
        return f'<section id="{name}" data-sides="{allowed}" data-fit="{fit}"'

    return PART.sub(tightened, html)


def memory_megabytes() -> int:
    """This process's memory in use now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // MEGABYTE


def serve(pencil: Pencil, read: BufferedReader, write: BufferedWriter) -> None:
    """Answer papers until the input ends. Each answer begins with four bytes: the memory in use in megabytes."""
    _answer(write, DONE, b"")
    while head := read.read(FRAME.size):
        _kind, length = FRAME.unpack(head)
        html = read.read(length).decode(errors="replace")
        signal.alarm(LONGEST)
        try:
            kind, pdf = DONE, pencil.draw(html)
        except Exception as err:  # noqa: BLE001 - one bad page must not cost the process
            # The kind of error only: its words could be the paper's.
            print(f"paper service: a paper failed: {type(err).__name__}", file=sys.stderr, flush=True)
            kind, pdf = FAILED, b""
        signal.alarm(0)
        _answer(write, kind, pdf)


def _answer(write: BufferedWriter, kind: bytes, pdf: bytes) -> None:
    body = memory_megabytes().to_bytes(4, "big") + pdf
    write.write(FRAME.pack(kind, len(body)) + body)
    write.flush()


def main() -> None:
    """Warm up, say so, draw."""
    parser = argparse.ArgumentParser(description="Draws papers for the paper service.")
    parser.add_argument("--instance", type=Path, required=True)
    instance: Path = parser.parse_args().instance.resolve()
    # The service alone decides when this process ends: a Ctrl-C reaches both.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA, MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold somebody's paper
    read = sys.stdin.buffer
    write = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not fall among the answers
    if not conf_of(instance).exists():
        prepare_fonts(instance)
    pencil = Pencil(instance)
    pencil.warm_up()
    with contextlib.suppress(BrokenPipeError):
        serve(pencil, read, write)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
