"""Alembic's entry: one transaction, bounded waits for locks, no personal data."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

SCHEMA = "ocrm"


def run() -> None:
    """Apply the migrations on the connection that the configuration names."""
    options = context.config.attributes
    engine = create_engine(options["url"], poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"set local lock_timeout = '{int(options['lock_timeout'])}s'"))
        context.configure(connection=connection, version_table_schema=SCHEMA)
        context.run_migrations()


run()
