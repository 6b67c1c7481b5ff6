"""The handout through the paper service beside WeasyPrint alone: `python benchmarks/handout.py [--smoke]`.

Both draw the same finished pages, warm, in turns, so that a busy machine slows both. Alone means: this process, the
same fonts, one font configuration, the same kind of tagged PDF, and nothing else. Exit code 1 when ours needs more
than 1.25 times as long in any language, or a handout weighs more than 200 KB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inclusion_app.config import load_settings
from inclusion_app.core import paper
from inclusion_app.core.paper_fonts import conf_of, prepare_fonts
from tests.paper.samples import page, sample

ROOT = Path(__file__).resolve().parents[1]
GOAL = 1.25
HEAVIEST = 200_000
LANGS = {"en": "English", "ur": "Urdu", "ar": "Arabic"}


def megabytes(pid: int) -> tuple[float, float]:
    """What a process holds now, and of that what is its own and not shared."""
    rows = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        if line.endswith("kB")
    )
    kilobytes = {name: int(text.split()[0]) for name, text in rows.items()}
    return kilobytes["Rss"] / 1024, (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1024


def timed(work: object, *arguments: object) -> tuple[float, bytes]:
    """Milliseconds and what came back."""
    began = time.perf_counter()
    made = work(*arguments)  # type: ignore[operator]
    return (time.perf_counter() - began) * 1000, made


def main() -> int:
    """Print each figure beside its baseline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--smoke", action="store_true", help="a few rounds only: shows that it runs")
    rounds = 5 if parser.parse_args().smoke else 40
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({}, instance=Path(folder))
        prepare_fonts(settings.instance)
        os.environ["FONTCONFIG_FILE"] = str(conf_of(settings.instance))
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration

        fonts = FontConfiguration()

        def alone(html: str) -> bytes:
            return weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/ua-1", font_config=fonts)

        def ours(html: str) -> bytes:
            return paper.render_pdf(html, settings=settings)

        command = [sys.executable, "-m", "inclusion_app.core.paper_service", "--instance", folder]
        began = time.perf_counter()
        service = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            while not paper.is_ready(settings=settings):
                time.sleep(0.02)
            print(f"service ready after {time.perf_counter() - began:.2f} s")
            failed = False
            for lang, name in LANGS.items():
                html = page(sample(lang))
                for _ in range(4):  # every drawing process warm in this language
                    ours(html), alone(html)
                pairs = [(timed(ours, html), timed(alone, html)) for _ in range(rounds)]
                figure, base = (statistics.median(each[who][0] for each in pairs) for who in (0, 1))
                ratio = statistics.median(mine[0] / other[0] for mine, other in pairs)
                weight = len(pairs[0][0][1])
                failed = failed or ratio > GOAL or weight > HEAVIEST
                print(
                    f"handout {name:8} {figure:7.1f} ms | WeasyPrint alone {base:7.1f} ms ({ratio:.2f} x)"
                    f" | goal <= {GOAL} x | {weight / 1000:.0f} KB, goal <= {HEAVIEST // 1000} KB"
                )
            _twenty_at_once(ours, page(sample("ur")))
            _memory(service.pid)
        finally:
            service.terminate()
            service.wait(10)
    return int(failed)


def _twenty_at_once(ours: object, html: str) -> None:
    paper._places = threading.BoundedSemaphore(20)  # as several web workers together
    answers: list[str] = []

    def one() -> None:
        try:
            answers.append("served" if ours(html) else "")  # type: ignore[operator]
        except paper.PaperBusy:
            answers.append("refused")

    threads = [threading.Thread(target=one) for _ in range(20)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    print(
        f"20 Urdu handouts at once: {answers.count('served')} served, {answers.count('refused')} refused, in {took:.2f} s"
    )


def _memory(service: int) -> None:
    children = [int(pid) for pid in Path(f"/proc/{service}/task/{service}/children").read_text().split()]
    rows = [("service", service), *(("drawing process", pid) for pid in children)]
    for name, pid in rows:
        whole, own = megabytes(pid)
        print(f"{name:16} {whole:6.1f} MB resident, {own:6.1f} MB its own")


if __name__ == "__main__":
    sys.exit(main())
