"""`make audit-dependencies`: does anybody know of a hole in what is locked? `ADVISORIES=URL` asks an OSV service of your own.

A hole that is known fails, unless `ignored.toml` says why it does not matter here and until when. Where no advisories can be
had, which an old package with known holes shows, nothing was looked at: that is said, and does not fail.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
KNOWN = "requests==2.19.0"  # has had advisories since 2018: who knows none of them knows none at all
PATIENCE = 600  # seconds


class UnreachableError(Exception):
    """The advisory service does not answer."""


def locked(folder=HERE):
    """All packages with their versions, once each."""
    found = set()
    for file in sorted(folder.glob("*.lock")):
        found.update(re.findall(r"^([A-Za-z0-9._-]+==[^\s;\\]+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    return sorted(found)


def ask(packages, service=None):
    """What pip-audit says: for each {name, version, vulns: [{id, aliases, fix_versions}]} or {name, skip_reason}."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "requirements.txt"
        file.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        command += ["--format", "json", "--requirement", str(file)]
        command += ["--vulnerability-service", "osv", "--osv-url", service] if service else []
        try:
            done = subprocess.run(  # noqa: S603  our own interpreter
                command, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(f"no answer within {PATIENCE} s") from error
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        lines = done.stderr.strip().splitlines()
        raise UnreachableError(lines[-1][:200] if lines else "no answer") from error


def ignored(file, today):
    """Advisory → why it does not matter. An entry without a reason, or beyond its day, is none."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("ignored", []) if file.exists() else []
    return {one["id"]: one["reason"] for one in entries if one.get("reason", "").strip() and one["until"] >= today}


def audit(packages, asked, excused):
    """The lines to print, and the status to end with. `asked`: packages → what is said of them."""
    why_not, found = "what answers knows no advisories", None
    try:
        if any(one.get("vulns") for one in asked([KNOWN])):
            found = asked(packages)
    except UnreachableError as error:
        why_not = str(error)
    if found is None:
        return [f"NOT AUDITED: no advisory service can be reached ({why_not}). Nothing is known of the dependencies."], 0
    lines, bad = [], 0
    for one in found:
        if "skip_reason" in one:
            lines.append(f"not audited: {one['name']} ({one['skip_reason']})")
        for hole in one.get("vulns", ()):
            names = [hole["id"], *hole.get("aliases", ())]
            why = next((excused[name] for name in names if name in excused), None)
            fixed = f"; fixed in {', '.join(hole['fix_versions'])}" if hole.get("fix_versions") else ""
            lines.append(f"{one['name']} {one['version']}: {', '.join(names)}{fixed}" + (f" (ignored: {why})" if why else ""))
            bad += why is None
    lines.append(f"{len(packages)} packages audited, {bad} known {'hole' if bad == 1 else 'holes'}.")
    return lines, int(bad > 0)


def main():
    """Ask, and print what is known."""
    service = os.environ.get("ADVISORIES") or None
    lines, status = audit(
        locked(),
        lambda packages: ask(packages, service),
        ignored(HERE / "ignored.toml", datetime.datetime.now(datetime.UTC).date()),
    )
    print("\n".join(lines), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
