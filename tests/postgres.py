"""A real PostgreSQL on loopback, for tests that need one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Where the newest server's programs are; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).parent if named else None


@contextmanager
def server() -> Iterator[str]:
    """An empty database of its own; its address. As root the server runs as the user postgres, since it refuses root."""
    programs = binaries()
    assert programs is not None
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="postgres"))
    home.chmod(0o777)
    data = home / "data"
    try:
        _quietly([*become, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], home)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off"
        _quietly([*become, programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", home / "log", "start"], home)
        try:
            yield f"postgresql://postgres:a-secret-password@127.0.0.1:{port}/postgres"
        finally:
            _quietly([*become, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _quietly(command: list[str | Path], home: Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)
