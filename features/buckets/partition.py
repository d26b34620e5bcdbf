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

from features.buckets.cut import COLUMNS, Counting, Cutting, Sorting, count, cut, sort, where_table
from features.buckets.database import parquet
from features.buckets.lock import locked
from features.buckets.manifest import Bucket, Manifest, Segment, is_partitioned, segment_from
from features.buckets.memory import LEAD
from features.buckets.place import Place
from features.buckets.raw import Raw
from features.buckets.whole import Cut, cut_accounts, place_accounts, read_all, store_all, store_buckets
from features.buckets.work import Engine, Tick, every
from features.clock import moment, timestamps
from features.dataset import Dataset
from features.errors import DataError
from features.funnel import Funnel
from features.histories import MIN_TYPE_ROWS
from features.report import DataReport
from features.tables import TABLES
from features.validate import validate

MOST_SEGMENTS = 12  # of a bucket; then it is sorted into one again
WAITING = -1


def partition(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Partition `raw` into the folder; a partition of other content there is replaced, one of the same left alone.

    Raises
    ------
    DataError
        for what `features.validate` refuses, parts that failed (each is named), a full disk, or a folder in use.
    """
    with locked(place, "partitioning a dataset"):
        return _made(place, raw, funnel, engine, None, tick)


def add(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Add what came since: new interactions, and new or changed rows of the other tables. Rows with a known key replace the
    old ones. The result is that of partitioning everything anew, but that accounts may lie in other buckets.

    Raises
    ------
    DataError
        as for `partition`; or if there is no partition yet or it was extracted later than what is added.
    """
    with locked(place, "adding to a partitioned dataset"):
        old = Manifest.read(place)
        if raw.lean.extracted_at < pd.Timestamp(old.extracted_at):
            raise DataError(
                f"What is to be added was extracted at {raw.lean.extracted_at}, before {place} ({old.extracted_at}).",
                "Add days in their order, or partition everything anew.",
            )
        if raw.digest in old.added:  # it was interrupted between the manifest and the end
            return old
        before = read_all(place, old.raw, old)
        return _made(place, replace(raw, lean=merged(before, raw.lean)), funnel, engine, old, tick)


def merged(old: Dataset, new: Dataset) -> Dataset:
    """All tables but interactions: rows of `new` in place of those with the same key, else below."""
    tables: dict[str, Any] = {}
    for name, table in TABLES.items():
        mine, other = old.tables[name], new.tables[name]
        if name == "interactions" or not len(other):
            tables[name] = mine
            continue
        if table.key and len(mine):
            other = other.drop_duplicates(table.key, keep="last")
            changed = pd.Index(other[table.key]).get_indexer(pd.Index(mine[table.key]))
            columns = list(dict.fromkeys([*mine.columns, *other.columns]))
            wide, more = mine.reindex(columns=columns), other.reindex(columns=columns)
            both = pd.concat([wide, more], ignore_index=True)
            place = np.where(changed >= 0, len(mine) + changed, np.arange(len(mine)))
            fresh = len(mine) + np.flatnonzero(~np.isin(np.arange(len(other)), changed))
            tables[name] = both.iloc[np.append(place, fresh)].reset_index(drop=True)
        else:
            tables[name] = pd.concat([_texts(mine), _texts(other)], ignore_index=True)
    return Dataset.from_tables(tables, extracted_at=new.extracted_at, source=old.source, time=old.time)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{str(c): frame[c].astype("str") for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)})


def _made(place: Place, raw: Raw, funnel: Funnel, engine: Engine, old: Manifest | None, tick: Tick | None) -> Manifest:
    budget = engine.budget
    said = [raw.digest, raw.lean.digest, asdict(funnel), budget.of_bucket, budget.workers, old.digest if old else ""]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    if old is None and is_partitioned(place) and place.exists(f"work/{key}/finished.json"):
        return Manifest.read(place)
    job = Job(place, engine, key, moment(raw.lean.extracted_at), tick)
    clean, report = validate(raw.lean, funnel)
    counted = job.counted((*raw.queries, *_rows_of(place, old.waiting if old else ())))
    unusable = _unusable(counted, clean)
    where, again = _where(place, clean, counted, engine, old)
    kept = {b.number: b for b in old.buckets if b.number not in again} if old else {}
    recut = [s for b in old.buckets if b.number in again for s in b.segments] if old else []
    queries = (*raw.queries, *_rows_of(place, (*recut, *(old.waiting if old else ()))))
    segments, waiting = job.cut(queries, where)
    buckets = [
        replace(b, segments=(*b.segments, *segments.get(b.number, ()))) for b in store_buckets(place, clean, where, kept)
    ]
    manifest = Manifest(
        raw.lean.source, raw.lean.time, raw.lean.extracted_at.isoformat(), where.borders, tuple(buckets),
        store_all(place, "clean", clean), store_all(place, "raw", raw.lean), {}, waiting, unusable,
        (*old.added, raw.digest) if old else (),
    )  # fmt: skip
    before = raw.report if old is None else DataReport()
    manifest = replace(manifest, report=before.merge(_reported(report, manifest, clean)).to_dict())
    manifest.write(place)
    job.finished()
    sweep(place, manifest, key)
    return manifest


def _rows_of(place: Place, segments: tuple[Segment, ...] | list[Segment]) -> tuple[str, ...]:
    """Segments as queries; those of an object store are fetched first."""
    if not segments:
        return ()
    if place.local:
        return (f"SELECT {COLUMNS} FROM {parquet(*(place.local / s.name for s in segments))}",)
    raise DataError(
        f"{place} is an object store, to which nothing can be added yet where accounts moved or rows wait.",
        "Partition everything anew, or add to a copy in a folder.",
    )


def _unusable(counted: pd.DataFrame, clean: Dataset) -> dict[str, Any]:
    """Rows of unknown leads and of later than the extraction.

    Raises
    ------
    DataError
        if no row is of a known lead.
    """
    unknown = pd.Index(clean.leads["lead_id"]).get_indexer(pd.Index(counted["lead_id"])) < 0
    rows = counted["rows"].to_numpy(np.int64)
    if len(counted) and rows.sum() and not rows[~unknown].sum():
        raise DataError(
            f"Table 'interactions': none of its {int(rows.sum()):,} rows is of a lead in 'leads'; interactions has for example "
            f"{str(counted['lead_id'].iloc[0])!r}, leads {str(clean.leads['lead_id'].iloc[0])!r}.",
            "The ids do not match: map `lead_id` to the same kind of id in both.",
        )
    lost = unknown & (rows > 0)
    example = str(counted["lead_id"].to_numpy(object)[lost][0]) if lost.any() else ""
    return {"unknown": int(rows[lost].sum()), "leads": int(lost.sum()), "example": example, "late": int(counted["late"].sum())}


def _where(place: Place, clean: Dataset, counted: pd.DataFrame, engine: Engine, old: Manifest | None) -> tuple[Cut, set[int]]:
    """Where each lead lies, and the buckets whose interactions have to be cut again."""
    if old is None:
        rows = counted.set_index("lead_id")["rows"]
        size = engine.budget.of_buckets(int(rows.sum()) + LEAD * len(clean.leads))
        return cut_accounts(clean.leads, rows, size), set()
    now = place_accounts(clean.leads, old.borders)
    then = place_accounts(read_all(place, {"leads": old.whole["leads"]}, old).leads, old.borders)
    bucket = pd.Series(now.bucket, index=pd.Index(now.lead_id)).reindex(then.lead_id).fillna(WAITING).to_numpy(np.int64)
    moved = set(then.bucket[bucket != then.bucket].tolist())
    full = {b.number for b in old.buckets if len(b.segments) >= MOST_SEGMENTS}
    return now, {int(number) for number in moved | full}


def _reported(report: DataReport, manifest: Manifest, clean: Dataset) -> DataReport:
    """What validating said of the other tables, and the same of the interactions."""
    unusable, tally = manifest.unusable, manifest.tally
    at = pd.Timestamp(manifest.extracted_at)
    report.warn("interactions", f"rows whose at lies after the extraction at {at}", unusable["late"], done="dropped")
    report.warn(
        "interactions", f"rows of {unusable['leads']:,} unknown leads", unusable["unknown"], unusable["example"], "dropped"
    )
    rare = [name for name, rows in sorted(tally.types.items(), key=lambda t: (-t[1], t[0])) if rows < MIN_TYPE_ROWS]
    report.note("interactions", f"types with fewer than {MIN_TYPE_ROWS} rows", len(rare), ", ".join(rare[:5]), "kept")
    odd = sum(Counter(tally.odd).values())
    if odd:
        report.warn(
            "interactions", "rows whose direction is neither in nor out", odd, repr(min(tally.odd)), "direction emptied"
        )
    rows = {name: len(frame) for name, frame in clean.tables.items()} | {"interactions": manifest.rows}
    period = report.period
    if tally.first is not None and tally.last is not None and period:
        first, last = timestamps(np.array([tally.first, tally.last]))
        period = (min(pd.Timestamp(period[0]), first).isoformat(), max(pd.Timestamp(period[1]), last).isoformat())
    return replace(report, rows=rows, period=period)


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

    def counted(self, queries: tuple[str, ...]) -> pd.DataFrame:
        """Rows by lead."""
        tasks = [Counting(q, self.extracted_at, self.place, self.engine.budget) for q in self._apart(queries)]
        found = every(self.engine, count, tasks, [f"counting {i + 1}" for i in range(len(tasks))])
        both = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["lead_id", "rows", "late"])
        return both.groupby("lead_id", as_index=False, sort=False).sum()

    def _apart(self, queries: tuple[str, ...]) -> list[tuple[str, ...]]:
        if not queries:
            return []
        return [(q,) for q in queries] if self.engine.apart else [queries]

    def cut(self, queries: tuple[str, ...], where: Cut) -> tuple[dict[int, tuple[Segment, ...]], tuple[Segment, ...]]:
        """Segments by bucket, and those that wait."""
        files = self._cut(queries, where)
        buckets = sorted(files)
        done = {number: self._sorted(number) for number in buckets}
        todo = [number for number in buckets if done[number] is None]
        tasks = [
            Sorting(
                tuple(files[n]), "waiting" if n == WAITING else f"{n:05d}", self._record(n), self.place, self.engine.budget,
                n == WAITING,
            )
            for n in todo
        ]  # fmt: skip

        def tick(number: int, _: int) -> None:
            if self.tick:
                self.tick(len(buckets) - len(todo) + number, len(buckets))

        found = every(self.engine, sort, tasks, [f"bucket {n:05d}" for n in todo], tick)
        done |= dict(zip(todo, found, strict=True))
        parts = {number: (segment,) for number, segment in done.items() if segment and segment.rows}
        return {n: s for n, s in parts.items() if n != WAITING}, parts.get(WAITING, ())

    def _cut(self, queries: tuple[str, ...], where: Cut) -> dict[int, list[str]]:
        record = f"{self.folder}/cut.json"
        if self.place.exists(record):
            return {int(number): names for number, names in self.place.read_json(record).items()}
        if not queries:
            return {}
        self.place.write_table(f"{self.folder}/where.parquet", where_table(where.lead_id, where.bucket, where.position))
        tasks = [
            Cutting(
                q,
                f"{self.folder}/where.parquet",
                f"{self.folder}/cut{i:04d}",
                self.extracted_at,
                self.place,
                self.engine.budget,
            )
            for i, q in enumerate(self._apart(queries))
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

    def finished(self) -> None:
        self.place.write_json(f"{self.folder}/finished.json", {})


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
