"""`flask` command groups; each opens a transaction and calls a service."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from inclusion_app.core import assets, audit, crypto, migrations
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import delete_idle_visits
from inclusion_app.people import services as people
from inclusion_app.places.cli import holidays, pack, places, postcodes, wards
from inclusion_app.places.services import load_city_pack
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.cli import handout

BEAT_SECONDS = 20
CHORES_EVERY = 60


def register(app: Flask) -> None:
    """Add the commands to the application."""
    for command in (db_group, assets_group, keys_group, audit_group, retention_group, setup, worker):
        app.cli.add_command(command)
    for command in (places, postcodes, wards, holidays, pack, handout):
        app.cli.add_command(command)


@click.group("db")
def db_group() -> None:
    """Migrations of the database."""


@db_group.command("upgrade")
@click.argument("revision", default="head")
@with_appcontext
def upgrade(revision: str) -> None:
    """Bring the database up to a revision."""
    migrations.upgrade(revision)


@db_group.command("downgrade")
@click.argument("revision")
@with_appcontext
def downgrade(revision: str) -> None:
    """Take the database back to a revision; "base" empties it."""
    migrations.downgrade(revision)


@db_group.command("current")
@with_appcontext
def show_current() -> None:
    """Print the revision the database stands at."""
    migrations.current()


@click.group("assets")
def assets_group() -> None:
    """Style sheet, script and icon."""


@assets_group.command("build")
def build_assets() -> None:
    """Join, fingerprint and compress the static files."""
    for plain, built in assets.build().items():
        click.echo(f"{plain} -> {built}")


@click.group("keys")
def keys_group() -> None:
    """Keys of the encrypted columns."""


@keys_group.command("rotate")
@with_appcontext
def rotate_keys() -> None:
    """Write every encrypted value anew with the first key."""
    with transaction() as session:
        click.echo(f"{crypto.rotate(session)} values written with the current key")


@click.group("audit")
def audit_group() -> None:
    """The record of reads and writes of personal data."""


@audit_group.command("verify")
@with_appcontext
def verify_audit() -> None:
    """Check every chain against its keys and the signed heads; exit 1 when anything was changed."""
    with transaction() as session:
        faults = audit.verify(session, _heads())
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        raise SystemExit(1)
    click.echo("every row of the record is as it was written")


@click.group("retention")
def retention_group() -> None:
    """Delete what has been kept long enough."""


@retention_group.command("run")
@click.option("--dry-run", is_flag=True, help="Count only.")
@with_appcontext
def run_retention(dry_run: bool) -> None:
    """Delete idle visits and saved plans nobody has used for 13 months."""
    with transaction() as session:
        visits = delete_idle_visits(session, now=now())
        plans = people.delete_idle_residents(session, now=now())
        if dry_run:
            session.rollback()
    click.echo(f"{'would delete' if dry_run else 'deleted'} {visits} visits and {plans} saved plans")


@click.command("setup")
@with_appcontext
def setup() -> None:
    """Make this instance ready: migrations, catalogue, city pack. Quick when nothing changed."""
    migrations.upgrade()
    catalogue = load_catalogue()
    click.echo(f"catalogue: {len(catalogue.goals)} goals, {len(catalogue.steps)} steps")
    with transaction() as session:
        for line in load_city_pack(session, now=now()):
            click.echo(line)


def _heads() -> Path:
    instance: Path = current_app.extensions["settings"].instance
    return instance / "audit-heads"


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do the chores in a loop: end idle visits, keep retention, sign the heads of the record."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    beat = current_app.extensions["settings"].instance / "worker-beat"
    next_chores = 0.0
    while not stop.is_set():
        if now().timestamp() >= next_chores:
            with transaction() as session:
                delete_idle_visits(session, now=now())
                people.delete_idle_residents(session, now=now())
            with transaction() as session:
                audit.append_heads(session, _heads())
            next_chores = now().timestamp() + CHORES_EVERY
        beat.touch()
        stop.wait(BEAT_SECONDS)
