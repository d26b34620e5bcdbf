"""One job at a time on a folder: a lock that names its holder and is free again when the holder is gone."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.common.errors import DataError
from features.partitions.storage import Storage

NAME = "lock.json"
STALE = 24 * 3600  # seconds after which a lock on an object store, whose holder cannot be asked, counts as forgotten


@contextmanager
def folder_lock(storage: Storage, purpose: str) -> Iterator[None]:
    """Hold the folder while the block runs; `purpose` says in words what is done with it.

    On a file system the operating system keeps the lock (`flock`), so it ends with its process however that ends. An object
    store has no such thing: there the lock is an object, believed for a day.

    Raises
    ------
    DataError
        if another job holds it.
    """
    if storage.local:
        with _system_lock(storage.local, purpose):
            yield
        return
    with _object_lock(storage, purpose):
        yield


@contextmanager
def _system_lock(folder: Path, purpose: str) -> Iterator[None]:
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise _in_use_error(str(folder), file.read()) from error
        file.seek(0)
        file.truncate()
        file.write(_holder_record(purpose, ""))
        file.flush()
        yield  # the file stays: taking it away would let a third job lock another file of that name


@contextmanager
def _object_lock(storage: Storage, purpose: str) -> Iterator[None]:
    mark = uuid.uuid4().hex
    if storage.exists(NAME):
        content = storage.read(NAME).decode()
        if not _is_stale(content):
            raise _in_use_error(storage.url, content)
    storage.write(NAME, _holder_record(purpose, mark).encode())
    content = storage.read(NAME).decode()
    if mark not in content:  # two came at once; the last one to write has it
        raise _in_use_error(storage.url, content)
    try:
        yield
    finally:
        storage.remove(NAME)


def _holder_record(purpose: str, mark: str) -> str:
    return json.dumps(
        {"host": socket.gethostname(), "process": os.getpid(), "what": purpose, "since": time.time(), "mark": mark}
    )


def _is_stale(content: str) -> bool:
    with suppress(ValueError, KeyError):
        holder = json.loads(content)
        if (
            holder["host"] == socket.gethostname()
            and not Path(f"/proc/{holder['process']}").exists()
            and Path("/proc").exists()
        ):
            return True
        return bool(time.time() - holder["since"] > STALE)
    return True


def _in_use_error(location: str, content: str) -> DataError:
    with suppress(ValueError, KeyError):
        holder = json.loads(content)
        description = f"process {holder['process']} on {holder['host']}, which is {holder['what']}"
        return DataError(f"{location} is in use by {description}.", "Wait until it has ended, or name another folder.")
    return DataError(f"{location} is in use by another job.", "Wait until it has ended, or name another folder.")
