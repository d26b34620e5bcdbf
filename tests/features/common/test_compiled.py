"""What is kept of compiled code is taken up again only where it still says the same."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest

from features.common import compiled
from features.common.compiled import ROOT, edition

JIT = "from features.common.compiled import exact\n"


def _house(root: Path, **files: str) -> str:
    for package in ("features", "models", "serving"):
        (root / package).mkdir(exist_ok=True)
    for name, text in files.items():
        path = root / "models" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return edition(root)


@pytest.mark.parametrize(
    ("changed", "another"),
    [
        ("kernel", True),
        ("constants", True),
        ("part", True),
        ("elsewhere", False),
        ("trees__deep", True),
        ("trees__constants", True),
        ("origin", True),
    ],
)
def test_another_text_of_what_is_compiled_or_goes_into_it_is_another_edition(
    tmp_path: Path, changed: str, another: bool
) -> None:
    files = {
        "kernel": f"{JIT}from models.constants import (\n    DAY,\n)\nfrom models import part\n",
        "constants": "DAY = 1\n",
        "part": "SIZE = 1\n",
        "elsewhere": "import os\n",
        "trees__deep": f"{JIT}from models.trees.constants import (  # (a leaf)\n    LEAF,\n)\n",
        "trees__constants": "from models.origin import LEAF\n",
        "origin": "LEAF = 1\n",
    }
    before = _house(tmp_path, **files)
    assert _house(tmp_path, **files) == before
    assert (_house(tmp_path, **{**files, changed: files[changed] + "# new\n"}) != before) is another


def test_a_file_that_comes_under_the_compiler_counts(tmp_path: Path) -> None:
    before = _house(tmp_path, one="from features.common.compiled import exact\n")
    assert _house(tmp_path, two="from features.common.compiled import exact\n") != before


def test_ours_is_kept_by_edition() -> None:
    assert Path(numba.config.CACHE_DIR).name == f"compiled-{edition(ROOT)}"
    assert compiled.edition(ROOT) == edition(ROOT)
