"""Alembic's entry: a transaction for each version, bounded waits for locks, no personal data."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

SCHEMA = "ocrm"


def run() -> None:
    """Apply the migrations to the database that the configuration names."""
    options = context.config.attributes
    engine = create_engine(options["url"], poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"set lock_timeout = '{int(options['lock_timeout'])}s'"))
        connection.commit()
        context.configure(
            connection=connection, version_table_schema=SCHEMA, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()


run()
