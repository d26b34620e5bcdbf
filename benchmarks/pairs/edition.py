"""Editions: digests of the code that results depend on, so that what is cached is known to be of the same code."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("features", "models", "connectors", "training")
FEATURES = ("features", "connectors/files", "models/rules", "training/data", "benchmarks/pairs", "benchmarks/real")


@cache
def edition(parts: Sequence[str] = PRODUCT) -> str:
    """Twelve digits that change with any source or mapping among these files and folders."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted([ROOT / part, *(ROOT / part).rglob("*")]):
            if path.is_file() and path.suffix in (".py", ".yaml"):
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
