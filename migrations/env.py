"""Alembic's entry: one connection, one transaction per run, batch mode so that SQLite can change tables too."""

from alembic import context

from inclusion_app import models_index
from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import UTCDateTime, make_engine

target_metadata = models_index.metadata


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    engine = make_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        migrate(connection)
    engine.dispose()


def render_item(kind, item, _context):  # type: ignore[no-untyped-def]
    """Migrations name plain column types: they must run years after our own classes have changed."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, EncryptedText | EncryptedJSON):
        return "sa.Text()"
    return False


def migrate(connection) -> None:  # type: ignore[no-untyped-def]
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=True,
    )
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        # A table written anew is dropped first, and its rows would take all that belongs to them with it: visits their
        # plans. It can be said outside a transaction only.
        connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
    with context.begin_transaction():
        context.run_migrations()
    if on_sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise RuntimeError(
            f"rows that belong to nothing after this migration: {sorted({row[0] for row in lost})}"
        )
    if connection.in_transaction():
        connection.commit()
    if on_sqlite:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys = ON")


run()
