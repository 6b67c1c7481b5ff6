"""`flask handout` and `flask codes`: papers made at the desk of whoever runs the service.

A handout when a web page cannot be used, and stickers with codes for papers that are typed in later.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click
from flask import Flask, current_app, g
from flask.cli import with_appcontext

from inclusion_app.core import audit, i18n, paper
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, new_code, read_code
from inclusion_app.core.db import reading, transaction
from inclusion_app.people import services as people
from inclusion_app.places.queries import where_of_near
from inclusion_app.roadmaps import queries, stickers
from inclusion_app.roadmaps.sheets import build_handout, handout_html


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
    with app.test_request_context(base_url=settings.address):
        try:
            html = _finished(read_code(typed), language=language, large=large, private=private)
        except BrokenCode as broken:
            raise click.ClickException(broken.message) from broken
    pdf = _drawn(html, failed="This handout could not be drawn. Use the print page.")
    output.touch()
    output.chmod(0o600)
    output.write_bytes(pdf)
    click.echo(f"{output}: {len(pdf):,} bytes")


@click.group("codes")
def codes() -> None:
    """Codes that are given out before there is a plan."""


@codes.command("sheet")
@click.option(
    "--count",
    type=click.IntRange(1, stickers.MOST),
    required=True,
    help="How many codes; each is printed twice.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The PDF to write, a new file; only you will be able to read it.",
)
@click.option("--language", default="en", help="A released language beside English, as in the address: ur.")
@with_appcontext
def sheet(count: int, output: Path, language: str) -> None:
    """Print stickers with new codes: A4, two by seven labels of 99.1 by 38.1 mm, each row one code twice.

    A code opens nothing until a helper types in the paper it sticks on. The codes are kept before the file is there,
    and only when it could be drawn and written. The paper service must be running: start ./serve first.
    """
    if output.exists():
        raise click.UsageError(f"{output} is there already. Choose a new name, so that no stickers are lost.")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings = app.extensions["settings"]
    if settings.base_url is None:
        click.echo(
            f"INCLUSION_BASE_URL is not set: the stickers lead to {settings.address}; set it first.", err=True
        )
    fresh = [new_code() for _ in range(count)]
    with app.test_request_context(base_url=settings.address):
        g.language = _released(language)
        pages = stickers.pages_html(fresh)
    drawn = []
    for number, html in enumerate(pages, 1):
        drawn.append(
            _drawn(html, failed="These stickers could not be drawn. Try again when less is printed.")
        )
        if len(pages) > 1:
            click.echo(f"drawn: {number} of {len(pages)} parts", err=True)
    pdf = stickers.joined(drawn)
    try:
        _put(pdf, output, fresh)
    except OSError as err:
        raise click.ClickException(f"{output} cannot be written: {err.strerror}.") from err
    filled = stickers.sheets(count)
    click.echo(
        f"{output}: {count} {'code' if count == 1 else 'codes'}, "
        f"{filled} {'sheet' if filled == 1 else 'sheets'}, {len(pdf):,} bytes"
    )


def _put(pdf: bytes, output: Path, fresh: list[str]) -> None:
    """Write the file beside its place, keep its codes, then let it be seen: no sticker leaves here without its code."""
    handle, beside = tempfile.mkstemp(dir=output.parent, prefix=".stickers-")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pdf)
        with transaction() as session:
            people.keep_sticker_codes(session, codes=fresh, now=now())
        try:
            os.link(beside, output)  # refuses where a file has come up meanwhile
        except OSError:
            with transaction() as session:
                for code in fresh:
                    people.take_back_code(session, code_hash=people.hash_of_code(code))
            raise
    finally:
        Path(beside).unlink()


def _drawn(html: str, *, failed: str) -> bytes:
    try:
        return paper.render_pdf(html, settings=current_app.extensions["settings"])
    except paper.PaperBusy as busy:
        raise click.ClickException(
            "The paper service is away or full. Start ./serve, then try again."
        ) from busy
    except paper.PaperFailed as broken:
        raise click.ClickException(failed) from broken


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
