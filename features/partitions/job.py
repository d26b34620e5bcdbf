"""The parts of a partitioning, each noted as it is finished (a checkpoint), so that an interrupted job goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.partitions.dealer import MAX_BUCKETS, Dealing, TooLong, deal
from features.partitions.executor import Engine, Tick, run_all
from features.partitions.lead_tables import BucketAssignment
from features.partitions.manifest import Manifest, Segment, segment_from
from features.partitions.pieces import WAITING, sum_counts
from features.partitions.reading import InteractionSource
from features.partitions.shuffle import Counting, Counts, Cutting, Pieces, Sorting, count, cut, leads_table, sort
from features.partitions.storage import Storage

Ints = npt.NDArray[np.int64]
Segments = tuple[dict[int, tuple[Segment, ...]], tuple[Segment, ...]]  # by bucket, and those that wait


@dataclass(frozen=True)
class ShuffledPieces:
    """What was dealt out of leads in an order: by share of the rows the files of each piece, which begins at `begins`."""

    storage: Storage
    begins: Ints
    shares: tuple[Pieces, ...]

    @cached_property
    def rows(self) -> Ints:
        """(leads,) up to the extraction."""
        counts: Ints = np.sum([self.storage.read_array(share.rows) for share in self.shares], axis=0)
        return counts

    @cached_property
    def unknown(self) -> pa.Table:
        """lead_id and rows of leads that are not known."""
        return sum_counts([self.storage.read_arrow(share.unknown) for share in self.shares])

    @property
    def late_rows(self) -> int:
        """Rows after the extraction."""
        return sum(share.late for share in self.shares)

    @property
    def latest(self) -> int | None:
        """The last of these (µs)."""
        return max((share.latest for share in self.shares if share.latest is not None), default=None)

    @property
    def early(self) -> dict[str, int | None]:
        """Rows from before their lead was created (`early`), and the first of them (`earliest`, µs)."""
        earliest = min((share.earliest for share in self.shares if share.earliest is not None), default=None)
        return {"early": sum(share.early for share in self.shares), "earliest": earliest}

    @property
    def ancient(self) -> dict[str, int | None]:
        """Rows before all that can be meant (`ancient`), and the first of them (`oldest`, µs)."""
        oldest = min((share.oldest for share in self.shares if share.oldest is not None), default=None)
        return {"ancient": sum(share.ancient for share in self.shares), "oldest": oldest}

    def files(self, start: int, end: int) -> tuple[str, ...]:
        """Those in which leads from `start` to before `end` are."""
        numbers = range(int(np.searchsorted(self.begins, start, "right")) - 1, int(np.searchsorted(self.begins, end)))
        return tuple(share.files[str(n)] for n in numbers for share in self.shares if str(n) in share.files)

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(share.files[str(WAITING)] for share in self.shares if str(WAITING) in share.files)


@dataclass
class Job:
    """One partitioning. Its parts lie under a name that changes with what is partitioned (`key`)."""

    storage: Storage
    engine: Engine
    key: str
    extracted_at: int
    tick: Tick | None

    @property
    def folder(self) -> str:
        return f"work/{self.key}"

    def _shares(self, rows: InteractionSource) -> list[InteractionSource]:
        return rows.split(self.engine.budget.workers, spread=self.engine.distributed)

    def counted(self, rows: InteractionSource) -> Counts:
        """Rows by lead."""
        tasks = [Counting(r, self.extracted_at, self.storage, self.engine.budget) for r in self._shares(rows)]
        counts = run_all(self.engine, count, tasks, [f"counting {i + 1}" for i in range(len(tasks))])
        latest = max((f.latest for f in counts if f.latest is not None), default=None)
        oldest = min((f.oldest for f in counts if f.oldest is not None), default=None)
        ancient_rows = sum(f.ancient_rows for f in counts)
        return Counts(sum_counts([f.rows for f in counts]), sum(f.late_rows for f in counts), latest, ancient_rows, oldest)

    def shuffle(self, rows: InteractionSource, leads: pa.Array, begins: Ints, created: Ints | None = None) -> ShuffledPieces:
        """Rows by pieces of `leads`, which begin at `begins`; with `created` (leads,) those from before that are counted."""
        record, leads_file = f"{self.folder}/cut.json", f"{self.folder}/leads.arrow"
        if self.storage.exists(record):
            return ShuffledPieces(self.storage, begins, tuple(Pieces(**saved) for saved in self.storage.read_json(record)))
        self.storage.write_arrow(leads_file, leads_table(leads, created))
        tasks = [
            Cutting(r, leads_file, begins, f"{self.folder}/cut{i:04d}", self.extracted_at, self.storage, self.engine.budget)
            for i, r in enumerate(self._shares(rows) or [rows])
        ]
        shares = run_all(self.engine, cut, tasks, [f"cutting {i + 1}" for i in range(len(tasks))])
        self.storage.write_json(record, [asdict(share) for share in shares])
        return ShuffledPieces(self.storage, begins, tuple(shares))

    def sorted(self, shuffled: ShuffledPieces, assignment: BucketAssignment) -> Segments:
        """A segment for each bucket that has rows, and one for what waits."""
        starts = np.flatnonzero(np.diff(assignment.bucket, prepend=-1))
        ends = np.append(starts[1:], len(assignment.bucket))
        rows = np.add.reduceat(shuffled.rows, starts) if len(starts) else starts
        spans = {
            int(assignment.bucket[start]): (start, end)
            for start, end in zip(starts[rows > 0].tolist(), ends[rows > 0].tolist(), strict=True)
        }
        segments = {number: self._sorted(number) for number in ([WAITING] if shuffled.waiting else []) + list(spans)}
        todo = [number for number, segment in segments.items() if segment is None]
        tasks = [self._sorting(number, shuffled, assignment, spans) for number in todo]

        def tick(count: int, _: int) -> None:
            if self.tick:
                self.tick(len(segments) - len(todo) + count, len(segments))

        sorted_segments = run_all(self.engine, sort, tasks, [f"bucket {task.output_folder}" for task in tasks], tick)
        segments |= dict(zip(todo, sorted_segments, strict=True))
        segments_of = {number: (segment,) for number, segment in segments.items() if segment}
        return {n: s for n, s in segments_of.items() if n != WAITING}, segments_of.get(WAITING, ())

    def _sorting(
        self, number: int, shuffled: ShuffledPieces, assignment: BucketAssignment, spans: Mapping[int, tuple[int, int]]
    ) -> Sorting:
        record, budget = self._record(number), self.engine.budget
        if number == WAITING:
            return Sorting(shuffled.waiting, "waiting", record, self.storage, budget, assignment.lead_id[:0], waiting=True)
        start, end = spans[number]
        leads = assignment.lead_id.take(pa.array(np.arange(start, end)))  # a slice would be sent with all that it is cut from
        return Sorting(shuffled.files(start, end), f"{number:05d}", record, self.storage, budget, leads, start)

    def cut(self, rows: InteractionSource, assignment: BucketAssignment) -> Segments:
        """Segments of rows whose leads' buckets are known."""
        begins = np.flatnonzero(np.diff(assignment.bucket, prepend=-1)).astype(np.int64)
        return self.sorted(self.shuffle(rows, assignment.lead_id, begins), assignment)

    def cut_small(self, rows: InteractionSource, assignment: BucketAssignment, count: int) -> Segments:
        """As `cut`; so few rows as a day has, `count` of them, are sorted in one piece."""
        if self.engine.distributed or count > MAX_BUCKETS * self.engine.budget.of_bucket:
            return self.cut(rows, assignment)
        task = Dealing(rows, assignment.lead_id, assignment.bucket, self.extracted_at, self.storage, self.engine.budget)
        segments = run_all(self.engine, deal, [task], ["sorting what is new"])[0]
        if isinstance(segments, TooLong):
            return self.cut(rows, assignment)
        if self.tick:
            self.tick(1, 1)
        return {n: (s,) for n, s in segments.items() if n != WAITING}, tuple(s for n, s in segments.items() if n == WAITING)

    def _record(self, number: int) -> str:
        return f"{self.folder}/sorted-{number:05d}.json"

    def _sorted(self, number: int) -> Segment | None:
        name = self._record(number)
        if not self.storage.exists(name):
            return None
        segment = segment_from(self.storage.read_json(name))
        return segment if self.storage.exists(segment.name) else None

    def written(self, manifest: Manifest) -> Manifest:
        """Make it what the folder holds, and take away what is not needed any more."""
        manifest.write(self.storage)
        self.storage.write_json(f"{self.folder}/finished.json", {})
        sweep(self.storage, manifest, self.key)
        return manifest


def sweep(storage: Storage, manifest: Manifest, key: str) -> None:
    """Take away what no manifest speaks of any more: parts of the job, and files of the partition before."""
    for name in storage.names("work"):
        if name != key:
            storage.remove(f"work/{name}")
    for name in storage.names(f"work/{key}"):
        if name != "finished.json":
            storage.remove(f"work/{key}/{name}")
    needed_files = manifest.files
    for folder in storage.names():
        if folder.isdigit() or folder in ("clean", "raw", "waiting"):
            for name in storage.names(folder):
                if f"{folder}/{name}" not in needed_files:
                    storage.remove(f"{folder}/{name}")
