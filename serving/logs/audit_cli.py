"""Reading the audit trail: `python -m serving.logs.audit_cli verify`, `find --lead L-1`, `forget --before 2026-01`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.common.errors import DataError, RipelineError
from serving.logs.audit_log import FILES, FIRST, HEAD, KEYS, line_hash, reference

FOLDER_VARIABLE = "RIPELINE_AUDIT"


@dataclass(frozen=True)
class Verified:
    """What a whole trail holds: lines, the first and last number, the last hash."""

    lines: int
    first: int
    last: int
    hash: str


def read(folder: Path) -> Iterator[tuple[Path, int, dict[str, Any], str]]:
    """File, number of the line in it, what it says, and its text without the hash.

    Raises
    ------
    DataError
        at a line that is none.
    """
    if not folder.is_dir():
        raise DataError(f"There is no audit trail in {folder}.", f"Name its folder: --folder or {FOLDER_VARIABLE}.")
    for file in sorted(folder.glob(FILES)):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for place, line in enumerate(lines, 1):
                text, _, _ = line.rpartition(', "hash": ')
                try:
                    said = json.loads(line)
                    said["n"], said["hash"]
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError(f"{file.name}, line {place}: not a line of the trail.", "It was changed or cut.") from error
                yield file, place, said, text + "}"


def verify(folder: Path, anchor: tuple[int, str] | None = None) -> Verified:
    """Go through the whole trail, a hash chain; `anchor`: a number and a hash noted elsewhere, such as in a log.

    Raises
    ------
    DataError
        naming the first line that was changed, cut out, put in or cut off.
    """
    before, number, first, count, retired = FIRST, 0, 0, 0, 0
    anchored = anchor is None
    for file, place, said, text in read(folder):
        where = f"{file.name}, line {place}"
        if not count:
            first = number = int(said["n"])
            # the hash before the first line that is left went with the files before it
            before = FIRST if first == 1 else ""
        elif said["n"] != number + 1:
            raise DataError(f"{where}: line {said['n']} follows line {number}.", "Lines were cut out or put in.")
        if before and line_hash(before, text) != said["hash"]:
            raise DataError(f"{where}: its hash is not that of what it says.", "It, or the line before it, was changed.")
        before, number, count = str(said["hash"]), int(said["n"]), count + 1
        retired = max(retired, said["up_to"]) if said.get("event") == "retired" else retired
        anchored = anchored or (anchor == (number, before))
    if first > 1 and retired != first - 1:
        raise DataError(f"Lines before {first} are missing.", "They were not retired: the trail would say so.")
    noted = _noted(folder)
    if noted and noted[0] > number:
        raise DataError(f"The trail ends with line {number}; {HEAD} notes line {noted[0]}.", "Its end was cut off.")
    if not anchored and anchor:
        raise DataError(f"Line {anchor[0]} with the hash {anchor[1][:12]}… is not in the trail.", "It was made anew or cut.")
    return Verified(count, first, number, before)


def _noted(folder: Path) -> tuple[int, str] | None:
    try:
        found = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        return int(found["n"]), str(found["hash"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder / HEAD} cannot be read ({error}).", "It was changed; an anchor from the log can stand in."
        ) from error


def find(folder: Path, lead_id: str) -> Iterator[dict[str, Any]]:
    """The requests that were about a lead, as far as the keys of their months are there."""
    keys = {place.name: bytes.fromhex(place.read_text(encoding="ascii")) for place in sorted((folder / KEYS).glob("????-??"))}
    marks = {month: reference(key, lead_id) for month, key in keys.items()}
    for _, _, said, _ in read(folder):
        mark = marks.get(str(said["at"])[:7])
        if mark and mark in said.get("about", ()):
            yield {name: value for name, value in said.items() if name not in ("about", "hash", "event")}


def forget(folder: Path, before: str) -> list[str]:
    """Destroy the keys of all months before one, `2026-01` (crypto-shredding): nobody can tell whom their lines are about."""
    gone = [place for place in sorted((folder / KEYS).glob("????-??")) if place.name < before]
    for place in gone:
        place.write_bytes(b"0" * 64)
        place.unlink()
    return [place.name for place in gone]


def main() -> None:
    """Verify, find, forget."""
    parser = argparse.ArgumentParser(prog="python -m serving.logs.audit_cli", description="The audit trail of the server.")
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get(FOLDER_VARIABLE) or "artefacts/audit"))
    commands = parser.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("verify", help="say whether a line was changed, cut out or put in")
    whole.add_argument("--anchor", help="NUMBER:HASH as noted in the log: shows an end that was cut off or made anew")
    commands.add_parser("find", help="who asked about a lead").add_argument("--lead", required=True)
    commands.add_parser("forget", help="destroy the keys to whom the lines are about").add_argument(
        "--before", required=True, help="a month, such as 2026-01"
    )
    given = parser.parse_args()
    try:
        if given.command == "verify":
            number, _, mark = (given.anchor or "").partition(":")
            found = verify(given.folder, (int(number), mark) if given.anchor else None)
            print(f"{found.lines:,} lines, {found.first} to {found.last}, none changed. Anchor: {found.last}:{found.hash}")
        elif given.command == "find":
            for line in find(given.folder, given.lead):
                print(json.dumps(line, ensure_ascii=False))
        else:
            gone = forget(given.folder, given.before)
            print(f"Destroyed the keys of {', '.join(gone)}." if gone else "There is no key of a month before that.")
    except (RipelineError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
