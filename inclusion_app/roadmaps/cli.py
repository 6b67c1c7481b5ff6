"""`flask handout`: somebody's handout made at the desk of whoever runs the service, when a web page cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import Flask, current_app, g
from flask.cli import with_appcontext

from inclusion_app.core import audit, i18n, paper
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, read_code
from inclusion_app.core.db import reading, transaction
from inclusion_app.people import services as people
from inclusion_app.places.queries import where_of_near
from inclusion_app.roadmaps import queries
from inclusion_app.roadmaps.sheets import build_handout, handout_html

LOCAL = "http://127.0.0.1:8000"


@click.command("handout")
@click.argument("code")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    required=True,
    help="The PDF to write; only you will be able to read it.",
)
@click.option("--language", help="A released language, as in the address: ur. Without it, the person's own.")
@click.option("--large", is_flag=True, help="Large print.")
@click.option("--private", is_flag=True, help="Without goals and reasons.")
@with_appcontext
def handout(code: str, output: Path, language: str | None, large: bool, private: bool) -> None:
    """Print the handout of a saved plan by its CODE ("-" reads the code from standard input).

    The read is kept in the record, as on a page. The paper service must be running: start ./serve first.
    """
    typed = sys.stdin.readline() if code == "-" else code
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings = app.extensions["settings"]
    with app.test_request_context(base_url=settings.base_url or LOCAL):
        try:
            html = _finished(read_code(typed), language=language, large=large, private=private)
        except BrokenCode as broken:
            raise click.ClickException(broken.message) from broken
    try:
        pdf = paper.render_pdf(html, settings=settings)
    except paper.PaperBusy as busy:
        raise click.ClickException(
            "The paper service is away or full. Start ./serve, then try again."
        ) from busy
    except paper.PaperFailed as failed:
        raise click.ClickException("This handout could not be drawn. Use the print page.") from failed
    output.touch()
    output.chmod(0o600)
    output.write_bytes(pdf)
    click.echo(f"{output}: {len(pdf):,} bytes")


def _finished(code: str, *, language: str | None, large: bool, private: bool) -> str:
    with reading() as session:
        resident = people.find_by_code(session, code=code)
        roadmap = queries.roadmap_of_resident(session, resident.id) if resident else None
        if resident is None or roadmap is None:
            raise click.ClickException("There is no plan with this code.")
        g.language = _released(language or resident.language)
        where = where_of_near(roadmap.near)
        html = handout_html(
            build_handout(roadmap, resident=resident, where=where, large=large, private=private)
        )
        number = resident.id
    with transaction() as session:
        audit.record(
            session,
            at=now(),
            actor_kind="command",
            actor_id=None,
            action="read handout",
            purpose="operations",
            resident_id=number,
            items=("plan", "code"),
        )
    return html


def _released(slug: str) -> i18n.Language:
    language = i18n.known(slug)
    if language is None or not language.released:
        released = ", ".join(item.slug for item in i18n.released())
        raise click.UsageError(f"There is no released language {slug}; there are {released}.")
    return language
