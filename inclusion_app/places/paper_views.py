"""The sheet of the places in a ward, as a PDF and as an equal print page."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from inclusion_app.core.access import ANYONE
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.places.on_paper import build_place_sheet, place_sheet_html
from inclusion_app.places.place_sheet import PlaceSheet
from inclusion_app.places.queries import NamedWard, ward_by_slug
from inclusion_app.places.views import room


def _ward(ward: str) -> NamedWard | None:
    return ward_by_slug(db_session(), ward)


@room.page("/places/areas/<ward>/print", allow=ANYONE, load=_ward)
def area_print(ward: NamedWard) -> Any:
    """The sheet as a web page: the accessible version, and the one for a kiosk's printer."""
    sheet = _sheet(ward)
    size = "large" if sheet.large else None
    return render_template(
        "places/print.html",
        sheet=sheet,
        pdf=url_for("places.area_sheet", ward=ward.slug, size=size),
        other_size=url_for("places.area_print", ward=ward.slug, size=None if size else "large"),
    )


@room.page("/places/areas/<ward>/sheet.pdf", allow=ANYONE, load=_ward)
def area_sheet(ward: NamedWard) -> Any:
    """The sheet as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    sheet = _sheet(ward)
    size = "large" if sheet.large else None
    print_page = url_for("places.area_print", ward=ward.slug, size=size)
    return pdf_answer(place_sheet_html(sheet), name=f"places-{ward.slug}.pdf", print_page=print_page)


def _sheet(ward: NamedWard) -> PlaceSheet:
    return build_place_sheet(ward, large=request.args.get("size") == "large")
