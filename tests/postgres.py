"""A real PostgreSQL on loopback, for tests that need one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def binaries() -> Path | None:
    """Where the newest server's programs are; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).parent if named else None


@dataclass(frozen=True)
class Cluster:
    """A server that can be stopped and started; `address` is that of its empty database."""

    address: str
    start: Callable[[], None]
    stop: Callable[[], None]  # at once, as if it had been killed


@contextmanager
def cluster(*, safe: bool = False) -> Iterator[Cluster]:
    """A server of its own, running. As root it runs as the user postgres, since it refuses root. `safe`: it writes as in
    production; without, it does not wait for the disk."""
    programs = binaries()
    assert programs is not None
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="postgres"))
    home.chmod(0o777)
    control: list[str | Path] = [*become, programs / "pg_ctl", "-D", home / "data"]

    def start() -> None:
        quick = "" if safe else " -c fsync=off"
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home}{quick}"
        _quietly([*control, "-w", "-o", options, "-l", home / "log", "start"], home)

    def stop() -> None:
        _quietly([*control, "-m", "immediate", "stop"], home)

    try:
        _quietly([*become, programs / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "--no-sync"], home)
        start()
        try:
            yield Cluster(f"postgresql://postgres:a-secret-password@127.0.0.1:{port}/postgres", start, stop)
        finally:
            if (home / "data" / "postmaster.pid").exists():
                stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    with cluster() as found:
        yield found.address


def _quietly(command: list[str | Path], home: Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)
