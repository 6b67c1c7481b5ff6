"""One golden picture per script and side: what was looked at and found right, compared with what is drawn now.

The pictures are keyed by the versions of WeasyPrint and of the fonts. Where a machine has others, letters may sit a
little elsewhere; then what the tags say is compared in place of the pictures, and the test prints that it did so.
What the tags say is compared in any case. `GOLDEN=write` makes pictures and tags anew, to be looked at before they
are committed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image, ImageChops

from inclusion_app.core.paper_fonts import REQUIRED, WEIGHTS, chosen_files, prepare_fonts
from tests.core.pdf_checks import Tag, read_tags, spoken
from tests.paper.samples import page, sample
from tests.paper.sheet_samples import sheet_page, step_sample, ward_sample

FOLDER = Path(__file__).with_name("golden")
KEY = FOLDER / "key.json"
LANGS = ("en", "ur", "ar")
# The name of each golden sheet: the handout's is that of its language.
SHEETS: dict[str, Callable[[], str]] = {
    **{lang: lambda lang=lang: page(sample(lang)) for lang in LANGS},  # type: ignore[misc]
    **{f"step-{lang}": lambda lang=lang: sheet_page(step_sample(lang)) for lang in LANGS},  # type: ignore[misc]
    **{f"ward-{lang}": lambda lang=lang: sheet_page(ward_sample(lang)) for lang in LANGS},  # type: ignore[misc]
}
BLOCK = 12  # pictures are compared in blocks of so many dots, some 6 mm
DIFFERENT = 16.0  # grey levels of 255 by which the worst block may differ in the mean
Draw = Callable[[str], bytes]


def key() -> dict[str, str]:
    """What the pictures depend on: the version of WeasyPrint, the bytes of the fonts."""
    with tempfile.TemporaryDirectory() as folder:
        prepare_fonts(Path(folder))
        fonts = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            for path in chosen_files(Path(folder))
        }
    needed = [f"{family}-{weight}.ttf" for family in REQUIRED for weight in WEIGHTS]
    return {"weasyprint": version("weasyprint"), **{name: fonts.get(name, "missing") for name in needed}}


def pictures(pdf: bytes) -> list[Image.Image]:
    """The sides in grey, 50 dots an inch."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", "50", "-gray", "-png", "-", f"{folder}/side"]
        subprocess.run(command, input=pdf, capture_output=True, check=True)
        return [Image.open(path).convert("L") for path in sorted(Path(folder).glob("side*.png"))]


def worst_block(one: Image.Image, other: Image.Image) -> float:
    """The mean difference in grey levels of the block that differs most: one changed word counts, a hair's breadth not."""
    assert one.size == other.size
    blocks = one.width // BLOCK + 1, one.height // BLOCK + 1
    softened = (picture.reduce(2).resize(one.size) for picture in (one, other))
    return float(ImageChops.difference(*softened).resize(blocks, Image.Resampling.BOX).getextrema()[1])


def shape(pdf: bytes) -> dict[str, Any]:
    """What the tags say: their kinds in order, and all that a screen reader is given to say."""

    def kinds(tag: Tag) -> list[str]:
        return [
            f"{tag.kind} {tag.lang} {tag.alt}".strip()
            for tag in tag.walk()
            if tag.kind not in {"Div", "NonStruct", "Span"}
        ]

    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {"tags": kinds(read_tags(document)), "says": spoken(pdf)}


def same_versions() -> bool:
    return bool(json.loads(KEY.read_text()) == key())


def golden(name: str) -> list[Image.Image]:
    return [Image.open(path).convert("L") for path in sorted(FOLDER.glob(f"{name}-[0-9].png"))]


@pytest.mark.paper
@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_looks_as_it_did(draw: Draw, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pdf = draw(SHEETS[name]())
    drawn = pictures(pdf)
    if os.environ.get("GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob(f"{name}-[0-9].png"):
            old.unlink()
        for side, picture in enumerate(drawn, 1):
            picture.quantize(16).save(FOLDER / f"{name}-{side}.png", optimize=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(shape(pdf), ensure_ascii=False, indent=1) + "\n")
        KEY.write_text(json.dumps(key(), indent=1) + "\n")
    if same_versions():
        differences = [worst_block(*pair) for pair in zip(drawn, golden(name), strict=True)]
        assert max(differences) <= DIFFERENT, differences
    else:
        with capsys.disabled():
            print(
                f"\n{name}: other versions than the golden pictures have; the tags are compared in their place"
            )
        assert shape(pdf) == json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.paper
@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_says_what_it_said(draw: Draw, name: str) -> None:
    assert shape(draw(SHEETS[name]())) == json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.paper
@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("Urdu in the wrong hand", ('"Noto Nastaliq Urdu"', '"Noto Naskh Arabic"')),
        ("letters that do not join", ("میرے اگلے قدم</h1>", "م‌ی‌ر‌ے‌ ا‌گ‌ل‌ے‌ ق‌د‌م</h1>")),
        ("boxes for letters", ("میرے اگلے قدم</h1>", "\ue000\ue001\ue002 \ue003\ue004</h1>")),
        ("a box to tick is lost", ('<span class="tick"></span>', "")),
        ("a number turned round", ("0800 144 8848", "8488 441 0080")),
    ],
)
def test_a_fault_would_be_seen(draw: Draw, fault: str, change: tuple[str, str]) -> None:
    html = page(sample("ur"))
    assert change[0] in html, fault
    right, wrong = pictures(draw(html)), pictures(draw(html.replace(*change)))
    assert max(worst_block(one, other) for one, other in zip(right, wrong, strict=False)) > DIFFERENT, fault


@pytest.mark.paper
def test_a_fault_would_be_heard(draw: Draw) -> None:
    whole = sample("ur")
    assert shape(draw(page(whole))) != shape(draw(page(replace(whole, goals=()))))


def test_the_key_names_what_a_picture_depends_on() -> None:
    assert len(key()) == 7
    assert "missing" not in key().values()
    assert set(json.loads(KEY.read_text())) == set(key())
