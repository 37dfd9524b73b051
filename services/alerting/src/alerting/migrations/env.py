"""Runs the migrations on the connection that `alerting.migrate` opened."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="alerting")
with context.begin_transaction():
    connection.execute(text("set local lock_timeout = '5s'"))
    context.run_migrations()
connection.commit()
