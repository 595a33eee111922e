"""What /health answers: "ok" only when the shop can really do its work."""

import sqlite3

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from .database import current_revision
from .sessions import Sessions
from .settings import Settings, ShopConfig


def report(settings: Settings, engine: Engine | None, head: str | None, sessions: Sessions) -> dict:
    problems = [f"{name} is not set" for name in settings.missing()]
    database, revision = "not configured", None

    if engine is not None:
        try:
            with engine.connect() as connection:
                revision = current_revision(connection)
            database = "ok"
            if revision != head:
                problems.append(f"the database is at migration {revision}, the code needs {head}")
        except SQLAlchemyError as error:
            database = "unreachable"
            problems.append(f"the database is unreachable: {type(error).__name__}")  # its text may hold the address

    try:
        sessions.probe()
    except (sqlite3.Error, OSError) as error:
        problems.append(f"sessions cannot be read: {error}")

    try:
        ShopConfig.load(settings.config)
    except (OSError, TypeError, ValueError) as error:
        problems.append(f"the configuration cannot be read: {error}")

    if not settings.uploads.is_dir():
        problems.append(f"the uploads folder is missing: {settings.uploads}")

    return {"status": "error" if problems else "ok", "database": database, "migration": revision, "problems": problems}
