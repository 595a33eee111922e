"""Alembic's entry: the address comes from the shop's own settings, so that there is one place for it."""

from alembic import context

from shop.database import make_engine
from shop.models import Base
from shop.settings import Settings

if context.is_offline_mode():
    raise SystemExit("these migrations need a connection")

engine = make_engine(Settings.load().database(), create=True)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
