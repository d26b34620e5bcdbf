"""How a golden file is compared: byte for byte on the kind of processor it was made on, numbers to 1e-6 elsewhere.

Compiled code and linear algebra choose their instructions by the processor, and sums added in another order differ in
their last bits; so the files say what they were made on.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np

FILES = Path(__file__).with_name("files")
RELATIVE = 1e-6
SHOWN = 10  # differences that a failure lists


def processor() -> str:
    """The kind of processor and what compiled code may use of it."""
    features = llvmlite.binding.get_host_cpu_features()
    return (
        f"{llvmlite.binding.get_host_cpu_name()} {','.join(sorted(k for k, v in features.items() if v))} numpy {np.__version__}"
    )


def same_processor() -> bool:
    """Whether the golden files were made on this kind of processor, so that every bit counts."""
    return bool(read("made_on")["processor"] == processor())


def write(name: str, value: Any) -> None:
    """A golden file: JSON, compressed, the same bytes for the same value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    (FILES / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def read(name: str) -> Any:
    return json.loads(gzip.decompress((FILES / f"{name}.json.gz").read_bytes()))


def pack_matrix(matrix: np.ndarray) -> dict[str, Any]:
    """A float32 matrix as JSON, to the last bit."""
    return {"shape": list(matrix.shape), "float32": base64.b64encode(np.ascontiguousarray(matrix, "<f4").tobytes()).decode()}


def unpack_matrix(packed: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["float32"]), "<f4").reshape(packed["shape"])


def assert_golden(name: str, value: Any, *, exact: bool | None = None, relative: float = RELATIVE) -> None:
    """Fail with the first differences where `value` is not what the golden file `name` holds.

    `exact` None: by the processor that the files were made on; where not every bit counts, numbers may differ by `relative`.
    """
    golden = read(name)
    value = json.loads(json.dumps(value))
    strict = same_processor() if exact is None else exact
    if strict and json.dumps(golden, sort_keys=True) == json.dumps(value, sort_keys=True):
        return
    differences = list(_differences(golden, value, "", 0.0 if strict else relative))
    assert not differences, (
        f"{len(differences)} differences from {name}; made on purpose? `make golden`, and say why in the commit:\n"
        + "\n".join(differences[:SHOWN])
    )


def _differences(golden: Any, value: Any, path: str, relative: float) -> Iterator[str]:
    """Each place where two values differ; text that holds JSON is compared as what it holds."""
    if isinstance(golden, dict) and isinstance(value, dict):
        for key in sorted({*golden, *value}):
            if key not in golden or key not in value:
                yield f"{path}/{key}: only in the {'golden file' if key in golden else 'product'}"
            else:
                yield from _differences(golden[key], value[key], f"{path}/{key}", relative)
    elif isinstance(golden, list) and isinstance(value, list):
        if len(golden) != len(value):
            yield f"{path}: {len(golden)} in the golden file, {len(value)} in the product"
        for i, (mine, theirs) in enumerate(zip(golden, value, strict=False)):
            yield from _differences(mine, theirs, f"{path}/{i}", relative)
    elif isinstance(golden, str) and isinstance(value, str) and golden != value:
        if golden.startswith("{") and value.startswith("{"):
            inside = list(_differences(json.loads(golden), json.loads(value), path, relative))
            yield from inside or ([f"{path}: the same values, other bytes"] if not relative else [])
        elif not (relative and _close_lines(golden, value, relative)):
            yield f"{path}: {golden!r} in the golden file, {value!r} in the product"
    elif golden != value and not _close(golden, value, relative):
        yield f"{path}: {golden!r} in the golden file, {value!r} in the product"


def _close_lines(golden: str, value: str, relative: float) -> bool:
    """Whether two lines of a CSV differ in numbers alone, and in those hardly."""
    lines = [next(csv.reader([line])) for line in (golden, value)]
    return len(lines[0]) == len(lines[1]) and all(
        mine == theirs or _close(_number(mine), _number(theirs), relative) for mine, theirs in zip(*lines, strict=True)
    )


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _close(golden: Any, value: Any, relative: float) -> bool:
    numbers = isinstance(golden, int | float) and isinstance(value, int | float)
    return numbers and (
        (math.isnan(golden) and math.isnan(value)) or math.isclose(golden, value, rel_tol=relative, abs_tol=relative)
    )
