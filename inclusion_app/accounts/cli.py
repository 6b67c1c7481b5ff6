"""`flask accounts invite` makes the first admin; `flask demo` brings demonstration staff and takes them away."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from urllib.parse import quote

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts import demonstration, factors, queries, services
from inclusion_app.accounts.models import Organisation
from inclusion_app.accounts.rules import INVITATION_LIFE, INVITATION_PATH, ORGANISATION_KINDS, ROLES
from inclusion_app.config import Settings
from inclusion_app.core import registry
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line

SIGN_INS = "demo-sign-ins.json"
NOT_HERE = "Demonstration data is for this machine only: INCLUSION_BASE_URL and INCLUSION_DEMO say otherwise."


@click.group("accounts")
def accounts_group() -> None:
    """Organisations and their staff."""


@accounts_group.command("invite")
@click.argument("email")
@click.option(
    "--role", "roles", multiple=True, required=True, help=f"One of {', '.join(ROLES)}; several are fine."
)
@click.option("--organisation", required=True, help="Its name; it is made when there is none.")
@click.option(
    "--kind", default="council", show_default=True, help=f"Of a new one: {', '.join(ORGANISATION_KINDS)}."
)
@with_appcontext
def invite(email: str, roles: tuple[str, ...], organisation: str, kind: str) -> None:
    """Invite EMAIL to roles in an organisation, by e-mail; prints the link once.

    Exit code 2 for an address, a role or a kind that cannot be right.
    """
    try:
        with transaction() as session:
            found = _organisation(session, one_line(organisation), kind)
            token = services.invite(
                session, organisation_id=found, email=email, roles=roles, actor=None, link_for=_link, now=now()
            )  # fmt: skip
    except RuleBroken as broken:
        raise click.UsageError(
            broken.message % broken.params if broken.params else broken.message
        ) from broken
    click.echo(f"This link works once, for {INVITATION_LIFE.days} days. Give it to nobody else:")
    click.echo(_link(token))


@accounts_group.command("reset-factors")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def reset_factors(email: str, yes: bool) -> None:
    """Take away every second factor of EMAIL: phone, keys and recovery codes are all lost.

    Make sure by another way that it is they who ask. They set up new ones after their password. Exit code 2 for an
    address nobody of the staff has.
    """
    with reading() as session:
        person = queries.staff_by_email(session, email)
    if person is None or person.left_at is not None:
        raise click.UsageError("Nobody of the staff has this address.")
    if not yes:
        click.confirm("Are you sure who asks for this?", abort=True)
    with transaction() as session:
        factors.reset(session, staff_id=person.id, now=now())
    click.echo("Taken away. Every sign-in of theirs has ended, and they were told by e-mail.")


def _organisation(session: Session, name: str, kind: str) -> int:
    number = session.scalar(select(Organisation.id).where(Organisation.name == name))
    if number is not None:
        return number
    return services.make_organisation(session, name=name, kind=kind, actor=None, now=now()).id


def _link(token: str) -> str:
    return f"{current_app.extensions['settings'].address}{INVITATION_PATH}{quote(token)}"


@click.group("demo")
def demo_group() -> None:
    """Demonstration organisations and staff, for one's own machine only."""


@demo_group.command("load")
@with_appcontext
def load_demo() -> None:
    """Make three invented organisations with one member of staff for each role, and what they would show.

    A second time makes anew only what is all over by then.
    """
    settings: Settings = current_app.extensions["settings"]
    if not (settings.is_local and settings.demo):
        raise click.ClickException(NOT_HERE)
    click.echo(load_demonstration(settings))


@demo_group.command("remove")
@with_appcontext
def remove_demo() -> None:
    """Take the demonstration organisations, their staff and their sessions away, wherever this runs; only the record is left.

    With INCLUSION_DEMO=0 they do not come back.
    """
    with transaction() as session:
        for shown in registry.demonstrations():
            shown.remove(session)
        count = demonstration.remove(session)
    (current_app.extensions["settings"].instance / SIGN_INS).unlink(missing_ok=True)
    click.echo(f"removed {count} demonstration organisations")


@demo_group.command("code")
@click.argument("email")
@with_appcontext
def show_code(email: str) -> None:
    """Print the six numbers that a code app would show now for the demonstration sign-in of EMAIL.

    Exit code 1 where no demonstration may be, 2 for an address that stands in no file of sign-ins.
    """
    import pyotp  # only here: loading the service must stay quick

    settings: Settings = current_app.extensions["settings"]
    if not (settings.is_local and settings.demo):
        raise click.ClickException(NOT_HERE)
    with contextlib.suppress(OSError, ValueError):
        for row in json.loads((settings.instance / SIGN_INS).read_text(encoding="utf-8")):
            if row["email"] == email.strip().casefold():
                click.echo(pyotp.TOTP(row["totp_secret"]).at(now()))
                return
    raise click.UsageError("No demonstration sign-in has this address.")


def load_demonstration(settings: Settings) -> str:
    """Load what is not there yet and write the sign-ins into their file; returns lines for the terminal."""
    lines = [_load_staff(settings)]
    with transaction() as session:
        if demonstration.is_loaded(session):
            lines += [shown.load(session, now()) for shown in registry.demonstrations()]
    return "\n".join(filter(None, lines))


def _load_staff(settings: Settings) -> str:
    with reading() as session:
        if demonstration.is_loaded(session):
            return "demonstration: loaded already"
    sign_ins = demonstration.new_sign_ins()
    path = settings.instance / SIGN_INS
    try:
        with transaction() as session:
            demonstration.load(session, sign_ins=sign_ins, now=now())
            _write(path, [one.shown() for one in sign_ins])
    except RuleBroken:
        # Another command was quicker, or somebody gave an organisation such a name.
        return "demonstration: not loaded, because there is an organisation of that name"
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return f"demonstration: {len(sign_ins)} members of staff; their sign-ins are in {path}"


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    """In one step, and for the owner alone from the first byte on."""
    fresh = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(rows, out, indent=1)
    fresh.replace(path)
