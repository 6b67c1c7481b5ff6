"""Sheets of stickers: a new code twice in each row, once for the paper and once to take home.

A4 with two by seven labels of 99.1 by 38.1 mm, the layout most label sheets of 14 have. Nothing names a person.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template
from flask_babel import gettext as _
from markupsafe import Markup

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.codes import show_code
from inclusion_app.core.paper_answer import in_this_language
from inclusion_app.core.paper_parts import Pair, pair, qr_square
from inclusion_app.core.template_words import USUAL_NAME
from inclusion_app.core.words import N_
from inclusion_app.roadmaps.sheets import short_address

MOST = 700  # codes in one file
ROWS = 7
SHEETS_AT_ONCE = 2
STAYS = N_("Stays on the paper")
HOME = N_("Take this home")
OPENS = N_("Ready when your paper is typed in.")
PRINTED = N_("Printed on %(date)s. Codes without a plan are deleted after 24 months.")


@dataclass(frozen=True)
class Row:
    """One code as it is printed, its short address, and the square that opens it."""

    code: str
    address: str
    square: Markup


def sheets(count: int) -> int:
    """How many sheets so many codes fill."""
    return -(-count // ROWS)


def pages_html(codes: Sequence[str]) -> list[str]:
    """The finished pages with the stickers of these codes, in English and in the language of this request.

    Several, for the paper service gives one drawing 20 seconds and a sheet takes the half of one, or two when the
    machine is busy. `joined` makes one file of what is drawn.
    """
    at_once = ROWS * SHEETS_AT_ONCE
    return [_page_html(codes[at : at + at_once], begins=at == 0) for at in range(0, len(codes), at_once)]


def joined(drawn: Sequence[bytes]) -> bytes:
    """One tagged PDF of several: the pages one after the other, the tags of all below those of the first."""
    import pikepdf  # no page needs it

    with pikepdf.open(io.BytesIO(drawn[0])) as whole:
        root = whole.Root.StructTreeRoot
        for more in drawn[1:]:
            with pikepdf.open(io.BytesIO(more)) as part:
                offset = int(root.ParentTree.Nums[-2]) + 1
                already = len(whole.pages)
                whole.pages.extend(part.pages)
                tags = whole.copy_foreign(part.Root.StructTreeRoot)
                for page in list(whole.pages)[already:]:
                    page.obj.StructParents = int(page.obj.StructParents) + offset
                numbered = list(tags.ParentTree.Nums)
                for at in range(0, len(numbered), 2):
                    root.ParentTree.Nums.append(int(numbered[at]) + offset)
                    root.ParentTree.Nums.append(numbered[at + 1])
                document, added = root.K[0], tags.K[0]
                for tag in list(added.K):
                    tag.P = document
                    document.K.append(tag)
        out = io.BytesIO()
        whole.save(out, deterministic_id=True)
        return out.getvalue()


def _page_html(codes: Sequence[str], *, begins: bool) -> str:
    rows = [
        Row(
            show_code(code),
            short_address(code).split("://")[-1],  # as a person types it
            qr_square(in_this_language(short_address(code)), "QR"),
        )
        for code in codes
    ]
    today = clock.today().isoformat()
    printed = Pair(
        _(PRINTED, date=i18n.source_words(today)), PRINTED % {"date": i18n.source_words(today, "en")}
    )
    return render_template(
        "pdf/stickers.html",
        language=i18n.current_language(),
        sheets=[rows[at : at + ROWS] for at in range(0, len(rows), ROWS)],
        begins=begins,
        name=pair(_, USUAL_NAME),
        stays=pair(_, STAYS),
        home=pair(_, HOME),
        opens=pair(_, OPENS),
        printed=printed,
        paper_style=paper.style_sheet("stickers.css"),
    )
