"""`flask loans import | export | import-sims | export-sims`: devices and SIM cards of one scheme as CSV (docs/loan-stock.md)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from flask_babel import force_locale
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import kept_files
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import csv_in, sim_csv, stock_csv
from inclusion_app.loans.models import DeviceModel, LoanScheme, Sim, Unit
from inclusion_app.loans.staff_stock_queries import owners, place_finder, sims_with_places

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
ORGANISATION = click.option(
    "--organisation", "name", required=True, metavar="NAME", help="Whose scheme it is."
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
TARGET = click.option("-o", "target", type=click.Path(dir_okay=False, path_type=Path), required=True)


@click.group("loans")
def loans() -> None:
    """The device loan scheme."""


def _scheme(session: Session, name: str) -> int:
    wanted = select(LoanScheme.organisation_id).join(Organisation)
    found = session.scalar(wanted.where(func.lower(Organisation.name) == name.lower()))
    if found is None:
        raise click.ClickException(f"No organisation with a loan scheme is called {name}.")
    return found


def _names(session: Session, holder_id: int) -> stock_csv.Names:
    models = session.scalars(select(DeviceModel).where(DeviceModel.organisation_id == holder_id))
    return stock_csv.Names(
        models={model.name.casefold(): model.id for model in models},
        place=place_finder(session),
        owners={name.casefold(): number for number, name in owners(session).items()},
        own=holder_id,
    )


def _bring_in(file: Path, name: str, dry_run: bool, way: Callable[[Session, int], csv_in.Way[Any]]) -> None:
    """Make what is in the file, or print what is refused and end with exit code 1."""
    text = kept_files.text_of(file.read_bytes())
    if text is None:
        raise click.ClickException(csv_in.NO_TEXT)
    try:
        with force_locale("en"), transaction() as session:
            chosen = way(session, _scheme(session, name))
            found, refused = chosen.try_it(text)
            if not refused and not dry_run:
                chosen.make(found.new)
    except RuleBroken as broken:
        raise click.ClickException(broken.message % broken.params) from broken
    # Printed when the lock is let go: a terminal may be slow, and others wait.
    for one in refused:
        click.echo(f"line {one.line}, {one.column or 'file'}: {one.why % one.params}", err=True)
    said = "would be made" if dry_run or refused else "made"
    click.echo(
        f"{len(found.new)} {said}, {len(found.known)} here already, {len({one.line for one in refused})} refused"
    )
    if refused:
        sys.exit(1)


@loans.command("import")
@FILE
@ORGANISATION
@click.option("--prefix", default="", help="Two or three letters tags begin with; asked for once by scheme.")
@DRY_RUN
@with_appcontext
def import_units(file: Path, name: str, prefix: str, dry_run: bool) -> None:
    """Make the devices of a CSV file. Refused lines are printed, and then none of the file is made (exit code 1)."""

    def way(session: Session, holder_id: int) -> csv_in.Way[Any]:
        known = _names(session, holder_id)
        return stock_csv.way_in(session, holder_id=holder_id, names=known, prefix=prefix, now=now())

    _bring_in(file, name, dry_run, way)


@loans.command("import-sims")
@FILE
@ORGANISATION
@DRY_RUN
@with_appcontext
def import_sims(file: Path, name: str, dry_run: bool) -> None:
    """Make the SIM cards of a CSV file. Refused lines are printed, and then none of the file is made (exit code 1)."""

    def way(session: Session, holder_id: int) -> csv_in.Way[Any]:
        return sim_csv.way_in(session, holder_id=holder_id, place=place_finder(session), now=now())

    _bring_in(file, name, dry_run, way)


@loans.command("export")
@ORGANISATION
@TARGET
@with_appcontext
def export_units(name: str, target: Path) -> None:
    """Write the devices of a scheme as CSV. Nobody who has one is in it."""
    with reading() as session:
        wanted = select(Unit).where(Unit.holder_id == _scheme(session, name)).order_by(Unit.tag)
        units = session.scalars(wanted.options(selectinload(Unit.parts))).all()
        table = stock_csv.units_file(units, owners(session))
    target.write_bytes(table)
    click.echo(f"{len(units)} devices written")


@loans.command("export-sims")
@ORGANISATION
@TARGET
@with_appcontext
def export_sims(name: str, target: Path) -> None:
    """Write the SIM cards of a scheme as CSV. Nobody who has one is in it."""
    with reading() as session:
        sims = sims_with_places(session, Sim.holder_id == _scheme(session, name))
        table = sim_csv.sims_file(sims)
    target.write_bytes(table)
    click.echo(f"{len(sims)} SIM cards written")
