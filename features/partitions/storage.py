"""Where buckets and matrices lie: a folder here or an object store, by URL (fsspec); every write is atomic, all or nothing.

An object store shows an object once it is complete. On a file system a file is written beside its place and then renamed.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.common.errors import DataError


@dataclass(frozen=True)
class Storage:
    """A folder, by path or URL such as `s3://bucket/leads` or `memory://leads`."""

    url: str

    @classmethod
    def from_path(cls, location: Path | str) -> Storage:
        """A path is made absolute; `file://` is a path; everything else is a URL."""
        text = str(location)
        if text.startswith("file://"):
            text = text.removeprefix("file://")
        return cls(text.rstrip("/") if "://" in text else str(Path(text).resolve()))

    @property
    def local(self) -> Path | None:
        """The folder of this machine, None for an object store."""
        return None if "://" in self.url else Path(self.url)

    def __truediv__(self, name: str) -> Storage:
        return Storage(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    def exists(self, name: str) -> bool:
        """Is there such a file?"""
        system, path = self._resolve(name)
        return bool(system.exists(path))

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises
        ------
        DataError
            if it is missing or the place cannot be read.
        """
        system, path = self._resolve(name)
        try:
            return bytes(system.cat_file(path))
        except OSError as error:
            raise DataError(f"{self}/{name} cannot be read: {error.strerror or error}.", "Make it anew.") from error

    def write(self, name: str, content: bytes | memoryview) -> None:
        """A file of these bytes, whole or not at all."""
        with self.atomic_file(name) as path:
            path.write_bytes(content)

    @contextmanager
    def atomic_file(self, name: str) -> Iterator[Path]:
        """A file of this machine to write to; it takes its place when the block ends well and vanishes when it does not.

        Raises
        ------
        DataError
            if the disk is full or the place refuses to be written.
        """
        path = self._resolve(name)[1]
        try:
            if self.local:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                partial = Path(path).with_name(f".{Path(path).name}.{uuid.uuid4().hex[:8]}")
            else:
                handle, text = tempfile.mkstemp(prefix="ripeline")
                os.close(handle)
                partial = Path(text)
            try:
                yield partial
                if self.local:
                    os.replace(partial, path)
                else:
                    self.upload(name, partial)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(
                f"{self}/{name} could not be written: {error.strerror or error}.",
                "Free some space or name another folder; what was there before still is.",
            ) from error

    def upload(self, name: str, file: Path) -> None:
        """A file of this machine into an object store, in blocks.

        Raises
        ------
        DataError
            if the place refuses to be written.
        """
        system, path = self._resolve(name)
        try:
            system.put_file(str(file), path)
        except OSError as error:
            raise DataError(
                f"{self}/{name} could not be written: {error.strerror or error}.", "Name another folder."
            ) from error

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """The file as one of this machine; that of an object store is fetched for as long as the block lasts."""
        if self.local:
            yield self.local / name
            return
        with tempfile.TemporaryDirectory(prefix="ripeline") as scratch:
            path = Path(scratch) / Path(name).name
            path.write_bytes(self.read(name))
            yield path

    def remove(self, name: str) -> None:
        """Take a file or folder away, if it is there."""
        system, path = self._resolve(name)
        if system.exists(path):
            system.rm(path, recursive=True)

    def names(self, folder: str = "") -> list[str]:
        """The files and folders in a folder, sorted; none where there is no folder."""
        system, path = self._resolve(folder)
        if not system.exists(path):
            return []
        system.invalidate_cache()
        return sorted(str(entry).rstrip("/").rpartition("/")[2] for entry in system.ls(path, detail=False))

    def _resolve(self, name: str) -> tuple[Any, str]:
        url = f"{self.url}/{name}".rstrip("/")
        try:
            system, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise DataError(
                f"{self.url} cannot be reached: {error}.", "Install what fsspec needs for it, such as s3fs for s3://."
            ) from error
        return system, path

    # --- kinds of content -----------------------------------------------------------------------------------------------

    def write_json(self, name: str, content: Any) -> None:
        """Plain values as JSON."""
        self.write(name, (json.dumps(content) + "\n").encode())  # indented, it would take ten times as long

    def read_json(self, name: str) -> Any:
        """Plain values from JSON.

        Raises
        ------
        DataError
            if the file is missing or no JSON.
        """
        try:
            return json.loads(self.read(name))
        except ValueError as error:
            raise DataError(f"{self}/{name} is not valid JSON: {error}.", "Make it anew.") from error

    def write_table(self, name: str, table: pa.Table) -> None:
        """An Arrow table as Parquet."""
        with self.atomic_file(name) as path:
            pq.write_table(table, path, compression="zstd")

    def write_arrow(self, name: str, content: pa.Buffer) -> None:
        """An Arrow file of `arrow_bytes`."""
        self.write(name, memoryview(content))

    def read_arrow(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The table of an Arrow file, or some of its columns.

        Raises
        ------
        DataError
            if it is missing or damaged.
        """
        source = pa.BufferReader(self.read(name))
        try:
            if columns is None:
                return pa.ipc.open_file(source).read_all()
            with pa.ipc.open_file(source) as file:
                places = sorted(file.schema.get_field_index(column) for column in columns)
            source.seek(0)
            options = pa.ipc.IpcReadOptions(included_fields=places)
            return pa.ipc.open_file(source, options=options).read_all().select(list(columns))
        except pa.ArrowInvalid as error:
            raise DataError(f"{self}/{name} cannot be read as an Arrow file: {error}.", "Make it anew.") from error

    def write_array(self, name: str, array: npt.NDArray[Any]) -> None:
        """An array as .npy."""
        with self.atomic_file(name) as path, path.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    def read_array(self, name: str) -> npt.NDArray[Any]:
        """An array from .npy, read whole.

        Raises
        ------
        DataError
            if it is missing or damaged.
        """
        try:
            source = (self.local / name) if self.local else io.BytesIO(self.read(name))
            array: npt.NDArray[Any] = np.load(source, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{self}/{name} cannot be read as an array: {error}.", "Make it anew.") from error
        return array


def arrow_bytes(table: pa.Table, compression: str | None = None) -> pa.Buffer:
    """A table as an Arrow file: many times as fast to write and read as Parquet, and somewhat larger."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()
