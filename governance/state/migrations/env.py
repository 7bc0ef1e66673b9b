"""Alembic's entry: runs the migrations on the connection that ``governance.state.migrations`` holds open."""

from alembic import context

from governance.state.models import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations run when the state database is opened; see governance/state/migrations/__init__.py")

context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
