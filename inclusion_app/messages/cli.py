"""`flask messages`: send what waits, now."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from inclusion_app.messages import sending


@click.group("messages")
def messages_group() -> None:
    """The outbox."""


@messages_group.command("send")
@with_appcontext
def send() -> None:
    """Send what is due, once. The worker does the same by itself."""
    passed = sending.send_pass()
    click.echo(f"sent {passed.sent}, failed {passed.failed}, put off {passed.put_off}")
