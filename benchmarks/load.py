"""A bounded client for loopback: so many connections, so many requests a second, for so long; what came back, and how late.

Run as a process of its own (`python -m benchmarks.load`), so that it takes no time of whoever watches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90.0  # seconds for one answer


class Connection:
    """One kept connection; made anew where the server ended it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> int:
        """The status; 0 where the connection broke."""
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            assert self.reader is not None
            self.writer.write(request)
            head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            await self.reader.readexactly(length)
            if b"connection: close" in head:
                self.close()
            return int(head.split(b" ", 2)[1])
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError, IndexError):
            self.close()
            return 0

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """As it goes over the wire."""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(port: int, requests: Sequence[bytes], seconds: float, connections: int, rate: float) -> dict[str, Any]:
    """Statuses, milliseconds of each answered with 200, and how many could not be sent in time as no connection was free.

    With a `rate` requests begin at fixed times whether or not others were answered; without one as fast as they are answered.
    """
    statuses: Counter[int] = Counter()
    times: list[float] = []
    begun, late, number = time.perf_counter(), 0, 0

    async def one() -> None:
        nonlocal late, number
        connection = Connection(port)
        while (now := time.perf_counter()) < begun + seconds:
            sequence, number = number, number + 1
            if rate:
                due = begun + sequence / rate
                if due > now:
                    await asyncio.sleep(due - now)
                late += now > due + 1
            start = time.perf_counter()
            status = await connection.ask(requests[sequence % len(requests)])
            statuses[status] += 1
            if status == 200:
                times.append((time.perf_counter() - start) * 1000)
            if status == 0:
                await asyncio.sleep(0.05)
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    elapsed = time.perf_counter() - begun
    times.sort()
    cut = {f"p{p}": round(times[min(len(times) - 1, len(times) * p // 100)], 2) for p in (50, 99)} if times else {}
    return {
        "statuses": dict(statuses),
        "late": late,
        "seconds": round(elapsed, 2),
        "worst": round(times[-1], 1) if times else 0,
        **cut,
    }


def driven(port: int, file: Path, seconds: float, connections: int, rate: float = 0.0) -> dict[str, Any]:
    """`drive` in a process of its own; `file`: requests as JSON, [[method, path, body], …]."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(file), str(seconds), str(connections), str(rate)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(process.stdout)
    result["statuses"] = {int(status): count for status, count in result["statuses"].items()}
    return result


def main() -> None:
    """Read the arguments, ask, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("connections", type=int)
    parser.add_argument("rate", type=float)
    arguments = parser.parse_args()
    requests = [request(method, path, body.encode()) for method, path, body in json.loads(arguments.file.read_text())]
    print(json.dumps(asyncio.run(drive(arguments.port, requests, arguments.seconds, arguments.connections, arguments.rate))))


if __name__ == "__main__":
    main()
