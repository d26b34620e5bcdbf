"""All that a server says is one line of JSON each: of Ripeline, of uvicorn, of BentoML and of libraries.

A traceback is told by its places (file, line, function), never by what the error says of itself: that often quotes data.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from serving.common.settings import LEVELS

MAX_FRAMES = 12  # of a traceback, the innermost
_json = False
_level = "info"  # of what is emitted, once it is JSON


def write_line(line: str) -> None:
    """To standard output at once. A full disk or a reader that went away stops no request."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        pass


def emit(text: str, kind: str = "info") -> None:
    """Something for whoever runs the server: plain where people read it, JSON once `speak_json` was called."""
    if _json:
        if LEVELS.index(kind) >= LEVELS.index(_level):
            write_line(json.dumps({"at": _timestamp(), "event": "said", "level": kind, "message": text}, ensure_ascii=False))
        return
    print(text, file=sys.stdout if kind == "info" else sys.stderr, flush=True)


def traceback_frames(trace: TracebackType | None) -> list[str]:
    """Where an error came about, innermost last, without a word of its message."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-MAX_FRAMES:]]


class Lines(logging.Formatter):
    """Log records as lines of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "event": "said",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line |= {"error": record.exc_info[0].__name__, "where": traceback_frames(record.exc_info[2])}
        return json.dumps(line, ensure_ascii=False)


def speak_json(level: str = "info") -> None:
    """From now on every logger of this process writes lines of JSON of that level and above to standard output."""
    global _json, _level
    _json, _level = True, level
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(getattr(logging, level.upper()), logging.INFO))
    # made long ago with handlers and levels of their own
    for name in ("bentoml", "uvicorn", "uvicorn.error", "uvicorn.access", "circus", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate, logger.disabled = True, False
        logger.setLevel(logging.NOTSET)
    # each says what the lines of requests say already, or what only its makers need
    for name in ("uvicorn.access", "bentoml", "circus", "urllib3", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
