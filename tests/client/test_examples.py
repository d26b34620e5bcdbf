"""The examples of docs/clients.md, as printed there, against the real application."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.test_ripeline_client import ROOT, live

__all__ = ["live"]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "clients.md").read_text(encoding="utf-8"), re.DOTALL)
PYTHON, SHELL, SCRIPT, STORED, SHEET = (text for _, text in BLOCKS)


def run(command: list[str], site: tuple[str, str], home: Path, **more: str) -> str:
    environment = {**os.environ, "RIPELINE_URL": site[0], "RIPELINE_KEY": site[1], **more}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_there_are_five_in_this_order() -> None:
    assert [kind for kind, _ in BLOCKS] == ["python", "sh", "js", "python", "js"]


def test_python(live: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(PYTHON)
    said = run([sys.executable, "example.py"], live, tmp_path, PYTHONPATH=str(ROOT / "client"))
    assert re.fullmatch(r"L-1 \d+ (nurture|hold|hand_over|recycle|disqualify)\n", said)


def test_python_with_stored_leads(live: tuple[str, str], tmp_path: Path) -> None:
    """It goes on where the first one began."""
    begin = PYTHON.partition("try:")[0]
    (tmp_path / "example.py").write_text(begin + STORED)
    assert re.fullmatch(r"1 \[\]\n\d+\n", run([sys.executable, "example.py"], live, tmp_path, PYTHONPATH=str(ROOT / "client")))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(live: tuple[str, str], tmp_path: Path) -> None:
    found = json.loads(run(["sh", "-c", SHELL], live, tmp_path))
    assert found["results"][0]["status"] == "scored"


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@needs_node
def test_javascript(live: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "example.mjs").write_text(SCRIPT)
    said = run(["node", "example.mjs"], live, tmp_path)
    assert re.fullmatch(r"L-1 \d+ (nurture|hold|hand_over|recycle|disqualify)\n", said)


GOOGLE = """
import { execFileSync } from "node:child_process";
const PropertiesService = { getScriptProperties: () => ({ getProperty: (name) => process.env[name] }) };
const UrlFetchApp = { fetch(url, asked) {
  const out = execFileSync("curl", ["-s", "-w", "\\n%{http_code}", "-X", asked.method.toUpperCase(), url,
    "-H", "content-type: " + asked.contentType, "-H", "Authorization: " + asked.headers.Authorization, "-d", asked.payload]);
  const text = out.toString(), cut = text.lastIndexOf("\\n");
  return { getContentText: () => text.slice(0, cut), getResponseCode: () => Number(text.slice(cut + 1)) };
} };
"""


@needs_node
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_spreadsheet(live: tuple[str, str], tmp_path: Path) -> None:
    """Google's own objects are stood in for; empty rows stay empty, a bad lead says why."""
    rows = [["L-1", "mql", "2026-05-20", "DE"], ["", "", "", ""], ["L-2", "nonsense", "2026-05-20", ""]]
    (tmp_path / "sheet.mjs").write_text(f"{GOOGLE}{SHEET}\nconsole.log(JSON.stringify(RIPELINE({json.dumps(rows)})));")
    first, empty, bad = json.loads(run(["node", "sheet.mjs"], live, tmp_path))
    assert 1 <= first[0] <= 99
    assert 0 <= first[1] <= 100
    assert empty == ["", "", ""]
    assert bad[0] == "invalid"
    assert "'nonsense' is no lead stage" in bad[2]
