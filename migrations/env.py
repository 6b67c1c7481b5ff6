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
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()


run()
