"""`flask loans import | export`: the devices of one scheme, in and out as CSV (docs/loan-stock.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_babel import force_locale
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import stock_csv
from inclusion_app.loans.models import DeviceModel, LoanScheme, Unit
from inclusion_app.loans.services import files, stock
from inclusion_app.loans.staff_stock_queries import owners, place_named

ORGANISATION = click.option(
    "--organisation", "name", required=True, metavar="NAME", help="Whose scheme it is."
)


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
        place=lambda typed: place_named(session, typed),
        owners={name.casefold(): number for number, name in owners(session).items()},
        own=holder_id,
    )


@loans.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ORGANISATION
@click.option("--prefix", default="", help="Two or three letters tags begin with; asked for once by scheme.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@with_appcontext
def import_units(file: Path, name: str, prefix: str, dry_run: bool) -> None:
    """Make the devices of a CSV file. Refused lines are printed, and then none of the file is made (exit code 1)."""
    text = files.text_of(file.read_bytes())
    if text is None:
        raise click.ClickException(stock_csv.NO_TEXT)
    try:
        with force_locale("en"), transaction() as session:
            holder_id = _scheme(session, name)
            rows, refused = stock_csv.read_units(text, _names(session, holder_id))
            found = stock.sort_rows(session, holder_id=holder_id, rows=rows)
            refused += [
                stock_csv.Refused(line, column, stock.IS_ELSEWHERE, {}) for line, column in found.taken
            ]
            if not refused and not dry_run:
                stock.make_rows(session, holder_id=holder_id, rows=found.new, prefix=prefix, now=now())
    except RuleBroken as broken:
        raise click.ClickException(broken.message % broken.params) from broken
    # Printed when the lock is let go: a terminal may be slow, and others wait.
    for one in sorted(refused, key=lambda one: one.line):
        click.echo(f"line {one.line}, {one.column or 'file'}: {one.why % one.params}", err=True)
    said = "would be made" if dry_run or refused else "made"
    click.echo(
        f"{len(found.new)} {said}, {len(found.known)} here already, {len({one.line for one in refused})} refused"
    )
    if refused:
        sys.exit(1)


@loans.command("export")
@ORGANISATION
@click.option("-o", "target", type=click.Path(dir_okay=False, path_type=Path), required=True)
@with_appcontext
def export_units(name: str, target: Path) -> None:
    """Write the devices of a scheme as CSV. Nobody who has one is in it."""
    with reading() as session:
        wanted = select(Unit).where(Unit.holder_id == _scheme(session, name)).order_by(Unit.tag)
        units = session.scalars(wanted.options(selectinload(Unit.parts))).all()
        table = stock_csv.units_file(units, owners(session))
    target.write_bytes(table)
    click.echo(f"{len(units)} devices written")
