"""The audit of dependencies: a known hole fails, an excused one does not, and where nobody can be asked that is said."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit_dependencies", ROOT / "requirements" / "audit.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


audit = module()
HOLE = {"id": "PYSEC-2018-28", "aliases": ["CVE-2018-18074"], "fix_versions": ["2.20.0"]}
CANARY = [{"name": "requests", "version": "2.19.0", "vulns": [HOLE]}]


def said(*found: dict[str, Any], excused: dict[str, str] | None = None) -> tuple[str, int]:
    def asked(packages: list[str]) -> list[dict[str, Any]]:
        return CANARY if packages == [audit.KNOWN] else list(found)

    lines, status = audit.audit(["a==1", "b==2"], asked, excused or {})
    return "\n".join(lines), status


def test_a_known_hole_fails_and_is_named() -> None:
    text, status = said({"name": "a", "version": "1", "vulns": [HOLE]}, {"name": "b", "version": "2", "vulns": []})
    assert status == 1
    assert "a 1: PYSEC-2018-28, CVE-2018-18074; fixed in 2.20.0" in text
    assert "2 packages audited, 1 known hole." in text


def test_without_holes_all_is_well() -> None:
    assert said({"name": "a", "version": "1", "vulns": []}) == ("2 packages audited, 0 known holes.", 0)


@pytest.mark.parametrize("name", ["PYSEC-2018-28", "CVE-2018-18074"])
def test_an_excused_one_is_told_and_does_not_fail(name: str) -> None:
    text, status = said({"name": "a", "version": "1", "vulns": [HOLE]}, excused={name: "we never redirect"})
    assert status == 0
    assert "(ignored: we never redirect)" in text


def test_where_nobody_can_be_asked_that_is_said_and_does_not_fail() -> None:
    def nobody(_packages: list[str]) -> list[dict[str, Any]]:
        raise audit.UnreachableError("no route")

    def knows_nothing(packages: list[str]) -> list[dict[str, Any]]:
        return [{"name": "requests", "skip_reason": "Dependency not found"} for _ in packages]

    for asked in (nobody, knows_nothing):
        (line,), status = audit.audit(["a==1"], asked, {})
        assert line.startswith("NOT AUDITED")
        assert status == 0


def test_what_was_passed_over_is_said() -> None:
    text, status = said({"name": "a", "skip_reason": "not found"})
    assert "not audited: a (not found)" in text
    assert status == 0


def test_excuses_have_a_reason_and_end(tmp_path: Path) -> None:
    file = tmp_path / "ignored.toml"
    file.write_text(
        '[[ignored]]\nid = "A"\nreason = "why"\nuntil = 2026-12-31\n'
        '[[ignored]]\nid = "B"\nreason = "why"\nuntil = 2026-01-31\n'
        '[[ignored]]\nid = "C"\nreason = " "\nuntil = 2026-12-31\n'
    )
    assert audit.ignored(file, date(2026, 7, 1)) == {"A": "why"}
    assert audit.ignored(tmp_path / "none.toml", date(2026, 7, 1)) == {}
    audit.ignored(ROOT / "requirements" / "ignored.toml", date(2026, 7, 1))


def test_all_that_is_locked_is_asked_about() -> None:
    found = audit.locked()
    names = {one.split("==")[0] for one in found}
    assert {"bentoml", "pyjwt", "mlflow", "pytest", "starlette"} <= names
    assert len(found) == len(set(found))


@pytest.fixture
def osv() -> Iterator[str]:
    """An advisory service on loopback that knows of one hole, in requests 2.19.0."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            holed = asked["package"]["name"] == "requests" and asked["version"] == "2.19.0"
            known = {
                "id": "PYSEC-2018-28", "summary": "x", "details": "x", "aliases": ["CVE-2018-18074"],
                "modified": "2021-01-01T00:00:00Z", "published": "2018-10-09T00:00:00Z",
                "affected": [{
                    "package": {"ecosystem": "PyPI", "name": "requests"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.20.0"}]}],
                }],
            }  # fmt: skip
            body = json.dumps({"vulns": [known]} if holed else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    server.shutdown()
    server.server_close()


def test_with_pip_audit_itself(osv: str) -> None:
    lines, status = audit.audit(["pyjwt==2.10.1"], lambda packages: audit.ask(packages, osv), {})
    assert (status, lines) == (0, ["1 packages audited, 0 known holes."])
    lines, status = audit.audit([audit.KNOWN], lambda packages: audit.ask(packages, osv), {})
    assert status == 1
    assert "requests 2.19.0: PYSEC-2018-28" in lines[0] or "CVE-2018-18074" in lines[0]
