"""Connections to the orders' database, and which migration it is at."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from .models import Order

ALEMBIC_INI = Path(__file__).resolve().parents[1] / "alembic.ini"


def make_engine(url: URL, create: bool = False) -> Engine:
    if url.drivername != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 3, "client_encoding": "utf8"})

    # Only a migration may create the file: a backend that did would hide that the database is gone.
    mode = "rwc" if create else "rw"
    if create:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(url.database)}?mode={mode}", uri=True, timeout=10, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def alembic_config() -> Config:
    return Config(str(ALEMBIC_INI))


def head_revision() -> str | None:
    """The newest migration that this code brings."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """The migration that the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def add_order(db: Session, **values) -> Order:
    """PostgreSQL takes the order's number from a sequence; SQLite has none, but only ever one writer."""
    if db.get_bind().dialect.name == "sqlite":
        values["number"] = select(func.coalesce(func.max(Order.number), 1000) + 1).scalar_subquery()
    order = Order(**values)
    db.add(order)
    db.commit()
    return order
