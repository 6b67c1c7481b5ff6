"""`flask` command groups; each opens a transaction and calls a service."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from inclusion_app.accounts import protections as accounts_protections
from inclusion_app.accounts import sign_in
from inclusion_app.accounts.cli import accounts_group, demo_group, load_demonstration
from inclusion_app.accounts.services import delete_old_invitations
from inclusion_app.core import (
    assets,
    attempts,
    audit,
    backup,
    crypto,
    i18n,
    migrations,
    protections,
    retention_runs,
)
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import engine, reading, shorten_log, transaction
from inclusion_app.core.sessions import delete_idle_visits
from inclusion_app.core.staff_sessions import delete_ended_sessions
from inclusion_app.groups import services as groups
from inclusion_app.loans import protections as loans_protections
from inclusion_app.loans import reminders as loans_reminders
from inclusion_app.loans.cli import loans
from inclusion_app.loans.services import files as loan_files
from inclusion_app.loans.services import forgetting as loans_forgetting
from inclusion_app.messages import sending
from inclusion_app.messages import services as messages
from inclusion_app.messages.cli import messages_group
from inclusion_app.people import protections as people_protections
from inclusion_app.people import services as people
from inclusion_app.people.desk_services import delete_old_papers
from inclusion_app.people.feedback_services import delete_old_feedback
from inclusion_app.people.glass_services import tell_late_reviews
from inclusion_app.places.cli import holidays, pack, places, postcodes, wards
from inclusion_app.places.services import delete_old_reports, load_city_pack
from inclusion_app.referrals import clocks
from inclusion_app.referrals.services import forgetting as referrals_forgetting
from inclusion_app.referrals.services import staff_files as case_files
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.cli import codes, handout
from inclusion_app.supervisor import CannotStart, lock_instance
from inclusion_app.training import protections as training_protections
from inclusion_app.training import reminders
from inclusion_app.training.services import forgetting

BEAT_SECONDS = 20
CHORES_EVERY = 60
UNKNOWN_SINCE = (
    "Nobody can know what people took away since this backup was made: the file `protections` of that time is not here."
    " Consents, limits and roles that ended since come back. Ask the organisations before the service starts."
)
# What is deleted when its time is over, each in a transaction of its own.
DELETIONS: dict[str, Callable[..., int]] = {
    "visits": delete_idle_visits,
    "saved plans": people.delete_idle_residents,
    "groups": groups.delete_idle_groups,
    "codes of stickers": people.delete_old_sticker_codes,
    "invitations of staff": delete_old_invitations,
    "counts of tries": attempts.delete_old,
    "papers of the front desk": delete_old_papers,
    "reports": delete_old_reports,
    "ended sign-ins of staff": delete_ended_sessions,
    "browsers of staff": sign_in.delete_old_devices,
    "links for a new password": sign_in.delete_old_links,
    "texts of messages": messages.delete_old_texts,
    "one-time links": messages.delete_old_links,
    "answered feedback": delete_old_feedback,
    "ways to reach who booked": forgetting.forget_contacts,
    "bookings": forgetting.delete_old_bookings,
    "requests without a date": forgetting.delete_old_requests,
    "requests without a loan": loans_forgetting.delete_refused,
    "answers behind points": loans_forgetting.forget_answers,
    "loans that ended": loans_forgetting.delete_old_loans,
    "referrals that ended": referrals_forgetting.delete_ended,
    "unconfirmed referrals": referrals_forgetting.delete_unconfirmed,
    "facts of public referrals": referrals_forgetting.forget_public_facts,
    "notes of cases": referrals_forgetting.delete_old_notes,
    "tasks that are done": referrals_forgetting.delete_done_tasks,
    "sheets that were destroyed": referrals_forgetting.delete_old_sheets,
    "links of partners": referrals_forgetting.delete_old_partner_links,
    "saved views of who left": referrals_forgetting.delete_left_views,
}


def register(app: Flask) -> None:
    """Add the commands to the application."""
    for command in (db_group, assets_group, keys_group, audit_group, retention_group, setup, worker):
        app.cli.add_command(command)
    for command in (accounts_group, demo_group, make_backup, restore_backup, messages_group):
        app.cli.add_command(command)
    for command in (places, postcodes, wards, holidays, pack, handout, codes, loans, translations_group):
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
    """Write every encrypted value and every sealed file anew with the first key."""
    done = crypto.rotate() + case_files.rotate(instance=current_app.extensions["settings"].instance)
    click.echo(f"{done} values written with the current key")


@click.group("audit")
def audit_group() -> None:
    """The record of reads and writes of personal data."""


@audit_group.command("verify")
@with_appcontext
def verify_audit() -> None:
    """Check every chain against its keys and the signed heads; exit 1 when anything was changed."""
    with reading() as session:
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
    """Delete what has been kept long enough.

    What is kept how long, and why, stands on the page /staff/retention; INCLUSION_RETENTION changes it.

    Exit code 1 when one of them could not be done; the others are done all the same.
    """
    failed = []
    for what, delete in DELETIONS.items():
        try:
            with transaction() as session:
                count = retention_runs.carry_out(session, what, delete, now=now())
                if dry_run:
                    session.rollback()
        except Exception as err:  # noqa: BLE001 - one value that cannot be read must not keep all the others
            failed.append(f"{what}: {type(err).__name__}")
            continue
        click.echo(f"{'would delete' if dry_run else 'deleted'} {count} {what}")
    if not dry_run:
        shorten_log(engine())
    if failed:
        raise click.ClickException(f"could not delete {'; '.join(failed)}")


@click.group("translations")
def translations_group() -> None:
    """The words of every language."""


@translations_group.command("check")
@click.option(
    "--strict", is_flag=True, help="Fail as well when a checker cannot run because it is not installed."
)
def check_translations(strict: bool) -> None:
    """Check every released language with six checkers; exit 1 when one finds a fault.

    msgfmt, i18nspector and pofilter are tools of the tests. Where one is missing it is named as "not run".
    """
    from inclusion_app.core import wordcheck  # a page never needs it

    chosen = wordcheck.tongues((language.code, language.script) for language in i18n.released())
    try:
        report = wordcheck.check(chosen)
    except (wordcheck.BadGlossary, OSError) as broken:
        raise click.ClickException(str(broken)) from broken
    for fault in report.faults:
        click.echo(str(fault), err=True)
    for name in report.not_run:
        click.echo(f"not run, because it is not installed: {name}", err=True)
    names = ", ".join(tongue.code for tongue in chosen)
    click.echo(f"{len(report.faults)} faults in {names}; checked by {', '.join(report.ran)}")
    if report.faults or (strict and report.not_run):
        raise SystemExit(1)


@click.command("setup")
@with_appcontext
def setup() -> None:
    """Make this instance ready: migrations, catalogue, city pack, demonstration staff where that may be.

    Quick when nothing changed.
    """
    _open_database()
    migrations.upgrade()
    catalogue = load_catalogue()
    click.echo(f"catalogue: {len(catalogue.goals)} goals, {len(catalogue.steps)} steps")
    with transaction() as session:
        lines = load_city_pack(session, now=now())
    for line in lines:
        click.echo(line)
    settings = current_app.extensions["settings"]
    if settings.is_local and settings.demo:
        click.echo(load_demonstration(settings))


def _open_database() -> None:
    """Say in one sentence why the database cannot be opened, if so."""
    try:
        engine().connect().close()
    except DBAPIError as err:
        why = next(iter(str(err.orig).strip().splitlines()), type(err.orig).__name__)
        raise click.ClickException(
            f"The database cannot be opened: {why}. Look at INCLUSION_DATABASE_URL and who may use it."
        ) from err


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def make_backup(file: Path) -> None:
    """Write everything but the keys to FILE, while the service runs. Keep the keys in another place."""
    settings = current_app.extensions["settings"]
    _remember_who_left(settings.instance)
    try:
        _remember_protections(settings.instance)
    except protections.SealBroken as broken:
        # A copy is needed more than ever; a restore will say no.
        click.echo(str(broken), err=True)
    try:
        manifest = backup.make_backup(file, settings=settings, engine=engine(), now=now())
    except (backup.BackupError, OSError) as failed:
        raise click.ClickException(str(failed)) from failed
    click.echo(f"{file}: {file.stat().st_size:,} bytes, {manifest.engine}, schema {manifest.revision}")
    click.echo("The keys (secret-key, field-keys) are not in it. Keep them in another place.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--without-protections",
    is_flag=True,
    help="Go on without the file that says what people took away; it is moved aside.",
)
@with_appcontext
def restore_backup(file: Path, yes: bool, without_protections: bool) -> None:
    """Put FILE in the place of the database of this instance; the service must be stopped.

    Whoever had their plan deleted after the backup was made stays deleted. A consent or booking that ended since stays ended,
    a limit on who may look stands again, and staff who left have left. Everybody has to sign in again.
    """
    settings = current_app.extensions["settings"]
    folder: Path = settings.instance
    if not yes:
        click.confirm("What is in the database now is replaced. Go on?", abort=True)
    try:
        lock = lock_instance(folder)
    except CannotStart as running:
        raise click.ClickException(f"Stop the service first. {running}") from running
    try:
        # A database that can still be read knows of what the worker has not written down yet.
        if backup.has_database(engine()):
            with contextlib.suppress(SQLAlchemyError):
                _remember_who_left(folder)
            if not without_protections:
                with contextlib.suppress(SQLAlchemyError):
                    _remember_protections(folder)
        known = None if without_protections else protections.read(folder, secret=settings.secret_key)
        made_at = backup.look_into(file, settings=settings, engine=engine()).made_at
        if known is None or known.since > datetime.fromisoformat(made_at):
            click.echo(UNKNOWN_SINCE, err=True)
            if not yes:
                click.confirm("Go on?", abort=True)
        manifest, aside = backup.restore(file, settings=settings, engine=engine(), now=now())
        migrations.upgrade()
        erased = backup.erased(folder)
        with transaction() as session:
            gone = people.delete_again(session, erased=erased, now=now())
            facts = known.facts if known else {}
            consents, limits = people_protections.put_back(session, facts=facts, now=now())
            left = accounts_protections.put_back(session, facts=facts, now=now())
            booked = training_protections.put_back(session, facts=facts, now=now())
            lent = loans_protections.put_back(session, facts=facts, now=now())
            people_protections.end_all_visits(session)
            groups.end_all_help(session, now=now())
            accounts_protections.end_all_sign_ins(session)
        if without_protections and (moved := protections.put_aside(folder, now())):
            aside.append(moved)
        with reading() as session:
            faults = audit.verify(session, _heads())
    except (backup.BackupError, protections.SealBroken, OSError) as failed:
        raise click.ClickException(str(failed)) from failed
    finally:
        os.close(lock)
    click.echo(f"restored the backup of {manifest.made_at}; deleted again: {gone}")
    click.echo(
        f"ended again: {consents} consents, {left} roles and accounts of staff, {booked} bookings,"
        f" {lent} requests and loans of devices;"
        f" limited again: {limits}"
    )
    for path in aside:
        click.echo(f"moved aside, delete it when all is well: {path}")
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        raise SystemExit(1)


def _remember_who_left(folder: Path) -> None:
    with reading() as session:
        backup.remember_erasures(session, folder)


def _remember_protections(folder: Path) -> None:
    """Write down what people took away. Raises SealBroken."""

    def collect(known: protections.Facts) -> protections.Facts:
        with reading() as session:
            theirs = people_protections.facts_of(session, known, erased=backup.erased(folder), now=moment)
            booked = training_protections.facts_of(session, known, now=moment)
            lent = loans_protections.facts_of(session, known, now=moment)
            return {**theirs, **accounts_protections.facts_of(session, known), **booked, **lent}

    moment = now()
    secret = current_app.extensions["settings"].secret_key
    protections.remember(folder, collect, secret=secret, now=moment)


def _heads() -> Path:
    instance: Path = current_app.extensions["settings"].instance
    return instance / "audit-heads"


def _do(name: str, do: Callable[[], object], *, noted: bool = True) -> None:
    """One chore by itself. How it went is written down for the page of the jobs, when that can be written at all."""
    began_at, fault = now(), None
    try:
        do()
    except Exception as err:  # noqa: BLE001 - the next chore may still be done
        # The kind only: a message could carry what somebody typed.
        fault = type(err).__name__
        current_app.logger.error("could not %s: %s", name, fault)
    if noted:
        with contextlib.suppress(SQLAlchemyError):
            sending.note_run(name, began_at, fault)


def do_chores(folder: Path) -> None:
    """Everything the worker does once a minute, each thing by itself: what fails is logged and the rest goes on.

    Signing comes first, for a record that nobody signs is what somebody who cuts it would wish for.
    """

    def sign() -> None:
        with reading() as session:
            audit.append_heads(session, folder / "audit-heads")

    def delete(what: str) -> None:
        with transaction() as session:
            retention_runs.carry_out(session, what, DELETIONS[what], now=now())

    def sweep_files() -> None:
        with reading() as session:
            loan_files.delete_unnamed(session, instance=folder, now=now())
            case_files.delete_unnamed(session, instance=folder, now=now())

    def tell_late() -> None:
        with transaction() as session:
            tell_late_reviews(
                session,
                link_to=lambda number: sending.whole_address(f"/staff/break-glass/{number}"),
                today=today(),
            )

    chores: dict[str, Callable[[], object]] = {
        "sign the heads of the record": sign,
        # Before the messages go out: what these put leaves in the same minute.
        "remind of sessions": reminders.remind,
        "end offers of places": reminders.lapse,
        "offer devices to who waits": lambda: loans_reminders.serve_and_lapse(now()),
        "remind of what is lent": loans_reminders.remind,
        "warn of data that ends": loans_reminders.warn_of_data,
        "ask how a loan goes": loans_reminders.ask_how_it_goes,
        "nudge about referrals": lambda: clocks.look(now()),
        "send messages": sending.send_pass,
        "look at the trays": sending.look_at_trays,
        **{f"delete {what}": functools.partial(delete, what) for what in DELETIONS},
        "delete messages written to the folder": sending.delete_old_files,
        "delete files no row names": sweep_files,
        "remember who was deleted": functools.partial(_remember_who_left, folder),
        "remember what was taken away": functools.partial(_remember_protections, folder),
        "tell of late reviews": tell_late,
    }
    for name, do in chores.items():
        _do(name, do)
    _do("forget jobs that are done no more", functools.partial(sending.forget_jobs, chores), noted=False)
    # Also for what people deleted themselves since the last time.
    shorten_log(engine())


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do the chores in a loop: send messages, end idle visits, keep retention, sign the heads of the record."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    beat = current_app.extensions["settings"].instance / "worker-beat"
    next_chores = 0.0
    while not stop.is_set():
        if now().timestamp() >= next_chores:
            do_chores(beat.parent)
            next_chores = now().timestamp() + CHORES_EVERY
        else:
            # A link to a plan is waited for: messages do not wait for the other chores.
            _do("send messages", sending.send_pass)
        beat.touch()
        stop.wait(BEAT_SECONDS)
