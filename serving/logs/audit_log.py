"""The audit log: who asked what about whom, kept apart from the log, in files that only grow and show what was changed.

A hash chain: each line holds the hash before it, over all files and workers. Leads stand there as keyed hashes: with the key of
the month one can ask who looked at a given lead, without it nobody can tell whom a line is about (serving/logs/audit_cli.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

HEAD, LOCK, KEYS = "head.json", ".lock", "lead-keys"
FILES = "audit-*.jsonl"
FIRST_HASH = "0" * 64  # what comes before the first line
BATCH, PAUSE, RETRY_SECONDS = 500, 0.2, 1.0  # lines at once; seconds between two batches, and after a disk refused
MAX_QUEUED, MOST_LEADS = 20_000, 2_000_000  # events, and leads in them, that wait for the disk
MAX_FILE_BYTES, DAYS = 64 * 2**20, 400.0  # bytes of a file; days that one is kept


@dataclass(frozen=True)
class Event:
    """One request: when, by which key, what, how it went, and about whom."""

    moment: datetime
    request_id: str
    key: str | None
    operation: str
    status: int
    leads: int
    lead_ids: Sequence[str] = ()
    durable: Callable[[bool], None] | None = field(default=None, compare=False)  # called when it is on disk, or is not


@dataclass(frozen=True)
class _Tail:
    """The last line: in which file, of which size, its number and hash."""

    name: str
    size: int
    number: int
    mark: str


_JSON = json.JSONEncoder(ensure_ascii=False)


def line_hash(previous_hash: str, content: str) -> str:
    """The hash of a line: of what it says and of the hash before it."""
    return hashlib.sha256(f"{previous_hash}\n{content}".encode()).hexdigest()


def reference(key: bytes, lead_id: str) -> str:
    """A lead as it stands in the trail."""
    return hmac.digest(key, lead_id.encode("utf-8", "replace"), "sha256").hex()[:32]


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """One at a time, over all processes."""
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def month_key(folder: Path, month: str) -> bytes:
    """The key of a month such as "2026-06", made at its first use."""
    path = folder / KEYS / month
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        key = secrets.token_bytes(32)
        partial = path.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(key.hex())
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        return key


class AuditLog:
    """The trail of a folder. Requests hand their events over and go on; a thread writes them, whole batches at a time.

    `trouble` says why nothing can be written; `lost` counts events that found no place while that lasted. `report` gets an
    anchor, number and hash of a line, whenever a file begins and at the end: kept elsewhere, it shows a trail made anew.
    """

    def __init__(
        self,
        folder: Path,
        *,
        largest: int = MAX_FILE_BYTES,
        days: float = DAYS,
        pause: float = PAUSE,
        report: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.folder, self.largest, self.days, self.pause, self._report = folder, largest, days, pause, report
        self.trouble, self.lost, self.written = "", 0, 0
        self._reported_lost, self._last_anchor = 0, ""
        self._tail: _Tail | None = None  # as this worker left it
        self._headless = False  # lines are on disk of which the head does not tell yet
        self._queue: Queue[Event] = Queue(MAX_QUEUED)
        self._queued_leads, self._written_leads = 0, 0  # leads, each counted by one thread only
        self._urgent, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write; a folder that cannot be written to is said at once."""
        self.append([])
        self._thread = threading.Thread(target=self._run, name="ripeline-audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._stop.set()
        self._urgent.set()
        if self._thread:
            self._thread.join(10)
            self._thread = None
            if self._last_anchor:
                self._report(self._last_anchor)

    def record(self, event: Event) -> None:
        """Hand an event over. Never waits and never fails: what finds no place is counted."""
        if self._queued_leads - self._written_leads + len(event.lead_ids) > MOST_LEADS:
            return self._lose(event)
        try:
            self._queue.put_nowait(event)
        except Full:
            return self._lose(event)
        self._queued_leads += len(event.lead_ids)
        if event.durable:
            self._urgent.set()
        return None

    def _lose(self, event: Event) -> None:
        self.lost += 1
        if event.durable:
            event.durable(False)

    def _run(self) -> None:
        pending: list[Event] = []
        while not (self._stop.is_set() and not pending and self._queue.empty()):
            self._urgent.wait(RETRY_SECONDS if self.trouble else self.pause)
            self._urgent.clear()
            pending = self._drain(pending)
            if pending and self._stop.is_set():
                return
            if pending:
                time.sleep(RETRY_SECONDS)

    def _drain(self, pending: list[Event]) -> list[Event]:
        """Write what is `pending` and what waits, batch after batch; what the disk does not take comes back."""
        while True:
            self._fill(pending)
            if not pending and self.lost == self._reported_lost and not self.trouble:
                return []
            on_disk = self.append(pending)
            for event in pending:
                if event.durable:
                    event.durable(on_disk)
            if not on_disk:  # who waited has been told; the events themselves are written when the disk takes them
                return [replace(event, durable=None) for event in pending]
            self._written_leads += sum(len(event.lead_ids) for event in pending)
            pending = []

    def _fill(self, batch: list[Event]) -> None:
        """Take events that wait until the batch is full."""
        while len(batch) < BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                return

    def append(self, events: Sequence[Event]) -> bool:
        """Write events and wait until the disk has them; whether it took them. Where it took them, and then not the head, they
        are there, and `trouble` keeps the next ones out."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with exclusive_lock(self.folder):
                self._append(events)
        except (OSError, ValueError) as error:
            self.trouble = self._cannot(error)
            return False
        self.written += len(events)
        return True

    def _append(self, events: Sequence[Event]) -> None:
        files = sorted(self.folder.glob(FILES))
        number, previous_hash, name = self._head(files)
        if self._headless:
            self._write_head(number, previous_hash, name)
        now = datetime.now(UTC)
        keys: dict[str, bytes] = {}
        contents = [self._content(event, keys) for event in events]
        if self.lost > self._reported_lost:
            contents.append({"at": now.isoformat(), "event": "lost", "events": self.lost - self._reported_lost})
        if not contents:
            _probe(self.folder)
            self.trouble = ""
            return
        file, expired_files = self.folder / name, list[Path]()
        size = file.stat().st_size if name else 0
        if not name or size >= self.largest or name[6:16] != f"{now:%Y-%m-%d}":
            expired_files = self._find_expired(now)
            if expired_files:
                last_retired = last_line(expired_files[-1])["n"]
                contents.insert(
                    0, {"at": now.isoformat(), "event": "retired", "files": len(expired_files), "up_to": last_retired}
                )
            file, size = self.folder / f"audit-{now:%Y-%m-%d}-{number + 1:012d}.jsonl", 0
        lines = []
        for content in contents:
            number += 1
            text = _JSON.encode({"n": number, **content})
            previous_hash = line_hash(previous_hash, text)
            lines.append(f'{text[:-1]}, "hash": "{previous_hash}"}}\n')
        _append_durably(file, "".join(lines).encode(), size)
        self._reported_lost, self._last_anchor = self.lost, f"Anchor of the audit trail: {number}:{previous_hash}"
        self._tail = _Tail(file.name, file.stat().st_size, number, previous_hash)
        self.trouble = ""
        try:
            self._write_head(number, previous_hash, file.name)
        except OSError as error:  # the lines are there: written once more, they would be there twice
            self.trouble = self._cannot(error)
        if not size:
            self._report(self._last_anchor)
        for expired_file in expired_files:  # only now that the trail says so
            expired_file.unlink()

    def _head(self, files: Sequence[Path]) -> tuple[int, str, str]:
        """As `head`; where nobody else has written since, as this worker remembers it."""
        tail = self._tail
        if tail and not self._headless and files and files[-1].name == tail.name and files[-1].stat().st_size == tail.size:
            return tail.number, tail.mark, tail.name
        return head(self.folder)

    def _write_head(self, number: int, mark: str, name: str) -> None:
        self._headless = True
        _write_head(self.folder, number, mark, name)
        self._headless = False

    def _cannot(self, error: Exception) -> str:
        return f"The audit trail in {self.folder} cannot be written ({getattr(error, 'strerror', None) or error})."

    def _content(self, event: Event, keys: dict[str, bytes]) -> dict[str, Any]:
        month = f"{event.moment.astimezone(UTC):%Y-%m}"
        if event.lead_ids and month not in keys:
            keys[month] = month_key(self.folder, month)
        return {
            "at": event.moment.isoformat(timespec="milliseconds"),
            "event": "request",
            "request_id": event.request_id,
            "key": event.key,
            "operation": event.operation,
            "status": event.status,
            "leads": event.leads,
            **({"about": [reference(keys[month], lead) for lead in event.lead_ids]} if event.lead_ids else {}),
        }

    def _find_expired(self, now: datetime) -> list[Path]:
        """The files whose time is over, from the first on."""
        expired_files = []
        for file in sorted(self.folder.glob(FILES))[:-1]:
            if now.timestamp() - file.stat().st_mtime < self.days * 86_400:
                break
            expired_files.append(file)
        return expired_files


def head(folder: Path) -> tuple[int, str, str]:
    """The number and hash of the last line, and its file; before the first line 0, zeros and nothing.

    Raises
    ------
    ValueError
        if what was noted as the last line is not in the files: somebody cut them.
    """
    files = sorted(folder.glob(FILES))
    try:
        recorded_head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        recorded_head = {"n": 0, "hash": FIRST_HASH}
    if not files:
        if recorded_head["n"]:
            raise ValueError("its files are gone; move head.json away to begin anew")
        return 0, FIRST_HASH, ""
    last_entry = last_line(files[-1])
    if last_entry["n"] < recorded_head["n"]:
        raise ValueError(f"line {recorded_head['n']} is missing; `python -m serving.logs.audit_cli verify` says more")
    return int(last_entry["n"]), str(last_entry["hash"]), files[-1].name


def last_line(file: Path) -> dict[str, Any]:
    """The last whole line. What a crash left half written behind it is cut off at the next one."""
    with file.open("rb") as lines:
        end = lines.seek(0, os.SEEK_END)
        tail = b""
        while end and tail.count(b"\n") < 2:
            begin = max(0, end - 65_536)
            lines.seek(begin)
            tail, end = lines.read(end - begin) + tail, begin
    whole_lines = tail[: tail.rfind(b"\n") + 1].splitlines()
    if not whole_lines:
        raise ValueError(f"{file.name} has no whole line")
    entry: dict[str, Any] = json.loads(whole_lines[-1])
    return entry


def _append_durably(file: Path, text: bytes, size: int) -> None:
    """Add to a file all or nothing, behind its last whole line, and wait for the disk."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if size:
            os.lseek(handle, max(0, size - 1), os.SEEK_SET)
            if os.read(handle, 1) != b"\n":
                size = file.read_bytes().rfind(b"\n") + 1
        os.ftruncate(handle, size)
        os.lseek(handle, size, os.SEEK_SET)
        try:
            view = memoryview(text)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)
        if not file.stat().st_size:
            file.unlink()


def _write_head(folder: Path, number: int, mark: str, name: str) -> None:
    partial = folder / f"{HEAD}.partial"
    partial.write_text(json.dumps({"n": number, "hash": mark, "file": name}) + "\n", encoding="utf-8")
    os.replace(partial, folder / HEAD)


def _probe(folder: Path) -> None:
    """Raise where nothing can be written."""
    path = folder / ".probe"
    path.write_bytes(b"x" * 4096)
    path.unlink()
