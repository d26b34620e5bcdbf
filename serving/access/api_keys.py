"""API keys: who may ask for what. `python -m serving.access.api_keys add crm --scopes score` makes one and shows it once.

The file holds SHA-256 hashes only. A key has 256 random bits, so that a slow hash, which protects guessable passwords, would
protect nothing more. The file is read again whenever it changes: keys come and go without a restart. What signs the passes of
browsers lies in a file of its own: who reads the hashes can make neither a key nor a pass.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.common.errors import ConfigError, RipelineError
from features.common.files import whole_file
from serving.common.json_logging import emit
from serving.common.scopes import SCOPES
from serving.common.settings import process_settings

USUAL_FILE = Path("keys.json")
RATE = 100.0  # requests a second of one key, where its line says nothing else
_TOKEN = re.compile(r"rl_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """One key. `digest`: SHA-256 of the whole token; `rate`: its rate limit, requests a second; `expires_at`: if ever."""

    id: str
    name: str
    scopes: frozenset[str]
    digest: str
    rate: float = RATE
    expires_at: datetime | None = None

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


def digest(token: str) -> str:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def read(file: Path) -> dict[str, Key]:
    """The keys of a file by id; none where there is no file.

    Raises
    ------
    ConfigError
        if it cannot be read as keys.
    """
    try:
        lines = json.loads(file.read_text(encoding="utf-8"))["keys"]
        keys = [_key(line) for line in lines]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"The keys in {file} cannot be read ({error}).", "Make them with `make key`.") from error
    return {key.id: key for key in keys}


def _key(line: Mapping[str, Any]) -> Key:
    scopes = frozenset(line["scopes"])
    if not scopes or not scopes <= set(SCOPES):
        raise ValueError(f"scopes {sorted(scopes)} of {line['id']}: there are {', '.join(SCOPES)}")
    expires_at = line.get("until")
    return Key(
        str(line["id"]),
        str(line["name"]),
        scopes,
        str(line["digest"]),
        float(line.get("rate", RATE)),
        datetime.fromisoformat(expires_at) if expires_at else None,
    )


class KeyRing:
    """The keys of a file, as they are now. `secret` signs the passes of browsers, else what lies beside the keys does; else
    something of this process alone, whose passes end with it."""

    def __init__(self, file: Path, secret: str = "") -> None:
        self.file = file
        self._loaded_mark: tuple[int, int, int] | None = None
        self._keys = read(file)
        self._loaded_mark = self._mark()
        self._secret = secret.encode() or _read_secret(file) or secrets.token_bytes(32)

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            file_stat = os.stat(self.file)
        except OSError:
            return None
        return file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino

    @property
    def keys(self) -> Mapping[str, Key]:
        """All keys by id. A file that was damaged while we run, or is gone, changes nothing."""
        mark = self._mark()
        if mark != self._loaded_mark:
            self._loaded_mark = mark
            try:
                self._keys = read(self.file) if mark else self._keys
            except RipelineError as error:
                emit(f"The keys stay as they were: {error}", "warning")
        return self._keys

    def find(self, token: str, now: datetime) -> Key | None:
        """The key of a token; None where it is wrong, revoked or has ended."""
        token_match = _TOKEN.fullmatch(token)
        key = self.keys.get(token_match[1]) if token_match else None
        # compared in constant time, and something in either case, so that time does not tell which ids there are
        matches = hmac.compare_digest(digest(token), key.digest if key else digest(""))
        return key if key and matches and not key.is_expired(now) else None

    def pass_for(self, key: Key, expires_at: datetime) -> str:
        """What a browser keeps instead of the key: good for the same until then, and no longer than the key."""
        text = f"{key.id}.{int(expires_at.timestamp())}"
        return f"{text}.{self._signature(text, key)}"

    def holder(self, text: str, now: datetime) -> Key | None:
        """The key for which a pass was given; None where it is forged, has ended, or the key is gone."""
        name, _, suffix = text.partition(".")
        expiry, _, mark = suffix.partition(".")
        key = self.keys.get(name)
        if key is None or not expiry.isdigit() or len(expiry) > 12 or key.is_expired(now):
            return None
        matches = hmac.compare_digest(mark.encode("utf-8", "replace"), self._signature(f"{name}.{expiry}", key).encode())
        return key if matches and now.timestamp() < int(expiry) else None

    def _signature(self, text: str, key: Key) -> str:
        mark = hmac.new(self._secret, f"{key.digest}.{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mark).decode().rstrip("=")


def _read_secret(file: Path) -> bytes:
    try:
        return _secret_file(file).read_bytes()
    except OSError:
        return b""


def _secret_file(file: Path) -> Path:
    return file.with_suffix(".secret")


def _make_secret(file: Path) -> None:
    try:
        handle = os.open(_secret_file(file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_hex(32).encode())


@contextmanager
def _edit_lines(file: Path) -> Iterator[list[dict[str, Any]]]:
    """The lines of the file to be changed; written whole, and by one at a time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        read(file)
        _make_secret(file)
        lines = json.loads(file.read_text(encoding="utf-8"))["keys"] if file.exists() else []
        yield lines
        with whole_file(file) as partial:
            partial.write_text(json.dumps({"keys": lines}, indent=1) + "\n", encoding="utf-8")
            partial.chmod(0o600)


def add(file: Path, name: str, scopes: Sequence[str], rate: float = RATE, days: float | None = None) -> str:
    """Make a key and keep its hash; the token, which nobody can see again.

    Raises
    ------
    ConfigError
        for an unknown scope or an impossible rate, or if the file holds no keys.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ConfigError(f"Scopes {', '.join(unknown) or 'are missing'}.", f"There are {', '.join(SCOPES)}.")
    if not rate > 0:
        raise ConfigError(f"A rate of {rate} requests a second.", "Give more than 0.")
    if days is not None and not 0 < days < 40_000:
        raise ConfigError(f"A key for {days} days.", "Give more than 0, or nothing for one without end.")
    created_at = datetime.now(UTC)
    with _edit_lines(file) as lines:
        key_id = secrets.token_hex(4)
        token = f"rl_{key_id}_{secrets.token_urlsafe(32)}"
        line = {"id": key_id, "name": name, "scopes": sorted(scopes), "digest": digest(token), "made": created_at.isoformat()}
        expiry = {} if days is None else {"until": (created_at + timedelta(days=days)).isoformat()}
        lines.append({**line, "rate": rate, **expiry})
    return token


def revoke(file: Path, key_id: str) -> None:
    """Take a key away.

    Raises
    ------
    ConfigError
        if there is none of that id.
    """
    with _edit_lines(file) as lines:
        remaining_lines = [line for line in lines if line["id"] != key_id]
        if len(remaining_lines) == len(lines):
            raise ConfigError(f"There is no key {key_id!r} in {file}.", "`python -m serving.access.api_keys list` shows them.")
        lines[:] = remaining_lines


def main() -> None:
    """Add, list and revoke."""
    parser = argparse.ArgumentParser(prog="python -m serving.access.api_keys", description="API keys of the server.")
    parser.add_argument("--file", type=Path, help=f"default: RIPELINE_KEYS, else {USUAL_FILE}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_command = commands.add_parser("add", help="make a key; it is shown once")
    add_command.add_argument("name", help="who will use it, such as crm or dashboard")
    add_command.add_argument("--scopes", default="score", help=f"comma-separated: {', '.join(SCOPES)}")
    add_command.add_argument("--rate", type=float, default=RATE, help="requests a second")
    add_command.add_argument("--days", type=float, help="after so many days it ends")
    commands.add_parser("list", help="all keys, without what they are")
    commands.add_parser("revoke", help="take a key away").add_argument("id")
    options = parser.parse_args()
    try:
        file = options.file or process_settings().keys or USUAL_FILE
        if options.command == "add":
            print(add(file, options.name, [s.strip() for s in options.scopes.split(",")], options.rate, options.days))
            print(f"This key is shown only now. Its hash is in {file}.", file=sys.stderr)
        elif options.command == "revoke":
            revoke(file, options.id)
        else:
            for key in read(file).values():
                ends = f"until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "without end"
                print(f"{key.id}  {key.name}  {','.join(sorted(key.scopes))}  {key.rate:g}/s  {ends}")
    except RipelineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
