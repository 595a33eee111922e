"""Who is signed in: a small SQLite file in WAL mode, whatever the orders' database is."""

import sqlite3
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import quote

SCHEMA = """
create table if not exists sessions (
    id         text primary key,
    user_name  text not null,
    created_at integer not null,
    expires_at integer not null,
    last_seen  integer not null
)
"""


class Sessions:
    """One connection, opened when it is first needed and shared under a lock."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def create(self, user_name: str, days: int) -> tuple[str, int]:
        """Returns the session's id and when it ends, in seconds since 1970."""
        identifier, now = uuid.uuid4().hex, int(time.time())
        expires = now + days * 86400
        self._run("insert into sessions values (?, ?, ?, ?, ?)", identifier, user_name, now, expires, now)
        return identifier, expires

    def touch(self, identifier: str) -> bool:
        """Notes that the session was used; False when there is none of that id, or it has ended."""
        now = int(time.time())
        return self._run("update sessions set last_seen = ? where id = ? and expires_at > ?", now, identifier, now) > 0

    def remove(self, identifier: str) -> None:
        self._run("delete from sessions where id = ?", identifier)

    def probe(self) -> None:
        """Raises when the file is gone or cannot be read."""
        if self._connection is not None and not self._path.exists():
            raise sqlite3.OperationalError("the file was removed while in use")
        self._run("select count(*) from sessions")

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str, *values) -> int:
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:  # one transaction
                return self._connection.execute(statement, values).rowcount

    def _open(self) -> sqlite3.Connection:
        """Never makes the file: that would hide that it is gone."""
        return sqlite3.connect(f"file:{quote(str(self._path))}?mode=rw", uri=True, timeout=10, check_same_thread=False)


def make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")  # kept in the file
        connection.execute(SCHEMA)
    finally:
        connection.close()
