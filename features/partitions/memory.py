"""How much memory there is, and what it is divided into."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

UNITS = {"": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")

BASE = 320 * 2**20  # bytes of a process that has imported everything and done nothing yet
PER_INTERACTION = 520  # bytes while a bucket is turned into features: rows, index, columns (measured at ten million: 500)
SMALLEST_BUCKET = 20_000
LARGEST_BUCKET = 1_000_000  # larger ones are no faster, and progress and resuming get coarser
BUCKETS_PER_WORKER = 4  # buckets at least for each worker
LEAD = 25  # a lead is as much work as so many interactions: its landmarks have columns whatever it did
PLAIN = 1_250  # bytes an interaction takes where a training holds everything (seen with 1.1 million: 1,213 beside `BASE`)


def size(text: str | int) -> int:
    """Bytes from "4GiB", "500 MB" or a number.

    >>> size("4GiB"), size("1.5 GB"), size(1000)
    (4294967296, 1500000000, 1000)

    Raises
    ------
    ValueError
        if it is no size.
    """
    match = _SIZE.fullmatch(str(text))
    if not match or match[2].upper() not in UNITS:
        raise ValueError(f"{text!r} is no size; write it like 4GiB or 500MB")
    return int(float(match[1]) * UNITS[match[2].upper()])


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> int:
    """Bytes of memory of this machine, or of the container it is."""
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, int(text)) if text.isdigit() else machine


@dataclass(frozen=True)
class Budget:
    """`memory` bytes for `workers` processes at once; `disk` bytes at most are spilled into `spill` (default: beside the
    buckets); `bucket` fixes how many interactions a bucket holds."""

    memory: int = 4 * 2**30
    workers: int = 1
    disk: int | None = None
    spill: str | None = None
    bucket: int | None = None

    @property
    def of_bucket(self) -> int:
        """Interactions a bucket may hold, so that every worker can work on one at the same time."""
        if self.bucket:
            return self.bucket
        room = max(self.memory - (self.workers + 1) * BASE, self.memory // 8)
        return int(min(max(0.7 * room / self.workers / PER_INTERACTION, SMALLEST_BUCKET), LARGEST_BUCKET))

    def of_buckets(self, work: int) -> int:
        """The same where there is `work` in all: smaller, if else there were too few for all workers to be busy to the end."""
        return self.bucket or min(self.of_bucket, max(SMALLEST_BUCKET, work // (BUCKETS_PER_WORKER * self.workers) + 1))

    @property
    def of_database(self) -> int:
        """Bytes for DuckDB while it works alone."""
        return max(int(0.6 * (self.memory - BASE)), 32 * 2**20)

    @property
    def of_sort(self) -> int:
        """Bytes for sorting in each worker."""
        return max(int(0.5 * (self.memory / self.workers - BASE)), 32 * 2**20)

    def holds(self, interactions: int) -> bool:
        """Does a training that keeps everything in memory fit?"""
        return interactions * PLAIN + BASE <= self.memory
