"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.common.errors import DataError


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A scratch folder beside `target` that takes its place when the block ends well and vanishes when it does not.

    An existing `target` is replaced. Between two renames there is a moment without a `target`, never one with half of it.

    Raises
    ------
    DataError
        if the disk is full or refuses to be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _disk(target, error) from error
    try:
        yield partial
        backup = partial.with_name(partial.name + ".old")
        if target.exists():
            os.replace(target, backup)
        os.chmod(partial, 0o755)  # noqa: S103  mkdtemp makes it private; a dataset is read by others
        os.replace(partial, target)
        shutil.rmtree(backup, ignore_errors=True)
    except OSError as error:
        raise _disk(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """An atomic write: a scratch file beside `target` that takes its place when the block ends well and else vanishes."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, target)
    except OSError as error:
        raise _disk(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _disk(target: Path, error: OSError) -> DataError:
    return DataError(
        f"{target} could not be written: {error.strerror or error}.",
        "Free some space or name another folder; nothing was changed.",
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
