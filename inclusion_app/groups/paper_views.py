"""A group's papers: handout, wall poster and paper list as PDFs, and the handout and the list as print pages."""

from __future__ import annotations

import re
from typing import Any

from flask import render_template, url_for

from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.groups import policy
from inclusion_app.groups.queries import Seen
from inclusion_app.groups.sheets import build_sheet, handout_html, list_html, poster_html
from inclusion_app.groups.views import ONE, room, seen


@room.page(f"{ONE}/print", allow=policy.READ, load=seen, reads=("group", "code"))
def print_page(seen: Seen) -> Any:
    """The handout as a web page: the accessible version, and the one for a kiosk's printer."""
    return _print_page(seen, "groups/print.html")


@room.page(f"{ONE}/print-list", allow=policy.READ, load=seen, reads=("group", "code"))
def print_list(seen: Seen) -> Any:
    """The paper list as a web page."""
    return _print_page(seen, "groups/print_list.html")


def _print_page(seen: Seen, template: str) -> str:
    page = render_template(template, seen=seen, h=build_sheet(seen.group))
    # The page brings the papers' style too; empty lines and indents are what it can do without.
    return re.sub(r"\n\s+", "\n", page)


@room.page(f"{ONE}/handout.pdf", allow=policy.READ, load=seen, reads=("group", "code"))
def handout(seen: Seen) -> Any:
    """One sheet for everybody in the group."""
    print_page = url_for("groups.print_page", group_id=seen.group.id)
    return pdf_answer(handout_html(build_sheet(seen.group)), name="group.pdf", print_page=print_page)


@room.page(f"{ONE}/poster.pdf", allow=policy.READ, load=seen, reads=("group", "code"))
def poster(seen: Seen) -> Any:
    """A poster for the wall."""
    print_page = url_for("groups.print_page", group_id=seen.group.id)
    return pdf_answer(poster_html(build_sheet(seen.group)), name="poster.pdf", print_page=print_page)


@room.page(f"{ONE}/list.pdf", allow=policy.READ, load=seen, reads=("group", "code"))
def tick_list(seen: Seen) -> Any:
    """The paper list, for people who join by a tick."""
    print_page = url_for("groups.print_list", group_id=seen.group.id)
    return pdf_answer(list_html(build_sheet(seen.group)), name="list.pdf", print_page=print_page)
