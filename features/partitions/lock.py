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
from features.partitions.storage import Place

NAME = "lock.json"
STALE = 24 * 3600  # seconds after which a lock on an object store, whose holder cannot be asked, counts as forgotten


@contextmanager
def locked(place: Place, what: str) -> Iterator[None]:
    """Hold the folder while the block runs; `what` says in words what is done with it.

    On a file system the operating system keeps the lock (`flock`), so it ends with its process however that ends. An object
    store has no such thing: there the lock is an object, believed for a day.

    Raises
    ------
    DataError
        if another job holds it.
    """
    if place.local:
        with _of_system(place.local, what):
            yield
        return
    with _of_object(place, what):
        yield


@contextmanager
def _of_system(folder: Path, what: str) -> Iterator[None]:
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise _held(str(folder), file.read()) from error
        file.seek(0)
        file.truncate()
        file.write(_me(what, ""))
        file.flush()
        yield  # the file stays: taking it away would let a third job lock another file of that name


@contextmanager
def _of_object(place: Place, what: str) -> Iterator[None]:
    mark = uuid.uuid4().hex
    if place.exists(NAME):
        held = place.read(NAME).decode()
        if not _forgotten(held):
            raise _held(place.url, held)
    place.write(NAME, _me(what, mark).encode())
    held = place.read(NAME).decode()
    if mark not in held:  # two came at once; the last one to write has it
        raise _held(place.url, held)
    try:
        yield
    finally:
        place.remove(NAME)


def _me(what: str, mark: str) -> str:
    return json.dumps({"host": socket.gethostname(), "process": os.getpid(), "what": what, "since": time.time(), "mark": mark})


def _forgotten(held: str) -> bool:
    with suppress(ValueError, KeyError):
        found = json.loads(held)
        if found["host"] == socket.gethostname() and not Path(f"/proc/{found['process']}").exists() and Path("/proc").exists():
            return True
        return bool(time.time() - found["since"] > STALE)
    return True


def _held(where: str, held: str) -> DataError:
    with suppress(ValueError, KeyError):
        found = json.loads(held)
        who = f"process {found['process']} on {found['host']}, which is {found['what']}"
        return DataError(f"{where} is in use by {who}.", "Wait until it has ended, or name another folder.")
    return DataError(f"{where} is in use by another job.", "Wait until it has ended, or name another folder.")
