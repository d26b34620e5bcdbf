"""DuckDB, with the memory, threads and disk that it may take; what it cannot do becomes a sentence."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from features.common.errors import DataError
from features.partitions.memory import Budget
from features.partitions.storage import Storage


@contextmanager
def spill_folder(budget: Budget, storage: Storage) -> Iterator[Path]:
    """A folder of its own to spill into, for as long as the block lasts: in `budget.spill`, else in the folder `storage`, or
    among temporary files where that is an object store.

    Raises
    ------
    DataError
        if it cannot be written.
    """
    base = Path(budget.spill) if budget.spill else storage.local
    try:
        if base:
            base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".spill", dir=base))
    except OSError as error:
        raise DataError(f"{base} cannot be written: {error.strerror or error}.", "Free some space.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(memory: int, threads: int, spill: Path, budget: Budget) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of nothing but memory that spills into the folder `spill`.

    Raises
    ------
    DataError
        if the disk is full, or it would need more of it than `budget.disk`.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory // 2**20}MiB",
        "threads": threads,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
    }
    if budget.disk is not None:
        settings["max_temp_directory_size"] = f"{budget.disk // 2**10}KiB"
    try:
        connection = duckdb.connect(config=settings)
        connection.execute("SET enable_progress_bar = false")  # there is one bar over the whole job
        try:
            yield connection
        finally:
            connection.close()
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise DataError(
            f"Sorting stopped for want of room: {str(error).splitlines()[0]} (it spills into {spill}).",
            "Give it more disk (`engine: {spill: folder, disk: 200GiB}`) or more `memory`, then run it again.",
        ) from error
    except OSError as error:
        raise DataError(f"{spill} cannot be written: {error.strerror or error}.", "Free some space.") from error


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def parquet(*paths: str | Path) -> str:
    """The rows of Parquet files, for a FROM."""
    listed = ", ".join(quoted(str(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"
