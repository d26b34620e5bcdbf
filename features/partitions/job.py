"""The parts of a partitioning, each noted as it is finished (a checkpoint), so that an interrupted job goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.partitions.dealer import MOST, Dealing, TooLong, deal
from features.partitions.executor import Engine, Tick, every
from features.partitions.lead_tables import Cut
from features.partitions.manifest import Manifest, Segment, segment_from
from features.partitions.pieces import WAITING, together_counted
from features.partitions.reading import Rows
from features.partitions.shuffle import Counting, Counts, Cutting, Pieces, Sorting, count, cut, leads_table, sort
from features.partitions.storage import Place

Ints = npt.NDArray[np.int64]
Segments = tuple[dict[int, tuple[Segment, ...]], tuple[Segment, ...]]  # by bucket, and those that wait


@dataclass(frozen=True)
class Dealt:
    """What was dealt out of leads in an order: the files of each piece, which begins with the lead at `begins`."""

    place: Place
    begins: Ints
    parts: tuple[Pieces, ...]

    @cached_property
    def rows(self) -> Ints:
        """(leads,) up to the extraction."""
        found: Ints = np.sum([self.place.read_array(part.rows) for part in self.parts], axis=0)
        return found

    @cached_property
    def unknown(self) -> pa.Table:
        """lead_id and rows of leads that are not known."""
        return together_counted([self.place.read_arrow(part.unknown) for part in self.parts])

    @property
    def late(self) -> int:
        """Rows after the extraction."""
        return sum(part.late for part in self.parts)

    def files(self, first: int, end: int) -> tuple[str, ...]:
        """Those in which leads from `first` to before `end` are."""
        numbers = range(int(np.searchsorted(self.begins, first, "right")) - 1, int(np.searchsorted(self.begins, end)))
        return tuple(part.files[str(n)] for n in numbers for part in self.parts if str(n) in part.files)

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(part.files[str(WAITING)] for part in self.parts if str(WAITING) in part.files)


@dataclass
class Job:
    """One partitioning. Its parts lie under a name that changes with what is partitioned (`key`)."""

    place: Place
    engine: Engine
    key: str
    extracted_at: int
    tick: Tick | None

    @property
    def folder(self) -> str:
        return f"work/{self.key}"

    def _apart(self, rows: Rows) -> list[Rows]:
        return rows.apart(self.engine.budget.workers, spread=self.engine.apart)

    def counted(self, rows: Rows) -> Counts:
        """Rows by lead."""
        tasks = [Counting(r, self.extracted_at, self.place, self.engine.budget) for r in self._apart(rows)]
        found = every(self.engine, count, tasks, [f"counting {i + 1}" for i in range(len(tasks))])
        return Counts(together_counted([f.rows for f in found]), sum(f.late for f in found))

    def dealt_out(self, rows: Rows, leads: pa.Array, begins: Ints) -> Dealt:
        """Rows by pieces of `leads`, each of which begins at one of `begins`."""
        record, known = f"{self.folder}/cut.json", f"{self.folder}/leads.arrow"
        if self.place.exists(record):
            return Dealt(self.place, begins, tuple(Pieces(**part) for part in self.place.read_json(record)))
        self.place.write_arrow(known, leads_table(leads))
        tasks = [
            Cutting(r, known, begins, f"{self.folder}/cut{i:04d}", self.extracted_at, self.place, self.engine.budget)
            for i, r in enumerate(self._apart(rows) or [rows])
        ]
        parts = every(self.engine, cut, tasks, [f"cutting {i + 1}" for i in range(len(tasks))])
        self.place.write_json(record, [asdict(part) for part in parts])
        return Dealt(self.place, begins, tuple(parts))

    def sorted(self, dealt: Dealt, where: Cut) -> Segments:
        """A segment for each bucket that has rows, and one for what waits."""
        starts = np.flatnonzero(np.diff(where.bucket, prepend=-1))
        ends = np.append(starts[1:], len(where.bucket))
        rows = np.add.reduceat(dealt.rows, starts) if len(starts) else starts
        spans = {
            int(where.bucket[start]): (start, end)
            for start, end in zip(starts[rows > 0].tolist(), ends[rows > 0].tolist(), strict=True)
        }
        done = {number: self._sorted(number) for number in ([WAITING] if dealt.waiting else []) + list(spans)}
        todo = [number for number, segment in done.items() if segment is None]
        tasks = [self._sorting(number, dealt, where, spans) for number in todo]

        def tick(count: int, _: int) -> None:
            if self.tick:
                self.tick(len(done) - len(todo) + count, len(done))

        found = every(self.engine, sort, tasks, [f"bucket {task.out}" for task in tasks], tick)
        done |= dict(zip(todo, found, strict=True))
        parts = {number: (segment,) for number, segment in done.items() if segment}
        return {n: s for n, s in parts.items() if n != WAITING}, parts.get(WAITING, ())

    def _sorting(self, number: int, dealt: Dealt, where: Cut, spans: Mapping[int, tuple[int, int]]) -> Sorting:
        record, budget = self._record(number), self.engine.budget
        if number == WAITING:
            return Sorting(dealt.waiting, "waiting", record, self.place, budget, where.lead_id[:0], waiting=True)
        start, end = spans[number]
        leads = where.lead_id.take(pa.array(np.arange(start, end)))  # a slice would be sent with all that it is cut from
        return Sorting(dealt.files(start, end), f"{number:05d}", record, self.place, budget, leads, start)

    def cut(self, rows: Rows, where: Cut) -> Segments:
        """Segments of rows whose leads' buckets are known."""
        begins = np.flatnonzero(np.diff(where.bucket, prepend=-1)).astype(np.int64)
        return self.sorted(self.dealt_out(rows, where.lead_id, begins), where)

    def dealt(self, rows: Rows, where: Cut, count: int) -> Segments:
        """As `cut`; so few rows as a day has, `count` of them, are sorted in one piece."""
        if self.engine.apart or count > MOST * self.engine.budget.of_bucket:
            return self.cut(rows, where)
        task = Dealing(rows, where.lead_id, where.bucket, self.extracted_at, self.place, self.engine.budget)
        found = every(self.engine, deal, [task], ["sorting what is new"])[0]
        if isinstance(found, TooLong):
            return self.cut(rows, where)
        if self.tick:
            self.tick(1, 1)
        return {n: (s,) for n, s in found.items() if n != WAITING}, tuple(s for n, s in found.items() if n == WAITING)

    def _record(self, number: int) -> str:
        return f"{self.folder}/sorted-{number:05d}.json"

    def _sorted(self, number: int) -> Segment | None:
        name = self._record(number)
        if not self.place.exists(name):
            return None
        segment = segment_from(self.place.read_json(name))
        return segment if self.place.exists(segment.name) else None

    def written(self, manifest: Manifest) -> Manifest:
        """Make it what the folder holds, and take away what is not needed any more."""
        manifest.write(self.place)
        self.place.write_json(f"{self.folder}/finished.json", {})
        sweep(self.place, manifest, self.key)
        return manifest


def sweep(place: Place, manifest: Manifest, key: str) -> None:
    """Take away what no manifest speaks of any more: parts of the job, and files of the partition before."""
    for name in place.names("work"):
        if name != key:
            place.remove(f"work/{name}")
    for name in place.names(f"work/{key}"):
        if name != "finished.json":
            place.remove(f"work/{key}/{name}")
    wanted = manifest.files
    for folder in place.names():
        if folder.isdigit() or folder in ("clean", "raw", "waiting"):
            for name in place.names(folder):
                if f"{folder}/{name}" not in wanted:
                    place.remove(f"{folder}/{name}")
