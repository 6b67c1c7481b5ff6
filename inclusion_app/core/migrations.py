"""Alembic, run from our own commands: where the scripts are and whether the database has them all."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from inclusion_app.core.db import engine

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"


def alembic_config(url: str) -> Config:
    """A configuration made here, so that no file has to name a database."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["url"] = url
    return config


def _config() -> Config:
    return alembic_config(current_app.extensions["settings"].database_url)


def pending_migrations() -> bool:
    """True when the database lacks a migration this code brings."""
    with engine().connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    return here != ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(revision: str = "head") -> None:
    """Bring the database up to a revision."""
    command.upgrade(_config(), revision)


def downgrade(revision: str) -> None:
    """Take the database back to a revision ("base" for empty)."""
    command.downgrade(_config(), revision)


def current() -> None:
    """Print the revision the database stands at."""
    command.current(_config())
