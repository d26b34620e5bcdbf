"""What the memory of a streamed training is divided into.

A training holds as many accounts as it can. Beside it workers select what teaches, bucket by bucket, and then, while they
rest, trees of all accounts grow from bins in a process of their own. So what these need is taken off first, up to half of what
processes leave.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.partitions.memory import BASE, PLAIN

TRAINING = 450 * 2**20  # bytes of the process of a training before it holds an interaction (seen: 435 MiB)
ROWS = 200_000  # rows that bins are found on, as LightGBM itself does; fewer where there is less room
MIN_BIN_ROWS = 50_000  # of these rows: for their sake the training itself holds less
PER_VALUE = 14  # bytes of each value that bins are found on, with LightGBM's own copies (seen: 13.5)
PER_ROW = 90  # bytes of a landmark beside its bins: where it lies, label, weight, start; LightGBM's own, gradients, scores
BATCH = 4_096  # rows handed to LightGBM at once
SELECTS = 110 * 2**20  # bytes of a worker that selects, beside a bucket
SPARE = 170 * 2**20  # bytes of `BASE` that the process from which workers are made does not need (seen: 150)


@dataclass(frozen=True)
class Size:
    """A matrix: `landmarks` of so many `columns`, of which one bucket has at most `largest`."""

    landmarks: int
    columns: int
    largest: int

    @property
    def reading(self) -> int:
        """Bytes while a bucket is handed to LightGBM: as it lies on disk, the wanted columns of it, and a batch as doubles."""
        return 8 * self.columns * self.largest + 12 * self.columns * BATCH

    def selecting(self, workers: int) -> int:
        """Bytes while so many workers select."""
        return max(workers * (SELECTS + 12 * self.columns * self.largest) - SPARE, 0)

    @property
    def growing(self) -> int:
        """Bytes that trees of all landmarks need."""
        sample = min(MIN_BIN_ROWS, self.landmarks) * self.columns
        return max(PER_VALUE * sample, sample + self.landmarks * (self.columns + PER_ROW)) + self.reading

    def bins(self, room: int) -> tuple[int, float]:
        """How many rows bins are found on, and the share of the accounts whose bins fit, in so many bytes."""
        free = room - self.reading
        affordable_rows = max(
            (free - self.landmarks * (self.columns + PER_ROW)) // self.columns, MIN_BIN_ROWS
        )  # bins of all come first
        rows = int(min(ROWS, affordable_rows, max(free // (PER_VALUE * self.columns), MIN_BIN_ROWS // 10)))
        remaining = max(free - min(rows, self.landmarks) * self.columns, room // 4)
        return rows, float(min(1.0, remaining / max(self.landmarks * (self.columns + PER_ROW), 1)))


@dataclass(frozen=True)
class MemoryPlan:
    """The `share` of the accounts that a training holds, and the bytes in which `trees` of all grow."""

    share: float
    trees: int

    @classmethod
    def divide(cls, memory: int, interactions: int, size: Size, workers: int, *, cluster: bool = False) -> MemoryPlan:
        """Divide `memory` bytes among a training and its `workers`. On a cluster they have memory of their own.

        While trees grow there is beside the training a process from which workers are made, with what every process has.
        """
        all_bytes = PLAIN * max(interactions, 1)
        tree_bytes = max(memory - BASE, memory // 4)
        if all_bytes + BASE <= memory:
            return cls(1.0, tree_bytes)
        if cluster:
            return cls(min(1.0, max(memory - TRAINING, memory // 4) / all_bytes), tree_bytes)
        usable = max(memory - TRAINING - BASE, memory // 4)
        reserved = max(min(size.growing, usable // 2), min(size.selecting(workers), usable * 3 // 4))
        share = min(1.0, (usable - reserved) / all_bytes)
        return cls(share, usable - int(share * all_bytes))
