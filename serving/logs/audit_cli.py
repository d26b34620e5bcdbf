"""Reading the audit trail: `python -m serving.logs.audit_cli verify`, `find --lead L-1`, `forget --before 2026-01`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.common.errors import DataError, RipelineError
from serving.common.settings import process_settings
from serving.logs.audit_log import FILES, FIRST_HASH, HEAD, KEYS, line_hash, reference

USUAL_FOLDER = Path("artefacts/audit")


@dataclass(frozen=True)
class AuditSummary:
    """What a whole trail holds: lines, the first and last number, the last hash."""

    lines: int
    first_number: int
    last_number: int
    hash: str


def read(folder: Path) -> Iterator[tuple[Path, int, dict[str, Any], str]]:
    """File, number of the line in it, what it says, and its text without the hash.

    Raises
    ------
    DataError
        at a line that is none.
    """
    if not folder.is_dir():
        raise DataError(f"There is no audit trail in {folder}.", "Name its folder: --folder or RIPELINE_AUDIT.")
    for file in sorted(folder.glob(FILES)):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line_number, line in enumerate(lines, 1):
                text, _, _ = line.rpartition(', "hash": ')
                try:
                    entry = json.loads(line)
                    entry["n"], entry["hash"]
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError(
                        f"{file.name}, line {line_number}: not a line of the trail.", "It was changed or cut."
                    ) from error
                yield file, line_number, entry, text + "}"


def verify(folder: Path, anchor: tuple[int, str] | None = None) -> AuditSummary:
    """Go through the whole trail, a hash chain; `anchor`: a number and a hash noted elsewhere, such as in a log.

    Raises
    ------
    DataError
        naming the first line that was changed, cut out, put in or cut off.
    """
    previous_hash, number, first_number, count, last_retired = FIRST_HASH, 0, 0, 0, 0
    anchored = anchor is None
    for file, line_number, entry, text in read(folder):
        location = f"{file.name}, line {line_number}"
        if not count:
            first_number = number = int(entry["n"])
            # the hash before the first line that is left went with the files before it
            previous_hash = FIRST_HASH if first_number == 1 else ""
        elif entry["n"] != number + 1:
            raise DataError(f"{location}: line {entry['n']} follows line {number}.", "Lines were cut out or put in.")
        if previous_hash and line_hash(previous_hash, text) != entry["hash"]:
            raise DataError(f"{location}: its hash is not that of what it says.", "It, or the line before it, was changed.")
        previous_hash, number, count = str(entry["hash"]), int(entry["n"]), count + 1
        last_retired = max(last_retired, entry["up_to"]) if entry.get("event") == "retired" else last_retired
        anchored = anchored or (anchor == (number, previous_hash))
    if first_number > 1 and last_retired != first_number - 1:
        raise DataError(f"Lines before {first_number} are missing.", "They were not retired: the trail would say so.")
    head_record = _read_head(folder)
    if head_record and head_record[0] > number:
        raise DataError(f"The trail ends with line {number}; {HEAD} notes line {head_record[0]}.", "Its end was cut off.")
    if not anchored and anchor:
        raise DataError(f"Line {anchor[0]} with the hash {anchor[1][:12]}… is not in the trail.", "It was made anew or cut.")
    return AuditSummary(count, first_number, number, previous_hash)


def _read_head(folder: Path) -> tuple[int, str] | None:
    try:
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        return int(head["n"]), str(head["hash"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder / HEAD} cannot be read ({error}).", "It was changed; an anchor from the log can stand in."
        ) from error


def find(folder: Path, lead_id: str) -> Iterator[dict[str, Any]]:
    """The requests that were about a lead, as far as the keys of their months are there."""
    keys = {
        key_file.name: bytes.fromhex(key_file.read_text(encoding="ascii"))
        for key_file in sorted((folder / KEYS).glob("????-??"))
    }
    marks = {month: reference(key, lead_id) for month, key in keys.items()}
    for _, _, entry, _ in read(folder):
        mark = marks.get(str(entry["at"])[:7])
        if mark and mark in entry.get("about", ()):
            yield {name: value for name, value in entry.items() if name not in ("about", "hash", "event")}


def forget(folder: Path, cutoff_month: str) -> list[str]:
    """Destroy the keys of all months before one, `2026-01` (crypto-shredding): nobody can tell whom their lines are about."""
    expired_keys = [key_file for key_file in sorted((folder / KEYS).glob("????-??")) if key_file.name < cutoff_month]
    for key_file in expired_keys:
        key_file.write_bytes(b"0" * 64)
        key_file.unlink()
    return [key_file.name for key_file in expired_keys]


def main() -> None:
    """Verify, find, forget."""
    parser = argparse.ArgumentParser(prog="python -m serving.logs.audit_cli", description="The audit trail of the server.")
    parser.add_argument("--folder", type=Path, help=f"default: RIPELINE_AUDIT, else {USUAL_FOLDER}")
    commands = parser.add_subparsers(dest="command", required=True)
    verify_command = commands.add_parser("verify", help="say whether a line was changed, cut out or put in")
    verify_command.add_argument("--anchor", help="NUMBER:HASH as noted in the log: shows an end that was cut off or made anew")
    commands.add_parser("find", help="who asked about a lead").add_argument("--lead", required=True)
    commands.add_parser("forget", help="destroy the keys to whom the lines are about").add_argument(
        "--before", required=True, help="a month, such as 2026-01"
    )
    options = parser.parse_args()
    try:
        folder = options.folder or process_settings().audit or USUAL_FOLDER
        if options.command == "verify":
            number, _, mark = (options.anchor or "").partition(":")
            verified = verify(folder, (int(number), mark) if options.anchor else None)
            print(
                f"{verified.lines:,} lines, {verified.first_number} to {verified.last_number}, none changed. "
                f"Anchor: {verified.last_number}:{verified.hash}"
            )
        elif options.command == "find":
            for line in find(folder, options.lead):
                print(json.dumps(line, ensure_ascii=False))
        else:
            months = forget(folder, options.before)
            print(f"Destroyed the keys of {', '.join(months)}." if months else "There is no key of a month before that.")
    except (RipelineError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
