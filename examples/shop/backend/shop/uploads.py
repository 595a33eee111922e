"""Uploaded files on disk.

The file is complete, synced and in its place before the row that names it is written. So a backup that copies the
database first and the files last never holds a row without its file. A file without a row is harmless.
"""

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .models import Upload


class TooLarge(Exception):
    pass


@dataclass(frozen=True)
class Stored:
    path: str
    bytes: int
    sha256: str


def store(folder: Path, name: str, content: BinaryIO, limit: int) -> Stored:
    identifier = uuid.uuid4().hex
    relative = f"{identifier[:2]}/{identifier}-{safe_name(name)}"
    target = folder / relative
    partial = target.with_name(f".{identifier}.partial")
    target.parent.mkdir(exist_ok=True)
    size, digest = 0, hashlib.sha256()
    try:
        with partial.open("xb") as file:
            while block := content.read(1 << 16):
                size += len(block)
                if size > limit:
                    raise TooLarge(f"more than {limit} bytes")
                digest.update(block)
                file.write(block)
            file.flush()
            os.fchmod(file.fileno(), 0o640)
            os.fsync(file.fileno())
        partial.rename(target)
        sync_folder(target.parent)
        sync_folder(folder)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Stored(relative, size, digest.hexdigest())


def safe_name(name: str) -> str:
    """A name that cannot leave its folder and fits into it."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".")[-80:] or "file"


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def problem(folder: Path, upload: Upload) -> str | None:
    """What is wrong with the file of a row, or None."""
    path = folder / upload.path
    if not path.is_file():
        return f"upload {upload.id}: {upload.path} is missing"
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != upload.sha256:
            return f"upload {upload.id}: {upload.path} has other content than when it was stored"
    return None
