"""Alembic's entry: one connection, one transaction per run, batch mode so that SQLite can change tables too."""

from alembic import context

from inclusion_app import models_index
from inclusion_app.core.db import make_engine

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


def migrate(connection) -> None:  # type: ignore[no-untyped-def]
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        user_module_prefix="types.",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()


run()
