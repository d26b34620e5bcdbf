"""The locks: hashes and no addresses, and what of them is for this machine."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from installation import locks

ROOT = Path(__file__).resolve().parents[3]


def test_the_lock_of_uv_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements" / "installer.lock").read_text()
    assert re.match(r"uv==\d+\.\d+\.\d+ \\\n", text)
    assert len(re.findall(r"^    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) > 10  # a wheel for each platform
    assert "://" not in text


def test_what_is_locked_is_counted_for_this_machine() -> None:
    assert doctest.testmod(locks).failed == 0
    packages = locks.packages("train")
    names = re.findall(r"^[a-z0-9-]+==", locks.file("train").read_text(), re.MULTILINE)
    assert {"numpy", "mlflow", "pip"} <= packages.keys()  # pip: environments are made without
    assert 0.9 * len(names) < len(packages) <= len(names)
    assert locks.applies("nobody_knows == 'this'", locks.here())
    assert locks.applies("python_version ~= '3.0'", locks.here())
