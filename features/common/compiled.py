"""Compiling with numba: kept on disk between processes where that is possible, compiled anew in each where it is not.

What is kept is kept by the text of all our compiled code and of what it takes its constants from: numba looks only at the file
that a function stands in, and would go on with what an older version of another file had put into it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F = TypeVar("F", bound=Callable[..., Any])
_settings: Any = numba.config  # typed as a module without attributes
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "connectors", "serving")
_STATEMENT = re.compile(rb"^from [^\n]*import (?:\([^()]*\)|[^\n]*)", re.M)
_COMPILES = re.compile(rb"^from features(?:\.\w+)*\.compiled import ", re.M)


def edition(root: Path) -> str:
    """A name for the compiled code below `root`: another one as soon as a byte of it changes, or of what it imports of ours."""
    sources = {file: file.read_bytes() for package in PACKAGES for file in (root / package).rglob("*.py")}
    modules = {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in sources}
    compiling = {file for file, source in sources.items() if _COMPILES.search(source) or file == Path(__file__)}
    digest = hashlib.sha256()
    for file in sorted(compiling | _imported(compiling, sources, modules)):
        digest.update(f"{file.relative_to(root)}\0".encode() + hashlib.sha256(sources[file]).digest())
    return digest.hexdigest()[:16]


def _imported(files: set[Path], sources: Mapping[Path, bytes], modules: Mapping[str, Path]) -> set[Path]:
    """The files of ours that `files` import from; a name that is only handed on is followed to where it stands."""
    followed: set[tuple[Path, str | None]] = set()
    read_statements = functools.cache(lambda file: _import_statements(sources[file]))  # a file is come to by many of its names
    waiting: list[tuple[Path, str | None]] = [(file, None) for file in files]
    while waiting:
        file, name = waiting.pop()
        for source_module, alias in read_statements(file):
            if name in (None, alias.asname or alias.name):
                submodule, module = modules.get(f"{source_module}.{alias.name}"), modules.get(source_module)
                target = submodule or module
                if target is None or (step := (target, None if submodule else alias.name)) in followed:
                    continue
                followed.add(step)
                if not submodule:
                    waiting.append(step)
    return {file for file, _ in followed}


def _import_statements(source: bytes) -> list[tuple[str, ast.alias]]:
    """What a file imports at its top level by `from module import name`. Only those lines are parsed where they can be told by
    themselves: every process that starts does this, and whole files took it a third of a second."""
    try:
        tree = ast.parse(b"\n".join(_STATEMENT.findall(source)))
    except SyntaxError:
        tree = ast.parse(source)
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(node.module, alias) for node in nodes if node.module is not None for alias in node.names]


def _cache_folder() -> Path:
    """Below `NUMBA_CACHE_DIR` where that is set, else beside this file."""
    named = str(_settings.CACHE_DIR)
    folder = Path(named) if named else Path(__file__).with_name("__pycache__")
    return folder / f"compiled-{edition(ROOT)}"


_settings.CACHE_DIR = str(_cache_folder())


def compiled(function: F) -> F:
    """The function compiled at its first call, without Python's lock while it runs. Sums may be added in another order."""
    return _jit(function, fastmath={"reassoc", "contract"})


def exact(function: F) -> F:
    """As `compiled`, each operation as it is written: the same numbers whatever else is in the call."""
    return _jit(function)


def _jit(function: F, **options: Any) -> F:
    # divided as NumPy does: where each divisor is asked whether it is 0, in order to raise, no loop becomes vectors
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        jitted = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # a read-only file system without a home: nowhere to keep it
        jitted = numba.njit(**options)(function)
    return cast("F", jitted)


def inlined(function: F) -> F:
    """The function written into those that call it."""
    return cast("F", numba.njit(inline="always")(function))


def packed(parts: Sequence[Sequence[float] | npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Many arrays as one, since each that is handed to compiled code costs a tenth of a microsecond. Where each part begins
    stands in front; `part` takes one out again."""
    begin = np.cumsum([len(parts) + 1, *(len(values) for values in parts)])
    return np.concatenate([begin.astype(dtype), *(np.asarray(values, dtype) for values in parts)])


@inlined
def part(table: Any, number: int) -> Any:
    """A part of what `packed` made, within compiled code."""
    return table[np.int64(table[number]) : np.int64(table[number + 1])]
