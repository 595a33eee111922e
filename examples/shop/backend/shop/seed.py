"""Made-up data: the same numbers always make the same rows and files, byte for byte."""

import hashlib
import os
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from .auth import hash_password
from .models import Order, Upload, User

PASSWORD = "shop-demo"
NAMES = ["ada", "grace", "edsger", "barbara", "niklaus", "margaret", "donald", "frances"]
ITEMS = ["teapot", "bicycle bell", "field notebook", "wool blanket", "desk lamp", "garden trowel", "enamel mug", "map of Brittany"]
WORDS = "please wrap leave with neighbour ring twice gift for a friend deliver after noon thank you blue green small large".split()
STATUSES = ["open", "paid", "shipped", "shipped", "shipped", "cancelled"]
SUFFIXES = ["invoice.txt", "photo of crème brûlée.jpg", "Notes & plans.md", "data.bin"]
MODES = [0o644, 0o640, 0o600, 0o444, 0o664]
START = datetime(2020, 1, 1, 8, 0, tzinfo=timezone.utc)
BATCH = 5_000


class NotEmpty(Exception):
    pass


def seed(engine: Engine, folder: Path, users: int, orders: int, uploads: int, upload_bytes: int, number: int, append: bool) -> None:
    """Files come before rows here too. `append` adds to what is there; without it, users in the database are an error."""
    with Session(engine) as db:
        first_user, first_upload, first_order = (next_id(db, table) for table in (User, Upload, Order))
        if first_user > 1 and not append:
            raise NotEmpty("the database already has users; --append adds to it")
        files = [make_upload(folder, index, upload_bytes, number) for index in range(first_upload, first_upload + uploads)]
        insert_all(db, User, (make_user(index) for index in range(first_user, first_user + users)))
        insert_all(db, Upload, files)
        last_user, last_upload = first_user + users - 1, first_upload + uploads - 1
        if last_user > 0:
            insert_all(
                db, Order, (make_order(index, last_user, last_upload, number) for index in range(first_order, first_order + orders))
            )
        if engine.dialect.name == "postgresql":  # explicit ids do not move the sequences
            for table in ("users", "uploads", "orders"):
                db.execute(text(f"select setval(pg_get_serial_sequence('{table}', 'id'), max(id)) from {table} having max(id) > 0"))
            db.execute(text("select setval('order_number_seq', max(number)) from orders having max(number) > 0"))
        db.commit()


def next_id(db: Session, table) -> int:
    return (db.scalar(select(func.max(table.id))) or 0) + 1


def insert_all(db: Session, table, rows) -> None:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            db.execute(insert(table.__table__), batch)
            batch.clear()
    if batch:
        db.execute(insert(table.__table__), batch)


def make_user(index: int) -> dict:
    name = NAMES[index - 1] if index <= len(NAMES) else f"user{index}"
    salt = hashlib.sha256(name.encode()).digest()[:16]
    return {"id": index, "name": name, "password_hash": hash_password(PASSWORD, salt), "created_at": START + timedelta(days=index)}


def make_order(index: int, users: int, uploads: int, number: int) -> dict:
    chance = random.Random(f"order {number} {index}")
    return {
        "id": index,
        "number": 1000 + index,
        "user_id": chance.randint(1, users),
        "upload_id": chance.randint(1, uploads) if uploads and chance.random() < 0.2 else None,
        "item": chance.choice(ITEMS),
        "quantity": chance.randint(1, 9),
        "price_cents": chance.randint(100, 20_000),
        "status": chance.choice(STATUSES),
        "note": " ".join(chance.choices(WORDS, k=chance.randint(0, 20))),
        "created_at": START + timedelta(minutes=7 * index, milliseconds=chance.randint(0, 999)),
    }


def make_upload(folder: Path, index: int, mean: int, number: int) -> dict:
    """Half of each file is text and half of it noise; the first file is empty. Modes and times differ."""
    chance = random.Random(f"upload {number} {index}")
    size = 0 if index == 1 else chance.randint(mean // 2, mean * 3 // 2)
    noise = chance.randbytes(size // 2)
    content = noise + (" ".join(chance.choices(WORDS, k=200)).encode() * (size // 400 + 1))[: size - len(noise)]
    name = f"{index:04}-{SUFFIXES[index % len(SUFFIXES)]}"
    relative = f"{index % 16:02x}/{name}"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(MODES[index % len(MODES)])
    created = START + timedelta(hours=index)
    modified = int(created.timestamp()) * 1_000_000_000 + chance.randint(0, 999_999_999)
    os.utime(path, ns=(modified, modified))
    return {"id": index, "name": name, "path": relative, "bytes": size, "sha256": hashlib.sha256(content).hexdigest(), "created_at": created}
