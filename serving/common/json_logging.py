"""All that a server says is one line of JSON each: of Ripeline, of uvicorn, of BentoML and of libraries.

A traceback is told by its places (file, line, function), never by what the error says of itself: that often quotes data.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from features.common.errors import ConfigError

LEVEL_VARIABLE = "RIPELINE_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error")
MAX_FRAMES = 12  # of a traceback, the innermost
_json = False


def level(text: str) -> str:
    """A level by its name.

    Raises
    ------
    ConfigError
        if there is none of that name.
    """
    level_name = text.strip().lower() or "info"
    if level_name not in LEVELS:
        raise ConfigError(f"{LEVEL_VARIABLE}: {text!r}.", f"There are {', '.join(LEVELS)}.")
    return level_name


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
        if LEVELS.index(kind) >= LEVELS.index(level(os.environ.get(LEVEL_VARIABLE, ""))):
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


def speak_json() -> None:
    """From now on every logger of this process writes lines of JSON to standard output."""
    global _json  # noqa: PLW0603  a process has one standard output
    _json = True
    level_name = level(os.environ.get(LEVEL_VARIABLE, ""))
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(getattr(logging, level_name.upper()), logging.INFO))
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
