"""The shop's own commands: migrate, seed, check."""

import argparse
import sys

from alembic import command
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from . import seed, sessions, uploads
from .database import alembic_config, current_revision, head_revision, make_engine
from .models import Upload
from .settings import Settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="shop", description="Commands of the shop, beside its web interface.")
    commands = parser.add_subparsers(dest="command", required=True)

    migrate = commands.add_parser("migrate", help="make the database and the sessions, or bring the database to a newer migration")
    migrate.add_argument("revision", nargs="?", default="head")

    commands.add_parser("revision", help="the database's migration and the newest one")

    fill = commands.add_parser("seed", help="fill the database and the uploads folder with made-up data")
    fill.add_argument("--users", type=int, default=5)
    fill.add_argument("--orders", type=int, default=500)
    fill.add_argument("--uploads", type=int, default=20)
    fill.add_argument("--upload-bytes", type=int, default=4096, help="mean size of a file")
    fill.add_argument("--seed", type=int, default=1, help="another number makes other data")
    fill.add_argument("--append", action="store_true", help="add to a shop that has data")

    commands.add_parser("check", help="ask whether every upload's row has its file, unchanged")
    arguments = parser.parse_args()

    settings = Settings.load()
    if not settings.database_url:
        print("shop: DATABASE_URL is not set", file=sys.stderr)
        return 2

    if arguments.command == "migrate":
        command.upgrade(alembic_config(), arguments.revision)
        sessions.make_file(settings.sessions)
        return 0
    engine = make_engine(settings.database())
    try:
        if arguments.command == "revision":
            with engine.connect() as connection:
                print(f"database {current_revision(connection)}, code {head_revision()}")
            return 0
        if arguments.command == "seed":
            seed.seed(
                engine, settings.uploads, arguments.users, arguments.orders, arguments.uploads,
                arguments.upload_bytes, arguments.seed, arguments.append,
            )
            print(f"seeded {arguments.users} users, {arguments.orders} orders, {arguments.uploads} uploads")
            return 0
        return check(engine, settings)
    except seed.NotEmpty as error:
        print(f"shop: {error}", file=sys.stderr)
        return 1
    except SQLAlchemyError as error:
        print(f"shop: the database refused: {error}", file=sys.stderr)
        return 1


def check(engine, settings: Settings) -> int:
    with Session(engine) as db:
        rows = db.scalars(select(Upload).order_by(Upload.id)).all()
    problems = [found for row in rows if (found := uploads.problem(settings.uploads, row))]
    for line in problems:
        print(line)
    known = {row.path for row in rows}
    files = {str(path.relative_to(settings.uploads)) for path in settings.uploads.rglob("*") if path.is_file()}
    print(f"{len(rows)} uploads, {len(problems)} wrong, {len(files - known)} files without a row")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
