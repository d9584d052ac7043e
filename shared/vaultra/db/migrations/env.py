"""Alembic's entry: runs the migrations on the connection `vaultra.db.migrate` hands over."""

from alembic import context

from vaultra.db.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
