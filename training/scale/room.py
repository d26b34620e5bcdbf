"""What the memory of a streamed training is divided into.

A training holds as many accounts as it can, and at its end trees of all accounts grow in a process beside it, from bins. Both
count on `memory`, so what the trees need is taken off first, up to half.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.buckets.memory import BASE, PLAIN

TRAINING = 450 * 2**20  # bytes of the process of a training before it holds an interaction (seen: 435 MiB)
ROWS = 200_000  # rows that bins are found on, as LightGBM itself does; fewer where there is less room
ENOUGH = 50_000  # of these rows: for their sake the training itself holds less
PER_VALUE = 14  # bytes of each value that bins are found on, with LightGBM's own copies (seen: 13.5)
PER_ROW = 40  # bytes of a landmark beside its bins: label, weight, gradient, hessian, score, leaf
BATCH = 4_096  # rows handed to LightGBM at once


@dataclass(frozen=True)
class Size:
    """A matrix: `landmarks` of so many `columns`, of which one bucket has at most `largest`."""

    landmarks: int
    columns: int
    largest: int

    @property
    def reading(self) -> int:
        """Bytes while a bucket is handed to LightGBM: as it lies on disk, and a batch of it as doubles."""
        return 4 * self.columns * self.largest + 12 * self.columns * BATCH

    @property
    def growing(self) -> int:
        """Bytes that trees of all landmarks need."""
        sample = min(ENOUGH, self.landmarks) * self.columns
        return max(PER_VALUE * sample, sample + self.landmarks * (self.columns + PER_ROW)) + self.reading

    def bins(self, room: int) -> tuple[int, float]:
        """How many rows bins are found on, and the share of the accounts whose bins fit, in so many bytes."""
        free = room - self.reading
        wanted = max((free - self.landmarks * (self.columns + PER_ROW)) // self.columns, ENOUGH)  # bins of all come first
        rows = int(min(ROWS, wanted, max(free // (PER_VALUE * self.columns), ENOUGH // 10)))
        left = max(free - min(rows, self.landmarks) * self.columns, room // 4)
        return rows, float(min(1.0, left / max(self.landmarks * (self.columns + PER_ROW), 1)))


@dataclass(frozen=True)
class Room:
    """The `share` of the accounts that a training holds, and the bytes in which `trees` of all grow."""

    share: float
    trees: int

    @classmethod
    def of(cls, memory: int, interactions: int, size: Size, *, cluster: bool = False) -> Room:
        """Divide `memory` bytes. On a cluster trees grow in a worker with memory of its own.

        While trees grow there is beside the training a process from which workers are made, with what every process has.
        """
        everything = PLAIN * max(interactions, 1)
        if cluster:
            return cls(min(1.0, max(memory - TRAINING, memory // 4) / everything), max(memory - BASE, memory // 4))
        if everything + BASE <= memory:
            return cls(1.0, max(memory - BASE, memory // 4))
        usable = max(memory - TRAINING - BASE, memory // 4)
        trees = min(size.growing, usable // 2)
        share = min(1.0, (usable - trees) / everything)
        return cls(share, usable - int(share * everything))
