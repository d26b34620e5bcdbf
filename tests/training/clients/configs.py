"""Configurations of clients, written as files."""

from __future__ import annotations

from pathlib import Path


def client(home: Path, name: str, more: str = "", file: str = "") -> Path:
    path = home / f"{file or name}.yaml"
    engine = "" if "engine" in more else "engine: {workers: 1}\n"  # each worker takes seconds to import everything
    path.write_text(f"name: {name}\nsource: {{kind: simulator, leads: 100}}\n{engine}{more}", encoding="utf-8")
    return path
