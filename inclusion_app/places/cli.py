"""`flask places | postcodes | wards | holidays | pack`: bring open data in, and read what people report."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from flask.cli import with_appcontext

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import let_others_in, reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.places import pack as packs
from inclusion_app.places import queries, services
from inclusion_app.places.export import write_places
from inclusion_app.places.readers import READERS, Options, Reading, Unusable
from inclusion_app.places.readers.rows import MOST_BYTES, clean
from inclusion_app.places.row_facts import Action, ImportReport, as_a_strangers, source_tag
from inclusion_app.places.rules import KINDS

Command = TypeVar("Command", bound=Callable[..., Any])
MOST_PASSED_OVER = 20  # more than so many are only counted


class PlainFile(click.Path):
    """A file that is there and ends: a pipe or a device would be read for ever."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Fails with exit code 2 for anything but a plain file."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.is_file():
            self.fail(f"{value} is not a plain file", param, ctx)
        return path


FILE = PlainFile()


def table_option(name: str) -> Callable[[Command], Command]:
    """-o: where to write a table of the pack; in place of the pack's own without it."""
    return click.option(
        "-o", "target", type=click.Path(path_type=Path), default=packs.CITY / name, show_default=False
    )


@click.group("places")
def places() -> None:
    """Places where people get help."""


@places.command("reports")
@click.option("--settle", type=int, metavar="ID", help="Say that this report was looked at and mended.")
@click.option(
    "--refuse", type=int, metavar="ID", help="Say that this report was looked at and nothing was wrong."
)
@with_appcontext
def reports(settle: int | None, refuse: int | None) -> None:
    """Print what people say is wrong, oldest first. What is settled is deleted after 90 days, all after a year."""
    for number, to in ((settle, "mended"), (refuse, "refused")):
        if number is not None:
            _settle(number, to)
    if settle is not None or refuse is not None:
        return
    with reading() as session:
        # What somebody typed must neither end the line nor reach the terminal as a command.
        lines = [
            f"{report.id}: {report.at:%Y-%m-%d %H:%M} {report.place.slug} [{report.what}] ({report.language})"
            f" {clean(report.words)}"
            for report in queries.new_reports(session)
        ]
    for line in lines:
        click.echo(line)
    click.echo(f"{len(lines)} new reports")


def _settle(number: int, to: str) -> None:
    try:
        with transaction() as session:
            services.settle_report(session, report_id=number, to=to, actor="command", now=now())
    except RuleBroken as broken:
        raise click.ClickException(f"There is no new report {number}.") from broken
    click.echo(f"report {number}: {to}")


class BrokenFile(click.ClickException):
    """A file that cannot be used at all, as against one with some bad lines; exit code 2."""

    exit_code = 2


@places.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(READERS)),
    required=True,
    help="osm: GeoJSON of overpass turbo. hsds: Open Referral UK JSON. csv: our own columns, see `places export`.",
)
@click.option(
    "--source", required=True, help="Who publishes this. With --own a CSV's column `source` counts first."
)
@click.option(
    "--licence",
    required=True,
    help="SPDX name of its licence. With --own a CSV's column `licence` counts first.",
)
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="The kind of entries that name none (csv, hsds).",
)
@click.option(
    "--take-likely", is_flag=True, help="Add places that look like one we have too; else they are held back."
)
@click.option(
    "--own",
    is_flag=True,
    help="The CSV is our own export: believe its key, source, licence, confidence and who checked it when, and"
    " let it change places of any source.",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@with_appcontext
def import_file(
    file: Path,
    format_name: str,
    source: str,
    licence: str,
    kind: str | None,
    take_likely: bool,
    own: bool,
    dry_run: bool,
) -> None:
    """Add or renew places from FILE. Try it with --dry-run first.

    Good rows are taken; every refused one is told with its line and reason, and makes the exit code 1. A file that
    is broken as a whole gives 2. Nothing is merged, and what a person edited is left as it is. Without --own a file
    adds and changes places of its own source only. It is written in parts: broken off, it is simply run again.
    """
    source, licence = clean(source), clean(licence)
    if not source or not licence:
        raise click.UsageError("--source and --licence must say something")
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)  # one more than may be, whatever size it says it has
        read = READERS[format_name](data, Options(today=today(), kind=kind or ""))
    except (Unusable, OSError) as err:
        raise BrokenFile(f"{file.name}: {err}") from err
    if format_name == "osm" and licence != "ODbL-1.0":
        read.notes.append("OpenStreetMap is published under ODbL-1.0; is the licence right?")
    for row in read.rows:
        if format_name == "csv" and not own:
            as_a_strangers(row)
        row["source"], row["licence"] = row.get("source") or source, row.get("licence") or licence
    with reading() as session:
        report, changes = services.decide_import(
            session,
            read.rows,
            source_name=source_tag(source),
            now=now(),
            hold_likely=not take_likely,
            own=own,
            progress=_every_thousand(len(read.rows)),
        )
    if not dry_run:
        for batch in services.in_batches(changes):
            with transaction() as session:
                services.write_import(session, batch, now=now())
            let_others_in()
    _say_import(read, report, dry_run)
    if read.refused or report.refused:
        raise SystemExit(1)


def _every_thousand(total: int) -> Callable[[int], None]:
    def say(count: int) -> None:
        if count % 1_000 == 0:
            click.echo(f"{count:,} of {total:,}", err=True)

    return say


def _say_import(read: Reading, report: ImportReport, dry_run: bool) -> None:
    """Faults and remarks to standard error, what happened to standard output."""
    for note in read.notes:
        click.echo(f"note: {note}", err=True)
    for refused in sorted((*read.refused, *report.refused), key=lambda item: item.line):
        click.echo(f"refused {refused}", err=True)
    for remark in report.remarks:
        click.echo(f"note {remark}", err=True)
    for outcome in report.of(Action.KEPT, Action.LIKELY):
        click.echo(f"{outcome.action} {outcome}", err=True)
    for outcome in report.of(Action.ADDED, Action.CHANGED):
        if dry_run:
            click.echo(f"would be {outcome.action} {outcome}")
        elif outcome.of_another:
            click.echo(f"{outcome.action} a place of another source: {outcome}", err=True)
    if len(read.passed_over) <= MOST_PASSED_OVER:
        for item in read.passed_over:
            click.echo(f"passed over {item}", err=True)
    counts = [
        f"{len(report.of(action))} {action}"
        for action in (Action.ADDED, Action.CHANGED, Action.SAME, Action.LIKELY, Action.KEPT)
    ]
    click.echo(
        f"{'would take' if dry_run else 'took'} {report.taken} places, "
        f"refused {len(read.refused) + len(report.refused)} {_part(read, report)} "
        f"({', '.join(counts)}, {len(read.passed_over)} passed over)"
    )
    if report.of(Action.LIKELY):
        click.echo("Held back because they look like places we have; --take-likely adds them too.", err=True)


def _part(read: Reading, report: ImportReport) -> str:
    parts = {item.part for item in (*read.refused, *read.passed_over)}
    parts |= {outcome.part for outcome in report.outcomes}
    return f"{parts.pop()}s" if len(parts) == 1 else "lines"


@places.command("export")
@click.option(
    "-o", "target", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default=Path("-")
)
@click.option("--format", "format_name", type=click.Choice(["csv"]), default="csv", show_default=True)
@click.option("--licence", default="", help="Only the places under this licence.")
@with_appcontext
def export_places(target: Path, format_name: str, licence: str) -> None:
    """Write every shown place with its source, licence and the day it was checked; `places import` reads it back."""
    with reading() as session:
        found = queries.places_to_export(session, licence)
        text = write_places(found)
    if str(target) == "-":
        click.echo(text, nl=False)
        return
    try:
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as err:
        raise click.ClickException(f"cannot write {target}: {err.strerror}") from err
    click.echo(f"wrote {len(found)} places to {target}", err=True)


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
@table_option("wards.csv")
def import_wards(file: Path, outlines: Path | None, target: Path) -> None:
    """Write the pack's ward table from a ward GeoJSON of the whole region; `flask setup` then loads it."""
    click.echo(f"wrote {packs.build_wards(file, outlines, target, {})} wards")
    _renew(target)


@click.group("holidays")
def holidays() -> None:
    """Bank holidays."""


@holidays.command("import")
@click.argument("file", type=FILE)
@table_option("bank_holidays.csv")
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
@table_option("postcodes.csv.gz")
def build_postcodes(file: Path, target: Path) -> None:
    """Write the pack's postcode table from a fresh release."""
    done, refused = packs.build_postcodes(file, target)
    _say(refused)
    click.echo(f"wrote {done} postcodes, refused {len(refused)} lines")
    _renew(target)


@pack.command("libraries")
@click.argument("listed", type=FILE)
@click.argument("totals", type=FILE)
@click.option("--authority", default="Manchester", show_default=True)
@click.option("--source-on", required=True, help="The month of the list, like 2023-07.")
@click.option(
    "--read-on", type=click.DateTime(["%Y-%m-%d"]), help="The day it was fetched; today without it."
)
@table_option("libraries.csv")
def build_libraries(
    listed: Path, totals: Path, authority: str, source_on: str, read_on: datetime | None, target: Path
) -> None:
    """Write the pack's libraries from a LibrariesHacked list and the Arts Council's weekly totals."""
    done, refused = packs.build_libraries(
        listed,
        totals,
        packs.CITY / "postcodes.csv.gz",
        target,
        authority=authority,
        source_on=source_on,
        read_on=read_on.date() if read_on else today(),
    )
    _say(refused)
    click.echo(f"wrote {done} libraries, refused {len(refused)} lines")
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
