"""Our own reader of squares, for browsers that have none: it reads what our labels carry."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import segno

from inclusion_app.core.assets import squeeze_js

READER = Path(__file__).resolve().parents[2] / "static" / "js" / "readsquare.js"
SCALE = 5
PROGRAM = """
const { side, data } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const pixels = new Uint8ClampedArray(Buffer.from(data, "base64"));
process.stdout.write(String(globalThis.readSquare({ width: side, height: side, data: pixels }) || ""));
"""


def picture(text: str) -> tuple[int, bytes]:
    """The square of a text as a camera gives it: red, green, blue and how opaque."""
    code = segno.make(text, error="m", micro=False)
    rows = [
        [bool(one) for one in row for _ in range(SCALE)]
        for row in code.matrix_iter(border=4)
        for _ in range(SCALE)
    ]
    return len(rows), bytes(
        part for row in rows for dark in row for part in ((20, 20, 20, 255) if dark else (240, 240, 240, 255))
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_it_reads_our_labels_and_nothing_where_there_is_nothing() -> None:
    program = squeeze_js(READER.read_text(encoding="utf-8")) + PROGRAM

    def read(side: int, data: bytes) -> str:
        sent = json.dumps({"side": side, "data": base64.b64encode(data).decode()})
        run = subprocess.run(["node", "-e", program], input=sent, capture_output=True, text=True, check=True)
        return run.stdout

    for text in ("http://127.0.0.1:8000/d/MCR-00001J", "https://roadmap.example.org/d/MCR-99999X"):
        assert read(*picture(text)) == text
    assert read(200, b"\xff" * 200 * 200 * 4) == ""
