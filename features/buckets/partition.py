"""Partition a dataset: cut its tables into buckets of whole accounts, sort them once, and say in a manifest what lies where.

What is added later (`add`) is cut into the same buckets as a further segment each; accounts that moved to another bucket and
buckets with many segments are cut again. Either way the manifest is written last and whole, so an interrupted job leaves what
was there before, and run again it goes on from the parts that are finished.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.buckets.cut import Counting, Cutting, Sorting, count, cut, sort, where_table
from features.buckets.day import Day
from features.buckets.deal import MOST, WAITING, Dealing, TooLong, deal
from features.buckets.lock import locked
from features.buckets.manifest import Bucket, Manifest, Segment, is_partitioned, segment_from
from features.buckets.memory import LEAD
from features.buckets.place import Place
from features.buckets.raw import Raw
from features.buckets.segments import Rows
from features.buckets.whole import Cut, cut_accounts, store_all, store_buckets
from features.buckets.work import Engine, Tick, every
from features.clock import moment, timestamps
from features.errors import DataError
from features.funnel import Funnel
from features.histories import MIN_TYPE_ROWS
from features.report import DataReport
from features.validate import UNKNOWN, of_nobody, validate

MOST_SEGMENTS = 12  # of a bucket; then those of days are sorted into one


def partition(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Partition `raw` into the folder; a partition of other content there is replaced, one of the same left alone.

    Raises
    ------
    DataError
        for what `features.validate` refuses, parts that failed (each is named), a full disk, or a folder in use.
    """
    with locked(place, "partitioning a dataset"):
        budget = engine.budget
        key = _key(raw.digest, raw.lean.digest, asdict(funnel), budget.of_bucket, budget.workers)
        if is_partitioned(place) and place.exists(f"work/{key}/finished.json"):
            return Manifest.read(place)
        job = Job(place, engine, key, moment(raw.lean.extracted_at), tick)
        clean, report = validate(raw.lean, funnel)
        given = Rows(raw.queries)
        counted = job.counted(given)
        unusable = _unusable(counted, clean.leads["lead_id"])
        rows = counted.set_index("lead_id")["rows"]
        size = budget.of_buckets(int(rows.sum()) + LEAD * len(clean.leads))
        where = cut_accounts(clean.leads, rows, size)
        segments, waiting = job.cut(given, where, wait=bool(unusable["unknown"] or unusable["late"]))
        buckets = [replace(b, segments=segments.get(b.number, ())) for b in store_buckets(place, clean, where)]
        manifest = Manifest(
            raw.lean.source, raw.lean.time, raw.lean.extracted_at.isoformat(), where.borders, tuple(buckets),
            store_all(place, "clean", clean), store_all(place, "raw", raw.lean), raw.report.merge(report).to_dict(), waiting,
            unusable, (), (*funnel.stages, *funnel.exits),
        )  # fmt: skip
        return job.written(_reported(manifest))


def add(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Add what came since: new interactions, and new or changed rows of the other tables. Rows with a known key replace the
    old ones. The result is that of partitioning everything anew, but that accounts may lie in other buckets.

    Raises
    ------
    DataError
        as for `partition`; or if there is no partition yet, or it was extracted later or validated for another funnel.
    """
    with locked(place, "adding to a partitioned dataset"):
        old = Manifest.read(place)
        _check_fits(place, old, raw, funnel)
        if raw.digest in old.added:  # it was interrupted between the manifest and the end
            return old
        key = _key(raw.digest, asdict(funnel), engine.budget.workers, old.digest)
        job = Job(place, engine, key, moment(raw.lean.extracted_at), tick)
        day = Day.of(place, old, raw.lean, funnel)
        fresh = Rows(raw.queries, tuple(s.name for s in old.waiting))
        counted = job.counted(fresh)
        again = day.moved
        where = day.where(counted["lead_id"], again)
        unusable = _unusable(counted, pd.Series(where.lead_id), sum(b.rows for b in old.buckets))
        recut = [s for b in old.buckets if b.number in again for s in b.segments]
        rows = int(counted[["rows", "late"]].to_numpy().sum()) + sum(s.rows for s in recut)
        everything = replace(fresh, segments=(*fresh.segments, *(s.name for s in recut)))
        segments, waiting = job.dealt(everything, where, rows)
        kept = {b.number: () if b.number in again else b.segments for b in old.buckets}
        kept |= _together(replace(job, key=f"{key}-together"), day, {n: s for n, s in kept.items() if len(s) >= MOST_SEGMENTS})
        buckets = [replace(b, segments=(*kept[b.number], *segments.get(b.number, ()))) for b in day.buckets()]
        manifest = replace(
            old, extracted_at=raw.lean.extracted_at.isoformat(), buckets=tuple(buckets), whole=day.whole, raw=day.raw,
            report=day.report.to_dict(), waiting=waiting, unusable=unusable, added=(*old.added, raw.digest),
        )  # fmt: skip
        return job.written(_reported(manifest))


def _together(job: Job, day: Day, full: dict[int, tuple[Segment, ...]]) -> dict[int, tuple[Segment, ...]]:
    """The segments of these buckets with those of days as one; all of them where the first is not larger than the others."""
    tails = {}
    for number, segments in full.items():
        small = len(segments) > 2 and segments[0].rows > sum(s.rows for s in segments[1:])
        tails[number] = segments[1:] if small else segments
    recut = Rows((), tuple(s.name for tail in tails.values() for s in tail))
    if not recut:
        return {}
    where = day.where(pd.Series(dtype="str"), set(full))
    found, _ = job.cut(recut, where)
    return {
        n: (*full[n][: len(full[n]) - len(tail)], *(replace(s, of=tuple(t.name for t in tail)) for s in found[n]))
        for n, tail in tails.items()
    }


def _key(*said: object) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _check_fits(place: Place, old: Manifest, raw: Raw, funnel: Funnel) -> None:
    if raw.lean.extracted_at < pd.Timestamp(old.extracted_at):
        raise DataError(
            f"What is to be added was extracted at {raw.lean.extracted_at}, before {place} ({old.extracted_at}).",
            "Add days in their order, or partition everything anew.",
        )
    if old.stages != (*funnel.stages, *funnel.exits):
        raise DataError(
            f"{place} was partitioned for the lead stages and exits {', '.join(old.stages)}; `funnel:` has others now.",
            "Partition everything anew.",
        )


def _unusable(counted: pd.DataFrame, known: pd.Series[str], before: int = 0) -> dict[str, Any]:
    """Rows of unknown leads and of later than the extraction; `known`: leads, at least those of the rows. There are `before`
    rows of known leads already: a quiet day may bring none, while rows of others wait.

    Raises
    ------
    DataError
        if no row of all is of a known lead.
    """
    unknown = pd.Index(known).get_indexer(pd.Index(counted["lead_id"])) < 0
    rows = counted["rows"].to_numpy(np.int64)
    if rows.sum() and not before + rows[~unknown].sum():
        example = str(known.iloc[0]) if len(known) else "none of them"
        raise of_nobody("interactions", int(rows.sum()), str(counted["lead_id"].iloc[0]), example)
    lost = unknown & (rows > 0)
    example = str(counted["lead_id"].to_numpy(object)[lost][0]) if lost.any() else ""
    return {"unknown": int(rows[lost].sum()), "leads": int(lost.sum()), "example": example, "late": int(counted["late"].sum())}


def _reported(manifest: Manifest) -> Manifest:
    """With a report that says of the interactions what validating says of other tables."""
    report, unusable, tally = DataReport.from_dict(manifest.report), manifest.unusable, manifest.tally
    at = pd.Timestamp(manifest.extracted_at)
    report.warn("interactions", f"rows whose at lies after the extraction at {at}", unusable["late"], done="dropped")
    report.warn("interactions", f"rows of {unusable['leads']:,} {UNKNOWN}", unusable["unknown"], unusable["example"], "dropped")
    rare = [name for name, rows in sorted(tally.types.items(), key=lambda t: (-t[1], t[0])) if rows < MIN_TYPE_ROWS]
    report.note("interactions", f"types with fewer than {MIN_TYPE_ROWS} rows", len(rare), ", ".join(rare[:5]), "kept")
    odd = sum(Counter(tally.odd).values())
    if odd:
        report.warn(
            "interactions", "rows whose direction is neither in nor out", odd, repr(min(tally.odd)), "direction emptied"
        )
    period = report.period
    if tally.first is not None and tally.last is not None and period:
        first, last = timestamps(np.array([tally.first, tally.last]))
        period = (min(pd.Timestamp(period[0]), first).isoformat(), max(pd.Timestamp(period[1]), last).isoformat())
    rows = report.rows | {"interactions": manifest.rows}
    return replace(manifest, report=replace(report, rows=rows, period=period).to_dict())


@dataclass
class Job:
    """The parts of one partitioning, each noted as it is finished, under a name that changes with what is partitioned."""

    place: Place
    engine: Engine
    key: str
    extracted_at: int
    tick: Tick | None

    @property
    def folder(self) -> str:
        return f"work/{self.key}"

    def counted(self, rows: Rows) -> pd.DataFrame:
        """Rows by lead."""
        tasks = [Counting(r, self.extracted_at, self.place, self.engine.budget) for r in self._apart(rows)]
        found = every(self.engine, count, tasks, [f"counting {i + 1}" for i in range(len(tasks))])
        both = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["lead_id", "rows", "late"])
        return both.groupby("lead_id", as_index=False, sort=False).sum()

    def _apart(self, rows: Rows) -> list[Rows]:
        if not rows:
            return []
        return rows.apart() if self.engine.apart else [rows]

    def cut(self, rows: Rows, where: Cut, *, wait: bool = True) -> tuple[dict[int, tuple[Segment, ...]], tuple[Segment, ...]]:
        """Segments by bucket, and those that `wait`, if any does."""
        files = self._cut(rows, where, wait=wait)
        buckets = sorted(files)
        done = {number: self._sorted(number) for number in buckets}
        todo = [number for number in buckets if done[number] is None]
        starts = np.searchsorted(where.bucket, todo)
        ends = np.searchsorted(where.bucket, todo, "right")
        tasks = [
            Sorting(
                tuple(files[n]), "waiting" if n == WAITING else f"{n:05d}", self._record(n), self.place, self.engine.budget,
                pa.array(where.lead_id[start:end], pa.string()), int(start), n == WAITING,
            )
            for n, start, end in zip(todo, starts, ends, strict=True)
        ]  # fmt: skip

        def tick(done: int, _: int) -> None:
            if self.tick:
                self.tick(len(buckets) - len(todo) + done, len(buckets))

        found = every(self.engine, sort, tasks, [f"bucket {task.out}" for task in tasks], tick)
        done |= dict(zip(todo, found, strict=True))
        parts = {number: (segment,) for number, segment in done.items() if segment and segment.rows}
        return {n: s for n, s in parts.items() if n != WAITING}, parts.get(WAITING, ())

    def dealt(self, rows: Rows, where: Cut, count: int) -> tuple[dict[int, tuple[Segment, ...]], tuple[Segment, ...]]:
        """As `cut`; so few rows as a day has, `count` of them, are sorted in one piece."""
        if self.engine.apart or count > MOST * self.engine.budget.of_bucket:
            return self.cut(rows, where)
        task = Dealing(
            rows, where_table(where.lead_id, where.bucket, where.position), self.extracted_at, self.place, self.engine.budget
        )
        found = every(self.engine, deal, [task], ["sorting what is new"])[0]
        if isinstance(found, TooLong):
            return self.cut(rows, where)
        if self.tick:
            self.tick(1, 1)
        return {n: (s,) for n, s in found.items() if n != WAITING}, tuple(s for n, s in found.items() if n == WAITING)

    def _cut(self, rows: Rows, where: Cut, *, wait: bool) -> dict[int, list[str]]:
        record = f"{self.folder}/cut.json"
        if self.place.exists(record):
            return {int(number): names for number, names in self.place.read_json(record).items()}
        if not rows:
            return {}
        self.place.write_table(f"{self.folder}/where.parquet", where_table(where.lead_id, where.bucket, where.position))
        tasks = [
            Cutting(
                r,
                f"{self.folder}/where.parquet",
                f"{self.folder}/cut{i:04d}",
                self.extracted_at,
                self.place,
                self.engine.budget,
                wait,
            )
            for i, r in enumerate(self._apart(rows))
        ]
        found: dict[int, list[str]] = {}
        for part in every(self.engine, cut, tasks, [f"cutting {i + 1}" for i in range(len(tasks))]):
            for number, names in part.items():
                found.setdefault(number, []).extend(names)
        self.place.write_json(record, found)
        return found

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


def bucket_of(manifest: Manifest, number: int) -> Bucket:
    """The bucket of that number."""
    return manifest.buckets[number]
