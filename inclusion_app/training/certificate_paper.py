"""A certificate on paper, in the reader's language beside English, with a square that leads to who can vouch for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.paper_parts import Pair, Paper, direction_of, pair, qr_square
from inclusion_app.core.words import N_
from inclusion_app.places.on_paper import printed_today
from inclusion_app.training.models import Credential

WORDS = {
    "title": N_("Certificate"),
    "award": N_("Digital challenge award"),
    "for": N_("This is for"),
    "by": N_("Given by"),
    "check": N_("Is this paper real? Scan the square or type the address."),
    "no_name": N_("The page shows no name."),
}


@dataclass(frozen=True, kw_only=True)
class Certificate(Paper):
    """All that a certificate prints. `name` was typed for this print and is kept nowhere; empty it is a line to write on."""

    name: str
    said: Sequence[Pair]
    by: Sequence[str]
    is_award: bool

    @property
    def name_dir(self) -> str:
        """Which way the name runs."""
        return direction_of(self.name)


@i18n.one_language()
def certificate_html(credential: Credential, *, name: str, said: Sequence[Pair], by: Sequence[str]) -> str:
    """The finished certificate. `said` are its sentences, `by` the names of who gives it."""
    language = i18n.current_language()
    address = whole_address(f"/{language.slug}/certificates/{credential.id}")
    made = Certificate(
        lang=language.tag, dir=language.dir, words={key: pair(_, text) for key, text in WORDS.items()},
        printed_on=printed_today(), address=address, qr=qr_square(address, _("Is this paper real?")),
        name=name, said=said, by=by, is_award=credential.kind == "award",
    )  # fmt: skip
    style = paper.style_sheet("paper.css", "papercertificate.css")
    return render_template("pdf/certificate.html", paper=made, h=made, paper_style=style)
