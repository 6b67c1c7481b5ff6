"""The paper service: real papers through the real service, and its manners with small stand-in drawers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from inclusion_app.config import Settings
from inclusion_app.core import paper
from inclusion_app.core.paper import PaperBusy, PaperFailed
from inclusion_app.core.paper_drawing import HEIGHTS, tighten
from inclusion_app.core.paper_fonts import chosen_files, conf_of, prepare_fonts
from inclusion_app.core.paper_service import Limits, PaperService, lock_instance
from tests.conftest import settings_for
from tests.core.pdf_checks import problems, read_tags

ROOT = Path(__file__).resolve().parents[2]
PAGE = '<!doctype html><html lang="{lang}"><head><title>Paper</title><style>{css}</style></head><body>{body}</body></html>'

# Answers each paper at once with its own process id and the paper; some words make it behave badly.
STAND_IN = """
import os, struct, sys, time
frame = struct.Struct("!cI")
def answer(kind, body, megabytes=50):
    body = megabytes.to_bytes(4, "big") + body
    sys.stdout.buffer.write(frame.pack(kind, len(body)) + body); sys.stdout.buffer.flush()
answer(b"d", b"")
while head := sys.stdin.buffer.read(frame.size):
    words = sys.stdin.buffer.read(frame.unpack(head)[1]).decode()
    if words == "hang": time.sleep(600)
    if words == "die": os._exit(9)
    if words == "slow": time.sleep(0.2)
    answer(b"f" if words == "bad" else b"d", f"{os.getpid()} {words}".encode(), 900 if words == "grow" else 50)
"""


def html(body: str, lang: str = "en", css: str = "") -> str:
    """A whole page."""
    return PAGE.format(lang=lang, body=body, css=css)


def wait_until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer; fails the test when there is none in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if answer := true():
            return answer
        time.sleep(0.02)
    pytest.fail("waited in vain")


def all_at_once(count: int, ask: Callable[[], Any]) -> Counter[str]:
    """Ask that often at the same moment; how often each kind of answer came back. No call may be lost."""
    answers: list[str] = []
    start = threading.Barrier(count)

    def one() -> None:
        start.wait()
        try:
            ask()
            answers.append("served")
        except (PaperBusy, PaperFailed) as err:
            answers.append(type(err).__name__)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(answers)


@pytest.fixture
def no_door_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many callers as several web workers would have."""
    monkeypatch.setattr(paper, "_places", threading.BoundedSemaphore(100))


class Service:
    """The service in a thread of the test, with stand-in drawers."""

    def __init__(self, folder: Path, processes: int = 1, **limits: Any) -> None:
        self.settings = settings_for(folder)
        defaults: dict[str, Any] = {"read_seconds": 0.5, "draw_seconds": 2.0, "stop_seconds": 1.0}
        self.service = PaperService(
            folder, processes, Limits(**{**defaults, **limits}), (sys.executable, "-c", STAND_IN)
        )
        self.loop = asyncio.new_event_loop()
        self.ended = asyncio.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        wait_until(lambda: paper.is_ready(settings=self.settings))

    def _run(self) -> None:
        self.loop.run_until_complete(self.service.run(self.ended))
        self.loop.close()

    def ask(self, words: str) -> str:
        """What a drawer answers, without its process id."""
        return self.ask_whole(words).split(" ", 1)[1]

    def ask_whole(self, words: str) -> str:
        """What a drawer answers: its process id and the words."""
        return paper.render_pdf(words, settings=self.settings).decode()

    def end(self) -> None:
        """As SIGTERM would."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.ended.set)
            self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services with stand-in drawers and ends them."""
    started: list[Service] = []

    def make(**options: Any) -> Service:
        started.append(Service(tmp_path, **options))
        return started[-1]

    yield make
    for service in started:
        service.end()


def test_a_paper_goes_in_and_comes_out(start: Callable[..., Service]) -> None:
    assert start().ask("words: ‏چھپا") == "words: ‏چھپا"


def test_a_bad_paper_fails_and_costs_nothing(start: Callable[..., Service]) -> None:
    service = start()
    before = service.ask_whole("one").split()[0]
    with pytest.raises(PaperFailed):
        service.ask("bad")
    assert service.ask_whole("two").split()[0] == before


def test_a_paper_that_hangs_is_ended_and_its_process_replaced(start: Callable[..., Service]) -> None:
    service = start(draw_seconds=0.4)
    before = int(service.ask_whole("one").split()[0])
    with pytest.raises(PaperFailed):
        service.ask("hang")
    after = int(service.ask_whole("two").split()[0])
    assert after != before
    assert not Path(f"/proc/{before}").exists()


def test_a_paper_that_hangs_holds_up_nobody_else(start: Callable[..., Service]) -> None:
    service = start(processes=2, draw_seconds=3.0)
    hanging = threading.Thread(target=lambda: pytest.raises(PaperFailed, service.ask, "hang"))
    hanging.start()
    began = time.monotonic()
    assert [service.ask(str(number)) for number in range(5)] == list("01234")
    assert time.monotonic() - began < 2.0
    hanging.join()


def test_a_process_that_dies_fails_its_paper_only(start: Callable[..., Service]) -> None:
    service = start()
    with pytest.raises(PaperFailed):
        service.ask("die")
    assert service.ask("next") == "next"


def test_a_process_is_replaced_after_its_share_of_papers(start: Callable[..., Service]) -> None:
    service = start(papers_per_process=3)
    pids = [service.ask_whole("x").split()[0] for _ in range(7)]
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]


def test_a_process_that_has_grown_is_replaced_and_its_paper_delivered(start: Callable[..., Service]) -> None:
    service = start()
    before, words = service.ask_whole("grow").split()
    assert words == "grow"
    assert service.ask_whole("next").split()[0] != before


@pytest.mark.usefixtures("no_door_limit")
def test_more_papers_than_room_are_refused_at_once_and_none_is_lost(start: Callable[..., Service]) -> None:
    service = start(waiting=2)
    began = time.monotonic()
    answers = all_at_once(12, lambda: service.ask("slow"))
    # One is drawn and two wait; the others hear at once that there is no room.
    assert answers == {"served": 3, "PaperBusy": 9}
    assert time.monotonic() - began < 2.0
    assert service.ask("after") == "after"


def test_a_paper_that_waited_too_long_is_refused(start: Callable[..., Service]) -> None:
    service = start(wait_seconds=0.1)
    answers = all_at_once(4, lambda: service.ask("slow"))
    assert answers["served"] == 1
    assert answers["PaperBusy"] == 3


def test_the_door_keeps_threads_free_for_pages(start: Callable[..., Service]) -> None:
    service = start()
    answers = all_at_once(paper.AT_ONCE + 4, lambda: service.ask("slow"))
    assert answers == {"served": paper.AT_ONCE, "PaperBusy": 4}


def test_a_door_that_was_full_opens_again(start: Callable[..., Service]) -> None:
    service = start()
    all_at_once(paper.AT_ONCE + 4, lambda: service.ask("slow"))
    assert all_at_once(paper.AT_ONCE, lambda: service.ask("x")) == {"served": paper.AT_ONCE}


def test_without_a_service_the_door_is_busy(tmp_path: Path) -> None:
    with pytest.raises(PaperBusy):
        paper.render_pdf("x", settings=settings_for(tmp_path))
    assert not paper.is_ready(settings=settings_for(tmp_path))


def test_a_page_that_is_too_large_fails_before_it_is_sent(tmp_path: Path) -> None:
    with pytest.raises(PaperFailed):
        paper.render_pdf("x" * (paper.LARGEST_HTML + 1), settings=settings_for(tmp_path))


def test_the_service_refuses_what_is_too_large_too(start: Callable[..., Service]) -> None:
    service = start()
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(str(service.settings.paper_socket))
        line.sendall(paper.FRAME.pack(paper.DRAW, paper.LARGEST_HTML + 1))
        assert line.recv(1) == paper.FAILED


def test_somebody_who_says_nothing_takes_no_place(start: Callable[..., Service]) -> None:
    service = start(waiting=0)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(str(service.settings.paper_socket))
        line.sendall(paper.FRAME.pack(paper.DRAW, 1000) + b"half a paper")
        wait_until(lambda: service.service.inside == 1)
        with pytest.raises(PaperBusy):
            service.ask("no room")
        assert line.recv(1) == b""  # hung up on after half a second
    assert wait_until(lambda: service.service.inside == 0)
    assert service.ask("room again") == "room again"


def test_a_paper_nobody_waits_for_any_more_is_not_drawn(start: Callable[..., Service]) -> None:
    service = start()
    slow = threading.Thread(target=service.ask, args=("slow",))
    slow.start()
    wait_until(lambda: service.service.inside == 1)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(service.settings.paper_socket))
        line.sendall(paper.FRAME.pack(paper.DRAW, 4) + b"gone")
        wait_until(lambda: service.service.inside == 2)
    slow.join()
    wait_until(lambda: service.service.inside == 0)
    assert service.service.drawn == 1


def test_the_state_counts(start: Callable[..., Service]) -> None:
    service = start(processes=2)
    wait_until(lambda: paper.ask_state(settings=service.settings)["processes"] == 2)
    service.ask("x")
    assert paper.ask_state(settings=service.settings) == {
        "ready": True,
        "processes": 2,
        "waiting": 0,
        "drawn": 1,
    }


def test_only_this_account_can_open_the_socket(start: Callable[..., Service]) -> None:
    assert start().settings.paper_socket.stat().st_mode & 0o777 == 0o600


def test_a_socket_left_behind_is_replaced(tmp_path: Path, start: Callable[..., Service]) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "paper.sock"))
    assert start().ask("x") == "x"


def test_an_instance_may_lie_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("a-long-folder-name-" * 4) / ("another-long-name-" * 4)
    deep.mkdir(parents=True)
    assert len(str(deep / "paper.sock")) > 108  # what a Unix socket's address can hold
    service = Service(deep)
    try:
        assert service.ask("x") == "x"
    finally:
        service.end()
    assert not (deep / "paper.sock").exists()


def test_at_the_end_the_paper_at_hand_is_finished_and_the_waiting_are_refused(
    start: Callable[..., Service],
) -> None:
    service = start()
    answers: list[Counter[str]] = []
    asking = threading.Thread(target=lambda: answers.append(all_at_once(3, lambda: service.ask("slow"))))
    asking.start()
    wait_until(lambda: service.service.inside == 3)
    service.end()
    asking.join()
    assert answers == [{"served": 1, "PaperBusy": 2}]
    assert not service.settings.paper_socket.exists()


def test_the_end_does_not_wait_for_a_paper_that_hangs(start: Callable[..., Service]) -> None:
    service = start(draw_seconds=60.0)
    asking = threading.Thread(target=lambda: pytest.raises(PaperBusy, service.ask, "hang"))
    asking.start()
    wait_until(lambda: service.service.inside == 1)
    began = time.monotonic()
    service.end()
    asking.join()
    assert time.monotonic() - began < 3.0


def test_an_instance_has_one_paper_service(tmp_path: Path) -> None:
    first = lock_instance(tmp_path)
    with pytest.raises(BlockingIOError):
        lock_instance(tmp_path, patience=0.1)
    os.close(first)
    os.close(lock_instance(tmp_path, patience=0.1))


def test_neither_the_door_nor_the_service_loads_weasyprint() -> None:
    code = (
        "import sys, inclusion_app.core.paper, inclusion_app.core.paper_service, inclusion_app.roadmaps.handout_fit\n"
        "print(*{'weasyprint', 'pikepdf', 'fontTools'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- what is set tighter -----------------------------------------------------------------------------------------

SIDES = '<section id="{}" data-sides="{}" data-fit="{}" class="side">'


@pytest.mark.parametrize(
    ("fit", "sides", "filled", "wanted"),
    [
        (0, 1, 0.99, 0),  # fits
        (0, 2, 1.03, 1),  # a little too much
        (0, 2, 1.18, 2),
        (0, 2, 1.9, 4),  # far too much: the tightest there is
        (2, 2, 1.04, 3),  # a guess that was not enough goes on from where it stands
        (4, 2, 1.2, 4),  # nothing left to try
    ],
)
def test_a_part_that_spills_over_is_set_as_tight_as_it_needs(
    fit: int, sides: int, filled: float, wanted: int
) -> None:
    assert tighten(SIDES.format("front", 1, fit), {"front": (sides, filled)}) == SIDES.format(
        "front", 1, wanted
    )


def test_only_the_part_that_spills_over_is_set_tighter() -> None:
    page = SIDES.format("front", 1, 0) + SIDES.format("back", 2, 0)
    fill = {"front": (2, 1.03), "back": (2, 1.9)}
    assert tighten(page, fill) == SIDES.format("front", 1, 1) + SIDES.format("back", 2, 0)


def test_each_step_saves_more() -> None:
    assert list(HEIGHTS) == sorted(HEIGHTS, reverse=True)


# --- fonts -------------------------------------------------------------------------------------------------------


def test_the_chosen_fonts_are_found_and_linked(tmp_path: Path) -> None:
    assert prepare_fonts(tmp_path) == []
    names = [path.name for path in chosen_files(tmp_path)]
    assert {"NotoSans-Regular.ttf", "NotoNastaliqUrdu-Bold.ttf", "NotoNaskhArabic-Regular.ttf"} <= set(names)
    assert all(path.resolve().is_file() for path in chosen_files(tmp_path))


def test_missing_fonts_are_named(tmp_path: Path) -> None:
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "NotoSans-Regular.ttf").touch()
    missing = prepare_fonts(tmp_path, [tmp_path / "system"])
    assert "NotoNastaliqUrdu-Regular" in missing
    assert "NotoSans-Regular" not in missing


def test_fonts_are_prepared_again_and_old_links_go(tmp_path: Path) -> None:
    prepare_fonts(tmp_path)
    stray = tmp_path / "paper" / "fonts" / "Stray.ttf"
    stray.symlink_to("/nowhere")
    prepare_fonts(tmp_path)
    assert not stray.is_symlink()


def test_only_the_second_configuration_sees_the_system(tmp_path: Path) -> None:
    prepare_fonts(tmp_path)
    assert "/usr/share/fonts" not in conf_of(tmp_path).read_text()
    assert "<dir>/usr/share/fonts</dir>" in conf_of(tmp_path, everything=True).read_text()


# --- real papers -------------------------------------------------------------------------------------------------


def run_service(instance: Path) -> subprocess.Popen[str]:
    """The real service as `./serve` starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "inclusion_app.core.paper_service", "--instance", str(instance)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def children_of(pid: int) -> list[int]:
    """The processes a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ended(pid: int) -> bool:
    """True when a process runs no more, collected or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running paper service, warm."""
    settings = settings_for(tmp_path_factory.mktemp("paper"))
    process = run_service(settings.instance)
    wait_until(lambda: paper.is_ready(settings=settings), 60)
    yield settings
    process.terminate()
    assert process.wait(5) == 0
    assert process.stderr is not None
    process.stderr.close()


def fonts_of(pdf: bytes) -> set[str]:
    """The font families a PDF carries."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        names = [str(font.BaseFont) for font in document.objects if isinstance(font, pikepdf.Dictionary)
                 and font.get("/Type") == "/Font" and "/DescendantFonts" in font]  # fmt: skip
    return {re.sub(r"^/([A-Z]+\+)?", "", name).removesuffix("-Bold") for name in names}


def text_of(pdf: bytes) -> str:
    """The words as a program reads them from the page."""
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


@pytest.mark.paper
def test_a_paper_is_tagged_and_reads_out(real: Settings) -> None:
    body = "<h1>Title</h1><p>Words</p><ul><li>One</li></ul><table><tr><th scope='row'>Day</th><td>9:00</td></tr></table>"
    pdf = paper.render_pdf(html(body), settings=real)
    assert problems(pdf) == []
    assert "Title Words" in text_of(pdf)


PLANTED = {
    "the document has no language": html("<h1>T</h1>").replace(' lang="en"', ""),
    "the document has no title": html("<h1>T</h1>").replace("<title>Paper</title>", ""),
    "a heading of level 3 follows one of level 1": html("<h1>T</h1><h3>U</h3>"),
    "there are 2 main headings": html("<h1>T</h1><h1>U</h1>"),
    "there are 0 main headings": html("<p>T</p>"),
    "a picture has no words": html('<h1>T</h1><svg viewBox="0 0 9 9" width="9"><path d="M0 0h9v9z"/></svg>'),
    "a cell of a table does not name its header": html(
        "<h1>T</h1><table><tr><td>a</td><td>b</td></tr></table>"
    ),
}


@pytest.mark.paper
@pytest.mark.parametrize("wanted", PLANTED)
def test_the_checks_find_a_planted_fault(real: Settings, wanted: str) -> None:
    assert wanted in problems(paper.render_pdf(PLANTED[wanted], settings=real))


@pytest.mark.paper
def test_the_checks_find_what_was_taken_out_of_a_paper(real: Settings) -> None:
    link = '<p><a href="https://example.org/">Words</a></p>'
    pdf = paper.render_pdf(html(f"<h1>T</h1>{link}"), settings=real)

    def without(change: Callable[[pikepdf.Pdf], None]) -> list[str]:
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(pdf)) as document:
            change(document)
            document.save(out)
        return problems(out.getvalue())

    def no_mark(document: pikepdf.Pdf) -> None:
        document.Root.MarkInfo.Marked = False

    def no_tags(document: pikepdf.Pdf) -> None:
        del document.Root.StructTreeRoot

    def loose_stroke(document: pikepdf.Pdf) -> None:
        document.pages[0].contents_add(b"0 0 9 9 re f")

    def lost_content(document: pikepdf.Pdf) -> None:
        document.Root.StructTreeRoot.K[0].K = pikepdf.Array()

    def foreign_letters(document: pikepdf.Pdf) -> None:
        for font in document.objects:
            if isinstance(font, pikepdf.Dictionary) and "/ToUnicode" in font:
                del font["/ToUnicode"]

    def silent_link(document: pikepdf.Pdf) -> None:
        del document.pages[0].Annots[0].Contents

    assert without(lambda document: None) == []
    assert without(silent_link) == ["side 1: a link says nothing or is not in the tags"]
    assert without(no_mark) == ["the document does not say that it is tagged"]
    assert without(no_tags) == ["there are no tags"]
    assert without(loose_stroke) == ["side 1: 1 strokes are neither tagged nor marked as decoration"]
    assert "content 0 of side 1 is drawn and in no tag" in without(lost_content)
    assert "cannot be told" in without(foreign_letters)[0]


@pytest.mark.paper
def test_the_language_of_a_run_is_in_its_tag(real: Settings) -> None:
    pdf = paper.render_pdf(
        html('<h1>سلام</h1><p lang="en" dir="ltr">Hello</p><p>سلام</p>', "ur"), settings=real
    )
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.Root.Lang) == "ur"
        assert [tag.lang for tag in read_tags(document).all("P")] == ["en", ""]


@pytest.mark.paper
def test_decoration_is_in_no_tag_and_a_picture_is(real: Settings) -> None:
    svg = '<svg viewBox="0 0 9 9" width="9" {}><path fill="#000" d="M0 0h9v9z"/></svg>'
    body = (
        "<h1>T</h1>"
        + svg.format('aria-hidden="true"')
        + svg.format("").replace("><path", "><title>A map</title><path")
    )
    pdf = paper.render_pdf(html(body), settings=real)
    assert problems(pdf) == []
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert [tag.alt for tag in read_tags(document).all("Figure")] == ["A map"]


@pytest.mark.paper
@pytest.mark.parametrize(
    ("lang", "family", "words"),
    [
        (
            "ur",
            "Noto Nastaliq Urdu",
            "آپ اپنے فون پر اپنے ڈاکٹر کی سہولتیں دیکھ سکتے ہیں۔ یہ آسان ہے اور ہم ساتھ ہیں۔",
        ),
        ("ar", "Noto Naskh Arabic", "لا تعطِ أحداً رقمك السري. اسأل شخصاً تثق به أولاً، والآن خذ وقتك كله."),
    ],
)
def test_joined_letters_are_read_out_as_they_were_written(
    real: Settings, lang: str, family: str, words: str
) -> None:
    css = f'html {{ font: 20pt "{family}" }}'  # large enough for several lines
    body = f'<h1>{words}</h1><p dir="rtl">{words} <bdi dir="ltr">7726</bdi></p>'
    pdf = paper.render_pdf(html(body, lang, css), settings=real)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        heading = read_tags(document).all("H1")[0]
    assert len(heading.kids) > 1
    assert "".join(tag.actual_text for tag in heading.walk()) == words


@pytest.mark.paper
@pytest.mark.parametrize(
    ("lang", "family", "words"),
    [
        ("bn", "Noto Sans Bengali", "আপনি বাড়ি থেকে ওষুধ কিনতে পারেন।"),
        ("pa", "Noto Sans Gurmukhi", "ਤੁਸੀਂ ਘਰੋਂ ਦਵਾਈ ਮੰਗਵਾ ਸਕਦੇ ਹੋ।"),
    ],
)
def test_moved_letters_are_read_from_the_page_as_they_were_written(
    real: Settings, lang: str, family: str, words: str
) -> None:
    pdf = paper.render_pdf(
        html(f"<h1>{words}</h1>", lang, f'html {{ font: 12pt "{family}" }}'), settings=real
    )
    assert text_of(pdf) == words


@pytest.mark.paper
@pytest.mark.usefixtures("no_door_limit")
def test_the_same_page_gives_the_same_bytes_in_every_process(real: Settings) -> None:
    page = html('<h1>Same</h1><p lang="ur">ایک ہی</p>', css=":lang(ur) { font-family: 'Noto Nastaliq Urdu' }")
    pdfs: list[bytes] = []
    answers = all_at_once(12, lambda: pdfs.append(paper.render_pdf(page, settings=real)))
    assert answers == {"served": 12}
    assert len(set(pdfs)) == 1


@pytest.mark.paper
def test_a_paper_fetches_nothing(real: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="20">the secret words</text></svg>')
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen()
        web.setblocking(False)
        address = f"http://127.0.0.1:{web.getsockname()[1]}/x"
        for url in (address, secret.as_uri(), str(secret), "//" + address.split("//")[1]):
            body = (
                f'<h1>Open</h1><img alt="a" src="{url}"><object data="{url}"></object><svg width="9" height="9">'
                f'<title>b</title><image href="{url}" width="9" height="9"/><use href="{url}#a"/></svg>'
                f'<p style="background:url({url}) 0 0/9pt">c</p>'
            )
            css = f'@import "{url}"; @font-face {{ font-family: f; src: url({url}) }} p {{ font-family: f }}'
            page = html(body, css=css).replace(
                "</head>", f'<link rel="stylesheet" href="{url}"><link rel="attachment" href="{url}"></head>'
            )
            pdf = paper.render_pdf(page, settings=real)
            assert "secret" not in text_of(pdf)
            assert "the document carries a file or a script" not in problems(pdf)
        with pytest.raises(BlockingIOError):
            web.accept()


@pytest.mark.paper
def test_a_picture_inside_the_page_is_drawn(real: Settings) -> None:
    svg = "%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'%3E%3Crect width='9' height='9'/%3E%3C/svg%3E"
    page = '<h1>T</h1><img alt="A square" src="{}">'
    drawn = paper.render_pdf(html(page.format(f"data:image/svg+xml,{svg}")), settings=real)
    with pikepdf.open(io.BytesIO(drawn)) as document:
        assert [tag.alt for tag in read_tags(document).all("Figure")] == ["A square"]
    assert problems(drawn) == []


@pytest.mark.paper
@pytest.mark.parametrize("name", ["ሰላም", "தமிழ்", "ქართული"])
def test_a_name_in_a_script_we_did_not_choose_is_no_row_of_boxes(real: Settings, name: str) -> None:
    pdf = paper.render_pdf(html(f"<h1>{name}</h1>", css='html { font-family: "Noto Sans" }'), settings=real)
    assert fonts_of(pdf)
    assert "Noto-Sans" not in fonts_of(pdf)  # where the box for a missing letter would come from


@pytest.mark.paper
@pytest.mark.usefixtures("no_door_limit")
def test_twenty_at_once_are_served_or_refused_and_none_is_lost(real: Settings) -> None:
    page = html("<h1>Twenty</h1>" + "<p>A line of words for a paper.</p>" * 40)
    answers = all_at_once(20, lambda: paper.render_pdf(page, settings=real))
    assert answers.total() == 20
    assert set(answers) <= {"served", "PaperBusy"}
    assert answers["served"] >= 10


@pytest.mark.paper
def test_sigterm_ends_all_of_it_within_five_seconds(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    process = run_service(tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline() == "paper service: ready\n"
    drawers = children_of(process.pid)
    assert drawers
    assert all(os.getpriority(os.PRIO_PROCESS, pid) >= 5 for pid in drawers)
    began = time.monotonic()
    process.terminate()
    assert process.wait(5) == 0
    assert time.monotonic() - began < 5
    wait_until(lambda: all(map(ended, drawers)), 1)
    assert not settings.paper_socket.exists()
    process.communicate()


@pytest.mark.paper
def test_drawers_end_with_a_service_that_was_killed_and_a_new_one_starts(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    first = run_service(tmp_path)
    wait_until(lambda: paper.is_ready(settings=settings), 60)
    drawers = children_of(first.pid)
    first.kill()
    first.communicate()
    wait_until(lambda: all(map(ended, drawers)), 10)
    assert settings.paper_socket.exists()
    second = run_service(tmp_path)
    wait_until(lambda: paper.is_ready(settings=settings), 60)
    assert paper.render_pdf(html("<h1>T</h1>"), settings=settings).startswith(b"%PDF")
    second.send_signal(signal.SIGINT)
    assert second.wait(5) == 0
    second.communicate()


@pytest.mark.paper
def test_a_drawer_may_not_take_the_machines_memory_nor_leave_a_paper_on_disk(tmp_path: Path) -> None:
    process = run_service(tmp_path)
    wait_until(lambda: paper.is_ready(settings=settings_for(tmp_path)), 60)
    limits = Path(f"/proc/{children_of(process.pid)[0]}/limits").read_text()
    process.terminate()
    process.communicate()
    assert re.search(r"^Max data size +734003200 ", limits, re.M)
    assert re.search(r"^Max core file size +0 ", limits, re.M)


def test_a_drawer_that_hangs_with_nobody_left_to_end_it_ends_itself(tmp_path: Path) -> None:
    code = """
import io, time
from inclusion_app.core import paper_drawing as drawing
from inclusion_app.core.paper import DRAW, FRAME
class Hanging:
    def draw(self, html): time.sleep(60)
drawing.LONGEST = 1
drawing.serve(Hanging(), io.BufferedReader(io.BytesIO(FRAME.pack(DRAW, 1) + b"x")), io.BufferedWriter(io.FileIO("out", "w")))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, timeout=20, check=False
    )
    assert done.returncode == -signal.SIGALRM
    assert time.monotonic() - began < 10


def test_the_state_is_plain_json(start: Callable[..., Service]) -> None:
    assert json.dumps(paper.ask_state(settings=start().settings))
