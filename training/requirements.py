"""Say in a sentence what is missing, before an import fails with a traceback. Uses nothing but the standard library."""

from __future__ import annotations

import importlib.util
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
MODULES = (
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numpy",
    "optuna",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "sklearn",
    "typer",
    "yaml",
)


def check() -> None:
    """Exit with a sentence when Python or a module is not as needed."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"Ripeline runs on Python 3.11 to 3.13; this is {version}. Try: make PYTHON=python3.11 setup")
    missing = [m for m in MODULES if importlib.util.find_spec(m) is None]
    if missing:
        raise SystemExit(f"The Python module {missing[0]!r} is missing. Run `make setup`, then use `make` or .venv/bin/python.")
