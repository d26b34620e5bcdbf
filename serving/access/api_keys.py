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
from serving.common.json_logging import say

KEYS_VARIABLE = "RIPELINE_KEYS"
USUAL_FILE = Path("keys.json")
SCOPES = ("score", "write", "admin")  # admin may do all
RATE = 100.0  # requests a second of one key, where its line says nothing else
SECRET_VARIABLE = "RIPELINE_SECRET"  # noqa: S105  the name of it
_TOKEN = re.compile(r"rl_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """One key. `digest`: SHA-256 of the whole token; `rate`: its rate limit, requests a second; `expires_at`: if ever."""

    id: str
    name: str
    scopes: frozenset[str]
    digest: str
    rate: float = RATE
    until: datetime | None = None

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def ended(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until


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
        found = [_key(line) for line in lines]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"The keys in {file} cannot be read ({error}).", "Make them with `make key`.") from error
    return {key.id: key for key in found}


def _key(line: Mapping[str, Any]) -> Key:
    scopes = frozenset(line["scopes"])
    if not scopes or not scopes <= set(SCOPES):
        raise ValueError(f"scopes {sorted(scopes)} of {line['id']}: there are {', '.join(SCOPES)}")
    until = line.get("until")
    return Key(
        str(line["id"]),
        str(line["name"]),
        scopes,
        str(line["digest"]),
        float(line.get("rate", RATE)),
        datetime.fromisoformat(until) if until else None,
    )


class KeyRing:
    """The keys of a file, as they are now."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._seen: tuple[int, int, int] | None = None
        self._keys = read(file)
        self._seen = self._mark()
        self._secret = secret(file)

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.file)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    @property
    def keys(self) -> Mapping[str, Key]:
        """All keys by id. A file that was damaged while we run, or is gone, changes nothing."""
        mark = self._mark()
        if mark != self._seen:
            self._seen = mark
            try:
                self._keys = read(self.file) if mark else self._keys
            except RipelineError as error:
                say(f"The keys stay as they were: {error}", "warning")
        return self._keys

    def find(self, token: str, now: datetime) -> Key | None:
        """The key of a token; None where it is wrong, revoked or has ended."""
        found = _TOKEN.fullmatch(token)
        key = self.keys.get(found[1]) if found else None
        # compared in constant time, and something in either case, so that time does not tell which ids there are
        right = hmac.compare_digest(digest(token), key.digest if key else digest(""))
        return key if key and right and not key.ended(now) else None

    def pass_for(self, key: Key, until: datetime) -> str:
        """What a browser keeps instead of the key: good for the same until then, and no longer than the key."""
        text = f"{key.id}.{int(until.timestamp())}"
        return f"{text}.{self._signed(text, key)}"

    def holder(self, text: str, now: datetime) -> Key | None:
        """The key for which a pass was given; None where it is forged, has ended, or the key is gone."""
        name, _, rest = text.partition(".")
        until, _, mark = rest.partition(".")
        key = self.keys.get(name)
        if key is None or not until.isdigit() or len(until) > 12 or key.ended(now):
            return None
        right = hmac.compare_digest(mark.encode("utf-8", "replace"), self._signed(f"{name}.{until}", key).encode())
        return key if right and now.timestamp() < int(until) else None

    def _signed(self, text: str, key: Key) -> str:
        mark = hmac.new(self._secret, f"{key.digest}.{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mark).decode().rstrip("=")


def secret(file: Path) -> bytes:
    """What signs passes: `RIPELINE_SECRET`, else what lies beside the keys; else something of this process alone, whose passes
    end with it.

    Raises
    ------
    ConfigError
        if it is too short to be one.
    """
    named = os.environ.get(SECRET_VARIABLE, "").encode()
    if named and len(named) < 32:
        raise ConfigError(f"{SECRET_VARIABLE} has {len(named)} characters.", "Give 32 random ones or more, or none.")
    try:
        return named or _secret_file(file).read_bytes() or secrets.token_bytes(32)
    except OSError:
        return secrets.token_bytes(32)


def _secret_file(file: Path) -> Path:
    return file.with_suffix(".secret")


def _make_secret(file: Path) -> None:
    try:
        handle = os.open(_secret_file(file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as out:
        out.write(secrets.token_hex(32).encode())


@contextmanager
def _changing(file: Path) -> Iterator[list[dict[str, Any]]]:
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
    made = datetime.now(UTC)
    with _changing(file) as lines:
        name_id = secrets.token_hex(4)
        token = f"rl_{name_id}_{secrets.token_urlsafe(32)}"
        line = {"id": name_id, "name": name, "scopes": sorted(scopes), "digest": digest(token), "made": made.isoformat()}
        until = {} if days is None else {"until": (made + timedelta(days=days)).isoformat()}
        lines.append({**line, "rate": rate, **until})
    return token


def revoke(file: Path, name_id: str) -> None:
    """Take a key away.

    Raises
    ------
    ConfigError
        if there is none of that id.
    """
    with _changing(file) as lines:
        kept = [line for line in lines if line["id"] != name_id]
        if len(kept) == len(lines):
            raise ConfigError(f"There is no key {name_id!r} in {file}.", "`python -m serving.access.api_keys list` shows them.")
        lines[:] = kept


def main() -> None:
    """Add, list and revoke."""
    parser = argparse.ArgumentParser(prog="python -m serving.access.api_keys", description="API keys of the server.")
    parser.add_argument("--file", type=Path, default=Path(os.environ.get(KEYS_VARIABLE) or USUAL_FILE))
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("add", help="make a key; it is shown once")
    new.add_argument("name", help="who will use it, such as crm or dashboard")
    new.add_argument("--scopes", default="score", help=f"comma-separated: {', '.join(SCOPES)}")
    new.add_argument("--rate", type=float, default=RATE, help="requests a second")
    new.add_argument("--days", type=float, help="after so many days it ends")
    commands.add_parser("list", help="all keys, without what they are")
    commands.add_parser("revoke", help="take a key away").add_argument("id")
    given = parser.parse_args()
    try:
        if given.command == "add":
            print(add(given.file, given.name, [s.strip() for s in given.scopes.split(",")], given.rate, given.days))
            print(f"This key is shown only now. Its hash is in {given.file}.", file=sys.stderr)
        elif given.command == "revoke":
            revoke(given.file, given.id)
        else:
            for key in read(given.file).values():
                ends = f"until {key.until:%Y-%m-%d %H:%M} UTC" if key.until else "without end"
                print(f"{key.id}  {key.name}  {','.join(sorted(key.scopes))}  {key.rate:g}/s  {ends}")
    except RipelineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
