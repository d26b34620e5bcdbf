"""The manifest of a partitioned dataset: what lies in which bucket, with checksums.

It is written last, so nothing half-done counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from features.common.errors import DataError
from features.dataset.tally import Tally
from features.partitions.storage import Storage

NAME = "buckets.json"
VERSION = 6


@dataclass(frozen=True)
class Segment:
    """An Arrow file of interactions, sorted by (lead, at): its name in the folder, rows, checksum, and what it holds; `of`: the
    segments that it was made of, if it stands for others; `groups`: the file that says where its leads are, if it is large."""

    name: str
    rows: int
    checksum: str
    tally: Tally = field(default_factory=Tally)
    of: tuple[str, ...] = ()
    groups: str = ""

    @property
    def files(self) -> set[str]:
        return {self.name, self.groups} - {""}


@dataclass(frozen=True)
class Bucket:
    """Whole accounts: segments of their interactions (one, and one for each day added since), `tables`, the files of their
    leads (in the order of accounts), companies, lead stages and attribute changes by table, and digests of its `accounts`."""

    number: int
    leads: int
    segments: tuple[Segment, ...]
    tables: dict[str, str]
    accounts: str

    @property
    def rows(self) -> int:
        return sum(s.rows for s in self.segments)

    @property
    def content(self) -> str:
        """A digest of everything in the bucket."""
        parts = [[s.checksum for s in self.segments], sorted(self.tables.items()), self.accounts]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def label(self) -> str:
        return f"bucket {self.number:05d}"


@dataclass(frozen=True)
class Manifest:
    """A partitioned dataset.

    `borders` (buckets - 1,) are the first accounts of all buckets but the first. `whole` and `raw` are the files of the tables
    with a row a lead, cleaned and as they came, and `report` what cleaning found. `waiting`: rows that cannot be used yet (of
    unknown leads, or later than the extraction), with how many of each. `added`: digests of the days that are in already.
    `stages`: the lead stages and exits that it was validated for. `without_history`: columns known as they are today only.
    """

    source: str
    time: Literal["dates", "row_order"]
    extracted_at: str
    borders: tuple[str, ...]
    buckets: tuple[Bucket, ...]
    whole: dict[str, str]
    raw: dict[str, str]
    report: dict[str, Any]
    waiting: tuple[Segment, ...] = ()
    unusable: dict[str, Any] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    without_history: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Interactions."""
        return sum(b.rows for b in self.buckets)

    @property
    def tally(self) -> Tally:
        return Tally.merged([s.tally for b in self.buckets for s in b.segments])

    @property
    def digest(self) -> str:
        """A digest of the content."""
        parts = [self.extracted_at, self.time, [b.content for b in self.buckets], sorted(self.whole.items())]
        parts += [sorted(self.without_history)] if self.without_history else []
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def head(self) -> Manifest:
        """The manifest without its parts: what every task has to know."""
        return replace(self, buckets=(), whole={}, raw={}, report={}, waiting=())

    @property
    def files(self) -> set[str]:
        """Everything the manifest speaks of."""
        files = {*self.whole.values(), *self.raw.values()}
        for bucket in self.buckets:
            files |= {*bucket.tables.values(), bucket.accounts}
        segments = [*self.waiting, *(s for bucket in self.buckets for s in bucket.segments)]
        return files.union(*(s.files for s in segments))

    def write(self, storage: Storage) -> None:
        """Make it what the folder holds; what an earlier one spoke of stays until `sweep`."""
        storage.write_json(NAME, {"version": VERSION, **asdict(self)})

    @classmethod
    def read(cls, storage: Storage) -> Manifest:
        """The manifest of a folder.

        Raises
        ------
        DataError
            if there is none, or one of another version.
        """
        if not storage.exists(NAME):
            raise DataError(
                f"{storage} is no partitioned dataset: it has no {NAME}.",
                "Run `make partition CONFIG=… OUT=…`; one that was interrupted goes on where it stopped.",
            )
        saved = storage.read_json(NAME)
        try:
            if saved.pop("version") != VERSION:
                raise DataError(f"{storage} is of another version of Ripeline.", "Partition it anew.")
            buckets = tuple(
                Bucket(b["number"], b["leads"], _segments(b["segments"]), dict(b["tables"]), b["accounts"])
                for b in saved.pop("buckets")
            )
            waiting = _segments(saved.pop("waiting"))
            return cls(
                **{
                    **saved,
                    "borders": tuple(saved["borders"]),
                    "added": tuple(saved["added"]),
                    "stages": tuple(saved["stages"]),
                    "without_history": tuple(saved.get("without_history", ())),
                    "buckets": buckets,
                    "waiting": waiting,
                }
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"{storage}/{NAME} cannot be read ({error}).", "Partition it anew.") from error


def is_partitioned(storage: Storage) -> bool:
    """Does the folder hold a partitioned dataset?"""
    return storage.exists(NAME)


def segment_from(saved: dict[str, Any]) -> Segment:
    """The way back from `dataclasses.asdict`."""
    tally = Tally.from_dict(saved["tally"])
    return Segment(saved["name"], saved["rows"], saved["checksum"], tally, tuple(saved["of"]), saved["groups"])


def _segments(saved: Sequence[dict[str, Any]]) -> tuple[Segment, ...]:
    return tuple(segment_from(s) for s in saved)
