"""What WeasyPrint 70 leaves out of a tagged PDF, added while it draws.

1. The language of a run inside another language: `lang` on an inner element becomes /Lang on its tag.
2. What is `aria-hidden="true"` becomes an artifact: pictures that say nothing but what is said in words beside them,
   and a heading that stands again above each side.
3. Scripts whose letters join or move cannot be read back from their shapes, nor can letters that are spaced out or
   signs that stand in a line from right to left. /ActualText carries what was written.

It reaches into two functions of that version (pinned with its hash); tests/core/test_paper.py reads the result
back, so a new version that works otherwise fails there and not in somebody's screen reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydyf
from weasyprint.formatting_structure import boxes
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.pdf import tags
from weasyprint.pdf.stream import Stream

JOINED = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")  # Arabic script
MOVED = re.compile("[\u0980-\u09ff\u0a00-\u0a7f]")  # Bengali, Gurmukhi
CONTROLS = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u2060]")
_build = tags._build_box_tree
_mended: list[bool] = []


def mend_tags() -> None:
    """Take part in the tagging of every PDF this process makes. Doing it twice is doing it once."""
    if not _mended:
        tags._build_box_tree = _build_box_tree
        Stream.marked = _marked
        _mended.append(True)


def _is_decoration(box: Any) -> bool:
    return box.element is not None and box.element.get("aria-hidden") == "true"


@contextmanager
def _marked(stream: Any, box: Any, tag: str) -> Iterator[None]:
    """As WeasyPrint marks content, but decoration as an artifact, and moved letters with what was written."""
    if stream._tags is None:
        yield
        return
    if _is_decoration(box):
        with stream.artifact():
            yield
        return
    mcid = len(stream._tags)
    stream._tags[box] = {"tag": tag, "mcid": mcid}
    properties = {"MCID": mcid}
    text = getattr(box, "text", "") if isinstance(box, boxes.TextBox) else ""
    if MOVED.search(text) or (text and box.style["letter_spacing"] != "normal"):
        properties["ActualText"] = pydyf.String(_written(text))
    pydyf.Stream.begin_marked_content(stream, tag, pydyf.Dictionary(properties))
    try:
        yield
    finally:
        pydyf.Stream.end_marked_content(stream)


def _build_box_tree(
    box: Any,
    parent: Any,
    pdf: Any,
    page_number: int,
    nums: dict[int, bytes],
    annotations: Any,
    marks: dict[Any, Any],
) -> Iterator[Any]:
    if isinstance(box, AbsolutePlaceholder):
        box = box._box
    if _is_decoration(box):
        return
    texts = list(_joined_texts(box, marks))
    passes_through = isinstance(box, boxes.PageBox | boxes.MarginBox) or box.element_tag in {"html", "body"}
    for element in _build(box, parent, pdf, page_number, nums, annotations, marks):
        language = None if passes_through or box.element is None else box.element.get("lang")
        if language:
            element["Lang"] = pydyf.String(language)
        yield element
    for mcid, text in texts:
        # On the tag and not in the content: there, readers that sort by place would turn the words round.
        if mcid in nums:
            pdf.objects[int(nums[mcid].split()[0])]["ActualText"] = pydyf.String(text)


def _is_turned(run: Any) -> bool:
    return bool(run.style["direction"] == "rtl" or JOINED.search(run.text))


def _joined_texts(box: Any, marks: dict[Any, Any]) -> Iterator[tuple[int, str]]:
    """The marked runs of joined letters right inside a box, with the space that a line's end swallowed."""
    for child in getattr(box, "children", ()):
        in_line = isinstance(child, boxes.LineBox)
        runs = child.children if in_line else [child]
        for run in runs:
            if isinstance(run, boxes.TextBox) and run in marks and _is_turned(run):
                text = _written(run.text)
                ends_line = (run is runs[-1] and child is not box.children[-1]) if in_line else True
                yield marks[run]["mcid"], text if text.endswith(" ") or not ends_line else text + " "


def _written(text: str) -> str:
    return CONTROLS.sub("", text)
