"""`flask places | postcodes | wards | holidays | pack`: bring open data in, and read what people report."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.places import pack as packs
from inclusion_app.places import queries, services

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("places")
def places() -> None:
    """Places where people get help."""


@places.command("reports")
@with_appcontext
def reports() -> None:
    """Print what people say is wrong, oldest first."""
    with transaction() as session:
        found = queries.new_reports(session)
        for report in found:
            click.echo(
                f"{report.at:%Y-%m-%d %H:%M} {report.place.slug} [{report.what}] ({report.language}) {report.words}"
            )
    click.echo(f"{len(found)} new reports")


@places.command("import")
@click.argument("file", type=FILE)
@click.option("--format", "kind", type=click.Choice(["csv", "librarieshacked"]), required=True)
@click.option("--source", required=True, help="Who publishes this.")
@click.option("--licence", required=True, help="SPDX name of its licence.")
@click.option("--dry-run", is_flag=True, help="Report only; change nothing.")
@with_appcontext
def import_file(file: Path, kind: str, source: str, licence: str, dry_run: bool) -> None:
    """Add or renew places from a file; every refused line is reported with its reason."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    with transaction() as session:
        wanted = [
            _from_librarieshacked(session, row) if kind == "librarieshacked" else dict(row) for row in rows
        ]
        for row in wanted:
            row.setdefault("read_on", today().isoformat())
            row.setdefault("confidence", "medium")
            row.update(source=source, licence=licence)
            row.setdefault("source_address", "")
            row.setdefault("kinds", "library")
        done, refused = services.import_places(session, wanted, source_name=source.casefold()[:30], now=now())
        if dry_run:
            session.rollback()
    for item in refused:
        click.echo(str(item), err=True)
    click.echo(f"{'would take' if dry_run else 'took'} {done} places, refused {len(refused)} lines")
    if refused:
        raise SystemExit(1)


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _from_librarieshacked(session: Any, row: dict[str, str]) -> dict[str, Any]:
    hours = "; ".join(
        f"{day[:2]} {row[f'{day} staffed hours']}" for day in DAYS if row.get(f"{day} staffed hours")
    )
    found = queries.find_where(session, row.get("Postcode", ""))
    here = found if isinstance(found, queries.Where) else None
    return {
        "name": row["Library name"],
        "kinds": "library",
        "address": ", ".join(row[f"Address {n}"] for n in (1, 2, 3) if row.get(f"Address {n}")),
        "postcode": row.get("Postcode", ""),
        "lat": str(here.lat) if here else "",
        "lng": str(here.lng) if here else "",
        "hours": hours,
        "website": row.get("URL", ""),
    }


@click.group("postcodes")
def postcodes() -> None:
    """Postcodes of the city's region."""


@postcodes.command("import")
@click.argument("file", type=FILE)
@with_appcontext
def import_postcodes(file: Path) -> None:
    """Replace all postcodes from a CSV with postcode, lat, lng and ward_code."""
    target = file.with_suffix(".pack.csv.gz")
    done, refused = packs.build_postcodes(file, target)
    _say(refused)
    with transaction() as session:
        lines = packs.read_postcodes_file(target)
        done, _none = services.import_postcodes(session, lines)
    target.unlink()
    click.echo(f"took {done} postcodes, refused {len(refused)} lines")


@click.group("wards")
def wards() -> None:
    """Wards of the city's region."""


@wards.command("import")
@click.argument("file", type=FILE)
@click.option("--outlines", type=FILE, help="A finer GeoJSON of the city's own wards, for the map.")
@click.option(
    "-o", "target", type=click.Path(path_type=Path), default=packs.CITY / "wards.csv", show_default=False
)
def import_wards(file: Path, outlines: Path | None, target: Path) -> None:
    """Write the pack's ward table from a ward GeoJSON of the whole region; `flask setup` then loads it."""
    click.echo(f"wrote {packs.build_wards(file, outlines, target, {})} wards")
    _renew(target)


@click.group("holidays")
def holidays() -> None:
    """Bank holidays."""


@holidays.command("import")
@click.argument("file", type=FILE)
@click.option(
    "-o",
    "target",
    type=click.Path(path_type=Path),
    default=packs.CITY / "bank_holidays.csv",
    show_default=False,
)
def import_holidays(file: Path, target: Path) -> None:
    """Write the pack's table of bank holidays from a CSV with date and title; `flask setup` then loads it."""
    done, refused = packs.build_holidays(file, target)
    _say(refused)
    click.echo(f"wrote {done} days, refused {len(refused)} lines")
    _renew(target)


@click.group("pack")
def pack() -> None:
    """The city pack: the compact tables this service starts with."""


@pack.command("show")
def show() -> None:
    """List the tables with source, licence and date."""
    for name, facts in packs.describe().items():
        click.echo(
            f"{name}: {facts['rows']} rows, {facts['source']}, {facts['licence']}, {facts['released_on']}"
        )


@pack.command("postcodes")
@click.argument("file", type=FILE)
@click.option(
    "-o",
    "target",
    type=click.Path(path_type=Path),
    default=packs.CITY / "postcodes.csv.gz",
    show_default=False,
)
def build_postcodes(file: Path, target: Path) -> None:
    """Write the pack's postcode table from a fresh release."""
    done, refused = packs.build_postcodes(file, target)
    _say(refused)
    click.echo(f"wrote {done} postcodes, refused {len(refused)} lines")
    _renew(target)


@pack.command("check")
def check() -> None:
    """Compare every table with what pack.toml says of it; exit 1 when one differs."""
    faults = packs.check_pack()
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    click.echo("every table is what the list says")


def _renew(target: Path) -> None:
    """Keep pack.toml in step when a table of the pack itself was written."""
    if target.resolve().parent == packs.CITY.resolve():
        for line in packs.renew_description():
            click.echo(line)


def _say(refused: list[packs.Refused]) -> None:
    for item in refused:
        click.echo(str(item), err=True)
