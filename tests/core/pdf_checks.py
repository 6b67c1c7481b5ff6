"""What a tagged paper must have, read back with pikepdf. Our own rules after PDF/UA-1: a check, no certificate.

`problems(pdf)` names everything that is wrong in sentences; an empty list is a pass.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf

PAINTING = {"Tj", "TJ", "'", '"', "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "Do", "sh", "INLINE IMAGE"}
ROWS_IN = {"Table", "THead", "TBody", "TFoot"}
TABLE_PARTS = {"TR", "THead", "TBody", "TFoot", "Caption"}


@dataclass
class Tag:
    """One element of the structure tree."""

    kind: str
    lang: str = ""
    alt: str = ""
    actual_text: str = ""
    cell_id: str = ""
    headers: tuple[str, ...] = ()
    kids: list[Tag] = field(default_factory=list)
    content: list[tuple[int, int]] = field(default_factory=list)  # (page number, marked-content number)

    def walk(self) -> Iterator[Tag]:
        """This tag and all below it, in reading order."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def all(self, *kinds: str) -> list[Tag]:
        """Those of some kinds, in reading order."""
        return [tag for tag in self.walk() if tag.kind in kinds]


def read_tags(document: pikepdf.Pdf) -> Tag:
    """The structure tree. Raises KeyError or AttributeError when there is none."""
    pages = {page.obj.objgen: number for number, page in enumerate(document.pages)}

    def read(element: Any, page: int) -> Tag:
        page = pages.get(element.Pg.objgen, page) if "/Pg" in element else page
        facts = element.get("/A", {})
        tag = Tag(
            kind=str(element.S)[1:],
            lang=str(element.get("/Lang", "")),
            alt=str(element.get("/Alt", "")),
            actual_text=str(element.get("/ActualText", "")),
            cell_id=str(element.get("/ID", "")),
            headers=tuple(map(str, facts.get("/Headers", ())))
            if isinstance(facts, pikepdf.Dictionary)
            else (),
        )
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                tag.content.append((page, kid))
            elif "/S" in kid:
                tag.kids.append(read(kid, page))
        return tag

    root = document.Root.StructTreeRoot.K
    return read(root[0] if isinstance(root, pikepdf.Array) else root, 0)


def marked_content(page: pikepdf.Page) -> tuple[list[int], int]:
    """The numbers of a page's marked content, in drawing order, and how often something is painted outside of any."""
    numbers: list[int] = []
    loose = depth = 0
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        if operator in {"BDC", "BMC"}:
            depth += 1
            facts = instruction.operands[1] if len(instruction.operands) > 1 else {}
            if isinstance(facts, pikepdf.Dictionary) and "/MCID" in facts:
                numbers.append(int(facts.MCID))
        elif operator == "EMC":
            depth -= 1
        elif operator in PAINTING and depth <= 0:
            loose += 1
    return numbers, loose


def _letters_of(font: Any) -> dict[int, str]:
    """What each glyph of an embedded font stands for."""
    table = font.ToUnicode.read_bytes().decode() if "/ToUnicode" in font else ""
    pairs = re.findall(
        r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>", "".join(re.findall(r"beginbfchar(.*?)endbfchar", table, re.S))
    )
    return {int(glyph, 16): bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}


def _words_of(page: pikepdf.Page) -> dict[int, str]:
    """The words of each marked content of a page, as its glyphs tell them."""
    fonts = {name: _letters_of(font) for name, font in page.obj.Resources.get("/Font", {}).items()}
    letters: dict[int, str] = {}
    words: dict[int, str] = {}
    inside: list[int | None] = []
    for instruction in pikepdf.parse_content_stream(page):
        operator, operands = str(instruction.operator), instruction.operands
        if operator in {"BDC", "BMC"}:
            facts = operands[1] if len(operands) > 1 else {}
            inside.append(int(facts["/MCID"]) if "/MCID" in facts else None)
        elif operator == "EMC":
            inside.pop()
        elif operator == "Tf":
            letters = fonts[str(operands[0])]
        elif operator in {"Tj", "TJ"} and inside and inside[-1] is not None:
            for piece in operands[0] if operator == "TJ" else [operands[0]]:
                if isinstance(piece, pikepdf.String):
                    raw = bytes(piece)
                    glyphs = (int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))
                    words[inside[-1]] = words.get(inside[-1], "") + "".join(
                        letters.get(glyph, "") for glyph in glyphs
                    )
    return words


def spoken(pdf: bytes) -> str:
    """What a screen reader is given to say: the words in the order of the tags, with single spaces."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        words = [_words_of(page) for page in document.pages]
        said = (
            tag.actual_text or "".join(words[page].get(mark, "") for page, mark in tag.content)
            for tag in read_tags(document).walk()
        )
        return " ".join(" ".join(filter(None, said)).split())


def problems(pdf: bytes) -> list[str]:
    """Everything that keeps this PDF from being read out as it should be."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [
            *_document_problems(document),
            *_page_problems(document),
            *_font_problems(document),
            *(_tag_problems(document) if "/StructTreeRoot" in document.Root else ["there are no tags"]),
        ]


def _document_problems(document: pikepdf.Pdf) -> Iterator[str]:
    root = document.Root
    described = root.Metadata.read_bytes().decode() if "/Metadata" in root else ""
    if not root.get("/MarkInfo", {}).get("/Marked", False):
        yield "the document does not say that it is tagged"
    if not str(root.get("/Lang", "")):
        yield "the document has no language"
    if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False):
        yield "a reader would show the file's name in place of the title"
    if not str(document.docinfo.get("/Title", "")):
        yield "the document has no title"
    if not re.search(r"<dc:title>.*\S.*</dc:title>", described, re.S):
        yield "the description has no title"
    if not re.search(r'pdfuaid:part(?:="|>)1\b', described):
        yield "the description does not name PDF/UA-1"
    for name in ("/OpenAction", "/AA", "/AcroForm"):
        if name in root:
            yield f"the document does something when opened, or has a form: {name}"
    if "/EmbeddedFiles" in root.get("/Names", {}) or "/JavaScript" in root.get("/Names", {}):
        yield "the document carries a file or a script"


def _page_problems(document: pikepdf.Pdf) -> Iterator[str]:
    for number, page in enumerate(document.pages, start=1):
        if str(page.obj.get("/Tabs", "")) != "/S":
            yield f"side {number}: the tab order does not follow the tags"
        if "/StructParents" not in page.obj:
            yield f"side {number}: its content cannot be found from the tags"
        _numbers, loose = marked_content(page)
        if loose:
            yield f"side {number}: {loose} strokes are neither tagged nor marked as decoration"
        for note in page.obj.get("/Annots", []):
            if not str(note.get("/Contents", "")) or "/StructParent" not in note:
                yield f"side {number}: a link says nothing or is not in the tags"


def _font_problems(document: pikepdf.Pdf) -> Iterator[str]:
    for font in document.objects:
        if (
            not isinstance(font, pikepdf.Dictionary)
            or font.get("/Type") != "/Font"
            or font.get("/Subtype") != "/Type0"
        ):
            continue
        name = str(font.BaseFont)
        facts = font.DescendantFonts[0].FontDescriptor
        if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(facts.keys()):
            yield f"the font {name} is not in the document"
        if "/ToUnicode" not in font:
            yield f"the letters of the font {name} cannot be told"


def _tag_problems(document: pikepdf.Pdf) -> Iterator[str]:
    tree = read_tags(document)
    yield from _content_problems(document, tree)
    for figure in tree.all("Figure"):
        if not figure.alt:
            yield "a picture has no words"
    levels = [int(tag.kind[1]) for tag in tree.walk() if re.fullmatch(r"H[1-6]", tag.kind)]
    for before, level in zip([0, *levels], levels, strict=False):
        if level > before + 1:
            yield f"a heading of level {level} follows one of level {before}"
    if levels.count(1) != 1:
        yield f"there are {levels.count(1)} main headings"
    for tag in tree.walk():
        if tag.kind == "L" and {kid.kind for kid in tag.kids} - {"LI", "L", "Caption"}:
            yield "a list holds something that is no item"
        if tag.kind == "LI" and not any(kid.kind == "LBody" for kid in tag.kids):
            yield "an item of a list has no body"
        if re.fullmatch(r"H[1-6]|P|LI|TD|TH", tag.kind) and not any(kid.content for kid in tag.walk()):
            yield f"a {tag.kind} is empty"
        if tag.kind == "Table":
            yield from _table_problems(tag)


def _content_problems(document: pikepdf.Pdf, tree: Tag) -> Iterator[str]:
    tagged = Counter(place for tag in tree.walk() for place in tag.content)
    drawn = Counter(
        (number, mark) for number, page in enumerate(document.pages) for mark in marked_content(page)[0]
    )
    for place in drawn - tagged:
        yield f"content {place[1]} of side {place[0] + 1} is drawn and in no tag"
    for place in tagged - drawn:
        yield f"content {place[1]} of side {place[0] + 1} is in a tag and not drawn, or tagged twice"
    parents = document.Root.StructTreeRoot.ParentTree.Nums
    for index in range(0, len(parents), 2):
        if isinstance(parents[index + 1], pikepdf.Array):
            marks = [mark for page, mark in drawn if page == int(parents[index])]
            if len(parents[index + 1]) != len(marks):
                yield f"side {int(parents[index]) + 1}: the way back from content to tags has gaps"


def _table_problems(table: Tag) -> Iterator[str]:
    heads = {cell.cell_id for cell in table.all("TH")}
    if "" in heads:
        yield "a header cell has no name"
    for part in table.walk():
        if part.kind in ROWS_IN and {kid.kind for kid in part.kids} - TABLE_PARTS:
            yield "a table holds something that is no row"
    for cell in table.all("TD"):
        if not cell.headers or not set(cell.headers) <= heads:
            yield "a cell of a table does not name its header"
