"""A trail, what is written into it, and a full disk."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.logs.audit_log import AuditLog, Event

NOW = datetime.now(UTC)


ROOT = Path(__file__).resolve().parents[3]


def event(*leads: str, at: datetime = NOW, request_id: str = "r-1") -> Event:
    return Event(at, request_id, "1f09c3aa", "POST /v1/score", 200, len(leads), leads)


def file_of(trail: AuditLog) -> Path:
    (found,) = trail.folder.glob("audit-*.jsonl")
    return found


def edited(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    return lambda file: Path.write_text(file, "".join(change(file.read_text().splitlines(keepends=True)))) and None


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: the system itself refuses, in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def change(request: Request) -> Response:
    return JSONResponse({"changed": request.path_params["lead_id"]})
