"""Where the shop finds its database, files and secrets.

Settings come from the environment, then from `.env` in the shop's folder. The backend starts even when a required one
is missing, so that /health can say which.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url


@dataclass(frozen=True)
class Settings:
    home: Path
    database_url: str
    jwt_secret: str
    uploads: Path
    sessions: Path
    config: Path

    @staticmethod
    def load() -> "Settings":
        home = Path(os.environ.get("SHOP_HOME") or Path(__file__).resolve().parents[2])
        values = {**read_env_file(home / ".env"), **os.environ}

        def path(name: str, default: str) -> Path:
            return home / (values.get(name) or default)

        return Settings(
            home=home,
            database_url=values.get("DATABASE_URL", ""),
            jwt_secret=values.get("JWT_SECRET", ""),
            uploads=path("UPLOADS", "uploads"),
            sessions=path("SESSIONS", "data/sessions.db"),
            config=path("SHOP_CONFIG", "config/shop.toml"),
        )

    def database(self) -> URL:
        """The address in SQLAlchemy's form: the driver named, a SQLite path made absolute."""
        url = make_url(self.database_url)
        if url.drivername in ("postgres", "postgresql"):
            return url.set(drivername="postgresql+psycopg2")
        if url.drivername == "sqlite":
            return url.set(database=str(self.home / (url.database or "data/shop.db")))
        return url

    def missing(self) -> list[str]:
        required = {"DATABASE_URL": self.database_url, "JWT_SECRET": self.jwt_secret}
        return [name for name, value in required.items() if not value]


@dataclass(frozen=True)
class ShopConfig:
    """What the shop's owner may change, in config/shop.toml."""

    name: str
    currency: str
    session_days: int
    max_upload_bytes: int

    @staticmethod
    def load(path: Path) -> "ShopConfig":
        with path.open("rb") as file:
            return ShopConfig(**tomllib.load(file))


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines, as Compose reads them; quotes around a value are dropped."""
    if not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            value = value.strip()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            values[name.strip()] = value
    return values
