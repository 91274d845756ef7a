"""Alembic's entry: run the migrations on the connection, and in the transaction, of the caller."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
